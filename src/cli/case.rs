//! `triaged case …`: the cases, as lists and one by one, and verbs that change them.

use std::path::Path;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::json;

use super::paint::{Paint, columns, paint, short, shown, shown_lines};
use super::say::{self, complain, say};
use super::{Outcome, Output, office};
use crate::config::Config;
use crate::intake;
use crate::store::audit::Actor;
use crate::store::cases::{CaseDetail, CaseSummary};
use crate::store::deadlines::DeadlineView;
use crate::triage::calendar;
use crate::triage::policy::Severity;

#[derive(Subcommand)]
pub enum Verb {
    /// All cases, oldest first.
    List(Output),
    /// One case with its messages and events.
    Show {
        /// SEC-2026-0001
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Sets the severity; the remediation deadline follows it.
    Severity {
        id: String,
        /// critical, high, medium or low
        #[arg(value_parser = severity)]
        severity: Severity,
    },
    /// Sends the acknowledgement of cases that were recorded without an answer.
    Acknowledge {
        ids: Vec<String>,
        /// Every case that was recorded without an answer because it was old or on request.
        #[arg(long, conflicts_with = "ids", required_unless_present = "ids")]
        unanswered: bool,
    },
}

fn severity(word: &str) -> Result<Severity, String> {
    Severity::parse(word).ok_or_else(|| "one of critical, high, medium, low".to_owned())
}

pub fn run(config_path: &Path, verb: &Verb) -> Outcome {
    let config = office::config(config_path)?;
    match verb {
        Verb::List(output) => list(&config, *output),
        Verb::Show { id, output } => show(&config, id, *output),
        Verb::Severity { id, severity } => set_severity(&config, id, *severity),
        Verb::Acknowledge { ids, unanswered } => acknowledge(&config, ids, *unanswered),
    }
}

fn list(config: &Config, output: Output) -> Outcome {
    let cases = office::store_to_read(config)?.read(|tx| tx.cases(Utc::now()))?;
    if output.json {
        say!("{}", json!(cases));
        return Ok(true);
    }
    if cases.is_empty() {
        say!("no cases yet");
        return Ok(true);
    }
    say::text(&table(&cases, Utc::now()));
    Ok(true)
}

/// The list for people: how it stands, how urgent, who, what; as wide as the terminal.
pub(super) fn table(cases: &[CaseSummary], now: DateTime<Utc>) -> String {
    let titles = ["case", "status", "severity", "next date", "from", "subject"];
    let mut rows = vec![titles.map(|title| paint(title, Paint::Dim)).to_vec()];
    for summary in cases {
        let case = &summary.case;
        let severity = match (&case.severity, &case.suggested_severity) {
            (Some(set), _) => set.clone(),
            (None, Some(suggested)) => format!("{suggested}?"),
            (None, None) => "-".to_owned(),
        };
        let what = match case.kind.as_str() {
            "report" => case.subject.clone(),
            other => format!("({other}) {}", case.subject),
        };
        rows.push(vec![
            paint(&case.id, Paint::Bold),
            case.status.clone(),
            severity,
            next_date(&case.deadlines, now),
            shown(case.reporter.email.as_deref().unwrap_or("-"), 26),
            shown(&what, 200),
        ]);
    }
    columns(&rows)
}

/// The most pressing deadline: one that was missed, else the next.
fn next_date(deadlines: &[DeadlineView], now: DateTime<Utc>) -> String {
    let first = deadlines
        .iter()
        .filter(|deadline| matches!(deadline.state, "missed" | "running"))
        .min_by_key(|deadline| (deadline.state != "missed", deadline.due_at));
    match first {
        None => "-".to_owned(),
        Some(deadline) => {
            let text = format!(
                "{} {}",
                deadline.kind,
                calendar::how_far(deadline.due_at, now)
            );
            match deadline.state {
                "missed" => paint(&format!("{text}, missed"), Paint::Bad),
                _ => text,
            }
        }
    }
}

fn show(config: &Config, id: &str, output: Output) -> Outcome {
    let now = Utc::now();
    let detail = office::store_to_read(config)?.read(|tx| {
        let case = tx.case_by_number(id)?;
        tx.case_detail(&case, now)
    })?;
    if output.json {
        say!("{}", json!(detail));
    } else {
        say::text(&page(&detail, config));
    }
    Ok(true)
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
        fact("status", &case.status),
        fact("kind", &case.kind),
        fact("reporter", &reporter),
        fact("received", &calendar.show(case.received_at)),
        fact("severity", case.severity.as_deref().unwrap_or("not set")),
    ];
    if let Some(suggested) = &case.suggested_severity {
        facts.push(fact("suggested", suggested));
    }
    if let Some(why) = &case.unanswered {
        facts.push(fact("not answered", why));
    }
    for evidence in &detail.evidence {
        facts.push(fact(
            "label",
            &format!("{}: {}", evidence.label, shown(&evidence.because, 100)),
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

fn fact(name: &str, value: &str) -> Vec<String> {
    vec![paint(name, Paint::Dim), value.to_owned()]
}

/// What, when, how it stands, and how it was computed.
fn deadline_row(deadline: &DeadlineView) -> Vec<String> {
    let now = Utc::now();
    let state = match deadline.state {
        "running" => calendar::how_far(deadline.due_at, now),
        "missed" => paint(
            &format!("missed, due {}", calendar::how_far(deadline.due_at, now)),
            Paint::Bad,
        ),
        "met" => paint("met", Paint::Good),
        other => paint(other, Paint::Warn),
    };
    let why = format!("{} (policy {})", deadline.why, deadline.policy_version);
    vec![
        deadline.kind.clone(),
        deadline.due.clone(),
        state,
        paint(&why, Paint::Dim),
    ]
}

fn set_severity(config: &Config, id: &str, severity: Severity) -> Outcome {
    let store = office::store_to_write(config)?;
    let now = Utc::now();
    let detail = store.write(|tx| {
        let case = tx.case_by_number(id)?;
        tx.set_severity(
            &case,
            severity,
            &config.policy,
            &Actor::of_this_process(),
            now,
        )?;
        tx.case_detail(&case, now)
    })?;
    say!("{}: severity {}", detail.case.id, severity.as_str());
    match detail
        .case
        .deadlines
        .iter()
        .find(|deadline| deadline.kind == "remediate")
    {
        Some(deadline) => say::text(&columns(&[deadline_row(deadline)])),
        None => say!("  the policy sets no remediation deadline for it"),
    }
    Ok(true)
}

fn acknowledge(config: &Config, ids: &[String], unanswered: bool) -> Outcome {
    let desk = office::desk(config)?;
    let store = office::store_to_write(config)?;
    let actor = Actor::of_this_process();
    let numbers = if unanswered {
        store.read(|tx| tx.unanswered())?
    } else {
        ids.to_vec()
    };
    if numbers.is_empty() {
        say!("every case that may be answered was answered");
        return Ok(true);
    }
    let mut all_well = true;
    for number in numbers {
        match store.write(|tx| intake::acknowledge(tx, &number, &desk, &actor, Utc::now())) {
            Ok(()) => say!("{number}: its acknowledgement is in the outbox"),
            Err(error) => {
                complain!("triaged: {number}: {error}");
                all_well = false;
            }
        }
    }
    Ok(all_well)
}
