//! What a command did, in words: the same on a terminal and in a transcript.

use chrono::{DateTime, Utc};

use super::Told;
use crate::store::cases::CaseView;
use crate::store::deadlines::DeadlineView;
use crate::triage::calendar::{self, Calendar};
use crate::triage::case::{CaseState, Credit};
use crate::triage::reply::Template;

/// The letter that goes to the reporter, or why none does.
pub fn letter(letter: Option<&Told>, unreachable: Option<&str>) -> String {
    match (letter, unreachable) {
        (Some(letter), _) => {
            let how = match (&letter.unusable_certificate, letter.encrypted) {
                (Some(why), _) => format!("without content, {why}"),
                (None, true) => "encrypted".to_owned(),
                (None, false) if letter.kind == Template::Notice.as_str() => {
                    "without content, no OpenPGP key of theirs is known".to_owned()
                }
                (None, false) => "in clear".to_owned(),
            };
            let files = match letter.files.as_slice() {
                [] => String::new(),
                names => format!(", with {}", shown(&names.join(", "), 200)),
            };
            format!("{} to {}, {how}{files}", letter.kind, shown(&letter.to, 60))
        }
        (None, Some(why)) => format!("none: {}", shown(why, 120)),
        (None, None) => "none".to_owned(),
    }
}

/// What is different now, in the order of a case's life.
pub fn changes(
    before: &CaseState,
    after: &CaseState,
    calendar: &Calendar,
) -> Vec<(&'static str, String)> {
    let shape = |case: &CaseState| {
        let day = |at: Option<DateTime<Utc>>| at.map(|at| calendar.date_of(at).to_string());
        let credit = case.credit.as_ref().map(|credit| match credit {
            Credit::No => "no".to_owned(),
            Credit::Yes { name, link: None } => name.clone(),
            Credit::Yes {
                name,
                link: Some(link),
            } => format!("{name} <{link}>"),
        });
        [
            ("status", Some(case.status.as_str().to_owned())),
            ("severity", case.severity.map(|it| it.as_str().to_owned())),
            ("assignee", case.assignee.clone()),
            ("waits", case.paused.then(|| "for the reporter".to_owned())),
            ("exploited", case.exploited_at.map(|at| calendar.show(at))),
            ("fixed", day(case.fixed_at)),
            ("disclosure", day(case.disclose_at)),
            ("credit", credit),
            ("token", case.token.clone()),
            ("reward", case.reward.clone()),
        ]
    };
    let pairs = shape(before).into_iter().zip(shape(after));
    pairs
        .filter(|((_, old), (_, new))| old != new)
        .map(|((name, old), (_, new))| {
            let word = |value: Option<String>| value.map_or("-".to_owned(), |it| shown(&it, 80));
            (name, format!("{} -> {}", word(old), word(new)))
        })
        .collect()
}

/// The state, and why it was closed.
pub fn status(case: &CaseView) -> String {
    match (&case.close_reason, &case.duplicate_of) {
        (Some(_), Some(first)) => format!("{} (duplicate of {first})", case.status),
        (Some(reason), None) => format!("{} ({})", case.status, shown(reason, 80)),
        (None, _) => case.status.clone(),
    }
}

/// The deadlines that are still to be met, or were not.
pub fn open_deadlines(case: &CaseView) -> impl Iterator<Item = &DeadlineView> {
    let deadlines = case.deadlines.iter();
    deadlines.filter(|deadline| matches!(deadline.state, "running" | "paused" | "missed"))
}

/// How a deadline stands: `in 3 days`, `missed, due 2 hours ago`, `paused`.
pub fn standing(deadline: &DeadlineView, now: DateTime<Utc>) -> String {
    match deadline.state {
        "running" => calendar::how_far(deadline.due_at, now),
        "missed" => format!("missed, due {}", calendar::how_far(deadline.due_at, now)),
        other => other.to_owned(),
    }
}

/// Text from outside, safe to show: no control characters, at most `width` characters.
pub fn shown(text: &str, width: usize) -> String {
    if is_plain(text) && text.len() <= width {
        return text.to_owned();
    }
    let clean: String = text
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    if clean.chars().count() <= width {
        return clean;
    }
    let cut: String = clean.chars().take(width.saturating_sub(1)).collect();
    format!("{cut}…")
}

/// Each byte is a column. Nearly all that is shown is so, and a list of cases has much of it.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}
