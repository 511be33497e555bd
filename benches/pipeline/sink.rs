//! An SMTP server that takes mail as fast as it comes and keeps the recipients alone.
//! (The one of the tests keeps every byte and misbehaves on request.)

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A whole answer of ours and more, so that a letter is one read.
const BUFFER: usize = 64 * 1024;

#[derive(Default)]
struct Taken {
    letters: usize,
    recipients: HashSet<String>,
    last_at: Option<Instant>,
}

/// Serves until the program ends.
pub struct FastSink {
    pub port: u16,
    taken: Arc<Mutex<Taken>>,
}

impl FastSink {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen");
        let port = listener.local_addr().expect("an address").port();
        let taken = Arc::new(Mutex::new(Taken::default()));
        std::thread::spawn({
            let taken = Arc::clone(&taken);
            move || {
                for stream in listener.incoming().flatten() {
                    let taken = Arc::clone(&taken);
                    // A client that hangs up is no failure.
                    std::thread::spawn(move || drop(serve(stream, &taken)));
                }
            }
        });
        Self { port, taken }
    }

    pub fn forget(&self) {
        *self.taken() = Taken::default();
    }

    pub fn letters(&self) -> usize {
        self.taken().letters
    }

    /// How many addresses have a letter.
    pub fn recipients(&self) -> usize {
        self.taken().recipients.len()
    }

    /// When the letter that makes them `count` was taken.
    pub fn wait_for(&self, count: usize, at_most: Duration) -> Instant {
        let started = Instant::now();
        loop {
            let taken = self.taken();
            if let (true, Some(at)) = (taken.letters >= count, taken.last_at) {
                return at;
            }
            let letters = taken.letters;
            drop(taken);
            assert!(
                started.elapsed() < at_most,
                "{letters} of {count} letters after {at_most:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(stream: TcpStream, taken: &Mutex<Taken>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(BUFFER, stream);
    let mut line = Vec::new();
    let mut recipient = String::new();
    out.write_all(b"220 sink.test ESMTP\r\n")?;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let reply: &[u8] = match line.first_chunk::<4>() {
            Some(b"EHLO") => b"250-sink.test\r\n250 8BITMIME\r\n",
            Some(b"RCPT") => {
                recipient = String::from_utf8_lossy(&line).trim().to_lowercase();
                b"250 ok\r\n"
            }
            Some(b"DATA") => {
                out.write_all(b"354 go ahead\r\n")?;
                skip_letter(&mut reader, &mut line)?;
                let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                taken.last_at = Some(Instant::now());
                taken.letters += 1;
                taken.recipients.insert(std::mem::take(&mut recipient));
                b"250 taken\r\n"
            }
            Some(b"QUIT") => return out.write_all(b"221 bye\r\n"),
            _ => b"250 ok\r\n",
        };
        out.write_all(reply)?;
    }
}

fn skip_letter(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        line.clear();
        if reader.read_until(b'\n', line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(());
        }
    }
}
