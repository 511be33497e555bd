//! Headings and excerpts of letters, within 80 columns.

use super::super::paint::{Paint, columns, paint, shown, shown_lines};
use super::tour::Letter;
use crate::notices::words::folded;

/// Columns that a terminal has at least; one is left free at its edge.
const WIDTH: usize = 79;
/// Columns before what a mail says.
const MARGIN: usize = 4;
const ARMOR: &str = "-----BEGIN PGP MESSAGE-----";

/// Which lines of a text are shown; a mark stands for the others.
pub enum Part {
    /// So many from the beginning.
    Head(usize),
    /// So many from the first line that begins so.
    From(&'static str, usize),
}

impl Part {
    fn has(&self, position: usize, lines: &[&str]) -> bool {
        let (first, count) = match self {
            Self::Head(count) => (Some(0), *count),
            Self::From(word, count) => {
                let begins = |line: &&str| line.starts_with(word);
                (lines.iter().position(begins), *count)
            }
        };
        first.is_some_and(|first| (first..first + count).contains(&position))
    }
}

pub fn heading(number: usize, title: &str) -> String {
    format!(
        "\n{}\n{}\n",
        paint(&format!("{number}. {title}"), Paint::Head),
        paint(&"─".repeat(WIDTH - 1), Paint::Dim)
    )
}

/// Words of the guide.
pub fn words(text: &str) -> String {
    let lines = folded(text, WIDTH);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Names and values, as at the head of a mail.
pub fn fields(fields: &[(&str, &str)]) -> String {
    let row = |(name, value): &(&str, &str)| {
        let value = paint(&shown(value, 66), Paint::Bold);
        vec![paint(&format!("{name:7}"), Paint::Dim), value]
    };
    let rows: Vec<Vec<String>> = fields.iter().map(row).collect();
    columns(&rows)
}

/// A note on the mail that is shown.
pub fn seal(text: &str) -> String {
    format!("  {}\n", paint(&format!("🔒 {text}"), Paint::Good))
}

/// A letter as whom it is to reads it; `opened`: with whose key, where it is encrypted.
pub fn letter(letter: &Letter, opened: &str, parts: &[Part]) -> String {
    let message = &letter.opened;
    let mut text = fields(&[("To", &*to(letter)), ("Subject", &message.subject)]);
    match (message.openpgp.encrypted, letter.is_signed()) {
        (true, true) => text.push_str(&seal(&format!("signed and encrypted; {opened}"))),
        (true, false) => text.push_str(&seal(opened)),
        (false, _) => {}
    }
    text + &excerpt(&message.text, parts)
}

fn to(letter: &Letter) -> String {
    let to: Vec<&str> = letter
        .opened
        .to
        .iter()
        .map(|to| to.email.as_str())
        .collect();
    to.join(", ")
}

/// What is seen of an encrypted letter on its way.
pub fn on_the_way(letter: &Letter) -> String {
    let sent = String::from_utf8_lossy(&letter.sent);
    let armor = sent.find(ARMOR).and_then(|at| sent.get(at..));
    let head = [("To", &*to(letter)), ("Subject", &*letter.outer_subject)];
    fields(&head) + &excerpt(armor.unwrap_or_default(), &[Part::Head(3)])
}

/// The files that go along with a letter.
pub fn files(letter: &Letter) -> String {
    let files = letter.opened.attachments.iter();
    files
        .map(|file| margin(&format!("+ {} ({})", file.name, file.media_type)))
        .collect()
}

/// The parts of a text, a mark wherever lines are left out; blank lines beside it go too.
pub fn excerpt(text: &str, parts: &[Part]) -> String {
    let text = shown_lines(text);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let mut page: Vec<Option<&str>> = Vec::new();
    for (position, line) in lines.iter().enumerate() {
        let is_shown = parts.iter().any(|part| part.has(position, &lines));
        let is_after_gap = page.last().is_some_and(Option::is_none);
        if is_shown && !(is_after_gap && line.is_empty()) {
            page.push(Some(line));
        } else if !is_shown && !is_after_gap {
            while page.pop_if(|line| *line == Some("")).is_some() {}
            page.push(None);
        }
    }
    page.iter()
        .map(|line| margin(line.unwrap_or("…")))
        .collect()
}

/// A line of a mail.
fn margin(line: &str) -> String {
    let line = shown(line, WIDTH - MARGIN);
    let line = format!("  {} {line}", paint("│", Paint::Dim));
    format!("{}\n", line.trim_end())
}
