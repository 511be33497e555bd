//! What most commands begin with: configuration, keys, database.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::Failure;
use crate::agent::GpgAgent;
use crate::config::{self, Config, SecretSource, Source, Transport, secret};
use crate::daemon;
use crate::letters::Desk;
use crate::mail::pgp::{KeyProblem, Keyring};
use crate::store::{Store, StoreError};

/// The checked configuration. Warnings are for `check` and the log of `run`.
pub fn config(path: &Path) -> Result<Config, Failure> {
    match config::load(path) {
        Ok((config, warnings)) => {
            for warning in warnings {
                tracing::warn!(event = "configuration", "{warning}");
            }
            Ok(config)
        }
        Err(mistakes) => Err(Failure::Configuration(
            mistakes.iter().map(ToString::to_string).collect(),
        )),
    }
}

/// Secrets that others on this machine could read or exchange, each with what to do.
pub fn open_secrets(config: &Config) -> Vec<String> {
    let mut sources: Vec<&SecretSource> = vec![&config.storage.key];
    sources.extend(&config.openpgp.keys);
    sources.extend(&config.openpgp.passphrase);
    if let Source::Imap(imap) = &config.source {
        sources.push(&imap.password);
    }
    if let Transport::Smtp(smtp) = &config.transport {
        sources.extend(smtp.login.as_ref().map(|(_, password)| password));
    }
    let files = sources.into_iter().filter_map(|source| match source {
        SecretSource::File(path) => secret::exposure(path),
        SecretSource::Command(_) | SecretSource::Credential(_) => None,
    });
    let home = config.openpgp.agent_home.as_deref();
    let exposed = files.chain(home.and_then(secret::exposure));
    let mut problems: Vec<String> = exposed.map(|it| it.to_string()).collect();
    problems.sort();
    problems.dedup();
    problems
}

/// Our keys, and what is odd about them. The error says why there are none.
pub fn read_keys(config: &Config) -> anyhow::Result<(Keyring, Vec<KeyProblem>)> {
    let mut sources = Zeroizing::new(Vec::new());
    for source in &config.openpgp.keys {
        // The error names the file.
        let bytes = source.read_bytes().context("openpgp.keys")?;
        sources.push((source.to_string(), bytes.expose_secret().to_vec()));
    }
    let passphrase = config
        .openpgp
        .passphrase
        .as_ref()
        .map(|source| source.read())
        .transpose()
        .context("openpgp.passphrase")?;
    let now = Utc::now();
    let (passphrase, address) = (passphrase.as_ref(), &config.organization.address);
    let (keyring, mut problems) = match &config.openpgp.agent_home {
        None => Keyring::load(&sources, passphrase, address, now),
        Some(home) => {
            let agent = Arc::new(GpgAgent::at(home));
            Keyring::load_with_agent(&sources, passphrase, agent, address, now)
                .context("openpgp.agent_home")?
        }
    };
    let keyring = keyring.retiring(&config.openpgp.retired, now);
    // What is odd about a key that nobody is offered any more is settled.
    let settled: Vec<String> = keyring
        .keys(now)
        .into_iter()
        .filter(|key| key.retired && !key.current)
        .map(|key| key.fingerprint)
        .collect();
    problems.retain(|problem| {
        let of = problem.fingerprint.as_ref();
        problem.fatal || !of.is_some_and(|fingerprint| settled.contains(fingerprint))
    });
    problems.extend(about_retired(config, &keyring, now));
    Ok((keyring, problems))
}

/// Retired keys that are not there, and those that are offered all the same.
fn about_retired(config: &Config, keyring: &Keyring, now: DateTime<Utc>) -> Vec<KeyProblem> {
    let keys = keyring.keys(now);
    let mut problems = Vec::new();
    for fingerprint in &config.openpgp.retired {
        let key = keys.iter().find(|key| key.fingerprint == *fingerprint);
        let what = match key {
            None => "is no key of ours".to_owned(),
            Some(key) if key.current => {
                "is offered all the same, as no other key is good; make one: triaged key generate"
                    .to_owned()
            }
            Some(_) => continue,
        };
        problems.push(KeyProblem {
            origin: "openpgp.retired".to_owned(),
            fingerprint: Some(fingerprint.clone()),
            what,
            fatal: false,
        });
    }
    problems
}

/// Which of our keys a gpg-agent works with, for the end of a line; nothing where there is none.
pub fn in_agent(keyring: &Keyring, now: DateTime<Utc>) -> String {
    let keys = keyring.keys(now);
    let held = keys
        .iter()
        .filter(|key| key.parts.iter().any(|part| part.in_agent));
    let names: Vec<&str> = held.map(|key| key.fingerprint.as_str()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("; in gpg-agent: {}", names.join(", ")),
    }
}

/// The writer of letters: our keys and the texts. What is wrong with either is the configuration's
/// fault.
pub fn desk(config: &Config) -> Result<Desk, Failure> {
    let desk = keyring(config).and_then(|keyring| daemon::desk(config, keyring));
    desk.map_err(Failure::configuration)
}

/// Our keys; problems are warnings as long as one key can be used.
pub fn keyring(config: &Config) -> anyhow::Result<Arc<Keyring>> {
    let (keyring, problems) = read_keys(config)?;
    for problem in &problems {
        tracing::warn!(event = "key_problem", origin = %problem.origin, "{}", problem.what);
    }
    if keyring.is_empty() {
        let list: Vec<String> = problems.iter().map(in_words).collect();
        anyhow::bail!(
            "openpgp.keys: no usable secret key ({}); `triaged check` says more",
            list.join("; ")
        );
    }
    Ok(Arc::new(keyring))
}

pub fn in_words(problem: &KeyProblem) -> String {
    match &problem.fingerprint {
        Some(fingerprint) => format!("{}: key {fingerprint}: {}", problem.origin, problem.what),
        None => format!("{}: {}", problem.origin, problem.what),
    }
}

/// The database for writing; made if there is none.
pub fn store(config: &Config) -> Result<Store, Failure> {
    Store::open(&config.storage.path, &storage_key(config)?).map_err(failure)
}

/// The database for writing; an error where there is none.
pub fn store_to_write(config: &Config) -> Result<Store, Failure> {
    if !config.storage.path.exists() {
        return Err(StoreError::Missing(config.storage.path.clone()).into());
    }
    store(config)
}

/// The database for reading.
pub fn store_to_read(config: &Config) -> Result<Store, Failure> {
    Store::open_read_only(&config.storage.path, &storage_key(config)?).map_err(failure)
}

fn storage_key(config: &Config) -> Result<SecretString, Failure> {
    let key = config.storage.key.read().context("storage.key_file");
    key.map_err(Failure::configuration)
}

/// A key that is none is the configuration's fault, all else the database's.
fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::Key(_) => Failure::configuration(error.into()),
        error => error.into(),
    }
}
