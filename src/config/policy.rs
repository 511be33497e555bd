//! From `policy.toml` to a checked [`Policy`], or to the list of every mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::document::{Complaint, Document, Table, Value, read_text};
use super::mistake::{Gravity, Mistake, quote};
use super::read::weekdays;
use super::{holidays, units};
use crate::mail::message::Digest;
use crate::triage::calendar::Calendar;
use crate::triage::policy::{
    AcknowledgedBy, Deadlines, Policy, QuietHours, Remediate, Severity, Span, Terms,
};

/// Reads the policy. There is none where one of the mistakes is an
/// [error](Gravity::Error).
pub fn read(path: &Path) -> (Option<Policy>, Vec<Mistake>) {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(mistake) => return (None, vec![mistake]),
    };
    let mut feed_mistakes = Vec::new();
    let (policy, mut mistakes) =
        Document::parse(path, &text).read(|root| policy(root, &text, &mut feed_mistakes));
    mistakes.extend(feed_mistakes);
    let is_refused = mistakes.iter().any(|one| one.gravity == Gravity::Error);
    (Some(policy).filter(|_| !is_refused), mistakes)
}

fn policy(root: &Table, text: &str, feed_mistakes: &mut Vec<Mistake>) -> Policy {
    let version = root.value("version").and_then(|value| {
        let version = value.date_text()?;
        units::line(&version)
            .map_err(|complaint| value.complain(complaint))
            .ok()
    });
    Policy {
        version: version.unwrap_or_else(|| version_of(text)),
        calendar: calendar(root, feed_mistakes),
        quiet_hours: root.optional("quiet_hours", quiet_hours).flatten(),
        url: root.optional("url", url),
        deadlines: deadlines(root),
        terms: Terms::default(),
    }
}

/// Stands in for a version that nobody wrote: other words, another version.
fn version_of(text: &str) -> String {
    Digest::of(text.as_bytes())
        .to_string()
        .chars()
        .take(12)
        .collect()
}

fn calendar(root: &Table, feed_mistakes: &mut Vec<Mistake>) -> Calendar {
    const WORKING_WEEK: [bool; 7] = [true, true, true, true, true, false, false];
    let working = root.value("working_days").map(|value| weekdays(&value));
    let mut days = listed_holidays(root);
    if let Some(file) = root.value("holidays_file").and_then(|value| value.path()) {
        let (more, mistakes) = holidays::read(&file);
        days.extend(more);
        feed_mistakes.extend(mistakes);
    }
    Calendar {
        zone: zone(root),
        working: working.unwrap_or(WORKING_WEEK),
        holidays: days,
    }
}

/// Berlin, with a warning, where the file names none: a promise in a zone
/// that nobody chose should not go unnoticed.
fn zone(root: &Table) -> Tz {
    match root.value("time_zone") {
        Some(value) => value.parse(time_zone).unwrap_or(Tz::UTC),
        None => {
            let mend = "write time_zone = \"Europe/Berlin\" or your own";
            root.warn_missing("time_zone", "missing, so Europe/Berlin counts", mend);
            Tz::Europe__Berlin
        }
    }
}

fn time_zone(text: &str) -> Result<Tz, Complaint> {
    text.parse().map_err(|_| {
        let near = nearest_zone(text);
        let what = format!("{} is not an IANA time zone", quote(text));
        Complaint::new(what, format!("the nearest one is {}", quote(near)))
    })
}

/// By its whole name or by the city alone: `europe/berln`, `Berlin`.
fn nearest_zone(text: &str) -> &'static str {
    let text: String = text.to_lowercase().chars().take(40).collect();
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let likeness = |zone: &Tz| {
        let name = zone.name().to_lowercase();
        let whole = strsim::normalized_damerau_levenshtein(&text, &name);
        whole.max(0.99 * strsim::normalized_damerau_levenshtein(&city(&text), &city(&name)))
    };
    let zones = chrono_tz::TZ_VARIANTS.iter();
    zones
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .map_or("UTC", |zone| zone.name())
}

fn listed_holidays(root: &Table) -> BTreeSet<NaiveDate> {
    let entries = root
        .value("holidays")
        .map(|value| value.list())
        .unwrap_or_default();
    entries.iter().filter_map(holiday).collect()
}

fn holiday(value: &Value) -> Option<NaiveDate> {
    let text = value.date_text()?;
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    let date = date.filter(|_| text.len() == "2026-12-25".len());
    if date.is_none() {
        let what = format!("{} is not a date", quote(&text));
        value.complain(Complaint::new(what, "write it like \"2026-12-25\""));
    }
    date
}

/// `20:00-07:00`; `none` is none.
fn quiet_hours(text: &str) -> Result<Option<QuietHours>, Complaint> {
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

fn url(text: &str) -> Result<String, Complaint> {
    let url = units::line(text)?;
    let host = url.strip_prefix("https://").unwrap_or_default();
    if host.is_empty() || host.starts_with('/') || url.contains([' ', '<', '>', '"']) {
        let what = format!("{} is not an https address", quote(text));
        let mend = "write it like \"https://example.com/security/policy\"";
        return Err(Complaint::new(what, mend));
    }
    Ok(url)
}

fn deadlines(root: &Table) -> Deadlines {
    let none = || Deadlines {
        acknowledge: None,
        acknowledged_by: AcknowledgedBy::Reply,
        triage: None,
        update: None,
        remediate: Remediate::default(),
        disclose_after_fix: None,
        early_warning: None,
        notification: None,
        final_report: None,
    };
    let read = |table: &Table| Deadlines {
        remediate: table.section("remediate", remediate).unwrap_or_default(),
        disclose_after_fix: table.section("disclose", after_fix).flatten(),
        ..table
            .section("exploited", |section| exploited(section, none()))
            .unwrap_or_else(none)
    };
    root.required_section("deadlines", |table| promises(table, read(table)))
        .unwrap_or_else(none)
}

fn promises(table: &Table, sections: Deadlines) -> Deadlines {
    let by = [
        ("reply", AcknowledgedBy::Reply),
        ("person", AcknowledgedBy::Person),
    ];
    let mend = "write acknowledge = \"48 business hours\", or another span, or \"none\"";
    let acknowledge = table.required("acknowledge", mend, units::span);
    let mend = "write triage = \"7 days\", or another span, or \"none\"";
    let acknowledged_by = table.optional("acknowledged_by", units::one_of(&by));
    Deadlines {
        acknowledge: acknowledge.flatten(),
        acknowledged_by: acknowledged_by.unwrap_or(AcknowledgedBy::Reply),
        triage: table.required("triage", mend, units::span).flatten(),
        update: table.optional("update", units::span).flatten(),
        ..sections
    }
}

fn remediate(table: &Table) -> Remediate {
    let within = |severity: Severity| table.optional(severity.as_str(), units::span).flatten();
    Remediate {
        critical: within(Severity::Critical),
        high: within(Severity::High),
        medium: within(Severity::Medium),
        low: within(Severity::Low),
        words: BTreeMap::new(),
    }
}

fn after_fix(table: &Table) -> Option<Span> {
    table.optional("after_fix", units::span).flatten()
}

fn exploited(table: &Table, others: Deadlines) -> Deadlines {
    let within = |key| table.optional(key, calendar_span).flatten();
    let final_report = table.optional("final_report", |text| {
        calendar_span(text.trim().strip_suffix("after fix").unwrap_or(text))
    });
    Deadlines {
        early_warning: within("early_warning"),
        notification: within("notification"),
        final_report: final_report.flatten(),
        ..others
    }
}

/// What the law wants does not wait for Monday.
fn calendar_span(text: &str) -> Result<Option<Span>, Complaint> {
    let span = units::span(text)?;
    if span.is_some_and(Span::is_business) {
        let what = format!(
            "{} stands still over weekends, and the law does not",
            quote(text)
        );
        return Err(Complaint::new(
            what,
            "write hours or days, like \"72 hours\"",
        ));
    }
    Ok(span)
}
