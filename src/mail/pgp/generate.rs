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

/// What a new key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Curve25519 as of RFC 4880 and its drafts: what every reader can use.
    V4,
    /// Curve25519 as of RFC 9580; GnuPG cannot read it.
    V6,
    /// RFC 9580 with ML-DSA-65 and ML-KEM-768 beside Curve25519.
    PostQuantum,
}

impl Kind {
    fn suite(self) -> CipherSuite {
        match self {
            Self::V4 | Self::V6 => CipherSuite::Cv25519,
            Self::PostQuantum => CipherSuite::MLDSA65_Ed25519,
        }
    }

    /// What it announces, besides the encryption of RFC 4880.
    ///
    /// A v4 key announces nothing more. We do read the AEAD messages of RFC 9580 where
    /// the backend has OCB, but GnuPG sends another kind of them, and the key may outlive the machine.
    fn features(self) -> Features {
        let usual = Features::empty().set_seipdv1();
        match self {
            Self::V4 => usual,
            Self::V6 | Self::PostQuantum => usual.set_seipdv2(),
        }
    }

    fn profile(self) -> Profile {
        match self {
            Self::V4 => Profile::RFC4880,
            Self::V6 | Self::PostQuantum => Profile::RFC9580,
        }
    }
}

/// Makes a new key: v4, Ed25519 primary with an Ed25519 subkey for signing and an X25519 one
/// for encryption, what every reader can use. `now` is its creation time.
/// Returns the armoured secret key, protected by `passphrase` if given.
pub fn generate(
    name: &str,
    email: &str,
    passphrase: Option<&SecretString>,
    valid_for: Duration,
    now: DateTime<Utc>,
) -> std::result::Result<String, String> {
    generate_kind(Kind::V4, (name, email), passphrase, valid_for, now)
}

/// Makes a new key of any kind, for a name and an address.
pub fn generate_kind(
    kind: Kind,
    (name, email): (&str, &str),
    passphrase: Option<&SecretString>,
    valid_for: Duration,
    now: DateTime<Utc>,
) -> std::result::Result<String, String> {
    kind.suite().is_supported().map_err(|_| match kind {
        Kind::PostQuantum => "this build cannot: post-quantum algorithms (RFC 9980) need \
            OpenSSL 3.5 or newer under triaged; build it on such a system, or leave out \
            --post-quantum"
            .to_owned(),
        Kind::V4 | Kind::V6 => "the OpenPGP library lacks Curve25519".to_owned(),
    })?;
    let user = UserID::from_address(Some(name).filter(|name| !name.is_empty()), None, email)
        .map_err(|error| format!("{name:?} <{email}>: not a user ID: {error:#}"))?;
    guarded(|| secret_key(kind, user, passphrase, valid_for, now))
        .unwrap_or_else(|| Err(anyhow::anyhow!("the OpenPGP library failed")))
        .map_err(|error| format!("{error:#}"))
}

fn secret_key(
    kind: Kind,
    user: UserID,
    passphrase: Option<&SecretString>,
    valid_for: Duration,
    now: DateTime<Utc>,
) -> Result<String> {
    let encryption = KeyFlags::empty()
        .set_transport_encryption()
        .set_storage_encryption();
    let (cert, _revocation) = CertBuilder::new()
        .set_profile(kind.profile())?
        .set_features(kind.features())?
        .set_cipher_suite(kind.suite())
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
