//! The policy's calendar: when a promised span of time ends, and how a person
//! reads an instant.
//!
//! Pure; instants are UTC in whole seconds, every wall-clock time belongs to
//! the calendar's IANA zone.
//!
//! - Hours elapse.
//! - A civil day leads to the same wall-clock time on the next date. A
//!   wall-clock time that daylight saving skips moves forward by the gap; of
//!   one that comes twice, the first counts.
//! - Business time passes on working days that are no holiday and stands still
//!   on the others. A day reaches from the first instant that bears its date
//!   to the first instant of the next one, so it has 23 or 25 hours when the
//!   clocks change, and none at all where a zone skipped it (Samoa, 30
//!   December 2011).
//! - A deadline is the earliest moment at which so much has passed: what ends
//!   with a Friday ends on Friday at 24:00, whatever follows.
//! - What was left when a pause began is what is left when it ends, counted in
//!   the deadline's own time: seconds for hours, wall-clock time for days,
//!   seconds of working days for business time.

use std::collections::BTreeSet;

use chrono::{
    DateTime, Datelike, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset,
    SubsecRound, TimeDelta, TimeZone, Timelike, Utc, Weekday,
};
use chrono_tz::Tz;

use super::policy::Span;

mod timing;

pub use timing::{Pause, Timing};

/// A span that is longer ends after so many days, whatever its unit. The
/// policy reader refuses such spans long before; this bounds the work.
const LONGEST_DAYS: u32 = 36_600;

const SECONDS_PER_DAY: i64 = 86_400;

/// Which time counts for business spans, and in which zone.
///
/// Without any working weekday (the policy reader refuses that) every weekday
/// is one: a promise too early is better than none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub zone: Tz,
    /// Monday first.
    pub working: [bool; 7],
    pub holidays: BTreeSet<NaiveDate>,
}

/// One date as instants, `starts_at` included and `ends_at` not.
#[derive(Clone, Copy)]
struct Day {
    date: NaiveDate,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    /// Where it has 24 hours from midnight to midnight: the offset that its clocks show throughout.
    regular: Option<TimeDelta>,
}

impl Day {
    fn seconds(&self) -> i64 {
        (self.ends_at - self.starts_at).num_seconds()
    }
}

/// What is counted off while working days pass.
#[derive(Clone, Copy)]
enum Measure {
    Days,
    Seconds,
}

impl Measure {
    fn of(self, day: &Day) -> i64 {
        match self {
            Self::Days => 1,
            Self::Seconds => day.seconds(),
        }
    }

    fn of_regular_days(self, count: i64) -> i64 {
        match self {
            Self::Days => count,
            Self::Seconds => count * SECONDS_PER_DAY,
        }
    }
}

impl Calendar {
    /// The earliest moment at which `span` has passed since `start`.
    pub fn due(&self, start: DateTime<Utc>, span: Span) -> DateTime<Utc> {
        let start = within_the_calendar(start);
        match span {
            Span::Hours(0) | Span::Days(0) | Span::BusinessHours(0) | Span::BusinessDays(0) => {
                start
            }
            Span::Hours(hours) => start + TimeDelta::hours(i64::from(bounded_hours(hours))),
            Span::Days(days) => self.after_days(start, days.min(LONGEST_DAYS)),
            Span::BusinessHours(hours) => self.after_business_hours(start, bounded_hours(hours)),
            Span::BusinessDays(days) => self.after_business_days(start, days.min(LONGEST_DAYS)),
        }
    }

    /// Is it a working weekday and no holiday?
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        self.is_working_weekday(date.weekday()) && !self.holidays.contains(&date)
    }

    /// The date that the zone's clocks show.
    pub fn date_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        self.local(instant).date()
    }

    /// The first instant that bears this date or, where the zone skipped it, a later one.
    pub fn start_of_day(&self, date: NaiveDate) -> DateTime<Utc> {
        self.first_instant(within_the_years(date))
    }

    fn first_instant(&self, date: NaiveDate) -> DateTime<Utc> {
        let midnight = date.and_time(NaiveTime::MIN);
        match self.zone.from_local_datetime(&midnight).earliest() {
            Some(instant) => instant.to_utc(),
            None => self.gap_over(midnight).at,
        }
    }

    /// The instant at which the zone's clocks show so many minutes after midnight.
    pub fn at_minute(&self, date: NaiveDate, minute: u16) -> DateTime<Utc> {
        let midnight = within_the_years(date).and_time(NaiveTime::MIN);
        self.resolve(midnight + TimeDelta::minutes(i64::from(minute)))
    }

    fn is_working_weekday(&self, weekday: Weekday) -> bool {
        let none_is = !self.working.contains(&true);
        let index = usize::try_from(weekday.num_days_from_monday()).unwrap_or_default();
        none_is || self.working.get(index).copied().unwrap_or_default()
    }

    fn local(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        instant.naive_utc() + self.offset(instant)
    }

    /// Local time minus UTC.
    fn offset(&self, instant: DateTime<Utc>) -> TimeDelta {
        let offset = self.zone.offset_from_utc_datetime(&instant.naive_utc());
        TimeDelta::seconds(offset.fix().local_minus_utc().into())
    }

    fn after_days(&self, start: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        self.resolve(self.local(start) + Days::new(u64::from(days)))
    }

    fn after_business_hours(&self, start: DateTime<Utc>, hours: u32) -> DateTime<Utc> {
        self.after_worked_seconds(start, i64::from(hours) * 3_600)
    }

    /// From within a working day: the same wall-clock time, so many working
    /// days on. From its first instant, or from a day that is not worked: the
    /// end of the last of so many working days.
    fn after_business_days(&self, start: DateTime<Utc>, days: u32) -> DateTime<Utc> {
        let days = i64::from(days);
        let today = self.day_at(start);
        let clock = self.local(start).time();
        let has_begun = start != today.starts_at && clock != NaiveTime::MIN;
        if self.works(&today) && has_begun {
            let (last, _) = self.count_off(self.following(&today), days, Measure::Days);
            self.resolve(last.date.and_time(clock))
        } else {
            let (last, _) = self.count_off(today, days, Measure::Days);
            last.ends_at
        }
    }

    /// Counts `wanted` off over the working days from `day` on; returns the
    /// day within which it ends, and what that day has to give for it.
    ///
    /// Ends, since past the last holiday every week has a working day.
    fn count_off(&self, mut day: Day, mut wanted: i64, measure: Measure) -> (Day, i64) {
        loop {
            if wanted > measure.of_regular_days(7)
                && let Some(next) = self.day_after_regular_week(&day)
            {
                let worked = self.working_days_between(day.date, next.date);
                wanted -= measure.of_regular_days(worked);
                day = next;
                continue;
            }
            if self.works(&day) {
                if wanted <= measure.of(&day) {
                    return (day, wanted);
                }
                wanted -= measure.of(&day);
            }
            day = self.following(&day);
        }
    }

    /// The day seven days on, if all between have 24 hours. Looked at in two
    /// parts, as zones have put their clocks on and back within one week
    /// (Brazil's north-east, October 2000), which hides from a look at both
    /// ends alone.
    fn day_after_regular_week(&self, day: &Day) -> Option<Day> {
        let offset = day.regular?;
        let is_regular = |days: i64| self.offset(day.starts_at + TimeDelta::days(days)) == offset;
        if !is_regular(4) || !is_regular(7) {
            return None;
        }
        let week = TimeDelta::days(7);
        Some(self.day_from(day.starts_at + week, day.date + week, Some(offset)))
    }

    /// In a whole week, `end` not included.
    fn working_days_between(&self, start: NaiveDate, end: NaiveDate) -> i64 {
        let weekdays = match self.working.iter().filter(|works| **works).count() {
            0 => 7,
            count => count,
        };
        let is_free = |holiday: &&NaiveDate| self.is_working_weekday(holiday.weekday());
        let holidays = self.holidays.range(start..end).filter(is_free);
        let worked = weekdays.saturating_sub(holidays.count());
        i64::try_from(worked).unwrap_or_default()
    }

    fn day(&self, date: NaiveDate) -> Day {
        let starts_at = self.first_instant(date);
        self.day_from(starts_at, date, None)
    }

    /// The day that an instant belongs to. Not always the date that it bears: clocks that are put
    /// back just after midnight show the end of a day again that is over (Newfoundland until 2011).
    fn day_at(&self, instant: DateTime<Utc>) -> Day {
        let offset = self.offset(instant);
        let shown = instant.naive_utc() + offset;
        let midnight = instant - shown.time().signed_duration_since(NaiveTime::MIN);
        let before = |hours: i64| self.offset(midnight - TimeDelta::hours(hours));
        // Nearly always the clocks were left alone since then and just before.
        if before(0) == offset && before(6) == offset {
            return self.day_from(midnight, shown.date(), Some(offset));
        }
        let day = self.day(shown.date());
        if instant < day.ends_at {
            day
        } else {
            self.following(&day)
        }
    }

    fn following(&self, day: &Day) -> Day {
        self.day_from(day.ends_at, next(day.date), day.regular)
    }

    /// `midnight_at`: the offset at its start, where that is known and the clocks show midnight.
    fn day_from(
        &self,
        starts_at: DateTime<Utc>,
        date: NaiveDate,
        midnight_at: Option<TimeDelta>,
    ) -> Day {
        let offset = midnight_at.or_else(|| {
            let offset = self.offset(starts_at);
            let shown = starts_at.naive_utc() + offset;
            (shown == date.and_time(NaiveTime::MIN)).then_some(offset)
        });
        let after_24_hours = starts_at + TimeDelta::days(1);
        let regular = offset.filter(|offset| self.offset(after_24_hours) == *offset);
        Day {
            date,
            starts_at,
            // Most days are regular, and a question about an instant is quicker answered than one
            // about a wall-clock time.
            ends_at: match regular {
                Some(_) => after_24_hours,
                None => self.first_instant(next(date)),
            },
            regular,
        }
    }

    fn works(&self, day: &Day) -> bool {
        day.starts_at < day.ends_at && self.is_working_day(day.date)
    }

    /// The instant of a wall-clock time: of two the first, of a skipped one
    /// what the offset in force before the gap makes of it.
    fn resolve(&self, local: NaiveDateTime) -> DateTime<Utc> {
        match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(instant) | MappedLocalTime::Ambiguous(instant, _) => {
                instant.to_utc()
            }
            MappedLocalTime::None => (local - self.gap_over(local).offset_before).and_utc(),
        }
    }

    /// The change of offset that skipped a wall-clock time, found by halving a
    /// span at whose ends the clocks surely show less and more than it.
    fn gap_over(&self, skipped: NaiveDateTime) -> Gap {
        let (mut before, mut after) = (-SECONDS_PER_DAY, SECONDS_PER_DAY);
        let at = |seconds: i64| skipped.and_utc() + TimeDelta::seconds(seconds);
        while after - before > 1 {
            let between = before + (after - before) / 2;
            if self.local(at(between)) < skipped {
                before = between;
            } else {
                after = between;
            }
        }
        let last = at(before);
        Gap {
            at: at(after),
            offset_before: self.local(last) - last.naive_utc(),
        }
    }
}

/// A jump of the clocks forward.
struct Gap {
    /// The first instant with the new offset.
    at: DateTime<Utc>,
    /// Local time minus UTC.
    offset_before: TimeDelta,
}

fn next(date: NaiveDate) -> NaiveDate {
    date + Days::new(1)
}

fn bounded_hours(hours: u32) -> u32 {
    hours.min(LONGEST_DAYS * 24)
}

/// Whole seconds, in years in which there is room for every span.
fn within_the_calendar(instant: DateTime<Utc>) -> DateTime<Utc> {
    let at = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
    instant
        .clamp(at(first_date()), at(last_date()))
        .trunc_subsecs(0)
}

fn within_the_years(date: NaiveDate) -> NaiveDate {
    date.clamp(
        first_date(),
        last_date() + Days::new(2 * u64::from(LONGEST_DAYS)),
    )
}

fn first_date() -> NaiveDate {
    NaiveDate::from_yo_opt(1900, 1).unwrap_or_default()
}

fn last_date() -> NaiveDate {
    NaiveDate::from_yo_opt(9000, 1).unwrap_or_default()
}

/// How a person reads it.
impl Calendar {
    /// `Friday 12 June 2026, 16:12 CEST`.
    pub fn show(&self, instant: DateTime<Utc>) -> String {
        self.wall_clock(instant).to_string()
    }

    /// As [`show`](Self::show); what ends with a day is at 24:00 of that day.
    pub fn show_due(&self, due_at: DateTime<Utc>) -> String {
        self.wall_clock_of_due(due_at).to_string()
    }

    /// What a person in the zone reads off at an instant.
    pub fn wall_clock(&self, instant: DateTime<Utc>) -> WallClock {
        let local = within_the_calendar(instant).with_timezone(&self.zone);
        WallClock {
            date: local.date_naive(),
            hour: local.hour(),
            minute: local.minute(),
            zone: self.zone_name(instant),
        }
    }

    /// As [`wall_clock`](Self::wall_clock); what ends with a day is at 24:00 of that day.
    pub fn wall_clock_of_due(&self, due_at: DateTime<Utc>) -> WallClock {
        let due_at = within_the_calendar(due_at);
        if due_at != self.start_of_day(self.date_of(due_at)) {
            return self.wall_clock(due_at);
        }
        WallClock {
            hour: 24,
            minute: 0,
            ..self.wall_clock(due_at - TimeDelta::seconds(1))
        }
    }

    /// Why a deadline falls where it does:
    /// `5 business days from Fri 5 Jun 2026 16:12 CEST; 8 Jun is a holiday`.
    pub fn explain(&self, start: DateTime<Utc>, span: Span, due_at: DateTime<Utc>) -> String {
        let (start, due_at) = (within_the_calendar(start), within_the_calendar(due_at));
        let mut words = format!("{span} from {}", self.show_short(start));
        if span.is_business() {
            words.push_str(&self.holidays_between(start, due_at));
        }
        words
    }

    /// `; paused from Mon 8 Jun 2026 10:00 CEST to Tue 9 Jun 2026 09:30 CEST`.
    pub fn explain_pause(&self, pause: &Pause) -> String {
        let from = self.show_short(pause.from);
        match pause.until {
            Some(until) => format!("; paused from {from} to {}", self.show_short(until)),
            None => format!("; paused since {from}"),
        }
    }

    /// `Fri 5 Jun 2026 16:12 CEST`.
    pub fn show_short(&self, instant: DateTime<Utc>) -> String {
        let instant = within_the_calendar(instant);
        let local = self.local(instant).format("%a %-d %b %Y %H:%M");
        format!("{local} {}", self.zone_name(instant))
    }

    /// The zone's abbreviation; an offset such as `UTC-03:00` where it has none.
    fn zone_name(&self, instant: DateTime<Utc>) -> String {
        let local = within_the_calendar(instant).with_timezone(&self.zone);
        let abbreviation = local.format("%Z").to_string();
        if abbreviation.chars().all(|c| c.is_ascii_alphabetic()) {
            abbreviation
        } else {
            format!("UTC{}", local.offset().fix())
        }
    }

    fn holidays_between(&self, start: DateTime<Utc>, due_at: DateTime<Utc>) -> String {
        const NAMED: usize = 4;
        let last_second = due_at - TimeDelta::seconds(1);
        let (first, last) = (self.date_of(start), self.date_of(last_second));
        if last < first {
            return String::new();
        }
        let days: Vec<String> = self
            .holidays
            .range(first..=last)
            .filter(|holiday| self.is_working_weekday(holiday.weekday()))
            .map(|holiday| holiday.format("%-d %b").to_string())
            .collect();
        match days.as_slice() {
            [] => String::new(),
            [only] => format!("; {only} is a holiday"),
            [few @ .., last] if days.len() <= NAMED => {
                format!("; {} and {last} are holidays", few.join(", "))
            }
            many => {
                let named: Vec<&str> = many.iter().take(NAMED).map(String::as_str).collect();
                let more = many.len() - NAMED;
                format!("; {} and {more} more are holidays", named.join(", "))
            }
        }
    }
}

/// A date and a time as the clock on the wall shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WallClock {
    pub date: NaiveDate,
    /// 24 at the end of a day.
    pub hour: u32,
    pub minute: u32,
    /// The zone's abbreviation; an offset such as `UTC-03:00` where it has none.
    pub zone: String,
}

/// `Friday 12 June 2026, 16:12 CEST`.
impl std::fmt::Display for WallClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let date = self.date.format("%A %-d %B %Y");
        let Self {
            hour, minute, zone, ..
        } = self;
        write!(f, "{date}, {hour:02}:{minute:02} {zone}")
    }
}

/// How far away an instant is: `in 3 days`, `2 hours ago`, `now`.
///
/// Whole units, rounded towards now: it never promises more time than is left.
pub fn how_far(instant: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let (count, unit) = match distance(instant, now) {
        Distance::None => return "now".to_owned(),
        Distance::Minutes(count) => (count, "minute"),
        Distance::Hours(count) => (count, "hour"),
        Distance::Days(count) => (count, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if instant > now {
        format!("in {count} {unit}{plural}")
    } else {
        format!("{count} {unit}{plural} ago")
    }
}

/// How far two instants are apart, in the unit that a person would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    None,
    Minutes(i64),
    Hours(i64),
    Days(i64),
}

pub fn distance(instant: DateTime<Utc>, now: DateTime<Utc>) -> Distance {
    let minutes = (instant - now).num_minutes().abs();
    match minutes {
        0 => Distance::None,
        1..120 => Distance::Minutes(minutes),
        // To the nearest: a promise of seven days, told a second later, is still one of seven.
        120..2_850 => Distance::Hours((minutes + 30) / 60),
        _ => Distance::Days((minutes + 720) / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: Tz, holidays: &[&str]) -> Calendar {
        Calendar {
            zone,
            working: [true, true, true, true, true, false, false],
            holidays: holidays.iter().map(|day| day.parse().unwrap()).collect(),
        }
    }

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_person_reads_date_time_and_zone() {
        #[track_caller]
        fn check(zone: Tz, at: &str, shown: &str, shown_as_due: &str) {
            let calendar = calendar(zone, &[]);
            assert_eq!(calendar.show(instant(at)), shown);
            assert_eq!(calendar.show_due(instant(at)), shown_as_due);
        }
        let same = "Friday 12 June 2026, 16:12 CEST";
        check(Tz::Europe__Berlin, "2026-06-12T14:12:00Z", same, same);
        let same = "Saturday 12 December 2026, 09:05 CET";
        check(Tz::Europe__Berlin, "2026-12-12T08:05:59Z", same, same);
        let same = "Friday 12 June 2026, 11:12 UTC-03:00";
        check(Tz::America__Sao_Paulo, "2026-06-12T14:12:00Z", same, same);
        check(
            Tz::Europe__Berlin,
            "2026-06-12T22:00:00Z",
            "Saturday 13 June 2026, 00:00 CEST",
            "Friday 12 June 2026, 24:00 CEST",
        );
        // The day began at one o'clock; the one before ended all the same.
        check(
            Tz::America__Sao_Paulo,
            "2016-10-16T03:00:00Z",
            "Sunday 16 October 2016, 01:00 UTC-02:00",
            "Saturday 15 October 2016, 24:00 UTC-03:00",
        );
    }

    #[test]
    fn why_a_deadline_falls_where_it_does() {
        #[track_caller]
        fn check(holidays: &[&str], span: Span, expected: &str) {
            let calendar = calendar(Tz::Europe__Berlin, holidays);
            let start = instant("2026-06-05T14:12:00Z");
            let due_at = calendar.due(start, span);
            assert_eq!(calendar.explain(start, span, due_at), expected);
        }
        let days = Span::BusinessDays(5);
        let from = "5 business days from Fri 5 Jun 2026 16:12 CEST";
        check(&[], days, from);
        check(
            &["2026-06-08"],
            days,
            &format!("{from}; 8 Jun is a holiday"),
        );
        let two = ["2026-06-08", "2026-06-10"];
        check(
            &two,
            days,
            &format!("{from}; 8 Jun and 10 Jun are holidays"),
        );
        // On a Saturday, or after the end, a holiday changes nothing.
        check(&["2026-06-06", "2026-06-15"], days, from);
        let many = [
            "2026-06-08",
            "2026-06-09",
            "2026-06-10",
            "2026-06-11",
            "2026-06-12",
        ];
        let words = "8 Jun, 9 Jun, 10 Jun, 11 Jun and 1 more are holidays";
        check(&many, days, &format!("{from}; {words}"));
        check(&two, Span::Days(7), "7 days from Fri 5 Jun 2026 16:12 CEST");
        check(
            &[],
            Span::BusinessHours(1),
            "1 business hour from Fri 5 Jun 2026 16:12 CEST",
        );
    }

    #[test]
    fn how_far_away_it_is() {
        #[track_caller]
        fn check(seconds: i64, expected: &str) {
            let now = instant("2026-06-05T14:12:00Z");
            assert_eq!(how_far(now + TimeDelta::seconds(seconds), now), expected);
        }
        check(0, "now");
        check(59, "now");
        check(-59, "now");
        check(60, "in 1 minute");
        check(-7_199, "119 minutes ago");
        check(7_200, "in 2 hours");
        check(170_999, "in 47 hours");
        check(172_800, "in 2 days");
        check(4 * 86_400 - 1, "in 4 days");
        check(3 * 86_400 + 3_600, "in 3 days");
        check(-86_400 * 30, "30 days ago");
    }

    #[test]
    fn dates_out_of_bounds_are_no_panic() {
        let calendar = calendar(Tz::Pacific__Apia, &[]);
        for date in [NaiveDate::MIN, NaiveDate::MAX] {
            assert!(!calendar.show(calendar.start_of_day(date)).is_empty());
            assert!(
                !calendar
                    .show_due(calendar.at_minute(date, u16::MAX))
                    .is_empty()
            );
        }
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert!(!calendar.show_due(at).is_empty());
            assert!(!calendar.explain(at, Span::BusinessDays(1), at).is_empty());
            assert!(!how_far(at, instant("2026-06-05T14:12:00Z")).is_empty());
        }
    }
}
