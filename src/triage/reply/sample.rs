//! Shapes of facts that a text is tried with when it is loaded.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use super::facts::{CaseFacts, Cited, Facts, Promise, grouped};

/// From nothing, one of everything, and several, towards each other, two of the facts that a text
/// mentions at a time.
pub fn shapes(mentioned: &HashSet<String>) -> Vec<Map<String, Value>> {
    let ends = [sample(0), sample(1), sample(3)].map(as_map);
    let mentioned: Vec<&String> = mentioned.iter().collect();
    let mut seen = BTreeSet::new();
    let mut shapes = Vec::new();
    for start in &ends {
        for end in &ends {
            for one in &mentioned {
                for other in &mentioned {
                    let mut facts = start.clone();
                    take(&mut facts, end, one);
                    take(&mut facts, end, other);
                    if seen.insert(Value::from(facts.clone()).to_string()) {
                        shapes.push(facts);
                    }
                }
            }
        }
    }
    shapes.extend(ends);
    shapes
}

fn take(facts: &mut Map<String, Value>, from: &Map<String, Value>, name: &str) {
    if let Some(value) = from.get(name) {
        facts.insert(name.to_owned(), value.clone());
    }
}

fn as_map(facts: Facts) -> Map<String, Value> {
    match serde_json::to_value(facts) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Facts with lists of this length; with 0 nothing that a letter can do without.
pub fn sample(length: usize) -> Facts {
    const WHEN: &str = "Friday 1 May 2026, 12:00 CEST";
    let is_full = length > 0;
    let some = |text: &str| is_full.then(|| text.to_owned());
    let several = |text: &str| vec![text.to_owned(); length];
    let promises = |length| {
        let promise = Promise {
            what: "You hear our decision by".to_owned(),
            when: format!("{WHEN} (in 7 days)"),
        };
        vec![promise; length]
    };
    let cited = |number: usize| Cited {
        sentence: "A sentence of the policy.".to_owned(),
        url: (number % 2 == 1).then(|| "https://example.com/security".to_owned()),
        turn_to: number.is_multiple_of(2).then(|| "the vendor".to_owned()),
    };
    let all_cited = || (1..=length).map(cited).collect();
    let case = |number: usize| CaseFacts {
        number: format!("SEC-2026-{number:04}"),
        received: WHEN.to_owned(),
        digest: (number % 2 == 1).then(|| "0".repeat(64)),
        unreadable: number.is_multiple_of(2),
        // The last one promises nothing any more.
        promises: promises(length - number),
        status: (number % 2 == 1).then(|| "accepted".to_owned()),
        severity: (number % 3 == 1).then(|| "high".to_owned()),
    };
    Facts {
        organization: "Example Corp".to_owned(),
        address: "security@example.com".to_owned(),
        fingerprint: grouped(&"0".repeat(40)),
        policy_url: some("https://example.com/security"),
        security_txt: some("https://example.com/.well-known/security.txt"),
        case: some("SEC-2026-0001"),
        received: some(WHEN),
        digest: some(&"0".repeat(64)),
        promises: promises(length),
        key_attached: is_full,
        too_large: is_full,
        part_unread: is_full,
        asks_for_key: is_full,
        no_key_of_ours: is_full,
        unreadable: is_full,
        certificate_unusable: is_full,
        cases: (1..=length).map(case).collect(),
        missing: several("the steps that show it"),
        safe_harbour: is_full.then(|| cited(length)),
        inside: several("A sentence of the policy."),
        outside: all_cited(),
        conduct: several("A sentence of the policy."),
        known: all_cited(),
        known_sentence: some("A sentence of the policy."),
        sensitive: several("API keys"),
        no_real_data: some("A sentence of the policy."),
        accidental_access: some("A sentence of the policy."),
        saw_data: is_full,
        severity: some("high"),
        fix_by: some(WHEN),
        fix_words: some("A sentence of the policy."),
        reason: some("The team's words."),
        words: some("The team's words."),
        member: some("Alice"),
        on: some("Friday 1 May 2026"),
        disclose_by: some(WHEN),
        next_update: some(WHEN),
        asks_for_credit: is_full,
        credit: some("A. Researcher"),
        recognition: several("A sentence of the policy."),
        disclosure: some("A sentence of the policy."),
        page: some("https://example.com/changelog"),
        answers: several("A sentence of the policy."),
        turn_to: some("abuse@example.com"),
    }
}
