//! We and GnuPG read each other: keys, ciphertexts and signatures in both directions.
//!
//! The functions of `mail::pgp` alone; `tests/interop` goes through whole mails, over kinds of keys and with sq too.
//! Each test has a GnuPG of its own in a temporary directory.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use secrecy::SecretString;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::{Cert, Error};
use triaged::mail::message::{Certificate, Failure, SignatureStatus};
use triaged::mail::pgp::{
    Keyring, generate, read_certificates, usable_for_encryption, verify_cleartext, verify_detached,
    verify_message,
};

const TEXT: &[u8] =
    b"Steps to reproduce:\r\n- send `A` \xe2\x82\xac 10,000 times  \r\n\r\n- wait\r\n";
const AT_MOST: usize = 1024 * 1024;
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A GnuPG home that is gone, agent and all, at the end of the test.
struct Gpg {
    home: tempfile::TempDir,
}

impl Gpg {
    fn new() -> Self {
        let home = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
        Self { home }
    }

    fn try_run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(common::require("gpg"))
            .arg("--homedir")
            .arg(self.home.path())
            .args([
                "--batch",
                "--yes",
                "--no-tty",
                "--status-fd",
                "2",
                "--trust-model",
                "always",
            ])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // GnuPG may have seen enough before all is written.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    #[track_caller]
    fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.try_run(arguments, input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gpg {arguments:?}: {errors}");
        output.stdout
    }

    /// Makes a key without passphrase; `kind` are the lines of its parameter file.
    #[track_caller]
    fn make(&self, email: &str, kind: &str, options: &[&str]) {
        let parameters =
            format!("%no-protection\n{kind}\nName-Real: Tester\nName-Email: {email}\n%commit\n");
        let arguments = [options, &["--gen-key"]].concat();
        self.run(&arguments, parameters.as_bytes());
    }

    fn secret(&self, email: &str) -> Vec<u8> {
        self.run(&["--armor", "--export-secret-keys", email], b"")
    }

    fn keyring(&self, email: &str) -> Keyring {
        let sources = [(email.to_owned(), self.secret(email))];
        let (keyring, problems) = Keyring::load(&sources, None, email, Utc::now());
        assert_eq!(problems, []);
        keyring
    }

    fn certificate(&self, email: &str) -> Certificate {
        let exported = self.run(&["--export", email], b"");
        read_certificates(&exported).remove(0)
    }

    fn path(&self, name: &str, content: &[u8]) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let kill = |home: &Path| {
            Command::new("gpgconf")
                .arg("--homedir")
                .arg(home)
                .args(["--kill", "all"])
                .status()
        };
        if let Err(error) = kill(self.home.path()) {
            eprintln!("gpg-agent was left running: {error}");
        }
    }
}

const RSA_2048: &str = "Key-Type: RSA\nKey-Length: 2048\nSubkey-Type: RSA\nSubkey-Length: 2048\n\
    Subkey-Usage: encrypt\nExpire-Date: 0";
const RSA_3072: &str = "Key-Type: RSA\nKey-Length: 3072\nSubkey-Type: RSA\nSubkey-Length: 3072\n\
    Subkey-Usage: encrypt\nExpire-Date: 2y";
const CURVE25519: &str = "Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign\n\
    Subkey-Type: ECDH\nSubkey-Curve: cv25519\nSubkey-Usage: encrypt\nExpire-Date: 0";
const P256: &str = "Key-Type: ECDSA\nKey-Curve: nistp256\nKey-Usage: sign\n\
    Subkey-Type: ECDH\nSubkey-Curve: nistp256\nSubkey-Usage: encrypt\nExpire-Date: 0";
const ELGAMAL: &str = "Key-Type: DSA\nKey-Length: 2048\nSubkey-Type: ELG-E\n\
    Subkey-Length: 1024\nExpire-Date: 0";

const SIGNER: &str = "reporter@example.test";
const US: &str = "security@example.test";

#[track_caller]
fn check_decrypts(kind: &str, variants: &[&[&str]]) {
    let gpg = Gpg::new();
    gpg.make(US, kind, &[]);
    let (keyring, _) = Keyring::load(&[(US.to_owned(), gpg.secret(US))], None, US, Utc::now());
    for variant in variants {
        let ciphertext = gpg.run(&[variant, &["--encrypt"][..]].concat(), TEXT);
        let opened = keyring.decrypt(&ciphertext, &[], AT_MOST, Utc::now());
        let opened = opened.unwrap_or_else(|failure| panic!("{variant:?}: {failure:?}"));
        assert_eq!(opened.bytes, TEXT, "{variant:?}");
        assert_eq!(opened.signatures, [], "{variant:?}");
    }
}

const TO_US: &[&[&str]] = &[
    &["--armor", "-r", US],
    &["-r", US],
    &["--armor", "-R", US],
    &["--armor", "-r", US, "--throw-keyids"],
];

#[test]
fn rsa_2048_decrypts() {
    check_decrypts(RSA_2048, TO_US);
}

#[test]
fn rsa_3072_decrypts() {
    check_decrypts(RSA_3072, TO_US);
}

#[test]
fn nist_p256_decrypts() {
    check_decrypts(P256, TO_US);
}

#[test]
fn elgamal_decrypts() {
    check_decrypts(ELGAMAL, TO_US);
}

#[test]
fn curve25519_decrypts_whatever_was_done_to_the_text() {
    check_decrypts(
        CURVE25519,
        &[
            &["--armor", "-r", US],
            &["-r", US],
            &["--armor", "-R", US],
            &["--armor", "-r", US, "--throw-keyids"],
            &["-r", US, "--compress-algo", "none"],
            &["-r", US, "--compress-algo", "zip"],
            &["-r", US, "--compress-algo", "zlib"],
            &["-r", US, "--compress-algo", "bzip2"],
            &["-r", US, "--cipher-algo", "AES128"],
            &["-r", US, "--cipher-algo", "3DES"],
            &[
                "--armor",
                "-r",
                US,
                "--comment",
                "a comment",
                "--emit-version",
            ],
            &[
                "--armor",
                "-r",
                US,
                "--set-filename",
                "poc.py",
                "--symmetric",
                "--passphrase",
                "x",
                "--pinentry-mode",
                "loopback",
            ],
        ],
    );
}

#[test]
fn signatures_under_the_encryption_are_judged() {
    let gpg = Gpg::new();
    gpg.make(US, CURVE25519, &[]);
    gpg.make(SIGNER, RSA_2048, &[]);
    let keyring = gpg.keyring(US);
    let known = [gpg.certificate(US), gpg.certificate(SIGNER)];
    let arguments = ["--armor", "-r", US, "-u", SIGNER, "--sign", "--encrypt"];
    let ciphertext = gpg.run(&arguments, TEXT);
    let opened = keyring
        .decrypt(&ciphertext, &known, AT_MOST, Utc::now())
        .unwrap();
    assert_eq!(opened.bytes, TEXT);
    assert_eq!(opened.signatures.len(), 1);
    assert_eq!(opened.signatures[0].status, SignatureStatus::Good);
    assert_eq!(
        opened.signatures[0].fingerprint.as_ref(),
        Some(&known[1].fingerprint)
    );

    let opened = keyring
        .decrypt(&ciphertext, &known[..1], AT_MOST, Utc::now())
        .unwrap();
    assert_eq!(opened.signatures[0].status, SignatureStatus::UnknownKey);
    assert_eq!(
        opened.signatures[0].fingerprint.as_ref(),
        Some(&known[1].fingerprint)
    );
}

#[test]
fn what_is_not_for_us_says_why() {
    let gpg = Gpg::new();
    gpg.make(US, CURVE25519, &[]);
    gpg.make(SIGNER, CURVE25519, &[]);
    let keyring = gpg.keyring(US);
    let check = |arguments: &[&str], expected: Failure| {
        let ciphertext = gpg.run(arguments, TEXT);
        let opened = keyring.decrypt(&ciphertext, &[], AT_MOST, Utc::now());
        assert_eq!(opened.map(|it| it.bytes), Err(expected), "{arguments:?}");
    };
    check(&["--armor", "-r", SIGNER, "--encrypt"], Failure::NoKey);
    check(&["--armor", "-R", SIGNER, "--encrypt"], Failure::NoKeyFits);
    let password = [
        "--passphrase",
        "x",
        "--pinentry-mode",
        "loopback",
        "--symmetric",
    ];
    check(&password, Failure::PasswordOnly);
    check(&["-u", SIGNER, "--armor", "--sign"], Failure::Malformed);
}

#[test]
fn detached_signatures_are_judged() {
    let gpg = Gpg::new();
    gpg.make(SIGNER, P256, &[]);
    gpg.make("other@example.test", RSA_2048, &[]);
    let known = [
        gpg.certificate(SIGNER),
        gpg.certificate("other@example.test"),
    ];
    let check = |arguments: &[&str], text: &[u8], expected: &[SignatureStatus]| {
        let signature = gpg.run(arguments, TEXT);
        let judged = verify_detached(text, &signature, &known, Utc::now());
        let statuses: Vec<_> = judged.iter().map(|it| it.status).collect();
        assert_eq!(statuses, expected, "{arguments:?}");
        for (judged, known) in judged.iter().zip(&known) {
            assert_eq!(judged.fingerprint.as_ref(), Some(&known.fingerprint));
        }
    };
    let good = SignatureStatus::Good;
    let bad = SignatureStatus::Bad;
    let mut changed = TEXT.to_vec();
    changed[3] ^= 1;
    check(&["-u", SIGNER, "--detach-sign"], TEXT, &[good]);
    check(&["-u", SIGNER, "--armor", "--detach-sign"], TEXT, &[good]);
    check(
        &["-u", SIGNER, "--textmode", "--detach-sign"],
        TEXT,
        &[good],
    );
    check(
        &["-u", SIGNER, "--digest-algo", "SHA512", "--detach-sign"],
        TEXT,
        &[good],
    );
    check(
        &["-u", SIGNER, "--armor", "--detach-sign"],
        &changed,
        &[bad],
    );
    let weak = [
        "-u",
        "other@example.test",
        "--digest-algo",
        "SHA1",
        "--detach-sign",
    ];
    let signature = gpg.run(&weak, TEXT);
    assert_eq!(
        verify_detached(TEXT, &signature, &known, Utc::now())[0].status,
        bad
    );

    let both = [
        "-u",
        SIGNER,
        "-u",
        "other@example.test",
        "--armor",
        "--detach-sign",
    ];
    let signature = gpg.run(&both, TEXT);
    assert_eq!(
        verify_detached(TEXT, &signature, &known, Utc::now()).len(),
        2
    );
    let judged = verify_detached(TEXT, &signature, &[], Utc::now());
    assert!(
        judged
            .iter()
            .all(|it| it.status == SignatureStatus::UnknownKey)
    );
    assert_eq!(
        verify_detached(TEXT, b"no signature", &known, Utc::now()),
        []
    );
    assert_eq!(verify_detached(TEXT, b"", &known, Utc::now()), []);
}

#[test]
fn clear_and_inline_signatures_are_judged() {
    let gpg = Gpg::new();
    gpg.make(SIGNER, CURVE25519, &[]);
    let known = [gpg.certificate(SIGNER)];
    let text = b"-- \n- a list\nFrom here  \n\n\xc3\xa4 end\n";
    let block = gpg.run(&["-u", SIGNER, "--clear-sign"], text);
    for block in [
        block.clone(),
        [b"Dear all,\n\n", &block[..], b"\nfooter\n"].concat(),
        String::from_utf8(block.clone())
            .unwrap()
            .replace('\n', "\r\n")
            .into_bytes(),
    ] {
        let (shown, judged) = verify_cleartext(&block, &known, Utc::now()).unwrap();
        assert_eq!(shown, b"--\n- a list\nFrom here\n\n\xc3\xa4 end\n");
        assert_eq!(judged.len(), 1);
        assert_eq!(judged[0].status, SignatureStatus::Good);
        assert_eq!(judged[0].fingerprint.as_ref(), Some(&known[0].fingerprint));
    }
    let changed = String::from_utf8(block)
        .unwrap()
        .replace("a list", "a lizt");
    let (_, judged) = verify_cleartext(changed.as_bytes(), &known, Utc::now()).unwrap();
    assert_eq!(judged[0].status, SignatureStatus::Bad);
    assert_eq!(verify_cleartext(text, &known, Utc::now()), None);

    for arguments in [
        &["-u", SIGNER, "--armor", "--sign"][..],
        &["-u", SIGNER, "--sign"],
    ] {
        let message = gpg.run(arguments, TEXT);
        let opened = verify_message(&message, &known, AT_MOST, Utc::now()).unwrap();
        assert_eq!(opened.bytes, TEXT);
        assert_eq!(opened.signatures[0].status, SignatureStatus::Good);
        assert!(verify_message(&message, &known, 10, Utc::now()).is_none());
    }
    assert!(verify_message(TEXT, &known, AT_MOST, Utc::now()).is_none());
}

#[test]
fn signatures_of_expired_and_revoked_keys_are_told_apart() {
    let gpg = Gpg::new();
    let then = ["--faked-system-time", "20200101T120000"];
    let kind = CURVE25519.replace("Expire-Date: 0", "Expire-Date: 1y");
    gpg.make(SIGNER, &kind, &then);
    let certificate = gpg.certificate(SIGNER);
    let arguments = [&then[..], &["-u", SIGNER, "--detach-sign"]].concat();
    let signature = gpg.run(&arguments, TEXT);
    let check = |certificates: &[Certificate], now, expected| {
        let judged = verify_detached(TEXT, &signature, certificates, now);
        assert_eq!(judged[0].status, expected);
    };
    let then = "2020-02-01T00:00:00Z".parse().unwrap();
    check(
        std::slice::from_ref(&certificate),
        then,
        SignatureStatus::Good,
    );
    check(
        std::slice::from_ref(&certificate),
        Utc::now(),
        SignatureStatus::ExpiredKey,
    );
    let usable = usable_for_encryption(&certificate, Utc::now());
    assert!(usable.unwrap_err().contains("expired on 2020-12-31"));
    assert_eq!(usable_for_encryption(&certificate, then), Ok(()));

    // GnuPG leaves a revocation beside each new key, made harmless by a colon.
    let name = format!("openpgp-revocs.d/{}.rev", certificate.fingerprint);
    let revocation = std::fs::read_to_string(gpg.home.path().join(name)).unwrap();
    gpg.run(
        &["--import"],
        revocation.replace(":-----", "-----").as_bytes(),
    );
    let revoked = gpg.certificate(SIGNER);
    check(
        std::slice::from_ref(&revoked),
        then,
        SignatureStatus::RevokedKey,
    );
    check(
        &[certificate, revoked.clone()],
        then,
        SignatureStatus::RevokedKey,
    );
    let usable = usable_for_encryption(&revoked, then);
    assert!(usable.unwrap_err().contains("is revoked"));
}

#[test]
fn expired_and_revoked_keys_of_ours_still_decrypt() {
    let gpg = Gpg::new();
    let then = ["--faked-system-time", "20200101T120000"];
    let kind = RSA_2048.replace("Expire-Date: 0", "Expire-Date: 1y");
    gpg.make(US, &kind, &then);
    let arguments = [&then[..], &["--armor", "-r", US, "--encrypt"]].concat();
    let ciphertext = gpg.run(&arguments, TEXT);
    let fingerprint = gpg.certificate(US).fingerprint;
    let name = format!("openpgp-revocs.d/{fingerprint}.rev");
    let revocation = std::fs::read_to_string(gpg.home.path().join(name)).unwrap();
    for what in ["expired on 2020-12-31", "is revoked"] {
        let sources = [("file".to_owned(), gpg.secret(US))];
        let (keyring, problems) = Keyring::load(&sources, None, US, Utc::now());
        assert!(
            problems.iter().any(|it| it.what.contains(what)),
            "{problems:?}"
        );
        assert!(problems.iter().all(|it| !it.fatal), "{problems:?}");
        let opened = keyring
            .decrypt(&ciphertext, &[], AT_MOST, Utc::now())
            .unwrap();
        assert_eq!(opened.bytes, TEXT);
        gpg.run(
            &["--import"],
            revocation.replace(":-----", "-----").as_bytes(),
        );
    }
}

/// GnuPG made such keys until 2014, and many were never renewed.
#[test]
fn old_keys_of_ours_decrypt_and_are_to_be_renewed() {
    let short = RSA_2048.replace("2048", "1024");
    let elgamal = ELGAMAL.replace("2048", "1024");
    for (kind, options, expected) in [
        (
            RSA_2048,
            &["--cert-digest-algo", "SHA1"][..],
            "held together by SHA-1",
        ),
        (
            &elgamal,
            &["--cert-digest-algo", "SHA1"],
            "held together by SHA-1",
        ),
        (&short, &[], "has a key of 1024 bits"),
    ] {
        let gpg = Gpg::new();
        gpg.make(US, kind, options);
        let ciphertext = gpg.run(&["--armor", "-r", US, "--encrypt"], TEXT);
        let sources = [("file".to_owned(), gpg.secret(US))];
        let (keyring, problems) = Keyring::load(&sources, None, US, Utc::now());
        let words: Vec<&str> = problems.iter().map(|it| it.what.as_str()).collect();
        let found = words.iter().find(|what| what.contains(expected));
        assert!(
            found.is_some_and(|what| what.contains("triaged key")),
            "{words:?}"
        );
        assert!(problems.iter().all(|it| !it.fatal), "{words:?}");
        let opened = keyring.decrypt(&ciphertext, &[], AT_MOST, Utc::now());
        assert_eq!(opened.map(|it| it.bytes), Ok(TEXT.to_vec()), "{expected}");
    }
}

#[test]
fn a_primary_key_kept_elsewhere_is_no_oddity() {
    let signs = RSA_2048.replace("Key-Length: 2048\n", "Key-Length: 2048\nKey-Usage: cert\n");
    let signs = signs.replace("Subkey-Usage: encrypt", "Subkey-Usage: encrypt sign");
    for (kind, expected) in [
        (&signs[..], &[][..]),
        (CURVE25519, &["signs", "for want of"]),
    ] {
        let home = Gpg::new();
        home.make(US, kind, &[]);
        let key = home.run(&["--armor", "--export-secret-subkeys", US], b"");
        let ciphertext = home.run(&["--armor", "-r", US, "--encrypt"], TEXT);
        let (keyring, problems) = Keyring::load(&[(US.to_owned(), key)], None, US, Utc::now());
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.what.contains(expected), "{problem:?}");
        }
        let opened = keyring.decrypt(&ciphertext, &[], AT_MOST, Utc::now());
        assert_eq!(opened.map(|it| it.bytes), Ok(TEXT.to_vec()));
    }
}

#[test]
fn gpg_reads_what_we_write() {
    let gpg = Gpg::new();
    gpg.make(SIGNER, CURVE25519, &[]);
    gpg.make("rsa@example.test", RSA_2048, &[]);
    gpg.make("curve@example.test", P256, &[]);
    let passphrase = SecretString::from("correct horse");
    let key = generate("Security", US, Some(&passphrase), YEAR, Utc::now()).unwrap();
    let sources = [("key".to_owned(), key.clone().into_bytes())];
    let (keyring, problems) = Keyring::load(&sources, Some(&passphrase), US, Utc::now());
    assert_eq!(problems, []);
    gpg.run(&["--import"], keyring.certificate().as_bytes());

    for reader in [SIGNER, "rsa@example.test", "curve@example.test"] {
        let recipient = gpg.certificate(reader);
        let message = keyring
            .encrypt_signed(&recipient, TEXT, Utc::now())
            .unwrap();
        let output = gpg.try_run(&["--decrypt"], &message);
        let status = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.stdout, TEXT, "{status}");
        assert!(status.contains("[GNUPG:] GOODSIG"), "{status}");
        assert!(status.contains(&keyring.fingerprint()), "{status}");
    }

    let (signature, micalg) = keyring.sign_detached(TEXT, Utc::now()).unwrap();
    assert_eq!(micalg, "pgp-sha512");
    let signature = gpg.path("text.asc", &signature);
    let output = gpg.try_run(&["--verify", &signature, "-"], TEXT);
    let status = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && status.contains("[GNUPG:] GOODSIG"),
        "{status}"
    );

    let known = read_certificates(keyring.certificate().as_bytes());
    let signature = std::fs::read(signature).unwrap();
    let judged = verify_detached(TEXT, &signature, &known, Utc::now());
    assert_eq!(judged[0].status, SignatureStatus::Good);
}

#[test]
fn gpg_takes_our_new_key() {
    let gpg = Gpg::new();
    let passphrase = SecretString::from("correct horse");
    let key = generate("Security", US, Some(&passphrase), YEAR, Utc::now()).unwrap();
    let loopback = [
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "correct horse",
    ];
    gpg.run(&[&loopback[..], &["--import"]].concat(), key.as_bytes());
    let ciphertext = gpg.run(&["--armor", "-r", US, "--encrypt"], TEXT);
    let plain = gpg.run(&[&loopback[..], &["--decrypt"]].concat(), &ciphertext);
    assert_eq!(plain, TEXT);

    let sources = [("key".to_owned(), key.into_bytes())];
    let (keyring, _) = Keyring::load(&sources, Some(&passphrase), US, Utc::now());
    let opened = keyring
        .decrypt(&ciphertext, &[], AT_MOST, Utc::now())
        .unwrap();
    assert_eq!(opened.bytes, TEXT);
    let listed = gpg.run(&["--with-colons", "--list-keys", US], b"");
    let listed = String::from_utf8_lossy(&listed).into_owned();
    assert!(listed.contains(&keyring.fingerprint()), "{listed}");
}

#[test]
fn gpg_takes_our_autocrypt_key_data() {
    let gpg = Gpg::new();
    let key = generate("Security", US, None, YEAR, Utc::now()).unwrap();
    let sources = [("key".to_owned(), key.into_bytes())];
    let (keyring, _) = Keyring::load(&sources, None, US, Utc::now());
    let value = keyring.autocrypt(US);
    let (attributes, data) = value.split_once("keydata=").unwrap();
    assert_eq!(attributes, format!("addr={US}; prefer-encrypt=mutual; "));
    assert!(data.split(' ').all(|piece| piece.len() <= 70), "{value}");
    let packets = STANDARD.decode(data.replace(' ', "")).unwrap();
    gpg.run(&["--import"], &packets);
    let ciphertext = gpg.run(&["--armor", "-r", US, "--encrypt"], TEXT);
    let opened = keyring
        .decrypt(&ciphertext, &[], AT_MOST, Utc::now())
        .unwrap();
    assert_eq!(opened.bytes, TEXT);
}

/// Its lengths of secret numbers are not those of the standard.
#[test]
fn a_key_that_gpg_2_4_exported_under_a_passphrase_is_unlocked() {
    let locked = include_bytes!("fixtures/gnupg-2.4/locked.key.asc");
    let refused = Cert::from_bytes(locked)
        .unwrap()
        .keys()
        .secret()
        .all(|key| {
            let unlocked = key.key().clone().decrypt_secret(&"lodestone".into());
            matches!(
                unlocked.unwrap_err().downcast_ref(),
                Some(Error::MalformedMPI(_))
            )
        });
    assert!(refused, "the library reads it: the test proves nothing");

    let sources = [("locked".to_owned(), locked.to_vec())];
    let load = |passphrase: &str| {
        let passphrase = SecretString::from(passphrase);
        Keyring::load(&sources, Some(&passphrase), US, Utc::now())
    };
    let (keyring, problems) = load("lodestone");
    assert_eq!(problems, []);
    let gpg = Gpg::new();
    gpg.run(&["--import"], keyring.certificate().as_bytes());
    let ciphertext = gpg.run(&["--armor", "-r", US, "--encrypt"], TEXT);
    let opened = keyring.decrypt(&ciphertext, &[], AT_MOST, Utc::now());
    assert_eq!(opened.map(|it| it.bytes), Ok(TEXT.to_vec()));
    let (signature, _) = keyring.sign_detached(TEXT, Utc::now()).unwrap();
    let signature = gpg.path("text.asc", &signature);
    let output = gpg.try_run(&["--verify", &signature, "-"], TEXT);
    assert!(output.status.success(), "{output:?}");

    let (keyring, problems) = load("another");
    assert!(keyring.is_empty());
    assert!(
        problems[0].what.contains("another passphrase"),
        "{problems:?}"
    );
}
