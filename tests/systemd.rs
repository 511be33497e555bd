//! What the daemon tells systemd, and the unit that ships with it.

mod common;

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::{Behaviour, Dovecot, SECURITY_ADDRESS, SECURITY_PASSWORD, Setup, Sink};

/// What `systemd-analyze security` may find at most, in tenths: 2.5 is "OK", and far from "MEDIUM".
const EXPOSURE_TENTHS: u32 = 25;

#[test]
fn ready_status_watchdog_and_stopping_are_told() {
    let dovecot = Dovecot::start();
    dovecot.add_user(SECURITY_ADDRESS, SECURITY_PASSWORD);
    let sink = Sink::start(Behaviour::Accept);
    let setup = setup(&dovecot, &sink);
    let systemd = Notifications::listen(&setup.file("notify"));
    setup.set_env("NOTIFY_SOCKET", systemd.path.to_str().unwrap());
    setup.set_env("WATCHDOG_USEC", "8000000");

    let mut daemon = setup.run();
    systemd.wait_for("READY=1");
    systemd.wait_for("STATUS=watching the mailbox");
    // Fed twice as often as the eight seconds demand.
    for _ in 0..3 {
        let waiting = Instant::now();
        systemd.wait_for("WATCHDOG=1");
        assert!(
            waiting.elapsed() < Duration::from_secs(8),
            "{:?}",
            waiting.elapsed()
        );
    }
    assert!(daemon.stop().success(), "{}", daemon.log());
    systemd.wait_for("STOPPING=1");
}

/// Whoever reads READY may send SIGHUP at once. The daemon is held in the middle of telling it, by
/// a socket that takes no more, so that what it has installed until then can be looked at.
#[test]
fn a_reload_right_after_ready_kills_nobody() {
    let dovecot = Dovecot::start();
    dovecot.add_user(SECURITY_ADDRESS, SECURITY_PASSWORD);
    let sink = Sink::start(Behaviour::Accept);
    let setup = setup(&dovecot, &sink);
    let systemd = Notifications::listen(&setup.file("notify"));
    systemd.fill();
    setup.set_env("NOTIFY_SOCKET", systemd.path.to_str().unwrap());
    let mut daemon = setup.run();
    common::wait_until("a handler of SIGHUP", common::SOON, || {
        catches_hangup(daemon.id())
    });
    assert!(!daemon.log().contains("\"started\""), "{}", daemon.log());
    daemon.reload();
    systemd.wait_for("READY=1");
    daemon.wait_for_log("\"reloaded\"");
    assert!(daemon.stop().success(), "{}", daemon.log());
}

/// Bit 0 of the mask stands for signal 1, which is SIGHUP.
fn catches_hangup(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[test]
fn the_unit_points_to_a_page_that_is_installed() {
    let text = std::fs::read_to_string(unit()).unwrap();
    let page = text
        .lines()
        .find_map(|line| line.strip_prefix("Documentation=file://"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let steps = std::fs::read_to_string(root.join("docs/operations.md")).unwrap();
    let step = format!("install -D -m 644 docs/operations.md {}", page.unwrap());
    assert!(steps.contains(&step), "{step}");
}

#[test]
fn without_systemd_nothing_is_told_and_all_works() {
    let dovecot = Dovecot::start();
    dovecot.add_user(SECURITY_ADDRESS, SECURITY_PASSWORD);
    let sink = Sink::start(Behaviour::Accept);
    let setup = setup(&dovecot, &sink);
    setup.set_env("NOTIFY_SOCKET", "/nonexistent/socket");
    let mut daemon = setup.run();
    daemon.wait_for_log("started");
    assert!(daemon.stop().success(), "{}", daemon.log());
}

#[test]
fn the_unit_holds_no_mistake() {
    if is_missing("the_unit_holds_no_mistake") {
        return;
    }
    // The program is not installed here: the unit is checked with the one that was built.
    let folder = common::temporary_directory();
    let copy = folder.path().join("triaged.service");
    let text = std::fs::read_to_string(unit()).unwrap();
    let text = text.replace("/usr/bin/triaged", env!("CARGO_BIN_EXE_triaged"));
    std::fs::write(&copy, text).unwrap();
    let verified = analyze(&["verify", "--man=no", copy.to_str().unwrap()]);
    let words = words(&verified);
    // Other units of this machine are looked at too; their mistakes are not ours.
    let ours: Vec<&str> = words
        .lines()
        .filter(|line| line.contains("triaged"))
        .collect();
    assert_eq!(ours, [""; 0], "{words}");
    assert!(verified.status.success(), "{words}");
}

#[test]
fn the_unit_is_locked_up() {
    if is_missing("the_unit_is_locked_up") {
        return;
    }
    let threshold = format!("--threshold={EXPOSURE_TENTHS}");
    let unit = unit();
    let arguments = [
        "security",
        "--offline=true",
        "--no-pager",
        &threshold,
        unit.to_str().unwrap(),
    ];
    let checked = analyze(&arguments);
    let words = words(&checked);
    if words.contains("unrecognized option") {
        eprintln!(
            "!!!! SKIPPED: the_unit_is_locked_up: this systemd-analyze has no --offline !!!!"
        );
        return;
    }
    assert!(checked.status.success(), "{words}");
    assert!(
        words.contains("Overall exposure level for triaged.service"),
        "{words}"
    );
}

#[test]
fn no_secret_is_named_but_as_a_credential() {
    let text = std::fs::read_to_string(unit()).unwrap();
    let secrets: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter(|line| {
            ["password", "storage.key", ".asc"]
                .iter()
                .any(|word| line.contains(word))
        })
        .collect();
    assert_eq!(secrets.len(), 4);
    assert!(
        secrets
            .iter()
            .all(|line| line.starts_with("LoadCredential=")),
        "{secrets:?}"
    );
    for line in [
        "Type=notify",
        "DynamicUser=yes",
        "StateDirectory=triaged",
        "LimitCORE=0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing");
    }
}

fn setup(dovecot: &Dovecot, sink: &Sink) -> Setup {
    let setup = Setup::generate();
    setup.set("imap.host", "127.0.0.1");
    setup.set("imap.port", i64::from(dovecot.imap_port));
    setup.set("imap.tls", "off");
    setup.set("imap.username", SECURITY_ADDRESS);
    setup.set("imap.password_file", "mail.password");
    setup.send_through(sink);
    setup
}

/// The socket on which systemd listens.
struct Notifications {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Notifications {
    fn listen(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a datagram socket");
        socket
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a timeout");
        Self {
            socket,
            path: path.to_owned(),
        }
    }

    /// Until whoever writes to it has to wait.
    fn fill(&self) {
        let writer = UnixDatagram::unbound().expect("a socket");
        writer
            .set_nonblocking(true)
            .expect("a socket that does not wait");
        while writer.send_to(b"FILLER=1", &self.path).is_ok() {}
    }

    /// Reads on until this line comes.
    #[track_caller]
    fn wait_for(&self, line: &str) {
        let mut buffer = [0; 4096];
        loop {
            let count = self
                .socket
                .recv(&mut buffer)
                .unwrap_or_else(|error| panic!("{line} did not come: {error}"));
            let told = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if told.lines().any(|told| told == line) {
                return;
            }
        }
    }
}

fn unit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/triaged.service")
}

/// Says loudly that a test is skipped where systemd's tool is not on this machine.
fn is_missing(test: &str) -> bool {
    let missing = Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err();
    if missing {
        eprintln!("!!!! SKIPPED: {test}: systemd-analyze is not on this machine !!!!");
    }
    missing
}

fn analyze(arguments: &[&str]) -> Output {
    Command::new("systemd-analyze")
        .args(arguments)
        .output()
        .expect("run systemd-analyze")
}

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
