//! A new key.

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::packet::UserID;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::{Features, KeyFlags};
use sequoia_openpgp::{Profile, Result};

use super::armor::{Label, armored};
use super::{guarded, system_time};

/// Makes a new key: v4, Ed25519 primary with an Ed25519 subkey for signing and an X25519 one
/// for encryption, what every reader can use. `now` is its creation time.
///
/// It announces the encryption of RFC 4880 alone. We do read the AEAD messages of RFC 9580 where
/// the backend has OCB, but GnuPG sends another kind of them, and the key may outlive the machine.
/// Returns the armoured secret key, protected by `passphrase` if given.
pub fn generate(
    name: &str,
    email: &str,
    passphrase: Option<&SecretString>,
    valid_for: Duration,
    now: DateTime<Utc>,
) -> std::result::Result<String, String> {
    let user = UserID::from_address(Some(name).filter(|name| !name.is_empty()), None, email)
        .map_err(|error| format!("{name:?} <{email}>: not a user ID: {error:#}"))?;
    guarded(|| secret_key(user, passphrase, valid_for, now))
        .unwrap_or_else(|| Err(anyhow::anyhow!("the OpenPGP library failed")))
        .map_err(|error| format!("{error:#}"))
}

fn secret_key(
    user: UserID,
    passphrase: Option<&SecretString>,
    valid_for: Duration,
    now: DateTime<Utc>,
) -> Result<String> {
    let encryption = KeyFlags::empty()
        .set_transport_encryption()
        .set_storage_encryption();
    let (cert, _revocation) = CertBuilder::new()
        .set_profile(Profile::RFC4880)?
        .set_features(Features::empty().set_seipdv1())?
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_creation_time(system_time(now))
        .set_validity_period(valid_for)
        .set_primary_key_flags(KeyFlags::empty().set_certification())
        .add_userid(user)
        .add_signing_subkey()
        .add_subkey(encryption, None, None)
        .set_password(passphrase.map(|secret| secret.expose_secret().into()))
        .generate()?;
    Ok(armored(Label::PrivateKey, &cert.as_tsk().to_vec()?)?)
}
