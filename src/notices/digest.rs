//! The digest: once a day, the whole board.
//!
//! ```text
//! gather       the records -> notices::board::Board
//! text         plain text with bars; the JSON is the board itself
//! page         HTML with pictures, for mails and for files
//! mail         text and page to the team
//! set_mailed   what the schedule told is not told again
//! ```

use super::board::Board;
use super::{Notice, NoticeKind, page};
use crate::config::Role;
use crate::letters::Desk;
use crate::mail::compose::Html;
use crate::store::{StoreError, Tx};
use crate::team::Teammate;

mod gather;
mod text;

pub use gather::{RECONCILED_AT, Weekly, gather};
pub use text::text;

/// Facts: the instant of the schedule that was last made up for, when a digest was last mailed by
/// it, and when the last one that had the numbers of a week was.
pub const DUE_AT: &str = "digest_due_at";
pub const MAILED_AT: &str = "digest_mailed_at";
pub const WEEK_OF: &str = "digest_week_at";

/// Has it nothing to tell? Then it waits for the first one of the week. Mails of programs wait for
/// the next digest, and keys that expire have notices of their own.
pub fn is_empty(board: &Board) -> bool {
    let totals = &board.totals;
    let listed = [
        board.open,
        totals.decide,
        totals.due_soon,
        totals.half_way,
        totals.new,
        totals.unreadable,
        totals.letters,
        board.health.problems.len(),
    ];
    listed.iter().all(|count| *count == 0)
}

/// It was mailed by the schedule: what passed the half of its time is not listed again.
pub fn set_mailed(tx: &Tx<'_>, board: &Board) -> Result<(), StoreError> {
    let listed = [&board.decide, &board.due_soon, &board.half_way];
    for pressing in listed.into_iter().flatten() {
        tx.set_half_told(&pressing.card.case, &pressing.clock, board.at)?;
    }
    tx.set_fact(MAILED_AT, board.at.timestamp())?;
    match &board.week {
        Some(_) => tx.set_fact(WEEK_OF, board.at.timestamp()),
        None => Ok(()),
    }
}

/// Mails it to the members for whom `is_for` holds; observers get it without commands. Returns how
/// many letters that are.
pub fn mail(
    tx: &Tx<'_>,
    desk: &Desk,
    board: &Board,
    is_for: impl Fn(&Teammate) -> bool,
) -> Result<usize, StoreError> {
    let readers = || desk.team.members().iter().filter(|member| is_for(member));
    let of_role = |role: Role| readers().any(|member| member.role == role);
    let of_members = of_role(Role::Member).then(|| notice(board));
    let of_observers = of_role(Role::Observer).then(|| notice(&board.without_commands()));
    desk.tell_team(tx, board.at, |member| {
        let notice = match member.role {
            Role::Member => &of_members,
            Role::Observer => &of_observers,
        };
        notice.clone().filter(|_| is_for(member))
    })
}

pub fn notice(board: &Board) -> Notice {
    Notice {
        kind: NoticeKind::Digest,
        subject: subject(board),
        text: text(board),
        html: html(board),
        files: Vec::new(),
    }
}

/// Where it cannot be made, the text says the same.
fn html(board: &Board) -> Option<Html> {
    page::board::of_mail(board)
        .inspect_err(|error| tracing::error!(event = "digest_without_html", "{error}"))
        .ok()
}

fn subject(board: &Board) -> String {
    let what = match board.week {
        Some(_) => "Digest of the week",
        None => "Digest",
    };
    let missed = board.totals.missed;
    let soon = board.totals.decide.saturating_sub(missed);
    let stands = match (missed, soon, board.open) {
        (0, 0, 0) => "nothing open".to_owned(),
        (0, 0, open) => format!("{open} open, nothing pressing"),
        (0, soon, open) => format!("{soon} to decide, {open} open"),
        (missed, 0, open) => format!("{missed} missed, {open} open"),
        (missed, soon, open) => format!("{missed} missed, {soon} to decide, {open} open"),
    };
    format!("{what}: {stands}")
}
