//! Where a secret is kept, and reading it. Read when it is needed, so that a
//! rotated password counts at the next connection and a command that needs
//! no password asks for none.
//!
//! Reading blocks: for a command up to [`COMMAND_TIMEOUT`].

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::zeroize::Zeroizing;
use secrecy::{SecretSlice, SecretString};

pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes; several OpenPGP keys fit many times over.
const LARGEST_SECRET: usize = 1_000_000;

/// `…_file`, `…_command` or `…_credential`.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    File(PathBuf),
    /// Run by `/bin/sh -c`; its standard output is the secret.
    Command(String),
    /// `$CREDENTIALS_DIRECTORY/NAME`; where that is not set (an administrator's
    /// shell) the running service's folder, `/run/credentials/triaged.service`.
    Credential(String),
}

/// Why there is no secret. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{place}: cannot be read; {mend}")]
    Unreadable {
        place: String,
        mend: &'static str,
        source: io::Error,
    },
    #[error("{place}: is empty; write the secret to it")]
    Empty { place: String },
    #[error("{place}: is larger than 1 MB; is it the right one?")]
    TooLarge { place: String },
    #[error("{place}: is not UTF-8 text; save it as such")]
    NotText { place: String },
    #[error("{place}: ended with {status}{said}; run it by hand as the same user")]
    Failed {
        place: String,
        status: ExitStatus,
        /// The head of its standard error, in brackets; or nothing.
        said: String,
    },
    #[error("{place}: had not ended after {}s; it must ask nobody and leave nothing running", limit.as_secs())]
    TimedOut { place: String, limit: Duration },
}

impl SecretSource {
    /// A password or passphrase: UTF-8, without the line end that editors leave.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let bytes = self.bytes()?;
        let place = || self.to_string();
        let text = str::from_utf8(&bytes).map_err(|_| SecretError::NotText { place: place() })?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(SecretError::Empty { place: place() });
        }
        Ok(SecretString::from(line))
    }

    /// A key file, byte for byte.
    pub fn read_bytes(&self) -> Result<SecretSlice<u8>, SecretError> {
        // An exact copy: to shrink the buffer instead could leave its contents behind.
        Ok(SecretSlice::from(self.bytes()?.to_vec()))
    }

    fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let place = self.to_string();
        let bytes = match self {
            Self::File(path) => {
                let mend = "check the path and who may read it";
                read_file(path).map_err(|source| unreadable(&place, mend, source))?
            }
            Self::Credential(name) => {
                let path = credential_path(name, std::env::var_os("CREDENTIALS_DIRECTORY"));
                let mend = "is LoadCredential= in the unit, and the service running?";
                read_file(&path).map_err(|source| unreadable(&place, mend, source))?
            }
            Self::Command(command) => run(command, &place, COMMAND_TIMEOUT)?,
        };
        if bytes.is_empty() {
            return Err(SecretError::Empty { place });
        }
        if bytes.len() > LARGEST_SECRET {
            return Err(SecretError::TooLarge { place });
        }
        Ok(bytes)
    }
}

/// Where it is, never what: of a command the program alone, as its arguments
/// may say too much.
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command(command) => {
                let program = command.split_whitespace().next().unwrap_or_default();
                write!(f, "command {program}")
            }
            Self::Credential(name) => write!(f, "credential {name}"),
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretSource({self})")
    }
}

/// Why a secret is less secret than it should be, and the mend.
#[derive(Debug, PartialEq, Eq)]
pub struct Exposure {
    pub what: String,
    pub mend: String,
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.mend)
    }
}

/// Of a file with a secret, or of the home of a gpg-agent: whoever may write there gets what is
/// sent to the agent. `None` where all is well or the file cannot be looked at.
pub fn exposure(path: &Path) -> Option<Exposure> {
    const OF_OTHERS: u32 = 0o077;
    let file = std::fs::metadata(path).ok()?;
    let mode = file.mode() & 0o777;
    if mode & OF_OTHERS != 0 {
        let path = path.display();
        return Some(Exposure {
            what: format!("{path} is open to other users (mode {mode:04o})"),
            mend: format!("run chmod go= {path}"),
        });
    }
    foreign_owner(path, &file).or_else(|| open_folder(path.parent()?))
}

/// Somebody else may exchange what lies in the folder for something else.
fn open_folder(folder: &Path) -> Option<Exposure> {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let found = std::fs::metadata(folder).ok()?;
    let mode = found.mode() & 0o7777;
    if mode & WRITABLE_BY_OTHERS != 0 && mode & STICKY == 0 {
        let folder = folder.display();
        return Some(Exposure {
            what: format!(
                "{folder} can be written to by other users (mode {mode:04o}), who may put other \
                 secrets there"
            ),
            mend: format!("run chmod go-w {folder}"),
        });
    }
    foreign_owner(folder, &found)
}

/// The owner may read and change it whatever its mode is.
fn foreign_owner(path: &Path, found: &Metadata) -> Option<Exposure> {
    let ours = rustix::process::geteuid().as_raw();
    let owner = found.uid();
    (owner != ours && owner != 0).then(|| Exposure {
        what: format!("{} belongs to another user ({owner})", path.display()),
        mend: "give it to root, or to the user that triaged runs as".to_owned(),
    })
}

fn unreadable(place: &str, mend: &'static str, source: io::Error) -> SecretError {
    SecretError::Unreadable {
        place: place.to_owned(),
        mend,
        source,
    }
}

fn credential_path(name: &str, folder: Option<OsString>) -> PathBuf {
    let folder = folder.unwrap_or_else(|| "/run/credentials/triaged.service".into());
    Path::new(&folder).join(name)
}

fn read_file(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    read_all(File::open(path)?)
}

/// At most one byte more than a secret may have, in a buffer that never moves.
fn read_all(secret: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = LARGEST_SECRET + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    secret.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Runs a command in a process group of its own, so that all of it ends at the limit.
fn run(command: &str, place: &str, limit: Duration) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let mend = "check the command";
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| unreadable(place, mend, source))?;
    let group = Pid::from_child(&child);
    let (done, finished) = mpsc::channel();
    std::thread::spawn(move || done.send(what_it_says(&mut child)));
    match finished.recv_timeout(limit) {
        Ok(Ok(said)) => said.secret(place),
        Ok(Err(source)) => Err(unreadable(place, mend, source)),
        Err(_) => {
            // It may have ended in this very moment.
            kill_process_group(group, Signal::KILL).ok();
            Err(SecretError::TimedOut {
                place: place.to_owned(),
                limit,
            })
        }
    }
}

/// How a command ended.
struct Said {
    secret: Zeroizing<Vec<u8>>,
    complaints: Vec<u8>,
    status: ExitStatus,
}

/// Both pipes are read at once, so that no full one holds up the other.
fn what_it_says(child: &mut Child) -> io::Result<Said> {
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let complaints = std::thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(errors) = errors {
            errors.take(100_000).read_to_end(&mut said).ok();
        }
        said
    });
    let secret = match output {
        Some(output) => read_all(output)?,
        None => Zeroizing::default(),
    };
    Ok(Said {
        complaints: complaints.join().unwrap_or_default(),
        status: child.wait()?,
        secret,
    })
}

impl Said {
    fn secret(self, place: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        if self.status.success() {
            return Ok(self.secret);
        }
        Err(SecretError::Failed {
            place: place.to_owned(),
            status: self.status,
            said: shortened(&self.complaints),
        })
    }
}

/// The head of what a command said, on one line.
fn shortened(stderr: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(stderr);
    let line: String = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect();
    if line.is_empty() {
        line
    } else {
        format!(" ({line})")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, SecretSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, content).unwrap();
        (folder, SecretSource::File(path))
    }

    fn command(line: &str) -> SecretSource {
        SecretSource::Command(line.to_owned())
    }

    #[track_caller]
    fn check(source: &SecretSource, expected: &str) {
        assert_eq!(source.read().unwrap().expose_secret(), expected);
    }

    #[track_caller]
    fn check_error(source: &SecretSource, expected: &str) {
        let error = source.read().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(
            !format!("{error:?} {error}").contains("hunter2"),
            "{error:?}"
        );
    }

    #[test]
    fn one_line_end_is_not_part_of_a_password() {
        for content in ["hunter2", "hunter2\n", "hunter2\r\n"] {
            let (_folder, source) = file(content.as_bytes());
            check(&source, "hunter2");
            assert_eq!(
                source.read_bytes().unwrap().expose_secret(),
                content.as_bytes()
            );
        }
        let (_folder, source) = file(b" two words \n\n");
        check(&source, " two words \n");
        check(&command("printf 'hunter2\\n'"), "hunter2");
    }

    #[test]
    fn what_is_no_secret() {
        check_error(&SecretSource::File("/nowhere".into()), "cannot be read");
        let (_folder, empty) = file(b"\n");
        check_error(&empty, "is empty");
        let (_folder, binary) = file(b"hunter2\xff");
        check_error(&binary, "is not UTF-8");
        let (_folder, large) = file(&vec![b'x'; LARGEST_SECRET + 1]);
        check_error(&large, "is larger than 1 MB");
        check_error(
            &SecretSource::Credential("none".to_owned()),
            "LoadCredential=",
        );
        check_error(
            &command("printf hunter2; exit 3"),
            "ended with exit status: 3",
        );
        check_error(
            &command("printf hunter2; printf 'a\\nb' >&2; exit 1"),
            "(a b)",
        );
        check_error(&command("true"), "is empty");
    }

    #[test]
    fn what_a_command_says_is_cut_by_characters() {
        let said = shortened("ü".repeat(300).as_bytes());
        assert_eq!(said.chars().filter(|&c| c == 'ü').count(), 200);
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let started = std::time::Instant::now();
        let limit = Duration::from_millis(50);
        let error = run("sleep 60 & sleep 60", "command sleep", limit).unwrap_err();
        assert!(matches!(error, SecretError::TimedOut { .. }), "{error}");
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn it_shows_where_and_never_what() {
        let source = command("echo hunter2");
        assert_eq!(
            format!("{source} {source:?}"),
            "command echo SecretSource(command echo)"
        );
        let source = SecretSource::File("/etc/triaged/x".into());
        assert_eq!(source.to_string(), "file /etc/triaged/x");
    }

    #[test]
    fn credentials_are_in_the_folder_that_systemd_names() {
        let given = credential_path("imap", Some("/run/user/1/c".into()));
        assert_eq!(given, Path::new("/run/user/1/c/imap"));
        let service = credential_path("imap", None);
        assert_eq!(service, Path::new("/run/credentials/triaged.service/imap"));
    }

    #[test]
    fn open_permissions_are_a_problem() {
        let (folder, _) = file(b"x");
        let path = folder.path().join("secret");
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        for (mode, is_problem) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            set(&path, mode);
            assert_eq!(exposure(&path).is_some(), is_problem, "{mode:o}");
        }
        assert_eq!(exposure(Path::new("/nowhere")), None);
        set(&path, 0o600);
        for (mode, is_problem) in [
            (0o755, false),
            (0o775, true),
            (0o757, true),
            (0o1777, false),
        ] {
            set(folder.path(), mode);
            assert_eq!(exposure(&path).is_some(), is_problem, "{mode:o}");
        }
    }

    #[test]
    fn a_secret_of_somebody_else_is_a_problem() {
        let path = Path::new("/etc/hostname");
        let found = fs::metadata(path).unwrap();
        assert_eq!(foreign_owner(path, &found), None, "root's");
        let (folder, _) = file(b"x");
        let path = folder.path().join("secret");
        if std::os::unix::fs::chown(&path, Some(12_345), None).is_ok() {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let exposure = exposure(&path).unwrap();
            assert!(
                exposure.what.contains("belongs to another user (12345)"),
                "{exposure}"
            );
        }
    }
}
