//! The servers that tests share, the office behind a security address, and the people outside.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use chrono::{DateTime, Days, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use mail_parser::{Message, MessageParser, MimeHeaders};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::common::certificates::hex;
use crate::common::{
    Dovecot, Letter, Postfix, SECURITY_ADDRESS, SECURITY_PASSWORD, SOON, Setup, Triaged, wait_until,
};

/// Mailboxes are made before Postfix starts: it learns new ones by a restart alone.
const OFFICES: usize = 32;
const PEOPLE: usize = 128;

/// One Dovecot and one Postfix for all tests that run at the time.
pub struct Servers {
    pub postfix: Postfix,
    pub dovecot: Dovecot,
    offices: AtomicUsize,
    people: AtomicUsize,
}

impl Servers {
    /// Those that another test started, or new ones; they end with the last test that holds them.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Servers>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(servers) = shared.upgrade() {
            return servers;
        }
        let servers = Arc::new(Self::start());
        *shared = Arc::downgrade(&servers);
        servers
    }

    fn start() -> Self {
        let dovecot = Dovecot::start();
        dovecot.add_user(SECURITY_ADDRESS, SECURITY_PASSWORD);
        for number in 0..OFFICES {
            dovecot.add_user(&office_mailbox(number), SECURITY_PASSWORD);
        }
        for number in 0..PEOPLE {
            dovecot.add_user(&person_address(number), "researcher");
        }
        Self {
            postfix: Postfix::start(&dovecot),
            dovecot,
            offices: AtomicUsize::new(0),
            people: AtomicUsize::new(0),
        }
    }

    /// An office with a mailbox that no other test uses. Mail to `SECURITY_ADDRESS` lies in it.
    #[track_caller]
    pub fn office(self: &Arc<Self>) -> Office {
        let number = self.offices.fetch_add(1, Ordering::Relaxed);
        assert!(number < OFFICES, "more offices than mailboxes");
        let mailbox = office_mailbox(number);
        let setup = Setup::new(&self.dovecot, &self.postfix);
        setup.set("imap.username", mailbox.as_str());
        setup.set("smtp.username", mailbox.as_str());
        setup.set("imap.poll_interval", "5s");
        Office {
            servers: Arc::clone(self),
            setup,
            mailbox,
        }
    }

    /// Somebody with an address that nobody else has.
    #[track_caller]
    pub fn person(self: &Arc<Self>, name: &str) -> Person {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        assert!(number < PEOPLE, "more people than mailboxes");
        Person {
            servers: Arc::clone(self),
            name: name.to_owned(),
            address: person_address(number),
        }
    }
}

fn office_mailbox(number: usize) -> String {
    format!("office{number}@example.test")
}

fn person_address(number: usize) -> String {
    format!("person{number}@research.test")
}

/// The program, its configuration and its mailbox.
pub struct Office {
    servers: Arc<Servers>,
    pub setup: Setup,
    pub mailbox: String,
}

impl Office {
    /// Starts the daemon and waits until it has looked at the mailbox once.
    #[track_caller]
    pub fn open(&self) -> Triaged {
        let daemon = self.setup.run();
        daemon.wait_for_log("event=\"started\"");
        wait_until("the first look at the mailbox", SOON, || {
            !self.status()["last_good_poll_at"].is_null()
        });
        daemon
    }

    pub fn status(&self) -> Value {
        self.setup.json(&["status"])
    }

    /// How many letters went out, once none waits.
    #[track_caller]
    pub fn letters_sent(&self) -> i64 {
        wait_until("an empty outbox", SOON, || {
            self.status()["outbox"]["waiting"] == 0
        });
        self.status()["outbox"]["sent"].as_i64().expect("a number")
    }

    pub fn cases(&self) -> Vec<Value> {
        array(&self.setup.json(&["case", "list"]))
    }

    pub fn case(&self, id: &str) -> Value {
        self.setup.json(&["case", "show", id])
    }

    /// The one case of this reporter, as `case show` gives it.
    #[track_caller]
    pub fn case_of(&self, person: &Person) -> Value {
        let of_person: Vec<Value> = self
            .cases()
            .into_iter()
            .filter(|case| case["reporter"]["email"] == person.address.as_str())
            .collect();
        assert_eq!(of_person.len(), 1, "{}: {of_person:#?}", person.address);
        self.case(text(&of_person[0]["id"]))
    }

    /// Waits until so many mails lie in the folder.
    #[track_caller]
    pub fn wait_for_mails(&self, folder: &str, count: usize) {
        wait_until(&format!("{count} mails in {folder}"), SOON, || {
            self.count(folder) == count
        });
    }

    pub fn count(&self, folder: &str) -> usize {
        count_mails(&self.servers.dovecot.maildir(&self.mailbox, folder))
    }

    pub fn mails(&self, folder: &str) -> Vec<Vec<u8>> {
        self.servers.dovecot.mails(&self.mailbox, folder)
    }

    /// Puts a mail into a folder as the mail server's delivery agent does.
    #[track_caller]
    pub fn deliver(&self, folder: &str, mail: &[u8], received_at: DateTime<Utc>) {
        self.servers
            .dovecot
            .deliver(&self.mailbox, folder, mail, received_at);
    }

    /// Does the database hold these very bytes? Asked with `ingest`, which then changes nothing.
    #[track_caller]
    pub fn has_recorded(&self, mail: &[u8]) -> bool {
        let file = self.setup.file("asked.eml");
        std::fs::write(&file, mail).expect("write a mail");
        let answer = self
            .setup
            .json_lines(&["ingest", "--no-reply", "asked.eml"]);
        assert_eq!(answer.len(), 1, "{answer:?}");
        std::fs::remove_file(&file).expect("remove a mail");
        answer[0]["known_already"] == true
    }

    /// Is the audit chain sound?
    #[track_caller]
    pub fn verify_audit(&self) {
        let output = self.setup.cli(&["audit", "verify"]);
        assert!(output.status.success(), "{output:?}");
    }

    /// Panics where a file of the state directory or a log holds one of the words.
    #[track_caller]
    pub fn holds_nowhere(&self, words: &[&str]) {
        let mut files = 0;
        for entry in std::fs::read_dir(self.setup.directory()).expect("list the state") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("read a file of the state");
            for word in words {
                assert!(
                    !holds(&bytes, word),
                    "{word} stands in clear in {}",
                    path.display()
                );
            }
            files += 1;
        }
        assert!(files >= 7, "configuration, keys, database and log");
    }
}

/// Somebody outside.
pub struct Person {
    servers: Arc<Servers>,
    pub name: String,
    pub address: String,
}

impl Person {
    /// The head of a mail to the security address.
    pub fn letter(&self, subject: &str) -> Letter {
        let from = format!("{} <{}>", self.name, self.address);
        Letter::new(&from, SECURITY_ADDRESS, subject)
    }

    #[track_caller]
    pub fn send(&self, office: &Office, mail: &[u8]) {
        self.servers
            .postfix
            .send(&self.address, &office.mailbox, mail);
    }

    /// Waits until so many mails arrived in all; returns them in order.
    #[track_caller]
    pub fn answers(&self, count: usize) -> Vec<Answer> {
        let maildir = self.servers.dovecot.maildir(&self.address, "INBOX");
        wait_until(&format!("{count} mails to {}", self.address), SOON, || {
            count_mails(&maildir) >= count
        });
        let answers = self.inbox();
        assert_eq!(answers.len(), count, "{} got too many mails", self.address);
        answers
    }

    /// The same for one.
    #[track_caller]
    pub fn answer(&self) -> Answer {
        self.answers(1).remove(0)
    }

    /// What arrived until now.
    pub fn inbox(&self) -> Vec<Answer> {
        let mails = self.servers.dovecot.mails(&self.address, "INBOX");
        mails.into_iter().map(Answer::read).collect()
    }
}

/// A letter of ours, as it lies in somebody's inbox.
pub struct Answer {
    pub raw: Vec<u8>,
    pub message: Message<'static>,
}

impl Answer {
    #[track_caller]
    pub fn read(raw: Vec<u8>) -> Self {
        let message = MessageParser::default()
            .parse(&raw)
            .expect("a letter that can be parsed")
            .into_owned();
        Self { raw, message }
    }

    pub fn subject(&self) -> String {
        self.header("Subject")
    }

    /// With angle brackets.
    pub fn message_id(&self) -> String {
        self.header("Message-ID")
    }

    /// One header field as it travels, unfolded; panics where it is missing or there twice.
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let fields = self.headers(name);
        assert_eq!(fields.len(), 1, "{name}: {fields:?}");
        fields.into_iter().next().expect("a header")
    }

    pub fn headers(&self, name: &str) -> Vec<String> {
        let whole = String::from_utf8_lossy(&self.raw);
        let head = whole.split("\r\n\r\n").next().unwrap_or_default();
        head.replace("\r\n ", " ")
            .replace("\r\n\t", " ")
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }

    pub fn text(&self) -> String {
        let body = self.message.body_text(0).expect("a text");
        body.replace("\r\n", "\n")
    }

    /// The number that the subject names.
    #[track_caller]
    pub fn case(&self) -> String {
        let subject = self.subject();
        let number = subject
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
            .map(|(number, _)| number.to_owned());
        number.unwrap_or_else(|| panic!("no case number in {subject:?}"))
    }

    /// Our certificate, where it is attached.
    pub fn key(&self) -> Option<String> {
        self.message
            .attachments()
            .find(|part| {
                part.content_type().is_some_and(|kind| {
                    kind.ctype() == "application" && kind.subtype() == Some("pgp-keys")
                })
            })
            .map(|part| String::from_utf8_lossy(part.contents()).into_owned())
    }

    /// Without our signature.
    pub fn attachments(&self) -> usize {
        let attachments = self.message.attachments();
        attachments
            .filter(|part| {
                let kind = part.content_type().and_then(|kind| kind.subtype());
                kind != Some("pgp-signature")
            })
            .count()
    }
}

/// A report of one sentence that nothing else resembles.
pub fn report(about: &str) -> String {
    format!(
        "Hello,\n\nI found an SQL injection in {about}. Steps: open {about} with id=1'-- and look \
         at the answer. An attacker reads every row.\n"
    )
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub fn holds(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}

/// A mail that did not pass the servers yet gets their trace headers on top; this is the rest.
pub fn count_mails(maildir: &Path) -> usize {
    ["new", "cur"]
        .iter()
        .filter_map(|part| std::fs::read_dir(maildir.join(part)).ok())
        .map(Iterator::count)
        .sum()
}

#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[track_caller]
pub fn array(value: &Value) -> Vec<Value> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"))
        .clone()
}

#[track_caller]
pub fn instant(value: &Value) -> DateTime<Utc> {
    at(text(value))
}

#[track_caller]
pub fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text)
        .unwrap_or_else(|e| panic!("{text}: {e}"))
        .to_utc()
}

#[track_caller]
pub fn deadline(case: &Value, kind: &str) -> Value {
    array(&case["deadlines"])
        .into_iter()
        .find(|deadline| deadline["kind"] == kind)
        .unwrap_or_else(|| panic!("no {kind} in {case:#}"))
}

#[track_caller]
pub fn due(case: &Value, kind: &str) -> DateTime<Utc> {
    instant(&deadline(case, kind)["due_at"])
}

/// Civil days by the contract's words, without our calendar.
pub fn civil_days(zone: Tz, from: DateTime<Utc>, days: u64) -> DateTime<Utc> {
    let wall = from.with_timezone(&zone).naive_local() + Days::new(days);
    earliest(zone, wall).to_utc()
}

fn earliest(zone: Tz, wall: NaiveDateTime) -> DateTime<Tz> {
    let first = |wall: NaiveDateTime| zone.from_local_datetime(&wall).earliest();
    first(wall)
        .or_else(|| first(wall + TimeDelta::hours(1)))
        .expect("a gap of an hour")
}

/// Business hours counted second by second: slow, and nothing of our calendar.
pub fn business_hours(
    zone: Tz,
    from: DateTime<Utc>,
    hours: i64,
    is_working_day: impl Fn(chrono::NaiveDate) -> bool,
) -> DateTime<Utc> {
    let mut left = hours * 3600;
    let mut now = from;
    while left > 0 {
        if is_working_day(now.with_timezone(&zone).date_naive()) {
            left -= 1;
        }
        now += TimeDelta::seconds(1);
    }
    now
}
