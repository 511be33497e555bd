//! The promise, as values: what the policy file says once it was checked.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};

use super::calendar::Calendar;

pub mod diff;
mod terms;

pub use terms::{
    Cited, Disclosure, Encrypt, HostPattern, KnownIssue, Language, Part, Recognition, Replies,
    Requests, Routed, Rule, Scope, Sentence, StatusTells, Terms, Testing, UsefulReport,
};

/// One span of time that the policy promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Elapsed hours.
    Hours(u32),
    /// Civil days: the same wall-clock time, so many days on.
    Days(u32),
    /// Elapsed hours on working days.
    BusinessHours(u32),
    /// Working days.
    BusinessDays(u32),
}

impl Span {
    /// Does it stand still on days that are not worked?
    pub fn is_business(self) -> bool {
        matches!(self, Self::BusinessHours(_) | Self::BusinessDays(_))
    }
}

/// As the policy file writes it: `48 business hours`, `1 day`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match *self {
            Self::Hours(count) => (count, "hour"),
            Self::Days(count) => (count, "day"),
            Self::BusinessHours(count) => (count, "business hour"),
            Self::BusinessDays(count) => (count, "business day"),
        };
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} {unit}{plural}")
    }
}

/// Reads what `Display` writes.
impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refusal = || format!("{text:?} is not a span");
        let (count, unit) = text.split_once(' ').ok_or_else(refusal)?;
        let count = count.parse().map_err(|_| refusal())?;
        match unit.strip_suffix('s').unwrap_or(unit) {
            "hour" => Ok(Self::Hours(count)),
            "day" => Ok(Self::Days(count)),
            "business hour" => Ok(Self::BusinessHours(count)),
            "business day" => Ok(Self::BusinessDays(count)),
            _ => Err(refusal()),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Policy {
    pub version: String,
    pub calendar: Calendar,
    pub quiet_hours: Option<QuietHours>,
    pub deadlines: Deadlines,
    /// Where the published page is, for the letters.
    pub url: Option<String>,
    pub terms: Terms,
}

impl Policy {
    /// Do quiet hours reign? Notices and digests wait for their end.
    pub fn is_quiet(&self, now: DateTime<Utc>) -> bool {
        let end = |quiet: QuietHours| quiet.end_of_quiet(&self.calendar, now);
        self.quiet_hours.and_then(end).is_some()
    }
}

/// Local wall-clock minutes of the day; may cross midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    pub from_minute: u16,
    pub until_minute: u16,
}

impl QuietHours {
    /// Is it quiet so many minutes after midnight?
    pub fn covers(&self, minute: u16) -> bool {
        if self.from_minute < self.until_minute {
            (self.from_minute..self.until_minute).contains(&minute)
        } else {
            self.from_minute <= minute || minute < self.until_minute
        }
    }

    /// When the quiet that reigns at `now` ends; `None` where there is none.
    pub fn end_of_quiet(&self, calendar: &Calendar, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = calendar.date_of(now);
        [today.pred_opt(), Some(today)]
            .into_iter()
            .flatten()
            .find_map(|evening| {
                let from = calendar.at_minute(evening, self.from_minute);
                let crosses_midnight = self.until_minute <= self.from_minute;
                let morning = if crosses_midnight {
                    evening.succ_opt()?
                } else {
                    evening
                };
                let until = calendar.at_minute(morning, self.until_minute);
                (from <= now && now < until).then_some(until)
            })
    }
}

/// As the policy file writes it.
impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (time(self.from_minute), time(self.until_minute));
        write!(f, "{from}-{until}")
    }
}

/// Minutes after midnight as `08:00`.
pub fn time(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `None`: the policy promises nothing of the kind, and no case lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlines {
    pub acknowledge: Option<Span>,
    pub acknowledged_by: AcknowledgedBy,
    pub triage: Option<Span>,
    pub update: Option<Span>,
    pub remediate: Remediate,
    pub disclose_after_fix: Option<Span>,
    pub early_warning: Option<Span>,
    pub notification: Option<Span>,
    /// From the day the fix shipped.
    pub final_report: Option<Span>,
}

impl Deadlines {
    /// What is promised for one clock of a case of this severity.
    pub fn of(&self, kind: DeadlineKind, severity: Option<Severity>) -> Option<Span> {
        match kind {
            DeadlineKind::Acknowledge => self.acknowledge,
            DeadlineKind::Triage => self.triage,
            DeadlineKind::Update => self.update,
            DeadlineKind::Remediate => {
                severity.and_then(|severity| self.remediate.for_severity(severity))
            }
            DeadlineKind::Disclose => self.disclose_after_fix,
            DeadlineKind::EarlyWarning => self.early_warning,
            DeadlineKind::Notification => self.notification,
            DeadlineKind::FinalReport => self.final_report,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcknowledgedBy {
    Reply,
    Person,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remediate {
    pub critical: Option<Span>,
    pub high: Option<Span>,
    pub medium: Option<Span>,
    pub low: Option<Span>,
    /// How the page words a time where it gives no number: `critical: days`.
    pub words: BTreeMap<Severity, Sentence>,
}

/// How bad a vulnerability is, in the words of CVSS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == word)
    }
}

impl Remediate {
    pub fn for_severity(&self, severity: Severity) -> Option<Span> {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
        }
    }
}

/// The clocks of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeadlineKind {
    Acknowledge,
    Triage,
    Update,
    Remediate,
    Disclose,
    EarlyWarning,
    Notification,
    FinalReport,
}

impl DeadlineKind {
    pub const ALL: [Self; 8] = [
        Self::Acknowledge,
        Self::Triage,
        Self::Update,
        Self::Remediate,
        Self::Disclose,
        Self::EarlyWarning,
        Self::Notification,
        Self::FinalReport,
    ];

    /// The clocks of the law: nothing pauses or waives them.
    pub const LAW: [Self; 3] = [Self::EarlyWarning, Self::Notification, Self::FinalReport];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Triage => "triage",
            Self::Update => "update",
            Self::Remediate => "remediate",
            Self::Disclose => "disclose",
            Self::EarlyWarning => "early_warning",
            Self::Notification => "notification",
            Self::FinalReport => "final_report",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Does it stand still while we wait for the reporter?
    pub fn pauses(self) -> bool {
        match self {
            Self::Triage | Self::Update | Self::Remediate => true,
            Self::Acknowledge
            | Self::Disclose
            | Self::EarlyWarning
            | Self::Notification
            | Self::FinalReport => false,
        }
    }

    /// One of the three clocks of the law (EU Cyber Resilience Act, Article 14): it outlives the
    /// case.
    pub fn is_of_law(self) -> bool {
        match self {
            Self::EarlyWarning | Self::Notification | Self::FinalReport => true,
            Self::Acknowledge | Self::Triage | Self::Update | Self::Remediate | Self::Disclose => {
                false
            }
        }
    }
}

/// One instant that one case was promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    pub kind: DeadlineKind,
    pub span: Span,
    pub starts_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    /// When 50 percent of it have passed: a line in the digest.
    pub half_at: DateTime<Utc>,
    /// When 80 percent have passed: a warning to the team.
    pub warn_at: DateTime<Utc>,
    /// It stands still since then.
    pub paused_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Calendar {
        Calendar {
            zone: chrono_tz::Tz::Europe__Berlin,
            working: [true; 7],
            holidays: std::collections::BTreeSet::new(),
        }
    }

    #[test]
    fn quiet_hours_end_in_the_morning() {
        #[track_caller]
        fn check(from_hour: u16, until_hour: u16, now: &str, expected: Option<&str>) {
            let quiet = QuietHours {
                from_minute: from_hour * 60,
                until_minute: until_hour * 60,
            };
            let end = quiet.end_of_quiet(&berlin(), now.parse().unwrap());
            assert_eq!(end, expected.map(|end| end.parse().unwrap()));
        }
        // Berlin is two hours ahead of UTC in June.
        let morning = Some("2026-06-06T05:00:00Z");
        check(20, 7, "2026-06-05T17:59:59Z", None);
        check(20, 7, "2026-06-05T18:00:00Z", morning);
        check(20, 7, "2026-06-05T23:00:00Z", morning);
        check(20, 7, "2026-06-06T04:59:59Z", morning);
        check(20, 7, "2026-06-06T05:00:00Z", None);
        check(12, 13, "2026-06-06T10:30:00Z", Some("2026-06-06T11:00:00Z"));
        check(12, 13, "2026-06-06T11:00:00Z", None);
    }

    #[test]
    fn spans_read_as_they_are_written() {
        assert_eq!(Span::BusinessHours(48).to_string(), "48 business hours");
        assert_eq!(Span::BusinessDays(1).to_string(), "1 business day");
        assert_eq!(Span::Days(1).to_string(), "1 day");
        assert_eq!(Span::Hours(72).to_string(), "72 hours");
    }
}
