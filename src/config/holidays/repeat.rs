//! The days of a recurrence rule. The crate `rrule` knows which they are; here
//! they are bounded, and its refusals get a line and a mend.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};
use rrule::{RRule, RRuleSet, Tz, Unvalidated};

use super::line::Line;
use super::{Problem, YEARS};
use crate::config::mistake::{nearest, quote};

/// A rule that begins earlier is a slip of the pen.
const EARLIEST: i32 = 1900;

const PARTS: [&str; 11] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYMONTH",
    "BYMONTHDAY",
    "BYDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYSETPOS",
];
const FREQUENCIES: [&str; 4] = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY"];

/// The first day of each time that an event comes by this rule, from `start` to the end of [`YEARS`].
pub fn days(line: &Line, start: NaiveDate) -> Result<BTreeSet<NaiveDate>, Problem> {
    if start.year() < EARLIEST {
        let what = format!("repeats since {}", start.year());
        return Err(Problem::new(line, what, "correct the year of DTSTART"));
    }
    let rule = Rule::read(line)?;
    let rule = match rule.until {
        Some(until) => rule.others.until(midnight(until)),
        None => rule.others,
    };
    let rule = rule
        .validate(midnight(start))
        .map_err(|error| refused(line, &error))?;
    let end = NaiveDate::from_ymd_opt(*YEARS.end(), 12, 31).unwrap_or(NaiveDate::MAX);
    let found = RRuleSet::new(midnight(start))
        .rrule(rule)
        .before(midnight(end))
        .all(u16::MAX);
    let days: BTreeSet<NaiveDate> = found.dates.iter().map(DateTime::date_naive).collect();
    if !days.contains(&start) {
        let what = format!("does not fall on DTSTART, {}", start.format("%Y%m%d"));
        let mend = "begin DTSTART on the first day of the rule";
        return Err(Problem::new(line, what, mend));
    }
    Ok(days)
}

/// UTC stands for any zone here: whole days have none.
fn midnight(day: NaiveDate) -> DateTime<Tz> {
    day.and_time(NaiveTime::MIN)
        .and_utc()
        .with_timezone(&Tz::UTC)
}

/// A rule, and its last day apart: for a whole day it is a date, and programs
/// write it with a time of day all the same.
struct Rule {
    others: RRule<Unvalidated>,
    until: Option<NaiveDate>,
}

impl Rule {
    fn read(line: &Line) -> Result<Self, Problem> {
        let text = line.value.to_ascii_uppercase();
        let mut others = Vec::new();
        let mut until = None;
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            check_part(line, name, value)?;
            match name {
                "UNTIL" => until = Some(last_day(line, value)?),
                _ => others.push(part),
            }
        }
        let others = others.join(";");
        let others = others.parse().map_err(|error| refused(line, &error))?;
        Ok(Self { others, until })
    }
}

fn check_part(line: &Line, name: &str, value: &str) -> Result<(), Problem> {
    if name == "BYEASTER" || name.starts_with("X-") {
        let what = format!("{} is no part of RFC 5545", quote(name));
        return Err(Problem::new(line, what, "list the days in RDATE"));
    }
    if !PARTS.contains(&name) {
        let near = nearest(name, PARTS).unwrap_or_default();
        let what = format!("{} is no part of a rule for whole days", quote(name));
        return Err(Problem::new(
            line,
            what,
            format!("the nearest one is {}", quote(near)),
        ));
    }
    if value.is_empty() {
        let what = format!("{} has no value", quote(name));
        return Err(Problem::new(line, what, "write one, or take it out"));
    }
    if name == "FREQ" && !FREQUENCIES.contains(&value) {
        let near = nearest(value, FREQUENCIES).unwrap_or_default();
        let what = format!("{} is not how often a holiday comes", quote(value));
        return Err(Problem::new(
            line,
            what,
            format!("the nearest one is {}", quote(near)),
        ));
    }
    if ["INTERVAL", "COUNT"].contains(&name) && !value.parse::<u16>().is_ok_and(|count| count > 0) {
        let what = format!("{name} is {}", quote(value));
        return Err(Problem::new(line, what, "write a number from 1 on"));
    }
    Ok(())
}

fn last_day(line: &Line, value: &str) -> Result<NaiveDate, Problem> {
    let day = value.split('T').next().unwrap_or_default();
    NaiveDate::parse_from_str(day, "%Y%m%d")
        .ok()
        .filter(|_| day.len() == 8)
        .ok_or_else(|| {
            let what = format!("UNTIL is {}, which is not a date", quote(value));
            Problem::new(line, what, "write it like UNTIL=20301225")
        })
}

fn refused(line: &Line, error: &rrule::RRuleError) -> Problem {
    let what = format!("{} is not understood ({error})", quote(&line.value));
    let mend = "write it like FREQ=YEARLY, or list the days in RDATE";
    Problem::new(line, what, mend)
}
