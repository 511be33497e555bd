//! Labels: properties that a person wants to see in the queue, each with its evidence.

use crate::mail::message::{Covers, Message, SignatureStatus};
use crate::mailbox::Lane;

use super::{Authentication, Label, Words, phrases, scanner};

#[rustfmt::skip]
mod words;

use words::{
    COORDINATOR_DOMAINS, COORDINATOR_SUBJECTS, COORDINATOR_WORDS, DENIALS, EXPLOITED, GRAVE,
    REWARDS, TRIFLES, WITHHOLDS,
};

/// A mail of this label is told to the team at once.
pub const ACTIVE_EXPLOITATION: &str = "active_exploitation";

/// In the order in which a person wants to read them.
pub(super) fn labels(
    message: &Message,
    mail: &Words,
    lane: Lane,
    authentication: Authentication,
) -> Vec<Label> {
    [
        active_exploitation(mail),
        coordinator(message, mail),
        scanner_output(message, mail),
        beg_bounty(mail),
        encrypted(message),
        partly_encrypted(mail),
        signed(message),
        from_junk(lane),
        unauthenticated(authentication),
        lossy_text(message),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn scanner_output(message: &Message, mail: &Words) -> Option<Label> {
    scanner::scanner_output(message, &mail.own).map(|because| Label::new("scanner_output", because))
}

fn encrypted(message: &Message) -> Option<Label> {
    message
        .openpgp
        .encrypted
        .then(|| Label::new("encrypted", "a part of it is an OpenPGP message"))
}

fn partly_encrypted(mail: &Words) -> Option<Label> {
    mail.reports_in_clear.then(|| {
        Label::new(
            "partly_encrypted",
            "its encrypted part could not be read; what stands in clear is a report",
        )
    })
}

/// Only what a good signature covers whole is called signed.
fn signed(message: &Message) -> Option<Label> {
    let signatures = &message.openpgp.signatures;
    let good = || {
        signatures
            .iter()
            .filter(|signature| signature.status == SignatureStatus::Good)
    };
    if good().any(|signature| signature.covers == Covers::All) {
        return Some(Label::new("signed", "a good signature covers all of it"));
    }
    if good().next().is_some() {
        let because = "a good signature covers a part of it";
        return Some(Label::new("partly_signed", because));
    }
    let because = "it has a signature that could not be confirmed";
    (!signatures.is_empty()).then(|| Label::new("unconfirmed_signature", because))
}

fn from_junk(lane: Lane) -> Option<Label> {
    (lane == Lane::Junk).then(|| Label::new("from_junk", "it was in the junk folder"))
}

fn unauthenticated(authentication: Authentication) -> Option<Label> {
    (authentication == Authentication::Fail).then(|| {
        Label::new(
            "unauthenticated",
            "DMARC failed for the domain of its sender",
        )
    })
}

fn lossy_text(message: &Message) -> Option<Label> {
    message.text_lossy.then(|| {
        Label::new(
            "lossy_text",
            "some bytes of its text have no meaning in their charset",
        )
    })
}

fn quoted(phrase: &str) -> String {
    format!("\"{}\"", phrase.trim_end_matches('*'))
}

/// Somebody asks for money for what every scanner finds, or before saying what was found.
fn beg_bounty(mail: &Words) -> Option<Label> {
    let asks = phrases::find(&mail.folded, REWARDS)?;
    if phrases::has(&mail.folded, GRAVE) {
        return None;
    }
    if let Some(trifle) = phrases::find(&mail.folded, TRIFLES) {
        let because = format!(
            "it asks for a reward ({}) for {}",
            quoted(asks),
            quoted(trifle)
        );
        return Some(Label::new("beg_bounty", because));
    }
    let withholds = phrases::has(&mail.folded, WITHHOLDS) && phrases::words(&mail.own) <= 150;
    withholds.then(|| {
        let because = format!(
            "it asks for a reward ({}) before it says what was found",
            quoted(asks)
        );
        Label::new("beg_bounty", because)
    })
}

/// Says that attacks happen now. "No sign of exploitation in the wild" does not.
fn active_exploitation(mail: &Words) -> Option<Label> {
    let phrase = EXPLOITED.iter().copied().find(|phrase| {
        phrases::position(&mail.folded, phrase).is_some_and(|at| {
            let before = mail.folded.get(..at).unwrap_or_default();
            let near: String = before
                .chars()
                .rev()
                .take(50)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            let sentence = near.rsplit(['.', '!', '?']).next().unwrap_or_default();
            !phrases::has(&phrases::Folded::of(sentence), DENIALS)
        })
    })?;
    Some(Label::new(
        ACTIVE_EXPLOITATION,
        format!("it says {}", quoted(phrase)),
    ))
}

/// A CERT or another body that coordinates, by what the mail claims.
fn coordinator(message: &Message, mail: &Words) -> Option<Label> {
    let domain = message
        .from
        .as_ref()
        .map(|from| from.domain())
        .unwrap_or_default();
    let by_domain = COORDINATOR_DOMAINS
        .iter()
        .find(|known| domain == **known || domain.ends_with(&format!(".{known}")));
    if let Some(known) = by_domain {
        return Some(Label::new(
            "coordinator",
            format!("its sender is at {known}"),
        ));
    }
    phrases::find(&phrases::fold(&message.subject), COORDINATOR_SUBJECTS)
        .or_else(|| phrases::find(&mail.folded, COORDINATOR_WORDS))
        .map(|phrase| Label::new("coordinator", format!("it says {}", quoted(phrase))))
}
