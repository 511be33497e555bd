//! Commands that were refused too often within a day.

use super::sheet::{Block, Fact, Row, Sheet};
use super::words::one_line;
use super::{Notice, NoticeKind, Reader};
use crate::store::tidings::Tiding;

/// Of one member's typing errors, or of somebody who tries to command us.
pub fn notice(tiding: &Tiding, reader: &Reader<'_>) -> Notice {
    let words = "Commands by mail were refused three times within a day, and nothing was changed \
                 by them. If nobody of you sent them, somebody tries to command the security \
                 address: the records have each attempt as an event, command_refused.";
    let sheet = Sheet {
        title: "Commands were refused".to_owned(),
        blocks: vec![
            Block::Words(words.to_owned()),
            Block::Facts(attempts(tiding, reader)),
        ],
        foot: reader.foot(),
    };
    let subject = "Commands were refused three times within a day".to_owned();
    reader.notice(NoticeKind::Refused, subject, &sheet)
}

fn attempts(tiding: &Tiding, reader: &Reader<'_>) -> Vec<Fact> {
    let mut facts = vec![Fact::new("at", reader.calendar().show(tiding.arose_at))];
    if let Some(about) = &tiding.about {
        facts.push(Fact::new("case", &about.case.number));
    }
    let because = tiding.because.as_deref().unwrap_or_default();
    let attempts = because.lines().filter(|line| !line.trim().is_empty());
    facts.extend(attempts.map(|line| Fact::new("refused", one_line(line))));
    facts
}

/// One of many.
pub fn row(tiding: &Tiding, reader: &Reader<'_>) -> Row {
    let because = tiding.because.as_deref().unwrap_or_default();
    Row {
        case: tiding.about.as_ref().map(|about| about.case.number.clone()),
        marks: vec!["refused".to_owned()],
        subject: one_line(because),
        who: String::new(),
        when: reader.calendar().show(tiding.arose_at),
        links: Vec::new(),
    }
}
