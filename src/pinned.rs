//! Certificates of correspondents that the team found out by other means, in files that
//! `openpgp.certificates` names: each is pinned for the addresses in its user IDs.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::config::Config;
use crate::mail::message::{Certificate, address_key, without_tag};
use crate::mail::pgp;
use crate::team::Team;

/// As they were read at the start or the last reload.
#[derive(Clone, Debug, Default)]
pub struct Pinned {
    certificates: Vec<Certificate>,
    problems: Vec<FileProblem>,
}

/// What keeps a file, or one certificate in it, from use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    pub file: PathBuf,
    pub what: String,
    /// What to do about it.
    pub mend: &'static str,
    /// It is not there; the configuration has complained of that already.
    pub is_missing: bool,
}

impl Pinned {
    /// All that the configuration pins.
    pub fn of_configuration(config: &Config) -> Self {
        Self::read(&config.openpgp.certificates).with_team(&Team::read(&config.team))
    }

    /// Reads the files. One that cannot be read keeps no other from use.
    pub fn read(files: &[PathBuf]) -> Self {
        let mut pinned = Self::default();
        for file in files {
            pinned.take(file);
        }
        pinned
    }

    /// And the certificates of the team, each for its member's address: who works with reports may
    /// send one too.
    pub fn with_team(mut self, team: &Team) -> Self {
        for member in team.members() {
            let own = member.certificates().iter().map(|it| Certificate {
                emails: vec![address_key(&member.email)],
                ..it.clone()
            });
            self.certificates.extend(own);
        }
        self
    }

    fn take(&mut self, file: &Path) {
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                let is_missing = error.kind() == std::io::ErrorKind::NotFound;
                return self.problems.push(FileProblem {
                    is_missing,
                    ..problem(
                        file,
                        format!("cannot be read ({error})"),
                        "let the daemon's user read it, or take it out of openpgp.certificates",
                    )
                });
            }
        };
        let certificates = pgp::read_certificates(&bytes);
        if certificates.is_empty() {
            self.problems.push(problem(
                file,
                "holds no OpenPGP certificate".to_owned(),
                "write into it what `gpg --armor --export ADDRESS` prints",
            ));
        }
        for certificate in certificates {
            if certificate.emails.is_empty() {
                self.problems.push(problem(
                    file,
                    format!("{} names no address", certificate.fingerprint),
                    "pin it for one with `triaged key pin ADDRESS FILE`",
                ));
            }
            self.certificates.push(certificate);
        }
    }

    /// All of them.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    pub fn problems(&self) -> &[FileProblem] {
        &self.problems
    }

    /// Those pinned for an address, in the order of the files.
    pub fn of(&self, email: &str) -> impl Iterator<Item = &Certificate> {
        let (email, untagged) = (address_key(email), without_tag(&address_key(email)));
        self.certificates.iter().filter(move |certificate| {
            certificate.emails.contains(&email) || certificate.emails.contains(&untagged)
        })
    }

    /// Those that cannot be encrypted to, and why.
    pub fn unusable(&self, now: DateTime<Utc>) -> Vec<String> {
        let certificates = self.certificates.iter();
        certificates
            .filter_map(|certificate| pgp::usable_for_encryption(certificate, now).err())
            .collect()
    }
}

fn problem(file: &Path, what: String, mend: &'static str) -> FileProblem {
    FileProblem {
        file: file.to_owned(),
        what,
        mend,
        is_missing: false,
    }
}

/// `a.asc: holds no OpenPGP certificate; write into it …`
impl std::fmt::Display for FileProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (file, what, mend) = (self.file.display(), &self.what, self.mend);
        write!(f, "openpgp.certificates: {file}: {what}; {mend}")
    }
}
