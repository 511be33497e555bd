//! Each notice on Dovecot, Postfix and GnuPG.

use crate::common::{
    Algorithm, Dovecot, Gpg, Postfix, Researcher, SECURITY_ADDRESS, SOON, Setup, wait_until,
};
use crate::reading::{MARKER, Told, opened};

const ALICE: &str = "alice@example.test";
const RITA: &str = "rita@research.test";

struct World {
    dovecot: Dovecot,
    postfix: Postfix,
    setup: Setup,
    /// Of the researchers.
    gpg: Gpg,
}

impl World {
    fn new() -> Self {
        let dovecot = Dovecot::start();
        let postfix = Postfix::start(&dovecot);
        let setup = Setup::new(&dovecot, &postfix);
        setup.set("imap.poll_interval", "1s");
        setup.add_member("Alice", ALICE);
        // Her mailbox.
        Researcher::new(&dovecot, &postfix, "Alice", ALICE);
        let gpg = Gpg::new();
        gpg.import(&setup.certificate());
        Self {
            dovecot,
            postfix,
            setup,
            gpg,
        }
    }

    fn researcher(&self, address: &str) -> Researcher<'_> {
        Researcher::new(&self.dovecot, &self.postfix, "Rita", address)
    }

    #[track_caller]
    fn told(&self) -> Vec<Told> {
        let mails = self.dovecot.mails(ALICE, "INBOX");
        let open = |mail: &Vec<u8>| opened(&self.setup, mail);
        mails.iter().map(open).collect()
    }

    /// Waits until Alice has so many notices; the last of them.
    #[track_caller]
    fn wait(&self, count: usize) -> Told {
        wait_until(&format!("notice {count}"), SOON, || {
            self.dovecot.mails(ALICE, "INBOX").len() >= count
        });
        let mut told = self.told();
        assert_eq!(told.len(), count, "{told:#?}");
        told.pop().expect("a notice")
    }

    fn number(&self) -> String {
        let cases = self.setup.json(&["case", "list"]);
        let newest = cases.as_array().expect("a list").last().expect("a case");
        newest["id"].as_str().expect("a number").to_owned()
    }
}

const CVSS: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N";

fn report() -> String {
    format!(
        "Hello,\n\nyour search runs scripts of mine: {MARKER}. <img src=x onerror=alert(1)>\n\
         Vector: {CVSS}\n\nSteps: open /search?q=<script>\nImpact: account takeover.\n\n\
         /case SEC-2026-0001\n/disclose 2027-01-10\n{{{{ 7 * 7 }}}}\n"
    )
}

#[test]
fn a_report_and_a_follow_up_are_told_with_all_one_needs() {
    let world = World::new();
    let rita = world.researcher(RITA);
    let key = world.gpg.generate("Rita", RITA, Algorithm::Curve25519);
    let mut daemon = world.setup.run();
    daemon.wait_for_log("event=\"started\"");

    let binary: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let letter = rita
        .letter(SECURITY_ADDRESS, &format!("Search {MARKER}"))
        .attach("poc.py", "text/x-python", "print('proof')\n")
        .attach_bytes("dump.bin", "application/octet-stream", &binary);
    let recipients = [world.setup.fingerprint.as_str()];
    let mail = letter.encrypted(&world.gpg, &report(), &recipients, Some(&key));
    rita.send(SECURITY_ADDRESS, &mail);
    let told = world.wait(1);
    let number = world.number();
    assert_eq!(
        told.subject,
        format!("[{number}] New report: Search {MARKER}")
    );
    told.says(&[
        RITA,
        "critical? its CVSS vector scores 9.1",
        "came encrypted",
        "acknowledge",
        "triage",
        "in 7 days",
        "poc.py",
        "text/x-python, 16 bytes, SHA-256",
        "dump.bin",
        "70 kB",
        &format!("| your search runs scripts of mine: {MARKER}."),
    ]);
    check_harmless(&told);
    check_files(&told, &binary);
    assert_eq!(
        told.linked("accept"),
        [
            format!("/case {number}"),
            "/severity critical".to_owned(),
            "/accept".to_owned()
        ]
    );
    assert_eq!(
        told.linked("spam"),
        [format!("/case {number}"), "/spam".to_owned()]
    );
    // Sent without a reason it is refused.
    assert_eq!(told.linked("reject")[1], "/reject ");
    told.says(&["    /reject REASON\n"]);

    let letter = rita
        .letter(SECURITY_ADDRESS, &format!("Re: [{number}]"))
        .attach("second.txt", "text/plain", "the second file\n");
    rita.send(
        SECURITY_ADDRESS,
        &letter.encrypted(
            &world.gpg,
            &format!("One thing more: {MARKER}\n"),
            &recipients,
            Some(&key),
        ),
    );
    let told = world.wait(2);
    assert_eq!(told.title(), format!("The reporter wrote: Re: [{number}]"));
    told.says(&[&format!("| One thing more: {MARKER}"), "second.txt"]);
    assert_eq!(told.files[0].0, "second.txt");
    assert_eq!(
        String::from_utf8_lossy(&told.files[0].1).trim(),
        "the second file"
    );

    // In clear too: nothing of it leaves in clear to the team.
    rita.send(
        SECURITY_ADDRESS,
        &rita
            .letter(SECURITY_ADDRESS, &format!("Re: [{number}] {MARKER}"))
            .plain(&format!("And in clear: {MARKER}\n")),
    );
    let told = world.wait(3);
    told.says(&["came in clear, not signed", "| And in clear"]);
    // Labels of the case that tell how its first mail came.
    for words in ["is an OpenPGP message", "signature"] {
        assert!(!told.text.contains(words), "{words} in {}", told.text);
    }
    assert!(daemon.stop().success());
    assert!(!daemon.log().contains(MARKER), "{}", daemon.log());
}

/// What the reporter wrote can neither run, nor load anything, nor become a command.
#[track_caller]
fn check_harmless(told: &Told) {
    for line in ["/case SEC-2026-0001", "/disclose 2027-01-10"] {
        assert!(
            told.text.contains(&format!("\n| {line}\n")),
            "{}",
            told.text
        );
        let marked = format!("| {}", line.replace('/', "&#x2f;"));
        assert!(told.html.contains(&marked), "{marked}: {}", told.html);
    }
    assert!(
        told.html.contains("&lt;img src=x onerror="),
        "{}",
        told.html
    );
    for tag in ["<img", "<script", "<link", "<iframe", "src=\"", "url("] {
        assert!(!told.html.contains(tag), "{tag} in {}", told.html);
    }
    assert!(told.html.contains("{{ 7 * 7 }}"), "{}", told.html);
    let dark = "@media (prefers-color-scheme: dark)";
    assert!(told.html.contains(dark) && told.html.contains("width=device-width"));
}

#[track_caller]
fn check_files(told: &Told, binary: &[u8]) {
    let names: Vec<&str> = told.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["poc.py", "dump.bin"]);
    assert_eq!(
        String::from_utf8_lossy(&told.files[0].1).trim(),
        "print('proof')"
    );
    assert!(told.files[1].1 == binary, "another file came out");
}

#[test]
fn files_over_five_megabytes_are_named_and_stay() {
    let world = World::new();
    let rita = world.researcher(RITA);
    let mail = rita
        .letter(SECURITY_ADDRESS, "Search")
        .attach("small.txt", "text/plain", "small\n")
        .attach_bytes("large.bin", "application/octet-stream", &vec![7; 6_000_000])
        .plain(&report());
    rita.send(SECURITY_ADDRESS, &mail);
    wait_until("the report", SOON, || {
        !world.dovecot.mails(SECURITY_ADDRESS, "INBOX").is_empty()
    });
    assert!(world.setup.run_once().status.success());
    let told = world.wait(1);
    told.says(&["large.bin", "6.0 MB", "1 of them come with this notice"]);
    let names: Vec<&str> = told.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["small.txt"]);
}

#[test]
fn a_mail_that_cannot_be_read_is_told_with_what_to_do() {
    let world = World::new();
    let rita = world.researcher(RITA);
    let other = world
        .gpg
        .generate("Else", "else@research.test", Algorithm::Curve25519);
    let mut daemon = world.setup.run();
    let mail = rita
        .letter(SECURITY_ADDRESS, "Encrypted message")
        .encrypted(&world.gpg, &report(), &[&other], None);
    rita.send(SECURITY_ADDRESS, &mail);
    let told = world.wait(1);
    assert!(
        told.title().starts_with("A mail that could not be read"),
        "{}",
        told.subject
    );
    told.says(&[RITA, "encrypted to another key than ours", "/close REASON"]);
    assert!(daemon.stop().success());
}

#[test]
fn letters_that_do_not_arrive_are_told_refused_or_returned() {
    let world = World::new();
    let mut daemon = world.setup.run();
    daemon.wait_for_log("event=\"started\"");

    // The acknowledgement is refused.
    let refused = world.researcher("reject5.rita@research.test");
    let mail = refused
        .letter(SECURITY_ADDRESS, &format!("First {MARKER}"))
        .plain(&report());
    refused.send(SECURITY_ADDRESS, &mail);
    world.wait(2);
    let told = find(&world, "An answer of ours does not arrive");
    told.says(&[
        "reject5.rita@research.test",
        "Recipient address rejected: no such mailbox",
        "acknowledgement",
    ]);

    // The words of a member come back.
    let returned = world.researcher("bounce5.rita@research.test");
    let mail = returned
        .letter(SECURITY_ADDRESS, &format!("Second {MARKER}"))
        .plain(&format!("The login page is weak, see {MARKER}.\n"));
    returned.send(SECURITY_ADDRESS, &mail);
    world.wait(3);
    let number = world.number();
    let output = world
        .setup
        .cli(&["case", "reply", &number, "Thank you, we look into it."]);
    assert!(output.status.success(), "{output:?}");
    let told = world.wait(4);
    assert_eq!(
        told.subject,
        format!("[{number}] A letter of yours does not arrive")
    );
    told.says(&["bounce5.rita@research.test", "it came back", "/reply"]);
    assert!(daemon.stop().success());
    // Nothing that bounces causes more.
    assert!(world.setup.run_once().status.success());
    assert_eq!(world.told().len(), 4);
    assert!(!daemon.log().contains(MARKER), "{}", daemon.log());
}

#[track_caller]
fn find(world: &World, title: &str) -> Told {
    let told = world.told();
    told.iter()
        .find(|told| told.title() == title)
        .unwrap_or_else(|| panic!("no {title:?} in {told:#?}"))
        .clone()
}

#[test]
fn a_mail_server_that_is_gone_is_told_of_with_its_error() {
    let world = World::new();
    let sink = crate::common::Sink::start(crate::common::Behaviour::Accept);
    world.setup.send_through(&sink);
    world.setup.set("limits.silence", "3s");
    let mut daemon = world.setup.run();
    daemon.wait_for_log("event=\"started\"");
    wait_until("a good poll", SOON, || {
        world.setup.json(&["status"])["last_good_poll_at"].is_string()
    });
    world.dovecot.stop();
    wait_until("the notice", SOON, || sink.count() > 0);
    assert!(daemon.stop().success());
    assert_eq!(sink.count(), 1);
    let told = opened(&world.setup, &sink.received()[0].bytes);
    assert!(
        told.subject.starts_with("The mailbox was last read"),
        "{}",
        told.subject
    );
    told.says(&["127.0.0.1", "triaged doctor"]);
}

#[test]
fn a_notice_that_bounces_causes_no_mail() {
    let world = World::new();
    let gone = "bounce5.mia@example.test";
    world.setup.add_member("Mia", gone);
    let rita = world.researcher(RITA);
    let mut daemon = world.setup.run();
    rita.send(
        SECURITY_ADDRESS,
        &rita.letter(SECURITY_ADDRESS, "Search").plain(&report()),
    );
    world.wait(1);
    let bounced = || {
        let mails = world.dovecot.mails(SECURITY_ADDRESS, "Triaged");
        let is_bounce = |mail: &&Vec<u8>| String::from_utf8_lossy(mail).contains("MAILER-DAEMON");
        mails.iter().filter(is_bounce).count()
    };
    wait_until("the bounce to be recorded", SOON, || bounced() == 1);
    assert!(daemon.stop().success());
    assert!(world.setup.run_once().status.success());
    assert_eq!(world.told().len(), 1);
    assert_eq!(rita.inbox().len(), 1, "the acknowledgement");
    assert_eq!(bounced(), 1);
}
