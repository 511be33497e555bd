//! An oracle that lives through a deadline instead of computing it.
//!
//! It has a list of when each zone's clocks change, found by reading them four times a day, and
//! from it walks through time in pieces: stretches that bear one date and one offset. Elapsed and
//! business time are lived through second by second, pauses left out, until enough has passed.
//! Civil days are read off the clocks: what they show at the start of a pause, how far that is from
//! what they are to show in the end, and when they first show that much more after the pause.
//!
//! It shares with the calendar only the zones' offsets at an instant. It never asks which instant a
//! wall-clock time is.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use triaged::triage::calendar::{Calendar, Pause, Timing};
use triaged::triage::policy::Span;

use super::{MON_FRI, SUN_THU};

const DAY: i64 = 86_400;
/// 1985 and 2045: both kinds of daylight saving, its end in Brazil, the day that Samoa skipped.
const FIRST: i64 = 473_385_600;
const LAST: i64 = 2_366_841_600;

const ZONES: [&str; 18] = [
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Santiago",
    "America/Nuuk",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "Asia/Riyadh",
    "Asia/Tehran",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "UTC",
];

/// A zone, and from when on its clocks show how much more than UTC.
struct Clocks {
    zone: Tz,
    offsets: Vec<(i64, i64)>,
}

static CLOCKS: LazyLock<Vec<Clocks>> = LazyLock::new(|| {
    ZONES
        .iter()
        .map(|name| Clocks::read(name.parse().expect("an IANA zone")))
        .collect()
});

impl Clocks {
    fn read(zone: Tz) -> Self {
        let offset = |at: i64| {
            let utc = DateTime::from_timestamp(at, 0)
                .expect("in range")
                .naive_utc();
            i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
        };
        let mut offsets = vec![(FIRST, offset(FIRST))];
        for at in (FIRST..LAST).step_by(6 * 3_600) {
            let (mut before, mut after) = (at, at + 6 * 3_600);
            if offset(before) == offset(after) {
                continue;
            }
            while after - before > 1 {
                let between = (before + after) / 2;
                if offset(between) == offset(before) {
                    before = between;
                } else {
                    after = between;
                }
            }
            offsets.push((after, offset(after)));
        }
        Self { zone, offsets }
    }

    /// Position of the offset in force.
    fn position(&self, at: i64) -> usize {
        self.offsets.partition_point(|(from, _)| *from <= at) - 1
    }

    /// What the clocks show, in seconds as if they were UTC's.
    fn show(&self, at: i64) -> i64 {
        at + self.offsets[self.position(at)].1
    }

    /// From `start` on.
    fn pieces(&self, start: i64) -> impl Iterator<Item = Piece> {
        // Some days earlier, to know which day is not over.
        let mut at = start - 3 * DAY;
        let mut position = self.position(at);
        let mut day = i64::MIN;
        std::iter::from_fn(move || {
            let offset = self.offsets[position].1;
            let shown = at + offset;
            let midnight = at + DAY - shown.rem_euclid(DAY);
            let change = self
                .offsets
                .get(position + 1)
                .map_or(i64::MAX, |next| next.0);
            // A day is over once the next was shown, whatever the clocks show then.
            day = day.max(shown.div_euclid(DAY));
            let piece = Piece {
                from: at,
                until: midnight.min(change),
                day,
                offset,
            };
            at = piece.until;
            position += usize::from(at == change);
            Some(piece)
        })
        .skip_while(move |piece| piece.until <= start)
        .map(move |piece| Piece {
            from: piece.from.max(start),
            ..piece
        })
    }

    /// The first instant, `from` or later, at which the clocks show this or jump over it.
    fn first_showing(&self, shown: i64, from: i64) -> i64 {
        let mut jumped_from = None;
        for piece in self.pieces(from) {
            let (first, last) = (piece.from + piece.offset, piece.until + piece.offset);
            if shown < first {
                let before: i64 = jumped_from.expect("the clocks start below");
                return piece.from + (shown - before);
            }
            if shown < last {
                return piece.from + (shown - first);
            }
            jumped_from = Some(last);
        }
        unreachable!("time does not end")
    }
}

/// A stretch of time that bears one date and one offset.
struct Piece {
    from: i64,
    until: i64,
    /// Days since 1970.
    day: i64,
    offset: i64,
}

/// A question to the oracle, in plain seconds.
#[derive(Clone)]
struct Question {
    zone: usize,
    working: [bool; 7],
    /// Days since 1970.
    holidays: BTreeSet<i64>,
    start: i64,
    span: Span,
    pauses: Vec<(i64, i64)>,
    open_pause: Option<i64>,
}

impl Question {
    fn clocks(&self) -> &'static Clocks {
        &CLOCKS[self.zone]
    }

    fn works(&self, day: i64) -> bool {
        // The first of January 1970 was a Thursday.
        let weekday = (day + 3).rem_euclid(7) as usize;
        self.working[weekday] && !self.holidays.contains(&day)
    }

    fn calendar(&self) -> Calendar {
        let date = |day: &i64| {
            let at = DateTime::from_timestamp(day * DAY, 0).expect("in range");
            at.date_naive()
        };
        Calendar {
            zone: self.clocks().zone,
            working: self.working,
            holidays: self
                .holidays
                .iter()
                .map(date)
                .collect::<BTreeSet<NaiveDate>>(),
        }
    }

    fn answer(&self) -> Timing {
        let [half_at, warn_at, due_at] = match self.span {
            Span::Hours(hours) => self.lived(i64::from(hours) * 3_600, |_| true),
            Span::BusinessHours(hours) => {
                self.lived(i64::from(hours) * 3_600, |day| self.works(day))
            }
            Span::BusinessDays(days) => self.lived_days(days.into()),
            Span::Days(days) => self.read_off(days.into()),
        };
        let all_passed = match self.span {
            Span::BusinessDays(days) => self.worked_through(days.into())[2],
            _ => due_at,
        };
        let paused_at = self.open_pause.map(|from| from.max(self.start));
        Timing {
            half_at: instant(half_at),
            warn_at: instant(warn_at),
            due_at: instant(due_at),
            paused_at: paused_at.filter(|from| *from < all_passed).map(instant),
        }
    }

    /// So many business days are the seconds worked until the clocks show the same on the last of
    /// them. Where nothing pauses them they end when the clocks show it, which may be later than
    /// the last of those seconds: at the very beginning of a day that begins at one o'clock.
    fn lived_days(&self, days: i64) -> [i64; 3] {
        let lived = self.worked_through(days);
        let unpaused = Self {
            pauses: Vec::new(),
            ..self.clone()
        };
        match unpaused.worked_through(days) == lived {
            true => [lived[0], lived[1], self.after_business_days(days)],
            false => lived,
        }
    }

    fn worked_through(&self, days: i64) -> [i64; 3] {
        let end = self.after_business_days(days);
        let worked = self
            .clocks()
            .pieces(self.start)
            .take_while(|piece| piece.from < end)
            .filter(|piece| self.works(piece.day))
            .map(|piece| piece.until.min(end) - piece.from)
            .sum();
        self.lived(worked, |day| self.works(day))
    }

    /// When half, four fifths and all of so many seconds have passed that count and are no pause.
    fn lived(&self, seconds: i64, counts: impl Fn(i64) -> bool) -> [i64; 3] {
        let goals = [at_least(seconds, 50), at_least(seconds, 80), seconds];
        let mut reached = Vec::new();
        let mut passed = 0;
        for piece in self.clocks().pieces(self.start) {
            if !counts(piece.day) {
                continue;
            }
            for (from, until) in self.without_pauses(piece.from, piece.until) {
                while let Some(goal) = goals.get(reached.len())
                    && goal - passed <= until - from
                {
                    reached.push(from + (goal - passed));
                }
                if let [half, most, all] = reached[..] {
                    return [half, most, all];
                }
                passed += until - from;
            }
        }
        unreachable!("time does not end")
    }

    /// What is left of a stretch, in order.
    fn without_pauses(&self, mut from: i64, until: i64) -> Vec<(i64, i64)> {
        let mut left = Vec::new();
        for (paused, resumed) in &self.pauses {
            if from < (*paused).min(until) {
                left.push((from, (*paused).min(until)));
            }
            from = from.max(*resumed);
        }
        if from < until {
            left.push((from, until));
        }
        left
    }

    fn after_business_days(&self, days: i64) -> i64 {
        let clocks = self.clocks();
        let first = clocks.pieces(self.start).next().expect("a piece");
        let before = clocks.pieces(self.start - 1).next().expect("a piece");
        let clock = clocks.show(self.start).rem_euclid(DAY);
        let has_begun = before.day == first.day && clock != 0;
        let within = has_begun && self.works(first.day);
        let mut left = days;
        let mut last_day = if within { first.day } else { i64::MIN };
        for piece in clocks.pieces(self.start) {
            if piece.day == last_day {
                continue;
            }
            if left == 0 {
                return piece.from;
            }
            last_day = piece.day;
            if self.works(piece.day) {
                left -= 1;
                if left == 0 && within {
                    return clocks.first_showing(piece.day * DAY + clock, self.start);
                }
            }
        }
        unreachable!("time does not end")
    }

    /// Civil days, by what the clocks show.
    fn read_off(&self, days: i64) -> [i64; 3] {
        let clocks = self.clocks();
        let whole = days * DAY;
        let shares = [at_least(whole, 50), at_least(whole, 80), whole];
        let mut marks = [None; 3];
        let (mut went_on, mut passed) = (self.start, 0);
        let reached = |share: i64, went_on: i64, passed: i64| match share - passed {
            left @ 1.. => clocks.first_showing(clocks.show(went_on) + left, went_on),
            _ => went_on,
        };
        for (paused, resumed) in &self.pauses {
            let paused = (*paused).max(went_on);
            if reached(whole, went_on, passed) <= paused {
                break;
            }
            if *resumed <= paused {
                continue;
            }
            for (mark, share) in marks.iter_mut().zip(shares) {
                let at = reached(share, went_on, passed);
                *mark = mark.or((at <= paused).then_some(at));
            }
            passed += (clocks.show(paused) - clocks.show(went_on)).max(0);
            went_on = *resumed;
        }
        for (mark, share) in marks.iter_mut().zip(shares) {
            *mark = mark.or(Some(reached(share, went_on, passed)));
        }
        // What is skipped moves past what is not.
        let [half, most, all] = marks.map(|mark| mark.expect("each is reached"));
        [half.min(most).min(all), most.min(all), all]
    }
}

/// So many percent, and no less.
fn at_least(whole: i64, percent: i64) -> i64 {
    (whole * percent + 99) / 100
}

fn instant(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).expect("in range")
}

/// Starts, often near a change of the clocks or the end of a year, often on a whole hour.
fn a_start(zone: usize) -> impl Strategy<Value = i64> {
    const ROOM: i64 = 3_000 * DAY;
    let changes: Vec<i64> = CLOCKS[zone]
        .offsets
        .iter()
        .map(|(at, _)| *at)
        .filter(|at| (FIRST + ROOM..LAST - ROOM).contains(at))
        .chain([951_782_400])
        .collect();
    let near_a_change =
        (prop::sample::select(changes), -6 * DAY..3 * DAY).prop_map(|(at, away)| at + away);
    let near_a_new_year = (1_995..2_035_i32, -12 * DAY..5 * DAY).prop_map(|(year, away)| {
        let day = NaiveDate::from_ymd_opt(year, 1, 1).expect("a date");
        day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp() + away
    });
    let grain = prop::sample::select(&[1_i64, 1, 1_800, 3_600][..]);
    let start = prop_oneof![
        1 => FIRST + ROOM..LAST - ROOM,
        3 => near_a_change,
        1 => near_a_new_year,
    ];
    (start, grain).prop_map(|(at, grain)| at - at.rem_euclid(grain))
}

fn a_week() -> impl Strategy<Value = [bool; 7]> {
    prop_oneof![
        3 => Just(MON_FRI),
        3 => Just(SUN_THU),
        1 => Just([true; 7]),
        1 => any::<[bool; 7]>().prop_filter("some day is worked", |week| week.contains(&true)),
    ]
}

/// In the order of time: so far from the end of the one before, and so long. Some before the start,
/// some over the due instant, some after it.
fn pauses() -> impl Strategy<Value = (i64, Vec<(i64, i64)>, bool)> {
    let length = || prop_oneof![1 => Just(0_i64), 3 => 1..12 * 3_600_i64, 4 => 1..20 * DAY];
    let pause = (length(), length());
    (
        -3 * DAY..5 * DAY,
        prop::collection::vec(pause, 0..5),
        prop::bool::weighted(0.25),
    )
}

fn a_question(span: impl Strategy<Value = Span>) -> impl Strategy<Value = Question> {
    let holidays = prop::collection::vec(0..60_i64, 0..6);
    (0..ZONES.len(), a_week(), holidays, span, pauses())
        .prop_flat_map(|(zone, working, off, span, pauses)| {
            (a_start(zone), Just((zone, working, off, span, pauses)))
        })
        .prop_map(
            |(start, (zone, working, off, span, (away, list, is_open)))| {
                let mut at = start + away;
                let mut pauses = Vec::new();
                for (apart, length) in list {
                    let paused = at + apart;
                    at = paused + length;
                    pauses.push((paused, at));
                }
                let open_pause = if is_open {
                    pauses.pop().map(|last| last.0)
                } else {
                    None
                };
                Question {
                    zone,
                    working,
                    holidays: off.iter().map(|day| start.div_euclid(DAY) + day).collect(),
                    start,
                    span,
                    pauses,
                    open_pause,
                }
            },
        )
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let calendar = self.calendar();
        writeln!(
            f,
            "{} from {}",
            self.span,
            calendar.show(instant(self.start))
        )?;
        writeln!(f, "{:?}", calendar)?;
        writeln!(f, "start {}", instant(self.start))?;
        for (from, until) in &self.pauses {
            writeln!(f, "paused {} to {}", instant(*from), instant(*until))?;
        }
        write!(f, "open pause {:?}", self.open_pause.map(instant))
    }
}

#[track_caller]
fn check(question: &Question) -> Result<(), TestCaseError> {
    let closed = question.pauses.iter().map(|(from, until)| Pause {
        from: instant(*from),
        until: Some(instant(*until)),
    });
    let open = question.open_pause.map(|from| Pause {
        from: instant(from),
        until: None,
    });
    let pauses: Vec<Pause> = closed.chain(open).collect();
    let calendar = question.calendar();
    let found = calendar.timing(instant(question.start), question.span, &pauses);
    prop_assert_eq!(found, question.answer());
    if pauses.is_empty() {
        let due_at = calendar.due(instant(question.start), question.span);
        prop_assert_eq!(found.due_at, due_at);
    }
    prop_assert!(found.half_at <= found.warn_at && found.warn_at <= found.due_at);
    Ok(())
}

/// In all more than 100,000 deadlines; a kind of span each, so that they are lived through side by
/// side.
fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        // The cases are many and new each time; one that failed belongs into the golden table.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn hours_agree_with_the_oracle(
        question in a_question((1..1_000_u32).prop_map(Span::Hours)),
    ) {
        check(&question)?;
    }
}

proptest! {
    #![proptest_config(cases(27_000))]

    #[test]
    fn days_agree_with_the_oracle(
        question in a_question((1..60_u32).prop_map(Span::Days)),
    ) {
        check(&question)?;
    }

    #[test]
    fn business_hours_agree_with_the_oracle(
        question in a_question(
            prop_oneof![1..240_u32, (1..10_u32).prop_map(|days| 24 * days)]
                .prop_map(Span::BusinessHours)
        ),
    ) {
        check(&question)?;
    }

    #[test]
    fn business_days_agree_with_the_oracle(
        question in a_question((1..25_u32).prop_map(Span::BusinessDays)),
    ) {
        check(&question)?;
    }
}

/// The zones do what they are here for.
#[test]
fn the_clocks_were_read() {
    let of = |name: &str| {
        let clocks = CLOCKS.iter().find(|clocks| clocks.zone.name() == name);
        clocks.expect("a zone")
    };
    assert_eq!(of("UTC").offsets.len(), 1);
    assert_eq!(
        of("Asia/Kathmandu").offsets.last().map(|it| it.1),
        Some(20_700)
    );
    let samoa = of("Pacific/Apia");
    let skipped = NaiveDate::from_ymd_opt(2011, 12, 30).expect("a date");
    let skipped = skipped
        .and_time(chrono::NaiveTime::MIN)
        .and_utc()
        .timestamp();
    let shows_it = samoa
        .pieces(skipped - 5 * DAY)
        .take(20)
        .any(|piece| piece.day == skipped.div_euclid(DAY));
    assert!(!shows_it, "nobody in Samoa saw 30 December 2011");
    let summer = TimeDelta::days(80);
    let berlin = of("Europe/Berlin");
    let changes = berlin.offsets.windows(2);
    assert!(
        changes
            .skip(1)
            .all(|pair| pair[1].0 - pair[0].0 > summer.num_seconds())
    );
    assert_eq!(berlin.offsets.len(), 121, "two a year");
}
