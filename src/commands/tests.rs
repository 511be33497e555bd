//! Commands on records: what is written, what letters meet, what comes back.

use std::sync::{Arc, LazyLock};

use chrono::{Duration, TimeZone};
use proptest::prelude::*;

use super::*;
use crate::config::{Limits, Member, Notify, Role};
use crate::intake::{Mail, Opened, open_mail, record};
use crate::mail::pgp;
use crate::mail::pgp::Keyring;
use crate::mailbox::Lane;
use crate::store::Store;
use crate::store::audit::Verdict;
use crate::store::cases::CaseDetail;
use crate::store::outbox::{Delivered, Fate};
use crate::triage::calendar::Calendar;
use crate::triage::policy::{AcknowledgedBy, Deadlines, Remediate, Span, Terms};
use crate::triage::reply::Texts;

mod by_mail;
mod scale;

const US: &str = "security@example.test";
const ANN: &str = "ann@research.test";

/// Monday, 1 June 2026, noon in Berlin.
fn monday() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 10, 0, 0).unwrap()
}

fn days(count: i64) -> DateTime<Utc> {
    monday() + Duration::days(count)
}

fn keyring(address: &str) -> Keyring {
    let year = std::time::Duration::from_secs(365 * 86_400);
    let key = pgp::generate("Somebody", address, None, year, days(-9)).unwrap();
    let source = [("key".to_owned(), key.into_bytes())];
    Keyring::load(&source, None, address, monday()).0
}

/// One is enough for all: making keys takes long.
static OURS: LazyLock<Arc<Keyring>> = LazyLock::new(|| Arc::new(keyring(US)));
static ANNS: LazyLock<Keyring> = LazyLock::new(|| keyring(ANN));

fn desk() -> Desk {
    let mut terms = Terms {
        language: "en".to_owned(),
        ..Terms::default()
    };
    terms.disclosure.heads_up = Some(Span::Days(7));
    Desk {
        organization: Organization {
            name: "Example Corp".to_owned(),
            address: US.to_owned(),
            aliases: Vec::new(),
            authserv_ids: Vec::new(),
            list_ids: Vec::new(),
        },
        policy: Policy {
            version: "1".to_owned(),
            calendar: Calendar {
                zone: chrono_tz::Europe::Berlin,
                working: [true, true, true, true, true, false, false],
                holidays: Default::default(),
            },
            quiet_hours: None,
            deadlines: Deadlines {
                acknowledge: Some(Span::Hours(48)),
                acknowledged_by: AcknowledgedBy::Reply,
                triage: Some(Span::Days(7)),
                update: Some(Span::Days(14)),
                remediate: Remediate {
                    critical: Some(Span::Days(30)),
                    high: Some(Span::Days(90)),
                    medium: Some(Span::Days(180)),
                    ..Remediate::default()
                },
                disclose_after_fix: Some(Span::Days(90)),
                early_warning: Some(Span::Hours(24)),
                notification: Some(Span::Hours(72)),
                final_report: Some(Span::Days(14)),
            },
            url: None,
            terms,
        },
        texts: Texts::load(None).unwrap(),
        keyring: Arc::clone(&OURS),
        signs: true,
        pinned: Default::default(),
        team: Team::read(&[Member {
            name: "Alice".to_owned(),
            email: "alice@example.test".to_owned(),
            certificate: "alice.asc".into(),
            role: Role::Member,
            notify: Notify::All,
        }]),
        digest: None,
        return_path: None,
    }
}

fn mail(from: &str, more: &str, text: &str) -> Vec<u8> {
    let id = rand::random::<u64>();
    format!(
        "From: Ann <{from}>\r\nTo: {US}\r\nSubject: XSS\r\nMessage-ID: <{id}@research.test>\r\n\
         {more}\r\n{text}\r\n"
    )
    .into_bytes()
}

const REPORT: &str = "Your search page at https://example.test/search has a cross-site scripting \
                      vulnerability: the parameter q is reflected without escaping.";

/// A desk, its records, and a case that was reported on Monday and acknowledged a minute later.
struct World {
    desk: Desk,
    store: Store,
    case: CaseRef,
}

/// What lists show beside a case is kept by triggers.
#[track_caller]
fn is_listed_as_it_is(tx: &Tx<'_>, case: &CaseRef, now: DateTime<Utc>) -> Result<(), StoreError> {
    let listed = tx.cases_listed(now)?;
    let listed = listed.iter().find(|it| it.id == case.number).unwrap();
    let detail = tx.case_detail(case, now)?;
    assert_eq!(listed.labels, detail.case.labels);
    assert_eq!(listed.messages, detail.messages.len() as i64);
    assert_eq!(listed.duplicate_of, detail.case.duplicate_of);
    let clocks = listed.deadlines.iter();
    let shown = detail.case.deadlines.iter();
    assert!(
        clocks
            .map(|it| (it.kind, it.due_at, it.met_at, it.state))
            .eq(shown.map(|it| (it.kind.as_str(), it.due_at, it.met_at, it.state))),
        "{listed:?}"
    );
    // Names and times as `case show` has them.
    let (row, whole) = (json!(listed), json!(detail.case));
    for (name, value) in row.as_object().unwrap() {
        if !["deadlines", "messages"].contains(&name.as_str()) {
            assert_eq!(Some(value), whole.get(name), "{name}");
        }
    }
    Ok(())
}

impl World {
    fn new() -> Self {
        Self::of(&mail(ANN, "", REPORT), desk())
    }

    fn of(mail: &[u8], desk: Desk) -> Self {
        let store = Store::in_memory().unwrap();
        let mut world = Self {
            desk,
            store,
            case: CaseRef {
                id: 1,
                number: String::new(),
            },
        };
        let number = world.receive(mail, monday()).unwrap();
        world.case = world.store.read(|tx| tx.case_by_number(&number)).unwrap();
        world.send_all(monday() + Duration::minutes(1));
        world
    }

    /// A mail that comes in; the case that it belongs to.
    fn receive(&self, raw: &[u8], at: DateTime<Utc>) -> Option<String> {
        self.receive_dated(raw, at, at)
    }

    /// One that the mailbox says was received then.
    fn receive_dated(
        &self,
        raw: &[u8],
        received_at: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Option<String> {
        let mail = Mail {
            raw: raw.to_vec(),
            kept: None,
            size: raw.len() as u64,
            lane: Lane::Inbox,
            received_at,
            too_large: false,
            unanswered: None,
            place: None,
        };
        let mut opened: Opened = open_mail(mail, &self.desk, at);
        let recorded = self
            .store
            .write(|tx| record(tx, &mut opened, &self.desk, at));
        recorded.unwrap().case
    }

    fn try_at(&self, line: &str, at: DateTime<Utc>) -> Result<Done, CommandError> {
        let command = Command::parse(line).unwrap();
        let actor = Actor::Unix("alice".to_owned());
        self.store.write(|tx| {
            let done = carry_out(tx, &self.desk, &self.case, &command, &actor, at)?;
            is_listed_as_it_is(tx, &self.case, at)?;
            Ok(done)
        })
    }

    #[track_caller]
    fn at(&self, line: &str, at: DateTime<Utc>) -> Done {
        self.try_at(line, at).unwrap()
    }

    #[track_caller]
    fn refused(&self, line: &str, expected: &str) {
        let refusal = self.try_at(line, monday()).unwrap_err();
        assert_eq!(refusal.to_string(), expected);
    }

    /// Everything that is due is handed over, and ends so.
    fn deliver(&self, outcome: &Delivered, now: DateTime<Utc>) -> Vec<Fate> {
        let limits = Limits {
            max_message: 1_000_000,
            silence: std::time::Duration::from_secs(900),
            replies_per_address: 100,
            replies_per_domain: 100,
            replies_total: 1_000,
        };
        self.store
            .write(|tx| {
                tx.claim(100, &limits, now)?
                    .iter()
                    .map(|claimed| tx.record_delivery(claimed, outcome, &self.desk.policy, now))
                    .collect::<Result<_, _>>()
            })
            .unwrap()
    }

    fn send_all(&self, now: DateTime<Utc>) -> usize {
        let reply = "250 ok".to_owned();
        self.deliver(&Delivered::Accepted { reply }, now).len()
    }

    fn reject_all(&self, now: DateTime<Utc>) -> usize {
        let why = "550 no such user".to_owned();
        self.deliver(&Delivered::Rejected { why }, now).len()
    }

    fn detail(&self, now: DateTime<Utc>) -> CaseDetail {
        self.store
            .read(|tx| tx.case_detail(&self.case, now))
            .unwrap()
    }

    fn state(&self, kind: &str, now: DateTime<Utc>) -> &'static str {
        let deadlines = self.detail(now).case.deadlines;
        let mut of_kind = deadlines.iter().filter(|deadline| deadline.kind == kind);
        of_kind.next().map_or("absent", |deadline| deadline.state)
    }

    /// Days from Monday noon to when it is due.
    fn due(&self, kind: &str) -> Option<i64> {
        let deadlines = self.detail(monday()).case.deadlines;
        let mut of_kind = deadlines.iter().filter(|deadline| deadline.kind == kind);
        of_kind
            .next()
            .map(|deadline| (deadline.due_at - monday()).num_days())
    }

    /// What was done since the case was opened and acknowledged.
    fn actions(&self) -> Vec<String> {
        let events = self.detail(monday()).events;
        let actions = events.into_iter().map(|event| event.action);
        actions.skip(3).collect()
    }

    fn event(&self, action: &str) -> serde_json::Value {
        let events = self.detail(monday()).events;
        let event = events
            .into_iter()
            .rev()
            .find(|event| event.action == action);
        event.and_then(|event| event.detail).unwrap_or_default()
    }

    /// The last letter: its envelope sender and its bytes.
    fn letter(&self) -> (Option<String>, String) {
        self.store
            .write(|tx| {
                let limits = Limits {
                    max_message: 1_000_000,
                    silence: std::time::Duration::from_secs(900),
                    replies_per_address: 100,
                    replies_per_domain: 100,
                    replies_total: 1_000,
                };
                let claimed = tx.claim(1, &limits, days(1_000))?.pop().unwrap();
                let bytes = String::from_utf8(claimed.bytes).unwrap();
                // Only looked at.
                tx.recover_outbox(monday())?;
                Ok::<_, StoreError>((claimed.envelope_from, bytes))
            })
            .unwrap()
    }

    fn message_id_of_last_letter(&self) -> String {
        let messages = self.detail(monday()).messages;
        let mut letters = messages.into_iter().filter(|it| it.direction == "out");
        letters.next_back().unwrap().message_id.unwrap()
    }

    fn bounce(&self, now: DateTime<Utc>) {
        let id = self.message_id_of_last_letter();
        let bounce = format!(
            "From: Mail Delivery System <mailer-daemon@mx.test>\r\nTo: {US}\r\n\
             Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n\
             Message-ID: <{}@mx.test>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\n\r\nno such user\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mx.test\r\n\r\n\
             Final-Recipient: rfc822; {ANN}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n\
             --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\n\r\n--b--\r\n",
            rand::random::<u64>()
        );
        assert_eq!(
            self.receive(bounce.as_bytes(), now).as_ref(),
            Some(&self.case.number)
        );
    }
}

#[test]
fn a_decision_reaches_the_reporter_and_meets_its_deadlines() {
    let world = World::new();
    assert_eq!(world.state("acknowledge", days(1)), "met");
    world.at("/severity high", days(1));
    assert_eq!(
        world.send_all(days(1)),
        0,
        "no word of it before the decision"
    );
    let done = world.at("/accept", days(2));
    assert_eq!(
        done.letter,
        Some(Told {
            kind: "accepted".to_owned(),
            to: ANN.to_owned(),
            encrypted: false,
            unusable_certificate: None,
            files: Vec::new(),
        })
    );
    assert_eq!(world.state("triage", days(2)), "running");
    let (envelope, letter) = world.letter();
    assert_eq!(envelope.as_deref(), Some(US));
    let first = &world.detail(monday()).messages[0].message_id;
    let threaded = format!("In-Reply-To: <{}>", first.as_deref().unwrap());
    assert!(letter.contains(&threaded), "{letter}");
    assert!(letter.contains("30 August 2026"), "{letter}");

    assert_eq!(world.send_all(days(3)), 1);
    assert_eq!(world.state("triage", days(3)), "met");
    assert_eq!(world.due("update"), Some(3 + 14));
    assert_eq!(
        world.actions(),
        ["severity", "accepted", "sent", "deadline_met"]
    );
    assert_eq!(world.detail(monday()).events[4].actor, "unix:alice");
    assert_eq!(world.send_all(days(4)), 0);
}

#[test]
fn the_severity_sets_and_removes_the_date_of_remediation() {
    let world = World::new();
    for (line, expected) in [
        ("/severity high", Some(90)),
        ("/severity critical", Some(30)),
        ("/severity low", None),
        // Across the end of daylight saving the wall clock counts, so an hour more.
        ("/severity medium", Some(180)),
    ] {
        world.at(line, days(1));
        assert_eq!(world.due("remediate"), expected, "{line}");
    }
}

#[test]
fn a_corrected_day_of_the_fix_says_anew_whether_it_was_late() {
    let world = World::new();
    world.at("/severity critical", days(1));
    world.at("/fixed 2026-06-20", days(50));
    assert_eq!(world.state("remediate", days(50)), "met");
    assert_eq!(world.due("disclose"), Some(108));
    world.at("/fixed 2026-07-15", days(50));
    assert_eq!(world.state("remediate", days(50)), "late");
    assert_eq!(world.event("deadline_met")["late"], true);
    assert_eq!(world.due("disclose"), Some(133));
    world.at("/fixed 2026-06-25", days(50));
    assert_eq!(world.state("remediate", days(50)), "met");
}

#[test]
fn a_mailbox_whose_clock_is_ahead_gives_no_more_time() {
    let world = World::new();
    let report = mail("bob@research.test", "", REPORT);
    let number = world
        .receive_dated(&report, days(300), monday())
        .expect("a case");
    let detail = world.store.read(|tx| {
        let case = tx.case_by_number(&number)?;
        tx.case_detail(&case, monday())
    });
    let case = detail.unwrap().case;
    assert_eq!(case.received_at, monday());
    let triage = case.deadlines.iter().find(|it| it.kind == "triage");
    assert_eq!(triage.unwrap().due_at, days(7));
}

#[test]
fn a_request_that_is_opened_again_is_promised_no_updates() {
    let request = "Please fill out the attached security questionnaire (CAIQ) as our vendor.";
    let mail = String::from_utf8(mail(ANN, "", request)).unwrap();
    let mail = mail.replace("Subject: XSS", "Subject: A request");
    let world = World::of(mail.as_bytes(), desk());
    assert_eq!(world.detail(monday()).case.kind, "diligence");
    assert_eq!(world.state("update", monday()), "absent");
    world.at("/close answered", days(1));
    world.send_all(days(1));
    world.at("/reopen", days(2));
    assert_eq!(world.state("update", days(2)), "absent");
}

#[test]
fn an_undeliverable_decision_was_made_all_the_same() {
    let world = World::new();
    world.at("/accept", days(8));
    assert_eq!(world.state("triage", days(9)), "missed");
    assert_eq!(world.reject_all(days(9)), 1);
    assert_eq!(world.state("triage", days(9)), "late");
    assert_eq!(world.event("deadline_met")["late"], true);
    // As if it had never left.
    assert_eq!(world.due("update"), Some(14));
    assert_eq!(
        world.actions(),
        ["accepted", "undeliverable", "deadline_met"]
    );
}

#[test]
fn where_a_person_must_speak_a_receipt_is_not_enough() {
    let mut desk = desk();
    desk.policy.deadlines.acknowledged_by = AcknowledgedBy::Person;
    let world = World::of(&mail(ANN, "", REPORT), desk);
    assert_eq!(world.state("acknowledge", days(1)), "running");
    world.at("/reply Thank you, we are looking into it.", days(1));
    assert_eq!(world.state("acknowledge", days(1)), "running");
    world.send_all(days(1));
    assert_eq!(world.state("acknowledge", days(1)), "met");
    assert_eq!(world.state("triage", days(1)), "running");
}

#[test]
fn the_end_of_a_case_leaves_no_clock_but_those_of_the_law() {
    for (line, letters) in [("/reject it is by design", 1), ("/spam", 0)] {
        let world = World::new();
        world.at("/severity high", monday());
        world.at("/exploited", monday());
        world.at(line, days(1));
        assert_eq!(world.send_all(days(1)), letters);
        let open: Vec<String> = world
            .detail(days(1))
            .case
            .deadlines
            .into_iter()
            .filter(|deadline| deadline.state == "running")
            .map(|deadline| deadline.kind)
            .collect();
        assert_eq!(open, ["early_warning", "notification"], "{line}");
        assert_eq!(
            world.state("triage", days(1)),
            if letters == 1 { "met" } else { "waived" }
        );
        world.at("/notified early_warning", days(1));
        assert_eq!(world.state("early_warning", days(1)), "met");

        world.at("/reopen", days(20));
        assert_eq!(world.state("remediate", days(20)), "running");
        assert_eq!(world.due("update"), Some(34));
    }
}

#[test]
fn a_bounce_takes_the_word_back() {
    let world = World::new();
    world.at("/reply We are looking into it.", days(3));
    world.send_all(days(3));
    assert_eq!(world.due("update"), Some(17));
    world.at("/reply It is fixed in our test system.", days(5));
    world.send_all(days(5));
    assert_eq!(world.due("update"), Some(19));
    world.bounce(days(6));
    assert_eq!(world.due("update"), Some(17));
    assert_eq!(world.event("bounced")["letter"], "update");
    let messages = world.detail(monday()).messages;
    assert!(
        messages
            .iter()
            .any(|it| it.delivery.as_deref() == Some("bounced"))
    );
    // A second copy of the bounce changes nothing more; nor does that of an older letter.
    world.bounce(days(7));
    assert_eq!(world.due("update"), Some(17));
    assert_eq!(world.send_all(days(7)), 0, "a bounce causes no mail");
}

#[test]
fn a_late_word_is_told_to_be_late() {
    let world = World::new();
    assert_eq!(world.state("update", days(15)), "missed");
    world.at("/reply At last.", days(16));
    world.send_all(days(16));
    assert_eq!(world.state("update", days(16)), "running");
    let late = world.event("deadline_met");
    assert_eq!(
        (&late["deadline"], &late["late"]),
        (&"update".into(), &true.into())
    );
}

#[test]
fn waiting_for_the_reporter_pauses_until_the_reporter_writes() {
    let world = World::new();
    world.at("/severity high", monday());
    world.at("/needs-info Which version is it?", days(2));
    world.send_all(days(2));
    for kind in ["triage", "update", "remediate"] {
        assert_eq!(world.state(kind, days(30)), "paused", "{kind}");
    }
    // A robot's answer is none.
    let thread = format!("In-Reply-To: <{}>\r\n", world.message_id_of_last_letter());
    let away = format!("{thread}Auto-Submitted: auto-replied\r\n");
    world.receive(&mail(ANN, &away, "I am away."), days(3));
    assert_eq!(world.state("triage", days(30)), "paused");
    world.receive(&mail(ANN, &thread, "It is version 7."), days(12));
    assert_eq!(world.state("triage", days(12)), "running");
    // Ten days stood still.
    assert_eq!(world.due("triage"), Some(17));
    assert_eq!(world.due("remediate"), Some(100));
    assert_eq!(world.event("resumed")["why"], "the reporter wrote");
}

#[test]
fn nobody_waits_for_an_answer_to_what_did_not_arrive() {
    for bounces in [false, true] {
        let world = World::new();
        world.at("/needs-info Which version is it?", days(1));
        if bounces {
            world.send_all(days(1));
            assert_eq!(world.state("triage", days(2)), "paused");
            world.bounce(days(2));
        } else {
            world.reject_all(days(2));
        }
        assert_eq!(world.state("triage", days(2)), "running");
        assert_eq!(world.due("triage"), Some(7), "no time stood still");
        assert_eq!(
            world.event("resumed")["why"],
            "the reporter could not be reached"
        );
    }
}

#[test]
fn nobody_is_written_to_who_must_not_be() {
    #[track_caller]
    fn check(raw: &[u8], why: &str) {
        let world = World::of(raw, desk());
        let done = world.at("/accept", days(1));
        assert_eq!(done.letter, None);
        assert_eq!(done.after.unreachable.as_deref(), Some(why));
        assert_eq!(world.send_all(days(1)), 0);
        assert_eq!(world.state("triage", days(1)), "met");
        assert_eq!(world.state("acknowledge", days(1)), "met");
        assert_eq!(world.event("accepted")["no_letter"], why);
    }
    let nobody = "its first mail names no sender that can be answered";
    check(&mail("root@localhost", "", REPORT), nobody);
    check(
        &mail("security+x@example.test", "", REPORT),
        "it came from an address of ours",
    );
    let robot = mail(ANN, "Auto-Submitted: auto-generated\r\n", REPORT);
    let world = World::of(&robot, desk());
    let why = world.at("/accept", days(1)).after.unreachable.unwrap();
    assert!(why.starts_with("a program wrote its first mail ("), "{why}");
    assert_eq!(world.send_all(days(1)), 0);
}

#[test]
fn what_came_encrypted_leaves_encrypted_or_without_content() {
    let secret = "q is reflected";
    let sealed = |with_key: bool| {
        let ours = pgp::read_certificates(OURS.certificate().as_bytes());
        let inner = format!("Content-Type: text/plain\r\n\r\n{REPORT} {secret}\r\n");
        let bytes = ANNS.encrypt_signed(&ours[0], inner.as_bytes(), monday());
        let key = match with_key {
            true => format!(
                "Autocrypt: addr={ANN}; keydata={}\r\n",
                autocrypt_data(&ANNS.autocrypt(ANN))
            ),
            false => String::new(),
        };
        let head = format!(
            "{key}MIME-Version: 1.0\r\nContent-Type: multipart/encrypted; \
             protocol=\"application/pgp-encrypted\"; boundary=b\r\n"
        );
        let body = format!(
            "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\
             --b\r\nContent-Type: application/octet-stream\r\n\r\n{}\r\n--b--",
            String::from_utf8(bytes.unwrap()).unwrap()
        );
        mail(ANN, &head, &body)
    };
    let words = "We mended the parameter q.";
    let with_key = World::of(&sealed(true), desk());
    assert!(with_key.detail(monday()).messages[0].decrypted);
    let done = with_key.at(&format!("/reply {words}"), days(1));
    assert!(done.letter.unwrap().encrypted);
    let (_, letter) = with_key.letter();
    assert!(!letter.contains(words), "{letter}");
    assert!(letter.contains("-----BEGIN PGP MESSAGE-----"), "{letter}");

    let without = World::of(&sealed(false), desk());
    assert!(without.detail(monday()).messages[0].decrypted);
    let done = without.at(&format!("/reply {words}"), days(1));
    let told = done.letter.unwrap();
    assert_eq!((told.kind.as_str(), told.encrypted), ("notice", false));
    let (_, letter) = without.letter();
    assert!(!letter.contains(words), "{letter}");
}

fn autocrypt_data(header: &str) -> String {
    let (_, data) = header.split_once("keydata=").unwrap();
    data.to_owned()
}

#[test]
fn the_day_of_publication_comes_once_also_after_an_outage() {
    let world = World::new();
    world.at("/fixed 2026-06-01", monday());
    world.at("/disclose 2026-06-11", days(1));
    assert_eq!(world.send_all(days(1)), 2);
    let turn = |at| {
        world
            .store
            .write(|tx| due_changes(tx, &world.desk, at))
            .unwrap()
    };
    assert_eq!(turn(days(9)), []);
    assert_eq!(world.detail(days(9)).case.status, "fixed");
    // Down over the day.
    assert_eq!(turn(days(12)), std::slice::from_ref(&world.case));
    assert_eq!(turn(days(12)), []);
    assert_eq!(world.send_all(days(12)), 1);
    let detail = world.detail(days(12));
    assert_eq!(detail.case.status, "disclosed");
    assert_eq!(world.state("disclose", days(12)), "met");
    assert_eq!(world.state("update", days(40)), "waived");
    let letters = detail.messages.iter().filter(|it| it.direction == "out");
    let kinds: Vec<&str> = letters.map(|it| it.kind.as_str()).collect();
    assert_eq!(kinds, ["acknowledgement", "fixed", "heads_up", "disclosed"]);
}

#[test]
fn a_duplicate_names_a_case_that_was_first() {
    let world = World::new();
    let number = world.case.number.clone();
    let mut other = World::new();
    let second = world.receive(
        &mail(
            "bob@research.test",
            "",
            "Another hole: SQL injection in /b.",
        ),
        days(1),
    );
    other.case = world
        .store
        .read(|tx| tx.case_by_number(&second.clone().unwrap()))
        .unwrap();
    other.store = world.store;
    other.refused(
        "/duplicate SEC-2026-0099",
        "SEC-2026-0099: there is no such case; `triaged case list` shows all",
    );
    // Whoever was first is never the duplicate of whoever came later.
    let later = other.case.clone();
    other.case = CaseRef {
        id: 1,
        number: number.clone(),
    };
    other.refused(
        &format!("/duplicate {}", later.number),
        &format!(
            "{0} came after {number}, whose reporter was first; write it the other way round: \
             /case {0}, /duplicate {number}",
            later.number
        ),
    );
    other.at("/credit \"Ann B.\"", days(1));
    other.case = later;
    other.at(&format!("/duplicate {number}"), days(1));
    other.at("/credit \"Bob\"", days(1));
    assert_eq!(
        other.detail(monday()).case.duplicate_of.as_ref(),
        Some(&number)
    );
    let letters = |world: &World| {
        let messages = world.detail(monday()).messages;
        messages.iter().filter(|it| it.direction == "out").count()
    };
    assert_eq!(letters(&other), 2);
    let duplicate = other.case.clone();
    other.case = CaseRef { id: 1, number };
    assert_eq!(letters(&other), 1, "the first reporter hears nothing");
    let first = other.detail(monday());
    assert_eq!(first.duplicates, std::slice::from_ref(&duplicate.number));
    assert_eq!(first.case.status, "new");
    assert_eq!(first.case.recognition.name.as_deref(), Some("Ann B."));
    other.refused(
        &format!("/duplicate {}", duplicate.number),
        &format!(
            "{} is itself a duplicate of {}; name that one",
            duplicate.number, other.case.number
        ),
    );
}

#[test]
fn a_possible_duplicate_has_reasons() {
    let world = World::new();
    let with_file = |from: &str, words: &str| {
        let head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n";
        let file = "print('a proof of concept, long enough to be told from others')\r\n".repeat(3);
        let body = format!(
            "--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n\
             --b\r\nContent-Type: text/x-python; name=poc.py\r\n\
             Content-Disposition: attachment; filename=poc.py\r\n\r\n{file}\r\n--b--\r\n"
        );
        mail(from, head, &body)
    };
    let first = with_file(
        "bob@one.test",
        "SQL injection at https://shop.example/cart/add, it is CVE-2026-4711.",
    );
    let first = world.receive(&first, days(1)).unwrap();
    let second = with_file(
        "eve@two.test",
        "Your database answers whoever asks: cve-2026-4711, see https://shop.example/cart/add?id=1",
    );
    let second = world.receive(&second, days(2)).unwrap();
    assert_ne!(first, second);

    let detail = |number: &str| {
        let read = |tx: &Tx<'_>| tx.case_detail(&tx.case_by_number(number)?, days(2));
        world.store.read(read).unwrap()
    };
    assert_eq!(detail(&first).evidence, []);
    let detail = detail(&second);
    let of_label = |label: &str| {
        let mut evidence = detail.evidence.iter();
        evidence.find(|it| it.label == label).map(|it| &it.because)
    };
    assert_eq!(
        of_label("possible_duplicate"),
        Some(&format!(
            "the same CVE-2026-4711 as {first}; the same shop.example/cart/add as {first}; \
             the same attachment \"poc.py\" as {first}"
        ))
    );
    let answer = detail.messages.iter().find(|it| it.direction == "out");
    let answer = &answer.unwrap().text;
    for told in [&first, "4711", "poc.py", "cart", "duplicate"] {
        assert!(!answer.contains(told), "{told}: {answer}");
    }
}

#[test]
fn notes_of_the_team_stay_with_the_case() {
    let world = World::new();
    for line in [
        "/assign ALICE",
        "/credit \"Ann B.\" https://ann.example/",
        "/token a mug",
        "/reward 100 EUR",
        "/label web",
    ] {
        world.at(line, days(1));
    }
    let case = world.detail(days(1)).case;
    assert_eq!(case.assignee.as_deref(), Some("Alice"));
    assert_eq!(case.recognition.name.as_deref(), Some("Ann B."));
    assert_eq!(
        case.recognition.link.as_deref(),
        Some("https://ann.example/")
    );
    assert_eq!(case.recognition.token.as_deref(), Some("a mug"));
    assert_eq!(case.recognition.reward.as_deref(), Some("100 EUR"));
    assert!(case.labels.contains(&"web".to_owned()));
    assert_eq!(world.send_all(days(1)), 0);
    world.refused(
        "/assign alise",
        "\"alise\" is nobody of the team; the nearest is Alice",
    );
}

#[test]
fn a_participant_has_cases_and_a_stranger_has_none() {
    let world = World::new();
    let cases = |email: &str| {
        world
            .store
            .read(|tx| tx.cases_of_participant(email))
            .unwrap()
    };
    assert_eq!(cases(ANN).len(), 1);
    assert_eq!(cases(ANN)[0].case, world.case);
    assert!(cases("eve@research.test").is_empty());
}

#[test]
fn nothing_is_half_done() {
    let world = World::new();
    let before = world.detail(monday());
    let refused = [
        "/disclose 2026-07-01",
        "/duplicate SEC-2026-0099",
        "/assign nobody",
        "/reopen",
    ];
    for line in refused {
        world.try_at(line, monday()).unwrap_err();
        assert_eq!(world.detail(monday()), before, "{line}");
    }
}

const LINES: [&str; 24] = [
    "/severity high",
    "/severity low",
    "/accept",
    "/reject no",
    "/reject out of scope",
    "/close done",
    "/spam",
    "/needs-info Which version?",
    "/exploited",
    "/exploited 2026-05-31",
    "/fixed 2026-06-01",
    "/fixed 2026-05-30",
    "/disclose 2026-06-20 short notice",
    "/disclose 2026-06-01 short notice",
    "/disclose 2026-07-20",
    "/notified early_warning",
    "/notified notification",
    "/notified final_report",
    "/credit \"Ann\"",
    "/note words",
    "/reply words",
    "/reopen",
    "/label web",
    "/status",
];

#[derive(Clone, Debug)]
enum Turn {
    Command(usize),
    Sent,
    Rejected,
    ReporterWrites,
    Bounces,
    Days(i64),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        6 => (0..LINES.len()).prop_map(Turn::Command),
        3 => Just(Turn::Sent),
        1 => Just(Turn::Rejected),
        1 => Just(Turn::ReporterWrites),
        1 => Just(Turn::Bounces),
        2 => (0_i64..20).prop_map(Turn::Days),
    ];
    proptest::collection::vec(turn, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However a case is led about: what is refused changes nothing, no deadline is lost, a closed
    /// case keeps none running but those of the law and those that a letter on its way meets.
    #[test]
    fn deadlines_are_never_lost(turns in turns()) {
        let world = World::new();
        let mut now = days(1);
        for turn in turns {
            now += Duration::minutes(1);
            let before = world.detail(now);
            match turn {
                Turn::Command(line) => match world.try_at(LINES[line], now) {
                    Ok(_) => {}
                    Err(CommandError::Refused(_)) => prop_assert_eq!(&world.detail(now), &before),
                    Err(other) => panic!("{}: {other}", LINES[line]),
                },
                Turn::Sent => { world.send_all(now); }
                Turn::Rejected => { world.reject_all(now); }
                Turn::ReporterWrites => {
                    let thread = format!("In-Reply-To: <{}>\r\n", world.message_id_of_last_letter());
                    world.receive(&mail(ANN, &thread, "More of it."), now);
                }
                Turn::Bounces => world.bounce(now),
                Turn::Days(count) => now += Duration::days(count),
            }
            let published = world.store.write(|tx| due_changes(tx, &world.desk, now)).unwrap();
            prop_assert!(published.len() <= 1);
            let after = world.detail(now);
            for deadline in &before.case.deadlines {
                let stays = after.case.deadlines.iter().any(|it| it.kind == deadline.kind);
                prop_assert!(stays || deadline.kind == "remediate", "{} is lost", deadline.kind);
            }
            let is_on_its_way = after.messages.iter().any(|it| {
                it.direction == "out" && it.delivery.as_deref() == Some("waiting")
            });
            for deadline in &after.case.deadlines {
                let is_open = matches!(deadline.state, "running" | "paused" | "missed");
                let is_of_law = DeadlineKind::parse(&deadline.kind).unwrap().is_of_law();
                let is_met_soon = is_on_its_way
                    && matches!(deadline.kind.as_str(), "triage" | "acknowledge");
                if after.case.status == "closed" && is_open {
                    prop_assert!(is_of_law || is_met_soon, "{deadline:?}");
                }
                if deadline.state == "paused" {
                    prop_assert!(!is_of_law && deadline.kind != "disclose", "{deadline:?}");
                }
            }
        }
        let is_sound = matches!(world.store.verify_audit().unwrap(), Verdict::Sound { .. });
        prop_assert!(is_sound);
    }
}
