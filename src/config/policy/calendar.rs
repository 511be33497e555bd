//! The calendar of the promise: zone, working week, holidays, quiet hours.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;

use crate::config::document::{Complaint, Table, Value};
use crate::config::mistake::{Gravity, quote};
use crate::config::read::weekdays;
use crate::config::{holidays, units};
use crate::triage::calendar::Calendar;
use crate::triage::policy::QuietHours;

const NOON: u16 = 12 * 60;

pub fn calendar(root: &Table) -> Calendar {
    const WORKING_WEEK: [bool; 7] = [true, true, true, true, true, false, false];
    let working = root.value("working_days").map(|value| working_days(&value));
    let mut days = listed_holidays(root);
    days.extend(holidays_of_file(root));
    Calendar {
        zone: zone(root),
        working: working.unwrap_or(WORKING_WEEK),
        holidays: days,
    }
}

/// Berlin, with a warning, where the file names none: a promise in a zone
/// that nobody chose should not go unnoticed.
fn zone(root: &Table) -> Tz {
    let Some(value) = root.value("time_zone") else {
        let mend = "write time_zone = \"Europe/Berlin\" or your own";
        root.warn_missing("time_zone", "missing, so Europe/Berlin counts", mend);
        return Tz::Europe__Berlin;
    };
    let zone = value.parse(time_zone).unwrap_or(Tz::UTC);
    if let Some(complaint) = odd_zone(zone) {
        value.warn(Gravity::Warning, complaint);
    }
    zone
}

fn time_zone(text: &str) -> Result<Tz, Complaint> {
    text.parse().map_err(|_| {
        let what = format!("{} is not an IANA time zone", quote(text));
        let mend = match nearest_zone(text) {
            Some(near) => format!("the nearest one is {}", quote(near)),
            None => "name a city, like \"Europe/Berlin\"".to_owned(),
        };
        Complaint::new(what, mend)
    })
}

/// By its whole name, by the city alone, or by what its clocks are called:
/// `europe/berln`, `Berlin`, `CEST`.
fn nearest_zone(text: &str) -> Option<&'static str> {
    /// As they are meant most often.
    const CLOCKS: [(&str, &str); 12] = [
        ("cest", "Europe/Berlin"),
        ("mez", "Europe/Berlin"),
        ("mesz", "Europe/Berlin"),
        ("bst", "Europe/London"),
        ("edt", "America/New_York"),
        ("cst", "America/Chicago"),
        ("cdt", "America/Chicago"),
        ("mdt", "America/Denver"),
        ("pst", "America/Los_Angeles"),
        ("pdt", "America/Los_Angeles"),
        ("ist", "Asia/Kolkata"),
        ("jst", "Asia/Tokyo"),
    ];
    const LIKE_ENOUGH: f64 = 0.6;
    let text: String = text.to_lowercase().chars().take(40).collect();
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let likeness = |zone: &Tz| {
        let name = zone.name().to_lowercase();
        let whole = strsim::normalized_damerau_levenshtein(&text, &name);
        whole.max(0.99 * strsim::normalized_damerau_levenshtein(&city(&text), &city(&name)))
    };
    if let Some((_, zone)) = CLOCKS.iter().find(|(clock, _)| *clock == text) {
        return Some(zone);
    }
    let zones = chrono_tz::TZ_VARIANTS.iter();
    zones
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|zone| likeness(zone) >= LIKE_ENOUGH)
        .map(|zone| zone.name())
}

/// Names that are in the tables and do not mean what people think.
fn odd_zone(zone: Tz) -> Option<Complaint> {
    let name = zone.name();
    let what = match name {
        "EST" | "MST" | "HST" => "has no daylight saving time, all year round",
        _ if name.starts_with("Etc/GMT-") => "lies east of Greenwich: its sign is turned round",
        _ if name.starts_with("Etc/GMT+") => "lies west of Greenwich: its sign is turned round",
        _ => return None,
    };
    let mend = "name a city, like \"America/New_York\", or \"UTC\"";
    Some(Complaint::new(format!("{} {what}", quote(name)), mend))
}

fn working_days(value: &Value) -> [bool; 7] {
    let mut seen = BTreeSet::new();
    for entry in value.list() {
        let day = entry.text().and_then(|text| units::weekday(text).ok());
        if day.is_some_and(|day| !seen.insert(day.num_days_from_monday())) {
            let what = "names a day twice";
            entry.warn(Gravity::Warning, Complaint::new(what, "keep one of them"));
        }
    }
    weekdays(value)
}

fn listed_holidays(root: &Table) -> BTreeSet<NaiveDate> {
    let Some(value) = root.value("holidays") else {
        return BTreeSet::new();
    };
    if let Some(file) = value.bare_text().filter(|text| text.ends_with(".ics")) {
        let what = format!("{} is a file, not a list of dates", quote(file));
        let mend = format!("write holidays_file = {}", quote(file));
        value.complain(Complaint::new(what, mend));
        return BTreeSet::new();
    }
    let entries = value.list();
    let mut first_lines: BTreeMap<NaiveDate, usize> = BTreeMap::new();
    for entry in &entries {
        let Some(date) = holiday(entry) else {
            continue;
        };
        if let Some(line) = first_lines.get(&date) {
            let what = format!("\"{date}\" stands in line {line} already");
            entry.warn(Gravity::Warning, Complaint::new(what, "keep one of them"));
        }
        first_lines.entry(date).or_insert(entry.line());
    }
    first_lines.into_keys().collect()
}

fn holiday(value: &Value) -> Option<NaiveDate> {
    let text = value.date_text()?;
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    let date = date.filter(|_| text.len() == "2026-12-25".len());
    let Some(date) = date else {
        let what = format!("{} is not a date", quote(&text));
        value.complain(Complaint::new(what, "write it like \"2026-12-25\""));
        return None;
    };
    if !holidays::YEARS.contains(&date.year()) {
        let what = format!("{} is far from now", quote(&text));
        let mend = format!(
            "write a year from {} to {}",
            holidays::YEARS.start(),
            holidays::YEARS.end()
        );
        value.complain(Complaint::new(what, mend));
    }
    Some(date)
}

fn holidays_of_file(root: &Table) -> BTreeSet<NaiveDate> {
    let Some(value) = root.value("holidays_file") else {
        return BTreeSet::new();
    };
    let Some(file) = value.path() else {
        return BTreeSet::new();
    };
    let (days, mistakes) = holidays::read(&file);
    value.complain_of_file(mistakes);
    days
}

/// `None`: the team may be written to at any hour.
pub fn quiet_hours(root: &Table) -> Option<QuietHours> {
    let value = root.value("quiet_hours")?;
    let hours = value.parse(pair_of_times)??;
    let QuietHours {
        from_minute: from,
        until_minute: until,
    } = hours;
    let is_quiet_at_noon = if from < until {
        (from..until).contains(&NOON)
    } else {
        from <= NOON || NOON < until
    };
    if is_quiet_at_noon {
        let what = "is quiet at noon, when people work";
        let mend = format!(
            "write it the other way round, \"{}-{}\"",
            time(until),
            time(from)
        );
        value.warn(Gravity::Warning, Complaint::new(what, mend));
    }
    Some(hours)
}

fn time(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `20:00-07:00`; `none` is none.
fn pair_of_times(text: &str) -> Result<Option<QuietHours>, Complaint> {
    const MEND: &str = "write it like \"20:00-07:00\", or \"none\"";
    if text.is_empty() || text == "none" {
        return Ok(None);
    }
    let what = || format!("{} is not a pair of times", quote(text));
    let refusal = || Complaint::new(what(), MEND);
    let (from, until) = text.split_once(['-', '–']).ok_or_else(refusal)?;
    let hours = QuietHours {
        from_minute: units::time_of_day(from).map_err(|_| refusal())?,
        until_minute: units::time_of_day(until).map_err(|_| refusal())?,
    };
    if hours.from_minute == hours.until_minute {
        let what = format!("{} would be quiet for ever", quote(text));
        return Err(Complaint::new(what, MEND));
    }
    Ok(Some(hours))
}
