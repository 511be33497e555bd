//! The path of one mail: read, classified, decided, recorded.
//!
//! The same for mail from IMAP, a Maildir or a file; `explain` stops before
//! the record. What one mail causes commits in one transaction, and a mail
//! that cannot be handled is recorded all the same, for a person to see.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::commands;
use crate::commands::mail::Asked;
use crate::killpoint;
use crate::letters::{Answered, Desk, LetterError, Written, digest_of_header};
use crate::mail::compose::File;
use crate::mail::message::{
    Address, Certificate, Digest, Failure, Message, Signature, SignatureStatus,
};
use crate::mail::open::{self, Limits, Opening};
use crate::mailbox::{Lane, Looks};
use crate::parallel;
use crate::pdf;
use crate::store::audit::Actor;
use crate::store::cases::{CaseFile, FirstMail, NewCase};
use crate::store::intake::{IncomingRecord, Place};
use crate::store::tidings::{NewTiding, TidingKind};
use crate::store::{Store, StoreError, Tx};
use crate::triage::classify::{self, Classified, Kind};
use crate::triage::decide::{
    self, CaseChange, CaseRef, Decision, Incoming, Known, OwnCase, Questions, Unanswered,
};
use crate::triage::extract::{self, Extracted};
use crate::triage::language;
use crate::triage::marks::{self, Mark};
use crate::triage::orders::{self, Orders};
use crate::triage::policy::Language;
use crate::triage::rules::{self, Findings};
use crate::triage::same::{self, Comparable};
use crate::triage::whose::Seen;

pub mod sender;

/// Why a mail is not recorded yet.
pub const AWAY: &str =
    "a key of ours that it may be for is in gpg-agent, which does not work with it now";

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
    pub fn looks(&self) -> Looks {
        Looks {
            size: self.size,
            received_at: self.received_at,
        }
    }

    /// When it was received. A mailbox whose clock is ahead of ours gives nobody more time.
    fn came_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.received_at.min(now)
    }

    /// As it is on record, to be read again.
    pub fn of_record(first: FirstMail) -> Self {
        Self {
            raw: first.raw,
            kept: None,
            size: first.size,
            lane: first.lane,
            received_at: first.received_at,
            too_large: first.too_large,
            unanswered: None,
            place: None,
        }
    }

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
    pub findings: Findings,
    /// Of its sender's own words, where that is sure.
    pub language: Option<Language>,
    /// `None`: its text says nothing that could be compared (unreadable, too large).
    pub comparable: Option<Comparable>,
    /// Its sender's certificates, from the Web Key Directory of the domain.
    pub found: Vec<Certificate>,
}

impl Opened {
    /// It may be for a key that a gpg-agent holds, which does not work with it now: it must not be
    /// recorded yet.
    pub fn waits_for_key(&self) -> bool {
        self.message.openpgp.failure == Some(Failure::KeyAway)
    }
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
/// stumbles is for a person. Of certificates it knows those in the mail, ours and the team's files;
/// [`judge`] adds those that the records hold.
pub fn open_mail(mail: Mail, desk: &Desk, now: DateTime<Utc>) -> Opened {
    killpoint::opening(&mail.raw);
    match catch_unwind(AssertUnwindSafe(|| {
        read_mail(&mail, &desk.certificates(), None, desk, now)
    })) {
        Ok(reading) => Opened::new(mail, reading),
        Err(_) => unopened(mail, desk),
    }
}

/// What reading a mail gives.
struct Reading {
    message: Message,
    classified: Classified,
    extracted: Extracted,
    findings: Findings,
    language: Option<Language>,
    comparable: Option<Comparable>,
}

impl Opened {
    fn new(mail: Mail, reading: Reading) -> Self {
        Self {
            mail,
            message: reading.message,
            classified: reading.classified,
            extracted: reading.extracted,
            findings: reading.findings,
            language: reading.language,
            comparable: reading.comparable,
            found: Vec::new(),
        }
    }
}

/// `earlier`: the same mail, read before with fewer certificates.
fn read_mail(
    mail: &Mail,
    known: &[Certificate],
    earlier: Option<&Message>,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Reading {
    let opening = Opening {
        keyring: Some(&desk.keyring),
        known,
        limits: Limits::default(),
    };
    let (mut message, documents) = open::open_with_documents(&mail.raw, &opening, now);
    match earlier {
        Some(earlier) => pdf::copy_from(earlier, &mut message),
        None => pdf::read_into(&mut message, &documents),
    }
    if mail.too_large {
        message.digest = digest_of_header(&mail.raw, mail.size);
        message.size = mail.size;
    }
    let classified = classify::classify(&message, &desk.organization, mail.lane);
    let extracted = extract::extract(&message);
    let findings = rules::find(&message, &extracted, &desk.policy.terms);
    let language = language::detect(&classify::own_words(&message.text));
    let has_words = !mail.too_large && message.openpgp.failure.is_none();
    let comparable = has_words.then(|| same::comparable(&message));
    Reading {
        message,
        classified,
        extracted,
        findings,
        language,
        comparable,
    }
}

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

/// Adds to a mail what the certificates say that were seen with its sender.
fn learn_from(seen: &[Seen], opened: &mut Opened, desk: &Desk, now: DateTime<Utc>) {
    let seen: Vec<Certificate> = seen.iter().map(|it| it.certificate.clone()).collect();
    read_again_knowing(&seen, opened, desk, now);
    let brought = &mut opened.message.openpgp.certificates;
    sender::complete(brought, &seen);
    sender::usable_first(brought, now);
}

/// Judges the signatures of a mail anew where a certificate that was seen with its sender can say
/// more of them. Only now is it sure that the mails before this one are recorded; few mails are
/// signed and bring no certificate, or a worse copy, so that reading them twice costs little.
fn read_again_knowing(seen: &[Certificate], opened: &mut Opened, desk: &Desk, now: DateTime<Utc>) {
    let says_more = |certificate: &Certificate| says_more(certificate, &opened.message);
    if !seen.iter().any(says_more) {
        return;
    }
    let known = [&desk.certificates(), seen].concat();
    let again = catch_unwind(AssertUnwindSafe(|| {
        read_mail(&opened.mail, &known, Some(&opened.message), desk, now)
    }));
    // With its key away it would be read worse than before.
    if let Ok(reading) = again
        && reading.message.openpgp.failure != Some(Failure::KeyAway)
    {
        opened.message = reading.message;
        opened.classified = reading.classified;
        opened.extracted = reading.extracted;
        opened.findings = reading.findings;
        opened.language = reading.language;
        opened.comparable = reading.comparable;
    }
}

/// A signature is by nobody we knew, or by the owner of this certificate, of which the mail
/// brought no copy, or one that may lack a revocation.
fn says_more(certificate: &Certificate, message: &Message) -> bool {
    let openpgp = &message.openpgp;
    let came_along = || {
        let mut brought = openpgp.certificates.iter();
        brought.any(|brought| brought.bytes == certificate.bytes)
    };
    let concerns = |signature: &Signature| {
        signature.status == SignatureStatus::UnknownKey
            || signature.fingerprint.as_ref() == Some(&certificate.fingerprint)
    };
    openpgp.signatures.iter().any(concerns) && !came_along()
}

fn decide_knowing(
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
    let orders = orders::read(&opened.message, &desk.team.people(), came_at);
    let incoming = Incoming {
        message: &opened.message,
        classified: &opened.classified,
        findings: &opened.findings,
        language: opened.language.as_ref(),
        lane: opened.mail.lane,
        received_at: came_at,
        orders: &orders,
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

/// By what its case may be known again. Of a mail that could not be read nothing is known.
fn marks_of(opened: &Opened) -> Vec<Mark> {
    match opened.comparable {
        Some(_) => marks::of(&opened.message, &opened.extracted, &opened.findings),
        None => Vec::new(),
    }
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

fn known(
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
fn cases_in_cipher<'c>(
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
    if let Some(kind) = tiding(opened, &decision) {
        let because = match kind {
            TidingKind::Report => opened.extracted.severity_because.as_deref(),
            _ => None,
        };
        tell_team(tx, kind, case.as_ref(), message, because, now)?;
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

/// Files of a mail that was opened, with their bytes, as far as they come out the same once more.
fn files_of(opened: &Opened, at: &[usize], desk: &Desk, now: DateTime<Utc>) -> Vec<File> {
    let certificates = desk.certificates();
    let opening = Opening {
        keyring: Some(&desk.keyring),
        known: &certificates,
        limits: Limits::default(),
    };
    let message = &opened.message;
    let files = open::files_of(message, at, &opened.mail.raw, &opening, now).into_iter();
    files
        .filter_map(|file| {
            let attachment = message.attachments.get(file.attachment)?;
            Some(File {
                name: attachment.name.clone(),
                media_type: attachment.media_type.clone(),
                bytes: file.bytes,
            })
        })
        .collect()
}

/// What the team hears at once of a mail; `None`: the digest is early enough.
fn tiding(opened: &Opened, decision: &Decision) -> Option<TidingKind> {
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
        CaseChange::Join(_) => {
            let is_word = is_of_person(opened, kind) && kind != Kind::KeyRequest;
            is_word.then_some(TidingKind::FollowUp)
        }
    }
}

fn tell_team(
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

/// A letter that was decided on, with all that its words need.
struct Unwritten<'a> {
    opened: &'a Opened,
    reply: decide::Reply,
    case: Option<CaseFile>,
    /// The cases whose standing it tells.
    about: Vec<CaseFile>,
}

impl<'a> Unwritten<'a> {
    fn new(
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

    fn write(&self, desk: &Desk, now: DateTime<Utc>) -> Result<Written, LetterError> {
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
    tell_team(tx, TidingKind::Unreadable, Some(&case), id, Some(why), now)?;
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
        findings: Findings::default(),
        language: None,
        comparable: None,
        found: Vec::new(),
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
        message: &opened.message,
        classified: &opened.classified,
        findings: &opened.findings,
        language: opened.language.as_ref(),
        lane: opened.mail.lane,
        received_at: opened.mail.received_at,
        too_large: opened.mail.too_large,
        unanswered: None,
        orders: &Orders::None,
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
