//! The verbs of `triaged case` that change a case: those that a team command has.
//!
//! Each becomes a [`Command`], takes the path of one that came by mail, and prints what changed,
//! the letter that goes, and the dates.

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use chrono::{NaiveDate, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{attach, show};
use crate::cli::paint::{Paint, columns, paint, shown};
use crate::cli::say::{self, say};
use crate::cli::{Failure, Outcome, office};
use crate::commands::{self, Done, Given, words};
use crate::config::Config;
use crate::store::audit::Actor;
use crate::store::cases::CaseView;
use crate::triage::calendar::Calendar;
use crate::triage::case::Credit;
use crate::triage::command::{self, Command, When, help};
use crate::triage::policy::{DeadlineKind, Severity};

/// The case, and how to print what became of it.
#[derive(Args)]
pub struct Which {
    /// SEC-2026-0001
    #[arg(value_parser = command::case_number)]
    id: String,
    /// Prints JSON with stable field names; times are RFC 3339 in UTC.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub enum Verb {
    #[command(about = help("severity"))]
    Severity {
        #[command(flatten)]
        which: Which,
        /// critical, high, medium or low
        #[arg(value_parser = command::severity)]
        severity: Severity,
    },
    #[command(about = help("accept"))]
    Accept {
        #[command(flatten)]
        which: Which,
    },
    #[command(about = help("reject"))]
    Reject {
        #[command(flatten)]
        which: Which,
        /// For the reporter; `-` is standard input.
        #[arg(required_unless_present = "out_of_scope")]
        reason: Vec<String>,
        /// The policy's sentence on what is out of scope goes with it. A REASON that is the name of
        /// a rule picks that one. A REASON that begins with `out of scope` says the same.
        #[arg(long)]
        out_of_scope: bool,
    },
    #[command(about = help("duplicate"))]
    Duplicate {
        #[command(flatten)]
        which: Which,
        /// The case that was first.
        #[arg(value_parser = command::case_number)]
        of: String,
    },
    #[command(about = help("close"))]
    Close {
        #[command(flatten)]
        which: Which,
        /// For the reporter; `-` is standard input.
        #[arg(required = true)]
        reason: Vec<String>,
    },
    #[command(about = help("spam"))]
    Spam {
        #[command(flatten)]
        which: Which,
    },
    #[command(about = help("needs-info"))]
    NeedsInfo {
        #[command(flatten)]
        which: Which,
        /// Words of yours beside the parts that are missing; `-` is standard input.
        text: Vec<String>,
    },
    #[command(about = help("exploited"))]
    Exploited {
        #[command(flatten)]
        which: Which,
        /// Since when you know: RFC 3339, or `2026-06-05 16:12` in the policy's zone. Default: now.
        #[arg(value_parser = When::parse)]
        at: Option<When>,
    },
    #[command(about = help("notified"))]
    Notified {
        #[command(flatten)]
        which: Which,
        /// early_warning, notification or final_report
        #[arg(value_parser = command::law_clock)]
        clock: DeadlineKind,
        /// As of `exploited`.
        #[arg(value_parser = When::parse)]
        at: Option<When>,
    },
    #[command(about = help("fixed"))]
    Fixed {
        #[command(flatten)]
        which: Which,
        /// 2026-12-01
        #[arg(value_parser = command::date)]
        on: NaiveDate,
    },
    #[command(about = help("disclose"))]
    Disclose {
        #[command(flatten)]
        which: Which,
        /// 2027-01-10
        #[arg(value_parser = command::date)]
        on: NaiveDate,
        /// Sooner than the policy's notice to the reporter allows, or before the fix.
        #[arg(long)]
        short_notice: bool,
    },
    #[command(about = help("credit"))]
    Credit {
        #[command(flatten)]
        which: Which,
        name: String,
        #[arg(long, value_parser = command::link)]
        link: Option<String>,
    },
    #[command(about = help("token"))]
    Token {
        #[command(flatten)]
        which: Which,
        #[arg(required = true)]
        text: Vec<String>,
    },
    #[command(about = help("reward"))]
    Reward {
        #[command(flatten)]
        which: Which,
        #[arg(required = true)]
        text: Vec<String>,
    },
    #[command(about = help("assign"))]
    Assign {
        #[command(flatten)]
        which: Which,
        /// Name or address
        member: String,
    },
    #[command(about = help("note"))]
    Note {
        #[command(flatten)]
        which: Which,
        /// `-` is standard input.
        #[arg(required = true)]
        text: Vec<String>,
    },
    #[command(about = help("label"))]
    Label {
        #[command(flatten)]
        which: Which,
        #[arg(value_parser = command::label)]
        name: String,
    },
    #[command(about = help("reply"))]
    Reply {
        #[command(flatten)]
        which: Which,
        /// `-` is standard input.
        #[arg(required = true)]
        text: Vec<String>,
        /// Files that go along, 25 MB in all; after the text.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        attach: Vec<PathBuf>,
    },
    #[command(about = help("reopen"))]
    Reopen {
        #[command(flatten)]
        which: Which,
    },
    #[command(about = help("status"))]
    Status {
        #[command(flatten)]
        which: Which,
    },
}

impl Verb {
    fn which(&self) -> &Which {
        match self {
            Self::Severity { which, .. }
            | Self::Accept { which }
            | Self::Reject { which, .. }
            | Self::Duplicate { which, .. }
            | Self::Close { which, .. }
            | Self::Spam { which }
            | Self::NeedsInfo { which, .. }
            | Self::Exploited { which, .. }
            | Self::Notified { which, .. }
            | Self::Fixed { which, .. }
            | Self::Disclose { which, .. }
            | Self::Credit { which, .. }
            | Self::Token { which, .. }
            | Self::Reward { which, .. }
            | Self::Assign { which, .. }
            | Self::Note { which, .. }
            | Self::Label { which, .. }
            | Self::Reply { which, .. }
            | Self::Reopen { which }
            | Self::Status { which } => which,
        }
    }

    fn attached(&self) -> &[PathBuf] {
        match self {
            Self::Reply { attach, .. } => attach,
            _ => &[],
        }
    }

    fn command(&self) -> anyhow::Result<Command> {
        Ok(match self {
            Self::Severity { severity, .. } => Command::Severity(*severity),
            Self::Accept { .. } => Command::Accept,
            Self::Reject {
                reason,
                out_of_scope,
                ..
            } => rejection(reason, *out_of_scope)?,
            Self::Duplicate { of, .. } => Command::Duplicate { of: of.clone() },
            Self::Close { reason, .. } => Command::Close {
                reason: text_of(reason)?,
            },
            Self::Spam { .. } => Command::Spam,
            Self::NeedsInfo { text, .. } => Command::NeedsInfo {
                words: (!text.is_empty()).then(|| text_of(text)).transpose()?,
            },
            Self::Exploited { at, .. } => Command::Exploited { at: *at },
            Self::Notified { clock, at, .. } => Command::Notified {
                clock: *clock,
                at: *at,
            },
            Self::Fixed { on, .. } => Command::Fixed { on: *on },
            Self::Disclose {
                on, short_notice, ..
            } => Command::Disclose {
                on: *on,
                short_notice: *short_notice,
            },
            Self::Credit { name, link, .. } => Command::Credit(credit(name, link.as_ref())?),
            Self::Token { text, .. } => Command::Token {
                words: text_of(text)?,
            },
            Self::Reward { text, .. } => Command::Reward {
                words: text_of(text)?,
            },
            Self::Assign { member, .. } => Command::Assign { to: member.clone() },
            Self::Note { text, .. } => Command::Note {
                words: text_of(text)?,
            },
            Self::Label { name, .. } => Command::Label { name: name.clone() },
            Self::Reply { text, .. } => Command::Reply {
                words: text_of(text)?,
            },
            Self::Reopen { .. } => Command::Reopen,
            Self::Status { .. } => Command::Status,
        })
    }
}

fn rejection(reason: &[String], out_of_scope: bool) -> anyhow::Result<Command> {
    if out_of_scope {
        return Ok(Command::Reject {
            reason: if reason.is_empty() {
                String::new()
            } else {
                text_of(reason)?
            },
            out_of_scope,
        });
    }
    command::reject(&text_of(reason)?).map_err(anyhow::Error::msg)
}

/// The arguments as one text, or all of standard input.
fn text_of(arguments: &[String]) -> anyhow::Result<String> {
    let mut text = arguments.join(" ");
    if text == "-" {
        text.clear();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("standard input")?;
    }
    command::words(&text).map_err(anyhow::Error::msg)
}

fn credit(name: &str, link: Option<&String>) -> anyhow::Result<Credit> {
    if name.eq_ignore_ascii_case("no") {
        anyhow::ensure!(link.is_none(), "who wants no credit has no --link");
        return Ok(Credit::No);
    }
    Ok(Credit::Yes {
        name: command::words(name).map_err(anyhow::Error::msg)?,
        link: link.cloned(),
    })
}

pub fn run(config: &Config, verb: &Verb) -> Outcome {
    let which = verb.which();
    let command = verb.command()?;
    let files = attach::read(verb.attached())?;
    let desk = office::desk(config)?;
    let store = office::store_to_write(config)?;
    let actor = Actor::of_this_process();
    let now = Utc::now();
    let (done, case) = store.write(|tx| {
        let case = tx.case_by_number(&which.id)?;
        let given = Given {
            command: &command,
            files: &files,
            actor: &actor,
        };
        let done = commands::carry_out_with(tx, &desk, &case, &given, now)?;
        Ok::<_, Failure>((done, tx.case_detail(&case, now)?.case))
    })?;
    if which.json {
        say!("{}", as_json(&done, &case));
    } else {
        say::text(&in_words(&command, &done, &case, &config.policy.calendar));
    }
    Ok(true)
}

fn as_json(done: &Done, case: &CaseView) -> Value {
    let letter = done.letter.as_ref().map(|letter| {
        json!({"template": letter.kind, "to": letter.to, "encrypted": letter.encrypted,
               "unusable_certificate": letter.unusable_certificate, "files": letter.files})
    });
    json!({"case": case, "letter": letter, "no_letter": done.after.unreachable})
}

/// What changed, the letter, the dates.
fn in_words(command: &Command, done: &Done, case: &CaseView, calendar: &Calendar) -> String {
    let mut page = format!(
        "{}: {}\n",
        paint(&case.id, Paint::Bold),
        shown(&words::status(case), 120)
    );
    let mut facts: Vec<Vec<String>> = words::facts(command, done, calendar)
        .into_iter()
        .map(|(name, value)| vec![format!("  {}", paint(name, Paint::Dim)), value])
        .collect();
    facts.push(vec![
        format!("  {}", paint("letter", Paint::Dim)),
        words::letter(done.letter.as_ref(), done.after.unreachable.as_deref()),
    ]);
    page.push_str(&columns(&facts));
    let rows: Vec<Vec<String>> = words::open_deadlines(case)
        .map(show::deadline_row)
        .map(|mut row| {
            if let Some(name) = row.first_mut() {
                *name = format!("  {name}");
            }
            row
        })
        .collect();
    page.push_str(&columns(&rows));
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_of_a_mail_is_a_verb() {
        let line = Verb::augment_subcommands(clap::Command::new("case"));
        let verbs: BTreeSet<&str> = line
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(verbs, command::WORDS.iter().map(|word| word.name).collect());
        for verb in line.get_subcommands() {
            let about = verb.get_about().map(ToString::to_string);
            assert_eq!(about.as_deref(), Some(help(verb.get_name())));
        }
    }
}
