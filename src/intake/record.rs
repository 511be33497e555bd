//! The record of a mail: it, its case, what the team hears and the letters that answer it.
//!
//! Several mails at once or one by itself; of one that cannot be handled, the bytes and a case.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::answer::{Unwritten, enqueue};
use super::case::change_case;
use super::judged::decide_knowing;
use super::opened::{Opened, files_of, learn_from, marks_of};
use super::{sender, told};
use crate::commands;
use crate::commands::mail::Asked;
use crate::killpoint;
use crate::letters::{Desk, LetterError};
use crate::mail::message::{Address, Digest, Message};
use crate::parallel;
use crate::store::audit::Actor;
use crate::store::cases::NewCase;
use crate::store::intake::IncomingRecord;
use crate::store::tidings::TidingKind;
use crate::store::{Store, StoreError, Tx};
use crate::triage::classify::Kind;
use crate::triage::decide::{CaseChange, CaseRef, Decision, Unanswered};
use crate::triage::marks::{self, Mark};
use crate::triage::orders::Orders;

/// What became of one mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub kind: Kind,
    pub case: Option<String>,
    pub opened_case: bool,
    pub replies: usize,
    /// These bytes were recorded before; nothing new came of them.
    pub known_already: bool,
}

/// Records mails and the letters that answer them in one transaction, and what `beside` adds to it.
///
/// The letters are written on all cores. Where one of the mails cannot be handled, nothing of
/// that stands, and each is recorded by itself.
pub fn record_all<T>(
    store: &Store,
    mails: &mut [Opened],
    desk: &Desk,
    now: DateTime<Utc>,
    beside: impl Fn(&Tx<'_>, &[Opened]) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let together = catch_unwind(AssertUnwindSafe(|| {
        store.write(|tx| {
            let recorded = record_together(tx, mails, desk, now)?;
            Ok((recorded, beside(tx, mails)?))
        })
    }));
    let fault = match together.unwrap_or(Err(Fault::Panic)) {
        Ok((recorded, done)) => {
            log_all(mails, &recorded);
            return Ok(done);
        }
        Err(Fault::Store(error)) if error.passes_by_itself() => return Err(error),
        Err(fault) => fault,
    };
    tracing::warn!(
        event = "recorded_one_by_one",
        mails = mails.len(),
        "{fault}"
    );
    let (recorded, done) = store.write(|tx| {
        let recorded = mails
            .iter_mut()
            .map(|opened| record(tx, opened, desk, now))
            .collect::<Result<Vec<_>, _>>()?;
        Ok::<_, StoreError>((recorded, beside(tx, mails)?))
    })?;
    log_all(mails, &recorded);
    Ok(done)
}

fn record_together(
    tx: &Tx<'_>,
    mails: &mut [Opened],
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>, Fault> {
    let mut halves = Vec::with_capacity(mails.len());
    for opened in mails {
        halves.push(match known_already(tx, opened, now)? {
            Some(recorded) => Half {
                recorded,
                case: None,
                letters: Vec::new(),
            },
            None => half_record(tx, opened, desk, now)?,
        });
    }
    let unwritten = halves.iter().flat_map(|half| &half.letters).collect();
    let mut letters =
        parallel::map(unwritten, |letter: &Unwritten<'_>| letter.write(desk, now)).into_iter();
    for half in &halves {
        for written in letters.by_ref().take(half.letters.len()) {
            enqueue(tx, &written?, half.case.as_ref(), now)?;
        }
    }
    Ok(halves.into_iter().map(|half| half.recorded).collect())
}

/// Records one mail and the letters that answer it. One that cannot be handled is kept with its
/// bytes, for a person.
pub fn record(
    tx: &Tx<'_>,
    opened: &mut Opened,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Recorded, StoreError> {
    if let Some(recorded) = known_already(tx, opened, now)? {
        return Ok(recorded);
    }
    match tx.isolated(|| whole_record(tx, opened, desk, now))? {
        Ok(recorded) => Ok(recorded),
        Err(Fault::Store(error)) if error.passes_by_itself() || tx.is_over() => Err(error),
        Err(fault) => {
            tracing::error!(
                event = "not_handled",
                sha256 = %opened.message.digest,
                "{fault}; kept with its bytes, unanswered: a person must look at it"
            );
            bare_record(tx, opened, desk, &fault.to_string(), now)
        }
    }
}

/// The same bytes are recorded: only where they lay is noted.
fn known_already(
    tx: &Tx<'_>,
    opened: &Opened,
    now: DateTime<Utc>,
) -> Result<Option<Recorded>, StoreError> {
    let Some((message, _)) = tx.recorded(opened.message.digest)? else {
        return Ok(None);
    };
    let stays = opened.mail.too_large || opened.classified.kind_hint == Kind::Spam;
    remember_origin(tx, opened, message, !stays, now)?;
    Ok(Some(Recorded {
        kind: opened.classified.kind_hint,
        case: None,
        opened_case: false,
        replies: 0,
        known_already: true,
    }))
}

/// To be called once they are committed.
fn log_all(mails: &[Opened], recorded: &[Recorded]) {
    for (opened, recorded) in mails.iter().zip(recorded) {
        log(opened, recorded);
    }
}

fn log(opened: &Opened, recorded: &Recorded) {
    let event = match recorded {
        Recorded {
            known_already: true,
            ..
        } => "known_already",
        Recorded {
            opened_case: true, ..
        } => "opened",
        Recorded { .. } => "recorded",
    };
    tracing::info!(
        case = recorded.case.as_deref().unwrap_or("-"),
        event,
        kind = recorded.kind.as_str(),
        replies = recorded.replies,
        sha256 = %opened.message.digest,
    );
}

/// Why a mail could not be handled.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the answer could not be written: {0}")]
    Letter(LetterError),
    #[error("the program stumbled over it")]
    Panic,
}

impl From<LetterError> for Fault {
    fn from(error: LetterError) -> Self {
        match error {
            LetterError::KeyAway(away) => StoreError::Postponed(away.to_string()).into(),
            error => Self::Letter(error),
        }
    }
}

fn whole_record(
    tx: &Tx<'_>,
    opened: &mut Opened,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Recorded, Fault> {
    catch_unwind(AssertUnwindSafe(|| {
        let half = half_record(tx, opened, desk, now)?;
        for letter in &half.letters {
            enqueue(tx, &letter.write(desk, now)?, half.case.as_ref(), now)?;
        }
        Ok(half.recorded)
    }))
    .unwrap_or(Err(Fault::Panic))
}

/// A mail that is recorded but for the letters that answer it.
struct Half<'a> {
    recorded: Recorded,
    case: Option<CaseRef>,
    letters: Vec<Unwritten<'a>>,
}

fn half_record<'a>(
    tx: &Tx<'_>,
    opened: &'a mut Opened,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Half<'a>, StoreError> {
    sender::learn_of_directory(tx, opened, desk, now)?;
    let seen = sender::seen_with_sender(tx, opened, desk)?;
    learn_from(&seen, opened, desk, now);
    let opened = &*opened;
    let decision = decide_knowing(&seen, tx, opened, desk, now)?;
    let case = change_case(tx, opened, &decision, desk, now)?;
    let stays = decision.kind == Kind::Spam || opened.mail.too_large;
    warn_of_used_message_id(tx, &opened.message)?;
    let message = insert(tx, opened, decision.kind, case.as_ref(), &decision, now)?;
    remember_origin(tx, opened, message, !stays, now)?;
    sender::remember(tx, opened, &seen, case.as_ref(), now)?;
    sender::learn_of_copies(tx, &opened.message, desk, now)?;
    if matches!(decision.case, CaseChange::Open)
        && let Some(comparable) = &opened.comparable
    {
        tx.remember_sketch(message, comparable)?;
    }
    if let Some(kind) = told::tiding(opened, &decision) {
        let because = match kind {
            TidingKind::Report => opened.extracted.severity_because.as_deref(),
            _ => None,
        };
        told::tell_team(tx, kind, case.as_ref(), message, because, now)?;
    }
    take_up(tx, opened, &decision, desk, message, now)?;
    if let Some(case) = &case {
        remember_marks(tx, opened, &decision, case)?;
    }
    killpoint::reached("half_recorded");
    let recorded = Recorded {
        kind: decision.kind,
        case: case.as_ref().map(|case| case.number.clone()),
        opened_case: decision.case == CaseChange::Open,
        replies: decision.replies.len(),
        known_already: false,
    };
    let letters = decision
        .replies
        .into_iter()
        .map(|reply| Unwritten::new(tx, opened, reply, case.as_ref()))
        .collect::<Result<_, _>>()?;
    Ok(Half {
        recorded,
        case,
        letters,
    })
}

/// Does what the team asks of us in a mail; of what a stranger tried, the event alone stays.
fn take_up(
    tx: &Tx<'_>,
    opened: &Opened,
    decision: &Decision,
    desk: &Desk,
    message: i64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let is_ordinary = decision.kind != Kind::TeamCommand;
    if is_ordinary && matches!(decision.orders, Orders::OfMember(_)) {
        return Ok(());
    }
    let only_recorded = opened.mail.unanswered.map(|unanswered| match unanswered {
        Unanswered::BeforeFirstStart => "it lay in the mailbox before the first start",
        Unanswered::OnRequest => "recorded with --no-reply",
    });
    let asked = Asked {
        orders: &decision.orders,
        message: &opened.message,
        id: message,
        received_at: opened.mail.came_at(now),
        only_recorded,
        is_automatic: opened.classified.automatic.is_some(),
        files: &|at| files_of(opened, at, desk, now),
    };
    commands::mail::take_up(tx, desk, &asked, now)?;
    killpoint::reached("commanded");
    Ok(())
}

/// What opens a case marks it by all that it names; what a person adds later, by its files: its
/// words quote ours, and others.
fn remember_marks(
    tx: &Tx<'_>,
    opened: &Opened,
    decision: &Decision,
    case: &CaseRef,
) -> Result<(), StoreError> {
    match decision.case {
        CaseChange::Open => tx.remember_marks(case.id, &marks_of(opened)),
        CaseChange::Join(_) if decision.kind == Kind::Reply => {
            let files: Vec<Mark> = marks::of_files(&opened.message).collect();
            tx.remember_marks(case.id, &files)
        }
        CaseChange::Join(_) | CaseChange::None => Ok(()),
    }
}

/// The sender chooses the Message-ID, so nothing is decided by it; two mails under one may be
/// an attempt to have one of them overlooked elsewhere.
fn warn_of_used_message_id(tx: &Tx<'_>, message: &Message) -> Result<(), StoreError> {
    let Some(id) = &message.message_id else {
        return Ok(());
    };
    if let Some(earlier) = tx.digest_under(id, message.digest)? {
        tracing::warn!(
            event = "message_id_again",
            sha256 = %message.digest,
            earlier = %earlier,
            "another mail came under the same Message-ID; it is recorded as a mail of its own"
        );
    }
    Ok(())
}

fn insert(
    tx: &Tx<'_>,
    opened: &Opened,
    kind: Kind,
    case: Option<&CaseRef>,
    decision: &Decision,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    tx.record_incoming(&IncomingRecord {
        message: &opened.message,
        raw: opened.mail.bytes_to_keep(),
        kind: kind.as_str(),
        lane: opened.mail.lane,
        received_at: opened.mail.came_at(now),
        recorded_at: now,
        case_id: case.map(|case| case.id),
        not_answered: decision.reply_suppressed.as_deref(),
        // The same commands again are no report that came again.
        comparable: opened
            .comparable
            .as_ref()
            .filter(|_| kind != Kind::TeamCommand),
    })
}

/// `to_file`: the mail is to be moved or marked where it lies.
fn remember_origin(
    tx: &Tx<'_>,
    opened: &Opened,
    message: i64,
    to_file: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    match &opened.mail.place {
        Some(place) => tx.remember_origin(
            place,
            opened.mail.looks(),
            message,
            (!to_file).then_some(now),
        ),
        None => Ok(()),
    }
}

/// The least record: the bytes and a case, so that a person sees it.
fn bare_record(
    tx: &Tx<'_>,
    opened: &Opened,
    desk: &Desk,
    why: &str,
    now: DateTime<Utc>,
) -> Result<Recorded, StoreError> {
    let mail = &opened.mail;
    let message = bare_message(&opened.message, opened.message.digest, mail.size);
    let case = tx.open_case(
        &NewCase {
            kind: Kind::Unreadable.as_str(),
            reporter_name: None,
            reporter_email: message.from.as_ref().map(Address::key).as_deref(),
            subject: "",
            received_at: mail.came_at(now),
            opened_at: now,
            suggested_severity: None,
            unanswered: Some(why),
            robot: None,
            language: None,
            missing: &[],
        },
        &desk.policy,
    )?;
    tx.set_deadlines(
        case.id,
        &crate::triage::deadline::open_deadlines(&desk.policy, mail.came_at(now), None),
        &desk.policy,
    )?;
    tx.event(
        now,
        &Actor::Daemon,
        "opened",
        Some(case.id),
        json!({"kind": Kind::Unreadable.as_str(), "not_handled": why,
               "sha256": message.digest.to_string()}),
    )?;
    let id = tx.record_incoming(&IncomingRecord {
        message: &message,
        raw: mail.bytes_to_keep(),
        kind: Kind::Unreadable.as_str(),
        lane: mail.lane,
        received_at: mail.came_at(now),
        recorded_at: now,
        case_id: Some(case.id),
        not_answered: Some(why),
        comparable: None,
    })?;
    remember_origin(tx, opened, id, !mail.too_large, now)?;
    told::tell_team(tx, TidingKind::Unreadable, Some(&case), id, Some(why), now)?;
    Ok(Recorded {
        kind: Kind::Unreadable,
        case: Some(case.number),
        opened_case: true,
        replies: 0,
        known_already: false,
    })
}

/// A mail of which nothing is taken but the sender.
fn bare_message(from: &Message, digest: Digest, size: u64) -> Message {
    Message {
        from: from.from.clone(),
        ..Message::unread(digest, size)
    }
}
