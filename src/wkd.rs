//! The Web Key Directory of a correspondent's domain (draft-koch-openpgp-webkey-service): asked for
//! the certificate of an address, only where `openpgp.web_key_directory` is on.
//!
//! ```text
//! https://openpgpkey.DOMAIN/.well-known/openpgpkey/DOMAIN/hu/NAME?l=LOCAL   the advanced method
//! https://DOMAIN/.well-known/openpgpkey/hu/NAME?l=LOCAL                     the direct one
//! ```
//! The direct one counts only where the host of the other does not exist.
//!
//! Whoever writes to us makes us ask a host of their choice. So it is asked over HTTPS with the
//! machine's roots, on the public network alone, without following a redirect; an answer is small
//! and comes soon, or is none; and only so many are asked for in a minute, of one domain few.
//! What was not found is not asked for again for an hour.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::config::{Server, TlsMode};
use crate::mail::message::{Certificate, address_key};
use crate::mail::pgp;
use crate::tls;

/// One look-up, with all its steps.
const WITHIN: Duration = Duration::from_secs(5);
/// What the body of an answer may have.
const MOST_BYTES: usize = 64 * 1024;
const HEADERS_AT_MOST: usize = 16 * 1024;
/// Senders that are looked up together, for the mails of one batch.
pub const TOGETHER: usize = 8;
const PER_MINUTE: usize = 20;
const PER_MINUTE_AND_DOMAIN: usize = 4;
const MINUTE: Duration = Duration::from_secs(60);
/// So long it is remembered that an address has none.
const FORGET_AFTER: Duration = Duration::from_secs(60 * 60);
const REMEMBERED_AT_MOST: usize = 10_000;
/// Of one address; more would be rotation gone wild.
const CERTIFICATES_AT_MOST: usize = 3;

/// Asks, and remembers what was in vain.
pub struct Directory {
    network: Network,
    asked: Mutex<Asked>,
}

/// Where hosts are, and whose certificates they show.
enum Network {
    /// By the system's resolver, on the public network; the machine's roots.
    Public,
    /// A test's: these hosts alone, at these addresses.
    #[cfg(feature = "killpoints")]
    Given {
        hosts: HashMap<String, SocketAddr>,
        ca_file: std::path::PathBuf,
    },
}

#[derive(Default)]
struct Asked {
    /// When, and of which domain: those of the last minute.
    recently: VecDeque<(Instant, String)>,
    in_vain: HashMap<String, Instant>,
}

impl Directory {
    pub fn new() -> Self {
        Self {
            network: of_test().unwrap_or(Network::Public),
            asked: Mutex::default(),
        }
    }

    /// The certificates of these addresses, as many as may be asked for now. Ends within
    /// [`WITHIN`].
    pub async fn look_up(&self, emails: &[String]) -> HashMap<String, Vec<Certificate>> {
        let wanted: Vec<Question> = emails
            .iter()
            .filter_map(|email| Question::about(email))
            .filter(|question| self.admit(question))
            .collect();
        let answers = join_all(wanted.iter().map(|question| self.ask(question))).await;
        let mut found = HashMap::new();
        for (question, certificates) in wanted.into_iter().zip(answers) {
            tracing::info!(
                event = "directory_asked",
                domain = %question.domain,
                found = certificates.len()
            );
            match certificates.is_empty() {
                true => self.note_in_vain(question.email),
                false => drop(found.insert(question.email, certificates)),
            }
        }
        found
    }

    /// May this be asked now? Then it counts.
    fn admit(&self, question: &Question) -> bool {
        let now = Instant::now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.admit(question, now)
    }

    fn note_in_vain(&self, email: String) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.in_vain.insert(email, Instant::now());
    }

    async fn ask(&self, question: &Question) -> Vec<Certificate> {
        match tokio::time::timeout(WITHIN, self.fetch(question)).await {
            Ok(Ok(bytes)) => question.certificates_in(&bytes),
            Ok(Err(why)) => {
                tracing::debug!(event = "directory_silent", domain = %question.domain, "{why}");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    async fn fetch(&self, question: &Question) -> Result<Vec<u8>, String> {
        let advanced = format!("openpgpkey.{}", question.domain);
        let addresses = self.addresses(&advanced).await;
        if !addresses.is_empty() {
            let path = format!(
                "/.well-known/openpgpkey/{}/{}",
                question.domain, question.path
            );
            return self.get(&advanced, addresses, &path).await;
        }
        let addresses = self.addresses(&question.domain).await;
        let path = format!("/.well-known/openpgpkey/{}", question.path);
        self.get(&question.domain, addresses, &path).await
    }

    /// None: there is no such host, or none that may be asked.
    async fn addresses(&self, host: &str) -> Vec<SocketAddr> {
        match &self.network {
            #[cfg(feature = "killpoints")]
            Network::Given { hosts, .. } => hosts.get(host).copied().into_iter().collect(),
            Network::Public => match tokio::net::lookup_host((host, 443)).await {
                Ok(found) => found.filter(|address| is_public(address.ip())).collect(),
                Err(_) => Vec::new(),
            },
        }
    }

    async fn get(
        &self,
        host: &str,
        addresses: Vec<SocketAddr>,
        path: &str,
    ) -> Result<Vec<u8>, String> {
        let tcp = TcpStream::connect(addresses.as_slice());
        let tcp = tcp.await.map_err(|error| error.to_string())?;
        let stream = tls::handshake(tcp, &self.server(host), WITHIN).await?;
        let answer = answer_over(stream, host, path).await;
        answer.map_err(|error| format!("{host}: {error:#}"))
    }

    fn server(&self, host: &str) -> Server {
        Server {
            host: host.to_owned(),
            port: 443,
            tls: TlsMode::Implicit,
            ca_file: match &self.network {
                Network::Public => None,
                #[cfg(feature = "killpoints")]
                Network::Given { ca_file, .. } => Some(ca_file.clone()),
            },
            pin_sha256: None,
        }
    }
}

impl Default for Directory {
    fn default() -> Self {
        Self::new()
    }
}

impl Asked {
    fn admit(&mut self, question: &Question, now: Instant) -> bool {
        let is_old = |at: &Instant, age: Duration| now.saturating_duration_since(*at) >= age;
        while self
            .recently
            .front()
            .is_some_and(|(at, _)| is_old(at, MINUTE))
        {
            self.recently.pop_front();
        }
        if self.in_vain.len() >= REMEMBERED_AT_MOST {
            self.in_vain.retain(|_, at| !is_old(at, FORGET_AFTER));
        }
        let mut same = self
            .recently
            .iter()
            .filter(|(_, domain)| *domain == question.domain);
        let is_known = self.in_vain.get(&question.email);
        if is_known.is_some_and(|at| !is_old(at, FORGET_AFTER))
            || self.in_vain.len() >= REMEMBERED_AT_MOST
            || self.recently.len() >= PER_MINUTE
            || same.nth(PER_MINUTE_AND_DOMAIN - 1).is_some()
        {
            return false;
        }
        self.recently.push_back((now, question.domain.clone()));
        true
    }
}

/// What is asked for one address.
#[derive(Debug)]
struct Question {
    /// As [`address_key`] has it.
    email: String,
    /// In A-labels.
    domain: String,
    /// `hu/NAME?l=LOCAL`.
    path: String,
}

impl Question {
    /// `None`: it has no domain that a directory could be in.
    fn about(email: &str) -> Option<Self> {
        let (local, domain) = email.trim().rsplit_once('@')?;
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        let is_name = domain.contains('.') && domain.parse::<IpAddr>().is_err();
        let name = pgp::directory_name(local)?;
        is_name.then(|| Self {
            email: address_key(email),
            path: format!("hu/{name}?l={}", percent_encoded(local)),
            domain,
        })
    }

    /// Those that bear the very address.
    fn certificates_in(&self, bytes: &[u8]) -> Vec<Certificate> {
        let mut certificates = pgp::read_certificates(bytes);
        certificates.retain(|it| it.emails.contains(&self.email));
        certificates.truncate(CERTIFICATES_AT_MOST);
        certificates
    }
}

fn percent_encoded(local: &str) -> String {
    let mut out = String::new();
    for byte in local.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Asks once, and returns the body of an answer with status 200 that is whole and small enough.
async fn answer_over<S>(stream: S, host: &str, path: &str) -> anyhow::Result<Vec<u8>>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEADERS_AT_MOST);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    // Ends with this function, however it ends. What breaks the connection the answer says too.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = Request::get(path)
        .header(HOST, host)
        .header(USER_AGENT, "triaged")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    anyhow::ensure!(answer.status() == StatusCode::OK, "{}", answer.status());
    let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!(error))?;
    Ok(body.to_bytes().into())
}

/// Nobody may make us ask our own machine, or one beside it.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped().or_else(|| translated(address)) {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    let is_special = matches!(
        octets,
        [0 | 240..=255, ..]
            | [100, 64..=127, ..]
            | [192, 0, 0, _]
            | [192, 88, 99, _]
            | [198, 18..=19, ..]
    );
    !(is_special
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

/// Of the global unicast range 2000::/3, without documentation and the tunnels of old, which lead
/// to any IPv4 address.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let is_special = matches!(
        segments,
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, ..]
    );
    matches!(segments, [0x2000..=0x3fff, ..]) && !is_special
}

/// 64:ff9b::/96 (RFC 6052).
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.octets() {
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => Some([a, b, c, d].into()),
        _ => None,
    }
}

/// `TRIAGED_DIRECTORY=CA_FILE;HOST=ADDRESS:PORT;…`, where tests are built.
#[cfg(feature = "killpoints")]
fn of_test() -> Option<Network> {
    let given = std::env::var("TRIAGED_DIRECTORY").ok()?;
    let mut words = given.split(';');
    let ca_file = words.next()?.into();
    let host = |word: &str| {
        let (host, address) = word.split_once('=')?;
        Some((host.to_owned(), address.parse().ok()?))
    };
    let hosts = words.filter_map(host).collect();
    Some(Network::Given { hosts, ca_file })
}

#[cfg(not(feature = "killpoints"))]
fn of_test() -> Option<Network> {
    None
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    #[test]
    fn only_the_public_network_is_asked() {
        #[track_caller]
        fn check(address: &str, expected: bool) {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
        for public in ["9.9.9.9", "172.32.0.1", "2620:fe::fe", "64:ff9b::909:909"] {
            check(public, true);
        }
        for ours in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
        ] {
            check(ours, false);
        }
    }

    #[tokio::test]
    async fn answers_are_read_within_bounds() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let too_much = "x".repeat(MOST_BYTES + 1);
        let too_long = "x".repeat(HEADERS_AT_MOST);
        let moved = "HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.test/\r\n\r\n";
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\nabc", Some("abc")),
            ("HTTP/1.0 200 OK\r\n\r\nabc", Some("abc")),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
                Some("ab"),
            ),
            (
                "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nabc",
                Some("abc"),
            ),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", None),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\nabc",
                None,
            ),
            (
                &format!("{chunked}2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n"),
                Some("abc"),
            ),
            (&format!("{chunked}2\r\nab\r\n"), None),
            (&format!("{chunked}ffffffffffffffff\r\nab\r\n"), None),
            (&format!("{chunked}10001\r\n{too_much}\r\n0\r\n\r\n"), None),
            (moved, None),
            ("HTTP/1.1 404 Not Found\r\n\r\nabc", None),
            ("SSH-2.0-OpenSSH\r\n\r\n", None),
            ("", None),
            (&format!("HTTP/1.1 200 OK\r\n\r\n{too_much}"), None),
            (
                &format!("HTTP/1.1 200 OK\r\nX: {too_long}\r\n\r\nabc"),
                None,
            ),
        ] {
            let (ours, theirs) = tokio::io::duplex(4 * MOST_BYTES);
            let asking = answer_over(ours, "a.test", "/b?l=c");
            let (found, request) = tokio::join!(asking, answering(theirs, answer));
            assert_eq!(
                found.ok().as_deref(),
                expected.map(str::as_bytes),
                "{answer:.80}"
            );
            let is_right = request.starts_with("GET /b?l=c HTTP/1.1\r\n");
            assert!(
                is_right && request.contains("host: a.test\r\n"),
                "{request}"
            );
        }
    }

    /// Reads a request, says this, and hangs up.
    async fn answering(mut stream: DuplexStream, answer: &str) -> String {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    }

    #[test]
    fn what_is_asked() {
        let question = Question::about("Joe.Doe@Bücher.example").unwrap();
        assert_eq!(question.domain, "xn--bcher-kva.example");
        assert_eq!(
            question.path,
            "hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"
        );
        assert_eq!(percent_encoded("a+b&c d"), "a%2Bb%26c%20d");
        for odd in [
            "joe@localhost",
            "joe",
            "joe@127.0.0.1",
            "joe@[::1]",
            "joe@a/b.test",
            "joe@",
        ] {
            assert!(Question::about(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn a_flood_of_mails_makes_no_flood_of_questions() {
        let start = Instant::now();
        let mut asked = Asked::default();
        let mut admitted = |count: usize, domains: usize, now| {
            let questions = (0..count).filter_map(|number| {
                Question::about(&format!("{number}@d{}.test", number % domains))
            });
            questions
                .filter(|question| asked.admit(question, now))
                .count()
        };
        assert_eq!(admitted(100, 1, start), PER_MINUTE_AND_DOMAIN);
        assert_eq!(
            admitted(1_000, 500, start),
            PER_MINUTE - PER_MINUTE_AND_DOMAIN
        );
        assert_eq!(admitted(1_000, 500, start + MINUTE / 2), 0);
        assert_eq!(admitted(1_000, 500, start + MINUTE), PER_MINUTE);
    }

    #[test]
    fn what_was_in_vain_is_not_asked_again_for_an_hour() {
        let start = Instant::now();
        let mut asked = Asked::default();
        let question = Question::about("joe@doe.test").unwrap();
        assert!(asked.admit(&question, start));
        asked.in_vain.insert(question.email.clone(), start);
        assert!(!asked.admit(&question, start + FORGET_AFTER - MINUTE));
        assert!(asked.admit(&question, start + FORGET_AFTER));
    }
}
