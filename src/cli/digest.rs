//! `triaged digest`: the whole board, as it would be mailed now.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use chrono::Utc;
use serde_json::json;
use tempfile::NamedTempFile;

use super::say::{self, say};
use super::{Failure, Outcome, Output, office};
use crate::config::Config;
use crate::letters::Desk;
use crate::notices::board::Board;
use crate::notices::digest::{self, Weekly};
use crate::notices::page;
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

/// The same as a page, for the archive and the wall.
pub fn write_page(config_path: &Path, file: &Path, weekly: Weekly, output: Output) -> Outcome {
    let config = office::config(config_path)?;
    let desk = office::desk(&config)?;
    let board = gather(&config, &desk, weekly)?;
    if file == Path::new("-") {
        say::text(&as_page(&board)?);
        return Ok(true);
    }
    save(&board, file)?;
    if output.json {
        say!("{}", json!(board));
    } else {
        say!("the digest is in {}", file.display());
    }
    Ok(true)
}

/// Writes the page into a file.
pub fn save(board: &Board, file: &Path) -> anyhow::Result<()> {
    replace(file, as_page(board)?.as_bytes())
        .with_context(|| format!("{}: cannot be written", file.display()))
}

fn as_page(board: &Board) -> anyhow::Result<String> {
    page::board::of_file(board).context("the digest as a page")
}

/// At any moment the file is the old one or the new one, whole, and nobody but its owner reads
/// what reporters wrote.
fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    // A pipe, or a device as /dev/stdout: another file in its place would take it away from the system.
    if fs::metadata(file).is_ok_and(|it| !it.is_file() && !it.is_dir()) {
        return File::options().write(true).open(file)?.write_all(bytes);
    }
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // With mode 0600, and gone again where it is not kept.
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    File::open(folder)?.sync_all()
}

fn gather(config: &Config, desk: &Desk, weekly: Weekly) -> Result<Board, Failure> {
    let (silence, now) = (config.limits.silence, Utc::now());
    let store = office::store_to_read(config)?;
    Ok(store.read(|tx| digest::gather(tx, desk, silence, weekly, now))?)
}

fn show(config: &Config, desk: &Desk, weekly: Weekly, output: Output) -> Outcome {
    let board = gather(config, desk, weekly)?;
    if output.json {
        say!("{}", json!(board));
    } else {
        say::text(&digest::text(&board));
    }
    Ok(true)
}

fn mail(config: &Config, desk: &Desk, weekly: Weekly, output: Output) -> Outcome {
    let (board, letters) = enqueue(config, desk, weekly)?;
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

/// Into the outbox, to all who get it. Returns it, and how many letters that are.
pub fn enqueue(config: &Config, desk: &Desk, weekly: Weekly) -> Result<(Board, usize), Failure> {
    let (silence, now) = (config.limits.silence, Utc::now());
    let gets_it = |member: &Teammate| {
        let schedule = desk.digest.as_ref();
        schedule.is_none_or(|schedule| schedule.is_for(&member.email))
    };
    Ok(office::store_to_write(config)?.write(|tx| {
        let board = digest::gather(tx, desk, silence, weekly, now)?;
        let letters = digest::mail(tx, desk, &board, gets_it)?;
        Ok::<_, StoreError>((board, letters))
    })?)
}
