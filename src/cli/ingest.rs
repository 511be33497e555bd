//! `triaged ingest`: mails from files through the same path as from the mailbox.

use std::path::{Path, PathBuf};

use chrono::Utc;
use serde_json::json;

use super::say::{complain, say};
use super::{Outcome, Output, files, office};
use crate::intake::{self, Mail, Opened, Recorded};
use crate::letters::Desk;
use crate::mailbox::Lane;
use crate::store::{Store, StoreError};
use crate::triage::decide::Unanswered;

/// So many mails share a transaction, and so many bytes unless one mail alone is larger.
const TOGETHER: usize = 64;
const BYTES_TOGETHER: u64 = 1_000_000;

pub fn run(config_path: &Path, paths: &[PathBuf], no_reply: bool, output: Output) -> Outcome {
    let config = office::config(config_path)?;
    let desk = office::desk(&config)?;
    let store = office::store(&config)?;
    let mut waiting: Vec<(String, Opened)> = Vec::new();
    let mut not_yet = 0;
    let all_well = files::for_each(paths, |found| {
        let name = found.name.clone();
        let mail = as_mail(found, config.limits.max_message, no_reply);
        let opened = intake::open_mail(mail, &desk, Utc::now());
        if opened.waits_for_key() {
            complain!("{name}: not recorded: {}; try again", intake::AWAY);
            not_yet += 1;
            return Ok(());
        }
        waiting.push((name, opened));
        let bytes: u64 = waiting.iter().map(|(_, opened)| opened.mail.size).sum();
        if waiting.len() == TOGETHER || bytes > BYTES_TOGETHER {
            record(&store, &desk, &mut waiting, output)?;
        }
        Ok(())
    })?;
    record(&store, &desk, &mut waiting, output)?;
    Ok(all_well && not_yet == 0)
}

pub(super) fn as_mail(found: files::FoundMail, max_message: u64, no_reply: bool) -> Mail {
    let size = found.bytes.len() as u64;
    let now = Utc::now();
    let too_large = size > max_message;
    let (raw, kept) = if too_large {
        // The file may be gone tomorrow, so all of it is kept, though only the header is read.
        (header_block(&found.bytes).to_vec(), Some(found.bytes))
    } else {
        (found.bytes, None)
    };
    Mail {
        raw,
        kept,
        size,
        lane: Lane::Inbox,
        received_at: found.received_at.filter(|at| *at <= now).unwrap_or(now),
        too_large,
        unanswered: no_reply.then_some(Unanswered::OnRequest),
        place: None,
    }
}

/// Up to and with the first blank line.
fn header_block(bytes: &[u8]) -> &[u8] {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if line.iter().all(u8::is_ascii_whitespace) {
            break;
        }
    }
    bytes.get(..end).unwrap_or(bytes)
}

fn record(
    store: &Store,
    desk: &Desk,
    waiting: &mut Vec<(String, Opened)>,
    output: Output,
) -> Result<(), StoreError> {
    let recorded = store.write(|tx| {
        waiting
            .iter_mut()
            .map(|(_, opened)| intake::record(tx, opened, desk, Utc::now()))
            .collect::<Result<Vec<Recorded>, StoreError>>()
    })?;
    for ((name, _), recorded) in waiting.drain(..).zip(recorded) {
        if output.json {
            say!(
                "{}",
                json!({
                    "file": name,
                    "kind": recorded.kind.as_str(),
                    "case": recorded.case,
                    "case_created": recorded.opened_case,
                    "known_already": recorded.known_already,
                    "replies": recorded.replies,
                })
            );
        } else {
            say!("{name}: {}", in_words(&recorded));
        }
    }
    Ok(())
}

fn in_words(recorded: &Recorded) -> String {
    if recorded.known_already {
        return "recorded already, nothing new".to_owned();
    }
    let case = recorded.case.as_deref().unwrap_or("no case");
    let answer = match recorded.replies {
        0 => "not answered",
        _ => "its answer is in the outbox",
    };
    format!("{} ({case}), {answer}", recorded.kind.as_str())
}
