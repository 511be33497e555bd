//! `triaged case …`: the cases, as lists and one by one, and verbs that change them.

use std::path::Path;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::json;

use super::paint::{Paint, columns, paint, shown};
use super::say::{self, complain, say};
use super::{Outcome, Output, office};
use crate::config::Config;
use crate::intake;
use crate::store::audit::Actor;
use crate::store::cases::CaseSummary;
use crate::store::deadlines::DeadlineView;
use crate::triage::calendar;

mod attach;
mod change;
mod show;

#[derive(Subcommand)]
pub enum Verb {
    /// All cases, oldest first.
    List(Output),
    /// One case with its messages and events.
    Show {
        /// SEC-2026-0001
        id: String,
        #[command(flatten)]
        output: Output,
    },
    #[command(flatten)]
    Change(change::Verb),
    /// Sends the acknowledgement of cases that were recorded without an answer.
    Acknowledge {
        ids: Vec<String>,
        /// Every case that was recorded without an answer because it was old or on request.
        #[arg(long, conflicts_with = "ids", required_unless_present = "ids")]
        unanswered: bool,
    },
}

pub fn run(config_path: &Path, verb: &Verb) -> Outcome {
    let config = office::config(config_path)?;
    match verb {
        Verb::List(output) => list(&config, *output),
        Verb::Show { id, output } => show::run(&config, id, *output),
        Verb::Change(verb) => change::run(&config, verb),
        Verb::Acknowledge { ids, unanswered } => acknowledge(&config, ids, *unanswered),
    }
}

fn list(config: &Config, output: Output) -> Outcome {
    let cases = office::store_to_read(config)?.read(|tx| tx.cases(Utc::now()))?;
    if output.json {
        say!("{}", json!(cases));
        return Ok(true);
    }
    if cases.is_empty() {
        say!("no cases yet");
        return Ok(true);
    }
    say::text(&table(&cases, Utc::now()));
    Ok(true)
}

/// The list for people: how it stands, how urgent, who, what; as wide as the terminal.
pub(super) fn table(cases: &[CaseSummary], now: DateTime<Utc>) -> String {
    let titles = ["case", "status", "severity", "next date", "from", "subject"];
    let mut rows = vec![titles.map(|title| paint(title, Paint::Dim)).to_vec()];
    for summary in cases {
        let case = &summary.case;
        let severity = match (&case.severity, &case.suggested_severity) {
            (Some(set), _) => set.clone(),
            (None, Some(suggested)) => format!("{suggested}?"),
            (None, None) => "-".to_owned(),
        };
        let what = match case.kind.as_str() {
            "report" => case.subject.clone(),
            other => format!("({other}) {}", case.subject),
        };
        rows.push(vec![
            paint(&case.id, Paint::Bold),
            case.status.clone(),
            severity,
            next_date(&case.deadlines, now),
            shown(case.reporter.email.as_deref().unwrap_or("-"), 26),
            shown(&what, 200),
        ]);
    }
    columns(&rows)
}

/// The most pressing deadline: one that was missed, else the next.
fn next_date(deadlines: &[DeadlineView], now: DateTime<Utc>) -> String {
    let first = deadlines
        .iter()
        .filter(|deadline| matches!(deadline.state, "missed" | "running"))
        .min_by_key(|deadline| (deadline.state != "missed", deadline.due_at));
    match first {
        None => "-".to_owned(),
        Some(deadline) => {
            let text = format!(
                "{} {}",
                deadline.kind,
                calendar::how_far(deadline.due_at, now)
            );
            match deadline.state {
                "missed" => paint(&format!("{text}, missed"), Paint::Bad),
                _ => text,
            }
        }
    }
}

fn acknowledge(config: &Config, ids: &[String], unanswered: bool) -> Outcome {
    let desk = office::desk(config)?;
    let store = office::store_to_write(config)?;
    let actor = Actor::of_this_process();
    let numbers = if unanswered {
        store.read(|tx| tx.unanswered())?
    } else {
        ids.to_vec()
    };
    if numbers.is_empty() {
        say!("every case that may be answered was answered");
        return Ok(true);
    }
    let mut all_well = true;
    for number in numbers {
        match store.write(|tx| intake::acknowledge(tx, &number, &desk, &actor, Utc::now())) {
            Ok(()) => say!("{number}: its acknowledgement is in the outbox"),
            Err(error) => {
                complain!("triaged: {number}: {error}");
                all_well = false;
            }
        }
    }
    Ok(all_well)
}
