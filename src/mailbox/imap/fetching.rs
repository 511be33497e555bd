//! The bytes of mails.

use std::collections::HashMap;

use async_imap::imap_proto::{AttributeValue, MessageSection, Response, SectionPath};

use super::{FETCH_OVERHEAD, Imap, names, numbers};
use crate::mailbox::{Entry, Fetched, Lane, Part};

/// A batch may be twice as large as its sizes said, and this much more.
const BATCH_SLACK: u64 = 16 * 1024 * 1024;

impl Imap {
    pub(super) async fn fetch_lane(
        &mut self,
        lane: Lane,
        entries: &[Entry],
        part: Part,
    ) -> Result<Vec<Fetched>, String> {
        let selected = self.select(lane).await?.ok_or("the folder is gone")?;
        if self
            .listed
            .get(&lane)
            .is_some_and(|known| *known != selected.validity)
        {
            return Err("UIDVALIDITY changed since the mails were listed".to_owned());
        }
        let uids = numbers(entries.iter().map(|entry| &entry.uid));
        let announced = entries
            .iter()
            .fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
        let mut bodies = self.fetch_bodies(&uids, announced, part).await?;
        let fetched = entries.iter().filter_map(|entry| {
            let bytes = bodies.remove(&entry.uid.parse().ok()?)?;
            let entry = entry.clone();
            Some(Fetched { entry, bytes })
        });
        Ok(fetched.collect())
    }

    /// `announced`: the sizes of all these mails together.
    async fn fetch_bodies(
        &mut self,
        uids: &[u32],
        announced: u64,
        part: Part,
    ) -> Result<HashMap<u32, Vec<u8>>, String> {
        let section = match part {
            Part::Whole => "BODY.PEEK[]",
            Part::Header => "BODY.PEEK[HEADER]",
        };
        let mut bodies: HashMap<u32, Vec<u8>> = HashMap::with_capacity(uids.len());
        let most = announced.saturating_mul(2).saturating_add(BATCH_SLACK);
        let mut taken: u64 = 0;
        for (set, asked) in names::uid_sets(uids) {
            let command = format!("UID FETCH {set} (UID {section})");
            let expected = announced.saturating_add(asked.len() as u64 * FETCH_OVERHEAD);
            let answer = self
                .connection
                .ask(&command, expected, |response| {
                    let Some((uid, bytes)) = fetched_mail(response, part) else {
                        return Ok(());
                    };
                    if asked.binary_search(&uid).is_err() || bodies.contains_key(&uid) {
                        return Ok(());
                    }
                    taken = taken.saturating_add(bytes.len() as u64);
                    if taken > most {
                        return Err(format!(
                            "the mails are far larger than the {announced} bytes that the server told"
                        ));
                    }
                    bodies.insert(uid, bytes.to_vec());
                    Ok(())
                })
                .await?;
            answer.accepted()?;
            self.require_gone(asked, |uid| bodies.contains_key(uid))
                .await?;
        }
        Ok(bodies)
    }
}

/// The UID and the bytes in an answer to FETCH that holds this part.
fn fetched_mail<'a>(response: &'a Response<'_>, wanted: Part) -> Option<(u32, &'a [u8])> {
    let Response::Fetch(_, attributes) = response else {
        return None;
    };
    let uid = attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    })?;
    let bytes = attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::BodySection {
            section,
            index: None,
            data: Some(data),
        } if part_of(section.as_ref()) == Some(wanted) => Some(data.as_ref()),
        _ => None,
    })?;
    Some((uid, bytes))
}

fn part_of(section: Option<&SectionPath>) -> Option<Part> {
    match section {
        None => Some(Part::Whole),
        Some(SectionPath::Full(MessageSection::Header)) => Some(Part::Header),
        Some(_) => None,
    }
}
