//! A report in clear: the case, its dates, and the receipt in the researcher's inbox.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::Europe::Berlin;
use serde_json::Value;

use crate::common::{
    Behaviour, Dovecot, Letter, Postfix, PostfixOptions, SECURITY_ADDRESS, SECURITY_PASSWORD, SOON,
    Setup, Sink, Stage, wait_until,
};
use crate::world::{
    Answer, Servers, array, at, business_hours, civil_days, deadline, due, holds, instant, report,
    sha256, text,
};

/// The working days of the policy that `Setup` writes.
fn is_working_day(date: NaiveDate) -> bool {
    let is_weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
    let christmas = NaiveDate::from_ymd_opt(2026, 12, 25);
    !is_weekend && Some(date) != christmas
}

/// As a letter shows an instant: `Friday 1 May 2026, 12:00 CEST`.
fn shown(instant: DateTime<Utc>) -> String {
    let local = instant.with_timezone(&Berlin);
    local.format("%A %-d %B %Y, %H:%M %Z").to_string()
}

#[test]
fn a_report_becomes_a_case_and_its_receipt_lies_in_the_researchers_inbox() {
    let servers = Servers::shared();
    let office = servers.office();
    let alice = servers.person("Alice");
    office.setup.set_env("TRIAGED_LOG", "trace");
    // Only IDLE can bring it within seconds.
    office.setup.set("imap.poll_interval", "10 minutes");
    let mut daemon = office.open();

    let letter = alice
        .letter("Quokka in your login page")
        .header("References", "<earlier@client.test>");
    let mail = letter.plain(&report("the wombat page"));
    let sent_at = Instant::now();
    alice.send(&office, &mail);
    let receipt = alice.answer();
    let took = sent_at.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");

    office.wait_for_mails("Triaged", 1);
    assert_eq!(office.count("INBOX"), 0);
    let filed = office.mails("Triaged").remove(0);
    assert!(filed.ends_with(&mail));
    let mut session = servers.dovecot.login(&office.mailbox);
    session.select("Triaged");
    let uid = session.search("ALL")[0];
    let received_at = session.internal_date(uid);

    wait_until("the record of the delivery", SOON, || {
        deadline(&office.cases()[0], "acknowledge")["state"] == "met"
    });
    let case = office.cases().remove(0);
    let id = text(&case["id"]);
    assert_eq!(instant(&case["received_at"]), received_at);
    check_promises(&case, received_at);
    check_list_fields(&case, &alice.address);
    check_details(&office.case(id), &letter.message_id, &receipt.message_id());

    // The receipt.
    let year = Utc::now().with_timezone(&Berlin).year();
    assert_eq!(id, format!("SEC-{year}-0001"));
    assert_eq!(
        receipt.subject(),
        format!("[{id}] We have received your report")
    );
    assert_eq!(receipt.header("In-Reply-To"), letter.message_id);
    assert_eq!(
        receipt.header("References"),
        format!("<earlier@client.test> {}", letter.message_id)
    );
    assert_eq!(receipt.header("Auto-Submitted"), "auto-replied");
    assert_eq!(receipt.header("Return-Path"), "<>");
    assert_eq!(receipt.header("To").trim_matches(['<', '>']), alice.address);
    let from = receipt.message.from().and_then(|from| from.first());
    let from = from.expect("a sender");
    assert_eq!(from.address(), Some(SECURITY_ADDRESS));
    assert_eq!(from.name(), Some("Example Corp"));
    assert!(receipt.headers("Cc").is_empty() && receipt.headers("Bcc").is_empty());
    let autocrypt = receipt.header("Autocrypt");
    assert!(
        autocrypt.starts_with(&format!("addr={SECURITY_ADDRESS};"))
            && autocrypt.contains("keydata="),
        "{autocrypt}"
    );
    assert_eq!(
        receipt.attachments(),
        0,
        "the key comes when it is asked for"
    );

    let words = receipt.text();
    for expected in [
        id.to_owned(),
        format!("Arrived {}", shown(received_at)),
        format!("SHA-256 {}", sha256(&filed)),
        shown(civil_days(Berlin, received_at, 7)),
        "critical: 30 days, high: 90 days, medium: 180 days".to_owned(),
        SECURITY_ADDRESS.to_owned(),
    ] {
        assert!(
            words.contains(&expected),
            "{expected:?} is missing:\n{words}"
        );
    }
    // Counted from the letter, which may have been written in a later minute.
    let next_word = |late| {
        shown(civil_days(
            Berlin,
            received_at + TimeDelta::minutes(late),
            14,
        ))
    };
    assert!(
        (0..5).any(|late| words.contains(&next_word(late))),
        "{words}"
    );
    let without_spaces: String = words.split_whitespace().collect();
    assert!(
        without_spaces.contains(&office.setup.fingerprint),
        "{words}"
    );
    // A shorter word, like SQL, stands in the key's random base64 by chance.
    for theirs in [
        "Quokka",
        "quokka",
        "wombat",
        "injection",
        "every row",
        "Alice",
    ] {
        assert!(!holds(&receipt.raw, theirs), "{theirs} is quoted:\n{words}");
    }

    office.verify_audit();
    assert!(daemon.stop().success(), "{}", daemon.log());
    office.holds_nowhere(&["Quokka", "wombat", "id=1'--"]);
    let log = daemon.log();
    assert!(
        log.contains("DEBUG"),
        "the log is not at its most talkative"
    );
    assert!(!log.contains("correct horse"), "a password in the log");
}

#[track_caller]
fn check_promises(case: &Value, received_at: DateTime<Utc>) {
    let acknowledge = deadline(case, "acknowledge");
    let met_at = instant(&acknowledge["met_at"]);
    assert!(received_at <= met_at && met_at <= Utc::now(), "{case:#}");
    assert_eq!(
        due(case, "acknowledge"),
        business_hours(Berlin, received_at, 48, is_working_day)
    );
    assert_eq!(due(case, "triage"), civil_days(Berlin, received_at, 7));
    // Each word to the reporter starts it anew.
    assert_eq!(due(case, "update"), civil_days(Berlin, met_at, 14));
    let kinds: BTreeSet<String> = array(&case["deadlines"])
        .iter()
        .map(|deadline| text(&deadline["kind"]).to_owned())
        .collect();
    assert_eq!(
        kinds,
        ["acknowledge", "triage", "update"]
            .map(str::to_owned)
            .into()
    );
    for kind in ["triage", "update"] {
        assert_eq!(deadline(case, kind)["state"], "running");
        assert!(deadline(case, kind)["met_at"].is_null());
    }
}

#[track_caller]
fn check_list_fields(case: &Value, reporter: &str) {
    assert_eq!(case["status"], "new");
    assert_eq!(case["kind"], "report");
    assert_eq!(case["labels"], Value::Array(Vec::new()));
    for absent in ["severity", "assignee", "duplicate_of"] {
        assert_eq!(case.get(absent), Some(&Value::Null), "{absent}");
    }
    assert!(case.get("suggested_severity").is_some());
    assert_eq!(case["reporter"]["name"], "Alice");
    assert_eq!(case["reporter"]["email"], reporter);
    assert_eq!(case["subject"], "Quokka in your login page");
    assert_eq!(case["messages"], 2);
    for time in [&case["received_at"], &case["deadlines"][0]["due_at"]] {
        assert!(text(time).ends_with('Z'), "{time} is not in UTC");
    }
}

#[track_caller]
fn check_details(case: &Value, theirs: &str, ours: &str) {
    let messages = array(&case["messages"]);
    let [incoming, outgoing] = messages.as_slice() else {
        panic!("{messages:#?}");
    };
    for (message, direction, message_id) in [(incoming, "in", theirs), (outgoing, "out", ours)] {
        assert_eq!(message["direction"], direction);
        assert_eq!(
            text(&message["message_id"]).trim_matches(['<', '>']),
            message_id.trim_matches(['<', '>'])
        );
        assert_eq!(message["encrypted"], false);
        assert_eq!(message["signatures"], Value::Array(Vec::new()));
        assert_eq!(message["attachments"], Value::Array(Vec::new()));
        for field in ["from", "to", "date", "subject", "decrypted", "text"] {
            assert!(message.get(field).is_some(), "{field} in {message:#}");
        }
    }
    assert!(text(&incoming["text"]).contains("wombat"));
    assert_eq!(incoming["to"][0], SECURITY_ADDRESS);
    assert_eq!(outgoing["from"], SECURITY_ADDRESS);
    let events = array(&case["events"]);
    for event in &events {
        for field in ["at", "actor", "action", "detail"] {
            assert!(event.get(field).is_some(), "{field} in {event:#}");
        }
    }
    let actions: Vec<&str> = events.iter().map(|event| text(&event["action"])).collect();
    assert_eq!(actions.first(), Some(&"opened"), "{actions:?}");
    assert!(actions.len() >= 2, "{actions:?}");
}

#[test]
fn the_deadline_is_met_when_the_server_has_accepted_and_not_before() {
    let servers = Servers::shared();
    let office = servers.office();
    let alice = servers.person("Alice");
    let sink = Sink::start(Behaviour::Stall(Stage::Dot));
    office.setup.send_through(&sink);
    let _daemon = office.open();

    alice.send(&office, &alice.letter("A finding").plain(&report("/a")));
    wait_until("the final dot", SOON, || sink.received().len() == 1);
    let before = office.cases().remove(0);
    let acknowledge = deadline(&before, "acknowledge");
    assert_eq!(acknowledge["state"], "running", "{before:#}");
    assert!(acknowledge["met_at"].is_null(), "{before:#}");
    assert_eq!(
        due(&before, "update"),
        civil_days(Berlin, instant(&before["received_at"]), 14)
    );

    let accepted_at = Utc::now();
    sink.behave(Behaviour::Accept);
    wait_until("a met deadline", SOON, || {
        deadline(&office.cases()[0], "acknowledge")["state"] == "met"
    });
    let met_at = instant(&deadline(&office.cases()[0], "acknowledge")["met_at"]);
    assert!(met_at.timestamp() >= accepted_at.timestamp());
    assert_eq!(sink.received().len(), 1);
    assert_eq!(sink.received()[0].mail_from, "");
}

#[test]
fn old_mail_is_recorded_at_the_first_start_and_answered_when_a_person_says_so() {
    let servers = Servers::shared();
    let office = servers.office();
    let people: Vec<_> = (0..4).map(|_| servers.person("Alice")).collect();
    let policy = std::fs::read_to_string(office.setup.file("policy.toml")).expect("a policy");
    let policy = policy.replace("\"2026-12-25\"", "\"2026-12-25\", \"2026-05-14\"");
    office.setup.write("policy.toml", &policy);

    // Received; 48 business hours later; 7 days later: by hand, from the contract's words.
    let rows = [
        // Friday afternoon: the weekend stands still.
        (
            "2026-05-08T13:00:07Z",
            "2026-05-12T13:00:07Z",
            "2026-05-15T13:00:07Z",
        ),
        // Saturday: Monday and Tuesday, to the end of the day.
        (
            "2026-05-09T10:00:00Z",
            "2026-05-12T22:00:00Z",
            "2026-05-16T10:00:00Z",
        ),
        // Summer time begins in between: the same time on the wall.
        (
            "2026-03-27T15:30:00Z",
            "2026-03-31T14:30:00Z",
            "2026-04-03T14:30:00Z",
        ),
        // A holiday on Thursday.
        (
            "2026-05-13T18:00:00Z",
            "2026-05-18T18:00:00Z",
            "2026-05-20T18:00:00Z",
        ),
    ];
    for (number, (person, (received_at, _, _))) in people.iter().zip(rows).enumerate() {
        let mail = person
            .letter("An old finding")
            .plain(&report(&format!("page {number}")));
        office.deliver("INBOX", &mail, at(received_at));
    }
    let daemon = office.open();
    office.wait_for_mails("Triaged", 4);
    let log = daemon.log();
    let notice = log
        .lines()
        .find(|line| line.contains("first_start"))
        .unwrap_or_else(|| panic!("{log}"));
    assert!(notice.contains("mails=4"), "{notice}");
    assert!(notice.contains("triaged case acknowledge"), "{notice}");

    for (person, (received_at, acknowledge, triage)) in people.iter().zip(rows) {
        let case = office.case_of(person);
        assert_eq!(instant(&case["received_at"]), at(received_at));
        assert_eq!(due(&case, "acknowledge"), at(acknowledge), "{received_at}");
        assert_eq!(due(&case, "triage"), at(triage), "{received_at}");
        assert_eq!(deadline(&case, "acknowledge")["state"], "missed");
        assert_eq!(array(&case["messages"]).len(), 1, "{case:#}");
    }
    assert_eq!(office.letters_sent(), 0);

    let id = text(&office.case_of(&people[1])["id"]).to_owned();
    let output = office.setup.cli(&["case", "acknowledge", &id]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(people[1].answer().case(), id);
    wait_until("a late deadline", SOON, || {
        deadline(&office.case_of(&people[1]), "acknowledge")["state"] == "late"
    });
    let again = office.setup.cli(&["case", "acknowledge", &id]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");

    let bob = servers.person("Bob");
    bob.send(&office, &bob.letter("A new finding").plain(&report("/new")));
    assert_ne!(bob.answer().case(), id);

    let output = office.setup.cli(&["case", "acknowledge", "--unanswered"]);
    assert!(output.status.success(), "{output:?}");
    for person in &people {
        person.answer();
    }
    assert_eq!(office.letters_sent(), 5);
    office.verify_audit();
}

#[test]
fn where_the_empty_sender_is_refused_the_receipt_goes_from_our_address() {
    let dovecot = Dovecot::start();
    dovecot.add_user(SECURITY_ADDRESS, SECURITY_PASSWORD);
    dovecot.add_user("alice@research.test", "researcher");
    let options = PostfixOptions {
        refuse_null_sender: true,
    };
    let postfix = Postfix::start_with(&dovecot, options);
    let setup = Setup::new(&dovecot, &postfix);
    let letter = Letter::new("Alice <alice@research.test>", SECURITY_ADDRESS, "XSS");
    dovecot.deliver(
        SECURITY_ADDRESS,
        "INBOX",
        &letter.plain(&report("/a")),
        Utc::now(),
    );
    let _daemon = setup.run();
    let inbox = || dovecot.mails("alice@research.test", "INBOX");
    wait_until("the receipt", SOON, || inbox().len() == 1);
    let receipt = Answer::read(inbox().remove(0));
    assert_eq!(
        receipt.header("Return-Path"),
        format!("<{SECURITY_ADDRESS}>")
    );
    assert_eq!(receipt.header("Auto-Submitted"), "auto-replied");
    wait_until("a met deadline", SOON, || {
        let cases = array(&setup.json(&["case", "list"]));
        deadline(&cases[0], "acknowledge")["state"] == "met"
    });
}
