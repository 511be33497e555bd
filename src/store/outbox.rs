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
use rusqlite::{Params, params};

use super::intake::to_i64;
use super::{Result, Tx, instant};
use crate::mail::message::{Attachment, Certificate, Digest, address_key, mailbox_key};
use crate::triage::decide::CaseRef;
use crate::triage::policy::DeadlineKind;

pub use self::joining::{Held, HeldCase};

mod claim;
mod joining;
mod outcome;

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
    pub audience: Audience,
    /// Met once the letter was accepted or is known to be undeliverable.
    pub meets: Option<DeadlineKind>,
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

/// Whom a letter is for. What the team gets is no word to the reporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Reporter,
    Team,
}

impl Audience {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reporter => "reporter",
            Self::Team => "team",
        }
    }
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
                     automatic, acknowledges, attaches_key, certificate, state, created_at, next_at,
                     audience, meets)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'waiting', ?10, ?11, ?12, ?13)",
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
                letter.audience.as_str(),
                letter.meets.map(DeadlineKind::as_str),
            ])?;
        Ok(self.0.last_insert_rowid())
    }

    /// Notes the files that go with a letter; it is named by what [`Self::enqueue`] gave.
    pub fn add_files(&self, letter: i64, files: &[Attachment]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let message = self
            .0
            .prepare_cached("SELECT message_id FROM outbox WHERE id = ?1")?
            .query_row([letter], |row| row.get(0))?;
        self.insert_attachments(message, files)
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
                // Each along its part of the index.
                "SELECT (SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')),
                        (SELECT count(*) FROM outbox WHERE state = 'held'),
                        (SELECT count(*) FROM outbox WHERE state = 'sent'),
                        (SELECT count(*) FROM outbox WHERE state = 'failed')",
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

    /// Letters that failed, came back, are held, or were tried more than once; newest first, at
    /// most 50.
    pub fn troubled(&self) -> Result<Vec<Troubled>> {
        self.troubled_where(
            // Each by its index: with OR, or to be merged, the whole table would be gone through.
            "outbox.id IN (SELECT id FROM outbox WHERE state IN ('failed', 'held')
                 UNION ALL SELECT id FROM outbox WHERE bounced_at > 0
                 UNION ALL SELECT id FROM outbox
                       WHERE state IN ('waiting', 'sending') AND attempts > 0)",
            [],
            50,
        )
    }

    /// Letters for which the condition holds, newest first. `+` and `CROSS` keep SQLite from going
    /// through all letters in that order, or through all mails.
    pub(super) fn troubled_where(
        &self,
        condition: &str,
        values: impl Params,
        at_most: usize,
    ) -> Result<Vec<Troubled>> {
        // Without the plus the whole table is gone through backwards, to be spared the sorting.
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT outbox.id, cases.number, messages.kind,
                    iif(outbox.bounced_at IS NULL, outbox.state, 'bounced'), outbox.attempts,
                    outbox.last_error, outbox.next_at
             FROM outbox
             CROSS JOIN messages ON messages.id = outbox.message_id
             LEFT JOIN cases ON cases.id = messages.case_id
             WHERE {condition}
             ORDER BY +outbox.id DESC LIMIT {at_most}",
        ))?;
        let rows = statement.query_map(values, |row| {
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
