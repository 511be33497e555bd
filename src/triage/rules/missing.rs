//! What a report still lacks of what the policy asks for: a summary, steps to reproduce, the
//! impact, captures, a remedy.
//!
//! Asked of the reporter in the acknowledgement, so in doubt a part is there. Any reasonable form
//! counts: a text, a PDF, an attached proof of concept.

use super::reading::Reading;
use crate::mail::message::Attachment;
use crate::triage::classify::{Folded, has, words as count};
use crate::triage::policy::{Part, UsefulReport};

#[rustfmt::skip]
mod words;

use words::{
    CAPTURE_FILES, CAPTURES, IMPACT, MENDS_AT_START, REMEDIATION, REQUESTS, STEPS, SUMMARY,
};

/// A text as long as this has said what it has to say.
const LONG: usize = 350;
/// One that is built up by headings need not be so long.
const LONG_WITH_HEADINGS: usize = 120;

/// Where the policy asks for nothing in particular.
const USUAL: [Part; 3] = [Part::Summary, Part::Steps, Part::Impact];

/// In the policy's order.
pub fn missing(reading: &Reading<'_>, report: &UsefulReport) -> Vec<Part> {
    let asked = report.asks.iter().map(|(part, _)| *part);
    let asked: Vec<Part> = if report.asks.is_empty() {
        USUAL.to_vec()
    } else {
        asked.collect()
    };
    let is_full = is_full(reading);
    asked
        .into_iter()
        .filter(|part| !is_there(reading, *part, is_full))
        .collect()
}

/// A working proof of concept: how it is done, and that it was.
pub fn is_proven(reading: &Reading<'_>) -> bool {
    let numbered = numbered_lines(&reading.told) >= 2;
    let told = numbered
        || has(
            &reading.folded,
            &["steps to reproduce", "proof of concept", "poc"],
        );
    let shown = has(&reading.folded, REQUESTS) || reading.told.contains("```");
    told && (shown || reading.message.attachments.iter().any(is_proof))
}

/// Code, or a page that does it; no tool's output.
fn is_proof(file: &Attachment) -> bool {
    [
        ".py", ".sh", ".rb", ".js", ".html", ".http", ".go", ".php", ".mp4", ".png",
    ]
    .iter()
    .any(|end| file.name.to_ascii_lowercase().ends_with(end))
}

fn is_full(reading: &Reading<'_>) -> bool {
    let length = count(&reading.folded);
    length >= LONG || (length >= LONG_WITH_HEADINGS && headings(&reading.told) >= 3)
}

fn is_there(reading: &Reading<'_>, part: Part, is_full: bool) -> bool {
    let folded = &reading.folded;
    match part {
        Part::Summary => is_full || has_summary(&reading.told, folded),
        Part::Steps => is_full || has_steps(reading),
        Part::Impact => is_full || has(folded, IMPACT),
        Part::Captures => has_captures(reading),
        Part::Remediation => has(folded, REMEDIATION) || says_what_to_do(reading),
    }
}

/// Markdown headings, bold lines, and short lines that end in a colon.
fn headings(text: &str) -> usize {
    text.lines()
        .map(str::trim)
        .filter(|line| {
            let marked = line.starts_with('#') || (line.len() > 4 && line.starts_with("**"));
            let label = line.ends_with([':', '：']) && count(line) <= 5;
            let underlined = line.len() >= 4 && line.bytes().all(|b| b == b'=' || b == b'-');
            marked || label || underlined
        })
        .count()
}

/// A dozen words, or a heading that announces one: more cannot be told from a bare "I found a bug".
fn has_summary(text: &str, folded: &Folded) -> bool {
    has(folded, SUMMARY) || count(text) >= 12
}

/// A heading, a numbered list, a command, a request, or a file that shows it.
fn has_steps(reading: &Reading<'_>) -> bool {
    let shown = reading.message.attachments.iter().any(is_content);
    numbered_lines(&reading.told) >= 2
        || shown
        || reading.told.contains("```")
        || has(&reading.folded, STEPS)
}

/// Neither a key nor a signature.
fn is_content(file: &Attachment) -> bool {
    let kind = &file.media_type;
    !kind.starts_with("application/pgp-") && !kind.contains("pkcs7-signature") && file.size > 0
}

fn numbered_lines(text: &str) -> usize {
    text.lines()
        .map(|line| line.trim_start_matches(|c: char| c.is_whitespace() || "*->#".contains(c)))
        .filter(|line| is_numbered(line))
        .count()
}

/// Requests and responses, a command, a trace, a picture, a log.
fn has_captures(reading: &Reading<'_>) -> bool {
    let shown = reading.message.attachments.iter().any(|file| {
        let name = file.name.to_ascii_lowercase();
        file.media_type.starts_with("image/")
            || file.media_type.starts_with("video/")
            || CAPTURE_FILES.iter().any(|end| name.ends_with(end))
    });
    shown || has(&reading.folded, CAPTURES) || has(&reading.folded, REQUESTS)
}

/// A sentence that begins with what to do: "Encode the output."
fn says_what_to_do(reading: &Reading<'_>) -> bool {
    reading.sentences().any(|sentence| {
        MENDS_AT_START.iter().any(|verb| {
            sentence
                .strip_prefix(verb)
                .is_some_and(|rest| rest.starts_with(' '))
        })
    })
}

/// `1. …`, `2) …`, `Step 3: …`
fn is_numbered(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let listed = (1..=2).contains(&digits)
        && line
            .get(digits..)
            .is_some_and(|rest| rest.starts_with(['.', ')', ':', '、']));
    let lower = line.get(..5).map(str::to_ascii_lowercase);
    listed || lower.as_deref() == Some("step ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_lines() {
        #[track_caller]
        fn check(line: &str, expected: bool) {
            assert_eq!(is_numbered(line), expected, "{line}");
        }
        check("1. open", true);
        check("12) open", true);
        check("Step 3: open", true);
        check("2024 was", false);
        check("2024. It", false);
        check("é", false);
        check("", false);
    }

    #[test]
    fn headings_are_counted() {
        assert_eq!(
            headings("# A\n**B**\nC:\nD\n====\ntext that goes on and on:\n"),
            4
        );
    }
}
