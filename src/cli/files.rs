//! Mails from files, mailbox files (mbox), Maildirs and standard input.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};

use crate::mail::parse;

/// One mail out of a file.
pub struct FoundMail {
    /// Where it was: the file, with `#2` for the second mail of an mbox.
    pub name: String,
    pub bytes: Vec<u8>,
    /// When it arrived, as far as the place tells; never the mail's own Date.
    pub received_at: Option<DateTime<Utc>>,
}

/// Where mails are, without their bytes: one file at a time is in memory.
pub fn list(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path == Path::new("-") || !path.is_dir() {
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

/// The mails in one file.
pub fn read(path: &Path) -> anyhow::Result<Vec<FoundMail>> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("standard input")?;
    } else {
        bytes = std::fs::read(path).with_context(|| name.clone())?;
    }
    if bytes.is_empty() {
        bail!("{name}: is empty");
    }
    if bytes.starts_with(b"From ") {
        return Ok(split_mbox(&name, &bytes));
    }
    let received_at = if in_maildir(path) {
        modified_at(path)
    } else {
        parse::received_at(&bytes)
    };
    Ok(vec![FoundMail {
        name,
        bytes,
        received_at,
    }])
}

/// In a Maildir the file's time is the time of delivery.
fn in_maildir(path: &Path) -> bool {
    path.parent()
        .and_then(Path::file_name)
        .is_some_and(|folder| folder == "new" || folder == "cur")
}

fn modified_at(path: &Path) -> Option<DateTime<Utc>> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    Some(DateTime::from(modified))
}

/// Splits at `From ` lines after a blank line, and takes the quoting of such lines back (mboxrd).
fn split_mbox(name: &str, bytes: &[u8]) -> Vec<FoundMail> {
    let mut mails: Vec<FoundMail> = Vec::new();
    let mut after_blank = true;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if after_blank && line.starts_with(b"From ") {
            mails.push(FoundMail {
                name: format!("{name}#{}", mails.len() + 1),
                bytes: Vec::new(),
                received_at: None,
            });
        } else if let Some(mail) = mails.last_mut() {
            mail.bytes.extend_from_slice(unquoted(line));
        }
        after_blank = line.iter().all(u8::is_ascii_whitespace);
    }
    for mail in &mut mails {
        mail.received_at = parse::received_at(&mail.bytes);
    }
    if let [only] = mails.as_mut_slice() {
        only.name = name.to_owned();
    }
    mails.retain(|mail| !mail.bytes.is_empty());
    mails
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

    #[test]
    fn an_mbox_is_split_at_its_from_lines() {
        check(
            "From a@b Thu Jan  1 00:00:00 2026\nSubject: a\n\nx\n",
            &["Subject: a\n\nx\n"],
        );
        check(
            "From a\nSubject: a\n\nx\n\nFrom b\nSubject: b\n\n>From y\n>>From z\nFrom w\n",
            &[
                "Subject: a\n\nx\n\n",
                "Subject: b\n\nFrom y\n>From z\nFrom w\n",
            ],
        );
    }
}
