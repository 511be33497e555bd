//! Mails made of a few fields, in several forms, and values that look real and belong to nobody.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::Value;
use triaged::mail::message::Message;
use triaged::mail::open::{Limits, Opening};

/// The program that reads PDFs for these tests.
pub fn use_built_program() {
    triaged::pdf::use_program(env!("CARGO_BIN_EXE_triaged"));
}

pub fn now() -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// Reads a mail as the daemon does, without keys.
pub fn open(raw: &[u8]) -> Message {
    let opening = Opening {
        keyring: None,
        known: &[],
        limits: Limits::default(),
    };
    let (mut message, documents) = triaged::mail::open::open_with_documents(raw, &opening, now());
    triaged::pdf::read_into(&mut message, &documents);
    message
}

pub fn plain(subject: &str, text: &str) -> Message {
    open(raw(subject, "text/plain", text).as_bytes())
}

fn raw(subject: &str, kind: &str, text: &str) -> String {
    let subject = STANDARD.encode(subject);
    format!(
        "From: Ann <ann@research.test>\r\nTo: security@cloudarq.example\r\n\
         Subject: =?utf-8?B?{subject}?=\r\nMIME-Version: 1.0\r\n\
         Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        STANDARD.encode(text)
    )
}

pub struct File {
    pub name: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// A mail in one of the forms of the labelled sets.
pub fn mail(form: &str, subject: &str, text: &str, files: Vec<File>) -> Message {
    let text = text.trim_start();
    match form {
        "plain" => open(with_files(subject, "text/plain", text, files).as_bytes()),
        "html" => {
            let html = format!(
                "<html><body><p>{}</p></body></html>",
                text.replace('\n', "<br>\n")
            );
            open(with_files(subject, "text/html", &html, files).as_bytes())
        }
        "quoted" => {
            let quote: String = text.lines().map(|line| format!("> {line}\n")).collect();
            let text =
                format!("On Mon, 4 May 2026 at 10:00, Bob <bob@research.test> wrote:\n\n{quote}");
            open(with_files(subject, "text/plain", &text, files).as_bytes())
        }
        "forwarded" => {
            let inner = raw(subject, "text/plain", text);
            let file = File {
                name: "report.eml".to_owned(),
                media_type: "message/rfc822".to_owned(),
                bytes: inner.into_bytes(),
            };
            open(with_files(subject, "text/plain", "FYI, please see below.", vec![file]).as_bytes())
        }
        "pdf" => {
            let file = File {
                name: "report.pdf".to_owned(),
                media_type: "application/pdf".to_owned(),
                bytes: pdf(text),
            };
            open(
                with_files(
                    subject,
                    "text/plain",
                    "Please see the attached report.",
                    vec![file],
                )
                .as_bytes(),
            )
        }
        other => panic!("no form {other}"),
    }
}

pub fn with_files(subject: &str, kind: &str, text: &str, files: Vec<File>) -> String {
    if files.is_empty() {
        return raw(subject, kind, text);
    }
    let mut out = format!(
        "From: Ann <ann@research.test>\r\nTo: security@cloudarq.example\r\n\
         Subject: =?utf-8?B?{}?=\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"=b=\"\r\n\r\n\
         --=b=\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        STANDARD.encode(subject),
        STANDARD.encode(text)
    );
    for file in files {
        if file.media_type == "message/rfc822" {
            out.push_str(&format!(
                "--=b=\r\nContent-Type: message/rfc822\r\n\r\n{}\r\n",
                String::from_utf8(file.bytes).unwrap()
            ));
            continue;
        }
        out.push_str(&format!(
            "--=b=\r\nContent-Type: {}\r\nContent-Disposition: attachment; filename=\"{}\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
            file.media_type,
            file.name,
            STANDARD.encode(file.bytes)
        ));
    }
    out + "--=b=--\r\n"
}

/// A PDF of one page in Helvetica, a line of it for each line of the text. Latin letters alone.
pub fn pdf(text: &str) -> Vec<u8> {
    let lines: String = text
        .lines()
        .map(|line| {
            let line = line
                .replace('\\', "\\\\")
                .replace('(', "\\(")
                .replace(')', "\\)");
            format!("({line}) Tj T*\n")
        })
        .collect();
    let content = format!("BT /F1 8 Tf 10 TL 30 800 Td\n{lines}ET");
    let content: Vec<u8> = content
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect();
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1200 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_vec(),
        [
            format!("<< /Length {} >>\nstream\n", content.len()).into_bytes(),
            content,
            b"\nendstream".to_vec(),
        ]
        .concat(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend(format!("{} 0 obj\n", at + 1).into_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for offset in offsets {
        out.extend(format!("{offset:010} 00000 n \n").into_bytes());
    }
    out.extend(
        format!(
            "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
            objects.len() + 1
        )
        .into_bytes(),
    );
    out
}

/// Letters as in a key that somebody drew by lot; the same for the same seed.
pub fn letters(alphabet: &str, length: usize, seed: u64) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            alphabet[(state % alphabet.len() as u64) as usize]
        })
        .collect()
}

const MIXED: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const HEX: &str = "0123456789abcdef";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const DIGITS: &str = "0123456789";

fn card(head: &str, length: usize, seed: u64) -> String {
    let body = format!("{head}{}", letters(DIGITS, length - head.len() - 1, seed));
    let sum: u32 = body
        .bytes()
        .rev()
        .map(|byte| u32::from(byte - b'0'))
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (1, _) => digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn iban(country: &str, body: &str) -> String {
    let digits: String = format!("{body}{country}00")
        .chars()
        .map(|c| c.to_digit(36).unwrap().to_string())
        .collect();
    let rest = digits.bytes().fold(0_u32, |rest, byte| {
        (rest * 10 + u32::from(byte - b'0')) % 97
    });
    format!("{country}{:02}{body}", 98 - rest)
}

fn in_fours(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    bytes
        .chunks(4)
        .map(|four| four.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join(" ")
}

fn armour(label: &str, width: usize) -> String {
    let lines: Vec<String> = (0..6)
        .map(|line| letters(MIXED, width, 90 + line))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----",
        lines.join("\n")
    )
}

/// What stands for `{name}` in a labelled mail. None of it is written in the repository as it is.
pub fn filled(text: &str) -> String {
    let token = [
        URL_SAFE_NO_PAD.encode("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"),
        URL_SAFE_NO_PAD.encode("{\"sub\":\"u-4711\",\"org\":7,\"exp\":1790000000}"),
        letters(MIXED, 43, 1),
    ]
    .join(".");
    let german = iban("DE", "500105178914629703");
    let values: Vec<(&str, String)> = vec![
        ("card", card("4532", 16, 11)),
        ("card2", card("5234", 16, 12)),
        ("card_spaced", in_fours(&card("4916", 16, 13))),
        ("amex", card("3772", 15, 14)),
        ("iban_spaced", in_fours(&german)),
        ("iban_fr", iban("FR", "3000201234A567890B18742")),
        ("iban", german),
        ("aws_secret", letters(MIXED, 40, 2)),
        ("aws", format!("AKIA{}", letters(BASE32, 16, 3))),
        ("ghp", format!("ghp_{}", letters(MIXED, 36, 4))),
        (
            "github_pat",
            format!(
                "github_pat_{}_{}",
                letters(MIXED, 22, 5),
                letters(MIXED, 59, 6)
            ),
        ),
        ("glpat", format!("glpat-{}", letters(MIXED, 20, 7))),
        (
            "slack",
            format!("xoxb-{}-{}", letters(DIGITS, 12, 8), letters(MIXED, 24, 9)),
        ),
        (
            "slack_hook",
            format!(
                "https://hooks.chat.test/services/T{}/B{}/{}",
                letters(BASE32, 10, 20),
                letters(BASE32, 10, 21),
                letters(MIXED, 24, 22)
            ),
        ),
        ("stripe", format!("sk_live_{}", letters(MIXED, 24, 23))),
        ("gcp", format!("AIza{}", letters(MIXED, 35, 24))),
        ("openai", format!("sk-proj-{}", letters(MIXED, 64, 25))),
        (
            "anthropic",
            format!("sk-ant-api03-{}", letters(MIXED, 93, 26)),
        ),
        ("npm", format!("npm_{}", letters(MIXED, 36, 27))),
        ("pypi", format!("pypi-AgE{}", letters(MIXED, 80, 28))),
        (
            "sendgrid",
            format!("SG.{}.{}", letters(MIXED, 22, 29), letters(MIXED, 43, 30)),
        ),
        ("twilio", format!("SK{}", letters(HEX, 32, 31))),
        ("azure", format!("{}==", letters(MIXED, 86, 32))),
        ("jwt", token),
        ("pem", armour("RSA PRIVATE KEY", 64)),
        ("ec_pem", armour("EC PRIVATE KEY", 64)),
        ("openssh", armour("OPENSSH PRIVATE KEY", 70)),
        ("pgp", armour("PGP PRIVATE KEY BLOCK", 64)),
        ("secret", "Vx7kQ2mPz9".to_owned()),
    ];
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

/// The mails of a labelled set.
pub fn labelled(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/labelled/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let set: Value = toml::from_str(&text).unwrap();
    set["mail"].as_array().unwrap().clone()
}
