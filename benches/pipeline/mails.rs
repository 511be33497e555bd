//! The mails that wait: reports of 3 kB, in clear or encrypted, and reports with a large file.
//!
//! Each comes from another address and says something else, as after an outage, so that no
//! mail is a resend of another and every one is answered.

use std::time::Duration;

use chrono::{DateTime, Utc};
use triaged::mail::message::Certificate;
use triaged::mail::pgp::{self, Keyring};

use crate::common::SECURITY_ADDRESS;

/// Bytes of the text of a small report.
const TEXT_BYTES: usize = 3_000;
const KEY_VALID_FOR: Duration = Duration::from_secs(365 * 24 * 3600);

#[rustfmt::skip]
const WORDS: [&str; 64] = [
    "session", "token", "parser", "header", "request", "cookie", "upload", "tenant", "invoice",
    "export", "webhook", "buffer", "offset", "length", "callback", "redirect", "template",
    "cache", "proxy", "worker", "queue", "replay", "nonce", "digest", "cursor", "filter",
    "script", "sandbox", "origin", "frame", "policy", "role", "group", "member", "owner",
    "payload", "gadget", "stack", "heap", "pointer", "thread", "signal", "socket", "tunnel",
    "handshake", "ticket", "certificate", "archive", "symlink", "folder", "backup", "journal",
    "schema", "column", "endpoint", "router", "gateway", "console", "plugin", "module",
    "release", "branch", "commit", "pipeline",
];

/// One mail, as it lies in the mailbox.
pub struct Waiting {
    pub bytes: Vec<u8>,
}

pub fn plain(count: usize) -> Vec<Waiting> {
    let mail = |number| {
        let from = address("plain", number);
        let body = format!("{TEXT_PLAIN}\r\n{}", text(number));
        finished(&from, number, "", &body)
    };
    (0..count).map(mail).collect()
}

/// PGP/MIME to Curve25519, signed. `with_key`: the sender's certificate comes along, so that
/// the answer is encrypted.
pub fn encrypted(count: usize, ours: &Keyring, with_key: bool) -> Vec<Waiting> {
    let recipient = pgp::read_certificates(ours.certificate().as_bytes())
        .pop()
        .expect("our own certificate");
    let now = Utc::now();
    let mail = |number| {
        let name = if with_key { "keyed" } else { "keyless" };
        let from = address(name, number);
        let sender = reporter(&from, now);
        let autocrypt = match with_key {
            true => format!("Autocrypt: {}\r\n", sender.autocrypt(&from)),
            false => String::new(),
        };
        let body = sealed(&sender, &recipient, &text(number), now);
        finished(&from, number, &autocrypt, &body)
    };
    (0..count).map(mail).collect()
}

/// A small report alone, as a MIME entity.
pub fn report() -> Vec<u8> {
    format!("{TEXT_PLAIN}\r\n{}", text(0)).into_bytes()
}

/// With a file of so many bytes attached, in base64.
pub fn large(count: usize, file_bytes: usize) -> Vec<Waiting> {
    let mail = |number: usize| {
        let mut noise = Noise::new(number);
        let mut body = format!(
            "Content-Type: multipart/mixed; boundary=\"large\"\r\n\r\n\
             --large\r\n{TEXT_PLAIN}\r\n{}\r\n--large\r\n\
             Content-Type: application/octet-stream; name=\"poc.bin\"\r\n\
             Content-Disposition: attachment; filename=\"poc.bin\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n",
            text(number)
        );
        // 76 letters of base64 are 57 bytes.
        for _ in 0..file_bytes.div_ceil(57) {
            body.extend((0..76).map(|_| noise.base64_letter()));
            body.push_str("\r\n");
        }
        body.push_str("--large--\r\n");
        finished(&address("large", number), number, "", &body)
    };
    (0..count).map(mail).collect()
}

const TEXT_PLAIN: &str = "Content-Type: text/plain; charset=utf-8\r\n";

fn address(series: &str, number: usize) -> String {
    format!("reporter{number}@{series}{}.test", number % 40)
}

fn finished(from: &str, number: usize, fields: &str, body: &str) -> Waiting {
    let mut noise = Noise::new(number);
    let bytes = format!(
        "Return-Path: <{from}>\r\nFrom: Reporter {number} <{from}>\r\nTo: {SECURITY_ADDRESS}\r\n\
         Subject: Vulnerability in the {} of the {}\r\nDate: {}\r\n\
         Message-ID: <{number}.{:x}@{from}>\r\n{fields}MIME-Version: 1.0\r\n{body}",
        noise.word(),
        noise.word(),
        Utc::now().to_rfc2822(),
        noise.next(),
    );
    Waiting {
        bytes: bytes.into_bytes(),
    }
}

fn reporter(address: &str, now: DateTime<Utc>) -> Keyring {
    let made_at = now - chrono::Duration::days(1);
    let key = pgp::generate("Reporter", address, None, KEY_VALID_FOR, made_at).expect("a key");
    let source = (address.to_owned(), key.into_bytes());
    Keyring::load(&[source], None, address, now).0
}

/// RFC 3156, 4.
fn sealed(sender: &Keyring, recipient: &Certificate, text: &str, now: DateTime<Utc>) -> String {
    let inner = format!("{TEXT_PLAIN}\r\n{text}");
    let armored = sender
        .encrypt_signed(recipient, inner.as_bytes(), now)
        .expect("encrypt to our own certificate");
    let armored = String::from_utf8(armored).expect("armour");
    format!(
        "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n \
         boundary=\"sealed\"\r\n\r\n--sealed\r\nContent-Type: application/pgp-encrypted\r\n\r\n\
         Version: 1\r\n\r\n--sealed\r\nContent-Type: application/octet-stream\r\n\r\n{}\r\n\
         --sealed--\r\n",
        armored.replace("\r\n", "\n").replace('\n', "\r\n")
    )
}

fn text(number: usize) -> String {
    let mut noise = Noise::new(number);
    let mut text = format!(
        "Hello,\r\n\r\nI found a vulnerability in your {} {}. Steps to reproduce:\r\n\r\n",
        noise.word(),
        noise.word()
    );
    while text.len() < TEXT_BYTES {
        for _ in 0..9 {
            text.push_str(noise.word());
            text.push(' ');
        }
        text.push_str("\r\n");
    }
    text.push_str("\r\n  GET /api/v2/export?id=4711 HTTP/1.1\r\n  Host: app.example.test\r\n");
    text.push_str("\r\nImpact: an attacker reads what others wrote.\r\n");
    text
}

/// The same numbers in every run (SplitMix64).
struct Noise(u64);

impl Noise {
    fn new(seed: usize) -> Self {
        Self(seed as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn word(&mut self) -> &'static str {
        WORDS[(self.next() % WORDS.len() as u64) as usize]
    }

    fn base64_letter(&mut self) -> char {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        char::from(LETTERS[(self.next() % 64) as usize])
    }
}
