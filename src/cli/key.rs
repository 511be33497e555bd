//! `triaged key …`: our OpenPGP keys, and the life of each of them.
//!
//! A verb that changes something says what it changed and what is left to do, leaves an event in
//! the audit chain, and leaves everything as it was where it fails.

use std::path::Path;

use clap::Subcommand;

use super::{Outcome, Output, office};

mod list;

#[derive(Subcommand)]
pub enum Verb {
    /// Our keys: their parts, when each expires, which is offered, and what is odd.
    List(Output),
}

pub fn run(config_path: &Path, verb: &Verb) -> Outcome {
    let config = office::config(config_path)?;
    match verb {
        Verb::List(output) => list::run(&config, *output),
    }
}
