//! The clock task: does what is due on its day, and tells the team what was not told.
//!
//! Each turn asks the database what is due by now: publications whose day has come, what the team
//! is to hear at once, deadlines at 80 and at 100 percent, a mailbox that is not read, keys that
//! expire, the digest. What is done or told and the mark that it was commit together, so that a turn
//! can die at any point, and an outage delays it and loses nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Shared;
use crate::commands;
use crate::letters::Desk;
use crate::store::StoreError;

mod deadlines;
mod digest;
mod health;
mod tidings;

/// So often it is asked what is due; a warning comes so late at most.
const LOOK_EVERY: Duration = Duration::from_secs(5);

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

/// One turn. Returns how many letters it wrote, or cases it changed.
pub async fn once(shared: Arc<Shared>) -> anyhow::Result<usize> {
    tokio::task::spawn_blocking(move || {
        let now = Utc::now();
        shared.offer_as_of(now);
        let desk = shared.desk();
        // Each by itself: what hinders one must not silence the others.
        let outcomes = [
            disclose(&shared, &desk, now),
            // Before the alarms: the notice of a report tells of its exploitation too.
            tidings::tell_tidings(&shared, &desk, now),
            deadlines::tell_alarms(&shared, &desk, now),
            deadlines::tell_warnings(&shared, &desk, now),
            health::tell_silence(&shared, &desk, now),
            health::tell_waiting(&shared, &desk, now),
            health::tell_expiries(&shared, &desk, now),
            digest::mail_digest(&shared, &desk, now),
        ];
        let mut failed = Vec::new();
        let mut done = 0;
        for outcome in outcomes {
            match outcome {
                Ok(count) => done += count,
                Err(error) => failed.push(error.to_string()),
            }
        }
        if done > 0 {
            shared.letters.notify_one();
        }
        anyhow::ensure!(failed.is_empty(), failed.join("; "));
        Ok(done)
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
