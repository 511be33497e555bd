//! Deadlines as rows: pauses, waivers, what was told of them, and the calendar they stand in.

use chrono::{Duration, TimeZone};

use super::*;
use crate::store::Store;
use crate::store::audit::Actor;
use crate::store::cases::NewCase;
use crate::triage::case::{CaseState, CloseReason, Closure, Status};
use crate::triage::deadline::{open_deadlines, remediate, restart_update};
use crate::triage::decide::CaseRef;
use crate::triage::policy::{AcknowledgedBy, Deadlines, Remediate, Severity};

/// Monday, 4 May 2026, 12:00 in Berlin.
fn monday() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 4, 10, 0, 0).unwrap()
}

fn policy() -> Policy {
    Policy {
        version: "1".to_owned(),
        calendar: Calendar {
            zone: chrono_tz::Europe::Berlin,
            working: [true, true, true, true, true, false, false],
            holidays: ["2026-05-14".parse().unwrap()].into(),
        },
        quiet_hours: None,
        deadlines: Deadlines {
            acknowledge: Some(Span::BusinessHours(48)),
            acknowledged_by: AcknowledgedBy::Reply,
            triage: Some(Span::BusinessDays(10)),
            update: Some(Span::Days(14)),
            remediate: Remediate {
                high: Some(Span::Hours(30 * 24)),
                ..Remediate::default()
            },
            disclose_after_fix: None,
            early_warning: Some(Span::Hours(24)),
            notification: None,
            final_report: None,
        },
        url: None,
        terms: Default::default(),
    }
}

/// A database with one case of Monday, and its deadlines, remediation among them.
fn with_case<T>(work: impl FnOnce(&Tx<'_>, i64) -> Result<T>) -> T {
    let store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            let new = NewCase {
                kind: "report",
                reporter_name: None,
                reporter_email: Some("r@research.test"),
                subject: "XSS",
                received_at: monday(),
                opened_at: monday(),
                suggested_severity: None,
                unanswered: None,
                robot: None,
                language: None,
                missing: &[],
            };
            let case = tx.open_case(&new, &policy())?;
            let deadlines = open_deadlines(&policy(), monday(), Some(Severity::High));
            tx.set_deadlines(case.id, &deadlines, &policy())?;
            work(tx, case.id)
        })
        .unwrap()
}

fn one(tx: &Tx<'_>, case: i64, kind: DeadlineKind, now: DateTime<Utc>) -> DeadlineView {
    let all = tx.deadlines_of(case, now).unwrap();
    all.into_iter()
        .find(|view| view.kind == kind.as_str())
        .unwrap()
}

#[track_caller]
fn check(tx: &Tx<'_>, case: i64, now: DateTime<Utc>, expected: &[(&str, &str, &str)]) {
    let views = tx.deadlines_of(case, now).unwrap();
    let found: Vec<(&str, &str, &str)> = views
        .iter()
        .map(|view| (view.kind.as_str(), view.state, view.due.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_stands_still_and_what_does_not() {
    with_case(|tx, case| {
        let acknowledge = ("acknowledge", "running", "Wednesday 6 May 2026, 12:00 CEST");
        check(
            tx,
            case,
            monday(),
            &[
                acknowledge,
                ("triage", "running", "Tuesday 19 May 2026, 12:00 CEST"),
                ("update", "running", "Monday 18 May 2026, 12:00 CEST"),
                ("remediate", "running", "Wednesday 3 June 2026, 12:00 CEST"),
            ],
        );
        let tuesday = monday() + Duration::days(1);
        assert!(tx.pause(case, tuesday)?);
        assert!(!tx.pause(case, tuesday)?, "it is paused already");
        assert_eq!(tx.paused_since(case)?, Some(tuesday));
        let late = monday() + Duration::days(200);
        let views = tx.deadlines_of(case, late)?;
        let states: Vec<&str> = views.iter().map(|view| view.state).collect();
        assert_eq!(states, ["missed", "paused", "paused", "paused"]);
        assert!(
            views[1]
                .why
                .ends_with("14 May is a holiday; paused since Tue 5 May 2026 12:00 CEST"),
            "{}",
            views[1].why
        );

        // Saturday 16 May.
        let saturday = monday() + Duration::days(12);
        assert!(tx.resume(case, saturday)?);
        assert!(!tx.resume(case, saturday)?, "nothing is paused");
        check(
            tx,
            case,
            monday() + Duration::days(1),
            &[
                acknowledge,
                // Nine of ten days were left: from Monday 18 May on, the ninth ends at 24:00.
                ("triage", "running", "Thursday 28 May 2026, 24:00 CEST"),
                ("update", "running", "Friday 29 May 2026, 12:00 CEST"),
                ("remediate", "running", "Sunday 14 June 2026, 12:00 CEST"),
            ],
        );
        let why = one(tx, case, DeadlineKind::Update, saturday).why;
        assert_eq!(
            why,
            "14 days from Mon 4 May 2026 12:00 CEST; paused from Tue 5 May 2026 12:00 CEST \
             to Sat 16 May 2026 12:00 CEST"
        );
        Ok(())
    });
}

#[test]
fn what_was_missed_before_a_pause_stays_missed() {
    with_case(|tx, case| {
        let later = monday() + Duration::days(16);
        tx.pause(case, later)?;
        assert_eq!(one(tx, case, DeadlineKind::Update, later).state, "missed");
        assert_eq!(
            one(tx, case, DeadlineKind::Remediate, later).state,
            "paused"
        );
        tx.resume(case, later + Duration::days(3))?;
        let update = one(tx, case, DeadlineKind::Update, later);
        assert_eq!(update.due_at, monday() + Duration::days(14));
        assert_eq!(update.why, "14 days from Mon 4 May 2026 12:00 CEST");
        Ok(())
    });
}

#[test]
fn a_clock_that_starts_within_a_pause_waits_for_its_end() {
    with_case(|tx, case| {
        tx.pause(case, monday())?;
        let letter = monday() + Duration::hours(1);
        let update = restart_update(&policy(), letter).unwrap();
        tx.set_deadlines(case, &[update], &policy())?;
        let update = one(tx, case, DeadlineKind::Update, letter);
        assert_eq!((update.state, update.paused_at), ("paused", Some(letter)));
        let end = letter + Duration::days(30);
        tx.resume(case, end)?;
        let update = one(tx, case, DeadlineKind::Update, letter);
        assert_eq!(update.due_at, end + Duration::days(14));
        Ok(())
    });
}

#[test]
fn a_closed_case_has_nothing_open_but_the_clocks_of_the_law() {
    with_case(|tx, case| {
        let law = deadline::exploited(&policy(), monday());
        tx.set_deadlines(case, &law, &policy())?;
        tx.meet_deadline(case, DeadlineKind::Acknowledge, monday())?;
        tx.waive(case, DeadlineKind::Update, Waiver::Moot, monday())?;
        tx.waive_open_but(case, &[], monday())?;
        let states = |tx: &Tx<'_>| -> Vec<&'static str> {
            let views = tx.deadlines_of(case, monday()).unwrap();
            views.iter().map(|view| view.state).collect()
        };
        assert_eq!(states(tx), ["met", "waived", "waived", "waived", "running"]);
        assert_eq!(tx.unwaive(case)?.len(), 2);
        assert_eq!(
            states(tx),
            ["met", "running", "waived", "running", "running"]
        );
        Ok(())
    });
}

#[test]
fn a_pause_that_ended_while_the_case_was_closed_is_counted_out_all_the_same() {
    with_case(|tx, case| {
        tx.pause(case, monday())?;
        tx.waive_open_but(case, &[], monday())?;
        tx.resume(case, monday() + Duration::days(2))?;
        tx.unwaive(case)?;
        let update = one(tx, case, DeadlineKind::Update, monday());
        assert_eq!(update.due_at, monday() + Duration::days(16));
        assert_eq!(update.paused_at, None);
        Ok(())
    });
}

#[test]
fn a_deadline_is_explained_in_the_calendar_it_was_computed_in() {
    with_case(|tx, case| {
        let mut moved = policy();
        moved.version = "2".to_owned();
        moved.calendar.zone = chrono_tz::Asia::Kathmandu;
        moved.calendar.holidays.clear();
        let fix = remediate(&moved, monday(), Severity::High).unwrap();
        tx.set_deadlines(case, &[fix], &moved)?;
        let triage = one(tx, case, DeadlineKind::Triage, monday());
        assert_eq!(triage.policy_version, "1");
        assert_eq!(
            triage.why,
            "10 business days from Mon 4 May 2026 12:00 CEST; 14 May is a holiday"
        );
        let fix = one(tx, case, DeadlineKind::Remediate, monday());
        assert_eq!(fix.policy_version, "2");
        assert_eq!(fix.due, "Wednesday 3 June 2026, 15:45 UTC+05:45");
        let calendars: i64 =
            tx.0.query_row("SELECT count(*) FROM calendars", [], |row| row.get(0))?;
        assert_eq!(calendars, 2, "one that is known is not kept twice");
        Ok(())
    });
}

#[test]
fn what_is_not_due_any_more_will_be_told_when_it_is() {
    with_case(|tx, case| {
        let kind = DeadlineKind::Triage;
        let due_at = one(tx, case, kind, monday()).due_at;
        let told_at = due_at + Duration::hours(1);
        tx.set_told(case, kind, Threshold::Soon, due_at)?;
        tx.set_told(case, kind, Threshold::Missed, told_at)?;
        let missed = |now| {
            let due = tx.warnings_due(now).unwrap();
            due.iter().any(|warning| warning.deadline.kind == kind)
        };
        assert!(!missed(told_at));
        // Nobody worked on that day, as it turns out: it is due on another one.
        let mut changed = policy();
        let day = changed.calendar.date_of(due_at);
        changed.calendar.holidays.insert(day);
        let actor = Actor::Unix("alice".to_owned());
        tx.apply_policy(&changed, &actor, told_at)?;
        let moved = one(tx, case, kind, told_at).due_at;
        assert!(moved > told_at);
        assert!(!missed(moved));
        assert!(missed(moved + Duration::seconds(1)));
        // Another holiday long before changes nothing that was told.
        tx.set_told(case, kind, Threshold::Missed, moved + Duration::days(30))?;
        tx.apply_policy(&policy(), &actor, told_at)?;
        assert!(!missed(moved + Duration::days(31)));
        Ok(())
    });
}

#[test]
fn a_decision_that_is_promised_anew_is_promised_to_reports_that_wait() {
    with_case(|tx, case| {
        let actor = Actor::Unix("alice".to_owned());
        tx.0.execute("DELETE FROM deadlines WHERE kind = 'triage'", [])?;
        let count = || -> Result<i64> {
            let sql = "SELECT count(*) FROM deadlines WHERE case_id = ?1 AND kind = 'triage'";
            Ok(tx.0.query_row(sql, [case], |row| row.get(0))?)
        };
        tx.0.execute("UPDATE cases SET kind = 'diligence'", [])?;
        tx.apply_policy(&policy(), &actor, monday())?;
        assert_eq!(count()?, 0);
        tx.0.execute("UPDATE cases SET kind = 'question'", [])?;
        tx.apply_policy(&policy(), &actor, monday())?;
        assert_eq!(count()?, 1);
        Ok(())
    });
}

#[test]
fn a_policy_that_promises_the_clocks_of_the_law_anew_starts_them_on_closed_cases_too() {
    with_case(|tx, case| {
        let exploited = crate::triage::deadline::exploited(&policy(), monday());
        tx.set_deadlines(case, &exploited, &policy())?;
        let actor = Actor::Unix("alice".to_owned());
        let mut silent = policy();
        silent.deadlines.early_warning = None;
        tx.apply_policy(&silent, &actor, monday())?;
        let (kind, now) = (DeadlineKind::EarlyWarning, monday());
        assert_eq!(one(tx, case, kind, now).state, "waived");
        tx.waive_open_but(case, &[], now)?;
        let found = CaseRef {
            id: case,
            number: "SEC-2026-0001".to_owned(),
        };
        let closed = CaseState {
            status: Status::Closed,
            closure: Some(Closure {
                reason: CloseReason::Rejected,
                before: Status::New,
            }),
            exploited_at: Some(monday()),
            ..tx.case_state(&found, now)?
        };
        tx.save_case(case, &closed)?;
        let mut speaks = policy();
        speaks.deadlines.notification = Some(Span::Hours(72));
        tx.apply_policy(&speaks, &actor, now)?;
        assert_eq!(one(tx, case, kind, now).state, "running");
        assert_eq!(
            one(tx, case, DeadlineKind::Notification, now).state,
            "running"
        );
        assert_eq!(one(tx, case, DeadlineKind::Triage, now).state, "waived");
        Ok(())
    });
}
