//! `triaged doctor`: does it for real, and says what works.
//!
//! Nothing is sent and nothing in the mailbox changes.

use std::path::Path;

use chrono::{DateTime, Datelike, Utc};
use serde_json::json;

use super::paint::{Paint, columns, paint};
use super::say::{self, say};
use super::{Outcome, Output, office};
use crate::config::{Config, Source};
use crate::delivery::Delivery;
use crate::expiry;
use crate::mail::message::{self, Certificate};
use crate::mail::pgp::{self, Keyring};
use crate::mailbox::imap::Imap;
use crate::mailbox::maildir::MaildirBox;
use crate::mailbox::{Lane, Mailbox};
use crate::store::audit::Verdict;
use crate::team::Team;

/// How one thing came out.
enum Health {
    Well(String),
    Doubtful(String),
    Broken(String),
}

struct Finding {
    what: &'static str,
    health: Health,
}

pub fn run(config_path: &Path, output: Output) -> Outcome {
    let config = office::config(config_path)?;
    let now = Utc::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut findings = vec![
        finding("clock", clock(now)),
        finding("database", database(&config)),
        finding("keys", keys(&config, now)),
        finding("team", team(&config, now)),
        finding("permissions", permissions(&config, config_path)),
    ];
    findings.push(finding("mailbox", runtime.block_on(mailbox(&config))));
    findings.push(finding(
        "outgoing mail",
        runtime.block_on(outgoing(&config)),
    ));
    let all_well = !findings
        .iter()
        .any(|finding| matches!(finding.health, Health::Broken(_)));
    if output.json {
        let list: Vec<_> = findings.iter().map(Finding::as_json).collect();
        say!("{}", json!(list));
    } else {
        let rows: Vec<Vec<String>> = findings.iter().map(Finding::as_row).collect();
        say::text(&columns(&rows));
    }
    Ok(all_well)
}

impl Finding {
    fn as_row(&self) -> Vec<String> {
        let (mark, text) = match &self.health {
            Health::Well(text) => (paint("ok", Paint::Good), text),
            Health::Doubtful(text) => (paint("look", Paint::Warn), text),
            Health::Broken(text) => (paint("FAIL", Paint::Bad), text),
        };
        vec![mark, self.what.to_owned(), text.clone()]
    }

    fn as_json(&self) -> serde_json::Value {
        let (state, text) = match &self.health {
            Health::Well(text) => ("ok", text),
            Health::Doubtful(text) => ("warning", text),
            Health::Broken(text) => ("failed", text),
        };
        json!({"check": self.what, "state": state, "detail": text})
    }
}

fn finding(what: &'static str, health: Health) -> Finding {
    Finding { what, health }
}

/// A clock far off makes every deadline wrong.
fn clock(now: DateTime<Utc>) -> Health {
    match now.year() {
        2025..=2100 => Health::Well(format!("{}", now.format("%Y-%m-%d %H:%M:%S UTC"))),
        year => Health::Broken(format!("the clock says {year}; set it, and keep it by NTP")),
    }
}

fn database(config: &Config) -> Health {
    let opened = office::store(config).and_then(|store| Ok(store.verify_audit()?));
    match opened {
        Ok(Verdict::Sound { rows, .. }) => Health::Well(format!(
            "{}: opens and can be written; the audit chain fits, {rows} rows",
            config.storage.path.display()
        )),
        Ok(Verdict::Broken { row, why }) => {
            Health::Broken(format!("the audit chain is broken at row {row}: {why}"))
        }
        Err(failure) => Health::Broken(failure.into_words()),
    }
}

fn keys(config: &Config, now: DateTime<Utc>) -> Health {
    let (keyring, problems) = match office::read_keys(config) {
        Ok(read) => read,
        Err(error) => return Health::Broken(format!("{error:#}")),
    };
    let mut list: Vec<String> = problems.iter().map(office::in_words).collect();
    if keyring.is_empty() {
        return Health::Broken(format!("no usable secret key: {}", list.join("; ")));
    }
    if !keyring.has_good(now) {
        return Health::Broken(format!(
            "no key of ours is good any more: {}",
            list.join("; ")
        ));
    }
    let expiring = expiry::ours(&keyring, now);
    list.extend(expiring.iter().map(|it| it.in_words(now)));
    if let Err(why) = decrypts_to_itself(&keyring, now) {
        return Health::Broken(format!("{}: {why}", keyring.fingerprint()));
    }
    let fine = format!(
        "{}: encrypts, signs and decrypts to itself{}",
        keyring.fingerprint(),
        office::in_agent(&keyring, now)
    );
    list.extend(away(&keyring, now));
    if list.is_empty() {
        Health::Well(fine)
    } else {
        Health::Doubtful(format!("{fine}; {}", list.join("; ")))
    }
}

/// Our other keys that a gpg-agent holds and does not work with: mail to them would wait.
fn away(keyring: &Keyring, now: DateTime<Utc>) -> Vec<String> {
    let is_away = |own: &&Certificate| {
        let sealed = keyring.encrypt_signed(own, PROBE, now).ok();
        let opened = sealed.map(|sealed| keyring.decrypt(&sealed, &[], PROBE_AT_MOST, now));
        matches!(opened, Some(Err(message::Failure::KeyAway)))
    };
    let words = |own: &Certificate| {
        format!(
            "{}: is in gpg-agent, which does not decrypt with it: mail to it waits; is it locked \
             (gpg-preset-passphrase), or its card not there?",
            own.fingerprint
        )
    };
    let away = keyring.certificates().iter().filter(is_away);
    away.map(words).collect()
}

const PROBE: &[u8] = b"triaged doctor";
const PROBE_AT_MOST: usize = 1_000_000;

/// Can every member be told in confidence, and for how long?
fn team(config: &Config, now: DateTime<Utc>) -> Health {
    let team = Team::read(&config.team);
    let unusable = team.members().iter().filter_map(|member| {
        let why = member.certificate(now).err()?;
        Some(format!("{}: mail cannot be encrypted: {why}", member.email))
    });
    let mut problems: Vec<String> = unusable.collect();
    let expiring = expiry::of_team(&team, now);
    problems.extend(expiring.iter().map(|it| it.in_words(now)));
    match (team.members().len(), problems.is_empty()) {
        (0, _) => Health::Doubtful("nobody: no [[team]] section".to_owned()),
        (1, true) => Health::Well("mail can be encrypted to the one member".to_owned()),
        (members, true) => Health::Well(format!("mail can be encrypted to all {members} members")),
        (_, false) => Health::Doubtful(problems.join("; ")),
    }
}

fn decrypts_to_itself(keyring: &Keyring, now: DateTime<Utc>) -> Result<(), String> {
    let own = pgp::read_certificates(keyring.certificate().as_bytes());
    let own = own.first().ok_or("its certificate does not read back")?;
    let sealed = keyring
        .encrypt_signed(own, PROBE, now)
        .map_err(|error| error.to_string())?;
    let opened = keyring
        .decrypt(&sealed, std::slice::from_ref(own), PROBE_AT_MOST, now)
        .map_err(|failure| format!("cannot decrypt what it encrypted ({})", failure.as_str()))?;
    match opened.bytes == PROBE {
        true => Ok(()),
        false => Err("decrypts to something else than was encrypted".to_owned()),
    }
}

/// Secrets that others on this machine could read.
fn permissions(config: &Config, config_path: &Path) -> Health {
    let problems = office::open_secrets(config);
    if problems.is_empty() {
        Health::Well(format!(
            "the secrets beside {} are their owner's alone",
            config_path.display()
        ))
    } else {
        Health::Doubtful(problems.join("; "))
    }
}

async fn mailbox(config: &Config) -> Health {
    let folders = config.source.folders();
    let looked = match &config.source {
        Source::Imap(imap) => match Imap::connect(imap, config.limits.max_message).await {
            Ok(mailbox) => look(mailbox, folders.junk.is_some())
                .await
                .map(|words| format!("{}: logged in; {words}", imap.server.host)),
            Err(error) => Err(error.to_string()),
        },
        Source::Maildir(maildir) => match MaildirBox::open(maildir, false) {
            Ok(mailbox) => look(mailbox, folders.junk.is_some())
                .await
                .map(|words| format!("{}: {words}", maildir.path.display())),
            Err(error) => Err(error.to_string()),
        },
    };
    match looked {
        Ok(words) => Health::Well(words),
        Err(why) => Health::Broken(why),
    }
}

async fn look(mut mailbox: impl Mailbox, junk: bool) -> Result<String, String> {
    let in_words = |error: crate::mailbox::MailboxError| error.to_string();
    let inbox = mailbox.list(Lane::Inbox, None).await.map_err(in_words)?;
    let mut words = format!("{} mails in the inbox", inbox.entries.len());
    if junk {
        let junk = mailbox.list(Lane::Junk, None).await.map_err(in_words)?;
        words.push_str(&format!(", {} in junk", junk.entries.len()));
    }
    mailbox.close().await;
    Ok(words)
}

async fn outgoing(config: &Config) -> Health {
    let probed = match Delivery::open(&config.transport) {
        Ok(mut delivery) => delivery.probe().await,
        Err(error) => Err(error),
    };
    match probed {
        Ok(words) => Health::Well(words),
        Err(error) => Health::Broken(error.to_string()),
    }
}
