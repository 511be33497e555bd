//! The daemon is killed (SIGKILL) at every step of the path and at random
//! moments: no report is lost, each has one case, everybody is answered, and a
//! second copy of an answer goes out only where the kill fell between the
//! server's 250 and our record of it, and then with the same Message-ID.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::Utc;
use common::{Behaviour, Dovecot, SECURITY_ADDRESS, SECURITY_PASSWORD, Setup, Sink, wait_until};
use mail_parser::MessageParser;
use serde_json::Value;

/// Every step of the path at which the program can be told to die, and at which time it is reached.
const STEPS: [(&str, u32); 12] = [
    ("fetched", 1),
    ("opened", 1),
    ("half_recorded", 1),
    ("half_recorded", 7),
    ("recorded", 1),
    ("committed", 1),
    ("filed", 1),
    ("claimed", 1),
    ("claimed", 2),
    ("handed_over", 1),
    ("handed_over", 3),
    ("handed_over", 6),
];
/// Letters that may lie between the server's 250 and our record of it.
const IN_HAND: usize = 4;
const LONG: Duration = Duration::from_secs(180);

#[test]
fn killed_at_every_step_nothing_is_lost_and_nobody_answered_twice() {
    let dovecot = Dovecot::start();
    for (step, time) in STEPS {
        let copies = die_once(&dovecot, step, time);
        // Once mail is committed the outbox works beside, so that such a kill may hit a letter too.
        let allowed = match step {
            "fetched" | "opened" | "half_recorded" | "recorded" | "claimed" => 0,
            _ => IN_HAND,
        };
        println!("killed at {step}:{time}: {copies} second copies");
        assert!(
            copies <= allowed,
            "{step}:{time}: {copies} second copies, {allowed} allowed"
        );
    }
}

/// Ten mails wait; the daemon dies at the step, is started again, and all is well. Second copies sent.
fn die_once(dovecot: &Dovecot, step: &str, time: u32) -> usize {
    let world = World::new(dovecot, &format!("{step}{time}"));
    for number in 0..10 {
        world.deliver(number);
    }
    world
        .setup
        .set_env("TRIAGED_KILL_AT", &format!("{step}:{time}"));
    let mut dying = world.setup.run();
    wait_until(&format!("death at {step}:{time}"), LONG, || {
        !dying.is_running()
    });
    world.setup.unset_env("TRIAGED_KILL_AT");
    let mut daemon = world.setup.run();
    // All answers may have left before the death: a daemon that is not up yet cannot stop in order.
    daemon.wait_for_log("event=\"started\"");
    world.wait_for_answers(10);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check(10)
}

#[test]
fn killed_at_random_moments_while_300_mails_arrive() {
    const MAILS: usize = 300;
    const KILLS: usize = 25;
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot, "random");
    let mut delivered = 0;
    for round in 0..KILLS {
        let mut daemon = world.setup.run();
        let lives_for = Duration::from_millis(u64::from(rand::random::<u16>() % 900) + 30);
        let born = Instant::now();
        while born.elapsed() < lives_for {
            if delivered < MAILS * (round + 1) / KILLS {
                world.deliver(delivered);
                delivered += 1;
            } else {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        daemon.kill();
    }
    while delivered < MAILS {
        world.deliver(delivered);
        delivered += 1;
    }
    let mut daemon = world.setup.run();
    daemon.wait_for_log("event=\"started\"");
    world.wait_for_answers(MAILS);
    assert!(daemon.stop().success(), "{}", daemon.log());
    let copies = world.check(MAILS);
    println!("{MAILS} mails, {KILLS} kills, {copies} second copies with the same Message-ID");
    assert!(copies <= KILLS * IN_HAND);
}

/// A mailbox of its own, a sink for letters, and a configuration.
struct World<'a> {
    dovecot: &'a Dovecot,
    sink: Sink,
    setup: Setup,
    user: String,
}

impl<'a> World<'a> {
    fn new(dovecot: &'a Dovecot, name: &str) -> Self {
        let user = format!("{}@example.test", name.replace('_', "-"));
        dovecot.add_user(&user, SECURITY_PASSWORD);
        let sink = Sink::start(Behaviour::Accept);
        let setup = Setup::generate();
        setup.set("imap.host", "127.0.0.1");
        setup.set("imap.port", i64::from(dovecot.imap_port));
        setup.set("imap.tls", "off");
        setup.set("imap.username", user.as_str());
        setup.set("imap.password_file", "mail.password");
        setup.set("imap.poll_interval", "1s");
        for cap in ["replies_per_address", "replies_per_domain", "replies_total"] {
            setup.set(&format!("limits.{cap}"), 100_000);
        }
        setup.send_through(&sink);
        Self {
            dovecot,
            sink,
            setup,
            user,
        }
    }

    fn deliver(&self, number: usize) {
        let mail = format!(
            "From: Reporter {number} <r{number}@research.test>\r\nTo: {SECURITY_ADDRESS}\r\n\
             Subject: Finding number {number}\r\nMessage-ID: <{number}.{user}>\r\n\
             Date: {date}\r\n\r\n\
             The parameter id{number} of page {number} takes SQL. Steps: open /{number}?id=1'--\r\n",
            user = self.user,
            date = Utc::now().to_rfc2822(),
        );
        self.dovecot
            .deliver(&self.user, "INBOX", mail.as_bytes(), Utc::now());
    }

    /// Message-IDs that each reporter got, with how often.
    fn answers(&self) -> BTreeMap<String, BTreeMap<String, usize>> {
        let mut answers: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for letter in self.sink.received() {
            let parsed = MessageParser::default().parse(&letter.bytes).unwrap();
            let message_id = parsed.message_id().unwrap().to_owned();
            *answers
                .entry(letter.recipients[0].clone())
                .or_default()
                .entry(message_id)
                .or_default() += 1;
        }
        answers
    }

    fn wait_for_answers(&self, mails: usize) {
        wait_until(&format!("{mails} answers"), LONG, || {
            self.sink.count() >= mails
                && self.answers().len() == mails
                && self.inbox_is_empty()
                && self.setup.json(&["status"])["outbox"]["waiting"] == 0
        });
    }

    fn inbox_is_empty(&self) -> bool {
        self.dovecot.login(&self.user).select("INBOX").exists == 0
    }

    /// One case, one answer, one filed mail each; returns how many second copies went out.
    fn check(&self, mails: usize) -> usize {
        let cases = self.setup.json(&["case", "list"]);
        let cases = cases.as_array().unwrap();
        assert_eq!(cases.len(), mails, "one case for each mail");
        let subjects: BTreeSet<&str> = cases
            .iter()
            .map(|case| case["subject"].as_str().unwrap())
            .collect();
        assert_eq!(subjects.len(), mails, "each mail has its own case");
        for case in cases {
            assert_eq!(case["messages"], 2, "{case}");
            assert_eq!(state_of(case, "acknowledge"), "met", "{case}");
        }
        assert_eq!(self.dovecot.mails(&self.user, "Triaged").len(), mails);
        assert!(self.setup.cli(&["audit", "verify"]).status.success());

        let answers = self.answers();
        assert_eq!(answers.len(), mails, "everybody is answered");
        for (reporter, letters) in &answers {
            assert_eq!(
                letters.len(),
                1,
                "{reporter} got different answers: {letters:?}"
            );
        }
        answers
            .values()
            .flat_map(BTreeMap::values)
            .map(|times| times - 1)
            .sum()
    }
}

fn state_of<'a>(case: &'a Value, kind: &str) -> &'a str {
    case["deadlines"]
        .as_array()
        .and_then(|deadlines| deadlines.iter().find(|deadline| deadline["kind"] == kind))
        .and_then(|deadline| deadline["state"].as_str())
        .unwrap_or("absent")
}
