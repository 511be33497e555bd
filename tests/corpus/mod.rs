//! The corpus of real mail, as the tests read it: sets, their truths and their keys.
//!
//! `TRIAGED_CORPUS` names its place; without one it lies beside the project.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::Value;
use triaged::config::Organization;
use triaged::intake::{self, Mail, Opened};
use triaged::letters::Desk;
use triaged::mail::message::Certificate;
use triaged::mail::pgp::{Keyring, read_certificates};
use triaged::mailbox::Lane;
use triaged::store::{Store, StoreError};
use triaged::triage::decide::Decision;
use triaged::triage::reply::Texts;

/// The corpus, or `None` with a loud line where it is not there.
pub fn corpus() -> Option<PathBuf> {
    let path = std::env::var_os("TRIAGED_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    if path.is_dir() {
        return Some(path);
    }
    eprintln!(
        "SKIPPED: no corpus at {}; set TRIAGED_CORPUS",
        path.display()
    );
    None
}

/// 2026-06-01, when no key of the corpus had expired that GnuPG found alive.
pub fn now() -> DateTime<Utc> {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// The sets whose names begin so.
pub fn sets(corpus: &Path, prefix: &str) -> Vec<PathBuf> {
    files(corpus)
        .into_iter()
        .filter(|path| path.is_dir() && name_of(path).starts_with(prefix))
        .collect()
}

/// What lies in a folder, by name; nothing where there is no such folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

pub fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The rows of a set's `expect.jsonl`.
pub fn expectations(set: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(set.join("expect.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The secret keys of a set, and all its certificates.
pub struct Keys {
    pub keyring: Keyring,
    pub known: Vec<Certificate>,
}

pub fn keys(set: &Path) -> Keys {
    let sources: Vec<(String, Vec<u8>)> = files(&set.join("keys"))
        .into_iter()
        .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
        .collect();
    // As the set's SOURCE.md says.
    let passphrase = (name_of(set) == "pgp-rt").then(|| SecretString::from("rt-test"));
    let (keyring, _) = Keyring::load(&sources, passphrase.as_ref(), "a@example.test", now());
    let known = sources
        .iter()
        .flat_map(|(_, bytes)| read_certificates(bytes))
        .collect();
    Keys { keyring, known }
}

/// A desk with the secret keys of a set.
pub fn desk(set: &Path) -> Desk {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policies/cloudarq.toml");
    let (policy, mistakes) = triaged::config::policy::read(Path::new(file));
    assert!(mistakes.is_empty(), "{mistakes:?}");
    Desk {
        organization: Organization {
            name: "Example".into(),
            address: "a@example.test".into(),
            aliases: Vec::new(),
            authserv_ids: Vec::new(),
            list_ids: Vec::new(),
        },
        policy: policy.unwrap(),
        texts: Texts::load(None).unwrap(),
        keyring: Arc::new(keys(set).keyring),
        signs: true,
        pinned: Default::default(),
        team: Default::default(),
        digest: None,
        return_path: None,
    }
}

/// A mail on the path that `explain` takes: read, compared with an empty database, decided.
pub fn decided(raw: Vec<u8>, desk: &Desk, store: &Store) -> Result<(Opened, Decision), StoreError> {
    let mail = Mail {
        size: raw.len() as u64,
        raw,
        kept: None,
        lane: Lane::Inbox,
        received_at: now(),
        too_large: false,
        unanswered: None,
        place: None,
    };
    let mut opened = intake::open_mail(mail, desk, now());
    let decision = store.read(|tx| intake::judge(tx, &mut opened, desk, now()))?;
    Ok((opened, decision))
}

/// Passed and counted, by set and by what was compared.
#[derive(Default)]
pub struct Rates(BTreeMap<String, BTreeMap<&'static str, (usize, usize)>>);

impl Rates {
    /// Prints a difference where `TRIAGED_SHOW` is set.
    pub fn add(
        &mut self,
        set: &str,
        what: &'static str,
        passed: bool,
        difference: impl FnOnce() -> String,
    ) {
        let rate = self.0.entry(set.to_owned()).or_default();
        let rate = rate.entry(what).or_default();
        rate.0 += usize::from(passed);
        rate.1 += 1;
        if !passed && std::env::var_os("TRIAGED_SHOW").is_some() {
            println!("{set} {what}: {}", difference());
        }
    }

    /// Prints all rates, and returns how many fail over all sets.
    pub fn print(&self) -> BTreeMap<&'static str, usize> {
        let mut total: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
        for (set, fields) in &self.0 {
            println!("{set:16} {}", in_words(fields));
            for (what, (passed, all)) in fields {
                let sum = total.entry(what).or_default();
                sum.0 += passed;
                sum.1 += all;
            }
        }
        println!("{:16} {}", "all", in_words(&total));
        total
            .into_iter()
            .map(|(what, (passed, all))| (what, all - passed))
            .collect()
    }
}

fn in_words(fields: &BTreeMap<&'static str, (usize, usize)>) -> String {
    let shown: Vec<String> = fields
        .iter()
        .map(|(what, (passed, all))| format!("{what} {passed}/{all}"))
        .collect();
    shown.join("  ")
}

/// White space collapsed, control characters left out.
pub fn collapse(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}
