//! A key of every kind that people have.

use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::Features;
use sequoia_openpgp::{Cert, Profile};

use crate::common::Gpg;
use crate::table::NOT_MADE;

pub const PASSPHRASE: &str = "correct horse battery";

/// Ours or theirs, with its secret part.
pub struct Key {
    pub name: String,
    pub email: String,
    /// Upper-case hex.
    pub fingerprint: String,
    /// Without passphrase.
    pub secret: Vec<u8>,
    /// Under [`PASSPHRASE`].
    pub locked: Vec<u8>,
    pub certificate: Vec<u8>,
}

pub struct Kind {
    pub name: &'static str,
    made_by: Maker,
    /// Every program that is asked must get along with it in both directions.
    pub for_everybody: bool,
}

enum Maker {
    /// Lines of GnuPG's parameter file.
    Gnupg(&'static str),
    /// The curves of signing and of encrypting.
    GnupgCurves(&'static str, &'static str),
    /// `false`: it announces no AEAD (RFC 9580, 5.2.3.32), as those that the older programs make.
    Library(CipherSuite, Profile, bool),
}

#[rustfmt::skip]
pub fn kinds() -> Vec<Kind> {
    use Maker::{Gnupg, GnupgCurves, Library};
    let kind = |name, made_by| Kind { name, made_by, for_everybody: false };
    let everybody = |name, made_by| Kind { name, made_by, for_everybody: true };
    vec![
        everybody("RSA 2048", Gnupg(RSA_2048)),
        everybody("RSA 3072", Gnupg(RSA_3072)),
        everybody("RSA 4096", Gnupg(RSA_4096)),
        kind("DSA 2048 and ElGamal 2048", Gnupg(ELGAMAL)),
        everybody("NIST P-256", GnupgCurves("nistp256", "nistp256")),
        everybody("NIST P-384", GnupgCurves("nistp384", "nistp384")),
        everybody("NIST P-521", GnupgCurves("nistp521", "nistp521")),
        kind("Brainpool P256r1", GnupgCurves("brainpoolP256r1", "brainpoolP256r1")),
        kind("Brainpool P384r1", GnupgCurves("brainpoolP384r1", "brainpoolP384r1")),
        kind("Brainpool P512r1", GnupgCurves("brainpoolP512r1", "brainpoolP512r1")),
        kind("secp256k1", GnupgCurves("secp256k1", "secp256k1")),
        everybody("Curve25519", GnupgCurves("ed25519", "cv25519")),
        kind("Curve448, GnuPG's version 5", GnupgCurves("ed448", "cv448")),
        everybody("Curve25519, by sequoia", Library(CipherSuite::Cv25519, Profile::RFC4880, false)),
        kind("Curve25519, version 4 with AEAD", Library(CipherSuite::Cv25519, Profile::RFC4880, true)),
        kind("Curve448, version 4", Library(CipherSuite::Cv448, Profile::RFC4880, true)),
        kind("Curve25519, version 6", Library(CipherSuite::Cv25519, Profile::RFC9580, true)),
        kind("Curve448, version 6", Library(CipherSuite::Cv448, Profile::RFC9580, true)),
        kind("NIST P-384, version 6", Library(CipherSuite::P384, Profile::RFC9580, true)),
        kind("RSA 3072, version 6", Library(CipherSuite::RSA3k, Profile::RFC9580, true)),
    ]
}

const RSA_2048: &str = "Key-Type: RSA\nKey-Length: 2048\nSubkey-Type: RSA\nSubkey-Length: 2048\n\
    Subkey-Usage: encrypt";
const RSA_3072: &str = "Key-Type: RSA\nKey-Length: 3072\nSubkey-Type: RSA\nSubkey-Length: 3072\n\
    Subkey-Usage: encrypt";
const RSA_4096: &str = "Key-Type: RSA\nKey-Length: 4096\nSubkey-Type: RSA\nSubkey-Length: 4096\n\
    Subkey-Usage: encrypt";
const ELGAMAL: &str = "Key-Type: DSA\nKey-Length: 2048\nSubkey-Type: ELG-E\nSubkey-Length: 2048\nSubkey-Usage: encrypt";

impl Kind {
    /// The error says which program cannot make it.
    pub fn make(&self, gpg: &Gpg, email: &str) -> Result<Key, String> {
        let (secret, locked) = match &self.made_by {
            Maker::Gnupg(parameters) => made_by_gpg(gpg, parameters, email),
            Maker::GnupgCurves(signing, encryption) => {
                let known = gpg.run(&["--with-colons", "--list-config", "curve"], b"");
                let known = String::from_utf8_lossy(&known.stdout).into_owned();
                let has = |curve: &str| known.trim().split([':', ';']).any(|it| it == curve);
                if !has(signing) || !has(encryption) {
                    return Err(NOT_MADE.to_owned());
                }
                let algorithm = if signing.starts_with("ed") {
                    "EDDSA"
                } else {
                    "ECDSA"
                };
                let parameters = format!(
                    "Key-Type: {algorithm}\nKey-Curve: {signing}\nKey-Usage: sign,cert\n\
                     Subkey-Type: ECDH\nSubkey-Curve: {encryption}\nSubkey-Usage: encrypt"
                );
                made_by_gpg(gpg, &parameters, email)
            }
            Maker::Library(suite, profile, aead) => {
                made_by_library(*suite, *profile, *aead, email)?
            }
        };
        Ok(self.key(gpg, email, secret, locked))
    }

    fn key(&self, gpg: &Gpg, email: &str, secret: Vec<u8>, locked: Vec<u8>) -> Key {
        // The library does not read GnuPG's version 5, so that GnuPG has to be asked.
        let (fingerprint, certificate) = match self.made_by {
            Maker::Library(..) => {
                let cert = Cert::from_bytes(&secret).expect("a key of our own making");
                let certificate = cert.armored().to_vec().expect("armour");
                (format!("{:X}", cert.fingerprint()), certificate)
            }
            _ => {
                let listed = gpg
                    .run(&["--with-colons", "--list-keys", email], b"")
                    .stdout;
                let listed = String::from_utf8_lossy(&listed).into_owned();
                let line = listed.lines().find_map(|line| line.strip_prefix("fpr:"));
                let fingerprint = line.unwrap_or_default().replace(':', "");
                (fingerprint, gpg.export(email).into_bytes())
            }
        };
        Key {
            name: self.name.to_owned(),
            email: email.to_owned(),
            fingerprint,
            secret,
            locked,
            certificate,
        }
    }
}

fn made_by_gpg(gpg: &Gpg, parameters: &str, email: &str) -> (Vec<u8>, Vec<u8>) {
    let parameters = format!(
        "%no-protection\n{parameters}\nName-Real: Tester\nName-Email: {email}\n\
         Expire-Date: 2y\n%commit\n"
    );
    gpg.run(&["--gen-key"], parameters.as_bytes());
    let secret = gpg.export_secret(email, "");
    let passphrase = ["--pinentry-mode", "loopback", "--passphrase", PASSPHRASE];
    gpg.run(&[&passphrase[..], &["--passwd", email]].concat(), b"");
    let locked = gpg.export_secret(email, PASSPHRASE);
    (secret.into_bytes(), locked.into_bytes())
}

fn made_by_library(
    suite: CipherSuite,
    profile: Profile,
    aead: bool,
    email: &str,
) -> Result<(Vec<u8>, Vec<u8>), String> {
    let features = match aead {
        true => Features::sequoia(),
        false => Features::empty().set_seipdv1(),
    };
    let generate = || {
        let (cert, _) = CertBuilder::general_purpose(Some(email))
            .set_profile(profile)?
            .set_features(features.clone())?
            .set_cipher_suite(suite)
            .generate()?;
        let secret = cert.as_tsk().armored().to_vec()?;
        let mut packets = Vec::new();
        let keys: Vec<_> = cert.keys().secret().map(|key| key.key().clone()).collect();
        for (at, key) in keys.into_iter().enumerate() {
            let key = key.encrypt_secret(&PASSPHRASE.into())?;
            packets.push(match at {
                0 => sequoia_openpgp::Packet::from(key.role_into_primary()),
                _ => key.role_into_subordinate().into(),
            });
        }
        let (locked, _) = cert.insert_packets(packets)?;
        Ok::<_, sequoia_openpgp::anyhow::Error>((secret, locked.as_tsk().armored().to_vec()?))
    };
    generate().map_err(|error| format!("the library cannot make one: {error:#}"))
}
