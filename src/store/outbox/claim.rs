//! Which letters may leave now: what is due, and what the caps allow.

use chrono::{DateTime, Duration, Utc};
use rusqlite::params;

use super::{Claimed, REPEATED_AT_ONCE};
use crate::config::Limits;
use crate::store::{Result, Tx, instant, optional};
use crate::triage::decide::CaseRef;

/// Automatic letters count toward the caps for so long.
const CAP_WINDOW: Duration = Duration::hours(24);
/// Letters looked at in one go when some are claimed.
const LOOKED_AT: u32 = 16;

impl Tx<'_> {
    /// Takes up to `at_most` letters that are due and counts their attempts. A letter that a
    /// cap holds is marked held, and when it may go.
    pub fn claim(
        &self,
        at_most: usize,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<Vec<Claimed>> {
        let mut claimed = Vec::new();
        loop {
            let due = self.due(now)?;
            if due.is_empty() {
                break;
            }
            // Each of them leaves the due ones here, so this ends.
            for due in due {
                if claimed.len() >= at_most {
                    return Ok(claimed);
                }
                claimed.extend(self.begin_or_hold(&due, limits, now)?);
            }
        }
        if claimed.is_empty() && at_most > 0 {
            claimed.extend(self.claim_suspect(limits, now)?);
        }
        Ok(claimed)
    }

    /// One letter that we may have died of: alone in our hands, so that no other dies with it.
    fn claim_suspect(&self, limits: &Limits, now: DateTime<Utc>) -> Result<Option<Claimed>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT id, recipient, mailbox, domain, automatic FROM outbox
             WHERE state IN ('waiting', 'held') AND next_at <= ?1 AND cut_short > {REPEATED_AT_ONCE}
             ORDER BY next_at, id"
        ))?;
        let suspects: Vec<Due> = statement
            .query_map([now.timestamp()], Due::read)?
            .collect::<rusqlite::Result<_>>()?;
        for due in suspects {
            if let Some(claimed) = self.begin_or_hold(&due, limits, now)? {
                return Ok(Some(claimed));
            }
        }
        Ok(None)
    }

    fn begin_or_hold(
        &self,
        due: &Due,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<Option<Claimed>> {
        match self.held_until(due, limits, now)? {
            Some(until) => self.hold(due.id, until).map(|()| None),
            None => self.begin(due, now).map(Some),
        }
    }

    fn due(&self, now: DateTime<Utc>) -> Result<Vec<Due>> {
        let half = |state| {
            format!(
                "SELECT * FROM (SELECT * FROM outbox
                     WHERE state = '{state}' AND next_at <= ?1 AND cut_short <= {REPEATED_AT_ONCE}
                     ORDER BY next_at, id LIMIT {LOOKED_AT})"
            )
        };
        let mut statement = self.0.prepare_cached(&format!(
            // Each half comes in the order of its index: a long queue is not sorted each time.
            "SELECT id, recipient, mailbox, domain, automatic FROM ({} UNION ALL {})
             ORDER BY next_at, id LIMIT {LOOKED_AT}",
            half("waiting"),
            half("held"),
        ))?;
        let rows = statement.query_map([now.timestamp()], Due::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn begin(&self, due: &Due, now: DateTime<Utc>) -> Result<Claimed> {
        self.0
            .prepare_cached(
                "UPDATE outbox SET state = 'sending', attempts = attempts + 1,
                     first_attempt_at = coalesce(first_attempt_at, ?2)
                 WHERE id = ?1",
            )?
            .execute((due.id, now.timestamp()))?;
        Ok(self
            .0
            .prepare_cached(
                "SELECT outbox.id, cases.id, cases.number, messages.kind, outbox.recipient,
                        outbox.envelope_from, raw_mails.bytes, outbox.attempts, outbox.broken_off
                 FROM outbox
                 JOIN messages ON messages.id = outbox.message_id
                 JOIN raw_mails ON raw_mails.message_id = messages.id
                 LEFT JOIN cases ON cases.id = messages.case_id
                 WHERE outbox.id = ?1",
            )?
            .query_row([due.id], |row| {
                let case = match (row.get::<_, Option<i64>>(1)?, row.get(2)?) {
                    (Some(id), Some(number)) => Some(CaseRef { id, number }),
                    _ => None,
                };
                Ok(Claimed {
                    id: row.get(0)?,
                    case,
                    kind: row.get(3)?,
                    recipient: row.get(4)?,
                    envelope_from: row.get(5)?,
                    bytes: row.get(6)?,
                    attempts: row.get(7)?,
                    broken_off: row.get(8)?,
                })
            })?)
    }

    /// Until when a cap holds this letter; `None`: it may go.
    pub(super) fn held_until(
        &self,
        due: &Due,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>> {
        if !due.automatic {
            return Ok(None);
        }
        let caps = [
            (
                "mailbox = ?1",
                due.mailbox.as_str(),
                limits.replies_per_address,
            ),
            (
                "domain = ?1",
                due.domain.as_str(),
                limits.replies_per_domain,
            ),
            ("?1 = ''", "", limits.replies_total),
        ];
        let mut until = None;
        for (which, value, cap) in caps {
            until = until.max(self.cap_frees_at(which, value, cap, now)?);
        }
        Ok(until)
    }

    /// When fewer than `cap` letters will lie within the window; `None`: they do now.
    fn cap_frees_at(
        &self,
        which: &str,
        value: &str,
        cap: u32,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>> {
        if cap == 0 {
            return Ok(Some(now + CAP_WINDOW));
        }
        let since = (now - CAP_WINDOW).timestamp();
        if self.letters_since(which, value, since)? < i64::from(cap) {
            return Ok(None);
        }
        // The copy that has to leave the window is the cap-th newest; one in the
        // air may be accepted any moment and counts as if it were.
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT left_at AS at FROM copies WHERE {which} AND left_at > ?2
             UNION ALL
             SELECT ?3 FROM outbox WHERE {which} AND automatic = 1 AND state = 'sending'
             ORDER BY at DESC LIMIT 1 OFFSET ?4"
        ))?;
        let newest = optional(
            statement.query_row(params![value, since, now.timestamp(), cap - 1], |row| {
                row.get::<_, i64>(0)
            }),
        )?;
        Ok(newest.map(|at| instant(at) + CAP_WINDOW))
    }

    /// At most so many copies count toward a cap: counted in an index alone, which costs little
    /// and nearly always tells that the cap is far away.
    fn letters_since(&self, which: &str, value: &str, since: i64) -> Result<i64> {
        Ok(self
            .0
            .prepare_cached(&format!(
                "SELECT (SELECT count(*) FROM copies WHERE {which} AND left_at > ?2)
                      + (SELECT count(*) FROM outbox WHERE state = 'sending')"
            ))?
            .query_row((value, since), |row| row.get(0))?)
    }

    /// A copy of the letter was accepted, or perhaps accepted: it counts toward the caps.
    pub(super) fn copy_left(&self, id: i64, now: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO copies (outbox_id, mailbox, domain, left_at)
                 SELECT id, mailbox, domain, ?2 FROM outbox WHERE id = ?1 AND automatic = 1",
            )?
            .execute((id, now.timestamp()))?;
        Ok(())
    }

    pub(super) fn hold(&self, id: i64, until: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached("UPDATE outbox SET state = 'held', next_at = ?2 WHERE id = ?1")?
            .execute((id, until.timestamp()))?;
        Ok(())
    }
}

pub(super) struct Due {
    pub(super) id: i64,
    pub(super) recipient: String,
    pub(super) mailbox: String,
    pub(super) domain: String,
    pub(super) automatic: bool,
}

impl Due {
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            recipient: row.get(1)?,
            mailbox: row.get(2)?,
            domain: row.get(3)?,
            automatic: row.get(4)?,
        })
    }
}
