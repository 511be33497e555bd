//! `triaged policy diff`: each change of a policy file in words, on the real binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const CLOUDARQ: &str = include_str!("../docs/policies/cloudarq.toml");
const CHANGELOG: &str = include_str!("../docs/policies/cloudarq-changelog.md");

fn folder(old: &str, new: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [
        ("old.toml", old),
        ("new.toml", new),
        ("cloudarq-changelog.md", CHANGELOG),
    ] {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn diff(folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_triaged"))
        .args(["policy", "diff", "old.toml", "new.toml"])
        .args(more)
        .current_dir(folder)
        .output()
        .expect("triaged runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// In Cloudarq's policy, under a new version, `old` becomes `new`: exactly this is said.
#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    assert_eq!(
        CLOUDARQ.matches(old).count(),
        1,
        "{old:?} is not there once"
    );
    let changed = CLOUDARQ
        .replace(old, new)
        .replace("version = \"2026-05-01\"", "version = \"2\"");
    let folder = folder(CLOUDARQ, &changed);
    let output = diff(folder.path(), &[]);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(
        text(&output.stdout),
        format!("version: 2026-05-01 -> 2\n{expected}\n")
    );
    assert!(output.status.success());
}

#[test]
fn dates() {
    check(
        "triage = \"7 days\"",
        "triage = \"5 business days\"",
        "triage: 7 days -> 5 business days",
    );
    check(
        "acknowledge = \"48 business hours\"",
        "acknowledge = \"none\"",
        "acknowledge: 48 business hours -> none",
    );
    check(
        "acknowledged_by = \"reply\"",
        "acknowledged_by = \"person\"",
        "acknowledged_by: reply -> person",
    );
    check("update = \"14 days\"", "", "update: 14 days -> none");
    check(
        "critical = \"30 days\"",
        "critical = \"2 weeks\"",
        "remediate.critical: 30 days -> 14 days",
    );
    check(
        "high = \"90 days\"",
        "high = { words = \"soon\", enforced = \"90 days\" }",
        "remediate.high.words.en: soon added",
    );
    check(
        "medium = \"180 days\"",
        "medium = \"100 days\"",
        "remediate.medium: 180 days -> 100 days",
    );
    check(
        "low = { words = \"best-effort, no committed deadline\", enforced = \"none\" }",
        "low = \"365 days\"",
        "remediate.low: none -> 365 days\nremediate.low.words.en: best-effort, no committed deadline removed",
    );
    check(
        "after_fix = \"none\"",
        "after_fix = \"90 days\"",
        "disclose.after_fix: none -> 90 days",
    );
    check(
        "early_warning = \"24 hours\"",
        "early_warning = \"12 hours\"",
        "exploited.early_warning: 24 hours -> 12 hours",
    );
    check(
        "notification = \"72 hours\"",
        "notification = \"48 hours\"",
        "exploited.notification: 72 hours -> 48 hours",
    );
    check(
        "final_report = \"14 days after fix\"",
        "final_report = \"7 days after fix\"",
        "exploited.final_report: 14 days -> 7 days",
    );
    check(
        "heads_up = \"7 days\"",
        "heads_up = \"3 days\"",
        "disclosure.heads_up: 7 days -> 3 days",
    );
}

#[test]
fn the_calendar() {
    check(
        "time_zone = \"Europe/Berlin\"",
        "time_zone = \"Europe/Vienna\"",
        "time_zone: Europe/Berlin -> Europe/Vienna",
    );
    check(
        "\"thu\", \"fri\"]",
        "\"thu\"]",
        "working_days: mon, tue, wed, thu, fri -> mon, tue, wed, thu",
    );
    check(
        "[\"2026-12-25\", \"2027-01-01\"]",
        "[\"2026-06-08\", \"2026-12-25\"]",
        "holidays: 8 Jun 2026 added\nholidays: 1 Jan 2027 removed",
    );
    let many: Vec<String> = (1..=13)
        .map(|day| format!("\"2026-06-{day:02}\""))
        .collect();
    check(
        "[\"2026-12-25\", \"2027-01-01\"]",
        &format!("[\"2026-12-25\", \"2027-01-01\", {}]", many.join(", ")),
        "holidays: 13 days from 1 Jun 2026 to 13 Jun 2026 added",
    );
    check(
        "quiet_hours = \"20:00-07:00\"",
        "quiet_hours = \"none\"",
        "quiet_hours: 20:00-07:00 -> none",
    );
}

#[test]
fn rules() {
    check(
        "[[scope.out]]\nname = \"social engineering\"",
        "[[scope.out]]\nname = \"rate limits\"\nkinds = [\"rate_limit\"]\nwords = [\"429\"]\nsentence = \"Rate limits.\"\n\n[[scope.out]]\nname = \"social engineering\"",
        "scope.out: new rule \"rate limits\"\n    words: 429\n    kinds: rate_limit\n    Rate limits.",
    );
    check(
        "[[scope.out]]\nname = \"social engineering\"\nkinds = [\"social_engineering\"]\nsentence = \"Social-engineering attempts against CloudArq employees or contractors.\"",
        "",
        "scope.out: the rule \"social engineering\" is gone",
    );
    check(
        "name = \"implants\"\nkinds = [\"persistent_implant\"]",
        "name = \"implants\"\nkinds = [\"pivoting\"]",
        "conduct.kinds of \"implants\": pivoting added\nconduct.kinds of \"implants\": persistent_implant removed",
    );
    check(
        "name = \"domain and subdomains\"\nhosts = [\"cloudarq.example\", \"*.cloudarq.example\"]",
        "name = \"domain and subdomains\"\nhosts = [\"cloudarq.example\", \"shop.example\"]",
        "scope.in.hosts of \"domain and subdomains\": shop.example added\nscope.in.hosts of \"domain and subdomains\": *.cloudarq.example removed",
    );
    check(
        "paths = [\"/api/v1/\"]",
        "paths = [\"/api/v1/\", \"/api/v2/\"]",
        "scope.in.paths of \"REST API\": /api/v2/ added",
    );
    check(
        "unless_proven = true",
        "",
        "scope.out.unless_proven of \"raw scanner output\": true -> false",
    );
    check(
        "turn_to = \"abuse@cloudarq.example\"",
        "turn_to = \"noc@cloudarq.example\"",
        "scope.out.turn_to.en of \"spam, phishing, content\": abuse@cloudarq.example -> noc@cloudarq.example",
    );
}

#[test]
fn sentences() {
    check(
        "sentence = \"Don't deploy persistent backdoors, malware, or implants — even as a PoC.\"",
        "sentence = { en = \"Don't deploy implants.\", de = \"Keine Implantate.\" }",
        "conduct.sentence.de of \"implants\": Keine Implantate. added\nconduct.sentence.en of \"implants\":\n    was: Don't deploy persistent backdoors, malware, or implants — even as a PoC.\n    is:  Don't deploy implants.",
    );
    check(
        "impact = \"Your impact assessment — what an attacker could do with it.\"",
        "",
        "report.sentences.impact.en: Your impact assessment — what an attacker could do with it. removed",
    );
    check(
        "asks = [\"summary\", \"steps\", \"impact\", \"captures\", \"remediation\"]",
        "asks = [\"steps\", \"summary\", \"impact\", \"captures\", \"remediation\"]",
        "report.asks: in another order, of which the first counts first",
    );
    check(
        "page = \"https://cloudarq.example/changelog\"\ntoken",
        "page = \"our changelog\"\ntoken",
        "recognition.page: https://cloudarq.example/changelog -> our changelog",
    );
    check(
        "address = \"abuse@cloudarq.example\"",
        "",
        "requests.abuse.address: abuse@cloudarq.example removed",
    );
    check(
        "[requests]                             # section 6",
        "[status]\ntells = [\"status\"]\n[requests]",
        "status.tells: status, severity, dates -> status",
    );
    check(
        "[requests]                             # section 6",
        "[replies]\nencrypt = \"received\"\n[requests]",
        "replies.encrypt: known -> received",
    );
    check(
        "url = \"https://cloudarq.example/security/disclosure\"\n",
        "url = \"https://cloudarq.example/policy\"\n",
        "url: https://cloudarq.example/security/disclosure -> https://cloudarq.example/policy",
    );
}

#[test]
fn known_issues() {
    check(
        "known_issues_file = \"cloudarq-changelog.md\"\n",
        "",
        "known_issues: the issue \"2026-04-20: Security\" is gone\nknown_issues: the issue \"2026-04-20: Security\" is gone",
    );
    check(
        "[recognition] ",
        "[[known_issues]]\nname = \"TLS 1.0\"\nhosts = [\"legacy.cloudarq.example\"]\n[recognition] ",
        "known_issues: new issue \"TLS 1.0\"\n    hosts: legacy.cloudarq.example",
    );
}

#[test]
fn nothing_changed_is_said_plainly() {
    let folder = folder(CLOUDARQ, &format!("# other words of mine\n{CLOUDARQ}"));
    let output = diff(folder.path(), &[]);
    assert_eq!(
        text(&output.stdout),
        "nothing changes: both promise the same\n"
    );
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
    assert_eq!(text(&diff(folder.path(), &["--json"]).stdout), "[]\n");
}

#[test]
fn the_same_version_is_a_warning() {
    let folder = folder(
        CLOUDARQ,
        &CLOUDARQ.replace("triage = \"7 days\"", "triage = \"8 days\""),
    );
    let output = diff(folder.path(), &[]);
    assert_eq!(text(&output.stdout), "triage: 7 days -> 8 days\n");
    assert_eq!(
        text(&output.stderr),
        "warning: both are version \"2026-05-01\"; give the new one a version of its own, as each case remembers which one it was promised by\n"
    );
}

#[test]
fn json_has_stable_names() {
    let changed = CLOUDARQ
        .replace("triage = \"7 days\"", "triage = \"8 days\"")
        .replace("paths = [\"/api/v1/\"]\n", "");
    let folder = folder(CLOUDARQ, &changed);
    let output = diff(folder.path(), &["--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let expected = serde_json::json!([
        {"key": "deadlines.triage", "entry": null, "change": "changed", "old": "7 days", "new": "8 days", "words": "triage: 7 days -> 8 days"},
        {"key": "scope.in.paths", "entry": "REST API", "change": "removed", "old": "/api/v1/", "new": null, "words": "scope.in.paths of \"REST API\": /api/v1/ removed"},
    ]);
    assert_eq!(found, expected);
}

#[test]
fn a_bad_file_is_told_with_its_mistakes() {
    let folder = folder(
        CLOUDARQ,
        &CLOUDARQ.replace("triage = \"7 days\"", "triage = \"7 dais\""),
    );
    fs::remove_file(folder.path().join("old.toml")).expect("removed");
    let output = diff(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        text(&output.stderr),
        "old.toml: cannot be read (No such file or directory (os error 2)); check the path and who may read it\n\
         new.toml:23: deadlines.triage: \"7 dais\" is not a duration; write \"7 days\"\n"
    );
}
