//! `triaged backup FILE`: a consistent copy while the daemon runs.

use std::path::Path;

use chrono::Utc;
use serde_json::json;

use super::say::say;
use super::{Failure, Outcome, office};
use crate::store::audit::Actor;

pub fn run(config: &Path, file: &Path) -> Outcome {
    let config = office::config(config)?;
    if let Some(missing) = missing_folder(file) {
        return Err(Failure::Configuration(vec![format!(
            "{}: there is no such folder; make it, or name another file",
            missing.display()
        )]));
    }
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
    say!(
        "{}: {size} bytes, encrypted with the same storage key; keep that key apart from it",
        file.display()
    );
    Ok(true)
}

/// Of the copy. It is not made: a backup drive that is not mounted must not look like one.
fn missing_folder(file: &Path) -> Option<&Path> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())?;
    (!folder.is_dir()).then_some(folder)
}
