//! What one message may cost.
//!
//! Every packet is shown to [`Limits::admit`] before its content is read, so that nothing is
//! decompressed or skipped that could be endless: only the content of the one literal packet is
//! of unknown size, and of that the library reads as much as its buffer holds.

use std::io::Read;

use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::packet::header::BodyLength;
use sequoia_openpgp::parse::PacketParser;
use sequoia_openpgp::{Packet, Result};
use thiserror::Error;

use super::verify::MAX_SIGNATURES;
use crate::mail::message::Failure;

/// A message to everybody of a large list still fits.
const MAX_PACKETS: usize = 1_024;
/// All packets without content together: session keys and signatures.
const MAX_OVERHEAD: u64 = 4 * 1024 * 1024;
const MAX_DEPTH: isize = 8;
/// Programs compress once. Two layers could expand without end between them while almost
/// nothing comes out at the top.
const MAX_COMPRESSION: usize = 1;
const MAX_ENCRYPTION: usize = 2;

/// Bytes of a text that comes in parts, each of which is hashed for each of several signatures.
/// A part may hold a single byte.
const MAX_HASHED_IN_PARTS: usize = 16 * 1024 * 1024;

/// Ends the library's parsing; the reason is in [`Limits::failure`].
#[derive(Debug, Error)]
#[error("message refused: {}", .0.as_str())]
struct Refused(Failure);

/// Counts the packets of one message.
#[derive(Debug, Default)]
pub struct Limits {
    packets: usize,
    overhead: u64,
    signatures: usize,
    compression: usize,
    encryption: usize,
    literal: bool,
    /// The literal data come in parts (RFC 9580, 4.2.1.4).
    in_parts: bool,
    /// Why the message was refused, once it was.
    pub failure: Option<Failure>,
}

impl Limits {
    /// To be called with every packet, in order, before its content is read.
    pub fn admit(&mut self, parser: &PacketParser) -> Result<()> {
        match self.judge(parser) {
            None => Ok(()),
            Some(failure) => Err(self.refuse(failure)),
        }
    }

    /// Notes why the message is given up, and makes the error that stops the library.
    pub fn refuse(&mut self, failure: Failure) -> anyhow::Error {
        self.failure.get_or_insert(failure);
        Refused(failure).into()
    }

    /// How much of the literal data may be read, where a mail has room for `room` bytes. To be asked
    /// when the packets before them were admitted.
    pub fn at_most(&self, room: usize) -> usize {
        match self.signatures {
            signatures @ 2.. if self.in_parts => room.min(MAX_HASHED_IN_PARTS / signatures),
            _ => room,
        }
    }

    fn judge(&mut self, parser: &PacketParser) -> Option<Failure> {
        self.packets += 1;
        if self.packets > MAX_PACKETS || parser.recursion_depth() > MAX_DEPTH {
            return Some(Failure::TooLarge);
        }
        match &parser.packet {
            Packet::Literal(_) | Packet::CompressedData(_) | Packet::SEIP(_) if self.literal => {
                Some(Failure::Malformed)
            }
            Packet::Literal(_) => {
                self.literal = true;
                self.in_parts = matches!(parser.header().length(), BodyLength::Partial(_));
                None
            }
            Packet::CompressedData(packet) if !packet.algo().is_supported() => {
                Some(Failure::Unsupported)
            }
            Packet::CompressedData(_) => {
                self.compression += 1;
                (self.compression > MAX_COMPRESSION).then_some(Failure::TooLarge)
            }
            Packet::SEIP(_) => {
                self.encryption += 1;
                (self.encryption > MAX_ENCRYPTION).then_some(Failure::TooLarge)
            }
            // Of an unknown version; GnuPG's own (see `ocb`) stands around a message, not inside.
            Packet::Unknown(packet) if matches!(packet.tag(), Tag::SEIP | Tag::AED) => {
                Some(Failure::Unsupported)
            }
            Packet::OnePassSig(_) | Packet::Signature(_) => {
                self.signatures += 1;
                // Each inline signature is announced by a packet of its own.
                let too_many = self.signatures > 2 * MAX_SIGNATURES;
                self.overhead(parser)
                    .or(too_many.then_some(Failure::TooLarge))
            }
            _ => self.overhead(parser),
        }
    }

    /// Packets other than the three above have a length (RFC 9580, 4.2.1.4).
    fn overhead(&mut self, parser: &PacketParser) -> Option<Failure> {
        match parser.header().length() {
            BodyLength::Full(length) => {
                self.overhead += u64::from(*length);
                (self.overhead > MAX_OVERHEAD).then_some(Failure::TooLarge)
            }
            BodyLength::Partial(_) | BodyLength::Indeterminate => Some(Failure::Malformed),
        }
    }
}

/// The library's buffer for a message of `length` bytes.
///
/// Its own choice of 25 MiB is cleared for every message, which costs more than all the
/// cryptography. What does not fit is handed out before it was checked: see [`read_whole`].
pub fn buffer_size(length: usize) -> usize {
    const AT_MOST: usize = 1024 * 1024;
    length
        .saturating_mul(16)
        .saturating_add(64 * 1024)
        .min(AT_MOST)
}

/// Everything that `message` holds, of which nothing may be used before this has returned.
/// `None`: it is more than `at_most` bytes.
pub fn read_whole(message: &mut impl Read, at_most: usize) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let one_more = u64::try_from(at_most)?.saturating_add(1);
    message.take(one_more).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= at_most).then_some(bytes))
}

/// Does the sequence of packets end in the middle of one (RFC 9580, 4.2)?
pub fn is_cut_short(packets: &[u8]) -> bool {
    let mut rest = packets;
    while !rest.is_empty() {
        match next_packet(rest) {
            Some(next) => rest = next,
            None => return true,
        }
    }
    false
}

/// The tag of the first packet that is no session key, marker or padding: it holds the data.
pub fn data_tag(packets: &[u8]) -> Option<u8> {
    let mut rest = packets;
    loop {
        let tag = tag_of(rest)?;
        if !matches!(tag, 1 | 3 | 10 | 21) {
            return Some(tag);
        }
        rest = next_packet(rest)?;
    }
}

/// What kind of packet these bytes begin with (RFC 9580, 4.2). `None`: with none.
pub fn tag_of(bytes: &[u8]) -> Option<u8> {
    match *bytes.first()? {
        octet @ 0xc0.. => Some(octet & 0x3f),
        octet @ 0x80.. => Some(octet >> 2 & 0x0f),
        _ => None,
    }
}

/// What follows the first packet; `None` where it has no end.
pub fn next_packet(bytes: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = bytes.split_first()?;
    if tag & 0x40 != 0 {
        return after_new_body(rest);
    }
    let octets = match tag & 3 {
        0 => 1,
        1 => 2,
        2 => 4,
        // Of indeterminate length: it goes on to the end.
        _ => return Some(&[]),
    };
    let (length, rest) = big_endian(rest, octets)?;
    rest.get(length..)
}

/// Skips a body of the newer format, which may come in parts.
fn after_new_body(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (&first, rest) = bytes.split_first()?;
        let (length, rest) = match first {
            0..192 => (usize::from(first), rest),
            192..224 => {
                let (second, rest) = big_endian(rest, 1)?;
                ((usize::from(first) - 192) * 256 + second + 192, rest)
            }
            255 => big_endian(rest, 4)?,
            partial => (1usize.checked_shl((partial & 0x1f).into())?, rest),
        };
        let after = rest.get(length..)?;
        if !(224..255).contains(&first) {
            return Some(after);
        }
        bytes = after;
    }
}

fn big_endian(bytes: &[u8], octets: usize) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_at_checked(octets)?;
    let value = number
        .iter()
        .fold(0, |value, &octet| value << 8 | usize::from(octet));
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(packets: &[u8], cut_short: bool) {
        assert_eq!(is_cut_short(packets), cut_short, "{packets:x?}");
    }

    #[test]
    fn a_cut_is_seen() {
        check(b"", false);
        check(b"\xd2", true);
        check(b"\xd2\x02ab", false);
        check(b"\xd2\x02a", true);
        check(b"\xd2\x02ab\xd3", true);
        check(b"\x84\x02ab", false);
        check(b"\x85\x00\x02ab", false);
        check(b"\x85\x00", true);
        check(b"\x86\x00\x00\x00\x01a", false);
        check(b"\xa3anything", false);
        check(b"\xd2\xe1ab\x01c", false);
        check(b"\xd2\xe1ab", true);
        check(b"\xd2\xff\x00\x00\x00\x03abc", false);
        check(b"\xd2\xff\xff\xff\xff\xff", true);
        check(&[b"\xd2\xc0\x00".as_slice(), &[0; 192]].concat(), false);
    }

    #[test]
    fn the_data_is_found_behind_the_session_keys() {
        assert_eq!(data_tag(b"\xd4\x01a"), Some(20));
        assert_eq!(
            data_tag(b"\xc1\x01a\x84\x02ab\xc3\x00\xd5\x01p\xd4"),
            Some(20)
        );
        assert_eq!(data_tag(b"\xa3anything"), Some(8));
        assert_eq!(data_tag(b"\xc1\x05a\xd4"), None);
        assert_eq!(data_tag(b"text"), None);
        assert_eq!(data_tag(b""), None);
    }

    #[test]
    fn the_buffer_follows_the_message() {
        assert_eq!(buffer_size(0), 65_536);
        assert_eq!(buffer_size(4_096), 131_072);
        assert_eq!(buffer_size(100_000), 1_048_576);
        assert_eq!(buffer_size(usize::MAX), 1_048_576);
    }

    #[test]
    fn what_is_read_is_all_or_nothing() {
        let read = |at_most| read_whole(&mut b"text".as_slice(), at_most).unwrap();
        assert_eq!(read(4).as_deref(), Some(b"text".as_slice()));
        assert_eq!(read(3), None);
        assert_eq!(read(usize::MAX).as_deref(), Some(b"text".as_slice()));
    }
}
