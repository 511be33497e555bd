//! A reporter who tells that he saw other people's data by accident.
//!
//! Three things in one sentence or two that follow each other: that it was no intent, whose data
//! it was, and that the sender saw it.

use super::quoted;
use super::reading::Reading;
use super::testing::{denied, held};
use crate::triage::classify::{Folded, find as find_phrase, has, position};

#[rustfmt::skip]
mod words;

use words::{DENIED, FOUND_A_BUG, NO_INTENT, OTHERS, SAW, WRITER};

/// Evidence, in words.
pub fn find(reading: &Reading<'_>) -> Option<String> {
    let markers = held(&reading.folded, NO_INTENT);
    let others = held(&reading.folded, OTHERS);
    if markers.is_empty() || others.is_empty() {
        return None;
    }
    let sentences: Vec<String> = reading.sentences().collect();
    let alone = sentences.iter().cloned();
    let pairs = sentences.windows(2).map(|pair| pair.join(" "));
    alone
        .chain(pairs)
        .find_map(|words| told_by(&Folded::of(&words), &markers, &others))
}

fn told_by(words: &Folded, markers: &[&str], others: &[&str]) -> Option<String> {
    let marker = not_denied(words, markers)?;
    let others = not_denied(words, others)?;
    if has(words, FOUND_A_BUG) || !has(words, SAW) || !has(words, WRITER) {
        return None;
    }
    Some(format!("it says {} and {}", quoted(marker), quoted(others)))
}

fn not_denied<'p>(words: &Folded, phrases: &[&'p str]) -> Option<&'p str> {
    let phrase = find_phrase(words, phrases)?;
    let at = position(words, phrase)?;
    (!denied(words, at, &[DENIED])).then_some(phrase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::{Digest, Message};

    #[track_caller]
    fn check(text: &str, expected: bool) {
        let message = Message {
            text: text.to_owned(),
            ..Message::unread(Digest::of(b""), 0)
        };
        assert_eq!(find(&Reading::of(&message)).is_some(), expected, "{text}");
    }

    #[test]
    fn what_was_seen_by_accident() {
        check("I could see another user's invoices by accident.", true);
        check(
            "The page showed the name of another customer. I got there by mistake.",
            true,
        );
        check(
            "Ich habe versehentlich die Rechnung eines anderen Kunden gesehen.",
            true,
        );
        check(
            "I did not see other users' data, not even by accident.",
            false,
        );
        check("A victim may delete his account by accident.", false);
        check(
            "I accidentally found a bug that shows other users' data.",
            false,
        );
        check(
            "I changed the number and, to my surprise, an invoice of another company came up.",
            true,
        );
        check(
            "Ich habe zufällig die Rechnung eines anderen Kunden in meinem Postfach gefunden.",
            true,
        );
        check(
            "Ich habe zufällig eine Schwachstelle gefunden, die Daten anderer Kunden zeigt.",
            false,
        );
        check("I could see another user's invoices.", false);
        check(
            "The export held the list of some other company. I closed it at once and told nobody.",
            true,
        );
        check(
            "I mistyped a number and was shown an invoice that is not mine.",
            true,
        );
        check(
            "We stopped immediately when another user's name appeared.",
            true,
        );
        check("", false);
    }
}
