//! Encrypting and signing what we send.

use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sequoia_openpgp::cert::ValidCert;
use sequoia_openpgp::cert::amalgamation::key::ValidErasedKeyAmalgamation;
use sequoia_openpgp::packet::key::PublicParts;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::{Encryptor, LiteralWriter, Message, Signer};
use sequoia_openpgp::types::{HashAlgorithm, KeyFlags, RevocationStatus};
use sequoia_openpgp::{Cert, Error, Result};

use super::agent::Refusal;
use super::armor::{Label, armored};
use super::certificate::parsed;
use super::keyring::Keyring;
use super::secret::SealError;
use super::{guarded, policy, system_time};
use crate::mail::message::Certificate;

/// Every reader has it, and no key of ours is too small for it.
const HASH: HashAlgorithm = HashAlgorithm::SHA512;
const MICALG: &str = "pgp-sha512";

/// May mail be encrypted to this certificate? The error says why not.
pub fn usable_for_encryption(
    certificate: &Certificate,
    now: DateTime<Utc>,
) -> std::result::Result<(), String> {
    let policy = policy::current(now);
    let cert = parse(certificate)?;
    let cert = valid(&cert, &policy, now)?;
    encryption_keys(&cert).map(drop)
}

impl Keyring {
    /// An ASCII-armoured message to `recipient`, signed by our current key.
    /// Unsigned where no key of ours signs: that is not the recipient's fault, and a letter that can
    /// be doubted is better than none.
    ///
    /// The error says why the certificate cannot be used (expired, revoked, no encryption key), or
    /// that our key is away for now.
    pub fn encrypt_signed(
        &self,
        recipient: &Certificate,
        plaintext: &[u8],
        now: DateTime<Utc>,
    ) -> std::result::Result<Vec<u8>, SealError> {
        let policy = policy::current(now);
        let cert = parse(recipient)?;
        let valid = valid(&cert, &policy, now)?;
        let keys = encryption_keys(&valid)?;
        let signer = self.signer(now).ok();
        finished(|| {
            let mut packets = Vec::new();
            let message = Message::new(&mut packets);
            let message = Encryptor::for_recipients(message, keys).build()?;
            let message = match signer {
                Some(signer) => Signer::new(message, signer)?
                    .hash_algo(HASH)?
                    .creation_time(system_time(now))
                    .add_intended_recipient(&cert)
                    .build()?,
                None => message,
            };
            let mut message = LiteralWriter::new(message).build()?;
            message.write_all(plaintext)?;
            message.finalize()?;
            Ok(armored(Label::Message, &packets)?)
        })
    }

    /// Is there a key of ours that signs? It may be away for now. The error says why there is none.
    pub fn signs(&self, now: DateTime<Utc>) -> std::result::Result<(), String> {
        self.signer(now).map(drop)
    }

    /// A detached, ASCII-armoured signature by our current key, and the `micalg` that names its
    /// hash (RFC 3156, 5: `pgp-sha512`).
    pub fn sign_detached(
        &self,
        text: &[u8],
        now: DateTime<Utc>,
    ) -> std::result::Result<(Vec<u8>, String), SealError> {
        let signer = self.signer(now)?;
        let signature = finished(|| {
            let mut packets = Vec::new();
            let message = Message::new(&mut packets);
            let mut message = Signer::new(message, signer)?
                .hash_algo(HASH)?
                .creation_time(system_time(now))
                .detached()
                .build()?;
            message.write_all(text)?;
            message.finalize()?;
            Ok(armored(Label::Signature, &packets)?)
        })?;
        Ok((signature, MICALG.to_owned()))
    }
}

fn finished(work: impl FnOnce() -> Result<String>) -> std::result::Result<Vec<u8>, SealError> {
    let error = match guarded(work) {
        Some(Ok(text)) => return Ok(text.into_bytes()),
        Some(Err(error)) => error,
        None => return Err("the OpenPGP library failed".to_owned().into()),
    };
    Err(match error.downcast_ref::<Refusal>() {
        Some(Refusal::KeyAway(away)) => away.clone().into(),
        _ => format!("{error:#}").into(),
    })
}

fn parse(certificate: &Certificate) -> std::result::Result<Arc<Cert>, String> {
    match guarded(|| parsed(certificate)) {
        Some(Ok(cert)) => Ok(cert),
        _ => Err(format!(
            "certificate {} cannot be read",
            certificate.fingerprint
        )),
    }
}

fn valid<'a>(
    cert: &'a Cert,
    policy: &'a StandardPolicy,
    now: DateTime<Utc>,
) -> std::result::Result<ValidCert<'a>, String> {
    let name = format!("{:X}", cert.fingerprint());
    let valid = cert
        .with_policy(policy, system_time(now))
        .map_err(|error| format!("certificate {name} is not acceptable: {error:#}"))?;
    if matches!(valid.revocation_status(), RevocationStatus::Revoked(_)) {
        return Err(format!("certificate {name} is revoked"));
    }
    valid
        .alive()
        .map_err(|error| match error.downcast_ref::<Error>() {
            Some(Error::Expired(at)) => {
                format!(
                    "certificate {name} expired on {}",
                    DateTime::<Utc>::from(*at).date_naive()
                )
            }
            _ => format!("certificate {name} is not valid yet"),
        })?;
    Ok(valid)
}

/// All of them: which one its owner can use today, we cannot know.
fn encryption_keys<'a>(
    cert: &ValidCert<'a>,
) -> std::result::Result<Vec<ValidErasedKeyAmalgamation<'a, PublicParts>>, String> {
    let purposes = KeyFlags::empty()
        .set_transport_encryption()
        .set_storage_encryption();
    let keys = || cert.keys().key_flags(&purposes);
    let usable: Vec<_> = keys().supported().alive().revoked(false).collect();
    if !usable.is_empty() {
        return Ok(usable);
    }
    let name = format!("{:X}", cert.fingerprint());
    Err(if keys().next().is_none() {
        format!("certificate {name} has no encryption key")
    } else if keys().supported().next().is_none() {
        format!("certificate {name} encrypts with an algorithm that is not supported")
    } else {
        format!("certificate {name} has no encryption key that is neither expired nor revoked")
    })
}
