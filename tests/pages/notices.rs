//! Notices, put together by hand.

use triaged::notices::sheet::{Block, Choice, Commands, Fact, Link, Row, Sheet, theirs};

pub fn usual() -> Sheet {
    sheet(vec![
        Block::Alert("A mail says that this weakness is exploited already.".into()),
        Block::Facts(vec![
            Fact::new("case", "SEC-2026-0001, new"),
            Fact::new("from", "Rita Researcher <rita@research.example>"),
            Fact::new("subject", "Stored XSS in the comment form"),
            Fact::new("SHA-256", "4711abcd".repeat(8)),
        ]),
        Block::Heading("Labels".into()),
        Block::Facts(vec![
            Fact::new(
                "possible_duplicate",
                "the same a.example/b as SEC-2026-0003",
            ),
            Fact::new("active_exploitation", "seen in the wild"),
        ]),
        Block::Heading("Text".into()),
        theirs("Hello,\n\nthe comment form stores <script>.\n\nRegards\nRita"),
        Block::Heading("To do".into()),
        Block::Words("Look at it on the server:".into()),
        Block::Steps(vec!["triaged case show SEC-2026-0001".into()]),
        commands(),
    ])
}

/// Each of these words wherever a stranger's can stand.
pub fn hostile(words: &[&str]) -> Sheet {
    let facts = words
        .iter()
        .map(|words| Fact::new("subject", *words))
        .chain([Fact::new(&"W".repeat(200), "a file")]);
    let rows = words.iter().map(|words| row(words));
    sheet(vec![
        Block::Facts(facts.collect()),
        theirs(&words.join("\n")),
        Block::Rows(rows.collect()),
        commands(),
    ])
}

pub fn many(count: usize) -> Sheet {
    let rows = (0..count).map(|_| row("Stored XSS in the comment form"));
    sheet(vec![Block::Rows(rows.collect())])
}

fn sheet(blocks: Vec<Block>) -> Sheet {
    Sheet {
        title: "New report".into(),
        blocks,
        foot: "From triaged at Example Corp.".into(),
    }
}

fn row(words: &str) -> Row {
    Row {
        case: Some("SEC-2026-0001".into()),
        marks: vec!["report".into(), "high?".into()],
        subject: words.into(),
        who: words.into(),
        when: "Friday 12 June 2026, 16:12 CEST".into(),
        links: ["accept", "ask for more", "spam", "take it"]
            .map(link)
            .into(),
    }
}

fn commands() -> Block {
    let choice = |label| Choice {
        lines: vec!["/case SEC-2026-0001".into(), format!("/{label}")],
        link: link(label),
    };
    Block::Commands(Commands {
        case: "SEC-2026-0001".into(),
        choices: ["accept", "spam"].map(choice).into(),
    })
}

fn link(label: &str) -> Link {
    let body = "%2Fcase%20SEC-2026-0001%0D%0A%2Faccept";
    Link {
        label: label.into(),
        href: format!("mailto:security@corp.example?subject=Command&body={body}"),
    }
}
