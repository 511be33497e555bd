//! The real program with a complete configuration for the servers of a test.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use toml::Table;

use super::certificates::hex;
use super::process::Process;
use super::{Algorithm, Dovecot, Gpg, Postfix, SOON, Sink, temporary_directory, wait_until};

pub const SECURITY_ADDRESS: &str = "security@example.test";
pub const SECURITY_PASSWORD: &str = "correct horse battery staple";

/// A policy with the usual numbers of a small company.
const POLICY: &str = r#"version = "2026-05-01"
time_zone = "Europe/Berlin"
working_days = ["mon", "tue", "wed", "thu", "fri"]
holidays = ["2026-12-25", "2100-12-25"]

[deadlines]
acknowledge = "48 business hours"
acknowledged_by = "reply"
triage = "7 days"
update = "14 days"

[deadlines.remediate]
critical = "30 days"
high = "90 days"
medium = "180 days"
low = "none"

[deadlines.disclose]
after_fix = "90 days"

[deadlines.exploited]
early_warning = "24 hours"
notification = "72 hours"
final_report = "14 days after fix"
"#;

/// A configuration in a temporary directory, and the program run with it.
pub struct Setup {
    home: TempDir,
    /// Holds the secret key of the security address, and those of members.
    pub gpg: Gpg,
    /// Of the security address's OpenPGP key.
    pub fingerprint: String,
    config: Mutex<Table>,
    environment: Mutex<Vec<(String, String)>>,
    /// How far the program's clock is ahead of ours.
    pub(super) ahead: Mutex<TimeDelta>,
}

impl Setup {
    /// IMAP and SMTP over implicit TLS, every key generated; the mailbox of
    /// `SECURITY_ADDRESS` is made where it is missing.
    #[track_caller]
    pub fn new(dovecot: &Dovecot, postfix: &Postfix) -> Self {
        if !dovecot.has_user(SECURITY_ADDRESS) {
            dovecot.add_user(SECURITY_ADDRESS, SECURITY_PASSWORD);
            postfix.update_users(dovecot);
        }
        let setup = Self::generate();
        let authority = dovecot.certificates().ca();
        setup.set("imap.host", "127.0.0.1");
        setup.set("imap.port", i64::from(dovecot.imaps_port));
        setup.set("imap.tls", "implicit");
        setup.set("imap.ca_file", path_value(&authority));
        setup.set("imap.username", SECURITY_ADDRESS);
        setup.set("imap.password_file", "mail.password");
        setup.set("smtp.host", "127.0.0.1");
        setup.set("smtp.port", i64::from(postfix.smtps_port));
        setup.set("smtp.tls", "implicit");
        setup.set("smtp.ca_file", path_value(&authority));
        setup.set("smtp.username", SECURITY_ADDRESS);
        setup.set("smtp.password_file", "mail.password");
        setup
    }

    /// All but `[imap]`, `[maildir]`, `[smtp]` and `[sendmail]`, for `set` to add.
    #[track_caller]
    pub fn generate() -> Self {
        let gpg = Gpg::new();
        let fingerprint = gpg.generate("Example Corp", SECURITY_ADDRESS, Algorithm::Curve25519);
        let setup = Self {
            home: temporary_directory(),
            gpg,
            fingerprint,
            config: Mutex::new(Table::new()),
            environment: Mutex::new(Vec::new()),
            ahead: Mutex::new(TimeDelta::zero()),
        };
        let key = setup.gpg.export_secret(&setup.fingerprint, "");
        setup.write("security.key.asc", &key);
        setup.write("storage.key", &hex(&rand::random::<[u8; 32]>()));
        setup.write("mail.password", SECURITY_PASSWORD);
        setup.write("policy.toml", POLICY);
        setup.set("organization.name", "Example Corp");
        setup.set("organization.address", SECURITY_ADDRESS);
        setup.set("storage.path", "triaged.db");
        setup.set("storage.key_file", "storage.key");
        setup.set("openpgp.keys", vec!["security.key.asc"]);
        setup.set("policy.file", "policy.toml");
        setup
    }

    /// Over a Maildir, with a sendmail that keeps each letter as a file of its own; no servers.
    #[track_caller]
    pub fn local() -> Self {
        let setup = Self::generate();
        let maildir = setup.file("Maildir");
        super::moved_clock::make_maildir(&maildir);
        let sent = setup.file("sent");
        std::fs::create_dir(&sent).expect("a folder for letters");
        let sendmail = setup.file("sendmail");
        let script = format!(
            "#!/bin/sh\nexec cat > \"$(mktemp {}/$(date +%s%N).XXXXXX)\"\n",
            sent.display()
        );
        setup.write("sendmail.sh", &script);
        super::install_program(setup.file("sendmail.sh"), &sendmail);
        setup.set("maildir.path", path_value(&maildir));
        setup.set("sendmail.command", path_value(&sendmail));
        setup.set("limits.replies_per_address", 100);
        setup
    }

    /// The letters that [`Self::local`] sent, oldest first.
    #[track_caller]
    pub fn sent(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.file("sent")).expect("list the letters");
        let mut sent: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry").path())
            .collect();
        sent.sort();
        sent
    }

    /// Sends through `sink` from now on, in clear and without login.
    pub fn send_through(&self, sink: &Sink) {
        let mut smtp = Table::new();
        smtp.insert("host".to_owned(), "127.0.0.1".into());
        smtp.insert("port".to_owned(), i64::from(sink.port).into());
        smtp.insert("tls".to_owned(), "off".into());
        self.set("smtp", smtp);
    }

    /// Changes one value of `config.toml`: `set("imap.poll_interval", "1s")`.
    #[track_caller]
    pub fn set(&self, path: &str, value: impl Into<toml::Value>) {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
        let mut table = &mut *config;
        for parent in parents.split('.').filter(|name| !name.is_empty()) {
            table = table
                .entry(parent)
                .or_insert_with(|| Table::new().into())
                .as_table_mut()
                .unwrap_or_else(|| panic!("{path}: {parent} is no table"));
        }
        table.insert(key.to_owned(), value.into());
        let text = toml::to_string(&*config).expect("a configuration as text");
        drop(config);
        self.write("config.toml", &text);
    }

    /// Adds a `[[team]]` member with a new key in `self.gpg`; the key's fingerprint.
    #[track_caller]
    pub fn add_member(&self, name: &str, email: &str) -> String {
        let fingerprint = self.gpg.generate(name, email, Algorithm::Curve25519);
        let file = format!("{email}.asc");
        self.write(&file, &self.gpg.export(&fingerprint));
        let mut member = Table::new();
        for (key, value) in [("name", name), ("email", email), ("certificate", &file)] {
            member.insert(key.to_owned(), value.into());
        }
        let mut team = match self
            .config
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get("team")
        {
            Some(toml::Value::Array(team)) => team.clone(),
            _ => Vec::new(),
        };
        team.push(member.into());
        self.set("team", team);
        fingerprint
    }

    /// Writes a file beside `config.toml`, readable by its owner alone.
    #[track_caller]
    pub fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        super::write_file(&path, text);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))
            .expect("make a file private");
    }

    /// A file beside `config.toml`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    pub fn database(&self) -> PathBuf {
        self.file("triaged.db")
    }

    /// The certificate of the security address, armored.
    #[track_caller]
    pub fn certificate(&self) -> String {
        self.gpg.export(&self.fingerprint)
    }

    /// An environment variable for every later start of the program.
    pub fn set_env(&self, name: &str, value: &str) {
        self.unset_env(name);
        self.environment().push((name.to_owned(), value.to_owned()));
    }

    pub fn unset_env(&self, name: &str) {
        self.environment().retain(|(known, _)| known != name);
    }

    fn environment(&self) -> std::sync::MutexGuard<'_, Vec<(String, String)>> {
        self.environment
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the daemon.
    #[track_caller]
    pub fn run(&self) -> Triaged {
        self.start(&["run"])
    }

    /// Starts any command in the background, its output in a log of its own.
    #[track_caller]
    pub fn start(&self, arguments: &[&str]) -> Triaged {
        let log = tempfile::Builder::new()
            .prefix("run-")
            .suffix(".log")
            .tempfile_in(self.home.path())
            .and_then(|file| Ok(file.keep()?))
            .expect("a log");
        let (file, path) = log;
        let errors = file.try_clone().expect("a second handle of the log");
        let process = Process::start(
            "triaged",
            self.command(arguments).stdout(file).stderr(errors),
            Some(self.home.path()),
        );
        Triaged { process, log: path }
    }

    /// One pass over the mailbox, the outbox and the schedule.
    #[track_caller]
    pub fn run_once(&self) -> Output {
        self.cli(&["run", "--once"])
    }

    /// Runs a command to its end; panics where that takes more than a minute.
    #[track_caller]
    pub fn cli(&self, arguments: &[&str]) -> Output {
        let capture = |name: &str| {
            let path = tempfile::Builder::new()
                .prefix(name)
                .tempfile_in(self.home.path())
                .expect("a file for the output");
            (path.reopen().expect("the file for the output"), path)
        };
        let ((stdout, out), (stderr, err)) = (capture("out-"), capture("err-"));
        let mut process = Process::start(
            "triaged",
            self.command(arguments).stdout(stdout).stderr(stderr),
            Some(self.home.path()),
        );
        let status = process.wait(Duration::from_secs(60));
        Output {
            status,
            stdout: std::fs::read(out.path()).expect("read the output"),
            stderr: std::fs::read(err.path()).expect("read the errors"),
        }
    }

    /// The same with this on its standard input.
    #[track_caller]
    pub fn cli_with_input(&self, arguments: &[&str], input: &str) -> Output {
        self.write("input", input);
        let input = std::fs::File::open(self.file("input")).expect("the input");
        self.command(arguments)
            .stdin(input)
            .output()
            .expect("run triaged")
    }

    /// Runs a command with `--json`, which must succeed and print one value.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.json_text(arguments);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {text}"))
    }

    /// The same for commands that print one value per line.
    #[track_caller]
    pub fn json_lines(&self, arguments: &[&str]) -> Vec<Value> {
        self.json_text(arguments)
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {line}"))
            })
            .collect()
    }

    #[track_caller]
    fn json_text(&self, arguments: &[&str]) -> String {
        let mut all = arguments.to_vec();
        all.push("--json");
        let output = self.cli(&all);
        assert!(
            output.status.success(),
            "triaged {all:?}: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_triaged"));
        command
            .args(arguments)
            .env("TRIAGED_CONFIG", self.file("config.toml"))
            .envs(self.environment().iter().cloned())
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }
}

/// A running `triaged`; ended when dropped.
pub struct Triaged {
    process: Process,
    log: PathBuf,
}

impl Triaged {
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// What it printed so far, standard output and error in one.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until the log holds `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        wait_until(&format!("{text:?} in the log"), SOON, || {
            self.log().contains(text)
        });
    }

    /// SIGHUP: policy, templates and team are read anew.
    pub fn reload(&mut self) {
        self.process.signal(Signal::HUP);
    }

    /// SIGTERM, and its exit status; panics where that takes more than half a minute.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.wait()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Waits for the end by itself, for example at a kill point.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait(SOON)
    }
}

fn path_value(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}
