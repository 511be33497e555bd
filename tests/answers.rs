//! How letters leave, and to whose key: each row of the table in `docs/openpgp.md`, whose
//! certificate it is, and GnuPG checking what we sign.

mod common;

use std::path::PathBuf;

use common::letter::{signed_parts, with_crlf};
use common::{Algorithm, Gpg, Letter, SECURITY_ADDRESS, Setup, write_file};
use serde_json::Value;

const ANN: &str = "ann@research.test";
const REPORT: &str = "The search field of your shop has a stored cross-site scripting flaw: a \
    script in the name of a product runs for every visitor who looks at it.\n";

/// A daemon over a Maildir, and a sendmail that keeps what it is given.
struct World {
    setup: Setup,
    gpg: Gpg,
}

impl World {
    #[track_caller]
    fn new() -> Self {
        let setup = Setup::local();
        let gpg = Gpg::new();
        gpg.import(&setup.certificate());
        Self { setup, gpg }
    }

    fn with_policy(self, more: &str) -> Self {
        let policy = std::fs::read_to_string(self.setup.file("policy.toml")).unwrap();
        self.setup
            .write("policy.toml", &format!("{policy}\n{more}\n"));
        self
    }

    /// What goes out while `work` is done, oldest first.
    #[track_caller]
    fn letters(&self, work: impl FnOnce(&Setup)) -> Vec<Sent> {
        let before = self.setup.sent();
        work(&self.setup);
        let output = self.setup.run_once();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut sent = self.setup.sent();
        sent.retain(|path| !before.contains(path));
        sent.into_iter()
            .map(|path| Sent::read(self, path))
            .collect()
    }

    /// The one answer to a mail.
    #[track_caller]
    fn answer(&self, mail: &[u8]) -> Sent {
        let name = format!("{}.test", rand::random::<u64>());
        let mut letters =
            self.letters(|setup| write_file(&setup.file("Maildir/new").join(name), mail));
        assert_eq!(letters.len(), 1, "{letters:#?}");
        letters.remove(0)
    }

    /// The one letter that a command causes.
    #[track_caller]
    fn told(&self, arguments: &[&str]) -> Sent {
        let mut letters = self.letters(|setup| {
            let output = setup.cli(arguments);
            assert!(output.status.success(), "{output:?}");
        });
        assert_eq!(letters.len(), 1, "{letters:#?}");
        letters.remove(0)
    }

    fn case(&self, id: &str) -> Value {
        self.setup.json(&["case", "show", id])
    }

    fn newest_case(&self) -> Value {
        let cases = self.setup.json(&["case", "list"]);
        let newest = cases.as_array().unwrap().last().unwrap();
        self.case(newest["id"].as_str().unwrap())
    }
}

/// A letter of ours as the mail server took it.
#[derive(Debug)]
struct Sent {
    /// Lines end with CRLF.
    bytes: Vec<u8>,
    /// Whole, without quoted-printable's line ends.
    text: String,
}

impl Sent {
    fn read(world: &World, path: PathBuf) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let bytes = with_crlf(&bytes);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let body = body.replace("=\r\n", "");
        let sent = Self {
            text: format!("{head}\n\n{body}").replace("\r\n", "\n"),
            bytes,
        };
        assert!(sent.text.contains("\nAutocrypt: addr="), "{}", sent.text);
        if !sent.is_encrypted() {
            sent.check_signature(world);
        }
        sent
    }

    fn is_encrypted(&self) -> bool {
        self.text.contains("Content-Type: multipart/encrypted")
    }

    /// It leaves in clear, and says no more than that there is something.
    fn is_notice(&self) -> bool {
        !self.is_encrypted() && self.text.contains("e have a message for you")
    }

    fn header(&self, name: &str) -> String {
        let head = self.text.split("\n\n").next().unwrap().replace("\n ", " ");
        let mut lines = head.lines();
        let found = lines.find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.unwrap_or_else(|| panic!("{name}: {head}")).to_owned()
    }

    /// RFC 3156, 5, by GnuPG: the bytes between the boundaries as they are.
    #[track_caller]
    fn check_signature(&self, world: &World) {
        let (signed, signature) = signed_parts(&self.bytes);
        let signer = world.gpg.verify(signed.as_bytes(), signature);
        assert_eq!(signer.as_deref(), Some(world.setup.fingerprint.as_str()));
        for line in signed.lines() {
            assert!(line.len() <= 998 && !line.starts_with("From "), "{line}");
            assert_eq!(
                line.trim_end(),
                line,
                "white space that a relay may cut off"
            );
        }
        // The subject is under the signature too.
        let (inner, _) = signed.split_once("\r\n\r\n").unwrap();
        let inner = format!("\r\n{inner}").replace("\r\n ", " ");
        assert!(inner.contains("; hp=\"clear\""), "{inner}");
        for name in ["Subject", "From", "To", "Date", "Message-ID"] {
            let field = format!("\r\n{name}: {}", self.header(name));
            assert!(inner.contains(&field), "{field} in {inner}");
        }
    }

    /// What `gpg` reads in it; `None`: it is encrypted to somebody else.
    fn opened_by(&self, gpg: &Gpg) -> Option<String> {
        let start = self.text.find("-----BEGIN PGP MESSAGE-----")?;
        let output = gpg.try_run(&["--decrypt"], &self.text.as_bytes()[start..]);
        output.status.success().then(|| {
            let status = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(status.contains("[GNUPG:] GOODSIG"), "{status}");
            let inner = String::from_utf8(output.stdout).unwrap();
            inner.replace("=\r\n", "").replace("\r\n", "\n")
        })
    }

    #[track_caller]
    fn says_to(&self, gpg: &Gpg, words: &str) {
        let inner = self
            .opened_by(gpg)
            .unwrap_or_else(|| panic!("{}", self.text));
        assert!(inner.contains("hp=\"cipher\""), "{inner}");
        assert!(inner.contains(words), "{inner}");
        assert!(!self.text.contains(words), "{}", self.text);
    }
}

fn letter(subject: &str) -> Letter {
    Letter::new(ANN, SECURITY_ADDRESS, subject)
}

fn with_key(letter: Letter, gpg: &Gpg, key: &str) -> Letter {
    letter.attach("key.asc", "application/pgp-keys", &gpg.export(key))
}

fn key_request() -> Vec<u8> {
    letter("PGP key").plain("Hello, please send me your PGP key. Thank you, Ann\n")
}

fn status_request(id: &str) -> Vec<u8> {
    letter(&format!("Status of {id}")).plain(&format!("Is there any news on {id}?\n"))
}

/// A key that signs and does not encrypt.
fn sign_only(gpg: &Gpg, name: &str) -> String {
    let arguments = [
        "--passphrase",
        "",
        "--pinentry-mode",
        "loopback",
        "--quick-gen-key",
    ];
    let user = format!("{name} <{ANN}>");
    gpg.run(
        &[&arguments[..], &[&user, "ed25519", "sign", "0"]].concat(),
        b"",
    );
    gpg.export(name)
}

#[track_caller]
fn unusable_events(case: &Value) -> usize {
    let events = case["events"].as_array().unwrap().iter();
    events
        .filter(|event| event["action"] == "certificate_unusable")
        .inspect(|event| assert!(event["detail"]["why"].is_string(), "{event}"))
        .count()
}

#[test]
fn what_leaves_in_clear_is_signed_and_our_own_reader_says_so() {
    let world = World::new();
    let answer = world.answer(&letter("XSS").plain(REPORT));
    let id = "SEC-2026-0001".replace("2026", &year());
    assert_eq!(
        answer.header("Subject"),
        format!("[{id}] We have received your report")
    );
    let told = world.told(&["case", "accept", &id]);
    let reply = world.told(&[
        "case",
        "reply",
        &id,
        "From here on\nFrom there\n..\n-- \nBob ",
    ]);
    assert!(reply.text.contains("=46rom there"), "{}", reply.text);
    let key = world.answer(&key_request());
    let unread = world.answer(
        &letter("x").plain("-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n"),
    );
    assert!(unread.text.contains("could not read it"), "{}", unread.text);
    for sent in [answer, told, reply, key, unread] {
        let file = world.setup.file("ours.eml");
        write_file(&file, &sent.bytes);
        let seen = &world.setup.json_lines(&["explain", file.to_str().unwrap()])[0];
        let signatures = seen["openpgp"]["signatures"].as_array().unwrap();
        assert_eq!(signatures.len(), 1, "{seen:#}");
        assert_eq!(signatures[0]["status"], "good", "{seen:#}");
        assert_eq!(signatures[0]["covers"], "all", "{seen:#}");
        assert_eq!(seen["subject"], sent.header("Subject"), "{seen:#}");
    }
}

fn year() -> String {
    chrono::Utc::now().format("%Y").to_string()
}

#[test]
fn it_is_unsigned_where_that_is_wanted_or_no_key_signs() {
    let world = World::new();
    world.setup.set("openpgp.sign", false);
    let mail = letter("XSS").plain(REPORT);
    write_file(&world.setup.file("Maildir/new/1.test"), mail);
    let output = world.setup.run_once();
    assert!(output.status.success(), "{output:?}");
    let bytes = std::fs::read_to_string(&world.setup.sent()[0]).unwrap();
    assert!(!bytes.contains("multipart/signed"), "{bytes}");
    assert!(bytes.contains("We have received your report"), "{bytes}");

    // A key whose signing part is elsewhere; its subkey decrypts.
    world.setup.set("openpgp.sign", true);
    let subkeys = ["--armor", "--export-secret-subkeys", SECURITY_ADDRESS];
    let home = Gpg::new();
    home.import(&std::fs::read_to_string(world.setup.file("security.key.asc")).unwrap());
    let stub = home.run(&subkeys, b"").stdout;
    write_file(&world.setup.file("security.key.asc"), stub);
    let key = world.gpg.generate("Ann", ANN, Algorithm::Curve25519);
    let clear = Letter::new("bob@elsewhere.test", SECURITY_ADDRESS, "CSRF")
        .plain("The login form takes requests from any other site.\n");
    let sealed = with_key(letter("SSRF"), &world.gpg, &key)
        .plain("The fetcher of previews takes any address.\n");
    for (name, mail) in [("2.test", clear), ("3.test", sealed)] {
        let before = world.setup.sent();
        write_file(&world.setup.file("Maildir/new").join(name), mail);
        let output = world.setup.run_once();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{log}");
        assert!(log.contains("event=\"unsigned\""), "{log}");
        let mut sent = world.setup.sent();
        sent.retain(|path| !before.contains(path));
        let letter = std::fs::read_to_string(&sent[0]).unwrap();
        assert!(!letter.contains("multipart/signed"), "{letter}");
        let text = match letter.find("-----BEGIN PGP MESSAGE-----") {
            Some(start) => String::from_utf8(world.gpg.decrypt(&letter.as_bytes()[start..]).bytes),
            None => Ok(letter),
        };
        assert!(text.unwrap().contains("We have received your report"));
    }
}

/// Every kind of letter to a reporter whose key is known; `in_cipher`: and must be used.
#[track_caller]
fn check_letters(world: &World, id: &str, in_cipher: bool) {
    let check = |sent: Sent, words: &str| {
        assert_eq!(sent.is_encrypted(), in_cipher, "{}", sent.text);
        match in_cipher {
            true => sent.says_to(&world.gpg, words),
            false => assert!(sent.text.contains(words), "{}", sent.text),
        }
    };
    check(world.answer(&status_request(id)), "how your report stands");
    check(world.told(&["case", "accept", id]), "is accepted");
    check(
        world.told(&["case", "reply", id, "A word of ours."]),
        "A word of ours.",
    );
}

#[test]
fn a_case_that_came_encrypted_is_answered_encrypted_whatever_the_policy_says() {
    for policy in ["", "[replies]\nencrypt = \"received\""] {
        let world = World::new().with_policy(policy);
        let key = world.gpg.generate("Ann", ANN, Algorithm::Curve25519);
        let mail = with_key(letter("..."), &world.gpg, &key).encrypted(
            &world.gpg,
            REPORT,
            &[SECURITY_ADDRESS],
            Some(&key),
        );
        let answer = world.answer(&mail);
        assert!(
            answer.header("Subject").ends_with("-0001]"),
            "{}",
            answer.text
        );
        answer.says_to(&world.gpg, "We have received your report");
        let id = world.newest_case()["id"].as_str().unwrap().to_owned();
        check_letters(&world, &id, true);
        // Asked in clear, in a mail that belongs to it.
        let empty = letter("Re: your letter")
            .in_reply_to(&answer.header("Message-ID"))
            .plain("\n");
        world.answer(&empty).says_to(&world.gpg, "OpenPGP key");
    }
}

#[test]
fn a_case_that_came_encrypted_without_a_key_is_told_nothing_and_asked_for_one() {
    let world = World::new();
    let mail = letter("...").encrypted(&world.gpg, REPORT, &[SECURITY_ADDRESS], None);
    let answer = world.answer(&mail);
    assert!(!answer.is_encrypted());
    for words in [
        "SHA-256",
        "We have no OpenPGP key",
        "send us your public key",
        "Autocrypt",
    ] {
        assert!(answer.text.contains(words), "{words}: {}", answer.text);
    }
    assert!(!answer.text.contains("What would help"), "{}", answer.text);
    let id = world.newest_case()["id"].as_str().unwrap().to_owned();
    for sent in [
        world.answer(&status_request(&id)),
        world.told(&["case", "accept", &id]),
        world.told(&["case", "reply", &id, "A word of ours."]),
    ] {
        assert!(sent.is_notice(), "{}", sent.text);
        assert!(
            sent.text.contains("send us your public key"),
            "{}",
            sent.text
        );
        assert!(!sent.text.contains("A word of ours"), "{}", sent.text);
    }
    // What was not sent is not lost.
    let case = world.case(&id);
    let kept = case["messages"].as_array().unwrap().last().unwrap()["text"].clone();
    let kept = kept.as_str().unwrap();
    assert!(
        kept.contains("\nNot sent, because it could not be encrypted:\n"),
        "{kept}"
    );
    assert!(kept.contains("A word of ours."), "{kept}");
    assert_eq!(unusable_events(&world.case(&id)), 0);
    // The key comes, and all is well.
    let key = world.gpg.generate("Ann", ANN, Algorithm::Curve25519);
    let mail = with_key(letter(&format!("Re: [{id}]")), &world.gpg, &key)
        .in_reply_to(&answer.header("Message-ID"))
        .signed(&world.gpg, "Here is my key, as you asked.\n", &key);
    let letters = world.letters(|setup| write_file(&setup.file("Maildir/new/k.test"), mail));
    assert_eq!(letters.len(), 0, "{letters:#?}");
    let reply = world.told(&["case", "reply", &id, "A second word."]);
    reply.says_to(&world.gpg, "A second word.");
}

#[test]
fn a_case_that_came_in_clear_is_answered_as_the_policy_says() {
    for (policy, in_cipher) in [
        ("", true),
        ("[replies]\nencrypt = \"known\"", true),
        ("[replies]\nencrypt = \"received\"", false),
    ] {
        let world = World::new().with_policy(policy);
        let key = world.gpg.generate("Ann", ANN, Algorithm::Curve25519);
        let mail = with_key(letter("XSS"), &world.gpg, &key).signed(&world.gpg, REPORT, &key);
        let answer = world.answer(&mail);
        assert_eq!(
            answer.is_encrypted(),
            in_cipher,
            "{policy}: {}",
            answer.text
        );
        let id = world.newest_case()["id"].as_str().unwrap().to_owned();
        check_letters(&world, &id, in_cipher);
        assert_eq!(world.answer(&key_request()).is_encrypted(), in_cipher);
    }
}

#[test]
fn where_the_key_cannot_be_used_a_notice_goes_and_each_is_an_event() {
    let world = World::new();
    let old = sign_only(&world.gpg, "Old");
    let mail = letter("XSS")
        .attach("key.asc", "application/pgp-keys", &old)
        .plain(REPORT);
    assert!(world.answer(&mail).is_notice());
    let id = world.newest_case()["id"].as_str().unwrap().to_owned();
    assert_eq!(unusable_events(&world.case(&id)), 1);
    assert!(world.told(&["case", "accept", &id]).is_notice());
    assert!(
        world
            .told(&["case", "reply", &id, "A word of ours."])
            .is_notice()
    );
    assert!(world.answer(&status_request(&id)).is_notice());
    assert_eq!(unusable_events(&world.case(&id)), 4);
    // Held, and joined.
    let letters = world.letters(|setup| {
        setup.set("limits.replies_per_address", 2);
        for name in ["a.test", "b.test"] {
            let mail = letter(name).plain(&format!("The page {name} runs scripts too.\n"));
            write_file(&setup.file("Maildir/new").join(name), mail);
        }
    });
    assert_eq!(letters.len(), 0, "{letters:#?}");
}

#[test]
fn a_certificate_that_expired_heals_with_a_newer_copy() {
    let world = World::new();
    let arguments = [
        "--faked-system-time",
        "20240101T000000",
        "--passphrase",
        "",
        "--pinentry-mode",
        "loopback",
        "--quick-gen-key",
        ANN,
        "future-default",
        "default",
        "30d",
    ];
    world.gpg.run(&arguments, b"");
    let expiring = world.gpg.export(ANN);
    let listed = world
        .gpg
        .run(&["--with-colons", "--list-keys", ANN], b"")
        .stdout;
    let listed = String::from_utf8(listed).unwrap();
    let key = listed.lines().find_map(|line| line.strip_prefix("fpr:"));
    let key = key.unwrap().trim_matches(':').to_owned();
    let mail = letter("XSS")
        .attach("key.asc", "application/pgp-keys", &expiring)
        .plain(REPORT);
    assert!(world.answer(&mail).is_notice());
    let id = world.newest_case()["id"].as_str().unwrap().to_owned();
    assert_eq!(unusable_events(&world.case(&id)), 1);
    for part in [&[][..], &["*"][..]] {
        let arguments = [&["--quick-set-expire", &key, "1y"], part].concat();
        world.gpg.run(&arguments, b"");
    }
    let mail = with_key(letter("CSRF"), &world.gpg, &key)
        .plain("The login form takes requests from any other site.\n");
    world
        .answer(&mail)
        .says_to(&world.gpg, "We have received your report");
    let told = world.told(&["case", "reply", &id, "A word of ours."]);
    told.says_to(&world.gpg, "A word of ours.");
}

// Whose key it is.

/// Two keys for one address.
struct Rivals {
    world: World,
    /// Ann's, in the world's GnuPG.
    own: String,
    thief: Gpg,
    thiefs: String,
}

fn rivals() -> Rivals {
    let world = World::new();
    let thief = Gpg::new();
    thief.import(&world.setup.certificate());
    Rivals {
        own: world.gpg.generate("Ann", ANN, Algorithm::Curve25519),
        thiefs: thief.generate("Ann", ANN, Algorithm::Curve25519),
        world,
        thief,
    }
}

fn key_of(world: &World) -> String {
    let known = world.setup.json(&["key", "known", ANN]);
    let mut current = known.as_array().unwrap().iter();
    let key = current.find(|row| row["current"] == true);
    key.expect("a key")["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[track_caller]
fn change_events(case: &Value) -> Vec<Value> {
    let events = case["events"].as_array().unwrap().iter();
    events
        .filter(|event| event["action"] == "certificate_changed")
        .map(|event| event["detail"].clone())
        .collect()
}

fn has_label(case: &Value, label: &str) -> bool {
    case["labels"].as_array().unwrap().contains(&label.into())
}

#[test]
fn the_first_key_that_signed_stays_and_another_is_told() {
    let Rivals {
        world,
        own,
        thief,
        thiefs,
    } = rivals();
    let mail = with_key(letter("XSS"), &world.gpg, &own).encrypted(
        &world.gpg,
        REPORT,
        &[SECURITY_ADDRESS],
        Some(&own),
    );
    world
        .answer(&mail)
        .says_to(&world.gpg, "We have received your report");
    let first = world.newest_case();
    assert_eq!(first["messages"][0]["signatures"][0]["trust"], "first_seen");
    assert!(!has_label(&first, "key_changed"));
    let id = first["id"].as_str().unwrap();

    // Somebody else's key, unsigned: the answer goes to the one that speaks.
    let mail = with_key(letter("CSRF"), &thief, &thiefs)
        .plain("The login form takes requests from any other site.\n");
    let answer = world.answer(&mail);
    answer.says_to(&world.gpg, "We have received your report");
    assert_eq!(answer.opened_by(&thief), None);
    let case = world.newest_case();
    assert!(has_label(&case, "key_changed"), "{case:#}");
    let changes = change_events(&case);
    assert_eq!(changes.len(), 1, "{case:#}");
    assert_eq!(changes[0]["old"], own.as_str());
    assert_eq!(changes[0]["new"], thiefs.as_str());
    assert_eq!(changes[0]["taken_over"], false);
    let evidence = case["evidence"].to_string();
    assert!(
        evidence.contains(&own) && evidence.contains(&thiefs),
        "{evidence}"
    );

    // With a signature: whoever wrote it can read what is said of it, and nothing of what was before.
    let mail = with_key(letter("SSRF"), &thief, &thiefs).signed(
        &thief,
        "The fetcher of previews takes any address.\n",
        &thiefs,
    );
    let answer = world.answer(&mail);
    answer.says_to(&thief, "We have received your report");
    let case = world.newest_case();
    assert!(has_label(&case, "key_changed"), "{case:#}");
    assert_eq!(case["messages"][0]["signatures"][0]["status"], "good");
    assert_eq!(case["messages"][0]["signatures"][0]["trust"], Value::Null);
    let question = with_key(letter(&format!("Status of {id}")), &thief, &thiefs).signed(
        &thief,
        &format!("Is there any news on {id}?\n"),
        &thiefs,
    );
    let status = world.answer(&question);
    assert_eq!(status.opened_by(&thief), None);
    status.says_to(&world.gpg, "how your report stands");
    let told = world.told(&["case", "accept", id]);
    assert_eq!(told.opened_by(&thief), None);
    told.says_to(&world.gpg, "is accepted");
    assert_eq!(key_of(&world), own);
    let page = String::from_utf8(world.setup.cli(&["case", "show", id]).stdout).unwrap();
    assert!(page.contains("NOT the sender's key"), "{page}");
}

#[test]
fn a_key_that_the_old_one_introduces_takes_over_and_so_does_one_after_a_revoked_one() {
    let Rivals { world, own, .. } = rivals();
    let gpg = &world.gpg;
    world.answer(&with_key(letter("XSS"), gpg, &own).signed(gpg, REPORT, &own));
    let next = Gpg::new();
    next.import(&world.setup.certificate());
    let new = next.generate("Ann", ANN, Algorithm::Curve25519);
    // Beside what the old one signed anybody can put a key.
    let signed = letter("Hello").signed(gpg, "The profile page does so too.\n", &own);
    let mut added = format!(
        "Autocrypt: addr={ANN}; keydata={}\r\n",
        autocrypt_data(&next, &new)
    )
    .into_bytes();
    added.extend(signed);
    world
        .answer(&added)
        .says_to(gpg, "We have received your report");
    assert_eq!(key_of(&world), own);
    let case = world.newest_case();
    assert_eq!(change_events(&case)[0]["taken_over"], false, "{case:#}");

    let inside = with_key(letter("My new key"), &next, &new).signed(
        gpg,
        "From now on use the attached key, please. The login page runs scripts as well.\n",
        &own,
    );
    world.answer(&inside);
    assert_eq!(key_of(&world), new);
    let case = world.newest_case();
    assert_eq!(change_events(&case)[0]["taken_over"], true, "{case:#}");
    assert!(has_label(&case, "key_changed"));
    let told = world.told(&[
        "case",
        "reply",
        case["id"].as_str().unwrap(),
        "A word of ours.",
    ]);
    told.says_to(&next, "A word of ours.");

    // It is revoked, and somebody else tells us so.
    let name = format!("openpgp-revocs.d/{new}.rev");
    let revocation = std::fs::read_to_string(next.home().join(name)).unwrap();
    next.import(&revocation.replace(":-----", "-----"));
    let gossip = Letter::new("bob@elsewhere.test", SECURITY_ADDRESS, "Ann's key");
    world.answer(
        &with_key(gossip, &next, &new).plain("The search page leaks the names of customers.\n"),
    );
    let notice = world.told(&[
        "case",
        "reply",
        case["id"].as_str().unwrap(),
        "Another word.",
    ]);
    assert!(notice.is_notice(), "{}", notice.text);
    // Ann's first one was as good once: it is told of, and takes the place of the revoked one.
    let mail = letter("Back again").signed(gpg, "The shop takes a price below zero.\n", &own);
    world
        .answer(&mail)
        .says_to(gpg, "We have received your report");
    assert_eq!(key_of(&world), own);
}

fn autocrypt_data(gpg: &Gpg, who: &str) -> String {
    use base64::Engine as _;
    let binary = gpg.run(&["--export", who], b"").stdout;
    base64::engine::general_purpose::STANDARD.encode(binary)
}

#[test]
fn a_pinned_key_is_replaced_by_the_team_alone() {
    let Rivals {
        world,
        own,
        thief,
        thiefs,
    } = rivals();
    // The thief comes first; Ann tells her fingerprint on the telephone.
    let forged = with_key(letter("XSS"), &thief, &thiefs).signed(&thief, REPORT, &thiefs);
    world
        .answer(&forged)
        .says_to(&thief, "We have received your report");
    assert_eq!(key_of(&world), thiefs);
    let unknown = world.setup.cli(&["key", "pin", ANN, &own]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    world.setup.write("ann.asc", &world.gpg.export(&own));
    let file = world.setup.file("ann.asc");
    let pinned = world
        .setup
        .cli(&["key", "pin", ANN, file.to_str().unwrap()]);
    assert!(pinned.status.success(), "{pinned:?}");
    assert_eq!(key_of(&world), own);

    world
        .setup
        .set("organization.authserv_ids", vec!["mx.example.test"]);
    let authentic = with_key(letter("CSRF"), &thief, &thiefs)
        .header(
            "Authentication-Results",
            "mx.example.test; dmarc=pass header.from=research.test",
        )
        .plain("The login form takes requests from any other site.\n");
    world
        .answer(&authentic)
        .says_to(&world.gpg, "We have received your report");
    let case = world.newest_case();
    assert!(has_label(&case, "key_changed"), "{case:#}");
    assert!(
        case["evidence"].to_string().contains("the team pinned"),
        "{case:#}"
    );
    assert_eq!(key_of(&world), own);
    // What it signs is known to be hers.
    let signed = letter("Hello").signed(&world.gpg, "The profile page does so too.\n", &own);
    world.answer(&signed);
    let case = world.newest_case();
    assert_eq!(case["messages"][0]["signatures"][0]["status"], "good");
    assert_eq!(case["messages"][0]["signatures"][0]["trust"], "pinned");

    let known = world.setup.json(&["key", "known", ANN]);
    assert_eq!(known[0]["why"], "pinned");
    assert_eq!(known[0]["pinned"], true);
    assert_eq!(known[1]["fingerprint"], thiefs.as_str());
    assert_eq!(known[1]["current"], false);
    let unpinned = world.setup.cli(&["key", "unpin", ANN]);
    assert!(unpinned.status.success(), "{unpinned:?}");
    let again = world.setup.cli(&["key", "unpin", ANN]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    let audit = world.setup.cli(&["audit", "verify"]);
    assert!(audit.status.success(), "{audit:?}");
    // Of a fingerprint that was seen.
    let pinned = world.setup.cli(&["key", "pin", ANN, &thiefs]);
    assert!(pinned.status.success(), "{pinned:?}");
    assert_eq!(key_of(&world), thiefs);
}

#[test]
fn files_of_the_configuration_pin_and_a_bad_one_is_a_mistake() {
    let Rivals {
        world,
        own,
        thief,
        thiefs,
    } = rivals();
    world.setup.write("ann.asc", &world.gpg.export(&own));
    world.setup.set("openpgp.certificates", vec!["ann.asc"]);
    let check = world.setup.cli(&["check"]);
    assert!(check.status.success(), "{check:?}");
    // Never seen, and used at once.
    let answer = world.answer(&letter("XSS").plain(REPORT));
    answer.says_to(&world.gpg, "We have received your report");
    let forged = with_key(letter("CSRF"), &thief, &thiefs)
        .plain("The login form takes requests from any other site.\n");
    world
        .answer(&forged)
        .says_to(&world.gpg, "We have received your report");
    assert!(has_label(&world.newest_case(), "key_changed"));
    let signed = letter("Hello").signed(&world.gpg, "The profile page does so too.\n", &own);
    world.answer(&signed);
    let signature = world.newest_case()["messages"][0]["signatures"][0].clone();
    assert_eq!(signature["status"], "good", "{signature}");
    assert_eq!(signature["trust"], "pinned", "{signature}");

    world.setup.write("ann.asc", "nothing of the kind");
    let check = world.setup.cli(&["check"]);
    assert_eq!(check.status.code(), Some(2), "{check:?}");
    let told = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(
        told.contains("ann.asc: holds no OpenPGP certificate; write into it what"),
        "{told}"
    );
}

#[test]
fn a_clear_mail_to_a_case_that_also_came_encrypted_is_answered_without_content() {
    for policy in ["", "[replies]\nencrypt = \"received\""] {
        let world = World::new().with_policy(policy);
        let answer = world.answer(&letter("XSS").plain(REPORT));
        let id = world.newest_case()["id"].as_str().unwrap().to_owned();
        let addition = letter("...")
            .in_reply_to(&answer.header("Message-ID"))
            .encrypted(
                &world.gpg,
                "It is a key of all.\n",
                &[SECURITY_ADDRESS],
                None,
            );
        let letters =
            world.letters(|setup| write_file(&setup.file("Maildir/new/a.test"), addition));
        assert_eq!(letters.len(), 0, "{letters:#?}");
        assert!(world.told(&["case", "accept", &id]).is_notice());
        let set = world.setup.cli(&["case", "severity", &id, "critical"]);
        assert!(set.status.success(), "{set:?}");
        world.letters(|_| {});
        // How grave it is follows from what came encrypted, and shows in the date of the fix.
        let again = world.answer(&letter("XSS").plain(REPORT));
        assert!(!again.is_encrypted());
        assert!(again.text.contains(&id), "{}", again.text);
        assert!(
            again.text.contains("We have no OpenPGP key"),
            "{}",
            again.text
        );
        assert!(!again.text.contains("ship a fix"), "{}", again.text);
    }
}

#[test]
fn a_late_acknowledgement_tells_nothing_of_a_case_that_also_came_encrypted() {
    let world = World::new();
    let mail = letter("XSS").plain(REPORT);
    write_file(&world.setup.file("first.eml"), mail);
    let file = world.setup.file("first.eml");
    let output = world
        .setup
        .cli(&["ingest", "--no-reply", file.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let id = world.newest_case()["id"].as_str().unwrap().to_owned();
    let addition = letter(&format!("[{id}]")).encrypted(
        &world.gpg,
        "It is a key of all.\n",
        &[SECURITY_ADDRESS],
        None,
    );
    let letters = world.letters(|setup| write_file(&setup.file("Maildir/new/a.test"), addition));
    assert_eq!(letters.len(), 0, "{letters:#?}");
    let told = world.told(&["case", "acknowledge", &id]);
    assert!(
        told.text.contains("We have no OpenPGP key"),
        "{}",
        told.text
    );
    assert!(!told.text.contains("What would help"), "{}", told.text);
}

#[test]
fn who_sent_what_we_cannot_read_is_asked_for_a_key_too() {
    for (language, wish) in [
        ("en", "Please attach your own public\nkey"),
        ("de", "Ihren eigenen =C3=B6ffentlichen Schl=C3=BCssel an"),
    ] {
        let world = World::new();
        let policy = std::fs::read_to_string(world.setup.file("policy.toml")).unwrap();
        let policy = format!("language = \"{language}\"\n{policy}");
        world.setup.write("policy.toml", &policy);
        let stranger = world
            .gpg
            .generate("Eve", "eve@elsewhere.test", Algorithm::Curve25519);
        let mail = letter("...").encrypted(&world.gpg, REPORT, &[&stranger], None);
        let answer = world.answer(&mail);
        assert!(answer.text.contains(wish), "{}", answer.text);
        let key = world.gpg.generate("Ann", ANN, Algorithm::Curve25519);
        let mail = with_key(letter("Again"), &world.gpg, &key).encrypted(
            &world.gpg,
            REPORT,
            &[&stranger],
            None,
        );
        world.answer(&mail);
        let mail = with_key(letter("XSS"), &world.gpg, &key).plain(REPORT);
        world.answer(&mail);
        let mail = letter("And again").encrypted(&world.gpg, "Text.\n", &[&stranger], None);
        let inner = world.answer(&mail).opened_by(&world.gpg).unwrap();
        assert!(!inner.contains(wish), "{inner}");
    }
}

#[test]
fn a_member_who_reports_is_answered_with_the_key_of_the_configuration() {
    let world = World::new();
    let key = world.setup.add_member("Ann", ANN);
    let mail = letter("...").encrypted(&world.setup.gpg, REPORT, &[SECURITY_ADDRESS], Some(&key));
    world.letters(|setup| write_file(&setup.file("Maildir/new/a.test"), mail));
    let answers: Vec<Sent> = world
        .setup
        .sent()
        .into_iter()
        .map(|path| Sent::read(&world, path))
        .filter(|sent| sent.header("To") == ANN)
        // She is told of her report, as any member is.
        .filter(|sent| sent.header("Subject") != "Encrypted message")
        .collect();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    answers[0].says_to(&world.setup.gpg, "We have received your report");
    let case = world.newest_case();
    assert_eq!(case["messages"][0]["signatures"][0]["trust"], "pinned");
}

#[test]
fn of_several_certificates_in_a_mail_the_one_that_works_is_used() {
    let world = World::new();
    let old = sign_only(&world.gpg, "Old");
    let key = world.gpg.generate("Ann", ANN, Algorithm::Curve25519);
    let both = format!("{old}\n{}", world.gpg.export(&key));
    let mail = letter("XSS")
        .attach("keys.asc", "application/pgp-keys", &both)
        .plain(REPORT);
    world
        .answer(&mail)
        .says_to(&world.gpg, "We have received your report");
    assert_eq!(key_of(&world), key);
}

#[test]
fn whoever_sends_a_report_again_under_another_key_learns_nothing_of_its_case() {
    let Rivals {
        world,
        own,
        thief,
        thiefs,
    } = rivals();
    let mail = with_key(letter("XSS"), &world.gpg, &own).signed(&world.gpg, REPORT, &own);
    world.answer(&mail);
    let autocrypt = format!("addr={ANN}; keydata={}", autocrypt_data(&thief, &thiefs));
    let mail = letter("XSS")
        .header("Autocrypt", &autocrypt)
        .signed(&thief, REPORT, &thiefs);
    let again = world.answer(&mail);
    assert_eq!(again.opened_by(&thief), None);
    again.says_to(&world.gpg, "your mail has reached us again");
}

#[test]
fn explain_says_that_a_notice_leaves_where_the_key_cannot_be_used() {
    let world = World::new();
    let old = sign_only(&world.gpg, "Old");
    let mail = letter("XSS")
        .attach("key.asc", "application/pgp-keys", &old)
        .plain(REPORT);
    let file = world.setup.file("first.eml");
    write_file(&file, &mail);
    let explained = &world.setup.json_lines(&["explain", file.to_str().unwrap()])[0]["replies"][0];
    assert_eq!(explained["encrypted"], false, "{explained}");
    assert_eq!(explained["template"], "notice", "{explained}");
    let words = world.setup.cli(&["explain", file.to_str().unwrap()]);
    let words = String::from_utf8(words.stdout).unwrap();
    let expected = format!("notice to {ANN}, in clear, without content (");
    assert!(words.contains(&expected), "{words}");
    assert!(world.answer(&mail).is_notice());
}

#[test]
fn who_does_what_the_notice_asks_for_is_answered_in_full() {
    let world = World::new();
    let old = sign_only(&world.gpg, "Old");
    let listed = world
        .gpg
        .run(&["--with-colons", "--list-keys", "Old"], b"")
        .stdout;
    let listed = String::from_utf8(listed).unwrap();
    let old_key = listed.lines().find_map(|line| line.strip_prefix("fpr:"));
    let old_key = old_key.unwrap().trim_matches(':').to_owned();
    let mail = letter("XSS")
        .attach("key.asc", "application/pgp-keys", &old)
        .signed(&world.gpg, REPORT, &old_key);
    let notice = world.answer(&mail);
    assert!(notice.is_notice());
    assert!(
        notice.text.contains("a reply to\nthis mail that you sign"),
        "{}",
        notice.text
    );
    let id = world.newest_case()["id"].as_str().unwrap().to_owned();
    let key = world.gpg.generate("Ann", ANN, Algorithm::Curve25519);
    let mail = with_key(letter("Re: my key"), &world.gpg, &key)
        .in_reply_to(&notice.header("Message-ID"))
        .signed(&world.gpg, "Here is my key, as you asked.\n", &key);
    let letters = world.letters(|setup| write_file(&setup.file("Maildir/new/k.test"), mail));
    assert_eq!(letters.len(), 0, "{letters:#?}");
    let reply = world.told(&["case", "reply", &id, "A second word."]);
    reply.says_to(&world.gpg, "A second word.");
}

#[test]
fn a_key_that_takes_over_is_kept_however_many_others_are() {
    let Rivals { world, own, .. } = rivals();
    for number in 0..11 {
        let thief = Gpg::new();
        let certificate = sign_only(&thief, "Ann");
        let mail = letter("XSS")
            .attach("key.asc", "application/pgp-keys", &certificate)
            .signed(&thief, &format!("Report {number}. {REPORT}"), ANN);
        let name = format!("Maildir/new/{number}.test");
        write_file(&world.setup.file(&name), mail);
    }
    let output = world.setup.run_once();
    assert!(output.status.success(), "{output:?}");
    let mail = with_key(letter("Mine"), &world.gpg, &own).signed(&world.gpg, REPORT, &own);
    world
        .answer(&mail)
        .says_to(&world.gpg, "We have received your report");
    assert_eq!(key_of(&world), own);
    let told = world.told(&[
        "case",
        "accept",
        world.newest_case()["id"].as_str().unwrap(),
    ]);
    told.says_to(&world.gpg, "is accepted");
}

fn judged_by_our_server(result: &str, letter: Letter) -> Letter {
    letter.header(
        "Authentication-Results",
        &format!("mx.example.test; dmarc={result} header.from=research.test"),
    )
}

#[test]
fn what_signed_a_forged_mail_is_no_reason_to_answer_to_it() {
    let Rivals {
        world,
        own,
        thief,
        thiefs,
    } = rivals();
    world
        .setup
        .set("organization.authserv_ids", vec!["mx.example.test"]);
    let mail = with_key(
        judged_by_our_server("pass", letter("XSS")),
        &world.gpg,
        &own,
    )
    .signed(&world.gpg, REPORT, &own);
    world.answer(&mail);
    let forged = with_key(
        judged_by_our_server("fail", letter("CSRF")),
        &thief,
        &thiefs,
    )
    .signed(
        &thief,
        "The login form takes requests from any other site.\n",
        &thiefs,
    );
    let answer = world.answer(&forged);
    assert_eq!(answer.opened_by(&thief), None);
    answer.says_to(&world.gpg, "We have received your report");
}

#[test]
fn a_mail_in_cipher_is_answered_in_cipher_whatever_its_reply_to() {
    let world = World::new();
    world
        .setup
        .set("organization.authserv_ids", vec!["mx.example.test"]);
    let key = world.gpg.generate("Ann", ANN, Algorithm::Curve25519);
    let elsewhere =
        || judged_by_our_server("pass", letter("...")).header("Reply-To", "ann@elsewhere.test");
    let unknown = elsewhere().encrypted(&world.gpg, REPORT, &[SECURITY_ADDRESS], None);
    let answer = world.answer(&unknown);
    assert_eq!(answer.header("To"), "ann@elsewhere.test");
    assert!(answer.text.contains("We have no OpenPGP key"));
    let mail = with_key(elsewhere(), &world.gpg, &key).encrypted(
        &world.gpg,
        REPORT,
        &[SECURITY_ADDRESS],
        Some(&key),
    );
    let answer = world.answer(&mail);
    assert_eq!(answer.header("To"), ANN);
    answer.says_to(&world.gpg, "We have received your report");
}
