//! A notice in parts, and its two views: text and HTML.
//!
//! What strangers wrote is in [`Block::Theirs`] and in values of facts and rows alone. None of it
//! can become a command in an answer that quotes badly: in both views each of its lines that could
//! be one has a mark before it. Everything is escaped in HTML; nothing there is loaded from
//! anywhere, and no script runs.

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::deeds::Deed;
use super::words::{fact, folded};
use super::{mailto, page};

const WIDTH: usize = 72;
/// Columns of the name of a fact, with its value behind it.
const NAMES_AT_MOST: usize = 13;
/// Before each line of theirs.
pub(super) const MARK: &str = "| ";
/// Characters of theirs that one notice shows; more is on the case.
const THEIRS_AT_MOST: usize = 60_000;

#[derive(Clone, Debug, Serialize)]
pub struct Sheet {
    pub title: String,
    pub blocks: Vec<Block>,
    /// Why the reader gets this, and what else there is: small, at the end.
    pub foot: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// What must not be overlooked.
    Alert(String),
    Words(String),
    Heading(String),
    Facts(Vec<Fact>),
    /// Commands for a shell, to be copied.
    Steps(Vec<String>),
    /// The text of a mail, as it came.
    Theirs(String),
    Rows(Vec<Row>),
    Commands(Commands),
}

#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    pub name: String,
    pub value: String,
}

/// One of many, in a few words.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub case: Option<String>,
    /// What it is, and its labels.
    pub marks: Vec<String>,
    pub subject: String,
    pub who: String,
    pub when: String,
    pub links: Vec<Link>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Commands {
    pub case: String,
    pub choices: Vec<Choice>,
}

/// One thing to do: to be copied, and as a link.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    pub lines: Vec<String>,
    pub link: Link,
}

#[derive(Clone, Debug, Serialize)]
pub struct Link {
    pub label: String,
    pub href: String,
}

impl Fact {
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            value: value.into(),
        }
    }

    fn text(&self) -> String {
        match self.name.width() < NAMES_AT_MOST {
            true => fact(&self.name, &self.value),
            false => format!("    {}\n{}", self.name, fact("", &self.value)),
        }
    }
}

impl Link {
    pub fn of(deed: &Deed, case: &str, to: &str) -> Self {
        Self {
            label: deed.label.clone(),
            href: mailto::link(to, &deed.linked(case)),
        }
    }
}

/// The commands that fit, as a block; none where nothing does.
pub fn commands(case: &str, deeds: &[Deed], to: &str) -> Option<Block> {
    let choice = |deed: &Deed| Choice {
        lines: deed.shown(case),
        link: Link::of(deed, case, to),
    };
    (!deeds.is_empty()).then(|| {
        Block::Commands(Commands {
            case: case.to_owned(),
            choices: deeds.iter().map(choice).collect(),
        })
    })
}

/// Text of theirs, bounded, each line of it marked.
pub fn theirs(text: &str) -> Block {
    // Some programs break a line at these when they quote it.
    let mut shown: String = text
        .chars()
        .map(|c| {
            if matches!(c, '\u{2028}' | '\u{2029}') {
                '\n'
            } else {
                c
            }
        })
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .take(THEIRS_AT_MOST)
        .collect();
    if shown.len() < text.len() && text.chars().count() > THEIRS_AT_MOST {
        shown.push_str("\n\n… it is longer; the whole text is on the case");
    }
    Block::Theirs(shown.trim_end().to_owned())
}

impl Sheet {
    pub fn text(&self) -> String {
        let mut text = String::new();
        for block in &self.blocks {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&block.text());
        }
        text.push('\n');
        for line in folded(&self.foot, WIDTH) {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// `None` where it cannot be made: the text says the same.
    pub fn html(&self) -> Option<String> {
        #[derive(Serialize)]
        struct View<'a> {
            notice: &'a Sheet,
            frame: &'static str,
        }
        let page = page::render(
            "notice.html",
            &View {
                notice: self,
                frame: "frame narrow",
            },
        );
        match page {
            Ok(page) => Some(page),
            Err(error) => {
                tracing::error!(event = "notice_without_html", "{error}");
                None
            }
        }
    }
}

impl Block {
    fn text(&self) -> String {
        match self {
            Self::Alert(words) => paragraph(words),
            Self::Words(words) => paragraph(words),
            Self::Heading(words) => format!("{words}\n{}\n", "-".repeat(words.width())),
            Self::Facts(facts) => facts.iter().map(Fact::text).collect(),
            Self::Steps(steps) => steps
                .iter()
                .map(|step| format!("        {step}\n"))
                .collect(),
            Self::Theirs(text) => text
                .lines()
                .map(|line| format!("{}\n", format!("{MARK}{line}").trim_end()))
                .collect(),
            Self::Rows(rows) => rows.iter().map(Row::text).collect(),
            Self::Commands(commands) => commands.text(),
        }
    }
}

impl Row {
    fn text(&self) -> String {
        let case = self.case.as_deref().unwrap_or("-");
        let marks = self.marks.join(", ");
        let mut text = String::new();
        for line in folded(&format!("{case}  {marks}"), WIDTH) {
            text.push_str(&format!("{line}\n"));
        }
        for part in [&self.subject, &self.who, &self.when] {
            for line in folded(part, WIDTH - 4) {
                if !line.is_empty() {
                    text.push_str(&format!("    {line}\n"));
                }
            }
        }
        for link in &self.links {
            text.push_str(&format!("    {}: <{}>\n", link.label, link.href));
        }
        text.push('\n');
        text
    }
}

impl Commands {
    fn text(&self) -> String {
        let mut text = paragraph(&format!(
            "Commands for {}: send one of these in a signed mail. A link opens such a mail.",
            self.case
        ));
        for choice in &self.choices {
            text.push('\n');
            for line in &choice.lines {
                text.push_str(&format!("    {line}\n"));
            }
            text.push_str(&format!("    <{}>\n", choice.link.href));
        }
        text
    }
}

fn paragraph(words: &str) -> String {
    folded(words, WIDTH)
        .iter()
        .map(|line| format!("{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_theirs_has_a_mark_whatever_ends_it() {
        let sheet = Sheet {
            title: String::new(),
            blocks: vec![theirs("a\u{2028}/accept\u{2029}/spam\r\n/close it\u{7}")],
            foot: String::new(),
        };
        let text = sheet.text();
        assert!(
            text.starts_with("| a\n| /accept\n| /spam\n| /close it\n"),
            "{text}"
        );
        let html = sheet.html().unwrap();
        assert!(
            html.contains("a\n| &#x2f;accept\n| &#x2f;spam\n| &#x2f;close it<"),
            "{html}"
        );
    }
}
