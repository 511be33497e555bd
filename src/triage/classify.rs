//! What a mail is, by itself: its kind, labels with evidence, and whether it may be answered.
//!
//! A first cut without memory: whether a mail belongs to a case or came before
//! is found out elsewhere. Nothing here drops a mail; in doubt it is a report.
//! Time is bounded: of a text the first 256 KiB count.

use crate::config::Organization;
use crate::mail::message::{Attachment, Message};
use crate::mail::open;
use crate::mailbox::Lane;

mod authres;
mod automatic;
mod kind;
mod labels;
mod likeness;
mod phrases;
mod quoted;
mod scanner;
mod wants_key;

pub use authres::{Authentication, authentication};
pub use automatic::{Automatic, What, automatic};
pub use kind::Kind;
pub use labels::ACTIVE_EXPLOITATION;
pub(in crate::triage) use quoted::is_forward_mark;
pub use quoted::own_words;

pub(super) use likeness::names_weakness;
pub(super) use phrases::{
    Folded, beginning, find, fold, fold_lines, folded, has, is_unspaced, position, positions, words,
};
pub(super) use quoted::without_marks;
pub(super) use scanner::scanner_output;

/// A property of a mail, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub name: &'static str,
    /// One sentence in our own words, for the team alone. The only words of the mail in it are
    /// phrases of our lists, and what a possible duplicate has in common with another case.
    pub because: String,
}

impl Label {
    pub fn new(name: &'static str, because: impl Into<String>) -> Self {
        let because = because.into();
        Self { name, because }
    }
}

/// The first cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// Never `Reply` or `Resend`: those need more than the mail.
    pub kind_hint: Kind,
    /// Why this kind.
    pub kind_because: String,
    /// Each name once.
    pub labels: Vec<Label>,
    /// It asks for our OpenPGP key, alone or inside a report.
    pub wants_key: bool,
    /// No word of the sender's is left after quotes and signature, and nothing but key
    /// material is attached. The caller knows what it answers.
    pub empty_reply: bool,
    pub automatic: Option<Automatic>,
    /// Subject and text read like a vulnerability report, or came encrypted.
    pub reads_like_report: bool,
    pub authentication: Authentication,
}

/// Classifies a mail that was read from `lane`.
pub fn classify(message: &Message, organization: &Organization, lane: Lane) -> Classified {
    let mail = Words::read(message);
    let automatic = automatic::automatic_knowing(message, organization, &mail.own);
    let wants_key = wants_key::wants_key_knowing(&message.subject, &mail.own, &mail.folded);
    let reads_like_report = message.openpgp.encrypted || mail.likeness.is_report();
    let authentication = authentication(
        message,
        &organization.authserv_ids,
        &message
            .from
            .as_ref()
            .map(|from| from.domain())
            .unwrap_or_default(),
    );
    let empty_reply = is_empty_reply(message, &mail);
    let facts = Facts {
        message,
        mail: &mail,
        lane,
        automatic: automatic.as_ref(),
        wants_key,
        reads_like_report,
        empty_reply,
    };
    let (kind_hint, kind_because) = facts.kind();
    Classified {
        kind_hint,
        kind_because,
        labels: labels::labels(message, &mail, lane, authentication),
        wants_key,
        empty_reply,
        automatic,
        reads_like_report,
        authentication,
    }
}

/// Does this mail ask for our OpenPGP key?
pub fn wants_key(message: &Message) -> bool {
    wants_key::wants_key(&message.subject, &own_words(&message.text))
}

/// The words of a mail, in the forms that the rules read.
struct Words {
    own: String,
    /// Subject and own words, folded.
    folded: phrases::Folded,
    likeness: likeness::Likeness,
    /// Beside a ciphertext that could not be read.
    reports_in_clear: bool,
}

impl Words {
    fn read(message: &Message) -> Self {
        let own = own_words(&message.text);
        let folded = fold(&[&message.subject, "\n", &own].concat());
        let mut likeness = likeness::likeness(&folded);
        if !likeness.is_report() {
            // A forwarded or wholly quoted report is one too.
            let whole = format!(
                "{} {}",
                message.subject,
                beginning(&message.text, phrases::LOOKED_AT)
            );
            likeness = likeness::likeness(&fold(&whole));
        }
        Self {
            reports_in_clear: is_unread(message) && reports_in_clear(&own),
            own,
            folded,
            likeness,
        }
    }
}

/// Ciphertext of which nothing could be read.
fn is_unread(message: &Message) -> bool {
    let openpgp = &message.openpgp;
    openpgp.encrypted && !openpgp.partly_decrypted && openpgp.failure.is_some()
}

/// Is what stands beside the ciphertext a report by itself, and no cover note? That says that
/// there is a weakness; a report names it, or takes more words.
fn reports_in_clear(own: &str) -> bool {
    const NAMES_IT: usize = 12;
    const TELLS_OF_IT: usize = 60;
    let own = own.replace(open::UNREADABLE, "");
    let length = words(&own);
    let folded = fold(&own);
    (length >= NAMES_IT && likeness::names_weakness(&folded))
        || (length >= TELLS_OF_IT && likeness::likeness(&folded).is_report())
}

/// What the kind is judged from.
struct Facts<'a> {
    message: &'a Message,
    mail: &'a Words,
    lane: Lane,
    automatic: Option<&'a Automatic>,
    wants_key: bool,
    reads_like_report: bool,
    empty_reply: bool,
}

impl Facts<'_> {
    fn kind(&self) -> (Kind, String) {
        if let Some(automatic) = self.automatic
            && let Some(kind) = kind_of_robot(automatic.what)
        {
            return (kind, automatic.reason.clone());
        }
        if is_unread(self.message) && !self.mail.reports_in_clear {
            return (Kind::Unreadable, "no part of it could be decrypted".into());
        }
        if self.is_key_request() {
            return (
                Kind::KeyRequest,
                "it asks for our key and holds nothing else".into(),
            );
        }
        if self.lane == Lane::Junk
            && !self.reads_like_report
            && !self.wants_key
            && !self.empty_reply
        {
            return (
                Kind::Spam,
                "a filter put it away and it does not read like a report".into(),
            );
        }
        let phrase = self.status_in_thread();
        let status = phrase.map(|phrase| (Kind::StatusRequest, phrase));
        match status.or_else(|| kind::by_words(&self.mail.folded, self.reads_like_report)) {
            Some((kind, phrase)) => (
                kind,
                format!("it says \"{}\"", phrase.trim_end_matches('*')),
            ),
            None => (Kind::Report, self.report_because()),
        }
    }

    /// A question in the thread of a report bears the report's subject: its own words count.
    fn status_in_thread(&self) -> Option<&'static str> {
        let is_reply = !self.message.in_reply_to.is_empty() || !self.message.references.is_empty();
        is_reply
            .then(|| kind::asks_for_status(&fold(&self.mail.own)))
            .flatten()
    }

    fn is_key_request(&self) -> bool {
        self.wants_key
            && wants_key::is_nothing_else(&self.message.subject, &self.mail.own)
            && self.message.attachments.iter().all(is_key_material)
    }

    fn report_because(&self) -> String {
        if self.mail.likeness.because.is_empty() {
            return "nothing makes it anything else".into();
        }
        let phrases: Vec<String> = self
            .mail
            .likeness
            .because
            .iter()
            .map(|phrase| format!("\"{}\"", phrase.trim_end_matches('*')))
            .collect();
        format!("it speaks of {}", phrases.join(", "))
    }
}

fn kind_of_robot(what: What) -> Option<Kind> {
    match what {
        What::Bounce => Some(Kind::Bounce),
        What::AutoReply => Some(Kind::AutoReply),
        What::List => Some(Kind::List),
        What::FeedbackReport => Some(Kind::Abuse),
        What::NoAnswer => None,
    }
}

/// A forward without words is no empty reply: what it forwards is its content.
fn is_empty_reply(message: &Message, mail: &Words) -> bool {
    words(&mail.own) == 0
        && !message.openpgp.encrypted
        && message.attachments.iter().all(is_key_material)
        && !is_forwarded(&message.subject)
}

pub(super) fn is_forwarded(subject: &str) -> bool {
    let subject = fold(subject);
    [
        "fw:", "fwd:", "wg:", "tr:", "rv:", "enc:", "vs:", "vb:", "i:", "doorst:", "pd:", "ilt:",
        "转发", "轉寄",
    ]
    .iter()
    .any(|prefix| subject.starts_with(prefix))
}

/// A certificate, a signature or Autocrypt's like: says nothing by itself.
fn is_key_material(attachment: &Attachment) -> bool {
    matches!(
        attachment.media_type.as_str(),
        "application/pgp-keys"
            | "application/pgp-signature"
            | "application/pkcs7-signature"
            | "application/x-pkcs7-signature"
    ) || [".asc", ".sig", ".p7s"]
        .iter()
        .any(|end| attachment.name.to_lowercase().ends_with(end))
}
