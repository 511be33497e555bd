//! Messages for the tests of classification: from raw bytes, or from a few fields.
//!
//! Reads MIME with mail-parser alone: no decryption, HTML as text in the simplest way.

use std::borrow::Cow;
use std::path::PathBuf;

use mail_parser::{HeaderForm, HeaderName, MessageParser, MimeHeaders, PartType};
use triaged::config::Organization;
use triaged::mail::message::{
    Address, Attachment, Digest, HeaderField, MachineReport, MachineReportKind, Message, OpenPgp,
};

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

/// Reads a mail as received.
pub fn open(raw: &[u8]) -> Message {
    let bytes = unix_lines(raw);
    let parsed = MessageParser::default().parse(bytes.as_ref());
    let mut message = Message {
        digest: Digest::of(raw),
        size: raw.len() as u64,
        header: Vec::new(),
        message_id: None,
        in_reply_to: Vec::new(),
        references: Vec::new(),
        from: None,
        reply_to: Vec::new(),
        to: Vec::new(),
        cc: Vec::new(),
        date: None,
        subject: String::new(),
        subject_encrypted: false,
        text: String::new(),
        text_lossy: false,
        attachments: Vec::new(),
        media_type: "text/plain".into(),
        machine_report: None,
        openpgp: OpenPgp::default(),
        problems: Vec::new(),
    };
    let Some(parsed) = parsed else { return message };
    for header in parsed.parts[0].headers() {
        let value = &bytes[header.offset_start as usize..header.offset_end as usize];
        message.header.push(HeaderField {
            name: header.name.as_str().to_owned(),
            value: String::from_utf8_lossy(value)
                .replace(['\r', '\n'], "")
                .trim()
                .to_owned(),
        });
    }
    message.message_id = parsed.message_id().map(str::to_owned);
    message.in_reply_to = ids(&parsed, HeaderName::InReplyTo);
    message.references = ids(&parsed, HeaderName::References);
    message.from = addresses(parsed.from()).into_iter().next();
    message.reply_to = addresses(parsed.reply_to());
    message.to = addresses(parsed.to());
    message.cc = addresses(parsed.cc());
    message.subject = parsed.subject().unwrap_or_default().to_owned();
    message.media_type = media_type(&parsed.parts[0]);
    message.openpgp.encrypted = message.media_type == "multipart/encrypted";
    collect(&parsed, &mut message);
    message.text_lossy = message.text.contains('\u{fffd}');
    message
}

fn unix_lines(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut bytes = Cow::Borrowed(raw);
    if !raw.contains(&b'\n') {
        let lines = raw.iter().map(|b| if *b == b'\r' { b'\n' } else { *b });
        bytes = Cow::Owned(lines.collect());
    }
    if bytes.starts_with(b"From ") {
        let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(0);
        bytes = Cow::Owned(bytes[end + 1..].to_vec());
    }
    bytes
}

fn ids(parsed: &mail_parser::Message<'_>, name: HeaderName<'static>) -> Vec<String> {
    parsed
        .header_as(name, HeaderForm::MessageIds)
        .into_iter()
        .flat_map(|value| value.as_text_list().unwrap_or_default().to_vec())
        .map(|id| id.into_owned())
        .collect()
}

fn addresses(field: Option<&mail_parser::Address<'_>>) -> Vec<Address> {
    field
        .into_iter()
        .flat_map(|list| list.iter())
        .filter_map(|one| {
            Some(Address {
                name: one.name().map(str::to_owned),
                email: one.address()?.to_owned(),
            })
        })
        .collect()
}

fn media_type(part: &mail_parser::MessagePart<'_>) -> String {
    part.content_type().map_or_else(
        || "text/plain".into(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("plain")).to_lowercase(),
    )
}

fn collect(parsed: &mail_parser::Message<'_>, message: &mut Message) {
    let body: Vec<u32> = if parsed.text_body.is_empty() {
        parsed.html_body.clone()
    } else {
        parsed.text_body.clone()
    };
    for (position, id) in body.iter().enumerate() {
        let part = &parsed.parts[*id as usize];
        if part.is_text() && !is_report(&media_type(part)) {
            message.text += &parsed.body_text(position).unwrap_or_default();
            message.text.push('\n');
        }
    }
    for part in &parsed.parts {
        let media_type = media_type(part);
        read_report(
            &media_type,
            &String::from_utf8_lossy(part.contents()),
            message,
        );
        if let PartType::Message(inner) = &part.body {
            collect(inner, message);
        }
    }
    for part in parsed.attachments() {
        let bytes = part.contents();
        message.attachments.push(Attachment {
            name: part.attachment_name().unwrap_or("attachment").to_owned(),
            media_type: media_type(part),
            size: bytes.len() as u64,
            digest: Digest::of(bytes),
            excerpt: std::str::from_utf8(bytes)
                .ok()
                .map(|text| text.chars().take(65_536).collect()),
            encrypted: false,
        });
    }
}

fn is_report(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/delivery-status"
            | "message/disposition-notification"
            | "message/feedback-report"
            | "message/global-delivery-status"
    )
}

fn read_report(media_type: &str, text: &str, message: &mut Message) {
    let kind = match media_type {
        "message/delivery-status" | "message/global-delivery-status" => {
            MachineReportKind::DeliveryStatus
        }
        "message/disposition-notification" => MachineReportKind::DispositionNotification,
        "message/feedback-report" => MachineReportKind::FeedbackReport,
        _ => return,
    };
    let action = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("action")
            .then(|| value.trim().to_lowercase())
    });
    message.machine_report.get_or_insert(MachineReport {
        kind,
        action,
        original_message_ids: Vec::new(),
    });
}
