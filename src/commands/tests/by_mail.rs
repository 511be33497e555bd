//! Commands by mail on records, with orders made by hand: what is counted, told and kept.

use super::*;
use crate::commands::mail::{Asked, take_up};
use crate::mail::message::{Digest, Message};
use crate::store::cases::EventView;
use crate::store::tidings::TidingKind;
use crate::triage::orders::{FromMember, Lines, Mark, Order, Orders, Said, Why};

const ALICE: &str = "alice@example.test";

/// Orders of Alice under a signature of this second.
fn from_alice(said: Said, signed_at: Option<DateTime<Utc>>) -> Orders {
    let mark = |signed_at| Mark {
        signer: "ALICE".to_owned(),
        signed_at,
        digest: Digest::of(b"words"),
    };
    Orders::OfMember(FromMember {
        name: "Alice".to_owned(),
        email: ALICE.to_owned(),
        marks: signed_at.map(mark).into_iter().collect(),
        said,
    })
}

fn forged() -> Orders {
    from_alice(Said::Refused(Why::Unsigned), None)
}

impl World {
    fn lines(&self, lines: &[&str]) -> Said {
        let orders = lines.iter().map(|line| Order {
            case: self.case.number.clone(),
            line: (*line).to_owned(),
            command: Command::parse(line).unwrap(),
        });
        Said::Commands(Lines {
            orders: orders.collect(),
            ..Lines::default()
        })
    }

    /// How many letters that makes.
    fn take(&self, orders: &Orders, at: DateTime<Utc>) -> usize {
        self.take_as(orders, at, |_| {})
    }

    fn take_as(
        &self,
        orders: &Orders,
        at: DateTime<Utc>,
        change: impl Fn(&mut Asked<'_>),
    ) -> usize {
        let mut message = Message::unread(Digest::of(b"mail"), 1);
        message.text = "/case SEC-2026-0001\n/accept\n".to_owned();
        let mut asked = Asked {
            orders,
            message: &message,
            id: 1,
            received_at: at,
            only_recorded: None,
            is_automatic: false,
            files: &|_| Vec::new(),
        };
        change(&mut asked);
        self.store
            .write(|tx| take_up(tx, &self.desk, &asked, at))
            .unwrap();
        self.send_all(at)
    }

    fn refused_events(&self) -> Vec<serde_json::Value> {
        let since = monday() - Duration::days(1);
        let events = self.store.read(|tx| tx.refused_since(since, 100));
        let mut events = events.unwrap();
        events.reverse();
        events
    }

    fn told_of_refused(&self) -> Vec<String> {
        let tidings = self
            .store
            .read(|tx| tx.tidings_untold(TidingKind::Refused, 10));
        let tidings = tidings.unwrap().into_iter();
        tidings.filter_map(|tiding| tiding.because).collect()
    }

    fn events(&self) -> Vec<EventView> {
        self.detail(monday()).events
    }
}

#[test]
fn all_lines_act_or_none() {
    let world = World::new();
    let before = world.detail(monday());
    let half = from_alice(
        world.lines(&["/severity high", "/accept", "/reopen"]),
        Some(monday()),
    );
    assert_eq!(world.take(&half, days(1)), 1, "the transcript alone");
    let after = world.detail(monday());
    assert_eq!((&after.case, &after.events), (&before.case, &before.events));
    assert_eq!(after.messages, before.messages);
    let refused = world.refused_events();
    assert_eq!(
        (&refused[0]["why"], &refused[0]["tried"][0]),
        (&"wrong".into(), &"/reopen".into())
    );
    assert_eq!(refused[0]["by"], "Alice");

    let whole = from_alice(world.lines(&["/severity high", "/accept"]), Some(days(1)));
    assert_eq!(
        world.take(&whole, days(1)),
        2,
        "the letter and the transcript"
    );
    assert!(
        world
            .events()
            .iter()
            .any(|event| event.action == "accepted" && event.actor == "member:Alice")
    );
    assert_eq!(world.take(&whole, days(1)), 1);
    assert_eq!(world.refused_events()[1]["why"], "used_before");
    assert!(matches!(
        world.store.verify_audit().unwrap(),
        Verdict::Sound { .. }
    ));
}

#[test]
fn who_forges_fills_no_mailbox_and_the_team_hears_once_a_day() {
    let world = World::new();
    let letters: Vec<usize> = (0..6).map(|_| world.take(&forged(), days(1))).collect();
    assert_eq!(letters, [1, 1, 1, 0, 0, 0]);
    assert_eq!(world.refused_events().len(), 6);
    let told = world.told_of_refused();
    assert_eq!(
        told,
        ["nobody: not signed: /case SEC-2026-0001, /accept\n".repeat(3)]
    );
    // Her own slips are told all the same.
    let wrong = from_alice(world.lines(&["/reopen"]), Some(days(1)));
    assert_eq!(world.take(&wrong, days(1)), 1);
    // And a day later.
    let later = days(2) + Duration::seconds(1);
    let letters: Vec<usize> = (0..4).map(|_| world.take(&forged(), later)).collect();
    assert_eq!(letters, [1, 1, 1, 0]);
    assert_eq!(world.told_of_refused().len(), 2);
}

#[test]
fn a_stranger_and_a_program_hear_nothing() {
    let world = World::new();
    let stranger = Orders::OfStranger(Why::OtherSigner);
    assert_eq!(world.take(&stranger, days(1)), 0);
    assert_eq!(world.refused_events()[0]["why"], "other_signer");
    let robot = |asked: &mut Asked<'_>| asked.is_automatic = true;
    assert_eq!(world.take_as(&stranger, days(1), robot), 0);
    assert_eq!(world.refused_events().len(), 1);
    assert_eq!(world.take_as(&forged(), days(1), robot), 0);
    let silent = from_alice(Said::Nothing, None);
    assert_eq!(world.take_as(&silent, days(1), robot), 0);
    // A program that has her key speaks for her.
    let signed = from_alice(world.lines(&["/note x"]), Some(days(1)));
    assert_eq!(world.take_as(&signed, days(1), robot), 1);
    // Mails without a command are no attempts.
    for _ in 0..5 {
        world.take(&silent, days(1));
    }
    assert!(
        world.told_of_refused().is_empty(),
        "two attempts are not three"
    );
}

#[test]
fn what_is_only_recorded_is_used_up() {
    let world = World::new();
    let orders = from_alice(world.lines(&["/accept"]), Some(days(1)));
    let only_recorded = |asked: &mut Asked<'_>| asked.only_recorded = Some("the archive");
    assert_eq!(world.take_as(&orders, days(1), only_recorded), 0);
    assert_eq!(world.take(&orders, days(1)), 1);
    assert_eq!(world.refused_events()[0]["why"], "used_before");
    assert_eq!(world.detail(monday()).case.status, "new");
}
