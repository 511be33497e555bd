//! The daemon: a few long-lived tasks that meet only in the database.
//!
//! - `watch` fetches and records mail (one session with the mailbox);
//! - `post` sends what the outbox holds;
//! - the main task waits for signals, reloads, and feeds systemd's watchdog
//!   while both loops really turn.
//!
//! SIGTERM lets the mail and the letter in hand be finished, within seconds.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch as channel};

use crate::config::{Config, Transport};
use crate::letters::Desk;
use crate::mail::pgp::Keyring;
use crate::store::Store;
use crate::store::audit::Actor;
use crate::systemd;
use crate::triage::reply::Texts;

pub mod post;
pub mod watch;

/// A loop that has not turned for so long is stuck, and the watchdog is not fed any more.
const STUCK_AFTER: Duration = Duration::from_secs(10 * 60);
/// What is in hand may take so long after SIGTERM.
const GRACE: Duration = Duration::from_secs(4);

/// What the tasks share.
pub struct Shared {
    pub config: Config,
    pub store: Store,
    desk: RwLock<Arc<Desk>>,
    /// Wakes the post when there is something new in the outbox.
    pub letters: Notify,
    pub stop: channel::Receiver<bool>,
    pub watch_turned_at: Pulse,
    pub post_turned_at: Pulse,
    pub last_good_poll_at: Pulse,
}

impl Shared {
    /// The rules as they are now; a reload replaces them for the next mail.
    pub fn desk(&self) -> Arc<Desk> {
        self.desk
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Resolves when the daemon is to stop.
    pub async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // The sender lives as long as the main task; if it is gone, stopping is right too.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// When something last happened, in Unix seconds; 0: never.
#[derive(Debug, Default)]
pub struct Pulse(AtomicI64);

impl Pulse {
    pub fn beat(&self) {
        self.0.store(Utc::now().timestamp(), Ordering::Relaxed);
    }

    fn age(&self) -> Option<Duration> {
        let at = self.0.load(Ordering::Relaxed);
        let age = u64::try_from(Utc::now().timestamp() - at).unwrap_or(0);
        (at != 0).then(|| Duration::from_secs(age))
    }
}

/// Everything that the writer of letters needs, from a checked configuration.
pub fn desk(config: &Config, keyring: Arc<Keyring>) -> anyhow::Result<Desk> {
    let texts = Texts::load(config.templates.as_deref()).map_err(|mistakes| {
        let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("templates: {}", list.join("; "))
    })?;
    Ok(Desk {
        organization: config.organization.clone(),
        policy: config.policy.clone(),
        texts,
        keyring,
        return_path: match &config.transport {
            Transport::Smtp(smtp) => smtp.return_path.clone(),
            Transport::Sendmail(_) => None,
        },
    })
}

/// Runs until SIGTERM, or for one pass. Returns whether all that should have gone is gone.
pub async fn run(
    config: Config,
    config_path: &Path,
    store: Store,
    keyring: Arc<Keyring>,
    once: bool,
) -> anyhow::Result<bool> {
    let _only_one = lock(store.path())?;
    let desk = Arc::new(desk(&config, Arc::clone(&keyring))?);
    let (stop, stopped) = channel::channel(false);
    let shared = Arc::new(Shared {
        config,
        store,
        desk: RwLock::new(desk),
        letters: Notify::new(),
        stop: stopped,
        watch_turned_at: Pulse::default(),
        post_turned_at: Pulse::default(),
        last_good_poll_at: Pulse::default(),
    });
    if once {
        return one_pass(&shared).await;
    }
    // A mailbox that never answers is as silent as one that stopped to.
    shared.last_good_poll_at.beat();
    let watching = tokio::spawn(watch::run(Arc::clone(&shared)));
    let posting = tokio::spawn(post::run(Arc::clone(&shared)));
    systemd::ready();
    tracing::info!(event = "started", version = env!("CARGO_PKG_VERSION"));
    let outcome = supervise(&shared, config_path, &keyring, watching, posting, stop).await;
    systemd::stopping();
    tracing::info!(event = "stopped");
    outcome.map(|()| true)
}

/// Everything now in the mailbox, everything due in the outbox.
async fn one_pass(shared: &Arc<Shared>) -> anyhow::Result<bool> {
    let watched = watch::once(Arc::clone(shared)).await;
    if let Err(error) = &watched {
        tracing::error!(event = "mailbox_failed", "{error:#}");
    }
    let posted = post::once(Arc::clone(shared)).await?;
    watched?;
    if posted > 0 {
        tracing::error!(
            event = "letters_left",
            letters = posted,
            "letters could not go"
        );
    }
    Ok(posted == 0)
}

async fn supervise(
    shared: &Arc<Shared>,
    config_path: &Path,
    keyring: &Arc<Keyring>,
    mut watching: tokio::task::JoinHandle<()>,
    mut posting: tokio::task::JoinHandle<()>,
    stop: channel::Sender<bool>,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
    let mut hangup = signal(SignalKind::hangup()).context("signals")?;
    let mut tick = tokio::time::interval(systemd::watchdog_interval());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => reload(shared, config_path, keyring).await,
            _ = tick.tick() => feed_watchdog(shared),
            ended = &mut watching => bail!("the mailbox task ended: {ended:?}"),
            ended = &mut posting => bail!("the outbox task ended: {ended:?}"),
        }
    }
    tracing::info!(event = "stopping", "finishing what is in hand");
    let _ = stop.send(true);
    let both = async {
        let _ = watching.await;
        let _ = posting.await;
    };
    if tokio::time::timeout(GRACE, both).await.is_err() {
        tracing::warn!(
            event = "stopped_hard",
            "something was still in hand; it is taken up at the next start"
        );
    }
    Ok(())
}

/// SIGHUP: takes up the policy and the texts, or keeps the old ones and says why.
async fn reload(shared: &Arc<Shared>, config_path: &Path, keyring: &Arc<Keyring>) {
    let shared = Arc::clone(shared);
    let keyring = Arc::clone(keyring);
    let path = config_path.to_owned();
    let reloaded = tokio::task::spawn_blocking(move || {
        let (config, _) = crate::config::load(&path)
            .map_err(|mistakes| anyhow::anyhow!(crate::config::in_words(&mistakes)))?;
        let desk = desk(&config, keyring)?;
        let version = desk.policy.version.clone();
        shared.store.write(|tx| {
            tx.event(
                Utc::now(),
                &Actor::Daemon,
                "reload",
                None,
                json!({"policy_version": version}),
            )
        })?;
        *shared.desk.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(desk);
        anyhow::Ok(version)
    })
    .await;
    match reloaded {
        Ok(Ok(version)) => tracing::info!(event = "reloaded", policy = %version),
        Ok(Err(error)) => {
            tracing::error!(
                event = "reload_refused",
                "the old rules stay in force: {error:#}"
            );
        }
        Err(error) => tracing::error!(event = "reload_refused", "{error}"),
    }
}

/// Only while both loops turn; systemd restarts us otherwise.
fn feed_watchdog(shared: &Shared) {
    let turns = |pulse: &Pulse| pulse.age().is_none_or(|age| age < STUCK_AFTER);
    let silent_for = shared.last_good_poll_at.age().unwrap_or_default();
    if silent_for > shared.config.limits.silence {
        systemd::status("no good poll of the mailbox; see the log");
        tracing::error!(
            event = "silence",
            seconds = silent_for.as_secs(),
            "no good poll of the mailbox for longer than limits.silence"
        );
    } else {
        systemd::status("watching the mailbox");
    }
    if turns(&shared.watch_turned_at) && turns(&shared.post_turned_at) {
        systemd::feed_watchdog();
    }
}

/// One daemon per database: two would send every letter twice.
fn lock(database: &Path) -> anyhow::Result<std::fs::File> {
    use rustix::fs::{FlockOperation, flock};
    use std::os::unix::fs::OpenOptionsExt;
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let path = Path::new(&name);
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        // Whoever may open it may hold it, and no daemon would start.
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{}: cannot be opened", path.display()))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!(
            "{}: another triaged runs on this database; stop it first (systemctl stop triaged)",
            path.display()
        );
    }
    Ok(file)
}
