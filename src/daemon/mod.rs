//! The daemon: a few long-lived tasks that meet only in the database.
//!
//! - `watch` fetches and records mail (one session with the mailbox);
//! - `post` sends what the outbox holds;
//! - `clock` tells the team what is due;
//! - the main task waits for signals, reloads, and feeds systemd's watchdog
//!   while all loops really turn.
//!
//! SIGTERM lets the mail and the letter in hand be finished, within seconds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch as channel};
use tokio::task::JoinHandle;

use crate::config::{Config, Transport};
use crate::letters::Desk;
use crate::mail::pgp::Keyring;
use crate::pinned::Pinned;
use crate::store::Store;
use crate::store::audit::Actor;
use crate::systemd;
use crate::team::Team;
use crate::triage::reply::Texts;
use crate::wkd::Directory;

pub mod clock;
pub mod post;
pub mod watch;

/// A loop that has not turned for so long is stuck, and the watchdog is not fed any more. Longer
/// than one letter may take on a slow server (22 minutes, see `delivery::Timeouts`): a restart
/// while its verdict is awaited would send it twice.
const STUCK_AFTER: Duration = Duration::from_secs(30 * 60);
/// What is in hand may take so long after SIGTERM; with the second that the runtime is given to
/// end, it is less than the five that are promised.
const GRACE: Duration = Duration::from_millis(3_500);

/// So often the daemon looks whether the open database is still the one at its path.
const LOOK_AT_DATABASE_EVERY: Duration = Duration::from_secs(2);

/// Reads our keys as a configuration names them; an error where none can be used.
pub type ReadKeys = fn(&Config) -> anyhow::Result<Arc<Keyring>>;

/// What the tasks share.
pub struct Shared {
    pub config: Config,
    pub store: Store,
    desk: RwLock<Arc<Desk>>,
    read_keys: ReadKeys,
    /// Wakes the post when there is something new in the outbox.
    pub letters: Notify,
    /// Wakes the clock when there is something that the team must hear at once.
    pub alarms: Notify,
    pub stop: channel::Receiver<bool>,
    pub pulses: Pulses,
    /// Why the mailbox could not be read when that was last tried in vain.
    mailbox_error: Mutex<Option<String>>,
    /// Where certificates of correspondents are looked up, if that is wanted.
    pub directory: Option<Directory>,
}

/// By what the daemon knows that it lives.
#[derive(Debug, Default)]
pub struct Pulses {
    started: Pulse,
    pub watch_turned: Pulse,
    pub post_turned: Pulse,
    pub clock_turned: Pulse,
    pub good_poll: Pulse,
}

impl Shared {
    /// The rules as they are now; a reload replaces them for the next mail.
    pub fn desk(&self) -> Arc<Desk> {
        self.desk
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// From now on another key of ours is offered, where time has changed which one that is.
    pub fn offer_as_of(&self, now: DateTime<Utc>) {
        let Some(keyring) = self.desk().keyring.as_of(now) else {
            return;
        };
        tracing::warn!(
            event = "key_offered",
            fingerprint = keyring.fingerprint(),
            "another key of ours is offered from now on"
        );
        let mut desk = self.desk.write().unwrap_or_else(PoisonError::into_inner);
        *desk = Arc::new(Desk {
            keyring: Arc::new(keyring),
            ..Desk::clone(&desk)
        });
    }

    /// The mailbox could not be read.
    pub fn set_mailbox_error(&self, why: String) {
        *self
            .mailbox_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn mailbox_error(&self) -> Option<String> {
        self.mailbox_error
            .lock()
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

impl Pulses {
    /// Neither began the daemon nor succeeded a poll within this time. One pass (`--once`) has tried
    /// already when this is asked.
    fn should_have_polled(&self, within: Duration) -> bool {
        let now = Instant::now();
        let has_time = |pulse: &Pulse| pulse.age(now).is_some_and(|age| age <= within);
        !has_time(&self.started) && !has_time(&self.good_poll)
    }
}

/// When something last happened, in milliseconds of [`CLOCK`]; 0: never. The clock on the wall
/// may jump, and must not make a loop look stuck.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

static CLOCK: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Pulse {
    pub fn beat(&self) {
        self.beat_at(Instant::now());
    }

    fn beat_at(&self, now: Instant) {
        self.0.store(since_start(now) + 1, Ordering::Relaxed);
    }

    /// `None`: it never happened.
    fn age(&self, now: Instant) -> Option<Duration> {
        let at = self.0.load(Ordering::Relaxed).checked_sub(1)?;
        Some(Duration::from_millis(since_start(now).saturating_sub(at)))
    }
}

fn since_start(now: Instant) -> u64 {
    let millis = now.saturating_duration_since(*CLOCK).as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX - 1)
}

/// Everything that the writer of letters needs, from a checked configuration.
pub fn desk(config: &Config, keyring: Arc<Keyring>) -> anyhow::Result<Desk> {
    let texts = Texts::load(config.templates.as_deref()).map_err(|mistakes| {
        let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("templates: {}", list.join("; "))
    })?;
    let pinned = Pinned::read(&config.openpgp.certificates);
    for problem in pinned.problems() {
        tracing::error!(event = "certificate_problem", "{problem}");
    }
    let team = Team::read(&config.team);
    Ok(Desk {
        organization: config.organization.clone(),
        policy: config.policy.clone(),
        texts,
        keyring,
        signs: config.openpgp.sign,
        pinned: pinned.with_team(&team),
        team,
        digest: config.digest.clone(),
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
    desk: Desk,
    read_keys: ReadKeys,
    once: bool,
) -> anyhow::Result<bool> {
    let _only_one = lock(store.path())?;
    let (stop, stopped) = channel::channel(false);
    let shared = Arc::new(Shared {
        directory: config.openpgp.web_key_directory.then(Directory::new),
        config,
        store,
        desk: RwLock::new(Arc::new(desk)),
        read_keys,
        letters: Notify::new(),
        alarms: Notify::new(),
        stop: stopped,
        pulses: Pulses::default(),
        mailbox_error: Mutex::new(None),
    });
    clock::set_right(Arc::clone(&shared)).await;
    if once {
        return one_pass(&shared).await;
    }
    // Before READY: whoever is told so may send SIGHUP at once, which kills without a handler.
    let signals = Signals::install().context("signals")?;
    shared.pulses.started.beat();
    let watching = tokio::spawn(watch::run(Arc::clone(&shared)));
    let posting = tokio::spawn(post::run(Arc::clone(&shared)));
    let ticking = tokio::spawn(clock::run(Arc::clone(&shared)));
    systemd::ready();
    tracing::info!(event = "started", version = env!("CARGO_PKG_VERSION"));
    let tasks = Tasks {
        watching,
        posting,
        ticking,
    };
    let outcome = supervise(&shared, config_path, tasks, signals, stop).await;
    systemd::stopping();
    tracing::info!(event = "stopped");
    outcome.map(|()| true)
}

/// Everything now in the mailbox, everything due in the schedule and in the outbox.
async fn one_pass(shared: &Arc<Shared>) -> anyhow::Result<bool> {
    let watched = watch::once(Arc::clone(shared)).await;
    if let Err(error) = &watched {
        tracing::error!(event = "mailbox_failed", "{error:#}");
        shared.set_mailbox_error(format!("{error:#}"));
    }
    let ticked = clock::once(Arc::clone(shared)).await;
    if let Err(error) = &ticked {
        tracing::error!(event = "clock_failed", "{error:#}");
    }
    let mut posted = post::once(Arc::clone(shared)).await?;
    // That a letter does not arrive is known only now.
    let ticked_again = clock::once(Arc::clone(shared)).await;
    if let Ok(1..) = ticked_again {
        posted = post::once(Arc::clone(shared)).await?;
    }
    watched?;
    ticked?;
    ticked_again?;
    if posted > 0 {
        tracing::error!(
            event = "letters_left",
            letters = posted,
            "letters could not go"
        );
    }
    Ok(posted == 0)
}

/// What the daemon listens to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

struct Tasks {
    watching: JoinHandle<()>,
    posting: JoinHandle<()>,
    ticking: JoinHandle<()>,
}

async fn supervise(
    shared: &Arc<Shared>,
    config_path: &Path,
    mut tasks: Tasks,
    mut signals: Signals,
    stop: channel::Sender<bool>,
) -> anyhow::Result<()> {
    let mut tick = tokio::time::interval(systemd::watchdog_interval());
    let mut look = tokio::time::interval(LOOK_AT_DATABASE_EVERY);
    let mut outcome = Ok(());
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            // Beside: a locked database must not hold up SIGTERM.
            _ = signals.hangup.recv() => drop(tokio::spawn(reload(
                Arc::clone(shared),
                config_path.to_owned(),
            ))),
            _ = tick.tick() => feed_watchdog(shared),
            _ = look.tick() => if let Err(error) = shared.store.check_in_place() {
                tracing::error!(event = "database_replaced", "{error}");
                if let Err(error) = shared.store.set_log_aside() {
                    tracing::error!(event = "database_replaced", "its log stays: {error}");
                }
                outcome = Err(error.into());
                break;
            },
            ended = &mut tasks.watching => bail!("the mailbox task ended: {ended:?}"),
            ended = &mut tasks.posting => bail!("the outbox task ended: {ended:?}"),
            ended = &mut tasks.ticking => bail!("the clock task ended: {ended:?}"),
        }
    }
    tracing::info!(event = "stopping", "finishing what is in hand");
    let _ = stop.send(true);
    let all = async {
        let _ = tasks.watching.await;
        let _ = tasks.posting.await;
        let _ = tasks.ticking.await;
    };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::warn!(
            event = "stopped_hard",
            "something was still in hand; it is taken up at the next start"
        );
    }
    outcome
}

/// SIGHUP: takes up the policy, the texts, the team and our keys, or keeps all the old ones and
/// says why. A mail in hand is finished with the old ones.
async fn reload(shared: Arc<Shared>, path: PathBuf) {
    let reloaded = tokio::task::spawn_blocking(move || {
        let (config, _) = crate::config::load(&path)
            .map_err(|mistakes| anyhow::anyhow!(crate::config::in_words(&mistakes)))?;
        let desk = desk(&config, (shared.read_keys)(&config)?)?;
        let version = desk.policy.version.clone();
        let key = desk.keyring.fingerprint();
        shared.store.write(|tx| {
            tx.event(
                Utc::now(),
                &Actor::Daemon,
                "reload",
                None,
                json!({"policy_version": version, "key": key}),
            )
        })?;
        *shared.desk.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(desk);
        anyhow::Ok((version, key))
    })
    .await;
    match reloaded {
        Ok(Ok((version, key))) => {
            tracing::info!(event = "reloaded", policy = %version, key = %key);
        }
        Ok(Err(error)) => {
            tracing::error!(
                event = "reload_refused",
                "the old rules stay in force: {error:#}"
            );
        }
        Err(error) => tracing::error!(event = "reload_refused", "{error}"),
    }
}

/// Tells systemd how we are; feeds its watchdog only while all loops turn.
fn feed_watchdog(shared: &Shared) {
    let silence = shared.config.limits.silence;
    let health = Health::of(&shared.pulses, silence, Instant::now());
    systemd::status(health.words());
    if health.is_silent {
        tracing::error!(
            event = "silence",
            seconds = health.quiet_for.as_secs(),
            "no good poll of the mailbox for longer than limits.silence"
        );
    }
    if health.turns {
        systemd::feed_watchdog();
    }
}

/// What the pulses say.
#[derive(Debug, PartialEq, Eq)]
struct Health {
    /// All loops turn.
    turns: bool,
    /// Since the last good poll of the mailbox; since the start where there was none.
    quiet_for: Duration,
    is_silent: bool,
    has_polled: bool,
}

impl Health {
    fn of(pulses: &Pulses, silence: Duration, now: Instant) -> Self {
        let up_for = pulses.started.age(now).unwrap_or_default();
        let since = |pulse: &Pulse| pulse.age(now).unwrap_or(up_for);
        let quiet_for = since(&pulses.good_poll);
        Self {
            turns: [
                &pulses.watch_turned,
                &pulses.post_turned,
                &pulses.clock_turned,
            ]
            .into_iter()
            .all(|pulse| since(pulse) < STUCK_AFTER),
            quiet_for,
            is_silent: quiet_for > silence,
            has_polled: pulses.good_poll.age(now).is_some(),
        }
    }

    fn words(&self) -> &'static str {
        match (self.is_silent, self.has_polled) {
            (true, _) => "no good poll of the mailbox; see the log",
            (false, true) => "watching the mailbox",
            (false, false) => "starting",
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(15 * 60);

    /// Of the clock that all tests share.
    fn beginning() -> Instant {
        *CLOCK
    }

    /// How the daemon is so many minutes after its start, its pulses having beaten last at these.
    fn health([watch, post, clock]: [u64; 3], good_poll: Option<u64>, now: u64) -> Health {
        let start = beginning();
        let at = |minute: u64| start + Duration::from_secs(minute * 60);
        let pulses = Pulses::default();
        pulses.started.beat_at(start);
        pulses.watch_turned.beat_at(at(watch));
        pulses.post_turned.beat_at(at(post));
        pulses.clock_turned.beat_at(at(clock));
        if let Some(good_poll) = good_poll {
            pulses.good_poll.beat_at(at(good_poll));
        }
        Health::of(&pulses, SILENCE, at(now))
    }

    #[test]
    fn the_watchdog_is_fed_while_all_loops_turn() {
        assert!(health([0, 0, 0], None, 0).turns);
        assert!(health([0, 0, 0], None, 29).turns);
        assert!(!health([0, 30, 30], None, 30).turns);
        assert!(!health([30, 0, 30], None, 30).turns);
        assert!(!health([30, 30, 0], None, 30).turns);
        assert!(health([100, 100, 100], None, 129).turns);
    }

    #[test]
    fn a_loop_that_never_turned_is_stuck_too() {
        let start = beginning();
        let pulses = Pulses::default();
        pulses.started.beat_at(start);
        assert!(Health::of(&pulses, SILENCE, start).turns);
        assert!(!Health::of(&pulses, SILENCE, start + STUCK_AFTER).turns);
    }

    #[test]
    fn silence_counts_from_the_last_good_poll_or_from_the_start() {
        assert_eq!(health([0, 0, 0], None, 14).words(), "starting");
        assert_eq!(
            health([0, 0, 0], Some(1), 14).words(),
            "watching the mailbox"
        );
        let silent = "no good poll of the mailbox; see the log";
        assert_eq!(health([0, 0, 0], None, 16).words(), silent);
        assert_eq!(health([0, 0, 0], Some(5), 21).words(), silent);
    }
}
