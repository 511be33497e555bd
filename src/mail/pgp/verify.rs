//! What a signature is worth: detached, clear-signed and inline signatures.
//!
//! The library's verifier takes a message apart and hashes what each signature covers. It is
//! given no certificates, so that it judges nothing itself; [`Signers::judge`] does. The library
//! would ask whether a key was valid when the signature claims to have been made, would not say
//! whether an expired or revoked key's signature fits the data at all, and does not bound its
//! work.
//!
//! | status | when |
//! | --- | --- |
//! | `unknown_key` | no certificate at hand binds the issuer's key, or we cannot read the signature |
//! | `bad` | it does not fit the data; it hashes the data with MD5, SHA-1 or RIPEMD and is not older than that is dangerous (see `policy`); it has expired, comes from the future or from before its key; it names recipients, and none is ours (RFC 9580, 5.2.3.36); or the key is none for signing |
//! | `revoked_key` | it fits, and the key or its certificate is revoked by now |
//! | `expired_key` | it fits, and the key or its certificate has expired by now, whenever the signature claims to have been made: that time is the signer's word alone |
//! | `good` | none of these |

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation;
use sequoia_openpgp::cert::amalgamation::key::PrimaryKey;
use sequoia_openpgp::packet;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationError, VerificationHelper,
    VerificationResult, VerifierBuilder,
};
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};
use sequoia_openpgp::policy::{HashAlgoSecurity, Policy};
use sequoia_openpgp::serialize::Serialize;
use sequoia_openpgp::types::RevocationStatus;
use sequoia_openpgp::{Cert, Error, Fingerprint, KeyHandle, Packet, Result};

use super::armor::{self, Label};
use super::certificate::parsed;
use super::decrypt::Plaintext;
use super::limits::{Limits, buffer_size, read_whole};
use super::{guarded, policy, system_time};
use crate::mail::message::{Certificate, Covers, Digest, Signature, SignatureStatus};

/// More signatures than this on one text are not looked at.
pub const MAX_SIGNATURES: usize = 32;

/// Bytes that are hashed for one text at most. Each signature may ask for a hash of its own.
pub const MAX_HASHED: usize = 256 * 1024 * 1024;

/// A signature may name several keys, of several certificates; this many of each are tried.
const MAX_KEYS: usize = 4;

/// Signatures in front of their text that are looked at: the text is hashed once more for them.
const MAX_LEADING: usize = 4;

/// A sender's clock may be ahead of ours by this much.
const CLOCK_SKEW: Duration = Duration::from_secs(30 * 60);

/// Checks a detached signature (multipart/signed, or a `.sig` beside a file).
///
/// `signature`: armoured or binary, one or several. Empty where it holds none.
pub fn verify_detached(
    signed: &[u8],
    signature: &[u8],
    known: &[Certificate],
    now: DateTime<Utc>,
) -> Vec<Signature> {
    guarded(|| {
        let packets = armor::packets(signature, &[Label::Signature, Label::Message])?;
        let count = (MAX_HASHED / signed.len().max(1)).clamp(1, MAX_SIGNATURES);
        let packets = signature_packets(&packets.bytes, count);
        judge_detached(signed, &packets, known, now).ok()
    })
    .flatten()
    .unwrap_or_default()
}

/// Takes a clear-signed block (`-----BEGIN PGP SIGNED MESSAGE-----`), dash-escaping removed.
///
/// The text is what the signature covers: lines ended by `\n`, without the white space that
/// stood at their ends (RFC 9580, 7.2). Text before and after the block is left out.
/// `None`: it is no such block.
pub fn verify_cleartext(
    block: &[u8],
    known: &[Certificate],
    now: DateTime<Utc>,
) -> Option<(Vec<u8>, Vec<Signature>)> {
    let (mut shown, signature) = split_cleartext(block)?;
    let signatures = verify_detached(&with_crlf(&shown), signature, known, now);
    shown.push(b'\n');
    Some((shown, signatures))
}

/// Opens a message that is signed but not encrypted (`-----BEGIN PGP MESSAGE-----` around a
/// signature and literal data), or merely wrapped or compressed: then without signatures.
///
/// `None`: it is no such message, is damaged, or is over the bounds.
pub fn verify_message(
    message: &[u8],
    known: &[Certificate],
    at_most: usize,
    now: DateTime<Utc>,
) -> Option<Plaintext> {
    guarded(|| {
        let packets = armor::packets(message, &[Label::Message])?;
        open_signed(&packets.bytes, at_most, known, now).ok()?
    })
    .flatten()
}

/// `Ok(None)`: the message holds more than `at_most` bytes.
fn open_signed(
    packets: &[u8],
    at_most: usize,
    known: &[Certificate],
    now: DateTime<Utc>,
) -> Result<Option<Plaintext>> {
    let policy = policy::reading(now);
    let mut checker = Checker::new(Signers::new(known, &[], now));
    let mut verifier = VerifierBuilder::from_bytes(packets)?
        .buffer_size(buffer_size(packets.len()))
        .with_policy(&policy, system_time(now), &mut checker)?;
    let at_most = verifier.helper_ref().limits.at_most(at_most);
    let bytes = read_whole(&mut verifier, at_most)?;
    let is_checked = verifier.message_processed();
    drop(verifier);
    let bytes = bytes.filter(|_| is_checked);
    Ok(bytes.map(|bytes| checker.plaintext(bytes)))
}

/// The first signature packets among some packets, as they came; of any version.
fn signature_packets(bytes: &[u8], count: usize) -> Vec<u8> {
    let mut signatures = Vec::new();
    let Ok(mut parsed) = PacketParser::from_bytes(bytes) else {
        return signatures;
    };
    for _ in 0..count {
        let PacketParserResult::Some(parser) = parsed else {
            break;
        };
        // Skipping another kind of packet would mean to decompress it.
        if parser.packet.tag() != packet::Tag::Signature {
            break;
        }
        let Ok((packet, next)) = parser.next() else {
            break;
        };
        if packet.serialize(&mut signatures).is_err() {
            break;
        }
        parsed = next;
    }
    signatures
}

fn judge_detached(
    signed: &[u8],
    signatures: &[u8],
    known: &[Certificate],
    now: DateTime<Utc>,
) -> Result<Vec<Signature>> {
    judge_beside(signed, signatures, Signers::new(known, &[], now))
}

/// What these packets are worth over bytes that stand beside them.
fn judge_beside(signed: &[u8], signatures: &[u8], signers: Signers) -> Result<Vec<Signature>> {
    let (policy, now) = (policy::reading(signers.now), system_time(signers.now));
    let mut checker = Checker::new(signers);
    DetachedVerifierBuilder::from_bytes(signatures)?
        .with_policy(&policy, now, &mut checker)?
        .verify_bytes(signed)?;
    Ok(checker.signatures)
}

/// Every line end as it is signed.
fn with_crlf(text: &[u8]) -> Vec<u8> {
    let ends = text.iter().filter(|byte| **byte == b'\n').count();
    let mut signed = Vec::with_capacity(text.len() + ends);
    for &byte in text {
        if byte == b'\n' {
            signed.push(b'\r');
        }
        signed.push(byte);
    }
    signed
}

/// Splits a clear-signed block into its lines, as they were signed but for their ends, and what
/// holds the signature.
fn split_cleartext(block: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = block;
    loop {
        let (line, after) = split_line(rest)?;
        rest = after;
        if line.trim_ascii_start() == b"-----BEGIN PGP SIGNED MESSAGE-----" {
            break;
        }
    }
    // The headers: only `Hash`, which the signature repeats.
    loop {
        let (line, after) = split_line(rest)?;
        rest = after;
        if line.is_empty() {
            break;
        }
        if !line.contains(&b':') {
            return None;
        }
    }
    let mut text = Vec::new();
    loop {
        let (line, after) = split_line(rest)?;
        if line == b"-----BEGIN PGP SIGNATURE-----" {
            // The last line end belongs to what follows.
            text.pop();
            return Some((text, rest));
        }
        text.extend_from_slice(line.strip_prefix(b"- ").unwrap_or(line));
        text.push(b'\n');
        rest = after;
    }
}

/// The first line without its end and the white space before that, and the rest. `None` at the
/// end of the text.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.is_empty() {
        return None;
    }
    let end = text.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (text.get(..end)?, text.get(end + 1..)?),
        None => (text, &[][..]),
    };
    let last = line.iter().rposition(|byte| !b" \t\r".contains(byte));
    let length = last.map_or(0, |last| last + 1);
    Some((line.get(..length)?, rest))
}

/// Takes what the library found in one message: admits its packets, judges its signatures.
pub struct Checker<'a> {
    pub signers: Signers<'a>,
    pub limits: Limits,
    /// Those under the innermost encryption; where there is none, all.
    signatures: Vec<Signature>,
    /// Packets of those among them that stand in front of the text without an announcement, as
    /// programs of old wrote them (RFC 9580, 10.3), with their places. The library hashes nothing
    /// for them.
    leading: Vec<(usize, Vec<u8>)>,
}

impl<'a> Checker<'a> {
    pub fn new(signers: Signers<'a>) -> Self {
        Self {
            signers,
            limits: Limits::default(),
            signatures: Vec::new(),
            leading: Vec::new(),
        }
    }

    /// The text of the message, all of it read, and what its signatures are worth.
    pub fn plaintext(mut self, bytes: Vec<u8>) -> Plaintext {
        for (at, packet) in std::mem::take(&mut self.leading) {
            let judged = judge_beside(&bytes, &packet, self.signers.clone()).unwrap_or_default();
            if let (Some(place), Some(judged)) = (self.signatures.get_mut(at), judged.first()) {
                *place = judged.clone();
            }
        }
        Plaintext {
            bytes,
            signatures: self.signatures,
        }
    }

    /// As [`Signers::judge_result`]; what cannot be judged yet is kept for [`Self::plaintext`].
    fn judge(&mut self, result: &VerificationResult) {
        let mut verdict = self.signers.judge_result(result);
        if let Some(signature) = of(result).filter(|it| it.computed_digest().is_none()) {
            let mut packet = Vec::new();
            let is_written = Packet::from(signature.clone()).serialize(&mut packet);
            if is_written.is_ok() && self.leading.len() < MAX_LEADING {
                self.leading.push((self.signatures.len(), packet));
            } else {
                verdict.status = SignatureStatus::UnknownKey;
            }
        }
        self.signatures.push(verdict);
    }
}

/// The signature packet that a result is about.
fn of<'s>(result: &'s VerificationResult) -> Option<&'s packet::Signature> {
    match result {
        Ok(good) => Some(good.sig),
        Err(
            VerificationError::MissingKey { sig }
            | VerificationError::UnboundKey { sig, .. }
            | VerificationError::BadKey { sig, .. }
            | VerificationError::BadSignature { sig, .. },
        ) => Some(sig),
        Err(_) => None,
    }
}

impl VerificationHelper for &mut Checker<'_> {
    fn inspect(&mut self, parser: &PacketParser) -> Result<()> {
        self.limits.admit(parser)
    }

    fn get_certs(&mut self, _issuers: &[KeyHandle]) -> Result<Vec<Cert>> {
        Ok(Vec::new())
    }

    fn check(&mut self, structure: MessageStructure) -> Result<()> {
        for layer in structure {
            match layer {
                MessageLayer::Compression { .. } => {}
                // Whoever encrypted cannot answer for what was put around the ciphertext.
                MessageLayer::Encryption { .. } => {
                    self.signatures.clear();
                    self.leading.clear();
                }
                MessageLayer::SignatureGroup { results } => {
                    let room = MAX_SIGNATURES - self.signatures.len();
                    for result in results.iter().take(room) {
                        self.judge(result);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Who may have signed, and for whom.
#[derive(Clone)]
pub struct Signers<'a> {
    known: &'a [Certificate],
    /// `known`, parsed once it is needed.
    parsed: OnceCell<Vec<Arc<Cert>>>,
    /// Primary keys to which the message may be addressed; empty: to anybody.
    recipients: &'a [Fingerprint],
    now: DateTime<Utc>,
}

impl<'a> Signers<'a> {
    pub fn new(
        known: &'a [Certificate],
        recipients: &'a [Fingerprint],
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            known,
            parsed: OnceCell::new(),
            recipients,
            now,
        }
    }

    fn judge_result(&self, result: &VerificationResult) -> Signature {
        match (of(result), result) {
            (Some(signature), _) => self.judge(signature),
            (None, Err(VerificationError::MalformedSignature { sig, .. })) => {
                outcome(SignatureStatus::Bad, issuer(sig), Some(sig))
            }
            (None, _) => outcome(SignatureStatus::UnknownKey, None, None),
        }
    }

    /// `signature` carries the digest of what it covers.
    fn judge(&self, signature: &packet::Signature) -> Signature {
        let mut issuers = signature.get_issuers();
        issuers.truncate(MAX_KEYS);
        let unknown = SignatureStatus::UnknownKey;
        let mut verdict = outcome(unknown, issuer(signature), Some(signature));
        if issuers.is_empty() {
            return verdict;
        }
        for cert in self.issued_by(&issuers) {
            for key in cert.keys().key_handles(issuers.iter()).take(MAX_KEYS) {
                let key = key.key();
                let Some(standing) = self.standing(&cert, &key.fingerprint()) else {
                    continue;
                };
                let fits = signature.verify_document(key).is_ok() && self.accepts(signature);
                let status = if fits { standing } else { SignatureStatus::Bad };
                let signer = format!("{:X}", cert.fingerprint());
                verdict = outcome(status, Some(signer), Some(signature));
                if fits {
                    return verdict;
                }
            }
        }
        verdict
    }

    /// What is asked of a signature beside that it fits.
    fn accepts(&self, signature: &packet::Signature) -> bool {
        let now = system_time(self.now);
        let mut intended = signature.intended_recipients().peekable();
        let is_for_us = self.recipients.is_empty()
            || intended.peek().is_none()
            || intended.any(|intended| self.recipients.contains(intended));
        let Some(made_at) = signature.signature_creation_time() else {
            return false;
        };
        is_for_us
            && signature.signature_alive(now, CLOCK_SKEW).is_ok()
            && policy::data(made_at)
                .signature(signature, HashAlgoSecurity::CollisionResistance)
                .is_ok()
    }

    /// What a fitting signature of this key is worth now. `None`: the certificate does not
    /// bind the key, so that its signatures are nobody's.
    fn standing(&self, cert: &Cert, key: &Fingerprint) -> Option<SignatureStatus> {
        let policy = policy::lenient(self.now);
        let cert = cert.with_policy(&policy, system_time(self.now)).ok()?;
        let key = cert.keys().key_handle(key).next()?;
        let revoked = [cert.revocation_status(), key.revocation_status()];
        if revoked
            .iter()
            .any(|status| matches!(status, RevocationStatus::Revoked(_)))
        {
            return Some(SignatureStatus::RevokedKey);
        }
        if let Err(error) = cert.alive().and_then(|()| key.alive()) {
            return Some(match error.downcast_ref::<Error>() {
                Some(Error::Expired(_)) => SignatureStatus::ExpiredKey,
                _ => SignatureStatus::Bad,
            });
        }
        // Primary keys of the last century say nothing about their use.
        let may_sign = match key.key_flags() {
            Some(flags) => flags.for_signing(),
            None => key.primary(),
        };
        Some(if may_sign {
            SignatureStatus::Good
        } else {
            SignatureStatus::Bad
        })
    }

    /// The certificates that hold a key of these handles. Copies of one certificate are
    /// merged, so that a revocation in any of them counts.
    fn issued_by(&self, issuers: &[KeyHandle]) -> Vec<Arc<Cert>> {
        let known = self.parsed.get_or_init(|| parse(self.known));
        let mut certs: Vec<Arc<Cert>> = Vec::new();
        let holders = known.iter().filter(|cert| holds_any(cert, issuers));
        for holder in holders.take(MAX_KEYS) {
            let fingerprint = holder.fingerprint();
            if certs.iter().any(|cert| cert.fingerprint() == fingerprint) {
                continue;
            }
            let copies = known
                .iter()
                .filter(|cert| cert.fingerprint() == fingerprint);
            certs.extend(copies.cloned().reduce(|merged, copy| {
                let both = Cert::clone(&merged).merge_public(Cert::clone(&copy));
                both.map_or(merged, Arc::new)
            }));
        }
        certs
    }
}

fn parse(known: &[Certificate]) -> Vec<Arc<Cert>> {
    let certificates = known.iter();
    certificates
        .filter_map(|certificate| parsed(certificate).ok())
        .collect()
}

fn holds_any(cert: &Cert, handles: &[KeyHandle]) -> bool {
    cert.keys().key_handles(handles.iter()).next().is_some()
}

/// The issuer that a signature names, the most exact first.
fn issuer(signature: &packet::Signature) -> Option<String> {
    let issuers = signature.get_issuers();
    issuers.first().map(|handle| format!("{handle:X}"))
}

/// As it says where it is itself under the signature.
fn made_at(signature: &packet::Signature) -> Option<DateTime<Utc>> {
    signature.signature_creation_time().map(DateTime::from)
}

fn outcome(
    status: SignatureStatus,
    fingerprint: Option<String>,
    of: Option<&packet::Signature>,
) -> Signature {
    Signature {
        status,
        fingerprint,
        covers: Covers::All,
        signed_at: of.and_then(made_at),
        over: of.and_then(|of| of.computed_digest()).map(Digest::of),
    }
}
