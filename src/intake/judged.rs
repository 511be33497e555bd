//! What would be done with a mail, given the records as they are.

use chrono::{DateTime, Utc};

use super::opened::{Opened, learn_from, marks_of};
use super::sender;
use crate::letters::Desk;
use crate::mail::message::Certificate;
use crate::store::{StoreError, Tx};
use crate::triage::classify::Kind;
use crate::triage::decide::{self, CaseRef, Decision, Incoming, Known, OwnCase, Questions};
use crate::triage::orders::{self};
use crate::triage::same::Comparable;
use crate::triage::whose::Seen;

/// What would be done with a mail, given the records as they are; what they know of its sender
/// is added to the mail.
pub fn judge(
    tx: &Tx<'_>,
    opened: &mut Opened,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Decision, StoreError> {
    let seen = sender::seen_with_sender(tx, opened, desk)?;
    learn_from(&seen, opened, desk, now);
    decide_knowing(&seen, tx, opened, desk, now)
}

pub(super) fn decide_knowing(
    seen: &[Seen],
    tx: &Tx<'_>,
    opened: &Opened,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Decision, StoreError> {
    let comparable = opened.comparable.as_ref();
    let known = Known {
        of_sender: cases_of_asker(tx, opened)?,
        shared: tx.sharing(&marks_of(opened))?,
        ..known(seen, tx, opened, comparable, now)?
    };
    let came_at = opened.mail.came_at(now);
    let orders = orders::read(
        &opened.message,
        &desk.team.people(),
        opened.mail.told_at(now),
    );
    let incoming = Incoming {
        received_at: came_at,
        ..opened.incoming(&orders)
    };
    Ok(decide::decide(
        &incoming,
        &known,
        &desk.organization,
        &desk.policy,
    ))
}

/// The cases of who asks how a case stands.
fn cases_of_asker(tx: &Tx<'_>, opened: &Opened) -> Result<Vec<OwnCase>, StoreError> {
    match &opened.message.from {
        Some(from) if opened.classified.kind_hint == Kind::StatusRequest => {
            tx.cases_of_participant(&from.key())
        }
        _ => Ok(Vec::new()),
    }
}

pub(super) fn known(
    seen: &[Seen],
    tx: &Tx<'_>,
    opened: &Opened,
    comparable: Option<&Comparable>,
    now: DateTime<Utc>,
) -> Result<Known, StoreError> {
    let judged = sender::judge(seen, opened, now);
    let certificates: Vec<Certificate> = seen.iter().map(|it| it.certificate.clone()).collect();
    let questions = Questions::about(&opened.message, &certificates);
    let known = tx.known(&questions, comparable, now)?;
    Ok(Known {
        came_encrypted: cases_in_cipher(tx, known.cases())?,
        certificate: judged.key,
        signer: judged.signer,
        key_change: judged.change,
        ..known
    })
}

/// Of these cases, those of which a mail came encrypted.
pub(super) fn cases_in_cipher<'c>(
    tx: &Tx<'_>,
    cases: impl Iterator<Item = &'c CaseRef>,
) -> Result<Vec<CaseRef>, StoreError> {
    let mut in_cipher = Vec::new();
    for case in cases {
        if tx.case_file(case)?.came_encrypted {
            in_cipher.push(case.clone());
        }
    }
    Ok(in_cipher)
}
