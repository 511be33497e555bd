//! Incoming mail: where it lay, what is known about it, and its record.

use chrono::{DateTime, Duration, Utc};
use rusqlite::params;
use std::collections::BTreeSet;
use std::io::Write;

use super::{Result, Tx, instant, optional};
use crate::mail::message::{Address, Attachment, Digest, Message, Signature};
use crate::mailbox::{Lane, Looks, Uid};
use crate::triage::decide::{CaseRef, Known, Questions};
use crate::triage::same::{self, Comparable, Sketch};

/// A mail over this size is written in pieces, so that no second copy of it is in memory.
const WRITTEN_IN_PIECES_ABOVE: usize = 256 * 1024;

/// Texts that have so much in common may tell of the same thing.
const ALIKE: f32 = 0.6;

/// Acknowledgements again count for so long.
const AGAIN_WINDOW: Duration = Duration::hours(24);

/// Where a mail lay. `folder` is the server's name for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// User and server, or the Maildir's path.
    pub mailbox: String,
    pub folder: String,
    pub validity: u32,
    pub uid: Uid,
}

/// How far a folder was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub validity: u32,
    pub uid: u32,
}

/// An incoming mail on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailIn {
    pub from: Option<String>,
    pub subject: String,
    pub kind: String,
    pub case: Option<String>,
    pub not_answered: Option<String>,
    pub encrypted: bool,
}

/// Earlier attempts at one mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Begun and never ended: the program died over it, or was killed.
    pub cut_short: u32,
    /// The server did not give it.
    pub refusals: u32,
    /// Not before.
    pub next_at: DateTime<Utc>,
}

/// Everything about an incoming mail that its record holds.
pub struct IncomingRecord<'a> {
    pub message: &'a Message,
    pub raw: &'a [u8],
    pub kind: &'a str,
    pub lane: Lane,
    pub received_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    pub case_id: Option<i64>,
    pub not_answered: Option<&'a str>,
    pub comparable: Option<&'a Comparable>,
}

impl Tx<'_> {
    /// The record of these very bytes, and its case.
    pub fn recorded(&self, digest: Digest) -> Result<Option<(i64, Option<i64>)>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT id, case_id FROM messages WHERE digest = ?1 AND direction = 'in'",
                )?
                .query_row([digest.0.as_slice()], |row| Ok((row.get(0)?, row.get(1)?))),
        )
    }

    /// What the records say about a mail, but for certificates: see [`Self::certificates_of`].
    pub fn known(
        &self,
        questions: &Questions,
        comparable: Option<&Comparable>,
        now: DateTime<Utc>,
    ) -> Result<Known> {
        let mut known = Known::default();
        if let Some(message_id) = &questions.message_id {
            self.known_as_ours(message_id, &mut known)?;
        }
        for message_id in &questions.refers_to {
            self.known_by_reference(message_id, questions, &mut known)?;
        }
        let Some(sender) = &questions.sender else {
            return Ok(known);
        };
        for number in &questions.names {
            if known.participant.is_none() {
                known.participant = self.case_of_participant(number, sender)?;
            }
        }
        if let Some(comparable) = comparable {
            known.same_report = self.same_report(sender, comparable)?;
            known.alike = self.alike(comparable)?;
            if let Some(case) = &known.same_report {
                known.acknowledged_again = self.acknowledged_again(case.id, now)?;
            }
        }
        Ok(known)
    }

    fn known_as_ours(&self, message_id: &str, known: &mut Known) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "SELECT cases.id, cases.number
             FROM messages LEFT JOIN cases ON cases.id = messages.case_id
             WHERE messages.message_id = ?1 AND messages.direction = 'out' LIMIT 1",
        )?;
        let mut rows = statement.query([message_id])?;
        if let Some(row) = rows.next()? {
            known.came_back = true;
            if let (Some(id), Some(number)) = (row.get(0)?, row.get(1)?) {
                known.answers_us = Some(CaseRef { id, number });
            }
        }
        Ok(())
    }

    fn known_by_reference(
        &self,
        message_id: &str,
        questions: &Questions,
        known: &mut Known,
    ) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "SELECT messages.direction, messages.from_email, messages.id, cases.id, cases.number,
                    outbox.audience
             FROM messages LEFT JOIN cases ON cases.id = messages.case_id
             LEFT JOIN outbox ON outbox.message_id = messages.id
             WHERE messages.message_id = ?1 ORDER BY messages.id LIMIT 20",
        )?;
        let mut rows = statement.query([message_id])?;
        while let Some(row) = rows.next()? {
            let ours = row.get::<_, String>(0)? == "out";
            let from: Option<String> = row.get(1)?;
            let case = match (row.get::<_, Option<i64>>(3)?, row.get(4)?) {
                (Some(id), Some(number)) => Some(CaseRef { id, number }),
                _ => None,
            };
            known.answers_notice |= row.get::<_, Option<String>>(5)?.as_deref() == Some("team");
            let by_sender = from.is_some() && from == questions.sender;
            match (ours, case) {
                (true, Some(case)) => {
                    known.answers_us.get_or_insert(case);
                }
                (true, None) => {
                    known.answers_letter = true;
                    if known.answers_us.is_none() {
                        known.answers_us = self.case_of_combined(row.get(2)?, &questions.names)?;
                    }
                }
                (false, case) => {
                    known.own_earlier_mail |= by_sender;
                    if let (Some(case), Some(sender), None) =
                        (case, &questions.sender, &known.participant)
                        && self.is_participant(case.id, sender)?
                    {
                        known.participant = Some(case);
                    }
                }
            }
        }
        Ok(())
    }

    /// Which case an answer to a combined letter concerns: the one it names, else the newest.
    fn case_of_combined(&self, letter: i64, names: &[String]) -> Result<Option<CaseRef>> {
        let mut statement = self.0.prepare_cached(
            "SELECT DISTINCT cases.id, cases.number
             FROM outbox AS combined
             JOIN outbox AS held ON held.merged_into = combined.id
             JOIN messages ON messages.id = held.message_id
             JOIN cases ON cases.id = messages.case_id
             WHERE combined.message_id = ?1 ORDER BY cases.id",
        )?;
        let cases: Vec<CaseRef> = statement
            .query_map([letter], case_ref)?
            .collect::<rusqlite::Result<_>>()?;
        let named = cases.iter().find(|case| names.contains(&case.number));
        Ok(named.or(cases.last()).cloned())
    }

    fn is_participant(&self, case_id: i64, email: &str) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached("SELECT 1 FROM participants WHERE case_id = ?1 AND email = ?2")?
            .exists((case_id, email))?)
    }

    fn case_of_participant(&self, number: &str, email: &str) -> Result<Option<CaseRef>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT cases.id, cases.number FROM cases
                     JOIN participants ON participants.case_id = cases.id
                     WHERE cases.number = ?1 AND participants.email = ?2",
                )?
                .query_row((number, email), case_ref),
        )
    }

    /// An earlier mail that was, or should have been, acknowledged. What a person adds to a case
    /// is not, and "any news?" may come twice.
    fn same_report(&self, sender: &str, comparable: &Comparable) -> Result<Option<CaseRef>> {
        let Some(exact) = comparable.exact else {
            return Ok(None);
        };
        optional(
            self.0
                .prepare_cached(
                    "SELECT cases.id, cases.number FROM messages
                     JOIN cases ON cases.id = messages.case_id
                     WHERE messages.comparable = ?1 AND messages.from_email = ?2
                       AND messages.direction = 'in'
                       AND messages.kind NOT IN ('reply', 'auto_reply', 'bounce', 'list')
                     ORDER BY messages.id LIMIT 1",
                )?
                .query_row((exact.0, sender), case_ref),
        )
    }

    /// How many mails that were sent again for this case were answered lately.
    fn acknowledged_again(&self, case_id: i64, now: DateTime<Utc>) -> Result<u32> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT count(*) FROM messages
                 WHERE case_id = ?1 AND direction = 'in' AND kind = 'resend'
                   AND not_answered IS NULL AND recorded_at > ?2",
            )?
            .query_row((case_id, (now - AGAIN_WINDOW).timestamp()), |row| {
                row.get(0)
            })?)
    }

    /// Cases whose opening mail has much the same text, most alike first; at most five.
    fn alike(&self, comparable: &Comparable) -> Result<Vec<(CaseRef, f32)>> {
        let Some(sketch) = &comparable.sketch else {
            return Ok(Vec::new());
        };
        let mut alike = Vec::new();
        for message in self.sharing_a_band(sketch)? {
            if let Some((case, likeness)) = self.likeness(message, sketch)? {
                alike.push((case, likeness));
            }
        }
        alike.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        alike.truncate(5);
        Ok(alike)
    }

    /// Opening mails that share a band with the sketch: candidates; the newest 200 of each band.
    fn sharing_a_band(&self, sketch: &Sketch) -> Result<BTreeSet<i64>> {
        let mut statement = self.0.prepare_cached(
            "SELECT message_id FROM sketches WHERE band = ?1 AND hash = ?2
             ORDER BY message_id DESC LIMIT 200",
        )?;
        let mut candidates = BTreeSet::new();
        for (band, hash) in sketch.bands().iter().enumerate() {
            for message in statement.query_map((band as i64, i64::from(*hash)), |row| row.get(0))? {
                candidates.insert(message?);
            }
        }
        Ok(candidates)
    }

    fn likeness(&self, message: i64, sketch: &Sketch) -> Result<Option<(CaseRef, f32)>> {
        let found = optional(
            self.0
                .prepare_cached(
                    "SELECT cases.id, cases.number, messages.sketch FROM messages
                     JOIN cases ON cases.id = messages.case_id WHERE messages.id = ?1",
                )?
                .query_row([message], |row| {
                    Ok((case_ref(row)?, row.get::<_, Option<Vec<u8>>>(2)?))
                }),
        )?;
        Ok(found.and_then(|(case, bytes)| {
            let likeness = same::similarity(sketch, &Sketch::from_bytes(&bytes?)?);
            (likeness >= ALIKE).then_some((case, likeness))
        }))
    }

    /// Writes the record of one incoming mail, with its bytes.
    pub fn record_incoming(&self, record: &IncomingRecord<'_>) -> Result<i64> {
        let message = record.message;
        let to: Vec<&str> = message
            .to
            .iter()
            .chain(&message.cc)
            .map(|address| address.email.as_str())
            .collect();
        self.0
            .prepare_cached(
                "INSERT INTO messages (case_id, direction, kind, digest, size, received_at,
                     recorded_at, message_id, date, from_name, from_email, to_emails, subject,
                     text, encrypted, decrypted, failure, lane, not_answered, comparable, sketch)
                 VALUES (?1, 'in', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                     ?16, ?17, ?18, ?19, ?20)",
            )?
            .execute(params![
                record.case_id,
                record.kind,
                message.digest.0.as_slice(),
                to_i64(message.size),
                record.received_at.timestamp(),
                record.recorded_at.timestamp(),
                message.message_id,
                message.date.map(|date| date.timestamp()),
                message.from.as_ref().and_then(|from| from.name.as_deref()),
                message.from.as_ref().map(Address::key),
                serde_json::to_string(&to).unwrap_or_default(),
                message.subject,
                message.text,
                message.openpgp.encrypted,
                message.openpgp.decrypted,
                message.openpgp.failure.map(|failure| failure.as_str()),
                record.lane.as_str(),
                record.not_answered,
                record
                    .comparable
                    .and_then(|comparable| comparable.exact)
                    .map(|exact| exact.0),
                record
                    .comparable
                    .and_then(|comparable| comparable.sketch.as_ref())
                    .map(Sketch::to_bytes),
            ])?;
        let id = self.0.last_insert_rowid();
        self.keep_bytes(id, record.raw)?;
        self.insert_attachments(id, &message.attachments)?;
        self.insert_signatures(id, &message.openpgp.signatures)?;
        Ok(id)
    }

    /// Keeps the bytes of a mail, in or out.
    pub(super) fn keep_bytes(&self, message: i64, bytes: &[u8]) -> Result<()> {
        if bytes.len() <= WRITTEN_IN_PIECES_ABOVE {
            self.0
                .prepare_cached("INSERT INTO raw_mails (message_id, bytes) VALUES (?1, ?2)")?
                .execute((message, bytes))?;
            return Ok(());
        }
        self.0
            .prepare_cached("INSERT INTO raw_mails (message_id, bytes) VALUES (?1, zeroblob(?2))")?
            .execute((message, to_i64(bytes.len() as u64)))?;
        let mut blob = self
            .0
            .blob_open(rusqlite::MAIN_DB, "raw_mails", "bytes", message, false)?;
        for piece in bytes.chunks(WRITTEN_IN_PIECES_ABOVE) {
            blob.write_all(piece)?;
        }
        blob.close()?;
        Ok(())
    }

    pub(super) fn insert_attachments(
        &self,
        message: i64,
        attachments: &[Attachment],
    ) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "INSERT INTO attachments (message_id, position, name, media_type, size, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (position, attachment) in attachments.iter().enumerate() {
            statement.execute(params![
                message,
                position as i64,
                attachment.name,
                attachment.media_type,
                to_i64(attachment.size),
                attachment.digest.0.as_slice(),
            ])?;
        }
        Ok(())
    }

    fn insert_signatures(&self, message: i64, signatures: &[Signature]) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "INSERT INTO signatures (message_id, position, status, fingerprint, covers)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for (position, signature) in signatures.iter().enumerate() {
            statement.execute(params![
                message,
                position as i64,
                signature.status.as_str(),
                signature.fingerprint,
                signature.covers.as_str(),
            ])?;
        }
        Ok(())
    }

    /// Makes the mail findable by texts that are much like it.
    pub fn remember_sketch(&self, message: i64, comparable: &Comparable) -> Result<()> {
        let Some(sketch) = &comparable.sketch else {
            return Ok(());
        };
        let mut statement = self
            .0
            .prepare_cached("INSERT INTO sketches (message_id, band, hash) VALUES (?1, ?2, ?3)")?;
        for (band, hash) in sketch.bands().iter().enumerate() {
            statement.execute((message, band as i64, i64::from(*hash)))?;
        }
        Ok(())
    }

    /// Notes where a recorded mail lay, in place of what was there before. `filed`: nothing is left
    /// to be done with it there.
    pub fn remember_origin(
        &self,
        place: &Place,
        looks: Looks,
        message: i64,
        filed: Option<DateTime<Utc>>,
    ) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO origins (mailbox, folder, validity, uid, size, arrived_at,
                     message_id, filed_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (mailbox, folder, validity, uid)
                 DO UPDATE SET size = excluded.size, arrived_at = excluded.arrived_at,
                     message_id = excluded.message_id, filed_at = excluded.filed_at",
            )?
            .execute(params![
                place.mailbox,
                place.folder,
                place.validity,
                place.uid,
                to_i64(looks.size),
                looks.received_at.timestamp(),
                message,
                filed.map(|at| at.timestamp()),
            ])?;
        self.forget_attempts(place)
    }

    /// The first incoming mail with this Message-ID that is not this one.
    pub fn digest_under(&self, message_id: &str, other_than: Digest) -> Result<Option<Digest>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT digest FROM messages
                     WHERE message_id = ?1 AND direction = 'in' AND digest <> ?2
                     ORDER BY id LIMIT 1",
                )?
                .query_row((message_id, other_than.0.as_slice()), |row| {
                    Ok(Digest(row.get(0)?))
                }),
        )
    }

    /// Is a mail recorded that lay at this place? `looks`: one of these, for a server that was set
    /// back to an older state gives the UIDs since then to other mails.
    pub fn is_recorded_at(&self, place: &Place, looks: Option<Looks>) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT 1 FROM origins
                 WHERE mailbox = ?1 AND folder = ?2 AND validity = ?3 AND uid = ?4
                   AND (?5 IS NULL OR (size = ?5 AND arrived_at = ?6))",
            )?
            .exists(params![
                place.mailbox,
                place.folder,
                place.validity,
                place.uid,
                looks.map(|looks| to_i64(looks.size)),
                looks.map(|looks| looks.received_at.timestamp()),
            ])?)
    }

    /// Is this place recorded, and the mail there still to be moved or marked?
    pub fn is_unfiled(&self, place: &Place) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT 1 FROM origins
                 WHERE mailbox = ?1 AND folder = ?2 AND validity = ?3 AND uid = ?4
                   AND filed_at IS NULL",
            )?
            .exists(params![
                place.mailbox,
                place.folder,
                place.validity,
                place.uid
            ])?)
    }

    /// Recorded mails of a folder that still have to be moved or marked, at most 1,000.
    pub fn unfiled(&self, mailbox: &str, folder: &str) -> Result<Vec<(u32, Uid)>> {
        let mut statement = self.0.prepare_cached(
            "SELECT validity, uid FROM origins
             WHERE mailbox = ?1 AND folder = ?2 AND filed_at IS NULL LIMIT 1000",
        )?;
        let rows = statement.query_map((mailbox, folder), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub fn mark_filed(
        &self,
        mailbox: &str,
        folder: &str,
        validity: u32,
        uids: &[Uid],
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "UPDATE origins SET filed_at = ?5
             WHERE mailbox = ?1 AND folder = ?2 AND validity = ?3 AND uid = ?4",
        )?;
        for uid in uids {
            statement.execute(params![mailbox, folder, validity, uid, now.timestamp()])?;
        }
        Ok(())
    }

    pub fn cursor(&self, mailbox: &str, folder: &str) -> Result<Option<Cursor>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT validity, uid FROM cursors WHERE mailbox = ?1 AND folder = ?2",
                )?
                .query_row((mailbox, folder), |row| {
                    Ok(Cursor {
                        validity: row.get(0)?,
                        uid: row.get(1)?,
                    })
                }),
        )
    }

    /// Mails of this mailbox were recorded.
    pub fn has_read(&self, mailbox: &str) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM cursors WHERE mailbox = ?1)")?
            .query_row([mailbox], |row| row.get(0))?)
    }

    pub fn set_cursor(&self, mailbox: &str, folder: &str, cursor: Cursor) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO cursors (mailbox, folder, validity, uid) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (mailbox, folder)
                 DO UPDATE SET validity = excluded.validity, uid = excluded.uid",
            )?
            .execute(params![mailbox, folder, cursor.validity, cursor.uid])?;
        Ok(())
    }

    /// Counts an attempt at a mail before it begins.
    pub fn begin_attempt(&self, place: &Place) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO intake_attempts (mailbox, folder, validity, uid, attempts, next_at)
                 VALUES (?1, ?2, ?3, ?4, 1, 0)
                 ON CONFLICT (mailbox, folder, validity, uid)
                 DO UPDATE SET attempts = attempts + 1",
            )?
            .execute(params![
                place.mailbox,
                place.folder,
                place.validity,
                place.uid
            ])?;
        Ok(())
    }

    /// What is known of earlier attempts at a mail.
    pub fn attempts(&self, place: &Place) -> Result<Attempts> {
        let found = optional(
            self.0
                .prepare_cached(
                    "SELECT attempts, refusals, next_at FROM intake_attempts
                     WHERE mailbox = ?1 AND folder = ?2 AND validity = ?3 AND uid = ?4",
                )?
                .query_row(
                    params![place.mailbox, place.folder, place.validity, place.uid],
                    |row| {
                        Ok(Attempts {
                            cut_short: row.get(0)?,
                            refusals: row.get(1)?,
                            next_at: instant(row.get(2)?),
                        })
                    },
                ),
        )?;
        Ok(found.unwrap_or_default())
    }

    /// The server did not give the mail: the attempt ended, and the next one waits until `next_at`.
    pub fn refused(&self, place: &Place, next_at: DateTime<Utc>, error: &str) -> Result<()> {
        self.0
            .prepare_cached(
                "UPDATE intake_attempts
                 SET attempts = max(attempts - 1, 0), refusals = refusals + 1, next_at = ?5, error = ?6
                 WHERE mailbox = ?1 AND folder = ?2 AND validity = ?3 AND uid = ?4",
            )?
            .execute(params![
                place.mailbox,
                place.folder,
                place.validity,
                place.uid,
                next_at.timestamp(),
                error,
            ])?;
        Ok(())
    }

    /// The daemon was stopped in the middle of an attempt: nobody died over that mail. Its end may
    /// have been noted just before.
    pub fn take_back_attempt(&self, place: &Place) -> Result<()> {
        self.0
            .prepare_cached(
                "UPDATE intake_attempts SET attempts = max(attempts - 1, 0)
                 WHERE mailbox = ?1 AND folder = ?2 AND validity = ?3 AND uid = ?4",
            )?
            .execute(params![
                place.mailbox,
                place.folder,
                place.validity,
                place.uid
            ])?;
        Ok(())
    }

    /// The mail is recorded or gone from its folder: there is nothing to attempt any more.
    pub fn forget_attempts(&self, place: &Place) -> Result<()> {
        self.0
            .prepare_cached(
                "DELETE FROM intake_attempts
                 WHERE mailbox = ?1 AND folder = ?2 AND validity = ?3 AND uid = ?4",
            )?
            .execute(params![
                place.mailbox,
                place.folder,
                place.validity,
                place.uid
            ])?;
        Ok(())
    }

    /// Forgets attempts at mails of a folder that are not there any more.
    pub fn forget_vanished(
        &self,
        mailbox: &str,
        folder: &str,
        validity: u32,
        present: &BTreeSet<&str>,
    ) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "SELECT validity, uid FROM intake_attempts WHERE mailbox = ?1 AND folder = ?2",
        )?;
        let rows = statement.query_map((mailbox, folder), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let attempted: Vec<(u32, Uid)> = rows.collect::<rusqlite::Result<_>>()?;
        for (known_validity, uid) in attempted {
            if known_validity != validity || !present.contains(uid.as_str()) {
                self.forget_attempts(&Place {
                    mailbox: mailbox.to_owned(),
                    folder: folder.to_owned(),
                    validity: known_validity,
                    uid,
                })?;
            }
        }
        Ok(())
    }

    /// The newest incoming mails, those of no case too, in order of receipt.
    pub fn mails_in(&self, at_most: u32) -> Result<Vec<MailIn>> {
        let mut statement = self.0.prepare_cached(
            "SELECT from_email, subject, kind, number, not_answered, encrypted FROM (
                 SELECT messages.from_email, messages.subject, messages.kind, cases.number,
                        messages.not_answered, messages.encrypted, messages.received_at,
                        messages.id
                 FROM messages LEFT JOIN cases ON cases.id = messages.case_id
                 WHERE messages.direction = 'in'
                 ORDER BY messages.received_at DESC, messages.id DESC LIMIT ?1)
             ORDER BY received_at, id",
        )?;
        let rows = statement.query_map([at_most], |row| {
            Ok(MailIn {
                from: row.get(0)?,
                subject: row.get(1)?,
                kind: row.get(2)?,
                case: row.get(3)?,
                not_answered: row.get(4)?,
                encrypted: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Mails that the server would not give so far.
    pub fn unfetched(&self) -> Result<Vec<(Place, u32, Option<String>)>> {
        let mut statement = self.0.prepare_cached(
            "SELECT mailbox, folder, validity, uid, refusals, error FROM intake_attempts
             WHERE error IS NOT NULL ORDER BY rowid LIMIT 100",
        )?;
        let rows = statement.query_map([], |row| {
            Ok((
                Place {
                    mailbox: row.get(0)?,
                    folder: row.get(1)?,
                    validity: row.get(2)?,
                    uid: row.get(3)?,
                },
                row.get(4)?,
                row.get(5)?,
            ))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn case_ref(row: &rusqlite::Row<'_>) -> rusqlite::Result<CaseRef> {
    Ok(CaseRef {
        id: row.get(0)?,
        number: row.get(1)?,
    })
}

/// Sizes fit; SQLite's integers are signed.
pub(super) fn to_i64(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
