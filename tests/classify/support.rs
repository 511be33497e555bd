//! Messages for the tests of classification: from raw bytes, or from a few fields.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use triaged::config::Organization;
use triaged::mail::message::Message;
use triaged::mail::open::{Limits, Opening};

pub fn organization() -> Organization {
    Organization {
        name: "Example Corp".into(),
        address: "security@corp.example".into(),
        aliases: vec!["psirt@corp.example".into()],
        authserv_ids: vec!["mx.corp.example".into()],
        list_ids: vec!["security.corp.example".into()],
    }
}

/// A set of the corpus, or `None` with a loud line where it is not there.
pub fn corpus(set: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TRIAGED_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    let path = root.join(set);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: no corpus set {set} at {}", path.display());
    None
}

/// The rows of a set's `expect.jsonl`.
pub fn expectations(set: &std::path::Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(set.join("expect.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A mail with these words and nothing else.
pub fn mail(from: &str, subject: &str, text: &str) -> Message {
    open(
        format!(
            "From: {from}\r\nTo: security@corp.example\r\nSubject: {subject}\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{text}"
        )
        .as_bytes(),
    )
}

/// Reads a mail as received, as the program does, without keys.
pub fn open(raw: &[u8]) -> Message {
    let opening = Opening {
        keyring: None,
        known: &[],
        limits: Limits::default(),
    };
    triaged::mail::open::open(raw, &opening, now())
}

pub fn now() -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse().unwrap()
}
