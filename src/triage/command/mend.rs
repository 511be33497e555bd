//! The right line that is most like a wrong one.

use chrono::NaiveDate;

use super::{Command, WORDS, Word, case_number};
use crate::config::nearest;
use crate::triage::policy::{DeadlineKind, Severity};

/// What somebody may have meant who wrote this line; it reads as a command. Of a line that cannot
/// be guessed, the example of its command.
pub fn nearest_line(line: &str) -> String {
    let line = line.trim().trim_start_matches('/');
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let name = name.to_lowercase();
    let names = WORDS.iter().map(|word| word.name);
    let word = Word::of(&name).or_else(|| Word::of(nearest(&name, names)?));
    let Some(word) = word else {
        return "/help".to_owned();
    };
    let argument = argument.trim();
    let mut arguments = [
        argument.to_owned(),
        with_first_word(argument, |first| near_choice(word.name, first)),
        with_first_word(argument, day),
        with_first_word(argument, padded),
    ]
    .into_iter()
    // Of one that takes nothing, whatever was there.
    .chain(word.argument.is_empty().then(String::new));
    arguments
        .find_map(|argument| {
            let line = format!("/{} {argument}", word.name).trim_end().to_owned();
            Command::parse(&line).is_ok().then_some(line)
        })
        .unwrap_or_else(|| word.example.to_owned())
}

fn with_first_word(argument: &str, mend: impl Fn(&str) -> Option<String>) -> String {
    let (first, rest) = argument
        .split_once(char::is_whitespace)
        .unwrap_or((argument, ""));
    mend(first).map_or_else(String::new, |first| {
        format!("{first} {rest}").trim_end().to_owned()
    })
}

fn near_choice(name: &str, word: &str) -> Option<String> {
    let choices = match name {
        "severity" => Severity::ALL.map(Severity::as_str).to_vec(),
        "notified" => DeadlineKind::LAW.map(DeadlineKind::as_str).to_vec(),
        _ => return None,
    };
    let word = word.to_lowercase().replace('-', "_");
    (!word.is_empty())
        .then(|| nearest(&word, choices).map(str::to_owned))
        .flatten()
}

/// `1.12.2026` and `2026/12/1` as we write them. What may be read in two ways is not guessed.
fn day(word: &str) -> Option<String> {
    ["%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"]
        .into_iter()
        .find_map(|shape| NaiveDate::parse_from_str(word, shape).ok())
        .map(|day| day.to_string())
}

/// `SEC-2026-7` and `2026-7` as `SEC-2026-0007`.
pub fn padded(word: &str) -> Option<String> {
    let upper = word.to_uppercase().replace(is_dash, "-");
    let number = upper
        .split_whitespace()
        .next()?
        .trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let bare = number.strip_prefix("SEC-").unwrap_or(number);
    let (year, count) = bare.split_once('-')?;
    let count: u32 = count.parse().ok()?;
    case_number(&format!("SEC-{year}-{count:04}")).ok()
}

/// What mail programs and people write for a hyphen.
fn is_dash(character: char) -> bool {
    matches!(character, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_right_line_is_one_that_works() {
        #[track_caller]
        fn check(wrong: &str, right: &str) {
            assert!(Command::parse(wrong).is_err(), "{wrong}");
            assert_eq!(nearest_line(wrong), right, "{wrong}");
        }
        check("/severty high", "/severity high");
        check("/severity hihg", "/severity high");
        check("/severty hihg", "/severity high");
        check("severity high", "/severity high");
        check("/accept it", "/accept");
        check("/acept", "/accept");
        check("/fixed 1.12.2026", "/fixed 2026-12-01");
        check(
            "/disclose 2027/1/10 short notice",
            "/disclose 2027-01-10 short notice",
        );
        check("/fixed soon", "/fixed 2026-12-01");
        check("/duplicate 2026-7", "/duplicate SEC-2026-0007");
        check(
            "/notified early-warnin 2026-06-05",
            "/notified early_warning 2026-06-05",
        );
        check("/reject", "/reject The server checks this a second time.");
    }

    #[test]
    fn every_example_works() {
        for word in &WORDS {
            assert!(Command::parse(word.example).is_ok(), "{}", word.example);
            assert!(word.example.starts_with(&format!("/{}", word.name)));
        }
    }
}
