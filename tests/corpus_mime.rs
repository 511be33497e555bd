//! Every mail of the corpus is read: without a panic, in bounded time, and, where independent
//! parsers agree on what is in it, with the same result.
//!
//! Rules of comparison. White space is collapsed and control characters are left out everywhere.
//! Subject: equal. From: the address, without regard to case. Text: the truth's start (of the
//! first text/plain) begins within the first 2,000 characters of ours. Names: the same multiset
//! once the truth's were made safe as ours are. Files: the same multiset of SHA-256.
//! A field counts only where two parsers agree on it.
//!
//! `TRIAGED_SHOW=1` prints each difference.

mod busy;
mod corpus;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use busy::busy;
use chrono::{DateTime, Utc};
use corpus::{corpus, name_of};
use serde_json::Value;
use triaged::mail::message::Message;
use triaged::mail::open::{Limits, Opening, open};
use triaged::mail::text::safe_name;

/// What one mail may take, in a debug build.
const SLOW: Duration = Duration::from_secs(12);

fn now() -> DateTime<Utc> {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

fn read(raw: &[u8]) -> Message {
    let context = Opening {
        keyring: None,
        known: &[],
        limits: Limits::default(),
    };
    open(raw, &context, now())
}

fn sets(corpus: &Path) -> Vec<PathBuf> {
    let mut sets: Vec<PathBuf> = std::fs::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("mail").is_dir())
        .collect();
    sets.sort();
    sets
}

#[test]
fn every_mail_is_read_in_time() {
    let Some(corpus) = corpus() else { return };
    let mut count = 0;
    for set in sets(&corpus) {
        for entry in std::fs::read_dir(set.join("mail")).unwrap() {
            let path = entry.unwrap().path();
            let raw = std::fs::read(&path).unwrap();
            let before = busy();
            let message = read(&raw);
            assert!(busy() - before < SLOW, "{}", path.display());
            assert_eq!(message.size, raw.len() as u64);
            let broke = message.problems.iter().any(|p| p.0.contains("broke"));
            assert!(!broke, "{}: {:?}", path.display(), message.problems);
            assert!(!message.text.contains('\0') && !message.text.contains('\r'));
            assert!(
                !message.text.contains("-----BEGIN PGP MESSAGE-----\n\nhQ"),
                "{}: ciphertext in the text",
                path.display()
            );
            for file in &message.attachments {
                let safe = safe_name(&file.name);
                assert_eq!(
                    safe.as_deref(),
                    Some(file.name.as_str()),
                    "{}",
                    path.display()
                );
            }
            count += 1;
        }
    }
    assert!(count > 500, "only {count} mails");
}

/// Passed and counted, by set and field.
type Rates = BTreeMap<String, BTreeMap<&'static str, (usize, usize)>>;

#[test]
fn mails_are_read_as_other_parsers_agree() {
    let Some(corpus) = corpus() else { return };
    let show = std::env::var_os("TRIAGED_SHOW").is_some();
    let mut rates = Rates::new();
    for set in sets(&corpus) {
        let name = name_of(&set);
        if !name.starts_with("mime-") {
            continue;
        }
        let expected = std::fs::read_to_string(set.join("expect.jsonl")).unwrap();
        for line in expected.lines() {
            let truth: Value = serde_json::from_str(line).unwrap();
            let file = truth["file"].as_str().unwrap();
            let message = read(&std::fs::read(set.join(file)).unwrap());
            for (field, wanted, found) in compare(&truth, &message) {
                let passed = passes(field, &wanted, &found);
                let rate = rates.entry(name.clone()).or_default();
                let rate = rate.entry(field).or_default();
                rate.0 += usize::from(passed);
                rate.1 += 1;
                if show && !passed {
                    println!("{name}/{file} {field}\n   truth {wanted:?}\n   ours  {found:?}");
                }
            }
        }
    }
    let mut total: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (set, fields) in &rates {
        let shown: Vec<String> = fields
            .iter()
            .map(|(field, (passed, all))| format!("{field} {passed}/{all}"))
            .collect();
        println!("{set:16} {}", shown.join("  "));
        for (field, (passed, all)) in fields {
            let sum = total.entry(field).or_default();
            sum.0 += passed;
            sum.1 += all;
        }
    }
    for (field, floor) in FLOORS {
        let (passed, all) = total[field];
        println!("{field:16} {passed}/{all}");
        assert!(all - passed <= floor, "{field}: {} differ", all - passed);
    }
}

/// How many mails may differ from what the others agree on.
const FLOORS: [(&str, usize); 5] = [
    ("subject", 4),
    ("from", 5),
    ("text", 5),
    ("names", 5),
    ("files", 5),
];

/// Field, truth and our answer, each in a form that can be compared.
fn compare(truth: &Value, message: &Message) -> Vec<(&'static str, Vec<String>, Vec<String>)> {
    let agreed = |field: &str| truth["agreement"][field].as_u64().unwrap_or(0) > 0;
    let text = |field: &str| collapse(truth[field].as_str().unwrap_or_default());
    let list = |field: &str| -> Vec<String> {
        let values = truth[field]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        values
            .iter()
            .map(|value| value.as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let mut found = Vec::new();
    if agreed("subject") {
        found.push((
            "subject",
            vec![text("subject")],
            vec![collapse(&message.subject)],
        ));
    }
    if agreed("from") {
        let ours = message
            .from
            .as_ref()
            .map(|from| from.key())
            .unwrap_or_default();
        found.push(("from", vec![text("from").to_lowercase()], vec![ours]));
    }
    if agreed("text_start") {
        let start: String = collapse(&message.text).chars().take(2_000).collect();
        found.push(("text", vec![text("text_start")], vec![start]));
    }
    if agreed("attachment_names") {
        let truth = list("attachment_names");
        let truth = truth.iter().filter_map(|name| safe_name(name)).collect();
        // A name that we made up stands for none.
        let ours = message.attachments.iter().map(|file| file.name.clone());
        let ours = ours
            .filter(|name| !name.starts_with("attachment-"))
            .collect();
        found.push(("names", sorted(truth), sorted(ours)));
    }
    if agreed("attachment_sha256") {
        let ours = message
            .attachments
            .iter()
            .map(|file| file.digest.to_string());
        found.push((
            "files",
            sorted(list("attachment_sha256")),
            sorted(ours.collect()),
        ));
    }
    found
}

fn passes(field: &str, truth: &[String], ours: &[String]) -> bool {
    match field {
        "text" => ours[0].contains(truth[0].trim_end()),
        _ => truth == ours,
    }
}

fn collapse(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}
