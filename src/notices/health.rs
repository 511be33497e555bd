//! What is wrong with us: mail that is not fetched or waits for a key, keys that expire.

use chrono::{DateTime, Utc};

use super::sheet::{Block, Fact, Sheet};
use super::words::one_line;
use super::{Notice, NoticeKind, Reader};
use crate::expiry::{Expiring, Owner};
use crate::triage::calendar::how_far;

/// Keys that one mail describes; of more it says how many they are.
const DESCRIBED_AT_MOST: usize = 40;

/// The mailbox was not read for long. `since`: the last good poll, or the first attempt.
pub fn of_silence(since: DateTime<Utc>, error: Option<&str>, reader: &Reader<'_>) -> Notice {
    let shown = reader.calendar().show(since);
    let far = how_far(since, reader.now);
    let error = error.map_or_else(|| "none was seen".to_owned(), one_line);
    let blocks = vec![
        Block::Alert(
            "No mail of the security address was fetched for a while. Reports may lie in the \
             mailbox, and nobody is answered."
                .to_owned(),
        ),
        Block::Facts(vec![
            Fact::new("since", format!("{shown} ({far})")),
            Fact::new("last error", error),
            Fact::new("look at it", "triaged doctor; triaged status"),
        ]),
        Block::Words(
            "It is tried again by itself. Nothing is lost as long as it stays in the mailbox. \
             This is told once, until the mailbox was read again."
                .to_owned(),
        ),
    ];
    let subject = format!("The mailbox was last read {far}");
    let sheet = Sheet {
        title: subject.clone(),
        blocks,
        foot: reader.foot(),
    };
    reader.notice(NoticeKind::Silence, subject, &sheet)
}

/// Mails that are not recorded because a key of ours is away, as one mail.
pub fn of_waiting(mails: usize, since: DateTime<Utc>, why: &str, reader: &Reader<'_>) -> Notice {
    let blocks = vec![
        Block::Alert(
            "Mail waits in the mailbox and is not recorded, so that no case has its dates and \
             no reporter was answered."
                .to_owned(),
        ),
        Block::Facts(vec![
            Fact::new("mails", mails.to_string()),
            Fact::new("since", reader.calendar().show(since)),
            Fact::new("because", why),
            Fact::new("look at it", "triaged doctor; triaged status"),
        ]),
        Block::Words(
            "It is tried again by itself. Nothing is lost as long as it stays in the mailbox."
                .to_owned(),
        ),
    ];
    let subject = "Mail cannot be read: a key is away".to_owned();
    let sheet = Sheet {
        title: subject.clone(),
        blocks,
        foot: reader.foot(),
    };
    reader.notice(NoticeKind::Waiting, subject, &sheet)
}

/// Keys and certificates that expire, as one mail.
pub fn of_expiries(expiring: &[&Expiring], reader: &Reader<'_>) -> Notice {
    let described = expiring.iter().take(DESCRIBED_AT_MOST);
    let mut blocks: Vec<Block> = described
        .flat_map(|expiring| of_expiry(expiring, reader.now))
        .collect();
    blocks.push(Block::Words(
        "Told 60, 30, 14 and 7 days before, and when it has expired, once each; until then the \
         digest and `triaged doctor` show it."
            .to_owned(),
    ));
    let subject = match expiring {
        [only] => {
            let whose = match &only.owner {
                Owner::Us => "our key".to_owned(),
                Owner::Member(email) => format!("the certificate of {email}"),
            };
            let verb = match only.is_past(reader.now) {
                true => "expired",
                false => "expires",
            };
            format!("{whose} {verb} {}", how_far(only.expires_at, reader.now))
        }
        several => format!("{} keys and certificates expire", several.len()),
    };
    let sheet = Sheet {
        title: subject.clone(),
        blocks,
        foot: reader.foot(),
    };
    reader.notice(NoticeKind::Expiry, subject, &sheet)
}

fn of_expiry(one: &Expiring, now: DateTime<Utc>) -> Vec<Block> {
    let whose = match &one.owner {
        Owner::Us => "the key of the security address".to_owned(),
        Owner::Member(email) => format!("the certificate of {email}"),
    };
    vec![
        Block::Heading(whose),
        Block::Facts(vec![
            Fact::new("key", &one.certificate),
            Fact::new("state", one.stands(now)),
        ]),
        Block::Steps(one.steps()),
    ]
}
