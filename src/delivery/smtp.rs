//! Submission over SMTP (RFC 5321, 6409): one connection, kept between letters.
//!
//! The commands go one by one, so that it is known at which of them a letter failed. Until
//! the final dot has been written completely, a failure means that the letter was not
//! taken; after it, only a reply tells. No login and no letter goes out before TLS is up,
//! unless `tls = "off"` and the server is on this machine.
//!
//! lettre writes the commands, but those of the login: it leaves copies of the password behind. The replies are read here: lettre takes codes such as 571,
//! a code without text and replies in Latin-1 for a broken connection, and after the final
//! dot that would make a second copy of a letter that was accepted or refused in plain words.

use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::Address;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{ClientId, MailBodyParameter, MailParameter};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{Letter, Outcome, Scope, Timeouts, outside_words};
use crate::config::{self, SecretSource, Server, TlsMode};
use crate::mail::compose::mailable;
use crate::tls;

/// After so many letters the connection is renewed; servers count too.
const LETTERS_PER_CONNECTION: u32 = 100;
/// A connection that rested longer is not used again.
const REST_AT_MOST: Duration = Duration::from_secs(30);
/// Bytes; RFC 5321, 4.5.3.1.5 allows a server 512.
const REPLY_LINE_AT_MOST: u64 = 4_096;
const REPLY_LINES_AT_MOST: usize = 200;
/// A goodbye is not worth more.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);

/// A submission server, and the connection to it that rests between two letters.
pub struct Client {
    server: Server,
    login: Option<(String, SecretSource)>,
    timeouts: Timeouts,
    parked: Option<Session>,
}

impl Client {
    pub fn new(config: &config::Smtp, timeouts: Timeouts) -> Self {
        Self {
            server: config.server.clone(),
            login: config.login.clone(),
            timeouts,
            parked: None,
        }
    }

    /// Sends over the parked connection if it still works, else over a new one.
    pub async fn send(&mut self, letter: &Letter) -> Outcome {
        let parcel = match Parcel::pack(letter) {
            Ok(parcel) => parcel,
            Err(why) => return rejected(why),
        };
        if let Some(session) = self.unpark().await {
            let result = self.deliver(session, &parcel).await;
            if !result.as_ref().is_err_and(Failure::is_stale_connection) {
                return outcome(result, &parcel);
            }
        }
        match self.connect().await {
            Ok(session) => outcome(self.deliver(session, &parcel).await, &parcel),
            Err(why) => Outcome::Deferred {
                why,
                scope: Scope::Server,
            },
        }
    }

    /// Connects and logs in, or says why not.
    pub async fn probe(&mut self) -> Result<String, String> {
        let session = self.connect().await?;
        self.park(session);
        let login = match &self.login {
            Some((user, _)) => format!("logged in as {user}"),
            None => "no login configured".to_owned(),
        };
        Ok(format!("{}, {login}", self.place()))
    }

    pub async fn close(mut self) {
        if let Some(session) = self.parked.take() {
            session.quit().await;
        }
    }

    /// One letter over one session, which is kept where the server still speaks with us.
    async fn deliver(
        &mut self,
        mut session: Session,
        parcel: &Parcel<'_>,
    ) -> Result<Reply, Failure> {
        let result = session.transfer(parcel).await;
        let failure = result.as_ref().err();
        if failure.is_none_or(Failure::leaves_session_usable) {
            session.unfinished = result.is_err();
            self.park(session);
        }
        result
    }

    fn park(&mut self, mut session: Session) {
        session.parked_at = Instant::now();
        self.parked = Some(session);
    }

    async fn unpark(&mut self) -> Option<Session> {
        let session = self.parked.take()?;
        if session.parked_at.elapsed() <= REST_AT_MOST && session.letters < LETTERS_PER_CONNECTION {
            return Some(session);
        }
        session.quit().await;
        None
    }

    /// Everything up to and including the login. The error names the server and the step.
    async fn connect(&self) -> Result<Session, String> {
        let opened = match self.server.tls {
            TlsMode::Implicit => self.connect_implicit().await,
            TlsMode::StartTls => self.connect_starttls().await,
            TlsMode::Off => self.connect_in_clear().await,
        };
        let session = opened.map_err(|why| format!("{}: {why}", self.place()))?;
        self.log_in(session)
            .await
            .map_err(|why| format!("{}: {why}", self.place()))
    }

    async fn connect_implicit(&self) -> Result<Session, String> {
        let (tcp, hello) = self.connect_tcp().await?;
        let stream = self.handshake(tcp).await?;
        self.begin_session(stream, &hello).await
    }

    /// RFC 3207. What the server said before TLS is forgotten, and nothing that it sent ahead
    /// of TLS is taken for a reply inside it.
    async fn connect_starttls(&self) -> Result<Session, String> {
        let (tcp, hello) = self.connect_tcp().await?;
        let mut talk = Talk::new(tcp, self.timeouts);
        talk.greeting().await?;
        if !talk.ehlo(&hello).await?.starttls {
            return Err("does not offer STARTTLS; check smtp.port and smtp.tls".to_owned());
        }
        talk.exchange("STARTTLS", &Starttls, 220).await?;
        let tcp = talk.into_stream()?;
        let stream = self.handshake(tcp).await?;
        Session::begin(Talk::new(stream, self.timeouts), &hello).await
    }

    async fn connect_in_clear(&self) -> Result<Session, String> {
        let (tcp, hello) = self.connect_tcp().await?;
        let peer = tcp.peer_addr().map_err(|error| error.to_string())?;
        if !peer.ip().to_canonical().is_loopback() {
            return Err(format!(
                "smtp.tls = \"off\" is for this machine alone, and this is {}",
                peer.ip()
            ));
        }
        self.begin_session(Box::new(tcp), &hello).await
    }

    async fn begin_session(
        &self,
        stream: Box<dyn Stream>,
        hello: &ClientId,
    ) -> Result<Session, String> {
        let mut talk = Talk::new(stream, self.timeouts);
        talk.greeting().await?;
        Session::begin(talk, hello).await
    }

    /// TCP_NODELAY, so that no small write waits 40 ms for a delayed acknowledgement.
    async fn connect_tcp(&self) -> Result<(TcpStream, ClientId), String> {
        let tcp = tls::connect_tcp(&self.server, self.timeouts.connect).await?;
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        let local = tcp.local_addr().map_err(|error| error.to_string())?;
        Ok((tcp, hello_name(ClientId::default(), local.ip())))
    }

    async fn handshake(&self, tcp: TcpStream) -> Result<Box<dyn Stream>, String> {
        let stream = tls::handshake(tcp, &self.server, self.timeouts.connect).await?;
        Ok(Box::new(stream))
    }

    async fn log_in(&self, mut session: Session) -> Result<Session, String> {
        if let Some((user, source)) = &self.login {
            let password = read_secret(source.clone()).await?;
            session.log_in(user, &password).await?;
        }
        Ok(session)
    }

    fn place(&self) -> String {
        format!("smtp {}:{}", self.server.host, self.server.port)
    }
}

/// A password may come from a command, which takes its time.
async fn read_secret(source: SecretSource) -> Result<SecretString, String> {
    tokio::task::spawn_blocking(move || source.read().map_err(|error| error.to_string()))
        .await
        .map_err(|error| error.to_string())?
}

/// The name of this host where it is a full one, else the address that we speak from
/// (RFC 5321, 4.1.4).
fn hello_name(host: ClientId, local: IpAddr) -> ClientId {
    match host {
        ClientId::Domain(name) if is_full_host_name(&name) => ClientId::Domain(name),
        _ => match local.to_canonical() {
            IpAddr::V4(address) => ClientId::Ipv4(address),
            IpAddr::V6(address) => ClientId::Ipv6(address),
        },
    }
}

fn is_full_host_name(name: &str) -> bool {
    name.contains('.')
        && name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

/// A letter, ready for the wire.
struct Parcel<'a> {
    sender: Option<Address>,
    recipient: Address,
    letter: &'a Letter,
}

impl<'a> Parcel<'a> {
    fn pack(letter: &'a Letter) -> Result<Self, String> {
        let address = |email: &str, whose: &str| {
            mailable(email).ok_or(format!(
                "the {whose} is not an address that mail can be sent to"
            ))
        };
        Ok(Self {
            sender: letter
                .envelope_from
                .as_deref()
                .map(|email| address(email, "envelope sender"))
                .transpose()?,
            recipient: address(&letter.recipient, "recipient")?,
            letter,
        })
    }

    /// `MAIL FROM`, with what the letter needs of the server (RFC 6152, 6531).
    fn mail(&self, offers: &Offers) -> Result<Mail, Fault> {
        let mut parameters = Vec::new();
        if self.has_non_ascii_address() {
            if !offers.smtputf8 {
                return Err(Fault::Beyond(
                    "an address with characters outside ASCII needs SMTPUTF8, \
                     which the server does not offer"
                        .to_owned(),
                ));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if offers.eight_bit_mime && !self.letter.bytes.is_ascii() {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(Mail::new(self.sender.clone(), parameters))
    }

    fn has_non_ascii_address(&self) -> bool {
        let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        !ascii(&self.recipient) || !self.sender.as_ref().is_none_or(ascii)
    }
}

/// The text as it travels (RFC 5321, 4.5.2): every line ended by CRLF, a dot at the start of
/// a line doubled, the final dot at the end. A lone CR or LF would be a line end to some
/// servers and none to others, so none is left.
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32 + 8);
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for line in text.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        for piece in line.split(|&byte| byte == b'\r') {
            if piece.starts_with(b".") {
                out.push(b'.');
            }
            out.extend_from_slice(piece);
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// Where in a transaction something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Reset,
    Mail,
    Recipient,
    Data,
    Text,
    /// After the final dot was written.
    Verdict,
}

impl Step {
    fn words(self) -> &'static str {
        match self {
            Self::Reset => "RSET",
            Self::Mail => "MAIL FROM",
            Self::Recipient => "RCPT TO",
            Self::Data => "DATA",
            Self::Text => "sending the text",
            Self::Verdict => "end of data",
        }
    }
}

#[derive(Debug)]
enum Fault {
    /// The server said no.
    Refused(Reply),
    /// Cut, silent or not to be understood; the connection is of no use any more.
    Broken(String),
    /// The server cannot do what this letter needs.
    Beyond(String),
}

/// Outside a transaction every fault is the server's, and its words are enough.
impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(reply) => reply.words(),
            Fault::Broken(why) | Fault::Beyond(why) => why,
        }
    }
}

#[derive(Debug)]
struct Failure {
    step: Step,
    fault: Fault,
}

impl Failure {
    /// The connection died while it rested: no word about this letter.
    fn is_stale_connection(&self) -> bool {
        match (self.step, &self.fault) {
            (Step::Reset, _) | (Step::Mail, Fault::Broken(_)) => true,
            (Step::Mail, Fault::Refused(reply)) => reply.closes_connection(),
            _ => false,
        }
    }

    fn leaves_session_usable(&self) -> bool {
        match &self.fault {
            Fault::Refused(reply) => self.step != Step::Reset && !reply.closes_connection(),
            Fault::Beyond(_) => true,
            Fault::Broken(_) => false,
        }
    }
}

fn outcome(result: Result<Reply, Failure>, parcel: &Parcel<'_>) -> Outcome {
    let Failure { step, fault } = match result {
        Ok(reply) => {
            return Outcome::Accepted {
                reply: reply.words(),
            };
        }
        Err(failure) => failure,
    };
    match fault {
        Fault::Refused(reply) => refusal(step, &reply, parcel.sender.is_none()),
        Fault::Beyond(why) => rejected(why),
        Fault::Broken(why) => breakage(step, format!("{}: {why}", step.words())),
    }
}

fn breakage(step: Step, why: String) -> Outcome {
    match step {
        Step::Verdict => Outcome::Unknown { why },
        Step::Reset => Outcome::Deferred {
            why,
            scope: Scope::Server,
        },
        Step::Mail => Outcome::Deferred {
            why,
            scope: Scope::ServerOrLetter,
        },
        Step::Recipient | Step::Data | Step::Text => Outcome::Deferred {
            why,
            scope: Scope::Letter,
        },
    }
}

fn rejected(why: String) -> Outcome {
    Outcome::Rejected {
        why,
        null_sender_refused: false,
    }
}

/// What a reply of 4yz or 5yz means for the letter. A 5yz that speaks of our login or of
/// the state of the connection is a fault of ours or of the server, not of the letter.
fn refusal(step: Step, reply: &Reply, null_sender: bool) -> Outcome {
    let why = format!("{}: {}", step.words(), reply.words());
    if reply.wants_login() || (step == Step::Mail && reply.is_about_server()) {
        return Outcome::Deferred {
            why,
            scope: Scope::Server,
        };
    }
    if step == Step::Mail && reply.closes_connection() {
        return Outcome::Deferred {
            why,
            scope: Scope::ServerOrLetter,
        };
    }
    let recipient_not_judged =
        step == Step::Recipient && (reply.is_about_server() || reply.refuses_to_relay());
    if !reply.is_permanent() || recipient_not_judged {
        return Outcome::Deferred {
            why,
            scope: Scope::Letter,
        };
    }
    Outcome::Rejected {
        why,
        null_sender_refused: null_sender && (step == Step::Mail || reply.blames_sender()),
    }
}

/// A reply of one or several lines (RFC 5321, 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reply {
    /// 200 to 599.
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// 421: it shuts the connection after this reply (RFC 5321, 3.8).
    fn closes_connection(&self) -> bool {
        self.code == 421
    }

    /// Authentication required, refused, too weak, or to be encrypted (RFC 4954, 6).
    fn wants_login(&self) -> bool {
        matches!(self.code, 530 | 534 | 535 | 538)
    }

    /// Command unknown, not implemented or out of sequence; a host that takes no mail (RFC 7504).
    fn is_about_server(&self) -> bool {
        matches!(self.code, 500 | 502 | 503 | 521)
    }

    /// Postfix: "554 5.7.1 <…>: Relay access denied"; Exim: "550 relay not permitted,
    /// authentication required". To a submission server this says that it does not know us,
    /// and nothing about the recipient.
    fn refuses_to_relay(&self) -> bool {
        let words = self.words().to_lowercase();
        words.contains("relay") || words.contains("authentication required")
    }

    /// The refusal of a sender that came later than at `MAIL FROM`. Postfix waits for the
    /// recipient: "553 5.7.1 <>: Sender address rejected: not owned by user"; Exchange for
    /// the final dot: "550 5.7.60 Client does not have permissions to send as this sender",
    /// "554 5.2.252 SendAsDenied". X.1.7 and X.1.8 are RFC 3463's bad sender addresses.
    fn blames_sender(&self) -> bool {
        let words = self.words().to_lowercase();
        [
            "sender address",
            "send as",
            "sendasdenied",
            " 5.1.7 ",
            " 5.1.8 ",
        ]
        .iter()
        .any(|sign| words.contains(sign))
    }

    fn words(&self) -> String {
        outside_words(&format!("{} {}", self.code, self.lines.join(" ")))
    }
}

/// One line of a reply: its code, whether more lines follow, its words.
fn reply_line(line: &str) -> Option<(u16, bool, &str)> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let code = digits
        .parse()
        .ok()
        .filter(|code| (200..600).contains(code))?;
    if let Some(words) = rest.strip_prefix('-') {
        return Some((code, true, words));
    }
    match rest.strip_prefix(' ') {
        Some(words) => Some((code, false, words)),
        None => rest.is_empty().then_some((code, false, "")),
    }
}

/// What the answer to EHLO offers, as far as we use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Offers {
    starttls: bool,
    smtputf8: bool,
    eight_bit_mime: bool,
    plain: bool,
    login: bool,
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            // "AUTH=PLAIN LOGIN" is an old form that some servers still send beside the other.
            let line = line.to_ascii_uppercase().replacen("AUTH=", "AUTH ", 1);
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("SMTPUTF8") => offers.smtputf8 = true,
                Some("8BITMIME") => offers.eight_bit_mime = true,
                Some("AUTH") => offers.read_mechanisms(words),
                _ => {}
            }
        }
        offers
    }

    fn read_mechanisms<'a>(&mut self, mechanisms: impl Iterator<Item = &'a str>) {
        for mechanism in mechanisms {
            self.plain |= mechanism == "PLAIN";
            self.login |= mechanism == "LOGIN";
        }
    }
}

/// A connection on which letters can be sent.
struct Session {
    talk: Talk<Box<dyn Stream>>,
    offers: Offers,
    letters: u32,
    /// A refused transaction is still open and wants a RSET.
    unfinished: bool,
    parked_at: Instant,
}

impl Session {
    async fn begin(mut talk: Talk<Box<dyn Stream>>, hello: &ClientId) -> Result<Self, String> {
        let offers = talk.ehlo(hello).await?;
        Ok(Self {
            talk,
            offers,
            letters: 0,
            unfinished: false,
            parked_at: Instant::now(),
        })
    }

    async fn log_in(&mut self, user: &str, password: &SecretString) -> Result<(), String> {
        let answer = match self.offers {
            Offers { plain: true, .. } => self.auth_plain(user, password).await,
            Offers { login: true, .. } => self.auth_login(user, password).await,
            _ => {
                let why = "offers neither AUTH PLAIN nor AUTH LOGIN, and smtp.username is set";
                return Err(why.to_owned());
            }
        };
        expect_code(&format!("login as {user}"), answer, 235)
            .map(drop)
            .map_err(|why| format!("{why}; check smtp.username and its password"))
    }

    /// RFC 4616, with an initial response.
    async fn auth_plain(&mut self, user: &str, password: &SecretString) -> Result<Reply, Fault> {
        let message = Zeroizing::new(["\0", user, "\0", password.expose_secret()].concat());
        self.talk.secret("AUTH PLAIN ", &message).await
    }

    /// The server asks for two things; whatever it calls them, user name comes before password.
    async fn auth_login(&mut self, user: &str, password: &SecretString) -> Result<Reply, Fault> {
        let mut reply = self.talk.command(&"AUTH LOGIN\r\n").await?;
        for answer in [user, password.expose_secret()] {
            if reply.code == 334 {
                reply = self.talk.secret("", answer).await?;
            }
        }
        Ok(reply)
    }

    /// One transaction: MAIL, RCPT, DATA, the text, and the server's verdict on it.
    async fn transfer(&mut self, parcel: &Parcel<'_>) -> Result<Reply, Failure> {
        self.letters += 1;
        if self.unfinished {
            self.step(Step::Reset, &Rset).await?;
        }
        let mail = parcel.mail(&self.offers).map_err(at(Step::Mail))?;
        self.step(Step::Mail, &mail).await?;
        let recipient = Rcpt::new(parcel.recipient.clone(), Vec::new());
        self.step(Step::Recipient, &recipient).await?;
        self.begin_text().await.map_err(at(Step::Data))?;
        let text = stuffed(&parcel.letter.bytes);
        self.talk.write_text(&text).await.map_err(at(Step::Text))?;
        self.verdict().await.map_err(at(Step::Verdict))
    }

    async fn step(&mut self, step: Step, command: &impl Display) -> Result<(), Failure> {
        let reply = self.talk.command(command).await.map_err(at(step))?;
        match reply.is_positive() {
            true => Ok(()),
            false => Err(at(step)(unexpected(&reply))),
        }
    }

    async fn begin_text(&mut self) -> Result<(), Fault> {
        let reply = self.talk.command(&Data).await?;
        match reply.code {
            354 => Ok(()),
            _ => Err(unexpected(&reply)),
        }
    }

    async fn verdict(&mut self) -> Result<Reply, Fault> {
        let reply = self.talk.reply(self.talk.timeouts.verdict).await?;
        match reply.is_positive() {
            true => Ok(reply),
            false => Err(unexpected(&reply)),
        }
    }

    async fn quit(mut self) {
        // What the server says to it, if anything, changes nothing.
        let _ = timeout(GOODBYE_TIMEOUT, self.talk.command(&Quit)).await;
    }
}

fn at(step: Step) -> impl Fn(Fault) -> Failure {
    move |fault| Failure { step, fault }
}

/// A positive reply that does not belong here: the two sides are out of step.
fn unexpected(reply: &Reply) -> Fault {
    Fault::Broken(format!("unexpected {}", reply.words()))
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// Commands out, replies in, each within its timeout.
struct Talk<S> {
    stream: BufReader<S>,
    timeouts: Timeouts,
}

impl<S: Stream> Talk<S> {
    fn new(stream: S, timeouts: Timeouts) -> Self {
        Self {
            stream: BufReader::new(stream),
            timeouts,
        }
    }

    /// The stream again. What was received and not read would be lost, or, before TLS, smuggled
    /// in by somebody on the way (CVE-2011-0411): that is an error.
    fn into_stream(self) -> Result<S, String> {
        match self.stream.buffer() {
            [] => Ok(self.stream.into_inner()),
            _ => Err("the server sent more than its reply to STARTTLS".to_owned()),
        }
    }

    async fn greeting(&mut self) -> Result<(), String> {
        let reply = self.reply(self.timeouts.command).await;
        expect_code("greeting", reply, 220).map(drop)
    }

    async fn ehlo(&mut self, hello: &ClientId) -> Result<Offers, String> {
        let reply = self
            .exchange("EHLO", &Ehlo::new(hello.clone()), 250)
            .await?;
        Ok(Offers::read(&reply))
    }

    async fn exchange(
        &mut self,
        name: &str,
        command: &impl Display,
        code: u16,
    ) -> Result<Reply, String> {
        let reply = self.command(command).await;
        expect_code(name, reply, code)
    }

    /// Writes a command and reads the reply. 4yz and 5yz are [`Fault::Refused`].
    async fn command(&mut self, command: &impl Display) -> Result<Reply, Fault> {
        let within = self.timeouts.command;
        self.write(command.to_string().as_bytes(), within).await?;
        self.reply(within).await
    }

    /// A line that ends with a secret in base64; no copy of it stays in our memory.
    async fn secret(&mut self, before: &str, secret: &str) -> Result<Reply, Fault> {
        let encoded = Zeroizing::new(BASE64.encode(secret));
        let line = Zeroizing::new([before, &encoded, "\r\n"].concat());
        let within = self.timeouts.command;
        self.write(line.as_bytes(), within).await?;
        self.reply(within).await
    }

    async fn write_text(&mut self, text: &[u8]) -> Result<(), Fault> {
        self.write(text, self.timeouts.data).await
    }

    /// Success means that the last byte has left: with TLS, too, it is flushed to the system.
    async fn write(&mut self, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(within, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Fault::Broken(format!("connection lost: {error}"))),
            Err(_) => Err(silent(within)),
        }
    }

    async fn reply(&mut self, within: Duration) -> Result<Reply, Fault> {
        let reply = timeout(within, self.read_reply())
            .await
            .map_err(|_| silent(within))??;
        match reply.code {
            ..400 => Ok(reply),
            _ => Err(Fault::Refused(reply)),
        }
    }

    async fn read_reply(&mut self) -> Result<Reply, Fault> {
        let mut lines = Vec::new();
        let mut first_code = None;
        while lines.len() < REPLY_LINES_AT_MOST {
            let line = self.read_line().await?;
            let (code, more, words) = reply_line(&line)
                .filter(|(code, ..)| first_code.is_none_or(|first| first == *code))
                .ok_or_else(|| Fault::Broken(format!("not a reply: {:?}", outside_words(&line))))?;
            lines.push(words.to_owned());
            first_code = Some(code);
            if !more {
                return Ok(Reply { code, lines });
            }
        }
        Err(Fault::Broken("a reply without end".to_owned()))
    }

    /// Without its line end. Bytes that are no UTF-8 become replacement characters.
    async fn read_line(&mut self) -> Result<String, Fault> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(REPLY_LINE_AT_MOST);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(_) if line.ends_with(b"\n") => {}
            Ok(0) => return Err(Fault::Broken("connection closed".to_owned())),
            Ok(_) => return Err(Fault::Broken("a reply cut short or too long".to_owned())),
            Err(error) => return Err(Fault::Broken(format!("connection lost: {error}"))),
        }
        Ok(String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_owned())
    }
}

fn expect_code(name: &str, reply: Result<Reply, Fault>, code: u16) -> Result<Reply, String> {
    match reply {
        Ok(reply) if reply.code == code => Ok(reply),
        Ok(reply) => Err(format!("{name}: unexpected {}", reply.words())),
        Err(Fault::Refused(reply)) => Err(format!("{name} refused, {}", reply.words())),
        Err(fault) => Err(format!("{name}: {}", String::from(fault))),
    }
}

fn silent(after: Duration) -> Fault {
    Fault::Broken(format!("no answer within {} s", after.as_secs_f32()))
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    #[test]
    fn lines_of_replies() {
        #[track_caller]
        fn check(line: &str, expected: Option<(u16, bool, &str)>) {
            assert_eq!(reply_line(line), expected, "{line:?}");
        }
        check("250 ok", Some((250, false, "ok")));
        check("250-more", Some((250, true, "more")));
        check("250", Some((250, false, "")));
        check("250 ", Some((250, false, "")));
        check("571 5.7.1 no", Some((571, false, "5.7.1 no")));
        check("", None);
        check("25", None);
        check("+50 ok", None);
        check("199 no", None);
        check("600 no", None);
        check("2500 ok", None);
        check("25ü ok", None);
        check("250ü", None);
    }

    #[test]
    fn this_host_introduces_itself() {
        #[track_caller]
        fn check(host: &str, local: &str, expected: &str) {
            let host = ClientId::Domain(host.to_owned());
            let name = hello_name(host, local.parse().unwrap());
            assert_eq!(name.to_string(), expected);
        }
        check("mx.example.test", "127.0.0.1", "mx.example.test");
        check("laptop", "192.0.2.1", "[192.0.2.1]");
        check("my_host.example.test", "192.0.2.1", "[192.0.2.1]");
        check("evil.test\r\nRSET", "192.0.2.1", "[192.0.2.1]");
        check("", "2001:db8::1", "[IPv6:2001:db8::1]");
        check("-.example.test", "::ffff:192.0.2.1", "[192.0.2.1]");
    }

    #[test]
    fn offers_are_read_in_any_case() {
        #[track_caller]
        fn check(lines: &[&str], expected: Offers) {
            let reply = Reply {
                code: 250,
                lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            };
            assert_eq!(Offers::read(&reply), expected);
        }
        let none = Offers::default;
        check(&["mx.example.test"], none());
        check(&["STARTTLS is a fine name"], none());
        check(
            &["mx", "starttls"],
            Offers {
                starttls: true,
                ..none()
            },
        );
        check(
            &["mx", "auth=login", "SIZE 1"],
            Offers {
                login: true,
                ..none()
            },
        );
        check(
            &["mx", "AUTH GSSAPI plain"],
            Offers {
                plain: true,
                ..none()
            },
        );
        check(
            &["mx", "8bitmime", "SMTPUTF8"],
            Offers {
                eight_bit_mime: true,
                smtputf8: true,
                ..none()
            },
        );
        check(&["mx", "", "AUTH"], none());
    }

    fn client() -> Client {
        let config = config::Smtp {
            server: Server {
                host: "127.0.0.1".to_owned(),
                port: 25,
                tls: TlsMode::Off,
                ca_file: None,
                pin_sha256: None,
            },
            login: None,
            return_path: None,
        };
        Client::new(&config, Timeouts::default())
    }

    /// A session, and its other end, at which nobody is.
    fn session() -> (Session, DuplexStream) {
        let (near, far) = duplex(1_024);
        let stream: Box<dyn Stream> = Box::new(near);
        let session = Session {
            talk: Talk::new(stream, Timeouts::default()),
            offers: Offers::default(),
            letters: 0,
            unfinished: false,
            parked_at: Instant::now(),
        };
        (session, far)
    }

    #[tokio::test]
    async fn a_connection_rests_and_serves_no_longer_than_it_should() {
        let mut client = client();
        let (fresh, _far) = session();
        client.park(fresh);
        assert!(client.unpark().await.is_some());

        let (rested, far) = session();
        client.park(rested);
        if let Some(parked) = &mut client.parked {
            parked.parked_at -= REST_AT_MOST + Duration::from_secs(1);
        }
        drop(far);
        assert!(client.unpark().await.is_none());

        let (mut worn, far) = session();
        worn.letters = LETTERS_PER_CONNECTION;
        client.park(worn);
        drop(far);
        assert!(client.unpark().await.is_none());
        assert!(client.parked.is_none());
    }
}
