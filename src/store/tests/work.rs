//! How much work each statement is for SQLite, whatever the machine is doing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::StatementStatus;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::*;

/// Steps of SQLite's machine for each statement, by its text.
pub(crate) type Work = BTreeMap<String, i32>;

#[derive(Default)]
struct Counted {
    /// Of a statement that is kept, the steps of all its runs so far.
    before: HashMap<String, i32>,
    since: Work,
}

/// Counts what statements do from now on.
pub(crate) struct Meter(Arc<Mutex<Counted>>);

impl Meter {
    /// What was done since the last time.
    pub(crate) fn take(&self) -> Work {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut counted.since)
    }
}

impl Store {
    pub(crate) fn meter(&self) -> Meter {
        let counted = Arc::new(Mutex::new(Counted::default()));
        let meter = Meter(Arc::clone(&counted));
        let count = move |event: TraceEvent<'_>| {
            let TraceEvent::Profile(statement, _) = event else {
                return;
            };
            let (sql, steps) = (
                statement.sql().into_owned(),
                statement.get_status(StatementStatus::VmStep),
            );
            let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
            let before = counted.before.insert(sql.clone(), steps).unwrap_or(0);
            // One that was forgotten and prepared again begins at nothing.
            let done = if steps >= before {
                steps - before
            } else {
                steps
            };
            *counted.since.entry(sql).or_default() += done;
        };
        self.lock()
            .trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(count))
            .unwrap();
        meter
    }
}
