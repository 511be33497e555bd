//! The real program over one mail, in a process of its own, and what that cost.
//!
//! Time is processor time, all threads together: these tests share their cores.
//! `cargo test --release --test hostile_pgp` measures what users run.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use sequoia_openpgp::Cert;
use sequoia_openpgp::parse::Parse;
use serde_json::Value;

use crate::common::{Setup, write_file};

/// What one mail may take, the program's own image included.
pub const MOST_MEMORY: u64 = 200_000_000;

/// A build without optimisation takes three to six times as long as a release, and twice that where
/// others have the machine's caches: there it only shows that it ends.
pub const MOST_TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 45 } else { 5 });

pub struct World {
    pub setup: Setup,
    /// Our certificate.
    pub us: Cert,
}

pub struct Measured {
    /// What `explain` says of the mail.
    pub told: Value,
    pub memory: u64,
    pub time: Duration,
}

impl World {
    pub fn new() -> Self {
        let setup = Setup::generate();
        let maildir = setup.file("Maildir");
        crate::common::moved_clock::make_maildir(&maildir);
        setup.set("maildir.path", maildir.to_str().expect("UTF-8"));
        setup.set("sendmail.command", "/bin/true");
        let us = Cert::from_bytes(setup.certificate().as_bytes()).expect("our certificate");
        Self { setup, us }
    }

    /// The key ID of our part that decrypts.
    pub fn our_key_id(&self) -> [u8; 8] {
        let subkey = self.us.keys().subkeys().next().expect("a subkey");
        let id = subkey.key().keyid();
        id.as_bytes().try_into().expect("eight bytes")
    }

    /// `triaged explain --json` over the mail.
    #[track_caller]
    pub fn explain(&self, mail: &[u8]) -> Measured {
        let file = self.setup.file("hostile.eml");
        write_file(&file, mail);
        let output = self.setup.file("explained.json");
        let mut child = Command::new(env!("CARGO_BIN_EXE_triaged"))
            .args(["explain", "--json"])
            .arg(&file)
            .env("TRIAGED_CONFIG", self.setup.file("config.toml"))
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&output).expect("the output"))
            .stderr(Stdio::inherit())
            .spawn()
            .expect("start triaged");
        let (memory, time) = watched(child.id());
        let status = child.wait().expect("the end of triaged");
        assert!(status.success(), "{status}");
        let text = std::fs::read_to_string(&output).expect("the output");
        let told = serde_json::from_str(&text).expect("one object");
        Measured { told, memory, time }
    }

    /// Reads the mail within the bounds and finds this class; `None`: it was decrypted.
    #[track_caller]
    pub fn check(&self, what: &str, mail: &[u8], class: Option<&str>) -> Value {
        let told = self.bounded(what, mail);
        assert_eq!(
            told["openpgp"]["error"].as_str(),
            class,
            "{what}: {told:.2000}"
        );
        assert_eq!(told["openpgp"]["decrypted"], class.is_none(), "{what}");
        told
    }

    /// Reads the mail within the bounds.
    #[track_caller]
    pub fn bounded(&self, what: &str, mail: &[u8]) -> Value {
        let measured = self.explain(mail);
        println!(
            "{:>6.2} s {:>5} MB  {:>9} bytes  {what}: {}",
            measured.time.as_secs_f64(),
            measured.memory / 1_000_000,
            mail.len(),
            measured.told["openpgp"]["error"].as_str().unwrap_or("read"),
        );
        if std::env::var_os("TRIAGED_MEASURE").is_none() {
            assert!(
                measured.memory < MOST_MEMORY,
                "{what}: {} bytes",
                measured.memory
            );
            assert!(measured.time < MOST_TIME, "{what}: {:?}", measured.time);
        }
        measured.told
    }
}

/// Peak of resident memory in bytes, and processor time, of a child until its end. It stays to be
/// collected.
fn watched(id: u32) -> (u64, Duration) {
    let pid = Pid::from_raw(i32::try_from(id).expect("a process")).expect("a process");
    let program = std::fs::canonicalize(env!("CARGO_BIN_EXE_triaged")).expect("the program");
    let mut memory = 0;
    loop {
        // Before, it has the memory of this process, which waits for it no longer by then.
        if std::fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|runs| runs == program) {
            memory = memory.max(high_water(id).unwrap_or(0));
        }
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        if waitid(WaitId::Pid(pid), ended).expect("wait").is_some() {
            return (memory, processor_time(id));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// VmHWM of proc_pid_status(5): the highest there ever was, so that looking often is not needed
/// but at the end.
fn high_water(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// `utime` and `stime` of proc_pid_stat(5), which a process keeps until it is collected.
fn processor_time(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("the process's numbers");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    let ticks: u64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().expect("ticks"))
        .sum();
    Duration::from_millis(ticks * 1_000 / 100)
}
