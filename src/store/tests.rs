//! The database as a whole: opening it, the states of a letter, deadlines, isolation.

use chrono::{Duration, TimeZone};
use rusqlite::Connection;
use tempfile::TempDir;

use super::audit::Verdict;
use super::cases::NewCase;
use super::intake::{IncomingRecord, Place};
use super::outbox::{Audience, Claimed, Delivered, Fate, NewLetter};
use super::*;
use crate::config::Limits;
use crate::mail::message::{Address, Certificate, Digest, Message};
use crate::mailbox::Lane;
use crate::triage::calendar::Calendar;
use crate::triage::classify::Label;
use crate::triage::deadline::open_deadlines;
use crate::triage::decide::{CaseRef, Questions};
use crate::triage::policy::{AcknowledgedBy, DeadlineKind, Deadlines, Policy, Remediate, Span};
use crate::triage::same::comparable;
use crate::triage::whose::Learned;

mod migrating;
pub(crate) mod work;

fn key(digit: char) -> SecretString {
    digit.to_string().repeat(64).into()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("triaged.db");
    (folder, path)
}

/// Monday, 4 May 2026, 10:00 UTC.
fn monday() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 4, 10, 0, 0).unwrap()
}

fn policy() -> Policy {
    Policy {
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
                low: None,
                ..Remediate::default()
            },
            disclose_after_fix: None,
            early_warning: None,
            notification: None,
            final_report: None,
        },
        url: None,
        terms: Default::default(),
    }
}

fn limits(per_address: u32) -> Limits {
    Limits {
        max_message: 1_000_000,
        silence: std::time::Duration::from_secs(900),
        replies_per_address: per_address,
        replies_per_domain: 100,
        replies_total: 1_000,
    }
}

/// A case with its deadlines and its first mail.
fn open_case(tx: &Tx<'_>, name: &str, at: DateTime<Utc>) -> CaseRef {
    let policy = policy();
    let new = NewCase {
        kind: "report",
        reporter_name: None,
        reporter_email: Some("r@research.test"),
        subject: name,
        received_at: at,
        opened_at: at,
        suggested_severity: None,
        unanswered: None,
        robot: None,
        language: None,
        missing: &[],
    };
    let case = tx.open_case(&new, &policy).unwrap();
    let deadlines = open_deadlines(&policy, at, None);
    tx.set_deadlines(case.id, &deadlines, &policy).unwrap();
    record(tx, name.as_bytes(), Some(case.id), at);
    case
}

fn record(tx: &Tx<'_>, raw: &[u8], case_id: Option<i64>, at: DateTime<Utc>) -> i64 {
    tx.record_incoming(&IncomingRecord {
        message: &Message::unread(Digest::of(raw), raw.len() as u64),
        raw,
        kind: "report",
        lane: Lane::Inbox,
        received_at: at,
        recorded_at: at,
        case_id,
        not_answered: None,
        comparable: None,
    })
    .unwrap()
}

fn letter(case: Option<&CaseRef>, recipient: &str, at: DateTime<Utc>) -> NewLetter {
    NewLetter {
        case: case.cloned(),
        kind: "acknowledgement".to_owned(),
        recipient: recipient.to_owned(),
        envelope_from: None,
        automatic: true,
        audience: Audience::Reporter,
        meets: None,
        acknowledges: case.is_some(),
        attaches_key: false,
        message_id: format!("{}@example.test", rand::random::<u64>()),
        from: "security@example.test".to_owned(),
        subject: "We have your report".to_owned(),
        text: "Thank you.".to_owned(),
        encrypted: false,
        certificate: None,
        bytes: b"Subject: We have your report\r\n\r\nThank you.\r\n".to_vec(),
        written_at: at,
        not_before: at,
    }
}

/// A store with one case and its letter in the outbox.
struct Post {
    store: Store,
    case: CaseRef,
}

impl Post {
    fn new() -> Self {
        let store = Store::in_memory().unwrap();
        let case = store
            .write(|tx| {
                let case = open_case(tx, "one", monday());
                tx.enqueue(&letter(Some(&case), "R@Research.test", monday()))?;
                Ok::<_, StoreError>(case)
            })
            .unwrap();
        Self { store, case }
    }

    fn claim(&self, now: DateTime<Utc>) -> Option<Claimed> {
        self.store
            .write(|tx| tx.claim(4, &limits(10), now))
            .unwrap()
            .pop()
    }

    #[track_caller]
    fn attempt(&self, delivered: Delivered, now: DateTime<Utc>) -> Fate {
        let claimed = self.claim(now).expect("a letter that is due");
        self.store
            .write(|tx| tx.record_delivery(&claimed, &delivered, &policy(), now))
            .unwrap()
    }

    fn actions(&self) -> Vec<String> {
        let events = self.store.read(|tx| tx.events_of(self.case.id)).unwrap();
        events.into_iter().map(|event| event.action).collect()
    }

    fn state(&self, kind: &str, now: DateTime<Utc>) -> &'static str {
        state_of(&self.store, &self.case, kind, now)
    }

    fn next_due(&self) -> Option<DateTime<Utc>> {
        self.store.read(|tx| tx.next_due()).unwrap()
    }
}

fn state_of(store: &Store, case: &CaseRef, kind: &str, now: DateTime<Utc>) -> &'static str {
    let detail = store.read(|tx| tx.case_detail(case, now)).unwrap();
    let deadlines = detail.case.deadlines;
    deadlines
        .iter()
        .find(|deadline| deadline.kind == kind)
        .map_or("absent", |deadline| deadline.state)
}

fn why() -> String {
    "451 later".to_owned()
}

// Opening.

#[track_caller]
fn check_refused(path: &Path, key: &SecretString, expected: &str) {
    for opened in [Store::open(path, key), Store::open_read_only(path, key)] {
        let error = opened.err().expect("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    let store = Store::open(&path, &key('a')).unwrap();
    store
        .lock()
        .pragma_update(None, "user_version", SCHEMA_VERSION + 1)
        .unwrap();
    drop(store);
    let newer = format!(
        "schema version {} is newer than this program's {SCHEMA_VERSION}; install the newer triaged",
        SCHEMA_VERSION + 1
    );
    check_refused(&path, &key('a'), &newer);
}

#[test]
fn another_key_and_another_file_are_refused() {
    let (_folder, path) = folder();
    drop(Store::open(&path, &key('a')).unwrap());
    check_refused(&path, &key('b'), "no database that storage.key_file opens");
    check_refused(&path, &"short".to_owned().into(), "64 hexadecimal digits");

    let (_folder, path) = folder();
    std::fs::write(&path, "a letter to my aunt\n".repeat(1_000)).unwrap();
    check_refused(&path, &key('a'), "no database that storage.key_file opens");
}

#[test]
fn a_missing_database_is_made_for_writing_alone() {
    let (_folder, path) = folder();
    assert!(matches!(
        Store::open_read_only(&path, &key('a')),
        Err(StoreError::Missing(_))
    ));
    assert!(!path.exists());
    drop(Store::open(&path, &key('a')).unwrap());
    Store::open_read_only(&path, &key('a')).unwrap();
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_reader_cannot_write() {
    let (_folder, path) = folder();
    drop(Store::open(&path, &key('a')).unwrap());
    let store = Store::open_read_only(&path, &key('a')).unwrap();
    assert!(store.write(|tx| tx.set_fact("name", 1)).is_err());
}

#[test]
fn two_processes_see_what_the_other_committed_and_wait_for_each_other() {
    let (_folder, path) = folder();
    let one = Store::open(&path, &key('a')).unwrap();
    let other = Store::open(&path, &key('a')).unwrap();
    one.write(|tx| tx.set_fact("name", 7)).unwrap();
    assert_eq!(other.read(|tx| tx.fact("name")).unwrap(), Some(7));

    other
        .lock()
        .busy_timeout(std::time::Duration::ZERO)
        .unwrap();
    one.write(|tx| {
        let refused = other.write(|tx| tx.set_fact("name", 8));
        assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
        tx.set_fact("name", 9)
    })
    .unwrap();
    other.write(|tx| tx.set_fact("name", 8)).unwrap();
    assert_eq!(one.read(|tx| tx.fact("name")).unwrap(), Some(8));
}

#[test]
fn nothing_lies_on_the_disk_in_clear() {
    let (folder, path) = folder();
    let store = Store::open(&path, &key('a')).unwrap();
    store
        .write(|tx| Ok::<_, StoreError>(record(tx, b"a rare and secret word", None, monday())))
        .unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|found| found == b"secret word"));
    }
}

#[test]
fn the_bytes_of_large_mails_survive() {
    let (_folder, path) = folder();
    let sizes = [0, 1, 256 * 1024, 256 * 1024 + 1, 1_000_003];
    let mails = sizes.map(|size| -> Vec<u8> { (0..size).map(|at| (at % 251) as u8).collect() });
    let store = Store::open(&path, &key('a')).unwrap();
    let ids: Vec<i64> = store
        .write(|tx| {
            let ids = mails.iter().map(|raw| record(tx, raw, None, monday()));
            Ok::<_, StoreError>(ids.collect())
        })
        .unwrap();
    drop(store);
    let store = Store::open(&path, &key('a')).unwrap();
    for (id, expected) in ids.iter().zip(&mails) {
        let kept: Vec<u8> = store
            .lock()
            .query_row(
                "SELECT bytes FROM raw_mails WHERE message_id = ?1",
                [id],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(&kept, expected);
    }
}

#[test]
fn what_fails_in_isolation_leaves_the_rest() {
    let store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            tx.set_fact("before", 1)?;
            let failed: Result<(), &str> = tx.isolated(|| {
                tx.set_fact("inside", 2).unwrap();
                open_case(tx, "inside", monday());
                Err("it failed")
            })?;
            assert_eq!(failed, Err("it failed"));
            tx.isolated(|| tx.set_fact("after", 3))??;
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let fact = |name| store.read(|tx| tx.fact(name)).unwrap();
    assert_eq!(fact("before"), Some(1));
    assert_eq!(fact("inside"), None);
    assert_eq!(fact("after"), Some(3));
    assert_eq!(store.read(|tx| tx.cases_listed(monday())).unwrap(), []);
}

/// SQLite ends a whole transaction where a disk is full; the cause must be told, not that.
#[test]
fn a_full_disk_in_isolation_is_told_as_such_and_nothing_stays() {
    let (_folder, path) = folder();
    let store = Store::open(&path, &key('a')).unwrap();
    let pages: u32 = store
        .lock()
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    store
        .lock()
        .pragma_update(None, "max_page_count", pages + 4)
        .unwrap();
    let large = vec![b'x'; 200 * 1024];
    let failed: Result<(), StoreError> = store.write(|tx| {
        tx.set_fact("before", 1)?;
        tx.isolated(|| {
            tx.0.execute(
                "INSERT INTO facts (name, value) VALUES (hex(?1), 1)",
                [&large],
            )?;
            Ok::<_, StoreError>(())
        })??;
        Ok(())
    });
    assert!(matches!(failed, Err(StoreError::Full(_))), "{failed:?}");
    assert_eq!(store.read(|tx| tx.fact("before")).unwrap(), None);
}

#[test]
fn errors_of_the_disk_name_themselves() {
    #[track_caller]
    fn check(error: impl Into<StoreError>, expected: &str) {
        let error: StoreError = error.into();
        let words = error.to_string();
        assert!(words.contains(expected), "{words}");
        assert_eq!(words.contains("disk is full"), expected == "disk is full");
        assert!(error.passes_by_itself(), "{words}");
    }
    let of_sqlite = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
    let no_space = std::io::Error::from(std::io::ErrorKind::StorageFull);
    check(of_sqlite(rusqlite::ffi::SQLITE_FULL), "disk is full");
    check(no_space, "disk is full");
    check(
        std::io::Error::other(of_sqlite(rusqlite::ffi::SQLITE_FULL)),
        "disk is full",
    );
    check(
        of_sqlite(rusqlite::ffi::SQLITE_IOERR_READ),
        "its disk fails",
    );
    check(
        of_sqlite(rusqlite::ffi::SQLITE_IOERR_SHORT_READ),
        "its disk fails",
    );
    check(
        std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem),
        "read-only",
    );
}

#[test]
fn a_database_that_cannot_be_opened_is_named() {
    let (folder, _) = folder();
    check_refused(
        folder.path(),
        &key('a'),
        &folder.path().display().to_string(),
    );
    check_refused(folder.path(), &key('a'), "check storage.path");
}

#[test]
fn nothing_is_committed_into_a_file_that_was_deleted_or_replaced() {
    let (_folder, path) = folder();
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    let change = |store: &Store| store.write(|tx| tx.set_fact("name", 1));
    let check = |spoil: &dyn Fn()| {
        let store = Store::open(&path, &key('a')).unwrap();
        change(&store).unwrap();
        store.check_in_place().unwrap();
        spoil();
        let refused = change(&store);
        assert!(
            matches!(refused, Err(StoreError::Replaced(_))),
            "{refused:?}"
        );
        assert!(matches!(
            store.check_in_place(),
            Err(StoreError::Replaced(_))
        ));
        store.set_log_aside().unwrap();
    };
    check(&|| {
        for suffix in ["", "-wal", "-shm"] {
            std::fs::remove_file(beside(suffix)).unwrap();
        }
    });
    assert!(!beside("-wal.replaced").exists());
    check(&|| std::fs::remove_file(beside("-wal")).unwrap());

    // A backup in its place: the log that is left must not be read into it.
    let copy = beside(".copy");
    let store = Store::open(&path, &key('a')).unwrap();
    store.write(|tx| tx.set_fact("name", 5)).unwrap();
    store.backup(&copy).unwrap();
    drop(store);
    check(&|| std::fs::rename(&copy, &path).unwrap());
    assert!(beside("-wal.replaced").exists() && !beside("-wal").exists());
    let store = Store::open(&path, &key('a')).unwrap();
    assert_eq!(store.read(|tx| tx.fact("name")).unwrap(), Some(5));
}

#[test]
fn a_backup_is_whole_and_opens_with_the_same_key() {
    let (folder, path) = folder();
    let store = Store::open(&path, &key('a')).unwrap();
    let case = store
        .write(|tx| Ok::<_, StoreError>(open_case(tx, "one", monday())))
        .unwrap();
    let copy = folder.path().join("copy.db");
    store.backup(&copy).unwrap();
    assert!(matches!(store.backup(&copy), Err(StoreError::Refused(_))));
    check_refused(&copy, &key('b'), "no database that storage.key_file opens");
    let copy = Store::open_read_only(&copy, &key('a')).unwrap();
    assert_eq!(
        copy.read(|tx| tx.case_by_number(&case.number)).unwrap(),
        case
    );
}

// Cases and deadlines.

#[test]
fn case_numbers_begin_anew_each_year_of_the_policys_zone() {
    let store = Store::in_memory().unwrap();
    // 23:30 UTC is the next day, and year, in Berlin.
    let new_years_eve = Utc.with_ymd_and_hms(2026, 12, 31, 23, 30, 0).unwrap();
    let numbers: Vec<String> = store
        .write(|tx| {
            let at = [monday(), monday(), new_years_eve, monday()];
            Ok::<_, StoreError>(
                at.iter()
                    .enumerate()
                    .map(|(number, at)| open_case(tx, &number.to_string(), *at).number)
                    .collect(),
            )
        })
        .unwrap();
    assert_eq!(
        numbers,
        [
            "SEC-2026-0001",
            "SEC-2026-0002",
            "SEC-2027-0001",
            "SEC-2026-0003"
        ]
    );
}

#[test]
fn a_deadline_is_met_in_time_or_late() {
    for (after, expected) in [(47, "met"), (48, "met"), (49, "late")] {
        let post = Post::new();
        let now = monday() + Duration::hours(after);
        assert_eq!(
            post.state("acknowledge", now),
            if after > 48 { "missed" } else { "running" }
        );
        let accepted = Delivered::Accepted {
            reply: "250 ok".to_owned(),
        };
        assert_eq!(post.attempt(accepted, now), Fate::Sent);
        assert_eq!(post.state("acknowledge", now), expected);
        assert_eq!(post.state("triage", now), "running");
        assert_eq!(post.actions(), ["sent", "deadline_met"]);
        // A word to the reporter starts the silence anew.
        let detail = post
            .store
            .read(|tx| tx.case_detail(&post.case, now))
            .unwrap();
        let update = detail.case.deadlines.iter().find(|d| d.kind == "update");
        assert_eq!(update.unwrap().starts_at, now);
    }
}

#[test]
fn what_is_met_stays_met() {
    let Post { store, case } = Post::new();
    let meet = |at| {
        store
            .write(|tx| tx.meet_deadline(case.id, DeadlineKind::Triage, at))
            .unwrap()
    };
    assert!(meet(monday()));
    assert!(!meet(monday() + Duration::days(30)));
    assert_eq!(
        state_of(&store, &case, "triage", monday() + Duration::days(60)),
        "met"
    );
}

// The outbox.

#[test]
fn pauses_grow_and_after_five_days_a_letter_is_given_up() {
    let post = Post::new();
    let mut now = monday();
    let mut pauses = Vec::new();
    let why_not = loop {
        match post.attempt(Delivered::Deferred { why: why() }, now) {
            Fate::Again(next) => {
                pauses.push((next - now).num_seconds());
                assert!(post.claim(next - Duration::seconds(1)).is_none());
                now = next;
            }
            Fate::GivenUp(why) => break why,
            Fate::Sent => panic!("nobody took it"),
        }
    };
    let first = [20, 60, 180, 600, 1_200, 2_400, 3_600, 7_200, 14_400];
    assert!(pauses.starts_with(&first), "{pauses:?}");
    assert!(pauses.iter().skip(9).all(|pause| *pause == 14_400));
    assert_eq!(why_not, "given up after five days: 451 later");
    assert!((now - monday() - Duration::days(5)).num_hours() <= 4);
    assert!(post.claim(now + Duration::days(1)).is_none());
    assert_eq!(post.actions().last().unwrap(), "undeliverable");
    assert_eq!(post.state("acknowledge", now), "missed");
    assert_eq!(post.store.read(|tx| tx.outbox_counts()).unwrap().failed, 1);
}

#[test]
fn an_uncertain_letter_goes_three_times() {
    let post = Post::new();
    let mut now = monday();
    for _ in 0..2 {
        let Fate::Again(next) = post.attempt(Delivered::Uncertain { why: why() }, now) else {
            panic!("tried again");
        };
        // A plain refusal between is none of the three.
        let Fate::Again(next) = post.attempt(Delivered::Deferred { why: why() }, next) else {
            panic!("tried again");
        };
        now = next;
    }
    let fate = post.attempt(Delivered::Uncertain { why: why() }, now);
    let expected = "sent 3 times and never confirmed: 451 later".to_owned();
    assert_eq!(fate, Fate::GivenUp(expected));
}

#[test]
fn a_server_that_is_away_costs_no_attempt_and_five_days_at_most() {
    let post = Post::new();
    let away = || Delivered::ServerAway { why: why() };
    for minute in 0..20 {
        let now = monday() + Duration::minutes(minute);
        assert_eq!(post.attempt(away(), now), Fate::Again(now));
    }
    let now = monday() + Duration::hours(1);
    assert_eq!(post.claim(now).unwrap().attempts, 1);
    post.store.write(|tx| tx.recover_outbox(now)).unwrap();
    let fate = post.attempt(away(), monday() + Duration::days(5));
    assert!(matches!(fate, Fate::GivenUp(_)), "{fate:?}");
}

#[test]
fn what_a_crash_cut_short_goes_at_once() {
    let post = Post::new();
    let first = post.claim(monday()).unwrap();
    // In our hands: nobody takes it a second time, and it is not due.
    assert!(post.claim(monday() + Duration::days(1)).is_none());
    assert_eq!(post.next_due(), None);
    let now = monday() + Duration::minutes(1);
    let recovered = post.store.write(|tx| tx.recover_outbox(now)).unwrap();
    assert_eq!(recovered.len(), 1);
    assert_eq!(recovered[0].fate, Fate::Again(now));
    let second = post.claim(now).unwrap();
    assert_eq!((second.id, second.bytes), (first.id, first.bytes));
    assert_eq!(second.attempts, 2);
}

/// Dies over the letter and starts again at once; what follows for the letter.
#[track_caller]
fn die_over(post: &Post, now: DateTime<Utc>) -> Fate {
    post.claim(now).expect("a letter that is due");
    let mut recovered = post.store.write(|tx| tx.recover_outbox(now)).unwrap();
    assert_eq!(recovered.len(), 1);
    recovered.remove(0).fate
}

#[test]
fn a_letter_over_which_we_die_waits_longer_and_is_given_up_after_ten_times() {
    let post = Post::new();
    let mut now = monday();
    let mut pauses = Vec::new();
    let why_not = loop {
        match die_over(&post, now) {
            Fate::Again(next) => {
                pauses.push((next - now).num_seconds());
                assert!(next == now || post.claim(next - Duration::seconds(1)).is_none());
                now = next;
            }
            Fate::GivenUp(why) => break why,
            Fate::Sent => panic!("nobody took it"),
        }
    };
    assert_eq!(pauses, [0, 0, 0, 20, 60, 180, 600, 1_200, 2_400]);
    assert!(why_not.contains("10 attempts were cut short"), "{why_not}");
    assert!(post.claim(now + Duration::days(1)).is_none());
    assert_eq!(post.actions(), ["undeliverable"]);
    assert_eq!(post.state("acknowledge", now), "running");
    assert_eq!(post.store.read(|tx| tx.outbox_counts()).unwrap().failed, 1);
}

#[test]
fn a_letter_that_is_cut_short_for_five_days_is_given_up() {
    let post = Post::new();
    for day in [0, 2, 4] {
        let now = monday() + Duration::days(day);
        assert_eq!(die_over(&post, now), Fate::Again(now), "day {day}");
    }
    let fate = die_over(&post, monday() + Duration::days(6));
    assert!(
        matches!(&fate, Fate::GivenUp(why) if why.contains("five days")),
        "{fate:?}"
    );
    assert_eq!(post.actions(), ["undeliverable"]);
}

#[test]
fn what_we_may_die_of_goes_alone_and_after_all_others() {
    let post = Post::new();
    let second = report(&post.store, "two", monday());
    let claim = |now| {
        post.store
            .write(|tx| tx.claim(4, &limits(10), now))
            .unwrap()
    };
    for _ in 0..4 {
        assert_eq!(claim(monday()).len(), 2);
        post.store.write(|tx| tx.recover_outbox(monday())).unwrap();
    }
    let third = report(&post.store, "three", monday());
    let now = monday() + Duration::seconds(20);
    let mut order = Vec::new();
    loop {
        let claimed = claim(now);
        let Some(letter) = claimed.first() else { break };
        assert_eq!(claimed.len(), 1);
        let accepted = Delivered::Accepted {
            reply: "250 ok".to_owned(),
        };
        post.store
            .write(|tx| tx.record_delivery(letter, &accepted, &policy(), now))
            .unwrap();
        order.push(letter.case.clone().unwrap());
    }
    assert_eq!(order, [third, post.case, second]);
}

#[test]
fn a_letter_at_which_the_server_breaks_off_is_remembered_and_costs_no_attempt() {
    let post = Post::new();
    let first = post.claim(monday()).unwrap();
    assert_eq!((first.attempts, first.broken_off), (1, 0));
    let broken_off = Delivered::BrokenOff { why: why() };
    let fate = post
        .store
        .write(|tx| tx.record_delivery(&first, &broken_off, &policy(), monday()))
        .unwrap();
    assert_eq!(fate, Fate::Again(monday()));
    let second = post.claim(monday()).unwrap();
    assert_eq!((second.attempts, second.broken_off), (1, 1));
}

#[test]
fn the_five_days_begin_with_the_first_attempt() {
    let post = Post::new();
    // A cap that holds everything, for longer than a letter is tried.
    for day in 0..7 {
        let now = monday() + Duration::days(day);
        let claimed = post.store.write(|tx| tx.claim(4, &limits(0), now)).unwrap();
        assert!(claimed.is_empty());
    }
    let first = monday() + Duration::days(7);
    let deferred = || Delivered::Deferred { why: why() };
    let fate = post.attempt(deferred(), first);
    assert_eq!(fate, Fate::Again(first + Duration::seconds(20)));
    let fate = post.attempt(deferred(), first + Duration::days(5));
    assert!(matches!(fate, Fate::GivenUp(_)), "{fate:?}");
}

#[test]
fn a_refused_null_sender_becomes_our_address() {
    let post = Post::new();
    assert_eq!(post.claim(monday()).unwrap().envelope_from, None);
    post.store.write(|tx| tx.recover_outbox(monday())).unwrap();
    let refused = Delivered::NullSenderRefused { why: why() };
    assert_eq!(post.attempt(refused, monday()), Fate::Again(monday()));
    let again = post.claim(monday()).unwrap();
    assert_eq!(
        again.envelope_from.as_deref(),
        Some("security@example.test")
    );
}

#[test]
fn a_letter_refused_for_good_meets_no_deadline() {
    let post = Post::new();
    let fate = post.attempt(Delivered::Rejected { why: why() }, monday());
    assert_eq!(fate, Fate::GivenUp(why()));
    assert_eq!(post.state("acknowledge", monday()), "running");
    assert_eq!(post.actions(), ["undeliverable"]);
    assert_eq!(post.next_due(), None);
}

// Caps.

/// Sends what may go at this moment; to whom.
fn send_due(store: &Store, per_address: u32, now: DateTime<Utc>) -> Vec<String> {
    store
        .write(|tx| {
            let claimed = tx.claim(100, &limits(per_address), now)?;
            for letter in &claimed {
                let accepted = Delivered::Accepted {
                    reply: "250 ok".to_owned(),
                };
                tx.record_delivery(letter, &accepted, &policy(), now)?;
            }
            Ok::<_, StoreError>(claimed.into_iter().map(|letter| letter.recipient).collect())
        })
        .unwrap()
}

/// Puts one letter in the place of those that are held together.
fn join(store: &Store, recipient: &str, now: DateTime<Utc>) -> Vec<String> {
    store
        .write(|tx| {
            let held = tx.held_for(recipient)?;
            let combined = NewLetter {
                acknowledges: held.acknowledges,
                ..letter(None, recipient, now)
            };
            let id = tx.enqueue(&combined)?;
            tx.merge(&held.ids, id)?;
            let cases = held.cases.into_iter();
            Ok::<_, StoreError>(cases.map(|case| case.file.case.number).collect())
        })
        .unwrap()
}

fn report(store: &Store, name: &str, now: DateTime<Utc>) -> CaseRef {
    store
        .write(|tx| {
            let case = open_case(tx, name, now);
            tx.enqueue(&letter(Some(&case), "r@research.test", now))?;
            Ok::<_, StoreError>(case)
        })
        .unwrap()
}

fn free_to_join(store: &Store, now: DateTime<Utc>) -> Vec<String> {
    store.read(|tx| tx.held_together(&limits(2), now)).unwrap()
}

#[test]
fn held_letters_go_together_when_the_window_has_passed() {
    let store = Store::in_memory().unwrap();
    let cases: Vec<CaseRef> = (0..5)
        .map(|number| report(&store, &number.to_string(), monday()))
        .collect();
    assert_eq!(send_due(&store, 2, monday()).len(), 2);
    assert_eq!(store.read(|tx| tx.outbox_counts()).unwrap().held, 3);
    assert_eq!(store.read(|tx| tx.overdue(monday())).unwrap(), 0);

    let almost = monday() + Duration::hours(24) - Duration::seconds(1);
    assert_eq!(free_to_join(&store, almost), [""; 0]);
    assert_eq!(send_due(&store, 2, almost), [""; 0]);

    let free = monday() + Duration::hours(24);
    assert_eq!(free_to_join(&store, free), ["r@research.test"]);
    let named = join(&store, "r@research.test", free);
    let held: Vec<&str> = cases
        .iter()
        .skip(2)
        .map(|case| case.number.as_str())
        .collect();
    assert_eq!(named, held);
    for case in &cases[2..] {
        assert_eq!(state_of(&store, case, "acknowledge", free), "running");
    }
    assert_eq!(send_due(&store, 2, free).len(), 1);
    for case in &cases {
        assert_eq!(state_of(&store, case, "acknowledge", free), "met");
    }
    assert!(matches!(
        store.verify_audit().unwrap(),
        Verdict::Sound { rows: 10, .. }
    ));
}

/// A combined letter may be held in its turn, and become part of another.
#[test]
fn no_case_is_forgotten_when_a_combined_letter_is_held_again() {
    let store = Store::in_memory().unwrap();
    let mut cases: Vec<CaseRef> = (0..4)
        .map(|number| report(&store, &number.to_string(), monday()))
        .collect();
    assert_eq!(send_due(&store, 2, monday()).len(), 2);
    let second = monday() + Duration::hours(24);
    join(&store, "r@research.test", second);
    // Before it goes, two others come first and use up the cap.
    for name in ["quick", "quicker"] {
        let early = second - Duration::seconds(1);
        cases.push(report(&store, name, early));
    }
    cases.push(report(&store, "slow", second));
    assert_eq!(send_due(&store, 2, second).len(), 2);
    assert_eq!(store.read(|tx| tx.outbox_counts()).unwrap().held, 2);

    let third = second + Duration::hours(24);
    let named = join(&store, "r@research.test", third);
    let expected: Vec<&str> = [2, 3, 6]
        .iter()
        .map(|at| cases[*at].number.as_str())
        .collect();
    assert_eq!(named, expected);
    assert_eq!(send_due(&store, 2, third).len(), 1);
    for case in &cases {
        let state = state_of(&store, case, "acknowledge", third);
        assert!(["met", "late"].contains(&state), "{}: {state}", case.number);
    }
}

/// Of a report in clear, say, beside a block that could not be read.
#[test]
fn a_joined_letter_tells_that_a_part_was_not_read() {
    for failure in [None, Some("no_key")] {
        let store = Store::in_memory().unwrap();
        store
            .write(|tx| {
                let case = open_case(tx, "in part", monday());
                tx.0.execute("UPDATE messages SET failure = ?1", [failure])?;
                tx.enqueue(&NewLetter {
                    attaches_key: true,
                    encrypted: true,
                    ..letter(Some(&case), "r@research.test", monday())
                })
            })
            .unwrap();
        assert_eq!(send_due(&store, 0, monday()), [""; 0]);
        let held = store.read(|tx| tx.held_for("r@research.test")).unwrap();
        assert_eq!(held.cases[0].unreadable, failure.is_some());
        assert_eq!(held.attaches_key_in_clear, failure.is_some());
    }
}

/// What one letter has to say is asked of those that answer a mail each, however often they were
/// joined before.
#[test]
fn what_held_letters_say_is_kept_through_every_joining() {
    let store = Store::in_memory().unwrap();
    let enqueue = |name: &str, new: NewLetter| {
        store
            .write(|tx| {
                let case = open_case(tx, name, monday());
                let case = Some(case);
                tx.enqueue(&NewLetter { case, ..new })
            })
            .unwrap()
    };
    let to_them = || NewLetter {
        acknowledges: true,
        ..letter(None, "r@research.test", monday())
    };
    let in_cipher = NewLetter {
        encrypted: true,
        attaches_key: true,
        ..to_them()
    };
    enqueue("asks for the key in cipher", in_cipher);
    enqueue("too large", to_them());
    store
        .write(|tx| {
            let case = tx.case_by_number("SEC-2026-0002")?;
            let label = Label::new("too_large", "it is".to_owned());
            tx.add_labels(case.id, &[label])
        })
        .unwrap();
    assert_eq!(send_due(&store, 0, monday()), [""; 0]);
    let held = || store.read(|tx| tx.held_for("r@research.test")).unwrap();
    let first = held();
    assert!(first.encrypted && first.acknowledges && first.attaches_key);
    assert!(!first.attaches_key_in_clear);
    let digests: Vec<bool> = first.cases.iter().map(|it| it.digest.is_some()).collect();
    assert_eq!(digests, [true, false]);

    join(&store, "r@research.test", monday());
    let unreadable = NewLetter {
        kind: "unreadable".to_owned(),
        attaches_key: true,
        ..to_them()
    };
    enqueue("unreadable", unreadable);
    assert_eq!(send_due(&store, 0, monday()), [""; 0]);
    let second = held();
    assert_eq!(second.ids.len(), 2);
    assert!(second.encrypted && second.attaches_key_in_clear);
    let said: Vec<(&str, bool)> = second
        .cases
        .iter()
        .map(|it| (it.file.case.number.as_str(), it.unreadable))
        .collect();
    let expected = [
        ("SEC-2026-0001", false),
        ("SEC-2026-0002", false),
        ("SEC-2026-0003", true),
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_cap_of_nothing_holds_everything_and_others_are_not_held_by_it() {
    let store = Store::in_memory().unwrap();
    report(&store, "one", monday());
    assert_eq!(send_due(&store, 0, monday()), [""; 0]);
    assert_eq!(store.read(|tx| tx.outbox_counts()).unwrap().held, 1);
    let by_a_person = NewLetter {
        automatic: false,
        ..letter(None, "r@research.test", monday())
    };
    store.write(|tx| tx.enqueue(&by_a_person)).unwrap();
    assert_eq!(send_due(&store, 0, monday()), ["r@research.test"]);
}

#[test]
fn a_cap_counts_the_mailbox_and_not_its_spellings() {
    let store = Store::in_memory().unwrap();
    let spellings = [
        "Ann@b\u{fc}cher.test",
        "ann+one@xn--bcher-kva.test",
        "ann+two@B\u{dc}CHER.test.",
        "ann@xn--bcher-kva.test",
        "anna@b\u{fc}cher.test",
    ];
    store
        .write(|tx| {
            for spelling in spellings {
                tx.enqueue(&letter(None, spelling, monday()))?;
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let sent = send_due(&store, 2, monday());
    assert_eq!(
        sent,
        [
            "ann@b\u{fc}cher.test",
            "ann+one@xn--bcher-kva.test",
            "anna@b\u{fc}cher.test"
        ]
    );
    assert_eq!(store.read(|tx| tx.outbox_counts()).unwrap().held, 2);
    // What is held for one spelling is not told to another.
    let free = monday() + Duration::hours(24);
    assert_eq!(free_to_join(&store, free), [""; 0]);
}

#[test]
fn a_copy_that_may_have_arrived_counts_toward_the_caps() {
    let post = Post::new();
    report(&post.store, "two", monday() + Duration::seconds(1));
    let fate = post.attempt(Delivered::Uncertain { why: why() }, monday());
    let Fate::Again(next) = fate else {
        panic!("{fate:?}");
    };
    // Of two that may go within a day, one may have arrived: only one more goes.
    assert_eq!(send_due(&post.store, 2, next).len(), 1);
    let counts = post.store.read(|tx| tx.outbox_counts()).unwrap();
    assert_eq!((counts.sent, counts.held), (1, 1));
    let free = monday() + Duration::hours(24);
    let almost = free - Duration::seconds(1);
    assert_eq!(send_due(&post.store, 2, almost), [""; 0]);
    assert_eq!(send_due(&post.store, 2, free).len(), 1);
}

/// It would be a second answer, and not visibly the same mail.
#[test]
fn a_letter_that_may_have_arrived_is_joined_with_no_other() {
    let post = Post::new();
    post.attempt(Delivered::Uncertain { why: why() }, monday());
    for name in ["two", "three"] {
        report(&post.store, name, monday());
    }
    let now = monday() + Duration::minutes(1);
    assert_eq!(send_due(&post.store, 0, now), [""; 0]);
    assert_eq!(post.store.read(|tx| tx.outbox_counts()).unwrap().held, 3);
    let named = join(&post.store, "r@research.test", now);
    assert_eq!(named.len(), 2);
    assert!(!named.contains(&post.case.number), "{named:?}");
}

// The same report again.

#[test]
fn answers_to_what_was_sent_again_are_counted_for_a_day() {
    let text = Message {
        from: Some(Address {
            name: None,
            email: "r@research.test".to_owned(),
        }),
        text: "The parameter id of the login page takes SQL; look at /login?id=1'--".to_owned(),
        ..Message::unread(Digest::of(b"text"), 4)
    };
    let comparable = comparable(&text);
    let questions = Questions::about(&text, &[]);
    let store = Store::in_memory().unwrap();
    let case = store
        .write(|tx| Ok::<_, StoreError>(open_case(tx, "one", monday())))
        .unwrap();
    let hours = |hours| monday() + Duration::hours(hours);
    let record = |name: &str, kind: &str, not_answered: Option<&str>, hour| {
        let message = Message {
            digest: Digest::of(name.as_bytes()),
            ..text.clone()
        };
        store
            .write(|tx| {
                tx.record_incoming(&IncomingRecord {
                    message: &message,
                    raw: name.as_bytes(),
                    kind,
                    lane: Lane::Inbox,
                    received_at: hours(hour),
                    recorded_at: hours(hour),
                    case_id: Some(case.id),
                    not_answered,
                    comparable: Some(&comparable),
                })
            })
            .unwrap();
    };
    let again = |hour| {
        let known = store.read(|tx| tx.known(&questions, Some(&comparable), hours(hour)));
        known.unwrap().acknowledged_again
    };
    assert_eq!(again(0), 0);
    record("first", "report", None, 0);
    assert_eq!(again(0), 0);
    record("second", "resend", None, 1);
    record("third", "resend", None, 2);
    record("fourth", "resend", Some("too often"), 3);
    assert_eq!(again(3), 2);
    assert_eq!(again(25), 1);
    assert_eq!(again(26), 0);
}

// Attempts at incoming mail.

#[test]
fn attempts_are_counted_taken_back_and_forgotten() {
    let store = Store::in_memory().unwrap();
    let place = |validity, uid: &str| Place {
        mailbox: "security@mail.example.test".to_owned(),
        folder: "INBOX".to_owned(),
        validity,
        uid: uid.to_owned(),
    };
    let (one, two, old) = (place(2, "1"), place(2, "2"), place(1, "1"));
    store
        .write(|tx| {
            for place in [&one, &one, &two, &old] {
                tx.begin_attempt(place)?;
            }
            tx.take_back_attempt(&one)?;
            tx.refused(&two, monday(), "NO")?;
            assert_eq!(tx.attempts(&one)?.cut_short, 1);
            assert_eq!(tx.attempts(&two)?.cut_short, 0);
            assert_eq!(tx.attempts(&two)?.refusals, 1);
            assert_eq!(tx.unfetched()?.len(), 1);
            tx.forget_vanished(&one.mailbox, "INBOX", 2, &["1"].into())?;
            assert_eq!(tx.attempts(&one)?.cut_short, 1);
            assert_eq!(tx.attempts(&two)?, Default::default());
            assert_eq!(tx.attempts(&old)?, Default::default());
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn the_schema_has_no_row_that_sqlite_finds_fault_with() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
}

fn certificate(name: &str) -> Certificate {
    Certificate {
        fingerprint: name.to_owned(),
        emails: Vec::new(),
        bytes: name.as_bytes().to_vec(),
    }
}

fn names_of(tx: &Tx<'_>, email: &str) -> Vec<String> {
    let seen = tx.seen_with(email).unwrap().into_iter();
    seen.map(|it| it.certificate.fingerprint).collect()
}

fn speakers_of(tx: &Tx<'_>, email: &str) -> Vec<String> {
    let seen = tx.seen_with(email).unwrap().into_iter();
    seen.filter(|it| it.speaks)
        .map(|it| it.certificate.fingerprint)
        .collect()
}

#[test]
fn the_first_certificate_speaks_and_the_others_rank_by_what_speaks_for_them() {
    const EMAIL: &str = "r@x.test";
    let store = Store::in_memory().unwrap();
    let seen = [
        ("A", Learned::CameAlong),
        ("B", Learned::CameAlong),
        ("C", Learned::Signed),
        ("D", Learned::Authenticated),
        ("E", Learned::Signed),
    ];
    store
        .write(|tx| {
            for (number, (name, learned)) in seen.into_iter().enumerate() {
                let at = monday() + Duration::seconds(number as i64);
                tx.remember_certificate(EMAIL, &certificate(name), learned, at)?;
            }
            assert_eq!(names_of(tx, EMAIL), ["A", "D", "C", "E", "B"]);
            assert_eq!(speakers_of(tx, EMAIL), ["A"]);
            assert_eq!(names_of(tx, "other@x.test"), [""; 0]);
            // A better reason counts, a worse one takes nothing away.
            let later = monday() + Duration::days(1);
            tx.remember_certificate(EMAIL, &certificate("B"), Learned::Signed, later)?;
            tx.remember_certificate(EMAIL, &certificate("D"), Learned::CameAlong, later)?;
            assert_eq!(names_of(tx, EMAIL), ["A", "D", "B", "C", "E"]);
            tx.let_speak(EMAIL, "C", later)?;
            assert_eq!(names_of(tx, EMAIL), ["C", "D", "B", "E", "A"]);
            assert_eq!(speakers_of(tx, EMAIL), ["C"]);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn a_pin_speaks_alone_and_leaves_what_was_known_before() {
    const EMAIL: &str = "r@x.test";
    let store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            let now = monday();
            tx.remember_certificate(EMAIL, &certificate("A"), Learned::Signed, now)?;
            tx.remember_certificate(EMAIL, &certificate("B"), Learned::CameAlong, now)?;
            assert_eq!(tx.unpin(EMAIL, now)?, None);
            // One that was seen, then one that never was.
            for name in ["B", "C"] {
                tx.pin(EMAIL, &certificate(name), now)?;
                assert_eq!(tx.pinned(EMAIL)?.as_deref(), Some(name));
                assert_eq!(speakers_of(tx, EMAIL), [name]);
            }
            tx.remember_certificate(EMAIL, &certificate("B"), Learned::Authenticated, now)?;
            assert_eq!(speakers_of(tx, EMAIL), ["C"]);
            assert_eq!(tx.unpin(EMAIL, now)?.as_deref(), Some("C"));
            assert_eq!(names_of(tx, EMAIL), ["B", "A"]);
            assert_eq!(speakers_of(tx, EMAIL), ["B"]);
            // What a mail says of a pinned one counts once the pin is gone.
            tx.pin(EMAIL, &certificate("D"), now)?;
            tx.remember_certificate(EMAIL, &certificate("D"), Learned::Signed, now)?;
            tx.unpin(EMAIL, now)?;
            assert_eq!(names_of(tx, EMAIL), ["B", "A", "D"]);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn ten_certificates_of_an_address_are_kept() {
    let store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            for number in 0..50 {
                let learned = match number {
                    40 => Learned::Authenticated,
                    _ => Learned::CameAlong,
                };
                let name = number.to_string();
                tx.remember_certificate("r@x.test", &certificate(&name), learned, monday())?;
            }
            let kept: i64 =
                tx.0.query_row("SELECT count(*) FROM certificates", [], |row| row.get(0))?;
            assert_eq!(kept, 10);
            let kept = names_of(tx, "r@x.test");
            assert_eq!(kept, ["0", "40", "1", "2", "3", "4", "5", "6", "7", "8"]);
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

/// A stop may fall between the note that an attempt failed and our forgetting that it was begun.
#[test]
fn an_attempt_is_taken_back_once() {
    let store = Store::in_memory().unwrap();
    let place = Place {
        mailbox: "security@mail.example.test".to_owned(),
        folder: "INBOX".to_owned(),
        validity: 2,
        uid: "1".to_owned(),
    };
    let attempts = store.write(|tx| {
        tx.begin_attempt(&place)?;
        tx.refused(&place, monday(), "NO")?;
        tx.take_back_attempt(&place)?;
        tx.refused(&place, monday(), "NO")?;
        tx.attempts(&place)
    });
    let attempts = attempts.unwrap();
    assert_eq!((attempts.cut_short, attempts.refusals), (0, 2));
}
