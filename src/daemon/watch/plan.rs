//! What has to be fetched, in which company and with which care.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::mailbox::{Entry, Listing, Part, Troubled, Uid};
use crate::store::intake::{Cursor, Place};
use crate::store::{Store, StoreError};

/// A batch holds so many mails at most, and so many bytes unless one mail alone is larger.
const BATCH_MAILS: usize = 64;
const BATCH_BYTES: u64 = 1_000_000;
/// A mail over which the program died so often is recorded without being opened; after one more
/// death, by its header alone.
const DEATHS_AT_MOST: u32 = 10;
/// The pause before the next attempt at a mail begins with 15 s and is doubled so often: to half an
/// hour.
pub(super) const LONGEST_DOUBLED: u32 = 7;
/// To four minutes, where the mail waits for a key: once that is back, it should be read.
pub(super) const KEY_AWAY_DOUBLED: u32 = 4;

/// A folder as the records name it.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) mailbox: String,
    pub(super) name: String,
    pub(super) validity: u32,
}

impl Folder {
    pub(super) fn place(&self, uid: &str) -> Place {
        Place {
            mailbox: self.mailbox.clone(),
            folder: self.name.clone(),
            validity: self.validity,
            uid: uid.to_owned(),
        }
    }
}

/// Mails that are fetched with one command and recorded in one transaction.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) part: Part,
    /// This mail made trouble before.
    pub(super) alone: bool,
    /// The program died over this mail too often.
    pub(super) unopened: bool,
    /// Where the cursor may stand once this batch is recorded.
    pub(super) cursor: Cursor,
}

/// Which batches may be in hand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Company {
    /// One is recorded while the next is opened and the one after it fetched.
    Small,
    /// A large mail is fetched while another batch is recorded, but not while one is opened:
    /// reading takes a multiple of its size.
    Large,
    /// Nothing else is in hand, so that nothing else is blamed if the program dies over it.
    Alone,
}

impl Company {
    /// What both of two neighbours bear.
    pub(super) fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

/// How carefully a mail is taken over which the program died so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Care {
    /// Recorded by its bytes alone.
    unopened: bool,
    /// As one that is too large: not even its bytes come.
    header_alone: bool,
}

impl Care {
    /// Opening it is to be feared first; if the program dies without that too, then its bytes in
    /// memory; and if it still dies, the reading of its header.
    pub(super) fn after(deaths: u32) -> Self {
        Self {
            unopened: deaths >= DEATHS_AT_MOST && deaths != DEATHS_AT_MOST + 1,
            header_alone: deaths > DEATHS_AT_MOST,
        }
    }
}

impl Batch {
    pub(super) fn places(&self, folder: &Folder) -> Vec<Place> {
        let entries = self.entries.iter();
        entries.map(|entry| folder.place(&entry.uid)).collect()
    }

    pub(super) fn company(&self) -> Company {
        match self.alone {
            true => Company::Alone,
            false if self.bytes() > BATCH_BYTES => Company::Large,
            false => Company::Small,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match self.part {
            Part::Whole => self.entries.iter().map(|entry| entry.size).sum(),
            Part::Header => 0,
        }
    }
}

/// What a plan depends on besides the listing and the records.
pub(super) struct Planning {
    /// The listing holds the whole folder.
    pub(super) is_whole: bool,
    pub(super) cursor: Option<Cursor>,
    pub(super) begun: HashSet<Place>,
    pub(super) max_message: u64,
    pub(super) answer_newer_than: Duration,
}

/// What has to be fetched, in batches; and since when mail is answered.
pub(super) fn plan(
    store: &Store,
    folder: &Folder,
    listing: Listing,
    planning: &Planning,
) -> Result<(VecDeque<Batch>, DateTime<Utc>), StoreError> {
    let now = Utc::now();
    let answer_since = first_start(store, folder, now)?
        - chrono::Duration::from_std(planning.answer_newer_than).unwrap_or(chrono::Duration::MAX);
    if planning.cursor.is_none() {
        announce_old_mail(&listing, answer_since);
    }
    if planning.is_whole {
        forget_vanished(store, folder, &listing)?;
    }
    let highest = listing.entries.iter().map(|entry| number(&entry.uid)).max();
    let mut planner = Planner::new(folder, planning.max_message);
    for troubled in &listing.troubled {
        if is_open(store, troubled, &folder.place(&troubled.uid), now)? {
            planner.skip(&troubled.uid);
        }
    }
    store.read(|tx| {
        for entry in listing.entries {
            let place = folder.place(&entry.uid);
            if tx.is_recorded_at(&place, Some(entry.looks()))? {
                continue;
            }
            let attempts = tx.attempts(&place)?;
            if attempts.next_at > now {
                planner.skip(&entry.uid);
                continue;
            }
            let ours = u32::from(planning.begun.contains(&place));
            let deaths = attempts.cut_short.saturating_sub(ours);
            match deaths + attempts.refusals {
                0 => planner.add(entry),
                troubles => planner.set_aside(entry, troubles, Care::after(deaths)),
            }
        }
        Ok::<_, StoreError>(())
    })?;
    let batches = planner.finish();
    if batches.is_empty() {
        settle_cursor(store, folder, planning, highest.unwrap_or(0))?;
    }
    Ok((batches, answer_since))
}

/// Is a mail that the server does not describe still to be recorded? Notes the trouble, unless it
/// was noted a moment ago.
fn is_open(
    store: &Store,
    troubled: &Troubled,
    place: &Place,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let known = store.read(|tx| match tx.is_recorded_at(place, None)? {
        true => Ok(None),
        false => tx.attempts(place).map(Some),
    })?;
    let Some(attempts) = known else {
        return Ok(false);
    };
    if attempts.next_at <= now {
        store.write(|tx| tx.begin_attempt(place))?;
        let place = std::slice::from_ref(place);
        note_failures(
            store,
            place,
            &troubled.cause,
            "the server does not describe it",
            LONGEST_DOUBLED,
        )?;
    }
    Ok(true)
}

/// What people moved away or deleted is not waited for any more.
fn forget_vanished(store: &Store, folder: &Folder, listing: &Listing) -> Result<(), StoreError> {
    let described = listing.entries.iter().map(|entry| entry.uid.as_str());
    let troubled = listing.troubled.iter().map(|mail| mail.uid.as_str());
    let present: BTreeSet<&str> = described.chain(troubled).collect();
    let Folder {
        mailbox,
        name,
        validity,
    } = folder;
    store.write(|tx| tx.forget_vanished(mailbox, name, *validity, &present))
}

/// Nothing is new: the folder has a cursor of this validity from now on, and none above the
/// `highest` mail of the whole folder, where a server that was set back puts new ones.
fn settle_cursor(
    store: &Store,
    folder: &Folder,
    planning: &Planning,
    highest: u32,
) -> Result<(), StoreError> {
    let validity = folder.validity;
    let uid = match planning.cursor.filter(|cursor| cursor.validity == validity) {
        Some(cursor) if !planning.is_whole || cursor.uid <= highest => return Ok(()),
        Some(_) => highest,
        None => 0,
    };
    store.write(|tx| tx.set_cursor(&folder.mailbox, &folder.name, Cursor { validity, uid }))
}

/// When this mailbox was first listed.
fn first_start(
    store: &Store,
    folder: &Folder,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, StoreError> {
    let name = format!("first_started_at {} {}", folder.mailbox, folder.name);
    if let Some(at) = store.read(|tx| tx.fact(&name))? {
        return Ok(crate::store::instant(at));
    }
    store.write(|tx| tx.set_fact(&name, now.timestamp()))?;
    Ok(now)
}

fn announce_old_mail(listing: &Listing, answer_since: DateTime<Utc>) {
    let old = listing
        .entries
        .iter()
        .filter(|entry| entry.received_at < answer_since)
        .count();
    if old > 0 {
        tracing::warn!(
            event = "first_start",
            mails = old,
            "older than answer_newer_than: recorded and listed, not answered; \
             `triaged case list` marks them, `triaged case acknowledge --unanswered` answers them"
        );
    }
}

/// Groups mails into batches in the order of arrival, those that made trouble at the end.
struct Planner<'a> {
    folder: &'a Folder,
    max_message: u64,
    batches: VecDeque<Batch>,
    /// One mail each, with how often it failed.
    set_aside: Vec<(u32, Batch)>,
    /// The lowest UID that has to be tried again: the cursor stays below it.
    blocked: Option<u32>,
}

impl<'a> Planner<'a> {
    fn new(folder: &'a Folder, max_message: u64) -> Self {
        Self {
            folder,
            max_message,
            batches: VecDeque::new(),
            set_aside: Vec::new(),
            blocked: None,
        }
    }

    /// This mail is not due yet.
    fn skip(&mut self, uid: &Uid) {
        let uid = number(uid);
        self.blocked = Some(self.blocked.map_or(uid, |blocked| blocked.min(uid)));
    }

    /// This mail failed before, or killed the program: no other goes with it or waits for it.
    fn set_aside(&mut self, entry: Entry, troubles: u32, care: Care) {
        self.skip(&entry.uid);
        let mut batch = self.batch_of(entry);
        batch.alone = true;
        batch.unopened = care.unopened;
        if care.header_alone {
            batch.part = Part::Header;
        }
        self.set_aside.push((troubles, batch));
    }

    fn add(&mut self, entry: Entry) {
        let part = self.part(&entry);
        let fits = |batch: &&mut Batch| {
            part == Part::Whole
                && batch.part == Part::Whole
                && batch.entries.len() < BATCH_MAILS
                && batch.bytes() + entry.size <= BATCH_BYTES
        };
        match self.batches.back_mut().filter(fits) {
            Some(batch) => {
                batch.cursor.uid = number(&entry.uid);
                batch.entries.push(entry);
            }
            None => {
                let batch = self.batch_of(entry);
                self.batches.push_back(batch);
            }
        }
    }

    fn batch_of(&self, entry: Entry) -> Batch {
        Batch {
            part: self.part(&entry),
            alone: false,
            unopened: false,
            cursor: Cursor {
                validity: self.folder.validity,
                uid: number(&entry.uid),
            },
            entries: vec![entry],
        }
    }

    fn part(&self, entry: &Entry) -> Part {
        if entry.size > self.max_message {
            Part::Header
        } else {
            Part::Whole
        }
    }

    /// The mails that failed least come first: what kills the program each time comes last.
    fn finish(mut self) -> VecDeque<Batch> {
        self.set_aside.sort_by_key(|(troubles, _)| *troubles);
        let set_aside = self.set_aside.into_iter().map(|(_, batch)| batch);
        self.batches.extend(set_aside);
        if let Some(blocked) = self.blocked {
            for batch in &mut self.batches {
                batch.cursor.uid = batch.cursor.uid.min(blocked.saturating_sub(1));
            }
        }
        self.batches
    }
}

/// The UID as a number; Maildirs have none and read everything each time.
fn number(uid: &Uid) -> u32 {
    uid.parse().unwrap_or(0)
}

/// From now on each of these mails goes alone, and one that was alone already waits longer each time.
pub(super) fn note_failures(
    store: &Store,
    places: &[Place],
    cause: &str,
    what: &str,
    doubled_at_most: u32,
) -> Result<(), StoreError> {
    let now = Utc::now();
    store.write(|tx| {
        for place in places {
            let before = tx.attempts(place)?.refusals;
            let wait = match (places.len(), before) {
                (1, 1..) => chrono::Duration::seconds(15 << (before - 1).min(doubled_at_most)),
                _ => chrono::Duration::zero(),
            };
            if wait > chrono::Duration::zero() {
                tracing::warn!(
                    event = "not_recorded",
                    folder = %place.folder,
                    uid = %place.uid,
                    again_in_s = wait.num_seconds(),
                    "{what}; the other mails go on"
                );
            }
            tx.refused(place, now + wait, cause)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::{Digest, Message};
    use crate::mailbox::Lane;
    use crate::store::intake::IncomingRecord;

    fn folder() -> Folder {
        Folder {
            mailbox: "security@mail.example.test".to_owned(),
            name: "INBOX".to_owned(),
            validity: 7,
        }
    }

    fn entry(uid: u32, size: u64) -> Entry {
        Entry {
            uid: uid.to_string(),
            size,
            received_at: Utc::now(),
        }
    }

    fn shape(batches: &VecDeque<Batch>) -> Vec<(Vec<&str>, u32)> {
        batches
            .iter()
            .map(|batch| {
                let uids = batch.entries.iter().map(|entry| entry.uid.as_str());
                (uids.collect(), batch.cursor.uid)
            })
            .collect()
    }

    #[test]
    fn mails_go_together_up_to_a_number_and_a_size() {
        let folder = folder();
        let mut planner = Planner::new(&folder, 10 * BATCH_BYTES);
        for uid in 1..=70 {
            planner.add(entry(uid, 100));
        }
        planner.add(entry(71, BATCH_BYTES + 1));
        planner.add(entry(72, 11 * BATCH_BYTES));
        planner.add(entry(73, 100));
        let batches = planner.finish();
        let sizes: Vec<(usize, Part, u32)> = batches
            .iter()
            .map(|batch| (batch.entries.len(), batch.part, batch.cursor.uid))
            .collect();
        assert_eq!(
            sizes,
            [
                (64, Part::Whole, 64),
                (6, Part::Whole, 70),
                (1, Part::Whole, 71),
                (1, Part::Header, 72),
                (1, Part::Whole, 73),
            ]
        );
    }

    #[test]
    fn what_made_trouble_comes_last_alone_and_holds_the_cursor_back() {
        let folder = folder();
        let mut planner = Planner::new(&folder, BATCH_BYTES);
        planner.add(entry(10, 100));
        planner.set_aside(entry(11, 100), 3, Care::after(3));
        planner.set_aside(entry(12, 100), 1, Care::after(0));
        planner.add(entry(13, 100));
        planner.set_aside(entry(14, 100), 1, Care::after(0));
        planner.add(entry(15, 100));
        let batches = planner.finish();
        assert_eq!(
            shape(&batches),
            [
                (vec!["10", "13", "15"], 10),
                (vec!["12"], 10),
                (vec!["14"], 10),
                (vec!["11"], 10),
            ]
        );
    }

    #[test]
    fn what_is_not_due_holds_the_cursor_back() {
        let folder = folder();
        let mut planner = Planner::new(&folder, BATCH_BYTES);
        planner.skip(&"9".to_owned());
        planner.skip(&"5".to_owned());
        planner.add(entry(20, 100));
        assert_eq!(shape(&planner.finish()), [(vec!["20"], 4)]);
    }

    #[test]
    fn what_kills_is_taken_with_more_and_more_care() {
        let care = |deaths| {
            let folder = folder();
            let mut planner = Planner::new(&folder, BATCH_BYTES);
            planner.set_aside(entry(1, 100), deaths, Care::after(deaths));
            let batch = planner.finish().pop_front().unwrap();
            (batch.unopened, batch.part)
        };
        assert_eq!(care(1), (false, Part::Whole));
        assert_eq!(care(9), (false, Part::Whole));
        assert_eq!(care(10), (true, Part::Whole));
        assert_eq!(care(11), (false, Part::Header));
        assert_eq!(care(12), (true, Part::Header));
        assert_eq!(care(40), (true, Part::Header));
    }

    #[test]
    fn a_mail_that_is_not_described_waits_and_holds_the_cursor_back() {
        let store = Store::in_memory().unwrap();
        let planning = Planning {
            is_whole: true,
            cursor: None,
            begun: HashSet::new(),
            max_message: BATCH_BYTES,
            answer_newer_than: Duration::from_secs(3_600),
        };
        let planned = || {
            let listing = Listing {
                validity: 7,
                entries: vec![entry(4, 100), entry(9, 100)],
                troubled: vec![Troubled {
                    uid: "7".to_owned(),
                    cause: "NO".to_owned(),
                }],
            };
            let (batches, _) = plan(&store, &folder(), listing, &planning).unwrap();
            assert_eq!(shape(&batches), [(vec!["4", "9"], 6)]);
            let unfetched = store.read(|tx| tx.unfetched()).unwrap();
            let [(place, refusals, Some(cause))] = unfetched.as_slice() else {
                panic!("{unfetched:?}")
            };
            assert_eq!((place.uid.as_str(), cause.as_str()), ("7", "NO"));
            *refusals
        };
        // At once again, and then after a pause.
        assert_eq!([planned(), planned(), planned()], [1, 2, 2]);
    }

    #[test]
    fn another_mail_at_a_known_place_is_planned_and_the_cursor_goes_back() {
        let store = Store::in_memory().unwrap();
        let known = entry(9, 100);
        let cursor = Cursor {
            validity: 7,
            uid: 9,
        };
        store
            .write(|tx| {
                let message = tx.record_incoming(&IncomingRecord {
                    message: &Message::unread(Digest::of(b"9"), 100),
                    raw: b"9",
                    kind: "report",
                    lane: Lane::Inbox,
                    received_at: known.received_at,
                    recorded_at: known.received_at,
                    case_id: None,
                    not_answered: None,
                    comparable: None,
                })?;
                tx.remember_origin(&folder().place("9"), known.looks(), message, None)?;
                tx.set_cursor("security@mail.example.test", "INBOX", cursor)
            })
            .unwrap();
        let planned = |entries: Vec<Entry>, is_whole| {
            let planning = Planning {
                is_whole,
                cursor: Some(cursor),
                begun: HashSet::new(),
                max_message: BATCH_BYTES,
                answer_newer_than: Duration::from_secs(3_600),
            };
            let listing = Listing {
                validity: 7,
                entries,
                troubled: Vec::new(),
            };
            plan(&store, &folder(), listing, &planning).unwrap().0.len()
        };
        let cursor = || {
            let cursor = store.read(|tx| tx.cursor("security@mail.example.test", "INBOX"));
            cursor.unwrap().unwrap().uid
        };
        assert_eq!((planned(vec![known.clone()], true), cursor()), (0, 9));
        assert_eq!((planned(Vec::new(), false), cursor()), (0, 9));
        assert_eq!((planned(Vec::new(), true), cursor()), (0, 0));
        let mut other = known.clone();
        other.size += 1;
        assert_eq!(planned(vec![other], true), 1);
        let mut other = known;
        other.received_at += chrono::Duration::seconds(1);
        assert_eq!(planned(vec![other], true), 1);
    }

    #[test]
    fn mails_alone_wait_longer_each_time_and_those_in_company_do_not() {
        let store = Store::in_memory().unwrap();
        let places = [folder().place("1"), folder().place("2")];
        let fail = |places: &[Place]| {
            store
                .write(|tx| places.iter().try_for_each(|place| tx.begin_attempt(place)))
                .unwrap();
            note_failures(&store, places, "NO", "away", LONGEST_DOUBLED).unwrap();
            let attempts = store.read(|tx| tx.attempts(&places[0])).unwrap();
            assert_eq!(attempts.cut_short, 0);
            (attempts.next_at - Utc::now()).num_seconds().max(0)
        };
        assert_eq!(fail(&places), 0);
        for expected in [15, 30, 60, 120, 240, 480, 960, 1_920, 1_920] {
            let wait = fail(&places[..1]);
            assert!((expected - 2..=expected).contains(&wait), "{wait}");
        }
    }
}
