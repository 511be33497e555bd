//! `triaged init DIR`: a new user's start, ready for `triaged check`.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use clap::Args;

use super::Outcome;
use super::say::say;
use crate::mail::pgp;

const CONFIG: &str = include_str!("../../config.example.toml");
const POLICY: &str = include_str!("init/policy.toml");
/// What the password files hold until their owner writes the password.
pub const PLACEHOLDER: &str = "write-the-password-here";
/// A fresh key is renewed before this.
const KEY_VALID_FOR: Duration = Duration::from_secs(2 * 365 * 24 * 60 * 60);

#[derive(Args)]
pub struct Options {
    /// A folder; it is made if there is none.
    dir: PathBuf,
    /// The organisation's name, as replies bear it.
    #[arg(long, default_value = "Example Corp")]
    name: String,
    /// What reporters write to.
    #[arg(long, default_value = "security@example.com")]
    address: String,
}

pub fn run(options: &Options) -> Outcome {
    let dir = &options.dir;
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let key = pgp::generate(
        &options.name,
        &options.address,
        None,
        KEY_VALID_FOR,
        Utc::now(),
    )
    .map_err(anyhow::Error::msg)
    .context("making the OpenPGP key")?;
    let storage_key: String = rand::random::<[u8; 32]>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let password = format!("{PLACEHOLDER}\n");
    let files = [
        (
            "config.toml",
            config(options),
            "mailbox, mail server, team: edit this",
        ),
        (
            "policy.toml",
            POLICY.to_owned(),
            "your promise: deadlines, working days, scope, sentences",
        ),
        (
            "security.key.asc",
            key,
            "a new OpenPGP key of this address, valid for two years",
        ),
        (
            "storage.key",
            format!("{storage_key}\n"),
            "encrypts the database; keep a copy elsewhere",
        ),
        (
            "imap.password",
            password.clone(),
            "write the mailbox's password into it",
        ),
        (
            "smtp.password",
            password,
            "write the mail server's password into it",
        ),
    ];
    let there: Vec<&str> = files
        .iter()
        .map(|(name, _, _)| *name)
        .filter(|name| dir.join(name).exists())
        .collect();
    if !there.is_empty() {
        return Err(anyhow::anyhow!(
            "{}: {} exist already and nothing is overwritten; name another folder",
            dir.display(),
            there.join(", ")
        )
        .into());
    }
    for (name, content, what) in &files {
        write_private(&dir.join(name), content)?;
        say!("  {:<36}  {what}", dir.join(name).display());
    }
    say!(
        "\nNext: edit {config}, then\n  triaged --config {config} check\n  triaged --config {config} doctor\n  triaged --config {config} run",
        config = dir.join("config.toml").display()
    );
    Ok(true)
}

/// The documented example with this folder's paths; what needs a team member's certificate is
/// commented out.
fn config(options: &Options) -> String {
    let mut text = String::new();
    let mut needs_member = false;
    for line in CONFIG.lines() {
        needs_member |= line.starts_with("[digest]") || line.starts_with("[[team]]");
        let line = line
            .replace("/etc/triaged/", "")
            .replace("/var/lib/triaged/", "");
        let line = match line.as_str() {
            "name = \"Example Corp\"" => format!("name = {}", quoted(&options.name)),
            "address = \"security@example.com\"" => {
                format!("address = {}", quoted(&options.address))
            }
            "username = \"security@example.com\"" => {
                format!("username = {}", quoted(&options.address))
            }
            // The fresh key has no passphrase.
            "passphrase_file = \"key.passphrase\"" => format!("# {line}"),
            _ if needs_member && !line.is_empty() && !line.starts_with('#') => format!("# {line}"),
            _ => line,
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// As a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Writes a file that its owner alone may read; never over another.
pub(super) fn write_private(path: &Path, content: &str) -> anyhow::Result<()> {
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()));
    match written {
        Ok(()) => Ok(()),
        Err(error) => bail!("{}: cannot be written ({error})", path.display()),
    }
}
