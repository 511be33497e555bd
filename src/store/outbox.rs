//! The outbox: committed letters, and what became of each.
//!
//! ```text
//! waiting -> sending -> sent
//!    ^          |-----> failed      5yz, five days over, or three times uncertain
//!    |----------|                   4yz, broken connections, a crash
//! waiting -> held -> waiting        a cap was reached; goes when the cap allows
//!                 -> merged         several held letters to one address became one
//! ```
//! An attempt is counted before it begins. The bytes and the Message-ID of a
//! letter never change, so a second copy is visibly the same mail.

use chrono::{DateTime, Duration, Utc};
use rusqlite::params;
use serde_json::json;

use super::audit::Actor;
use super::cases::CaseFile;
use super::intake::to_i64;
use super::{Result, Tx, instant, optional};
use crate::config::Limits;
use crate::mail::message::{Digest, address_key};
use crate::triage::deadline;
use crate::triage::decide::CaseRef;
use crate::triage::policy::{AcknowledgedBy, DeadlineKind, Policy};

/// A letter that was written and not yet committed.
#[derive(Clone, Debug)]
pub struct NewLetter {
    pub case: Option<CaseRef>,
    /// The name of its template.
    pub kind: String,
    pub recipient: String,
    /// `None`: `<>`.
    pub envelope_from: Option<String>,
    pub automatic: bool,
    pub acknowledges: bool,
    pub attaches_key: bool,
    pub message_id: String,
    pub from: String,
    pub subject: String,
    /// What it says, for the record.
    pub text: String,
    pub encrypted: bool,
    /// Final, with CRLF line ends.
    pub bytes: Vec<u8>,
    pub written_at: DateTime<Utc>,
    pub not_before: DateTime<Utc>,
}

/// A letter in our hands, its attempt already counted.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub id: i64,
    pub case: Option<CaseRef>,
    pub kind: String,
    pub recipient: String,
    pub envelope_from: Option<String>,
    pub bytes: Vec<u8>,
    /// This one included.
    pub attempts: u32,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    Accepted {
        reply: String,
    },
    /// Tried again later.
    Deferred {
        why: String,
    },
    /// Final.
    Rejected {
        why: String,
    },
    /// The final dot was written and no answer came.
    Uncertain {
        why: String,
    },
    /// The server takes no null sender: tried again at once from our address.
    NullSenderRefused {
        why: String,
    },
    /// The server cannot be reached or refuses us: no attempt at this letter was made.
    ServerAway {
        why: String,
    },
}

/// What follows for the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Sent,
    /// Not before.
    Again(DateTime<Utc>),
    /// It is not tried again, and why.
    GivenUp(String),
}

/// A letter is given up after so long.
const GIVE_UP_AFTER: Duration = Duration::days(5);
/// An uncertain letter is sent so many times at most.
const UNCERTAIN_AT_MOST: u32 = 3;
/// Automatic letters count toward the caps for so long.
const CAP_WINDOW: Duration = Duration::hours(24);
/// Letters looked at in one go when some are claimed.
const LOOKED_AT: u32 = 16;

/// Letters by state, for `status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct OutboxCounts {
    pub waiting: i64,
    pub held: i64,
    pub sent: i64,
    pub failed: i64,
}

/// A letter that a person should know about.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Troubled {
    pub id: i64,
    pub case: Option<String>,
    pub kind: String,
    pub state: String,
    pub attempts: u32,
    pub last_error: Option<String>,
    pub next_at: DateTime<Utc>,
}

impl Tx<'_> {
    /// Commits a letter to be sent. Returns its number in the outbox.
    pub fn enqueue(&self, letter: &NewLetter) -> Result<i64> {
        let digest = Digest::of(&letter.bytes);
        self.0
            .prepare_cached(
                "INSERT INTO messages (case_id, direction, kind, digest, size, received_at,
                     recorded_at, message_id, date, from_email, to_emails, subject, text,
                     encrypted, decrypted)
                 VALUES (?1, 'out', ?2, ?3, ?4, ?5, ?5, ?6, ?5, ?7, ?8, ?9, ?10, ?11, ?11)",
            )?
            .execute(params![
                letter.case.as_ref().map(|case| case.id),
                letter.kind,
                digest.0.as_slice(),
                to_i64(letter.bytes.len() as u64),
                letter.written_at.timestamp(),
                letter.message_id,
                address_key(&letter.from),
                serde_json::to_string(&[&letter.recipient]).unwrap_or_default(),
                letter.subject,
                letter.text,
                letter.encrypted,
            ])?;
        let message = self.0.last_insert_rowid();
        self.keep_bytes(message, &letter.bytes)?;
        let recipient = address_key(&letter.recipient);
        let domain = recipient
            .rsplit_once('@')
            .map_or("", |(_, domain)| domain)
            .to_owned();
        self.0
            .prepare_cached(
                "INSERT INTO outbox (message_id, recipient, domain, envelope_from, automatic,
                     acknowledges, attaches_key, state, created_at, next_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, ?9)",
            )?
            .execute(params![
                message,
                recipient,
                domain,
                letter.envelope_from,
                letter.automatic,
                letter.acknowledges,
                letter.attaches_key,
                letter.written_at.timestamp(),
                letter.not_before.timestamp(),
            ])?;
        Ok(self.0.last_insert_rowid())
    }

    /// Attempts that a crash cut short: tried again at once. Returns how many.
    pub fn recover_outbox(&self, now: DateTime<Utc>) -> Result<usize> {
        Ok(self.0.execute(
            "UPDATE outbox SET state = 'waiting', next_at = ?1,
                 last_error = 'the attempt was cut short by a restart'
             WHERE state = 'sending'",
            [now.timestamp()],
        )?)
    }

    /// Takes up to `at_most` letters that are due and counts their attempts. A letter that a
    /// cap holds is marked held, and when it may go.
    pub fn claim(
        &self,
        at_most: usize,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<Vec<Claimed>> {
        let mut claimed = Vec::new();
        loop {
            let due = self.due(now)?;
            if due.is_empty() {
                return Ok(claimed);
            }
            // Each of them leaves the due ones here, so this ends.
            for due in due {
                if claimed.len() >= at_most {
                    return Ok(claimed);
                }
                match self.held_until(&due, limits, now)? {
                    Some(until) => self.hold(due.id, until)?,
                    None => claimed.push(self.begin(&due)?),
                }
            }
        }
    }

    fn due(&self, now: DateTime<Utc>) -> Result<Vec<Due>> {
        let mut statement = self.0.prepare_cached(&format!(
            // Each half comes in the order of its index: a long queue is not sorted each time.
            "SELECT id, recipient, domain, automatic FROM (
                 SELECT * FROM (SELECT * FROM outbox WHERE state = 'waiting' AND next_at <= ?1
                                ORDER BY next_at, id LIMIT {LOOKED_AT})
                 UNION ALL
                 SELECT * FROM (SELECT * FROM outbox WHERE state = 'held' AND next_at <= ?1
                                ORDER BY next_at, id LIMIT {LOOKED_AT}))
             ORDER BY next_at, id LIMIT {LOOKED_AT}"
        ))?;
        let rows = statement.query_map([now.timestamp()], |row| {
            Ok(Due {
                id: row.get(0)?,
                recipient: row.get(1)?,
                domain: row.get(2)?,
                automatic: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn begin(&self, due: &Due) -> Result<Claimed> {
        self.0
            .prepare_cached(
                "UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ?1",
            )?
            .execute([due.id])?;
        Ok(self
            .0
            .prepare_cached(
                "SELECT outbox.id, cases.id, cases.number, messages.kind, outbox.recipient,
                        outbox.envelope_from, raw_mails.bytes, outbox.attempts
                 FROM outbox
                 JOIN messages ON messages.id = outbox.message_id
                 JOIN raw_mails ON raw_mails.message_id = messages.id
                 LEFT JOIN cases ON cases.id = messages.case_id
                 WHERE outbox.id = ?1",
            )?
            .query_row([due.id], |row| {
                let case = match (row.get::<_, Option<i64>>(1)?, row.get(2)?) {
                    (Some(id), Some(number)) => Some(CaseRef { id, number }),
                    _ => None,
                };
                Ok(Claimed {
                    id: row.get(0)?,
                    case,
                    kind: row.get(3)?,
                    recipient: row.get(4)?,
                    envelope_from: row.get(5)?,
                    bytes: row.get(6)?,
                    attempts: row.get(7)?,
                })
            })?)
    }

    /// Until when a cap holds this letter; `None`: it may go.
    fn held_until(
        &self,
        due: &Due,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>> {
        if !due.automatic {
            return Ok(None);
        }
        let caps = [
            (
                "recipient = ?1",
                due.recipient.as_str(),
                limits.replies_per_address,
            ),
            (
                "domain = ?1",
                due.domain.as_str(),
                limits.replies_per_domain,
            ),
            ("?1 = ''", "", limits.replies_total),
        ];
        let mut until = None;
        for (which, value, cap) in caps {
            until = until.max(self.cap_frees_at(which, value, cap, now)?);
        }
        Ok(until)
    }

    /// When fewer than `cap` letters will lie within the window; `None`: they do now.
    fn cap_frees_at(
        &self,
        which: &str,
        value: &str,
        cap: u32,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>> {
        if cap == 0 {
            return Ok(Some(now + CAP_WINDOW));
        }
        let since = (now - CAP_WINDOW).timestamp();
        if self.letters_since(which, value, since)? < i64::from(cap) {
            return Ok(None);
        }
        // The letter that has to leave the window is the cap-th newest; one in the
        // air may be accepted any moment and counts as if it were.
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT coalesce(sent_at, ?3) AS at FROM outbox
             WHERE {which} AND automatic = 1
               AND (sent_at > ?2 OR state = 'sending')
             ORDER BY at DESC LIMIT 1 OFFSET ?4"
        ))?;
        let newest = optional(
            statement.query_row(params![value, since, now.timestamp(), cap - 1], |row| {
                row.get::<_, i64>(0)
            }),
        )?;
        Ok(newest.map(|at| instant(at) + CAP_WINDOW))
    }

    /// At most so many letters count toward a cap: counted in an index alone, which costs little
    /// and nearly always tells that the cap is far away.
    fn letters_since(&self, which: &str, value: &str, since: i64) -> Result<i64> {
        Ok(self
            .0
            .prepare_cached(&format!(
                "SELECT (SELECT count(*) FROM outbox WHERE {which} AND sent_at > ?2)
                      + (SELECT count(*) FROM outbox WHERE state = 'sending')"
            ))?
            .query_row((value, since), |row| row.get(0))?)
    }

    fn hold(&self, id: i64, until: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached("UPDATE outbox SET state = 'held', next_at = ?2 WHERE id = ?1")?
            .execute((id, until.timestamp()))?;
        Ok(())
    }

    /// Addresses with several held letters of which one may go now.
    pub fn held_together(&self, limits: &Limits, now: DateTime<Utc>) -> Result<Vec<String>> {
        let mut statement = self.0.prepare_cached(
            "SELECT recipient, domain, min(id) FROM outbox WHERE state = 'held'
             GROUP BY recipient HAVING count(*) > 1 AND min(next_at) <= ?1 LIMIT 100",
        )?;
        let rows = statement.query_map([now.timestamp()], |row| {
            Ok(Due {
                recipient: row.get(0)?,
                domain: row.get(1)?,
                id: row.get(2)?,
                automatic: true,
            })
        })?;
        let mut free = Vec::new();
        for row in rows {
            let due = row?;
            if self.held_until(&due, limits, now)?.is_none() {
                free.push(due.recipient);
            }
        }
        Ok(free)
    }

    /// The held letters to one address: what one letter has to say in their place.
    pub fn held_for(&self, recipient: &str) -> Result<Held> {
        let mut statement = self.0.prepare_cached(
            "SELECT outbox.id, outbox.acknowledges, outbox.attaches_key, messages.encrypted
             FROM outbox JOIN messages ON messages.id = outbox.message_id
             WHERE outbox.state = 'held' AND outbox.recipient = ?1
             ORDER BY outbox.id LIMIT 100",
        )?;
        let mut rows = statement.query([recipient])?;
        let mut held = Held::default();
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            held.ids.push(id);
            held.acknowledges |= row.get::<_, bool>(1)?;
            held.attaches_key |= row.get::<_, bool>(2)?;
            held.encrypted |= row.get::<_, bool>(3)?;
            // A held letter may itself stand for several.
            for (case, _) in self.cases_of_letter(id)? {
                if held.cases.iter().all(|(file, _)| file.case.id != case) {
                    let case = self.case_by_id(case)?;
                    let digest = self.digest_of_first(case.id)?;
                    held.cases.push((self.case_file(&case)?, digest));
                }
            }
        }
        Ok(held)
    }

    fn case_by_id(&self, id: i64) -> Result<CaseRef> {
        Ok(self
            .0
            .prepare_cached("SELECT number FROM cases WHERE id = ?1")?
            .query_row([id], |row| {
                Ok(CaseRef {
                    id,
                    number: row.get(0)?,
                })
            })?)
    }

    fn digest_of_first(&self, case_id: i64) -> Result<Digest> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT digest FROM messages WHERE case_id = ?1 AND direction = 'in'
                 ORDER BY id LIMIT 1",
            )?
            .query_row([case_id], |row| Ok(Digest(row.get(0)?)))?)
    }

    /// The held letters have become this one, and so have those that became one of them before.
    pub fn merge(&self, held: &[i64], into: i64) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "UPDATE outbox SET state = 'merged', merged_into = ?2
             WHERE (id = ?1 AND state = 'held') OR merged_into = ?1",
        )?;
        for id in held {
            statement.execute((id, into))?;
        }
        Ok(())
    }

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
            Delivered::Rejected { why } => self.record_failed(claimed, why, now),
            Delivered::ServerAway { why } => self.record_not_tried(claimed, why, now),
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
        if self.is_open(case)?
            && let Some(update) = deadline::restart_update(policy, now)
        {
            self.set_deadlines(case, &[update], &policy.version)?;
        }
        Ok(())
    }

    /// The cases that a letter speaks of, and whether it acknowledges them: its own, and those of the letters merged into it.
    fn cases_of_letter(&self, id: i64) -> Result<Vec<(i64, bool)>> {
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
        if uncertain && uncertain_times >= UNCERTAIN_AT_MOST {
            let why = format!("sent {uncertain_times} times and never confirmed: {why}");
            return self.record_failed(claimed, &why, now);
        }
        if self.is_too_old(claimed.id, now)? {
            let why = format!("given up after five days: {why}");
            return self.record_failed(claimed, &why, now);
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
        self.letter_event(claimed, "deferred", why, now)?;
        Ok(Fate::Again(next_at))
    }

    fn record_not_tried(&self, claimed: &Claimed, why: &str, now: DateTime<Utc>) -> Result<Fate> {
        if self.is_too_old(claimed.id, now)? {
            let why = format!("given up after five days: {why}");
            return self.record_failed(claimed, &why, now);
        }
        self.0
            .prepare_cached(
                "UPDATE outbox SET state = 'waiting', attempts = attempts - 1, next_at = ?2,
                     last_error = ?3
                 WHERE id = ?1",
            )?
            .execute(params![claimed.id, now.timestamp(), why])?;
        Ok(Fate::Again(now))
    }

    fn is_too_old(&self, id: i64, now: DateTime<Utc>) -> Result<bool> {
        let created_at: i64 = self
            .0
            .prepare_cached("SELECT created_at FROM outbox WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        Ok(now - instant(created_at) >= GIVE_UP_AFTER)
    }

    fn record_failed(&self, claimed: &Claimed, why: &str, now: DateTime<Utc>) -> Result<Fate> {
        self.0
            .prepare_cached("UPDATE outbox SET state = 'failed', last_error = ?2 WHERE id = ?1")?
            .execute((claimed.id, why))?;
        self.letter_event(claimed, "undeliverable", why, now)?;
        Ok(Fate::GivenUp(why.to_owned()))
    }

    /// One event on every case that the letter speaks of; on none, if it speaks of none.
    fn letter_event(
        &self,
        claimed: &Claimed,
        action: &str,
        why: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let detail = json!({"letter": claimed.kind, "outbox": claimed.id,
                            "attempts": claimed.attempts, "why": why});
        let cases = self.cases_of_letter(claimed.id)?;
        if cases.is_empty() {
            return self.event(now, &Actor::Daemon, action, None, detail);
        }
        for (case, _) in cases {
            self.event(now, &Actor::Daemon, action, Some(case), detail.clone())?;
        }
        Ok(())
    }

    /// When the next letter is due; `None`: the outbox is empty.
    pub fn next_due(&self) -> Result<Option<DateTime<Utc>>> {
        let next: Option<i64> = self
            .0
            .prepare_cached("SELECT min(next_at) FROM outbox WHERE state IN ('waiting', 'held')")?
            .query_row([], |row| row.get(0))?;
        Ok(next.map(instant))
    }

    /// When the next letter is due that was not tried yet and no cap holds.
    pub fn next_fresh(&self) -> Result<Option<DateTime<Utc>>> {
        let next: Option<i64> = self
            .0
            .prepare_cached(
                "SELECT min(next_at) FROM outbox WHERE state = 'waiting' AND attempts = 0",
            )?
            .query_row([], |row| row.get(0))?;
        Ok(next.map(instant))
    }

    /// Letters that were due by `now` and have not gone; held ones are not among them.
    pub fn overdue(&self, now: DateTime<Utc>) -> Result<i64> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT count(*) FROM outbox
                 WHERE state = 'sending' OR (state = 'waiting' AND (next_at <= ?1 OR attempts > 0))",
            )?
            .query_row([now.timestamp()], |row| row.get(0))?)
    }

    pub fn outbox_counts(&self) -> Result<OutboxCounts> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT count(*) FILTER (WHERE state IN ('waiting', 'sending')),
                        count(*) FILTER (WHERE state = 'held'),
                        count(*) FILTER (WHERE state = 'sent'),
                        count(*) FILTER (WHERE state = 'failed')
                 FROM outbox",
            )?
            .query_row([], |row| {
                Ok(OutboxCounts {
                    waiting: row.get(0)?,
                    held: row.get(1)?,
                    sent: row.get(2)?,
                    failed: row.get(3)?,
                })
            })?)
    }

    /// Letters that failed, are held, or were tried more than once; newest first, at most 50.
    pub fn troubled(&self) -> Result<Vec<Troubled>> {
        let mut statement = self.0.prepare_cached(
            "SELECT outbox.id, cases.number, messages.kind, outbox.state, outbox.attempts,
                    outbox.last_error, outbox.next_at
             FROM outbox
             JOIN messages ON messages.id = outbox.message_id
             LEFT JOIN cases ON cases.id = messages.case_id
             WHERE outbox.state IN ('failed', 'held')
                OR (outbox.state IN ('waiting', 'sending') AND outbox.attempts > 0)
             ORDER BY outbox.id DESC LIMIT 50",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Troubled {
                id: row.get(0)?,
                case: row.get(1)?,
                kind: row.get(2)?,
                state: row.get(3)?,
                attempts: row.get(4)?,
                last_error: row.get(5)?,
                next_at: instant(row.get(6)?),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

struct Due {
    id: i64,
    recipient: String,
    domain: String,
    automatic: bool,
}

/// What one letter has to say in place of several.
#[derive(Debug, Default)]
pub struct Held {
    pub ids: Vec<i64>,
    pub cases: Vec<(CaseFile, Digest)>,
    pub acknowledges: bool,
    pub attaches_key: bool,
    /// One of them was encrypted, so their successor must be.
    pub encrypted: bool,
}

/// The pause after so many attempts: from 20 seconds to four hours.
fn pause_after(attempts: u32) -> Duration {
    let minutes = match attempts {
        0 | 1 => return Duration::seconds(20),
        2 => 1,
        3 => 3,
        4 => 10,
        5 => 20,
        6 => 40,
        7 => 60,
        8 => 120,
        _ => 240,
    };
    Duration::minutes(minutes)
}
