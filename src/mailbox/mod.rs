//! Where mail comes from: an interface of ours with two implementations.
//!
//! A mailbox lists what is new, hands over bytes untouched, and files what
//! was recorded. It decides nothing and knows no database: what it may skip
//! is told to it.

use chrono::{DateTime, Utc};

pub mod imap;
pub mod maildir;

/// The two folders that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    Inbox,
    /// What a filter put away as spam: read with low trust.
    Junk,
}

impl Lane {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Junk => "junk",
        }
    }
}

/// A name that a folder gives a mail: a UID for IMAP, the unique part of the file name for Maildir.
pub type Uid = String;

/// What a folder holds.
#[derive(Clone, Debug)]
pub struct Listing {
    /// UIDVALIDITY; when it changes, every known UID of the folder is void. Always 1 for Maildir.
    pub validity: u32,
    /// In order of arrival.
    pub entries: Vec<Entry>,
    /// Mails that are there and of which size and date cannot be had.
    pub troubled: Vec<Troubled>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Troubled {
    pub uid: Uid,
    /// The server's words, safe to log.
    pub cause: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub uid: Uid,
    /// Bytes; RFC822.SIZE.
    pub size: u64,
    /// INTERNALDATE, or the file's modification time.
    pub received_at: DateTime<Utc>,
}

/// By what the mail at a place is known to be the same as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    pub size: u64,
    pub received_at: DateTime<Utc>,
}

impl Entry {
    pub fn looks(&self) -> Looks {
        Looks {
            size: self.size,
            received_at: self.received_at,
        }
    }
}

/// A mail, or its header block alone, as it was in the folder.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub entry: Entry,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    Header,
}

/// Why a mailbox call failed. After any error the session is thrown away whole.
#[derive(Debug, thiserror::Error)]
#[error("{context}: {cause}")]
pub struct MailboxError {
    /// Which server or folder, and which step: `imap mail.example.org:993: login as security@example.org`.
    pub context: String,
    pub cause: String,
}

/// One session with a mailbox. Every call ends by itself within its timeouts.
///
/// The methods' futures are `Send`, so that a loop over any mailbox can be a task.
pub trait Mailbox: Send {
    /// All mails of the folder that may be new: those with a UID above `after`
    /// under the same `validity`, or all of them where the validity differs or
    /// `after` is `None`. A missing junk folder is an empty one.
    fn list(
        &mut self,
        lane: Lane,
        after: Option<(u32, &str)>,
    ) -> impl Future<Output = Result<Listing, MailboxError>> + Send;

    /// The bytes of these mails, in the order asked for. What vanished in between is
    /// absent; a mail that the server would not give is an error of the whole call.
    fn fetch(
        &mut self,
        lane: Lane,
        entries: &[Entry],
        part: Part,
    ) -> impl Future<Output = Result<Vec<Fetched>, MailboxError>> + Send;

    /// Files recorded mails: moves them to the processed folder, or marks them `$Triaged`.
    /// May be called again for the same mails, also for ones that are gone.
    fn file(
        &mut self,
        lane: Lane,
        validity: u32,
        uids: &[Uid],
    ) -> impl Future<Output = Result<(), MailboxError>> + Send;

    /// Returns when something may have arrived in the inbox, or after `at_most`.
    fn wait(
        &mut self,
        at_most: std::time::Duration,
    ) -> impl Future<Output = Result<(), MailboxError>> + Send;

    /// Says goodbye; errors do not matter any more.
    fn close(self) -> impl Future<Output = ()> + Send;
}
