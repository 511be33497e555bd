//! Hosts and paths that a report names: in URLs, by themselves, and in captured requests.
//!
//! Only names that the policy knows matter in the end, so that anything with the shape of a host
//! is taken: `index.php` is no rule's host. Addresses stand in many logs and version numbers look
//! like them, so that of these the policy's own alone are taken.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddrV4};

use super::reading::Reading;
use crate::triage::policy::Terms;

/// At most so many places of a mail count.
const AT_MOST: usize = 2_000;
/// So many are listed.
const NAMED_AT_MOST: usize = 200;
/// A `Host:` line belongs to a request line at most so many lines above.
const REQUEST_HEAD: usize = 40;
/// Bytes of a scheme, a name and a password before a host.
const LONGEST_USER: usize = 256;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Lower case, A-labels. `None`: a path alone, as in a request without a `Host:` line.
    pub host: Option<String>,
    /// Without query; empty where none was named.
    pub path: String,
    /// It is mentioned, not accused: our policy's page, a vendor's documentation, a Referer.
    pub is_reference: bool,
}

#[derive(Debug, Default)]
pub struct Places(pub Vec<Place>);

impl Places {
    pub fn of(reading: &Reading<'_>, terms: &Terms) -> Self {
        let ours = addresses_named(terms);
        let mut places = Self::default();
        for piece in &reading.pieces {
            places.read(&piece.text, &ours);
        }
        places
    }

    /// `host/path` of each that is no reference, once; a host alone is no place.
    pub fn named(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        self.0
            .iter()
            .filter(|place| !place.is_reference)
            .filter_map(|place| {
                let path = place.path.trim_end_matches('/');
                let host = place.host.as_deref().filter(|_| !path.is_empty())?;
                Some(format!("{host}{path}"))
            })
            .filter(|place| seen.insert(place.clone()))
            .take(NAMED_AT_MOST)
            .collect()
    }

    /// `ours`: the addresses that the policy names.
    fn read(&mut self, text: &str, ours: &[IpAddr]) {
        let mut among_references = false;
        // The place of a request line without a host, and where its head ends.
        let mut request: Option<(usize, usize)> = None;
        for (number, line) in text.lines().enumerate() {
            if self.0.len() >= AT_MOST {
                return;
            }
            among_references = goes_on(line, among_references);
            let line = line.trim_start_matches(['>', ' ', '\t', '*', '-', '#', '`', '|']);
            if let Some(path) = request_path(line) {
                request = Some((self.0.len(), number + REQUEST_HEAD));
                self.0.push(Place {
                    path,
                    ..Place::default()
                });
            } else if line.is_empty() {
                request = None;
            }
            if let Some(host) = host_line(line, ours) {
                let of_request = request
                    .take()
                    .filter(|(_, end)| number <= *end)
                    .and_then(|(at, _)| self.0.get_mut(at));
                match of_request {
                    Some(place) => place.host = Some(host),
                    None => self.0.push(Place {
                        host: Some(host),
                        ..Place::default()
                    }),
                }
                continue;
            }
            let is_reference = among_references || names_no_target(line);
            let named = hosts(line).chain(addresses(line, ours));
            self.0.extend(named.map(|mut place| {
                place.is_reference |= is_reference;
                place
            }));
        }
    }
}

/// Are we below a heading such as "References:"? Any other heading ends it.
fn goes_on(line: &str, before: bool) -> bool {
    let line = line.trim();
    let heading = line.trim_matches([':', '*', '#', ' ', '=']);
    let is_short = !heading.is_empty() && heading.len() <= 40 && !heading.contains("://");
    let folded = heading.to_lowercase();
    if is_short
        && [
            "reference",
            "references",
            "see also",
            "further reading",
            "links",
            "referenzen",
            "quellen",
            "références",
            "referencias",
            "referências",
            "riferimenti",
            "参考",
            "参考资料",
            "ссылки",
        ]
        .contains(&folded.as_str())
    {
        return true;
    }
    before && !(is_short && heading.len() < line.len())
}

/// Fields of a captured request that name where somebody came from.
fn names_no_target(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        [
            "referer",
            "origin",
            "user-agent",
            "reference",
            "references",
            "see also",
        ]
        .iter()
        .any(|field| name.trim().eq_ignore_ascii_case(field))
    })
}

const METHODS: &[&str] = &[
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND",
];

/// `POST /login HTTP/1.1`, also inside a sentence.
fn request_path(line: &str) -> Option<String> {
    line.match_indices(" /").find_map(|(at, _)| {
        let before = line.get(..at)?;
        let method = before.rsplit([' ', '"', '`', '(', '\'']).next()?;
        if !METHODS.contains(&method) {
            return None;
        }
        path_at(line.get(at + 1..)?)
    })
}

/// `Host: www.a.test:8443`
fn host_line(line: &str, ours: &[IpAddr]) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    let is_field = name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case(":authority");
    let mut named = hosts(value).chain(addresses(value, ours));
    is_field.then(|| named.next()?.host).flatten()
}

/// The path at the beginning of `rest`, without query and the sentence around it.
fn path_at(rest: &str) -> Option<String> {
    if !rest.starts_with('/') {
        return None;
    }
    let end = rest
        .find(|c: char| c.is_whitespace() || "<>\"'`{}|\\^?#".contains(c))
        .unwrap_or(rest.len());
    let path = rest
        .get(..end)?
        .trim_end_matches(['.', ',', ';', ':', '!', ')', ']', '。', '，', '、']);
    Some(path.chars().take(500).collect())
}

/// Everything in a line that looks like a host, with the path behind it.
fn hosts(line: &str) -> impl Iterator<Item = Place> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = line.get(at..)?;
            let begin = at + rest.find(is_host_character)?;
            let run = line.get(begin..)?;
            let length = run
                .find(|c: char| !is_host_character(c))
                .unwrap_or(run.len());
            let before = line.get(..begin).unwrap_or_default();
            let after = run.get(length..).unwrap_or_default();
            at = begin + length;
            // What follows a lone slash or an @ is a file's name or an address.
            if is_inside_something(before) {
                continue;
            }
            let Some(host) = host_name(run.get(..length)?) else {
                continue;
            };
            if after.starts_with('@') {
                continue;
            }
            let (port, after) = port_at(after);
            at += port;
            let path = path_at(after).unwrap_or_default();
            // Queries hold addresses of others.
            if after.starts_with(['/', '?']) {
                at += after
                    .find(|c: char| c.is_whitespace() || "<>\"'`".contains(c))
                    .unwrap_or(after.len());
            }
            return Some(Place {
                is_reference: is_documentation(&host, &path),
                host: Some(host),
                path,
            });
        }
    })
}

/// Those of `ours` that a line names, with the path behind each.
fn addresses<'l>(line: &'l str, ours: &'l [IpAddr]) -> impl Iterator<Item = Place> + 'l {
    let mut at = if ours.is_empty() { line.len() } else { 0 };
    std::iter::from_fn(move || {
        loop {
            let rest = line.get(at..)?;
            let begin = at + rest.find(is_address_character)?;
            let run = line.get(begin..)?;
            let length = run
                .find(|c: char| !is_address_character(c))
                .unwrap_or(run.len());
            at = begin + length;
            let before = line.get(..begin).unwrap_or_default();
            let after = run.get(length..).unwrap_or_default();
            let is_part = before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
                || after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                || (before.ends_with('/') && !before.ends_with("//"))
                || before.ends_with('=');
            let Some(address) = address(run.get(..length)?).filter(|_| !is_part) else {
                continue;
            };
            if !ours.contains(&address) {
                continue;
            }
            let host = address.to_string();
            let (_, after) = port_at(after.strip_prefix(']').unwrap_or(after));
            let path = path_at(after).unwrap_or_default();
            return Some(Place {
                is_reference: is_documentation(&host, &path),
                host: Some(host),
                path,
            });
        }
    })
}

fn is_address_character(c: char) -> bool {
    c.is_ascii_hexdigit() || matches!(c, '.' | ':')
}

/// `192.0.2.1`, `192.0.2.1:8080`, `2001:db8::1`; what ends the sentence may follow.
fn address(run: &str) -> Option<IpAddr> {
    let run = run.trim_end_matches('.');
    let run = run.strip_suffix(':').unwrap_or(run);
    let with_port = || Some(IpAddr::V4(*run.parse::<SocketAddrV4>().ok()?.ip()));
    run.parse().ok().or_else(with_port)
}

/// The addresses that rules and known issues name.
fn addresses_named(terms: &Terms) -> Vec<IpAddr> {
    let scope = &terms.scope;
    let rules = [&scope.inside, &scope.outside, &terms.conduct];
    let of_rules = rules.into_iter().flatten().flat_map(|rule| &rule.hosts);
    let of_issues = terms.known_issues.iter().flat_map(|issue| &issue.hosts);
    of_rules
        .chain(of_issues)
        .filter_map(|pattern| pattern.domain.parse().ok())
        .collect()
}

fn is_host_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn is_inside_something(before: &str) -> bool {
    if before.ends_with('/') {
        return !before.ends_with("//");
    }
    let Some(user) = before.strip_suffix('@') else {
        return false;
    };
    // `https://user@host/` names a host, `user@host` somebody.
    let near = user.floor_char_boundary(user.len().saturating_sub(LONGEST_USER));
    let word = user
        .get(near..)
        .unwrap_or_default()
        .rsplit(|c: char| c.is_whitespace() || "<>\"'(".contains(c))
        .next()
        .unwrap_or_default();
    !word.contains("://")
}

/// Bytes of `:8443`, and what follows it.
fn port_at(after: &str) -> (usize, &str) {
    let digits = after.strip_prefix(':').map_or(0, |rest| {
        rest.bytes().take_while(u8::is_ascii_digit).count()
    });
    match digits {
        0 => (0, after),
        digits => (digits + 1, after.get(digits + 1..).unwrap_or_default()),
    }
}

/// Lower case, in A-labels; `None` for what is no name of a host.
fn host_name(run: &str) -> Option<String> {
    let name = run.trim_matches(['.', '-', '_']);
    if name.len() > 253 || !name.contains('.') {
        return None;
    }
    let name = if name.is_ascii() {
        name.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii(name).ok()?
    };
    let mut labels = name.rsplit('.');
    let top = labels.next()?;
    let is_top = top.len() >= 2
        && (top.starts_with("xn--") || top.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let are_labels = labels.all(|label| !label.is_empty() && label.len() <= 63);
    (is_top && are_labels).then_some(name)
}

/// A page about rules, or a manual: nobody accuses it by naming it.
fn is_documentation(host: &str, path: &str) -> bool {
    const MANUALS: &[&str] = &[
        "docs.",
        "doc.",
        "developer.",
        "developers.",
        "support.",
        "help.",
        "community.",
        "blog.",
        "learn.",
        "kb.",
        "forum.",
    ];
    const RULES: &[&str] = &[
        "/security/disclosure",
        "/security/policy",
        "/.well-known/security.txt",
        "/security.txt",
        "/responsible-disclosure",
        "/vulnerability-disclosure",
        "/legal",
        "/privacy",
        "/terms",
        "/changelog",
        "/bug-bounty",
    ];
    MANUALS.iter().any(|start| host.starts_with(start))
        || RULES.iter().any(|rule| begins_path(path, rule))
}

/// Is `rule` the beginning of `path`, at a border? `/go` is none of `/goodies`.
pub fn begins_path(path: &str, rule: &str) -> bool {
    let rule = rule.trim_end_matches('/');
    path.get(..rule.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(rule))
        && path
            .get(rule.len()..)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ';', '.', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let mut places = Places::default();
        places.read(
            text,
            &["192.0.2.7", "2001:db8::7"].map(|ours| ours.parse().expect("one")),
        );
        let found: Vec<String> = places
            .0
            .iter()
            .map(|place| {
                let host = place.host.as_deref().unwrap_or("-");
                let mark = if place.is_reference { " (ref)" } else { "" };
                format!("{host}{}{mark}", place.path)
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn hosts_in_every_form() {
        check("see https://A.test/x?y=b.test.", &["a.test/x"]);
        check("a.test:8443, b.test/c.", &["a.test", "b.test/c"]);
        check("ann@a.test https://u:p@a.test/", &["a.test/"]);
        check("/static/main.js and x/y.test", &[]);
        check("GET https://a.test/b HTTP/1.1", &["a.test/b"]);
        check("bücher.test", &["xn--bcher-kva.test"]);
        check("1.2.3.4 v1.2 a..b -.-", &[]);
        check(
            "(a.test)[b.test](https://c.test/d)",
            &["a.test", "b.test", "c.test/d"],
        );
        check("", &[]);
    }

    #[test]
    fn addresses_of_the_policy() {
        check(
            "http://192.0.2.7:8080/admin, 192.0.2.7.",
            &["192.0.2.7/admin", "192.0.2.7"],
        );
        check(
            "https://[2001:DB8:0::7]:8443/x 2001:db8::7: open",
            &["2001:db8::7/x", "2001:db8::7"],
        );
        check("ssh root@192.0.2.7", &["192.0.2.7"]);
        check("GET /x HTTP/1.1\nHost: 192.0.2.7:80", &["192.0.2.7/x"]);
        check(
            "192.0.2.70 1.192.0.2.7 v192.0.2.7 a.test/?ip=192.0.2.7 std::2001",
            &["a.test/"],
        );
        check("Referer: http://192.0.2.7/", &["192.0.2.7/ (ref)"]);
    }

    #[test]
    fn requests_have_a_host() {
        check(
            "POST /api/v1/x?q=1 HTTP/1.1\nAccept: */*\nHost: api.a.test\n",
            &["api.a.test/api/v1/x"],
        );
        check("> GET /x HTTP/1.1\n> Host: a.test:80", &["a.test/x"]);
        check("through DELETE /api/v1/p/12 to show", &["-/api/v1/p/12"]);
        check("GET /x HTTP/1.1\n\nHost: a.test", &["-/x", "a.test"]);
        check("Host: a.test", &["a.test"]);
    }

    #[test]
    fn what_is_only_mentioned() {
        check("Referer: https://a.test/", &["a.test/ (ref)"]);
        check(
            "References:\nhttps://a.test\n\n## Impact\nb.test",
            &["a.test (ref)", "b.test"],
        );
        check(
            "https://docs.a.test/ a.test/legal/x",
            &["docs.a.test/ (ref)", "a.test/legal/x (ref)"],
        );
        check("a.test/legally", &["a.test/legally"]);
    }

    #[test]
    fn paths_begin_at_borders() {
        assert!(begins_path("/go", "/go"));
        assert!(begins_path("/go/x", "/go"));
        assert!(begins_path("/api/v1", "/api/v1/"));
        assert!(!begins_path("/goodies", "/go"));
        assert!(!begins_path("/", "/go"));
        assert!(begins_path("/x", "/"));
    }
}
