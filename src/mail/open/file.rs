//! What is known of a file without opening it: a name, and its beginning when it is text.

use std::borrow::Cow;

use crate::mail::parse::charset;
use crate::mail::text;

/// A file about to be listed.
pub struct Entry<'a> {
    pub name: Option<Cow<'a, str>>,
    pub media_type: &'a str,
    pub charset: Option<&'a str>,
    pub role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Content,
    /// A signature or a key.
    Plumbing,
    /// It could not be read: there is nothing to show of it.
    Ciphertext,
}

/// A name for a file that has none.
pub fn default_name(number: usize, media_type: &str) -> String {
    format!("attachment-{number}.{}", extension(media_type))
}

fn extension(media_type: &str) -> &str {
    match media_type {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/calendar" => "ics",
        "text/csv" => "csv",
        "text/markdown" => "md",
        "text/vcard" | "text/x-vcard" => "vcf",
        "text/rfc822-headers" => "txt",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "application/json" => "json",
        "application/xml" | "text/xml" => "xml",
        "application/pgp-signature" | "application/pgp-keys" => "asc",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        "message/rfc822" => "eml",
        "image/jpeg" | "image/jpg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/svg+xml" => "svg",
        "image/webp" => "webp",
        "video/mp4" => "mp4",
        "audio/mpeg" => "mp3",
        _ => "bin",
    }
}

/// The beginning of a file that is text, by its type, its name or its bytes.
pub fn excerpt(name: &str, entry: &Entry, bytes: &[u8], limit: usize) -> Option<String> {
    let window = bytes.get(..limit).unwrap_or(bytes);
    let declared = is_text_type(entry.media_type) || has_text_extension(name);
    let binary = ["image/", "audio/", "video/", "font/"]
        .iter()
        .any(|kind| entry.media_type.starts_with(kind));
    if window.is_empty()
        || entry.role == Role::Ciphertext
        || !declared && (binary || !looks_like_text(window))
    {
        return None;
    }
    if window.iter().filter(|&&b| b == 0).count() > window.len() / 2 {
        return None;
    }
    let (decoded, _) = charset::decode(window, entry.charset);
    let decoded = text::normalize(&decoded);
    Some(
        text::cut(&decoded, limit)
            .trim_end_matches('\u{FFFD}')
            .to_owned(),
    )
}

/// By its first bytes: it may be called anything.
pub fn is_pdf(entry: &Entry, bytes: &[u8]) -> bool {
    entry.role == Role::Content && bytes.starts_with(b"%PDF-")
}

/// Bytes that are no text in any charset: of random ones a tenth are control characters. Texts in
/// UTF-16 hold more of one kind.
pub fn is_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..4096).unwrap_or(bytes);
    let count = |of: fn(u8) -> bool| head.iter().filter(|&&octet| of(octet)).count();
    let zeros = count(|octet| octet == 0);
    // But for line ends, a backspace, and the shifts and the escape of Asian charsets.
    let controls = count(|octet| octet < 0x20 && !b"\t\n\x0c\r\x08\x0e\x0f\x1b".contains(&octet));
    bytes.starts_with(b"%PDF-") || controls > head.len() / 32 + 2 && zeros < head.len() / 5
}

fn is_text_type(media_type: &str) -> bool {
    let Some((kind, subtype)) = media_type.split_once('/') else {
        return false;
    };
    kind == "text" && subtype != "rtf"
        || kind != "image" && (subtype.ends_with("+json") || subtype.ends_with("+xml"))
        || matches!(
            media_type,
            "application/json"
                | "application/xml"
                | "application/yaml"
                | "application/x-yaml"
                | "application/javascript"
                | "application/x-sh"
                | "application/x-python"
                | "application/sql"
                | "application/toml"
        )
}

fn has_text_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| {
        matches!(
            extension.to_ascii_lowercase().as_str(),
            "txt"
                | "md"
                | "markdown"
                | "log"
                | "csv"
                | "tsv"
                | "json"
                | "jsonl"
                | "xml"
                | "yml"
                | "yaml"
                | "toml"
                | "ini"
                | "conf"
                | "html"
                | "htm"
                | "py"
                | "rb"
                | "sh"
                | "ps1"
                | "js"
                | "ts"
                | "php"
                | "pl"
                | "c"
                | "h"
                | "cpp"
                | "rs"
                | "go"
                | "java"
                | "sql"
                | "patch"
                | "diff"
                | "nse"
                | "http"
                | "har"
                | "sarif"
                | "nessus"
                | "rst"
        )
    })
}

/// UTF-8 without control characters; the last character may be cut in two.
fn looks_like_text(window: &[u8]) -> bool {
    let head = window.get(..4096).unwrap_or(window);
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to()).unwrap_or_default())
                .unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\r' | '\n' | '\t' | '\u{c}'))
}
