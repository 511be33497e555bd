//! The daemon as a process: one pass, one per database, its signals.

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::common::process::free_port;
use crate::common::{Behaviour, SOON, Sink, Stage, wait_until};
use crate::world::{Office, Person, Servers, deadline, due, instant, report, text};

/// A stop waits for what is under way, but never for a server; systemd waits 90 seconds for us.
const AT_ONCE: Duration = Duration::from_secs(15);

fn send_report(office: &Office, person: &Person, page: &str) {
    let mail = person.letter("A finding").plain(&report(page));
    person.send(office, &mail);
}

#[test]
fn one_pass_says_whether_all_that_should_have_gone_has_gone() {
    let servers = Servers::shared();
    let office = servers.office();
    let port = office_port(&office);
    let empty = office.setup.run_once();
    assert_eq!(empty.status.code(), Some(0), "{empty:?}");

    let alice = servers.person("Alice");
    send_report(&office, &alice, "/a");
    office.wait_for_mails("INBOX", 1);
    office.setup.set("smtp.port", i64::from(free_port()));
    let failed = office.setup.run_once();
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let errors = String::from_utf8_lossy(&failed.stderr);
    assert!(
        errors.contains("server_away") || errors.contains("refused"),
        "{errors}"
    );
    assert_eq!(office.cases().len(), 1, "the case is there all the same");
    assert_eq!(office.count("Triaged"), 1);
    assert!(alice.inbox().is_empty());

    office.setup.set("smtp.port", port);
    let done = office.setup.run_once();
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    alice.answer();
    let case = office.case_of(&alice);
    assert_eq!(deadline(&case, "acknowledge")["state"], "met");
    let again = office.setup.run_once();
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    assert_eq!(office.letters_sent(), 1);
}

fn office_port(office: &Office) -> i64 {
    let text = std::fs::read_to_string(office.setup.file("config.toml")).expect("config.toml");
    let config: toml::Table = text.parse().expect("TOML");
    config["smtp"]["port"].as_integer().expect("a port")
}

#[test]
fn one_daemon_per_database_and_it_ends_within_five_seconds() {
    let servers = Servers::shared();
    let office = servers.office();
    let sink = Sink::start(Behaviour::Accept);
    office.setup.send_through(&sink);
    let mut daemon = office.open();
    let second = office.setup.cli(&["run"]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let errors = String::from_utf8_lossy(&second.stderr);
    assert!(
        errors.contains("another triaged runs on this database"),
        "{errors}"
    );
    let once = office.setup.run_once();
    assert_eq!(once.status.code(), Some(1), "{once:?}");
    assert!(daemon.is_running());

    let asked_at = Instant::now();
    assert!(daemon.stop().success(), "{}", daemon.log());
    let took = asked_at.elapsed();
    assert!(took < AT_ONCE, "{took:?}");

    // With a letter in hand that the mail server does not take.
    let mut daemon = office.open();
    sink.behave(Behaviour::Stall(Stage::Dot));
    let alice = servers.person("Alice");
    send_report(&office, &alice, "/a");
    wait_until("the final dot", SOON, || sink.received().len() == 1);
    let asked_at = Instant::now();
    assert!(daemon.stop().success(), "{}", daemon.log());
    let took = asked_at.elapsed();
    assert!(took < AT_ONCE, "{took:?}");

    // Nobody knows whether the server took it, so it goes again: visibly the same mail.
    sink.behave(Behaviour::Accept);
    let _daemon = office.open();
    wait_until("the letter again", SOON, || sink.received().len() == 2);
    let received = sink.received();
    assert_eq!(received[0].bytes, received[1].bytes);
    assert_eq!(office.letters_sent(), 1);
    assert_eq!(office.cases().len(), 1);
}

#[test]
fn a_reload_takes_up_a_policy_and_a_broken_one_changes_nothing() {
    let servers = Servers::shared();
    let office = servers.office();
    office.setup.set("templates", "texts");
    std::fs::create_dir(office.setup.file("texts")).expect("a folder for texts");
    let mut daemon = office.open();
    let before = servers.person("Before");
    send_report(&office, &before, "/before");
    before.answer();

    let policy = std::fs::read_to_string(office.setup.file("policy.toml")).expect("a policy");
    let changed = policy
        .replace("\"2026-05-01\"", "\"2026-11-11\"")
        .replace("\"48 business hours\"", "\"25 hours\"");
    assert_ne!(changed, policy);
    office.setup.write("policy.toml", &changed);
    let own_words = "{{ organization }} has {{ case }} in hand.";
    office.setup.write("texts/acknowledgement.txt", own_words);
    daemon.reload();
    daemon.wait_for_log("event=\"reloaded\"");
    let after = servers.person("After");
    send_report(&office, &after, "/after");
    let answer = after.answer();
    assert_eq!(
        answer.text(),
        format!("Example Corp has {} in hand.\n", answer.case())
    );
    check_policy(&office, &after, "2026-11-11", 25);
    let old = office.case_of(&before);
    assert_eq!(
        deadline(&old, "acknowledge")["policy_version"],
        "2026-05-01"
    );

    office.setup.write(
        "policy.toml",
        &changed.replace("\"25 hours\"", "\"25 housr\""),
    );
    daemon.reload();
    daemon.wait_for_log("event=\"reload_refused\"");
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("reload_refused"));
    let line = line.expect("a line");
    assert!(
        line.contains("policy.toml:") && line.contains("25 housr"),
        "{line}"
    );
    let still = servers.person("Still");
    send_report(&office, &still, "/still");
    still.answer();
    assert!(still.inbox()[0].text().ends_with("in hand.\n"));
    // The commands read the file too, so it is mended, without a word to the daemon.
    office.setup.write("policy.toml", &changed);
    check_policy(&office, &still, "2026-11-11", 25);
    assert!(daemon.is_running());
    office.verify_audit();
}

#[track_caller]
fn check_policy(office: &Office, person: &Person, version: &str, hours: i64) {
    let case = office.case_of(person);
    let acknowledge = deadline(&case, "acknowledge");
    assert_eq!(text(&acknowledge["policy_version"]), version);
    assert_eq!(
        due(&case, "acknowledge"),
        instant(&case["received_at"]) + TimeDelta::hours(hours)
    );
}
