//! What the team was told of keys and certificates that expire: each threshold once.

use chrono::{DateTime, Utc};

use super::{Result, Tx};

impl Tx<'_> {
    /// Was it told at this threshold, or at a nearer one, that this key (upper-case hex) expires
    /// then? A renewed key expires at another time, and is another matter.
    pub fn key_alert_told(
        &self,
        fingerprint: &str,
        expires_at: DateTime<Utc>,
        days: i64,
    ) -> Result<bool> {
        let told: i64 = self
            .0
            .prepare_cached(
                "SELECT count(*) FROM key_alerts
                 WHERE fingerprint = ?1 AND expires_at = ?2 AND days <= ?3",
            )?
            .query_row((fingerprint, expires_at.timestamp(), days), |row| {
                row.get(0)
            })?;
        Ok(told > 0)
    }

    pub fn set_key_alert_told(
        &self,
        fingerprint: &str,
        expires_at: DateTime<Utc>,
        days: i64,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO key_alerts (fingerprint, expires_at, days, told_at)
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT (fingerprint, expires_at, days) DO NOTHING",
            )?
            .execute((fingerprint, expires_at.timestamp(), days, now.timestamp()))?;
        Ok(())
    }
}
