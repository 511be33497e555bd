//! A database as it is after years: many cases, four messages each, nearly all of them closed.
//!
//! Written through the store as the daemon writes, so that each row, index and page is as it would
//! be; only the mails are no real ones and nothing is signed. The same number gives the same board.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use triaged::config::Limits;
use triaged::mail::message::{Address, Attachment, Digest, Message};
use triaged::mailbox::Lane;
use triaged::store::audit::Actor;
use triaged::store::cases::NewCase;
use triaged::store::intake::IncomingRecord;
use triaged::store::outbox::{Audience, Delivered, NewLetter};
use triaged::store::{Store, StoreError, Tx};
use triaged::triage::case::{CloseReason, Closure, Status};
use triaged::triage::classify::Label;
use triaged::triage::deadline;
use triaged::triage::decide::CaseRef;
use triaged::triage::extract;
use triaged::triage::policy::{DeadlineKind, Policy, Severity, Terms};
use triaged::triage::{marks, rules, same};

/// The cases came in so many days, the last one now.
const DAYS: i64 = 5 * 365;
/// Younger ones are partly open.
const YOUNG: TimeDelta = TimeDelta::days(45);
/// Cases to a transaction.
const BATCH: usize = 500;

/// Caps that hold nothing back.
const NO_CAPS: Limits = Limits {
    max_message: 1_000_000,
    silence: std::time::Duration::from_secs(900),
    replies_per_address: u32::MAX,
    replies_per_domain: u32::MAX,
    replies_total: u32::MAX,
};

/// Fills an empty database with so many cases.
pub fn build(store: &Store, policy: &Policy, cases: usize, now: DateTime<Utc>) {
    let numbers: Vec<usize> = (0..cases).collect();
    for batch in numbers.chunks(BATCH) {
        store
            .write(|tx| {
                for number in batch {
                    let age = TimeDelta::days(DAYS) * (cases - number) as i32 / cases as i32;
                    Past {
                        tx,
                        policy,
                        number: *number,
                        came_at: now - age,
                        now,
                    }
                    .live()?;
                }
                Ok::<_, StoreError>(())
            })
            .expect("write cases");
    }
}

/// One case, and when it came.
struct Past<'a> {
    tx: &'a Tx<'a>,
    policy: &'a Policy,
    number: usize,
    came_at: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Past<'_> {
    fn live(&self) -> Result<(), StoreError> {
        let report = self.report();
        let case = self.open(&report)?;
        self.letter(&case, "acknowledgement", true, self.came_at)?;
        let later = self.came_at + TimeDelta::days(2);
        self.record(
            &self.mail("Re: our report", later),
            Some(&case),
            "reply",
            later,
        )?;
        self.letter(&case, "accepted", false, self.came_at + TimeDelta::days(3))?;
        match self.is_open() {
            true => self.accept(&case),
            false => self.close(&case),
        }
    }

    fn is_open(&self) -> bool {
        let is_young = self.now - self.came_at < YOUNG;
        (is_young && self.number.is_multiple_of(2)) || self.number.is_multiple_of(997)
    }

    fn sender(&self) -> String {
        format!(
            "reporter{}@research{}.example",
            self.number % 20_000,
            self.number % 300
        )
    }

    fn report(&self) -> Message {
        let mut report = self.mail("Cross-site scripting in the shop", self.came_at);
        report.attachments.push(Attachment {
            name: "poc.html".to_owned(),
            media_type: "text/html".to_owned(),
            size: 900,
            digest: Digest::of(format!("poc {}", self.number).as_bytes()),
            excerpt: None,
            encrypted: false,
        });
        report
    }

    fn mail(&self, subject: &str, at: DateTime<Utc>) -> Message {
        let text = format!(
            "Please look at https://www{0}.shop.example/products/{0}/reviews\n\n{1}\nCVE-2026-{2}\n",
            self.number % 50,
            words(self.number as u64 ^ at.timestamp().cast_unsigned(), 90),
            10_000 + self.number,
        );
        let raw = format!("{subject}\n{text}");
        Message {
            message_id: Some(format!(
                "{}.{}@research.example",
                self.number,
                at.timestamp()
            )),
            from: Some(Address {
                name: Some("A. Researcher".to_owned()),
                email: self.sender(),
            }),
            date: Some(at),
            subject: format!("{subject} {}", self.number),
            text,
            ..Message::unread(Digest::of(raw.as_bytes()), raw.len() as u64)
        }
    }

    fn open(&self, report: &Message) -> Result<CaseRef, StoreError> {
        let (tx, policy) = (self.tx, self.policy);
        let case = tx.open_case(
            &NewCase {
                kind: "report",
                reporter_name: Some("A. Researcher"),
                reporter_email: Some(&self.sender()),
                subject: &report.subject,
                received_at: self.came_at,
                opened_at: self.came_at,
                suggested_severity: Some(Severity::High),
                unanswered: None,
                robot: None,
                language: Some("en"),
                missing: &[],
            },
            policy,
        )?;
        let deadlines = deadline::open_deadlines(policy, self.came_at, None);
        tx.set_deadlines(case.id, &deadlines, policy)?;
        tx.add_labels(
            case.id,
            &[Label::new("unauthenticated", "no result of ours")],
        )?;
        let detail = json!({"kind": "report", "sha256": report.digest.to_string()});
        tx.event(
            self.came_at,
            &Actor::Reporter,
            "opened",
            Some(case.id),
            detail,
        )?;
        let message = self.record(report, Some(&case), "report", self.came_at)?;
        tx.remember_sketch(message, &same::comparable(report))?;
        tx.remember_marks(case.id, &marks_of(report))?;
        Ok(case)
    }

    fn record(
        &self,
        message: &Message,
        case: Option<&CaseRef>,
        kind: &str,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let raw = format!("Subject: {}\n\n{}", message.subject, message.text);
        self.tx.record_incoming(&IncomingRecord {
            message,
            raw: raw.as_bytes(),
            kind,
            lane: Lane::Inbox,
            received_at: at,
            recorded_at: at,
            case_id: case.map(|case| case.id),
            not_answered: None,
            comparable: Some(&same::comparable(message)),
        })
    }

    /// Written and taken by the server.
    fn letter(
        &self,
        case: &CaseRef,
        kind: &str,
        automatic: bool,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let text = format!(
            "Thank you for your report. {}",
            words(case.id.cast_unsigned(), 80)
        );
        self.tx.enqueue(&NewLetter {
            case: Some(case.clone()),
            kind: kind.to_owned(),
            recipient: self.sender(),
            envelope_from: None,
            automatic,
            acknowledges: automatic,
            audience: Audience::Reporter,
            meets: (!automatic).then_some(DeadlineKind::Triage),
            attaches_key: false,
            message_id: format!("{kind}.{}@example.com", case.number),
            from: "security@example.com".to_owned(),
            subject: format!("[{}]", case.number),
            bytes: text.clone().into_bytes(),
            text,
            encrypted: false,
            certificate: None,
            written_at: at,
            not_before: at,
        })?;
        let accepted = Delivered::Accepted {
            reply: "250 taken".to_owned(),
        };
        for claimed in self.tx.claim(1, &NO_CAPS, at)? {
            self.tx
                .record_delivery(&claimed, &accepted, self.policy, at)?;
        }
        Ok(())
    }

    fn accept(&self, case: &CaseRef) -> Result<(), StoreError> {
        let mut state = self.tx.case_state(case, self.now)?;
        state.status = Status::Accepted;
        state.severity = Some(Severity::High);
        self.tx.save_case(case.id, &state)?;
        let deadline = deadline::remediate(self.policy, self.came_at, Severity::High);
        self.tx
            .set_deadlines(case.id, deadline.as_slice(), self.policy)
    }

    fn close(&self, case: &CaseRef) -> Result<(), StoreError> {
        let at = self.came_at + TimeDelta::days(5);
        let mut state = self.tx.case_state(case, self.now)?;
        state.status = Status::Closed;
        state.closure = Some(Closure {
            reason: match self.number % 3 {
                0 => CloseReason::Rejected,
                1 => CloseReason::OutOfScope,
                _ => CloseReason::Other("fixed long ago".to_owned()),
            },
            before: Status::New,
        });
        self.tx.save_case(case.id, &state)?;
        self.tx.waive_open_but(case.id, &[], at)?;
        self.tx.event(
            at,
            &Actor::Unix("alice".to_owned()),
            "rejected",
            Some(case.id),
            json!({}),
        )
    }
}

fn marks_of(report: &Message) -> Vec<marks::Mark> {
    let extracted = extract::extract(report);
    let findings = rules::find(report, &extracted, &Terms::default());
    marks::of(report, &extracted, &findings)
}

/// So many words of some two thousand, the same for the same seed.
fn words(seed: u64, count: usize) -> String {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut text = String::new();
    for position in 0..count {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("w{:03x}", (state >> 40) % 2_000));
        text.push(if position % 12 == 11 { '\n' } else { ' ' });
    }
    text
}

/// A report that comes now, as bytes: it names a page that cases on record name too.
pub fn raw_mail(number: usize) -> String {
    format!(
        "From: New Researcher <new{number}@research.example>\r\n\
         To: security@example.com\r\n\
         Subject: Stored cross-site scripting {number}\r\n\
         Message-ID: <new.{number}@research.example>\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n\
         A stored cross-site scripting vulnerability is in \
         https://www{}.shop.example/products/{number}/reviews (CVE-2026-{}).\r\n\r\n{}\r\n",
        number % 50,
        10_000 + number,
        words(number as u64, 90)
    )
}
