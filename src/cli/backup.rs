//! `triaged backup FILE`: a consistent copy while the daemon runs.

use std::path::Path;

use chrono::Utc;
use serde_json::json;

use super::{Outcome, office};
use crate::store::audit::Actor;

pub fn run(config: &Path, file: &Path) -> Outcome {
    let config = office::config(config)?;
    let store = office::store_to_write(&config)?;
    store.backup(file)?;
    store.write(|tx| {
        tx.event(
            Utc::now(),
            &Actor::of_this_process(),
            "backup",
            None,
            json!({"file": file.display().to_string()}),
        )
    })?;
    let size = std::fs::metadata(file)?.len();
    println!(
        "{}: {size} bytes, encrypted with the same storage key; keep that key apart from it",
        file.display()
    );
    Ok(true)
}
