//! `triaged demo`: a tour over sample mails on a local Maildir.
//!
//! It runs the real path, with fresh keys and a real policy; letters go to a folder instead of a
//! mail server.
//!
//! ```text
//! tour     the folder, the people and their keys; a mail comes, the daemon makes a pass
//! mails    what comes
//! scenes   what there is to see, one after the other
//! show     headings and excerpts of letters, within 80 columns
//! ```

use anyhow::Context;
use chrono::Utc;

use super::Outcome;
use super::paint::{Paint, paint};
use super::say::{self, say};
use tour::Tour;

mod mails;
mod scenes;
mod show;
mod tour;

pub fn run(keep: bool) -> Outcome {
    let folder = tempfile::Builder::new()
        .prefix("triaged-demo-")
        .tempdir()
        .context("a temporary folder")?;
    say!(
        "{}\n\n\
         Cloudarq has a security address, a disclosure policy, and Ada, who decides.\n\
         Mails lie in a Maildir, letters go to a folder beside it, and nothing leaves\n\
         this machine. Keys are fresh; the program does what it does for a real mailbox.",
        paint("triaged: a tour", Paint::Head),
    );
    let mut tour = Tour::set_up(folder.path(), Utc::now())?;
    for (position, scene) in scenes::ALL.iter().enumerate() {
        say::text(&show::heading(position + 1, scene.title));
        say::text(&(scene.play)(&mut tour)?);
    }
    if keep {
        let _dir = folder.keep();
        say::text(&scenes::what_stays(&tour)?);
    } else {
        say!("\nThe folder is gone again; `triaged demo --keep` leaves it, ready for `run`.");
    }
    Ok(true)
}
