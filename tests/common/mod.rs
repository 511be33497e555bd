//! Private servers and small clients for tests against the real world.
//!
//! Everything here listens on loopback ports of its own, lives in a temporary
//! directory, reads no configuration of the host and ends with the test, also
//! when the test panics or its process is killed.
//!
//! ```no_run
//! let dovecot = Dovecot::start();
//! let postfix = Postfix::start(&dovecot);
//! let alice = Researcher::new(&dovecot, &postfix, "Alice", "alice@research.test");
//! let setup = Setup::new(&dovecot, &postfix);
//! let daemon = setup.run();
//! alice.send(SECURITY_ADDRESS, &alice.letter(SECURITY_ADDRESS, "XSS").plain("…"));
//! wait_until("the acknowledgement", SOON, || alice.inbox().len() == 1);
//! ```
//!
//! The modules:
//! `process` starts programs and ends them; `certificates`, `dovecot`, `postfix`
//! and `gpg` are the real programs; `sink` is a scripted SMTP server for faults,
//! `imap_proxy` stands before Dovecot and spoils chosen commands;
//! `imap_client` and `smtp_client` speak to the servers without any code of the
//! program under test; `letter` writes mail as mail programs do; `researcher`
//! is somebody with a mailbox; `triaged` runs our own binary, and `moved_clock`
//! sets the time that it lives in.
#![allow(
    dead_code,
    reason = "each test program uses its own part of the harness"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub mod certificates;
pub mod dovecot;
pub mod gpg;
pub mod imap_client;
pub mod imap_proxy;
pub mod letter;
pub mod moved_clock;
pub mod postfix;
pub mod process;
pub mod researcher;
pub mod sink;
pub mod smtp_client;
pub mod triaged;

#[allow(
    unused_imports,
    reason = "each test program uses its own part of the harness"
)]
pub use self::{
    certificates::Certificates,
    dovecot::{Dovecot, DovecotOptions},
    gpg::{Algorithm, Gpg},
    imap_client::ImapClient,
    imap_proxy::{Fault, ImapProxy},
    letter::Letter,
    postfix::{Postfix, PostfixOptions},
    researcher::Researcher,
    sink::{Behaviour, Sink, Stage},
    smtp_client::{Reply, SmtpClient},
    triaged::{SECURITY_ADDRESS, SECURITY_PASSWORD, Setup, Triaged},
};

/// How long a test waits for something that should take a moment: generous,
/// because the machine may be busy, and without cost when all goes well.
pub const SOON: Duration = Duration::from_secs(30);

/// Polls until `condition` holds; panics with `what` when `timeout` has passed.
#[track_caller]
pub fn wait_until(what: &str, timeout: Duration, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < timeout,
            "waited {timeout:?} in vain for: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The program's path. The test fails where it is missing: a skipped test proves nothing.
///
/// `TRIAGED_GPG`, `TRIAGED_GPG_AGENT` and the like name another version than the machine's own.
#[track_caller]
pub fn require(program: &str) -> PathBuf {
    let variable = format!("TRIAGED_{}", program.to_uppercase().replace('-', "_"));
    if let Some(other) = std::env::var_os(variable) {
        return other.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Servers live in sbin, which the path of a plain user often lacks.
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{program} is not on this machine; script/test installs it"))
}

/// A temporary directory that servers running as other users can enter.
pub fn temporary_directory() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .prefix("triaged-test-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir()
        .expect("a temporary directory")
}

#[track_caller]
pub fn write_file(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::write(path, text).unwrap_or_else(|e| panic!("write {}: {e}", path.display()));
}

/// A program at `path`, the same as the file `source`, that only its owner may write.
///
/// Another process writes it: while a file is open for writing nobody can run it, and a child that
/// another test of this process starts meanwhile holds what is open here until its own `exec`.
#[track_caller]
pub fn install_program(source: impl AsRef<Path>, path: &Path) {
    let status = std::process::Command::new("install")
        .args(["-m", "755"])
        .args([source.as_ref(), path])
        .status()
        .expect("run install");
    assert!(status.success(), "install {}: {status}", path.display());
}
