//! Before a key of ours or a member's certificate expires the team hears of it, under a clock that
//! the test sets: each threshold once, the nearest alone after an outage, nothing after a renewal.

mod common;

use chrono::{DateTime, TimeDelta, Utc};
use mail_parser::{Message, MessageParser, MimeHeaders};
use serde_json::Value;

use common::moved_clock::{a_monday, make_maildir};
use common::sink::Received;
use common::{Algorithm, Behaviour, SECURITY_ADDRESS, SOON, Setup, Sink, wait_until};

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";

struct Office {
    setup: Setup,
    sink: Sink,
    /// Nine in the morning, UTC; days are counted from here.
    start: DateTime<Utc>,
}

impl Office {
    /// Opened on a Monday morning, with Alice in the team.
    fn open() -> Self {
        let office = Self {
            setup: Setup::generate(),
            sink: Sink::start(Behaviour::Accept),
            start: a_monday() + TimeDelta::hours(9),
        };
        make_maildir(&office.setup.file("mail"));
        office.setup.set("maildir.path", "mail");
        office.setup.send_through(&office.sink);
        office.setup.add_member("Alice", ALICE);
        office
    }

    /// For GnuPG, which lives in real time: so many days after the start.
    fn expires(&self, days: i64) -> String {
        let at = self.start + TimeDelta::days(days);
        format!("seconds={}", (at - Utc::now()).num_seconds())
    }

    /// Our only key is one that expires on that day.
    fn our_key_expires(&self, days: i64) -> String {
        let key = self.setup.gpg.generate_with(
            "Example Corp",
            SECURITY_ADDRESS,
            Algorithm::Curve25519,
            "",
            &self.expires(days),
        );
        let exported = self.setup.gpg.export_secret(&key, "");
        self.setup.write("security.key.asc", &exported);
        key
    }

    fn at(&self, days: i64) {
        self.setup
            .set_clock(self.start + TimeDelta::days(days) + TimeDelta::minutes(5));
    }

    /// One pass on that day; its log.
    #[track_caller]
    fn pass(&self, days: i64) -> String {
        self.at(days);
        self.run()
    }

    #[track_caller]
    fn run(&self) -> String {
        let output = self.setup.run_once();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{log}");
        log
    }

    /// Recipient, subject within the encryption and text, in order.
    #[track_caller]
    fn told(&self) -> Vec<(String, String, String)> {
        let received = self.sink.received();
        received.iter().map(|mail| self.opened(mail)).collect()
    }

    #[track_caller]
    fn opened(&self, mail: &Received) -> (String, String, String) {
        let to = mail.recipients[0].clone();
        let outside = parsed(&mail.bytes);
        if !outside.is_content_type("multipart", "encrypted") {
            let text = outside.body_text(0).expect("a text").into_owned();
            return (to, outside.subject().expect("a subject").to_owned(), text);
        }
        assert_eq!(outside.subject(), Some("Encrypted message"));
        let cipher = outside.parts.last().expect("a part").contents().to_vec();
        let inside = parsed(&self.setup.gpg.decrypt(&cipher).bytes);
        let text = inside.body_text(0).expect("a text").into_owned();
        (to, inside.subject().expect("a subject").to_owned(), text)
    }

    #[track_caller]
    fn subjects(&self) -> Vec<String> {
        let told = self.told().into_iter();
        told.map(|(_, subject, _)| subject).collect()
    }

    #[track_caller]
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.setup.cli(arguments);
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }

    /// What `doctor` says of one thing: state and words.
    #[track_caller]
    fn doctor(&self, check: &str) -> (String, String) {
        let output = self.setup.cli(&["doctor", "--json"]);
        let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let mut findings = findings.as_array().expect("findings").iter();
        let finding = findings.find(|it| it["check"] == check).expect("a finding");
        let text = |name: &str| finding[name].as_str().expect("text").to_owned();
        (text("state"), text("detail"))
    }
}

fn parsed(bytes: &[u8]) -> Message<'static> {
    let message = MessageParser::default().parse(bytes);
    message.expect("a mail").into_owned()
}

#[test]
fn each_threshold_is_told_once() {
    let office = Office::open();
    let key = office.our_key_expires(70);
    for day in [0, 9] {
        office.pass(day);
    }
    assert_eq!(office.sink.count(), 0, "nothing is near");
    let log = office.pass(10);
    assert!(log.contains("event=\"key_expiry\""), "{log}");
    let told = office.told();
    assert_eq!(told.len(), 1);
    let (to, subject, text) = &told[0];
    assert_eq!(to, ALICE);
    assert_eq!(subject, "our key expires in 60 days");
    for part in [
        &key,
        "all of it expires on",
        &format!("triaged key renew {key}"),
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    for day in [
        10, 11, 39, 40, 41, 55, 56, 57, 62, 63, 64, 69, 70, 71, 100, 400,
    ] {
        office.pass(day);
    }
    assert_eq!(
        office.subjects(),
        [
            "our key expires in 60 days",
            "our key expires in 30 days",
            "our key expires in 14 days",
            "our key expires in 7 days",
            "our key expired 5 minutes ago",
        ]
    );
    assert!(office.setup.cli(&["audit", "verify"]).status.success());
}

#[test]
fn after_an_outage_the_nearest_threshold_is_told_and_a_renewal_ends_it() {
    let office = Office::open();
    office.our_key_expires(70);
    office.pass(0);
    office.pass(64);
    assert_eq!(office.subjects(), ["our key expires in 6 days"]);
    let renewed = office
        .setup
        .cli(&["key", "renew", "--valid-for", "100 days"]);
    assert!(renewed.status.success());
    for day in [64, 70, 80, 103] {
        office.pass(day);
    }
    assert_eq!(office.sink.count(), 1, "it was renewed");
    // The new expiry is another matter.
    office.pass(105);
    assert_eq!(office.subjects()[1], "our key expires in 59 days");
}

#[test]
fn a_members_certificate_counts_and_a_subkey_of_it_too() {
    let office = Office::open();
    let bob = office.setup.add_member("Bob", BOB);
    let listing = office
        .setup
        .gpg
        .run(&["--with-colons", "--list-keys", &bob], b"");
    let listing = String::from_utf8(listing.stdout).expect("UTF-8");
    let fingerprints: Vec<&str> = listing
        .lines()
        .filter(|line| line.starts_with("fpr:"))
        .filter_map(|line| line.split(':').nth(9))
        .collect();
    let expire = [
        "--quick-set-expire",
        &bob,
        &office.expires(20),
        fingerprints[1],
    ];
    office.setup.gpg.run(&expire, b"");
    office
        .setup
        .write(&format!("{BOB}.asc"), &office.setup.gpg.export(&bob));

    office.pass(0);
    let told = office.told();
    let to: Vec<&str> = told.iter().map(|(to, ..)| to.as_str()).collect();
    assert_eq!(to, [ALICE, BOB], "Bob while it still works");
    for (_, subject, text) in &told {
        assert_eq!(
            subject,
            "the certificate of bob@example.test expires in 20 days"
        );
        assert!(
            text.contains("the subkey that encrypts expires on"),
            "{text}"
        );
        assert!(text.contains("gpg --quick-set-expire"), "{text}");
    }
    assert_eq!(office.doctor("team").0, "warning");
    let checked = office.said(&["check"]);
    assert!(
        checked.contains("bob@example.test: certificate"),
        "{checked}"
    );

    office.pass(21);
    let told = office.told();
    assert_eq!(told.len(), 4);
    let of = |name: &str| {
        told[2..]
            .iter()
            .find(|(to, ..)| to == name)
            .expect("a mail")
    };
    assert_eq!(
        of(ALICE).1,
        "the certificate of bob@example.test expired 24 hours ago"
    );
    assert_eq!(of(BOB).1, "A notice for you could not be encrypted");
    let digest = office.said(&["digest"]);
    assert!(
        digest.contains("bob@example.test: mail cannot be encrypted"),
        "{digest}"
    );

    // A certificate that works again ends it.
    let expire = ["--quick-set-expire", &bob, "0", fingerprints[1]];
    office.setup.gpg.run(&expire, b"");
    office
        .setup
        .write(&format!("{BOB}.asc"), &office.setup.gpg.export(&bob));
    for day in [22, 30, 60] {
        office.pass(day);
    }
    assert_eq!(office.sink.count(), 4);
    assert_eq!(office.doctor("team").0, "ok");
}

#[test]
fn what_a_member_is_told_to_do_renews_all_of_it() {
    let office = Office::open();
    let gpg = &office.setup.gpg;
    let bob = office.setup.add_member("Bob", BOB);
    for parts in [&[][..], &["*"]] {
        let expire = ["--quick-set-expire", &bob, &office.expires(20)];
        gpg.run(&[&expire, parts].concat(), b"");
    }
    office.setup.write(&format!("{BOB}.asc"), &gpg.export(&bob));
    office.at(0);
    let checked = office.said(&["check"]);
    let line = checked.lines().find(|line| line.contains(BOB));
    let line = line.expect("a warning");
    assert!(line.contains("all of it expires"), "{line}");
    let (_, commands) = line.rsplit_once("; ").expect("what to do");
    for command in commands.split(" && ") {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(words[0], "gpg", "{line}");
        gpg.run(&words[1..], b"");
    }
    office.setup.write(&format!("{BOB}.asc"), &gpg.export(&bob));
    let checked = office.said(&["check"]);
    assert!(!checked.contains(BOB), "{checked}");
}

#[test]
fn quiet_hours_hold_it_back() {
    let office = Office::open();
    office.our_key_expires(70);
    let policy = std::fs::read_to_string(office.setup.file("policy.toml")).expect("a policy");
    let policy = policy.replacen('\n', "\nquiet_hours = \"20:00-07:00\"\n", 1);
    office.setup.write("policy.toml", &policy);
    // In Berlin it is two hours later than in UTC: half past six, and five past seven.
    let midnight = a_monday() + TimeDelta::days(11);
    for (minutes, mails) in [(4 * 60 + 30, 0), (5 * 60 + 5, 1), (5 * 60 + 6, 1)] {
        office
            .setup
            .set_clock(midnight + TimeDelta::minutes(minutes));
        office.run();
        assert_eq!(office.sink.count(), mails, "{minutes}");
    }
}

#[test]
fn it_is_shown_until_it_is_mended() {
    let office = Office::open();
    let key = office.our_key_expires(70);
    office.at(5);
    assert_eq!(office.doctor("keys").0, "ok");
    assert!(!office.said(&["digest"]).contains(&key));
    assert!(!office.said(&["check"]).contains(&key));

    office.at(30);
    let (state, words) = office.doctor("keys");
    assert_eq!(state, "warning", "{words}");
    assert!(words.contains("(in 40 days)"), "{words}");
    let flat = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = format!("our key {key}: all of it expires on");
    assert!(flat(office.said(&["digest"])).contains(&line));
    let checked = office.said(&["check"]);
    assert!(checked.contains(&format!("warning: {line}")), "{checked}");
    assert!(
        checked.contains(&format!("triaged key renew {key}")),
        "{checked}"
    );

    office.at(71);
    let (state, words) = office.doctor("keys");
    assert_eq!(state, "failed", "{words}");
    let digest = flat(office.said(&["digest"]));
    assert!(
        digest.contains(&format!("our key {key}: all of it expired on")),
        "{digest}"
    );

    let renewed = office.setup.cli(&["key", "renew"]);
    assert!(renewed.status.success());
    assert_eq!(office.doctor("keys").0, "ok");
    assert!(!flat(office.said(&["digest"])).contains(&key));
}

#[test]
fn a_kill_between_telling_and_the_commit_tells_it_once() {
    for step in ["told", "told_committed"] {
        let office = Office::open();
        office.our_key_expires(70);
        office.at(41);
        office.setup.set_env("TRIAGED_KILL_AT", step);
        assert!(!office.setup.run_once().status.success(), "{step}");
        assert_eq!(office.sink.count(), 0, "{step}");
        office.setup.unset_env("TRIAGED_KILL_AT");
        office.run();
        office.run();
        assert_eq!(office.subjects(), ["our key expires in 29 days"], "{step}");
    }
}

#[test]
fn when_the_offered_key_expires_a_good_one_is_offered() {
    let office = Office::open();
    let expiring = office.our_key_expires(70);
    let good = office.setup.fingerprint.clone();
    office
        .setup
        .write("second.asc", &office.setup.gpg.export_secret(&good, ""));
    office
        .setup
        .set("openpgp.keys", vec!["security.key.asc", "second.asc"]);
    office.at(69);
    let mut daemon = office.setup.run();
    wait_until("a warning", SOON, || office.sink.count() == 1);
    let signer = |mail: &Received| {
        let outside = parsed(&mail.bytes);
        let cipher = outside.parts.last().expect("a part").contents().to_vec();
        office
            .setup
            .gpg
            .decrypt(&cipher)
            .signed_by
            .expect("a signature")
    };
    assert_eq!(signer(&office.sink.received()[0]), expiring);
    office.at(70);
    daemon.wait_for_log("event=\"key_offered\"");
    assert!(daemon.log().contains(&good));
    // Nothing is wrong any more: no key that is offered has expired.
    assert_eq!(office.sink.count(), 1);
    assert!(daemon.stop().success());
}
