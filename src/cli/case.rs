//! `triaged case …`: the cases, as lists and one by one, and verbs that change them.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc;

use chrono::{DateTime, Utc};
use clap::Subcommand;

use super::paint::{Paint, columns, paint, shown};
use super::say::{self, complain, say};
use super::{Outcome, Output, office};
use crate::config::Config;
use crate::intake;
use crate::store::audit::Actor;
use crate::store::listed::{Listed, ListedClock, ListedRow};
use crate::store::{Store, StoreError};
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
    let store = office::store_to_read(config)?;
    let now = Utc::now();
    if output.json {
        while_reading(&store, |batches| print_array(batches, now))??;
        return Ok(true);
    }
    let rows = while_reading(&store, |batches| {
        let cases = batches.into_iter().flatten();
        cases.map(|case| row(&case.at(now), now)).collect()
    })?;
    match table_of(rows) {
        Some(table) => say::text(&table),
        None => say!("no cases yet"),
    }
    Ok(true)
}

/// Cases that are handed on at once.
const AT_ONCE: usize = 500;

/// Reads all cases; what is to be made of them is done meanwhile by another thread.
fn while_reading<T: Send>(
    store: &Store,
    work: impl FnOnce(mpsc::Receiver<Vec<ListedRow>>) -> T + Send,
) -> Result<T, StoreError> {
    let (sender, batches) = mpsc::sync_channel(4);
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || work(batches));
        let mut batch = Vec::with_capacity(AT_ONCE);
        let read = store.read(|tx| {
            tx.each_case(|case| {
                batch.push(case);
                if batch.len() == AT_ONCE {
                    // Nobody takes it where the work failed, and it says why.
                    let _ = sender.send(std::mem::replace(&mut batch, Vec::with_capacity(AT_ONCE)));
                }
            })
        });
        let _ = sender.send(batch);
        drop(sender);
        let done = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        read.map(|()| done)
    })
}

/// One array.
fn print_array(
    batches: mpsc::Receiver<Vec<ListedRow>>,
    now: DateTime<Utc>,
) -> serde_json::Result<()> {
    let mut separator = "[";
    for batch in batches {
        let mut text = Vec::new();
        for case in batch {
            text.extend_from_slice(separator.as_bytes());
            serde_json::to_writer(&mut text, &case.at(now))?;
            separator = ",";
        }
        say::bytes(&text);
    }
    say::text(if separator == "[" { "[]\n" } else { "]\n" });
    Ok(())
}

/// The list for people: how it stands, how urgent, who, what; as wide as the terminal.
pub(super) fn table(cases: &[Listed], now: DateTime<Utc>) -> String {
    table_of(cases.iter().map(|case| row(case, now)).collect()).unwrap_or_default()
}

/// `None`: there is no row.
fn table_of(rows: Vec<Vec<String>>) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let titles = ["case", "status", "severity", "next date", "from", "subject"];
    let mut table = vec![titles.map(|title| paint(title, Paint::Dim)).to_vec()];
    table.extend(rows);
    Some(columns(&table))
}

fn row(case: &Listed, now: DateTime<Utc>) -> Vec<String> {
    let severity = match (&case.severity, &case.suggested_severity) {
        (Some(set), _) => set.clone(),
        (None, Some(suggested)) => format!("{suggested}?"),
        (None, None) => "-".to_owned(),
    };
    let what = match case.kind.as_str() {
        "report" => shown(&case.subject, 200),
        other => shown(&format!("({other}) {}", case.subject), 200),
    };
    vec![
        paint(&case.id, Paint::Bold),
        case.status.clone(),
        severity,
        next_date(&case.deadlines, now),
        shown(case.reporter.email.as_deref().unwrap_or("-"), 26),
        what,
    ]
}

/// The most pressing deadline: one that was missed, else the next.
fn next_date(deadlines: &[ListedClock], now: DateTime<Utc>) -> String {
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
