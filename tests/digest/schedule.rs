//! When it goes out: the real program under a clock that the test sets, on a Maildir and a scripted
//! mail server. The team reads its mail with GnuPG.

use std::os::unix::fs::FileTypeExt;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use mail_parser::{Message, MessageParser};
use serde_json::Value;

use crate::common::moved_clock::{a_monday, drop_into, make_maildir};
use crate::common::{Behaviour, Letter, SECURITY_ADDRESS, Setup, Sink};

/// Stands in every report. It must be in no log and in no mail in clear.
const MARKER: &str = "zanzibar4711";
const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";

struct Office {
    setup: Setup,
    sink: Sink,
}

impl Office {
    /// Opened on that Monday at seven, with a digest at eight and nothing promised that anybody
    /// would be warned of.
    fn open(policy: &str) -> Self {
        let setup = Setup::generate();
        let sink = Sink::start(Behaviour::Accept);
        make_maildir(&setup.file("mail"));
        setup.set("maildir.path", "mail");
        setup.send_through(&sink);
        setup.set_clock(morning(0) - TimeDelta::hours(1));
        setup.add_member("Alice", ALICE);
        setup.set("digest.at", "08:00");
        setup.set("digest.to", vec![ALICE]);
        let text = format!(
            "version = \"1\"\ntime_zone = \"Europe/Berlin\"\n{policy}\n[deadlines]\n\
             acknowledge = \"none\"\ntriage = \"90 days\"\n"
        );
        setup.write("policy.toml", &text);
        let office = Self { setup, sink };
        // What the first start finds due is not made up for.
        office.pass(morning(0) - TimeDelta::hours(1));
        assert_eq!(office.digests().len(), 0);
        office
    }

    fn report(&self, words: &str, at: DateTime<Utc>) {
        let text = format!("{words} Open /search?q={MARKER} and see.\nImpact: account takeover.\n");
        let subject = format!("XSS {MARKER}");
        let mail = Letter::new("rita@research.test", SECURITY_ADDRESS, &subject).plain(&text);
        drop_into(&self.setup.file("mail"), &mail, at);
    }

    /// One pass at this time.
    #[track_caller]
    fn pass(&self, at: DateTime<Utc>) {
        self.setup.set_clock(at);
        let output = self.setup.run_once();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{log}");
        assert!(!log.contains(MARKER), "{log}");
    }

    /// Subject and text of each digest, in the order in which they left.
    #[track_caller]
    fn digests(&self) -> Vec<(String, String)> {
        let to_alice = |mail: &&crate::common::sink::Received| mail.recipients == [ALICE];
        let received = self.sink.received();
        received
            .iter()
            .filter(to_alice)
            .map(|mail| {
                let outside = parsed(&mail.bytes);
                assert_eq!(outside.subject(), Some("Encrypted message"));
                assert!(!String::from_utf8_lossy(&mail.bytes).contains(MARKER));
                let cipher = outside.parts.last().expect("a part").contents().to_vec();
                let opened = self.setup.gpg.decrypt(&cipher);
                assert_eq!(opened.signed_by.as_ref(), Some(&self.setup.fingerprint));
                let inside = parsed(&opened.bytes);
                let subject = inside.subject().expect("a subject").to_owned();
                (subject, inside.body_text(0).expect("a text").into_owned())
            })
            .filter(|(subject, _)| subject.starts_with("Digest"))
            .collect()
    }

    #[track_caller]
    fn subjects(&self) -> Vec<String> {
        let digests = self.digests().into_iter();
        digests.map(|(subject, _)| subject).collect()
    }
}

fn parsed(bytes: &[u8]) -> Message<'static> {
    let message = MessageParser::default().parse(bytes);
    message.expect("a mail").into_owned()
}

/// Eight o'clock in Berlin, so many days after that Monday.
fn morning(days: i64) -> DateTime<Utc> {
    a_monday() + TimeDelta::hours(6) + TimeDelta::days(days)
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

#[test]
fn it_comes_on_working_days_and_the_first_of_a_week_has_the_week() {
    let wednesday = morning(2).date_naive();
    let office = Office::open(&format!("holidays = [\"{wednesday}\"]"));
    office.report("Hello.", morning(0) - minutes(30));
    // Monday; Tuesday; not on the holiday; Thursday; Friday; not at the weekend.
    let mut due = Vec::new();
    for day in 0..8 {
        office.pass(morning(day) - minutes(1));
        assert_eq!(office.digests().len(), due.iter().sum::<usize>(), "{day}");
        office.pass(morning(day) + minutes(1));
        due.push(usize::from(![2, 5, 6].contains(&day)));
        assert_eq!(office.digests().len(), due.iter().sum::<usize>(), "{day}");
    }
    assert_eq!(
        office.subjects(),
        [
            "Digest of the week: 1 open, nothing pressing",
            "Digest: 1 open, nothing pressing",
            "Digest: 1 open, nothing pressing",
            "Digest: 1 open, nothing pressing",
            "Digest of the week: 1 open, nothing pressing",
        ]
    );
    let digests = office.digests();
    assert!(digests[0].1.contains("New since Sunday "));
    assert!(digests[0].1.contains("median time to validate"));
    assert!(!digests[1].1.contains("median time to validate"));
    assert!(digests[1].1.contains("\nTuesday "), "{}", digests[1].1);
}

#[test]
fn without_a_monday_the_next_one_has_the_week_and_days_missed_are_made_up_once() {
    let office = Office::open("");
    office.setup.set("digest.on", vec!["tue", "fri"]);
    office.report("Hello.", morning(0) - minutes(30));
    office.pass(morning(0) + minutes(1));
    assert_eq!(office.digests().len(), 0, "it is Monday");
    office.pass(morning(1) + minutes(1));
    assert_eq!(
        office.subjects(),
        ["Digest of the week: 1 open, nothing pressing"]
    );
    // Nobody was there from Tuesday to the Wednesday of the week after the next.
    office.pass(morning(16) + TimeDelta::hours(3));
    office.pass(morning(16) + TimeDelta::hours(4));
    assert_eq!(
        office.subjects()[1..],
        ["Digest of the week: 1 open, nothing pressing"]
    );
    office.pass(morning(18) + minutes(1));
    assert_eq!(office.subjects()[2..], ["Digest: 1 open, nothing pressing"]);
}

#[test]
fn the_first_one_tells_all_that_came_since_the_start() {
    let office = Office::open("");
    office.setup.set("digest.on", vec!["thu"]);
    office.report("Hello.", morning(0) - minutes(30));
    let away = Letter::new("robot@research.test", SECURITY_ADDRESS, "Away");
    let away = away.header("Auto-Submitted", "auto-replied");
    let folder = office.setup.file("mail");
    drop_into(&folder, &away.plain("I am away.\n"), morning(0));
    office.pass(morning(0) + minutes(1));
    office.pass(morning(3) + minutes(1));
    let (_, text) = office.digests().remove(0);
    assert!(text.contains("New since Sunday "), "{text}");
    assert!(text.contains("1 auto_reply"), "{text}");
}

#[test]
fn a_page_goes_through_a_pipe_that_stays_one() {
    let office = Office::open("");
    let pipe = office.setup.file("page");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("run mkfifo").success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::read_to_string(pipe).expect("read the pipe"))
    };
    let written = office.setup.cli(&["digest", "--html", "page"]);
    assert!(written.status.success(), "{written:?}");
    let kind = std::fs::metadata(&pipe).expect("a file").file_type();
    assert!(kind.is_fifo(), "{kind:?}");
    let page = reader.join().expect("a page");
    assert!(page.trim_end().ends_with("</html>"), "{page}");
}

#[test]
fn it_waits_for_the_end_of_quiet_hours() {
    let office = Office::open("quiet_hours = \"19:00-09:30\"");
    office.report("Hello.", morning(0) - minutes(30));
    office.pass(morning(0) + minutes(89));
    assert_eq!(office.digests().len(), 0);
    office.pass(morning(0) + minutes(91));
    office.pass(morning(0) + minutes(95));
    assert_eq!(office.digests().len(), 1);
}

#[test]
fn a_later_hour_gives_the_day_no_second_one() {
    let office = Office::open("");
    office.report("Hello.", morning(0) - minutes(30));
    office.pass(morning(0) + minutes(1));
    office.setup.set("digest.at", "11:00");
    office.pass(morning(0) + minutes(181));
    assert_eq!(office.digests().len(), 1);
    office.pass(morning(1) + minutes(179));
    assert_eq!(office.digests().len(), 1);
    office.pass(morning(1) + minutes(181));
    assert_eq!(office.digests().len(), 2);
}

#[test]
fn an_empty_board_is_told_once_a_week() {
    let office = Office::open("");
    for day in 0..8 {
        office.pass(morning(day) + minutes(1));
    }
    assert_eq!(
        office.subjects(),
        [
            "Digest of the week: nothing open",
            "Digest of the week: nothing open"
        ]
    );
    assert!(office.digests()[1].1.contains("Nothing is open."));
    // As soon as there is something, daily.
    office.report("Hello.", morning(8) - minutes(30));
    office.pass(morning(8) + minutes(1));
    let digests = office.digests();
    assert_eq!(digests[2].0, "Digest: 1 open, nothing pressing");
}

#[test]
fn on_demand_it_goes_at_once_and_takes_nothing_from_the_next() {
    let office = Office::open("");
    office.report("Hello.", morning(0) - minutes(30));
    office.pass(morning(0) - minutes(20));
    office.setup.add_member("Bob", BOB);
    let sent = office.setup.cli(&["digest", "--send", "--json"]);
    assert!(sent.status.success(), "{sent:?}");
    let json: Value = serde_json::from_slice(&sent.stdout).expect("JSON");
    assert_eq!(json["totals"]["new"], 1);
    assert_eq!(json["since"], Value::Null);
    office.pass(morning(0) - minutes(10));
    assert_eq!(office.digests().len(), 1);
    let to_bob = |mail: &crate::common::sink::Received| mail.recipients == [BOB];
    assert!(!office.sink.received().iter().any(to_bob), "digest.to");
    office.pass(morning(0) + minutes(1));
    let digests = office.digests();
    assert_eq!(digests.len(), 2);
    assert!(digests[1].1.contains("New since Sunday "));

    // Printed with the numbers of the week whenever somebody asks for them.
    let week = |arguments: &[&str]| office.setup.json(arguments)["week"].is_object();
    assert!(!week(&["digest"]));
    assert!(week(&["digest", "--week"]));
    let json = office.setup.json(&["digest"]);
    let head = json["health"]["audit_head"].as_str().expect("a hash");
    let verified = office.setup.cli(&["audit", "verify"]);
    let verified = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.contains(head), "{verified} {head}");
    assert!(
        json["health"]["disk_free"]
            .as_u64()
            .is_some_and(|free| free > 0)
    );
    assert!(json["health"]["reconciled_at"].is_string());
    assert_eq!(json["health"]["problems"], Value::Array(Vec::new()));
}
