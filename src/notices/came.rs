//! A mail that came to a case, for the team to decide on: a report, a follow-up, one that could not
//! be read.

use chrono::{DateTime, Utc};

use super::deeds;
use super::sheet::{Block, Fact, Row, Sheet, commands, theirs};
use super::words::one_line;
use super::{Notice, NoticeKind, Reader};
use crate::mail::compose::File;
use crate::store::cases::{AttachmentView, CaseView, Evidence, MessageView, SignatureView};
use crate::store::deadlines::DeadlineView;
use crate::store::tidings::{Tiding, TidingKind};
use crate::triage::calendar::how_far;

/// Files that go along, in all; what is beyond is named.
pub const CARRIED_AT_MOST: u64 = 5 * 1024 * 1024;
/// Characters of a subject of theirs in a subject of ours.
const SUBJECT_AT_MOST: usize = 80;

/// With the case as it stands now.
#[derive(Clone, Debug)]
pub struct Came {
    pub tiding: Tiding,
    pub case: CaseView,
    pub evidence: Vec<Evidence>,
    pub mail: MessageView,
    pub files: Carried,
    /// When the first mail of the case came that tells of exploitation.
    pub exploited: Option<DateTime<Utc>>,
    /// The team was not told yet of that.
    pub alarm: bool,
}

/// The files of a mail, to go along with the notice of it.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    pub files: Vec<File>,
    /// Why they do not; `None`: they do, or there are none.
    pub left_out: Option<String>,
}

/// Places of the files that are carried along, if they come out: as many as fit, in their order.
pub fn small_enough(files: &[AttachmentView]) -> Vec<usize> {
    let mut room = CARRIED_AT_MOST;
    let mut places = Vec::new();
    for (place, file) in files.iter().enumerate() {
        let size = u64::try_from(file.size).unwrap_or(u64::MAX);
        if let Some(left) = room.checked_sub(size) {
            room = left;
            places.push(place);
        }
    }
    places
}

impl Carried {
    /// Of the files of a mail, these came out.
    pub fn of(all: &[AttachmentView], files: Vec<File>) -> Self {
        let small = small_enough(all).len();
        let left_out = if files.len() < small {
            Some("they could not be read out of the mail again".to_owned())
        } else if small < all.len() {
            Some(format!(
                "they are over {} in all",
                size_in_words(CARRIED_AT_MOST)
            ))
        } else {
            None
        };
        Self { files, left_out }
    }
}

/// One of them.
pub fn notice(came: &Came, reader: &Reader<'_>) -> Notice {
    let subject = subject(came);
    let sheet = Sheet {
        title: title(came).to_owned(),
        blocks: blocks(came, reader),
        foot: reader.foot(),
    };
    Notice {
        files: came.files.files.clone(),
        ..reader.notice(NoticeKind::of(came.tiding.kind), subject, &sheet)
    }
}

fn title(came: &Came) -> &'static str {
    match (came.tiding.kind, came.case.kind.as_str()) {
        (TidingKind::Unreadable, _) => "A mail that could not be read",
        (TidingKind::FollowUp, _) if came.mail.kind == "resend" => "The same report again",
        (TidingKind::FollowUp, _) if came.mail.kind == "list" => "A list wrote",
        (TidingKind::FollowUp, _) => "The reporter wrote",
        (_, "report") => "New report",
        (_, "question") => "New question",
        (_, "abuse") => "New complaint",
        (_, "diligence") => "New questionnaire",
        (_, "access_request") => "New request for access",
        (_, _) => "New case",
    }
}

/// Within the encryption.
fn subject(came: &Came) -> String {
    let (number, title) = (&came.case.id, title(came));
    let theirs: String = one_line(&came.mail.subject)
        .chars()
        .take(SUBJECT_AT_MOST)
        .collect();
    let head = match came.alarm {
        true => format!("[{number}] EXPLOITED? {title}"),
        false => format!("[{number}] {title}"),
    };
    match theirs.as_str() {
        "" => head,
        theirs => format!("{head}: {theirs}"),
    }
}

fn blocks(came: &Came, reader: &Reader<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    if came.alarm {
        blocks.push(Block::Alert(
            "A mail says that this weakness is exploited already. The clocks of the law (early \
             warning, notification) count from when you knew of it, and nothing starts them but \
             the command."
                .to_owned(),
        ));
    }
    blocks.push(Block::Facts(facts(came, reader)));
    if came.tiding.kind == TidingKind::Unreadable {
        blocks.push(Block::Words(what_to_do(came)));
    }
    let labels = labels(came).map(|it| Fact::new(&it.label, one_line(&it.because)));
    let labels: Vec<Fact> = labels.collect();
    if !labels.is_empty() {
        blocks.push(Block::Heading("Labels".to_owned()));
        blocks.push(Block::Facts(labels));
    }
    if !came.case.deadlines.is_empty() && came.tiding.kind != TidingKind::FollowUp {
        blocks.push(Block::Heading("Deadlines".to_owned()));
        blocks.push(Block::Facts(deadlines(&came.case, reader)));
    }
    if !came.mail.attachments.is_empty() {
        blocks.push(Block::Heading("Files".to_owned()));
        blocks.extend(files(came));
    }
    if !came.mail.text.trim().is_empty() {
        blocks.push(Block::Heading("Text".to_owned()));
        blocks.push(theirs(&came.mail.text));
    }
    let deeds = deeds::of_case(&came.case, &came.evidence, came.exploited, reader);
    blocks.extend(commands(&came.case.id, &deeds, reader.address()));
    blocks
}

/// Those of the case, but not how another mail of it was signed or encrypted: of a mail that somebody
/// else may have sent that would be a lie.
fn labels(came: &Came) -> impl Iterator<Item = &Evidence> {
    let is_another_mails = |label: &str| {
        came.tiding.kind == TidingKind::FollowUp
            && (label.ends_with("encrypted")
                || label.ends_with("signed")
                || label == "unconfirmed_signature")
    };
    let evidence = came.evidence.iter();
    evidence.filter(move |it| !is_another_mails(&it.label))
}

fn facts(came: &Came, reader: &Reader<'_>) -> Vec<Fact> {
    let (case, mail) = (&came.case, &came.mail);
    let when = reader.calendar().show(mail.date);
    let far = how_far(mail.date, reader.now);
    let mut facts = vec![
        Fact::new("case", format!("{}, {}", case.id, stands(case))),
        Fact::new("from", who(came)),
        Fact::new("subject", one_line(&mail.subject)),
        Fact::new("received", format!("{when} ({far})")),
    ];
    if came.tiding.kind == TidingKind::Report {
        facts.push(Fact::new("severity", severity(came)));
    }
    facts.push(Fact::new("OpenPGP", openpgp(mail)));
    if let Some(assignee) = &case.assignee {
        facts.push(Fact::new("assigned", one_line(assignee)));
    }
    if let Some(why) = &mail.not_answered {
        facts.push(Fact::new("answer", format!("none: {}", one_line(why))));
    }
    facts.push(Fact::new("SHA-256", &mail.sha256));
    facts
}

fn stands(case: &CaseView) -> String {
    match (&case.close_reason, &case.severity) {
        (Some(reason), _) => format!("{} ({})", case.status, one_line(reason)),
        (None, Some(severity)) => format!("{}, {severity}", case.status),
        (None, None) => case.status.clone(),
    }
}

fn who(came: &Came) -> String {
    let reporter = &came.case.reporter;
    match (&came.mail.from, &reporter.email) {
        (None, _) => "nobody: the mail names no sender".to_owned(),
        (Some(from), Some(email)) if from == email => match &reporter.name {
            Some(name) => format!("{} <{}>", one_line(name), one_line(from)),
            None => one_line(from),
        },
        (Some(from), _) if came.tiding.kind == TidingKind::FollowUp => {
            format!("{} (another address than the reporter's)", one_line(from))
        }
        (Some(from), _) => one_line(from),
    }
}

fn severity(came: &Came) -> String {
    let because = came.tiding.because.as_deref().map(one_line);
    match (&came.case.severity, &came.case.suggested_severity) {
        (Some(set), _) => format!("{set}, as it was set"),
        (None, Some(suggested)) => match because {
            Some(because) => format!("{suggested}? {because}"),
            None => format!("{suggested}?"),
        },
        (None, None) => "nothing in it suggests one".to_owned(),
    }
}

fn openpgp(mail: &MessageView) -> String {
    let encrypted = match (mail.encrypted, mail.decrypted) {
        (false, _) => "came in clear",
        (true, true) => "came encrypted",
        (true, false) => "came encrypted, and was not or not wholly decrypted",
    };
    let signatures: Vec<String> = mail.signatures.iter().map(signature).collect();
    match signatures.as_slice() {
        [] => format!("{encrypted}, not signed"),
        signatures => format!("{encrypted}; signed: {}", signatures.join("; ")),
    }
}

fn signature(signature: &SignatureView) -> String {
    let by = signature.fingerprint.as_deref().unwrap_or("unknown key");
    let status = signature.status.replace('_', " ");
    let trust = match signature.trust.as_deref() {
        Some("pinned") => ", the key is pinned",
        Some("known") => ", the key is known for the sender",
        Some(_) => ", the key is new to us",
        None => "",
    };
    match signature.covers.as_str() {
        "part" => format!("{status} over a part, {by}{trust}"),
        _ => format!("{status}, {by}{trust}"),
    }
}

fn deadlines(case: &CaseView, reader: &Reader<'_>) -> Vec<Fact> {
    let of = |it: &DeadlineView| {
        let far = how_far(it.due_at, reader.now);
        Fact::new(&it.kind, format!("{} ({far}), {}", it.due, it.state))
    };
    case.deadlines.iter().map(of).collect()
}

fn files(came: &Came) -> Vec<Block> {
    let of = |it: &AttachmentView| {
        let size = u64::try_from(it.size).unwrap_or_default();
        let kind = one_line(&it.media_type);
        Fact::new(
            &one_line(&it.name),
            format!("{kind}, {}, SHA-256 {}", size_in_words(size), it.sha256),
        )
    };
    let list = Block::Facts(came.mail.attachments.iter().map(of).collect());
    let carried = came.files.files.len();
    let note = match &came.files.left_out {
        None => "They come with this notice as they were sent: nobody has checked them.".to_owned(),
        Some(why) if carried == 0 => format!("None comes with this notice: {why}."),
        Some(why) => format!(
            "{carried} of them come with this notice as they were sent, unchecked; the others \
             do not: {why}."
        ),
    };
    vec![list, Block::Words(note)]
}

pub fn size_in_words(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// Of a mail that was not read.
fn what_to_do(came: &Came) -> String {
    if let Some(why) = &came.tiding.because {
        return format!(
            "The program could not handle it ({}). It is kept with its bytes, and nobody \
             answered it: please look at it on the server and answer it.",
            one_line(why)
        );
    }
    let words = match came.mail.failure.as_deref() {
        Some("no_key") => {
            "It is encrypted to another key than ours. The sender was told so and has our key \
             now, unless the answer above says otherwise; wait for the mail to come again."
        }
        Some("no_key_fits") => {
            "None of our keys opens it. If an old key of ours is not among openpgp.keys, add it; \
             else wait for the mail to come again: the sender was asked for it and has our key."
        }
        Some("password_only") => {
            "It is encrypted to a password. Ask the sender to encrypt it to our key, which the \
             answer brought."
        }
        Some("modified") => {
            "It was changed on its way, or forged: its integrity check fails, and nothing of it \
             is shown. The sender was asked to send it again."
        }
        Some("damaged" | "malformed") => {
            "It is cut short or damaged. The sender was asked to send it again."
        }
        Some("unsupported" | "too_large") => {
            "It is beyond what this program opens. The sender was asked to send it again; the \
             bytes are kept."
        }
        _ => "It could not be read. Its bytes are kept; the sender was asked to send it again.",
    };
    words.to_owned()
}

/// A mail of many, as one row: what it is, from whom, and the quickest commands.
pub fn row(came: &Came, reader: &Reader<'_>) -> Row {
    let case = &came.case;
    let mut marks = vec![came.mail.kind.replace('_', " ")];
    match (&case.severity, &case.suggested_severity) {
        (Some(set), _) => marks.push(set.clone()),
        (None, Some(suggested)) => marks.push(format!("{suggested}?")),
        (None, None) => {}
    }
    if let Some(failure) = &came.mail.failure {
        marks.push(failure.replace('_', " "));
    }
    marks.extend(labels(came).map(|it| it.label.replace('_', " ")));
    let deeds = deeds::of_case(case, &came.evidence, came.exploited, reader);
    Row {
        case: Some(case.id.clone()),
        marks,
        subject: one_line(&came.mail.subject),
        who: who(came),
        when: reader.calendar().show(came.mail.date),
        links: reader.links(&case.id, &deeds),
    }
}
