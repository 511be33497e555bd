//! Real data and live credentials in a report.
//!
//! What is found is told by kind and place; the value is neither kept nor shown. Values that are
//! redacted, that a vendor publishes as an example, or that are of the mail's own people are none.
//!
//! A JWT counts though it may have expired: the report is often about a server that does not
//! look, and the claims name somebody. One without a signature (`alg: none`) opens nothing and
//! is none, nor is the sample of jwt.io.

use super::reading::{Piece, Reading, Where};
use super::{Sensitive, SensitiveKind};

mod keys;
mod numbers;
mod people;

/// At most so many finds of a mail are listed.
const AT_MOST: usize = 50;
/// A line longer than this is looked at in pieces of this many bytes.
const LONGEST_LINE: usize = 16 * 1024;

/// Everything in subject, text and files, in this order.
pub fn find(reading: &Reading<'_>) -> Vec<Sensitive> {
    let mut found = Vec::new();
    for piece in &reading.pieces {
        for (kind, line) in in_piece(piece, reading) {
            let sensitive = Sensitive {
                kind,
                place: piece.place.line(line),
            };
            if found.len() < AT_MOST && !found.contains(&sensitive) {
                found.push(sensitive);
            }
        }
    }
    without_stand_ins(found, reading)
}

/// Where a mail has no text of its own, that of a file stands in for it: each find once.
fn without_stand_ins(mut found: Vec<Sensitive>, reading: &Reading<'_>) -> Vec<Sensitive> {
    let text = reading.message.text.trim();
    let stands_in = reading.message.attachments.iter().any(|file| {
        let excerpt = file.excerpt.as_deref().map(str::trim);
        excerpt.is_some_and(|excerpt| !excerpt.is_empty() && text.starts_with(excerpt))
    });
    if stands_in {
        found.retain(|find| !find.place.ends_with("of the text"));
    }
    found
}

/// Kinds and the numbers of their lines, from 1.
fn in_piece(piece: &Piece<'_>, reading: &Reading<'_>) -> Vec<(SensitiveKind, usize)> {
    let mut found = Vec::new();
    for (number, line) in piece.text.lines().enumerate() {
        for part in parts(line) {
            let kinds = numbers::in_line(part).chain(keys::in_line(part));
            found.extend(kinds.map(|kind| (kind, number + 1)));
        }
    }
    found.extend(keys::private_keys(&piece.text));
    if piece.place != Where::Subject {
        found.extend(people::in_text(&piece.text, reading.message));
    }
    found.sort_by_key(|(_, line)| *line);
    found.dedup();
    found
}

/// A line in pieces that are not too long to be looked at.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, after) = rest.split_at(rest.floor_char_boundary(LONGEST_LINE));
        rest = after;
        Some(part)
    })
}

/// Was the value taken out, or never one? `****`, `xxxxxxxx`, `REDACTED`, `12345678`, `<token>`.
fn is_placeholder(value: &str) -> bool {
    let upper = value.to_ascii_uppercase();
    let says_so = [
        "EXAMPLE",
        "REDACT",
        "XXXX",
        "YOUR",
        "PLACEHOLDER",
        "CHANGEME",
        "DUMMY",
        "SAMPLE",
        "FAKE",
        "TOKEN",
        "SECRET",
        "ABCDEFGH",
        "12345678",
        "01234567",
        "****",
        "....",
        "DEADBEEF",
    ]
    .iter()
    .any(|word| upper.contains(word));
    says_so || repeats(value) || is_uniform(value)
}

/// Six of the same character in a row: random keys have no such thing.
fn repeats(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes
        .windows(6)
        .any(|six| six.iter().all(|byte| Some(byte) == six.first()))
}

fn is_uniform(value: &str) -> bool {
    let mut seen = [false; 256];
    let mut distinct = 0;
    for byte in value.bytes() {
        if let Some(seen) = seen.get_mut(usize::from(byte))
            && !*seen
        {
            *seen = true;
            distinct += 1;
        }
    }
    distinct < 6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::{Digest, Message};

    fn places(text: &str) -> Vec<String> {
        let message = Message {
            text: text.to_owned(),
            ..Message::unread(Digest::of(b""), 0)
        };
        find(&Reading::of(&message))
            .into_iter()
            .map(|find| format!("{} {}", find.kind.as_str(), find.place))
            .collect()
    }

    #[test]
    fn kind_and_place_are_told() {
        let card = format!("{}{}", "45567375", "86899855");
        assert_eq!(
            places(&format!("a\nb {card}\n\n{card}")),
            [
                "card_number line 2 of the text",
                "card_number line 4 of the text"
            ]
        );
        assert_eq!(places("nothing here\n"), Vec::<String>::new());
    }

    #[test]
    fn placeholders() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "xxxxxxxxxx",
            "aaaaaabc9",
            "<your-token>",
            "abab",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        assert!(!is_placeholder("Q7dM2xVb9TzKp4Lw"));
    }

    #[test]
    fn long_lines_are_read_in_pieces() {
        let line = "é".repeat(20_000);
        assert_eq!(parts(&line).collect::<String>(), line);
        assert!(parts(&line).all(|part| part.len() <= LONGEST_LINE));
    }
}
