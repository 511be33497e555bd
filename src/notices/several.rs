//! What came at once, as one mail: a table, and the quickest commands of each.

use super::sheet::{Block, Row, Sheet};
use super::{Notice, NoticeKind, Reader};
use crate::store::tidings::TidingKind;

/// Rows that one mail shows; of more it says how many they are.
pub const SHOWN_AT_MOST: usize = 150;

/// `total`: rows there would be without the bound.
pub fn notice(kind: TidingKind, rows: Vec<Row>, total: usize, reader: &Reader<'_>) -> Notice {
    let title = format!("{total} {}", words(kind));
    let mut blocks = vec![Block::Words(
        "They came faster than single mails are of use, so this is one for all of them. What comes \
         next waits longer each time, an hour at most, and nothing is left out."
            .to_owned(),
    )];
    let more = total.saturating_sub(rows.len());
    blocks.push(Block::Rows(rows));
    if more > 0 {
        blocks.push(Block::Words(format!(
            "And {more} more, which no mail describes: triaged case list on the server, and the \
             digest, have them all."
        )));
    }
    let sheet = Sheet {
        title: title.clone(),
        blocks,
        foot: reader.foot(),
    };
    reader.notice(NoticeKind::of(kind), title, &sheet)
}

fn words(kind: TidingKind) -> &'static str {
    match kind {
        TidingKind::Report => "new cases",
        TidingKind::FollowUp => "mails of reporters",
        TidingKind::Unreadable => "mails that could not be read",
        TidingKind::Undeliverable => "letters that do not arrive",
        TidingKind::Refused => "series of refused commands",
    }
}
