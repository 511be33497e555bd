//! Decrypting and verifying one mail of 3 kB, beside the library alone.
//!
//! The library gets all that it could wish for: a buffer of the message's size, the keys and the certificate read
//! and checked beforehand, no bounds on what a message may cost. It takes the armour off itself.

use std::hint::black_box;
use std::io::Read;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sequoia_openpgp::crypto::{KeyPair, SessionKey};
use sequoia_openpgp::packet::{PKESK, SKESK};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, KeyHandle, Result};
use triaged::mail::message::{Certificate, SignatureStatus};
use triaged::mail::pgp::{self, Keyring};

use crate::mails;

const MESSAGES: usize = 20;
/// Pairs of batches, ours and the library's in turn, so that a busy machine slows both.
const PAIRS: usize = 101;
const WARM_UP: usize = 5;
const BOUND: f64 = 1.3;
/// As the daemon allows.
const AT_MOST: usize = 128 * 1024 * 1024;
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Prints the ratio; panics where it is above the bound.
pub fn measure() {
    let letters = Letters::new();
    letters.check();
    let mut pairs: Vec<(Duration, Duration)> = (0..WARM_UP + PAIRS)
        .map(|_| (letters.ours(), letters.alone()))
        .collect();
    pairs.drain(..WARM_UP);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / MESSAGES as f64;
    let ours = median(pairs.iter().map(|(ours, _)| each(*ours)));
    let alone = median(pairs.iter().map(|(_, alone)| each(*alone)));
    let ratio = median(pairs.iter().map(|(ours, alone)| each(*ours) / each(*alone)));
    println!("\none mail of 3 kB decrypted and verified (Curve25519, armoured), medians");
    println!("  ours               {ours:6.0} µs");
    println!("  the library alone  {alone:6.0} µs");
    println!("  ratio              {ratio:6.2}");
    assert!(ratio <= BOUND, "{ratio:.2} times the library alone");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

struct Letters {
    armored: Vec<Vec<u8>>,
    plaintext_bytes: usize,
    ours: Keyring,
    known: Vec<Certificate>,
    alone: Alone,
}

impl Letters {
    fn new() -> Self {
        let now = Utc::now();
        let (us, ours) = key("security@example.test", now);
        let (them, theirs) = key("reporter@research.test", now);
        let recipient = &ours.certificates()[0];
        let plaintext = mails::report();
        let seal = |_| {
            theirs
                .encrypt_signed(recipient, &plaintext, now)
                .expect("encrypt")
        };
        Self {
            armored: (0..MESSAGES).map(seal).collect(),
            plaintext_bytes: plaintext.len(),
            known: theirs.certificates().to_vec(),
            alone: Alone::new(&us, &them),
            ours,
        }
    }

    /// Both do the whole work.
    fn check(&self) {
        for armored in &self.armored {
            let opened = self
                .ours
                .decrypt(armored, &self.known, AT_MOST, Utc::now())
                .expect("ours opens it");
            assert_eq!(opened.bytes.len(), self.plaintext_bytes);
            let statuses: Vec<_> = opened.signatures.iter().map(|it| it.status).collect();
            assert_eq!(statuses, [SignatureStatus::Good]);
            let bytes = self.alone.open(armored).expect("the library opens it");
            assert_eq!(bytes, opened.bytes);
        }
    }

    fn ours(&self) -> Duration {
        let began = Instant::now();
        for armored in &self.armored {
            let opened = self.ours.decrypt(armored, &self.known, AT_MOST, Utc::now());
            black_box(opened.is_ok());
        }
        began.elapsed()
    }

    fn alone(&self) -> Duration {
        let began = Instant::now();
        for armored in &self.armored {
            black_box(self.alone.open(armored).is_ok());
        }
        began.elapsed()
    }
}

fn key(address: &str, now: DateTime<Utc>) -> (Cert, Keyring) {
    let made_at = now - chrono::Duration::days(1);
    let key = pgp::generate("Somebody", address, None, YEAR, made_at).expect("a key");
    let cert = Cert::from_bytes(&key).expect("our key");
    let source = (address.to_owned(), key.into_bytes());
    (cert, Keyring::load(&[source], None, address, now).0)
}

/// The library as its documentation shows it.
struct Alone {
    decrypts: Vec<KeyPair>,
    signer: Cert,
    policy: StandardPolicy<'static>,
}

impl Alone {
    fn new(us: &Cert, them: &Cert) -> Self {
        let policy = StandardPolicy::new();
        let keys = us.keys().with_policy(&policy, None).secret();
        let decrypts = keys
            .for_transport_encryption()
            .map(|key| key.key().clone().into_keypair().expect("an open key"))
            .collect();
        let signer = them.clone().strip_secret_key_material();
        // Copies of it then know that its self-signatures are good.
        let usable = signer.with_policy(&policy, None).map(|cert| {
            let keys = cert.keys().alive().revoked(false);
            keys.for_signing().count()
        });
        assert_eq!(usable.expect("a valid certificate"), 1);
        Self {
            decrypts,
            signer,
            policy,
        }
    }

    fn open(&self, armored: &[u8]) -> Result<Vec<u8>> {
        let mut decryptor = DecryptorBuilder::from_bytes(armored)?
            .buffer_size(armored.len())
            .with_policy(&self.policy, None, self)?;
        let mut bytes = Vec::new();
        decryptor.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl VerificationHelper for &Alone {
    fn get_certs(&mut self, _issuers: &[KeyHandle]) -> Result<Vec<Cert>> {
        Ok(vec![self.signer.clone()])
    }

    fn check(&mut self, structure: MessageStructure) -> Result<()> {
        let is_good = structure.into_iter().any(|layer| match layer {
            MessageLayer::SignatureGroup { results } => results.iter().any(|it| it.is_ok()),
            _ => false,
        });
        anyhow::ensure!(is_good, "no good signature");
        Ok(())
    }
}

impl DecryptionHelper for &Alone {
    fn decrypt(
        &mut self,
        public: &[PKESK],
        _passwords: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> Result<Option<Cert>> {
        for packet in public {
            for key in &self.decrypts {
                let found = packet.decrypt(&mut key.clone(), algorithm);
                if found.is_some_and(|(cipher, session)| decrypt(cipher, &session)) {
                    return Ok(None);
                }
            }
        }
        anyhow::bail!("no key fits")
    }
}
