//! Which words stand under whose signature: what members command is read from these alone.
//!
//! The signatures are GnuPG's. Each mail is read with LF and with CRLF line ends.

mod common;
mod corpus;
mod desk;

use chrono::{TimeDelta, Utc};
use common::letter::{around_signed, with_crlf};
use common::{Algorithm, Gpg, Letter};
use desk::{ALICE, CONTROL, Desk, PROTOCOL, US, multipart, octets, with_boundary};
use triaged::mail::message::{Certificate, Message, SignatureStatus, SignedText};
use triaged::mail::open::{self, Limits, Opening};
use triaged::mail::pgp::read_certificates;

const BOB: &str = "bob@research.test";
const ORDER: &str = "/case SEC-2026-0001\n/accept\n";
const OUTSIDE: &str = "/case SEC-2026-0001\n/reject outside of every signature\n";
const SIGNED: &str = "signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512";

/// Alice and Bob are known.
fn world() -> Desk {
    let mut desk = Desk::new();
    desk.gpg.generate("Bob", BOB, Algorithm::Curve25519);
    desk.known
        .extend(read_certificates(desk.gpg.export(BOB).as_bytes()));
    desk
}

fn letter() -> Letter {
    Letter::new(&format!("Alice <{ALICE}>"), US, "Re: [SEC-2026-0001]")
}

fn head() -> String {
    format!("From: Alice <{ALICE}>\nTo: {US}\nSubject: orders\nMIME-Version: 1.0\n")
}

fn fingerprint(desk: &Desk, of: &str) -> String {
    read_certificates(desk.gpg.export(of).as_bytes())[0]
        .fingerprint
        .clone()
}

/// A part with its signature by `signer`, as an entity.
fn signed_part(gpg: &Gpg, part: &str, signer: &str) -> String {
    let part = with_crlf(part.trim_end().as_bytes());
    around_signed(&part, &gpg.sign_detached(&part, signer))
}

fn text_part(text: &str) -> String {
    format!("Content-Type: text/plain; charset=utf-8\n\n{text}")
}

/// Who signed which text, with LF and CRLF alike.
#[track_caller]
fn check(desk: &Desk, mail: &[u8], expected: &[(&str, &str)]) -> Message {
    let [lf, crlf] = desk.read_both(mail);
    for message in [&lf, &crlf] {
        let found: Vec<(&str, &str)> = message
            .openpgp
            .signed
            .iter()
            .map(|signed| (signed.signer.as_str(), signed.text.as_str()))
            .collect();
        let expected: Vec<(String, &str)> = expected
            .iter()
            .map(|(who, text)| (fingerprint(desk, who), *text))
            .collect();
        let expected: Vec<(&str, &str)> = expected
            .iter()
            .map(|(who, text)| (who.as_str(), *text))
            .collect();
        assert_eq!(
            found, expected,
            "of {:?}, {:?}",
            message.text, message.problems
        );
    }
    crlf
}

#[track_caller]
fn only(message: &Message) -> &SignedText {
    match message.openpgp.signed.as_slice() {
        [signed] => signed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_way_of_signing_gives_the_words() {
    let desk = world();
    let gpg = &desk.gpg;
    let signed_at_once = |message: &Message, encrypted: bool| {
        let signed = only(message);
        assert!(Utc::now() - signed.signed_at < TimeDelta::minutes(5));
        assert!(signed.signed_at <= Utc::now());
        assert_eq!((signed.encrypted, signed.attachments.len()), (encrypted, 0));
    };
    let expected = [(ALICE, ORDER)];
    let mime = check(&desk, &letter().signed(gpg, ORDER, ALICE), &expected);
    signed_at_once(&mime, false);
    let mime = letter().encrypted(gpg, ORDER, &[US], Some(ALICE));
    signed_at_once(&check(&desk, &mime, &expected), true);
    let clear = letter().inline_signed(gpg, ORDER, ALICE);
    signed_at_once(&check(&desk, &clear, &expected), false);
    let inline = letter().inline_encrypted(gpg, ORDER, &[US], Some(ALICE));
    signed_at_once(&check(&desk, &inline, &expected), true);

    // Signed, then encrypted as a mail of its own (RFC 3156, 6.1).
    let entity = around_signed(
        &letter().entity(ORDER),
        &gpg.sign_detached(&letter().entity(ORDER), ALICE),
    );
    let armored = gpg.encrypt(&with_crlf(entity.as_bytes()), &[US], None);
    let nested = letter().around_ciphertext(&armored);
    signed_at_once(&check(&desk, &nested, &expected), true);
    // Both: once.
    let armored = gpg.encrypt(&with_crlf(entity.as_bytes()), &[US], Some(ALICE));
    let both = letter().around_ciphertext(&armored);
    signed_at_once(&check(&desk, &both, &expected), true);
    // Clear-signed, then encrypted.
    let clear = gpg.sign_cleartext(ORDER.as_bytes(), ALICE);
    let inline = letter().inline_encrypted(gpg, &clear, &[US], Some(ALICE));
    signed_at_once(&check(&desk, &inline, &expected), true);
    // A message that is signed and not encrypted.
    let packed = gpg.run(
        &["--armor", "--sign", "--local-user", ALICE],
        ORDER.as_bytes(),
    );
    let packed = letter().plain(&String::from_utf8(packed.stdout).unwrap());
    signed_at_once(&check(&desk, &packed, &expected), false);
}

#[test]
fn what_stands_outside_is_never_in_it() {
    let desk = world();
    let gpg = &desk.gpg;
    let clear = gpg.sign_cleartext(ORDER.as_bytes(), ALICE);
    let around = format!("{OUTSIDE}\n{clear}\n{OUTSIDE}");
    let expected = [(ALICE, ORDER)];
    let inline = check(&desk, &letter().plain(&around), &expected);
    assert_eq!(inline.text.matches("outside of every").count(), 2);

    let signed = signed_part(gpg, &text_part(ORDER), ALICE);
    let outside = text_part(OUTSIDE);
    let footer = "Content-Type: text/plain\n\n_______\nlist mailing list\n/accept\n";
    for parts in [
        vec![signed.as_str(), footer],
        vec![outside.as_str(), signed.as_str()],
        vec![outside.as_str(), signed.as_str(), outside.as_str()],
    ] {
        let mail = head() + &with_boundary(&multipart("mixed", &parts), "list");
        check(&desk, mail.as_bytes(), &expected);
    }

    // A footer put into the multipart/signed itself, behind the signature and before it.
    let whole = String::from_utf8(letter().signed(gpg, ORDER, ALICE)).unwrap();
    let boundary = whole.split("boundary=\"").nth(1).unwrap();
    let boundary = boundary.split('"').next().unwrap();
    let end = format!("--{boundary}--");
    let behind = whole.replace(&end, &format!("--{boundary}\r\n{outside}\r\n{end}"));
    check(&desk, behind.as_bytes(), &expected);
    let second = format!("--{boundary}\r\nContent-Type: application/pgp-signature");
    let between = whole.replace(&second, &format!("--{boundary}\r\n{outside}\r\n{second}"));
    check(&desk, between.as_bytes(), &expected);
    // The first part is what is signed: another one in its place is not.
    let first = format!("--{boundary}\r\n");
    let before = whole.replacen(&first, &format!("{first}{outside}\r\n{first}"), 1);
    let message = check(&desk, before.as_bytes(), &[]);
    assert_eq!(message.openpgp.signatures[0].status, SignatureStatus::Bad);

    // Encrypted by Alice, with words of somebody else around.
    let ciphertext = gpg.encrypt(ORDER.as_bytes(), &[US], Some(ALICE));
    let around = format!("{OUTSIDE}\n{ciphertext}\n{OUTSIDE}");
    let message = check(&desk, &letter().plain(&around), &expected);
    assert!(only(&message).encrypted);
}

#[test]
fn only_a_good_signature_counts() {
    let desk = world();
    let gpg = &desk.gpg;
    check(&desk, &letter().plain(ORDER), &[]);
    check(&desk, &letter().encrypted(gpg, ORDER, &[US], None), &[]);
    let signed = letter().inline_signed(gpg, ORDER, ALICE);
    let changed = String::from_utf8(signed).unwrap().replace("0001", "0002");
    let message = check(&desk, changed.as_bytes(), &[]);
    assert_eq!(message.openpgp.signatures[0].status, SignatureStatus::Bad);

    gpg.generate("Mallory", "mallory@evil.test", Algorithm::Curve25519);
    let unknown = letter().inline_signed(gpg, ORDER, "mallory@evil.test");
    let message = check(&desk, &unknown, &[]);
    assert_eq!(
        message.openpgp.signatures[0].status,
        SignatureStatus::UnknownKey
    );
    // A stranger who brings a certificate signed it: as himself.
    let own = gpg.export("mallory@evil.test");
    let brought = letter()
        .attach("me.asc", "application/pgp-keys", &own)
        .signed(gpg, ORDER, "mallory@evil.test");
    let message = check(&desk, &brought, &[("mallory@evil.test", ORDER)]);
    assert!(only(&message).attachments.is_empty(), "a key is no file");
}

#[test]
fn of_alternatives_only_the_shown_and_signed_one_counts() {
    let desk = world();
    let gpg = &desk.gpg;
    let html = "Content-Type: text/html; charset=utf-8\n\n<p>/case SEC-2026-0001</p><p>/reject evil twin</p>\n";
    let plain = text_part(ORDER);
    // Both under the signature: the one that is shown.
    let both = with_boundary(&multipart("alternative", &[&plain, html]), "alt");
    let mail = head() + &signed_part(gpg, &both, ALICE);
    check(&desk, mail.as_bytes(), &[(ALICE, ORDER)]);
    // HTML alone, signed: as it is read, and what it quotes is quoted.
    let quoting = "Content-Type: text/html; charset=utf-8\n\n<p>/case SEC-2026-0001</p><p>/accept</p>\
                   <blockquote><p>/reject quoted</p></blockquote>\n";
    let mail = head() + &signed_part(gpg, quoting, ALICE);
    let message = desk.read(mail.as_bytes());
    let text = &only(&message).text;
    assert!(text.starts_with("/case SEC-2026-0001"), "{text}");
    let rejects: Vec<&str> = text.lines().filter(|it| it.contains("/reject")).collect();
    assert_eq!(rejects, ["> /reject quoted"]);
    // One alternative is signed, the other is not.
    let signed = signed_part(gpg, &plain, ALICE);
    for parts in [[signed.as_str(), html], [html, signed.as_str()]] {
        let mail = head() + &with_boundary(&multipart("alternative", &parts), "twin");
        check(&desk, mail.as_bytes(), &[(ALICE, ORDER)]);
    }
    let unsigned = text_part(OUTSIDE);
    let mail = head() + &with_boundary(&multipart("alternative", &[&unsigned, &signed]), "twin");
    let message = desk.read(mail.as_bytes());
    let signed = &message.openpgp.signed;
    assert!(
        signed.iter().all(|signed| signed.text == ORDER),
        "{signed:?}"
    );
}

#[test]
fn what_somebody_else_wrote_inside_is_not_the_signers() {
    let desk = world();
    let gpg = &desk.gpg;
    let mine = "/case SEC-2026-0001\n/note see below\n";
    let rfc822 = |mail: &str| format!("Content-Type: message/rfc822\n\n{mail}");
    let order_of_bob = signed_part(gpg, &text_part(ORDER), BOB);
    let forwarded = rfc822(&(head() + &order_of_bob));

    // A forwarded mail with commands, signed or not, within what Alice signed.
    let plain = rfc822(&format!("{}{}", head(), text_part(OUTSIDE)));
    let with_plain = with_boundary(&multipart("mixed", &[&text_part(mine), &plain]), "fwd");
    let mail = head() + &signed_part(gpg, &with_plain, ALICE);
    check(&desk, mail.as_bytes(), &[(ALICE, mine)]);
    let with_signed = with_boundary(&multipart("mixed", &[&text_part(mine), &forwarded]), "fwd");
    let mail = head() + &signed_part(gpg, &with_signed, ALICE);
    let message = check(&desk, mail.as_bytes(), &[(ALICE, mine)]);
    assert_eq!(message.openpgp.signatures.len(), 2);
    let mail = head() + &with_boundary(&multipart("mixed", &[&text_part(mine), &forwarded]), "fwd");
    check(&desk, mail.as_bytes(), &[]);
    // Bob's signed part beside Alice's own words.
    let beside = with_boundary(
        &multipart("mixed", &[&text_part(mine), &order_of_bob]),
        "beside",
    );
    let mail = head() + &signed_part(gpg, &beside, ALICE);
    check(&desk, mail.as_bytes(), &[(ALICE, mine), (BOB, ORDER)]);
    // Bob's clear-signed text, passed on by Alice within her own, by PGP/MIME and inline.
    let clear = gpg.sign_cleartext(ORDER.as_bytes(), BOB);
    let passed_on = format!("{mine}\n{clear}");
    let message = check(
        &desk,
        &letter().signed(gpg, &passed_on, ALICE),
        &[(ALICE, mine), (BOB, ORDER)],
    );
    assert!(message.text.contains("/accept"));
    check(
        &desk,
        &letter().inline_encrypted(gpg, &passed_on, &[US], Some(ALICE)),
        &[(ALICE, mine), (BOB, ORDER)],
    );
    check(
        &desk,
        &letter().inline_signed(gpg, &passed_on, ALICE),
        &[(ALICE, mine)],
    );
    // A ciphertext of anybody: whoever signs around it need not know what is inside.
    let stolen = gpg.encrypt(ORDER.as_bytes(), &[US], None);
    for mail in [
        letter().signed(gpg, &format!("{mine}\n{stolen}"), ALICE),
        letter().inline_signed(gpg, &format!("{mine}\n{stolen}"), ALICE),
    ] {
        let message = check(&desk, &mail, &[(ALICE, mine)]);
        assert!(message.text.contains("/accept"));
    }
    let entity = with_boundary(&multipart(PROTOCOL, &[CONTROL, &octets(&stolen)]), "enc");
    let mail = head() + &signed_part(gpg, &entity, ALICE);
    check(&desk, mail.as_bytes(), &[]);
}

#[test]
fn no_label_outside_of_the_signature_changes_its_words() {
    let desk = world();
    let gpg = &desk.gpg;
    let words = "/case SEC-2026-0001\n/note a <!-- b\n/note c --> d &amp; <b>e</b>\n  indented\n";
    let clear = gpg.sign_cleartext(words.as_bytes(), ALICE);
    let packed = gpg.run(
        &["--armor", "--sign", "--local-user", ALICE],
        words.as_bytes(),
    );
    let packed = String::from_utf8(packed.stdout).unwrap();
    for label in [
        "text/plain; format=flowed",
        "text/plain; format=flowed; delsp=yes",
        "text/plain; charset=utf-16le",
        "text/plain; charset=utf-7",
        "text/html; charset=utf-8",
        "text/enriched",
    ] {
        for armored in [&clear, &packed] {
            let mail = format!("{}Content-Type: {label}\n\n{armored}", head());
            let [lf, crlf] = desk.read_both(mail.as_bytes());
            for message in [lf, crlf] {
                // A label that makes it unreadable is no way to other words either.
                let texts = message.openpgp.signed.iter().map(|it| it.text.as_str());
                let texts: Vec<&str> = texts.collect();
                assert!(texts.is_empty() || texts == [words], "{label}: {texts:?}");
                if label.starts_with("text/plain; format") {
                    assert_eq!(texts, [words], "{label}: {:?}", message.text);
                }
            }
        }
    }
    // Latin letters that are no UTF-8: by their label, which cannot touch ASCII.
    let latin = b"/case SEC-2026-0001\n/note f\xe0r\n";
    let clear = gpg
        .run(&["--clearsign", "--local-user", ALICE], latin)
        .stdout;
    for (charset, expected) in [
        ("iso-8859-1", "f\u{e0}r"),
        ("iso-8859-5", "f\u{440}r"),
        ("shift_jis", "f\u{e0}r"),
    ] {
        let mut mail =
            format!("{}Content-Type: text/plain; charset={charset}\n\n", head()).into_bytes();
        mail.extend(&clear);
        let message = desk.read(&mail);
        let expected = format!("/case SEC-2026-0001\n/note {expected}\n");
        assert_eq!(only(&message).text, expected, "{charset}");
    }
}

#[test]
fn flowed_lines_are_whole_where_the_signature_says_so() {
    let desk = world();
    let part = "Content-Type: text/plain; charset=utf-8; format=flowed\n\n\
                /case SEC-2026-0001\n/note a long \nline\n> quoted \n> /accept\n-- \n/accept\n";
    let part = part
        .replace("long \n", "long=20\n")
        .replace("quoted \n", "quoted=20\n");
    let part = part
        .replace(
            "flowed\n",
            "flowed\nContent-Transfer-Encoding: quoted-printable\n",
        )
        .replace("-- \n", "--=20\n");
    let mail = head() + &signed_part(&desk.gpg, &part, ALICE);
    let text = "/case SEC-2026-0001\n/note a long line\n> quoted /accept\n-- \n/accept\n";
    check(&desk, mail.as_bytes(), &[(ALICE, text)]);
}

#[test]
fn two_signatures_are_two_texts_and_one_made_twice_is_one() {
    let desk = world();
    let gpg = &desk.gpg;
    let content = letter().entity(ORDER);
    let both = gpg.run(
        &[
            "--armor",
            "--digest-algo",
            "SHA512",
            "--detach-sign",
            "--local-user",
            ALICE,
            "--local-user",
            BOB,
        ],
        &content,
    );
    let both = String::from_utf8(both.stdout).unwrap();
    let mail = letter().around_signed(&content, &both);
    let message = desk.read(&mail);
    let mut signers: Vec<&str> = message
        .openpgp
        .signed
        .iter()
        .map(|it| it.signer.as_str())
        .collect();
    signers.sort_unstable();
    let mut expected = [fingerprint(&desk, ALICE), fingerprint(&desk, BOB)];
    expected.sort_unstable();
    assert_eq!(signers, expected);
    assert!(message.openpgp.signed.iter().all(|it| it.text == ORDER));

    let dearmored = |armored: &str| gpg.run(&["--dearmor"], armored.as_bytes()).stdout;
    let early = gpg.run(
        &[
            "--armor",
            "--detach-sign",
            "--local-user",
            ALICE,
            "--faked-system-time",
            "20991231T120000",
        ],
        &content,
    );
    // That one comes from the future, and is bad.
    let early = String::from_utf8(early.stdout).unwrap();
    let first = dearmored(&gpg.sign_detached(&content, ALICE));
    let second = dearmored(&gpg.sign_detached(&content, ALICE));
    let packets = [first, dearmored(&early), second].concat();
    let armored = gpg.run(&["--enarmor"], &packets).stdout;
    let armored = String::from_utf8(armored)
        .unwrap()
        .replace("PGP ARMORED FILE", "PGP SIGNATURE");
    let message = check(
        &desk,
        &letter().around_signed(&content, &armored),
        &[(ALICE, ORDER)],
    );
    assert_eq!(message.openpgp.signatures.len(), 3);
    assert!(only(&message).signed_at <= Utc::now());
}

#[test]
fn the_time_is_the_signatures_own() {
    let desk = world();
    let signed = desk.gpg.run(
        &[
            "--clearsign",
            "--local-user",
            ALICE,
            "--faked-system-time",
            "20400102T030405!",
            "--ignore-time-conflict",
        ],
        ORDER.as_bytes(),
    );
    let mail = letter().plain(&String::from_utf8(signed.stdout).unwrap());
    let at = |now: &str| {
        let context = Opening {
            keyring: Some(&desk.keyring),
            known: &desk.known,
            limits: Limits::default(),
        };
        open::open(&mail, &context, now.parse().unwrap())
    };
    let message = at("2040-02-01T00:00:00Z");
    assert_eq!(
        only(&message).signed_at.to_rfc3339(),
        "2040-01-02T03:04:05+00:00"
    );
    assert!(at("2040-01-01T00:00:00Z").openpgp.signed.is_empty());
}

#[test]
fn files_under_the_signature_go_with_the_words() {
    let desk = world();
    let gpg = &desk.gpg;
    let part = |kind: &str, name: &str, body: &str| {
        format!(
            "Content-Type: {kind}; name=\"{name}\"\nContent-Disposition: attachment; filename=\"{name}\"\n\n{body}"
        )
    };
    let fix = part("text/x-patch", "fix.patch", "--- a\n+++ b\n");
    let key = part("application/pgp-keys", "alice.asc", &gpg.export(ALICE));
    let page = part("application/pdf", "advisory.pdf", "%PDF-1.4 nothing\n");
    let added = part("text/plain", "added.txt", "put beside it by somebody\n");
    let content = with_boundary(
        &multipart("mixed", &[&text_part(ORDER), &key, &fix, &page]),
        "files",
    );
    let signed = signed_part(gpg, &content, ALICE);
    let mail = head() + &with_boundary(&multipart("mixed", &[&added, &signed]), "outer");
    let raw = with_crlf(mail.as_bytes());
    let message = check(&desk, &raw, &[(ALICE, ORDER)]);
    let at = &only(&message).attachments;
    let names: Vec<&str> = at
        .iter()
        .map(|at| message.attachments[*at].name.as_str())
        .collect();
    assert_eq!(names, ["fix.patch", "advisory.pdf"]);

    // Their bytes again; never those of another mail.
    let context = Opening {
        keyring: Some(&desk.keyring),
        known: &desk.known,
        limits: Limits::default(),
    };
    let files = open::files_of(&message, at, &raw, &context, Utc::now());
    let bytes: Vec<(usize, String)> = files
        .into_iter()
        .map(|file| (file.attachment, String::from_utf8(file.bytes).unwrap()))
        .collect();
    assert_eq!(
        bytes,
        [
            (at[0], "--- a\r\n+++ b\r\n".to_owned()),
            (at[1], "%PDF-1.4 nothing\r\n".to_owned())
        ]
    );
    let other = String::from_utf8(raw).unwrap().replace("+++ b", "+++ c");
    let files = open::files_of(&message, at, other.as_bytes(), &context, Utc::now());
    assert_eq!(files.len(), 1);

    // Each encrypted and signed by itself: a text of its own without words.
    let file = gpg.encrypt(b"print(1)\n", &[US], Some(ALICE));
    let partitioned = letter()
        .attach("poc.py.pgp", "application/octet-stream", &file)
        .inline_encrypted(gpg, ORDER, &[US], Some(ALICE));
    let message = check(&desk, &partitioned, &[(ALICE, ORDER), (ALICE, "")]);
    assert_eq!(message.openpgp.signed[1].attachments, [0]);
}

#[test]
fn of_a_mail_that_was_not_read_whole_nothing_counts() {
    let desk = world();
    let gpg = &desk.gpg;
    let limits = Limits {
        text: 4_000,
        parts: 7,
        ..Limits::default()
    };
    let read = |raw: &[u8]| {
        let context = Opening {
            keyring: Some(&desk.keyring),
            known: &desk.known,
            limits: limits.clone(),
        };
        open::open(raw, &context, Utc::now())
    };
    let signed = signed_part(
        gpg,
        &text_part("/case SEC-2026-0001\n/reply all of this\n"),
        ALICE,
    );
    let filler = text_part(&"x".repeat(3_970));
    let mail = head() + &with_boundary(&multipart("mixed", &[&filler, &signed]), "cut");
    let message = read(mail.as_bytes());
    assert!(
        message.text.contains("/case"),
        "cut within the signed words"
    );
    assert_eq!(message.openpgp.signatures[0].status, SignatureStatus::Good);
    assert!(message.openpgp.signed.is_empty());

    let two = with_boundary(
        &multipart("mixed", &[&text_part(ORDER), &text_part("and more")]),
        "two",
    );
    let signed = signed_part(gpg, &two, ALICE);
    let some = text_part("some");
    let mail = |parts: &[&str]| head() + &with_boundary(&multipart("mixed", parts), "many");
    assert_eq!(read(mail(&[&signed]).as_bytes()).openpgp.signed.len(), 1);
    let message = read(mail(&[&some, &some, &signed]).as_bytes());
    assert!(message.openpgp.signed.is_empty(), "{:?}", message.problems);
}

#[test]
fn expired_and_revoked_keys_sign_nothing() {
    let desk = world();
    let gpg = &desk.gpg;
    let signed = letter().inline_signed(gpg, ORDER, ALICE);
    gpg.run(
        &[
            "--quick-set-expire",
            &fingerprint(&desk, ALICE),
            "seconds=1",
        ],
        b"",
    );
    let expired = read_certificates(gpg.export(ALICE).as_bytes());
    let read = |known: &[Certificate]| {
        let context = Opening {
            keyring: Some(&desk.keyring),
            known,
            limits: Limits::default(),
        };
        open::open(&signed, &context, Utc::now() + TimeDelta::days(1))
    };
    let message = read(&expired);
    assert_eq!(
        message.openpgp.signatures[0].status,
        SignatureStatus::ExpiredKey
    );
    assert!(message.openpgp.signed.is_empty());
    assert_eq!(read(&desk.known).openpgp.signed.len(), 1);
}

#[test]
fn a_part_below_the_signature_is_what_is_signed() {
    // A boundary inside that is the one outside: the parser's parts and the signed bytes agree.
    let desk = world();
    let inner = multipart("mixed", &[&text_part(ORDER), &text_part("second")]);
    let part = with_crlf(inner.trim_end().as_bytes());
    let signature = desk.gpg.sign_detached(&part, ALICE);
    let signature = format!("Content-Type: application/pgp-signature\n\n{signature}");
    let mail = head() + &multipart(SIGNED, &[&inner, &signature]);
    for message in desk.read_both(mail.as_bytes()) {
        for signed in &message.openpgp.signed {
            assert!(signed.text.is_empty(), "{signed:?}");
        }
    }
}
