//! A case: its states, what leads from one to the next, and what its reporter is told.
//!
//! `docs/cases.md` draws the same table.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};

use super::classify::Kind;
use super::deadline::DeadlineState;
use super::policy::{DeadlineKind, Part, Severity};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    New,
    Accepted,
    Fixed,
    Disclosed,
    Closed,
}

impl Status {
    pub const ALL: [Self; 5] = [
        Self::New,
        Self::Accepted,
        Self::Fixed,
        Self::Disclosed,
        Self::Closed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Accepted => "accepted",
            Self::Fixed => "fixed",
            Self::Disclosed => "disclosed",
            Self::Closed => "closed",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Where a step leads from here; `None`: nowhere.
    ///
    /// What is fixed or published was accepted on the way: nobody fixes what is no vulnerability.
    /// Where the publication came first, the fix leaves the state as it is.
    pub fn after(self, step: Step) -> Option<Self> {
        match (self, step) {
            (Self::New, Step::Accept) => Some(Self::Accepted),
            (Self::New | Self::Accepted | Self::Fixed, Step::Fix) => Some(Self::Fixed),
            (Self::Disclosed, Step::Fix) => Some(Self::Disclosed),
            (Self::New | Self::Accepted | Self::Fixed, Step::Disclose) => Some(Self::Disclosed),
            (Self::New | Self::Accepted | Self::Fixed | Self::Disclosed, Step::Close) => {
                Some(Self::Closed)
            }
            (Self::Closed, Step::Reopen { before }) => Some(before),
            (Self::Accepted | Self::Fixed | Self::Disclosed | Self::Closed, Step::Accept)
            | (Self::Closed, Step::Fix | Step::Close)
            | (Self::Disclosed | Self::Closed, Step::Disclose)
            | (
                Self::New | Self::Accepted | Self::Fixed | Self::Disclosed,
                Step::Reopen { before: _ },
            ) => None,
        }
    }

    /// Is there more to come, so that silence is not allowed to last?
    pub fn is_open(self) -> bool {
        match self {
            Self::New | Self::Accepted | Self::Fixed => true,
            Self::Disclosed | Self::Closed => false,
        }
    }
}

/// What leads from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Accept,
    Fix,
    Disclose,
    Close,
    /// To the state before it was closed.
    Reopen {
        before: Status,
    },
}

/// Why a case was closed. The records and the contract's JSON have it as one word, or as the words
/// of the team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    Rejected,
    OutOfScope,
    Duplicate,
    Spam,
    Other(String),
}

impl CloseReason {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rejected => "rejected",
            Self::OutOfScope => "out_of_scope",
            Self::Duplicate => "duplicate",
            Self::Spam => "spam",
            Self::Other(words) => words,
        }
    }

    pub fn parse(words: &str) -> Self {
        match words {
            "rejected" => Self::Rejected,
            "out_of_scope" => Self::OutOfScope,
            "duplicate" => Self::Duplicate,
            "spam" => Self::Spam,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfScope => "out of scope",
            other => other.as_str(),
        })
    }
}

/// How a case was closed, and what it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    pub reason: CloseReason,
    pub before: Status,
}

/// May the reporter be named, and how? A person reads the reporter's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credit {
    No,
    Yes { name: String, link: Option<String> },
}

/// One clock of a case, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    pub kind: DeadlineKind,
    pub state: DeadlineState,
}

/// A case as commands see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseState {
    pub number: String,
    pub received_at: DateTime<Utc>,
    pub status: Status,
    /// While the status is closed, and only then.
    pub closure: Option<Closure>,
    pub severity: Option<Severity>,
    pub assignee: Option<String>,
    /// The number of the case that was first.
    pub duplicate_of: Option<String>,
    /// Start of the day on which the fix shipped.
    pub fixed_at: Option<DateTime<Utc>>,
    /// Start of the day of publication, planned or past.
    pub disclose_at: Option<DateTime<Utc>>,
    /// When the reporter was told of that day.
    pub heads_up_at: Option<DateTime<Utc>>,
    pub exploited_at: Option<DateTime<Utc>>,
    /// `None`: not asked, or not answered.
    pub credit: Option<Credit>,
    pub token: Option<String>,
    pub reward: Option<String>,

    // What follows is known of the case and changed by other means.
    /// Of the mail that opened it.
    pub kind: Kind,
    /// What the first mail lacks.
    pub missing: Vec<Part>,
    /// Names of the rules of `scope.out` that the first mail matched.
    pub out_of_scope: Vec<String>,
    pub clocks: Vec<Clock>,
    /// We wait for the reporter.
    pub paused: bool,
    /// Why nobody can be written to; `None`: the reporter can.
    pub unreachable: Option<String>,
}

impl CaseState {
    pub fn clock(&self, kind: DeadlineKind) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.kind == kind)
    }
}

/// What happened to a case, as its reporter is told in a letter of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    NeedsInfo {
        /// What the report lacks.
        asks: Vec<Part>,
        /// The team's words.
        words: Option<String>,
    },
    Accepted {
        severity: Option<Severity>,
        fix_by: Option<DateTime<Utc>>,
    },
    Rejected {
        reason: String,
    },
    OutOfScope {
        /// Of the policy's `scope.out`, by name.
        rules: Vec<String>,
        reason: Option<String>,
    },
    /// It is known already; nothing of the other report is told.
    Duplicate,
    /// A new severity or date, or words of the team.
    Update {
        severity: Option<Severity>,
        fix_by: Option<DateTime<Utc>>,
        words: Option<String>,
    },
    Fixed {
        on: NaiveDate,
        /// Permission and name are not known yet.
        asks_for_credit: bool,
        disclose_by: Option<DateTime<Utc>>,
    },
    HeadsUp {
        on: NaiveDate,
        asks_for_credit: bool,
    },
    Disclosed {
        on: NaiveDate,
        /// The name that is thanked.
        credit: Option<String>,
    },
    Closed {
        reason: String,
    },
}
