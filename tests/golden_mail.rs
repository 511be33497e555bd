//! Golden mails: `tests/mail/NNN-name.eml` is read as `NNN-name.expected` says.
//!
//! Each is read with LF and with CRLF line ends, and both must give the same.
//! `TRIAGED_BLESS=1` writes what is read now; look at the difference before keeping it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use triaged::mail::message::Message;
use triaged::mail::open::{Limits, Opening, open};

#[test]
fn golden_mails_are_read_as_expected() {
    let bless = std::env::var_os("TRIAGED_BLESS").is_some();
    let mails = mails();
    assert!(mails.len() >= 20, "only {} golden mails", mails.len());
    for path in mails {
        let raw = std::fs::read(&path).unwrap();
        let expected_path = path.with_extension("expected");
        let shown = show(&read(&raw));
        if bless {
            std::fs::write(&expected_path, &shown).unwrap();
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap();
        assert_eq!(shown, expected, "{}", path.display());
        assert_eq!(
            show(&read(&with_crlf(&raw))),
            expected,
            "{} with CRLF",
            path.display()
        );
    }
}

fn mails() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail");
    let mut mails: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .collect();
    mails.sort();
    mails
}

fn read(raw: &[u8]) -> Message {
    let context = Opening {
        keyring: None,
        known: &[],
        limits: Limits::default(),
    };
    open(raw, &context, "2026-05-01T12:00:00Z".parse().unwrap())
}

fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in raw {
        if byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

/// What a reader of the mail gets, one fact a line; what is empty is left out.
fn show(message: &Message) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            writeln!(out, "{name}: {value}").unwrap();
        }
    };
    line("type", message.media_type.clone());
    line("subject", message.subject.clone());
    for (name, addresses) in [
        ("from", message.from.as_slice()),
        ("reply-to", &message.reply_to),
        ("to", &message.to),
        ("cc", &message.cc),
    ] {
        let shown: Vec<String> = addresses
            .iter()
            .map(|address| match &address.name {
                Some(name) => format!("{name} <{}>", address.email),
                None => address.email.clone(),
            })
            .collect();
        line(name, shown.join(", "));
    }
    line(
        "date",
        message
            .date
            .map(|date| date.to_rfc3339())
            .unwrap_or_default(),
    );
    line("message-id", message.message_id.clone().unwrap_or_default());
    line("references", message.references.join(" "));
    for file in &message.attachments {
        let excerpt = file.excerpt.as_deref().and_then(|text| text.lines().next());
        line(
            "attachment",
            format!(
                "{} ({}) {}",
                file.name,
                file.media_type,
                excerpt.unwrap_or("-")
            ),
        );
    }
    if let Some(report) = &message.machine_report {
        line("report", format!("{report:?}"));
    }
    if message.openpgp.encrypted {
        let openpgp = &message.openpgp;
        line(
            "openpgp",
            format!(
                "decrypted {} failure {:?}",
                openpgp.decrypted, openpgp.failure
            ),
        );
    }
    for problem in &message.problems {
        line("problem", problem.0.clone());
    }
    if message.text_lossy {
        line("lossy", "yes".to_owned());
    }
    out.push('\n');
    out.push_str(&message.text);
    out
}
