//! Which mails with commands were taken up, and what was refused.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Result, Tx};
use crate::triage::orders::Mark;

/// The event of commands that were refused or forged, or of a mail that held none.
pub const REFUSED: &str = "command_refused";

impl Tx<'_> {
    /// Takes a signature up. False: it was taken up before, and works no more.
    pub fn use_command_mail(&self, mark: &Mark, now: DateTime<Utc>) -> Result<bool> {
        let added = self
            .0
            .prepare_cached(
                "INSERT INTO command_mails (signer, signed_at, digest, used_at)
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT (signer, signed_at, digest) DO NOTHING",
            )?
            .execute((
                &mark.signer,
                mark.signed_at.timestamp(),
                mark.digest.0.as_slice(),
                now.timestamp(),
            ))?;
        Ok(added == 1)
    }

    /// What was refused since then, the newest first; at most so many. The details of events.
    pub fn refused_since(&self, since: DateTime<Utc>, at_most: usize) -> Result<Vec<Value>> {
        let mut statement = self.0.prepare_cached(
            "SELECT event_details.detail FROM events
             JOIN event_details ON event_details.event_id = events.id
             WHERE events.action = 'command_refused' AND events.at > ?1
             ORDER BY events.id DESC LIMIT ?2",
        )?;
        let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
        let details =
            statement.query_map((since.timestamp(), at_most), |row| row.get::<_, String>(0))?;
        let details: Vec<String> = details.collect::<rusqlite::Result<_>>()?;
        Ok(details
            .iter()
            .filter_map(|detail| serde_json::from_str(detail).ok())
            .collect())
    }
}
