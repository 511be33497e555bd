//! ASCII armour (RFC 9580, 6.2), read tolerantly and written plainly.
//!
//! Mail programs, gateways and people bend armour: lines gain spaces, quote marks or a second
//! line end, headers lose their values, the blank line or the checksum vanishes. Whatever
//! leaves the base64 itself readable is accepted. The checksum is not looked at (RFC 9580, 6.1):
//! the integrity check of the message is the one that counts.

use std::borrow::Cow;
use std::io::Write;

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::zeroize::Zeroizing;
use sequoia_openpgp::{Profile, armor};

/// What the line after `-----BEGIN PGP ` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    Message,
    PublicKey,
    PrivateKey,
    Signature,
}

const LABELS: [(Label, &[u8]); 4] = [
    (Label::Message, b"MESSAGE"),
    (Label::PublicKey, b"PUBLIC KEY BLOCK"),
    (Label::PrivateKey, b"PRIVATE KEY BLOCK"),
    (Label::Signature, b"SIGNATURE"),
];

/// The packets of one block.
pub struct Packets<'a> {
    pub bytes: Cow<'a, [u8]>,
    /// The block had its end line, and nothing in it but base64. Of binary data: true.
    pub complete: bool,
}

/// The packets in `bytes`: those of the first block labelled as one of `wanted`, or `bytes`
/// themselves where they are binary. `None`: neither.
pub fn packets<'a>(bytes: &'a [u8], wanted: &[Label]) -> Option<Packets<'a>> {
    if is_binary(bytes) {
        return Some(Packets {
            bytes: Cow::Borrowed(bytes),
            complete: true,
        });
    }
    blocks(bytes, wanted).next()
}

/// All blocks labelled as one of `wanted`, whatever text stands around them.
pub fn blocks<'a>(
    bytes: &'a [u8],
    wanted: &'a [Label],
) -> impl Iterator<Item = Packets<'static>> + 'a {
    let mut lines = lines(bytes);
    std::iter::from_fn(move || {
        lines.find(|line| label(line).is_some_and(|label| wanted.contains(&label)))?;
        Some(body(&mut lines))
    })
}

/// A packet begins with a byte above 127 (RFC 9580, 4.2), and its fields soon hold a control
/// character; text before an armour does not.
pub fn is_binary(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && !b"\t\n\x0c\r".contains(byte);
    bytes.first().is_some_and(|first| *first >= 0x80) && bytes.iter().take(64).any(is_control)
}

/// Lines without their ends, of `\n`, `\r\n` or lone `\r`.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
    bytes.split(move |byte| *byte == end)
}

/// The label of a `BEGIN` line; quote marks may stand before it.
fn label(line: &[u8]) -> Option<Label> {
    let rest = after_dashes(line)?.strip_prefix(b"BEGIN PGP ")?;
    LABELS.iter().find_map(|(label, words)| {
        let rest = rest.strip_prefix(*words)?;
        rest.first().is_some_and(is_dash).then_some(*label)
    })
}

fn is_end(line: &[u8]) -> bool {
    after_dashes(line).is_some_and(|rest| rest.starts_with(b"END PGP"))
}

/// What follows the dashes that open an armour line; `None` where none do.
fn after_dashes(line: &[u8]) -> Option<&[u8]> {
    let line = unquoted(line);
    let rest = skip(line, is_dash);
    (rest.len() < line.len()).then_some(rest)
}

/// Word processors make long dashes of several, which are not ASCII in any charset.
fn is_dash(byte: &u8) -> bool {
    *byte == b'-' || *byte >= 0x80
}

/// Without the white space and the quote marks before it, and the white space after it.
fn unquoted(line: &[u8]) -> &[u8] {
    let is_mark = |byte: &u8| byte.is_ascii_whitespace() || b">|]}".contains(byte);
    skip(line, is_mark).trim_ascii_end()
}

fn skip(line: &[u8], unwanted: impl Fn(&u8) -> bool) -> &[u8] {
    let start = line.iter().position(|byte| !unwanted(byte));
    start
        .and_then(|start| line.get(start..))
        .unwrap_or_default()
}

/// Reads the headers and the base64 of a block, up to and including its end line.
///
/// It may be a secret key: what is not returned is wiped.
fn body<'a>(lines: &mut impl Iterator<Item = &'a [u8]>) -> Packets<'static> {
    let mut base64 = Zeroizing::new(Vec::new());
    let mut clean = true;
    let mut padded = false;
    let mut complete = false;
    for line in lines {
        let line = unquoted(line);
        complete = is_end(line);
        if complete || line.starts_with(b"-") {
            break;
        }
        if base64.is_empty() && is_header(line) {
            continue;
        }
        make_room(&mut base64, line.len());
        for &byte in line {
            match byte {
                // The checksum follows the padding, or stands alone after a `=`.
                b'=' => padded = true,
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if !padded => {
                    base64.push(byte);
                }
                _ if padded || byte.is_ascii_whitespace() || byte >= 0x80 => {}
                _ => clean = false,
            }
        }
    }
    if base64.len() % 4 == 1 {
        base64.pop();
        clean = false;
    }
    let bytes = UNPADDED.decode(&*base64).unwrap_or_default();
    Packets {
        complete: complete && clean && !bytes.is_empty(),
        bytes: Cow::Owned(bytes),
    }
}

/// As `reserve`, but what was there before is wiped.
fn make_room(bytes: &mut Zeroizing<Vec<u8>>, more: usize) {
    if bytes.capacity() - bytes.len() < more {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * bytes.len() + more + 4_096));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
}

/// An empty line, `Key: value`, or the rest of such a line after it was wrapped.
fn is_header(line: &[u8]) -> bool {
    line.is_empty()
        || line
            .iter()
            .any(|byte| *byte == b':' || byte.is_ascii_whitespace())
}

const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// An armoured block without headers, with the checksum that older programs ask for.
pub fn armored(label: Label, packets: &[u8]) -> std::io::Result<String> {
    let kind = match label {
        Label::Message => armor::Kind::Message,
        Label::PublicKey => armor::Kind::PublicKey,
        Label::PrivateKey => armor::Kind::SecretKey,
        Label::Signature => armor::Kind::Signature,
    };
    let mut writer = armor::Writer::new(Vec::new(), kind)?;
    writer
        .set_profile(Profile::RFC4880)
        .map_err(std::io::Error::other)?;
    writer.write_all(packets)?;
    String::from_utf8(writer.finalize()?).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `\xd2\x04abcd` in base64.
    const BODY: &str = "0gRhYmNk";
    const PLAIN: &[u8] = b"\xd2\x04abcd";

    #[track_caller]
    fn check(text: &str, expected: Option<(&[u8], bool)>) {
        let read = packets(text.as_bytes(), &[Label::Message]);
        let read = read
            .as_ref()
            .map(|read| (read.bytes.as_ref(), read.complete));
        assert_eq!(read, expected, "{text:?}");
    }

    #[test]
    fn bent_armour_is_read() {
        const BEGIN: &str = "-----BEGIN PGP MESSAGE-----";
        const END: &str = "-----END PGP MESSAGE-----";
        let whole = Some((PLAIN, true));
        let cut = Some((PLAIN, false));
        check(&format!("{BEGIN}\n\n{BODY}\n=abcd\n{END}\n"), whole);
        check(
            &format!("{BEGIN}\r\n\r\n{BODY}\r\n=abcd\r\n{END}\r\n"),
            whole,
        );
        check(&format!("{BEGIN}\r\r{BODY}\r=abcd\r{END}\r"), whole);
        check(&format!("{BEGIN}\n\n{BODY}\n{END}"), whole);
        check(&format!("{BEGIN}\n{BODY}\n{END}"), whole);
        check(
            &format!("{BEGIN}  \n \t\n{BODY}   \n=abcd  \n{END} \n"),
            whole,
        );
        check(
            &format!("{BEGIN}\n\nVersion: 1\n\nComment:\n\n0gRh\n\nYmNk\n\n{END}"),
            whole,
        );
        check(
            &format!("{BEGIN}\nComment: a long\ncomment that was wrapped\n\n{BODY}\n{END}"),
            whole,
        );
        check(&format!("{BEGIN}\nCharset: \u{e4}\n\n{BODY}\n{END}"), whole);
        check(
            &format!("Gr\u{fc}\u{df}e,\n\n  {BEGIN}\n\n  {BODY}\n  {END}\nBye\n"),
            whole,
        );
        check(&format!("> {BEGIN}\n>\n> {BODY}\n> {END}\n"), whole);
        check(&format!("\u{feff}{BEGIN}\n\n{BODY}\u{a0}\n{END}\n"), whole);
        check(
            &format!(
                "\u{2014}BEGIN PGP MESSAGE\u{2014}\n\n{BODY}\n\u{2014}END PGP MESSAGE\u{2014}"
            ),
            whole,
        );
        check(&format!("{BEGIN}\n\n{BODY}=abcd\n{END}"), whole);
        check(&format!("{BEGIN}\n\n{BODY}\n"), cut);
        check(&format!("{BEGIN}\n\n{BODY}\n{BEGIN}\n"), cut);
        check(&format!("{BEGIN}\n\n0gR!hYmNk\n{END}"), cut);
        check(&format!("{BEGIN}\n\n{BODY}A\n{END}"), cut);
        check(&format!("{BEGIN}\n{END}"), Some((b"", false)));
        check(&format!("- {BEGIN}\n\n{BODY}\n{END}"), None);
        check("-----BEGIN PGP SIGNATURE-----\n\n0gRh\n", None);
        check("no armour", None);
        check("", None);
    }

    #[test]
    fn binary_is_told_from_text() {
        assert!(is_binary(b"\x85\x01\x0c\x03"));
        assert!(is_binary(b"\xc1\xc0\x4c\x03"));
        assert!(!is_binary("\u{e4}rger\r\n".as_bytes()));
        assert!(!is_binary(b"-----BEGIN"));
        assert!(!is_binary(b""));
    }

    #[test]
    fn what_is_written_is_read() {
        let text = armored(Label::Message, PLAIN).unwrap();
        assert!(
            text.starts_with("-----BEGIN PGP MESSAGE-----\n\n0gRhYmNk\n="),
            "{text}"
        );
        check(&text, Some((PLAIN, true)));
    }
}
