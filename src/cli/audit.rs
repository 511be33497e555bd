//! `triaged audit verify`: does the chain of events fit?

use std::path::Path;

use clap::Subcommand;
use serde_json::json;

use super::say::say;
use super::{Outcome, Output, office};
use crate::store::audit::Verdict;

#[derive(Subcommand)]
pub enum Verb {
    /// Checks the audit chain; says the first row that does not fit.
    Verify(Output),
}

pub fn run(config: &Path, verb: &Verb) -> Outcome {
    let Verb::Verify(output) = verb;
    let config = office::config(config)?;
    let verdict = office::store_to_read(&config)?.verify_audit()?;
    if output.json {
        let value = match &verdict {
            Verdict::Sound { rows, head } => json!({"sound": true, "rows": rows, "head": head}),
            Verdict::Broken { row, why } => json!({"sound": false, "row": row, "why": why}),
        };
        say!("{value}");
    } else {
        match &verdict {
            Verdict::Sound { rows, head } => {
                say!("the audit chain fits: {rows} rows, head {head}")
            }
            Verdict::Broken { row, why } => say!(
                "the audit chain is broken at row {row}: {why}; \
                 compare with a backup to see what was there"
            ),
        }
    }
    Ok(matches!(verdict, Verdict::Sound { .. }))
}
