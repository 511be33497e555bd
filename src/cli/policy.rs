//! `triaged policy …`: what a changed policy changes, and changing it for cases that are open.

use std::path::{Path, PathBuf};

use chrono::Utc;
use clap::Subcommand;
use serde_json::{Value, json};

use super::paint::{Paint, columns, paint};
use super::say::{self, complain, say};
use super::{Failure, Outcome, Output, office};
use crate::config;
use crate::store::audit::Actor;
use crate::store::deadlines::{Applied, Promised};
use crate::triage::calendar::Calendar;
use crate::triage::policy::Policy;
use crate::triage::policy::diff::{self, Change};

#[derive(Subcommand)]
pub enum Verb {
    /// Shows what the policy in NEW changes against the one in OLD, in words.
    Diff {
        old: PathBuf,
        new: PathBuf,
        #[command(flatten)]
        output: Output,
    },
    /// Computes the open deadlines of all cases from the policy file as it is now. Without it, a
    /// changed policy applies to new cases alone.
    Apply {
        /// Shows what would change, and changes nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        output: Output,
    },
}

/// `diff` needs no configuration: both files are named.
pub fn run(config_path: &Path, verb: &Verb) -> Outcome {
    match verb {
        Verb::Apply { dry_run, output } => apply(config_path, *dry_run, *output),
        Verb::Diff { old, new, output } => show_diff(old, new, *output),
    }
}

fn apply(config_path: &Path, dry_run: bool, output: Output) -> Outcome {
    let config = office::config(config_path)?;
    let policy = &config.policy;
    let store = office::store_to_write(&config)?;
    let actor = Actor::of_this_process();
    let now = Utc::now();
    let applied: Applied = if dry_run {
        store.read(|tx| tx.apply_policy(policy, &actor, now))?
    } else {
        store.write(|tx| tx.apply_policy(policy, &actor, now))?
    };
    if output.json {
        say!("{}", json!(applied));
        return Ok(true);
    }
    if !applied.changed.is_empty() {
        say::text(&changes_table(&applied, &policy.calendar));
    }
    say!(
        "{} changed{}, {} stayed as they were (policy {})",
        applied.changed.len(),
        if dry_run {
            " (not really: --dry-run)"
        } else {
            ""
        },
        applied.stayed,
        applied.policy_version
    );
    Ok(true)
}

fn changes_table(applied: &Applied, calendar: &Calendar) -> String {
    let titles = ["case", "clock", "before", "after", "why"];
    let mut rows = vec![titles.map(|title| paint(title, Paint::Dim)).to_vec()];
    let shown = |promised: &Option<Promised>| match promised {
        Some(promised) => calendar.show_short(promised.due_at),
        None => "-".to_owned(),
    };
    for change in &applied.changed {
        rows.push(vec![
            paint(&change.case, Paint::Bold),
            change.kind.to_owned(),
            shown(&change.before),
            shown(&change.after),
            change.why.clone(),
        ]);
    }
    columns(&rows)
}

fn show_diff(old: &Path, new: &Path, output: Output) -> Outcome {
    let (old, new) = both(old, new)?;
    let changes = diff::diff(&old, &new);
    if output.json {
        let list: Vec<Value> = changes.iter().map(as_json).collect();
        say!("{}", Value::from(list));
    } else {
        show(&changes);
    }
    if !changes.is_empty() && old.version == new.version {
        complain!(
            "warning: both are version {:?}; give the new one a version of its own, as each case remembers which one it was promised by",
            new.version
        );
    }
    Ok(true)
}

/// Both policies, or the mistakes of both files.
fn both(old: &Path, new: &Path) -> Result<(Policy, Policy), Failure> {
    let ((old, mut mistakes), (new, more)) = (config::policy::read(old), config::policy::read(new));
    mistakes.extend(more);
    match (old, new) {
        (Some(old), Some(new)) => Ok((old, new)),
        _ => {
            let is_error = |one: &&config::Mistake| one.gravity == config::Gravity::Error;
            let errors = mistakes.iter().filter(is_error);
            Err(Failure::Configuration(
                errors.map(ToString::to_string).collect(),
            ))
        }
    }
}

fn show(changes: &[Change]) {
    if changes.is_empty() {
        say!("nothing changes: both promise the same");
    }
    for change in changes {
        say!("{change}");
    }
}

fn as_json(change: &Change) -> Value {
    json!({
        "key": change.key,
        "entry": change.entry,
        "change": change.what.as_str(),
        "old": change.what.old_value(),
        "new": change.what.new_value(),
        "words": change.to_string(),
    })
}
