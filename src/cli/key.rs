//! `triaged key …`: our OpenPGP keys, and the life of each of them.
//!
//! A verb that changes something says what it changed and what is left to do, leaves an event in
//! the audit chain, and leaves everything as it was where it fails. Where it cannot write the
//! configuration it says what to change by hand, and exits with 1.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::{DateTime, SubsecRound, Utc};
use clap::Subcommand;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::{Failure, Outcome, Output, office};
use crate::config::{Config, SecretSource};
use crate::mail::pgp::{KeyInfo, KeyProblem, Keyring, lifecycle};

mod change;
mod config_file;
mod export;
mod files;
mod lifetime;
mod list;
mod make;
mod pin;
mod record;
mod words;

#[derive(Subcommand)]
pub enum Verb {
    /// Our keys: their parts, when each expires, which is offered, and what is odd.
    List(Output),
    /// Makes a new key and puts it in front: it is offered from now on, the others still decrypt.
    Generate(make::Generate),
    /// Adds a secret key of ours from elsewhere (`gpg --export-secret-keys`), behind the others.
    Import(make::Import),
    /// Prints a certificate of ours as it is offered: without secrets, user IDs and the newest
    /// self-signatures alone.
    Export(export::Options),
    /// Gives a key a new expiry: the primary key, and all subkeys that are not revoked.
    Renew(change::Renew),
    /// Offers a key no more; it still decrypts.
    Retire(change::Retire),
    /// Revokes a key for ever; it still decrypts. Then publish it: whoever has it must hear of it.
    Revoke(change::Revoke),
    /// Vouches for a certificate of a correspondent: it alone is the key of the address.
    Pin(pin::Pin),
    /// Takes the pin of an address away.
    Unpin {
        /// The correspondent's address.
        email: String,
    },
    /// What is known of the certificates of correspondents, and which is the key of whom.
    Known(pin::Known),
}

pub fn run(config_path: &Path, verb: &Verb) -> Outcome {
    let config = office::config(config_path)?;
    match verb {
        Verb::List(output) => list::run(config, *output),
        Verb::Generate(options) => make::generate(config, options),
        Verb::Import(options) => make::import(config, options),
        Verb::Export(options) => export::run(config, options),
        Verb::Renew(options) => change::renew(config, options),
        Verb::Retire(options) => change::retire(config, options),
        Verb::Revoke(options) => change::revoke(config, options),
        Verb::Pin(options) => pin::pin(&config, options),
        Verb::Unpin { email } => pin::unpin(&config, email),
        Verb::Known(options) => pin::known(&config, options),
    }
}

/// What every verb needs to know.
struct Ours {
    config: Config,
    keyring: Keyring,
    problems: Vec<KeyProblem>,
    passphrase: Option<SecretString>,
    now: DateTime<Utc>,
}

/// Where the primary key of one of our keys is.
struct Holder {
    source: SecretSource,
    bytes: SecretSlice<u8>,
}

impl Ours {
    fn read(config: Config) -> Result<Self, Failure> {
        let read = office::read_keys(&config).and_then(|read| {
            let passphrase = config.openpgp.passphrase.as_ref();
            let passphrase = passphrase.map(SecretSource::read).transpose();
            Ok((read, passphrase.context("openpgp.passphrase")?))
        });
        let ((keyring, problems), passphrase) = read.map_err(Failure::configuration)?;
        Ok(Self {
            config,
            keyring,
            problems,
            passphrase,
            // OpenPGP knows whole seconds.
            now: Utc::now().trunc_subsecs(0),
        })
    }

    fn keys(&self) -> Vec<KeyInfo> {
        self.keyring.keys(self.now)
    }

    /// The key that is meant: its fingerprint, or the end or beginning of it.
    fn called(&self, word: &str) -> anyhow::Result<KeyInfo> {
        const SHORTEST: usize = 8;
        let bare: String = word.chars().filter(|c| !c.is_whitespace()).collect();
        let bare = bare.trim_start_matches("0x").to_uppercase();
        let is_meant = |key: &KeyInfo| {
            let name = &key.fingerprint;
            bare.len() >= SHORTEST && (name.starts_with(&bare) || name.ends_with(&bare))
        };
        let mut meant = self.keys().into_iter().filter(is_meant);
        match (meant.next(), meant.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => bail!("{word:?}: several keys are called so; write all of it"),
            (None, _) => bail!("{word:?}: no key of ours; `triaged key list` names them"),
        }
    }

    fn current(&self) -> anyhow::Result<KeyInfo> {
        let mut keys = self.keys().into_iter();
        keys.find(|key| key.current)
            .context("there is no key of ours; make one: triaged key generate")
    }

    /// The key that is meant, or the current one.
    fn meant(&self, word: Option<&str>) -> anyhow::Result<KeyInfo> {
        match word {
            Some(word) => self.called(word),
            None => self.current(),
        }
    }

    /// The file or credential that holds the primary key of this key.
    fn holder(&self, key: &KeyInfo) -> anyhow::Result<Holder> {
        for source in &self.config.openpgp.keys {
            let bytes = source.read_bytes()?;
            if lifecycle::holds_primary(bytes.expose_secret(), &key.fingerprint) {
                return Ok(Holder {
                    source: source.clone(),
                    bytes,
                });
            }
        }
        bail!(
            "{}: the secret part of its primary key is in none of our files; do this where it is \
             (a card, gpg-agent, another machine), and put the new export into {}",
            key.fingerprint,
            key.origin
        )
    }

    /// The first configured file: new ones come beside it, and belong to whom it belongs.
    fn first_file(&self) -> Option<&Path> {
        self.config.openpgp.keys.iter().find_map(|key| match key {
            SecretSource::File(path) => Some(path.as_path()),
            SecretSource::Command(_) | SecretSource::Credential(_) => None,
        })
    }

    /// A file for a key, named by the key; one that is not there.
    fn new_file(&self, fingerprint: &str) -> PathBuf {
        const SHOWN: usize = 8;
        let short: String = fingerprint.chars().take(SHOWN).collect();
        let beside = self.first_file().unwrap_or(&self.config.path);
        let first = beside.with_file_name(format!("security-{short}.key.asc"));
        let others = (2..100)
            .map(|count| beside.with_file_name(format!("security-{short}-{count}.key.asc")));
        std::iter::once(first.clone())
            .chain(others)
            .find(|path| !path.exists())
            .unwrap_or(first)
    }
}
