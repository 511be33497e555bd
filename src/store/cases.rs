//! Cases: opening them, their labels, and how they are shown.

use chrono::{DateTime, Datelike, Utc};
use rusqlite::params;
use serde::Serialize;

use super::deadlines::DeadlineView;
use super::{Result, StoreError, Tx, instant, optional};
use crate::mail::message::Digest;
use crate::mailbox::Lane;
use crate::triage::case::Status;
use crate::triage::classify::Label;
use crate::triage::decide::{CaseRef, OwnCase};
use crate::triage::policy::{Deadline, Language, Part, Policy, Severity};

/// What a new case starts with.
pub struct NewCase<'a> {
    pub kind: &'a str,
    pub reporter_name: Option<&'a str>,
    pub reporter_email: Option<&'a str>,
    pub subject: &'a str,
    pub received_at: DateTime<Utc>,
    pub opened_at: DateTime<Utc>,
    pub suggested_severity: Option<Severity>,
    pub unanswered: Option<&'a str>,
    /// The sign by which a program wrote it.
    pub robot: Option<&'a str>,
    /// Of the reporter's own words, where it is sure.
    pub language: Option<&'a str>,
    /// What the first mail lacks.
    pub missing: &'a [Part],
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reporter<Word = String> {
    pub name: Option<Word>,
    pub email: Option<Word>,
}

/// A case, as it is shown by itself; [`super::listed`] has it as a row. Field names are those of the contract's JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseView {
    /// The number.
    pub id: String,
    pub status: String,
    pub close_reason: Option<String>,
    pub kind: String,
    pub labels: Vec<String>,
    pub severity: Option<String>,
    pub suggested_severity: Option<String>,
    pub reporter: Reporter,
    pub subject: String,
    pub received_at: DateTime<Utc>,
    pub assignee: Option<String>,
    pub duplicate_of: Option<String>,
    pub unanswered: Option<String>,
    /// Of the reporter's own words, where it was sure.
    pub language: Option<String>,
    /// Does it lack nothing that the policy asks a report for?
    #[serde(skip)]
    pub is_complete: bool,
    /// The sign by which a program wrote its first mail.
    #[serde(skip)]
    pub robot: Option<String>,
    /// Start of the day on which the fix shipped.
    pub fixed_at: Option<DateTime<Utc>>,
    /// Start of the day of publication, planned or past.
    pub disclose_at: Option<DateTime<Utc>>,
    pub exploited_at: Option<DateTime<Utc>>,
    pub recognition: Recognition,
    pub deadlines: Vec<DeadlineView>,
}

/// How the reporter is thanked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recognition<Word = String> {
    /// `yes`, `no`; `None`: not asked or not answered.
    pub credit: Option<Word>,
    pub name: Option<Word>,
    pub link: Option<Word>,
    pub token: Option<Word>,
    pub reward: Option<Word>,
}

/// A case with everything that was said and done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseDetail {
    #[serde(flatten)]
    pub case: CaseView,
    /// Numbers of later cases on the same: their reporters come after this one's in credit.
    pub duplicates: Vec<String>,
    pub evidence: Vec<Evidence>,
    pub messages: Vec<MessageView>,
    pub events: Vec<EventView>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    pub label: String,
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MessageView {
    pub direction: String,
    pub kind: String,
    pub message_id: Option<String>,
    pub from: Option<String>,
    pub to: Vec<String>,
    pub date: DateTime<Utc>,
    pub subject: String,
    pub encrypted: bool,
    pub decrypted: bool,
    pub failure: Option<String>,
    pub signatures: Vec<SignatureView>,
    pub text: String,
    pub attachments: Vec<AttachmentView>,
    pub sha256: String,
    pub size: i64,
    pub not_answered: Option<String>,
    /// Of a letter of ours: waiting, sending, held, sent, failed, merged; bounced where it came back.
    pub delivery: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignatureView {
    pub status: String,
    pub fingerprint: Option<String>,
    pub covers: String,
    /// What a good one says of the address in From, as of today: `pinned`, `known`, `first_seen`
    /// with this mail; `None`: the key does not speak for it.
    pub trust: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttachmentView {
    pub name: String,
    pub media_type: String,
    pub size: i64,
    pub sha256: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventView {
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub detail: Option<serde_json::Value>,
}

/// The mail that opened a case, as it was received.
pub struct FirstMail {
    pub id: i64,
    pub kind: String,
    pub raw: Vec<u8>,
    pub size: u64,
    pub received_at: DateTime<Utc>,
    pub lane: Lane,
    /// `raw` is its header block alone.
    pub too_large: bool,
    pub not_answered: Option<String>,
}

/// What a letter about a case needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseFile {
    pub case: CaseRef,
    pub received_at: DateTime<Utc>,
    pub status: Status,
    pub severity: Option<Severity>,
    /// Of the reporter's own words, where that is sure.
    pub language: Option<Language>,
    /// A mail of it came encrypted: its language is not to be told in clear either.
    pub came_encrypted: bool,
    /// Those that are open.
    pub deadlines: Vec<Deadline>,
}

impl CaseFile {
    /// The language that a letter in clear may be in.
    pub fn language_in_clear(&self) -> Option<&str> {
        self.language.as_deref().filter(|_| !self.came_encrypted)
    }
}

impl Tx<'_> {
    /// Opens a case under the next number of the year.
    pub fn open_case(&self, new: &NewCase<'_>, policy: &Policy) -> Result<CaseRef> {
        let year = new.opened_at.with_timezone(&policy.calendar.zone).year();
        let last: i64 = self
            .0
            .prepare_cached(
                "INSERT INTO case_numbers (year, last) VALUES (?1, 1)
                 ON CONFLICT (year) DO UPDATE SET last = last + 1 RETURNING last",
            )?
            .query_row([year], |row| row.get(0))?;
        let number = format!("SEC-{year:04}-{last:04}");
        let missing: Vec<&str> = new.missing.iter().map(|part| part.as_str()).collect();
        self.0
            .prepare_cached(
                "INSERT INTO cases (number, status, kind, suggested_severity, reporter_name,
                     reporter_email, subject, received_at, opened_at, unanswered, robot, language,
                     missing)
                 VALUES (?1, 'new', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                number,
                new.kind,
                new.suggested_severity.map(Severity::as_str),
                new.reporter_name,
                new.reporter_email,
                new.subject,
                new.received_at.timestamp(),
                new.opened_at.timestamp(),
                new.unanswered,
                new.robot,
                new.language,
                serde_json::to_string(&missing).unwrap_or_default(),
            ])?;
        let case = CaseRef {
            id: self.0.last_insert_rowid(),
            number,
        };
        if let Some(email) = new.reporter_email {
            self.0
                .prepare_cached("INSERT INTO participants (case_id, email) VALUES (?1, ?2)")?
                .execute((case.id, email))?;
        }
        Ok(case)
    }

    /// Adds labels; what the case bears already keeps its first evidence.
    pub fn add_labels(&self, case_id: i64, labels: &[Label]) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "INSERT INTO labels (case_id, label, because) VALUES (?1, ?2, ?3)
             ON CONFLICT (case_id, label) DO NOTHING",
        )?;
        for label in labels {
            statement.execute((case_id, &label.name, &label.because))?;
        }
        Ok(())
    }

    pub fn case_by_number(&self, number: &str) -> Result<CaseRef> {
        optional(
            self.0
                .prepare_cached("SELECT id, number FROM cases WHERE number = ?1")?
                .query_row([number.trim().to_uppercase()], |row| {
                    Ok(CaseRef {
                        id: row.get(0)?,
                        number: row.get(1)?,
                    })
                }),
        )?
        .ok_or_else(|| {
            StoreError::Refused(format!(
                "{number}: there is no such case; `triaged case list` shows all"
            ))
        })
    }

    /// Is there more to come, so that silence is not allowed to last?
    pub fn is_open(&self, case_id: i64) -> Result<bool> {
        Ok(self.status_of(case_id)?.is_open())
    }

    pub fn is_closed(&self, case_id: i64) -> Result<bool> {
        Ok(self.status_of(case_id)? == Status::Closed)
    }

    fn status_of(&self, case_id: i64) -> Result<Status> {
        let status: String = self
            .0
            .prepare_cached("SELECT status FROM cases WHERE id = ?1")?
            .query_row([case_id], |row| row.get(0))?;
        // The schema checks the word.
        Ok(Status::parse(&status).unwrap_or(Status::New))
    }

    /// What a letter about this case needs.
    pub fn case_file(&self, case: &CaseRef) -> Result<CaseFile> {
        let mut statement = self.0.prepare_cached(
            "SELECT received_at, status, severity, language,
                    EXISTS (SELECT 1 FROM messages WHERE case_id = cases.id
                              AND direction = 'in' AND encrypted = 1)
             FROM cases WHERE id = ?1",
        )?;
        let deadlines = self.open_deadlines_of(case.id)?;
        Ok(statement.query_row([case.id], |row| {
            let severity: Option<String> = row.get(2)?;
            Ok(CaseFile {
                case: case.clone(),
                received_at: instant(row.get(0)?),
                // The table holds no other words.
                status: Status::parse(&row.get::<_, String>(1)?).unwrap_or(Status::New),
                severity: severity.as_deref().and_then(Severity::parse),
                language: row.get(3)?,
                came_encrypted: row.get(4)?,
                deadlines,
            })
        })?)
    }

    /// The cases that an address takes part in, the newest first; at most twenty. Those that were
    /// opened for nothing but a question about a case are left out.
    pub fn cases_of_participant(&self, email: &str) -> Result<Vec<OwnCase>> {
        let mut statement = self.0.prepare_cached(
            "SELECT cases.id, cases.number, cases.status <> 'closed',
                    EXISTS (SELECT 1 FROM messages WHERE case_id = cases.id
                              AND direction = 'in' AND encrypted = 1)
             FROM participants JOIN cases ON cases.id = participants.case_id
             WHERE participants.email = ?1 AND cases.kind <> 'status_request'
             ORDER BY cases.id DESC LIMIT 20",
        )?;
        let rows = statement.query_map([email], |row| {
            Ok(OwnCase {
                case: CaseRef {
                    id: row.get(0)?,
                    number: row.get(1)?,
                },
                is_open: row.get(2)?,
                came_encrypted: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Numbers of the cases that were recorded without an answer because they were old or on request.
    pub fn unanswered(&self) -> Result<Vec<String>> {
        let mut statement = self.0.prepare_cached(
            "SELECT number FROM cases
             WHERE unanswered LIKE '%`triaged case acknowledge`%' AND status <> 'closed'
             ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The mail that opened a case.
    pub fn first_mail(&self, case_id: i64) -> Result<FirstMail> {
        Ok(self.0.query_row(
            "SELECT messages.id, messages.kind, raw_mails.bytes, messages.size,
                    messages.received_at, messages.lane, messages.not_answered
             FROM messages JOIN raw_mails ON raw_mails.message_id = messages.id
             WHERE messages.case_id = ?1 AND messages.direction = 'in'
             ORDER BY messages.id LIMIT 1",
            [case_id],
            |row| {
                let raw: Vec<u8> = row.get(2)?;
                let size = u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0);
                Ok(FirstMail {
                    id: row.get(0)?,
                    kind: row.get(1)?,
                    too_large: size > raw.len() as u64,
                    raw,
                    size,
                    received_at: instant(row.get(4)?),
                    lane: match row.get::<_, String>(5)?.as_str() {
                        "junk" => Lane::Junk,
                        _ => Lane::Inbox,
                    },
                    not_answered: row.get(6)?,
                })
            },
        )?)
    }

    /// The first mail of a case has its answer in the outbox now.
    pub fn answered(&self, case_id: i64, message: i64) -> Result<()> {
        self.0.execute(
            "UPDATE cases SET unanswered = NULL WHERE id = ?1",
            [case_id],
        )?;
        self.0.execute(
            "UPDATE messages SET not_answered = NULL WHERE id = ?1",
            [message],
        )?;
        Ok(())
    }

    /// One case with its messages in order of time, and its events.
    pub fn case_detail(&self, case: &CaseRef, now: DateTime<Utc>) -> Result<CaseDetail> {
        let events = self.events_of(case.id)?.into_iter().map(|event| EventView {
            at: event.at,
            actor: event.actor,
            action: event.action,
            detail: event.detail,
        });
        Ok(CaseDetail {
            duplicates: self.duplicates_of(case.id)?,
            evidence: self.evidence_of(case.id)?,
            messages: self.messages_of(case.id)?,
            events: events.collect(),
            case: self.case_as_it_stands(case.id, now)?,
        })
    }

    /// One case as it stands.
    pub fn case_as_it_stands(&self, case_id: i64, now: DateTime<Utc>) -> Result<CaseView> {
        let evidence = self.evidence_of(case_id)?.into_iter();
        Ok(CaseView {
            labels: evidence.map(|it| it.label).collect(),
            deadlines: self.deadlines_of(case_id, now)?,
            ..self.view_of(case_id)?
        })
    }

    /// Without its labels and deadlines.
    fn view_of(&self, case_id: i64) -> Result<CaseView> {
        let mut statement = self.0.prepare_cached(
            "SELECT cases.number, cases.status, cases.close_reason, cases.kind, cases.severity,
                    cases.suggested_severity, cases.reporter_name, cases.reporter_email,
                    cases.subject, cases.received_at, cases.assignee, first.number,
                    cases.unanswered, cases.fixed_at, cases.disclose_at, cases.exploited_at,
                    cases.credit, cases.credit_name, cases.credit_link, cases.token, cases.reward,
                    cases.language, cases.missing = '[]', cases.robot
             FROM cases LEFT JOIN cases AS first ON first.id = cases.duplicate_of
             WHERE cases.id = ?1",
        )?;
        Ok(statement.query_row([case_id], view)?)
    }

    pub(super) fn evidence_of(&self, case_id: i64) -> Result<Vec<Evidence>> {
        let mut statement = self.0.prepare_cached(
            "SELECT label, because FROM labels WHERE case_id = ?1 ORDER BY rowid",
        )?;
        let rows = statement.query_map([case_id], |row| {
            Ok(Evidence {
                label: row.get(0)?,
                because: row.get(1)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn messages_of(&self, case_id: i64) -> Result<Vec<MessageView>> {
        self.message_views("case_id = ?1", case_id)
    }

    pub(super) fn message_views(&self, condition: &str, value: i64) -> Result<Vec<MessageView>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT messages.id, direction, kind, messages.message_id, from_email, to_emails,
                    received_at, subject, encrypted, decrypted, failure, text, digest, size,
                    not_answered, iif(outbox.bounced_at IS NULL, outbox.state, 'bounced')
             FROM messages LEFT JOIN outbox ON outbox.message_id = messages.id
             WHERE {condition} ORDER BY received_at, messages.id",
        ))?;
        let rows = statement.query_map([value], |row| {
            let to: String = row.get(5)?;
            let message = MessageView {
                direction: row.get(1)?,
                kind: row.get(2)?,
                message_id: row.get(3)?,
                from: row.get(4)?,
                to: serde_json::from_str(&to).unwrap_or_default(),
                date: instant(row.get(6)?),
                subject: row.get(7)?,
                encrypted: row.get(8)?,
                decrypted: row.get(9)?,
                failure: row.get(10)?,
                text: row.get(11)?,
                sha256: Digest(row.get(12)?).to_string(),
                size: row.get(13)?,
                not_answered: row.get(14)?,
                delivery: row.get(15)?,
                signatures: Vec::new(),
                attachments: Vec::new(),
            };
            Ok((row.get(0)?, message))
        })?;
        let mut messages: Vec<(i64, MessageView)> = rows.collect::<rusqlite::Result<_>>()?;
        for (id, message) in &mut messages {
            message.signatures = self.signatures_of(*id)?;
            message.attachments = self.attachments_of(*id)?;
        }
        Ok(messages.into_iter().map(|(_, message)| message).collect())
    }

    fn signatures_of(&self, message: i64) -> Result<Vec<SignatureView>> {
        let mut statement = self.0.prepare_cached(
            "SELECT status, signatures.fingerprint, covers,
                    CASE WHEN status <> 'good' THEN NULL
                         WHEN learned = 3 THEN 'pinned'
                         WHEN speaks_since IS NULL THEN NULL
                         WHEN first_seen_at < recorded_at THEN 'known'
                         ELSE 'first_seen' END
             FROM signatures
             JOIN messages ON messages.id = signatures.message_id
             LEFT JOIN certificates ON certificates.email = messages.from_email
                                   AND certificates.fingerprint = signatures.fingerprint
             WHERE signatures.message_id = ?1 ORDER BY position",
        )?;
        let rows = statement.query_map([message], |row| {
            Ok(SignatureView {
                status: row.get(0)?,
                fingerprint: row.get(1)?,
                covers: row.get(2)?,
                trust: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn attachments_of(&self, message: i64) -> Result<Vec<AttachmentView>> {
        let mut statement = self.0.prepare_cached(
            "SELECT name, media_type, size, digest FROM attachments
             WHERE message_id = ?1 ORDER BY position",
        )?;
        let rows = statement.query_map([message], |row| {
            Ok(AttachmentView {
                name: row.get(0)?,
                media_type: row.get(1)?,
                size: row.get(2)?,
                sha256: Digest(row.get(3)?).to_string(),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// From the columns of `view_of`.
fn view(row: &rusqlite::Row<'_>) -> rusqlite::Result<CaseView> {
    Ok(CaseView {
        id: row.get(0)?,
        status: row.get(1)?,
        close_reason: row.get(2)?,
        kind: row.get(3)?,
        labels: Vec::new(),
        severity: row.get(4)?,
        suggested_severity: row.get(5)?,
        reporter: Reporter {
            name: row.get(6)?,
            email: row.get(7)?,
        },
        subject: row.get(8)?,
        received_at: instant(row.get(9)?),
        assignee: row.get(10)?,
        duplicate_of: row.get(11)?,
        unanswered: row.get(12)?,
        fixed_at: row.get::<_, Option<i64>>(13)?.map(instant),
        disclose_at: row.get::<_, Option<i64>>(14)?.map(instant),
        exploited_at: row.get::<_, Option<i64>>(15)?.map(instant),
        recognition: Recognition {
            credit: row.get(16)?,
            name: row.get(17)?,
            link: row.get(18)?,
            token: row.get(19)?,
            reward: row.get(20)?,
        },
        language: row.get(21)?,
        is_complete: row.get(22)?,
        robot: row.get(23)?,
        deadlines: Vec::new(),
    })
}
