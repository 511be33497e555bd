//! The rules over real reports and tools' outputs: how often they find what they should not.
//!
//! What is found was looked at by hand; docs/measurements.md says what came of it.

#[path = "../corpus/mod.rs"]
mod sets;

use std::collections::BTreeMap;
use std::path::Path;

use triaged::triage::extract::extract;
use triaged::triage::rules::{self, Findings};

use crate::policies;
use crate::support::{File, open, plain, with_files};

/// Mails by what was found in them.
#[derive(Default)]
struct Finds {
    mails: usize,
    by_finding: BTreeMap<String, usize>,
}

impl Finds {
    fn add(&mut self, name: &str, found: &Findings) {
        self.mails += 1;
        let terms = policies::named("cloudarq");
        let mut what: Vec<String> = found
            .sensitive
            .iter()
            .map(|found| found.kind.as_str().to_owned())
            .collect();
        what.extend(
            found
                .accidental_access
                .iter()
                .map(|_| "accidental_access".to_owned()),
        );
        what.extend(
            found
                .outside
                .iter()
                .map(|it| format!("out: {}", terms.scope.outside[it.rule].name)),
        );
        what.extend(
            found
                .conduct
                .iter()
                .map(|it| format!("conduct: {}", terms.conduct[it.rule].name)),
        );
        what.extend(found.known.iter().map(|_| "known_issue".to_owned()));
        what.sort();
        what.dedup();
        for what in what {
            *self.by_finding.entry(what).or_default() += 1;
        }
        if std::env::var_os("TRIAGED_SHOW").is_some() {
            for found in &found.sensitive {
                println!("{name}: {} at {}", found.kind.as_str(), found.place);
            }
            let because = found
                .outside
                .iter()
                .chain(&found.conduct)
                .map(|it| &it.because);
            for because in because.chain(&found.accidental_access) {
                println!("{name}: {because}");
            }
        }
    }

    fn print(&self, set: &str) {
        println!("{set}: {} mails", self.mails);
        for (what, count) in &self.by_finding {
            println!("  {what}: {count}");
        }
    }

    #[track_caller]
    fn at_most(&self, what: &str, bound: usize) {
        let found = self.by_finding.get(what).copied().unwrap_or(0);
        assert!(found <= bound, "{what}: {found} of {}", self.mails);
    }
}

fn judged(message: &triaged::mail::message::Message) -> Findings {
    rules::find(message, &extract(message), &policies::named("cloudarq"))
}

fn rows(set: &Path) -> Vec<(String, Vec<u8>)> {
    sets::expectations(set)
        .iter()
        .map(|row| row["file"].as_str().unwrap().to_owned())
        .filter_map(|name| Some((name.clone(), std::fs::read(set.join(&name)).ok()?)))
        .collect()
}

#[test]
fn real_reports() {
    let Some(corpus) = sets::corpus() else { return };
    for (set, bounds) in [
        ("report-kernelctf", REPORT_BOUNDS),
        ("report-bugcrowd-templates", TEMPLATE_BOUNDS),
    ] {
        let mut finds = Finds::default();
        for (name, bytes) in rows(&corpus.join(set)) {
            let text = String::from_utf8_lossy(&bytes);
            finds.add(&name, &judged(&plain("Report", &text)));
        }
        finds.print(set);
        for (what, bound) in bounds {
            finds.at_most(what, *bound);
        }
    }
}

/// As many as were found and looked at.
const REPORT_BOUNDS: &[(&str, usize)] = NOTHING;
const TEMPLATE_BOUNDS: &[(&str, usize)] = NOTHING;
const OUTPUT_BOUNDS: &[(&str, usize)] = &[
    ("card_number", 0),
    ("iban", 0),
    ("address_list", 0),
    // A key of Mailchimp's shape and hashes of passwords, in the output of tools that look for them.
    ("api_key", 1),
    ("password", 1),
    ("jwt", 0),
    ("private_key", 0),
    ("accidental_access", 0),
];
const MAIL_BOUNDS: &[(&str, usize)] = NOTHING;
const NOTHING: &[(&str, usize)] = &[
    ("card_number", 0),
    ("iban", 0),
    ("address_list", 0),
    ("api_key", 0),
    ("password", 0),
    ("jwt", 0),
    ("private_key", 0),
    ("accidental_access", 0),
    ("conduct: other people's data", 0),
];

#[test]
fn outputs_of_tools() {
    let Some(corpus) = sets::corpus() else { return };
    let mut finds = Finds::default();
    for (name, bytes) in rows(&corpus.join("report-scanner-output")) {
        let file = File {
            name: name.rsplit('/').next().unwrap().replace('"', ""),
            media_type: "application/octet-stream".to_owned(),
            bytes,
        };
        let mail = open(with_files("Scan", "text/plain", "See the file.", vec![file]).as_bytes());
        finds.add(&name, &judged(&mail));
    }
    finds.print("report-scanner-output");
    for (what, bound) in OUTPUT_BOUNDS {
        finds.at_most(what, *bound);
    }
}

/// Mails of every kind, few of them reports: hardly a rule should speak.
#[test]
fn mails_of_every_kind() {
    let Some(corpus) = sets::corpus() else { return };
    let mut finds = Finds::default();
    let prefixes = ["mime-", "spam-ham", "reply-quotes", "loop-mixed"];
    for set in prefixes
        .iter()
        .flat_map(|prefix| sets::sets(&corpus, prefix))
    {
        for folder in ["mail", "text"] {
            for path in sets::files(&set.join(folder)) {
                let bytes = std::fs::read(&path).unwrap();
                let name = format!("{}/{}", sets::name_of(&set), sets::name_of(&path));
                finds.add(&name, &judged(&open(&bytes)));
            }
        }
    }
    finds.print("mails of every kind");
    for (what, bound) in MAIL_BOUNDS {
        finds.at_most(what, *bound);
    }
}
