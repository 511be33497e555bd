//! `tests/golden/deadlines.txt`: rows that a person can check.

use std::path::Path;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeZone, Utc};
use triaged::triage::calendar::{Calendar, Pause};
use triaged::triage::policy::Span;

use super::SUN_THU;

/// A row, read; `at` of what the zone's clocks show.
struct Row<'a> {
    fields: Vec<&'a str>,
    calendar: Calendar,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Self {
        let fields: Vec<&str> = line.splitn(10, ';').map(str::trim).collect();
        assert_eq!(fields.len(), 10, "{line}");
        let working = match fields[1] {
            "mon-fri" => super::MON_FRI,
            "sun-thu" => SUN_THU,
            "mon-sun" => [true; 7],
            other => panic!("{other} is no week"),
        };
        let holidays = words(fields[2]);
        let calendar = super::calendar(fields[0], working, &holidays);
        Self { fields, calendar }
    }

    fn span(&self) -> Span {
        self.fields[4].parse().expect("a span")
    }

    fn pauses(&self) -> Vec<Pause> {
        // Each is two dates with times, so the words go by threes: DATE TIME/DATE TIME.
        let text = self.fields[5];
        if text == "-" {
            return Vec::new();
        }
        let mut pauses = Vec::new();
        let mut rest = words(text).into_iter();
        while let Some(date) = rest.next() {
            let middle = rest.next().expect("a time");
            let (time, next) = middle.split_once('/').expect("a slash");
            let from = self.at(&format!("{date} {time}"));
            let until = match next {
                "" => None,
                day => Some(self.at(&format!("{day} {}", rest.next().expect("a time")))),
            };
            pauses.push(Pause { from, until });
        }
        pauses
    }

    fn at(&self, text: &str) -> DateTime<Utc> {
        let (text, second) = match text.strip_suffix(" second") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a local time");
        match self.calendar.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(at) => at.to_utc(),
            MappedLocalTime::Ambiguous(_, at) if second => at.to_utc(),
            MappedLocalTime::Ambiguous(at, _) => at.to_utc(),
            MappedLocalTime::None => panic!("{text} does not exist"),
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace()
        .filter(|word| *word != "-")
        .collect()
}

#[test]
fn the_rows_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/deadlines.txt");
    let text = std::fs::read_to_string(path).expect("the table");
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        rows += 1;
        let row = Row::read(line);
        let pauses = row.pauses();
        let timing = row
            .calendar
            .timing(row.at(row.fields[3]), row.span(), &pauses);
        let found = [timing.half_at, timing.warn_at, timing.due_at];
        let expected = [6, 7, 8].map(|field| row.at(row.fields[field]));
        if found != expected {
            let shown = found.map(|at| row.calendar.show_short(at));
            wrong.push(format!("{line}\n    found {}", shown.join("; ")));
        }
        let lasts = pauses.iter().any(|pause| pause.until.is_none());
        assert_eq!(timing.paused_at.is_some(), lasts, "{line}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows >= 30, "{rows} rows");
}
