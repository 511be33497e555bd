//! What is wrong with a file of the operator's: where, what, and the mend.

use std::fmt;
use std::path::{Path, PathBuf};

/// Printed as one line:
/// `config.toml:12: imap.poll_intervall: unknown key; the nearest known one is "poll_interval"`.
///
/// Never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub file: PathBuf,
    /// From 1; `None` where the file as a whole is meant.
    pub line: Option<usize>,
    /// `section.key`; empty where the file does not get that far.
    pub key: String,
    pub what: String,
    pub mend: String,
    pub gravity: Gravity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// It works, and should be mended all the same.
    Warning,
    /// A file that the configuration names is not there: what needs it will
    /// fail, all else works.
    MissingFile,
    /// The configuration cannot be used.
    Error,
}

impl Mistake {
    /// Of a file as a whole.
    pub fn of_file(file: &Path, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            key: String::new(),
            what: what.into(),
            mend: mend.into(),
            gravity: Gravity::Error,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}; {}", self.what, self.mend)
    }
}

/// Somebody's words for a message: in quotes, control characters escaped, cut.
pub fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// The candidate that is most like `word`.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| strsim::normalized_damerau_levenshtein(word, candidate);
    candidates
        .into_iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}
