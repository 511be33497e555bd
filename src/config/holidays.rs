//! Holidays from an iCalendar file (RFC 5545): all-day events, each on the
//! days from its start to the one before its end.
//!
//! An event that repeats (`RRULE`, `RDATE`) or that has a time of day is a
//! mistake: what is not understood must not silently become a working day.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{Days, NaiveDate};

use super::document::read_text;
use super::mistake::{Mistake, quote};

/// A longer event is no holiday.
const LONGEST_DAYS: i64 = 366;

pub fn read(file: &Path) -> (BTreeSet<NaiveDate>, Vec<Mistake>) {
    match read_text(file) {
        Ok(text) => parse(file, &text),
        Err(mistake) => (BTreeSet::new(), vec![mistake]),
    }
}

/// One content line, unfolded, and the number of its first line in the file.
struct Line {
    number: usize,
    text: String,
}

impl Line {
    /// Property name in upper case, parameters, value.
    fn parts(&self) -> Option<(String, &str, &str)> {
        let (head, value) = self.text.split_once(':')?;
        let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
        Some((name.to_ascii_uppercase(), parameters, value.trim()))
    }
}

/// One VEVENT while it is read.
#[derive(Default)]
struct Event {
    line: usize,
    start: Option<NaiveDate>,
    end: Option<NaiveDate>,
    days: Option<i64>,
    cancelled: bool,
    is_wrong: bool,
}

fn parse(file: &Path, text: &str) -> (BTreeSet<NaiveDate>, Vec<Mistake>) {
    let mut days = BTreeSet::new();
    let mut mistakes = Vec::new();
    let mut complain = |line: usize, key: &str, what: String, mend: &str| {
        mistakes.push(Mistake {
            line: Some(line),
            key: key.to_owned(),
            ..Mistake::of_file(file, what, mend)
        });
    };
    let mut is_calendar = false;
    let mut open: Option<Event> = None;
    for line in unfolded(text) {
        let Some((name, parameters, value)) = line.parts() else {
            continue;
        };
        match (
            name.as_str(),
            value.to_ascii_uppercase().as_str(),
            &mut open,
        ) {
            ("BEGIN", "VCALENDAR", _) => is_calendar = true,
            ("BEGIN", "VEVENT", _) => {
                open = Some(Event {
                    line: line.number,
                    ..Event::default()
                });
            }
            ("END", "VEVENT", Some(_)) => match open.take().map(Event::into_days) {
                Some(Ok(event_days)) => days.extend(event_days),
                Some(Err((line, what, mend))) => complain(line, "VEVENT", what, mend),
                None => {}
            },
            (_, _, Some(event)) => {
                if let Err((what, mend)) = event.take_property(&name, parameters, value) {
                    event.is_wrong = true;
                    complain(line.number, &name, what, mend);
                }
            }
            _ => {}
        }
    }
    if let Some(event) = open {
        let what = "begins and does not end".to_owned();
        complain(
            event.line,
            "VEVENT",
            what,
            "add END:VEVENT, or fetch the file anew",
        );
    }
    if !is_calendar {
        let what = "is not an iCalendar file".to_owned();
        complain(1, "", what, "name a file that begins with BEGIN:VCALENDAR");
    }
    (days, mistakes)
}

/// A line that begins with a space or a tab continues the one before (RFC 5545, 3.1).
fn unfolded(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (index, text) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        match (text.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some(line)) => line.text.push_str(more),
            _ => lines.push(Line {
                number: index + 1,
                text: text.to_owned(),
            }),
        }
    }
    lines
}

impl Event {
    fn take_property(
        &mut self,
        name: &str,
        parameters: &str,
        value: &str,
    ) -> Result<(), (String, &'static str)> {
        match name {
            "DTSTART" => self.start = Some(date(parameters, value)?),
            "DTEND" => self.end = Some(date(parameters, value)?),
            "DURATION" => self.days = Some(whole_days(value)?),
            "STATUS" => self.cancelled = value.eq_ignore_ascii_case("CANCELLED"),
            "RRULE" | "RDATE" => {
                let what = "repeating events are not supported yet".to_owned();
                return Err((what, "list the dates, each as an event of its own"));
            }
            _ => {}
        }
        Ok(())
    }

    fn into_days(self) -> Result<Vec<NaiveDate>, (usize, String, &'static str)> {
        if self.cancelled || self.is_wrong {
            return Ok(Vec::new());
        }
        let line = self.line;
        let start = self.start.ok_or_else(|| {
            (
                line,
                "has no DTSTART".to_owned(),
                "add DTSTART;VALUE=DATE:20261225",
            )
        })?;
        let length = match (self.end, self.days) {
            (Some(end), _) => (end - start).num_days(),
            (None, Some(days)) => days,
            (None, None) => 1,
        };
        // Some programs write the same date twice for a single day.
        let length = if length == 0 { 1 } else { length };
        if !(1..=LONGEST_DAYS).contains(&length) {
            let what = format!("lasts {length} days");
            return Err((line, what, "correct DTSTART and DTEND"));
        }
        let length = u64::try_from(length).unwrap_or_default();
        Ok((0..length)
            .filter_map(|day| start.checked_add_days(Days::new(day)))
            .collect())
    }
}

fn date(parameters: &str, value: &str) -> Result<NaiveDate, (String, &'static str)> {
    let wants_time = parameters.to_ascii_uppercase().contains("VALUE=DATE-TIME");
    let is_date = value.len() == 8 && value.chars().all(|c| c.is_ascii_digit());
    if wants_time || value.contains('T') {
        let what = format!("{} has a time of day", quote(value));
        return Err((
            what,
            "holidays are whole days, like DTSTART;VALUE=DATE:20261225",
        ));
    }
    NaiveDate::parse_from_str(value, "%Y%m%d")
        .ok()
        .filter(|_| is_date)
        .ok_or_else(|| {
            let what = format!("{} is not a date", quote(value));
            (what, "write it like 20261225")
        })
}

/// `P1D`, `P2W`.
fn whole_days(value: &str) -> Result<i64, (String, &'static str)> {
    let period = value.trim_start_matches('+').strip_prefix('P');
    let days = period.and_then(|period| match period.strip_suffix('W') {
        Some(weeks) => weeks.parse::<i64>().ok()?.checked_mul(7),
        None => period.strip_suffix('D')?.parse().ok(),
    });
    days.ok_or_else(|| {
        let what = format!("{} is not a number of whole days", quote(value));
        (what, "write it like P1D")
    })
}
