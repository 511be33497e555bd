//! A proxy before Dovecot that notes when the word of new mail was on the wire.
//!
//! Dovecot holds back the notice of a delivery by half a second of its own, which is not ours
//! to measure: the clock starts at the untagged EXISTS while the daemon is in IDLE.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::common::{SOON, wait_until};

#[derive(Default)]
struct Seen {
    idling: bool,
    notice_at: Option<Instant>,
}

/// Serves until the program ends. In clear.
pub struct Proxy {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Proxy {
    pub fn before(imap_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        std::thread::spawn({
            let seen = Arc::clone(&seen);
            move || {
                for client in listener.incoming().flatten() {
                    connect(client, imap_port, &seen);
                }
            }
        });
        Self { port, seen }
    }

    /// Waits until the daemon is in IDLE, and forgets the last notice.
    pub fn wait_for_idle(&self) {
        wait_until("IDLE", SOON, || lock(&self.seen).idling);
        lock(&self.seen).notice_at = None;
    }

    pub fn notice_at(&self) -> Option<Instant> {
        lock(&self.seen).notice_at
    }
}

fn connect(client: TcpStream, imap_port: u16, seen: &Arc<Mutex<Seen>>) {
    let server = TcpStream::connect(("127.0.0.1", imap_port)).expect("connect to Dovecot");
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("set TCP_NODELAY");
    }
    let pair = |stream: &TcpStream| stream.try_clone().expect("a second handle of a socket");
    let (from_client, to_server) = (pair(&client), pair(&server));
    let commands = Arc::clone(seen);
    std::thread::spawn(move || {
        forward(from_client, to_server, |bytes| {
            if contains(bytes, b"DONE\r\n") {
                lock(&commands).idling = false;
            }
        });
    });
    let answers = Arc::clone(seen);
    std::thread::spawn(move || {
        forward(server, client, |bytes| {
            let mut seen = lock(&answers);
            seen.idling |= contains(bytes, b"+ idling");
            if seen.idling && contains(bytes, b" EXISTS\r\n") {
                seen.notice_at.get_or_insert_with(Instant::now);
            }
        });
    });
}

/// `look` sees the bytes before they go on. The words looked for are short and come in one write.
fn forward(mut from: TcpStream, mut to: TcpStream, look: impl Fn(&[u8])) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        look(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // Each side learns that the other is gone; it may know already.
    let _ = to.shutdown(Shutdown::Both);
}

fn contains(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From the notice to the letter, for one mail after the other.
pub fn median_and_worst(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    let median = times[times.len() / 2];
    (median, times[times.len() - 1])
}
