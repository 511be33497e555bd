//! Secret keys under a passphrase, as GnuPG 2.4 exports them.
//!
//! It writes the secret number of an elliptic curve with the length of all its octets, leading zero bits
//! included, where the standard counts from the first bit that is set (RFC 9580, 3.2). The library refuses
//! such a number once it is decrypted: one key of two on Ed25519, and each on Curve25519.

use std::io::Read;

use sequoia_openpgp::crypto::mpi::{self, SecretKeyChecksum};
use sequoia_openpgp::crypto::symmetric::{BlockCipherMode, Decryptor, UnpaddingMode};
use sequoia_openpgp::crypto::{Password, mem};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{Encrypted, KeyRole, SecretKeyMaterial, SecretParts};
use sequoia_openpgp::parse::buffered_reader::Memory;
use sequoia_openpgp::types::{HashAlgorithm, PublicKeyAlgorithm};
use sequoia_openpgp::{Error, Result};

/// Octets of SHA-1 behind the secret (RFC 9580, 3.7.2.1).
const CHECKSUM: usize = 20;

/// The key without its passphrase.
pub fn unlocked<R: KeyRole>(
    key: Key<SecretParts, R>,
    password: &Password,
) -> Result<Key<SecretParts, R>> {
    let error = match key.clone().decrypt_secret(password) {
        Ok(unlocked) => return Ok(unlocked),
        Err(error) => error,
    };
    let is_odd = matches!(error.downcast_ref(), Some(Error::MalformedMPI(_)));
    match key.secret() {
        SecretKeyMaterial::Encrypted(secret) if is_odd => {
            let plain = decrypted(secret, password)?;
            let secret = material(key.pk_algo(), &plain)?;
            Ok(key.add_secret(secret.into()).0)
        }
        _ => Err(error),
    }
}

/// The secret numbers as they were written, once the checksum behind them was found right.
fn decrypted(secret: &Encrypted, password: &Password) -> Result<mem::Protected> {
    if secret.checksum() != Some(SecretKeyChecksum::SHA1) || secret.aead_algo().is_some() {
        return Err(malformed());
    }
    let cipher = secret.algo();
    let key = secret.s2k().derive_key(password, cipher.key_size()?)?;
    let ciphertext = secret.ciphertext()?;
    let source = Memory::with_cookie(ciphertext, Default::default());
    let (mode, padding) = (BlockCipherMode::CFB, UnpaddingMode::None);
    let mut reader = Decryptor::new(cipher, mode, padding, &key, None, source)?;
    // The initial vector comes first.
    let mut initial = mem::Protected::new(cipher.block_size()?);
    reader.read_exact(&mut initial)?;
    let rest = ciphertext.len().saturating_sub(initial.len());
    let mut plain = mem::Protected::new(rest);
    reader.read_exact(&mut plain)?;
    let split = rest.checked_sub(CHECKSUM).ok_or_else(malformed)?;
    let (numbers, checksum) = plain.split_at_checked(split).ok_or_else(malformed)?;
    let mut hash = HashAlgorithm::SHA1.context()?.for_digest();
    hash.update(numbers);
    if hash.into_digest()? != checksum {
        return Err(malformed());
    }
    Ok(numbers.into())
}

/// The one number of an elliptic curve, its length mended.
fn material(algorithm: PublicKeyAlgorithm, written: &[u8]) -> Result<mpi::SecretKeyMaterial> {
    use PublicKeyAlgorithm::{ECDH, ECDSA, EdDSA};
    let (length, number) = written.split_first_chunk().ok_or_else(malformed)?;
    let octets = usize::from(u16::from_be_bytes(*length)).div_ceil(8);
    if !matches!(algorithm, ECDH | ECDSA | EdDSA) || octets != number.len() {
        return Err(malformed());
    }
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    let number = number.get(zeros..).unwrap_or_default();
    let leading = number.first().map_or(0, |octet| octet.leading_zeros());
    let bits = u16::try_from(number.len() * 8)?.saturating_sub(u16::try_from(leading)?);
    let mended = mem::Protected::from([&bits.to_be_bytes(), number].concat());
    mpi::SecretKeyMaterial::from_bytes(algorithm, &mended)
}

fn malformed() -> anyhow::Error {
    Error::MalformedMPI("a secret key".to_owned()).into()
}
