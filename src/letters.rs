//! From a decision to finished letters: facts, words, bytes.
//!
//! Nothing is sent here; a letter goes to the outbox in the transaction that
//! records what it answers.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::{DigestSchedule, Organization};
use crate::mail::compose::File;
use crate::mail::message::{Address, Certificate, Digest, Message};
use crate::mail::pgp::{self, KeyAway, Keyring};
use crate::pinned::Pinned;
use crate::store::cases::CaseFile;
use crate::store::outbox::{Held, NewLetter};
use crate::team::Team;
use crate::triage::case::Moment;
use crate::triage::decide::{Channel, Reply};
use crate::triage::policy::Policy;
use crate::triage::reply::{Facts, Template, TextError, Texts};
use crate::triage::rules::Findings;

mod facts;
mod grid;
mod outline;

pub use grid::UNREADABLE_AT_MOST;

use outline::{Cause, Outline};

/// What the writer of a letter needs at hand. Replaced whole when the policy is reloaded.
#[derive(Clone)]
pub struct Desk {
    pub organization: Organization,
    pub policy: Policy,
    pub texts: Texts,
    pub keyring: Arc<Keyring>,
    /// What leaves in clear is signed.
    pub signs: bool,
    /// Certificates of correspondents, from the team's files, and of the team.
    pub pinned: Pinned,
    /// Who hears of deadlines.
    pub team: Team,
    pub digest: Option<DigestSchedule>,
    /// Envelope sender of automatic letters; `None`: `<>`.
    pub return_path: Option<String>,
}

/// The mail that a letter answers.
pub struct Answered<'a> {
    pub message: &'a Message,
    pub received_at: DateTime<Utc>,
    pub too_large: bool,
    /// What the policy's rules say of it.
    pub findings: &'a Findings,
    /// The cases whose standing it asks for.
    pub asked: &'a [CaseFile],
    pub no_key_of_ours: bool,
}

/// Whom a letter about a case goes to, when no mail of this moment is answered.
pub struct Correspondent {
    pub to: Address,
    /// The best certificate that was seen with the address.
    pub certificate: Option<Certificate>,
    /// A mail of the case came encrypted: nothing of it leaves in clear.
    pub came_encrypted: bool,
    /// Of the reporter's own words, where it was sure. Not to be told in clear where the case came
    /// encrypted.
    pub language: Option<String>,
    /// The last mail of the reporter.
    pub in_reply_to: Option<String>,
    pub references: Vec<String>,
}

/// What goes with the words of a person to a reporter.
#[derive(Clone, Copy, Default)]
pub struct Enclosed<'a> {
    pub files: &'a [File],
    /// Who wrote them, where the reporter may know.
    pub member: Option<&'a str>,
}

#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    #[error("template {0}")]
    Text(#[from] TextError),
    /// It is not sent unsigned or in clear for that: what it answers waits.
    #[error("our key cannot be worked with now: {0}")]
    KeyAway(#[from] KeyAway),
}

/// A finished letter, and what went wrong on the way to it.
pub struct Written {
    pub letter: NewLetter,
    /// The reporter's certificate cannot be used, so that a notice without content goes instead.
    pub unusable_certificate: Option<String>,
    /// What somebody wanted to say, where a notice goes instead: still to be told, once there is a
    /// key that works.
    pub not_sent: Option<String>,
}

impl Written {
    fn plainly(letter: NewLetter) -> Self {
        Self {
            letter,
            unusable_certificate: None,
            not_sent: None,
        }
    }
}

impl Desk {
    /// What signatures are checked with whoever sent the mail: ours, and those that files of the
    /// configuration pin, the team's own among them.
    pub fn certificates(&self) -> Vec<Certificate> {
        let mut all = self.keyring.certificates().to_vec();
        all.extend_from_slice(self.pinned.certificates());
        all
    }

    /// Writes the answer to one mail.
    pub fn answer(
        &self,
        reply: &Reply,
        answered: &Answered<'_>,
        case: Option<&CaseFile>,
        now: DateTime<Utc>,
    ) -> Result<Written, LetterError> {
        // What such a letter says of the time must not tell when it was written either.
        let leaves_at = if reply.delayed {
            grid::unreadable_leaves_at(answered.received_at, now)
        } else {
            now
        };
        let outline = Outline {
            template: reply.template,
            language: reply.language.as_deref().or_else(|| {
                let case = case.filter(|_| reply.says_content)?;
                case.language_in_clear()
            }),
            facts: &|voice| self.answer_facts(voice, reply, answered, case, leaves_at),
            case: case.map(|file| &file.case),
            to: &reply.to,
            attaches_key: reply.attaches_key,
            in_reply_to: answered.message.message_id.clone(),
            references: references(answered.message),
            files: &[],
            cause: Cause::Mail,
        };
        let written = match &reply.channel {
            Channel::Clear | Channel::ClearWithoutContent => {
                Written::plainly(self.in_clear(&outline, leaves_at)?)
            }
            Channel::Encrypted(certificate) => {
                match self.encrypted(&outline, certificate, leaves_at)? {
                    Ok(letter) => Written::plainly(letter),
                    Err(why) => Written {
                        letter: self.notice_instead(&outline, reply, answered, leaves_at)?,
                        unusable_certificate: Some(why),
                        not_sent: None,
                    },
                }
            }
        };
        Ok(Written {
            letter: NewLetter {
                // Asking how a case stands restarts nothing.
                acknowledges: written.letter.acknowledges && reply.about.is_empty(),
                written_at: now,
                not_before: leaves_at,
                ..written.letter
            },
            ..written
        })
    }

    /// The letter that leaves in clear where an answer cannot be encrypted: without content. It
    /// brings our key where that tells nothing of what was inside: for a mail that was not read,
    /// and to whom asked for it in clear.
    fn notice_instead(
        &self,
        answer: &Outline<'_>,
        reply: &Reply,
        answered: &Answered<'_>,
        now: DateTime<Utc>,
    ) -> Result<NewLetter, LetterError> {
        let brings_key = notice_brings_key(reply.template);
        let came_in_clear = !answered.message.openpgp.encrypted;
        let outline = Outline {
            template: Template::Notice,
            language: answer.language.filter(|_| came_in_clear),
            facts: &|voice| self.notice_facts(voice, reply, answered, answer.case, brings_key),
            attaches_key: brings_key,
            ..answer.clone()
        };
        self.in_clear(&outline, now)
    }

    /// Writes the letter that tells a reporter what happened to the case.
    ///
    /// Encrypted where there is a certificate; a notice without content where it cannot be used,
    /// and where there is none though the case came encrypted; else in clear. It bears our own
    /// address as its sender and meets what the caller writes into it.
    pub fn tell(
        &self,
        moment: &Moment,
        to: &Correspondent,
        case: &CaseFile,
        now: DateTime<Utc>,
    ) -> Result<Written, LetterError> {
        self.tell_with(&Enclosed::default(), moment, to, case, now)
    }

    /// As [`Self::tell`], with what a person adds to words of theirs. A notice without content goes
    /// without all of it.
    pub fn tell_with(
        &self,
        enclosed: &Enclosed<'_>,
        moment: &Moment,
        to: &Correspondent,
        case: &CaseFile,
        now: DateTime<Utc>,
    ) -> Result<Written, LetterError> {
        let outline = Outline {
            template: Template::of(moment),
            language: to.language.as_deref(),
            facts: &|voice| Facts {
                member: enclosed.member.map(str::to_owned),
                ..self.moment_facts(voice, moment, case, now)
            },
            case: Some(&case.case),
            to: &to.to,
            attaches_key: false,
            in_reply_to: to.in_reply_to.clone(),
            references: to.references.clone(),
            files: enclosed.files,
            cause: cause_of(moment),
        };
        match &to.certificate {
            Some(certificate) => match self.encrypted(&outline, certificate, now)? {
                Ok(letter) => Ok(Written::plainly(letter)),
                Err(why) => self.bare_notice(&outline, to, Some(why), now),
            },
            None if to.came_encrypted => self.bare_notice(&outline, to, None, now),
            None => Ok(Written::plainly(self.in_clear(&outline, now)?)),
        }
    }

    /// Says that there is something to say, and of the case no more than its number.
    fn bare_notice(
        &self,
        letter: &Outline<'_>,
        to: &Correspondent,
        unusable_certificate: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<Written, LetterError> {
        let asks_for_key = unusable_certificate.is_none();
        let outline = Outline {
            template: Template::Notice,
            language: letter.language.filter(|_| !to.came_encrypted),
            facts: &|_| self.bare_notice_facts(letter.case, asks_for_key),
            files: &[],
            cause: Cause::Person,
            ..letter.clone()
        };
        Ok(Written {
            letter: self.in_clear(&outline, now)?,
            unusable_certificate,
            not_sent: Some(self.words(letter)?.text),
        })
    }

    /// Writes one letter in place of several held ones. It names each case. Where it cannot be
    /// encrypted, though one of them was or is about a case that came so, it leaves in clear, says
    /// nothing but that they came, and asks for a key.
    pub fn combined(
        &self,
        recipient: &str,
        held: &Held,
        certificate: Option<&Certificate>,
        now: DateTime<Utc>,
    ) -> Result<Written, LetterError> {
        let to = Address {
            name: None,
            email: recipient.to_owned(),
        };
        let outline = Outline {
            template: Template::Combined,
            language: common_language(held),
            facts: &|voice| self.combined_facts(voice, held, now),
            case: None,
            to: &to,
            attaches_key: held.attaches_key,
            in_reply_to: None,
            references: Vec::new(),
            files: &[],
            cause: Cause::Mail,
        };
        let is_sealed = held.encrypted || held.cases.iter().any(|case| case.file.came_encrypted);
        let lack = match certificate.filter(|_| is_sealed) {
            None if is_sealed => Lack::Unknown,
            None => {
                let letter = self.in_clear(&outline, now)?;
                return Ok(standing_for(held, letter, None));
            }
            Some(certificate) => match self.encrypted(&outline, certificate, now)? {
                Ok(letter) => return Ok(standing_for(held, letter, None)),
                Err(why) => Lack::Unusable(why),
            },
        };
        let letter = self.in_clear(
            &Outline {
                facts: &|voice| self.combined_facts_in_clear(voice, held, &lack, now),
                attaches_key: held.attaches_key_in_clear,
                ..outline.clone()
            },
            now,
        )?;
        Ok(standing_for(held, letter, lack.into_reason()))
    }
}

/// What leaves in place of an answer that cannot be encrypted.
pub struct NoticeInstead {
    pub attaches_key: bool,
    /// Why the certificate cannot be used.
    pub why: String,
}

/// What [`Desk::answer`] will make of this reply; `None`: the reply itself.
pub fn notice_in_place_of(reply: &Reply, now: DateTime<Utc>) -> Option<NoticeInstead> {
    let Channel::Encrypted(certificate) = &reply.channel else {
        return None;
    };
    let why = pgp::usable_for_encryption(certificate, now).err()?;
    Some(NoticeInstead {
        attaches_key: notice_brings_key(reply.template),
        why,
    })
}

fn notice_brings_key(instead_of: Template) -> bool {
    matches!(instead_of, Template::Unreadable | Template::Key)
}

/// Why a letter that should be encrypted is not.
enum Lack {
    /// No certificate speaks for the address.
    Unknown,
    /// The one that does cannot be used, for this reason.
    Unusable(String),
}

impl Lack {
    fn into_reason(self) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Unusable(why) => Some(why),
        }
    }
}

/// `/reply` is what a person wrote; every other letter is a template, for something that one did.
fn cause_of(moment: &Moment) -> Cause {
    match moment {
        Moment::Update {
            severity: None,
            words: Some(_),
            ..
        } => Cause::PersonsWords,
        Moment::Update { .. }
        | Moment::NeedsInfo { .. }
        | Moment::Accepted { .. }
        | Moment::Rejected { .. }
        | Moment::OutOfScope { .. }
        | Moment::Duplicate
        | Moment::Fixed { .. }
        | Moment::HeadsUp { .. }
        | Moment::Disclosed { .. }
        | Moment::Closed { .. } => Cause::Person,
    }
}

/// The letter acknowledges what the held ones would have acknowledged.
fn standing_for(held: &Held, letter: NewLetter, unusable_certificate: Option<String>) -> Written {
    Written {
        letter: NewLetter {
            acknowledges: held.acknowledges,
            ..letter
        },
        unusable_certificate,
        not_sent: None,
    }
}

/// The language of all of the cases, where it may be told in clear.
fn common_language(held: &Held) -> Option<&str> {
    let mut languages = held.cases.iter().map(|case| case.file.language_in_clear());
    let first = languages.next()?;
    first.filter(|_| languages.all(|other| other == first))
}

/// RFC 5322, 3.6.4: the references of the mail that is answered, and its own Message-ID.
fn references(message: &Message) -> Vec<String> {
    let earlier = if message.references.is_empty() {
        &message.in_reply_to
    } else {
        &message.references
    };
    earlier.iter().chain(&message.message_id).cloned().collect()
}

/// The digest of what a too large mail is known by: its header block and its size.
pub fn digest_of_header(header: &[u8], size: u64) -> Digest {
    let mut known_by = header.to_vec();
    known_by.extend_from_slice(&size.to_be_bytes());
    Digest::of(&known_by)
}

#[cfg(test)]
mod tests;
