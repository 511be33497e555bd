//! Where OpenPGP stands inside text: armoured blocks (RFC 9580, 6) found by their lines.
//!
//! Only lines that begin with the marker count. A block behind white space or quote marks was
//! perhaps written to somebody else, perhaps to us; see [`indented_messages`].

use std::borrow::Cow;

use super::parse::{charset, header, transfer};
use super::pgp;

/// Blocks of one text beyond this are left where they stand.
const MAX_BLOCKS: usize = 64;

/// A moved message that is larger is left where it stands, in bytes: it takes a copy.
const MAX_MOVED: usize = 4 * 1024 * 1024;

/// Begins every block.
pub const ANY: &str = "-----BEGIN PGP ";
const BEGIN: &[u8] = ANY.as_bytes();
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const MESSAGE: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const MESSAGE_END: &[u8] = b"-----END PGP MESSAGE-----";
const SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNED_END: &[u8] = b"-----END PGP SIGNATURE-----";
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const PUBLIC_KEY: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
const PUBLIC_KEY_END: &[u8] = b"-----END PGP PUBLIC KEY BLOCK-----";
const PRIVATE_KEY: &[u8] = b"-----BEGIN PGP PRIVATE KEY BLOCK-----";
const PRIVATE_KEY_END: &[u8] = b"-----END PGP PRIVATE KEY BLOCK-----";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    Plain(&'a [u8]),
    /// From the BEGIN line to the END line, or to the end of the text where that is missing.
    Message(&'a [u8]),
    /// A clear-signed text with its signature.
    Signed(&'a [u8]),
}

/// Cuts text at its messages and clear-signed texts. The segments together are the whole text, but
/// for a byte order mark in front.
pub fn segments(text: &[u8]) -> Vec<Segment<'_>> {
    let text = without_mark(text);
    let mut found = Vec::new();
    let mut plain = 0;
    for block in blocks(text, &[(MESSAGE, MESSAGE_END), (SIGNED, SIGNED_END)]) {
        let bytes = text.get(block.start..block.end).unwrap_or_default();
        let is_message = block.begin == MESSAGE;
        let is_whole = block.closed || is_message && has_armour(bytes);
        if !is_whole {
            continue;
        }
        found.push(Segment::Plain(
            text.get(plain..block.start).unwrap_or_default(),
        ));
        found.push(if is_message {
            Segment::Message(bytes)
        } else {
            Segment::Signed(bytes)
        });
        plain = block.end;
    }
    found.push(Segment::Plain(text.get(plain..).unwrap_or_default()));
    found.retain(|segment| !matches!(segment, Segment::Plain([])));
    found
}

/// A message whose lines were moved to the right, as by a paste or an answer.
pub struct Indented {
    pub start: usize,
    pub end: usize,
    /// The lines where they belong.
    pub block: Vec<u8>,
}

/// Whole messages behind white space, quote marks or words, escaped by dashes, with dashes that a
/// word processor made longer, or on one line, as HTML without line ends has them. They may be
/// examples too, or for others, so that whoever tries them leaves the text as it is where that fails.
pub fn indented_messages(text: &[u8]) -> Vec<Indented> {
    let mut found = Vec::new();
    let mut open: Option<Indented> = None;
    let mut at = 0;
    while let Some(line) = header::line_at(text, at) {
        let start = at;
        at += line.len();
        let mut words = without_marks(line);
        // What stands there as it should is found by `segments`.
        if is_dashed(words, b"BEGIN PGP MESSAGE") && line.trim_ascii_end() != MESSAGE {
            words = MESSAGE;
            let block = Vec::new();
            open = Some(Indented {
                start,
                end: at,
                block,
            });
        } else if let Some((before, from)) = split_at(line, MESSAGE) {
            let is_bare = without_marks(before).is_empty();
            let start = if is_bare { start } else { start + before.len() };
            words = without_marks(from);
            if let Some((length, block)) = on_one_line(from) {
                let end = at - from.len() + length;
                found.push(Indented { start, end, block });
                open = None;
            } else if words == MESSAGE {
                let is_moved = !before.is_empty();
                let block = Vec::new();
                open = is_moved.then_some(Indented {
                    start,
                    end: at,
                    block,
                });
            }
        } else if is_dashed(words, b"END PGP MESSAGE") {
            words = MESSAGE_END;
        }
        if let Some(indented) = &mut open {
            indented.block.extend_from_slice(words);
            indented.block.push(b'\n');
            indented.end = at;
        }
        open = open.filter(|indented| indented.block.len() <= MAX_MOVED);
        if words == MESSAGE_END {
            found.extend(open.take());
        }
        if found.len() >= MAX_BLOCKS {
            break;
        }
    }
    found
}

/// A message of which the line ends became spaces, and how long it is there. Its headers, which
/// nothing divides from each other any more, are left out.
fn on_one_line(from: &[u8]) -> Option<(usize, Vec<u8>)> {
    let window = from.get(..MAX_MOVED).unwrap_or(from);
    let (inside, _) = split_at(window, MESSAGE_END)?;
    let is_long = |word: &[u8]| word.len() >= 40 && word.iter().all(|&b| transfer::is_base64(b));
    let mut block = [MESSAGE, b"\n\n"].concat();
    let head = block.len();
    let words = inside.split(u8::is_ascii_whitespace);
    for word in words.filter(|word| !word.is_empty()) {
        if block.len() > head || is_long(word) {
            block.extend_from_slice(word);
            block.push(b'\n');
        }
    }
    let is_any = block.len() > head;
    block.extend_from_slice(MESSAGE_END);
    block.push(b'\n');
    let length = inside.len() + MESSAGE_END.len();
    is_any.then_some((length, block))
}

/// What is in front of `words`, and the rest with them.
fn split_at<'t>(text: &'t [u8], words: &[u8]) -> Option<(&'t [u8], &'t [u8])> {
    let first = words.first()?;
    let mut places = (0..text.len()).filter(|&at| text.get(at) == Some(first));
    let at = places.find(|&at| text.get(at..).is_some_and(|rest| rest.starts_with(words)))?;
    text.split_at_checked(at)
}

/// Does the line consist of `words` between hyphens, or the dashes that word processors make of
/// them? Before all a clear-signed text may have put `- ` (RFC 9580, 7.2).
fn is_dashed(line: &[u8], words: &[u8]) -> bool {
    let line = line.strip_prefix(b"- ").unwrap_or(line);
    let is_dash = |octet: &u8| b"-\xe2\x80\x93\x94".contains(octet);
    let start = line.iter().position(|octet| !is_dash(octet));
    let end = line.iter().rposition(|octet| !is_dash(octet));
    let inside = start
        .zip(end)
        .and_then(|(start, end)| line.get(start..=end));
    start > Some(0) && inside == Some(words)
}

/// Without quote marks and white space, which may be spaces that do not break or have no width.
fn without_marks(line: &[u8]) -> &[u8] {
    const MARKS: &[u8] = b">|\xc2\xa0\xe2\x80\x8b\xef\xbb\xbf";
    let is_mark = |octet: &u8| octet.is_ascii_whitespace() || MARKS.contains(octet);
    let start = line.iter().position(|octet| !is_mark(octet));
    let end = line.iter().rposition(|octet| !is_mark(octet));
    let words = start
        .zip(end)
        .and_then(|(start, end)| line.get(start..=end));
    words.unwrap_or_default()
}

/// Without the byte order mark that editors of Windows put in front.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// An armoured file that was saved with two bytes for each character.
pub fn without_utf16(file: &[u8]) -> Cow<'_, [u8]> {
    let decoded = |bytes| charset::decode(bytes, Some("utf-16")).0;
    let is_marked = file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff");
    let head = file.get(..64).filter(|_| is_marked);
    match head {
        Some(head)
            if decoded(head)
                .trim_start_matches('\u{feff}')
                .starts_with(ANY) =>
        {
            Cow::Owned(decoded(file).trim_start_matches('\u{feff}').into())
        }
        _ => Cow::Borrowed(file),
    }
}

/// Is there a message, whatever text stands around it?
pub fn holds_message(text: &[u8]) -> bool {
    mentions_openpgp(text)
        && segments(text)
            .iter()
            .any(|segment| matches!(segment, Segment::Message(_)))
}

/// Armour that is still quoted-printable or base64 because its label was lost.
pub fn without_lost_encoding(message: &[u8]) -> Cow<'_, [u8]> {
    /// [`ANY`] in base64, as far as the bytes behind it do not matter.
    const ENCODED: &[u8] = b"LS0tLS1CRUdJTiBQR1Ag";
    if is_quoted_printable(message) {
        Cow::Owned(transfer::quoted_printable(message).0)
    } else if message.trim_ascii_start().starts_with(ENCODED) {
        Cow::Owned(transfer::base64(message).0)
    } else {
        Cow::Borrowed(message)
    }
}

/// Told by its checksum, or by a line of data that goes on behind an equals sign.
fn is_quoted_printable(message: &[u8]) -> bool {
    let lines = message.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end);
    let is_data = |line: &[u8]| line.iter().all(|&octet| transfer::is_base64(octet));
    let is_encoded = |(line, next): (&[u8], &[u8])| {
        let is_checksum = line.len() == 7 && line.starts_with(b"=3D");
        let goes_on = line.ends_with(b"=") && next.first().is_some_and(|octet| *octet != b'=');
        is_checksum || goes_on && is_data(line) && is_data(next)
    };
    message.starts_with(BEGIN) && lines.clone().zip(lines.skip(1)).any(is_encoded)
}

/// Armoured certificates in some text; secret keys too, which people send by mistake.
pub fn key_blocks(text: &[u8]) -> Vec<&[u8]> {
    let text = without_mark(text);
    let ends = [(PUBLIC_KEY, PUBLIC_KEY_END), (PRIVATE_KEY, PRIVATE_KEY_END)];
    blocks(text, &ends)
        .into_iter()
        .filter(|block| block.closed)
        .filter_map(|block| text.get(block.start..block.end))
        .collect()
}

/// Is there anything beside armoured keys and signatures?
pub fn has_words(text: &[u8]) -> bool {
    let text = without_mark(text);
    if !mentions_openpgp(text) {
        return false;
    }
    let kinds = [
        (PUBLIC_KEY, PUBLIC_KEY_END),
        (PRIVATE_KEY, PRIVATE_KEY_END),
        (SIGNATURE, SIGNED_END),
    ];
    let mut behind = 0;
    for block in blocks(text, &kinds).iter().filter(|block| block.closed) {
        let between = text.get(behind..block.start).unwrap_or_default();
        if !between.trim_ascii().is_empty() {
            return true;
        }
        behind = block.end;
    }
    !text
        .get(behind..)
        .unwrap_or_default()
        .trim_ascii()
        .is_empty()
}

struct Found {
    begin: &'static [u8],
    start: usize,
    end: usize,
    closed: bool,
}

/// Blocks that begin and end with the given lines, one pass.
fn blocks(text: &[u8], kinds: &[(&'static [u8], &'static [u8])]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    if !mentions_openpgp(text) {
        return found;
    }
    let mut open: Option<(usize, &'static [u8], &'static [u8])> = None;
    let mut at = 0;
    while let Some(line) = header::line_at(text, at) {
        let start = at;
        at += line.len();
        let line = line.trim_ascii_end();
        if !line.starts_with(b"-----") {
            continue;
        }
        match open {
            Some((begun, begin, end)) if line == end => {
                found.push(Found {
                    begin,
                    start: begun,
                    end: at,
                    closed: true,
                });
                open = None;
            }
            // Nothing is armoured inside a clear-signed text but its signature.
            Some((_, begin, _)) if begin == SIGNED && line != SIGNED => {}
            _ => {
                if let Some(&(begin, end)) = kinds.iter().find(|(begin, _)| *begin == line) {
                    open = Some((start, begin, end));
                }
            }
        }
        if found.len() >= MAX_BLOCKS {
            return found;
        }
    }
    if let Some((begun, begin, _)) = open {
        found.push(Found {
            begin,
            start: begun,
            end: text.len(),
            closed: false,
        });
    }
    found
}

/// The charset that an armour header names for what is inside (RFC 4880, 6.2).
pub fn charset_of(block: &[u8]) -> Option<String> {
    let headers = block.split(|&b| b == b'\n').skip(1).take(20);
    headers
        .map(<[u8]>::trim_ascii)
        .take_while(|line| !line.is_empty())
        .find_map(|line| {
            let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
            let is_charset = name.eq_ignore_ascii_case("charset");
            is_charset.then(|| value.trim().to_owned())
        })
}

/// Cheap: is there any armour at all?
pub fn mentions_openpgp(text: &[u8]) -> bool {
    // Two dashes in front let most text pass with one comparison a line.
    without_mark(text)
        .split(|&b| b == b'\n')
        .any(|line| line.starts_with(BEGIN))
}

/// Are there lines of base64 behind the first, as in a message that was cut short?
fn has_armour(block: &[u8]) -> bool {
    block
        .split(|&b| b == b'\n')
        .skip(1)
        .take(20)
        .map(<[u8]>::trim_ascii)
        .any(|line| line.len() >= 40 && line.iter().all(|&b| transfer::is_base64(b)))
}

/// What some bytes are, by their beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Message,
    Signature,
    Keys,
    Other,
}

/// Judges a file: its first armour line, or the first packet of binary OpenPGP when `binary` is
/// expected by name or type (RFC 9580, 4.2).
pub fn content(bytes: &[u8], binary: bool) -> Content {
    let head = bytes.get(..4096).unwrap_or(bytes);
    let head = without_mark(head).trim_ascii_start();
    if head.starts_with(MESSAGE) {
        return Content::Message;
    }
    if head.starts_with(SIGNATURE) {
        return Content::Signature;
    }
    if head.starts_with(PUBLIC_KEY) || head.starts_with(PRIVATE_KEY) {
        return Content::Keys;
    }
    let tag = binary.then(|| pgp::first_tag(bytes)).flatten();
    match tag {
        // Session keys, encrypted data, compressed data, marker.
        Some(1 | 3 | 8 | 9 | 10 | 18 | 20) => Content::Message,
        Some(2) => Content::Signature,
        Some(5 | 6) => Content::Keys,
        _ => Content::Other,
    }
}

/// Armour that went through HTML or a careless mail program: lines trimmed, and the blank line
/// between armour headers and data put back.
pub fn mend(block: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(block.len() + 2);
    let mut in_headers = true;
    for (at, line) in block.split(|&b| b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if at > 0 && in_headers {
            let is_header = line.windows(2).any(|pair| pair == b": ") || line.ends_with(b":");
            if !is_header {
                in_headers = false;
                if !line.is_empty() {
                    out.push(b'\n');
                }
            }
        }
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const BLOCK: &str = "-----BEGIN PGP MESSAGE-----\n\nhQEMAwzOQ1qnzNo7AQgAtWfDWWI2JUGuptpackiIxpWViEEpGAeruETubiIP\n-----END PGP MESSAGE-----\n";

    #[track_caller]
    fn check(text: &str, kinds: &str) {
        let found = segments(text.as_bytes());
        let shown: String = found
            .iter()
            .map(|segment| match segment {
                Segment::Plain(_) => 'p',
                Segment::Message(_) => 'm',
                Segment::Signed(_) => 's',
            })
            .collect();
        assert_eq!(shown, kinds, "{text}");
        let total: usize = found
            .iter()
            .map(|segment| match segment {
                Segment::Plain(b) | Segment::Message(b) | Segment::Signed(b) => b.len(),
            })
            .sum();
        assert_eq!(total, text.len());
    }

    #[test]
    fn blocks_are_found_at_line_starts_alone() {
        check("no armour", "p");
        check(BLOCK, "m");
        assert_eq!(
            segments(format!("\u{feff}{BLOCK}").as_bytes()),
            segments(BLOCK.as_bytes())
        );
        check(&format!("before\n{BLOCK}after\n{BLOCK}"), "pmpm");
        check(&BLOCK.replace("-----BEGIN", "> -----BEGIN"), "p");
        check(&format!("see {BLOCK}"), "p");
        check("-----BEGIN PGP MESSAGE-----\nis how it starts\n", "p");
        check(BLOCK.split("-----END").next().unwrap(), "m");
        check(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nhi\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\nfooter\n",
            "sp",
        );
    }

    #[track_caller]
    fn check_moved(text: &str, shown: Option<(&str, &str)>) {
        let found = indented_messages(text.as_bytes());
        let around = found.first().map(|block| {
            assert_eq!(std::str::from_utf8(&block.block).unwrap(), BLOCK);
            (&text[..block.start], &text[block.end..])
        });
        assert_eq!(around, shown, "{text}");
    }

    #[test]
    fn messages_that_were_moved_are_found() {
        let line = BLOCK.replace('\n', " ");
        check_moved(BLOCK, None);
        check_moved(&format!("a\n{BLOCK}b"), None);
        check_moved(
            &BLOCK.replace('\n', "\n> ").replacen('-', "> -", 1),
            Some(("", "> ")),
        );
        check_moved(
            &format!("\u{a0}{}", BLOCK.replace('\n', "\n\u{a0}")),
            Some(("", "\u{a0}")),
        );
        check_moved(&BLOCK.replace('\n', "\u{a0}\n"), Some(("", "")));
        check_moved(&BLOCK.replacen('\n', "\u{200b}\n", 1), Some(("", "")));
        check_moved(&format!("a\n\u{feff}{BLOCK}b"), Some(("a\n", "b")));
        check_moved(&BLOCK.replace("-----E", "- -----E"), None);
        let escaped = BLOCK.replace("-----BEGIN", "- -----BEGIN");
        check_moved(&escaped, Some(("", "")));
        check_moved(&escaped.replace("-----END", "- -----END"), Some(("", "")));
        check_moved(&BLOCK.replace("-----", "\u{2014}\u{2013}-"), Some(("", "")));
        check_moved(&BLOCK.replace("-----", ""), None);
        check_moved(&format!("Body: {BLOCK}b"), Some(("Body: ", "b")));
        check_moved(&format!("a {line}b"), Some(("a ", " b")));
        check_moved(
            &line.replace("MESSAGE-----  ", "MESSAGE----- Version: x 1 "),
            Some(("", " ")),
        );
        check_moved(
            "see -----BEGIN PGP MESSAGE----- and -----END PGP MESSAGE-----\n",
            None,
        );
    }

    #[test]
    fn words_beside_keys_are_seen() {
        let key =
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----\n";
        for (text, expected) in [
            (key.to_owned(), false),
            (format!("\u{feff}\n{key}\n{key}\n"), false),
            (format!("{key}read this\n"), true),
            (format!("read this\n{key}"), true),
            (format!("{key}and\n{key}"), true),
            ("\u{99}\u{1}".to_owned(), false),
        ] {
            assert_eq!(has_words(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn files_are_judged_by_their_beginning() {
        assert_eq!(content(BLOCK.as_bytes(), false), Content::Message);
        assert_eq!(
            content(format!("\u{feff}{BLOCK}").as_bytes(), false),
            Content::Message
        );
        let session_key = b"\x85\x01\x0c\x0312345678\x01";
        assert_eq!(content(session_key, true), Content::Message);
        assert_eq!(content(session_key, false), Content::Other);
        assert_eq!(content(b"%PDF-1.4", true), Content::Other);
        assert_eq!(content(b"\x99\x01\x0d\x041234\x01", true), Content::Keys);
        assert_eq!(content(b"", true), Content::Other);
    }

    #[track_caller]
    fn check_encoding(block: &str, expected: &str) {
        let read = without_lost_encoding(block.as_bytes());
        assert_eq!(std::str::from_utf8(&read).unwrap(), expected);
    }

    #[test]
    fn armour_without_the_label_of_its_encoding_is_decoded() {
        let padded = BLOCK.replace("uETubiIP\n", "uETubiI=\n");
        check_encoding(BLOCK, BLOCK);
        check_encoding(&padded, &padded);
        let checked = padded.replace("I=\n", "I=\n=3Dab\n");
        check_encoding(&checked, &checked);
        check_encoding(&BLOCK.replace("lpp", "lp=\np"), BLOCK);
        let encoded = padded.replace("I=\n", "I=3D\n=3Dabcd\n");
        check_encoding(&encoded, &encoded.replace("=3D", "="));
        check_encoding(&STANDARD.encode(BLOCK), BLOCK);
    }

    #[test]
    fn careless_armour_is_mended() {
        assert_eq!(
            mend(b"-----BEGIN PGP MESSAGE-----\nVersion: 1\n hQEM \n-----END PGP MESSAGE-----"),
            b"-----BEGIN PGP MESSAGE-----\nVersion: 1\n\nhQEM\n-----END PGP MESSAGE-----\n"
        );
    }
}
