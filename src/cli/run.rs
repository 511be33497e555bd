//! `triaged run`: the daemon.

use std::path::Path;

use super::{Outcome, office};
use crate::daemon;

pub fn run(config_path: &Path, once: bool) -> Outcome {
    let config = office::config(config_path)?;
    for problem in office::open_secrets(&config) {
        tracing::warn!(event = "secret_open", "{problem}");
    }
    let desk = office::desk(&config)?;
    let store = office::store(&config)?;
    // Two threads for the tasks; reading and cryptography go to threads of their own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(daemon::run(config, config_path, store, desk, once));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    Ok(outcome?)
}
