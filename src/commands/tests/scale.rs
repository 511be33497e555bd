//! What the daemon does with a mail, or at a turn of its clock, is no more work where there are ten
//! times as many cases.

use std::fmt::Write as _;

use super::*;
use crate::store::tests::work::{Meter, Work};

const FEW: usize = 20;
const MANY: usize = 10 * FEW;

/// Ten times as many cases take this much more: trees are a level higher.
const ALLOWANCE: f64 = 1.5;
/// Less is noise: a page of an index more or less.
const STEPS: i32 = 60;

/// Mails of so many people, each about something else.
fn world(cases: usize) -> (World, Meter) {
    let store = Store::in_memory().unwrap();
    let meter = store.meter();
    let world = World {
        desk: desk(),
        store,
        case: CaseRef {
            id: 1,
            number: "SEC-2026-0001".to_owned(),
        },
    };
    for number in 0..cases {
        world.receive(&report(number), monday()).unwrap();
    }
    // Some time before, so that no cap counts them any more.
    while world.send_all(monday()) > 0 {}
    (world, meter)
}

fn report(number: usize) -> Vec<u8> {
    let mut words = String::new();
    for word in 0..60 {
        write!(words, "{:x} ", (number * 1_000 + word) * 2_654_435_761).unwrap();
    }
    let text = format!(
        "A cross-site scripting vulnerability at https://example.test/page/{number}, \
         CVE-2026-{}.\r\n\r\n{words}",
        10_000 + number
    );
    mail(&format!("ann@research{number}.test"), "", &text)
}

/// Does the same in both, and says which statements had more to do where there is more.
#[track_caller]
fn check(what: &str, of: impl Fn(&World)) {
    let work = |cases: usize| -> Work {
        let (world, meter) = world(cases);
        // Once before, so that what is read for the first time counts in neither.
        of(&world);
        meter.take();
        of(&world);
        meter.take()
    };
    let (few, many) = (work(FEW), work(MANY));
    assert!(many.len() > 1, "{what}: {many:?}");
    for (sql, steps) in &many {
        let before = few.get(sql).copied().unwrap_or(0);
        let allowed = f64::from(before) * ALLOWANCE + f64::from(STEPS);
        assert!(
            f64::from(*steps) <= allowed,
            "{what}: {before} steps with {FEW} cases, {steps} with {MANY}:\n{sql}"
        );
    }
}

#[test]
fn a_new_report() {
    check("a report", |world| {
        world.receive(&report(5_000 + rand::random::<u16>() as usize), days(2));
        world.send_all(days(2));
    });
}

#[test]
fn a_mail_that_joins_a_case() {
    check("a reply", |world| {
        let words = "About SEC-2026-0003: it works with Firefox too, as I saw today.";
        world.receive(&mail("ann@research2.test", "", words), days(2));
    });
    check("a question", |world| {
        let words = "Hello, what is the status of my report? Is there any news on it?";
        world.receive(&mail("ann@research2.test", "", words), days(2));
        world.send_all(days(2));
    });
}

#[test]
fn a_turn_of_the_clock() {
    check("a turn", |world| {
        world
            .store
            .write(|tx| {
                assert_eq!(due_changes(tx, &world.desk, days(2))?, []);
                assert_eq!(tx.alarms_due()?, []);
                assert_eq!(tx.warnings_due(days(2))?.len(), 0);
                assert_eq!(tx.troubled()?, []);
                assert_eq!(tx.letters_in_trouble(days(2))?.total, 0);
                Ok::<_, StoreError>(())
            })
            .unwrap();
        assert_eq!(world.send_all(days(2)), 0);
    });
}

#[test]
fn a_command() {
    let command = Command::parse("/note somebody looks at it").unwrap();
    let actor = Actor::Unix("alice".to_owned());
    check("a command", |world| {
        let done = world
            .store
            .write(|tx| carry_out(tx, &world.desk, &world.case, &command, &actor, days(2)));
        assert!(done.is_ok());
    });
}

/// However many cases are listed, they are asked for at once.
#[test]
fn a_list() {
    let (world, meter) = world(FEW);
    meter.take();
    let listed = world.store.read(|tx| tx.cases_listed(days(2))).unwrap();
    assert_eq!(listed.len(), FEW);
    let work = meter.take();
    let asked: Vec<&String> = work
        .keys()
        .filter(|sql| sql.starts_with("SELECT"))
        .collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
}
