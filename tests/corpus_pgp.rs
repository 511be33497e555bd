//! OpenPGP mail of the corpus through the whole reader, compared with what GnuPG 2.2 and
//! Python's email package found.
//!
//! - encrypted, decrypted: what `openpgp` says. A mail that must not open is `unreadable`:
//!   encrypted, nothing of it decrypted, with a failure.
//! - text: `expect_contains` stands in ours, white space collapsed; of a clear-signed text the
//!   frame is not shown.
//! - subject: the protected one where the truth has one, else the outer one.
//! - signature: the worst status, with the set's certificates known.
//! - files: each name of the truth is there, but signatures, keys and mails, which are read.
//!
//! `TRIAGED_SHOW=1` prints each difference.

mod corpus;

use corpus::{
    Keys, Rates, collapse, corpus, decided, desk, expectations, keys, name_of, now, sets,
};
use serde_json::Value;
use triaged::mail::message::{Message, SignatureStatus};
use triaged::mail::open::{Limits, Opening, open};
use triaged::store::Store;
use triaged::triage::classify::Kind;
use triaged::triage::decide::CaseChange;

/// What is right where the truth of the set is not, and why: mail, what, right, why.
const CORRECTED: [(&str, &str, &str, &str); 9] = [
    (
        "deltachat/thunderbird_with_autocrypt_unencrypted.eml",
        "signature",
        "good",
        "the key came with the mail",
    ),
    (
        "kmail/openpgp-multipart-embedded-signed.mbox",
        "signature",
        "good",
        "the key came with the mail",
    ),
    (
        "schleuder/thunderbird-115.2.3-macos-xaddkey-attachment.eml",
        "signature",
        "expired",
        "the key came with the mail, and has expired",
    ),
    (
        "kmail/multipart-mixed-alternative-inline-pgp.mbox",
        "text",
        "Some text before PGP block encrypted message text Some text after PGP block",
        "the MIME header of the plaintext is read, not shown",
    ),
    (
        "kmail/openpgp-inline-signed.mbox",
        "text",
        "Unsigned part ohno öäü",
        "the frame of a clear-signed text is not shown",
    ),
    (
        "notmuch/encrypted-signed.eml",
        "text",
        "My Rhinoceros likes donuts, She eats them night and morn.",
        "one of two rows for this name is another mail's",
    ),
    (
        "notmuch/encrypted-rfc822-attachment",
        "text",
        "Subject: search by id To: Notmuch Test Suite <test_suite@notmuchmail.org> This is just a test message (#6)",
        "a forwarded mail in base64 is decoded",
    ),
    (
        "notmuch/pgpmime-enc+legacy-disp.eml",
        "text",
        "I just signed the contract with BarCorp",
        "legacy display repeats the protected subject and is left out (RFC 9788)",
    ),
    (
        "notmuch/pgpmime-sign+enc+legacy-disp.eml",
        "text",
        "I just signed the contract with BarCorp",
        "as above",
    ),
];

/// Where else we differ from the truth, and why we stay with our answer.
const EXPLAINED: [(&str, &str, &str); 8] = [
    (
        "kmail/openpgp-signed-encrypted-two-attachments.mbox",
        "files",
        "texts to be shown inline; they are, in the text",
    ),
    (
        "kmail/openpgp-encrypted-two-attachments.mbox",
        "files",
        "texts to be shown inline; they are, in the text",
    ),
    (
        "kmail/multipart-mixed-alternative-inline-pgp.mbox",
        "subject",
        "an encoded word without its end is decoded",
    ),
    (
        "notmuch/encrypted-signed.eml",
        "subject",
        "one of two rows for this name is another mail's",
    ),
    (
        "notmuch/wrapped-protected-header.eml",
        "subject",
        "a list wrapped the part: its subject speaks for the part alone",
    ),
    (
        "thunderbird/fwd-unsigned-encrypted.eml",
        "subject",
        "it is the forwarded mail's",
    ),
    ("schleuder/bounce.eml", "decrypted", "as below"),
    (
        "schleuder/bounce.eml",
        "encrypted",
        "the ciphertext is in the mail that bounced, which is not read",
    ),
];

/// What bounced is no mail to us.
const UNANSWERED: [&str; 1] = ["pgp-schleuder/bounce.eml"];

#[test]
fn mails_are_decrypted_as_gnupg_does() {
    let Some(corpus) = corpus() else { return };
    let mut rates = Rates::default();
    let mut unexplained = Vec::new();
    let mut read_right = Share::default();
    let mut judged_right = Share::default();
    for set in sets(&corpus, "pgp-") {
        let name = name_of(&set);
        let keys = keys(&set);
        for truth in expectations(&set) {
            let file = truth["file"].as_str().unwrap();
            let raw = std::fs::read(set.join(file)).unwrap();
            let message = read(&raw, &keys);
            let row = format!("{name}/{}", file.trim_start_matches("mail/"));
            let row = row.trim_start_matches("pgp-");
            let compared = compare(&truth, &message);
            let is_right = |what: &str| {
                let mut found = compared.iter().filter(|(field, _)| *field == what);
                found.all(|(_, passed)| *passed || is_as_corrected(row, what, &message))
            };
            if truth["any_decrypts"] == true && truth["truth"] == "certain" {
                read_right.add(is_right("decrypted") && is_right("text"), row);
            }
            if truth["signature_truth"] == "certain" {
                judged_right.add(is_right("signature"), row);
            }
            for &(what, passed) in &compared {
                let explained =
                    |(mail, field, _): &(&str, &str, &str)| *mail == row && *field == what;
                if !is_right(what) && !EXPLAINED.iter().any(explained) {
                    unexplained.push(format!("{row} {what}\n{}", shown(&message, &truth)));
                }
                rates.add(&name, what, passed, || {
                    format!("{file}\n{}", shown(&message, &truth))
                });
            }
        }
    }
    rates.print();
    read_right.print("of what GnuPG decrypts, decrypted with the right text");
    judged_right.print("signatures judged right");
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    assert!(
        read_right.all >= 50 && judged_right.all >= 80,
        "counted too few"
    );
    assert!(read_right.right * 100 >= read_right.all * 99);
    assert_eq!(judged_right.right, judged_right.all);
}

/// How many mails are right.
#[derive(Default)]
struct Share {
    right: usize,
    all: usize,
    wrong: Vec<String>,
}

impl Share {
    fn add(&mut self, is_right: bool, row: &str) {
        self.all += 1;
        self.right += usize::from(is_right);
        self.wrong.extend((!is_right).then(|| row.to_owned()));
    }

    fn print(&self, what: &str) {
        let Self { right, all, wrong } = self;
        let rate = 100.0 * *right as f64 / *all as f64;
        println!("{what}: {right} of {all}, {rate:.1} %, but {wrong:?}");
    }
}

/// Is it as the corrected truth says, where there is one?
fn is_as_corrected(row: &str, what: &str, message: &Message) -> bool {
    let corrected = CORRECTED
        .iter()
        .find(|(mail, field, ..)| *mail == row && *field == what);
    corrected.is_some_and(|(_, field, right, _)| match *field {
        "signature" => signature(message) == *right,
        _ => collapse(&message.text).contains(right),
    })
}

/// On the path of `explain`: a case, and one answer.
#[test]
fn what_cannot_be_decrypted_is_kept_and_answered() {
    let Some(corpus) = corpus() else { return };
    let store = Store::in_memory().unwrap();
    let mut answered = 0;
    let mut wrong = Vec::new();
    for set in sets(&corpus, "pgp-") {
        let desk = desk(&set);
        for truth in expectations(&set) {
            if truth["any_decrypts"] != false {
                continue;
            }
            let file = truth["file"].as_str().unwrap();
            let row = format!("{}/{}", name_of(&set), file.trim_start_matches("mail/"));
            let raw = std::fs::read(set.join(file)).unwrap();
            let (opened, decision) = decided(raw, &desk, &store).unwrap();
            let openpgp = &opened.message.openpgp;
            if openpgp.failure.is_none() && truth["truth"] == "uncertain" {
                println!("{row}: GnuPG cannot read it, and we can");
                continue;
            }
            let can_be_answered = opened.message.from.is_some();
            let is_right = decision.kind == Kind::Unreadable
                && decision.case == CaseChange::Open
                && decision.replies.len() == usize::from(can_be_answered);
            println!("{row}: {:?} {}", openpgp.failure, decision.kind.as_str());
            if is_right {
                answered += 1;
            } else if !UNANSWERED.contains(&row.as_str()) {
                wrong.push(format!("{row}: {decision:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(answered >= 4, "{answered}");
}

fn read(raw: &[u8], keys: &Keys) -> Message {
    let context = Opening {
        keyring: Some(&keys.keyring),
        known: &keys.known,
        limits: Limits::default(),
    };
    open(raw, &context, now())
}

fn compare(truth: &Value, message: &Message) -> Vec<(&'static str, bool)> {
    let openpgp = &message.openpgp;
    let mut found = Vec::new();
    // Of some damaged ones GnuPG cannot say what they are.
    let is_certain = truth["truth"] == "certain";
    let encrypted = truth["encrypted"].as_bool().filter(|_| is_certain);
    if let Some(encrypted) = encrypted {
        found.push(("encrypted", encrypted == openpgp.encrypted));
    }
    match truth["any_decrypts"].as_bool().filter(|_| is_certain) {
        Some(true) => {
            let all = truth["decrypts"].as_bool() == Some(openpgp.decrypted);
            found.push(("decrypted", openpgp.partly_decrypted && all));
        }
        Some(false) => found.push((
            "decrypted",
            !openpgp.partly_decrypted && openpgp.failure.is_some(),
        )),
        None => {}
    }
    if let Some(wanted) = truth["expect_contains"].as_str() {
        let text = collapse(&message.text);
        found.push(("text", text.contains(without_frame(wanted).trim())));
    }
    let subject = truth["protected_subject"]
        .as_str()
        .or(truth["subject"].as_str())
        .unwrap_or_default();
    found.push(("subject", collapse(&message.subject) == collapse(subject)));
    if truth["signature_truth"] == "certain" {
        let wanted = truth["signature"].as_str().unwrap();
        found.push(("signature", signature(message) == wanted));
    }
    for wanted in content_files(truth) {
        let is_there = message.attachments.iter().any(|file| file.name == wanted);
        found.push(("files", is_there));
    }
    found
}

/// A clear-signed text without the lines round it.
fn without_frame(text: &str) -> &str {
    let text = text
        .split_once(" -----BEGIN PGP SIGNATURE")
        .map_or(text, |(signed, _)| signed);
    let Some(inside) = text.strip_prefix("-----BEGIN PGP SIGNED MESSAGE-----") else {
        return text;
    };
    let hash = inside.trim_start().strip_prefix("Hash: ");
    hash.and_then(|rest| rest.split_once(' '))
        .map_or(inside, |(_, text)| text)
}

/// In the words of the truth; the worst one where there are several.
fn signature(message: &Message) -> &'static str {
    let has = |status| {
        let signatures = &message.openpgp.signatures;
        signatures.iter().any(|found| found.status == status)
    };
    [
        (SignatureStatus::Bad, "bad"),
        (SignatureStatus::RevokedKey, "revoked"),
        (SignatureStatus::ExpiredKey, "expired"),
        (SignatureStatus::UnknownKey, "no-pubkey"),
        (SignatureStatus::Good, "good"),
    ]
    .into_iter()
    .find(|(status, _)| has(*status))
    .map_or("none", |(_, words)| words)
}

/// Names of the files that say something to a reader, where the mail was decrypted.
fn content_files(truth: &Value) -> Vec<&str> {
    let is_content = |file: &&Value| {
        let media_type = file["type"].as_str().unwrap_or_default();
        !media_type.ends_with("signature") && media_type != "message/rfc822"
    };
    let files = truth["attachments"].as_array().into_iter().flatten();
    files
        .filter(is_content)
        .filter_map(|file| file["name"].as_str())
        .collect()
}

fn shown(message: &Message, truth: &Value) -> String {
    let start: String = collapse(&message.text).chars().take(300).collect();
    let files: Vec<&str> = message
        .attachments
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    let openpgp = &message.openpgp;
    format!(
        "   ours  encrypted {} decrypted {} {:?} {:?} subject {:?} files {files:?} text {start:?} {:?}\n   \
         truth signature {} subject {} {} contains {} files {}",
        openpgp.encrypted,
        openpgp.decrypted,
        openpgp.failure,
        openpgp.signatures,
        message.subject,
        message.problems,
        truth["signature"],
        truth["protected_subject"],
        truth["subject"],
        truth["expect_contains"],
        truth["attachments"],
    )
}
