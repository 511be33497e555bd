//! The configuration, checked: every value here can be used as it stands.
//!
//! `read` goes from text to these types and lists every mistake with its line;
//! `policy` and `holidays` do so for the files of the promise.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use crate::mail::message::{address_key, mailbox_key};
use crate::triage::calendar::Calendar;
use crate::triage::policy::Policy;

mod document;
mod holidays;
mod mistake;
pub mod policy;
pub mod read;
pub mod secret;
mod units;

pub use mistake::{Gravity, Mistake, nearest, quote};
pub use read::load;
pub use secret::{SecretError, SecretSource};

/// Several mistakes as one line.
pub fn in_words(mistakes: &[Mistake]) -> String {
    let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    list.join("; ")
}

#[derive(Debug)]
pub struct Config {
    /// Where it was read from; relative paths in it count from its folder.
    pub path: PathBuf,
    pub organization: Organization,
    pub source: Source,
    pub transport: Transport,
    pub storage: Storage,
    pub openpgp: OpenPgpKeys,
    pub policy_file: PathBuf,
    pub policy: Policy,
    /// A folder whose files replace the built-in texts of the replies, by name.
    pub templates: Option<PathBuf>,
    pub limits: Limits,
    pub digest: Option<DigestSchedule>,
    pub team: Vec<Member>,
}

impl Config {
    /// The member with this address.
    pub fn member(&self, email: &str) -> Option<&Member> {
        let key = address_key(email);
        self.team
            .iter()
            .find(|member| address_key(&member.email) == key)
    }

    /// The member of this name or address, as `/assign` writes them.
    pub fn member_called(&self, word: &str) -> Option<&Member> {
        let name = word.trim().to_lowercase();
        let by_name = |member: &&Member| member.name.to_lowercase() == name;
        self.team.iter().find(by_name).or_else(|| self.member(word))
    }
}

#[derive(Clone, Debug)]
pub struct Organization {
    pub name: String,
    /// What reporters write to, and From of every reply.
    pub address: String,
    pub aliases: Vec<String>,
    pub authserv_ids: Vec<String>,
    pub list_ids: Vec<String>,
}

impl Organization {
    /// Is this one of our own addresses? With a tag, or the domain spelled otherwise, it reaches us
    /// too; where ours has a tag, the mailbox without it may be somebody else's.
    pub fn owns(&self, email: &str) -> bool {
        let (key, mailbox) = (address_key(email), mailbox_key(email));
        std::iter::once(&self.address)
            .chain(&self.aliases)
            .any(|own| address_key(own) == key || !own.contains('+') && mailbox_key(own) == mailbox)
    }
}

/// Where mail comes from.
#[derive(Debug)]
pub enum Source {
    Imap(Imap),
    Maildir(Maildir),
}

#[derive(Debug)]
pub struct Imap {
    pub server: Server,
    pub username: String,
    pub password: SecretSource,
    pub folders: Folders,
}

impl Source {
    pub fn folders(&self) -> &Folders {
        match self {
            Self::Imap(imap) => &imap.folders,
            Self::Maildir(maildir) => &maildir.folders,
        }
    }
}

/// A Maildir++ folder on this machine; sub-folders are `.Name` inside it.
#[derive(Debug)]
pub struct Maildir {
    pub path: PathBuf,
    /// `inbox` is not used here: it is `path` itself.
    pub folders: Folders,
}

#[derive(Clone, Debug)]
pub struct Folders {
    pub inbox: String,
    pub junk: Option<String>,
    /// `None`: recorded mail stays, marked `$Triaged`.
    pub processed: Option<String>,
    pub poll_interval: Duration,
    pub answer_newer_than: Duration,
}

/// A TCP server and how we trust it.
#[derive(Clone, Debug)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: TlsMode,
    /// PEM file with an extra root.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the server's end-entity certificate (DER).
    pub pin_sha256: Option<[u8; 32]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    Implicit,
    StartTls,
    /// Loopback addresses alone.
    Off,
}

/// How mail leaves.
#[derive(Debug)]
pub enum Transport {
    Smtp(Smtp),
    Sendmail(Sendmail),
}

#[derive(Debug)]
pub struct Smtp {
    pub server: Server,
    pub login: Option<(String, SecretSource)>,
    /// Envelope sender of automatic answers; `None`: `<>` (RFC 3834).
    pub return_path: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Sendmail {
    /// Program and arguments; `-f SENDER -- RECIPIENT` is added.
    pub command: Vec<String>,
}

#[derive(Debug)]
pub struct Storage {
    pub path: PathBuf,
    /// 64 hexadecimal digits.
    pub key: SecretSource,
}

#[derive(Debug)]
pub struct OpenPgpKeys {
    /// Files and credentials, each with one or several secret keys; the first is current.
    pub keys: Vec<SecretSource>,
    /// Fingerprints (upper-case hex) of keys that decrypt and are offered no more.
    pub retired: Vec<String>,
    pub passphrase: Option<SecretSource>,
    /// Answers in clear are signed (PGP/MIME).
    pub sign: bool,
    /// Of correspondents, pinned by the team for the addresses in their user IDs.
    pub certificates: Vec<PathBuf>,
    /// Certificates of correspondents who sent none are looked up in their domain's Web Key Directory.
    pub web_key_directory: bool,
    /// The GNUPGHOME whose running gpg-agent holds secret keys.
    pub agent_home: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes.
    pub max_message: u64,
    pub silence: Duration,
    pub replies_per_address: u32,
    pub replies_per_domain: u32,
    pub replies_total: u32,
}

#[derive(Clone, Debug)]
pub struct DigestSchedule {
    /// Minutes after midnight, in the policy's time zone.
    pub at_minute: u16,
    /// Monday first; `None`: the policy's working days. Its holidays are none of them.
    pub on: Option<[bool; 7]>,
    /// Addresses of team members.
    pub to: Vec<String>,
}

/// Nobody has longer holidays: what was due before them is made up for after them.
const LONGEST_HOLIDAYS_DAYS: i64 = 60;

impl DigestSchedule {
    /// Does this member get it?
    pub fn is_for(&self, email: &str) -> bool {
        let key = address_key(email);
        self.to.iter().any(|to| address_key(to) == key)
    }

    /// The last moment at or before `now` at which a digest was due.
    pub fn last_due(&self, calendar: &Calendar, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = calendar.date_of(now);
        (0..=LONGEST_HOLIDAYS_DAYS)
            .filter_map(|days| today.checked_sub_signed(TimeDelta::days(days)))
            .filter(|date| self.is_on(calendar, *date))
            .map(|date| calendar.at_minute(date, self.at_minute))
            .find(|due_at| *due_at <= now)
    }

    fn is_on(&self, calendar: &Calendar, date: NaiveDate) -> bool {
        let Some(on) = &self.on else {
            return calendar.is_working_day(date);
        };
        let weekday = usize::try_from(date.weekday().num_days_from_monday());
        let is_named = weekday.is_ok_and(|index| on.get(index) == Some(&true));
        is_named && !calendar.holidays.contains(&date)
    }
}

#[derive(Clone, Debug)]
pub struct Member {
    pub name: String,
    pub email: String,
    pub certificate: PathBuf,
    pub role: Role,
    pub notify: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Member,
    Observer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    All,
    Assigned,
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_due_at_its_hour_on_its_days() {
        // 4 June 2026 is Corpus Christi, a Thursday.
        let calendar = Calendar {
            zone: chrono_tz::Tz::Europe__Berlin,
            working: [true, true, true, true, true, false, false],
            holidays: [NaiveDate::from_ymd_opt(2026, 6, 4).unwrap()].into(),
        };
        let check = |on: Option<[bool; 7]>, now: &str, expected: Option<&str>| {
            let schedule = DigestSchedule {
                at_minute: 8 * 60,
                on,
                to: Vec::new(),
            };
            let due_at = schedule.last_due(&calendar, now.parse().unwrap());
            assert_eq!(due_at, expected.map(|due| due.parse().unwrap()), "{now}");
        };
        let fridays = Some([false, false, false, false, true, false, false]);
        let daily = Some([true; 7]);
        // 5 June 2026 is a Friday; 08:00 in Berlin is 06:00 UTC.
        for (on, now, due_at) in [
            (fridays, "2026-06-05T06:00:00Z", "2026-06-05T06:00:00Z"),
            (fridays, "2026-06-05T05:59:59Z", "2026-05-29T06:00:00Z"),
            (fridays, "2026-06-11T23:00:00Z", "2026-06-05T06:00:00Z"),
            (daily, "2026-06-11T05:00:00Z", "2026-06-10T06:00:00Z"),
            (daily, "2026-06-07T06:00:00Z", "2026-06-07T06:00:00Z"),
            // Nothing on a holiday, whatever the days.
            (daily, "2026-06-04T23:00:00Z", "2026-06-03T06:00:00Z"),
            (None, "2026-06-04T23:00:00Z", "2026-06-03T06:00:00Z"),
            // The policy's working days.
            (None, "2026-06-07T23:00:00Z", "2026-06-05T06:00:00Z"),
            (None, "2026-06-08T06:00:00Z", "2026-06-08T06:00:00Z"),
        ] {
            check(on, now, Some(due_at));
        }
        check(Some([false; 7]), "2026-06-11T05:00:00Z", None);
    }

    /// Its hour is skipped, and comes later by the gap; it comes twice, and the first counts.
    #[test]
    fn a_digest_is_due_once_on_days_on_which_the_clocks_change() {
        #[track_caller]
        fn check(zone: chrono_tz::Tz, at_minute: u16, now: &str, expected: &str) {
            let calendar = Calendar {
                zone,
                working: [true; 7],
                holidays: Default::default(),
            };
            let schedule = DigestSchedule {
                at_minute,
                on: None,
                to: Vec::new(),
            };
            let due_at = schedule.last_due(&calendar, now.parse().unwrap());
            assert_eq!(due_at, Some(expected.parse().unwrap()), "{now}");
        }
        use chrono_tz::Tz::{America__Scoresbysund, Asia__Beirut, Europe__Berlin};
        let half_past_two = 2 * 60 + 30;
        for (now, due_at) in [
            ("2027-03-28T01:29:59Z", "2027-03-27T01:30:00Z"),
            ("2027-03-28T01:30:00Z", "2027-03-28T01:30:00Z"),
            ("2027-03-29T00:29:59Z", "2027-03-28T01:30:00Z"),
            ("2027-03-29T00:30:00Z", "2027-03-29T00:30:00Z"),
            ("2027-10-31T00:29:59Z", "2027-10-30T00:30:00Z"),
            ("2027-10-31T00:30:00Z", "2027-10-31T00:30:00Z"),
            ("2027-10-31T01:30:00Z", "2027-10-31T00:30:00Z"),
            ("2027-11-01T01:30:00Z", "2027-11-01T01:30:00Z"),
        ] {
            check(Europe__Berlin, half_past_two, now, due_at);
        }
        // Midnight is skipped; the last hour of a Saturday is, and the digest comes on Sunday.
        check(
            Asia__Beirut,
            30,
            "2027-03-27T22:30:00Z",
            "2027-03-27T22:30:00Z",
        );
        let late = 23 * 60 + 30;
        for (now, due_at) in [
            ("2027-03-28T01:29:59Z", "2027-03-27T01:30:00Z"),
            ("2027-03-28T01:30:00Z", "2027-03-28T01:30:00Z"),
            ("2027-03-29T00:30:00Z", "2027-03-29T00:30:00Z"),
        ] {
            check(America__Scoresbysund, late, now, due_at);
        }
    }

    #[test]
    fn what_was_due_before_long_holidays_is_found() {
        let closed = (20..=31).map(|day| NaiveDate::from_ymd_opt(2026, 12, day).unwrap());
        let calendar = Calendar {
            zone: chrono_tz::Tz::Europe__Berlin,
            working: [true, true, true, true, true, false, false],
            holidays: closed.collect(),
        };
        let schedule = DigestSchedule {
            at_minute: 8 * 60,
            on: None,
            to: Vec::new(),
        };
        let due_at = schedule.last_due(&calendar, "2026-12-31T12:00:00Z".parse().unwrap());
        assert_eq!(due_at, Some("2026-12-18T07:00:00Z".parse().unwrap()));
    }
}
