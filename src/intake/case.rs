//! What a mail changes of its case.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::opened::Opened;
use crate::letters::Desk;
use crate::mail::message::{Address, Message};
use crate::store::audit::Actor;
use crate::store::cases::NewCase;
use crate::store::{StoreError, Tx};
use crate::triage::classify::{self, Kind};
use crate::triage::decide::{CaseChange, CaseRef, Decision, Questions};
use crate::triage::orders::Orders;

/// The case that the mail belongs to, opened if need be, with its labels and deadlines.
pub(super) fn change_case(
    tx: &Tx<'_>,
    opened: &Opened,
    decision: &Decision,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Option<CaseRef>, StoreError> {
    let (case, action) = match &decision.case {
        CaseChange::None => (None, "received"),
        CaseChange::Join(case) => (Some(case.clone()), "received"),
        CaseChange::Open => {
            let message = &opened.message;
            let case = tx.open_case(
                &NewCase {
                    kind: decision.kind.as_str(),
                    reporter_name: message.from.as_ref().and_then(|from| from.name.as_deref()),
                    reporter_email: message.from.as_ref().map(Address::key).as_deref(),
                    subject: &message.subject,
                    received_at: opened.mail.came_at(now),
                    opened_at: now,
                    suggested_severity: opened.extracted.severity,
                    unanswered: decision.reply_suppressed.as_deref(),
                    robot: robot(opened, decision.kind),
                    language: opened.language.as_deref(),
                    missing: &opened.findings.missing,
                },
                &desk.policy,
            )?;
            tx.set_deadlines(case.id, &decision.deadlines, &desk.policy)?;
            (Some(case), "opened")
        }
    };
    if let Some(case) = &case {
        tx.add_labels(case.id, &decision.labels)?;
        if decision
            .labels
            .iter()
            .any(|label| label.name == classify::ACTIVE_EXPLOITATION)
        {
            tx.raise_alarm(case.id, opened.mail.came_at(now))?;
        }
    }
    let labels: Vec<&str> = decision.labels.iter().map(|label| label.name).collect();
    tx.event(
        now,
        &wrote(decision),
        action,
        case.as_ref().map(|case| case.id),
        json!({
            "kind": decision.kind.as_str(),
            "sha256": opened.message.digest.to_string(),
            "from": opened.message.from.as_ref().map(|from| &from.email),
            "labels": labels,
            "received_at": opened.mail.came_at(now),
            "not_answered": decision.reply_suppressed,
        }),
    )?;
    if let CaseChange::Join(case) = &decision.case {
        joined(tx, opened, decision.kind, case, desk, now)?;
    }
    Ok(case)
}

fn wrote(decision: &Decision) -> Actor {
    match &decision.orders {
        Orders::OfMember(member) if decision.orders.are_signed() => {
            Actor::Member(member.name.clone())
        }
        Orders::OfMember(_) | Orders::OfStranger(_) | Orders::None => Actor::Reporter,
    }
}

/// What a mail that joins a case changes of it: a person's ends a pause; a bounce means that a
/// letter of ours did not arrive.
fn joined(
    tx: &Tx<'_>,
    opened: &Opened,
    kind: Kind,
    case: &CaseRef,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if kind == Kind::Bounce && is_failure(&opened.message) {
        let about = Questions::about(&opened.message, &[]).refers_to;
        return tx.record_bounced(case.id, &about, &desk.policy, now);
    }
    if is_of_person(opened, kind) {
        reporter_wrote(tx, opened, case, now)?;
    }
    Ok(())
}

fn is_of_person(opened: &Opened, kind: Kind) -> bool {
    match kind {
        Kind::Bounce | Kind::AutoReply | Kind::List | Kind::Spam | Kind::TeamCommand => false,
        Kind::Report
        | Kind::Reply
        | Kind::Resend
        | Kind::KeyRequest
        | Kind::StatusRequest
        | Kind::Abuse
        | Kind::Diligence
        | Kind::AccessRequest
        | Kind::Question
        | Kind::Unreadable => robot(opened, kind).is_none(),
    }
}

/// The pause lasted until the mail came, whenever we read it. What came before we asked is no answer.
fn reporter_wrote(
    tx: &Tx<'_>,
    opened: &Opened,
    case: &CaseRef,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let came_at = opened.mail.came_at(now);
    match tx.paused_since(case.id)? {
        Some(since) if came_at >= since => {
            let why = "the reporter wrote";
            tx.resume_with_event(case.id, &Actor::Reporter, why, came_at, now)
        }
        Some(_) | None => Ok(()),
    }
}

/// Not a notice that a letter is late, or was delivered.
fn is_failure(message: &Message) -> bool {
    let action = message.machine_report.as_ref();
    action
        .and_then(|report| report.action.as_deref())
        .is_none_or(|action| action == "failed")
}

/// By what a mail shows that a program wrote it.
fn robot(opened: &Opened, kind: Kind) -> Option<&str> {
    let automatic = opened.classified.automatic.as_ref();
    automatic
        .map(|automatic| automatic.reason.as_str())
        .or((kind == Kind::List).then_some("list mail"))
}
