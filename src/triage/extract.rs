//! What a report names: CVSS vectors, CVE and CWE numbers, addresses, a severity.
//!
//! A suggestion for the queue, never a judgement. Time is bounded: the subject and the first 256 KiB of the text are read.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use cvss::Cvss;
use regex::Regex;

use super::classify::{beginning, fold, fold_lines, has};
use super::policy::Severity;
use crate::mail::message::Message;

mod severity;

/// At most so many of each are kept.
const AT_MOST: usize = 200;
/// Of a text so many bytes are read.
const LOOKED_AT: usize = 256 * 1024;
/// Longer addresses are cut off from the list.
const LONGEST_URL: usize = 2_048;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Complete vectors of 2.0, 3.0, 3.1 and 4.0; 3 and 4 with their prefix.
    pub cvss: Vec<String>,
    /// `CVE-2024-3094`, upper case, each once.
    pub cve: Vec<String>,
    /// `CWE-79`, upper case, each once.
    pub cwe: Vec<String>,
    /// As a browser would want them: `hxxps://a[.]test` is `https://a.test`.
    pub urls: Vec<String>,
    /// Suggested: from a vector, else from the reporter's words, else from the weakness.
    pub severity: Option<Severity>,
    /// Why this severity, in our own words.
    pub severity_because: Option<String>,
}

/// Reads a report's subject and text.
pub fn extract(message: &Message) -> Extracted {
    let text = [&message.subject, "\n", beginning(&message.text, LOOKED_AT)].concat();
    let text = plain_hyphens(&text);
    let folded = fold(&text);
    let cvss = vectors(&text);
    let suggestion = severity::suggest(&cvss, &fold_lines(&text), &folded);
    Extracted {
        cve: numbers(&CVE, &text),
        cwe: numbers(&CWE, &text),
        urls: urls(&text),
        severity: suggestion.as_ref().map(|(severity, _)| *severity),
        severity_because: suggestion.map(|(_, because)| because),
        cvss: cvss.into_iter().map(|vector| vector.text).collect(),
    }
}

/// Word processors write U+2011 and U+2013 where a number has a hyphen.
fn plain_hyphens(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}'], "-"))
}

static CVE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i-u:\bCVE-[0-9]{4}-[0-9]{4,7}\b)").ok());
static CWE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i-u:\bCWE[- ][0-9]{1,4}\b)").ok());
static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)(?-u:\b)(?:h(?:tt|xx)ps?|ftp)(?:://|\[:\]//|\[://\])[^\s<>"`{}|\\^]+"#).ok()
});

fn numbers(pattern: &LazyLock<Option<Regex>>, text: &str) -> Vec<String> {
    let found = pattern
        .iter()
        .flat_map(|pattern| pattern.find_iter(text))
        .map(|found| found.as_str().to_ascii_uppercase().replace(' ', "-"));
    unique(found)
}

fn unique(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    values
        .filter(|value| seen.insert(value.clone()))
        .take(AT_MOST)
        .collect()
}

fn urls(text: &str) -> Vec<String> {
    let found = URL
        .iter()
        .flat_map(|pattern| pattern.find_iter(text))
        .map(|found| refanged(found.as_str()))
        .map(|url| trimmed(&url).to_owned())
        .filter(|url| url.len() <= LONGEST_URL && has_host(url));
    unique(found)
}

/// Takes back what people do to an address so that nobody opens it by accident.
fn refanged(url: &str) -> String {
    let url = url
        .replace("[.]", ".")
        .replace("(.)", ".")
        .replace("[dot]", ".")
        .replace("[:]", ":")
        .replace("[://]", "://");
    match url.get(..4).map(str::to_ascii_lowercase).as_deref() {
        Some("hxxp") => format!("http{}", url.get(4..).unwrap_or_default()),
        _ => url,
    }
}

/// Without the sentence around it: `(see https://a.test/x).` names `https://a.test/x`.
fn trimmed(url: &str) -> &str {
    let mut url = url.split("](").next().unwrap_or(url);
    loop {
        let shorter = url.trim_end_matches([
            '.', ',', ';', ':', '!', '?', '\'', '*', '，', '。', '、', '；', '」', '）', '’', '”',
            '»',
        ]);
        let shorter = match shorter.chars().next_back() {
            Some(')') if unbalanced(shorter, '(', ')') => shorter.strip_suffix(')'),
            Some(']') if unbalanced(shorter, '[', ']') => shorter.strip_suffix(']'),
            _ => Some(shorter),
        }
        .unwrap_or(shorter);
        if shorter.len() == url.len() {
            return url;
        }
        url = shorter;
    }
}

fn unbalanced(text: &str, open: char, close: char) -> bool {
    text.matches(close).count() > text.matches(open).count()
}

fn has_host(url: &str) -> bool {
    url.split_once("://")
        .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_alphanumeric() || c == '['))
}

/// A complete vector and its score.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Vector {
    text: String,
    score: f64,
}

/// Every complete vector, with or without its prefix. The parser takes incomplete ones too and
/// scores them as harmless, so all base metrics are asked for here.
fn vectors(text: &str) -> Vec<Vector> {
    let mut seen = HashSet::new();
    candidates(text)
        .iter()
        .filter_map(|candidate| complete(candidate))
        .filter(|vector| seen.insert(vector.text.clone()))
        .take(AT_MOST)
        .collect()
}

/// Words that may be vectors; one that ends in `/` was wrapped and goes on in the next.
fn candidates(text: &str) -> Vec<String> {
    let mut candidates: Vec<String> = Vec::new();
    let mut wrapped = false;
    let separators = |c: char| c.is_whitespace() || "()[]{}<>\"'`,;*&|=".contains(c);
    for word in text.split(separators).filter(|word| !word.is_empty()) {
        if wrapped && let Some(open) = candidates.last_mut() {
            open.push_str(word);
            wrapped = word.ends_with('/') && open.len() < 400;
        } else if let Some(start) = vector_start(word) {
            candidates.extend(word.get(start..).map(str::to_owned));
            wrapped = word.ends_with('/');
        }
        if candidates.len() >= AT_MOST * 4 {
            break;
        }
    }
    candidates
}

fn vector_start(word: &str) -> Option<usize> {
    if !word.bytes().any(|byte| byte == b':') {
        return None;
    }
    let upper = word.to_ascii_uppercase();
    let metrics = upper.find("AV:")?;
    Some(
        upper
            .find("CVSS")
            .filter(|at| *at < metrics)
            .unwrap_or(metrics),
    )
}

fn complete(candidate: &str) -> Option<Vector> {
    let upper = candidate
        .trim_end_matches(['.', ':', '!', '?', '/', '#'])
        .to_ascii_uppercase();
    let (version, metrics) = match upper.strip_prefix("CVSS") {
        Some(rest) => {
            let (version, metrics) = rest.split_once('/')?;
            (
                Some(version.trim_matches([':', 'V', ' ']).to_owned()),
                metrics.to_owned(),
            )
        }
        None => (None, upper),
    };
    let metrics: Vec<&str> = metrics
        .split('/')
        .filter(|metric| !metric.is_empty())
        .collect();
    let text = spelled(version.as_deref(), &metrics)?;
    let score = text.parse::<Cvss>().ok()?.score();
    Some(Vector { text, score })
}

const BASE_2: &[&str] = &["AV", "AC", "AU", "C", "I", "A"];
const BASE_3: &[&str] = &["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const BASE_4: &[&str] = &[
    "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA",
];

/// The vector as its standard writes it, if all base metrics are there.
fn spelled(version: Option<&str>, metrics: &[&str]) -> Option<String> {
    let names: HashSet<&str> = metrics
        .iter()
        .filter_map(|metric| metric.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    let complete = |base: &[&str]| base.iter().all(|name| names.contains(name));
    let joined = metrics.join("/");
    match version {
        Some("4.0" | "4") if complete(BASE_4) => Some(format!("CVSS:4.0/{joined}")),
        Some("3.0") if complete(BASE_3) => Some(format!("CVSS:3.0/{joined}")),
        Some("3.1" | "3") if complete(BASE_3) => Some(format!("CVSS:3.1/{joined}")),
        None if complete(BASE_4) => Some(format!("CVSS:4.0/{joined}")),
        None if complete(BASE_3) => Some(format!("CVSS:3.1/{joined}")),
        Some("2.0" | "2") | None if complete(BASE_2) => Some(joined.replace("AU:", "Au:")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<const N: usize>(found: Vec<String>, expected: [&str; N], text: &str) {
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn addresses_are_found_and_refanged() {
        #[track_caller]
        fn urls_of<const N: usize>(text: &str, expected: [&str; N]) {
            check(urls(text), expected, text);
        }
        urls_of("see https://a.test/x?y=1.", ["https://a.test/x?y=1"]);
        urls_of("(https://a.test/x)", ["https://a.test/x"]);
        urls_of("https://a.test/x_(y)", ["https://a.test/x_(y)"]);
        urls_of("[link](https://a.test/x)", ["https://a.test/x"]);
        urls_of("hxxps://evil[.]example/x", ["https://evil.example/x"]);
        urls_of("hXXp[://]evil[.]example", ["http://evil.example"]);
        urls_of("<https://a.test/> https://a.test/", ["https://a.test/"]);
        urls_of("xhttps://a.test http:// https://{{host}}", []);
        urls_of("https://例え.test/パス。", ["https://例え.test/パス"]);
    }

    #[test]
    fn addresses_are_bounded() {
        let many: String = (0..1_000).map(|n| format!("https://a.test/{n} ")).collect();
        assert_eq!(urls(&many).len(), AT_MOST);
        assert!(urls(&format!("https://a.test/{}", "x".repeat(5_000))).is_empty());
    }

    #[test]
    fn numbers_are_normalised() {
        let text = "cve-2024-3094, CVE-2024-3094 xCVE-2020-1111 CVE-20-1 cwe 79 CWE-79";
        check(numbers(&CVE, text), ["CVE-2024-3094"], text);
        check(numbers(&CWE, text), ["CWE-79"], text);
        check(
            numbers(&CVE, &plain_hyphens("CVE\u{2011}2024\u{2011}3094")),
            ["CVE-2024-3094"],
            text,
        );
    }

    #[test]
    fn only_complete_vectors_count() {
        #[track_caller]
        fn vectors_of<const N: usize>(text: &str, expected: [(&str, f64); N]) {
            let found: Vec<(String, f64)> = vectors(text)
                .into_iter()
                .map(|vector| (vector.text, vector.score))
                .collect();
            let expected: Vec<(String, f64)> = expected
                .into_iter()
                .map(|(text, score)| (text.to_owned(), score))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
        let v3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
        vectors_of(v3, [(v3, 9.8)]);
        vectors_of("(AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H).", [(v3, 9.8)]);
        vectors_of("cvss:3.1/av:n/ac:l/pr:n/ui:n/s:u/c:h/i:h/a:h", [(v3, 9.8)]);
        vectors_of(
            "CVSS:3.1/AV:N/AC:L/PR:N/\n  UI:N/S:U/C:H/I:H/A:H",
            [(v3, 9.8)],
        );
        vectors_of(
            "https://calc.test/?vector=AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H&version=3.1",
            [(v3, 9.8)],
        );
        vectors_of(
            "AV:N/AC:L/Au:N/C:P/I:P/A:P",
            [("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5)],
        );
        let v4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        vectors_of(v4, [(v4, 9.3)]);
        vectors_of("CVSS:3.1/AV:N", []);
        vectors_of("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", []);
        vectors_of("CVSS:9.9/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", []);
        vectors_of("", []);
    }
}
