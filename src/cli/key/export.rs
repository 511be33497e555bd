//! `triaged key export`: a certificate as it is offered, or the whole key.

use std::io::IsTerminal;

use anyhow::{Context, bail};
use clap::Args;
use secrecy::ExposeSecret;

use super::Ours;
use crate::cli::{Outcome, say};
use crate::config::Config;
use crate::mail::pgp::lifecycle;

#[derive(Args)]
pub struct Options {
    /// Of the key, or the end of it; default: the current one.
    fingerprint: Option<String>,
    /// The whole key with its secret parts, protected as it is in the file.
    #[arg(long)]
    secret: bool,
}

pub fn run(config: Config, options: &Options) -> Outcome {
    let ours = Ours::read(config)?;
    let key = ours.meant(options.fingerprint.as_deref())?;
    if !options.secret {
        let armored = ours.keyring.armored(&key.fingerprint);
        say::text(&armored.context("the certificate cannot be written")?);
        return Ok(true);
    }
    if std::io::stdout().is_terminal() {
        return Err(anyhow::anyhow!(
            "a secret key is not shown on a terminal; write it into a file: \
             (umask 077; triaged key export --secret {} > FILE)",
            key.fingerprint
        )
        .into());
    }
    for source in &ours.config.openpgp.keys {
        let bytes = source.read_bytes()?;
        let exported = lifecycle::exported_secret(bytes.expose_secret(), &key.fingerprint);
        if let Some(armored) = exported.map_err(anyhow::Error::msg)? {
            say::text(std::str::from_utf8(&armored)?);
            return Ok(true);
        }
    }
    let missing = || -> anyhow::Result<bool> {
        bail!(
            "{}: its secret parts are in no file of ours",
            key.fingerprint
        )
    };
    Ok(missing()?)
}
