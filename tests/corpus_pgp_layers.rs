//! The OpenPGP layers of real mail: what GnuPG 2.2 opens, we open, to the same bytes.
//!
//! Takes armoured blocks out of mails by hand; finding them among MIME parts is the work of
//! another module. The truth is in `expect.jsonl` of each set.

mod corpus;

use std::collections::BTreeSet;
use std::path::Path;

use corpus::{corpus, now};
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, MessageParser, MessagePart, MimeHeaders, PartType};
use secrecy::SecretString;
use serde_json::Value;
use triaged::mail::message::{Certificate, Digest, Failure, SignatureStatus};
use triaged::mail::pgp::{self, Keyring, read_certificates};

const AT_MOST: usize = 64 * 1024 * 1024;

struct Set {
    name: String,
    keyring: Keyring,
    known: Vec<Certificate>,
    mails: Vec<(String, Vec<u8>, Value)>,
}

fn set(corpus: &Path, name: &str) -> Set {
    let directory = corpus.join(name);
    let mut keys: Vec<(String, Vec<u8>)> = std::fs::read_dir(directory.join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
        .collect();
    keys.sort();
    let truth = std::fs::read_to_string(directory.join("expect.jsonl")).unwrap();
    let mails: Vec<_> = truth
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|truth| {
            let file = truth["file"].as_str().unwrap().to_owned();
            let bytes = std::fs::read(directory.join(&file)).unwrap();
            (file, bytes, truth)
        })
        .collect();
    let passphrase = mails
        .iter()
        .flat_map(|(_, _, truth)| truth["layers"].as_array().unwrap())
        .filter_map(|layer| layer["passphrase"].as_str())
        .find(|passphrase| !passphrase.is_empty())
        .map(SecretString::from);
    let (keyring, problems) = Keyring::load(&keys, passphrase.as_ref(), "a@example.test", now());
    for problem in problems.iter().filter(|problem| problem.fatal) {
        let file = problem.origin.rsplit('/').next().unwrap();
        eprintln!("{name}: {file}: {}", problem.what);
    }
    let known = keys
        .iter()
        .flat_map(|(_, bytes)| read_certificates(bytes))
        .collect();
    Set {
        name: name.to_owned(),
        keyring,
        known,
        mails,
    }
}

/// Everything in a mail that may be OpenPGP: the mail itself, each part decoded, and attached
/// mails likewise.
fn candidates(raw: &[u8], depth: usize) -> Vec<Vec<u8>> {
    let mut found = vec![raw.to_vec()];
    // The KMail set comes in mbox form.
    let raw = match raw.strip_prefix(b"From ") {
        Some(rest) => {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(0);
            &rest[end + 1..]
        }
        None => raw,
    };
    let Some(message) = MessageParser::new().parse(raw) else {
        return found;
    };
    if depth > 4 {
        return found;
    }
    for part in &message.parts {
        match &part.body {
            PartType::Message(_) => found.extend(candidates(body(raw, part), depth + 1)),
            PartType::Multipart(_) => {}
            _ => {
                found.push(part.contents().to_vec());
                // As signed: before the parser turned it into UTF-8.
                if part.encoding == Encoding::QuotedPrintable {
                    found.extend(quoted_printable_decode(body(raw, part)));
                }
            }
        }
    }
    found
}

fn body<'a>(raw: &'a [u8], part: &MessagePart) -> &'a [u8] {
    &raw[part.offset_body as usize..part.offset_end as usize]
}

/// The blocks that begin with `-----BEGIN PGP label` at the head of a line.
fn blocks(text: &[u8], label: &str) -> Vec<Vec<u8>> {
    let begin = format!("-----BEGIN PGP {label}-----");
    let mut found = Vec::new();
    let mut block: Option<Vec<u8>> = None;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if block.is_none() && line.starts_with(begin.as_bytes()) {
            block = Some(Vec::new());
        }
        if let Some(block) = &mut block {
            block.extend_from_slice(line);
        }
        if line.starts_with(b"-----END PGP ") {
            found.extend(block.take());
        }
    }
    found.extend(block);
    found
}

/// What came out of a mail, in all layers.
#[derive(Default)]
struct Opened {
    digests: BTreeSet<String>,
    lengths: BTreeSet<usize>,
    plaintexts: usize,
    failures: Vec<Failure>,
    /// (status, fingerprint)
    signatures: Vec<(SignatureStatus, String)>,
}

fn open(set: &Set, raw: &[u8], depth: usize, opened: &mut Opened) {
    let mut messages = BTreeSet::new();
    for candidate in candidates(raw, 0) {
        messages.extend(blocks(&candidate, "MESSAGE"));
        if candidate.first().is_some_and(|first| *first >= 0x80) {
            messages.insert(candidate.clone());
        }
        for block in blocks(&candidate, "SIGNED MESSAGE") {
            if let Some((_, signatures)) = pgp::verify_cleartext(&block, &set.known, now()) {
                note(signatures, opened);
            }
        }
    }
    for message in messages {
        match set.keyring.decrypt(&message, &set.known, AT_MOST, now()) {
            Ok(plain) => {
                // GnuPG turns the line ends of literal text into those of its system.
                for bytes in [plain.bytes.clone(), with_lf(&plain.bytes)] {
                    opened.digests.insert(Digest::of(&bytes).to_string());
                }
                opened.lengths.insert(plain.bytes.len());
                opened.plaintexts += 1;
                note(plain.signatures, opened);
                if depth < 4 {
                    open(set, &plain.bytes, depth + 1, opened);
                }
            }
            Err(failure) => {
                if let Some(plain) = pgp::verify_message(&message, &set.known, AT_MOST, now()) {
                    note(plain.signatures, opened);
                } else {
                    opened.failures.push(failure);
                }
            }
        }
    }
    detached(set, raw, opened);
}

/// multipart/signed: the first part as it stands, without its last line end (RFC 3156, 5).
fn detached(set: &Set, raw: &[u8], opened: &mut Opened) {
    let Some(message) = MessageParser::new().parse(raw) else {
        return;
    };
    for part in &message.parts {
        let PartType::Multipart(children) = &part.body else {
            continue;
        };
        let is_signed = part
            .content_type()
            .is_some_and(|kind| kind.subtype() == Some("signed"));
        let [text, signature] = children[..] else {
            continue;
        };
        if !is_signed {
            continue;
        }
        let text = &message.parts[text as usize];
        let signature = &message.parts[signature as usize];
        let signed = &raw[text.offset_header as usize..text.offset_end as usize];
        let found =
            pgp::verify_detached(&canonical(signed), signature.contents(), &set.known, now());
        note(found, opened);
    }
    for part in &message.parts {
        if matches!(part.body, PartType::Message(_)) {
            detached(set, body(raw, part), opened);
        }
    }
}

fn with_lf(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (position, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(position + 1) != Some(&b'\n') {
            bytes.push(*byte);
        }
    }
    bytes
}

/// Line ends as they travelled.
fn canonical(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                lines.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                lines.extend_from_slice(b"\r\n");
            }
            None => lines.extend_from_slice(line),
        }
    }
    lines
}

fn note(signatures: Vec<triaged::mail::message::Signature>, opened: &mut Opened) {
    for signature in signatures {
        let found = (signature.status, signature.fingerprint.unwrap_or_default());
        if !opened.signatures.contains(&found) {
            opened.signatures.push(found);
        }
    }
}

#[derive(Default, Debug)]
struct Score {
    layers: usize,
    opened: usize,
    same: usize,
    refused_rightly: usize,
    not_to_open: usize,
    signatures: usize,
    signatures_agree: usize,
}

fn measure(set: &Set) -> Score {
    let mut score = Score::default();
    for (file, raw, truth) in &set.mails {
        let layers = truth["layers"].as_array().unwrap();
        if layers.is_empty() {
            continue;
        }
        let mut opened = Opened::default();
        open(set, raw, 0, &mut opened);
        for layer in layers {
            let place = format!("{} {file} {}", set.name, layer["where"].as_str().unwrap());
            match layer["decrypts"].as_bool() {
                Some(true) => {
                    score.layers += 1;
                    let same = opened
                        .digests
                        .contains(layer["plain_sha256"].as_str().unwrap());
                    score.opened += usize::from(same || opened.plaintexts > 0);
                    score.same += usize::from(same);
                    if !same {
                        eprintln!(
                            "{place}: {} plaintexts of {:?} bytes, {:?}",
                            opened.plaintexts, opened.lengths, opened.failures
                        );
                    }
                }
                Some(false) => {
                    score.not_to_open += 1;
                    score.refused_rightly += usize::from(opened.plaintexts == 0);
                    eprintln!(
                        "{place}: not to be opened ({}): {:?}",
                        layer["reason"], opened.failures
                    );
                }
                None => {}
            }
            for signature in layer["sigs"].as_array().into_iter().flatten() {
                score.signatures += 1;
                let wanted = match signature["status"].as_str().unwrap() {
                    "good" => SignatureStatus::Good,
                    "bad" => SignatureStatus::Bad,
                    "no-pubkey" => SignatureStatus::UnknownKey,
                    "expired" => SignatureStatus::ExpiredKey,
                    "revoked" => SignatureStatus::RevokedKey,
                    other => panic!("{place}: unknown status {other}"),
                };
                let key = signature["keyid"].as_str().unwrap();
                let agrees = opened
                    .signatures
                    .iter()
                    .any(|(status, name)| *status == wanted && name.ends_with(key));
                score.signatures_agree += usize::from(agrees);
                if !agrees {
                    eprintln!(
                        "{place}: gpg says {wanted:?} {key}, we {:?}",
                        opened.signatures
                    );
                }
            }
        }
    }
    eprintln!("{}: {score:?}", set.name);
    score
}

#[track_caller]
fn check(name: &str, opened: usize, signatures: usize) {
    let Some(corpus) = corpus() else {
        return;
    };
    let set = set(&corpus, name);
    let score = measure(&set);
    assert!(score.same >= opened, "{name}: {score:?}");
    assert!(score.signatures_agree >= signatures, "{name}: {score:?}");
    assert_eq!(
        score.refused_rightly, score.not_to_open,
        "{name}: {score:?}"
    );
}

#[test]
fn deltachat() {
    check("pgp-deltachat", 7, 8);
}

#[test]
fn kmail() {
    check("pgp-kmail", 15, 10);
}

/// Two entries name the same file, with the truth of two different mails.
#[test]
fn notmuch() {
    check("pgp-notmuch", 8, 4);
}

#[test]
fn rt() {
    check("pgp-rt", 9, 8);
}

#[test]
fn schleuder() {
    check("pgp-schleuder", 6, 6);
}

#[test]
fn thunderbird() {
    check("pgp-thunderbird", 12, 14);
}
