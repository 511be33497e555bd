//! Several letters that a cap holds become one.

use chrono::{DateTime, Utc};

use super::claim::Due;
use crate::config::Limits;
use crate::mail::message::Digest;
use crate::store::cases::CaseFile;
use crate::store::{Result, Tx, optional};
use crate::triage::classify::Kind;
use crate::triage::decide::CaseRef;
use crate::triage::reply::Template;

/// Nobody can have such a letter yet; one that may have arrived goes again as it is.
const NEVER_LEFT: &str = "uncertain = 0 AND cut_short = 0";

impl Tx<'_> {
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

    /// What the encrypted letters that are held for an address are encrypted to.
    pub fn certificates_of_held(&self, recipient: &str) -> Result<Vec<Vec<u8>>> {
        let mut statement = self.0.prepare_cached(
            "SELECT DISTINCT certificate FROM outbox
             WHERE state = 'held' AND recipient = ?1 AND certificate IS NOT NULL",
        )?;
        let rows = statement.query_map([recipient], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
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
        let is_receipt =
            self.is(Template::Acknowledgement) || self.is(Template::AcknowledgementAgain);
        is_receipt && self.attaches_key && self.case_has_unread
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
