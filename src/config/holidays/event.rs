//! One VEVENT: from its properties to the days on which nobody works.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate};

use super::line::Line;
use super::{Problem, YEARS, repeat};
use crate::config::mistake::quote;

/// A longer event is no holiday.
const LONGEST_DAYS: i64 = 366;
const DAY: i64 = 86_400;

/// Properties that say when it is. All others are skipped.
const KNOWN: [&str; 9] = [
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "EXRULE",
    "STATUS",
    "RECURRENCE-ID",
];

/// One VEVENT as it stands in the file.
#[derive(Default)]
pub struct Event {
    /// Of its BEGIN.
    pub line: usize,
    uid: Option<String>,
    properties: Vec<Line>,
    /// A line of it was complained of, so its days are not known.
    is_wrong: bool,
}

impl Event {
    pub fn beginning_at(line: usize) -> Self {
        Self {
            line,
            ..Self::default()
        }
    }

    pub fn take(&mut self, line: Line) -> Result<(), Problem> {
        if line.name == "UID" {
            self.uid = Some(line.value);
            return Ok(());
        }
        let meant = KNOWN.into_iter().find(|known| line.name.starts_with(known));
        if !line.is_whole {
            return self.refuse_broken(&line, meant);
        }
        if !KNOWN.contains(&line.name.as_str()) {
            return Ok(());
        }
        self.refuse_second(&line)?;
        self.properties.push(line);
        Ok(())
    }

    /// Without a colon. Descriptions are often broken over lines in wrong ways, and never matter.
    fn refuse_broken(&mut self, line: &Line, meant: Option<&str>) -> Result<(), Problem> {
        let Some(meant) = meant else {
            return Ok(());
        };
        self.is_wrong = true;
        let what = format!("{} has no colon", quote(&line.name));
        let mend = format!("write it like {meant}:VALUE");
        Err(Problem::of_file(line.number, meant, &what, &mend))
    }

    fn refuse_second(&mut self, line: &Line) -> Result<(), Problem> {
        let may_repeat = ["RDATE", "EXDATE"].contains(&line.name.as_str());
        match self.property(&line.name) {
            Some(first) if !may_repeat => {
                let what = format!("stands in line {} already", first.number);
                self.is_wrong = true;
                Err(Problem::new(line, what, "keep one of the two"))
            }
            _ => Ok(()),
        }
    }

    fn property(&self, name: &str) -> Option<&Line> {
        self.properties.iter().find(|line| line.name == name)
    }

    fn properties<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Line> {
        self.properties.iter().filter(move |line| line.name == name)
    }

    /// Every day that it takes, within [`YEARS`].
    pub fn days(
        &self,
        all: &[Self],
        problems: &mut Vec<Problem>,
    ) -> Result<BTreeSet<NaiveDate>, Problem> {
        if self.is_wrong || self.is_cancelled() {
            return Ok(BTreeSet::new());
        }
        let start = self.start()?;
        let length = self.length(start)?;
        let mut begins = self.beginnings(start)?;
        for excluded in self.exceptions(all)? {
            self.exclude(&excluded, &mut begins, problems);
        }
        let days = begins.into_iter().flat_map(|first| {
            let days = (0..length).filter_map(move |day| first.checked_add_days(Days::new(day)));
            days.filter(|day| YEARS.contains(&day.year()))
        });
        Ok(days.collect())
    }

    fn is_cancelled(&self) -> bool {
        let status = self.property("STATUS");
        status.is_some_and(|line| line.value.eq_ignore_ascii_case("CANCELLED"))
    }

    fn start(&self) -> Result<NaiveDate, Problem> {
        let Some(line) = self.property("DTSTART") else {
            let mend = "add DTSTART;VALUE=DATE:20261225";
            return Err(Problem::of_file(
                self.line,
                "VEVENT",
                "has no DTSTART",
                mend,
            ));
        };
        let start = date(line, &line.value)?;
        let has_end = self.property("DTEND").is_some() || self.property("DURATION").is_some();
        if line.value.contains('T') && !has_end {
            return Err(timed(line, &line.value));
        }
        Ok(start)
    }

    /// In days, at least one.
    fn length(&self, start: NaiveDate) -> Result<u64, Problem> {
        let (line, length) = match (self.property("DTEND"), self.property("DURATION")) {
            (Some(_), Some(duration)) => {
                let what = "DTEND is there too";
                return Err(Problem::new(duration, what, "keep one of the two"));
            }
            (Some(end), None) => (end, (date(end, &end.value)? - start).num_days()),
            (None, Some(duration)) => (duration, whole_days(duration)?),
            (None, None) => return Ok(1),
        };
        // Some programs write the same date twice for a single day.
        let length = if length == 0 && !line.value.contains('T') {
            1
        } else {
            length
        };
        if !(1..=LONGEST_DAYS).contains(&length) {
            let what = format!("makes the event last {length} days");
            let mend = "correct it; DTEND is the day after the last one";
            return Err(Problem::new(line, what, mend));
        }
        Ok(u64::try_from(length).unwrap_or(1))
    }

    /// The first day of each time that it comes.
    fn beginnings(&self, start: NaiveDate) -> Result<BTreeSet<NaiveDate>, Problem> {
        if let Some(line) = self.property("EXRULE") {
            let mend = "list the days in EXDATE";
            let what = "is no longer part of iCalendar (RFC 5545)";
            return Err(Problem::new(line, what, mend));
        }
        let mut begins = match self.property("RRULE") {
            Some(rule) => repeat::days(rule, start)?,
            None => BTreeSet::from([start]),
        };
        for line in self.properties("RDATE") {
            begins.extend(dates(line)?);
        }
        Ok(begins)
    }

    /// Days on which it does not come: EXDATE, and those that an event of the same UID replaces.
    fn exceptions<'e>(&'e self, all: &'e [Self]) -> Result<Vec<Exception<'e>>, Problem> {
        let mut exceptions = Vec::new();
        if self.property("RECURRENCE-ID").is_some() {
            return Ok(exceptions);
        }
        for line in self.properties("EXDATE") {
            exceptions.extend(dates(line)?.map(|day| Exception { line, day }));
        }
        let is_same = |other: &&Self| other.uid.is_some() && other.uid == self.uid;
        for line in all
            .iter()
            .filter(is_same)
            .filter_map(|other| other.property("RECURRENCE-ID"))
        {
            if line.parameter("RANGE").is_some() {
                let mend = "end the first event with UNTIL and begin a new one";
                let what = "changes every day from there on, which is not supported";
                return Err(Problem::new(line, what, mend));
            }
            let day = date(line, &line.value)?;
            exceptions.push(Exception { line, day });
        }
        Ok(exceptions)
    }

    fn exclude(
        &self,
        excluded: &Exception,
        begins: &mut BTreeSet<NaiveDate>,
        problems: &mut Vec<Problem>,
    ) {
        let is_far = !YEARS.contains(&excluded.day.year());
        if !begins.remove(&excluded.day) && !is_far {
            let what = format!(
                "{} is no day of the event that begins in line {}, so it takes nothing away",
                excluded.day, self.line
            );
            let mend = "correct the date, or take it out";
            problems.push(Problem::new(excluded.line, what, mend).into_warning());
        }
    }
}

/// A day that is taken away from a repeating event.
struct Exception<'e> {
    line: &'e Line,
    day: NaiveDate,
}

fn dates(line: &Line) -> Result<impl Iterator<Item = NaiveDate>, Problem> {
    let dates: Result<Vec<_>, _> = line
        .value
        .split(',')
        .map(|value| date(line, value.trim()))
        .collect();
    dates.map(Vec::into_iter)
}

/// A date, or midnight of a date in some zone. Midnight in UTC is another time
/// elsewhere, so it is refused.
fn date(line: &Line, value: &str) -> Result<NaiveDate, Problem> {
    if line.parameter("VALUE") == Some("PERIOD") || value.contains('/') {
        let mend = "write days, like 20261225";
        return Err(Problem::new(line, "is a period of time", mend));
    }
    let (day, time) = value.split_once('T').unwrap_or((value, "000000"));
    if time != "000000" && !day.is_empty() && is_digits(day) {
        return Err(timed(line, value));
    }
    NaiveDate::parse_from_str(day, "%Y%m%d")
        .ok()
        .filter(|_| day.len() == 8 && is_digits(day))
        .ok_or_else(|| {
            let what = format!("{} is not a date", quote(value));
            Problem::new(line, what, "write it like 20261225")
        })
}

fn timed(line: &Line, value: &str) -> Problem {
    let what = format!("{} has a time of day", quote(value));
    let mend = format!(
        "holidays are whole days, like {};VALUE=DATE:20261225",
        line.name
    );
    Problem::new(line, what, mend)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `P1D`, `P2W`, `PT24H` (RFC 5545, 3.3.6).
fn whole_days(line: &Line) -> Result<i64, Problem> {
    let refusal = || {
        let what = format!("{} is not a number of whole days", quote(&line.value));
        Problem::new(line, what, "write it like P1D")
    };
    let seconds = seconds(&line.value).ok_or_else(refusal)?;
    let is_whole = seconds > 0 && seconds % DAY == 0;
    Some(seconds / DAY).filter(|_| is_whole).ok_or_else(refusal)
}

fn seconds(duration: &str) -> Option<i64> {
    let mut left = duration.trim_start_matches('+').strip_prefix('P')?;
    let mut total: i64 = 0;
    while !left.is_empty() {
        left = left.strip_prefix('T').unwrap_or(left);
        let unit_at = left.find(|c: char| !c.is_ascii_digit())?;
        let (count, rest) = left.split_at_checked(unit_at)?;
        let mut rest = rest.chars();
        let unit = match rest.next()? {
            'W' => 7 * DAY,
            'D' => DAY,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        total = count
            .parse::<i64>()
            .ok()?
            .checked_mul(unit)?
            .checked_add(total)?;
        left = rest.as_str();
    }
    Some(total)
}
