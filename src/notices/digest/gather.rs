//! From the records to a [`Board`].

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, SubsecRound, TimeDelta, Utc};

use super::super::board::{
    AGES, Board, Card, Count, Disclosure, Health, Kept, Noise, NoiseMail, OpenState, Pictures,
    Pressing, Quiet, Totals, Week, WeekCounts,
};
use super::super::deeds::is_letter;
use super::super::words::one_line;
use super::{BEGUN_AT, CASES_LISTED, MAILED_AT, MAILS_LISTED, WEEK_OF};
use crate::commands;
use crate::expiry::{self, Owner};
use crate::letters::Desk;
use crate::store::board::{After, CaseLine, CaseSince, DueClocks, Newest, RunningClock};
use crate::store::{StoreError, Tx, instant};
use crate::triage::calendar::{Calendar, how_far};
use crate::triage::policy::DeadlineKind;

/// Open cases to and from which no mail went for so long are listed.
const QUIET_AFTER: TimeDelta = TimeDelta::days(30);
/// With less, the database may soon not be written any more.
const DISK_LOW: u64 = 500_000_000;
/// Our rows are compared with the server's daily.
const RECONCILED_WITHIN: TimeDelta = TimeDelta::hours(50);
/// Bounds of [`AGES`], in days.
const AGE_BOUNDS: [i64; AGES.len() - 1] = [7, 30, 60, 90];
const OPEN_STATES: [&str; 4] = ["new", "accepted", "fixed", "waiting"];
const WEEKS: u64 = 12;
/// Between the time that a record bears and its commit.
const LONGEST_RECORDING: TimeDelta = TimeDelta::days(1);
/// The worst senders of noise that a week names.
const TOP_NOISE: usize = 5;

/// Does the digest have the numbers of the week?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weekly {
    /// On the first one of a week.
    WhenDue,
    Always,
}

/// What is to be told now. `silence`: no good poll for longer is an alarm.
pub fn gather(
    tx: &Tx<'_>,
    desk: &Desk,
    silence: Duration,
    weekly: Weekly,
    now: DateTime<Utc>,
) -> Result<Board, StoreError> {
    let calendar = &desk.policy.calendar;
    let since = tx.fact(MAILED_AT)?.map(instant);
    let begun = tx.fact(BEGUN_AT)?.map(instant);
    let unlisted = unlisted(tx, since, now)?;
    let horizon = end_of_next_working_day(calendar, now);

    let decide = tx.clocks_due_by(horizon)?;
    let due_soon = tx.clocks_due_soon(horizon, now)?;
    let half_way = tx.clocks_half_way(horizon, now)?;
    let new = tx.new_since(unlisted)?;
    let waiting = tx.waiting_for_reporters()?;
    let planned = tx.planned_disclosures()?;
    let quiet = tx.quiet_since(now - QUIET_AFTER, horizon)?;
    let unreadable = tx.unread_since(unlisted)?;
    let letters = tx.letters_in_trouble(now)?;
    let has_week = match weekly {
        Weekly::Always => true,
        Weekly::WhenDue => is_first_of_week(tx, calendar, now)?,
    };
    Ok(Board {
        organization: desk.organization.name.clone(),
        address: desk.organization.address.clone(),
        at: now.trunc_subsecs(0),
        since,
        totals: Totals {
            decide: decide.total,
            missed: tx.clocks_missed(now)?,
            due_soon: due_soon.total,
            half_way: half_way.total,
            new: new.total,
            waiting: waiting.total,
            disclosures: planned.total,
            quiet: quiet.total,
            unreadable: unreadable.total,
            letters: letters.total,
        },
        decide: all(decide.first, |clock| pressing(clock, desk, now)),
        due_soon: all(due_soon.first, |clock| pressing(clock, desk, now)),
        half_way: all(half_way.first, |clock| pressing(clock, desk, now)),
        new: all(new.first, |case| card(case, now)),
        waiting: all(waiting.first, |case| since_then(case, now)),
        disclosures: all(planned.first, |planned| Disclosure {
            card: card(planned.case, now),
            on: calendar.date_of(planned.at),
            far: how_far(planned.at, now),
            is_told: planned.is_told,
            is_fixed: planned.is_fixed,
        }),
        quiet: all(quiet.first, |case| since_then(case, now)),
        noise: noise(tx, unlisted)?,
        unreadable: all(unreadable.first, |case| card(case, now)),
        letters: letters.first,
        keys: keys(desk, now),
        health: health(tx, silence, now)?,
        open: tx.open_cases()?,
        pictures: pictures(tx, calendar, now)?,
        week: match has_week {
            true => Some(week(tx, calendar, now)?),
            false => None,
        },
        shown_at: calendar.show(now),
        shown_since: since.map(|at| calendar.show(at)),
        shown_new_since: since
            .or(begun)
            .map_or_else(|| "yesterday".to_owned(), |at| calendar.show(at)),
    })
}

/// What no digest of the schedule has listed; where it has not begun, what came since yesterday.
fn unlisted(
    tx: &Tx<'_>,
    mailed_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<After, StoreError> {
    let (Some(case), Some(message)) = (tx.fact(CASES_LISTED)?, tx.fact(MAILS_LISTED)?) else {
        return Ok(After {
            at: mailed_at.unwrap_or(now - TimeDelta::days(1)),
            rows: Newest::default(),
        });
    };
    Ok(After {
        at: mailed_at.map_or(DateTime::UNIX_EPOCH, |at| at - LONGEST_RECORDING),
        rows: Newest { case, message },
    })
}

/// What somebody has to look at today: tomorrow, or after the weekend, it may be too late.
fn end_of_next_working_day(calendar: &Calendar, now: DateTime<Utc>) -> DateTime<Utc> {
    const LONGEST_HOLIDAYS: u64 = 60;
    let today = calendar.date_of(now);
    let next = (1..=LONGEST_HOLIDAYS)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .find(|date| calendar.is_working_day(*date))
        .unwrap_or(today);
    calendar.start_of_day(next + Days::new(1))
}

/// The numbers of the week were not mailed yet in the week of `now`.
fn is_first_of_week(
    tx: &Tx<'_>,
    calendar: &Calendar,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let monday = monday_of(calendar.date_of(now));
    let last = tx.fact(WEEK_OF)?.map(instant);
    Ok(last.is_none_or(|last| calendar.date_of(last) < monday))
}

pub(super) fn monday_of(date: NaiveDate) -> NaiveDate {
    date - Days::new(u64::from(date.weekday().num_days_from_monday()))
}

fn all<T, U>(entries: Vec<T>, of_one: impl Fn(T) -> U) -> Vec<U> {
    entries.into_iter().map(of_one).collect()
}

fn card(case: CaseLine, now: DateTime<Utc>) -> Card {
    let suggested = case.suggested_severity.map(|it| format!("{it}?"));
    Card {
        case: case.number,
        kind: case.kind,
        status: case.status,
        severity: case.severity.or(suggested),
        labels: case.labels,
        subject: one_line(&case.subject),
        reporter: case.reporter,
        assignee: case.assignee,
        received_at: case.received_at,
        last_word: case.last_word_at.map(|at| how_far(at, now)),
    }
}

fn pressing(clock: RunningClock, desk: &Desk, now: DateTime<Utc>) -> Pressing {
    let meets = DeadlineKind::parse(&clock.kind).map_or(&[][..], what_meets);
    let (email, robot) = (clock.case.reporter.as_deref(), clock.case.robot.as_deref());
    let is_reached = commands::reached(email, robot, &desk.organization).is_ok();
    let offered = meets.iter().filter(|line| is_reached || !is_letter(line));
    Pressing {
        clock: clock.kind,
        is_missed: clock.due_at < now,
        due_at: clock.due_at,
        due: clock.due,
        far: how_far(clock.due_at, now),
        why: clock.why,
        commands: offered.map(ToString::to_string).collect(),
        card: card(clock.case, now),
    }
}

/// The commands that meet a deadline. Words in capitals are for whoever sends it to fill in.
fn what_meets(kind: DeadlineKind) -> &'static [&'static str] {
    match kind {
        DeadlineKind::Acknowledge => &["/reply", "/accept"],
        DeadlineKind::Update => &["/reply"],
        DeadlineKind::Triage => &[
            "/accept",
            "/reject REASON",
            "/duplicate NUMBER",
            "/close REASON",
            "/needs-info TEXT",
        ],
        DeadlineKind::Remediate => &["/fixed DATE"],
        DeadlineKind::Disclose => &["/disclose DATE"],
        DeadlineKind::EarlyWarning => &["/notified early_warning"],
        DeadlineKind::Notification => &["/notified notification"],
        DeadlineKind::FinalReport => &["/notified final_report"],
    }
}

fn since_then(case: CaseSince, now: DateTime<Utc>) -> Quiet {
    Quiet {
        card: card(case.case, now),
        since: case.since,
        far: how_far(case.since, now),
    }
}

fn noise(tx: &Tx<'_>, unlisted: After) -> Result<Noise, StoreError> {
    let kinds = all(tx.noise_kinds(unlisted)?, |(what, count)| Count {
        what,
        count,
    });
    Ok(Noise {
        total: kinds.iter().map(|kind| kind.count).sum(),
        kinds,
        mails: all(tx.noise(unlisted)?, |mail| NoiseMail {
            at: mail.at,
            kind: mail.kind,
            from: mail.from,
            subject: one_line(&mail.subject),
            case: mail.case,
        }),
    })
}

/// What expires, and members to whom nothing can be encrypted.
fn keys(desk: &Desk, now: DateTime<Utc>) -> Vec<String> {
    let mut lines = Vec::new();
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
    lines
}

fn health(tx: &Tx<'_>, silence: Duration, now: DateTime<Utc>) -> Result<Health, StoreError> {
    let (audit_rows, audit_head) = tx.audit_head()?;
    let mut health = Health {
        last_good_poll_at: tx.fact("last_good_poll_at")?.map(instant),
        outbox: tx.outbox_counts()?,
        disk_free: tx.disk_free(),
        reconciled_at: tx.fact(RECONCILED_AT)?.map(instant),
        audit_rows,
        audit_head,
        problems: Vec::new(),
    };
    health.problems = problems(&health, tx.unfetched()?.len(), silence, now);
    Ok(health)
}

/// The fact that says when our rows were last compared with what the server has.
pub const RECONCILED_AT: &str = "reconciled_at";

fn problems(
    health: &Health,
    unfetched: usize,
    silence: Duration,
    now: DateTime<Utc>,
) -> Vec<String> {
    let mut lines = Vec::new();
    match health.last_good_poll_at {
        None => lines.push("the mailbox was never polled with success".to_owned()),
        Some(at) if (now - at).to_std().unwrap_or_default() > silence => lines.push(format!(
            "the last good poll of the mailbox was {}",
            how_far(at, now)
        )),
        Some(_) => {}
    }
    match health.reconciled_at {
        Some(at) if now - at > RECONCILED_WITHIN => lines.push(format!(
            "the mailbox was last compared with our records {}; it should be daily",
            how_far(at, now)
        )),
        _ => {}
    }
    if unfetched > 0 {
        let (mails, were) = match unfetched {
            1 => ("mail", "was"),
            _ => ("mails", "were"),
        };
        lines.push(format!(
            "{unfetched} {mails} {were} not fetched so far; `triaged status` names them"
        ));
    }
    if let Some(free) = health.disk_free.filter(|free| *free < DISK_LOW) {
        lines.push(format!(
            "{} MB are free where the database lies",
            free / 1_000_000
        ));
    }
    lines
}

fn pictures(tx: &Tx<'_>, calendar: &Calendar, now: DateTime<Utc>) -> Result<Pictures, StoreError> {
    let weeks = twelve_weeks(calendar.date_of(now));
    let weeks = weeks.into_iter().map(|week| {
        let (from, until) = (start_of(calendar, week), end_of_week(calendar, week));
        let due = tx.clocks_due_between(from, until.min(now))?;
        let (due, met) = sums(&due);
        Ok(WeekCounts {
            week,
            arrivals: tx.arrivals(from, until)?,
            met,
            missed: due - met,
        })
    });
    Ok(Pictures {
        open_by_age: open_by_age(tx, now)?,
        weeks: weeks.collect::<Result<_, StoreError>>()?,
    })
}

/// Their Mondays, the oldest first; the last one is the week of this day.
fn twelve_weeks(today: NaiveDate) -> Vec<NaiveDate> {
    let monday = monday_of(today);
    let back = |weeks: u64| monday - Days::new(7 * weeks);
    (0..WEEKS).rev().map(back).collect()
}

fn start_of(calendar: &Calendar, date: NaiveDate) -> DateTime<Utc> {
    calendar.start_of_day(date)
}

fn end_of_week(calendar: &Calendar, monday: NaiveDate) -> DateTime<Utc> {
    calendar.start_of_day(monday + Days::new(7))
}

fn sums(clocks: &[DueClocks]) -> (usize, usize) {
    clocks.iter().fold((0, 0), |(due, met), clock| {
        (due + clock.due, met + clock.met)
    })
}

fn open_by_age(tx: &Tx<'_>, now: DateTime<Utc>) -> Result<Vec<OpenState>, StoreError> {
    let bounds = AGE_BOUNDS.map(|days| now - TimeDelta::days(days));
    let counted = tx.open_by_age(&bounds)?;
    let row = |state: &str| {
        let mut counts = [0; AGES.len()];
        for (of_state, age, count) in &counted {
            if of_state == state
                && let Some(counter) = counts.get_mut(*age)
            {
                *counter = *count;
            }
        }
        OpenState {
            state: state.to_owned(),
            counts,
        }
    };
    Ok(OPEN_STATES.into_iter().map(row).collect())
}

/// The week before that of `now`.
fn week(tx: &Tx<'_>, calendar: &Calendar, now: DateTime<Utc>) -> Result<Week, StoreError> {
    let monday = monday_of(calendar.date_of(now)) - Days::new(7);
    let first = monday - Days::new(7 * (WEEKS - 1));
    let (from, until) = (start_of(calendar, monday), end_of_week(calendar, monday));
    let since = start_of(calendar, first);
    Ok(Week {
        from: monday,
        until: monday + Days::new(6),
        since: first,
        reports: tx.reports(from, until)?,
        reports_in_twelve_weeks: tx.reports(since, until)?,
        valid: tx.found_valid(from, until)?,
        valid_in_twelve_weeks: tx.found_valid(since, until)?,
        open: tx.valid_and_open(now)?,
        open_over_90_days: tx.valid_and_open(now - TimeDelta::days(90))?,
        days_to_validate: median_days(tx.times_to_decide(since, until)?),
        days_to_remediate: median_days(tx.times_to_fix(since, until)?),
        days_to_first_response: median_days(tx.times_to_answer(since, until)?),
        kept: kept(tx.clocks_due_between(since, until)?),
        top_noise: all(
            tx.noisiest(from, until, TOP_NOISE)?,
            |(kind, sender, count)| Count {
                what: match sender {
                    Some(sender) => format!("{kind} from {}", one_line(&sender)),
                    None => kind,
                },
                count,
            },
        ),
    })
}

/// In the order in which a case meets them.
fn kept(clocks: Vec<DueClocks>) -> Vec<Kept> {
    let of_kind = |kind: DeadlineKind| {
        let clock = clocks.iter().find(|clock| clock.kind == kind.as_str())?;
        Some(Kept {
            clock: clock.kind.clone(),
            due: clock.due,
            met: clock.met,
        })
    };
    DeadlineKind::ALL.into_iter().filter_map(of_kind).collect()
}

/// Of two in the middle, what lies between them; in days, to some seconds.
fn median_days(mut seconds: Vec<i64>) -> Option<f64> {
    seconds.sort_unstable();
    let upper = seconds.get(seconds.len() / 2)?;
    let lower = seconds.get((seconds.len() - 1) / 2)?;
    let days = (upper + lower) as f64 / 2.0 / 86_400.0;
    Some((days * 10_000.0).round() / 10_000.0)
}
