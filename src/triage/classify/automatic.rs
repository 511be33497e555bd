//! May this mail be answered by a machine, and did a machine write it?
//!
//! Robots must not write to each other (RFC 3834 §2). The signals, strongest
//! first: what the MIME reader found (RFC 3464, 8098, 5965), header fields of
//! RFC 3834, RFC 2369, RFC 2919 and common practice, the sender's name, and for
//! old mail systems that give none of these the wording of the mail itself.
//!
//! The answer suppresses a reply, never the record. Wording counts only where
//! subject and text agree and nothing reads like a person's report: whoever
//! reports a flaw in bounce handling is answered, with "Undelivered Mail" in
//! the subject too.

use std::cell::OnceCell;

use crate::config::Organization;
use crate::mail::message::{Address, MachineReportKind, Message};

use super::phrases::Folded;
use super::{likeness, phrases, quoted};

mod notes;
#[rustfmt::skip]
mod words;

use words::{
    ABSENCE_SUBJECTS, ABSENCES, AUTO_REPLY_SUBJECTS, BOUNCE_PHRASES, BOUNCE_SUBJECTS, DIAGNOSES,
    FINDS, FIRST_PERSON, LIST_FIELDS, MACHINE_FIELDS, MAIL_SYSTEM_NAMES, MAIL_SYSTEMS,
    PERSON_SUBJECTS, PERSON_WORDS, RECEIPT_SUBJECTS, RESPONDER_FIELDS, RETURNED_MAIL, ROBOTS,
    SAYS_AUTOMATIC,
};

/// Why a mail gets no automatic answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automatic {
    pub what: What,
    /// One sentence for the team; holds header names and our own words, nothing of the text.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A mail server about a mail that it could not, or not yet, deliver; or that it did.
    Bounce,
    /// A robot on behalf of a person or a service; receipts too.
    AutoReply,
    List,
    /// An abuse report made by a machine (RFC 5965).
    FeedbackReport,
    /// To be recorded as what it reads like, and not answered.
    NoAnswer,
}

/// `None`: a person may have written this mail and may be answered.
///
/// A `List-Id` of ours makes the list headers and `Precedence: list` or `bulk` count for nothing.
pub fn automatic(message: &Message, organization: &Organization) -> Option<Automatic> {
    let beginning = phrases::beginning(&message.text, TELLING_BEGINNING);
    automatic_with(message, organization, &quoted::own_words(beginning))
}

/// The same where the own words of the whole mail are at hand: of most mails they are those of
/// its beginning.
pub(super) fn automatic_knowing(
    message: &Message,
    organization: &Organization,
    own_words: &str,
) -> Option<Automatic> {
    match message.text.len() <= TELLING_BEGINNING {
        true => automatic_with(message, organization, own_words),
        false => automatic(message, organization),
    }
}

/// `own_words`: of the beginning.
fn automatic_with(
    message: &Message,
    organization: &Organization,
    own_words: &str,
) -> Option<Automatic> {
    let mail = Mail::read(message, organization, own_words);
    // Silence is an answer too: what came out of a ciphertext must not cause it.
    let learned = message.openpgp.partly_decrypted;
    let mut signals = if learned {
        by_report_type(&mail).into_iter().collect()
    } else {
        by_structure(&mail)
    };
    signals.extend(by_auto_submitted(&mail));
    signals.extend(by_responder_headers(&mail));
    signals.extend(by_list_headers(&mail));
    signals.extend(by_sender(&mail));
    signals.extend(by_null_return_path(&mail));
    match signals.as_slice() {
        [] if learned => None,
        [] => by_wording(&mail),
        _ => Some(judge(&mail, signals)),
    }
}

/// One reason not to answer, and what it makes of the mail if nothing stronger is there.
struct Signal {
    what: What,
    reason: String,
}

impl Signal {
    fn new(what: What, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { what, reason }
    }
}

/// Header fields, sender and folded words, as the rules below need them.
struct Mail<'a> {
    message: &'a Message,
    organization: &'a Organization,
    subject: Folded,
    /// The folded beginning of the text: a machine says early what it is about.
    text: Folded,
    /// The same without quoted history.
    own: Folded,
    /// `own` as far as the returned mail, if one is in it.
    before_returned: Folded,
    /// Asked rarely, and dear.
    reads_like_report: OnceCell<bool>,
}

/// Bounces and vacation notes say what they are within this many bytes.
const TELLING_BEGINNING: usize = 4_096;

impl<'a> Mail<'a> {
    fn read(message: &'a Message, organization: &'a Organization, own_words: &str) -> Self {
        let beginning = phrases::beginning(&message.text, TELLING_BEGINNING);
        let subject = phrases::fold(&message.subject);
        let own = phrases::fold(own_words);
        let before_returned = returned_mail_position(&own)
            .and_then(|at| own.get(..at))
            .map_or_else(|| own.clone(), Folded::of);
        Self {
            message,
            organization,
            text: match own_words == beginning.trim() {
                true => own.clone(),
                false => phrases::fold(beginning),
            },
            before_returned,
            reads_like_report: OnceCell::new(),
            subject,
            own,
        }
    }

    /// Do subject and own words read like a vulnerability report?
    fn reads_like_report(&self) -> bool {
        *self
            .reads_like_report
            .get_or_init(|| reads_like_report(&self.subject, &self.own))
    }

    /// Is some field of this name there, other than with an empty value?
    fn has_field(&self, name: &str) -> bool {
        self.message
            .headers(name)
            .any(|value| !value.trim().is_empty())
    }
}

fn reads_like_report(subject: &str, own: &str) -> bool {
    likeness::likeness(&Folded::of(&format!("{subject} {own}"))).is_report()
}

/// The strongest signal names the reason; what the mail is may need a look at its words.
fn judge(mail: &Mail<'_>, signals: Vec<Signal>) -> Automatic {
    let what = what_of(mail, &signals);
    let reason = signals
        .iter()
        .find(|signal| signal.what == what)
        .or(signals.first())
        .map(|signal| signal.reason.clone())
        .unwrap_or_default();
    Automatic { what, reason }
}

fn what_of(mail: &Mail<'_>, signals: &[Signal]) -> What {
    let says = |what| signals.iter().any(|signal| signal.what == what);
    if says(What::FeedbackReport) {
        return What::FeedbackReport;
    }
    // A bounce that came back through a list bears the list's headers; people on lists write about bounces too.
    let listed = says(What::List) && is_mailing_list(mail);
    let from_mail_system = sender_is_mail_system(mail);
    if says(What::Bounce) || ((!listed || from_mail_system) && reads_as_bounce(mail, Proof::Some)) {
        return What::Bounce;
    }
    if listed {
        return What::List;
    }
    if says(What::AutoReply) || reads_as_absence(mail) {
        return What::AutoReply;
    }
    if says(What::List) {
        return What::List;
    }
    What::NoAnswer
}

// --- structure -----------------------------------------------------------

fn by_structure(mail: &Mail<'_>) -> Vec<Signal> {
    let message = mail.message;
    if let Some(report) = &message.machine_report {
        let (what, reason) = match report.kind {
            MachineReportKind::DeliveryStatus => {
                (What::Bounce, "it holds a delivery status (RFC 3464)")
            }
            MachineReportKind::DispositionNotification => (
                What::AutoReply,
                "it holds a disposition notification (RFC 8098)",
            ),
            MachineReportKind::FeedbackReport => (
                What::FeedbackReport,
                "it holds a feedback report (RFC 5965)",
            ),
        };
        return vec![Signal::new(what, reason)];
    }
    by_report_type(mail)
        .into_iter()
        .chain(by_complaint(mail))
        .chain(notes::by_form(mail))
        .collect()
}

/// `multipart/report` whose machine part is missing or of another kind (RFC 6522).
fn by_report_type(mail: &Mail<'_>) -> Option<Signal> {
    let content_type = phrases::fold(mail.message.header("Content-Type").unwrap_or_default());
    if mail.message.media_type == "message/delivery-status" {
        return Some(Signal::new(
            What::Bounce,
            "it is a delivery status (RFC 3464)",
        ));
    }
    if mail.message.media_type != "multipart/report" {
        return None;
    }
    let what = if content_type.contains("delivery-status") {
        What::Bounce
    } else if content_type.contains("feedback-report") {
        What::FeedbackReport
    } else {
        What::AutoReply
    };
    Some(Signal::new(what, "it is a multipart/report (RFC 6522)"))
}

/// Complaint loops from before RFC 5965: the sender and the subject together.
fn by_complaint(mail: &Mail<'_>) -> Option<Signal> {
    let sender = local_part(mail.message.from.as_ref()?);
    let from_loop = COMPLAINT_SENDERS.contains(&sender.as_str());
    let about = COMPLAINT_SUBJECTS
        .iter()
        .find_map(|start| mail.subject.trim_start().strip_prefix(start))?;
    let names_host = about.contains(|c: char| c.is_ascii_digit());
    (from_loop && names_host).then(|| {
        Signal::new(
            What::FeedbackReport,
            "sender and subject are those of a complaint loop",
        )
    })
}

const COMPLAINT_SENDERS: &[&str] = &[
    "staff",
    "complaints",
    "abuse",
    "feedbackloop",
    "fbl",
    "scomp",
    "fbl-no-reply",
    "arf",
];

const COMPLAINT_SUBJECTS: &[&str] = &[
    "complaint about message from",
    "email feedback report for ip",
    "client tos notification",
    "abuse report for",
    "fw: complaint about message from",
];

// --- Auto-Submitted --------------------------------------------------------

fn by_auto_submitted(mail: &Mail<'_>) -> Option<Signal> {
    let keyword = mail
        .message
        .headers("Auto-Submitted")
        .map(auto_submitted_keyword)
        .find(|keyword| !keyword.is_empty() && keyword != "no")?;
    let what = if keyword == "auto-replied" || !mail.reads_like_report() {
        What::AutoReply
    } else {
        What::NoAnswer
    };
    Some(Signal::new(
        what,
        "Auto-Submitted is other than no (RFC 3834)",
    ))
}

/// The keyword of an `Auto-Submitted` value: lower case, without comments and parameters (RFC 3834 §5.2).
///
/// Comments nest and may hold quoted pairs (RFC 5322 §3.2.2).
fn auto_submitted_keyword(value: &str) -> String {
    let mut keyword = String::new();
    let mut depth = 0_usize;
    let mut escaped = false;
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if depth > 0 => escaped = true,
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            ';' => break,
            _ if c.is_whitespace() => {}
            _ => keyword.extend(c.to_lowercase()),
        }
    }
    keyword
}

// --- fields of responders ---------------------------------------------------

fn by_responder_headers(mail: &Mail<'_>) -> Vec<Signal> {
    let mut signals = Vec::new();
    if let Some(name) = RESPONDER_FIELDS.iter().find(|name| mail.has_field(name)) {
        signals.push(Signal::new(
            What::AutoReply,
            format!("it has the field {name}"),
        ));
    }
    if let Some(name) = MACHINE_FIELDS.iter().find(|name| mail.has_field(name)) {
        signals.push(Signal::new(
            What::NoAnswer,
            format!("it has the field {name}"),
        ));
    }
    if mail.has_field("X-Failed-Recipients") {
        signals.push(Signal::new(
            What::Bounce,
            "it has the field X-Failed-Recipients",
        ));
    }
    signals.extend(by_response_suppression(mail));
    signals.extend(by_field_words(mail));
    signals
}

/// Exchange's own list of what must not be sent back ([MS-OXCMAIL] 2.1.3.2.8).
fn by_response_suppression(mail: &Mail<'_>) -> Option<Signal> {
    mail.message
        .headers("X-Auto-Response-Suppress")
        .flat_map(|value| value.split([',', ';', ' ']))
        .map(phrases::folded)
        .any(|item| matches!(item.as_str(), "all" | "oof" | "autoreply"))
        .then(|| {
            Signal::new(
                What::NoAnswer,
                "X-Auto-Response-Suppress forbids automatic replies",
            )
        })
}

/// Fields that are a responder's only by what they say.
fn by_field_words(mail: &Mail<'_>) -> Option<Signal> {
    FIELD_WORDS
        .iter()
        .find(|(name, word)| {
            mail.message
                .headers(name)
                .any(|value| phrases::fold(value).contains(word))
        })
        .map(|(name, word)| Signal::new(What::AutoReply, format!("its field {name} says {word}")))
}

const FIELD_WORDS: &[(&str, &str)] = &[
    ("X-Apple-Action", "vacation"),
    ("X-POST-MessageClass", "autoresponder"),
    ("Delivered-To", "autoresponder"),
    ("Precedence", "auto_reply"),
    ("Precedence", "auto-reply"),
    ("X-Precedence", "auto_reply"),
    ("X-Precedence", "auto-reply"),
    ("Preference", "auto_reply"),
    ("X-Mailer", "vacation"),
    ("X-Mailer", "autoresponder"),
    ("User-Agent", "vacation/"),
];

// --- lists -------------------------------------------------------------------

fn by_list_headers(mail: &Mail<'_>) -> Option<Signal> {
    if is_our_list(mail) {
        return None;
    }
    if let Some(name) = LIST_FIELDS.iter().find(|name| mail.has_field(name)) {
        return Some(Signal::new(What::List, format!("it has the field {name}")));
    }
    ["Precedence", "X-Precedence"]
        .iter()
        .flat_map(|name| mail.message.headers(name))
        .map(auto_submitted_keyword)
        .find(|word| matches!(word.as_str(), "bulk" | "list" | "junk"))
        .map(|word| {
            Signal::new(
                what_of_precedence(mail, &word),
                format!("Precedence is {word}"),
            )
        })
}

/// Ticket systems mark their people's letters as bulk too, those of CERTs among them.
fn what_of_precedence(mail: &Mail<'_>, word: &str) -> What {
    if word != "list" && mail.reads_like_report() {
        What::NoAnswer
    } else {
        What::List
    }
}

/// A group address of ours: what comes through it was written to us.
fn is_our_list(mail: &Mail<'_>) -> bool {
    mail.message.headers("List-Id").any(|value| {
        let id = list_id(value);
        mail.organization
            .list_ids
            .iter()
            .any(|own| list_id(own) == id)
    })
}

/// The identifier alone, without the phrase before it (RFC 2919 §3).
fn list_id(value: &str) -> String {
    let inner = value
        .rsplit_once('<')
        .map_or(value, |(_, after)| after.split('>').next().unwrap_or(after));
    inner.trim().to_lowercase()
}

/// Did a list pass this on, rather than a mass mailer or a robot that marks its mail as bulk?
fn is_mailing_list(mail: &Mail<'_>) -> bool {
    LIST_FIELDS.iter().any(|name| mail.has_field(name))
}

// --- senders -------------------------------------------------------------------

fn by_sender(mail: &Mail<'_>) -> Vec<Signal> {
    let mut signals = Vec::new();
    let Some(from) = &mail.message.from else {
        signals.push(Signal::new(What::NoAnswer, "it names no sender"));
        return signals;
    };
    if mail.organization.owns(&from.email) {
        signals.push(Signal::new(What::NoAnswer, "its sender is our own address"));
    }
    if !from.email.contains('@') {
        signals.push(Signal::new(What::NoAnswer, "its sender is no address"));
    }
    if is_mail_system(&from.email) {
        signals.push(Signal::new(What::NoAnswer, "its sender is a mail system"));
    }
    if is_robot(&local_part(from)) {
        signals.push(Signal::new(What::NoAnswer, "its sender takes no mail"));
    }
    signals
}

fn local_part(address: &Address) -> String {
    local_part_of(&address.email)
}

fn local_part_of(email: &str) -> String {
    let key = crate::mail::message::address_key(email);
    let key = key.trim_matches(['<', '>', '"', ' ']);
    key.rsplit_once('@')
        .map_or(key, |(local, _)| local)
        .trim_matches(['"', '\\', ' '])
        .to_owned()
}

/// The address of a mail server itself, whatever stands around its name.
fn is_mail_system(email: &str) -> bool {
    let local = local_part_of(email);
    let squeezed: String = local.chars().filter(|c| c.is_alphanumeric()).collect();
    MAIL_SYSTEMS.contains(&squeezed.as_str())
        || squeezed.starts_with("mailerdaemon")
        || squeezed.ends_with("mailerdaemon")
        || local.starts_with("postmaster")
        || local.ends_with("-postmaster")
}

/// `noreply@`, in any spelling.
fn is_robot(local: &str) -> bool {
    let squeezed: String = local.chars().filter(|c| c.is_alphanumeric()).collect();
    [
        "noreply",
        "donotreply",
        "dontreply",
        "nepasrepondre",
        "noresponder",
        "nichtantworten",
        "keineantwort",
        "noresponse",
        "unattended",
    ]
    .iter()
    .any(|word| squeezed.starts_with(word) || squeezed.ends_with(word))
        || [
            "no-reply",
            "no_reply",
            "do-not-reply",
            "do_not_reply",
            "no.reply",
        ]
        .iter()
        .any(|word| local.contains(word))
        || matches!(
            squeezed.as_str(),
            "nobody" | "autoreply" | "autoresponder" | "autoresponse" | "nichtreply"
        )
}

/// The envelope sender `<>` of RFC 5321 §4.5.5, or a mail server in its place.
fn by_null_return_path(mail: &Mail<'_>) -> Option<Signal> {
    let value = mail.message.header("Return-Path")?;
    let path = auto_submitted_keyword(value);
    if path == "<>" || path == "<\"\">" {
        return Some(Signal::new(
            What::NoAnswer,
            "its Return-Path is <> (RFC 3834)",
        ));
    }
    (!path.is_empty() && is_mail_system(&path))
        .then(|| Signal::new(What::NoAnswer, "its Return-Path is a mail system"))
}

// --- wording -------------------------------------------------------------------

/// For mail without any signal. Nothing here acts on the subject alone.
fn by_wording(mail: &Mail<'_>) -> Option<Automatic> {
    let found = |what, reason: &str| {
        Some(Automatic {
            what,
            reason: reason.to_owned(),
        })
    };
    if reads_as_bounce(mail, Proof::Strong) {
        return found(
            What::Bounce,
            "subject and text are those of a delivery failure",
        );
    }
    if reads_as_absence(mail) {
        return found(
            What::AutoReply,
            "subject and text are those of an absence note",
        );
    }
    if reads_as_receipt(mail) {
        return found(What::AutoReply, "it says that it was made by a machine");
    }
    notes::by_words(mail).and_then(|reason| found(What::AutoReply, reason))
}

/// How much must speak for a bounce.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// A header already says that no person wrote this.
    Some,
    /// Nothing else speaks for it.
    Strong,
}

fn reads_as_bounce(mail: &Mail<'_>, proof: Proof) -> bool {
    let subject = phrases::has(&mail.subject, BOUNCE_SUBJECTS);
    let sender = sender_is_mail_system(mail);
    let body = phrases::count(&mail.text, BOUNCE_PHRASES);
    let diagnosis = phrases::has(&mail.text, DIAGNOSES);
    let returned = returns_a_mail(mail);
    if proof == Proof::Some {
        // In doubt a report that is not answered, rather than a bounce that nobody reads.
        let about_delivery = (subject && (returned || opens_as_bounce(mail)))
            || (body > 1 && diagnosis && returned && opens_as_bounce(mail));
        return (sender && (subject || body > 0 || diagnosis))
            || (about_delivery && !mail.reads_like_report());
    }
    let witnesses = usize::from(subject)
        + usize::from(sender)
        + body.min(3)
        + usize::from(diagnosis)
        + usize::from(returned);
    let told_at_length = (subject || sender) && body > 0 && witnesses >= 4;
    let told_shortly = subject && (body > 1 || diagnosis) && says_only_this(mail);
    let told_flatly =
        subject && phrases::has(&mail.before_returned, NOT_DELIVERED) && is_flat(mail);
    (told_at_length || told_shortly || told_flatly) && opens_as_bounce(mail) && !is_a_persons(mail)
}

/// A few words, none of them "I" and none about security: what a server says about a mail, and nothing a person adds.
fn says_only_this(mail: &Mail<'_>) -> bool {
    let own = &mail.before_returned;
    phrases::words(own) <= 80
        && !phrases::has(own, FIRST_PERSON)
        && likeness::likeness(own).because.is_empty()
}

/// One statement and no more.
fn is_flat(mail: &Mail<'_>) -> bool {
    says_only_this(mail) && phrases::words(&mail.before_returned) <= FLAT_WORDS
}

const FLAT_WORDS: usize = 25;

const NOT_DELIVERED: &[&str] = &[
    "message could not be delivered",
    "message couldn't be delivered",
    "message was not delivered",
    "message wasn't delivered",
    "mail could not be delivered",
    "mail was not delivered",
    "unable to deliver your message",
];

/// By address or by name.
fn sender_is_mail_system(mail: &Mail<'_>) -> bool {
    let Some(from) = &mail.message.from else {
        return unnamed_is_mail_system(mail);
    };
    let name = phrases::fold(from.name.as_deref().unwrap_or_default());
    is_mail_system(&from.email)
        || phrases::has(&name, MAIL_SYSTEM_NAMES)
        || phrases::has(
            &phrases::fold(&local_part(from).replace(['_', '.', '-'], " ")),
            MAIL_SYSTEM_NAMES,
        )
}

/// `MAILER-DAEMON <>`, or no sender at all: old mail systems give none, but so does a careless
/// person who reports.
fn unnamed_is_mail_system(mail: &Mail<'_>) -> bool {
    let field = phrases::fold(mail.message.header("From").unwrap_or_default());
    phrases::has(&field, MAIL_SYSTEM_NAMES) || !mail.reads_like_report()
}

/// A machine comes to the point: one of its phrases is among the first words.
fn opens_as_bounce(mail: &Mail<'_>) -> bool {
    let opening = Folded::of(phrases::beginning(&mail.text, 400));
    phrases::has(&opening, BOUNCE_PHRASES) || phrases::has(&opening, DIAGNOSES)
}

/// Somebody who greets, thanks, forwards or reports.
fn is_a_persons(mail: &Mail<'_>) -> bool {
    let forwarded = PERSON_SUBJECTS
        .iter()
        .any(|start| mail.subject.starts_with(start));
    // What a bounce returns may be a person's mail, so only the words before it count.
    let own = &mail.before_returned;
    forwarded || phrases::has(own, PERSON_WORDS) || reads_like_report(&mail.subject, own)
}

/// The mail that did not arrive is in it, as an attachment or as header lines in the text.
fn returns_a_mail(mail: &Mail<'_>) -> bool {
    mail.message.attachments.iter().any(|attachment| {
        matches!(
            attachment.media_type.as_str(),
            "message/rfc822" | "text/rfc822-headers" | "message/delivery-status" | "message/global"
        )
    }) || returned_mail_position(&mail.text).is_some()
}

fn returned_mail_position(folded: &Folded) -> Option<usize> {
    RETURNED_MAIL
        .iter()
        .filter_map(|phrase| phrases::position(folded, phrase))
        .min()
}

/// "I am out of the office": by subject and text together, in a short mail.
fn reads_as_absence(mail: &Mail<'_>) -> bool {
    let marked = AUTO_REPLY_SUBJECTS
        .iter()
        .any(|start| mail.subject.starts_with(start));
    // "Automatic reply: …" in answer to a mail, whatever its owner wrote into it.
    let prefixed = mail
        .subject
        .split_once([':', '：'])
        .is_some_and(|(prefix, _)| {
            prefix == "auto" || AUTO_REPLY_SUBJECTS.contains(&prefix.trim())
        });
    let answers = prefixed && !mail.message.in_reply_to.is_empty();
    let absent = phrases::has(&mail.own, ABSENCES);
    let named = phrases::has(&mail.subject, ABSENCE_SUBJECTS);
    ((absent && (marked || named)) || answers)
        && is_short(mail)
        && !phrases::has(&mail.own, FINDS)
        && !own_words_report(mail, prefixed)
        && !speaks_of_robots(&mail.own)
}

/// `prefixed`: the rest of the subject is that of the mail which was answered, ours perhaps.
fn own_words_report(mail: &Mail<'_>, prefixed: bool) -> bool {
    if prefixed {
        likeness::likeness(&mail.own).is_report()
    } else {
        mail.reads_like_report()
    }
}

/// A person who writes about a responder names it; the responder does not.
fn speaks_of_robots(own: &Folded) -> bool {
    phrases::has(own, ROBOTS)
}

/// A responder's note of receipt: says that it is automatic and has the subject of one.
fn reads_as_receipt(mail: &Mail<'_>) -> bool {
    let marked = AUTO_REPLY_SUBJECTS
        .iter()
        .chain(RECEIPT_SUBJECTS)
        .any(|start| mail.subject.starts_with(start));
    marked
        && phrases::has(&mail.own, SAYS_AUTOMATIC)
        && is_short(mail)
        && !mail.reads_like_report()
        && !speaks_of_robots(&mail.own)
}

fn is_short(mail: &Mail<'_>) -> bool {
    phrases::words(&mail.own) <= 250
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyword_of_auto_submitted() {
        #[track_caller]
        fn check(value: &str, keyword: &str) {
            assert_eq!(auto_submitted_keyword(value), keyword, "{value}");
        }
        check("no", "no");
        check("No", "no");
        check(" no (a person (really) wrote this)", "no");
        check("(x) no ; key=value", "no");
        check("auto-generated (failure)", "auto-generated");
        check("Auto-Replied; owner-email=\"a@b.test\"", "auto-replied");
        check("(unclosed no", "");
        check("(\\) auto) no", "no");
        check("", "");
    }

    #[test]
    fn names_of_mail_systems_and_robots() {
        #[track_caller]
        fn check(email: &str, system: bool, robot: bool) {
            assert_eq!(is_mail_system(email), system, "{email}");
            assert_eq!(is_robot(&local_part_of(email)), robot, "{email}");
        }
        check("MAILER-DAEMON@mx.example", true, false);
        check("<MAILER-DAEMON>", true, false);
        check("post_master@sms.example", true, false);
        check("Mail.Delivery.System@mx.example", true, false);
        check("\"System Administrator\"@corp.example", true, false);
        check("no-reply@shop.example", false, true);
        check("noreply-smtp-tls-reporting@mail.example", false, true);
        check("donotreply@corp.example", false, true);
        check("norbert.reply@corp.example", false, false);
        check("jane@postmaster.example", false, false);
        check("jane.mailer@corp.example", false, false);
    }

    #[test]
    fn list_identifiers_are_compared_without_their_phrase() {
        assert_eq!(
            list_id("Security <Security.Corp.Example>"),
            "security.corp.example"
        );
        assert_eq!(list_id("security.corp.example"), "security.corp.example");
    }
}
