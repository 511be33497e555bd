//! The audit chain: every step of a case and every command that changes anything.
//!
//! A row's hash covers the row and the hash before it, so that no row can be
//! changed, removed or put in without a break. What a person said or was
//! called stands in a detail apart; the chain holds its salted SHA-256 alone,
//! so that the detail can be erased and the chain still fits.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Result, Store, Tx, instant};

/// On whose account something happened. The person's name, where there is one, is in the detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    Daemon,
    Reporter,
    /// A member of the team, by the name in the configuration, who signed it.
    Member(String),
    /// A user of this machine, by name.
    Unix(String),
}

impl Actor {
    fn class(&self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Reporter => "reporter",
            Self::Member(_) => "member",
            Self::Unix(_) => "unix",
        }
    }

    /// The user who runs this command: by name, else by number.
    pub fn of_this_process() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let name = std::fs::read_to_string("/etc/passwd")
            .ok()
            .and_then(|users| {
                users.lines().find_map(|line| {
                    let mut fields = line.split(':');
                    let name = fields.next()?;
                    let number = fields.nth(1)?;
                    (number == uid.to_string()).then(|| name.to_owned())
                })
            });
        Self::Unix(name.unwrap_or_else(|| uid.to_string()))
    }
}

/// One step, as a person reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub at: DateTime<Utc>,
    /// `daemon`, `reporter`, `member:Alice`, `unix:alice`; the name is missing once the detail was erased.
    pub actor: String,
    pub action: String,
    /// `None`: erased.
    pub detail: Option<Value>,
}

/// What the chain says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every row fits; so many of them, and the head to witness.
    Sound { rows: i64, head: String },
    /// The first row that does not fit, and why.
    Broken { row: i64, why: String },
}

impl Tx<'_> {
    /// Adds one row to the chain.
    pub fn event(
        &self,
        at: DateTime<Utc>,
        actor: &Actor,
        action: &str,
        case_id: Option<i64>,
        detail: Value,
    ) -> Result<()> {
        let mut detail = match detail {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            other => Map::from_iter([("what".to_owned(), other)]),
        };
        if let Actor::Member(name) | Actor::Unix(name) = actor {
            detail.insert("by".to_owned(), Value::from(name.as_str()));
        }
        let detail = Value::Object(detail).to_string();
        let salt: [u8; 16] = rand::random();
        let detail_digest = detail_digest(&salt, &detail);

        let (last, previous) = self.head()?;
        let row = Row {
            id: last + 1,
            at: at.timestamp(),
            actor: actor.class().to_owned(),
            action: action.to_owned(),
            case_id,
            detail_digest,
        };
        let hash = row.hash(&previous);
        self.0
            .prepare_cached(
                "INSERT INTO events (id, at, actor, action, case_id, detail_digest, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                row.id,
                row.at,
                &row.actor,
                &row.action,
                row.case_id,
                row.detail_digest.as_slice(),
                hash.as_slice(),
            ))?;
        self.0
            .prepare_cached(
                "INSERT INTO event_details (event_id, salt, detail) VALUES (?1, ?2, ?3)",
            )?
            .execute((row.id, salt.as_slice(), detail))?;
        self.0
            .prepare_cached(
                "INSERT INTO audit_head (only, event_id, hash) VALUES (1, ?1, ?2)
                 ON CONFLICT (only) DO UPDATE SET event_id = excluded.event_id, hash = excluded.hash",
            )?
            .execute((row.id, hash.as_slice()))?;
        Ok(())
    }

    /// How many rows the chain has, and the hash of the newest one in hexadecimal, for others to
    /// witness.
    pub fn audit_head(&self) -> Result<(i64, String)> {
        let (rows, hash) = self.head()?;
        Ok((rows, hex(&hash)))
    }

    /// Number and hash of the newest row; zero where there is none.
    fn head(&self) -> Result<(i64, Vec<u8>)> {
        let head = super::optional(
            self.0
                .prepare_cached("SELECT event_id, hash FROM audit_head")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?))),
        )?;
        Ok(head.unwrap_or_else(|| (0, vec![0; 32])))
    }

    /// The steps of one case, oldest first.
    pub fn events_of(&self, case_id: i64) -> Result<Vec<Event>> {
        let mut statement = self.0.prepare_cached(
            "SELECT events.at, events.actor, events.action, event_details.detail
             FROM events LEFT JOIN event_details ON event_details.event_id = events.id
             WHERE events.case_id = ?1 ORDER BY events.id",
        )?;
        let rows = statement.query_map([case_id], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, Option<String>>(3)?,
            ))
        })?;
        rows.map(|row| {
            let (at, class, action, detail) = row?;
            Ok(event_from(at, class, action, detail))
        })
        .collect()
    }
}

/// The person behind the actor leaves the detail and stands in the actor, where he is looked for.
fn event_from(at: i64, class: String, action: String, detail: Option<String>) -> Event {
    let mut detail: Option<Value> = detail.and_then(|text| serde_json::from_str(&text).ok());
    let by = detail
        .as_mut()
        .and_then(Value::as_object_mut)
        .and_then(|map| map.remove("by"));
    let actor = match by.as_ref().and_then(Value::as_str) {
        Some(name) => format!("{class}:{name}"),
        None => class,
    };
    Event {
        at: instant(at),
        actor,
        action,
        detail,
    }
}

impl Store {
    /// Reads the whole chain and says whether it fits.
    pub fn verify_audit(&self) -> Result<Verdict> {
        self.read(|tx| {
            let mut statement = tx.0.prepare(
                "SELECT events.id, events.at, events.actor, events.action, events.case_id,
                        events.detail_digest, events.hash, event_details.salt, event_details.detail
                 FROM events LEFT JOIN event_details ON event_details.event_id = events.id
                 ORDER BY events.id",
            )?;
            let mut rows = statement.query([])?;
            let mut previous = vec![0; 32];
            let mut last = 0;
            while let Some(found) = rows.next()? {
                let row = Row {
                    id: found.get(0)?,
                    at: found.get(1)?,
                    actor: found.get(2)?,
                    action: found.get(3)?,
                    case_id: found.get(4)?,
                    detail_digest: found.get::<_, [u8; 32]>(5)?,
                };
                let hash: Vec<u8> = found.get(6)?;
                if row.id != last + 1 {
                    return Ok(broken(last + 1, "the row is missing"));
                }
                if row.hash(&previous) != hash.as_slice() {
                    return Ok(broken(row.id, "the row or the one before it was changed"));
                }
                let salt: Option<Vec<u8>> = found.get(7)?;
                let detail: Option<String> = found.get(8)?;
                if let (Some(salt), Some(detail)) = (salt, detail)
                    && detail_digest(&salt, &detail) != row.detail_digest
                {
                    return Ok(broken(row.id, "its detail was changed"));
                }
                previous = hash;
                last = row.id;
            }
            let (head, hash) = tx.head()?;
            if head != last || (last > 0 && hash != previous) {
                return Ok(broken(last + 1, "the end of the chain is missing"));
            }
            Ok(Verdict::Sound {
                rows: last,
                head: hex(&previous),
            })
        })
    }
}

fn broken(row: i64, why: &str) -> Verdict {
    Verdict::Broken {
        row,
        why: why.to_owned(),
    }
}

/// The chained part of an event.
struct Row {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    case_id: Option<i64>,
    detail_digest: [u8; 32],
}

impl Row {
    /// Every field goes in with its length, so that no two rows read alike.
    fn hash(&self, previous: &[u8]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let case_id = self.case_id.map(i64::to_be_bytes);
        let id = self.id.to_be_bytes();
        let at = self.at.to_be_bytes();
        let fields: [&[u8]; 7] = [
            previous,
            &id,
            &at,
            self.actor.as_bytes(),
            self.action.as_bytes(),
            case_id.as_ref().map_or(&[], |bytes| bytes.as_slice()),
            &self.detail_digest,
        ];
        for field in fields {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        hasher.finalize().into()
    }
}

fn detail_digest(salt: &[u8], detail: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(detail.as_bytes());
    hasher.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    fn chain_of(rows: usize) -> Store {
        let store = Store::in_memory().unwrap();
        store
            .write(|tx| {
                for number in 0..rows {
                    let actor = Actor::Unix("alice".into());
                    tx.event(
                        instant(1_700_000_000),
                        &actor,
                        "backup",
                        None,
                        number.into(),
                    )?;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
        store
    }

    #[track_caller]
    fn check_tampering(sql: &str, expected: Verdict) {
        let store = chain_of(3);
        store
            .write(|tx| Ok::<_, StoreError>(tx.0.execute_batch(sql)?))
            .unwrap();
        assert_eq!(store.verify_audit().unwrap(), expected);
    }

    #[test]
    fn a_chain_nobody_touched_is_sound() {
        assert!(matches!(
            chain_of(3).verify_audit().unwrap(),
            Verdict::Sound { rows: 3, .. }
        ));
        assert!(matches!(
            chain_of(0).verify_audit().unwrap(),
            Verdict::Sound { rows: 0, .. }
        ));
    }

    #[test]
    fn tampering_is_seen_at_its_row() {
        check_tampering(
            "UPDATE events SET action = 'purge' WHERE id = 2",
            broken(2, "the row or the one before it was changed"),
        );
        check_tampering(
            "UPDATE event_details SET detail = '{}' WHERE event_id = 2",
            broken(2, "its detail was changed"),
        );
        check_tampering(
            "PRAGMA foreign_keys = off; DELETE FROM event_details WHERE event_id = 2;
             DELETE FROM events WHERE id = 2",
            broken(2, "the row is missing"),
        );
        check_tampering(
            "DELETE FROM event_details WHERE event_id = 3; DELETE FROM events WHERE id = 3",
            broken(3, "the end of the chain is missing"),
        );
    }

    #[test]
    fn an_erased_detail_does_not_break_the_chain() {
        let store = chain_of(3);
        store
            .write(|tx| {
                Ok::<_, StoreError>(
                    tx.0.execute_batch("DELETE FROM event_details WHERE event_id = 2")?,
                )
            })
            .unwrap();
        assert!(matches!(
            store.verify_audit().unwrap(),
            Verdict::Sound { rows: 3, .. }
        ));
    }
}
