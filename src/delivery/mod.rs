//! Sends one letter of the outbox: over SMTP, or through this machine's own sendmail.
//!
//! An edge: it knows the network and the configured transport, no database and no mail
//! format. A letter goes to one recipient as the bytes that it has; whether, when and how
//! often it is tried again is for the caller, who chooses by the [`Outcome`].

use std::time::Duration;

use crate::config::Transport;

pub mod sendmail;
pub mod smtp;

/// One finished mail for one recipient.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Where bounces go; `None` is the null sender `<>`, to which nobody answers.
    pub envelope_from: Option<String>,
    pub recipient: String,
    /// The whole mail, header and body, its lines ended by CRLF.
    pub bytes: Vec<u8>,
}

/// What became of a letter (RFC 5321, 4.2.1 and 4.5.4.1).
///
/// `why` and `reply` are words for an administrator, the server's own among them:
/// without control characters, bounded in length, but they may name the recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken responsibility for it.
    Accepted { reply: String },
    /// It was not taken, and may be later.
    Deferred { why: String, scope: Scope },
    /// It will never be taken as it is.
    Rejected {
        why: String,
        /// It was the envelope sender `<>` that the server did not like: the same letter
        /// from an address of ours may pass.
        null_sender_refused: bool,
    },
    /// The final dot was sent and no answer understood: it may have been taken.
    Unknown { why: String },
}

/// What a deferral tells about the next letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The server, the way to it or our login is at fault: other letters would fare no better.
    Server,
    /// It came after the server had begun to take letters: the next one may well pass.
    Letter,
    /// We were let in, and at this letter all ended before it was judged: whose fault that is,
    /// only another attempt tells.
    ServerOrLetter,
}

/// How long each step may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// TCP, and then TLS.
    pub connect: Duration,
    /// One command and its reply; the greeting.
    pub command: Duration,
    /// Writing a letter. For sendmail: its whole run.
    pub data: Duration,
    /// The reply to the final dot. Long, because giving up here may send a letter twice
    /// (RFC 5321, 4.5.3.2.6 asks for ten minutes).
    pub verdict: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            command: Duration::from_secs(60),
            data: Duration::from_secs(300),
            verdict: Duration::from_secs(600),
        }
    }
}

/// The configured transport cannot be used, or did not pass a [`Delivery::probe`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DeliveryError(pub String);

/// The way out for letters. Opening it touches no network: the first letter does.
pub struct Delivery {
    way: Way,
}

enum Way {
    Smtp(Box<smtp::Client>),
    Sendmail(sendmail::Program),
}

impl Delivery {
    pub fn open(transport: &Transport) -> Result<Self, DeliveryError> {
        Self::open_with(transport, Timeouts::default())
    }

    pub fn open_with(transport: &Transport, timeouts: Timeouts) -> Result<Self, DeliveryError> {
        let way = match transport {
            Transport::Smtp(smtp) => Way::Smtp(Box::new(smtp::Client::new(smtp, timeouts))),
            Transport::Sendmail(sendmail) => {
                Way::Sendmail(sendmail::Program::new(sendmail, timeouts.data)?)
            }
        };
        Ok(Self { way })
    }

    /// Sends one letter. Ends by itself within the timeouts; never fails otherwise than
    /// by its outcome.
    pub async fn send(&mut self, letter: &Letter) -> Outcome {
        let outcome = match &mut self.way {
            Way::Smtp(client) => client.send(letter).await,
            Way::Sendmail(program) => program.send(letter).await,
        };
        tracing::debug!(recipient = letter.recipient, ?outcome, "letter handed over");
        outcome
    }

    /// Does all that sending needs, short of a letter: for SMTP it connects and logs in.
    /// Returns what was found, in a few words.
    pub async fn probe(&mut self) -> Result<String, DeliveryError> {
        match &mut self.way {
            Way::Smtp(client) => client.probe().await.map_err(DeliveryError),
            Way::Sendmail(program) => program.probe().map_err(DeliveryError),
        }
    }

    /// Takes leave of the server. Errors do not matter any more.
    pub async fn close(self) {
        if let Way::Smtp(client) = self.way {
            client.close().await;
        }
    }
}

/// Words from outside, fit for a log line: control characters out, cut after 300 characters.
fn outside_words(words: &str) -> String {
    const AT_MOST: usize = 300;
    let mut clean: String = words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(AT_MOST)
        .collect();
    if words.chars().nth(AT_MOST).is_some() {
        clean.push('…');
    }
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_are_cut_by_character_and_cleaned() {
        #[track_caller]
        fn check(words: &str, expected: &str) {
            assert_eq!(outside_words(words), expected);
        }
        check("550 no such user", "550 no such user");
        check("550 a\r\n\u{1b}[31mb", "550 a   [31mb");
        check(&"ü".repeat(301), &format!("{}…", "ü".repeat(300)));
    }
}
