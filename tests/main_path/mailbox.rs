//! What lies where in the mailbox, on servers of several kinds: nothing is
//! recorded or answered twice, and no new mail is overlooked.

use chrono::Utc;
use toml::{Table, Value};

use crate::common::certificates::fingerprint;
use crate::common::{
    Behaviour, Dovecot, DovecotOptions, Letter, SECURITY_ADDRESS, SECURITY_PASSWORD, SOON, Setup,
    Sink, Triaged, wait_until,
};
use crate::world::{Servers, array, count_mails, report, text};

/// An office on a Dovecot of its own, whose answers go to a sink.
struct Lonely {
    setup: Setup,
    dovecot: Dovecot,
    sink: Sink,
}

impl Lonely {
    fn new(options: DovecotOptions) -> Self {
        let dovecot = Dovecot::start_with(options);
        dovecot.add_user(SECURITY_ADDRESS, SECURITY_PASSWORD);
        let sink = Sink::start(Behaviour::Accept);
        let setup = Setup::generate();
        let mut imap = Table::new();
        for (key, value) in [
            ("host", "127.0.0.1"),
            ("tls", "implicit"),
            ("username", SECURITY_ADDRESS),
            ("password_file", "mail.password"),
            ("poll_interval", "1s"),
        ] {
            imap.insert(key.to_owned(), value.into());
        }
        imap.insert("port".to_owned(), i64::from(dovecot.imaps_port).into());
        let authority = dovecot.certificates().ca();
        match options.self_signed {
            false => imap.insert("ca_file".to_owned(), path(&authority)),
            true => imap.insert(
                "pin_sha256".to_owned(),
                fingerprint(&dovecot.certificates().self_signed_certificate()).into(),
            ),
        };
        setup.set("imap", imap);
        setup.send_through(&sink);
        Self {
            setup,
            dovecot,
            sink,
        }
    }

    /// A report by somebody who has not written before.
    fn deliver(&self, who: &str) {
        let from = format!("{who} <{who}@research.test>");
        let mail = Letter::new(&from, SECURITY_ADDRESS, "A finding")
            .plain(&report(&format!("the page of {who}")));
        self.dovecot
            .deliver(SECURITY_ADDRESS, "INBOX", &mail, Utc::now());
    }

    fn count(&self, folder: &str) -> usize {
        count_mails(&self.dovecot.maildir(SECURITY_ADDRESS, folder))
    }

    #[track_caller]
    fn wait_for_answers(&self, count: usize) {
        wait_until(&format!("{count} answers"), SOON, || {
            self.sink.count() >= count
        });
        wait_until("an empty outbox", SOON, || {
            self.setup.json(&["status"])["outbox"]["waiting"] == 0
        });
        assert_eq!(self.sink.count(), count);
        assert_eq!(array(&self.setup.json(&["case", "list"])).len(), count);
    }

    /// How often the daemon has looked at the mailbox is not visible; that it looked, is.
    fn wait_for_a_look(&self, daemon: &Triaged) {
        let looked_at = || self.setup.json(&["status"])["last_good_poll_at"].clone();
        let before = looked_at();
        wait_until("another look at the mailbox", SOON, || {
            looked_at() != before
        });
        assert!(!daemon.log().contains("panic"), "{}", daemon.log());
    }
}

fn path(path: &std::path::Path) -> Value {
    path.to_str().expect("a path in UTF-8").into()
}

#[test]
fn a_renumbered_mailbox_brings_nothing_twice_and_new_mail_is_found() {
    let office = Lonely::new(DovecotOptions::default());
    office.setup.set("imap.processed_folder", "");
    let daemon = office.setup.run();
    office.deliver("anna");
    office.deliver("boris");
    office.wait_for_answers(2);
    let flagged = || {
        let mut session = office.dovecot.login(SECURITY_ADDRESS);
        session.select("INBOX");
        session.search("KEYWORD $Triaged").len()
    };
    wait_until("marks on both", SOON, || flagged() == 2);
    assert_eq!(office.count("INBOX"), 2, "they stay where they were");
    assert_eq!(office.count("Triaged"), 0);

    office.dovecot.change_uidvalidity(SECURITY_ADDRESS, "INBOX");
    office.deliver("clara");
    office.wait_for_answers(3);
    wait_until("marks on all", SOON, || flagged() == 3);
    daemon.wait_for_log("uidvalidity_changed");
    office.wait_for_a_look(&daemon);
    office.wait_for_answers(3);
    assert_eq!(office.count("INBOX"), 3);
    let output = office.setup.cli(&["audit", "verify"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_server_that_was_set_back_to_an_older_state_hides_no_new_mail() {
    let office = Lonely::new(DovecotOptions::default());
    let daemon = office.setup.run();
    office.deliver("anna");
    office.deliver("boris");
    office.wait_for_answers(2);
    wait_until("both in Triaged", SOON, || office.count("Triaged") == 2);

    office.dovecot.set_back(SECURITY_ADDRESS, "INBOX");
    office.wait_for_a_look(&daemon);
    office.deliver("clara");
    office.wait_for_answers(3);
    wait_until("all in Triaged", SOON, || office.count("Triaged") == 3);

    // And where the UIDs are taken by the time that the daemon looks.
    office.dovecot.set_back(SECURITY_ADDRESS, "INBOX");
    office.deliver("doris");
    office.deliver("egon");
    office.wait_for_answers(5);
    wait_until("all in Triaged", SOON, || office.count("Triaged") == 5);
    assert_eq!(office.count("INBOX"), 0);
}

#[test]
fn a_mail_that_a_person_moves_back_is_not_answered_again() {
    let office = Lonely::new(DovecotOptions::default());
    let mut daemon = office.setup.run();
    office.deliver("anna");
    office.wait_for_answers(1);
    wait_until("the mail in Triaged", SOON, || office.count("Triaged") == 1);

    let move_back = || {
        let mut session = office.dovecot.login(SECURITY_ADDRESS);
        session.select("Triaged");
        let uid = session.search("ALL")[0];
        session.move_to(uid, "INBOX");
    };
    move_back();
    daemon.wait_for_log("known_already");
    wait_until("the mail in Triaged again", SOON, || {
        office.count("Triaged") == 1
    });
    office.wait_for_answers(1);

    // And while the daemon is away.
    assert!(daemon.stop().success());
    move_back();
    let _daemon = office.setup.run();
    office.deliver("boris");
    office.wait_for_answers(2);
    wait_until("both in Triaged", SOON, || office.count("Triaged") == 2);
    assert_eq!(office.count("INBOX"), 0);
}

#[test]
fn the_same_bytes_in_several_places_are_one_report() {
    let office = Lonely::new(DovecotOptions::default());
    let mail = Letter::new("Anna <anna@research.test>", SECURITY_ADDRESS, "A finding")
        .plain(&report("the page of anna"));
    for folder in ["INBOX", "INBOX", "Junk"] {
        office
            .dovecot
            .deliver(SECURITY_ADDRESS, folder, &mail, Utc::now());
    }
    let _daemon = office.setup.run();
    wait_until("all three in Triaged", SOON, || {
        office.count("Triaged") == 3 && office.count("INBOX") == 0 && office.count("Junk") == 0
    });
    office.wait_for_answers(1);
}

#[test]
fn a_server_without_idle_and_move_and_with_a_certificate_of_its_own_will_do() {
    let office = Lonely::new(DovecotOptions {
        idle: false,
        r#move: false,
        junk: false,
        self_signed: true,
    });
    office.setup.set("imap.junk_folder", "");
    let mut daemon = office.setup.run();
    office.deliver("anna");
    office.wait_for_answers(1);
    wait_until("the mail in Triaged", SOON, || {
        office.count("Triaged") == 1 && office.count("INBOX") == 0
    });
    // Found by polling.
    office.deliver("boris");
    office.wait_for_answers(2);
    wait_until("both in Triaged", SOON, || {
        office.count("Triaged") == 2 && office.count("INBOX") == 0
    });
    assert!(daemon.stop().success());

    // Another certificate is not believed, and nothing is asked of that server.
    let other = "00".repeat(32);
    office.setup.set("imap.pin_sha256", other.as_str());
    office.deliver("clara");
    let output = office.setup.run_once();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("127.0.0.1") && errors.contains("pin"),
        "{errors}"
    );
    assert_eq!(office.count("INBOX"), 1);
    assert_eq!(office.sink.count(), 2);
}

#[test]
fn starttls_serves_both_ways() {
    let servers = Servers::shared();
    let office = servers.office();
    let (imap, smtp) = (&servers.dovecot, &servers.postfix);
    office.setup.set("imap.tls", "starttls");
    office.setup.set("imap.port", i64::from(imap.imap_port));
    office.setup.set("smtp.tls", "starttls");
    office
        .setup
        .set("smtp.port", i64::from(smtp.submission_port));
    let _daemon = office.open();
    let alice = servers.person("Alice");
    alice.send(&office, &alice.letter("XSS").plain(&report("/a")));
    alice.answer();
    office.wait_for_mails("Triaged", 1);
}

#[test]
fn a_mail_that_is_too_large_is_a_case_by_its_headers_and_stays_in_place() {
    let servers = Servers::shared();
    let office = servers.office();
    office.setup.set("limits.max_message", "20 kB");
    let mut daemon = office.open();
    let alice = servers.person("Alice");
    let screenshot = "0123456789abcdef\n".repeat(3000);
    let mail = alice
        .letter("A long finding")
        .attach("log.txt", "text/plain", &screenshot)
        .plain(&report("/a"));
    alice.send(&office, &mail);
    let receipt = alice.answer();
    assert_eq!(
        receipt.subject(),
        format!("[{}] We have received your report", receipt.case())
    );
    assert!(!receipt.text().contains("SHA-256"), "{}", receipt.text());
    assert!(receipt.text().contains("larger than"), "{}", receipt.text());
    let case = office.case_of(&alice);
    assert_eq!(text(&case["id"]), receipt.case());
    assert_eq!(case["subject"], "A long finding");
    assert!(
        array(&case["labels"]).contains(&"too_large".into()),
        "{case:#}"
    );
    assert_eq!((office.count("INBOX"), office.count("Triaged")), (1, 0));

    assert!(daemon.stop().success());
    let _daemon = office.open();
    // The daemon reads in order, so once this is answered the large one was looked at.
    let bob = servers.person("Bob");
    bob.send(&office, &bob.letter("XSS").plain(&report("/b")));
    bob.answer();
    office.wait_for_mails("Triaged", 1);
    assert_eq!(office.cases().len(), 2);
    assert_eq!(office.letters_sent(), 2);
    assert_eq!(alice.inbox().len(), 1);
    assert_eq!(office.count("INBOX"), 1);
    assert!(office.mails("INBOX")[0].ends_with(&mail));
}
