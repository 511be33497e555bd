//! What the team is to hear at once: written in the transaction of what it tells of, told by the
//! clock.
//!
//! Always "not told yet", never "new since": an outage delays a notice and loses none.

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

use super::cases::{CaseView, Evidence, MessageView};
use super::deadlines::{ABOUT, About, about};
use super::{Result, Tx, instant, optional};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TidingKind {
    /// A case was opened.
    Report,
    /// A person wrote to a case.
    FollowUp,
    /// A mail could not be read.
    Unreadable,
    /// A letter to a reporter does not arrive.
    Undeliverable,
    /// Commands were refused too often.
    Refused,
}

impl TidingKind {
    /// In the order in which they are told.
    pub const ALL: [Self; 5] = [
        Self::Report,
        Self::FollowUp,
        Self::Unreadable,
        Self::Undeliverable,
        Self::Refused,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::FollowUp => "follow_up",
            Self::Unreadable => "unreadable",
            Self::Undeliverable => "undeliverable",
            Self::Refused => "refused",
        }
    }
}

/// Something that happened just now.
#[derive(Clone, Copy, Debug)]
pub struct NewTiding<'a> {
    pub kind: TidingKind,
    /// `None`: it concerns no case.
    pub case: Option<i64>,
    /// The mail that came, or the letter that does not arrive.
    pub message: Option<i64>,
    /// Report: why its severity is suggested. Undeliverable: the server's words. Unreadable: why it
    /// could not be handled. Refused: who tried what, a line each.
    pub because: Option<&'a str>,
}

/// Something that nobody was told yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiding {
    pub id: i64,
    pub kind: TidingKind,
    pub about: Option<About>,
    pub message: Option<i64>,
    pub because: Option<String>,
    pub arose_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostLetter {
    pub kind: String,
    pub to: String,
    /// No person caused it.
    pub automatic: bool,
    pub encrypted: bool,
}

/// How much of one kind was told lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToldLately {
    /// Mails that told one or several.
    pub mails: usize,
    /// Those of them that came after a pause, for so many came.
    pub paced: usize,
    /// `None`: nothing was.
    pub last_at: Option<DateTime<Utc>>,
}

impl Tx<'_> {
    pub fn add_tiding(&self, new: &NewTiding<'_>, now: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO tidings (kind, case_id, message_id, because, arose_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                new.kind.as_str(),
                new.case,
                new.message,
                new.because,
                now.timestamp()
            ])?;
        Ok(())
    }

    /// What nobody was told yet, the oldest first; at most so many.
    pub fn tidings_untold(&self, kind: TidingKind, at_most: usize) -> Result<Vec<Tiding>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT tidings.id, tidings.message_id, tidings.because, tidings.arose_at, {ABOUT}
             FROM tidings LEFT JOIN cases ON cases.id = tidings.case_id
             WHERE tidings.told_at IS NULL AND tidings.kind = ?1
             ORDER BY tidings.id LIMIT ?2"
        ))?;
        let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
        let rows = statement.query_map((kind.as_str(), at_most), |row| tiding(kind, row))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub fn is_any_untold(&self) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached("SELECT 1 FROM tidings WHERE told_at IS NULL LIMIT 1")?
            .exists([])?)
    }

    /// The mail that came, and the case as it stands now; `None`: one of them is gone.
    pub fn mail_and_case(
        &self,
        tiding: &Tiding,
        now: DateTime<Utc>,
    ) -> Result<Option<(MessageView, CaseView, Vec<Evidence>)>> {
        let (Some(about), Some(message)) = (&tiding.about, tiding.message) else {
            return Ok(None);
        };
        let mail = self.message_views("messages.id = ?1", message)?.pop();
        let case = self.case_as_it_stands(about.case.id, now)?;
        let evidence = self.evidence_of(about.case.id)?;
        Ok(mail.map(|mail| (mail, case, evidence)))
    }

    /// The letter that does not arrive.
    pub fn lost_letter(&self, message: i64) -> Result<Option<LostLetter>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT messages.kind, outbox.recipient, outbox.automatic, messages.encrypted
                     FROM messages JOIN outbox ON outbox.message_id = messages.id
                     WHERE messages.id = ?1",
                )?
                .query_row([message], |row| {
                    Ok(LostLetter {
                        kind: row.get(0)?,
                        to: row.get(1)?,
                        automatic: row.get(2)?,
                        encrypted: row.get(3)?,
                    })
                }),
        )
    }

    /// The bytes of a mail; of one that was too large, its header alone.
    pub fn raw_mail(&self, message: i64) -> Result<Option<Vec<u8>>> {
        optional(
            self.0
                .prepare_cached("SELECT bytes FROM raw_mails WHERE message_id = ?1")?
                .query_row([message], |row| row.get(0)),
        )
    }

    /// One mail to each of the team tells these.
    pub fn set_tidings_told(
        &self,
        tidings: &[&Tiding],
        paced: bool,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut statement = self
            .0
            .prepare_cached("UPDATE tidings SET told_at = ?2, paced = ?3 WHERE id = ?1")?;
        for tiding in tidings {
            statement.execute((tiding.id, now.timestamp(), paced))?;
        }
        Ok(())
    }

    /// What was told while the clock was ahead does not count.
    pub fn told_lately(
        &self,
        kind: TidingKind,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<ToldLately> {
        let mut statement = self.0.prepare_cached(
            "SELECT coalesce(sum(paced = 0), 0),
                    count(DISTINCT CASE WHEN paced = 1 THEN told_at END), max(told_at)
             FROM tidings WHERE kind = ?1 AND told_at > ?2 AND told_at <= ?3",
        )?;
        let row = (kind.as_str(), since.timestamp(), now.timestamp());
        Ok(statement.query_row(row, |row| {
            let count = |column: usize| {
                let count: i64 = row.get(column)?;
                Ok::<_, rusqlite::Error>(usize::try_from(count).unwrap_or_default())
            };
            let (alone, paced) = (count(0)?, count(1)?);
            Ok(ToldLately {
                mails: alone + paced,
                paced,
                last_at: row.get::<_, Option<i64>>(2)?.map(instant),
            })
        })?)
    }
}

fn tiding(kind: TidingKind, row: &Row<'_>) -> rusqlite::Result<Tiding> {
    let case: Option<i64> = row.get(4)?;
    Ok(Tiding {
        id: row.get(0)?,
        kind,
        message: row.get(1)?,
        because: row.get(2)?,
        arose_at: instant(row.get(3)?),
        about: case.map(|_| about(row, 4)).transpose()?,
    })
}
