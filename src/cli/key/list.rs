//! `triaged key list`: all our keys, as a table or as JSON.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Ours, words};
use crate::cli::paint::{Paint, columns, paint, shown};
use crate::cli::say::{self, complain, say};
use crate::cli::{Outcome, Output, office};
use crate::config::Config;
use crate::expiry;
use crate::mail::pgp::{KeyInfo, KeyPart, KeyProblem};

pub fn run(config: Config, output: Output) -> Outcome {
    let ours = Ours::read(config)?;
    let keys = ours.keys();
    if output.json {
        let list: Vec<Value> = keys.iter().map(|key| ours.as_json(key)).collect();
        say!("{}", json!(list));
    } else {
        for (position, key) in keys.iter().enumerate() {
            if position > 0 {
                say!("");
            }
            say::text(&ours.page(key));
        }
        if keys.is_empty() {
            say!("no key of ours can be used; make one: triaged key generate");
        }
    }
    for problem in ours.elsewhere(&keys) {
        complain!("warning: {}", office::in_words(problem));
    }
    Ok(!keys.is_empty())
}

impl Ours {
    fn as_json(&self, key: &KeyInfo) -> Value {
        json!({
            "fingerprint": key.fingerprint,
            "user_ids": key.user_ids,
            "current": key.current,
            "retired": key.retired,
            "revoked": key.revoked,
            "origin": key.origin,
            "parts": key.parts,
            "problems": self.problems_of(key),
        })
    }

    fn problems_of(&self, key: &KeyInfo) -> Vec<&str> {
        let is_its = |it: &&KeyProblem| it.fingerprint.as_ref() == Some(&key.fingerprint);
        let of_key = self.problems.iter().filter(is_its);
        of_key.map(|problem| problem.what.as_str()).collect()
    }

    /// Of files that hold no key which can be used.
    fn elsewhere(&self, keys: &[KeyInfo]) -> impl Iterator<Item = &KeyProblem> {
        let listed: Vec<String> = keys.iter().map(|key| key.fingerprint.clone()).collect();
        self.problems.iter().filter(move |problem| {
            let of = problem.fingerprint.as_ref();
            of.is_none_or(|fingerprint| !listed.contains(fingerprint))
        })
    }

    /// One key: who, where, its parts, what is odd.
    fn page(&self, key: &KeyInfo) -> String {
        let mut page = format!("{}  {}\n", paint(&key.fingerprint, Paint::Bold), state(key));
        for user in &key.user_ids {
            page.push_str(&format!("  {}\n", shown(user, 70)));
        }
        page.push_str(&format!("  {}\n", paint(&key.origin, Paint::Dim)));
        let head = ["part", "for", "algorithm", "expires", "made"];
        let head = head.map(|name| paint(name, Paint::Dim)).to_vec();
        let parts = key.parts.iter().map(|part| row(key, part, self.now));
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(parts).collect();
        page.push_str(&columns(&rows));
        for problem in self.problems_of(key) {
            page.push_str(&format!("  {} {problem}\n", paint("!", Paint::Warn)));
        }
        page
    }
}

fn state(key: &KeyInfo) -> String {
    let mut words = Vec::new();
    if key.current {
        words.push(paint("current", Paint::Good));
    }
    if key.revoked {
        words.push(paint("revoked", Paint::Bad));
    }
    if key.retired {
        words.push(paint("retired", Paint::Warn));
    }
    if words.is_empty() {
        words.push(paint("decrypts", Paint::Dim));
    }
    words.join(", ")
}

fn row(key: &KeyInfo, part: &KeyPart, now: DateTime<Utc>) -> Vec<String> {
    vec![
        short(&part.fingerprint),
        match words::uses(part) {
            "" if part.fingerprint == key.fingerprint => "certifies".to_owned(),
            "" => "nothing".to_owned(),
            uses => uses.to_owned(),
        },
        words::algorithm(part).to_owned(),
        expiry_of(part, now),
        // The last: what a narrow terminal cuts.
        part.created_at.format("%Y-%m-%d").to_string(),
    ]
}

fn expiry_of(part: &KeyPart, now: DateTime<Utc>) -> String {
    let locked = match (part.unlocked, part.in_agent) {
        (false, _) => "; no secret part here",
        (true, true) => "; in gpg-agent",
        (true, false) => "",
    };
    if part.revoked {
        return format!("{}{locked}", paint("revoked", Paint::Bad));
    }
    let Some(at) = part.expires_at else {
        return format!("never{locked}");
    };
    let text = words::day(at, now);
    let text = match at - now {
        left if left <= chrono::TimeDelta::zero() => paint(&text, Paint::Bad),
        left if left <= expiry::FIRST_WORD => paint(&text, Paint::Warn),
        _ => text,
    };
    format!("{text}{locked}")
}

/// The key ID: what most programs show.
fn short(fingerprint: &str) -> String {
    const DIGITS: usize = 16;
    let is_v6 = fingerprint.len() > 40;
    let skipped = if is_v6 {
        0
    } else {
        fingerprint.len().saturating_sub(DIGITS)
    };
    fingerprint.chars().skip(skipped).take(DIGITS).collect()
}
