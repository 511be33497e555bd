//! What becomes of a key file: new expiry, revocation, another passphrase.
//!
//! A file is bytes in, bytes out; writing it is the caller's. What else a file holds (other keys,
//! text around them) stays as it is, and so does the protection of the secret parts. Before
//! anything is returned it is read again, and must hold every secret that the file held.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sequoia_openpgp::cert::{CertParser, CertRevocationBuilder, ValidCert};
use sequoia_openpgp::crypto::{KeyPair, Password};
use sequoia_openpgp::packet::key::{KeyParts, KeyRole, PrimaryRole, SecretParts, SubordinateRole};
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::packet::signature::subpacket::SubpacketTag;
use sequoia_openpgp::packet::{Key, Signature};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::{ReasonForRevocation, RevocationStatus, SignatureType};
use sequoia_openpgp::{Cert, Packet};

use super::armor::{self, Label, armored};
use super::certificate::key_blocks;
use super::keyring::is_stub;
use super::{guarded, policy, system_time, unlock};

/// The bytes of a file with secret keys; wiped when they are dropped.
pub type KeyBytes = Zeroizing<Vec<u8>>;

/// Why a key is revoked (RFC 9580, 5.2.3.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Reason {
    /// Another key takes its place.
    Superseded,
    /// Somebody else may have it: nothing that it ever signed counts any more.
    Compromised,
    /// It is used no more.
    Retired,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::Compromised => "compromised",
            Self::Retired => "retired",
        }
    }

    fn code(self) -> ReasonForRevocation {
        match self {
            Self::Superseded => ReasonForRevocation::KeySuperseded,
            Self::Compromised => ReasonForRevocation::KeyCompromised,
            Self::Retired => ReasonForRevocation::KeyRetired,
        }
    }
}

/// A secret key that came from elsewhere, ready to be written into a file of its own.
pub struct Imported {
    /// Upper-case hex.
    pub fingerprint: String,
    pub user_ids: Vec<String>,
    /// Armoured, protected by the configured passphrase where there is one.
    pub file: KeyBytes,
}

/// The file with a new expiry of this key (upper-case hex): of its primary key, and of every
/// subkey that is not revoked. All of it is signed anew with the hash of today.
pub fn renewed(
    file: &[u8],
    fingerprint: &str,
    passphrase: Option<&SecretString>,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<KeyBytes, String> {
    edited(file, fingerprint, |cert| {
        let signatures = Renewal::of(cert, passphrase, expires_at, now)?.signatures()?;
        let renewed = cert.clone().insert_packets(signatures)?.0;
        let valid = policy::lenient(now);
        let holds = renewed
            .with_policy(&valid, system_time(now + TimeDelta::seconds(2)))?
            .primary_key()
            .key_expiration_time()
            .is_some_and(|at| at == system_time(expires_at));
        anyhow::ensure!(holds, "the new expiry does not take effect");
        Ok(renewed)
    })
}

/// The file with this key (upper-case hex) revoked.
pub fn revoked(
    file: &[u8],
    fingerprint: &str,
    passphrase: Option<&SecretString>,
    (reason, because): (Reason, &str),
    now: DateTime<Utc>,
) -> Result<KeyBytes, String> {
    edited(file, fingerprint, |cert| {
        let mut signer = primary_signer(cert, passphrase)?;
        let revocation = CertRevocationBuilder::new()
            .set_reason_for_revocation(reason.code(), because.as_bytes())?
            .set_signature_creation_time(system_time(after_all(cert, now)?))?
            .build(&mut signer, cert, None)?;
        Ok(cert.clone().insert_packets(vec![revocation])?.0)
    })
}

/// The secret keys in `file`, each by itself, unlocked with one of `passphrases` where it is
/// protected, and protected by `new` where that is given. Empty: there are none.
pub fn imported(
    file: &[u8],
    passphrases: &[&SecretString],
    new: Option<&SecretString>,
) -> Result<Vec<Imported>, String> {
    let import = || -> Result<Vec<Imported>> {
        let mut found = Vec::new();
        for cert in certs(file)? {
            if cert.is_tsk() {
                let cert = protected_anew(&cert, passphrases, new)
                    .with_context(|| format!("key {:X}", cert.fingerprint()))?;
                found.push(Imported {
                    fingerprint: format!("{:X}", cert.fingerprint()),
                    user_ids: cert
                        .userids()
                        .map(|user| String::from_utf8_lossy(user.userid().value()).into_owned())
                        .collect(),
                    file: armored_key(&cert)?,
                });
            }
        }
        Ok(found)
    };
    in_words(guarded(import))
}

/// The armoured key (upper-case hex) with its secret parts, protected as they are in the file.
/// `None`: it is not in the file, or without any.
pub fn exported_secret(file: &[u8], fingerprint: &str) -> Result<Option<KeyBytes>, String> {
    let export = || -> Result<Option<KeyBytes>> {
        let certs = certs(file)?;
        let mut keys = certs.iter().filter(|cert| cert.is_tsk());
        keys.find(|cert| name(cert) == fingerprint)
            .map(armored_key)
            .transpose()
    };
    in_words(guarded(export))
}

/// Is this key (upper-case hex) in the file, with the secret part of its primary key, protected
/// or not? Then this is the file that is changed with it.
pub fn holds_primary(file: &[u8], fingerprint: &str) -> bool {
    let holds = || {
        let certs = certs(file).unwrap_or_default();
        certs.iter().any(|cert| {
            let secret = cert.primary_key().key().clone().parts_into_secret().ok();
            name(cert) == fingerprint && secret.is_some_and(|key| !is_stub(key.secret()))
        })
    };
    guarded(holds).unwrap_or(false)
}

fn in_words<T>(outcome: Option<Result<T>>) -> Result<T, String> {
    match outcome {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(format!("{error:#}")),
        None => Err("the OpenPGP library failed".to_owned()),
    }
}

fn name(cert: &Cert) -> String {
    format!("{:X}", cert.fingerprint())
}

/// All keys and certificates in a file.
fn certs(file: &[u8]) -> Result<Vec<Cert>> {
    let mut certs = Vec::new();
    for block in key_blocks(file) {
        for cert in CertParser::from_bytes(&block)? {
            certs.push(cert?);
        }
    }
    Ok(certs)
}

/// The file with one key changed by `edit`, and everything else as it was.
fn edited(
    file: &[u8],
    fingerprint: &str,
    edit: impl Fn(&Cert) -> Result<Cert>,
) -> Result<KeyBytes, String> {
    let work = || -> Result<KeyBytes> {
        let mut text = Zeroizing::new(Vec::new());
        let mut found = false;
        for piece in pieces(file) {
            let mut certs = certs(piece).unwrap_or_default();
            let Some(cert) = certs
                .iter_mut()
                .find(|cert| !found && cert.is_tsk() && name(cert) == fingerprint)
            else {
                text.extend_from_slice(piece);
                continue;
            };
            *cert = edit(cert)?;
            found = true;
            text.extend_from_slice(&written(&certs, armor::is_binary(piece))?);
        }
        anyhow::ensure!(
            found,
            "the key is not in it, or not in a shape that can be rewritten"
        );
        keeps_all(file, &text)?;
        Ok(text)
    };
    in_words(guarded(work))
}

/// Armoured blocks, and what stands between them; a binary file is one piece.
fn pieces(file: &[u8]) -> Vec<&[u8]> {
    if armor::is_binary(file) {
        return vec![file];
    }
    let mut pieces = Vec::new();
    let mut rest = file;
    let mut length = 0;
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        let begins = line.starts_with(b"-----BEGIN PGP ");
        let ends = line.starts_with(b"-----END PGP ");
        if !begins {
            length += line.len();
        }
        if begins || ends {
            if let Some((piece, behind)) = rest.split_at_checked(length) {
                pieces.push(piece);
                rest = behind;
            }
            length = if begins { line.len() } else { 0 };
        }
    }
    pieces.push(rest);
    pieces
}

fn written(certs: &[Cert], binary: bool) -> Result<KeyBytes> {
    let mut packets = Zeroizing::new(Vec::new());
    for cert in certs {
        packets.extend_from_slice(&Zeroizing::new(cert.as_tsk().to_vec()?));
    }
    match binary {
        true => Ok(packets),
        false => Ok(Zeroizing::new(
            armored(Label::PrivateKey, &packets)?.into_bytes(),
        )),
    }
}

fn armored_key(cert: &Cert) -> Result<KeyBytes> {
    written(std::slice::from_ref(cert), false)
}

/// Every key with its secret part, as it was protected, is in the new file too.
fn keeps_all(old: &[u8], new: &[u8]) -> Result<()> {
    let (old, new) = (certs(old)?, certs(new)?);
    for cert in &old {
        let same = new.iter().find(|it| it.fingerprint() == cert.fingerprint());
        let same = same.ok_or_else(|| anyhow!("key {} would be lost", name(cert)))?;
        for key in cert.keys() {
            let handle = key.key().fingerprint();
            let kept = same
                .keys()
                .key_handle(handle.clone())
                .any(|it| it.key().optional_secret() == key.key().optional_secret());
            anyhow::ensure!(kept, "the secret part of {handle:X} would be lost");
        }
    }
    Ok(())
}

/// When a new self-signature is dated: behind all that there are, as the newest counts.
fn after_all(cert: &Cert, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let users = cert
        .userids()
        .flat_map(|user| user.self_signatures().collect::<Vec<_>>());
    let keys = cert
        .keys()
        .flat_map(|key| key.self_signatures().collect::<Vec<_>>());
    let newest = users
        .chain(keys)
        .filter_map(|it| it.signature_creation_time());
    let Some(newest) = newest.max().map(DateTime::<Utc>::from) else {
        return Ok(now);
    };
    anyhow::ensure!(
        newest <= now + TimeDelta::days(1),
        "its newest self-signature is of {newest}, which is to come; is the clock right?"
    );
    Ok(now.max(newest + TimeDelta::seconds(1)))
}

fn primary_signer(cert: &Cert, passphrase: Option<&SecretString>) -> Result<KeyPair> {
    signer(cert.primary_key().key(), passphrase).context(
        "the primary key is needed for this; where it is elsewhere (a card, another machine), \
         do it there, and put the new export into this file",
    )
}

fn signer<P: KeyParts, R: KeyRole>(
    key: &Key<P, R>,
    passphrase: Option<&SecretString>,
) -> Result<KeyPair> {
    let key = key
        .clone()
        .parts_into_secret()
        .context("no secret part in this file")?;
    unlocked(&key, passphrase.as_slice())?
        .role_into_unspecified()
        .into_keypair()
}

/// With the first passphrase that fits.
fn unlocked<R: KeyRole>(
    key: &Key<SecretParts, R>,
    passphrases: &[&SecretString],
) -> Result<Key<SecretParts, R>> {
    if !key.secret().is_encrypted() {
        return Ok(key.clone());
    }
    if is_stub(key.secret()) {
        bail!("the secret part is not in this file");
    }
    passphrases
        .iter()
        .map(|secret| Password::from(secret.expose_secret()))
        .find_map(|password| unlock::unlocked(key.clone(), &password).ok())
        .context(match passphrases {
            [] => "it is protected by a passphrase, and none is known",
            _ => "it is protected by another passphrase",
        })
}

fn protected_anew(
    cert: &Cert,
    passphrases: &[&SecretString],
    new: Option<&SecretString>,
) -> Result<Cert> {
    let password = new.map(|secret| Password::from(secret.expose_secret()));
    let mut packets: Vec<Packet> = Vec::new();
    if let Ok(key) = cert.primary_key().key().clone().parts_into_secret()
        && !is_stub(key.secret())
    {
        let key: Key<SecretParts, PrimaryRole> = unlocked(&key, passphrases)?;
        packets.push(protected(key, password.as_ref())?.into());
    }
    for subkey in cert.keys().subkeys() {
        if let Ok(key) = subkey.key().clone().parts_into_secret()
            && !is_stub(key.secret())
        {
            let key: Key<SecretParts, SubordinateRole> = unlocked(&key, passphrases)?;
            packets.push(protected(key, password.as_ref())?.into());
        }
    }
    Ok(cert.clone().insert_packets(packets)?.0)
}

fn protected<R: KeyRole>(
    key: Key<SecretParts, R>,
    password: Option<&Password>,
) -> Result<Key<SecretParts, R>> {
    match password {
        Some(password) => key.encrypt_secret(password),
        None => Ok(key),
    }
}

/// A new expiry for all of a key.
struct Renewal<'a> {
    cert: &'a Cert,
    passphrase: Option<&'a SecretString>,
    primary: KeyPair,
    expires_at: SystemTime,
    /// Date of the new signatures.
    at: SystemTime,
    now: DateTime<Utc>,
}

impl<'a> Renewal<'a> {
    fn of(
        cert: &'a Cert,
        passphrase: Option<&'a SecretString>,
        expires_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        Ok(Self {
            primary: primary_signer(cert, passphrase)?,
            at: system_time(after_all(cert, now)?),
            expires_at: system_time(expires_at),
            cert,
            passphrase,
            now,
        })
    }

    fn signatures(mut self) -> Result<Vec<Signature>> {
        let policy = policy::lenient(self.now);
        let cert = self.cert.with_policy(&policy, system_time(self.now))?;
        anyhow::ensure!(
            !matches!(cert.revocation_status(), RevocationStatus::Revoked(_)),
            "it is revoked, and that is for ever; make a new key: triaged key generate"
        );
        let mut signatures = self.of_primary(&cert)?;
        signatures.extend(self.of_subkeys(&cert)?);
        Ok(signatures)
    }

    /// A direct-key signature where there is one, and one for each user ID.
    fn of_primary(&mut self, cert: &ValidCert) -> Result<Vec<Signature>> {
        let key = cert.primary_key();
        let period = self.period(key.key())?;
        let mut signatures = Vec::new();
        if let Ok(old) = cert.direct_key_signature() {
            let new = self.template(old, period)?;
            signatures.push(new.sign_direct_key(&mut self.primary, key.key())?);
        }
        let main = cert.primary_userid().ok();
        for user in cert.userids().revoked(false) {
            let is_main = main.as_ref().is_some_and(|it| it.userid() == user.userid());
            let new = self
                .template(user.binding_signature(), period)?
                .set_primary_userid(is_main)?;
            signatures.push(new.sign_userid_binding(
                &mut self.primary,
                key.key(),
                user.userid(),
            )?);
        }
        Ok(signatures)
    }

    fn of_subkeys(&mut self, cert: &ValidCert) -> Result<Vec<Signature>> {
        let primary = cert.primary_key().key().clone();
        let mut signatures = Vec::new();
        for subkey in cert.keys().subkeys().revoked(false) {
            let key = subkey.key();
            let period = self.period(key)?;
            let mut new = self.template(subkey.binding_signature(), period)?;
            let consents =
                subkey.for_signing() || subkey.for_certification() || subkey.for_authentication();
            if consents {
                let mut own = signer(key, self.passphrase)
                    .with_context(|| format!("subkey {:X} must sign too", key.fingerprint()))?;
                let back = SignatureBuilder::new(SignatureType::PrimaryKeyBinding)
                    .set_signature_creation_time(self.at)?
                    .sign_primary_key_binding(&mut own, &primary, key)?;
                new.unhashed_area_mut()
                    .remove_all(SubpacketTag::EmbeddedSignature);
                new = new.set_embedded_signature(back)?;
            }
            signatures.push(new.sign_subkey_binding(&mut self.primary, &primary, key)?);
        }
        Ok(signatures)
    }

    /// As the old one, with today's hash.
    fn template(&self, old: &Signature, period: Duration) -> Result<SignatureBuilder> {
        SignatureBuilder::from(old.clone())
            .set_signature_creation_time(self.at)?
            .set_key_validity_period(period)
    }

    /// The expiry is counted from the creation of each key.
    fn period<P: KeyParts, R: KeyRole>(&self, key: &Key<P, R>) -> Result<Duration> {
        self.expires_at
            .duration_since(key.creation_time())
            .ok()
            .filter(|period| !period.is_zero())
            .with_context(|| format!("key {:X} is younger than that", key.fingerprint()))
    }
}

#[cfg(test)]
mod tests;
