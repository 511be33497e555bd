//! The digest: what it says of a year, each of its sections, and when it goes out.
//!
//! `TRIAGED_BLESS=1` writes `tests/golden/digest.*` anew; read the difference before keeping it.

#[path = "../board/mod.rs"]
mod board;
#[path = "../common/mod.rs"]
mod common;

mod schedule;
mod sections;
mod week;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use triaged::notices::board::{AGES, Board};
use triaged::notices::digest::{self, Weekly};
use triaged::store::StoreError;
use triaged::store::cases::CaseView;
use unicode_width::UnicodeWidthStr;

use board::{Office, morning};

/// One is enough for all: a year takes some seconds.
static YEAR: LazyLock<(Board, Vec<CaseView>)> = LazyLock::new(|| {
    let office: Office = board::seeded();
    let cases = office
        .store
        .read(|tx| {
            let listed = tx.cases_listed(morning())?.into_iter();
            let view = |number: &str| {
                let detail = tx.case_detail(&tx.case_by_number(number)?, morning())?;
                Ok::<_, StoreError>(detail.case)
            };
            listed.map(|case| view(&case.id)).collect::<Result<_, _>>()
        })
        .expect("cases");
    let mut board = office.board(Weekly::Always, morning());
    // Salts are random, and how many events a step leaves is no concern of the digest.
    board.health.audit_rows = 1_000;
    board.health.audit_head = "0123456789abcdef".repeat(4);
    (board, cases)
});

#[track_caller]
fn check_golden(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("TRIAGED_BLESS").is_some() {
        std::fs::write(&path, text).expect("write what is expected");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{path} differs from:\n{text}");
}

#[test]
fn the_text_of_a_year() {
    let text = digest::text(&YEAR.0);
    check_golden("digest.txt", &text);
    for line in text.lines() {
        assert!(line.width() <= 72, "{line}");
        assert_eq!(line, line.trim_end(), "spaces at the end");
        assert!(!line.chars().any(char::is_control), "{line}");
    }
}

/// Programs rely on the names.
#[test]
fn the_names_of_its_json() {
    let json = serde_json::to_value(&YEAR.0).expect("JSON");
    let mut names = BTreeSet::new();
    collect("", &json, &mut names);
    let names: Vec<String> = names.into_iter().map(|name| format!("{name}\n")).collect();
    check_golden("digest.json.names", &names.concat());
}

fn collect(path: &str, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                names.insert(path.clone());
                collect(&path, value, names);
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                collect(&format!("{path}[]"), entry, names);
            }
        }
        _ => {}
    }
}

#[test]
fn the_same_year_makes_the_same_board() {
    let again = board::seeded();
    let mut again = again.board(Weekly::Always, morning());
    again.health.audit_rows = YEAR.0.health.audit_rows;
    again.health.audit_head = YEAR.0.health.audit_head.clone();
    assert_eq!(again, YEAR.0);
}

fn is_open(case: &CaseView) -> bool {
    ["new", "accepted", "fixed"].contains(&case.status.as_str())
}

/// Counted again from the list of cases, as a person would.
#[test]
fn its_numbers_are_those_of_the_cases() {
    let (board, cases) = &*YEAR;
    let now = morning();
    assert_eq!(cases.len(), 60);
    assert_eq!(board.open, cases.iter().filter(|it| is_open(it)).count());

    let clocks = || cases.iter().flat_map(|it| &it.deadlines);
    let missed = clocks().filter(|clock| clock.state == "missed").count();
    assert_eq!(board.totals.missed, missed);
    // To the end of Tuesday in Berlin.
    let horizon = now + TimeDelta::hours(40);
    let is_pressing = |state: &str| ["missed", "running"].contains(&state);
    let pressing = clocks().filter(|it| is_pressing(it.state) && it.due_at <= horizon);
    assert_eq!(board.totals.decide, pressing.count());
    let soon = clocks()
        .filter(|it| it.state == "running" && it.due_at > horizon && it.warn_at <= now)
        .count();
    assert_eq!(board.totals.due_soon, soon);
    let waits =
        |case: &&CaseView| is_open(case) && case.deadlines.iter().any(|it| it.state == "paused");
    assert_eq!(board.totals.waiting, cases.iter().filter(waits).count());

    let ages = [7, 30, 60, 90];
    for (age, words) in AGES.iter().enumerate() {
        let is_of_age = |case: &&CaseView| {
            let days_old = |days: i64| now - case.received_at > TimeDelta::days(days);
            is_open(case) && ages.iter().filter(|days| days_old(**days)).count() == age
        };
        let states = &board.pictures.open_by_age;
        let shown: usize = states.iter().map(|state| state.counts[age]).sum();
        assert_eq!(shown, cases.iter().filter(is_of_age).count(), "{words}");
    }
    let arrivals: usize = board.pictures.weeks.iter().map(|week| week.arrivals).sum();
    // Monday, 23 March, 0 o'clock in Berlin.
    let first: DateTime<Utc> = "2026-03-22T23:00:00Z".parse().expect("an instant");
    let came = cases.iter().filter(|it| it.received_at >= first);
    assert_eq!(arrivals, came.count());
}
