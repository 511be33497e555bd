//! One mail, what is known, and the rules, to one decision.
//!
//! Pure: `explain` prints a [`Decision`], `run` commits it. A mail is decided
//! in two steps, so that nothing here asks a database: [`Questions`] says what
//! should be looked up, [`Known`] is what was found.

use chrono::{DateTime, Utc};

use super::classify::{Authentication, Classified, Kind, Label};
use super::deadline;
use super::marks::{self, Shared};
use super::orders::Orders;
use super::policy::{Deadline, DeadlineKind, Encrypt, Language, Policy};
use super::reply::Template;
use super::rules::{Findings, Matched};
use super::whose;
use crate::config::Organization;
use crate::mail::compose;
use crate::mail::message::{Address, Certificate, Failure, Message, domain_of};
use crate::mail::parse::header;
use crate::mailbox::Lane;

/// A mail, read and classified, and how it came.
pub struct Incoming<'a> {
    pub message: &'a Message,
    pub classified: &'a Classified,
    /// What the policy's rules say of it.
    pub findings: &'a Findings,
    /// Of its sender's own words, where that is sure.
    pub language: Option<&'a Language>,
    pub lane: Lane,
    pub received_at: DateTime<Utc>,
    /// Only the header block was fetched.
    pub too_large: bool,
    /// Why this mail is recorded without an answer, whatever it says.
    pub unanswered: Option<Unanswered>,
    /// What the team asks of us in it.
    pub orders: &'a Orders,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It lay in the mailbox before the first start, longer than `answer_newer_than`.
    BeforeFirstStart,
    /// `--no-reply`.
    OnRequest,
}

impl Unanswered {
    fn because(self) -> &'static str {
        match self {
            Self::BeforeFirstStart => {
                "older than answer_newer_than at the first start; `triaged case acknowledge` answers it"
            }
            Self::OnRequest => "recorded with --no-reply; `triaged case acknowledge` answers it",
        }
    }
}

/// What should be looked up about a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions {
    /// What it calls itself.
    pub message_id: Option<String>,
    /// Message-IDs that it refers to, and those that a machine report is about.
    pub refers_to: Vec<String>,
    /// Case numbers that its subject or first lines name.
    pub names: Vec<String>,
    /// Who wrote it, as a key.
    pub sender: Option<String>,
}

impl Questions {
    /// `seen`: the certificates that were seen with its sender.
    pub fn about(message: &Message, seen: &[Certificate]) -> Self {
        let mut refers_to = message.in_reply_to.clone();
        refers_to.extend(message.references.iter().rev().cloned());
        // As the cases that it names, so the mails that it is about: not out of a ciphertext.
        if let Some(report) = &message.machine_report
            && !message.openpgp.partly_decrypted
        {
            refers_to.extend(report.original_message_ids.iter().cloned());
        }
        refers_to.dedup();
        refers_to.truncate(50);
        Self {
            message_id: message.message_id.clone(),
            refers_to,
            names: named_cases(message, seen),
            sender: message.from.as_ref().map(Address::key),
        }
    }
}

/// A case that a mail may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRef {
    pub id: i64,
    pub number: String,
}

/// What the records say to the questions.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The mail bears an unguessable Message-ID of ours: a list or a forwarder sent our letter back.
    pub came_back: bool,
    /// The mail refers to an unguessable Message-ID of ours.
    pub answers_us: Option<CaseRef>,
    /// The mail refers to one of our letters that belongs to no case (a key by request).
    pub answers_letter: bool,
    /// The mail refers to a letter of ours to the team.
    pub answers_notice: bool,
    /// The sender is a participant and the mail names the case or its mails.
    pub participant: Option<CaseRef>,
    /// The mail refers to an earlier mail of the same sender.
    pub own_earlier_mail: bool,
    /// The same sender sent the same text before.
    pub same_report: Option<CaseRef>,
    /// How many mails that were sent again for that case were answered within 24 hours.
    pub acknowledged_again: u32,
    /// Cases of much the same text, and how alike (0 to 1).
    pub alike: Vec<(CaseRef, f32)>,
    /// Cases that name the same, or hold the same file.
    pub shared: Vec<Shared>,
    /// What speaks for the sender's address since before this mail, or took over with it.
    pub certificate: Option<Certificate>,
    /// Signed this mail (one in cipher as a whole), is the sender's by name or was seen with the
    /// address, and can be used.
    pub signer: Option<Certificate>,
    /// The mail showed another certificate than the one that spoke for its sender.
    pub key_change: Option<whose::Change>,
    /// Of the cases above, those of which a mail came encrypted.
    pub came_encrypted: Vec<CaseRef>,
    /// The cases that the sender takes part in, the newest first. Asked for where the mail asks
    /// how a case stands.
    pub of_sender: Vec<OwnCase>,
}

/// A case that its sender may ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCase {
    pub case: CaseRef,
    pub is_open: bool,
    /// A mail of it came encrypted: nothing of it leaves in clear.
    pub came_encrypted: bool,
}

impl Known {
    fn case(&self) -> Option<&CaseRef> {
        self.answers_us.as_ref().or(self.participant.as_ref())
    }

    /// Every case that a mail may join by what is known.
    pub fn cases(&self) -> impl Iterator<Item = &CaseRef> {
        let named = self.answers_us.iter().chain(&self.participant);
        named.chain(&self.same_report)
    }

    fn came_encrypted(&self, case: &CaseChange) -> bool {
        matches!(case, CaseChange::Join(case) if self.came_encrypted.contains(case))
    }
}

/// What the records become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseChange {
    /// Recorded; concerns no case.
    None,
    /// Becomes a message of the case.
    Join(CaseRef),
    /// Opens a case.
    Open,
}

/// How a letter may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    Clear,
    /// In clear, to a mail that came encrypted: nothing learned by decrypting may be in it.
    ClearWithoutContent,
    Encrypted(Certificate),
}

/// One letter to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub template: Template,
    pub to: Address,
    pub attaches_key: bool,
    pub channel: Channel,
    /// It may depend on what only reading the mail tells.
    pub says_content: bool,
    /// The reader's own, where that is sure and may be told; `None`: the policy's.
    pub language: Option<Language>,
    /// A part of the mail could not be decrypted, for whatever reason.
    pub part_unread: bool,
    /// The cases whose standing it tells.
    pub about: Vec<CaseRef>,
    /// It must not leave at once: every failure to decrypt is answered in one timing class.
    pub delayed: bool,
}

/// Everything that follows from one mail.
#[derive(Clone, Debug)]
pub struct Decision {
    pub kind: Kind,
    pub labels: Vec<Label>,
    pub wants_key: bool,
    pub case: CaseChange,
    pub deadlines: Vec<Deadline>,
    pub replies: Vec<Reply>,
    /// Why no letter goes out; `None` where one does.
    pub reply_suppressed: Option<String>,
    /// What the team asks of us in it.
    pub orders: Orders,
}

/// Decides what to do with one mail.
pub fn decide(
    mail: &Incoming<'_>,
    known: &Known,
    organization: &Organization,
    policy: &Policy,
) -> Decision {
    let (kind, case) = kind_and_case(mail, known);
    let wants_key = wants_key(mail, kind);
    let answer = reply(mail, known, organization, policy, kind, &case, wants_key);
    let (replies, reply_suppressed) = match answer {
        Ok(reply) => (vec![reply], None),
        Err(because) => (Vec::new(), Some(because)),
    };
    let deadlines = match case {
        CaseChange::Open => deadlines(mail, kind, organization, policy),
        CaseChange::Join(_) | CaseChange::None => Vec::new(),
    };
    Decision {
        kind,
        labels: labels(mail, known, &case),
        wants_key,
        case,
        deadlines,
        replies,
        reply_suppressed,
        orders: mail.orders.clone(),
    }
}

/// What came encrypted has the clocks of a report whatever it says: an answer in clear tells its
/// dates. Nobody waits for an update where nobody can be written to.
fn deadlines(
    mail: &Incoming<'_>,
    kind: Kind,
    organization: &Organization,
    policy: &Policy,
) -> Vec<Deadline> {
    let mut deadlines = deadline::open_deadlines(policy, mail.received_at, None);
    if !kind.has_clocks_of_a_report() && !mail.message.openpgp.encrypted {
        deadlines.retain(|deadline| deadline.kind == DeadlineKind::Acknowledge);
    }
    if !is_reached(mail, kind, organization) {
        deadlines.retain(|deadline| deadline.kind != DeadlineKind::Update);
    }
    deadlines
}

/// Can anybody write to its sender? As `commands::reached` has it of a case.
fn is_reached(mail: &Incoming<'_>, kind: Kind, organization: &Organization) -> bool {
    let is_robot = mail.classified.automatic.is_some() || kind == Kind::List;
    let from = mail.message.from.as_ref().map(|from| from.email.as_str());
    !is_robot && from.is_some_and(|from| can_be_answered(from) && !organization.owns(from))
}

/// What the mail is, and which case it belongs to.
///
/// The order matters: what a machine wrote opens nothing; then what the mail
/// refers to; then what it says. In doubt it is a report.
fn kind_and_case(mail: &Incoming<'_>, known: &Known) -> (Kind, CaseChange) {
    let hint = mail.classified.kind_hint;
    let joined = known
        .case()
        .map_or(CaseChange::None, |case| CaseChange::Join(case.clone()));
    if known.came_back {
        return (Kind::AutoReply, joined);
    }
    if is_for_us(mail, known) {
        return (Kind::TeamCommand, CaseChange::None);
    }
    match hint {
        Kind::Bounce | Kind::AutoReply => return (hint, joined),
        // Our own letters in a list's shape still belong to their case.
        Kind::List if joined != CaseChange::None => return (hint, joined),
        Kind::List => return (hint, CaseChange::Open),
        _ => {}
    }
    let belongs = || match &joined {
        CaseChange::None => CaseChange::Open,
        joined => joined.clone(),
    };
    // What else a reply says belongs to its case; that a part was not read must be told.
    let is_unread_reply = is_unread(mail.message) && known.case().is_some();
    if hint == Kind::Unreadable || is_unread_reply {
        return (Kind::Unreadable, belongs());
    }
    if let Some(newest) = asked_about(mail, known).first() {
        return (Kind::StatusRequest, CaseChange::Join(newest.case.clone()));
    }
    let answers_something =
        known.case().is_some() || known.own_earlier_mail || known.answers_letter;
    // A reply that only quotes one's own first mail is an empty reply; the same mail, quoted but
    // a reply to nothing, was forwarded to us again.
    if let Some(same) = &known.same_report
        && (!mail.message.openpgp.encrypted || is_by_sender(mail.message, &known.certificate))
        && !(mail.classified.empty_reply && answers_something)
    {
        return (Kind::Resend, CaseChange::Join(same.clone()));
    }
    let asks_for_key_alone = !mail.message.openpgp.encrypted
        && !mail.too_large
        && (hint == Kind::KeyRequest || (mail.classified.empty_reply && answers_something));
    if asks_for_key_alone {
        return (Kind::KeyRequest, joined);
    }
    if known.case().is_some() {
        return (Kind::Reply, joined);
    }
    match hint {
        Kind::Spam => (Kind::Spam, CaseChange::None),
        // Asked in cipher: an answer in clear would say what was asked.
        Kind::KeyRequest => (Kind::Question, CaseChange::Open),
        other => (other, CaseChange::Open),
    }
}

/// Commands, or what claims to be some. What a program wrote is none; but whatever the header says,
/// what a member signed is the member's.
fn is_for_us(mail: &Incoming<'_>, known: &Known) -> bool {
    let orders = mail.orders;
    orders.are_for_us(known.answers_notice)
        && match mail.classified.kind_hint {
            Kind::Bounce => false,
            Kind::AutoReply | Kind::List => orders.are_signed(),
            _ => true,
        }
}

/// The cases whose standing the mail asks for and its sender may hear, the newest first: the one
/// that it names or answers; where it names none, those of its sender that are open, else the
/// newest. Empty where it asks for none of them.
///
/// Inside a ciphertext nothing is asked that its sender did not sign.
fn asked_about<'k>(mail: &Incoming<'_>, known: &'k Known) -> Vec<&'k OwnCase> {
    let message = mail.message;
    let is_asked = mail.classified.kind_hint == Kind::StatusRequest
        && (!message.openpgp.encrypted || is_by_sender(message, &known.certificate));
    if !is_asked {
        return Vec::new();
    }
    let own = || known.of_sender.iter();
    if let Some(case) = known.case() {
        return own().filter(|own| own.case == *case).collect();
    }
    if !named_cases(message, known.certificate.as_slice()).is_empty() {
        return Vec::new();
    }
    let open: Vec<&OwnCase> = own().filter(|own| own.is_open).collect();
    if open.is_empty() {
        return own().take(1).collect();
    }
    open
}

/// Did the sender sign all of the mail? What came encrypted may be somebody else's, or be what
/// somebody else signed, and our answer must not tell what it says. `seen`: with the sender.
fn is_by_sender<'c>(message: &'c Message, seen: impl IntoIterator<Item = &'c Certificate>) -> bool {
    whose::own_certificate(message)
        .into_iter()
        .chain(seen)
        .any(|certificate| whose::has_signed_all(message, certificate))
}

/// Ciphertext of which nothing could be read.
fn is_unread(message: &Message) -> bool {
    message.openpgp.encrypted && !message.openpgp.partly_decrypted
}

/// A ciphertext in it was read, and another one was not.
fn is_partly_read(message: &Message) -> bool {
    message.openpgp.partly_decrypted && !message.openpgp.decrypted
}

/// The whole mail is one ciphertext (RFC 3156, 4).
fn is_sealed(message: &Message) -> bool {
    message.media_type == "multipart/encrypted"
}

fn wants_key(mail: &Incoming<'_>, kind: Kind) -> bool {
    kind == Kind::KeyRequest || (mail.classified.wants_key && kind != Kind::Unreadable)
}

/// A report that is sent again is acknowledged so often within 24 hours: a robot that repeats a
/// mail without a sign of what it is hears no more, and a person still does.
const AGAIN_AT_MOST: u32 = 2;

/// The one letter that answers a mail of this kind, or why none does.
pub fn reply(
    mail: &Incoming<'_>,
    known: &Known,
    organization: &Organization,
    policy: &Policy,
    kind: Kind,
    case: &CaseChange,
    wants_key: bool,
) -> Result<Reply, String> {
    let template = match kind {
        Kind::Bounce => return Err("a bounce never causes any mail".to_owned()),
        Kind::AutoReply if known.came_back => {
            return Err("it is a letter of ours that came back".to_owned());
        }
        Kind::AutoReply => return Err(automatic_because(mail, "an automatic answer")),
        Kind::TeamCommand => return Err("it is for us; who signed it gets a transcript".to_owned()),
        Kind::List => return Err(automatic_because(mail, "list mail")),
        Kind::Spam => return Err("it lies in the junk folder and reads like spam".to_owned()),
        Kind::KeyRequest => Template::Key,
        Kind::Unreadable => Template::Unreadable,
        Kind::Reply if wants_key && !mail.message.openpgp.encrypted => Template::Key,
        Kind::Reply => {
            return Err("it belongs to a case that was acknowledged; a person answers".to_owned());
        }
        Kind::Resend if known.acknowledged_again >= AGAIN_AT_MOST => {
            return Err(format!(
                "sent again; the case was acknowledged again {} times within 24 hours",
                known.acknowledged_again
            ));
        }
        Kind::Resend => Template::AcknowledgementAgain,
        Kind::Report => Template::Acknowledgement,
        Kind::Abuse => Template::Abuse,
        Kind::Diligence => Template::Diligence,
        Kind::AccessRequest => Template::AccessRequest,
        Kind::Question => Template::Question,
        Kind::StatusRequest if asked_about(mail, known).is_empty() => Template::StatusUnknown,
        Kind::StatusRequest => Template::Status,
    };
    if let Some(automatic) = &mail.classified.automatic {
        return Err(automatic.reason.clone());
    }
    let to = recipient(mail, known, organization, template)?;
    if let Some(unanswered) = mail.unanswered {
        return Err(unanswered.because().to_owned());
    }
    if template == Template::Status {
        return status_reply(mail, known, policy);
    }
    let channel = channel(mail, known, case, template, &to, policy);
    let says_content = may_say_content(mail.message, &channel);
    let openpgp = &mail.message.openpgp;
    let template = match template {
        template if says_content => template,
        // Nothing in clear tells whether it was the ciphertext that failed or one inside of it.
        _ if is_partly_read(mail.message) && is_sealed(mail.message) => Template::Unreadable,
        // Sent again in clear: so was what it equals.
        template @ Template::AcknowledgementAgain if !openpgp.encrypted => template,
        template => without_content(template),
    };
    let part_unread = is_receipt(template) && openpgp.encrypted && !openpgp.decrypted;
    Ok(Reply {
        attaches_key: match template {
            Template::Key | Template::Unreadable => true,
            _ => part_unread || (wants_key && says_content),
        },
        says_content,
        part_unread,
        delayed: part_unread
            || openpgp.tried_in_vain
            || (template == Template::Unreadable && openpgp.failure != Some(Failure::NoKey)),
        language: mail.language.filter(|_| says_content).cloned(),
        about: Vec::new(),
        template,
        to,
        channel,
    })
}

/// The letter that does not even tell what was asked.
fn without_content(template: Template) -> Template {
    match template {
        Template::Key | Template::Unreadable => template,
        _ => Template::Acknowledgement,
    }
}

/// How a case stands is told to its participant alone: at the address that wrote, under the
/// certificate that spoke for it before, whatever this mail is signed with, and never in clear
/// where the case came encrypted.
fn status_reply(mail: &Incoming<'_>, known: &Known, policy: &Policy) -> Result<Reply, String> {
    let from = mail.message.from.as_ref();
    let to = from.ok_or("the mail names no sender that can be answered")?;
    let asked = asked_about(mail, known);
    let came_encrypted =
        mail.message.openpgp.encrypted || asked.iter().any(|own| own.came_encrypted);
    let encrypts = came_encrypted || policy.terms.replies.encrypt == Encrypt::Known;
    let channel = match known.certificate.as_ref().filter(|_| encrypts) {
        Some(certificate) => Channel::Encrypted(certificate.clone()),
        None if came_encrypted => Channel::ClearWithoutContent,
        None => Channel::Clear,
    };
    let says_content = channel != Channel::ClearWithoutContent;
    Ok(Reply {
        template: match says_content {
            true => Template::Status,
            false => Template::Notice,
        },
        to: to.clone(),
        attaches_key: false,
        language: mail.language.filter(|_| says_content).cloned(),
        about: asked.iter().map(|own| own.case.clone()).collect(),
        says_content,
        channel,
        part_unread: false,
        delayed: false,
    })
}

fn is_receipt(template: Template) -> bool {
    matches!(
        template,
        Template::Acknowledgement | Template::AcknowledgementAgain
    )
}

fn automatic_because(mail: &Incoming<'_>, otherwise: &str) -> String {
    mail.classified.automatic.as_ref().map_or_else(
        || otherwise.to_owned(),
        |automatic| automatic.reason.clone(),
    )
}

/// Who is answered: From; Reply-To only where the mail is authenticated, and where what came
/// encrypted cannot be answered so to its sender.
fn recipient(
    mail: &Incoming<'_>,
    known: &Known,
    organization: &Organization,
    template: Template,
) -> Result<Address, String> {
    let can_be_sealed = mail.message.openpgp.encrypted
        && certificate_for_answer(mail.message, known, template).is_some();
    let from = mail
        .message
        .from
        .as_ref()
        .filter(|from| can_be_answered(&from.email))
        .ok_or("the mail names no sender that can be answered")?;
    let to = match mail.message.reply_to.as_slice() {
        [wanted]
            if mail.classified.authentication == Authentication::Pass
                && can_be_answered(&wanted.email)
                && !can_be_sealed =>
        {
            wanted
        }
        _ => from,
    };
    if organization.owns(&from.email) || organization.owns(&to.email) {
        return Err("it came from an address of ours".to_owned());
    }
    Ok(to.clone())
}

/// A bare host name is a machine of our own network, and who writes from there a program.
pub fn can_be_answered(email: &str) -> bool {
    compose::mailable(email).is_some() && domain_of(email).contains('.')
}

/// What came encrypted, or joins a case of which a mail did, leaves encrypted or without content.
/// What came in clear leaves encrypted to whoever showed a certificate, unless the policy says
/// otherwise.
fn channel(
    mail: &Incoming<'_>,
    known: &Known,
    case: &CaseChange,
    template: Template,
    to: &Address,
    policy: &Policy,
) -> Channel {
    let message = mail.message;
    let answers_sender = message
        .from
        .as_ref()
        .is_some_and(|from| from.same_mailbox(&to.email));
    let came_encrypted = message.openpgp.encrypted || known.came_encrypted(case);
    if !came_encrypted && policy.terms.replies.encrypt == Encrypt::Received {
        return Channel::Clear;
    }
    match certificate_for_answer(message, known, template).filter(|_| answers_sender) {
        Some(certificate) => Channel::Encrypted(certificate.clone()),
        None if came_encrypted => Channel::ClearWithoutContent,
        None => Channel::Clear,
    }
}

/// What the answer to this very mail is encrypted to.
///
/// The one that signed the mail: whoever wrote it can read it, and it tells of no other mail. Else
/// the key of the address; one that merely came along never comes before it. Else what came along,
/// or, of a mail in clear, signed it under another address. On a ciphertext such a signature is
/// not enough: to whom an answer is encrypted can be seen, and that would tell who wrote what
/// somebody else has sent us.
///
/// A mail that was sent again is answered with the dates of its case: to the key of the address
/// first, for anybody may have found the text and signed it.
fn certificate_for_answer<'m>(
    message: &'m Message,
    known: &'m Known,
    template: Template,
) -> Option<&'m Certificate> {
    let tells_of_case = template == Template::AcknowledgementAgain;
    let key_first = known.certificate.as_ref().filter(|_| tells_of_case);
    let foreign_signer = || {
        let mut brought = message.openpgp.certificates.iter();
        brought.find(|it| whose::has_signed(message, it) && !message.openpgp.encrypted)
    };
    key_first
        .or(known.signer.as_ref())
        .or(known.certificate.as_ref())
        .or_else(|| whose::own_certificate(message))
        .or_else(foreign_signer)
}

/// Cipher alone does not make it safe to speak of what was inside: whoever got hold of a
/// ciphertext can send it to us with a certificate of his own. The author signed it.
fn may_say_content(message: &Message, channel: &Channel) -> bool {
    match channel {
        Channel::Clear => true,
        Channel::ClearWithoutContent => false,
        Channel::Encrypted(certificate) => {
            !message.openpgp.encrypted || whose::has_signed_all(message, certificate)
        }
    }
}

/// The labels of the mail, and those that only the records can give.
fn labels(mail: &Incoming<'_>, known: &Known, case: &CaseChange) -> Vec<Label> {
    let mut labels = mail.classified.labels.clone();
    let mut add = |name: &'static str, because: String| {
        if !labels.iter().any(|label| label.name == name) {
            labels.push(Label::new(name, because));
        }
    };
    if mail.too_large {
        add(
            "too_large",
            format!(
                "{} bytes are over limits.max_message; the whole mail is in the mailbox",
                mail.message.size
            ),
        );
    }
    let openpgp = &mail.message.openpgp;
    if openpgp.partly_decrypted && !openpgp.decrypted {
        add(
            "partly_unreadable",
            "some encrypted parts could not be read".to_owned(),
        );
    }
    if let Some(change) = &known.key_change {
        add("key_changed", change.evidence());
    }
    for label in findings_labels(mail.findings) {
        add(label.name, label.because);
    }
    let reasons = duplicate_of(known);
    if *case == CaseChange::Open && !reasons.is_empty() {
        add("possible_duplicate", reasons.join("; "));
    }
    labels
}

/// Why a new case may be about what another one is about, for the team alone.
fn duplicate_of(known: &Known) -> Vec<String> {
    let mut reasons = marks::reasons(&known.shared);
    if !known.alike.is_empty() {
        let numbers: Vec<_> = known
            .alike
            .iter()
            .map(|(case, alike)| format!("{} ({:.0} %)", case.number, alike * 100.0))
            .collect();
        reasons.insert(0, format!("much the same text as {}", numbers.join(", ")));
    }
    reasons
}

/// What the policy's rules found, as labels.
fn findings_labels(findings: &Findings) -> Vec<Label> {
    let places = |is_credential: bool| {
        let mut places: Vec<String> = findings
            .sensitive
            .iter()
            .filter(|found| found.kind.is_credential() == is_credential)
            .map(|found| format!("{} at {}", found.kind.in_words(), found.place))
            .collect();
        let more = places.len().saturating_sub(PLACES_SHOWN);
        places.truncate(PLACES_SHOWN);
        if more > 0 {
            places.push(format!("and {more} more"));
        }
        (!places.is_empty()).then(|| places.join(", "))
    };
    let because = |found: &[Matched]| {
        let all: Vec<&str> = found.iter().map(|found| found.because.as_str()).collect();
        (!all.is_empty()).then(|| all.join("; "))
    };
    [
        ("accidental_access", findings.accidental_access.clone()),
        ("credentials", places(true)),
        ("customer_data", places(false)),
        ("out_of_scope", because(&findings.outside)),
        ("conduct", because(&findings.conduct)),
        ("known_issue", because(&findings.known)),
    ]
    .into_iter()
    .filter_map(|(name, because)| Some(Label::new(name, because?)))
    .collect()
}

/// So many places of sensitive data are told.
const PLACES_SHOWN: usize = 5;

/// The cases that a mail names; at most ten. Inside a ciphertext they count where its sender signed
/// it: a mail that joins a case is not answered, and that would tell a thief what it names.
fn named_cases(message: &Message, seen: &[Certificate]) -> Vec<String> {
    if !message.openpgp.partly_decrypted || is_by_sender(message, seen) {
        return case_numbers(&[&message.subject, &message.text]);
    }
    let subject = message.header("subject").unwrap_or_default();
    case_numbers(&[&header::decode_words(subject)])
}

/// Case numbers, `SEC-2026-0001`, however a person writes them; at most ten.
fn case_numbers(texts: &[&str]) -> Vec<String> {
    let mut numbers = Vec::new();
    for text in texts {
        let text = text.to_ascii_uppercase();
        for (at, _) in text.match_indices("SEC-").take(50) {
            let Some(rest) = text.get(at..) else { continue };
            let number: String = rest
                .chars()
                .enumerate()
                .take_while(|(position, character)| match position {
                    0..=3 => true,
                    8 => *character == '-',
                    4..=20 => character.is_ascii_digit(),
                    _ => false,
                })
                .map(|(_, character)| character)
                .collect();
            if number.len() >= 13 && !numbers.contains(&number) && numbers.len() < 10 {
                numbers.push(number);
            }
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::{Digest, MachineReport, MachineReportKind};
    use crate::triage::classify::{Automatic, What, classify};

    fn policy() -> Policy {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policies/cloudarq.toml");
        let (policy, mistakes) = crate::config::policy::read(std::path::Path::new(file));
        policy.unwrap_or_else(|| panic!("{mistakes:?}"))
    }

    fn mail(from: &str) -> Message {
        Message {
            from: Some(Address {
                name: None,
                email: from.to_owned(),
            }),
            ..Message::unread(Digest::of(b""), 0)
        }
    }

    #[test]
    fn case_numbers_are_found_as_people_write_them() {
        #[track_caller]
        fn check(subject: &str, text: &str, expected: &[&str]) {
            assert_eq!(
                case_numbers(&[subject, text]),
                expected,
                "{subject}: {text}"
            );
        }
        check("Re: [SEC-2026-0001] x", "", &["SEC-2026-0001"]);
        check(
            "re: [sec-2026-0001]",
            "Sec-2026-0002",
            &["SEC-2026-0001", "SEC-2026-0002"],
        );
        check("sec-2026-0001", "SEC-2026-0001", &["SEC-2026-0001"]);
        check("", "about sec-2026-123456.", &["SEC-2026-123456"]);
        check("", "ſec-2026-0001, sec-20260001, sec-2026-01", &[]);
    }

    #[test]
    fn a_report_inside_a_ciphertext_refers_to_nothing() {
        for decrypted in [false, true] {
            let mut mail = mail("ann@research.example");
            mail.openpgp.partly_decrypted = decrypted;
            mail.machine_report = Some(MachineReport {
                kind: MachineReportKind::DeliveryStatus,
                action: None,
                original_message_ids: vec!["a@b.example".to_owned()],
            });
            let refers_to = Questions::about(&mail, &[]).refers_to;
            assert_eq!(refers_to.is_empty(), decrypted);
        }
    }

    #[test]
    fn addresses_that_are_answered() {
        #[track_caller]
        fn check(email: &str, expected: bool) {
            let address = mail(email).from.unwrap();
            assert_eq!(can_be_answered(&address.email), expected, "{email}");
        }
        check("ann@research.example", true);
        check("\"a@b\"@research.example", true);
        check("@research.example", false);
        check("a@b@research.example", false);
        check("root@localhost", false);
        check("ann", false);
        check("", false);
    }

    fn organization() -> Organization {
        Organization {
            name: "Example Corp".to_owned(),
            address: "security@example.com".to_owned(),
            aliases: Vec::new(),
            authserv_ids: Vec::new(),
            list_ids: Vec::new(),
        }
    }

    #[test]
    fn nobody_waits_for_an_update_where_nobody_can_be_written_to() {
        let organization = organization();
        let policy = policy();
        let clocks = |from: &str, kind: Kind, is_automatic: bool| {
            let message = mail(from);
            let mut classified = classify(&message, &organization, Lane::Inbox);
            classified.kind_hint = kind;
            classified.automatic = is_automatic.then(|| Automatic {
                what: What::NoAnswer,
                reason: "a robot".to_owned(),
            });
            let incoming = Incoming {
                message: &message,
                classified: &classified,
                findings: &Findings::default(),
                language: None,
                lane: Lane::Inbox,
                received_at: DateTime::UNIX_EPOCH,
                too_large: false,
                unanswered: None,
                orders: &Orders::None,
            };
            let decision = decide(&incoming, &Known::default(), &organization, &policy);
            let kinds = decision.deadlines.iter().map(|it| it.kind.as_str());
            kinds.collect::<Vec<_>>()
        };
        let all = ["acknowledge", "triage", "update"];
        assert_eq!(clocks("ann@research.example", Kind::Report, false), all);
        for (from, kind, is_automatic) in [
            ("scanner@research.example", Kind::Report, true),
            ("bugs@lists.example", Kind::List, false),
            ("root@localhost", Kind::Report, false),
            ("security@example.com", Kind::Report, false),
        ] {
            let left = clocks(from, kind, is_automatic);
            assert_eq!(left, ["acknowledge", "triage"], "{from}");
        }
    }

    #[test]
    fn why_a_part_was_not_read_does_not_show() {
        let organization = organization();
        let reply_to = |failure: Failure, partly_decrypted: bool| {
            let mut message = Message {
                text: "The search field of your shop has a stored cross-site scripting flaw that \
                       runs for every visitor."
                    .to_owned(),
                ..mail("ann@research.example")
            };
            message.openpgp.encrypted = true;
            message.openpgp.partly_decrypted = partly_decrypted;
            message.openpgp.failure = Some(failure);
            let classified = classify(&message, &organization, Lane::Inbox);
            assert_eq!(classified.kind_hint, Kind::Report);
            let incoming = Incoming {
                message: &message,
                classified: &classified,
                findings: &Findings::default(),
                language: None,
                lane: Lane::Inbox,
                received_at: DateTime::UNIX_EPOCH,
                too_large: false,
                unanswered: None,
                orders: &Orders::None,
            };
            let kind = classified.kind_hint;
            reply(
                &incoming,
                &Known::default(),
                &organization,
                &policy(),
                kind,
                &CaseChange::Open,
                false,
            )
            .unwrap()
        };
        let expected = reply_to(Failure::NoKey, false);
        assert_eq!(expected.template, Template::Acknowledgement);
        assert_eq!(expected.channel, Channel::ClearWithoutContent);
        assert!(expected.part_unread && expected.attaches_key && expected.delayed);
        assert!(!expected.says_content);
        for failure in [
            Failure::NoKey,
            Failure::NoKeyFits,
            Failure::PasswordOnly,
            Failure::Damaged,
            Failure::Modified,
            Failure::Unsupported,
            Failure::TooLarge,
            Failure::Malformed,
        ] {
            assert_eq!(reply_to(failure, false), expected, "{failure:?}");
            assert_eq!(reply_to(failure, true), expected, "{failure:?}");
        }
    }
}
