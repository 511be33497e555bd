//! What a clock that was ahead left behind: instants that are to come, where only past ones belong.
//!
//! A machine may start with a wrong clock and set it right later. What waits for such an instant
//! would wait for days or years, and what was told of a deadline then would not be told when it is
//! due.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Result, Tx};

/// An instant so far ahead comes from a clock that was wrong. Clocks that are set right by seconds
/// must not make anything be told twice.
const FAR_AHEAD: TimeDelta = TimeDelta::hours(1);
/// Nothing is put off for longer: letters that a cap holds wait for a day.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(24);

impl Tx<'_> {
    /// Forgets what was told of open deadlines at times to come, and lets go now what waits for
    /// them. What left us counts as having left now. Returns how many records were set right.
    pub fn set_clock_right(&self, now: DateTime<Utc>) -> Result<usize> {
        let ahead = (now + FAR_AHEAD).timestamp();
        let too_long = (now + FAR_AHEAD + LONGEST_WAIT).timestamp();
        let now = now.timestamp();
        let told = self.0.execute(
            "UPDATE deadlines SET
                 half_told_at = CASE WHEN half_told_at <= ?1 THEN half_told_at END,
                 warned_at = CASE WHEN warned_at <= ?1 THEN warned_at END,
                 missed_told_at = CASE WHEN missed_told_at <= ?1 THEN missed_told_at END
             WHERE met_at IS NULL
               AND (half_told_at > ?1 OR warned_at > ?1 OR missed_told_at > ?1)",
            [ahead],
        )?;
        let letters = self.0.execute(
            "UPDATE outbox SET next_at = ?1 WHERE state IN ('waiting', 'held') AND next_at > ?2",
            [now, too_long],
        )?;
        let begun = self.0.execute(
            "UPDATE outbox SET first_attempt_at = ?1
             WHERE state IN ('waiting', 'held', 'sending') AND first_attempt_at > ?2",
            [now, ahead],
        )?;
        let copies = self.0.execute(
            "UPDATE copies SET left_at = ?1 WHERE left_at > ?2",
            [now, ahead],
        )?;
        let mails = self.0.execute(
            "UPDATE intake_attempts SET next_at = ?1 WHERE next_at > ?2",
            [now, too_long],
        )?;
        let alerts = self
            .0
            .execute("DELETE FROM key_alerts WHERE told_at > ?1", [ahead])?;
        // All of them are instants, and each is found anew.
        let facts = self
            .0
            .execute("DELETE FROM facts WHERE value > ?1", [ahead])?;
        Ok(told + letters + begun + copies + mails + alerts + facts)
    }
}
