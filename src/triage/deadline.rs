//! The deadlines that the policy promises for a case, and how they stand.
//!
//! Pure: takes `now`. Instants are UTC, in whole seconds. A deadline whose span
//! is absent from the policy does not exist, and no case lists it.

use chrono::{DateTime, Utc};

use super::calendar::{Calendar, Pause};
use super::policy::{Deadline, DeadlineKind, Policy, Severity, Span};

/// What a new case was promised at receipt; remediation once its severity is known.
pub fn open_deadlines(
    policy: &Policy,
    received_at: DateTime<Utc>,
    severity: Option<Severity>,
) -> Vec<Deadline> {
    let promised = &policy.deadlines;
    let at_receipt = [
        (DeadlineKind::Acknowledge, promised.acknowledge),
        (DeadlineKind::Triage, promised.triage),
        (DeadlineKind::Update, promised.update),
    ];
    at_receipt
        .into_iter()
        .filter_map(|(kind, span)| deadline(policy, kind, span, received_at))
        .chain(severity.and_then(|severity| remediate(policy, received_at, severity)))
        .collect()
}

/// The silence allowed from a word to the reporter on.
pub fn restart_update(policy: &Policy, from: DateTime<Utc>) -> Option<Deadline> {
    deadline(policy, DeadlineKind::Update, policy.deadlines.update, from)
}

/// Runs from receipt, whenever the severity was set.
pub fn remediate(
    policy: &Policy,
    received_at: DateTime<Utc>,
    severity: Severity,
) -> Option<Deadline> {
    let span = policy.deadlines.remediate.for_severity(severity);
    deadline(policy, DeadlineKind::Remediate, span, received_at)
}

/// Runs from the day on which the fix shipped.
pub fn disclose(policy: &Policy, fixed_at: DateTime<Utc>) -> Option<Deadline> {
    let span = policy.deadlines.disclose_after_fix;
    deadline(policy, DeadlineKind::Disclose, span, fixed_at)
}

/// The clocks that start when exploitation became known (EU Cyber Resilience
/// Act, Article 14): early warning and notification.
pub fn exploited(policy: &Policy, known_at: DateTime<Utc>) -> Vec<Deadline> {
    let promised = &policy.deadlines;
    [
        (DeadlineKind::EarlyWarning, promised.early_warning),
        (DeadlineKind::Notification, promised.notification),
    ]
    .into_iter()
    .filter_map(|(kind, span)| deadline(policy, kind, span, known_at))
    .collect()
}

/// The final report on an exploited vulnerability, from the day on which the fix shipped.
pub fn final_report(policy: &Policy, fixed_at: DateTime<Utc>) -> Option<Deadline> {
    let span = policy.deadlines.final_report;
    deadline(policy, DeadlineKind::FinalReport, span, fixed_at)
}

fn deadline(
    policy: &Policy,
    kind: DeadlineKind,
    span: Option<Span>,
    starts_at: DateTime<Utc>,
) -> Option<Deadline> {
    span.map(|span| computed(kind, span, starts_at, &policy.calendar, &[]))
}

/// A deadline in a calendar. `pauses`: of its case; they concern some kinds alone.
pub fn computed(
    kind: DeadlineKind,
    span: Span,
    starts_at: DateTime<Utc>,
    calendar: &Calendar,
    pauses: &[Pause],
) -> Deadline {
    let pauses = if kind.pauses() { pauses } else { &[] };
    let timing = calendar.timing(starts_at, span, pauses);
    Deadline {
        kind,
        span,
        starts_at,
        due_at: timing.due_at,
        half_at: timing.half_at,
        warn_at: timing.warn_at,
        paused_at: timing.paused_at,
    }
}

/// Why a deadline falls where it does, its pauses included:
/// `7 days from Fri 5 Jun 2026 16:12 CEST; paused from Mon 8 Jun 2026 10:00 CEST to …`.
pub fn explain(deadline: &Deadline, calendar: &Calendar, pauses: &[Pause]) -> String {
    let (starts_at, due_at) = (deadline.starts_at, deadline.due_at);
    let mut words = calendar.explain(starts_at, deadline.span, due_at);
    let counts = |pause: &&Pause| {
        let is_over_before = pause.until.is_some_and(|until| until <= starts_at);
        deadline.kind.pauses() && !is_over_before && pause.from < due_at
    };
    for pause in pauses.iter().filter(counts) {
        words.push_str(&calendar.explain_pause(pause));
    }
    words
}

/// May the team be told of such a deadline now? What stands still at night and on days that are
/// not worked waits for the morning; a clock that runs through does not.
pub fn may_be_told(policy: &Policy, span: Span, now: DateTime<Utc>) -> bool {
    !span.is_business()
        || !policy.is_quiet(now) && policy.calendar.is_working_day(policy.calendar.date_of(now))
}

/// How a deadline stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadlineState {
    Running,
    Paused,
    Met,
    /// Met after it was due.
    Late,
    /// Due, and not met to this moment.
    Missed,
    Waived,
}

impl DeadlineState {
    pub const ALL: [Self; 6] = [
        Self::Running,
        Self::Paused,
        Self::Met,
        Self::Late,
        Self::Missed,
        Self::Waived,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Met => "met",
            Self::Late => "late",
            Self::Missed => "missed",
            Self::Waived => "waived",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Is it over, whatever happens now? A missed one is not: it can still be met late.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Met | Self::Late | Self::Waived => true,
            Self::Running | Self::Paused | Self::Missed => false,
        }
    }
}

/// What is met at the very instant is met; what is unmet a moment later is missed.
///
/// While a deadline is paused it cannot be missed: whoever pauses one that
/// already was, hides it.
pub fn state(
    due_at: DateTime<Utc>,
    met_at: Option<DateTime<Utc>>,
    waived: bool,
    paused: bool,
    now: DateTime<Utc>,
) -> DeadlineState {
    match met_at {
        _ if waived => DeadlineState::Waived,
        Some(met_at) if met_at <= due_at => DeadlineState::Met,
        Some(_) => DeadlineState::Late,
        None if paused => DeadlineState::Paused,
        None if now > due_at => DeadlineState::Missed,
        None => DeadlineState::Running,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::triage::calendar::Calendar;
    use crate::triage::policy::{AcknowledgedBy, Deadlines, Remediate};

    fn policy() -> Policy {
        Policy {
            version: "1".to_owned(),
            calendar: Calendar {
                zone: chrono_tz::Tz::Europe__Berlin,
                working: [true, true, true, true, true, false, false],
                holidays: BTreeSet::new(),
            },
            quiet_hours: None,
            url: None,
            terms: Default::default(),
            deadlines: Deadlines {
                acknowledge: Some(Span::BusinessHours(48)),
                acknowledged_by: AcknowledgedBy::Reply,
                triage: Some(Span::Days(7)),
                update: None,
                remediate: Remediate {
                    high: Some(Span::Days(90)),
                    ..Remediate::default()
                },
                disclose_after_fix: Some(Span::Days(90)),
                early_warning: Some(Span::Hours(24)),
                notification: None,
                final_report: Some(Span::Days(14)),
            },
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(deadlines: impl IntoIterator<Item = Deadline>, expected: &[(&str, &str)]) {
        let found: Vec<(&str, String)> = deadlines
            .into_iter()
            .map(|one| (one.kind.as_str(), one.due_at.format("%FT%TZ").to_string()))
            .collect();
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(kind, due)| (*kind, due.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_new_case_has_what_the_policy_promises() {
        let received_at = at("2026-06-05T13:00:00Z");
        let first = [
            ("acknowledge", "2026-06-09T13:00:00Z"),
            ("triage", "2026-06-12T13:00:00Z"),
        ];
        check(open_deadlines(&policy(), received_at, None), &first);
        let low = Some(Severity::Low);
        check(open_deadlines(&policy(), received_at, low), &first);
        let high = Some(Severity::High);
        let remediate = ("remediate", "2026-09-03T13:00:00Z");
        check(
            open_deadlines(&policy(), received_at, high),
            &[first[0], first[1], remediate],
        );
    }

    #[test]
    fn clocks_that_start_later() {
        let from = at("2026-06-05T13:00:00Z");
        check(restart_update(&policy(), from), &[]);
        let mut chatty = policy();
        chatty.deadlines.update = Some(Span::Days(14));
        check(
            restart_update(&chatty, from),
            &[("update", "2026-06-19T13:00:00Z")],
        );
        check(
            disclose(&policy(), from),
            &[("disclose", "2026-09-03T13:00:00Z")],
        );
        check(
            exploited(&policy(), from),
            &[("early_warning", "2026-06-06T13:00:00Z")],
        );
        check(
            final_report(&policy(), from),
            &[("final_report", "2026-06-19T13:00:00Z")],
        );
    }

    #[test]
    fn how_a_deadline_stands() {
        const DUE: i64 = 1_000;
        #[track_caller]
        fn check(met: Option<i64>, waived: bool, paused: bool, now: i64, expected: &str) {
            let instant = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
            let found = state(instant(DUE), met.map(instant), waived, paused, instant(now));
            assert_eq!(found.as_str(), expected);
        }
        check(None, false, false, DUE, "running");
        check(None, false, false, DUE + 1, "missed");
        check(None, false, true, DUE + 1, "paused");
        check(Some(DUE), false, false, DUE + 9, "met");
        check(Some(DUE + 1), false, false, DUE + 9, "late");
        check(Some(DUE), false, true, DUE, "met");
        check(None, true, false, DUE + 1, "waived");
        check(Some(DUE + 1), true, true, DUE + 1, "waived");
    }
}
