//! The letters that answer a mail.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::AWAY;
use super::judged::{cases_in_cipher, known};
use super::opened::{Mail, Opened, learn_from, open_mail};
use super::sender;
use crate::letters::{Answered, Desk, LetterError, Written};
use crate::mail::message::Failure;
use crate::store::audit::Actor;
use crate::store::cases::CaseFile;
use crate::store::{StoreError, Tx};
use crate::triage::classify::Kind;
use crate::triage::decide::{self, CaseChange, CaseRef, Incoming, Known};
use crate::triage::orders::Orders;

/// A letter that was decided on, with all that its words need.
pub(super) struct Unwritten<'a> {
    opened: &'a Opened,
    reply: decide::Reply,
    case: Option<CaseFile>,
    /// The cases whose standing it tells.
    about: Vec<CaseFile>,
}

impl<'a> Unwritten<'a> {
    pub(super) fn new(
        tx: &Tx<'_>,
        opened: &'a Opened,
        reply: decide::Reply,
        case: Option<&CaseRef>,
    ) -> Result<Self, StoreError> {
        let case = case.map(|case| tx.case_file(case)).transpose()?;
        let about = reply.about.iter().map(|case| tx.case_file(case));
        Ok(Self {
            opened,
            about: about.collect::<Result<_, _>>()?,
            reply,
            case,
        })
    }

    pub(super) fn write(&self, desk: &Desk, now: DateTime<Utc>) -> Result<Written, LetterError> {
        let answered = Answered {
            message: &self.opened.message,
            received_at: self.opened.mail.came_at(now),
            too_large: self.opened.mail.too_large,
            findings: &self.opened.findings,
            asked: &self.about,
            no_key_of_ours: self.opened.message.openpgp.failure == Some(Failure::NoKey),
        };
        desk.answer(&self.reply, &answered, self.case.as_ref(), now)
    }
}

pub(crate) fn enqueue(
    tx: &Tx<'_>,
    written: &Written,
    case: Option<&CaseRef>,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let letter = tx.enqueue(&written.letter)?;
    if let Some(why) = &written.unusable_certificate {
        tx.event(
            now,
            &Actor::Daemon,
            "certificate_unusable",
            case.map(|case| case.id),
            json!({"why": why}),
        )?;
    }
    Ok(letter)
}

/// Writes the answer that a case's first mail did not get.
///
/// Errors: there is no such case, it was answered, or its mail may not be answered at all.
pub fn acknowledge(
    tx: &Tx<'_>,
    number: &str,
    desk: &Desk,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<(), AcknowledgeError> {
    let case = tx.case_by_number(number)?;
    let first = tx.first_mail(case.id)?;
    if first.not_answered.is_none() {
        return Err(AcknowledgeError::Answered);
    }
    let (first_id, first_kind) = (first.id, first.kind.clone());
    let mut opened = open_mail(Mail::of_record(first), desk, now);
    if opened.waits_for_key() {
        return Err(StoreError::Postponed(AWAY.to_owned()).into());
    }
    let seen = sender::seen_with_sender(tx, &opened, desk)?;
    learn_from(&seen, &mut opened, desk, now);
    let known = Known {
        came_encrypted: cases_in_cipher(tx, [&case].into_iter())?,
        ..known(&seen, tx, &opened, None, now)?
    };
    let kind = Kind::parse(&first_kind).unwrap_or(opened.classified.kind_hint);
    let incoming = Incoming {
        unanswered: None,
        ..opened.incoming(&Orders::None)
    };
    let reply = decide::reply(
        &incoming,
        &known,
        &desk.organization,
        &desk.policy,
        kind,
        &CaseChange::Join(case.clone()),
        opened.classified.wants_key,
    )
    .map_err(AcknowledgeError::NotToBeAnswered)?;
    let written = Unwritten::new(tx, &opened, reply, Some(&case))?
        .write(desk, now)
        .map_err(|fault| match fault {
            LetterError::KeyAway(away) => StoreError::Postponed(away.to_string()).into(),
            fault => AcknowledgeError::NotToBeAnswered(format!(
                "the answer could not be written: {fault}"
            )),
        })?;
    enqueue(tx, &written, Some(&case), now)?;
    tx.answered(case.id, first_id)?;
    tx.event(now, actor, "acknowledge", Some(case.id), json!({}))?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum AcknowledgeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("it was answered already; `triaged case show` lists its letters")]
    Answered,
    #[error("it is not to be answered: {0}")]
    NotToBeAnswered(String),
}
