//! Which algorithms are accepted for what, as of an instant.
//!
//! | for | policy |
//! | --- | --- |
//! | whom we encrypt to, how we sign | [`current`]: the library's standard |
//! | the data that a signature covers | [`data`]: no SHA-1, RIPEMD or MD5 but for very old signatures |
//! | how a signer's key hangs together (self-signatures) | [`lenient`] |
//! | the packets of a message | [`reading`] |

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::policy::{AsymmetricAlgorithm, HashAlgoSecurity, StandardPolicy};
use sequoia_openpgp::types::{HashAlgorithm, SymmetricAlgorithm};

use super::system_time;

/// The library's judgement as of `now`.
pub fn current(now: DateTime<Utc>) -> StandardPolicy<'static> {
    StandardPolicy::at(system_time(now))
}

/// SHA-1 counts in signatures older than this: 2019-01-19, the day that GnuPG took.
const END_OF_SHA1: u64 = 1_547_856_000;

/// For the hash of what a signature covers, `made_at` being what the signature says.
///
/// SHA-1 counts until January 2019, RIPEMD until February 2013, MD5 until 1997. To misuse a broken
/// hash, one must get the owner of the key to sign a text prepared for it, and the owner's program
/// puts the time under the signature: one of 2009 was made before such texts could be computed, and
/// the library's SHA-1 knows those of the attacks that were published since. Today's mail gains
/// nothing from the leniency; an archive that is taken in does.
pub fn data(made_at: SystemTime) -> StandardPolicy<'static> {
    let mut policy = StandardPolicy::at(made_at);
    if made_at < SystemTime::UNIX_EPOCH + Duration::from_secs(END_OF_SHA1) {
        policy.accept_hash(HashAlgorithm::SHA1);
    }
    policy
}

/// For the self-signatures of certificates that were made long ago.
///
/// Keys made before about 2015 bind their user IDs and subkeys with SHA-1, and many were never
/// renewed. Forging such a binding needs a second preimage of SHA-1, which nobody can compute:
/// its owner chose what was signed, so the collisions that broke SHA-1 for documents do not
/// help an attacker. Keys of 1024 bits are accepted for checking what they signed, as GnuPG 2.2
/// does; nothing is ever encrypted to them.
pub fn lenient(now: DateTime<Utc>) -> StandardPolicy<'static> {
    let mut policy = current(now);
    for hash in [HashAlgorithm::SHA1, HashAlgorithm::RipeMD] {
        policy.accept_hash_property(hash, HashAlgoSecurity::SecondPreImageResistance);
    }
    for algorithm in [AsymmetricAlgorithm::RSA1024, AsymmetricAlgorithm::DSA1024] {
        policy.accept_asymmetric_algo(algorithm);
    }
    policy.accept_packet_tag_version(Tag::Signature, 3);
    policy
}

/// For the packets of a message.
///
/// Old ciphers are read: a report that was encrypted with 3DES is no less a report, and its
/// integrity is checked all the same. Encryption without an integrity check stays refused.
#[expect(deprecated, reason = "old ciphers are read, never written")]
pub fn reading(now: DateTime<Utc>) -> StandardPolicy<'static> {
    let mut policy = current(now);
    for cipher in [
        SymmetricAlgorithm::TripleDES,
        SymmetricAlgorithm::CAST5,
        SymmetricAlgorithm::IDEA,
    ] {
        policy.accept_symmetric_algo(cipher);
    }
    policy.accept_packet_tag_version(Tag::Signature, 3);
    policy
}
