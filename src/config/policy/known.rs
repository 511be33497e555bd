//! `[[known_issues]]` and `known_issues_file`: what is public already.

use std::collections::BTreeMap;

use super::{changelog, places, url};
use crate::config::document::{Complaint, Table, Value, read_text};
use crate::config::mistake::{Gravity, Mistake, quote};
use crate::config::units;
use crate::triage::policy::{KnownIssue, Scope};

pub fn known_issues(root: &Table, scope: &Scope) -> Vec<KnownIssue> {
    let sections = root.value("known_issues").map(|value| value.list());
    let mut names = BTreeMap::new();
    let mut issues: Vec<KnownIssue> = sections
        .unwrap_or_default()
        .iter()
        .filter_map(|section| section.section(|table| known_issue(table, &mut names)))
        .collect();
    if let Some(value) = root.value("known_issues_file") {
        issues.extend(of_file(&value, scope));
    }
    issues
}

/// `names` maps those of the entries above to their lines.
fn known_issue(table: &Table, names: &mut BTreeMap<String, usize>) -> KnownIssue {
    let mend = "write name = \"…\", as evidence and answers are to name the issue";
    let name = table.required_value("name", mend);
    if let Some(value) = &name {
        refuse_name_twice(value, names);
    }
    let issue = KnownIssue {
        name: name
            .and_then(|value| value.parse(units::line))
            .unwrap_or_default(),
        cve: table.list("cve", places::cve).unwrap_or_default(),
        hosts: places::joined(table.list("hosts", places::host).unwrap_or_default()),
        paths: table.list("paths", places::path).unwrap_or_default(),
        words: table.list("words", places::word).unwrap_or_default(),
        url: table.optional("url", url),
    };
    let says_something = |key: &'static str| {
        let value = table.value(key);
        value.is_some_and(|value| !value.is_empty_list())
    };
    if !["cve", "hosts", "paths", "words"]
        .into_iter()
        .any(says_something)
    {
        table.complain(Complaint::new(
            "names no cve, hosts, paths or words, so no report can match it",
            "add one of them, or take the entry out",
        ));
    }
    issue
}

fn refuse_name_twice(value: &Value, names: &mut BTreeMap<String, usize>) {
    let Some(name) = value.text() else { return };
    if let Some(line) = names.get(name) {
        let what = format!(
            "{} is the name of the issue in line {line} too",
            quote(name)
        );
        value.complain(Complaint::new(what, "give each a name of its own"));
    }
    names.entry(name.to_owned()).or_insert(value.line());
}

fn of_file(value: &Value, scope: &Scope) -> Vec<KnownIssue> {
    let Some(file) = value.path() else {
        return Vec::new();
    };
    let text = match read_text(&file) {
        Ok(text) => text,
        Err(mistake) => {
            value.complain_of_file([mistake]);
            return Vec::new();
        }
    };
    let found = changelog::known_issues(&text, scope);
    if found.left_out > 0 {
        let what = format!("has {} entries more than are read", found.left_out);
        let mend = "cut off the oldest, at the end of the file";
        value.complain_of_file([warning(&file, what, mend)]);
    }
    if found.issues.is_empty() {
        let what = "names no CVE number, host, path or quoted word under a heading".to_owned();
        let mend = "name a changelog with headings, or list [[known_issues]]";
        value.complain_of_file([warning(&file, what, mend)]);
    }
    found.issues
}

fn warning(file: &std::path::Path, what: String, mend: &str) -> Mistake {
    Mistake {
        gravity: Gravity::Warning,
        ..Mistake::of_file(file, what, mend)
    }
}
