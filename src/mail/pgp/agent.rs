//! Secret keys that an agent holds: GnuPG's gpg-agent, on disk or on a card.
//!
//! The secret never enters this process: the agent is sent a digest or the asymmetric part of a
//! session key, and answers with a signature or with what was inside. How it is reached is the
//! matter of whoever implements [`SecretAgent`] (`crate::agent`); here is what is said.
//!
//! Keys are told apart by their public numbers, not by the hash that GnuPG names them with: the
//! agent tells the public half of all that it holds.

use std::fmt;
use std::sync::Arc;

use secrecy::zeroize::Zeroizing;
use sequoia_openpgp::crypto::mpi::{Ciphertext, MPI, PublicKey, Signature};
use sequoia_openpgp::crypto::{Decryptor, SessionKey, Signer, ecdh};
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::packet::{Key, PKESK};
use sequoia_openpgp::types::{HashAlgorithm, SymmetricAlgorithm};
use sequoia_openpgp::{Error, Result};

use super::secret::KeyAway;
use super::sexp::{self, Sexp};

/// Whoever holds secret keys and works with them. Each call blocks, and ends by itself.
pub trait SecretAgent: Send + Sync {
    /// All keys.
    fn keys(&self) -> std::result::Result<Vec<HeldKey>, KeyAway>;

    /// A signature of the digest, as an S-expression. `algorithm`: the number of the hash in
    /// OpenPGP, which is that of libgcrypt too.
    fn sign(
        &self,
        name: &str,
        algorithm: u8,
        digest: &[u8],
    ) -> std::result::Result<Vec<u8>, Refusal>;

    /// What is inside of a ciphertext; both are S-expressions.
    fn decrypt(&self, name: &str, ciphertext: &[u8]) -> std::result::Result<Inside, Refusal>;
}

/// A key as the agent lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// GnuPG's keygrip.
    pub name: String,
    /// Its public half, as an S-expression.
    pub public: Vec<u8>,
}

/// What the agent got out of a ciphertext.
pub struct Inside {
    /// An S-expression.
    pub value: Zeroizing<Vec<u8>>,
    /// A card has taken off the padding of PKCS #1.
    pub is_unpadded: bool,
}

/// Why the agent did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    KeyAway(#[from] KeyAway),
    /// Its fault is in what it was given.
    #[error("gpg-agent: {0}")]
    Unfit(String),
}

/// A key that an agent holds.
#[derive(Clone)]
pub struct AgentKey {
    public: Key<PublicParts, UnspecifiedRole>,
    name: String,
    agent: Arc<dyn SecretAgent>,
    /// That the library's calls cannot hand on.
    away: Option<KeyAway>,
}

impl AgentKey {
    /// `None`: the agent has no secret of this key.
    pub fn of(
        public: &Key<PublicParts, UnspecifiedRole>,
        agent: &Arc<dyn SecretAgent>,
        held: &[HeldKey],
    ) -> Option<Self> {
        let held = held.iter().find(|held| is_same(public.mpis(), held))?;
        Some(Self {
            public: public.clone(),
            name: held.name.clone(),
            agent: Arc::clone(agent),
            away: None,
        })
    }

    pub fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        &self.public
    }

    /// The session key in `packet`, if it is for this key.
    pub fn session_key(
        mut self,
        packet: &PKESK,
        algorithm: Option<SymmetricAlgorithm>,
    ) -> std::result::Result<Option<(Option<SymmetricAlgorithm>, SessionKey)>, KeyAway> {
        let opened = packet.decrypt(&mut self, algorithm);
        match self.away {
            Some(away) => Err(away),
            None => Ok(opened),
        }
    }
}

impl fmt::Debug for AgentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentKey({})", self.name)
    }
}

impl Signer for AgentKey {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        &self.public
    }

    fn sign(&mut self, algorithm: HashAlgorithm, digest: &[u8]) -> Result<Signature> {
        let signed = self.agent.sign(&self.name, algorithm.into(), digest)?;
        Ok(signature(&signed).ok_or_else(rubbish)?)
    }
}

impl Decryptor for AgentKey {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        &self.public
    }

    fn decrypt(&mut self, ciphertext: &Ciphertext, length: Option<usize>) -> Result<SessionKey> {
        let asked = question(ciphertext).ok_or_else(unasked)?;
        let answered = self.agent.decrypt(&self.name, &asked).and_then(|inside| {
            let sexp = Sexp::read(&inside.value).ok_or_else(rubbish)?;
            Ok((sexp, inside.is_unpadded))
        });
        if let Err(Refusal::KeyAway(away)) = &answered {
            self.away = Some(away.clone());
        }
        let (sexp, is_unpadded) = answered?;
        let value = sexp.value("value").ok_or_else(unfit)?;
        match self.public.mpis() {
            PublicKey::RSA { .. } if is_unpadded => Ok(value.into()),
            PublicKey::RSA { .. } => unpadded(value).map(SessionKey::from).ok_or_else(unfit),
            PublicKey::ECDH { curve, .. } => {
                let size = curve.bits()?.div_ceil(8);
                let shared = x_coordinate(value, size).ok_or_else(unfit)?;
                ecdh::decrypt_unwrap(&self.public, &shared.into(), ciphertext, length)
            }
            _ => Err(unfit()),
        }
    }
}

/// Not the fault of what it was given, which no answer but a refusal can tell.
fn rubbish() -> Refusal {
    KeyAway("its answer cannot be read; is it a gpg-agent?".to_owned()).into()
}

fn unasked() -> anyhow::Error {
    Error::InvalidOperation("gpg-agent does not work with such a key".to_owned()).into()
}

fn unfit() -> anyhow::Error {
    Error::InvalidSessionKey("gpg-agent".to_owned()).into()
}

/// Is what the agent holds the secret of this key? RSA by its modulus, curves by their point;
/// other kinds work without the agent alone.
fn is_same(public: &PublicKey, held: &HeldKey) -> bool {
    let Some(sexp) = Sexp::read(&held.public) else {
        return false;
    };
    let same = |name: &str, number: &MPI| {
        let theirs = sexp.value(name);
        theirs.is_some_and(|theirs| {
            MPI::new(theirs) == *number || number.value().strip_prefix(&[0x40]) == Some(theirs)
        })
    };
    match public {
        PublicKey::RSA { n, .. } => sexp.has("rsa") && same("n", n),
        PublicKey::EdDSA { q, .. } | PublicKey::ECDSA { q, .. } | PublicKey::ECDH { q, .. } => {
            sexp.has("ecc") && same("q", q)
        }
        _ => false,
    }
}

/// What the agent is asked to decrypt.
fn question(ciphertext: &Ciphertext) -> Option<Vec<u8>> {
    let algorithm = match ciphertext {
        Ciphertext::RSA { c } => sexp::list("rsa", &[sexp::pair("a", &positive(c))]),
        Ciphertext::ECDH { e, key } => {
            let numbers = [sexp::pair("s", key), sexp::pair("e", e.value())];
            sexp::list("ecdh", &numbers)
        }
        _ => return None,
    };
    Some(sexp::list("enc-val", &[algorithm]))
}

/// A number whose first bit is set counts as negative there.
fn positive(number: &MPI) -> Vec<u8> {
    let is_high = number.value().first().is_some_and(|octet| *octet >= 0x80);
    let sign: &[u8] = if is_high { &[0] } else { &[] };
    [sign, number.value()].concat()
}

fn signature(bytes: &[u8]) -> Option<Signature> {
    let sexp = Sexp::read(bytes).filter(|sexp| sexp.has("sig-val"))?;
    let number = |name| sexp.value(name).map(MPI::new);
    Some(if sexp.has("rsa") {
        Signature::RSA { s: number("s")? }
    } else {
        let (r, s) = (number("r")?, number("s")?);
        if sexp.has("eddsa") {
            Signature::EdDSA { r, s }
        } else if sexp.has("ecdsa") {
            Signature::ECDSA { r, s }
        } else {
            return None;
        }
    })
}

/// Takes off the padding of PKCS #1 v1.5; the 0 before it may be gone, as in any number.
fn unpadded(padded: &[u8]) -> Option<&[u8]> {
    let rest = padded.strip_prefix(&[0]).unwrap_or(padded);
    let rest = rest.strip_prefix(&[2])?;
    let end = rest.iter().position(|octet| *octet == 0)?;
    rest.get(end + 1..).filter(|_| end >= 8)
}

/// Of a shared point: compressed (`40 x`, `41 x`), whole (`04 x y`), or x alone, as cards tell it.
fn x_coordinate(point: &[u8], size: usize) -> Option<&[u8]> {
    match point.split_first()? {
        _ if point.len() == size => Some(point),
        (0x40 | 0x41, x) if x.len() == size => Some(x),
        (0x04, both) if both.len() == 2 * size => both.get(..size),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::Utc;
    use sequoia_openpgp::Cert;
    use sequoia_openpgp::packet::pkesk::PKESK3;
    use sequoia_openpgp::parse::Parse;

    use super::*;

    /// Says the same to everything.
    struct Parrot(&'static [u8]);

    impl SecretAgent for Parrot {
        fn keys(&self) -> std::result::Result<Vec<HeldKey>, KeyAway> {
            Ok(Vec::new())
        }

        fn sign(&self, _: &str, _: u8, _: &[u8]) -> std::result::Result<Vec<u8>, Refusal> {
            Ok(self.0.to_vec())
        }

        fn decrypt(&self, _: &str, _: &[u8]) -> std::result::Result<Inside, Refusal> {
            Ok(Inside {
                value: self.0.to_vec().into(),
                is_unpadded: false,
            })
        }
    }

    /// Else mail would be called unreadable that is not, and letters leave unsigned.
    #[test]
    fn an_agent_that_answers_rubbish_is_away() {
        let year = Duration::from_secs(365 * 24 * 60 * 60);
        let armored = crate::mail::pgp::generate("", "us@example.test", None, year, Utc::now());
        let cert = Cert::from_bytes(armored.unwrap().as_bytes()).unwrap();
        for part in cert.keys() {
            for said in [&b""[..], b"OK", b"(5:value"] {
                let mut key = AgentKey {
                    public: part.key().clone().parts_into_public(),
                    name: String::new(),
                    agent: Arc::new(Parrot(said)),
                    away: None,
                };
                if part.key().pk_algo().for_encryption() {
                    let algorithm = SymmetricAlgorithm::AES256;
                    let session_key = SessionKey::new(32).unwrap();
                    let packet = PKESK3::for_recipient(algorithm, &session_key, key.public());
                    let opened = key.session_key(&packet.unwrap().into(), None);
                    assert!(opened.is_err(), "{said:?}");
                } else {
                    let signed = key.sign(HashAlgorithm::SHA512, &[1; 64]).unwrap_err();
                    let refusal = signed.downcast_ref();
                    assert!(matches!(refusal, Some(Refusal::KeyAway(_))), "{signed}");
                }
            }
        }
    }

    #[test]
    fn padding_is_checked() {
        #[track_caller]
        fn check(padded: &[u8], expected: Option<&[u8]>) {
            assert_eq!(unpadded(padded), expected, "{padded:x?}");
        }
        check(b"\0\x02abcdefgh\0key", Some(b"key"));
        check(b"\x02abcdefgh\0key", Some(b"key"));
        check(b"\x02abcdefg\0key", None);
        check(b"\x01abcdefgh\0key", None);
        check(b"\x02abcdefghkey", None);
        check(b"", None);
    }

    #[test]
    fn points_are_told_in_three_ways() {
        assert_eq!(x_coordinate(b"\x40ab", 2), Some(&b"ab"[..]));
        assert_eq!(x_coordinate(b"\x04abcd", 2), Some(&b"ab"[..]));
        assert_eq!(x_coordinate(b"ab", 2), Some(&b"ab"[..]));
        assert_eq!(x_coordinate(b"abc", 2), None);
        assert_eq!(x_coordinate(b"", 2), None);
    }

    #[test]
    fn a_high_number_is_not_negative() {
        assert_eq!(positive(&MPI::new(&[0x80, 1])), [0, 0x80, 1]);
        assert_eq!(positive(&MPI::new(&[0x7f, 1])), [0x7f, 1]);
    }

    #[test]
    fn signatures_are_read() {
        let eddsa = b"(7:sig-val(5:eddsa(1:r2:ab)(1:s2:cd)))";
        assert!(matches!(signature(eddsa), Some(Signature::EdDSA { .. })));
        let rsa = b"(7:sig-val(3:rsa(1:s2:cd)))\0";
        assert!(matches!(signature(rsa), Some(Signature::RSA { .. })));
        assert!(signature(b"(7:sig-val(3:rsa(1:r2:cd)))").is_none());
        assert!(signature(b"").is_none());
    }
}
