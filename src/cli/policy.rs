//! `triaged policy diff`: what a changed policy changes.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::say::{complain, say};
use super::{Failure, Outcome, Output};
use crate::config;
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
}

/// `diff` needs no configuration: both files are named.
pub fn run(_config: &Path, verb: &Verb) -> Outcome {
    match verb {
        Verb::Diff { old, new, output } => show_diff(old, new, *output),
    }
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
