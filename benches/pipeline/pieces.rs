//! Each piece of the path alone, over the same mails, in the batches of the daemon.
//!
//! Nothing overlaps here: a batch is fetched, then opened, then recorded, then its letters go,
//! each with a clock of its own and, but for the kernel and the servers, on one core.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::json;
use tokio::runtime::Runtime;
use triaged::config::{Config, Source};
use triaged::delivery::{Delivery, Letter, Outcome};
use triaged::intake::{self, Mail, Opened};
use triaged::letters::Desk;
use triaged::mailbox::imap::Imap;
use triaged::mailbox::{Entry, Fetched, Lane, Mailbox, Part};
use triaged::store::audit::Actor;
use triaged::store::cases::NewCase;
use triaged::store::intake::{IncomingRecord, Place};
use triaged::store::outbox::{Audience, Claimed, Delivered, NewLetter};
use triaged::store::{Store, StoreError, Tx};
use triaged::triage::deadline;
use triaged::triage::whose::{self, Learned};

/// As `daemon::watch` groups mails, and `daemon::post` letters.
const BATCH_MAILS: usize = 64;
const BATCH_BYTES: u64 = 1_000_000;
const LETTERS_IN_HAND: usize = 4;

/// How long each piece took, over all mails.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pieces {
    /// Listing, and the bytes over TLS.
    pub fetch: Duration,
    /// MIME, decrypting, signatures.
    pub open: Duration,
    /// Classifying, deciding and composing, in memory.
    pub decide: Duration,
    /// What mails and letters write, a transaction for each batch.
    pub commit: Duration,
    /// SMTP alone.
    pub send: Duration,
    /// What became of the letters, four to a transaction.
    pub outcomes: Duration,
}

pub struct Bench<'a> {
    pub config: &'a Config,
    pub desk: Arc<Desk>,
    pub key: &'a secrecy::SecretString,
    /// A database for this run alone.
    pub database: &'a Path,
    pub expected: usize,
}

impl Bench<'_> {
    pub fn run(&self, runtime: &Runtime) -> Pieces {
        runtime.block_on(self.measure())
    }

    async fn measure(&self) -> Pieces {
        let mut pieces = Pieces::default();
        let Source::Imap(imap) = &self.config.source else {
            panic!("the bench reads over IMAP");
        };
        let rehearsal = Store::in_memory().expect("a database in memory");
        let store = Store::open(self.database, self.key).expect("a database");
        let mut delivery = Delivery::open(&self.config.transport).expect("a way out");

        let mut began = Instant::now();
        let mut mailbox = Imap::connect(imap, self.config.limits.max_message)
            .await
            .expect("log in");
        let listing = mailbox.list(Lane::Inbox, None).await.expect("list");
        assert_eq!(listing.entries.len(), self.expected, "mails in the inbox");
        let mut batches = grouped(listing.entries);
        while let Some(batch) = batches.pop_front() {
            let fetched = mailbox.fetch(Lane::Inbox, &batch, Part::Whole).await;
            pieces.fetch += began.elapsed();
            let fetched = fetched.expect("fetch");
            assert_eq!(fetched.len(), batch.len(), "mails that came");

            let mut opened = self.open(fetched, listing.validity, &mut pieces);
            let letters = self.decide(&rehearsal, &mut opened, &mut pieces);
            assert_eq!(letters.len(), opened.len(), "each mail is answered once");
            self.commit(&store, &opened, &letters, &mut pieces);
            send(&mut delivery, &letters, &mut pieces).await;
            began = Instant::now();
        }
        self.record_outcomes(&store, &mut pieces);
        delivery.close().await;
        mailbox.close().await;
        pieces
    }

    /// Only reading is timed; classifying and comparing count with `decide`.
    fn open(&self, fetched: Vec<Fetched>, validity: u32, pieces: &mut Pieces) -> Vec<Opened> {
        let mails: Vec<Mail> = fetched
            .into_iter()
            .map(|fetched| mail(fetched, validity))
            .collect();
        let began = Instant::now();
        for mail in &mails {
            let opening = triaged::mail::open::Opening {
                keyring: Some(&self.desk.keyring),
                known: &[],
                limits: triaged::mail::open::Limits::default(),
            };
            let message = triaged::mail::open::open(&mail.raw, &opening, Utc::now());
            assert_eq!(message.openpgp.failure, None, "a mail that opens");
        }
        let opening = began.elapsed();
        pieces.open += opening;
        let began = Instant::now();
        let opened = mails
            .into_iter()
            .map(|mail| intake::open_mail(mail, &self.desk, Utc::now()))
            .collect();
        pieces.decide += began.elapsed().saturating_sub(opening);
        opened
    }

    fn decide(&self, store: &Store, opened: &mut [Opened], pieces: &mut Pieces) -> Vec<Claimed> {
        let began = Instant::now();
        store
            .write(|tx| {
                for opened in &mut *opened {
                    intake::record(tx, opened, &self.desk, Utc::now())?;
                }
                Ok::<_, StoreError>(())
            })
            .expect("record in memory");
        pieces.decide += began.elapsed();
        store
            .write(|tx| tx.claim(opened.len() + 1, &self.config.limits, Utc::now()))
            .expect("the letters")
    }

    fn commit(&self, store: &Store, opened: &[Opened], letters: &[Claimed], pieces: &mut Pieces) {
        let began = Instant::now();
        store
            .write(|tx| {
                for (opened, letter) in opened.iter().zip(letters) {
                    self.write(tx, opened, letter)?;
                }
                Ok::<_, StoreError>(())
            })
            .expect("record");
        pieces.commit += began.elapsed();
    }

    /// All that a mail which opens a case leaves in the database.
    fn write(&self, tx: &Tx<'_>, opened: &Opened, letter: &Claimed) -> Result<(), StoreError> {
        let (message, now) = (&opened.message, Utc::now());
        let policy = &self.desk.policy;
        let sender = message.from.as_ref().map(|from| from.key());
        let case = tx.open_case(
            &NewCase {
                kind: "report",
                reporter_name: None,
                reporter_email: sender.as_deref(),
                subject: &message.subject,
                received_at: opened.mail.received_at,
                opened_at: now,
                suggested_severity: None,
                unanswered: None,
                robot: None,
                language: None,
                missing: &[],
            },
            policy,
        )?;
        let deadlines = deadline::open_deadlines(policy, opened.mail.received_at, None);
        tx.set_deadlines(case.id, &deadlines, policy)?;
        tx.add_labels(case.id, &opened.classified.labels)?;
        let detail = json!({"kind": "report", "sha256": message.digest.to_string()});
        tx.event(now, &Actor::Reporter, "opened", Some(case.id), detail)?;
        let id = tx.record_incoming(&IncomingRecord {
            message,
            raw: &opened.mail.raw,
            kind: "report",
            lane: opened.mail.lane,
            received_at: opened.mail.received_at,
            recorded_at: now,
            case_id: Some(case.id),
            not_answered: None,
            comparable: opened.comparable.as_ref(),
        })?;
        if let Some(place) = &opened.mail.place {
            tx.remember_origin(place, opened.mail.looks(), id, None)?;
        }
        if let (Some(sender), Some(certificate)) = (&sender, whose::own_certificate(message)) {
            tx.remember_certificate(sender, certificate, Learned::Signed, now)?;
        }
        if let Some(comparable) = &opened.comparable {
            tx.remember_sketch(id, comparable)?;
        }
        tx.enqueue(&NewLetter {
            case: Some(case),
            kind: letter.kind.clone(),
            recipient: letter.recipient.clone(),
            envelope_from: letter.envelope_from.clone(),
            automatic: true,
            audience: Audience::Reporter,
            meets: None,
            acknowledges: true,
            attaches_key: false,
            message_id: format!("{id}@bench.test"),
            from: self.desk.organization.address.clone(),
            subject: String::new(),
            text: "Thank you for your report. ".repeat(50),
            encrypted: false,
            certificate: None,
            bytes: letter.bytes.clone(),
            written_at: now,
            not_before: now,
        })?;
        Ok(())
    }

    fn record_outcomes(&self, store: &Store, pieces: &mut Pieces) {
        let began = Instant::now();
        let mut in_hand: Vec<Claimed> = Vec::new();
        let accepted = Delivered::Accepted {
            reply: "250 taken".to_owned(),
        };
        loop {
            in_hand = store
                .write(|tx| {
                    for letter in &in_hand {
                        tx.record_delivery(letter, &accepted, &self.desk.policy, Utc::now())?;
                    }
                    tx.claim(LETTERS_IN_HAND, &self.config.limits, Utc::now())
                })
                .expect("record the outcomes");
            if in_hand.is_empty() {
                break;
            }
        }
        pieces.outcomes += began.elapsed();
    }
}

async fn send(delivery: &mut Delivery, letters: &[Claimed], pieces: &mut Pieces) {
    let began = Instant::now();
    for letter in letters {
        let outcome = delivery
            .send(&Letter {
                envelope_from: letter.envelope_from.clone(),
                recipient: letter.recipient.clone(),
                bytes: letter.bytes.clone(),
            })
            .await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    pieces.send += began.elapsed();
}

fn grouped(entries: Vec<Entry>) -> VecDeque<Vec<Entry>> {
    let mut batches: VecDeque<Vec<Entry>> = VecDeque::new();
    let mut bytes = 0;
    for entry in entries {
        let fits = bytes + entry.size <= BATCH_BYTES;
        match batches.back_mut() {
            Some(batch) if fits && batch.len() < BATCH_MAILS => {
                bytes += entry.size;
                batch.push(entry);
            }
            _ => {
                bytes = entry.size;
                batches.push_back(vec![entry]);
            }
        }
    }
    batches
}

fn mail(fetched: Fetched, validity: u32) -> Mail {
    Mail {
        size: fetched.entry.size,
        lane: Lane::Inbox,
        received_at: fetched.entry.received_at,
        too_large: false,
        unanswered: None,
        place: Some(Place {
            mailbox: "bench".to_owned(),
            folder: "INBOX".to_owned(),
            validity,
            uid: fetched.entry.uid,
        }),
        raw: fetched.bytes,
        kept: None,
    }
}
