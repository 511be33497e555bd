//! Stands between the program and a real IMAP server, on a loopback port of its
//! own, in clear: passes everything on, and spoils the commands that it is told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::process::free_port;

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server never sees it; the client reads this status: `NO [UNAVAILABLE] later`.
    Answer(String),
    /// The same, and the line is closed: `* BYE shutting down`.
    SayAndClose(String),
    /// Nothing comes any more, and the line stays open.
    Stall,
    /// The server's answer ends so many bytes after its first literal has begun.
    CutInLiteral(usize),
    Close,
}

/// Chooses by the command without its tag: `UID FETCH 3 (UID BODY.PEEK[])`.
type Choice = Box<dyn FnMut(&str) -> Option<Fault> + Send>;

pub struct ImapProxy {
    pub port: u16,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    server_port: u16,
    choice: Mutex<Choice>,
    streams: Mutex<Vec<TcpStream>>,
    connections: AtomicUsize,
    closing: AtomicBool,
}

impl ImapProxy {
    #[track_caller]
    pub fn start(server_port: u16) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("listen");
        let shared = Arc::new(Shared {
            server_port,
            choice: Mutex::new(Box::new(|_| None)),
            streams: Mutex::default(),
            connections: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
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
    pub fn spoil(&self, choice: impl FnMut(&str) -> Option<Fault> + Send + 'static) {
        *self.shared.choice() = Box::new(choice);
    }

    /// The next command that begins so, and no other.
    pub fn spoil_next(&self, beginning: &str, fault: Fault) {
        let beginning = beginning.to_owned();
        let mut fault = Some(fault);
        self.spoil(move |command| match command.starts_with(&beginning) {
            true => fault.take(),
            false => None,
        });
    }

    /// Everything is passed on again.
    pub fn behave(&self) {
        self.spoil(|_| None);
    }

    /// How many connections came, ended ones too.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for ImapProxy {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        for stream in self.shared.streams().iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes `accept`.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn choice(&self) -> MutexGuard<'_, Choice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn streams(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming().flatten() {
        if shared.closing.load(Ordering::SeqCst) {
            return;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        // While the server is away the client sees its connection closed.
        let Ok(server) = TcpStream::connect(("127.0.0.1", shared.server_port)) else {
            continue;
        };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
            if let Ok(stream) = stream.try_clone() {
                shared.streams().push(stream);
            }
        }
        let (Ok(to_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else {
            continue;
        };
        let cut = Arc::new(Mutex::new(None));
        std::thread::spawn({
            let cut = Arc::clone(&cut);
            move || pass_answers(from_server, to_client, &cut)
        });
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A lost connection is an end like any other.
            let _ = pass_commands(&client, &server, &shared, &cut);
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        });
    }
}

/// After how many bytes of the next literal the line is cut.
type Cut = Mutex<Option<usize>>;

fn pass_commands(
    client: &TcpStream,
    mut server: &TcpStream,
    shared: &Shared,
    cut: &Cut,
) -> std::io::Result<()> {
    let mut answers = client;
    let mut commands = BufReader::new(client);
    let mut line = Vec::new();
    while commands.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let (tag, command) = text.split_once(' ').unwrap_or((text.as_str(), ""));
        let fault = shared.choice()(command);
        match fault {
            None => server.write_all(&line)?,
            Some(Fault::Answer(status)) => {
                answers.write_all(format!("{tag} {status}\r\n").as_bytes())?;
            }
            Some(Fault::SayAndClose(words)) => {
                return answers.write_all(format!("{words}\r\n").as_bytes());
            }
            Some(Fault::Stall) => {}
            Some(Fault::CutInLiteral(bytes)) => {
                *cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
                server.write_all(&line)?;
            }
            Some(Fault::Close) => return Ok(()),
        }
        line.clear();
    }
    Ok(())
}

fn pass_answers(mut server: TcpStream, mut client: TcpStream, cut: &Cut) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        let Some(bytes) = buffer.get(..count) else {
            break;
        };
        let wanted = *cut.lock().unwrap_or_else(PoisonError::into_inner);
        let literal = wanted.and_then(|after| Some((after, literal_begins(bytes)?)));
        if let Some((after, begin)) = literal {
            let _ = client.write_all(&bytes[..(begin + after).min(count)]);
            break;
        }
        if client.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// Where the bytes of the first literal begin.
fn literal_begins(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(3).position(|found| found == b"}\r\n")?;
    Some(end + 3)
}
