//! `triaged case …`: the cases, as lists and one by one, and verbs that change them.

use std::borrow::Cow;
use std::ops::Deref;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc;

use chrono::{DateTime, Utc};
use clap::Subcommand;

use super::paint::{Paint, Table, paint, shown};
use super::say::{self, complain, say};
use super::{Outcome, Output, office};
use crate::config::Config;
use crate::intake;
use crate::store::audit::Actor;
use crate::store::listed::{Batch, Listed, ListedClock};
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

/// A case that cannot be read keeps no other back.
fn list(config: &Config, output: Output) -> Outcome {
    let store = office::store_to_read(config)?;
    let now = Utc::now();
    let damaged = if output.json {
        print_array(&store, now)?
    } else {
        print_table(&store, now)?
    };
    for error in &damaged {
        complain!("{error}");
    }
    Ok(damaged.is_empty())
}

fn print_table(store: &Store, now: DateTime<Utc>) -> anyhow::Result<Vec<StoreError>> {
    let (table, damaged) = while_reading(store, |batches| {
        let mut table = titled();
        let damaged = batches.each(now, |case| {
            add(&mut table, case, now);
            Ok(())
        })?;
        anyhow::Ok((table, damaged))
    })??;
    match table.rows() {
        1 => say!("no cases yet"),
        _ => say::text(&table.text()),
    }
    Ok(damaged)
}

/// One array. It is left open where not all could be read.
fn print_array(store: &Store, now: DateTime<Utc>) -> anyhow::Result<Vec<StoreError>> {
    /// Bytes that are written at once.
    const CHUNK: usize = 128 * 1024;
    let (rest, damaged) = while_reading(store, |batches| {
        let (mut text, mut separator) = (Vec::new(), "[");
        let damaged = batches.each(now, |case| {
            text.extend_from_slice(separator.as_bytes());
            serde_json::to_writer(&mut text, case)?;
            separator = ",";
            if text.len() >= CHUNK {
                say::bytes(&text);
                text.clear();
            }
            Ok(())
        })?;
        if separator == "[" {
            text.push(b'[');
        }
        anyhow::Ok((text, damaged))
    })??;
    say::bytes(&rest);
    say::text("]\n");
    Ok(damaged)
}

/// Batches that are read and not yet looked at.
const AHEAD: usize = 4;

/// What another thread reads; what was looked at goes back, to be filled anew.
struct Batches {
    full: mpsc::Receiver<Batch>,
    empty: mpsc::Sender<Batch>,
}

impl Batches {
    /// Returns why single cases could not be read.
    fn each(
        self,
        now: DateTime<Utc>,
        mut look: impl FnMut(&Listed<Cow<'_, str>>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<StoreError>> {
        let mut damaged = Vec::new();
        for mut batch in self.full {
            for case in batch.cases(now) {
                match case {
                    Ok(case) => look(&case)?,
                    Err(error) => damaged.push(error),
                }
            }
            batch.clear();
            // Nobody takes it where all is read.
            let _ = self.empty.send(batch);
        }
        Ok(damaged)
    }
}

/// Reads all cases; what is to be made of them is done meanwhile by another thread.
fn while_reading<T: Send>(
    store: &Store,
    work: impl FnOnce(Batches) -> T + Send,
) -> Result<T, StoreError> {
    let (sender, full) = mpsc::sync_channel(AHEAD);
    let (empty, emptied) = mpsc::channel();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || work(Batches { full, empty }));
        let read = store.read(|tx| {
            tx.each_batch(|batch| {
                // Nobody takes it where the work failed, and it says why.
                sender.send(batch).ok()?;
                Some(emptied.try_recv().unwrap_or_default())
            })
        });
        drop(sender);
        let done = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
        read.map(|()| done)
    })
}

/// The list for people: how it stands, how urgent, who, what; as wide as the terminal.
pub(super) fn table(cases: &[Listed], now: DateTime<Utc>) -> String {
    let mut table = titled();
    for case in cases {
        add(&mut table, case, now);
    }
    table.text()
}

fn titled() -> Table {
    let titles = ["case", "status", "severity", "next date", "from", "subject"];
    let mut table = Table::default();
    table.add(titles.map(|title| paint(title, Paint::Dim)));
    table
}

fn add<Word: Deref<Target = str>>(table: &mut Table, case: &Listed<Word>, now: DateTime<Utc>) {
    let severity = match (&case.severity, &case.suggested_severity) {
        (Some(set), _) => set.to_string(),
        (None, Some(suggested)) => format!("{}?", &**suggested),
        (None, None) => "-".to_owned(),
    };
    let what = match &*case.kind {
        "report" => shown(&case.subject, 200),
        other => shown(&format!("({other}) {}", &*case.subject), 200),
    };
    table.add([
        paint(&case.id, Paint::Bold),
        case.status.to_string(),
        severity,
        next_date(&case.deadlines, now),
        shown(case.reporter.email.as_deref().unwrap_or("-"), 26),
        what,
    ]);
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
