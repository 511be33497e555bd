//! What became of an attempt, and what follows from it for the case.

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde_json::json;

use super::{Claimed, Delivered, Fate, GIVE_UP_AFTER, pause_after};
use crate::store::audit::Actor;
use crate::store::{Result, Tx, instant};
use crate::triage::deadline;
use crate::triage::policy::{AcknowledgedBy, DeadlineKind, Policy};

/// An uncertain letter is sent so many times at most.
const UNCERTAIN_AT_MOST: u32 = 3;

impl Tx<'_> {
    /// Writes down how an attempt ended, and what follows from it for the case.
    pub fn record_delivery(
        &self,
        claimed: &Claimed,
        outcome: &Delivered,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Fate> {
        match outcome {
            Delivered::Accepted { reply } => self.record_accepted(claimed, reply, policy, now),
            Delivered::Deferred { why } => self.record_deferred(claimed, why, false, now),
            Delivered::Uncertain { why } => self.record_deferred(claimed, why, true, now),
            Delivered::Rejected { why } => self.record_failed(claimed.id, why, now),
            Delivered::ServerAway { why } => self.record_not_tried(claimed.id, why, now),
            Delivered::BrokenOff { why } => {
                self.0.execute(
                    "UPDATE outbox SET broken_off = broken_off + 1 WHERE id = ?1",
                    [claimed.id],
                )?;
                self.record_not_tried(claimed.id, why, now)
            }
            Delivered::NullSenderRefused { why } => {
                self.0.execute(
                    "UPDATE outbox SET state = 'waiting', next_at = ?2, last_error = ?3,
                         envelope_from = (SELECT from_email FROM messages
                                          WHERE messages.id = outbox.message_id)
                     WHERE id = ?1",
                    params![claimed.id, now.timestamp(), why],
                )?;
                Ok(Fate::Again(now))
            }
        }
    }

    fn record_accepted(
        &self,
        claimed: &Claimed,
        reply: &str,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Fate> {
        self.0
            .prepare_cached("UPDATE outbox SET state = 'sent', sent_at = ?2 WHERE id = ?1")?
            .execute((claimed.id, now.timestamp()))?;
        self.copy_left(claimed.id, now)?;
        for (case, acknowledges) in self.cases_of_letter(claimed.id)? {
            self.event(
                now,
                &Actor::Daemon,
                "sent",
                Some(case),
                json!({"letter": claimed.kind, "outbox": claimed.id,
                       "attempts": claimed.attempts, "server": reply}),
            )?;
            if acknowledges {
                self.acknowledged(case, policy, now)?;
            }
        }
        Ok(Fate::Sent)
    }

    /// The reporter was told: the acknowledge deadline is met, the update clock starts anew.
    fn acknowledged(&self, case: i64, policy: &Policy, now: DateTime<Utc>) -> Result<()> {
        if policy.deadlines.acknowledged_by == AcknowledgedBy::Reply
            && self.meet_deadline(case, DeadlineKind::Acknowledge, now)?
        {
            self.event(
                now,
                &Actor::Daemon,
                "deadline_met",
                Some(case),
                json!({"deadline": DeadlineKind::Acknowledge.as_str()}),
            )?;
        }
        // What is no report was promised no further word.
        if self.is_open(case)?
            && self.has_deadline(case, DeadlineKind::Update)?
            && let Some(update) = deadline::restart_update(policy, now)
        {
            self.set_deadlines(case, &[update], &policy.version)?;
        }
        Ok(())
    }

    /// The cases that a letter speaks of, and whether it acknowledges them: its own, and those of the letters merged into it.
    pub(super) fn cases_of_letter(&self, id: i64) -> Result<Vec<(i64, bool)>> {
        let mut statement = self.0.prepare_cached(
            "SELECT messages.case_id, max(outbox.acknowledges) FROM outbox
             JOIN messages ON messages.id = outbox.message_id
             WHERE outbox.id IN (SELECT ?1 UNION ALL SELECT id FROM outbox WHERE merged_into = ?1)
               AND messages.case_id IS NOT NULL
             GROUP BY messages.case_id",
        )?;
        let rows = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn record_deferred(
        &self,
        claimed: &Claimed,
        why: &str,
        uncertain: bool,
        now: DateTime<Utc>,
    ) -> Result<Fate> {
        let uncertain_before: u32 = self
            .0
            .prepare_cached("SELECT uncertain FROM outbox WHERE id = ?1")?
            .query_row([claimed.id], |row| row.get(0))?;
        let uncertain_times = uncertain_before + u32::from(uncertain);
        if uncertain {
            self.copy_left(claimed.id, now)?;
        }
        if uncertain && uncertain_times >= UNCERTAIN_AT_MOST {
            let why = format!("sent {uncertain_times} times and never confirmed: {why}");
            return self.record_failed(claimed.id, &why, now);
        }
        if self.is_too_old(claimed.id, now)? {
            let why = format!("given up after five days: {why}");
            return self.record_failed(claimed.id, &why, now);
        }
        let next_at = now + pause_after(claimed.attempts);
        self.0
            .prepare_cached(
                "UPDATE outbox SET state = 'waiting', next_at = ?2, last_error = ?3, uncertain = ?4
                 WHERE id = ?1",
            )?
            .execute(params![
                claimed.id,
                next_at.timestamp(),
                why,
                uncertain_times
            ])?;
        self.letter_event(claimed.id, "deferred", why, now)?;
        Ok(Fate::Again(next_at))
    }

    fn record_not_tried(&self, id: i64, why: &str, now: DateTime<Utc>) -> Result<Fate> {
        if self.is_too_old(id, now)? {
            let why = format!("given up after five days: {why}");
            return self.record_failed(id, &why, now);
        }
        self.0
            .prepare_cached(
                "UPDATE outbox SET state = 'waiting', attempts = attempts - 1, next_at = ?2,
                     last_error = ?3
                 WHERE id = ?1",
            )?
            .execute(params![id, now.timestamp(), why])?;
        Ok(Fate::Again(now))
    }

    /// Counted from the first attempt: a letter that a cap held has waited honestly.
    pub(super) fn is_too_old(&self, id: i64, now: DateTime<Utc>) -> Result<bool> {
        let first_attempt_at: Option<i64> = self
            .0
            .prepare_cached("SELECT first_attempt_at FROM outbox WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        Ok(first_attempt_at.is_some_and(|at| now - instant(at) >= GIVE_UP_AFTER))
    }

    pub(super) fn record_failed(&self, id: i64, why: &str, now: DateTime<Utc>) -> Result<Fate> {
        self.0
            .prepare_cached("UPDATE outbox SET state = 'failed', last_error = ?2 WHERE id = ?1")?
            .execute((id, why))?;
        self.letter_event(id, "undeliverable", why, now)?;
        Ok(Fate::GivenUp(why.to_owned()))
    }

    /// One event on every case that the letter speaks of; on none, if it speaks of none.
    pub(super) fn letter_event(
        &self,
        id: i64,
        action: &str,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let detail = self
            .0
            .prepare_cached(
                "SELECT messages.kind, outbox.attempts FROM outbox
                 JOIN messages ON messages.id = outbox.message_id WHERE outbox.id = ?1",
            )?
            .query_row([id], |row| {
                let (kind, attempts) = (row.get::<_, String>(0)?, row.get::<_, u32>(1)?);
                Ok(json!({"letter": kind, "outbox": id, "attempts": attempts, "why": why}))
            })?;
        let cases = self.cases_of_letter(id)?;
        if cases.is_empty() {
            return self.event(now, &Actor::Daemon, action, None, detail);
        }
        for (case, _) in cases {
            self.event(now, &Actor::Daemon, action, Some(case), detail.clone())?;
        }
        Ok(())
    }
}
