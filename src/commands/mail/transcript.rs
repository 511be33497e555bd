//! The transcript: what a member's commands did, or why they did nothing.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Outcome, Step, is_reply};
use crate::commands::words;
use crate::letters::Desk;
use crate::mail::message::Message;
use crate::notices::words::folded;
use crate::store::cases::CaseView;
use crate::triage::command::{Command, table};
use crate::triage::orders::{FromMember, Said, Why, Wrong, taken_as_words};

/// Columns of a mail in plain text.
const WIDTH: usize = 72;
/// Lines of a text that are shown again.
const QUOTED: usize = 60;
/// Media types that programs add by themselves, and that nobody misses.
const KEYS: [&str; 3] = [
    "application/pgp-keys",
    "application/pgp-signature",
    "application/pkcs7-signature",
];
/// Of what was refused, so much is told to the team.
const LISTED: usize = 10;

pub struct About<'a> {
    pub desk: &'a Desk,
    pub member: &'a FromMember,
    pub message: &'a Message,
    pub received_at: DateTime<Utc>,
    pub now: DateTime<Utc>,
}

impl About<'_> {
    /// Subject and text.
    pub fn words(&self, outcome: &Outcome<'_>) -> (String, String) {
        let (subject, mut text) = match outcome {
            Outcome::Done(steps, cases) => self.done(steps, cases),
            Outcome::Wrong(wrong) => (NOTHING_CHANGED.to_owned(), wrong_lines(wrong)),
            Outcome::Refused(why) => (NOTHING_CHANGED.to_owned(), self.refused(*why)),
            Outcome::UsedBefore => (NOTHING_CHANGED.to_owned(), USED_BEFORE.to_owned()),
            Outcome::NoCommand => (NOTHING_CHANGED.to_owned(), NO_COMMAND.to_owned()),
        };
        let asks_for_help = matches!(&self.member.said, Said::Commands(lines) if lines.help);
        if asks_for_help || matches!(outcome, Outcome::NoCommand) {
            text.push_str("The lines that a mail may have:\n\n");
            text.push_str(&table_of_lines());
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "This is about your mail that came on {}.",
            self.desk.policy.calendar.show(self.received_at)
        );
        (subject, in_columns(&text))
    }

    fn done(&self, steps: &[Step<'_>], cases: &[CaseView]) -> (String, String) {
        if steps.is_empty() {
            let text = "Nothing was changed.\n\n".to_owned();
            return ("The commands".to_owned(), text);
        }
        let mut text = String::new();
        for case in cases {
            let _ = write!(text, "{}: {}\n\n", case.id, words::status(case));
            for step in steps.iter().filter(|step| step.case.number == case.id) {
                self.step(&mut text, step);
            }
            self.deadlines(&mut text, case);
        }
        text.push_str(&self.left_out(steps));
        let numbers: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        (format!("{}: done", numbers.join(", ")), text)
    }

    fn step(&self, text: &mut String, step: &Step<'_>) {
        let done = &step.done;
        let _ = writeln!(text, "  {}", step.order.line);
        let calendar = &self.desk.policy.calendar;
        let mut facts = words::facts(&step.order.command, done, calendar);
        let letter = words::letter(done.letter.as_ref(), done.after.unreachable.as_deref());
        facts.push(("letter", letter));
        for (name, value) in facts {
            let _ = writeln!(text, "      {name:10}  {value}");
        }
        if let Some(words) = words_of(&step.order.command)
            && !step.order.line.ends_with(words)
        {
            text.push('\n');
            quote(text, words);
        }
        text.push('\n');
        if let Command::Reply { words } = &step.order.command {
            tell_taken_as_words(text, words);
        }
    }

    /// Files of the mail that went nowhere: a letter may speak of them.
    fn left_out(&self, steps: &[Step<'_>]) -> String {
        let has_reply = steps.iter().any(|step| is_reply(step.order));
        let sent: &[usize] = match &self.member.said {
            Said::Commands(lines) if has_reply => &lines.files,
            _ => &[],
        };
        let files = self.message.attachments.iter().enumerate();
        let left: Vec<String> = files
            .filter(|(at, file)| !sent.contains(at) && !KEYS.contains(&file.media_type.as_str()))
            .map(|(_, file)| words::shown(&file.name, 60))
            .collect();
        match left.is_empty() {
            true => String::new(),
            false => format!(
                "Not sent, and not kept with a case: {}. A file goes along with /reply, and your \
                 signature must be over it as over the words.\n\n",
                left.join(", ")
            ),
        }
    }

    fn deadlines(&self, text: &mut String, case: &CaseView) {
        let open: Vec<_> = words::open_deadlines(case).collect();
        if open.is_empty() {
            text.push_str("  No deadline is open.\n");
        }
        for deadline in open {
            let standing = words::standing(deadline, self.now);
            let _ = writeln!(text, "  {:13} {} ({standing})", deadline.kind, deadline.due);
        }
        text.push('\n');
    }

    fn refused(&self, why: Why) -> String {
        let show = |at: DateTime<Utc>| self.desk.policy.calendar.show(at);
        let from = self.message.from.as_ref();
        let from = from.map_or("an unknown sender", |from| from.email.as_str());
        let from = words::shown(from, 60);
        let why = match why {
            Why::Unsigned => {
                format!("A mail from {from} holds commands, and no signature is over them.{FORGED}")
            }
            Why::BadSignature => format!(
                "A mail from {from} holds commands under a signature that does not fit them, or that \
                 is dated in the future.{FORGED}"
            ),
            Why::OtherSigner => format!(
                "A mail from {from} holds commands under a signature that is not by your \
                 certificate.{FORGED}"
            ),
            Why::ExpiredKey => {
                "Your commands are signed with a key that has expired. Renew it, and give whoever \
                 looks after the server the renewed certificate."
                    .to_owned()
            }
            Why::RevokedKey => {
                "Commands came that are signed with a key of yours that is revoked. If you did not \
                 send them, somebody has that key."
                    .to_owned()
            }
            Why::Observer => {
                "You are an observer: you get digests, and command nothing. Whoever looks after the \
                 server can give you the role `member`."
                    .to_owned()
            }
            Why::Stale { signed_at } => format!(
                "Your commands were signed on {}, more than 24 hours before they came. Sign them \
                 again if you still mean them.",
                show(signed_at)
            ),
            Why::Ahead { signed_at } => format!(
                "Your commands are signed as of {}, which was ahead when they came. Set the clock of \
                 your machine right, and sign them again.",
                show(signed_at)
            ),
            Why::Several => "The mail holds commands under several signatures. Send each by \
                             itself."
                .to_owned(),
        };
        format!("Nothing was changed, and nobody was written to.\n\n{why}\n\n")
    }
}

const NOTHING_CHANGED: &str = "Nothing was changed";

const FORGED: &str = " If you wrote it, sign it with the key whose certificate the server has for \
                      you. If you did not, somebody tries it in your name.";

const USED_BEFORE: &str = "Nothing was changed, and nobody was written to.\n\n\
     These commands came before, under the same signature, and a signature works once. If you mean \
     them once more, sign them again.\n\n";

const NO_COMMAND: &str = "Nothing was changed, and nobody was written to: your mail holds no command, and opens no case.\n\n\
     Commands are lines at the head of a mail that you sign. The first names the case, the next say \
     what to do:\n\n  /case SEC-2026-0001\n  /note Words for the case.\n\n\
     A vulnerability that you found yourself goes into a new mail, which answers none of ours.\n\n";

fn wrong_lines(wrong: &[Wrong]) -> String {
    let mut text = "Nothing was changed, and nobody was written to. All lines of a mail are done, \
                    or none is.\n\n"
        .to_owned();
    for wrong in wrong {
        let _ = writeln!(text, "  {}\n      {}", wrong.line, wrong.why);
        if let Some(instead) = &wrong.instead {
            let _ = writeln!(text, "      Right is, for example: {instead}");
        }
        text.push('\n');
    }
    text.push_str("Send all lines again, in a new mail that you sign: this one is used up.\n\n");
    text
}

/// What stood below a command too.
fn words_of(command: &Command) -> Option<&str> {
    match command {
        Command::Reply { words } | Command::Note { words } => Some(words),
        Command::Reject { reason, .. } | Command::Close { reason } => Some(reason),
        Command::NeedsInfo { words } => words.as_deref(),
        _ => None,
    }
}

/// The words as they went: quotes and signatures are cut off, and the member sees what is left.
fn quote(text: &mut String, words: &str) {
    for line in words.lines().take(QUOTED) {
        let _ = writeln!(text, "      | {line}");
    }
    let rest = words.lines().count().saturating_sub(QUOTED);
    if rest > 0 {
        let _ = writeln!(text, "      | (and {rest} more lines)");
    }
}

/// Whoever writes a command below `/reply` may have meant it as one.
fn tell_taken_as_words(text: &mut String, words: &str) {
    let taken = taken_as_words(words);
    if !taken.is_empty() {
        let _ = writeln!(
            text,
            "  Everything below /reply went to the reporter, these lines too: {}. If you meant them \
             as commands, send them again, above /reply.\n",
            taken.join(", ")
        );
    }
}

/// Long lines go on in the next, below where they began.
fn in_columns(text: &str) -> String {
    let mut page = String::new();
    for line in text.lines() {
        let words = line.trim_start();
        let indent = line.len() - words.len();
        for folded in folded(words, WIDTH.saturating_sub(indent)) {
            let line = format!("{:indent$}{folded}", "");
            page.push_str(line.trim_end());
            page.push('\n');
        }
    }
    page
}

fn table_of_lines() -> String {
    let mut text = String::new();
    for (line, help) in table() {
        let _ = writeln!(text, "  {line}\n      {help}");
    }
    text
}

/// What was refused within a day, for the team: who claimed to be whom, what was tried, by which
/// signature. The newest first.
pub fn of_refused(refused: &[Value]) -> String {
    let mut text = String::new();
    for detail in refused.iter().take(LISTED) {
        let word = |name: &str| detail[name].as_str().map(|word| words::shown(word, 60));
        let from = word("from").unwrap_or_else(|| "nobody".to_owned());
        let why = why_in_words(detail["why"].as_str().unwrap_or_default());
        let _ = write!(text, "{from}: {why}");
        if let Some(signer) = word("signed_by") {
            let _ = write!(text, ", signed by {signer}");
        }
        let tried = detail["tried"].as_array();
        let tried: Vec<&str> = tried
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if !tried.is_empty() {
            let _ = write!(text, ": {}", tried.join(", "));
        }
        text.push('\n');
    }
    if refused.len() > LISTED {
        let _ = writeln!(text, "and {} more", refused.len() - LISTED);
    }
    text
}

fn why_in_words(why: &str) -> &'static str {
    match why {
        "unsigned" => "not signed",
        "bad_signature" => "a signature that does not fit",
        "other_signer" => "signed by another",
        "expired_key" => "a key that has expired",
        "revoked_key" => "a key that is revoked",
        "observer" => "an observer",
        "stale" => "signed too long ago",
        "ahead" => "signed in the future",
        "several" => "several signatures in one mail",
        "used_before" => "sent again",
        _ => "wrong lines",
    }
}
