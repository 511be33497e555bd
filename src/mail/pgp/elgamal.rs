//! Decrypting with ElGamal (RFC 9580, 5.1.4), which the library's backends have dropped.
//!
//! GnuPG made ElGamal keys by default until 2009. Whoever still writes to such a key of ours has
//! a report to tell; nothing is ever encrypted to one. The arithmetic takes the same time for
//! every ciphertext.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use sequoia_openpgp::crypto::mpi::{Ciphertext, PublicKey, SecretKeyMaterial};
use sequoia_openpgp::crypto::{Decryptor, KeyPair, SessionKey};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::{Error, Result};

/// An ElGamal key that decrypts.
pub struct ElGamal<'a>(&'a KeyPair);

impl<'a> ElGamal<'a> {
    /// `None`: the key is of another kind.
    pub fn of(key: &'a KeyPair) -> Option<Self> {
        matches!(key.public().mpis(), PublicKey::ElGamal { .. }).then_some(Self(key))
    }
}

impl Decryptor for ElGamal<'_> {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        self.0.public()
    }

    fn decrypt(&mut self, ciphertext: &Ciphertext, _length: Option<usize>) -> Result<SessionKey> {
        let public = self.0.public().mpis();
        let padded = self
            .0
            .secret()
            .map(|secret| match (public, secret, ciphertext) {
                (
                    PublicKey::ElGamal { p, .. },
                    SecretKeyMaterial::ElGamal { x },
                    Ciphertext::ElGamal { e, c },
                ) => decrypted(p.value(), x.value(), e.value(), c.value()),
                _ => None,
            });
        padded
            .as_deref()
            .and_then(unpadded)
            .map(SessionKey::from)
            .ok_or_else(|| Error::InvalidSessionKey("ElGamal".to_owned()).into())
    }
}

/// `c / e^x mod p`, as long as `p`; all numbers are big-endian.
///
/// As `p` is prime, dividing by `e^x` is multiplying by `e^(p-1-x)`.
fn decrypted(p: &[u8], x: &[u8], e: &[u8], c: &[u8]) -> Option<Box<[u8]>> {
    let bits = u32::try_from(p.len()).ok()?.checked_mul(8)?;
    let number = |bytes| BoxedUint::from_be_slice(bytes, bits).ok();
    let p = Odd::new(number(p)?).into_option()?;
    let exponent = p.as_ref().wrapping_sub(BoxedUint::one_with_precision(bits));
    let exponent = exponent.wrapping_sub(number(x)?);
    let modulus = BoxedMontyParams::new(p);
    let e = BoxedMontyForm::new(number(e)?, &modulus);
    let c = BoxedMontyForm::new(number(c)?, &modulus);
    let bytes = c.mul(&e.pow(&exponent)).retrieve().to_be_bytes();
    let length = usize::try_from(bits / 8).ok()?;
    let start = bytes.len().checked_sub(length)?;
    bytes.get(start..).map(Box::from)
}

/// Takes off the padding of PKCS #1 v1.5: `00 02`, at least 8 octets other than 0, and a 0.
fn unpadded(padded: &[u8]) -> Option<&[u8]> {
    let rest = padded.strip_prefix(&[0, 2])?;
    let end = rest.iter().position(|octet| *octet == 0)?;
    if end < 8 {
        return None;
    }
    rest.get(end + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decrypts_what_was_encrypted() {
        // p = 65537, g = 3, x = 4660; with k = 777 and m = 12345: e = g^k, c = m * g^(x * k).
        let power = |base: u64, exponent: u64| {
            (0..exponent).fold(1u64, |product, _| product * base % 65_537)
        };
        let e = power(3, 777);
        let c = 12_345 * power(power(3, 4_660), 777) % 65_537;
        let bytes = |number: u64| u32::try_from(number).unwrap().to_be_bytes();
        let plain = decrypted(
            &bytes(65_537)[1..],
            &bytes(4_660),
            &bytes(e)[1..],
            &bytes(c)[1..],
        );
        assert_eq!(plain, None, "a number longer than the modulus");
        let plain = decrypted(&bytes(65_537), &bytes(4_660), &bytes(e), &bytes(c));
        assert_eq!(plain.as_deref(), Some(&bytes(12_345)[..]));
    }

    #[track_caller]
    fn check(padded: &[u8], expected: Option<&[u8]>) {
        assert_eq!(unpadded(padded), expected, "{padded:x?}");
    }

    #[test]
    fn padding_is_checked() {
        check(b"\0\x02abcdefgh\0key", Some(b"key"));
        check(b"\0\x02abcdefg\0key", None);
        check(b"\0\x01abcdefgh\0key", None);
        check(b"\0\x02abcdefghkey", None);
        check(b"", None);
    }
}
