//! What the commands print.
//!
//! Whoever read our output may be gone (`triaged ingest … | head -1`): the work goes on, and only
//! the words are dropped. `println!` would panic in the middle of it. Any other failure to print,
//! a full disk behind `>`, is kept for the end: then the command has failed.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

/// The first failure to print that is not a reader who went away.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Prints a line on standard output: `println!` that never panics.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::cli::say::line(format_args!($($words)*))
    };
}

/// Prints a line on standard error.
macro_rules! complain {
    ($($words:tt)*) => {
        $crate::cli::say::complaint(format_args!($($words)*))
    };
}

pub(super) use {complain, say};

pub fn line(words: fmt::Arguments<'_>) {
    note(writeln!(io::stdout().lock(), "{words}"));
}

/// As it is, line ends included.
pub fn text(text: &str) {
    note(io::stdout().lock().write_all(text.as_bytes()));
}

/// Text that is long and in UTF-8 already.
pub fn bytes(text: &[u8]) {
    note(io::stdout().lock().write_all(text));
}

pub fn complaint(words: fmt::Arguments<'_>) {
    // Where standard error is gone, nobody is left to be told.
    let _ = writeln!(io::stderr().lock(), "{words}");
}

/// The status to exit with, once everything is printed.
pub fn finish(status: ExitCode) -> ExitCode {
    note(io::stdout().lock().flush());
    match FAILED.get() {
        None => status,
        Some(error) => {
            complaint(format_args!(
                "triaged: standard output cannot be written: {error}"
            ));
            ExitCode::from(1)
        }
    }
}

fn note(printed: io::Result<()>) {
    if let Err(error) = printed
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = FAILED.set(error);
    }
}
