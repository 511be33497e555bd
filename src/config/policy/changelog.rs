//! Known issues out of a changelog, in markdown or plain text.
//!
//! A heading names what stands below it; without any markdown heading, a line
//! at the left edge after a blank one does. Each item of a list below is an
//! entry of its own, and all other text below together is one. An entry is
//! matched by the CVE numbers, hosts, paths and quoted words in it; one that
//! has none of them is left out. `docs/policy.md` tells it in full.

use super::places;
use crate::triage::policy::{HostPattern, KnownIssue, Rule, Scope};

/// Newest first, as changelogs are.
const MOST_ENTRIES: usize = 2_000;
/// Of each kind in one entry.
const MOST_OF_EACH: usize = 50;
/// Characters of a heading.
const LONGEST_NAME: usize = 120;
/// Characters of a quoted word: shorter ones stand in many reports, longer ones in none.
const WORD_LENGTH: std::ops::RangeInclusive<usize> = 4..=80;
/// Where an entry has nothing but words.
const SHORTEST_LONE_WORD: usize = 8;

pub struct Found {
    pub issues: Vec<KnownIssue>,
    /// Beyond the bound.
    pub left_out: usize,
}

/// The scope tells which of the names with dots are hosts of ours, and not
/// files or the addresses of a bug tracker.
pub fn known_issues(text: &str, scope: &Scope) -> Found {
    let hosts: Vec<&HostPattern> = scope
        .inside
        .iter()
        .chain(&scope.outside)
        .flat_map(|rule: &Rule| &rule.hosts)
        .collect();
    let mut issues: Vec<KnownIssue> = entries(text)
        .iter()
        .filter_map(|entry| known_issue(entry, &hosts))
        .collect();
    let left_out = issues.len().saturating_sub(MOST_ENTRIES);
    issues.truncate(MOST_ENTRIES);
    Found { issues, left_out }
}

/// A heading and one piece of what stands below it.
struct Entry {
    name: String,
    text: String,
}

fn entries(text: &str) -> Vec<Entry> {
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let headings = markdown_headings(&lines);
    let headings = if headings.iter().any(Option::is_some) {
        headings
    } else {
        plain_headings(&lines)
    };
    let headings = without_title(headings);
    let mut entries = Vec::new();
    let mut section = Section::default();
    for (line, heading) in lines.iter().zip(headings) {
        match heading {
            Some(heading) => {
                entries.extend(section.take_entries());
                section.begin(heading);
            }
            None => section.add(line),
        }
    }
    entries.extend(section.take_entries());
    entries
}

struct Heading {
    /// 1 is the highest.
    level: usize,
    /// Empty where it names nothing below it.
    text: String,
}

/// The only highest heading above lower ones is the title of the file, and no issue.
fn without_title(mut headings: Vec<Option<Heading>>) -> Vec<Option<Heading>> {
    let mut all: Vec<&mut Heading> = headings.iter_mut().flatten().collect();
    let titles = all.iter().filter(|heading| heading.level == 1).count();
    if titles == 1
        && all.len() > 1
        && let Some(title) = all.iter_mut().find(|heading| heading.level == 1)
    {
        title.text.clear();
    }
    headings
}

/// For each line the heading that it is; inside of fenced code none is.
fn markdown_headings(lines: &[&str]) -> Vec<Option<Heading>> {
    let mut is_code = false;
    let mut headings: Vec<Option<Heading>> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        is_code ^= is_fence;
        if is_code || is_fence {
            headings.push(None);
            continue;
        }
        let below = lines.get(index + 1).copied().unwrap_or_default();
        headings.push(hashed(line).or_else(|| underlined(line, below)));
    }
    headings
}

/// `## 1.2.0 (2026-05-01)`.
fn hashed(line: &str) -> Option<Heading> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let is_heading = (1..=6).contains(&level) && text.starts_with([' ', '\t']);
    is_heading.then(|| Heading {
        level,
        text: text.trim().trim_end_matches('#').trim_end().to_owned(),
    })
}

/// A line above one of `===` or `---`.
fn underlined(line: &str, below: &str) -> Option<Heading> {
    let below = below.trim_end();
    let is_line_of = |mark: char| below.len() >= 3 && below.chars().all(|c| c == mark);
    let level = match () {
        () if is_line_of('=') => 1,
        () if is_line_of('-') => 2,
        () => return None,
    };
    let is_text = line.starts_with(|c: char| !c.is_whitespace()) && item(line).is_none();
    is_text.then(|| Heading {
        level,
        text: line.trim().to_owned(),
    })
}

/// Without markdown: lines at the left edge, first of the file or after a blank one.
fn plain_headings(lines: &[&str]) -> Vec<Option<Heading>> {
    let mut after_blank = true;
    let mut headings = Vec::new();
    for line in lines {
        let at_the_edge = line.starts_with(|c: char| !c.is_whitespace());
        let is_heading = after_blank && at_the_edge && item(line).is_none();
        headings.push(is_heading.then(|| Heading {
            level: 2,
            text: line.trim().trim_end_matches(':').to_owned(),
        }));
        after_blank = line.trim().is_empty();
    }
    headings
}

/// The text of a list's item at the left edge.
fn item(line: &str) -> Option<&str> {
    let line = line.strip_prefix(' ').unwrap_or(line);
    let bullet = line.strip_prefix(['-', '*', '+', '•']);
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = digits
        .strip_prefix(['.', ')'])
        .filter(|_| digits.len() < line.len());
    bullet
        .or(number)
        .filter(|text| text.starts_with([' ', '\t']))
}

/// What stands below one heading, while it is read.
#[derive(Default)]
struct Section {
    /// From the highest to the one right above.
    above: Vec<Heading>,
    items: Vec<String>,
    text: String,
    in_item: bool,
}

impl Section {
    fn begin(&mut self, heading: Heading) {
        self.above.retain(|above| above.level < heading.level);
        self.above.push(heading);
        self.in_item = false;
    }

    fn add(&mut self, line: &str) {
        let is_indented = line.starts_with([' ', '\t']);
        if let Some(text) = item(line) {
            self.items.push(text.to_owned());
            self.in_item = true;
            return;
        }
        self.in_item &= is_indented || !line.trim().is_empty();
        let text = match self.items.last_mut() {
            Some(item) if self.in_item => item,
            _ => &mut self.text,
        };
        text.push('\n');
        text.push_str(line);
    }

    fn take_entries(&mut self) -> Vec<Entry> {
        let name = self.name();
        let mut texts = std::mem::take(&mut self.items);
        texts.push(std::mem::take(&mut self.text));
        let entry = |text| Entry {
            name: name.clone(),
            text,
        };
        // What stands above the first heading has no name.
        if name.is_empty() {
            return Vec::new();
        }
        texts.into_iter().map(entry).collect()
    }

    /// `1.2.0 (2026-05-01): Security`.
    fn name(&self) -> String {
        let parts: Vec<String> = self
            .above
            .iter()
            .map(|heading| without_marks(&heading.text))
            .filter(|text| !text.is_empty())
            .collect();
        parts.join(": ").chars().take(LONGEST_NAME).collect()
    }
}

/// A heading as it reads: `[1.2.0](https://…)` is `1.2.0`.
fn without_marks(heading: &str) -> String {
    let text = without_link_targets(heading);
    let text: String = text
        .chars()
        .filter(|c| !matches!(c, '[' | ']' | '`' | '*') && !c.is_control())
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Links point at trackers and pages about the issue; where they point is no place of the issue.
fn without_link_targets(text: &str) -> String {
    let mut kept = String::new();
    let mut left = text;
    while let Some((before, target)) = left.split_once("](") {
        kept.push_str(before);
        kept.push(']');
        left = target.split_once(')').map_or("", |(_, after)| after);
    }
    kept.push_str(left);
    kept
}

fn known_issue(entry: &Entry, hosts: &[&HostPattern]) -> Option<KnownIssue> {
    let text = without_link_targets(&entry.text);
    // The heading may be all that there is: "## CVE-2026-1234 in login".
    let all = format!("{}\n{text}", entry.name);
    let mut issue = KnownIssue {
        name: entry.name.clone(),
        ..KnownIssue::default()
    };
    for token in tokens(&all) {
        take_token(token, hosts, &mut issue);
    }
    let is_alone = issue.cve.is_empty() && issue.hosts.is_empty() && issue.paths.is_empty();
    for word in quoted(&text) {
        let is_long = word.chars().count() >= SHORTEST_LONE_WORD;
        if (is_long || !is_alone) && is_word(&word, hosts) {
            keep(&mut issue.words, word);
        }
    }
    let says_something = !is_alone || !issue.words.is_empty();
    says_something.then_some(issue)
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let separates = |c: char| c.is_whitespace() || "\"'`()[]{}<>,;|„“”«»".contains(c);
    text.split(separates)
        .map(|token| token.trim_end_matches(['.', ':', '!', '?', '*']))
        .filter(|token| !token.is_empty())
}

fn take_token(token: &str, hosts: &[&HostPattern], issue: &mut KnownIssue) {
    if let Ok(cve) = places::cve(token) {
        keep(&mut issue.cve, cve);
    } else if let Some((_, address)) = token.split_once("://") {
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        if let Some(host) = host_of_ours(host.split(':').next().unwrap_or_default(), hosts) {
            keep(&mut issue.hosts, host);
            keep_path(&format!("/{path}"), issue);
        }
    } else if token.starts_with('/') {
        keep_path(token, issue);
    } else if let Some(host) = host_of_ours(token, hosts) {
        keep(&mut issue.hosts, host);
    }
}

fn keep_path(path: &str, issue: &mut KnownIssue) {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.len() > 2
        && let Ok(path) = places::path(path)
    {
        keep(&mut issue.paths, path);
    }
}

fn keep<T: PartialEq>(list: &mut Vec<T>, entry: T) {
    if list.len() < MOST_OF_EACH && !list.contains(&entry) {
        list.push(entry);
    }
}

/// At or below a domain that the scope names. Where it names none: a name of
/// three labels or more, as those with one dot are mostly files (`config.toml`).
fn host_of_ours(token: &str, ours: &[&HostPattern]) -> Option<HostPattern> {
    let host = places::host(token).ok()?;
    let is_ours = |known: &&HostPattern| {
        let above = host.domain.strip_suffix(&known.domain);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    };
    let last_is_word = host
        .domain
        .rsplit('.')
        .next()
        .is_some_and(|label| label.chars().any(|c| c.is_ascii_alphabetic()));
    let labels = host.domain.split('.').count();
    let found = match ours.is_empty() {
        true => labels >= 3 && last_is_word,
        false => ours.iter().any(is_ours),
    };
    found.then_some(host)
}

/// What stands in backticks or in double quotes.
fn quoted(text: &str) -> Vec<String> {
    const PAIRS: [(char, &str); 5] = [('`', "`"), ('"', "\""), ('“', "”"), ('„', "“”"), ('«', "»")];
    let mut found = Vec::new();
    let mut left = text;
    while let Some(at) = left.find(['`', '"', '“', '„', '«']) {
        let mut rest = left.get(at..).unwrap_or_default().chars();
        let opening = rest.next();
        let inside = rest.as_str();
        let closing = PAIRS.iter().find(|(open, _)| Some(*open) == opening);
        let closes = |c: char| closing.is_some_and(|(_, close)| close.contains(c));
        let Some((phrase, after)) = inside.split_once(closes) else {
            left = inside;
            continue;
        };
        found.push(phrase.split_whitespace().collect::<Vec<_>>().join(" "));
        left = after;
    }
    found
}

/// Neither a place nor a number, which count as such.
fn is_word(phrase: &str, hosts: &[&HostPattern]) -> bool {
    let is_place = |token: &str| {
        token.starts_with('/')
            || token.contains("://")
            || places::cve(token).is_ok()
            || host_of_ours(token, hosts).is_some()
    };
    WORD_LENGTH.contains(&phrase.chars().count())
        && phrase.chars().any(char::is_alphabetic)
        && !phrase.chars().any(char::is_control)
        && !tokens(phrase).any(is_place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(issue: &KnownIssue) -> String {
        let hosts: Vec<&str> = issue
            .hosts
            .iter()
            .map(|host| host.domain.as_str())
            .collect();
        format!(
            "{} | {} | {} | {} | {}",
            issue.name,
            issue.cve.join(" "),
            hosts.join(" "),
            issue.paths.join(" "),
            issue.words.join(", ")
        )
    }

    #[track_caller]
    fn check(text: &str, ours: &[&str], expected: &[&str]) {
        let rule = Rule {
            hosts: ours
                .iter()
                .map(|host| places::host(host).ok().unwrap())
                .collect(),
            ..Rule::default()
        };
        let scope = Scope {
            inside: vec![rule],
            outside: Vec::new(),
        };
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let found: Vec<String> = known_issues(&text, &scope)
                .issues
                .iter()
                .map(shown)
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_markdown_changelog() {
        check(
            "# Changelog

All notable changes, see `keepachangelog`.

## [1.2.0](https://github.example/r/1.2.0) - 2026-05-01

### Security

- Stored XSS in the name of a cluster (CVE-2026-1234), seen at
  https://app.corp.example/clusters?id=1. Fix in `src/name.rs`.
- Missing rate limit of `/api/v1/login` [#12](https://github.example/r/pull/12)
  * with `X-Forwarded-For`

### Changed

- New colours.

```
# no heading: /etc/passwd
```

## TLS 1.0 on legacy.corp.example

It goes with \"the old portal\" in May. See https://github.example/r/7.
",
            &["*.corp.example"],
            &[
                "1.2.0 - 2026-05-01: Security | CVE-2026-1234 | app.corp.example | /clusters | src/name.rs",
                "1.2.0 - 2026-05-01: Security |  |  | /api/v1/login | X-Forwarded-For",
                "1.2.0 - 2026-05-01: Changed |  |  | /etc/passwd | ",
                "TLS 1.0 on legacy.corp.example |  | legacy.corp.example |  | the old portal",
            ],
        );
    }

    #[test]
    fn a_plain_text_one() {
        check(
            "2026-05-01 version 1.2.3

  Open redirect at /login?next= on www.corp.example,
  reported by two people.

2026-04-01:
  * clickjacking of „das alte Portal“
",
            &[],
            &[
                "2026-05-01 version 1.2.3 |  | www.corp.example | /login | ",
                "2026-04-01 |  |  |  | das alte Portal",
            ],
        );
    }

    #[test]
    fn underlined_headings() {
        check(
            "History\n=======\n\n1.0 (unreleased)\n----------------\n\n- CVE-2026-0001: a `leak`.\n",
            &[],
            &["1.0 (unreleased) | CVE-2026-0001 |  |  | leak"],
        );
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        check("", &[], &[]);
        check("# 1.0\n- Better `tests` and and/or 3/4.\n", &[], &[]);
        check("text /above any heading\n# 1.0\n", &[], &[]);
    }

    #[test]
    fn a_long_file_is_read_to_a_bound() {
        let text: String = (0..2_500)
            .map(|n| format!("# e{n}\nCVE-2026-{:05}\n", n))
            .collect();
        let found = known_issues(&text, &Scope::default());
        assert_eq!((found.issues.len(), found.left_out), (2_000, 500));
        let heavy = format!("# a\n- {}", "`/path/x` \"word word\" ](".repeat(50_000));
        assert_eq!(known_issues(&heavy, &Scope::default()).issues.len(), 1);
    }
}
