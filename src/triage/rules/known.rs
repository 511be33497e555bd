//! Reports of what is public already.

use super::places::{Place, Places, begins_path};
use super::reading::Reading;
use super::scope::names;
use super::{Matched, quoted};
use crate::triage::classify::{fold, has};
use crate::triage::extract::Extracted;
use crate::triage::policy::{KnownIssue, Terms};

/// The entries that speak for this mail, by position.
pub fn find(
    reading: &Reading<'_>,
    places: &Places,
    extracted: &Extracted,
    terms: &Terms,
) -> Vec<Matched> {
    terms
        .known_issues
        .iter()
        .enumerate()
        .filter_map(|(rule, issue)| {
            let because = by_number(issue, extracted)
                .or_else(|| by_place_and_word(issue, reading, places))?;
            let because = format!("{}: {because}", issue.name);
            Some(Matched { rule, because })
        })
        .collect()
}

fn by_number(issue: &KnownIssue, extracted: &Extracted) -> Option<String> {
    let number = issue.cve.iter().find(|number| {
        let mut named = extracted.cve.iter();
        named.any(|named| named.eq_ignore_ascii_case(number))
    })?;
    Some(format!("it names {number}"))
}

/// A place and a word; of either alone where the entry has only that.
fn by_place_and_word(issue: &KnownIssue, reading: &Reading<'_>, places: &Places) -> Option<String> {
    let has_places = !issue.hosts.is_empty() || !issue.paths.is_empty();
    let place = places.0.iter().find(|place| is_at(issue, place));
    let word = issue
        .words
        .iter()
        .find(|word| has(&reading.folded, &[&*fold(word)]));
    match (has_places, issue.words.is_empty()) {
        (false, true) => None,
        (true, true) => place.map(in_words),
        (false, false) => word.map(|word| format!("it says {}", quoted(word))),
        (true, false) => {
            let (place, word) = (place?, word?);
            Some(format!("{}, and it says {}", in_words(place), quoted(word)))
        }
    }
}

fn is_at(issue: &KnownIssue, place: &Place) -> bool {
    let at_host = issue.hosts.is_empty()
        || place
            .host
            .as_deref()
            .is_some_and(|host| issue.hosts.iter().any(|pattern| names(pattern, host)));
    let at_path = issue.paths.is_empty()
        || issue
            .paths
            .iter()
            .any(|path| begins_path(&place.path, path));
    at_host && at_path
}

fn in_words(place: &Place) -> String {
    let host = place.host.as_deref().unwrap_or_default();
    format!("it names {host}{}", place.path)
}
