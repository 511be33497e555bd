//! How quick the program is where 50,000 cases with 200,000 messages are on record.
//!
//! The commands are the real program, the database is encrypted as ever. A new mail is compared
//! with one that comes where there are 100 cases, in one run: its record alone, and its whole path
//! from a Maildir to the mail server that took the answer. `script/bench` runs this; `--quick` takes
//! 5,000 cases.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::Utc;
use secrecy::SecretString;
use triaged::config::{self, Config};
use triaged::intake::{self, Mail};
use triaged::mailbox::Lane;
use triaged::store::board::{After, Newest};
use triaged::store::{Store, StoreError};

use self::common::moved_clock::{drop_into, make_maildir};
use self::common::{Behaviour, Setup, Sink};

#[path = "../../tests/common/mod.rs"]
mod common;
mod many;

const FEW: usize = 100;
/// The fastest of so many runs counts: what else the machine does is not ours.
const RUNS: usize = 7;
const NEW_MAILS: usize = 200;
/// Passes of the program over so many mails each.
const PASSES: usize = 5;

fn main() {
    let asked = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let count = if asked("--quick") { 5_000 } else { 50_000 };
    let setup = Setup::generate();
    let sink = Sink::start(Behaviour::Accept);
    setup.send_through(&sink);
    for limit in ["per_address", "per_domain", "total"] {
        setup.set(&format!("limits.replies_{limit}"), 1_000_000);
    }
    let large = Board::build(&setup, "many.db", count);
    let small = Board::build(&setup, "few.db", FEW);

    println!("\n{count} cases, {} messages", count * 4);
    large.command("digest", &["digest"], Some(Duration::from_secs(1)));
    large.command(
        "digest --json",
        &["digest", "--json"],
        Some(Duration::from_secs(1)),
    );
    let list = Some(Duration::from_millis(200));
    large.command("case list", &["case", "list"], list);
    large.command("case list --json", &["case", "list", "--json"], list);
    large.command("status", &["status"], list);
    large.command("status --json", &["status", "--json"], list);
    large.command("case show", &["case", "show", &large.last_case()], None);
    small.command("case list, of 100", &["case", "list"], None);

    print_ratio("its record", count, new_mails(&small, &large));
    print_ratio("its whole path", count, whole_paths(&small, &large, &sink));
}

fn print_ratio(what: &str, count: usize, (with_few, with_many): (Duration, Duration)) {
    let ratio = with_many.as_secs_f64() / with_few.as_secs_f64();
    println!(
        "  a new mail, {what:15} {:7.3} ms with {FEW} cases, {:7.3} ms with {count}: {ratio:.2}",
        milliseconds(with_few),
        milliseconds(with_many)
    );
}

struct Board<'a> {
    setup: &'a Setup,
    path: PathBuf,
    config: Config,
}

impl<'a> Board<'a> {
    fn build(setup: &'a Setup, name: &str, cases: usize) -> Self {
        setup.set("storage.path", name);
        setup.set("maildir.path", format!("{name}.mails"));
        make_maildir(&setup.file(&format!("{name}.mails")));
        let (config, _) = config::load(&setup.file("config.toml"))
            .unwrap_or_else(|mistakes| panic!("{}", config::in_words(&mistakes)));
        let board = Self {
            setup,
            path: setup.file(name),
            config,
        };
        let began = Instant::now();
        many::build(&board.open(), &board.config.policy, cases, Utc::now());
        let size = std::fs::metadata(&board.path).map_or(0, |file| file.len());
        println!(
            "{name}: {cases} cases in {:.1?}, {} MB",
            began.elapsed(),
            size / 1_000_000
        );
        board
    }

    fn open(&self) -> Store {
        let key = self.config.storage.key.read().expect("the storage key");
        Store::open(&self.path, &SecretString::from(key)).expect("a database")
    }

    fn last_case(&self) -> String {
        let store = self.open();
        let newest = store
            .read(|tx| {
                tx.new_since(After {
                    at: Utc::now() - chrono::TimeDelta::days(30),
                    rows: Newest::default(),
                })
            })
            .expect("the newest cases");
        newest.first.last().expect("a case").number.clone()
    }

    /// From now on the configuration names this board, and its mailbox.
    fn choose(&self) -> PathBuf {
        let path = self.path.to_str().expect("a path in UTF-8");
        self.setup.set("storage.path", path);
        self.setup.set("maildir.path", format!("{path}.mails"));
        self.setup.file("config.toml")
    }

    /// How long a pass over so many new mails takes, each of which is answered.
    fn pass(&self, mails: std::ops::Range<usize>, sink: &Sink) -> Duration {
        let config = self.choose();
        let maildir = PathBuf::from(format!("{}.mails", self.path.display()));
        for number in mails.clone() {
            drop_into(&maildir, many::raw_mail(number).as_bytes(), Utc::now());
        }
        let before = sink.count();
        let (took, _) = run(&config, &["run", "--once"]);
        assert_eq!(sink.count() - before, mails.len(), "each is answered once");
        took
    }

    /// Runs the program, the output thrown away; prints the fastest of some runs.
    fn command(&self, name: &str, arguments: &[&str], bound: Option<Duration>) {
        let config = self.choose();
        let times = (0..RUNS).map(|_| run(&config, arguments));
        let (fastest, bytes) = times.min().expect("a run");
        let verdict = match bound {
            None => String::new(),
            Some(bound) if fastest < bound => format!("under {bound:?}"),
            Some(bound) => format!("NOT under {bound:?}"),
        };
        println!(
            "  {name:20} {:7.0} ms  {:6} kB  {verdict}",
            milliseconds(fastest),
            bytes / 1_000
        );
    }
}

/// How long it took, and how much it printed.
fn run(config: &Path, arguments: &[&str]) -> (Duration, usize) {
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_triaged"))
        .arg("--config")
        .arg(config)
        .args(arguments)
        .output()
        .expect("the program");
    let took = began.elapsed();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (took, output.stdout.len())
}

/// What one mail takes, recorded alone in a transaction of its own, on both boards in turn.
fn new_mails(small: &Board<'_>, large: &Board<'_>) -> (Duration, Duration) {
    let stores = [small.open(), large.open()];
    let mut medians = [small, large].map(|_| Vec::new());
    let keyring = keyring(small.setup);
    let desk = triaged::daemon::desk(&small.config, keyring).expect("a desk");
    for number in 0..NEW_MAILS {
        for (store, times) in stores.iter().zip(&mut medians) {
            let mail = mail(number);
            let began = Instant::now();
            let mut opened = intake::open_mail(mail, &desk, Utc::now());
            store
                .write(|tx| intake::record(tx, &mut opened, &desk, Utc::now()))
                .map(|_| ())
                .unwrap_or_else(|error: StoreError| panic!("{error}"));
            times.push(began.elapsed());
        }
    }
    let [few, many] = medians.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    (few, many)
}

/// What one of many mails takes until the mail server has its answer, on both boards in turn: the
/// fastest pass, without what a pass takes that finds nothing.
fn whole_paths(small: &Board<'_>, large: &Board<'_>, sink: &Sink) -> (Duration, Duration) {
    let boards = [small, large];
    for board in boards {
        // The answers to what was recorded before.
        run(&board.choose(), &["run", "--once"]);
    }
    let mut fastest = boards.map(|_| (Duration::MAX, Duration::MAX));
    for pass in 1..=PASSES {
        for (board, (nothing, all)) in boards.iter().zip(&mut fastest) {
            let first = pass * NEW_MAILS;
            *nothing = board.pass(first..first, sink).min(*nothing);
            *all = board.pass(first..first + NEW_MAILS, sink).min(*all);
        }
    }
    let [few, many] = fastest.map(|(nothing, all)| (all - nothing) / NEW_MAILS as u32);
    (few, many)
}

fn keyring(setup: &Setup) -> std::sync::Arc<triaged::mail::pgp::Keyring> {
    let key = std::fs::read(setup.file("security.key.asc")).expect("our key");
    let source = ("security.key.asc".to_owned(), key);
    let (keyring, _) =
        triaged::mail::pgp::Keyring::load(&[source], None, common::SECURITY_ADDRESS, Utc::now());
    std::sync::Arc::new(keyring)
}

fn mail(number: usize) -> Mail {
    let raw = many::raw_mail(number).into_bytes();
    Mail {
        size: raw.len() as u64,
        raw,
        kept: None,
        lane: Lane::Inbox,
        received_at: Utc::now(),
        too_large: false,
        unanswered: None,
        place: None,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
