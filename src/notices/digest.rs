//! The digest: once a day, what the team should look at.
//!
//! What is overdue, what is due soon, what passed the half of its time since the last digest, what
//! is new, letters that did not go, and how the daemon is. Columns of plain text, 72 wide.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::words::{folded, one_line};
use super::{Notice, NoticeKind};
use crate::expiry::{self, Owner};
use crate::letters::Desk;
use crate::store::cases::{CaseSummary, CaseView};
use crate::store::deadlines::{DeadlineView, Threshold};
use crate::store::outbox::{OutboxCounts, Troubled};
use crate::store::{StoreError, Tx, instant};
use crate::triage::calendar::how_far;
use crate::triage::policy::DeadlineKind;

/// Facts: the instant of the schedule that was last made up for, and when that was.
pub const DUE_AT: &str = "digest_due_at";
pub const MAILED_AT: &str = "digest_mailed_at";

/// A deadline that is due within so long is listed, however little of it has passed.
const SOON: TimeDelta = TimeDelta::days(2);
/// Rows of a list; the rest is counted.
const LISTED_AT_MOST: usize = 30;

/// Everything that a digest says. Field names are those of its JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Digest {
    pub organization: String,
    pub at: DateTime<Utc>,
    /// When the last one was mailed by the schedule.
    pub since: Option<DateTime<Utc>>,
    pub overdue: Vec<Clock>,
    pub due_soon: Vec<Clock>,
    /// Passed the half of its time, and no digest told so.
    pub half_way: Vec<Clock>,
    /// Their clocks stand still, and nothing else reminds of them.
    pub waiting: Vec<Waiting>,
    pub new: Vec<NewCase>,
    /// Open cases.
    pub open: usize,
    pub outbox: OutboxCounts,
    /// Letters that failed, wait or are held.
    pub letters: Vec<Troubled>,
    /// What is wrong with the daemon itself; empty: all is well.
    pub health: Vec<String>,
    #[serde(skip)]
    shown_at: String,
    #[serde(skip)]
    shown_since: Option<String>,
    /// Deadlines whose half is told by this digest.
    #[serde(skip)]
    halves: Vec<(i64, DeadlineKind)>,
}

/// A deadline of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clock {
    pub case: String,
    pub kind: String,
    pub due_at: DateTime<Utc>,
    pub due: String,
    pub far: String,
    pub why: String,
    pub status: String,
    pub severity: Option<String>,
    pub subject: String,
    pub reporter: Option<String>,
    pub assignee: Option<String>,
}

/// A case that waits for its reporter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    pub case: String,
    /// When the first of its clocks was stopped.
    pub since: DateTime<Utc>,
    pub far: String,
    pub subject: String,
    pub reporter: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewCase {
    pub case: String,
    pub kind: String,
    pub severity: Option<String>,
    pub labels: Vec<String>,
    pub subject: String,
    pub reporter: Option<String>,
    pub received_at: DateTime<Utc>,
}

impl Clock {
    fn of(case: &CaseView, deadline: &DeadlineView, now: DateTime<Utc>) -> Self {
        Self {
            case: case.id.clone(),
            kind: deadline.kind.clone(),
            due_at: deadline.due_at,
            due: deadline.due.clone(),
            far: how_far(deadline.due_at, now),
            why: deadline.why.clone(),
            status: case.status.clone(),
            severity: severity(case),
            subject: one_line(&case.subject),
            reporter: case.reporter.email.clone(),
            assignee: case.assignee.clone(),
        }
    }
}

/// As it was set, else as it was read from the report, with a question mark.
fn severity(case: &CaseView) -> Option<String> {
    let suggested = || case.suggested_severity.as_ref().map(|it| format!("{it}?"));
    case.severity.clone().or_else(suggested)
}

impl Digest {
    /// What is to be told now. `silence`: no good poll for longer is an alarm.
    pub fn gather(
        tx: &Tx<'_>,
        desk: &Desk,
        silence: Duration,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let since = tx.fact(MAILED_AT)?.map(instant);
        let cases = tx.cases(now)?;
        let half_way = tx.half_way(now)?;
        let in_state = |state: &str, is_wanted: &dyn Fn(&DeadlineView) -> bool| {
            let mut clocks: Vec<Clock> = cases
                .iter()
                .flat_map(|summary| {
                    let of_case = summary.case.deadlines.iter();
                    of_case
                        .filter(|deadline| deadline.state == state && is_wanted(deadline))
                        .map(|deadline| Clock::of(&summary.case, deadline, now))
                })
                .collect();
            clocks.sort_by(|a, b| (a.due_at, &a.case).cmp(&(b.due_at, &b.case)));
            clocks
        };
        let is_soon =
            |deadline: &DeadlineView| deadline.warn_at <= now || deadline.due_at <= now + SOON;
        let passed_half = |deadline: &DeadlineView, case: &CaseView| {
            half_way.iter().any(|warning| {
                warning.about.case.number == case.id
                    && warning.deadline.kind.as_str() == deadline.kind
            })
        };
        let mut halves: Vec<Clock> = Vec::new();
        for CaseSummary { case, .. } in &cases {
            let of_case = case.deadlines.iter().filter(|deadline| {
                deadline.state == "running" && !is_soon(deadline) && passed_half(deadline, case)
            });
            halves.extend(of_case.map(|deadline| Clock::of(case, deadline, now)));
        }
        let new = tx.opened_since(since.unwrap_or(now - TimeDelta::days(1)))?;
        Ok(Self {
            organization: desk.organization.name.clone(),
            at: now,
            since,
            overdue: in_state("missed", &|_| true),
            due_soon: in_state("running", &is_soon),
            half_way: halves,
            waiting: waiting(&cases, now),
            new: cases
                .iter()
                .filter(|summary| new.contains(&summary.case.id))
                .map(new_case)
                .collect(),
            open: cases
                .iter()
                .filter(|summary| summary.case.status != "closed")
                .count(),
            outbox: tx.outbox_counts()?,
            letters: tx.troubled()?,
            health: health(tx, desk, silence, now)?,
            shown_at: desk.policy.calendar.show(now),
            shown_since: since.map(|at| desk.policy.calendar.show(at)),
            halves: half_way
                .iter()
                .map(|warning| (warning.about.case.id, warning.deadline.kind))
                .collect(),
        })
    }

    /// It was told by the schedule: what passed the half of its time is not listed again.
    pub fn set_told(&self, tx: &Tx<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
        for (case, kind) in &self.halves {
            tx.set_told(*case, *kind, Threshold::Half, now)?;
        }
        Ok(())
    }

    pub fn notice(&self) -> Notice {
        let subject = match (self.overdue.len(), self.due_soon.len()) {
            (0, 0) => format!("Digest: {} open, nothing pressing", self.open),
            (0, soon) => format!("Digest: {soon} due soon, {} open", self.open),
            (missed, soon) => {
                format!(
                    "Digest: {missed} overdue, {soon} due soon, {} open",
                    self.open
                )
            }
        };
        Notice {
            kind: NoticeKind::Digest,
            subject,
            text: self.text(),
            html: None,
            files: Vec::new(),
        }
    }

    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.organization, self.shown_at);
        text.push_str(&section("Overdue", &self.overdue, clock_lines));
        text.push_str(&section("Due soon", &self.due_soon, clock_lines));
        text.push_str(&section(
            "Half of the time has passed",
            &self.half_way,
            clock_lines,
        ));
        text.push_str(&section(
            "Waiting for the reporter",
            &self.waiting,
            waiting_lines,
        ));
        let since = self
            .shown_since
            .as_ref()
            .map_or_else(|| "since yesterday".to_owned(), |at| format!("since {at}"));
        text.push_str(&section(&format!("New {since}"), &self.new, new_lines));
        text.push_str(&section(
            "Letters that did not go",
            &self.letters,
            letter_lines,
        ));
        text.push_str(&section("Needs a look", &self.health, |line| {
            folded(line, 70)
        }));
        let OutboxCounts { waiting, held, .. } = self.outbox;
        text.push_str(&format!(
            "\n{} open cases; outbox: {waiting} waiting, {held} held, {} undeliverable\n",
            self.open, self.outbox.failed
        ));
        text
    }
}

/// A headed list; nothing at all where it is empty.
fn section<T>(title: &str, entries: &[T], lines: impl Fn(&T) -> Vec<String>) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{title} ({})\n", entries.len());
    for entry in entries.iter().take(LISTED_AT_MOST) {
        for line in lines(entry) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    let more = entries.len().saturating_sub(LISTED_AT_MOST);
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    text
}

fn clock_lines(clock: &Clock) -> Vec<String> {
    let severity = clock.severity.as_deref().unwrap_or("-");
    let who = clock.assignee.as_deref().map_or_else(
        || "nobody assigned".to_owned(),
        |name| format!("assigned to {}", one_line(name)),
    );
    vec![
        format!(
            "{:15}{:14}{:9}{}",
            clock.case, clock.kind, severity, clock.far
        ),
        format!("    due {}; {who}", clock.due),
        cut(&format!(
            "    {}",
            described(&clock.subject, &clock.reporter)
        )),
    ]
}

fn waiting_lines(case: &Waiting) -> Vec<String> {
    vec![
        format!("{:15}asked {}", case.case, case.far),
        cut(&format!("    {}", described(&case.subject, &case.reporter))),
    ]
}

fn new_lines(case: &NewCase) -> Vec<String> {
    let severity = case.severity.as_deref().unwrap_or("-");
    let labels = case.labels.join(", ");
    vec![
        cut(&format!(
            "{:15}{:14}{severity:9}{labels}",
            case.case, case.kind
        )),
        cut(&format!("    {}", described(&case.subject, &case.reporter))),
    ]
}

fn letter_lines(letter: &Troubled) -> Vec<String> {
    let case = letter.case.as_deref().unwrap_or("-");
    let error = one_line(letter.last_error.as_deref().unwrap_or_default());
    let head = format!("{case:15}{:18}{}", letter.kind, letter.state);
    if error.is_empty() {
        vec![head]
    } else {
        vec![head, cut(&format!("    {error}"))]
    }
}

fn described(subject: &str, reporter: &Option<String>) -> String {
    let subject = one_line(subject);
    match reporter {
        Some(reporter) => format!("{subject} ({})", one_line(reporter)),
        None => subject,
    }
}

/// To the width of a line.
fn cut(line: &str) -> String {
    const WIDTH: usize = 70;
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let head: String = line.chars().take(WIDTH - 1).collect();
    format!("{head}…")
}

fn new_case(summary: &CaseSummary) -> NewCase {
    let case = &summary.case;
    NewCase {
        case: case.id.clone(),
        kind: case.kind.clone(),
        severity: severity(case),
        labels: case.labels.clone(),
        subject: one_line(&case.subject),
        reporter: case.reporter.email.clone(),
        received_at: case.received_at,
    }
}

/// Who waits longest first.
fn waiting(cases: &[CaseSummary], now: DateTime<Utc>) -> Vec<Waiting> {
    let waiting = |summary: &CaseSummary| {
        let case = &summary.case;
        let stopped = case.deadlines.iter().filter(|it| it.state == "paused");
        let since = stopped.filter_map(|it| it.paused_at).min()?;
        Some(Waiting {
            case: case.id.clone(),
            since,
            far: how_far(since, now),
            subject: one_line(&case.subject),
            reporter: case.reporter.email.clone(),
        })
    };
    let mut waiting: Vec<Waiting> = cases.iter().filter_map(waiting).collect();
    waiting.sort_by(|a, b| (a.since, &a.case).cmp(&(b.since, &b.case)));
    waiting
}

fn health(
    tx: &Tx<'_>,
    desk: &Desk,
    silence: Duration,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let mut lines = Vec::new();
    match tx.fact("last_good_poll_at")?.map(instant) {
        None => lines.push("the mailbox was never polled with success".to_owned()),
        Some(at) if (now - at).to_std().unwrap_or_default() > silence => {
            lines.push(format!(
                "the last good poll of the mailbox was {}",
                how_far(at, now)
            ));
        }
        Some(_) => {}
    }
    let unfetched = tx.unfetched()?.len();
    if unfetched > 0 {
        lines.push(format!(
            "{unfetched} mails were not fetched so far; `triaged status` names them"
        ));
    }
    for expiring in expiry::all(&desk.keyring, &desk.team, now) {
        let member = match &expiring.owner {
            Owner::Member(email) => desk.team.called(email),
            Owner::Us => None,
        };
        // Below, with what follows from it.
        let is_unusable = member.is_some_and(|member| member.certificate(now).is_err());
        if !(expiring.is_past(now) && is_unusable) {
            lines.push(expiring.in_words(now));
        }
    }
    for member in desk.team.members() {
        if let Err(why) = member.certificate(now) {
            lines.push(format!(
                "{}: mail cannot be encrypted to this member: {why}",
                member.email
            ));
        }
    }
    Ok(lines)
}
