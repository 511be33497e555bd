//! `triaged explain`: what would be done with each mail, and why.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::paint::{Paint, columns, paint, shown, shown_lines};
use super::say::{self, say};
use super::{Outcome, Output, files, ingest, office};
use crate::intake::{self, Opened};
use crate::letters::{self, Desk};
use crate::mail::message::Problem;
use crate::store::Store;
use crate::triage::decide::{CaseChange, Channel, Decision, Reply};
use crate::triage::orders::{Orders, Said};
use crate::triage::reply::Template;
use crate::triage::rules::Matched;

pub fn run(config_path: &Path, paths: &[PathBuf], output: Output) -> Outcome {
    let config = office::config(config_path)?;
    let desk = office::desk(&config)?;
    let store = if config.storage.path.exists() {
        office::store_to_read(&config)?
    } else {
        Store::in_memory()?
    };
    files::for_each(paths, |found| {
        let name = found.name.clone();
        let mail = ingest::as_mail(found, config.limits.max_message, false);
        let now = Utc::now();
        let mut opened = intake::open_mail(mail, &desk, now);
        let decision: Decision = store.read(|tx| intake::judge(tx, &mut opened, &desk, now))?;
        let digest = opened.message.digest;
        if store.read(|tx| tx.recorded(digest))?.is_some() {
            opened.message.problems.push(Problem(
                "these very bytes are recorded already; nothing new would come of them".to_owned(),
            ));
        }
        if output.json {
            say!("{}", as_json(&name, &opened, &decision, now));
        } else {
            print(&name, &opened, &decision, &desk, now);
        }
        Ok(())
    })
}

fn as_json(name: &str, opened: &Opened, decision: &Decision, now: DateTime<Utc>) -> Value {
    let message = &opened.message;
    let openpgp = &message.openpgp;
    let attachments: Vec<Value> = message
        .attachments
        .iter()
        .map(|attachment| {
            json!({
                "name": attachment.name,
                "media_type": attachment.media_type,
                "size": attachment.size,
                "sha256": attachment.digest.to_string(),
            })
        })
        .collect();
    let signatures: Vec<Value> = openpgp
        .signatures
        .iter()
        .map(|signature| {
            json!({
                "status": signature.status.as_str(),
                "fingerprint": signature.fingerprint,
                "covers": signature.covers.as_str(),
            })
        })
        .collect();
    let certificates: Vec<&str> = openpgp
        .certificates
        .iter()
        .map(|certificate| certificate.fingerprint.as_str())
        .collect();
    let replies: Vec<Value> = decision
        .replies
        .iter()
        .map(|reply| {
            let leaving = Leaving::of(reply, now);
            json!({
                "template": leaving.template.as_str(),
                "to": reply.to.email,
                "attaches_key": leaving.attaches_key,
                "encrypted": leaving.encrypted,
            })
        })
        .collect();
    let labels: Vec<&str> = decision.labels.iter().map(|label| label.name).collect();
    let evidence: Vec<Value> = decision
        .labels
        .iter()
        .map(|label| json!({"label": label.name, "because": label.because}))
        .collect();
    let extracted = &opened.extracted;
    json!({
        "file": name,
        "message_id": message.message_id,
        "from": message.from.as_ref().map(|from| &from.email),
        "subject": message.subject,
        "date": message.date,
        "received_at": opened.mail.received_at,
        "sha256": message.digest.to_string(),
        "kind": decision.kind.as_str(),
        "labels": labels,
        "wants_key": decision.wants_key,
        "case_created": decision.case == CaseChange::Open,
        "case": joined(&decision.case),
        "openpgp": {
            "encrypted": openpgp.encrypted,
            "decrypted": openpgp.decrypted,
            "error": openpgp.failure.map(|failure| failure.as_str()),
            "signatures": signatures,
            "certificates": certificates,
        },
        "text": message.text,
        "attachments": attachments,
        "extracted": {
            "cvss": extracted.cvss,
            "cve": extracted.cve,
            "cwe": extracted.cwe,
            "urls": extracted.urls,
            "missing": opened.findings.missing.iter().map(|part| part.as_str()).collect::<Vec<_>>(),
            "severity": extracted.severity.map(|severity| severity.as_str()),
        },
        "deadlines": decision.deadlines.iter().map(|deadline| json!({
            "kind": deadline.kind.as_str(),
            "due_at": deadline.due_at,
            "span": deadline.span.to_string(),
        })).collect::<Vec<_>>(),
        "scope": {
            "in": becauses(&opened.findings.inside),
            "out": becauses(&opened.findings.outside),
        },
        "commands": commands(&decision.orders),
        "replies": replies,
        "evidence": evidence,
        "reply_suppressed": decision.reply_suppressed,
        "problems": message.problems.iter().map(|problem| &problem.0).collect::<Vec<_>>(),
    })
}

/// What the team asks of us in it; `null`: nothing.
fn commands(orders: &Orders) -> Value {
    let member = match orders {
        Orders::None => return Value::Null,
        Orders::OfStranger(why) => return json!({"member": null, "refused": why.as_str()}),
        Orders::OfMember(member) => member,
    };
    match &member.said {
        Said::Nothing => json!({"member": member.email, "lines": []}),
        Said::Refused(why) => json!({"member": member.email, "refused": why.as_str()}),
        Said::Commands(lines) => json!({
            "member": member.email,
            "lines": lines.orders.iter().map(|order| json!({
                "case": order.case,
                "line": order.line,
            })).collect::<Vec<_>>(),
            "wrong": lines.wrong.iter().map(|wrong| json!({
                "line": wrong.line,
                "because": wrong.why,
                "instead": wrong.instead,
            })).collect::<Vec<_>>(),
        }),
    }
}

/// The same for people.
fn command_rows(orders: &Orders) -> Vec<Vec<String>> {
    let member = match orders {
        Orders::None => return Vec::new(),
        Orders::OfStranger(why) => {
            return vec![row("commands", &format!("refused: {}", why.as_str()))];
        }
        Orders::OfMember(member) => member,
    };
    let mut rows = vec![row("member", &shown(&member.email, 60))];
    match &member.said {
        Said::Nothing => {}
        Said::Refused(why) => rows.push(row("commands", &format!("refused: {}", why.as_str()))),
        Said::Commands(lines) => {
            let orders = lines.orders.iter();
            rows.extend(orders.map(|it| row("command", &format!("{}: {}", it.case, it.line))));
            let wrong = lines.wrong.iter();
            rows.extend(wrong.map(|it| row("wrong", &format!("{}: {}", it.line, it.why))));
        }
    }
    rows
}

fn becauses(found: &[Matched]) -> Vec<&str> {
    found.iter().map(|found| found.because.as_str()).collect()
}

fn joined(case: &CaseChange) -> Option<&str> {
    match case {
        CaseChange::Join(case) => Some(&case.number),
        CaseChange::None | CaseChange::Open => None,
    }
}

fn print(name: &str, opened: &Opened, decision: &Decision, desk: &Desk, now: DateTime<Utc>) {
    let message = &opened.message;
    let from = message.from.as_ref().map_or("(none)", |from| &from.email);
    say!("{}", paint(&shown(name, 100), Paint::Head));
    let mut rows = vec![
        row("from", &shown(from, 78)),
        row("subject", &shown(&message.subject, 78)),
        row("kind", decision.kind.as_str()),
        row("case", &case_in_words(&decision.case)),
        row("openpgp", &openpgp_in_words(opened)),
    ];
    rows.extend(command_rows(&decision.orders));
    for label in &decision.labels {
        rows.push(row(
            "label",
            &format!("{}: {}", label.name, shown(&label.because, 90)),
        ));
    }
    for because in becauses(&opened.findings.inside) {
        rows.push(row("in scope", &shown(because, 90)));
    }
    for part in &opened.findings.missing {
        rows.push(row("missing", part.as_str()));
    }
    for attachment in &message.attachments {
        rows.push(row(
            "attachment",
            &format!(
                "{} ({}, {} bytes)",
                shown(&attachment.name, 60),
                attachment.media_type,
                attachment.size
            ),
        ));
    }
    for deadline in &decision.deadlines {
        rows.push(row(
            "deadline",
            &format!(
                "{} {}: {}",
                deadline.kind.as_str(),
                desk.policy.calendar.show_due(deadline.due_at),
                desk.policy
                    .calendar
                    .explain(deadline.starts_at, deadline.span, deadline.due_at)
            ),
        ));
    }
    for reply in &decision.replies {
        let leaving = Leaving::of(reply, now);
        let key = if leaving.attaches_key {
            ", with our key"
        } else {
            ""
        };
        rows.push(row(
            "answer",
            &format!(
                "{} to {}, {}{key}",
                leaving.template.as_str(),
                shown(&reply.to.email, 60),
                leaving.how
            ),
        ));
    }
    if let Some(because) = &decision.reply_suppressed {
        rows.push(row("no answer", because));
    }
    for problem in &message.problems {
        rows.push(row("problem", &shown(&problem.0, 90)));
    }
    say::text(&columns(&rows));
    say!("");
    for line in shown_lines(&message.text).lines() {
        say!("  {} {line}", paint("│", Paint::Dim));
    }
    say!("");
}

/// A reply as it would leave.
struct Leaving {
    template: Template,
    encrypted: bool,
    attaches_key: bool,
    /// In words.
    how: String,
}

impl Leaving {
    fn of(reply: &Reply, now: DateTime<Utc>) -> Self {
        if let Some(notice) = letters::notice_in_place_of(reply, now) {
            return Self {
                template: Template::Notice,
                encrypted: false,
                attaches_key: notice.attaches_key,
                how: format!("in clear, without content ({})", notice.why),
            };
        }
        let how = match reply.channel {
            Channel::Encrypted(_) => "signed and encrypted",
            Channel::Clear => "in clear",
            Channel::ClearWithoutContent => "in clear, without content",
        };
        Self {
            template: reply.template,
            encrypted: matches!(reply.channel, Channel::Encrypted(_)),
            attaches_key: reply.attaches_key,
            how: how.to_owned(),
        }
    }
}

fn row(name: &str, value: &str) -> Vec<String> {
    vec![paint(name, Paint::Dim), value.to_owned()]
}

fn case_in_words(case: &CaseChange) -> String {
    match case {
        CaseChange::None => "none; an entry in the records".to_owned(),
        CaseChange::Join(case) => format!("joins {}", case.number),
        CaseChange::Open => "opens one".to_owned(),
    }
}

fn openpgp_in_words(opened: &Opened) -> String {
    let openpgp = &opened.message.openpgp;
    let mut words = match (openpgp.encrypted, openpgp.decrypted, openpgp.failure) {
        (false, _, _) => "in clear".to_owned(),
        (true, true, _) => "encrypted, decrypted".to_owned(),
        (true, false, failure) => format!(
            "encrypted, not read: {}",
            failure.map_or("?", |failure| failure.as_str())
        ),
    };
    for signature in &openpgp.signatures {
        words.push_str(&format!(
            "; {} signature by {} over {}",
            signature.status.as_str(),
            signature.fingerprint.as_deref().unwrap_or("an unnamed key"),
            signature.covers.as_str()
        ));
    }
    words
}
