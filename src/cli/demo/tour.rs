//! The folder, the people and their keys; how a mail comes, and what a pass of the daemon sends.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};

use super::super::init::write_private;
use super::super::{Failure, files, office};
use crate::config::Config;
use crate::daemon;
use crate::mail::message::{Certificate, Message, SignatureStatus};
use crate::mail::open::{self, Limits, Opening};
use crate::mail::pgp::{self, Keyring};
use crate::store::Store;
use crate::store::cases::CaseView;

const POLICY: &str = include_str!("../../../docs/policies/cloudarq.toml");
/// The policy names it.
const CHANGELOG: &str = include_str!("../../../docs/policies/cloudarq-changelog.md");
pub const SECURITY: &str = "security@cloudarq.example";

/// Somebody with a key.
pub struct Person {
    pub name: &'static str,
    pub email: &'static str,
    pub keys: Keyring,
}

pub struct Tour {
    pub dir: PathBuf,
    pub now: DateTime<Utc>,
    ours: Keyring,
    /// The team.
    pub ada: Person,
    /// A researcher who encrypts.
    pub lin: Person,
    /// Files of letters that an earlier pass sent.
    seen: HashSet<PathBuf>,
}

/// A letter as it was sent, and opened with the key of whom it is to.
pub struct Letter {
    pub sent: Vec<u8>,
    /// What is seen on its way.
    pub outer_subject: String,
    pub opened: Message,
}

impl Tour {
    pub fn set_up(dir: &Path, now: DateTime<Utc>) -> anyhow::Result<Self> {
        for sub in ["Maildir/new", "Maildir/cur", "Maildir/tmp", "sent"] {
            std::fs::create_dir_all(dir.join(sub))?;
        }
        let storage_key: String = rand::random::<[u8; 32]>()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let our_key = new_key("Cloudarq security", SECURITY, now)?;
        let ada = "ada@cloudarq.example";
        let ada_key = new_key("Ada", ada, now)?;
        let lin = "lin@independent.example";
        let lin_key = new_key("Lin", lin, now)?;
        let person = |name, email, key: &str| Person {
            name,
            email,
            keys: keyring(key, email, now),
        };
        let tour = Self {
            dir: dir.to_owned(),
            now,
            ours: keyring(&our_key, SECURITY, now),
            ada: person("Ada", ada, &ada_key),
            lin: person("Lin", lin, &lin_key),
            seen: HashSet::new(),
        };
        for (name, content) in [
            ("config.toml", tour.config()),
            ("policy.toml", policy()),
            ("cloudarq-changelog.md", CHANGELOG.to_owned()),
            ("storage.key", storage_key),
            ("security.key.asc", our_key),
            ("ada.asc", tour.ada.keys.certificate()),
            ("ada.key.asc", ada_key),
            ("sendmail", tour.sendmail()),
        ] {
            write_private(&dir.join(name), &content)?;
        }
        let may_run = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(dir.join("sendmail"), may_run)?;
        Ok(tour)
    }

    pub fn config_path(&self) -> PathBuf {
        self.dir.join("config.toml")
    }

    fn config(&self) -> String {
        format!(
            "# A tour of triaged: a local Maildir in, a folder of letters out.\n\n\
             [organization]\nname = \"Cloudarq\"\naddress = \"{SECURITY}\"\n\n\
             [maildir]\npath = \"Maildir\"\n\n\
             [sendmail]\ncommand = [\"{sendmail}\"]\n\n\
             [storage]\npath = \"triaged.db\"\nkey_file = \"storage.key\"\n\n\
             [openpgp]\nkeys = [\"security.key.asc\"]\n\n\
             [policy]\nfile = \"policy.toml\"\n\n\
             [digest]\nto = [\"{ada}\"]\n\n\
             [[team]]\nname = \"{name}\"\nemail = \"{ada}\"\ncertificate = \"ada.asc\"\n",
            sendmail = self.dir.join("sendmail").display(),
            ada = self.ada.email,
            name = self.ada.name,
        )
    }

    fn sendmail(&self) -> String {
        format!(
            "#!/bin/sh\n# Keeps a letter instead of sending it.\n\
             exec cat > \"{}/$(date +%s%N)-$$.eml\"\n",
            self.dir.join("sent").display()
        )
    }

    pub fn our_certificate(&self) -> anyhow::Result<&Certificate> {
        self.ours.certificates().first().context("our certificate")
    }

    /// Puts a mail into the Maildir as if it had come so many minutes ago.
    pub fn arrive(&self, name: &str, mail: &[u8], minutes_ago: u32) -> anyhow::Result<()> {
        let path = self.dir.join("Maildir/new").join(name);
        std::fs::write(&path, mail)?;
        let arrived = SystemTime::now() - Duration::from_secs(u64::from(minutes_ago) * 60);
        std::fs::File::options()
            .write(true)
            .open(&path)?
            .set_modified(arrived)?;
        Ok(())
    }

    pub fn ago(&self, minutes: u32) -> DateTime<Utc> {
        self.now - TimeDelta::minutes(i64::from(minutes))
    }

    /// One pass of the daemon. Returns the letters that it sent, in no order.
    pub fn pass(&mut self) -> Result<Vec<Letter>, Failure> {
        let config_path = self.config_path();
        run_once(office::config(&config_path)?, &config_path)?;
        let mut letters = Vec::new();
        for entry in std::fs::read_dir(self.dir.join("sent"))? {
            let path = entry?.path();
            if !self.seen.insert(path.clone()) {
                continue;
            }
            for found in files::read(&path)? {
                letters.push(self.opened(found.bytes));
            }
        }
        Ok(letters)
    }

    pub fn store(&self) -> Result<Store, Failure> {
        office::store_to_read(&office::config(&self.config_path())?)
    }

    /// The number of the case that came first.
    pub fn first_case(&self) -> Result<String, Failure> {
        let cases = self.store()?.read(|tx| tx.cases_listed(self.now))?;
        let first = cases.into_iter().next().context("there is no case")?;
        Ok(first.id)
    }

    pub fn case(&self, number: &str) -> Result<CaseView, Failure> {
        let found = self.store()?.read(|tx| {
            let case = tx.case_by_number(number)?;
            tx.case_detail(&case, self.now)
        })?;
        Ok(found.case)
    }

    fn opened(&self, sent: Vec<u8>) -> Letter {
        let with = |keyring| Opening {
            keyring,
            known: self.ours.certificates(),
            limits: Limits::default(),
        };
        let outside = open::open(&sent, &with(None), self.now);
        let outer_subject = outside.subject.clone();
        let mut people = [&self.ada, &self.lin].into_iter();
        let opened =
            match people.find(|person| outside.to.iter().any(|to| to.email == person.email)) {
                Some(person) => open::open(&sent, &with(Some(&person.keys)), self.now),
                None => outside,
            };
        Letter {
            sent,
            outer_subject,
            opened,
        }
    }
}

impl Letter {
    pub fn is_to(&self, email: &str) -> bool {
        self.opened.to.iter().any(|to| to.email == email)
    }

    pub fn is_signed(&self) -> bool {
        let mut signatures = self.opened.openpgp.signatures.iter();
        signatures.any(|signature| signature.status == SignatureStatus::Good)
    }
}

/// The letter to this address whose subject has this in it.
pub fn letter<'l>(letters: &'l [Letter], to: &str, subject: &str) -> anyhow::Result<&'l Letter> {
    letters
        .iter()
        .find(|letter| letter.is_to(to) && letter.opened.subject.contains(subject))
        .with_context(|| format!("no letter to {to} about {subject:?} was sent"))
}

/// The page's promise, but that the team hears at once also at night: whoever takes the tour would
/// wait for the morning.
fn policy() -> String {
    let lines = POLICY.lines();
    let kept: Vec<&str> = lines.filter(|it| !it.starts_with("quiet_hours")).collect();
    kept.join("\n") + "\n"
}

fn new_key(name: &str, address: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    let valid_for = Duration::from_secs(365 * 24 * 60 * 60);
    // Made a little in the past, so that a mail of an hour ago may be signed with it.
    let made_at = now - TimeDelta::hours(2);
    pgp::generate(name, address, None, valid_for, made_at)
        .map_err(anyhow::Error::msg)
        .context("making a key")
}

fn keyring(key: &str, address: &str, now: DateTime<Utc>) -> Keyring {
    let sources = [("a fresh key".to_owned(), key.as_bytes().to_vec())];
    Keyring::load(&sources, None, address, now).0
}

fn run_once(config: Config, config_path: &Path) -> Result<(), Failure> {
    let desk = office::desk(&config)?;
    let store = office::store(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let all_gone = runtime.block_on(daemon::run(
        config,
        config_path,
        store,
        desk,
        office::keyring,
        true,
    ))?;
    match all_gone {
        true => Ok(()),
        false => Err(anyhow::anyhow!("some letters could not go").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::policy;

    #[test]
    fn the_promise_is_the_pages_but_for_the_quiet_hours() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let (policy, mistakes) = policy::read(&path);
            assert!(mistakes.is_empty(), "{mistakes:?}");
            policy.unwrap()
        };
        std::fs::write(folder.path().join("cloudarq-changelog.md"), CHANGELOG).unwrap();
        let mut page = read("page.toml", POLICY);
        let tour = read("tour.toml", &super::policy());
        assert!(page.quiet_hours.take().is_some());
        assert_eq!(format!("{tour:?}"), format!("{page:?}"));
    }
}
