//! A clock that the test sets: the real program under libfaketime.
//!
//! ```no_run
//! let monday = a_monday();
//! setup.set_clock(monday + TimeDelta::hours(9));   // and every later start lives in it
//! let mut daemon = setup.run();
//! setup.set_clock(monday + TimeDelta::days(7));    // the running daemon too, within a second
//! ```
//! The clock goes on by itself from where it was set. It is ahead of the real one, never behind,
//! so that keys and server certificates that the test made are valid in it. What waits (timers,
//! timeouts) is measured by the monotonic clock, which stays real.
//!
//! Servers and GnuPG live in real time. A mail that shall have come at a time of the moved clock is
//! given it: `Dovecot::deliver` and `append` take the INTERNALDATE, a Maildir's mail has its mtime
//! (`drop_into`), and `triaged ingest -` takes the program's own clock.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::triaged::Setup;

/// The first instant (UTC) of a Monday in June of next year: far from both changes of the clocks.
pub fn a_monday() -> DateTime<Utc> {
    let year = Utc::now().year() + 1;
    let first = NaiveDate::from_ymd_opt(year, 6, 1).expect("a first of June");
    let to_monday = (7 - first.weekday().num_days_from_monday()) % 7;
    let monday = first + Days::new(u64::from(to_monday));
    monday.and_time(NaiveTime::MIN).and_utc()
}

impl Setup {
    /// Sets the clock of the program: of a running daemon, and of every later start.
    #[track_caller]
    pub fn set_clock(&self, to: DateTime<Utc>) {
        let ahead = TimeDelta::seconds((to - Utc::now()).num_seconds());
        assert!(ahead >= TimeDelta::zero(), "{to} is behind the real clock");
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
        // Whole at any moment, for who reads it while it changes.
        let new = self.file("clock.new");
        super::write_file(&new, format!("+{}\n", ahead.num_seconds()));
        std::fs::rename(&new, self.file("clock")).expect("set the clock");

        let path = |path: PathBuf| path.to_str().expect("a path in UTF-8").to_owned();
        self.set_env("LD_PRELOAD", &path(libfaketime()));
        self.set_env("FAKETIME_TIMESTAMP_FILE", &path(self.file("clock")));
        self.set_env("FAKETIME_CACHE_DURATION", "1");
        self.set_env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        self.set_env("NO_FAKE_STAT", "1");
    }

    /// What the program's clock shows.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The test fails where it is missing: a skipped test proves nothing.
#[track_caller]
fn libfaketime() -> PathBuf {
    ["x86_64-linux-gnu", "aarch64-linux-gnu"]
        .map(|machine| format!("/usr/lib/{machine}/faketime/libfaketime.so.1"))
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_file())
        .expect("libfaketime is not on this machine; script/test installs it")
}

/// Makes an empty Maildir.
#[track_caller]
pub fn make_maildir(maildir: &Path) {
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(maildir.join(part)).expect("make a Maildir");
    }
}

/// Delivers a mail into a Maildir, as if it had come at that time.
#[track_caller]
pub fn drop_into(maildir: &Path, mail: &[u8], came_at: DateTime<Utc>) {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let name = format!("{}.host", COUNT.fetch_add(1, Ordering::Relaxed));
    let unfinished = maildir.join("tmp").join(&name);
    super::write_file(&unfinished, mail);
    std::fs::File::options()
        .write(true)
        .open(&unfinished)
        .and_then(|file| file.set_modified(came_at.into()))
        .expect("date a mail");
    std::fs::rename(&unfinished, maildir.join("new").join(name)).expect("deliver a mail");
}
