//! The verbs of `triaged case` that change a case: those that a team command has.
//!
//! Each becomes a [`Command`], takes the path of one that came by mail, and prints what changed,
//! the letter that goes, and the dates.

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{attach, show};
use crate::cli::paint::{Paint, columns, paint, shown};
use crate::cli::say::{self, say};
use crate::cli::{Failure, Outcome, office};
use crate::commands::{self, Done, Given, Told};
use crate::config::Config;
use crate::store::audit::Actor;
use crate::store::cases::CaseView;
use crate::triage::calendar::Calendar;
use crate::triage::case::{CaseState, Credit};
use crate::triage::command::{self, Command, When};
use crate::triage::policy::{DeadlineKind, Severity};
use crate::triage::reply::Template;

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
    /// Sets the severity; the remediation deadline follows it.
    Severity {
        #[command(flatten)]
        which: Which,
        /// critical, high, medium or low
        #[arg(value_parser = command::severity)]
        severity: Severity,
    },
    /// It is a vulnerability; the reporter hears severity and planned date.
    Accept {
        #[command(flatten)]
        which: Which,
    },
    /// It is none; the reporter gets the reason and the way to object.
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
    /// It is known from another case; the reporter hears that, and no more.
    Duplicate {
        #[command(flatten)]
        which: Which,
        /// The case that was first.
        #[arg(value_parser = command::case_number)]
        of: String,
    },
    /// Ends the case for another reason, which the reporter gets.
    Close {
        #[command(flatten)]
        which: Which,
        /// For the reporter; `-` is standard input.
        #[arg(required = true)]
        reason: Vec<String>,
    },
    /// Ends the case without a word to its sender.
    Spam {
        #[command(flatten)]
        which: Which,
    },
    /// Asks the reporter for what is missing; triage, update and remediate wait for the answer.
    NeedsInfo {
        #[command(flatten)]
        which: Which,
        /// Words of yours beside the parts that are missing; `-` is standard input.
        text: Vec<String>,
    },
    /// It is used in attacks; starts the clocks of the law.
    Exploited {
        #[command(flatten)]
        which: Which,
        /// Since when you know: RFC 3339, or `2026-06-05 16:12` in the policy's zone. Default: now.
        #[arg(value_parser = When::parse)]
        at: Option<When>,
    },
    /// The authority was told: meets one of the clocks of the law.
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
    /// The fix shipped on this day.
    Fixed {
        #[command(flatten)]
        which: Which,
        /// 2026-12-01
        #[arg(value_parser = command::date)]
        on: NaiveDate,
    },
    /// It is published on this day; the reporter hears of it ahead.
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
    /// How the reporter wants to be named, or `no`.
    Credit {
        #[command(flatten)]
        which: Which,
        name: String,
        #[arg(long, value_parser = command::link)]
        link: Option<String>,
    },
    /// Notes a token of appreciation.
    Token {
        #[command(flatten)]
        which: Which,
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Notes a reward.
    Reward {
        #[command(flatten)]
        which: Which,
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Gives the case to a member of the team.
    Assign {
        #[command(flatten)]
        which: Which,
        /// Name or address
        member: String,
    },
    /// Keeps words of the team with the case; nobody else sees them.
    Note {
        #[command(flatten)]
        which: Which,
        /// `-` is standard input.
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Adds a label.
    Label {
        #[command(flatten)]
        which: Which,
        #[arg(value_parser = command::label)]
        name: String,
    },
    /// Sends your words to the reporter, encrypted when there is a key.
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
    /// Takes a closed case up again, as it was before.
    Reopen {
        #[command(flatten)]
        which: Which,
    },
    /// Tells how the case stands.
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
                reason: words(reason)?,
            },
            Self::Spam { .. } => Command::Spam,
            Self::NeedsInfo { text, .. } => Command::NeedsInfo {
                words: (!text.is_empty()).then(|| words(text)).transpose()?,
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
                words: words(text)?,
            },
            Self::Reward { text, .. } => Command::Reward {
                words: words(text)?,
            },
            Self::Assign { member, .. } => Command::Assign { to: member.clone() },
            Self::Note { text, .. } => Command::Note {
                words: words(text)?,
            },
            Self::Label { name, .. } => Command::Label { name: name.clone() },
            Self::Reply { text, .. } => Command::Reply {
                words: words(text)?,
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
                words(reason)?
            },
            out_of_scope,
        });
    }
    command::reject(&words(reason)?).map_err(anyhow::Error::msg)
}

/// The arguments as one text, or all of standard input.
fn words(arguments: &[String]) -> anyhow::Result<String> {
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
        say::text(&in_words(&done, &case, &config.policy.calendar));
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
fn in_words(done: &Done, case: &CaseView, calendar: &Calendar) -> String {
    let mut page = format!(
        "{}: {}\n",
        paint(&case.id, Paint::Bold),
        shown(&show::status(case), 120)
    );
    let mut facts: Vec<Vec<String>> = changes(&done.before, &done.after, calendar)
        .into_iter()
        .map(|(name, value)| vec![format!("  {}", paint(name, Paint::Dim)), value])
        .collect();
    facts.push(vec![
        format!("  {}", paint("letter", Paint::Dim)),
        letter(done.letter.as_ref(), done.after.unreachable.as_deref()),
    ]);
    page.push_str(&columns(&facts));
    let open = case
        .deadlines
        .iter()
        .filter(|deadline| matches!(deadline.state, "running" | "paused" | "missed"));
    let rows: Vec<Vec<String>> = open
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

fn letter(letter: Option<&Told>, unreachable: Option<&str>) -> String {
    match (letter, unreachable) {
        (Some(letter), _) => {
            let how = match (&letter.unusable_certificate, letter.encrypted) {
                (Some(why), _) => format!("without content, {why}"),
                (None, true) => "encrypted".to_owned(),
                (None, false) if letter.kind == Template::Notice.as_str() => {
                    "without content, no OpenPGP key of theirs is known".to_owned()
                }
                (None, false) => "in clear".to_owned(),
            };
            let files = match letter.files.as_slice() {
                [] => String::new(),
                names => format!(", with {}", shown(&names.join(", "), 200)),
            };
            format!("{} to {}, {how}{files}", letter.kind, shown(&letter.to, 60))
        }
        (None, Some(why)) => format!("none: {}", shown(why, 120)),
        (None, None) => "none".to_owned(),
    }
}

/// What is different now, in the order of a case's life.
fn changes(
    before: &CaseState,
    after: &CaseState,
    calendar: &Calendar,
) -> Vec<(&'static str, String)> {
    let shape = |case: &CaseState| {
        let day = |at: Option<DateTime<Utc>>| at.map(|at| calendar.date_of(at).to_string());
        let credit = case.credit.as_ref().map(|credit| match credit {
            Credit::No => "no".to_owned(),
            Credit::Yes { name, link: None } => name.clone(),
            Credit::Yes {
                name,
                link: Some(link),
            } => format!("{name} <{link}>"),
        });
        [
            ("status", Some(case.status.as_str().to_owned())),
            ("severity", case.severity.map(|it| it.as_str().to_owned())),
            ("assignee", case.assignee.clone()),
            ("waits", case.paused.then(|| "for the reporter".to_owned())),
            ("exploited", case.exploited_at.map(|at| calendar.show(at))),
            ("fixed", day(case.fixed_at)),
            ("disclosure", day(case.disclose_at)),
            ("credit", credit),
            ("token", case.token.clone()),
            ("reward", case.reward.clone()),
        ]
    };
    let pairs = shape(before).into_iter().zip(shape(after));
    pairs
        .filter(|((_, old), (_, new))| old != new)
        .map(|((name, old), (_, new))| {
            let word = |value: Option<String>| value.map_or("-".to_owned(), |it| shown(&it, 80));
            (name, format!("{} -> {}", word(old), word(new)))
        })
        .collect()
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
    }
}
