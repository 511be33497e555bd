//! What a command did, in words: the same on a terminal and in a transcript.

use chrono::{DateTime, Utc};

use super::{Done, Told};
use crate::mail::text::turns_line;
use crate::store::cases::CaseView;
use crate::store::deadlines::DeadlineView;
use crate::triage::calendar::{self, Calendar};
use crate::triage::case::{CaseState, Credit};
use crate::triage::command::Command;
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

/// What a command did: what is different now; of one that asks, how the case stands.
pub fn facts(command: &Command, done: &Done, calendar: &Calendar) -> Vec<(&'static str, String)> {
    match command {
        Command::Status => standing_facts(&done.after, calendar),
        _ => changes(&done.before, &done.after, calendar),
    }
}

fn standing_facts(case: &CaseState, calendar: &Calendar) -> Vec<(&'static str, String)> {
    let shape = shape(case, calendar).into_iter();
    shape
        .filter_map(|(name, value)| Some((name, shown(&value?, 80))))
        .collect()
}

fn changes(
    before: &CaseState,
    after: &CaseState,
    calendar: &Calendar,
) -> Vec<(&'static str, String)> {
    let pairs = shape(before, calendar)
        .into_iter()
        .zip(shape(after, calendar));
    pairs
        .filter(|((_, old), (_, new))| old != new)
        .map(|((name, old), (_, new))| {
            let word = |value: Option<String>| value.map_or("-".to_owned(), |it| shown(&it, 80));
            (name, format!("{} -> {}", word(old), word(new)))
        })
        .collect()
}

/// In the order of a case's life.
fn shape(case: &CaseState, calendar: &Calendar) -> [(&'static str, Option<String>); 10] {
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

/// Text from outside, safe to show: no control characters, nothing that turns what stands beside
/// it, at most `width` characters.
pub fn shown(text: &str, width: usize) -> String {
    if is_plain(text) && text.len() <= width {
        return text.to_owned();
    }
    let clean: String = text
        .chars()
        .filter(|character| !turns_line(*character))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_has_no_controls_and_turns_nothing() {
        assert_eq!(shown("a\u{1b}[2Jb", 80), "a [2Jb");
        assert_eq!(shown("\u{202e}gnp.exe\u{2066} and", 80), "gnp.exe and");
        assert_eq!(shown("\u{e4}\u{e4}\u{e4}\u{e4}", 3), "\u{e4}\u{e4}\u{2026}");
    }
}
