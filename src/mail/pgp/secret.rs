//! A secret key of ours: in our memory, or with an agent that works with it for us.

use std::fmt;

use sequoia_openpgp::Result;
use sequoia_openpgp::crypto::mpi;
use sequoia_openpgp::crypto::{KeyPair, SessionKey, Signer};
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::packet::{Key, PKESK};
use sequoia_openpgp::types::{HashAlgorithm, SymmetricAlgorithm};

use super::agent::AgentKey;
use super::elgamal::ElGamal;

/// A key whose secret can be worked with.
#[derive(Clone)]
pub enum SecretKey {
    Unlocked(KeyPair),
    InAgent(AgentKey),
}

/// An agent holds the key and does not work with it now: it is not running, hangs, waits for a
/// passphrase, or its card is not there. The same may succeed later; what it is about must wait.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("gpg-agent: {0}")]
pub struct KeyAway(pub String);

/// Why a letter was not encrypted and signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// As it is, it never will be: the certificate has expired, is revoked..
    #[error("{0}")]
    Unusable(String),
    #[error(transparent)]
    KeyAway(#[from] KeyAway),
}

impl SealError {
    /// Its words, for a writer of letters that knows no more; that the key is away is kept.
    pub fn noted(self, away: &mut Option<KeyAway>) -> String {
        let words = self.to_string();
        if let Self::KeyAway(key) = self {
            *away = Some(key);
        }
        words
    }
}

impl From<String> for SealError {
    fn from(why: String) -> Self {
        Self::Unusable(why)
    }
}

type Opened = (Option<SymmetricAlgorithm>, SessionKey);

impl SecretKey {
    pub fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        match self {
            Self::Unlocked(key) => key.public(),
            Self::InAgent(key) => key.public(),
        }
    }

    pub fn is_in_agent(&self) -> bool {
        matches!(self, Self::InAgent(_))
    }

    /// The session key in `packet`, if it is for this key.
    pub fn session_key(
        &self,
        packet: &PKESK,
        algorithm: Option<SymmetricAlgorithm>,
    ) -> std::result::Result<Option<Opened>, KeyAway> {
        match self {
            Self::Unlocked(key) => Ok(match ElGamal::of(key) {
                Some(mut key) => packet.decrypt(&mut key, algorithm),
                None => packet.decrypt(&mut key.clone(), algorithm),
            }),
            Self::InAgent(key) => key.clone().session_key(packet, algorithm),
        }
    }
}

impl Signer for SecretKey {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        self.public()
    }

    fn sign(&mut self, algorithm: HashAlgorithm, digest: &[u8]) -> Result<mpi::Signature> {
        match self {
            Self::Unlocked(key) => key.sign(algorithm, digest),
            Self::InAgent(key) => key.sign(algorithm, digest),
        }
    }
}

/// Where it is and which: never the secret.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self {
            Self::Unlocked(_) => "Unlocked",
            Self::InAgent(_) => "InAgent",
        };
        write!(f, "{place}({:X})", self.public().fingerprint())
    }
}
