//! What expires: our keys, and the certificates that the team's mail is encrypted to.
//!
//! Primary keys and subkeys alike. What was revoked or retired is over already, and so is what
//! expired and has a successor: nobody needs to hear of it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::mail::pgp::{KeyPart, Keyring};
use crate::team::Team;
use crate::triage::calendar::how_far;

/// Days before it expires at which the team is told, once each; and when it has expired.
const THRESHOLDS: [i64; 5] = [0, 7, 14, 30, 60];
/// From then on it is shown wherever somebody looks.
pub const FIRST_WORD: TimeDelta = TimeDelta::days(60);

/// Programs make the parts of a key some seconds apart, and so they expire.
const ONE_MATTER: TimeDelta = TimeDelta::hours(1);

/// Whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Us,
    /// The address of a member.
    Member(String),
}

/// Parts of one key or certificate that expire together, within 60 days or in the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring {
    pub owner: Owner,
    /// Of the primary key, upper-case hex.
    pub certificate: String,
    /// Fingerprints of the parts, and when each expires.
    pub parts: Vec<(String, DateTime<Utc>)>,
    /// `all of it`, `the subkey that encrypts`..
    pub what: String,
    /// The first of them.
    pub expires_at: DateTime<Utc>,
}

impl Expiring {
    pub fn is_past(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }

    /// The nearest threshold that is reached, in days; 0 when it has expired.
    pub fn threshold(&self, now: DateTime<Utc>) -> i64 {
        let reached = |days: &i64| self.expires_at <= now + TimeDelta::days(*days);
        THRESHOLDS.into_iter().find(reached).unwrap_or(i64::MAX)
    }

    /// `our key F00D: all of it expires on 2026-12-01 (in 9 days); triaged key renew F00D`
    pub fn in_words(&self, now: DateTime<Utc>) -> String {
        let whose = match &self.owner {
            Owner::Us => "our key".to_owned(),
            Owner::Member(email) => format!("{email}: certificate"),
        };
        format!(
            "{whose} {}: {}; {}",
            self.certificate,
            self.stands(now),
            self.mend()
        )
    }

    /// `all of it expires on 2026-12-01 (in 9 days)`
    pub fn stands(&self, now: DateTime<Utc>) -> String {
        let verb = if self.is_past(now) {
            "expired"
        } else {
            "expires"
        };
        let day = self.expires_at.format("%Y-%m-%d");
        let far = how_far(self.expires_at, now);
        format!("{} {verb} on {day} ({far})", self.what)
    }

    /// What somebody should do about it, step by step.
    pub fn steps(&self) -> Vec<String> {
        match &self.owner {
            Owner::Us => vec![
                self.mend(),
                "systemctl reload triaged".to_owned(),
                format!("publish it: triaged key export {}", self.certificate),
            ],
            Owner::Member(email) => vec![
                self.mend(),
                format!("gpg --armor --export {}", self.certificate),
                format!("put that into the certificate file of {email} on the server"),
                "systemctl reload triaged".to_owned(),
            ],
        }
    }

    pub fn mend(&self) -> String {
        let key = &self.certificate;
        match &self.owner {
            Owner::Us => format!("triaged key renew {key}"),
            Owner::Member(_) => self.of_gpg(),
        }
    }

    /// GnuPG renews the primary key in one command and subkeys in another; those that have expired
    /// are not among its `*`.
    fn of_gpg(&self) -> String {
        let key = &self.certificate;
        let names = self.parts.iter().map(|(part, _)| part);
        let (primary, subkeys): (Vec<_>, Vec<_>) = names.partition(|part| *part == key);
        let renew = format!("gpg --quick-set-expire {key} 2y");
        let of_subkeys: String = subkeys.iter().map(|part| format!(" {part}")).collect();
        match (primary.is_empty(), subkeys.is_empty()) {
            (false, true) => renew,
            (false, false) => format!("{renew} && {renew}{of_subkeys}"),
            (true, _) => format!("{renew}{of_subkeys}"),
        }
    }
}

/// Everything of ours and of the team that expires within 60 days or has expired, the most
/// pressing first.
pub fn all(keyring: &Keyring, team: &Team, now: DateTime<Utc>) -> Vec<Expiring> {
    let mut found = ours(keyring, now);
    found.extend(of_team(team, now));
    found.sort_by(|a, b| (a.expires_at, &a.certificate).cmp(&(b.expires_at, &b.certificate)));
    found
}

pub fn of_team(team: &Team, now: DateTime<Utc>) -> Vec<Expiring> {
    let members = team.members().iter();
    members
        .flat_map(|member| {
            let owner = Owner::Member(member.email.clone());
            of_parts(&owner, &member.parts(now), now)
        })
        .collect()
}

pub fn ours(keyring: &Keyring, now: DateTime<Utc>) -> Vec<Expiring> {
    let mut found = Vec::new();
    for key in keyring.keys(now) {
        if key.revoked || key.retired && !key.current {
            continue;
        }
        let mut of_key = of_parts(&Owner::Us, &key.parts, now);
        if !key.current {
            // Another is offered in its place.
            of_key.retain(|expiring| !expiring.is_past(now));
        }
        found.extend(of_key);
    }
    found
}

fn of_parts(owner: &Owner, parts: &[KeyPart], now: DateTime<Utc>) -> Vec<Expiring> {
    let Some(primary) = parts.first().filter(|primary| !primary.revoked) else {
        return Vec::new();
    };
    let alive: Vec<&KeyPart> = parts.iter().filter(|part| !part.revoked).collect();
    let mut ending: Vec<(DateTime<Utc>, &KeyPart)> = alive
        .iter()
        .filter_map(|part| Some((part.expires_at?, *part)))
        .filter(|(at, _)| *at <= now + FIRST_WORD)
        .filter(|(at, part)| *at > now || !is_replaced(part, primary, &alive, now))
        .collect();
    ending.sort_by_key(|(at, _)| *at);
    let mut found: Vec<Expiring> = Vec::new();
    for group in ending.chunk_by(|(one, _), (next, _)| *next - *one < ONE_MATTER) {
        let Some((expires_at, _)) = group.first() else {
            continue;
        };
        let names: Vec<&KeyPart> = group.iter().map(|(_, part)| *part).collect();
        found.push(Expiring {
            owner: owner.clone(),
            certificate: primary.fingerprint.clone(),
            what: named(&names, primary, alive.len()),
            parts: group
                .iter()
                .map(|(at, part)| (part.fingerprint.clone(), *at))
                .collect(),
            expires_at: *expires_at,
        });
    }
    found
}

/// Does another subkey that has not expired do what this one did?
fn is_replaced(part: &KeyPart, primary: &KeyPart, all: &[&KeyPart], now: DateTime<Utc>) -> bool {
    part.fingerprint != primary.fingerprint
        && all.iter().any(|other| {
            other.fingerprint != part.fingerprint
                && other.expires_at.is_none_or(|at| at > now)
                && (other.signs || !part.signs)
                && (other.encrypts || !part.encrypts)
        })
}

fn named(due: &[&KeyPart], primary: &KeyPart, all: usize) -> String {
    if due.len() == all {
        return "all of it".to_owned();
    }
    let name = |part: &&KeyPart| {
        if part.fingerprint == primary.fingerprint {
            return "the primary key".to_owned();
        }
        match (part.signs, part.encrypts) {
            (true, true) => "the subkey that signs and encrypts",
            (true, false) => "the subkey that signs",
            (false, true) => "the subkey that encrypts",
            (false, false) if part.authenticates => "the subkey that authenticates",
            (false, false) => "a subkey",
        }
        .to_owned()
    };
    let names: Vec<String> = due.iter().map(name).collect();
    names.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + day)
    }

    /// The primary key first: its name, when it expires, whether it signs and encrypts.
    fn parts(list: &[(&str, Option<i64>, bool, bool)]) -> Vec<KeyPart> {
        let part = |(name, expires, signs, encrypts): &(&str, Option<i64>, bool, bool)| KeyPart {
            fingerprint: (*name).to_owned(),
            algorithm: "EdDSA".to_owned(),
            created_at: at(-1_000),
            expires_at: expires.map(at),
            signs: *signs,
            encrypts: *encrypts,
            authenticates: false,
            revoked: false,
            unlocked: true,
            in_agent: false,
        };
        list.iter().map(part).collect()
    }

    #[track_caller]
    fn check(list: &[(&str, Option<i64>, bool, bool)], expected: &[(&str, i64)]) {
        let found = of_parts(&Owner::Us, &parts(list), at(0));
        let found: Vec<(&str, i64)> = found
            .iter()
            .map(|it| (it.what.as_str(), it.threshold(at(0))))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_expires_at_one_instant_is_one_matter() {
        let (none, far) = (None, Some(61));
        check(&[("P", none, true, false), ("E", far, false, true)], &[]);
        check(
            &[("P", Some(60), true, false), ("E", Some(60), false, true)],
            &[("all of it", 60)],
        );
        check(
            &[("P", Some(20), true, false), ("E", Some(7), false, true)],
            &[("the subkey that encrypts", 7), ("the primary key", 30)],
        );
        check(
            &[
                ("P", none, false, false),
                ("S", Some(8), true, false),
                ("E", Some(8), false, true),
            ],
            &[("the subkey that signs and the subkey that encrypts", 14)],
        );
    }

    #[test]
    fn seconds_apart_is_together() {
        let mut list = parts(&[("P", Some(20), true, false), ("E", Some(20), false, true)]);
        list[1].expires_at = Some(at(20) + TimeDelta::seconds(3));
        let found = of_parts(&Owner::Us, &list, at(0));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "all of it");
        assert_eq!(found[0].expires_at, at(20));
        assert_eq!(found[0].parts[1].1, at(20) + TimeDelta::seconds(3));
    }

    #[test]
    fn what_expired_and_has_a_successor_is_over() {
        check(
            &[
                ("P", None, true, false),
                ("E", Some(-100), false, true),
                ("F", Some(700), false, true),
            ],
            &[],
        );
        check(
            &[("P", None, true, false), ("E", Some(0), false, true)],
            &[("the subkey that encrypts", 0)],
        );
        check(&[("P", Some(-5), true, true)], &[("all of it", 0)]);
    }

    #[test]
    fn the_nearest_threshold_counts() {
        for (days, threshold) in [
            (60, 60),
            (31, 60),
            (30, 30),
            (15, 30),
            (14, 14),
            (8, 14),
            (7, 7),
            (1, 7),
            (0, 0),
            (-9, 0),
        ] {
            let list = parts(&[("P", Some(days), true, true)]);
            let found = of_parts(&Owner::Us, &list, at(0));
            assert_eq!(found[0].threshold(at(0)), threshold, "{days}");
        }
    }

    #[test]
    fn a_revoked_certificate_is_over() {
        let mut list = parts(&[("P", Some(5), true, true), ("E", Some(5), false, true)]);
        list[1].revoked = true;
        assert_eq!(of_parts(&Owner::Us, &list, at(0)).len(), 1);
        list[0].revoked = true;
        assert_eq!(of_parts(&Owner::Us, &list, at(0)), []);
    }
}
