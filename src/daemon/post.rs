//! The outbox task: takes letters that are due, hands them over, writes down what became of them.
//!
//! Up to [`IN_HAND`] letters are claimed in one transaction, sent one after the
//! other, and recorded in the transaction that claims the next: so many answers
//! at most lie between the server's 250 and our record of it. Until what became
//! of them is written, nothing else is taken, whatever hinders that. A server that
//! is away costs no letter an attempt; the whole post pauses.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::Shared;
use crate::config::Transport;
use crate::delivery::{Delivery, DeliveryError, Letter, Outcome, Scope};
use crate::intake::sender;
use crate::killpoint;
use crate::letters::{self, Desk};
use crate::store::audit::Actor;
use crate::store::outbox::{Claimed, Delivered, Fate, Held, Recovered};
use crate::store::{StoreError, Tx};

/// Letters in our hands at a time.
const IN_HAND: usize = 4;
/// The outbox is looked at so often, for letters that another process put there.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Pauses of the whole post when the server is away.
const PAUSES_S: [u64; 5] = [5, 10, 20, 30, 60];
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Pauses while results cannot be written.
const WRITE_PAUSES_S: [u64; 4] = [1, 2, 5, 10];
const LONGEST_WRITE_PAUSE: Duration = Duration::from_secs(30);
/// `--once` waits for letters that become due within so long: answers to mails that were not read.
const ONCE_WAITS: chrono::Duration = letters::UNREADABLE_AT_MOST;
/// The server broke off at a letter so often: the next time it is the letter that waits.
const BROKEN_OFF_AT_MOST: u32 = 1;

/// Letters that were in our hands, and what became of each.
type Results = Vec<(Claimed, Delivered)>;

/// Sends until the daemon stops. Never ends for an error.
pub async fn run(shared: Arc<Shared>) {
    let mut away = 0;
    recover(&shared).await;
    let Some(mut post) = begin(&shared).await else {
        return;
    };
    while !shared.is_stopping() {
        shared.pulses.post_turned.beat();
        let pause = match post.round().await {
            Ok(Round::Done) => {
                away = 0;
                post.until_next_due().await
            }
            Ok(Round::ServerAway) => {
                away += 1;
                pause(&PAUSES_S, away, LONGEST_PAUSE)
            }
            Err(error) => {
                tracing::error!(event = "outbox_failed", "{error:#}");
                LOOK_EVERY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.letters.notified(), if away == 0 => {}
            () = shared.stopped() => {}
        }
    }
    post.delivery.close().await;
}

/// The way out for letters, as soon as it can be opened: mail is recorded without it too.
/// `None`: the daemon was stopped before.
async fn begin(shared: &Arc<Shared>) -> Option<Post> {
    while !shared.is_stopping() {
        shared.pulses.post_turned.beat();
        match Post::new(Arc::clone(shared)) {
            Ok(post) => return Some(post),
            Err(error) => tracing::error!(event = "outbox_failed", "{error}"),
        }
        rest(shared, LONGEST_PAUSE).await;
    }
    None
}

/// Waits, unless the daemon stops.
async fn rest(shared: &Shared, pause: Duration) {
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = shared.stopped() => {}
    }
}

/// Sends what is due now. Returns how many letters are left that should have gone.
pub async fn once(shared: Arc<Shared>) -> anyhow::Result<i64> {
    let mut post = Post::new(Arc::clone(&shared))?;
    let patience = Utc::now() + ONCE_WAITS;
    try_to_recover(&shared).await?;
    while post.round().await? == Round::Done {
        let next = post
            .on_store(|store| store.read(|tx| tx.next_fresh()))
            .await?;
        let Some(next) = next.filter(|next| *next <= patience) else {
            break;
        };
        tokio::time::sleep((next - Utc::now()).to_std().unwrap_or_default()).await;
    }
    let left = post
        .on_store(|store| store.read(|tx| tx.overdue(Utc::now())))
        .await;
    post.delivery.close().await;
    left
}

/// The pause after so many failures, the first being 1.
fn pause(pauses_s: &[u64], failures: usize, longest: Duration) -> Duration {
    pauses_s
        .get(failures.saturating_sub(1))
        .copied()
        .map_or(longest, Duration::from_secs)
}

/// Takes up what a crash left in our hands; until that is done nothing else may be sent.
async fn recover(shared: &Arc<Shared>) {
    while let Err(error) = try_to_recover(shared).await {
        tracing::error!(event = "outbox_failed", "{error:#}");
        if shared.is_stopping() {
            return;
        }
        shared.pulses.post_turned.beat();
        rest(shared, LOOK_EVERY).await;
    }
}

async fn try_to_recover(shared: &Arc<Shared>) -> anyhow::Result<()> {
    let recovering = Arc::clone(shared);
    let recovered = tokio::task::spawn_blocking(move || {
        recovering.store.write(|tx| tx.recover_outbox(Utc::now()))
    })
    .await??;
    recovered.iter().for_each(log_recovered);
    let letters = recovered.iter().filter(|it| !it.is_given_up()).count();
    if letters > 0 {
        tracing::warn!(
            event = "recovered",
            letters,
            "attempts were cut short by the last stop; tried again with the same Message-ID"
        );
    }
    Ok(())
}

/// What is tried again at once is told in one line for all.
fn log_recovered(recovered: &Recovered) {
    let case = recovered.case.as_deref().unwrap_or("-");
    let (outbox, letter) = (recovered.id, recovered.kind.as_str());
    match &recovered.fate {
        Fate::GivenUp(why) => {
            tracing::error!(case, event = "undeliverable", outbox, letter, "{why}");
        }
        Fate::Again(at) if *at > Utc::now() => tracing::error!(
            case,
            event = "cut_short",
            outbox,
            letter,
            times = recovered.cut_short,
            next = at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "the program ended during so many attempts at this letter; it waits, and goes alone"
        ),
        Fate::Again(_) | Fate::Sent => {}
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Nothing is due any more.
    Done,
    /// The server cannot be reached or refuses us.
    ServerAway,
}

struct Post {
    shared: Arc<Shared>,
    delivery: Delivery,
}

impl Post {
    fn new(shared: Arc<Shared>) -> Result<Self, DeliveryError> {
        let delivery = Delivery::open(&shared.config.transport)?;
        Ok(Self { shared, delivery })
    }

    /// Sends until nothing is due.
    async fn round(&mut self) -> anyhow::Result<Round> {
        self.join_held_letters().await?;
        let mut results = Arc::new(Results::new());
        loop {
            let claimed = self.record_and_claim(&results).await?;
            if results.iter().any(|(_, delivered)| is_away(delivered)) {
                return Ok(Round::ServerAway);
            }
            if claimed.is_empty() {
                return Ok(Round::Done);
            }
            killpoint::reached("claimed");
            results = Arc::new(self.send_all(claimed).await);
        }
    }

    /// Writes what became of the last letters and takes the next ones. Does not end before the
    /// first is done, unless the daemon stops: what the server accepted would be sent again.
    async fn record_and_claim(&self, results: &Arc<Results>) -> anyhow::Result<Vec<Claimed>> {
        let mut failures = 0;
        loop {
            let error = match self.try_to_record_and_claim(Arc::clone(results)).await {
                Ok(claimed) => return Ok(claimed),
                Err(error) if results.is_empty() || self.shared.is_stopping() => return Err(error),
                Err(error) => error,
            };
            failures += 1;
            tracing::error!(
                event = "outbox_failed",
                letters = results.len(),
                failures,
                "what became of these letters cannot be written, and none is sent before it is: {error:#}"
            );
            // It waits, and is not stuck: a restart now would send them again.
            self.shared.pulses.post_turned.beat();
            rest(
                &self.shared,
                pause(&WRITE_PAUSES_S, failures, LONGEST_WRITE_PAUSE),
            )
            .await;
        }
    }

    /// One transaction, so that it costs one sync to the disk.
    async fn try_to_record_and_claim(&self, results: Arc<Results>) -> anyhow::Result<Vec<Claimed>> {
        let away = results.iter().any(|(_, delivered)| is_away(delivered));
        let at_most = if away || self.shared.is_stopping() {
            0
        } else {
            IN_HAND
        };
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || {
            let desk = shared.desk();
            let now = Utc::now();
            let (fates, claimed) = shared.store.write(|tx| {
                let fates: Vec<Fate> = results
                    .iter()
                    .map(|(claimed, delivered)| {
                        tx.record_delivery(claimed, delivered, &desk.policy, now)
                    })
                    .collect::<Result<_, StoreError>>()?;
                Ok::<_, StoreError>((fates, tx.claim(at_most, &shared.config.limits, now)?))
            })?;
            for ((claimed, delivered), fate) in results.iter().zip(&fates) {
                log(&shared.config.transport, claimed, delivered, fate);
            }
            if fates.iter().any(|fate| matches!(fate, Fate::GivenUp(_))) {
                shared.alarms.notify_one();
            }
            Ok(claimed)
        })
        .await?
    }

    async fn send_all(&mut self, claimed: Vec<Claimed>) -> Results {
        let mut results = Results::new();
        let mut away: Option<String> = None;
        for letter in claimed {
            let delivered = match &away {
                Some(why) => Delivered::ServerAway { why: why.clone() },
                None if self.shared.is_stopping() => Delivered::ServerAway {
                    why: "the daemon was stopped".to_owned(),
                },
                None => self.send(&letter).await,
            };
            if let Delivered::ServerAway { why } | Delivered::BrokenOff { why } = &delivered {
                away = Some(why.clone());
            }
            results.push((letter, delivered));
        }
        results
    }

    async fn send(&mut self, claimed: &Claimed) -> Delivered {
        let letter = Letter {
            envelope_from: claimed.envelope_from.clone(),
            recipient: claimed.recipient.clone(),
            bytes: claimed.bytes.clone(),
        };
        let outcome = self.delivery.send(&letter).await;
        killpoint::reached("handed_over");
        self.shared.pulses.post_turned.beat();
        match outcome {
            Outcome::Accepted { reply } => Delivered::Accepted { reply },
            Outcome::Deferred {
                why,
                scope: Scope::Server,
            } => Delivered::ServerAway { why },
            Outcome::Deferred {
                why,
                scope: Scope::ServerOrLetter,
            } if claimed.broken_off < BROKEN_OFF_AT_MOST => Delivered::BrokenOff { why },
            Outcome::Deferred {
                why,
                scope: Scope::Letter | Scope::ServerOrLetter,
            } => Delivered::Deferred { why },
            Outcome::Rejected {
                why,
                null_sender_refused: true,
            } if claimed.envelope_from.is_none() => Delivered::NullSenderRefused { why },
            Outcome::Rejected { why, .. } => Delivered::Rejected { why },
            Outcome::Unknown { why } => Delivered::Uncertain { why },
        }
    }

    /// Several held letters to one address become one, when the caps allow it one.
    async fn join_held_letters(&self) -> anyhow::Result<()> {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || {
            let desk = shared.desk();
            let now = Utc::now();
            let free = shared
                .store
                .read(|tx| tx.held_together(&shared.config.limits, now))?;
            for recipient in free {
                // The letters of others, and these by themselves, go whatever happens here.
                let joined =
                    catch_unwind(AssertUnwindSafe(|| join(&shared, &desk, &recipient, now)));
                match joined {
                    Ok(Ok((id, letters))) => tracing::info!(event = "joined", outbox = id, letters),
                    Ok(Err(error)) => tracing::error!(event = "not_joined", "{error:#}"),
                    Err(_) => {
                        tracing::error!(event = "not_joined", "the program stumbled over them");
                    }
                }
            }
            Ok(())
        })
        .await?
    }

    /// How long nothing is due; never longer than until the next look.
    async fn until_next_due(&self) -> Duration {
        let next: Option<DateTime<Utc>> = self
            .on_store(|store| store.read(|tx| tx.next_due()))
            .await
            .unwrap_or_default();
        next.map_or(LOOK_EVERY, |next| {
            (next - Utc::now())
                .to_std()
                .unwrap_or_default()
                .clamp(Duration::from_millis(10), LOOK_EVERY)
        })
    }

    async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&crate::store::Store) -> Result<T, StoreError> + Send + 'static,
    ) -> anyhow::Result<T> {
        let shared = Arc::clone(&self.shared);
        Ok(tokio::task::spawn_blocking(move || work(&shared.store)).await??)
    }
}

/// Writes one letter in place of those that are held for an address: its number, and how many.
fn join(
    shared: &Shared,
    desk: &Desk,
    recipient: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<(i64, usize)> {
    shared.store.write(|tx| {
        let held = tx.held_for(recipient)?;
        let certificate = sender::certificate_of_held(tx, desk, recipient, now)?;
        killpoint::fragile("joining");
        let written = desk.combined(recipient, &held, certificate.as_ref(), now)?;
        let id = tx.enqueue(&written.letter)?;
        tx.merge(&held.ids, id)?;
        if let Some(why) = &written.unusable_certificate {
            tell_of_unusable(tx, &held, why, now)?;
        }
        Ok((id, held.ids.len()))
    })
}

/// On each case of which the letter was to speak.
fn tell_of_unusable(
    tx: &Tx<'_>,
    held: &Held,
    why: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut cases: Vec<Option<i64>> = held
        .cases
        .iter()
        .map(|case| Some(case.file.case.id))
        .collect();
    if cases.is_empty() {
        cases.push(None);
    }
    for case in cases {
        let detail = json!({"why": why});
        tx.event(now, &Actor::Daemon, "certificate_unusable", case, detail)?;
    }
    Ok(())
}

/// The whole post pauses.
fn is_away(delivered: &Delivered) -> bool {
    matches!(
        delivered,
        Delivered::ServerAway { .. } | Delivered::BrokenOff { .. }
    )
}

fn log(transport: &Transport, claimed: &Claimed, delivered: &Delivered, fate: &Fate) {
    let case = claimed.case.as_ref().map_or("-", |case| &case.number);
    let (outbox, letter, attempt) = (claimed.id, claimed.kind.as_str(), claimed.attempts);
    let via = match transport {
        Transport::Smtp(smtp) => format!("smtp {}:{}", smtp.server.host, smtp.server.port),
        Transport::Sendmail(_) => "sendmail".to_owned(),
    };
    let next = match fate {
        Fate::Again(at) => at.to_rfc3339_opts(SecondsFormat::Secs, true),
        Fate::GivenUp(why) => {
            tracing::error!(
                case,
                event = "undeliverable",
                outbox,
                letter,
                attempt,
                via,
                "{why}"
            );
            return;
        }
        Fate::Sent => String::new(),
    };
    match delivered {
        Delivered::Accepted { reply } => {
            tracing::info!(case, event = "sent", outbox, letter, attempt, server = %reply);
        }
        Delivered::Deferred { why } | Delivered::Rejected { why } => {
            tracing::warn!(
                case,
                event = "deferred",
                outbox,
                letter,
                attempt,
                via,
                next,
                "{why}"
            );
        }
        Delivered::Uncertain { why } => {
            tracing::warn!(
                case,
                event = "uncertain",
                outbox,
                letter,
                attempt,
                via,
                next,
                "the server may have taken it: {why}"
            );
        }
        Delivered::NullSenderRefused { why } => {
            tracing::warn!(
                case,
                event = "null_sender_refused",
                outbox,
                via,
                "{why}; sent from our own address instead, see smtp.return_path"
            );
        }
        Delivered::ServerAway { why } | Delivered::BrokenOff { why } => {
            tracing::warn!(case, event = "server_away", outbox, via, "{why}");
        }
    }
}
