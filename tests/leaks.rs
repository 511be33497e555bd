//! What came encrypted leaves in clear nowhere: in no letter, log, file or word to systemd.
//!
//! Mails with marker words in every part that a ciphertext can hold go through the real program,
//! from reporters with a key, with an expired one and with none. Everything that it lets out is
//! searched for the markers, in every encoding. Letters in cipher are opened by GnuPG, to show that
//! the markers are there and the search looks at something.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use mail_parser::{MessageParser, MimeHeaders};
use rusqlite::Connection;

use common::moved_clock::{a_monday, drop_into, make_maildir};
use common::sink::Received;
use common::{Algorithm, Behaviour, Gpg, Letter, SECURITY_ADDRESS, SOON, Setup, Sink, wait_until};
use triaged::triage::reply::Template;

/// What a reporter writes inside a ciphertext, each in a place of its own.
const INSIDE: [&str; 9] = [
    "zanzibarsubject",
    "zanzibartext",
    "zanzibarfile",
    "zanzibarcontent",
    "zanzibarsender",
    "zanzibaruser",
    "zanzibarhost",
    "CVE-2031-48151",
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
];

/// What the team writes on such a case.
const OF_THE_TEAM: [&str; 6] = [
    "wombatreply",
    "wombatreason",
    "wombatquestion",
    "wombatnote",
    "wombatcredit",
    "wombatlabel",
];

/// Words of letters that would tell what was found inside, or in which language it was written.
const TELLING: [&str; 7] = [
    "Vielen Dank",
    "Guten Tag",
    "haben Ihre",
    "critical",
    "denial-of-service",
    "What would help us",
    "We aim to ship a fix",
];

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";

const POLICY: &str = r#"version = "1"
time_zone = "Europe/Berlin"

[deadlines]
acknowledge = "24 hours"
triage = "10 days"
update = "30 days"

[deadlines.remediate]
critical = "30 days"
high = "40 days"

[deadlines.disclose]
after_fix = "60 days"

[deadlines.exploited]
early_warning = "24 hours"
notification = "72 hours"
final_report = "14 days after fix"

[disclosure]
heads_up = "7 days"

[[scope.out]]
name = "denial of service"
kinds = ["denial_of_service"]
sentence = "We do not want denial-of-service attacks."
"#;

/// How a reporter can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Good,
    Expired,
    None,
}

struct Reporter {
    address: &'static str,
    key: Key,
    fingerprint: String,
}

struct World {
    setup: Setup,
    sink: Sink,
    /// Of the reporters.
    gpg: Gpg,
    monday: DateTime<Utc>,
    /// Standard error of everything that ran, by what ran.
    said: std::cell::RefCell<Vec<(String, Vec<u8>)>>,
}

impl World {
    /// Under a clock that is far ahead, where keys that live for days have expired.
    fn open() -> Self {
        let setup = Setup::generate();
        let sink = Sink::start(Behaviour::Accept);
        make_maildir(&setup.file("mail"));
        std::fs::create_dir(setup.file("temporary")).expect("a directory");
        setup.set("maildir.path", "mail");
        setup.send_through(&sink);
        setup.set("limits.replies_per_address", 1_000);
        let monday = a_monday() + TimeDelta::hours(9);
        setup.set_clock(monday);
        setup.add_member("Alice", ALICE);
        setup.add_member("Bob", BOB);
        let expired =
            setup
                .gpg
                .generate_with("Bob", "old@example.test", Algorithm::Curve25519, "", "5d");
        setup.write(&format!("{BOB}.asc"), &setup.gpg.export(&expired));
        setup.write("policy.toml", POLICY);
        setup.set_env("TRIAGED_LOG", "trace");
        setup.set_env("TMPDIR", setup.file("temporary").to_str().expect("UTF-8"));
        let gpg = Gpg::new();
        gpg.import(&setup.certificate());
        Self {
            setup,
            sink,
            gpg,
            monday,
            said: Default::default(),
        }
    }

    fn reporter(&self, address: &'static str, key: Key) -> Reporter {
        let expires = if key == Key::Expired { "5d" } else { "0" };
        let name = "zanzibaruser";
        let fingerprint = self
            .gpg
            .generate_with(name, address, Algorithm::Curve25519, "", expires);
        Reporter {
            address,
            key,
            fingerprint,
        }
    }

    /// A mail of which nothing but addresses and its outer subject can be seen.
    fn sealed(&self, from: &Reporter, outer_subject: &str, text: &str) -> Vec<u8> {
        let files = format!(
            "--in\nContent-Type: text/x-python; name=\"zanzibarfile.py\"\n\
             Content-Disposition: attachment; filename=\"zanzibarfile.py\"\n\n\
             print('zanzibarcontent')\n\
             --in\nContent-Type: application/pdf; name=\"zanzibarfile.pdf\"\n\
             Content-Disposition: attachment; filename=\"zanzibarfile.pdf\"\n\
             Content-Transfer-Encoding: base64\n\n{}\n",
            STANDARD.encode(pdf("zanzibarcontent in a document")),
        );
        self.sealed_with(from, outer_subject, text, &files)
    }

    fn sealed_with(
        &self,
        from: &Reporter,
        outer_subject: &str,
        text: &str,
        files: &str,
    ) -> Vec<u8> {
        let mut content = format!(
            "Content-Type: multipart/mixed; boundary=\"in\"; hp=\"cipher\"\n\
             Subject: zanzibarsubject\nFrom: zanzibarsender <{}>\nTo: zanzibarsender <{SECURITY_ADDRESS}>\n\n\
             --in\nContent-Type: text/plain; charset=utf-8\n\n{text}\n{files}",
            from.address,
        );
        if from.key != Key::None {
            let certificate = self.gpg.export(&from.fingerprint);
            content += &format!(
                "--in\nContent-Type: application/pgp-keys; name=\"key.asc\"\n\n{certificate}\n"
            );
        }
        content += "--in--\n";
        let content = common::letter::with_crlf(content.as_bytes());
        let signer = (from.key == Key::Good).then_some(from.fingerprint.as_str());
        let armored = self
            .gpg
            .encrypt(&content, &[&self.setup.fingerprint], signer);
        self.around(from, outer_subject, &armored)
    }

    fn around(&self, from: &Reporter, subject: &str, armored: &str) -> Vec<u8> {
        let plain = Letter::new(from.address, SECURITY_ADDRESS, subject).plain("");
        let plain = String::from_utf8(plain).expect("UTF-8");
        let (head, _) = plain.split_once("MIME-Version").expect("a header");
        let mail = format!(
            "{head}MIME-Version: 1.0\nContent-Type: multipart/encrypted; \
             protocol=\"application/pgp-encrypted\"; boundary=\"out\"\n\n\
             --out\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\
             --out\nContent-Type: application/octet-stream\n\n{armored}\n--out--\n"
        );
        common::letter::with_crlf(mail.as_bytes())
    }

    fn day(&self, day: i64) -> DateTime<Utc> {
        self.monday + TimeDelta::days(day)
    }

    fn date(&self, day: i64) -> String {
        self.day(day)
            .with_timezone(&chrono_tz::Europe::Berlin)
            .format("%Y-%m-%d")
            .to_string()
    }

    /// Hands in a mail now, and works it off.
    #[track_caller]
    fn receive(&self, mail: &[u8]) {
        drop_into(&self.setup.file("mail"), mail, self.setup.now());
        self.pass();
    }

    #[track_caller]
    fn pass(&self) {
        self.run(&["run", "--once"]);
    }

    /// Runs a command that must succeed; what it says to standard error is kept.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.try_run(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {complaint:.3000}");
        output.stdout
    }

    fn try_run(&self, arguments: &[&str]) -> std::process::Output {
        let output = self.setup.cli(arguments);
        let mut said = self.said.borrow_mut();
        said.push((format!("stderr of {arguments:?}"), output.stderr.clone()));
        // A cron job mails what these print. What `case show`, `status`, `explain` and `digest`
        // print is for the eyes of whoever called them, and may show a case.
        if ["run", "ingest", "check", "doctor", "backup"].contains(&arguments[0]) {
            said.push((format!("stdout of {arguments:?}"), output.stdout.clone()));
        }
        output
    }

    /// The newest case.
    fn case(&self) -> String {
        let cases = self.setup.json(&["case", "list"]);
        let newest = cases
            .as_array()
            .and_then(|cases| cases.last())
            .expect("a case");
        newest["id"].as_str().expect("a number").to_owned()
    }

    /// A new case of this reporter.
    #[track_caller]
    fn report(&self, from: &Reporter, number: u32) -> String {
        self.receive(&self.sealed(from, "...", &words(number)));
        self.case()
    }

    #[track_caller]
    fn verb(&self, verb: &str, case: &str, arguments: &[&str]) {
        self.run(&[&["case", verb, case], arguments].concat());
        self.pass();
    }

    /// The database, as its owner reads it.
    fn database(&self) -> Connection {
        let key = std::fs::read_to_string(self.setup.file("storage.key")).expect("the key");
        let database = Connection::open(self.setup.database()).expect("the database");
        database
            .execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim()))
            .expect("the key fits");
        database
    }

    /// Which letter each Message-ID of ours is.
    fn kinds(&self) -> BTreeMap<String, String> {
        let database = self.database();
        let mut rows = database
            .prepare("SELECT message_id, kind FROM messages WHERE direction = 'out'")
            .expect("the letters");
        let pairs = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        pairs
            .expect("letters")
            .map(|pair| pair.expect("a letter"))
            .collect()
    }

    /// What is inside an encrypted letter, to whomever of ours it went.
    fn opened(&self, letter: &Received) -> Option<Vec<u8>> {
        let start = find(&letter.bytes, b"-----BEGIN PGP MESSAGE-----")?;
        let gpg = match letter.recipients[0].ends_with("@example.test") {
            true => &self.setup.gpg,
            false => &self.gpg,
        };
        let opened = gpg.decrypt(&letter.bytes[start..]);
        assert_eq!(opened.signed_by.as_ref(), Some(&self.setup.fingerprint));
        Some(opened.bytes)
    }
}

/// A report in German, with everything that a program could pick out of it.
fn words(number: u32) -> String {
    format!(
        "Guten Tag,\n\nich habe eine Schwachstelle Nummer {number} in Ihrer Anwendung gefunden. Wer die Seite \
         https://zanzibarhost.test/?q=zanzibartext{number} aufruft, kann fremdes Skript ausführen und \
         ein Konto vollständig übernehmen. Die Schwere ist kritisch (critical), siehe CVE-2031-48151 und \
         CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H. Bitte bestätigen Sie den Empfang.\n\n\
         Schritte: die Seite {number} öffnen, das Suchfeld ausfüllen, absenden.\n\nMit freundlichen Grüßen\n"
    )
}

/// A document of one page with this text.
fn pdf(text: &str) -> Vec<u8> {
    let stream = format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!(
            "<< /Length {} >>\nstream\n{stream}\nendstream",
            stream.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", at + 1);
    }
    let table = file.len();
    file += "xref\n0 6\n0000000000 65535 f \n";
    for place in places {
        file += &format!("{place:010} 00000 n \n");
    }
    file += &format!("trailer << /Size 6 /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    file.into_bytes()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// Every form in which some bytes may hold a word.
struct Searched {
    forms: Vec<(&'static str, Vec<u8>)>,
}

impl Searched {
    fn new(bytes: &[u8]) -> Self {
        let lower = bytes.to_ascii_lowercase();
        let unbroken: Vec<u8> = bytes
            .iter()
            .copied()
            .filter(|b| !b.is_ascii_whitespace())
            .collect();
        let mut forms = vec![
            ("clear", lower.clone()),
            ("quoted-printable", quoted_printable(&lower)),
            ("hex", unbroken.to_ascii_lowercase()),
            ("base64", unbroken),
        ];
        // Headers and parts as a mail program shows them.
        if let Some(mail) = MessageParser::default().parse(bytes) {
            let mut shown = format!("{:?} {:?} {:?}", mail.subject(), mail.from(), mail.to());
            for part in &mail.parts {
                shown += &format!("\n{:?}\n", part.attachment_name());
                shown += &String::from_utf8_lossy(part.contents());
            }
            forms.push(("as shown", shown.to_ascii_lowercase().into_bytes()));
        }
        Self { forms }
    }

    /// In which form the word is there.
    fn holds(&self, word: &str) -> Option<&'static str> {
        let lower = word.to_ascii_lowercase();
        let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
        let wide: Vec<u8> = lower.bytes().flat_map(|byte| [0, byte]).skip(1).collect();
        self.forms.iter().find_map(|(form, bytes)| {
            let found = match *form {
                "base64" => base64_forms(word)
                    .iter()
                    .any(|part| find(bytes, part.as_bytes()).is_some()),
                "hex" => find(bytes, hex.as_bytes()).is_some(),
                _ => find(bytes, lower.as_bytes()).is_some() || find(bytes, &wide).is_some(),
            };
            found.then_some(*form)
        })
    }
}

/// What stands in base64 wherever the word begins, in UTF-8 and UTF-16.
fn base64_forms(word: &str) -> Vec<String> {
    let wide: Vec<u8> = word.bytes().flat_map(|byte| [byte, 0]).collect();
    [word.as_bytes(), &wide]
        .into_iter()
        .flat_map(|bytes| {
            (0..3).map(|before| {
                let encoded = STANDARD.encode([&vec![b' '; before][..], bytes].concat());
                let first = (before * 8).div_ceil(6);
                let last = (before + bytes.len()) * 8 / 6;
                encoded[first..last].to_owned()
            })
        })
        .collect()
}

fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes)
        .replace("=\r\n", "")
        .replace("=\n", "");
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let octet = (first == b'=').then(|| behind.get(..2)).flatten();
        let octet =
            octet.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match octet {
            Some(octet) => {
                out.push(octet);
                rest = &behind[2..];
            }
            None => {
                out.push(first);
                rest = behind;
            }
        }
    }
    out
}

#[test]
fn the_search_finds_every_form() {
    let word = "zanzibartext";
    let hex: String = word.bytes().map(|byte| format!("{byte:02X}")).collect();
    let wide = |order: fn(u16) -> [u8; 2]| word.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    for before in ["", "a", "ab"] {
        let encoded = STANDARD.encode(format!("{before}{word}"));
        let folded = format!("{}\r\n{}", &encoded[..9], &encoded[9..]);
        assert_eq!(
            Searched::new(folded.as_bytes()).holds(word),
            Some("base64"),
            "{before}"
        );
    }
    let letter = format!("Subject: =?utf-8?B?{}?=\r\n\r\nx", STANDARD.encode(word));
    for bytes in [
        b"a ZanzibarText b".to_vec(),
        b"zanz=\r\nibartext".to_vec(),
        b"zanz=69bartext".to_vec(),
        hex.into_bytes(),
        wide(u16::to_le_bytes),
        wide(u16::to_be_bytes),
        letter.into_bytes(),
    ] {
        assert!(Searched::new(&bytes).holds(word).is_some(), "{bytes:?}");
    }
    assert_eq!(Searched::new(b"zanzibar text").holds(word), None);
}

/// Nothing of any marker, in any form.
#[track_caller]
fn assert_silent(what: &str, bytes: &[u8]) {
    let searched = Searched::new(bytes);
    for marker in INSIDE.iter().chain(&OF_THE_TEAM) {
        let form = searched.holds(marker);
        assert_eq!(
            form,
            None,
            "{what} holds {marker}: {:.4000}",
            String::from_utf8_lossy(bytes)
        );
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files
}

impl World {
    #[track_caller]
    fn assert_files_silent(&self, when: &str) {
        let files = files_under(self.setup.directory());
        let has = |name: &str| files.iter().any(|path| path.ends_with(name));
        assert!(has("triaged.db"), "{files:?}");
        for path in files {
            let what = format!("{when}: {}", path.display());
            // A file name is written down, too.
            assert_silent(&what, what.as_bytes());
            if let Ok(bytes) = std::fs::read(&path) {
                assert_silent(&what, &bytes);
            }
        }
    }

    /// Each letter from outside, and what is inside of those in cipher.
    #[track_caller]
    fn check_letters(&self) -> BTreeSet<String> {
        let kinds = self.kinds();
        let mut seen = BTreeSet::new();
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for letter in self.sink.received() {
            let outside = MessageParser::default()
                .parse(&letter.bytes)
                .expect("a mail")
                .into_owned();
            let id = outside.message_id().expect("a Message-ID");
            let kind = kinds
                .get(id)
                .unwrap_or_else(|| panic!("{id} is in no record"));
            let what = format!("{kind} to {}", letter.recipients[0]);
            assert_silent(&what, &letter.bytes);
            // The promise of the policy, the same whatever was sent.
            let text = String::from_utf8_lossy(&letter.bytes);
            let searched = Searched::new(text.replace("critical: 30 days", "").as_bytes());
            for word in TELLING {
                assert_eq!(searched.holds(word), None, "{what}: {word}: {text}");
            }
            let subject = outside.subject().unwrap_or_default();
            let opened = self.opened(&letter);
            if let Some(inside) = &opened {
                assert!(
                    subject == "Encrypted message"
                        || subject.starts_with("[SEC-") && subject.len() == 15,
                    "{what}: {subject}"
                );
                let inside = Searched::new(inside);
                for word in INSIDE.iter().chain(&OF_THE_TEAM).chain(&TELLING) {
                    *found.entry(word).or_default() += usize::from(inside.holds(word).is_some());
                }
            }
            seen.insert(format!(
                "{kind}{}",
                if opened.is_some() { ", in cipher" } else { "" }
            ));
        }
        println!("{seen:#?}\n{found:#?}");
        for word in [
            "wombatreply",
            "wombatreason",
            "wombatquestion",
            "zanzibarsubject",
            "Guten Tag",
            "denial-of-service",
        ] {
            assert!(
                found.get(word).is_some_and(|count| *count > 0),
                "no letter in cipher holds {word}: {found:?}"
            );
        }
        seen
    }
}

#[test]
fn nothing_that_came_encrypted_leaves_in_clear() {
    let world = World::open();
    let reporters = [
        world.reporter("rita@research.test", Key::Good),
        world.reporter("xena@research.test", Key::Expired),
        world.reporter("nora@research.test", Key::None),
    ];
    for (at, reporter) in (0..).zip(&reporters) {
        live_through_everything(&world, reporter, at * 100);
    }
    let stranger = world.reporter("steve@elsewhere.test", Key::Good);
    world.receive(&world.sealed(
        &stranger,
        "...",
        "Hello,\n\nis there any news on my report SEC-2020-0001? zanzibartext\n",
    ));
    let asks = "Hi,\n\nI found a security issue. Please send me your PGP key.\n\nzanzibartext\n";
    let kim = world.reporter("kim@elsewhere.test", Key::Good);
    world.receive(&world.sealed_with(&kim, "...", asks, ""));
    asks_for_key(&world, &reporters[2]);
    unreadable(&world, &reporters[2]);
    held_by_a_cap(&world, &reporters);
    team_is_told(&world, &reporters[0]);
    what_comes_back(&world);

    let seen = world.check_letters();
    let kinds: BTreeSet<&str> = seen
        .iter()
        .map(|kind| kind.split(',').next().unwrap_or_default())
        .collect();
    let missing: Vec<&str> = Template::ALL
        .into_iter()
        .map(Template::as_str)
        .chain(["warning", "digest"])
        .chain(["report_notice", "follow_up", "unreadable_notice"])
        .filter(|kind| !kinds.contains(kind))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "letters that were not seen");
    world.run(&["backup", "copy.db"]);
    for arguments in [&["check"][..], &["doctor"]] {
        world.try_run(arguments);
    }
    for (what, bytes) in world.said.borrow().iter() {
        assert_silent(what, bytes);
    }
    world.assert_files_silent("after all");
    let cases = world.setup.json(&["case", "list"]);
    let first = cases[0]["id"].as_str().expect("a number").to_owned();
    let shown = world.setup.json(&["case", "show", &first]).to_string();
    for word in [
        "zanzibarsubject",
        "zanzibartext",
        "zanzibarfile.py",
        "zanzibarhost",
    ] {
        assert!(
            shown.contains(word),
            "{word} was read at all: {shown:.4000}"
        );
    }
}

/// Every moment of a case, on as many cases as that takes.
fn live_through_everything(world: &World, from: &Reporter, number: u32) {
    let first = world.sealed(from, "...", &words(number));
    world.receive(&first);
    let case = world.case();
    // The same once more; where it is signed it is known for that.
    world.receive(&world.sealed(from, "...", &words(number)));
    for request in [
        "Hello,\n\nwhat is in scope of your bug bounty program, and do you pay rewards for zanzibartext?\n",
        "Hello,\n\ncould you please give me a test account or access to a sandbox for my research? zanzibartext\n",
        "Dear vendor,\n\nas part of our vendor risk assessment please complete the attached security questionnaire. zanzibartext\n",
        "Hello,\n\na phishing site is hosted on one of your servers: https://zanzibarhost.test/login imitates our bank. Please take it down.\n",
    ] {
        world.receive(&world.sealed(from, "...", request));
    }
    let question =
        format!("Hello,\n\nis there any news on {case}? How is it going? zanzibartext\n");
    world.receive(&world.sealed(from, "...", &question));
    world.verb("needs-info", &case, &["wombatquestion"]);
    world.verb("severity", &case, &["critical"]);
    world.verb("accept", &case, &[]);
    world.verb("severity", &case, &["high"]);
    world.verb("reply", &case, &["We mended wombatreply for you."]);
    world.verb("note", &case, &["wombatnote"]);
    world.verb("label", &case, &["wombatlabel"]);
    world.verb("credit", &case, &["wombatcredit"]);
    world.verb("fixed", &case, &[&world.date(0)]);
    world.verb("disclose", &case, &[&world.date(20), "--short-notice"]);
    let other = world.report(from, number + 1);
    world.verb("reject", &other, &["wombatreason is by design"]);
    let other = world.report(from, number + 2);
    world.verb("reject", &other, &["denial of service", "--out-of-scope"]);
    let other = world.report(from, number + 3);
    world.verb("duplicate", &other, &[&case]);
    let other = world.report(from, number + 4);
    world.verb("close", &other, &["wombatreason, and no more"]);
}

/// An empty reply, in clear, to a letter about what came encrypted.
fn asks_for_key(world: &World, from: &Reporter) {
    let letters = world.sink.received();
    let letter = letters
        .iter()
        .find(|letter| letter.recipients[0] == from.address);
    let letter = MessageParser::default().parse(&letter.expect("a letter").bytes);
    let id = letter.and_then(|letter| Some(format!("<{}>", letter.message_id()?)));
    let reply = Letter::new(from.address, SECURITY_ADDRESS, "Re: your letter");
    world.receive(&reply.in_reply_to(&id.expect("a Message-ID")).plain(""));
}

/// To another key, changed, and cut short.
fn unreadable(world: &World, from: &Reporter) {
    let content = format!("Content-Type: text/plain\n\n{}", words(7));
    let theirs = world
        .gpg
        .encrypt(content.as_bytes(), &[&from.fingerprint], None);
    world.receive(&world.around(from, "...", &theirs));
    let ours = world
        .gpg
        .encrypt(content.as_bytes(), &[&world.setup.fingerprint], None);
    world.receive(&world.around(from, "...", &ours[..ours.len() * 2 / 3]));
}

/// Several letters as one, in cipher and in clear.
fn held_by_a_cap(world: &World, reporters: &[Reporter]) {
    world.setup.set("limits.replies_per_address", 1);
    world.setup.set_clock(world.day(2));
    for from in reporters {
        for number in 0..4 {
            world.receive(&world.sealed(from, "...", &words(1_000 + number)));
        }
    }
    world.setup.set_clock(world.day(4));
    world.pass();
    world.setup.set("limits.replies_per_address", 1_000);
    world.setup.set_clock(world.day(6));
    world.pass();
}

/// Warnings, alarms and digests.
fn team_is_told(world: &World, from: &Reporter) {
    let text = format!(
        "{}\nThis is being exploited in the wild right now, we see active exploitation.\n",
        words(77)
    );
    world.receive(&world.sealed(from, "...", &text));
    world.verb("exploited", &world.case(), &[]);
    for member in [ALICE, BOB] {
        world.setup.set("digest.to", vec![member.to_owned()]);
        world.run(&["digest", "--send"]);
        world.pass();
    }
    for day in [8, 12, 14, 21] {
        world.setup.set_clock(world.day(day));
        world.pass();
    }
}

/// Every letter that may bounce does.
fn what_comes_back(world: &World) {
    let letters = world.sink.received();
    for letter in letters.iter().rev().take(12) {
        let mail = MessageParser::default()
            .parse(&letter.bytes)
            .expect("a mail");
        let id = mail.message_id().expect("a Message-ID");
        let original = String::from_utf8_lossy(&letter.bytes);
        let bounce = format!(
            "Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@mx.test>\n\
             To: {SECURITY_ADDRESS}\nSubject: Undelivered Mail Returned to Sender\n\
             Auto-Submitted: auto-replied\nMessage-ID: <b.{id}>\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=bounced\n\n\
             --bounced\n\nno such user\n\
             --bounced\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n\
             Final-Recipient: rfc822; {}\nAction: failed\nStatus: 5.1.1\n\n\
             --bounced\nContent-Type: message/rfc822\n\n{original}\n\n--bounced--\n",
            letter.recipients[0]
        );
        drop_into(
            &world.setup.file("mail"),
            bounce.as_bytes(),
            world.setup.now(),
        );
    }
    let before = world.sink.received().len();
    world.pass();
    let after = world.sink.received();
    for letter in &after[before..] {
        assert!(
            letter.recipients[0].ends_with("@example.test"),
            "a bounce causes no mail"
        );
    }
}

/// Killed at every step: what lies on the disk then shows nothing either.
#[test]
fn what_a_crash_leaves_behind_shows_nothing() {
    let world = World::open();
    let rita = world.reporter("rita@research.test", Key::Good);
    for (number, step) in (0..).zip([
        "opened",
        "half_recorded",
        "recorded",
        "committed",
        "claimed",
        "handed_over",
    ]) {
        let mail = world.sealed(&rita, "...", &words(number));
        drop_into(&world.setup.file("mail"), &mail, world.setup.now());
        world.setup.set_env("TRIAGED_KILL_AT", step);
        let output = world.setup.cli(&["run", "--once"]);
        assert!(!output.status.success(), "it reached {step}");
        world.setup.unset_env("TRIAGED_KILL_AT");
        assert_silent(step, &output.stderr);
        world.assert_files_silent(step);
    }
    let mail = world.sealed(&rita, "...", &words(99));
    let file = world.setup.file("one.eml");
    common::write_file(&file, &mail);
    world.run(&["ingest", file.to_str().expect("UTF-8")]);
    world.pass();
    let cases = world.setup.json(&["case", "list"]);
    assert_eq!(cases.as_array().map(Vec::len), Some(7));
    for (what, bytes) in world.said.borrow().iter() {
        assert_silent(what, bytes);
    }
    world.assert_files_silent("in the end");
}

/// What systemd shows to every user of the machine.
#[test]
fn the_status_for_systemd_shows_nothing() {
    let world = World::open();
    let socket = world.setup.file("notify");
    let heard = UnixDatagram::bind(&socket).expect("a socket");
    heard
        .set_nonblocking(true)
        .expect("a socket that does not wait");
    world
        .setup
        .set_env("NOTIFY_SOCKET", socket.to_str().expect("UTF-8"));
    let rita = world.reporter("rita@research.test", Key::Good);
    let mut daemon = world.setup.run();
    daemon.wait_for_log("started");
    drop_into(
        &world.setup.file("mail"),
        &world.sealed(&rita, "...", &words(1)),
        world.setup.now(),
    );
    // The team hears of a certificate that has expired, too.
    let is_hers = |mail: &Received| mail.recipients[0] == rita.address;
    wait_until("the answer", SOON, || {
        world.sink.received().iter().any(is_hers)
    });
    assert!(daemon.stop().success());
    let mut told = Vec::new();
    let mut datagram = [0; 4_096];
    while let Ok(length) = heard.recv(&mut datagram) {
        told.extend_from_slice(&datagram[..length]);
        told.push(b'\n');
    }
    let text = String::from_utf8_lossy(&told);
    assert!(
        text.contains("READY=1") && text.contains("STATUS="),
        "{text}"
    );
    assert_silent("the status", &told);
    assert_silent("the log", daemon.log().as_bytes());
    // What the kernel shows of a running program: its arguments and its environment.
    world.assert_files_silent("beside a running daemon");
}
