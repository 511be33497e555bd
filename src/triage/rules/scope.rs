//! Which rules of scope and conduct speak for a report.
//!
//! A host that a rule names more closely wins: `*.customers.example.net` out of scope beside
//! `*.example.net` in scope. Where a place of the report is expressly in scope, places speak for
//! no rule that excludes: in doubt a report is in scope.

use super::places::{Place, Places, begins_path};
use super::reading::Reading;
use super::testing::Told;
use super::{Matched, missing, quoted};
use crate::triage::classify::{Folded, fold, has, positions};
use crate::triage::policy::{HostPattern, Rule, Terms};

pub struct Judged {
    pub inside: Vec<Matched>,
    pub outside: Vec<Matched>,
}

pub fn judge(reading: &Reading<'_>, places: &Places, told: &[Told], terms: &Terms) -> Judged {
    let accused: Vec<Accused<'_>> = places
        .0
        .iter()
        .filter(|place| !place.is_reference)
        .map(|place| Accused::of(place, terms))
        .collect();
    let inside = Rules("scope.in", &terms.scope.inside);
    let by_place = inside.matched(|rule| {
        accused
            .iter()
            .filter(|accused| accused.is_inside())
            .find_map(|accused| place_of(rule, accused.place, terms))
    });
    let by_word = inside.matched(|rule| word_of(rule, reading));
    let doubt = !by_place.is_empty();
    let outside = Rules("scope.out", &terms.scope.outside).matched(|rule| {
        let case = Exclusion {
            rule,
            reading,
            told,
            terms,
        };
        case.by_kind()
            .or_else(|| (!doubt).then(|| case.by_place(&accused)).flatten())
    });
    Judged {
        inside: merged(by_place, by_word),
        outside,
    }
}

/// Rules of conduct that the sender tells he broke, or that he tells of in their own words.
pub fn conduct(
    reading: &Reading<'_>,
    places: &Places,
    told: &[Told],
    terms: &Terms,
) -> Vec<Matched> {
    Rules("conduct", &terms.conduct).matched(|rule| {
        let done = told
            .iter()
            .find(|told| told.done && rule.testing.contains(&told.kind));
        let bound =
            has_places(rule) && !is_named(rule, places, terms) && word_of(rule, reading).is_none();
        match done {
            Some(done) if !bound => Some(done.because.clone()),
            Some(_) => None,
            None if rule.testing.is_empty() => word_of(rule, reading),
            None => None,
        }
    })
}

/// A list of rules, and what the policy file calls it.
struct Rules<'t>(&'static str, &'t [Rule]);

impl Rules<'_> {
    /// Those that speak, with `scope.out "sub-processors": …` as evidence.
    fn matched(&self, speaks: impl Fn(&Rule) -> Option<String>) -> Vec<Matched> {
        let Self(list, rules) = self;
        rules
            .iter()
            .enumerate()
            .filter_map(|(at, rule)| {
                let because = format!("{list} \"{}\": {}", rule.name, speaks(rule)?);
                Some(Matched { rule: at, because })
            })
            .collect()
    }
}

/// By rule, the first evidence of each.
fn merged(mut first: Vec<Matched>, second: Vec<Matched>) -> Vec<Matched> {
    for matched in second {
        if !first.iter().any(|known| known.rule == matched.rule) {
            first.push(matched);
        }
    }
    first.sort_by_key(|matched| matched.rule);
    first
}

/// A place that the report accuses, and how closely the rules name it.
struct Accused<'p> {
    place: &'p Place,
    inside: Option<Closeness>,
    outside: Option<Closeness>,
}

impl<'p> Accused<'p> {
    fn of(place: &'p Place, terms: &Terms) -> Self {
        let closest = |rules: &[Rule]| {
            rules
                .iter()
                .filter(|rule| !is_bound(rule))
                .filter_map(|rule| closeness(rule, place, terms))
                .max()
        };
        Self {
            place,
            inside: closest(&terms.scope.inside),
            outside: closest(&terms.scope.outside),
        }
    }

    fn is_inside(&self) -> bool {
        self.inside.is_some() && self.inside >= self.outside
    }
}

/// How closely a rule names a place: labels of the domain, the very name, characters of the path.
type Closeness = (usize, bool, usize);

fn closeness(rule: &Rule, place: &Place, terms: &Terms) -> Option<Closeness> {
    let path = rule
        .paths
        .iter()
        .filter(|path| begins_path(&place.path, path))
        .map(|path| path.len())
        .max();
    if !rule.paths.is_empty() && path.is_none() {
        return None;
    }
    let path = path.unwrap_or(0);
    if rule.hosts.is_empty() {
        return (path > 0 && is_ours(place, terms)).then_some((0, false, path));
    }
    let host = place.host.as_deref()?;
    rule.hosts
        .iter()
        .filter(|pattern| names(pattern, host))
        .map(|pattern| {
            let labels = pattern.domain.split('.').count();
            (labels, pattern.domain == host, path)
        })
        .max()
}

/// A path without a host is of our own interface; with one, it must be a host in scope.
fn is_ours(place: &Place, terms: &Terms) -> bool {
    let Some(host) = place.host.as_deref() else {
        return true;
    };
    let mut patterns = terms.scope.inside.iter().flat_map(|rule| &rule.hosts);
    patterns.any(|pattern| names(pattern, host))
}

pub fn names(pattern: &HostPattern, host: &str) -> bool {
    if host == pattern.domain {
        return pattern.apex || !pattern.subdomains;
    }
    pattern.subdomains
        && host
            .strip_suffix(pattern.domain.as_str())
            .is_some_and(|below| below.ends_with('.'))
}

fn place_of(rule: &Rule, place: &Place, terms: &Terms) -> Option<String> {
    closeness(rule, place, terms)?;
    Some(in_words(place))
}

fn in_words(place: &Place) -> String {
    match &place.host {
        Some(host) if place.path.len() > 1 => format!("{host}{} is named", place.path),
        Some(host) => format!("{host} is named"),
        None => format!("a request to {} is shown", place.path),
    }
}

fn has_places(rule: &Rule) -> bool {
    !rule.hosts.is_empty() || !rule.paths.is_empty() || !rule.words.is_empty()
}

fn is_named(rule: &Rule, places: &Places, terms: &Terms) -> bool {
    places
        .0
        .iter()
        .any(|place| !place.is_reference && closeness(rule, place, terms).is_some())
}

fn word_of(rule: &Rule, reading: &Reading<'_>) -> Option<String> {
    rule.words
        .iter()
        .find(|word| has(&reading.folded, &[&*fold(word)]))
        .map(|word| format!("it names {}", quoted(word)))
}

/// Does the rule speak of what is found or done, so that its places alone say nothing?
fn is_bound(rule: &Rule) -> bool {
    rule.testing.iter().any(|kind| !kind.is_place())
}

/// One rule that excludes, and the report.
struct Exclusion<'a> {
    rule: &'a Rule,
    reading: &'a Reading<'a>,
    told: &'a [Told],
    terms: &'a Terms,
}

impl Exclusion<'_> {
    /// By what is found or done. Where the rule names places too, at those places alone: "rate
    /// limits of the marketing site".
    fn by_kind(&self) -> Option<String> {
        let told = self
            .told
            .iter()
            .find(|told| !told.kind.is_place() && self.rule.testing.contains(&told.kind))?;
        if self.rule.unless_proven && missing::is_proven(self.reading) {
            return None;
        }
        if !has_places(self.rule) {
            return Some(told.because.clone());
        }
        let places = Places::of(self.reading, self.terms);
        let mut named = places.0.iter().filter(|place| !place.is_reference);
        let place = named.find_map(|place| place_of(self.rule, place, self.terms));
        let place = place.or_else(|| word_of(self.rule, self.reading))?;
        Some(format!("{}, and {place}", told.because))
    }

    fn by_place(&self, accused: &[Accused<'_>]) -> Option<String> {
        let rule = self.rule;
        if is_bound(rule) {
            return None;
        }
        let mut named = accused.iter().filter(|accused| !accused.is_inside());
        named
            .find_map(|accused| place_of(rule, accused.place, self.terms))
            .or_else(|| self.by_accused_word())
            .or_else(|| {
                let told = self.told.iter();
                let mut told = told.filter(|told| told.kind.is_place());
                let told = told.find(|told| rule.testing.contains(&told.kind))?;
                Some(told.because.clone())
            })
    }

    /// A name among the rule's words that the report says something is wrong with. "Behind
    /// Cloudflare" says where our own host is.
    fn by_accused_word(&self) -> Option<String> {
        let word = self.rule.words.iter().find(|word| {
            let word = fold(word);
            is_accused(&self.reading.subject, &word, true)
                || is_accused(&self.reading.folded, &word, false)
        })?;
        Some(format!("it speaks of a flaw in {}", quoted(word)))
    }
}

/// Before a name, these say that something merely goes through it, or is ours.
const MENTIONS: &[&str] = &[
    "behind",
    "via",
    "through",
    "by",
    "using",
    "uses",
    "use",
    "with",
    "from",
    "your",
    "our",
    "their",
    "to",
    "bypass",
    "bypassing",
    "past",
    "and",
    "hinter",
    "über",
    "durch",
    "von",
    "mit",
    "ihr",
    "ihre",
    "ihrem",
    "derrière",
    "par",
    "avec",
    "votre",
    "detrás",
    "su",
    "con",
    "dietro",
    "achter",
    "via",
];

/// Before a name, these say that it is there.
const PLACES: &[&str] = &[
    "in", "on", "at", "of", "inside", "within", "against", "into", "the", "bei", "im", "beim",
    "auf", "dans", "chez", "sur", "de", "en", "no", "na", "em", "su", "nel", "di", "op", "bij",
    "van", "w", "в", "на",
];

fn is_accused(words: &Folded, name: &str, in_subject: bool) -> bool {
    positions(words, name).any(|at| {
        let before = words.get(..at).unwrap_or_default();
        let after = words.get(at + name.len()..).unwrap_or_default();
        let last = before.split_whitespace().next_back().unwrap_or_default();
        let is_place = PLACES.contains(&last) || after.starts_with("'s ");
        let says_name = in_subject && !last.ends_with([',', '(']);
        !MENTIONS.contains(&last) && (is_place || says_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str, apex: bool) -> HostPattern {
        let domain = text.strip_prefix("*.");
        HostPattern {
            domain: domain.unwrap_or(text).to_owned(),
            subdomains: domain.is_some(),
            apex,
        }
    }

    #[test]
    fn hosts_are_named_by_patterns() {
        #[track_caller]
        fn check(pattern_text: &str, apex: bool, host: &str, expected: bool) {
            assert_eq!(
                names(&pattern(pattern_text, apex), host),
                expected,
                "{pattern_text} {host}"
            );
        }
        check("a.test", false, "a.test", true);
        check("a.test", false, "b.a.test", false);
        check("*.a.test", false, "b.a.test", true);
        check("*.a.test", false, "c.b.a.test", true);
        check("*.a.test", false, "a.test", false);
        check("*.a.test", true, "a.test", true);
        check("*.a.test", false, "ba.test", false);
        check("*.a.test", false, "a.test.evil.test", false);
    }

    #[test]
    fn a_name_is_accused_or_only_mentioned() {
        #[track_caller]
        fn check(text: &str, expected: bool) {
            assert_eq!(is_accused(&fold(text), "paddle", false), expected, "{text}");
        }
        check("A flaw in Paddle", true);
        check("the Paddle console", true);
        check("Paddle's own panel", true);
        check("your Paddle integration", false);
        check("it is handed to Paddle", false);
        check("behind Paddle", false);
        check("Paddle does not block it", false);
        assert!(is_accused(&fold("Paddle: XSS"), "paddle", true));
    }
}
