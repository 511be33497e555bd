//! Mails of the team to us: is this one, who signed it, which of its lines are commands.
//!
//! ```text
//! SignedText      text, signer and time of each good signature
//! who             a member of the team, by the fingerprint of the primary key
//! may             the role; signed within a day before it came
//! lines           quotes, signatures and what a mail program adds are no commands
//! Order           a case and a command each; or what is wrong with which line
//! ```
//! Nothing outside a signature is a command. What merely looks like some is told to the team, and to
//! the member in whose name it came. Pure: whether it was used before, and what follows, is found
//! out elsewhere.

use chrono::{DateTime, TimeDelta, Utc};

use super::classify::own_words;
use super::command::Command;
use crate::mail::message::{Digest, Message, Signature, SignatureStatus, SignedText};

pub use lines::{Lines, Wrong, taken_as_words};

mod lines;

/// A command is as old as this at most when it comes.
pub const FRESH: TimeDelta = TimeDelta::hours(24);
/// A member's clock may be ahead of the mailbox by this much.
pub const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(30);

/// Somebody of the team, as signatures are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub email: String,
    /// An observer does not.
    pub may_command: bool,
    /// Of the primary keys of the certificates that the configuration names, upper-case hex.
    pub fingerprints: Vec<String>,
}

/// What a mail asks of us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Orders {
    /// Nothing: it is a mail like any other.
    #[default]
    None,
    /// Somebody who is not of the team wrote what looks like commands. It is a mail like any other.
    OfStranger(Why),
    OfMember(FromMember),
}

/// A mail that a member signed, or that came in a member's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromMember {
    pub name: String,
    pub email: String,
    /// Under which signatures it came; none works twice.
    pub marks: Vec<Mark>,
    pub said: Said,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Commands(Lines),
    Refused(Why),
    /// No line of it reads as a command.
    Nothing,
}

/// One signature, by what nobody but its maker can change: whoever sends it on chooses the form, and
/// with it where the words begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub signer: String,
    pub signed_at: DateTime<Utc>,
    /// [`Signature::over`]
    pub digest: Digest,
}

/// One command of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub case: String,
    /// As it was written; of one with text below, the first line.
    pub line: String,
    pub command: Command,
}

/// Why commands are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Unsigned,
    BadSignature,
    OtherSigner,
    ExpiredKey,
    RevokedKey,
    Observer,
    Stale { signed_at: DateTime<Utc> },
    Ahead { signed_at: DateTime<Utc> },
    Several,
}

impl Why {
    /// As events name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::BadSignature => "bad_signature",
            Self::OtherSigner => "other_signer",
            Self::ExpiredKey => "expired_key",
            Self::RevokedKey => "revoked_key",
            Self::Observer => "observer",
            Self::Stale { .. } => "stale",
            Self::Ahead { .. } => "ahead",
            Self::Several => "several",
        }
    }
}

impl Orders {
    /// Is the mail for us alone, and no report? `answers_notice`: it refers to a letter of ours
    /// that belongs to no case.
    pub fn are_for_us(&self, answers_notice: bool) -> bool {
        match self {
            Self::None | Self::OfStranger(_) => false,
            Self::OfMember(member) => member.said != Said::Nothing || answers_notice,
        }
    }

    /// A member's good signature is under it.
    pub fn are_signed(&self) -> bool {
        matches!(self, Self::OfMember(member) if !member.marks.is_empty())
    }
}

/// The lines of a mail that look like commands, whoever wrote them; a few, to be told.
pub fn tried(message: &Message) -> Vec<String> {
    lines::tried(&own_words(&message.text))
}

/// Reads what a mail asks of us. `came_at`: when it was received.
pub fn read(message: &Message, team: &[Person], came_at: DateTime<Utc>) -> Orders {
    let signed = signed_by_members(message, team);
    let commands: Vec<&(&Person, &SignedText)> = signed
        .iter()
        .filter(|(_, text)| lines::begin_with_commands(&own_words(&text.text)))
        .collect();
    match commands.as_slice() {
        [] => without_signed_commands(message, team, signed.first()),
        [(person, text)] => {
            let marks = Mark::all_of(text).collect();
            of_member(person, marks, commanded(person, text, came_at))
        }
        [(person, _), ..] => {
            let marks = commands.iter();
            let marks = marks.flat_map(|(_, text)| Mark::all_of(text));
            of_member(person, marks.collect(), Said::Refused(Why::Several))
        }
    }
}

fn signed_by_members<'m>(
    message: &'m Message,
    team: &'m [Person],
) -> Vec<(&'m Person, &'m SignedText)> {
    let texts = message.openpgp.signed.iter();
    texts
        .filter_map(|text| Some((person_of(team, &text.signer)?, text)))
        .collect()
}

fn person_of<'t>(team: &'t [Person], fingerprint: &str) -> Option<&'t Person> {
    let is_theirs = |own: &String| own.eq_ignore_ascii_case(fingerprint);
    team.iter()
        .find(|person| person.fingerprints.iter().any(is_theirs))
}

fn of_member(person: &Person, marks: Vec<Mark>, said: Said) -> Orders {
    Orders::OfMember(FromMember {
        name: person.name.clone(),
        email: person.email.clone(),
        marks,
        said,
    })
}

impl Mark {
    /// Of who signed a text several times, each of the signatures: whoever takes one of them away
    /// must not make the text new.
    fn all_of(text: &SignedText) -> impl Iterator<Item = Self> {
        text.made.iter().map(|(signed_at, over)| Self {
            signer: text.signer.clone(),
            signed_at: *signed_at,
            digest: *over,
        })
    }
}

/// What a member says under a good signature.
fn commanded(person: &Person, text: &SignedText, came_at: DateTime<Utc>) -> Said {
    let signed_at = text.signed_at;
    if !person.may_command {
        return Said::Refused(Why::Observer);
    }
    if signed_at > came_at + CLOCK_SKEW {
        return Said::Refused(Why::Ahead { signed_at });
    }
    if signed_at <= came_at - FRESH {
        return Said::Refused(Why::Stale { signed_at });
    }
    Said::Commands(lines::read(&text.text, &text.attachments))
}

/// No good signature of a member is over commands: whose are those that stand there all the same?
fn without_signed_commands(
    message: &Message,
    team: &[Person],
    signed: Option<&(&Person, &SignedText)>,
) -> Orders {
    let from = message.from.as_ref();
    let sender = from.and_then(|from| team.iter().find(|it| from.same_mailbox(&it.email)));
    let signer = signed.map(|(person, _)| *person);
    if !lines::look_like_commands(&own_words(&message.text)) {
        return match signer.or(sender) {
            Some(person) => of_member(person, Vec::new(), Said::Nothing),
            None => Orders::None,
        };
    }
    // The signature of a key that has expired or was revoked fits: it is its owner's.
    if let Some((person, why)) = retired(message, team) {
        return of_member(person, Vec::new(), Said::Refused(why));
    }
    let why = why_unsigned(message);
    match signer.or(sender) {
        Some(person) => of_member(person, Vec::new(), Said::Refused(why)),
        None => Orders::OfStranger(why),
    }
}

fn retired<'t>(message: &Message, team: &'t [Person]) -> Option<(&'t Person, Why)> {
    message.openpgp.signatures.iter().find_map(|signature| {
        let why = match signature.status {
            SignatureStatus::ExpiredKey => Why::ExpiredKey,
            SignatureStatus::RevokedKey => Why::RevokedKey,
            SignatureStatus::Good | SignatureStatus::Bad | SignatureStatus::UnknownKey => {
                return None;
            }
        };
        Some((person_of(team, signature.fingerprint.as_deref()?)?, why))
    })
}

fn why_unsigned(message: &Message) -> Why {
    let has = |wanted: &[SignatureStatus]| {
        let mut signatures = message.openpgp.signatures.iter();
        signatures.any(|signature: &Signature| wanted.contains(&signature.status))
    };
    use SignatureStatus::{Bad, ExpiredKey, Good, RevokedKey, UnknownKey};
    if has(&[Bad]) {
        Why::BadSignature
    } else if has(&[Good, UnknownKey, ExpiredKey, RevokedKey]) {
        Why::OtherSigner
    } else {
        Why::Unsigned
    }
}

#[cfg(test)]
mod tests;
