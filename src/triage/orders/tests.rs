//! Who may command, and what a text says, with values made by hand.

use proptest::prelude::*;

use super::*;
use crate::mail::message::{Address, Covers};
use crate::triage::case::Credit;
use crate::triage::policy::Severity;

const ALICE: &str = "ALICE000";
const OTTO: &str = "OTTO0000";
const EVE: &str = "EVE00000";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn came() -> DateTime<Utc> {
    at("2026-06-02T10:00:00Z")
}

fn team() -> Vec<Person> {
    let person = |name: &str, may_command, key: &str| Person {
        name: name.to_owned(),
        email: format!("{}@example.test", name.to_lowercase()),
        may_command,
        fingerprints: vec!["OLD".to_owned(), key.to_owned()],
    };
    vec![person("Alice", true, ALICE), person("Otto", false, OTTO)]
}

fn mail(from: &str, text: &str) -> Message {
    Message {
        from: Some(Address {
            name: None,
            email: from.to_owned(),
        }),
        text: text.to_owned(),
        ..Message::unread(Digest::of(text.as_bytes()), 1)
    }
}

fn signed(signer: &str, text: &str) -> SignedText {
    SignedText {
        signer: signer.to_owned(),
        signed_at: at("2026-06-02T09:59:00Z"),
        made: vec![(at("2026-06-02T09:59:00Z"), Digest::of(text.as_bytes()))],
        text: text.to_owned(),
        attachments: Vec::new(),
        encrypted: false,
    }
}

fn with_signature(mut message: Message, status: SignatureStatus, by: &str) -> Message {
    let signature = Signature {
        status,
        fingerprint: Some(by.to_owned()),
        covers: Covers::All,
        signed_at: None,
        over: None,
    };
    message.openpgp.signatures.push(signature);
    message
}

const ACCEPT: &str = "/case SEC-2026-0001\n/accept\n";

/// What a mail asks for, in a word or two: whose, and what.
#[track_caller]
fn check(message: &Message, expected: &str) {
    let found = match read(message, &team(), came()) {
        Orders::None => "nothing".to_owned(),
        Orders::OfStranger(why) => format!("stranger: {}", why.as_str()),
        Orders::OfMember(member) => match member.said {
            Said::Nothing => format!("{}: nothing", member.name),
            Said::Refused(why) => format!("{}: {}", member.name, why.as_str()),
            Said::Commands(lines) if lines.wrong.is_empty() => {
                format!("{}: {} commands", member.name, lines.orders.len())
            }
            Said::Commands(lines) => format!("{}: {} wrong", member.name, lines.wrong.len()),
        },
    };
    assert_eq!(found, expected, "{message:#?}");
}

#[test]
fn a_signature_commands_whoever_sends_the_mail() {
    for from in ["alice@example.test", "alice@home.test", "eve@evil.test"] {
        let mut message = mail(from, "outside\n");
        message.openpgp.signed.push(signed(ALICE, ACCEPT));
        check(&message, "Alice: 1 commands");
        message.openpgp.signed[0].signer = OTTO.to_owned();
        check(&message, "Otto: observer");
        message.openpgp.signed[0].signer = "old".to_owned();
        check(&message, "Alice: 1 commands");
    }
    let mut message = mail("alice@example.test", ACCEPT);
    message.openpgp.signed.push(signed(EVE, ACCEPT));
    let message = with_signature(message, SignatureStatus::Good, EVE);
    check(&message, "Alice: other_signer");
    let mut message = mail("eve@evil.test", ACCEPT);
    message.openpgp.signed.push(signed(EVE, ACCEPT));
    check(
        &with_signature(message, SignatureStatus::Good, EVE),
        "stranger: other_signer",
    );
}

#[test]
fn nothing_outside_of_a_signature_is_a_command() {
    let alice = "alice@example.test";
    check(&mail(alice, ACCEPT), "Alice: unsigned");
    check(&mail("eve@evil.test", ACCEPT), "stranger: unsigned");
    let mut message = mail(alice, &format!("{ACCEPT}\nHello\n"));
    message.openpgp.signed.push(signed(ALICE, "Hello\n"));
    check(&message, "Alice: unsigned");
    let bad = with_signature(mail(alice, ACCEPT), SignatureStatus::Bad, ALICE);
    check(&bad, "Alice: bad_signature");
    let bad = with_signature(mail("eve@evil.test", ACCEPT), SignatureStatus::Bad, ALICE);
    check(&bad, "stranger: bad_signature");
    for (status, why) in [
        (SignatureStatus::ExpiredKey, "expired_key"),
        (SignatureStatus::RevokedKey, "revoked_key"),
    ] {
        let message = with_signature(mail("eve@evil.test", ACCEPT), status, ALICE);
        check(&message, &format!("Alice: {why}"));
        let message = with_signature(mail("eve@evil.test", ACCEPT), status, EVE);
        check(&message, "stranger: other_signer");
    }
    // Several texts: which was meant?
    let mut twice = mail(alice, ACCEPT);
    twice.openpgp.signed.push(signed(ALICE, ACCEPT));
    twice
        .openpgp
        .signed
        .push(signed(ALICE, "/case SEC-2026-0002\n/spam\n"));
    check(&twice, "Alice: several");
    let Orders::OfMember(member) = read(&twice, &team(), came()) else {
        panic!("Alice's");
    };
    assert_eq!(member.marks.len(), 2);
}

#[test]
fn a_text_that_was_signed_twice_is_used_up_by_each_signature() {
    let made = [
        (at("2026-06-02T09:58:00Z"), Digest::of(b"earlier")),
        (at("2026-06-02T09:59:00Z"), Digest::of(b"later")),
    ];
    let mut message = mail("alice@example.test", ACCEPT);
    message.openpgp.signed.push(SignedText {
        made: made.to_vec(),
        ..signed(ALICE, ACCEPT)
    });
    let Orders::OfMember(member) = read(&message, &team(), came()) else {
        panic!("Alice's");
    };
    let marks: Vec<_> = member
        .marks
        .iter()
        .map(|it| (it.signed_at, it.digest))
        .collect();
    assert_eq!(marks, made);
}

#[test]
fn what_is_forwarded_is_no_command() {
    let alice = |text: &str, expected: &str| {
        let mut message = mail("alice@example.test", text);
        message.openpgp.signed.push(signed(ALICE, text));
        check(&message, expected);
    };
    let forward = |mark: &str| format!("{mark}\nSubject: x\nFrom: Eve\n\n{ACCEPT}");
    for mark in [
        "-------- Forwarded Message --------",
        "Begin forwarded message:",
        "-------- Weitergeleitete Nachricht --------",
    ] {
        let below = forward(mark);
        alice(&below, "Alice: nothing");
        alice(&format!("This came to me.\n\n{below}"), "Alice: nothing");
        alice(&format!("{ACCEPT}\n{below}"), "Alice: 1 commands");
        // The words of a note may be somebody else's; each line that reads as a command is told.
        alice(
            &format!("/case SEC-2026-0001\n/note This came:\n{below}"),
            "Alice: 2 wrong",
        );
        check(&mail("alice@example.test", &below), "Alice: nothing");
        check(&mail("eve@evil.test", &below), "nothing");
    }
}

#[test]
fn a_signature_is_fresh_for_a_day() {
    let check_at = |signed_at: &str, expected: &str| {
        let mut message = mail("alice@example.test", ACCEPT);
        let text = SignedText {
            signed_at: at(signed_at),
            ..signed(ALICE, ACCEPT)
        };
        message.openpgp.signed.push(text);
        check(&message, expected);
    };
    check_at("2026-06-01T10:00:00Z", "Alice: stale");
    check_at("2026-06-01T10:00:01Z", "Alice: 1 commands");
    check_at("2026-06-02T10:30:00Z", "Alice: 1 commands");
    check_at("2026-06-02T10:30:01Z", "Alice: ahead");
}

#[test]
fn what_holds_no_command_is_an_ordinary_mail() {
    check(
        &mail("eve@evil.test", "I found a flaw.\n\n/etc/passwd is open\n"),
        "nothing",
    );
    check(
        &mail("alice@example.test", "Is that so?\n"),
        "Alice: nothing",
    );
    check(
        &mail("eve@evil.test", "Look at\n/status\nand /login\n"),
        "nothing",
    );
    check(
        &mail("eve@evil.test", "> /case SEC-2026-0001\n> /accept\n"),
        "nothing",
    );
    // Under a signature any word after the slash is meant as a command.
    let mut message = mail("alice@example.test", "");
    message.openpgp.signed.push(signed(ALICE, "/acept\n"));
    check(&message, "Alice: 1 wrong");
    message.openpgp.signed[0].text = "A flaw:\n\n/status shows all\n".to_owned();
    check(&message, "Alice: nothing");
    let asked = Orders::OfMember(FromMember {
        name: String::new(),
        email: String::new(),
        marks: Vec::new(),
        said: Said::Nothing,
    });
    assert!(asked.are_for_us(true) && !asked.are_for_us(false));
    assert!(!Orders::OfStranger(Why::Unsigned).are_for_us(true));
}

fn lines(text: &str) -> Lines {
    lines::read(text, &[])
}

/// Cases and commands of a text that is right.
#[track_caller]
fn orders(text: &str) -> Vec<(String, Command)> {
    let lines = lines(text);
    assert_eq!(lines.wrong, [], "{text}");
    let orders = lines.orders.into_iter();
    orders.map(|order| (order.case, order.command)).collect()
}

/// Lines that are wrong, and why.
#[track_caller]
fn wrong(text: &str) -> Vec<(String, String, Option<String>)> {
    let wrong = lines(text).wrong.into_iter();
    wrong.map(|it| (it.line, it.why, it.instead)).collect()
}

fn note(words: &str) -> Command {
    Command::Note {
        words: words.to_owned(),
    }
}

fn reply(words: &str) -> Command {
    Command::Reply {
        words: words.to_owned(),
    }
}

const ONE: &str = "SEC-2026-0001";

fn one(command: Command) -> (String, Command) {
    (ONE.to_owned(), command)
}

#[test]
fn quotes_and_signatures_are_no_commands() {
    let accept = [one(Command::Accept)];
    #[track_caller]
    fn check(text: &str, expected: &[(String, Command)]) {
        assert_eq!(orders(text), expected, "{text}");
    }
    check(ACCEPT, &accept);
    check("\n  /CASE sec-2026-0001\n\n  /Accept  \n", &accept);
    check(&format!("{ACCEPT}\n-- \nAlice\n/spam\n"), &accept);
    check(
        &format!("{ACCEPT}\n> /spam\n> /case SEC-2026-0002\n"),
        &accept,
    );
    check(
        &format!(
            "{ACCEPT}\nOn Tue, 2 Jun 2026 at 10:00, Us <security@example.test> wrote:\n> /spam\n"
        ),
        &accept,
    );
    check(
        &format!("{ACCEPT}\nUs wrote:\n> A report came.\n> /case SEC-2026-0002\n> /spam\n"),
        &accept,
    );
    check(
        &format!(
            "On 2 Jun 2026, Us wrote:\n> A report came.\n>\n> /case SEC-2026-0002\n> /spam\n\n{ACCEPT}"
        ),
        &accept,
    );
    check(
        &format!("{ACCEPT}\n-----Original Message-----\nFrom: Us\nSent: now\n\n/spam\n"),
        &accept,
    );
    check(&format!("Hello,\n\n{ACCEPT}"), &accept);
    check(&format!("{ACCEPT}\nSent from my iPhone\n"), &accept);
}

/// Nobody sees what stands in front, so nobody could mend it; and such a mail would be a new report.
#[test]
fn what_is_not_seen_around_a_line_makes_it_no_other() {
    for unseen in ["\u{200b}", "\u{feff}", "\u{200e}", "\u{2060}"] {
        let text = format!(
            "{unseen}\n{unseen}/case SEC-2026-0001{unseen}\n{unseen}/severity high{unseen}\n\
             /note x\n{unseen}/accept{unseen}\n"
        );
        assert!(lines::begin_with_commands(&text), "{text:?}");
        let severity = Command::Severity(Severity::High);
        assert_eq!(
            orders(&text),
            [one(severity), one(note("x")), one(Command::Accept)],
            "{text:?}"
        );
    }
    // Words are left as they are: a joiner makes one picture of two.
    let words = "a \u{1f469}\u{200d}\u{1f4bb} looks";
    let text = format!("/case {ONE}\n/reply {words}\n");
    assert_eq!(orders(&text), [one(reply(words))]);
}

#[test]
fn a_text_goes_on_below_its_command() {
    let text = "/case SEC-2026-0001\n/note The vendor says\nit is known.\n\n/etc is fine\n/credit no\n\
                /case SEC-2026-0002\n/reply\nDear Ann,\n\nthe path is\n/etc/passwd\n /accept\n";
    let two = "SEC-2026-0002".to_owned();
    assert_eq!(
        orders(text),
        [
            one(note("The vendor says\nit is known.\n\n/etc is fine")),
            one(Command::Credit(Credit::No)),
            (
                two,
                reply("Dear Ann,\n\nthe path is\n/etc/passwd\n /accept")
            ),
        ]
    );
    let closed = orders("/case SEC-2026-0001\n/close It is a long\nreason.\n/note x\n");
    assert_eq!(
        closed[0].1,
        Command::Close {
            reason: "It is a long\nreason.".to_owned()
        }
    );
    assert_eq!(closed.len(), 2);
}

#[test]
fn everything_below_a_reply_is_words() {
    let words = "Dear Ann,\n\n/accept\n/note 7\n/stats is slow\n /close\n/reply\nBye";
    let text = format!("/case SEC-2026-0001\n/severity high\n/reply\n{words}\n");
    assert_eq!(
        orders(&text),
        [one(Command::Severity(Severity::High)), one(reply(words))]
    );
    assert_eq!(
        taken_as_words(words),
        ["/accept", "/note 7", "/stats is slow"]
    );
}

#[test]
fn a_reporter_gets_no_notice() {
    for stray in ["/case SEC-2026-0002", "   /case SEC-2026-0002"] {
        let found = wrong(&format!("/case SEC-2026-0001\n/reply\nDear Ann\n{stray}\n"));
        assert_eq!(found.len(), 1, "{stray}");
        assert_eq!(found[0].0, stray.trim());
    }
    let quoted =
        "/case SEC-2026-0001\n/note Known.\n\nNew report\n    /case SEC-2026-0001\n    /accept\n";
    let found = wrong(quoted);
    assert_eq!(found.len(), 1);
    assert!(found[0].1.contains("quoted"), "{found:?}");
}

#[test]
fn all_that_is_wrong_is_told_with_the_mend() {
    let text = "/case SEC-2026-1\n/severty high\n/severity hihg\n/accept\nThanks, Alice\n/fixed 1.12.2026\n";
    let found: Vec<_> = wrong(text)
        .into_iter()
        .map(|(line, _, instead)| (line, instead.unwrap_or_default()))
        .collect();
    let expected = [
        ("/case SEC-2026-1", "/case SEC-2026-0001"),
        ("/severty high", "/severity high"),
        ("/severity hihg", "/severity high"),
        ("Thanks, Alice", ""),
        ("/fixed 1.12.2026", "/fixed 2026-12-01"),
    ];
    assert_eq!(
        found,
        expected.map(|(line, mend)| (line.to_owned(), mend.to_owned()))
    );
    assert_eq!(
        wrong("/accept\n")[0].2.as_deref(),
        Some("/case SEC-2026-0001")
    );
    assert_eq!(
        wrong("/case SEC-2026-0001\n")[0].1,
        "a case is named, and no command follows"
    );
    for number in [
        "[SEC-2027-0001]",
        "SEC\u{2011}2027\u{2011}0001",
        "sec-2027-1 /accept",
    ] {
        let found = wrong(&format!("/case {number}\n/accept\n"));
        assert_eq!(
            found[0].2.as_deref(),
            Some("/case SEC-2027-0001"),
            "{number}"
        );
    }
    let colons = wrong("/case: SEC-2026-0001\n/severity: high\n/accept:\n");
    let mends: Vec<_> = colons.iter().map(|it| it.2.as_deref()).collect();
    assert_eq!(
        mends,
        [Some("/severity high"), Some("/accept")],
        "{colons:?}"
    );
    let bare = wrong("/case\n/accept\n");
    assert_eq!(
        bare[0].2.as_deref(),
        Some("/case SEC-2026-0001"),
        "{bare:?}"
    );
}

#[test]
fn help_needs_no_case() {
    let lines = lines("/help\n");
    assert!(lines.help && lines.wrong.is_empty() && lines.orders.is_empty());
}

#[test]
fn hostile_texts_are_bounded() {
    let many = format!("/case SEC-2026-0001\n{}", "/acept\n".repeat(30_000));
    assert_eq!(lines(&many).wrong.len(), 20);
    let many = format!("/case SEC-2026-0001\n{}", "/status\n".repeat(30_000));
    assert_eq!(lines(&many).orders.len(), 100);
    assert_eq!(lines(&many).wrong.len(), 20);
    let long = format!("/case SEC-2026-0001\n/{}\n", "a".repeat(200_000));
    assert!(lines(&long).wrong[0].line.chars().count() <= 78);
    let longer = format!(
        "/case SEC-2026-0001\n/reply {}\n/accept\n",
        "word ".repeat(60_000)
    );
    assert_eq!(
        lines(&longer).wrong[0].why,
        "the signed text is longer than 256 KiB"
    );
}

proptest! {
    /// Whatever a member signs is read to its end, and is right, wrong or a cry for help.
    #[test]
    fn reading_never_panics(text in "((/[a-z-]{0,12}|> |-- )?.{0,30}\n){0,12}") {
        let lines = lines(&text);
        let says_something = !lines.orders.is_empty() || !lines.wrong.is_empty() || lines.help;
        prop_assert!(says_something);
        prop_assert!(lines.orders.iter().all(|order| !order.case.is_empty()) || !lines.wrong.is_empty());
    }
}
