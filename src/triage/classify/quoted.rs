//! A reply's own words: its text without quoted history and signature.
//!
//! Goes by the conventions of mail programs: lines marked `>`, attribution
//! lines ("On … wrote:") in many languages, Outlook's header blocks, separator
//! lines, the signature mark of RFC 3676 §4.3 and the footers of telephones.
//! A forwarded mail is no history: it is what its sender wants to be read.

use super::phrases::{self, Folded};

#[rustfmt::skip]
mod words;

use words::{
    ATTRIBUTION_STARTS, DEVICE_FOOTERS, FORWARDED_MESSAGE, FROM_LABELS, ORIGINAL_MESSAGE,
    SENT_LABELS, SUBJECT_LABELS, TO_LABELS, WROTE,
};

/// An attribution, joined from at most [`ATTRIBUTION_LINES`] lines, is not longer than this.
const ATTRIBUTION_LENGTH: usize = 300;
const ATTRIBUTION_LINES: usize = 3;
/// What follows a signature mark and has more lines than this is no signature.
const SIGNATURE_LINES: usize = 15;
/// Bytes of the name of a header field, as mail programs show it.
const LONGEST_LABEL: usize = 40;

/// The words that the sender wrote for this mail.
///
/// Looks at the first 256 KiB. Lines are ended by `\n`; blank lines at both ends are gone.
pub fn own_words(text: &str) -> String {
    let lines: Vec<&str> = phrases::beginning(text, phrases::LOOKED_AT)
        .lines()
        .collect();
    let mut own: Vec<&str> = Vec::new();
    let mut rest = lines.as_slice();
    while let Some((line, after)) = rest.split_first() {
        rest = match step(line, rest) {
            Step::Keep => {
                own.push(line);
                after
            }
            Step::Skip(count) => rest.get(count..).unwrap_or_default(),
            Step::Stop => break,
        };
    }
    own.join("\n").trim().to_owned()
}

/// The text with its quotes opened: marks, attributions, separators, the header lines of
/// forwards and the signature are taken away, so that a mail and its forward read alike.
pub(in crate::triage) fn without_marks(text: &str) -> String {
    let unquoted: Vec<&str> = text
        .lines()
        .map(|line| line.trim_start_matches(['>', ' ', '\t']).trim_end())
        .collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut rest = unquoted.as_slice();
    while let Some((line, after)) = rest.split_first() {
        let skipped = mark_lines(line, rest);
        if skipped == 0 {
            if !line.is_empty() && is_signature(line, rest) {
                break;
            }
            kept.push(line);
            rest = after;
        } else {
            rest = rest.get(skipped..).unwrap_or_default();
        }
    }
    kept.join("\n")
}

/// How many lines at the head of `rest` belong to a mail program and not to a person.
fn mark_lines(line: &str, rest: &[&str]) -> usize {
    if line.is_empty() {
        return 0;
    }
    if is_device_footer(line) || is_forward_mark(line) || is_history_separator(line, rest) {
        return 1;
    }
    if is_header_block(rest) {
        return rest
            .iter()
            .take_while(|line| header_label(line).is_some_and(|label| is_header_name(&label)))
            .count();
    }
    attribution(rest).unwrap_or(0)
}

fn is_header_name(label: &str) -> bool {
    [FROM_LABELS, SENT_LABELS, TO_LABELS, SUBJECT_LABELS]
        .iter()
        .any(|labels| labels.contains(&label))
}

/// `---------- Forwarded message ---------`, `Begin forwarded message:`
pub(in crate::triage) fn is_forward_mark(line: &str) -> bool {
    let ruled = line.starts_with("--") || line.ends_with([':', '：']);
    ruled && phrases::words(line) <= 6 && {
        let folded = phrases::folded(line);
        FORWARDED_MESSAGE.iter().any(|mark| folded.contains(mark))
    }
}

enum Step {
    Keep,
    Skip(usize),
    /// Nothing of the sender's follows.
    Stop,
}

/// `rest` begins with `line`.
fn step(line: &str, rest: &[&str]) -> Step {
    let trimmed = line.trim();
    if trimmed.is_empty() {
        return Step::Keep;
    }
    if is_quoted(trimmed) || is_device_footer(trimmed) {
        return Step::Skip(1);
    }
    if is_history_separator(trimmed, rest) || is_header_block(rest) || is_signature(trimmed, rest) {
        return Step::Stop;
    }
    match attribution(rest) {
        Some(count) if quote_follows(rest, count) => Step::Skip(count),
        Some(_) => Step::Stop,
        None if says_wrote_alone(trimmed) && quote_follows(rest, 1) => Step::Skip(1),
        None => Step::Keep,
    }
}

/// `Example Corp wrote:`, without a day or an address: only what is quoted below it makes it more
/// than words.
fn says_wrote_alone(trimmed: &str) -> bool {
    let phrase = trimmed.strip_suffix([':', '：']);
    phrase.is_some_and(|phrase| {
        trimmed.len() <= ATTRIBUTION_LENGTH
            && ends_with_any(phrases::folded(phrase).trim_end(), WROTE)
    })
}

fn is_quoted(trimmed: &str) -> bool {
    trimmed.starts_with('>')
}

/// How many lines at the head of `rest` say who wrote what follows.
fn attribution(rest: &[&str]) -> Option<usize> {
    let names_when_or_who = |line: &&str| {
        line.bytes()
            .any(|byte| byte == b'@' || byte.is_ascii_digit())
    };
    if !rest.iter().take(ATTRIBUTION_LINES).any(names_when_or_who) {
        // Every attribution does; most lines are none, and folding them takes time.
        return None;
    }
    let mut joined = String::new();
    for (position, line) in rest.iter().take(ATTRIBUTION_LINES).enumerate() {
        let line = line.trim();
        if line.is_empty() || is_quoted(line) || joined.len() + line.len() > ATTRIBUTION_LENGTH {
            return None;
        }
        if position > 0 {
            joined.push(' ');
        }
        joined += &phrases::folded(line);
        if reads_as_attribution(&joined, position) {
            return Some(position + 1);
        }
    }
    None
}

/// `extra_lines`: an attribution that was wrapped begins like one, so that no own line before it is lost.
fn reads_as_attribution(joined: &str, extra_lines: usize) -> bool {
    let dated = joined.contains(|c: char| c.is_ascii_digit());
    let addressed = joined.contains('@');
    if extra_lines > 0 && !begins_like_attribution(joined) {
        return false;
    }
    let Some(phrase) = joined.strip_suffix([':', '：']) else {
        return dated && begins_like_attribution(joined) && ends_with_any(joined, WROTE);
    };
    let phrase = phrase.trim_end();
    if ends_with_any(phrase, WROTE) {
        return dated || addressed;
    }
    let names_address = phrase.ends_with('>') && addressed;
    let says_wrote =
        phrases::has(&Folded::of(phrase), WROTE) && (addressed || begins_like_attribution(joined));
    dated && (names_address || says_wrote)
}

fn begins_like_attribution(joined: &str) -> bool {
    joined.starts_with(|c: char| c.is_ascii_digit())
        || ATTRIBUTION_STARTS
            .iter()
            .any(|start| joined.starts_with(start))
        || (joined.contains(',')
            && joined.contains(|c: char| c.is_ascii_digit())
            && joined.contains(':'))
}

fn ends_with_any(text: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| text.ends_with(ending))
}

/// Is the next line after an attribution, blank ones aside, a quoted one?
fn quote_follows(rest: &[&str], count: usize) -> bool {
    rest.iter()
        .skip(count)
        .map(|line| line.trim())
        .find(|line| !line.is_empty())
        .is_some_and(is_quoted)
}

/// `-----Original Message-----` and its kin, or a rule before a header block.
fn is_history_separator(trimmed: &str, rest: &[&str]) -> bool {
    let bare = trimmed.trim_matches(['-', '_', '=', ' ', '*']);
    if bare.is_empty() {
        return trimmed.len() >= 8 && header_block_follows(rest);
    }
    let ruled = trimmed.starts_with("--") && trimmed.ends_with("--");
    if !ruled || trimmed.len() > 120 {
        return false;
    }
    let words = phrases::folded(bare);
    ORIGINAL_MESSAGE.contains(&words.as_str())
        || (!FORWARDED_MESSAGE.iter().any(|mark| words.contains(mark))
            && header_block_follows(rest))
}

fn header_block_follows(rest: &[&str]) -> bool {
    let after = rest.get(1..).unwrap_or_default();
    let blank = after
        .iter()
        .take_while(|line| line.trim().is_empty())
        .count();
    blank <= 2 && is_header_block(after.get(blank..).unwrap_or_default())
}

/// Outlook's way to quote: who, when, to whom and about what, each on a line.
///
/// Begins with the sender and has three of the four, or the subject and one other.
fn is_header_block(rest: &[&str]) -> bool {
    let Some(first) = rest.first().and_then(|line| header_label(line)) else {
        return false;
    };
    if !FROM_LABELS.contains(&first.as_str()) {
        return false;
    }
    let others: Vec<String> = rest
        .iter()
        .skip(1)
        .take(6)
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| header_label(line))
        .collect();
    let of = |labels: &[&str]| others.iter().any(|label| labels.contains(&label.as_str()));
    let (sent, to, subject) = (of(SENT_LABELS), of(TO_LABELS), of(SUBJECT_LABELS));
    (sent && to) || (subject && (sent || to))
}

/// What stands before the colon of `*From:* …`, folded.
fn header_label(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches('*');
    let (label, _) = phrases::beginning(line, LONGEST_LABEL + '：'.len_utf8())
        .split_once([':', '：'])
        .filter(|(label, _)| label.len() <= LONGEST_LABEL)?;
    Some(phrases::folded(
        label.trim_end_matches(['*', ' ', '\u{a0}']),
    ))
}

/// A signature goes to the end of the text, or to the history below it.
fn is_signature(trimmed: &str, rest: &[&str]) -> bool {
    let mark = matches!(trimmed, "--" | "—" | "__")
        || (trimmed.len() >= 10 && trimmed.bytes().all(|b| b == b'_'));
    mark && rest
        .iter()
        .skip(1)
        .filter(|line| !line.trim().is_empty() && !is_quoted(line.trim()))
        .count()
        <= SIGNATURE_LINES
}

/// "Sent from my iPhone", as short a line as programs make it.
fn is_device_footer(trimmed: &str) -> bool {
    if trimmed.len() > 120 || trimmed.split_ascii_whitespace().nth(10).is_some() {
        return false;
    }
    if trimmed.is_ascii() {
        // Most lines: nothing is folded for them.
        let first = trimmed.bytes().next().map(|byte| byte.to_ascii_lowercase());
        return DEVICE_FOOTERS
            .iter()
            .any(|start| start.bytes().next() == first && begins(trimmed, start))
            || DEVICE_FOOTER_ENDS.iter().any(|end| ends(trimmed, end));
    }
    let folded = phrases::folded(trimmed);
    DEVICE_FOOTERS.iter().any(|start| folded.starts_with(start))
        || DEVICE_FOOTER_ENDS.iter().any(|end| folded.ends_with(end))
}

/// `start`: in lower case.
fn begins(line: &str, start: &str) -> bool {
    let head = line.as_bytes().get(..start.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
}

/// `end`: in lower case.
fn ends(line: &str, end: &str) -> bool {
    let from = line.len().checked_sub(end.len());
    let tail = from.and_then(|from| line.as_bytes().get(from..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
}

const DEVICE_FOOTER_ENDS: &[&str] = &[
    "gesendet.",
    "から送信",
    "에서 보냄",
    "'dan gönderildi",
    "'den gönderildi",
    "iphone gesendet",
    "ipad gesendet",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(own_words(text), expected, "{text}");
    }

    #[test]
    fn history_is_taken_away() {
        check("Hello\n> quoted\n", "Hello");
        check(
            "Thanks\n\nOn Tue, 5 May 2026 at 10:00, A <a@b.test> wrote:\n> x\n",
            "Thanks",
        );
        check("Danke\n\nAm 05.05.2026 um 10:00 schrieb A:\n> x", "Danke");
        check(
            "Merci\n\nLe 5 mai 2026 à 10:00, A <a@b.test>\na écrit :\n\n> x",
            "Merci",
        );
        check(
            "On 5 May 2026, A wrote:\n> x\nmine\n> y\nalso mine",
            "mine\nalso mine",
        );
        check(
            "Hi\n-----Original Message-----\nFrom: A\nSent: now\n\nold",
            "Hi",
        );
        check("Hi\n\nFrom: A\nSent: B\nTo: C\nSubject: D\n\nold", "Hi");
        check(
            "Hi\n________________________________\nVon: A\nGesendet: B\nAn: C\nBetreff: D\n\nold",
            "Hi",
        );
        check("2026年5月5日(火) 10:00 A <a@b.test>:\n> x", "");
        check("Yes\n\nExample Corp wrote:\n\n> x\n", "Yes");
        check("Example Corp schrieb:\n> x", "");
        check("ср, 30 апр. 2025 г. в 15:19, A <a@b.test>:\n\nпривет", "");
    }

    #[test]
    fn signatures_are_taken_away() {
        check("Hi\n-- \nJane\nCEO", "Hi");
        check("Hi\n\nSent from my iPhone", "Hi");
        check("Sent from my iPhone\n\n> old", "");
        check("Von meinem iPhone gesendet", "");
    }

    #[test]
    fn own_text_stays() {
        check(
            "On my machine the server wrote a file:\nx",
            "On my machine the server wrote a file:\nx",
        );
        check("The server wrote:\nx\n> y", "The server wrote:\nx");
        check("grep output:\n--\n", "grep output:");
        let long = format!("a\n--\n{}", "line\n".repeat(40));
        check(&long, long.trim());
        check(
            "From: here on it breaks\n\nTo: be sure",
            "From: here on it breaks\n\nTo: be sure",
        );
        check(
            "---------- Forwarded message ---------\nFrom: A\n\nthe report",
            "---------- Forwarded message ---------\nFrom: A\n\nthe report",
        );
    }

    #[test]
    fn hostile_text_takes_bounded_time() {
        let nested = ">".repeat(300_000);
        check(&nested, "");
        check(&"On \n".repeat(100_000), "On \n".repeat(65_536).trim());
    }
}
