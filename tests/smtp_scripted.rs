//! Delivery over SMTP against a server that follows a script: every step refused, stalled,
//! cut and garbled, and what the client makes of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use triaged::config::{self, SecretSource, Server, TlsMode, Transport};
use triaged::delivery::{Delivery, Letter, Outcome, Scope, Timeouts};

/// What a step may take where the test waits for the client to lose patience.
const PATIENCE: Duration = Duration::from_secs(3);

// ---- the server ----

/// What the server has just received, or is about to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    /// A line that answers an authentication challenge.
    AuthAnswer,
    Mail,
    Rcpt,
    Data,
    /// The final dot.
    Dot,
    Rset,
}

#[derive(Clone, Debug)]
enum Act {
    Say(&'static str),
    SayBytes(&'static [u8]),
    /// A reply that comes byte by byte.
    Drip(&'static str),
    SayAndClose(&'static str),
    Close,
    Stall,
}

use Act::*;

/// On the n-th connection (all of them: 0), the n-th time that it comes to this.
#[derive(Clone, Debug)]
struct Rule {
    connection: usize,
    at: At,
    nth: usize,
    act: Act,
}

fn on(at: At, act: Act) -> Rule {
    nth(0, at, 1, act)
}

fn nth(connection: usize, at: At, nth: usize, act: Act) -> Rule {
    Rule {
        connection,
        at,
        nth,
        act,
    }
}

#[derive(Default)]
struct Seen {
    /// Command lines in order, `connect` before those of each connection.
    lines: Vec<String>,
    /// Texts as they came over the wire, final dot excluded.
    texts: Vec<Vec<u8>>,
}

struct Script {
    offers: Vec<&'static str>,
    rules: Vec<Rule>,
    tls: Option<TlsAcceptor>,
    implicit: bool,
    keep: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            offers: vec!["AUTH PLAIN LOGIN", "8BITMIME"],
            rules: Vec::new(),
            tls: None,
            implicit: false,
            keep: true,
        }
    }
}

struct Scripted {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Scripted {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let script = Arc::new(script);
        let server = Self {
            port,
            seen: Arc::clone(&seen),
        };
        tokio::spawn(async move {
            for connection in 1.. {
                let Ok((tcp, _)) = listener.accept().await else {
                    return;
                };
                tcp.set_nodelay(true).unwrap();
                seen.lock().unwrap().lines.push("connect".to_owned());
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                tokio::spawn(async move {
                    let talk = Conversation {
                        script,
                        seen,
                        connection,
                        counts: Vec::new(),
                    };
                    talk.accept(tcp).await;
                });
            }
        });
        server
    }

    fn lines(&self) -> Vec<String> {
        self.seen.lock().unwrap().lines.clone()
    }

    fn texts(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().texts.clone()
    }

    fn connections(&self) -> usize {
        self.lines()
            .iter()
            .filter(|line| *line == "connect")
            .count()
    }
}

/// The connection is at its end.
struct Over;

struct Conversation {
    script: Arc<Script>,
    seen: Arc<Mutex<Seen>>,
    connection: usize,
    counts: Vec<At>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Conversation {
    async fn accept(mut self, tcp: TcpStream) {
        let script = Arc::clone(&self.script);
        match &script.tls {
            Some(tls) if script.implicit => {
                if let Ok(stream) = tls.accept(tcp).await {
                    let _ = self.serve(&mut BufReader::new(stream), true).await;
                }
            }
            Some(tls) => {
                let mut clear = BufReader::new(tcp);
                if self.serve(&mut clear, true).await.is_ok()
                    && let Ok(stream) = tls.accept(clear.into_inner()).await
                {
                    let _ = self.serve(&mut BufReader::new(stream), false).await;
                }
            }
            None => {
                let _ = self.serve(&mut BufReader::new(tcp), true).await;
            }
        }
    }

    /// `Ok` when the client has asked for TLS.
    async fn serve<S: Stream>(
        &mut self,
        stream: &mut BufReader<S>,
        greet: bool,
    ) -> Result<(), Over> {
        if greet {
            self.answer(stream, At::Greeting, "220 mx.example.test ESMTP")
                .await?;
        }
        let mut in_text = false;
        let mut text = Vec::new();
        loop {
            let mut line = Vec::new();
            match stream.read_until(b'\n', &mut line).await {
                Ok(n) if n > 0 => {}
                _ => return Err(Over),
            }
            if in_text {
                if line == b".\r\n" {
                    in_text = false;
                    let text = std::mem::take(&mut text);
                    if self.script.keep {
                        self.seen.lock().unwrap().texts.push(text);
                    }
                    self.answer(stream, At::Dot, "250 2.0.0 queued").await?;
                } else {
                    text.extend(line);
                }
                continue;
            }
            let line = String::from_utf8(line).unwrap().trim_end().to_owned();
            if self.script.keep {
                self.seen.lock().unwrap().lines.push(line.clone());
            }
            let verb = line.split([' ', ':']).next().unwrap().to_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let mut reply = vec!["mx.example.test".to_owned()];
                    reply.extend(self.script.offers.iter().map(|offer| (*offer).to_owned()));
                    let last = reply.pop().unwrap();
                    let mut words: String =
                        reply.iter().map(|line| format!("250-{line}\r\n")).collect();
                    words.push_str(&format!("250 {last}"));
                    self.answer(stream, At::Ehlo, &words).await?;
                }
                "STARTTLS" => {
                    self.answer(stream, At::StartTls, "220 2.0.0 go ahead")
                        .await?;
                    return Ok(());
                }
                "AUTH" if line == "AUTH LOGIN" => {
                    self.answer(stream, At::Auth, "334 VXNlcm5hbWU6").await?;
                    self.answer_of(stream, "334 UGFzc3dvcmQ6").await?;
                    self.answer_of(stream, "235 2.7.0 welcome").await?;
                }
                "AUTH" => self.answer(stream, At::Auth, "235 2.7.0 welcome").await?,
                "MAIL" => self.answer(stream, At::Mail, "250 2.1.0 sender ok").await?,
                "RCPT" => {
                    self.answer(stream, At::Rcpt, "250 2.1.5 recipient ok")
                        .await?
                }
                "DATA" => {
                    self.answer(stream, At::Data, "354 go on").await?;
                    in_text = !self.refused_now(At::Data);
                }
                "RSET" => self.answer(stream, At::Rset, "250 2.0.0 forgotten").await?,
                "QUIT" => {
                    let _ = stream.write_all(b"221 2.0.0 bye\r\n").await;
                    return Err(Over);
                }
                _ => stream.write_all(b"500 what?\r\n").await.map_err(|_| Over)?,
            }
        }
    }

    async fn answer_of<S: Stream>(
        &mut self,
        stream: &mut BufReader<S>,
        usual: &str,
    ) -> Result<(), Over> {
        let mut line = String::new();
        stream.read_line(&mut line).await.map_err(|_| Over)?;
        self.seen
            .lock()
            .unwrap()
            .lines
            .push(line.trim_end().to_owned());
        self.answer(stream, At::AuthAnswer, usual).await
    }

    fn rule(&self, at: At) -> Option<Act> {
        let times = self.counts.iter().filter(|seen| **seen == at).count();
        self.script
            .rules
            .iter()
            .find(|rule| {
                rule.at == at
                    && rule.nth == times
                    && (rule.connection == 0 || rule.connection == self.connection)
            })
            .map(|rule| rule.act.clone())
    }

    /// Whether the answer just given was another than the usual one.
    fn refused_now(&self, at: At) -> bool {
        match self.rule(at) {
            None => false,
            Some(Say(words) | Drip(words)) => !words.starts_with('3'),
            Some(_) => true,
        }
    }

    async fn answer<S: Stream>(
        &mut self,
        stream: &mut BufReader<S>,
        at: At,
        usual: &str,
    ) -> Result<(), Over> {
        self.counts.push(at);
        let said = match self.rule(at) {
            None => stream.write_all(format!("{usual}\r\n").as_bytes()).await,
            Some(Say(words)) => stream.write_all(format!("{words}\r\n").as_bytes()).await,
            Some(SayBytes(bytes)) => stream.write_all(bytes).await,
            Some(SayAndClose(words)) => {
                let _ = stream.write_all(format!("{words}\r\n").as_bytes()).await;
                let _ = stream.flush().await;
                return Err(Over);
            }
            Some(Drip(words)) => {
                for byte in format!("{words}\r\n").bytes() {
                    if stream.write_all(&[byte]).await.is_err() || stream.flush().await.is_err() {
                        return Err(Over);
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Ok(())
            }
            Some(Close) => return Err(Over),
            Some(Stall) => {
                std::future::pending::<()>().await;
                Ok(())
            }
        };
        said.map_err(|_| Over)?;
        stream.flush().await.map_err(|_| Over)
    }
}

// ---- the client ----

fn server_config(port: u16, tls: TlsMode, ca: Option<&Path>) -> Server {
    Server {
        host: "127.0.0.1".to_owned(),
        port,
        tls,
        ca_file: ca.map(Path::to_owned),
        pin_sha256: None,
    }
}

fn timeouts(each: Duration) -> Timeouts {
    Timeouts {
        connect: each,
        command: each,
        data: each,
        verdict: each,
    }
}

fn impatient() -> Timeouts {
    timeouts(PATIENCE)
}

fn patient() -> Timeouts {
    timeouts(Duration::from_secs(20))
}

/// Patient, unless the test is about waiting.
fn patience_for(act: &Act) -> Timeouts {
    match act {
        Stall => impatient(),
        _ => patient(),
    }
}

/// Put in place whole: tests run side by side.
fn password_file(password: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = tempfile::NamedTempFile::new_in(folder).unwrap();
    std::fs::write(file.path(), password).unwrap();
    let path = folder.join(format!("smtp-password-{password}"));
    file.persist(&path).unwrap();
    path
}

fn delivery(server: Server, password: Option<&str>, timeouts: Timeouts) -> Delivery {
    let login = password.map(|password| {
        (
            "robot".to_owned(),
            SecretSource::File(password_file(password)),
        )
    });
    let transport = Transport::Smtp(config::Smtp {
        server,
        login,
        return_path: None,
    });
    Delivery::open_with(&transport, timeouts).unwrap()
}

fn in_clear(server: &Scripted) -> Delivery {
    in_clear_with(server, patient())
}

fn in_clear_with(server: &Scripted, timeouts: Timeouts) -> Delivery {
    delivery(
        server_config(server.port, TlsMode::Off, None),
        None,
        timeouts,
    )
}

fn letter() -> Letter {
    Letter {
        envelope_from: None,
        recipient: "ann@example.test".to_owned(),
        bytes: b"Subject: s\r\n\r\nhello\r\n".to_vec(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Accepted,
    /// Deferred, scope server.
    Server,
    /// Deferred, scope letter.
    Letter,
    /// Deferred, and nobody knows whose fault it is.
    Either,
    Rejected,
    Unknown,
}

fn class(outcome: &Outcome) -> Class {
    match outcome {
        Outcome::Accepted { .. } => Class::Accepted,
        Outcome::Deferred {
            scope: Scope::Server,
            ..
        } => Class::Server,
        Outcome::Deferred {
            scope: Scope::Letter,
            ..
        } => Class::Letter,
        Outcome::Deferred {
            scope: Scope::ServerOrLetter,
            ..
        } => Class::Either,
        Outcome::Rejected { .. } => Class::Rejected,
        Outcome::Unknown { .. } => Class::Unknown,
    }
}

fn why(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { reply } => reply.clone(),
        Outcome::Deferred { why, .. }
        | Outcome::Rejected { why, .. }
        | Outcome::Unknown { why } => why.clone(),
    }
}

/// One letter, in clear, with a login, to a server with one rule. A second letter after it
/// must go through on the same client: no failure may spoil the next.
async fn check(at: At, act: Act, expected: Class) {
    let script = Script {
        rules: vec![nth(1, at, 1, act.clone())],
        ..Script::default()
    };
    let server = Scripted::start(script).await;
    let config = server_config(server.port, TlsMode::Off, None);
    let mut delivery = delivery(config, Some("secret"), patience_for(&act));
    let outcome = delivery.send(&letter()).await;
    assert_eq!(class(&outcome), expected, "{at:?} {act:?}: {outcome:?}");
    let next = delivery.send(&letter()).await;
    assert_eq!(
        class(&next),
        Class::Accepted,
        "after {at:?} {act:?}: {next:?}"
    );
}

// ---- the tests ----

#[tokio::test]
async fn refusals_before_the_letter_are_faults_of_the_server_or_ours() {
    for at in [At::Greeting, At::Ehlo, At::Auth] {
        check(at, Say("451 4.3.0 not now"), Class::Server).await;
        check(at, Say("554 5.3.2 no service"), Class::Server).await;
        check(at, Say("421 4.3.2 closing"), Class::Server).await;
    }
    check(At::Auth, Say("535 5.7.8 wrong password"), Class::Server).await;
    check(At::Mail, Say("530 5.7.0 log in first"), Class::Server).await;
    check(At::Mail, Say("503 5.5.1 bad sequence"), Class::Server).await;
    check(At::Rcpt, Say("530 5.7.0 log in first"), Class::Server).await;
}

#[tokio::test]
async fn a_server_that_breaks_off_at_a_letter_may_mean_the_letter() {
    check(At::Mail, Say("421 4.3.2 closing"), Class::Either).await;
    check(At::Mail, SayAndClose("421 4.3.2 closing"), Class::Either).await;
    check(At::Mail, Close, Class::Either).await;
}

#[tokio::test]
async fn refusals_of_the_letter_go_by_their_class() {
    for at in [At::Mail, At::Rcpt, At::Data, At::Dot] {
        check(at, Say("451 4.7.1 greylisted"), Class::Letter).await;
        check(at, Say("452 4.3.4 no space"), Class::Letter).await;
        check(at, Say("550 5.1.1 no"), Class::Rejected).await;
        check(at, Say("552 5.3.4 too big"), Class::Rejected).await;
        check(
            at,
            Say("571 5.7.1 a code outside RFC 5321"),
            Class::Rejected,
        )
        .await;
        check(at, Say("554"), Class::Rejected).await;
        check(
            at,
            Say("550-5.7.1 for\r\n550 5.7.1 reasons"),
            Class::Rejected,
        )
        .await;
        check(at, SayBytes(b"550 5.1.1 unm\xf6glich\r\n"), Class::Rejected).await;
    }
    check(At::Rcpt, Say("421 4.7.0 slow down"), Class::Letter).await;
    check(At::Dot, SayAndClose("421 4.3.2 closing"), Class::Letter).await;
}

#[tokio::test]
async fn a_server_that_does_not_know_us_has_not_judged_the_recipient() {
    check(
        At::Rcpt,
        Say("554 5.7.1 <ann@example.test>: Relay access denied"),
        Class::Letter,
    )
    .await;
    check(
        At::Rcpt,
        Say("550 relay not permitted, authentication required"),
        Class::Letter,
    )
    .await;
}

#[tokio::test]
async fn silence_is_waited_for_no_longer_than_said() {
    let begin = Instant::now();
    let server = [At::Greeting, At::Ehlo, At::Auth].map(|at| (at, Class::Server));
    let letter = [At::Rcpt, At::Data].map(|at| (at, Class::Letter));
    let rows = server
        .into_iter()
        .chain(letter)
        .chain([(At::Mail, Class::Either), (At::Dot, Class::Unknown)]);
    join_all(rows.map(|(at, expected)| check(at, Stall, expected))).await;
    assert!(begin.elapsed() < 5 * PATIENCE);
}

#[tokio::test]
async fn a_cut_connection_is_a_deferral_until_the_final_dot() {
    for at in [At::Greeting, At::Ehlo, At::Auth] {
        check(at, Close, Class::Server).await;
    }
    for at in [At::Rcpt, At::Data] {
        check(at, Close, Class::Letter).await;
    }
    check(At::Dot, Close, Class::Unknown).await;
}

#[tokio::test]
async fn garbage_is_no_reply() {
    for garbage in [
        "hello",
        "2 50 ok",
        "250_ok",
        "999 ok",
        "",
        "250-one\r\n251 two",
    ] {
        for at in [At::Greeting, At::Ehlo, At::Auth] {
            check(at, Say(garbage), Class::Server).await;
        }
        check(At::Mail, Say(garbage), Class::Either).await;
        for at in [At::Rcpt, At::Data] {
            check(at, Say(garbage), Class::Letter).await;
        }
        check(At::Dot, Say(garbage), Class::Unknown).await;
    }
    check(At::Data, Say("250 ok, but not 354"), Class::Letter).await;
    check(At::Dot, Say("354 go on"), Class::Unknown).await;
    check(
        At::Dot,
        SayAndClose("250-2.0.0 half a reply"),
        Class::Unknown,
    )
    .await;
}

#[tokio::test]
async fn a_reply_without_end_is_cut() {
    static LINE: [u8; 100_000] = [b'2'; 100_000];
    check(At::Mail, SayBytes(&LINE), Class::Either).await;
    check(At::Dot, SayBytes(&LINE), Class::Unknown).await;
}

#[tokio::test]
async fn replies_in_other_shapes_are_understood() {
    for at in [At::Mail, At::Rcpt, At::Dot] {
        check(at, Drip("250-2.0.0 one\r\n250 2.0.0 two"), Class::Accepted).await;
        check(at, Say("250"), Class::Accepted).await;
        check(at, SayBytes(b"250 g\xfcltig\r\n"), Class::Accepted).await;
        check(at, SayBytes(b"250 bare line feed\n"), Class::Accepted).await;
    }
    check(At::Ehlo, Drip("250-mx\r\n250 auth=plain"), Class::Accepted).await;
}

#[tokio::test]
async fn a_text_that_did_not_get_through_is_a_deferral() {
    for act in [SayAndClose("354 go on"), Stall] {
        let timeouts = patience_for(&act);
        let rules = vec![on(At::Data, act)];
        let server = Scripted::start(Script {
            rules,
            ..Script::default()
        })
        .await;
        let mut big = letter();
        big.bytes = b"0123456789abcdef0123456789abcdef\r\n".repeat(1_000_000);
        let outcome = in_clear_with(&server, timeouts).send(&big).await;
        assert_eq!(class(&outcome), Class::Letter, "{outcome:?}");
        assert!(server.texts().is_empty());
    }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut delivery = delivery(server_config(port, TlsMode::Off, None), None, patient());
    let outcome = delivery.send(&letter()).await;
    assert_eq!(class(&outcome), Class::Server, "{outcome:?}");
    let expected = format!("smtp 127.0.0.1:{port}: ");
    assert!(why(&outcome).starts_with(&expected), "{outcome:?}");
}

#[tokio::test]
async fn a_parked_connection_that_died_costs_nothing() {
    let dead = [
        nth(1, At::Mail, 2, SayAndClose("421 4.4.2 idle for too long")),
        nth(1, At::Mail, 2, Close),
        nth(
            1,
            At::Dot,
            1,
            SayAndClose("250 2.0.0 queued, and good night"),
        ),
        nth(1, At::Mail, 2, Stall),
    ];
    for rule in dead {
        let rules = vec![rule.clone()];
        let server = Scripted::start(Script {
            rules,
            ..Script::default()
        })
        .await;
        let mut delivery = in_clear_with(&server, patience_for(&rule.act));
        for _ in 0..2 {
            let outcome = delivery.send(&letter()).await;
            assert_eq!(class(&outcome), Class::Accepted, "{rule:?}: {outcome:?}");
        }
        assert_eq!(
            (server.connections(), server.texts().len()),
            (2, 2),
            "{rule:?}"
        );
    }
}

#[tokio::test]
async fn a_second_refusal_on_a_fresh_connection_counts() {
    let rules = vec![
        nth(1, At::Mail, 2, SayAndClose("421 4.3.2 closing")),
        nth(2, At::Mail, 1, SayAndClose("421 4.3.2 closing")),
    ];
    let server = Scripted::start(Script {
        rules,
        ..Script::default()
    })
    .await;
    let mut delivery = in_clear(&server);
    assert_eq!(class(&delivery.send(&letter()).await), Class::Accepted);
    assert_eq!(class(&delivery.send(&letter()).await), Class::Either);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_refused_transaction_is_reset_and_the_connection_kept() {
    for at in [At::Mail, At::Rcpt, At::Data, At::Dot] {
        let rules = vec![on(at, Say("550 5.0.0 no"))];
        let server = Scripted::start(Script {
            rules,
            ..Script::default()
        })
        .await;
        let mut delivery = in_clear(&server);
        assert_eq!(class(&delivery.send(&letter()).await), Class::Rejected);
        assert_eq!(class(&delivery.send(&letter()).await), Class::Accepted);
        let resets = server.lines().iter().filter(|line| *line == "RSET").count();
        assert_eq!((server.connections(), resets), (1, 1), "{at:?}");
    }
}

#[tokio::test]
async fn a_refused_reset_means_a_new_connection() {
    let rules = vec![
        nth(1, At::Rcpt, 1, Say("550 5.1.1 no")),
        nth(1, At::Rset, 1, Say("500 what?")),
    ];
    let server = Scripted::start(Script {
        rules,
        ..Script::default()
    })
    .await;
    let mut delivery = in_clear(&server);
    assert_eq!(class(&delivery.send(&letter()).await), Class::Rejected);
    assert_eq!(class(&delivery.send(&letter()).await), Class::Accepted);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn the_envelope_is_what_the_letter_says() {
    let server = Scripted::start(Script::default()).await;
    let mut delivery = in_clear(&server);
    assert_eq!(class(&delivery.send(&letter()).await), Class::Accepted);
    let mut from_us = letter();
    from_us.envelope_from = Some("security@example.test".to_owned());
    assert_eq!(class(&delivery.send(&from_us).await), Class::Accepted);
    delivery.close().await;

    let lines = server.lines();
    let commands: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.starts_with("EHLO "))
        .collect();
    assert_eq!(
        commands,
        [
            "connect",
            "MAIL FROM:<>",
            "RCPT TO:<ann@example.test>",
            "DATA",
            "MAIL FROM:<security@example.test>",
            "RCPT TO:<ann@example.test>",
            "DATA",
            "QUIT",
        ]
    );
}

#[tokio::test]
async fn a_refused_null_sender_is_told_apart() {
    async fn check(at: At, reply: &'static str, from: Option<&str>, expected: bool) {
        let rules = vec![on(at, Say(reply))];
        let server = Scripted::start(Script {
            rules,
            ..Script::default()
        })
        .await;
        let mut letter = letter();
        letter.envelope_from = from.map(str::to_owned);
        let outcome = in_clear(&server).send(&letter).await;
        let Outcome::Rejected {
            null_sender_refused,
            ..
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(null_sender_refused, expected, "{reply}");
    }
    let us = Some("security@example.test");
    check(
        At::Mail,
        "550 5.7.1 null sender not allowed here",
        None,
        true,
    )
    .await;
    check(At::Mail, "501 5.1.7 bad sender", None, true).await;
    check(At::Mail, "550 5.7.1 not you", us, false).await;
    check(At::Rcpt, "550 5.1.1 no such user", None, false).await;
    check(
        At::Rcpt,
        "553 5.7.1 <>: Sender address rejected: not owned by user",
        None,
        true,
    )
    .await;
    check(
        At::Dot,
        "554 5.2.252 SendAsDenied; not allowed to send as <>",
        None,
        true,
    )
    .await;
    check(At::Dot, "554 5.7.1 looks like spam", None, false).await;
}

#[tokio::test]
async fn dots_and_line_ends_arrive_as_they_should() {
    async fn check(bytes: &[u8], on_the_wire: &[u8]) {
        let server = Scripted::start(Script::default()).await;
        let mut letter = letter();
        letter.bytes = bytes.to_vec();
        let outcome = in_clear(&server).send(&letter).await;
        assert_eq!(class(&outcome), Class::Accepted);
        let texts = server.texts();
        let wire = String::from_utf8_lossy(&texts[0]);
        assert_eq!(wire, String::from_utf8_lossy(on_the_wire));
        assert_eq!(texts.len(), 1);
    }
    check(b"a\r\nb\r\n", b"a\r\nb\r\n").await;
    check(b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n").await;
    check(b".\r\n..\r\n.c\r\n", b"..\r\n...\r\n..c\r\n").await;
    check(b"no end", b"no end\r\n").await;
    check(b"a\r\n\r\n", b"a\r\n\r\n").await;
    check(b"a.\r\nb . \r\n", b"a.\r\nb . \r\n").await;
    // A lone CR or LF beside a dot is how a second letter is smuggled past a server.
    check(
        b"a\n.\r\nMAIL FROM:<x@example.test>\r\n",
        b"a\r\n..\r\nMAIL FROM:<x@example.test>\r\n",
    )
    .await;
    check(b"a\r.\rb", b"a\r\n..\r\nb\r\n").await;
}

#[tokio::test]
async fn addresses_that_cannot_travel_are_rejected_without_a_word_to_the_server() {
    let server = Scripted::start(Script::default()).await;
    let mut delivery = in_clear(&server);
    for recipient in [
        "",
        "ann",
        "a b@example.test",
        "a@b@",
        "x@y>\r\nDATA",
        "<a@example.test>",
    ] {
        let mut letter = letter();
        letter.recipient = recipient.to_owned();
        let outcome = delivery.send(&letter).await;
        assert_eq!(
            class(&outcome),
            Class::Rejected,
            "{recipient:?}: {outcome:?}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_international_address_needs_smtputf8() {
    async fn check(offers: Vec<&'static str>, expected: Class) -> Vec<String> {
        let server = Scripted::start(Script {
            offers,
            ..Script::default()
        })
        .await;
        let mut delivery = in_clear(&server);
        let mut international = letter();
        international.recipient = "jürgen@example.test".to_owned();
        let outcome = delivery.send(&international).await;
        assert_eq!(class(&outcome), expected, "{outcome:?}");
        let next = delivery.send(&letter()).await;
        assert_eq!(class(&next), Class::Accepted, "{next:?}");
        server.lines()
    }
    check(vec!["8BITMIME"], Class::Rejected).await;
    let lines = check(vec!["8BITMIME", "SMTPUTF8"], Class::Accepted).await;
    assert!(
        lines.contains(&"MAIL FROM:<> SMTPUTF8".to_owned()),
        "{lines:?}"
    );
}

#[tokio::test]
async fn the_login_takes_what_is_offered() {
    async fn check(offer: &'static str, expected: &[&str]) {
        let offers = vec!["8BITMIME", offer];
        let server = Scripted::start(Script {
            offers,
            ..Script::default()
        })
        .await;
        let config = server_config(server.port, TlsMode::Off, None);
        let outcome = delivery(config, Some("geheim"), patient())
            .send(&letter())
            .await;
        assert_eq!(class(&outcome), Class::Accepted, "{outcome:?}");
        let lines = server.lines();
        assert_eq!(lines[2..2 + expected.len()], *expected);
    }
    check("AUTH PLAIN LOGIN", &["AUTH PLAIN AHJvYm90AGdlaGVpbQ=="]).await;
    check("AUTH CRAM-MD5 plain", &["AUTH PLAIN AHJvYm90AGdlaGVpbQ=="]).await;
    check("AUTH LOGIN", &["AUTH LOGIN", "cm9ib3Q=", "Z2VoZWlt"]).await;
}

#[tokio::test]
async fn a_login_that_fails_names_its_remedy_and_not_the_password() {
    async fn check(offers: Vec<&'static str>, rules: Vec<Rule>, expected: &str) {
        let script = Script {
            offers,
            rules,
            ..Script::default()
        };
        let server = Scripted::start(script).await;
        let config = server_config(server.port, TlsMode::Off, None);
        let mut delivery = delivery(config, Some("geheim"), patient());
        let outcome = delivery.send(&letter()).await;
        assert_eq!(class(&outcome), Class::Server, "{outcome:?}");
        let why = why(&outcome);
        assert!(why.contains(expected), "{why}");
        assert!(
            !why.contains("geheim") && !why.contains("Z2VoZWlt"),
            "{why}"
        );
        assert!(!server.lines().iter().any(|line| line.starts_with("MAIL")));
        let probe = delivery.probe().await;
        assert!(probe.is_err_and(|error| error.to_string().contains(expected)));
    }
    let wrong = "535 5.7.8 wrong";
    check(
        vec!["AUTH PLAIN"],
        vec![on(At::Auth, Say(wrong))],
        "login as robot refused, 535 5.7.8 wrong; check smtp.username and its password",
    )
    .await;
    check(
        vec!["AUTH LOGIN"],
        vec![nth(0, At::AuthAnswer, 2, Say(wrong))],
        "login as robot refused, 535 5.7.8 wrong",
    )
    .await;
    check(
        vec!["AUTH LOGIN"],
        vec![nth(0, At::AuthAnswer, 2, Say("334 more"))],
        "unexpected 334",
    )
    .await;
    check(
        vec!["AUTH GSSAPI"],
        vec![],
        "offers neither AUTH PLAIN nor AUTH LOGIN",
    )
    .await;
}

#[tokio::test]
async fn a_password_that_cannot_be_read_is_a_fault_of_ours() {
    let server = Scripted::start(Script::default()).await;
    let transport = Transport::Smtp(config::Smtp {
        server: server_config(server.port, TlsMode::Off, None),
        login: Some((
            "robot".to_owned(),
            SecretSource::File("/nowhere/password".into()),
        )),
        return_path: None,
    });
    let mut delivery = Delivery::open_with(&transport, patient()).unwrap();
    let outcome = delivery.send(&letter()).await;
    assert_eq!(class(&outcome), Class::Server, "{outcome:?}");
}

// ---- TLS ----

struct Certificate {
    folder: tempfile::TempDir,
}

impl Certificate {
    /// For 127.0.0.1, self-signed. `None` where there is no openssl command.
    fn make() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "2", "-subj", "/CN=mx.example.test"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(folder.path())
            .output();
        match made {
            Ok(output) if output.status.success() => Some(Self { folder }),
            other => {
                eprintln!("SKIPPED: TLS tests, no certificate from the openssl command: {other:?}");
                None
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::from_pem_file(self.folder.path().join("key.pem")).unwrap();
        let certificate = CertificateDer::from_pem_file(self.path()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

#[tokio::test]
async fn letters_go_through_tls() {
    let Some(certificate) = Certificate::make() else {
        return;
    };
    for (mode, implicit) in [(TlsMode::Implicit, true), (TlsMode::StartTls, false)] {
        let server = Scripted::start(Script {
            offers: vec!["STARTTLS", "AUTH PLAIN"],
            tls: Some(certificate.acceptor()),
            implicit,
            ..Script::default()
        })
        .await;
        let config = server_config(server.port, mode, Some(&certificate.path()));
        let mut delivery = delivery(config, Some("geheim"), patient());
        for _ in 0..2 {
            let outcome = delivery.send(&letter()).await;
            assert_eq!(class(&outcome), Class::Accepted, "{mode:?}: {outcome:?}");
        }
        delivery.close().await;
        let lines = server.lines();
        let verbs: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let before: &[&str] = match mode {
            TlsMode::StartTls => &["connect", "EHLO", "STARTTLS", "EHLO", "AUTH"],
            _ => &["connect", "EHLO", "AUTH"],
        };
        let letters = ["MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "QUIT"];
        assert_eq!(verbs, [before, letters.as_slice()].concat());
    }
}

#[tokio::test]
async fn without_tls_nothing_is_told() {
    async fn check(offers: Vec<&'static str>, rules: Vec<Rule>, expected: &str) {
        let timeouts = rules
            .first()
            .map_or(patient(), |rule| patience_for(&rule.act));
        let server = Scripted::start(Script {
            offers,
            rules,
            ..Script::default()
        })
        .await;
        let config = server_config(server.port, TlsMode::StartTls, None);
        let outcome = delivery(config, Some("geheim"), timeouts)
            .send(&letter())
            .await;
        assert_eq!(class(&outcome), Class::Server, "{outcome:?}");
        assert!(why(&outcome).contains(expected), "{outcome:?}");
        let lines = server.lines();
        assert!(
            !lines.iter().any(|line| line.starts_with("AUTH")),
            "{lines:?}"
        );
    }
    let starttls = || vec!["STARTTLS", "AUTH PLAIN"];
    check(vec!["AUTH PLAIN"], vec![], "does not offer STARTTLS").await;
    let refused = vec![on(At::StartTls, Say("454 4.7.0 not available"))];
    check(starttls(), refused, "STARTTLS refused, 454").await;
    check(
        starttls(),
        vec![on(At::StartTls, Close)],
        "STARTTLS: connection closed",
    )
    .await;
    check(
        starttls(),
        vec![on(At::StartTls, Stall)],
        "STARTTLS: no answer",
    )
    .await;
    let injected = SayBytes(b"220 go ahead\r\n250-mx\r\n250 AUTH PLAIN\r\n");
    check(
        starttls(),
        vec![on(At::StartTls, injected)],
        "more than its reply",
    )
    .await;
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_ends_it() {
    let (Some(theirs), Some(other)) = (Certificate::make(), Certificate::make()) else {
        return;
    };
    let server = Scripted::start(Script {
        tls: Some(theirs.acceptor()),
        implicit: true,
        ..Script::default()
    })
    .await;
    let config = server_config(server.port, TlsMode::Implicit, Some(&other.path()));
    let outcome = delivery(config, Some("geheim"), patient())
        .send(&letter())
        .await;
    assert_eq!(class(&outcome), Class::Server, "{outcome:?}");
    assert_eq!(server.lines(), ["connect"]);
}

// ---- many letters ----

#[tokio::test]
async fn a_thousand_letters_are_quick_and_share_connections() {
    let server = Scripted::start(Script {
        keep: false,
        ..Script::default()
    })
    .await;
    let config = server_config(server.port, TlsMode::Off, None);
    let mut delivery = delivery(config, None, patient());
    let mut letter = letter();
    letter.bytes = b"A line of a letter of the usual length, as they are written.\r\n".repeat(40);

    let begin = Instant::now();
    let size = letter.bytes.len();
    // As a task of its own, which is how a daemon sends.
    let sending = tokio::spawn(async move {
        for _ in 0..1_000 {
            let outcome = delivery.send(&letter).await;
            assert_eq!(class(&outcome), Class::Accepted, "{outcome:?}");
        }
    });
    sending.await.unwrap();
    let took = begin.elapsed();
    let rate = 1_000.0 / took.as_secs_f64();
    eprintln!("1000 letters of {size} bytes in {took:?}: {rate:.0} a second");
    assert!(took < Duration::from_secs(25), "{took:?}");
    // A hundred letters each.
    assert_eq!(server.connections(), 10);
}
