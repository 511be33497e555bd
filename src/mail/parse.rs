//! MIME to a tree of parts (RFC 2045, 2046). Alone knows mail-parser.
//!
//! The library reads addresses, dates, charsets and transfer encodings. The tree itself is built
//! here: one pass over the lines with all open boundaries at hand, so that an inner multipart that
//! never ends does not swallow the parts behind it (RFC 2046, 5.1.2), a boundary counts as a whole
//! line only, nothing is decoded before it is wanted, and depth and number have bounds while
//! reading. Every slice points into the bytes given: [`Part::raw`] is what a signature covers.

pub mod charset;
pub mod header;
pub mod transfer;

use std::borrow::Cow;

use chrono::{DateTime, Utc};

pub use header::{Field, Parameterised};

use super::message::MAX_HEADER_FIELDS;

/// What is left to read, over all layers of one mail.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Parts that may still be read; what is behind them stays in the last one.
    pub parts: usize,
    /// Multiparts inside each other.
    pub depth: usize,
    /// Something was beyond a bound.
    pub exceeded: bool,
    /// A header had more fields than are read.
    pub header_cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
    /// From before MIME; old programs give it as a transfer encoding.
    Uuencode,
}

/// An entity: the mail itself, or a part of a multipart.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    pub fields: Vec<Field<'a>>,
    /// Lower case, always `type/subtype`.
    pub media_type: String,
    pub content_type: Parameterised,
    pub disposition: Option<Parameterised>,
    pub encoding: Encoding,
    /// Header and body exactly as they stand, without the line end in front of the boundary.
    pub raw: &'a [u8],
    /// Still encoded.
    pub body: &'a [u8],
    /// Of a multipart; empty for a leaf.
    pub parts: Vec<Part<'a>>,
}

/// Reads a whole mail, or the MIME that was inside a ciphertext.
pub fn message<'a>(bytes: &'a [u8], budget: &mut Budget) -> Part<'a> {
    let start = first_line(bytes);
    let mut scan = Scan {
        bytes,
        at: start,
        open: Vec::new(),
        budget,
    };
    let (part, _) = scan.entity("text/plain");
    part
}

/// The time in the topmost `Received` field (RFC 5321, 4.4): what our own server wrote when it
/// took the mail. Fields below it came with the mail and prove nothing.
pub fn received_at(bytes: &[u8]) -> Option<DateTime<Utc>> {
    let start = bytes.get(first_line(bytes)..)?;
    let head = header::read(start, MAX_HEADER_FIELDS, |_| false);
    let topmost = head
        .fields
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("Received"))?;
    header::date(topmost.value(None).rsplit_once(';')?.1)
}

/// Behind a byte order mark, and behind blank lines in front of what is clearly a header.
fn first_line(bytes: &[u8]) -> usize {
    const FIRST: [&str; 12] = [
        "return-path",
        "received",
        "delivered-to",
        "from",
        "to",
        "date",
        "subject",
        "message-id",
        "mime-version",
        "content-type",
        "x-original-to",
        "reply-to",
    ];
    let start = if bytes.starts_with(b"\xEF\xBB\xBF") {
        3
    } else {
        0
    };
    let rest = bytes.get(start..).unwrap_or_default();
    let blank = rest
        .iter()
        .take(1024)
        .take_while(|b| b.is_ascii_whitespace())
        .count();
    let behind = rest.get(blank..).unwrap_or_default();
    if blank > 0 && header::starts_with_field(behind, &FIRST) {
        start + blank
    } else {
        start
    }
}

/// Why an entity ended.
enum End {
    Input,
    /// A delimiter line of the multipart at this place in `Scan::open`.
    Delimiter {
        level: usize,
        closing: bool,
    },
}

struct Scan<'a, 'b> {
    bytes: &'a [u8],
    at: usize,
    /// Boundaries of the multiparts around, outermost first.
    open: Vec<Vec<u8>>,
    budget: &'b mut Budget,
}

impl<'a> Scan<'a, '_> {
    /// Reads header and body at `self.at`; afterwards that is behind the line that ended it.
    fn entity(&mut self, default_type: &str) -> (Part<'a>, End) {
        let start = self.at;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let head = header::read(rest, MAX_HEADER_FIELDS, |line| {
            self.delimiter(line).is_some()
        });
        self.budget.header_cut |= head.cut;
        self.budget.parts = self.budget.parts.saturating_sub(1);
        self.at = start + head.body;
        let mut part = Part::new(head.fields, default_type);
        let body_start = self.at;
        let (body_end, end) = match self.boundary_of(&part) {
            Some(boundary) => self.children(&mut part, boundary, start),
            None => self.skip_to_delimiter(start),
        };
        part.raw = self.bytes.get(start..body_end).unwrap_or_default();
        part.body = self.bytes.get(body_start..body_end).unwrap_or_default();
        (part, end)
    }

    /// `None` for a leaf, and for a multipart too deep to go into.
    fn boundary_of(&mut self, part: &Part) -> Option<Vec<u8>> {
        if !part.media_type.starts_with("multipart/") {
            return None;
        }
        if self.open.len() >= self.budget.depth || self.budget.parts == 0 {
            self.budget.exceeded = true;
            return None;
        }
        let declared = part
            .content_type
            .get("boundary")
            .map(str::trim_end)
            .filter(|boundary| !boundary.is_empty())
            .map(|boundary| boundary.as_bytes().to_vec());
        match declared {
            Some(boundary) => Some(boundary),
            None => self.guess_boundary(),
        }
    }

    /// A multipart that does not name its boundary: the first line with two dashes in front of
    /// what is a part's header.
    fn guess_boundary(&self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let window = rest.get(..64 * 1024).unwrap_or(rest);
        let mut at = 0;
        loop {
            let line = header::line_at(window, at)?;
            at += line.len();
            let next = window.get(at..).unwrap_or_default();
            let boundary = header::without_line_end(line).trim_ascii_end();
            if let Some(boundary) = boundary.strip_prefix(b"--")
                && !boundary.is_empty()
                && header::starts_with_field(
                    next,
                    &[
                        "content-type",
                        "content-transfer-encoding",
                        "content-disposition",
                    ],
                )
            {
                return Some(boundary.to_vec());
            }
        }
    }

    /// Reads the parts of a multipart and what is behind them, up to a delimiter further out.
    fn children(&mut self, part: &mut Part<'a>, boundary: Vec<u8>, start: usize) -> (usize, End) {
        let level = self.open.len();
        let child_type = match part.media_type.as_str() {
            "multipart/digest" => "message/rfc822",
            _ => "text/plain",
        };
        let (mut body_end, mut end) = self.skip_preamble(level, boundary);
        loop {
            match end {
                End::Delimiter {
                    level: found,
                    closing: false,
                } if found == level && self.budget.parts > 0 => {
                    let (child, child_end) = self.entity(child_type);
                    body_end = self.end_of(&child);
                    part.parts.push(child);
                    end = child_end;
                }
                // What follows the close delimiter is no part; but some programs go on after it.
                End::Delimiter { level: found, .. } if found == level => {
                    self.budget.exceeded |= self.budget.parts == 0;
                    (body_end, end) = self.skip_to_delimiter(start);
                }
                _ => break,
            }
        }
        self.open.truncate(level);
        (body_end, end)
    }

    /// Moves to the first part. Where the declared boundary never comes, as in mails whose
    /// addresses and boundaries were made anonymous, the one in use is guessed.
    fn skip_preamble(&mut self, level: usize, boundary: Vec<u8>) -> (usize, End) {
        let start = self.at;
        let is_own =
            |end: &End| matches!(end, End::Delimiter { level: found, .. } if *found == level);
        self.open.push(boundary);
        let found = self.skip_to_delimiter(start);
        if is_own(&found.1) {
            return found;
        }
        let behind = std::mem::replace(&mut self.at, start);
        if let Some(guess) = self.guess_boundary() {
            self.open.truncate(level);
            self.open.push(guess);
            let again = self.skip_to_delimiter(start);
            if is_own(&again.1) {
                return again;
            }
        }
        self.at = behind;
        found
    }

    fn end_of(&self, child: &Part) -> usize {
        let base = self.bytes.as_ptr() as usize;
        (child.raw.as_ptr() as usize + child.raw.len()).saturating_sub(base)
    }

    /// Moves behind the next delimiter line; gives where the entity that began at `start` ends.
    fn skip_to_delimiter(&mut self, start: usize) -> (usize, End) {
        if self.open.is_empty() {
            self.at = self.bytes.len();
            return (self.at, End::Input);
        }
        while let Some(line) = header::line_at(self.bytes, self.at) {
            let before = self.at;
            self.at += line.len();
            if line.starts_with(b"--")
                && let Some(end) = self.delimiter(header::without_line_end(line))
            {
                return (self.without_break(start, before), end);
            }
        }
        (self.bytes.len(), End::Input)
    }

    /// The line end in front of a delimiter belongs to the delimiter (RFC 2046, 5.1.1), be it the
    /// one of an inner close delimiter.
    fn without_break(&self, start: usize, end: usize) -> usize {
        let content = self.bytes.get(start..end).unwrap_or_default();
        start + header::without_line_end(content).len()
    }

    /// Is this line, without its line end, a delimiter of an open multipart? The innermost first.
    fn delimiter(&self, line: &[u8]) -> Option<End> {
        let line = line.strip_prefix(b"--")?;
        self.open
            .iter()
            .enumerate()
            .rev()
            .find_map(|(level, boundary)| {
                let rest = line.strip_prefix(boundary.as_slice())?.trim_ascii_end();
                match rest {
                    b"" => Some(End::Delimiter {
                        level,
                        closing: false,
                    }),
                    b"--" => Some(End::Delimiter {
                        level,
                        closing: true,
                    }),
                    _ => None,
                }
            })
    }
}

impl<'a> Part<'a> {
    fn new(fields: Vec<Field<'a>>, default_type: &str) -> Self {
        let find = |name: &str| {
            fields
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name))
                .map(|field| field.value(None))
        };
        let content_type = find("content-type")
            .map(|value| Parameterised::parse(&value))
            .unwrap_or_default();
        let encoding = match find("content-transfer-encoding")
            .unwrap_or_default()
            .trim_matches(|c: char| !c.is_ascii_alphanumeric())
            .to_ascii_lowercase()
            .as_str()
        {
            "base64" => Encoding::Base64,
            "quoted-printable" => Encoding::QuotedPrintable,
            "x-uuencode" | "uuencode" | "x-uue" | "uue" => Encoding::Uuencode,
            _ => Encoding::Identity,
        };
        Self {
            media_type: media_type(&content_type.main, default_type),
            disposition: find("content-disposition").map(|value| Parameterised::parse(&value)),
            content_type,
            encoding,
            fields,
            raw: &[],
            body: &[],
            parts: Vec::new(),
        }
    }

    pub fn is(&self, media_type: &str) -> bool {
        self.media_type == media_type
    }

    pub fn is_multipart(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The first field of this name, unfolded, its encoded words untouched.
    pub fn field(&self, name: &str) -> Option<String> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value(self.charset()))
    }

    /// As the label stands; a comment or a second parameter behind it is cut off.
    pub fn charset(&self) -> Option<&str> {
        self.content_type
            .get("charset")
            .and_then(|label| label.split([' ', '\t', '(', ';']).next())
            .filter(|label| !label.is_empty())
    }

    /// As the sender wrote it: not safe to use.
    pub fn file_name(&self) -> Option<&str> {
        self.disposition
            .as_ref()
            .and_then(|disposition| disposition.get("filename"))
            .or_else(|| self.content_type.get("name"))
            .filter(|name| !name.trim().is_empty())
    }

    pub fn is_attachment(&self) -> bool {
        self.disposition
            .as_ref()
            .is_some_and(|disposition| disposition.main == "attachment")
    }

    /// The body without its transfer encoding, and whether that was damaged.
    pub fn decoded(&self) -> (Cow<'a, [u8]>, bool) {
        match self.encoding {
            Encoding::Identity => (Cow::Borrowed(self.body), false),
            // A dash is no base64: a gateway wrote the label and left the armour as it was.
            Encoding::Base64 if is_armour(self.body) => (Cow::Borrowed(self.body), false),
            Encoding::Base64 => {
                let (bytes, damaged) = transfer::base64(self.body);
                (Cow::Owned(bytes), damaged)
            }
            Encoding::QuotedPrintable if is_bare_armour(self.body) => {
                (Cow::Borrowed(self.body), false)
            }
            Encoding::QuotedPrintable => {
                let (bytes, damaged) = transfer::quoted_printable(self.body);
                (Cow::Owned(bytes), damaged)
            }
            Encoding::Uuencode => match transfer::uuencoded(self.body) {
                Some((bytes, damaged)) => (Cow::Owned(bytes), damaged),
                None => (Cow::Borrowed(self.body), true),
            },
        }
    }
}

fn is_armour(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"-----BEGIN PGP ")
}

/// Armour that nobody encoded, whatever the label says: the last line in front of its end is its
/// checksum `=abcd`, which would be `=3Dabcd`, and of which `=ab` may look like an encoded byte; or
/// data filled up by `=`, which would be `=3D`, and else joins the end line to the data.
fn is_bare_armour(body: &[u8]) -> bool {
    let mut last: &[u8] = b"";
    for line in body.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
        let is_bare = last.len() == 5 && last.starts_with(b"=") || last.ends_with(b"=");
        if is_bare && line.starts_with(b"-----END PGP ") {
            return is_armour(body);
        }
        if !line.is_empty() {
            last = line;
        }
    }
    false
}

/// `type/subtype`, or what stands for a value that is none (RFC 2045, 5.2).
fn media_type(main: &str, default_type: &str) -> String {
    let valid = main.split_once('/').is_some_and(|(kind, subtype)| {
        !kind.is_empty()
            && !subtype.is_empty()
            && main.len() <= 127
            && main
                .chars()
                .all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | ',' | '='))
    });
    match main {
        main if valid => main.to_owned(),
        "multipart" => "multipart/mixed".to_owned(),
        "application" => "application/octet-stream".to_owned(),
        _ => default_type.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Part<'_> {
        message(text.as_bytes(), &mut budget(100, 10))
    }

    fn budget(parts: usize, depth: usize) -> Budget {
        Budget {
            parts,
            depth,
            exceeded: false,
            header_cut: false,
        }
    }

    #[test]
    fn armour_that_nobody_encoded_is_left_as_it_is() {
        #[track_caller]
        fn check(label: &str, checksum: &str, expected: &str) {
            let armour = |checksum| {
                format!(
                    "-----BEGIN PGP MESSAGE-----\n\nAAAA\n{checksum}\n-----END PGP MESSAGE-----\n"
                )
            };
            let mail = format!("Content-Transfer-Encoding: {label}\n\n{}", armour(checksum));
            let (decoded, damaged) = parse(&mail).decoded();
            assert_eq!(
                String::from_utf8_lossy(&decoded),
                armour(expected),
                "{label}"
            );
            assert!(!damaged, "{label}");
        }
        check("7bit", "=4Fxy", "=4Fxy");
        check("base64", "=4Fxy", "=4Fxy");
        check("quoted-printable", "=4Fxy", "=4Fxy");
        check("quoted-printable", "=3D4Fxy", "=4Fxy");
        check("quoted-printable", "AA==", "AA==");
        check("quoted-printable", "AA=3D=3D", "AA==");
        check("quoted-printable", "=E4ro\nAAA=3D", "\u{fffd}ro\nAAA=");
    }

    /// `mixed(plain[text] png[…])`
    fn shape(part: &Part) -> String {
        let subtype = part.media_type.rsplit('/').next().unwrap_or_default();
        if part.is_multipart() {
            let inner: Vec<String> = part.parts.iter().map(shape).collect();
            format!("{subtype}({})", inner.join(" "))
        } else {
            format!("{subtype}{:?}", String::from_utf8_lossy(part.body))
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shape(&parse(text)), expected, "{text}");
        let crlf = text.replace('\n', "\r\n");
        let shown = shape(&parse(&crlf)).replace("\\r\\n", "\\n");
        assert_eq!(shown, expected, "with CRLF: {text}");
    }

    const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n\n";

    #[test]
    fn trees_are_built() {
        check("A: b\n\ntext\n", r#"plain"text\n""#);
        check(
            &format!(
                "{MIXED}pre\n--b\n\none\n--b\nContent-Type: image/png\n\ntwo\n\n--b--\npost\n"
            ),
            r#"mixed(plain"one" png"two\n")"#,
        );
        check(&format!("{MIXED}--b\n--b--\n"), r#"mixed(plain"")"#);
        check(
            &format!("{MIXED}--b\n\nx --b\n--bb\ny\n--b--  \n"),
            r#"mixed(plain"x --b\n--bb\ny")"#,
        );
        check(
            &format!("{MIXED}--b\n\none\n--b--\n--b\n\ntwo\n--b--\n"),
            r#"mixed(plain"one" plain"two")"#,
        );
        check(&format!("{MIXED}no part\n"), r#"mixed"no part\n""#);
        check(
            "Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\nc\n--b--\n",
            r#"digest(rfc822"A: b\n\nc")"#,
        );
    }

    #[test]
    fn an_inner_multipart_without_end_swallows_nothing() {
        check(
            &format!(
                "{MIXED}--b\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nin\n--b\n\nout\n--b--\n"
            ),
            r#"mixed(mixed(plain"in") plain"out")"#,
        );
    }

    #[test]
    fn a_wrong_boundary_is_replaced_by_the_one_in_use() {
        check(
            "Content-Type: multipart/mixed\n\n--x\nContent-Type: text/plain\n\nt\n--x--\n",
            r#"mixed(plain"t")"#,
        );
        check(
            &format!("{MIXED}--x\nContent-Type: text/plain\n\nt\n--x--\n"),
            r#"mixed(plain"t")"#,
        );
    }

    #[test]
    fn raw_is_what_a_signature_covers() {
        let text = "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--i--\r\n--b\r\n\r\nsig\r\n--b--\r\n";
        let signed = parse(text);
        assert_eq!(
            String::from_utf8_lossy(signed.parts[0].raw),
            "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--i--"
        );
        assert_eq!(signed.parts[1].body, b"sig");
    }

    #[test]
    fn depth_and_number_have_bounds() {
        let many = format!("{MIXED}{}", "--b\n\nx\n".repeat(50));
        let mut few = budget(10, 10);
        assert_eq!(message(many.as_bytes(), &mut few).parts.len(), 9);
        assert!(few.exceeded);

        let deep: String = (0..20)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"))
            .collect();
        let mut shallow = budget(100, 5);
        let part = message(deep.as_bytes(), &mut shallow);
        assert!(shallow.exceeded);
        assert_eq!(shape(&part).matches("mixed(").count(), 5);
    }

    #[test]
    fn media_types_are_always_valid() {
        let kind = |value: &str| parse(&format!("Content-Type: {value}\n\n")).media_type;
        assert_eq!(kind("Text/HTML; charset=x"), "text/html");
        assert_eq!(kind("text"), "text/plain");
        assert_eq!(kind("application"), "application/octet-stream");
        assert_eq!(kind("; x=y"), "text/plain");
        assert_eq!(kind("image / png (a picture)"), "image/png");
    }

    #[test]
    fn receipt_is_the_topmost_received_field() {
        let mail = b"Received: from a by b;\r\n Fri, 1 May 2026 12:00:00 +0200\r\n\
            Received: from x by a; Fri, 1 May 2020 12:00:00 +0200\r\n\
            Date: Fri, 1 May 2015 12:00:00 +0200\r\n\r\nx";
        let at = received_at(mail).unwrap();
        assert_eq!(at.to_rfc3339(), "2026-05-01T10:00:00+00:00");
        let unreceived = b"Date: Fri, 1 May 2015 12:00:00 +0200\r\n\r\nx";
        assert_eq!(received_at(unreceived), None);
    }
}
