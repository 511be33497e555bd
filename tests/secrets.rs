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
use common::{Algorithm, Researcher, Triaged};
use common::{
    Dovecot, Postfix, SECURITY_ADDRESS, SECURITY_PASSWORD, SOON, Setup, install_program, wait_until,
};
use sequoia_openpgp::Cert;
use sequoia_openpgp::crypto::mpi::SecretKeyMaterial;
use sequoia_openpgp::parse::Parse;

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

/// The secret numbers of the configured key.
fn scalars(setup: &Setup) -> Vec<Vec<u8>> {
    let cert = Cert::from_file(setup.file("security.key.asc")).expect("a key");
    let unlocked = cert.keys().secret().map(|key| {
        let key = key.key().clone().decrypt_secret(&PASSPHRASE.into());
        let pair = key.expect("its passphrase").into_keypair().expect("a pair");
        pair.secret().map(|secret| match secret {
            SecretKeyMaterial::EdDSA { scalar } | SecretKeyMaterial::ECDH { scalar } => {
                scalar.value().to_vec()
            }
            _ => panic!("another kind of key"),
        })
    });
    unlocked.collect()
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
    daemon.wait_for_answer(&alice);

    // The search finds what is there: in our own memory, and of what need not be secret.
    let own = memory(std::process::id());
    assert!(!places(&own, PASSPHRASE.as_bytes()).is_empty());
    let memory = memory(daemon.id());
    let known = setup.fingerprint.as_bytes();
    assert!(!places(&memory, known).is_empty());
    let secrets = scalars(&setup);
    assert_eq!(secrets.len(), 2, "a key that signs and one that decrypts");
    for secret in secrets {
        let found = places(&memory, &secret);
        assert!(found.is_empty(), "a secret key: {found:#?}");
    }
    for secret in [SECURITY_PASSWORD, PASSPHRASE] {
        for form in forms(secret) {
            let found = places(&memory, &form);
            assert!(found.is_empty(), "{secret}: {found:#?}");
        }
    }
}

/// Every secret of an office, and what must not be where.
fn all_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files.extend(all_files(&path)),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn no_secret_is_logged_or_written_down() {
    let dovecot = Dovecot::start();
    let postfix = Postfix::start(&dovecot);
    let setup = office(&dovecot, &postfix);
    let alice = Researcher::new(&dovecot, &postfix, "Alice", "alice@research.test");
    setup.set_env("TRIAGED_LOG", "trace");
    let mut daemon = setup.run();
    let report = alice
        .letter(SECURITY_ADDRESS, "XSS")
        .plain("An XSS at /a\n");
    alice.send(SECURITY_ADDRESS, &report);
    daemon.wait_for_answer(&alice);
    assert!(daemon.stop().success());
    for command in ["check", "doctor", "status"] {
        let output = setup.cli(&[command]);
        setup.write(&format!("{command}.out"), &format!("{output:?}"));
    }
    let log = daemon.log();
    assert!(
        log.contains("event=\"started\"") && log.contains("event=\"opened\""),
        "{log}"
    );

    let storage_key = std::fs::read_to_string(setup.file("storage.key")).expect("a key");
    let kept = ["storage.key", "mail.password", "key.passphrase"];
    let files = all_files(setup.directory());
    assert!(files.len() > 8, "{files:?}");
    for path in files {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        if kept.contains(&name) {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        let raw_key: Vec<u8> = (0..32)
            .map(|at| u8::from_str_radix(&storage_key[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        let mut secrets = [forms(SECURITY_PASSWORD), forms(PASSPHRASE)].concat();
        secrets.extend([storage_key.trim().as_bytes().to_vec(), raw_key]);
        for secret in secrets {
            let found = memchr::memmem::find(&bytes, &secret);
            assert_eq!(
                found,
                None,
                "{name}: {:?}",
                String::from_utf8_lossy(&secret)
            );
        }
    }
}

/// As a user who is not root: root's processes look the same whether they may be dumped or not.
#[test]
fn no_process_that_reads_secrets_can_be_dumped() {
    const NOBODY: u32 = 65_534;
    let setup = Setup::generate();
    std::fs::create_dir_all(setup.file("mail/new")).expect("a Maildir");
    setup.set("maildir.path", "mail");
    setup.set("sendmail.command", "/bin/false");
    let given = Command::new("chown")
        .args(["-R", "nobody"])
        .arg(setup.directory())
        .status()
        .expect("run chown");
    assert!(given.success(), "the test runs as root");
    std::fs::set_permissions(setup.directory(), PermissionsExt::from_mode(0o755)).expect("chmod");
    // A copy, as nobody need not come to the place of the build.
    let program = setup.file("triaged");
    install_program(env!("CARGO_BIN_EXE_triaged"), &program);
    let mut child = Command::new(&program)
        .args(["ingest", "-"])
        .env("TRIAGED_CONFIG", setup.file("config.toml"))
        .uid(NOBODY)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("run triaged");
    let process = Path::new("/proc").join(child.id().to_string());
    // It waits for a mail; what it has read by then are its keys.
    wait_until("the database", SOON, || setup.database().exists());
    let owner = std::fs::metadata(process.join("status"))
        .expect("its status")
        .uid();
    assert_eq!(owner, 0, "/proc gives what may not be dumped to root");
    let limits = std::fs::read_to_string(process.join("limits")).expect("its limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.expect("a limit").split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core:?}");
    let status = std::fs::read_to_string(process.join("status")).expect("its status");
    assert!(status.contains(&format!("Uid:\t{NOBODY}\t")), "{status}");
    drop(child.stdin.take());
    child.wait().expect("its end");
}

/// Never a refusal: a warning of `check` and `doctor`, and in the log at the start.
#[test]
fn secrets_that_are_open_to_others_are_told() {
    let setup = Setup::generate();
    std::fs::create_dir_all(setup.file("mail/new")).expect("a Maildir");
    setup.set("maildir.path", "mail");
    setup.set("sendmail.command", "/bin/false");
    let closed = setup.cli(&["check"]);
    let said = String::from_utf8_lossy(&closed.stderr).into_owned();
    assert!(!said.contains("other users"), "{said}");

    let mode = |name: &str, mode| {
        std::fs::set_permissions(setup.file(name), PermissionsExt::from_mode(mode)).expect("chmod");
    };
    mode("security.key.asc", 0o644);
    std::fs::create_dir(setup.file("home")).expect("a home");
    mode("home", 0o770);
    setup.set("openpgp.agent_home", "home");
    let words = [
        "security.key.asc is open to other users (mode 0644)",
        "home is open to other users",
    ];
    let check = setup.cli(&["check"]);
    assert!(check.status.success(), "{check:?}");
    let doctor = setup.cli(&["doctor"]);
    let run = setup.run_once();
    for (name, output) in [
        ("check", check.stderr),
        ("doctor", doctor.stdout),
        ("run", run.stderr),
    ] {
        let said = String::from_utf8_lossy(&output).into_owned();
        for word in words {
            assert!(said.contains(word), "{name}: {said}");
        }
    }
}

trait Answers {
    fn wait_for_answer(&self, who: &Researcher<'_>);
}

impl Answers for Triaged {
    #[track_caller]
    fn wait_for_answer(&self, who: &Researcher<'_>) {
        let started = std::time::Instant::now();
        while who.inbox().is_empty() {
            assert!(started.elapsed() < SOON, "no answer: {}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}
