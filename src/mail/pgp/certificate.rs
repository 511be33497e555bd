//! The certificates of others, as they come with mail: read, and cut down to what we use.
//!
//! Twice: packets that are of no use are taken out before the library puts a certificate together,
//! for it compares each signature that does not fit where it stands with each user ID and subkey,
//! and verifies what it is asked about. What the owner did not sign is left out after that.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use secrecy::zeroize::Zeroizing;
use sequoia_openpgp::cert::bundle::ComponentBundle;
use sequoia_openpgp::cert::raw::{RawCert, RawCertParser};
use sequoia_openpgp::packet::{Signature, Tag, UserID};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::serialize::Serialize;
use sequoia_openpgp::types::{PublicKeyAlgorithm, SignatureType};
use sequoia_openpgp::{Cert, KeyHandle, Packet, Result};

use super::armor::{self, Label};
use super::guarded;
use crate::mail::message::Certificate;

const MAX_CERTIFICATES: usize = 32;
/// Of all certificates together, after they were cut down.
const MAX_BYTES: usize = 1024 * 1024;
/// What a stranger sends beyond this is not looked at.
const MAX_INPUT: usize = 8 * 1024 * 1024;
/// Of one component, the newest; older ones say nothing that holds now.
const MAX_SELF_SIGNATURES: usize = 3;
const MAX_COMPONENTS: usize = 64;
/// Of one component, the newest in each of two groups: revocations, and all others.
const MAX_CANDIDATES: usize = 16;
/// Of one certificate.
const MAX_SIGNATURES: usize = 256;
/// Checking one signature of a larger key takes longer than we have, in bits.
const MAX_KEY: usize = 8 * 1024;
const MAX_DSA_KEY: usize = 3 * 1024;

/// Larger certificates are not worth keeping, nor putting together, in bytes.
pub const MAX_KEPT: usize = 128 * 1024;

/// So many certificates stay parsed, with their self-signatures verified; larger ones do not.
const KEPT_PARSED: usize = 64;
const KEPT_BYTES: usize = 16 * 1024;

static PARSED: Mutex<VecDeque<(Vec<u8>, Arc<Cert>)>> = Mutex::new(VecDeque::new());

/// A certificate from its bytes. That of a reporter is needed for the signature and again for the
/// answer; verifying its self-signatures takes most of the time of either.
pub fn parsed(certificate: &Certificate) -> Result<Arc<Cert>> {
    let recent = || PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    let has = |(bytes, _): &&(Vec<u8>, Arc<Cert>)| *bytes == certificate.bytes;
    if let Some((_, cert)) = recent().iter().rev().find(has) {
        return Ok(Arc::clone(cert));
    }
    let cert = Arc::new(Cert::from_bytes(&certificate.bytes)?);
    if certificate.bytes.len() > KEPT_BYTES {
        return Ok(cert);
    }
    let mut recent = recent();
    if recent.len() >= KEPT_PARSED {
        recent.pop_front();
    }
    recent.push_back((certificate.bytes.clone(), Arc::clone(&cert)));
    Ok(cert)
}

/// All certificates in some bytes, armoured (several blocks, text around them) or binary.
///
/// Each is cut down to keys, user IDs and the newest self-signatures: no secret part, no
/// picture, no certification by others. At most 32, and 1 MiB of them.
pub fn read_certificates(bytes: &[u8]) -> Vec<Certificate> {
    let mut as_many_as_there_are = usize::MAX;
    read_certificates_within(bytes, &mut as_many_as_there_are)
}

/// As [`read_certificates`], with at most so many signatures on keys and user IDs, which are
/// counted down.
pub fn read_certificates_within(bytes: &[u8], signatures_left: &mut usize) -> Vec<Certificate> {
    let bytes = bytes.get(..MAX_INPUT).unwrap_or(bytes);
    let mut found: Vec<Certificate> = Vec::new();
    let mut room = MAX_BYTES;
    for block in key_blocks(bytes) {
        let read = guarded(|| certificates(&block, signatures_left));
        for certificate in read.unwrap_or_default() {
            if found.len() == MAX_CERTIFICATES || certificate.bytes.len() > room {
                return found;
            }
            if !found.contains(&certificate) {
                room -= certificate.bytes.len();
                found.push(certificate);
            }
        }
    }
    found
}

/// The packets of every block that may hold keys.
pub fn key_blocks(bytes: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    if armor::is_binary(bytes) {
        return vec![Zeroizing::new(bytes.to_vec())];
    }
    armor::blocks(bytes, &[Label::PublicKey, Label::PrivateKey])
        .take(MAX_CERTIFICATES)
        .map(|block| Zeroizing::new(block.bytes.into_owned()))
        .collect()
}

fn certificates(packets: &[u8], signatures_left: &mut usize) -> Vec<Certificate> {
    let Ok(certs) = RawCertParser::from_bytes(packets) else {
        return Vec::new();
    };
    certs
        .take(MAX_CERTIFICATES)
        .filter_map(|raw| {
            let useful = useful_packets(&raw.ok()?, signatures_left)?;
            certificate(&Cert::from_bytes(&useful).ok()?)
        })
        .collect()
}

/// The packets of a certificate that may tell something: its keys, its first user IDs, and the
/// newest of the signatures that its owner may have made. `None`: it costs too much.
fn useful_packets(raw: &RawCert, signatures_left: &mut usize) -> Option<Vec<u8>> {
    let primary = raw.primary_key();
    if is_costly(primary.pk_algo(), primary.mpis().bits()) {
        return None;
    }
    let owner = KeyHandle::from(raw.fingerprint());
    let mut useful = Vec::new();
    let mut room = MAX_SIGNATURES.min(*signatures_left);
    let before = room;
    let (mut users, mut subkeys) = (0, 0);
    // The primary key's own come first.
    let mut component = Candidates::default();
    for packet in raw.packets() {
        let is_useful = match packet.tag() {
            Tag::Signature => {
                component.add(packet.as_bytes(), &owner);
                continue;
            }
            Tag::PublicKey | Tag::SecretKey => true,
            Tag::UserID => another(&mut users),
            Tag::PublicSubkey | Tag::SecretSubkey => another(&mut subkeys),
            _ => false,
        };
        component.write(&mut useful, &mut room);
        component = Candidates {
            is_useful,
            ..Candidates::default()
        };
        if is_useful {
            useful.extend_from_slice(packet.as_bytes());
        }
    }
    component.write(&mut useful, &mut room);
    *signatures_left -= before - room;
    Some(useful)
}

#[expect(deprecated, reason = "old keys still check what they signed")]
fn is_costly(algorithm: PublicKeyAlgorithm, bits: Option<usize>) -> bool {
    let most = match algorithm {
        PublicKeyAlgorithm::DSA => MAX_DSA_KEY,
        _ => MAX_KEY,
    };
    bits.is_some_and(|bits| bits > most)
}

fn another(count: &mut usize) -> bool {
    *count += 1;
    *count <= MAX_COMPONENTS
}

/// The signatures behind one key or user ID.
#[derive(Default)]
struct Candidates {
    is_useful: bool,
    revocations: Vec<Dated>,
    bindings: Vec<Dated>,
}

struct Dated {
    made_at: Option<SystemTime>,
    bytes: Vec<u8>,
}

impl Candidates {
    /// Unless it is by somebody else, or nothing that can be read.
    fn add(&mut self, bytes: &[u8], owner: &KeyHandle) {
        let Ok(Packet::Signature(signature)) = Packet::from_bytes(bytes) else {
            return;
        };
        let issuers = signature.get_issuers();
        let is_own = issuers.is_empty() || issuers.iter().any(|issuer| issuer.aliases(owner));
        if !self.is_useful || !is_own {
            return;
        }
        let dated = Dated {
            made_at: signature.signature_creation_time(),
            bytes: bytes.to_vec(),
        };
        match signature.typ() {
            SignatureType::KeyRevocation
            | SignatureType::SubkeyRevocation
            | SignatureType::CertificationRevocation => self.revocations.push(dated),
            _ => self.bindings.push(dated),
        }
    }

    fn write(mut self, useful: &mut Vec<u8>, room: &mut usize) {
        for group in [&mut self.revocations, &mut self.bindings] {
            group.sort_by_key(|dated| Reverse(dated.made_at));
            group.dedup_by(|one, other| one.bytes == other.bytes);
            for dated in group.iter().take(MAX_CANDIDATES.min(*room)) {
                useful.extend_from_slice(&dated.bytes);
            }
            *room -= group.len().min(MAX_CANDIDATES).min(*room);
        }
    }
}

/// A certificate as a plain value. `None`: it cannot be written again.
pub fn certificate(cert: &Cert) -> Option<Certificate> {
    let mut emails: Vec<String> = cert
        .userids()
        .take(MAX_COMPONENTS)
        .filter(|user| user.self_signatures().next().is_some())
        .filter_map(|user| email(user.userid()))
        .collect();
    emails.dedup();
    Some(Certificate {
        fingerprint: format!("{:X}", cert.fingerprint()),
        emails,
        bytes: minimal(cert, |_| true).ok()?,
    })
}

/// Two copies of one certificate as one that holds what either does: a revocation and a new expiry
/// count, and nothing is lost to a copy that was stripped on its way.
///
/// `None`: there is nothing to merge. They are equal or of different certificates, one of them
/// cannot be read, or together they are over 128 KiB.
pub fn merged(one: &Certificate, other: &Certificate) -> Option<Certificate> {
    if one.bytes == other.bytes || one.fingerprint != other.fingerprint {
        return None;
    }
    guarded(|| {
        let (one, other) = (parsed(one).ok()?, parsed(other).ok()?);
        let both = Cert::clone(&one).merge_public(Cert::clone(&other)).ok()?;
        certificate(&both).filter(|both| both.bytes.len() <= MAX_KEPT)
    })
    .flatten()
}

/// The address in a user ID, in lower case; also where the rest of it is not UTF-8, or not
/// written as the conventions say.
pub fn email(user: &UserID) -> Option<String> {
    let usual = user.email().ok().flatten().map(str::to_lowercase);
    usual.or_else(|| {
        let text = String::from_utf8_lossy(user.value());
        let inner = match text.rsplit_once('<') {
            Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
            None => text.as_ref(),
        };
        let address = inner.trim().to_lowercase();
        let plausible = address.contains('@') && !address.contains(char::is_whitespace);
        plausible.then_some(address)
    })
}

/// The binary public parts that a correspondent needs: all keys, the user IDs that `wanted`
/// names, and the self-signatures and revocations of these. What its owner did not sign anybody
/// may have added, and is left out.
pub fn minimal(cert: &Cert, wanted: impl Fn(&UserID) -> bool) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let primary = cert.primary_key();
    Packet::from(primary.key().clone()).serialize(&mut bytes)?;
    own_signatures(primary.bundle(), &mut bytes)?;
    let users = cert
        .userids()
        .filter(|user| wanted(user.userid()) && is_own(user.bundle()));
    for user in users.take(MAX_COMPONENTS) {
        Packet::from(user.userid().clone()).serialize(&mut bytes)?;
        own_signatures(user.bundle(), &mut bytes)?;
    }
    let subkeys = cert.keys().subkeys().filter(|key| is_own(key.bundle()));
    for subkey in subkeys.take(MAX_COMPONENTS) {
        Packet::from(subkey.key().clone()).serialize(&mut bytes)?;
        own_signatures(subkey.bundle(), &mut bytes)?;
    }
    Ok(bytes)
}

fn is_own<C>(bundle: &ComponentBundle<C>) -> bool {
    bundle.self_signatures().next().is_some() || bundle.self_revocations().next().is_some()
}

fn own_signatures<C>(bundle: &ComponentBundle<C>, bytes: &mut Vec<u8>) -> Result<()> {
    // The library lists both with the newest first.
    let revocations = bundle.self_revocations().take(MAX_SELF_SIGNATURES);
    let bindings = bundle.self_signatures().take(MAX_SELF_SIGNATURES);
    for signature in revocations.chain(bindings) {
        Packet::from(Signature::clone(signature)).serialize(bytes)?;
    }
    Ok(())
}
