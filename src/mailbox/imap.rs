//! The mailbox of an IMAP server (RFC 3501).
//!
//! What a call returns is complete, or the call is an error: a mail counts as
//! vanished when the server says so, never because an answer did not mention
//! it. UIDs are listed first and asked for by name, and what came is compared
//! with what was asked. After an error the session is thrown away.
//!
//! Filing is cosmetic and may be repeated. Bodies are read with PEEK, so that
//! nothing in the mailbox changes before a mail is recorded.
//!
//! `connection` runs commands and judges their outcome; `wire` bounds what a
//! server can make us take; `names` writes folder names and UID sets. The calls
//! of the mailbox are in `selecting`, `listing`, `fetching`, `filing`, `waiting`.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::timeout;

use self::connection::Connection;
use self::selecting::Selected;
use self::wire::Wire;
use super::{Entry, Fetched, Lane, Listing, Mailbox, MailboxError, Part, Uid};
use crate::config::{self, Folders, SecretSource, Server, TlsMode};
use crate::tls;

mod connection;
mod fetching;
mod filing;
mod listing;
mod names;
mod selecting;
mod waiting;
mod wire;

pub use self::connection::Timeouts;

/// Goodbye is not waited for longer than this.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of an answer to FETCH besides what was asked for, per mail.
const FETCH_OVERHEAD: u64 = 100;

/// A password may come from a program that asks elsewhere.
const PASSWORD_TIMEOUT: Duration = Duration::from_secs(30);

/// A session with an IMAP server, logged in.
pub struct Imap {
    connection: Connection,
    /// `imap mail.example.org:993`, for errors.
    server: String,
    folders: Folders,
    selected: Option<Selected>,
    /// UIDVALIDITY at the last listing: the UIDs that the caller holds are from then.
    listed: HashMap<Lane, u32>,
    /// The highest UID of the inbox that was listed or is known to the caller.
    highest: u32,
    /// The server said no to IDLE in this session.
    idle_refused: bool,
    /// The server said no to our keyword, and it was logged.
    keyword_refused: bool,
}

impl Imap {
    /// Connects, makes TLS as configured, and logs in.
    ///
    /// `max_literal`: the largest mail in bytes that the caller will fetch; a server
    /// that announces more (and 1 MiB) is refused before memory is taken for it.
    pub async fn connect(config: &config::Imap, max_literal: u64) -> Result<Self, MailboxError> {
        Self::connect_within(config, max_literal, Timeouts::default()).await
    }

    /// As `connect`, with other timeouts.
    pub async fn connect_within(
        config: &config::Imap,
        max_literal: u64,
        timeouts: Timeouts,
    ) -> Result<Self, MailboxError> {
        let server = format!("imap {}:{}", config.server.host, config.server.port);
        let connection = open(&config.server, max_literal, timeouts)
            .await
            .map_err(|cause| fault(&server, "connect", cause))?;
        let connection = log_in(connection, config)
            .await
            .map_err(|cause| fault(&server, &format!("login as {}", config.username), cause))?;
        Ok(Self {
            connection,
            server,
            folders: config.folders.clone(),
            selected: None,
            listed: HashMap::new(),
            highest: 0,
            idle_refused: false,
            keyword_refused: false,
        })
    }

    /// Wraps a cause with the server, the step and the folder.
    fn at<T>(&self, step: &str, lane: Lane, outcome: Result<T, String>) -> Result<T, MailboxError> {
        let folder = self.folder(lane).unwrap_or(lane.as_str());
        outcome.map_err(|cause| fault(&self.server, &format!("{step} {folder:?}"), cause))
    }

    fn folder(&self, lane: Lane) -> Option<&str> {
        match lane {
            Lane::Inbox => Some(&self.folders.inbox),
            Lane::Junk => self.folders.junk.as_deref(),
        }
    }
}

fn fault(server: &str, step: &str, cause: String) -> MailboxError {
    MailboxError {
        context: format!("{server}: {step}"),
        cause,
    }
}

impl Mailbox for Imap {
    async fn list(
        &mut self,
        lane: Lane,
        after: Option<(u32, &str)>,
    ) -> Result<Listing, MailboxError> {
        let listing = self.list_lane(lane, after).await;
        self.at("list", lane, listing)
    }

    async fn fetch(
        &mut self,
        lane: Lane,
        entries: &[Entry],
        part: Part,
    ) -> Result<Vec<Fetched>, MailboxError> {
        let fetched = self.fetch_lane(lane, entries, part).await;
        self.at("fetch from", lane, fetched)
    }

    async fn file(&mut self, lane: Lane, validity: u32, uids: &[Uid]) -> Result<(), MailboxError> {
        let filed = self.file_lane(lane, validity, uids).await;
        self.at("file mails of", lane, filed)
    }

    async fn wait(&mut self, at_most: Duration) -> Result<(), MailboxError> {
        let waited = self.wait_for_inbox(at_most).await;
        self.at("wait for", Lane::Inbox, waited)
    }

    async fn close(mut self) {
        // Nothing depends on it: the server sees the connection end in any case.
        let _ = timeout(LOGOUT_TIMEOUT, self.connection.run("LOGOUT")).await;
    }
}

async fn open(server: &Server, max_literal: u64, timeouts: Timeouts) -> Result<Connection, String> {
    let tcp = tls::connect_tcp(server, timeouts.connect).await?;
    match server.tls {
        TlsMode::Implicit => {
            let stream = tls::handshake(tcp, server, timeouts.connect).await?;
            greeted(Wire::tls(stream, max_literal), timeouts).await
        }
        TlsMode::StartTls => {
            let mut plain = greeted(Wire::plain(tcp, max_literal), timeouts).await?;
            plain.run("STARTTLS").await?.accepted()?;
            let tcp = plain.into_tcp().ok_or("STARTTLS within TLS")?;
            let stream = tls::handshake(tcp, server, timeouts.connect).await?;
            // No second greeting (RFC 3501, 6.2.1).
            Ok(Connection::new(Wire::tls(stream, max_literal), timeouts))
        }
        TlsMode::Off => {
            let peer = tcp.peer_addr().map_err(|error| error.to_string())?;
            if !peer.ip().is_loopback() {
                return Err(format!(
                    "tls = \"off\" is for this machine alone, and {} is not; use \"implicit\"",
                    peer.ip()
                ));
            }
            greeted(Wire::plain(tcp, max_literal), timeouts).await
        }
    }
}

async fn greeted(wire: Wire, timeouts: Timeouts) -> Result<Connection, String> {
    let mut connection = Connection::new(wire, timeouts);
    connection.greeting().await?;
    Ok(connection)
}

async fn log_in(mut connection: Connection, config: &config::Imap) -> Result<Connection, String> {
    let password = timeout(PASSWORD_TIMEOUT, read_password(config.password.clone()))
        .await
        .map_err(|_| "the password's command takes too long".to_owned())??;
    connection
        .log_in(&config.username, &password)
        .await?
        .accepted()
        .map_err(|cause| format!("{cause}; check imap.username and imap.password_file"))?;
    Ok(connection)
}

/// Reading may start a program, so it has a thread to wait in.
async fn read_password(source: SecretSource) -> Result<SecretString, String> {
    tokio::task::spawn_blocking(move || source.read())
        .await
        .map_err(|_| "reading the password failed".to_owned())?
        .map_err(|error| format!("the password cannot be read: {error}"))
}

fn quoted(name: &str) -> Result<String, String> {
    names::quoted(name).ok_or_else(|| format!("{name:?} cannot be the name of a folder"))
}

/// UIDs as numbers, ascending, each once. What is none (the name of a file, from
/// a time with a Maildir) is no mail of this server.
fn numbers<'a>(uids: impl Iterator<Item = &'a Uid>) -> Vec<u32> {
    let numbers: BTreeSet<u32> = uids.filter_map(|uid| uid.parse().ok()).collect();
    numbers.into_iter().collect()
}
