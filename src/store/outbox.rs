//! The outbox: committed letters, and what became of each.
//!
//! ```text
//! waiting -> sending -> sent
//!    ^          |-----> failed      5yz, five days over, three times uncertain, ten times cut short
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
use crate::mail::message::{Certificate, Digest, address_key, mailbox_key};
use crate::triage::classify::Kind;
use crate::triage::deadline;
use crate::triage::decide::CaseRef;
use crate::triage::policy::{AcknowledgedBy, DeadlineKind, Policy};
use crate::triage::reply::Template;

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
    /// Of the recipient, where it is encrypted.
    pub certificate: Option<Certificate>,
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
    /// How often the server broke off at this letter before it had judged it.
    pub broken_off: u32,
}

/// A letter whose attempt was cut short, and what follows for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    pub id: i64,
    pub case: Option<String>,
    pub kind: String,
    pub cut_short: u32,
    pub fate: Fate,
}

impl Recovered {
    pub fn is_given_up(&self) -> bool {
        matches!(self.fate, Fate::GivenUp(_))
    }
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
    /// The server let us in and broke off at this letter before it had judged it: no attempt
    /// either, but it is remembered.
    BrokenOff {
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

/// A letter is given up so long after its first attempt.
const GIVE_UP_AFTER: Duration = Duration::days(5);
/// So many attempts that a crash cut short are repeated at once; a letter that was cut short more
/// often may be what we die of: it waits, and goes alone and after all others.
const REPEATED_AT_ONCE: u32 = 3;
/// A letter is given up after so many attempts that were cut short.
const CUT_SHORT_AT_MOST: u32 = 10;
/// An uncertain letter is sent so many times at most.
const UNCERTAIN_AT_MOST: u32 = 3;
/// Automatic letters count toward the caps for so long.
const CAP_WINDOW: Duration = Duration::hours(24);
/// Nobody can have such a letter yet; one that may have arrived goes again as it is.
const NEVER_LEFT: &str = "uncertain = 0 AND cut_short = 0";
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
        let mailbox = mailbox_key(&letter.recipient);
        let domain = mailbox.rsplit_once('@').map_or("", |(_, domain)| domain);
        self.0
            .prepare_cached(
                "INSERT INTO outbox (message_id, recipient, mailbox, domain, envelope_from,
                     automatic, acknowledges, attaches_key, certificate, state, created_at, next_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'waiting', ?10, ?11)",
            )?
            .execute(params![
                message,
                address_key(&letter.recipient),
                mailbox,
                domain,
                letter.envelope_from,
                letter.automatic,
                letter.acknowledges,
                letter.attaches_key,
                letter.certificate.as_ref().map(|it| it.bytes.as_slice()),
                letter.written_at.timestamp(),
                letter.not_before.timestamp(),
            ])?;
        Ok(self.0.last_insert_rowid())
    }

    /// Takes up the attempts that a crash cut short: the first few of a letter are repeated at
    /// once, later ones after growing pauses, and at last it is given up.
    pub fn recover_outbox(&self, now: DateTime<Utc>) -> Result<Vec<Recovered>> {
        let mut statement = self.0.prepare_cached(
            "SELECT outbox.id, cases.number, messages.kind, outbox.cut_short + 1
             FROM outbox
             JOIN messages ON messages.id = outbox.message_id
             LEFT JOIN cases ON cases.id = messages.case_id
             WHERE outbox.state = 'sending' ORDER BY outbox.id",
        )?;
        let cut_short: Vec<(i64, Option<String>, String, u32)> = statement
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        cut_short
            .into_iter()
            .map(|(id, case, kind, cut_short)| {
                Ok(Recovered {
                    id,
                    case,
                    kind,
                    cut_short,
                    fate: self.recover(id, cut_short, now)?,
                })
            })
            .collect()
    }

    fn recover(&self, id: i64, cut_short: u32, now: DateTime<Utc>) -> Result<Fate> {
        self.0.execute(
            "UPDATE outbox SET cut_short = ?2 WHERE id = ?1",
            (id, cut_short),
        )?;
        if cut_short >= CUT_SHORT_AT_MOST {
            let why = format!("given up: {cut_short} attempts were cut short by a restart");
            return self.record_failed(id, &why, now);
        }
        let late = cut_short.saturating_sub(REPEATED_AT_ONCE);
        if late > 0 && self.is_too_old(id, now)? {
            let why = "given up after five days: the attempt was cut short by a restart";
            return self.record_failed(id, why, now);
        }
        let next_at = match late {
            0 => now,
            late => now + pause_after(late),
        };
        self.0.execute(
            "UPDATE outbox SET state = 'waiting', next_at = ?2,
                 last_error = 'the attempt was cut short by a restart'
             WHERE id = ?1",
            (id, next_at.timestamp()),
        )?;
        Ok(Fate::Again(next_at))
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
                break;
            }
            // Each of them leaves the due ones here, so this ends.
            for due in due {
                if claimed.len() >= at_most {
                    return Ok(claimed);
                }
                claimed.extend(self.begin_or_hold(&due, limits, now)?);
            }
        }
        if claimed.is_empty() && at_most > 0 {
            claimed.extend(self.claim_suspect(limits, now)?);
        }
        Ok(claimed)
    }

    /// One letter that we may have died of: alone in our hands, so that no other dies with it.
    fn claim_suspect(&self, limits: &Limits, now: DateTime<Utc>) -> Result<Option<Claimed>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT id, recipient, mailbox, domain, automatic FROM outbox
             WHERE state IN ('waiting', 'held') AND next_at <= ?1 AND cut_short > {REPEATED_AT_ONCE}
             ORDER BY next_at, id"
        ))?;
        let suspects: Vec<Due> = statement
            .query_map([now.timestamp()], Due::read)?
            .collect::<rusqlite::Result<_>>()?;
        for due in suspects {
            if let Some(claimed) = self.begin_or_hold(&due, limits, now)? {
                return Ok(Some(claimed));
            }
        }
        Ok(None)
    }

    fn begin_or_hold(
        &self,
        due: &Due,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<Option<Claimed>> {
        match self.held_until(due, limits, now)? {
            Some(until) => self.hold(due.id, until).map(|()| None),
            None => self.begin(due, now).map(Some),
        }
    }

    fn due(&self, now: DateTime<Utc>) -> Result<Vec<Due>> {
        let half = |state| {
            format!(
                "SELECT * FROM (SELECT * FROM outbox
                     WHERE state = '{state}' AND next_at <= ?1 AND cut_short <= {REPEATED_AT_ONCE}
                     ORDER BY next_at, id LIMIT {LOOKED_AT})"
            )
        };
        let mut statement = self.0.prepare_cached(&format!(
            // Each half comes in the order of its index: a long queue is not sorted each time.
            "SELECT id, recipient, mailbox, domain, automatic FROM ({} UNION ALL {})
             ORDER BY next_at, id LIMIT {LOOKED_AT}",
            half("waiting"),
            half("held"),
        ))?;
        let rows = statement.query_map([now.timestamp()], Due::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn begin(&self, due: &Due, now: DateTime<Utc>) -> Result<Claimed> {
        self.0
            .prepare_cached(
                "UPDATE outbox SET state = 'sending', attempts = attempts + 1,
                     first_attempt_at = coalesce(first_attempt_at, ?2)
                 WHERE id = ?1",
            )?
            .execute((due.id, now.timestamp()))?;
        Ok(self
            .0
            .prepare_cached(
                "SELECT outbox.id, cases.id, cases.number, messages.kind, outbox.recipient,
                        outbox.envelope_from, raw_mails.bytes, outbox.attempts, outbox.broken_off
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
                    broken_off: row.get(8)?,
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
                "mailbox = ?1",
                due.mailbox.as_str(),
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
        // The copy that has to leave the window is the cap-th newest; one in the
        // air may be accepted any moment and counts as if it were.
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT left_at AS at FROM copies WHERE {which} AND left_at > ?2
             UNION ALL
             SELECT ?3 FROM outbox WHERE {which} AND automatic = 1 AND state = 'sending'
             ORDER BY at DESC LIMIT 1 OFFSET ?4"
        ))?;
        let newest = optional(
            statement.query_row(params![value, since, now.timestamp(), cap - 1], |row| {
                row.get::<_, i64>(0)
            }),
        )?;
        Ok(newest.map(|at| instant(at) + CAP_WINDOW))
    }

    /// At most so many copies count toward a cap: counted in an index alone, which costs little
    /// and nearly always tells that the cap is far away.
    fn letters_since(&self, which: &str, value: &str, since: i64) -> Result<i64> {
        Ok(self
            .0
            .prepare_cached(&format!(
                "SELECT (SELECT count(*) FROM copies WHERE {which} AND left_at > ?2)
                      + (SELECT count(*) FROM outbox WHERE state = 'sending')"
            ))?
            .query_row((value, since), |row| row.get(0))?)
    }

    /// A copy of the letter was accepted, or perhaps accepted: it counts toward the caps.
    fn copy_left(&self, id: i64, now: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO copies (outbox_id, mailbox, domain, left_at)
                 SELECT id, mailbox, domain, ?2 FROM outbox WHERE id = ?1 AND automatic = 1",
            )?
            .execute((id, now.timestamp()))?;
        Ok(())
    }

    fn hold(&self, id: i64, until: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached("UPDATE outbox SET state = 'held', next_at = ?2 WHERE id = ?1")?
            .execute((id, until.timestamp()))?;
        Ok(())
    }

    /// Addresses with several held letters of which one may go now.
    pub fn held_together(&self, limits: &Limits, now: DateTime<Utc>) -> Result<Vec<String>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT min(id), recipient, mailbox, domain, 1 FROM outbox
             WHERE state = 'held' AND {NEVER_LEFT}
             GROUP BY recipient HAVING count(*) > 1 AND min(next_at) <= ?1 LIMIT 100",
        ))?;
        let rows = statement.query_map([now.timestamp()], Due::read)?;
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
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT id FROM outbox WHERE state = 'held' AND recipient = ?1 AND {NEVER_LEFT}
             ORDER BY id LIMIT 100",
        ))?;
        let mut held = Held {
            ids: statement
                .query_map([recipient], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?,
            ..Held::default()
        };
        for id in held.ids.clone() {
            for letter in self.letters_in(id)? {
                self.add_to_held(&mut held, &letter)?;
            }
        }
        Ok(held)
    }

    /// The letters that answer a mail each: this one, or those in whose place it was written.
    fn letters_in(&self, id: i64) -> Result<Vec<HeldLetter>> {
        let mut statement = self.0.prepare_cached(
            "SELECT messages.case_id, messages.kind, messages.encrypted, outbox.acknowledges,
                    outbox.attaches_key, cases.kind,
                    EXISTS (SELECT 1 FROM messages AS mail
                            WHERE mail.case_id = messages.case_id AND mail.direction = 'in'
                              AND mail.failure IS NOT NULL)
             FROM outbox
             JOIN messages ON messages.id = outbox.message_id
             LEFT JOIN cases ON cases.id = messages.case_id
             WHERE outbox.merged_into = ?1
                OR (outbox.id = ?1
                    AND NOT EXISTS (SELECT 1 FROM outbox AS one WHERE one.merged_into = ?1))
             ORDER BY outbox.id",
        )?;
        let rows = statement.query_map([id], |row| {
            Ok(HeldLetter {
                case_id: row.get(0)?,
                kind: row.get(1)?,
                encrypted: row.get(2)?,
                acknowledges: row.get(3)?,
                attaches_key: row.get(4)?,
                case_kind: row.get(5)?,
                case_has_unread: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn add_to_held(&self, held: &mut Held, letter: &HeldLetter) -> Result<()> {
        held.acknowledges |= letter.acknowledges;
        held.encrypted |= letter.encrypted || letter.is(Template::Notice);
        held.attaches_key |= letter.attaches_key;
        held.attaches_key_in_clear |= letter.attaches_key_in_clear();
        let Some(case_id) = letter.case_id else {
            return Ok(());
        };
        let known = held.cases.iter_mut().find(|it| it.file.case.id == case_id);
        if let Some(known) = known {
            known.unreadable |= letter.is_of_unreadable();
            return Ok(());
        }
        let case = self.case_by_id(case_id)?;
        held.cases.push(HeldCase {
            file: self.case_file(&case)?,
            digest: self.digest_of_first(case_id)?,
            unreadable: letter.is_of_unreadable(),
        });
        Ok(())
    }

    /// The certificate of the newest encrypted letter that is held for an address.
    pub fn certificate_of_held(&self, recipient: &str) -> Result<Option<Vec<u8>>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT certificate FROM outbox
                     WHERE state = 'held' AND recipient = ?1 AND certificate IS NOT NULL
                     ORDER BY id DESC LIMIT 1",
                )?
                .query_row([recipient], |row| row.get(0)),
        )
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

    /// Of the case's first mail; a too large one is not known by a digest that its sender could check.
    fn digest_of_first(&self, case_id: i64) -> Result<Option<Digest>> {
        let is_too_large = self
            .0
            .prepare_cached("SELECT 1 FROM labels WHERE case_id = ?1 AND label = 'too_large'")?
            .exists([case_id])?;
        if is_too_large {
            return Ok(None);
        }
        optional(
            self.0
                .prepare_cached(
                    "SELECT digest FROM messages WHERE case_id = ?1 AND direction = 'in'
                     ORDER BY id LIMIT 1",
                )?
                .query_row([case_id], |row| Ok(Digest(row.get(0)?))),
        )
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
    fn is_too_old(&self, id: i64, now: DateTime<Utc>) -> Result<bool> {
        let first_attempt_at: Option<i64> = self
            .0
            .prepare_cached("SELECT first_attempt_at FROM outbox WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        Ok(first_attempt_at.is_some_and(|at| now - instant(at) >= GIVE_UP_AFTER))
    }

    fn record_failed(&self, id: i64, why: &str, now: DateTime<Utc>) -> Result<Fate> {
        self.0
            .prepare_cached("UPDATE outbox SET state = 'failed', last_error = ?2 WHERE id = ?1")?
            .execute((id, why))?;
        self.letter_event(id, "undeliverable", why, now)?;
        Ok(Fate::GivenUp(why.to_owned()))
    }

    /// One event on every case that the letter speaks of; on none, if it speaks of none.
    fn letter_event(&self, id: i64, action: &str, why: &str, now: DateTime<Utc>) -> Result<()> {
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
    mailbox: String,
    domain: String,
    automatic: bool,
}

impl Due {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            recipient: row.get(1)?,
            mailbox: row.get(2)?,
            domain: row.get(3)?,
            automatic: row.get(4)?,
        })
    }
}

/// Of a letter that answers one mail: what another in its place must know.
struct HeldLetter {
    case_id: Option<i64>,
    kind: String,
    encrypted: bool,
    acknowledges: bool,
    attaches_key: bool,
    case_kind: Option<String>,
    /// Some mail of the case was not read, or not as a whole.
    case_has_unread: bool,
}

impl HeldLetter {
    fn is(&self, template: Template) -> bool {
        self.kind == template.as_str()
    }

    /// It tells that a mail or a part of one could not be read, or is the notice that went in place
    /// of such a letter.
    fn is_of_unreadable(&self) -> bool {
        let notice_of_it = self.is(Template::Notice)
            && self.attaches_key
            && self.case_kind.as_deref() == Some(Kind::Unreadable.as_str());
        self.is(Template::Unreadable) || notice_of_it || self.is_of_unread_part()
    }

    fn is_of_unread_part(&self) -> bool {
        self.is(Template::Acknowledgement) && self.attaches_key && self.case_has_unread
    }

    fn attaches_key_in_clear(&self) -> bool {
        let asked_in_clear =
            self.is(Template::Unreadable) || self.is(Template::Key) || self.is_of_unread_part();
        self.attaches_key && (asked_in_clear || !self.encrypted)
    }
}

/// What one letter has to say in place of several.
#[derive(Debug, Default)]
pub struct Held {
    pub ids: Vec<i64>,
    pub cases: Vec<HeldCase>,
    pub acknowledges: bool,
    pub attaches_key: bool,
    /// One of them brings the key for a reason that may be seen: a request in clear, or a mail
    /// that was not read. That a ciphertext asks for it may not.
    pub attaches_key_in_clear: bool,
    /// One of them was encrypted, or would have been but for the certificate, so their successor
    /// must be.
    pub encrypted: bool,
}

/// One case of which held letters speak.
#[derive(Debug)]
pub struct HeldCase {
    pub file: CaseFile,
    /// `None`: of a too large mail.
    pub digest: Option<Digest>,
    /// A mail of it, or a part of one, could not be read, and its sender is to be told.
    pub unreadable: bool,
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
