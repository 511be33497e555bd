//! Looking for phrases in folded text.
//!
//! Folded text is lower case, with plain quotes and single spaces, so that a
//! phrase is found however the sender's program wrapped and decorated it.
//! Phrases are found by plain substring search: no automaton is kept in memory.
//! A bitmap of the text's trigrams tells at once that most of them are not there.

use std::ops::Deref;

use memchr::memmem;

/// More of a text than this many bytes is not looked at.
pub const LOOKED_AT: usize = 256 * 1024;

/// The longest beginning of at most `bytes` bytes that ends between characters.
pub fn beginning(text: &str, bytes: usize) -> &str {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or(text)
}

/// Folded text with a bitmap of its trigrams.
#[derive(Clone)]
pub struct Folded {
    text: String,
    trigrams: Box<[u64; TRIGRAM_WORDS]>,
}

/// 4 KiB: natural text of any length leaves most of it empty.
const TRIGRAM_WORDS: usize = 512;

impl Folded {
    /// Of text that is folded already.
    pub fn of(text: &str) -> Self {
        Self::index(text.to_owned())
    }

    fn index(text: String) -> Self {
        let mut trigrams = Box::new([0; TRIGRAM_WORDS]);
        for three in trigrams_of(&text) {
            let (word, bit) = trigram_place(three);
            if let Some(bits) = trigrams.get_mut(word) {
                *bits |= bit;
            }
        }
        Self { text, trigrams }
    }

    /// `false`: it holds no such substring. `true`: it may.
    fn may_hold(&self, needle: &str) -> bool {
        trigrams_of(needle).all(|three| {
            let (word, bit) = trigram_place(three);
            self.trigrams.get(word).is_none_or(|bits| bits & bit != 0)
        })
    }
}

impl Deref for Folded {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// Each three bytes that stand together, as a number.
fn trigrams_of(text: &str) -> impl Iterator<Item = u32> {
    let mut last = 0;
    let threes = text.as_bytes().iter().map(move |byte| {
        last = ((last << 8) | u32::from(*byte)) & 0x00ff_ffff;
        last
    });
    threes.skip(2)
}

/// Word and bit of three bytes in the bitmap.
fn trigram_place(three: u32) -> (usize, u64) {
    let hash = three.wrapping_mul(0x9e37_79b1) >> 17;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// Folds and indexes.
pub fn fold(text: &str) -> Folded {
    Folded::index(folded(text))
}

/// Lower case, straight quotes, every run of white space one space.
pub fn folded(text: &str) -> String {
    let text = beginning(text, LOOKED_AT);
    if text.is_ascii() {
        let mut folded = Vec::with_capacity(text.len());
        fold_ascii(text, &mut folded);
        return String::from_utf8(folded).unwrap_or_default();
    }
    let mut folded = String::with_capacity(text.len());
    fold_words(text, &mut folded);
    folded
}

fn fold_words(text: &str, folded: &mut String) {
    for (position, word) in text.split_whitespace().enumerate() {
        if position > 0 {
            folded.push(' ');
        }
        fold_into(word, folded);
    }
}

/// The same for most mails, several times as fast: a mail is folded in many pieces.
fn fold_ascii(text: &str, folded: &mut Vec<u8>) {
    let begin = folded.len();
    let words = text.as_bytes().split(|byte| is_ascii_space(*byte));
    for word in words.filter(|word| !word.is_empty()) {
        if folded.len() > begin {
            folded.push(b' ');
        }
        folded.extend_from_slice(word);
    }
    let added = folded.get_mut(begin..).unwrap_or_default();
    added.make_ascii_lowercase();
    for byte in added.iter_mut().filter(|byte| **byte == b'`') {
        *byte = b'\'';
    }
}

/// As `char::is_whitespace` has it, the vertical tab included.
fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// As [`fold`], with the line ends kept.
pub fn fold_lines(text: &str) -> Folded {
    let text = beginning(text, LOOKED_AT);
    if text.is_ascii() {
        let mut folded = Vec::with_capacity(text.len() + 1);
        for line in text.lines() {
            fold_ascii(line, &mut folded);
            folded.push(b'\n');
        }
        return Folded::index(String::from_utf8(folded).unwrap_or_default());
    }
    let mut folded = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        fold_words(line, &mut folded);
        folded.push('\n');
    }
    Folded::index(folded)
}

fn fold_into(word: &str, folded: &mut String) {
    for c in word.chars() {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{02bc}' | '`' => folded.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' => folded.push('"'),
            '\u{2010}' | '\u{2011}' => folded.push('-'),
            '\u{00ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => {}
            _ if c.is_ascii() => folded.push(c.to_ascii_lowercase()),
            _ => folded.extend(c.to_lowercase()),
        }
    }
}

/// The first of these phrases that the folded text holds as whole words.
///
/// A phrase that ends in `*` may go on within its last word. Scripts that
/// write no spaces (Chinese, Japanese, Korean) and Arabic, which joins
/// particles to words, match anywhere.
pub fn find<'p>(folded: &Folded, phrases: &[&'p str]) -> Option<&'p str> {
    phrases
        .iter()
        .copied()
        .find(|phrase| position(folded, phrase).is_some())
}

pub fn has(folded: &Folded, phrases: &[&str]) -> bool {
    find(folded, phrases).is_some()
}

/// How many of these phrases the folded text holds.
pub fn count(folded: &Folded, phrases: &[&str]) -> usize {
    phrases
        .iter()
        .filter(|phrase| position(folded, phrase).is_some())
        .count()
}

/// Byte offset of a phrase, by the rules of [`find`].
pub fn position(folded: &Folded, phrase: &str) -> Option<usize> {
    positions(folded, phrase).next()
}

/// Every place where a phrase stands.
pub fn positions<'f>(folded: &'f Folded, phrase: &'f str) -> impl Iterator<Item = usize> + 'f {
    let (needle, open_end) = match phrase.strip_suffix('*') {
        Some(stem) => (stem, true),
        None => (phrase, false),
    };
    // Searched only where the bitmap has not said no: a search costs more to prepare than to run.
    let found = folded
        .may_hold(needle)
        .then(|| memmem::find_iter(folded.as_bytes(), needle));
    found.into_iter().flatten().filter(move |at| {
        let before = folded.get(..*at).and_then(|text| text.chars().next_back());
        let after = folded
            .get(at + needle.len()..)
            .and_then(|text| text.chars().next());
        !joined(before, needle.chars().next())
            && (open_end || !joined(needle.chars().next_back(), after))
    })
}

/// Do these two neighbours belong to one word?
fn joined(left: Option<char>, right: Option<char>) -> bool {
    let in_word = |c: char| c.is_alphanumeric() && !is_unspaced(c);
    left.is_some_and(in_word) && right.is_some_and(in_word)
}

/// A letter of a script that does not set words apart by spaces, or joins particles to them.
pub fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0600}'..='\u{06ff}' | '\u{0e00}'..='\u{0eff}' | '\u{1100}'..='\u{11ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// How many words a text has; two letters of an unspaced script count as one.
pub fn words(text: &str) -> usize {
    if text.is_ascii() {
        return text
            .as_bytes()
            .split(|byte| is_ascii_space(*byte))
            .filter(|word| word.iter().any(u8::is_ascii_alphanumeric))
            .count();
    }
    let spaced = text
        .split_whitespace()
        .filter(|word| word.chars().any(|c| c.is_alphanumeric() && !is_unspaced(c)))
        .count();
    spaced + text.chars().filter(|c| is_unspaced(*c)).count() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, phrase: &str, expected: bool) {
        assert_eq!(has(&fold(text), &[phrase]), expected, "{phrase} in {text}");
    }

    #[test]
    fn phrases_are_whole_words() {
        check("an RCE in", "rce", true);
        check("open source", "rce", false);
        check("several vulnerabilities", "vulnerab*", true);
        check("invulnerable", "vulnerab*", false);
        check(
            "could\r\nnot  be\tdelivered",
            "could not be delivered",
            true,
        );
        check("I don\u{2019}t", "don't", true);
        check("漏洞报告", "漏洞", true);
        check("XSS", "xss", true);
        check("(xss)", "xss", true);
        check("", "xss", false);
    }

    #[test]
    fn ascii_is_folded_like_any_text() {
        #[track_caller]
        fn check(text: &str) {
            // The accent keeps the text from the short way.
            let long_way = folded(&format!("{text} \u{e9}"));
            assert_eq!(
                format!("{} \u{e9}", folded(text)).trim(),
                long_way,
                "{text:?}"
            );
            assert_eq!(
                words(text) + 1,
                words(&format!("{text} \u{e9}")),
                "{text:?}"
            );
        }
        check("");
        check("  Don`t \t\x0b\x0c\r\n PANIC \x1c ok--no ");
        check("one\n\ntwo  -- 3");
        check(" \n");
    }

    #[test]
    fn words_of_any_script_are_counted() {
        assert_eq!(words("Hello, world -- 2"), 3);
        assert_eq!(words("公钥请求"), 2);
        assert_eq!(words(" \n"), 0);
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(beginning("aé", 2), "a");
        assert_eq!(beginning("aé", 9), "aé");
    }
}
