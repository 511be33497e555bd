//! The mailbox task: fetch what is new, record it, file it, wait.
//!
//! ```text
//! list -> plan batches -> fetch -> open -> record (one transaction) -> file
//! ```
//! Three batches are in hand at a time: one is recorded while the next is opened
//! and the one after it is fetched.
//!
//! After any error the session is thrown away whole and a new one begun, at
//! most 60 seconds later. What was recorded is known by its place and by its
//! bytes, so that every step can be done again. A mail that made trouble comes
//! after all others, and a server that does not let us file is no reason not
//! to record.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::plan::{
    Batch, Company, Folder, KEY_AWAY_DOUBLED, LONGEST_DOUBLED, Planning, note_failures, plan,
};
use super::{Pulse, Shared};
use crate::config::{Folders, Source};
use crate::intake::{self, Mail, Opened, sender};
use crate::killpoint;
use crate::letters::Desk;
use crate::mail::message::Address;
use crate::mailbox::imap::Imap;
use crate::mailbox::maildir::MaildirBox;
use crate::mailbox::{Fetched, Lane, Mailbox, Part, Uid};
use crate::memory;
use crate::notices::digest::RECONCILED_AT;
use crate::parallel;
use crate::store::intake::Place;
use crate::store::{Store, StoreError, Tx};
use crate::triage::decide::Unanswered;
use crate::wkd::{self, Directory};

mod plan;

/// Reconnects are never further apart than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A wait is never longer, so that a dead connection is found.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);
/// The whole folder is compared with our records so often.
const RECONCILE_EVERY: chrono::Duration = chrono::Duration::hours(24);
/// A large mail on a slow line takes hours, in which the loop is not stuck: the mailbox ends its
/// calls by itself where nothing comes any more.
const BEATS_EVERY: Duration = Duration::from_secs(30);
/// What is in hand may be finished within this after SIGTERM.
const FINISH_WITHIN: Duration = Duration::from_secs(3);
/// `--once` begins at most so many sessions.
const ONCE_SESSIONS: u32 = 20;

/// What one session leaves to the next.
#[derive(Default)]
struct Carried {
    /// Sessions that failed one after the other.
    failures: u32,
    /// Mails whose attempt this process has counted and not taken back. An attempt that merely
    /// failed, on a full disk for example, must not look like one that killed the program.
    begun: HashSet<Place>,
    /// The last session could not file: the next one records everything first.
    cannot_file: bool,
    /// The last session ended because of single mails, which wait or go alone from now on.
    isolated: bool,
}

/// Watches the mailbox until the daemon stops. Never ends for an error.
pub async fn run(shared: Arc<Shared>) {
    let mut carried = Carried::default();
    while !shared.is_stopping() {
        shared.pulses.watch_turned.beat();
        let visit = tokio::select! {
            visit = visit(&shared, false, &mut carried) => visit,
            () = time_to_finish(&shared) => break,
        };
        let Err(error) = visit else { continue };
        shared.set_mailbox_error(format!("{error:#}"));
        let pause = pause_after(carried.failures);
        carried.failures += 1;
        tracing::warn!(
            event = "mailbox_failed",
            again_in_s = pause.as_secs_f32(),
            "{error:#}"
        );
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.stopped() => {}
        }
    }
    take_back(shared, carried.begun).await;
}

/// A stop in the middle of attempts must not look as if the mails had killed the program.
async fn take_back(shared: Arc<Shared>, begun: HashSet<Place>) {
    let taken_back = tokio::task::spawn_blocking(move || {
        shared.store.write(|tx| {
            begun
                .iter()
                .try_for_each(|place| tx.take_back_attempt(place))
        })
    });
    if let Ok(Err(error)) = taken_back.await {
        tracing::debug!("attempts stay counted: {error}");
    }
}

/// One pass over the mailbox. Mails that the server does not give hold up no others, and are an
/// error at the end.
pub async fn once(shared: Arc<Shared>) -> anyhow::Result<()> {
    let mut carried = Carried::default();
    for _ in 1..ONCE_SESSIONS {
        match visit(&shared, true, &mut carried).await {
            Err(error) if carried.isolated => {
                tracing::warn!(event = "mailbox_failed", "{error:#}");
            }
            Err(error) => return Err(error),
            Ok(()) => return nothing_unfetched(shared).await,
        }
    }
    visit(&shared, true, &mut carried).await
}

async fn nothing_unfetched(shared: Arc<Shared>) -> anyhow::Result<()> {
    let asked = tokio::task::spawn_blocking(move || shared.store.read(|tx| tx.unfetched()));
    match asked.await??.len() {
        0 => Ok(()),
        mails => anyhow::bail!(
            "{mails} mails were not recorded and are tried again; `triaged status` lists them"
        ),
    }
}

/// Resolves a moment after the daemon was told to stop.
async fn time_to_finish(shared: &Shared) {
    shared.stopped().await;
    tokio::time::sleep(FINISH_WITHIN).await;
}

/// Doubles from one second to a minute, less up to a quarter by chance, so that many daemons do
/// not come back at once.
fn pause_after(failures: u32) -> Duration {
    let whole = Duration::from_secs(1 << failures.min(6)).min(LONGEST_PAUSE);
    whole.mul_f32(1.0 - rand::random::<f32>() / 4.0)
}

/// One session: from connecting to its end.
async fn visit(shared: &Arc<Shared>, once: bool, carried: &mut Carried) -> anyhow::Result<()> {
    carried.isolated = false;
    match &shared.config.source {
        Source::Imap(imap) => {
            let mailbox = Imap::connect(imap, shared.config.limits.max_message).await?;
            let identity = format!("{}@{}", imap.username, imap.server.host);
            Visit::new(shared, mailbox, identity, &imap.folders, carried)
                .stay(once)
                .await
        }
        Source::Maildir(maildir) => {
            let identity = maildir.path.display().to_string();
            let read_before = has_read(shared, identity.clone()).await?;
            let mailbox = MaildirBox::open(maildir, read_before)?;
            Visit::new(shared, mailbox, identity, &maildir.folders, carried)
                .stay(once)
                .await
        }
    }
}

async fn has_read(shared: &Arc<Shared>, mailbox: String) -> anyhow::Result<bool> {
    let shared = Arc::clone(shared);
    let asked = tokio::task::spawn_blocking(move || shared.store.read(|tx| tx.has_read(&mailbox)));
    Ok(asked.await??)
}

struct Visit<'a, M> {
    shared: &'a Arc<Shared>,
    mailbox: M,
    /// Whose mailbox; part of every place.
    identity: String,
    folders: &'a Folders,
    reconciled_at: DateTime<Utc>,
    /// Something was done since the last wait.
    worked: bool,
    carried: &'a mut Carried,
}

/// A batch that is being opened and recorded.
struct Recording {
    places: Vec<Place>,
    /// Resolves to what has to be filed; to nothing where the batch before was not recorded, for
    /// the cursor would pass over its mails.
    task: JoinHandle<Result<Option<Vec<Uid>>, NotRecorded>>,
    /// Ends with the opening.
    opened: oneshot::Receiver<()>,
}

/// Why a batch was not recorded.
enum NotRecorded {
    Store(StoreError),
    /// These mails may be for a key that is away; the others of the batch go without them next time.
    WaitForKey(Vec<Place>),
}

impl From<StoreError> for NotRecorded {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<'a, M: Mailbox> Visit<'a, M> {
    fn new(
        shared: &'a Arc<Shared>,
        mailbox: M,
        identity: String,
        folders: &'a Folders,
        carried: &'a mut Carried,
    ) -> Self {
        Self {
            shared,
            mailbox,
            identity,
            folders,
            reconciled_at: DateTime::UNIX_EPOCH,
            worked: true,
            carried,
        }
    }

    async fn stay(mut self, once: bool) -> anyhow::Result<()> {
        self.pass().await?;
        for lane in self.lanes() {
            self.file_leftovers(lane).await?;
        }
        self.carried.cannot_file = false;
        self.carried.failures = 0;
        while !once && !self.shared.is_stopping() {
            if std::mem::take(&mut self.worked) {
                memory::give_back();
            }
            let at_most = self.folders.poll_interval.min(LONGEST_WAIT);
            tokio::select! {
                waited = self.mailbox.wait(at_most) => waited?,
                // In the middle of a wait there is no goodbye.
                () = self.shared.stopped() => return Ok(()),
            }
            self.shared.pulses.watch_turned.beat();
            self.pass().await?;
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
            store.write(|tx| {
                if whole {
                    tx.set_fact(RECONCILED_AT, now.timestamp())?;
                }
                tx.set_fact("last_good_poll_at", now.timestamp())
            })
        })
        .await?;
        self.shared.pulses.good_poll.beat();
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
        let pulse = &self.shared.pulses.watch_turned;
        let listing = beating(pulse, self.mailbox.list(lane, after)).await?;
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
        let planning = Planning {
            is_whole: after.is_none(),
            cursor,
            begun: self.carried.begun.clone(),
            max_message: self.shared.config.limits.max_message,
            answer_newer_than: self.folders.answer_newer_than,
        };
        let (batches, answer_since) = self
            .on_store({
                let folder = folder.clone();
                move |store| plan(store, &folder, listing, &planning)
            })
            .await?;
        self.take_in(lane, &folder, batches, answer_since).await
    }

    /// Fetches, records and files one batch after the other, the next ones fetched and opened
    /// meanwhile.
    async fn take_in(
        &mut self,
        lane: Lane,
        folder: &Folder,
        batches: VecDeque<Batch>,
        answer_since: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let mut in_hand = VecDeque::new();
        let outcome = self
            .take_each_in(lane, folder, batches, answer_since, &mut in_hand)
            .await;
        // What was fetched before the session broke needs none to be recorded; the next one files it.
        for recording in in_hand {
            if let Err(error) = self.recorded(recording).await {
                tracing::warn!(event = "not_recorded", "{error:#}");
            }
        }
        outcome
    }

    async fn take_each_in(
        &mut self,
        lane: Lane,
        folder: &Folder,
        batches: VecDeque<Batch>,
        answer_since: DateTime<Utc>,
        in_hand: &mut VecDeque<Recording>,
    ) -> anyhow::Result<()> {
        let mut company = Company::Small;
        let mut before = None;
        for batch in batches {
            if self.shared.is_stopping() {
                break;
            }
            company = company.and(batch.company());
            self.make_room(lane, folder, company, in_hand).await?;
            company = batch.company();
            let (batch, fetched) = self.fetch(lane, folder, batch).await?;
            let (recording, recorded) =
                self.record(lane, folder, batch, fetched, answer_since, before);
            before = Some(recorded);
            in_hand.push_back(recording);
        }
        self.finish(lane, folder, 0, in_hand).await
    }

    /// Waits until another batch may be fetched beside those in hand.
    async fn make_room(
        &mut self,
        lane: Lane,
        folder: &Folder,
        company: Company,
        in_hand: &mut VecDeque<Recording>,
    ) -> anyhow::Result<()> {
        match company {
            Company::Small => self.finish(lane, folder, 2, in_hand).await,
            Company::Large => {
                self.finish(lane, folder, 1, in_hand).await?;
                if let Some(last) = in_hand.back_mut() {
                    // It ends with the opening, also where that fails.
                    let _ = (&mut last.opened).await;
                }
                Ok(())
            }
            Company::Alone => self.finish(lane, folder, 0, in_hand).await,
        }
    }

    /// Files batches as they are recorded, until so many are left in hand.
    async fn finish(
        &mut self,
        lane: Lane,
        folder: &Folder,
        left: usize,
        in_hand: &mut VecDeque<Recording>,
    ) -> anyhow::Result<()> {
        while in_hand.len() > left
            && let Some(oldest) = in_hand.pop_front()
        {
            let to_file = self.recorded(oldest).await?;
            self.worked = true;
            if !self.carried.cannot_file {
                self.file(lane, folder, to_file).await?;
            }
            self.shared.pulses.watch_turned.beat();
        }
        Ok(())
    }

    async fn fetch(
        &mut self,
        lane: Lane,
        folder: &Folder,
        batch: Batch,
    ) -> anyhow::Result<(Batch, Vec<Fetched>)> {
        let places = batch.places(folder);
        self.begin(&places).await?;
        let pulse = &self.shared.pulses.watch_turned;
        let fetching = self.mailbox.fetch(lane, &batch.entries, batch.part);
        let fetched = beating(pulse, fetching).await;
        killpoint::reached("fetched");
        match fetched {
            Ok(fetched) => Ok((batch, fetched)),
            Err(error) => {
                let what = "the server does not give it";
                self.isolate(places, &error.to_string(), what, LONGEST_DOUBLED)
                    .await?;
                Err(error.into())
            }
        }
    }

    /// Counts an attempt at each of these mails, once in the life of this process.
    async fn begin(&mut self, places: &[Place]) -> anyhow::Result<()> {
        let new: Vec<Place> = places
            .iter()
            .filter(|place| !self.carried.begun.contains(place))
            .cloned()
            .collect();
        self.on_store({
            let new = new.clone();
            move |store| store.write(|tx| new.iter().try_for_each(|place| tx.begin_attempt(place)))
        })
        .await?;
        self.carried.begun.extend(new);
        Ok(())
    }

    /// Waits for the record of these mails. A fault that is neither the disk's nor another
    /// process's lies in one of them.
    async fn recorded(&mut self, recording: Recording) -> anyhow::Result<Vec<Uid>> {
        let Recording { places, task, .. } = recording;
        let error = match task.await {
            Ok(Ok(Some(to_file))) => {
                for place in &places {
                    self.carried.begun.remove(place);
                }
                return Ok(to_file);
            }
            Ok(Ok(None)) => anyhow::bail!("the mails before these were not recorded"),
            Ok(Err(NotRecorded::WaitForKey(waiting))) => return self.let_wait(waiting).await,
            Ok(Err(NotRecorded::Store(error)))
                if error.passes_by_itself() || error.is_replaced() =>
            {
                return Err(error).context("recording mail");
            }
            Ok(Err(NotRecorded::Store(error))) => anyhow::Error::from(error),
            Err(panic) => panic.into(),
        };
        self.isolate(
            places,
            &error.to_string(),
            "it cannot be recorded",
            LONGEST_DOUBLED,
        )
        .await?;
        Err(error).context("recording mail")
    }

    /// Recorded now, these mails would be unreadable, and their senders be told so.
    async fn let_wait<T>(&mut self, waiting: Vec<Place>) -> anyhow::Result<T> {
        let mails = waiting.len();
        for place in waiting {
            self.isolate(
                vec![place],
                intake::AWAY,
                "its key is away",
                KEY_AWAY_DOUBLED,
            )
            .await?;
        }
        anyhow::bail!("{mails} mails wait: {}", intake::AWAY)
    }

    /// These mails failed: from now on each goes alone, after all others, and waits longer each time.
    async fn isolate(
        &mut self,
        places: Vec<Place>,
        cause: &str,
        what: &'static str,
        doubled_at_most: u32,
    ) -> anyhow::Result<()> {
        if places.len() == 1 {
            // It was known for trouble; the way to the server is not to be blamed.
            self.carried.failures = 0;
        }
        self.carried.isolated = true;
        let cause = cause.to_owned();
        let noted = places.clone();
        self.on_store(move |store| note_failures(store, &noted, &cause, what, doubled_at_most))
            .await?;
        for place in &places {
            self.carried.begun.remove(place);
        }
        Ok(())
    }

    /// Opens and records a batch away from the network, once the one `before` it is recorded.
    /// With it comes what tells the next batch so.
    fn record(
        &self,
        lane: Lane,
        folder: &Folder,
        batch: Batch,
        fetched: Vec<Fetched>,
        answer_since: DateTime<Utc>,
        before: Option<mpsc::Receiver<()>>,
    ) -> (Recording, mpsc::Receiver<()>) {
        let shared = Arc::clone(self.shared);
        let places = batch.places(folder);
        let folder = folder.clone();
        let (tell_opened, opened) = oneshot::channel();
        let (tell_recorded, recorded) = mpsc::channel();
        let task = tokio::task::spawn_blocking(move || {
            let begun_at = Instant::now();
            let desk = shared.desk();
            let mut mails = open_batch(&desk, lane, &folder, &batch, fetched, answer_since);
            // Nobody may be waiting for it any more.
            let _ = tell_opened.send(());
            let waiting = waiting_for_key(&mails);
            if !waiting.is_empty() {
                return Err(NotRecorded::WaitForKey(waiting));
            }
            if let Some(directory) = &shared.directory {
                look_up(directory, &shared.store, &desk, &mut mails, begun_at)?;
            }
            if before.is_some_and(|before| before.recv().is_err()) {
                return Ok(None);
            }
            let to_file = record_batch(&shared, &desk, &folder, &batch, &mut mails)?;
            shared.letters.notify_one();
            shared.alarms.notify_one();
            let _ = tell_recorded.send(());
            Ok(Some(to_file))
        });
        let recording = Recording {
            places,
            task,
            opened,
        };
        (recording, recorded)
    }

    /// Moves or marks recorded mails. Cosmetics: what fails is done at the next session.
    async fn file(&mut self, lane: Lane, folder: &Folder, uids: Vec<Uid>) -> anyhow::Result<()> {
        if uids.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.mailbox.file(lane, folder.validity, &uids).await {
            self.carried.cannot_file = true;
            return Err(error.into());
        }
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
        let name = self.folder_name(lane);
        loop {
            let (mailbox, folder) = (self.identity.clone(), name.clone());
            let unfiled = self
                .on_store(move |store| store.read(|tx| tx.unfiled(&mailbox, &folder)))
                .await?;
            if unfiled.is_empty() || self.shared.is_stopping() {
                return Ok(());
            }
            self.file_by_validity(lane, &name, unfiled).await?;
        }
    }

    async fn file_by_validity(
        &mut self,
        lane: Lane,
        name: &str,
        unfiled: Vec<(u32, Uid)>,
    ) -> anyhow::Result<()> {
        let mut by_validity: std::collections::BTreeMap<u32, Vec<Uid>> =
            std::collections::BTreeMap::new();
        for (validity, uid) in unfiled {
            by_validity.entry(validity).or_default().push(uid);
        }
        for (validity, uids) in by_validity {
            let folder = Folder {
                mailbox: self.identity.clone(),
                name: name.to_owned(),
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

/// Waits for a call that ends by itself, and shows meanwhile that the loop lives.
async fn beating<T>(pulse: &Pulse, call: impl Future<Output = T>) -> T {
    let mut call = std::pin::pin!(call);
    loop {
        match tokio::time::timeout(BEATS_EVERY, &mut call).await {
            Ok(outcome) => return outcome,
            Err(_) => pulse.beat(),
        }
    }
}

fn open_batch(
    desk: &Desk,
    lane: Lane,
    folder: &Folder,
    batch: &Batch,
    fetched: Vec<Fetched>,
    answer_since: DateTime<Utc>,
) -> Vec<Opened> {
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
            .map(|mail| intake::unopened(mail, desk))
            .collect()
    } else {
        let now = Utc::now();
        parallel::map(mails, |mail| intake::open_mail(mail, desk, now))
    };
    killpoint::reached("opened");
    opened
}

/// Looks for certificates of senders in the directories of their domains, of all these mails at
/// once. That takes five seconds at most and holds up no batch before this one.
///
/// It begins at a whole second after the opening did, so that whoever is asked does not learn by the
/// moment how far a mail could be read.
fn look_up(
    directory: &Directory,
    store: &Store,
    desk: &Desk,
    mails: &mut [Opened],
    begun_at: Instant,
) -> Result<(), StoreError> {
    let mut wanted = store.read(|tx| {
        let mut wanted = Vec::new();
        for opened in mails.iter() {
            wanted.extend(sender::to_look_up(tx, opened, desk)?);
        }
        Ok::<_, StoreError>(wanted)
    })?;
    wanted.sort();
    wanted.dedup();
    wanted.truncate(wkd::TOGETHER);
    if wanted.is_empty() {
        return Ok(());
    }
    let seconds = begun_at.elapsed().as_secs() + 1;
    let found = Handle::current().block_on(async {
        let begin_at = begun_at + Duration::from_secs(seconds);
        tokio::time::sleep_until(begin_at.into()).await;
        directory.look_up(&wanted).await
    });
    for opened in mails {
        let from = opened.message.from.as_ref().map(Address::key);
        let certificates = from.and_then(|from| found.get(&from));
        opened.found = certificates.cloned().unwrap_or_default();
    }
    Ok(())
}

fn waiting_for_key(mails: &[Opened]) -> Vec<Place> {
    let waiting = mails.iter().filter(|opened| opened.waits_for_key());
    waiting
        .filter_map(|opened| opened.mail.place.clone())
        .collect()
}

/// Records the mails in one transaction, returns what is to be filed.
fn record_batch(
    shared: &Shared,
    desk: &Desk,
    folder: &Folder,
    batch: &Batch,
    mails: &mut [Opened],
) -> Result<Vec<Uid>, StoreError> {
    let finish = |tx: &Tx<'_>, mails: &[Opened]| {
        let mut to_file = Vec::new();
        for place in mails.iter().filter_map(|opened| opened.mail.place.as_ref()) {
            if tx.is_unfiled(place)? {
                to_file.push(place.uid.clone());
            }
        }
        for entry in &batch.entries {
            // Recorded, or gone from the folder before it was fetched.
            tx.forget_attempts(&folder.place(&entry.uid))?;
        }
        tx.set_cursor(&folder.mailbox, &folder.name, batch.cursor)?;
        killpoint::reached("recorded");
        Ok(to_file)
    };
    let to_file = intake::record_all(&shared.store, mails, desk, Utc::now(), finish)?;
    killpoint::reached("committed");
    Ok(to_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_minute() {
        for (failures, whole) in [(0, 1), (1, 2), (5, 32), (6, 60), (40, 60)] {
            let pause = pause_after(failures).as_secs_f32();
            let whole = whole as f32;
            assert!((whole * 0.75..=whole).contains(&pause), "{pause}");
        }
    }
}
