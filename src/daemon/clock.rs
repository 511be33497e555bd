//! The clock task: does what is due on its day, and tells the team what was not told.
//!
//! Each turn asks the database what is due by now: publications whose day has come, deadlines at
//! 80 and at 100 percent, mails that tell of exploitation, keys that expire, the digest. What is done or told and the
//! mark that it was commit together, so that a turn can die at any point, and an outage delays
//! it and loses nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::Shared;
use crate::commands;
use crate::expiry::{self, Expiring, Owner};
use crate::intake;
use crate::killpoint;
use crate::letters::Desk;
use crate::mail::message::address_key;
use crate::notices::digest::{self, Weekly};
use crate::notices::{self, NoticeKind};
use crate::store::audit::Actor;
use crate::store::deadlines::{Alarm, Warning};
use crate::store::{StoreError, Tx, instant};
use crate::triage::deadline::may_be_told;

/// So often it is asked what is due; a warning comes so late at most.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Mails of one kind to one member within [`BURST`]; what is due beyond waits and goes as one.
/// Whoever sends us a thousand reports must not send the team a thousand warnings.
const BURST_AT_MOST: i64 = 12;
const BURST: TimeDelta = TimeDelta::hours(1);
/// Turns until the daemon stops. Never ends for an error.
pub async fn run(shared: Arc<Shared>) {
    let mut latest = Utc::now();
    while !shared.is_stopping() {
        shared.pulses.clock_turned.beat();
        let now = Utc::now();
        if now < latest {
            set_right(Arc::clone(&shared)).await;
        }
        latest = now;
        if let Err(error) = once(Arc::clone(&shared)).await {
            tracing::error!(event = "clock_failed", "{error:#}");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = shared.alarms.notified() => {}
            () = shared.stopped() => {}
        }
    }
}

/// What a clock that was ahead left behind is set right: before anything else at the start, and
/// whenever the clock goes back.
pub async fn set_right(shared: Arc<Shared>) {
    let outcome = tokio::task::spawn_blocking(move || {
        let records = shared.store.write(|tx| tx.set_clock_right(Utc::now()))?;
        if records > 0 {
            shared.letters.notify_one();
        }
        Ok::<_, StoreError>(records)
    })
    .await;
    match outcome {
        Ok(Ok(0)) => {}
        Ok(Ok(records)) => tracing::warn!(
            event = "clock_was_ahead",
            records,
            "written by a clock that was ahead: warnings are told again when they are due, and \
             what waited goes now"
        ),
        Ok(Err(error)) => tracing::error!(event = "clock_failed", "{error}"),
        Err(error) => tracing::error!(event = "clock_failed", "{error}"),
    }
}

/// One turn.
pub async fn once(shared: Arc<Shared>) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(move || {
        let now = Utc::now();
        shared.offer_as_of(now);
        let desk = shared.desk();
        // Each by itself: what hinders one must not silence the others.
        let outcomes = [
            disclose(&shared, &desk, now),
            tell_alarms(&shared, &desk, now),
            tell_warnings(&shared, &desk, now),
            tell_waiting(&shared, &desk, now),
            tell_expiries(&shared, &desk, now),
            mail_digest(&shared, &desk, now),
        ];
        let mut failed = Vec::new();
        for outcome in outcomes {
            match outcome {
                Ok(0) => {}
                Ok(_) => shared.letters.notify_one(),
                Err(error) => failed.push(error.to_string()),
            }
        }
        anyhow::ensure!(failed.is_empty(), failed.join("; "));
        Ok(())
    })
    .await?
}

/// Publications whose day has come. Returns how many cases that are: each has a letter.
fn disclose(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
    if shared
        .store
        .read(|tx| tx.due_for_disclosure(now))?
        .is_empty()
    {
        return Ok(0);
    }
    let published = shared
        .store
        .write(|tx| commands::due_changes(tx, desk, now))?;
    for case in &published {
        tracing::info!(case = case.number.as_str(), event = "disclosed");
    }
    Ok(published.len())
}

/// Deadlines at 80 and 100 percent. Returns how many letters were written.
fn tell_warnings(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
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
            (!of_member.is_empty()).then(|| notices::of_warnings(&of_member, now))
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
fn tell_alarms(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
    if shared.store.read(|tx| tx.alarms_due())?.is_empty() {
        return Ok(0);
    }
    let (alarms, letters) = shared.store.write(|tx| {
        if is_burst(tx, desk, NoticeKind::Alarm, now)? {
            return Ok((Vec::new(), 0));
        }
        let alarms = tx.alarms_due()?;
        for alarm in &alarms {
            tx.set_alarm_told(alarm.about.case.id, now)?;
            tx.event(
                now,
                &Actor::Daemon,
                "exploitation_told",
                Some(alarm.about.case.id),
                json!({"arrived_at": alarm.arrived_at}),
            )?;
        }
        let letters = desk.tell_team(tx, now, |member| {
            let concerns = |alarm: &&Alarm| desk.team.tells(member, &alarm.about);
            let of_member: Vec<&Alarm> = alarms.iter().filter(concerns).collect();
            let calendar = &desk.policy.calendar;
            (!of_member.is_empty()).then(|| notices::of_alarms(&of_member, calendar, now))
        })?;
        Ok::<_, StoreError>((alarms, letters))
    })?;
    for alarm in &alarms {
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
    Ok(letters)
}

/// Mails that wait for a key of ours for longer than `limits.silence`: nobody has their dates in
/// mind, for they are no cases yet. Told once, until none waits.
fn tell_waiting(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let (mails, since, told) = shared.store.read(|tx| {
        let unfetched = tx.unfetched()?;
        let is_away = |cause: &Option<String>| cause.as_deref() == Some(intake::AWAY);
        let mails = unfetched.iter().filter(|(_, _, cause)| is_away(cause));
        let fact = |name| tx.fact(name).map(Option::unwrap_or_default);
        Ok::<_, StoreError>((mails.count(), fact(WAITING_SINCE)?, fact(WAITING_TOLD)?))
    })?;
    let began_or_ended = (mails > 0) != (since > 0);
    if began_or_ended {
        let since = if mails > 0 { now.timestamp() } else { 0 };
        shared.store.write(|tx| tx.set_fact(WAITING_SINCE, since))?;
    }
    let silence = TimeDelta::from_std(shared.config.limits.silence).unwrap_or(TimeDelta::MAX);
    if began_or_ended || mails == 0 || told == since || now - instant(since) < silence {
        return Ok(0);
    }
    let letters = shared.store.write(|tx| {
        tx.set_fact(WAITING_TOLD, since)?;
        let detail = json!({"mails": mails, "since": instant(since)});
        tx.event(now, &Actor::Daemon, "key_away", None, detail)?;
        let calendar = &desk.policy.calendar;
        let notice = notices::of_waiting(mails, instant(since), calendar, intake::AWAY);
        desk.tell_team(tx, now, |member| {
            member.hears_of_us().then(|| notice.clone())
        })
    })?;
    tracing::error!(event = "key_away", mails, "{}", intake::AWAY);
    Ok(letters)
}

/// When the first of the mails that wait for a key began to; 0: none waits.
const WAITING_SINCE: &str = "key_away_since";
/// Of which beginning the team was told.
const WAITING_TOLD: &str = "key_away_told";

/// Keys of ours and certificates of members that expire: each threshold once, and after an outage
/// the nearest alone. Quiet hours hold it back. Returns how many letters were written.
fn tell_expiries(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
    if desk.policy.is_quiet(now) {
        return Ok(0);
    }
    let expiring = expiry::all(&desk.keyring, &desk.team, now);
    if expiring.is_empty()
        || shared
            .store
            .read(|tx| untold(tx, &expiring, now))?
            .is_empty()
    {
        return Ok(0);
    }
    let (told, letters) = shared.store.write(|tx| {
        let due = untold(tx, &expiring, now)?;
        for one in &due {
            set_expiry_told(tx, desk, one, now)?;
        }
        let letters = desk.tell_team(tx, now, |member| {
            let concerns = |one: &&&Expiring| hearers(desk, one).contains(&member.email.as_str());
            let of_member: Vec<&Expiring> = due.iter().filter(concerns).copied().collect();
            (!of_member.is_empty()).then(|| notices::of_expiries(&of_member, now))
        })?;
        killpoint::reached("told");
        Ok::<_, StoreError>((due, letters))
    })?;
    killpoint::reached("told_committed");
    for one in told {
        log_expiry(desk, one, now);
    }
    Ok(letters)
}

fn untold<'a>(
    tx: &Tx<'_>,
    expiring: &'a [Expiring],
    now: DateTime<Utc>,
) -> Result<Vec<&'a Expiring>, StoreError> {
    let mut due = Vec::new();
    for one in expiring {
        for (part, expires_at) in &one.parts {
            if !tx.key_alert_told(part, *expires_at, one.threshold(now))? {
                due.push(one);
                break;
            }
        }
    }
    Ok(due)
}

fn set_expiry_told(
    tx: &Tx<'_>,
    desk: &Desk,
    one: &Expiring,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let days = one.threshold(now);
    for (part, expires_at) in &one.parts {
        tx.set_key_alert_told(part, *expires_at, days, now)?;
    }
    let parts: Vec<&str> = one.parts.iter().map(|(part, _)| part.as_str()).collect();
    tx.event(
        now,
        &Actor::Daemon,
        "key_expiry_told",
        None,
        json!({"fingerprint": one.certificate, "parts": parts,
               "expires_at": one.expires_at, "days": days, "to": hearers(desk, one)}),
    )
}

/// The keepers of the house; of a member's certificate the member too.
fn hearers<'a>(desk: &'a Desk, one: &Expiring) -> Vec<&'a str> {
    let mut hearers: Vec<&str> = desk
        .team
        .keepers()
        .iter()
        .map(|it| it.email.as_str())
        .collect();
    if let Owner::Member(email) = &one.owner
        && let Some(member) = desk.team.called(email)
        && !hearers.contains(&member.email.as_str())
    {
        hearers.push(&member.email);
    }
    hearers
}

fn log_expiry(desk: &Desk, one: &Expiring, now: DateTime<Utc>) {
    let fingerprint = one.certificate.as_str();
    let expires_at = one.expires_at.to_rfc3339();
    match hearers(desk, one).len() {
        0 => tracing::error!(
            event = "key_expiry",
            fingerprint,
            expires_at,
            "nobody is told: no [[team]] member hears of it; {}",
            one.stands(now)
        ),
        members => tracing::warn!(event = "key_expiry", fingerprint, expires_at, members),
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

/// The digest of the last day and hour that the schedule names, unless it was mailed. One that was
/// missed is made up for once. An empty board is told once a week.
fn mail_digest(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let Some(schedule) = &desk.digest else {
        return Ok(0);
    };
    let Some(due_at) = schedule.last_due(&desk.policy.calendar, now) else {
        return Ok(0);
    };
    let last = shared.store.read(|tx| tx.fact(digest::DUE_AT))?;
    match last.map(instant) {
        Some(last) if last >= due_at => return Ok(0),
        // The very first is that of the next day.
        None => {
            shared
                .store
                .write(|tx| tx.set_fact(digest::DUE_AT, due_at.timestamp()))?;
            return Ok(0);
        }
        Some(_) if desk.policy.is_quiet(now) => return Ok(0),
        Some(_) => {}
    }
    let silence = shared.config.limits.silence;
    let letters = shared.store.write(|tx| {
        tx.set_fact(digest::DUE_AT, due_at.timestamp())?;
        let board = digest::gather(tx, desk, silence, Weekly::WhenDue, now)?;
        if digest::is_empty(&board) && board.week.is_none() {
            return Ok(0);
        }
        digest::set_mailed(tx, &board)?;
        let notice = digest::notice(&board);
        let letters = desk.tell_team(tx, now, |member| {
            schedule.is_for(&member.email).then(|| notice.clone())
        })?;
        killpoint::reached("told");
        Ok::<_, StoreError>(letters)
    })?;
    killpoint::reached("told_committed");
    if letters > 0 {
        tracing::info!(event = "digest", members = letters);
    }
    Ok(letters)
}
