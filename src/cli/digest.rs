//! `triaged digest`: what the team should look at, as it would be mailed now.

use std::path::Path;

use chrono::Utc;
use serde_json::json;

use super::say::{self, say};
use super::{Outcome, Output, office};
use crate::notices::digest::Digest;
use crate::team::Teammate;

pub fn run(config_path: &Path, send: bool, output: Output) -> Outcome {
    let config = office::config(config_path)?;
    let desk = office::desk(&config)?;
    let silence = config.limits.silence;
    let now = Utc::now();
    if !send {
        let digest =
            office::store_to_read(&config)?.read(|tx| Digest::gather(tx, &desk, silence, now))?;
        if output.json {
            say!("{}", json!(digest));
        } else {
            say::text(&digest.text());
        }
        return Ok(true);
    }
    let gets_it = |member: &Teammate| {
        let schedule = desk.digest.as_ref();
        schedule.is_none_or(|schedule| schedule.is_for(&member.email))
    };
    let (digest, letters) = office::store_to_write(&config)?.write(|tx| {
        let digest = Digest::gather(tx, &desk, silence, now)?;
        let notice = digest.notice();
        let letters = desk.tell_team(tx, now, |member| gets_it(member).then(|| notice.clone()))?;
        Ok::<_, crate::store::StoreError>((digest, letters))
    })?;
    if letters == 0 {
        return Err(anyhow::anyhow!(
            "nobody gets the digest: no [[team]] section, or digest.to names none of its members"
        )
        .into());
    }
    if output.json {
        say!("{}", json!(digest));
    } else {
        say!("the digest for {letters} members is in the outbox");
    }
    Ok(true)
}
