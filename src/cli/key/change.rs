//! `triaged key renew`, `retire` and `revoke`: what becomes of a key that we have.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;
use serde_json::{Value, json};

use super::config_file::Edit;
use super::files::{self, Alone, Undo};
use super::lifetime::Lifetime;
use super::record::{Change, recorded};
use super::{Holder, Ours, words};
use crate::cli::Outcome;
use crate::cli::say::say;
use crate::config::{Config, SecretSource};
use crate::mail::pgp::lifecycle::{self, KeyBytes, Reason};
use crate::mail::pgp::{KeyInfo, Keyring};

#[derive(Args)]
pub struct Renew {
    /// Of the key, or the end of it; default: the current one.
    fingerprint: Option<String>,
    /// From now on: `3 years`, `18 months`, `90 days` [default: 2 years, and never less than before].
    #[arg(long, value_parser = Lifetime::parse)]
    valid_for: Option<Lifetime>,
}

/// Without `--valid-for`.
const USUAL: Lifetime = Lifetime::Months(24);

#[derive(Args)]
pub struct Retire {
    /// Of the key, or the end of it.
    fingerprint: String,
}

#[derive(Args)]
pub struct Revoke {
    /// Of the key, or the end of it.
    fingerprint: String,
    /// What the world is told.
    #[arg(long, value_enum)]
    reason: Reason,
    /// In words, for everybody to read.
    #[arg(long, value_name = "TEXT", default_value = "")]
    because: String,
    /// Also where it is the last key that is good: no answer can be signed or encrypted after it.
    #[arg(long)]
    yes: bool,
}

pub fn renew(config: Config, options: &Renew) -> Outcome {
    let _alone = Alone::beside(&config.path)?;
    let ours = Ours::read(config)?;
    let key = ours.meant(options.fingerprint.as_deref())?;
    let expires_at = options.valid_for.unwrap_or(USUAL).end(ours.now)?;
    if options.valid_for.is_none() {
        refuse_less(&key, expires_at)?;
    }
    let holder = ours.holder(&key)?;
    let renewed = lifecycle::renewed(
        holder.bytes.expose_secret(),
        &key.fingerprint,
        ours.passphrase.as_ref(),
        expires_at,
        ours.now,
    )
    .map_err(anyhow::Error::msg)
    .with_context(|| format!("{}: key {}", holder.source, key.fingerprint))?;
    let detail = json!({"fingerprint": key.fingerprint, "expires_at": expires_at});
    let written = ours.rewrite("key_renewed", &key, &holder, renewed, detail)?;
    say!("renewed key {}", key.fingerprint);
    words::fact(
        "valid",
        &format!("until {}", words::day(expires_at, ours.now)),
    );
    written.report(vec![
        words::RELOAD.to_owned(),
        format!(
            "publish it where it is already, or others take it for expired: triaged key export {}",
            key.fingerprint
        ),
    ])
}

/// Nobody who renews a key wants it to end earlier, unless it is asked for. One without an end
/// may get one.
fn refuse_less(key: &KeyInfo, expires_at: DateTime<Utc>) -> anyhow::Result<()> {
    let until = key.parts.first().and_then(|primary| primary.expires_at);
    if let Some(until) = until.filter(|until| *until > expires_at) {
        bail!(
            "key {} is valid until {}, longer than the usual 2 years; say what you want: \
             --valid-for \"4 years\"",
            key.fingerprint,
            until.date_naive()
        );
    }
    Ok(())
}

pub fn retire(config: Config, options: &Retire) -> Outcome {
    let _alone = Alone::beside(&config.path)?;
    let ours = Ours::read(config)?;
    let key = ours.called(&options.fingerprint)?;
    if key.retired {
        say!("key {} is retired already", key.fingerprint);
        return Ok(true);
    }
    let successor = ours.successor(&key).with_context(|| {
        format!(
            "{}: no other key is good, so this one must stay; make one first: triaged key generate",
            key.fingerprint
        )
    })?;
    let edit = Edit::Retire(key.fingerprint.clone());
    recorded(&ours.config, "key_retired", ours.now, || {
        let mut undo = Undo::default();
        edit.carry_out(&ours.config, &mut undo).with_context(|| {
            format!(
                "nothing was changed; by hand: in {}, {}, then {}",
                ours.config.path.display(),
                edit.by_hand(),
                words::RELOAD
            )
        })?;
        Ok(Change {
            done: (),
            detail: json!({"fingerprint": key.fingerprint, "offered": successor}),
            undo,
        })
    })?;
    say!("retired key {}", key.fingerprint);
    words::fact("offered", &successor);
    words::fact(
        "config",
        &format!("{}: {}", ours.config.path.display(), edit.done()),
    );
    words::fact("note", "it still decrypts: leave its file where it is");
    words::left_to_do(&[
        words::RELOAD.to_owned(),
        format!("publish the other in its place: triaged key export {successor}"),
    ]);
    Ok(true)
}

pub fn revoke(config: Config, options: &Revoke) -> Outcome {
    let _alone = Alone::beside(&config.path)?;
    let ours = Ours::read(config)?;
    let key = ours.called(&options.fingerprint)?;
    if key.revoked {
        bail_revoked(&key)?;
    }
    let successor = ours.successor(&key);
    if successor.is_none() && !options.yes {
        bail_last(&key)?;
    }
    let holder = ours.holder(&key)?;
    let revoked = lifecycle::revoked(
        holder.bytes.expose_secret(),
        &key.fingerprint,
        ours.passphrase.as_ref(),
        (options.reason, &options.because),
        ours.now,
    )
    .map_err(anyhow::Error::msg)
    .with_context(|| format!("{}: key {}", holder.source, key.fingerprint))?;
    let detail = json!({"fingerprint": key.fingerprint, "reason": options.reason.as_str(),
                        "because": options.because, "offered": successor});
    let written = ours.rewrite("key_revoked", &key, &holder, revoked, detail)?;
    say!("revoked key {}", key.fingerprint);
    words::fact("reason", options.reason.as_str());
    words::fact(
        "offered",
        successor
            .as_deref()
            .unwrap_or("none: no key of ours is good any more"),
    );
    words::fact("note", "it still decrypts: leave its file where it is");
    let mut left = vec![
        words::RELOAD.to_owned(),
        format!(
            "publish it, so that whoever has it hears of it: triaged key export {}",
            key.fingerprint
        ),
    ];
    left.push(match &successor {
        Some(successor) => {
            format!("publish the other in its place: triaged key export {successor}")
        }
        None => "make a new key: triaged key generate".to_owned(),
    });
    written.report(left)
}

fn bail_revoked(key: &KeyInfo) -> anyhow::Result<()> {
    bail!("{}: is revoked already", key.fingerprint)
}

fn bail_last(key: &KeyInfo) -> anyhow::Result<()> {
    bail!(
        "{}: no other key is good; make one first (triaged key generate), or write --yes",
        key.fingerprint
    )
}

/// Where a changed key is now.
enum Written {
    File(PathBuf),
    /// It came as a credential, whose source only its owner can change.
    Beside {
        file: PathBuf,
        credential: String,
    },
}

impl Written {
    fn report(&self, left: Vec<String>) -> Outcome {
        match self {
            Self::File(file) => {
                words::fact("file", &file.display().to_string());
                words::left_to_do(&left);
                Ok(true)
            }
            Self::Beside { file, credential } => {
                words::fact("file", &file.display().to_string());
                let by_hand = format!(
                    "put that file where LoadCredential={credential}: takes it from, and restart \
                     the daemon: systemctl restart triaged"
                );
                let rest = left.into_iter().skip(1);
                let left: Vec<String> = std::iter::once(by_hand).chain(rest).collect();
                words::left_to_do(&left);
                Ok(false)
            }
        }
    }
}

impl Ours {
    /// What is offered without this key.
    fn successor(&self, key: &KeyInfo) -> Option<String> {
        let good = self.keyring.good(self.now);
        good.into_iter().find(|other| *other != key.fingerprint)
    }

    /// Puts the changed key into its file. One that came as a credential goes into a new file.
    fn rewrite(
        &self,
        action: &str,
        key: &KeyInfo,
        holder: &Holder,
        bytes: KeyBytes,
        detail: Value,
    ) -> Result<Written, crate::cli::Failure> {
        let written = recorded(&self.config, action, self.now, || {
            let mut undo = Undo::default();
            let done = match &holder.source {
                SecretSource::File(path) => {
                    let old = holder.bytes.expose_secret().to_vec();
                    files::replace(path, &bytes, |new| self.still_opens(new, &old))?;
                    undo.replaced(path, Zeroizing::new(old));
                    Written::File(path.clone())
                }
                SecretSource::Credential(_) | SecretSource::Command(_) => {
                    let file = self.new_file(&key.fingerprint);
                    files::create(&file, &bytes, &self.config.path)?;
                    undo.made(&file);
                    Written::Beside {
                        file,
                        credential: match &holder.source {
                            SecretSource::Credential(name) => name.clone(),
                            other => other.to_string(),
                        },
                    }
                }
            };
            Ok(Change { done, detail, undo })
        })?;
        // The new signature may be dated a second behind the one that it replaces; whoever comes
        // next finds it in force.
        std::thread::sleep(std::time::Duration::from_secs(1));
        Ok(written)
    }

    /// Every secret that the old file gave, the new one gives too.
    fn still_opens(&self, new: &Path, old: &[u8]) -> anyhow::Result<()> {
        let new = Zeroizing::new(std::fs::read(new)?);
        let there = self.unlocked_in(&new);
        let lost = self
            .unlocked_in(old)
            .into_iter()
            .find(|part| !there.contains(part));
        match lost {
            Some(part) => bail!("the secret part of {part} would be lost"),
            None => Ok(()),
        }
    }

    fn unlocked_in(&self, file: &[u8]) -> Vec<String> {
        let sources = [(String::new(), file.to_vec())];
        let address = &self.config.organization.address;
        let (keyring, _) = Keyring::load(&sources, self.passphrase.as_ref(), address, self.now);
        let parts = keyring.keys(self.now).into_iter().flat_map(|key| key.parts);
        parts
            .filter(|part| part.unlocked)
            .map(|part| part.fingerprint)
            .collect()
    }
}
