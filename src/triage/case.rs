//! A case: its states, what leads from one to the next, and what its reporter is told.

use chrono::{DateTime, NaiveDate, Utc};

use super::policy::{Part, Severity};

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
