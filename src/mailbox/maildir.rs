//! A Maildir++ folder on this machine.
//!
//! `new/` and `cur/` of the path are the inbox, `.Junk` and `.Triaged` inside of it
//! the other folders. A mail's UID is its file name before `:2,`: it stays the
//! same while flags change and while a mail program moves it from `new/` to `cur/`.
//! `tmp/` is never read: what lies there is not delivered yet.
//!
//! Only plain files are mail. A link could name any file that we may read, so
//! links are skipped with a warning, and not followed if they come later.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use rustix::fs::OFlags;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{Entry, Fetched, Lane, Listing, Mailbox, MailboxError, Part, Uid};
use crate::config::{self, Folders};

/// There are no epochs of UIDs here.
const VALIDITY: u32 = 1;

/// How often the folder is looked at while waiting.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes read of a mail of which only the header is wanted.
const MAX_HEADER: u64 = 1024 * 1024;

/// Behind the unique part of a file name; flags follow.
const INFO: &str = ":2,";

pub struct MaildirBox {
    disk: Arc<Disk>,
    listed: Option<Snapshot>,
}

impl MaildirBox {
    /// Makes the folder, for its owner alone, where it is missing.
    ///
    /// Errors: it cannot be made, or it was `read_before` and is gone: an empty one in its place would
    /// hide that the mail of a disk that is away is not fetched.
    pub fn open(config: &config::Maildir, read_before: bool) -> Result<Self, MailboxError> {
        if read_before && !config.path.join("cur").is_dir() {
            return Err(MailboxError {
                context: format!("maildir {}: open", config.path.display()),
                cause:
                    "mails were read from it, and its folder `cur` is gone. Is its disk mounted? \
                        If it is meant to be empty, make it anew"
                        .to_owned(),
            });
        }
        make_maildir(&config.path).map_err(|error| fault(&config.path, "open", &error))?;
        Ok(Self {
            disk: Arc::new(Disk {
                path: config.path.clone(),
                folders: config.folders.clone(),
                warned: Mutex::default(),
            }),
            listed: None,
        })
    }

    /// A disk may be slow, or a network's: it has a thread to wait in.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, MailboxError> + Send + 'static,
    ) -> Result<T, MailboxError> {
        let disk = Arc::clone(&self.disk);
        tokio::task::spawn_blocking(move || work(&disk))
            .await
            .unwrap_or_else(|error| Err(fault(&self.disk.path, "work", &io::Error::other(error))))
    }
}

impl Mailbox for MaildirBox {
    /// `after` does not matter: file names have no order. The caller skips what it knows.
    async fn list(
        &mut self,
        lane: Lane,
        _after: Option<(u32, &str)>,
    ) -> Result<Listing, MailboxError> {
        let before = Snapshot::take(&self.disk.path);
        let listing = self.on_disk(move |disk| disk.list(lane)).await?;
        if lane == Lane::Inbox {
            self.listed = Some(before);
        }
        Ok(listing)
    }

    async fn fetch(
        &mut self,
        lane: Lane,
        entries: &[Entry],
        part: Part,
    ) -> Result<Vec<Fetched>, MailboxError> {
        let entries = entries.to_vec();
        self.on_disk(move |disk| disk.fetch(lane, entries, part))
            .await
    }

    async fn file(&mut self, lane: Lane, validity: u32, uids: &[Uid]) -> Result<(), MailboxError> {
        if validity != VALIDITY {
            return Ok(());
        }
        let uids = uids.to_vec();
        self.on_disk(move |disk| disk.file(lane, &uids)).await
    }

    async fn wait(&mut self, at_most: Duration) -> Result<(), MailboxError> {
        let until = Instant::now() + at_most;
        let Some(listed) = self.listed else {
            return Ok(());
        };
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || listed.changed != changed(&self.disk.path) {
                return Ok(());
            }
            sleep(LOOK_INTERVAL.min(left)).await;
            if listed.is_unsure {
                return Ok(());
            }
        }
    }

    async fn close(self) {}
}

/// When `new/` and `cur/` had changed last.
type Changed = [Option<SystemTime>; 2];

#[derive(Clone, Copy)]
struct Snapshot {
    changed: Changed,
    /// So fresh that a further change may have got the same time: file systems
    /// count in ticks.
    is_unsure: bool,
}

impl Snapshot {
    fn take(path: &Path) -> Self {
        let changed = changed(path);
        let now = SystemTime::now();
        let is_fresh =
            |at: &SystemTime| now.duration_since(*at).is_ok_and(|age| age < LOOK_INTERVAL);
        Self {
            changed,
            is_unsure: changed.iter().flatten().any(is_fresh),
        }
    }
}

fn changed(path: &Path) -> Changed {
    ["new", "cur"].map(|name| {
        fs::metadata(path.join(name))
            .and_then(|metadata| metadata.modified())
            .ok()
    })
}

struct Disk {
    path: PathBuf,
    folders: Folders,
    /// Files that were warned about already.
    warned: Mutex<HashSet<PathBuf>>,
}

struct Found {
    path: PathBuf,
    entry: Entry,
}

impl Disk {
    /// `None`: there is no such lane.
    fn folder(&self, lane: Lane) -> Option<PathBuf> {
        match lane {
            Lane::Inbox => Some(self.path.clone()),
            Lane::Junk => {
                let name = self.folders.junk.as_deref()?;
                Some(subfolder(&self.path, name))
            }
        }
    }

    fn list(&self, lane: Lane) -> Result<Listing, MailboxError> {
        let found = self.find_all(lane)?.into_values();
        let mut entries: Vec<Entry> = found.map(|found| found.entry).collect();
        entries.sort_by(|a, b| (a.received_at, &a.uid).cmp(&(b.received_at, &b.uid)));
        Ok(Listing {
            validity: VALIDITY,
            entries,
            troubled: Vec::new(),
        })
    }

    fn fetch(
        &self,
        lane: Lane,
        entries: Vec<Entry>,
        part: Part,
    ) -> Result<Vec<Fetched>, MailboxError> {
        let mut found = self.find_all(lane)?;
        let mut fetched = Vec::with_capacity(entries.len());
        for entry in entries {
            let mut bytes = read(found.get(&entry.uid), part)?;
            if bytes.is_none() && found.contains_key(&entry.uid) {
                // A mail program moved it this moment, or deleted it.
                found = self.find_all(lane)?;
                bytes = read(found.get(&entry.uid), part)?;
            }
            fetched.extend(bytes.map(|bytes| Fetched { entry, bytes }));
        }
        Ok(fetched)
    }

    fn file(&self, lane: Lane, uids: &[Uid]) -> Result<(), MailboxError> {
        let found = self.find_all(lane)?;
        let found: Vec<&Found> = uids.iter().filter_map(|uid| found.get(uid)).collect();
        let Some(lane_folder) = self.folder(lane) else {
            return Ok(());
        };
        if found.is_empty() {
            return Ok(());
        }
        let Some(processed) = self.folders.processed.as_deref() else {
            return found
                .iter()
                .try_for_each(|mail| put_away(mail, &lane_folder, flags(&mail.path)));
        };
        let processed = subfolder(&self.path, processed);
        make_subfolder(&processed).map_err(|error| fault(&processed, "make", &error))?;
        found
            .iter()
            .try_for_each(|mail| put_away(mail, &processed, "S".to_owned()))
    }

    /// All mails of a lane by their UID; none where the lane has no folder.
    fn find_all(&self, lane: Lane) -> Result<HashMap<Uid, Found>, MailboxError> {
        let mut mails = HashMap::new();
        let Some(folder) = self.folder(lane) else {
            return Ok(mails);
        };
        // A mail moves from new/ to cur/, not back: read in this order, none is missed.
        for name in ["new", "cur"] {
            let directory = folder.join(name);
            match self.read_directory(&directory, &mut mails) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && lane == Lane::Junk => {}
                outcome => outcome.map_err(|error| fault(&directory, "list", &error))?,
            }
        }
        Ok(mails)
    }

    fn read_directory(&self, directory: &Path, mails: &mut HashMap<Uid, Found>) -> io::Result<()> {
        for file in fs::read_dir(directory)? {
            let file = file?;
            let path = file.path();
            let name = file.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            // Of the link itself, not of what it names.
            let metadata = match file.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            if !metadata.is_file() {
                self.warn_once(path);
                continue;
            }
            let entry = Entry {
                uid: unique_part(&name).to_owned(),
                size: metadata.len(),
                received_at: metadata.modified().map(DateTime::<Utc>::from)?,
            };
            mails.insert(entry.uid.clone(), Found { path, entry });
        }
        Ok(())
    }

    fn warn_once(&self, path: PathBuf) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if !warned.contains(&path) {
            warn!(path = %path.display(), "ignored in the Maildir: not a plain file");
            warned.insert(path);
        }
    }
}

/// `None`: the file is not there, or not any more.
fn read(mail: Option<&Found>, part: Part) -> Result<Option<Vec<u8>>, MailboxError> {
    let Some(Found { path, .. }) = mail else {
        return Ok(None);
    };
    match read_file(path, part) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault(path, "read", &error)),
    }
}

fn read_file(path: &Path, part: Part) -> io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a plain file"));
    }
    match part {
        Part::Whole => {
            let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        }
        Part::Header => {
            let mut bytes = Vec::new();
            file.take(MAX_HEADER).read_to_end(&mut bytes)?;
            bytes.truncate(header_length(&bytes));
            Ok(bytes)
        }
    }
}

/// The length of the header block with the empty line after it, as BODY[HEADER] has it.
fn header_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        length += line.len();
        if line == b"\n" || line == b"\r\n" {
            break;
        }
    }
    length
}

/// Moves a mail into `cur/` of a folder. One that is gone needs no filing.
fn put_away(mail: &Found, folder: &Path, flags: String) -> Result<(), MailboxError> {
    let from = &mail.path;
    let to = free_name(&folder.join("cur"), &mail.entry.uid, &flags, from);
    match fs::rename(from, &to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault(from, "move", &error)),
        _ => Ok(()),
    }
}

/// A name in `directory` under which no other mail lies: a rename would destroy it.
fn free_name(directory: &Path, unique: &str, flags: &str, from: &Path) -> PathBuf {
    let mut name = directory.join(format!("{unique}{INFO}{flags}"));
    let mut copies = 1;
    while name != from && name.symlink_metadata().is_ok() {
        copies += 1;
        name = directory.join(format!("{unique}_{copies}{INFO}{flags}"));
    }
    name
}

fn unique_part(name: &str) -> &str {
    name.split_once(INFO).map_or(name, |(unique, _)| unique)
}

fn flags(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split_once(INFO)
        .map(|(_, flags)| flags.to_owned())
        .unwrap_or_default()
}

/// Maildir++: all folders lie beside each other, levels are separated by dots.
fn subfolder(path: &Path, name: &str) -> PathBuf {
    path.join(format!(".{}", name.replace('/', ".")))
}

fn make_maildir(path: &Path) -> io::Result<()> {
    ["cur", "new", "tmp"].iter().try_for_each(|name| {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path.join(name))
    })
}

/// Maildir++ marks a sub-folder by an empty file, so that nobody delivers into it as an inbox.
fn make_subfolder(path: &Path) -> io::Result<()> {
    make_maildir(path)?;
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path.join("maildirfolder"))
        .map(drop)
}

fn fault(path: &Path, step: &str, error: &io::Error) -> MailboxError {
    MailboxError {
        context: format!("maildir {}: {step}", path.display()),
        cause: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use tempfile::TempDir;

    struct Fixture {
        root: TempDir,
        mailbox: MaildirBox,
    }

    fn fixture(processed: Option<&str>) -> Fixture {
        let root = TempDir::new().unwrap();
        let config = config::Maildir {
            path: root.path().join("mail"),
            folders: Folders {
                inbox: "INBOX".to_owned(),
                junk: Some("Junk".to_owned()),
                processed: processed.map(str::to_owned),
                poll_interval: Duration::from_secs(60),
                answer_newer_than: Duration::from_secs(60),
            },
        };
        let mailbox = MaildirBox::open(&config, false).unwrap();
        Fixture { root, mailbox }
    }

    impl Fixture {
        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join("mail").join(name)
        }

        /// `age`: seconds before now.
        fn deliver(&self, name: &str, bytes: &[u8], age: u64) {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            let at = SystemTime::now() - Duration::from_secs(age);
            File::options()
                .append(true)
                .open(&path)
                .unwrap()
                .set_modified(at)
                .unwrap();
        }

        /// Makes the folders look untouched for a while.
        fn settle(&self) {
            for name in ["new", "cur"] {
                let at = SystemTime::now() - Duration::from_secs(100);
                File::open(self.path(name))
                    .unwrap()
                    .set_modified(at)
                    .unwrap();
            }
        }

        async fn list(&mut self, lane: Lane) -> Vec<Entry> {
            let listing = self.mailbox.list(lane, None).await.unwrap();
            assert_eq!(listing.validity, 1);
            listing.entries
        }

        async fn uids(&mut self, lane: Lane) -> Vec<Uid> {
            let entries = self.list(lane).await;
            entries.into_iter().map(|entry| entry.uid).collect()
        }
    }

    #[tokio::test]
    async fn lists_new_and_cur_in_order_of_arrival() {
        let mut fixture = fixture(None);
        fixture.deliver("new/3.c.host", b"three", 10);
        fixture.deliver("cur/1.a.host:2,S", b"one", 30);
        fixture.deliver("new/2.b.host", b"two!", 20);
        fixture.deliver("tmp/0.x.host", b"unfinished", 40);
        fixture.deliver("new/.hidden", b"no mail", 40);
        fixture.deliver(".Junk/cur/9.j.host:2,", b"junk", 5);
        let entries = fixture.list(Lane::Inbox).await;
        let seen: Vec<(&str, u64)> = entries
            .iter()
            .map(|entry| (entry.uid.as_str(), entry.size))
            .collect();
        assert_eq!(seen, [("1.a.host", 3), ("2.b.host", 4), ("3.c.host", 5)]);
        let age = Utc::now() - entries[0].received_at;
        assert!((29..60).contains(&age.num_seconds()), "{age}");
        assert_eq!(fixture.uids(Lane::Junk).await, ["9.j.host"]);
    }

    #[tokio::test]
    async fn a_missing_junk_folder_is_empty() {
        let mut fixture = fixture(None);
        assert!(fixture.uids(Lane::Junk).await.is_empty());
        assert!(!fixture.path(".Junk").exists());
    }

    #[tokio::test]
    async fn links_and_directories_are_no_mail() {
        let mut fixture = fixture(Some("Triaged"));
        let secret = fixture.root.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        std::os::unix::fs::symlink(&secret, fixture.path("new/1.link")).unwrap();
        fs::create_dir(fixture.path("new/2.directory")).unwrap();
        fixture.deliver("new/3.mail", b"mail", 1);
        assert_eq!(fixture.uids(Lane::Inbox).await, ["3.mail"]);
    }

    #[tokio::test]
    async fn a_link_put_in_the_place_of_a_mail_is_not_followed() {
        let fixture = fixture(None);
        let path = fixture.path("new/1.link");
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(read_file(&path, Part::Whole).is_err());
    }

    #[tokio::test]
    async fn fetches_in_the_order_asked_for_and_skips_what_vanished() {
        let mut fixture = fixture(None);
        fixture.deliver("new/1.a", b"From: a\n\nA\xff", 3);
        fixture.deliver("new/2.b", b"From: b\r\nTo: c\r\n\r\nB", 2);
        fixture.deliver("new/3.c", b"C", 1);
        let entries = fixture.list(Lane::Inbox).await;
        let reversed: Vec<Entry> = entries.into_iter().rev().collect();
        fs::remove_file(fixture.path("new/3.c")).unwrap();
        fs::rename(fixture.path("new/1.a"), fixture.path("cur/1.a:2,RS")).unwrap();
        let whole = fixture
            .mailbox
            .fetch(Lane::Inbox, &reversed, Part::Whole)
            .await
            .unwrap();
        let bytes: Vec<&[u8]> = whole.iter().map(|mail| mail.bytes.as_slice()).collect();
        assert_eq!(
            bytes,
            [&b"From: b\r\nTo: c\r\n\r\nB"[..], b"From: a\n\nA\xff"]
        );
        assert_eq!(whole[0].entry, reversed[1]);
        let headers = fixture
            .mailbox
            .fetch(Lane::Inbox, &reversed, Part::Header)
            .await
            .unwrap();
        let bytes: Vec<&[u8]> = headers.iter().map(|mail| mail.bytes.as_slice()).collect();
        assert_eq!(bytes, [&b"From: b\r\nTo: c\r\n\r\n"[..], b"From: a\n\n"]);
    }

    #[test]
    fn header_blocks() {
        #[track_caller]
        fn check(mail: &str, header: &str) {
            assert_eq!(header_length(mail.as_bytes()), header.len(), "{mail:?}");
        }
        check("A: b\n\nbody\n\nmore", "A: b\n\n");
        check("A: b\r\n\r\nbody", "A: b\r\n\r\n");
        check("A: b\r\n", "A: b\r\n");
        check("\nbody", "\n");
        check("", "");
    }

    #[tokio::test]
    async fn files_into_the_processed_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let mut fixture = fixture(Some("Triaged"));
        fixture.deliver("new/1.a", b"A", 3);
        fixture.deliver("cur/2.b:2,F", b"B", 2);
        fixture.deliver(".Junk/new/3.c", b"C", 2);
        let uids = ["1.a", "2.b", "gone"].map(str::to_owned);
        for _ in 0..2 {
            fixture.mailbox.file(Lane::Inbox, 1, &uids).await.unwrap();
        }
        let junk = ["3.c".to_owned()];
        fixture.mailbox.file(Lane::Junk, 1, &junk).await.unwrap();
        assert!(fixture.uids(Lane::Inbox).await.is_empty());
        assert!(fixture.uids(Lane::Junk).await.is_empty());
        for (name, bytes) in [("1.a", "A"), ("2.b", "B"), ("3.c", "C")] {
            let path = fixture.path(&format!(".Triaged/cur/{name}:2,S"));
            assert_eq!(fs::read_to_string(path).unwrap(), bytes);
        }
        let mode = fs::metadata(fixture.path(".Triaged/cur"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(fixture.path(".Triaged/maildirfolder").exists());
    }

    #[tokio::test]
    async fn without_a_processed_folder_mail_is_seen_but_stays() {
        let mut fixture = fixture(None);
        fixture.deliver("new/1.a", b"A", 3);
        fixture.deliver("cur/2.b:2,FR", b"B", 2);
        let uids = ["1.a", "2.b"].map(str::to_owned);
        for _ in 0..2 {
            fixture.mailbox.file(Lane::Inbox, 1, &uids).await.unwrap();
        }
        assert!(fixture.path("cur/1.a:2,").exists());
        assert!(fixture.path("cur/2.b:2,FR").exists());
        assert_eq!(fixture.uids(Lane::Inbox).await, ["1.a", "2.b"]);
    }

    #[tokio::test]
    async fn filing_destroys_no_mail_of_the_same_name() {
        let mut fixture = fixture(Some("Triaged"));
        fixture.deliver(".Triaged/cur/1.a:2,S", b"first", 9);
        fixture.deliver("new/1.a", b"second", 3);
        let uids = ["1.a".to_owned()];
        fixture.mailbox.file(Lane::Inbox, 1, &uids).await.unwrap();
        let read = |name: &str| fs::read_to_string(fixture.path(name)).unwrap();
        assert_eq!(read(".Triaged/cur/1.a:2,S"), "first");
        assert_eq!(read(".Triaged/cur/1.a_2:2,S"), "second");
    }

    #[tokio::test]
    async fn nothing_is_filed_under_another_validity() {
        let mut fixture = fixture(Some("Triaged"));
        fixture.deliver("new/1.a", b"A", 3);
        let uids = ["1.a".to_owned()];
        fixture.mailbox.file(Lane::Inbox, 7, &uids).await.unwrap();
        assert_eq!(fixture.uids(Lane::Inbox).await, ["1.a"]);
    }

    #[tokio::test]
    async fn waits_until_a_mail_arrives() {
        let mut fixture = fixture(None);
        let at_most = Duration::from_millis(50);
        fixture.settle();
        fixture.list(Lane::Inbox).await;
        let begun = Instant::now();
        fixture.mailbox.wait(at_most).await.unwrap();
        assert!(begun.elapsed() >= at_most);

        // What came since the listing is not waited for.
        fixture.deliver("new/1.a", b"A", 0);
        let begun = Instant::now();
        let hour = Duration::from_secs(3_600);
        fixture.mailbox.wait(hour).await.unwrap();
        assert!(begun.elapsed() < LOOK_INTERVAL);
    }

    #[tokio::test]
    async fn a_folder_that_changed_just_now_is_looked_at_again() {
        let mut fixture = fixture(None);
        fixture.deliver("new/1.a", b"A", 0);
        fixture.list(Lane::Inbox).await;
        let hour = Duration::from_secs(3_600);
        let waited = tokio::time::timeout(5 * LOOK_INTERVAL, fixture.mailbox.wait(hour)).await;
        waited.unwrap().unwrap();
    }
}
