//! Does a mail ask for our OpenPGP key, and is that all it wants?
//!
//! A clause asks when it names such a key and asks for something, and when
//! nothing in it makes the key another one: the sender's own, a leaked one, an
//! API key, a part of the product. Clauses are judged one by one, so that
//! "I encrypted with my key, please send me yours" is understood.

use super::phrases::Folded;
use super::{likeness, phrases};

#[rustfmt::skip]
mod words;

use words::{
    BARE_NAMES, DETAILS, ENCRYPTION, KEY_WORDS, KEYS, NO_LONGER_GOOD, NOT_WANTED, OTHER_KEYS, OURS,
    PGP, PLEASE, QUESTION_WORDS, REQUESTS, SECURE_CHANNEL, SENDERS_OWN,
};

/// A request with more words than this holds more than the request.
const SHORT: usize = 80;

/// A request stands within so many bytes and clauses.
const LOOKED_AT: usize = 64 * 1024;
const MOST_CLAUSES: usize = 2_000;

/// Does the sender want our key? `subject` as it came, `own` without quoted history.
pub fn wants_key(subject: &str, own: &str) -> bool {
    let own = phrases::beginning(own, LOOKED_AT);
    wants_key_of(subject, own, &phrases::fold(&format!("{subject} {own}")))
}

/// The same where subject and own words are folded already.
pub(super) fn wants_key_knowing(subject: &str, own: &str, whole: &Folded) -> bool {
    match own.len() <= LOOKED_AT {
        true => wants_key_of(subject, own, whole),
        false => wants_key(subject, own),
    }
}

fn wants_key_of(subject: &str, own: &str, whole: &Folded) -> bool {
    let mentioned = [PGP, KEYS, SECURE_CHANNEL]
        .iter()
        .any(|list| phrases::has(whole, list));
    let encrypts = phrases::has(whole, ENCRYPTION);
    mentioned
        && clauses(subject)
            .chain(clauses(own))
            .take(MOST_CLAUSES)
            .any(|clause| asks(&clause, encrypts))
}

/// Is there nothing else in the mail: no weakness named, no address, few words?
pub fn is_nothing_else(subject: &str, own: &str) -> bool {
    let whole = phrases::fold(&format!("{subject} {own}"));
    phrases::words(own) <= SHORT
        && !likeness::names_weakness(&whole)
        && !whole.contains("http://")
        && !whole.contains("cve-")
        && !whole.contains("```")
        && !phrases::has(&whole, DETAILS)
}

/// Sentences and the parts between commas, folded. A sentence is offered whole too: "Could
/// you, please, send it: your PGP key".
fn clauses(text: &str) -> impl Iterator<Item = Folded> + '_ {
    text.split("\n\n").flat_map(|paragraph| {
        let folded = phrases::folded(paragraph);
        let sentences: Vec<String> = folded
            .split_inclusive(SENTENCE_ENDS)
            .map(|sentence| sentence.trim().to_owned())
            .collect();
        sentences
            .into_iter()
            .flat_map(|sentence| {
                let parts: Vec<String> = sentence
                    .split([',', ';', '，', '、', '،'])
                    .flat_map(|part| part.split(" and "))
                    .map(|part| part.trim().to_owned())
                    .collect();
                let whole = (parts.len() > 1).then_some(sentence);
                parts.into_iter().chain(whole)
            })
            .filter(|clause| clause.len() > 2)
            .map(|clause| Folded::of(&clause))
    })
}

const SENTENCE_ENDS: [char; 9] = ['.', '?', '!', '\n', '。', '？', '！', '؟', '…'];

/// A clause with more words than this is prose about something.
const LONGEST_CLAUSE: usize = 45;

fn asks(clause: &Folded, encrypts: bool) -> bool {
    let words = phrases::words(clause);
    if words > LONGEST_CLAUSE
        || phrases::has(clause, OTHER_KEYS)
        || phrases::has(clause, NOT_WANTED)
    {
        return false;
    }
    if phrases::has(clause, SENDERS_OWN) && !phrases::has(clause, OURS_TOO) {
        return false;
    }
    let named = names_pgp_key(clause);
    let ours = phrases::has(clause, OURS);
    let general = phrases::has(clause, KEYS) && (ours || encrypts);
    if !named && !general {
        return phrases::has(clause, SECURE_CHANNEL);
    }
    let requested =
        phrases::has(clause, REQUESTS) || (ours && phrases::has(clause, NO_LONGER_GOOD));
    let bare = words <= 6 && named && (phrases::has(clause, PLEASE) || is_question(clause));
    requested
        || bare
        || (ours && is_question(clause) && phrases::has(clause, QUESTION_WORDS))
        || is_only_the_name(clause)
}

fn names_pgp_key(clause: &Folded) -> bool {
    phrases::has(clause, PGP) && (phrases::has(clause, KEYS) || phrases::has(clause, KEY_WORDS))
}

/// The whole clause is "PGP key" or "Your public key" with "request" or nothing around it.
fn is_only_the_name(clause: &Folded) -> bool {
    let clause = clause.trim_matches(|c: char| !c.is_alphanumeric());
    BARE_NAMES.contains(&clause)
}

fn is_question(clause: &Folded) -> bool {
    clause.ends_with(['?', '？', '؟']) || clause.ends_with('か')
}

/// "…, and yours?": both keys are in the clause.
const OURS_TOO: &[&str] = &[
    "yours",
    "your own",
    "send me your*",
    "your public key",
    "your pgp key",
    "ihren",
    "la vôtre",
    "la suya",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(subject: &str, text: &str, wants: bool, nothing_else: bool) {
        assert_eq!(wants_key(subject, text), wants, "{subject}: {text}");
        assert_eq!(
            is_nothing_else(subject, text),
            nothing_else,
            "{subject}: {text}"
        );
    }

    #[test]
    fn a_request_alone_and_inside_a_report() {
        check("PGP key", "", true, true);
        check(
            "Vulnerability",
            "I found a vulnerability. Could you send me your PGP key?",
            true,
            true,
        );
        check(
            "XSS",
            "There is an XSS in the search field. Please send me your PGP key.",
            true,
            false,
        );
        check("XSS", "There is an XSS in the search field.", false, false);
        check("Hello", "How are you?", false, true);
    }
}
