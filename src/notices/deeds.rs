//! What a member can do about a case, as lines of commands that are ready to be sent.

use chrono::{DateTime, SecondsFormat, Utc};

use super::Reader;
use crate::commands;
use crate::config::Role;
use crate::store::cases::{CaseView, Evidence};
use crate::triage::case::Status;
use crate::triage::marks;

/// One thing to do, below the line that names the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// In a word or two.
    pub label: String,
    pub lines: Vec<String>,
    /// What the reader has to write behind the last line. It is not in the link: sent as it is,
    /// such a line is refused.
    pub wants: Option<&'static str>,
}

impl Deed {
    pub fn new(label: &str, lines: &[&str]) -> Self {
        Self {
            label: label.to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            wants: None,
        }
    }

    pub fn wanting(label: &str, line: &str, what: &'static str) -> Self {
        Self {
            wants: Some(what),
            ..Self::new(label, &[line])
        }
    }

    pub fn reply() -> Self {
        Self {
            wants: Some("YOUR WORDS"),
            ..Self::new("reply", &["/reply", ""])
        }
    }

    /// The law counts from when we knew, which may be when the mail came that said so.
    pub fn exploited(since: DateTime<Utc>) -> Self {
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self::new("it is exploited", &[&format!("/exploited {since}")])
    }

    /// It asks for a letter to the reporter; others write one where one can be written.
    pub fn is_letter(&self) -> bool {
        self.lines.first().is_some_and(|line| is_letter(line))
    }

    /// As it is to be copied.
    pub fn shown(&self, case: &str) -> Vec<String> {
        let mut lines = self.linked(case);
        if let (Some(what), Some(last)) = (self.wants, lines.last_mut()) {
            last.push_str(what);
        }
        lines
    }

    /// As a link puts it into a mail.
    pub fn linked(&self, case: &str) -> Vec<String> {
        std::iter::once(format!("/case {case}"))
            .chain(self.lines.iter().cloned())
            .collect()
    }
}

/// What fits a case as it stands, for this reader; nothing for who only looks on.
/// `exploited`: when the first mail came that says so.
pub fn of_case(
    case: &CaseView,
    evidence: &[Evidence],
    exploited: Option<DateTime<Utc>>,
    reader: &Reader<'_>,
) -> Vec<Deed> {
    let status = Status::parse(&case.status).unwrap_or(Status::New);
    let mut deeds = match status {
        Status::New if case.kind == "unreadable" => vec![
            Deed::reply(),
            Deed::wanting("close", "/close ", "REASON"),
            Deed::new("spam", &["/spam"]),
        ],
        Status::New => of_new(case, evidence),
        Status::Accepted => vec![
            Deed::reply(),
            Deed::wanting("fixed", "/fixed ", "DATE"),
            Deed::wanting("disclose", "/disclose ", "DATE"),
        ],
        Status::Fixed => vec![
            Deed::reply(),
            Deed::wanting("disclose", "/disclose ", "DATE"),
        ],
        Status::Disclosed => vec![Deed::reply()],
        Status::Closed => vec![Deed::new("reopen", &["/reopen"]), Deed::reply()],
    };
    if let Some(since) = exploited
        && case.exploited_at.is_none()
        && status != Status::Closed
    {
        deeds.insert(0, Deed::exploited(since));
    }
    if case.assignee.is_none() && status.is_open() {
        let assign = format!("/assign {}", reader.member.name);
        deeds.push(Deed::new("take it", &[&assign]));
    }
    deeds.push(Deed::wanting("note", "/note ", "TEXT"));
    if !is_reached(case, reader) {
        deeds.retain(|deed| !deed.is_letter());
    }
    for_reader(deeds, reader)
}

/// Can its reporter be written to?
pub fn is_reached(case: &CaseView, reader: &Reader<'_>) -> bool {
    let (email, robot) = (case.reporter.email.as_deref(), case.robot.as_deref());
    commands::reached(email, robot, &reader.desk.organization).is_ok()
}

/// Does a command ask for a letter to the reporter, which it cannot do without?
pub fn is_letter(line: &str) -> bool {
    let verb = line.split_whitespace().next();
    verb.is_some_and(|verb| ["/reply", "/needs-info"].contains(&verb))
}

/// Who may only look on is offered nothing.
pub fn for_reader(deeds: Vec<Deed>, reader: &Reader<'_>) -> Vec<Deed> {
    match reader.member.role {
        Role::Member => deeds,
        Role::Observer => Vec::new(),
    }
}

fn of_new(case: &CaseView, evidence: &[Evidence]) -> Vec<Deed> {
    let severity = match (&case.severity, &case.suggested_severity) {
        (None, Some(suggested)) => Some(format!("/severity {suggested}")),
        _ => None,
    };
    let accept: Vec<&str> = severity.as_deref().into_iter().chain(["/accept"]).collect();
    vec![
        Deed::new("accept", &accept),
        match case.is_complete {
            true => Deed::wanting("ask for more", "/needs-info ", "TEXT"),
            false => Deed::new("ask for more", &["/needs-info"]),
        },
        Deed::reply(),
        Deed::wanting("reject", "/reject ", "REASON"),
        match like(evidence) {
            Some(number) => Deed::new("duplicate", &[&format!("/duplicate {number}")]),
            None => Deed::wanting("duplicate", "/duplicate ", "NUMBER"),
        },
        Deed::new("spam", &["/spam"]),
    ]
}

/// The case that this one may be a duplicate of, where the evidence names one.
fn like(evidence: &[Evidence]) -> Option<&str> {
    let label = evidence
        .iter()
        .find(|it| it.label == "possible_duplicate")?;
    marks::first_named(&label.because)
}
