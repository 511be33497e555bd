//! The numbers of the week and of the promises, from cases that a person can count.

use chrono::{DateTime, TimeDelta, Utc};
use triaged::notices::board::{Week, WeekCounts};
use triaged::notices::digest::Weekly;

use crate::board::{Office, date, mail, morning};

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}:00Z").parse().expect("an instant")
}

/// A report that came then and was acknowledged two minutes later; its number.
fn reported(office: &Office, name: &str, came: DateTime<Utc>) -> String {
    let text = format!(
        "I found a vulnerability: the parameter {name} of https://{name}.example.test/ is \
         reflected without escaping.\r\nImpact: {name} can be taken over by any {name}."
    );
    let from = format!("{name}@research.test");
    let number = office.report(
        &mail(&from, &format!("About {name}"), "", &text, came),
        came,
    );
    office.turn(came + TimeDelta::minutes(2));
    number
}

fn decided(office: &Office, number: &str, command: &str, at: DateTime<Utc>) {
    office.command(number, command, at);
    office.turn(at);
}

fn week(office: &Office) -> Week {
    let board = office.board(Weekly::Always, morning());
    board.week.expect("the numbers of the week")
}

fn kept(week: &Week) -> Vec<(&str, usize, usize)> {
    week.kept
        .iter()
        .map(|it| (it.clock.as_str(), it.due, it.met))
        .collect()
}

/// From Monday, 1 June, to Sunday, 7 June; the twelve weeks began on 16 March.
#[test]
fn the_seven_numbers() {
    let office = Office::open();
    // Before the twelve weeks, accepted, and still open.
    let old = reported(&office, "old", at("02-20T06:00"));
    decided(&office, &old, "/accept", at("02-22T06:00"));
    // Within them; fixed ten days after receipt, which was midnight in Berlin.
    let fixed = reported(&office, "fixed", at("05-19T22:00"));
    decided(&office, &fixed, "/accept", at("05-23T22:00"));
    // Nobody decided on it.
    reported(&office, "left", at("05-20T06:00"));
    decided(&office, &fixed, "/fixed 2026-05-30", at("05-30T08:00"));
    // In the week.
    let first = reported(&office, "first", at("06-02T06:00"));
    decided(&office, &first, "/accept", at("06-03T06:00"));
    let none = reported(&office, "none", at("06-03T07:00"));
    let spam = reported(&office, "spam", at("06-03T08:00"));
    decided(&office, &spam, "/spam", at("06-03T09:00"));
    let second = reported(&office, "second", at("06-04T06:00"));
    let known = format!("/duplicate {first}");
    decided(&office, &second, &known, at("06-04T18:00"));
    decided(&office, &none, "/reject It is meant so.", at("06-05T07:00"));
    let questions = "As our vendor, please complete the attached vendor risk assessment \
                     questionnaire and send your ISO 27001 certificate.";
    let came = at("06-05T08:00");
    office.report(
        &mail("risk@buyer.test", "Questionnaire", "", questions, came),
        came,
    );

    let week = week(&office);
    assert_eq!(
        (week.from, week.until),
        (date(2026, 6, 1), date(2026, 6, 7))
    );
    assert_eq!(week.since, date(2026, 3, 16));
    // first, none, second; and fixed, left.
    assert_eq!((week.reports, week.reports_in_twelve_weeks), (3, 5));
    // first; and fixed.
    assert_eq!((week.valid, week.valid_in_twelve_weeks), (1, 2));
    // first, old.
    assert_eq!((week.open, week.open_over_90_days), (2, 1));
    // fixed 4 days, first 1, none 2, second a half.
    assert_eq!(week.days_to_validate, Some(1.5));
    assert_eq!(week.days_to_remediate, Some(10.0));
    // Two minutes each.
    assert_eq!(week.days_to_first_response, Some(0.0014));

    // acknowledge: of fixed, left and first; the others are due on Monday or later.
    // triage: fixed, and left missed it on 27 May.
    // update: fixed was told on 24 and 30 May, left was due on 3 June.
    assert_eq!(
        kept(&week),
        [("acknowledge", 3, 3), ("triage", 2, 1), ("update", 3, 2)]
    );
    assert_eq!(week.kept[1].percent(), Some(50));

    let weeks = office.board(Weekly::WhenDue, morning()).pictures.weeks;
    assert_eq!(weeks.len(), 12);
    assert_eq!(weeks[0].week, date(2026, 3, 23));
    let of = |monday| {
        let week = weeks.iter().find(|week| week.week == monday);
        week.cloned().expect("a week")
    };
    let counts = |month, day, arrivals, met, missed| WeekCounts {
        week: date(2026, month, day),
        arrivals,
        met,
        missed,
    };
    assert_eq!(of(date(2026, 5, 18)), counts(5, 18, 2, 2, 0));
    assert_eq!(of(date(2026, 5, 25)), counts(5, 25, 0, 1, 1));
    assert_eq!(of(date(2026, 6, 1)), counts(6, 1, 5, 3, 1));
    // Rejected and receipt of none and spam are due this morning and later: not over.
    assert_eq!(of(date(2026, 6, 8)).arrivals, 0);
}

#[test]
fn without_cases_there_are_no_medians() {
    let week = week(&Office::open());
    assert_eq!((week.reports, week.valid, week.open), (0, 0, 0));
    assert_eq!(week.days_to_validate, None);
    assert_eq!(week.days_to_remediate, None);
    assert_eq!(week.days_to_first_response, None);
    assert_eq!(week.kept, []);
}

#[test]
fn a_promise_that_was_broken_stays_so_whatever_becomes_of_the_case() {
    let office = Office::open();
    // Triage was due on 27 May, update on 3 June.
    let spam = reported(&office, "spam", at("05-20T06:00"));
    decided(&office, &spam, "/spam", at("06-04T06:00"));
    let late = reported(&office, "late", at("05-20T06:00"));
    decided(&office, &late, "/accept", at("06-04T06:00"));
    // Decided before anything was due: what closing waived was no broken promise.
    let soon = reported(&office, "soon", at("05-20T06:00"));
    decided(&office, &soon, "/reject It is meant so.", at("05-21T06:00"));
    // Time stands still, and with it what was promised.
    let asked = reported(&office, "asked", at("05-20T06:00"));
    decided(
        &office,
        &asked,
        "/needs-info Which version?",
        at("05-21T06:00"),
    );
    assert_eq!(
        kept(&week(&office)),
        [("acknowledge", 4, 4), ("triage", 3, 1), ("update", 2, 0)]
    );
}

#[test]
fn a_word_that_came_back_kept_no_promise() {
    let office = Office::open();
    let number = reported(&office, "alpha", at("05-10T06:00"));
    decided(
        &office,
        &number,
        "/reply We look into it.",
        at("05-20T06:00"),
    );
    let updates = |office: &Office| {
        let week = week(office);
        let mut of_update = week.kept.into_iter().filter(|it| it.clock == "update");
        of_update.next().map(|kept| (kept.due, kept.met))
    };
    // Of 24 May; the next was due on 3 June.
    assert_eq!(updates(&office), Some((2, 1)));
    let letter = office.last_message_id(&number);
    let bounce = format!(
        "From: Mail Delivery System <mailer-daemon@mx.test>\r\nTo: security@example.test\r\n\
         Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n\
         Message-ID: <bounce@mx.test>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\n\r\nno such user\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n\
         Final-Recipient: rfc822; alpha@research.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\
         --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{letter}>\r\n\r\n--b--\r\n"
    );
    office.receive(bounce.as_bytes(), at("05-20T07:00"));
    // The one of 24 May runs on, and is missed.
    assert_eq!(updates(&office), Some((1, 0)));
}
