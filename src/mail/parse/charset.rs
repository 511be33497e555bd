//! Bytes to text, whatever the label says.
//!
//! Labels lie: programs write `us-ascii` over UTF-8, and `utf-8` over what an old editor saved as
//! windows-1252. UTF-8 is hard to hit by accident, so valid UTF-8 wins over every weak label.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use mail_parser::decoders::charsets::DecoderFnc;
use mail_parser::decoders::charsets::map::charset_decoder;

/// Text, and whether some bytes had no meaning in the charset that was used.
pub fn decode(bytes: &[u8], label: Option<&str>) -> (String, bool) {
    if let Some(bytes) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return from_utf8(bytes);
    }
    let charset = Charset::named(label);
    match charset {
        Charset::Utf8 | Charset::Weak => guess(bytes, charset),
        Charset::Utf16(_) if !looks_like_utf16(bytes) => guess(bytes, Charset::Weak),
        Charset::Utf16(decoder) => checked(bytes, decoder),
        Charset::Iso2022Jp => checked(&without_idle_escapes(bytes), named("iso-2022-jp")),
        Charset::Named(decoder) => checked(bytes, decoder),
        Charset::Iso2022Kr => checked(&shifted(bytes), named("euc-kr")),
        Charset::Hz => checked(&unbraced(bytes), named("gbk")),
    }
}

/// As [`decode`], for the bytes of a header field, whose charset nobody declares.
pub fn decode_header(bytes: &[u8], label: Option<&str>) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0x1B) => (text.to_owned(), false),
        _ => decode(bytes, label),
    }
}

#[derive(Clone, Copy)]
enum Charset {
    Utf8,
    /// No label, an unknown one, or one that programs write by habit.
    Weak,
    Utf16(DecoderFnc),
    Iso2022Jp,
    Iso2022Kr,
    Hz,
    Named(DecoderFnc),
}

impl Charset {
    fn named(label: Option<&str>) -> Self {
        let Some(label) = label else {
            return Self::Weak;
        };
        let label = label
            .trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | ','))
            .to_ascii_lowercase();
        let compact: String = label
            .chars()
            .filter(|c| c.is_ascii_alphanumeric())
            .collect();
        match compact.as_str() {
            "" | "usascii" | "ascii" | "iso88591" | "latin1" | "windows1252" | "cp1252"
            | "ansix341968" | "unknown" | "unknown8bit" | "xunknown" | "8bit" | "7bit"
            | "default" | "none" => Self::Weak,
            utf8 if utf8.starts_with("utf8") || utf8.ends_with("utf8") => Self::Utf8,
            "iso2022kr" | "csiso2022kr" => Self::Iso2022Kr,
            "hzgb2312" => Self::Hz,
            "utf16" | "utf16le" | "utf16be" | "unicode" | "ucs2" => {
                Self::Utf16(named(label.as_str()))
            }
            "cp932" | "xsjis" | "shiftjis" | "mskanji" => Self::Named(named("shift_jis")),
            "cp949" | "ms949" | "uhc" | "euckr" => Self::Named(named("euc-kr")),
            "eucjp" | "eucjpms" | "cp51932" => Self::Named(named("euc-jp")),
            "iso2022jp" | "csiso2022jp" | "cp50220" | "cp50221" | "iso2022jpms" | "iso2022jp1"
            | "iso2022jp2" | "iso2022jp3" => Self::Iso2022Jp,
            "utf7" | "unicode11utf7" | "csunicode11utf7" => Self::Named(named("utf-7")),
            "cp950" | "big5" => Self::Named(named("big5")),
            _ => Self::by_table(&label, &compact),
        }
    }

    fn by_table(label: &str, compact: &str) -> Self {
        let spelled = compact
            .strip_prefix("windows")
            .or_else(|| compact.strip_prefix("win"))
            .or_else(|| compact.strip_prefix("cp"))
            .filter(|number| number.starts_with("125"))
            .map(|number| format!("windows-{number}"));
        let dashed = compact
            .strip_prefix("iso8859")
            .map(|number| format!("iso-8859-{number}"));
        [Some(label.to_owned()), spelled, dashed]
            .into_iter()
            .flatten()
            .find_map(|name| charset_decoder(name.as_bytes()))
            .map_or(Self::Weak, Self::Named)
    }
}

/// A decoder of the library's table; windows-1252 where it has none.
fn named(label: &str) -> DecoderFnc {
    charset_decoder(label.as_bytes())
        .or_else(|| charset_decoder(b"windows-1252"))
        .unwrap_or(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn from_utf8(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), true),
    }
}

fn checked(bytes: &[u8], decoder: DecoderFnc) -> (String, bool) {
    let text = decoder(bytes);
    if !text.contains('\u{FFFD}') {
        return (text, false);
    }
    match std::str::from_utf8(bytes) {
        Ok(utf8) if !bytes.is_ascii() => (utf8.to_owned(), utf8.contains('\u{FFFD}')),
        _ => (text, true),
    }
}

fn guess(bytes: &[u8], charset: Charset) -> (String, bool) {
    if is_iso_2022_jp(bytes) {
        return checked(&without_idle_escapes(bytes), named("iso-2022-jp"));
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return checked(bytes, named("utf-16"));
    }
    let (good, bad) = match std::str::from_utf8(bytes) {
        Ok(text) => return (text.to_owned(), text.contains('\u{FFFD}')),
        Err(_) => utf8_sequences(bytes),
    };
    // Much that is well-formed and little that is not is damaged UTF-8; with a weak label hardly
    // anything may be broken.
    let mostly_utf8 = match charset {
        Charset::Utf8 => good >= bad,
        _ => good >= bad.saturating_mul(4),
    };
    if mostly_utf8 && good > 0 {
        return (String::from_utf8_lossy(bytes).into_owned(), true);
    }
    if let Some(text) = detected(bytes) {
        return (text, false);
    }
    checked(bytes, named("windows-1252"))
}

/// Fewer bytes above ASCII than this tell nothing.
const TELLING: usize = 6;

/// Bytes that are looked at.
const DETECTED: usize = 64 * 1024;

/// Text of a script that is not Latin, in one of its old charsets.
///
/// Its bytes above ASCII stand side by side; in Western text they stand alone among letters, and
/// a guess would do more harm than good.
fn detected(bytes: &[u8]) -> Option<String> {
    let window = bytes.get(..DETECTED).unwrap_or(bytes);
    let high = window.iter().filter(|b| !b.is_ascii()).count();
    let runs = window
        .chunk_by(|a, b| a.is_ascii() == b.is_ascii())
        .filter(|run| run.first().is_some_and(|b| !b.is_ascii()))
        .count();
    if high < TELLING || 2 * high < 3 * runs {
        return None;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(window, true);
    let found = detector.guess(None, Utf8Detection::Deny).name();
    if found.starts_with("windows-1252") || found.starts_with("ISO-8859-1") {
        return None;
    }
    let text = charset_decoder(found.to_ascii_lowercase().as_bytes())?(bytes);
    (!text.contains('\u{FFFD}')).then_some(text)
}

/// How many multi-byte sequences are well-formed, and how many stretches are not.
fn utf8_sequences(bytes: &[u8]) -> (usize, usize) {
    bytes.utf8_chunks().fold((0, 0), |(good, bad), chunk| {
        let wide = chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        (good + wide, bad + usize::from(!chunk.invalid().is_empty()))
    })
}

/// Seven-bit text with an escape into a Japanese set, as old Japanese programs send unlabelled.
fn is_iso_2022_jp(bytes: &[u8]) -> bool {
    bytes.is_ascii()
        && bytes
            .windows(3)
            .any(|w| matches!(w, b"\x1B$B" | b"\x1B$@" | b"\x1B(J"))
}

/// Drops an escape that another one follows at once, as where encoded words were joined: the
/// decoder takes that for an attack.
fn without_idle_escapes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == 0x1B && tail.get(2) == Some(&0x1B) {
            rest = tail.get(2..).unwrap_or_default();
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    out
}

fn looks_like_utf16(bytes: &[u8]) -> bool {
    let head = bytes.get(..256).unwrap_or(bytes);
    head.starts_with(b"\xFF\xFE")
        || head.starts_with(b"\xFE\xFF")
        || head.contains(&0)
        || std::str::from_utf8(bytes).is_err()
}

/// ISO-2022-KR (RFC 1557) as EUC-KR: between SO and SI the high bits were taken away.
fn shifted(bytes: &[u8]) -> Vec<u8> {
    let mut high = false;
    let bytes = bytes.strip_prefix(b"\x1B$)C").unwrap_or(bytes);
    bytes
        .iter()
        .filter_map(|&b| match b {
            0x0E => {
                high = true;
                None
            }
            0x0F => {
                high = false;
                None
            }
            b'\n' => {
                high = false;
                Some(b)
            }
            0x21..=0x7E if high => Some(b | 0x80),
            _ => Some(b),
        })
        .collect()
}

/// HZ (RFC 1843) as GBK: between `~{` and `~}` the high bits were taken away.
fn unbraced(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut high = false;
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let escape = tail.first().filter(|_| byte == b'~');
        match escape {
            Some(b'{') => high = true,
            Some(b'}') => high = false,
            Some(b'~') => out.push(b'~'),
            Some(b'\n') => {}
            _ => {
                out.push(if high && byte > 0x20 {
                    byte | 0x80
                } else {
                    byte
                });
                continue;
            }
        }
        rest = tail.get(1..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], label: Option<&str>, text: &str, lossy: bool) {
        assert_eq!(decode(bytes, label), (text.to_owned(), lossy), "{label:?}");
    }

    #[test]
    fn labels_are_believed_where_they_fit() {
        check(b"\xe4", Some("iso-8859-1"), "ä", false);
        check(b"\xe4", Some("\"ISO_8859-1\""), "ä", false);
        check(b"\xcf\xf0", Some("windows-1251"), "Пр", false);
        check(b"\xcf\xf0", Some("cp-1251"), "Пр", false);
        check(b"\xb9", Some("iso8859-2"), "š", false);
        check(b"\x82\xa0", Some("cp932"), "あ", false);
        check(b"\xbe\xc8", Some("ks_c_5601-1987"), "안", false);
        check(b"\x1b$)C\x0e>H\x0f", Some("iso-2022-kr"), "안", false);
        check(b"~{<:Ky2;~} x", Some("hz-gb-2312"), "己所不 x", false);
        check(
            b"\x1b$B$\"\x1b(B\x1b$B$$\x1b(B",
            Some("iso-2022-jp"),
            "あい",
            false,
        );
        check(b"\xe4\0\xf6\0", Some("utf-16le"), "äö", false);
    }

    #[test]
    fn labels_that_lie_are_seen_through() {
        check("ä–日".as_bytes(), Some("us-ascii"), "ä–日", false);
        check("ä".as_bytes(), Some("iso-8859-1"), "ä", false);
        check("ä".as_bytes(), None, "ä", false);
        check("ä".as_bytes(), Some("x-nonsense"), "ä", false);
        check(b"gr\xfc\xdfe", Some("utf-8"), "grüße", false);
        check(b"gr\xfc\xdfe", None, "grüße", false);
        check(b"plain", Some("utf-16"), "plain", false);
        check(b"\x1b$B$\"\x1b(B", Some("us-ascii"), "あ", false);
        check("äöü".as_bytes(), Some("shift_jis"), "ﾃ､ﾃｶﾃｼ", false);
        check(b"\xEF\xBB\xBFx", Some("iso-8859-1"), "x", false);
    }

    #[test]
    fn scripts_without_a_label_are_recognised() {
        let chinese = b"\xd7\xaa\xb7\xa2\xa3\xba\xd5\xfb\xcc\xe5\xcc\xe1\xc9\xfd\xc6\xf3\xd2\xb5\xb7\xfe\xce\xf1";
        check(chinese, None, "转发：整体提升企业服务", false);
        check(chinese, Some("iso-8859-1"), "转发：整体提升企业服务", false);
        check(chinese, Some("utf-8"), "转发：整体提升企业服务", false);
        check(
            b"\xf0\xd2\xc9\xd7\xc5\xd4, \xcb\xc1\xcb \xc4\xc5\xcc\xc1?",
            None,
            "Привет, как дела?",
            false,
        );
        check(
            b"\xcf\xf0\xe8\xe2\xe5\xf2, \xea\xe0\xea \xe4\xe5\xeb\xe0?",
            None,
            "Привет, как дела?",
            false,
        );
        check(
            b"\x90\xc6\x8e\xe3\x90\xab\x82\xf0\x95\xf1\x8d\x90\x82\xb5\x82\xdc\x82\xb7",
            None,
            "脆弱性を報告します",
            false,
        );
        check(
            b"\xb1\x7a\xa6\x6e\xa1\x41\xa7\xda\xad\x6e\xb3\xf8\xa7\x69\xba\x7c\xac\x7d\xa1\x41\xbd\xd0\xa6\x5e\xc2\xd0",
            None,
            "您好，我要報告漏洞，請回覆",
            false,
        );
    }

    #[test]
    fn western_text_is_not_guessed_away() {
        for text in [
            "Grüße aus Köln, schöne Süßigkeiten für Änne und Jörg",
            "Déjà vu à la forêt, où l'été a été très chaud",
            "El niño pequeño comió jamón y piñas mañana por la mañana",
            "não há informações; a solução é atenção à ação",
            "på øen må væren gå, åååå ææææ øøøø",
            "ÄÖÜ ÄÖÜ ÄÖÜÄÖÜ",
        ] {
            let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
            check(&bytes, None, text, false);
        }
    }

    #[test]
    fn what_has_no_meaning_is_said() {
        check(b"\xc3\xa4\xc3\xb6\xff", Some("utf-8"), "äö\u{FFFD}", true);
        check(
            b"\x1b$B\x7f\x7f",
            Some("iso-2022-jp"),
            "\u{FFFD}\u{FFFD}",
            true,
        );
        check(b"\x81", Some("utf-8"), "\u{FFFD}", true);
    }
}
