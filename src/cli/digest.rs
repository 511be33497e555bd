//! `triaged digest`: the whole board, as it would be mailed now.

use std::path::Path;

use chrono::Utc;
use serde_json::json;

use super::say::{self, say};
use super::{Outcome, Output, office};
use crate::config::Config;
use crate::letters::Desk;
use crate::notices::board::Board;
use crate::notices::digest::{self, Weekly};
use crate::store::StoreError;
use crate::team::Teammate;

pub fn run(config_path: &Path, send: bool, weekly: Weekly, output: Output) -> Outcome {
    let config = office::config(config_path)?;
    let desk = office::desk(&config)?;
    match send {
        true => mail(&config, &desk, weekly, output),
        false => show(&config, &desk, weekly, output),
    }
}

fn show(config: &Config, desk: &Desk, weekly: Weekly, output: Output) -> Outcome {
    let (silence, now) = (config.limits.silence, Utc::now());
    let store = office::store_to_read(config)?;
    let board = store.read(|tx| digest::gather(tx, desk, silence, weekly, now))?;
    if output.json {
        say!("{}", json!(board));
    } else {
        say::text(&digest::text(&board));
    }
    Ok(true)
}

fn mail(config: &Config, desk: &Desk, weekly: Weekly, output: Output) -> Outcome {
    let (silence, now) = (config.limits.silence, Utc::now());
    let gets_it = |member: &Teammate| {
        let schedule = desk.digest.as_ref();
        schedule.is_none_or(|schedule| schedule.is_for(&member.email))
    };
    let (board, letters): (Board, usize) = office::store_to_write(config)?.write(|tx| {
        let board = digest::gather(tx, desk, silence, weekly, now)?;
        let notice = digest::notice(&board);
        let letters = desk.tell_team(tx, now, |member| gets_it(member).then(|| notice.clone()))?;
        Ok::<_, StoreError>((board, letters))
    })?;
    if letters == 0 {
        return Err(anyhow::anyhow!(
            "nobody gets the digest: no [[team]] section, or digest.to names none of its members"
        )
        .into());
    }
    if output.json {
        say!("{}", json!(board));
    } else {
        say!("the digest for {letters} members is in the outbox");
    }
    Ok(true)
}
