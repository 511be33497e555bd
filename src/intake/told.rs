//! What the team hears at once of a mail.

use chrono::{DateTime, Utc};

use super::opened::Opened;
use crate::store::tidings::{NewTiding, TidingKind};
use crate::store::{StoreError, Tx};
use crate::triage::classify::Kind;
use crate::triage::decide::{CaseChange, CaseRef, Decision, Unanswered};

/// What the team hears at once of a mail; `None`: the digest is early enough.
pub(super) fn tiding(opened: &Opened, decision: &Decision) -> Option<TidingKind> {
    if opened.mail.unanswered == Some(Unanswered::OnRequest) {
        // The back-catalogue, which nobody waits for.
        return None;
    }
    let kind = decision.kind;
    match &decision.case {
        CaseChange::None => None,
        CaseChange::Open | CaseChange::Join(_) if kind == Kind::Unreadable => {
            Some(TidingKind::Unreadable)
        }
        CaseChange::Open => Some(TidingKind::Report),
        CaseChange::Join(_) => is_of_interest(kind).then_some(TidingKind::FollowUp),
    }
}

/// Somebody's words on a case, through a list or a tracker too: of a coordinator nothing else may come.
fn is_of_interest(kind: Kind) -> bool {
    match kind {
        Kind::Bounce | Kind::AutoReply | Kind::Spam | Kind::TeamCommand | Kind::KeyRequest => false,
        Kind::Report
        | Kind::Reply
        | Kind::Resend
        | Kind::StatusRequest
        | Kind::List
        | Kind::Abuse
        | Kind::Diligence
        | Kind::AccessRequest
        | Kind::Question
        | Kind::Unreadable => true,
    }
}

pub(super) fn tell_team(
    tx: &Tx<'_>,
    kind: TidingKind,
    case: Option<&CaseRef>,
    message: i64,
    because: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let tiding = NewTiding {
        kind,
        case: case.map(|case| case.id),
        message: Some(message),
        because,
    };
    tx.add_tiding(&tiding, now)
}
