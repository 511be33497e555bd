//! One deadline: its due instant, its 50 and its 80 percent.
//!
//! Over a year of starts in a zone with daylight saving, in a calendar with holidays, for each kind
//! of span, as it is and with two pauses.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use triaged::triage::calendar::{Calendar, Pause};
use triaged::triage::policy::Span;

const STARTS: usize = 200;
const BOUND: Duration = Duration::from_micros(10);
/// The fastest counts: a machine that is busy does not make the work more.
const TRIES: usize = 50;

/// Prints a line for each kind of span; panics where one takes too long.
pub fn measure() {
    println!("\none deadline, its 50 and its 80 percent");
    let calendar = calendar();
    let spans = [
        Span::Hours(72),
        Span::Days(90),
        Span::BusinessHours(48),
        Span::BusinessDays(5),
        Span::BusinessDays(10),
    ];
    for span in spans {
        for pauses in [0, 2] {
            let fastest = (0..TRIES).map(|_| each(&calendar, span, pauses)).min();
            let fastest = fastest.unwrap_or(Duration::MAX);
            println!(
                "  {:18} {pauses} pauses  {:6.2} µs",
                span.to_string(),
                fastest.as_secs_f64() * 1e6
            );
            assert!(fastest < BOUND, "{span} with {pauses} pauses: {fastest:?}");
        }
    }
}

fn each(calendar: &Calendar, span: Span, pauses: usize) -> Duration {
    let first: DateTime<Utc> = "2026-01-01T09:17:00Z".parse().expect("an instant");
    let began = Instant::now();
    for number in 0..STARTS {
        let start = first + TimeDelta::minutes(2_579 * number as i64);
        let pause = |hours: i64| Pause {
            from: start + TimeDelta::hours(hours),
            until: Some(start + TimeDelta::hours(hours + 30)),
        };
        let pauses = &[pause(10), pause(60)][..pauses];
        black_box(calendar.timing(black_box(start), span, pauses));
    }
    began.elapsed() / STARTS as u32
}

fn calendar() -> Calendar {
    let holiday = |(month, day)| NaiveDate::from_ymd_opt(2026, month, day).expect("a date");
    let days = [
        (1, 1),
        (4, 3),
        (4, 6),
        (5, 1),
        (5, 14),
        (5, 25),
        (10, 3),
        (12, 25),
        (12, 26),
    ];
    Calendar {
        zone: chrono_tz::Europe::Berlin,
        working: [true, true, true, true, true, false, false],
        holidays: days.into_iter().map(holiday).collect(),
    }
}
