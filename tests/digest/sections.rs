//! Each section, from a few cases that a person can count.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use triaged::mailbox::Lane;
use triaged::notices::board::Pressing;
use triaged::notices::digest::{self, Weekly};

use crate::board::{Office, mail, morning};

fn ago(days: i64) -> DateTime<Utc> {
    morning() - TimeDelta::days(days)
}

/// A report that came then and was acknowledged at once; its number.
fn reported(office: &Office, name: &str, at: DateTime<Utc>) -> String {
    let text = format!(
        "I found a vulnerability: the parameter {name} of https://{name}.example.test/ is \
         reflected without escaping.\r\nImpact: {name} can be taken over by any {name}."
    );
    let from = format!("{name}@research.test");
    let number = office.report(&mail(&from, &format!("About {name}"), "", &text, at), at);
    office.turn(at + TimeDelta::minutes(2));
    number
}

fn clocks(pressing: &[Pressing]) -> Vec<(&str, &str, &str)> {
    pressing
        .iter()
        .map(|it| (it.card.subject.as_str(), it.clock.as_str(), it.far.as_str()))
        .collect()
}

#[test]
fn what_is_due_by_the_end_of_the_next_working_day_needs_a_decision() {
    let office = Office::open();
    reported(&office, "alpha", ago(8));
    reported(&office, "beta", ago(6));
    reported(&office, "gamma", ago(4));
    reported(&office, "delta", ago(1));
    let board = office.board(Weekly::WhenDue, morning());
    assert_eq!(
        clocks(&board.decide),
        [
            ("About alpha", "triage", "24 hours ago"),
            ("About beta", "triage", "in 24 hours"),
        ]
    );
    assert_eq!((board.totals.decide, board.totals.missed), (2, 1));
    assert!(board.decide[0].is_missed && !board.decide[1].is_missed);
    assert_eq!(
        board.decide[0].commands,
        [
            "/accept",
            "/reject REASON",
            "/duplicate NUMBER",
            "/close REASON",
            "/needs-info TEXT"
        ]
    );
    assert_eq!(
        board.decide[0].card.last_word.as_deref(),
        Some("8 days ago")
    );
    // Eight of fourteen days, and four of seven.
    assert_eq!(
        clocks(&board.half_way),
        [
            ("About gamma", "triage", "in 3 days"),
            ("About alpha", "update", "in 6 days"),
        ]
    );
    assert_eq!(clocks(&board.due_soon), []);
    assert_eq!(board.open, 4);
    let text = digest::text(&board);
    assert!(text.contains("      /accept   /reject REASON"), "{text}");
    assert!(text.contains("To command, write /case NUMBER"), "{text}");
    // An observer gives none.
    let text = digest::text(&board.without_commands());
    assert!(text.contains("About alpha"), "{text}");
    assert!(
        !text.contains("/accept") && !text.contains("/case"),
        "{text}"
    );
}

#[test]
fn the_next_working_day_is_after_the_weekend_and_after_a_holiday() {
    let check = |now: DateTime<Utc>, due_by: &str, not_by: &str| {
        let office = Office::open();
        let came = |due: &str| -> DateTime<Utc> {
            let due: DateTime<Utc> = due.parse().expect("an instant");
            due - TimeDelta::days(7)
        };
        reported(&office, "inside", came(due_by));
        reported(&office, "outside", came(not_by));
        let board = office.board(Weekly::WhenDue, now);
        let of_triage = board.decide.iter().filter(|it| it.clock == "triage");
        let subjects: Vec<&str> = of_triage.map(|it| it.card.subject.as_str()).collect();
        assert_eq!(subjects, ["About inside"], "{now}");
    };
    let at = |day: u32| Utc.with_ymd_and_hms(2026, 6, day, 6, 0, 0).unwrap();
    // Friday: by the end of Monday.
    check(at(5), "2026-06-08T21:59:00Z", "2026-06-08T22:01:00Z");
    // Wednesday before a holiday: by the end of Friday.
    check(at(3), "2026-06-05T21:59:00Z", "2026-06-05T22:01:00Z");
    // Tuesday: by the end of Wednesday.
    check(at(2), "2026-06-03T21:59:00Z", "2026-06-03T22:01:00Z");
}

#[test]
fn eighty_percent_of_a_long_clock_are_due_soon() {
    let office = Office::open();
    let number = reported(&office, "alpha", ago(80));
    office.command(&number, "/severity high", ago(79));
    office.command(&number, "/accept", ago(79));
    office.turn(ago(79));
    office.command(&number, "/reply Nearly done.", ago(1));
    office.turn(ago(1));
    let board = office.board(Weekly::WhenDue, morning());
    assert_eq!(clocks(&board.decide), []);
    assert_eq!(
        clocks(&board.due_soon),
        [("About alpha", "remediate", "in 10 days")]
    );
    assert_eq!(board.due_soon[0].commands, ["/fixed DATE"]);
    assert_eq!(board.due_soon[0].card.severity.as_deref(), Some("high"));
}

#[test]
fn what_was_mailed_is_neither_new_nor_half_way_again() {
    let office = Office::open();
    reported(&office, "alpha", ago(4));
    reported(&office, "beta", morning() - TimeDelta::hours(5));
    let board = office.board(Weekly::WhenDue, morning());
    assert_eq!(board.half_way.len(), 1);
    assert_eq!(board.new.len(), 1, "since yesterday");
    assert!(board.week.is_some(), "the first of a week");
    office
        .store
        .write(|tx| digest::set_mailed(tx, &board))
        .expect("it was mailed");

    let evening = morning() + TimeDelta::hours(10);
    reported(&office, "gamma", evening - TimeDelta::hours(1));
    let board = office.board(Weekly::WhenDue, evening);
    assert_eq!(board.since, Some(morning()));
    assert_eq!(clocks(&board.half_way), []);
    let new: Vec<&str> = board.new.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(new, ["About gamma"]);
    assert!(board.week.is_none());
    assert!(office.board(Weekly::Always, evening).week.is_some());
    let sunday = morning() + TimeDelta::days(6);
    assert!(office.board(Weekly::WhenDue, sunday).week.is_none());
    let next = morning() + TimeDelta::days(7);
    assert!(office.board(Weekly::WhenDue, next).week.is_some());
}

#[test]
fn who_waits_and_who_is_quiet() {
    let office = Office::open();
    let asked = reported(&office, "alpha", ago(50));
    office.command(&asked, "/needs-info Which version?", ago(48));
    office.turn(ago(48));
    let questions = "As our vendor, please complete the attached vendor risk assessment \
                     questionnaire and send your ISO 27001 certificate.";
    let from = "risk@buyer.test";
    office.report(
        &mail(from, "Questionnaire", "", questions, ago(31)),
        ago(31),
    );
    office.turn(ago(31));
    let board = office.board(Weekly::WhenDue, morning());
    let waiting = &board.waiting[0];
    assert_eq!(board.totals.waiting, 1);
    assert_eq!(waiting.card.case, asked);
    assert_eq!(
        (waiting.since, waiting.far.as_str()),
        (ago(48), "48 days ago")
    );
    assert_eq!(board.totals.quiet, 1);
    assert_eq!(board.quiet[0].card.subject, "Questionnaire");
    assert_eq!(board.quiet[0].far, "31 days ago");
    // A day earlier nobody had been silent for long.
    let board = office.board(Weekly::WhenDue, ago(2));
    assert_eq!(board.totals.quiet, 0);
    // Who answers waits no more.
    let answer = mail(
        "alpha@research.test",
        &format!("Re: [{asked}]"),
        "",
        "It is version 2.",
        ago(1),
    );
    assert_eq!(office.receive(&answer, ago(1)), Some(asked));
    assert_eq!(office.board(Weekly::WhenDue, morning()).totals.waiting, 0);
}

#[test]
fn publications_to_come() {
    let office = Office::open();
    let fixed = reported(&office, "alpha", ago(60));
    office.command(&fixed, "/fixed 2026-05-20", ago(18));
    office.command(&fixed, "/disclose 2026-07-01", ago(17));
    let bare = reported(&office, "beta", ago(20));
    office.command(&bare, "/disclose 2026-06-20 short notice", ago(10));
    let board = office.board(Weekly::WhenDue, morning());
    let rows: Vec<_> = board
        .disclosures
        .iter()
        .map(|it| {
            (
                it.card.case.as_str(),
                it.on.to_string(),
                it.is_told,
                it.is_fixed,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (bare.as_str(), "2026-06-20".to_owned(), true, false),
            (fixed.as_str(), "2026-07-01".to_owned(), true, true),
        ]
    );
    assert_eq!(board.disclosures[0].far, "in 12 days");
    let text = digest::text(&board);
    assert!(
        text.contains("20 Jun 2026   in 12 days, NOT FIXED"),
        "{text}"
    );
}

#[test]
fn no_letter_is_offered_where_nobody_can_be_written_to() {
    let office = Office::open();
    let list = "List-Id: <bugs.lists.test>\r\nPrecedence: list\r\n";
    let text = "The parameter q of https://shop.example.test/ is reflected without escaping.";
    let from_list = mail("bugs@lists.test", "About alpha", list, text, ago(6));
    office.report(&from_list, ago(6));
    let board = office.board(Weekly::WhenDue, morning());
    let offered: Vec<(&str, Vec<&str>)> = board
        .decide
        .iter()
        .chain(&board.due_soon)
        .chain(&board.half_way)
        .map(|it| {
            let verbs = it.commands.iter().filter_map(|line| line.split(' ').next());
            (it.clock.as_str(), verbs.collect())
        })
        .collect();
    assert_eq!(
        offered,
        [
            ("acknowledge", vec!["/accept"]),
            ("triage", vec!["/accept", "/reject", "/duplicate", "/close"]),
        ]
    );
}

#[test]
fn noise_is_counted_and_nothing_vanishes() {
    let office = Office::open();
    reported(&office, "alpha", ago(5));
    office.was_mailed(ago(3));
    let away = |nth: usize| {
        let automatic = "Auto-Submitted: auto-replied\r\n";
        let text = format!("I am away, for the {nth}. time.");
        mail("alpha@research.test", "Away", automatic, &text, ago(2))
    };
    office.receive(&away(0), ago(4));
    for nth in 1..=12 {
        office.receive(&away(nth), ago(2));
    }
    let offer = "Cheap backlinks and guest posts, first page of Google.";
    let spam = mail("seo@ranks.test", "Offer\u{7}", "", offer, ago(1));
    assert_eq!(office.receive_in(Lane::Junk, &spam, ago(1)), None);
    let board = office.board(Weekly::WhenDue, morning());
    let kinds: Vec<(&str, usize)> = board
        .noise
        .kinds
        .iter()
        .map(|kind| (kind.what.as_str(), kind.count))
        .collect();
    assert_eq!(kinds, [("auto_reply", 12), ("spam", 1)]);
    assert_eq!(board.noise.total, 13);
    assert_eq!(board.noise.mails.len(), 13);
    assert_eq!(board.noise.mails[0].from.as_deref(), Some("seo@ranks.test"));
    let text = digest::text(&board);
    assert!(text.contains("  and 3 more\n"), "{text}");
    assert!(!text.contains('\u{7}'));
}

#[test]
fn what_is_committed_after_a_digest_stands_in_the_next_whatever_its_time() {
    let office = Office::open();
    reported(&office, "alpha", ago(1));
    let mailed = office.store.write(|tx| {
        let weekly = Weekly::WhenDue;
        let board = digest::gather(tx, &office.desk, crate::board::SILENCE, weekly, morning())?;
        digest::set_mailed(tx, &board)
    });
    mailed.expect("it was mailed");
    // Opened before the digest, and in its second; recorded after it.
    let seconds = |count| morning() - TimeDelta::seconds(count);
    reported(&office, "beta", seconds(20));
    reported(&office, "gamma", seconds(0));
    let away = mail(
        "alpha@research.test",
        "Away",
        "Auto-Submitted: auto-replied\r\n",
        "",
        seconds(3),
    );
    office.receive(&away, seconds(3));
    let armour = "-----BEGIN PGP MESSAGE-----\r\n\r\nd2hhdCBub2JvZHkgY2FuIHJlYWQ=\r\n\
                  -----END PGP MESSAGE-----\r\n";
    let unread = mail("zoe@research.test", "...", "", armour, seconds(3));
    office.report(&unread, seconds(3));
    let board = office.board(Weekly::WhenDue, morning() + TimeDelta::days(1));
    let new: Vec<&str> = board.new.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(new, ["About beta", "...", "About gamma"]);
    assert_eq!(board.totals.new, 3);
    assert_eq!((board.noise.total, board.noise.mails.len()), (1, 1));
    assert_eq!(board.totals.unreadable, 1);
}

#[test]
fn mails_and_letters_that_failed() {
    let office = Office::open();
    let armour = "-----BEGIN PGP MESSAGE-----\r\n\r\nd2hhdCBub2JvZHkgY2FuIHJlYWQ=\r\n\
                  -----END PGP MESSAGE-----\r\n";
    let unread = mail("zoe@research.test", "...", "", armour, ago(2));
    let unread = office.report(&unread, ago(2));
    let text = "I found a vulnerability: https://example.test/ runs any script. Impact: high.";
    for days in [16, 2] {
        let from = format!("rita{days}@gone.test");
        office.report(
            &mail(&from, "XSS", "", &format!("{days} {text}"), ago(days)),
            ago(days),
        );
        office.turn(ago(days));
    }
    office.was_mailed(ago(3));
    let board = office.board(Weekly::WhenDue, morning());
    assert_eq!(board.totals.unreadable, 1);
    assert_eq!(board.unreadable[0].case, unread);
    // Each is listed for two weeks, and counted for ever.
    assert_eq!(board.totals.letters, 1);
    assert_eq!(board.letters[0].state, "failed");
    assert_eq!(
        board.letters[0].last_error.as_deref(),
        Some("550 5.1.1 no such user")
    );
    assert_eq!(board.health.outbox.failed, 2);
    office.was_mailed(ago(1));
    assert_eq!(
        office.board(Weekly::WhenDue, morning()).totals.unreadable,
        0
    );
}

#[test]
fn an_empty_board_is_empty_until_something_is_wrong() {
    let office = Office::open();
    let now = morning();
    let board = office.board(Weekly::WhenDue, now);
    assert!(!digest::is_empty(&board), "the mailbox was never polled");
    assert_eq!(
        board.health.problems,
        ["the mailbox was never polled with success"]
    );
    office.is_well(now);
    let board = office.board(Weekly::WhenDue, now);
    assert_eq!(board.health.problems, Vec::<String>::new());
    assert_eq!(board.keys, Vec::<String>::new());
    assert!(digest::is_empty(&board));
    assert_eq!(
        digest::notice(&board).subject,
        "Digest of the week: nothing open"
    );
    assert!(digest::text(&board).contains("Nothing is open."));

    let later = now + TimeDelta::days(3);
    let problems = office.board(Weekly::WhenDue, later).health.problems;
    assert_eq!(
        problems,
        [
            "the last good poll of the mailbox was 3 days ago",
            "the mailbox was last compared with our records 3 days ago; it should be daily",
        ]
    );
}

#[test]
fn keys_that_expire_are_named_and_so_are_members_without() {
    let office = Office::open();
    // Eleven years from the beginning of the year before.
    let end = morning() + TimeDelta::days(11 * 365 - 400);
    let board = office.board(Weekly::WhenDue, end - TimeDelta::days(20));
    assert_eq!(board.keys.len(), 3, "{:?}", board.keys);
    assert!(board.keys.iter().all(|line| line.contains("(in 20 days)")));
    let board = office.board(Weekly::WhenDue, end + TimeDelta::days(1));
    let unusable = board
        .keys
        .iter()
        .filter(|line| line.contains("mail cannot be encrypted to this member"));
    assert_eq!(unusable.count(), 2, "{:?}", board.keys);
}

#[test]
fn lists_are_bounded_and_say_how_many_there_are() {
    let office = Office::open();
    for nth in 0..104 {
        let text = format!("I found a vulnerability in part {nth}; steps to reproduce: {nth}.");
        let from = format!("finder{nth}@research.test");
        let subject = format!("Weakness {nth}");
        let at = morning() - TimeDelta::hours(9);
        office.report(&mail(&from, &subject, "", &text, at), at);
    }
    let board = office.board(Weekly::WhenDue, morning());
    assert_eq!((board.new.len(), board.totals.new), (100, 104));
    let text = digest::text(&board);
    assert!(text.contains("New since yesterday (104)"), "{text}");
    assert!(text.contains("  and 74 more\n"), "{text}");
    assert_eq!(board.open, 104);
    assert_eq!(board.pictures.open_by_age[0].counts[0], 104);
}
