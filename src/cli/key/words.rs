//! What the verbs print: what changed, and what is left to do.

use chrono::{DateTime, Utc};

use crate::cli::paint::{Paint, paint};
use crate::cli::say::say;
use crate::mail::pgp::{KeyInfo, KeyPart};
use crate::triage::calendar::how_far;

pub const RELOAD: &str = "have the daemon take it up: systemctl reload triaged (SIGHUP)";

/// `  file     /etc/triaged/security-5F3A90C1.key.asc`
pub fn fact(name: &str, value: &str) {
    say!("  {}{value}", paint(&format!("{name:9}"), Paint::Dim));
}

pub fn left_to_do(steps: &[String]) {
    say!("{}", paint("left to do", Paint::Bold));
    for step in steps {
        say!("  - {step}");
    }
}

pub fn publish(key: &KeyInfo) -> String {
    format!(
        "publish it where the old one is: triaged key export {}",
        key.fingerprint
    )
}

/// `EdDSA, EdDSA (signs), ECDH (encrypts)`
pub fn algorithms(key: &KeyInfo) -> String {
    let part = |part: &KeyPart| {
        let name = algorithm(part);
        match uses(part) {
            "" => name.to_owned(),
            uses => format!("{name} ({uses})"),
        }
    };
    let parts: Vec<String> = key.parts.iter().map(part).collect();
    parts.join(", ")
}

/// Without what the RFC says in brackets behind it.
pub fn algorithm(part: &KeyPart) -> &str {
    part.algorithm.split(" (").next().unwrap_or_default()
}

pub fn uses(part: &KeyPart) -> &'static str {
    match (part.signs, part.encrypts) {
        (true, true) => "signs, encrypts",
        (true, false) => "signs",
        (false, true) => "encrypts",
        (false, false) if part.authenticates => "authenticates",
        (false, false) => "",
    }
}

/// Until when the whole of it is valid.
pub fn until(key: &KeyInfo, now: DateTime<Utc>) -> String {
    let expiries = key.parts.iter().filter(|part| !part.revoked);
    match expiries.filter_map(|part| part.expires_at).min() {
        Some(at) => format!("until {}", day(at, now)),
        None => "for ever".to_owned(),
    }
}

/// `2028-11-22 (in 730 days)`
pub fn day(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} ({})", at.format("%Y-%m-%d"), how_far(at, now))
}
