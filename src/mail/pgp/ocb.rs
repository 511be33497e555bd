//! GnuPG's own authenticated encryption: packet 20, "OCB Encrypted Data" of LibrePGP.
//!
//! Keys that GnuPG 2.3 and later makes announce it, and GnuPG 2.4 writes it to each of them.
//! RFC 9580 has another packet for the same purpose, and the library knows that one alone.
//!
//! ```text
//! 1 | cipher | mode | size of chunks | nonce | chunk, tag | chunk, tag | .. | tag of the whole
//! ```
//!
//! The session key comes in the packets of old. Each chunk is bound to its number and to the
//! first four octets, the last tag to the length of all: nothing can be cut off, put elsewhere
//! or added. What is inside is a message again, and takes the way of every other.

use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};
use sequoia_openpgp::types::{AEADAlgorithm, SymmetricAlgorithm};
use sequoia_openpgp::{Error, Packet, Result};

use super::decrypt::Opening;
use super::limits::data_tag;
use crate::mail::message::Failure;

/// Octets of a tag, in every mode.
const TAG: usize = 16;

/// Octets before the nonce.
const HEADER: usize = 4;

/// Chunks of 4 MiB; larger ones are reserved (LibrePGP, 5.16).
const MAX_CHUNK_OCTET: u8 = 16;

/// Is this a message of that kind? A glance at the heads of its packets.
pub fn is_ocb(packets: &[u8]) -> bool {
    data_tag(packets) == Some(20)
}

/// What is inside the message, when all of it is authentic.
pub fn unwrapped(opening: &mut Opening, packets: &[u8]) -> Result<Vec<u8>> {
    let mut public = Vec::new();
    let mut found = None;
    let mut parsed = PacketParser::from_bytes(packets)?;
    while let PacketParserResult::Some(mut parser) = parsed {
        if found.is_some() {
            return Err(opening.refuse(Failure::Malformed));
        }
        if parser.packet.tag() == Tag::AED {
            found = Some(parser.buffer_unread_content()?.to_vec());
        } else {
            opening.admit(&parser)?;
        }
        let (packet, next) = parser.next()?;
        if let Packet::PKESK(packet) = packet {
            public.push(packet);
        }
        parsed = next;
    }
    let body = found.unwrap_or_default();
    let sealed = match Sealed::read(&body) {
        Ok(sealed) => Some(sealed),
        Err(Failure::Unsupported) => None,
        Err(failure) => return Err(opening.refuse(failure)),
    };
    // Whether it is for us is asked of a message that we cannot read, too.
    opening.unsupported |= sealed.is_none();
    let mut key = None;
    opening.find_key(&public, None, &mut |cipher, candidate| {
        let fits = sealed
            .as_ref()
            .is_some_and(|sealed| cipher == Some(sealed.cipher) && sealed.opens_with(candidate));
        if fits {
            key = Some(candidate.clone());
        }
        fits
    })?;
    let plaintext = sealed.zip(key).and_then(|(sealed, key)| sealed.open(&key));
    plaintext.ok_or_else(|| Error::ManipulatedMessage.into())
}

/// The body of the packet, taken apart.
struct Sealed<'a> {
    cipher: SymmetricAlgorithm,
    mode: AEADAlgorithm,
    header: [u8; HEADER],
    nonce: &'a [u8],
    /// Octets of plaintext in each chunk but the last.
    chunk: usize,
    chunks: &'a [u8],
    last_tag: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn read(body: &'a [u8]) -> std::result::Result<Self, Failure> {
        let (&header, rest) = body.split_first_chunk().ok_or(Failure::Malformed)?;
        let [version, cipher, mode, chunk] = header;
        let (cipher, mode) = (SymmetricAlgorithm::from(cipher), AEADAlgorithm::from(mode));
        if version != 1 || chunk > MAX_CHUNK_OCTET || !is_supported(cipher, mode) {
            return Err(Failure::Unsupported);
        }
        let nonce = mode.nonce_size().map_err(|_| Failure::Unsupported)?;
        let (nonce, rest) = rest.split_at_checked(nonce).ok_or(Failure::Malformed)?;
        let (chunks, last_tag) = rest.split_last_chunk::<TAG>().ok_or(Failure::Malformed)?;
        Ok(Self {
            cipher,
            mode,
            header,
            nonce,
            chunk: 1 << (chunk + 6),
            chunks,
            last_tag,
        })
    }

    fn sealed_chunks(&self) -> impl Iterator<Item = &'a [u8]> {
        self.chunks.chunks(self.chunk + TAG)
    }

    /// A session key that opens the first chunk is the one.
    fn opens_with(&self, key: &SessionKey) -> bool {
        let first = self.sealed_chunks().next().unwrap_or_default();
        let mut plaintext = vec![0; first.len().saturating_sub(TAG)];
        self.open_chunk(key, 0, None, first, &mut plaintext)
    }

    /// `None`: some of it is not authentic, and nothing is handed out.
    fn open(&self, key: &SessionKey) -> Option<Vec<u8>> {
        let mut plaintext = vec![0; self.chunks.len()];
        let mut length = 0;
        let mut count = 0;
        for sealed in self.sealed_chunks() {
            let end = length + sealed.len().checked_sub(TAG)?;
            let place = plaintext.get_mut(length..end)?;
            if !self.open_chunk(key, count, None, sealed, place) {
                return None;
            }
            length = end;
            count += 1;
        }
        plaintext.truncate(length);
        let total = u64::try_from(length).ok()?;
        self.open_chunk(key, count, Some(total), self.last_tag, &mut [])
            .then_some(plaintext)
    }

    /// Opens the chunk of this number into `plaintext`, or checks the last tag, of which `total`
    /// is part.
    fn open_chunk(
        &self,
        key: &SessionKey,
        number: u64,
        total: Option<u64>,
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> bool {
        let mut data = vec![0x80 | 0x40 | 20];
        data.extend(self.header);
        data.extend(number.to_be_bytes());
        data.extend(total.map(u64::to_be_bytes).into_iter().flatten());
        let mut nonce = self.nonce.to_vec();
        for (octet, number) in nonce
            .iter_mut()
            .rev()
            .zip(number.to_be_bytes().iter().rev())
        {
            *octet ^= number;
        }
        self.mode
            .context(self.cipher, key, &data, &nonce)
            .and_then(|context| context.for_decryption())
            .and_then(|mut context| context.decrypt_verify(plaintext, sealed))
            .is_ok()
    }
}

/// Does the backend have this mode with this cipher?
fn is_supported(cipher: SymmetricAlgorithm, mode: AEADAlgorithm) -> bool {
    let key = cipher.key_size().and_then(SessionKey::new);
    let nonce = mode.nonce_size().map(|size| vec![0; size]);
    key.is_ok_and(|key| nonce.is_ok_and(|nonce| mode.context(cipher, &key, &[], &nonce).is_ok()))
}
