//! The IMAP client against servers that speak canned lines, for the faults that
//! no real server shows on demand.
//!
//! A script is a list of acts. `$ ` at the head of a line stands for the tag of the
//! last command. When the script is over the server keeps silent, or closes.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use triaged::config::{self, Folders, SecretSource, Server, TlsMode};
use triaged::mailbox::imap::{Imap, Timeouts};
use triaged::mailbox::maildir::MaildirBox;
use triaged::mailbox::{Entry, Fetched, Lane, Listing, Mailbox, MailboxError, Part};

const PASSWORD: &str = "correct \"horse\" \\battery";
const MAX_LITERAL: u64 = 1_000_000;

// The scripted server

#[derive(Clone)]
enum Act {
    /// Sends this.
    Say(Vec<u8>),
    /// Reads a command that begins so, and remembers its tag.
    Expect(String),
    /// Reads a line that is no command.
    ExpectLine(String),
    Tls(TlsAcceptor),
    Pause(Duration),
    Close,
}

#[derive(Clone, Default)]
struct Script(Vec<Act>);

impl Script {
    fn say(mut self, text: &str) -> Self {
        self.0.push(Act::Say(text.replace('\n', "\r\n").into()));
        self
    }

    fn expect(mut self, command: &str) -> Self {
        self.0.push(Act::Expect(command.to_owned()));
        self
    }

    fn on(self, command: &str, reply: &str) -> Self {
        self.expect(command).say(reply)
    }

    fn on_line(mut self, line: &str, reply: &str) -> Self {
        self.0.push(Act::ExpectLine(line.to_owned()));
        self.say(reply)
    }

    fn tls(mut self, acceptor: TlsAcceptor) -> Self {
        self.0.push(Act::Tls(acceptor));
        self
    }

    fn pause(mut self, duration: Duration) -> Self {
        self.0.push(Act::Pause(duration));
        self
    }

    fn close(mut self) -> Self {
        self.0.push(Act::Close);
        self
    }

    /// Greeting and login.
    fn logged_in(capabilities: &str) -> Self {
        Self::default()
            .say("* OK ready\n")
            .after_greeting(capabilities)
    }

    fn after_greeting(self, capabilities: &str) -> Self {
        self.on(
            "CAPABILITY",
            "* CAPABILITY IMAP4rev1 AUTH=PLAIN\n$ OK done\n",
        )
        .on("AUTHENTICATE PLAIN", "+ \n")
        .on_line(
            "AGFsaWNlQGV4YW1wbGUudGVzdABjb3JyZWN0ICJob3JzZSIgXGJhdHRlcnk=",
            &format!("$ OK [CAPABILITY {}] logged in\n", offered(capabilities)),
        )
    }

    fn selected(capabilities: &str) -> Self {
        Self::logged_in(capabilities).on("SELECT \"INBOX\"", SELECTED)
    }

    /// Logged in, and mails 4, 7 and 9 listed.
    fn listed(capabilities: &str) -> Self {
        Self::selected(capabilities)
            .on("UID SEARCH UID 1:*", "* SEARCH 4 7 9\n$ OK done\n")
            .on(
                "UID FETCH 4,7,9 (UID RFC822.SIZE INTERNALDATE)",
                "* 1 FETCH (UID 4 RFC822.SIZE 5 INTERNALDATE \" 7-May-2026 09:05:03 +0200\")\n\
                 * 2 FETCH (UID 7 RFC822.SIZE 4 INTERNALDATE \"17-May-2026 09:05:03 +0000\")\n\
                 * 3 FETCH (INTERNALDATE \"18-May-2026 09:05:03 +0000\" UID 9 RFC822.SIZE 0)\n\
                 $ OK done\n",
            )
    }
}

fn offered(capabilities: &str) -> String {
    format!("IMAP4rev1 {capabilities}").trim_end().to_owned()
}

const SELECTED: &str = "* FLAGS (\\Seen)\n* 3 EXISTS\n* 0 RECENT\n\
                        * OK [UIDVALIDITY 77] valid\n* OK [UIDNEXT 10] next\n\
                        $ OK [READ-WRITE] selected\n";

struct Running {
    port: u16,
    task: JoinHandle<Vec<String>>,
}

impl Running {
    /// The commands that came, without their tags. Fails where the client did not
    /// follow the script.
    async fn commands(self) -> Vec<String> {
        let commands = timeout(Duration::from_secs(30), self.task).await;
        commands
            .expect("the script ends")
            .expect("the script was followed")
    }
}

async fn start(script: Script) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        play(tcp, script).await
    });
    Running { port, task }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

enum Line {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

impl Line {
    fn stream(&mut self) -> &mut dyn Stream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.as_mut(),
        }
    }

    /// Byte by byte, so that nothing is read ahead of a handshake.
    async fn read(&mut self) -> Option<String> {
        let mut line = Vec::new();
        loop {
            match self.stream().read_u8().await {
                Ok(b'\n') => break,
                Ok(byte) => line.push(byte),
                Err(_) => return None,
            }
        }
        let line = String::from_utf8_lossy(&line);
        Some(line.trim_end_matches('\r').to_owned())
    }
}

async fn play(tcp: TcpStream, script: Script) -> Vec<String> {
    let mut line = Line::Plain(tcp);
    let mut tag = String::new();
    let mut commands = Vec::new();
    for act in script.0 {
        match act {
            Act::Say(text) => {
                let text = with_tag(&text, &tag);
                // The client may have gone, which its own side judges.
                let _ = line.stream().write_all(&text).await;
                let _ = line.stream().flush().await;
            }
            Act::Expect(expected) => {
                let Some(read) = line.read().await else {
                    panic!("closed where {expected:?} was expected");
                };
                let (its, command) = read.split_once(' ').unwrap_or((&read, ""));
                assert!(
                    command.starts_with(&expected),
                    "{command:?} where {expected:?} was expected"
                );
                tag = its.to_owned();
                commands.push(command.to_owned());
            }
            Act::ExpectLine(expected) => {
                assert_eq!(line.read().await.as_deref(), Some(expected.as_str()));
                commands.push(expected);
            }
            Act::Tls(acceptor) => {
                let Line::Plain(tcp) = line else {
                    panic!("TLS within TLS");
                };
                match acceptor.accept(tcp).await {
                    Ok(stream) => line = Line::Tls(Box::new(stream)),
                    // Refused by the client.
                    Err(_) => return commands,
                }
            }
            Act::Pause(duration) => sleep(duration).await,
            Act::Close => return commands,
        }
    }
    while let Some(read) = line.read().await {
        let command = read
            .split_once(' ')
            .map_or(read.as_str(), |(_, command)| command);
        commands.push(command.to_owned());
        if command == "LOGOUT" {
            break;
        }
    }
    commands
}

fn with_tag(text: &[u8], tag: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"$ ") {
            Some(rest) => {
                out.extend(tag.as_bytes());
                out.push(b' ');
                out.extend(rest);
            }
            None => out.extend(line),
        }
    }
    out
}

// The client

struct Account {
    config: config::Imap,
    timeouts: Timeouts,
    /// Holds the password file.
    _folder: TempDir,
}

fn account(port: u16) -> Account {
    let folder = TempDir::new().unwrap();
    let password_file = folder.path().join("password");
    std::fs::write(&password_file, format!("{PASSWORD}\n")).unwrap();
    Account {
        config: config::Imap {
            server: Server {
                host: "127.0.0.1".to_owned(),
                port,
                tls: TlsMode::Off,
                ca_file: None,
                pin_sha256: None,
            },
            username: "alice@example.test".to_owned(),
            password: SecretSource::File(password_file),
            folders: Folders {
                inbox: "INBOX".to_owned(),
                junk: Some("Junk".to_owned()),
                processed: Some("Triaged".to_owned()),
                poll_interval: Duration::from_secs(60),
                answer_newer_than: Duration::from_secs(60),
            },
        },
        timeouts: PATIENT,
        _folder: folder,
    }
}

/// So long that a loaded machine does not matter.
const PATIENT: Timeouts = Timeouts {
    connect: Duration::from_secs(20),
    stall: Duration::from_secs(20),
    command: Duration::from_secs(60),
    idle: Duration::from_secs(60),
};

/// For servers that stall.
const IMPATIENT: Timeouts = Timeouts {
    connect: Duration::from_millis(300),
    stall: Duration::from_millis(300),
    command: Duration::from_millis(900),
    idle: Duration::from_millis(300),
};

impl Account {
    async fn connect(&self) -> Result<Imap, MailboxError> {
        Imap::connect_within(&self.config, MAX_LITERAL, self.timeouts).await
    }
}

async fn connect(server: &Running) -> Imap {
    account(server.port).connect().await.unwrap()
}

async fn list(imap: &mut Imap) -> Result<Listing, MailboxError> {
    imap.list(Lane::Inbox, None).await
}

fn entry(uid: &str, size: u64) -> Entry {
    Entry {
        uid: uid.to_owned(),
        size,
        received_at: chrono::DateTime::UNIX_EPOCH,
    }
}

fn three() -> Vec<Entry> {
    vec![entry("4", 5), entry("7", 4), entry("9", 0)]
}

fn uids(uids: &[&str]) -> Vec<String> {
    uids.iter().map(|uid| (*uid).to_owned()).collect()
}

#[track_caller]
fn failed<T>(outcome: Result<T, MailboxError>, expected: &str) -> String {
    match outcome {
        Ok(_) => panic!("no error where {expected:?} was expected"),
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
            assert!(!error.contains("horse"), "{error:?} shows the password");
            error
        }
    }
}

fn bytes(mails: &[Fetched]) -> Vec<(&str, &str)> {
    mails
        .iter()
        .map(|mail| {
            let bytes = std::str::from_utf8(&mail.bytes).unwrap();
            (mail.entry.uid.as_str(), bytes)
        })
        .collect()
}

// What works

const THREE_BODIES: &str = "* 2 FETCH (UID 7 BODY[] {4}\nabcd)\n\
                            * 1 FETCH (FLAGS (\\Seen))\n\
                            * 1 FETCH (BODY[] \"short\" UID 4)\n\
                            * 3 FETCH (UID 9 BODY[] \"\")\n\
                            $ OK done\n";

#[tokio::test]
async fn lists_fetches_and_files() {
    let server = start(
        Script::listed("MOVE")
            .on("UID FETCH 4,7,9 (UID BODY.PEEK[])", THREE_BODIES)
            .on(
                "UID FETCH 7 (UID BODY.PEEK[HEADER])",
                "* 2 FETCH (UID 7 BODY[HEADER] {6}\nA: b\n)\n$ OK done\n",
            )
            .on("UID MOVE 4,7,9 \"Triaged\"", "* 1 EXPUNGE\n$ OK done\n"),
    )
    .await;
    let mut imap = connect(&server).await;
    let listing = list(&mut imap).await.unwrap();
    assert_eq!(listing.validity, 77);
    let seen: Vec<(String, u64, String)> = listing
        .entries
        .iter()
        .map(|entry| {
            (
                entry.uid.clone(),
                entry.size,
                entry.received_at.to_rfc3339(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("4".to_owned(), 5, "2026-05-07T07:05:03+00:00".to_owned()),
            ("7".to_owned(), 4, "2026-05-17T09:05:03+00:00".to_owned()),
            ("9".to_owned(), 0, "2026-05-18T09:05:03+00:00".to_owned()),
        ]
    );
    let mut backwards = listing.entries.clone();
    backwards.reverse();
    let mails = imap
        .fetch(Lane::Inbox, &backwards, Part::Whole)
        .await
        .unwrap();
    assert_eq!(bytes(&mails), [("9", ""), ("7", "abcd"), ("4", "short")]);
    assert_eq!(mails[1].entry, listing.entries[1]);
    let header = imap
        .fetch(Lane::Inbox, &listing.entries[1..2], Part::Header)
        .await
        .unwrap();
    assert_eq!(bytes(&header), [("7", "A: b\r\n")]);
    imap.file(Lane::Inbox, 77, &uids(&["9", "4", "7", "4"]))
        .await
        .unwrap();
    imap.close().await;
    let commands = server.commands().await;
    assert_eq!(commands.last().map(String::as_str), Some("LOGOUT"));
}

#[tokio::test]
async fn the_search_is_sorted_and_bounded_from_below() {
    let describe = |set: &str| {
        let answers: String = set
            .split(',')
            .map(|uid| {
                format!(
                    "* 1 FETCH (UID {uid} RFC822.SIZE 1 INTERNALDATE \"17-May-2026 09:05:03 +0000\")\n"
                )
            })
            .collect();
        format!("{answers}$ OK done\n")
    };
    let server = start(
        Script::selected("")
            .on(
                "UID SEARCH UID 1:*",
                "* SEARCH 30 4 17\n* SEARCH 4\n$ OK done\n",
            )
            .on("UID FETCH 4,17,30 ", &describe("30,4,17"))
            .on("NOOP", "$ OK done\n")
            // n:* names the last mail though it is below n.
            .on("UID SEARCH UID 31:*", "* SEARCH 30\n$ OK done\n")
            .on("NOOP", "$ OK done\n")
            .on("UID SEARCH UID 31:*", "$ OK nothing said\n")
            .on("NOOP", "$ OK done\n")
            // Another validity: from the beginning.
            .on("UID SEARCH UID 1:*", "* SEARCH 30\n$ OK done\n")
            .on("UID FETCH 30 ", &describe("30")),
    )
    .await;
    let mut imap = connect(&server).await;
    let mut listed = Vec::new();
    for after in [None, Some((77, "30")), Some((77, "30")), Some((76, "30"))] {
        let listing = imap.list(Lane::Inbox, after).await.unwrap();
        let uids: Vec<String> = listing.entries.into_iter().map(|entry| entry.uid).collect();
        listed.push(uids.join(","));
    }
    assert_eq!(listed, ["4,17,30", "", "", "30"]);
    drop(imap);
    server.commands().await;
}

#[tokio::test]
async fn hundreds_of_unasked_answers_do_no_harm() {
    let noise: String = (0..600)
        .map(|n| format!("* {} FETCH (FLAGS (\\Seen))\n* OK still here\n", n + 1))
        .collect();
    let server = start(Script::selected("").on(
        "UID SEARCH UID 1:*",
        &format!("{noise}* SEARCH\n{noise}$ OK done\n"),
    ))
    .await;
    let mut imap = connect(&server).await;
    assert!(list(&mut imap).await.unwrap().entries.is_empty());
    drop(imap);
    server.commands().await;
}

// Refusals

#[tokio::test]
async fn a_refused_command_is_an_error_with_the_servers_words() {
    async fn check(script: Script, expected: &str) {
        let server = start(script).await;
        let mut imap = connect(&server).await;
        let outcome = async {
            list(&mut imap).await?;
            imap.fetch(Lane::Inbox, &three(), Part::Whole).await?;
            list(&mut imap).await
        };
        let error = failed(outcome.await, expected);
        assert!(error.starts_with(&format!("imap 127.0.0.1:{}: ", server.port)));
        drop(imap);
        server.commands().await;
    }
    check(
        Script::logged_in("").on("SELECT", "$ NO [NONEXISTENT] no such box\n"),
        r#"list "INBOX": SELECT refused with NO "[NONEXISTENT] no such box""#,
    )
    .await;
    check(
        Script::selected("").on("UID SEARCH", "$ NO [SERVERBUG] try\tagain\n"),
        r#"UID SEARCH refused with NO "[SERVERBUG] tryagain""#,
    )
    .await;
    check(
        Script::selected("").on("UID SEARCH", "* SEARCH 4\n$ BAD parse\n"),
        r#"UID SEARCH refused with BAD "parse""#,
    )
    .await;
    check(
        Script::selected("").on("UID SEARCH", "$ BAD\n"),
        "UID SEARCH refused with BAD without words",
    )
    .await;
    let all_but_ok = THREE_BODIES.replace("$ OK done", "$ NO some messages could not be fetched");
    check(
        Script::listed("").on("UID FETCH", &all_but_ok),
        r#"fetch from "INBOX": UID FETCH refused with NO "some messages could not be fetched""#,
    )
    .await;
    check(
        Script::listed("")
            .on("UID FETCH", THREE_BODIES)
            .on("NOOP", "$ NO gone\n"),
        r#"list "INBOX": NOOP refused with NO "gone""#,
    )
    .await;
}

#[tokio::test]
async fn selecting_wants_a_uidvalidity() {
    let server = start(Script::logged_in("").on("SELECT", "* 3 EXISTS\n$ OK done\n")).await;
    let mut imap = connect(&server).await;
    failed(list(&mut imap).await, "no UIDVALIDITY");
}

// What did not come

#[tokio::test]
async fn a_mail_that_did_not_come_is_asked_about() {
    let two_of_three =
        "* 1 FETCH (UID 4 BODY[] \"short\")\n* 2 FETCH (UID 7 BODY[] NIL)\n$ OK done\n";
    let server = start(
        Script::listed("")
            .on("UID FETCH", two_of_three)
            .on("NOOP", "$ OK done\n")
            .on("UID SEARCH UID 7,9", "* SEARCH\n$ OK done\n")
            .on("UID FETCH", two_of_three)
            .on("NOOP", "$ OK done\n")
            .on("UID SEARCH UID 7,9", "* SEARCH 7\n$ OK done\n"),
    )
    .await;
    let mut imap = connect(&server).await;
    list(&mut imap).await.unwrap();
    let mails = imap
        .fetch(Lane::Inbox, &three(), Part::Whole)
        .await
        .unwrap();
    assert_eq!(bytes(&mails), [("4", "short")]);
    failed(
        imap.fetch(Lane::Inbox, &three(), Part::Whole).await,
        "uid 7 was asked for and not given",
    );
    drop(imap);
    server.commands().await;
}

#[tokio::test]
async fn a_mail_that_was_not_described_is_asked_about() {
    let script = |found: &str| {
        Script::selected("")
            .on("UID SEARCH UID 1:*", "* SEARCH 4 7\n$ OK done\n")
            .on(
                "UID FETCH 4,7 ",
                "* 1 FETCH (UID 4 RFC822.SIZE 5 INTERNALDATE \" 7-May-2026 09:05:03 +0200\")\n$ OK done\n",
            )
            .on("NOOP", "$ OK done\n")
            .on("UID SEARCH UID 7", &format!("* SEARCH{found}\n$ OK done\n"))
    };
    let server = start(script("")).await;
    let mut imap = connect(&server).await;
    assert_eq!(list(&mut imap).await.unwrap().entries.len(), 1);
    let server = start(script(" 7")).await;
    let mut imap = connect(&server).await;
    let listing = list(&mut imap).await.unwrap();
    assert_eq!(listing.entries.len(), 1);
    assert_eq!(
        troubled(&listing),
        ["7: uid 7 was asked for and not given, though it exists"]
    );
}

/// `* n FETCH` for this UID.
fn described(uid: u32) -> String {
    format!("* {uid} FETCH (UID {uid} RFC822.SIZE 5 INTERNALDATE \" 7-May-2026 09:05:03 +0200\")\n")
}

fn troubled(listing: &Listing) -> Vec<String> {
    let words = listing.troubled.iter();
    words
        .map(|mail| format!("{}: {}", mail.uid, mail.cause))
        .collect()
}

#[tokio::test]
async fn a_mail_that_is_not_described_hides_no_other() {
    let no = "$ NO [SERVERBUG] broken\n";
    let ok = |uids: &[u32]| {
        let answers: String = uids.iter().copied().map(described).collect();
        format!("{answers}$ OK done\n")
    };
    let server = start(
        Script::selected("")
            .on("UID SEARCH UID 1:*", "* SEARCH 1 2 3 4 5\n$ OK done\n")
            // What came with a refusal counts no less.
            .on("UID FETCH 1:5 (UID", &format!("{}{no}", described(5)))
            .on("UID FETCH 3:5 (UID", &ok(&[3, 4, 5]))
            .on("UID FETCH 1:2 (UID", no)
            .on("UID FETCH 2 (UID", no)
            .on("UID FETCH 1 (UID", &ok(&[1]))
            .on(
                "UID FETCH 1 (UID BODY.PEEK[])",
                "* 1 FETCH (UID 1 BODY[] \"one\")\n$ OK done\n",
            ),
    )
    .await;
    let mut imap = connect(&server).await;
    let listing = list(&mut imap).await.unwrap();
    let found: Vec<&str> = listing
        .entries
        .iter()
        .map(|entry| entry.uid.as_str())
        .collect();
    assert_eq!(found, ["1", "3", "4", "5"]);
    assert_eq!(
        troubled(&listing),
        ["2: UID FETCH refused with NO \"[SERVERBUG] broken\""]
    );
    let mails = imap
        .fetch(Lane::Inbox, &listing.entries[..1], Part::Whole)
        .await
        .unwrap();
    assert_eq!(bytes(&mails), [("1", "one")]);
    drop(imap);
    server.commands().await;
}

#[tokio::test]
async fn a_server_that_describes_nothing_is_an_error() {
    let uids: Vec<String> = (1..=1_000).map(|uid| uid.to_string()).collect();
    let mut script = Script::selected("").on(
        "UID SEARCH UID 1:*",
        &format!("* SEARCH {}\n$ OK done\n", uids.join(" ")),
    );
    for _ in 0..129 {
        script = script.on("UID FETCH", "$ NO [UNAVAILABLE] later\n");
    }
    let server = start(script).await;
    let mut imap = connect(&server).await;
    failed(
        list(&mut imap).await,
        "UID FETCH refused with NO \"[UNAVAILABLE] later\"",
    );
    drop(imap);
    assert_eq!(server.commands().await.len(), 5 + 129);
}

#[tokio::test]
async fn many_mails_that_are_not_described_hide_no_other() {
    let uids: Vec<String> = (1..=1_000).map(|uid| uid.to_string()).collect();
    let no = "$ NO [SERVERBUG] broken\n";
    let mut script = Script::selected("")
        .on(
            "UID SEARCH UID 1:*",
            &format!("* SEARCH {}\n$ OK done\n", uids.join(" ")),
        )
        .on("UID FETCH", &format!("{}{no}", described(7)));
    for _ in 0..300 {
        script = script.on("UID FETCH", no);
    }
    let server = start(script).await;
    let mut imap = connect(&server).await;
    let listing = list(&mut imap).await.unwrap();
    let found: Vec<&str> = listing
        .entries
        .iter()
        .map(|entry| entry.uid.as_str())
        .collect();
    assert_eq!(found, ["7"]);
    assert_eq!(listing.troubled.len(), 999);
    assert!(listing.troubled.iter().all(|mail| mail.uid != "7"));
}

#[tokio::test]
async fn an_ending_between_answers_is_an_error() {
    for (ending, expected) in [
        ("", "the server closed the connection"),
        (
            "* BYE shutting down\n",
            "the server ended the session: \"shutting down\"",
        ),
        ("* BYE\n", "the server ended the session: without words"),
        ("* 2 FETCH (UID 7 BODY[] {4}\nab", "cut in the middle"),
        ("* 2 FETCH (UID 7", "cut in the middle"),
    ] {
        let server = start(
            Script::listed("")
                .on("UID FETCH", "* 1 FETCH (UID 4 BODY[] \"short\")\n")
                .say(ending)
                .close(),
        )
        .await;
        let mut imap = connect(&server).await;
        list(&mut imap).await.unwrap();
        failed(
            imap.fetch(Lane::Inbox, &three(), Part::Whole).await,
            expected,
        );
    }
}

/// A session in which everything is used once.
fn whole_session() -> Script {
    Script::listed("UIDPLUS IDLE")
        .expect("UID FETCH 4,7,9")
        .say("* 1 FETCH (UID 4 BODY[] {5}\nsh")
        .say("ort)\n* 2 FETCH (UID 7 BODY[] {4}\nabcd)\n")
        .say("* 3 FETCH (UID 9 BODY[] \"\")\n")
        .say("$ OK done\n")
        .on(
            "UID COPY 4,7,9 \"Triaged\"",
            "$ NO [TRYCREATE] no such folder\n",
        )
        .on("UID SEARCH UID 4,7,9", "* SEARCH 4 7 9\n$ OK done\n")
        .on("CREATE \"Triaged\"", "$ OK done\n")
        .on("SUBSCRIBE \"Triaged\"", "$ OK done\n")
        .on("UID COPY 4,7,9 \"Triaged\"", "$ OK done\n")
        .on("UID STORE 4,7,9 +FLAGS.SILENT (\\Deleted)", "$ OK done\n")
        .on(
            "UID EXPUNGE 4,7,9",
            "* 3 EXPUNGE\n* 2 EXPUNGE\n* 1 EXPUNGE\n$ OK done\n",
        )
        .on("SELECT \"Junk\"", "$ NO no such folder\n")
        .on("LIST \"\" \"Junk\"", "$ OK done\n")
        .on("SELECT \"INBOX\"", SELECTED)
        .on("UID SEARCH UID 10:*", "* SEARCH 9\n$ OK done\n")
        .on("IDLE", "+ idling\n")
        .say("* OK still here\n")
        .say("* 4 EXISTS\n")
        .on_line("DONE", "$ OK done\n")
}

async fn run_whole_session(account: &Account) -> Result<(), MailboxError> {
    let mut imap = account.connect().await?;
    let listing = list(&mut imap).await?;
    imap.fetch(Lane::Inbox, &listing.entries, Part::Whole)
        .await?;
    imap.file(Lane::Inbox, 77, &uids(&["4", "7", "9"])).await?;
    imap.list(Lane::Junk, None).await?;
    imap.wait(Duration::from_secs(40)).await
}

#[tokio::test]
async fn a_whole_session_passes() {
    let server = start(whole_session()).await;
    run_whole_session(&account(server.port)).await.unwrap();
    server.commands().await;
}

#[tokio::test]
async fn a_session_that_ends_anywhere_is_an_error() {
    let acts = whole_session().0;
    for cut in 0..acts.len() {
        for goodbye in ["", "* BYE restarting\n"] {
            let script = Script(acts[..cut].to_vec());
            let server = start(script.say(goodbye).close()).await;
            let account = account(server.port);
            let session = run_whole_session(&account);
            let outcome = timeout(Duration::from_secs(30), session).await;
            let outcome = outcome.unwrap_or_else(|_| panic!("act {cut}: no end"));
            assert!(outcome.is_err(), "act {cut}: not noticed");
        }
    }
}

#[tokio::test]
async fn a_server_that_stalls_anywhere_is_given_up() {
    let acts = whole_session().0;
    let idles = acts
        .iter()
        .position(|act| matches!(act, Act::Say(text) if text.starts_with(b"+ idling")));
    let sessions = (0..acts.len()).map(|cut| {
        let script = Script(acts[..cut].to_vec());
        async move {
            let server = start(script).await;
            let mut account = account(server.port);
            account.timeouts = IMPATIENT;
            let outcome = timeout(Duration::from_secs(20), run_whole_session(&account)).await;
            (cut, outcome)
        }
    });
    // In groups: together they take no longer than a few timeouts.
    for (cut, outcome) in futures_util::future::join_all(sessions).await {
        let outcome = outcome.unwrap_or_else(|_| panic!("act {cut}: waited for ever"));
        let error = match outcome {
            Err(error) => error.to_string(),
            Ok(()) => panic!("act {cut} (IDLE at {idles:?}): not noticed"),
        };
        assert!(error.contains("stalled"), "act {cut}: {error}");
    }
}

#[tokio::test]
async fn a_slow_server_is_waited_for_while_bytes_come() {
    let mut script = Script::listed("").on("UID FETCH 7", "* 2 FETCH (UID 7 BODY[] {4}\n");
    for byte in ["a", "b", "c", "d"] {
        script = script.pause(Duration::from_millis(900)).say(byte);
    }
    let server = start(script.say(")\n$ OK done\n")).await;
    let mut account = account(server.port);
    account.timeouts = Timeouts {
        stall: Duration::from_secs(3),
        ..PATIENT
    };
    let mut imap = account.connect().await.unwrap();
    let listing = list(&mut imap).await.unwrap();
    let begun = Instant::now();
    let mails = imap
        .fetch(Lane::Inbox, &listing.entries[1..2], Part::Whole)
        .await
        .unwrap();
    assert_eq!(bytes(&mails), [("7", "abcd")]);
    assert!(begun.elapsed() > account.timeouts.stall);
}

#[tokio::test]
async fn a_large_mail_on_a_slow_line_is_waited_for_beyond_the_time_of_a_command() {
    const PIECES: usize = 40;
    let piece = "x".repeat(200);
    let size = PIECES * piece.len();
    let mut script = Script::listed("").on(
        "UID FETCH 7",
        &format!("* 2 FETCH (UID 7 BODY[] {{{size}}}\n"),
    );
    for _ in 0..PIECES {
        script = script.pause(Duration::from_millis(150)).say(&piece);
    }
    let server = start(script.say(")\n$ OK done\n")).await;
    let mut account = account(server.port);
    account.timeouts = Timeouts {
        stall: Duration::from_secs(5),
        command: Duration::from_secs(2),
        ..PATIENT
    };
    let mut imap = account.connect().await.unwrap();
    list(&mut imap).await.unwrap();
    let begun = Instant::now();
    let mails = imap
        .fetch(Lane::Inbox, &[entry("7", size as u64)], Part::Whole)
        .await
        .unwrap();
    assert_eq!(mails[0].bytes.len(), size);
    assert!(begun.elapsed() > 2 * account.timeouts.command);
}

#[tokio::test]
async fn a_trickle_does_not_go_on_for_ever() {
    let mut script = Script::selected("").expect("UID SEARCH");
    for _ in 0..100 {
        script = script
            .say("* OK still at it\n")
            .pause(Duration::from_millis(100));
    }
    let server = start(script).await;
    let mut account = account(server.port);
    account.timeouts = Timeouts {
        stall: Duration::from_secs(5),
        command: Duration::from_secs(2),
        ..PATIENT
    };
    let mut imap = account.connect().await.unwrap();
    let begun = Instant::now();
    failed(list(&mut imap).await, "stalled");
    assert!(begun.elapsed() < Duration::from_secs(9));
}

// Bounds

fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn an_announced_giant_is_refused_before_memory_is_taken() {
    let server =
        start(Script::listed("").on("UID FETCH", "* 1 FETCH (UID 4 BODY[] {419430400}\nFrom: x"))
            .await;
    let mut imap = connect(&server).await;
    list(&mut imap).await.unwrap();
    failed(
        imap.fetch(Lane::Inbox, &three(), Part::Whole).await,
        "the server announces 419430400 bytes at once; at most 2048576 are taken",
    );
    assert!(peak_memory() < 200_000_000, "{}", peak_memory());
}

#[tokio::test]
async fn a_line_without_an_end_is_refused() {
    let endless = "a".repeat(2 * 1024 * 1024);
    let server = start(Script::selected("").on("UID SEARCH", &format!("* OK {endless}"))).await;
    let mut imap = connect(&server).await;
    failed(list(&mut imap).await, "a line without an end");
}

#[tokio::test]
async fn mails_far_larger_than_told_are_refused() {
    let body = "x".repeat(1_500_000);
    let answer = |uid: u32| format!("* 1 FETCH (UID {uid} BODY[] {{{}}}\n{body})\n", body.len());
    let wanted: Vec<Entry> = (1..=20).map(|uid| entry(&uid.to_string(), 10)).collect();
    let answers: String = (1..=20).map(answer).collect();
    let server = start(Script::selected("").on("UID FETCH 1:20", &answers)).await;
    let mut imap = connect(&server).await;
    failed(
        imap.fetch(Lane::Inbox, &wanted, Part::Whole).await,
        "far larger than the 200 bytes that the server told",
    );
}

// What cannot be parsed

#[tokio::test]
async fn garbage_is_an_error_that_does_not_repeat_it() {
    for garbage in [
        "* 1 FETCH (UID 4 BODY[] ~{3}\nxyz)\n",
        "* 1 FETCH garbage Subject: hidden words\n",
        "* 1 FETCH (UID 4 BODY[] \"hidden words\"\n",
        "\0\0\0\n",
    ] {
        let server = start(Script::listed("").on("UID FETCH", garbage)).await;
        let mut imap = connect(&server).await;
        list(&mut imap).await.unwrap();
        let outcome = imap.fetch(Lane::Inbox, &three(), Part::Whole).await;
        let error = failed(outcome, "the server's answer is not valid IMAP");
        assert!(!error.contains("hidden"), "{error}");
        // The session is dead, and says so: not even NOOP is believed.
        failed(list(&mut imap).await, "the server closed the connection");
    }
}

#[tokio::test]
async fn two_spaces_in_the_capabilities_are_a_clear_error() {
    let server = start(Script::default().say("* OK ready\n").on(
        "CAPABILITY",
        "* CAPABILITY IMAP4rev1  AUTH=PLAIN\n$ OK done\n",
    ))
    .await;
    failed(
        account(server.port).connect().await,
        "login as alice@example.test: CAPABILITY: the server's answer is not valid IMAP",
    );
}

#[tokio::test]
async fn a_panic_of_the_parser_is_an_error() {
    // imap-proto 0.17 cuts the space after a code by bytes.
    let server = start(Script::selected("").on("UID SEARCH", "$ NO [ALERT]école\n")).await;
    let mut imap = connect(&server).await;
    failed(list(&mut imap).await, "made the IMAP parser panic");
}

// Logging in

#[tokio::test]
async fn login_where_plain_is_not_offered() {
    let server = start(
        Script::default()
            .say("* OK [CAPABILITY IMAP4rev1] ready\n")
            .on(
                r#"LOGIN "alice@example.test" "correct \"horse\" \\battery""#,
                "* CAPABILITY IMAP4rev1 MOVE\n$ OK in\n",
            )
            .on("SELECT", SELECTED)
            .on("UID MOVE 4 ", "$ OK done\n"),
    )
    .await;
    let mut imap = connect(&server).await;
    imap.file(Lane::Inbox, 77, &uids(&["4"])).await.unwrap();
    drop(imap);
    server.commands().await;
}

#[tokio::test]
async fn refused_logins() {
    async fn check(script: Script, expected: &str) {
        let server = start(script).await;
        failed(account(server.port).connect().await, expected);
        server.commands().await;
    }
    let offering = |capabilities: &str| {
        Script::default().say(&format!(
            "* OK [CAPABILITY {}] ready\n",
            offered(capabilities)
        ))
    };
    check(
        offering("AUTH=PLAIN").on("AUTHENTICATE", "+ \n").on_line(
            "AGFsaWNlQGV4YW1wbGUudGVzdABjb3JyZWN0ICJob3JzZSIgXGJhdHRlcnk=",
            "$ NO [AUTHENTICATIONFAILED] no\n",
        ),
        "login as alice@example.test: AUTHENTICATE refused with NO \"[AUTHENTICATIONFAILED] no\"; \
         check imap.username and imap.password_file",
    )
    .await;
    check(
        offering("AUTH=PLAIN").on("AUTHENTICATE", "$ NO not now\n"),
        "refused with NO \"not now\"",
    )
    .await;
    check(
        offering("AUTH=PLAIN").on("AUTHENTICATE", "+ \n").on_line(
            "AGFsaWNlQGV4YW1wbGUudGVzdABjb3JyZWN0ICJob3JzZSIgXGJhdHRlcnk=",
            "+ more\n",
        ),
        "more than PLAIN has to say",
    )
    .await;
    check(
        offering("AUTH=XYZ").on(
            "LOGIN",
            "$ BAD what is LOGIN \"alice\" \"correct \\\"horse\\\" \\\\battery\"?\n",
        ),
        "LOGIN refused with BAD (not shown: it repeats the password)",
    )
    .await;
    check(
        offering("AUTH=PLAIN").on("AUTHENTICATE", "+ \n").on_line(
            "AGFsaWNlQGV4YW1wbGUudGVzdABjb3JyZWN0ICJob3JzZSIgXGJhdHRlcnk=",
            "* BYE you said AGFsaWNlQGV4YW1wbGUudGVzdABjb3JyZWN0ICJob3JzZSIgXGJhdHRlcnk=\n",
        ),
        "the server ended the session: (not shown: it repeats the password)",
    )
    .await;
    check(
        offering("LOGINDISABLED STARTTLS"),
        "neither AUTHENTICATE PLAIN nor LOGIN on this connection; check tls",
    )
    .await;
}

#[tokio::test]
async fn greetings_that_end_it() {
    for (greeting, expected) in [
        (
            "* BYE too many connections\n",
            "turned us away: \"too many connections\"",
        ),
        ("* PREAUTH hello\n", "logged in already (PREAUTH)"),
        ("* NO hello\n", "did not greet as an IMAP server does"),
        ("220 mail.example.test ESMTP\n", "not valid IMAP"),
    ] {
        let server = start(Script::default().say(greeting)).await;
        let error = failed(account(server.port).connect().await, expected);
        assert!(error.contains(": connect: "), "{error}");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    failed(account(port).connect().await, "cannot connect: ");
}

#[tokio::test]
async fn a_password_that_cannot_be_read() {
    let server = start(Script::default().say("* OK ready\n")).await;
    let mut account = account(server.port);
    account.config.password = SecretSource::File(PathBuf::from("/nonexistent/password"));
    failed(
        account.connect().await,
        "the password cannot be read: file /nonexistent/password",
    );
}

// Folders

#[tokio::test]
async fn a_missing_junk_folder_is_empty() {
    let junk = |listed: &str| {
        Script::logged_in("")
            .on("SELECT \"Junk\"", "$ NO not there\n")
            .on("LIST \"\" \"Junk\"", &format!("{listed}$ OK done\n"))
    };
    for listed in [
        "",
        "* LIST (\\Noselect) \"/\" Junk\n",
        "* LIST () \"/\" \"Junk mail\"\n",
    ] {
        let server = start(junk(listed)).await;
        let mut imap = connect(&server).await;
        let listing = imap.list(Lane::Junk, Some((5, "7"))).await.unwrap();
        assert_eq!((listing.validity, listing.entries.len()), (5, 0));
        drop(imap);
        server.commands().await;
    }
    let server = start(junk("* LIST (\\HasNoChildren) \"/\" Junk\n")).await;
    let mut imap = connect(&server).await;
    failed(
        imap.list(Lane::Junk, None).await,
        r#"list "Junk": SELECT refused with NO "not there""#,
    );
}

#[tokio::test]
async fn no_junk_lane_asks_for_nothing() {
    let server = start(Script::logged_in("")).await;
    let mut account = account(server.port);
    account.config.folders.junk = None;
    let mut imap = account.connect().await.unwrap();
    assert!(
        imap.list(Lane::Junk, None)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    drop(imap);
    assert_eq!(server.commands().await.len(), 3);
}

#[tokio::test]
async fn folder_names_travel_encoded_and_quoted() {
    let server = start(
        Script::logged_in("MOVE")
            .on(r#"SELECT "Entw&APw-rfe \"x\"""#, SELECTED)
            .on(r#"UID MOVE 4 "A&-B""#, "$ OK done\n"),
    )
    .await;
    let mut account = account(server.port);
    account.config.folders.inbox = "Entwürfe \"x\"".to_owned();
    account.config.folders.processed = Some("A&B".to_owned());
    let mut imap = account.connect().await.unwrap();
    imap.file(Lane::Inbox, 77, &uids(&["4"])).await.unwrap();
    drop(imap);
    server.commands().await;
}

#[tokio::test]
async fn uids_of_another_validity_are_not_fetched() {
    let server = start(
        Script::listed("")
            .on("SELECT \"Junk\"", SELECTED)
            .on("UID SEARCH", "* SEARCH\n$ OK done\n")
            .on("SELECT \"INBOX\"", &SELECTED.replace("77", "78")),
    )
    .await;
    let mut imap = connect(&server).await;
    let listing = list(&mut imap).await.unwrap();
    imap.list(Lane::Junk, None).await.unwrap();
    failed(
        imap.fetch(Lane::Inbox, &listing.entries, Part::Whole).await,
        "UIDVALIDITY changed",
    );
    drop(imap);
    server.commands().await;
}

// Filing

#[tokio::test]
async fn filing() {
    /// Files mails 4 and 5 twice over what the script allows.
    async fn check(processed: Option<&str>, script: Script) {
        let server = start(script).await;
        let mut account = account(server.port);
        account.config.folders.processed = processed.map(str::to_owned);
        let mut imap = account.connect().await.unwrap();
        imap.file(Lane::Inbox, 77, &uids(&["4", "5"]))
            .await
            .unwrap();
        drop(imap);
        server.commands().await;
    }
    let folder = Some("Triaged");
    check(
        folder,
        Script::selected("MOVE").on("UID MOVE 4:5 \"Triaged\"", "$ OK done\n"),
    )
    .await;
    check(
        folder,
        Script::selected("MOVE")
            .on("UID MOVE 4:5", "$ NO [TRYCREATE] no folder\n")
            .on("UID SEARCH UID 4:5", "* SEARCH 5\n$ OK done\n")
            .on("CREATE \"Triaged\"", "$ OK done\n")
            .on("SUBSCRIBE \"Triaged\"", "$ NO no subscriptions here\n")
            .on("UID MOVE 5 \"Triaged\"", "$ OK done\n"),
    )
    .await;
    // Filed before: some servers refuse to move what is gone.
    check(
        folder,
        Script::selected("MOVE")
            .on("UID MOVE 4:5", "$ NO no matching messages\n")
            .on("UID SEARCH UID 4:5", "* SEARCH\n$ OK done\n"),
    )
    .await;
    check(
        folder,
        Script::selected("UIDPLUS")
            .on("UID COPY 4:5 \"Triaged\"", "$ OK done\n")
            .on("UID STORE 4:5 +FLAGS.SILENT (\\Deleted)", "$ OK done\n")
            .on("UID EXPUNGE 4:5", "$ OK done\n"),
    )
    .await;
    let mark = "UID STORE 4:5 +FLAGS.SILENT ($Triaged)";
    check(folder, Script::selected("").on(mark, "$ OK done\n")).await;
    check(None, Script::selected("MOVE").on(mark, "$ OK done\n")).await;
    check(
        None,
        Script::selected("MOVE").on(mark, "$ NO no keywords\n"),
    )
    .await;
    check(
        None,
        Script::selected("MOVE").on(mark, "$ BAD no keywords\n"),
    )
    .await;
}

#[tokio::test]
async fn filing_that_fails() {
    let server = start(
        Script::selected("MOVE")
            .on("UID MOVE 4", "$ NO over quota\n")
            .on("UID SEARCH UID 4", "* SEARCH 4\n$ OK done\n")
            .on("CREATE", "$ NO exists\n")
            .on("UID MOVE 4", "$ NO over quota\n"),
    )
    .await;
    let mut imap = connect(&server).await;
    failed(
        imap.file(Lane::Inbox, 77, &uids(&["4"])).await,
        r#"file mails of "INBOX": UID MOVE refused with NO "over quota", and CREATE was refused with "exists""#,
    );
    drop(imap);
    server.commands().await;
}

#[tokio::test]
async fn void_uids_are_not_filed() {
    let server = start(Script::selected("MOVE")).await;
    let mut imap = connect(&server).await;
    imap.file(Lane::Inbox, 76, &uids(&["4"])).await.unwrap();
    imap.file(Lane::Inbox, 77, &uids(&["1600000000.M1P2.host"]))
        .await
        .unwrap();
    imap.file(Lane::Inbox, 77, &[]).await.unwrap();
    drop(imap);
    let commands = server.commands().await;
    assert!(
        !commands.iter().any(|command| command.contains("MOVE")),
        "{commands:?}"
    );
}

// Waiting

const LONG: Duration = Duration::from_secs(40);

async fn waited(script: Script, at_most: Duration) -> Result<Duration, MailboxError> {
    let server = start(script).await;
    let mut account = account(server.port);
    account.timeouts.stall = Duration::from_secs(3);
    let mut imap = account.connect().await.unwrap();
    list(&mut imap).await.unwrap();
    let begun = Instant::now();
    imap.wait(at_most).await?;
    drop(imap);
    server.commands().await;
    Ok(begun.elapsed())
}

#[tokio::test]
async fn idle_ends_with_new_mail_or_the_time() {
    let idle = |said: &str| Script::listed("IDLE").on("IDLE", "+ idling\n").say(said);
    let done = "$ OK done\n";
    let at_once = waited(
        idle("* OK hm\n* 4 EXISTS\n* 1 RECENT\n").on_line("DONE", done),
        LONG,
    );
    assert!(at_once.await.unwrap() < LONG);
    // Neither flags nor removals nor the same number again are new mail.
    let nothing = "* 1 FETCH (FLAGS (\\Seen))\n* 3 EXPUNGE\n* 2 EXISTS\n* OK still here\n";
    let short = Duration::from_millis(400);
    let quiet = waited(idle(nothing).on_line("DONE", done), short);
    assert!(quiet.await.unwrap() >= short);
    let refilled = waited(
        idle("* 3 EXPUNGE\n* 3 EXISTS\n").on_line("DONE", done),
        LONG,
    );
    assert!(refilled.await.unwrap() < LONG);
}

#[tokio::test]
async fn a_refused_idle_becomes_polling() {
    let at_most = Duration::from_millis(100);
    for refusal in [
        "$ NO not here\n",
        "$ BAD\n",
        "$ BAD what?\n",
        "+ idling\n$ OK enough\n",
    ] {
        let script = Script::listed("IDLE")
            .on("IDLE", refusal)
            .on("NOOP", "$ OK done\n");
        assert!(
            waited(script, at_most).await.unwrap() >= at_most,
            "{refusal:?}"
        );
    }
}

#[tokio::test]
async fn a_lost_idle_is_an_error() {
    for (ending, expected) in [
        ("", "closed the connection"),
        (
            "* BYE idle for too long\n",
            "ended the session: \"idle for too long\"",
        ),
    ] {
        let script = Script::listed("IDLE")
            .on("IDLE", "+ idling\n")
            .say(ending)
            .close();
        failed(waited(script, LONG).await, expected);
    }
    let script = Script::listed("IDLE").on("IDLE", "+ idling\n* 4 EXISTS\n");
    failed(
        waited(script.on_line("DONE", "$ NO\n"), LONG).await,
        "refused with NO",
    );
}

#[tokio::test]
async fn silence_within_idle_is_no_stall() {
    let server = start(
        Script::listed("IDLE")
            .on("IDLE", "+ idling\n")
            .on_line("DONE", "$ OK done\n"),
    )
    .await;
    let mut account = account(server.port);
    account.timeouts.stall = Duration::from_secs(2);
    let mut imap = account.connect().await.unwrap();
    list(&mut imap).await.unwrap();
    imap.wait(Duration::from_secs(4)).await.unwrap();
}

#[tokio::test]
async fn without_idle_noop_is_asked_and_judged() {
    let short = Duration::from_millis(50);
    let quiet = Script::listed("").on("NOOP", "$ OK done\n");
    assert!(waited(quiet, short).await.unwrap() >= short);
    let refused = Script::listed("").on("NOOP", "$ NO go away\n");
    failed(waited(refused, short).await, "refused with NO \"go away\"");
    let lost = Script::listed("").expect("NOOP").close();
    failed(waited(lost, short).await, "closed the connection");
}

#[tokio::test]
async fn what_arrived_unseen_is_not_waited_for() {
    // While a mail was filed.
    let server = start(Script::listed("MOVE IDLE").on("UID MOVE", "* 4 EXISTS\n$ OK done\n")).await;
    let mut imap = connect(&server).await;
    list(&mut imap).await.unwrap();
    imap.file(Lane::Inbox, 77, &uids(&["4"])).await.unwrap();
    imap.wait(LONG).await.unwrap();
    drop(imap);
    server.commands().await;

    // While the junk folder was looked at.
    let server = start(
        Script::listed("IDLE")
            .on("SELECT \"Junk\"", SELECTED)
            .on("UID SEARCH", "* SEARCH\n$ OK done\n")
            .on("SELECT \"INBOX\"", SELECTED)
            .on("UID SEARCH UID 10:*", "* SEARCH 10\n$ OK done\n"),
    )
    .await;
    let mut imap = connect(&server).await;
    list(&mut imap).await.unwrap();
    imap.list(Lane::Junk, None).await.unwrap();
    imap.wait(LONG).await.unwrap();
    drop(imap);
    server.commands().await;
}

// TLS

/// Certificates made by the openssl command line.
struct Certificates(TempDir);

impl Certificates {
    /// `None`, and loudly so, where there is no openssl.
    fn new() -> Option<Self> {
        let folder = Self(TempDir::new().unwrap());
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("SKIPPED: tests of TLS certificates, because there is no openssl command");
            return None;
        }
        let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        for name in ["ca", "usual", "other"] {
            folder.openssl(&format!(
                "req -x509 {new_key} -keyout {name}.key -out {name}.pem -days 30 -subj /CN={name} \
                 -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
            ));
        }
        for (name, host) in [("good", "localhost"), ("wrong", "mail.example.test")] {
            folder.write(
                &format!("{name}.ext"),
                &format!("subjectAltName=DNS:{host}\n"),
            );
            folder.openssl(&format!(
                "req {new_key} -keyout {name}.key -out {name}.csr -subj /CN={host}"
            ));
            folder.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
                 -out {name}.pem -days 30 -extfile {name}.ext"
            ));
        }
        Some(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {said}");
    }

    fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path(&format!("{name}.pem"))).unwrap()
    }

    fn fingerprint(&self, name: &str) -> [u8; 32] {
        Sha256::digest(self.certificate(name).as_ref()).into()
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        self.acceptor_with_key_of(name, name)
    }

    /// A server that shows a certificate and may not hold its key.
    fn acceptor_with_key_of(&self, name: &str, key: &str) -> TlsAcceptor {
        let provider = Arc::new(ring::default_provider());
        let key = PrivateKeyDer::from_pem_file(self.path(&format!("{key}.key"))).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let shown = CertifiedKey::new(vec![self.certificate(name)], key);
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Shown(Arc::new(shown))));
        TlsAcceptor::from(Arc::new(config))
    }
}

#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn over_tls(
    acceptor: TlsAcceptor,
    ca_file: Option<&Path>,
    pin_sha256: Option<[u8; 32]>,
) -> Result<Listing, MailboxError> {
    let mut script = Script::default().tls(acceptor);
    script.0.extend(Script::listed("").0);
    let server = start(script).await;
    let mut account = account(server.port);
    account.config.server.host = "localhost".to_owned();
    account.config.server.tls = TlsMode::Implicit;
    account.config.server.ca_file = ca_file.map(Path::to_owned);
    account.config.server.pin_sha256 = pin_sha256;
    let mut imap = account.connect().await?;
    list(&mut imap).await
}

#[tokio::test]
async fn certificates_that_are_accepted() {
    let Some(certificates) = Certificates::new() else {
        return;
    };
    let ca = certificates.path("ca.pem");
    let listing = over_tls(certificates.acceptor("good"), Some(&ca), None).await;
    assert_eq!(listing.unwrap().entries.len(), 3);
    for name in ["usual", "wrong"] {
        let pin = certificates.fingerprint(name);
        let listing = over_tls(certificates.acceptor(name), None, Some(pin)).await;
        assert_eq!(listing.unwrap().entries.len(), 3);
    }
}

#[tokio::test]
async fn certificates_that_are_refused() {
    let Some(certificates) = Certificates::new() else {
        return;
    };
    let ca = certificates.path("ca.pem");
    let usual = certificates.path("usual.pem");
    let pin_of = |name: &str| format!("pin_sha256 = \"{}\"", hex(&certificates.fingerprint(name)));

    let error = failed(
        over_tls(certificates.acceptor("usual"), Some(&usual), None).await,
        "connect: the server's certificate is self-signed and marked as a CA",
    );
    assert!(error.contains(&pin_of("usual")), "{error}");

    let error = failed(
        over_tls(certificates.acceptor("good"), Some(&usual), None).await,
        "the issuer of the server's certificate is not known here; name its root in ca_file",
    );
    assert!(error.contains(&pin_of("good")), "{error}");

    let error = failed(
        over_tls(certificates.acceptor("wrong"), Some(&ca), None).await,
        "the server's certificate is not for \"localhost\" but for",
    );
    assert!(error.contains("mail.example.test"), "{error}");

    let pin = certificates.fingerprint("other");
    let error = failed(
        over_tls(certificates.acceptor("usual"), None, Some(pin)).await,
        &format!("not the pinned {}", hex(&pin)),
    );
    assert!(error.contains(&pin_of("usual")), "{error}");

    // The right certificate, shown by somebody without its key.
    let pin = certificates.fingerprint("usual");
    let impostor = certificates.acceptor_with_key_of("usual", "other");
    let keyless = "a signature does not fit: the server does not hold the key";
    failed(over_tls(impostor, None, Some(pin)).await, keyless);
    let impostor = certificates.acceptor_with_key_of("good", "other");
    failed(over_tls(impostor, Some(&ca), None).await, keyless);

    let nothing = certificates.path("ca.key");
    failed(
        over_tls(certificates.acceptor("good"), Some(&nothing), None).await,
        "holds no PEM certificate",
    );
    let missing = certificates.path("missing.pem");
    failed(
        over_tls(certificates.acceptor("good"), Some(&missing), None).await,
        "missing.pem: ",
    );
}

#[tokio::test]
async fn tls_where_the_server_speaks_plain_text() {
    let server = start(Script::default().say("* OK ready when you are\n")).await;
    let mut account = account(server.port);
    account.config.server.tls = TlsMode::Implicit;
    account.config.server.pin_sha256 = Some([0; 32]);
    failed(
        account.connect().await,
        "the server does not speak TLS here; check port, and tls = \"starttls\"",
    );
}

fn starttls_account(port: u16, pin: [u8; 32]) -> Account {
    let mut account = account(port);
    account.config.server.tls = TlsMode::StartTls;
    account.config.server.pin_sha256 = Some(pin);
    account
}

#[tokio::test]
async fn starttls_has_no_second_greeting_and_forgets_what_came_before() {
    let Some(certificates) = Certificates::new() else {
        return;
    };
    // What an attacker puts behind the answer must not count after the handshake.
    let injected = "$ OK begin\n* CAPABILITY IMAP4rev1 LOGINDISABLED\n* BYE fooled\n";
    let script = Script::default()
        .say("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\n")
        .on("STARTTLS", injected)
        .tls(certificates.acceptor("usual"))
        .after_greeting("IDLE")
        .on("SELECT", SELECTED)
        .on("UID SEARCH", "* SEARCH\n$ OK done\n");
    let server = start(script).await;
    let account = starttls_account(server.port, certificates.fingerprint("usual"));
    let mut imap = account.connect().await.unwrap();
    assert!(list(&mut imap).await.unwrap().entries.is_empty());
    drop(imap);
    server.commands().await;
}

#[tokio::test]
async fn starttls_that_is_refused_ends_the_session() {
    for refusal in ["$ NO not today\n", "$ BAD what?\n"] {
        let script = Script::default()
            .say("* OK ready\n")
            .on("STARTTLS", refusal);
        let server = start(script).await;
        let account = starttls_account(server.port, [0; 32]);
        failed(account.connect().await, "STARTTLS refused with");
        // No password, nothing else.
        assert_eq!(server.commands().await, ["STARTTLS"]);
    }
    let server = start(Script::default().say("* PREAUTH hello\n")).await;
    let account = starttls_account(server.port, [0; 32]);
    failed(account.connect().await, "PREAUTH");
    assert!(server.commands().await.is_empty());
}

#[tokio::test]
async fn a_handshake_that_stalls_is_given_up() {
    for tls in [TlsMode::Implicit, TlsMode::StartTls] {
        let script = Script::default();
        let script = match tls {
            TlsMode::StartTls => script.say("* OK ready\n").on("STARTTLS", "$ OK begin\n"),
            _ => script,
        };
        let server = start(script).await;
        let mut account = starttls_account(server.port, [0; 32]);
        account.config.server.tls = tls;
        account.timeouts.connect = Duration::from_millis(300);
        failed(account.connect().await, "no TLS handshake within 0.3 s");
    }
}

/// A loop over any mailbox can be a task. (That this compiles is the test.)
#[test]
fn futures_are_send() {
    fn require_send(future: impl Future + Send) {
        drop(future);
    }
    fn check<M: Mailbox + 'static>(mut mailbox: M) {
        require_send(async move {
            let _ = mailbox.list(Lane::Inbox, None).await;
            let _ = mailbox.fetch(Lane::Inbox, &three(), Part::Whole).await;
            let _ = mailbox.file(Lane::Inbox, 77, &uids(&["4"])).await;
            let _ = mailbox.wait(LONG).await;
            mailbox.close().await;
        });
    }
    let _ = (check::<Imap>, check::<MaildirBox>);
}
