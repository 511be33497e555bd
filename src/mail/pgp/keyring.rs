//! Our secret keys: loading, listing, offering.
//!
//! Whatever can decrypt does, however old, expired or revoked the key is: the sender cannot
//! know, and the report must be read. What is signed and offered to others is the first key
//! that is good by today's standard.

use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, Utc};
use secrecy::{ExposeSecret, SecretString};
use sequoia_openpgp::cert::amalgamation::key::{PrimaryKey, ValidKeyAmalgamationIter};
use sequoia_openpgp::cert::{CertParser, ValidCert};
use sequoia_openpgp::crypto::{KeyPair, Password, S2K, mpi};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, SecretKeyMaterial, SecretParts, UnspecifiedRole};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::{KeyFlags, PublicKeyAlgorithm, RevocationStatus};
use sequoia_openpgp::{Cert, Error, Fingerprint};

use super::agent::{AgentKey, HeldKey, SecretAgent};
use super::armor::{Label, armored};
use super::certificate::{certificate, email, key_blocks, minimal};
use super::parts::{Held, KeyPart, parts};
use super::secret::{KeyAway, SecretKey};
use super::unlock::unlocked;
use super::{guarded, policy, system_time};
use crate::mail::message::{Certificate, address_key};

/// Shorter ones of RSA, DSA and ElGamal can be broken with much money.
const WEAK_BELOW_BITS: usize = 2_048;

/// What is to be done about a key that is old. It opens mail all the same.
/// Of the current key, where none is good.
pub const FOR_WANT_OF_BETTER: &str = "is the current key for want of a better one";
const NEW_KEY: &str = "make a new one with `triaged key generate`, this one still decrypts";
const HELD_BY_SHA1: &str = "is held together by SHA-1 signatures or a short key, which programs of today refuse; \
     make a new one with `triaged key generate`, this one still decrypts";

/// Our secret keys, unlocked. The first that is valid is current; all of them decrypt.
pub struct Keyring {
    keys: Arc<Vec<OwnKey>>,
    /// Index of the current key.
    current: usize,
    /// All that we have, as values; made once.
    own: OnceLock<Vec<Certificate>>,
    /// What every letter carries, made once: the certificate, and the Autocrypt value for one address.
    certificate: OnceLock<String>,
    autocrypt: OnceLock<(String, String)>,
}

/// One of our certificates and what was unlocked of it.
struct OwnKey {
    origin: String,
    /// Without secret parts.
    cert: Cert,
    secrets: Vec<SecretKey>,
    /// Offered only for want of a better one.
    retired: bool,
}

/// What is odd about a configured key; a warning of `check`, unless no key is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyProblem {
    /// File or credential that it came from.
    pub origin: String,
    /// Upper-case hex; `None` where no key could be read.
    pub fingerprint: Option<String>,
    pub what: String,
    /// This key cannot be used at all.
    pub fatal: bool,
}

/// A key of ours as `triaged key list` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    pub origin: String,
    /// Upper-case hex.
    pub fingerprint: String,
    pub user_ids: Vec<String>,
    /// It signs, and is offered to others.
    pub current: bool,
    /// It still decrypts, and is offered no more.
    pub retired: bool,
    pub revoked: bool,
    /// The primary key first.
    pub parts: Vec<KeyPart>,
}

impl Keyring {
    /// `sources`: origin and bytes of each file, armoured or binary, one or several keys each.
    /// Returns every key that can be used, and what is odd about the others.
    pub fn load(
        sources: &[(String, Vec<u8>)],
        passphrase: Option<&SecretString>,
        address: &str,
        now: DateTime<Utc>,
    ) -> (Self, Vec<KeyProblem>) {
        Self::load_with(sources, passphrase, None, address, now)
    }

    /// The same; secret parts that the sources lack are looked for in the agent. An error where it
    /// cannot be asked: who took it for empty would call mail unreadable that is not.
    pub fn load_with_agent(
        sources: &[(String, Vec<u8>)],
        passphrase: Option<&SecretString>,
        agent: Arc<dyn SecretAgent>,
        address: &str,
        now: DateTime<Utc>,
    ) -> Result<(Self, Vec<KeyProblem>), KeyAway> {
        let held = agent.keys()?;
        let agent = Some((agent, held));
        Ok(Self::load_with(sources, passphrase, agent, address, now))
    }

    fn load_with(
        sources: &[(String, Vec<u8>)],
        passphrase: Option<&SecretString>,
        agent: Option<(Arc<dyn SecretAgent>, Vec<HeldKey>)>,
        address: &str,
        now: DateTime<Utc>,
    ) -> (Self, Vec<KeyProblem>) {
        let password = passphrase.map(|secret| Password::from(secret.expose_secret()));
        let mut loading = Loading {
            password,
            agent,
            address: address_key(address),
            now,
            keys: Vec::new(),
            problems: Vec::new(),
        };
        for (origin, bytes) in sources {
            loading.file(origin, bytes);
        }
        loading.finish()
    }

    fn of(keys: Arc<Vec<OwnKey>>, now: DateTime<Utc>) -> Self {
        Self {
            current: choose(&keys, now),
            keys,
            own: OnceLock::new(),
            certificate: OnceLock::new(),
            autocrypt: OnceLock::new(),
        }
    }

    /// The same keys, of which these (upper-case hex) are offered no more: they decrypt, and the
    /// first of the others that is good is current.
    pub fn retiring(self, retired: &[String], now: DateTime<Utc>) -> Self {
        let mut keys = self.keys;
        if let Some(keys) = Arc::get_mut(&mut keys) {
            for key in keys {
                key.retired = retired.contains(&key.name());
            }
        }
        Self::of(keys, now)
    }

    /// The same keys with another current one, where time has changed which that is: the current
    /// one expired, or one before it became valid.
    pub fn as_of(&self, now: DateTime<Utc>) -> Option<Self> {
        let keys = Arc::clone(&self.keys);
        (choose(&keys, now) != self.current).then(|| Self::of(keys, now))
    }

    /// Fingerprints of the keys that could be offered: good by today's standard, and not retired.
    pub fn good(&self, now: DateTime<Utc>) -> Vec<String> {
        let good = |key: &&OwnKey| !key.retired && key.is_good(now);
        self.keys.iter().filter(good).map(OwnKey::name).collect()
    }

    /// Is any of them good by today's standard, retired or not?
    pub fn has_good(&self, now: DateTime<Utc>) -> bool {
        self.keys.iter().any(|key| key.is_good(now))
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Of the current key: upper-case hex, without spaces. Empty where there is none.
    pub fn fingerprint(&self) -> String {
        let current = self.current().map(|key| key.name());
        current.unwrap_or_default()
    }

    /// Our certificates, whether current or not.
    pub fn certificates(&self) -> &[Certificate] {
        let make = || {
            let certificates = self.keys.iter();
            certificates
                .filter_map(|key| certificate(&key.cert))
                .collect()
        };
        self.own.get_or_init(make)
    }

    /// The current key's certificate, minimal and armoured, as `application/pgp-keys`.
    pub fn certificate(&self) -> String {
        let make = || {
            self.current()
                .and_then(|key| minimal(&key.cert, |_| true).ok())
                .and_then(|packets| armored(Label::PublicKey, &packets).ok())
                .unwrap_or_default()
        };
        self.certificate.get_or_init(make).clone()
    }

    /// The certificate of any key of ours (upper-case hex), minimal and armoured.
    pub fn armored(&self, fingerprint: &str) -> Option<String> {
        let key = self.keys.iter().find(|key| key.name() == fingerprint)?;
        let packets = minimal(&key.cert, |_| true).ok()?;
        armored(Label::PublicKey, &packets).ok()
    }

    /// Value of an Autocrypt header field for `address`, a space every 70 characters of key
    /// data. Empty where there is no key.
    pub fn autocrypt(&self, address: &str) -> String {
        let make = || (address.to_owned(), self.autocrypt_value(address));
        let (made_for, value) = self.autocrypt.get_or_init(make);
        match made_for == address {
            true => value.clone(),
            false => self.autocrypt_value(address),
        }
    }

    fn autocrypt_value(&self, address: &str) -> String {
        let Some(current) = self.current() else {
            return String::new();
        };
        let wanted = address_key(address);
        let users = || current.cert.userids();
        let has_address = users().any(|user| email(user.userid()).is_some_and(|it| it == wanted));
        let packets = minimal(&current.cert, |user| {
            !has_address || email(user).is_some_and(|it| it == wanted)
        });
        let Ok(packets) = packets else {
            return String::new();
        };
        let mut value = format!("addr={}; prefer-encrypt=mutual; keydata=", address.trim());
        for (position, letter) in STANDARD.encode(packets).chars().enumerate() {
            if position % 70 == 0 {
                value.push(' ');
            }
            value.push(letter);
        }
        value
    }

    /// All keys, with the expiry of each part as of `now`.
    pub fn keys(&self, now: DateTime<Utc>) -> Vec<KeyInfo> {
        let keys = self.keys.iter().enumerate();
        keys.map(|(index, key)| key.info(index == self.current, now))
            .collect()
    }

    /// Secret keys that decrypt.
    pub(super) fn decryption_keys(&self) -> impl Iterator<Item = &SecretKey> {
        let secrets = self.keys.iter().flat_map(|key| &key.secrets);
        secrets.filter(|secret| encrypts(secret.public().pk_algo()))
    }

    /// Of our certificates, whether current or not.
    pub(super) fn own_fingerprints(&self) -> Vec<Fingerprint> {
        self.keys.iter().map(|key| key.cert.fingerprint()).collect()
    }

    /// The secret key that signs. An old or expired one rather than none: the reader then at
    /// least sees whose it is, and `check` has told us.
    pub(super) fn signer(&self, now: DateTime<Utc>) -> Result<SecretKey, String> {
        let current = self.current().ok_or("there is no key of ours")?;
        current
            .signer(&policy::current(now), true, now)
            .or_else(|| current.signer(&policy::lenient(now), false, now))
            .ok_or_else(|| format!("our key {} has no secret key that signs", current.name()))
    }

    fn current(&self) -> Option<&OwnKey> {
        self.keys.get(self.current)
    }
}

/// Fingerprints alone.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.keys.iter().map(OwnKey::name))
            .finish()
    }
}

impl OwnKey {
    fn name(&self) -> String {
        format!("{:X}", self.cert.fingerprint())
    }

    fn secret(&self, fingerprint: &Fingerprint) -> Option<&SecretKey> {
        let mut secrets = self.secrets.iter();
        secrets.find(|secret| secret.public().fingerprint() == *fingerprint)
    }

    fn signer(
        &self,
        policy: &StandardPolicy,
        alive: bool,
        now: DateTime<Utc>,
    ) -> Option<SecretKey> {
        let cert = self.cert.with_policy(policy, system_time(now)).ok()?;
        let keys = cert.keys().supported().for_signing();
        let keys: Vec<_> = if alive {
            keys.alive().revoked(false).collect()
        } else {
            keys.collect()
        };
        keys.iter()
            .find_map(|key| self.secret(&key.key().fingerprint()))
            .cloned()
    }

    /// Good by today's standard: it can be offered, and signs.
    fn is_good(&self, now: DateTime<Utc>) -> bool {
        let policy = policy::current(now);
        let cert = self.cert.with_policy(&policy, system_time(now));
        cert.is_ok_and(|cert| {
            cert.alive().is_ok()
                && !is_revoked(&cert)
                && offers_encryption(&cert)
                && self.signer(&policy, true, now).is_some()
        })
    }

    fn held(&self, part: &Fingerprint) -> Held {
        match self.secret(part) {
            None => Held::Nowhere,
            Some(secret) if secret.is_in_agent() => Held::InAgent,
            Some(_) => Held::Here,
        }
    }

    fn info(&self, current: bool, now: DateTime<Utc>) -> KeyInfo {
        let policy = policy::lenient(now);
        let valid = self.cert.with_policy(&policy, system_time(now)).ok();
        KeyInfo {
            origin: self.origin.clone(),
            fingerprint: self.name(),
            user_ids: self
                .cert
                .userids()
                .map(|user| String::from_utf8_lossy(user.userid().value()).into_owned())
                .collect(),
            current,
            retired: self.retired,
            revoked: valid.as_ref().is_some_and(is_revoked),
            parts: parts(&self.cert, now, |part| self.held(part)),
        }
    }
}

/// The files being read, and what was found so far.
struct Loading {
    password: Option<Password>,
    /// And the keys that it holds.
    agent: Option<(Arc<dyn SecretAgent>, Vec<HeldKey>)>,
    /// Lower case.
    address: String,
    now: DateTime<Utc>,
    keys: Vec<OwnKey>,
    problems: Vec<KeyProblem>,
}

impl Loading {
    fn file(&mut self, origin: &str, bytes: &[u8]) {
        let mut certs = Vec::new();
        for block in key_blocks(bytes) {
            let parsed =
                guarded(|| CertParser::from_bytes(&block).map(Iterator::collect::<Vec<_>>));
            match parsed {
                Some(Ok(parsed)) => certs.extend(parsed),
                Some(Err(error)) => certs.push(Err(error)),
                None => certs.push(Err(anyhow::anyhow!("the OpenPGP library failed"))),
            }
        }
        if certs.is_empty() {
            self.problem(origin, None, "holds no OpenPGP key", true);
        }
        for cert in certs {
            match cert {
                Ok(cert) => self.cert(origin, cert),
                Err(error) => {
                    self.problem(origin, None, &format!("cannot be read: {error:#}"), true);
                }
            }
        }
    }

    fn cert(&mut self, origin: &str, cert: Cert) {
        let (secrets, mut oddities) = self.unlock(&cert);
        let key = OwnKey {
            origin: origin.to_owned(),
            cert: cert.strip_secret_key_material(),
            secrets,
            retired: false,
        };
        let fatal = key.secrets.is_empty();
        if !fatal {
            oddities.extend(self.judge(&key));
        }
        for what in oddities {
            self.problem(origin, Some(&key.cert), &what, fatal);
        }
        if !fatal {
            self.add(key);
        }
    }

    /// One key may be spread over several files.
    fn add(&mut self, key: OwnKey) {
        let fingerprint = key.cert.fingerprint();
        let same = |known: &&mut OwnKey| known.cert.fingerprint() == fingerprint;
        let Some(known) = self.keys.iter_mut().find(same) else {
            self.keys.push(key);
            return;
        };
        if let Ok(merged) = known.cert.clone().merge_public(key.cert) {
            known.cert = merged;
        }
        for secret in key.secrets {
            if known.secret(&secret.public().fingerprint()).is_none() {
                known.secrets.push(secret);
            }
        }
    }

    /// All secret keys that can be unlocked, bound to the certificate or not, and why the
    /// others cannot. A primary key that is kept elsewhere is good practice, and no oddity.
    fn unlock(&self, cert: &Cert) -> (Vec<SecretKey>, Vec<String>) {
        let mut secrets = Vec::new();
        let mut oddities = Vec::new();
        for key in cert.keys() {
            let secret = key.key().clone().parts_into_secret().ok();
            let is_elsewhere = secret.as_ref().is_none_or(|key| is_stub(key.secret()));
            if is_elsewhere && let Some(held) = self.held_by_agent(key.key()) {
                secrets.push(SecretKey::InAgent(held));
                continue;
            }
            let Some(secret) = secret.filter(|_| !(key.primary() && is_elsewhere)) else {
                continue;
            };
            match self.unlock_one(secret) {
                Ok(secret) => secrets.push(SecretKey::Unlocked(secret)),
                Err(why) => oddities.push(why.to_owned()),
            }
        }
        if secrets.is_empty() && oddities.is_empty() {
            oddities.push(self.without_secret().to_owned());
        }
        oddities.dedup();
        (secrets, oddities)
    }

    fn held_by_agent(&self, key: &Key<PublicParts, UnspecifiedRole>) -> Option<AgentKey> {
        let (agent, held) = self.agent.as_ref()?;
        AgentKey::of(key, agent, held)
    }

    fn without_secret(&self) -> &'static str {
        match &self.agent {
            None => "has no secret key; export it with `gpg --export-secret-keys`",
            Some(_) => {
                "has no secret key, and the gpg-agent of openpgp.agent_home holds none of it"
            }
        }
    }

    fn unlock_one(&self, key: Key<SecretParts, UnspecifiedRole>) -> Result<KeyPair, &'static str> {
        let key = match (key.secret(), &self.password) {
            (SecretKeyMaterial::Unencrypted(_), _) => key,
            (secret, _) if is_stub(secret) => {
                return Err("has a secret key that is not in this file (on a card, or left out)");
            }
            (SecretKeyMaterial::Encrypted(_), None) => {
                return Err(
                    "is protected by a passphrase, and none is configured (openpgp.passphrase_file)",
                );
            }
            (SecretKeyMaterial::Encrypted(_), Some(password)) => {
                let unlocked = guarded(|| unlocked(key, password).ok()).flatten();
                unlocked.ok_or("is protected by another passphrase than the configured one")?
            }
        };
        guarded(|| key.into_keypair().ok())
            .flatten()
            .ok_or("has a secret key that cannot be read")
    }

    /// What a sender's program will find odd, and what is weak.
    fn judge(&self, key: &OwnKey) -> Vec<String> {
        let mut oddities = Vec::new();
        let cert = &key.cert;
        let time = system_time(self.now);
        let current = policy::current(self.now);
        let lenient = policy::lenient(self.now);
        let decrypts = |secret: &SecretKey| encrypts(secret.public().pk_algo());
        if !key.secrets.iter().any(decrypts) {
            oddities.push("has no secret key that decrypts".to_owned());
        }
        if key.signer(&lenient, false, self.now).is_none() {
            oddities.push("has no secret key that signs".to_owned());
        }
        match (
            cert.with_policy(&current, time),
            cert.with_policy(&lenient, time),
        ) {
            (Ok(valid), Ok(old)) if !offers_encryption(&valid) && offers_encryption(&old) => {
                oddities.push(format!("has an encryption key that {HELD_BY_SHA1}"));
            }
            (Ok(valid), _) => oddities.extend(validity(&valid)),
            (Err(_), Ok(valid)) => {
                oddities.push(HELD_BY_SHA1.to_owned());
                oddities.extend(validity(&valid));
            }
            (Err(error), Err(_)) => {
                oddities.push(format!("has no valid self-signature ({error}); {NEW_KEY}"));
            }
        }
        oddities.extend(cert.keys().filter_map(|key| weakness(key.key())));
        oddities.extend(cert.keys().filter_map(|key| strangeness(key.key())));
        let mut users = cert.userids();
        if !users.any(|user| email(user.userid()).is_some_and(|it| it == self.address)) {
            oddities.push(format!(
                "bears no user ID with the address {}",
                self.address
            ));
        }
        oddities.dedup();
        oddities
    }

    fn problem(&mut self, origin: &str, cert: Option<&Cert>, what: &str, fatal: bool) {
        self.problems.push(KeyProblem {
            origin: origin.to_owned(),
            fingerprint: cert.map(|cert| format!("{:X}", cert.fingerprint())),
            what: what.to_owned(),
            fatal,
        });
    }

    fn finish(mut self) -> (Keyring, Vec<KeyProblem>) {
        let now = self.now;
        let any_is_good = self.keys.iter().any(|key| key.is_good(now));
        if let (false, Some(first)) = (any_is_good, self.keys.first()) {
            let (origin, cert) = (first.origin.clone(), first.cert.clone());
            self.problem(&origin, Some(&cert), FOR_WANT_OF_BETTER, false);
        }
        (Keyring::of(Arc::new(self.keys), now), self.problems)
    }
}

/// Which of them is offered, and signs: the first that is good and not retired; for want of it one
/// that is good; then one that is not retired.
fn choose(keys: &[OwnKey], now: DateTime<Utc>) -> usize {
    let first = |wanted: &dyn Fn(&OwnKey) -> bool| keys.iter().position(wanted);
    first(&|key| !key.retired && key.is_good(now))
        .or_else(|| first(&|key| key.is_good(now)))
        .or_else(|| first(&|key| !key.retired))
        .unwrap_or_default()
}

/// Expired, revoked, or without a key to encrypt to.
fn validity(cert: &ValidCert) -> Option<String> {
    if is_revoked(cert) {
        return Some(format!("is revoked; {NEW_KEY}"));
    }
    if let Err(error) = cert.alive() {
        return Some(match error.downcast_ref::<Error>() {
            Some(Error::Expired(at)) => format!("expired on {}; {}", date(*at), renewal(cert)),
            _ => "is not valid yet".to_owned(),
        });
    }
    if offers_encryption(cert) {
        return None;
    }
    let expired = encryption_keys(cert)
        .filter_map(|key| key.key_expiration_time())
        .max();
    Some(match expired {
        Some(at) => format!(
            "has no valid encryption key; the last expired on {}; {}",
            date(at),
            renewal(cert)
        ),
        None => format!("has no valid encryption key; {NEW_KEY}"),
    })
}

/// Without its name the command would renew the current key.
fn renewal(cert: &ValidCert) -> String {
    format!("renew it with `triaged key renew {:X}`", cert.fingerprint())
}

fn date(at: std::time::SystemTime) -> NaiveDate {
    DateTime::<Utc>::from(at).date_naive()
}

fn is_revoked(cert: &ValidCert) -> bool {
    matches!(cert.revocation_status(), RevocationStatus::Revoked(_))
}

fn encryption_keys<'a>(
    cert: &ValidCert<'a>,
) -> ValidKeyAmalgamationIter<'a, PublicParts, UnspecifiedRole> {
    let purposes = KeyFlags::empty()
        .set_transport_encryption()
        .set_storage_encryption();
    cert.keys().key_flags(purposes)
}

fn offers_encryption(cert: &ValidCert) -> bool {
    encryption_keys(cert)
        .alive()
        .revoked(false)
        .next()
        .is_some()
}

fn weakness(key: &Key<PublicParts, UnspecifiedRole>) -> Option<String> {
    let bits = match key.mpis() {
        mpi::PublicKey::RSA { .. }
        | mpi::PublicKey::DSA { .. }
        | mpi::PublicKey::ElGamal { .. } => key.mpis().bits(),
        _ => None,
    };
    let bits = bits.filter(|bits| *bits < WEAK_BELOW_BITS)?;
    Some(format!(
        "has a key of {bits} bits; {WEAK_BELOW_BITS} is the least that is safe; {NEW_KEY}"
    ))
}

fn strangeness(key: &Key<PublicParts, UnspecifiedRole>) -> Option<String> {
    let name = match key.mpis() {
        _ if is_supported(key) => return None,
        mpi::PublicKey::ECDSA { curve, .. } | mpi::PublicKey::ECDH { curve, .. } => {
            format!("the curve {curve}")
        }
        _ => key.pk_algo().to_string(),
    };
    Some(format!(
        "has a part of an algorithm that triaged lacks: {name}"
    ))
}

/// Is the key of an algorithm that we can compute with? Old ElGamal keys decrypt by our own code.
pub(super) fn is_supported(key: &Key<PublicParts, UnspecifiedRole>) -> bool {
    match key.mpis() {
        mpi::PublicKey::ElGamal { .. } => true,
        mpi::PublicKey::ECDSA { curve, .. } | mpi::PublicKey::ECDH { curve, .. } => {
            curve.is_supported()
        }
        _ => key.pk_algo().is_supported(),
    }
}

/// GnuPG's mark for a secret key that is on a card or was left out of the export.
pub(super) fn is_stub(secret: &SecretKeyMaterial) -> bool {
    match secret {
        SecretKeyMaterial::Encrypted(secret) => matches!(secret.s2k(), S2K::Private { .. }),
        SecretKeyMaterial::Unencrypted(_) => false,
    }
}

/// Can keys of this algorithm decrypt? What the key itself says of its use does not matter.
fn encrypts(algorithm: PublicKeyAlgorithm) -> bool {
    algorithm.for_encryption()
}
