//! Delivery through the `sendmail` command that every mail server on Unix brings.
//!
//! `COMMAND… -i -f SENDER -- RECIPIENT`, the letter on standard input with the line ends
//! of this machine (LF). The exit status decides, by sysexits(3).

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::{DeliveryError, Letter, Outcome, Scope, outside_words};
use crate::config::Sendmail;
use crate::mail::compose::mailable;

/// What the program said on standard error is kept up to this many bytes.
const COMPLAINT_AT_MOST: u64 = 4_096;

mod exit {
    //! sysexits(3), as far as it matters here.
    pub const OK: i32 = 0;
    pub const DATAERR: i32 = 65;
    pub const NOUSER: i32 = 67;
    pub const NOHOST: i32 = 68;
    pub const TEMPFAIL: i32 = 75;
}

pub struct Program {
    program: String,
    arguments: Vec<String>,
    timeout: Duration,
}

impl Program {
    pub fn new(config: &Sendmail, timeout: Duration) -> Result<Self, DeliveryError> {
        let (program, arguments) = config
            .command
            .split_first()
            .ok_or_else(|| DeliveryError("sendmail.command is empty".to_owned()))?;
        Ok(Self {
            program: program.clone(),
            arguments: arguments.to_vec(),
            timeout,
        })
    }

    /// Is the program there? It says nothing about the mail system behind it.
    pub fn probe(&self) -> Result<String, String> {
        let path = std::path::Path::new(&self.program);
        if path.is_absolute() && !path.is_file() {
            return Err(format!("{}: there is no such program", self.program));
        }
        Ok(format!("{} is run for each letter", self.program))
    }

    pub async fn send(&self, letter: &Letter) -> Outcome {
        if mailable(&letter.recipient).is_none() {
            return Outcome::Rejected {
                why: "the recipient is not an address that mail can be sent to".to_owned(),
                null_sender_refused: false,
            };
        }
        let (child, complaint) = match self.start(letter) {
            Ok(started) => started,
            Err(error) => return self.deferred(&error.to_string(), Scope::Server),
        };
        let run = feed(child, complaint, &letter.bytes);
        match tokio::time::timeout(self.timeout, run).await {
            Ok(Ok(end)) => self.outcome(&end),
            Ok(Err(error)) => self.deferred(&error.to_string(), Scope::Letter),
            Err(_) => {
                let why = format!("not done after {} s, ended", self.timeout.as_secs());
                self.deferred(&why, Scope::Letter)
            }
        }
    }

    /// Its standard error goes to a file without a name: a pipe would stay open, and be
    /// waited for, as long as a delivery that it left in the background runs.
    fn start(&self, letter: &Letter) -> io::Result<(Child, File)> {
        let complaint = tempfile::tempfile()?;
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .arg("-i")
            .arg("-f")
            .arg(letter.envelope_from.as_deref().unwrap_or("<>"))
            .arg("--")
            .arg(&letter.recipient)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(complaint.try_clone()?)
            .kill_on_drop(true)
            .spawn()?;
        Ok((child, complaint))
    }

    fn outcome(&self, end: &End) -> Outcome {
        let why = end.words(&self.program);
        match end.status.code() {
            Some(exit::OK) if end.read_all => Outcome::Accepted { reply: why },
            Some(exit::OK) => self.deferred(
                "it did not read the whole letter and said nothing",
                Scope::ServerOrLetter,
            ),
            Some(exit::DATAERR | exit::NOUSER | exit::NOHOST) => Outcome::Rejected {
                why,
                null_sender_refused: false,
            },
            // Ended by a signal, or busy: the next letter may pass.
            Some(exit::TEMPFAIL) | None => Outcome::Deferred {
                why,
                scope: Scope::Letter,
            },
            Some(_) => Outcome::Deferred {
                why,
                scope: Scope::ServerOrLetter,
            },
        }
    }

    fn deferred(&self, what: &str, scope: Scope) -> Outcome {
        Outcome::Deferred {
            why: format!("{}: {what}", self.program),
            scope,
        }
    }
}

/// How a run of the program ended.
struct End {
    status: ExitStatus,
    /// It took the whole letter from its standard input.
    read_all: bool,
    complaint: String,
}

impl End {
    fn words(&self, program: &str) -> String {
        let words = format!("{program}: {} {}", self.status, self.complaint);
        outside_words(words.trim_end())
    }
}

/// Writes the letter and waits for the end, both at once: a program that ends early must
/// not leave us writing.
async fn feed(mut child: Child, mut complaint: File, bytes: &[u8]) -> io::Result<End> {
    let stdin = child.stdin.take();
    let letter = with_unix_line_ends(bytes);
    let write = async {
        match stdin {
            Some(mut pipe) => pipe.write_all(&letter).await.is_ok() && pipe.flush().await.is_ok(),
            None => false,
        }
    };
    let (read_all, status) = tokio::join!(write, child.wait());
    Ok(End {
        status: status?,
        read_all,
        complaint: head_of(&mut complaint)?,
    })
}

fn head_of(file: &mut File) -> io::Result<String> {
    let mut head = Vec::new();
    file.rewind()?;
    file.take(COMPLAINT_AT_MOST).read_to_end(&mut head)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn with_unix_line_ends(bytes: &[u8]) -> Vec<u8> {
    let mut rest = bytes.iter().copied().peekable();
    let mut out = Vec::with_capacity(bytes.len());
    while let Some(byte) = rest.next() {
        if byte != b'\r' || rest.peek() != Some(&b'\n') {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a shell script in place of sendmail.
    async fn outcome_of(script: &str) -> Outcome {
        outcome_within(Duration::from_secs(20), script).await
    }

    async fn outcome_within(timeout: Duration, script: &str) -> Outcome {
        let config = Sendmail {
            command: ["/bin/sh", "-c", script, "sendmail"]
                .map(str::to_owned)
                .to_vec(),
        };
        let program = Program::new(&config, timeout).unwrap();
        program.send(&letter(None)).await
    }

    fn letter(envelope_from: Option<&str>) -> Letter {
        Letter {
            envelope_from: envelope_from.map(str::to_owned),
            recipient: "ann@example.test".to_owned(),
            bytes: b"Subject: s\r\n\r\none\r\n.\r\ntwo\r\n".to_vec(),
        }
    }

    #[tokio::test]
    async fn the_exit_status_decides() {
        #[derive(Debug, PartialEq)]
        enum Class {
            Accepted,
            Rejected,
            Deferred(Scope),
        }
        #[track_caller]
        fn check(outcome: Outcome, expected: Class) {
            let class = match &outcome {
                Outcome::Accepted { .. } => Class::Accepted,
                Outcome::Rejected { .. } => Class::Rejected,
                Outcome::Deferred { scope, .. } => Class::Deferred(*scope),
                Outcome::Unknown { .. } => panic!("{outcome:?}"),
            };
            assert_eq!(class, expected, "{outcome:?}");
        }
        let either = || Class::Deferred(Scope::ServerOrLetter);
        let letter = || Class::Deferred(Scope::Letter);
        check(outcome_of("cat >/dev/null").await, Class::Accepted);
        check(
            outcome_of("cat >/dev/null; sleep 60 2>&1 &").await,
            Class::Accepted,
        );
        check(outcome_of("exit 67").await, Class::Rejected);
        check(outcome_of("exit 68").await, Class::Rejected);
        check(outcome_of("cat >/dev/null; exit 65").await, Class::Rejected);
        check(outcome_of("cat >/dev/null; exit 75").await, letter());
        check(outcome_of("exit 64").await, either());
        check(outcome_of("exit 77").await, either());
        check(outcome_of("exit 1").await, either());
        check(outcome_of("kill -9 $$").await, letter());
        let late = outcome_within(Duration::from_millis(200), "sleep 60").await;
        check(late, letter());
    }

    #[tokio::test]
    async fn a_missing_program_concerns_every_letter() {
        let config = Sendmail {
            command: vec!["/nowhere/sendmail".to_owned()],
        };
        let program = Program::new(&config, Duration::from_secs(5)).unwrap();
        let outcome = program.send(&letter(None)).await;
        assert!(
            matches!(
                outcome,
                Outcome::Deferred {
                    scope: Scope::Server,
                    ..
                }
            ),
            "{outcome:?}"
        );
        assert!(program.probe().is_err());
    }

    #[tokio::test]
    async fn it_gets_sender_recipient_and_unix_lines() {
        #[track_caller]
        fn check(seen: &str, sender: &str) {
            let expected =
                format!("-i|-f|{sender}|--|ann@example.test|\nSubject: s\n\none\n.\ntwo\n");
            assert_eq!(seen, expected);
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seen");
        let script = r#"{ printf '%s|' "$@"; echo; cat; } >"$0""#;
        let config = Sendmail {
            command: vec![
                "/bin/sh".into(),
                "-c".into(),
                script.into(),
                file.display().to_string(),
            ],
        };
        let program = Program::new(&config, Duration::from_secs(5)).unwrap();
        for (from, sender) in [(None, "<>"), (Some("us@example.test"), "us@example.test")] {
            let outcome = program.send(&letter(from)).await;
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
            check(&std::fs::read_to_string(&file).unwrap(), sender);
        }
    }

    #[tokio::test]
    async fn its_complaint_is_kept() {
        let outcome = outcome_of("echo 'no such user' >&2; exit 67").await;
        let Outcome::Rejected { why, .. } = outcome else {
            panic!("{outcome:?}");
        };
        assert!(why.ends_with("no such user"), "{why}");
    }

    #[tokio::test]
    async fn an_option_is_no_recipient() {
        let program = Program::new(
            &Sendmail {
                command: vec!["/bin/true".to_owned()],
            },
            Duration::from_secs(5),
        )
        .unwrap();
        let mut letter = letter(None);
        letter.recipient = "-bs".to_owned();
        assert!(matches!(
            program.send(&letter).await,
            Outcome::Rejected { .. }
        ));
    }
}
