//! What is wrong with us: mail that is not fetched or waits for a key, keys that expire.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::daemon::Shared;
use crate::expiry::{self, Expiring, Owner};
use crate::intake;
use crate::killpoint;
use crate::letters::Desk;
use crate::notices::{Reader, health};
use crate::store::audit::Actor;
use crate::store::{StoreError, Tx, instant};

/// No good poll of the mailbox for `limits.silence`: told once, until one succeeds. Quiet hours hold
/// it back.
///
/// Counted on the clock of the wall, so that a restart forgets nothing; but a daemon that begins has
/// some time for its first poll.
pub fn tell_silence(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let (last, watched_since, told) = shared.store.read(|tx| {
        let fact = |name| Ok::<_, StoreError>(tx.fact(name)?.unwrap_or_default());
        Ok::<_, StoreError>((
            fact("last_good_poll_at")?,
            fact(WATCHED_SINCE)?,
            fact(SILENCE_TOLD)?,
        ))
    })?;
    if last == 0 && watched_since == 0 {
        let write = |tx: &Tx<'_>| tx.set_fact(WATCHED_SINCE, now.timestamp());
        shared.store.write(write)?;
        return Ok(0);
    }
    let since = last.max(watched_since);
    let silence = shared.config.limits.silence;
    let lasts = (now - instant(since)).to_std().unwrap_or_default();
    if lasts <= silence
        || told == since
        || desk.policy.is_quiet(now)
        || !shared
            .pulses
            .should_have_polled(silence.min(FIRST_POLL_WITHIN))
    {
        return Ok(0);
    }
    let error = shared.mailbox_error();
    let letters = shared.store.write(|tx| {
        tx.set_fact(SILENCE_TOLD, since)?;
        let detail = json!({"since": instant(since)});
        tx.event(now, &Actor::Daemon, "silence_told", None, detail)?;
        desk.tell_team(tx, now, |member| {
            let reader = Reader { desk, member, now };
            let notice = || health::of_silence(instant(since), error.as_deref(), &reader);
            member.hears_of_us().then(notice)
        })
    })?;
    tracing::error!(
        event = "silence_told",
        since = instant(since).to_rfc3339(),
        members = letters
    );
    Ok(letters)
}

/// A daemon that has just begun has so long for its first poll.
const FIRST_POLL_WITHIN: Duration = Duration::from_secs(5 * 60);
/// When the mailbox was first to be read; counts until a poll succeeded.
const WATCHED_SINCE: &str = "watched_since";
/// Of which silence the team was told: when it began.
const SILENCE_TOLD: &str = "silence_told";

/// Mails that wait for a key of ours for longer than `limits.silence`: nobody has their dates in
/// mind, for they are no cases yet. Told once, until none waits.
pub fn tell_waiting(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
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
        desk.tell_team(tx, now, |member| {
            let reader = Reader { desk, member, now };
            let notice = || health::of_waiting(mails, instant(since), intake::AWAY, &reader);
            member.hears_of_us().then(notice)
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
pub fn tell_expiries(
    shared: &Shared,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
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
            let reader = Reader { desk, member, now };
            (!of_member.is_empty()).then(|| health::of_expiries(&of_member, &reader))
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
