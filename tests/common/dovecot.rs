//! Dovecot as the IMAP server of one test: Maildirs in a temporary directory,
//! users in a file, ports of its own. Needs no privileges; as root it gives up
//! its own like the real one.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{Process, free_port, run_to_end};
use super::{Certificates, ImapClient, SOON, require, temporary_directory, wait_until, write_file};

/// What Dovecot 2.3 offers after login, without IDLE and MOVE.
const CAPABILITIES: &str = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE LITERAL+ NAMESPACE \
    UIDPLUS UNSELECT CHILDREN LIST-EXTENDED LIST-STATUS CONDSTORE QRESYNC ESEARCH WITHIN";

#[derive(Clone, Copy, Debug)]
pub struct DovecotOptions {
    /// Offer IDLE (RFC 2177).
    pub idle: bool,
    /// Offer MOVE (RFC 6851).
    pub r#move: bool,
    /// Give every user a folder named Junk.
    pub junk: bool,
    /// The self-signed certificate in place of the authority's.
    pub self_signed: bool,
}

impl Default for DovecotOptions {
    fn default() -> Self {
        Self {
            idle: true,
            r#move: true,
            junk: true,
            self_signed: false,
        }
    }
}

pub struct Dovecot {
    // Before the home: fields are dropped in this order.
    server: Mutex<Option<Process>>,
    users: Mutex<Vec<(String, String)>>,
    options: DovecotOptions,
    certificates: Arc<Certificates>,
    owner: Owner,
    /// STARTTLS, and login in clear too.
    pub imap_port: u16,
    /// TLS from the first byte.
    pub imaps_port: u16,
    home: TempDir,
}

/// Whose files the mails are: nobody's where we are root (Dovecot lets root
/// have no mail), else the current user's.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
    is_root: bool,
}

impl Owner {
    fn of_this_process() -> Self {
        let uid = rustix::process::getuid().as_raw();
        match uid {
            0 => Self {
                uid: 65534,
                gid: 65534,
                is_root: true,
            },
            uid => Self {
                uid,
                gid: rustix::process::getgid().as_raw(),
                is_root: false,
            },
        }
    }

    #[track_caller]
    fn own(self, path: &Path) {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .unwrap_or_else(|e| panic!("chown {}: {e}", path.display()));
    }
}

impl Dovecot {
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(DovecotOptions::default())
    }

    #[track_caller]
    pub fn start_with(options: DovecotOptions) -> Self {
        let dovecot = Self {
            server: Mutex::new(None),
            users: Mutex::new(Vec::new()),
            options,
            certificates: Arc::new(Certificates::make()),
            owner: Owner::of_this_process(),
            imap_port: free_port(),
            imaps_port: free_port(),
            home: temporary_directory(),
        };
        for folder in ["run", "state", "mail"] {
            std::fs::create_dir(dovecot.file(folder)).expect("make a folder of Dovecot");
        }
        dovecot.owner.own(&dovecot.file("mail"));
        write_file(&dovecot.file("users"), "");
        write_file(&dovecot.file("dovecot.conf"), dovecot.configuration());
        dovecot.launch();
        dovecot
    }

    fn configuration(&self) -> String {
        let home = self.home.path().display();
        let Owner { uid, gid, is_root } = self.owner;
        let (certificate, key) = match self.options.self_signed {
            false => (
                self.certificates.server_certificate(),
                self.certificates.server_key(),
            ),
            true => (
                self.certificates.self_signed_certificate(),
                self.certificates.self_signed_key(),
            ),
        };
        let mut text = format!(
            "protocols = imap
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
instance_name = {home}
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 1000
first_valid_uid = 1
first_valid_gid = 1
default_vsz_limit = 0
imap_capability = {capabilities}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
namespace inbox {{
  inbox = yes
{junk}}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service auth {{
  unix_listener {home}/auth {{
    mode = 0666
  }}
}}
# A wrong password must not slow down the next login from loopback.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
",
            certificate = certificate.display(),
            key = key.display(),
            capabilities = self.capabilities(),
            junk = match self.options.junk {
                true => "  mailbox Junk {\n    special_use = \\Junk\n  }\n",
                false => "",
            },
            imap = self.imap_port,
            imaps = self.imaps_port,
        );
        if !is_root {
            text.push_str(&unprivileged());
        }
        text
    }

    fn capabilities(&self) -> String {
        let mut words = CAPABILITIES.to_owned();
        for (offered, word) in [(self.options.idle, " IDLE"), (self.options.r#move, " MOVE")] {
            if offered {
                words.push_str(word);
            }
        }
        words
    }

    #[track_caller]
    fn launch(&self) {
        let output = std::fs::File::create(self.file("output")).expect("a file for the output");
        let process = Process::start(
            "dovecot",
            Command::new(require("dovecot"))
                .args(["-F", "-c"])
                .arg(self.file("dovecot.conf"))
                .stdout(Stdio::null())
                .stderr(output),
            Some(self.home.path()),
        );
        *self.server() = Some(process);
        wait_until("Dovecot's greeting", SOON, || {
            assert!(
                self.server().as_mut().is_some_and(Process::is_running),
                "Dovecot does not start:\n{}{}",
                std::fs::read_to_string(self.file("output")).unwrap_or_default(),
                self.log()
            );
            greets(self.imap_port)
        });
    }

    /// Ends the server; its ports refuse connections from now on.
    pub fn stop(&self) {
        if let Some(mut server) = self.server().take() {
            // The sessions end at once; the master would take a second more to say goodbye.
            server.stop(Duration::from_millis(200));
        }
    }

    /// Starts the server anew on the same ports, with the same mail.
    #[track_caller]
    pub fn restart(&self) {
        self.stop();
        self.launch();
    }

    /// Every process of the server stands still: connections open, and nothing answers.
    pub fn stall(&self) {
        if let Some(server) = self.server().as_mut() {
            server.signal_group(Signal::STOP);
        }
    }

    pub fn resume(&self) {
        if let Some(server) = self.server().as_mut() {
            server.signal_group(Signal::CONT);
        }
    }

    /// Adds a user, or gives a known one another password. May be called while the server runs.
    #[track_caller]
    pub fn add_user(&self, name: &str, password: &str) {
        let mut users = self.users.lock().expect("the list of users");
        users.retain(|(known, _)| known != name);
        users.push((name.to_owned(), password.to_owned()));
        let mut lines = String::new();
        for (name, password) in users.iter() {
            let _ = writeln!(lines, "{name}:{{PLAIN}}{password}::::::");
        }
        drop(users);
        write_file(&self.file("users"), lines);
        self.make_folder(name, "INBOX");
        if self.options.junk {
            self.make_folder(name, "Junk");
        }
    }

    pub fn has_user(&self, name: &str) -> bool {
        self.users().iter().any(|known| known == name)
    }

    /// The names of all users.
    pub fn users(&self) -> Vec<String> {
        let users = self.users.lock().expect("the list of users");
        users.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Makes a folder where it is missing.
    #[track_caller]
    pub fn make_folder(&self, user: &str, folder: &str) {
        let maildir = self.maildir(user, folder);
        for part in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(maildir.join(part)).expect("make a Maildir");
        }
        let home = self.file("mail").join(user);
        for path in [&home, &home.join("Maildir"), &maildir] {
            self.owner.own(path);
        }
        for part in ["cur", "new", "tmp"] {
            self.owner.own(&maildir.join(part));
        }
    }

    /// Puts a mail into the Maildir as a delivery agent does: complete under
    /// `tmp`, then moved. `received_at` becomes its INTERNALDATE. The file's path.
    #[track_caller]
    pub fn deliver(
        &self,
        user: &str,
        folder: &str,
        mail: &[u8],
        received_at: DateTime<Utc>,
    ) -> PathBuf {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Dovecot numbers new mails by the time and the microseconds (M) in their names.
        let name = format!(
            "{}.M{:06}P{}Q{count}.harness",
            Utc::now().timestamp(),
            count % 1_000_000,
            std::process::id(),
        );
        let maildir = self.maildir(user, folder);
        let unfinished = maildir.join("tmp").join(&name);
        write_file(&unfinished, mail);
        std::fs::File::options()
            .write(true)
            .open(&unfinished)
            .and_then(|file| file.set_modified(received_at.into()))
            .expect("set the time of a mail");
        self.owner.own(&unfinished);
        let path = maildir.join("new").join(&name);
        std::fs::rename(&unfinished, &path).expect("deliver a mail");
        path
    }

    /// Puts a mail into the folder over IMAP.
    #[track_caller]
    pub fn append(
        &self,
        user: &str,
        folder: &str,
        mail: &[u8],
        internal_date: Option<DateTime<Utc>>,
    ) {
        self.login(user).append(folder, mail, internal_date);
    }

    /// All mails of the folder as IMAP gives them, in order of arrival; none where there is no such folder.
    #[track_caller]
    pub fn mails(&self, user: &str, folder: &str) -> Vec<Vec<u8>> {
        if !self.maildir(user, folder).is_dir() {
            return Vec::new();
        }
        let mut client = self.login(user);
        client.select(folder);
        client.fetch_all()
    }

    /// A session of the test's own; nothing is selected yet.
    #[track_caller]
    pub fn login(&self, user: &str) -> ImapClient {
        let password = self
            .users
            .lock()
            .expect("the list of users")
            .iter()
            .find_map(|(name, password)| (name == user).then(|| password.clone()));
        let password = password.unwrap_or_else(|| panic!("Dovecot has no user {user}"));
        ImapClient::login(self.imap_port, user, &password)
    }

    /// Gives the folder another UIDVALIDITY and its mails new UIDs from 1 on.
    /// The server is restarted for it, so every session ends. The new UIDVALIDITY.
    #[track_caller]
    pub fn change_uidvalidity(&self, user: &str, folder: &str) -> u32 {
        let uid_validity = self.login(user).select(folder).uid_validity + 1;
        self.number_anew(user, folder, uid_validity);
        uid_validity
    }

    /// UIDs of the folder begin at 1 again under the same UIDVALIDITY, as on a server that was
    /// restored from an old copy. The server is restarted for it, so every session ends.
    #[track_caller]
    pub fn set_back(&self, user: &str, folder: &str) {
        let uid_validity = self.login(user).select(folder).uid_validity;
        self.number_anew(user, folder, uid_validity);
    }

    #[track_caller]
    fn number_anew(&self, user: &str, folder: &str, uid_validity: u32) {
        self.stop();
        let maildir = self.maildir(user, folder);
        for entry in std::fs::read_dir(&maildir)
            .expect("list a Maildir")
            .flatten()
        {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("dovecot.index") {
                std::fs::remove_file(entry.path()).expect("remove an index");
            }
        }
        let list = maildir.join("dovecot-uidlist");
        let guid = super::certificates::hex(&rand::random::<[u8; 16]>());
        write_file(&list, format!("3 V{uid_validity} N1 G{guid}\n"));
        self.owner.own(&list);
        self.launch();
    }

    /// The Maildir (with `cur`, `new`, `tmp`) of a folder.
    pub fn maildir(&self, user: &str, folder: &str) -> PathBuf {
        let inbox = self.file("mail").join(user).join("Maildir");
        match folder {
            "INBOX" => inbox,
            folder => inbox.join(format!(".{folder}")),
        }
    }

    /// The folder that holds a home for each user, and who owns it.
    pub fn mail_root(&self) -> (PathBuf, Owner) {
        (self.file("mail"), self.owner)
    }

    /// Where Postfix asks for passwords: Dovecot's auth protocol.
    pub fn auth_socket(&self) -> PathBuf {
        self.file("auth")
    }

    pub fn certificates(&self) -> Arc<Certificates> {
        Arc::clone(&self.certificates)
    }

    /// The process group of the running server.
    #[track_caller]
    pub fn group(&self) -> u32 {
        self.server().as_ref().expect("a running server").id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file("dovecot.log")).unwrap_or_default()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A panic while the lock was held says nothing about the process behind it.
    fn server(&self) -> MutexGuard<'_, Option<Process>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Settings for a Dovecot that is not started by root: one user for everything, no chroot.
fn unprivileged() -> String {
    let id = |what: &str| {
        let name = run_to_end(Command::new("id").arg(what));
        String::from_utf8_lossy(&name).trim().to_owned()
    };
    let (user, group) = (id("-un"), id("-gn"));
    let services: String = ["anvil", "imap-login", "stats", "imap-urlauth-login"]
        .iter()
        .map(|service| format!("service {service} {{\n  chroot =\n}}\n"))
        .collect();
    format!(
        "default_internal_user = {user}\ndefault_login_user = {user}\n\
         default_internal_group = {group}\n{services}"
    )
}

fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("* OK")
}
