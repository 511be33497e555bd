//! When a notice goes, how many go, and to whom, under a clock that the test sets.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::common::moved_clock::{a_monday, drop_into, make_maildir};
use crate::common::sink::Stage;
use crate::common::{Behaviour, Letter, SECURITY_ADDRESS, SOON, Setup, Sink, wait_until};
use crate::reading::{MARKER, Told, check_outside, opened, parsed};

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";

const POLICY: &str = "version = \"1\"\ntime_zone = \"Europe/Berlin\"\n\
    [deadlines]\nacknowledge = \"none\"\ntriage = \"30 days\"\n\
    [deadlines.exploited]\nearly_warning = \"24 hours\"\n";

/// A Maildir, a mail server that keeps what it is given, and Alice.
struct Office {
    setup: Setup,
    sink: Sink,
}

impl Office {
    fn open(at: DateTime<Utc>) -> Self {
        let setup = Setup::generate();
        let sink = Sink::start(Behaviour::Accept);
        make_maildir(&setup.file("mail"));
        setup.set("maildir.path", "mail");
        setup.send_through(&sink);
        setup.set("limits.replies_per_address", 1_000);
        setup.set("limits.replies_per_domain", 1_000);
        setup.set_clock(at);
        setup.add_member("Alice", ALICE);
        setup.write("policy.toml", POLICY);
        Self { setup, sink }
    }

    fn quiet(&self, hours: &str) {
        let policy = format!("quiet_hours = \"{hours}\"\n{POLICY}");
        self.setup.write("policy.toml", &policy);
    }

    fn drop(&self, mail: &[u8]) {
        drop_into(&self.setup.file("mail"), mail, self.setup.now());
    }

    /// A report of a stranger.
    fn report(&self, number: usize, words: &str) {
        let from = format!("r{number}@research.test");
        let subject = format!("XSS {number} {MARKER}");
        let text = format!(
            "{words} The page p{number} of the shop runs a script of mine {number}{number}.\n\
             Steps: open /p{number}?q={MARKER} and look.\nImpact: account takeover.\n"
        );
        self.drop(&Letter::new(&from, SECURITY_ADDRESS, &subject).plain(&text));
    }

    #[track_caller]
    fn pass(&self, at: DateTime<Utc>) -> String {
        self.setup.set_clock(at);
        let output = self.setup.run_once();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{log}");
        assert!(!log.contains(MARKER), "{log}");
        log
    }

    /// To this member, in the order in which it left.
    #[track_caller]
    fn told(&self, member: &str) -> Vec<Told> {
        let received = self.sink.received();
        let to_member = received.iter();
        to_member
            .filter(|mail| mail.accepted && mail.recipients[0] == member)
            .map(|mail| {
                assert_eq!(mail.mail_from, SECURITY_ADDRESS);
                opened(&self.setup, &mail.bytes)
            })
            .collect()
    }

    #[track_caller]
    fn titles(&self, member: &str) -> Vec<String> {
        let told = self.told(member);
        told.iter().map(|it| it.title().to_owned()).collect()
    }

    fn numbers(&self) -> Vec<String> {
        let cases = self.setup.json(&["case", "list"]);
        let cases = cases.as_array().expect("a list");
        let number = |case: &Value| case["id"].as_str().expect("a number").to_owned();
        cases.iter().map(number).collect()
    }
}

fn monday() -> DateTime<Utc> {
    a_monday() + TimeDelta::hours(9)
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

/// The cases that a table of many has a row of.
fn rows(told: &Told) -> BTreeSet<String> {
    let words = told.text.split_whitespace();
    words
        .filter(|word| word.starts_with("SEC-") && word.len() == 13)
        .map(str::to_owned)
        .collect()
}

#[test]
fn five_hundred_reports_are_a_handful_of_mails_and_none_is_left_out() {
    let office = Office::open(monday());
    // One by one at first, then a flood, then what comes while it lasts.
    for number in 0..3 {
        office.report(number, "Hello.");
        office.pass(monday() + TimeDelta::seconds(20 * number as i64));
    }
    assert_eq!(office.told(ALICE).len(), 3, "single ones go at once");
    for number in 3..450 {
        office.report(number, "Hello.");
    }
    office.pass(monday() + minutes(2));
    for number in 450..500 {
        office.report(number, "Hello.");
        if number % 10 == 0 {
            let minute = 3 + (number as i64 - 450) / 10;
            office.pass(monday() + minutes(minute));
        }
    }
    for minute in [9, 10, 15, 30, 60, 120, 240] {
        office.pass(monday() + minutes(minute));
    }
    let told = office.told(ALICE);
    let subjects: Vec<&str> = told.iter().map(|it| it.subject.as_str()).collect();
    assert!(told.len() <= 8, "{subjects:?}");
    assert_eq!(told[3].subject, "447 new cases");

    let counted: usize = told[3..]
        .iter()
        .map(|it| match it.subject.split_once(" new cases") {
            Some((count, _)) => count.parse().expect("a number"),
            None => 1,
        })
        .sum();
    assert_eq!(counted, 497, "{subjects:?}");
    let shown = rows(&told[3]);
    assert_eq!(shown.len(), 150);
    told[3].says(&["And 297 more", "triaged case list"]);
    assert_eq!(told[3].html.matches("class=\"entry\"").count(), 150);
    assert!(told[3].html.len() < 300_000, "{}", told[3].html.len());
    office.pass(monday() + TimeDelta::days(2));
    assert_eq!(office.told(ALICE).len(), told.len(), "and none twice");
}

#[test]
fn a_flood_of_reports_does_not_hold_back_what_a_reporter_writes() {
    let office = Office::open(monday());
    office.report(1, "Hello.");
    office.pass(monday());
    let number = office.numbers().remove(0);
    for stranger in 10..40 {
        office.report(stranger, "Hello.");
    }
    office.pass(monday() + minutes(2));
    for stranger in 40..60 {
        office.report(stranger, "Hello.");
    }
    let subject = format!("Re: [{number}]");
    office.drop(
        &Letter::new("r1@research.test", SECURITY_ADDRESS, &subject).plain("It is worse now.\n"),
    );
    office.pass(monday() + minutes(2) + TimeDelta::seconds(30));
    let titles = office.titles(ALICE);
    assert_eq!(titles.len(), 3, "{titles:?}");
    assert_eq!(titles[2], format!("The reporter wrote: Re: [{number}]"));
}

#[test]
fn quiet_hours_hold_a_notice_and_no_alarm() {
    // 22:30 in Berlin.
    let evening = a_monday() + TimeDelta::minutes(20 * 60 + 30);
    let office = Office::open(evening);
    office.quiet("20:00-07:00");
    office.report(1, "Hello.");
    office.report(2, "This is actively exploited in the wild.");
    office.pass(evening);
    office.pass(evening + TimeDelta::hours(6));
    let titles = office.titles(ALICE);
    assert_eq!(titles, ["a mail tells of exploitation"]);
    // 07:05.
    office.pass(evening + TimeDelta::minutes(8 * 60 + 35));
    let told = office.told(ALICE);
    assert_eq!(told.len(), 3);
    for (told, number) in told[1..].iter().zip([1, 2]) {
        assert_eq!(told.title(), format!("New report: XSS {number} {MARKER}"));
    }
    // The law counts from its receipt, whenever somebody reads it.
    let received = office.setup.json(&["case", "list"])[1]["received_at"].clone();
    let command = format!("/exploited {}", received.as_str().expect("an instant"));
    assert_eq!(told[2].linked("it is exploited")[1], command);
}

#[test]
fn killed_between_any_two_steps_it_is_told_once() {
    for step in [
        "half_recorded",
        "recorded",
        "committed",
        "told",
        "told_committed",
    ] {
        let office = Office::open(monday());
        office.report(1, "Hello.");
        office
            .setup
            .set_env("TRIAGED_KILL_AT", &format!("{step}:1"));
        let output = office.setup.run_once();
        assert!(!output.status.success(), "{step}");
        office.setup.unset_env("TRIAGED_KILL_AT");
        office.pass(monday() + minutes(20));
        office.pass(monday() + minutes(40));
        let titles = office.titles(ALICE);
        assert_eq!(titles, [format!("New report: XSS 1 {MARKER}")], "{step}");
    }
}

#[test]
fn what_came_while_no_notice_could_leave_is_told_once_it_can() {
    let office = Office::open(monday());
    let refused = "451 4.3.0 come back later".to_owned();
    office.sink.behave(Behaviour::Refuse(Stage::Mail, refused));
    office.report(1, "Hello.");
    // It does not go, and the pass says so.
    assert!(!office.setup.run_once().status.success());
    assert_eq!(office.told(ALICE).len(), 0);
    office.sink.behave(Behaviour::Accept);
    office.pass(monday() + TimeDelta::hours(5));
    office.pass(monday() + TimeDelta::hours(6));
    assert_eq!(office.titles(ALICE).len(), 1);
}

#[test]
fn the_mailbox_that_is_not_read_is_told_once_until_it_was_read_again() {
    let office = Office::open(monday());
    office.pass(monday());
    let (mail, away) = (office.setup.file("mail"), office.setup.file("away"));
    let take_away = || {
        std::fs::rename(&mail, &away).expect("take the mailbox away");
        office.setup.write("mail", "no directory");
    };
    let fail = |at: DateTime<Utc>| {
        office.setup.set_clock(at);
        assert!(!office.setup.run_once().status.success());
    };
    take_away();
    fail(monday() + minutes(10));
    assert_eq!(office.told(ALICE).len(), 0, "limits.silence is 15 minutes");
    fail(monday() + minutes(20) + TimeDelta::seconds(30));
    let told = office.told(ALICE);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject, "The mailbox was last read 20 minutes ago");
    let path = mail.display().to_string();
    told[0].says(&["triaged doctor", &path]);
    fail(monday() + TimeDelta::hours(10));
    assert_eq!(office.told(ALICE).len(), 1, "once");

    std::fs::remove_file(&mail).expect("make room");
    std::fs::rename(&away, &mail).expect("put the mailbox back");
    office.pass(monday() + TimeDelta::hours(11));
    take_away();
    fail(monday() + TimeDelta::hours(12));
    assert_eq!(office.told(ALICE).len(), 2, "and of the next one again");
}

#[test]
fn a_daemon_that_begins_after_an_outage_tells_of_no_silence() {
    let office = Office::open(monday());
    office.pass(monday());
    office.setup.set("maildir.poll_interval", "1s");
    office.setup.set_clock(monday() + TimeDelta::days(3));
    office.report(1, "Hello.");
    let mut daemon = office.setup.run();
    wait_until("the notice", SOON, || office.told(ALICE).len() == 1);
    assert!(daemon.stop().success());
    assert_eq!(
        office.titles(ALICE),
        [format!("New report: XSS 1 {MARKER}")]
    );
    assert!(!daemon.log().contains("silence_told"), "{}", daemon.log());
}

#[test]
fn who_hears_of_a_report_and_who_is_offered_commands() {
    let office = Office::open(monday());
    office.setup.add_member("Bob", BOB);
    office.setup.add_member("Olga", "olga@example.test");
    office.setup.add_member("Nina", "nina@example.test");
    let config = std::fs::read_to_string(office.setup.file("config.toml")).expect("a file");
    let mut config: toml::Table = toml::from_str(&config).expect("TOML");
    let team = config["team"].as_array_mut().expect("a team");
    let notify = ["all", "assigned", "all", "none"];
    for (member, notify) in team.iter_mut().zip(notify) {
        let member = member.as_table_mut().expect("a member");
        member.insert("notify".to_owned(), notify.into());
        if member["name"].as_str() == Some("Olga") {
            member.insert("role".to_owned(), "observer".into());
        }
    }
    office.setup.set("team", config["team"].clone());
    office.report(1, "Hello.");
    office.pass(monday());
    let number = office.numbers().remove(0);
    let counts = || {
        let members = [ALICE, BOB, "olga@example.test", "nina@example.test"];
        members.map(|member| office.told(member).len())
    };
    assert_eq!(counts(), [1, 0, 1, 0]);
    assert_eq!(
        office.told(ALICE)[0].linked("take it"),
        [format!("/case {number}"), "/assign Alice".to_owned()]
    );
    let observer = office.told("olga@example.test").remove(0);
    assert!(!observer.html.contains("mailto:"), "{}", observer.html);
    assert!(!observer.text.contains("mailto:"), "{}", observer.text);

    let assigned = office.setup.cli(&["case", "assign", &number, "Bob"]);
    assert!(assigned.status.success(), "{assigned:?}");
    let subject = format!("Re: [{number}]");
    let mail = Letter::new("r1@research.test", SECURITY_ADDRESS, &subject);
    office.setup.set_clock(monday() + minutes(30));
    office.drop(&mail.plain("One thing more.\n"));
    office.pass(monday() + minutes(30));
    assert_eq!(counts(), [2, 1, 2, 0]);
}

#[test]
fn a_report_that_lacks_nothing_is_asked_in_words() {
    let office = Office::open(monday());
    let letter = Letter::new("bare@research.test", SECURITY_ADDRESS, "A weakness");
    office.drop(&letter.plain(&format!("I found an XSS in your shop: {MARKER}.\n")));
    office.pass(monday());
    office.report(1, "Hello.");
    office.pass(monday() + minutes(1));
    let told = office.told(ALICE);
    let asks: Vec<String> = told
        .iter()
        .map(|told| told.linked("ask for more").remove(1))
        .collect();
    assert_eq!(asks, ["/needs-info", "/needs-info "]);
    told[1].says(&["/needs-info TEXT"]);
}

#[test]
fn without_a_certificate_that_works_a_notice_says_nothing() {
    let office = Office::open(monday());
    office.setup.write(&format!("{ALICE}.asc"), "nothing\n");
    office.drop(
        &Letter::new("rita@research.test", SECURITY_ADDRESS, MARKER)
            .attach(&format!("{MARKER}.txt"), "text/plain", MARKER)
            .plain(&format!("The search is broken: {MARKER} runs there.\n")),
    );
    let log = office.pass(monday());
    assert!(log.contains("certificate_unusable"), "{log}");
    let received = office.sink.received();
    let to_alice: Vec<_> = received
        .iter()
        .filter(|mail| mail.recipients[0] == ALICE)
        .collect();
    assert_eq!(to_alice.len(), 1);
    for mail in to_alice {
        check_outside(&mail.bytes);
        let mail = parsed(&mail.bytes);
        let text = mail.body_text(0).expect("a text");
        assert!(text.contains("could not be encrypted"), "{text}");
        assert!(text.contains("no certificate of yours"), "{text}");
        assert!(!text.contains(".asc"), "a path of ours: {text}");
    }
}

#[test]
fn nobody_hears_of_the_back_catalogue() {
    let office = Office::open(monday());
    let mail = Letter::new("rita@research.test", SECURITY_ADDRESS, "XSS").plain("Old news.\n");
    office
        .setup
        .write("old.eml", &String::from_utf8(mail).expect("UTF-8"));
    let output = office.setup.cli(&["ingest", "--no-reply", "old.eml"]);
    assert!(output.status.success(), "{output:?}");
    office.pass(monday() + minutes(1));
    assert_eq!(office.sink.count(), 0);
}

#[test]
fn what_comes_to_a_case_through_a_list_or_a_machine_is_told() {
    let office = Office::open(monday());
    let from_list = |subject: &str, text: &str| {
        let mail = Letter::new("psirt@coordinator.test", SECURITY_ADDRESS, subject);
        let mail = mail.header("List-Id", "<psirt.coordinator.test>");
        mail.header("Precedence", "list").plain(text)
    };
    let from_machine = |subject: &str, text: &str| {
        let mail = Letter::new("no-reply@tracker.test", SECURITY_ADDRESS, subject);
        mail.plain(text)
    };
    office.drop(&from_list(
        "XSS",
        "The shop runs any script: /search?q=x.\n",
    ));
    office.drop(&from_machine(
        "SQL",
        "The login takes SQL: /login?u=' OR 1.\n",
    ));
    office.pass(monday());
    let told = office.told(ALICE);
    assert_eq!(told.len(), 2);
    for notice in &told {
        notice.says(&["answer none:", "/accept"]);
        // Nobody can be written to.
        for letter in ["/reply", "/needs-info"] {
            assert!(!notice.text.contains(letter), "{letter} in {}", notice.text);
        }
    }
    let numbers = office.numbers();
    for number in &numbers {
        let (subject, text) = (
            format!("Re: [{number}]"),
            "It is exploited by now, we hear.\n",
        );
        office.drop(&from_list(&subject, text));
        office.drop(&from_machine(&subject, text));
    }
    office.pass(monday() + minutes(30));
    let told = office.told(ALICE).split_off(2);
    let titles = || told.iter().map(|it| (it.title(), it.subject.as_str()));
    // Whoever writes to the case of another opens one.
    assert_eq!(told.len(), 4, "{:?}", titles().collect::<Vec<_>>());
    for wrote in ["A list wrote: Re:", "The reporter wrote: Re:"] {
        let follow_ups = titles().filter(|(title, _)| title.starts_with(wrote));
        assert_eq!(follow_ups.count(), 1, "{wrote}");
    }
}

#[test]
fn a_warning_offers_no_letter_where_nobody_can_be_written_to() {
    let office = Office::open(monday());
    let dates = "acknowledge = \"2 days\"\ntriage = \"7 days\"\nupdate = \"14 days\"";
    let policy = POLICY.replace("acknowledge = \"none\"\ntriage = \"30 days\"", dates);
    office.setup.write("policy.toml", &policy);
    let mail = Letter::new("bugs@lists.test", SECURITY_ADDRESS, "XSS");
    let mail = mail.header("List-Id", "<bugs.lists.test>");
    office.drop(&mail.plain("The shop runs any script: /search?q=x.\n"));
    office.pass(monday());
    // All of its dates are over, and the last of them was no `update`.
    office.pass(monday() + TimeDelta::days(15));
    let told = office.told(ALICE).split_off(1);
    let text: String = told.iter().map(|notice| notice.text.as_str()).collect();
    for says in ["acknowledge: MISSED", "triage: MISSED", "/accept"] {
        assert!(text.contains(says), "{says} in {text}");
    }
    for never in ["update: ", "/reply", "/needs-info"] {
        assert!(!text.contains(never), "{never} in {text}");
    }
}
