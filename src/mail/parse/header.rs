//! Header fields: finding them, unfolding them, and the little languages inside their values.
//!
//! RFC 5322 (fields, addresses, identifiers), RFC 2047 (encoded words), RFC 2045 and RFC 2231
//! (parameters), RFC 6532 (UTF-8). Each is read as leniently as mail programs do: what is broken
//! in the usual ways still gives what the sender meant.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

use super::{charset, transfer};
use crate::mail::message::Address;
use crate::mail::text;

/// A longer value is cut here, in bytes; no honest field comes near.
const MAX_VALUE: usize = 64 * 1024;

/// Addresses of one field, or identifiers of one field, beyond this are not read.
pub const MAX_ADDRESSES: usize = 100;
pub const MAX_REFERENCES: usize = 100;

/// One field as it stands in the mail: still folded, still encoded.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    pub name: Cow<'a, str>,
    pub raw: &'a [u8],
}

impl Field<'_> {
    /// The value on one line. Bytes that are not UTF-8 are read in `charset`, else as windows-1252.
    pub fn value(&self, charset: Option<&str>) -> String {
        let raw = self.raw.get(..MAX_VALUE).unwrap_or(self.raw);
        let (text, _) = charset::decode_header(raw, charset);
        unfold(&text)
    }
}

/// RFC 5322, 2.2.3: line ends go, the white space after them stays.
fn unfold(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    value.extend(text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')));
    let trimmed = value.trim();
    if trimmed.len() == value.len() {
        value
    } else {
        trimmed.to_owned()
    }
}

/// What [`read`] found at the head of an entity.
#[derive(Default)]
pub struct Head<'a> {
    pub fields: Vec<Field<'a>>,
    /// Where the body begins.
    pub body: usize,
    /// Fields beyond the bound were passed over.
    pub cut: bool,
}

/// Reads the fields at the start of `bytes`, up to the blank line.
///
/// `is_end` says that a line ends the entity itself (a boundary). A line that is no field is taken
/// for a badly folded one when a field follows, otherwise for the first line of the body; so is
/// what looks like a boundary, where the blank line was forgotten.
pub fn read<'a>(bytes: &'a [u8], at_most: usize, is_end: impl Fn(&[u8]) -> bool) -> Head<'a> {
    let mut head = Head::default();
    let mut open: Option<OpenField<'a>> = None;
    let mut at = 0;
    let (end, body) = loop {
        let Some(line) = line_at(bytes, at) else {
            break (at, at);
        };
        let text = without_line_end(line);
        let next = at + line.len();
        if text.iter().all(|&b| b == b'\r') {
            break (at, next);
        }
        if is_end(text) {
            break (at, at);
        }
        let is_folded = open.is_some() && matches!(text.first(), Some(b' ' | b'\t'));
        match split_field(text).filter(|_| !is_folded) {
            Some((name, value)) => {
                let value = at + value;
                head.close(open.replace(OpenField { name, value }), bytes, at, at_most);
            }
            None if is_folded => {}
            None if is_stray(text, open.is_some() && header_goes_on(bytes, next)) => {}
            None => break (at, at),
        }
        at = next;
    };
    head.close(open, bytes, end, at_most);
    head.body = body;
    head
}

/// A field whose end is not known yet.
struct OpenField<'a> {
    name: &'a [u8],
    /// Where its value begins.
    value: usize,
}

impl<'a> Head<'a> {
    fn close(&mut self, field: Option<OpenField<'a>>, bytes: &'a [u8], end: usize, at_most: usize) {
        let Some(field) = field else { return };
        if self.fields.len() >= at_most {
            self.cut = true;
            return;
        }
        self.fields.push(Field {
            name: String::from_utf8_lossy(field.name),
            raw: bytes.get(field.value..end).unwrap_or_default(),
        });
    }
}

/// A line inside a header that is no field and yet does not end it.
fn is_stray(line: &[u8], header_goes_on: bool) -> bool {
    is_mbox_line(line) || header_goes_on && !line.starts_with(b"--")
}

fn header_goes_on(bytes: &[u8], at: usize) -> bool {
    line_at(bytes, at)
        .map(without_line_end)
        .is_some_and(|line| {
            let is_folded = line.starts_with(b" ") || line.starts_with(b"\t");
            split_field(line).is_some() || is_folded && !line.trim_ascii().is_empty()
        })
}

/// The line that begins at `at`, with its line end.
pub fn line_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let end = rest
        .iter()
        .position(|&b| b == b'\n')
        .map_or(rest.len(), |i| i + 1);
    rest.get(..end)
}

pub fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// `Name: value`, also with white space before the colon. Gives the name and where the value begins.
fn split_field(line: &[u8]) -> Option<(&[u8], usize)> {
    let colon = line.iter().take(256).position(|&b| b == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    let valid = !name.is_empty() && name.iter().all(|b| (33..=126).contains(b));
    valid.then_some((name, colon + 1))
}

/// The separator of an mbox file, at times quoted, at times in the middle of a header.
fn is_mbox_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

/// Does this look like the start of a header, as decrypted MIME does?
pub fn starts_with_field(bytes: &[u8], names: &[&str]) -> bool {
    line_at(bytes, 0)
        .and_then(|line| split_field(without_line_end(line)))
        .is_some_and(|(name, _)| {
            names
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        })
}

/// Decodes the encoded words of RFC 2047 in unstructured text.
///
/// Neighbours in one charset are joined before they are decoded, since many programs cut a
/// character in two; spaces inside a word and a missing end are forgiven.
pub fn decode_words(text: &str) -> String {
    if !text.contains("=?") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut run: Vec<Word> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("=?") {
        let (before, candidate) = rest.split_at(start);
        let Some((word, after)) = Word::parse(candidate) else {
            flush_run(&mut run, &mut out);
            let (marker, tail) = candidate.split_at(2);
            out.push_str(before);
            out.push_str(marker);
            rest = tail;
            continue;
        };
        if !before.trim().is_empty() || run.is_empty() {
            flush_run(&mut run, &mut out);
            out.push_str(before);
        }
        run.push(word);
        rest = after;
    }
    // White space alone behind the last word is kept, as in front of other text.
    flush_run(&mut run, &mut out);
    out.push_str(rest);
    out
}

struct Word<'a> {
    charset: &'a str,
    base64: bool,
    data: &'a str,
}

impl<'a> Word<'a> {
    /// `=?charset?B?data?=` at the start of `text`, and what is behind it.
    fn parse(text: &'a str) -> Option<(Self, &'a str)> {
        let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
        let charset = charset.split('*').next()?.trim();
        let known = !charset.is_empty()
            && charset.len() <= 64
            && charset.chars().all(|c| c.is_ascii_graphic());
        let (encoding, rest) = rest.split_once('?')?;
        let base64 = match encoding {
            "B" | "b" => true,
            "Q" | "q" => false,
            _ => return None,
        };
        let (data, after) = match rest.find("?=") {
            // `=?utf-8?Q?=41?=`: the first `?=` belongs to the data when hex digits follow it.
            Some(end) if !base64 && end == 0 => {
                let tail = rest.get(1..)?.find("?=").map(|i| i + 1).unwrap_or(end);
                (rest.get(..tail)?, rest.get(tail + 2..)?)
            }
            Some(end) => (rest.get(..end)?, rest.get(end + 2..)?),
            None => (rest, ""),
        };
        let word = Self {
            charset,
            base64,
            data,
        };
        known.then_some((word, after))
    }
}

fn flush_run(run: &mut Vec<Word>, out: &mut String) {
    let mut words = run.iter().peekable();
    while let Some(first) = words.next() {
        let mut bytes = Vec::new();
        let mut base64 = String::new();
        let mut word = first;
        loop {
            if word.base64 {
                base64.push_str(word.data.trim());
                if base64.ends_with('=') {
                    bytes.append(&mut transfer::base64(base64.as_bytes()).0);
                    base64.clear();
                }
            } else {
                bytes.append(&mut transfer::base64(base64.as_bytes()).0);
                base64.clear();
                bytes.append(&mut transfer::q_word(word.data.as_bytes()));
            }
            match words.next_if(|next| next.charset.eq_ignore_ascii_case(first.charset)) {
                Some(next) => word = next,
                None => break,
            }
        }
        bytes.append(&mut transfer::base64(base64.as_bytes()).0);
        let (text, _) = charset::decode(&bytes, Some(first.charset));
        out.extend(text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')));
    }
    run.clear();
}

/// A value with parameters: Content-Type, Content-Disposition.
#[derive(Clone, Debug, Default)]
pub struct Parameterised {
    /// In front of the first semicolon, lower case.
    pub main: String,
    /// Names in lower case, RFC 2231 undone; the first of a name counts.
    pub parameters: Vec<(String, String)>,
}

impl Parameterised {
    pub fn parse(value: &str) -> Self {
        let (main, rest) = value.split_once(';').unwrap_or((value, ""));
        let main = without_comments(main);
        Self {
            main: main
                .split_whitespace()
                .collect::<String>()
                .trim_matches('"')
                .to_lowercase(),
            parameters: join_sections(raw_parameters(rest)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn without_comments(text: &str) -> String {
    let mut depth = 0usize;
    text.chars()
        .filter(|c| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect()
}

/// `name=value` pairs as written, quotes undone. Spaces in a value without quotes are kept.
fn raw_parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while found.len() < 100 {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';');
        let Some(end) = rest.find(['=', ';']) else {
            break;
        };
        let (name, tail) = rest.split_at(end);
        let Some(tail) = tail.strip_prefix('=') else {
            rest = tail;
            continue;
        };
        let (value, after) = parameter_value(tail.trim_start());
        let name = without_comments(name).trim().to_lowercase();
        if !name.is_empty() {
            found.push((name, value));
        }
        rest = after;
    }
    found
}

fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = text.split_once(';').unwrap_or((text, ""));
        return (value.trim().trim_end_matches('"').to_owned(), after);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            '"' if closes(quoted.get(at + 1..).unwrap_or_default()) => {
                let after = quoted.get(at + 1..).unwrap_or_default();
                return (value, after.split_once(';').map_or("", |(_, tail)| tail));
            }
            _ => value.push(c),
        }
    }
    (value, "")
}

/// A quote closes when nothing of the value follows: `name="a "b".txt"` has two that do not.
fn closes(after: &str) -> bool {
    let after = after.trim_start();
    after.is_empty() || after.starts_with([';', '(']) || !after.contains('"') || {
        // `charset="utf-8" name="x"`: a semicolon was forgotten.
        text::cut(after, 64)
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_token))
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*')
}

/// Puts the sections of RFC 2231 together and decodes what is encoded, by it or by RFC 2047.
fn join_sections(raw: Vec<(String, String)>) -> Vec<(String, String)> {
    struct Section {
        name: String,
        index: u32,
        encoded: bool,
        value: String,
    }
    let mut plain: Vec<(String, String)> = Vec::new();
    let mut sections: Vec<Section> = Vec::new();
    for (name, value) in raw {
        let Some((base, suffix)) = name.split_once('*') else {
            if !plain.iter().any(|(known, _)| *known == name) {
                plain.push((name, decode_words(&value)));
            }
            continue;
        };
        sections.push(Section {
            name: base.to_owned(),
            index: suffix.trim_end_matches('*').parse().unwrap_or(0),
            encoded: suffix.is_empty() || suffix.ends_with('*'),
            value,
        });
    }
    sections.sort_by(|a, b| (&a.name, a.index).cmp(&(&b.name, b.index)));
    for group in sections.chunk_by(|a, b| a.name == b.name) {
        let Some(first) = group.first() else { continue };
        let mut label = None;
        let mut bytes = Vec::new();
        for (at, section) in group.iter().enumerate() {
            let mut text = section.value.as_str();
            if at == 0
                && section.encoded
                && let Some((charset, tail)) = text.split_once('\'')
                && let Some((_, tail)) = tail.split_once('\'')
            {
                label = Some(charset);
                text = tail;
            }
            if section.encoded {
                bytes.append(&mut transfer::percent(text.as_bytes()));
            } else {
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        let (text, _) = charset::decode(&bytes, label);
        let value = decode_words(&text);
        match plain.iter_mut().find(|(known, _)| *known == first.name) {
            Some((_, old)) => *old = value,
            None => plain.push((first.name.clone(), value)),
        }
    }
    plain
}

/// Reads an address list; groups are flattened, entries without any address are left out.
///
/// Encoded words are decoded first and put in as quoted strings, so that a comma or a bracket
/// inside them separates nothing.
pub fn addresses(value: &str) -> Vec<Address> {
    let prepared = with_commas(&quote_words(value));
    let found = parse_addresses(&prepared);
    let usable = found.iter().any(|address| address.email.contains('@'));
    if usable || !value.contains('@') && !value.contains("=?") {
        return found;
    }
    // The whole field is one encoded word, or its brackets are lost: look for anything with an @.
    let decoded = decode_words(value);
    let again = parse_addresses(&decoded);
    if again.iter().any(|address| address.email.contains('@')) {
        return again;
    }
    let bare = decoded
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')'))
        .find(|word| {
            word.split_once('@')
                .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        });
    match bare {
        Some(email) => vec![Address {
            name: None,
            email: email.to_owned(),
        }],
        None => found,
    }
}

/// Puts back the comma that was forgotten between `<a@b>` and what follows.
fn with_commas(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    let mut in_quotes = false;
    let mut closed = false;
    for c in value.chars() {
        if closed && !c.is_whitespace() {
            if !matches!(c, ',' | ';' | '>' | '(') {
                out.push(',');
            }
            closed = false;
        }
        match c {
            '"' => in_quotes = !in_quotes,
            '>' if !in_quotes => closed = true,
            _ => {}
        }
        out.push(c);
    }
    out
}

fn parse_addresses(value: &str) -> Vec<Address> {
    // The library ends the last token at a line end alone.
    let line = hide_quoted_local_parts(value) + "\n";
    let HeaderValue::Address(list) = MessageStream::new(line.as_bytes()).parse_address() else {
        return Vec::new();
    };
    list.iter()
        .filter_map(|entry| {
            let (words, email) = split_words(entry.address.as_deref()?);
            (!email.is_empty()).then(|| Address {
                name: entry
                    .name
                    .as_deref()
                    .or(words)
                    .and_then(display_name)
                    .map(|name| shown_again(&name)),
                email: shown_again(&email),
            })
        })
        .take(MAX_ADDRESSES)
        .collect()
}

/// Quoted local parts (`"a@b"@x.test`, RFC 5322, 3.4.1) as atoms: the library takes the quotes for
/// a name. Every character that separates something is hidden until [`shown_again`].
fn hide_quoted_local_parts(value: &str) -> String {
    if !value.contains("\"@") {
        return value.to_owned();
    }
    let value: String = value.chars().filter(|c| !is_hidden(*c)).collect();
    let mut out = String::with_capacity(value.len());
    let mut rest = value.as_str();
    while let Some(open) = rest.find('"') {
        let (before, quoted) = rest.split_at(open);
        out.push_str(before);
        let (quoted, after) = quoted.split_at(quoted_length(quoted));
        if after.starts_with('@') {
            out.extend(canonical_local_part(quoted).chars().map(hidden));
        } else {
            out.push_str(quoted);
        }
        rest = after;
    }
    out + rest
}

/// Bytes of the quoted string with which `text` begins; all of it where the end is missing.
fn quoted_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return at + 1,
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    text.len()
}

/// Without quotes where it needs none: `"ann"@x.test` is `ann@x.test`.
fn canonical_local_part(quoted: &str) -> String {
    let mut content = String::with_capacity(quoted.len());
    let mut is_escaped = false;
    for c in quoted.trim_matches('"').chars().filter(|c| !c.is_control()) {
        is_escaped = c == '\\' && !is_escaped;
        if !is_escaped {
            content.push(c);
        }
    }
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(|c| hidden(c) == c);
    if content.split('.').all(is_atom) {
        return content;
    }
    format!("\"{}\"", content.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The first of 128 characters of private use that stand for those of ASCII.
const HIDDEN: u32 = 0xf000;

fn is_hidden(c: char) -> bool {
    (HIDDEN..HIDDEN + 128).contains(&c.into())
}

/// `c`, or what stands for it where it may not stand in an atom (RFC 5322, 3.2.3).
fn hidden(c: char) -> char {
    let may_stand = c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if may_stand || !c.is_ascii() {
        return c;
    }
    char::from_u32(HIDDEN + u32::from(c)).unwrap_or(c)
}

fn shown_again(text: &str) -> String {
    let shown = |c: char| match is_hidden(c) {
        true => char::from_u32(u32::from(c) - HIDDEN).unwrap_or(c),
        false => c,
    };
    text.chars().map(shown).collect()
}

/// `Rhea Porter r@x.test`, the brackets forgotten: the words in front, and the address.
fn split_words(text: &str) -> (Option<&str>, String) {
    let whole = |word: &&str| {
        word.split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
    };
    match text.split_whitespace().find(whole) {
        Some(word) if word.len() < text.trim().len() => {
            let words = text.split_once(word).map(|(before, _)| before);
            (words, bare_address(word))
        }
        _ => (None, bare_address(text)),
    }
}

/// Without what strays into broken addresses: brackets, quotes, `mailto:`, white space.
fn bare_address(email: &str) -> String {
    let email: String = email
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>'))
        .collect();
    let email = email.trim_matches(['"', '\'', ',', ';']);
    email.strip_prefix("mailto:").unwrap_or(email).to_owned()
}

fn display_name(name: &str) -> Option<String> {
    let name = decode_words(name);
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = name.trim_matches(['"', '\'', '<', '>', ' ']);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Replaces every run of encoded words by its text: quoted, or bare where quotes are open already.
fn quote_words(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len());
    let mut in_quotes = false;
    let mut rest = value;
    loop {
        let start = rest.find("=?").unwrap_or(rest.len());
        let (before, candidate) = rest.split_at(start);
        out.push_str(before);
        in_quotes ^= before.matches('"').count() % 2 == 1;
        if candidate.is_empty() {
            return out;
        }
        let run = encoded_run(candidate);
        if run == 0 {
            out.push_str("=?");
            rest = candidate.get(2..).unwrap_or_default();
            continue;
        }
        let (words, after) = candidate.split_at(run);
        let text = decode_words(words).replace(['"', '\\'], "'");
        if in_quotes {
            out.push_str(&text);
        } else {
            out.extend(["\"", &text, "\""]);
        }
        rest = after;
    }
}

/// How many bytes of `text` are encoded words with nothing but white space between them.
fn encoded_run(text: &str) -> usize {
    let mut length = 0;
    let mut rest = text;
    while let Some((_, after)) = Word::parse(rest) {
        length = text.len() - after.len();
        rest = after.trim_start();
    }
    length
}

/// Message-IDs without brackets; what stands outside brackets counts only when there are none.
pub fn identifiers(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some((_, tail)) = rest.split_once('<') {
        let Some((id, after)) = tail.split_once('>') else {
            break;
        };
        push_identifier(&mut found, id);
        rest = after;
        if found.len() >= MAX_REFERENCES {
            return found;
        }
    }
    if found.is_empty() {
        for word in value.split_whitespace().take(MAX_REFERENCES) {
            if word.contains('@') {
                push_identifier(&mut found, word.trim_matches(['<', '>', ',', ';']));
            }
        }
    }
    found
}

fn push_identifier(found: &mut Vec<String>, id: &str) {
    let id: String = id.chars().filter(|c| !c.is_whitespace()).collect();
    if !id.is_empty() && id.len() <= 998 {
        found.push(id);
    }
}

/// `None` for what is no date, or one that no calendar has.
pub fn date(value: &str) -> Option<DateTime<Utc>> {
    let date = mail_parser::DateTime::parse_rfc822(value)?;
    let plausible = date.is_valid() && (1970..=9999).contains(&date.year);
    plausible
        .then(|| DateTime::from_timestamp(date.to_timestamp(), 0))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_head(text: &str, fields: &[(&str, &str)], body: &str) {
        let head = read(text.as_bytes(), 100, |line| line == b"--end");
        let found: Vec<(String, String)> = head
            .fields
            .iter()
            .map(|field| (field.name.to_string(), field.value(None)))
            .collect();
        let expected: Vec<(String, String)> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(found, expected, "{text:?}");
        assert_eq!(&text[head.body..], body, "{text:?}");
    }

    #[test]
    fn headers_end_where_the_body_begins() {
        check_head("A: 1\nB:2\n\nbody\n", &[("A", "1"), ("B", "2")], "body\n");
        check_head("A: 1\r\n two\r\n\r\nbody", &[("A", "1 two")], "body");
        check_head("A : 1\nbody text\nmore", &[("A", "1")], "body text\nmore");
        check_head(
            "A: 1\nbadly folded\nB: 2\n\n",
            &[("A", "1badly folded"), ("B", "2")],
            "",
        );
        check_head("From x@y.test Fri\n>From z\nA: 1\n\nb", &[("A", "1")], "b");
        check_head("A: 1\n--end\nB: 2", &[("A", "1")], "--end\nB: 2");
        check_head("A: 1\n--b\nB: 2", &[("A", "1")], "--b\nB: 2");
        check_head("no field", &[], "no field");
        check_head("\nbody", &[], "body");
        check_head("A: 1", &[("A", "1")], "");
        check_head("", &[], "");
    }

    #[test]
    fn fields_beyond_the_bound_are_passed_over() {
        let head = read(b"A: 1\nB: 2\nC: 3\n\nbody", 2, |_| false);
        assert_eq!((head.fields.len(), head.cut, head.body), (2, true, 16));
    }

    #[track_caller]
    fn check_words(text: &str, expected: &str) {
        assert_eq!(decode_words(text), expected, "{text}");
    }

    #[test]
    fn encoded_words_are_decoded() {
        check_words("plain", "plain");
        check_words("=?iso-8859-1?Q?a=E4_b?=", "aä b");
        check_words("=?utf-8?B?w6Q=?= =?utf-8?B?w7Y=?=", "äö");
        check_words("=?utf-8?B?w6?=\t=?utf-8?B?Q=?=", "ä");
        check_words("=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "ä");
        check_words("a =?utf-8*en?q?b?= c", "a b c");
        check_words("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab");
        check_words("=?utf-8?Q?with space?= x", "with space x");
        check_words("=?utf-8?Q?never ends", "never ends");
        check_words("=?utf-8?X?no?=", "=?utf-8?X?no?=");
        check_words("1 =? 2", "1 =? 2");
        check_words("=?ks_c_5601-1987?B?u+fB+C5KUEc=?=", "사진.JPG");
        check_words("=?unicode-1-1-utf-7?Q?+ANw-ber?=", "Über");
    }

    #[track_caller]
    fn check_parameter(value: &str, name: &str, expected: Option<&str>) {
        assert_eq!(Parameterised::parse(value).get(name), expected, "{value}");
    }

    #[test]
    fn parameters_are_read() {
        check_parameter("text/plain; charset=utf-8", "charset", Some("utf-8"));
        check_parameter("a/b;NAME = \"x; y\" ; z=1", "name", Some("x; y"));
        check_parameter(
            "a/b; name=This is a test.txt",
            "name",
            Some("This is a test.txt"),
        );
        check_parameter("a/b; name=\"a \\\"b\\\".txt\"", "name", Some("a \"b\".txt"));
        check_parameter(
            "a/b; name=\"a \"b\".txt\"; c=d",
            "name",
            Some("a \"b\".txt"),
        );
        check_parameter(
            "a/b; name=\"C:\\dir\\f.txt\"",
            "name",
            Some("C:\\dir\\f.txt"),
        );
        check_parameter("a/b; name=\"open", "name", Some("open"));
        check_parameter("a/b; name=1; name=2", "name", Some("1"));
        check_parameter("a/b; charset=\"x\" name=\"y\"", "charset", Some("x"));
        check_parameter("a/b; f*=UTF-8''%c3%a4.txt", "f", Some("ä.txt"));
        check_parameter("a/b; f=x; f*=utf-8'en'%C3%A4", "f", Some("ä"));
        check_parameter(
            "a/b; f*1*=%A4; f*0*=utf-8''%C3; f*2=.txt",
            "f",
            Some("ä.txt"),
        );
        check_parameter("a/b; f*0=\"=?utf-8?Q?=C3=\"; f*1=\"A4?=\"", "f", Some("ä"));
        check_parameter("a/b; x", "x", None);
        check_parameter("", "x", None);
    }

    #[track_caller]
    fn check_addresses(value: &str, expected: &[(&str, &str)]) {
        let found = addresses(value);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|address| {
                let name = address.name.as_deref().unwrap_or_default();
                (name, address.email.as_str())
            })
            .collect();
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn addresses_are_read() {
        check_addresses("a@x.test", &[("", "a@x.test")]);
        check_addresses("A B <a@x.test>", &[("A B", "a@x.test")]);
        check_addresses(
            "\"B, A\" <a@x.test>, c@x.test",
            &[("B, A", "a@x.test"), ("", "c@x.test")],
        );
        check_addresses("Porter, Rhea <a@x.test>", &[("Rhea", "a@x.test")]);
        check_addresses(
            "=?utf-8?Q?B=2C_=C3=84?= <a@x.test>",
            &[("B, Ä", "a@x.test")],
        );
        check_addresses(
            "\"=?utf-8?Q?=C3=84?= x\" <a@x.test>",
            &[("Ä x", "a@x.test")],
        );
        check_addresses("=?utf-8?Q?A_<a@x.test>?=", &[("A", "a@x.test")]);
        check_addresses(
            "A <a@x.test> B <b@x.test>",
            &[("A", "a@x.test"), ("B", "b@x.test")],
        );
        check_addresses(
            "team: a@x.test, b@x.test;",
            &[("", "a@x.test"), ("", "b@x.test")],
        );
        check_addresses("undisclosed-recipients:;", &[]);
        check_addresses("a@x.test (A B)", &[("A B", "a@x.test")]);
        check_addresses("Rhea Porter a@x.test", &[("Rhea Porter", "a@x.test")]);
        check_addresses("<<a@x.test>>", &[("", "a@x.test")]);
        check_addresses("", &[]);
    }

    #[test]
    fn local_parts_may_be_quoted() {
        check_addresses("\"a@b\"@x.test", &[("", "\"a@b\"@x.test")]);
        check_addresses("A B <\"a@b\"@x.test>", &[("A B", "\"a@b\"@x.test")]);
        check_addresses("\"ann\"@x.test", &[("", "ann@x.test")]);
        check_addresses("<\"ann.b\"@x.test>", &[("", "ann.b@x.test")]);
        check_addresses("\"a b\"@x.test", &[("", "\"a b\"@x.test")]);
        check_addresses(
            "\"B, A\" <\"x,<y>\"@x.test>, c@x.test",
            &[("B, A", "\"x,<y>\"@x.test"), ("", "c@x.test")],
        );
        check_addresses(r#""a\"b\\c"@x.test, "d""#, &[("", r#""a\"b\\c"@x.test"#)]);
        check_addresses("\"a\\nn\"@x.test", &[("", "ann@x.test")]);
        check_addresses("\"\"@x.test", &[("", "\"\"@x.test")]);
        check_addresses("\"open@x.test", &[("", "open@x.test")]);
        check_addresses(
            "\"a@b\"@x.test <c@x.test>",
            &[("\"a@b\"@x.test", "c@x.test")],
        );
        check_addresses("\u{f040}a <\"b\"@x.test>", &[("a", "b@x.test")]);
    }

    #[test]
    fn identifiers_are_read() {
        assert_eq!(identifiers("<a@b> <c@d>(x)"), ["a@b", "c@d"]);
        assert_eq!(identifiers("a@b c@d"), ["a@b", "c@d"]);
        assert_eq!(identifiers("Your message of Friday"), [""; 0]);
        assert_eq!(identifiers("<a\n b@c>"), ["ab@c"]);
    }

    #[test]
    fn dates_are_read() {
        let read = |text| date(text).map(|date| date.to_rfc3339());
        assert_eq!(
            read("Fri, 1 May 2026 10:00:00 +0200").as_deref(),
            Some("2026-05-01T08:00:00+00:00")
        );
        assert_eq!(read("32 Foo 2026"), None);
        assert_eq!(read(""), None);
    }
}
