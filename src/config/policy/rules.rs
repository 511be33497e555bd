//! `[[scope.in]]`, `[[scope.out]]` and `[[conduct]]`.

use std::collections::BTreeMap;

use super::places;
use super::sentences::Sentences;
use crate::config::document::{Complaint, Table, Value};
use crate::config::mistake::{Gravity, nearest, quote};
use crate::config::units;
use crate::triage::policy::{HostPattern, Rule, Scope, Testing};

/// What people call the kinds otherwise.
const OTHER_NAMES: [(&str, Testing); 14] = [
    ("dos", Testing::DenialOfService),
    ("ddos", Testing::DenialOfService),
    ("availability", Testing::DenialOfService),
    ("phishing", Testing::SocialEngineering),
    ("physical", Testing::PhysicalAttack),
    ("rate_limiting", Testing::RateLimit),
    ("brute_force", Testing::RateLimit),
    ("scanner", Testing::ScannerOutput),
    ("customer", Testing::CustomerEnvironment),
    ("vendor", Testing::ThirdParty),
    ("subprocessor", Testing::ThirdParty),
    ("backdoor", Testing::PersistentImplant),
    ("malware", Testing::PersistentImplant),
    ("lateral_movement", Testing::Pivoting),
];

pub fn scope_and_conduct<'a>(root: &Table<'a>, sentences: &Sentences<'a>) -> (Scope, Vec<Rule>) {
    let scope = root.section("scope", |table| {
        (
            drafts(table.value("in"), |table| inside(table, sentences)),
            drafts(table.value("out"), |table| outside(table, sentences)),
        )
    });
    let (inside, outside) = scope.unwrap_or_default();
    let conduct = drafts(root.value("conduct"), |table| conduct(table, sentences));
    refuse_one_name_twice(inside.iter().chain(&outside).chain(&conduct));
    for list in [&inside, &outside] {
        warn_of_one_host_twice(list);
    }
    refuse_both_in_and_out(&inside, &outside);
    let rules = |drafts: Vec<Draft>| drafts.into_iter().map(Draft::into_rule).collect();
    let scope = Scope {
        inside: rules(inside),
        outside: rules(outside),
    };
    (scope, rules(conduct))
}

/// A rule whose parts still know where they stand.
struct Draft<'a> {
    name: Option<(String, Value<'a>)>,
    hosts: Vec<(HostPattern, Value<'a>)>,
    paths: Vec<(String, Value<'a>)>,
    words: Vec<(String, Value<'a>)>,
    testing: Vec<(Testing, Value<'a>)>,
    /// What stands for itself.
    rest: Rule,
}

impl Draft<'_> {
    fn into_rule(self) -> Rule {
        Rule {
            name: self.name.map(|(name, _)| name).unwrap_or_default(),
            hosts: places::joined(self.hosts.into_iter().map(|(host, _)| host)),
            paths: bare(self.paths),
            words: bare(self.words),
            testing: bare(self.testing),
            ..self.rest
        }
    }
}

fn bare<T>(entries: Vec<(T, Value)>) -> Vec<T> {
    entries.into_iter().map(|(entry, _)| entry).collect()
}

fn drafts<'a>(value: Option<Value<'a>>, read: impl Fn(&Table<'a>) -> Draft<'a>) -> Vec<Draft<'a>> {
    let sections = value.map(|value| value.list()).unwrap_or_default();
    sections
        .iter()
        .filter_map(|section| {
            let draft = section.section(&read)?;
            Some(draft)
        })
        .collect()
}

fn inside<'a>(table: &Table<'a>, sentences: &Sentences<'a>) -> Draft<'a> {
    for key in ["turn_to", "unless_proven"] {
        let what = "has no meaning for what is in scope";
        table.refuse(key, || {
            Complaint::new(what, "move it to a rule of [[scope.out]]")
        });
    }
    draft(table, sentences)
}

fn outside<'a>(table: &Table<'a>, sentences: &Sentences<'a>) -> Draft<'a> {
    let mut draft = draft(table, sentences);
    draft.rest.unless_proven = table
        .value("unless_proven")
        .and_then(|value| value.flag())
        .unwrap_or_default();
    draft.rest.turn_to = sentences.optional(table, "turn_to");
    draft
}

fn conduct<'a>(table: &Table<'a>, sentences: &Sentences<'a>) -> Draft<'a> {
    for key in ["turn_to", "unless_proven"] {
        let what = "has no meaning for conduct: such a report stays in scope";
        table.refuse(key, || {
            Complaint::new(what, "take it out, or make it a rule of [[scope.out]]")
        });
    }
    draft(table, sentences)
}

fn draft<'a>(table: &Table<'a>, sentences: &Sentences<'a>) -> Draft<'a> {
    let name = table.required_value(
        "name",
        "write name = \"…\", as evidence is to name the rule",
    );
    let mend = "write sentence = \"…\", as the policy says it: replies cite it";
    let draft = Draft {
        name: name.and_then(|value| Some((value.parse(units::line)?, value))),
        hosts: entries(table, "hosts", places::host),
        paths: entries(table, "paths", places::path),
        words: entries(table, "words", places::word),
        testing: entries(table, "kinds", testing),
        rest: Rule {
            sentence: sentences.required(table, "sentence", mend),
            ..Rule::default()
        },
    };
    refuse_empty(table);
    draft
}

/// A list, each entry with its place; wrong ones are complained of.
fn entries<'a, T>(
    table: &Table<'a>,
    key: &'static str,
    parse: impl Fn(&str) -> Result<T, Complaint>,
) -> Vec<(T, Value<'a>)> {
    let entries = table
        .value(key)
        .map(|value| value.list())
        .unwrap_or_default();
    entries
        .into_iter()
        .filter_map(|value| Some((value.parse(&parse)?, value)))
        .collect()
}

fn testing(text: &str) -> Result<Testing, Complaint> {
    let word = text.trim().to_lowercase().replace([' ', '-'], "_");
    if let Some(kind) = Testing::parse(text) {
        return Ok(kind);
    }
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == word);
    let near = other.map(|(_, kind)| kind.as_str());
    let near = near.or_else(|| nearest(&word, Testing::ALL.map(Testing::as_str)));
    let what = format!("{} is not a kind of testing", quote(text));
    let mend = format!("the nearest one is {}", quote(near.unwrap_or_default()));
    Err(Complaint::new(what, mend))
}

/// A rule that can never match is a promise that nobody keeps. An empty list beside a full one may
/// stand for nothing or for everything: its kinds would count everywhere, and not at its hosts.
fn refuse_empty(table: &Table) {
    const KEYS: [&str; 4] = ["hosts", "paths", "words", "kinds"];
    let says_something = |key: &'static str| {
        let value = table.value(key);
        value.is_some_and(|value| !value.is_empty_list())
    };
    if !KEYS.into_iter().any(says_something) {
        table.complain(Complaint::new(
            "names no hosts, paths, words or kinds, so it can never match",
            "add one of them, or take the rule out",
        ));
        return;
    }
    let values = KEYS.into_iter().filter_map(|key| table.value(key));
    for value in values.filter(Value::is_empty_list) {
        value.complain(Complaint::new(
            "names nothing",
            "name one, or take the key out",
        ));
    }
}

/// Evidence, and `policy diff`, tell rules by their names.
fn refuse_one_name_twice<'d, 'a: 'd>(drafts: impl Iterator<Item = &'d Draft<'a>>) {
    let mut first_lines: BTreeMap<String, usize> = BTreeMap::new();
    for (name, value) in drafts.filter_map(|draft| draft.name.as_ref()) {
        match first_lines.get(&name.to_lowercase()) {
            Some(line) => {
                let what = format!("{} is the name of the rule in line {line} too", quote(name));
                value.complain(Complaint::new(what, "give each a name of its own"));
            }
            None => {
                first_lines.insert(name.to_lowercase(), value.line());
            }
        }
    }
}

/// The first rule would always be the one that is cited.
fn warn_of_one_host_twice(drafts: &[Draft]) {
    let hosts: Vec<_> = drafts
        .iter()
        .flat_map(|draft| draft.hosts.iter().map(move |host| (draft, host)))
        .collect();
    for (index, (draft, (host, value))) in hosts.iter().enumerate() {
        let is_same = |(other, (known, _)): &&(&Draft, &(HostPattern, Value))| {
            known == host && overlap(&other.paths, &draft.paths)
        };
        if let Some((_, (_, first))) = hosts.iter().take(index).find(is_same) {
            let what = format!("{} stands in line {} already", shown(host), first.line());
            value.warn(Gravity::Warning, Complaint::new(what, "keep one of them"));
        }
    }
}

/// The same place, application or kind cannot be both. A rule on what is found or done excludes no
/// place: it says at which places that is out of scope.
fn refuse_both_in_and_out(inside: &[Draft], outside: &[Draft]) {
    for out in outside {
        for (kind, value) in &out.testing {
            let same = inside.iter().find_map(|rule| place_of(&rule.testing, kind));
            refuse_contradiction(&quote(kind.as_str()), value, same);
        }
        if out.testing.iter().any(|(kind, _)| !kind.is_place()) {
            continue;
        }
        for (host, value) in &out.hosts {
            let contradicts = |rule: &&Draft| overlap(&rule.paths, &out.paths);
            let same = inside
                .iter()
                .filter(contradicts)
                .find_map(|rule| place_of(&rule.hosts, host));
            refuse_contradiction(&shown(host), value, same);
        }
        for (path, value) in out.paths.iter().filter(|_| out.hosts.is_empty()) {
            let everywhere = |rule: &&Draft| rule.hosts.is_empty();
            let same = inside
                .iter()
                .filter(everywhere)
                .find_map(|rule| place_of(&rule.paths, path));
            refuse_contradiction(&quote(path), value, same);
        }
        for (word, value) in &out.words {
            let lower = word.to_lowercase();
            let same = inside.iter().flat_map(|rule| &rule.words);
            let same = same.filter(|(known, _)| known.to_lowercase() == lower);
            refuse_contradiction(
                &quote(word),
                value,
                same.map(|(_, value)| value.line()).next(),
            );
        }
    }
}

fn refuse_contradiction(entry: &str, value: &Value, inside: Option<usize>) {
    if let Some(line) = inside {
        let what = format!("{entry} is in scope by line {line}, and out of it here");
        value.complain(Complaint::new(what, "keep one of the two"));
    }
}

/// The line at which an entry stands.
fn place_of<T: PartialEq>(entries: &[(T, Value)], wanted: &T) -> Option<usize> {
    let found = entries.iter().find(|(entry, _)| entry == wanted);
    found.map(|(_, value)| value.line())
}

/// Do two rules for one host speak of the same paths? All of them, or one that both name.
fn overlap(some: &[(String, Value)], others: &[(String, Value)]) -> bool {
    let is_among = |(path, _): &(String, Value)| others.iter().any(|(other, _)| other == path);
    some.is_empty() && others.is_empty() || some.iter().any(is_among)
}

fn shown(host: &HostPattern) -> String {
    let star = if host.subdomains { "*." } else { "" };
    quote(&format!("{star}{}", host.domain))
}
