//! Pauses, and how much of a deadline has passed.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};

use super::{
    Calendar, Day, LONGEST_DAYS, Measure, SECONDS_PER_DAY, bounded_hours, within_the_calendar,
};
use crate::triage::policy::Span;

/// A time during which a deadline stands still; `until` not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub from: DateTime<Utc>,
    /// `None`: it lasts.
    pub until: Option<DateTime<Utc>>,
}

/// The instants of one deadline, its pauses counted out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// When 50 percent have passed.
    pub half_at: DateTime<Utc>,
    /// When 80 percent have passed.
    pub warn_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    /// It stands still since then; the instants after it are those of before the pause.
    pub paused_at: Option<DateTime<Utc>>,
}

/// By what a deadline counts its time, in seconds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OwnTime {
    Elapsed,
    /// By what the clocks show.
    WallClock,
    /// Of working days.
    Worked,
}

impl OwnTime {
    fn of(span: Span) -> Self {
        match span {
            Span::Hours(_) => Self::Elapsed,
            Span::Days(_) => Self::WallClock,
            Span::BusinessHours(_) | Span::BusinessDays(_) => Self::Worked,
        }
    }
}

/// A share of a deadline, in its own seconds, and when it had passed.
#[derive(Clone, Copy)]
struct Mark {
    share: i64,
    at: Option<DateTime<Utc>>,
}

impl Mark {
    fn new(share: i64) -> Self {
        Self { share, at: None }
    }
}

/// A deadline on its way through its pauses.
struct Course<'c> {
    calendar: &'c Calendar,
    time: OwnTime,
    /// The smallest share first.
    marks: [Mark; 3],
    whole: i64,
    /// Where it began, or went on after the last pause, and how much had passed before.
    went_on_at: DateTime<Utc>,
    passed: i64,
}

impl Course<'_> {
    /// How much has passed, if nothing pauses it until then.
    fn passed_until(&self, at: DateTime<Utc>) -> i64 {
        self.passed + self.calendar.between(self.went_on_at, at, self.time)
    }

    /// When a share has passed, if nothing pauses it from here on.
    fn unhindered(&self, share: i64) -> DateTime<Utc> {
        let left = share - self.passed;
        self.calendar.after(self.went_on_at, left, self.time)
    }

    /// Had a share passed by then? `passed`: how much had.
    fn is_reached(&self, share: i64, by: DateTime<Utc>, passed: i64) -> bool {
        match self.time {
            OwnTime::Elapsed | OwnTime::Worked => share <= passed,
            // Clocks that are put on or back show more than has passed, or less.
            OwnTime::WallClock => self.unhindered(share) <= by,
        }
    }

    fn pause(&mut self, from: DateTime<Utc>, passed: i64, until: DateTime<Utc>) {
        let at = |mark: Mark| match mark.at {
            None if self.is_reached(mark.share, from, passed) => Some(self.unhindered(mark.share)),
            at => at,
        };
        self.marks = self.marks.map(|mark| Mark {
            at: at(mark),
            ..mark
        });
        self.went_on_at = until;
        self.passed = passed;
    }

    /// When each share has passed, if nothing pauses it from here on.
    fn instants(&self) -> [DateTime<Utc>; 3] {
        if self.time != OwnTime::Worked {
            let at = |mark: Mark| mark.at.unwrap_or_else(|| self.unhindered(mark.share));
            return self.marks.map(at);
        }
        // One walk leads past all of them.
        let mut walk = WorkedTime::begin(self.calendar, self.went_on_at);
        let mut passed = self.passed;
        self.marks.map(|mark| {
            mark.at.unwrap_or_else(|| {
                let further = mark.share - passed;
                passed = mark.share;
                walk.go_on(further)
            })
        })
    }
}

/// A walk through working time.
struct WorkedTime<'c> {
    calendar: &'c Calendar,
    at: DateTime<Utc>,
    day: Day,
    /// Seconds of the day that lie behind; none of a day that is not worked.
    behind: i64,
}

impl<'c> WorkedTime<'c> {
    fn begin(calendar: &'c Calendar, at: DateTime<Utc>) -> Self {
        let day = calendar.day_at(at);
        let behind = match calendar.works(&day) {
            true => (at - day.starts_at).num_seconds(),
            false => 0,
        };
        Self {
            calendar,
            at,
            day,
            behind,
        }
    }

    /// The earliest moment at which so many seconds more have passed.
    fn go_on(&mut self, seconds: i64) -> DateTime<Utc> {
        if seconds > 0 {
            let wanted = self.behind + seconds;
            let (day, behind) = self.calendar.count_off(self.day, wanted, Measure::Seconds);
            self.at = day.starts_at + TimeDelta::seconds(behind);
            self.day = day;
            self.behind = behind;
        }
        self.at
    }
}

impl Calendar {
    /// When so much of `span` has passed since `start`, not counting the pauses, which are in the
    /// order of time and do not overlap. One that begins before `start` counts from there; one
    /// that begins at or after the due instant changes nothing: what was missed stays missed.
    pub fn timing(&self, start: DateTime<Utc>, span: Span, pauses: &[Pause]) -> Timing {
        let start = within_the_calendar(start);
        // What keeps the clock's time has to be found before its own seconds are known.
        let unpaused = matches!(span, Span::BusinessDays(_)).then(|| self.due(start, span));
        let whole = self.own_time(start, span, unpaused);
        let mut course = Course {
            calendar: self,
            time: OwnTime::of(span),
            marks: [share(whole, 50), share(whole, 80), whole].map(Mark::new),
            whole,
            went_on_at: start,
            passed: 0,
        };
        let mut paused_at = None;
        for pause in pauses {
            let from = within_the_calendar(pause.from).max(course.went_on_at);
            let passed = course.passed_until(from);
            if course.is_reached(course.whole, from, passed) {
                break;
            }
            let Some(until) = pause.until else {
                paused_at = Some(from);
                break;
            };
            let until = within_the_calendar(until);
            if until > from {
                course.pause(from, passed, until);
            }
        }
        let [half_at, warn_at, due_at] = course.instants();
        let is_moved = course.went_on_at != start;
        let due_at = unpaused.filter(|_| !is_moved).unwrap_or(due_at);
        // A wall-clock time that is skipped moves past later ones that are not.
        let warn_at = warn_at.min(due_at);
        Timing {
            half_at: half_at.min(warn_at),
            warn_at,
            due_at,
            paused_at,
        }
    }

    /// The whole of a deadline in its own seconds.
    fn own_time(&self, start: DateTime<Utc>, span: Span, unpaused: Option<DateTime<Utc>>) -> i64 {
        match span {
            Span::Hours(hours) | Span::BusinessHours(hours) => {
                i64::from(bounded_hours(hours)) * 3_600
            }
            // Not the hours that a skipped due time moved by.
            Span::Days(days) => i64::from(days.min(LONGEST_DAYS)) * SECONDS_PER_DAY,
            Span::BusinessDays(_) => {
                unpaused.map_or(0, |due_at| self.worked_seconds(start, due_at))
            }
        }
    }

    fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>, time: OwnTime) -> i64 {
        let seconds = match time {
            OwnTime::Elapsed => (to - from).num_seconds(),
            OwnTime::WallClock => (self.local(to) - self.local(from)).num_seconds(),
            OwnTime::Worked => self.worked_seconds(from, to),
        };
        seconds.max(0)
    }

    /// The earliest instant, `from` or later, at which so many seconds of its own time have passed.
    fn after(&self, from: DateTime<Utc>, seconds: i64, time: OwnTime) -> DateTime<Utc> {
        if seconds <= 0 {
            return from;
        }
        let after = match time {
            OwnTime::Elapsed => from + TimeDelta::seconds(seconds),
            OwnTime::WallClock => {
                self.resolve_after(self.local(from) + TimeDelta::seconds(seconds), from)
            }
            OwnTime::Worked => self.after_worked_seconds(from, seconds),
        };
        after.max(from)
    }

    /// The instant of a wall-clock time; of one that comes twice, the first that is not over.
    fn resolve_after(&self, local: NaiveDateTime, from: DateTime<Utc>) -> DateTime<Utc> {
        match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Ambiguous(first, second) if first.to_utc() < from => second.to_utc(),
            _ => self.resolve(local),
        }
    }

    pub(super) fn after_worked_seconds(&self, from: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
        WorkedTime::begin(self, from).go_on(seconds)
    }

    fn worked_seconds(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
        let mut day = self.day_at(from);
        let mut worked = 0;
        while day.starts_at < to {
            let is_whole_week = day.starts_at >= from && to - day.starts_at >= TimeDelta::days(7);
            if is_whole_week && let Some(next) = self.day_after_regular_week(&day) {
                worked += self.working_days_between(day.date, next.date) * SECONDS_PER_DAY;
                day = next;
                continue;
            }
            if self.works(&day) {
                let of_the_day = day.ends_at.min(to) - day.starts_at.max(from);
                worked += of_the_day.num_seconds().max(0);
            }
            day = self.following(&day);
        }
        worked
    }
}

/// So many percent, and no less.
fn share(whole: i64, percent: i64) -> i64 {
    (whole * percent + 99).div_euclid(100)
}
