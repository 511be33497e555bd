//! Messages cut short and changed at every 64th byte: what is shown is all that was written, or
//! nothing of it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::serialize::stream::{
    Compressor, Encryptor, LiteralWriter, Message as Writer, Recipient, Signer,
};
use sequoia_openpgp::types::{AEADAlgorithm, CompressionAlgorithm, Features, SymmetricAlgorithm};
use sequoia_openpgp::{Cert, Profile};
use triaged::mail::message::{Failure, Message};
use triaged::mail::open::{Limits, Opening, open};
use triaged::mail::pgp::Keyring;

use crate::packets::{encrypted_part, mail, message};

pub const MARKERS: [&str; 3] = ["zanzibar-one", "zanzibar-two", "zanzibar-three"];

/// Long enough for several chunks and parts, with a word at its head, in its middle and at its end.
pub fn text() -> Vec<u8> {
    let filler = "The admin page opens without a password.\r\n".repeat(20);
    format!(
        "Content-Type: text/plain\r\n\r\n{}\r\n{filler}{}\r\n{filler}{}\r\n",
        MARKERS[0], MARKERS[1], MARKERS[2]
    )
    .into_bytes()
}

/// How a message was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kind {
    pub rsa: bool,
    pub version_6: bool,
    pub aead: Option<AEADAlgorithm>,
    pub compression: Option<CompressionAlgorithm>,
    pub signed: bool,
    pub hidden: bool,
}

impl Kind {
    /// Nothing but the first chunk says that a session key fits where nobody is named.
    fn is_told_by_its_first_chunk(self) -> bool {
        self.hidden && self.aead.is_some()
    }

    /// May this be said of one whose encrypted data was changed?
    ///
    /// What version 1 decrypts to is taken apart while it comes, before the check at its end; such
    /// nonsense may have any shape.
    fn fails_with(self, failure: Failure) -> bool {
        match failure {
            Failure::Modified | Failure::Damaged => true,
            Failure::Malformed | Failure::TooLarge | Failure::Unsupported => self.aead.is_none(),
            Failure::NoKeyFits => self.is_told_by_its_first_chunk(),
            _ => false,
        }
    }

    fn fails_when_cut(self, failure: Failure) -> bool {
        failure == Failure::Damaged
            || failure == Failure::NoKeyFits && self.is_told_by_its_first_chunk()
    }
}

pub const KINDS: [Kind; 9] = {
    let plain = Kind {
        rsa: false,
        version_6: false,
        aead: None,
        compression: None,
        signed: false,
        hidden: false,
    };
    [
        plain,
        Kind { rsa: true, ..plain },
        Kind {
            signed: true,
            ..plain
        },
        Kind {
            hidden: true,
            ..plain
        },
        Kind {
            compression: Some(CompressionAlgorithm::Zip),
            signed: true,
            ..plain
        },
        Kind {
            compression: Some(CompressionAlgorithm::BZip2),
            ..plain
        },
        Kind {
            aead: Some(AEADAlgorithm::OCB),
            signed: true,
            ..plain
        },
        Kind {
            aead: Some(AEADAlgorithm::GCM),
            compression: Some(CompressionAlgorithm::Zlib),
            ..plain
        },
        Kind {
            aead: Some(AEADAlgorithm::OCB),
            version_6: true,
            hidden: true,
            ..plain
        },
    ]
};

pub struct Desk {
    keyring: Keyring,
    pub packets: Vec<u8>,
    now: DateTime<Utc>,
}

impl Desk {
    pub fn new(kind: Kind) -> Self {
        let cert = certificate(kind);
        let packets = written(kind, &cert);
        let key = cert.as_tsk().to_vec().expect("a key");
        let sources = [("key".to_owned(), key)];
        let now = Utc::now();
        let (keyring, problems) = Keyring::load(&sources, None, "security@example.test", now);
        assert!(!keyring.is_empty(), "{problems:?}");
        let desk = Self {
            keyring,
            packets,
            now,
        };
        assert_eq!(
            desk.keyring
                .decrypt(&desk.packets, &[], 1_000_000, now)
                .map(|it| it.bytes),
            Ok(text())
        );
        desk
    }

    /// The plaintext of packets or armour, or why there is none.
    pub fn decrypted(&self, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let opened = self.keyring.decrypt(message, &[], 1_000_000, self.now);
        opened.map(|opened| opened.bytes)
    }

    pub fn read(&self, raw: &[u8]) -> Message {
        let context = Opening {
            keyring: Some(&self.keyring),
            known: &[],
            limits: Limits::default(),
        };
        open(raw, &context, self.now)
    }
}

fn certificate(kind: Kind) -> Cert {
    let features = match kind.aead {
        Some(_) => Features::empty().set_seipdv1().set_seipdv2(),
        None => Features::empty().set_seipdv1(),
    };
    let profile = if kind.version_6 {
        Profile::RFC9580
    } else {
        Profile::RFC4880
    };
    let suite = if kind.rsa {
        CipherSuite::RSA2k
    } else {
        CipherSuite::Cv25519
    };
    let (cert, _) = CertBuilder::new()
        .set_profile(profile)
        .expect("a profile")
        .set_cipher_suite(suite)
        .set_features(features)
        .expect("features")
        .add_userid("Security <security@example.test>")
        .add_signing_subkey()
        .add_transport_encryption_subkey()
        .generate()
        .expect("a certificate");
    cert
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the bytes").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn written(kind: Kind, cert: &Cert) -> Vec<u8> {
    let policy = StandardPolicy::new();
    let kept = Kept::default();
    let keys = cert
        .keys()
        .with_policy(&policy, None)
        .for_transport_encryption();
    let recipients = keys.map(|key| {
        let recipient = Recipient::from(key);
        match kind.hidden {
            true => recipient.set_key_handle(None).expect("a hidden recipient"),
            false => recipient,
        }
    });
    let encryptor = Encryptor::for_recipients(Writer::new(kept.clone()), recipients)
        .symmetric_algo(SymmetricAlgorithm::AES256);
    let encryptor = match kind.aead {
        Some(algorithm) => encryptor.aead_algo(algorithm),
        None => encryptor,
    };
    let mut message = encryptor.build().expect("encryption");
    if let Some(algorithm) = kind.compression {
        message = Compressor::new(message)
            .algo(algorithm)
            .build()
            .expect("compression");
    }
    if kind.signed {
        let keys = cert.keys().with_policy(&policy, None).secret();
        let key = keys.for_signing().next().expect("a key").key().clone();
        let signer = Signer::new(message, key.into_keypair().expect("a key pair"));
        message = signer.expect("a signer").build().expect("signing");
    }
    let mut literal = LiteralWriter::new(message).build().expect("a literal");
    literal.write_all(&text()).expect("writing");
    literal.finalize().expect("the end");
    let bytes = kept.0.lock().expect("the bytes");
    bytes.clone()
}

/// What became of the changed messages of one kind.
#[derive(Default)]
struct Outcomes(BTreeMap<&'static str, usize>);

impl Outcomes {
    fn note(&mut self, outcome: &'static str) {
        *self.0.entry(outcome).or_default() += 1;
    }
}

/// The length of the head of a message: what comes before the encrypted data.
fn data_starts_at(packets: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let (tag, length, header) = match packets[at] {
            octet @ 0xc0.. => match packets[at + 1] {
                length @ 0..192 => (octet & 0x3f, usize::from(length), 2),
                first @ 192..224 => {
                    let length = (usize::from(first) - 192) * 256 + usize::from(packets[at + 2]);
                    (octet & 0x3f, length + 192, 3)
                }
                _ => (octet & 0x3f, 0, 6),
            },
            octet => panic!("{octet:x}"),
        };
        if tag == 18 {
            return at;
        }
        at += header + length;
    }
}

#[test]
fn changed_and_cut_packets() {
    for kind in KINDS {
        let desk = Desk::new(kind);
        let whole = &desk.packets;
        let data = data_starts_at(whole);
        let mut outcomes = Outcomes::default();
        for position in
            (0..whole.len())
                .step_by(64)
                .chain([data + 2, data + 6, data + 16, whole.len() - 1])
        {
            for bit in [0, 3, 7] {
                let mut changed = whole.clone();
                changed[position] ^= 1 << bit;
                let what = format!("{kind:?}, bit {bit} of {position}");
                match desk.decrypted(&changed) {
                    Ok(bytes) => {
                        assert_eq!(bytes, text(), "{what}");
                        assert!(
                            position < data,
                            "{what}: in what is under the integrity check"
                        );
                        outcomes.note("read");
                    }
                    Err(failure) => {
                        outcomes.note(failure.as_str());
                        assert!(
                            position <= data + 32 || kind.fails_with(failure),
                            "{what}: {failure:?}"
                        );
                    }
                }
            }
            let failure = desk.decrypted(&whole[..position]).err();
            let what = format!("{kind:?}, cut at {position}");
            let failure = failure.unwrap_or_else(|| panic!("{what}: was read"));
            assert!(
                position <= data + 32 || kind.fails_when_cut(failure),
                "{what}: {failure:?}"
            );
        }
        println!("{kind:?}: {:?}", outcomes.0);
        let all: usize = outcomes.0.values().sum();
        let usual = if kind.is_told_by_its_first_chunk() {
            "no_key_fits"
        } else {
            "modified"
        };
        assert!(outcomes.0[usual] * 2 > all, "{kind:?}");
    }
}

#[test]
fn changed_and_cut_armour() {
    for kind in KINDS {
        let desk = Desk::new(kind);
        let armor = message(&desk.packets).into_bytes();
        let mut outcomes = Outcomes::default();
        for position in (0..armor.len()).step_by(64) {
            let mut changed = armor.clone();
            changed[position] ^= 1;
            let what = format!("{kind:?}, changed at {position}");
            match desk.decrypted(&changed) {
                Ok(bytes) => {
                    assert_eq!(bytes, text(), "{what}");
                    outcomes.note("read");
                }
                Err(failure) => outcomes.note(failure.as_str()),
            }
            match desk.decrypted(&armor[..position]) {
                Ok(bytes) => assert_eq!(bytes, text(), "{kind:?}, cut at {position}"),
                Err(failure) => {
                    let what = format!("{kind:?}, cut at {position}: {failure:?}");
                    assert!(position < 1_200 || kind.fails_when_cut(failure), "{what}");
                }
            }
        }
        println!("{kind:?}: {:?}", outcomes.0);
        assert!(outcomes.0.len() > 1, "{kind:?}");
    }
}

#[test]
fn changed_and_cut_mails() {
    for kind in KINDS {
        let desk = Desk::new(kind);
        let whole = mail(&encrypted_part(&message(&desk.packets)));
        let clean = desk.read(&whole);
        assert_eq!(clean.text, clean_text());
        let mut outcomes = Outcomes::default();
        for position in (0..whole.len()).step_by(64) {
            let mut changed = whole.clone();
            changed[position] ^= 1;
            let variants = [changed, whole[..position].to_vec()];
            for variant in variants {
                let read = desk.read(&variant);
                let what = format!("{kind:?} at {position}: {:?}", read.openpgp.failure);
                if shows_any(&read) {
                    assert!(shows_all(&read), "{what}");
                    outcomes.note("read");
                } else {
                    assert!(!read.openpgp.decrypted, "{what}");
                    let class = read
                        .openpgp
                        .failure
                        .map_or("no ciphertext", Failure::as_str);
                    outcomes.note(class);
                }
                let broke = read
                    .problems
                    .iter()
                    .any(|problem| problem.0.contains("broke"));
                assert!(!broke, "{what}: {:?}", read.problems);
            }
        }
        println!("{kind:?}: {:?}", outcomes.0);
        assert!(outcomes.0.contains_key("damaged"), "{kind:?}");
    }
}

/// All of the plaintext in one piece; around it may stand what was in clear.
pub fn shows_all(read: &Message) -> bool {
    read.text.contains(&clean_text())
}

fn clean_text() -> String {
    let text = String::from_utf8(text()).expect("UTF-8");
    let (_, body) = text.split_once("\r\n\r\n").expect("a header");
    body.replace("\r\n", "\n")
}

/// Any of the plaintext, in any field.
pub fn shows_any(read: &Message) -> bool {
    let everything = format!("{read:?}");
    everything.contains("admin page") || MARKERS.iter().any(|marker| everything.contains(marker))
}
