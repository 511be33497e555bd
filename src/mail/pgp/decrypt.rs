//! Opening one ciphertext.
//!
//! No byte is handed out before the whole message passed its integrity check (EFAIL). Work is
//! bounded by `limits` and by [`MAX_TRIES`], no password is ever tried.

use std::cell::Cell;

use chrono::{DateTime, Utc};
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::{PKESK, SEIP, SKESK, Tag};
use sequoia_openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper,
};
use sequoia_openpgp::parse::{PacketParser, Parse};
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, Error, KeyHandle, Packet, Result};

use super::armor::{self, Label};
use super::keyring::{Keyring, is_supported};
use super::limits::{buffer_size, is_cut_short, read_whole};
use super::secret::SecretKey;
use super::verify::{Checker, Signers};
use super::{guarded, ocb, policy, system_time};
use crate::mail::message::{Certificate, Failure, Signature};

/// Secret-key operations for one message, in all its layers.
const MAX_TRIES: usize = 64;

/// Secret-key operations for all messages of one mail. With RSA of 4096 bits each takes some 20 ms.
const MAX_TRIES_OF_A_MAIL: usize = 100;

/// Counts the secret-key operations that the messages of one mail have cost.
#[derive(Debug, Default)]
pub struct Tries(Cell<usize>);

impl Tries {
    /// One more. `None`: that would be too many.
    fn another(&self) -> Option<()> {
        let so_far = self.0.get();
        self.0.set(so_far + 1);
        (so_far < MAX_TRIES_OF_A_MAIL).then_some(())
    }
}

/// Decrypted and checked as a whole: the integrity check has passed.
pub struct Plaintext {
    pub bytes: Vec<u8>,
    /// Signatures inside the encryption; all of them cover the whole plaintext.
    pub signatures: Vec<Signature>,
}

impl Keyring {
    /// Opens one message, armoured or binary, and checks its signatures against `known`.
    ///
    /// Bounded in expanded size (`at_most` bytes), nesting, packets and session keys.
    /// No byte is returned before the whole message passed its integrity check.
    /// A message that is not encrypted is `Malformed`; see [`super::verify_message`].
    pub fn decrypt(
        &self,
        ciphertext: &[u8],
        known: &[Certificate],
        at_most: usize,
        now: DateTime<Utc>,
    ) -> std::result::Result<Plaintext, Failure> {
        self.decrypt_within(ciphertext, known, at_most, &Tries::default(), now)
    }

    /// As [`Self::decrypt`]; several messages of one mail share their `tries`.
    pub fn decrypt_within(
        &self,
        ciphertext: &[u8],
        known: &[Certificate],
        at_most: usize,
        tries: &Tries,
        now: DateTime<Utc>,
    ) -> std::result::Result<Plaintext, Failure> {
        let packets = guarded(|| armor::packets(ciphertext, &[Label::Message])).flatten();
        let packets = packets.ok_or(Failure::Malformed)?;
        let is_damaged = || !packets.complete || is_cut_short(&packets.bytes);
        guarded(|| {
            let recipients = self.own_fingerprints();
            let signers = Signers::new(known, &recipients, now);
            let mut opening = Opening::new(self, signers, tries);
            match opening.read(&packets.bytes, at_most, now) {
                Ok(bytes) => Ok(opening.checker.plaintext(bytes)),
                Err(error) => Err(opening.failure(&error, is_damaged())),
            }
        })
        // The library does so over a ciphertext that ends in its first bytes.
        .unwrap_or_else(|| {
            Err(match is_damaged() {
                true => Failure::Damaged,
                false => Failure::Malformed,
            })
        })
    }
}

/// One message being opened.
pub(super) struct Opening<'a> {
    keyring: &'a Keyring,
    checker: Checker<'a>,
    /// Secret-key operations so far: of this message, of the mail.
    tries: usize,
    tries_of_mail: &'a Tries,
    /// A session key was found that fits the ciphertext.
    opened: bool,
    /// Session keys for somebody's key that the library cannot read.
    unreadable_keys: bool,
    /// There is a way in by a password.
    password: bool,
    /// The backend lacks what the ciphertext was made with.
    pub(super) unsupported: bool,
}

impl<'a> Opening<'a> {
    fn new(keyring: &'a Keyring, signers: Signers<'a>, tries_of_mail: &'a Tries) -> Self {
        Self {
            keyring,
            checker: Checker::new(signers),
            tries: 0,
            tries_of_mail,
            opened: false,
            unreadable_keys: false,
            password: false,
            unsupported: false,
        }
    }

    /// The whole plaintext, after all of it was checked.
    ///
    /// What does not fit into the library's buffer it hands out before that: such bytes stay here
    /// until the end of the message has been seen, and are gone where it is not as it should be.
    fn read(&mut self, packets: &[u8], at_most: usize, now: DateTime<Utc>) -> Result<Vec<u8>> {
        let unwrapped;
        let packets = if ocb::is_ocb(packets) {
            unwrapped = ocb::unwrapped(self, packets)?;
            &unwrapped
        } else {
            packets
        };
        let policy = policy::reading(now);
        let mut decryptor = DecryptorBuilder::from_bytes(packets)?
            .buffer_size(buffer_size(packets.len()))
            .with_policy(&policy, system_time(now), &mut *self)?;
        let at_most = decryptor.helper_ref().checker.limits.at_most(at_most);
        let bytes = read_whole(&mut decryptor, at_most)?;
        let is_checked = decryptor.message_processed();
        drop(decryptor);
        match bytes {
            None => Err(self.checker.limits.refuse(Failure::TooLarge)),
            Some(bytes) if self.opened && is_checked => Ok(bytes),
            Some(_) => Err(self.checker.limits.refuse(Failure::Malformed)),
        }
    }

    /// To be called with every packet, before its content is read.
    pub(super) fn admit(&mut self, parser: &PacketParser) -> Result<()> {
        match &parser.packet {
            Packet::SKESK(_) => self.password = true,
            Packet::Unknown(packet) if packet.tag() == Tag::SKESK => self.password = true,
            Packet::Unknown(packet) if packet.tag() == Tag::PKESK => self.unreadable_keys = true,
            Packet::SEIP(SEIP::V2(packet)) => {
                self.unsupported |=
                    !packet.aead().is_supported() || !packet.symmetric_algo().is_supported();
            }
            _ => {}
        }
        self.checker.limits.admit(parser)
    }

    pub(super) fn refuse(&mut self, failure: Failure) -> anyhow::Error {
        self.checker.limits.refuse(failure)
    }

    /// Why it did not open. `damaged`: the armour or the packets are not whole.
    fn failure(&self, error: &anyhow::Error, damaged: bool) -> Failure {
        match self
            .checker
            .limits
            .failure
            .unwrap_or_else(|| self.failure_of(error))
        {
            // Naturally: its end is missing.
            Failure::Modified | Failure::Malformed if damaged => Failure::Damaged,
            failure => failure,
        }
    }

    /// What the library's error means.
    fn failure_of(&self, error: &anyhow::Error) -> Failure {
        match error.downcast_ref::<Error>() {
            Some(
                Error::PolicyViolation(..)
                | Error::UnsupportedPacketType(_)
                | Error::UnsupportedSymmetricAlgorithm(_)
                | Error::UnsupportedAEADAlgorithm(_)
                | Error::UnsupportedCompressionAlgorithm(_),
            ) => Failure::Unsupported,
            Some(Error::ManipulatedMessage) => Failure::Modified,
            _ if self.opened => Failure::Modified,
            _ => Failure::Malformed,
        }
    }

    /// Tries keys until `decrypt` says that a session key fits. An error: none does.
    pub(super) fn find_key(
        &mut self,
        public: &[PKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> Result<()> {
        let mut was_named = false;
        let mut unsupported = false;
        let mut is_away = false;
        for (packet, key) in self.candidates(public) {
            if self.tries == MAX_TRIES || self.tries_of_mail.another().is_none() {
                return Err(self.refuse(Failure::TooLarge));
            }
            self.tries += 1;
            was_named |= packet.recipient().is_some();
            let (cipher, session) = match key.session_key(packet, algorithm) {
                Ok(Some(found)) => found,
                Ok(None) => {
                    unsupported |= !is_supported(key.public());
                    continue;
                }
                Err(_) => {
                    is_away = true;
                    continue;
                }
            };
            unsupported |= self.unsupported || cipher.is_some_and(|cipher| !cipher.is_supported());
            if decrypt(cipher, &session) {
                self.opened = true;
                return Ok(());
            }
        }
        Err(self.refuse(if is_away {
            Failure::KeyAway
        } else if unsupported {
            Failure::Unsupported
        } else if was_named {
            // Our key, but the session key does not come out of it.
            Failure::Modified
        } else if self.unreadable_keys {
            // They may have been for us.
            Failure::Unsupported
        } else if public.is_empty() && self.password {
            Failure::PasswordOnly
        } else if self.tries > 0 {
            Failure::NoKeyFits
        } else {
            Failure::NoKey
        }))
    }

    /// Each session key packet with each of our keys that it may be for: first those that
    /// name one of ours, then those that hide their recipient (RFC 9580, 5.1.8).
    fn candidates<'p>(&self, packets: &'p [PKESK]) -> Vec<(&'p PKESK, &'a SecretKey)> {
        let keyring = self.keyring;
        let pairs = move |wanted: fn(&PKESK, &SecretKey) -> bool| {
            packets.iter().flat_map(move |packet| {
                let keys = keyring.decryption_keys();
                keys.filter(move |key| wanted(packet, key))
                    .map(move |key| (packet, key))
            })
        };
        pairs(is_named).chain(pairs(may_be_meant)).collect()
    }
}

fn is_named(packet: &PKESK, key: &SecretKey) -> bool {
    let handle = KeyHandle::from(key.public().fingerprint());
    packet
        .recipient()
        .is_some_and(|recipient| recipient.aliases(handle))
}

fn may_be_meant(packet: &PKESK, key: &SecretKey) -> bool {
    packet.recipient().is_none() && packet.pk_algo() == key.public().pk_algo()
}

impl VerificationHelper for &mut Opening<'_> {
    fn inspect(&mut self, parser: &PacketParser) -> Result<()> {
        self.admit(parser)
    }

    fn get_certs(&mut self, _issuers: &[KeyHandle]) -> Result<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, structure: MessageStructure) -> Result<()> {
        (&mut self.checker).check(structure)
    }
}

impl DecryptionHelper for &mut Opening<'_> {
    fn decrypt(
        &mut self,
        public: &[PKESK],
        _passwords: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> Result<Option<Cert>> {
        self.find_key(public, algorithm, decrypt)?;
        Ok(None)
    }
}
