//! The clock of the daemon, end to end: warnings, the digest, quiet hours and days off, outages.
//!
//! The real program under a clock that the test sets, on a Maildir and a scripted mail server.

mod common;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use common::moved_clock::{a_monday, drop_into, make_maildir};
use common::{Behaviour, Letter, SECURITY_ADDRESS, Setup, Sink};

/// A Maildir and a mail server.
struct Office {
    setup: Setup,
    sink: Sink,
}

impl Office {
    /// Opened at this time.
    fn open(at: DateTime<Utc>) -> Self {
        let setup = Setup::generate();
        let sink = Sink::start(Behaviour::Accept);
        make_maildir(&setup.file("mail"));
        setup.set("maildir.path", "mail");
        setup.send_through(&sink);
        setup.set_clock(at);
        Self { setup, sink }
    }

    /// A report that comes now.
    fn report(&self, who: &str) {
        let mail = Letter::new(who, SECURITY_ADDRESS, "XSS in the search")
            .plain("Steps: open /search?q=<script>alert(1)</script>\nImpact: account takeover.\n");
        drop_into(&self.setup.file("mail"), &mail, self.setup.now());
    }

    #[track_caller]
    fn pass(&self) {
        let output = self.setup.run_once();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn case(&self) -> Value {
        self.setup.json(&["case", "show", &self.number()])
    }

    fn number(&self) -> String {
        let cases = self.setup.json(&["case", "list"]);
        cases[0]["id"].as_str().expect("a number").to_owned()
    }
}

fn instant(value: &Value) -> DateTime<Utc> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("{value} is no instant"))
}

#[test]
fn the_program_lives_by_the_clock_of_the_test() {
    let monday = a_monday() + TimeDelta::hours(9);
    let office = Office::open(monday);
    office.report("alice@research.test");
    office.pass();
    assert_eq!(office.sink.count(), 1, "the acknowledgement");
    let case = office.case();
    let received_at = instant(&case["received_at"]);
    assert!((received_at - monday).num_minutes() < 2, "{received_at}");
    let triage = &case["deadlines"][1];
    assert_eq!(triage["state"], "running");
    assert_eq!(
        instant(&triage["due_at"]),
        received_at + TimeDelta::days(7),
        "{triage}"
    );
    office.setup.set_clock(monday + TimeDelta::days(8));
    assert_eq!(office.case()["deadlines"][1]["state"], "missed");
}
