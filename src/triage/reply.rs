//! The words of our letters: templates, the words of each language, and the facts that go in.
//!
//! A letter quotes nothing of the mail that it answers: the facts hold no text
//! that a stranger wrote.

use super::case::Moment;

mod facts;
mod fold;
mod sample;
mod texts;
mod words;

pub use facts::{CaseFacts, Cited, Facts, Promise, grouped};
pub use texts::{TextError, Texts, Voice};
pub use words::Words;

/// Which letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// The reporter's receipt.
    Acknowledgement,
    /// The receipt once more, for a report that came again.
    AcknowledgementAgain,
    /// Our OpenPGP key, for whoever asked.
    Key,
    /// We could not read your mail.
    Unreadable,
    /// What is missing, and the team's words.
    NeedsInfo,
    /// Severity and planned remediation date.
    Accepted,
    /// The reason, and the way to object.
    Rejected,
    /// The policy's sentences, and where to turn.
    OutOfScope,
    /// It is known already; nothing of the other report.
    Duplicate,
    /// A new severity or date, or words of the team.
    Update,
    /// The fix has shipped; asks whether and how to give credit.
    Fixed,
    /// Before it is published.
    HeadsUp,
    /// It is published.
    Disclosed,
    /// Closed for another reason.
    Closed,
    /// How a case stands, for its reporter who asks.
    Status,
    /// For anybody else who asks, whether or not there is such a case.
    StatusUnknown,
    /// A test account or a sandbox is asked for.
    AccessRequest,
    /// A question that is no report.
    Question,
    /// Questionnaires and contracts.
    Diligence,
    /// Phishing, spam, content: another address.
    Abuse,
    /// Several held answers to one address as one letter.
    Combined,
    /// Without content: it cannot be encrypted, and clear is out of the question.
    Notice,
}

impl Template {
    pub const ALL: [Self; 22] = [
        Self::Acknowledgement,
        Self::AcknowledgementAgain,
        Self::Key,
        Self::Unreadable,
        Self::NeedsInfo,
        Self::Accepted,
        Self::Rejected,
        Self::OutOfScope,
        Self::Duplicate,
        Self::Update,
        Self::Fixed,
        Self::HeadsUp,
        Self::Disclosed,
        Self::Closed,
        Self::Status,
        Self::StatusUnknown,
        Self::AccessRequest,
        Self::Question,
        Self::Diligence,
        Self::Abuse,
        Self::Combined,
        Self::Notice,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledgement => "acknowledgement",
            Self::AcknowledgementAgain => "acknowledgement_again",
            Self::Key => "key",
            Self::Unreadable => "unreadable",
            Self::NeedsInfo => "needs_info",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::OutOfScope => "out_of_scope",
            Self::Duplicate => "duplicate",
            Self::Update => "update",
            Self::Fixed => "fixed",
            Self::HeadsUp => "heads_up",
            Self::Disclosed => "disclosed",
            Self::Closed => "closed",
            Self::Status => "status",
            Self::StatusUnknown => "status_unknown",
            Self::AccessRequest => "access_request",
            Self::Question => "question",
            Self::Diligence => "diligence",
            Self::Abuse => "abuse",
            Self::Combined => "combined",
            Self::Notice => "notice",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|template| template.as_str() == name)
    }

    /// The letter that tells a reporter what happened.
    pub fn of(moment: &Moment) -> Self {
        match moment {
            Moment::NeedsInfo { .. } => Self::NeedsInfo,
            Moment::Accepted { .. } => Self::Accepted,
            Moment::Rejected { .. } => Self::Rejected,
            Moment::OutOfScope { .. } => Self::OutOfScope,
            Moment::Duplicate => Self::Duplicate,
            Moment::Update { .. } => Self::Update,
            Moment::Fixed { .. } => Self::Fixed,
            Moment::HeadsUp { .. } => Self::HeadsUp,
            Moment::Disclosed { .. } => Self::Disclosed,
            Moment::Closed { .. } => Self::Closed,
        }
    }

    /// Does the server's word that it took this letter meet the acknowledge deadline?
    pub fn acknowledges(self) -> bool {
        match self {
            Self::Key | Self::Status => false,
            Self::Acknowledgement
            | Self::AcknowledgementAgain
            | Self::Unreadable
            | Self::StatusUnknown
            | Self::AccessRequest
            | Self::Question
            | Self::Diligence
            | Self::Abuse
            | Self::Combined
            | Self::Notice => true,
            Self::NeedsInfo
            | Self::Accepted
            | Self::Rejected
            | Self::OutOfScope
            | Self::Duplicate
            | Self::Update
            | Self::Fixed
            | Self::HeadsUp
            | Self::Disclosed
            | Self::Closed => true,
        }
    }

    /// As a text in a folder of one's own is called.
    fn file_name(self) -> String {
        format!("{}.txt", self.as_str())
    }

    fn english(self) -> &'static str {
        match self {
            Self::Acknowledgement => include_str!("letters/en/acknowledgement.txt"),
            Self::AcknowledgementAgain => include_str!("letters/en/acknowledgement_again.txt"),
            Self::Key => include_str!("letters/en/key.txt"),
            Self::Unreadable => include_str!("letters/en/unreadable.txt"),
            Self::NeedsInfo => include_str!("letters/en/needs_info.txt"),
            Self::Accepted => include_str!("letters/en/accepted.txt"),
            Self::Rejected => include_str!("letters/en/rejected.txt"),
            Self::OutOfScope => include_str!("letters/en/out_of_scope.txt"),
            Self::Duplicate => include_str!("letters/en/duplicate.txt"),
            Self::Update => include_str!("letters/en/update.txt"),
            Self::Fixed => include_str!("letters/en/fixed.txt"),
            Self::HeadsUp => include_str!("letters/en/heads_up.txt"),
            Self::Disclosed => include_str!("letters/en/disclosed.txt"),
            Self::Closed => include_str!("letters/en/closed.txt"),
            Self::Status => include_str!("letters/en/status.txt"),
            Self::StatusUnknown => include_str!("letters/en/status_unknown.txt"),
            Self::AccessRequest => include_str!("letters/en/access_request.txt"),
            Self::Question => include_str!("letters/en/question.txt"),
            Self::Diligence => include_str!("letters/en/diligence.txt"),
            Self::Abuse => include_str!("letters/en/abuse.txt"),
            Self::Combined => include_str!("letters/en/combined.txt"),
            Self::Notice => include_str!("letters/en/notice.txt"),
        }
    }

    fn german(self) -> &'static str {
        match self {
            Self::Acknowledgement => include_str!("letters/de/acknowledgement.txt"),
            Self::AcknowledgementAgain => include_str!("letters/de/acknowledgement_again.txt"),
            Self::Key => include_str!("letters/de/key.txt"),
            Self::Unreadable => include_str!("letters/de/unreadable.txt"),
            Self::NeedsInfo => include_str!("letters/de/needs_info.txt"),
            Self::Accepted => include_str!("letters/de/accepted.txt"),
            Self::Rejected => include_str!("letters/de/rejected.txt"),
            Self::OutOfScope => include_str!("letters/de/out_of_scope.txt"),
            Self::Duplicate => include_str!("letters/de/duplicate.txt"),
            Self::Update => include_str!("letters/de/update.txt"),
            Self::Fixed => include_str!("letters/de/fixed.txt"),
            Self::HeadsUp => include_str!("letters/de/heads_up.txt"),
            Self::Disclosed => include_str!("letters/de/disclosed.txt"),
            Self::Closed => include_str!("letters/de/closed.txt"),
            Self::Status => include_str!("letters/de/status.txt"),
            Self::StatusUnknown => include_str!("letters/de/status_unknown.txt"),
            Self::AccessRequest => include_str!("letters/de/access_request.txt"),
            Self::Question => include_str!("letters/de/question.txt"),
            Self::Diligence => include_str!("letters/de/diligence.txt"),
            Self::Abuse => include_str!("letters/de/abuse.txt"),
            Self::Combined => include_str!("letters/de/combined.txt"),
            Self::Notice => include_str!("letters/de/notice.txt"),
        }
    }
}

/// The outer subject of an encrypted letter: the same in every language.
pub fn outer_subject(case: Option<&str>) -> String {
    match case {
        Some(case) => format!("[{case}]"),
        None => "Encrypted message".to_owned(),
    }
}

#[cfg(test)]
mod tests;
