//! `triaged key generate` and `import`: another key of ours, in a file of its own.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::json;

use super::config_file::Edit;
use super::files::{self, Alone, Undo};
use super::lifetime::Lifetime;
use super::record::{Change, recorded};
use super::{Ours, words};
use crate::cli::say::say;
use crate::cli::{Failure, Outcome};
use crate::config::{Config, SecretSource};
use crate::mail::pgp::lifecycle::{self, Imported, KeyBytes};
use crate::mail::pgp::{self, FOR_WANT_OF_BETTER, KeyInfo, Keyring, Kind};

#[derive(Args)]
pub struct Generate {
    /// `3 years`, `18 months`, `90 days`.
    #[arg(long, default_value = "2 years", value_parser = Lifetime::parse)]
    valid_for: Lifetime,
    /// Version 6 (RFC 9580), which GnuPG and many others cannot read: put behind the others.
    #[arg(long)]
    v6: bool,
    /// Version 6 with ML-KEM and ML-DSA, where the OpenPGP library has them: put behind the others.
    #[arg(long)]
    post_quantum: bool,
    /// Puts a version 6 key in front all the same.
    #[arg(long)]
    first: bool,
}

#[derive(Args)]
pub struct Import {
    /// A secret key, as `gpg --export-secret-keys` writes it; `-` is standard input.
    file: PathBuf,
    /// Holds the passphrase of that key, where it is another one than ours.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// A key file to be written, and where it goes among the others.
struct NewKey {
    key: KeyInfo,
    /// What is odd about it.
    oddities: Vec<String>,
    file: KeyBytes,
    path: PathBuf,
}

/// What became of the configuration.
enum Listed {
    Yes,
    /// Why it could not be written.
    ByHand(String),
}

pub fn generate(config: Config, options: &Generate) -> Outcome {
    let _alone = Alone::beside(&config.path)?;
    let ours = Ours::read(config)?;
    let kind = match (options.post_quantum, options.v6) {
        (true, _) => Kind::PostQuantum,
        (false, true) => Kind::V6,
        (false, false) => Kind::V4,
    };
    let organization = &ours.config.organization;
    let valid_for = (options.valid_for.end(ours.now)? - ours.now).to_std()?;
    let armored = pgp::generate_kind(
        kind,
        (&organization.name, &organization.address),
        ours.passphrase.as_ref(),
        valid_for,
        ours.now,
    )
    .map_err(anyhow::Error::msg)?;
    let in_front = kind == Kind::V4 || options.first;
    let new = ours.new_key(KeyBytes::new(armored.into_bytes()))?;
    let entry = ours.entry(&new.path);
    let edit = match in_front {
        true => Edit::First(entry),
        false => Edit::Last(vec![entry]),
    };
    let listed = ours.add("key_generated", std::slice::from_ref(&new), &edit)?;
    say!("new key {}", new.key.fingerprint);
    words::fact("parts", &words::algorithms(&new.key));
    words::fact("for", &new.key.user_ids.join(", "));
    words::fact("valid", &words::until(&new.key, ours.now));
    if kind != Kind::V4 {
        words::fact(
            "note",
            "many programs, GnuPG among them, cannot read a key of version 6 (RFC 9580); keep a \
             version 4 key in front",
        );
    }
    let mut left = vec![words::RELOAD.to_owned()];
    if in_front {
        left.push(words::publish(&new.key));
        left.push(
            "leave the other files where they are: they open what is encrypted to the keys in them"
                .to_owned(),
        );
    }
    ours.report(std::slice::from_ref(&new), &edit, &listed, left)
}

pub fn import(config: Config, options: &Import) -> Outcome {
    let _alone = Alone::beside(&config.path)?;
    let ours = Ours::read(config)?;
    let bytes = read(&options.file)?;
    let old = options.passphrase_file.clone().map(SecretSource::File);
    let old = old.map(|source| source.read()).transpose()?;
    let keys = ours.unlocked(&bytes, old.as_ref(), &options.file)?;
    let mut new = Vec::new();
    for Imported {
        fingerprint, file, ..
    } in keys
    {
        if let Some(known) = ours
            .keys()
            .iter()
            .find(|key| key.fingerprint == fingerprint)
        {
            bail_known(known)?;
        }
        new.push(ours.new_key(file)?);
    }
    let edit = Edit::Last(new.iter().map(|it| ours.entry(&it.path)).collect());
    let listed = ours.add("key_imported", &new, &edit)?;
    for NewKey { key, oddities, .. } in &new {
        say!("imported key {}", key.fingerprint);
        words::fact("parts", &words::algorithms(key));
        words::fact("for", &key.user_ids.join(", "));
        words::fact("valid", &words::until(key, ours.now));
        for oddity in oddities {
            words::fact("note", &format!("it {oddity}"));
        }
    }
    if ours.passphrase.is_none() {
        words::fact(
            "note",
            "no passphrase is configured, so the file is protected by its permissions alone",
        );
    }
    ours.report(&new, &edit, &listed, vec![words::RELOAD.to_owned()])
}

fn bail_known(known: &KeyInfo) -> anyhow::Result<()> {
    bail!(
        "key {} is there already, in {}; to bring in a newer copy of it, put that into its place",
        known.fingerprint,
        known.origin
    )
}

fn read(file: &Path) -> anyhow::Result<SecretSlice<u8>> {
    const LARGEST: u64 = 1_000_000;
    let mut bytes = Vec::new();
    let place = file.display().to_string();
    let taken = match file == Path::new("-") {
        true => std::io::stdin()
            .lock()
            .take(LARGEST)
            .read_to_end(&mut bytes),
        false => {
            std::fs::File::open(file).and_then(|open| open.take(LARGEST).read_to_end(&mut bytes))
        }
    };
    taken.context(place)?;
    Ok(SecretSlice::from(bytes))
}

impl Ours {
    fn unlocked(
        &self,
        bytes: &SecretSlice<u8>,
        old: Option<&SecretString>,
        file: &Path,
    ) -> anyhow::Result<Vec<Imported>> {
        let passphrases: Vec<&SecretString> =
            old.into_iter().chain(self.passphrase.as_ref()).collect();
        let configured = self.passphrase.as_ref();
        let imported = lifecycle::imported(bytes.expose_secret(), &passphrases, configured);
        let place = file.display();
        let keys = imported.map_err(|why| {
            let hint = match old {
                None => "; if it has a passphrase of its own, give it by --passphrase-file FILE",
                Some(_) => "",
            };
            anyhow::anyhow!("{place}: {why}{hint}")
        })?;
        if keys.is_empty() {
            bail!(
                "{place}: holds no secret key; export it with `gpg --armor --export-secret-keys \
                 FINGERPRINT`"
            );
        }
        Ok(keys)
    }

    /// Reads back what is to be written: as the daemon will, with the configured passphrase.
    fn new_key(&self, file: KeyBytes) -> anyhow::Result<NewKey> {
        let sources = [("the new key".to_owned(), file.to_vec())];
        let address = &self.config.organization.address;
        let passphrase = self.passphrase.as_ref();
        let (keyring, problems) = Keyring::load(&sources, passphrase, address, self.now);
        // That there is none beside it means nothing: the others were not read.
        let oddities: Vec<String> = problems
            .into_iter()
            .map(|problem| problem.what)
            .filter(|what| what != FOR_WANT_OF_BETTER)
            .collect();
        let Some(key) = keyring.keys(self.now).into_iter().next() else {
            bail!("the key cannot be used: {}", oddities.join("; "));
        };
        Ok(NewKey {
            path: self.new_file(&key.fingerprint),
            key,
            oddities,
            file,
        })
    }

    /// As the other files are written in the configuration: relative where they are.
    fn entry(&self, path: &Path) -> String {
        let folder = self.config.path.parent();
        let short = folder.and_then(|folder| path.strip_prefix(folder).ok());
        let is_relative = super::config_file::first_entry(&self.config.path)
            .is_some_and(|entry| Path::new(&entry).is_relative());
        short
            .filter(|_| is_relative)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// Writes the files, and names them in the configuration.
    fn add(&self, action: &str, new: &[NewKey], edit: &Edit) -> Result<Listed, Failure> {
        recorded(&self.config, action, self.now, || {
            let mut undo = Undo::default();
            for key in new {
                files::create(&key.path, &key.file, self.like())?;
                undo.made(&key.path);
            }
            let listed = match edit.carry_out(&self.config, &mut undo) {
                Ok(()) => Listed::Yes,
                Err(error) => Listed::ByHand(format!("{error:#}")),
            };
            let keys: Vec<_> = new
                .iter()
                .map(|it| json!({"fingerprint": it.key.fingerprint, "file": it.path}))
                .collect();
            Ok(Change {
                detail: json!({"keys": keys, "configured": matches!(listed, Listed::Yes)}),
                done: listed,
                undo,
            })
        })
    }

    /// Whom a new file belongs to.
    fn like(&self) -> &Path {
        self.first_file().unwrap_or(&self.config.path)
    }

    fn report(&self, new: &[NewKey], edit: &Edit, listed: &Listed, left: Vec<String>) -> Outcome {
        for key in new {
            words::fact("file", &key.path.display().to_string());
        }
        let config = self.config.path.display();
        match listed {
            Listed::Yes => {
                words::fact("config", &format!("{config}: {}", edit.done()));
                words::left_to_do(&left);
                Ok(true)
            }
            Listed::ByHand(why) => {
                words::fact("config", &format!("NOT changed: {why}"));
                let by_hand = self.by_hand(new, edit);
                // Where the keys are credentials, a restart is among what is done by hand.
                let is_needed =
                    |step: &String| self.first_file().is_some() || step != words::RELOAD;
                let left = left.into_iter().filter(is_needed);
                let left: Vec<String> = by_hand.into_iter().chain(left).collect();
                words::left_to_do(&left);
                Ok(false)
            }
        }
    }

    /// What a person does where we cannot. Where the keys are credentials, a file that is not one
    /// could not be read by the service.
    fn by_hand(&self, new: &[NewKey], edit: &Edit) -> Vec<String> {
        let config = self.config.path.display();
        if self.first_file().is_some() {
            return vec![format!("in {config}, {}", edit.by_hand())];
        }
        let names: Vec<String> = new
            .iter()
            .map(|key| format!("\"{}\"", credential(&key.path)))
            .collect();
        let place = match edit {
            Edit::First(_) => "in front",
            Edit::Last(_) | Edit::Retire(_) => "at the end",
        };
        let load = |key: &NewKey| {
            let (name, path) = (credential(&key.path), key.path.display());
            format!("systemctl edit triaged: under [Service], LoadCredential={name}:{path}")
        };
        let mut steps = vec![format!(
            "in {config}, put {} {place} of openpgp.keys_credentials",
            names.join(", ")
        )];
        steps.extend(new.iter().map(load));
        steps.push(
            "systemctl restart triaged: credentials are read when a service starts".to_owned(),
        );
        steps
    }
}

/// The name of a credential that holds this file.
fn credential(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
