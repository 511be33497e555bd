//! A mail and what reading it gives; nothing is asked of the records, and nothing is written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};

use super::sender;
use crate::killpoint;
use crate::letters::{Desk, digest_of_header};
use crate::mail::compose::File;
use crate::mail::message::{Certificate, Digest, Failure, Message, Signature, SignatureStatus};
use crate::mail::open::{self, Limits, Opening};
use crate::mailbox::{Lane, Looks};
use crate::pdf;
use crate::store::cases::FirstMail;
use crate::store::intake::Place;
use crate::triage::classify::{self, Classified, Kind};
use crate::triage::decide::{Incoming, Unanswered};
use crate::triage::extract::{self, Extracted};
use crate::triage::language;
use crate::triage::marks::{self, Mark};
use crate::triage::orders::Orders;
use crate::triage::policy::Language;
use crate::triage::rules::{self, Findings};
use crate::triage::same::{self, Comparable};
use crate::triage::whose::Seen;

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
    pub(super) fn came_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.received_at.min(now)
    }

    /// When we could be told something by it. An outage makes nothing stale that lay in our mailbox;
    /// when a file came, only the file says.
    pub(super) fn told_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.place {
            Some(_) => self.came_at(now),
            None => now,
        }
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

    pub(super) fn bytes_to_keep(&self) -> &[u8] {
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

    /// As it is decided on.
    pub(super) fn incoming<'a>(&'a self, orders: &'a Orders) -> Incoming<'a> {
        Incoming {
            message: &self.message,
            classified: &self.classified,
            findings: &self.findings,
            language: self.language.as_ref(),
            lane: self.mail.lane,
            received_at: self.mail.received_at,
            too_large: self.mail.too_large,
            unanswered: self.mail.unanswered,
            orders,
        }
    }
}

/// Reads and classifies a mail. Never fails and never panics: a mail over which the program
/// stumbles is for a person. Of certificates it knows those in the mail, ours and the team's files;
/// [`super::judge`] adds those that the records hold.
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

/// Adds to a mail what the certificates say that were seen with its sender.
pub(super) fn learn_from(seen: &[Seen], opened: &mut Opened, desk: &Desk, now: DateTime<Utc>) {
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

/// By what its case may be known again. Of a mail that could not be read nothing is known.
pub(super) fn marks_of(opened: &Opened) -> Vec<Mark> {
    match opened.comparable {
        Some(_) => marks::of(&opened.message, &opened.extracted, &opened.findings),
        None => Vec::new(),
    }
}

/// Files of a mail that was opened, with their bytes, as far as they come out the same once more.
pub(super) fn files_of(
    opened: &Opened,
    at: &[usize],
    desk: &Desk,
    now: DateTime<Utc>,
) -> Vec<File> {
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
