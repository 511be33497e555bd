//! The certificates of correspondents: which were seen with an address, and which speaks for it.

use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

use super::{Result, Tx, instant, optional};
use crate::mail::message::Certificate;
use crate::triage::whose::{Learned, Seen};

/// Of one address; anybody can send us more in its name.
const KEPT: u32 = 10;

/// One certificate of one address, as `key known` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownCertificate {
    pub email: String,
    pub fingerprint: String,
    /// What speaks best for it: `pinned`, `authenticated`, `signed`, `came_along`.
    pub why: &'static str,
    pub pinned: bool,
    /// It is the key of the address.
    pub current: bool,
    pub first_seen_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

impl Tx<'_> {
    /// The certificates that were seen with this address, those that speak for it first.
    pub fn seen_with(&self, email: &str) -> Result<Vec<Seen>> {
        let mut statement = self.0.prepare_cached(
            "SELECT fingerprint, bytes, learned, speaks_since IS NOT NULL
             FROM certificates WHERE email = ?1
             ORDER BY speaks_since IS NULL, learned DESC, first_seen_at, rowid LIMIT ?2",
        )?;
        let rows = statement.query_map((email, KEPT), |row| {
            Ok(Seen {
                certificate: Certificate {
                    fingerprint: row.get(0)?,
                    emails: vec![email.to_owned()],
                    bytes: row.get(1)?,
                },
                learned: learned(row.get(2)?),
                speaks: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Remembers a certificate with the address of the mail that brought it, in place of what was
    /// known of it. Where none speaks for the address yet, this one does from now on. The ten best
    /// of an address are kept.
    pub fn remember_certificate(
        &self,
        email: &str,
        certificate: &Certificate,
        learned: Learned,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.keep_certificate(email, certificate, learned, now)?;
        self.0
            .prepare_cached(
                "UPDATE certificates SET speaks_since = ?3
                 WHERE email = ?1 AND fingerprint = ?2
                   AND NOT EXISTS (SELECT 1 FROM certificates
                                   WHERE email = ?1 AND speaks_since IS NOT NULL)",
            )?
            .execute((email, &certificate.fingerprint, now.timestamp()))?;
        self.forget_the_least(email)
    }

    /// Remembers a certificate that takes the place of the key of the address, however many others
    /// are kept.
    pub fn let_take_over(
        &self,
        email: &str,
        certificate: &Certificate,
        learned: Learned,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.keep_certificate(email, certificate, learned, now)?;
        self.let_speak(email, &certificate.fingerprint, now)?;
        self.forget_the_least(email)
    }

    fn keep_certificate(
        &self,
        email: &str,
        certificate: &Certificate,
        learned: Learned,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO certificates (email, fingerprint, bytes, learned, first_seen_at,
                     last_seen_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)
                 ON CONFLICT (email, fingerprint)
                 DO UPDATE SET bytes = excluded.bytes, last_seen_at = excluded.last_seen_at,
                     learned = max(learned, excluded.learned),
                     unpinned = iif(learned = 3, max(coalesce(unpinned, 0), excluded.learned), NULL)",
            )?
            .execute(params![
                email,
                certificate.fingerprint,
                certificate.bytes,
                rank(learned),
                now.timestamp()
            ])?;
        Ok(())
    }

    fn forget_the_least(&self, email: &str) -> Result<()> {
        self.0
            .prepare_cached(
                "DELETE FROM certificates WHERE email = ?1 AND rowid NOT IN (
                     SELECT rowid FROM certificates WHERE email = ?1
                     ORDER BY speaks_since IS NULL, learned DESC, first_seen_at, rowid LIMIT ?2)",
            )?
            .execute((email, KEPT))?;
        Ok(())
    }

    /// This certificate, which was seen with the address, speaks for it from now on, and no other.
    pub fn let_speak(&self, email: &str, fingerprint: &str, now: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached(
                "UPDATE certificates SET speaks_since = iif(fingerprint = ?2, ?3, NULL)
                 WHERE email = ?1",
            )?
            .execute((email, fingerprint, now.timestamp()))?;
        Ok(())
    }

    /// The team vouches for a certificate: it alone speaks for the address.
    pub fn pin(&self, email: &str, certificate: &Certificate, now: DateTime<Utc>) -> Result<()> {
        self.take_pins_away(email)?;
        self.0
            .prepare_cached(
                "INSERT INTO certificates (email, fingerprint, bytes, learned, first_seen_at,
                     last_seen_at)
                 VALUES (?1, ?2, ?3, 3, ?4, ?4)
                 ON CONFLICT (email, fingerprint)
                 DO UPDATE SET bytes = excluded.bytes, unpinned = learned, learned = 3",
            )?
            .execute(params![
                email,
                certificate.fingerprint,
                certificate.bytes,
                now.timestamp()
            ])?;
        self.let_speak(email, &certificate.fingerprint, now)?;
        self.forget_the_least(email)
    }

    /// Takes the pin of an address away. Of what was seen with it the best known speaks from now
    /// on, the first among equals. Returns the fingerprint that was pinned; `None`: none was.
    pub fn unpin(&self, email: &str, now: DateTime<Utc>) -> Result<Option<String>> {
        let pinned = self.pinned(email)?;
        if pinned.is_some() {
            self.take_pins_away(email)?;
            self.let_best_speak(email, now)?;
        }
        Ok(pinned)
    }

    fn take_pins_away(&self, email: &str) -> Result<()> {
        self.0
            .prepare_cached(
                "DELETE FROM certificates WHERE email = ?1 AND learned = 3 AND unpinned IS NULL",
            )?
            .execute([email])?;
        self.0
            .prepare_cached(
                "UPDATE certificates SET learned = unpinned, unpinned = NULL
                 WHERE email = ?1 AND learned = 3",
            )?
            .execute([email])?;
        Ok(())
    }

    fn let_best_speak(&self, email: &str, now: DateTime<Utc>) -> Result<()> {
        let best: Option<String> = optional(
            self.0
                .prepare_cached(
                    "SELECT fingerprint FROM certificates WHERE email = ?1
                     ORDER BY learned DESC, first_seen_at, rowid LIMIT 1",
                )?
                .query_row([email], |row| row.get(0)),
        )?;
        match best {
            Some(fingerprint) => self.let_speak(email, &fingerprint, now),
            None => Ok(()),
        }
    }

    /// Which certificate is pinned for an address.
    pub fn pinned(&self, email: &str) -> Result<Option<String>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT fingerprint FROM certificates WHERE email = ?1 AND learned = 3",
                )?
                .query_row([email], |row| row.get(0)),
        )
    }

    /// What is kept of one certificate, by the address that it was seen with.
    pub fn copies_of(&self, fingerprint: &str) -> Result<Vec<(String, Certificate)>> {
        let mut statement = self
            .0
            .prepare_cached("SELECT email, bytes FROM certificates WHERE fingerprint = ?1")?;
        let rows = statement.query_map([fingerprint], |row| {
            let email: String = row.get(0)?;
            let certificate = Certificate {
                fingerprint: fingerprint.to_owned(),
                emails: vec![email.clone()],
                bytes: row.get(1)?,
            };
            Ok((email, certificate))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps a better copy of a certificate that is known for the address.
    pub fn update_copy(&self, email: &str, copy: &Certificate) -> Result<()> {
        self.0
            .prepare_cached(
                "UPDATE certificates SET bytes = ?3 WHERE email = ?1 AND fingerprint = ?2",
            )?
            .execute((email, &copy.fingerprint, &copy.bytes))?;
        Ok(())
    }

    /// Keeps a copy of a certificate that a file of the team's pins for the address. Nothing speaks
    /// for it here.
    pub fn keep_copy(&self, email: &str, copy: &Certificate, now: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO certificates (email, fingerprint, bytes, learned, first_seen_at,
                     last_seen_at)
                 VALUES (?1, ?2, ?3, 0, ?4, ?4)
                 ON CONFLICT (email, fingerprint) DO NOTHING",
            )?
            .execute(params![
                email,
                copy.fingerprint,
                copy.bytes,
                now.timestamp()
            ])?;
        Ok(())
    }

    /// All that is known, of one address or of all, by address and those that speak first.
    pub fn known_certificates(&self, email: Option<&str>) -> Result<Vec<KnownCertificate>> {
        let mut statement = self.0.prepare_cached(
            "SELECT email, fingerprint, bytes, learned, speaks_since IS NOT NULL, first_seen_at,
                    last_seen_at
             FROM certificates WHERE ?1 IS NULL OR email = ?1
             ORDER BY email, speaks_since IS NULL, learned DESC, first_seen_at, rowid",
        )?;
        let rows = statement.query_map([email], |row| {
            let learned = learned(row.get(3)?);
            Ok(KnownCertificate {
                email: row.get(0)?,
                fingerprint: row.get(1)?,
                bytes: row.get(2)?,
                why: learned.as_str(),
                pinned: learned == Learned::Pinned,
                current: row.get(4)?,
                first_seen_at: instant(row.get(5)?),
                last_seen_at: instant(row.get(6)?),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn rank(learned: Learned) -> u8 {
    match learned {
        Learned::CameAlong => 0,
        Learned::Signed => 1,
        Learned::Authenticated => 2,
        Learned::Pinned => 3,
    }
}

fn learned(rank: u8) -> Learned {
    match rank {
        0 => Learned::CameAlong,
        1 => Learned::Signed,
        2 => Learned::Authenticated,
        _ => Learned::Pinned,
    }
}
