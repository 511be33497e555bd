//! `triaged demo`: a tour over sample mails on a local Maildir.
//!
//! It runs the real path, with a fresh key and a real policy; letters go to a
//! folder instead of a mail server.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::init::write_private;
use super::paint::{Paint, columns, paint, shown, shown_lines};
use super::say::{self, say};
use super::{Failure, Outcome, case, files, office};
use crate::config::Config;
use crate::daemon;
use crate::mail::compose::{self, AutoSubmitted, Draft};
use crate::mail::message::Address;
use crate::mail::open::{self, Limits, Opening};
use crate::mail::pgp::{self, Keyring};
use crate::store::Store;
use crate::store::intake::MailIn;
use crate::triage::calendar;

const POLICY: &str = include_str!("../../docs/policies/cloudarq.toml");
/// The policy names it.
const CHANGELOG: &str = include_str!("../../docs/policies/cloudarq-changelog.md");
const ADDRESS: &str = "security@cloudarq.example";
const RESEARCHER: &str = "lin@independent.example";
const ENCRYPTED_TEXT: &str = include_str!("demo/mails/2-encrypted-report.txt");
/// Mails in clear, and how many minutes before now each arrived.
const MAILS: [(&str, &str, u64); 5] = [
    (
        "1-plain-report",
        include_str!("demo/mails/1-plain-report.eml"),
        50,
    ),
    (
        "3-key-request",
        include_str!("demo/mails/3-key-request.eml"),
        33,
    ),
    (
        "4-scanner-output",
        include_str!("demo/mails/4-scanner-output.eml"),
        21,
    ),
    ("5-resend", include_str!("demo/mails/5-resend.eml"), 12),
    (
        "6-out-of-office",
        include_str!("demo/mails/6-out-of-office.eml"),
        3,
    ),
];
const ENCRYPTED_ARRIVED: u64 = 41;

pub fn run(keep: bool) -> Outcome {
    let folder = tempfile::Builder::new()
        .prefix("triaged-demo-")
        .tempdir()
        .context("a temporary folder")?;
    let dir = folder.path();
    let now = Utc::now();
    say!(
        "{}\n\nA fresh OpenPGP key, Cloudarq's policy and six mails are put into {}.\n\
         Then the daemon makes one pass, exactly as it does for a real mailbox.\n",
        paint("triaged: a tour", Paint::Head),
        dir.display()
    );
    let researcher = set_up(dir, now)?;
    let config_path = dir.join("config.toml");
    let config = office::config(&config_path)?;
    pass(config, &config_path)?;

    let config = office::config(&config_path)?;
    let store = office::store_to_read(&config)?;
    say::text(&what_came(&store)?);
    say::text(&cases(&store, &config)?);
    say::text(&answers(dir, &researcher, now)?);
    if keep {
        let dir = folder.keep();
        say!(
            "The folder stays: put a mail into {inbox}, and watch\n\n  triaged --config {config} run\n\n\
             Letters appear in {sent}.",
            inbox = dir.join("Maildir/new").display(),
            config = dir.join("config.toml").display(),
            sent = dir.join("sent").display(),
        );
    } else {
        say!("The folder is gone again; `triaged demo --keep` leaves it, ready for `run`.");
    }
    Ok(true)
}

/// Configuration, keys, and the Maildir with its mails. Returns the researcher's key.
fn set_up(dir: &Path, now: DateTime<Utc>) -> anyhow::Result<Keyring> {
    for sub in ["Maildir/new", "Maildir/cur", "Maildir/tmp", "sent"] {
        std::fs::create_dir_all(dir.join(sub))?;
    }
    let storage_key: String = rand::random::<[u8; 32]>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let our_key = new_key("Cloudarq security", ADDRESS, now)?;
    let sendmail = dir.join("sendmail");
    let script = format!(
        "#!/bin/sh\n# Keeps a letter instead of sending it.\nexec cat > \"{}/$(date +%s%N).eml\"\n",
        dir.join("sent").display()
    );
    for (name, content) in [
        ("config.toml", config(dir)),
        ("policy.toml", POLICY.to_owned()),
        ("cloudarq-changelog.md", CHANGELOG.to_owned()),
        ("storage.key", storage_key),
        ("security.key.asc", our_key.clone()),
        ("sendmail", script),
    ] {
        write_private(&dir.join(name), &content)?;
    }
    std::fs::set_permissions(&sendmail, std::fs::Permissions::from_mode(0o700))?;

    let researcher = keyring(&new_key("Lin", RESEARCHER, now)?, RESEARCHER, now);
    let unique = format!("{:016x}", rand::random::<u64>());
    for (name, text, minutes) in MAILS {
        let date = (now - chrono::Duration::minutes(minutes as i64)).to_rfc2822();
        let mail = text.replace("{date}", &date).replace("{unique}", &unique);
        deliver(dir, name, mail.as_bytes(), minutes)?;
    }
    let encrypted = encrypted_report(&keyring(&our_key, ADDRESS, now), &researcher, now)?;
    deliver(dir, "2-encrypted-report", &encrypted, ENCRYPTED_ARRIVED)?;
    Ok(researcher)
}

fn new_key(name: &str, address: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    let valid_for = Duration::from_secs(365 * 24 * 60 * 60);
    // Made a little in the past, so that a mail of an hour ago may be signed with it.
    let made_at = now - chrono::Duration::hours(2);
    pgp::generate(name, address, None, valid_for, made_at)
        .map_err(anyhow::Error::msg)
        .context("making a key")
}

fn keyring(key: &str, address: &str, now: DateTime<Utc>) -> Keyring {
    let sources = [("a fresh key".to_owned(), key.as_bytes().to_vec())];
    Keyring::load(&sources, None, address, now).0
}

fn config(dir: &Path) -> String {
    format!(
        "# A tour of triaged: a local Maildir in, a folder of letters out.\n\n\
         [organization]\nname = \"Cloudarq\"\naddress = \"{ADDRESS}\"\n\n\
         [maildir]\npath = \"Maildir\"\n\n\
         [sendmail]\ncommand = [\"{sendmail}\"]\n\n\
         [storage]\npath = \"triaged.db\"\nkey_file = \"storage.key\"\n\n\
         [openpgp]\nkeys = [\"security.key.asc\"]\n\n\
         [policy]\nfile = \"policy.toml\"\n",
        sendmail = dir.join("sendmail").display()
    )
}

/// Puts a mail into the Maildir as if it had come so many minutes ago.
fn deliver(dir: &Path, name: &str, mail: &[u8], minutes_ago: u64) -> anyhow::Result<()> {
    let path = dir.join("Maildir/new").join(name);
    std::fs::write(&path, mail)?;
    let arrived = SystemTime::now() - Duration::from_secs(minutes_ago * 60);
    std::fs::File::options()
        .write(true)
        .open(&path)?
        .set_modified(arrived)?;
    Ok(())
}

/// A report as a careful researcher sends it: signed, encrypted, with an Autocrypt header.
fn encrypted_report(
    ours: &Keyring,
    researcher: &Keyring,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<u8>> {
    let certificates = pgp::read_certificates(ours.certificate().as_bytes());
    let ours = certificates.first().context("our own certificate")?;
    let draft = Draft {
        from: Address {
            name: Some("Lin".to_owned()),
            email: RESEARCHER.to_owned(),
        },
        to: ADDRESS.to_owned(),
        subject: "Exports of other tenants can be read".to_owned(),
        text: ENCRYPTED_TEXT.to_owned(),
        in_reply_to: None,
        references: Vec::new(),
        message_id: compose::new_message_id("independent.example"),
        date: now - chrono::Duration::minutes(ENCRYPTED_ARRIVED as i64),
        auto_submitted: AutoSubmitted::No,
        html: None,
        files: Vec::new(),
        attach_key: None,
        autocrypt: Some(researcher.autocrypt(RESEARCHER)),
    };
    compose::encrypted(&draft, "...", |inner| {
        let sealed = researcher.encrypt_signed(ours, inner, now);
        sealed.map_err(|error| error.to_string())
    })
    .map_err(anyhow::Error::msg)
}

fn pass(config: Config, config_path: &Path) -> Result<(), Failure> {
    let desk = office::desk(&config)?;
    let store = office::store(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let all_gone = runtime.block_on(daemon::run(
        config,
        config_path,
        store,
        desk,
        office::keyring,
        true,
    ))?;
    match all_gone {
        true => Ok(()),
        false => Err(anyhow::anyhow!("some letters could not go").into()),
    }
}

fn heading(text: &str) -> String {
    format!(
        "{}\n{}\n",
        paint(text, Paint::Head),
        paint(&"─".repeat(78), Paint::Dim)
    )
}

fn what_came(store: &Store) -> anyhow::Result<String> {
    let mails = store.read(|tx| tx.mails_in(20))?;
    let mut rows = vec![
        ["from", "subject", "is seen as", "case", "answer"]
            .map(|title| paint(title, Paint::Dim))
            .to_vec(),
    ];
    rows.extend(mails.iter().map(row_of_mail));
    let mut text = format!("{}\n{}", heading("What came in"), columns(&rows));
    for mail in &mails {
        if let (Some(from), Some(why)) = (&mail.from, &mail.not_answered) {
            let note = format!("{} is not answered: {why}", shown(from, 40));
            text.push_str(&format!("\n  {}\n", paint(&note, Paint::Dim)));
        }
    }
    text.push('\n');
    Ok(text)
}

fn row_of_mail(mail: &MailIn) -> Vec<String> {
    let seal = if mail.encrypted { " 🔒" } else { "" };
    vec![
        shown(mail.from.as_deref().unwrap_or("-"), 24),
        format!("{}{seal}", shown(&mail.subject, 32)),
        paint(&mail.kind, Paint::Bold),
        mail.case.clone().unwrap_or_else(|| "-".to_owned()),
        match &mail.not_answered {
            None => paint("yes", Paint::Good),
            Some(_) => paint("no", Paint::Warn),
        },
    ]
}

fn cases(store: &Store, config: &Config) -> anyhow::Result<String> {
    let now = Utc::now();
    let cases = store.read(|tx| tx.cases_listed(now))?;
    let calendar = &config.policy.calendar;
    let mut text = format!("{}\n{}\n", heading("The cases"), case::table(&cases, now));
    for listed in &cases {
        let case = store
            .read(|tx| tx.case_detail(&tx.case_by_number(&listed.id)?, now))?
            .case;
        let labels = match case.labels.as_slice() {
            [] => String::new(),
            labels => format!("  {}", paint(&labels.join(", "), Paint::Warn)),
        };
        text.push_str(&format!("  {}{labels}\n", paint(&case.id, Paint::Bold)));
        let rows: Vec<Vec<String>> = case
            .deadlines
            .iter()
            .map(|deadline| {
                let state = match deadline.state {
                    "met" => paint("met", Paint::Good),
                    _ => calendar::how_far(deadline.due_at, now),
                };
                vec![
                    format!("  {}", deadline.kind),
                    calendar.show_due(deadline.due_at),
                    state,
                    paint(&deadline.span, Paint::Dim),
                ]
            })
            .collect();
        text.push_str(&columns(&rows));
        text.push('\n');
    }
    Ok(text)
}

/// The letters as they would have been sent, those in cipher opened with the researcher's key.
fn answers(dir: &Path, researcher: &Keyring, now: DateTime<Utc>) -> anyhow::Result<String> {
    let mut text = heading("The answers, as they would be sent");
    let mut letters: Vec<_> = std::fs::read_dir(dir.join("sent"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    letters.sort();
    for letter in letters {
        for found in files::read(&letter)? {
            text.push('\n');
            text.push_str(&one_letter(&found.bytes, researcher, now));
        }
    }
    text.push('\n');
    Ok(text)
}

fn one_letter(bytes: &[u8], researcher: &Keyring, now: DateTime<Utc>) -> String {
    let opening = Opening {
        keyring: Some(researcher),
        known: &[],
        limits: Limits::default(),
    };
    let letter = open::open(bytes, &opening, now);
    let to: Vec<&str> = letter.to.iter().map(|to| to.email.as_str()).collect();
    let mut text = columns(&[
        vec![paint("To", Paint::Dim), shown(&to.join(", "), 70)],
        vec![
            paint("Subject", Paint::Dim),
            paint(&shown(&letter.subject, 70), Paint::Bold),
        ],
    ]);
    if letter.openpgp.encrypted {
        text.push_str(&format!(
            "  {}\n",
            paint(
                "🔒 signed and encrypted to the researcher; opened here",
                Paint::Good
            )
        ));
    }
    for line in shown_lines(&letter.text).lines() {
        text.push_str(&format!("  {} {line}\n", paint("│", Paint::Dim)));
    }
    for attachment in &letter.attachments {
        text.push_str(&format!(
            "  {} + {} ({})\n",
            paint("│", Paint::Dim),
            attachment.name,
            attachment.media_type
        ));
    }
    text
}
