//! What most commands begin with: configuration, keys, database.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::Utc;
use secrecy::ExposeSecret;

use super::Failure;
use crate::config::{self, Config};
use crate::mail::pgp::{KeyProblem, Keyring};
use crate::store::Store;

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

/// Our keys, and what is odd about them. The error says why there are none.
pub fn read_keys(config: &Config) -> anyhow::Result<(Keyring, Vec<KeyProblem>)> {
    let mut sources = Vec::new();
    for source in &config.openpgp.keys {
        let bytes = source
            .read_bytes()
            .with_context(|| format!("openpgp.keys: {source}"))?;
        sources.push((source.to_string(), bytes.expose_secret().to_vec()));
    }
    let passphrase = config
        .openpgp
        .passphrase
        .as_ref()
        .map(|source| source.read())
        .transpose()
        .context("openpgp.passphrase")?;
    Ok(Keyring::load(
        &sources,
        passphrase.as_ref(),
        &config.organization.address,
        Utc::now(),
    ))
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
pub fn store(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open(&config.storage.path, &storage_key(config)?)?)
}

/// The database for writing; an error where there is none.
pub fn store_to_write(config: &Config) -> anyhow::Result<Store> {
    if !config.storage.path.exists() {
        return Err(crate::store::StoreError::Missing(config.storage.path.clone()).into());
    }
    store(config)
}

/// The database for reading.
pub fn store_to_read(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open_read_only(
        &config.storage.path,
        &storage_key(config)?,
    )?)
}

fn storage_key(config: &Config) -> anyhow::Result<secrecy::SecretString> {
    config.storage.key.read().context("storage.key_file")
}
