//! Holidays from an iCalendar file (RFC 5545): whole days, once or repeating.
//!
//! Read are DTSTART, DTEND, DURATION, RRULE, RDATE, EXDATE, STATUS and
//! RECURRENCE-ID of each VEVENT; all else is skipped. What is not understood
//! is a mistake with its line, as it must not silently become a working day.
//!
//! A repeating event is written out for the years that a policy can speak of,
//! [`YEARS`], whatever today's date is.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;

use chrono::{Datelike, NaiveDate};

use super::document::read_bytes;
use super::mistake::{Gravity, Mistake};

mod event;
mod line;
mod repeat;

use event::Event;
use line::{Line, unfolded};

/// Holidays outside are of no use: no report came before, and nobody knows the law so far ahead.
pub const YEARS: RangeInclusive<i32> = 1970..=2100;

/// More holidays than that in one year are no holidays, but a calendar of something else.
const MOST_IN_A_YEAR: usize = 150;

pub fn read(file: &Path) -> (BTreeSet<NaiveDate>, Vec<Mistake>) {
    match read_bytes(file) {
        Ok(bytes) => parse(file, &bytes),
        Err(mistake) => (BTreeSet::new(), vec![mistake]),
    }
}

/// What is wrong with one line, and the mend.
struct Problem {
    line: usize,
    /// The property's name.
    key: String,
    what: String,
    mend: String,
    gravity: Gravity,
}

impl Problem {
    fn new(line: &Line, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            line: line.number,
            key: line.name.clone(),
            what: what.into(),
            mend: mend.into(),
            gravity: Gravity::Error,
        }
    }

    fn of_file(line: usize, key: &str, what: &str, mend: &str) -> Self {
        Self {
            line,
            key: key.to_owned(),
            what: what.to_owned(),
            mend: mend.to_owned(),
            gravity: Gravity::Error,
        }
    }

    fn into_warning(self) -> Self {
        Self {
            gravity: Gravity::Warning,
            ..self
        }
    }

    fn into_mistake(self, file: &Path) -> Mistake {
        Mistake {
            line: Some(self.line),
            key: self.key,
            gravity: self.gravity,
            ..Mistake::of_file(file, self.what, self.mend)
        }
    }
}

fn parse(file: &Path, bytes: &[u8]) -> (BTreeSet<NaiveDate>, Vec<Mistake>) {
    let mut problems = Vec::new();
    let events = events(unfolded(bytes), &mut problems);
    let mut days = BTreeSet::new();
    for event in &events {
        match event.days(&events, &mut problems) {
            Ok(event_days) => days.extend(event_days),
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(too_many_in_a_year(&days));
    problems.sort_by_key(|problem| problem.line);
    let mistakes = problems.into_iter();
    let mistakes = mistakes.map(|problem| problem.into_mistake(file)).collect();
    (days, mistakes)
}

/// The events of the file, each with its properties as they stand there.
fn events(lines: Vec<Line>, problems: &mut Vec<Problem>) -> Vec<Event> {
    const FETCH: &str = "fetch the file anew, its end is missing";
    let last_line = lines.last().map_or(1, |line| line.number);
    let mut reader = Reader::default();
    for line in lines {
        reader.take(line, problems);
    }
    if !reader.is_calendar {
        let mend = "name a file that begins with BEGIN:VCALENDAR";
        problems.push(Problem::of_file(1, "", "is not an iCalendar file", mend));
    } else if let Some(event) = reader.open {
        let what = "begins and does not end";
        problems.push(Problem::of_file(event.line, "VEVENT", what, FETCH));
    } else if reader.calendars_open > 0 {
        let what = "ends without END:VCALENDAR";
        problems.push(Problem::of_file(last_line, "", what, FETCH));
    } else if reader.events.is_empty() && problems.is_empty() {
        let mend = "add events, or take holidays_file out";
        problems.push(Problem::of_file(1, "", "has no holiday in it", mend).into_warning());
    }
    reader.events
}

/// Goes through the lines and knows which component each belongs to.
#[derive(Default)]
struct Reader {
    is_calendar: bool,
    calendars_open: usize,
    events: Vec<Event>,
    open: Option<Event>,
    /// Components inside the open event (alarms), whose properties are their own.
    inside_event: usize,
}

impl Reader {
    fn take(&mut self, line: Line, problems: &mut Vec<Problem>) {
        let component = line.value.to_ascii_uppercase();
        match (line.name.as_str(), component.as_str()) {
            ("BEGIN", "VCALENDAR") => {
                self.is_calendar = true;
                self.calendars_open += 1;
            }
            ("END", "VCALENDAR") => {
                self.calendars_open = self.calendars_open.saturating_sub(1);
            }
            ("BEGIN", "VEVENT") => {
                if let Some(event) = self.open.replace(Event::beginning_at(line.number)) {
                    let what = "begins and does not end before the next one";
                    let mend = "add END:VEVENT in front of the next BEGIN:VEVENT";
                    problems.push(Problem::of_file(event.line, "VEVENT", what, mend));
                }
                self.inside_event = 0;
            }
            ("END", "VEVENT") => self.events.extend(self.open.take()),
            ("BEGIN", _) => self.inside_event += 1,
            ("END", _) => self.inside_event = self.inside_event.saturating_sub(1),
            _ => {
                if let Some(event) = self.open.as_mut().filter(|_| self.inside_event == 0) {
                    problems.extend(event.take(line).err());
                }
            }
        }
    }
}

/// A warning for the fullest year.
fn too_many_in_a_year(days: &BTreeSet<NaiveDate>) -> Option<Problem> {
    let in_year = |year: i32| days.iter().filter(|day| day.year() == year).count();
    let mut years: Vec<i32> = days.iter().map(Datelike::year).collect();
    years.dedup();
    let (count, year) = years
        .into_iter()
        .map(|year| (in_year(year), std::cmp::Reverse(year)))
        .max()?;
    (count > MOST_IN_A_YEAR).then(|| {
        let what = format!("makes {count} days of {} holidays", year.0);
        let mend = "name a calendar of days on which nobody works";
        Problem::of_file(1, "", &what, mend).into_warning()
    })
}

#[cfg(test)]
mod tests;
