//! The IMAP client against a real Dovecot: what scripted servers cannot show.
//!
//! Dovecot runs on a port of its own, with a configuration and a mailbox in a
//! temporary folder. It wants to be started by root; elsewhere the tests say
//! loudly that they are skipped.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use triaged::config::{self, Folders, SecretSource, Server, TlsMode};
use triaged::mailbox::imap::Imap;
use triaged::mailbox::{Lane, Mailbox, Part};

const DOVECOT: &str = "/usr/sbin/dovecot";
const MAX_LITERAL: u64 = 60_000_000;
/// `nobody`: Dovecot gives mail to no root.
const OWNER: u32 = 65_534;

struct Dovecot {
    folder: TempDir,
    child: Child,
    imap: u16,
    imaps: u16,
}

impl Dovecot {
    fn start() -> Option<Self> {
        Self::start_with(None)
    }

    /// `None`, and loudly so, where it cannot run.
    /// `capabilities`: what it offers after the login, instead of all that it has.
    fn start_with(capabilities: Option<&str>) -> Option<Self> {
        if !Path::new(DOVECOT).exists() || !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: tests on a real Dovecot; they need {DOVECOT} and root");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let [imap, imaps] = free_ports();
        let root = folder.path();
        // Its processes run as other users.
        open_to_others(root);
        fs::create_dir_all(root.join("mail")).unwrap();
        chown(root.join("mail"), Some(OWNER), Some(OWNER)).unwrap();
        make_certificate(root);
        fs::write(
            root.join("users"),
            "alice@example.test:{PLAIN}häßlich \"\\\n",
        )
        .unwrap();
        let config = root.join("dovecot.conf");
        fs::write(&config, configuration(root, imap, imaps, capabilities)).unwrap();
        let child = Command::new(DOVECOT)
            .args(["-F", "-c"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let dovecot = Self {
            folder,
            child,
            imap,
            imaps,
        };
        dovecot.wait_until_it_listens();
        Some(dovecot)
    }

    fn wait_until_it_listens(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", self.imaps)).is_err() {
            assert!(
                Instant::now() < until,
                "Dovecot does not listen: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// Delivers as a mail server does: complete, then renamed.
    fn deliver(&self, folder: &str, name: &str, bytes: &[u8]) {
        let folder = self.maildir().join(folder);
        for part in ["", "new", "cur", "tmp"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).unwrap();
            chown(&part, Some(OWNER), Some(OWNER)).unwrap();
        }
        let unfinished = folder.join("tmp").join(name);
        fs::write(&unfinished, bytes).unwrap();
        chown(&unfinished, Some(OWNER), Some(OWNER)).unwrap();
        fs::rename(unfinished, folder.join("new").join(name)).unwrap();
    }

    fn fingerprint(&self) -> [u8; 32] {
        let path = self.folder.path().join("certificate.pem");
        Sha256::digest(CertificateDer::from_pem_file(path).unwrap().as_ref()).into()
    }

    fn account(&self, tls: TlsMode) -> config::Imap {
        let password = self.folder.path().join("password");
        fs::write(&password, "häßlich \"\\\n").unwrap();
        config::Imap {
            server: Server {
                host: "127.0.0.1".to_owned(),
                port: match tls {
                    TlsMode::Implicit => self.imaps,
                    TlsMode::StartTls | TlsMode::Off => self.imap,
                },
                tls,
                ca_file: None,
                pin_sha256: Some(self.fingerprint()),
            },
            username: "alice@example.test".to_owned(),
            password: SecretSource::File(password),
            folders: Folders {
                inbox: "INBOX".to_owned(),
                junk: Some("Spam & Müll".to_owned()),
                processed: Some("Geprüft \"1\"".to_owned()),
                poll_interval: Duration::from_secs(60),
                answer_newer_than: Duration::from_secs(60),
            },
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its master takes its other processes down with it.
        let stopped = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        if stopped.is_ok() {
            let _ = self.child.wait();
        }
    }
}

fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn open_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn make_certificate(root: &Path) {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
                     -keyout key.pem -out certificate.pem -days 30 -subj /CN=localhost";
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success());
}

fn configuration(root: &Path, imap: u16, imaps: u16, capabilities: Option<&str>) -> String {
    let root = root.display();
    let capability = capabilities.map_or_else(String::new, |capabilities| {
        format!("imap_capability = {capabilities}\n")
    });
    format!(
        "protocols = imap\n\
         base_dir = {root}/run\n\
         state_dir = {root}/state\n\
         log_path = {root}/log\n\
         listen = 127.0.0.1\n\
         ssl = yes\n\
         ssl_cert = <{root}/certificate.pem\n\
         ssl_key = <{root}/key.pem\n\
         disable_plaintext_auth = no\n\
         auth_mechanisms = plain login\n\
         first_valid_uid = 1\n\
         mail_location = maildir:{root}/mail\n\
         {capability}\
         namespace inbox {{\n inbox = yes\n separator = /\n}}\n\
         passdb {{\n driver = passwd-file\n args = {root}/users\n}}\n\
         userdb {{\n driver = static\n args = uid={OWNER} gid={OWNER} home={root}/mail\n}}\n\
         service imap-login {{\n\
         inet_listener imap {{\n port = {imap}\n }}\n\
         inet_listener imaps {{\n port = {imaps}\n ssl = yes\n }}\n}}\n"
    )
}

fn mail(number: usize) -> Vec<u8> {
    let line = "A line of the text, which is about as long as lines of mail are.\r\n";
    let mut bytes = format!("From: a@example.test\r\nSubject: {number}\r\n\r\n").into_bytes();
    bytes.extend(line.repeat(45).into_bytes());
    bytes
}

#[tokio::test]
async fn every_kind_of_connection_logs_in_and_reads() {
    let Some(dovecot) = Dovecot::start() else {
        return;
    };
    dovecot.deliver("", "1.a.host", &mail(1));
    for tls in [TlsMode::Implicit, TlsMode::StartTls, TlsMode::Off] {
        let account = dovecot.account(tls);
        let mut imap = Imap::connect(&account, MAX_LITERAL).await.unwrap();
        let listing = imap.list(Lane::Inbox, None).await.unwrap();
        let mails = imap
            .fetch(Lane::Inbox, &listing.entries, Part::Whole)
            .await
            .unwrap();
        assert_eq!(mails.len(), 1, "{tls:?}");
        assert_eq!(mails[0].bytes, mail(1));
        assert_eq!(mails[0].entry.size, mail(1).len() as u64);
        imap.close().await;
    }
    let mut account = dovecot.account(TlsMode::Implicit);
    account.username = "mallory@example.test".to_owned();
    let Err(error) = Imap::connect(&account, MAX_LITERAL).await else {
        panic!("a stranger was let in");
    };
    assert!(error.cause.contains("AUTHENTICATIONFAILED"), "{error}");
}

#[tokio::test]
async fn reads_files_and_waits() {
    let Some(dovecot) = Dovecot::start() else {
        return;
    };
    for number in 1..=3 {
        dovecot.deliver("", &format!("{number}.a.host"), &mail(number));
    }
    let account = dovecot.account(TlsMode::Implicit);
    let mut imap = Imap::connect(&account, MAX_LITERAL).await.unwrap();
    let listing = imap.list(Lane::Inbox, None).await.unwrap();
    assert_eq!(listing.entries.len(), 3);
    let age = chrono::Utc::now() - listing.entries[0].received_at;
    assert!(age.num_seconds() < 120, "{age}");

    let headers = imap
        .fetch(Lane::Inbox, &listing.entries, Part::Header)
        .await
        .unwrap();
    assert!(headers[2].bytes.ends_with(b"Subject: 3\r\n\r\n"));

    // The junk folder is not there, then it is.
    assert!(
        imap.list(Lane::Junk, None)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    dovecot.deliver(".Spam &- M&APw-ll", "9.j.host", &mail(9));
    assert_eq!(imap.list(Lane::Junk, None).await.unwrap().entries.len(), 1);

    // The processed folder is made, and filing twice is once.
    let uids: Vec<String> = listing.entries[..2].iter().map(|e| e.uid.clone()).collect();
    for _ in 0..2 {
        imap.file(Lane::Inbox, listing.validity, &uids)
            .await
            .unwrap();
    }
    let after = (listing.validity, "0");
    let left = imap.list(Lane::Inbox, Some(after)).await.unwrap();
    assert_eq!(left.entries, listing.entries[2..]);
    // What was filed and is still asked for has vanished.
    let mails = imap
        .fetch(Lane::Inbox, &listing.entries, Part::Whole)
        .await
        .unwrap();
    assert_eq!(mails.len(), 1);
    assert!(dovecot.maildir().join(".Gepr&APw-ft \"1\"").exists());

    let newest = &listing.entries[2].uid;
    let after = Some((listing.validity, newest.as_str()));
    assert!(
        imap.list(Lane::Inbox, after)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    let begun = Instant::now();
    dovecot.deliver("", "4.a.host", &mail(4));
    imap.wait(Duration::from_secs(60)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(
        imap.list(Lane::Inbox, after).await.unwrap().entries.len(),
        1
    );
    imap.wait(Duration::from_millis(300)).await.unwrap();
    imap.close().await;
}

#[tokio::test]
async fn files_without_move_and_marks_without_uidplus() {
    for (capabilities, left) in [("IMAP4rev1 UIDPLUS", 0), ("IMAP4rev1", 1)] {
        let Some(dovecot) = Dovecot::start_with(Some(capabilities)) else {
            return;
        };
        dovecot.deliver("", "1.a.host", &mail(1));
        let account = dovecot.account(TlsMode::Implicit);
        let mut imap = Imap::connect(&account, MAX_LITERAL).await.unwrap();
        let listing = imap.list(Lane::Inbox, None).await.unwrap();
        let uids = [listing.entries[0].uid.clone()];
        imap.file(Lane::Inbox, listing.validity, &uids)
            .await
            .unwrap();
        let listing = imap.list(Lane::Inbox, None).await.unwrap();
        assert_eq!(listing.entries.len(), left, "{capabilities}");
        let keywords = fs::read_to_string(dovecot.maildir().join("dovecot-keywords"));
        assert_eq!(keywords.is_ok_and(|k| k.contains("$Triaged")), left == 1);
        imap.close().await;
    }
}

#[tokio::test]
async fn a_thousand_mails_are_listed_and_fetched_in_one_go() {
    let Some(dovecot) = Dovecot::start() else {
        return;
    };
    for number in 1..=1_000 {
        dovecot.deliver("", &format!("{number:04}.a.host"), &mail(number));
    }
    let account = dovecot.account(TlsMode::Implicit);
    for _ in 0..2 {
        let mut imap = Imap::connect(&account, MAX_LITERAL).await.unwrap();
        let begun = Instant::now();
        let listing = imap.list(Lane::Inbox, None).await.unwrap();
        let listed = begun.elapsed();
        let mails = imap
            .fetch(Lane::Inbox, &listing.entries, Part::Whole)
            .await
            .unwrap();
        assert_eq!(mails.len(), 1_000);
        eprintln!(
            "1000 mails of {} bytes: listed in {listed:?}, all in {:?}",
            mails[0].bytes.len(),
            begun.elapsed()
        );
        imap.close().await;
    }
}

/// Bytes.
fn memory(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_large_mail_takes_no_more_than_two_copies() {
    let Some(dovecot) = Dovecot::start() else {
        return;
    };
    let large = mail(1).repeat(16_000);
    let size = large.len() as u64;
    dovecot.deliver("", "1.a.host", &large);
    drop(large);
    let account = dovecot.account(TlsMode::Implicit);
    let mut imap = Imap::connect(&account, MAX_LITERAL).await.unwrap();
    let listing = imap.list(Lane::Inbox, None).await.unwrap();
    // Resets the peak (proc(5)).
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS:");
    let mails = imap
        .fetch(Lane::Inbox, &listing.entries, Part::Whole)
        .await
        .unwrap();
    assert_eq!(mails[0].bytes.len() as u64, size);
    let taken = memory("VmHWM:").saturating_sub(before);
    // Half a copy for the other tests in this process.
    assert!(taken < size * 5 / 2, "{taken} bytes for a mail of {size}");
    imap.close().await;

    let mut imap = Imap::connect(&account, 1_000_000).await.unwrap();
    imap.list(Lane::Inbox, None).await.unwrap();
    let refused = imap.fetch(Lane::Inbox, &listing.entries, Part::Whole).await;
    assert!(
        refused
            .unwrap_err()
            .cause
            .contains("at most 2048576 are taken")
    );
}
