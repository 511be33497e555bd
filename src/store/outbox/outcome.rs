//! What became of an attempt, and what follows from it for the case.

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde_json::json;

use super::{Audience, Claimed, Delivered, Fate, GIVE_UP_AFTER, pause_after};
use crate::store::audit::Actor;
use crate::store::tidings::{NewTiding, TidingKind};
use crate::store::{Result, Tx, instant, optional};
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
        let purpose = self.purpose_of(claimed.id)?;
        for about in self.cases_of_letter(claimed.id)? {
            self.event(
                now,
                &Actor::Daemon,
                "sent",
                Some(about.case),
                json!({"letter": claimed.kind, "outbox": claimed.id,
                       "attempts": claimed.attempts, "server": reply}),
            )?;
            self.reporter_was_told(&about, &purpose, policy, now)?;
        }
        Ok(Fate::Sent)
    }

    /// What a letter that the server took means for a case that it speaks of.
    fn reporter_was_told(
        &self,
        about: &About,
        purpose: &Purpose,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<()> {
        if !purpose.is_for_reporter {
            return Ok(());
        }
        let is_receipt =
            about.acknowledges && policy.deadlines.acknowledged_by == AcknowledgedBy::Reply;
        let acknowledge = (is_receipt || purpose.is_of_person).then_some(DeadlineKind::Acknowledge);
        for kind in acknowledge.into_iter().chain(purpose.meets) {
            self.meet_with_event(about.case, kind, now, &Actor::Daemon, now)?;
        }
        // It may be back before its acceptance was written down.
        if about.says_something && !purpose.has_bounced {
            if purpose.is_of_person {
                self.remember_update(about.case, now)?;
            }
            self.restart_update(about.case, policy, now)?;
        }
        Ok(())
    }

    /// The silence that is allowed begins anew. That it lasted too long stays on record.
    fn restart_update(&self, case: i64, policy: &Policy, now: DateTime<Utc>) -> Result<()> {
        if !self.is_open(case)? || !self.is_promised_updates(case)? {
            return Ok(());
        }
        let open = self.open_deadlines_of(case)?;
        let missed = open.iter().find(|it| {
            it.kind == DeadlineKind::Update && it.paused_at.is_none() && it.due_at < now
        });
        if let Some(missed) = missed {
            self.event(
                now,
                &Actor::Daemon,
                "deadline_met",
                Some(case),
                json!({"deadline": DeadlineKind::Update.as_str(), "late": true,
                       "due_at": missed.due_at}),
            )?;
        }
        let update = deadline::restart_update(policy, now);
        self.set_deadlines(case, update.as_slice(), policy)
    }

    /// The deadline that this word meets, or is late for, is about to begin anew and forgets it.
    fn remember_update(&self, case: i64, now: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO updates (case_id, told_at, due_at)
                 SELECT case_id, ?2, due_at FROM deadlines
                 WHERE case_id = ?1 AND kind = 'update'
                   AND met_at IS NULL AND waived_at IS NULL AND paused_at IS NULL
                 ON CONFLICT (case_id, told_at) DO NOTHING",
            )?
            .execute((case, now.timestamp()))?;
        Ok(())
    }

    /// What is no report was promised no further word, unless somebody accepted it as one.
    fn is_promised_updates(&self, case: i64) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT 1 FROM cases WHERE id = ?1
                   AND (status <> 'new' OR EXISTS (SELECT 1 FROM deadlines
                                                   WHERE case_id = cases.id AND kind = 'update'))",
            )?
            .exists([case])?)
    }

    /// A letter of a person that will not arrive: it decided all the same, and nobody waits for an
    /// answer to it. The update clock runs as if it had never left.
    fn reporter_was_not_told(&self, id: i64, now: DateTime<Utc>) -> Result<()> {
        let purpose = self.purpose_of(id)?;
        if !(purpose.is_for_reporter && purpose.is_of_person) {
            return Ok(());
        }
        for about in self.cases_of_letter(id)? {
            if let Some(kind) = purpose.meets {
                self.meet_with_event(about.case, kind, now, &Actor::Daemon, now)?;
            }
            if self.is_closed(about.case)? {
                self.waive_open_but(about.case, &[], now)?;
            }
            // Nobody was asked: the time that we waited is not counted out.
            let until = self.paused_since(about.case)?.unwrap_or(now);
            self.resume_with_event(
                about.case,
                &Actor::Daemon,
                "the reporter could not be reached",
                until,
                now,
            )?;
        }
        Ok(())
    }

    fn purpose_of(&self, id: i64) -> Result<Purpose> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT automatic, audience, meets, bounced_at IS NOT NULL FROM outbox
                 WHERE id = ?1",
            )?
            .query_row([id], |row| {
                let meets: Option<String> = row.get(2)?;
                Ok(Purpose {
                    is_of_person: !row.get::<_, bool>(0)?,
                    is_for_reporter: row.get::<_, String>(1)? == Audience::Reporter.as_str(),
                    meets: meets.and_then(|kind| DeadlineKind::parse(&kind)),
                    has_bounced: row.get(3)?,
                })
            })?)
    }

    /// The cases that a letter speaks of: its own, and those of the letters merged into it.
    pub(super) fn cases_of_letter(&self, id: i64) -> Result<Vec<About>> {
        let mut statement = self.0.prepare_cached(
            "SELECT messages.case_id, max(outbox.acknowledges),
                    max(outbox.acknowledges = 1 OR outbox.automatic = 0)
             FROM outbox JOIN messages ON messages.id = outbox.message_id
             WHERE outbox.id IN (SELECT ?1 UNION ALL SELECT id FROM outbox WHERE merged_into = ?1)
               AND messages.case_id IS NOT NULL
             GROUP BY messages.case_id",
        )?;
        let rows = statement.query_map([id], |row| {
            Ok(About {
                case: row.get(0)?,
                acknowledges: row.get(1)?,
                says_something: row.get(2)?,
            })
        })?;
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
        self.tell_of_undeliverable(id, Some(why), now)?;
        self.reporter_was_not_told(id, now)?;
        Ok(Fate::GivenUp(why.to_owned()))
    }

    /// A bounce that names letters of a person on this case: they did not arrive.
    pub fn record_bounced(
        &self,
        case: i64,
        message_ids: &[String],
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<()> {
        for message_id in message_ids {
            let Some(letter) = self.letter_that_bounced(case, message_id)? else {
                continue;
            };
            self.0.execute(
                "UPDATE outbox SET bounced_at = ?2 WHERE id = ?1",
                (letter.id, now.timestamp()),
            )?;
            self.event(
                now,
                &Actor::Daemon,
                "bounced",
                Some(case),
                json!({"letter": letter.kind, "outbox": letter.id}),
            )?;
            self.tell_of_undeliverable(letter.id, None, now)?;
            self.take_update_back(case, &letter, policy, now)?;
            self.reporter_was_not_told(letter.id, now)?;
        }
        Ok(())
    }

    fn letter_that_bounced(&self, case: i64, message_id: &str) -> Result<Option<Bounced>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT outbox.id, messages.kind, outbox.sent_at FROM messages
                     JOIN outbox ON outbox.message_id = messages.id
                     WHERE messages.message_id = ?2 AND messages.case_id = ?1
                       AND messages.direction = 'out' AND outbox.automatic = 0
                       AND outbox.audience = 'reporter' AND outbox.bounced_at IS NULL",
                )?
                .query_row((case, message_id), |row| {
                    Ok(Bounced {
                        id: row.get(0)?,
                        kind: row.get(1)?,
                        sent_at: row.get::<_, Option<i64>>(2)?.map(instant),
                    })
                }),
        )
    }

    /// The update clock that this letter had started runs from the word before it.
    fn take_update_back(
        &self,
        case: i64,
        letter: &Bounced,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let open = self.open_deadlines_of(case)?;
        let started_by_it = open.iter().any(|deadline| {
            deadline.kind == DeadlineKind::Update && Some(deadline.starts_at) == letter.sent_at
        });
        if !started_by_it {
            return Ok(());
        }
        self.0.execute(
            "DELETE FROM updates WHERE case_id = ?1 AND told_at = ?2",
            params![case, letter.sent_at.map(|at| at.timestamp())],
        )?;
        let from = self.last_word_to_reporter(case)?;
        let update = deadline::restart_update(policy, from);
        self.set_deadlines(case, update.as_slice(), policy)?;
        self.event(
            now,
            &Actor::Daemon,
            "update_reopened",
            Some(case),
            json!({"since": from, "due_at": update.map(|update| update.due_at)}),
        )
    }

    /// When the last letter left that said something and did not come back; else receipt.
    fn last_word_to_reporter(&self, case: i64) -> Result<DateTime<Utc>> {
        let at: i64 = self
            .0
            .prepare_cached(
                "SELECT max(cases.received_at, coalesce(max(coalesce(whole.sent_at, letter.sent_at)), 0))
                 FROM cases
                 LEFT JOIN messages ON messages.case_id = cases.id
                     AND messages.direction = 'out'
                 LEFT JOIN outbox AS letter ON letter.message_id = messages.id
                     AND letter.audience = 'reporter' AND letter.bounced_at IS NULL
                     AND (letter.acknowledges = 1 OR letter.automatic = 0)
                 LEFT JOIN outbox AS whole ON whole.id = letter.merged_into
                 WHERE cases.id = ?1 GROUP BY cases.id",
            )?
            .query_row([case], |row| row.get(0))?;
        Ok(instant(at))
    }

    /// The team hears at once that a letter to a reporter does not arrive. Of a letter to the team
    /// it hears in the digest: a notice of a notice would go the same way.
    fn tell_of_undeliverable(&self, id: i64, why: Option<&str>, now: DateTime<Utc>) -> Result<()> {
        let (message, audience): (i64, String) = self
            .0
            .prepare_cached("SELECT message_id, audience FROM outbox WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if audience != Audience::Reporter.as_str() {
            return Ok(());
        }
        let cases: Vec<i64> = self
            .cases_of_letter(id)?
            .iter()
            .map(|about| about.case)
            .collect();
        let concerns = match cases.as_slice() {
            [] => vec![None],
            cases => cases.iter().copied().map(Some).collect(),
        };
        for case in concerns {
            let tiding = NewTiding {
                kind: TidingKind::Undeliverable,
                case,
                message: Some(message),
                because: why,
            };
            self.add_tiding(&tiding, now)?;
        }
        Ok(())
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
        for about in cases {
            self.event(
                now,
                &Actor::Daemon,
                action,
                Some(about.case),
                detail.clone(),
            )?;
        }
        Ok(())
    }
}

/// What a letter is for.
struct Purpose {
    /// A command caused it.
    is_of_person: bool,
    is_for_reporter: bool,
    meets: Option<DeadlineKind>,
    has_bounced: bool,
}

/// A case that a letter speaks of.
pub(super) struct About {
    case: i64,
    acknowledges: bool,
    /// More than our key.
    says_something: bool,
}

/// A letter of a person that came back.
struct Bounced {
    id: i64,
    kind: String,
    sent_at: Option<DateTime<Utc>>,
}
