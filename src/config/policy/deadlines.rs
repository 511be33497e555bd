//! `[deadlines]`: the spans that are promised, and those that cannot all be meant.

use std::collections::BTreeMap;

use super::sentences::Sentences;
use crate::config::document::{Complaint, Table, Value};
use crate::config::mistake::{Gravity, quote};
use crate::config::units;
use crate::triage::calendar::Calendar;
use crate::triage::policy::{AcknowledgedBy, Deadlines, Remediate, Sentence, Severity, Span};

pub fn deadlines<'a>(
    root: &Table<'a>,
    calendar: &Calendar,
    sentences: &Sentences<'a>,
) -> Deadlines {
    let read = |table: &Table<'a>| {
        let deadlines = promises(table, calendar, sentences);
        // What stands in for a wrong value proves nothing.
        if !table.has_errors() {
            warn_of_order(table, &deadlines, calendar);
        }
        deadlines
    };
    root.required_section("deadlines", read)
        .unwrap_or_else(nothing_promised)
}

fn nothing_promised() -> Deadlines {
    Deadlines {
        acknowledge: None,
        acknowledged_by: AcknowledgedBy::Reply,
        triage: None,
        update: None,
        remediate: Remediate::default(),
        disclose_after_fix: None,
        early_warning: None,
        notification: None,
        final_report: None,
    }
}

fn promises<'a>(table: &Table<'a>, calendar: &Calendar, sentences: &Sentences<'a>) -> Deadlines {
    let by = [
        ("reply", AcknowledgedBy::Reply),
        ("person", AcknowledgedBy::Person),
    ];
    let mend = "write acknowledge = \"48 business hours\", or another span, or \"none\"";
    let acknowledge = table.required_value("acknowledge", mend);
    let mend = "write triage = \"7 days\", or another span, or \"none\"";
    let acknowledged_by = table.optional("acknowledged_by", units::one_of(&by));
    let legal = table.section("exploited", exploited);
    Deadlines {
        acknowledge: acknowledge.and_then(|value| plain(&value)),
        acknowledged_by: acknowledged_by.unwrap_or(AcknowledgedBy::Reply),
        triage: table
            .required_value("triage", mend)
            .and_then(|value| plain(&value)),
        update: table.value("update").and_then(|value| plain(&value)),
        remediate: table
            .section("remediate", |table| remediate(table, calendar, sentences))
            .unwrap_or_default(),
        disclose_after_fix: table.section("disclose", after_fix).flatten(),
        ..legal.unwrap_or_else(nothing_promised)
    }
}

/// A span without words of its own.
fn plain(value: &Value) -> Option<Span> {
    if value.is_section() {
        let what = "takes no words beside its number; only a severity of remediate does";
        value.complain(Complaint::new(
            what,
            "write the span alone, like \"7 days\"",
        ));
        return None;
    }
    value.parse(units::span).flatten()
}

fn remediate<'a>(table: &Table<'a>, calendar: &Calendar, sentences: &Sentences<'a>) -> Remediate {
    table.refuse("informational", || {
        let what = "is no severity of its own here";
        Complaint::new(what, "write it as low, which stands for both")
    });
    let mut words = BTreeMap::new();
    let mut within = |severity: Severity| {
        let value = table.value(severity.as_str())?;
        if !value.is_section() {
            return value.parse(units::span)?;
        }
        let (span, sentence) = value.section(|table| worded(table, sentences))?;
        words.insert(severity, sentence);
        span
    };
    let remediate = Remediate {
        critical: within(Severity::Critical),
        high: within(Severity::High),
        medium: within(Severity::Medium),
        low: within(Severity::Low),
        words,
    };
    if !table.has_errors() {
        warn_of_severities(table, &remediate, calendar);
    }
    remediate
}

/// `{ words = "days", enforced = "7 days" }`: what the page says, and the number that is kept.
fn worded<'a>(table: &Table<'a>, sentences: &Sentences<'a>) -> (Option<Span>, Sentence) {
    let mend = "write words = \"days\", as the page has it";
    let words = sentences.required(table, "words", mend);
    let mend = "write enforced = \"7 days\", the number that is kept, or \"none\"";
    let span = table.required("enforced", mend, units::span);
    (span.flatten(), words)
}

fn after_fix(table: &Table) -> Option<Span> {
    table.optional("after_fix", units::span).flatten()
}

fn exploited(table: &Table) -> Deadlines {
    let within = |key| table.optional(key, calendar_span).flatten();
    let final_report = table.optional("final_report", final_report);
    let deadlines = Deadlines {
        early_warning: within("early_warning"),
        notification: within("notification"),
        final_report: final_report.flatten(),
        ..nothing_promised()
    };
    if let (Some(first), Some(second)) = (deadlines.early_warning, deadlines.notification)
        && calendar_hours(first) > calendar_hours(second)
        && let Some(value) = table.value("early_warning")
    {
        let what = format!("\"{first}\" is later than notification, \"{second}\"");
        let mend = "write the early warning's span here, and the longer one there";
        value.complain(Complaint::new(what, mend));
    }
    deadlines
}

/// `14 days after fix`; the last two words may be left out.
fn final_report(text: &str) -> Result<Option<Span>, Complaint> {
    let span = text.trim().strip_suffix("after fix").unwrap_or(text);
    calendar_span(span).map_err(|complaint| match span.contains("after") {
        true => Complaint::new(complaint.what, "write it like \"14 days after fix\""),
        false => complaint,
    })
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

/// Spans that contradict common sense: each is kept, and the team hears of it.
fn warn_of_order(table: &Table, deadlines: &Deadlines, calendar: &Calendar) {
    if is_longer(deadlines.acknowledge, deadlines.triage, calendar) {
        let mend = "a decision is an acknowledgement too; write a shorter span";
        warn(table.value("acknowledge"), "is later than triage", mend);
    }
    if deadlines.acknowledge.is_none() && deadlines.acknowledged_by == AcknowledgedBy::Person {
        let mend = "promise an acknowledgement, or take acknowledged_by out";
        let what = "has no meaning, as acknowledge is \"none\"";
        warn(table.value("acknowledged_by"), what, mend);
    }
}

/// The worse, the sooner.
fn warn_of_severities(table: &Table, remediate: &Remediate, calendar: &Calendar) {
    const MEND: &str = "the worse should be mended sooner";
    for pair in Severity::ALL.windows(2) {
        let [worse, better] = pair else { continue };
        let value = table.value(worse.as_str());
        let (first, second) = (
            remediate.for_severity(*worse),
            remediate.for_severity(*better),
        );
        if is_longer(first, second, calendar) {
            warn(value, &format!("is longer than {}", better.as_str()), MEND);
        } else if first.is_none() && second.is_some() {
            let what = format!("has no deadline, and {} has one", better.as_str());
            if value.is_none() {
                table.warn_missing(worse.as_str(), &what, MEND);
            }
            warn(value, &what, MEND);
        }
    }
}

fn warn(value: Option<Value>, what: &str, mend: &str) {
    if let Some(value) = value {
        value.warn(Gravity::Warning, Complaint::new(what, mend));
    }
}

/// A heads-up that begins before the fix is out.
pub fn longer_than_disclosure(
    heads_up: Span,
    deadlines: &Deadlines,
    calendar: &Calendar,
) -> Option<Complaint> {
    let after_fix = deadlines.disclose_after_fix?;
    let is_longer = usual_length(heads_up, calendar) > usual_length(after_fix, calendar);
    is_longer.then(|| {
        let what =
            format!("\"{heads_up}\" is longer than deadlines.disclose.after_fix, \"{after_fix}\"");
        Complaint::new(
            what,
            "write a shorter one: it would begin before the fix is out",
        )
    })
}

fn is_longer(first: Option<Span>, second: Option<Span>, calendar: &Calendar) -> bool {
    match (first, second) {
        (Some(first), Some(second)) => {
            usual_length(first, calendar) > usual_length(second, calendar)
        }
        _ => false,
    }
}

/// How long spans usually are, to compare them: in sevenths of hours of the working week.
fn usual_length(span: Span, calendar: &Calendar) -> u64 {
    let working = calendar.working.iter().filter(|works| **works).count();
    // A week without working days is refused, and counts as a whole one until then.
    let working = u64::try_from(working).ok().filter(|days| *days > 0);
    let working = working.unwrap_or(7);
    match span {
        Span::BusinessHours(hours) => u64::from(hours) * 7,
        Span::BusinessDays(days) => u64::from(days) * 24 * 7,
        Span::Hours(_) | Span::Days(_) => calendar_hours(span) * working,
    }
}

fn calendar_hours(span: Span) -> u64 {
    match span {
        Span::Hours(count) | Span::BusinessHours(count) => u64::from(count),
        Span::Days(count) | Span::BusinessDays(count) => u64::from(count) * 24,
    }
}
