//! Content transfer encodings (RFC 2045, 6) and their relatives, forgiving damage.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

/// Decoded bytes, and whether something in the input was no base64.
pub fn base64(bytes: &[u8]) -> (Vec<u8>, bool) {
    match base64_decode(bytes) {
        Some(decoded) => (decoded, false),
        None => {
            let kept = base64_alone(bytes);
            (base64_decode(&kept).unwrap_or_default(), true)
        }
    }
}

/// The alphabet alone; a footer that a mailing list wrote below the padding ends it.
fn base64_alone(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    for line in bytes.split(|&b| b == b'\n') {
        let line = line.trim_ascii();
        let clean = line.iter().all(|&b| is_base64(b));
        if !clean && kept.last() == Some(&b'=') {
            break;
        }
        kept.extend(line.iter().copied().filter(|&b| is_base64(b)));
    }
    kept
}

pub fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// An equals sign that encodes nothing stands for itself.
pub fn quoted_printable(bytes: &[u8]) -> (Vec<u8>, bool) {
    match quoted_printable_decode(bytes) {
        Some(decoded) => (decoded, false),
        None => {
            let mended = mend_quoted_printable(bytes);
            let decoded = quoted_printable_decode(&mended).unwrap_or(mended);
            (decoded, true)
        }
    }
}

fn mend_quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(bytes.len() + 64);
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        mended.push(byte);
        if byte == b'=' && !is_soft_break(tail) && hex_pair(tail).is_none() {
            mended.extend_from_slice(b"3D");
        }
    }
    mended
}

fn is_soft_break(tail: &[u8]) -> bool {
    let blanks = tail
        .iter()
        .take(80)
        .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'))
        .count();
    matches!(tail.get(blanks), None | Some(b'\n'))
}

/// The file between `begin` and `end` (POSIX uuencode), and whether some line of it was damaged.
/// `None`: there is no such file.
pub fn uuencoded(bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut lines = bytes.split(|&b| b == b'\n');
    lines.find(|line| line.starts_with(b"begin "))?;
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    for line in lines {
        let line = line.trim_ascii_end();
        if line == b"end" {
            return Some((out, false));
        }
        let Some((&length, data)) = line.split_first() else {
            continue;
        };
        let from = out.len();
        for four in data.chunks(4) {
            let sixes = [0, 1, 2, 3].map(|at| four.get(at).map_or(0, |&b| six_bits(b)));
            let bits = sixes
                .into_iter()
                .fold(0, |bits, six| bits << 6 | u32::from(six));
            let [_, three @ ..] = bits.to_be_bytes();
            out.extend_from_slice(&three);
        }
        out.truncate(from + usize::from(six_bits(length)));
    }
    Some((out, true))
}

/// A grave accent stands for a space, which is zero.
fn six_bits(byte: u8) -> u8 {
    byte.wrapping_sub(b' ') & 0x3F
}

/// The Q encoding of RFC 2047: an underscore is a space.
pub fn q_word(bytes: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = bytes
        .iter()
        .map(|&b| if b == b'_' { b' ' } else { b })
        .collect();
    hex_escapes(&spaced, b'=')
}

/// The percent encoding of RFC 2231.
pub fn percent(bytes: &[u8]) -> Vec<u8> {
    hex_escapes(bytes, b'%')
}

fn hex_escapes(bytes: &[u8], marker: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match hex_pair(tail).filter(|_| byte == marker) {
            Some(value) => {
                out.push(value);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => out.push(byte),
        }
    }
    out
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|&b| char::from(b).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    Some(digit(0)? << 4 | digit(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_forgives() {
        assert_eq!(base64(b"YWJj\r\nZA=="), (b"abcd".to_vec(), false));
        assert_eq!(base64(b"YWJjZA"), (b"abcd".to_vec(), false));
        assert_eq!(base64(b"YW*Jj"), (b"abc".to_vec(), true));
        assert_eq!(
            base64(b"YWJjZA==\n_____\nA list!\n"),
            (b"abcd".to_vec(), true)
        );
        assert_eq!(base64(b""), (Vec::new(), false));
    }

    #[test]
    fn quoted_printable_forgives() {
        assert_eq!(
            quoted_printable(b"a=3D=\r\nb \r\n"),
            (b"a=b\r\n".to_vec(), false)
        );
        assert_eq!(quoted_printable(b"1=x =\n"), (b"1=x ".to_vec(), true));
        assert_eq!(quoted_printable(b"100%=").0, b"100%".to_vec());
    }

    #[test]
    fn uuencode_is_undone() {
        let cat = b"begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n";
        assert_eq!(uuencoded(cat), Some((b"Cat".to_vec(), false)));
        assert_eq!(
            uuencoded(b"begin 644 c\n#0V%T\n"),
            Some((b"Cat".to_vec(), true))
        );
        assert_eq!(uuencoded(b"plain"), None);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(q_word(b"a_=C3=A4=zz="), "a ä=zz=".as_bytes());
        assert_eq!(percent(b"%41%zz%"), b"A%zz%");
    }
}
