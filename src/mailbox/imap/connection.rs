//! One IMAP connection: a command out, its answers in, until its own status came.
//!
//! async-imap reads and parses; its `Session` is not used, because that takes
//! a FETCH or SEARCH that was refused, or cut short, for a complete one.
//! Here a command is finished by its tagged OK alone. NO and BAD are an
//! [`Answer`] for the caller to judge; BYE, a closed or stalled connection and
//! an answer that cannot be parsed are errors, and so is a panic of the parser
//! (a status without text, words that begin with an accent).
//!
//! The words of an error are safe to log: what a server says is quoted, cut and
//! without control characters, and the parser's own messages, which repeat the
//! bytes that it read, are not passed on. (async-imap also writes those bytes to
//! the `log` crate at trace level: nothing may collect that.)

use std::collections::HashSet;
use std::io;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_imap::Client;
use async_imap::imap_proto::{
    Capability, MailboxDatum, Outcome, Response, ResponseCode, Status as ProtoStatus,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::FutureExt as _;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::rustls;

use super::names;
use super::wire::{Refusal, Wire};

/// How long the steps of a session may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// The TCP connection, and again the TLS handshake.
    pub connect: Duration,
    /// The time in which at least one byte has to come.
    pub stall: Duration,
    /// A command as a whole; begins anew as long as its bytes come, be the line ever so slow.
    pub command: Duration,
    /// The longest single IDLE: short enough that a dead NAT entry is noticed.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            stall: Duration::from_secs(60),
            command: Duration::from_secs(600),
            idle: Duration::from_secs(9 * 60),
        }
    }
}

/// The slowest line that is still waited for, in bytes per second.
const SLOWEST: u64 = 256;

/// What a server may send for a command besides twice what was asked for, before more of it is no
/// progress any more.
const CHATTER: u64 = 16 * 1024 * 1024;

/// Characters of a server's words that are repeated.
const MAX_WORDS: usize = 200;

/// How a command ended.
pub(super) struct Answer {
    /// `UID FETCH`.
    verb: String,
    status: Status,
    /// The server's words, quoted and safe to log.
    words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok,
    No,
    Bad,
}

impl Answer {
    pub(super) fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// For commands whose refusal is an error.
    pub(super) fn accepted(&self) -> Result<(), String> {
        let Self { verb, words, .. } = self;
        match self.status {
            Status::Ok => Ok(()),
            Status::No => Err(format!("{verb} refused with NO {words}")),
            Status::Bad => Err(format!("{verb} refused with BAD {words}")),
        }
    }
}

/// How an IDLE ended.
#[derive(Debug)]
pub(super) enum Idled {
    /// Mails may have arrived.
    Grew,
    Quiet,
    /// The server does not do it, or not any more.
    Refused(String),
}

pub(super) struct Connection {
    client: Client<Wire>,
    timeouts: Timeouts,
    commands: u32,
    /// In capitals; `None`: not told yet in the present state.
    capabilities: Option<HashSet<String>>,
    /// Mails in the selected folder, as last told.
    exists: u32,
    /// Mails came since `forget_growth`.
    grew: bool,
    /// Not to be repeated, while a login is going on.
    secrets: Vec<SecretString>,
}

/// A command that was sent.
struct Sent {
    tag: String,
    verb: String,
}

impl Connection {
    pub(super) fn new(wire: Wire, timeouts: Timeouts) -> Self {
        Self {
            client: Client::new(wire),
            timeouts,
            commands: 0,
            capabilities: None,
            exists: 0,
            grew: false,
            secrets: Vec::new(),
        }
    }

    /// The stream below, for the handshake of STARTTLS. What was received before it
    /// and not read yet is dropped with the parser: anybody may have put it there.
    pub(super) fn into_tcp(self) -> Option<TcpStream> {
        self.client.into_inner().into_tcp()
    }

    /// Waits for the server's first line.
    pub(super) async fn greeting(&mut self) -> Result<(), String> {
        let mut patience = self.soon();
        match self.read(&mut patience, note).await? {
            Note::Ok => Ok(()),
            Note::Capabilities(capabilities) => {
                self.capabilities = Some(capabilities);
                Ok(())
            }
            Note::Bye(said) => Err(format!(
                "the server turned us away: {}",
                self.words(said.as_deref())
            )),
            Note::Preauthenticated => Err(
                "the server claims that we are logged in already (PREAUTH); \
                 such a session is not used"
                    .to_owned(),
            ),
            _ => Err("the server did not greet as an IMAP server does".to_owned()),
        }
    }

    /// Does the server offer this? Asks, where it was not told yet.
    pub(super) async fn can(&mut self, capability: &str) -> Result<bool, String> {
        if self.capabilities.is_none() {
            self.run("CAPABILITY").await?.accepted()?;
        }
        let capabilities = self.capabilities.get_or_insert_default();
        Ok(capabilities.contains(capability))
    }

    /// AUTHENTICATE PLAIN where it is offered (RFC 4616), else LOGIN.
    ///
    /// A refusal is not followed by a second way: servers count failures.
    pub(super) async fn log_in(
        &mut self,
        username: &str,
        password: &SecretString,
    ) -> Result<Answer, String> {
        let offers_plain = self.can("AUTH=PLAIN").await?;
        if !offers_plain && self.can("LOGINDISABLED").await? {
            return Err(
                "the server offers neither AUTHENTICATE PLAIN nor LOGIN on this connection; \
                 check tls"
                    .to_owned(),
            );
        }
        // What was told before the login does not count after it.
        self.capabilities = None;
        self.secrets.push(password.clone());
        let answer = if offers_plain {
            self.authenticate_plain(username, password).await?
        } else {
            self.login(username, password).await?
        };
        self.secrets.clear();
        Ok(answer)
    }

    async fn authenticate_plain(
        &mut self,
        username: &str,
        password: &SecretString,
    ) -> Result<Answer, String> {
        if username.contains('\0') || password.expose_secret().contains('\0') {
            return Err("user name and password must not contain NUL".to_owned());
        }
        let message = SecretString::from(format!("\0{username}\0{}", password.expose_secret()));
        let message = SecretString::from(BASE64.encode(message.expose_secret()));
        self.secrets.push(message.clone());
        let command = self.send("AUTHENTICATE PLAIN").await?;
        let mut patience = self.patience(0);
        let mut said_it = false;
        loop {
            match self.event(&command, &mut patience, &mut ignore).await? {
                Event::Untagged => {}
                Event::Continue if said_it => {
                    return Err("the server asks for more than PLAIN has to say".to_owned());
                }
                Event::Continue => {
                    self.write_line(message.expose_secret()).await?;
                    said_it = true;
                }
                Event::Done(answer) => return Ok(answer),
            }
        }
    }

    async fn login(&mut self, username: &str, password: &SecretString) -> Result<Answer, String> {
        let quoted = |text: &str| {
            names::quoted(text)
                .ok_or_else(|| "user name and password must not contain line ends".to_owned())
        };
        let command = SecretString::from(format!(
            "LOGIN {} {}",
            quoted(username)?,
            quoted(password.expose_secret())?
        ));
        self.run(command.expose_secret()).await
    }

    /// Runs a command whose untagged answers do not matter.
    pub(super) async fn run(&mut self, command: &str) -> Result<Answer, String> {
        self.ask(command, 0, ignore).await
    }

    /// Runs a command and shows each of its untagged answers to `see`.
    /// `expected`: about how many bytes will come.
    pub(super) async fn ask(
        &mut self,
        command: &str,
        expected: u64,
        mut see: impl FnMut(&Response<'_>) -> Result<(), String> + Send,
    ) -> Result<Answer, String> {
        let command = self.send(command).await?;
        let mut patience = self.patience(expected);
        loop {
            match self.event(&command, &mut patience, &mut see).await? {
                Event::Untagged => {}
                Event::Continue => {
                    return Err(format!("{}: the server wants more of it", command.verb));
                }
                Event::Done(answer) => return Ok(answer),
            }
        }
    }

    /// IDLE (RFC 2177) until mails arrive, or for `at_most`.
    pub(super) async fn idle(&mut self, at_most: Duration) -> Result<Idled, String> {
        let command = self.send("IDLE").await?;
        let mut patience = self.soon();
        loop {
            match self.event(&command, &mut patience, &mut ignore).await? {
                Event::Untagged => {}
                Event::Continue => break,
                Event::Done(answer) => return Ok(Idled::Refused(answer.words)),
            }
        }
        let until = Instant::now() + at_most.min(self.timeouts.idle);
        if let Some(answer) = self.idle_until(&command, until).await? {
            return Ok(Idled::Refused(answer.words));
        }
        self.end_idle(&command).await?;
        Ok(if self.grew { Idled::Grew } else { Idled::Quiet })
    }

    /// Listens until mails arrive or the time is up. An answer: the server ended
    /// the IDLE by itself.
    async fn idle_until(
        &mut self,
        command: &Sent,
        until: Instant,
    ) -> Result<Option<Answer>, String> {
        // Silence is what an IDLE is about: no stall within it.
        let mut patience = Patience {
            stall: Duration::MAX,
            until: until + self.timeouts.stall,
            renewal: None,
        };
        while !self.grew {
            match timeout_at(until, self.event(command, &mut patience, &mut ignore)).await {
                Err(_) => break,
                Ok(Ok(Event::Untagged | Event::Continue)) => {}
                Ok(Ok(Event::Done(answer))) => return Ok(Some(answer)),
                Ok(Err(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn end_idle(&mut self, command: &Sent) -> Result<(), String> {
        self.write_line("DONE").await?;
        let mut patience = self.soon();
        loop {
            if let Event::Done(answer) = self.event(command, &mut patience, &mut ignore).await? {
                return answer.accepted();
            }
        }
    }

    /// Mails in the selected folder.
    pub(super) fn exists(&self) -> u32 {
        self.exists
    }

    /// Did the selected folder grow since `forget_growth`?
    pub(super) fn grew(&self) -> bool {
        self.grew
    }

    pub(super) fn forget_growth(&mut self) {
        self.grew = false;
    }

    /// For a command that brings about so many bytes.
    fn patience(&self, expected: u64) -> Patience {
        let received = self.client.get_ref().received();
        let most = expected.saturating_mul(2).saturating_add(CHATTER);
        Patience {
            stall: self.timeouts.stall,
            until: Instant::now() + self.timeouts.command,
            renewal: Some(Renewal {
                after: self.timeouts.command,
                received,
                most: received.saturating_add(most),
            }),
        }
    }

    /// For an answer that takes no work.
    fn soon(&self) -> Patience {
        Patience {
            stall: self.timeouts.stall,
            until: Instant::now() + self.timeouts.stall,
            renewal: None,
        }
    }

    async fn send(&mut self, command: &str) -> Result<Sent, String> {
        self.commands += 1;
        let tag = format!("A{:04}", self.commands);
        let verb = verb(command);
        let line = SecretString::from(format!("{tag} {command}"));
        self.write_line(line.expose_secret())
            .await
            .map_err(|cause| format!("{verb}: {cause}"))?;
        Ok(Sent { tag, verb })
    }

    /// Writes the line in one piece: a packet, a TLS record.
    async fn write_line(&mut self, line: &str) -> Result<(), String> {
        let line = SecretString::from(format!("{line}\r\n"));
        let wire = self.client.get_mut();
        let write = async {
            wire.write_all(line.expose_secret().as_bytes()).await?;
            wire.flush().await
        };
        timeout(self.timeouts.stall, write)
            .await
            .map_err(|_| self.stalled())?
            .map_err(|error| describe(&error))
    }

    /// The next answer while a command is running.
    async fn event<F>(
        &mut self,
        command: &Sent,
        patience: &mut Patience,
        see: &mut F,
    ) -> Result<Event, String>
    where
        F: FnMut(&Response<'_>) -> Result<(), String> + Send,
    {
        let Sent { tag, verb } = command;
        let (note, seen) = self
            .read(patience, |response| (note(response), see(response)))
            .await
            .map_err(|cause| format!("{verb}: {cause}"))?;
        seen?;
        match note {
            Note::Done(done) if done.tag == *tag => {
                if done.capabilities.is_some() {
                    self.capabilities = done.capabilities;
                }
                return Ok(Event::Done(Answer {
                    verb: verb.clone(),
                    status: done.status,
                    words: self.words(done.said.as_deref()),
                }));
            }
            Note::Done(_) => {
                return Err(format!("{verb}: the server answered something else"));
            }
            Note::Continue => return Ok(Event::Continue),
            Note::Bye(said) => {
                let words = self.words(said.as_deref());
                return Err(format!("{verb}: the server ended the session: {words}"));
            }
            Note::Capabilities(capabilities) => self.capabilities = Some(capabilities),
            Note::Exists(count) => {
                self.grew |= count > self.exists;
                self.exists = count;
            }
            Note::Expunged => self.exists = self.exists.saturating_sub(1),
            Note::Ok | Note::Preauthenticated | Note::Other => {}
        }
        Ok(Event::Untagged)
    }

    /// Reads one answer. A server that sends something within each `stall`, and makes progress,
    /// is waited for, however slow it is.
    async fn read<T>(
        &mut self,
        patience: &mut Patience,
        see: impl FnOnce(&Response<'_>) -> T,
    ) -> Result<T, String> {
        loop {
            let received = self.client.get_ref().received();
            patience.renew(received);
            let left = patience.until.saturating_duration_since(Instant::now());
            let next = AssertUnwindSafe(self.client.read_response()).catch_unwind();
            match timeout(patience.stall.min(left), next).await {
                Ok(Ok(Ok(Some(response)))) => return Ok(see(response.parsed())),
                Ok(Ok(Ok(None))) => return Err("the server closed the connection".to_owned()),
                Ok(Ok(Err(error))) => return Err(describe(&error)),
                Ok(Err(_panic)) => {
                    return Err("the server's answer made the IMAP parser panic".to_owned());
                }
                Err(_) => {
                    let now_received = self.client.get_ref().received();
                    patience.renew(now_received);
                    if now_received == received || Instant::now() >= patience.until {
                        return Err(self.stalled());
                    }
                }
            }
        }
    }

    /// Outside text, made safe to log. A server that repeats what it was sent must
    /// not bring a password there.
    fn words(&self, said: Option<&str>) -> String {
        let Some(said) = said else {
            return "without words".to_owned();
        };
        let repeats = |secret: &SecretString| {
            let secret = bare(secret.expose_secret());
            !secret.is_empty() && bare(said).contains(&secret)
        };
        if self.secrets.iter().any(repeats) {
            return "(not shown: it repeats the password)".to_owned();
        }
        shown(said)
    }

    fn stalled(&self) -> String {
        format!(
            "the server stalled (no answer within {} s)",
            self.timeouts.stall.as_secs_f32()
        )
    }
}

/// How long an answer is waited for.
struct Patience {
    /// Without any byte.
    stall: Duration,
    /// In all, as it stands.
    until: Instant,
    /// `None`: `until` does not move.
    renewal: Option<Renewal>,
}

/// By what `until` moves on: a trickle is no progress, nor is what nobody asked for.
struct Renewal {
    after: Duration,
    /// Bytes of the connection when it moved last.
    received: u64,
    /// Bytes of the connection up to which it moves.
    most: u64,
}

impl Patience {
    fn renew(&mut self, received: u64) {
        let Some(renewal) = &mut self.renewal else {
            return;
        };
        let progress = received.saturating_sub(renewal.received) as f64;
        if progress >= renewal.after.as_secs_f64() * SLOWEST as f64 && received <= renewal.most {
            renewal.received = received;
            self.until = Instant::now() + renewal.after;
        }
    }
}

enum Event {
    Untagged,
    Continue,
    Done(Answer),
}

/// What concerns the connection itself in an answer.
enum Note {
    Ok,
    Preauthenticated,
    Bye(Option<String>),
    Capabilities(HashSet<String>),
    Exists(u32),
    Expunged,
    Continue,
    Done(Done),
    Other,
}

/// The tagged answer.
struct Done {
    tag: String,
    status: Status,
    said: Option<String>,
    capabilities: Option<HashSet<String>>,
}

fn note(response: &Response<'_>) -> Note {
    match response {
        Response::Capabilities(capabilities) => Note::Capabilities(capability_set(capabilities)),
        Response::Continue(_) => Note::Continue,
        Response::Done {
            tag,
            status,
            outcome,
        } => Note::Done(Done {
            tag: tag.0.clone(),
            status: match status {
                ProtoStatus::Ok => Status::Ok,
                ProtoStatus::No => Status::No,
                ProtoStatus::Bad | ProtoStatus::PreAuth | ProtoStatus::Bye => Status::Bad,
            },
            said: said(outcome),
            capabilities: told_with(outcome),
        }),
        Response::Data {
            status: ProtoStatus::Bye,
            outcome,
        } => Note::Bye(said(outcome)),
        Response::Data {
            status: ProtoStatus::PreAuth,
            ..
        } => Note::Preauthenticated,
        Response::Data {
            status: ProtoStatus::Ok,
            outcome,
        } => told_with(outcome).map_or(Note::Ok, Note::Capabilities),
        Response::MailboxData(MailboxDatum::Exists(count)) => Note::Exists(*count),
        Response::Expunge(_) => Note::Expunged,
        _ => Note::Other,
    }
}

fn told_with(outcome: &Outcome<'_>) -> Option<HashSet<String>> {
    match &outcome.code {
        Some(ResponseCode::Capabilities(capabilities)) => Some(capability_set(capabilities)),
        _ => None,
    }
}

fn capability_set(capabilities: &[Capability<'_>]) -> HashSet<String> {
    capabilities
        .iter()
        .map(|capability| match capability {
            Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
            Capability::Auth(mechanism) => format!("AUTH={}", mechanism.to_ascii_uppercase()),
            Capability::Atom(atom) => atom.to_ascii_uppercase(),
        })
        .collect()
}

fn said(outcome: &Outcome<'_>) -> Option<String> {
    outcome.information.as_deref().map(str::to_owned)
}

/// The words that name a command; what follows them may be secret.
fn verb(command: &str) -> String {
    let words = if command.starts_with("UID ") { 2 } else { 1 };
    let words: Vec<&str> = command.split(' ').take(words).collect();
    words.join(" ")
}

/// Outside text for a log line: quoted, cut, without control characters.
fn shown(words: &str) -> String {
    let words: String = words
        .chars()
        .filter(|character| !character.is_control())
        .take(MAX_WORDS)
        .collect();
    format!("{words:?}")
}

/// A text in which quoting makes no difference.
fn bare(text: &str) -> String {
    text.replace(['\\', '"'], "")
}

fn ignore(_: &Response<'_>) -> Result<(), String> {
    Ok(())
}

/// An I/O error in words that hold nothing of what was received.
fn describe(error: &io::Error) -> String {
    if let Some(inner) = error.get_ref() {
        if let Some(refusal) = inner.downcast_ref::<Refusal>() {
            return refusal.to_string();
        }
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return format!("TLS: {tls}");
        }
    }
    match error.kind() {
        io::ErrorKind::Other => "the server's answer is not valid IMAP".to_owned(),
        io::ErrorKind::UnexpectedEof => "the connection was cut in the middle".to_owned(),
        kind => format!("the connection failed: {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_cut_and_without_control_characters() {
        #[track_caller]
        fn check(words: &str, expected: &str) {
            assert_eq!(shown(words), expected);
        }
        check("go away", "\"go away\"");
        check("a\u{1b}[31m\"b\"\r\nc", "\"a[31m\\\"b\\\"c\"");
        check(
            &"ä".repeat(MAX_WORDS + 1),
            &format!("\"{}\"", "ä".repeat(MAX_WORDS)),
        );
    }

    #[test]
    fn verbs() {
        #[track_caller]
        fn check(command: &str, expected: &str) {
            assert_eq!(verb(command), expected);
        }
        check("NOOP", "NOOP");
        check("LOGIN \"alice\" \"secret\"", "LOGIN");
        check("UID FETCH 1 (UID)", "UID FETCH");
    }

    #[test]
    fn parser_errors_are_not_repeated() {
        let error = io::Error::other("during parsing of Subject: secret");
        assert_eq!(describe(&error), "the server's answer is not valid IMAP");
    }
}
