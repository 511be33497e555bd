//! The mailbox task: fetch what is new, record it, file it, wait.
//!
//! ```text
//! list -> plan batches -> fetch -> open -> record (one transaction) -> file
//!                          ^                                            |
//!                          +-- the next batch is fetched meanwhile -----+
//! ```
//! After any error the session is thrown away whole and a new one begun, at
//! most 60 seconds later. What was recorded is known by its place and by its
//! bytes, so that every step can be done again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::Shared;
use crate::config::{Folders, Source};
use crate::intake::{self, Mail, Opened};
use crate::killpoint;
use crate::letters::Desk;
use crate::mailbox::imap::Imap;
use crate::mailbox::maildir::MaildirBox;
use crate::mailbox::{Entry, Fetched, Lane, Listing, Mailbox, Part, Uid};
use crate::store::intake::{Cursor, Place};
use crate::store::{Store, StoreError};
use crate::triage::decide::Unanswered;

/// A batch holds so many mails at most, and so many bytes unless one mail alone is larger.
const BATCH_MAILS: usize = 64;
const BATCH_BYTES: u64 = 1_000_000;
/// Reconnects are never further apart than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A wait is never longer, so that a dead connection is found.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);
/// The whole folder is compared with our records so often.
const RECONCILE_EVERY: chrono::Duration = chrono::Duration::hours(24);
/// A mail over which the program died so often is recorded without being opened.
const DEATHS_AT_MOST: u32 = 10;

/// Watches the mailbox until the daemon stops. Never ends for an error.
pub async fn run(shared: Arc<Shared>) {
    let mut failures = 0;
    while !shared.is_stopping() {
        shared.watch_turned_at.beat();
        let visit = tokio::select! {
            visit = visit(&shared, false, &mut failures) => visit,
            () = shared.stopped() => return,
        };
        let Err(error) = visit else { continue };
        let pause = pause_after(failures);
        failures += 1;
        tracing::warn!(
            event = "mailbox_failed",
            again_in_s = pause.as_secs_f32(),
            "{error:#}"
        );
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.stopped() => return,
        }
    }
}

/// One pass over the mailbox.
pub async fn once(shared: Arc<Shared>) -> anyhow::Result<()> {
    visit(&shared, true, &mut 0).await
}

/// Doubles from one second to a minute, less up to a quarter by chance, so that many daemons do
/// not come back at once.
fn pause_after(failures: u32) -> Duration {
    let whole = Duration::from_secs(1 << failures.min(6)).min(LONGEST_PAUSE);
    whole.mul_f32(1.0 - rand::random::<f32>() / 4.0)
}

/// One session: from connecting to its end. A good pass sets `failures` back.
async fn visit(shared: &Arc<Shared>, once: bool, failures: &mut u32) -> anyhow::Result<()> {
    match &shared.config.source {
        Source::Imap(imap) => {
            let mailbox = Imap::connect(imap, shared.config.limits.max_message).await?;
            let identity = format!("{}@{}", imap.username, imap.server.host);
            Visit::new(shared, mailbox, identity, &imap.folders)
                .stay(once, failures)
                .await
        }
        Source::Maildir(maildir) => {
            let mailbox = MaildirBox::open(maildir)?;
            let identity = maildir.path.display().to_string();
            Visit::new(shared, mailbox, identity, &maildir.folders)
                .stay(once, failures)
                .await
        }
    }
}

struct Visit<'a, M> {
    shared: &'a Arc<Shared>,
    mailbox: M,
    /// Whose mailbox; part of every place.
    identity: String,
    folders: &'a Folders,
    reconciled_at: DateTime<Utc>,
}

/// A folder as the records name it.
#[derive(Clone, Debug)]
struct Folder {
    mailbox: String,
    name: String,
    validity: u32,
}

impl Folder {
    fn place(&self, uid: &str) -> Place {
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
struct Batch {
    entries: Vec<Entry>,
    part: Part,
    /// One mail that made trouble before: no other goes with it.
    alone: bool,
    /// The program died over this mail too often.
    unopened: bool,
    /// Where the cursor may stand once this batch is recorded.
    cursor: Cursor,
}

impl Batch {
    fn bytes(&self) -> u64 {
        match self.part {
            Part::Whole => self.entries.iter().map(|entry| entry.size).sum(),
            Part::Header => 0,
        }
    }
}

impl<'a, M: Mailbox> Visit<'a, M> {
    fn new(shared: &'a Arc<Shared>, mailbox: M, identity: String, folders: &'a Folders) -> Self {
        Self {
            shared,
            mailbox,
            identity,
            folders,
            reconciled_at: DateTime::UNIX_EPOCH,
        }
    }

    async fn stay(mut self, once: bool, failures: &mut u32) -> anyhow::Result<()> {
        for lane in self.lanes() {
            self.file_leftovers(lane).await?;
        }
        while !self.shared.is_stopping() {
            self.pass().await?;
            *failures = 0;
            if once {
                break;
            }
            let at_most = self.folders.poll_interval.min(LONGEST_WAIT);
            self.mailbox.wait(at_most).await?;
            self.shared.watch_turned_at.beat();
        }
        self.mailbox.close().await;
        Ok(())
    }

    fn lanes(&self) -> Vec<Lane> {
        match self.folders.junk {
            Some(_) => vec![Lane::Inbox, Lane::Junk],
            None => vec![Lane::Inbox],
        }
    }

    fn folder_name(&self, lane: Lane) -> String {
        match lane {
            Lane::Inbox => self.folders.inbox.clone(),
            Lane::Junk => self.folders.junk.clone().unwrap_or_default(),
        }
    }

    /// Everything that is in the folders now.
    async fn pass(&mut self) -> anyhow::Result<()> {
        let now = Utc::now();
        let whole = now - self.reconciled_at >= RECONCILE_EVERY;
        for lane in self.lanes() {
            self.sweep(lane, whole).await?;
        }
        if whole {
            self.reconciled_at = now;
        }
        self.on_store(move |store| {
            store.write(|tx| tx.set_fact("last_good_poll_at", now.timestamp()))
        })
        .await?;
        self.shared.last_good_poll_at.beat();
        Ok(())
    }

    /// Records what is new in one folder. `whole`: not only above the cursor.
    async fn sweep(&mut self, lane: Lane, whole: bool) -> anyhow::Result<()> {
        let (mailbox, name) = (self.identity.clone(), self.folder_name(lane));
        let cursor = self
            .on_store({
                let name = name.clone();
                move |store| store.read(|tx| tx.cursor(&mailbox, &name))
            })
            .await?;
        let uid = cursor.map(|cursor| cursor.uid.to_string());
        let after = match (&cursor, &uid) {
            (Some(cursor), Some(uid)) if !whole => Some((cursor.validity, uid.as_str())),
            _ => None,
        };
        let listing = self.mailbox.list(lane, after).await?;
        if let Some(cursor) = cursor
            && cursor.validity != listing.validity
        {
            tracing::warn!(
                event = "uidvalidity_changed",
                folder = %name,
                "the server renumbered the folder; what is known by its bytes is not recorded again"
            );
        }
        let folder = Folder {
            mailbox: self.identity.clone(),
            name,
            validity: listing.validity,
        };
        let max_message = self.shared.config.limits.max_message;
        let answer_newer_than = self.folders.answer_newer_than;
        let (batches, answer_since) = self
            .on_store({
                let folder = folder.clone();
                move |store| {
                    plan(
                        store,
                        &folder,
                        listing,
                        cursor,
                        max_message,
                        answer_newer_than,
                    )
                }
            })
            .await?;
        self.take_in(lane, &folder, batches, answer_since).await
    }

    /// Fetches, records and files one batch after the other, the next one fetched meanwhile.
    async fn take_in(
        &mut self,
        lane: Lane,
        folder: &Folder,
        mut batches: VecDeque<Batch>,
        answer_since: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let Some(first) = batches.pop_front() else {
            return Ok(());
        };
        let mut in_hand = Some(self.fetch(lane, folder, first).await?);
        while let Some((batch, fetched)) = in_hand.take() {
            let is_small = batch.bytes() <= BATCH_BYTES;
            let recording = self.record(lane, folder, batch, fetched, answer_since);
            // A large mail is alone in memory.
            let next = match batches.front() {
                Some(next) if is_small && next.bytes() <= BATCH_BYTES => batches.pop_front(),
                _ => None,
            };
            let fetched = match next {
                Some(next) => Some(self.fetch(lane, folder, next).await),
                None => None,
            };
            let to_file = recording.await??;
            self.file(lane, folder, to_file).await?;
            self.shared.watch_turned_at.beat();
            in_hand = match fetched {
                Some(fetched) => Some(fetched?),
                None => match batches.pop_front() {
                    Some(next) => Some(self.fetch(lane, folder, next).await?),
                    None => None,
                },
            };
        }
        Ok(())
    }

    async fn fetch(
        &mut self,
        lane: Lane,
        folder: &Folder,
        batch: Batch,
    ) -> anyhow::Result<(Batch, Vec<Fetched>)> {
        let places: Vec<Place> = batch
            .entries
            .iter()
            .map(|entry| folder.place(&entry.uid))
            .collect();
        self.on_store({
            let places = places.clone();
            move |store| {
                store.write(|tx| places.iter().try_for_each(|place| tx.begin_attempt(place)))
            }
        })
        .await?;
        let fetched = self.mailbox.fetch(lane, &batch.entries, batch.part).await;
        killpoint::reached("fetched");
        match fetched {
            Ok(fetched) => Ok((batch, fetched)),
            Err(error) => {
                let cause = error.to_string();
                self.on_store(move |store| note_refusals(store, &places, &cause))
                    .await?;
                Err(error.into())
            }
        }
    }

    /// Opens and records a batch away from the network; resolves to what has to be filed.
    fn record(
        &self,
        lane: Lane,
        folder: &Folder,
        batch: Batch,
        fetched: Vec<Fetched>,
        answer_since: DateTime<Utc>,
    ) -> tokio::task::JoinHandle<anyhow::Result<Vec<Uid>>> {
        let shared = Arc::clone(self.shared);
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || {
            let recorded = record_batch(&shared, lane, &folder, batch, fetched, answer_since);
            shared.letters.notify_one();
            recorded
        })
    }

    /// Moves or marks recorded mails. Cosmetics: what fails is done at the next session.
    async fn file(&mut self, lane: Lane, folder: &Folder, uids: Vec<Uid>) -> anyhow::Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        self.mailbox.file(lane, folder.validity, &uids).await?;
        killpoint::reached("filed");
        let folder = folder.clone();
        self.on_store(move |store| {
            store.write(|tx| {
                tx.mark_filed(
                    &folder.mailbox,
                    &folder.name,
                    folder.validity,
                    &uids,
                    Utc::now(),
                )
            })
        })
        .await
    }

    /// What was recorded and, by a crash or an error, not filed.
    async fn file_leftovers(&mut self, lane: Lane) -> anyhow::Result<()> {
        let (mailbox, name) = (self.identity.clone(), self.folder_name(lane));
        let unfiled = self
            .on_store({
                let name = name.clone();
                move |store| store.read(|tx| tx.unfiled(&mailbox, &name))
            })
            .await?;
        let mut by_validity: std::collections::BTreeMap<u32, Vec<Uid>> =
            std::collections::BTreeMap::new();
        for (validity, uid) in unfiled {
            by_validity.entry(validity).or_default().push(uid);
        }
        for (validity, uids) in by_validity {
            let folder = Folder {
                mailbox: self.identity.clone(),
                name: name.clone(),
                validity,
            };
            self.file(lane, &folder, uids).await?;
        }
        Ok(())
    }

    /// Asks the database on a thread that may block.
    async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> anyhow::Result<T> {
        let shared = Arc::clone(self.shared);
        Ok(tokio::task::spawn_blocking(move || work(&shared.store)).await??)
    }
}

/// What has to be fetched, in batches; and since when mail is answered.
fn plan(
    store: &Store,
    folder: &Folder,
    listing: Listing,
    cursor: Option<Cursor>,
    max_message: u64,
    answer_newer_than: Duration,
) -> Result<(VecDeque<Batch>, DateTime<Utc>), StoreError> {
    let now = Utc::now();
    let answer_since = first_start(store, folder, now)?
        - chrono::Duration::from_std(answer_newer_than).unwrap_or(chrono::Duration::MAX);
    if cursor.is_none() {
        announce_old_mail(&listing, answer_since);
    }
    let mut planner = Planner::new(folder, max_message);
    store.read(|tx| {
        for entry in listing.entries {
            let place = folder.place(&entry.uid);
            if tx.is_recorded_at(&place)? {
                continue;
            }
            let attempts = tx.attempts(&place)?;
            if attempts.next_at > now {
                planner.skip(&entry);
                continue;
            }
            let alone = attempts.cut_short > 0 || attempts.refusals > 0;
            planner.add(entry, alone, attempts.cut_short >= DEATHS_AT_MOST);
        }
        Ok::<_, StoreError>(())
    })?;
    if planner.batches.is_empty() {
        begin_cursor(store, folder, cursor)?;
    }
    Ok((planner.batches, answer_since))
}

/// Nothing is new: the folder has a cursor of this validity from now on.
fn begin_cursor(store: &Store, folder: &Folder, cursor: Option<Cursor>) -> Result<(), StoreError> {
    let validity = folder.validity;
    if cursor.is_some_and(|cursor| cursor.validity == validity) {
        return Ok(());
    }
    let beginning = Cursor { validity, uid: 0 };
    store.write(|tx| tx.set_cursor(&folder.mailbox, &folder.name, beginning))
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

/// Groups mails into batches, in the order of arrival.
struct Planner<'a> {
    folder: &'a Folder,
    max_message: u64,
    batches: VecDeque<Batch>,
    /// The lowest UID that has to be tried again: the cursor stays below it.
    blocked: Option<u32>,
}

impl<'a> Planner<'a> {
    fn new(folder: &'a Folder, max_message: u64) -> Self {
        Self {
            folder,
            max_message,
            batches: VecDeque::new(),
            blocked: None,
        }
    }

    /// This mail is not due yet.
    fn skip(&mut self, entry: &Entry) {
        self.blocked = self.blocked.or(entry.uid.parse().ok());
    }

    fn add(&mut self, entry: Entry, alone: bool, unopened: bool) {
        let part = if entry.size > self.max_message {
            Part::Header
        } else {
            Part::Whole
        };
        let uid: u32 = entry.uid.parse().unwrap_or(0);
        let cursor = Cursor {
            validity: self.folder.validity,
            uid: self
                .blocked
                .map_or(uid, |blocked| uid.min(blocked.saturating_sub(1))),
        };
        let fits = |batch: &&mut Batch| {
            !alone
                && !batch.alone
                && part == Part::Whole
                && batch.part == Part::Whole
                && batch.entries.len() < BATCH_MAILS
                && batch.bytes() + entry.size <= BATCH_BYTES
        };
        match self.batches.back_mut().filter(fits) {
            Some(batch) => {
                batch.entries.push(entry);
                batch.cursor = cursor;
            }
            None => self.batches.push_back(Batch {
                entries: vec![entry],
                part,
                alone,
                unopened,
                cursor,
            }),
        }
    }
}

/// The server did not give these mails: from now on each is fetched alone, and one that was
/// alone already waits longer each time.
fn note_refusals(store: &Store, places: &[Place], cause: &str) -> Result<(), StoreError> {
    let now = Utc::now();
    store.write(|tx| {
        for place in places {
            let before = tx.attempts(place)?.refusals;
            let wait = match (places.len(), before) {
                (1, 1..) => chrono::Duration::seconds(15 << (before - 1).min(7)),
                _ => chrono::Duration::zero(),
            };
            if wait > chrono::Duration::zero() {
                tracing::warn!(
                    event = "not_fetched",
                    folder = %place.folder,
                    uid = %place.uid,
                    again_in_s = wait.num_seconds(),
                    "the server does not give this mail; the others go on"
                );
            }
            tx.refused(place, now + wait, cause)?;
        }
        Ok(())
    })
}

/// Opens the mails on all cores, records them in one transaction, returns what is to be filed.
fn record_batch(
    shared: &Shared,
    lane: Lane,
    folder: &Folder,
    batch: Batch,
    fetched: Vec<Fetched>,
    answer_since: DateTime<Utc>,
) -> anyhow::Result<Vec<Uid>> {
    let desk = shared.desk();
    let now = Utc::now();
    let mails: Vec<Mail> = fetched
        .into_iter()
        .map(|fetched| Mail {
            size: fetched.entry.size,
            lane,
            received_at: fetched.entry.received_at,
            too_large: batch.part == Part::Header,
            unanswered: (fetched.entry.received_at < answer_since)
                .then_some(Unanswered::BeforeFirstStart),
            place: Some(folder.place(&fetched.entry.uid)),
            raw: fetched.bytes,
            kept: None,
        })
        .collect();
    let opened = if batch.unopened {
        mails
            .into_iter()
            .map(|mail| intake::unopened(mail, &desk))
            .collect()
    } else {
        open_all(mails, &desk, now)
    };
    killpoint::reached("opened");
    let mut to_file = Vec::new();
    shared
        .store
        .write(|tx| {
            for opened in &opened {
                intake::record(tx, opened, &desk, now)?;
                let place = opened.mail.place.as_ref();
                if let Some(place) = place
                    && tx.is_unfiled(place)?
                {
                    to_file.push(place.uid.clone());
                }
            }
            for entry in &batch.entries {
                // Recorded, or gone from the folder before it was fetched.
                tx.forget_attempts(&folder.place(&entry.uid))?;
            }
            tx.set_cursor(&folder.mailbox, &folder.name, batch.cursor)?;
            killpoint::reached("recorded");
            Ok::<_, StoreError>(())
        })
        .context("recording mail")?;
    killpoint::reached("committed");
    Ok(to_file)
}

/// Reading and decrypting take most of the time of a mail, so they go on every core.
fn open_all(mails: Vec<Mail>, desk: &Desk, now: DateTime<Utc>) -> Vec<Opened> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = mails.len().div_ceil(cores).max(4);
    if mails.len() <= share {
        return open_some(mails, desk, now);
    }
    let mut shares = Vec::new();
    let mut mails = mails.into_iter().peekable();
    while mails.peek().is_some() {
        shares.push(mails.by_ref().take(share).collect::<Vec<_>>());
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || open_some(share, desk, now)))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(opened) => opened,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}

fn open_some(mails: Vec<Mail>, desk: &Desk, now: DateTime<Utc>) -> Vec<Opened> {
    mails
        .into_iter()
        .map(|mail| intake::open_mail(mail, desk, now))
        .collect()
}
