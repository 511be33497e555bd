//! Secrets: not in a core dump, not in the log, not in a file, and not left behind in memory.

mod common;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Algorithm, Researcher};
use common::{Dovecot, Postfix, SECURITY_ADDRESS, SECURITY_PASSWORD, SOON, Setup, wait_until};

const PASSPHRASE: &str = "zwölf boxkämpfer jagen viktor quer";

/// An installation whose key has a passphrase, and whose secrets are nobody else's words.
fn office<'a>(dovecot: &'a Dovecot, postfix: &'a Postfix) -> Setup {
    let mut setup = Setup::new(dovecot, postfix);
    let kind = Algorithm::Curve25519;
    let key = setup
        .gpg
        .generate_with("Us", SECURITY_ADDRESS, kind, PASSPHRASE, "0");
    let secret = setup.gpg.export_secret(&key, PASSPHRASE);
    setup.fingerprint = key;
    setup.write("security.key.asc", &secret);
    setup.write("key.passphrase", PASSPHRASE);
    setup.set("openpgp.passphrase_file", "key.passphrase");
    setup.set("imap.poll_interval", "1s");
    setup
}

/// The forms in which a password travels and is kept.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let plain = format!("\0{SECURITY_ADDRESS}\0{secret}");
    vec![
        secret.as_bytes().to_vec(),
        STANDARD.encode(secret).into_bytes(),
        STANDARD.encode(plain).into_bytes(),
    ]
}

/// All that the process has in memory and may write to: its heap, its stacks, its data.
fn memory(process: u32) -> Vec<(String, Vec<u8>)> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).expect("its mappings");
    let mut mem = File::open(format!("/proc/{process}/mem")).expect("its memory; run as root");
    let mut regions = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let range = line.split(' ').next().expect("a range");
        let (start, end) = range.split_once('-').expect("start and end");
        let number = |hex| u64::from_str_radix(hex, 16).expect("hexadecimal");
        let (start, end) = (number(start), number(end));
        mem.seek(SeekFrom::Start(start)).expect("seek");
        let mut bytes = vec![0; usize::try_from(end - start).expect("a length")];
        // Guard pages and the like cannot be read.
        if mem.read_exact(&mut bytes).is_ok() {
            regions.push((line.to_owned(), bytes));
        }
    }
    regions
}

fn places(memory: &[(String, Vec<u8>)], wanted: &[u8]) -> Vec<String> {
    let finder = memchr::memmem::Finder::new(wanted);
    let mut found = Vec::new();
    for (region, bytes) in memory {
        for at in finder.find_iter(bytes) {
            let around = &bytes[at.saturating_sub(64)..(at + wanted.len() + 32).min(bytes.len())];
            found.push(format!(
                "{region} at {at:x}: {:?}",
                String::from_utf8_lossy(around)
            ));
        }
    }
    found
}

#[test]
fn no_password_and_no_passphrase_stays_in_memory() {
    let dovecot = Dovecot::start();
    let postfix = Postfix::start(&dovecot);
    let setup = office(&dovecot, &postfix);
    let alice = Researcher::new(&dovecot, &postfix, "Alice", "alice@research.test");
    let daemon = setup.run();
    let report = alice
        .letter(SECURITY_ADDRESS, "XSS")
        .plain("An XSS at /a\n");
    alice.send(SECURITY_ADDRESS, &report);
    wait_until("the answer", SOON, || alice.inbox().len() == 1);

    let memory = memory(daemon.id());
    let known = setup.fingerprint.as_bytes();
    assert!(
        !places(&memory, known).is_empty(),
        "its memory was not read"
    );
    for secret in [SECURITY_PASSWORD, PASSPHRASE] {
        for form in forms(secret) {
            let found = places(&memory, &form);
            assert!(found.is_empty(), "{secret}: {found:#?}");
        }
    }
}
