//! A report in the forms that the rules read: its lines as they stand, and its words.

use std::borrow::Cow;

use crate::mail::message::{Attachment, Message};
use crate::triage::classify::{
    Folded, beginning, fold, folded, is_forwarded, own_words, without_marks, words,
};

/// Of the text so many bytes are read, and as many of all files together.
pub const LOOKED_AT: usize = 256 * 1024;
/// Of so many files.
const FILES: usize = 20;
/// A sentence is cut here, in bytes: a list without any stop is none.
const LONGEST_SENTENCE: usize = 700;
/// Of so many.
const SENTENCES: usize = 5_000;

pub struct Reading<'m> {
    pub message: &'m Message,
    /// Subject, text and files, in this order.
    pub pieces: Vec<Piece<'m>>,
    /// What the sender tells, without history and quote marks: his text, and the files that he
    /// wrote for people.
    pub told: String,
    /// The subject and what is told.
    pub folded: Folded,
    pub subject: Folded,
}

/// A text, and where it stands.
pub struct Piece<'m> {
    pub place: Where,
    pub text: Cow<'m, str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Where {
    Subject,
    Text,
    /// By number, from 1.
    Attachment(usize),
}

impl Where {
    /// `line 12 of the text`. Lines count from 1.
    pub fn line(self, number: usize) -> String {
        match self {
            Self::Subject => "the subject".to_owned(),
            Self::Text => format!("line {number} of the text"),
            Self::Attachment(at) => format!("attachment {at}, line {number}"),
        }
    }
}

impl<'m> Reading<'m> {
    pub fn of(message: &'m Message) -> Self {
        let text = beginning(&message.text, LOOKED_AT);
        let mut pieces = vec![
            piece(Where::Subject, &message.subject),
            piece(Where::Text, text),
        ];
        let mut told = told(message, text);
        let mut left = LOOKED_AT;
        for (at, file) in message.attachments.iter().enumerate().take(FILES) {
            let Some(excerpt) = file.excerpt.as_deref() else {
                continue;
            };
            let excerpt = beginning(excerpt, left);
            left -= excerpt.len();
            pieces.push(piece(Where::Attachment(at + 1), excerpt));
            if is_written(file) {
                told.push_str("\n\n");
                told.push_str(excerpt);
            }
        }
        Self {
            message,
            pieces,
            folded: fold(&[&message.subject, "\n", &told].concat()),
            subject: fold(&message.subject),
            told,
        }
    }

    /// Each sentence of subject and told text, folded. A question is none: who asks whether
    /// something is allowed does not tell of it.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        let subject = std::iter::once(self.message.subject.as_str());
        subject
            .chain(paragraphs(&self.told))
            .flat_map(|paragraph| sentences(&folded(paragraph)))
            .take(SENTENCES)
    }

    /// As [`Self::sentences`], without the subject: a title is no sentence.
    pub fn told_sentences(&self) -> impl Iterator<Item = String> {
        paragraphs(&self.told)
            .flat_map(|paragraph| sentences(&folded(paragraph)))
            .take(SENTENCES)
    }
}

fn piece(place: Where, text: &str) -> Piece<'_> {
    Piece {
        place,
        text: refanged(text),
    }
}

/// The sender's own words. Where he has none, or says that he forwards, it is what he sends on.
fn told(message: &Message, text: &str) -> String {
    let own = own_words(text);
    if words(&own) == 0 || is_forwarded(&message.subject) {
        return without_marks(text);
    }
    own
}

/// A file that somebody wrote to be read, and no machine's output.
fn is_written(file: &Attachment) -> bool {
    matches!(
        file.media_type.as_str(),
        "application/pdf" | "text/markdown" | "text/plain" | "text/x-rst"
    ) || [".pdf", ".md", ".markdown", ".txt", ".rst"]
        .iter()
        .any(|end| file.name.to_ascii_lowercase().ends_with(end))
}

/// Parted by blank lines, and by lines that begin an item of a list or a heading.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    let mut begin = 0;
    let mut cuts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let opens = trimmed.trim_end().is_empty()
            || trimmed.starts_with(['-', '*', '#', '+', '•'])
            || trimmed.starts_with(|c: char| c.is_ascii_digit());
        if opens {
            cuts.push(begin..at);
            begin = at;
        }
        at += line.len();
    }
    cuts.push(begin..at);
    cuts.into_iter().filter_map(|cut| text.get(cut))
}

fn sentences(paragraph: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut characters = paragraph.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let end = at + character.len_utf8();
        let ends = match character {
            '.' | '!' | '?' | ';' => next.is_none_or(|next| next == ' '),
            '。' | '！' | '？' => true,
            _ => end - begin >= LONGEST_SENTENCE && next == Some(' '),
        };
        if ends || next.is_none() {
            let asks = matches!(character, '?' | '？');
            let sentence = paragraph.get(begin..end).unwrap_or_default();
            let sentence = sentence.trim_matches([' ', '#', '*', '-', '•', '+', '|']);
            if !asks && !sentence.is_empty() {
                found.push(sentence.to_owned());
            }
            begin = end;
        }
    }
    found
}

/// Takes back what people do to an address so that nobody opens it by accident. Only forms that
/// mean nothing else: `a[.]test`, `a(dot)test`, `hxxps://`.
pub fn refanged(text: &str) -> Cow<'_, str> {
    if !text.contains(['[', '(', '{']) && !holds_hxxp(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['[', '(', '{', 'h', 'H']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let (written, taken) = mended(rest);
        out.push_str(written);
        rest = rest.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What stands at the beginning of `rest`, and how many bytes of it.
fn mended(rest: &str) -> (&str, usize) {
    const FORMS: &[(&str, &str)] = &[
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("{dot}", "."),
        ("[:]", ":"),
        ("[://]", "://"),
        ("[/]", "/"),
        ("hxxp", "http"),
    ];
    let begins = |form: &str| {
        rest.get(..form.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(form))
    };
    match FORMS.iter().find(|(form, _)| begins(form)) {
        Some((form, meant)) => (meant, form.len()),
        // One of the five characters that are looked for, all of one byte.
        None => (rest.get(..1).unwrap_or_default(), 1),
    }
}

fn holds_hxxp(text: &str) -> bool {
    text.as_bytes()
        .windows(4)
        .any(|four| four.eq_ignore_ascii_case(b"hxxp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_refanged_where_it_is_safe() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(refanged(text), expected);
        }
        check("hxxps://a[.]b(dot)test/x", "https://a.b.test/x");
        check("hXXp[://]a{.}test", "http://a.test");
        check("a[DOT]test", "a.test");
        check("f(x) [see] {h} h", "f(x) [see] {h} h");
        check("f(.) is é", "f. is é");
        check("a dot test", "a dot test");
        check("", "");
    }

    #[test]
    fn sentences_end_where_a_person_ends_them() {
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            let found: Vec<String> = paragraphs(text)
                .flat_map(|paragraph| sentences(&folded(paragraph)))
                .collect();
            assert_eq!(found, expected);
        }
        check(
            "I saw\na.b.test. May I? It is!\n\n1. one\n2. two",
            &["i saw a.b.test.", "it is!", "1.", "one", "2.", "two"],
        );
        check("見た。もう一つ", &["見た。", "もう一つ"]);
        check("", &[]);
    }
}
