//! `triaged demo`: the tour, and the folder that it leaves.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{require, temporary_directory};
use unicode_width::UnicodeWidthStr;

/// The program with a folder for what is temporary.
fn triaged(temporary: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_triaged"))
        .args(arguments)
        .env("TMPDIR", temporary)
        .env_remove("TRIAGED_CONFIG")
        .stdin(Stdio::null())
        .output()
        .expect("run triaged")
}

#[track_caller]
fn tour(temporary: &Path, arguments: &[&str]) -> String {
    let output = triaged(temporary, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    assert_eq!(errors, "");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Each stands in the text, below the one before.
#[track_caller]
fn assert_in_order(text: &str, wanted: &[&str]) {
    let mut rest = text;
    for words in wanted {
        let Some((_, below)) = rest.split_once(words) else {
            panic!("{words:?} is not there, or not below what stands before it:\n{text}");
        };
        rest = below;
    }
}

#[test]
fn the_tour_shows_both_sides_and_leaves_nothing() {
    let temporary = temporary_directory();
    let shown = tour(temporary.path(), &["demo"]);
    assert_in_order(
        &shown,
        &[
            "1. A report comes",
            "mira@researcher.example",
            "We have received your report",
            "What happens next",
            "Encrypted message",
            "-----BEGIN PGP MESSAGE-----",
            "-0001] New report: Stored XSS",
            "🔒 signed and encrypted",
            "Mira Okafor",
            "medium?",
            "Deadlines",
            "/severity medium",
            "2. Ada decides",
            "/severity high",
            "/reply",
            "-0001: done",
            "new -> accepted",
            "We have accepted your report",
            "News on your report",
            "thank you: we can see it too",
            "3. Somebody else",
            "/close Not a vulnerability.",
            "Nothing was changed",
            "no signature is",
            "-0001 is accepted and high, as before",
            "4. What else",
            "encrypted",
            "key_request",
            "resend",
            "auto_reply",
            "no answer",
            "Unser OpenPGP-Schlüssel",
            "application/pgp-keys",
            "5. The digest",
            "3 open",
            "New since",
            "audit chain",
            "digest.html",
            "The folder is gone again",
        ],
    );
    for line in shown.lines() {
        assert!(line.width() < 80 || line.contains("digest.html"), "{line}");
    }
    assert!(shown.lines().count() < 200, "{shown}");
    assert!(!shown.contains('\x1b'));
    let left = std::fs::read_dir(temporary.path()).expect("the folder");
    assert_eq!(left.count(), 0);
}

#[test]
fn the_folder_that_stays_works_as_it_says() {
    let temporary = temporary_directory();
    let shown = tour(temporary.path(), &["demo", "--keep"]);
    let folder = only_folder_in(temporary.path());
    let page = std::fs::read_to_string(folder.join("digest.html")).expect("the page");
    assert!(page.contains("Stored XSS in the report title"), "{page}");

    // What the tour says to do, word for word.
    let (_, steps) = shown.split_once("The folder stays").expect("how to go on");
    let steps: Vec<&str> = steps
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    let [run, by_hand @ .., read] = steps.as_slice() else {
        panic!("{shown}");
    };
    assert_eq!(by_hand.len(), 5, "{shown}");
    shell(&folder, &by_hand.join("\n"));
    let config = folder.join("config.toml");
    let config = config.to_str().expect("a path in UTF-8");
    let program = env!("CARGO_BIN_EXE_triaged");
    assert_eq!(*run, format!("{program} --config {config} run"));
    for command in [&["check"][..], &["run", "--once"]] {
        let output = triaged(temporary.path(), &[&["--config", config], command].concat());
        assert!(output.status.success(), "{command:?}: {output:?}");
    }
    let transcript = shell(&folder, &format!("export GNUPGHOME=$PWD/gnupg; {read}"));
    assert_in_order(&transcript, &["-0001: accepted", "/status", "remediate"]);
    shell(&folder, "GNUPGHOME=$PWD/gnupg gpgconf --kill all");
}

fn only_folder_in(folder: &Path) -> PathBuf {
    let entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let [only] = entries.as_slice() else {
        panic!("{entries:?}");
    };
    only.clone()
}

/// What the commands print, whatever their status: GnuPG ends with one where it has not the
/// certificate that a letter is signed with.
fn shell(folder: &Path, commands: &str) -> String {
    require("gpg");
    let output = Command::new("sh")
        .args(["-c", commands])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("run a shell");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
