//! A scripted SMTP server: takes mail as fast as it comes and counts it, and
//! misbehaves on request. In clear, on loopback; any login is good.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::process::free_port;

/// A point of the SMTP dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The greeting.
    Connect,
    Mail,
    Rcpt,
    Data,
    /// After the final dot: the whole mail is here.
    Dot,
}

/// What happens at a stage; before it, all goes well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Accept,
    /// This reply, for example `451 4.7.1 greylisted`.
    Refuse(Stage, String),
    /// No answer, until another behaviour is set.
    Stall(Stage),
    /// The connection is closed without an answer.
    Close(Stage),
    /// The connection is closed at each command that holds these words.
    CloseAt(String),
    /// This reply to `MAIL FROM:<>`; any other sender is welcome.
    RefuseNullSender(String),
}

impl Behaviour {
    fn stage(&self) -> Option<Stage> {
        match self {
            Self::Accept | Self::RefuseNullSender(_) | Self::CloseAt(_) => None,
            Self::Refuse(stage, _) | Self::Stall(stage) | Self::Close(stage) => Some(*stage),
        }
    }
}

/// A mail whose final dot came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Empty for `<>`.
    pub mail_from: String,
    pub recipients: Vec<String>,
    pub bytes: Vec<u8>,
    /// Did the client hear 250?
    pub accepted: bool,
}

pub struct Sink {
    pub port: u16,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    behaviour: Behaviour,
    received: Vec<Received>,
    connections: Vec<TcpStream>,
    connection_count: usize,
    closing: bool,
}

impl Sink {
    #[track_caller]
    pub fn start(behaviour: Behaviour) -> Self {
        let (port, listener) = listen_somewhere();
        Self::serve(port, listener, behaviour)
    }

    /// On a port that clients know already: a server that comes up late.
    #[track_caller]
    pub fn start_on(port: u16, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("listen");
        Self::serve(port, listener, behaviour)
    }

    fn serve(port: u16, listener: TcpListener, behaviour: Behaviour) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                behaviour,
                received: Vec::new(),
                connections: Vec::new(),
                connection_count: 0,
                closing: false,
            }),
            changed: Condvar::new(),
        });
        let listener = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || listen(&listener, &shared)
        });
        Self {
            port,
            shared,
            listener: Some(listener),
        }
    }

    /// From now on, on open connections too.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.state().behaviour = behaviour;
        self.shared.changed.notify_all();
    }

    /// All mails so far, accepted or not.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// How many mails were accepted.
    pub fn count(&self) -> usize {
        let state = self.shared.state();
        state.received.iter().filter(|mail| mail.accepted).count()
    }

    /// How many connections came, ended ones too.
    pub fn connections(&self) -> usize {
        self.shared.state().connection_count
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closing = true;
        for connection in &state.connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        self.shared.changed.notify_all();
        // Wakes `accept`.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn null_sender_refusal(&self) -> Option<String> {
        match &self.state().behaviour {
            Behaviour::RefuseNullSender(refusal) => Some(refusal.clone()),
            _ => None,
        }
    }

    fn closes_at(&self, line: &str) -> bool {
        match &self.state().behaviour {
            Behaviour::CloseAt(words) => line.contains(words.as_str()),
            _ => false,
        }
    }

    /// The behaviour for this stage, once it is not to stall; `None` while closing.
    fn at(&self, stage: Stage) -> Option<Behaviour> {
        let mut state = self.state();
        while !state.closing && state.behaviour == Behaviour::Stall(stage) {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closing {
            return None;
        }
        match state.behaviour.stage() == Some(stage) {
            true => Some(state.behaviour.clone()),
            false => Some(Behaviour::Accept),
        }
    }
}

/// A program that another thread starts holds a copy of `free_port`'s own socket
/// until its exec, so a free port may be refused for a moment.
fn listen_somewhere() -> (u16, TcpListener) {
    let listening = std::iter::repeat_with(free_port)
        .take(20)
        .find_map(|port| Some((port, TcpListener::bind(("127.0.0.1", port)).ok()?)));
    listening.expect("a port to listen on")
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().flatten() {
        let mut state = shared.state();
        if state.closing {
            return;
        }
        if let Ok(handle) = stream.try_clone() {
            state.connections.push(handle);
        }
        state.connection_count += 1;
        drop(state);
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A lost connection is an end like any other.
            let _ = Session::new(stream, &shared).run();
        });
    }
}

/// Why a session ends; never shown to anyone.
struct Ended;

impl From<std::io::Error> for Ended {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

struct Session<'a> {
    reader: BufReader<TcpStream>,
    shared: &'a Shared,
    mail_from: String,
    recipients: Vec<String>,
}

impl<'a> Session<'a> {
    fn new(stream: TcpStream, shared: &'a Shared) -> Self {
        let _ = stream.set_nodelay(true);
        Self {
            reader: BufReader::new(stream),
            shared,
            mail_from: String::new(),
            recipients: Vec::new(),
        }
    }

    fn run(mut self) -> Result<(), Ended> {
        let result = self.converse();
        // The sink keeps a handle of the socket, so dropping ours would not close it.
        let _ = self.reader.get_ref().shutdown(Shutdown::Both);
        result
    }

    fn converse(&mut self) -> Result<(), Ended> {
        self.step(Stage::Connect, "220 sink.test ESMTP")?;
        loop {
            let line = self.line()?;
            if self.shared.closes_at(&line) {
                return Err(Ended);
            }
            let verb = line.split([' ', ':']).next().unwrap_or_default();
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => self.reply(
                    "250-sink.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n\
                     250 AUTH PLAIN LOGIN",
                )?,
                "HELO" | "NOOP" => self.reply("250 ok")?,
                "RSET" => {
                    self.forget();
                    self.reply("250 ok")?;
                }
                "AUTH" => self.login(&line)?,
                "MAIL" => {
                    self.mail_from = address(&line);
                    match self.shared.null_sender_refusal() {
                        Some(refusal) if self.mail_from.is_empty() => self.reply(&refusal)?,
                        _ => drop(self.step(Stage::Mail, "250 ok")?),
                    }
                }
                "RCPT" => {
                    if self.step(Stage::Rcpt, "250 ok")? {
                        self.recipients.push(address(&line));
                    }
                }
                "DATA" if self.recipients.is_empty() => self.reply("503 no recipient")?,
                "DATA" => {
                    if self.step(Stage::Data, "354 go ahead")? {
                        self.take_mail()?;
                    }
                }
                "QUIT" => {
                    self.reply("221 bye")?;
                    return Ok(());
                }
                _ => self.reply("500 what?")?,
            }
        }
    }

    /// Answers as the behaviour for this stage says; true where it was `reply`.
    fn step(&mut self, stage: Stage, reply: &str) -> Result<bool, Ended> {
        match self.shared.at(stage) {
            Some(Behaviour::Accept) => {
                self.reply(reply)?;
                Ok(true)
            }
            Some(Behaviour::Refuse(_, refusal)) => {
                self.reply(&refusal)?;
                Ok(false)
            }
            Some(_) | None => Err(Ended),
        }
    }

    fn login(&mut self, line: &str) -> Result<(), Ended> {
        // LOGIN asks for name and password; PLAIN may bring them at once.
        let questions = match line.to_ascii_uppercase().trim() {
            "AUTH LOGIN" => 2,
            "AUTH PLAIN" => 1,
            _ => 0,
        };
        for _ in 0..questions {
            self.reply("334 ")?;
            self.line()?;
        }
        self.reply("235 welcome")
    }

    fn take_mail(&mut self) -> Result<(), Ended> {
        let bytes = self.mail()?;
        // Recorded first: who hears 250 may count at once.
        let place = {
            let mut state = self.shared.state();
            state.received.push(Received {
                mail_from: std::mem::take(&mut self.mail_from),
                recipients: std::mem::take(&mut self.recipients),
                bytes,
                accepted: false,
            });
            state.received.len() - 1
        };
        let behaviour = self.shared.at(Stage::Dot);
        if behaviour == Some(Behaviour::Accept)
            && let Some(mail) = self.shared.state().received.get_mut(place)
        {
            mail.accepted = true;
        }
        match behaviour {
            Some(Behaviour::Accept) => self.reply("250 2.0.0 taken"),
            Some(Behaviour::Refuse(_, refusal)) => self.reply(&refusal),
            Some(_) | None => Err(Ended),
        }
    }

    /// Until the final dot, with the doubled dots undone.
    fn mail(&mut self) -> Result<Vec<u8>, Ended> {
        let mut bytes = Vec::new();
        loop {
            let start = bytes.len();
            if self.reader.read_until(b'\n', &mut bytes)? == 0 {
                return Err(Ended);
            }
            if bytes.get(start..) == Some(b".\r\n") {
                bytes.truncate(start);
                return Ok(bytes);
            }
            if bytes.get(start) == Some(&b'.') {
                bytes.remove(start);
            }
        }
    }

    fn forget(&mut self) {
        self.mail_from.clear();
        self.recipients.clear();
    }

    fn line(&mut self) -> Result<String, Ended> {
        let mut line = String::new();
        match self.reader.read_line(&mut line)? {
            0 => Err(Ended),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    fn reply(&mut self, text: &str) -> Result<(), Ended> {
        let stream = self.reader.get_mut();
        stream.write_all(format!("{text}\r\n").as_bytes())?;
        Ok(())
    }
}

/// What stands between the angle brackets.
fn address(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(address, _)| address.to_owned())
        .unwrap_or_default()
}
