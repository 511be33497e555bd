//! `[report]`, `[safe_harbour]`, `[recognition]`, `[disclosure]`, `[requests]`, `[status]` and
//! `[replies]`.

use super::sentences::Sentences;
use super::url;
use crate::config::document::{Complaint, Table, Value};
use crate::config::mistake::{nearest, quote};
use crate::config::units;
use crate::triage::policy::{
    Cited, Disclosure, Encrypt, Part, Recognition, Replies, Requests, Routed, Sentence, Span,
    StatusTells, UsefulReport,
};

/// What a report should have, and what one hears who saw other people's data by accident.
pub fn report<'a>(root: &Table<'a>, sentences: &Sentences<'a>) -> (UsefulReport, Option<Sentence>) {
    let read = |table: &Table<'a>| {
        let useful = UsefulReport {
            asks: asks(table, sentences),
            no_real_data: sentences.optional(table, "no_real_data"),
        };
        (useful, sentences.optional(table, "accidental_access"))
    };
    root.section("report", read).unwrap_or_default()
}

/// Each part once, with its words. Without a list: summary, steps and impact.
fn asks<'a>(table: &Table<'a>, sentences: &Sentences<'a>) -> Vec<(Part, Option<Sentence>)> {
    let listed = table.value("asks").map(|value| asked_parts(&value));
    let parts = listed.unwrap_or_else(|| vec![Part::Summary, Part::Steps, Part::Impact]);
    let mut asks: Vec<(Part, Option<Sentence>)> =
        parts.into_iter().map(|part| (part, None)).collect();
    // Where the list itself is wrong, it may be what was meant.
    let is_wrong = table.has_errors();
    table.section("sentences", |table| {
        for part in Part::ALL {
            let sentence = sentences.optional(table, part.as_str());
            match asks.iter_mut().find(|(asked, _)| *asked == part) {
                Some((_, words)) => *words = sentence,
                None if sentence.is_some() && !is_wrong => refuse_unasked(table, part),
                None => {}
            }
        }
    });
    asks
}

fn refuse_unasked(table: &Table, part: Part) {
    if let Some(value) = table.value(part.as_str()) {
        let what = "has a sentence, and report.asks does not ask for it";
        let mend = format!("add {} to report.asks", quote(part.as_str()));
        value.complain(Complaint::new(what, mend));
    }
}

fn asked_parts(value: &Value) -> Vec<Part> {
    if value.is_empty_list() {
        let mend = "name a part, like \"steps\", or take the key out";
        value.complain(Complaint::new("asks for nothing", mend));
    }
    let mut parts = Vec::new();
    for entry in value.list() {
        match entry.parse(part) {
            Some(part) if parts.contains(&part) => {
                let what = format!("{} stands there twice", quote(part.as_str()));
                entry.complain(Complaint::new(what, "keep one of them"));
            }
            part => parts.extend(part),
        }
    }
    parts
}

fn part(text: &str) -> Result<Part, Complaint> {
    Part::parse(text).ok_or_else(|| {
        let near = nearest(text, Part::ALL.map(Part::as_str)).unwrap_or_default();
        let what = format!("{} is not a part of a report", quote(text));
        Complaint::new(what, format!("the nearest one is {}", quote(near)))
    })
}

pub fn safe_harbour<'a>(root: &Table<'a>, sentences: &Sentences<'a>) -> Option<Cited> {
    let mend = "write sentence = \"…\", as the policy says it: the acknowledgement cites it";
    root.section("safe_harbour", |table| Cited {
        sentence: sentences.required(table, "sentence", mend),
        url: table.optional("url", url),
    })
}

pub fn recognition<'a>(root: &Table<'a>, sentences: &Sentences<'a>) -> Recognition {
    let read = |table: &Table<'a>| Recognition {
        credit: sentences.optional(table, "credit"),
        page: table.optional("page", page),
        token: sentences.optional(table, "token"),
        reward: sentences.optional(table, "reward"),
    };
    root.section("recognition", read).unwrap_or_default()
}

/// `refuse` knows what is wrong with a span of heads-up.
pub fn disclosure<'a>(
    root: &Table<'a>,
    sentences: &Sentences<'a>,
    refuse: impl Fn(Span) -> Option<Complaint>,
) -> Disclosure {
    let heads_up = |text: &str| {
        let span = units::span(text)?;
        match span.and_then(&refuse) {
            Some(complaint) => Err(complaint),
            None => Ok(span),
        }
    };
    let read = |table: &Table<'a>| Disclosure {
        sentence: sentences.optional(table, "sentence"),
        heads_up: table.optional("heads_up", heads_up).flatten(),
        page: table.optional("page", page),
    };
    root.section("disclosure", read).unwrap_or_default()
}

/// An address, or the name of a page.
fn page(text: &str) -> Result<String, Complaint> {
    if text.contains("://") {
        url(text)
    } else {
        units::line(text)
    }
}

pub fn requests<'a>(root: &Table<'a>, sentences: &Sentences<'a>) -> Requests {
    let read = |table: &Table<'a>| Requests {
        test_account: sentences.optional(table, "test_account"),
        sandbox: sentences.optional(table, "sandbox"),
        diligence: table.section("diligence", |table| routed(table, sentences)),
        abuse: table.section("abuse", |table| routed(table, sentences)),
        question: sentences.optional(table, "question"),
    };
    root.section("requests", read).unwrap_or_default()
}

fn routed<'a>(table: &Table<'a>, sentences: &Sentences<'a>) -> Routed {
    let mend = "write sentence = \"…\": the answer cites it";
    Routed {
        sentence: sentences.required(table, "sentence", mend),
        address: table.optional("address", units::address),
    }
}

pub fn status(root: &Table) -> StatusTells {
    let read = |table: &Table| {
        let value = table.value("tells")?;
        let facts: Vec<&str> = value
            .list()
            .iter()
            .filter_map(|entry| entry.parse(fact))
            .collect();
        Some(StatusTells {
            status: facts.contains(&"status"),
            severity: facts.contains(&"severity"),
            dates: facts.contains(&"dates"),
        })
    };
    root.section("status", read).flatten().unwrap_or_default()
}

fn fact(text: &str) -> Result<&'static str, Complaint> {
    let facts = ["status", "severity", "dates"];
    units::one_of(&facts.map(|fact| (fact, fact)))(text)
}

pub fn replies(root: &Table) -> Replies {
    let read = |table: &Table| Replies {
        encrypt: table.optional("encrypt", encrypt).unwrap_or_default(),
        name_members: table
            .value("name_members")
            .and_then(|value| value.flag())
            .unwrap_or_default(),
    };
    root.section("replies", read).unwrap_or_default()
}

fn encrypt(text: &str) -> Result<Encrypt, Complaint> {
    units::one_of(&Encrypt::ALL.map(|when| (when.as_str(), when)))(text)
}
