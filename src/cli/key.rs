//! `triaged key …`: our OpenPGP keys, and the life of each of them.
//!
//! A verb that changes something says what it changed and what is left to do, leaves an event in
//! the audit chain, and leaves everything as it was where it fails.

use std::path::Path;

use clap::Subcommand;

use super::{Outcome, Output, office};

mod list;
mod pin;

#[derive(Subcommand)]
pub enum Verb {
    /// Our keys: their parts, when each expires, which is offered, and what is odd.
    List(Output),
    /// Vouches for a certificate of a correspondent: it alone is the key of the address.
    Pin(pin::Pin),
    /// Takes the pin of an address away.
    Unpin {
        /// The correspondent's address.
        email: String,
    },
    /// What is known of the certificates of correspondents, and which is the key of whom.
    Known(pin::Known),
}

pub fn run(config_path: &Path, verb: &Verb) -> Outcome {
    let config = office::config(config_path)?;
    match verb {
        Verb::List(output) => list::run(&config, *output),
        Verb::Pin(options) => pin::pin(&config, options),
        Verb::Unpin { email } => pin::unpin(&config, email),
        Verb::Known(options) => pin::known(&config, options),
    }
}
