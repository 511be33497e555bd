//! What a changed policy changes, in words that a team understands.
//!
//! Every part of both policies is taken apart by name, so that a new part
//! cannot be forgotten here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::NaiveDate;

use super::{
    AcknowledgedBy, Cited, Deadlines, Disclosure, HostPattern, KnownIssue, Policy, QuietHours,
    Recognition, Remediate, Replies, Requests, Routed, Rule, Scope, Sentence, Severity, Span,
    StatusTells, Terms, Testing, UsefulReport,
};
use crate::triage::calendar::Calendar;

/// More days than that are told as one number: a repeating holiday is written out for 131 years.
const MOST_DAYS: usize = 12;
/// Characters; longer values get lines of their own.
const SHORT: usize = 60;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As the file has it: `deadlines.triage`, `scope.out`, `scope.out.hosts`.
    pub key: String,
    /// The rule or known issue, by its name.
    pub entry: Option<String>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Changed {
        old: String,
        new: String,
    },
    Added(String),
    Removed(String),
    /// The same entries; the first that matches is cited first.
    Reordered,
}

impl What {
    /// A stable word for each.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "changed",
            Self::Added(_) => "added",
            Self::Removed(_) => "removed",
            Self::Reordered => "reordered",
        }
    }

    pub fn old_value(&self) -> Option<&str> {
        match self {
            Self::Changed { old, .. } | Self::Removed(old) => Some(old),
            Self::Added(_) | Self::Reordered => None,
        }
    }

    pub fn new_value(&self) -> Option<&str> {
        match self {
            Self::Changed { new, .. } | Self::Added(new) => Some(new),
            Self::Removed(_) | Self::Reordered => None,
        }
    }
}

/// `triage: 7 days -> 5 business days`, `scope.out: new rule "rate limits"`,
/// `holidays: 8 Jun 2026 added`; what is long stands on lines of its own.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.strip_prefix("deadlines.").unwrap_or(&self.key);
        write!(f, "{key}")?;
        if let (Some(name), Some(noun)) = (&self.entry, self.noun()) {
            return match &self.what {
                What::Added(facts) => write!(f, ": new {noun} {name:?}{}", indented("", facts)),
                _ => write!(f, ": the {noun} {name:?} is gone"),
            };
        }
        if let Some(name) = &self.entry {
            write!(f, " of {name:?}")?;
        }
        match &self.what {
            What::Changed { old, new } if is_short(old) && is_short(new) => {
                write!(f, ": {old} -> {new}")
            }
            What::Changed { old, new } => {
                write!(f, ":{}{}", indented("was: ", old), indented("is:  ", new))
            }
            What::Added(new) if is_short(new) => write!(f, ": {new} added"),
            What::Added(new) => write!(f, ": added{}", indented("", new)),
            What::Removed(old) if is_short(old) => write!(f, ": {old} removed"),
            What::Removed(old) => write!(f, ": removed{}", indented("", old)),
            What::Reordered => write!(f, ": in another order, of which the first counts first"),
        }
    }
}

impl Change {
    /// What an entry of this list is called; `None` where a part of an entry is meant.
    fn noun(&self) -> Option<&'static str> {
        match self.key.as_str() {
            "scope.in" | "scope.out" | "conduct" => Some("rule"),
            "known_issues" => Some("issue"),
            _ => None,
        }
    }
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= SHORT && !text.contains('\n')
}

/// On lines of its own; `head` before the first.
fn indented(head: &str, text: &str) -> String {
    let below = format!("\n    {}", " ".repeat(head.len()));
    format!("\n    {head}{}", text.replace('\n', &below))
}

/// Nothing: both promise the same.
pub fn diff(old: &Policy, new: &Policy) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.policy(old, new);
    changes.0
}

#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn policy(&mut self, old: &Policy, new: &Policy) {
        let Policy {
            version,
            calendar,
            quiet_hours,
            deadlines,
            url,
            terms,
        } = old;
        self.value("version", version, &new.version);
        self.text("url", url.as_deref(), new.url.as_deref());
        self.calendar(calendar, &new.calendar);
        let hours = |hours: Option<QuietHours>| hours.map(|hours| hours.to_string());
        self.value(
            "quiet_hours",
            &or_none(hours(*quiet_hours)),
            &or_none(hours(new.quiet_hours)),
        );
        self.deadlines(deadlines, &new.deadlines);
        self.terms(terms, &new.terms);
    }

    fn calendar(&mut self, old: &Calendar, new: &Calendar) {
        let Calendar {
            zone,
            working,
            holidays,
        } = old;
        self.value("time_zone", zone.name(), new.zone.name());
        self.value("working_days", &weekdays(working), &weekdays(&new.working));
        let added: Vec<_> = new.holidays.difference(holidays).collect();
        let removed: Vec<_> = holidays.difference(&new.holidays).collect();
        self.days(&added, What::Added);
        self.days(&removed, What::Removed);
    }

    fn days(&mut self, days: &[&NaiveDate], what: fn(String) -> What) {
        let shown = |day: &NaiveDate| day.format("%-d %b %Y").to_string();
        match days {
            [first, .., last] if days.len() > MOST_DAYS => {
                let days = format!(
                    "{} days from {} to {}",
                    days.len(),
                    shown(first),
                    shown(last)
                );
                self.note("holidays", None, what(days));
            }
            few => {
                for day in few {
                    self.note("holidays", None, what(shown(day)));
                }
            }
        }
    }

    fn deadlines(&mut self, old: &Deadlines, new: &Deadlines) {
        let Deadlines {
            acknowledge,
            acknowledged_by,
            triage,
            update,
            remediate,
            disclose_after_fix,
            early_warning,
            notification,
            final_report,
        } = old;
        self.span("acknowledge", *acknowledge, new.acknowledge);
        let by = |by: AcknowledgedBy| match by {
            AcknowledgedBy::Reply => "reply",
            AcknowledgedBy::Person => "person",
        };
        self.value(
            "deadlines.acknowledged_by",
            by(*acknowledged_by),
            by(new.acknowledged_by),
        );
        self.span("triage", *triage, new.triage);
        self.span("update", *update, new.update);
        self.remediate(remediate, &new.remediate);
        self.span(
            "disclose.after_fix",
            *disclose_after_fix,
            new.disclose_after_fix,
        );
        self.span("exploited.early_warning", *early_warning, new.early_warning);
        self.span("exploited.notification", *notification, new.notification);
        self.span("exploited.final_report", *final_report, new.final_report);
    }

    fn remediate(&mut self, old: &Remediate, new: &Remediate) {
        let Remediate {
            critical,
            high,
            medium,
            low,
            words,
        } = old;
        self.span("remediate.critical", *critical, new.critical);
        self.span("remediate.high", *high, new.high);
        self.span("remediate.medium", *medium, new.medium);
        self.span("remediate.low", *low, new.low);
        for severity in Severity::ALL {
            let key = format!("deadlines.remediate.{}.words", severity.as_str());
            let (old, new) = (words.get(&severity), new.words.get(&severity));
            self.sentence(&key, None, old, new);
        }
    }

    fn terms(&mut self, old: &Terms, new: &Terms) {
        let Terms {
            language,
            scope,
            conduct,
            known_issues,
            known_issues_sentence,
            report,
            accidental_access,
            safe_harbour,
            recognition,
            disclosure,
            requests,
            status,
            replies,
        } = old;
        self.value("language", language, &new.language);
        let Scope { inside, outside } = scope;
        self.rules("scope.in", inside, &new.scope.inside);
        self.rules("scope.out", outside, &new.scope.outside);
        self.rules("conduct", conduct, &new.conduct);
        self.known_issues(known_issues, &new.known_issues);
        let (was, is) = (known_issues_sentence, &new.known_issues_sentence);
        self.sentence("known_issues_sentence", None, was.as_ref(), is.as_ref());
        self.report(report, &new.report);
        let (was, is) = (accidental_access, &new.accidental_access);
        self.sentence("report.accidental_access", None, was.as_ref(), is.as_ref());
        self.cited(
            "safe_harbour",
            safe_harbour.as_ref(),
            new.safe_harbour.as_ref(),
        );
        self.recognition(recognition, &new.recognition);
        self.disclosure(disclosure, &new.disclosure);
        self.requests(requests, &new.requests);
        self.value("status.tells", &told(*status), &told(new.status));
        let Replies {
            encrypt,
            name_members,
        } = replies;
        let (was, is) = (encrypt.as_str(), new.replies.encrypt.as_str());
        self.value("replies.encrypt", was, is);
        let (was, is) = (name_members, &new.replies.name_members);
        self.value("replies.name_members", &was.to_string(), &is.to_string());
    }

    fn rules(&mut self, key: &str, old: &[Rule], new: &[Rule]) {
        let name = |rule: &Rule| rule.name.clone();
        for (old, new) in self.paired(key, old, new, name, facts_of_rule) {
            self.rule(key, old, new);
        }
    }

    fn rule(&mut self, key: &str, old: &Rule, new: &Rule) {
        let Rule {
            name,
            hosts,
            paths,
            words,
            testing,
            unless_proven,
            sentence,
            turn_to,
        } = old;
        let key = |part: &str| format!("{key}.{part}");
        let entry = Some(name.as_str());
        self.list(
            &key("hosts"),
            entry,
            &hosts_shown(hosts),
            &hosts_shown(&new.hosts),
        );
        self.list(&key("paths"), entry, paths, &new.paths);
        self.list(&key("words"), entry, words, &new.words);
        self.list(&key("kinds"), entry, &kinds(testing), &kinds(&new.testing));
        if *unless_proven != new.unless_proven {
            let what = What::Changed {
                old: unless_proven.to_string(),
                new: new.unless_proven.to_string(),
            };
            self.note(&key("unless_proven"), entry, what);
        }
        self.sentence(&key("sentence"), entry, Some(sentence), Some(&new.sentence));
        let (was, is) = (turn_to.as_ref(), new.turn_to.as_ref());
        self.sentence(&key("turn_to"), entry, was, is);
    }

    fn known_issues(&mut self, old: &[KnownIssue], new: &[KnownIssue]) {
        let name = |issue: &KnownIssue| issue.name.clone();
        for (old, new) in self.paired("known_issues", old, new, name, facts_of_issue) {
            let KnownIssue {
                name,
                cve,
                hosts,
                paths,
                words,
                url,
            } = old;
            let entry = Some(name.as_str());
            self.list("known_issues.cve", entry, cve, &new.cve);
            let (was, is) = (hosts_shown(hosts), hosts_shown(&new.hosts));
            self.list("known_issues.hosts", entry, &was, &is);
            self.list("known_issues.paths", entry, paths, &new.paths);
            self.list("known_issues.words", entry, words, &new.words);
            self.entry_text(
                "known_issues.url",
                entry,
                url.as_deref(),
                new.url.as_deref(),
            );
        }
    }

    fn report(&mut self, old: &UsefulReport, new: &UsefulReport) {
        let UsefulReport { asks, no_real_data } = old;
        let names = |asks: &[(super::Part, Option<Sentence>)]| -> Vec<String> {
            asks.iter()
                .map(|(part, _)| part.as_str().to_owned())
                .collect()
        };
        self.list("report.asks", None, &names(asks), &names(&new.asks));
        for part in super::Part::ALL {
            let said = |asks: &[(super::Part, Option<Sentence>)]| {
                asks.iter()
                    .find(|(asked, _)| *asked == part)
                    .and_then(|(_, sentence)| sentence.clone())
            };
            let key = format!("report.sentences.{}", part.as_str());
            let (was, is) = (said(asks), said(&new.asks));
            self.sentence(&key, None, was.as_ref(), is.as_ref());
        }
        let (was, is) = (no_real_data.as_ref(), new.no_real_data.as_ref());
        self.sentence("report.no_real_data", None, was, is);
    }

    fn cited(&mut self, key: &str, old: Option<&Cited>, new: Option<&Cited>) {
        let parts = |cited: Option<&Cited>| match cited.cloned() {
            Some(Cited { sentence, url }) => (Some(sentence), url),
            None => (None, None),
        };
        let ((was, old_url), (is, new_url)) = (parts(old), parts(new));
        self.sentence(&format!("{key}.sentence"), None, was.as_ref(), is.as_ref());
        self.text(
            &format!("{key}.url"),
            old_url.as_deref(),
            new_url.as_deref(),
        );
    }

    fn recognition(&mut self, old: &Recognition, new: &Recognition) {
        let Recognition {
            credit,
            page,
            token,
            reward,
        } = old;
        self.sentence(
            "recognition.credit",
            None,
            credit.as_ref(),
            new.credit.as_ref(),
        );
        self.text("recognition.page", page.as_deref(), new.page.as_deref());
        self.sentence(
            "recognition.token",
            None,
            token.as_ref(),
            new.token.as_ref(),
        );
        self.sentence(
            "recognition.reward",
            None,
            reward.as_ref(),
            new.reward.as_ref(),
        );
    }

    fn disclosure(&mut self, old: &Disclosure, new: &Disclosure) {
        let Disclosure {
            sentence,
            heads_up,
            page,
        } = old;
        let (was, is) = (sentence.as_ref(), new.sentence.as_ref());
        self.sentence("disclosure.sentence", None, was, is);
        self.value("disclosure.heads_up", &span(*heads_up), &span(new.heads_up));
        self.text("disclosure.page", page.as_deref(), new.page.as_deref());
    }

    fn requests(&mut self, old: &Requests, new: &Requests) {
        let Requests {
            test_account,
            sandbox,
            diligence,
            abuse,
            question,
        } = old;
        for (key, was, is) in [
            ("requests.test_account", test_account, &new.test_account),
            ("requests.sandbox", sandbox, &new.sandbox),
            ("requests.question", question, &new.question),
        ] {
            self.sentence(key, None, was.as_ref(), is.as_ref());
        }
        self.routed(
            "requests.diligence",
            diligence.as_ref(),
            new.diligence.as_ref(),
        );
        self.routed("requests.abuse", abuse.as_ref(), new.abuse.as_ref());
    }

    fn routed(&mut self, key: &str, old: Option<&Routed>, new: Option<&Routed>) {
        let parts = |routed: Option<&Routed>| match routed.cloned() {
            Some(Routed { sentence, address }) => (Some(sentence), address),
            None => (None, None),
        };
        let ((was, old_address), (is, new_address)) = (parts(old), parts(new));
        self.sentence(&format!("{key}.sentence"), None, was.as_ref(), is.as_ref());
        let key = format!("{key}.address");
        self.text(&key, old_address.as_deref(), new_address.as_deref());
    }
}

/// The ways in which two values differ.
impl Changes {
    fn note(&mut self, key: &str, entry: Option<&str>, what: What) {
        self.0.push(Change {
            key: key.to_owned(),
            entry: entry.map(str::to_owned),
            what,
        });
    }

    fn value(&mut self, key: &str, old: &str, new: &str) {
        if old != new {
            let (old, new) = (old.to_owned(), new.to_owned());
            self.note(key, None, What::Changed { old, new });
        }
    }

    fn span(&mut self, key: &str, old: Option<Span>, new: Option<Span>) {
        self.value(&format!("deadlines.{key}"), &span(old), &span(new));
    }

    fn text(&mut self, key: &str, old: Option<&str>, new: Option<&str>) {
        self.entry_text(key, None, old, new);
    }

    fn entry_text(&mut self, key: &str, entry: Option<&str>, old: Option<&str>, new: Option<&str>) {
        let what = match (old.map(str::to_owned), new.map(str::to_owned)) {
            (Some(old), Some(new)) if old != new => What::Changed { old, new },
            (None, Some(new)) => What::Added(new),
            (Some(old), None) => What::Removed(old),
            _ => return,
        };
        self.note(key, entry, what);
    }

    /// In each language for itself.
    fn sentence(
        &mut self,
        key: &str,
        entry: Option<&str>,
        old: Option<&Sentence>,
        new: Option<&Sentence>,
    ) {
        let none = BTreeMap::new();
        let languages = |sentence: Option<&'_ Sentence>| match sentence {
            Some(sentence) => sentence.by_language.clone(),
            None => none.clone(),
        };
        let (old, new) = (languages(old), languages(new));
        let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for language in all {
            let key = format!("{key}.{language}");
            let of = |words: &BTreeMap<String, String>| words.get(language).cloned();
            self.entry_text(&key, entry, of(&old).as_deref(), of(&new).as_deref());
        }
    }

    fn list(&mut self, key: &str, entry: Option<&str>, old: &[String], new: &[String]) {
        for added in new.iter().filter(|one| !old.contains(one)) {
            self.note(key, entry, What::Added(added.clone()));
        }
        for removed in old.iter().filter(|one| !new.contains(one)) {
            self.note(key, entry, What::Removed(removed.clone()));
        }
        let common = |list: &[String], other: &[String]| -> Vec<String> {
            let is_common = |one: &&String| other.contains(one);
            list.iter().filter(is_common).cloned().collect()
        };
        if common(old, new) != common(new, old) {
            self.note(key, entry, What::Reordered);
        }
    }

    /// Entries of the same name; the others are noted as new or gone. Several of one name (items
    /// below one heading of a changelog) are paired in their order, those first that are the same.
    fn paired<'p, T: PartialEq>(
        &mut self,
        key: &str,
        old: &'p [T],
        new: &'p [T],
        name: impl Fn(&T) -> String,
        facts: impl Fn(&T) -> String,
    ) -> Vec<(&'p T, &'p T)> {
        let mut left: Vec<&T> = old.iter().filter(|one| !new.contains(one)).collect();
        let mut pairs = Vec::new();
        for one in new.iter().filter(|one| !old.contains(one)) {
            match left.iter().position(|other| name(other) == name(one)) {
                Some(position) => pairs.push((left.remove(position), one)),
                None => self.note(key, Some(&name(one)), What::Added(facts(one))),
            }
        }
        for gone in left {
            self.note(key, Some(&name(gone)), What::Removed(facts(gone)));
        }
        let names = |list: &[T], other: &[T]| -> Vec<String> {
            let others: BTreeSet<String> = other.iter().map(&name).collect();
            let common = list.iter().map(&name).filter(|name| others.contains(name));
            common.collect()
        };
        let (old_names, new_names) = (names(old, new), names(new, old));
        if old_names != new_names && old_names.len() == new_names.len() {
            self.note(key, None, What::Reordered);
        }
        pairs
    }
}

fn span(span: Option<Span>) -> String {
    or_none(span.map(|span| span.to_string()))
}

fn or_none(value: Option<String>) -> String {
    value.unwrap_or_else(|| "none".to_owned())
}

fn weekdays(working: &[bool; 7]) -> String {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let names = NAMES.iter().zip(working).filter(|(_, works)| **works);
    names.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn told(status: StatusTells) -> String {
    let StatusTells {
        status,
        severity,
        dates,
    } = status;
    let facts = [("status", status), ("severity", severity), ("dates", dates)];
    let told: Vec<&str> = facts
        .iter()
        .filter(|(_, is_told)| *is_told)
        .map(|(name, _)| *name)
        .collect();
    match told.is_empty() {
        true => "nothing".to_owned(),
        false => told.join(", "),
    }
}

/// As the file has them: a pair of patterns is one value of the program.
fn hosts_shown(hosts: &[HostPattern]) -> Vec<String> {
    let written = |host: &HostPattern| {
        let apex = host.apex.then(|| host.domain.clone());
        let below = host.subdomains.then(|| format!("*.{}", host.domain));
        apex.into_iter().chain(below)
    };
    hosts.iter().flat_map(written).collect()
}

fn kinds(testing: &[Testing]) -> Vec<String> {
    testing
        .iter()
        .map(|kind| kind.as_str().to_owned())
        .collect()
}

fn facts_of_rule(rule: &Rule) -> String {
    let mut facts = lists([
        ("hosts", &hosts_shown(&rule.hosts)),
        ("paths", &rule.paths),
        ("words", &rule.words),
        ("kinds", &kinds(&rule.testing)),
    ]);
    facts.extend(rule.sentence.by_language.values().cloned());
    facts.join("\n")
}

fn facts_of_issue(issue: &KnownIssue) -> String {
    let mut facts = lists([
        ("cve", &issue.cve),
        ("hosts", &hosts_shown(&issue.hosts)),
        ("paths", &issue.paths),
        ("words", &issue.words),
    ]);
    facts.extend(issue.url.clone());
    facts.join("\n")
}

fn lists<const COUNT: usize>(lists: [(&str, &Vec<String>); COUNT]) -> Vec<String> {
    let filled = lists.iter().filter(|(_, list)| !list.is_empty());
    filled
        .map(|(name, list)| format!("{name}: {}", list.join(", ")))
        .collect()
}
