//! A change of our keys, and the event of it in the audit chain: both, or neither.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::files::Undo;
use crate::cli::{Failure, office};
use crate::config::Config;
use crate::store::audit::Actor;

/// What is done, and how it is undone where it cannot be recorded.
pub struct Change<T> {
    pub done: T,
    pub detail: Value,
    pub undo: Undo,
}

/// Does `work` and records it, where there is a database. The database is locked before and
/// committed behind it, so that one that cannot be written stops all of it.
pub fn recorded<T>(
    config: &Config,
    action: &str,
    now: DateTime<Utc>,
    work: impl FnOnce() -> anyhow::Result<Change<T>>,
) -> Result<T, Failure> {
    if !config.storage.path.exists() {
        let Change { done, undo, .. } = work()?;
        undo.forget();
        return Ok(done);
    }
    let store = office::store_to_write(config)?;
    let (done, undo) = store.write(|tx| {
        let Change { done, detail, undo } = work()?;
        tx.event(now, &Actor::of_this_process(), action, None, detail)?;
        Ok::<_, Failure>((done, undo))
    })?;
    undo.forget();
    Ok(done)
}
