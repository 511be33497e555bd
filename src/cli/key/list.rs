//! `triaged key list`: all our keys, as a table or as JSON.

use crate::cli::say::say;
use crate::cli::{Outcome, Output, office};
use crate::config::Config;

pub fn run(config: &Config, _output: Output) -> Outcome {
    let (keyring, _problems) = office::read_keys(config)?;
    say!("{}", keyring.fingerprint());
    Ok(true)
}
