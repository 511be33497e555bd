//! Postfix as the mail server of one test: it takes mail for Dovecot's users on
//! an MX port and from logged-in users on two submission ports, and delivers it
//! into Dovecot's Maildirs. Nothing ever leaves the machine. Needs root, as
//! Postfix does.
//!
//! The local part of an address decides about a recipient's fate:
//! `reject5…@` is refused with 550 at RCPT, `defer4…@` with 451; `bounce5…@` is
//! taken and then returned to the sender, `stuck4…@` is taken and stays in the queue.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::process::{Process, free_port, run_to_end};
use super::{
    Certificates, Dovecot, Reply, SOON, SmtpClient, require, temporary_directory, wait_until,
    write_file,
};

#[derive(Clone, Copy, Debug, Default)]
pub struct PostfixOptions {
    /// The submission ports refuse the empty sender, as some providers do.
    pub refuse_null_sender: bool,
}

pub struct Postfix {
    // Before the home: fields are dropped in this order.
    server: Mutex<Option<Process>>,
    /// For mail from outside: no TLS, no login, our recipients alone.
    pub mx_port: u16,
    /// STARTTLS, and login required.
    pub submission_port: u16,
    /// TLS from the first byte, and login required.
    pub smtps_port: u16,
    certificates: Arc<Certificates>,
    home: TempDir,
}

const QUEUE: [&str; 13] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop",
    "private", "public", "saved", "trace",
];

const MASTER: &str = "
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
gone unix - n n - - pipe user=nobody argv=/bin/sh -c {exit 67}
unreachable unix - n n - - pipe user=nobody argv=/bin/sh -c {exit 75}
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
";

const RECIPIENT_ACCESS: &str = "
/^reject5/ 550 5.1.1 no such mailbox
/^defer4/ 451 4.7.1 greylisted, try again later
";

/// Programs that end with EX_NOUSER and EX_TEMPFAIL (sysexits.h): what goes to
/// Postfix's own `error` and `retry` is refused at RCPT already.
const TRANSPORTS: &str = "
/^bounce5/ gone:
/^stuck4/ unreachable:
";

/// Without a line here their recipients would be refused at RCPT already.
const MAILBOXES_WITHOUT_USER: &str = "
/^(bounce5|stuck4)/ nowhere/
";

impl Postfix {
    #[track_caller]
    pub fn start(dovecot: &Dovecot) -> Self {
        Self::start_with(dovecot, PostfixOptions::default())
    }

    #[track_caller]
    pub fn start_with(dovecot: &Dovecot, options: PostfixOptions) -> Self {
        assert!(
            rustix::process::getuid().is_root(),
            "Postfix can be started by root alone; script/test runs the tests that way"
        );
        let postfix = Self {
            server: Mutex::new(None),
            mx_port: free_port(),
            submission_port: free_port(),
            smtps_port: free_port(),
            certificates: dovecot.certificates(),
            home: temporary_directory(),
        };
        for folder in ["conf", "queue", "data"] {
            std::fs::create_dir(postfix.file(folder)).expect("make a folder of Postfix");
        }
        postfix.configure("main.cf", &postfix.main_configuration(dovecot, options));
        postfix.configure("master.cf", &postfix.services());
        postfix.configure("recipient_access", RECIPIENT_ACCESS);
        postfix.configure("transports", TRANSPORTS);
        postfix.configure("mailboxes_without_user", MAILBOXES_WITHOUT_USER);
        postfix.write_mailboxes(dovecot);
        postfix.make_queue();
        postfix.launch();
        postfix
    }

    fn main_configuration(&self, dovecot: &Dovecot, options: PostfixOptions) -> String {
        let home = self.home.path().display();
        let (mail, owner) = dovecot.mail_root();
        let null_sender = match options.refuse_null_sender {
            true => "check_sender_access inline:{ {<> = 550 5.7.1 the empty sender is refused} }",
            false => "",
        };
        format!(
            "compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
mail_owner = postfix
setgid_group = postdrop
# No syslog in a container.
maillog_file = {home}/maillog
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.test
myorigin = example.test
mynetworks =
mydestination =
alias_maps =
local_recipient_maps =
default_transport = error:5.4.4 this server sends nothing to the world outside
transport_maps = regexp:{home}/conf/transports
virtual_transport = virtual
virtual_mailbox_domains = texthash:{home}/conf/domains
virtual_mailbox_maps = texthash:{home}/conf/mailboxes, regexp:{home}/conf/mailboxes_without_user
virtual_mailbox_base = {mail}
virtual_mailbox_limit = 0
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
message_size_limit = 0
notify_classes =
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 100000
smtpd_hard_error_limit = 100000
in_flow_delay = 0
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth}
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access regexp:{home}/conf/recipient_access
submission_recipient_restrictions =
    check_recipient_access regexp:{home}/conf/recipient_access, permit_sasl_authenticated, reject
submission_sender_restrictions = {null_sender}
",
            mail = mail.display(),
            uid = owner.uid,
            gid = owner.gid,
            certificate = self.certificates.server_certificate().display(),
            key = self.certificates.server_key().display(),
            auth = dovecot.auth_socket().display(),
        )
    }

    fn services(&self) -> String {
        let submission = "-o smtpd_sasl_auth_enable=yes \
            -o smtpd_sender_restrictions=$submission_sender_restrictions \
            -o smtpd_recipient_restrictions=$submission_recipient_restrictions";
        format!(
            "127.0.0.1:{} inet n - n - - smtpd\n\
             127.0.0.1:{} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt {submission}\n\
             127.0.0.1:{} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {submission}\n{MASTER}",
            self.mx_port, self.submission_port, self.smtps_port,
        )
    }

    /// Makes Dovecot's present users known, with a restart: Postfix reads these tables once.
    #[track_caller]
    pub fn update_users(&self, dovecot: &Dovecot) {
        self.write_mailboxes(dovecot);
        self.restart();
    }

    fn write_mailboxes(&self, dovecot: &Dovecot) {
        let users = dovecot.users();
        let mailboxes = users.iter().map(|user| format!("{user} {user}/Maildir/\n"));
        self.configure("mailboxes", &mailboxes.collect::<String>());
        let theirs = users.iter().filter_map(|user| user.split_once('@'));
        let domains: BTreeSet<&str> = ["example.test", "research.test"]
            .into_iter()
            .chain(theirs.map(|(_, domain)| domain))
            .collect();
        let domains = domains.iter().map(|domain| format!("{domain} here\n"));
        self.configure("domains", &domains.collect::<String>());
    }

    /// Writes a file of the configuration. Postfix waits until a table has been
    /// left alone for a second, so the file's time lies in the past.
    fn configure(&self, name: &str, text: &str) {
        let path = self.file("conf").join(name);
        write_file(&path, text);
        let past = SystemTime::now() - Duration::from_secs(60);
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(past))
            .expect("set the time of a table");
    }

    /// The folders that `postfix check` would make in a second or more.
    #[track_caller]
    fn make_queue(&self) {
        let queue = self.file("queue");
        std::fs::create_dir(queue.join("pid")).expect("make a folder of the queue");
        let folders = QUEUE.map(|name| queue.join(name));
        for folder in &folders {
            std::fs::DirBuilder::new()
                .mode(0o700)
                .create(folder)
                .expect("make a folder of the queue");
        }
        // The unprivileged half writes here, and its cache of random numbers.
        run_to_end(
            Command::new("chown")
                .arg("postfix")
                .args(folders)
                .arg(self.file("data")),
        );
    }

    #[track_caller]
    fn launch(&self) {
        let output = File::create(self.file("output")).expect("a file for the output");
        let process = Process::start_session(
            "postfix",
            Command::new(master())
                .arg("-c")
                .arg(self.file("conf"))
                .arg("-s")
                .stdout(Stdio::null())
                .stderr(output),
            Some(self.home.path()),
        );
        *self.server() = Some(process);
        wait_until("Postfix to listen", SOON, || {
            assert!(
                self.server().as_mut().is_some_and(Process::is_running),
                "Postfix does not start:\n{}{}",
                std::fs::read_to_string(self.file("output")).unwrap_or_default(),
                self.log()
            );
            // It listens on all ports or none.
            TcpStream::connect(("127.0.0.1", self.mx_port)).is_ok()
        });
    }

    /// Ends the server; its ports refuse connections from now on. The queue stays.
    pub fn stop(&self) {
        // Outright: what Postfix took is in its queue.
        drop(self.server().take());
    }

    #[track_caller]
    pub fn restart(&self) {
        self.stop();
        self.launch();
    }

    /// Hands over a mail from outside; the server's refusal where it refuses.
    #[track_caller]
    pub fn try_send(&self, from: &str, to: &str, mail: &[u8]) -> Result<Reply, Reply> {
        SmtpClient::connect(self.mx_port).send(from, to, mail)
    }

    /// Hands over a mail from outside; it reaches the mailbox a moment later.
    #[track_caller]
    pub fn send(&self, from: &str, to: &str, mail: &[u8]) {
        if let Err(reply) = self.try_send(from, to, mail) {
            panic!("mail to {to} refused: {} {}", reply.code, reply.text);
        }
    }

    /// How many mails were taken and neither delivered nor returned yet.
    pub fn queue_length(&self) -> usize {
        ["incoming", "active", "deferred"]
            .iter()
            .map(|queue| count_files(&self.file("queue").join(queue)))
            .sum()
    }

    /// The process group of the running server.
    #[track_caller]
    pub fn group(&self) -> u32 {
        self.server().as_ref().expect("a running server").id()
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file("maillog")).unwrap_or_default()
    }

    pub fn certificates(&self) -> Arc<Certificates> {
        Arc::clone(&self.certificates)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A panic while the lock was held says nothing about the process behind it.
    fn server(&self) -> MutexGuard<'_, Option<Process>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The server itself, without the script that starts it in the background.
#[track_caller]
fn master() -> PathBuf {
    let postconf = require("postconf");
    let folder = run_to_end(Command::new(postconf).args(["-d", "-h", "daemon_directory"]));
    Path::new(String::from_utf8_lossy(&folder).trim()).join("master")
}

/// Queues may be spread over folders by the first digits of the names.
fn count_files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => count_files(&entry.path()),
            _ => 1,
        })
        .sum()
}
