//! How fast the whole path is, beside each of its pieces alone, and what it costs at rest.
//!
//! The daemon is the real program; the mails wait in a private Dovecot, the answers go to an
//! SMTP server that takes them as fast as they come. Ratios matter, not the figures of one
//! machine. `script/bench` runs this; `--quick` takes fewer mails.
//!
//! `deadlines`, `rules` and `openpgp` need none of them. `mails` makes them, `pieces` measures the pieces with the
//! library's own functions, `sink` and `notice` are the servers, `process` asks the kernel, `table` prints.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use secrecy::{ExposeSecret, SecretString};
use triaged::config::{self, Config};
use triaged::mail::pgp::Keyring;

use self::common::{Dovecot, SECURITY_ADDRESS, SECURITY_PASSWORD, Setup};
use self::mails::Waiting;
use self::notice::Proxy;
use self::pieces::{Bench, Pieces};
use self::sink::FastSink;

#[path = "../../tests/common/mod.rs"]
mod common;
mod deadlines;
mod mails;
mod notice;
mod openpgp;
mod pieces;
mod process;
mod rules;
mod sink;
mod table;

const MEGABYTE: u64 = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(600);

struct Size {
    small: usize,
    large: usize,
    notices: usize,
    idle: Duration,
}

const WHOLE: Size = Size {
    small: 1_000,
    large: 50,
    notices: 30,
    idle: Duration::from_secs(60),
};

const QUICK: Size = Size {
    small: 200,
    large: 6,
    notices: 8,
    idle: Duration::from_secs(10),
};

const LARGE_FILE_BYTES: usize = 5_000_000;

/// What one kind of mail took.
pub struct Series {
    pub name: &'static str,
    pub count: usize,
    pub pieces: Pieces,
    pub whole: Duration,
    /// Of the daemon, in the whole job.
    pub processor: Duration,
    /// Bytes.
    pub peak_memory: u64,
    pub memory_bound: u64,
}

fn main() {
    let asked = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    deadlines::measure();
    rules::measure();
    openpgp::measure();
    if asked("--alone") {
        return;
    }
    let quick = asked("--quick");
    let size = if quick { QUICK } else { WHOLE };
    let site = Site::build();
    let ours = site.keyring();
    let small = 60 * MEGABYTE;
    let (count, large) = (size.small, size.large);

    site.series("plain mails, 3 kB", small, &mails::plain(count));
    site.series(
        "encrypted mails, 3 kB, Curve25519; answers in clear",
        small,
        &mails::encrypted(count, &ours, false),
    );
    site.series(
        "encrypted mails with the sender's key; answers encrypted",
        small,
        &mails::encrypted(count, &ours, true),
    );
    let mails = mails::large(large, LARGE_FILE_BYTES);
    let largest = mails.iter().map(|mail| mail.bytes.len()).max().unwrap_or(0);
    let bound = 50 * MEGABYTE + 4 * largest as u64;
    site.series("mails with 5 MB attached", bound, &mails);
    drop(mails);

    site.notices(size.notices, &ours);
    site.idle(size.idle);
}

/// Two for each series, and those of the measurements after them.
const MAILBOXES: [&str; 10] = [
    "pieces0", "pieces1", "pieces2", "pieces3", "whole0", "whole1", "whole2", "whole3", "notices",
    "idle",
];

fn address(mailbox: &str) -> String {
    format!("{mailbox}@example.test")
}

/// The servers, and a configuration for them.
struct Site {
    dovecot: Dovecot,
    sink: FastSink,
    setup: Setup,
    runtime: tokio::runtime::Runtime,
}

impl Site {
    fn build() -> Self {
        let dovecot = Dovecot::start();
        let sink = FastSink::start();
        let setup = Setup::generate();
        let authority = dovecot.certificates().ca();
        setup.set("imap.host", "127.0.0.1");
        setup.set("imap.port", i64::from(dovecot.imaps_port));
        setup.set("imap.ca_file", authority.to_str().expect("a path in UTF-8"));
        setup.set("imap.password_file", "mail.password");
        setup.set("smtp.host", "127.0.0.1");
        setup.set("smtp.port", i64::from(sink.port));
        setup.set("smtp.tls", "off");
        for cap in ["per_address", "per_domain", "total"] {
            setup.set(&format!("limits.replies_{cap}"), 1_000_000_i64);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let site = Self {
            dovecot,
            sink,
            setup,
            runtime,
        };
        // All at once: Dovecot may overlook a user who was added in the same second as another.
        for name in MAILBOXES {
            site.dovecot.add_user(&address(name), SECURITY_PASSWORD);
        }
        site.mailbox("idle");
        site
    }

    /// A mailbox and a database that nobody used before.
    fn mailbox(&self, name: &str) -> String {
        let user = address(name);
        self.setup.set("imap.username", user.as_str());
        self.setup.set("storage.path", format!("{name}.db"));
        self.sink.forget();
        user
    }

    fn config(&self) -> Config {
        let (config, _) = config::load(&self.setup.file("config.toml"))
            .unwrap_or_else(|mistakes| panic!("{}", config::in_words(&mistakes)));
        config
    }

    fn keyring(&self) -> Keyring {
        let key = std::fs::read(self.setup.file("security.key.asc")).expect("our key");
        let source = ("security.key.asc".to_owned(), key);
        Keyring::load(&[source], None, SECURITY_ADDRESS, Utc::now()).0
    }

    fn deliver(&self, user: &str, mails: &[Waiting]) {
        for mail in mails {
            self.dovecot.deliver(user, "INBOX", &mail.bytes, Utc::now());
        }
    }

    fn series(&self, name: &'static str, memory_bound: u64, mails: &[Waiting]) {
        static RUNS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let run = RUNS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let pieces = self.pieces(&format!("pieces{run}"), mails);
        let (whole, processor, peak_memory) = self.whole_job(&format!("whole{run}"), mails);
        table::series(&Series {
            name,
            count: mails.len(),
            pieces,
            whole,
            processor,
            peak_memory,
            memory_bound,
        });
    }

    fn pieces(&self, name: &str, mails: &[Waiting]) -> Pieces {
        let user = self.mailbox(name);
        self.deliver(&user, mails);
        let config = self.config();
        let desk = triaged::daemon::desk(&config, Arc::new(self.keyring())).expect("a desk");
        let key = config.storage.key.read().expect("the storage key");
        let bench = Bench {
            database: &config.storage.path,
            config: &config,
            desk: Arc::new(desk),
            key: &SecretString::from(key.expose_secret().to_owned()),
            expected: mails.len(),
        };
        bench.run(&self.runtime)
    }

    /// From the start of the daemon until the server has taken the last answer.
    fn whole_job(&self, name: &str, mails: &[Waiting]) -> (Duration, Duration, u64) {
        let user = self.mailbox(name);
        self.deliver(&user, mails);
        let began = Instant::now();
        let mut daemon = self.setup.run();
        let ended = self.sink.wait_for(mails.len(), PATIENCE);
        let processor = process::processor_time(daemon.id());
        let peak = process::peak_memory(daemon.id());
        assert!(daemon.stop().success(), "{}", daemon.log());

        assert_eq!(self.sink.letters(), mails.len(), "one answer each");
        assert_eq!(self.sink.recipients(), mails.len(), "to everybody");
        let cases = self.setup.json(&["case", "list"]);
        let cases = cases.as_array().map_or(0, Vec::len);
        assert_eq!(cases, mails.len(), "one case each");
        (ended - began, processor, peak)
    }

    /// One mail at a time, from Dovecot's word to the acknowledgement.
    fn notices(&self, count: usize, ours: &Keyring) {
        let user = self.mailbox("notices");
        let proxy = Proxy::before(self.dovecot.imap_port);
        self.setup.set("imap.port", i64::from(proxy.port));
        self.setup.set("imap.tls", "off");
        let mut daemon = self.setup.run();
        let mut mails = mails::plain(count / 2);
        mails.extend(mails::encrypted(count - count / 2, ours, true));
        let times = mails
            .iter()
            .enumerate()
            .map(|(before, mail)| {
                proxy.wait_for_idle();
                self.dovecot.append(&user, "INBOX", &mail.bytes, None);
                let taken_at = self.sink.wait_for(before + 1, PATIENCE);
                taken_at - proxy.notice_at().expect("a notice before the answer")
            })
            .collect();
        assert!(daemon.stop().success(), "{}", daemon.log());
        self.setup
            .set("imap.port", i64::from(self.dovecot.imaps_port));
        self.setup.set("imap.tls", "implicit");

        let (median, worst) = notice::median_and_worst(times);
        let bound = Duration::from_millis(100);
        table::title("from Dovecot's notice to the answer handed over");
        let (median_ms, worst_ms) = (table::milliseconds(median), table::milliseconds(worst));
        table::target("median", &median_ms, "under 100 ms", median < bound);
        table::target("worst", &worst_ms, "under 100 ms", worst < bound);
    }

    fn idle(&self, measured_for: Duration) {
        self.mailbox("idle");
        let mut daemon = self.setup.run();
        daemon.wait_for_log("event=\"started\"");
        // The first pass over the mailbox is no rest.
        std::thread::sleep(Duration::from_secs(3));
        let before = process::processor_time(daemon.id());
        std::thread::sleep(measured_for);
        let used = process::processor_time(daemon.id()) - before;
        let memory = process::memory_now(daemon.id());
        assert!(daemon.stop().success(), "{}", daemon.log());

        let a_minute = used.mul_f64(60.0 / measured_for.as_secs_f64());
        table::title("at rest");
        table::target(
            "processor time in a minute",
            &table::milliseconds(a_minute),
            "under 100 ms",
            a_minute < Duration::from_millis(100),
        );
        table::target(
            "memory",
            &table::megabytes(memory),
            "under 20 MB",
            memory < 20 * MEGABYTE,
        );
    }
}
