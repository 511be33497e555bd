//! Every file of every set on the whole path up to the decision: read, classified, compared and
//! decided, with the set's keys, in time, without a panic and within the bounds.
//!
//! What is no mail goes three ways: as the body of one, as a file of one, and as it is.

mod busy;
mod corpus;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use busy::busy;
use corpus::{corpus, desk, files, name_of, sets};
use triaged::intake::Opened;
use triaged::letters::Desk;
use triaged::mail::open::Limits;
use triaged::store::Store;
use triaged::triage::decide::Decision;

/// What one file may take, in a debug build.
const SLOW: Duration = Duration::from_secs(20);

/// Far above what any mail of the corpus has.
const MOST_LABELS: usize = 20;

#[test]
fn every_file_of_every_set_is_judged() {
    let Some(corpus) = corpus() else { return };
    let store = Store::in_memory().unwrap();
    let mut count = 0;
    let mut slowest = (Duration::ZERO, PathBuf::new());
    for set in sets(&corpus, "") {
        let desk = desk(&set);
        let mut of_set = 0;
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for path in ["mail", "text", "files"]
            .map(|folder| set.join(folder))
            .iter()
            .flat_map(|folder| files(folder))
        {
            let bytes = std::fs::read(&path).unwrap();
            for raw in forms(&path, bytes) {
                let before = busy();
                *kinds.entry(judge(&path, raw, &desk, &store)).or_default() += 1;
                let took = busy() - before;
                assert!(took < SLOW, "{}: {took:?}", path.display());
                if took > slowest.0 {
                    slowest = (took, path.clone());
                }
                of_set += 1;
            }
        }
        println!("{:28} {of_set} read: {kinds:?}", name_of(&set));
        count += of_set;
    }
    println!(
        "all {count}; slowest {:?}, {}",
        slowest.0,
        slowest.1.display()
    );
    assert!(count > 3_000, "only {count}");
}

/// The bytes as mails.
fn forms(path: &Path, bytes: Vec<u8>) -> Vec<Vec<u8>> {
    if path.parent().is_some_and(|folder| folder.ends_with("mail")) {
        return vec![bytes];
    }
    vec![body(&bytes), attached(&name_of(path), &bytes), bytes]
}

const HEAD: &str = "From: Jane <jane@sender.example>\r\nTo: a@example.test\r\n\
    Subject: Report\r\nMIME-Version: 1.0\r\n";

fn body(bytes: &[u8]) -> Vec<u8> {
    let head = format!("{HEAD}Content-Type: text/plain; charset=utf-8\r\n\r\n");
    [head.as_bytes(), bytes].concat()
}

fn attached(name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "{HEAD}Content-Type: multipart/mixed; boundary=\"=b=\"\r\n\r\n--=b=\r\n\r\nPlease see the file.\r\n\
         --=b=\r\nContent-Type: application/octet-stream\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--=b=--\r\n"].concat()
}

#[track_caller]
fn judge(path: &Path, raw: Vec<u8>, desk: &Desk, store: &Store) -> &'static str {
    let (opened, decision) = corpus::decided(raw, desk, store)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    check_bounds(path, &opened, &decision);
    decision.kind.as_str()
}

#[track_caller]
fn check_bounds(path: &Path, opened: &Opened, decision: &Decision) {
    let shown = path.display();
    let message = &opened.message;
    let broken = message
        .problems
        .iter()
        .find(|problem| problem.0.contains("broke"));
    assert_eq!(broken, None, "{shown}");
    assert_eq!(message.size, opened.mail.raw.len() as u64, "{shown}");
    let limits = Limits::default();
    assert!(message.text.len() <= limits.text, "{shown}");
    assert!(message.attachments.len() <= limits.parts, "{shown}");
    for file in &message.attachments {
        assert!(
            file.name.chars().count() <= 255 && !file.name.is_empty(),
            "{shown}"
        );
        assert!(
            !file.name.contains(['/', '\\', '\0']),
            "{shown}: {}",
            file.name
        );
        let excerpt = file.excerpt.as_ref().map_or(0, String::len);
        assert!(excerpt <= limits.excerpt, "{shown}");
    }
    assert!(message.subject.chars().count() <= 2_000, "{shown}");
    assert!(!message.text.contains(['\0', '\r']), "{shown}");
    assert!(decision.labels.len() <= MOST_LABELS, "{shown}");
    assert!(decision.replies.len() <= 1, "{shown}");
    assert!(
        decision.replies.is_empty() == decision.reply_suppressed.is_some(),
        "{shown}: an answer, or the reason why there is none"
    );
    let extracted = &opened.extracted;
    for list in [&extracted.cve, &extracted.cwe, &extracted.urls] {
        assert!(list.len() <= 200, "{shown}");
    }
}
