//! That something came, where it cannot be shown.

use super::sheet::{Block, Fact, Row, Sheet};
use super::{Notice, NoticeKind, Reader, deeds, sheet};
use crate::store::tidings::Tiding;

pub fn notice(tiding: &Tiding, reader: &Reader<'_>) -> Notice {
    let title = "A notice that could not be made".to_owned();
    let mut blocks = vec![
        Block::Facts(vec![
            Fact::new("of", tiding.kind.as_str().replace('_', " ")),
            Fact::new("at", reader.calendar().show(tiding.arose_at)),
        ]),
        Block::Words(
            "The program stumbled over what it should show here. Nothing is lost: the case has it."
                .to_owned(),
        ),
    ];
    let subject = match &tiding.about {
        Some(about) => {
            let number = &about.case.number;
            let deeds = vec![deeds::Deed::new("status", &["/status"])];
            let deeds = deeds::for_reader(deeds, reader);
            blocks.extend(sheet::commands(number, &deeds, reader.address()));
            format!("[{number}] {title}")
        }
        None => title.clone(),
    };
    let sheet = Sheet {
        title,
        blocks,
        foot: reader.foot(),
    };
    reader.notice(NoticeKind::of(tiding.kind), subject, &sheet)
}

pub fn row(tiding: &Tiding, reader: &Reader<'_>) -> Row {
    Row {
        case: tiding.about.as_ref().map(|about| about.case.number.clone()),
        marks: vec![tiding.kind.as_str().replace('_', " ")],
        subject: String::new(),
        who: String::new(),
        when: reader.calendar().show(tiding.arose_at),
        links: Vec::new(),
    }
}
