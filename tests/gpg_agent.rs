//! Secret keys that only a gpg-agent holds: the real one, started and ended by the test.

mod common;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use common::letter::with_crlf;
use common::{
    Algorithm, Behaviour, Gpg, Letter, SECURITY_ADDRESS, SOON, Setup, Sink, Triaged, wait_until,
};
use rustix::process::{Pid, Signal, kill_process_group};
use triaged::agent::GpgAgent;
use triaged::mail::message::Failure;
use triaged::mail::pgp::{Keyring, SealError, SecretAgent, read_certificates, verify_detached};

const MARKER: &str = "heap overflow in the thumbnail parser";

/// An installation whose secret key lies in the agent of `setup.gpg` alone.
fn office() -> (Setup, Sink) {
    let setup = Setup::generate();
    let sink = Sink::start(Behaviour::Accept);
    setup.send_through(&sink);
    for folder in ["mail/cur", "mail/new", "mail/tmp"] {
        std::fs::create_dir_all(setup.file(folder)).expect("a Maildir");
    }
    setup.set("maildir.path", "mail");
    setup.set("maildir.poll_interval", "1s");
    setup.write("security.key.asc", &setup.certificate());
    let home = setup.gpg.home().to_str().expect("a path in UTF-8");
    setup.set("openpgp.agent_home", home);
    (setup, sink)
}

fn deliver(setup: &Setup, name: &str, mail: &[u8]) {
    let path = setup.file("mail/tmp").join(name);
    std::fs::write(&path, mail).expect("write a mail");
    std::fs::rename(&path, setup.file("mail/new").join(name)).expect("deliver a mail");
}

/// A report of somebody with a GnuPG of their own, encrypted to us.
struct Reporter {
    gpg: Gpg,
    fingerprint: String,
    name: &'static str,
}

impl Reporter {
    fn new(name: &'static str, setup: &Setup) -> Self {
        let gpg = Gpg::new();
        let fingerprint = gpg.generate(name, &address(name), Algorithm::Curve25519);
        gpg.import(&setup.certificate());
        Self {
            gpg,
            fingerprint,
            name,
        }
    }

    fn report(&self, setup: &Setup) -> Vec<u8> {
        self.report_of(MARKER, setup)
    }

    fn report_of(&self, finding: &str, setup: &Setup) -> Vec<u8> {
        let from = format!("{} <{}>", self.name, address(self.name));
        let key = self.gpg.export(&self.fingerprint);
        Letter::new(&from, SECURITY_ADDRESS, "A finding")
            .attach("key.asc", "application/pgp-keys", &key)
            .encrypted(
                &self.gpg,
                &format!("There is a {finding}.\n\nSteps: open the file.\n"),
                &[&setup.fingerprint],
                Some(&self.fingerprint),
            )
    }
}

fn address(name: &str) -> String {
    format!("{}@research.test", name.to_lowercase())
}

fn cases(setup: &Setup) -> Vec<serde_json::Value> {
    let cases = setup.json(&["case", "list"]);
    cases.as_array().expect("a list").clone()
}

/// The armored message in a letter.
fn armored(letter: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(letter).into_owned();
    let start = text.find("-----BEGIN PGP MESSAGE").expect("a message");
    text.as_bytes()[start..].to_vec()
}

#[test]
fn a_report_is_read_and_answered_by_a_key_that_only_the_agent_holds() {
    let (setup, sink) = office();
    let alice = Reporter::new("Alice", &setup);
    deliver(&setup, "1", &alice.report(&setup));
    let done = setup.run_once();
    assert_eq!(done.status.code(), Some(0), "{done:?}");

    let cases = cases(&setup);
    assert_eq!(cases.len(), 1);
    let case = setup.json(&["case", "show", cases[0]["id"].as_str().expect("a number")]);
    let mail = &case["messages"][0];
    assert_eq!(mail["decrypted"], true, "{mail}");
    assert!(
        mail["text"]
            .as_str()
            .is_some_and(|text| text.contains(MARKER))
    );
    assert_eq!(mail["signatures"][0]["status"], "good");

    let letters = sink.received();
    assert_eq!(letters.len(), 1);
    let answer = alice.gpg.decrypt(&armored(&letters[0].bytes));
    assert_eq!(
        answer.signed_by.as_deref(),
        Some(setup.fingerprint.as_str())
    );

    let check = setup.cli(&["check"]);
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    let held = format!("in gpg-agent: {}", setup.fingerprint);
    assert!(check.status.success() && said.contains(&held), "{check:?}");
    let doctor = setup.cli(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(
        said.contains("decrypts to itself") && said.contains(&held),
        "{said}"
    );
}

#[test]
fn an_answer_in_clear_is_signed_by_the_agent() {
    let (setup, sink) = office();
    let mail = Letter::new("bob@research.test", SECURITY_ADDRESS, "XSS").plain("An XSS at /a\n");
    setup.write("report.eml", &String::from_utf8(mail).expect("text"));
    let file = setup.file("report.eml");
    let ingested = setup.cli(&["ingest", file.to_str().expect("UTF-8")]);
    assert!(ingested.status.success(), "{ingested:?}");
    let done = setup.run_once();
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let letter = String::from_utf8(sink.received()[0].bytes.clone()).expect("text");
    assert!(letter.contains("multipart/signed"), "{letter}");
    let boundary = letter.split("boundary=\"").nth(1).expect("a boundary");
    let boundary = format!("\r\n--{}", boundary.split('"').next().expect("its end"));
    let letter = String::from_utf8(with_crlf(letter.as_bytes())).expect("text");
    let parts: Vec<&str> = letter.split(&boundary).collect();
    let signed = parts[1].trim_start_matches("\r\n");
    let signature = &parts[2][parts[2].find("-----BEGIN").expect("a signature")..];
    let by = setup.gpg.verify(signed.as_bytes(), signature);
    assert_eq!(by.as_deref(), Some(setup.fingerprint.as_str()));
}

/// Ended in the middle of the daemon's life, it is started again as gpg would.
#[test]
fn an_agent_that_was_ended_is_started_again() {
    let (setup, sink) = office();
    let alice = Reporter::new("Alice", &setup);
    let mut daemon = setup.run();
    daemon.wait_for_log("event=\"started\"");
    let agent = Pid::from_raw(i32::try_from(setup.gpg.group()).expect("a process")).expect("one");
    kill_process_group(agent, Signal::KILL).expect("end the agent");
    deliver(&setup, "1", &alice.report(&setup));
    wait_until("the answer", SOON, || sink.count() == 1);
    let cases = cases(&setup);
    assert_eq!(cases.len(), 1, "{}", daemon.log());
    assert_ne!(cases[0]["kind"], "unreadable");
    assert!(daemon.stop().success());
    end_agent(&setup.gpg);
}

/// Not those of the test's own: one that was started for us.
fn end_agent(gpg: &Gpg) {
    Command::new("gpgconf")
        .arg("--homedir")
        .arg(gpg.home())
        .args(["--kill", "gpg-agent"])
        .status()
        .expect("run gpgconf");
}

const MEMBER: &str = "marie@example.test";

fn letters_to(sink: &Sink, recipient: &str) -> usize {
    let received = sink.received();
    let to = received.iter().flat_map(|letter| &letter.recipients);
    to.filter(|to| *to == recipient).count()
}

/// The secret is gone (as with a card pulled out): the mail stays, others go on, and it is read
/// when the secret is back.
#[test]
fn a_mail_waits_for_a_key_that_is_away() {
    let (setup, sink) = office();
    // Answers are signed with a key of our own; an older one is with the agent.
    let current = setup
        .gpg
        .generate("Example Corp", SECURITY_ADDRESS, Algorithm::Curve25519);
    let secret = setup.gpg.export_secret(&current, "");
    setup.write("current.key.asc", &secret);
    setup.set("openpgp.keys", vec!["current.key.asc", "security.key.asc"]);
    setup.add_member("Marie", MEMBER);
    setup.set("limits.silence", "2s");
    let alice = Reporter::new("Alice", &setup);
    let daemon = setup.run();
    daemon.wait_for_log("event=\"started\"");
    let held = setup.gpg.home().join("private-keys-v1.d");
    let away = setup.gpg.home().join("away.d");
    std::fs::rename(&held, &away).expect("take the keys away");

    deliver(&setup, "1", &alice.report(&setup));
    let plain = Letter::new("bob@research.test", SECURITY_ADDRESS, "XSS").plain("An XSS at /a\n");
    deliver(&setup, "2", &plain);
    wait_until("the other mail", SOON, || {
        letters_to(&sink, "bob@research.test") == 1
    });
    daemon.wait_for_log("its key is away");
    // Of the other mail, and of the key.
    wait_until("the notices", SOON, || letters_to(&sink, MEMBER) == 2);
    assert_eq!(told_of_key(&daemon), 1);
    assert_eq!(cases(&setup).len(), 1, "the encrypted one is not recorded");
    let status = String::from_utf8(setup.cli(&["status"]).stdout).expect("text");
    assert!(status.contains("gpg-agent"), "{status}");
    std::fs::rename(&away, &held).expect("bring the keys back");
    wait_until("the encrypted mail", 2 * SOON, || cases(&setup).len() == 2);
    let cases = cases(&setup);
    assert!(
        cases.iter().all(|case| case["kind"] != "unreadable"),
        "{cases:?}"
    );
    wait_until("the notice", SOON, || letters_to(&sink, MEMBER) == 3);
    assert_eq!(told_of_key(&daemon), 1, "told once");
}

/// How often the team was told that a key is away.
fn told_of_key(daemon: &Triaged) -> usize {
    daemon.log().matches("event=\"key_away\"").count()
}

/// An agent that hangs holds up other mails for seconds, however many wait for it; when it goes on,
/// each of them is read and answered once.
#[test]
fn a_flood_of_mails_for_an_agent_that_hangs() {
    const FLOOD: usize = 12;
    let (setup, sink) = office();
    let current = setup
        .gpg
        .generate("Example Corp", SECURITY_ADDRESS, Algorithm::Curve25519);
    let secret = setup.gpg.export_secret(&current, "");
    setup.write("current.key.asc", &secret);
    setup.set("openpgp.keys", vec!["current.key.asc", "security.key.asc"]);
    setup.set("limits.replies_per_address", 100);
    setup.add_member("Marie", MEMBER);
    setup.set("limits.silence", "20s");
    let alice = Reporter::new("Alice", &setup);
    let mut daemon = setup.run();
    daemon.wait_for_log("event=\"started\"");
    let agent = Pid::from_raw(i32::try_from(setup.gpg.group()).expect("a process")).expect("one");
    kill_process_group(agent, Signal::STOP).expect("stop the agent");
    for number in 0..FLOOD {
        let report = alice.report_of(&format!("flaw at /{number} and {number}"), &setup);
        deliver(&setup, &format!("a{number}"), &report);
    }
    for number in 0..3 {
        let from = format!("bob{number}@research.test");
        let plain = Letter::new(&from, SECURITY_ADDRESS, "XSS").plain("An XSS at /a\n");
        deliver(&setup, &format!("b{number}"), &plain);
        let soon = Duration::from_secs(20);
        wait_until("the other mail", soon, || letters_to(&sink, &from) == 1);
    }
    wait_until("the notice", 2 * SOON, || told_of_key(&daemon) == 1);
    kill_process_group(agent, Signal::CONT).expect("let the agent go on");
    wait_until("all answers", 4 * SOON, || {
        letters_to(&sink, &address("Alice")) == FLOOD
    });
    let cases = cases(&setup);
    assert_eq!(cases.len(), FLOOD + 3);
    let is_read = |case: &serde_json::Value| case["kind"] != "unreadable";
    assert!(cases.iter().all(is_read), "{cases:?}");
    assert_eq!(told_of_key(&daemon), 1, "told once");
    assert!(daemon.stop().success());
    let answers = sink.count() - letters_to(&sink, MEMBER);
    assert_eq!(answers, FLOOD + 3, "nobody is answered twice");
}

/// `ingest` has no mailbox to leave a mail in: whoever called it is told to try again.
#[test]
fn a_mail_from_a_file_is_not_recorded_while_its_key_is_locked() {
    let (mut setup, _sink) = office();
    let current = std::mem::replace(&mut setup.fingerprint, locked_key(&setup.gpg));
    let secret = setup.gpg.export_secret(&current, "");
    setup.write("current.key.asc", &secret);
    setup.write("security.key.asc", &setup.certificate());
    setup.set("openpgp.keys", vec!["current.key.asc", "security.key.asc"]);
    let doctor = setup.cli(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    let waits = format!(
        "{}: is in gpg-agent, which does not decrypt",
        setup.fingerprint
    );
    assert!(said.contains(&waits), "{said}");
    let alice = Reporter::new("Alice", &setup);
    let file = setup.file("report.eml");
    std::fs::write(&file, alice.report(&setup)).expect("write a mail");
    let file = file.to_str().expect("UTF-8");
    let ingested = setup.cli(&["ingest", file]);
    assert_eq!(ingested.status.code(), Some(1), "{ingested:?}");
    let said = String::from_utf8_lossy(&ingested.stderr).into_owned();
    assert!(
        said.contains("not recorded") && said.contains("try again"),
        "{said}"
    );
    assert!(cases(&setup).is_empty());

    preset_passphrase(&setup.gpg, &setup.fingerprint, PASSPHRASE);
    let ingested = setup.cli(&["ingest", file]);
    assert!(ingested.status.success(), "{ingested:?}");
    assert_eq!(cases(&setup)[0]["kind"], "report");
}

const PASSPHRASE: &str = "words that the agent forgot";

/// A key of the security address whose passphrase the agent does not know.
fn locked_key(gpg: &Gpg) -> String {
    let kind = Algorithm::Curve25519;
    let fingerprint = gpg.generate_with("Us", SECURITY_ADDRESS, kind, PASSPHRASE, "0");
    forget_passphrases(gpg);
    fingerprint
}

/// No letter leaves unsigned or in clear because our key is away: it waits, and what it answers.
#[test]
fn an_answer_waits_for_a_key_that_is_away() {
    let (setup, sink) = office();
    let mut daemon = setup.run();
    daemon.wait_for_log("event=\"started\"");
    let held = setup.gpg.home().join("private-keys-v1.d");
    let away = setup.gpg.home().join("away.d");
    std::fs::rename(&held, &away).expect("take the keys away");
    let plain = Letter::new("bob@research.test", SECURITY_ADDRESS, "XSS").plain("An XSS at /a\n");
    deliver(&setup, "1", &plain);
    daemon.wait_for_log("nothing is recorded yet");
    assert_eq!(sink.count(), 0);
    assert!(!setup.database().exists() || cases(&setup).is_empty());
    std::fs::rename(&away, &held).expect("bring the keys back");
    wait_until("the answer", SOON, || sink.count() == 1);
    let letter = String::from_utf8_lossy(&sink.received()[0].bytes).into_owned();
    assert!(letter.contains("multipart/signed"), "{letter}");
    assert_eq!(cases(&setup).len(), 1);
    assert!(daemon.stop().success());
}

/// Nobody is asked for a passphrase: what the agent does not know is an error that says so.
#[test]
fn a_key_whose_passphrase_the_agent_does_not_know_is_locked() {
    let gpg = Gpg::new();
    let fingerprint = locked_key(&gpg);
    let keyring = keyring(&gpg, &fingerprint);
    let own = read_certificates(gpg.export(&fingerprint).as_bytes());
    let Err(SealError::KeyAway(why)) = keyring.encrypt_signed(&own[0], b"text", Utc::now()) else {
        panic!("a locked key signs");
    };
    assert!(why.to_string().contains("the key is locked"), "{why}");
    let sealed = gpg.encrypt(b"text", &[&fingerprint], None);
    let opened = keyring.decrypt(sealed.as_bytes(), &[], 1_000_000, Utc::now());
    assert_eq!(opened.err(), Some(Failure::KeyAway));

    preset_passphrase(&gpg, &fingerprint, PASSPHRASE);
    let sealed = keyring
        .encrypt_signed(&own[0], b"text", Utc::now())
        .expect("unlocked");
    let opened = keyring
        .decrypt(&sealed, &own, 1_000_000, Utc::now())
        .expect("unlocked");
    assert_eq!(opened.bytes, b"text");
}

/// `doctor` says what is to be done, and the start says which key is missing.
#[test]
fn doctor_tells_of_a_locked_key_and_of_an_agent_without_it() {
    let (setup, _sink) = office();
    let locked = locked_key(&setup.gpg);
    setup.write("security.key.asc", &setup.gpg.export(&locked));
    let doctor = setup.cli(&["doctor"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert_eq!(doctor.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the key is locked") && said.contains("gpg-preset-passphrase"),
        "{said}"
    );

    let stranger = Gpg::new();
    let home = stranger.home().to_str().expect("UTF-8");
    setup.set("openpgp.agent_home", home);
    let started = setup.run_once();
    assert_eq!(started.status.code(), Some(2), "{started:?}");
    let said = String::from_utf8_lossy(&started.stderr).into_owned();
    assert!(said.contains("holds none of it"), "{said}");

    // A home that is none.
    setup.set("openpgp.agent_home", "/nowhere/at/all");
    let started = setup.run_once();
    assert_ne!(started.status.code(), Some(0));
    let said = String::from_utf8_lossy(&started.stderr).into_owned();
    assert!(
        said.contains("openpgp.agent_home: gpg-agent: /nowhere/at/all"),
        "{said}"
    );
}

fn forget_passphrases(gpg: &Gpg) {
    let reload = Command::new("gpg-connect-agent")
        .arg("--homedir")
        .arg(gpg.home())
        .args(["RELOADAGENT", "/bye"])
        .output()
        .expect("run gpg-connect-agent");
    assert!(reload.status.success());
}

fn preset_passphrase(gpg: &Gpg, fingerprint: &str, passphrase: &str) {
    let listed = gpg.run(&["--with-colons", "--with-keygrip", "-K", fingerprint], b"");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let grips = listed
        .lines()
        .filter_map(|line| line.strip_prefix("grp:::::::::"));
    let hex: String = passphrase
        .bytes()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    for grip in grips {
        let preset = format!("PRESET_PASSPHRASE {} -1 {hex}", grip.trim_end_matches(':'));
        let done = Command::new("gpg-connect-agent")
            .arg("--homedir")
            .arg(gpg.home())
            .args([&preset, "/bye"])
            .output()
            .expect("run gpg-connect-agent");
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(said.starts_with("OK"), "{said}");
    }
}

/// What `gpg` has of this key, its secret parts with the agent alone.
fn keyring(gpg: &Gpg, fingerprint: &str) -> Keyring {
    let agent: Arc<dyn SecretAgent> = Arc::new(GpgAgent::at(gpg.home()));
    let sources = [("test".to_owned(), gpg.export(fingerprint).into_bytes())];
    let loaded = Keyring::load_with_agent(&sources, None, agent, "us@example.test", Utc::now());
    let (keyring, problems) = loaded.expect("an agent");
    assert!(!keyring.is_empty(), "{problems:?}");
    keyring
}

/// Kinds of keys that gpg-agent knows, each signing and decrypting.
#[test]
fn every_kind_of_key_works_through_the_agent() {
    let gpg = Gpg::new();
    let ecc = |sign: &str, encrypt: &str| {
        format!(
            "Key-Type: {sign}\nKey-Usage: sign,cert\nSubkey-Type: {encrypt}\nSubkey-Usage: encrypt\n"
        )
    };
    let kinds = [
        ecc("EDDSA\nKey-Curve: ed25519", "ECDH\nSubkey-Curve: cv25519"),
        ecc("ECDSA\nKey-Curve: nistp256", "ECDH\nSubkey-Curve: nistp256"),
        ecc("ECDSA\nKey-Curve: nistp521", "ECDH\nSubkey-Curve: nistp521"),
        ecc(
            "ECDSA\nKey-Curve: brainpoolP256r1",
            "ECDH\nSubkey-Curve: brainpoolP256r1",
        ),
        ecc("RSA\nKey-Length: 2048", "RSA\nSubkey-Length: 2048"),
        ecc("RSA\nKey-Length: 3072", "RSA\nSubkey-Length: 3072"),
    ];
    for (number, kind) in kinds.iter().enumerate() {
        let who = format!("kind{number}@example.test");
        let parameters =
            format!("{kind}%no-protection\nName-Email: {who}\nExpire-Date: 0\n%commit\n");
        gpg.run(&["--gen-key"], parameters.as_bytes());
        let keyring = keyring(&gpg, &who);
        let now = Utc::now();
        let parts = &keyring.keys(now)[0].parts;
        assert!(
            parts.iter().all(|part| part.in_agent && part.unlocked),
            "{kind}: {parts:?}"
        );
        let own = read_certificates(gpg.export(&who).as_bytes());
        let (signature, _) = keyring.sign_detached(b"text", now).expect(kind);
        let verified = verify_detached(b"text", &signature, &own, now);
        assert_eq!(verified[0].status.as_str(), "good", "{kind}");
        let by = gpg.verify(b"text", &String::from_utf8(signature).expect("text"));
        assert!(by.is_some(), "{kind}: gpg doubts it");
        // Many: a number may begin with zeros, or with a bit that looks like a sign.
        for _ in 0..16 {
            let sealed = gpg.encrypt(b"text", &[&who], None);
            let opened = keyring
                .decrypt(sealed.as_bytes(), &own, 1_000_000, now)
                .expect(kind);
            assert_eq!(opened.bytes, b"text", "{kind}");
        }
        let hidden = gpg.run(
            &["--armor", "--encrypt", "--hidden-recipient", &who],
            b"text",
        );
        let opened = keyring
            .decrypt(&hidden.stdout, &own, 1_000_000, now)
            .expect(kind);
        assert_eq!(opened.bytes, b"text", "{kind}");
        let other = gpg.encrypt(b"text", &[&who], None).replace("=", "");
        assert!(
            keyring
                .decrypt(&other.as_bytes()[..200], &own, 1_000_000, now)
                .is_err()
        );
    }
}
