//! The clock of the daemon, end to end: warnings, the digest, quiet hours and days off, outages.
//!
//! The real program under a clock that the test sets, on a Maildir and a scripted mail server. The
//! team reads its mail with GnuPG.

mod common;

use chrono::{DateTime, TimeDelta, Utc};
use mail_parser::{Message, MessageParser};
use serde_json::Value;

use common::moved_clock::{a_monday, drop_into, make_maildir};
use common::sink::Received;
use common::{Algorithm, Behaviour, Letter, SECURITY_ADDRESS, SOON, Setup, Sink, wait_until};

/// Stands in every report. It must be in no log and in no mail in clear.
const MARKER: &str = "zanzibar4711";

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";

/// A Maildir, a mail server, and a policy whose clocks a test chooses.
struct Office {
    setup: Setup,
    sink: Sink,
}

/// A mail to the team.
struct Told {
    to: String,
    /// Within the encryption.
    subject: String,
    text: String,
    at: DateTime<Utc>,
}

impl Office {
    /// Opened at this time, with Alice in the team and these clocks in the policy.
    fn open(at: DateTime<Utc>, deadlines: &str) -> Self {
        let setup = Setup::generate();
        let sink = Sink::start(Behaviour::Accept);
        make_maildir(&setup.file("mail"));
        setup.set("maildir.path", "mail");
        setup.send_through(&sink);
        setup.set_clock(at);
        setup.add_member("Alice", ALICE);
        let office = Self { setup, sink };
        office.promise("1", "", deadlines);
        office
    }

    /// A new policy file; `top`: quiet hours, holidays.
    fn promise(&self, version: &str, top: &str, deadlines: &str) {
        let policy = format!(
            "version = \"{version}\"\ntime_zone = \"Europe/Berlin\"\n{top}\n[deadlines]\n{deadlines}\n"
        );
        self.setup.write("policy.toml", &policy);
    }

    /// A report that comes now.
    fn report(&self, words: &str) {
        let subject = format!("XSS {MARKER}");
        let text = format!("{words} Open /search?q={MARKER} and see.\nImpact: account takeover.\n");
        let mail = Letter::new("rita@research.test", SECURITY_ADDRESS, &subject).plain(&text);
        drop_into(&self.setup.file("mail"), &mail, self.setup.now());
    }

    /// One pass at this time; its log.
    #[track_caller]
    fn pass(&self, at: DateTime<Utc>) -> String {
        self.setup.set_clock(at);
        let output = self.setup.run_once();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{log}");
        assert!(!log.contains(MARKER), "{log}");
        log
    }

    fn case(&self) -> Value {
        let cases = self.setup.json(&["case", "list"]);
        let number = cases[0]["id"].as_str().expect("a number").to_owned();
        self.setup.json(&["case", "show", &number])
    }

    fn events(&self, action: &str) -> Vec<Value> {
        let case = self.case();
        let events = case["events"].as_array().expect("events");
        let of_action = events.iter().filter(|event| event["action"] == action);
        of_action.map(|event| event["detail"].clone()).collect()
    }

    /// All that left for somebody of the team, but for the notices of mail that came.
    #[track_caller]
    fn to_team(&self) -> Vec<Received> {
        let mut received = self.sink.received();
        received.retain(|mail| mail.recipients[0].ends_with("@example.test"));
        received.retain(|mail| !self.is_of_mail(mail));
        received
    }

    /// tests/notices.rs is about those.
    #[track_caller]
    fn is_of_mail(&self, mail: &Received) -> bool {
        parsed(&mail.bytes).subject() == Some("Encrypted message")
            && [
                "] New report",
                " new cases",
                "] The reporter wrote",
                "] The same report",
            ]
            .iter()
            .any(|words| self.opened(mail).subject.contains(words))
    }

    /// How many letters left for reporters.
    fn answers(&self) -> usize {
        let received = self.sink.received();
        let to_reporters = received.iter();
        to_reporters
            .filter(|mail| mail.recipients[0].ends_with("@research.test"))
            .count()
    }

    /// What the team can read, in the order in which it left. Every mail is encrypted and signed.
    #[track_caller]
    fn told(&self) -> Vec<Told> {
        self.to_team()
            .iter()
            .map(|mail| self.opened(mail))
            .collect()
    }

    #[track_caller]
    fn opened(&self, mail: &Received) -> Told {
        check_outside(mail);
        let outside = parsed(&mail.bytes);
        assert_eq!(outside.subject(), Some("Encrypted message"));
        let cipher = outside.parts.last().expect("a part").contents().to_vec();
        let opened = self.setup.gpg.decrypt(&cipher);
        assert_eq!(opened.signed_by.as_ref(), Some(&self.setup.fingerprint));
        let inside = parsed(&opened.bytes);
        Told {
            to: mail.recipients[0].clone(),
            subject: inside.subject().expect("a subject").to_owned(),
            text: inside.body_text(0).expect("a text").replace("\r\n", "\n"),
            at: DateTime::from_timestamp(inside.date().expect("a date").to_timestamp(), 0)
                .expect("an instant"),
        }
    }

    /// Subjects of what the team was told, without the number of the case.
    #[track_caller]
    fn subjects(&self) -> Vec<String> {
        let told = self.told().into_iter();
        told.map(|told| match told.subject.split_once("] ") {
            Some((_, subject)) => subject.to_owned(),
            None => told.subject,
        })
        .collect()
    }
}

/// What anybody on the way sees of a mail to the team.
#[track_caller]
fn check_outside(mail: &Received) {
    let bytes = String::from_utf8_lossy(&mail.bytes);
    assert!(!bytes.contains(MARKER), "{bytes}");
    assert!(!bytes.contains("SEC-"), "{bytes}");
    assert!(!bytes.contains("rita@research.test"), "{bytes}");
    assert_eq!(
        mail.mail_from, SECURITY_ADDRESS,
        "it comes back when it bounces"
    );
    let outside = parsed(&mail.bytes);
    assert_eq!(
        outside.header_raw("Auto-Submitted").map(str::trim),
        Some("auto-generated")
    );
}

fn parsed(bytes: &[u8]) -> Message<'static> {
    let message = MessageParser::default().parse(bytes);
    message.expect("a mail").into_owned()
}

#[track_caller]
fn instant(value: &Value) -> DateTime<Utc> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{value} is no instant"))
}

fn hours(count: i64) -> TimeDelta {
    TimeDelta::hours(count)
}

#[test]
fn the_program_lives_by_the_clock_of_the_test() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"24 hours\"\ntriage = \"7 days\"");
    office.report("Hello.");
    office.pass(monday);
    assert_eq!(office.answers(), 1, "the acknowledgement");
    let case = office.case();
    let received_at = instant(&case["received_at"]);
    assert!((received_at - monday).num_minutes() < 2, "{received_at}");
    let triage = &case["deadlines"][1];
    assert_eq!(triage["state"], "running");
    let due_at = instant(&triage["due_at"]);
    assert_eq!(due_at, received_at + TimeDelta::days(7), "{triage}");
    office.setup.set_clock(monday + TimeDelta::days(8));
    assert_eq!(office.case()["deadlines"][1]["state"], "missed");
}

#[test]
fn each_threshold_is_told_once_on_its_day() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"24 hours\"\ntriage = \"10 days\"");
    office.report("Hello.");
    office.pass(monday);
    for hour in [1, 24, 8 * 24 - 1] {
        office.pass(monday + hours(hour));
    }
    assert_eq!(office.to_team().len(), 0, "nothing is near");

    let log = office.pass(monday + hours(8 * 24) + TimeDelta::minutes(5));
    assert!(log.contains("event=\"deadline_warning\""), "{log}");
    assert!(log.contains("percent=80"), "{log}");
    let told = office.told();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].to, ALICE);
    assert!((told[0].at - (monday + hours(8 * 24))).num_minutes() < 10);
    let text = &told[0].text;
    let number = office.case()["id"].as_str().expect("a number").to_owned();
    assert_eq!(
        told[0].subject,
        format!("[{number}] triage is due in 2 days")
    );
    for part in [
        &number,
        MARKER,
        "rita@research.test",
        "80 percent have passed",
        "10 days from Mon",
        "(policy 1)",
        "CEST (in 2 days)",
        &format!("    /case {number}\n    /accept\n    <mailto:{SECURITY_ADDRESS}?"),
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }

    for hour in [8 * 24 + 1, 9 * 24, 10 * 24 - 1] {
        office.pass(monday + hours(hour));
    }
    assert_eq!(office.to_team().len(), 1, "80 percent are told once");
    office.pass(monday + hours(10 * 24 + 3));
    let told = office.told();
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[1].subject,
        format!("[{number}] triage was missed 3 hours ago")
    );
    assert!(told[1].text.contains("MISSED"), "{}", told[1].text);
    for day in [11, 20, 400] {
        office.pass(monday + TimeDelta::days(day));
    }
    assert_eq!(office.to_team().len(), 2, "and so are 100");
    let percents: Vec<Value> = office
        .events("deadline_warning")
        .iter()
        .map(|event| event["percent"].clone())
        .collect();
    assert_eq!(percents, [80, 100]);
    assert!(office.setup.cli(&["audit", "verify"]).status.success());
}

#[test]
fn what_came_due_while_nobody_was_there_is_told_once_and_at_its_latest() {
    let monday = a_monday() + hours(9);
    let office = Office::open(
        monday,
        "acknowledge = \"none\"\ntriage = \"10 days\"\nupdate = \"8 days\"",
    );
    office.report("Hello.");
    office.pass(monday);
    // Both thresholds of triage, and the second alone of update, are over.
    office.pass(monday + TimeDelta::days(7));
    office.pass(monday + TimeDelta::days(30));
    assert_eq!(
        office.subjects(),
        [
            "update is due in 24 hours",
            "2 deadlines need you, 2 of them missed"
        ]
    );
    office.pass(monday + TimeDelta::days(31));
    assert_eq!(office.to_team().len(), 2);
}

#[test]
fn a_running_daemon_follows_the_clock() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"24 hours\"\ntriage = \"10 days\"");
    office.setup.set("maildir.poll_interval", "1s");
    let mut daemon = office.setup.run();
    daemon.wait_for_log("event=\"started\"");
    office.report("Hello.");
    wait_until("the acknowledgement", SOON, || office.answers() == 1);
    office.setup.set_clock(monday + TimeDelta::days(9));
    wait_until("a warning", SOON, || office.to_team().len() == 1);
    assert_eq!(office.subjects(), ["triage is due in 24 hours"]);

    // Down over the due time.
    assert!(daemon.stop().success());
    office.setup.set_clock(monday + TimeDelta::days(12));
    let mut daemon = office.setup.run();
    wait_until("another", SOON, || office.to_team().len() == 2);
    assert_eq!(office.subjects()[1], "triage was missed 2 days ago");
    assert!(daemon.stop().success());
    assert!(!daemon.log().contains(MARKER));
}

#[test]
fn a_business_clock_waits_for_the_morning_and_a_calendar_clock_does_not() {
    // 80 percent of both pass four days later, on Friday at 03:00 in Berlin.
    let monday = a_monday() + hours(1);
    let office = Office::open(
        monday,
        "acknowledge = \"none\"\ntriage = \"120 business hours\"\nupdate = \"120 hours\"",
    );
    office.promise(
        "1",
        "quiet_hours = \"20:00-07:00\"",
        "acknowledge = \"none\"\ntriage = \"120 business hours\"\nupdate = \"120 hours\"",
    );
    office.report("Hello.");
    office.pass(monday);
    let friday = a_monday() + TimeDelta::days(4);
    // 04:00 in Berlin.
    office.pass(friday + hours(2) + TimeDelta::minutes(10));
    assert_eq!(office.subjects(), ["update is due in 23 hours"]);
    // 06:55, and 07:05.
    office.pass(friday + hours(4) + TimeDelta::minutes(55));
    assert_eq!(office.to_team().len(), 1);
    office.pass(friday + hours(5) + TimeDelta::minutes(5));
    assert_eq!(office.subjects()[1], "triage is due in 3 days");
}

#[test]
fn a_business_clock_waits_for_a_working_day() {
    let monday = a_monday() + hours(9);
    let holiday = (a_monday() + TimeDelta::days(4)).date_naive();
    let top = format!("holidays = [\"{holiday}\"]");
    let clocks = "acknowledge = \"none\"\ntriage = \"72 business hours\"\nupdate = \"4 days\"";
    let office = Office::open(monday, clocks);
    office.promise("1", &top, clocks);
    office.report("Hello.");
    office.pass(monday);
    // Thursday, 80 percent of both; nobody looked. Friday is a holiday, then comes the weekend.
    for day in 4..7 {
        office.pass(monday + TimeDelta::days(day) + hours(3));
    }
    assert_eq!(office.subjects(), ["update was missed 3 hours ago"]);
    office.pass(monday + TimeDelta::days(7));
    assert_eq!(office.subjects()[1], "triage was missed 4 days ago");
}

#[test]
fn whose_certificate_cannot_be_used_gets_no_word_of_it() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"5 days\"");
    office.setup.set_clock(Utc::now());
    let expires = (monday - Utc::now()).num_seconds() + 3_600;
    let expiring = office.setup.gpg.generate_with(
        "Bob",
        BOB,
        Algorithm::Curve25519,
        "",
        &format!("seconds={expires}"),
    );
    office.setup.add_member("Bob", BOB);
    office
        .setup
        .write(&format!("{BOB}.asc"), &office.setup.gpg.export(&expiring));
    office.setup.set_clock(monday);
    office.report("Hello.");
    office.pass(monday);
    let earlier = office.to_team().len();
    let log = office.pass(monday + TimeDelta::days(4) + hours(1));
    assert!(log.contains("certificate_unusable"), "{log}");
    // Of the deadline, and of the certificate.
    let sent = office.to_team().split_off(earlier);
    let (to_bob, to_alice): (Vec<_>, Vec<_>) =
        sent.iter().partition(|mail| mail.recipients[0] == BOB);
    assert_eq!((to_bob.len(), to_alice.len()), (2, 2));
    for mail in to_alice {
        office.opened(mail);
    }
    for mail in to_bob {
        check_outside(mail);
        let clear = parsed(&mail.bytes);
        let text = clear.body_text(0).expect("a text");
        assert!(text.contains("expired on"), "{text}");
        assert!(text.contains("triaged status"), "{text}");
    }
    let digest = office.setup.cli(&["digest"]);
    let digest = String::from_utf8_lossy(&digest.stdout).into_owned();
    assert!(
        digest.contains("bob@example.test: mail cannot be encrypted"),
        "{digest}"
    );
}

#[test]
fn without_anybody_to_tell_the_log_does_once() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"5 days\"");
    office.setup.set("team", toml::value::Array::new());
    office.report("Hello.");
    office.pass(monday);
    let later = monday + TimeDelta::days(4) + hours(1);
    let log = office.pass(later);
    let line = log.lines().find(|line| line.contains("deadline_warning"));
    let line = line.unwrap_or_else(|| panic!("no warning in {log}"));
    assert!(
        line.contains("ERROR") && line.contains("nobody is told"),
        "{line}"
    );
    let log = office.pass(later + hours(1));
    assert!(!log.contains("deadline_warning"), "{log}");
    let log = office.pass(later + TimeDelta::days(2));
    assert!(log.contains("percent=100"), "{log}");
    assert_eq!(office.to_team().len(), 0);
}

#[test]
fn a_mail_that_tells_of_exploitation_is_told_at_once_with_its_instant() {
    let monday = a_monday() + hours(9);
    let office = Office::open(
        monday,
        "acknowledge = \"none\"\ntriage = \"5 days\"\n[deadlines.exploited]\nearly_warning = \"24 hours\"",
    );
    office.report("This is actively exploited in the wild.");
    office.pass(monday + TimeDelta::minutes(30));
    let told = office.told();
    assert_eq!(told.len(), 1);
    let case = office.case();
    let number = case["id"].as_str().expect("a number");
    let received_at = case["received_at"].as_str().expect("an instant");
    assert_eq!(
        told[0].subject,
        format!("[{number}] EXPLOITED? New report: XSS {MARKER}")
    );
    let text = &told[0].text;
    assert!(
        text.contains(&format!("/exploited {received_at}")),
        "{text}"
    );
    assert!(
        text.contains("(30 minutes ago)") || text.contains("(29 minutes ago)"),
        "{text}"
    );
    office.pass(monday + hours(1));
    assert_eq!(office.to_team().len(), 1, "once");
}

#[test]
fn a_reload_takes_up_the_team_and_a_bad_one_changes_nothing() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"10 days\"");
    office.setup.set("maildir.poll_interval", "1s");
    let mut daemon = office.setup.run();
    daemon.wait_for_log("event=\"started\"");
    office.report("Hello.");
    wait_until("the acknowledgement", SOON, || office.answers() == 1);

    let config = std::fs::read_to_string(office.setup.file("config.toml")).expect("a file");
    office.setup.write(
        "config.toml",
        &config.replace("name = \"Alice\"", "nam = \"Alice\""),
    );
    daemon.reload();
    daemon.wait_for_log("event=\"reload_refused\"");
    let log = daemon.log();
    let line = log
        .lines()
        .find(|line| line.contains("reload_refused"))
        .expect("a line");
    assert!(
        line.contains("config.toml:") && line.contains("nam"),
        "{line}"
    );
    office.setup.write("config.toml", &config);
    office.setup.set_clock(monday + TimeDelta::days(9));
    wait_until("Alice's warning", SOON, || office.to_team().len() == 1);

    office.setup.add_member("Bob", BOB);
    daemon.reload();
    daemon.wait_for_log("event=\"reloaded\"");
    office.setup.set_clock(monday + TimeDelta::days(11));
    wait_until("two warnings more", SOON, || office.to_team().len() == 3);
    let told: Vec<String> = office.told().into_iter().map(|told| told.to).collect();
    assert_eq!(told[0], ALICE);
    assert!(told[1..].contains(&BOB.to_owned()), "{told:?}");
    assert!(daemon.stop().success());
}

#[test]
fn the_digest_comes_at_its_hour_and_tells_the_half_once() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"10 days\"");
    let mut schedule = toml::Table::new();
    schedule.insert("at".to_owned(), "08:00".into());
    schedule.insert(
        "on".to_owned(),
        vec!["mon", "tue", "wed", "thu", "fri"].into(),
    );
    schedule.insert("to".to_owned(), vec![ALICE].into());
    office.setup.set("digest", schedule);
    office.report("Hello.");
    office.pass(monday);
    assert_eq!(
        office.to_team().len(),
        0,
        "the first is that of the next day"
    );

    // 07:59 and 08:01 in Berlin.
    let morning = a_monday() + hours(6);
    office.pass(morning + TimeDelta::days(1) - TimeDelta::minutes(1));
    assert_eq!(office.to_team().len(), 0);
    office.pass(morning + TimeDelta::days(1) + TimeDelta::minutes(1));
    office.pass(morning + TimeDelta::days(1) + hours(3));
    let told = office.told();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].subject,
        "Digest of the week: 1 open, nothing pressing"
    );
    let text = &told[0].text;
    assert!(
        text.contains("New since Sunday "),
        "from the day before it began: {text}"
    );
    assert!(text.contains(MARKER), "{text}");
    assert!(!text.contains("Half of the time"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 72),
        "{text}"
    );

    // Half of ten days are over at noon on Saturday; printing tells it and keeps it.
    office.setup.set_clock(morning + TimeDelta::days(6));
    for _ in 0..2 {
        let printed = office.setup.cli(&["digest"]);
        let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
        assert!(
            printed.contains("Half of the time has passed (1)"),
            "{printed}"
        );
    }
    let json = office.setup.json(&["digest"]);
    assert_eq!(json["half_way"][0]["clock"], "triage");

    // Nobody was there from Tuesday to Monday: one digest makes up for all.
    office.pass(morning + TimeDelta::days(7) + hours(1));
    let told = office.told();
    assert_eq!(told.len(), 2);
    let text = &told[1].text;
    assert!(text.contains("Half of the time has passed (1)"), "{text}");
    office.pass(morning + TimeDelta::days(8) + hours(1));
    let told = office.told();
    assert_eq!(told.len(), 3);
    assert!(
        !told[2].text.contains("Half of the time"),
        "{}",
        told[2].text
    );

    // It is to be decided on the working day before, and missed as long as it is.
    office.pass(morning + TimeDelta::days(9) + hours(1));
    office.pass(morning + TimeDelta::days(11) + hours(1));
    office.pass(morning + TimeDelta::days(14) + hours(1));
    let digests: Vec<Told> = office
        .told()
        .into_iter()
        .filter(|told| told.subject.starts_with("Digest"))
        .collect();
    assert_eq!(digests.len(), 6);
    assert!(
        digests[3].text.contains("Needs a decision (1, 0 missed)"),
        "{}",
        digests[3].text
    );
    assert!(
        digests[4].text.contains("Needs a decision (1, 1 missed)"),
        "{}",
        digests[4].text
    );
    assert!(
        digests[5].text.contains("Needs a decision (1, 1 missed)"),
        "{}",
        digests[5].text
    );
}

#[test]
fn a_digest_waits_for_the_end_of_quiet_hours_and_goes_on_demand() {
    let monday = a_monday() + hours(9);
    let clocks = "acknowledge = \"none\"\ntriage = \"10 days\"";
    let office = Office::open(monday, clocks);
    office.promise("1", "quiet_hours = \"20:00-07:00\"", clocks);
    let mut schedule = toml::Table::new();
    schedule.insert("at".to_owned(), "06:00".into());
    office.setup.set("digest", schedule);
    office.pass(monday);
    // 06:30 and 07:01 in Berlin.
    let tuesday = a_monday() + TimeDelta::days(1);
    office.pass(tuesday + hours(4) + TimeDelta::minutes(30));
    assert_eq!(office.to_team().len(), 0);
    office.pass(tuesday + hours(5) + TimeDelta::minutes(1));
    assert_eq!(office.to_team().len(), 1);

    let sent = office.setup.cli(&["digest", "--send"]);
    assert!(sent.status.success());
    office.pass(tuesday + hours(6));
    assert_eq!(office.to_team().len(), 2);
}

#[test]
fn a_changed_policy_applies_to_new_cases_and_to_open_ones_on_request() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"10 days\"");
    office.report("Hello.");
    office.pass(monday);
    let received_at = instant(&office.case()["received_at"]);
    let triage = || office.case()["deadlines"][0].clone();
    let due = || instant(&triage()["due_at"]) - received_at;

    let changed = "acknowledge = \"none\"\ntriage = \"5 days\"\nupdate = \"14 days\"";
    office.promise("2", "", changed);
    office.report("Another one.");
    office.pass(monday + hours(1));
    assert_eq!(due(), TimeDelta::days(10), "the old case keeps its promise");
    let cases = office.setup.json(&["case", "list"]);
    let kinds = |case: &Value| -> Vec<String> {
        let deadlines = case["deadlines"].as_array().expect("deadlines");
        let kind = |one: &Value| one["kind"].as_str().expect("a kind").to_owned();
        deadlines.iter().map(kind).collect()
    };
    assert_eq!(kinds(&cases[0]), ["triage"]);
    assert_eq!(kinds(&cases[1]), ["triage", "update"]);
    let second = cases[1]["id"].as_str().expect("a number");
    let second = office.setup.json(&["case", "show", second]);
    assert_eq!(second["deadlines"][0]["span"], "5 days");

    let printed = |arguments: &[&str]| {
        let output = office.setup.cli(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let tried = printed(&["policy", "apply", "--dry-run"]);
    assert!(tried.contains("5 days instead of 10 days"), "{tried}");
    assert!(
        tried.contains("1 changed (not really: --dry-run), 2 stayed"),
        "{tried}"
    );
    assert_eq!(due(), TimeDelta::days(10));
    assert_eq!(office.events("deadline_changed").len(), 0);

    let done = office.setup.json(&["policy", "apply"]);
    assert_eq!(done["policy_version"], "2");
    assert_eq!(done["stayed"], 2);
    assert_eq!(done["changed"][0]["kind"], "triage");
    assert_eq!(done["changed"][0]["before"]["span"], "10 days");
    assert_eq!(done["changed"][0]["after"]["span"], "5 days");
    assert_eq!(due(), TimeDelta::days(5));
    assert_eq!(triage()["policy_version"], "2");
    assert_eq!(office.events("deadline_changed").len(), 1);
    let again = office.setup.json(&["policy", "apply"]);
    assert_eq!(again["changed"], Value::Array(Vec::new()));
    assert_eq!(again["stayed"], 3);

    // Another holiday moves a business clock; what is promised no more is waived.
    let business = "acknowledge = \"none\"\ntriage = \"5 business days\"";
    office.promise("3", "", business);
    let done = office.setup.json(&["policy", "apply"]);
    assert_eq!(done["changed"].as_array().map(Vec::len), Some(3), "{done}");
    let update = || office.setup.json(&["case", "list"])[1]["deadlines"][1].clone();
    assert_eq!(update()["state"], "waived");
    let before = instant(&triage()["due_at"]);
    let holiday = (a_monday() + TimeDelta::days(2)).date_naive();
    office.promise("4", &format!("holidays = [\"{holiday}\"]"), business);
    let done = office.setup.json(&["policy", "apply"]);
    assert_eq!(done["changed"][0]["why"], "the calendar is another");
    assert_eq!(instant(&triage()["due_at"]), before + TimeDelta::days(1));
    let why = triage()["why"].as_str().expect("words").to_owned();
    assert!(why.starts_with("5 business days from Mon"), "{why}");
    assert!(why.ends_with("is a holiday"), "{why}");

    // And what is promised again runs again.
    office.promise("5", "", changed);
    office.setup.json(&["policy", "apply"]);
    assert_eq!(update()["state"], "running");
    // Both thresholds of the shorter clock were passed meanwhile: the later is told.
    office.pass(monday + TimeDelta::days(6));
    assert!(office.subjects()[0].starts_with("2 deadlines need you, 2 of them missed"));
    assert!(office.setup.cli(&["audit", "verify"]).status.success());
}

#[test]
fn a_warning_goes_out_once_wherever_the_program_dies() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"10 days\"");
    office.report("Hello.");
    office.pass(monday);
    office.setup.set_clock(monday + TimeDelta::days(9));
    for step in ["told", "told_committed", "claimed"] {
        office.setup.set_env("TRIAGED_KILL_AT", step);
        assert!(!office.setup.run_once().status.success(), "{step}");
        assert_eq!(office.to_team().len(), 0, "{step}");
    }
    office.setup.unset_env("TRIAGED_KILL_AT");
    office.pass(monday + TimeDelta::days(9) + hours(1));
    office.pass(monday + TimeDelta::days(9) + hours(2));
    assert_eq!(office.to_team().len(), 1);
    assert_eq!(office.events("deadline_warning").len(), 1);
}

#[test]
fn each_member_hears_what_they_asked_for() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"10 days\"");
    for (name, email) in [
        ("Bob", BOB),
        ("Carol", "carol@example.test"),
        ("Dan", "dan@example.test"),
    ] {
        office.setup.add_member(name, email);
    }
    let config = std::fs::read_to_string(office.setup.file("config.toml")).expect("a file");
    let config: toml::Table = config.parse().expect("TOML");
    let mut team = config["team"].as_array().expect("a team").clone();
    for (member, notify) in team.iter_mut().zip(["all", "assigned", "assigned", "none"]) {
        let member = member.as_table_mut().expect("a member");
        member.insert("notify".to_owned(), notify.into());
    }
    let told = |output: std::process::Output| {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        !errors.contains("nobody is told of deadlines")
    };
    office.setup.set("team", team[3..].to_vec());
    assert!(!told(office.setup.cli(&["check"])));
    let observer = team[0].as_table_mut().expect("a member");
    observer.insert("role".to_owned(), "observer".into());
    office.setup.set("team", team);
    assert!(told(office.setup.cli(&["check"])));
    office.report("Hello.");
    office.pass(monday);
    let number = office.case()["id"].as_str().expect("a number").to_owned();
    let assigned = office.setup.cli(&["case", "assign", &number, "bob"]);
    assert!(assigned.status.success(), "{assigned:?}");
    office.pass(monday + TimeDelta::days(9));
    let mut to: Vec<String> = office.told().into_iter().map(|told| told.to).collect();
    to.sort();
    assert_eq!(to, [ALICE, BOB]);
}

/// Everybody hears of their own cases alone, and this one is nobody's.
#[test]
fn a_date_of_a_case_that_nobody_was_assigned_is_told_all_the_same() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"10 days\"");
    let config = std::fs::read_to_string(office.setup.file("config.toml")).expect("a file");
    let config: toml::Table = config.parse().expect("TOML");
    let mut team = config["team"].as_array().expect("a team").clone();
    for member in &mut team {
        let member = member.as_table_mut().expect("a member");
        member.insert("notify".to_owned(), "assigned".into());
    }
    office.setup.set("team", team);
    office.report("Hello.");
    office.pass(monday);
    office.pass(monday + TimeDelta::days(9));
    let to: Vec<String> = office.told().into_iter().map(|told| told.to).collect();
    assert_eq!(to, [ALICE]);
}

#[test]
fn a_flood_of_warnings_becomes_one_mail_an_hour_later() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"10 hours\"");
    let minute = TimeDelta::minutes;
    office.setup.set_clock(monday + minute(20));
    for number in 0..15 {
        let mail = Letter::new("rita@research.test", SECURITY_ADDRESS, "XSS")
            .plain(&format!("Number {number}: a hole in page{number}.\n"));
        drop_into(&office.setup.file("mail"), &mail, monday + minute(number));
    }
    office.pass(monday + minute(20));
    let near = monday + hours(8) + TimeDelta::seconds(30);
    for number in 0..15 {
        office.pass(near + minute(number));
    }
    assert_eq!(office.to_team().len(), 12);
    office.pass(near + minute(61));
    let subjects = office.subjects();
    assert_eq!(subjects.len(), 13);
    assert_eq!(subjects[12], "3 deadlines need you, 0 of them missed");
}

#[test]
fn a_pause_moves_the_warning_with_the_deadline() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"10 days\"");
    office.report("Hello.");
    office.pass(monday);
    let number = office.case()["id"].as_str().expect("a number").to_owned();
    office.setup.set_clock(monday + TimeDelta::days(2));
    let asked = ["case", "needs-info", &number, "Which version is it?"];
    let asked = office.setup.cli(&asked);
    assert!(asked.status.success(), "{asked:?}");
    // Far beyond what was promised: it waits, and so do we.
    office.pass(monday + TimeDelta::days(30));
    assert_eq!(office.to_team().len(), 0);
    let triage = office.case()["deadlines"][0].clone();
    assert_eq!(triage["state"], "paused");
    let why = triage["why"].as_str().expect("words");
    assert!(why.contains("; paused since Wed"), "{why}");
    // The digest reminds of it: a reporter may never answer.
    let digest = office.setup.json(&["digest"]);
    assert_eq!(digest["decide"], Value::Array(Vec::new()));
    assert_eq!(digest["waiting"][0]["case"], number);
    let digest = office.setup.cli(&["digest"]);
    let digest = String::from_utf8_lossy(&digest.stdout).into_owned();
    assert!(digest.contains("Waiting for the reporter (1)"), "{digest}");
    assert!(digest.contains("asked 28 days ago"), "{digest}");

    office.report("Here is what you asked for, version 2.");
    let mail = Letter::new(
        "rita@research.test",
        SECURITY_ADDRESS,
        &format!("Re: [{number}]"),
    )
    .plain("It was version 2.\n");
    drop_into(&office.setup.file("mail"), &mail, office.setup.now());
    office.pass(monday + TimeDelta::days(30) + hours(1));
    let triage = office.case()["deadlines"][0].clone();
    assert_eq!(triage["state"], "running");
    assert_eq!(
        office.setup.json(&["digest"])["waiting"],
        Value::Array(Vec::new())
    );
    let why = triage["why"].as_str().expect("words");
    assert!(
        why.contains("; paused from Wed") && why.contains(" to Wed"),
        "{why}"
    );
    let due_at = instant(&triage["due_at"]);
    let expected = monday + TimeDelta::days(38);
    assert!(
        (due_at - expected).num_hours().abs() <= 1,
        "{due_at} is not {expected}"
    );
    office.pass(expected - TimeDelta::days(1));
    assert!(office.subjects()[0].contains("triage is due in"));
}

#[test]
fn no_flood_holds_back_the_clocks_of_the_law_nor_does_closing_hide_them() {
    let monday = a_monday() + hours(9);
    let promised = "acknowledge = \"none\"\ntriage = \"10 hours\"\n\
                    [deadlines.exploited]\nearly_warning = \"10 hours\"";
    let office = Office::open(monday, promised);
    let minute = TimeDelta::minutes;
    office.setup.set_clock(monday + minute(20));
    for number in 0..13 {
        let mail = Letter::new("rita@research.test", SECURITY_ADDRESS, "XSS")
            .plain(&format!("Number {number}: a hole in page{number}.\n"));
        drop_into(&office.setup.file("mail"), &mail, monday + minute(number));
    }
    office.pass(monday + minute(20));
    let number = office.case()["id"].as_str().expect("a number").to_owned();
    let known_at = (monday + minute(14)).to_rfc3339();
    for verb in [
        &["exploited", &number, &known_at][..],
        &["reject", &number, "No."],
    ] {
        let output = office.setup.cli(&[&["case"], verb].concat());
        assert!(output.status.success(), "{output:?}");
    }
    let near = monday + hours(8) + TimeDelta::seconds(30);
    for number in 0..=14 {
        office.pass(near + minute(number));
    }
    let subjects = office.subjects();
    assert_eq!(subjects.len(), 13, "{subjects:?}");
    assert!(
        subjects[12].starts_with("early_warning is due"),
        "{subjects:?}"
    );

    office.setup.set_clock(monday + hours(11));
    let board = office.setup.json(&["status"]);
    assert_eq!(board["missed_deadlines"], 13);
    let page = office.setup.cli(&["status"]);
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains(&number), "{page}");
}

#[test]
fn a_clock_that_was_ahead_silences_nothing_once_it_is_right() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"none\"\ntriage = \"10 days\"");
    office.setup.set("digest.to", vec![ALICE]);
    office.report("Hello.");
    office.pass(monday);
    // So it was for a year.
    for day in 0..14 {
        office.pass(monday + TimeDelta::days(365 + day));
    }
    let before = office.to_team().len();
    office.pass(monday + TimeDelta::days(1));
    office.pass(monday + TimeDelta::days(2));
    office.pass(monday + TimeDelta::days(2) + hours(1));
    let subjects = office.subjects();
    assert_eq!(subjects.len(), before + 1, "{subjects:?}");
    assert!(subjects[before].starts_with("Digest"), "{subjects:?}");
    // A clock that is set right by seconds tells nothing twice.
    office.pass(monday + TimeDelta::days(2) + hours(1) - TimeDelta::seconds(30));
    assert_eq!(office.to_team().len(), before + 1);
    // What it told of a day that had not come is told when it comes.
    office.pass(monday + TimeDelta::days(10) + hours(1) - TimeDelta::seconds(30));
    let told = office.subjects().split_off(before + 1);
    let missed = told
        .iter()
        .filter(|told| told.starts_with("triage was missed"));
    assert_eq!(missed.count(), 1, "{told:?}");
}

#[test]
fn a_changed_policy_makes_no_report_of_a_request() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"2 days\"\ntriage = \"10 days\"");
    let request = "Please fill out the attached security questionnaire (CAIQ) as our vendor.\n";
    let mail = Letter::new("rita@research.test", SECURITY_ADDRESS, "Request").plain(request);
    drop_into(&office.setup.file("mail"), &mail, monday);
    office.pass(monday + hours(1));
    assert_eq!(office.case()["kind"], "diligence");
    office.promise("2", "", "acknowledge = \"2 days\"\ntriage = \"5 days\"");
    let done = office.setup.json(&["policy", "apply"]);
    assert_eq!(done["changed"], Value::Array(Vec::new()));
}

#[test]
fn letters_that_a_clock_ahead_put_off_go_once_it_is_right() {
    let monday = a_monday() + hours(9);
    let office = Office::open(monday, "acknowledge = \"1 day\"\ntriage = \"10 days\"");
    office.setup.set("limits.replies_per_address", 1);
    office.setup.set_clock(monday + TimeDelta::days(365));
    office.report("Hello.");
    office.report("Another one, of something else.");
    assert!(office.setup.run_once().status.success());
    let answered = || office.answers();
    assert_eq!(answered(), 1, "the cap holds the other");
    // The first start was then, too, and what comes now is no old mail.
    office.report("And a third, about cookies.");
    office.pass(monday + hours(1));
    assert_eq!(answered(), 1, "it holds both");
    let cases = office.setup.json(&["case", "list"]);
    assert_eq!(cases[2]["unanswered"], Value::Null, "{cases}");
    office.pass(monday + hours(26));
    assert_eq!(answered(), 2);
}
