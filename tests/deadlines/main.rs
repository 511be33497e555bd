//! The calendar against rows that a person can check by hand, and against two slow oracles that
//! know no calendar arithmetic. The one here walks minute by minute and asks the zone what its
//! clocks show; the one in `oracle` knows pauses and percentages too.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use triaged::triage::calendar::Calendar;
use triaged::triage::policy::Span;

mod golden;
mod oracle;

const MON_FRI: [bool; 7] = [true, true, true, true, true, false, false];
const SUN_THU: [bool; 7] = [true, true, true, true, false, false, true];

fn calendar(zone: &str, working: [bool; 7], holidays: &[&str]) -> Calendar {
    Calendar {
        zone: zone.parse().expect("an IANA zone"),
        working,
        holidays: holidays
            .iter()
            .map(|day| day.parse().expect("a date"))
            .collect(),
    }
}

/// `start` and `due` are wall-clock times of the zone, which must be unique.
#[track_caller]
fn check(calendar: &Calendar, start: &str, span: Span, due: &str) {
    let instant = |text: &str| {
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a local time");
        let found = calendar.zone.from_local_datetime(&local);
        found.single().expect("one instant").to_utc()
    };
    check_instants(calendar, instant(start), span, instant(due));
}

#[track_caller]
fn check_utc(calendar: &Calendar, start: &str, span: Span, due: &str) {
    let instant = |text: &str| text.parse::<DateTime<Utc>>().expect("RFC 3339");
    check_instants(calendar, instant(start), span, instant(due));
}

#[track_caller]
fn check_instants(calendar: &Calendar, start: DateTime<Utc>, span: Span, due: DateTime<Utc>) {
    let found = calendar.due(start, span);
    assert_eq!(
        calendar.show(found),
        calendar.show(due),
        "{span} from {} in {}",
        calendar.show(start),
        calendar.zone
    );
    assert_eq!(found, due);
}

#[test]
fn the_examples_of_the_contract() {
    let berlin = calendar("Europe/Berlin", MON_FRI, &[]);
    // 5 June 2026 is a Friday.
    check(
        &berlin,
        "2026-06-05 15:00",
        Span::BusinessHours(48),
        "2026-06-09 15:00",
    );
    check(
        &berlin,
        "2026-06-06 12:00",
        Span::BusinessDays(5),
        "2026-06-13 00:00",
    );
    check(
        &berlin,
        "2026-06-05 16:12",
        Span::BusinessDays(5),
        "2026-06-12 16:12",
    );
    check(
        &berlin,
        "2026-06-08 00:00",
        Span::BusinessDays(5),
        "2026-06-13 00:00",
    );
}

#[test]
fn business_time_ends_with_the_day_that_completes_it() {
    let berlin = calendar("Europe/Berlin", MON_FRI, &["2026-06-08"]);
    check(
        &berlin,
        "2026-06-05 00:00",
        Span::BusinessHours(24),
        "2026-06-06 00:00",
    );
    check(
        &berlin,
        "2026-06-05 00:00",
        Span::BusinessDays(1),
        "2026-06-06 00:00",
    );
    check(
        &berlin,
        "2026-06-05 00:01",
        Span::BusinessHours(24),
        "2026-06-09 00:01",
    );
    check(
        &berlin,
        "2026-06-05 00:01",
        Span::BusinessDays(1),
        "2026-06-09 00:01",
    );
    check(
        &berlin,
        "2026-06-05 15:00",
        Span::BusinessHours(9),
        "2026-06-06 00:00",
    );
    check(
        &berlin,
        "2026-06-05 15:00",
        Span::BusinessHours(10),
        "2026-06-09 01:00",
    );
    // The holiday itself, at any hour.
    check(
        &berlin,
        "2026-06-08 23:59",
        Span::BusinessHours(1),
        "2026-06-09 01:00",
    );
    check(
        &berlin,
        "2026-06-08 00:00",
        Span::BusinessDays(1),
        "2026-06-10 00:00",
    );
    check(
        &berlin,
        "2026-06-05 16:12",
        Span::BusinessDays(5),
        "2026-06-15 16:12",
    );
}

#[test]
fn a_week_from_sunday_to_thursday() {
    let riyadh = calendar("Asia/Riyadh", SUN_THU, &["2026-09-23"]);
    // 18 September 2026 is a Friday.
    check(
        &riyadh,
        "2026-09-18 10:00",
        Span::BusinessDays(1),
        "2026-09-21 00:00",
    );
    check(
        &riyadh,
        "2026-09-17 10:00",
        Span::BusinessDays(1),
        "2026-09-20 10:00",
    );
    check(
        &riyadh,
        "2026-09-22 10:00",
        Span::BusinessHours(24),
        "2026-09-24 10:00",
    );
}

#[test]
fn civil_days_keep_the_wall_clock() {
    let berlin = calendar("Europe/Berlin", MON_FRI, &[]);
    check(
        &berlin,
        "2026-03-25 09:30",
        Span::Days(7),
        "2026-04-01 09:30",
    );
    check(
        &berlin,
        "2026-10-20 09:30",
        Span::Days(7),
        "2026-10-27 09:30",
    );
    check(
        &berlin,
        "2028-02-22 09:30",
        Span::Days(7),
        "2028-02-29 09:30",
    );
    check(
        &berlin,
        "2027-02-22 09:30",
        Span::Days(7),
        "2027-03-01 09:30",
    );
    check(
        &berlin,
        "2026-12-28 09:30",
        Span::Days(7),
        "2027-01-04 09:30",
    );
    // Hours elapse.
    check(
        &berlin,
        "2026-03-28 09:30",
        Span::Hours(24),
        "2026-03-29 10:30",
    );
    check(
        &berlin,
        "2026-10-24 09:30",
        Span::Hours(24),
        "2026-10-25 08:30",
    );
}

#[test]
fn a_skipped_wall_clock_time_moves_forward_by_the_gap() {
    let berlin = calendar("Europe/Berlin", [true; 7], &[]);
    check(
        &berlin,
        "2026-03-28 02:30",
        Span::Days(1),
        "2026-03-29 03:30",
    );
    check(
        &berlin,
        "2026-03-28 02:30",
        Span::BusinessDays(1),
        "2026-03-29 03:30",
    );
    check(
        &berlin,
        "2026-03-28 02:30",
        Span::Days(2),
        "2026-03-30 02:30",
    );
    let lord_howe = calendar("Australia/Lord_Howe", MON_FRI, &[]);
    check(
        &lord_howe,
        "2026-10-03 02:10",
        Span::Days(1),
        "2026-10-04 02:40",
    );
}

#[test]
fn of_a_wall_clock_time_that_comes_twice_the_first_counts() {
    let berlin = calendar("Europe/Berlin", [true; 7], &[]);
    // 02:30 CEST is 00:30 UTC, 02:30 CET is 01:30 UTC.
    check_utc(
        &berlin,
        "2026-10-24T00:30:00Z",
        Span::Days(1),
        "2026-10-25T00:30:00Z",
    );
    check_utc(
        &berlin,
        "2026-10-24T00:30:00Z",
        Span::BusinessDays(1),
        "2026-10-25T00:30:00Z",
    );
    check_utc(
        &berlin,
        "2026-10-25T01:30:00Z",
        Span::Days(1),
        "2026-10-26T01:30:00Z",
    );
}

#[test]
fn days_of_23_and_of_25_hours() {
    let berlin = calendar("Europe/Berlin", [true; 7], &[]);
    check(
        &berlin,
        "2026-03-29 00:00",
        Span::BusinessHours(23),
        "2026-03-30 00:00",
    );
    check(
        &berlin,
        "2026-10-25 00:00",
        Span::BusinessHours(25),
        "2026-10-26 00:00",
    );
    // Both changes lie on Sundays, which a company seldom works.
    let weekdays = calendar("Europe/Berlin", MON_FRI, &[]);
    check(
        &weekdays,
        "2026-03-27 15:00",
        Span::BusinessHours(48),
        "2026-03-31 15:00",
    );
    // Lord Howe Island changes by half an hour.
    let lord_howe = calendar("Australia/Lord_Howe", [true; 7], &[]);
    check(
        &lord_howe,
        "2026-10-04 00:00",
        Span::BusinessHours(24),
        "2026-10-05 00:30",
    );
}

#[test]
fn zones_whose_midnight_is_skipped_or_comes_twice() {
    // 16 October 2016 began at 01:00 in Sao Paulo.
    let sao_paulo = calendar("America/Sao_Paulo", [true; 7], &[]);
    check(
        &sao_paulo,
        "2016-10-15 12:00",
        Span::BusinessHours(12),
        "2016-10-16 01:00",
    );
    check(
        &sao_paulo,
        "2016-10-16 01:00",
        Span::BusinessHours(23),
        "2016-10-17 00:00",
    );
    check(
        &sao_paulo,
        "2016-10-16 01:00",
        Span::BusinessDays(1),
        "2016-10-17 00:00",
    );
    check(
        &sao_paulo,
        "2016-10-15 00:30",
        Span::Days(1),
        "2016-10-16 01:30",
    );
    // 18 February 2017 had its last hour twice.
    check(
        &sao_paulo,
        "2017-02-18 00:00",
        Span::BusinessHours(25),
        "2017-02-19 00:00",
    );
    // 1 November 2026 has its first hour twice in Havana: 04:00 and 05:00 UTC.
    let havana = calendar("America/Havana", [true; 7], &[]);
    check_utc(
        &havana,
        "2026-10-31T16:00:00Z",
        Span::BusinessHours(12),
        "2026-11-01T04:00:00Z",
    );
    check_utc(
        &havana,
        "2026-10-31T04:00:00Z",
        Span::Days(1),
        "2026-11-01T04:00:00Z",
    );
    check_utc(
        &havana,
        "2026-11-01T04:00:00Z",
        Span::BusinessHours(25),
        "2026-11-02T05:00:00Z",
    );
}

#[test]
fn the_day_that_samoa_skipped() {
    // After Thursday 29 December 2011 (UTC-10) came Saturday the 31st (UTC+14).
    let apia = calendar("Pacific/Apia", MON_FRI, &[]);
    check(
        &apia,
        "2011-12-29 12:00",
        Span::BusinessDays(1),
        "2012-01-02 12:00",
    );
    check(
        &apia,
        "2011-12-29 00:00",
        Span::BusinessDays(2),
        "2012-01-03 00:00",
    );
    check(
        &apia,
        "2011-12-29 12:00",
        Span::BusinessHours(24),
        "2012-01-02 12:00",
    );
    check(&apia, "2011-12-28 12:00", Span::Days(2), "2011-12-31 12:00");
    check(&apia, "2011-12-28 12:00", Span::Days(3), "2011-12-31 12:00");
}

#[test]
fn clocks_put_on_and_back_within_a_week() {
    // Recife: 8 October 2000 had 23 hours, 14 October 25.
    let recife = calendar(
        "America/Recife",
        [false, false, false, false, false, false, true],
        &[],
    );
    check(
        &recife,
        "2000-10-08 01:00",
        Span::BusinessHours(24),
        "2000-10-15 01:00",
    );
}

#[test]
fn absurd_calendars_and_spans_end() {
    let start: DateTime<Utc> = "2026-06-05T15:00:00Z".parse().expect("RFC 3339");
    let never = calendar("UTC", [false; 7], &[]);
    check_utc(
        &never,
        "2026-06-05T15:00:00Z",
        Span::BusinessDays(2),
        "2026-06-07T15:00:00Z",
    );
    let mut year_off = calendar("UTC", MON_FRI, &[]);
    year_off.holidays = start.date_naive().iter_days().take(4_000).collect();
    let due = year_off.due(start, Span::BusinessHours(1));
    assert_eq!(due.to_rfc3339(), "2037-05-18T01:00:00+00:00");
    for make in [
        Span::Hours,
        Span::Days,
        Span::BusinessHours,
        Span::BusinessDays,
    ] {
        let due = year_off.due(start, make(u32::MAX));
        assert!(due > start + TimeDelta::days(36_000), "{due}");
        let end = DateTime::<Utc>::MAX_UTC;
        assert!(year_off.due(end, make(u32::MAX)) < end);
        let begin = DateTime::<Utc>::MIN_UTC;
        assert!(year_off.due(begin, make(1)) > begin);
    }
}

#[test]
fn whole_seconds() {
    let utc = calendar("UTC", MON_FRI, &[]);
    check_utc(
        &utc,
        "2026-06-05T15:00:59.999Z",
        Span::Hours(1),
        "2026-06-05T16:00:59Z",
    );
    check_utc(
        &utc,
        "2026-06-08T00:00:00.500Z",
        Span::BusinessDays(1),
        "2026-06-09T00:00:00Z",
    );
}

// ---- against the oracle ----

/// What the zone's clocks show.
fn clocks(calendar: &Calendar, at: DateTime<Utc>) -> NaiveDateTime {
    calendar
        .zone
        .from_utc_datetime(&at.naive_utc())
        .naive_local()
}

fn date(calendar: &Calendar, at: DateTime<Utc>) -> NaiveDate {
    clocks(calendar, at).date()
}

fn is_worked(calendar: &Calendar, day: NaiveDate) -> bool {
    let weekday = chrono::Datelike::weekday(&day).num_days_from_monday() as usize;
    calendar.working[weekday] && !calendar.holidays.contains(&day)
}

/// Whole minutes are where offsets change and days end.
fn next_minute(at: DateTime<Utc>) -> DateTime<Utc> {
    at + TimeDelta::seconds(60 - at.timestamp().rem_euclid(60))
}

fn slow_business_hours(calendar: &Calendar, start: DateTime<Utc>, hours: u32) -> DateTime<Utc> {
    let mut left = TimeDelta::hours(hours.into());
    let mut at = start;
    loop {
        let step = next_minute(at) - at;
        if is_worked(calendar, date(calendar, at)) {
            if left <= step {
                return at + left;
            }
            left -= step;
        }
        at += step;
    }
}

fn slow_business_days(calendar: &Calendar, start: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    let today = date(calendar, start);
    let clock = clocks(calendar, start).time();
    let has_begun =
        date(calendar, start - TimeDelta::seconds(1)) == today && clock != chrono::NaiveTime::MIN;
    let within = is_worked(calendar, today) && has_begun;
    // Another date, another day; the first one counts unless it is half gone.
    let mut left = days;
    let mut at = start;
    let mut seen = if within { Some(today) } else { None };
    loop {
        let day = date(calendar, at);
        if seen != Some(day) {
            if left == 0 {
                return at;
            }
            seen = Some(day);
            if is_worked(calendar, day) {
                left -= 1;
                if left == 0 && within {
                    return slow_resolve(calendar, day.and_time(clock));
                }
            }
        }
        at = next_minute(at);
    }
}

/// The first instant at which the clocks show `wanted`, or jump over it.
fn slow_resolve(calendar: &Calendar, wanted: NaiveDateTime) -> DateTime<Utc> {
    let mut at = wanted.and_utc() - TimeDelta::hours(40);
    loop {
        let next = at + TimeDelta::minutes(1);
        let shown = clocks(calendar, at);
        if shown == wanted {
            return at;
        }
        if shown < wanted && clocks(calendar, next) > wanted {
            return at + (wanted - shown);
        }
        at = next;
    }
}

fn slow_due(calendar: &Calendar, start: DateTime<Utc>, span: Span) -> DateTime<Utc> {
    match span {
        Span::Hours(hours) => start + TimeDelta::hours(hours.into()),
        Span::Days(days) => {
            slow_resolve(calendar, clocks(calendar, start) + Days::new(days.into()))
        }
        Span::BusinessHours(hours) => slow_business_hours(calendar, start, hours),
        Span::BusinessDays(days) => slow_business_days(calendar, start, days),
    }
}

const ZONES: [&str; 20] = [
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Santiago",
    "America/Nuuk",
    "America/Scoresbysund",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Asia/Beirut",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Africa/Casablanca",
    "UTC",
];

/// The days on which the clocks of each zone change, to draw starts from.
static CHANGES: LazyLock<Vec<(Tz, Vec<i64>)>> = LazyLock::new(|| {
    let zones = ZONES.map(|name| name.parse::<Tz>().expect("an IANA zone"));
    zones
        .into_iter()
        .map(|zone| (zone, changes(zone)))
        .collect()
});

const YEAR_2000: i64 = 946_684_800;
const YEAR_2060: i64 = 2_840_140_800;

fn changes(zone: Tz) -> Vec<i64> {
    const STEP: i64 = 86_400;
    let offset = |at: i64| {
        let at = DateTime::from_timestamp(at, 0)
            .expect("in range")
            .naive_utc();
        chrono::Offset::fix(&zone.offset_from_utc_datetime(&at)).local_minus_utc()
    };
    let leap_day = 951_782_400;
    (YEAR_2000..YEAR_2060)
        .step_by(STEP as usize)
        .filter(|&at| offset(at) != offset(at + STEP))
        .chain([leap_day])
        .collect()
}

fn a_zone() -> impl Strategy<Value = &'static (Tz, Vec<i64>)> {
    prop::sample::select(CHANGES.iter().collect::<Vec<_>>())
}

/// Anywhere, or (two times of three) within days of a change of the clocks;
/// often on a whole hour, where boundaries are.
fn a_start(near: &'static [i64]) -> impl Strategy<Value = DateTime<Utc>> {
    let anywhere = YEAR_2000..YEAR_2060;
    let near_a_change = (prop::sample::select(near), -6 * 86_400..3 * 86_400_i64)
        .prop_map(|(change, away)| change + away);
    (
        prop_oneof![1 => anywhere, 2 => near_a_change],
        prop::sample::select(&[1_i64, 1, 1_800, 3_600][..]),
    )
        .prop_map(|(at, grain)| DateTime::from_timestamp(at - at % grain, 0).expect("in range"))
}

fn a_week() -> impl Strategy<Value = [bool; 7]> {
    prop_oneof![
        3 => Just(MON_FRI),
        2 => Just(SUN_THU),
        1 => Just([true; 7]),
        2 => any::<[bool; 7]>().prop_filter("some day is worked", |week| week.contains(&true)),
    ]
}

fn a_case() -> impl Strategy<Value = (Calendar, DateTime<Utc>)> {
    (a_zone(), a_week(), prop::collection::vec(0..30_u64, 0..5))
        .prop_flat_map(|((zone, near), working, off)| (a_start(near), Just((*zone, working, off))))
        .prop_map(|(start, (zone, working, off))| {
            let first = start.date_naive();
            let holidays: BTreeSet<NaiveDate> =
                off.into_iter().map(|day| first + Days::new(day)).collect();
            (
                Calendar {
                    zone,
                    working,
                    holidays,
                },
                start,
            )
        })
}

fn a_short_span() -> impl Strategy<Value = Span> {
    prop_oneof![
        1 => (1..200_u32).prop_map(Span::Hours),
        3 => (1..60_u32).prop_map(Span::Days),
        3 => prop_oneof![(1..120_u32), (1..5_u32).prop_map(|days| 24 * days)]
            .prop_map(Span::BusinessHours),
        3 => (1..9_u32).prop_map(Span::BusinessDays),
    ]
}

proptest! {
    #[test]
    fn the_calendar_agrees_with_the_oracle((calendar, start) in a_case(), span in a_short_span()) {
        let found = calendar.due(start, span);
        let expected = slow_due(&calendar, start, span);
        prop_assert_eq!(
            found, expected,
            "{} from {} ({}) in {:?}", span, calendar.show(start), start, calendar
        );
    }

    /// Long spans, which the oracle is too slow for, are chains of short ones.
    #[test]
    fn business_hours_add_up(
        (calendar, start) in a_case(), first in 1..4_000_u32, then in 1..200_u32,
    ) {
        let whole = calendar.due(start, Span::BusinessHours(first + then));
        let halfway = calendar.due(start, Span::BusinessHours(first));
        prop_assert_eq!(calendar.due(halfway, Span::BusinessHours(then)), whole);
    }

    /// Who starts later is not due earlier.
    #[test]
    fn business_time_keeps_order(
        (calendar, start) in a_case(), later in 1..200_000_i64, count in 1..400_u32,
    ) {
        let next = start + TimeDelta::seconds(later);
        let hours = Span::BusinessHours(count);
        prop_assert!(calendar.due(start, hours) <= calendar.due(next, hours));
        prop_assert!(calendar.due(start, hours) > start);
    }

    /// What is shown as 24:00 is the end of that day, and all else its own time.
    #[test]
    fn a_due_instant_is_shown_within_the_day_it_ends((calendar, start) in a_case()) {
        let midnight = calendar.start_of_day(calendar.date_of(start));
        prop_assert_eq!(calendar.date_of(midnight), calendar.date_of(start));
        prop_assert!(calendar.show_due(midnight).contains("24:00"));
        let after = midnight + TimeDelta::seconds(1);
        prop_assert_eq!(calendar.show_due(after), calendar.show(after));
    }
}
