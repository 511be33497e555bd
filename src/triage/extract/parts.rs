//! What a report still lacks: a summary, steps to reproduce, the impact.
//!
//! Asked of the reporter in the acknowledgement, so in doubt a part is there.

use super::{LOOKED_AT, Message, beginning, has, words};
use crate::triage::classify::Folded;

#[rustfmt::skip]
mod words;

use words::{IMPACT, STEPS, SUMMARY};

/// A text as long as this has said what it has to say.
const LONG: usize = 350;
/// One that is built up by headings need not be so long.
const LONG_WITH_HEADINGS: usize = 120;

/// Of `summary`, `steps`, `impact`, in this order. `folded`: subject and text.
pub(super) fn missing(message: &Message, folded: &Folded) -> Vec<&'static str> {
    let text = beginning(&message.text, LOOKED_AT);
    let length = words(folded);
    let structured = headings(text) >= 3;
    if length >= LONG || (structured && length >= LONG_WITH_HEADINGS) {
        return Vec::new();
    }
    let parts = [
        ("summary", has_summary(text, folded)),
        ("steps", has_steps(message, text, folded)),
        ("impact", has(folded, IMPACT)),
    ];
    parts
        .into_iter()
        .filter(|(_, there)| !there)
        .map(|(name, _)| name)
        .collect()
}

/// Markdown headings, bold lines, and short lines that end in a colon.
fn headings(text: &str) -> usize {
    text.lines()
        .map(str::trim)
        .filter(|line| {
            let marked = line.starts_with('#') || (line.len() > 4 && line.starts_with("**"));
            let label = line.ends_with([':', '：']) && words(line) <= 5;
            let underlined = line.len() >= 4 && line.bytes().all(|b| b == b'=' || b == b'-');
            marked || label || underlined
        })
        .count()
}

/// A dozen words, or a heading that announces one: more cannot be told from a bare "I found a bug".
fn has_summary(text: &str, folded: &Folded) -> bool {
    has(folded, SUMMARY) || words(text) >= 12
}

/// A heading, a numbered list, a command, a request, or a file that shows it.
fn has_steps(message: &Message, text: &str, folded: &Folded) -> bool {
    let numbered = text
        .lines()
        .map(|line| line.trim_start_matches(|c: char| c.is_whitespace() || "*->#".contains(c)))
        .filter(|line| is_numbered(line))
        .count();
    let shown = message.attachments.iter().any(|attachment| {
        let kind = &attachment.media_type;
        !kind.starts_with("application/pgp-")
            && !kind.contains("pkcs7-signature")
            && attachment.size > 0
    });
    numbered >= 2 || shown || text.contains("```") || has(folded, STEPS)
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
