//! Commands by mail, from the member's mail program to the transcript: Dovecot, Postfix, GnuPG.

mod common;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use mail_parser::{Message, MessageParser};
use serde_json::Value;

use common::moved_clock::drop_into;
use common::{
    Algorithm, Dovecot, Gpg, Letter, Postfix, Researcher, SECURITY_ADDRESS, SOON, Setup, Triaged,
    wait_until,
};

const RITA: &str = "rita@research.test";
const ALICE: &str = "alice@example.test";
const OTTO: &str = "otto@example.test";
const AGATHA: &str = "aged@example.test";
/// Stands in clear around whatever is encrypted to the team.
const OUTER_SUBJECT: &str = "Encrypted message";

/// Servers, a daemon, a team of a member and an observer, and a case.
struct World {
    dovecot: Dovecot,
    postfix: Postfix,
    setup: Setup,
    alice: String,
    otto: String,
    eve: String,
}

impl World {
    fn new() -> Self {
        let dovecot = Dovecot::start();
        let postfix = Postfix::start(&dovecot);
        let setup = Setup::new(&dovecot, &postfix);
        setup.set("imap.poll_interval", "1s");
        let alice = setup.add_member("Alice", ALICE);
        let otto = setup.add_member("Otto", OTTO);
        observe(&setup, "Otto");
        let eve = setup.gpg.generate("Alice", ALICE, Algorithm::Curve25519);
        let world = Self {
            dovecot,
            postfix,
            setup,
            alice,
            otto,
            eve,
        };
        for (name, address) in [
            ("Rita", RITA),
            ("Alice", ALICE),
            ("Otto", OTTO),
            ("Agatha", AGATHA),
        ] {
            world.person(name, address);
        }
        world
    }

    /// The daemon, its database made.
    #[track_caller]
    fn start(&self) -> Triaged {
        let daemon = self.setup.run();
        daemon.wait_for_log("event=\"started\"");
        daemon
    }

    fn person(&self, name: &str, address: &str) -> Researcher<'_> {
        Researcher::new(&self.dovecot, &self.postfix, name, address)
    }

    /// Rita reports something; the number of her case.
    #[track_caller]
    fn report(&self, what: &str) -> String {
        let rita = self.person("Rita", RITA);
        let text = format!(
            "Your {what} page has a cross-site scripting flaw: open /{what}?q=x and see.\n\
             An attacker can act as any visitor.\n"
        );
        let known = self.cases().len();
        let letter = rita.letter(SECURITY_ADDRESS, &format!("XSS in the {what}"));
        rita.send(SECURITY_ADDRESS, &letter.plain(&text));
        wait_until("a case", SOON, || self.cases().len() > known);
        let cases = self.cases();
        let newest = cases.last().expect("a case");
        let number = newest["id"].as_str().expect("a number").to_owned();
        // What its receipt changes is no command's doing.
        wait_until("its receipt", SOON, || self.is_acknowledged(&number));
        number
    }

    fn is_acknowledged(&self, case: &str) -> bool {
        let deadlines = self.show(case)["deadlines"].clone();
        let mut deadlines = deadlines.as_array().expect("deadlines").iter();
        deadlines.any(|it| it["kind"] == "acknowledge" && it["state"] == "met")
    }

    fn cases(&self) -> Vec<Value> {
        let cases = self.setup.json(&["case", "list"]);
        cases.as_array().expect("cases").clone()
    }

    fn show(&self, case: &str) -> Value {
        self.setup.json(&["case", "show", case])
    }

    fn letter(&self, from: &str) -> Letter {
        Letter::new(from, SECURITY_ADDRESS, "Re: Encrypted message")
    }

    /// A clear-signed mail of Alice.
    fn signed(&self, text: &str) -> Vec<u8> {
        self.letter(ALICE)
            .inline_signed(&self.setup.gpg, text, &self.alice)
    }

    fn send(&self, from: &str, mail: &[u8]) {
        self.postfix.send(from, SECURITY_ADDRESS, mail);
    }

    /// What a member of the team got that is a transcript, decrypted: subject and text.
    fn transcripts(&self, who: &str) -> Vec<(String, String)> {
        let mails = self.dovecot.mails(who, "INBOX");
        let opened = mails.iter().map(|mail| opened(&self.setup.gpg, mail));
        opened
            .filter(|(_, text)| text.contains("This is about your mail that came on"))
            .map(|(subject, text)| (subject, unfolded(&text)))
            .collect()
    }

    /// Sends a mail of commands and waits for what its sender hears.
    #[track_caller]
    fn command(&self, from: &str, mail: &[u8]) -> (String, String) {
        self.command_told_to(ALICE, from, mail)
    }

    #[track_caller]
    fn command_told_to(&self, whom: &str, from: &str, mail: &[u8]) -> (String, String) {
        let before = self.transcripts(whom).len();
        self.send(from, mail);
        wait_until("a transcript", SOON, || {
            self.transcripts(whom).len() > before
        });
        self.transcripts(whom).pop().expect("a transcript")
    }

    /// What a mail does that changes nothing: its transcript.
    #[track_caller]
    fn refused(&self, case: &str, mail: &[u8]) -> String {
        let before = self.show(case);
        let (subject, text) = self.command(ALICE, mail);
        assert_eq!(subject, "Nothing was changed", "{text}");
        assert!(
            text.starts_with("Nothing was changed, and nobody was written to"),
            "{text}"
        );
        assert_eq!(self.show(case), before, "{text}");
        text
    }
}

/// Long lines as they were before they were folded: what begins a line stands in another column.
fn unfolded(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match lines.last_mut() {
            Some(last)
                if !last.is_empty()
                    && !line.is_empty()
                    && indent(last) == indent(line)
                    && last.len() > 50 =>
            {
                last.push(' ');
                last.push_str(line.trim_start());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

/// Makes a member an observer, in the configuration.
fn observe(setup: &Setup, name: &str) {
    let path = setup.file("config.toml");
    let text = std::fs::read_to_string(path).expect("the configuration");
    let mut config: toml::Table = text.parse().expect("TOML");
    let mut team = config.remove("team").expect("a team");
    for member in team.as_array_mut().expect("members") {
        if member["name"].as_str() == Some(name) {
            let member = member.as_table_mut().expect("a member");
            member.insert("role".to_owned(), "observer".into());
        }
    }
    setup.set("team", team);
}

/// Subject and text of a mail to the team; it must be encrypted, or say nothing.
#[track_caller]
fn opened(gpg: &Gpg, mail: &[u8]) -> (String, String) {
    let outer = parsed(mail);
    assert_eq!(outer.subject(), Some(OUTER_SUBJECT), "{outer:?}");
    let sealed = outer.attachment(1).or(outer.attachment(0));
    let decrypted = gpg.decrypt(sealed.expect("a ciphertext").contents());
    assert!(decrypted.signed_by.is_some(), "not signed by us");
    let inner = parsed(&decrypted.bytes);
    let subject = inner.subject().unwrap_or_default().to_owned();
    let text = inner.body_text(0).unwrap_or_default().replace("\r\n", "\n");
    (subject, text)
}

fn parsed(bytes: &[u8]) -> Message<'static> {
    let message = MessageParser::default().parse(bytes);
    message.expect("a mail").into_owned()
}

fn events(show: &Value, action: &str) -> Vec<Value> {
    let all = show["events"].as_array().expect("events").iter();
    all.filter(|event| event["action"] == action)
        .cloned()
        .collect()
}

#[test]
fn a_signed_mail_commands_in_every_form_and_is_told_what_it_did() {
    let world = World::new();
    let _daemon = world.start();
    let case = world.report("search");
    let other = world.report("login");
    let gpg = &world.setup.gpg;

    // Encrypted and signed, as a reply to a notice, with the notice quoted below.
    let text = format!(
        "/case {case}\n/severity high\n/accept\n\nOn Tue, 2 Jun 2026 at 10:00, Us wrote:\n\
         > A report came.\n> /case {other}\n> /spam\n"
    );
    let mail =
        world
            .letter(ALICE)
            .encrypted(gpg, &text, &[&world.setup.fingerprint], Some(&world.alice));
    let (subject, told) = world.command(ALICE, &mail);
    assert_eq!(subject, format!("{case}: done"), "{told}");
    for words in [
        &format!("{case}: accepted"),
        "severity    - -> high",
        "status      new -> accepted",
        &format!("letter      accepted to {RITA}, in clear"),
        "remediate ",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let show = world.show(&case);
    assert_eq!(
        (&show["status"], &show["severity"]),
        (&"accepted".into(), &"high".into())
    );
    assert_eq!(
        events(&show, "accepted")[0]["actor"],
        "member:Alice",
        "{show}"
    );
    assert_eq!(world.show(&other)["status"], "new");

    // PGP/MIME, with the notice quoted above; two cases in one mail.
    let text = format!(
        "On Tue, 2 Jun 2026 at 10:00, Us <{SECURITY_ADDRESS}> wrote:\n> Commands:\n> /case {case}\n\
         > /spam\n\n/case {case}\n/assign alice\n/case {other}\n/label customer_data\n/assign Otto\n\
         -- \nAlice\n/spam\n"
    );
    let (subject, told) =
        world.command(ALICE, &world.letter(ALICE).signed(gpg, &text, &world.alice));
    assert_eq!(subject, format!("{case}, {other}: done"), "{told}");
    assert_eq!(world.show(&case)["assignee"], "Alice");
    assert_eq!(world.show(&other)["assignee"], "Otto");

    // Clear-signed within a mail, from another address of hers, under words that nobody signed.
    let home = "alice@home.test";
    world.person("Alice", home);
    let armored = gpg.sign_cleartext(
        format!("/case {other}\n/note It is Ann's.\n").as_bytes(),
        &world.alice,
    );
    let around = format!("/case {other}\n/spam\n\n{armored}\n/case {other}\n/spam\n");
    let (subject, told) = world.command(home, &world.letter(home).plain(&around));
    assert_eq!(subject, format!("{other}: done"), "{told}");
    assert_eq!(
        events(&world.show(&other), "noted")[0]["detail"]["note"],
        "It is Ann's."
    );
    assert_eq!(world.show(&other)["status"], "new");

    // Lines that the mail program wrapped.
    let wrapped = format!(
        "/case {other}\n/note The vendor says that all versions before \nthe last one have it.\n/status\n"
    );
    let flowed = format!(
        "Content-Type: text/plain; charset=utf-8; format=flowed\n\n{}",
        wrapped.trim_end()
    );
    let flowed = common::letter::with_crlf(flowed.as_bytes());
    let signature = gpg.sign_detached(&flowed, &world.alice);
    let mail = world.letter(ALICE).around_signed(&flowed, &signature);
    let (_, told) = world.command(ALICE, &mail);
    assert!(told.contains("/status\n      status      new\n"), "{told}");
    let note = &events(&world.show(&other), "noted")[1]["detail"]["note"];
    assert_eq!(
        note,
        "The vendor says that all versions before the last one have it."
    );

    // What Rita got: the words that the commands caused, and nothing of the team's.
    let rita = world.person("Rita", RITA);
    wait_until("the acceptance", SOON, || rita.inbox().len() == 3);
    let letters: String = rita
        .raw_inbox()
        .iter()
        .map(|it| String::from_utf8_lossy(it).into_owned())
        .collect();
    assert!(
        !letters.contains("Ann's") && !letters.contains("/accept"),
        "{letters}"
    );
    // Nobody's commands opened a case.
    assert_eq!(world.cases().len(), 2);

    let (_, table) = world.command(ALICE, &world.signed("/help\n"));
    assert!(
        table.contains("  /severity critical|high|medium|low\n"),
        "{table}"
    );
    assert!(table.contains("  /case SEC-2026-0001\n"), "{table}");
}

#[test]
fn what_no_member_signed_freshly_changes_nothing() {
    let world = World::new();
    let mut daemon = world.start();
    let case = world.report("search");
    let gpg = &world.setup.gpg;
    let accept = format!("/case {case}\n/accept\n");

    let unsigned = world.refused(&case, &world.letter(ALICE).plain(&accept));
    assert!(unsigned.contains("no signature is over them"), "{unsigned}");

    // A key of the same name, which is not the one in the configuration.
    let mail = world.letter(ALICE).inline_signed(gpg, &accept, &world.eve);
    let other = world.refused(&case, &mail);
    assert!(other.contains("not by your certificate"), "{other}");

    // Changed under her signature.
    let signed =
        String::from_utf8(world.signed(&format!("/case {case}\n/status\n"))).expect("UTF-8");
    let bad = world.refused(&case, signed.replace("/status", "/accept").as_bytes());
    assert!(bad.contains("does not fit them"), "{bad}");

    // Three were forged: the team hears of it, once, and Alice hears of no fourth.
    wait_until("word to the team", SOON, || {
        !refused_notices(&world).is_empty()
    });
    let notice = &refused_notices(&world)[0];
    assert!(
        notice.contains("not signed") && notice.contains(&world.eve),
        "{notice}"
    );
    let before = world.transcripts(ALICE).len();
    world.send(ALICE, &world.letter(ALICE).plain(&accept));
    wait_until("the fourth is recorded", SOON, || {
        daemon.log().matches("kind=\"team_command\"").count() >= 4
    });

    // Signed, and wrong all the same: that is answered each time.
    let wrong = world.refused(
        &case,
        &world.signed(&format!("/case {case}\n/severty hihg\n/accept\n")),
    );
    assert!(
        wrong.contains("Right is, for example: /severity high"),
        "{wrong}"
    );
    let half = world.refused(
        &case,
        &world.signed(&format!("/case {case}\n/accept\n/reopen\n")),
    );
    assert!(
        half.contains("/reopen\n      ") && half.contains("not closed"),
        "{half}"
    );
    let nowhere = world.refused(&case, &world.signed("/case SEC-2020-0001\n/accept\n"));
    assert!(nowhere.contains("there is no such case"), "{nowhere}");
    let stray = world.refused(
        &case,
        &world.signed(&format!("/case {case}\n/reply Dear Rita\n/case {case}\n")),
    );
    assert!(stray.contains("inside a text"), "{stray}");
    assert_eq!(
        world.transcripts(ALICE).len(),
        before + 4,
        "a forged mail was answered a fourth time"
    );

    let mail = world.letter(OTTO).inline_signed(gpg, &accept, &world.otto);
    let before = world.show(&case);
    let (_, observer) = world.command_told_to(OTTO, OTTO, &mail);
    assert!(observer.contains("You are an observer"), "{observer}");
    assert_eq!(world.show(&case), before);

    // A stranger's commands are a mail like any other.
    let eve = world.person("Eve", "eve@evil.test");
    let letter = eve.letter(SECURITY_ADDRESS, "For you");
    eve.send(SECURITY_ADDRESS, &letter.plain(&accept));
    wait_until("a case of its own", SOON, || world.cases().len() == 2);
    assert_eq!(world.cases()[1]["kind"], "report");
    assert_eq!(world.show(&case), before);
    assert_eq!(refused_notices(&world).len(), 1, "told twice");
    assert!(daemon.stop().success(), "{}", daemon.log());
    assert_eq!(world.show(&case)["status"], "new");
}

/// What tells the team of refused commands.
fn refused_notices(world: &World) -> Vec<String> {
    let mails = world.dovecot.mails(ALICE, "INBOX");
    let opened = mails.iter().map(|mail| opened(&world.setup.gpg, mail));
    opened
        .filter(|(subject, _)| subject == "Commands were refused three times within a day")
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn a_signature_works_once_and_for_a_day() {
    let world = World::new();
    // A key that is older than what it signs.
    let aged = aged_member(&world.setup);
    let _daemon = world.start();
    let case = world.report("search");
    let note = format!("/case {case}\n/note once\n");

    let signed = world
        .setup
        .gpg
        .sign_cleartext(note.as_bytes(), &world.alice);
    let (subject, told) = world.command(ALICE, &world.letter(ALICE).plain(&signed));
    assert_eq!(subject, format!("{case}: done"), "{told}");
    // Sent again by somebody, in another dress.
    let again = Letter::new("eve@evil.test", SECURITY_ADDRESS, "Hello")
        .header("X-Mailer", "another")
        .plain(&format!("\n\n{signed}"));
    let told = world.refused(&case, &again);
    assert!(told.contains("a signature works once"), "{told}");
    // The same words under a new signature are meant once more.
    let (subject, _) = world.command(ALICE, &world.signed(&note));
    assert_eq!(subject, format!("{case}: done"));
    assert_eq!(events(&world.show(&case), "noted").len(), 2);

    // What was refused is used up too: it works no better once the case exists.
    let next = case.replace("0001", "0002");
    let early = format!("/case {next}\n/spam\n");
    let early = world
        .setup
        .gpg
        .sign_cleartext(early.as_bytes(), &world.alice);
    world.refused(&case, &world.letter(ALICE).plain(&early));
    assert_eq!(world.report("login"), next);
    let told = world.refused(&next, &world.letter(ALICE).plain(&early));
    assert!(told.contains("a signature works once"), "{told}");

    for (hours, words) in [
        (-25, "more than 24 hours before they came"),
        (2, "dated in the future"),
    ] {
        let signed = sign_at(
            &world.setup.gpg,
            &aged,
            Utc::now() + TimeDelta::hours(hours),
            &note,
        );
        let mail = world.letter(AGATHA).plain(&signed);
        let before = world.show(&case);
        let (_, told) = world.command_told_to(AGATHA, AGATHA, &mail);
        assert!(told.contains(words), "{told}");
        assert_eq!(world.show(&case), before);
    }
    let fresh = sign_at(
        &world.setup.gpg,
        &aged,
        Utc::now() - TimeDelta::hours(23),
        &note,
    );
    let mail = world.letter(AGATHA).plain(&fresh);
    let (subject, _) = world.command_told_to(AGATHA, AGATHA, &mail);
    assert_eq!(subject, format!("{case}: done"));
}

/// gpg's own clock, for one command.
fn faked(at: DateTime<Utc>) -> String {
    format!("--faked-system-time={}!", at.format("%Y%m%dT%H%M%S"))
}

/// A member whose key was made ten days ago; its fingerprint.
fn aged_member(setup: &Setup) -> String {
    let then = faked(Utc::now() - TimeDelta::days(10));
    let make = [
        then.as_str(),
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
        "--yes",
        "--quick-gen-key",
        "Agatha <aged@example.test>",
        "ed25519",
        "sign",
        "0",
    ];
    // The member, with a key that is replaced at once.
    let first = setup.add_member("Agatha", AGATHA);
    let known: BTreeSet<String> = fingerprints(&setup.gpg);
    setup.gpg.run(&make, b"");
    let made = fingerprints(&setup.gpg);
    let aged = made.difference(&known).next().expect("a new key").clone();
    let add = [
        then.as_str(),
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
        "--quick-add-key",
        &aged,
        "cv25519",
        "encr",
        "0",
    ];
    setup.gpg.run(&add, b"");
    setup.write("aged@example.test.asc", &setup.gpg.export(&aged));
    assert_ne!(first, aged);
    aged
}

fn fingerprints(gpg: &Gpg) -> BTreeSet<String> {
    let listed = gpg
        .run(&["--with-colons", "--list-secret-keys"], b"")
        .stdout;
    let listed = String::from_utf8(listed).expect("UTF-8");
    let mut lines = listed.lines();
    let mut found = BTreeSet::new();
    while let Some(line) = lines.next() {
        if line.starts_with("sec:") {
            let next = lines.next().expect("a fingerprint");
            found.insert(next.split(':').nth(9).expect("a field").to_owned());
        }
    }
    found
}

fn sign_at(gpg: &Gpg, signer: &str, at: DateTime<Utc>, text: &str) -> String {
    let arguments = [&faked(at), "--clearsign", "--local-user", signer];
    let signed = gpg.run(&arguments, text.as_bytes()).stdout;
    String::from_utf8(signed).expect("armor")
}

#[test]
fn a_key_that_expired_or_was_revoked_commands_nothing() {
    let world = World::new();
    let gpg = &world.setup.gpg;
    // Expired: valid for a day, ten days ago. Its owner cannot be told in cipher.
    let then = faked(Utc::now() - TimeDelta::days(10));
    let rest = ["--pinentry-mode", "loopback", "--passphrase", ""];
    let member = world.setup.add_member("Paul", "paul@example.test");
    world.person("Paul", "paul@example.test");
    let known = fingerprints(gpg);
    let make = [
        "--yes",
        "--quick-gen-key",
        "Paul <paul@example.test>",
        "ed25519",
        "sign",
        "1d",
    ];
    gpg.run(&[&[then.as_str()], &rest[..], &make].concat(), b"");
    let paul = fingerprints(gpg)
        .difference(&known)
        .next()
        .expect("a key")
        .clone();
    assert_ne!(member, paul);
    world
        .setup
        .write("paul@example.test.asc", &gpg.export(&paul));
    let mut daemon = world.start();
    let case = world.report("search");
    let accept = format!("/case {case}\n/accept\n");

    let before = world.show(&case);
    let at = Utc::now() - TimeDelta::days(10) + TimeDelta::hours(1);
    let mail = world
        .letter("paul@example.test")
        .plain(&sign_at(gpg, &paul, at, &accept));
    world.send("paul@example.test", &mail);
    wait_until("a mail without content", SOON, || {
        world
            .dovecot
            .mails("paul@example.test", "INBOX")
            .iter()
            .any(|mail| {
                let mail = parsed(mail);
                mail.subject() == Some("A notice for you could not be encrypted")
            })
    });
    let told = world.dovecot.mails("paul@example.test", "INBOX");
    for mail in &told {
        let text = String::from_utf8_lossy(mail);
        assert!(!text.contains(&case) && !text.contains("/accept"), "{text}");
    }
    assert_eq!(world.show(&case), before);

    // Revoked, and the certificate in the configuration says so.
    let mail = world.signed(&accept);
    let home = gpg
        .home()
        .join("openpgp-revocs.d")
        .join(format!("{}.rev", world.alice));
    let revocation = std::fs::read_to_string(home).expect("a revocation");
    gpg.import(&revocation.replace(":-----BEGIN", "-----BEGIN"));
    world
        .setup
        .write(&format!("{ALICE}.asc"), &gpg.export(&world.alice));
    assert!(daemon.stop().success(), "{}", daemon.log());
    let daemon = world.start();
    world.send(ALICE, &mail);
    wait_until("the refusal", SOON, || {
        daemon.log().contains("kind=\"team_command\"")
    });
    assert_eq!(world.show(&case), before);
    let explained = explain(&world.setup, &mail);
    assert_eq!(explained["kind"], "team_command", "{explained}");
    assert_eq!(
        explained["commands"]["refused"], "revoked_key",
        "{explained}"
    );
}

fn explain(setup: &Setup, mail: &[u8]) -> Value {
    std::fs::write(setup.file("mail.eml"), mail).expect("write the mail");
    let path = setup.file("mail.eml");
    let path = path.to_str().expect("a path in UTF-8");
    setup.json_lines(&["explain", path]).remove(0)
}

#[test]
fn an_answer_to_a_notice_without_a_command_opens_no_case() {
    let world = World::new();
    let _daemon = world.start();
    let case = world.report("search");
    wait_until("the notice", SOON, || {
        !world.dovecot.mails(ALICE, "INBOX").is_empty()
    });
    let notice = parsed(&world.dovecot.mails(ALICE, "INBOX")[0]);
    let id = format!("<{}>", notice.message_id().expect("a Message-ID"));
    let answer = world.letter(ALICE).in_reply_to(&id);
    let thanks = "Thanks, I look at it tomorrow.\n";
    for mail in [
        answer.plain(thanks),
        answer.signed(&world.setup.gpg, thanks, &world.alice),
    ] {
        let told = world.refused(&case, &mail);
        assert!(told.contains("your mail holds no command"), "{told}");
        assert!(
            told.contains("/severity critical|high|medium|low"),
            "{told}"
        );
    }
    assert_eq!(world.cases().len(), 1);
    // What answers no notice is a report of hers.
    let fresh = world.letter(ALICE).signed(
        &world.setup.gpg,
        "I found a flaw in the login page.\n",
        &world.alice,
    );
    world.send(ALICE, &fresh);
    wait_until("a case of hers", SOON, || world.cases().len() == 2);
}

/// Without servers: a Maildir, and letters as files.
struct Local {
    setup: Setup,
    alice: String,
}

impl Local {
    fn new() -> Self {
        let setup = Setup::local();
        let alice = setup.add_member("Alice", ALICE);
        let local = Self { setup, alice };
        let text = "Your search page has a cross-site scripting flaw: open /search?q=x and see.\n";
        local.receive(&Letter::new(RITA, SECURITY_ADDRESS, "XSS").plain(text));
        local.pass();
        local
    }

    fn receive(&self, mail: &[u8]) {
        drop_into(&self.setup.file("Maildir"), mail, Utc::now());
    }

    #[track_caller]
    fn pass(&self) {
        let output = self.setup.run_once();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
    }

    fn case(&self) -> Value {
        let cases = self.setup.json(&["case", "list"]);
        let number = cases[0]["id"].as_str().expect("a number").to_owned();
        self.setup.json(&["case", "show", &number])
    }

    fn number(&self) -> String {
        self.case()["id"].as_str().expect("a number").to_owned()
    }

    fn noted(&self) -> usize {
        events(&self.case(), "noted").len()
    }

    fn transcripts(&self) -> usize {
        let sent = self.setup.sent().into_iter();
        sent.map(|path| std::fs::read(path).expect("a letter"))
            .filter(|mail| parsed(mail).subject() == Some(OUTER_SUBJECT))
            .map(|mail| opened(&self.setup.gpg, &mail).0)
            .filter(|subject| subject.ends_with(": done"))
            .count()
    }
}

#[test]
fn the_same_signature_in_another_form_is_the_same_signature() {
    let local = Local::new();
    let case = local.number();
    let gpg = &local.setup.gpg;
    let letter = Letter::new(ALICE, SECURITY_ADDRESS, "commands");
    let rest = ["--textmode", "--armor", "--local-user", &local.alice];
    let sign = |content: &[u8]| {
        let arguments = [&rest[..], &["--output", "-", "--detach-sign"]].concat();
        String::from_utf8(gpg.run(&arguments, content).stdout).expect("armour")
    };

    // As mutt signs: over the part, as text. Taken apart it fits the same lines, clear-signed.
    let part =
        format!("Content-Type: text/plain; charset=us-ascii\r\n\r\n/case {case}\r\n/note once\r\n");
    let signature = sign(part.as_bytes());
    local.receive(&letter.around_signed(part.as_bytes(), &signature));
    local.pass();
    assert_eq!(local.noted(), 1);
    let lines = part.replace("\r\n", "\n");
    let again = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{lines}\n{signature}");
    local.receive(&Letter::new("eve@evil.test", SECURITY_ADDRESS, "Hello").plain(&again));
    local.pass();
    assert_eq!(local.noted(), 1, "done twice under one signature");

    // The other way round what stands above the first blank line passes for a header.
    let lines = format!("Hello\n\n/case {case}\n/note twice\n");
    let clear = gpg.sign_cleartext(lines.as_bytes(), &local.alice);
    local.receive(&letter.plain(&clear));
    local.pass();
    assert_eq!(local.noted(), 2);
    let signature = &clear[clear.find("-----BEGIN PGP SIGNATURE").expect("a signature")..];
    let part = lines.trim_end().replace('\n', "\r\n");
    local.receive(&letter.around_signed(part.as_bytes(), signature));
    local.pass();
    assert_eq!(local.noted(), 2, "done twice under one signature");
}

#[test]
fn what_a_member_forwards_commands_nothing() {
    let local = Local::new();
    let case = local.number();
    let letter = Letter::new(ALICE, SECURITY_ADDRESS, "Fwd: a bug");
    // As Thunderbird has it.
    let of_eve = format!(
        "-------- Forwarded Message --------\nSubject: a bug\nDate: Mon, 4 May 2026 10:00:00 +0200\n\
         From: Eve <eve@evil.test>\nTo: alice@example.test\n\nYour login is open.\n\n\
         /case {case}\n/note by Eve\n"
    );
    for above in [
        "This came to me.\n\n".to_owned(),
        format!("/case {case}\n/note mine\n"),
        format!("/case {case}\n/accept\n\n"),
    ] {
        let text = format!("{above}{of_eve}");
        local.receive(&letter.inline_signed(&local.setup.gpg, &text, &local.alice));
        local.pass();
        let show = local.setup.json(&["case", "show", &case]);
        assert!(events(&show, "noted").is_empty(), "{above}: {show}");
    }
    let show = local.setup.json(&["case", "show", &case]);
    assert_eq!(show["status"], "accepted");
    let cases = local.setup.json(&["case", "list"]);
    assert_eq!(cases.as_array().expect("cases").len(), 2, "{cases}");
}

#[test]
fn a_header_that_calls_it_automatic_takes_no_command_from_a_member() {
    let local = Local::new();
    let text = format!("/case {}\n/note mine\n", local.number());
    let letter =
        Letter::new(ALICE, SECURITY_ADDRESS, "commands").header("Auto-Submitted", "auto-generated");
    local.receive(&letter.inline_signed(&local.setup.gpg, &text, &local.alice));
    local.pass();
    assert_eq!(local.noted(), 1);
    assert_eq!(local.transcripts(), 1);
}

#[test]
fn a_revoked_key_stays_revoked_whatever_certificate_comes_along() {
    let local = Local::new();
    let gpg = &local.setup.gpg;
    let text = format!("/case {}\n/note mine\n", local.number());
    let mail = Letter::new(ALICE, SECURITY_ADDRESS, "commands")
        .attach("key.asc", "application/pgp-keys", &gpg.export(&local.alice))
        .inline_signed(gpg, &text, &local.alice);
    let home = gpg
        .home()
        .join("openpgp-revocs.d")
        .join(format!("{}.rev", local.alice));
    let revocation = std::fs::read_to_string(home).expect("a revocation");
    gpg.import(&revocation.replace(":-----BEGIN", "-----BEGIN"));
    local
        .setup
        .write(&format!("{ALICE}.asc"), &gpg.export(&local.alice));
    local.receive(&mail);
    local.pass();
    assert_eq!(local.noted(), 0);
}

#[test]
fn killed_between_two_steps_nothing_is_half_done_and_told_once() {
    for step in [
        "half_commanded:1",
        "half_commanded:2",
        "commanded",
        "half_recorded",
        "recorded",
        "committed",
        "claimed",
    ] {
        let local = Local::new();
        let case = local.case()["id"].as_str().expect("a number").to_owned();
        let text = format!("/case {case}\n/severity high\n/accept\n/assign alice\n");
        let mail = Letter::new(ALICE, SECURITY_ADDRESS, "Re: it").inline_signed(
            &local.setup.gpg,
            &text,
            &local.alice,
        );
        local.receive(&mail);
        local.setup.set_env("TRIAGED_KILL_AT", step);
        let dead = local.setup.run_once();
        assert!(dead.status.code().is_none(), "{step}: {dead:?}");
        local.setup.unset_env("TRIAGED_KILL_AT");
        let between = local.case();
        let all_or_none = [&between["severity"], &between["assignee"]];
        assert!(
            all_or_none == [&Value::Null, &Value::Null]
                || all_or_none == [&Value::from("high"), &Value::from("Alice")],
            "{step}: {between}"
        );
        local.pass();
        let after = local.case();
        assert_eq!(after["status"], "accepted", "{step}");
        assert_eq!(after["assignee"], "Alice", "{step}");
        for action in ["severity", "accepted", "assigned"] {
            assert_eq!(events(&after, action).len(), 1, "{step}: {action}");
        }
        assert_eq!(local.transcripts(), 1, "{step}");
        assert!(local.setup.cli(&["audit", "verify"]).status.success());
    }
}

#[test]
fn an_outage_voids_no_command_and_a_first_start_does_none() {
    let local = Local::new();
    let case = local.case()["id"].as_str().expect("a number").to_owned();
    // A back-catalogue commands nothing, and what is in it is used up.
    let text = format!("/case {case}\n/note from the archive\n");
    let mail = Letter::new(ALICE, SECURITY_ADDRESS, "Re: it").inline_signed(
        &local.setup.gpg,
        &text,
        &local.alice,
    );
    std::fs::write(local.setup.file("old.eml"), &mail).expect("write the mail");
    let path = local.setup.file("old.eml");
    let path = path.to_str().expect("a path in UTF-8");
    assert!(
        local
            .setup
            .cli(&["ingest", "--no-reply", path])
            .status
            .success()
    );
    let again = [b"X-Again: yes\r\n".as_slice(), &mail].concat();
    local.receive(&again);
    local.pass();
    assert!(events(&local.case(), "noted").is_empty());

    let text = format!("/case {case}\n/accept\n");
    let mail = Letter::new(ALICE, SECURITY_ADDRESS, "Re: it").inline_signed(
        &local.setup.gpg,
        &text,
        &local.alice,
    );
    // It came while the daemon was away for three days.
    local.receive(&mail);
    local.setup.set_clock(Utc::now() + TimeDelta::days(3));
    local.pass();
    assert_eq!(local.case()["status"], "accepted");
}

#[test]
fn explain_tells_what_a_mail_commands() {
    let local = Local::new();
    let case = local.case()["id"].as_str().expect("a number").to_owned();
    let sign = |text: &str| {
        Letter::new(ALICE, SECURITY_ADDRESS, "Re: it").inline_signed(
            &local.setup.gpg,
            text,
            &local.alice,
        )
    };
    let found = explain(&local.setup, &sign(&format!("/case {case}\n/accept\n")));
    assert_eq!(found["kind"], "team_command", "{found}");
    assert_eq!(found["case_created"], false, "{found}");
    assert_eq!(found["commands"]["member"], ALICE, "{found}");
    assert_eq!(found["commands"]["lines"][0]["line"], "/accept", "{found}");
    let found = explain(&local.setup, &sign(&format!("/case {case}\n/acept\n")));
    assert_eq!(
        found["commands"]["wrong"][0]["instead"], "/accept",
        "{found}"
    );
    let unsigned = Letter::new(ALICE, SECURITY_ADDRESS, "Re: it");
    let found = explain(
        &local.setup,
        &unsigned.plain(&format!("/case {case}\n/accept\n")),
    );
    assert_eq!(found["kind"], "team_command", "{found}");
    assert_eq!(found["commands"]["refused"], "unsigned", "{found}");
    let stranger = Letter::new("eve@evil.test", SECURITY_ADDRESS, "Hello");
    let found = explain(
        &local.setup,
        &stranger.plain(&format!("/case {case}\n/accept\n")),
    );
    assert_eq!(found["kind"], "report", "{found}");
    assert_eq!(found["commands"]["refused"], "unsigned", "{found}");
    assert_eq!(local.case()["status"], "new");
}
