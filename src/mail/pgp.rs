//! OpenPGP (RFC 9580): our keys, reading, checking and writing. Alone knows sequoia.
//!
//! Keys and `now` are passed in; nothing here reads a file, a clock or a network. A secret key that an
//! agent holds is worked with through a [`SecretAgent`] that is passed in likewise.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `armor` | ASCII armour, read tolerantly and written plainly |
//! | `policy` | which algorithms are accepted for what |
//! | `keyring` | our secret keys: loading, listing, offering |
//! | `lifecycle` | new expiry, revocation, another passphrase: what becomes of a key file |
//! | `parts` | primary keys and subkeys: what each is for, and until when |
//! | `secret` | one of them: in our memory, or with an agent |
//! | `agent`, `sexp` | what is said to gpg-agent, which holds secret keys for us |
//! | `head` | what some bytes are, by their first packet |
//! | `limits` | what one message may cost |
//! | `decrypt` | opening one ciphertext |
//! | `ocb` | GnuPG's own authenticated encryption, which the library lacks |
//! | `elgamal` | the one old algorithm that the library lacks |
//! | `verify` | what a signature is worth; detached, clear-signed and inline ones |
//! | `certificate` | reading the certificates of others |
//! | `compose` | encrypting and signing |
//! | `generate` | a new key |
//! | `directory` | the name of an address in a Web Key Directory |
//! | `unlock` | secret keys under a passphrase, GnuPG 2.4's too |
//!
//! Every input here was written by a stranger. What it may cost is bounded by the constants of
//! `limits`, `decrypt`, `verify` and `certificate`, and a panic of the library is a failed mail, not a dead daemon.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

mod agent;
mod armor;
mod certificate;
mod compose;
mod decrypt;
mod directory;
mod elgamal;
mod generate;
mod head;
mod keyring;
pub mod lifecycle;
mod limits;
mod ocb;
mod parts;
mod policy;
mod secret;
mod sexp;
#[cfg(test)]
mod tests;
mod unlock;
mod verify;

pub use agent::{HeldKey, Inside, Refusal, SecretAgent};
pub use certificate::{MAX_KEPT, merged, read_certificates, read_certificates_within};
pub use compose::usable_for_encryption;
pub use decrypt::{Plaintext, Tries};
pub use directory::directory_name;
pub use generate::{Kind, generate, generate_kind};
pub use head::{first_tag, is_ciphertext};
pub use keyring::{FOR_WANT_OF_BETTER, KeyInfo, KeyProblem, Keyring};
pub use parts::{Held, KeyPart, parts_of_certificate};
pub use secret::{KeyAway, SealError};
pub use verify::{MAX_HASHED, MAX_SIGNATURES, verify_cleartext, verify_detached, verify_message};

/// Runs the library over hostile bytes. `None`: it panicked.
///
/// Nothing that outlives the call is changed by the closures passed in, so there is no
/// half-written state that a panic could leave behind.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// OpenPGP counts seconds from 1970 in 32 bits; an earlier instant is that epoch.
fn system_time(at: DateTime<Utc>) -> SystemTime {
    let seconds = u32::try_from(at.timestamp().max(0)).unwrap_or(u32::MAX);
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds.into())
}
