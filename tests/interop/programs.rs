//! The other programs, each with what it needs to write to us and to read what we write.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::common::{Gpg, require, write_file};
use crate::keys::Key;

/// How a text is signed without being encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Detached,
    Cleartext,
    /// `-----BEGIN PGP MESSAGE-----` around text and signature.
    Message,
}

/// What one encrypts and for whom; `options` are the program's own.
pub struct Sealing<'a> {
    pub text: &'a [u8],
    pub to: &'a [&'a Key],
    pub signer: Option<&'a Key>,
    pub options: &'a [&'a str],
}

/// An OpenPGP program. Errors are its own words.
pub trait Program {
    /// With the version: `gpg 2.2.40`.
    fn name(&self) -> &str;

    /// The option that makes it armour what it encrypts.
    fn armour(&self) -> &'static [&'static str];

    /// May the program use this certificate? Then it also gets the secret key.
    fn takes(&self, key: &Key) -> Result<(), String>;

    fn encrypts(&self, sealing: &Sealing) -> Result<Vec<u8>, String>;

    fn signs(
        &self,
        form: Form,
        text: &[u8],
        signer: &Key,
        options: &[&str],
    ) -> Result<Vec<u8>, String>;

    /// The plaintext, where `from` signed it.
    fn decrypts(&self, message: &[u8], to: &Key, from: &Key) -> Result<Vec<u8>, String>;

    fn verifies(&self, text: &[u8], signature: &[u8], from: &Key) -> Result<(), String>;
}

pub struct Gnupg {
    gpg: Gpg,
    name: String,
    taken: RefCell<HashSet<String>>,
}

impl Gnupg {
    pub fn new() -> Self {
        let gpg = Gpg::new();
        let version = gpg.run(&["--version"], b"").stdout;
        let version = String::from_utf8_lossy(&version);
        let options = gpg.run(&["--dump-options"], b"").stdout;
        // Since 2.3 it wants to be asked twice.
        if String::from_utf8_lossy(&options).contains("--allow-old-cipher-algos") {
            write_file(&gpg.home().join("gpg.conf"), "allow-old-cipher-algos\n");
        }
        let first = version.lines().next().unwrap_or_default();
        let number = first.rsplit(' ').next().unwrap_or_default();
        Self {
            name: format!("gpg {number}"),
            gpg,
            taken: RefCell::default(),
        }
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        succeeded(self.gpg.try_run(arguments, input)).map(|output| output.stdout)
    }
}

impl Program for Gnupg {
    fn name(&self) -> &str {
        &self.name
    }

    fn armour(&self) -> &'static [&'static str] {
        &["--armor"]
    }

    fn takes(&self, key: &Key) -> Result<(), String> {
        if !self.taken.borrow_mut().insert(key.fingerprint.clone()) {
            return Ok(());
        }
        self.run(&["--import"], &key.certificate)?;
        let listed = self.run(&["--with-colons", "--list-keys", &key.fingerprint], b"")?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        if !listed.contains(&key.fingerprint) {
            return Err("not listed after the import".to_owned());
        }
        self.run(&["--import"], &key.secret).map(drop)
    }

    fn encrypts(&self, sealing: &Sealing) -> Result<Vec<u8>, String> {
        let mut arguments = sealing.options.to_vec();
        if !sealing.to.is_empty() {
            arguments.push("--encrypt");
        }
        for key in sealing.to {
            self.takes(key)?;
            arguments.extend(["--recipient", &key.fingerprint]);
        }
        if let Some(signer) = sealing.signer {
            self.takes(signer)?;
            arguments.extend(["--sign", "--local-user", &signer.fingerprint]);
        }
        self.run(&arguments, sealing.text)
    }

    fn signs(
        &self,
        form: Form,
        text: &[u8],
        signer: &Key,
        options: &[&str],
    ) -> Result<Vec<u8>, String> {
        self.takes(signer)?;
        let form = match form {
            Form::Detached => "--detach-sign",
            Form::Cleartext => "--clear-sign",
            Form::Message => "--sign",
        };
        let fixed = ["--armor", "--local-user", &signer.fingerprint, form];
        self.run(&[options, &fixed[..]].concat(), text)
    }

    fn decrypts(&self, message: &[u8], to: &Key, from: &Key) -> Result<Vec<u8>, String> {
        self.takes(to)?;
        self.takes(from)?;
        let output = succeeded(self.gpg.try_run(&["--decrypt"], message))?;
        signed_by(&output, from).map(|()| output.stdout)
    }

    fn verifies(&self, text: &[u8], signature: &[u8], from: &Key) -> Result<(), String> {
        self.takes(from)?;
        let file = self.gpg.home().join("signature");
        write_file(&file, signature);
        let file = file.to_str().expect("a path in UTF-8");
        let output = succeeded(self.gpg.try_run(&["--verify", file, "-"], text))?;
        signed_by(&output, from)
    }
}

/// GnuPG names the primary key at the end of `VALIDSIG`, and says `GOODSIG` of no expired or revoked one.
fn signed_by(output: &Output, from: &Key) -> Result<(), String> {
    let status = words(output);
    let is_valid = |line: &str| line.contains("VALIDSIG") && line.ends_with(&from.fingerprint);
    if status.contains("[GNUPG:] GOODSIG") && status.lines().any(is_valid) {
        Ok(())
    } else {
        Err(format!("no good signature by {}: {status}", from.name))
    }
}

/// Sequoia's own program. Its commands were all renamed for version 1.
pub struct Sq {
    name: String,
    is_old: bool,
    home: TempDir,
}

impl Sq {
    pub fn new() -> Self {
        let output = Command::new(require("sq"))
            .arg("version")
            .output()
            .expect("run sq");
        let old = Command::new(require("sq"))
            .arg("--version")
            .output()
            .expect("run sq");
        let said = [output.stdout, output.stderr, old.stdout].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let number = said
            .lines()
            .filter_map(|line| line.strip_prefix("sq "))
            .find_map(|rest| rest.split(' ').next())
            .unwrap_or_else(|| panic!("sq does not tell its version: {said}"));
        Self {
            name: format!("sq {number}"),
            is_old: number.starts_with("0."),
            home: tempfile::Builder::new().prefix("sq-").tempdir().unwrap(),
        }
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Output, String> {
        let file = self.file("input", input);
        let mut command = Command::new(require("sq"));
        if !self.is_old {
            command.arg("--home").arg(self.home.path().join("home"));
        }
        let output = command
            .args(arguments)
            .stdin(std::fs::File::open(file).expect("the input file"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .expect("run sq");
        succeeded(output)
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path: PathBuf = self.home.path().join(name);
        write_file(&path, content);
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    fn certificate(&self, key: &Key) -> String {
        self.file(&format!("{}.cert", key.fingerprint), &key.certificate)
    }

    fn secret(&self, key: &Key) -> String {
        self.file(&format!("{}.key", key.fingerprint), &key.secret)
    }

    fn word<'w>(&self, old: &'w str, new: &'w str) -> &'w str {
        if self.is_old { old } else { new }
    }
}

impl Program for Sq {
    fn name(&self) -> &str {
        &self.name
    }

    fn armour(&self) -> &'static [&'static str] {
        &[]
    }

    fn takes(&self, key: &Key) -> Result<(), String> {
        let said = self.run(&["inspect", &self.certificate(key)], b"")?;
        let said = [said.stdout, said.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        if said.contains(&key.fingerprint) {
            Ok(())
        } else {
            Err(format!("cannot read the certificate: {said}"))
        }
    }

    fn encrypts(&self, sealing: &Sealing) -> Result<Vec<u8>, String> {
        let mut arguments = vec!["encrypt".to_owned()];
        arguments.extend(sealing.options.iter().map(|option| (*option).to_owned()));
        for key in sealing.to {
            let option = self.word("--recipient-cert", "--for-file");
            arguments.extend([option.to_owned(), self.certificate(key)]);
        }
        match sealing.signer {
            Some(signer) => {
                let option = self.word("--signer-key", "--signer-file");
                arguments.extend([option.to_owned(), self.secret(signer)]);
            }
            None if self.is_old => {}
            None => arguments.push("--without-signature".to_owned()),
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.run(&arguments, sealing.text)
            .map(|output| output.stdout)
    }

    fn signs(
        &self,
        form: Form,
        text: &[u8],
        signer: &Key,
        options: &[&str],
    ) -> Result<Vec<u8>, String> {
        let key = self.secret(signer);
        let signer = [self.word("--signer-key", "--signer-file"), &key];
        let form: &[&str] = match (form, self.is_old) {
            (Form::Detached, true) => &["--detached"],
            (Form::Detached, false) => &["--signature-file", "-"],
            (Form::Cleartext, true) => &["--cleartext-signature"],
            (Form::Cleartext, false) => &["--cleartext"],
            (Form::Message, true) => &[],
            (Form::Message, false) => &["--message"],
        };
        self.run(&[&["sign"], &signer[..], form, options].concat(), text)
            .map(|output| output.stdout)
    }

    fn decrypts(&self, message: &[u8], to: &Key, from: &Key) -> Result<Vec<u8>, String> {
        let (key, certificate) = (self.secret(to), self.certificate(from));
        let arguments = [
            "decrypt",
            self.word("--recipient-key", "--recipient-file"),
            &key,
            self.word("--signer-cert", "--signer-file"),
            &certificate,
        ];
        self.run(&arguments, message).map(|output| output.stdout)
    }

    fn verifies(&self, text: &[u8], signature: &[u8], from: &Key) -> Result<(), String> {
        let certificate = self.certificate(from);
        let signature = self.file("signature", signature);
        let arguments = [
            "verify",
            self.word("--signer-cert", "--signer-file"),
            &certificate,
            self.word("--detached", "--signature-file"),
            &signature,
        ];
        self.run(&arguments, text).map(drop)
    }
}

fn succeeded(output: Output) -> Result<Output, String> {
    if output.status.success() {
        Ok(output)
    } else {
        Err(words(&output))
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
