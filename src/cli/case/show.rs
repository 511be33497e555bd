//! `triaged case show`: one case with everything that was said and done.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::cli::paint::{Paint, columns, paint, short, shown, shown_lines};
use crate::cli::say::{self, say};
use crate::cli::{Outcome, Output, office};
use crate::commands::words;
use crate::config::Config;
use crate::pinned::Pinned;
use crate::store::cases::{CaseDetail, CaseView, SignatureView};
use crate::store::deadlines::DeadlineView;
use crate::triage::calendar::Calendar;

pub fn run(config: &Config, id: &str, output: Output) -> Outcome {
    let now = Utc::now();
    let mut detail = office::store_to_read(config)?.read(|tx| {
        let case = tx.case_by_number(id)?;
        tx.case_detail(&case, now)
    })?;
    trust_files(&mut detail, config);
    if output.json {
        say!("{}", json!(detail));
    } else {
        say::text(&page(&detail, config));
    }
    Ok(true)
}

/// Where the team's files pin a key for an address, no other speaks for it.
fn trust_files(detail: &mut CaseDetail, config: &Config) {
    let files = Pinned::of_configuration(config);
    for message in &mut detail.messages {
        let from = message.from.as_deref().unwrap_or_default();
        let pinned: Vec<&str> = files.of(from).map(|it| it.fingerprint.as_str()).collect();
        let good = |signature: &&mut SignatureView| signature.status == "good";
        for signature in message.signatures.iter_mut().filter(good) {
            let fingerprint = signature.fingerprint.as_deref().unwrap_or_default();
            if pinned.contains(&fingerprint) {
                signature.trust = Some("pinned".to_owned());
            } else if !pinned.is_empty() && signature.trust.as_deref() != Some("pinned") {
                signature.trust = None;
            }
        }
    }
}

fn page(detail: &CaseDetail, config: &Config) -> String {
    let case = &detail.case;
    let calendar = &config.policy.calendar;
    let mut page = format!(
        "{}  {}\n",
        paint(&case.id, Paint::Head),
        paint(&shown(&case.subject, 90), Paint::Bold)
    );
    let reporter = [&case.reporter.name, &case.reporter.email]
        .into_iter()
        .flatten()
        .map(|part| shown(part, 60))
        .collect::<Vec<_>>()
        .join(", ");
    let mut facts = vec![
        fact("status", &words::status(case)),
        fact("kind", &case.kind),
        fact("reporter", &reporter),
        fact("received", &calendar.show(case.received_at)),
        fact("severity", case.severity.as_deref().unwrap_or("not set")),
    ];
    if let Some(suggested) = &case.suggested_severity {
        facts.push(fact("suggested", suggested));
    }
    if !detail.duplicates.is_empty() {
        facts.push(fact("duplicates", &detail.duplicates.join(", ")));
    }
    facts.extend(life(case, calendar));
    if let Some(why) = &case.unanswered {
        facts.push(fact("not answered", why));
    }
    for evidence in &detail.evidence {
        facts.push(fact(
            "label",
            &format!("{}: {}", evidence.label, shown(&evidence.because, 600)),
        ));
    }
    page.push_str(&columns(&facts));

    page.push_str(&format!("\n{}\n", paint("Deadlines", Paint::Head)));
    let rows: Vec<Vec<String>> = case.deadlines.iter().map(deadline_row).collect();
    page.push_str(&columns(&rows));

    page.push_str(&format!("\n{}\n", paint("Messages", Paint::Head)));
    for message in &detail.messages {
        let arrow = if message.direction == "in" {
            "<-"
        } else {
            "->"
        };
        let seal = match (message.encrypted, message.decrypted) {
            (true, true) => " [encrypted]",
            (true, false) => " [encrypted, not read]",
            (false, _) => "",
        };
        let delivery = message
            .delivery
            .as_ref()
            .map_or_else(String::new, |state| format!(" ({state})"));
        page.push_str(&format!(
            "  {arrow} {}  {}{seal}{delivery}  {}\n",
            short(message.date, calendar.zone),
            message.kind,
            paint(&shown(&message.subject, 70), Paint::Bold),
        ));
        for signature in &message.signatures {
            page.push_str(&format!("     {}\n", signature_line(signature)));
        }
        for attachment in &message.attachments {
            page.push_str(&format!(
                "     + {} ({}, {} bytes)\n",
                shown(&attachment.name, 60),
                attachment.media_type,
                attachment.size
            ));
        }
        for line in shown_lines(&message.text).lines() {
            page.push_str(&format!("     {} {line}\n", paint("│", Paint::Dim)));
        }
    }

    page.push_str(&format!("\n{}\n", paint("Events", Paint::Head)));
    let rows: Vec<Vec<String>> = detail
        .events
        .iter()
        .map(|event| {
            let detail = event.detail.as_ref().map_or_else(
                || "(erased)".to_owned(),
                |detail| shown(&detail.to_string(), 100),
            );
            vec![
                short(event.at, calendar.zone),
                event.actor.clone(),
                event.action.clone(),
                paint(&detail, Paint::Dim),
            ]
        })
        .collect();
    page.push_str(&columns(&rows));
    page
}

/// What a signature is worth, what it covers, and whether its key speaks for the sender.
fn signature_line(signature: &SignatureView) -> String {
    let by = signature.fingerprint.as_deref().unwrap_or("an unknown key");
    let covers = match signature.covers.as_str() {
        "all" => "all of the mail",
        _ => "a part of the mail",
    };
    let (word, paint_as) = match signature.status.as_str() {
        "good" => ("signed", Paint::Good),
        "bad" => ("BAD signature", Paint::Bad),
        "expired_key" => ("signed with an expired key", Paint::Warn),
        "revoked_key" => ("signed with a REVOKED key", Paint::Bad),
        _ => ("signature by a key that is not known", Paint::Warn),
    };
    let trust = match (signature.status.as_str(), signature.trust.as_deref()) {
        ("good", Some("pinned")) => "; the team pinned it for the sender",
        ("good", Some("known")) => "; the sender's key",
        ("good", Some(_)) => "; the sender's key since this mail",
        ("good", None) => "; NOT the sender's key",
        _ => "",
    };
    format!("{}: {covers}, {by}{trust}", paint(word, paint_as))
}

fn fact(name: &str, value: &str) -> Vec<String> {
    vec![paint(name, Paint::Dim), value.to_owned()]
}

/// What was done with it, and what is planned.
fn life(case: &CaseView, calendar: &Calendar) -> Vec<Vec<String>> {
    let day = |at: Option<DateTime<Utc>>| at.map(|at| calendar.date_of(at).to_string());
    let publication = day(case.disclose_at).map(|day| match case.status.as_str() {
        "disclosed" => day,
        _ => format!("{day} (planned)"),
    });
    let thanks = &case.recognition;
    let credit = match (thanks.credit.as_deref(), &thanks.name) {
        (Some("yes"), Some(name)) => {
            let link = thanks.link.iter().map(|link| format!(" <{link}>"));
            Some(shown(name, 60) + &link.collect::<String>())
        }
        (Some(_), _) => Some("wants no credit".to_owned()),
        (None, _) => None,
    };
    let exploited = case.exploited_at.map(|at| calendar.show(at));
    let note = |note: &Option<String>| note.as_ref().map(|note| shown(note, 100));
    [
        ("assignee", case.assignee.clone()),
        ("language", case.language.clone()),
        ("exploited", exploited),
        ("fixed", day(case.fixed_at)),
        ("disclosure", publication),
        ("credit", credit),
        ("token", note(&thanks.token)),
        ("reward", note(&thanks.reward)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(fact(name, &value?)))
    .collect()
}

/// What, when, how it stands, and how it was computed.
pub fn deadline_row(deadline: &DeadlineView) -> Vec<String> {
    let standing = words::standing(deadline, Utc::now());
    let state = match deadline.state {
        "running" => standing,
        "missed" => paint(&standing, Paint::Bad),
        "met" => paint(&standing, Paint::Good),
        _ => paint(&standing, Paint::Warn),
    };
    let why = format!("{} (policy {})", deadline.why, deadline.policy_version);
    vec![
        deadline.kind.clone(),
        deadline.due.clone(),
        state,
        paint(&why, Paint::Dim),
    ]
}
