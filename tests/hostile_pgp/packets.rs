//! Packets as no honest program writes them (RFC 9580, 4 and 5), and mails around them.

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sequoia_openpgp::Cert;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::{Compressor, Encryptor, Message};
use sequoia_openpgp::types::{CompressionAlgorithm, CompressionLevel};

pub const MARKER: u8 = 10;
pub const TRUST: u8 = 12;
pub const PADDING: u8 = 21;

/// A packet of the newer format with a length of five octets.
pub fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("less than 4 GiB");
    [&[0xc0 | tag, 0xff], &length.to_be_bytes()[..], body].concat()
}

/// A packet of the older format that goes on to the end.
pub fn indeterminate(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[0x83 | tag << 2], body].concat()
}

/// A packet whose body comes in parts of `2^exponent` bytes behind a first one of 512.
pub fn partial(tag: u8, body: &[u8], exponent: u8) -> Vec<u8> {
    let mut bytes = vec![0xc0 | tag];
    let (first, rest) = body.split_at(body.len().min(512));
    assert_eq!(
        first.len(),
        512,
        "RFC 9580, 4.2.1.4: the first part has 512 bytes or more"
    );
    bytes.push(0xe0 | 9);
    bytes.extend_from_slice(first);
    let parts = rest.chunks_exact(1 << exponent);
    let last = parts.remainder();
    for part in parts {
        bytes.push(0xe0 | exponent);
        bytes.extend_from_slice(part);
    }
    let length = u32::try_from(last.len()).expect("a short part");
    bytes.push(0xff);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(last);
    bytes
}

pub fn literal(text: &[u8]) -> Vec<u8> {
    packet(11, &[b"b\0\0\0\0\0", text].concat())
}

/// `claimed` bits, `given` bytes.
pub fn mpi(claimed: u16, given: usize) -> Vec<u8> {
    [&claimed.to_be_bytes()[..], &vec![0xaa; given]].concat()
}

/// Of version 3, for the key with this ID; all zeros: for whoever it fits.
pub fn session_key(key_id: [u8; 8], algorithm: u8, body: &[u8]) -> Vec<u8> {
    packet(1, &[&[3], &key_id[..], &[algorithm], body].concat())
}

/// A point of Curve25519 and a wrapped session key, as ECDH has them: both without sense.
pub fn ecdh_nonsense(number: u32) -> Vec<u8> {
    let mut point = [0x5a; 32];
    point[..4].copy_from_slice(&number.to_be_bytes());
    [&[0x01, 0x07, 0x40], &point[..], &[48], &[0x77; 48]].concat()
}

/// What only our key opens, whatever it is.
pub fn sealed(to: &Cert, packets: &[u8]) -> Vec<u8> {
    let policy = StandardPolicy::new();
    written(
        |message| {
            let recipients = to
                .keys()
                .with_policy(&policy, None)
                .for_transport_encryption();
            Encryptor::for_recipients(message, recipients)
                .build()
                .expect("encryption")
        },
        packets,
    )
}

/// `packets` in a compressed data packet.
pub fn compressed(algorithm: CompressionAlgorithm, packets: &[u8]) -> Vec<u8> {
    written(
        |message| {
            Compressor::new(message)
                .algo(algorithm)
                .level(CompressionLevel::best())
                .build()
                .expect("compression")
        },
        packets,
    )
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the bytes").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn written<'a>(layer: impl FnOnce(Message<'a>) -> Message<'a>, packets: &[u8]) -> Vec<u8> {
    let kept = Kept::default();
    let mut message = layer(Message::new(kept.clone()));
    message.write_all(packets).expect("writing");
    message.finalize().expect("the end");
    let bytes = kept.0.lock().expect("the bytes");
    bytes.clone()
}

/// Deflate (RFC 1951) of `258 * 8 * repeats` zeros and a few, made without compressing them: one
/// block of fixed codes, in which eight times "258 bytes as the last one" take 13 bytes.
pub fn deflated_zeros(repeats: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    // The last block, fixed codes; a literal literal packet of indeterminate length.
    bits.low_first(0b011, 3);
    for byte in indeterminate(11, b"b\0\0\0\0\0\0") {
        bits.literal(byte);
    }
    // Up to a whole byte, so that what repeats is whole bytes.
    while bits.used != 0 {
        bits.run();
    }
    let mut pattern = Bits::default();
    for _ in 0..8 {
        pattern.run();
    }
    let mut bytes = bits.bytes;
    bytes.extend(pattern.bytes.repeat(repeats));
    // End of block: seven zeros, and one to fill.
    bytes.push(0);
    bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u8,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if bit && let Some(last) = self.bytes.last_mut() {
            *last |= 1 << self.used;
        }
        self.used = (self.used + 1) % 8;
    }

    fn low_first(&mut self, value: u16, count: u8) {
        (0..count).for_each(|at| self.push(value >> at & 1 == 1));
    }

    /// Huffman codes travel with their highest bit first.
    fn code(&mut self, value: u16, count: u8) {
        (0..count)
            .rev()
            .for_each(|at| self.push(value >> at & 1 == 1));
    }

    fn literal(&mut self, byte: u8) {
        match byte {
            0..144 => self.code(0x30 + u16::from(byte), 8),
            _ => self.code(0x190 + u16::from(byte) - 144, 9),
        }
    }

    /// Length 258 (285: eight bits), distance 1 (0: five bits).
    fn run(&mut self) {
        self.code(0b1100_0101, 8);
        self.code(0, 5);
    }
}

/// Armour with lines of 64 characters and without a checksum.
pub fn armored(label: &str, packets: &[u8]) -> String {
    let encoded = STANDARD.encode(packets);
    let mut text = format!("-----BEGIN PGP {label}-----\n\n");
    text.reserve(encoded.len() + encoded.len() / 32);
    for line in encoded.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("base64"));
        text.push('\n');
    }
    text + &format!("-----END PGP {label}-----\n")
}

pub fn message(packets: &[u8]) -> String {
    armored("MESSAGE", packets)
}

const HEAD: &str = "From: Mallory <mallory@hostile.test>\nTo: security@example.test\nSubject: ...\n\
    Message-ID: <hostile@hostile.test>\nDate: Fri, 1 May 2026 12:00:00 +0000\nMIME-Version: 1.0\n";

/// A mail with this content: `Content-Type: …`, a blank line, a body.
pub fn mail(content: &str) -> Vec<u8> {
    format!("{HEAD}{content}").into_bytes()
}

pub fn text_mail(text: &str) -> Vec<u8> {
    mail(&format!(
        "Content-Type: text/plain; charset=utf-8\n\n{text}"
    ))
}

pub fn multipart(subtype: &str, boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts
        .iter()
        .map(|part| format!("--{boundary}\n{part}\n"))
        .collect();
    format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\n\n{parts}--{boundary}--\n")
}

/// The content of PGP/MIME (RFC 3156, 4).
pub fn encrypted_part(armor: &str) -> String {
    multipart(
        "encrypted; protocol=\"application/pgp-encrypted\"",
        "=-sealed",
        &[
            "Content-Type: application/pgp-encrypted\n\nVersion: 1\n",
            &format!("Content-Type: application/octet-stream; name=\"encrypted.asc\"\n\n{armor}"),
        ],
    )
}

pub fn pgp_mime(packets: &[u8]) -> Vec<u8> {
    mail(&encrypted_part(&message(packets)))
}
