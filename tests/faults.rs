//! Servers that vanish, stall, refuse and cut the line, a full disk, a locked
//! database, caps, and a mail that kills the program: each ends in a clear log
//! line, nothing is lost, nobody is answered twice, and all recovers without a hand.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use chrono::Utc;
use common::process::free_port;
use common::{
    Algorithm, Behaviour, Dovecot, Fault, Gpg, ImapProxy, Letter, SECURITY_ADDRESS,
    SECURITY_PASSWORD, Setup, Sink, Stage, Triaged, wait_until,
};
use mail_parser::MessageParser;
use rusqlite::Connection;
use rustix::process::{Pid, Signal};
use serde_json::Value;

/// Recovery takes seconds; the machine may be busy.
const LONG: Duration = Duration::from_secs(120);
/// A stop waits for what is under way, but never for a server; systemd waits 90 seconds for us.
const AT_ONCE: Duration = Duration::from_secs(15);

// The mailbox.

#[test]
fn an_imap_server_that_stops_and_comes_back() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    let mut daemon = world.setup.run();
    world.deliver(1);
    world.wait_for_answers(1);

    dovecot.stop();
    wait_for_line(&daemon, &["mailbox_failed", "imap 127.0.0.1", "again_in_s"]);
    world.deliver(2);
    dovecot.restart();
    world.wait_for_answers(2);

    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(2);
}

#[test]
fn an_imap_server_that_stands_still_for_a_moment() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    let mut daemon = world.setup.run();
    world.deliver(1);
    world.wait_for_answers(1);

    dovecot.stall();
    world.deliver(2);
    std::thread::sleep(Duration::from_secs(3));
    assert!(daemon.is_running());
    dovecot.resume();
    world.wait_for_answers(2);

    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(2);
}

#[test]
fn an_imap_server_that_never_answers_is_left_after_a_minute() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.deliver(1);
    world.proxy.spoil_next("UID FETCH", Fault::Stall);
    let mut daemon = world.setup.run();
    wait_for_line(
        &daemon,
        &["mailbox_failed", "imap 127.0.0.1", "INBOX", "60"],
    );
    world.wait_for_answers(1);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(1);
}

#[test]
fn every_step_of_an_imap_session_may_fail_once() {
    let no = || Fault::Answer("NO [UNAVAILABLE] come back later".to_owned());
    let bad = || Fault::Answer("BAD what is this".to_owned());
    let bye = || Fault::SayAndClose("* BYE shutting down".to_owned());
    // At which command, what happens, and the words of the log: step and cause.
    let faults: [(&str, Fault, [&str; 2]); 17] = [
        ("AUTHENTICATE", no(), ["login as", "come back later"]),
        ("AUTHENTICATE", bad(), ["login as", "what is this"]),
        ("AUTHENTICATE", bye(), ["login as", "shutting down"]),
        ("AUTHENTICATE", Fault::Close, ["login as", "closed"]),
        ("SELECT \"INBOX\"", no(), ["list \"INBOX\"", "NO"]),
        (
            "SELECT \"INBOX\"",
            bye(),
            ["list \"INBOX\"", "shutting down"],
        ),
        ("UID SEARCH", no(), ["list \"INBOX\"", "NO"]),
        ("UID SEARCH", Fault::Close, ["list \"INBOX\"", "closed"]),
        (BODIES, no(), ["fetch from \"INBOX\"", "come back later"]),
        (BODIES, bad(), ["fetch from \"INBOX\"", "what is this"]),
        (BODIES, bye(), ["fetch from \"INBOX\"", "shutting down"]),
        (BODIES, Fault::Close, ["fetch from \"INBOX\"", "closed"]),
        (
            BODIES,
            Fault::CutInLiteral(0),
            ["fetch from \"INBOX\"", "cut in the middle"],
        ),
        (
            BODIES,
            Fault::CutInLiteral(40),
            ["fetch from \"INBOX\"", "cut in the middle"],
        ),
        (
            "UID MOVE",
            no(),
            ["file mails of \"INBOX\"", "come back later"],
        ),
        (
            "UID MOVE",
            bye(),
            ["file mails of \"INBOX\"", "shutting down"],
        ),
        (
            "UID MOVE",
            Fault::Close,
            ["file mails of \"INBOX\"", "closed"],
        ),
    ];
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    let mut mails = 0;
    for (step, fault, words) in faults {
        mails += 1;
        world.deliver(mails);
        // A single NO to MOVE is overcome by making the folder and trying again.
        match (step, &fault) {
            ("UID MOVE", Fault::Answer(_)) => world.spoil_times(step, 2, fault),
            _ => world.spoil_times(step, 1, fault),
        }
        let mut daemon = world.setup.run();
        wait_for_line(
            &daemon,
            &["mailbox_failed", "imap 127.0.0.1", words[0], words[1]],
        );
        world.wait_for_answers(mails);
        assert!(daemon.stop().success(), "{}", daemon.log());
    }
    world.check_all_well(mails);
}

#[test]
fn one_mail_that_the_server_never_gives_holds_up_no_other() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    for number in 1..=5 {
        world.deliver(number);
    }
    world.refuse_body_of(&[2]);

    let mut daemon = world.setup.run();
    world.wait_for_reporters(&[1, 3, 4, 5]);
    wait_for_line(&daemon, &["not_recorded", "uid=2", "INBOX", "again_in_s"]);
    let unfetched = world.status("unfetched");
    assert_eq!(unfetched.as_array().map(Vec::len), Some(1), "{unfetched}");
    assert_eq!(unfetched[0]["uid"], "2");
    assert_eq!(unfetched[0]["folder"], "INBOX");
    let error = unfetched[0]["error"].as_str().unwrap_or_default();
    assert!(error.contains("SERVERBUG"), "{error}");

    world.deliver(6);
    world.wait_for_reporters(&[1, 3, 4, 5, 6]);
    assert_eq!(world.inbox().len(), 1, "the mail is still there");

    world.proxy.behave();
    world.wait_for_answers(6);
    assert_eq!(world.status("unfetched"), serde_json::json!([]));
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(6);
}

#[test]
fn several_mails_that_the_server_never_gives_hold_up_no_other() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    for number in 1..=12 {
        world.deliver(number);
    }
    world.refuse_body_of(&[1, 2, 3, 4, 5, 6]);
    let mut daemon = world.setup.run();
    world.wait_for_reporters(&[7, 8, 9, 10, 11, 12]);
    world.deliver(13);
    world.wait_for_reporters(&[7, 8, 9, 10, 11, 12, 13]);
    assert!(daemon.stop().success(), "{}", daemon.log());
}

#[test]
fn one_mail_that_the_server_does_not_describe_holds_up_no_other() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    for number in 1..=5 {
        world.deliver(number);
    }
    world.proxy.spoil(|command| {
        let asked = uids_of(command, "RFC822.SIZE")?;
        asked
            .contains(&2)
            .then(|| Fault::Answer("NO [SERVERBUG] index is broken".to_owned()))
    });
    let mut daemon = world.setup.run();
    world.wait_for_reporters(&[1, 3, 4, 5]);
    wait_for_line(
        &daemon,
        &["not_recorded", "uid=2", "INBOX", "does not describe it"],
    );
    let unfetched = world.status("unfetched");
    assert_eq!(unfetched.as_array().map(Vec::len), Some(1), "{unfetched}");
    assert_eq!(unfetched[0]["uid"], "2");
    let error = unfetched[0]["error"].as_str().unwrap_or_default();
    assert!(error.contains("SERVERBUG"), "{error}");
    assert!(daemon.stop().success(), "{}", daemon.log());

    let pass = world.setup.run_once();
    assert_eq!(pass.status.code(), Some(1), "{pass:?}");

    world.proxy.behave();
    let mut daemon = world.setup.run();
    world.wait_for_answers(5);
    assert_eq!(world.status("unfetched"), serde_json::json!([]));
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(5);
}

#[test]
fn one_pass_records_what_it_gets_and_says_that_something_is_left() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    for number in 1..=4 {
        world.deliver(number);
    }
    world.refuse_body_of(&[1]);
    let pass = world.setup.run_once();
    let words = String::from_utf8_lossy(&pass.stderr).into_owned();
    assert_eq!(pass.status.code(), Some(1), "{words}");
    assert!(words.contains("1 mails were not recorded"), "{words}");
    assert_eq!(world.answered(), BTreeSet::from([2, 3, 4]));

    // Somebody takes the mail away: nothing is left to be done.
    world.proxy.behave();
    let mut client = dovecot.login(&world.user);
    client.select("INBOX");
    client.delete(1);
    let pass = world.setup.run_once();
    assert!(
        pass.status.success(),
        "{}",
        String::from_utf8_lossy(&pass.stderr)
    );
    assert_eq!(world.status("unfetched"), serde_json::json!([]));
}

#[test]
fn a_server_that_lets_nothing_be_filed_does_not_hinder_recording() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.proxy.spoil(|command| {
        command
            .starts_with("UID MOVE")
            .then(|| Fault::Answer("NO [OVERQUOTA] the folder is full".to_owned()))
    });
    let mut daemon = world.setup.run();
    for number in 1..=4 {
        world.deliver(number);
        let reporters: Vec<usize> = (1..=number).collect();
        world.wait_for_reporters(&reporters);
    }
    wait_for_line(
        &daemon,
        &["mailbox_failed", "file mails of \"INBOX\"", "OVERQUOTA"],
    );
    assert_eq!(world.inbox().len(), 4);
    world.proxy.behave();
    world.wait_for_answers(4);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(4);
}

// The way out.

#[test]
fn a_letter_refused_for_now_goes_within_half_a_minute() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.sink.behave(Behaviour::Refuse(
        Stage::Rcpt,
        "451 4.7.1 greylisted".to_owned(),
    ));
    world.deliver(1);
    let mut daemon = world.setup.run();
    wait_for_line(
        &daemon,
        &[
            "deferred",
            "smtp 127.0.0.1",
            "RCPT TO",
            "451 4.7.1 greylisted",
            "attempt=1",
        ],
    );
    let deferred = Instant::now();
    world.sink.behave(Behaviour::Accept);
    wait_for_line(&daemon, &["\"sent\"", "attempt=2"]);
    assert!(
        deferred.elapsed() < Duration::from_secs(30),
        "{:?}",
        deferred.elapsed()
    );
    world.wait_for_answers(1);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(1);
}

#[test]
fn a_letter_refused_for_good_is_an_event_and_meets_no_deadline() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.sink.behave(Behaviour::Refuse(
        Stage::Rcpt,
        "550 5.1.1 no such user".to_owned(),
    ));
    world.deliver(1);
    let mut daemon = world.setup.run();
    wait_for_line(
        &daemon,
        &["undeliverable", "case=\"SEC-", "550 5.1.1 no such user"],
    );
    world.sink.behave(Behaviour::Accept);
    world.deliver(2);
    world.wait_for_reporters(&[2]);
    assert!(daemon.stop().success(), "{}", daemon.log());

    assert_eq!(world.status("outbox")["failed"], 1);
    let troubled = world.status("troubled_letters");
    assert_eq!(troubled[0]["state"], "failed", "{troubled}");
    let why = troubled[0]["last_error"].as_str().unwrap_or_default();
    assert!(why.contains("550 5.1.1"), "{troubled}");
    let case = troubled[0]["case"].as_str().unwrap().to_owned();
    let case = world.setup.json(&["case", "show", &case]);
    assert_eq!(state_of(&case, "acknowledge"), "running", "{case}");
    assert_eq!(actions(&case), ["opened", "undeliverable"]);
    // Final: no later pass tries it again.
    assert!(world.setup.run_once().status.success());
    assert_eq!(world.answered(), BTreeSet::from([2]));
}

#[test]
fn a_mail_server_that_is_away_costs_no_attempt() {
    let dovecot = Dovecot::start();
    let mut world = World::new(&dovecot);
    let port = free_port();
    world.setup.set("smtp.port", i64::from(port));
    world.deliver(1);
    world.deliver(2);
    let mut daemon = world.setup.run();
    wait_for_line(
        &daemon,
        &["server_away", &format!("smtp 127.0.0.1:{port}"), "refused"],
    );
    wait_until("both are recorded", LONG, || {
        world.status("outbox")["waiting"] == 2
    });
    assert_eq!(world.status("troubled_letters"), serde_json::json!([]));
    world.sink = Sink::start_on(port, Behaviour::Accept);
    world.wait_for_answers(2);
    assert!(!daemon.log().contains("attempt=2"), "{}", daemon.log());
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(2);
}

#[test]
fn a_stop_while_the_mail_server_stalls_takes_seconds_and_loses_nothing() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.sink.behave(Behaviour::Stall(Stage::Data));
    world.deliver(1);
    let mut daemon = world.setup.run();
    wait_until("a letter in the air", LONG, || {
        world.sink.connections() > 0 && world.letters_in("sending") == 1
    });
    let told = Instant::now();
    assert!(daemon.stop().success(), "{}", daemon.log());
    assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
    assert!(daemon.log().contains("stopped_hard"), "{}", daemon.log());
    assert_eq!(world.sink.received(), []);

    world.sink.behave(Behaviour::Accept);
    let mut daemon = world.setup.run();
    wait_for_line(&daemon, &["recovered", "letters=1", "same Message-ID"]);
    world.wait_for_answers(1);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(1);
}

#[test]
fn a_line_cut_after_the_final_dot_leads_to_three_copies_at_most() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.sink.behave(Behaviour::Close(Stage::Dot));
    world.deliver(1);
    let mut daemon = world.setup.run();
    wait_for_line(
        &daemon,
        &["uncertain", "the server may have taken it", "attempt=1"],
    );
    wait_for_line(
        &daemon,
        &[
            "undeliverable",
            "sent 3 times and never confirmed",
            "attempt=3",
        ],
    );
    world.sink.behave(Behaviour::Accept);
    world.deliver(2);
    world.wait_for_reporters(&[2]);
    assert!(daemon.stop().success(), "{}", daemon.log());

    let copies: Vec<_> = world
        .sink
        .received()
        .into_iter()
        .filter(|letter| letter.recipients == ["r1@research.test"])
        .collect();
    assert_eq!(copies.len(), 3);
    assert!(copies.iter().all(|copy| copy.bytes == copies[0].bytes));
    let troubled = world.status("troubled_letters");
    let case = troubled[0]["case"].as_str().unwrap().to_owned();
    let case = world.setup.json(&["case", "show", &case]);
    assert_eq!(
        actions(&case),
        ["opened", "deferred", "deferred", "undeliverable"]
    );
    assert_eq!(state_of(&case, "acknowledge"), "running", "{case}");
}

#[test]
fn a_server_without_null_sender_gets_our_own_address_once() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.sink.behave(Behaviour::RefuseNullSender(
        "550 5.7.1 no null sender here".to_owned(),
    ));
    world.deliver(1);
    let mut daemon = world.setup.run();
    world.wait_for_answers(1);
    wait_for_line(
        &daemon,
        &["null_sender_refused", "550 5.7.1", "smtp.return_path"],
    );
    assert!(daemon.stop().success(), "{}", daemon.log());
    let received = world.sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].mail_from, SECURITY_ADDRESS);
    world.check_all_well(1);
}

#[test]
fn a_letter_at_which_the_server_always_hangs_up_holds_up_no_other() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    // A server that dies of addresses outside ASCII.
    world.sink.behave(Behaviour::CloseAt("SMTPUTF8".to_owned()));
    world.deliver_from("j\u{f6}rg@research.test", 99, "It takes SQL.");
    for number in 1..=6 {
        world.deliver(number);
    }
    let mut daemon = world.setup.run();
    wait_for_line(&daemon, &["server_away", "MAIL FROM", "connection closed"]);
    wait_for_line(&daemon, &["deferred", "MAIL FROM", "attempt=1", "next"]);
    world.wait_for_reporters(&[1, 2, 3, 4, 5, 6]);
    // From now on it is that letter alone that waits.
    wait_for_line(&daemon, &["deferred", "MAIL FROM", "attempt=2", "next"]);
    // One pause, for those that were in our hands together.
    assert!(daemon.log().matches("server_away").count() <= 4);
    let troubled = world.status("troubled_letters");
    assert_eq!(troubled.as_array().map(Vec::len), Some(1), "{troubled}");
    assert_eq!(troubled[0]["state"], "waiting", "{troubled}");
    assert!(daemon.stop().success(), "{}", daemon.log());
}

#[test]
fn a_letter_over_which_the_program_dies_waits_and_others_go() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.deliver(1);
    world.setup.set_env("TRIAGED_KILL_AT", "claimed");
    // The first three deaths are followed by an attempt at once.
    for death in 1..=4 {
        let mut daemon = world.setup.run();
        wait_until(&format!("death {death}"), LONG, || !daemon.is_running());
    }
    world.setup.unset_env("TRIAGED_KILL_AT");
    assert_eq!(world.sink.received(), []);

    let mut daemon = world.setup.run();
    wait_for_line(
        &daemon,
        &["ERROR", "cut_short", "case=\"SEC-", "times=4", "next"],
    );
    let waits_since = Instant::now();
    world.deliver(2);
    world.wait_for_reporters(&[2]);
    world.wait_for_reporters(&[1, 2]);
    assert!(waits_since.elapsed() > Duration::from_secs(15));
    world.wait_for_answers(2);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(2);
}

#[test]
fn a_letter_that_was_cut_short_too_often_is_given_up_loudly() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.deliver(1);
    world.setup.set_env("TRIAGED_KILL_AT", "claimed");
    let mut daemon = world.setup.run();
    wait_until("death", LONG, || !daemon.is_running());
    world.setup.unset_env("TRIAGED_KILL_AT");
    // Nine deaths and their pauses take more than an hour.
    world
        .database()
        .execute("UPDATE outbox SET cut_short = 9", [])
        .unwrap();
    let mut daemon = world.setup.run();
    wait_for_line(
        &daemon,
        &[
            "ERROR",
            "undeliverable",
            "case=\"SEC-",
            "10 attempts were cut short",
        ],
    );
    assert!(daemon.stop().success(), "{}", daemon.log());
    assert_eq!(world.sink.received(), []);
    let troubled = world.status("troubled_letters");
    assert_eq!(troubled[0]["state"], "failed", "{troubled}");
    let case = troubled[0]["case"].as_str().unwrap().to_owned();
    let case = world.setup.json(&["case", "show", &case]);
    assert_eq!(actions(&case), ["opened", "undeliverable"]);
    assert_eq!(state_of(&case, "acknowledge"), "running", "{case}");
    assert!(world.setup.cli(&["audit", "verify"]).status.success());
}

// The same report, again and again.

#[test]
fn a_report_sent_again_and_again_is_acknowledged_again_twice_a_day() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    for again in 0..5 {
        world.deliver_again("robot@research.test", again);
        let pass = world.setup.run_once();
        assert!(
            pass.status.success(),
            "{}",
            String::from_utf8_lossy(&pass.stderr)
        );
    }
    assert_eq!(world.sink.count(), 3, "once, and again twice");
    let cases = world.setup.json(&["case", "list"]);
    assert_eq!(cases.as_array().unwrap().len(), 1, "{cases}");
    let case = world
        .setup
        .json(&["case", "show", cases[0]["id"].as_str().unwrap()]);
    let incoming = case["messages"].as_array().unwrap().iter();
    assert_eq!(
        incoming
            .filter(|message| message["direction"] == "in")
            .count(),
        5
    );
    let reasons: Vec<&Value> = case["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["detail"]["not_answered"])
        .filter(|reason| reason.is_string())
        .collect();
    let expected = "sent again; the case was acknowledged again 2 times within 24 hours";
    assert_eq!(reasons, [expected, expected]);
}

// The disk and the database.

#[test]
fn what_the_server_accepted_is_written_down_before_anything_else_goes() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    let mut daemon = world.setup.run();
    world.deliver(1);
    world.wait_for_answers(1);

    // Neither locked nor full: a fault that nobody foresaw.
    let broken = "CREATE TRIGGER broken BEFORE UPDATE OF state ON outbox WHEN NEW.state = 'sent'
                  BEGIN SELECT RAISE(ABORT, 'it is broken'); END";
    world.database().execute_batch(broken).unwrap();
    world.deliver(2);
    wait_for_line(
        &daemon,
        &[
            "ERROR",
            "outbox_failed",
            "letters=1",
            "failures=1",
            "it is broken",
        ],
    );
    world.deliver(3);
    wait_until("the third is recorded", LONG, || {
        world.letters_in("waiting") == 1
    });
    wait_for_line(
        &daemon,
        &["ERROR", "outbox_failed", "failures=3", "it is broken"],
    );
    assert_eq!(world.letters_in("sending"), 1);
    assert_eq!(world.sink.count(), 2, "nothing goes meanwhile");

    world
        .database()
        .execute_batch("DROP TRIGGER broken")
        .unwrap();
    world.wait_for_answers(3);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(3);
}

#[test]
fn a_full_disk_loses_nothing() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    let state = world.setup.file("state");
    std::fs::create_dir(&state).unwrap();
    let Some(_disk) = SmallDisk::mount(&state, "30m") else {
        eprintln!(
            "!!!! SKIPPED: a_full_disk_loses_nothing: no tmpfs can be mounted here (it takes root) !!!!"
        );
        return;
    };
    world.setup.set("storage.path", "state/triaged.db");
    world.deliver(1);
    let mut daemon = world.setup.run();
    world.wait_for_answers(1);

    fill(&state.join("filler"));
    // Longer than what the write-ahead log may still hold in its present size.
    let text = "a line of a long report\r\n".repeat(40_000);
    for number in 2..=4 {
        world.deliver_text(number, &text);
    }
    wait_for_line(
        &daemon,
        &["mailbox_failed", "the disk is full", "make room"],
    );
    world.deliver(5);
    // It goes on trying, and a try that a full disk ended counts as no death.
    wait_until("several attempts", LONG, || {
        daemon.log().matches("the disk is full").count() >= 4
    });
    assert!(daemon.is_running());
    assert_eq!(
        world.inbox().len(),
        4,
        "nothing leaves the inbox unrecorded"
    );

    std::fs::remove_file(state.join("filler")).unwrap();
    wait_until("all are recorded", LONG, || world.answered().len() == 5);
    world.wait_for_answers(5);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(5);
}

#[test]
fn a_locked_database_is_waited_for() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.deliver(1);
    let mut daemon = world.setup.run();
    world.wait_for_answers(1);

    let other = world.database();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    world.deliver(2);
    wait_for_line(
        &daemon,
        &[
            "mailbox_failed",
            "another process has locked it",
            "tried again",
        ],
    );
    assert_eq!(world.inbox().len(), 1);
    other.execute_batch("ROLLBACK").unwrap();
    world.wait_for_answers(2);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(2);
}

#[test]
fn a_stop_while_the_database_is_locked_takes_seconds() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    let mut daemon = world.setup.run();
    world.deliver(1);
    world.wait_for_answers(1);
    let other = world.database();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    world.deliver(2);
    let fetching = world.proxy.connections();
    daemon.reload();
    let told = Instant::now();
    assert!(daemon.stop().success(), "{}", daemon.log());
    assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
    assert_eq!(world.proxy.connections(), fetching);
    other.execute_batch("ROLLBACK").unwrap();
    let mut daemon = world.setup.run();
    world.wait_for_answers(2);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(2);
}

// The rules.

#[test]
fn a_database_deleted_under_the_daemon_takes_no_further_mail_with_it() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    let mut daemon = world.setup.run();
    world.deliver(1);
    world.wait_for_answers(1);

    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(world.setup.file(&format!("triaged.db{suffix}"))).unwrap();
    }
    world.deliver(2);
    assert_eq!(daemon.wait().code(), Some(1), "{}", daemon.log());
    wait_for_line(
        &daemon,
        &["ERROR", "database_replaced", "triaged.db", "put the file"],
    );
    assert_eq!(world.inbox().len(), 1, "the mail is where it was");
    assert_eq!(world.answered(), BTreeSet::from([1]));

    // As systemd does.
    let mut daemon = world.setup.run();
    world.wait_for_answers(2);
    assert!(daemon.stop().success(), "{}", daemon.log());
    assert_eq!(dovecot.mails(&world.user, "Triaged").len(), 2);
    assert_eq!(
        world
            .setup
            .json(&["case", "list"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_backup_put_in_place_under_the_daemon_is_taken_up_whole() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    let mut daemon = world.setup.run();
    world.deliver(1);
    world.wait_for_answers(1);
    assert!(world.setup.cli(&["backup", "copy.db"]).status.success());
    world.deliver(2);
    world.wait_for_answers(2);

    std::fs::rename(world.setup.file("copy.db"), world.setup.database()).unwrap();
    world.deliver(3);
    assert_eq!(daemon.wait().code(), Some(1), "{}", daemon.log());
    assert!(world.setup.file("triaged.db-wal.replaced").exists());
    let mut daemon = world.setup.run();
    world.wait_for_answers(3);
    assert!(daemon.stop().success(), "{}", daemon.log());
    // The second lies in the processed folder alone, as the log says.
    assert_eq!(
        world
            .setup
            .json(&["case", "list"])
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert!(world.setup.cli(&["audit", "verify"]).status.success());
}

#[test]
fn an_invalid_policy_at_reload_leaves_the_old_one_in_force() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    let policy = std::fs::read_to_string(world.setup.file("policy.toml")).unwrap();
    let mut daemon = world.setup.run();
    daemon.wait_for_log("started");

    let wrong = policy.replace("48 business hours", "48 busines hours");
    world.setup.write("policy.toml", &wrong);
    daemon.reload();
    wait_for_line(
        &daemon,
        &[
            "reload_refused",
            "policy.toml:",
            "48 busines hours",
            "stay in force",
        ],
    );
    world.deliver(1);
    // No command runs on such a policy, but the daemon goes on.
    world.wait_for_reporters(&[1]);

    let next = policy.replace("version = \"2026-05-01\"", "version = \"2026-06-01\"");
    world.setup.write("policy.toml", &next);
    daemon.reload();
    wait_for_line(&daemon, &["reloaded", "2026-06-01"]);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(1);
}

// Caps.

#[test]
fn held_answers_go_together_a_day_later() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.setup.set("limits.replies_per_address", 2);
    // Three, and two more after a restart: the caps are kept.
    for numbers in [1..=3, 4..=5] {
        for number in numbers {
            world.deliver_from("keen@research.test", number, "It takes SQL.");
        }
        let pass = world.setup.run_once();
        assert!(
            pass.status.success(),
            "{}",
            String::from_utf8_lossy(&pass.stderr)
        );
    }
    assert_eq!(world.sink.count(), 2);
    let outbox = world.status("outbox");
    assert_eq!(outbox["held"], 3, "{outbox}");
    assert_eq!(outbox["waiting"], 0, "{outbox}");
    let page = world.setup.cli(&["status"]);
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains("3 held"), "{page}");
    let waiting = cases_in_state(&world, "running");
    assert_eq!(waiting.len(), 3);

    let Some(library) = faketime() else {
        eprintln!(
            "!!!! SKIPPED: the second half of held_answers_go_together_a_day_later: \
             libfaketime is missing (apt-get install faketime) !!!!"
        );
        return;
    };
    world.setup.set_env("LD_PRELOAD", library.to_str().unwrap());
    world.setup.set_env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    world.setup.set_env("FAKETIME", "+23h");
    assert!(world.setup.run_once().status.success());
    assert_eq!(world.sink.count(), 2, "the window is not over");
    world.setup.set_env("FAKETIME", "+25h");
    let pass = world.setup.run_once();
    assert!(
        pass.status.success(),
        "{}",
        String::from_utf8_lossy(&pass.stderr)
    );
    assert_eq!(world.sink.count(), 3, "one letter for three");
    let received = world.sink.received();
    let letter = MessageParser::default().parse(&received[2].bytes).unwrap();
    let text = letter.body_text(0).unwrap().into_owned();
    for case in &waiting {
        assert!(text.contains(case), "{case} is not in {text}");
    }
    assert_eq!(world.status("outbox")["held"], 0);
    assert_eq!(cases_in_state(&world, "met").len(), 5);
    assert!(world.setup.cli(&["audit", "verify"]).status.success());
}

/// A library that panics over the joined letter must not hold up the whole post.
#[test]
fn held_answers_that_cannot_be_joined_go_one_by_one_and_hold_up_nobody() {
    let Some(library) = faketime() else {
        eprintln!(
            "!!!! SKIPPED: held_answers_that_cannot_be_joined_go_one_by_one_and_hold_up_nobody: \
             libfaketime is missing (apt-get install faketime) !!!!"
        );
        return;
    };
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.setup.set("limits.replies_per_address", 2);
    for number in 1..=4 {
        world.deliver_from("keen@research.test", number, "It takes SQL.");
    }
    assert!(world.setup.run_once().status.success());
    assert_eq!(world.sink.count(), 2);
    assert_eq!(world.status("outbox")["held"], 2);

    world.deliver_from("other@research.test", 5, "It takes SQL.");
    world.setup.set_env("LD_PRELOAD", library.to_str().unwrap());
    world.setup.set_env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    world.setup.set_env("FAKETIME", "+25h");
    world.setup.set_env("TRIAGED_PANIC_AT", "joining");
    let pass = world.setup.run_once();
    let words = String::from_utf8_lossy(&pass.stderr);
    assert!(pass.status.success(), "{words}");
    assert!(words.contains("not_joined"), "{words}");
    assert_eq!(world.sink.count(), 5);
    assert_eq!(cases_in_state(&world, "met").len(), 5);
}

/// What could not be read is answered together with the rest, and its sender still gets our key.
#[test]
fn an_unreadable_mail_among_held_ones_keeps_its_hint() {
    let Some(library) = faketime() else {
        eprintln!(
            "!!!! SKIPPED: an_unreadable_mail_among_held_ones_keeps_its_hint: \
             libfaketime is missing (apt-get install faketime) !!!!"
        );
        return;
    };
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.setup.set("limits.replies_per_address", 1);
    let pass = || {
        let pass = world.setup.run_once();
        let words = String::from_utf8_lossy(&pass.stderr).into_owned();
        assert!(pass.status.success(), "{words}");
    };
    world.deliver_from("keen@research.test", 1, "It takes SQL.");
    pass();
    world.deliver_from("keen@research.test", 2, "It takes SQL.");
    let gpg = Gpg::new();
    let other = gpg.generate("Other", "other@vendor.test", Algorithm::Curve25519);
    let unreadable = Letter::new("keen@research.test", SECURITY_ADDRESS, "...").encrypted(
        &gpg,
        "It takes SQL.",
        &[&other],
        None,
    );
    dovecot.deliver(&world.user, "INBOX", &unreadable, Utc::now());
    pass();
    assert_eq!(world.sink.count(), 1);
    assert_eq!(world.status("outbox")["held"], 2);

    world.setup.set_env("LD_PRELOAD", library.to_str().unwrap());
    world.setup.set_env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    world.setup.set_env("FAKETIME", "+25h");
    let waiting = cases_in_state(&world, "running");
    assert_eq!(waiting.len(), 2);
    pass();
    let received = world.sink.received();
    assert_eq!(received.len(), 2, "one letter for two");
    let letter = MessageParser::default().parse(&received[1].bytes).unwrap();
    let text = letter.body_text(0).unwrap().into_owned();
    for word in [
        &waiting[0],
        &waiting[1],
        "could not read",
        "attached to this mail",
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert_eq!(text.matches("could not read").count(), 1, "{text}");
    let raw = String::from_utf8_lossy(&received[1].bytes);
    assert!(raw.contains("application/pgp-keys"), "{raw}");
    assert_eq!(cases_in_state(&world, "met").len(), 3);
    assert!(world.setup.cli(&["audit", "verify"]).status.success());
}

// A mail that kills.

#[test]
fn a_mail_that_kills_the_program_is_recorded_unopened_and_holds_up_no_other() {
    const DEATHS_AT_MOST: usize = 13;
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.setup.set_env("TRIAGED_KILL_OVER", "deadly words");
    world.deliver_from("poisoner@research.test", 99, "These are deadly words.");
    for number in 1..=5 {
        world.deliver(number);
    }
    let mut deaths = 0;
    let mut daemon = loop {
        let mut daemon = world.setup.run();
        wait_until("death, or everything recorded", LONG, || {
            !daemon.is_running() || world.inbox().is_empty()
        });
        if daemon.is_running() {
            break daemon;
        }
        deaths += 1;
        assert!(deaths <= DEATHS_AT_MOST, "it dies for ever");
        if deaths >= 4 {
            // Those that waited, and those that came meanwhile, but for the newest.
            let recorded = world
                .setup
                .json(&["case", "list"])
                .as_array()
                .unwrap()
                .len();
            assert!(
                recorded >= 5 + deaths - 2,
                "{recorded} cases after {deaths} deaths"
            );
        }
        world.deliver(5 + deaths);
    };
    let expected: BTreeSet<usize> = (1..=5 + deaths).collect();
    wait_until("the answers", LONG, || world.answered() == expected);
    assert!(daemon.stop().success(), "{}", daemon.log());
    assert!(deaths >= 10, "{deaths}");

    let cases = world.setup.json(&["case", "list"]);
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), expected.len() + 1);
    let unopened: Vec<_> = cases
        .iter()
        .filter(|case| case["kind"] == "unreadable")
        .collect();
    assert_eq!(unopened.len(), 1);
    assert_eq!(unopened[0]["messages"], 1, "unanswered: {}", unopened[0]);
    assert!(world.setup.cli(&["audit", "verify"]).status.success());
}

#[test]
fn a_mail_whose_bytes_kill_the_program_is_recorded_by_its_header() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.deliver(1);
    let (tell, whom) = mpsc::channel();
    world.proxy.spoil(move |command| {
        bodies_of(command)?.contains(&1).then(|| {
            kill(whom.recv().expect("whom to kill"));
            Fault::Stall
        })
    });
    let mut deaths = 0;
    let mut daemon = loop {
        let mut daemon = world.setup.run();
        tell.send(daemon.id()).expect("the proxy listens");
        wait_until("death, or an answer", LONG, || {
            !daemon.is_running() || world.answered().contains(&1)
        });
        if daemon.is_running() {
            break daemon;
        }
        deaths += 1;
        assert!(deaths <= 12, "it dies for ever");
    };
    assert_eq!(deaths, 11);
    world.deliver(2);
    world.wait_for_reporters(&[1, 2]);
    assert!(daemon.stop().success(), "{}", daemon.log());
    let cases = world.setup.json(&["case", "list"]);
    assert_eq!(cases.as_array().unwrap().len(), 2);
    assert!(
        cases[0]["labels"].to_string().contains("too_large"),
        "{cases}"
    );
    assert_eq!(world.inbox(), [1], "it stays where it is");
}

#[test]
fn stopping_often_in_the_middle_of_a_mail_is_no_death() {
    let dovecot = Dovecot::start();
    let world = World::new(&dovecot);
    world.deliver(1);
    for _ in 0..3 {
        world.spoil_times(BODIES, 1, Fault::Stall);
        let mut daemon = world.setup.run();
        wait_until("an attempt", LONG, || world.attempts() == 1);
        let told = Instant::now();
        assert!(daemon.stop().success(), "{}", daemon.log());
        assert!(told.elapsed() < AT_ONCE, "{:?}", told.elapsed());
        assert_eq!(world.attempts(), 0);
    }
    world.proxy.behave();
    let mut daemon = world.setup.run();
    world.wait_for_answers(1);
    assert!(daemon.stop().success(), "{}", daemon.log());
    world.check_all_well(1);
}

/// How the command that fetches whole mails begins, for `World::spoil_times`.
const BODIES: &str = "UID FETCH bodies";

/// A mailbox behind a proxy, a sink for letters, and a configuration.
struct World<'a> {
    dovecot: &'a Dovecot,
    proxy: ImapProxy,
    sink: Sink,
    setup: Setup,
    user: String,
}

impl<'a> World<'a> {
    fn new(dovecot: &'a Dovecot) -> Self {
        let user = SECURITY_ADDRESS.to_owned();
        dovecot.add_user(&user, SECURITY_PASSWORD);
        let proxy = ImapProxy::start(dovecot.imap_port);
        let sink = Sink::start(Behaviour::Accept);
        let setup = Setup::generate();
        setup.set("imap.host", "127.0.0.1");
        setup.set("imap.port", i64::from(proxy.port));
        setup.set("imap.tls", "off");
        setup.set("imap.username", user.as_str());
        setup.set("imap.password_file", "mail.password");
        setup.set("imap.poll_interval", "1s");
        setup.send_through(&sink);
        Self {
            dovecot,
            proxy,
            sink,
            setup,
            user,
        }
    }

    fn deliver(&self, number: usize) {
        self.deliver_text(number, "It takes SQL.");
    }

    fn deliver_text(&self, number: usize, text: &str) {
        self.deliver_from(&format!("r{number}@research.test"), number, text);
    }

    fn deliver_from(&self, sender: &str, number: usize, text: &str) {
        let mail = format!(
            "From: Reporter <{sender}>\r\nTo: {SECURITY_ADDRESS}\r\n\
             Subject: Finding number {number}\r\nMessage-ID: <{number}.{sender}>\r\n\
             Date: {date}\r\n\r\n\
             Parameter id{number} of page {number}: open /{number}?id={number}'-- and look.\r\n{text}\r\n",
            date = Utc::now().to_rfc2822(),
        );
        self.dovecot
            .deliver(&self.user, "INBOX", mail.as_bytes(), Utc::now());
    }

    /// The same words in another mail.
    fn deliver_again(&self, sender: &str, again: usize) {
        let mail = format!(
            "From: Robot <{sender}>\r\nTo: {SECURITY_ADDRESS}\r\nSubject: A finding\r\n\
             Message-ID: <{again}.{sender}>\r\nDate: {date}\r\n\r\n\
             The parameter id of page 7 takes SQL: open /7?id=1'-- and look at the answer.\r\n",
            date = Utc::now().to_rfc2822(),
        );
        self.dovecot
            .deliver(&self.user, "INBOX", mail.as_bytes(), Utc::now());
    }

    /// The next `times` commands that begin so.
    fn spoil_times(&self, beginning: &'static str, times: usize, fault: Fault) {
        let mut left = times;
        self.proxy.spoil(move |command| {
            let meant = match beginning {
                BODIES => bodies_of(command).is_some(),
                _ => command.starts_with(beginning),
            };
            (meant && left > 0).then(|| {
                left -= 1;
                fault.clone()
            })
        });
    }

    /// Every command that asks for the bytes of one of these is refused.
    fn refuse_body_of(&self, uids: &'static [u32]) {
        self.proxy.spoil(move |command| {
            let asked = bodies_of(command)?;
            asked
                .iter()
                .any(|uid| uids.contains(uid))
                .then(|| Fault::Answer("NO [SERVERBUG] mailbox is broken".to_owned()))
        });
    }

    fn inbox(&self) -> Vec<u32> {
        let mut client = self.dovecot.login(&self.user);
        client.select("INBOX");
        client.search("ALL")
    }

    fn status(&self, field: &str) -> Value {
        self.setup.json(&["status"])[field].take()
    }

    /// The numbers of the reporters whose letter was accepted.
    fn answered(&self) -> BTreeSet<usize> {
        self.accepted()
            .keys()
            .filter_map(|recipient| recipient.strip_prefix('r')?.split('@').next()?.parse().ok())
            .collect()
    }

    /// Message-IDs of the accepted letters of each recipient.
    fn accepted(&self) -> BTreeMap<String, Vec<String>> {
        let mut letters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for letter in self.sink.received().iter().filter(|letter| letter.accepted) {
            let parsed = MessageParser::default().parse(&letter.bytes).unwrap();
            letters
                .entry(letter.recipients[0].clone())
                .or_default()
                .push(parsed.message_id().unwrap().to_owned());
        }
        letters
    }

    #[track_caller]
    fn wait_for_reporters(&self, numbers: &[usize]) {
        let expected: BTreeSet<usize> = numbers.iter().copied().collect();
        wait_until(&format!("answers to {expected:?}"), LONG, || {
            self.answered() == expected
        });
    }

    /// Reporters 1 to `mails` are answered, and nothing is left to be done.
    #[track_caller]
    fn wait_for_answers(&self, mails: usize) {
        self.wait_for_reporters(&(1..=mails).collect::<Vec<_>>());
        wait_until("nothing left to be done", LONG, || {
            self.inbox().is_empty() && self.status("outbox")["waiting"] == 0
        });
    }

    /// One case, one answer, one filed mail each.
    #[track_caller]
    fn check_all_well(&self, mails: usize) {
        let cases = self.setup.json(&["case", "list"]);
        let cases = cases.as_array().unwrap();
        assert_eq!(cases.len(), mails, "one case for each mail");
        for case in cases {
            assert_eq!(case["kind"], "report", "{case}");
            assert_eq!(case["messages"], 2, "{case}");
            assert_eq!(state_of(case, "acknowledge"), "met", "{case}");
        }
        let accepted = self.accepted();
        assert_eq!(accepted.len(), mails, "everybody is answered");
        for (recipient, letters) in &accepted {
            assert_eq!(letters.len(), 1, "{recipient}: {letters:?}");
        }
        assert_eq!(self.dovecot.mails(&self.user, "Triaged").len(), mails);
        let attempts: i64 = self
            .database()
            .query_row("SELECT count(*) FROM intake_attempts", [], |row| row.get(0))
            .unwrap();
        assert_eq!(attempts, 0, "no attempt is left");
        assert!(self.setup.cli(&["audit", "verify"]).status.success());
    }

    /// A connection of the test's own.
    #[track_caller]
    fn database(&self) -> Connection {
        let key = std::fs::read_to_string(self.setup.file("storage.key")).unwrap();
        let on_disk = self.setup.file("state/triaged.db");
        let path = match on_disk.exists() {
            true => on_disk,
            false => self.setup.database(),
        };
        let connection = Connection::open(path).unwrap();
        connection
            .pragma_update(None, "key", format!("x'{}'", key.trim()))
            .unwrap();
        connection.busy_timeout(LONG).unwrap();
        connection
    }

    fn letters_in(&self, state: &str) -> i64 {
        self.database()
            .query_row(
                "SELECT count(*) FROM outbox WHERE state = ?1",
                [state],
                |row| row.get(0),
            )
            .unwrap()
    }

    /// Attempts at mails that were begun and have not ended.
    fn attempts(&self) -> i64 {
        self.database()
            .query_row(
                "SELECT coalesce(sum(attempts), 0) FROM intake_attempts",
                [],
                |row| row.get(0),
            )
            // Before the daemon has made the tables.
            .unwrap_or(0)
    }
}

/// Waits for a line of the log that holds all these words.
#[track_caller]
fn wait_for_line(daemon: &Triaged, words: &[&str]) {
    let started = Instant::now();
    let is_there = |log: &str| {
        log.lines()
            .any(|line| words.iter().all(|word| line.contains(word)))
    };
    while !is_there(&daemon.log()) {
        assert!(
            started.elapsed() < LONG,
            "no line with {words:?} in\n{}",
            daemon.log()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kill(process: u32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    rustix::process::kill_process(process.expect("a process"), Signal::KILL).expect("kill it");
}

/// The UIDs of a command that fetches whole mails.
fn bodies_of(command: &str) -> Option<BTreeSet<u32>> {
    uids_of(command, "BODY.PEEK[]")
}

/// The UIDs of a command that fetches this.
fn uids_of(command: &str, item: &str) -> Option<BTreeSet<u32>> {
    let (set, items) = command.strip_prefix("UID FETCH ")?.split_once(' ')?;
    items.contains(item).then_some(())?;
    let mut uids = BTreeSet::new();
    for range in set.split(',') {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        uids.extend(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?);
    }
    Some(uids)
}

fn state_of<'a>(case: &'a Value, kind: &str) -> &'a str {
    case["deadlines"]
        .as_array()
        .and_then(|deadlines| deadlines.iter().find(|deadline| deadline["kind"] == kind))
        .and_then(|deadline| deadline["state"].as_str())
        .unwrap_or("absent")
}

/// Numbers of the cases whose acknowledge deadline is in this state.
fn cases_in_state(world: &World<'_>, state: &str) -> Vec<String> {
    let cases = world.setup.json(&["case", "list"]);
    cases
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| state_of(case, "acknowledge") == state)
        .map(|case| case["id"].as_str().unwrap().to_owned())
        .collect()
}

fn actions(case: &Value) -> Vec<&str> {
    case["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect()
}

/// A file system of its own, so small that it can be filled.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).unwrap();
    for size in [64 * 1024, 4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

fn faketime() -> Option<PathBuf> {
    ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .map(|machine| format!("/usr/lib/{machine}/faketime/libfaketime.so.1"))
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_file())
}
