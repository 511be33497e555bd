//! The board as values: everything that a digest says, before anybody chooses words or colours.
//!
//! Field names are those of the digest's JSON, which stays as it is once it was released. Times are
//! RFC 3339 in UTC; what is skipped there is the same in words for people.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::store::outbox::{OutboxCounts, Troubled};

/// Lists are bounded; [`Totals`] says how many there are in all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Board {
    pub organization: String,
    /// What mails with commands are addressed to.
    pub address: String,
    pub at: DateTime<Utc>,
    /// When the last one was mailed by the schedule.
    pub since: Option<DateTime<Utc>>,
    /// Missed, or due by the end of the next working day: the most overdue first.
    pub decide: Vec<Pressing>,
    /// 80 percent have passed, and it is due later than that.
    pub due_soon: Vec<Pressing>,
    /// Passed the half of its time, and no digest told so.
    pub half_way: Vec<Pressing>,
    /// Cases that were opened since the last digest, or since yesterday, oldest first.
    pub new: Vec<Card>,
    /// Their clocks stand still until the reporter writes: who waits longest first.
    pub waiting: Vec<Quiet>,
    /// Publications to come, the next first.
    pub disclosures: Vec<Disclosure>,
    /// Open, and nobody said a word to the reporter or for him for long: the longest first.
    pub quiet: Vec<Quiet>,
    pub noise: Noise,
    /// Mails since the last digest that could not be read.
    pub unreadable: Vec<Card>,
    /// Letters that failed, came back, wait or are held.
    pub letters: Vec<Troubled>,
    /// Keys and certificates that expire, one in a line.
    pub keys: Vec<String>,
    pub health: Health,
    /// Cases that are not fixed and published yet, nor closed.
    pub open: usize,
    /// How many each list has in all.
    pub totals: Totals,
    pub pictures: Pictures,
    /// On the first digest of a week.
    pub week: Option<Week>,
    #[serde(skip)]
    pub shown_at: String,
    #[serde(skip)]
    pub shown_since: Option<String>,
}

impl Board {
    /// As who gives no commands reads it.
    pub fn without_commands(&self) -> Self {
        let mut board = self.clone();
        let lists = [&mut board.decide, &mut board.due_soon, &mut board.half_way];
        for pressing in lists.into_iter().flatten() {
            pressing.commands.clear();
        }
        board
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub decide: usize,
    /// Of those: missed already.
    pub missed: usize,
    pub due_soon: usize,
    pub half_way: usize,
    pub new: usize,
    pub waiting: usize,
    pub disclosures: usize,
    pub quiet: usize,
    pub unreadable: usize,
    pub letters: usize,
}

/// A case in a few words. None of them is safe to show before it was escaped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Card {
    pub case: String,
    pub kind: String,
    pub status: String,
    /// As it was set, else as it was read from the report, with a question mark.
    pub severity: Option<String>,
    pub labels: Vec<String>,
    pub subject: String,
    pub reporter: Option<String>,
    pub assignee: Option<String>,
    pub received_at: DateTime<Utc>,
    /// `12 days ago`; `None`: the reporter never got a word of ours.
    pub last_word: Option<String>,
}

/// A clock that needs somebody, with its case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pressing {
    #[serde(flatten)]
    pub card: Card,
    /// `triage`, ..
    pub clock: String,
    pub is_missed: bool,
    pub due_at: DateTime<Utc>,
    /// In the zone that it was computed in.
    pub due: String,
    /// `in 2 hours`, `3 days ago`.
    pub far: String,
    pub why: String,
    /// What would meet it, ready to be sent; without the line that names the case.
    pub commands: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quiet {
    #[serde(flatten)]
    pub card: Card,
    pub since: DateTime<Utc>,
    /// `12 days ago`.
    pub far: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disclosure {
    #[serde(flatten)]
    pub card: Card,
    pub on: NaiveDate,
    /// `in 12 days`.
    pub far: String,
    /// The reporter was told of the day.
    pub is_told: bool,
    pub is_fixed: bool,
}

/// What came and was answered by nobody, so that nothing vanishes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Noise {
    pub total: usize,
    /// The most frequent first.
    pub kinds: Vec<Count>,
    /// The newest first; a bounded number of them.
    pub mails: Vec<NoiseMail>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Count {
    pub what: String,
    pub count: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoiseMail {
    pub at: DateTime<Utc>,
    pub kind: String,
    pub from: Option<String>,
    pub subject: String,
    pub case: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    /// `None`: never.
    pub last_good_poll_at: Option<DateTime<Utc>>,
    pub outbox: OutboxCounts,
    /// Bytes that are free where the database lies.
    pub disk_free: Option<u64>,
    /// When our rows were last compared with what the server has.
    pub reconciled_at: Option<DateTime<Utc>>,
    /// The newest row of the audit chain, for every mailbox to witness.
    pub audit_rows: i64,
    /// Hexadecimal.
    pub audit_head: String,
    /// What is wrong, in words; empty: all is well.
    pub problems: Vec<String>,
}

/// What the pictures draw; the same numbers are bars in the text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pictures {
    /// Open cases: a row for each open state, by age.
    pub open_by_age: Vec<OpenState>,
    /// The last twelve weeks, the oldest first; the last one is not over yet.
    pub weeks: Vec<WeekCounts>,
}

/// How many open cases in this state are so old.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpenState {
    /// `new`, `accepted`, `fixed`; `waiting`: for the reporter.
    pub state: String,
    /// In the order of [`AGES`].
    pub counts: [usize; AGES.len()],
}

/// Ages of open cases, in words.
pub const AGES: [&str; 5] = [
    "up to 7 days",
    "8 to 30 days",
    "31 to 60 days",
    "61 to 90 days",
    "over 90 days",
];

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeekCounts {
    /// Its Monday, in the policy's zone.
    pub week: NaiveDate,
    /// Cases that came.
    pub arrivals: usize,
    /// Deadlines that were due in it, and were met in time.
    pub met: usize,
    /// Those that were met late, or are missed.
    pub missed: usize,
}

/// The week behind, and how it all stands: the seven numbers of CISA BOD 20-01. What moves by
/// single cases is counted over the last twelve weeks too, and medians are taken of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Week {
    /// A Monday, in the policy's zone.
    pub from: NaiveDate,
    /// The last day of it.
    pub until: NaiveDate,
    /// The first day of the twelve weeks, of which this one is the last.
    pub since: NaiveDate,
    pub reports: usize,
    pub reports_in_twelve_weeks: usize,
    /// Found to be vulnerabilities, and new ones.
    pub valid: usize,
    pub valid_in_twelve_weeks: usize,
    /// Valid, and not fixed by now.
    pub open: usize,
    pub open_over_90_days: usize,
    /// Medians of the twelve weeks, in days with four decimals; `None`: there is nothing to take
    /// one of. From receipt to the first decision, whatever it was.
    pub days_to_validate: Option<f64>,
    /// From receipt to the day of the fix, of valid ones.
    pub days_to_remediate: Option<f64>,
    /// From receipt to what the policy counts as the acknowledgement.
    pub days_to_first_response: Option<f64>,
    /// Of each clock that was due in the twelve weeks.
    pub kept: Vec<Kept>,
    /// Of the week: who sent most of it.
    pub top_noise: Vec<Count>,
}

/// How a promise was kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kept {
    pub clock: String,
    pub due: usize,
    pub met: usize,
}

impl Kept {
    pub fn percent(&self) -> Option<usize> {
        (self.met * 100).checked_div(self.due)
    }
}
