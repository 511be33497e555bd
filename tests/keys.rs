//! The life of our keys, end to end: `triaged key …` on a real configuration, the daemon that takes
//! up what changed, and GnuPG as everybody else.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{Message, MessageParser};
use serde_json::Value;

use common::moved_clock::{drop_into, make_maildir};
use common::sink::Received;
use common::{Algorithm, Behaviour, Gpg, Letter, SECURITY_ADDRESS, SOON, Setup, Sink, wait_until};

const RITA: &str = "rita@research.test";

/// A Maildir and a mail server.
struct Office {
    setup: Setup,
    sink: Sink,
}

impl Office {
    fn open() -> Self {
        let setup = Setup::generate();
        let sink = Sink::start(Behaviour::Accept);
        make_maildir(&setup.file("mail"));
        setup.set("maildir.path", "mail");
        setup.set("maildir.poll_interval", "1s");
        setup.send_through(&sink);
        setup.gpg.generate("Rita", RITA, Algorithm::Curve25519);
        Self { setup, sink }
    }

    /// A report in cipher, with Rita's certificate, that arrives now.
    fn report(&self, to_key: &str, subject: &str) {
        let mail = Letter::new(&format!("Rita <{RITA}>"), SECURITY_ADDRESS, subject)
            .header("Autocrypt", &self.autocrypt_of_rita())
            .encrypted(
                &self.setup.gpg,
                "Open /search?q=1 and see.\nImpact: account takeover.\n",
                &[to_key],
                Some(RITA),
            );
        drop_into(&self.setup.file("mail"), &mail, chrono::Utc::now());
    }

    fn autocrypt_of_rita(&self) -> String {
        let binary = self.setup.gpg.run(&["--export", RITA], b"").stdout;
        let mut value = format!("addr={RITA}; keydata=");
        for (position, letter) in STANDARD.encode(binary).chars().enumerate() {
            if position % 70 == 0 {
                value.push_str("\n ");
            }
            value.push(letter);
        }
        value
    }

    #[track_caller]
    fn answer(&self, count: usize) -> Received {
        wait_until("an answer", SOON, || self.sink.count() >= count);
        self.sink.received().remove(count - 1)
    }

    /// Who signed inside the encryption.
    #[track_caller]
    fn signer(&self, mail: &Received) -> String {
        let outside = parsed(&mail.bytes);
        let cipher = outside.parts.last().expect("a part").contents().to_vec();
        let opened = self.setup.gpg.decrypt(&cipher);
        opened.signed_by.expect("a good signature")
    }

    #[track_caller]
    fn keys(&self) -> Vec<Value> {
        let keys = self.setup.json(&["key", "list"]);
        keys.as_array().expect("a list").clone()
    }

    /// Fingerprints and states, in order.
    #[track_caller]
    fn states(&self) -> Vec<(String, &'static str)> {
        let state = |key: &Value| match (&key["current"], &key["retired"], &key["revoked"]) {
            (Value::Bool(true), ..) => "current",
            (_, _, Value::Bool(true)) => "revoked",
            (_, Value::Bool(true), _) => "retired",
            _ => "decrypts",
        };
        let keys = self.keys();
        let keys = keys.iter();
        keys.map(|key| (text(&key["fingerprint"]), state(key)))
            .collect()
    }

    /// A verb that must succeed; what it said.
    #[track_caller]
    fn key(&self, arguments: &[&str]) -> String {
        let output = self.try_key(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            errors(&output)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    #[track_caller]
    fn try_key(&self, arguments: &[&str]) -> Output {
        self.setup.cli(&[&["key"], arguments].concat())
    }

    /// A verb that must fail without changing any file; why it failed.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let before = self.files();
        let output = self.try_key(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(before == self.files(), "{arguments:?} changed a file");
        errors(&output)
    }

    /// All files with keys, and the configuration.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.setup.directory()).expect("the folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            if name.contains("key") || name.contains("config.toml") {
                files.push((name, std::fs::read(&path).expect("a file")));
            }
        }
        files.sort();
        files
    }

    #[track_caller]
    fn new_key(&self, arguments: &[&str]) -> String {
        let said = self.key(&[&["generate"], arguments].concat());
        let first = said.lines().next().expect("a line");
        first
            .strip_prefix("new key ")
            .expect("a new key")
            .to_owned()
    }

    /// The steps of the audit chain with this name, and who took them.
    fn events(&self, action: &str) -> Vec<Value> {
        let database = rusqlite::Connection::open(self.setup.database()).expect("the database");
        let key = std::fs::read_to_string(self.setup.file("storage.key")).expect("the key");
        database
            .pragma_update(None, "key", format!("x'{}'", key.trim()))
            .expect("unlock the database");
        let mut query = database
            .prepare(
                "SELECT detail FROM events JOIN event_details ON event_id = events.id
                 WHERE action = ?1 ORDER BY events.id",
            )
            .expect("the events");
        let rows = query.query_map([action], |row| row.get::<_, String>(0));
        rows.expect("the events")
            .map(|row| serde_json::from_str(&row.expect("a row")).expect("JSON"))
            .collect()
    }
}

fn parsed(bytes: &[u8]) -> Message<'static> {
    let message = MessageParser::default().parse(bytes);
    message.expect("a mail").into_owned()
}

/// The fingerprint of the key in the Autocrypt header, as GnuPG reads it, and when it expires.
#[track_caller]
fn autocrypt(gpg: &Gpg, mail: &Received) -> (String, String) {
    let outside = parsed(&mail.bytes);
    let value = outside
        .header_raw("Autocrypt")
        .expect("an Autocrypt header");
    let (_, data) = value.split_once("keydata=").expect("key data");
    let data: String = data.split_whitespace().collect();
    seen_by_gpg(gpg, &STANDARD.decode(data).expect("base64"))
}

/// Fingerprint and expiry (Unix seconds; empty: never) of the primary key.
#[track_caller]
fn seen_by_gpg(gpg: &Gpg, certificate: &[u8]) -> (String, String) {
    let output = gpg
        .run(&["--with-colons", "--show-keys"], certificate)
        .stdout;
    let listing = String::from_utf8(output).expect("UTF-8");
    let field = |kind: &str, place: usize| {
        let mut lines = listing.lines();
        let line = lines.find(|line| line.starts_with(kind));
        let line = line.unwrap_or_else(|| panic!("no {kind} in {listing}"));
        line.split(':').nth(place).unwrap_or_default().to_owned()
    };
    (field("fpr:", 9), field("pub:", 6))
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &std::path::Path) -> u32 {
    let metadata = std::fs::metadata(path).expect("a file");
    metadata.permissions().mode() & 0o7777
}

#[test]
fn a_new_key_is_offered_and_the_old_one_still_opens_mail() {
    let office = Office::open();
    let old = office.setup.fingerprint.clone();
    let mut daemon = office.setup.run();
    daemon.wait_for_log("event=\"started\"");
    office.report(&old, "First");
    let answer = office.answer(1);
    assert_eq!(office.signer(&answer), old);
    assert_eq!(autocrypt(&office.setup.gpg, &answer).0, old);

    let new = office.new_key(&[]);
    office.setup.gpg.import(&office.key(&["export"]));
    let states = [(new.clone(), "current"), (old.clone(), "decrypts")];
    assert_eq!(office.states(), states);
    // The running daemon has not heard of it.
    office.report(&old, "Second");
    assert_eq!(office.signer(&office.answer(2)), old);
    daemon.reload();
    daemon.wait_for_log(&format!("key={new}"));

    for (count, key) in [(3, &old), (4, &new)] {
        office.report(key, &format!("Report {count}"));
        let answer = office.answer(count);
        assert_eq!(office.signer(&answer), new, "{key}");
        assert_eq!(autocrypt(&office.setup.gpg, &answer).0, new);
    }
    let cases = office.setup.json(&["case", "list"]);
    for case in cases.as_array().expect("cases") {
        assert_eq!(case["kind"], "report", "{case}");
    }
    assert_eq!(cases.as_array().map(Vec::len), Some(4));

    // A key file that is broken now: the keys in use stay in use.
    let file = format!("security-{}.key.asc", &new[..8]);
    std::fs::rename(office.setup.file(&file), office.setup.file("kept")).expect("move a file");
    daemon.reload();
    daemon.wait_for_log("event=\"reload_refused\"");
    office.report(&new, "Report 5");
    assert_eq!(office.signer(&office.answer(5)), new);
    std::fs::rename(office.setup.file("kept"), office.setup.file(&file)).expect("move it back");

    office.key(&["retire", &old]);
    daemon.reload();
    wait_until("another reload", SOON, || {
        daemon.log().matches("event=\"reloaded\"").count() == 2
    });
    office.report(&old, "Report 6");
    assert_eq!(office.signer(&office.answer(6)), new);
    assert!(daemon.stop().success());
    let by: Vec<Value> = ["key_generated", "key_retired"]
        .iter()
        .flat_map(|action| office.events(action))
        .map(|detail| detail["by"].clone())
        .collect();
    assert_eq!(by.len(), 2);
    assert!(by.iter().all(Value::is_string), "{by:?}");
    assert!(office.setup.cli(&["audit", "verify"]).status.success());
}

#[test]
fn a_renewed_key_is_the_same_key_and_is_offered_with_its_new_expiry() {
    let office = Office::open();
    let expiring = office.setup.gpg.generate_with(
        "Example Corp",
        SECURITY_ADDRESS,
        Algorithm::Curve25519,
        "our passphrase",
        "20d",
    );
    let exported = office.setup.gpg.export_secret(&expiring, "our passphrase");
    let around = format!("Our key, made by gpg.\n\n{exported}\nKeep it.\n");
    office.setup.write("security.key.asc", &around);
    office.setup.write("key.passphrase", "our passphrase\n");
    office
        .setup
        .set("openpgp.passphrase_file", "key.passphrase");
    let file = office.setup.file("security.key.asc");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o400)).expect("make it read-only");
    let mut daemon = office.setup.run();
    daemon.wait_for_log("event=\"started\"");

    let said = office.key(&["renew", "--valid-for", "3 years"]);
    assert!(said.contains("systemctl reload triaged"), "{said}");
    let why = office.refused(&["renew"]);
    assert!(why.contains("longer than the usual 2 years"), "{why}");
    assert_eq!(mode(&file), 0o400);
    let written = std::fs::read_to_string(&file).expect("the key file");
    assert!(
        written.starts_with("Our key, made by gpg.\n\n-----BEGIN"),
        "{written}"
    );
    assert!(written.ends_with("\nKeep it.\n"), "{written}");
    // Its passphrase is what it was.
    let elsewhere = Gpg::new();
    elsewhere.import(&written);
    let sign = [
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "wrong",
        "--clearsign",
    ];
    assert!(!elsewhere.try_run(&sign, b"x").status.success());
    let sign = [
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "our passphrase",
        "--clearsign",
    ];
    elsewhere.run(&sign, b"x");

    let key = &office.keys()[0];
    assert_eq!(text(&key["fingerprint"]), expiring);
    let years = chrono::Utc::now() + chrono::Months::new(36);
    for part in key["parts"].as_array().expect("parts") {
        let expires: chrono::DateTime<chrono::Utc> =
            text(&part["expires_at"]).parse().expect("an instant");
        assert!((expires - years).num_minutes().abs() < 5, "{part}");
    }
    daemon.reload();
    daemon.wait_for_log("event=\"reloaded\"");
    office.report(&expiring, "First");
    let answer = office.answer(1);
    assert_eq!(office.signer(&answer), expiring);
    let (fingerprint, expires) = autocrypt(&office.setup.gpg, &answer);
    assert_eq!(fingerprint, expiring);
    let expires: i64 = expires.parse().expect("an expiry");
    assert!((expires - years.timestamp()).abs() < 300, "{expires}");
    assert!(daemon.stop().success());
    assert_eq!(office.events("key_renewed")[0]["fingerprint"], expiring);
}

#[test]
fn gpg_uses_what_we_make_renew_and_revoke() {
    let office = Office::open();
    let made = office.new_key(&["--valid-for", "90 days"]);
    let gpg = Gpg::new();
    let days_left = |gpg: &Gpg, certificate: &str| {
        let (fingerprint, expires) = seen_by_gpg(gpg, certificate.as_bytes());
        assert_eq!(fingerprint, made);
        let seconds: i64 = expires.parse().expect("an expiry");
        (seconds - chrono::Utc::now().timestamp() + 3_600) / 86_400
    };
    let certificate = office.key(&["export", &made]);
    assert_eq!(days_left(&gpg, &certificate), 90);
    gpg.import(&certificate);
    gpg.encrypt(b"to the new key", &[&made], None);

    office.key(&["renew", &made, "--valid-for", "2 weeks"]);
    office.key(&["renew", &made, "--valid-for", "200 days"]);
    let certificate = office.key(&["export", &made]);
    assert_eq!(days_left(&gpg, &certificate), 200);
    gpg.import(&certificate);
    let listing = gpg
        .run(&["--with-colons", "--list-keys", &made], b"")
        .stdout;
    let listing = String::from_utf8(listing).expect("UTF-8");
    let ends = |line: &&str| line.starts_with("pub:") || line.starts_with("sub:");
    for line in listing.lines().filter(ends) {
        let expires: i64 = line
            .split(':')
            .nth(6)
            .and_then(|it| it.parse().ok())
            .expect("an expiry");
        let days = (expires - chrono::Utc::now().timestamp() + 3_600) / 86_400;
        assert_eq!(days, 200, "{line}");
    }
    let ciphertext = gpg.encrypt(b"to the renewed key", &[&made], None);
    // The whole key goes into gpg too, which opens and signs with it.
    gpg.import(&office.key(&["export", "--secret", &made]));
    assert_eq!(
        gpg.decrypt(ciphertext.as_bytes()).bytes,
        b"to the renewed key"
    );
    gpg.sign_cleartext(b"x", &made);

    let reason = ["--reason", "superseded", "--because", "a test ended"];
    office.key(&[&["revoke", made.as_str()], &reason[..]].concat());
    gpg.import(&office.key(&["export", &made]));
    let refused = gpg.try_run(&["--encrypt", "--recipient", &made], b"x");
    assert!(!refused.status.success(), "gpg encrypts to a revoked key");
    let listing = gpg
        .run(&["--with-colons", "--list-keys", &made], b"")
        .stdout;
    let listing = String::from_utf8(listing).expect("UTF-8");
    assert!(
        listing.lines().any(|line| line.starts_with("pub:r:")),
        "{listing}"
    );
    // It is dated a second behind the renewals, which were dated a second behind each other.
    let expected = [
        (made.clone(), "revoked"),
        (office.setup.fingerprint.clone(), "current"),
    ];
    wait_until("the revocation", SOON, || office.states() == expected);
    // What is encrypted to it is opened all the same.
    let mut letter = Letter::new(RITA, SECURITY_ADDRESS, "XSS").plain("");
    letter.extend_from_slice(ciphertext.as_bytes());
    office
        .setup
        .write("old.eml", std::str::from_utf8(&letter).expect("UTF-8"));
    let explained = office.setup.json_lines(&["explain", "old.eml"]);
    assert_eq!(explained[0]["openpgp"]["decrypted"], true, "{explained:?}");
    assert!(
        text(&explained[0]["text"]).contains("to the renewed key"),
        "{explained:?}"
    );
}

#[test]
fn the_last_good_key_is_neither_retired_nor_revoked_by_mistake() {
    let office = Office::open();
    let only = office.setup.fingerprint.clone();
    let why = office.refused(&["retire", &only]);
    assert!(why.contains("triaged key generate"), "{why}");
    let why = office.refused(&["revoke", &only, "--reason", "compromised"]);
    assert!(why.contains("--yes"), "{why}");
    let why = office.refused(&["retire", "0123456789ABCDEF"]);
    assert!(why.contains("triaged key list"), "{why}");

    let other = office.new_key(&[]);
    // By its end, in small letters.
    office.key(&["retire", &other[32..].to_lowercase()]);
    assert_eq!(office.states()[1], (only.clone(), "current"));
    assert_eq!(office.states()[0], (other.clone(), "retired"));
    let why = office.refused(&["revoke", &only, "--reason", "superseded"]);
    assert!(why.contains("no other key is good"), "{why}");
    office.key(&["revoke", &only, "--reason", "compromised", "--yes"]);
    let why = office.refused(&["renew", &only]);
    assert!(why.contains("revoked"), "{why}");
    let doctor = office.setup.cli(&["doctor", "--json"]);
    let findings: Value = serde_json::from_slice(&doctor.stdout).expect("JSON");
    let keys = findings.as_array().expect("findings").iter();
    let keys = keys.clone().find(|it| it["check"] == "keys").expect("keys");
    assert_eq!(keys["state"], "warning", "a retired key is offered: {keys}");
}

#[test]
fn an_imported_key_opens_mail_under_our_passphrase() {
    let office = Office::open();
    office.setup.write("key.passphrase", "ours\n");
    office
        .setup
        .set("openpgp.passphrase_file", "key.passphrase");
    let theirs = office.setup.gpg.generate_with(
        "Predecessor",
        SECURITY_ADDRESS,
        Algorithm::Rsa(2048),
        "theirs",
        "0",
    );
    let exported = office.setup.gpg.export_secret(&theirs, "theirs");
    office.setup.write("predecessor.asc", &exported);
    office.setup.write("wrong", "neither\n");
    office.setup.write("right", "theirs\n");
    let why = office.refused(&["import", "predecessor.asc"]);
    assert!(why.contains("--passphrase-file"), "{why}");
    let why = office.refused(&["import", "predecessor.asc", "--passphrase-file", "wrong"]);
    assert!(why.contains("another passphrase"), "{why}");

    office.key(&["import", "predecessor.asc", "--passphrase-file", "right"]);
    assert_eq!(
        office.states(),
        [
            (office.setup.fingerprint.clone(), "current"),
            (theirs.clone(), "decrypts")
        ]
    );
    let file = office
        .setup
        .file(&format!("security-{}.key.asc", &theirs[..8]));
    assert_eq!(mode(&file), 0o600);
    let elsewhere = Gpg::new();
    elsewhere.import(&std::fs::read_to_string(&file).expect("the file"));
    let sign = |word| {
        [
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            word,
            "--clearsign",
        ]
    };
    assert!(!elsewhere.try_run(&sign("theirs"), b"x").status.success());
    elsewhere.run(&sign("ours"), b"x");

    let parts = &office.keys()[1]["parts"];
    assert!(
        parts[0]["unlocked"] == true && parts[1]["unlocked"] == true,
        "{parts}"
    );
    let why = office.refused(&["import", "predecessor.asc", "--passphrase-file", "right"]);
    assert!(why.contains("is there already"), "{why}");
    let elses = office.setup.gpg.export_secret(RITA, "");
    office.setup.write("elses.asc", &elses);
    let said = office.key(&["import", "elses.asc"]);
    assert!(
        said.contains("it bears no user ID with the address"),
        "{said}"
    );
    let why = office.refused(&["import", "config.toml"]);
    assert!(why.contains("holds no secret key"), "{why}");
    let public = office.setup.gpg.export(RITA);
    let output = office
        .setup
        .cli_with_input(&["key", "import", "-"], &public);
    assert_eq!(output.status.code(), Some(1));
    let why = errors(&output);
    assert!(why.contains("holds no secret key"), "{why}");
    assert!(!why.contains("passphrase"), "{why}");
}

/// Its lengths of secret numbers are not those of the standard.
#[test]
fn a_key_that_gpg_2_4_exported_under_a_passphrase_lives_as_any_other() {
    let locked = include_str!("fixtures/gnupg-2.4/locked.key.asc");
    let office = Office::open();
    office.setup.write("locked.asc", locked);
    office.setup.write("its", "lodestone");
    office.key(&["import", "locked.asc", "--passphrase-file", "its"]);
    let (imported, _) = office.states().remove(1);
    office.key(&["renew", &imported, "--valid-for", "90 days"]);

    // Also where it stays as it is in the file.
    office.setup.write("security.key.asc", locked);
    office.setup.write("key.passphrase", "lodestone");
    office
        .setup
        .set("openpgp.passphrase_file", "key.passphrase");
    office.setup.set("openpgp.keys", vec!["security.key.asc"]);
    office.key(&["renew", "--valid-for", "90 days"]);
    office.key(&["revoke", &imported, "--reason", "superseded", "--yes"]);
}

#[test]
fn the_configuration_keeps_its_words() {
    let office = Office::open();
    let path = office.setup.file("config.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let line = "keys = [\"security.key.asc\"]";
    assert!(text.contains(line), "{text}");
    let commented = text.replace(
        line,
        "# the keys\nkeys = [\n  \"security.key.asc\", # of 2026\n]",
    );
    office.setup.write("config.toml", &commented);
    let new = office.new_key(&[]);
    let old = &office.setup.fingerprint;
    office.key(&["retire", old]);
    let expected = text.replace(
        line,
        &format!(
            "# the keys\nkeys = [\n  \"security-{}.key.asc\",\n  \"security.key.asc\", # of 2026\n]\n\
             retired = [\"{old}\"]",
            &new[..8]
        ),
    );
    assert_eq!(
        std::fs::read_to_string(&path).expect("the configuration"),
        expected
    );
    assert_eq!(mode(&path), 0o600);
    assert!(office.setup.cli(&["check"]).status.success());
}

#[test]
fn what_cannot_be_configured_by_us_is_told_and_fails() {
    let office = Office::open();
    let secret = std::fs::read_to_string(office.setup.file("security.key.asc")).expect("a key");
    std::fs::create_dir(office.setup.file("credentials")).expect("a folder");
    office.setup.write("credentials/pgp", &secret);
    office.setup.set("openpgp.keys", toml::value::Array::new());
    office.setup.set("openpgp.keys_credentials", vec!["pgp"]);
    let text = std::fs::read_to_string(office.setup.file("config.toml")).expect("a configuration");
    office
        .setup
        .write("config.toml", &text.replace("keys = []\n", ""));
    let folder = office.setup.file("credentials");
    office
        .setup
        .set_env("CREDENTIALS_DIRECTORY", folder.to_str().expect("a path"));
    let before = std::fs::read(office.setup.file("config.toml")).expect("a configuration");

    let output = office.try_key(&["generate"]);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let line = said.lines().find(|line| line.contains("NOT changed"));
    assert!(line.is_some(), "{said}");
    for step in [
        "in front of openpgp.keys_credentials",
        "LoadCredential=security-",
        "systemctl restart triaged",
    ] {
        assert!(said.contains(step), "{step} is not in {said}");
    }
    let made = said
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("new key "));
    let made = made.expect("a new key");
    let file = office
        .setup
        .file(&format!("security-{}.key.asc", &made[..8]));
    assert_eq!(mode(&file), 0o600);

    let output = office.try_key(&["renew"]);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(said.contains("LoadCredential=pgp:"), "{said}");
    assert!(said.contains("systemctl restart triaged"), "{said}");
    // Also where the file that the credential is taken from lies there.
    let output = office.try_key(&["renew"]);
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(said.contains("-2.key.asc"), "{said}");
    let after = std::fs::read_to_string(office.setup.file("credentials/pgp")).expect("a key");
    assert_eq!(after, secret);
    assert_eq!(
        std::fs::read(office.setup.file("config.toml")).expect("a configuration"),
        before
    );
}

#[test]
fn a_kill_while_a_key_is_renewed_leaves_it_whole() {
    let office = Office::open();
    office.setup.run_once();
    let old = std::fs::read(office.setup.file("security.key.asc")).expect("a key");
    for (step, is_new) in [("key_file_written", false), ("key_file_replaced", true)] {
        office.setup.write(
            "security.key.asc",
            std::str::from_utf8(&old).expect("UTF-8"),
        );
        office.setup.set_env("TRIAGED_KILL_AT", step);
        let output = office.try_key(&["renew"]);
        assert!(!output.status.success(), "{step}");
        office.setup.unset_env("TRIAGED_KILL_AT");
        let file = std::fs::read(office.setup.file("security.key.asc")).expect("a key");
        assert_eq!(file != old, is_new, "{step}");
        // A renewal may be dated a second behind the key.
        wait_until("a current key", SOON, || {
            let key = &office.keys()[0];
            key["current"] == true && key["parts"][0]["expires_at"].is_string() == is_new
        });
        assert_eq!(office.events("key_renewed").len(), 0, "{step}");
    }
    office.key(&["renew"]);
    assert_eq!(office.events("key_renewed").len(), 1);
    let left: Vec<String> = office.files().into_iter().map(|(name, _)| name).collect();
    assert!(left.iter().all(|name| !name.ends_with(".new")), "{left:?}");
}

#[test]
fn without_a_database_that_can_be_written_nothing_changes() {
    let office = Office::open();
    office.setup.write(
        "triaged.db",
        "this is no database, and a good deal longer than a header\n",
    );
    for verb in [&["generate"][..], &["renew"]] {
        office.refused(verb);
    }
}

#[test]
fn a_key_of_version_6_stands_behind_unless_asked_otherwise() {
    let office = Office::open();
    office.setup.write("key.passphrase", "ours\n");
    office
        .setup
        .set("openpgp.passphrase_file", "key.passphrase");
    let said = office.key(&["generate", "--v6"]);
    assert!(said.contains("GnuPG"), "{said}");
    let states = office.states();
    assert_eq!(states[0], (office.setup.fingerprint.clone(), "current"));
    assert_eq!(states[1].1, "decrypts");
    assert_eq!(states[1].0.len(), 64);
    assert_eq!(office.keys()[1]["problems"], Value::Array(Vec::new()));
    let elsewhere = Gpg::new();
    let refused = elsewhere.try_run(
        &["--import"],
        office.key(&["export", &states[1].0]).as_bytes(),
    );
    assert!(errors(&refused).contains("IMPORT_RES 0") || !refused.status.success());

    let first = office.new_key(&["--v6", "--first"]);
    assert_eq!(office.states()[0], (first.clone(), "current"));
    office.key(&["renew", &first, "--valid-for", "5 years"]);
    office.key(&["revoke", &first, "--reason", "retired"]);
    assert_eq!(office.states()[1].1, "current");
    let why = office.refused(&["generate", "--post-quantum"]);
    assert!(why.contains("OpenSSL 3.5"), "{why}");
}

#[test]
fn the_list_says_what_there_is() {
    let office = Office::open();
    let key = &office.keys()[0];
    let names: Vec<&str> = key
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "current",
            "fingerprint",
            "origin",
            "parts",
            "problems",
            "retired",
            "revoked",
            "user_ids"
        ]
    );
    let part = &key["parts"][1];
    let names: Vec<&str> = part
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "algorithm",
            "authenticates",
            "created_at",
            "encrypts",
            "expires_at",
            "fingerprint",
            "in_agent",
            "revoked",
            "signs",
            "unlocked"
        ]
    );
    assert_eq!(part["encrypts"], true);
    assert_eq!(part["expires_at"], Value::Null);
    let page = office.key(&["list"]);
    let line = page
        .lines()
        .find(|line| line.contains("encrypts"))
        .expect("a line");
    assert!(line.contains("ECDH") && line.contains("never"), "{page}");
    let gpg = &office.setup.gpg;
    let key = gpg.generate("Us", SECURITY_ADDRESS, Algorithm::Curve25519);
    let quiet = ["--pinentry-mode", "loopback", "--passphrase", ""];
    let add = ["--quick-add-key", &key, "ed25519", "auth"];
    gpg.run(&[quiet, add].concat(), b"");
    office
        .setup
        .write("security.key.asc", &gpg.export_secret(&key, ""));
    let page = office.key(&["list"]);
    assert!(page.contains("authenticates  EdDSA"), "{page}");
    office.setup.write("security.key.asc", "nothing\n");
    let output = office.try_key(&["list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        errors(&output).contains("holds no OpenPGP key"),
        "{}",
        errors(&output)
    );
}
