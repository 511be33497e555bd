//! A suggested severity: from a CVSS vector, else from the reporter's words, else from the weakness.

use super::{Severity, Vector, has};
use crate::triage::classify::{Folded, find};

#[rustfmt::skip]
mod words;

use words::{LABELS, WEAKNESSES, WORDS};

/// `lines`: folded text with its line ends; `folded`: without them.
pub(super) fn suggest(
    vectors: &[Vector],
    lines: &Folded,
    folded: &Folded,
) -> Option<(Severity, String)> {
    by_vector(vectors)
        .or_else(|| by_score(folded))
        .or_else(|| by_label(lines))
        .or_else(|| by_weakness(folded))
}

/// The qualitative rating of CVSS 3.1 §5; 0.0 is none.
fn rating(score: f64) -> Option<Severity> {
    match score {
        s if s >= 9.0 => Some(Severity::Critical),
        s if s >= 7.0 => Some(Severity::High),
        s if s >= 4.0 => Some(Severity::Medium),
        s if s > 0.0 => Some(Severity::Low),
        _ => None,
    }
}

fn by_vector(vectors: &[Vector]) -> Option<(Severity, String)> {
    let worst = vectors
        .iter()
        .max_by(|one, other| one.score.total_cmp(&other.score))?;
    Some((
        rating(worst.score)?,
        format!("its CVSS vector scores {:.1}", worst.score),
    ))
}

/// "CVSS: 8.1", "CVSS v3.1 base score 8.1": the first number that is no version.
fn by_score(folded: &Folded) -> Option<(Severity, String)> {
    folded.match_indices("cvss").take(20).find_map(|(at, _)| {
        let after: String = folded.get(at + 4..)?.chars().take(40).collect();
        let score = after
            .split(|c: char| !(c.is_ascii_digit() || c == '.'))
            .map(|number| number.trim_matches('.'))
            .filter(|number| number.contains('.') && !VERSIONS.contains(number))
            .find_map(|number| number.parse::<f64>().ok())
            .filter(|score| *score <= 10.0)?;
        Some((
            rating(score)?,
            format!("it gives a CVSS score of {score:.1}"),
        ))
    })
}

const VERSIONS: &[&str] = &["2.0", "3.0", "3.1", "4.0"];

/// "Severity: high", or "high severity".
fn by_label(lines: &Folded) -> Option<(Severity, String)> {
    let labelled = lines.lines().find_map(severity_of_line);
    let severity = labelled.or_else(|| severity_in_words(lines))?;
    Some((
        severity,
        format!("its reporter calls it {}", severity.as_str()),
    ))
}

fn severity_in_words(lines: &Folded) -> Option<Severity> {
    let named = |word: &&str| {
        let phrases = [format!("{word} severity"), format!("{word}-severity")];
        phrases.iter().any(|phrase| has(lines, &[phrase]))
    };
    WORDS
        .iter()
        .find(|(_, words)| words.iter().any(named))
        .map(|(severity, _)| *severity)
}

fn severity_of_line(line: &str) -> Option<Severity> {
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let rest = LABELS.iter().find_map(|label| line.strip_prefix(label))?;
    let rest = rest.trim_start_matches([' ', '*', '_', ')']);
    let value = rest.strip_prefix([':', '=', '-', '：', '|'])?;
    let value: String = value.chars().take(40).collect();
    // The first word that is a grade: "high (critical if chained)" is high.
    value.split(|c: char| !c.is_alphanumeric()).find_map(grade)
}

fn grade(word: &str) -> Option<Severity> {
    WORDS
        .iter()
        .find(|(_, words)| words.contains(&word))
        .map(|(severity, _)| *severity)
}

/// A guess, and never `critical`: that word is for a person.
fn by_weakness(folded: &Folded) -> Option<(Severity, String)> {
    WEAKNESSES.iter().find_map(|(severity, phrases)| {
        let phrase = find(folded, phrases)?;
        let because = format!("it speaks of \"{}\"", phrase.trim_end_matches('*'));
        Some((*severity, because))
    })
}

#[cfg(test)]
mod tests {
    use super::super::vectors;
    use super::*;
    use crate::triage::classify::{fold, fold_lines};

    #[track_caller]
    fn check(text: &str, expected: Option<Severity>) {
        let found = suggest(&vectors(text), &fold_lines(text), &fold(text));
        assert_eq!(found.map(|(severity, _)| severity), expected, "{text}");
    }

    #[test]
    fn a_vector_comes_before_words() {
        check(
            "Severity: low\nCVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            Some(Severity::Critical),
        );
        check(
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N, an RCE",
            Some(Severity::High),
        );
        check("CVSS 3.1 score: 5.3", Some(Severity::Medium));
        check("CVSS: 9.8 (critical)", Some(Severity::Critical));
        check("CVSS v3.1", None);
    }

    #[test]
    fn the_reporters_word_comes_before_ours() {
        check("Severity: High", Some(Severity::High));
        check("**Severity:** Medium\nRCE", Some(Severity::Medium));
        check("- Schweregrad: kritisch", Some(Severity::Critical));
        check("Gravité : élevée", Some(Severity::High));
        check("Критичность: высокая", Some(Severity::High));
        check("严重程度：高危", Some(Severity::High));
        check("This is a low severity issue", Some(Severity::Low));
        check("Severity: high (critical if chained)", Some(Severity::High));
    }

    #[test]
    fn a_weakness_suggests_at_most_high() {
        check("RCE in upload", Some(Severity::High));
        check("reflected XSS", Some(Severity::Medium));
        check("no DMARC policy", Some(Severity::Low));
        check("the resource is slow", None);
        check("", None);
    }
}
