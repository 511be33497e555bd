//! What the team hears by mail: reports, follow-ups, letters that do not arrive, deadlines, digests.
//!
//! Each goes to each member by itself, signed and encrypted to the member's certificate; nothing of
//! a case ever leaves in clear, the outer subject included. A member whose certificate cannot be
//! used gets a notice without content, and the digest and the log name the reason.
//!
//! A notice is written in the transaction that marks what it tells as told, so that it goes out
//! once, whatever happens between.
//!
//! ```text
//! came, undeliverable, refused, deadline, health    values -> sheet::Sheet, and deeds: what to do
//! several                                           many of one kind as one mail
//! sheet                                             text and HTML of the same blocks
//! mailto                                            deeds as links
//! ```

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::letters::Desk;
use crate::mail::compose::{self, AutoSubmitted, Draft, File, Html};
use crate::mail::message::Address;
use crate::store::audit::Actor;
use crate::store::outbox::{Audience, NewLetter};
use crate::store::tidings::TidingKind;
use crate::store::{StoreError, Tx};
use crate::team::Teammate;
use crate::triage::calendar::Calendar;

use deeds::Deed;
use sheet::{Link, Sheet};

pub mod bare;
pub mod board;
pub mod came;
pub mod deadline;
mod deeds;
pub mod digest;
pub mod health;
mod mailto;
pub mod page;
pub mod refused;
pub mod several;
pub mod sheet;
pub mod undeliverable;
pub mod words;

/// Says nothing: subjects travel in clear.
const OUTER_SUBJECT: &str = "Encrypted message";
/// Links beside one of many.
const LINKS_AT_MOST: usize = 4;

/// For whom a notice is written, and when.
pub struct Reader<'a> {
    pub desk: &'a Desk,
    pub member: &'a Teammate,
    pub now: DateTime<Utc>,
}

impl Reader<'_> {
    fn calendar(&self) -> &Calendar {
        &self.desk.policy.calendar
    }

    /// What mails with commands go to.
    fn address(&self) -> &str {
        &self.desk.organization.address
    }

    /// Of those that need no words: the quickest.
    fn links(&self, case: &str, deeds: &[Deed]) -> Vec<Link> {
        let quick = deeds.iter().filter(|deed| deed.wants.is_none());
        let link = |deed| Link::of(deed, case, self.address());
        quick.take(LINKS_AT_MOST).map(link).collect()
    }

    fn foot(&self) -> String {
        format!(
            "From triaged at {}. Commands work from mails that you sign; what stands quoted in \
             them does nothing.",
            self.desk.organization.name
        )
    }

    fn notice(&self, kind: NoticeKind, subject: String, sheet: &Sheet) -> Notice {
        let html = sheet.html().map(|page| Html {
            page,
            pictures: Vec::new(),
        });
        Notice {
            kind,
            subject,
            text: sheet.text(),
            html,
            files: Vec::new(),
        }
    }
}

/// Something for the team to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub kind: NoticeKind,
    pub subject: String,
    pub text: String,
    pub html: Option<Html>,
    /// Of the mail that it tells of.
    pub files: Vec<File>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Reports came.
    Report,
    /// Reporters wrote again.
    FollowUp,
    /// Mails could not be read.
    Unreadable,
    /// Answers do not arrive.
    Undeliverable,
    /// The mailbox was not read for long.
    Silence,
    /// Commands were refused, or forged.
    Refused,
    /// What a member's commands did, or why they did nothing.
    Transcript,
    /// Deadlines came near or were missed.
    Warning,
    /// A mail tells of exploitation.
    Alarm,
    /// Mails wait to be recorded.
    Waiting,
    /// A key or certificate expires.
    Expiry,
    Digest,
}

impl NoticeKind {
    pub fn of(tiding: TidingKind) -> Self {
        match tiding {
            TidingKind::Report => Self::Report,
            TidingKind::FollowUp => Self::FollowUp,
            TidingKind::Unreadable => Self::Unreadable,
            TidingKind::Undeliverable => Self::Undeliverable,
            TidingKind::Refused => Self::Refused,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report_notice",
            Self::FollowUp => "follow_up",
            Self::Unreadable => "unreadable_notice",
            Self::Undeliverable => "undeliverable",
            Self::Silence => "silence",
            Self::Refused => "refused",
            Self::Transcript => "transcript",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
            Self::Waiting => "waiting",
            Self::Expiry => "expiry",
            Self::Digest => "digest",
        }
    }
}

/// A notice for one member, and why it says nothing, if it does.
struct Addressed {
    letter: NewLetter,
    unusable_certificate: Option<String>,
}

impl Desk {
    /// Writes to each member what `of_member` has for them, into the outbox. Returns how many
    /// letters that are.
    pub fn tell_team(
        &self,
        tx: &Tx<'_>,
        now: DateTime<Utc>,
        of_member: impl Fn(&Teammate) -> Option<Notice>,
    ) -> Result<usize, StoreError> {
        let mut letters = 0;
        for member in self.team.members() {
            let Some(notice) = of_member(member) else {
                continue;
            };
            self.tell_member(tx, now, member, &notice, None)?;
            letters += 1;
        }
        Ok(letters)
    }

    /// Writes a notice to one member into the outbox. `answers`: the Message-ID of the mail that it
    /// is about.
    pub fn tell_member(
        &self,
        tx: &Tx<'_>,
        now: DateTime<Utc>,
        member: &Teammate,
        notice: &Notice,
        answers: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut draft = self.notice_draft(member, notice, now);
        draft.in_reply_to = answers.map(str::to_owned);
        draft.references = draft.in_reply_to.iter().cloned().collect();
        let addressed = self.notice(member, notice, draft, now);
        tx.enqueue(&addressed.letter)?;
        let Some(why) = &addressed.unusable_certificate else {
            return Ok(());
        };
        let email = member.email.as_str();
        tracing::error!(
            event = "certificate_unusable",
            member = email,
            "told without content: {why}"
        );
        let detail = json!({"member": email, "why": why});
        tx.event(now, &Actor::Daemon, "certificate_unusable", None, detail)
    }

    fn notice(
        &self,
        to: &Teammate,
        notice: &Notice,
        draft: Draft,
        now: DateTime<Utc>,
    ) -> Addressed {
        let sealed = to.certificate(now).and_then(|certificate| {
            let bytes = compose::encrypted(&draft, OUTER_SUBJECT, |inner| {
                let sealed = self.keyring.encrypt_signed(certificate, inner, now);
                // Also where our key is away: a deadline that comes near does not wait for it.
                sealed.map_err(|error| error.to_string())
            })?;
            Ok((certificate.clone(), bytes))
        });
        match sealed {
            Ok((certificate, bytes)) => Addressed {
                letter: NewLetter {
                    encrypted: true,
                    certificate: Some(certificate),
                    ..notice_letter(notice.kind, draft, bytes, now)
                },
                unusable_certificate: None,
            },
            Err(why) => {
                let draft = without_content(draft, to.in_clear(&why));
                // Unsigned for once where our key is away: what the team must hear does not wait for it.
                let bytes = self.in_clear_bytes(&draft, None);
                let bytes = bytes.unwrap_or_else(|_| compose::plain(&draft));
                Addressed {
                    letter: notice_letter(notice.kind, draft, bytes, now),
                    unusable_certificate: Some(why),
                }
            }
        }
    }

    fn notice_draft(&self, to: &Teammate, notice: &Notice, now: DateTime<Utc>) -> Draft {
        let own = &self.organization.address;
        let domain = own
            .rsplit_once('@')
            .map_or("localhost", |(_, domain)| domain);
        Draft {
            from: Address {
                name: Some(self.organization.name.clone()),
                email: own.clone(),
            },
            to: to.email.clone(),
            subject: notice.subject.clone(),
            text: notice.text.clone(),
            in_reply_to: None,
            references: Vec::new(),
            message_id: compose::new_message_id(domain),
            date: now,
            auto_submitted: AutoSubmitted::Generated,
            html: notice.html.clone(),
            files: notice.files.clone(),
            attach_key: None,
            autocrypt: Some(self.keyring.autocrypt(own)),
        }
    }
}

/// That there is something, and why it is not here.
fn without_content(draft: Draft, why: &str) -> Draft {
    Draft {
        subject: "A notice for you could not be encrypted".to_owned(),
        text: format!(
            "triaged has a notice for you, and nothing of it is in this mail, because it\n\
             could not be encrypted to you:\n\n    {why}\n\n\
             `triaged status` on the server shows what is open. Please give whoever looks\n\
             after the server a certificate that works; `triaged check` tries it.\n"
        ),
        html: None,
        files: Vec::new(),
        ..draft
    }
}

/// It leaves from our address, so that it comes back when it bounces, and no cap holds it.
fn notice_letter(kind: NoticeKind, draft: Draft, bytes: Vec<u8>, now: DateTime<Utc>) -> NewLetter {
    NewLetter {
        case: None,
        kind: kind.as_str().to_owned(),
        recipient: draft.to,
        envelope_from: Some(draft.from.email.clone()),
        automatic: false,
        acknowledges: false,
        audience: Audience::Team,
        meets: None,
        attaches_key: false,
        message_id: draft.message_id,
        from: draft.from.email,
        subject: draft.subject,
        text: draft.text,
        encrypted: false,
        certificate: None,
        bytes,
        written_at: now,
        not_before: now,
    }
}
