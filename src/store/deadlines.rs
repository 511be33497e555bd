//! The clocks of the cases: what was promised, in which calendar, and how it stands.
//!
//! A deadline keeps the policy version and the calendar that it was computed in, so that it can be
//! explained long after both were changed. The pauses of a case are kept apart; whoever begins or
//! ends one has the deadlines that stand still computed anew.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Row, params};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Result, StoreError, Tx, instant, optional};
use crate::triage::calendar::{Calendar, Pause};
use crate::triage::deadline::{self, DeadlineState};
use crate::triage::policy::{Deadline, DeadlineKind, Policy, Span};

mod apply;
mod warnings;

pub use apply::{Applied, Changed, Promised};
pub(super) use warnings::{ABOUT, about};
pub use warnings::{About, Alarm, Threshold, Warning};

/// A deadline as it is shown. Field names are those of the contract's JSON.
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
    /// When 50 percent of it have passed.
    pub half_at: DateTime<Utc>,
    /// When 80 percent have passed.
    pub warn_at: DateTime<Utc>,
    pub paused_at: Option<DateTime<Utc>>,
    pub waived_at: Option<DateTime<Utc>>,
    /// The due instant as a person reads it, in the zone it was computed in.
    pub due: String,
    /// Why it falls there: `5 business days from Fri 5 Jun 2026 16:12 CEST; 8 Jun is a holiday`.
    pub why: String,
}

/// Why a deadline needs no more to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiver {
    /// Its case was closed; it runs again when the case is opened again.
    Closed,
    /// A step of the case made it pointless: nobody waits for an update on what is public.
    Moot,
    /// The policy promises it no more.
    Policy,
}

impl Waiver {
    fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Moot => "moot",
            Self::Policy => "policy",
        }
    }
}

impl Tx<'_> {
    /// Sets deadlines, the pauses of the case counted out. One of the same kind that is neither met
    /// nor waived is replaced; what was told of it counts on only where start and span are the same,
    /// and that it was missed only where it still is.
    pub fn set_deadlines(
        &self,
        case_id: i64,
        deadlines: &[Deadline],
        policy: &Policy,
    ) -> Result<()> {
        if deadlines.is_empty() {
            return Ok(());
        }
        let calendar_id = self.calendar_id(&policy.calendar)?;
        let pauses = self.pauses_of(case_id)?;
        let mut statement = self.0.prepare_cached(
            "INSERT INTO deadlines (case_id, kind, span, policy_version, calendar_id, starts_at,
                 due_at, half_at, warn_at, paused_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (case_id, kind) DO UPDATE SET
                 half_told_at = CASE WHEN starts_at = excluded.starts_at AND span = excluded.span
                                     THEN half_told_at END,
                 warned_at = CASE WHEN starts_at = excluded.starts_at AND span = excluded.span
                                  THEN warned_at END,
                 missed_told_at = CASE WHEN starts_at = excluded.starts_at AND span = excluded.span
                                            AND missed_told_at > excluded.due_at
                                       THEN missed_told_at END,
                 span = excluded.span, policy_version = excluded.policy_version,
                 calendar_id = excluded.calendar_id, starts_at = excluded.starts_at,
                 due_at = excluded.due_at, half_at = excluded.half_at, warn_at = excluded.warn_at,
                 paused_at = excluded.paused_at, waived_at = NULL, waived_because = NULL
             WHERE met_at IS NULL AND (waived_at IS NULL OR waived_because = 'policy')",
        )?;
        for deadline in deadlines {
            let (kind, span, starts_at) = (deadline.kind, deadline.span, deadline.starts_at);
            let computed = deadline::computed(kind, span, starts_at, &policy.calendar, &pauses);
            statement.execute(params![
                case_id,
                kind.as_str(),
                span.to_string(),
                policy.version,
                calendar_id,
                starts_at.timestamp(),
                computed.due_at.timestamp(),
                computed.half_at.timestamp(),
                computed.warn_at.timestamp(),
                computed.paused_at.map(|at| at.timestamp()),
            ])?;
        }
        Ok(())
    }

    /// Nothing of the kind is promised for this case any more: it is not listed.
    pub fn remove_deadline(&self, case_id: i64, kind: DeadlineKind) -> Result<()> {
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

    /// Begins a pause of the case; `false`: one lasts already. The deadlines that pause stand
    /// still, but for those that are missed.
    pub fn pause(&self, case_id: i64, now: DateTime<Utc>) -> Result<bool> {
        if self.paused_since(case_id)?.is_some() {
            return Ok(false);
        }
        self.0
            .prepare_cached("INSERT INTO pauses (case_id, paused_at) VALUES (?1, ?2)")?
            .execute((case_id, now.timestamp()))?;
        self.count_pauses_out(case_id)?;
        Ok(true)
    }

    /// Ends the pause of the case; `false`: there is none. What was left of each deadline is left.
    pub fn resume(&self, case_id: i64, now: DateTime<Utc>) -> Result<bool> {
        let changed = self
            .0
            .prepare_cached(
                "UPDATE pauses SET resumed_at = max(paused_at, ?2)
                 WHERE case_id = ?1 AND resumed_at IS NULL",
            )?
            .execute((case_id, now.timestamp()))?;
        self.count_pauses_out(case_id)?;
        Ok(changed > 0)
    }

    /// Since when the case waits for its reporter.
    pub fn paused_since(&self, case_id: i64) -> Result<Option<DateTime<Utc>>> {
        let since: Option<i64> = optional(
            self.0
                .prepare_cached(
                    "SELECT paused_at FROM pauses WHERE case_id = ?1 AND resumed_at IS NULL",
                )?
                .query_row([case_id], |row| row.get(0)),
        )?;
        Ok(since.map(instant))
    }

    /// Waives one deadline; `false`: it is not open.
    pub fn waive(
        &self,
        case_id: i64,
        kind: DeadlineKind,
        because: Waiver,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let changed = self
            .0
            .prepare_cached(
                "UPDATE deadlines SET waived_at = ?3, waived_because = ?4
                 WHERE case_id = ?1 AND kind = ?2 AND met_at IS NULL AND waived_at IS NULL",
            )?
            .execute(params![
                case_id,
                kind.as_str(),
                now.timestamp(),
                because.as_str()
            ])?;
        Ok(changed > 0)
    }

    /// What was waived when the case was closed runs again, as it was promised: from its old start,
    /// the pauses counted out. Returns what runs again.
    pub fn unwaive(&self, case_id: i64) -> Result<Vec<DeadlineKind>> {
        let mut statement = self.0.prepare_cached(
            "UPDATE deadlines SET waived_at = NULL, waived_because = NULL
             WHERE case_id = ?1 AND waived_because = 'closed' RETURNING kind",
        )?;
        let kinds = statement.query_map([case_id], |row| row.get::<_, String>(0))?;
        let kinds: Vec<String> = kinds.collect::<rusqlite::Result<_>>()?;
        self.count_pauses_out(case_id)?;
        Ok(kinds
            .iter()
            .filter_map(|kind| DeadlineKind::parse(kind))
            .collect())
    }

    /// Computes the open deadlines that pause anew, each in its own calendar.
    fn count_pauses_out(&self, case_id: i64) -> Result<()> {
        let pauses = self.pauses_of(case_id)?;
        let mut statement = self.0.prepare_cached(
            "UPDATE deadlines SET due_at = ?3, half_at = ?4, warn_at = ?5, paused_at = ?6
             WHERE case_id = ?1 AND kind = ?2",
        )?;
        for (deadline, calendar_id) in self.open_with_calendars(case_id)? {
            if !deadline.kind.pauses() {
                continue;
            }
            let computed = deadline::computed(
                deadline.kind,
                deadline.span,
                deadline.starts_at,
                &self.calendar(calendar_id)?,
                &pauses,
            );
            statement.execute(params![
                case_id,
                computed.kind.as_str(),
                computed.due_at.timestamp(),
                computed.half_at.timestamp(),
                computed.warn_at.timestamp(),
                computed.paused_at.map(|at| at.timestamp()),
            ])?;
        }
        Ok(())
    }

    /// What is neither met nor waived, by due date.
    pub fn open_deadlines_of(&self, case_id: i64) -> Result<Vec<Deadline>> {
        let open = self.open_with_calendars(case_id)?;
        Ok(open.into_iter().map(|(deadline, _)| deadline).collect())
    }

    fn open_with_calendars(&self, case_id: i64) -> Result<Vec<(Deadline, i64)>> {
        let mut statement = self.0.prepare_cached(
            "SELECT kind, span, starts_at, due_at, half_at, warn_at, paused_at, calendar_id
             FROM deadlines
             WHERE case_id = ?1 AND met_at IS NULL AND waived_at IS NULL ORDER BY due_at, kind",
        )?;
        let mut rows = statement.query([case_id])?;
        let mut deadlines = Vec::new();
        while let Some(row) = rows.next()? {
            if let Some(deadline) = deadline(row)? {
                deadlines.push((deadline, row.get(7)?));
            }
        }
        Ok(deadlines)
    }

    /// The pauses of a case, in the order of time.
    pub fn pauses_of(&self, case_id: i64) -> Result<Vec<Pause>> {
        let mut statement = self.0.prepare_cached(
            "SELECT paused_at, resumed_at FROM pauses WHERE case_id = ?1 ORDER BY paused_at, id",
        )?;
        let rows = statement.query_map([case_id], |row| {
            Ok(Pause {
                from: instant(row.get(0)?),
                until: row.get::<_, Option<i64>>(1)?.map(instant),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// All deadlines of a case as they stand, in the order in which they began.
    pub(super) fn deadlines_of(
        &self,
        case_id: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<DeadlineView>> {
        let pauses = self.pauses_of(case_id)?;
        let mut statement = self.0.prepare_cached(
            "SELECT kind, span, starts_at, due_at, half_at, warn_at, paused_at, calendar_id,
                    policy_version, met_at, waived_at
             FROM deadlines WHERE case_id = ?1 ORDER BY rowid",
        )?;
        let mut rows = statement.query([case_id])?;
        let mut views = Vec::new();
        while let Some(row) = rows.next()? {
            let calendar = self.calendar(row.get(7)?)?;
            views.extend(view(row, &calendar, &pauses, now)?);
        }
        Ok(views)
    }

    /// The number under which a calendar is kept; it is kept now, if it is new.
    fn calendar_id(&self, calendar: &Calendar) -> Result<i64> {
        let zone = calendar.zone.name();
        let working_days = json(&calendar.working);
        let holidays = json(&calendar.holidays);
        let mut digest = Sha256::new();
        for part in [zone, &working_days, &holidays] {
            digest.update(part);
            digest.update([0]);
        }
        let digest = digest.finalize();
        let known = optional(
            self.0
                .prepare_cached("SELECT id FROM calendars WHERE digest = ?1")?
                .query_row([digest.as_slice()], |row| row.get(0)),
        )?;
        if let Some(id) = known {
            return Ok(id);
        }
        self.0
            .prepare_cached(
                "INSERT INTO calendars (digest, zone, working_days, holidays)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((digest.as_slice(), zone, working_days, holidays))?;
        Ok(self.0.last_insert_rowid())
    }

    pub(super) fn calendar(&self, id: i64) -> Result<Calendar> {
        let (zone, working, holidays): (String, String, String) = self
            .0
            .prepare_cached("SELECT zone, working_days, holidays FROM calendars WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let unreadable = || StoreError::Refused(format!("database: calendar {id} cannot be read"));
        Ok(Calendar {
            zone: zone.parse().map_err(|_| unreadable())?,
            working: serde_json::from_str(&working).map_err(|_| unreadable())?,
            holidays: serde_json::from_str::<BTreeSet<NaiveDate>>(&holidays)
                .map_err(|_| unreadable())?,
        })
    }
}

/// Values that cannot fail to become JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// From the first seven columns: kind, span, starts_at, due_at, half_at, warn_at, paused_at.
/// `None`: kind or span is none of this program's.
pub(super) fn deadline(row: &Row<'_>) -> Result<Option<Deadline>> {
    let kind = DeadlineKind::parse(&row.get::<_, String>(0)?);
    let span = row.get::<_, String>(1)?.parse::<Span>().ok();
    let (Some(kind), Some(span)) = (kind, span) else {
        return Ok(None);
    };
    Ok(Some(Deadline {
        kind,
        span,
        starts_at: instant(row.get(2)?),
        due_at: instant(row.get(3)?),
        half_at: instant(row.get(4)?),
        warn_at: instant(row.get(5)?),
        paused_at: row.get::<_, Option<i64>>(6)?.map(instant),
    }))
}

/// From those, and policy_version, met_at, waived_at in columns 8 to 10.
fn view(
    row: &Row<'_>,
    calendar: &Calendar,
    pauses: &[Pause],
    now: DateTime<Utc>,
) -> Result<Option<DeadlineView>> {
    let Some(deadline) = deadline(row)? else {
        return Ok(None);
    };
    let met_at = row.get::<_, Option<i64>>(9)?.map(instant);
    let waived_at = row.get::<_, Option<i64>>(10)?.map(instant);
    let state: DeadlineState = deadline::state(
        deadline.due_at,
        met_at,
        waived_at.is_some(),
        deadline.paused_at.is_some(),
        now,
    );
    Ok(Some(DeadlineView {
        kind: deadline.kind.as_str().to_owned(),
        due_at: deadline.due_at,
        met_at,
        state: state.as_str(),
        span: deadline.span.to_string(),
        starts_at: deadline.starts_at,
        policy_version: row.get(8)?,
        half_at: deadline.half_at,
        warn_at: deadline.warn_at,
        paused_at: deadline.paused_at,
        waived_at,
        due: calendar.show_due(deadline.due_at),
        why: deadline::explain(&deadline, calendar, pauses),
    }))
}

#[cfg(test)]
mod tests;
