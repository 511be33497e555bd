//! Whose certificates a mail is read with, answered to, and what is remembered of them.
//!
//! `triage::whose` decides; here the records, the team's files and the library are asked.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Opened;
use crate::letters::Desk;
use crate::mail::message::{Certificate, Message, SignatureStatus};
use crate::mail::pgp;
use crate::mailbox::Lane;
use crate::store::audit::Actor;
use crate::store::{StoreError, Tx};
use crate::triage::classify::{Authentication, Kind};
use crate::triage::decide::CaseRef;
use crate::triage::policy::Encrypt;
use crate::triage::whose::{self, Change, Learned, Seen, Shown};

/// The certificates that are known of the mail's sender, those that speak for the address first;
/// with all that copies in the mail say of them.
pub fn seen_with_sender(
    tx: &Tx<'_>,
    opened: &Opened,
    desk: &Desk,
) -> Result<Vec<Seen>, StoreError> {
    let Some(from) = &opened.message.from else {
        return Ok(Vec::new());
    };
    let mut seen = seen_with(tx, desk, &from.key())?;
    for it in &mut seen {
        it.certificate = with_copy_among(&opened.message.openpgp.certificates, &it.certificate);
    }
    Ok(seen)
}

fn seen_with(tx: &Tx<'_>, desk: &Desk, email: &str) -> Result<Vec<Seen>, StoreError> {
    let seen = tx.seen_with(email)?;
    // A file of the team's does not learn of a revocation; the records may.
    let copies: Vec<Certificate> = seen.iter().map(|it| it.certificate.clone()).collect();
    let pinned: Vec<Certificate> = desk
        .pinned
        .of(email)
        .map(|pinned| with_copy_among(&copies, pinned))
        .collect();
    Ok(whose::with_pinned(seen, pinned.iter()))
}

/// The key of an address: what anything that is not the answer to a mail is encrypted to. One that
/// can be used, else the first: then the letter says that it cannot be used.
pub fn key_of(
    tx: &Tx<'_>,
    desk: &Desk,
    email: &str,
    now: DateTime<Utc>,
) -> Result<Option<Certificate>, StoreError> {
    let seen = seen_with(tx, desk, email)?;
    Ok(best_speaker(&seen, now).cloned())
}

fn best_speaker(seen: &[Seen], now: DateTime<Utc>) -> Option<&Certificate> {
    let mut usable = whose::speaking(seen).filter(|it| is_usable(it, now));
    usable.next().or_else(|| whose::speaking(seen).next())
}

fn is_usable(certificate: &Certificate, now: DateTime<Utc>) -> bool {
    pgp::usable_for_encryption(certificate, now).is_ok()
}

/// What a mail says of its sender's key.
pub struct Judged {
    /// The mail showed another certificate than the one that spoke before.
    pub change: Option<Change>,
    /// What speaks for the address, now that the mail came; `None`: nothing did before.
    pub key: Option<Certificate>,
    /// Signed this mail, and can be used; nobody did where our own server found it forged.
    pub signer: Option<Certificate>,
}

pub fn judge(seen: &[Seen], opened: &Opened, now: DateTime<Utc>) -> Judged {
    let change = change(seen, &shown(seen, opened), now);
    let taken_over = change.as_ref().filter(|change| change.takes_over());
    let key = match taken_over {
        Some(change) => Some(change.new.clone()),
        None => best_speaker(seen, now).cloned(),
    };
    let is_forged = opened.classified.authentication == Authentication::Fail;
    Judged {
        signer: signer(seen, &opened.message, now)
            .filter(|_| !is_forged)
            .cloned(),
        change,
        key,
    }
}

fn shown(seen: &[Seen], opened: &Opened) -> Vec<Shown> {
    whose::shown(&opened.message, opened.classified.authentication, seen)
}

fn change(seen: &[Seen], shown: &[Shown], now: DateTime<Utc>) -> Option<Change> {
    whose::change(seen, shown, |it| pgp::usable_for_encryption(it, now).err())
}

/// The certificate of the sender that signed this mail, one in cipher as a whole: whoever found a
/// ciphertext can put a signature of his own beside it.
fn signer<'m>(
    seen: &'m [Seen],
    message: &'m Message,
    now: DateTime<Utc>,
) -> Option<&'m Certificate> {
    let has_signed = |certificate: &&Certificate| match message.openpgp.encrypted {
        true => whose::has_signed_all(message, certificate),
        false => whose::has_signed(message, certificate),
    };
    whose::own_certificate(message)
        .into_iter()
        .chain(seen.iter().map(|it| &it.certificate))
        .find(|certificate| has_signed(certificate) && is_usable(certificate, now))
}

/// Remembers what a mail shows of its sender's certificates. Another one than the key of the
/// address is an event.
pub fn remember(
    tx: &Tx<'_>,
    opened: &Opened,
    seen: &[Seen],
    case: Option<&CaseRef>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(from) = &opened.message.from else {
        return Ok(());
    };
    let shown = shown(seen, opened);
    learn(tx, &from.key(), seen, &shown, case, now)
}

/// Remembers certificates with an address, and lets one of them speak for it where it should.
pub fn learn(
    tx: &Tx<'_>,
    email: &str,
    seen: &[Seen],
    shown: &[Shown],
    case: Option<&CaseRef>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let change = change(seen, shown, now);
    for it in shown.iter().filter(|it| is_small(&it.certificate)) {
        tx.remember_certificate(email, &it.certificate, it.learned, now)?;
    }
    let Some(change) = change else {
        return Ok(());
    };
    if change.takes_over() && is_small(&change.new) {
        tx.let_take_over(email, &change.new, change.learned, now)?;
    }
    tx.event(
        now,
        &Actor::Reporter,
        "certificate_changed",
        case.map(|case| case.id),
        json!({
            "email": email,
            "old": change.old.fingerprint,
            "new": change.new.fingerprint,
            "taken_over": change.takes_over(),
            "why": change.because(),
        }),
    )
}

/// Whose certificate should be looked for in the directory of the domain: of a person who would be
/// answered in cipher, or whose signature cannot be checked otherwise.
///
/// A mail in cipher is looked at from outside alone, whatever came of decrypting it: who found a
/// ciphertext and sends it to us must not learn by our question whether it was read.
pub fn to_look_up(tx: &Tx<'_>, opened: &Opened, desk: &Desk) -> Result<Option<String>, StoreError> {
    let Some(from) = &opened.message.from else {
        return Ok(None);
    };
    let may_ask = is_of_a_person(opened) && !desk.organization.owns(&from.email);
    if !may_ask || tx.recorded(opened.message.digest)?.is_some() {
        return Ok(None);
    }
    let openpgp = &opened.message.openpgp;
    let has_certificate = || -> Result<bool, StoreError> {
        let came_along = whose::own_certificate(&opened.message).is_some();
        Ok(came_along || !seen_with(tx, desk, &from.key())?.is_empty())
    };
    let by_stranger = openpgp
        .signatures
        .iter()
        .any(|signature| signature.status == SignatureStatus::UnknownKey);
    let wanted = if openpgp.encrypted {
        !has_certificate()?
    } else {
        by_stranger || desk.policy.terms.replies.encrypt == Encrypt::Known && !has_certificate()?
    };
    Ok(wanted.then(|| from.email.clone()))
}

/// Not spam, no robot, and not a mail that is answered to nobody.
fn is_of_a_person(opened: &Opened) -> bool {
    let (mail, classified) = (&opened.mail, &opened.classified);
    let kind = classified.kind_hint;
    mail.lane == Lane::Inbox
        && !mail.too_large
        && mail.unanswered.is_none()
        && classified.automatic.is_none()
        && classified.authentication != Authentication::Fail
        && !matches!(
            kind,
            Kind::Spam | Kind::Bounce | Kind::AutoReply | Kind::List
        )
}

/// Remembers what the directory of the sender's domain had: the domain vouches for it.
pub fn learn_of_directory(
    tx: &Tx<'_>,
    opened: &Opened,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(from) = opened
        .message
        .from
        .as_ref()
        .filter(|_| !opened.found.is_empty())
    else {
        return Ok(());
    };
    let email = from.key();
    let found = opened.found.iter().map(|certificate| Shown {
        certificate: certificate.clone(),
        learned: Learned::Authenticated,
        introduced_by: Vec::new(),
    });
    // What can be used first: it is to speak.
    let mut found: Vec<Shown> = found.collect();
    found.sort_by_key(|it| !is_usable(&it.certificate, now));
    let seen = seen_with(tx, desk, &email)?;
    learn(tx, &email, &seen, &found, None, now)
}

fn is_small(certificate: &Certificate) -> bool {
    certificate.bytes.len() <= pgp::MAX_KEPT
}

/// What a copy of a known certificate says beside counts whoever brings it: its owner signed that,
/// a revocation above all.
pub fn learn_of_copies(
    tx: &Tx<'_>,
    message: &Message,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    for brought in &message.openpgp.certificates {
        for (email, kept) in tx.copies_of(&brought.fingerprint)? {
            if let Some(both) = pgp::merged(&kept, brought)
                && both.bytes != kept.bytes
            {
                tx.update_copy(&email, &both)?;
            }
        }
        keep_copy_of_pinned(tx, brought, desk, now)?;
    }
    Ok(())
}

/// The records keep what is learned about a certificate in a file of the team's.
fn keep_copy_of_pinned(
    tx: &Tx<'_>,
    brought: &Certificate,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut pinned = desk.pinned.certificates().iter();
    let Some(pinned) = pinned.find(|it| it.fingerprint == brought.fingerprint) else {
        return Ok(());
    };
    let Some(both) = pgp::merged(pinned, brought).filter(|both| both.bytes != pinned.bytes) else {
        return Ok(());
    };
    for email in &pinned.emails {
        tx.keep_copy(email, &both, now)?;
    }
    Ok(())
}

/// What the letter that takes the place of held ones may be encrypted to. Where all of them that
/// are encrypted are so to one certificate, that one, with all that was learned about it since;
/// else the key of the address, for none of the others may read what the letters to another say.
/// `None`: nothing speaks for the address.
pub fn certificate_of_held(
    tx: &Tx<'_>,
    desk: &Desk,
    recipient: &str,
    now: DateTime<Utc>,
) -> Result<Option<Certificate>, StoreError> {
    let of_letters = tx.certificates_of_held(recipient)?;
    let mut used: Vec<Certificate> = of_letters
        .iter()
        .filter_map(|bytes| pgp::read_certificates(bytes).into_iter().next())
        .collect();
    used.dedup_by(|one, other| one.fingerprint == other.fingerprint);
    let seen = seen_with(tx, desk, recipient)?;
    let copies: Vec<Certificate> = seen.iter().map(|it| it.certificate.clone()).collect();
    Ok(match used.as_slice() {
        [one] => Some(with_copy_among(&copies, one)),
        _ => best_speaker(&seen, now).cloned(),
    })
}

/// The certificate, and what a copy of it among these knows beside. Where the two cannot be put
/// together it stands as it is: anybody can send us a copy.
fn with_copy_among(copies: &[Certificate], certificate: &Certificate) -> Certificate {
    let mut copies = copies.iter();
    let copy = copies.find(|copy| copy.fingerprint == certificate.fingerprint);
    copy.and_then(|copy| pgp::merged(certificate, copy))
        .unwrap_or_else(|| certificate.clone())
}

/// Who sends the old key with the new one is answered with the one that works.
pub fn usable_first(brought: &mut [Certificate], now: DateTime<Utc>) {
    if brought.len() > 1 {
        brought.sort_by_cached_key(|certificate| !is_usable(certificate, now));
    }
}

/// The certificates of a mail, with all that is known of them. Where the two copies cannot be put
/// together, what was seen before stands.
pub fn complete(brought: &mut [Certificate], seen: &[Certificate]) {
    for certificate in brought {
        let mut seen = seen.iter();
        let Some(copy) = seen.find(|seen| seen.fingerprint == certificate.fingerprint) else {
            continue;
        };
        if copy.bytes != certificate.bytes {
            *certificate = pgp::merged(copy, certificate).unwrap_or_else(|| copy.clone());
        }
    }
}
