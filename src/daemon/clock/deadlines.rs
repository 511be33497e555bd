//! Deadlines that came near or were missed, and mails that tell of exploitation.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::daemon::Shared;
use crate::killpoint;
use crate::letters::Desk;
use crate::mail::message::address_key;
use crate::notices::{NoticeKind, Reader, deadline};
use crate::store::audit::Actor;
use crate::store::deadlines::{Alarm, Warning};
use crate::store::{StoreError, Tx};
use crate::triage::deadline::may_be_told;

/// Mails of one kind to one member within [`BURST`]; what is due beyond waits and goes as one.
/// Whoever sends us a thousand reports must not send the team a thousand warnings.
const BURST_AT_MOST: i64 = 12;
const BURST: TimeDelta = TimeDelta::hours(1);

/// Deadlines at 80 and 100 percent. Returns how many letters were written.
pub fn tell_warnings(
    shared: &Shared,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    // Most turns find nothing, and cost no write.
    if shared
        .store
        .read(|tx| due_warnings(tx, desk, now))?
        .is_empty()
    {
        return Ok(0);
    }
    let (warnings, letters) = shared.store.write(|tx| {
        let mut warnings = due_warnings(tx, desk, now)?;
        if is_burst(tx, desk, NoticeKind::Warning, now)? {
            // No mail of a stranger starts the clocks of the law.
            warnings.retain(|warning| warning.deadline.kind.is_of_law());
        }
        for warning in &warnings {
            mark_told(tx, desk, warning, now)?;
        }
        let letters = desk.tell_team(tx, now, |member| {
            let concerns = |warning: &&Warning| desk.team.tells(member, &warning.about);
            let of_member: Vec<&Warning> = warnings.iter().filter(concerns).collect();
            let reader = Reader { desk, member, now };
            (!of_member.is_empty()).then(|| deadline::of_warnings(&of_member, &reader))
        })?;
        killpoint::reached("told");
        Ok::<_, StoreError>((warnings, letters))
    })?;
    killpoint::reached("told_committed");
    for warning in &warnings {
        log_warning(desk, warning);
    }
    Ok(letters)
}

fn due_warnings(tx: &Tx<'_>, desk: &Desk, now: DateTime<Utc>) -> Result<Vec<Warning>, StoreError> {
    let mut due = tx.warnings_due(now)?;
    due.retain(|warning| may_be_told(&desk.policy, warning.deadline.span, now));
    Ok(due)
}

fn mark_told(
    tx: &Tx<'_>,
    desk: &Desk,
    warning: &Warning,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (case, deadline) = (warning.about.case.id, &warning.deadline);
    tx.set_told(case, deadline.kind, warning.threshold, now)?;
    let to: Vec<&str> = desk
        .team
        .hearers(&warning.about)
        .iter()
        .map(|member| member.email.as_str())
        .collect();
    tx.event(
        now,
        &Actor::Daemon,
        "deadline_warning",
        Some(case),
        json!({"deadline": deadline.kind.as_str(), "percent": warning.threshold.percent(),
               "due_at": deadline.due_at, "to": to}),
    )
}

/// No word of the case: the log is read by others too.
fn log_warning(desk: &Desk, warning: &Warning) {
    let case = warning.about.case.number.as_str();
    let deadline = warning.deadline.kind.as_str();
    let percent = warning.threshold.percent();
    let due = warning.deadline.due_at.to_rfc3339();
    match desk.team.hearers(&warning.about).len() {
        0 => tracing::error!(
            case,
            event = "deadline_warning",
            deadline,
            percent,
            due,
            "nobody is told: no [[team]] member hears of it"
        ),
        members => tracing::warn!(
            case,
            event = "deadline_warning",
            deadline,
            percent,
            due,
            members
        ),
    }
}

/// Mails that tell of exploitation.
pub fn tell_alarms(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
    if shared.store.read(|tx| tx.alarms_due())?.is_empty() {
        return Ok(0);
    }
    let (alarms, letters) = shared.store.write(|tx| {
        if is_burst(tx, desk, NoticeKind::Alarm, now)? {
            return Ok((Vec::new(), 0));
        }
        let alarms = tx.alarms_due()?;
        for alarm in &alarms {
            alarm_told(tx, alarm, now)?;
        }
        let letters = desk.tell_team(tx, now, |member| {
            let concerns = |alarm: &&Alarm| desk.team.tells(member, &alarm.about);
            let of_member: Vec<&Alarm> = alarms.iter().filter(concerns).collect();
            let reader = Reader { desk, member, now };
            (!of_member.is_empty()).then(|| deadline::of_alarms(&of_member, &reader))
        })?;
        Ok::<_, StoreError>((alarms, letters))
    })?;
    for alarm in &alarms {
        log_alarm(desk, alarm);
    }
    Ok(letters)
}

pub fn alarm_told(tx: &Tx<'_>, alarm: &Alarm, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.set_alarm_told(alarm.about.case.id, now)?;
    tx.event(
        now,
        &Actor::Daemon,
        "exploitation_told",
        Some(alarm.about.case.id),
        json!({"arrived_at": alarm.arrived_at}),
    )
}

pub fn log_alarm(desk: &Desk, alarm: &Alarm) {
    let case = alarm.about.case.number.as_str();
    match desk.team.hearers(&alarm.about).len() {
        0 => tracing::error!(
            case,
            event = "exploitation",
            "a mail tells of it, and nobody is told: no [[team]] member hears of it"
        ),
        members => tracing::warn!(case, event = "exploitation", members),
    }
}

/// Did a member get so many mails of the kind that the next should wait?
fn is_burst(
    tx: &Tx<'_>,
    desk: &Desk,
    kind: NoticeKind,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    for member in desk.team.members() {
        let recipient = address_key(&member.email);
        if tx.told_between(&recipient, kind.as_str(), now - BURST, now)? >= BURST_AT_MOST {
            return Ok(true);
        }
    }
    Ok(false)
}
