//! From a decision to finished letters: facts, words, bytes.
//!
//! Nothing is sent here; a letter goes to the outbox in the transaction that
//! records what it answers.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use crate::config::{DigestSchedule, Organization};
use crate::mail::compose::{self, AutoSubmitted, Draft, KeyAttachment};
use crate::mail::message::{Address, Certificate, Digest, Message};
use crate::mail::pgp::Keyring;
use crate::notices::Team;
use crate::store::cases::CaseFile;
use crate::store::outbox::{Audience, Held, HeldCase, NewLetter};
use crate::triage::deadline;
use crate::triage::decide::{CaseRef, Channel, Reply};
use crate::triage::policy::{Deadline, DeadlineKind, Policy, Severity};
use crate::triage::reply::{self, CaseFacts, Facts, Promise, Template, TextError, Texts};
use crate::triage::rules::Findings;

/// Every failure to decrypt is answered on an instant of this grid, counted from when the mail
/// came: how far we came with it cannot be told from the time.
const UNREADABLE_GRID: Duration = Duration::seconds(10);
/// Reading and recording a mail nearly always take less.
const UNREADABLE_MARGIN: Duration = Duration::seconds(3);
/// Such an answer leaves within so long after it was written.
pub const UNREADABLE_AT_MOST: Duration = Duration::seconds(14);

/// What the writer of a letter needs at hand. Replaced whole when the policy is reloaded.
pub struct Desk {
    pub organization: Organization,
    pub policy: Policy,
    pub texts: Texts,
    pub keyring: Arc<Keyring>,
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

#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    #[error("template {0}")]
    Text(#[from] TextError),
}

/// A finished letter, and what went wrong on the way to it.
pub struct Written {
    pub letter: NewLetter,
    /// The reporter's certificate cannot be used, so that a notice without content goes instead.
    pub unusable_certificate: Option<String>,
}

impl Desk {
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
            unreadable_leaves_at(answered.received_at, now)
        } else {
            now
        };
        let words = Words {
            template: reply.template,
            facts: self.facts(reply, answered, case, leaves_at),
            case: case.map(|file| file.case.clone()),
            to: &reply.to,
            attaches_key: reply.attaches_key,
            in_reply_to: answered.message.message_id.clone(),
            references: references(answered.message),
        };
        let written = match &reply.channel {
            Channel::Clear | Channel::ClearWithoutContent => Written {
                letter: self.in_clear(&words, leaves_at)?,
                unusable_certificate: None,
            },
            Channel::Encrypted(certificate) => {
                match self.encrypted(&words, certificate, leaves_at)? {
                    Ok(letter) => Written {
                        letter,
                        unusable_certificate: None,
                    },
                    Err(why) => Written {
                        letter: self.in_clear(&words.as_notice(), leaves_at)?,
                        unusable_certificate: Some(why),
                    },
                }
            }
        };
        Ok(Written {
            letter: NewLetter {
                written_at: now,
                not_before: leaves_at,
                ..written.letter
            },
            ..written
        })
    }

    /// Writes one letter in place of several held ones. It names each case, and where it cannot
    /// be encrypted as one of them was, it leaves in clear and says nothing but that they came.
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
        let mut words = Words {
            template: Template::Combined,
            facts: Facts {
                cases: held
                    .cases
                    .iter()
                    .map(|case| self.case_facts(case, now))
                    .collect(),
                key_attached: held.attaches_key,
                ..self.common_facts()
            },
            case: None,
            to: &to,
            attaches_key: held.attaches_key,
            in_reply_to: None,
            references: Vec::new(),
        };
        let unusable_certificate = match (held.encrypted, certificate) {
            (false, _) => None,
            (true, None) => Some("no certificate of this address is known any more".to_owned()),
            (true, Some(certificate)) => match self.encrypted(&words, certificate, now)? {
                Ok(letter) => return Ok(standing_for(held, letter, None)),
                Err(why) => Some(why),
            },
        };
        if unusable_certificate.is_some() {
            words.facts.certificate_unusable = true;
            words.attaches_key = held.attaches_key_in_clear;
            words.facts.key_attached = held.attaches_key_in_clear;
        }
        let letter = self.in_clear(&words, now)?;
        Ok(standing_for(held, letter, unusable_certificate))
    }

    /// What any letter may say of a case, in clear too: nothing that only reading its mails tells.
    fn case_facts(&self, case: &HeldCase, now: DateTime<Utc>) -> CaseFacts {
        CaseFacts {
            number: case.file.case.number.clone(),
            received: self.policy.calendar.show(case.file.received_at),
            digest: case.digest.map(|digest| digest.to_string()),
            unreadable: case.unreadable,
            promises: self.promises(&case.file, false, now),
        }
    }

    fn facts(
        &self,
        reply: &Reply,
        answered: &Answered<'_>,
        case: Option<&CaseFile>,
        now: DateTime<Utc>,
    ) -> Facts {
        let says_content = reply.says_content;
        Facts {
            case: case.map(|file| file.case.number.clone()),
            received: Some(self.policy.calendar.show(answered.received_at)),
            digest: (!answered.too_large).then(|| answered.message.digest.to_string()),
            promises: case.map_or_else(Vec::new, |file| self.promises(file, says_content, now)),
            missing: if says_content && !answered.too_large {
                answered
                    .findings
                    .missing
                    .iter()
                    .map(|part| wish(part.as_str()))
                    .collect()
            } else {
                Vec::new()
            },
            key_attached: reply.attaches_key,
            again: reply.again && says_content,
            too_large: answered.too_large,
            part_unread: reply.part_unread,
            asks_for_key: reply.channel == Channel::ClearWithoutContent,
            no_key_of_ours: answered.no_key_of_ours,
            unreadable: reply.template == Template::Unreadable,
            ..self.common_facts()
        }
    }

    fn common_facts(&self) -> Facts {
        Facts {
            organization: self.organization.name.clone(),
            address: self.organization.address.clone(),
            fingerprint: reply::grouped(&self.keyring.fingerprint()),
            policy_url: self.policy.url.clone(),
            ..Facts::default()
        }
    }

    /// The dates that the policy promises, in the order in which they come. Those that depend on
    /// how grave the team found the report only where the letter `says_content`. What is past is
    /// left out: an old mail that is answered at last would be promised last year.
    fn promises(&self, file: &CaseFile, says_content: bool, now: DateTime<Utc>) -> Vec<Promise> {
        let mut dates: Vec<(DateTime<Utc>, &str)> = file
            .deadlines
            .iter()
            .filter_map(|deadline| {
                let what = promise_of(deadline.kind, says_content)?;
                Some((self.runs_until(deadline, now), what))
            })
            .filter(|(due_at, _)| *due_at > now)
            .collect();
        dates.sort_by_key(|(due_at, _)| *due_at);
        let promises = dates.into_iter().map(|(due_at, what)| Promise {
            what: what.to_owned(),
            when: format!(
                "{} ({})",
                self.policy.calendar.show_due(due_at),
                crate::triage::calendar::how_far(due_at, now),
            ),
        });
        promises
            .chain(self.remediation(file, says_content, now))
            .collect()
    }

    /// The letter is itself a word to the reporter: the next update counts from it.
    fn runs_until(&self, deadline: &Deadline, now: DateTime<Utc>) -> DateTime<Utc> {
        let restarted = match deadline.kind {
            DeadlineKind::Update => deadline::restart_update(&self.policy, now),
            _ => None,
        };
        restarted.map_or(deadline.due_at, |restarted| restarted.due_at)
    }

    /// How soon a fix is promised for each severity, while that is open or is not to be told.
    fn remediation(
        &self,
        file: &CaseFile,
        says_content: bool,
        now: DateTime<Utc>,
    ) -> Option<Promise> {
        let has = |kind| file.deadlines.iter().any(|deadline| deadline.kind == kind);
        let is_told = says_content && has(DeadlineKind::Remediate);
        if is_told || !has(DeadlineKind::Triage) {
            return None;
        }
        let spans: Vec<String> = Severity::ALL
            .into_iter()
            .filter_map(|severity| {
                let fix = deadline::remediate(&self.policy, file.received_at, severity)?;
                (fix.due_at > now).then(|| format!("{} {}", severity.as_str(), fix.span))
            })
            .collect();
        (!spans.is_empty()).then(|| Promise {
            what: "Depending on the severity, we aim to fix within (from receipt)".to_owned(),
            when: spans.join(", "),
        })
    }

    fn in_clear(&self, words: &Words<'_>, now: DateTime<Utc>) -> Result<NewLetter, LetterError> {
        let subject = words.template.subject(words.number());
        let draft = self.draft(words, subject.clone(), now)?;
        let bytes = compose::plain(&draft);
        Ok(self.finished(words, draft, subject, bytes, false, now))
    }

    /// The inner error says why the certificate cannot be used.
    fn encrypted(
        &self,
        words: &Words<'_>,
        certificate: &Certificate,
        now: DateTime<Utc>,
    ) -> Result<Result<NewLetter, String>, LetterError> {
        let draft = self.draft(words, words.template.subject(words.number()), now)?;
        let outer = reply::outer_subject(words.number());
        let sealed = compose::encrypted(&draft, &outer, |inner| {
            self.keyring.encrypt_signed(certificate, inner, now)
        });
        Ok(sealed.map(|bytes| NewLetter {
            certificate: Some(certificate.clone()),
            ..self.finished(words, draft, outer, bytes, true, now)
        }))
    }

    fn draft(
        &self,
        words: &Words<'_>,
        subject: String,
        now: DateTime<Utc>,
    ) -> Result<Draft, LetterError> {
        let own = &self.organization.address;
        let domain = own
            .rsplit_once('@')
            .map_or("localhost", |(_, domain)| domain);
        Ok(Draft {
            from: Address {
                name: Some(self.organization.name.clone()),
                email: own.clone(),
            },
            to: words.to.email.clone(),
            subject,
            text: self.text(words)?,
            in_reply_to: words.in_reply_to.clone(),
            references: words.references.clone(),
            message_id: compose::new_message_id(domain),
            date: now,
            auto_submitted: AutoSubmitted::Replied,
            attach_key: words.attaches_key.then(|| KeyAttachment {
                file_name: format!("{}.asc", self.keyring.fingerprint()),
                armored: self.keyring.certificate(),
            }),
            autocrypt: Some(self.keyring.autocrypt(own)),
        })
    }

    /// Where somebody's own text fails over these facts, the reporter is answered all the same.
    fn text(&self, words: &Words<'_>) -> Result<String, LetterError> {
        let own = self.texts.render(words.template, &words.facts);
        own.or_else(|error| {
            tracing::error!(
                event = "template_failed",
                case = words.number().unwrap_or("-"),
                "template {error}; the built-in text goes in its place, mend the one in templates"
            );
            Ok(self.texts.render_built_in(words.template, &words.facts)?)
        })
    }

    fn finished(
        &self,
        words: &Words<'_>,
        draft: Draft,
        subject: String,
        bytes: Vec<u8>,
        encrypted: bool,
        now: DateTime<Utc>,
    ) -> NewLetter {
        NewLetter {
            case: words.case.clone(),
            kind: words.template.as_str().to_owned(),
            recipient: words.to.email.clone(),
            envelope_from: self.return_path.clone(),
            automatic: true,
            audience: Audience::Reporter,
            meets: None,
            acknowledges: words.template.acknowledges(),
            attaches_key: words.attaches_key,
            message_id: draft.message_id,
            from: draft.from.email,
            subject,
            text: draft.text,
            encrypted,
            certificate: None,
            bytes,
            written_at: now,
            not_before: now,
        }
    }
}

/// A letter before it has bytes.
struct Words<'a> {
    template: Template,
    facts: Facts,
    case: Option<CaseRef>,
    to: &'a Address,
    attaches_key: bool,
    in_reply_to: Option<String>,
    references: Vec<String>,
}

impl Words<'_> {
    fn number(&self) -> Option<&str> {
        self.case.as_ref().map(|case| case.number.as_str())
    }

    /// The letter that leaves in clear where this one cannot be encrypted: without content. It
    /// brings our key where that tells nothing of what was inside: for a mail that was not read,
    /// and to whom asked for it in clear.
    fn as_notice(&self) -> Self {
        let brings_key = matches!(self.template, Template::Unreadable | Template::Key);
        Self {
            template: Template::Notice,
            attaches_key: brings_key,
            facts: Facts {
                key_attached: brings_key,
                ..self.facts.clone()
            },
            case: self.case.clone(),
            to: self.to,
            in_reply_to: self.in_reply_to.clone(),
            references: self.references.clone(),
        }
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
    }
}

/// `None`: met by the letter, not the reporter's business, or not to be told.
fn promise_of(kind: DeadlineKind, says_content: bool) -> Option<&'static str> {
    match kind {
        DeadlineKind::Triage => Some("You hear our decision and the severity that we see, by"),
        DeadlineKind::Update => Some("While the case is open you hear from us again, by"),
        DeadlineKind::Remediate if says_content => Some("We aim to ship a fix by"),
        DeadlineKind::Disclose if says_content => Some("We aim to disclose together by"),
        DeadlineKind::Remediate
        | DeadlineKind::Disclose
        | DeadlineKind::Acknowledge
        | DeadlineKind::EarlyWarning
        | DeadlineKind::Notification
        | DeadlineKind::FinalReport => None,
    }
}

/// When the answer to a mail that could not be read leaves: an instant that follows from when the
/// mail came alone. Where that is over (the mail had waited for us, or took long), the next of
/// the grid; the same where the mail claims to have come from the future.
fn unreadable_leaves_at(received_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let planned = next_on_grid(received_at + UNREADABLE_MARGIN);
    let next = next_on_grid(now + UNREADABLE_MARGIN);
    if planned > now && planned <= next {
        planned
    } else {
        next
    }
}

/// Strictly after the instant, whatever its fraction of a second.
fn next_on_grid(at: DateTime<Utc>) -> DateTime<Utc> {
    let grid = UNREADABLE_GRID.num_seconds();
    let next = (at.timestamp().div_euclid(grid) + 1) * grid;
    DateTime::from_timestamp(next, 0).unwrap_or(at)
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

/// What is missing, as a request.
fn wish(part: &str) -> String {
    match part {
        "summary" => "a line or two that say what the weakness is",
        "steps" => "the steps that show it, best against test data of your own",
        "impact" => "what an attacker could do with it",
        other => other,
    }
    .to_owned()
}

/// The digest of what a too large mail is known by: its header block and its size.
pub fn digest_of_header(header: &[u8], size: u64) -> Digest {
    let mut known_by = header.to_vec();
    known_by.extend_from_slice(&size.to_be_bytes());
    Digest::of(&known_by)
}

#[cfg(test)]
mod tests;
