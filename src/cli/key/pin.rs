//! `triaged key pin`, `unpin` and `known`: whose certificate it is, as the team found out by other
//! means. Each change is an event of the audit chain.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::cli::paint::{Paint, columns, paint, shown};
use crate::cli::say::{self, complain, say};
use crate::cli::{Failure, Outcome, Output, office};
use crate::config::Config;
use crate::mail::message::{Certificate, address_key, without_tag};
use crate::mail::pgp;
use crate::pinned::Pinned;
use crate::store::audit::Actor;
use crate::store::{StoreError, Tx};
use crate::triage::reply::grouped;
use crate::triage::whose::Learned;

#[derive(Args)]
pub struct Pin {
    /// The correspondent's address.
    email: String,
    /// A file with the certificate, or the fingerprint of one that was seen already.
    #[arg(value_name = "FILE|FINGERPRINT")]
    what: String,
}

#[derive(Args)]
pub struct Known {
    /// Of this address alone.
    email: Option<String>,
    #[command(flatten)]
    output: Output,
}

pub fn pin(config: &Config, options: &Pin) -> Outcome {
    let email = address(&options.email)?;
    let store = office::store_to_write(config)?;
    let now = Utc::now();
    let certificate = store.write(|tx| {
        let certificate = named(tx, &email, &options.what)?;
        ensure!(
            certificate.bytes.len() <= pgp::MAX_KEPT,
            "the certificate {} is over {} KiB",
            certificate.fingerprint,
            pgp::MAX_KEPT / 1024
        );
        let before = tx.pinned(&email)?;
        tx.pin(&email, &certificate, now)?;
        let detail = json!({
            "email": email,
            "fingerprint": certificate.fingerprint,
            "in_place_of": before.filter(|before| *before != certificate.fingerprint),
        });
        tx.event(
            now,
            &Actor::of_this_process(),
            "certificate_pinned",
            None,
            detail,
        )?;
        anyhow::Ok(certificate)
    })?;
    say!(
        "{email}: {} is pinned; nothing that comes by mail replaces it",
        grouped(&certificate.fingerprint)
    );
    for doubt in doubts(config, &email, &certificate, now) {
        complain!("warning: {doubt}");
    }
    Ok(true)
}

/// What works, and may not be what was meant.
fn doubts(
    config: &Config,
    email: &str,
    certificate: &Certificate,
    now: DateTime<Utc>,
) -> Vec<String> {
    let names = |address: &str| certificate.emails.iter().any(|it| it == address);
    let mut doubts = Vec::new();
    if !names(email) && !names(&without_tag(email)) {
        let named = certificate.emails.join(", ");
        doubts.push(format!("it does not name {email}, but: {named}"));
    }
    if let Err(why) = pgp::usable_for_encryption(certificate, now) {
        doubts.push(format!(
            "{why}; letters to {email} say nothing until there is one that works"
        ));
    }
    let files = Pinned::of_configuration(config);
    let mut in_files = files.of(email);
    if let Some(first) = in_files.find(|it| it.fingerprint != certificate.fingerprint) {
        doubts.push(format!(
            "the configuration (openpgp.certificates, team) pins {} for {email}, which comes first",
            first.fingerprint
        ));
    }
    doubts
}

/// The certificate in a file, or of one that the records hold.
fn named(tx: &Tx<'_>, email: &str, what: &str) -> anyhow::Result<Certificate> {
    match fingerprint(what) {
        Some(fingerprint) if !Path::new(what).exists() => seen(tx, email, &fingerprint),
        _ => in_file(email, Path::new(what)),
    }
}

/// Upper-case hex, however it was written.
fn fingerprint(what: &str) -> Option<String> {
    let hex: String = what.chars().filter(|c| !c.is_whitespace()).collect();
    let hex = hex.trim_start_matches("0x").to_ascii_uppercase();
    let is_whole = matches!(hex.len(), 40 | 64);
    (is_whole && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hex)
}

fn seen(tx: &Tx<'_>, email: &str, fingerprint: &str) -> anyhow::Result<Certificate> {
    let copies = tx.copies_of(fingerprint)?;
    let of_address = copies.iter().find(|(seen_with, _)| seen_with == email);
    let Some((_, copy)) = of_address.or(copies.first()) else {
        bail!(
            "{fingerprint} was never seen; give the file that holds it (`triaged key known` lists what was)"
        );
    };
    // With the addresses that it names, not only the one that it was seen with.
    let whole = pgp::read_certificates(&copy.bytes).into_iter().next();
    Ok(whole.unwrap_or_else(|| copy.clone()))
}

fn in_file(email: &str, file: &Path) -> anyhow::Result<Certificate> {
    let bytes = std::fs::read(file).with_context(|| format!("{}", file.display()))?;
    let all = pgp::read_certificates(&bytes);
    let naming: Vec<&Certificate> = all
        .iter()
        .filter(|certificate| certificate.emails.iter().any(|it| it == email))
        .collect();
    match (all.as_slice(), naming.as_slice()) {
        ([], _) => bail!(
            "{}: holds no OpenPGP certificate; `gpg --armor --export {email}` writes one",
            file.display()
        ),
        ([only], _) => Ok(only.clone()),
        (_, [only]) => Ok((*only).clone()),
        (several, _) => {
            let list: Vec<&str> = several.iter().map(|it| it.fingerprint.as_str()).collect();
            bail!(
                "{}: holds {} certificates; give a file with the one that is meant: {}",
                file.display(),
                several.len(),
                list.join(", ")
            )
        }
    }
}

pub fn unpin(config: &Config, email: &str) -> Outcome {
    let email = address(email)?;
    let now = Utc::now();
    let (pinned, now_speaks) = office::store_to_write(config)?.write(|tx| {
        let pinned = tx.unpin(&email, now)?;
        if let Some(fingerprint) = &pinned {
            let detail = json!({"email": email, "fingerprint": fingerprint});
            tx.event(
                now,
                &Actor::of_this_process(),
                "certificate_unpinned",
                None,
                detail,
            )?;
        }
        let speaks = tx.seen_with(&email)?.into_iter().find(|it| it.speaks);
        Ok::<_, StoreError>((pinned, speaks))
    })?;
    let Some(pinned) = pinned else {
        let in_files = Pinned::of_configuration(config);
        let mend = match in_files.of(&email).next() {
            Some(_) => {
                "; the configuration (openpgp.certificates, team) pins one: take it out there"
            }
            None => "",
        };
        return Err(anyhow::anyhow!("nothing is pinned for {email}{mend}").into());
    };
    say!("{email}: {} is pinned no more", grouped(&pinned));
    match now_speaks {
        Some(key) => say!(
            "{email}: {} is its key from now on: {}",
            grouped(&key.certificate.fingerprint),
            key.learned.in_words()
        ),
        None => say!("{email}: no certificate is known any more"),
    }
    Ok(true)
}

/// One line of the list, as programs read it.
#[derive(Serialize)]
struct Row {
    email: String,
    fingerprint: String,
    /// `pinned`, `authenticated`, `signed`, `came_along`.
    why: &'static str,
    pinned: bool,
    /// It is the key of the address.
    current: bool,
    /// `null`: it is in a file alone.
    first_seen_at: Option<DateTime<Utc>>,
    last_seen_at: Option<DateTime<Utc>>,
    /// Why nothing can be encrypted to it.
    problem: Option<String>,
}

pub fn known(config: &Config, options: &Known) -> Outcome {
    let email = options.email.as_deref().map(address).transpose()?;
    let rows = rows(config, email.as_deref())?;
    if options.output.json {
        say!("{}", json!(rows));
    } else if rows.is_empty() {
        say!("no certificate of a correspondent is known");
    } else {
        say::text(&table(&rows));
    }
    Ok(true)
}

/// What the records hold, under what the team's files pin.
fn rows(config: &Config, email: Option<&str>) -> Result<Vec<Row>, Failure> {
    let now = Utc::now();
    let recorded = office::store_to_read(config)?.read(|tx| tx.known_certificates(email))?;
    let problem = |certificate: &Certificate| pgp::usable_for_encryption(certificate, now).err();
    let mut rows: Vec<Row> = recorded
        .into_iter()
        .map(|it| Row {
            problem: problem(&Certificate {
                fingerprint: it.fingerprint.clone(),
                emails: Vec::new(),
                bytes: it.bytes,
            }),
            email: it.email,
            fingerprint: it.fingerprint,
            why: it.why,
            pinned: it.pinned,
            current: it.current,
            first_seen_at: Some(it.first_seen_at),
            last_seen_at: Some(it.last_seen_at),
        })
        .collect();
    let files = Pinned::of_configuration(config);
    for certificate in files.certificates() {
        let of_asked = |it: &&String| email.is_none_or(|email| *it == email);
        for email in certificate.emails.iter().filter(of_asked) {
            pin_by_file(&mut rows, email, certificate, problem(certificate));
        }
    }
    rows.sort_by(|one, other| (&one.email, !one.current).cmp(&(&other.email, !other.current)));
    Ok(rows)
}

/// A pin by a file: no other certificate of the records speaks beside it.
fn pin_by_file(
    rows: &mut Vec<Row>,
    email: &str,
    certificate: &Certificate,
    problem: Option<String>,
) {
    let fingerprint = &certificate.fingerprint;
    let is_it = |row: &Row| row.email == email && row.fingerprint == *fingerprint;
    for row in rows.iter_mut().filter(|row| row.email == email) {
        row.current &= row.pinned;
    }
    if !rows.iter().any(is_it) {
        rows.push(Row {
            email: email.to_owned(),
            fingerprint: fingerprint.clone(),
            why: "",
            pinned: false,
            current: false,
            first_seen_at: None,
            last_seen_at: None,
            problem,
        });
    }
    for row in rows.iter_mut().filter(|row| is_it(row)) {
        row.why = Learned::Pinned.as_str();
        row.pinned = true;
        row.current = true;
    }
}

fn table(rows: &[Row]) -> String {
    let titles = ["address", "", "fingerprint", "why", "last seen"];
    let mut lines = vec![titles.map(|title| paint(title, Paint::Dim)).to_vec()];
    for row in rows {
        let seen = row.last_seen_at.map(|at| at.date_naive().to_string());
        let why = match &row.problem {
            Some(problem) => paint(&format!("{}; {problem}", row.why), Paint::Warn),
            None => row.why.to_owned(),
        };
        lines.push(vec![
            shown(&row.email, 50),
            if row.current { "key" } else { "" }.to_owned(),
            row.fingerprint.clone(),
            why,
            seen.unwrap_or_else(|| "in a file".to_owned()),
        ]);
    }
    columns(&lines)
}

fn address(text: &str) -> anyhow::Result<String> {
    let key = address_key(text);
    ensure!(
        key.contains('@') && !key.contains(char::is_whitespace),
        "{text:?} is no address; write it like ann@example.org"
    );
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_people_write_them() {
        #[track_caller]
        fn check(text: &str, is_one: bool) {
            assert_eq!(fingerprint(text), is_one.then(|| "AB".repeat(20)), "{text}");
        }
        check(&"AB".repeat(20), true);
        check(&"ab".repeat(20), true);
        check(&format!("0x{}", "ab".repeat(20)), true);
        check(&grouped(&"AB".repeat(20)), true);
        check("alice.asc", false);
        check(&"AB".repeat(8), false);
    }
}
