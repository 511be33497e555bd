//! What binary OpenPGP is, by the head of its first packet (RFC 9580, 4.2 and 5).
//!
//! One file in nine of random bytes begins with an octet that may begin a message, and so does a
//! text in UTF-8 that begins with `Ü`. So versions, algorithms and lengths are asked for too.

use super::limits::{data_tag, is_cut_short, next_packet, tag_of};

/// The tag of the first packet behind padding, where what follows is such as that packet may hold.
/// The bytes may be cut short behind that. `None`: this is no OpenPGP, or begins with what no file
/// begins with.
pub fn first_tag(mut bytes: &[u8]) -> Option<u8> {
    const PADDING: u8 = 21;
    while tag_of(bytes)? == PADDING {
        bytes = next_packet(bytes)?;
    }
    let tag = tag_of(bytes)?;
    let body = body(bytes)?;
    let leads_to_data = || !is_cut_short(bytes) && matches!(data_tag(bytes), Some(18 | 20));
    let is_last = || next_packet(bytes).is_some_and(<[u8]>::is_empty);
    let fits = match (tag, body) {
        (1, [2 | 3, _, _, _, _, _, _, _, _, algorithm, ..]) => {
            encrypts(*algorithm) || leads_to_data()
        }
        // Behind a hidden recipient stands the algorithm, behind another the version of its key.
        (1, [6, 0, algorithm, ..]) => encrypts(*algorithm),
        (1, [6, 21 | 33, 4 | 6, ..]) => true,
        // Of a version to come.
        (1, [4..=15, ..]) => leads_to_data(),
        (2, [3, 5, kind, ..]) => is_kind(*kind),
        (2, [4..=6, kind, algorithm, hash, ..]) => {
            is_kind(*kind) && signs(*algorithm) && (1..=14).contains(hash)
        }
        (3, [4, cipher, 0 | 1 | 3 | 4, ..]) => is_cipher(*cipher),
        (3, [5, cipher, 1..=3, ..] | [6, _, cipher, 1..=3, ..]) => is_cipher(*cipher),
        (5 | 6, [2 | 3, _, _, _, _, _, _, algorithm, ..] | [4, _, _, _, _, algorithm, ..]) => {
            signs(*algorithm) || encrypts(*algorithm)
        }
        (5 | 6, [5 | 6, _, _, _, _, algorithm, 0, 0, ..]) => {
            signs(*algorithm) || encrypts(*algorithm)
        }
        (8, [0, 0x80..=0xff, ..] | [3, b'B', b'Z', b'h', ..]) => is_last(),
        // Deflate: the two bits behind the first tell the kind of block, of which there are three.
        (8, [1, first, ..]) => (first >> 1) & 3 != 3 && is_last(),
        (8, [2, first, second, ..]) => {
            u16::from_be_bytes([*first, *second]).is_multiple_of(31)
                && first & 0x0f == 8
                && is_last()
        }
        // Of indeterminate length any bytes are the last packet.
        (9, _) => bytes.first() != Some(&0xa7) && is_last(),
        (10, [b'P', b'G', b'P', ..]) => true,
        (18, [1, ..] | [2, 1..=13, 1..=3, ..]) => is_last(),
        (20, [1, cipher, 1..=3, 0..=56, ..]) => is_cipher(*cipher),
        _ => false,
    };
    fits.then_some(tag)
}

/// Are these the packets of an encrypted message, from the session key to the ciphertext? Whatever
/// the file is called: of random ones one in millions passes.
pub fn is_ciphertext(bytes: &[u8]) -> bool {
    matches!(first_tag(bytes), Some(1 | 3)) && matches!(data_tag(bytes), Some(9 | 18 | 20))
}

/// Behind the length of the first packet.
fn body(bytes: &[u8]) -> Option<&[u8]> {
    let (first, rest) = bytes.split_first()?;
    let octets = match (first, rest.first()?) {
        (0xc0.., 192..224) => 2,
        (0xc0.., 255) => 5,
        (0xc0.., _) => 1,
        _ => match first & 3 {
            0 => 1,
            1 => 2,
            2 => 4,
            _ => 0,
        },
    };
    rest.get(octets..)
}

/// RSA, ElGamal, ECDH, X25519, X448, ML-KEM (RFC 9980).
fn encrypts(algorithm: u8) -> bool {
    matches!(algorithm, 1 | 2 | 16 | 18 | 20 | 25 | 26 | 29 | 35 | 36)
}

/// RSA, DSA, ECDSA, EdDSA, Ed25519, Ed448, ML-DSA, SLH-DSA.
fn signs(algorithm: u8) -> bool {
    matches!(algorithm, 1 | 3 | 17 | 19 | 22 | 27 | 28 | 30..=34)
}

/// Of a signature (RFC 9580, 5.2.1).
fn is_kind(kind: u8) -> bool {
    matches!(
        kind,
        0..=2 | 0x10..=0x13 | 0x18 | 0x19 | 0x1f | 0x20 | 0x28 | 0x30 | 0x40 | 0x50
    )
}

fn is_cipher(cipher: u8) -> bool {
    (1..=13).contains(&cipher)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn the_first_packet_tells() {
        #[track_caller]
        fn check(bytes: &[u8], tag: Option<u8>) {
            assert_eq!(first_tag(bytes), tag, "{bytes:x?}");
        }
        check(b"\x85\x01\x0c\x0312345678\x01", Some(1));
        check(b"\xc1\xc0\x4c\x0312345678\x12", Some(1));
        // An algorithm to come.
        check(b"\x84\x0a\x0312345678\x63\xd2\x02\x01a", Some(1));
        check(b"\x84\x0a\x0312345678\x63\xcb\x02\x01a", None);
        check(b"\xc1\x3e\x06\x00\x19", Some(1));
        check(b"\x84\x01\x07\xd2\x02\x01a", Some(1));
        check(b"\x84\x01\x07\xd2\x03\x01a", None);
        check(b"\x8c\x0d\x04\x09\x03\x08", Some(3));
        check(b"\xc3\x1e\x06\x1a\x09\x02\x04", Some(3));
        check(b"\x89\x01\x33\x04\x00\x01\x0a", Some(2));
        check(b"\x88\x3f\x03\x05\x01", Some(2));
        check(b"\x99\x01\x0d\x04\x12\x34\x56\x78\x01", Some(6));
        check(b"\xc6\x2a\x06\x12\x34\x56\x78\x1b\0\0\0\x20", Some(6));
        check(b"\xa3\x01\x3b", Some(8));
        check(b"\xa3\x01\xff", None);
        check(b"\xa3\x02\x78\x9c", Some(8));
        check(b"\xa3\x03BZh9", Some(8));
        check(b"\xca\x03PGP\xd2", Some(10));
        check(b"\xd2\x02\x01a", Some(18));
        check(b"\xd5\x02ab\xd2\x02\x01a", Some(18));
        check(b"\xd5\x02ab\xd2\x03\x01a", None);
        check(b"\xd4\x31\x01\x09\x02\x10", Some(20));
        check("\u{dc}bersicht".as_bytes(), None);
        check("\u{c9}tat des lieux".as_bytes(), None);
        check(b"%PDF-1.4", None);
        check(b"\x85\x01\x0c", None);
        check(b"\x85", None);
        check(b"", None);
    }

    #[test]
    fn a_ciphertext_is_told_from_other_files() {
        assert!(is_ciphertext(b"\x84\x0a\x0312345678\x01\xd2"));
        assert!(is_ciphertext(b"\xc3\x04\x04\x09\x03\x08\xd4"));
        assert!(!is_ciphertext(b"\x84\x0a\x0312345678\x01"));
        assert!(!is_ciphertext(b"\x84\x0a\x0312345678\x01\xcb\x01a"));
        assert!(!is_ciphertext(b"\xd2\x02\x01a"));
        assert!(!is_ciphertext(b"\x85text of some kind"));
        assert!(!is_ciphertext(b""));
    }

    #[test]
    fn random_bytes_are_no_openpgp() {
        let mut random = StdRng::seed_from_u64(1);
        let taken = (0..200_000)
            .filter(|_| {
                let mut bytes: [u8; 300] = random.random();
                bytes[0] |= 0x80;
                first_tag(&bytes).is_some()
            })
            .count();
        assert!(taken < 40, "{taken} of 200000");
    }
}
