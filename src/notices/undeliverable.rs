//! Letters to reporters that do not arrive.

use super::deeds::{self, Deed};
use super::sheet::{Block, Fact, Row, Sheet, commands};
use super::words::one_line;
use super::{Notice, NoticeKind, Reader};
use crate::store::cases::CaseView;
use crate::store::tidings::{LostLetter, Tiding};

/// A letter that failed for good, or came back.
#[derive(Clone, Debug)]
pub struct Lost {
    pub tiding: Tiding,
    pub letter: LostLetter,
    /// `None`: it was about no case.
    pub case: Option<CaseView>,
}

pub fn notice(lost: &Lost, reader: &Reader<'_>) -> Notice {
    let title = match lost.letter.automatic {
        true => "An answer of ours does not arrive",
        false => "A letter of yours does not arrive",
    };
    let subject = match &lost.case {
        Some(case) => format!("[{}] {title}", case.id),
        None => title.to_owned(),
    };
    let mut blocks = vec![
        Block::Facts(facts(lost)),
        Block::Words(consequence(lost).to_owned()),
    ];
    if let Some(case) = &lost.case {
        blocks.extend(commands(&case.id, &deeds(case, reader), reader.address()));
    }
    let sheet = Sheet {
        title: title.to_owned(),
        blocks,
        foot: reader.foot(),
    };
    reader.notice(NoticeKind::Undeliverable, subject, &sheet)
}

fn facts(lost: &Lost) -> Vec<Fact> {
    let why = lost.tiding.because.as_deref().map_or_else(
        || "it came back; the mail that brought it is on the case".to_owned(),
        one_line,
    );
    let mut facts = vec![
        Fact::new("letter", lost.letter.kind.replace('_', " ")),
        Fact::new("to", one_line(&lost.letter.to)),
        Fact::new("because", why),
    ];
    if let Some(case) = &lost.case {
        facts.insert(
            0,
            Fact::new("case", format!("{}, {}", case.id, case.status)),
        );
        facts.push(Fact::new("subject", one_line(&case.subject)));
    }
    facts
}

fn consequence(lost: &Lost) -> &'static str {
    match lost.letter.automatic {
        true => {
            "It is not tried again. The sender has no receipt and no dates from us: if there is \
             another way to reach them, use it."
        }
        false => {
            "It is not tried again, and the reporter does not know what it said. The update \
             clock runs from the word before it. If there is another way to reach them, use it."
        }
    }
}

fn deeds(case: &CaseView, reader: &Reader<'_>) -> Vec<Deed> {
    let mut deeds = vec![
        Deed::wanting("note", "/note ", "TEXT"),
        Deed::new("status", &["/status"]),
    ];
    if deeds::is_reached(case, reader) {
        deeds.insert(0, Deed::reply());
    }
    if case.status != "closed" {
        deeds.push(Deed::wanting("close", "/close ", "REASON"));
    }
    deeds::for_reader(deeds, reader)
}

/// One of many.
pub fn row(lost: &Lost, reader: &Reader<'_>) -> Row {
    let case = lost.case.as_ref();
    Row {
        case: case.map(|case| case.id.clone()),
        marks: vec![lost.letter.kind.replace('_', " ")],
        subject: format!("to {}", one_line(&lost.letter.to)),
        who: lost
            .tiding
            .because
            .as_deref()
            .map_or_else(|| "it came back".to_owned(), one_line),
        when: reader.calendar().show(lost.tiding.arose_at),
        links: case.map_or_else(Vec::new, |case| {
            reader.links(&case.id, &deeds(case, reader))
        }),
    }
}
