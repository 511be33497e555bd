//! The path of one mail: read, classified, decided, recorded.
//!
//! The same for mail from IMAP, a Maildir or a file; `explain` stops before
//! the record. What one mail causes commits in one transaction, and a mail
//! that cannot be handled is recorded all the same, for a person to see.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::killpoint;
use crate::letters::{Answered, Desk, LetterError, digest_of_header};
use crate::mail::message::{Address, Certificate, Digest, Failure, Message};
use crate::mail::open::{self, Limits, Opening};
use crate::mail::pgp;
use crate::mailbox::Lane;
use crate::store::audit::Actor;
use crate::store::cases::NewCase;
use crate::store::intake::{IncomingRecord, Place};
use crate::store::{StoreError, Tx};
use crate::triage::classify::{self, Classified, Kind};
use crate::triage::decide::{
    self, CaseChange, CaseRef, Decision, Incoming, Known, Questions, Unanswered,
};
use crate::triage::extract::{self, Extracted};
use crate::triage::same::{self, Comparable};

/// A mail as it came, and how.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The whole mail; of one over `limits.max_message`, its header block alone.
    pub raw: Vec<u8>,
    /// What is kept in place of `raw`, where that is only a part of what we have.
    pub kept: Option<Vec<u8>>,
    /// Bytes of the whole mail.
    pub size: u64,
    pub lane: Lane,
    pub received_at: DateTime<Utc>,
    pub too_large: bool,
    pub unanswered: Option<Unanswered>,
    pub place: Option<Place>,
}

impl Mail {
    fn bytes_to_keep(&self) -> &[u8] {
        self.kept.as_deref().unwrap_or(&self.raw)
    }
}

/// A mail that was read and classified; nothing was asked or written yet.
pub struct Opened {
    pub mail: Mail,
    pub message: Message,
    pub classified: Classified,
    pub extracted: Extracted,
    /// `None`: its text says nothing that could be compared (unreadable, too large).
    pub comparable: Option<Comparable>,
}

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

/// Reads and classifies a mail. Never fails and never panics: a mail over which the program
/// stumbles is for a person.
pub fn open_mail(mail: Mail, desk: &Desk, now: DateTime<Utc>) -> Opened {
    killpoint::opening(&mail.raw);
    match catch_unwind(AssertUnwindSafe(|| read_mail(&mail, desk, now))) {
        Ok((message, classified, extracted, comparable)) => Opened {
            mail,
            message,
            classified,
            extracted,
            comparable,
        },
        Err(_) => unopened(mail, desk),
    }
}

type Reading = (Message, Classified, Extracted, Option<Comparable>);

fn read_mail(mail: &Mail, desk: &Desk, now: DateTime<Utc>) -> Reading {
    let opening = Opening {
        keyring: Some(&desk.keyring),
        known: &[],
        limits: Limits::default(),
    };
    let mut message = open::open(&mail.raw, &opening, now);
    if mail.too_large {
        message.digest = digest_of_header(&mail.raw, mail.size);
        message.size = mail.size;
    }
    let classified = classify::classify(&message, &desk.organization, mail.lane);
    let extracted = extract::extract(&message);
    let has_words = !mail.too_large && message.openpgp.failure.is_none();
    let comparable = has_words.then(|| same::comparable(&message));
    (message, classified, extracted, comparable)
}

/// What would be done with a mail, given the records as they are.
pub fn judge(
    tx: &Tx<'_>,
    opened: &Opened,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Decision, StoreError> {
    let known = known(tx, &opened.message, opened.comparable.as_ref(), now)?;
    let incoming = Incoming {
        message: &opened.message,
        classified: &opened.classified,
        lane: opened.mail.lane,
        received_at: opened.mail.received_at,
        too_large: opened.mail.too_large,
        unanswered: opened.mail.unanswered,
    };
    Ok(decide::decide(
        &incoming,
        &known,
        &desk.organization,
        &desk.policy,
    ))
}

fn known(
    tx: &Tx<'_>,
    message: &Message,
    comparable: Option<&Comparable>,
    now: DateTime<Utc>,
) -> Result<Known, StoreError> {
    let questions = Questions::about(message);
    let certificate = match &questions.sender {
        Some(sender) => certificate_for(tx, sender, now)?,
        None => None,
    };
    Ok(Known {
        certificate,
        ..tx.known(&questions, comparable)?
    })
}

/// The certificate that was first seen with an address, as long as it can be used: a later one may
/// be anybody's. After that the next one, or whoever sends us a new key would never be answered.
pub fn certificate_for(
    tx: &Tx<'_>,
    email: &str,
    now: DateTime<Utc>,
) -> Result<Option<Certificate>, StoreError> {
    let mut certificates = tx.certificates_of(email)?;
    let usable = certificates
        .iter()
        .position(|certificate| pgp::usable_for_encryption(certificate, now).is_ok());
    certificates.truncate(usable.unwrap_or(0) + 1);
    Ok(certificates.pop())
}

/// Records one mail and the letters that answer it. `filed`: nothing has to be
/// done any more where it lay.
pub fn record(
    tx: &Tx<'_>,
    opened: &Opened,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Recorded, StoreError> {
    let recorded = match tx.recorded(opened.message.digest)? {
        Some((message, _)) => {
            let stays = opened.mail.too_large || opened.classified.kind_hint == Kind::Spam;
            remember_origin(tx, opened, message, !stays, now)?;
            let known = Recorded {
                kind: opened.classified.kind_hint,
                case: None,
                opened_case: false,
                replies: 0,
                known_already: true,
            };
            tracing::info!(
                event = "known_already",
                sha256 = %opened.message.digest,
                "the same bytes are recorded already"
            );
            return Ok(known);
        }
        None => tx.isolated(|| whole_record(tx, opened, desk, now))?,
    };
    let recorded = match recorded {
        Ok(recorded) => recorded,
        Err(Fault::Store(error)) if error.passes_by_itself() => return Err(error),
        Err(fault) => {
            tracing::error!(
                event = "not_handled",
                sha256 = %opened.message.digest,
                "{fault}; kept with its bytes, unanswered: a person must look at it"
            );
            bare_record(tx, opened, desk, &fault.to_string(), now)?
        }
    };
    tracing::info!(
        case = recorded.case.as_deref().unwrap_or("-"),
        event = if recorded.opened_case { "opened" } else { "recorded" },
        kind = recorded.kind.as_str(),
        replies = recorded.replies,
        sha256 = %opened.message.digest,
    );
    Ok(recorded)
}

/// Why a mail could not be handled.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("the answer could not be written: {0}")]
    Letter(#[from] LetterError),
    #[error("the program stumbled over it")]
    Panic,
}

fn whole_record(
    tx: &Tx<'_>,
    opened: &Opened,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Recorded, Fault> {
    catch_unwind(AssertUnwindSafe(|| {
        let decision = judge(tx, opened, desk, now)?;
        let case = change_case(tx, opened, &decision, desk, now)?;
        let stays = decision.kind == Kind::Spam || opened.mail.too_large;
        let message = insert(tx, opened, decision.kind, case.as_ref(), &decision, now)?;
        remember_origin(tx, opened, message, !stays, now)?;
        remember_sender(tx, opened, case.as_ref(), now)?;
        if matches!(decision.case, CaseChange::Open)
            && let Some(comparable) = &opened.comparable
        {
            tx.remember_sketch(message, comparable)?;
        }
        killpoint::reached("half_recorded");
        write_replies(tx, opened, &decision, case.as_ref(), desk, now)?;
        Ok(Recorded {
            kind: decision.kind,
            case: case.map(|case| case.number),
            opened_case: decision.case == CaseChange::Open,
            replies: decision.replies.len(),
            known_already: false,
        })
    }))
    .unwrap_or(Err(Fault::Panic))
}

/// The case that the mail belongs to, opened if need be, with its labels and deadlines.
fn change_case(
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
                    received_at: opened.mail.received_at,
                    opened_at: now,
                    suggested_severity: opened.extracted.severity,
                    unanswered: decision.reply_suppressed.as_deref(),
                },
                &desk.policy,
            )?;
            tx.set_deadlines(case.id, &decision.deadlines, &desk.policy.version)?;
            (Some(case), "opened")
        }
    };
    if let Some(case) = &case {
        tx.add_labels(case.id, &decision.labels)?;
    }
    let labels: Vec<&str> = decision.labels.iter().map(|label| label.name).collect();
    tx.event(
        now,
        &Actor::Reporter,
        action,
        case.as_ref().map(|case| case.id),
        json!({
            "kind": decision.kind.as_str(),
            "sha256": opened.message.digest.to_string(),
            "from": opened.message.from.as_ref().map(|from| &from.email),
            "labels": labels,
            "received_at": opened.mail.received_at,
            "not_answered": decision.reply_suppressed,
        }),
    )?;
    Ok(case)
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
        received_at: opened.mail.received_at,
        recorded_at: now,
        case_id: case.map(|case| case.id),
        not_answered: decision.reply_suppressed.as_deref(),
        comparable: opened.comparable.as_ref(),
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
        Some(place) => tx.remember_origin(place, message, (!to_file).then_some(now)),
        None => Ok(()),
    }
}

/// Keeps the sender's certificate; a changed one is an event.
fn remember_sender(
    tx: &Tx<'_>,
    opened: &Opened,
    case: Option<&CaseRef>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (Some(from), Some(certificate)) = (
        &opened.message.from,
        decide::sender_certificate(&opened.message),
    ) else {
        return Ok(());
    };
    if tx.remember_certificate(&from.key(), certificate, now)? {
        tx.event(
            now,
            &Actor::Reporter,
            "certificate_changed",
            case.map(|case| case.id),
            json!({"fingerprint": certificate.fingerprint}),
        )?;
    }
    Ok(())
}

fn write_replies(
    tx: &Tx<'_>,
    opened: &Opened,
    decision: &Decision,
    case: Option<&CaseRef>,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    for reply in &decision.replies {
        enqueue_reply(tx, opened, reply, case, desk, now)?;
    }
    Ok(())
}

fn enqueue_reply(
    tx: &Tx<'_>,
    opened: &Opened,
    reply: &decide::Reply,
    case: Option<&CaseRef>,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let file = case.map(|case| tx.case_file(case)).transpose()?;
    let answered = Answered {
        message: &opened.message,
        received_at: opened.mail.received_at,
        too_large: opened.mail.too_large,
        missing: &opened.extracted.missing,
        no_key_of_ours: opened.message.openpgp.failure == Some(Failure::NoKey),
    };
    let written = desk.answer(reply, &answered, file.as_ref(), now)?;
    tx.enqueue(&written.letter)?;
    if let Some(why) = written.unusable_certificate {
        tx.event(
            now,
            &Actor::Daemon,
            "certificate_unusable",
            case.map(|case| case.id),
            json!({"why": why}),
        )?;
    }
    Ok(())
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
            received_at: mail.received_at,
            opened_at: now,
            suggested_severity: None,
            unanswered: Some(why),
        },
        &desk.policy,
    )?;
    tx.set_deadlines(
        case.id,
        &crate::triage::deadline::open_deadlines(&desk.policy, mail.received_at, None),
        &desk.policy.version,
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
        received_at: mail.received_at,
        recorded_at: now,
        case_id: Some(case.id),
        not_answered: Some(why),
        comparable: None,
    })?;
    remember_origin(tx, opened, id, !mail.too_large, now)?;
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

/// A mail whose reading crashed the program too often: recorded by its bytes alone.
pub fn unopened(mail: Mail, desk: &Desk) -> Opened {
    let digest = if mail.too_large {
        digest_of_header(&mail.raw, mail.size)
    } else {
        Digest::of(&mail.raw)
    };
    let message = Message::unread(digest, mail.size);
    let mut classified = classify::classify(&message, &desk.organization, mail.lane);
    classified.kind_hint = Kind::Unreadable;
    Opened {
        classified,
        extracted: Extracted::default(),
        comparable: None,
        message,
        mail,
    }
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
    let opened = open_mail(
        Mail {
            raw: first.raw,
            kept: None,
            size: first.size,
            lane: first.lane,
            received_at: first.received_at,
            too_large: first.too_large,
            unanswered: None,
            place: None,
        },
        desk,
        now,
    );
    if first.not_answered.is_none() {
        return Err(AcknowledgeError::Answered);
    }
    let known = known(tx, &opened.message, None, now)?;
    let kind = Kind::parse(&first.kind).unwrap_or(opened.classified.kind_hint);
    let incoming = Incoming {
        message: &opened.message,
        classified: &opened.classified,
        lane: opened.mail.lane,
        received_at: opened.mail.received_at,
        too_large: opened.mail.too_large,
        unanswered: None,
    };
    let reply = decide::reply(
        &incoming,
        &known,
        &desk.organization,
        kind,
        opened.classified.wants_key,
    )
    .map_err(AcknowledgeError::NotToBeAnswered)?;
    enqueue_reply(tx, &opened, &reply, Some(&case), desk, now).map_err(|fault| match fault {
        Fault::Store(error) => AcknowledgeError::Store(error),
        other => AcknowledgeError::NotToBeAnswered(other.to_string()),
    })?;
    tx.answered(case.id, first.id)?;
    tx.event(now, actor, "acknowledge", Some(case.id), json!({}))?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum AcknowledgeError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("it was answered already; `triaged case show` lists its letters")]
    Answered,
    #[error("it is not to be answered: {0}")]
    NotToBeAnswered(String),
}
