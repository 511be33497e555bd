//! The database: alone knows SQLite and SQL.
//!
//! One encrypted file (SQLCipher), WAL, `synchronous=FULL`: what a committed
//! transaction holds survives a crash of the machine. A function per question
//! or change; changes take a [`Tx`], so that all that one mail causes commits
//! together or not at all.
//!
//! Errors: [`StoreError`]. `Busy`, `Full` and `Disk` pass by themselves or with an
//! administrator's help; the caller tries again and nothing is lost. `Replaced` does not: the
//! file at the path is not the one that is open, and what is written would go with it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use secrecy::{ExposeSecret, SecretString};

pub mod audit;
pub mod board;
pub mod cases;
pub mod certificates;
pub mod changes;
pub mod deadlines;
pub mod intake;
pub mod key_alerts;
pub mod listed;
pub mod marks;
pub mod orders;
pub mod outbox;
pub mod tidings;
pub mod wrong_clock;

const SCHEMA: &str = include_str!("../../schema.sql");

/// Steps from one released schema to the next; `MIGRATIONS[n]` leads from version n + 1.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0002_life_of_a_case.sql"),
    include_str!("migrations/0003_certificates_and_keys.sql"),
    include_str!("migrations/0004_the_team.sql"),
];

/// The schema that this program writes.
pub const SCHEMA_VERSION: u32 = 1 + MIGRATIONS.len() as u32;

/// Pages of 4 KiB in memory. What does not fit is decrypted again when it is next read, and
/// encrypted twice when one transaction changes it.
const PAGES_IN_MEMORY: u32 = 2_048;
/// The write-ahead log is brought into the database when it has so many pages: many mails change
/// the same ones.
const PAGES_OF_LOG: u32 = 4_096;

/// All that the path of a mail needs, so that none is compiled twice.
const STATEMENTS_KEPT: usize = 128;

/// How long a write waits for another process before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "{path}: there is no database yet; `triaged run` or `triaged ingest` makes it",
        path = .0.display()
    )]
    Missing(PathBuf),
    #[error(
        "{path}: this is no database that storage.key_file opens; check that the key belongs to it",
        path = .0.display()
    )]
    WrongKey(PathBuf),
    #[error(
        "{path}: schema version {found} is newer than this program's {SCHEMA_VERSION}; \
         install the newer triaged or restore a backup",
        path = .path.display()
    )]
    Newer { path: PathBuf, found: u32 },
    #[error("storage.key_file: {0}")]
    Key(String),
    #[error("database: another process has locked it ({0}); it is tried again")]
    Busy(String),
    #[error("database: the disk is full ({0}); make room, it is tried again")]
    Full(String),
    #[error("database: its disk fails ({0}); look at the disk, it is tried again")]
    Disk(String),
    #[error(
        "{path}: cannot be opened ({cause}); check storage.path, and that the file and its folder \
         belong to the user that triaged runs as",
        path = .path.display()
    )]
    Unopenable { path: PathBuf, cause: String },
    #[error(
        "{path}: was deleted or replaced while it was open, so nothing more is written; put the \
         file or a backup back and start again (without one, an empty database is begun; mail \
         recorded before lies in the processed folder of the mailbox)",
        path = .0.display()
    )]
    Replaced(PathBuf),
    #[error("database: {case} is damaged ({what}); put a backup back")]
    Damaged { case: String, what: String },
    #[error("database: {0}")]
    Sql(rusqlite::Error),
    #[error("database: {0}")]
    Io(std::io::Error),
    #[error("{0}")]
    Refused(String),
    /// Whoever was to write it could not, for a reason that passes.
    #[error("nothing is recorded yet: {0}; it is tried again")]
    Postponed(String),
}

impl StoreError {
    /// The database, its disk or a key that is away is at fault, not what was to be written.
    pub fn passes_by_itself(&self) -> bool {
        matches!(
            self,
            Self::Busy(_) | Self::Full(_) | Self::Disk(_) | Self::Io(_) | Self::Postponed(_)
        )
    }

    pub fn is_replaced(&self) -> bool {
        matches!(self, Self::Replaced(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy(error.to_string())
            }
            Some(ErrorCode::DiskFull) => Self::Full(error.to_string()),
            Some(ErrorCode::SystemIoFailure) => Self::Disk(error.to_string()),
            _ => Self::Sql(error),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Self::Full(error.to_string());
        }
        // A large mail is written as to a file, and SQLite's error comes in this coat.
        match error.downcast::<rusqlite::Error>() {
            Ok(error) => error.into(),
            Err(error) => Self::Io(error),
        }
    }
}

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The open database. Shared by the tasks of a process; one statement or transaction at a time.
pub struct Store {
    path: PathBuf,
    /// The database and its write-ahead log, as they were opened.
    files: Vec<OpenFile>,
    connection: Mutex<Connection>,
}

/// A file, and what it is known by whatever its name: device and inode.
struct OpenFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl OpenFile {
    fn at(path: PathBuf) -> std::io::Result<Self> {
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    fn is_in_place(&self) -> bool {
        identity(&self.path).is_ok_and(|found| found == self.identity)
    }
}

fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// A write transaction. Dropped without a commit it leaves nothing behind.
pub struct Tx<'a>(Transaction<'a>);

impl Store {
    /// Opens the database, makes it where there is none, brings an older one up to date.
    pub fn open(path: &Path, key: &SecretString) -> Result<Self> {
        let is_new = !path.exists();
        if is_new {
            hexadecimal(key)?;
            create_private(path)?;
        }
        let store = Self::connect(path, key, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        store.bring_up_to_date()?;
        Ok(store)
    }

    /// Opens an existing database for reading alone. `Missing` where there is none.
    pub fn open_read_only(path: &Path, key: &SecretString) -> Result<Self> {
        if !path.exists() {
            return Err(StoreError::Missing(path.to_owned()));
        }
        // A reader of a WAL database needs to write its shared-memory file.
        let store = Self::connect(path, key, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        match store.version()? {
            SCHEMA_VERSION => {}
            0 => return Err(StoreError::Missing(path.to_owned())),
            found if found > SCHEMA_VERSION => {
                return Err(StoreError::Newer {
                    path: path.to_owned(),
                    found,
                });
            }
            _ => store.bring_up_to_date()?,
        }
        store.lock().pragma_update(None, "query_only", true)?;
        Ok(store)
    }

    /// An empty database in memory: what `explain` asks where there is none yet.
    pub fn in_memory() -> Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        let store = Self {
            path: PathBuf::from(":memory:"),
            files: Vec::new(),
            connection: Mutex::new(connection),
        };
        store.bring_up_to_date()?;
        Ok(store)
    }

    fn connect(path: &Path, key: &SecretString, flags: OpenFlags) -> Result<Self> {
        let refused = |error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::WrongKey(path.to_owned()),
            Some(ErrorCode::CannotOpen) => StoreError::Unopenable {
                path: path.to_owned(),
                cause: error.to_string(),
            },
            _ => error.into(),
        };
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(refused)?;
        unlock(&connection, key)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let read_schema =
            || connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
        read_schema().map_err(refused)?;
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(refused)?;
        // Makes the write-ahead log where there is none.
        read_schema().map_err(refused)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let mut files = vec![OpenFile::at(path.to_owned())?];
        // There is none on the few file systems where SQLite has to do without.
        files.extend(OpenFile::at(log.into()));
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", PAGES_IN_MEMORY)?;
        connection.pragma_update(None, "wal_autocheckpoint", PAGES_OF_LOG)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(Self {
            path: path.to_owned(),
            files,
            connection: Mutex::new(connection),
        })
    }

    /// Is the open database still the one at its path? `Replaced` where it is not.
    ///
    /// Somebody may delete it or put a backup in its place under a running daemon, and SQLite
    /// goes on writing into a file without a name, which is gone with the process.
    pub fn check_in_place(&self) -> Result<()> {
        match self.files.iter().find(|file| !file.is_in_place()) {
            None => Ok(()),
            Some(gone) => Err(StoreError::Replaced(gone.path.clone())),
        }
    }

    /// Moves the log of a replaced database out of the way, as `…-wal.replaced`.
    ///
    /// SQLite would read it into the file that is at the path now, which it does not belong to.
    /// It is kept: it holds the last changes of the database that was moved away.
    pub fn set_log_aside(&self) -> Result<()> {
        let [database, log] = self.files.as_slice() else {
            return Ok(());
        };
        if !database.is_in_place() && log.is_in_place() {
            let mut aside = log.path.as_os_str().to_owned();
            aside.push(".replaced");
            std::fs::rename(&log.path, aside)?;
        }
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` in one write transaction and commits it.
    pub fn write<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let tx = Tx(transaction);
        let value = work(&tx)?;
        // Last, so that as little time as possible is left for it to become untrue.
        self.check_in_place()?;
        tx.0.commit().map_err(StoreError::from)?;
        Ok(value)
    }

    /// Runs `work` in one transaction that is thrown away: questions that must agree with each other.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .map_err(StoreError::from)?;
        work(&Tx(transaction))
    }

    /// A consistent, encrypted copy (same key) while others go on writing. `to` must not exist,
    /// and its folder must.
    pub fn backup(&self, to: &Path) -> Result<()> {
        if to.exists() {
            return Err(StoreError::Refused(format!(
                "{}: exists already; name a new file",
                to.display()
            )));
        }
        make_private(to)?;
        let path = to.to_str().ok_or_else(|| {
            StoreError::Refused(format!("{}: the name is not UTF-8", to.display()))
        })?;
        let copied = self.lock().execute("VACUUM INTO ?1", [path]);
        if let Err(error) = copied {
            // A half-written copy would be mistaken for a backup.
            std::fs::remove_file(to)?;
            return Err(error.into());
        }
        std::fs::File::open(to)?.sync_all()?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back, so the connection is sound.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn version(&self) -> Result<u32> {
        Ok(self
            .lock()
            .pragma_query_value(None, "user_version", |row| row.get(0))?)
    }

    fn bring_up_to_date(&self) -> Result<()> {
        let found = self.version()?;
        if found == SCHEMA_VERSION {
            return Ok(());
        }
        if found > SCHEMA_VERSION {
            return Err(StoreError::Newer {
                path: self.path.clone(),
                found,
            });
        }
        self.write(|tx| {
            // Another process may have done it while this one waited for the lock.
            let found: u32 =
                tx.0.pragma_query_value(None, "user_version", |row| row.get(0))?;
            match usize::try_from(found).unwrap_or(usize::MAX).checked_sub(1) {
                None => tx.0.execute_batch(SCHEMA)?,
                Some(done) => {
                    for step in MIGRATIONS.iter().skip(done) {
                        tx.0.execute_batch(step)?;
                    }
                }
            }
            tx.0.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            Ok(())
        })
    }
}

impl Tx<'_> {
    /// Runs `work`; what it changed is undone if it fails, and the rest of the transaction stands.
    pub fn isolated<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>> {
        let run = |sql| self.0.prepare_cached(sql)?.execute([]);
        run("SAVEPOINT one_mail")?;
        let outcome = work();
        if outcome.is_err() {
            if self.is_over() {
                // A full disk rolled back the whole transaction: `outcome` tells why, and no
                // statement may follow, for it would be committed by itself.
                return Ok(outcome);
            }
            run("ROLLBACK TO one_mail")?;
        }
        run("RELEASE one_mail")?;
        Ok(outcome)
    }

    /// Did SQLite roll the whole transaction back by itself? A full disk or want of memory does
    /// that. Nothing more may be written.
    pub fn is_over(&self) -> bool {
        self.0.is_autocommit()
    }

    /// A small number of the daemon's own, under a name.
    pub fn set_fact(&self, name: &str, value: i64) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO facts (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )?
            .execute((name, value))?;
        Ok(())
    }

    pub fn fact(&self, name: &str) -> Result<Option<i64>> {
        optional(
            self.0
                .prepare_cached("SELECT value FROM facts WHERE name = ?1")?
                .query_row([name], |row| row.get(0)),
        )
    }
}

fn optional<T>(result: rusqlite::Result<T>) -> Result<Option<T>> {
    use rusqlite::OptionalExtension;
    Ok(result.optional()?)
}

/// An instant from the database; a value out of range is the beginning of time.
pub(crate) fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

/// Gives SQLCipher the raw key: 64 hexadecimal digits, so nothing is derived from it.
fn unlock(connection: &Connection, key: &SecretString) -> Result<()> {
    let key = hexadecimal(key)?;
    // SQLCipher's own words on a wrong key would stand beside our one line.
    connection.pragma_update(None, "cipher_log_level", "NONE")?;
    connection.pragma_update(None, "key", format!("x'{key}'"))?;
    Ok(())
}

fn hexadecimal(key: &SecretString) -> Result<&str> {
    let key = key.expose_secret().trim();
    if key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(key);
    }
    Err(StoreError::Key(
        "it must hold 64 hexadecimal digits (32 random bytes); \
         `openssl rand -hex 32` writes such a key"
            .to_owned(),
    ))
}

/// Makes an empty file that its owner alone may read, and the folder for it.
fn create_private(path: &Path) -> Result<()> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|error| {
            StoreError::Refused(format!(
                "{}: the folder cannot be made ({error}); check storage.path",
                folder.display()
            ))
        })?;
    }
    make_private(path).map_err(|error| {
        StoreError::Refused(format!(
            "{error}; check storage.path and the folder's owner"
        ))
    })
}

/// Makes an empty file that its owner alone may read.
fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Refused(format!(
            "{}: cannot be made ({error})",
            path.display()
        ))),
    }
}

#[cfg(test)]
pub(crate) mod tests;
