//! When a letter leaves, and what one letter says in place of several.

use std::path::Path;

use chrono::Duration;

use super::*;
use crate::config::Limits;
use crate::intake::sender;
use crate::mail::pgp;
use crate::store::Store;
use crate::store::outbox::HeldCase;
use crate::triage::case::Status;
use crate::triage::deadline;
use crate::triage::decide::CaseRef;
use crate::triage::policy::{AcknowledgedBy, Deadline, DeadlineKind, Span};
use crate::triage::whose::Learned;

/// Milliseconds after a full minute.
fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_780_000_020_000 + millis).unwrap()
}

// When the answer to what could not be read leaves.

#[test]
fn it_does_not_tell_how_long_reading_took() {
    #[track_caller]
    fn check(received: i64, read: i64, expected: i64) {
        let leaves = grid::unreadable_leaves_at(at(received), at(read));
        assert_eq!((leaves - at(0)).num_milliseconds(), expected);
    }
    // From the time of receipt alone, unless reading took longer than until then.
    for read in [0, 1, 900, 2_999, 9_999] {
        check(0, read, 10_000);
    }
    for read in [7_000, 9_999, 10_001, 19_999] {
        check(7_000, read, 20_000);
    }
    // It had waited, or took too long: the next instant of the grid, but not at once.
    check(0, 10_000, 20_000);
    check(-86_400_000, 6_999, 10_000);
    check(-86_400_000, 7_000, 20_000);
    // The server's clock is far ahead.
    check(86_400_000, 0, 10_000);
}

#[test]
fn one_pass_waits_for_it() {
    for received in [-100_000, -10_000, -3_000, 0, 3_000, 100_000] {
        for read in (0..10_000).step_by(50) {
            let leaves = grid::unreadable_leaves_at(at(received), at(read));
            assert!(leaves > at(read));
            assert!(leaves < at(read) + UNREADABLE_AT_MOST, "{received} {read}");
        }
    }
}

#[test]
fn nor_does_anything_in_it_tell_when_it_was_written() {
    let desk = desk();
    let written = |read| {
        let letter = desk.answer(&unreadable(Channel::Clear), &answered(), None, at(read));
        letter.unwrap().letter
    };
    let quick = written(1);
    for read in [2_000, 9_000] {
        let slow = written(read);
        assert_eq!(slow.not_before, quick.not_before);
        assert_eq!(slow.written_at, at(read));
        assert_eq!(slow.text, quick.text);
        assert_eq!(date_of(&slow), date_of(&quick));
    }
    let date = date_of(&quick);
    assert_eq!(
        DateTime::parse_from_rfc2822(&date).unwrap(),
        quick.not_before
    );
}

// What is promised.

#[test]
fn the_next_update_counts_from_the_letter() {
    let desk = desk();
    let written = at(0) + Duration::days(5);
    let file = CaseFile {
        deadlines: deadline::open_deadlines(&desk.policy, at(0), None),
        ..case_file(1, "SEC-2026-0001")
    };
    let text = acknowledgement(&desk, &file, false, written);
    let shown = |at| desk.policy.calendar.show_due(at);
    assert!(text.contains(&shown(at(0) + Duration::days(7))), "{text}");
    assert!(
        text.contains(&shown(written + Duration::days(14))),
        "{text}"
    );
    assert!(!text.contains(&shown(at(0) + Duration::days(14))), "{text}");
}

#[test]
fn where_a_person_must_speak_the_receipt_says_by_when() {
    let mut desk = desk();
    let open = deadline::open_deadlines(&desk.policy, at(0), None);
    let due_at = |kind| open.iter().find(|it| it.kind == kind).unwrap().due_at;
    let shown = desk
        .policy
        .calendar
        .show_due(due_at(DeadlineKind::Acknowledge));
    let file = CaseFile {
        deadlines: open.clone(),
        ..case_file(1, "SEC-2026-0001")
    };
    let text = acknowledgement(&desk, &file, true, at(0));
    assert!(!text.contains(&shown), "{text}");
    desk.policy.deadlines.acknowledged_by = AcknowledgedBy::Person;
    for says_content in [false, true] {
        let text = acknowledgement(&desk, &file, says_content, at(0));
        let promise = format!("  A person on our team writes to you by\n    {shown} (in ");
        assert!(text.contains(&promise), "{text}");
    }
    // Afterwards it is a mistake of ours, and no promise.
    let text = acknowledgement(&desk, &file, true, due_at(DeadlineKind::Acknowledge));
    assert!(!text.contains("A person on our team writes"), "{text}");
}

#[test]
fn what_depends_on_the_severity_is_true_whether_it_is_set_or_not() {
    const GENERAL: &str = "Depending on the severity";
    const SET: &str = "We aim to ship a fix by";
    let desk = desk();
    let open = deadline::open_deadlines(&desk.policy, at(0), None);
    let fix = case_file(1, "SEC-2026-0001").deadlines;
    let decided: Vec<Deadline> = open
        .iter()
        .filter(|deadline| deadline.kind != DeadlineKind::Triage)
        .cloned()
        .collect();
    let check = |deadlines: Vec<Deadline>, says_content, general, set| {
        let file = CaseFile {
            deadlines,
            ..case_file(1, "SEC-2026-0001")
        };
        let text = acknowledgement(&desk, &file, says_content, at(0));
        assert_eq!(text.contains(GENERAL), general, "{text}");
        assert_eq!(text.contains(SET), set, "{text}");
    };
    for says_content in [false, true] {
        check(open.clone(), says_content, true, false);
        check(decided.clone(), says_content, false, false);
    }
    let set = |deadlines: &[Deadline]| [deadlines, &fix].concat();
    check(set(&open), true, false, true);
    check(set(&open), false, true, false);
    check(set(&decided), true, false, true);
    check(set(&decided), false, false, false);
}

// A certificate that cannot be used.

#[test]
fn a_notice_keeps_the_hint_to_the_key_where_a_mail_could_not_be_read() {
    let desk = desk();
    let reply = unreadable(Channel::Encrypted(broken_certificate()));
    let written = desk.answer(&reply, &answered(), None, at(0)).unwrap();
    assert!(written.unusable_certificate.is_some());
    let letter = written.letter;
    assert_eq!(letter.kind, "notice");
    assert!(
        letter.text.contains("could not read your mail"),
        "{}",
        letter.text
    );
    assert!(letter.text.contains("attached"), "{}", letter.text);
    assert!(brings_key(&letter));

    let reply = Reply {
        template: Template::Acknowledgement,
        attaches_key: true,
        ..unreadable(Channel::Encrypted(broken_certificate()))
    };
    let letter = desk
        .answer(&reply, &answered(), None, at(0))
        .unwrap()
        .letter;
    assert_eq!(letter.kind, "notice");
    assert!(!letter.text.contains("could not read"), "{}", letter.text);
    assert!(!brings_key(&letter), "a ciphertext asked for it");
}

// One letter for several.

#[test]
fn one_letter_for_several_names_each_case_and_keeps_each_hint() {
    let held = Held {
        attaches_key: true,
        attaches_key_in_clear: true,
        ..held()
    };
    let written = desk()
        .combined("r@research.test", &held, None, at(0))
        .unwrap();
    assert_eq!(written.unusable_certificate, None);
    let letter = written.letter;
    assert!(letter.acknowledges && !letter.encrypted && brings_key(&letter));
    let (readable, unreadable) = letter.text.split_once("SEC-2026-0002").unwrap();
    assert!(readable.contains("SEC-2026-0001"), "{readable}");
    assert!(
        readable.contains(&Digest::of(b"one").to_string()),
        "{readable}"
    );
    assert!(!readable.contains("could not read"), "{readable}");
    assert!(unreadable.contains("could not read"), "{unreadable}");
    assert!(unreadable.contains("attached to this mail"), "{unreadable}");
    assert!(!unreadable.contains("SHA-256"), "{unreadable}");
    assert!(!letter.text.contains("cannot be used"), "{}", letter.text);
    assert!(!letter.text.contains("\n\n\n"), "{}", letter.text);
}

#[test]
fn where_it_cannot_be_encrypted_it_still_names_each_case_and_nothing_from_inside() {
    let unread = Held {
        encrypted: true,
        attaches_key: true,
        attaches_key_in_clear: true,
        ..held()
    };
    let mut asked_in_cipher = Held {
        encrypted: true,
        attaches_key: true,
        ..held()
    };
    asked_in_cipher.cases[1].unreadable = false;
    for (held, tells_of_key) in [(unread, true), (asked_in_cipher, false)] {
        for certificate in [None, Some(broken_certificate())] {
            let written = desk()
                .combined("r@research.test", &held, certificate.as_ref(), at(0))
                .unwrap();
            assert_eq!(
                written.unusable_certificate.is_some(),
                certificate.is_some()
            );
            let letter = written.letter;
            assert!(letter.acknowledges && !letter.encrypted);
            let why = match certificate {
                Some(_) => "cannot be used",
                None => "send us your public key",
            };
            for word in ["SEC-2026-0001", "SEC-2026-0002", why] {
                assert!(letter.text.contains(word), "{word}: {}", letter.text);
            }
            // Set by people who read the report.
            assert!(!letter.text.contains("ship a fix by"), "{}", letter.text);
            assert_eq!(letter.text.contains("could not read"), tells_of_key);
            assert_eq!(brings_key(&letter), tells_of_key);
        }
    }
}

#[test]
fn of_a_case_that_came_encrypted_it_is_encrypted_though_the_held_letters_were_not() {
    let mut held = held();
    held.cases[0].file.came_encrypted = true;
    let written = |certificate: Option<&Certificate>| {
        let written = desk().combined("r@research.test", &held, certificate, at(0));
        written.unwrap()
    };
    assert!(written(Some(&certificate())).letter.encrypted);
    let asks = written(None);
    assert!(!asks.letter.encrypted && asks.unusable_certificate.is_none());
    let text = asks.letter.text;
    assert!(text.contains("send us your public key"), "{text}");
}

#[test]
fn where_it_can_it_is_encrypted_and_says_nothing_in_clear() {
    let held = Held {
        encrypted: true,
        ..held()
    };
    let written = desk()
        .combined("r@research.test", &held, Some(&certificate()), at(0))
        .unwrap();
    assert_eq!(written.unusable_certificate, None);
    let letter = written.letter;
    assert!(letter.acknowledges && letter.encrypted);
    let bytes = String::from_utf8(letter.bytes).unwrap();
    assert!(bytes.contains("BEGIN PGP MESSAGE"), "{bytes}");
    assert!(!bytes.contains("SEC-2026"), "{bytes}");
}

/// A readable case with a severity, and a too large one with a mail that was not read.
#[test]
fn one_letter_for_several_says_only_what_is_so() {
    let desk = desk();
    let text = |held: &Held| {
        let written = desk.combined("r@research.test", held, None, at(0));
        written.unwrap().letter.text
    };
    // Two requests for the key.
    let keys = Held {
        cases: Vec::new(),
        attaches_key: true,
        ..held()
    };
    assert!(!text(&keys).contains("case"), "{}", text(&keys));
    let several = text(&held());
    assert!(
        several.contains("name the case that you add to"),
        "{several}"
    );
    assert!(several.contains("encrypted to our key"), "{several}");
    assert!(!several.contains("attached"), "{several}");
    let mut one = held();
    one.cases.truncate(1);
    assert!(text(&one).contains("whatever you add joins the case"));
}

#[test]
fn a_letter_for_several_is_sealed_to_what_they_all_were_or_to_the_key_of_the_address() {
    const TO: &str = "r@research.test";
    let desk = desk();
    let check =
        |held: &[&Certificate], key: Option<&Certificate>, expected: Option<&Certificate>| {
            let store = Store::in_memory().unwrap();
            let none_may_leave = Limits {
                max_message: 1_000,
                silence: std::time::Duration::ZERO,
                replies_per_address: 0,
                replies_per_domain: 0,
                replies_total: 0,
            };
            let found = store.write(|tx| {
                if let Some(key) = key {
                    tx.remember_certificate(TO, key, Learned::Signed, at(0))?;
                }
                for certificate in held {
                    let reply = unreadable(Channel::Encrypted((*certificate).clone()));
                    let written = desk.answer(&reply, &answered(), None, at(0)).unwrap();
                    tx.enqueue(&written.letter)?;
                }
                assert!(tx.claim(10, &none_may_leave, at(60_000))?.is_empty());
                sender::certificate_of_held(tx, &desk, TO, at(60_000))
            });
            let name = |it: &Certificate| it.fingerprint.clone();
            assert_eq!(found.unwrap().as_ref().map(name), expected.map(name));
        };
    let [one, other, key] = [certificate(), certificate(), certificate()];
    check(&[&one, &one], Some(&key), Some(&one));
    check(&[&one, &other], Some(&key), Some(&key));
    check(&[&one, &other, &one], Some(&other), Some(&other));
    check(&[&one, &other], None, None);
    check(&[], Some(&key), Some(&key));
    check(&[], None, None);
}

fn case_file(id: i64, number: &str) -> CaseFile {
    CaseFile {
        case: CaseRef {
            id,
            number: number.to_owned(),
        },
        received_at: at(0),
        status: Status::New,
        severity: None,
        language: None,
        came_encrypted: false,
        deadlines: vec![Deadline {
            kind: DeadlineKind::Remediate,
            span: Span::Days(30),
            starts_at: at(0),
            due_at: at(0) + Duration::days(30),
            half_at: at(0) + Duration::days(15),
            warn_at: at(0) + Duration::days(24),
            paused_at: None,
        }],
    }
}

fn acknowledgement(desk: &Desk, file: &CaseFile, says_content: bool, now: DateTime<Utc>) -> String {
    let reply = Reply {
        template: Template::Acknowledgement,
        attaches_key: false,
        says_content,
        delayed: false,
        ..unreadable(Channel::Clear)
    };
    let written = desk.answer(&reply, &answered(), Some(file), now).unwrap();
    written.letter.text
}

fn held() -> Held {
    Held {
        ids: vec![1, 2],
        cases: vec![
            HeldCase {
                file: case_file(1, "SEC-2026-0001"),
                digest: Some(Digest::of(b"one")),
                unreadable: false,
            },
            HeldCase {
                file: case_file(2, "SEC-2026-0002"),
                digest: None,
                unreadable: true,
            },
        ],
        acknowledges: true,
        ..Held::default()
    }
}

fn unreadable(channel: Channel) -> Reply {
    Reply {
        template: Template::Unreadable,
        to: Address {
            name: None,
            email: "r@research.test".to_owned(),
        },
        attaches_key: true,
        channel,
        says_content: false,
        language: None,
        part_unread: false,
        about: Vec::new(),
        delayed: true,
    }
}

fn answered() -> Answered<'static> {
    Answered {
        message: Box::leak(Box::new(Message::unread(Digest::of(b"mail"), 4))),
        received_at: at(0),
        too_large: false,
        findings: Box::leak(Box::default()),
        asked: &[],
        no_key_of_ours: false,
    }
}

fn broken_certificate() -> Certificate {
    Certificate {
        fingerprint: "00".repeat(20),
        emails: vec!["r@research.test".to_owned()],
        bytes: b"not a certificate".to_vec(),
    }
}

fn certificate() -> Certificate {
    let key = secret_key("r@research.test");
    pgp::read_certificates(key.as_bytes()).remove(0)
}

fn secret_key(address: &str) -> String {
    let year = std::time::Duration::from_secs(365 * 86_400);
    pgp::generate("Somebody", address, None, year, at(-1_000)).unwrap()
}

fn desk() -> Desk {
    let address = "security@example.test";
    let source = [("key".to_owned(), secret_key(address).into_bytes())];
    let (keyring, problems) = Keyring::load(&source, None, address, at(0));
    assert_eq!(problems, []);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policies/cloudarq.toml");
    let (policy, mistakes) = crate::config::policy::read(Path::new(file));
    assert!(mistakes.is_empty(), "{mistakes:?}");
    Desk {
        organization: Organization {
            name: "Example Corp".to_owned(),
            address: address.to_owned(),
            aliases: Vec::new(),
            authserv_ids: Vec::new(),
            list_ids: Vec::new(),
        },
        policy: policy.unwrap(),
        texts: Texts::load(None).unwrap(),
        keyring: Arc::new(keyring),
        signs: true,
        pinned: Default::default(),
        team: Team::default(),
        digest: None,
        return_path: None,
    }
}

fn brings_key(letter: &NewLetter) -> bool {
    let bytes = String::from_utf8_lossy(&letter.bytes);
    assert_eq!(bytes.contains("application/pgp-keys"), letter.attaches_key);
    letter.attaches_key
}

fn date_of(letter: &NewLetter) -> String {
    let bytes = String::from_utf8_lossy(&letter.bytes);
    let line = bytes.lines().find_map(|line| line.strip_prefix("Date: "));
    line.unwrap().to_owned()
}
