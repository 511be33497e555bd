//! Without servers: a Maildir and a sendmail; mail from files; and the commands
//! that look at an installation.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::common::{
    Algorithm, Gpg, Letter, SECURITY_ADDRESS, SOON, Setup, install_program, wait_until,
};
use crate::world::{
    Answer, Servers, array, at, count_mails, deadline, holds, instant, report, sha256, text,
};

/// An installation with a Maildir `mail` and a sendmail that files each letter under `sent`.
pub fn local_office() -> Setup {
    let setup = Setup::generate();
    std::fs::create_dir(setup.file("sent")).expect("a folder for letters");
    let script = format!(
        "#!/bin/sh\nset -e\nletter=$(mktemp {sent}/.letter-XXXXXX)\n\
         printf '%s\\n' \"$*\" > $letter\ncat >> $letter\n\
         mv $letter {sent}/$(date +%s%N).eml\n",
        sent = setup.file("sent").display()
    );
    setup.write("sendmail.sh", &script);
    install_program(setup.file("sendmail.sh"), &setup.file("sendmail"));
    make_maildir(&setup.file("mail"));
    setup.set("maildir.path", "mail");
    setup.set("sendmail.command", path(&setup.file("sendmail")));
    setup
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The arguments of each call of sendmail, and the letter.
pub fn sent(setup: &Setup) -> Vec<(String, Answer)> {
    let mut files: Vec<_> = std::fs::read_dir(setup.file("sent"))
        .expect("list the letters")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            let bytes = std::fs::read(file).expect("read a letter");
            let end = bytes
                .iter()
                .position(|byte| *byte == b'\n')
                .expect("a line");
            let (arguments, letter) = bytes.split_at(end);
            let letter = crate::common::letter::with_crlf(&letter[1..]);
            let arguments = String::from_utf8_lossy(arguments).into_owned();
            (arguments, Answer::read(letter))
        })
        .collect()
}

pub fn mail_from(who: &str, subject: &str, words: &str) -> Vec<u8> {
    let from = format!("{who} <{}@research.test>", who.to_lowercase());
    Letter::new(&from, SECURITY_ADDRESS, subject).plain(words)
}

/// Into `new` by way of `tmp`, with LF as on a Unix disk.
pub fn drop_into(maildir: &Path, name: &str, mail: &[u8]) {
    let unfinished = maildir.join("tmp").join(name);
    std::fs::write(&unfinished, mail).expect("write a mail");
    std::fs::rename(&unfinished, maildir.join("new").join(name)).expect("deliver a mail");
}

fn make_maildir(maildir: &Path) {
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(maildir.join(part)).expect("make a Maildir");
    }
}

pub fn cases(setup: &Setup) -> Vec<Value> {
    array(&setup.json(&["case", "list"]))
}

/// The program with a file as its standard input.
fn with_input(setup: &Setup, arguments: &[&str], input: &[u8]) -> Output {
    let file = setup.file("input");
    std::fs::write(&file, input).expect("write the input");
    Command::new(env!("CARGO_BIN_EXE_triaged"))
        .args(arguments)
        .env("TRIAGED_CONFIG", setup.file("config.toml"))
        .current_dir(setup.directory())
        .stdin(File::open(&file).expect("the input"))
        .output()
        .expect("run triaged")
}

#[test]
fn a_maildir_and_a_sendmail_make_the_same_path() {
    let setup = local_office();
    let maildir = setup.file("mail");
    let daemon = setup.run();
    daemon.wait_for_log("event=\"started\"");

    let plain = mail_from("Alice", "XSS", &report("/a"));
    drop_into(&maildir, "1.alice.host", &plain);
    wait_until("a letter", SOON, || sent(&setup).len() == 1);
    wait_until("the mail in Triaged", SOON, || {
        count_mails(&maildir.join(".Triaged")) == 1 && count_mails(&maildir) == 0
    });
    wait_until("a met deadline", SOON, || {
        deadline(&cases(&setup)[0], "acknowledge")["state"] == "met"
    });
    let (arguments, receipt) = sent(&setup).remove(0);
    assert!(arguments.ends_with("-- alice@research.test"), "{arguments}");
    assert_eq!(
        receipt.subject(),
        format!("[{}] We have received your report", receipt.case())
    );
    assert!(
        receipt.text().contains(&sha256(&plain)),
        "{}",
        receipt.text()
    );
    assert_eq!(receipt.header("Auto-Submitted"), "auto-replied");

    // Encrypted, with a key.
    let gpg = Gpg::new();
    gpg.import(&setup.certificate());
    let key = gpg.generate("Bob", "bob@research.test", Algorithm::Curve25519);
    let letter = Letter::new("Bob <bob@research.test>", SECURITY_ADDRESS, "...").attach(
        "bob.asc",
        "application/pgp-keys",
        &gpg.export(&key),
    );
    let sealed = letter.encrypted(&gpg, &report("/b"), &[&setup.fingerprint], Some(&key));
    drop_into(&maildir, "2.bob.host", &sealed);
    wait_until("another letter", SOON, || sent(&setup).len() == 2);
    let (_, answer) = sent(&setup).remove(1);
    assert_eq!(answer.subject(), format!("[{}]", answer.case()));
    let opened = gpg.decrypt(answer.message.parts.last().expect("a part").contents());
    assert_eq!(
        opened.signed_by.as_deref(),
        Some(setup.fingerprint.as_str())
    );

    // A key, and a robot.
    let request = mail_from("Carol", "PGP", "Please send me your PGP key.\n");
    drop_into(&maildir, "3.carol.host", &request);
    wait_until("the key", SOON, || sent(&setup).len() == 3);
    assert!(sent(&setup)[2].1.key().is_some());
    let robot = Letter::new("x@research.test", SECURITY_ADDRESS, "Out of office")
        .header("Auto-Submitted", "auto-replied")
        .plain("I am away.\n");
    drop_into(&maildir, "4.robot.host", &robot);
    wait_until("all in Triaged", SOON, || {
        count_mails(&maildir.join(".Triaged")) == 4
    });
    assert_eq!(setup.json(&["status"])["outbox"]["waiting"], 0);
    assert_eq!(sent(&setup).len(), 3);
    assert_eq!(cases(&setup).len(), 2);
}

#[test]
fn a_damaged_case_is_named_and_keeps_no_other_off_the_list() {
    let setup = local_office();
    let maildir = setup.file("mail");
    for number in ["1", "2"] {
        let mail = mail_from(&format!("Alice{number}"), "XSS", &report(number));
        drop_into(&maildir, &format!("{number}.alice.host"), &mail);
    }
    assert!(setup.run_once().status.success());
    let numbers: Vec<String> = cases(&setup)
        .iter()
        .map(|case| case["id"].as_str().expect("a number").to_owned())
        .collect();
    assert_eq!(numbers.len(), 2);
    let key = std::fs::read_to_string(setup.file("storage.key")).expect("the key");
    let database = rusqlite::Connection::open(setup.database()).expect("the database");
    database
        .pragma_update(None, "key", format!("x'{}'", key.trim()))
        .expect("unlock it");
    let damage = "UPDATE cases SET clocks = '[' WHERE number = ?1";
    assert_eq!(database.execute(damage, [&numbers[0]]), Ok(1));
    drop(database);

    for arguments in [["case", "list"].as_slice(), &["case", "list", "--json"]] {
        let output = setup.cli(arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(listed.contains(&numbers[1]), "{listed}");
        assert!(!listed.contains(&numbers[0]), "{listed}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            told.contains(&format!("{} is damaged", numbers[0])),
            "{told}"
        );
        if arguments.contains(&"--json") {
            let array: Value = serde_json::from_str(&listed).expect("one array");
            assert_eq!(array.as_array().map(Vec::len), Some(1));
        }
    }
}

/// As when its disk is not mounted: an empty folder in its place would look like a quiet day.
#[test]
fn a_maildir_that_is_gone_is_an_error_and_is_not_made_anew() {
    let setup = local_office();
    let (maildir, away) = (setup.file("mail"), setup.file("away"));
    let mut daemon = setup.run();
    let alice = mail_from("Alice", "XSS", &report("/a"));
    drop_into(&maildir, "1.alice.host", &alice);
    wait_until("the mail in Triaged", SOON, || {
        count_mails(&maildir.join(".Triaged")) == 1
    });

    std::fs::rename(&maildir, &away).expect("take it away");
    daemon.wait_for_log("Is its disk mounted?");
    assert!(daemon.stop().success(), "{}", daemon.log());
    let once = setup.run_once();
    assert_eq!(once.status.code(), Some(1), "{once:?}");
    assert!(!maildir.exists());

    std::fs::rename(&away, &maildir).expect("bring it back");
    let bob = mail_from("Bob", "CSRF", &report("/b"));
    drop_into(&maildir, "2.bob.host", &bob);
    let once = setup.run_once();
    assert_eq!(once.status.code(), Some(0), "{once:?}");
    assert_eq!(sent(&setup).len(), 2);
}

#[test]
fn one_pass_waits_for_a_slow_answer_and_not_for_one_that_a_cap_holds() {
    let setup = local_office();
    setup.set("limits.replies_per_address", 1);
    let maildir = setup.file("mail");
    for (number, page) in ["/a", "/longer/b"].iter().enumerate() {
        let mail = mail_from("Alice", "XSS", &report(page));
        drop_into(&maildir, &format!("{number}.alice.host"), &mail);
    }
    // Ciphertext to our key, cut in the middle: its answer waits a moment.
    let armored = setup
        .gpg
        .encrypt(report("/c").as_bytes(), &[&setup.fingerprint], None);
    let cut: Vec<&str> = armored.lines().take(5).collect();
    let cut = format!("{}\n-----END PGP MESSAGE-----\n", cut.join("\n"));
    drop_into(&maildir, "3.bob.host", &mail_from("Bob", "...", &cut));

    let output = setup.run_once();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let letters = sent(&setup);
    assert_eq!(letters.len(), 2, "{output:?}");
    assert!(letters[1].1.subject().ends_with("cannot read it"));
    assert_eq!(cases(&setup).len(), 3);
    let outbox = &setup.json(&["status"])["outbox"];
    assert_eq!(
        (&outbox["sent"], &outbox["held"]),
        (&2.into(), &1.into()),
        "{outbox}"
    );
}

#[test]
fn mail_from_files_takes_the_same_path() {
    let setup = local_office();
    let received = "Received: from a by b; Fri, 8 May 2026 15:00:07 +0200\r\n";
    let alice = [
        received.as_bytes(),
        &mail_from("Alice", "XSS", &report("/a")),
    ]
    .concat();
    setup.write("alice.eml", &String::from_utf8_lossy(&alice));
    let lines = setup.json_lines(&["ingest", "alice.eml"]);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["kind"], "report");
    assert_eq!(lines[0]["case_created"], true);
    assert_eq!(lines[0]["replies"], 1);
    let case = cases(&setup).remove(0);
    assert_eq!(instant(&case["received_at"]), at("2026-05-08T13:00:07Z"));
    assert_eq!(
        instant(&deadline(&case, "acknowledge")["due_at"]),
        at("2026-05-12T13:00:07Z")
    );
    let again = setup.json_lines(&["ingest", "alice.eml"]);
    assert_eq!(again[0]["known_already"], true);

    // An mbox with two mails, one with a quoted From line.
    let boris = mail_from(
        "Boris",
        "CSRF",
        &format!("{}\n>From here on it is easy.\n", report("/b")),
    );
    let clara = mail_from("Clara", "SSRF", &report("/c"));
    let mbox: String = [&boris, &clara]
        .map(|mail| {
            let mail = String::from_utf8_lossy(mail).replace("\r\n", "\n");
            format!("From someone@research.test Fri May  8 15:00:07 2026\n{mail}\n")
        })
        .concat();
    setup.write("old.mbox", &mbox);
    let lines = setup.json_lines(&["ingest", "--no-reply", "old.mbox"]);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line["replies"] == 0), "{lines:?}");
    let boris_case = setup.json(&["case", "show", text(&lines[0]["case"])]);
    let words = text(&boris_case["messages"][0]["text"]).to_owned();
    assert!(words.contains("\nFrom here on"), "{words}");
    assert!(text(&boris_case["unanswered"]).contains("--no-reply"));

    // A Maildir: the time of delivery is the file's.
    let maildir = setup.file("backlog");
    make_maildir(&maildir);
    let delivered_at: DateTime<Utc> = at("2026-03-27T15:30:00Z");
    let daria = mail_from("Daria", "RCE", &report("/d"));
    drop_into(&maildir, "1.daria.host", &daria);
    File::options()
        .write(true)
        .open(maildir.join("new/1.daria.host"))
        .and_then(|file| file.set_modified(delivered_at.into()))
        .expect("set the time");
    let lines = setup.json_lines(&["ingest", "backlog"]);
    assert_eq!(lines.len(), 1);
    let case = setup.json(&["case", "show", text(&lines[0]["case"])]);
    assert_eq!(instant(&case["received_at"]), delivered_at);

    // Standard input, as from a pipe of an MTA.
    let emil = mail_from("Emil", "IDOR", &report("/e"));
    let output = with_input(&setup, &["ingest", "-"], &emil);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(cases(&setup).len(), 5);

    // The letters of Alice, Daria and Emil wait for the daemon, and no others.
    assert!(sent(&setup).is_empty());
    let output = setup.run_once();
    assert!(output.status.success(), "{output:?}");
    let mut recipients: Vec<String> = sent(&setup)
        .into_iter()
        .map(|(arguments, _)| arguments.rsplit(' ').next().unwrap_or_default().to_owned())
        .collect();
    recipients.sort();
    assert_eq!(
        recipients,
        [
            "alice@research.test",
            "daria@research.test",
            "emil@research.test"
        ]
    );

    // Into the outbox of a running daemon.
    let daemon = setup.run();
    daemon.wait_for_log("event=\"started\"");
    let output = with_input(
        &setup,
        &["ingest", "-"],
        &mail_from("Fay", "LFI", &report("/f")),
    );
    assert!(output.status.success(), "{output:?}");
    wait_until("her letter", SOON, || sent(&setup).len() == 4);
    let missing = setup.cli(&["ingest", "nowhere.eml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nowhere.eml"));
}

#[test]
fn a_pipe_is_one_mail_and_every_file_is_read() {
    let setup = local_office();
    let mark = "From alice@research.test Fri May  8 15:00:07 2026\n";
    let mail = String::from_utf8(mail_from("Alice", "XSS", &report("/a"))).expect("UTF-8");
    let mail = format!(
        "{}\n\n{mark}Subject: quoted\n\nin the log.\n",
        mail.replace("\r\n", "\n")
    );
    let output = with_input(
        &setup,
        &["ingest", "--json", "-"],
        format!("{mark}{mail}").as_bytes(),
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        output.stdout.iter().filter(|byte| **byte == b'\n').count(),
        1
    );
    let case = setup.json(&["case", "show", text(&cases(&setup)[0]["id"])]);
    let words = text(&case["messages"][0]["text"]);
    assert!(
        words.contains("Subject: quoted") && words.contains("in the log."),
        "{words}"
    );

    // The same in a file is a mail that holds words like those of an mbox.
    setup.write("notes.eml", &mail);
    assert_eq!(setup.json_lines(&["explain", "notes.eml"]).len(), 1);

    setup.write("empty.mbox", "");
    let empty = setup.json_lines(&["explain", "empty.mbox"]);
    assert_eq!(empty.len(), 1);
    assert!(
        empty[0]["problems"].to_string().contains("empty"),
        "{empty:?}"
    );

    let output = setup.cli(&["explain", "/nonexist", "notes.eml"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        words.contains("/nonexist: there is no such file"),
        "{words}"
    );
    assert!(holds(&output.stdout, "XSS"), "the other one is explained");
}

/// Standard output of the program whose reader has gone already.
fn without_reader(setup: &Setup, arguments: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    printing_to(setup, arguments, writer.into())
}

fn printing_to(setup: &Setup, arguments: &[&str], output: Stdio) -> Output {
    Command::new(env!("CARGO_BIN_EXE_triaged"))
        .args(arguments)
        .env("TRIAGED_CONFIG", setup.file("config.toml"))
        .current_dir(setup.directory())
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|child| child.wait_with_output())
        .expect("run triaged")
}

/// A back-catalogue of large mails must not wait in memory for one transaction.
#[test]
fn large_mails_from_files_are_recorded_one_by_one() {
    let setup = local_office();
    let padding = "nothing more to say here\n".repeat(60_000);
    let names = ["1.eml", "2.eml", "3.eml"];
    for name in names {
        let words = format!("{}\n{padding}", report(&format!("/{name}")));
        let mail = mail_from(name, "XSS", &words);
        setup.write(name, &String::from_utf8_lossy(&mail));
    }
    setup.set_env("TRIAGED_KILL_AT", "half_recorded:3");
    let killed = setup.cli(&["ingest", names[0], names[1], names[2]]);
    assert_eq!(killed.status.code(), None, "{killed:?}");
    setup.unset_env("TRIAGED_KILL_AT");
    assert_eq!(cases(&setup).len(), 2);
}

#[test]
fn who_stops_reading_our_output_stops_nothing() {
    const MAILS: usize = 70;
    let setup = local_office();
    let mails: Vec<String> = (0..MAILS)
        .map(|number| {
            let name = format!("{number}.eml");
            let mail = mail_from(&format!("R{number}"), "XSS", &report(&format!("/{number}")));
            setup.write(&name, &String::from_utf8_lossy(&mail));
            name
        })
        .collect();
    // More than share one transaction.
    let mut arguments = vec!["ingest"];
    arguments.extend(mails.iter().map(String::as_str));
    let output = without_reader(&setup, &arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(cases(&setup).len(), MAILS);

    for arguments in [
        &["case", "list"][..],
        &["case", "list", "--json"],
        &["status"],
        &["explain", "1.eml", "2.eml"],
        &["audit", "verify"],
        &["check"],
        &["--help"],
    ] {
        let output = without_reader(&setup, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        // The office has no team, and `check` says so.
        let errors = String::from_utf8_lossy(&output.stderr);
        let mut errors = errors
            .lines()
            .filter(|line| !line.starts_with("warning: team:"));
        assert_eq!(errors.next(), None, "{arguments:?}: {output:?}");
    }
    let output = without_reader(&setup, &["case", "show", "SEC-1999-0001"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");

    // Nor does standard error's, where both go into one pipe.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let late = mail_from("Late", "RCE", &report("/late"));
    setup.write("late.eml", &String::from_utf8_lossy(&late));
    let status = Command::new(env!("CARGO_BIN_EXE_triaged"))
        .args(["ingest", "nowhere.eml", "1.eml", "late.eml"])
        .env("TRIAGED_CONFIG", setup.file("config.toml"))
        .env("TRIAGED_LOG", "triaged=debug")
        .current_dir(setup.directory())
        .stdout(writer.try_clone().expect("a second handle"))
        .stderr(writer)
        .status()
        .expect("run triaged");
    assert_eq!(status.code(), Some(1), "one of them is not there");
    assert_eq!(cases(&setup).len(), MAILS + 1);

    // A disk that is full is another matter: what was asked for is not there.
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("a full disk");
    let output = printing_to(&setup, &["case", "list", "--json"], full.into());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(holds(&output.stderr, "cannot be written"), "{output:?}");
}

#[test]
fn a_text_that_fails_over_a_real_mail_is_replaced_by_ours() {
    let setup = local_office();
    std::fs::create_dir(setup.file("texts")).expect("a folder");
    let own = "{% if organization == 'Example Corp' %}Ours.{% else %}{{ nothing }}{% endif %}";
    setup.write("texts/acknowledgement.txt", own);
    setup.write("texts/acknowledgment.txt", "misspelt");
    setup.set("templates", "texts");
    let check = setup.cli(&["check"]);
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    let words = String::from_utf8_lossy(&check.stderr);
    let warning = words
        .lines()
        .find(|line| line.contains("acknowledgment.txt"));
    let warning = warning.unwrap_or_else(|| panic!("{words}"));
    assert!(warning.starts_with("warning: "), "{warning}");
    assert!(
        warning.contains("did you mean acknowledgement.txt?"),
        "{warning}"
    );

    setup.set("organization.name", "Another Corp");
    drop_into(
        &setup.file("mail"),
        "1.alice.host",
        &mail_from("Alice", "XSS", &report("/a")),
    );
    let pass = setup.run_once();
    assert!(pass.status.success(), "{pass:?}");
    let log = [pass.stdout, pass.stderr].concat();
    let log = String::from_utf8_lossy(&log);
    let line = log.lines().find(|line| line.contains("template_failed"));
    let line = line.unwrap_or_else(|| panic!("{log}"));
    assert!(
        line.contains("ERROR") && line.contains("acknowledgement"),
        "{line}"
    );
    let (_, letter) = sent(&setup).remove(0);
    assert!(
        letter
            .text()
            .contains("thank you for writing to Another Corp"),
        "{}",
        letter.text()
    );
    assert_eq!(cases(&setup)[0]["kind"], "report");
}

#[test]
fn what_is_wrong_with_the_configuration_ends_with_2() {
    let setup = local_office();
    #[track_caller]
    fn check(setup: &Setup, arguments: &[&str], status: i32, words: &str) {
        let output = setup.cli(arguments);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{arguments:?}: {output:?}"
        );
        assert!(holds(&output.stderr, words), "{words}: {output:?}");
    }
    let pass = &["run", "--once"];
    std::fs::create_dir(setup.file("texts")).expect("a folder");
    setup.set("templates", "texts");
    setup.write("texts/key.txt", "{{ adress }}");
    check(&setup, pass, 2, "key.txt");
    check(&setup, &["ingest", "-"], 2, "key.txt");
    setup.write("texts/key.txt", "{{ address }}");

    let key = std::fs::read_to_string(setup.file("security.key.asc")).expect("a key");
    setup.write("security.key.asc", &setup.certificate());
    check(&setup, pass, 2, "no usable secret key");
    setup.write("security.key.asc", &key);

    let key = std::fs::read_to_string(setup.file("storage.key")).expect("a key");
    setup.write("storage.key", "too short");
    check(&setup, pass, 2, "64 hexadecimal digits");
    setup.write("storage.key", &key);
    assert!(!setup.database().exists(), "nothing was begun");

    // At work.
    std::fs::create_dir(setup.database()).expect("a folder in the way");
    check(&setup, pass, 1, path(&setup.database()));
    std::fs::remove_dir(setup.database()).expect("remove it");
    check(&setup, &["case", "list"], 1, path(&setup.database()));

    // What is made by `run` is no mistake.
    setup.set("maildir.path", "new/mail");
    setup.set("storage.path", "new/state/triaged.db");
    check(&setup, &["check"], 0, "new/mail is not there yet");
    check(&setup, &["check"], 0, "new/state is not there yet");
    let pass = setup.run_once();
    assert!(pass.status.success(), "{pass:?}");
    assert!(setup.file("new/mail/new").is_dir());

    check(
        &setup,
        &["backup", "away/copy.db"],
        2,
        "away: there is no such folder",
    );
    assert!(!setup.file("away").exists());
}

#[test]
fn an_old_mail_is_promised_nothing_that_is_past() {
    let setup = local_office();
    let alice = [
        b"Received: from a by b; Fri, 7 Jan 2022 15:00:07 +0200\r\n",
        mail_from("Alice", "XSS", &report("/a")).as_slice(),
    ]
    .concat();
    setup.write("alice.eml", &String::from_utf8_lossy(&alice));
    let mail = mail_from("Boris", "CSRF", &report("/b"));
    setup.write("boris.eml", &String::from_utf8_lossy(&mail));
    setup.json_lines(&["ingest", "--no-reply", "alice.eml", "boris.eml"]);
    let output = setup.cli(&["case", "acknowledge", "--unanswered"]);
    assert!(output.status.success(), "{output:?}");
    let pass = setup.run_once();
    assert!(pass.status.success(), "{pass:?}");
    for (arguments, letter) in sent(&setup) {
        let words = letter.text();
        let is_old = arguments.ends_with("alice@research.test");
        for promise in ["You hear our decision", "we aim to fix within"] {
            assert_eq!(words.contains(promise), !is_old, "{promise}: {words}");
        }
        // The letter itself starts the clock of the next one.
        assert!(words.contains("you hear from us again, by"), "{words}");
        assert!(words.contains("(in 14 days)"), "{words}");
        assert!(!words.contains(" ago)"), "{words}");
        assert!(words.contains("please write again"), "{words}");
    }
}

#[test]
fn another_mail_under_the_same_message_id_is_recorded_and_warned_of() {
    let setup = local_office();
    setup.set_env("TRIAGED_LOG", "triaged=warn");
    let mail = |words: &str| {
        format!(
            "Message-ID: <one@research.test>\r\nFrom: a@research.test\r\nSubject: Secretword\r\n\r\n{words}\r\n"
        )
    };
    for (number, warned) in [(1, false), (1, false), (2, true)] {
        setup.write("one.eml", &mail(&format!("{}{number}", report("/a"))));
        let output = setup.cli(&["ingest", "one.eml"]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            holds(&output.stderr, "message_id_again"),
            warned,
            "{output:?}"
        );
        assert!(!holds(&output.stderr, "Secretword"), "{output:?}");
    }
    assert_eq!(cases(&setup).len(), 2);
}

#[test]
fn explain_says_everything_and_writes_nothing() {
    let setup = local_office();
    let gpg = Gpg::new();
    gpg.import(&setup.certificate());
    let key = gpg.generate("Alice", "alice@research.test", Algorithm::Curve25519);
    let letter = Letter::new("Alice <alice@research.test>", SECURITY_ADDRESS, "...")
        .attach("alice.asc", "application/pgp-keys", &gpg.export(&key))
        .attach("../poc.py", "text/x-python", "print(1)\n");
    let words = format!(
        "{}\nCVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H CVE-2026-12345 CWE-89\n\
         https://www.example.test/login\n",
        report("/a")
    );
    let sealed = letter.encrypted(&gpg, &words, &[&setup.fingerprint], Some(&key));
    let robot = Letter::new("x@research.test", SECURITY_ADDRESS, "Out of office")
        .header("Auto-Submitted", "auto-replied")
        .plain("I am away.\n");
    std::fs::write(setup.file("a.eml"), &sealed).expect("write a mail");
    std::fs::write(setup.file("b.eml"), &robot).expect("write a mail");

    let explained = setup.json_lines(&["explain", "a.eml", "b.eml"]);
    assert!(!setup.database().exists(), "explain wrote a database");
    let [report, robot] = explained.as_slice() else {
        panic!("{explained:#?}");
    };
    for field in [
        "file",
        "message_id",
        "from",
        "subject",
        "date",
        "kind",
        "labels",
        "wants_key",
        "case_created",
        "openpgp",
        "text",
        "attachments",
        "extracted",
        "replies",
        "evidence",
        "reply_suppressed",
    ] {
        assert!(report.get(field).is_some(), "{field} in {report:#}");
        assert!(robot.get(field).is_some(), "{field} in {robot:#}");
    }
    assert_eq!(report["file"], "a.eml");
    assert_eq!(report["from"], "alice@research.test");
    assert_eq!(report["kind"], "report");
    assert_eq!(report["case_created"], true);
    assert_eq!(report["wants_key"], false);
    assert_eq!(report["reply_suppressed"], Value::Null);
    let openpgp = &report["openpgp"];
    assert_eq!(openpgp["encrypted"], true);
    assert_eq!(openpgp["decrypted"], true);
    assert_eq!(openpgp["error"], Value::Null);
    assert_eq!(openpgp["signatures"][0]["status"], "good");
    assert_eq!(openpgp["signatures"][0]["covers"], "all");
    assert_eq!(openpgp["signatures"][0]["fingerprint"], key.as_str());
    assert_eq!(openpgp["certificates"][0], key.as_str());
    let poc = array(&report["attachments"])
        .into_iter()
        .find(|attachment| attachment["media_type"] == "text/x-python")
        .expect("the script");
    assert!(!text(&poc["name"]).contains('/'), "{poc}");
    assert!(poc["size"].as_u64().is_some_and(|size| size >= 8), "{poc}");
    let extracted = &report["extracted"];
    assert!(text(&extracted["cvss"][0]).starts_with("CVSS:3.1/AV:N"));
    assert_eq!(extracted["cve"][0], "CVE-2026-12345");
    assert_eq!(extracted["cwe"][0], "CWE-89");
    assert!(array(&extracted["urls"]).contains(&"https://www.example.test/login".into()));
    assert_eq!(extracted["severity"], "critical");
    assert!(extracted["missing"].is_array());
    let reply = &report["replies"][0];
    assert_eq!(reply["template"], "acknowledgement");
    assert_eq!(reply["to"], "alice@research.test");
    assert_eq!(reply["attaches_key"], false);
    let labels = array(&report["labels"]);
    for evidence in array(&report["evidence"]) {
        assert!(labels.contains(&evidence["label"]), "{evidence}");
        assert!(!text(&evidence["because"]).is_empty());
    }
    for label in ["encrypted", "signed"] {
        assert!(labels.contains(&label.into()), "{labels:?}");
    }
    assert_eq!(robot["kind"], "auto_reply");
    assert_eq!(robot["case_created"], false);
    assert_eq!(robot["replies"], Value::Array(Vec::new()));
    assert!(!text(&robot["reply_suppressed"]).is_empty());

    let from_input = with_input(&setup, &["explain", "--json", "-"], &sealed);
    assert!(from_input.status.success(), "{from_input:?}");
    let value: Value = serde_json::from_slice(&from_input.stdout).expect("JSON");
    assert_eq!(value["kind"], "report");

    // Nothing counts toward a cap, and nothing is remembered.
    std::fs::write(setup.file("c.eml"), mail_from("Bob", "XSS", &words)).expect("write a mail");
    setup.json_lines(&["ingest", "c.eml"]);
    let audit = setup.json(&["audit", "verify"]);
    for _ in 0..8 {
        let lines = setup.json_lines(&["explain", "c.eml"]);
        assert_eq!(lines.len(), 1);
    }
    assert_eq!(setup.json(&["audit", "verify"]), audit);
    assert_eq!(cases(&setup).len(), 1);
}

/// A PDF inside a ciphertext is read by a process of its own, and what stands in it is judged.
#[test]
fn a_report_in_a_pdf_is_read_and_stays_secret() {
    let setup = local_office();
    let gpg = Gpg::new();
    gpg.import(&setup.certificate());
    let key = gpg.generate("Alice", "alice@research.test", Algorithm::Curve25519);
    let card = format!("{}{}", "45321987", "65043212");
    let pdf = pdf(&format!("Impact: an attacker reads cards such as {card}"));
    let letter = Letter::new("Alice <alice@research.test>", SECURITY_ADDRESS, "...").attach_bytes(
        "report.pdf",
        "application/pdf",
        pdf.as_bytes(),
    );
    let sealed = letter.encrypted(&gpg, "See the file.\n", &[&setup.fingerprint], Some(&key));
    std::fs::write(setup.file("a.eml"), &sealed).expect("write a mail");
    let [explained] = setup.json_lines(&["explain", "a.eml"]).try_into().unwrap();
    let because = explained["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .find(|evidence| evidence["label"] == "customer_data")
        .map(|evidence| text(&evidence["because"]).to_owned());
    assert_eq!(
        because.as_deref(),
        Some("a card number at attachment 1, line 1"),
        "{explained:#}"
    );
    assert!(!explained.to_string().contains(&card), "{explained:#}");
    assert_eq!(explained["problems"], Value::Array(Vec::new()));
    let missing = &explained["extracted"]["missing"];
    assert!(
        !missing.as_array().unwrap().contains(&"impact".into()),
        "{missing}"
    );

    let ingested = setup.cli(&["ingest", "a.eml"]);
    assert!(ingested.status.success(), "{ingested:?}");
    assert!(!holds(&ingested.stderr, &card), "{ingested:?}");
    let [case] = cases(&setup).try_into().unwrap();
    assert!(
        case["labels"]
            .as_array()
            .unwrap()
            .contains(&"customer_data".into()),
        "{case}"
    );
}

/// One line of ASCII in Helvetica.
fn pdf(line: &str) -> String {
    let content = format!("BT /F1 8 Tf 30 800 Td ({line}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 900 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!(
            "<< /Length {} >>\r\nstream\r\n{content}\r\nendstream",
            content.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    let mut out = "%PDF-1.4\r\n".to_owned();
    let mut table = format!("xref\r\n0 {}\r\n0000000000 65535 f\r\n", objects.len() + 1);
    for (at, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n\r\n", out.len()));
        out.push_str(&format!("{} 0 obj\r\n{object}\r\nendobj\r\n", at + 1));
    }
    let trailer = format!(
        "trailer\r\n<< /Size 6 /Root 1 0 R >>\r\nstartxref\r\n{}\r\n%%EOF\r\n",
        out.len()
    );
    out + &table + &trailer
}

#[test]
fn a_backup_opens_with_the_same_key_and_holds_the_same_cases() {
    let setup = local_office();
    let daemon = setup.run();
    daemon.wait_for_log("event=\"started\"");
    let mail = mail_from("Alice", "Unicornfish", &report("/a"));
    drop_into(&setup.file("mail"), "1.alice.host", &mail);
    wait_until("a met deadline", SOON, || {
        setup.database().exists()
            && cases(&setup)
                .first()
                .is_some_and(|case| deadline(case, "acknowledge")["state"] == "met")
    });
    let before = cases(&setup);

    let output = setup.cli(&["backup", "copy.db"]);
    assert!(output.status.success(), "{output:?}");
    let copy = std::fs::read(setup.file("copy.db")).expect("the copy");
    assert!(!holds(&copy, "Unicornfish") && !copy.starts_with(b"SQLite format"));
    let over = setup.cli(&["backup", "copy.db"]);
    assert_eq!(over.status.code(), Some(1), "{over:?}");

    setup.set("storage.path", "copy.db");
    assert_eq!(cases(&setup), before);
    let verified = setup.cli(&["audit", "verify"]);
    assert!(verified.status.success(), "{verified:?}");

    // Another key does not open it.
    setup.write("storage.key", &"ab".repeat(32));
    let refused = setup.cli(&["case", "list"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(!refused.stderr.is_empty());
}

#[test]
fn check_names_file_and_line_of_each_mistake() {
    let setup = local_office();
    let fine = setup.cli(&["check"]);
    assert_eq!(fine.status.code(), Some(0), "{fine:?}");

    let policy = std::fs::read_to_string(setup.file("policy.toml")).expect("a policy");
    let broken = policy
        .replace("48 business hours", "48 busines hours")
        .replace("triage = ", "triaje = ");
    let line_of = |word: &str| {
        let place = broken.lines().position(|line| line.contains(word));
        place.expect("a line") + 1
    };
    setup.write("policy.toml", &broken);
    let output = setup.cli(&["check"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    for (place, mend) in [
        (line_of("busines hours"), "48 business hours"),
        (line_of("triaje"), "triage"),
    ] {
        let named = format!("policy.toml:{place}:");
        let line = errors.lines().find(|line| line.contains(&named));
        let line = line.unwrap_or_else(|| panic!("{named} in {errors}"));
        assert!(line.contains(mend), "{line}");
    }
    for arguments in [&["run", "--once"][..], &["case", "list"]] {
        let output = setup.cli(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}

#[test]
fn init_writes_what_check_finds_fine() {
    let setup = Setup::generate();
    let output = setup.cli(&["init", "new"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let config = setup.file("new/config.toml");
    let check = setup.cli(&["--config", path(&config), "check"]);
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    let words = String::from_utf8_lossy(&check.stderr);
    for password in ["imap.password", "smtp.password"] {
        assert!(
            words.contains(&format!("{password}: write the password into it")),
            "{words}"
        );
    }
    let alone = "warning: team: nobody is told of deadlines";
    assert!(words.contains(alone), "{words}");
    for secret in ["security.key.asc", "storage.key", "imap.password"] {
        let file = setup.file("new").join(secret);
        let mode = std::fs::metadata(file)
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let key = std::fs::read_to_string(setup.file("new/security.key.asc")).expect("a key");
    Gpg::new().import(&key);
    let again = setup.cli(&["init", "new"]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
}

#[test]
fn doctor_finds_the_servers_well_and_a_wrong_password() {
    let servers = Servers::shared();
    let office = servers.office();
    office.setup.add_member("Tom", "tom@example.test");
    let well = office.setup.cli(&["doctor"]);
    assert_eq!(well.status.code(), Some(0), "{well:?}");
    let findings = array(&office.setup.json(&["doctor"]));
    assert!(findings.len() >= 6, "{findings:#?}");
    for finding in &findings {
        assert_eq!(finding["state"], "ok", "{finding:#}");
    }

    office.setup.write("mail.password", "wrong");
    let ill = office.setup.cli(&["doctor", "--json"]);
    assert_eq!(ill.status.code(), Some(1), "{ill:?}");
    let findings: Value = serde_json::from_slice(&ill.stdout).expect("JSON");
    let failed: Vec<String> = array(&findings)
        .iter()
        .filter(|finding| finding["state"] == "failed")
        .map(|finding| text(&finding["check"]).to_owned())
        .collect();
    assert_eq!(failed, ["mailbox", "outgoing mail"], "{findings:#}");
    for finding in array(&findings) {
        assert!(!text(&finding["detail"]).contains("wrong"), "{finding:#}");
    }
}
