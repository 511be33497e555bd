//! Is this mail the same as another, or nearly?
//!
//! Two forms. `exact` is equal for a mail that was sent again, forwarded or
//! wrapped anew. `sketch` is a MinHash of the text's word trigrams: the share
//! of equal values in two of them estimates how much of their trigrams the
//! texts have in common. A store keeps the 16 band values of a sketch and
//! looks up mails that share one: texts that are at least 80 % alike share a
//! band with a probability above 0.999, ones that are 30 % alike with 0.12.
//!
//! Both are stored, so how they are computed never changes without a migration.

use crate::mail::message::{Attachment, Covers, Digest, Message, SignatureStatus};

use super::classify::{beginning, folded, is_unspaced, without_marks, words};

#[rustfmt::skip]
mod words;

use words::{PREFIXES, SENT_AGAIN};

/// Values of a sketch.
pub const VALUES: usize = 64;
/// Groups of values that are looked up as one.
pub const BANDS: usize = 16;
const VALUES_OF_BAND: usize = VALUES / BANDS;

/// Of a text so many bytes are compared.
const LOOKED_AT: usize = 256 * 1024;
/// Shorter texts are alike by chance.
const ENOUGH_WORDS: usize = 8;

/// The forms under which a mail is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparable {
    /// Digest of the normalised subject and text and of the attached files; of what came encrypted
    /// also of who signed it. `None` makes a mail like no other: one that has neither words nor
    /// files, or that came encrypted without a good signature over all of it.
    pub exact: Option<Digest>,
    /// `None` for texts under 8 words.
    pub sketch: Option<Sketch>,
}

/// 64 minima of hashed word trigrams: 256 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Sketch([u32; VALUES]);

impl Sketch {
    /// One value for each of the 16 bands; mails that share one in the same place are candidates.
    pub fn bands(&self) -> [u32; BANDS] {
        let mut bands = [0; BANDS];
        for (band, values) in bands.iter_mut().zip(self.0.chunks(VALUES_OF_BAND)) {
            let mixed = values
                .iter()
                .fold(0, |hash, value| mix(hash ^ u64::from(*value)));
            *band = high_half(mixed);
        }
        bands
    }

    /// For storing: 64 big-endian values.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect()
    }

    /// `None` unless these are the bytes of a sketch.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != VALUES * 4 {
            return None;
        }
        let mut values = [0; VALUES];
        for (value, four) in values.iter_mut().zip(bytes.chunks_exact(4)) {
            *value = u32::from_be_bytes(four.try_into().ok()?);
        }
        Some(Self(values))
    }
}

impl std::fmt::Debug for Sketch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sketch(..)")
    }
}

/// How much of their word trigrams two texts have in common: 0.0 to 1.0, give or take 0.06.
pub fn similarity(a: &Sketch, b: &Sketch) -> f32 {
    let equal =
        a.0.iter()
            .zip(&b.0)
            .filter(|(one, other)| one == other)
            .count();
    equal as f32 / VALUES as f32
}

pub fn comparable(message: &Message) -> Comparable {
    let text = folded(&without_marks(beginning(&message.text, LOOKED_AT)));
    let subject = bare_subject(&message.subject);
    let mut files: Vec<Digest> = message
        .attachments
        .iter()
        .filter(|attachment| !changes_by_itself(attachment))
        .map(|attachment| attachment.digest)
        .collect();
    files.sort_unstable();
    let nothing = words(&text) == 0 && files.is_empty();
    Comparable {
        exact: seal(message)
            .filter(|_| !nothing)
            .map(|seal| exact(&subject, &text, &files, &seal)),
        sketch: sketch(&text),
    }
}

/// How a mail came. The answer shows whether a mail is the same as another, so a mail in clear is
/// never the same as an encrypted one, nor one of another author: somebody else's ciphertext,
/// sent to us beside a guess at what is in it, would have the guess confirmed. `None`: nobody
/// answers for what came encrypted, so that it may be either.
fn seal(message: &Message) -> Option<String> {
    if !message.openpgp.encrypted {
        return Some(String::new());
    }
    let mut signers: Vec<&str> = message
        .openpgp
        .signatures
        .iter()
        .filter(|signature| {
            signature.status == SignatureStatus::Good && signature.covers == Covers::All
        })
        .filter_map(|signature| signature.fingerprint.as_deref())
        .collect();
    signers.sort_unstable();
    (!signers.is_empty()).then(|| format!("encrypted {}", signers.join(" ")))
}

fn exact(subject: &str, text: &str, files: &[Digest], seal: &str) -> Digest {
    let mut bytes = Vec::with_capacity(subject.len() + text.len() + 2 + files.len() * 32);
    bytes.extend_from_slice(subject.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    for file in files {
        bytes.extend_from_slice(&file.0);
    }
    bytes.extend_from_slice(seal.as_bytes());
    Digest::of(&bytes)
}

/// Signatures and keys differ each time, or come and go with the program.
fn changes_by_itself(attachment: &Attachment) -> bool {
    matches!(
        attachment.media_type.as_str(),
        "application/pgp-signature"
            | "application/pgp-keys"
            | "application/pkcs7-signature"
            | "application/x-pkcs7-signature"
    )
}

/// The folded subject without "Re:", "Fwd:", "[resend]", "2nd attempt" and the like, however many.
fn bare_subject(subject: &str) -> String {
    let subject = folded(subject);
    let mut bare = subject.as_str();
    while let Some(shorter) = without_mark(bare) {
        bare = shorter;
    }
    bare.to_owned()
}

fn without_mark(subject: &str) -> Option<&str> {
    let subject = subject.trim_matches(|c: char| c.is_whitespace() || "-–".contains(c));
    let unwrapped = without_bracket(subject)
        .or_else(|| without_prefix(subject))
        .or_else(|| {
            SENT_AGAIN.iter().find_map(|words| {
                subject
                    .strip_prefix(words)
                    .filter(|rest| rest.starts_with([':', ' ', '-']))
            })
        })
        .or_else(|| {
            SENT_AGAIN.iter().find_map(|words| {
                subject
                    .strip_suffix(words)
                    .filter(|rest| rest.ends_with([':', '-', ' ']))
            })
        })?;
    Some(unwrapped.trim_matches(|c: char| c.is_whitespace() || "-–:,.".contains(c)))
}

/// `[resend] …`, `(2nd attempt) …`, `… (resend)`
fn without_bracket(subject: &str) -> Option<&str> {
    [('[', ']'), ('(', ')')]
        .into_iter()
        .find_map(|(open, close)| {
            let at_head = subject
                .strip_prefix(open)
                .and_then(|rest| rest.split_once(close));
            let at_end = subject
                .strip_suffix(close)
                .and_then(|rest| rest.rsplit_once(open))
                .map(|(rest, inner)| (inner, rest));
            [at_head, at_end]
                .into_iter()
                .flatten()
                .find(|(inner, _)| SENT_AGAIN.contains(&inner.trim()))
                .map(|(_, rest)| rest)
        })
}

/// `Re:`, `AW[2]:`, `Re : `
fn without_prefix(subject: &str) -> Option<&str> {
    let (prefix, rest) = subject.split_once([':', '：'])?;
    let prefix = prefix.trim();
    let name = prefix
        .split_once(['[', '(', '^'])
        .map_or(prefix, |(name, _)| name)
        .trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
    (PREFIXES.contains(&name) || SENT_AGAIN.contains(&prefix)).then_some(rest)
}

/// `None` for texts that are too short to be told apart.
fn sketch(text: &str) -> Option<Sketch> {
    let tokens = tokens(text);
    if tokens.len() < ENOUGH_WORDS {
        return None;
    }
    let mut values = [u32::MAX; VALUES];
    for trigram in tokens.windows(3) {
        let hash = trigram.iter().fold(0, |hash, token| mix(hash ^ token));
        // A family of hashes from two of them (Kirsch and Mitzenmacher): an addition for each value.
        let (mut value_here, step) = (high_half(hash), high_half(hash << 32));
        for value in &mut values {
            *value = (*value).min(value_here);
            value_here = value_here.wrapping_add(step);
        }
    }
    Some(Sketch(values))
}

/// Hashes of words; of scripts without spaces each letter is one.
fn tokens(text: &str) -> Vec<u64> {
    let mut tokens = Vec::new();
    let mut word = FNV_START;
    let mut letters = 0;
    for c in text.chars().chain([' ']) {
        let alone = is_unspaced(c) && c.is_alphanumeric();
        if c.is_alphanumeric() && !alone {
            word = fnv(word, c);
            letters += 1;
            continue;
        }
        if letters > 0 {
            tokens.push(word);
        }
        if alone {
            tokens.push(fnv(FNV_START, c));
        }
        (word, letters) = (FNV_START, 0);
    }
    tokens
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// FNV-1a, a character at a time.
fn fnv(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
}

/// The finaliser of SplitMix64: every bit of the input moves half of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn high_half(value: u64) -> u32 {
    u32::try_from(value >> 32).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_lose_their_marks() {
        #[track_caller]
        fn check(subject: &str, bare: &str) {
            assert_eq!(bare_subject(subject), bare, "{subject}");
        }
        check("XSS in search", "xss in search");
        check("Re: FWD: Aw: XSS in search", "xss in search");
        check("RE[2]: XSS", "xss");
        check("[Resend] XSS", "xss");
        check("Resend: XSS", "xss");
        check("XSS (2nd attempt)", "xss");
        check("2nd attempt - XSS", "xss");
        check("回复：XSS", "xss");
        check("Reminder", "reminder");
        check("Reflected: XSS", "reflected: xss");
        check("Re:", "");
        check("", "");
    }

    const TEXT: &str = "there is a stored cross site scripting flaw in the profile page of your web shop which runs \
        for every visitor who opens the page of the attacker and so sends the session cookie to a foreign host";

    #[test]
    fn sketches_tell_alike_from_different() {
        let whole = sketch(TEXT).unwrap();
        let changed =
            sketch(&TEXT.replace("foreign host", "foreign server in the network")).unwrap();
        let other = sketch(&TEXT.chars().rev().collect::<String>()).unwrap();
        assert!((similarity(&whole, &whole) - 1.0).abs() < f32::EPSILON);
        assert!(
            similarity(&whole, &changed) > 0.7,
            "{}",
            similarity(&whole, &changed)
        );
        assert!(similarity(&whole, &other) < 0.1);
        let shared = whole
            .bands()
            .iter()
            .zip(changed.bands())
            .filter(|(a, b)| **a == *b)
            .count();
        assert!(shared >= 1);
        assert_eq!(sketch("too few words"), None);
        assert!(sketch("跨站脚本漏洞存在于搜索页面").is_some());
    }

    #[test]
    fn similarity_is_what_the_texts_share() {
        let words = |range: std::ops::Range<u64>| {
            let word = |n| format!("{:x}", mix(n));
            range.map(word).collect::<Vec<_>>().join(" ")
        };
        let mut squares = 0.0;
        for text in 0..40_u64 {
            // Of 600 + 200 words 400 are shared: half of the trigrams, but for one or two.
            let start = text * 10_000;
            let one = sketch(&words(start..start + 600)).unwrap();
            let other = sketch(&words(start + 200..start + 800)).unwrap();
            squares += (similarity(&one, &other) - 0.5).powi(2);
        }
        let error = (squares / 40.0_f32).sqrt();
        assert!(error < 0.08, "{error}");
    }

    #[test]
    fn sketches_are_stored_and_stay_the_same() {
        let whole = sketch(TEXT).unwrap();
        assert_eq!(Sketch::from_bytes(&whole.to_bytes()), Some(whole.clone()));
        assert_eq!(Sketch::from_bytes(&[0; 3]), None);
        // Stored sketches are compared with new ones: these values are a promise.
        assert_eq!(whole.bands()[..2], [2_704_719_255, 3_351_329_833]);
    }
}
