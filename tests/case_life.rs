//! One case from its report to its publication, under a clock that the test sets.
//!
//! The real program on a Maildir and a scripted mail server. What a member does goes through the
//! command line; what the reporter and the team get is what left. GnuPG reads what is encrypted.

mod common;

use std::process::Output;

use chrono::{DateTime, TimeDelta, Utc};
use mail_parser::{Message, MessageParser};
use serde_json::Value;

use common::moved_clock::{a_monday, drop_into, make_maildir};
use common::{Algorithm, Behaviour, Gpg, Letter, SECURITY_ADDRESS, SOON, Setup, Sink, wait_until};

const RITA: &str = "rita@research.test";
const ALICE: &str = "alice@example.test";

const POLICY: &str = r#"version = "1"
time_zone = "Europe/Berlin"

[deadlines]
acknowledge = "24 hours"
triage = "10 days"
update = "30 days"

[deadlines.remediate]
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

struct Office {
    setup: Setup,
    sink: Sink,
    monday: DateTime<Utc>,
}

impl Office {
    /// Opened on a Monday at nine, with Alice in the team.
    fn open() -> Self {
        let setup = Setup::generate();
        let sink = Sink::start(Behaviour::Accept);
        make_maildir(&setup.file("mail"));
        setup.set("maildir.path", "mail");
        setup.send_through(&sink);
        let monday = a_monday() + TimeDelta::hours(9);
        setup.set_clock(monday);
        setup.add_member("Alice", ALICE);
        setup.write("policy.toml", POLICY);
        Self {
            setup,
            sink,
            monday,
        }
    }

    fn day(&self, day: i64) -> DateTime<Utc> {
        self.monday + TimeDelta::days(day)
    }

    /// As the policy's zone writes the day that so many days from Monday is.
    fn date(&self, day: i64) -> String {
        let local = self.day(day).with_timezone(&chrono_tz::Europe::Berlin);
        local.format("%Y-%m-%d").to_string()
    }

    fn receive(&self, mail: &[u8], at: DateTime<Utc>) {
        drop_into(&self.setup.file("mail"), mail, at);
    }

    /// One pass at this time.
    #[track_caller]
    fn pass(&self, at: DateTime<Utc>) {
        self.setup.set_clock(at);
        let output = self.setup.run_once();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
    }

    fn number(&self) -> String {
        let cases = self.setup.json(&["case", "list"]);
        cases[0]["id"].as_str().expect("a number").to_owned()
    }

    fn try_case(&self, verb: &str, arguments: &[&str]) -> Output {
        let number = self.number();
        let line = [&["case", verb, &number], arguments].concat();
        self.setup.cli(&line)
    }

    /// A verb of a member, on the case; what it prints.
    #[track_caller]
    fn case(&self, verb: &str, arguments: &[&str]) -> String {
        let output = self.try_case(verb, arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{verb}: {complaint}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// A verb that does nothing: exit status and complaint.
    #[track_caller]
    fn refused(&self, verb: &str, arguments: &[&str], status: i32) -> String {
        let before = self.show();
        let output = self.try_case(verb, arguments);
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert_eq!(self.show(), before, "{verb}");
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    fn show(&self) -> Value {
        self.setup.json(&["case", "show", &self.number()])
    }

    fn deadline(&self, kind: &str) -> Value {
        let deadlines = self.show()["deadlines"].clone();
        let all = deadlines.as_array().expect("deadlines");
        let found = all.iter().find(|deadline| deadline["kind"] == kind);
        found.unwrap_or(&Value::Null).clone()
    }

    fn state(&self, kind: &str) -> String {
        let state = self.deadline(kind)["state"].clone();
        state.as_str().unwrap_or("absent").to_owned()
    }

    /// Days from Monday, nine o'clock, to when it is due; a test may be minutes late.
    fn due(&self, kind: &str) -> i64 {
        let due_at = self.deadline(kind)["due_at"].clone();
        let due_at: DateTime<Utc> = due_at.as_str().expect("a date").parse().expect("a date");
        (due_at - self.monday + TimeDelta::hours(12)).num_days()
    }

    fn events(&self, action: &str) -> Vec<Value> {
        let events = self.show()["events"].clone();
        let all = events.as_array().expect("events").iter();
        all.filter(|event| event["action"] == action)
            .map(|event| event["detail"].clone())
            .collect()
    }

    /// What left for somebody: on which day, the subject, the text.
    fn mails_to(&self, who: &str) -> Vec<(i64, String, String)> {
        let mut received = self.sink.received();
        received.retain(|mail| mail.recipients == [who]);
        received
            .iter()
            .map(|mail| {
                let message = parsed(&mail.bytes);
                let date = message.date().expect("a date").to_timestamp();
                let day = (date - self.monday.timestamp()).div_euclid(86_400);
                let subject = message.subject().unwrap_or_default().to_owned();
                let text = message.body_text(0).unwrap_or_default().into_owned();
                (day, subject, text)
            })
            .collect()
    }

    fn to_rita(&self) -> Vec<(i64, String, String)> {
        self.mails_to(RITA)
    }

    /// Days and subjects, without the number of the case.
    fn told(&self) -> Vec<(i64, String)> {
        let number = format!("[{}] ", self.number());
        let mails = self.to_rita().into_iter();
        mails
            .map(|(day, subject, _)| (day, subject.replace(&number, "")))
            .collect()
    }

    /// On which days the team was told something.
    fn team_told(&self) -> Vec<i64> {
        self.mails_to(ALICE)
            .iter()
            .map(|(day, _, _)| *day)
            .collect()
    }
}

fn parsed(bytes: &[u8]) -> Message<'static> {
    let message = MessageParser::default().parse(bytes);
    message.expect("a mail").into_owned()
}

fn report() -> Vec<u8> {
    let text = "Your search page has a cross-site scripting flaw: open /search?q=x and see.\n\
                An attacker can act as any visitor.\n";
    Letter::new(RITA, SECURITY_ADDRESS, "XSS in the search").plain(text)
}

/// The day on which each letter reaches the reporter, with a daemon that is always there.
const LIFE: [(i64, &str); 6] = [
    (0, "We have received your report"),
    (11, "We need more to go on"),
    (21, "We have accepted your report"),
    (42, "The fix has shipped"),
    (43, "Before we publish"),
    (60, "It is published"),
];

/// Everything that a person does, each on its day, and what the reporter answers.
fn live(office: &Office, pass: impl Fn(i64)) {
    office.receive(&report(), office.monday);
    pass(0);
    assert_eq!(office.state("acknowledge"), "met");
    for day in 1..=10 {
        pass(day);
    }
    // Breached; now somebody looks.
    at(office, 11, &pass, || {
        assert_eq!(office.state("triage"), "missed");
        let printed = office.case("needs-info", &["Which version is it?"]);
        assert!(
            printed.contains("needs_info to rita@research.test"),
            "{printed}"
        );
    });
    for day in 12..=19 {
        pass(day);
        assert_eq!(office.state("update"), "paused", "day {day}");
    }
    let letters = office.sink.received();
    let asked = letters.iter().rev().find(|mail| mail.recipients == [RITA]);
    let asked = parsed(&asked.expect("the question").bytes);
    let answer = Letter::new(RITA, SECURITY_ADDRESS, "Re: XSS in the search")
        .in_reply_to(&format!("<{}>", asked.message_id().expect("a Message-ID")))
        .plain("It is version 7.\n");
    office.receive(&answer, office.day(20));
    at(office, 21, &pass, || {
        // A pass reads the answer before anybody decides.
        office.pass(office.day(21) + TimeDelta::minutes(3));
        assert_eq!(office.events("resumed").len(), 1);
        let printed = office.case("severity", &["high"]);
        assert!(printed.contains("severity  - -> high"), "{printed}");
        office.case("accept", &[]);
        let refusal = office.refused("accept", &[], 1);
        assert!(refusal.contains("is accepted already"), "{refusal}");
    });
    assert_eq!(office.due("remediate"), 40 + 9, "nine days stood still");
    for day in 22..=41 {
        pass(day);
    }
    at(office, 42, &pass, || {
        let ahead = office.refused("fixed", &[&office.date(43)], 1);
        assert!(ahead.contains("that day is ahead"), "{ahead}");
        office.case("fixed", &[&office.date(42)]);
    });
    assert_eq!(office.state("remediate"), "met");
    at(office, 43, &pass, || {
        office.case("credit", &["Rita R.", "--link", "https://rita.example/"]);
        let soon = office.refused("disclose", &[&office.date(50)], 1);
        let earliest = format!("the earliest day is {}", office.date(51));
        assert!(soon.contains(&earliest), "{soon}");
        let printed = office.case("disclose", &[&office.date(60)]);
        assert!(printed.contains(&office.date(60)), "{printed}");
    });
    for day in 44..=59 {
        pass(day);
        assert_eq!(office.show()["status"], "fixed", "day {day}");
    }
    for day in 60..=70 {
        pass(day);
    }
    pass(400);
}

/// What is done on a day, and the next pass.
fn at(office: &Office, day: i64, pass: &impl Fn(i64), what: impl FnOnce()) {
    office
        .setup
        .set_clock(office.day(day) + TimeDelta::minutes(2));
    what();
    pass(day);
}

/// What must be true of the case in the end, however often the daemon was there.
fn check_life(office: &Office) {
    let show = office.show();
    assert_eq!(show["status"], "disclosed");
    assert_eq!(show["recognition"]["name"], "Rita R.");
    for (kind, state) in [
        ("acknowledge", "met"),
        ("triage", "late"),
        ("remediate", "met"),
        ("disclose", "met"),
        ("update", "waived"),
    ] {
        assert_eq!(office.state(kind), state, "{kind}");
    }
    let late: Vec<Value> = office
        .events("deadline_met")
        .into_iter()
        .filter(|event| event["late"] == true)
        .map(|event| event["deadline"].clone())
        .collect();
    assert_eq!(late, ["triage"]);
    let disclosed = &office.to_rita()[5].2;
    assert!(disclosed.contains("Rita R."), "{disclosed}");
    let kinds: Vec<Value> = show["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .filter(|message| message["direction"] == "out")
        .map(|message| message["kind"].clone())
        .collect();
    let expected = [
        "acknowledgement",
        "needs_info",
        "accepted",
        "fixed",
        "heads_up",
        "disclosed",
    ];
    assert_eq!(kinds, expected);
    let subjects: Vec<String> = office.told().into_iter().map(|(_, it)| it).collect();
    assert_eq!(subjects, LIFE.map(|(_, subject)| subject));
    assert!(office.setup.cli(&["audit", "verify"]).status.success());
}

#[test]
fn a_case_lives_and_each_mail_comes_once_on_its_day() {
    let office = Office::open();
    live(&office, |day| {
        office.pass(office.day(day) + TimeDelta::minutes(5));
    });
    check_life(&office);
    let days: Vec<i64> = office.told().iter().map(|(day, _)| *day).collect();
    assert_eq!(days, LIFE.map(|(day, _)| day));
    // The report; 80 and 100 percent of triage; the reporter's mail; 80 percent of remediate, nine
    // days later for the pause.
    assert_eq!(office.team_told(), [0, 8, 10, 21, 41]);
}

#[test]
fn after_an_outage_each_mail_comes_once_all_the_same() {
    let office = Office::open();
    // There on these days alone: away when triage was near and when it was due, when letters were
    // written, and on the day of publication.
    live(&office, |day| {
        if [0, 13, 19, 24, 47, 59, 63, 400].contains(&day) {
            office.pass(office.day(day) + TimeDelta::minutes(5));
        }
    });
    check_life(&office);
    // The last letter was written when the daemon came back, and tells of the day that it was.
    let (day, _, text) = &office.to_rita()[5];
    assert_eq!(*day, 63);
    let on = office.day(60).with_timezone(&chrono_tz::Europe::Berlin);
    let on = on.format("%-d %B %Y").to_string();
    assert!(text.contains(&on), "{on} is not in {text}");
    // The report, what was missed, and the reporter's mail: each once.
    assert_eq!(office.team_told().len(), 3);
}

#[test]
fn the_day_of_publication_comes_while_the_daemon_runs() {
    let office = Office::open();
    office.receive(&report(), office.monday);
    office.pass(office.day(0));
    office.case("fixed", &[&office.date(0)]);
    office.case("disclose", &[&office.date(5), "--short-notice"]);
    let mut daemon = office.setup.run();
    wait_until("what the commands caused", SOON, || {
        office.to_rita().len() == 3
    });
    office.setup.set_clock(office.day(5));
    wait_until("the publication", SOON, || office.to_rita().len() == 4);
    assert_eq!(office.show()["status"], "disclosed");
    assert!(daemon.stop().success());
    office.pass(office.day(5) + TimeDelta::minutes(1));
    assert_eq!(office.to_rita().len(), 4);
}

/// A report in cipher, with a key of the reporter's or without.
fn sealed_report(office: &Office, gpg: &Gpg, key: Option<&str>) -> Vec<u8> {
    gpg.import(&office.setup.certificate());
    let mut letter = Letter::new(RITA, SECURITY_ADDRESS, "...");
    if let Some(key) = key {
        letter = letter.attach("rita.asc", "application/pgp-keys", &gpg.export(key));
    }
    let text = "Your search page has a cross-site scripting flaw: open /search?q=x and see.\n";
    letter.encrypted(gpg, text, &[&office.setup.fingerprint], key)
}

const WORDS: &str = "We mended zanzibar4711 for you.";

#[test]
fn what_came_encrypted_is_answered_encrypted() {
    let office = Office::open();
    let gpg = Gpg::new();
    let key = gpg.generate("Rita", RITA, Algorithm::Curve25519);
    office.receive(&sealed_report(&office, &gpg, Some(&key)), office.monday);
    office.pass(office.day(0));
    let printed = office.case("reply", &[WORDS]);
    assert!(
        printed.contains("update to rita@research.test, encrypted"),
        "{printed}"
    );
    office.case("accept", &[]);
    office.pass(office.day(1));
    let mut received = office.sink.received();
    received.retain(|mail| mail.recipients == [RITA]);
    assert_eq!(received.len(), 3);
    for mail in &received {
        assert!(!String::from_utf8_lossy(&mail.bytes).contains("zanzibar"));
        let outside = parsed(&mail.bytes);
        assert_eq!(
            outside.subject(),
            Some(format!("[{}]", office.number()).as_str())
        );
        let opened = gpg.decrypt(outside.parts.last().expect("a part").contents());
        assert_eq!(opened.signed_by.as_ref(), Some(&office.setup.fingerprint));
    }
    let reply = parsed(&received[1].bytes);
    let opened = gpg.decrypt(reply.parts.last().expect("a part").contents());
    let inside = String::from_utf8(opened.bytes).expect("UTF-8");
    assert!(inside.contains(WORDS), "{inside}");
    assert_eq!(office.state("triage"), "met");
}

#[test]
fn what_came_encrypted_without_a_key_gets_a_notice_without_content() {
    let office = Office::open();
    let gpg = Gpg::new();
    office.receive(&sealed_report(&office, &gpg, None), office.monday);
    office.pass(office.day(0));
    let printed = office.case("reply", &[WORDS]);
    assert!(
        printed.contains("notice to rita@research.test, without content, no OpenPGP key of theirs"),
        "{printed}"
    );
    office.case("reject", &["zanzibar4711 is by design"]);
    office.pass(office.day(1));
    let mails = office.to_rita();
    assert_eq!(mails.len(), 3);
    for (_, subject, text) in &mails[1..] {
        assert!(!text.contains("zanzibar"), "{text}");
        assert!(!text.contains("search"), "{text}");
        assert!(!subject.contains("reject"), "{subject}");
    }
    assert_eq!(office.show()["close_reason"], "rejected");
}

#[test]
fn a_letter_that_bounces_is_known_to_have_failed() {
    let office = Office::open();
    office.receive(&report(), office.monday);
    office.pass(office.day(0));
    office.case("reply", &["We are looking into it."]);
    office.pass(office.day(2));
    assert_eq!(office.due("update"), 32);
    let received = office.sink.received();
    let letter = received.last().expect("the reply");
    assert_eq!(letter.mail_from, SECURITY_ADDRESS, "it can come back");
    let reply = parsed(&letter.bytes);
    assert_eq!(
        reply.header_raw("Auto-Submitted"),
        None,
        "a person wrote it"
    );
    let id = reply.message_id().expect("a Message-ID");
    let bounce = format!(
        "Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@mx.test>\n\
         To: {SECURITY_ADDRESS}\nSubject: Undelivered Mail Returned to Sender\n\
         Auto-Submitted: auto-replied\nMessage-ID: <b1@mx.test>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\n\nno such user\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n\
         Final-Recipient: rfc822; {RITA}\nAction: failed\nStatus: 5.1.1\n\n\
         --b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{id}>\n\n--b--\n"
    );
    office.receive(bounce.as_bytes(), office.day(3));
    office.pass(office.day(3));
    assert_eq!(office.due("update"), 30, "as if the reply had never left");
    assert_eq!(office.events("bounced").len(), 1);
    let messages = office.show()["messages"].clone();
    let reply = messages
        .as_array()
        .expect("messages")
        .iter()
        .find(|it| it["kind"] == "update");
    assert_eq!(reply.expect("the reply")["delivery"], "bounced");
    let status = office.setup.json(&["status"]);
    assert_eq!(status["troubled_letters"][0]["state"], "bounced");
    assert_eq!(office.to_rita().len(), 2, "a bounce causes no mail");
}

#[test]
fn verbs_on_the_command_line() {
    let office = Office::open();
    office.receive(&report(), office.monday);
    office.pass(office.day(0));
    let number = office.number();

    // Wrong usage is 2, a refusal 1; neither changes anything.
    for (verb, arguments, status, complaint) in [
        (
            "severity",
            vec!["hihg"],
            2,
            "not one of critical, high, medium, low",
        ),
        (
            "fixed",
            vec!["1.6.2027"],
            2,
            "not a day; write it as 2026-12-01",
        ),
        (
            "duplicate",
            vec!["7"],
            2,
            "not a case number such as SEC-2026-0001",
        ),
        ("reject", vec![], 2, "<REASON>"),
        ("reopen", vec![], 1, "is new, not closed"),
        ("duplicate", vec![number.as_str()], 1, "is this very case"),
        (
            "duplicate",
            vec!["SEC-2020-0001"],
            1,
            "there is no such case",
        ),
        ("assign", vec!["alcie"], 1, "the nearest is Alice"),
        ("notified", vec!["early_warning"], 1, "`exploited` it first"),
        ("disclose", vec!["2099-01-01"], 1, "is not fixed"),
    ] {
        let found = office.refused(verb, &arguments, status);
        assert!(found.contains(complaint), "{verb}: {found}");
    }

    office.case("assign", &["alice@example.test"]);
    office.case("label", &["web"]);
    office.case("note", &["Looks like last year's."]);
    office.case("token", &["a mug"]);
    office.case("reward", &["100 EUR"]);
    office.case("credit", &["no"]);
    let printed = office.case("exploited", &[]);
    assert!(printed.contains("early_warning"), "{printed}");
    assert_eq!(office.state("early_warning"), "running");
    office.case("notified", &["early_warning"]);
    assert_eq!(office.state("early_warning"), "met");
    let status = office.case("status", &[]);
    assert!(status.contains(&format!("{number}: new")), "{status}");
    for line in [
        "  assignee   Alice",
        "  token      a mug",
        "  credit     no",
    ] {
        assert!(status.contains(line), "{line:?} is not in {status}");
    }

    let json: Value =
        serde_json::from_str(&office.case("accept", &["--json"])).expect("one JSON value");
    assert_eq!(json["case"]["status"], "accepted");
    assert_eq!(json["letter"]["template"], "accepted");
    assert_eq!(json["letter"]["to"], RITA);
    assert_eq!(json["letter"]["encrypted"], false);

    let page = String::from_utf8(office.setup.cli(&["case", "show", &number]).stdout);
    let page = page.expect("UTF-8");
    for part in [
        "Alice",
        "a mug",
        "100 EUR",
        "wants no credit",
        "active_exploitation",
        "web",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }

    // A long reason comes from standard input.
    let reason = "It is by design.\nThe page is public.\n";
    let output = office
        .setup
        .cli_with_input(&["case", "reject", &number, "-"], reason);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(office.show()["close_reason"], "rejected");
    office.case("reopen", &[]);
    assert_eq!(office.show()["status"], "accepted");
    office.pass(office.day(0) + TimeDelta::minutes(9));
    let letters = office.sink.received();
    let accepted = parsed(&letters[1].bytes);
    let automatic = accepted.header_raw("Auto-Submitted").map(str::trim);
    assert_eq!(automatic, Some("auto-generated"));
    let (_, _, rejected) = office.to_rita().pop().expect("a letter");
    assert!(rejected.contains("The page is public."), "{rejected}");
}

#[test]
fn out_of_scope_is_said_in_the_words_of_the_policy() {
    let office = Office::open();
    office.receive(&report(), office.monday);
    office.pass(office.day(0));
    office.case(
        "reject",
        &["out", "of", "scope:", "denial", "of", "service"],
    );
    office.pass(office.day(1));
    let (_, _, text) = office.to_rita().pop().expect("a letter");
    assert!(
        text.contains("We do not want denial-of-service attacks."),
        "{text}"
    );
    assert_eq!(office.show()["close_reason"], "out_of_scope");
    assert_eq!(office.state("triage"), "met");
    assert_eq!(office.state("update"), "waived");
}

/// Killed in the middle of a command, or of the publication: it was not begun.
#[test]
fn a_crash_leaves_nothing_half_done() {
    let office = Office::open();
    office.receive(&report(), office.monday);
    office.pass(office.day(0));
    let before = office.show();
    office.setup.set_env("TRIAGED_KILL_AT", "half_commanded");
    assert!(!office.try_case("accept", &[]).status.success());
    office.setup.unset_env("TRIAGED_KILL_AT");
    assert_eq!(office.show(), before);
    office.case("fixed", &[&office.date(0)]);
    office.case("disclose", &[&office.date(9)]);

    office.setup.set_clock(office.day(9));
    office.setup.set_env("TRIAGED_KILL_AT", "half_commanded");
    assert!(!office.setup.run_once().status.success());
    office.setup.unset_env("TRIAGED_KILL_AT");
    assert_eq!(office.show()["status"], "fixed");
    for minute in [1, 2] {
        office.pass(office.day(9) + TimeDelta::minutes(minute));
    }
    let subjects: Vec<String> = office.told().into_iter().map(|(_, it)| it).collect();
    assert_eq!(
        subjects,
        [
            "We have received your report",
            "The fix has shipped",
            "Before we publish",
            "It is published"
        ]
    );
    assert!(office.setup.cli(&["audit", "verify"]).status.success());
}
