//! From `policy.toml` to a checked [`Policy`], or to the list of every mistake.
//!
//! A file for each part, in the order of `docs/policy.md`. What contradicts
//! itself is refused; what works and is likely a slip of the pen is a warning.

use std::path::Path;

use super::document::{Complaint, Document, Table, read_text};
use super::mistake::{Gravity, Mistake, quote};
use super::units;
use crate::mail::message::Digest;
use crate::triage::policy::{Policy, Span, Terms};

mod calendar;
mod changelog;
mod deadlines;
mod known;
mod places;
mod rules;
mod sentences;
mod terms;

use sentences::Sentences;

/// Reads the policy. There is none where one of the mistakes is an
/// [error](Gravity::Error).
pub fn read(path: &Path) -> (Option<Policy>, Vec<Mistake>) {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(mistake) => return (None, vec![mistake]),
    };
    let (policy, mistakes) = Document::parse(path, &text).read(|root| policy(root, &text));
    let is_refused = mistakes.iter().any(|one| one.gravity == Gravity::Error);
    (Some(policy).filter(|_| !is_refused), mistakes)
}

fn policy(root: &Table, text: &str) -> Policy {
    let calendar = calendar::calendar(root);
    let sentences = Sentences::of(root);
    let deadlines = deadlines::deadlines(root, &calendar, &sentences);
    let policy = Policy {
        version: version(root).unwrap_or_else(|| version_of(text)),
        quiet_hours: calendar::quiet_hours(root),
        url: root.optional("url", url),
        terms: terms(root, &sentences, |heads_up| {
            deadlines::longer_than_disclosure(heads_up, &deadlines, &calendar)
        }),
        calendar,
        deadlines,
    };
    if !root.has_errors() {
        sentences.warn_of_lone_languages();
    }
    policy
}

/// Everything but dates. `refuse` knows what is wrong with a span of heads-up.
fn terms<'a>(
    root: &Table<'a>,
    sentences: &Sentences<'a>,
    refuse: impl Fn(Span) -> Option<Complaint>,
) -> Terms {
    let (scope, conduct) = rules::scope_and_conduct(root, sentences);
    let (report, accidental_access) = terms::report(root, sentences);
    Terms {
        language: sentences.own.clone(),
        known_issues: known::known_issues(root, &scope),
        known_issues_sentence: sentences.optional(root, "known_issues_sentence"),
        scope,
        conduct,
        report,
        accidental_access,
        safe_harbour: terms::safe_harbour(root, sentences),
        recognition: terms::recognition(root, sentences),
        disclosure: terms::disclosure(root, sentences, refuse),
        requests: terms::requests(root, sentences),
        status: terms::status(root),
        replies: terms::replies(root),
    }
}

fn version(root: &Table) -> Option<String> {
    let value = root.value("version")?;
    let version = value.date_text()?;
    units::line(&version)
        .map_err(|complaint| value.complain(complaint))
        .ok()
}

/// Stands in for a version that nobody wrote: other words, another version.
fn version_of(text: &str) -> String {
    Digest::of(text.as_bytes())
        .to_string()
        .chars()
        .take(12)
        .collect()
}

/// The address of a page.
fn url(text: &str) -> Result<String, Complaint> {
    let url = units::line(text)?;
    if is_https(&url) {
        return Ok(url);
    }
    let bare = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let meant = format!("https://{bare}");
    let is_likely = bare.contains('.') && is_https(&meant);
    let what = format!("{} is not an https address", quote(text));
    let mend = match is_likely {
        true => format!("write {}", quote(&meant)),
        false => "write it like \"https://example.com/security/policy\"".to_owned(),
    };
    Err(Complaint::new(what, mend))
}

fn is_https(url: &str) -> bool {
    let host = url.strip_prefix("https://").unwrap_or_default();
    !host.is_empty() && !host.starts_with('/') && !url.contains([' ', '<', '>', '"'])
}
