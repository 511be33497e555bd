//! The test servers themselves: each helper proved against the real programs.

mod common;

use std::io::Read;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mail_parser::{MessageParser, MimeHeaders};
use rustix::process::{Pid, Signal, WaitOptions, waitpgid};

use common::certificates::fingerprint;
use common::process::Process;
use common::smtp_client::tls;
use common::*;

fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text)
        .expect("an RFC 3339 time")
        .to_utc()
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

#[test]
fn mail_sent_through_postfix_is_read_in_dovecot() {
    let dovecot = Dovecot::start();
    let postfix = Postfix::start(&dovecot);
    let alice = Researcher::new(&dovecot, &postfix, "Alice", "alice@research.test");
    let bob = Researcher::new(&dovecot, &postfix, "Bob", "bob@vendor.test");

    let letter = alice.letter(&bob.address, "Grüße");
    let mail = letter.plain("one line\n.a dot at the start\nthe end\n");
    alice.send(&bob.address, &mail);

    wait_until("the mail", SOON, || !bob.inbox().is_empty());
    let inbox = bob.inbox();
    let received = inbox.first().expect("a mail");
    assert_eq!(received.subject(), Some("Grüße"));
    assert_eq!(
        received.body_text(0).as_deref(),
        Some("one line\r\n.a dot at the start\r\nthe end\r\n")
    );
    assert!(bob.raw_inbox().iter().all(|raw| raw.ends_with(&mail)));
    assert!(alice.inbox().is_empty());
    wait_until("an empty queue", SOON, || postfix.queue_length() == 0);
    assert!(postfix.log().contains("status=sent"), "{}", postfix.log());
}

#[test]
fn recipients_meet_the_fate_that_their_name_asks_for() {
    let dovecot = Dovecot::start();
    let postfix = Postfix::start(&dovecot);
    let alice = Researcher::new(&dovecot, &postfix, "Alice", "alice@research.test");
    let mail = alice.letter("somebody", "x").plain("x\n");
    let code = |to: &str| match postfix.try_send(&alice.address, to, &mail) {
        Ok(reply) | Err(reply) => reply.code,
    };

    assert_eq!(code("reject5@research.test"), 550, "{}", postfix.log());
    assert_eq!(code("defer4-a@research.test"), 451);
    assert_eq!(code("nobody@research.test"), 550);
    assert_eq!(code("somebody@elsewhere.example"), 554, "we relay nothing");

    assert_eq!(code("stuck4@research.test"), 250);
    wait_until("a deferred mail", SOON, || {
        postfix.log().contains("status=deferred")
    });
    assert_eq!(postfix.queue_length(), 1);

    assert_eq!(code("bounce5@research.test"), 250);
    wait_until("the bounce", SOON, || !alice.inbox().is_empty());
    let inbox = alice.inbox();
    let bounce = inbox.first().expect("a bounce");
    assert!(
        bounce.content_type().is_some_and(|kind| {
            kind.ctype() == "multipart" && kind.subtype() == Some("report")
        })
    );
}

#[test]
fn submission_wants_tls_and_a_login() {
    let dovecot = Dovecot::start();
    dovecot.add_user("alice@research.test", "alice's password");
    let postfix = Postfix::start(&dovecot);
    let ca = postfix.certificates().ca();
    let mail = Letter::new("alice@research.test", "alice@research.test", "x").plain("x\n");

    let mut clear = SmtpClient::connect(postfix.submission_port);
    assert_eq!(clear.command("MAIL FROM:<>").code, 530);

    for from in ["alice@research.test", ""] {
        let mut starttls = SmtpClient::connect_starttls(postfix.submission_port, &ca);
        let mut implicit = SmtpClient::connect_tls(postfix.smtps_port, &ca);
        for client in [&mut starttls, &mut implicit] {
            let refusal = client.send(from, "alice@research.test", &mail);
            assert_eq!(refusal.map_err(|reply| reply.code), Err(554));
            client.command("RSET");
            let wrong = client.login("alice@research.test", "wrong");
            assert_eq!(wrong.map_err(|reply| reply.code), Err(535));
            let login = client.login("alice@research.test", "alice's password");
            assert_eq!(login.map(|reply| reply.code), Ok(235));
            let sent = client.send(from, "alice@research.test", &mail);
            assert_eq!(sent.map(|reply| reply.code), Ok(250));
        }
    }
    wait_until("four mails", SOON, || {
        dovecot.mails("alice@research.test", "INBOX").len() == 4
    });
}

#[test]
fn a_server_may_refuse_the_empty_sender() {
    let dovecot = Dovecot::start();
    dovecot.add_user("alice@research.test", "password");
    let options = PostfixOptions {
        refuse_null_sender: true,
    };
    let postfix = Postfix::start_with(&dovecot, options);
    let mut client = SmtpClient::connect_tls(postfix.smtps_port, &postfix.certificates().ca());
    client
        .login("alice@research.test", "password")
        .expect("login");
    let mail = Letter::new("alice@research.test", "alice@research.test", "x").plain("x\n");
    let mut send = |from: &str| match client.send(from, "alice@research.test", &mail) {
        Ok(reply) | Err(reply) => {
            client.command("RSET");
            reply.code
        }
    };
    assert_eq!(send(""), 550);
    assert_eq!(send("alice@research.test"), 250);
}

#[test]
fn a_mailbox_is_what_a_test_makes_of_it() {
    const USER: &str = "alice@research.test";
    let dovecot = Dovecot::start();
    dovecot.add_user(USER, "with \"quotes\" \\ and more");
    let received_at = instant("2024-02-29T23:59:58Z");
    dovecot.deliver(USER, "INBOX", b"Subject: 1\n\none\n", received_at);
    dovecot.deliver(USER, "Junk", b"Subject: 2\n\ntwo\n", Utc::now());
    dovecot.append(USER, "INBOX", b"Subject: 3\n\nthree\n", Some(received_at));

    assert_eq!(
        dovecot.mails(USER, "INBOX"),
        [
            b"Subject: 1\r\n\r\none\r\n".to_vec(),
            b"Subject: 3\r\n\r\nthree\r\n".to_vec()
        ]
    );
    assert_eq!(dovecot.mails(USER, "Junk").len(), 1);
    assert_eq!(dovecot.mails(USER, "Triaged").len(), 0);

    let mut client = dovecot.login(USER);
    let selected = client.select("INBOX");
    assert_eq!((selected.exists, selected.uid_next), (2, 3));
    assert_eq!(client.search("ALL"), [1, 2]);
    assert_eq!(client.internal_date(1), received_at);
    assert_eq!(client.internal_date(2), received_at);
    client.store(1, "+FLAGS ($Triaged)");
    assert_eq!(client.search("KEYWORD $Triaged"), [1]);
    assert!(client.flags(1).contains(&"$Triaged".to_owned()));
    client.delete(1);
    assert_eq!(client.search("ALL"), [2]);
    client.create("Triaged");
    client.move_to(2, "Triaged");
    assert_eq!(client.search("ALL"), [0_u32; 0]);
    assert_eq!(dovecot.mails(USER, "Triaged").len(), 1);
    let mut folders = client.folders();
    folders.sort();
    assert_eq!(folders, ["INBOX", "Junk", "Triaged"]);
}

#[test]
fn the_order_of_delivery_is_the_order_of_uids() {
    const USER: &str = "alice@research.test";
    let dovecot = Dovecot::start();
    dovecot.add_user(USER, "password");
    for number in 0..100 {
        let mail = format!("Subject: {number}\n\nx\n");
        dovecot.deliver(USER, "INBOX", mail.as_bytes(), Utc::now());
    }
    for (number, mail) in dovecot.mails(USER, "INBOX").iter().enumerate() {
        assert!(contains(mail, &format!("Subject: {number}\r\n")));
    }
}

#[test]
fn idle_move_and_junk_can_be_switched_off() {
    let capabilities = |dovecot: &Dovecot| {
        dovecot.add_user("alice@research.test", "password");
        let mut client = dovecot.login("alice@research.test");
        let responses = client.command("CAPABILITY");
        let words = responses.iter().flat_map(|r| r.text.split(' '));
        let words: Vec<String> = words.map(str::to_owned).collect();
        let has = |word: &str| words.iter().any(|known| known == word);
        (has("IDLE"), has("MOVE"), client.folders().len())
    };
    assert_eq!(capabilities(&Dovecot::start()), (true, true, 2));
    let options = DovecotOptions {
        idle: false,
        r#move: false,
        junk: false,
        ..Default::default()
    };
    assert_eq!(
        capabilities(&Dovecot::start_with(options)),
        (false, false, 1)
    );
}

#[test]
fn uidvalidity_changes_and_uids_begin_anew() {
    const USER: &str = "alice@research.test";
    let dovecot = Dovecot::start();
    dovecot.add_user(USER, "password");
    for number in 0..3 {
        let mail = format!("Subject: {number}\n\nx\n");
        dovecot.deliver(USER, "INBOX", mail.as_bytes(), Utc::now());
    }
    let mut client = dovecot.login(USER);
    let before = client.select("INBOX");
    client.delete(1);
    drop(client);

    let announced = dovecot.change_uidvalidity(USER, "INBOX");

    let mut client = dovecot.login(USER);
    let after = client.select("INBOX");
    assert_eq!(after.uid_validity, announced);
    assert_ne!(after.uid_validity, before.uid_validity);
    assert_eq!(client.search("ALL"), [1, 2]);
    assert!(contains(&client.fetch(1), "Subject: 1"));
}

#[test]
fn a_server_stops_stalls_and_comes_back_on_its_ports() {
    const USER: &str = "alice@research.test";
    let dovecot = Dovecot::start();
    dovecot.add_user(USER, "password");
    let postfix = Postfix::start(&dovecot);
    let refuses = |port: u16| TcpStream::connect(("127.0.0.1", port)).is_err();

    dovecot.stop();
    postfix.stop();
    assert!(refuses(dovecot.imap_port) && refuses(dovecot.imaps_port));
    assert!(refuses(postfix.mx_port) && refuses(postfix.smtps_port));
    dovecot.restart();
    postfix.restart();
    postfix.send("a@vendor.test", USER, b"Subject: x\n\nx\n");
    wait_until("the mail", SOON, || dovecot.mails(USER, "INBOX").len() == 1);

    dovecot.stall();
    let mut stream = TcpStream::connect(("127.0.0.1", dovecot.imap_port)).expect("connect");
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .expect("set a timeout");
    let mut byte = [0];
    assert!(stream.read(&mut byte).is_err(), "a stalled server answered");
    dovecot.resume();
    stream.set_read_timeout(Some(SOON)).expect("set a timeout");
    assert_eq!(stream.read(&mut byte).expect("an answer"), 1);
}

#[test]
fn certificates_are_what_rustls_takes_and_pins() {
    let dovecot = Dovecot::start();
    let certificates = dovecot.certificates();
    let mut session = tls(
        TcpStream::connect(("127.0.0.1", dovecot.imaps_port)).expect("connect"),
        &certificates.ca(),
    );
    let mut greeting = [0; 4];
    session.read_exact(&mut greeting).expect("a greeting");
    assert_eq!(&greeting, b"* OK");

    let options = DovecotOptions {
        self_signed: true,
        ..Default::default()
    };
    let other = Dovecot::start_with(options);
    let certificate = other.certificates().self_signed_certificate();
    let mut session = tls(
        TcpStream::connect(("127.0.0.1", other.imaps_port)).expect("connect"),
        // rustls takes it as its own root, since it does not claim to be an authority.
        &certificate,
    );
    session.read_exact(&mut greeting).expect("a greeting");
    let shown = session.conn.peer_certificates().expect("a certificate");
    let shown = shown.first().expect("a certificate");
    let digest = <sha2::Sha256 as sha2::Digest>::digest(shown);
    assert_eq!(fingerprint(&certificate), certificates::hex(&digest));
}

#[test]
fn gnupg_encrypts_signs_and_decrypts() {
    let gpg = Gpg::new();
    let alice = gpg.generate("Alice", "alice@research.test", Algorithm::Curve25519);
    let us = gpg.generate_with(
        "Us",
        SECURITY_ADDRESS,
        Algorithm::Rsa(1024),
        "a passphrase",
        "1d",
    );
    assert_eq!((alice.len(), us.len()), (40, 40));
    assert!(
        gpg.export_secret(&us, "a passphrase")
            .contains("PRIVATE KEY")
    );

    let other = Gpg::new();
    other.import(&gpg.export(&alice));
    let armored = gpg.encrypt(b"in confidence", &["alice@research.test"], Some(&alice));
    assert!(
        !other
            .try_run(&["--decrypt"], armored.as_bytes())
            .status
            .success()
    );
    let decrypted = gpg.decrypt(armored.as_bytes());
    assert_eq!(decrypted.bytes, b"in confidence");
    assert_eq!(decrypted.signed_by.as_ref(), Some(&alice));

    let signature = gpg.sign_detached(b"these bytes", &alice);
    assert_eq!(
        other.verify(b"these bytes", &signature).as_ref(),
        Some(&alice)
    );
    assert_eq!(other.verify(b"those bytes", &signature), None);
}

#[test]
fn letters_have_the_shapes_of_openpgp_mail() {
    let gpg = Gpg::new();
    let alice = gpg.generate("Alice", "alice@research.test", Algorithm::Curve25519);
    let letter = Letter::new("Alice <alice@research.test>", SECURITY_ADDRESS, "x")
        .in_reply_to("<1@example.test>")
        .attach("poc.py", "text/x-python", "print('ä')\n");
    let parse = |bytes: &[u8]| {
        MessageParser::default()
            .parse(bytes)
            .expect("a mail")
            .into_owned()
    };

    let plain = parse(&letter.plain("text ä"));
    assert_eq!(plain.body_text(0).as_deref(), Some("text ä"));
    assert_eq!(
        plain.attachment(0).and_then(|a| a.attachment_name()),
        Some("poc.py")
    );
    assert_eq!(plain.in_reply_to().as_text(), Some("1@example.test"));

    let encrypted = parse(&letter.encrypted(&gpg, "text ä", &[&alice], Some(&alice)));
    let armored = encrypted.parts.last().expect("a part").contents();
    let inner = gpg.decrypt(armored);
    assert_eq!(inner.signed_by.as_ref(), Some(&alice));
    assert_eq!(parse(&inner.bytes).body_text(0).as_deref(), Some("text ä"));

    let bytes = letter.signed(&gpg, "text ä", &alice);
    let signed = parse(&bytes);
    let part = signed.parts.get(1).expect("the signed part");
    let covered = &bytes[part.offset_header as usize..part.offset_end as usize];
    let signature = signed.parts.last().and_then(|part| part.text_contents());
    assert_eq!(
        gpg.verify(covered, signature.expect("a signature"))
            .as_ref(),
        Some(&alice)
    );

    let bare = Letter::new("alice@research.test", SECURITY_ADDRESS, "x");
    let inline = parse(&bare.inline_encrypted(&gpg, "text", &[&alice], None));
    let body = inline.body_text(0).expect("a body").into_owned();
    assert_eq!(gpg.decrypt(body.as_bytes()).bytes, b"text");
    let inline = parse(&bare.inline_signed(&gpg, "text", &alice));
    let body = inline.body_text(0).expect("a body").into_owned();
    assert_eq!(gpg.decrypt(body.as_bytes()).signed_by, Some(alice));
}

#[test]
fn the_sink_counts_and_misbehaves() {
    let sink = Sink::start(Behaviour::Accept);
    let send = |bytes: &[u8]| SmtpClient::connect(sink.port).send("", "a@research.test", bytes);
    let code = |result: Result<Reply, Reply>| match result {
        Ok(reply) | Err(reply) => reply.code,
    };

    assert_eq!(code(send(b"Subject: 1\r\n\r\n.x\r\n")), 250);
    let received = sink.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].mail_from, "");
    assert_eq!(received[0].recipients, ["a@research.test"]);
    assert_eq!(received[0].bytes, b"Subject: 1\r\n\r\n.x\r\n");

    for (stage, expected) in [
        (Stage::Mail, 451),
        (Stage::Rcpt, 550),
        (Stage::Data, 421),
        (Stage::Dot, 554),
    ] {
        sink.behave(Behaviour::Refuse(stage, format!("{expected} no")));
        assert_eq!(code(send(b"x\r\n")), expected, "{stage:?}");
    }
    assert_eq!(sink.count(), 1);

    sink.behave(Behaviour::Close(Stage::Dot));
    let closed = std::panic::catch_unwind(|| send(b"Subject: closed\r\n\r\nx\r\n"));
    assert!(closed.is_err(), "no answer after the dot");
    let last = sink.received().pop().expect("the mail is here");
    assert!(contains(&last.bytes, "Subject: closed") && !last.accepted);
    assert_eq!(sink.count(), 1);

    sink.behave(Behaviour::Stall(Stage::Rcpt));
    let port = sink.port;
    let stalled =
        std::thread::spawn(move || SmtpClient::connect(port).send("", "b@research.test", b"x\r\n"));
    wait_until("the connection", SOON, || sink.connections() == 7);
    assert!(!stalled.is_finished());
    sink.behave(Behaviour::Accept);
    assert_eq!(code(stalled.join().expect("the stalled client")), 250);
    assert_eq!(sink.count(), 2);
}

#[test]
fn a_setup_is_a_complete_configuration() {
    use std::os::unix::fs::PermissionsExt;
    let dovecot = Dovecot::start();
    let postfix = Postfix::start(&dovecot);
    let setup = Setup::new(&dovecot, &postfix);
    let alice = setup.add_member("Alice", "alice@example.test");
    setup.add_member("Bob", "bob@example.test");
    setup.set("imap.poll_interval", "1s");

    let text = std::fs::read_to_string(setup.file("config.toml")).expect("config.toml");
    let config: toml::Table = text.parse().expect("TOML");
    assert_eq!(
        config["imap"]["port"].as_integer(),
        Some(i64::from(dovecot.imaps_port))
    );
    assert_eq!(config["imap"]["poll_interval"].as_str(), Some("1s"));
    assert_eq!(config["team"].as_array().map(Vec::len), Some(2));
    assert!(
        setup
            .gpg
            .export(&alice)
            .starts_with("-----BEGIN PGP PUBLIC KEY")
    );
    for secret in ["storage.key", "mail.password", "security.key.asc"] {
        let mode = std::fs::metadata(setup.file(secret))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    dovecot.login(SECURITY_ADDRESS).select("INBOX");

    let output = setup.cli(&["--version"]);
    assert!(output.status.success(), "{output:?}");

    let sink = Sink::start(Behaviour::Accept);
    setup.send_through(&sink);
    let text = std::fs::read_to_string(setup.file("config.toml")).expect("config.toml");
    let config: toml::Table = text.parse().expect("TOML");
    assert_eq!(config["smtp"]["tls"].as_str(), Some("off"));
}

/// Runs itself a second time, as the test process that is killed.
#[test]
fn a_killed_test_process_leaves_nothing_behind() {
    const HOLD: &str = "TRIAGED_TEST_HOLDS_SERVERS";
    if let Some(report) = std::env::var_os(HOLD) {
        hold_servers(PathBuf::from(report));
    }
    let folder = temporary_directory();
    let report = folder.path().join("report");
    let name = "a_killed_test_process_leaves_nothing_behind";
    let mut held = Process::start(
        "the test that is killed",
        Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", name])
            .env(HOLD, &report)
            .env("TMPDIR", folder.path())
            .stdout(std::process::Stdio::null()),
        None,
    );
    wait_until("the servers of the other process", SOON, || report.exists());
    let groups = std::fs::read_to_string(&report).expect("the report");
    assert!(groups.lines().count() >= 3, "{groups}");

    held.signal(Signal::KILL);
    held.wait(SOON);

    for group in groups.lines() {
        let group = Pid::from_raw(group.parse().expect("a process id")).expect("a process id");
        // Its orphans became our children, so that we see the last of them end.
        wait_until("the end of a server", SOON, || {
            matches!(
                waitpgid(group, WaitOptions::NOHANG),
                Err(rustix::io::Errno::CHILD)
            )
        });
    }
    std::fs::remove_file(&report).expect("remove the report");
    wait_until("removal of the servers' folders", SOON, || {
        let mut left = std::fs::read_dir(folder.path()).expect("list the folder");
        // Certificates have no process that a watchdog would watch.
        left.all(|entry| entry.is_ok_and(|entry| entry.path().join("ca.pem").exists()))
    });
}

/// Starts one server of each kind, says so, and waits to be killed.
fn hold_servers(report: PathBuf) -> ! {
    let dovecot = Dovecot::start();
    let postfix = Postfix::start(&dovecot);
    let gpg = Gpg::new();
    let groups = [dovecot.group(), postfix.group(), gpg.group()].map(|group| format!("{group}\n"));
    let unfinished = report.with_extension("unfinished");
    std::fs::write(&unfinished, groups.concat()).expect("write the report");
    std::fs::rename(&unfinished, &report).expect("finish the report");
    loop {
        std::thread::park();
    }
}
