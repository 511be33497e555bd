//! What the team is to be told, and what it was told: each threshold of a deadline once, and each
//! mail that tells of exploitation.
//!
//! Always "due and not yet told", never "due today": an outage delays a warning and loses none.

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};

use super::deadline;
use crate::store::{Result, Tx, instant, optional};
use crate::triage::deadline as clocks;
use crate::triage::decide::CaseRef;
use crate::triage::policy::{Deadline, DeadlineKind};

/// How much of a deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// 80 percent.
    Soon,
    /// It was due and is not met.
    Missed,
}

impl Threshold {
    pub fn percent(self) -> u8 {
        match self {
            Self::Soon => 80,
            Self::Missed => 100,
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::Soon => "warned_at",
            Self::Missed => "missed_told_at",
        }
    }
}

/// What the team needs to know of a case that it is told about.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    pub case: CaseRef,
    pub status: String,
    pub subject: String,
    pub reporter: Option<String>,
    /// The sign by which a program wrote its first mail.
    pub robot: Option<String>,
    /// A member, as `/assign` was told.
    pub assignee: Option<String>,
}

/// A deadline that reached a threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    pub about: About,
    pub threshold: Threshold,
    pub deadline: Deadline,
    /// As a person reads it, in the zone that it was computed in.
    pub due: String,
    /// `5 business days from Fri 5 Jun 2026 16:12 CEST; 8 Jun is a holiday`
    pub why: String,
    pub policy_version: String,
}

/// A mail says that a weakness is exploited already: the clocks of the law may have to start.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    pub about: About,
    /// When the first such mail of the case came.
    pub arrived_at: DateTime<Utc>,
}

/// Columns of a case, for [`about`].
pub(in crate::store) const ABOUT: &str =
    "cases.id, cases.number, cases.status, cases.subject, cases.reporter_email,
                     cases.assignee, cases.robot";

impl Tx<'_> {
    /// Deadlines that reached 80 or 100 percent and whose team was not told; where both are due,
    /// the later alone. The most pressing first.
    pub fn warnings_due(&self, now: DateTime<Utc>) -> Result<Vec<Warning>> {
        let due = self.open_past(
            "warn_at <= ?1 AND missed_told_at IS NULL AND (warned_at IS NULL OR due_at < ?1)",
            now,
        )?;
        Ok(due
            .into_iter()
            .map(|warning| Warning {
                threshold: if warning.deadline.due_at < now {
                    Threshold::Missed
                } else {
                    Threshold::Soon
                },
                ..warning
            })
            .collect())
    }

    fn open_past(&self, condition: &str, now: DateTime<Utc>) -> Result<Vec<Warning>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT deadlines.kind, span, starts_at, due_at, half_at, warn_at, paused_at,
                    calendar_id, policy_version, {ABOUT}
             FROM deadlines JOIN cases ON cases.id = deadlines.case_id
             WHERE met_at IS NULL AND waived_at IS NULL AND paused_at IS NULL AND {condition}
             ORDER BY due_at, cases.id, deadlines.kind"
        ))?;
        let mut rows = statement.query([now.timestamp()])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(deadline) = deadline(row)? else {
                continue;
            };
            let about = about(row, 9)?;
            let calendar = self.calendar(row.get(7)?)?;
            let pauses = self.pauses_of(about.case.id)?;
            found.push(Warning {
                due: calendar.show_due(deadline.due_at),
                why: clocks::explain(&deadline, &calendar, &pauses),
                policy_version: row.get(8)?,
                threshold: Threshold::Soon,
                about,
                deadline,
            });
        }
        Ok(found)
    }

    /// The team was told of this threshold of a deadline.
    pub fn set_told(
        &self,
        case_id: i64,
        kind: DeadlineKind,
        threshold: Threshold,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.0
            .prepare_cached(&format!(
                "UPDATE deadlines SET {} = ?3 WHERE case_id = ?1 AND kind = ?2",
                threshold.column()
            ))?
            .execute(params![case_id, kind.as_str(), now.timestamp()])?;
        Ok(())
    }

    /// A mail of the case tells of exploitation; the first one counts.
    pub fn raise_alarm(&self, case_id: i64, arrived_at: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO alarms (case_id, arrived_at) VALUES (?1, ?2)
                 ON CONFLICT (case_id) DO NOTHING",
            )?
            .execute((case_id, arrived_at.timestamp()))?;
        Ok(())
    }

    /// Alarms that the team was not told of. Where the team said itself since when the weakness is
    /// known to be exploited, there is nothing to tell.
    pub fn alarms_due(&self) -> Result<Vec<Alarm>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT arrived_at, {ABOUT} FROM alarms JOIN cases ON cases.id = alarms.case_id
             WHERE told_at IS NULL AND cases.exploited_at IS NULL ORDER BY arrived_at, cases.id"
        ))?;
        let rows = statement.query_map([], |row| {
            Ok(Alarm {
                arrived_at: instant(row.get(0)?),
                about: about(row, 1)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// When the first mail of a case came that tells of exploitation, and whether the team is still
    /// to be told.
    pub fn alarm_of(&self, case_id: i64) -> Result<Option<(DateTime<Utc>, bool)>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT arrived_at, told_at IS NULL AND exploited_at IS NULL
                     FROM alarms JOIN cases ON cases.id = case_id WHERE case_id = ?1",
                )?
                .query_row([case_id], |row| Ok((instant(row.get(0)?), row.get(1)?))),
        )
    }

    pub fn set_alarm_told(&self, case_id: i64, now: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached("UPDATE alarms SET told_at = ?2 WHERE case_id = ?1")?
            .execute((case_id, now.timestamp()))?;
        Ok(())
    }

    /// How many letters of this kind went to one of the team's addresses since then. What was
    /// written while the clock was ahead does not count.
    pub fn told_between(
        &self,
        recipient: &str,
        kind: &str,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<i64> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT count(*) FROM outbox JOIN messages ON messages.id = outbox.message_id
                 WHERE outbox.audience = 'team' AND outbox.recipient = ?1 AND messages.kind = ?2
                   AND outbox.created_at > ?3 AND outbox.created_at <= ?4",
            )?
            .query_row(
                (recipient, kind, since.timestamp(), now.timestamp()),
                |row| row.get(0),
            )?)
    }
}

/// From the columns of [`ABOUT`], the first of them being at `first`.
pub(in crate::store) fn about(row: &Row<'_>, first: usize) -> rusqlite::Result<About> {
    Ok(About {
        case: CaseRef {
            id: row.get(first)?,
            number: row.get(first + 1)?,
        },
        status: row.get(first + 2)?,
        subject: row.get(first + 3)?,
        reporter: row.get(first + 4)?,
        assignee: row.get(first + 5)?,
        robot: row.get(first + 6)?,
    })
}
