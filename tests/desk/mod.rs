//! Mail that GnuPG encrypts and signs, put together by hand, and read.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use triaged::mail::message::{Certificate, Message, Signature, SignatureStatus};
use triaged::mail::open::{Limits, Opening, open};
use triaged::mail::pgp::{Keyring, read_certificates};

use crate::common::letter::with_crlf;
use crate::common::{Algorithm, Gpg};
use crate::corpus::collapse;

pub const US: &str = "security@corp.test";
pub const ALICE: &str = "alice@research.test";
pub const SECRET: &str = "The admin page opens without a password, even from outside.";
pub const SUBJECT: &str = "Admin page is open";

/// What the mail shows of the inside.
pub const PART: &str = "Content-Type: text/plain; charset=utf-8; protected-headers=v1\r\n\
    Subject: Admin page is open\r\n\r\n\
    The admin page opens without a password, even from outside.\r\n";

/// A security address with its key, and Alice, whose certificate it knows.
pub struct Desk {
    pub gpg: Gpg,
    pub keyring: Keyring,
    pub known: Vec<Certificate>,
    pub faults: RefCell<Vec<String>>,
}

impl Desk {
    pub fn new() -> Self {
        let gpg = Gpg::new();
        gpg.generate("Corp Security", US, Algorithm::Curve25519);
        gpg.generate("Alice", ALICE, Algorithm::Curve25519);
        let secret = gpg.export_secret(US, "");
        let sources = [("security.key".to_owned(), secret.into_bytes())];
        let (keyring, problems) = Keyring::load(&sources, None, US, chrono::Utc::now());
        assert_eq!(problems, [], "the fresh key is good");
        let known = read_certificates(gpg.export(ALICE).as_bytes());
        Self {
            gpg,
            keyring,
            known,
            faults: RefCell::default(),
        }
    }

    pub fn read(&self, raw: &[u8]) -> Message {
        let context = Opening {
            keyring: Some(&self.keyring),
            known: &self.known,
            limits: Limits::default(),
        };
        open(raw, &context, chrono::Utc::now())
    }

    /// The mail, with LF and with CRLF.
    pub fn read_both(&self, mail: &[u8]) -> [Message; 2] {
        let lf: Vec<u8> = mail.iter().copied().filter(|b| *b != b'\r').collect();
        [self.read(&lf), self.read(&with_crlf(&lf))]
    }

    /// A part with MIME, signed and encrypted.
    pub fn ciphertext(&self) -> String {
        self.gpg.encrypt(PART.as_bytes(), &[US, ALICE], Some(ALICE))
    }

    /// Bare text, signed and encrypted.
    pub fn inline(&self, text: &str) -> String {
        self.gpg.encrypt(text.as_bytes(), &[US, ALICE], Some(ALICE))
    }

    pub fn check(&self, name: &str, mail: impl AsRef<[u8]>) -> Message {
        self.check_all(name, mail.as_ref(), &[SECRET])
    }

    /// Decrypted, signed by Alice, and all of `texts` are shown in this order.
    pub fn check_all(&self, name: &str, mail: &[u8], texts: &[&str]) -> Message {
        let [lf, crlf] = self.read_both(mail);
        let fault = fault(&lf, texts)
            .or_else(|| fault(&crlf, texts))
            .or_else(|| (lf.text != crlf.text).then(|| "LF and CRLF differ".to_owned()));
        if let Some(fault) = fault {
            self.faults.borrow_mut().push(format!("{name}: {fault}"));
        }
        crlf
    }

    /// Fails with everything that is wrong.
    #[track_caller]
    pub fn finish(&self) {
        let faults = self.faults.borrow();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

/// What is wrong with a mail as it was read.
pub fn fault(message: &Message, texts: &[&str]) -> Option<String> {
    let openpgp = &message.openpgp;
    let shown = collapse(&message.text);
    if !openpgp.encrypted || !openpgp.decrypted {
        return Some(format!(
            "not decrypted, {:?} {:?} {shown:?}",
            openpgp.failure, message.problems
        ));
    }
    let is_good = |signature: &Signature| signature.status == SignatureStatus::Good;
    if !openpgp.signatures.iter().any(is_good) {
        return Some(format!("signatures {:?}", openpgp.signatures));
    }
    if shown.contains("PGP MESSAGE") {
        return Some(format!("armour in {shown:?}"));
    }
    let mut rest = shown.as_str();
    for text in texts {
        let Some((_, behind)) = rest.split_once(text) else {
            return Some(format!(
                "{text:?} is not, or not in its place, in {shown:?}"
            ));
        };
        rest = behind;
    }
    None
}

pub fn mail(content: &str) -> String {
    format!("From: Alice <{ALICE}>\nTo: {US}\nSubject: ...\nMIME-Version: 1.0\n{content}")
}

/// A multipart of these parts, each with its header.
pub fn multipart(subtype: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b1\n{part}\n")).collect();
    format!("Content-Type: multipart/{subtype}; boundary=\"b1\"\n\n{parts}--b1--\n")
}

/// What [`multipart`] wrote, with another boundary; armour may hold the old one by chance.
pub fn with_boundary(multipart: &str, boundary: &str) -> String {
    multipart
        .replace("--b1", &format!("--{boundary}"))
        .replace("\"b1\"", &format!("\"{boundary}\""))
}

pub const CONTROL: &str = "Content-Type: application/pgp-encrypted\n\nVersion: 1\n";
pub const PROTOCOL: &str = "encrypted; protocol=\"application/pgp-encrypted\"";

pub fn octets(armor: &str) -> String {
    format!("Content-Type: application/octet-stream; name=\"encrypted.asc\"\n\n{armor}")
}

pub fn base64_lines(bytes: &[u8]) -> String {
    let whole = STANDARD.encode(bytes);
    let lines: Vec<&str> = whole
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    lines.join("\n") + "\n"
}

pub fn quoted_printable(text: &str) -> String {
    text.replace('=', "=3D")
        .lines()
        .map(|line| match line.len() {
            ..=60 => format!("{line}\n"),
            _ => format!("{}=\n{}\n", &line[..50], &line[50..]),
        })
        .collect()
}
