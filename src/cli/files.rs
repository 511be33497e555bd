//! Mails from files, mailbox files (mbox), Maildirs and standard input.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveTime, Utc};

use super::Failure;
use super::say::complain;
use crate::mail::parse;

/// One mail out of a file.
pub struct FoundMail {
    /// Where it was: the file, with `#2` for the second mail of an mbox.
    pub name: String,
    pub bytes: Vec<u8>,
    /// When it arrived, as far as the place tells; never the mail's own Date.
    pub received_at: Option<DateTime<Utc>>,
}

/// Hands over the mails in files, mbox files, Maildirs and standard input, one file at a time.
/// What cannot be read is complained about and left out; `false` where there was such a thing.
pub fn for_each(
    paths: &[PathBuf],
    mut take: impl FnMut(FoundMail) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    let mut all_well = true;
    let mut complain_of = |error: anyhow::Error| {
        complain!("triaged: {error:#}");
        all_well = false;
    };
    for path in paths {
        let files = list(path).unwrap_or_else(|error| {
            complain_of(error);
            Vec::new()
        });
        for file in files {
            match read(&file) {
                Ok(mails) => mails.into_iter().try_for_each(&mut take)?,
                Err(error) => complain_of(error),
            }
        }
    }
    Ok(all_well)
}

/// Where mails are, without their bytes: one file at a time is in memory.
fn list(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if is_standard_input(path) {
        return Ok(vec![path.to_owned()]);
    }
    if let Ok(false) = path.try_exists() {
        bail!("{}: there is no such file", path.display());
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for folder in ["new", "cur"] {
        let folder = path.join(folder);
        let entries = std::fs::read_dir(&folder).with_context(|| {
            format!(
                "{}: a folder is read as a Maildir, and this has no {}",
                path.display(),
                folder.display()
            )
        })?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// The mails in one file. Standard input is one mail, as a mail server pipes it.
pub fn read(path: &Path) -> anyhow::Result<Vec<FoundMail>> {
    let name = path.display().to_string();
    if is_standard_input(path) {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("standard input")?;
        return Ok(vec![one_mail(name, without_postmark(bytes))]);
    }
    let bytes = std::fs::read(path).with_context(|| name.clone())?;
    if in_maildir(path) {
        return Ok(vec![FoundMail {
            name,
            bytes,
            received_at: modified_at(path),
        }]);
    }
    if first_line(&bytes).is_some_and(is_postmark) {
        return Ok(split_mbox(&name, &bytes));
    }
    Ok(vec![one_mail(name, bytes)])
}

fn one_mail(name: String, bytes: Vec<u8>) -> FoundMail {
    FoundMail {
        name,
        received_at: parse::received_at(&bytes),
        bytes,
    }
}

/// A mail server may put a `From ` line in front of what it pipes, dated in whatever way.
fn without_postmark(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = match first_line(&bytes) {
        Some(line) if line.starts_with(b"From ") && !is_field(line) => line.len(),
        _ => 0,
    };
    bytes.drain(..length);
    bytes
}

fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').next()
}

/// In a Maildir a file is one mail, and the file's time is the time of delivery.
fn in_maildir(path: &Path) -> bool {
    path.parent()
        .and_then(Path::file_name)
        .is_some_and(|folder| folder == "new" || folder == "cur")
}

fn modified_at(path: &Path) -> Option<DateTime<Utc>> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(DateTime::from(modified))
}

/// Splits at postmarks, and takes the quoting of `From ` lines back (mboxrd).
///
/// A postmark begins a mail at the start of the file, and after a blank line where a header
/// follows: a body may hold a line that looks like one, and must not be cut in two there.
fn split_mbox(name: &str, bytes: &[u8]) -> Vec<FoundMail> {
    let mut mails: Vec<Vec<u8>> = Vec::new();
    let mut after_blank = true;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let mut before_header = || lines.peek().is_some_and(|next| is_field(next));
        match mails.last_mut() {
            Some(mail) if !(after_blank && is_postmark(line) && before_header()) => {
                mail.extend_from_slice(unquoted(line));
            }
            _ => mails.push(Vec::new()),
        }
        after_blank = line.iter().all(u8::is_ascii_whitespace);
    }
    let is_one = mails.len() == 1;
    let numbered = |(position, bytes)| match is_one {
        true => one_mail(name.to_owned(), bytes),
        false => one_mail(format!("{name}#{}", position + 1), bytes),
    };
    mails.into_iter().enumerate().map(numbered).collect()
}

/// `From alice@example.org Fri May  8 15:00:07 2026`: who, and a date to the year. Mail programs
/// put its parts into different orders, and a zone among them.
fn is_postmark(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let Ok(rest) = std::str::from_utf8(rest) else {
        return false;
    };
    // The sender is one word, but for a quoted one.
    let behind_quotes = rest
        .strip_prefix('"')
        .and_then(|rest| rest.rsplit_once('"'));
    let date = behind_quotes.map_or(rest, |(_, rest)| rest);
    let mut found = Vec::new();
    for word in date.split_whitespace().skip(1) {
        match PartOfDate::of(word) {
            Some(part) => found.push(part),
            None => return false,
        }
    }
    PartOfDate::NEEDED.iter().all(|part| found.contains(part))
}

/// What the date of a postmark is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PartOfDate {
    Weekday,
    Month,
    Day,
    Time,
    Year,
    Zone,
}

impl PartOfDate {
    const NEEDED: [Self; 5] = [
        Self::Weekday,
        Self::Month,
        Self::Day,
        Self::Time,
        Self::Year,
    ];

    fn of(word: &str) -> Option<Self> {
        const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        const MONTHS: [&str; 12] = [
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ];
        let word = word.trim_end_matches(',').to_ascii_lowercase();
        let is_time = |format| NaiveTime::parse_from_str(&word, format).is_ok();
        let number: Option<u32> = match word.bytes().all(|byte| byte.is_ascii_digit()) {
            true => word.parse().ok(),
            false => None,
        };
        match number {
            _ if WEEKDAYS.contains(&word.as_str()) => Some(Self::Weekday),
            _ if MONTHS.contains(&word.as_str()) => Some(Self::Month),
            Some(1..=31) if word.len() <= 2 => Some(Self::Day),
            Some(1970..) if word.len() == 4 => Some(Self::Year),
            Some(_) => None,
            None if is_time("%H:%M:%S") || is_time("%H:%M") => Some(Self::Time),
            None if is_zone(&word) => Some(Self::Zone),
            None => None,
        }
    }
}

/// `+0200`, or a name such as `CEST`.
fn is_zone(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']);
    match digits {
        Some(digits) => digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => {
            (3..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic())
        }
    }
}

/// `Subject: words`.
fn is_field(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let has_colon = name.len() < line.len();
    let name = name.trim_ascii_end();
    has_colon && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// `>From ` and `>>From ` lose one mark.
fn unquoted(line: &[u8]) -> &[u8] {
    let unmarked = line.iter().position(|byte| *byte != b'>').unwrap_or(0);
    match (unmarked, line.get(unmarked..), line.get(1..)) {
        (1.., Some(rest), Some(shorter)) if rest.starts_with(b"From ") => shorter,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mbox: &str, expected: &[&str]) {
        let mails = split_mbox("m", mbox.as_bytes());
        let found: Vec<String> = mails
            .iter()
            .map(|mail| String::from_utf8_lossy(&mail.bytes).into_owned())
            .collect();
        assert_eq!(found, expected);
    }

    const MARK: &str = "From a@b.test Thu Jan  1 00:00:00 2026\n";

    #[test]
    fn an_mbox_is_split_at_its_postmarks() {
        check(&format!("{MARK}Subject: a\n\nx\n"), &["Subject: a\n\nx\n"]);
        check(
            &format!("{MARK}Subject: a\n\nx\n\n{MARK}Subject: b\n\n>From y\n>>From z\nFrom w\n"),
            &[
                "Subject: a\n\nx\n\n",
                "Subject: b\n\nFrom y\n>From z\nFrom w\n",
            ],
        );
        check(
            &format!("{MARK}Subject: a\r\n\r\nx\r\n\r\n{MARK}Subject: b\r\n\r\n"),
            &["Subject: a\r\n\r\nx\r\n\r\n", "Subject: b\r\n\r\n"],
        );
    }

    #[test]
    fn words_that_begin_with_from_cut_no_mail_in_two() {
        for words in [
            // No date; no header behind it; no blank line in front.
            "\nFrom the login page it is easy\nNote: as admin\n",
            "\nFrom my notes of Thursday:\nStep: one\n",
            &format!("\n{MARK}I started the server.\n"),
            &format!("\n{MARK}"),
            &format!("x\n{MARK}Subject: quoted\n"),
        ] {
            check(
                &format!("{MARK}Subject: a\n\n{words}"),
                &[&format!("Subject: a\n\n{words}")],
            );
        }
    }

    #[test]
    fn nothing_but_a_postmark_is_an_empty_mail() {
        check(MARK, &[""]);
    }

    #[test]
    fn postmarks() {
        for line in [
            "From a@b.test Thu Jan  1 00:00:00 2026",
            "From MAILER-DAEMON  Mon Feb  9 09:05:59 2009\r\n",
            "From nsb Thu Oct  9 01:02:03 1997",
            "From - Tue Jun 30 23:59:59 2026",
            "From a@b.test Wed, 08 Sep 2010 17:02:34 +0200",
            "From a@b.test Thu Jan  1 00:00 CET 2026",
            "From \"a b\"@b.test Thu Jan  1 00:00:00 2026",
        ] {
            assert!(is_postmark(line.as_bytes()), "{line}");
        }
        for line in [
            "From Thu Jan  1 00:00:00 2026",
            "From a@b.test",
            "From a@b.test Thu Jan  1 2026",
            "From a@b.test Thu Jan  1 00:00:00",
            "From a@b.test Jan  1 00:00:00 2026",
            "From a@b.test Thu Jan  1 25:00:00 2026",
            "From what we saw Thu Jan  1 00:00:00 2026",
            "From: a@b.test Thu Jan  1 00:00:00 2026",
            "from a@b.test Thu Jan  1 00:00:00 2026",
            ">From a@b.test Thu Jan  1 00:00:00 2026",
        ] {
            assert!(!is_postmark(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn a_pipe_brings_one_mail_whose_postmark_goes() {
        #[track_caller]
        fn check(input: &str, expected: &str) {
            let mail = without_postmark(input.as_bytes().to_vec());
            assert_eq!(String::from_utf8_lossy(&mail), expected);
        }
        let mail = format!("Subject: a\n\nx\n\n{MARK}Subject: b\n");
        check(&format!("{MARK}{mail}"), &mail);
        check(&format!("From a@b.test\n{mail}"), &mail);
        check(&mail, &mail);
        check("From : a@b.test\n\nx", "From : a@b.test\n\nx");
        check("", "");
    }
}
