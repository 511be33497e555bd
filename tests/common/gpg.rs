//! GnuPG with a home and an agent of its own: the reporter's side of OpenPGP,
//! by another implementation than ours.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::process::Process;
use super::{SOON, require, wait_until, write_file};

pub struct Gpg {
    // Before the home: fields are dropped in this order.
    agent: Process,
    home: TempDir,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 with a Curve25519 subkey for encryption; made in a moment.
    Curve25519,
    /// RSA with this many bits; 2048 take about a second.
    Rsa(u32),
}

/// What came out of an encrypted message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decrypted {
    pub bytes: Vec<u8>,
    /// Fingerprint of the primary key behind a good signature.
    pub signed_by: Option<String>,
}

impl Gpg {
    #[track_caller]
    pub fn new() -> Self {
        // Private, or gpg complains; short, for the path of its socket.
        let home = tempfile::Builder::new()
            .prefix("gpg-")
            .permissions(PermissionsExt::from_mode(0o700))
            .tempdir()
            .expect("a temporary directory");
        let agent = Process::start(
            "gpg-agent",
            Command::new(require("gpg-agent"))
                .arg("--homedir")
                .arg(home.path())
                .args(["--daemon", "--no-detach", "--quiet"])
                .args(["--allow-loopback-pinentry", "--allow-preset-passphrase"])
                // Passphrases of tests guard nothing; unlocking a key need not take a second.
                .arg("--s2k-count=65536")
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
            Some(home.path()),
        );
        let socket = home.path().join("S.gpg-agent");
        wait_until("the socket of gpg-agent", SOON, || socket.exists());
        Self { agent, home }
    }

    /// A key without expiry and passphrase; returns its fingerprint.
    #[track_caller]
    pub fn generate(&self, name: &str, email: &str, algorithm: Algorithm) -> String {
        self.generate_with(name, email, algorithm, "", "0")
    }

    /// `expires` in gpg's words: `0`, `1d`, `seconds=2`.
    #[track_caller]
    pub fn generate_with(
        &self,
        name: &str,
        email: &str,
        algorithm: Algorithm,
        passphrase: &str,
        expires: &str,
    ) -> String {
        let algorithm = match algorithm {
            Algorithm::Curve25519 => "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign,cert\n\
                Subkey-Type: ECDH\nSubkey-Curve: cv25519\nSubkey-Usage: encrypt\n"
                .to_owned(),
            Algorithm::Rsa(bits) => format!(
                "Key-Type: RSA\nKey-Length: {bits}\nKey-Usage: sign,cert\n\
                 Subkey-Type: RSA\nSubkey-Length: {bits}\nSubkey-Usage: encrypt\n"
            ),
        };
        let protection = match passphrase {
            "" => "%no-protection\n".to_owned(),
            passphrase => format!("Passphrase: {passphrase}\n"),
        };
        let parameters = format!(
            "{algorithm}{protection}Name-Real: {name}\nName-Email: {email}\n\
             Expire-Date: {expires}\n%commit\n"
        );
        let arguments = [&loopback(passphrase)[..], &["--gen-key"]].concat();
        let output = self.run(&arguments, parameters.as_bytes());
        status_word(&output, "KEY_CREATED", 2).expect("a new key")
    }

    #[track_caller]
    pub fn import(&self, armored: &str) {
        self.run(&["--import"], armored.as_bytes());
    }

    /// The certificate, armored. `who`: an address or a fingerprint.
    #[track_caller]
    pub fn export(&self, who: &str) -> String {
        text(self.run(&["--armor", "--export", who], b"").stdout)
    }

    /// The secret key, armored, under `passphrase` where it has one.
    #[track_caller]
    pub fn export_secret(&self, who: &str, passphrase: &str) -> String {
        let export = ["--armor", "--export-secret-keys", who];
        let arguments = [&loopback(passphrase)[..], &export].concat();
        text(self.run(&arguments, b"").stdout)
    }

    /// Armored. Signed by `signer` too where there is one.
    #[track_caller]
    pub fn encrypt(&self, bytes: &[u8], recipients: &[&str], signer: Option<&str>) -> String {
        let mut arguments = vec!["--armor", "--encrypt"];
        for recipient in recipients {
            arguments.extend(["--recipient", recipient]);
        }
        if let Some(signer) = signer {
            arguments.extend(["--sign", "--local-user", signer]);
        }
        text(self.run(&arguments, bytes).stdout)
    }

    /// An armored signature beside the bytes.
    #[track_caller]
    pub fn sign_detached(&self, bytes: &[u8], signer: &str) -> String {
        let arguments = [
            "--armor",
            "--digest-algo",
            "SHA512",
            "--detach-sign",
            "--local-user",
            signer,
        ];
        text(self.run(&arguments, bytes).stdout)
    }

    /// The text with a cleartext signature round it (RFC 9580, 7).
    #[track_caller]
    pub fn sign_cleartext(&self, text_bytes: &[u8], signer: &str) -> String {
        let arguments = ["--clearsign", "--local-user", signer];
        text(self.run(&arguments, text_bytes).stdout)
    }

    #[track_caller]
    pub fn decrypt(&self, message: &[u8]) -> Decrypted {
        let output = self.run(&["--decrypt"], message);
        Decrypted {
            signed_by: status_word(&output, "VALIDSIG", 9),
            bytes: output.stdout,
        }
    }

    /// The fingerprint of the primary key where the detached signature is good.
    pub fn verify(&self, bytes: &[u8], signature: &str) -> Option<String> {
        let file = self.home.path().join("signature.asc");
        write_file(&file, signature);
        let file = file.to_str().expect("a path in UTF-8");
        let output = self.try_run(&["--verify", file, "-"], bytes);
        status_word(&output, "VALIDSIG", 9)
    }

    /// Any gpg command; panics where it fails.
    #[track_caller]
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let output = self.try_run(arguments, input);
        assert!(
            output.status.success(),
            "gpg {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// Any gpg command. Status lines (`[GNUPG:] …`) stand among its errors.
    #[track_caller]
    pub fn try_run(&self, arguments: &[&str], input: &[u8]) -> Output {
        // From a file, so that no large input waits for an output that nobody reads.
        let file = tempfile::NamedTempFile::new_in(self.home.path()).expect("an input file");
        write_file(file.path(), input);
        Command::new(require("gpg"))
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--batch", "--no-tty", "--quiet", "--status-fd", "2"])
            .args(["--trust-model", "always", "--no-auto-key-locate"])
            .args(arguments)
            .stdin(File::open(file.path()).expect("the input file"))
            .output()
            .expect("run gpg")
    }

    /// The process group of the agent.
    pub fn group(&self) -> u32 {
        self.agent.id()
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

/// Options that give the agent a passphrase without a dialogue.
fn loopback(passphrase: &str) -> [&str; 4] {
    ["--pinentry-mode", "loopback", "--passphrase", passphrase]
}

/// The word at `place` behind the first status line of this name; the first word has place 0.
fn status_word(output: &Output, name: &str, place: usize) -> Option<String> {
    let status = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("[GNUPG:] ")?.strip_prefix(name))?;
    // KEY_CREATED: type, fingerprint. VALIDSIG: fingerprint, eight facts, the primary key's.
    line.split_whitespace()
        .nth(place)
        .or(line.split_whitespace().last())
        .map(str::to_owned)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("armored text")
}
