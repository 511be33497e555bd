//! What two reports of the same weakness may have in common beside their words.
//!
//! The same CVE, the same host and path, the same file. A mark that two cases share is a reason to
//! look at both, for a person: it labels a case, and says nothing to any reporter. What is kept of
//! a mark is a hash; how it is computed never changes without a migration.

use std::collections::HashSet;

use super::decide::CaseRef;
use super::extract::Extracted;
use super::rules::Findings;
use crate::mail::message::{Attachment, Digest, Message};

/// Of each kind so many of a mail count.
const OF_EACH: usize = 20;
/// A mail that names more CVEs lists what a scanner found, or an inventory: it is on none of them.
const CVES_AT_MOST: usize = 5;
/// Smaller files are alike by chance.
const ENOUGH_BYTES: u64 = 64;
/// Smaller pictures are the logos and buttons below a signature: all that one sends bears them.
const PICTURE_BYTES: u64 = 32 * 1024;
/// Reasons that a label names; the rest is the same again.
const REASONS: usize = 5;
/// Cases that a reason names.
const CASES: usize = 3;

/// Hosts that reports on anything name: they explain weaknesses in general, or stand for some host.
const OF_ANY_REPORT: &[&str] = &[
    "attack.mitre.org",
    "attacker.com",
    "capec.mitre.org",
    "cve.mitre.org",
    "cve.org",
    "cwe.mitre.org",
    "datatracker.ietf.org",
    "developer.mozilla.org",
    "evil.com",
    "example.com",
    "example.net",
    "example.org",
    "first.org",
    "nvd.nist.gov",
    "owasp.org",
    "portswigger.net",
    "rfc-editor.org",
    "w3.org",
    "wikipedia.org",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkKind {
    Cve,
    /// Host and path.
    Place,
    File,
}

impl MarkKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cve => "cve",
            Self::Place => "place",
            Self::File => "file",
        }
    }

    /// Of a CVE all reports are on one weakness, however many; a page or a file that many reports
    /// bear is a manual or a logo.
    pub fn is_worn_out_by_use(self) -> bool {
        match self {
            Self::Cve => false,
            Self::Place | Self::File => true,
        }
    }
}

/// Something by which a report may be known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub kind: MarkKind,
    /// The beginning of a SHA-256: of a file's bytes, else of what is compared.
    pub hash: [u8; 8],
    /// For a person of the team.
    pub shown: String,
}

impl Mark {
    pub fn new(kind: MarkKind, digest: Digest, shown: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = digest.0;
        Self {
            kind,
            hash: [a, b, c, d, e, f, g, h],
            shown: shown.to_owned(),
        }
    }
}

/// Cases that bear a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    pub mark: Mark,
    /// The newest first; of a duplicate, the case that was first.
    pub cases: Vec<CaseRef>,
}

/// The marks of a mail, each once.
pub fn of(message: &Message, extracted: &Extracted, findings: &Findings) -> Vec<Mark> {
    let cves = extracted
        .cve
        .iter()
        .filter(|_| extracted.cve.len() <= CVES_AT_MOST)
        .map(|cve| Mark::new(MarkKind::Cve, Digest::of(cve.as_bytes()), cve));
    let places = findings
        .places
        .iter()
        .filter(|place| !is_of_any_report(place))
        .take(OF_EACH)
        .map(|place| Mark::new(MarkKind::Place, Digest::of(place.as_bytes()), place));
    let mut seen = HashSet::new();
    cves.chain(places)
        .chain(of_files(message))
        .filter(|mark| seen.insert((mark.kind, mark.hash)))
        .collect()
}

/// Those of its files alone: words may be quoted from anywhere.
pub fn of_files(message: &Message) -> impl Iterator<Item = Mark> + '_ {
    message
        .attachments
        .iter()
        .filter(|file| tells_something(file))
        .take(OF_EACH)
        .map(|file| Mark::new(MarkKind::File, file.digest, &file.name))
}

fn tells_something(file: &Attachment) -> bool {
    let enough = match file.media_type.starts_with("image/") {
        true => PICTURE_BYTES,
        false => ENOUGH_BYTES,
    };
    file.size >= enough
        && !matches!(
            file.media_type.as_str(),
            "text/vcard"
                | "text/x-vcard"
                | "application/pgp-signature"
                | "application/pgp-keys"
                | "application/pkcs7-signature"
                | "application/x-pkcs7-signature"
        )
}

fn is_of_any_report(place: &str) -> bool {
    let host = place.split('/').next().unwrap_or_default();
    OF_ANY_REPORT.iter().any(|known| {
        host.strip_suffix(known)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// `the same CVE-2026-1234 as SEC-2026-0007`, `the same attachment "poc.py" as SEC-2026-0003`. The
/// name of a file is the reporter's: it cannot end its quotes, and no place has a space.
pub fn reasons(shared: &[Shared]) -> Vec<String> {
    shared.iter().take(REASONS).map(reason).collect()
}

fn reason(shared: &Shared) -> String {
    let what = match shared.mark.kind {
        MarkKind::Cve | MarkKind::Place => shared.mark.shown.clone(),
        MarkKind::File => format!("attachment \"{}\"", shared.mark.shown.replace('"', "'")),
    };
    let numbers: Vec<&str> = shared
        .cases
        .iter()
        .take(CASES)
        .map(|case| case.number.as_str())
        .collect();
    let others = match shared.cases.len() > CASES {
        true => " and others",
        false => "",
    };
    format!("the same {what} as {}{others}", numbers.join(", "))
}

/// The first case that reasons name, whatever numbers the reporter has put into a file's name or a
/// URL.
pub fn first_named(reasons: &str) -> Option<&str> {
    let mut unquoted = reasons.split('"').step_by(2);
    let numbers = unquoted.find_map(|ours| Some(ours.split_once(" as ")?.1))?;
    let end = numbers.find([',', ';', ' ']).unwrap_or(numbers.len());
    numbers.get(..end).filter(|word| word.starts_with("SEC-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::extract;
    use crate::triage::policy::Terms;
    use crate::triage::rules;

    fn file(name: &str, media_type: &str, bytes: &[u8]) -> Attachment {
        Attachment {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: bytes.len() as u64,
            digest: Digest::of(bytes),
            excerpt: None,
            encrypted: false,
        }
    }

    fn mail(text: &str) -> Message {
        Message {
            text: text.to_owned(),
            ..Message::unread(Digest::of(text.as_bytes()), 0)
        }
    }

    fn marks(message: &Message) -> Vec<Mark> {
        let extracted = extract::extract(message);
        let findings = rules::find(message, &extracted, &Terms::default());
        of(message, &extracted, &findings)
    }

    #[test]
    fn a_report_is_known_by_what_it_names() {
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            let marks = marks(&mail(text));
            let shown: Vec<&str> = marks.iter().map(|mark| mark.shown.as_str()).collect();
            assert_eq!(shown, expected, "{text}");
        }
        check("as in cve-2026-1234, see CVE‑2026‑1234", &["CVE-2026-1234"]);
        check(
            "open https://Shop.example/cart/?id=1 and https://shop.example/cart#top",
            &["shop.example/cart"],
        );
        check(
            "POST /api/v1/login HTTP/1.1\nHost: api.shop.example\n",
            &["api.shop.example/api/v1/login"],
        );
        check("https://shop.example/ and shop.example", &[]);
        check("GET /login HTTP/1.1", &[]);
        check(
            "https://owasp.org/xss https://en.wikipedia.org/wiki/XSS https://notowasp.org/xss \
             https://example.com/login <svg xmlns='http://www.w3.org/2000/svg'>",
            &["notowasp.org/xss"],
        );
        check("References:\nhttps://a.example/b\n", &[]);
        check("", &[]);
    }

    #[test]
    fn files_are_known_by_their_bytes() {
        let poc = vec![b'x'; 100];
        let mut one = mail("");
        one.attachments = vec![
            file("poc.py", "text/x-python", &poc),
            file("tiny.txt", "text/plain", b"a"),
            file("key.asc", "application/pgp-keys", &[b'k'; 500]),
            file("again.py", "text/plain", &poc),
            file("image001.png", "image/png", &vec![b'p'; 20_000]),
            file("rita.vcf", "text/vcard", &[b'v'; 500]),
        ];
        let found = marks(&one);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].shown, "poc.py");
        assert_eq!(found[0].hash, Digest::of(&poc).0[..8]);
    }

    #[test]
    fn a_list_of_cves_is_about_none_of_them() {
        let listed = |count: usize| -> String {
            let all = (0..count).map(|n| format!("CVE-2026-{:04}\n", 1_000 + n));
            all.collect()
        };
        assert_eq!(marks(&mail(&listed(5))).len(), 5);
        assert_eq!(marks(&mail(&listed(6))).len(), 0);
    }

    #[test]
    fn no_name_of_a_file_names_a_case() {
        #[track_caller]
        fn check(shown: &str, kind: MarkKind, expected: &str) {
            let shared = Shared {
                mark: Mark::new(kind, Digest::of(b""), shown),
                cases: vec![CaseRef {
                    id: 3,
                    number: "SEC-2026-0003".to_owned(),
                }],
            };
            let reasons = reasons(&[shared]).join("; ");
            assert_eq!(reasons, expected);
            assert_eq!(first_named(&reasons), Some("SEC-2026-0003"));
        }
        check(
            "x as SEC-2026-0042; poc.py",
            MarkKind::File,
            "the same attachment \"x as SEC-2026-0042; poc.py\" as SEC-2026-0003",
        );
        check(
            "x\" as SEC-2026-0042, ",
            MarkKind::File,
            "the same attachment \"x' as SEC-2026-0042, \" as SEC-2026-0003",
        );
        check(
            "a.example/SEC-2026-0042",
            MarkKind::Place,
            "the same a.example/SEC-2026-0042 as SEC-2026-0003",
        );
        let alike = "much the same text as SEC-2026-0003 (93 %), SEC-2026-0004 (91 %)";
        assert_eq!(first_named(alike), Some("SEC-2026-0003"));
        assert_eq!(first_named("unix:alice"), None);
    }

    #[test]
    fn much_is_cut() {
        let cves: String = (0..500)
            .map(|n| format!("CVE-2026-{:04} ", 1_000 + n))
            .collect();
        let urls: String = (0..500)
            .map(|n| format!("https://a.example/{n}\n"))
            .collect();
        let mut long = mail(&(cves + "\n" + &urls));
        long.attachments = (0..200_u32)
            .map(|n| {
                file(
                    "f",
                    "text/plain",
                    &[n.to_be_bytes().as_slice(); 30].concat(),
                )
            })
            .collect();
        assert_eq!(marks(&long).len(), 2 * OF_EACH);
    }

    #[test]
    fn reasons_name_what_and_where() {
        let case = |number: i64| CaseRef {
            id: number,
            number: format!("SEC-2026-{number:04}"),
        };
        let shared = |kind, shown: &str, cases: std::ops::Range<i64>| Shared {
            mark: Mark::new(kind, Digest::of(b""), shown),
            cases: cases.map(case).collect(),
        };
        assert_eq!(
            reasons(&[
                shared(MarkKind::File, "poc.py", 7..8),
                shared(MarkKind::Place, "a.example/b", 3..5),
                shared(MarkKind::Cve, "CVE-2026-1234", 1..9),
            ]),
            [
                "the same attachment \"poc.py\" as SEC-2026-0007",
                "the same a.example/b as SEC-2026-0003, SEC-2026-0004",
                "the same CVE-2026-1234 as SEC-2026-0001, SEC-2026-0002, SEC-2026-0003 and others",
            ]
        );
    }

    #[test]
    fn hashes_stay_the_same() {
        let found = marks(&mail("CVE-2026-1234"));
        // Stored ones are compared with new ones: these values are a promise.
        assert_eq!(found[0].hash, Digest::of(b"CVE-2026-1234").0[..8]);
    }
}
