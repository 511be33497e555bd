//! The lines of a signed text: which are commands, to which case, and what is wrong with them.

use std::iter::Peekable;
use std::str::Lines as Split;

use super::Order;
use crate::triage::classify::{is_forward_mark, own_words};
use crate::triage::command::{Command, WORDS, Word, case_number, nearest_line, padded};

/// What a signed text says, read as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// In the order of the mail. None of them acts where something is wrong.
    pub orders: Vec<Order>,
    pub wrong: Vec<Wrong>,
    /// The table of commands is asked for.
    pub help: bool,
    /// Files under the same signature: positions in [`crate::mail::message::Message::attachments`].
    pub files: Vec<usize>,
}

/// A line that cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub line: String,
    pub why: String,
    /// The nearest right line, where there is one.
    pub instead: Option<String>,
}

/// The longest line that is shown again.
const SHOWN: usize = 78;
/// A mail that is wrong in more lines than this is no mail of commands.
const WRONG_AT_MOST: usize = 20;
/// Bytes of a signed text: so much is searched for quotes and signatures.
const LONGEST: usize = 256 * 1024;
/// Lines that are told again where it is about lines that were no commands.
const TOLD: usize = 3;
/// More commands than this are not one mail's.
const ORDERS_AT_MOST: usize = 100;

/// Does a text that a member signed hold commands? Its first line is one, however it is spelled, or
/// below a greeting a case is named.
pub(super) fn begin_with_commands(own: &str) -> bool {
    let first = own.lines().find(|line| !line.trim().is_empty());
    first.is_some_and(|line| word_of(line).is_some()) || above_forward(own).any(names_case)
}

/// What somebody else wrote and a person forwards is not theirs.
fn above_forward(own: &str) -> impl Iterator<Item = &str> {
    own.lines().take_while(|line| !begins_forward(line))
}

fn begins_forward(line: &str) -> bool {
    is_forward_mark(line.trim())
}

/// Does a text that nobody signed look as if it held some? Only what can be nothing else counts.
pub(super) fn look_like_commands(own: &str) -> bool {
    let first = own.lines().find(|line| !line.trim().is_empty());
    let is_command = |line: &str| word_of(line).is_some_and(|word| likeness(&word) == Like::One);
    first.is_some_and(is_command) || above_forward(own).any(names_case)
}

/// `/case SEC-2026-0001`
fn names_case(line: &str) -> bool {
    let rest = word_of(line).filter(|word| word == "case").and_then(|_| {
        let (_, number) = bare(line).split_once(char::is_whitespace)?;
        padded(number.trim())
    });
    rest.is_some()
}

/// Reads a text that a person signed; there are commands in it.
pub(super) fn read(text: &str, files: &[usize]) -> Lines {
    let mut reading = Reading {
        read: Lines {
            files: files.to_vec(),
            ..Lines::default()
        },
        case: None,
    };
    if text.len() > LONGEST {
        // What stands at its end would be overlooked.
        let why = format!("the signed text is longer than {} KiB", LONGEST / 1024);
        reading.wrong("(the whole mail)", &why, None);
        return reading.read;
    }
    let own = own_words(text);
    let mut rest = own.lines().peekable();
    // A greeting, or the line that says who wrote what is quoted.
    while rest.next_if(|line| word_of(line).is_none()).is_some() {}
    while let Some(line) = rest.next_if(|line| !begins_forward(line)) {
        if !bare(line).is_empty() {
            reading.line(bare(line), &mut rest);
        }
        if reading.read.wrong.len() >= WRONG_AT_MOST {
            break;
        }
    }
    reading.finish()
}

/// The lines that a person wrote and that look like commands, as they are told again; a few.
pub(super) fn tried(own: &str) -> Vec<String> {
    let is_command = |line: &&str| word_of(line).is_some_and(|word| likeness(&word) == Like::One);
    own.lines()
        .filter(is_command)
        .take(TOLD)
        .map(shown)
        .collect()
}

struct Reading {
    read: Lines,
    /// The one that the next commands are for.
    case: Option<String>,
}

impl Reading {
    fn finish(mut self) -> Lines {
        let Lines {
            orders,
            wrong,
            help,
            ..
        } = &self.read;
        if orders.is_empty() && wrong.is_empty() && !help {
            let line = format!("/case {}", self.case.clone().unwrap_or_default());
            self.wrong(&line, "a case is named, and no command follows", None);
        }
        self.read
    }

    fn line(&mut self, line: &str, below: &mut Peekable<Split<'_>>) {
        match word_of(line).as_deref() {
            None => self.wrong(
                line,
                "this is no command. Words for the case go below /note, words for the reporter below \
                 /reply, your own signature below a line `-- `",
                None,
            ),
            Some("case") => self.names(line),
            Some("help") => self.read.help = true,
            Some(name) => match Word::of(name) {
                Some(word) if word.takes_below => self.text(line, name == "reply", below),
                Some(_) | None => self.command(line, line),
            },
        }
    }

    fn names(&mut self, line: &str) {
        let number = line.split_once(char::is_whitespace).unwrap_or(("", "")).1;
        match case_number(number) {
            Ok(number) => self.case = Some(number),
            Err(why) => {
                let instead = padded(number.trim());
                let example = || "SEC-2026-0001".to_owned();
                let instead = format!("/case {}", instead.unwrap_or_else(example));
                // The lines below are read all the same, so that all that is wrong is told at once.
                self.case = Some(number.trim().to_owned());
                self.wrong(line, &why, Some(instead));
            }
        }
    }

    /// A command and the text on the lines below it.
    fn text(&mut self, line: &str, is_reply: bool, below: &mut Peekable<Split<'_>>) {
        let mut text = line.to_owned();
        // Below it nothing ends the text: it is somebody else's.
        let mut is_forwarded = false;
        while let Some(next) =
            below.next_if(|next| is_reply || is_forwarded || !begins_command(next))
        {
            is_forwarded |= begins_forward(next);
            if let Some(why) = strayed(next, is_forwarded) {
                self.wrong(next, why, None);
            }
            text.push('\n');
            text.push_str(next);
        }
        self.command(line, text.trim_end());
    }

    fn command(&mut self, line: &str, text: &str) {
        let command = match Command::parse(text) {
            Ok(command) => command,
            Err(why) => return self.wrong(line, &why, Some(nearest_line(line))),
        };
        let Some(case) = self.case.clone() else {
            let why = "no case is named above it; the first line of a mail names one";
            return self.wrong(line, why, Some("/case SEC-2026-0001".to_owned()));
        };
        if self.read.orders.len() >= ORDERS_AT_MOST {
            let why =
                format!("more than {ORDERS_AT_MOST} commands in one mail; send the rest apart");
            return self.wrong(line, &why, None);
        }
        self.read.orders.push(Order {
            case,
            line: shown(line),
            command,
        });
    }

    fn wrong(&mut self, line: &str, why: &str, instead: Option<String>) {
        self.read.wrong.push(Wrong {
            line: shown(line),
            why: why.to_owned(),
            instead,
        });
    }
}

/// Why a line cannot be a part of the text that it stands in; `None`: it can.
///
/// One that names a case, or is a command in a mail of somebody else, belongs to a mail of ours that
/// was quoted without marks; that must not reach a reporter, nor be lost in a note.
fn strayed(line: &str, is_forwarded: bool) -> Option<&'static str> {
    if is_forwarded && begins_command(line) {
        return Some(
            "it stands in a mail that you forward. Your commands go above that; what is no command \
             begins with a space",
        );
    }
    names_case(line).then_some(
        "it stands inside a text, as if a mail of ours were quoted below it. Take away what is quoted",
    )
}

/// The lines of a text below `/reply` that would be commands elsewhere, as they are told again; a few.
pub fn taken_as_words(text: &str) -> Vec<String> {
    let is_command = |line: &&str| begins_command(line);
    text.lines()
        .filter(is_command)
        .take(TOLD)
        .map(shown)
        .collect()
}

/// Ends a text above it: a line that begins with a command, or nearly.
fn begins_command(line: &str) -> bool {
    let begins = line.trim_start_matches(is_unseen).starts_with('/');
    begins && word_of(line).is_some_and(|word| likeness(&word) != Like::None)
}

/// `severity` of `/severity high`, and of `/severity: high`, which is told with its mend; a path or
/// a comment has none.
fn word_of(line: &str) -> Option<String> {
    let word = bare(line).strip_prefix('/')?;
    let word = word.split_whitespace().next()?;
    let word = word.strip_suffix(':').unwrap_or(word);
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '-' || c == '_';
    let begins = word.starts_with(|c: char| c.is_ascii_alphabetic());
    (begins && word.chars().all(is_letter)).then(|| word.to_lowercase())
}

/// Without what is not seen at its ends: a web page leaves more there than blanks, and a line that is
/// copied takes it along.
fn bare(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || is_unseen(c))
}

/// Of no width: joiners, marks of direction, the mark of byte order.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Like {
    One,
    /// A slip of one or two letters away.
    Nearly,
    None,
}

fn likeness(word: &str) -> Like {
    let names = || WORDS.iter().map(|word| word.name).chain(["case", "help"]);
    if names().any(|name| name == word) {
        return Like::One;
    }
    let slips = if word.len() < 6 { 1 } else { 2 };
    let is_near = |name: &str| strsim::damerau_levenshtein(name, word) <= slips;
    if names().any(is_near) {
        Like::Nearly
    } else {
        Like::None
    }
}

/// A line as it is told again: of one line, bounded.
fn shown(line: &str) -> String {
    let clean: String = line.trim().chars().filter(|it| !it.is_control()).collect();
    if clean.chars().count() <= SHOWN {
        return clean;
    }
    let cut: String = clean.chars().take(SHOWN - 1).collect();
    format!("{cut}…")
}
