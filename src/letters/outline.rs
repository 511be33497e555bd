//! A letter before it has bytes, and how it gets them.

use chrono::{DateTime, Utc};

use super::{Desk, LetterError};
use crate::mail::compose::{self, AutoSubmitted, Draft, File, KeyAttachment};
use crate::mail::message::{Address, Certificate};
use crate::mail::pgp::KeyAway;
use crate::store::outbox::{Audience, NewLetter};
use crate::triage::decide::CaseRef;
use crate::triage::reply::{self, Facts, Template, Voice};

/// What a letter is, but for its words.
#[derive(Clone)]
pub struct Outline<'a> {
    pub template: Template,
    /// The reader's; `None`: the policy's.
    pub language: Option<&'a str>,
    /// In the language that the letter is written in at last.
    pub facts: &'a dyn Fn(&Voice) -> Facts,
    pub case: Option<&'a CaseRef>,
    pub to: &'a Address,
    pub attaches_key: bool,
    pub in_reply_to: Option<String>,
    pub references: Vec<String>,
    pub files: &'a [File],
    pub cause: Cause,
}

/// What a letter is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It answers a mail by itself: nobody answers it, and it counts toward the caps.
    Mail,
    /// Somebody decided something. It comes back to us when it bounces.
    Person,
    /// Somebody wrote these words: likewise, and no machine did.
    PersonsWords,
}

/// Subject and text, in one language.
pub(super) struct Words {
    subject: String,
    pub(super) text: String,
}

impl Outline<'_> {
    fn number(&self) -> Option<&str> {
        self.case.map(|case| case.number.as_str())
    }
}

impl Desk {
    pub(super) fn in_clear(
        &self,
        outline: &Outline<'_>,
        now: DateTime<Utc>,
    ) -> Result<NewLetter, LetterError> {
        let draft = self.draft(outline, now)?;
        let bytes = self.in_clear_bytes(&draft, outline.number())?;
        let subject = draft.subject.clone();
        Ok(self.finished(outline, draft, subject, bytes, now))
    }

    /// A mail that leaves in clear: signed where that is wanted. Where no key of ours signs it is
    /// unsigned, for an answer that can be doubted is better than none; where our key is away for
    /// now, it waits.
    pub(crate) fn in_clear_bytes(
        &self,
        draft: &Draft,
        case: Option<&str>,
    ) -> Result<Vec<u8>, KeyAway> {
        if !self.signs {
            return Ok(compose::plain(draft));
        }
        let mut away = None;
        let signed = compose::signed(draft, |entity| {
            let signed = self.keyring.sign_detached(entity, draft.date);
            signed.map_err(|error| error.noted(&mut away))
        });
        match (signed, away) {
            (Ok(bytes), _) => Ok(bytes),
            (Err(_), Some(away)) => Err(away),
            (Err(why), None) => {
                warn_of_unsigned(case, &why);
                Ok(compose::plain(draft))
            }
        }
    }

    /// The inner error says why the certificate cannot be used.
    pub(super) fn encrypted(
        &self,
        outline: &Outline<'_>,
        certificate: &Certificate,
        now: DateTime<Utc>,
    ) -> Result<Result<NewLetter, String>, LetterError> {
        let draft = self.draft(outline, now)?;
        let outer = reply::outer_subject(outline.number());
        let mut away = None;
        let sealed = compose::encrypted(&draft, &outer, |inner| {
            let sealed = self.keyring.encrypt_signed(certificate, inner, now);
            sealed.map_err(|error| error.noted(&mut away))
        });
        if let Some(away) = away {
            return Err(away.into());
        }
        if let Err(why) = self.keyring.signs(now) {
            warn_of_unsigned(outline.number(), &why);
        }
        let bytes = match sealed {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Err(why)),
        };
        Ok(Ok(NewLetter {
            encrypted: true,
            certificate: Some(certificate.clone()),
            ..self.finished(outline, draft, outer, bytes, now)
        }))
    }

    fn draft(&self, outline: &Outline<'_>, now: DateTime<Utc>) -> Result<Draft, LetterError> {
        let own = &self.organization.address;
        let domain = own
            .rsplit_once('@')
            .map_or("localhost", |(_, domain)| domain);
        let Words { subject, text } = self.words(outline)?;
        Ok(Draft {
            from: Address {
                name: Some(self.organization.name.clone()),
                email: own.clone(),
            },
            to: outline.to.email.clone(),
            subject,
            text,
            in_reply_to: outline.in_reply_to.clone(),
            references: outline.references.clone(),
            message_id: compose::new_message_id(domain),
            date: now,
            auto_submitted: match outline.cause {
                Cause::Mail => AutoSubmitted::Replied,
                Cause::Person => AutoSubmitted::Generated,
                Cause::PersonsWords => AutoSubmitted::No,
            },
            html: None,
            files: outline.files.to_vec(),
            attach_key: outline.attaches_key.then(|| KeyAttachment {
                file_name: format!("{}.asc", self.keyring.fingerprint()),
                armored: self.keyring.certificate(),
            }),
            autocrypt: Some(self.keyring.autocrypt(own)),
        })
    }

    /// Where somebody's own text fails over these facts, the reporter is answered all the same.
    pub(super) fn words(&self, outline: &Outline<'_>) -> Result<Words, LetterError> {
        let (template, wanted) = (outline.template, outline.language);
        let own = &self.policy.terms.language;
        let voice = self.texts.voice(template, wanted, own);
        let error = match Words::of(voice, outline) {
            Ok(words) => return Ok(words),
            Err(error) => error,
        };
        tracing::error!(
            event = "template_failed",
            case = outline.number().unwrap_or("-"),
            "template {error}; the built-in text goes in its place, mend the one in templates"
        );
        let voice = self.texts.built_in_voice(template, wanted, own);
        Ok(Words::of(voice, outline)?)
    }

    /// In clear, unless the caller adds what makes it encrypted.
    fn finished(
        &self,
        outline: &Outline<'_>,
        draft: Draft,
        subject: String,
        bytes: Vec<u8>,
        now: DateTime<Utc>,
    ) -> NewLetter {
        let own = || self.organization.address.clone();
        NewLetter {
            case: outline.case.cloned(),
            kind: outline.template.as_str().to_owned(),
            recipient: outline.to.email.clone(),
            envelope_from: match outline.cause {
                Cause::Mail => self.return_path.clone(),
                Cause::Person | Cause::PersonsWords => Some(own()),
            },
            automatic: outline.cause == Cause::Mail,
            audience: Audience::Reporter,
            meets: None,
            acknowledges: outline.cause != Cause::Mail || outline.template.acknowledges(),
            attaches_key: outline.attaches_key,
            message_id: draft.message_id,
            from: draft.from.email,
            subject,
            text: draft.text,
            encrypted: false,
            certificate: None,
            bytes,
            written_at: now,
            not_before: now,
        }
    }
}

fn warn_of_unsigned(case: Option<&str>, why: &str) {
    tracing::warn!(
        event = "unsigned",
        case = case.unwrap_or("-"),
        "a letter leaves unsigned: {why}; `triaged key list` shows which of our keys sign"
    );
}

impl Words {
    fn of(voice: &Voice, outline: &Outline<'_>) -> Result<Self, reply::TextError> {
        Ok(Self {
            subject: voice.words.subject(outline.template, outline.number()),
            text: voice.render(outline.template, &(outline.facts)(voice))?,
        })
    }
}
