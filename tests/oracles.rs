//! What a stranger can learn from our answers about what only our key can read.
//!
//! Somebody who got hold of a ciphertext sends it to us under his own address, or with changes,
//! and reads the answer. Nothing in it, not its kind, its case, its addressee or whether there is
//! one, may depend on what was inside.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use common::letter::with_crlf;
use common::{Algorithm, Gpg, Letter, SECURITY_ADDRESS, Setup, write_file};

const VICTIM: &str = "victim@research.test";
const THIEF: &str = "thief@elsewhere.test";
const SECRET: &str = "The backup server takes the password of the old admin.\n";

/// A daemon over a Maildir, and a sendmail that keeps what it is given.
struct World {
    setup: Setup,
    gpg: Gpg,
}

impl World {
    fn new() -> Self {
        let setup = Setup::local();
        let gpg = Gpg::new();
        gpg.import(&setup.certificate());
        Self { setup, gpg }
    }

    /// Hands in a mail and returns the letters that went out, oldest first.
    #[track_caller]
    fn answers(&self, mail: &[u8]) -> Vec<String> {
        let before = self.setup.sent();
        let name = format!("{}.test", rand::random::<u64>());
        write_file(&self.setup.file("Maildir/new").join(name), mail);
        let output = self.setup.run_once();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        self.setup
            .sent()
            .into_iter()
            .filter(|path| !before.contains(path))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    }

    #[track_caller]
    fn answer(&self, mail: &[u8]) -> String {
        let mut answers = self.answers(mail);
        assert_eq!(answers.len(), 1, "{answers:#?}");
        answers.remove(0)
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) {
        let output = self.setup.cli(arguments);
        assert!(output.status.success(), "{output:?}");
    }

    /// The one letter that went out since.
    #[track_caller]
    fn only_new(&self, before: &[PathBuf]) -> String {
        let mut sent = self.setup.sent();
        sent.retain(|path| !before.contains(path));
        assert_eq!(sent.len(), 1);
        std::fs::read_to_string(&sent[0]).unwrap()
    }

    /// The text of an encrypted answer to somebody whose secret key is in `gpg`.
    #[track_caller]
    fn opened(&self, answer: &str) -> String {
        let start = answer.find("-----BEGIN PGP MESSAGE-----").expect(answer);
        let text = self.gpg.decrypt(&answer.as_bytes()[start..]).bytes;
        String::from_utf8(text).unwrap()
    }
}

fn letter(from: &str) -> Letter {
    Letter::new(from, SECURITY_ADDRESS, "...")
}

/// The same content part under another head: what a thief does.
fn stolen(mail: &[u8], from: &str) -> Vec<u8> {
    let mail = String::from_utf8(mail.to_vec()).unwrap();
    let (_, content) = mail.split_once("MIME-Version:").unwrap();
    let head = String::from_utf8(letter(from).plain("")).unwrap();
    let (head, _) = head.split_once("MIME-Version:").unwrap();
    format!("{head}MIME-Version:{content}").into_bytes()
}

fn pgp_mime(from: &str, armored: &str) -> Vec<u8> {
    let boundary = "=-encrypted";
    let head = String::from_utf8(letter(from).plain("")).unwrap();
    let (head, _) = head.split_once("MIME-Version:").unwrap();
    with_crlf(
        format!(
            "{head}MIME-Version: 1.0\nContent-Type: multipart/encrypted; \
             protocol=\"application/pgp-encrypted\"; boundary=\"{boundary}\"\n\n\
             --{boundary}\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\
             --{boundary}\nContent-Type: application/octet-stream\n\n{armored}\n--{boundary}--\n"
        )
        .as_bytes(),
    )
}

fn autocrypt(gpg: &Gpg, who: &str) -> String {
    let binary = gpg.run(&["--export", who], b"").stdout;
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, binary);
    format!("addr={who}; keydata={data}")
}

fn case_number(answer: &str) -> String {
    let at = answer.find("SEC-").expect(answer);
    answer[at..at + 13].to_owned()
}

fn date_of(answer: &str) -> DateTime<Utc> {
    let mut lines = answer.lines();
    let date = lines.find_map(|line| line.strip_prefix("Date: "));
    DateTime::parse_from_rfc2822(date.expect(answer))
        .unwrap()
        .to_utc()
}

fn message_id(answer: &str) -> String {
    let mut lines = answer.lines();
    let line = lines.find_map(|line| line.strip_prefix("Message-ID: "));
    line.expect(answer).trim().to_owned()
}

/// Without what differs in any two letters.
fn shape(answer: &str) -> String {
    let answer = answer.replace("=\r\n", "").replace("=\n", "");
    let mut shape = String::new();
    for line in answer.lines() {
        let line = line.strip_prefix("HP-Outer: ").unwrap_or(line);
        let differs = ["Message-ID:", "In-Reply-To:", "References:", "Date:", " <"]
            .iter()
            .any(|name| line.starts_with(name))
            || ["SHA-256", "Arrived", " CET", " CEST"]
                .iter()
                .any(|word| line.contains(word));
        let line = if differs { "" } else { line };
        shape.push_str(&line.replace(|c: char| c.is_ascii_digit(), "0"));
        shape.push('\n');
    }
    let boundaries: Vec<String> = shape
        .split("boundary=\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect();
    for boundary in boundaries {
        shape = shape.replace(&boundary, "boundary");
    }
    without_signature(&shape)
}

/// Its lines count: how long it is may tell something.
fn without_signature(shape: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in shape.lines() {
        inside &= !line.starts_with("-----END PGP SIGNATURE");
        out.push_str(if inside { "signature" } else { line });
        out.push('\n');
        inside |= line.starts_with("-----BEGIN PGP SIGNATURE");
    }
    out
}

#[test]
fn every_failure_after_a_session_key_was_tried_reads_the_same() {
    let world = World::new();
    let other = world
        .gpg
        .generate("Other", "other@research.test", Algorithm::Curve25519);
    let content = with_crlf(format!("Content-Type: text/plain\n\n{SECRET}").as_bytes());
    let ours = world.gpg.encrypt(&content, &[SECURITY_ADDRESS], None);
    let theirs = world.gpg.encrypt(&content, &[&other], None);
    let run = |arguments: &[&str], input: &[u8]| {
        String::from_utf8(world.gpg.run(arguments, input).stdout).unwrap()
    };
    let binary = world
        .gpg
        .run(&["--encrypt", "--recipient", SECURITY_ADDRESS], &content)
        .stdout;
    let armored =
        |bytes: &[u8]| run(&["--enarmor"], bytes).replace("PGP ARMORED FILE", "PGP MESSAGE");
    let mut modified = binary.clone();
    let last = modified.len() - 8;
    modified[last] ^= 1;
    let mut wrong_session_key = binary.clone();
    wrong_session_key[80] ^= 1;
    let hidden = run(
        &["--armor", "--encrypt", "--hidden-recipient", &other],
        &content,
    );
    let password = run(
        &[
            "--armor",
            "--batch",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "x",
            "--symmetric",
        ],
        &content,
    );
    let (head, _) = ours.split_at(ours.len() * 2 / 3);
    let variants = [
        ("modified", armored(&modified)),
        ("damaged", format!("{head}\n-----END PGP MESSAGE-----\n")),
        ("cut", armored(&binary[..binary.len() - 30])),
        ("wrong session key", armored(&wrong_session_key)),
        ("hidden", hidden),
        ("password", password),
        (
            "nothing",
            "-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n".to_owned(),
        ),
    ];
    let (_, expected) = &variants[0];
    let expected = shape(&world.answer(&pgp_mime(THIEF, expected)));
    assert!(expected.contains("could not read it"), "{expected}");
    assert!(!expected.contains("no key of ours"), "{expected}");
    for (name, armored) in &variants {
        let answer = world.answer(&pgp_mime(THIEF, armored));
        assert_eq!(shape(&answer), expected, "{name}");
        let date = date_of(&answer);
        assert_eq!(date.timestamp() % 10, 0, "{name}: {date}");
        assert!(
            date <= Utc::now(),
            "{name}: it left before its time, {date}"
        );
    }
    let answer = world.answer(&pgp_mime(THIEF, &theirs));
    assert!(answer.contains("no key of ours"), "{answer}");
    // One for others beside one of ours that was changed: a session key was tried.
    let both = format!("{theirs}\n{}", armored(&modified));
    let answer = world.answer(&letter(THIEF).plain(&both));
    assert_eq!(shape(&answer), expected, "both");
}

/// What fails late, deep, or after much work, and with a key of the sender's or without.
#[test]
fn no_failure_is_told_from_another_by_what_it_cost() {
    let world = World::new();
    let gpg = &world.gpg;
    let other = gpg.generate("Other", "other@research.test", Algorithm::Curve25519);
    let sealed = |content: &[u8]| gpg.encrypt(content, &[SECURITY_ADDRESS], None);
    let hidden_often = {
        let mut arguments = vec!["--armor", "--encrypt"];
        for _ in 0..3 {
            arguments.extend(["--hidden-recipient", &other]);
        }
        String::from_utf8(gpg.run(&arguments, SECRET.as_bytes()).stdout).unwrap()
    };
    let theirs = gpg.encrypt(SECRET.as_bytes(), &[&other], None);
    let inner_mime = String::from_utf8(pgp_mime(THIEF, &theirs)).unwrap();
    let inner_mime = &inner_mime[inner_mime.find("Content-Type:").unwrap()..];
    let whole = sealed(format!("Content-Type: text/plain\n\n{SECRET}").as_bytes());
    let variants = [
        (
            "cut",
            format!(
                "{}\n-----END PGP MESSAGE-----\n",
                &whole[..whole.len() * 2 / 3]
            ),
        ),
        ("expands to 60 MB", sealed(&vec![b'0'; 60_000_000])),
        ("hidden, of several", hidden_often),
        (
            "for others inside",
            sealed(format!("Content-Type: text/plain\n\n{theirs}").as_bytes()),
        ),
        ("for others inside, as MIME", sealed(inner_mime.as_bytes())),
        ("for others inside, without MIME", sealed(theirs.as_bytes())),
        (
            "cut inside",
            sealed(format!("Content-Type: text/plain\n\n{}", &whole[..whole.len() / 2]).as_bytes()),
        ),
    ];
    let senders: Vec<(String, String)> = (0..variants.len())
        .map(|at| {
            (
                format!("bare{at}@elsewhere.test"),
                format!("keyed{at}@elsewhere.test"),
            )
        })
        .collect();
    for ((bare, keyed), (_, armored)) in senders.iter().zip(&variants) {
        gpg.generate("Thief", keyed, Algorithm::Curve25519);
        let head = format!("Autocrypt: {}\r\n", autocrypt(gpg, keyed));
        for (name, mail) in [
            (bare, pgp_mime(bare, armored)),
            (keyed, [head.as_bytes(), &pgp_mime(keyed, armored)].concat()),
        ] {
            write_file(&world.setup.file("Maildir/new").join(name), mail);
        }
    }
    let output = world.setup.run_once();
    assert!(output.status.success(), "{output:?}");
    let answers: Vec<String> = world
        .setup
        .sent()
        .into_iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(answers.len(), 2 * variants.len());
    let to = |sender: &str| {
        let line = format!("\nTo: {sender}");
        let answer = answers.iter().find(|answer| answer.contains(&line));
        answer.unwrap_or_else(|| panic!("no answer to {sender}"))
    };
    // `shape` has made zeros of all digits.
    let anonymous = |text: String, sender: &str| {
        let digits = |c: char| if c.is_ascii_digit() { '0' } else { c };
        text.replace(&sender.chars().map(digits).collect::<String>(), "somebody")
    };
    let mut sizes = Vec::new();
    let mut shapes = Vec::new();
    for ((bare, keyed), (name, _)) in senders.iter().zip(&variants) {
        let (bare_answer, keyed_answer) = (to(bare), to(keyed));
        for answer in [bare_answer, keyed_answer] {
            assert_eq!(date_of(answer).timestamp() % 10, 0, "{name}: {answer}");
        }
        assert!(keyed_answer.contains("multipart/encrypted"), "{name}");
        let inside = anonymous(shape(&world.opened(keyed_answer)), keyed);
        assert!(inside.contains("could not read it"), "{name}: {inside}");
        sizes.push(keyed_answer.len());
        shapes.push((*name, anonymous(shape(bare_answer), bare), inside));
    }
    let (_, bare, inside) = &shapes[0];
    assert!(
        bare.contains("could not read it") && !bare.contains("no key of ours"),
        "{bare}"
    );
    for (name, other_bare, other_inside) in &shapes {
        assert_eq!(other_bare, bare, "{name}");
        assert_eq!(other_inside, inside, "{name}");
    }
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(most - least < 100, "{sizes:?}");
}

/// A mail that was read is answered alike, whatever came out: nonsense, a bad signature, much.
#[test]
fn what_was_read_does_not_show_in_the_answer() {
    let world = World::new();
    let gpg = &world.gpg;
    let signer = gpg.generate("Victim", VICTIM, Algorithm::Curve25519);
    let sealed = |content: &[u8]| gpg.encrypt(content, &[SECURITY_ADDRESS], None);
    let signed = String::from_utf8(letter(VICTIM).signed(gpg, SECRET, &signer)).unwrap();
    let signed = &signed[signed.find("Content-Type:").unwrap()..];
    let several = {
        let mut arguments = vec!["--armor", "--encrypt"];
        for _ in 0..3 {
            arguments.extend(["--hidden-recipient", &signer]);
        }
        arguments.extend(["--hidden-recipient", SECURITY_ADDRESS]);
        let content = format!("Content-Type: text/plain\n\n{SECRET}");
        String::from_utf8(gpg.run(&arguments, content.as_bytes()).stdout).unwrap()
    };
    let variants = [
        ("plain", sealed(format!("Content-Type: text/plain\n\n{SECRET}").as_bytes())),
        ("nothing", sealed(b"")),
        ("no MIME", sealed(&[0xff, 0, 7, 0xfe, 13])),
        ("broken MIME", sealed(b"Content-Type: multipart/mixed; boundary=\n\n--\n--x--")),
        ("a bad signature", sealed(signed.replace("backup", "front-up").as_bytes())),
        ("several tries", several),
        ("German", sealed("Content-Type: text/plain; charset=utf-8\n\nIch habe eine Schwachstelle in Ihrer Anwendung gefunden, die es erlaubt, fremde Konten zu \u{fc}bernehmen. Bitte melden Sie sich bei mir.\n".as_bytes())),
        ("much", sealed(&[b"Content-Type: text/plain\n\n", SECRET.repeat(100_000).as_bytes()].concat())),
    ];
    let mut shapes = Vec::new();
    for (at, (name, armored)) in variants.iter().enumerate() {
        let from = format!("reader{at}@elsewhere.test");
        let answer = world.answer(&pgp_mime(&from, armored));
        assert!(!answer.contains("could not read"), "{name}: {answer}");
        shapes.push((*name, shape(&answer)));
    }
    let (_, expected) = &shapes[0];
    for (name, shape) in &shapes {
        assert_eq!(shape, expected, "{name}");
    }
}

/// It is no failure that such a block does not open, and nothing is told of it.
#[test]
fn nor_does_the_time_of_an_answer_tell_how_an_indented_block_failed() {
    let world = World::new();
    let other = world
        .gpg
        .generate("Other", "other@research.test", Algorithm::Curve25519);
    let indented = |armored: &str| {
        let block = armored.lines().map(|line| format!("    {line}\n"));
        letter(THIEF).plain(&format!("Look at this:\n\n{}", block.collect::<String>()))
    };
    let ours = world
        .gpg
        .encrypt(SECRET.as_bytes(), &[SECURITY_ADDRESS], None);
    let (head, _) = ours.split_at(ours.len() * 2 / 3);
    let hidden = world.gpg.run(
        &["--armor", "--encrypt", "--hidden-recipient", &other],
        SECRET.as_bytes(),
    );
    let variants = [
        format!("{head}\n-----END PGP MESSAGE-----\n"),
        String::from_utf8(hidden.stdout).unwrap(),
    ];
    for armored in &variants {
        let answer = world.answer(&indented(armored));
        assert!(answer.contains("thank you for writing"), "{answer}");
        assert_eq!(date_of(&answer).timestamp() % 10, 0, "{answer}");
    }
    // What opens is answered at once, and so is what no key of ours was tried on.
    let theirs = world.gpg.encrypt(SECRET.as_bytes(), &[&other], None);
    for armored in [ours, theirs] {
        let before = Utc::now();
        world.answer(&indented(&armored));
        let took = Utc::now() - before;
        assert!(took.num_seconds() < 3, "{took}");
    }
}

#[test]
fn what_is_encrypted_otherwise_is_told_to_be_unread() {
    let world = World::new();
    let smime = |label: &str| {
        let head = String::from_utf8(letter(VICTIM).plain("")).unwrap();
        let (head, _) = head.split_once("MIME-Version:").unwrap();
        format!(
            "{head}MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; {label}\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n\
             MIIBiQYJKoZIhvcNAQcDoIIBejCCAXYCAQAxggEzMIIBLwIBADAXMBIxEDAOBgNVBAMTB0Nhcmxz\r\n"
        )
        .into_bytes()
    };
    for label in [
        "smime-type=enveloped-data; name=smime.p7m",
        "name=smime.p7m",
    ] {
        let answer = world.answer(&smime(label));
        assert!(answer.contains("no key of ours"), "{label}: {answer}");
        assert!(answer.contains("application/pgp-keys"), "{answer}");
    }
    let answer = world.answer(&smime("smime-type=signed-data; name=smime.p7m"));
    assert!(!answer.contains("could not read"), "{answer}");
    let case = &world.setup.json(&["case", "list"])[0];
    assert_eq!(case["kind"], "unreadable", "{case:#}");
}

#[test]
fn a_stolen_ciphertext_does_not_tell_who_wrote_it() {
    let world = World::new();
    let victim = world.gpg.generate("Victim", VICTIM, Algorithm::Curve25519);
    let certificate = world.gpg.export(&victim);
    let mail = letter(VICTIM)
        .attach("key.asc", "application/pgp-keys", &certificate)
        .encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], Some(&victim));
    let answer = world.answer(&stolen(&mail, THIEF));
    assert!(!answer.contains("multipart/encrypted"), "{answer}");
    // The author herself is answered in cipher.
    let answer = world.answer(&mail);
    assert!(answer.contains("multipart/encrypted"), "{answer}");
    assert!(
        world
            .opened(&answer)
            .contains("We have received your report")
    );
}

#[test]
fn whoever_brings_a_key_is_not_told_what_a_ciphertext_lacks() {
    let world = World::new();
    world.gpg.generate("Thief", THIEF, Algorithm::Curve25519);
    let mail = letter(VICTIM).encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], None);
    let head = format!("Autocrypt: {}\r\n", autocrypt(&world.gpg, THIEF));
    let mail = [head.as_bytes(), &stolen(&mail, THIEF)].concat();
    let answer = world.opened(&world.answer(&mail));
    assert!(!answer.contains("What would help us"), "{answer}");
    // One who signed inside knows what is inside.
    let mail = letter(THIEF).encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], Some(THIEF));
    let mail = [head.as_bytes(), &mail].concat();
    let answer = world.opened(&world.answer(&mail));
    assert!(answer.contains("What would help us"), "{answer}");
}

#[test]
fn a_guess_in_clear_is_not_confirmed() {
    let world = World::new();
    let mail = letter(VICTIM).encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], None);
    let first = world.answer(&stolen(&mail, THIEF));
    let guess = world.answer(&letter(THIEF).plain(SECRET));
    assert_ne!(case_number(&guess), case_number(&first));
    assert!(guess.contains("thank you for writing"), "{guess}");
    // Nor the other way round.
    let answer = world.answer(&stolen(&mail, THIEF));
    assert_ne!(case_number(&answer), case_number(&guess));
}

#[test]
fn a_guess_in_cipher_is_not_confirmed_for_what_somebody_signed() {
    let world = World::new();
    let victim = world.gpg.generate("Victim", VICTIM, Algorithm::Curve25519);
    world.gpg.generate("Thief", THIEF, Algorithm::Curve25519);
    let certificate = world.gpg.export(&victim);
    let signed = |by: &str| {
        letter(VICTIM)
            .attach("key.asc", "application/pgp-keys", &certificate)
            .encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], Some(by))
    };
    let first = world.answer(&stolen(&signed(&victim), THIEF));
    let guess = letter(THIEF)
        .attach("key.asc", "application/pgp-keys", &world.gpg.export(THIEF))
        .encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], Some(THIEF));
    let guess = world.answer(&guess);
    assert_ne!(case_number(&guess), case_number(&first));
    // The author's second copy is the same report.
    let author = world.answer(&signed(&victim));
    let again = world.answer(&signed(&victim));
    assert_eq!(case_number(&again), case_number(&author));
}

#[test]
fn silence_does_not_tell_what_was_inside() {
    let world = World::new();
    let text = "I am out of the office until Monday and will answer your mail then.\n";
    let mail = letter(THIEF)
        .header("Subject", "Automatic reply: your report")
        .encrypted(&world.gpg, text, &[SECURITY_ADDRESS], None);
    world.answer(&mail);
    assert_eq!(
        world.answers(
            &letter(VICTIM)
                .header("Subject", "Automatic reply: your report")
                .plain(text)
        ),
        Vec::<String>::new()
    );
}

/// A mail that joins a case is not answered.
#[test]
fn silence_does_not_tell_which_case_a_ciphertext_names() {
    let world = World::new();
    world.gpg.generate("Thief", THIEF, Algorithm::Curve25519);
    let case = case_number(&world.answer(&letter(THIEF).plain("I found an XSS in the search.\n")));
    let text = format!("{SECRET}Do not believe what {case} says.\n");
    let mail = letter(VICTIM).encrypted(&world.gpg, &text, &[SECURITY_ADDRESS], None);
    let answer = world.answer(&stolen(&mail, THIEF));
    assert_ne!(case_number(&answer), case);
    // What the sender signed, or names where all can see it, joins the case.
    let signed = letter(THIEF)
        .attach("key.asc", "application/pgp-keys", &world.gpg.export(THIEF))
        .encrypted(&world.gpg, &text, &[SECURITY_ADDRESS], Some(THIEF));
    assert_eq!(world.answers(&signed), Vec::<String>::new());
    let named = letter(THIEF)
        .header("Subject", &format!("More on {case}"))
        .encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], None);
    assert_eq!(world.answers(&named), Vec::<String>::new());
}

#[test]
fn the_severity_of_an_encrypted_report_does_not_leave_in_clear() {
    let world = World::new();
    let mail = letter(VICTIM).encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], None);
    let file = world.setup.file("report.eml");
    write_file(&file, &mail);
    world.run(&["ingest", "--no-reply", file.to_str().unwrap()]);
    world.run(&["case", "severity", "SEC-2026-0001", "critical"]);
    let before = world.setup.sent();
    world.run(&["case", "acknowledge", "SEC-2026-0001"]);
    world.run(&["run", "--once"]);
    let answer = world.only_new(&before);
    assert!(answer.contains("We have received your report"), "{answer}");
    assert!(!answer.contains("We aim to ship a fix by"), "{answer}");
}

#[test]
fn an_encrypted_report_sent_again_is_the_same_only_by_its_author() {
    let world = World::new();
    world.gpg.generate("Victim", VICTIM, Algorithm::Curve25519);
    let certificate = world.gpg.export(VICTIM);
    let mail = |signer| {
        letter(VICTIM)
            .attach("key.asc", "application/pgp-keys", &certificate)
            .encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], signer)
    };
    let first = world.opened(&world.answer(&mail(None)));
    let case = case_number(&first);
    for signer in [None, Some(VICTIM)] {
        let next = world.opened(&world.answer(&mail(signer)));
        assert_ne!(case_number(&next), case, "{signer:?}");
        assert!(next.contains("thank you for writing"), "{next}");
    }
    let labels = &world.setup.json(&["case", "show", "SEC-2026-0002"])["labels"];
    assert!(
        labels.to_string().contains("possible_duplicate"),
        "{labels}"
    );
    let again = world.opened(&world.answer(&mail(Some(VICTIM))));
    assert!(again.contains("your mail has reached us again"), "{again}");
    assert_eq!(case_number(&again), "SEC-2026-0003");
}

/// Somebody to whom the author sent the same, signed and in clear.
#[test]
fn a_signed_mail_in_clear_does_not_show_that_a_ciphertext_holds_the_same() {
    let world = World::new();
    let victim = world.gpg.generate("Victim", VICTIM, Algorithm::Curve25519);
    let signed = letter(VICTIM).signed(&world.gpg, SECRET, &victim);
    let signed = String::from_utf8(signed).unwrap();
    let content = &signed[signed.find("Content-Type:").unwrap()..];
    let certificate = format!("Autocrypt: {}\r\n", autocrypt(&world.gpg, VICTIM));
    let sealed = |from: &str| {
        let armored = world
            .gpg
            .encrypt(content.as_bytes(), &[SECURITY_ADDRESS], None);
        [certificate.as_bytes(), &pgp_mime(from, &armored)].concat()
    };
    // The author's own, so that her certificate is known, and twice the same.
    let own = world.opened(&world.answer(&sealed(VICTIM)));
    let again = world.opened(&world.answer(&sealed(VICTIM)));
    assert_eq!(case_number(&again), case_number(&own));
    let with_key = |mail: Vec<u8>| {
        let key = world.gpg.export(&victim);
        let mail = String::from_utf8(mail).unwrap();
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        let head = head
            .lines()
            .filter(|line| !line.starts_with("Autocrypt:"))
            .map(|line| format!("{line}\r\n"))
            .collect::<String>();
        let part = format!(
            "\r\n--=-encrypted\r\nContent-Type: application/pgp-keys\r\n\r\n{key}\r\n--=-encrypted--"
        );
        let body = body.replacen("\r\n--=-encrypted--", &part, 1);
        format!("{head}\r\n{body}").into_bytes()
    };
    let stolen = world.answer(&with_key(sealed(THIEF)));
    let show = world.setup.json(&["case", "show", &case_number(&stolen)]);
    let signature = &show["messages"][0]["signatures"][0];
    assert_eq!(signature["status"], "good", "{show:#}");
    assert_eq!(signature["covers"], "all", "{show:#}");
    let guess = world.answer(&with_key(sealed(THIEF)));
    assert_ne!(case_number(&guess), case_number(&stolen));
}

/// A ciphertext under a signature, and inside a ciphertext, of the thief's own.
fn dressed_up(world: &World, armored: &str) -> [Vec<u8>; 2] {
    let part = format!("Content-Type: text/plain\n\n{armored}");
    let around = letter(THIEF).signed(&world.gpg, armored, THIEF);
    let inner = world.gpg.encrypt(
        &with_crlf(part.as_bytes()),
        &[SECURITY_ADDRESS],
        Some(THIEF),
    );
    [around, pgp_mime(THIEF, &inner)].map(|mail| {
        let head = format!("Autocrypt: {}\r\n", autocrypt(&world.gpg, THIEF));
        [head.as_bytes(), &mail].concat()
    })
}

#[test]
fn a_signature_around_a_stolen_ciphertext_does_not_make_it_ones_own() {
    let world = World::new();
    world.gpg.generate("Thief", THIEF, Algorithm::Curve25519);
    let stolen = world
        .gpg
        .encrypt(SECRET.as_bytes(), &[SECURITY_ADDRESS], None);
    for mail in dressed_up(&world, &stolen) {
        let answer = world.opened(&world.answer(&mail));
        assert!(!answer.contains("What would help us"), "{answer}");
        let guess = letter(THIEF).encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], Some(THIEF));
        let guess = world.opened(&world.answer(&guess));
        assert_ne!(case_number(&guess), case_number(&answer));
    }
    let cases = world.setup.json(&["case", "list"]);
    let show = world.setup.json(&["case", "show", "SEC-2026-0001"]);
    assert_eq!(show["messages"][0]["decrypted"], true, "{show:#}");
    let signature = &show["messages"][0]["signatures"][0];
    assert_eq!(signature["status"], "good", "{show:#}");
    assert_eq!(signature["covers"], "part", "{show:#}");
    // The second guess, signed by the same key as the first, is the first sent again.
    assert_eq!(cases.as_array().unwrap().len(), 3, "{cases:#}");
}

#[test]
fn a_key_that_a_relay_adds_is_not_preferred_to_the_one_that_signed() {
    let world = World::new();
    let victim = world.gpg.generate("Victim", VICTIM, Algorithm::Curve25519);
    let relay = Gpg::new();
    relay.generate("Victim", VICTIM, Algorithm::Curve25519);
    let mail = letter(VICTIM)
        .attach(
            "key.asc",
            "application/pgp-keys",
            &world.gpg.export(&victim),
        )
        .encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], Some(&victim));
    let added = format!("Autocrypt: {}\r\n", autocrypt(&relay, VICTIM));
    let mail = [added.as_bytes(), &mail].concat();
    let answer = world.opened(&world.answer(&mail));
    assert!(answer.contains("We have received your report"), "{answer}");
}

#[test]
fn the_same_words_in_two_replies_are_no_report_sent_again() {
    let world = World::new();
    let report = letter(VICTIM).header("Subject", "XSS in search");
    let answer = world.answer(&report.plain("The search field runs scripts from the URL.\n"));
    let ours = message_id(&answer);
    for _ in 0..3 {
        let reply = letter(VICTIM)
            .header("Subject", "Re: We have received your report")
            .in_reply_to(&ours)
            .plain("We have got your mail and will come back to you.\n");
        assert_eq!(world.answers(&reply), Vec::<String>::new());
    }
}

#[test]
fn a_new_key_counts_after_one_that_cannot_be_used() {
    let world = World::new();
    let sign_only = [
        "--passphrase",
        "",
        "--pinentry-mode",
        "loopback",
        "--quick-gen-key",
        "Old <victim@research.test>",
        "ed25519",
        "sign",
        "0",
    ];
    world.gpg.run(&sign_only, b"");
    let old = world.gpg.export("Old");
    world.gpg.generate("New", VICTIM, Algorithm::Curve25519);
    let new = world.gpg.export("New");
    let with = |key: &str, text: &str| {
        letter(VICTIM)
            .attach("key.asc", "application/pgp-keys", key)
            .plain(text)
    };
    let notice = world.answer(&with(&old, "The search field runs scripts.\n"));
    assert!(notice.contains("We have a message for you"), "{notice}");
    let answer = world.answer(&with(&new, "The login page runs scripts as well.\n"));
    assert!(answer.contains("multipart/encrypted"), "{answer}");
    let answer = world.answer(&letter(VICTIM).plain("The profile page does so too.\n"));
    assert!(answer.contains("multipart/encrypted"), "{answer}");
    let text = world.opened(&answer);
    assert!(text.contains("We have received your report"), "{text}");
}

const REPORT: &str = "The search field of your shop has a stored cross-site scripting flaw: a \
    script in the name of a product runs for every visitor who looks at it.\n";

#[test]
fn a_report_in_clear_with_a_block_that_cannot_be_read_is_a_report() {
    let world = World::new();
    let other = world
        .gpg
        .generate("Other", "other@research.test", Algorithm::Curve25519);
    let theirs = world.gpg.encrypt(b"the proof", &[&other], None);
    let ours = world.gpg.encrypt(b"the proof", &[SECURITY_ADDRESS], None);
    let hidden = ["--armor", "--encrypt", "--hidden-recipient", &other];
    let hidden = String::from_utf8(world.gpg.run(&hidden, b"the proof").stdout).unwrap();
    let broken = "-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n".to_owned();
    let (head, _) = ours.split_at(ours.len() * 2 / 3);
    let cut = format!("{head}\n-----END PGP MESSAGE-----\n");
    let mail = |block: &str| letter(VICTIM).plain(&format!("{REPORT}\n{block}\nAnn\n"));

    let answer = world.answer(&mail(&theirs));
    let expected = shape(&answer);
    assert!(
        expected.contains("We have received your report"),
        "{expected}"
    );
    assert!(expected.contains("could not read that part"), "{expected}");
    assert!(expected.contains("application/pgp-keys"), "{expected}");
    assert!(!expected.contains("no key of ours"), "{expected}");
    assert!(!expected.contains("What would help us"), "{expected}");
    for block in [hidden, broken, cut] {
        assert_eq!(shape(&world.answer(&mail(&block))), expected, "{block}");
    }
    let case = world.setup.json(&["case", "show", &case_number(&answer)]);
    assert_eq!(case["kind"], "report", "{case:#}");
    let labels = case["labels"].to_string();
    assert!(labels.contains("partly_encrypted"), "{labels}");
    assert!(labels.contains("\"encrypted\""), "{labels}");

    // Where the block opens, nothing more is said of what is inside.
    let answer = world.answer(&mail(&ours));
    assert!(!answer.contains("could not read"), "{answer}");
    assert!(!answer.contains("What would help us"), "{answer}");
}

#[test]
fn a_block_with_a_cover_note_that_cannot_be_read_is_unreadable() {
    let world = World::new();
    let other = world
        .gpg
        .generate("Other", "other@research.test", Algorithm::Curve25519);
    let block = world.gpg.encrypt(SECRET.as_bytes(), &[&other], None);
    let notes = [
        "",
        "Hello,\n\nI have found a vulnerability in your product. Please find my security report \
         below, encrypted with the key from your website. Best regards, Ann\n",
    ];
    for note in notes {
        let answer = world.answer(&letter(VICTIM).plain(&format!("{note}\n{block}")));
        assert!(answer.contains("but we could not read it"), "{answer}");
    }
    // So is a reply, of which nobody would be told otherwise.
    let answer = world.answer(&letter(VICTIM).plain(REPORT));
    let ours = message_id(&answer);
    let reply = letter(VICTIM)
        .in_reply_to(&ours)
        .plain(&format!("Another one: {REPORT}\n{block}"));
    let answer = world.answer(&reply);
    assert!(answer.contains("but we could not read it"), "{answer}");
    assert_eq!(case_number(&answer), "SEC-2026-0003");
}

/// Of the signatures of one mail.
#[track_caller]
fn statuses(mail: &serde_json::Value) -> Vec<&str> {
    let signatures = mail["signatures"].as_array().unwrap();
    signatures
        .iter()
        .map(|signature| signature["status"].as_str().unwrap())
        .collect()
}

#[test]
fn a_certificate_that_was_seen_before_checks_later_signatures() {
    let world = World::new();
    world.gpg.generate("Victim", VICTIM, Algorithm::Curve25519);
    world.gpg.generate("Thief", THIEF, Algorithm::Curve25519);
    let unknown = letter(VICTIM).signed(&world.gpg, "The first one.\n", VICTIM);
    world.answer(&unknown);
    // Two at once: the second is opened before the first, with the certificate, is recorded.
    let first = letter(VICTIM)
        .attach("key.asc", "application/pgp-keys", &world.gpg.export(VICTIM))
        .plain("The login page runs scripts.\n");
    let second = letter(VICTIM).encrypted(&world.gpg, SECRET, &[SECURITY_ADDRESS], Some(VICTIM));
    for (name, mail) in [("1.test", &first), ("2.test", &second)] {
        write_file(&world.setup.file("Maildir/new").join(name), mail);
    }
    world.run(&["run", "--once"]);
    let forged = letter(VICTIM).signed(&world.gpg, "Somebody else's.\n", THIEF);
    world.answer(&forged);

    let mails: Vec<serde_json::Value> = (1..=4)
        .map(|number| {
            let case = world
                .setup
                .json(&["case", "show", &format!("SEC-2026-000{number}")]);
            case["messages"][0].clone()
        })
        .collect();
    let found: Vec<_> = mails.iter().map(statuses).collect();
    let expected: [&[&str]; 4] = [&["unknown_key"], &[], &["good"], &["unknown_key"]];
    assert_eq!(found, expected);

    // `explain` and `ingest` know it as well.
    let file = world.setup.file("again.eml");
    write_file(
        &file,
        letter(VICTIM).signed(&world.gpg, "Once more.\n", VICTIM),
    );
    let file = file.to_str().unwrap();
    let told = world.setup.json_lines(&["explain", file]);
    assert_eq!(statuses(&told[0]["openpgp"]), ["good"]);
    world.run(&["ingest", file]);
    let case = world.setup.json(&["case", "show", "SEC-2026-0005"]);
    assert_eq!(statuses(&case["messages"][0]), ["good"]);
}

#[test]
fn our_own_signature_is_known() {
    let world = World::new();
    let secret = world.setup.file("security.key.asc");
    world.gpg.import(&std::fs::read_to_string(secret).unwrap());
    let file = world.setup.file("ours.eml");
    let mail = letter(VICTIM).signed(&world.gpg, "You wrote to me.\n", SECURITY_ADDRESS);
    write_file(&file, mail);
    let told = world.setup.json_lines(&["explain", file.to_str().unwrap()]);
    assert_eq!(statuses(&told[0]["openpgp"]), ["good"]);
}

#[test]
fn a_revocation_is_not_forgotten_for_an_older_copy() {
    let world = World::new();
    let victim = world.gpg.generate("Victim", VICTIM, Algorithm::Curve25519);
    let old = world.gpg.export(&victim);
    let signed = letter(VICTIM)
        .attach("key.asc", "application/pgp-keys", &old)
        .signed(&world.gpg, "Signed before.\n", &victim);
    let name = format!("openpgp-revocs.d/{victim}.rev");
    let revocation = std::fs::read_to_string(world.gpg.home().join(name)).unwrap();
    world.gpg.import(&revocation.replace(":-----", "-----"));
    let with = |certificate: &str| {
        letter(VICTIM)
            .attach("key.asc", "application/pgp-keys", certificate)
            .plain("The login page runs scripts.\n")
    };
    let answers = [&old, &world.gpg.export(&victim), &old].map(|it| world.answer(&with(it)));
    let is_notice = answers.map(|answer| answer.contains("We have a message for you"));
    assert_eq!(is_notice, [false, true, true]);
    world.answer(&signed);
    let cases = world.setup.json(&["case", "list"]);
    let newest = cases.as_array().unwrap().last().unwrap()["id"].clone();
    let case = world
        .setup
        .json(&["case", "show", newest.as_str().unwrap()]);
    assert_eq!(statuses(&case["messages"][0]), ["revoked_key"], "{case:#}");
    // Nor is anything encrypted to it.
    let notice = world.answer(&letter(VICTIM).plain("The profile page does so too.\n"));
    assert!(notice.contains("We have a message for you"), "{notice}");
}

/// Makes a key for the victim, and for a thief who goes by the victim's name.
fn impostor(world: &World) -> Gpg {
    let thief = Gpg::new();
    thief.import(&world.setup.certificate());
    for gpg in [&world.gpg, &thief] {
        gpg.generate("Victim", VICTIM, Algorithm::Curve25519);
    }
    thief
}

/// Can `gpg` open the answer to a mail of the victim's that brings no certificate?
#[track_caller]
fn is_answered_to(world: &World, gpg: &Gpg, text: &str) -> bool {
    let answer = world.answer(&letter(VICTIM).plain(text));
    let start = answer.find("-----BEGIN PGP MESSAGE-----").expect(&answer);
    let opened = gpg.try_run(&["--decrypt"], &answer.as_bytes()[start..]);
    opened.status.success()
}

#[test]
fn a_certificate_that_came_along_gives_way_to_one_that_signed() {
    let world = World::new();
    let thief = impostor(&world);
    let with =
        |gpg: &Gpg| letter(VICTIM).attach("key.asc", "application/pgp-keys", &gpg.export(VICTIM));
    world.answer(&with(&thief).plain("A forged one.\n"));
    assert!(is_answered_to(&world, &thief, "The first.\n"));
    // The answer to a mail that brings a certificate goes to that one.
    let mail = with(&world.gpg).signed(&world.gpg, "The real one.\n", VICTIM);
    world.opened(&world.answer(&mail));
    assert!(is_answered_to(&world, &world.gpg, "The second.\n"));
    world.answer(&with(&thief).plain("Another forged one.\n"));
    assert!(is_answered_to(&world, &world.gpg, "The third.\n"));
}

#[test]
fn a_certificate_from_an_authentic_mail_outranks_all_others() {
    let world = World::new();
    world
        .setup
        .set("organization.authserv_ids", vec!["mx.example.test"]);
    let thief = impostor(&world);
    let results =
        |verdict: &str| format!("mx.example.test; dmarc={verdict} header.from=research.test");
    let with =
        |gpg: &Gpg| letter(VICTIM).attach("key.asc", "application/pgp-keys", &gpg.export(VICTIM));
    // Found to be forged: not remembered at all.
    let forged = with(&thief)
        .header("Authentication-Results", &results("fail"))
        .signed(&thief, "A forged one.\n", VICTIM);
    world.answer(&forged);
    let answer = world.answer(&letter(VICTIM).plain("The first.\n"));
    assert!(answer.contains("We have received your report"), "{answer}");
    // Nothing is known of where it came from.
    world.answer(&with(&thief).signed(&thief, "Another forged one.\n", VICTIM));
    assert!(is_answered_to(&world, &thief, "The second.\n"));
    let real = with(&world.gpg)
        .header("Authentication-Results", &results("pass"))
        .plain("The real one.\n");
    world.opened(&world.answer(&real));
    assert!(is_answered_to(&world, &world.gpg, "The third.\n"));
    world.answer(&with(&thief).signed(&thief, "A third forged one.\n", VICTIM));
    assert!(is_answered_to(&world, &world.gpg, "The fourth.\n"));
}

#[test]
fn a_certificate_is_kept_only_for_an_address_that_it_names() {
    let world = World::new();
    world.gpg.generate("Thief", THIEF, Algorithm::Curve25519);
    let mail = letter(VICTIM)
        .attach("key.asc", "application/pgp-keys", &world.gpg.export(THIEF))
        .signed(&world.gpg, "The first one.\n", THIEF);
    let answer = world.answer(&mail);
    assert!(answer.contains("multipart/encrypted"), "{answer}");
    let answer = world.answer(&letter(VICTIM).plain("The second one.\n"));
    assert!(answer.contains("We have received your report"), "{answer}");
}

#[test]
fn an_address_with_a_quoted_local_part_is_answered() {
    let world = World::new();
    let from = "\"ann@home\"@research.test";
    let answer = world.answer(&letter(from).plain("The search field runs scripts.\n"));
    assert!(answer.contains(&format!("\nTo: {from}\n")), "{answer}");
    let answer = world.answer(&letter("\"ann\"@research.test").plain("So does the login.\n"));
    assert!(answer.contains("\nTo: ann@research.test\n"), "{answer}");
}

#[test]
fn no_log_and_no_file_shows_what_was_inside() {
    let world = World::new();
    world.setup.set_env("TRIAGED_LOG", "trace");
    let inner = format!("Content-Type: text/plain; hp=\"cipher\"\nSubject: zanzibar\n\n{SECRET}");
    let sealed = world
        .gpg
        .encrypt(&with_crlf(inner.as_bytes()), &[SECURITY_ADDRESS], None);
    write_file(
        &world.setup.file("Maildir/new/1.test"),
        pgp_mime(VICTIM, &sealed),
    );
    let output = world.setup.run_once();
    assert!(output.status.success(), "{output:?}");
    let case = world.setup.json(&["case", "show", "SEC-2026-0001"]);
    assert_eq!(case["subject"], "zanzibar", "{case}");
    let logged = [output.stdout, output.stderr].concat();
    let mut places = vec![("the log".to_owned(), logged)];
    let mut folders = vec![world.setup.directory().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => places.push((path.display().to_string(), std::fs::read(path).unwrap())),
            }
        }
    }
    assert!(places.iter().any(|(name, _)| name.ends_with("triaged.db")));
    for (name, bytes) in places {
        let text = String::from_utf8_lossy(&bytes);
        for word in ["zanzibar", "backup server", "old admin"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
}

#[test]
fn a_crash_leaves_no_core() {
    let world = World::new();
    let daemon = world.setup.run();
    daemon.wait_for_log("started");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.id())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).collect();
    assert_eq!(values, ["0", "0", "bytes"], "{core}");
}

#[test]
fn the_files_of_the_daemon_are_its_own() {
    let world = World::new();
    let daemon = world.setup.run();
    daemon.wait_for_log("started");
    for name in [
        "triaged.db",
        "triaged.db-wal",
        "triaged.db-shm",
        "triaged.db.lock",
    ] {
        let mode = std::fs::metadata(world.setup.file(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}

#[test]
fn a_letter_of_ours_that_comes_back_under_another_name_is_not_answered() {
    let world = World::new();
    let answer = world.answer(&letter(VICTIM).plain("The search field runs scripts.\n"));
    let returned: String = answer
        .replace(SECURITY_ADDRESS, "group@lists.test")
        .lines()
        .filter(|line| !line.starts_with("Auto-Submitted"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        world.answers(&with_crlf(returned.as_bytes())),
        Vec::<String>::new()
    );
    let cases = world.setup.json(&["case", "list"]);
    assert_eq!(cases.as_array().unwrap().len(), 1, "{cases}");
}
