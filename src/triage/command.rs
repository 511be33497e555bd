//! What a person does to a case: the commands, as lines of a mail and as verbs of `triaged case`.
//!
//! ```text
//! /severity high
//! /needs-info TEXT…          what is below it belongs to it; so for /reply and /note
//! /exploited [2026-06-05 16:12]
//! ```
//! [`Command::parse`] reads a line, [`act`] says what follows from it. Both are pure: a date that
//! names no zone is one in the policy's zone, and [`act`] knows the policy.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::calendar::Calendar;
use super::case::Credit;
use super::policy::{DeadlineKind, Severity};
use crate::config::{nearest, quote};

pub use act::{ClockChange, Consequences, Event, Refusal, act, publish};
pub use mend::{nearest_line, padded};

mod act;
mod mend;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Severity(Severity),
    Accept,
    Reject {
        /// Empty only where it is out of scope.
        reason: String,
        out_of_scope: bool,
    },
    Duplicate {
        /// The number of the case that was first.
        of: String,
    },
    Close {
        reason: String,
    },
    Spam,
    NeedsInfo {
        words: Option<String>,
    },
    Exploited {
        /// `None`: now.
        at: Option<When>,
    },
    Fixed {
        on: NaiveDate,
    },
    Disclose {
        on: NaiveDate,
        /// The team knows that the reporter hears of it late, or that the fix is not out.
        short_notice: bool,
    },
    /// A clock of the law is met: the authority was told.
    Notified {
        clock: DeadlineKind,
        /// `None`: now.
        at: Option<When>,
    },
    Credit(Credit),
    Token {
        words: String,
    },
    Reward {
        words: String,
    },
    Assign {
        to: String,
    },
    Note {
        words: String,
    },
    Label {
        name: String,
    },
    Reply {
        words: String,
    },
    Reopen,
    /// Tells how the case stands and changes nothing.
    Status,
}

/// A point in time as a person writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Instant(DateTime<Utc>),
    /// In the policy's zone; a date alone is its beginning.
    Local(NaiveDateTime),
}

impl When {
    /// RFC 3339, or `2026-06-05`, or `2026-06-05 16:12`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Instant(instant.with_timezone(&Utc)));
        }
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::Local(date.and_time(NaiveTime::MIN)));
        }
        let spaced = text.replacen('T', " ", 1);
        ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
            .into_iter()
            .find_map(|shape| NaiveDateTime::parse_from_str(&spaced, shape).ok())
            .map(Self::Local)
            .ok_or_else(|| {
                format!(
                    "{} is no point in time; write 2026-06-05, 2026-06-05 16:12 or \
                     2026-06-05T16:12:00+02:00",
                    quote(text)
                )
            })
    }

    pub fn instant(self, calendar: &Calendar) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Local(local) if local.time() == NaiveTime::MIN => {
                calendar.start_of_day(local.date())
            }
            Self::Local(local) => {
                use chrono::Timelike;
                let minute = local.hour() * 60 + local.minute();
                let minute = u16::try_from(minute).unwrap_or_default();
                calendar.at_minute(local.date(), minute)
                    + chrono::TimeDelta::seconds(i64::from(local.second()))
            }
        }
    }
}

/// One command as people are told of it.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    pub name: &'static str,
    /// What follows the name; in brackets what may be left out.
    pub argument: &'static str,
    /// A whole line as it may stand in a mail.
    pub example: &'static str,
    pub help: &'static str,
    /// What stands on the lines below belongs to it.
    pub takes_below: bool,
    read: fn(&str) -> Result<Command, String>,
}

/// All commands, in the order in which help lists them.
pub const WORDS: [Word; 20] = [
    line(
        "severity",
        "critical|high|medium|low",
        "/severity high",
        "sets the severity; the remediation date follows it",
        |it| severity(it).map(Command::Severity),
    ),
    line(
        "accept",
        "",
        "/accept",
        "it is a vulnerability; the reporter hears of it",
        |it| nothing(it).map(|()| Command::Accept),
    ),
    text(
        "reject",
        "[out of scope:] REASON",
        "/reject The server checks this a second time.",
        "it is none; the reporter gets the reason and the way to object",
        reject,
    ),
    line(
        "duplicate",
        "NUMBER",
        "/duplicate SEC-2026-0002",
        "it is known from another case; the reporter hears that, and no more",
        |it| case_number(it).map(|of| Command::Duplicate { of }),
    ),
    text(
        "close",
        "REASON",
        "/close The product is no longer sold.",
        "ends the case for another reason, which the reporter gets",
        |it| words(it).map(|reason| Command::Close { reason }),
    ),
    line(
        "spam",
        "",
        "/spam",
        "ends the case without a word to its sender",
        |it| nothing(it).map(|()| Command::Spam),
    ),
    text(
        "needs-info",
        "[TEXT]",
        "/needs-info Which version did you test?",
        "asks the reporter for what is missing; triage, update and remediate wait",
        needs_info,
    ),
    line(
        "exploited",
        "[WHEN]",
        "/exploited 2026-06-05 16:12",
        "it is used in attacks, known since WHEN; starts the clocks of the law",
        |it| when(it).map(|at| Command::Exploited { at }),
    ),
    line(
        "notified",
        "CLOCK [WHEN]",
        "/notified early_warning 2026-06-05 18:30",
        "meets early_warning, notification or final_report",
        notified,
    ),
    line(
        "fixed",
        "DATE",
        "/fixed 2026-12-01",
        "the fix shipped on this day",
        |it| date(it).map(|on| Command::Fixed { on }),
    ),
    line(
        "disclose",
        "DATE [short notice]",
        "/disclose 2027-01-10",
        "it is published on this day; the reporter hears of it ahead",
        disclose,
    ),
    line(
        "credit",
        "\"NAME\" [LINK] | no",
        "/credit \"Ann Example\" https://ann.example/",
        "how the reporter wants to be named, or not at all",
        |it| credit(it).map(Command::Credit),
    ),
    line(
        "token",
        "TEXT",
        "/token T-shirt, sent on 2026-12-03",
        "notes a token of appreciation",
        |it| words(it).map(|words| Command::Token { words }),
    ),
    line(
        "reward",
        "TEXT",
        "/reward 500 EUR",
        "notes a reward",
        |it| words(it).map(|words| Command::Reward { words }),
    ),
    line(
        "assign",
        "MEMBER",
        "/assign alice",
        "gives the case to a member of the team",
        |it| words(it).map(|to| Command::Assign { to }),
    ),
    text(
        "note",
        "TEXT",
        "/note The vendor has confirmed it.",
        "keeps words of the team with the case",
        |it| words(it).map(|words| Command::Note { words }),
    ),
    line(
        "label",
        "NAME",
        "/label customer_data",
        "adds a label",
        |it| label(it).map(|name| Command::Label { name }),
    ),
    text(
        "reply",
        "TEXT",
        "/reply Thank you, we look into it.",
        "goes to the reporter as it stands",
        |it| words(it).map(|words| Command::Reply { words }),
    ),
    line(
        "reopen",
        "",
        "/reopen",
        "takes a closed case up again, as it was before",
        |it| nothing(it).map(|()| Command::Reopen),
    ),
    line("status", "", "/status", "tells how the case stands", |it| {
        nothing(it).map(|()| Command::Status)
    }),
];

type Read = fn(&str) -> Result<Command, String>;

const fn line(
    name: &'static str,
    argument: &'static str,
    example: &'static str,
    help: &'static str,
    read: Read,
) -> Word {
    Word {
        name,
        argument,
        example,
        help,
        takes_below: false,
        read,
    }
}

const fn text(
    name: &'static str,
    argument: &'static str,
    example: &'static str,
    help: &'static str,
    read: Read,
) -> Word {
    Word {
        takes_below: true,
        ..line(name, argument, example, help, read)
    }
}

impl Word {
    pub fn of(name: &str) -> Option<&'static Self> {
        WORDS.iter().find(|word| word.name == name)
    }

    /// `/severity critical|high|medium|low`
    pub fn usage(&self) -> String {
        format!("/{} {}", self.name, self.argument)
            .trim_end()
            .to_owned()
    }
}

/// What a command does, in a line.
pub fn help(name: &str) -> &'static str {
    Word::of(name).map_or("", |word| word.help)
}

/// Lines of a mail that are no commands to a case.
pub const OTHER_LINES: [(&str, &str); 2] = [
    (
        "/case SEC-2026-0001",
        "names the case that the lines below are for; it comes first",
    ),
    ("/help", "sends back this table"),
];

/// All lines that a mail may have, for people: the line, and what it does.
pub fn table() -> impl Iterator<Item = (String, &'static str)> {
    let others = OTHER_LINES.into_iter();
    others
        .map(|(line, help)| (line.to_owned(), help))
        .chain(WORDS.iter().map(|word| (word.usage(), word.help)))
}

impl Command {
    /// Reads a command as a mail has it: `/name argument`, and below it the text of one that takes
    /// one.
    ///
    /// The error is for a member of the team: what is wrong and the mend.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (line, below) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
        let line = line.trim();
        let Some(command) = line.strip_prefix('/') else {
            return Err(format!("{}: a command begins with /", quote(line)));
        };
        let (name, argument) = command
            .split_once(char::is_whitespace)
            .unwrap_or((command, ""));
        let name = name.to_lowercase();
        let Some(word) = Word::of(&name) else {
            let near = nearest(&name, WORDS.iter().map(|word| word.name)).unwrap_or("status");
            return Err(format!(
                "{}: no such command; the nearest is /{near}",
                quote(&format!("/{name}"))
            ));
        };
        if !word.takes_below && !below.trim().is_empty() {
            return Err(format!("/{name}: takes one line"));
        }
        let argument = format!("{}\n{}", argument.trim(), below);
        (word.read)(argument.trim()).map_err(|wrong| match argument.trim() {
            "" => format!("/{name}: {wrong}"),
            argument => format!("/{name} {}: {wrong}", first_line(argument)),
        })
    }
}

/// For a message: cut, and of one line.
fn first_line(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line
        .chars()
        .filter(|character| !character.is_control())
        .take(LONGEST)
        .collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What stands for words of one's own where commands are offered to be copied.
const STAND_INS: &[&str] = &["REASON", "TEXT", "YOUR WORDS"];

/// Words that must not be missing. A line that was copied and not completed has none: nobody is to
/// read "REASON".
pub fn words(text: &str) -> Result<String, String> {
    match some(text) {
        None => Err("some words are missing".to_owned()),
        Some(text) if STAND_INS.contains(&text.as_str()) => {
            Err("it stands for words of your own; write them in its place".to_owned())
        }
        Some(text) => Ok(text),
    }
}

/// Without words it asks for what the policy asks for and the report lacks.
fn needs_info(text: &str) -> Result<Command, String> {
    let words = some(text).map(|text| words(&text)).transpose()?;
    Ok(Command::NeedsInfo { words })
}

fn nothing(text: &str) -> Result<(), String> {
    match some(text) {
        None => Ok(()),
        Some(_) => Err("takes no argument".to_owned()),
    }
}

pub fn severity(word: &str) -> Result<Severity, String> {
    Severity::parse(&word.trim().to_lowercase())
        .ok_or_else(|| format!("not one of {}", list(&Severity::ALL.map(Severity::as_str))))
}

fn list(words: &[&str]) -> String {
    words.join(", ")
}

/// A calendar day.
pub fn date(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
        .map_err(|_| "not a day; write it as 2026-12-01".to_owned())
}

fn when(text: &str) -> Result<Option<When>, String> {
    some(text).map(|text| When::parse(&text)).transpose()
}

/// `SEC-2026-0001`, in any case.
pub fn case_number(text: &str) -> Result<String, String> {
    let number = text.trim().to_uppercase();
    let is_number = |part: &str, digits: usize| {
        part.len() >= digits && part.chars().all(|digit| digit.is_ascii_digit())
    };
    let mut parts = number.split('-');
    let shape = (parts.next(), parts.next(), parts.next(), parts.next());
    match shape {
        (Some("SEC"), Some(year), Some(count), None)
            if year.len() == 4 && is_number(year, 4) && is_number(count, 4) =>
        {
            Ok(number)
        }
        _ => Err("not a case number such as SEC-2026-0001".to_owned()),
    }
}

/// As labels are written everywhere: `customer_data`.
pub fn label(text: &str) -> Result<String, String> {
    let name = text.trim();
    let fits = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
    };
    if !name.is_empty() && name.len() <= 40 && name.chars().all(fits) {
        return Ok(name.to_owned());
    }
    Err(
        "a label has lower-case letters, digits and _, at most 40, such as customer_data"
            .to_owned(),
    )
}

/// The clocks of the law; their names read with `-` too.
pub fn law_clock(word: &str) -> Result<DeadlineKind, String> {
    let word = word.trim().to_lowercase().replace('-', "_");
    DeadlineKind::LAW
        .into_iter()
        .find(|kind| kind.as_str() == word)
        .ok_or_else(|| {
            format!(
                "not one of {}",
                list(&DeadlineKind::LAW.map(DeadlineKind::as_str))
            )
        })
}

/// `REASON`, or `out of scope[: REASON]`.
pub fn reject(text: &str) -> Result<Command, String> {
    if let Some(rest) = after_out_of_scope(text) {
        return Ok(Command::Reject {
            reason: rest.trim().to_owned(),
            out_of_scope: true,
        });
    }
    Ok(Command::Reject {
        reason: words(text)?,
        out_of_scope: false,
    })
}

/// What follows `out of scope`, however that is spelled; `None`: it does not begin so.
fn after_out_of_scope(text: &str) -> Option<&str> {
    const WORDS: usize = "out of scope".len();
    let head = text.get(..WORDS)?.to_lowercase().replace(['-', '_'], " ");
    let rest = text.get(WORDS..)?;
    let ends = rest
        .chars()
        .next()
        .is_none_or(|next| next.is_whitespace() || [':', ',', '.', ';'].contains(&next));
    (head == "out of scope" && ends).then(|| {
        rest.trim_start_matches(|sign: char| sign.is_whitespace() || ":,.;".contains(sign))
    })
}

fn disclose(text: &str) -> Result<Command, String> {
    let (on, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim().to_lowercase().replace(['-', '_'], " ");
    let short_notice = match rest.as_str() {
        "" => false,
        "short notice" => true,
        _ => return Err("after the day only `short notice` may stand".to_owned()),
    };
    Ok(Command::Disclose {
        on: date(on)?,
        short_notice,
    })
}

fn notified(text: &str) -> Result<Command, String> {
    let (clock, at) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    Ok(Command::Notified {
        clock: law_clock(clock)?,
        at: when(at)?,
    })
}

/// `no`, or a name, in quotes where a link follows it; telephones write curled ones.
fn credit(text: &str) -> Result<Credit, String> {
    const NAMELESS: &str = "write the name in quotes, or `no`";
    let text = text.trim();
    if text.eq_ignore_ascii_case("no") {
        return Ok(Credit::No);
    }
    const QUOTES: [char; 4] = ['"', '\u{201c}', '\u{201d}', '\u{201e}'];
    let Some(quoted) = text.strip_prefix(QUOTES) else {
        if text.contains("://") {
            return Err("write the name in quotes, and the link behind them".to_owned());
        }
        return credit_of(text, None).map_err(|()| NAMELESS.to_owned());
    };
    let (name, rest) = quoted
        .split_once(QUOTES)
        .ok_or("the closing quote is missing")?;
    let link = some(rest).map(|rest| link(&rest)).transpose()?;
    credit_of(name, link).map_err(|()| NAMELESS.to_owned())
}

fn credit_of(name: &str, link: Option<String>) -> Result<Credit, ()> {
    let name = some(name).ok_or(())?;
    Ok(Credit::Yes { name, link })
}

/// A web address, as a page of thanks can link it.
pub fn link(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    let is_plain = |character: char| character.is_ascii_graphic() && !"<>\"".contains(character);
    if is_web && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{} is no link such as https://example.com/me",
        quote(text)
    ))
}

#[cfg(test)]
mod tests;
