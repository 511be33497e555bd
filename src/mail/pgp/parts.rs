//! The parts of a key or certificate: what each is for, and until when.

use chrono::{DateTime, Utc};
use sequoia_openpgp::cert::amalgamation::ValidAmalgamation;
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::types::RevocationStatus;
use sequoia_openpgp::{Cert, Fingerprint};

use super::certificate::parsed;
use super::{guarded, policy, system_time};
use crate::mail::message::Certificate;

/// A primary key or subkey.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyPart {
    /// Upper-case hex.
    pub fingerprint: String,
    /// As RFC 9580 writes it: `EdDSA`, `RSA (Encrypt or Sign)`..
    pub algorithm: String,
    pub created_at: DateTime<Utc>,
    /// `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    pub signs: bool,
    pub encrypts: bool,
    /// SSH and the like: nothing that mail needs.
    pub authenticates: bool,
    pub revoked: bool,
    /// Its secret part is at hand, or with the agent.
    pub unlocked: bool,
    /// A gpg-agent holds its secret part.
    pub in_agent: bool,
}

/// Where the secret part of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Nowhere,
    Here,
    InAgent,
}

/// The parts of somebody's certificate, the primary key first. Empty where it cannot be read.
pub fn parts_of_certificate(certificate: &Certificate, now: DateTime<Utc>) -> Vec<KeyPart> {
    let parts = guarded(|| {
        let cert = parsed(certificate).ok()?;
        Some(parts(&cert, now, |_| Held::Nowhere))
    });
    parts.flatten().unwrap_or_default()
}

/// All parts, bound or not, the primary key first. `held`: where the secret of one is.
pub fn parts(cert: &Cert, now: DateTime<Utc>, held: impl Fn(&Fingerprint) -> Held) -> Vec<KeyPart> {
    let policy = policy::lenient(now);
    let valid = cert.with_policy(&policy, system_time(now)).ok();
    let part = |key: &Key<PublicParts, UnspecifiedRole>| {
        let fingerprint = key.fingerprint();
        let bound = valid
            .as_ref()
            .and_then(|cert| cert.keys().key_handle(&fingerprint).next());
        let bound = bound.as_ref();
        let held = held(&fingerprint);
        KeyPart {
            fingerprint: format!("{fingerprint:X}"),
            algorithm: key.pk_algo().to_string(),
            created_at: key.creation_time().into(),
            expires_at: bound
                .and_then(|key| key.key_expiration_time())
                .map(DateTime::from),
            signs: bound.is_some_and(|key| key.for_signing()),
            encrypts: bound
                .is_some_and(|key| key.for_transport_encryption() || key.for_storage_encryption()),
            authenticates: bound.is_some_and(|key| key.for_authentication()),
            revoked: bound
                .is_some_and(|key| matches!(key.revocation_status(), RevocationStatus::Revoked(_))),
            unlocked: held != Held::Nowhere,
            in_agent: held == Held::InAgent,
        }
    };
    cert.keys().map(|key| part(key.key())).collect()
}
