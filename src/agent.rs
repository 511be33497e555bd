//! The gpg-agent of a GNUPGHOME: it holds secret keys, on disk or on a card, and works with them.
//!
//! Spoken is Assuan: lines over a Unix socket, an operation on a connection of its own. The agent
//! is started where it does not run, as gpg does. It must not ask anybody: a key whose passphrase
//! it does not know is away until somebody tells it (`gpg-preset-passphrase`, or any use of the
//! key by hand).
//!
//! Why not by a library: `docs/decisions/gpg-agent.md`.
//!
//! Each call ends within [`GREETED_WITHIN`] and [`PATIENCE`]. After one that was in vain the agent counts as away for
//! [`CALM`], so that a hundred mails do not wait for it a hundred times.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::zeroize::Zeroizing;

use crate::mail::pgp::{HeldKey, Inside, KeyAway, Refusal, SecretAgent};

/// A new connection is greeted at once by an agent that works, whatever else it does.
const GREETED_WITHIN: Duration = Duration::from_secs(5);
/// One operation, with the touch of a token.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long an agent that did not answer is not asked again.
const CALM: Duration = Duration::from_secs(5);
/// Of gpgconf, which tells where the socket is and starts the agent.
const STARTING: Duration = Duration::from_secs(10);

/// What an answer may hold; the largest is a list of keys.
const MOST_BYTES: usize = 1_000_000;
/// Longer ones no Assuan server sends (libassuan: 1,000 bytes).
const LONGEST_LINE: usize = 1_100;
/// Read at once.
const PIECE: usize = 1_024;
/// Keys of an agent that are looked at.
const MOST_KEYS: usize = 1_000;

/// What is asked of the agent is answered, or it says why not.
pub struct GpgAgent {
    home: PathBuf,
    away: Mutex<Option<(Instant, KeyAway)>>,
}

impl GpgAgent {
    /// `home`: its GNUPGHOME.
    pub fn at(home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            away: Mutex::new(None),
        }
    }

    /// Connects and works, unless the agent was away a moment ago.
    fn with<T>(&self, work: impl FnOnce(&mut Session) -> Result<T, Trouble>) -> Result<T, Refusal> {
        if let Some(away) = self.is_away() {
            return Err(away.into());
        }
        match self.connect().and_then(|mut session| work(&mut session)) {
            Ok(done) => Ok(done),
            Err(Trouble::Refused(error)) if error.is_of_the_key() => {
                Err(KeyAway(error.in_words()).into())
            }
            Err(Trouble::Refused(error)) => Err(Refusal::Unfit(error.in_words())),
            Err(Trouble::Broken(why)) => Err(self.note(why).into()),
        }
    }

    fn is_away(&self) -> Option<KeyAway> {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, why) = away.as_ref()?;
        (since.elapsed() < CALM).then(|| why.clone())
    }

    /// It is away as a whole.
    fn note(&self, why: String) -> KeyAway {
        let away = KeyAway(format!("{}: {why}", self.home.display()));
        let mut noted = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = Some((Instant::now(), away.clone()));
        away
    }

    fn connect(&self) -> Result<Session, Trouble> {
        let stream = match dial(&self.socket()) {
            Ok(stream) => stream,
            Err(_) => self.start()?,
        };
        let mut session = Session::begin(stream, Instant::now() + GREETED_WITHIN)?;
        session.deadline = Instant::now() + PATIENCE;
        Ok(session)
    }

    /// Starts the agent and connects to it.
    fn start(&self) -> Result<UnixStream, Trouble> {
        let started = gpgconf(&self.home, &["--launch", "gpg-agent"]);
        let socket = self.socket();
        dial(&socket).map_err(|error| {
            let why = started.err().map(|why| format!("; starting it: {why}"));
            Trouble::Broken(format!(
                "cannot be reached at {} ({error}{}); is GnuPG installed, and openpgp.agent_home \
                 its home?",
                socket.display(),
                why.unwrap_or_default()
            ))
        })
    }

    /// Where GnuPG puts it: in the home, or under `/run/user`.
    fn socket(&self) -> PathBuf {
        match gpgconf(&self.home, &["--list-dirs", "agent-socket"]) {
            Ok(path) if !path.is_empty() => PathBuf::from(unescaped(&path)),
            _ => self.home.join("S.gpg-agent"),
        }
    }
}

impl SecretAgent for GpgAgent {
    fn keys(&self) -> Result<Vec<HeldKey>, KeyAway> {
        let listed = self.with(|session| {
            let answer = session.ask("KEYINFO --list", &[])?;
            let mut keys = Vec::new();
            for name in answer.key_names().into_iter().take(MOST_KEYS) {
                // One that cannot be told cannot be used either.
                match session.ask(&format!("READKEY {name}"), &[]) {
                    Ok(answer) => keys.push(HeldKey {
                        name,
                        public: answer.data.to_vec(),
                    }),
                    Err(Trouble::Refused(_)) => {}
                    Err(broken) => return Err(broken),
                }
            }
            Ok(keys)
        });
        listed.map_err(|refusal| match refusal {
            Refusal::KeyAway(away) => away,
            Refusal::Unfit(why) => KeyAway(why),
        })
    }

    fn sign(&self, name: &str, algorithm: u8, digest: &[u8]) -> Result<Vec<u8>, Refusal> {
        let digest: String = digest.iter().map(|octet| format!("{octet:02X}")).collect();
        self.with(|session| {
            session.ask(&format!("SIGKEY {name}"), &[])?;
            session.ask(&format!("SETHASH {algorithm} {digest}"), &[])?;
            Ok(session.ask("PKSIGN", &[])?.data.to_vec())
        })
    }

    fn decrypt(&self, name: &str, ciphertext: &[u8]) -> Result<Inside, Refusal> {
        self.with(|session| {
            session.ask(&format!("SETKEY {name}"), &[])?;
            let answer = session.ask("PKDECRYPT", &[("CIPHERTEXT", ciphertext)])?;
            let is_unpadded = answer.status.iter().any(|line| line == "PADDING 0");
            Ok(Inside {
                value: answer.data,
                is_unpadded,
            })
        })
    }
}

/// Why an operation came to nothing.
#[derive(Debug)]
enum Trouble {
    /// The agent said so.
    Refused(AgentError),
    /// There is no agent, or it does not speak as one.
    Broken(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Broken(match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                "did not answer in time; does it hang, or wait for a card or a touch?".to_owned()
            }
            _ => format!("the connection broke: {error}"),
        })
    }
}

/// `ERR 67108881 No secret key <GPG Agent>`.
#[derive(Debug, PartialEq, Eq)]
struct AgentError {
    /// Of libgpg-error, without its source.
    code: u32,
    said: String,
}

impl AgentError {
    fn of(line: &str) -> Self {
        let (code, said) = line.split_once(' ').unwrap_or((line, ""));
        let said = said.chars().filter(|c| !c.is_control());
        Self {
            code: code.parse::<u32>().unwrap_or_default() & 0xffff,
            said: said.take(200).collect(),
        }
    }

    /// Is it the matter of the key, its passphrase or its card, and may succeed another time? All
    /// else is the fault of what the key was to work on, which anybody may send us.
    fn is_of_the_key(&self) -> bool {
        const KEY: [u32; 5] = [7, 11, 17, 31, 54];
        const PASSPHRASE: [u32; 8] = [85, 86, 87, 99, 114, 177, 178, 198];
        const CARD: [u32; 12] = [91, 108, 109, 110, 111, 112, 119, 120, 122, 123, 130, 132];
        // Time ran out; no agent; forbidden; locked; cancelled.
        const AGENT: [u32; 6] = [62, 77, 78, 173, 251, 277];
        // ENOMEM, EACCES and their like.
        const OF_THE_SYSTEM: u32 = 0x8000;
        let is_of_the_system = self.code & OF_THE_SYSTEM != 0;
        is_of_the_system
            || [&KEY[..], &PASSPHRASE, &CARD, &AGENT]
                .iter()
                .any(|codes| codes.contains(&self.code))
    }

    fn in_words(&self) -> String {
        match self.code {
            85 | 86 | 99 | 177 | 178 | 198 => format!(
                "the key is locked, and nobody may be asked for its passphrase or PIN ({}); tell \
                 the agent (gpg-preset-passphrase, or use the key once by hand)",
                self.said
            ),
            _ => self.said.clone(),
        }
    }
}

/// What came before `OK`.
struct Answer {
    data: Zeroizing<Vec<u8>>,
    status: Vec<String>,
}

impl Answer {
    /// With room for every session key, so that none is left behind by a buffer that moves.
    fn empty() -> Self {
        Self {
            data: Zeroizing::new(Vec::with_capacity(16 * 1_024)),
            status: Vec::new(),
        }
    }

    /// Of `S KEYINFO NAME TYPE …`, but those that are missing (`-`).
    fn key_names(&self) -> Vec<String> {
        let name = |line: &String| {
            let mut words = line.strip_prefix("KEYINFO ")?.split(' ');
            let name = words.next()?;
            let is_hex = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            (is_hex && words.next() != Some("-")).then(|| name.to_owned())
        };
        self.status.iter().filter_map(name).collect()
    }
}

/// A connection with an agent.
struct Session {
    stream: UnixStream,
    deadline: Instant,
    /// Read, and not yet looked at.
    ahead: Zeroizing<Vec<u8>>,
}

impl Session {
    fn begin(stream: UnixStream, deadline: Instant) -> Result<Self, Trouble> {
        let mut session = Self {
            stream,
            deadline,
            ahead: Zeroizing::new(Vec::with_capacity(LONGEST_LINE + PIECE)),
        };
        session.answer(&[])?;
        // Nobody sits before us, and a window on somebody's screen would wait for ever.
        session.ask("OPTION pinentry-mode=error", &[])?;
        Ok(session)
    }

    /// Sends a command and reads its answer; what the agent inquires meanwhile it gets of `inquired`.
    fn ask(&mut self, command: &str, inquired: &[(&str, &[u8])]) -> Result<Answer, Trouble> {
        self.send(format!("{command}\n").as_bytes())?;
        self.answer(inquired)
    }

    fn answer(&mut self, inquired: &[(&str, &[u8])]) -> Result<Answer, Trouble> {
        let mut answer = Answer::empty();
        let mut read = 0;
        loop {
            let line = self.line()?;
            read += line.len();
            if read > MOST_BYTES {
                return Err(Trouble::Broken("its answer is too long".to_owned()));
            }
            let (word, rest) = split(&line);
            match word {
                b"OK" => return Ok(answer),
                b"ERR" => return Err(Trouble::Refused(AgentError::of(&text(rest)))),
                b"D" => append_unescaped(&mut answer.data, rest),
                b"S" => answer.status.push(text(rest)),
                b"INQUIRE" => self.tell(rest, inquired)?,
                // Comments, and nothing.
                _ => {}
            }
        }
    }

    /// Answers an inquiry, or cancels what it is about.
    fn tell(&mut self, asked: &[u8], inquired: &[(&str, &[u8])]) -> Result<(), Trouble> {
        let (word, _) = split(asked);
        let known = inquired.iter().find(|(name, _)| name.as_bytes() == word);
        let Some((_, bytes)) = known else {
            return self.send(b"CAN\n");
        };
        self.send(&data_lines(bytes))
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.hurry()?;
        Ok(self.stream.write_all(bytes)?)
    }

    /// The next line, without its end.
    fn line(&mut self) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                let line = self.ahead.get(..end).unwrap_or_default().to_vec();
                self.ahead.drain(..=end);
                return Ok(Zeroizing::new(line));
            }
            if self.ahead.len() > LONGEST_LINE {
                return Err(Trouble::Broken("it speaks no Assuan".to_owned()));
            }
            self.hurry()?;
            let mut piece = Zeroizing::new([0; PIECE]);
            let read = self.stream.read(&mut *piece)?;
            match piece.get(..read) {
                None | Some([]) => {
                    return Err(Trouble::Broken("it ended the connection".to_owned()));
                }
                Some(piece) => self.ahead.extend_from_slice(piece),
            }
        }
    }

    /// What is read or written next may take as long as there is time left.
    fn hurry(&self) -> Result<(), Trouble> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.set_write_timeout(Some(left))?;
        Ok(())
    }
}

/// The first word of a line and the rest.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|byte| *byte == b' ');
    match end.and_then(|end| line.split_at_checked(end)) {
        Some((word, rest)) => (word, rest.get(1..).unwrap_or_default()),
        None => (line, &[]),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `%25`, `%0D` and `%0A` stand for `%` and line ends.
fn append_unescaped(out: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        let escaped = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, escaped) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*byte);
                rest = after;
            }
        }
    }
}

/// `D …` lines and `END`.
fn data_lines(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    // Each byte may become three.
    for chunk in bytes.chunks(300) {
        out.extend(b"D ");
        for byte in chunk {
            match byte {
                b'%' | b'\r' | b'\n' => out.extend(format!("%{byte:02X}").bytes()),
                byte => out.push(*byte),
            }
        }
        out.push(b'\n');
    }
    out.extend(b"END\n");
    out
}

/// gpgconf writes `%3a` for a colon.
fn unescaped(path: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::new();
    append_unescaped(&mut bytes, path.as_bytes());
    std::ffi::OsString::from_vec(bytes)
}

/// Connects; a queue that is full is waited for as long as for an answer.
fn dial(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    set_socket_timeout(&socket, Timeout::Send, Some(GREETED_WITHIN))?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}

/// The first line that gpgconf prints.
fn gpgconf(home: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("gpgconf");
    command
        .arg("--homedir")
        .arg(home)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = output_within(command, STARTING).map_err(|error| format!("gpgconf: {error}"))?;
    if !output.status.success() {
        return Err(format!("gpgconf ended with {}", output.status));
    }
    let text = text(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Runs a program in a process group of its own, so that all of it ends at the limit.
fn output_within(mut command: Command, limit: Duration) -> io::Result<Output> {
    let child = command.stdout(Stdio::piped()).process_group(0).spawn()?;
    let group = Pid::from_child(&child);
    let (done, finished) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    finished.recv_timeout(limit).unwrap_or_else(|_| {
        // It may have ended in this very moment.
        kill_process_group(group, Signal::KILL).ok();
        Err(io::ErrorKind::TimedOut.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_through_lines() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        let lines = data_lines(&bytes);
        let mut back = Vec::new();
        for line in lines.split(|byte| *byte == b'\n') {
            assert!(line.len() < 1_000);
            if let (b"D", rest) = split(line) {
                append_unescaped(&mut back, rest);
            }
        }
        assert_eq!(back, bytes);
        assert!(lines.ends_with(b"\nEND\n"));
        let mut odd = Vec::new();
        append_unescaped(&mut odd, b"a%zz%4");
        assert_eq!(odd, b"a%zz%4");
    }

    #[test]
    fn keys_that_are_missing_are_not_listed() {
        let grip = "CA166A311056F23D4D406D2572D6DB606319105C";
        let mut answer = Answer::empty();
        for kind in ["D", "T", "-"] {
            let line = format!("KEYINFO {grip} {kind} - - - C - - -");
            answer.status.push(line);
        }
        answer.status.push("KEYINFO x; D".to_owned());
        assert_eq!(answer.key_names(), [grip, grip]);
    }

    /// Whose fault it is: the key's, which waits, or the mail's, which is recorded as unreadable.
    #[test]
    fn what_the_agent_refuses() {
        #[track_caller]
        fn check(line: &str, is_of_the_key: bool) {
            let error = AgentError::of(line);
            assert_eq!(error.is_of_the_key(), is_of_the_key, "{error:?}");
        }
        check("67108881 No secret key <GPG Agent>", true);
        check("67108949 No pinentry <GPG Agent>", true);
        check("100663408 Card not present <SCD>", true);
        check("67108963 Operation cancelled <Pinentry>", true);
        check("67108875 Bad passphrase <GPG Agent>", true);
        check("67141718 Cannot allocate memory <GPG Agent>", true);
        check("16777368 Decryption failed <GCRYPT>", false);
        check("67108943 Invalid data <GPG Agent>", false);
        check("", false);
    }

    /// One that never says a word, and one that hangs up.
    #[test]
    fn an_agent_that_is_none() {
        let home = tempfile::tempdir().unwrap();
        let listener = std::os::unix::net::UnixListener::bind(home.path().join("s")).unwrap();
        let dialled = dial(&home.path().join("s")).unwrap();
        let silent = Session::begin(dialled, Instant::now() + Duration::from_millis(50));
        let Err(Trouble::Broken(why)) = silent else {
            panic!("no answer is none")
        };
        assert!(why.contains("did not answer"), "{why}");
        let dialled = dial(&home.path().join("s")).unwrap();
        drop(listener);
        let gone = Session::begin(dialled, Instant::now() + PATIENCE);
        assert!(matches!(gone, Err(Trouble::Broken(_))));
    }
}
