//! A TOML file while it is read: finds values, remembers which keys somebody
//! asked for, and collects every mistake with its line.
//!
//! After a mistake reading goes on with a stand-in, so that one run lists
//! them all; the file is refused at the end.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Gravity, Mistake, nearest, quote};

/// Bytes; a configuration is far smaller.
const LARGEST_FILE: u64 = 4_000_000;

/// Why a text is not the value that the key wants, and what to write.
pub struct Complaint {
    pub what: String,
    pub mend: String,
}

impl Complaint {
    pub fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            mend: mend.into(),
        }
    }
}

/// The text of a file, UTF-8.
pub fn read_text(file: &Path) -> Result<String, Mistake> {
    String::from_utf8(read_bytes(file)?).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to());
        Mistake {
            line: Some(line_after(valid.unwrap_or_default())),
            ..Mistake::of_file(file, "is not UTF-8 from here on", "save it as UTF-8")
        }
    })
}

pub fn read_bytes(file: &Path) -> Result<Vec<u8>, Mistake> {
    let unreadable = |error: std::io::Error| {
        let what = format!("cannot be read ({error})");
        Mistake::of_file(file, what, "check the path and who may read it")
    };
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > LARGEST_FILE) {
        let mend = "check that the path is right";
        return Err(Mistake::of_file(file, "is larger than 4 MB", mend));
    }
    Ok(bytes)
}

/// The number of the line that follows on these bytes, from 1.
fn line_after(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count() + 1
}

pub struct Document<'i> {
    notes: Notes<'i>,
    root: Spanned<DeTable<'i>>,
}

impl<'i> Document<'i> {
    /// Syntax errors are noted; what could be read beside them is kept.
    pub fn parse(file: &'i Path, text: &'i str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut notes = Notes::new(file, text);
        for error in errors {
            notes.note_syntax(error.span().map_or(0, |span| span.start), error.message());
        }
        Self { notes, root }
    }

    /// Reads the whole file by `read`; also returns every mistake, by line, and
    /// behind them those of the files that this one names.
    pub fn read<T>(&self, read: impl FnOnce(&Table) -> T) -> (T, Vec<Mistake>) {
        let root = Table::new(&self.notes, String::new(), 0, self.root.get_ref());
        let value = root.read_whole(read);
        let mut mistakes = self.notes.mistakes.take();
        mistakes.sort_by_key(|mistake| mistake.line);
        mistakes.extend(self.notes.elsewhere.take());
        (value, mistakes)
    }
}

/// Where mistakes are noted while a file is read.
struct Notes<'i> {
    file: &'i Path,
    /// Relative paths in the file count from here.
    folder: PathBuf,
    text: &'i str,
    /// Lines with a syntax error: nothing more is said of them, nor of what is
    /// missing, as it may be what could not be read.
    damaged: Vec<usize>,
    mistakes: RefCell<Vec<Mistake>>,
    /// Of files that this one names.
    elsewhere: RefCell<Vec<Mistake>>,
}

impl<'i> Notes<'i> {
    fn new(file: &'i Path, text: &'i str) -> Self {
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        Self {
            file,
            folder: whole.parent().map(Path::to_owned).unwrap_or_default(),
            text,
            damaged: Vec::new(),
            mistakes: RefCell::default(),
            elsewhere: RefCell::default(),
        }
    }

    fn line(&self, at: usize) -> usize {
        line_after(self.text.as_bytes().get(..at).unwrap_or_default())
    }

    fn note(&self, at: usize, key: String, complaint: Complaint, gravity: Gravity) {
        let line = self.line(at);
        if self.damaged.contains(&line) {
            return;
        }
        let mistake = Mistake {
            file: self.file.to_owned(),
            line: Some(line),
            key,
            what: complaint.what,
            mend: complaint.mend,
            gravity,
        };
        // A value that is read twice is wrong once.
        let mut mistakes = self.mistakes.borrow_mut();
        if !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }

    /// One per line: the parser stumbles on over what the first one left.
    fn note_syntax(&mut self, at: usize, message: &str) {
        let (what, mend) = match message.split_once(", expected ") {
            Some((what, expected)) => (what, format!("TOML expects {expected} here")),
            None if message.starts_with("duplicate key") => (message, "keep one".to_owned()),
            None => (message, "write it as TOML wants it, see toml.io".to_owned()),
        };
        let complaint = Complaint::new(what, mend);
        self.note(at, String::new(), complaint, Gravity::Error);
        self.damaged.push(self.line(at));
    }
}

/// One table (`[section]`) of the file.
pub struct Table<'a> {
    notes: &'a Notes<'a>,
    /// `imap`; empty for the file itself.
    path: String,
    /// Where its head stands, in bytes.
    at: usize,
    entries: &'a DeTable<'a>,
    /// Keys that may be here.
    known: RefCell<Vec<Cow<'static, str>>>,
    /// Keys that may not, and of which somebody complained already.
    refused: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    fn new(notes: &'a Notes<'a>, path: String, at: usize, entries: &'a DeTable<'a>) -> Self {
        Self {
            notes,
            path,
            at,
            entries,
            known: RefCell::default(),
            refused: RefCell::default(),
        }
    }

    /// Reads the table; complains of each key that `read` did not ask for.
    fn read_whole<T>(&self, read: impl FnOnce(&Self) -> T) -> T {
        let value = read(self);
        let known = self.known.borrow();
        let refused = self.refused.borrow();
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if !known.iter().any(|known| known == name) && !refused.contains(&name) {
                let mend = match nearest(name, known.iter().map(AsRef::as_ref)) {
                    Some(nearest) => format!("the nearest known one is {}", quote(nearest)),
                    None => "take it out".to_owned(),
                };
                let complaint = Complaint::new("unknown key", mend);
                self.complain_at(key.span().start, name, complaint);
            }
        }
        value
    }

    pub fn value(&self, key: impl Into<Cow<'static, str>>) -> Option<Value<'a>> {
        let key = key.into();
        let found = self.entries.get(key.as_ref()).map(|value| Value {
            notes: self.notes,
            path: self.path_of(&key),
            at: value.span().start,
            value: value.get_ref(),
        });
        self.known.borrow_mut().push(key);
        found
    }

    /// Each key with its value, where any key may be.
    pub fn entries(&self) -> Vec<(&'a str, Value<'a>)> {
        let entry = |(key, value): (&'a Spanned<Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| {
            let name: &'a str = key.get_ref();
            let value = Value {
                notes: self.notes,
                path: self.path_of(name),
                at: value.span().start,
                value: value.get_ref(),
            };
            self.known.borrow_mut().push(Cow::Owned(name.to_owned()));
            (name, value)
        };
        self.entries.iter().map(entry).collect()
    }

    /// A value that must be there; `mend` tells how to write it.
    pub fn required_value(&self, key: &'static str, mend: &str) -> Option<Value<'a>> {
        let found = self.value(key);
        if found.is_none() {
            self.complain_missing(key, mend);
        }
        found
    }

    /// Complains of a key that has no place here, if it is here.
    pub fn refuse(&self, key: &'static str, complaint: impl FnOnce() -> Complaint) {
        if let Some((key_at, _)) = self.entries.get_key_value(key) {
            self.complain_at(key_at.span().start, key, complaint());
            self.refused.borrow_mut().push(key);
        }
    }

    /// A text that `parse` understands; `None` where it is absent, or wrong.
    pub fn optional<T>(
        &self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Complaint>,
    ) -> Option<T> {
        self.value(key)?.parse(parse)
    }

    pub fn required<T>(
        &self,
        key: &'static str,
        mend: &str,
        parse: impl FnOnce(&str) -> Result<T, Complaint>,
    ) -> Option<T> {
        self.required_value(key, mend)?.parse(parse)
    }

    /// A list of texts; `None` where there is none.
    pub fn list<T>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Option<Vec<T>> {
        let entries = self.value(key)?.list();
        Some(
            entries
                .iter()
                .filter_map(|entry| entry.parse(&parse))
                .collect(),
        )
    }

    pub fn number<T: TryFrom<u64>>(&self, key: &'static str, most: T) -> Option<T>
    where
        u64: From<T>,
    {
        self.value(key)?.number(most)
    }

    pub fn section<T>(&self, key: &'static str, read: impl FnOnce(&Table<'a>) -> T) -> Option<T> {
        self.value(key)?.section(read)
    }

    pub fn required_section<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Table<'a>) -> T,
    ) -> Option<T> {
        self.required_value(key, &format!("add the section [{key}]"))?
            .section(read)
    }

    /// Complains where a key would stand.
    pub fn complain_missing(&self, key: &str, mend: &str) {
        if self.notes.damaged.is_empty() {
            self.complain_at(self.at, key, Complaint::new("missing", mend));
        }
    }

    /// Was anything in the file refused so far?
    pub fn has_errors(&self) -> bool {
        let mistakes = self.notes.mistakes.borrow();
        mistakes.iter().any(|one| one.gravity == Gravity::Error)
    }

    /// Complains of the table as a whole.
    pub fn complain(&self, complaint: Complaint) {
        let path = self.path.clone();
        self.notes.note(self.at, path, complaint, Gravity::Error);
    }

    /// Tells which default stands in for a key that had better be there.
    pub fn warn_missing(&self, key: &str, what: &str, mend: &str) {
        let complaint = Complaint::new(what, mend);
        let path = self.path_of(key);
        self.notes.note(self.at, path, complaint, Gravity::Warning);
    }

    fn complain_at(&self, at: usize, key: &str, complaint: Complaint) {
        let path = self.path_of(key);
        self.notes.note(at, path, complaint, Gravity::Error);
    }

    fn path_of(&self, key: &str) -> String {
        let key: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
        if self.path.is_empty() {
            key
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// One value of the file.
pub struct Value<'a> {
    notes: &'a Notes<'a>,
    path: String,
    at: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Value<'a> {
    pub fn complain(&self, complaint: Complaint) {
        self.notes
            .note(self.at, self.path.clone(), complaint, Gravity::Error);
    }

    /// Something that does not keep the configuration from use.
    pub fn warn(&self, gravity: Gravity, complaint: Complaint) {
        self.notes
            .note(self.at, self.path.clone(), complaint, gravity);
    }

    pub fn text(&self) -> Option<&'a str> {
        if let Some(text) = self.bare_text() {
            return Some(text);
        }
        let mend = match self.value {
            DeValue::Array(_) => "write one text in quotes, without [ ]",
            DeValue::Table(_) => "write key = \"text\", above the first [section] of the file",
            _ => "put it in quotes",
        };
        self.complain_of_type("text", mend);
        None
    }

    /// The text, if it is one; nothing is complained of.
    pub fn bare_text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn parse<T>(&self, parse: impl FnOnce(&str) -> Result<T, Complaint>) -> Option<T> {
        parse(self.text()?)
            .map_err(|complaint| self.complain(complaint))
            .ok()
    }

    /// Text, or what TOML itself reads as a date.
    pub fn date_text(&self) -> Option<Cow<'a, str>> {
        match self.value {
            DeValue::Datetime(date) => Some(Cow::Owned(date.to_string())),
            _ => self.text().map(Cow::Borrowed),
        }
    }

    /// From 0 to `most`.
    pub fn number<T: TryFrom<u64>>(&self, most: T) -> Option<T>
    where
        u64: From<T>,
    {
        let DeValue::Integer(integer) = self.value else {
            let mend = "write whole digits without quotes";
            self.complain_of_type("a number", mend);
            return None;
        };
        let most = u64::from(most);
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let fitting = number.filter(|&number| number <= most);
        if fitting.is_none() {
            let what = format!("{} is out of bounds", integer.as_str());
            let mend = format!("write a number from 0 to {most}");
            self.complain(Complaint::new(what, mend));
        }
        fitting.and_then(|number| T::try_from(number).ok())
    }

    /// The entries of a list; none where it is no list.
    pub fn list(&self) -> Vec<Value<'a>> {
        let DeValue::Array(entries) = self.value else {
            let mend = match self.value {
                DeValue::Table(_) => format!("write [[{}]], once for each", self.path),
                _ => "put it in [ ]".to_owned(),
            };
            self.complain_of_type("a list", &mend);
            return Vec::new();
        };
        entries
            .iter()
            .map(|entry| Value {
                notes: self.notes,
                path: self.path.clone(),
                at: entry.span().start,
                value: entry.get_ref(),
            })
            .collect()
    }

    /// Notes what is wrong with the file that this value names.
    pub fn complain_of_file(&self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.notes.elsewhere.borrow_mut().extend(mistakes);
    }

    /// Where it stands, for a message about another value.
    pub fn line(&self) -> usize {
        self.notes.line(self.at)
    }

    pub fn flag(&self) -> Option<bool> {
        if let DeValue::Boolean(flag) = self.value {
            return Some(*flag);
        }
        self.complain_of_type("true or false", "write true or false without quotes");
        None
    }

    pub fn is_section(&self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    pub fn is_list(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }

    pub fn is_empty_list(&self) -> bool {
        matches!(self.value, DeValue::Array(entries) if entries.is_empty())
    }

    pub fn section<T>(&self, read: impl FnOnce(&Table<'a>) -> T) -> Option<T> {
        let DeValue::Table(entries) = self.value else {
            let mend = format!("write [{}] on a line of its own", self.path);
            self.complain_of_type("a section", &mend);
            return None;
        };
        let table = Table::new(self.notes, self.path.clone(), self.at, entries);
        Some(table.read_whole(read))
    }

    /// A path; a relative one counts from the folder of the file.
    pub fn path(&self) -> Option<PathBuf> {
        self.parse(|text| match text {
            "" => Err(Complaint::new("is empty", "write a path")),
            _ if text.contains('\0') => {
                Err(Complaint::new("holds a NUL", "write a path without one"))
            }
            _ if text.starts_with('~') => {
                let what = format!("the \"~\" in {} is not replaced", quote(text));
                Err(Complaint::new(what, "write the whole path"))
            }
            _ => Ok(self.notes.folder.join(text)),
        })
    }

    /// A path of something that should be there.
    pub fn existing_path(&self) -> Option<PathBuf> {
        let path = self.path()?;
        if let Err(error) = std::fs::metadata(&path)
            && error.kind() == std::io::ErrorKind::NotFound
        {
            let what = format!("{} is not there", path.display());
            let complaint = Complaint::new(what, "create it, or correct the path");
            self.warn(Gravity::MissingFile, complaint);
        }
        Some(path)
    }

    /// A path of a folder that the program makes where it is missing.
    pub fn path_to_make(&self) -> Option<PathBuf> {
        let path = self.path()?;
        self.warn_of_what_is_made(&path);
        Some(path)
    }

    /// A folder that `run` makes: it may be missing, and it may be a slip of the pen.
    pub fn warn_of_what_is_made(&self, folder: &Path) {
        if !folder.exists() {
            let what = format!("{} is not there yet", folder.display());
            let complaint = Complaint::new(what, "`triaged run` makes it, if the path is right");
            self.warn(Gravity::Warning, complaint);
        }
    }

    fn complain_of_type(&self, wanted: &str, mend: &str) {
        let found = match self.value {
            DeValue::String(_) => "text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a section",
        };
        self.complain(Complaint::new(format!("is {found}, not {wanted}"), mend));
    }
}
