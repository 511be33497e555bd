//! A company's desk over a year: sixty cases, as reporters, the team and the mail servers made
//! them. Built through the store at fixed instants, so that it is the same each time.
//!
//! ```no_run
//! let office = board::seeded();
//! let board = office.board(Weekly::Always, board::morning());
//! ```
#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use triaged::commands::{self, Done};
use triaged::config::{Limits, Member, Notify, Organization, Role};
use triaged::intake::{Mail, open_mail, record};
use triaged::letters::Desk;
use triaged::mail::pgp::{self, Keyring};
use triaged::mailbox::Lane;
use triaged::notices::board::Board;
use triaged::notices::digest::{self, Weekly};
use triaged::store::audit::Actor;
use triaged::store::outbox::{Claimed, Delivered};
use triaged::store::{Store, StoreError};
use triaged::team::Team;
use triaged::triage::calendar::Calendar;
use triaged::triage::command::Command;
use triaged::triage::policy::{AcknowledgedBy, Deadlines, Policy, Remediate, Span, Terms};
use triaged::triage::reply::Texts;

pub const US: &str = "security@example.test";
pub const SILENCE: Duration = Duration::from_secs(900);

/// Monday, 8 June 2026, 8 o'clock in Berlin. The Thursday before was a holiday.
pub fn morning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 8, 6, 0, 0).unwrap()
}

pub fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date")
}

/// A desk and its records.
pub struct Office {
    pub desk: Desk,
    pub store: Store,
    /// What becomes of letters to an address that is not simply accepted: from when on it is.
    away_until: BTreeMap<String, DateTime<Utc>>,
}

impl Office {
    pub fn open() -> Self {
        Self {
            desk: desk(),
            store: Store::in_memory().expect("a database"),
            away_until: BTreeMap::new(),
        }
    }

    pub fn board(&self, weekly: Weekly, now: DateTime<Utc>) -> Board {
        self.store
            .read(|tx| digest::gather(tx, &self.desk, SILENCE, weekly, now))
            .expect("a board")
    }

    /// A mail comes in; the case that it belongs to.
    pub fn receive(&self, raw: &[u8], at: DateTime<Utc>) -> Option<String> {
        self.receive_in(Lane::Inbox, raw, at)
    }

    pub fn receive_in(&self, lane: Lane, raw: &[u8], at: DateTime<Utc>) -> Option<String> {
        let mail = Mail {
            raw: raw.to_vec(),
            kept: None,
            size: raw.len() as u64,
            lane,
            received_at: at,
            too_large: false,
            unanswered: None,
            place: None,
        };
        let mut opened = open_mail(mail, &self.desk, at);
        let recorded = self
            .store
            .write(|tx| record(tx, &mut opened, &self.desk, at));
        recorded.expect("a record").case
    }

    /// A mail that opens a case.
    #[track_caller]
    pub fn report(&self, raw: &[u8], at: DateTime<Utc>) -> String {
        self.receive(raw, at).expect("a case")
    }

    /// A command as Alice gives it.
    #[track_caller]
    pub fn command(&self, number: &str, line: &str, at: DateTime<Utc>) -> Done {
        let command = Command::parse(line).expect("a command");
        let actor = Actor::Unix("alice".to_owned());
        let done = self.store.write(|tx| {
            let case = tx.case_by_number(number)?;
            commands::carry_out(tx, &self.desk, &case, &command, &actor, at)
        });
        done.unwrap_or_else(|error| panic!("{number} {line}: {error}"))
    }

    /// Of the last letter about a case.
    #[track_caller]
    pub fn last_message_id(&self, number: &str) -> String {
        let detail = self.store.read(|tx| {
            let case = tx.case_by_number(number)?;
            tx.case_detail(&case, morning())
        });
        let messages = detail.expect("a case").messages.into_iter();
        let mut letters = messages.filter(|message| message.direction == "out");
        let last = letters.next_back().expect("a letter");
        last.message_id.expect("its Message-ID")
    }

    /// The clock of the daemon: publications whose day has come, and letters that are due.
    pub fn turn(&self, at: DateTime<Utc>) {
        self.store
            .write(|tx| commands::due_changes(tx, &self.desk, at))
            .expect("publications");
        self.store
            .write(|tx| {
                for claimed in tx.claim(100, &limits(), at)? {
                    let outcome = self.outcome(&claimed, at);
                    tx.record_delivery(&claimed, &outcome, &self.desk.policy, at)?;
                }
                Ok::<_, StoreError>(())
            })
            .expect("deliveries");
    }

    fn outcome(&self, claimed: &Claimed, at: DateTime<Utc>) -> Delivered {
        if claimed.recipient.ends_with("@gone.test") {
            let why = "550 5.1.1 no such user".to_owned();
            return Delivered::Rejected { why };
        }
        match self.away_until.get(&claimed.recipient) {
            Some(until) if at < *until => Delivered::Deferred {
                why: "451 4.7.1 greylisted".to_owned(),
            },
            _ => Delivered::Accepted {
                reply: "250 ok".to_owned(),
            },
        }
    }

    pub fn set_fact(&self, name: &str, at: DateTime<Utc>) {
        self.store
            .write(|tx| tx.set_fact(name, at.timestamp()))
            .expect("a fact");
    }

    /// The mailbox was read a minute ago, and compared in the night.
    pub fn is_well(&self, now: DateTime<Utc>) {
        self.set_fact("last_good_poll_at", now - TimeDelta::minutes(1));
        self.set_fact(digest::RECONCILED_AT, now - TimeDelta::hours(3));
    }

    /// The schedule mailed one then.
    pub fn was_mailed(&self, at: DateTime<Utc>) {
        self.set_fact(digest::DUE_AT, at);
        self.set_fact(digest::MAILED_AT, at);
    }
}

fn limits() -> Limits {
    Limits {
        max_message: 1_000_000,
        silence: SILENCE,
        replies_per_address: 1_000,
        replies_per_domain: 10_000,
        replies_total: 10_000,
    }
}

pub fn desk() -> Desk {
    Desk {
        organization: Organization {
            name: "Example Corp".to_owned(),
            address: US.to_owned(),
            aliases: Vec::new(),
            authserv_ids: Vec::new(),
            list_ids: Vec::new(),
        },
        policy: policy(),
        texts: Texts::load(None).expect("the built-in texts"),
        keyring: Arc::new(Keyring::load(&[key("security", US)], None, US, morning()).0),
        signs: false,
        pinned: Default::default(),
        team: team(),
        digest: None,
        return_path: None,
    }
}

fn policy() -> Policy {
    let mut terms = Terms {
        language: "en".to_owned(),
        ..Terms::default()
    };
    terms.disclosure.heads_up = Some(Span::Days(7));
    Policy {
        version: "2026-05-01".to_owned(),
        calendar: Calendar {
            zone: "Europe/Berlin".parse().expect("a zone"),
            working: [true, true, true, true, true, false, false],
            holidays: [date(2025, 12, 25), date(2026, 6, 4)].into(),
        },
        quiet_hours: None,
        deadlines: Deadlines {
            acknowledge: Some(Span::BusinessHours(48)),
            acknowledged_by: AcknowledgedBy::Reply,
            triage: Some(Span::Days(7)),
            update: Some(Span::Days(14)),
            remediate: Remediate {
                critical: Some(Span::Days(30)),
                high: Some(Span::Days(90)),
                medium: Some(Span::Days(180)),
                ..Remediate::default()
            },
            disclose_after_fix: Some(Span::Days(90)),
            early_warning: Some(Span::Hours(24)),
            notification: Some(Span::Hours(72)),
            final_report: Some(Span::Days(14)),
        },
        url: None,
        terms,
    }
}

/// A key that lasts for the whole year and ten more.
fn key(name: &str, address: &str) -> (String, Vec<u8>) {
    let made_at = morning() - TimeDelta::days(400);
    let eleven_years = Duration::from_secs(11 * 365 * 86_400);
    let key = pgp::generate(name, address, None, eleven_years, made_at).expect("a key");
    (name.to_owned(), key.into_bytes())
}

fn team() -> Team {
    let folder = tempfile::tempdir().expect("a folder");
    let member = |name: &str, role: Role| {
        let email = format!("{}@example.test", name.to_lowercase());
        let certificate = folder.path().join(name);
        // The secret key holds the certificate, and that alone is read.
        std::fs::write(&certificate, key(name, &email).1).expect("write a certificate");
        Member {
            name: name.to_owned(),
            email,
            certificate,
            role,
            notify: Notify::All,
        }
    };
    Team::read(&[member("Alice", Role::Member), member("Bob", Role::Observer)])
}

/// A plain mail; `more`: further header lines, each with its end.
pub fn mail(from: &str, subject: &str, more: &str, text: &str, at: DateTime<Utc>) -> Vec<u8> {
    let sent = at.to_rfc2822();
    let id = format!("{}.{}", at.timestamp(), from.replace('@', "."));
    format!(
        "From: {from}\r\nTo: {US}\r\nSubject: {subject}\r\nDate: {sent}\r\n\
         Message-ID: <{id}@mail.test>\r\n{more}\r\n{text}\r\n"
    )
    .into_bytes()
}

/// How a case goes on.
#[derive(Clone, Copy, PartialEq)]
enum Story {
    /// Accepted with this severity, fixed after so many days, published 60 days later; every 12
    /// days a word.
    Published(&'static str, i64),
    /// Accepted, fixed after so many days; its publication is planned for so many days from today.
    Planned(&'static str, i64, i64),
    /// Accepted; every so many days a word.
    Accepted(&'static str, i64),
    /// The same, and known to be exploited.
    Exploited,
    Rejected,
    /// Of the case before it.
    Duplicate,
    Spam,
    ClosedLate,
    /// The reporter was asked for what is missing, and is silent.
    Asked,
    /// Nobody decided.
    New,
    /// Its letters are greylisted for days.
    LateReceipt,
    /// Its address does not exist.
    Gone,
}

use Story::{
    Accepted, Asked, ClosedLate, Duplicate, Exploited, Gone, LateReceipt, New, Planned, Published,
    Rejected, Spam,
};

/// Days before today on which each report came.
const CASES: [(i64, Story); 58] = [
    (362, Published("high", 40)),
    (355, Rejected),
    (349, Published("medium", 75)),
    (341, Spam),
    (336, Published("critical", 21)),
    (330, Published("high", 95)),
    (322, Duplicate),
    (318, Rejected),
    (309, Published("low", 30)),
    (301, Published("medium", 120)),
    (296, LateReceipt),
    (288, ClosedLate),
    (280, Published("high", 61)),
    (273, Rejected),
    (265, Published("medium", 44)),
    (260, Spam),
    (251, Published("high", 88)),
    (244, Duplicate),
    (236, Published("critical", 35)),
    (229, Rejected),
    (221, Published("medium", 90)),
    (214, Accepted("medium", 12)),
    (206, Published("high", 52)),
    (199, Rejected),
    (193, Published("low", 20)),
    (185, Spam),
    (178, Planned("high", 90, 5)),
    (171, Published("high", 33)),
    (163, Duplicate),
    (157, Accepted("medium", 13)),
    (150, Rejected),
    (144, Planned("high", 80, 20)),
    (138, Published("critical", 18)),
    (129, Accepted("medium", 12)),
    (121, Rejected),
    (115, Planned("medium", 70, 41)),
    (108, Accepted("low", 13)),
    (101, ClosedLate),
    (95, Accepted("high", 12)),
    (88, Rejected),
    (82, Accepted("high", 12)),
    (76, LateReceipt),
    (69, Accepted("medium", 20)),
    (63, Asked),
    (57, Accepted("high", 13)),
    (50, Rejected),
    (44, Duplicate),
    (37, Accepted("critical", 12)),
    (31, Spam),
    (26, Asked),
    (21, New),
    (17, Accepted("high", 12)),
    (12, Exploited),
    (9, Gone),
    (6, New),
    (4, New),
    (2, New),
    (1, New),
];

/// What is wrong with what, and what that means.
const WEAKNESSES: [(&str, &str); 10] = [
    (
        "Cross-site scripting in the search",
        "The parameter q is reflected without escaping, so that a link runs a script.",
    ),
    (
        "SQL injection in the order list",
        "A quote in the sort parameter ends the statement, and UNION reads the table of users.",
    ),
    (
        "Password reset link can be guessed",
        "The token is the time of the request in hexadecimal digits; anybody can take an account.",
    ),
    (
        "Invoices of others can be downloaded",
        "Counting the number in the address up shows the invoices of other customers (IDOR).",
    ),
    (
        "Server-side request forgery in the importer",
        "The importer fetches any address, the metadata service of the cloud included.",
    ),
    (
        "Stored XSS in the profile name",
        "A script in the name runs for every administrator who opens the list of members.",
    ),
    (
        "Open redirect after the login",
        "The parameter next takes any address, which makes phishing of passwords easy.",
    ),
    (
        "Path traversal in the theme loader",
        "Dots and slashes in the name of the theme read any file of the server.",
    ),
    (
        "Missing authorization in the admin interface",
        "The endpoint answers without a session and deletes accounts.",
    ),
    (
        "Session stays valid after the logout",
        "A copied cookie works for days after the logout on another machine.",
    ),
];

/// So that no two texts are alike.
const WORDS: [&str; 40] = [
    "amber", "basil", "cedar", "delta", "ember", "fjord", "glade", "heron", "inlet", "jaspe",
    "koala", "lotus", "maple", "north", "olive", "pearl", "quail", "raven", "sable", "tiger",
    "umbra", "vesta", "wheat", "xenon", "yacht", "zebra", "acorn", "birch", "coral", "dunes",
    "eagle", "flint", "grove", "hazel", "irons", "joker", "kayak", "larch", "mango", "nylon",
];

enum Deed {
    /// The clock turns.
    Nothing,
    Report,
    Command(String),
}

/// The year, up to [`morning`]; the last digest was mailed on Friday.
pub fn seeded() -> Office {
    let mut office = Office::open();
    let mut deeds = Vec::new();
    for (index, (days_ago, story)) in CASES.into_iter().enumerate() {
        let at = came_at(index, days_ago);
        deeds.push((at, index, Deed::Report));
        for (days, line) in told(index, story, days_ago) {
            deeds.push((at + TimeDelta::days(days), index, Deed::Command(line)));
        }
        if story == LateReceipt {
            let away_until = at + TimeDelta::days(4);
            office.away_until.insert(reporter(index, story), away_until);
        }
    }
    for days_ago in 1..CASES[0].0 {
        let at = morning() - TimeDelta::days(days_ago) + TimeDelta::hours(18);
        deeds.push((at, 0, Deed::Nothing));
    }
    deeds.retain(|(at, _, _)| *at < morning());
    deeds.sort_by_key(|(at, index, _)| (*at, *index));
    let mut numbers: BTreeMap<usize, String> = BTreeMap::new();
    for (at, index, deed) in deeds {
        match deed {
            Deed::Nothing => {}
            Deed::Report => {
                let number = office.report(&report(index, at), at);
                numbers.insert(index, number);
            }
            Deed::Command(line) => {
                let first = index.checked_sub(1).and_then(|before| numbers.get(&before));
                let line = line.replace("FIRST", first.map_or("", String::as_str));
                office.command(&numbers[&index], &line, at);
            }
        }
        office.turn(at + TimeDelta::minutes(2));
    }
    whatever_else_came(&office);
    office.turn(morning() - TimeDelta::minutes(5));
    office.was_mailed(morning() - TimeDelta::days(3));
    office.set_fact(digest::WEEK_OF, morning() - TimeDelta::days(7));
    office.is_well(morning());
    office
}

/// At different hours of the day.
fn came_at(index: usize, days_ago: i64) -> DateTime<Utc> {
    let hours = i64::try_from(index * 5 % 12).expect("a few hours");
    morning() - TimeDelta::days(days_ago) + TimeDelta::hours(hours)
}

fn reporter(index: usize, story: Story) -> String {
    match story {
        Gone => "rita@gone.test".to_owned(),
        _ => format!("finder{index:02}@research.test"),
    }
}

fn report(index: usize, at: DateTime<Utc>) -> Vec<u8> {
    let (subject, words) = WEAKNESSES[index % WEAKNESSES.len()];
    let mut state = index as u64 + 1;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        WORDS[(state >> 33) as usize % WORDS.len()]
    };
    let steps: Vec<&str> = (0..60).map(|_| word()).collect();
    let place = format!("https://{}{index}.example.test/{}", word(), word());
    let text = format!(
        "Hello,\r\n\r\nI found a vulnerability in {place}. {words}\r\n\r\n\
         Steps to reproduce: {}.\r\n\r\nImpact: see above. I tested this with my own account.\r\n",
        steps.join(" ")
    );
    mail(&reporter(index, CASES[index].1), subject, "", &text, at)
}

/// Days after the report, and the command.
fn told(index: usize, story: Story, days_ago: i64) -> Vec<(i64, String)> {
    let (today, came) = (
        morning().date_naive(),
        came_at(index, days_ago).date_naive(),
    );
    let on = |days: i64| came + TimeDelta::days(days);
    let mut told = Vec::new();
    let mut say = |days: i64, line: String| told.push((days, line));
    let decided = 2 + i64::try_from(index % 4).expect("a few days");
    let mut accept = |severity: &str, words_every: i64, until: i64| {
        say(decided, format!("/severity {severity}"));
        say(decided, "/accept".to_owned());
        let mut day = decided + words_every;
        while day < until {
            say(day, "/reply We are still working on it.".to_owned());
            day += words_every;
        }
    };
    match story {
        Published(severity, fixed) => {
            accept(severity, 12, fixed);
            say(fixed, format!("/fixed {}", on(fixed)));
            say(fixed + 12, "/credit \"A finder\"".to_owned());
            let publication = fixed + 60;
            say(fixed + 13, format!("/disclose {}", on(publication)));
            for day in [fixed + 25, fixed + 37, fixed + 49] {
                say(day, "/reply The advisory is being written.".to_owned());
            }
            say(publication, "/status".to_owned());
        }
        Planned(severity, fixed, ahead) => {
            accept(severity, 12, fixed);
            say(fixed, format!("/fixed {}", on(fixed)));
            let mut day = fixed + 12;
            while day < days_ago {
                say(day, "/reply The advisory is being written.".to_owned());
                day += 12;
            }
            let publication = today + TimeDelta::days(ahead);
            say(days_ago - 8, format!("/disclose {publication}"));
        }
        Accepted(severity, words_every) => accept(severity, words_every, days_ago),
        Exploited => {
            accept("high", 12, days_ago);
            say(days_ago - 2, "/exploited".to_owned());
            say(days_ago - 1, "/notified early_warning".to_owned());
            say(days_ago - 1, "/assign Alice".to_owned());
        }
        Rejected => say(decided, "/reject This is meant so.".to_owned()),
        Duplicate => say(decided, "/duplicate FIRST".to_owned()),
        Spam => say(1, "/spam".to_owned()),
        ClosedLate => say(20, "/close Nobody could follow it.".to_owned()),
        Asked => say(decided, "/needs-info Which version is it?".to_owned()),
        LateReceipt => say(11, "/reject It is not ours.".to_owned()),
        Gone | New => {}
    }
    told
}

/// Questions, programs, and what nobody can read.
fn whatever_else_came(office: &Office) {
    let ago = |days: i64| morning() - TimeDelta::days(days) + TimeDelta::hours(4);
    let questionnaire = "Dear vendor,\r\n\r\nas part of our annual vendor risk assessment please \
        complete the attached security questionnaire and send us your SOC 2 report and your \
        ISO 27001 certificate.\r\n";
    office.report(
        &mail(
            "risk@buyer.test",
            "Vendor security questionnaire",
            "",
            questionnaire,
            ago(40),
        ),
        ago(40),
    );
    office.turn(ago(40));
    let spam =
        "Dear sir, cheap backlinks and guest posts for your website, first page of Google.\r\n";
    let spam = mail("seo@ranks.test", "Guest post offer", "", spam, ago(2));
    assert_eq!(office.receive_in(Lane::Junk, &spam, ago(2)), None);
    for (nth, days) in [3, 2, 1].into_iter().enumerate() {
        let at = ago(days) - TimeDelta::hours(1);
        let away = format!("I am out of the office, number {nth}.\r\n");
        let from = format!("finder{:02}@research.test", 51 + nth);
        let automatic = "Auto-Submitted: auto-replied\r\n";
        office.receive(&mail(&from, "Out of office", automatic, &away, at), at);
    }
    let armour = "-----BEGIN PGP MESSAGE-----\r\n\r\nd2hhdCBub2JvZHkgY2FuIHJlYWQ=\r\n\
        -----END PGP MESSAGE-----\r\n";
    office.report(
        &mail("zoe@research.test", "...", "", armour, ago(2)),
        ago(2),
    );
    office.turn(ago(2) + TimeDelta::minutes(2));
}
