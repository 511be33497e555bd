//! A minimal SMTP client (RFC 5321), with STARTTLS and AUTH PLAIN where asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

pub struct SmtpClient {
    reader: BufReader<Box<dyn Stream>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// All lines, without their codes.
    pub text: String,
}

impl Reply {
    fn ok(self) -> Result<Self, Self> {
        match self.code {
            200..=399 => Ok(self),
            _ => Err(self),
        }
    }
}

impl SmtpClient {
    /// In clear, greeted with EHLO.
    #[track_caller]
    pub fn connect(port: u16) -> Self {
        let mut client = Self::over(Box::new(tcp(port)));
        client.greet();
        client
    }

    /// In clear until STARTTLS.
    #[track_caller]
    pub fn connect_starttls(port: u16, ca: &Path) -> Self {
        let stream = tcp(port);
        let mut client = Self::over(Box::new(stream.try_clone().expect("a second handle")));
        client.greet();
        client.command("STARTTLS").ok().expect("STARTTLS");
        let mut client = Self::over(Box::new(tls(stream, ca)));
        client.ehlo();
        client
    }

    /// TLS from the first byte.
    #[track_caller]
    pub fn connect_tls(port: u16, ca: &Path) -> Self {
        let mut client = Self::over(Box::new(tls(tcp(port), ca)));
        client.greet();
        client
    }

    fn over(stream: Box<dyn Stream>) -> Self {
        Self {
            reader: BufReader::new(stream),
        }
    }

    #[track_caller]
    fn greet(&mut self) {
        self.reply().ok().expect("greeting");
        self.ehlo();
    }

    #[track_caller]
    fn ehlo(&mut self) -> Reply {
        self.command("EHLO client.test").ok().expect("EHLO")
    }

    pub fn login(&mut self, user: &str, password: &str) -> Result<Reply, Reply> {
        let secret = base64(format!("\0{user}\0{password}").as_bytes());
        self.command(&format!("AUTH PLAIN {secret}")).ok()
    }

    /// The first refusal, or the reply to the mail.
    pub fn send(&mut self, from: &str, to: &str, mail: &[u8]) -> Result<Reply, Reply> {
        self.command(&format!("MAIL FROM:<{from}>")).ok()?;
        self.command(&format!("RCPT TO:<{to}>")).ok()?;
        self.command("DATA").ok()?;
        self.write(&dot_stuffed(mail));
        self.reply().ok()
    }

    pub fn command(&mut self, line: &str) -> Reply {
        self.write(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    fn write(&mut self, bytes: &[u8]) {
        let stream = self.reader.get_mut();
        stream.write_all(bytes).expect("write SMTP");
        stream.flush().expect("flush SMTP");
    }

    fn reply(&mut self) -> Reply {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.reader
                .read_line(&mut line)
                .expect("read an SMTP reply");
            let (code, rest) = line
                .split_at_checked(3)
                .unwrap_or_else(|| panic!("not an SMTP reply: {line:?}"));
            lines.push(rest.get(1..).unwrap_or_default().trim_end().to_owned());
            if !rest.starts_with('-') {
                return Reply {
                    code: code.parse().expect("a reply code"),
                    text: lines.join("\n"),
                };
            }
        }
    }
}

#[track_caller]
fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("connect to the SMTP server");
    stream.set_nodelay(true).expect("set TCP_NODELAY");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("set a timeout");
    stream
}

/// A TLS session that trusts the authority in `ca` alone, as a server at 127.0.0.1.
#[track_caller]
pub fn tls(stream: TcpStream, ca: &Path) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca).expect("read the authority"))
        .expect("take the authority as a root");
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("a server name");
    let mut session = ClientConnection::new(Arc::new(config), name).expect("a TLS session");
    let mut stream = stream;
    while session.is_handshaking() {
        session.complete_io(&mut stream).expect("TLS handshake");
    }
    StreamOwned::new(session, stream)
}

/// The mail as it travels after DATA: CRLF, dots doubled, the final dot (RFC 5321, 4.5.2).
fn dot_stuffed(mail: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(mail.len() + 16);
    for line in super::letter::with_crlf(mail).split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    if !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            (0..4).map(move |at| {
                if at > chunk.len() {
                    '='
                } else {
                    char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize])
                }
            })
        })
        .collect()
}
