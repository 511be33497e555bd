//! `triaged status`: the board on one terminal screen.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::paint::{Paint, columns, paint, shown};
use super::say::{self, say};
use super::{Outcome, Output, case, office};
use crate::config::Config;
use crate::store::intake::Place;
use crate::store::listed::{CaseCounts, Listed};
use crate::store::outbox::{OutboxCounts, Troubled};
use crate::triage::calendar;

/// Open cases shown; the rest are counted.
const SHOWN: u32 = 15;

struct Board {
    counts: CaseCounts,
    pressing: Vec<Listed>,
    outbox: OutboxCounts,
    troubled: Vec<Troubled>,
    unfetched: Vec<(Place, u32, Option<String>)>,
    last_good_poll_at: Option<DateTime<Utc>>,
}

pub fn run(config_path: &Path, output: Output) -> Outcome {
    let config = office::config(config_path)?;
    let now = Utc::now();
    let board = office::store_to_read(&config)?.read(|tx| {
        Ok::<_, crate::store::StoreError>(Board {
            counts: tx.case_counts(now)?,
            pressing: tx.pressing_cases(SHOWN, now)?,
            outbox: tx.outbox_counts()?,
            troubled: tx.troubled()?,
            unfetched: tx.unfetched()?,
            last_good_poll_at: tx.fact("last_good_poll_at")?.map(crate::store::instant),
        })
    })?;
    if output.json {
        say!("{}", board.as_json());
    } else {
        say::text(&board.page(&config, now));
    }
    Ok(true)
}

impl Board {
    fn as_json(&self) -> serde_json::Value {
        json!({
            "cases": self.counts.all,
            "open": self.counts.open,
            "unanswered": self.counts.unanswered,
            "missed_deadlines": self.counts.missed,
            "outbox": self.outbox,
            "troubled_letters": self.troubled,
            "unfetched": self.unfetched.iter().map(|(place, refusals, error)| json!({
                "mailbox": place.mailbox, "folder": place.folder, "uid": place.uid,
                "refusals": refusals, "error": error,
            })).collect::<Vec<_>>(),
            "last_good_poll_at": self.last_good_poll_at,
        })
    }

    fn page(&self, config: &Config, now: DateTime<Utc>) -> String {
        let mut page = format!(
            "{}   {}\n\n",
            paint(&config.organization.name, Paint::Head),
            config.policy.calendar.show(now)
        );
        page.push_str(&columns(&self.figures(config, now)));
        page.push('\n');
        page.push_str(&self.pressing_cases(now));
        page.push_str(&self.troubles());
        page
    }

    fn figures(&self, config: &Config, now: DateTime<Utc>) -> Vec<Vec<String>> {
        let poll = match self.last_good_poll_at {
            None => paint("never", Paint::Warn),
            Some(at) => {
                let silent = (now - at).to_std().unwrap_or_default() > config.limits.silence;
                let text = calendar::how_far(at, now);
                if silent {
                    paint(&format!("{text}; is the daemon running?"), Paint::Bad)
                } else {
                    paint(&text, Paint::Good)
                }
            }
        };
        let alarm = |count: i64| match count {
            0 => "0".to_owned(),
            count => paint(&count.to_string(), Paint::Bad),
        };
        let figure = |name: &str, value: String| vec![paint(name, Paint::Dim), value];
        vec![
            figure("open cases", self.counts.open.to_string()),
            figure("missed deadlines", alarm(self.counts.missed)),
            figure("not answered", self.counts.unanswered.to_string()),
            figure(
                "outbox",
                format!("{} waiting, {} held", self.outbox.waiting, self.outbox.held),
            ),
            figure("undeliverable", alarm(self.outbox.failed)),
            figure("last good poll", poll),
        ]
    }

    fn pressing_cases(&self, now: DateTime<Utc>) -> String {
        if self.pressing.is_empty() {
            return "nothing open\n".to_owned();
        }
        let mut text = case::table(&self.pressing, now);
        let more = self.counts.pressing - self.pressing.len() as i64;
        if more > 0 {
            text.push_str(&format!("  and {more} more: triaged case list\n"));
        }
        text
    }

    fn troubles(&self) -> String {
        let mut rows = Vec::new();
        for letter in &self.troubled {
            rows.push(vec![
                paint(&letter.state, Paint::Warn),
                format!("{} {}", letter.kind, letter.case.as_deref().unwrap_or("")),
                format!("attempt {}", letter.attempts),
                shown(letter.last_error.as_deref().unwrap_or(""), 80),
            ]);
        }
        for (place, refusals, error) in &self.unfetched {
            rows.push(vec![
                paint("not fetched", Paint::Warn),
                format!("{} uid {}", place.folder, place.uid),
                format!("attempt {refusals}"),
                shown(error.as_deref().unwrap_or(""), 80),
            ]);
        }
        if rows.is_empty() {
            return String::new();
        }
        format!(
            "\n{}\n{}",
            paint("Needs a look", Paint::Head),
            columns(&rows)
        )
    }
}
