//! We and the other programs read each other: GnuPG and sequoia's sq, over kinds of keys and of mails, both ways.
//!
//! Every case goes through whole mails: what they write is opened as the daemon opens it, and what we write is
//! composed as the daemon composes it. `docs/openpgp.md` holds the results; the tests compare.
//! `TRIAGED_GPG`, `TRIAGED_GPG_AGENT` and `TRIAGED_SQ` name other versions of the programs.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `keys` | a key of every kind |
//! | `programs` | GnuPG and sq behind one face |
//! | `daemon` | the real daemon between real servers |
//! | `exchange` | one key, both directions |
//! | `library` | the library, for what neither program may know |
//! | `messages` | every kind of message that they write, and every letter of ours |
//! | `mime` | the parts of a mail as raw bytes, found without a parser of ours; the form that readers ask for |

//! | `table` | the results beside the docs |

#[path = "../common/mod.rs"]
mod common;
mod daemon;
mod exchange;
mod keys;
mod letters;
mod library;
mod messages;
mod mime;
mod programs;
mod table;

use std::sync::LazyLock;

use chrono::Utc;
use secrecy::SecretString;
use triaged::mail::message::{Certificate, Message};
use triaged::mail::open::{self, Limits, Opening};
use triaged::mail::pgp::{Keyring, read_certificates};

use self::common::Gpg;
use self::keys::{Key, Kind, kinds};
use self::library::Library;
use self::programs::{Gnupg, Sq};

/// With what travels badly: characters outside ASCII, lines that armour and mbox change.
const TEXT: &str = "Schritte für 10,000 €:\n\n- send `A`\nFrom here on\n\n-- wait --";

/// Made once for all tests; some take seconds.
static KEYS: LazyLock<Vec<(Kind, Result<Key, String>)>> = LazyLock::new(|| {
    let gpg = Gpg::new();
    let make = |(number, kind): (usize, Kind)| {
        let key = kind.make(&gpg, &format!("kind{number}@research.test"));
        (kind, key)
    };
    kinds().into_iter().enumerate().map(make).collect()
});

fn key(name: &str) -> &'static Key {
    let wanted = |(kind, _): &&(Kind, Result<Key, String>)| kind.name == name;
    let (_, key) = KEYS.iter().find(wanted).expect("a kind of key");
    key.as_ref().unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// As the daemon loads it.
fn keyring(key: &Key) -> Keyring {
    load(key, &key.secret, None)
}

fn locked_keyring(key: &Key) -> Keyring {
    let passphrase = SecretString::from(keys::PASSPHRASE);
    load(key, &key.locked, Some(&passphrase))
}

fn load(key: &Key, secret: &[u8], passphrase: Option<&SecretString>) -> Keyring {
    let sources = [(key.name.clone(), secret.to_vec())];
    let (keyring, problems) = Keyring::load(&sources, passphrase, &key.email, Utc::now());
    for problem in problems {
        println!("{}: {}", key.name, problem.what);
    }
    keyring
}

fn certificates(key: &Key) -> Vec<Certificate> {
    read_certificates(&key.certificate)
}

fn opened(mail: &[u8], keyring: Option<&Keyring>, known: &[Certificate]) -> Message {
    let opening = Opening {
        keyring,
        known,
        limits: Limits::default(),
    };
    open::open(mail, &opening, Utc::now())
}

#[test]
fn gpg_and_we_use_each_others_keys() {
    exchange::check(&Gnupg::new());
}

#[test]
fn sq_and_we_use_each_others_keys() {
    exchange::check(&Sq::new());
}

#[test]
fn the_library_and_we_use_each_others_keys() {
    exchange::check(&Library);
}

#[test]
fn mails_by_gpg_are_read() {
    messages::check_theirs(&Gnupg::new());
}

#[test]
fn mails_by_sq_are_read() {
    messages::check_theirs(&Sq::new());
}

#[test]
fn gpg_reads_our_letters_and_keys() {
    messages::check_ours(&Gnupg::new());
}

#[test]
fn sq_reads_our_letters_and_keys() {
    messages::check_ours(&Sq::new());
}
