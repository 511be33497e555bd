//! When the answer to a mail that could not be read leaves.

use chrono::{DateTime, Duration, Utc};

/// Every failure to decrypt is answered on an instant of this grid, counted from when the mail
/// came: how far we came with it cannot be told from the time.
const UNREADABLE_GRID: Duration = Duration::seconds(10);
/// Reading and recording a mail nearly always take less.
const UNREADABLE_MARGIN: Duration = Duration::seconds(3);
/// Such an answer leaves within so long after it was written.
pub const UNREADABLE_AT_MOST: Duration = Duration::seconds(14);

/// An instant that follows from when the mail came alone. Where that is over (the mail had waited
/// for us, or took long), the next of the grid; the same where the mail claims to have come from
/// the future.
pub fn unreadable_leaves_at(received_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let planned = next_on_grid(received_at + UNREADABLE_MARGIN);
    let next = next_on_grid(now + UNREADABLE_MARGIN);
    if planned > now && planned <= next {
        planned
    } else {
        next
    }
}

/// Strictly after the instant, whatever its fraction of a second.
fn next_on_grid(at: DateTime<Utc>) -> DateTime<Utc> {
    let grid = UNREADABLE_GRID.num_seconds();
    let next = (at.timestamp().div_euclid(grid) + 1) * grid;
    DateTime::from_timestamp(next, 0).unwrap_or(at)
}
