//! A changed policy on cases that are open: their deadlines, computed anew on request.
//!
//! A policy applies to new cases alone until somebody says so. Each date that changes is an event.

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;
use serde_json::json;

use super::{Waiver, deadline};
use crate::store::audit::Actor;
use crate::store::{Result, Tx, optional};
use crate::triage::case::{CaseState, Status};
use crate::triage::deadline as clocks;
use crate::triage::decide::CaseRef;
use crate::triage::policy::{Deadline, DeadlineKind, Policy};

/// What a policy changed. Field names are those of the command's JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Applied {
    pub policy_version: String,
    pub changed: Vec<Changed>,
    /// Open deadlines whose dates are the same.
    pub stayed: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    pub case: String,
    pub kind: &'static str,
    /// `None`: the case did not have it.
    pub before: Option<Promised>,
    /// `None`: it is waived, as nothing of the kind is promised any more.
    pub after: Option<Promised>,
    /// In words.
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promised {
    pub span: String,
    pub due_at: DateTime<Utc>,
    pub policy_version: String,
}

/// A deadline of a case as it was before.
struct Before {
    deadline: Deadline,
    policy_version: String,
    stands: Stands,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Open,
    /// An earlier policy promised nothing of the kind.
    WaivedByPolicy,
    Settled,
}

impl Tx<'_> {
    /// Computes the open deadlines of all cases from this policy. Starts stay, pauses are counted
    /// out as before. What it promises no more is waived; what it promises anew and what begins
    /// with a step of the case that is behind it, begins there.
    pub fn apply_policy(
        &self,
        policy: &Policy,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<Applied> {
        let mut applied = Applied {
            policy_version: policy.version.clone(),
            changed: Vec::new(),
            stayed: 0,
        };
        for case in self.all_cases()? {
            let state = self.case_state(&case, now)?;
            for kind in DeadlineKind::ALL {
                let before = self.before(case.id, kind)?;
                match self.apply_to(&case, &state, kind, before, policy, now)? {
                    Outcome::Nothing => {}
                    Outcome::Stayed => applied.stayed += 1,
                    Outcome::Changed(changed) => {
                        self.tell_change(&case, &changed, policy, actor, now)?;
                        applied.changed.push(changed);
                    }
                }
            }
        }
        Ok(applied)
    }

    fn apply_to(
        &self,
        case: &CaseRef,
        state: &CaseState,
        kind: DeadlineKind,
        before: Option<Before>,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        let span = policy.deadlines.of(kind, state.severity);
        let may_begin = state.closure.is_none() || kind.is_of_law();
        let starts_at = match &before {
            Some(Before {
                stands: Stands::Settled,
                ..
            }) => None,
            // Of a closed case nothing runs or begins but the clocks of the law.
            Some(before) if before.stands == Stands::Open || may_begin => {
                Some(before.deadline.starts_at)
            }
            None if may_begin => begins(kind, state),
            _ => None,
        };
        let (Some(span), Some(starts_at)) = (span, starts_at) else {
            return self.waive_if_open(case, kind, before, now);
        };
        let wanted = clocks::computed(kind, span, starts_at, &policy.calendar, &[]);
        self.set_deadlines(case.id, &[wanted], policy)?;
        let Some(after) = self.before(case.id, kind)? else {
            return Ok(Outcome::Nothing);
        };
        let is_same = |before: &Before| {
            before.stands == Stands::Open
                && before.deadline.due_at == after.deadline.due_at
                && before.deadline.span == after.deadline.span
        };
        if before.as_ref().is_some_and(is_same) {
            return Ok(Outcome::Stayed);
        }
        Ok(Outcome::Changed(Changed {
            case: case.number.clone(),
            kind: kind.as_str(),
            why: why(before.as_ref(), &after),
            before: before
                .filter(|before| before.stands == Stands::Open)
                .map(Before::promised),
            after: Some(after.promised()),
        }))
    }

    /// Nothing of the kind is promised.
    fn waive_if_open(
        &self,
        case: &CaseRef,
        kind: DeadlineKind,
        before: Option<Before>,
        now: DateTime<Utc>,
    ) -> Result<Outcome> {
        let Some(before) = before.filter(|before| before.stands == Stands::Open) else {
            return Ok(Outcome::Nothing);
        };
        self.waive(case.id, kind, Waiver::Policy, now)?;
        Ok(Outcome::Changed(Changed {
            case: case.number.clone(),
            kind: kind.as_str(),
            before: Some(before.promised()),
            after: None,
            why: "the policy promises none any more: waived".to_owned(),
        }))
    }

    fn tell_change(
        &self,
        case: &CaseRef,
        changed: &Changed,
        policy: &Policy,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.event(
            now,
            actor,
            "deadline_changed",
            Some(case.id),
            json!({"deadline": changed.kind, "before": changed.before, "after": changed.after,
                   "policy_version": policy.version, "why": changed.why}),
        )
    }

    fn all_cases(&self) -> Result<Vec<CaseRef>> {
        let mut statement = self
            .0
            .prepare_cached("SELECT id, number FROM cases ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(CaseRef {
                id: row.get(0)?,
                number: row.get(1)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn before(&self, case_id: i64, kind: DeadlineKind) -> Result<Option<Before>> {
        let found = optional(
            self.0
                .prepare_cached(
                    "SELECT kind, span, starts_at, due_at, half_at, warn_at, paused_at,
                            policy_version, met_at IS NOT NULL, waived_because
                     FROM deadlines WHERE case_id = ?1 AND kind = ?2",
                )?
                .query_row(params![case_id, kind.as_str()], |row| {
                    let met: bool = row.get(8)?;
                    let waived: Option<String> = row.get(9)?;
                    let stands = match waived.as_deref() {
                        _ if met => Stands::Settled,
                        None => Stands::Open,
                        Some("policy") => Stands::WaivedByPolicy,
                        Some(_) => Stands::Settled,
                    };
                    Ok((deadline(row), row.get(7)?, stands))
                }),
        )?;
        let Some((deadline, policy_version, stands)) = found else {
            return Ok(None);
        };
        Ok(deadline?.map(|deadline| Before {
            deadline,
            policy_version,
            stands,
        }))
    }
}

enum Outcome {
    /// There is no such clock, or it is settled.
    Nothing,
    Stayed,
    Changed(Changed),
}

impl Before {
    fn promised(self) -> Promised {
        Promised {
            span: self.deadline.span.to_string(),
            due_at: self.deadline.due_at,
            policy_version: self.policy_version,
        }
    }
}

/// When a clock began that the case does not have, as it was not promised then. `None`: the step is
/// still to come. An acknowledgement, and the next update, count from a letter: they begin with it.
fn begins(kind: DeadlineKind, state: &CaseState) -> Option<DateTime<Utc>> {
    let unfixed = matches!(state.status, Status::New | Status::Accepted);
    match kind {
        DeadlineKind::Acknowledge | DeadlineKind::Update => None,
        DeadlineKind::Triage => {
            let is_awaited = state.status == Status::New && state.kind.has_clocks_of_a_report();
            is_awaited.then_some(state.received_at)
        }
        DeadlineKind::Remediate => unfixed.then_some(state.received_at),
        DeadlineKind::Disclose => state.fixed_at.filter(|_| state.status == Status::Fixed),
        DeadlineKind::EarlyWarning | DeadlineKind::Notification => state.exploited_at,
        DeadlineKind::FinalReport => state.exploited_at.and(state.fixed_at),
    }
}

fn why(before: Option<&Before>, after: &Before) -> String {
    let now = &after.deadline.span;
    match before.filter(|before| before.stands == Stands::Open) {
        None => format!("the policy promises {now} now"),
        Some(before) if before.deadline.span == *now => "the calendar is another".to_owned(),
        Some(before) => format!("{} instead of {}", now, before.deadline.span),
    }
}
