//! Mail made by GnuPG: decrypted, its signature checked, answered in kind; and
//! what cannot be read becomes a case all the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use serde_json::Value;

use crate::common::letter::signed_parts;
use crate::common::{Algorithm, Gpg, Letter, SECURITY_ADDRESS, SOON, wait_until};
use crate::world::{Answer, Office, Person, Servers, array, deadline, holds, report, text};

/// Stands in every encrypted report, and must stand nowhere else in clear.
const MARKER: &str = "Zanzibarquagga";

/// The reporters' side: one keyring that knows our certificate.
fn gpg_that_knows(office: &Office) -> Gpg {
    let gpg = Gpg::new();
    gpg.import(&office.setup.certificate());
    gpg
}

fn secret_report() -> String {
    format!("Your {MARKER} endpoint is vulnerable.\n")
}

/// A PGP/MIME mail round finished ciphertext.
fn pgp_mime(from: &str, armored: &str) -> Vec<u8> {
    let letter = Letter::new(from, SECURITY_ADDRESS, "...");
    let mail = format!(
        "From: {from}\nTo: {SECURITY_ADDRESS}\nSubject: ...\nMessage-ID: {}\nMIME-Version: 1.0\n\
         Content-Type: multipart/encrypted; boundary=\"b\"; protocol=\"application/pgp-encrypted\"\n\n\
         --b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n\
         --b\nContent-Type: application/octet-stream\n\n{armored}\n--b--\n",
        letter.message_id
    );
    crate::common::letter::with_crlf(mail.as_bytes())
}

/// Armor without a checksum, so that damage is found by decryption alone.
fn armor(binary: &[u8]) -> String {
    let base64 = STANDARD.encode(binary);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("base64"))
        .collect();
    format!(
        "-----BEGIN PGP MESSAGE-----\n\n{}\n-----END PGP MESSAGE-----\n",
        lines.join("\n")
    )
}

#[track_caller]
fn incoming(case: &Value) -> Value {
    array(&case["messages"])
        .into_iter()
        .find(|message| message["direction"] == "in")
        .expect("an incoming message")
}

#[track_caller]
fn check_good_signature(case: &Value, fingerprint: &str) {
    let signatures = array(&incoming(case)["signatures"]);
    assert_eq!(signatures.len(), 1, "{case:#}");
    assert_eq!(signatures[0]["status"], "good", "{case:#}");
    assert_eq!(signatures[0]["covers"], "all", "{case:#}");
    let signer = text(&signatures[0]["fingerprint"]);
    assert!(signer.eq_ignore_ascii_case(fingerprint), "{signer}");
}

/// The answer is PGP/MIME with nothing but the number outside; what gpg reads inside.
#[track_caller]
fn open_sealed(answer: &Answer, gpg: &Gpg, office: &Office) -> Answer {
    let id = answer.case();
    assert_eq!(answer.subject(), format!("[{id}]"));
    assert!(
        answer
            .header("Content-Type")
            .starts_with("multipart/encrypted"),
        "{}",
        answer.header("Content-Type")
    );
    assert_eq!(answer.header("Auto-Submitted"), "auto-replied");
    for inside in [MARKER, "We have received", "SHA-256", "Case "] {
        assert!(!holds(&answer.raw, inside), "{inside} stands outside");
    }
    let sealed = answer.message.parts.last().expect("a part").contents();
    let opened = gpg.decrypt(sealed);
    assert_eq!(
        opened.signed_by.as_deref(),
        Some(office.setup.fingerprint.as_str())
    );
    let inner = Answer::read(opened.bytes);
    assert_eq!(
        inner.message.subject(),
        Some(format!("[{id}] We have received your report").as_str())
    );
    let words = inner.text();
    assert!(words.contains(&id) && words.contains("SHA-256"), "{words}");
    assert!(!words.contains(MARKER), "{words}");
    inner
}

#[test]
fn what_gnupg_encrypts_is_read_and_answered_signed_and_encrypted() {
    let servers = Servers::shared();
    let office = servers.office();
    let gpg = gpg_that_knows(&office);
    office.setup.set_env("TRIAGED_LOG", "trace");
    let mut daemon = office.open();
    let us = office.setup.fingerprint.as_str();
    let key_of = |person: &Person| gpg.generate("Alice", &person.address, Algorithm::Curve25519);
    let clear_cases = [
        ("attached key", sent_with_attached_key as Sender),
        ("Autocrypt", sent_with_autocrypt),
        ("inline", sent_inline),
        ("protected subject", sent_with_protected_subject),
    ];
    for (shape, send) in clear_cases {
        let alice = servers.person("Alice");
        let key = key_of(&alice);
        send(&office, &gpg, &alice, &key);
        let answer = alice.answer();
        let inner = open_sealed(&answer, &gpg, &office);
        assert!(inner.text().contains("What would help us"), "{shape}");
        let case = office.case(&answer.case());
        assert_eq!(case["kind"], "report", "{shape}");
        let mail = incoming(&case);
        assert_eq!(
            (&mail["encrypted"], &mail["decrypted"]),
            (&Value::Bool(true), &Value::Bool(true)),
            "{shape}: {case:#}"
        );
        assert!(text(&mail["text"]).contains(MARKER), "{shape}: {case:#}");
        assert!(
            array(&case["labels"]).contains(&"encrypted".into()),
            "{shape}"
        );
        check_good_signature(&case, &key);
        if shape == "protected subject" {
            assert_eq!(case["subject"], format!("{MARKER} takes over"));
        }
    }

    // The other shapes, without any key of the sender: in clear, and nothing learned in it.
    let bare_cases = [
        ("bare", sent_bare as Sender),
        ("attached file", sent_as_attachment),
        ("attached binary file", sent_as_binary_attachment),
    ];
    for (shape, send) in bare_cases {
        let bob = servers.person("Bob");
        send(&office, &gpg, &bob, us);
        let answer = bob.answer();
        let id = answer.case();
        assert_eq!(
            answer.subject(),
            format!("[{id}] We have received your report")
        );
        let words = answer.text();
        assert!(
            words.contains("send us your public key"),
            "{shape}: {words}"
        );
        for learned in [
            "What would help us",
            "impact",
            "attacker",
            "weakness",
            MARKER,
        ] {
            assert!(!words.contains(learned), "{shape}: {learned}: {words}");
        }
        assert_eq!(answer.attachments(), 0);
        let case = office.case(&id);
        let mail = incoming(&case);
        assert_eq!(mail["decrypted"], true, "{shape}: {case:#}");
        let read = format!("{}{}", mail["text"], mail["attachments"]);
        assert!(
            read.contains(MARKER) || read.contains("report.txt"),
            "{shape}: {case:#}"
        );
    }

    for case in office.cases() {
        assert_eq!(deadline(&case, "acknowledge")["state"], "met", "{case:#}");
    }
    office.verify_audit();
    assert!(daemon.stop().success(), "{}", daemon.log());
    office.holds_nowhere(&[MARKER, "takes over"]);
}

type Sender = fn(&Office, &Gpg, &Person, &str);

fn sent_with_attached_key(office: &Office, gpg: &Gpg, alice: &Person, key: &str) {
    let mail = alice
        .letter("...")
        .attach("alice.asc", "application/pgp-keys", &gpg.export(key))
        .encrypted(
            gpg,
            &secret_report(),
            &[&office.setup.fingerprint, key],
            Some(key),
        );
    alice.send(office, &mail);
}

fn sent_with_autocrypt(office: &Office, gpg: &Gpg, alice: &Person, key: &str) {
    let binary = gpg.run(&["--export", key], b"").stdout;
    let autocrypt = format!(
        "addr={}; prefer-encrypt=mutual; keydata={}",
        alice.address,
        STANDARD.encode(binary)
    );
    let mail = alice
        .letter("...")
        .header("Autocrypt", &folded(&autocrypt))
        .encrypted(
            gpg,
            &secret_report(),
            &[&office.setup.fingerprint],
            Some(key),
        );
    alice.send(office, &mail);
}

/// A header line has at most 998 bytes (RFC 5322, 2.1.1).
fn folded(value: &str) -> String {
    let lines: Vec<&str> = value
        .as_bytes()
        .chunks(72)
        .map(|line| std::str::from_utf8(line).expect("ASCII"))
        .collect();
    lines.join("\n ")
}

fn sent_inline(office: &Office, gpg: &Gpg, alice: &Person, key: &str) {
    let words = format!("{}\n{}", secret_report(), gpg.export(key));
    let mail =
        alice
            .letter("...")
            .inline_encrypted(gpg, &words, &[&office.setup.fingerprint], Some(key));
    alice.send(office, &mail);
}

fn sent_with_protected_subject(office: &Office, gpg: &Gpg, alice: &Person, key: &str) {
    let content = format!(
        "Content-Type: multipart/mixed; boundary=\"i\"; protected-headers=\"v1\"\r\n\
         Subject: {MARKER} takes over\r\n\r\n\
         --i\r\nContent-Type: text/plain\r\n\r\n{}\r\n\
         --i\r\nContent-Type: application/pgp-keys\r\n\r\n{}\r\n--i--\r\n",
        secret_report(),
        gpg.export(key)
    );
    let armored = gpg.encrypt(content.as_bytes(), &[&office.setup.fingerprint], Some(key));
    let from = format!("{} <{}>", alice.name, alice.address);
    alice.send(office, &pgp_mime(&from, &armored));
}

fn sent_bare(office: &Office, gpg: &Gpg, bob: &Person, us: &str) {
    let mail = bob
        .letter("...")
        .encrypted(gpg, &secret_report(), &[us], None);
    bob.send(office, &mail);
}

fn sent_as_attachment(office: &Office, gpg: &Gpg, bob: &Person, us: &str) {
    let armored = gpg.encrypt(secret_report().as_bytes(), &[us], None);
    let mail = bob
        .letter("report")
        .attach("report.txt.gpg", "application/octet-stream", &armored)
        .plain("See the attachment.\n");
    bob.send(office, &mail);
}

fn sent_as_binary_attachment(office: &Office, gpg: &Gpg, bob: &Person, us: &str) {
    let binary = gpg
        .run(
            &["--encrypt", "--recipient", us],
            secret_report().as_bytes(),
        )
        .stdout;
    let base64 = folded(&STANDARD.encode(binary)).replace("\n ", "\n");
    let mail = format!(
        "From: Bob <{}>\nTo: {SECURITY_ADDRESS}\nSubject: report\nMIME-Version: 1.0\n\
         Message-ID: <binary@client.test>\nContent-Type: multipart/mixed; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nSee the attachment.\n\
         --b\nContent-Type: application/octet-stream; name=\"report.txt.gpg\"\n\
         Content-Disposition: attachment; filename=\"report.txt.gpg\"\n\
         Content-Transfer-Encoding: base64\n\n{base64}\n--b--\n",
        bob.address
    );
    bob.send(office, &crate::common::letter::with_crlf(mail.as_bytes()));
}

#[test]
fn what_cannot_be_read_is_a_case_and_its_sender_gets_our_key() {
    let servers = Servers::shared();
    let office = servers.office();
    let gpg = gpg_that_knows(&office);
    let stranger = gpg.generate("Stranger", "stranger@vendor.test", Algorithm::Curve25519);
    let _daemon = office.open();

    let alice = servers.person("Alice");
    let mail = alice
        .letter("...")
        .encrypted(&gpg, &secret_report(), &[&stranger], None);
    alice.send(&office, &mail);
    let answer = alice.answer();
    check_unreadable(&office, &answer);
    let words = one_line(&answer);
    assert!(
        words.contains("It is encrypted, and no key of ours is among the recipients."),
        "{words}"
    );

    // Damage to the session key, to the data and to its end: one wording for all.
    let us = office.setup.fingerprint.as_str();
    let intact = gpg
        .run(&["--encrypt", "--recipient", us], &long_report())
        .stdout;
    let mut wordings = Vec::new();
    for place in [60, intact.len() / 2, intact.len() - 3] {
        let mut damaged = intact.clone();
        damaged[place] ^= 0x41;
        let bob = servers.person("Bob");
        let from = format!("Bob <{}>", bob.address);
        bob.send(&office, &pgp_mime(&from, &armor(&damaged)));
        let answer = bob.answer();
        check_unreadable(&office, &answer);
        for why in [
            "no key of ours",
            "decrypt",
            "integrity",
            "damage",
            "corrupt",
            "session",
            "signature",
            "modif",
        ] {
            assert!(!answer.text().contains(why), "{why}: {}", answer.text());
        }
        wordings.push(constant_words(&answer));
    }
    assert_eq!(wordings[0], wordings[1]);
    assert_eq!(wordings[0], wordings[2]);

    wait_until("met deadlines", SOON, || {
        office
            .cases()
            .iter()
            .all(|case| deadline(case, "acknowledge")["state"] == "met")
    });
}

/// Long enough that there is data between the session key and the end.
fn long_report() -> Vec<u8> {
    let mut state = 1_u32;
    let noise: String = (0..4000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + (state >> 24) as u8 % 26)
        })
        .collect();
    format!("{}\n{noise}\n", secret_report()).into_bytes()
}

#[track_caller]
fn check_unreadable(office: &Office, answer: &Answer) {
    let id = answer.case();
    assert_eq!(
        answer.subject(),
        format!("[{id}] We have received your mail and cannot read it")
    );
    let case = office.case(&id);
    assert_eq!(case["kind"], "unreadable", "{case:#}");
    let mail = incoming(&case);
    assert_eq!(mail["encrypted"], true);
    assert_eq!(mail["decrypted"], false);
    let theirs = Gpg::new();
    theirs.import(&answer.key().expect("our key is attached"));
    let listed = theirs.run(&["--with-colons", "--list-keys"], b"").stdout;
    assert!(holds(&listed, &office.setup.fingerprint));
}

fn one_line(answer: &Answer) -> String {
    answer
        .text()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Without the number, the times and the digest.
fn constant_words(answer: &Answer) -> String {
    answer
        .text()
        .replace(&answer.case(), "NUMBER")
        .lines()
        .filter(|line| {
            !line.contains("Arrived ") && !line.contains("SHA-256") && !line.contains(" 20")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_certificate_seen_once_seals_every_later_answer() {
    let servers = Servers::shared();
    let office = servers.office();
    let gpg = gpg_that_knows(&office);
    let alice = servers.person("Alice");
    let key = gpg.generate("Alice", &alice.address, Algorithm::Curve25519);

    // An old mail in cipher, that a person lets be answered later.
    let old = alice
        .letter("...")
        .attach("alice.asc", "application/pgp-keys", &gpg.export(&key))
        .encrypted(
            &gpg,
            &secret_report(),
            &[&office.setup.fingerprint],
            Some(&key),
        );
    office.deliver("INBOX", &old, Utc::now() - TimeDelta::days(30));
    let _daemon = office.open();
    office.wait_for_mails("Triaged", 1);
    let id = text(&office.case_of(&alice)["id"]).to_owned();
    assert_eq!(office.letters_sent(), 0);
    let output = office.setup.cli(&["case", "acknowledge", &id]);
    assert!(output.status.success(), "{output:?}");
    let answer = alice.answer();
    assert_eq!(answer.case(), id);
    open_sealed(&answer, &gpg, &office);

    // In clear, without any key: she has shown one before.
    alice.send(&office, &alice.letter("XSS").plain(&report("/later")));
    open_sealed(&alice.answers(2)[1], &gpg, &office);

    // Signed in clear, the key attached.
    let bob = servers.person("Bob");
    let key = gpg.generate("Bob", &bob.address, Algorithm::Curve25519);
    let mail = bob
        .letter("CSRF")
        .attach("bob.asc", "application/pgp-keys", &gpg.export(&key))
        .signed(&gpg, &report("/signed"), &key);
    bob.send(&office, &mail);
    open_sealed(&bob.answer(), &gpg, &office);
    let case = office.case_of(&bob);
    check_good_signature(&case, &key);
    assert!(
        array(&case["labels"]).contains(&"signed".into()),
        "{case:#}"
    );

    // A key that was attached by somebody else, for another address, is not hers to use.
    let carol = servers.person("Carol");
    let mail = carol
        .letter("SSRF")
        .attach("bob.asc", "application/pgp-keys", &gpg.export(&key))
        .plain(&report("/carol"));
    carol.send(&office, &mail);
    let answer = carol.answer();
    assert!(answer.subject().ends_with("We have received your report"));
    office.verify_audit();
}

#[test]
fn what_leaves_in_clear_arrives_as_it_was_signed() {
    let servers = Servers::shared();
    let office = servers.office();
    let gpg = gpg_that_knows(&office);
    let _daemon = office.open();
    let dora = servers.person("Dora");
    dora.send(&office, &dora.letter("XSS").plain(&report("/dora")));
    let receipt = dora.answer();
    let id = receipt.case();
    let told = office
        .setup
        .cli(&["case", "reply", &id, "From us:\n.\nGrüße \n"]);
    assert!(told.status.success(), "{told:?}");
    for answer in [&receipt, &dora.answers(2)[1]] {
        let (signed, signature) = signed_parts(&answer.raw);
        let signer = gpg.verify(signed.as_bytes(), signature);
        assert_eq!(signer.as_deref(), Some(office.setup.fingerprint.as_str()));
        assert!(
            signed.contains(&format!("Subject: {}", answer.subject())),
            "{signed}"
        );
    }
}
