//! Precision and recall over mails of our own making, by finding.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use triaged::config::Organization;
use triaged::mail::message::Message;
use triaged::mailbox::Lane;
use triaged::triage::classify::classify;
use triaged::triage::extract::extract;
use triaged::triage::policy::{Rule, Terms};
use triaged::triage::rules::{self, Findings, Matched, SensitiveKind};

use crate::policies;
use crate::support::{File, filled, labelled, mail, use_built_program};

/// Found and right, found and wrong, not found.
#[derive(Default, Clone, Copy)]
struct Rate {
    right: usize,
    wrong: usize,
    lacking: usize,
}

impl Rate {
    fn precision(self) -> f64 {
        percent(self.right, self.right + self.wrong)
    }

    fn recall(self) -> f64 {
        percent(self.right, self.right + self.lacking)
    }
}

fn percent(part: usize, all: usize) -> f64 {
    if all == 0 {
        100.0
    } else {
        100.0 * part as f64 / all as f64
    }
}

type Rates = BTreeMap<String, Rate>;

/// The sets that the rules were tuned with.
const TUNED: &[&str] = &["scope", "conduct", "data", "parts", "known", "forms"];

#[test]
fn labelled_mails_that_the_rules_were_tuned_with() {
    let mails: Vec<Value> = TUNED.iter().flat_map(|set| labelled(set)).collect();
    assert!(mails.len() >= 150, "{} mails", mails.len());
    let rates = measured(&mails);
    print("tuned", mails.len(), &rates);
    for (what, precision, recall) in FLOORS_TUNED {
        holds(&rates, what, *precision, *recall);
    }
}

#[test]
fn labelled_mails_that_nothing_was_tuned_with() {
    let mails = labelled("unseen");
    assert!(mails.len() >= 50, "{} mails", mails.len());
    let rates = measured(&mails);
    print("unseen", mails.len(), &rates);
    for (what, precision, recall) in FLOORS_UNSEEN {
        holds(&rates, what, *precision, *recall);
    }
}

/// Mails as researchers write them: what they lack, their kind and labels.
#[test]
fn labelled_mails_in_the_manner_of_researchers() {
    let at_least = [("manner", 30), ("manner-unseen", 30)];
    for (set, least) in at_least {
        let mails = labelled(set);
        assert!(mails.len() >= least, "{set}: {} mails", mails.len());
        let rates = judged(&mails);
        print(set, mails.len(), &rates);
        for (what, precision, recall) in FLOORS_MANNER {
            holds(&rates, what, *precision, *recall);
        }
    }
}

/// A little under what was measured: percent of precision and of recall.
const FLOORS_TUNED: &[(&str, f64, f64)] = &[
    ("scope out", 97.0, 97.0),
    ("scope in", 98.0, 98.0),
    ("conduct", 95.0, 95.0),
    ("known_issue", 100.0, 100.0),
    ("customer_data", 100.0, 100.0),
    ("credentials", 100.0, 95.0),
    ("accidental_access", 100.0, 92.0),
    ("missing summary", 100.0, 100.0),
    ("missing steps", 55.0, 60.0),
    ("missing impact", 70.0, 80.0),
    ("missing captures", 97.0, 97.0),
    ("missing remediation", 95.0, 95.0),
];
const FLOORS_UNSEEN: &[(&str, f64, f64)] = &[
    ("scope out", 90.0, 90.0),
    ("scope in", 95.0, 95.0),
    ("conduct", 100.0, 83.0),
    ("known_issue", 100.0, 100.0),
    ("customer_data", 100.0, 100.0),
    ("credentials", 100.0, 80.0),
    ("accidental_access", 100.0, 75.0),
    ("missing summary", 100.0, 100.0),
    ("missing steps", 60.0, 50.0),
    ("missing impact", 40.0, 100.0),
    ("missing captures", 100.0, 100.0),
    ("missing remediation", 80.0, 100.0),
];

const FLOORS_MANNER: &[(&str, f64, f64)] = &[
    ("accidental_access", 100.0, 100.0),
    ("kind", 96.0, 96.0),
    ("labels", 100.0, 100.0),
    ("missing steps", 80.0, 60.0),
    ("missing impact", 75.0, 100.0),
    ("missing captures", 95.0, 90.0),
    ("missing remediation", 95.0, 95.0),
];

#[track_caller]
fn holds(rates: &Rates, what: &str, precision: f64, recall: f64) {
    let rate = rates[what];
    assert!(
        rate.precision() >= precision && rate.recall() >= recall,
        "{what}: precision {:.0} %, recall {:.0} %",
        rate.precision(),
        rate.recall()
    );
}

fn print(name: &str, mails: usize, rates: &Rates) {
    println!("{name}: {mails} mails");
    for (what, rate) in rates {
        println!(
            "{what:24} precision {:5.1} %  recall {:5.1} %  ({} right, {} wrong, {} lacking)",
            rate.precision(),
            rate.recall(),
            rate.right,
            rate.wrong,
            rate.lacking
        );
    }
}

/// The labels of kinds of mail that the sets name.
const LABELS: &[&str] = &[
    "active_exploitation",
    "beg_bounty",
    "coordinator",
    "scanner_output",
];

fn judged(mails: &[Value]) -> Rates {
    use_built_program();
    let terms = policies::named("cloudarq");
    let organization = Organization {
        name: "CloudArq".into(),
        address: "security@cloudarq.example".into(),
        aliases: Vec::new(),
        authserv_ids: Vec::new(),
        list_ids: Vec::new(),
    };
    let mut rates = Rates::new();
    for labelled in mails {
        let message = message(labelled);
        let found = rules::find(&message, &extract(&message), &terms);
        let classified = classify(&message, &organization, Lane::Inbox);
        let mut compare = comparison(labelled, &mut rates);
        compare(
            "accidental_access",
            flag(found.accidental_access.is_some()),
            flag(labelled["accident"] == true),
        );
        if let Some(kind) = labelled["kind"].as_str() {
            let found = classified.kind_hint.as_str().to_owned();
            compare("kind", [found].into(), [kind.to_owned()].into());
        }
        let labels = classified.labels.iter().map(|label| label.name);
        let labels = labels.filter(|name| LABELS.contains(name));
        compare(
            "labels",
            labels.map(str::to_owned).collect(),
            list(&labelled["labels"]),
        );
        compare_missing(labelled, &found, &terms, &mut compare);
    }
    rates
}

fn measured(mails: &[Value]) -> Rates {
    use_built_program();
    let mut rates = Rates::new();
    for labelled in mails {
        let terms = policies::named(labelled["policy"].as_str().unwrap_or("cloudarq"));
        let found = found(labelled, &terms);
        let mut compare = comparison(labelled, &mut rates);
        compare(
            "scope out",
            names(&found.outside, &terms.scope.outside),
            list(&labelled["out"]),
        );
        compare(
            "scope in",
            flag(!found.inside.is_empty()),
            flag(labelled["in"] == true),
        );
        compare(
            "conduct",
            names(&found.conduct, &terms.conduct),
            list(&labelled["conduct"]),
        );
        let known = found
            .known
            .iter()
            .map(|it| terms.known_issues[it.rule].name.clone());
        compare("known_issue", known.collect(), list(&labelled["known"]));
        compare(
            "customer_data",
            kinds(&found, false),
            list(&labelled["data"]),
        );
        compare("credentials", kinds(&found, true), list(&labelled["creds"]));
        compare(
            "accidental_access",
            flag(found.accidental_access.is_some()),
            flag(labelled["accident"] == true),
        );
        compare_missing(labelled, &found, &terms, &mut compare);
    }
    rates
}

/// Counts what was found against what a mail's labels expect.
fn comparison<'r>(
    labelled: &'r Value,
    rates: &'r mut Rates,
) -> impl FnMut(&str, BTreeSet<String>, BTreeSet<String>) + 'r {
    let name = labelled["name"].as_str().unwrap();
    move |what, found, expected| {
        let rate = rates.entry(what.to_owned()).or_default();
        rate.right += found.intersection(&expected).count();
        rate.wrong += found.difference(&expected).count();
        rate.lacking += expected.difference(&found).count();
        if found != expected && std::env::var_os("TRIAGED_SHOW").is_some() {
            println!("{name}: {what}: found {found:?}, expected {expected:?}");
        }
    }
}

fn compare_missing(
    labelled: &Value,
    found: &Findings,
    terms: &Terms,
    compare: &mut impl FnMut(&str, BTreeSet<String>, BTreeSet<String>),
) {
    if let Some(lacks) = labelled["lacks"].as_str() {
        let asked = ["summary", "steps", "impact", "captures", "remediation"];
        let asked = asked.iter().filter(|part| {
            terms.report.asks.is_empty() && !["captures", "remediation"].contains(part)
                || terms
                    .report
                    .asks
                    .iter()
                    .any(|(asks, _)| asks.as_str() == **part)
        });
        for part in asked {
            let found = found
                .missing
                .iter()
                .any(|missing| missing.as_str() == *part);
            let expected = lacks.split(' ').any(|lacking| lacking == *part);
            compare(&format!("missing {part}"), flag(found), flag(expected));
        }
    }
}

fn found(labelled: &Value, terms: &Terms) -> Findings {
    let message = message(labelled);
    rules::find(&message, &extract(&message), terms)
}

fn message(labelled: &Value) -> Message {
    let files = labelled["attachments"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|file| File {
            name: file["name"].as_str().unwrap().to_owned(),
            media_type: file["type"].as_str().unwrap().to_owned(),
            bytes: filled(file["text"].as_str().unwrap()).into_bytes(),
        });
    mail(
        labelled["form"].as_str().unwrap_or("plain"),
        labelled["subject"].as_str().unwrap(),
        &filled(labelled["text"].as_str().unwrap()),
        files.collect(),
    )
}

fn names(found: &[Matched], rules: &[Rule]) -> BTreeSet<String> {
    found
        .iter()
        .map(|found| rules[found.rule].name.clone())
        .collect()
}

fn kinds(found: &Findings, credential: bool) -> BTreeSet<String> {
    let of_kind = |kind: &SensitiveKind| kind.is_credential() == credential;
    let kinds = found
        .sensitive
        .iter()
        .map(|found| found.kind)
        .filter(of_kind);
    kinds.map(|kind| kind.as_str().to_owned()).collect()
}

fn list(value: &Value) -> BTreeSet<String> {
    let words = value.as_array().into_iter().flatten();
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

fn flag(set: bool) -> BTreeSet<String> {
    set.then(|| "yes".to_owned()).into_iter().collect()
}
