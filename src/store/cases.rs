//! Cases: opening them, their labels and deadlines, and how they are shown.

use chrono::{DateTime, Datelike, Utc};
use rusqlite::params;
use serde::Serialize;
use serde_json::json;

use super::audit::Actor;
use super::{Result, StoreError, Tx, instant, optional};
use crate::mail::message::Digest;
use crate::mailbox::Lane;
use crate::triage::case::Status;
use crate::triage::classify::Label;
use crate::triage::deadline::{self, DeadlineState};
use crate::triage::decide::{CaseRef, OwnCase};
use crate::triage::policy::{Deadline, DeadlineKind, Language, Policy, Severity};

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
    /// Of the reporter's own words, where that is sure.
    pub language: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reporter {
    pub name: Option<String>,
    pub email: Option<String>,
}

/// A case, as lists and details show it. Field names are those of the contract's JSON.
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
    pub deadlines: Vec<DeadlineView>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeadlineView {
    pub kind: String,
    pub due_at: DateTime<Utc>,
    pub met_at: Option<DateTime<Utc>>,
    pub state: &'static str,
    /// The policy's words: `5 business days`.
    pub span: String,
    pub starts_at: DateTime<Utc>,
    pub policy_version: String,
}

/// A case on a list: `messages` is their number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseSummary {
    #[serde(flatten)]
    pub case: CaseView,
    pub messages: i64,
}

/// A case with everything that was said and done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseDetail {
    #[serde(flatten)]
    pub case: CaseView,
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
    /// Of a letter of ours: waiting, sending, held, sent, failed, merged.
    pub delivery: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignatureView {
    pub status: String,
    pub fingerprint: Option<String>,
    pub covers: String,
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
        self.0
            .prepare_cached(
                "INSERT INTO cases (number, status, kind, suggested_severity, reporter_name,
                     reporter_email, subject, received_at, opened_at, unanswered, language)
                 VALUES (?1, 'new', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
                new.language,
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

    /// Sets deadlines; one of the same kind that was not met is replaced.
    pub fn set_deadlines(
        &self,
        case_id: i64,
        deadlines: &[Deadline],
        policy_version: &str,
    ) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "INSERT INTO deadlines (case_id, kind, span, policy_version, starts_at, due_at,
                 half_at, warn_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (case_id, kind) DO UPDATE SET span = excluded.span,
                 policy_version = excluded.policy_version, starts_at = excluded.starts_at,
                 due_at = excluded.due_at, half_at = excluded.half_at, warn_at = excluded.warn_at
             WHERE met_at IS NULL AND waived_at IS NULL",
        )?;
        for deadline in deadlines {
            statement.execute(params![
                case_id,
                deadline.kind.as_str(),
                deadline.span.to_string(),
                policy_version,
                deadline.starts_at.timestamp(),
                deadline.due_at.timestamp(),
                (deadline.starts_at + (deadline.due_at - deadline.starts_at) / 2).timestamp(),
                (deadline.starts_at + (deadline.due_at - deadline.starts_at) * 4 / 5).timestamp(),
            ])?;
        }
        Ok(())
    }

    fn remove_deadline(&self, case_id: i64, kind: DeadlineKind) -> Result<()> {
        self.0
            .prepare_cached("DELETE FROM deadlines WHERE case_id = ?1 AND kind = ?2")?
            .execute((case_id, kind.as_str()))?;
        Ok(())
    }

    /// Meets an open deadline; says whether there was one.
    pub fn meet_deadline(
        &self,
        case_id: i64,
        kind: DeadlineKind,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let changed = self
            .0
            .prepare_cached(
                "UPDATE deadlines SET met_at = ?3
                 WHERE case_id = ?1 AND kind = ?2 AND met_at IS NULL AND waived_at IS NULL",
            )?
            .execute((case_id, kind.as_str(), at.timestamp()))?;
        Ok(changed > 0)
    }

    /// Was a case promised this, whatever became of it?
    pub fn has_deadline(&self, case_id: i64, kind: DeadlineKind) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached("SELECT 1 FROM deadlines WHERE case_id = ?1 AND kind = ?2")?
            .exists((case_id, kind.as_str()))?)
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

    pub fn is_open(&self, case_id: i64) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached("SELECT 1 FROM cases WHERE id = ?1 AND status <> 'closed'")?
            .exists([case_id])?)
    }

    /// Sets the severity; the remediation deadline follows it.
    pub fn set_severity(
        &self,
        case: &CaseRef,
        severity: Severity,
        policy: &Policy,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (before, received_at): (Option<String>, i64) = self.0.query_row(
            "SELECT severity, received_at FROM cases WHERE id = ?1",
            [case.id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        self.0.execute(
            "UPDATE cases SET severity = ?2 WHERE id = ?1",
            (case.id, severity.as_str()),
        )?;
        match deadline::remediate(policy, instant(received_at), severity) {
            Some(deadline) => self.set_deadlines(case.id, &[deadline], &policy.version)?,
            None => self.remove_deadline(case.id, DeadlineKind::Remediate)?,
        }
        self.event(
            now,
            actor,
            "severity",
            Some(case.id),
            json!({"severity": severity.as_str(), "before": before}),
        )
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

    fn open_deadlines_of(&self, case_id: i64) -> Result<Vec<Deadline>> {
        let mut statement = self.0.prepare_cached(
            "SELECT kind, span, starts_at, due_at FROM deadlines
             WHERE case_id = ?1 AND met_at IS NULL AND waived_at IS NULL ORDER BY due_at",
        )?;
        let mut rows = statement.query([case_id])?;
        let mut deadlines = Vec::new();
        while let Some(row) = rows.next()? {
            let kind = DeadlineKind::parse(&row.get::<_, String>(0)?);
            let span = row.get::<_, String>(1)?.parse();
            if let (Some(kind), Ok(span)) = (kind, span) {
                deadlines.push(Deadline {
                    kind,
                    span,
                    starts_at: instant(row.get(2)?),
                    due_at: instant(row.get(3)?),
                });
            }
        }
        Ok(deadlines)
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

    /// All cases, oldest first.
    pub fn cases(&self, now: DateTime<Utc>) -> Result<Vec<CaseSummary>> {
        let mut statement = self.0.prepare_cached(&summary_query("1"))?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, summary(row)?)))?;
        let mut cases: Vec<(i64, CaseSummary)> = rows.collect::<rusqlite::Result<_>>()?;
        for (id, case) in &mut cases {
            self.complete(*id, case, now)?;
        }
        Ok(cases.into_iter().map(|(_, case)| case).collect())
    }

    /// One case with its messages in order of time, and its events.
    pub fn case_detail(&self, case: &CaseRef, now: DateTime<Utc>) -> Result<CaseDetail> {
        let mut summary = self
            .0
            .prepare_cached(&summary_query("cases.id = ?1"))?
            .query_row([case.id], summary)?;
        self.complete(case.id, &mut summary, now)?;
        let events = self.events_of(case.id)?.into_iter().map(|event| EventView {
            at: event.at,
            actor: event.actor,
            action: event.action,
            detail: event.detail,
        });
        Ok(CaseDetail {
            evidence: self.evidence_of(case.id)?,
            messages: self.messages_of(case.id)?,
            events: events.collect(),
            case: summary.case,
        })
    }

    fn complete(&self, id: i64, case: &mut CaseSummary, now: DateTime<Utc>) -> Result<()> {
        case.case.labels = self
            .evidence_of(id)?
            .into_iter()
            .map(|evidence| evidence.label)
            .collect();
        case.case.deadlines = self.deadlines_of(id, now)?;
        Ok(())
    }

    fn evidence_of(&self, case_id: i64) -> Result<Vec<Evidence>> {
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

    fn deadlines_of(&self, case_id: i64, now: DateTime<Utc>) -> Result<Vec<DeadlineView>> {
        let mut statement = self.0.prepare_cached(
            "SELECT kind, span, policy_version, starts_at, due_at, met_at, waived_at, paused_at
             FROM deadlines WHERE case_id = ?1 ORDER BY rowid",
        )?;
        let rows = statement.query_map([case_id], |row| {
            let due_at = instant(row.get(4)?);
            let met_at = row.get::<_, Option<i64>>(5)?.map(instant);
            let waived = row.get::<_, Option<i64>>(6)?.is_some();
            let paused = row.get::<_, Option<i64>>(7)?.is_some();
            let state: DeadlineState = deadline::state(due_at, met_at, waived, paused, now);
            Ok(DeadlineView {
                kind: row.get(0)?,
                span: row.get(1)?,
                policy_version: row.get(2)?,
                starts_at: instant(row.get(3)?),
                due_at,
                met_at,
                state: state.as_str(),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn messages_of(&self, case_id: i64) -> Result<Vec<MessageView>> {
        let mut statement = self.0.prepare_cached(
            "SELECT messages.id, direction, kind, messages.message_id, from_email, to_emails,
                    received_at, subject, encrypted, decrypted, failure, text, digest, size,
                    not_answered, outbox.state
             FROM messages LEFT JOIN outbox ON outbox.message_id = messages.id
             WHERE case_id = ?1 ORDER BY received_at, messages.id",
        )?;
        let rows = statement.query_map([case_id], |row| {
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
            "SELECT status, fingerprint, covers FROM signatures
             WHERE message_id = ?1 ORDER BY position",
        )?;
        let rows = statement.query_map([message], |row| {
            Ok(SignatureView {
                status: row.get(0)?,
                fingerprint: row.get(1)?,
                covers: row.get(2)?,
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

fn summary_query(condition: &str) -> String {
    format!(
        "SELECT cases.id, cases.number, cases.status, cases.close_reason, cases.kind,
                cases.severity, cases.suggested_severity, cases.reporter_name,
                cases.reporter_email, cases.subject, cases.received_at, cases.assignee,
                (SELECT count(*) FROM messages WHERE messages.case_id = cases.id),
                first.number, cases.unanswered
         FROM cases LEFT JOIN cases AS first ON first.id = cases.duplicate_of
         WHERE {condition} ORDER BY cases.received_at, cases.id"
    )
}

/// Labels and deadlines are filled in by `complete`.
fn summary(row: &rusqlite::Row<'_>) -> rusqlite::Result<CaseSummary> {
    let case = CaseView {
        id: row.get(1)?,
        status: row.get(2)?,
        close_reason: row.get(3)?,
        kind: row.get(4)?,
        labels: Vec::new(),
        severity: row.get(5)?,
        suggested_severity: row.get(6)?,
        reporter: Reporter {
            name: row.get(7)?,
            email: row.get(8)?,
        },
        subject: row.get(9)?,
        received_at: instant(row.get(10)?),
        assignee: row.get(11)?,
        duplicate_of: row.get(13)?,
        unanswered: row.get(14)?,
        deadlines: Vec::new(),
    };
    Ok(CaseSummary {
        case,
        messages: row.get(12)?,
    })
}
