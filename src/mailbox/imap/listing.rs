//! What a folder holds: UIDs, sizes and dates of arrival.

use std::collections::{BTreeMap, BTreeSet};

use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response};
use chrono::{DateTime, Utc};
use tracing::warn;

use super::selecting::Selected;
use super::{FETCH_OVERHEAD, Imap, names};
use crate::mailbox::{Entry, Lane, Listing, Troubled};

/// So often a server may refuse to describe mails before they are no longer searched for one by
/// one: enough to find about ten among a thousand.
const MAX_REFUSALS: usize = 128;

impl Imap {
    pub(super) async fn list_lane(
        &mut self,
        lane: Lane,
        after: Option<(u32, &str)>,
    ) -> Result<Listing, String> {
        let Some(selected) = self.look_at(lane).await? else {
            return Ok(Listing {
                validity: after.map_or(0, |(validity, _)| validity),
                entries: Vec::new(),
                troubled: Vec::new(),
            });
        };
        let known = highest_known(selected.validity, after);
        let uids = self.search_above(known, selected.uid_next).await?;
        let (entries, troubled) = self.describe(&uids).await?;
        self.listed.insert(lane, selected.validity);
        if lane == Lane::Inbox {
            self.highest = uids.last().copied().unwrap_or(known);
        }
        Ok(Listing {
            validity: selected.validity,
            entries,
            troubled,
        })
    }

    /// Selects the folder, or makes the server look at it again.
    async fn look_at(&mut self, lane: Lane) -> Result<Option<Selected>, String> {
        match self.selected {
            Some(selected) if selected.lane == lane => {
                self.connection.run("NOOP").await?.accepted()?;
                Ok(Some(selected))
            }
            _ => self.select_anew(lane).await,
        }
    }

    /// All UIDs above `known`, ascending.
    pub(super) async fn search_above(
        &mut self,
        known: u32,
        uid_next: Option<u32>,
    ) -> Result<Vec<u32>, String> {
        // What arrives from here on may be missing in the answer.
        self.connection.forget_growth();
        let Some(from) = known.checked_add(1) else {
            return Ok(Vec::new());
        };
        let mut uids = BTreeSet::new();
        for window in names::search_windows(from, uid_next, self.connection.exists()) {
            uids.extend(self.search(&window).await?);
        }
        // `n:*` names the last mail even where its UID is below n (RFC 3501, 6.4.8).
        Ok(uids.into_iter().filter(|uid| *uid >= from).collect())
    }

    /// Which of these UIDs exist?
    pub(super) async fn search(&mut self, set: &str) -> Result<Vec<u32>, String> {
        let mut found = Vec::new();
        let answer = self
            .connection
            .ask(&format!("UID SEARCH UID {set}"), 0, |response| {
                if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                    found.extend(uids);
                }
                Ok(())
            })
            .await?;
        answer.accepted()?;
        Ok(found)
    }

    /// Size and date of arrival of these mails, without those that vanished.
    ///
    /// A server may fail over a single mail, and refuses the whole command then: what is refused
    /// is asked for in halves, down to the mails that it is about.
    async fn describe(&mut self, uids: &[u32]) -> Result<(Vec<Entry>, Vec<Troubled>), String> {
        let mut described = BTreeMap::new();
        let mut troubled = BTreeMap::new();
        let mut refusals = 0;
        let mut sets = names::uid_sets(uids);
        while let Some((set, asked)) = sets.pop() {
            let Err(words) = self.describe_set(&set, asked, &mut described).await? else {
                let withheld = self.withheld(asked, |uid| described.contains_key(uid));
                let withheld = withheld.await?.into_iter();
                troubled.extend(withheld.map(|uid| (uid, not_given(uid))));
                continue;
            };
            refusals += 1;
            match asked {
                _ if refusals > MAX_REFUSALS && described.is_empty() => return Err(words),
                [uid] => drop(troubled.insert(*uid, words)),
                // What was described goes on; these are asked about again later.
                _ if refusals > MAX_REFUSALS => {
                    let left = asked.iter().filter(|uid| !described.contains_key(uid));
                    troubled.extend(left.map(|uid| (*uid, words.clone())));
                }
                _ => {
                    let (first, second) = asked.split_at(asked.len() / 2);
                    sets.extend(names::uid_sets(first));
                    sets.extend(names::uid_sets(second));
                }
            }
        }
        let troubled = troubled.into_iter().map(|(uid, cause)| Troubled {
            uid: uid.to_string(),
            cause,
        });
        Ok((described.into_values().collect(), troubled.collect()))
    }

    /// The inner error holds the words with which the server refused.
    async fn describe_set(
        &mut self,
        set: &str,
        asked: &[u32],
        described: &mut BTreeMap<u32, Entry>,
    ) -> Result<Result<(), String>, String> {
        let command = format!("UID FETCH {set} (UID RFC822.SIZE INTERNALDATE)");
        let expected = asked.len() as u64 * FETCH_OVERHEAD;
        let answer = self
            .connection
            .ask(&command, expected, |response| {
                if let Some((uid, entry)) = described_mail(response)
                    && asked.binary_search(&uid).is_ok()
                {
                    described.insert(uid, entry);
                }
                Ok(())
            })
            .await?;
        Ok(answer.accepted())
    }

    /// An error if one of the mails that were asked for and did not come still exists.
    pub(super) async fn require_gone(
        &mut self,
        asked: &[u32],
        came: impl Fn(&u32) -> bool,
    ) -> Result<(), String> {
        match self.withheld(asked, came).await?.first() {
            None => Ok(()),
            Some(uid) => Err(not_given(*uid)),
        }
    }

    /// Which of the mails that were asked for and did not come still exist?
    async fn withheld(
        &mut self,
        asked: &[u32],
        came: impl Fn(&u32) -> bool,
    ) -> Result<Vec<u32>, String> {
        let missing: Vec<u32> = asked.iter().copied().filter(|uid| !came(uid)).collect();
        if missing.is_empty() {
            return Ok(missing);
        }
        // What another session removed may stay in this one's view until now.
        self.connection.run("NOOP").await?.accepted()?;
        let mut withheld = Vec::new();
        for (set, missing) in names::uid_sets(&missing) {
            let found = self.search(&set).await?;
            withheld.extend(found.into_iter().filter(|uid| missing.contains(uid)));
        }
        Ok(withheld)
    }
}

fn not_given(uid: u32) -> String {
    format!("uid {uid} was asked for and not given, though it exists")
}

/// The highest UID that the caller knows of; 0 where it has to begin anew.
fn highest_known(validity: u32, after: Option<(u32, &str)>) -> u32 {
    match after {
        Some((known, uid)) if known == validity => uid.parse().unwrap_or(0),
        _ => 0,
    }
}

fn described_mail(response: &Response<'_>) -> Option<(u32, Entry)> {
    let Response::Fetch(_, attributes) = response else {
        return None;
    };
    let mut uid = None;
    let mut size = None;
    let mut date = None;
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(number) => uid = Some(*number),
            AttributeValue::Rfc822Size(bytes) => size = Some(u64::from(*bytes)),
            AttributeValue::InternalDate(text) => date = Some(text),
            _ => {}
        }
    }
    // An answer without any of these is about flags that changed meanwhile.
    let (uid, size, date) = (uid?, size?, date?);
    let received_at = internal_date(date).unwrap_or_else(|| {
        warn!(uid, "INTERNALDATE cannot be read; the present time counts");
        Utc::now()
    });
    let entry = Entry {
        uid: uid.to_string(),
        size,
        received_at,
    };
    Some((uid, entry))
}

/// ` 7-May-2026 09:05:03 +0200` (RFC 3501, 9: `date-time`); the day may have a space before it.
fn internal_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text.trim(), "%e-%b-%Y %H:%M:%S %z")
        .ok()
        .map(|date| date.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_dates() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            let date = internal_date(text).map(|date| date.to_rfc3339());
            assert_eq!(date.as_deref(), expected, "{text:?}");
        }
        check(
            " 7-May-2026 09:05:03 +0200",
            Some("2026-05-07T07:05:03+00:00"),
        );
        check(
            "7-May-2026 09:05:03 +0000",
            Some("2026-05-07T09:05:03+00:00"),
        );
        check(
            "17-Dec-2025 23:59:59 -1130",
            Some("2025-12-18T11:29:59+00:00"),
        );
        check(
            "29-Feb-2024 00:00:00 +0530",
            Some("2024-02-28T18:30:00+00:00"),
        );
        check("31-Feb-2026 00:00:00 +0000", None);
        check("7-Mai-2026 09:05:03 +0200", None);
        check("7-May-2026 09:05:03", None);
        check("", None);
    }

    #[test]
    fn cursors() {
        #[track_caller]
        fn check(after: Option<(u32, &str)>, expected: u32) {
            assert_eq!(highest_known(5, after), expected);
        }
        check(None, 0);
        check(Some((5, "17")), 17);
        check(Some((4, "17")), 0);
        check(Some((5, "1600000000.M1P2.host")), 0);
        check(Some((5, "4294967295")), u32::MAX);
    }
}
