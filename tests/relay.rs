//! Words and files between a member and a reporter, both ways: Dovecot, Postfix, GnuPG.
//!
//! The member writes a signed mail with `/reply`, the reporter gets a letter of ours, and what the
//! reporter answers comes to the member as a notice.

mod common;

use chrono::Utc;
use mail_parser::{Message, MessageParser, MimeHeaders};
use serde_json::{Value, json};

use common::letter::signed_parts;
use common::moved_clock::drop_into;
use common::{
    Algorithm, Dovecot, Gpg, Letter, Postfix, Researcher, SECURITY_ADDRESS, SOON, Setup, Triaged,
    wait_until,
};

const RITA: &str = "rita@research.test";
const ALICE: &str = "alice@example.test";
/// In whatever is to stay between the member and the reporter.
const SECRET: &str = "zanzibar4711";

/// Servers, a daemon, Alice of the team, and Rita with a key of her own.
struct World {
    dovecot: Dovecot,
    postfix: Postfix,
    setup: Setup,
    alice: String,
    gpg: Gpg,
    rita: String,
}

/// A letter as its reader has it.
struct Read {
    subject: String,
    text: String,
    files: Vec<(String, Vec<u8>)>,
}

impl World {
    fn new() -> Self {
        let dovecot = Dovecot::start();
        let postfix = Postfix::start(&dovecot);
        let setup = Setup::new(&dovecot, &postfix);
        setup.set("imap.poll_interval", "1s");
        let alice = setup.add_member("Alice", ALICE);
        let gpg = Gpg::new();
        let rita = gpg.generate("Rita", RITA, Algorithm::Curve25519);
        gpg.import(&setup.certificate());
        let world = Self {
            dovecot,
            postfix,
            setup,
            alice,
            gpg,
            rita,
        };
        world.person("Rita", RITA);
        world.person("Alice", ALICE);
        world
    }

    #[track_caller]
    fn start(&self) -> Triaged {
        let daemon = self.setup.run();
        daemon.wait_for_log("event=\"started\"");
        daemon
    }

    fn person(&self, name: &str, address: &str) -> Researcher<'_> {
        Researcher::new(&self.dovecot, &self.postfix, name, address)
    }

    fn inbox(&self, who: &str) -> Vec<Vec<u8>> {
        self.dovecot.mails(who, "INBOX")
    }

    #[track_caller]
    fn send(&self, from: &str, mail: &[u8]) {
        self.postfix.send(from, SECURITY_ADDRESS, mail);
    }

    fn letter(&self, from: &str) -> Letter {
        Letter::new(from, SECURITY_ADDRESS, "A mail of people")
    }

    /// Sends Rita's first mail, and waits until it is answered and Alice was told.
    #[track_caller]
    fn report(&self, mail: &[u8]) -> String {
        let (answers, notices) = (self.inbox(RITA).len(), self.inbox(ALICE).len());
        self.send(RITA, mail);
        self.wait_for(RITA, answers);
        self.wait_for(ALICE, notices);
        let cases = self.setup.json(&["case", "list"]);
        let newest = cases.as_array().and_then(|cases| cases.last());
        newest.expect("a case")["id"]
            .as_str()
            .expect("a number")
            .to_owned()
    }

    /// The next mail in this mailbox.
    #[track_caller]
    fn wait_for(&self, who: &str, known: usize) -> Vec<u8> {
        wait_until(&format!("a mail to {who}"), SOON, || {
            self.inbox(who).len() > known
        });
        self.inbox(who).pop().expect("a mail")
    }

    /// Alice commands; what she is told, and the letter that Rita gets.
    #[track_caller]
    fn relayed(&self, command: &[u8]) -> (String, Vec<u8>) {
        let (letters, told) = (self.inbox(RITA).len(), self.inbox(ALICE).len());
        self.send(ALICE, command);
        let letter = self.wait_for(RITA, letters);
        let transcript = self.wait_for(ALICE, told);
        let transcript = opened(&self.setup.gpg, &transcript, &self.setup.fingerprint);
        let words: Vec<&str> = transcript.text.split_whitespace().collect();
        (words.join(" "), letter)
    }

    /// Rita answers this letter; what Alice is told of it.
    #[track_caller]
    fn answered(&self, answer: &[u8]) -> Read {
        let known = self.inbox(ALICE).len();
        self.send(RITA, answer);
        let notice = self.wait_for(ALICE, known);
        assert_hides(&notice);
        opened(&self.setup.gpg, &notice, &self.setup.fingerprint)
    }

    fn show(&self, case: &str) -> Value {
        self.setup.json(&["case", "show", case])
    }
}

fn parsed(bytes: &[u8]) -> Message<'static> {
    let message = MessageParser::default().parse(bytes);
    message.expect("a mail").into_owned()
}

fn read(message: &Message<'_>) -> Read {
    let files = message.attachments().map(|part| {
        let name = part.attachment_name().unwrap_or_default().to_owned();
        (name, part.contents().to_vec())
    });
    Read {
        subject: message.subject().unwrap_or_default().to_owned(),
        text: message
            .body_text(0)
            .unwrap_or_default()
            .replace("\r\n", "\n"),
        files: files.collect(),
    }
}

/// What `multipart/encrypted` holds, signed by `signer`.
#[track_caller]
fn opened(gpg: &Gpg, mail: &[u8], signer: &str) -> Read {
    let outer = parsed(mail);
    let kind = outer.content_type().expect("a type");
    assert_eq!(kind.subtype(), Some("encrypted"), "{outer:?}");
    let decrypted = gpg.decrypt(outer.parts[2].contents());
    assert_eq!(decrypted.signed_by.as_deref(), Some(signer));
    read(&parsed(&decrypted.bytes))
}

/// A mail in which nothing of the secret can be read on the way, encoded or not.
#[track_caller]
fn assert_hides(mail: &[u8]) {
    let text = String::from_utf8_lossy(mail);
    assert!(!text.contains(SECRET), "{text}");
    let message = parsed(mail);
    for part in &message.parts {
        let contents = String::from_utf8_lossy(part.contents()).into_owned();
        assert!(!contents.contains(SECRET), "{contents}");
    }
}

/// Every byte there is, and a word that can be found.
fn every_byte() -> Vec<u8> {
    let every: Vec<u8> = (0..=255).collect();
    [&every[..], SECRET.as_bytes(), b"\r\nFrom x\n.\r\n"].concat()
}

fn last_event<'v>(show: &'v Value, action: &str) -> &'v Value {
    let events = show["events"].as_array().expect("events");
    let found = events.iter().rev().find(|event| event["action"] == action);
    found.unwrap_or_else(|| panic!("no {action} in {show}"))
}

fn out_messages(show: &Value) -> Vec<&Value> {
    let messages = show["messages"].as_array().expect("messages").iter();
    messages.filter(|it| it["direction"] == "out").collect()
}

#[test]
fn in_cipher_nothing_is_seen_on_the_way_in_either_direction() {
    let world = World::new();
    let _daemon = world.start();
    let (team, gpg) = (&world.setup.gpg, &world.gpg);
    let us = world.setup.fingerprint.as_str();
    let report = world
        .letter(RITA)
        .attach("rita.asc", "application/pgp-keys", &gpg.export(RITA))
        .encrypted(
            gpg,
            "Your search page has a cross-site scripting flaw, and an attacker can act as any visitor.\n",
            &[us],
            Some(&world.rita),
        );
    let case = world.report(&report);

    // As a mail program writes it: with its signature and what it answers below, and the key of its
    // user, as Thunderbird attaches it to every mail.
    let command = format!(
        "/case {case}\n/reply\nDear Rita,\n\nplease try this patch {SECRET}.\n\
         Does it help?\n/close x is what our server got from you.\n\n\
         On Tue, 2 Jun 2026 at 10:00, Us wrote:\n> a notice\n> /spam\n-- \nAlice, at her desk\n"
    );
    let command = world
        .letter(ALICE)
        .attach(
            "OpenPGP_0xALICE.asc",
            "application/pgp-keys",
            &team.export(ALICE),
        )
        .attach_bytes("fix-zanzibar4711.patch", "text/x-patch", &every_byte())
        .attach("\u{dc}bersicht.txt", "text/plain", "Gr\u{fc}\u{df}e")
        .encrypted(team, &command, &[us], Some(&world.alice));
    let (told, letter) = world.relayed(&command);
    let expected = format!(
        "letter update to {RITA}, encrypted, with fix-zanzibar4711.patch, \u{dc}bersicht.txt"
    );
    assert!(told.contains(&expected), "{told}");
    assert!(
        told.contains("lines too: /close x is what our server got"),
        "{told}"
    );
    assert_eq!(world.show(&case)["status"], "new");

    assert_hides(&letter);
    let outer = parsed(&letter);
    assert_eq!(outer.subject(), Some(format!("[{case}]").as_str()));
    assert!(
        outer.header("Auto-Submitted").is_none(),
        "a person wrote it"
    );
    let from = outer.from().and_then(|it| it.first()).expect("a sender");
    assert_eq!(
        (from.name(), from.address()),
        (Some("Example Corp"), Some(SECURITY_ADDRESS))
    );
    assert_eq!(
        outer.return_address().map(|it| it.trim_matches(['<', '>'])),
        Some(SECURITY_ADDRESS),
        "it comes back when it bounces"
    );
    assert!(!String::from_utf8_lossy(&letter).contains("Alice"));
    let inner = opened(gpg, &letter, us);
    assert_eq!(
        inner.text.trim_end(),
        format!(
            "Dear Rita,\n\nplease try this patch {SECRET}.\nDoes it help?\n\
             /close x is what our server got from you.\n\n\
             Example Corp security team\n{SECURITY_ADDRESS}"
        )
    );
    assert!(
        inner.subject.starts_with(&format!("[{case}] ")),
        "{}",
        inner.subject
    );
    assert_eq!(
        inner.files,
        [
            ("fix-zanzibar4711.patch".to_owned(), every_byte()),
            ("\u{dc}bersicht.txt".to_owned(), "Gr\u{fc}\u{df}e".into()),
        ]
    );

    // What the records say of it.
    let show = world.show(&case);
    let replied = last_event(&show, "replied");
    assert_eq!(replied["actor"], "member:Alice");
    assert_eq!(
        replied["detail"]["files"][0]["name"],
        "fix-zanzibar4711.patch"
    );
    assert_eq!(replied["detail"]["files"][0]["size"], every_byte().len());
    let sent = *out_messages(&show).last().expect("a letter");
    assert_eq!(
        sent["attachments"][1]["name"], "\u{dc}bersicht.txt",
        "{sent}"
    );
    assert_eq!(sent["encrypted"], true);

    // Back: Rita's answer, with a file, to the letter that she got.
    let answer = world
        .letter(RITA)
        .in_reply_to(&format!("<{}>", outer.message_id().expect("a Message-ID")))
        .attach_bytes("trace.bin", "application/octet-stream", &every_byte())
        .encrypted(
            gpg,
            &format!("It does not help: {SECRET} is still there.\n\n> please try this patch\n"),
            &[us],
            Some(&world.rita),
        );
    let notice = world.answered(&answer);
    assert!(
        notice.text.contains(&format!("It does not help: {SECRET}")),
        "{}",
        notice.text
    );
    assert!(notice.text.contains(&case), "{}", notice.text);
    let file = notice.files.iter().find(|(name, _)| name == "trace.bin");
    assert_eq!(file.map(|(_, bytes)| bytes), Some(&every_byte()));
    let cases = world.setup.json(&["case", "list"]);
    assert_eq!(cases.as_array().map(Vec::len), Some(1));
}

#[test]
fn in_clear_words_and_files_go_both_ways_under_our_signature() {
    let world = World::new();
    let _daemon = world.start();
    let team = &world.setup.gpg;
    let case = world.report(&world.letter(RITA).plain(
        "Your search page has a cross-site scripting flaw, and an attacker can act as any visitor.\n",
    ));

    // Clear-signed by PGP/MIME. A part that a list put below is not under the signature.
    let command = world
        .letter(ALICE)
        .attach_bytes("fix.bin", "application/octet-stream", &every_byte())
        .signed(
            team,
            &format!("/case {case}\n/reply\nPlease try this.\n-- \nAlice\n"),
            &world.alice,
        );
    let (told, letter) = world.relayed(&command);
    assert!(
        told.contains(&format!("letter update to {RITA}, in clear, with fix.bin")),
        "{told}"
    );
    let (entity, signature) = signed_parts(&letter);
    assert_eq!(
        world.gpg.verify(entity.as_bytes(), signature).as_ref(),
        Some(&world.setup.fingerprint)
    );
    let shown = parsed(&letter);
    assert_eq!(
        shown
            .body_text(0)
            .expect("words")
            .replace("\r\n", "\n")
            .trim_end(),
        format!("Please try this.\n\nExample Corp security team\n{SECURITY_ADDRESS}")
    );
    let file = shown
        .attachments()
        .find(|part| part.attachment_name() == Some("fix.bin"))
        .expect("the file");
    assert_eq!(file.contents(), every_byte());
    assert!(shown.header("Auto-Submitted").is_none());
    assert!(!String::from_utf8_lossy(&letter).contains("Alice"));

    let answer = world
        .letter(RITA)
        .in_reply_to(&format!("<{}>", shown.message_id().expect("a Message-ID")))
        .attach_bytes("trace.bin", "application/octet-stream", &every_byte())
        .plain(&format!("Thanks; {SECRET} is still there.\n"));
    let notice = world.answered(&answer);
    assert!(notice.text.contains(SECRET), "{}", notice.text);
    let file = notice.files.iter().find(|(name, _)| name == "trace.bin");
    assert_eq!(file.map(|(_, bytes)| bytes), Some(&every_byte()));

    // Files that no signature is over go nowhere, and neither do those of two replies.
    let mail = world
        .letter(ALICE)
        .attach("loose.txt", "text/plain", "not signed");
    let clear = team.sign_cleartext(
        format!("/case {case}\n/reply\nWithout it.\n").as_bytes(),
        &world.alice,
    );
    let (told, letter) = world.relayed(&mail.plain(&clear));
    assert!(!told.contains("with loose.txt"), "{told}");
    assert!(
        told.contains("Not sent, and not kept with a case: loose.txt"),
        "{told}"
    );
    assert!(!String::from_utf8_lossy(&letter).contains("loose.txt"));
    assert_eq!(
        parsed(&letter).body_text(0).expect("words").lines().next(),
        Some("Without it.")
    );
}

/// One pass over a Maildir; what Alice is told, and the letters.
struct Local {
    setup: Setup,
    alice: String,
    case: String,
}

impl Local {
    fn new(report: impl FnOnce(&Setup, Letter) -> Vec<u8>) -> Self {
        let setup = Setup::local();
        let alice = setup.add_member("Alice", ALICE);
        let letter = Letter::new(RITA, SECURITY_ADDRESS, "A report");
        let report = report(&setup, letter);
        let mut local = Self {
            setup,
            alice,
            case: String::new(),
        };
        assert!(local.setup.cli(&["run", "--once"]).status.success());
        local.pass(&report);
        let cases = local.setup.json(&["case", "list"]);
        local.case = cases[0]["id"].as_str().expect("a case").to_owned();
        local
    }

    fn plain() -> Self {
        let words =
            "Your search page has a cross-site scripting flaw: any visitor is open to it.\n";
        Self::new(|_, letter| letter.plain(words))
    }

    #[track_caller]
    fn pass(&self, mail: &[u8]) {
        drop_into(&self.setup.file("Maildir"), mail, Utc::now());
        self.once();
    }

    #[track_caller]
    fn once(&self) {
        let output = self.setup.run_once();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Sent since the time that `known` letters were.
    fn letters_to(&self, who: &str) -> Vec<Vec<u8>> {
        let all = self.setup.sent().into_iter();
        all.map(|path| std::fs::read(path).expect("a letter"))
            .filter(|mail| {
                let message = parsed(mail);
                let to = message.to().and_then(|to| to.first());
                to.and_then(|to| to.address()) == Some(who)
            })
            .collect()
    }

    /// The last mail to Alice, opened.
    #[track_caller]
    fn told(&self) -> String {
        let mail = self.letters_to(ALICE).pop().expect("a mail to Alice");
        let read = opened(&self.setup.gpg, &mail, &self.setup.fingerprint);
        read.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn signed(&self, letter: &Letter, text: &str) -> Vec<u8> {
        letter.signed(&self.setup.gpg, text, &self.alice)
    }
}

fn mail_of_alice() -> Letter {
    Letter::new(ALICE, SECURITY_ADDRESS, "Re: Encrypted message")
}

#[test]
fn too_much_and_for_two_is_refused_with_the_mend() {
    let local = Local::plain();
    let case = &local.case;
    let before = local.setup.json(&["case", "show", case]);
    let reporters = local.letters_to(RITA).len();
    let check = |mail: &[u8], why: &str| {
        local.pass(mail);
        let told = local.told();
        assert!(told.contains(why), "{why}: {told}");
        assert!(told.starts_with("Nothing was changed"), "{told}");
        assert_eq!(local.letters_to(RITA).len(), reporters);
        assert_eq!(
            local.setup.json(&["case", "show", case])["messages"],
            before["messages"]
        );
    };
    let half = vec![b'x'; 12_600_000];
    let large = mail_of_alice()
        .attach_bytes("one.bin", "application/octet-stream", &half)
        .attach_bytes("two.bin", "application/octet-stream", &half);
    check(
        &local.signed(&large, &format!("/case {case}\n/reply\nHere.\n")),
        "the files hold 25.2 MB, and one mail carries 25 MB; send some of them apart",
    );
    // Who they are for is not said: a reply, and a second case.
    let other = local.signed(
        &mail_of_alice().attach("fix.txt", "text/plain", "for one of them"),
        &format!("/case {case}\n/note words\n/reply one\n/case {case}\n/reply two\n"),
    );
    local.pass(&other);
    assert!(local.told().starts_with("Nothing was changed"));
    assert_eq!(local.letters_to(RITA).len(), reporters);
}

#[test]
fn the_transcript_shows_what_went_and_names_what_did_not() {
    let local = Local::plain();
    let case = &local.case;
    let text = format!("/case {case}\n/reply\nSee the patch.\n> your words\n-- \nAlice\n");
    let mail = mail_of_alice()
        .attach("fix.patch", "text/x-diff", "--- a\n+++ b\n")
        .attach(
            "key.asc",
            "application/pgp-keys",
            &local.setup.gpg.export(&local.alice),
        )
        .inline_signed(&local.setup.gpg, &text, &local.alice);
    local.pass(&mail);
    let told = local.told();
    assert!(told.contains("| See the patch."), "{told}");
    assert!(
        !told.contains("your words") && !told.contains("| Alice"),
        "{told}"
    );
    assert!(
        told.contains("Not sent, and not kept with a case: fix.patch. A file goes along"),
        "{told}"
    );
    let letter = local.letters_to(RITA).pop().expect("the reply");
    assert!(!String::from_utf8_lossy(&letter).contains("fix.patch"));
    // Under the signature it goes, and nothing is left out.
    let mail = mail_of_alice().attach("fix.patch", "text/x-diff", "--- a\n+++ b\n");
    local.pass(&local.signed(&mail, &text));
    assert!(!local.told().contains("Not sent"), "{}", local.told());
}

#[test]
fn the_command_line_attaches_files() {
    let local = Local::plain();
    let (setup, case) = (&local.setup, local.case.as_str());
    let path = |name: &str| setup.file(name).display().to_string();
    std::fs::write(setup.file("fix.bin"), every_byte()).expect("a file");
    std::fs::write(setup.file("note.txt"), "Gr\u{fc}\u{df}e").expect("a file");
    let done = setup.json(&[
        "case",
        "reply",
        case,
        "Please",
        "try",
        "this.",
        "--attach",
        &path("fix.bin"),
        &path("note.txt"),
    ]);
    assert_eq!(done["letter"]["files"], json!(["fix.bin", "note.txt"]));
    local.once();
    let letter = local.letters_to(RITA).pop().expect("a letter");
    let read = read(&parsed(&letter));
    assert!(read.text.starts_with("Please try this.\n"), "{}", read.text);
    let bytes = |name: &str| {
        let found = read.files.iter().find(|(found, _)| found == name);
        found.map(|(_, bytes)| bytes.clone())
    };
    assert_eq!(bytes("fix.bin"), Some(every_byte()));
    assert_eq!(bytes("note.txt"), Some("Gr\u{fc}\u{df}e".into()));

    let letters = local.letters_to(RITA).len();
    let refused = |arguments: &[&str], why: &str| {
        let output =
            setup.cli(&[&["case", "reply", case, "words", "--attach"], arguments].concat());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && errors.contains(why),
            "{why}: {errors}"
        );
    };
    let large = std::fs::File::create(setup.file("large.bin")).expect("a file");
    large.set_len(25_000_001).expect("a large file");
    refused(
        &[&path("large.bin")],
        "the files hold 25.0 MB, and one mail carries 25 MB",
    );
    refused(&[&path("none.bin")], "none.bin");
    refused(&["/dev/zero"], "no regular file");
    refused(&[&path("")], "no regular file");
    local.once();
    assert_eq!(local.letters_to(RITA).len(), letters);
}

#[test]
fn what_cannot_be_encrypted_stays_here_with_its_files() {
    // It came encrypted, and brought no key to answer with.
    let local = Local::new(|setup, letter| {
        letter.encrypted(
            &setup.gpg,
            "Your search page has a cross-site scripting flaw: any visitor is open to it.\n",
            &[&setup.fingerprint],
            None,
        )
    });
    let (setup, case) = (&local.setup, local.case.as_str());
    std::fs::write(setup.file("zanzibar4711.bin"), every_byte()).expect("a file");
    let file = setup.file("zanzibar4711.bin").display().to_string();
    let words = format!("Please try {SECRET}.");
    let done = setup.json(&["case", "reply", case, &words, "--attach", &file]);
    assert_eq!(
        (&done["letter"]["template"], &done["letter"]["files"]),
        (&json!("notice"), &json!([]))
    );
    local.once();
    let letter = local.letters_to(RITA).pop().expect("a letter");
    assert_hides(&letter);
    assert_eq!(parsed(&letter).attachment_count(), 1, "our signature alone");
    let show = setup.json(&["case", "show", case]);
    let sent = *out_messages(&show).last().expect("a letter");
    assert!(
        sent["text"].as_str().expect("words").contains(&words),
        "{sent}"
    );
    assert!(
        sent["text"]
            .as_str()
            .expect("words")
            .contains("zanzibar4711.bin"),
        "which file did not go: {sent}"
    );
    assert_eq!(sent["attachments"], json!([]));
}

#[test]
fn the_members_name_stands_below_where_the_policy_says_so() {
    let local = Local::plain();
    let policy = std::fs::read_to_string(local.setup.file("policy.toml")).expect("the policy");
    let policy = format!("{policy}\n[replies]\nname_members = true\n");
    let words = format!("/case {}\n/reply\nThank you.\n", local.case);
    local.pass(&local.signed(&mail_of_alice(), &words));
    let last = || {
        let letter = local.letters_to(RITA).pop().expect("a letter");
        read(&parsed(&letter)).text
    };
    let team = format!("Example Corp security team\n{SECURITY_ADDRESS}");
    assert_eq!(last().trim_end(), format!("Thank you.\n\n{team}"));
    local.setup.write("policy.toml", &policy);
    let words = words.replace("Thank you.", "Thanks again.");
    local.pass(&local.signed(&mail_of_alice(), &words));
    assert_eq!(last().trim_end(), format!("Thanks again.\n\nAlice\n{team}"));
    // Whoever sits at the machine is no member to us.
    local
        .setup
        .json(&["case", "reply", &local.case, "And this."]);
    local.once();
    assert_eq!(last().trim_end(), format!("And this.\n\n{team}"));
}
