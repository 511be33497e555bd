//! When the digest goes out.

use chrono::{DateTime, Utc};

use crate::daemon::Shared;
use crate::killpoint;
use crate::letters::Desk;
use crate::notices::digest::{self, Weekly};
use crate::store::{StoreError, instant};

/// The digest of the last day and hour that the schedule names, unless that day's was mailed, be it
/// that the hour was another then. One that was missed is made up for once. An empty board is told
/// once a week.
pub(super) fn mail_digest(
    shared: &Shared,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let Some(schedule) = &desk.digest else {
        return Ok(0);
    };
    let calendar = &desk.policy.calendar;
    let Some(due_at) = schedule.last_due(calendar, now) else {
        return Ok(0);
    };
    let last = shared.store.read(|tx| tx.fact(digest::DUE_AT))?;
    match last.map(instant) {
        Some(last) if calendar.date_of(last) >= calendar.date_of(due_at) => return Ok(0),
        // The very first is that of the next day.
        None => {
            shared.store.write(|tx| {
                tx.set_fact(digest::DUE_AT, due_at.timestamp())?;
                digest::begin(tx, now)
            })?;
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
        let letters = digest::mail(tx, desk, &board, |member| schedule.is_for(&member.email))?;
        killpoint::reached("told");
        Ok::<_, StoreError>(letters)
    })?;
    killpoint::reached("told_committed");
    if letters > 0 {
        tracing::info!(event = "digest", members = letters);
    }
    Ok(letters)
}
