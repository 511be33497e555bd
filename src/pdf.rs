//! Edge to the process that reads PDFs: their text, for a report that came as one.
//!
//! Programs that read PDFs stumble over bad ones, and reports come from strangers. So this
//! program starts itself again for each file, as `triaged pdf-text`: the file on its standard
//! input, the text on its standard output. That process can open no file and no connection, write
//! no file, start no process, and has bounds on memory and time; when it stumbles, a problem of
//! the mail says so, and nothing else happens. [Why, and which bounds](../docs/decisions/pdf.md).

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal};

use crate::mail::message::{Message, Problem};
use crate::mail::open::Document;
use crate::mail::text;

/// The hidden command.
pub const COMMAND: &str = "pdf-text";

/// Wall-clock time for one file, and for all of a mail.
const FOR_ONE: Duration = Duration::from_secs(10);
const FOR_ALL: Duration = Duration::from_secs(20);
/// Bytes of text that are read of one file.
const TEXT_AT_MOST: usize = 64 * 1024;
/// Ends the output of a file that was read to its end; no text holds it.
const END: u8 = 0;

/// Seconds of the processor.
const CPU: u64 = 8;
/// Bytes of memory, the program itself among them.
const MEMORY: u64 = 768 * 1024 * 1024;
/// Standard input, output and error, and not one more.
const FILES: u64 = 3;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Which program is started; the first call counts. Without one, no PDF is read.
pub fn use_program(path: impl AsRef<Path>) {
    PROGRAM.get_or_init(|| path.as_ref().to_owned());
}

/// This program, also after its file was replaced by a newer one.
pub fn use_own_program() {
    if cfg!(target_os = "linux") {
        use_program("/proc/self/exe");
    } else if let Ok(path) = std::env::current_exe() {
        use_program(path);
    }
}

/// Reads these files of a mail into their excerpts. What cannot be read is a problem of the mail.
///
/// A mail without any text is read as what its PDF says. Of a mail that was decrypted only in
/// part, or that something was tried on in vain, no encrypted file is read: how long that takes
/// must not tell what was inside.
pub fn read_into(message: &mut Message, documents: &[Document]) {
    let openpgp = &message.openpgp;
    let all_decrypted = openpgp.failure.is_none() && !openpgp.tried_in_vain;
    let end = Instant::now() + FOR_ALL;
    for document in documents {
        let number = document.attachment + 1;
        let Some(file) = message.attachments.get_mut(document.attachment) else {
            continue;
        };
        if file.encrypted && !all_decrypted {
            continue;
        }
        let left = end.saturating_duration_since(Instant::now());
        let read = text_of(&document.bytes, left.min(FOR_ONE));
        if let Some(because) = read.problem {
            message
                .problems
                .push(Problem(format!("attachment {number} is a PDF {because}")));
        }
        if !read.text.trim().is_empty() {
            if message.text.trim().is_empty() {
                message.text.clone_from(&read.text);
            }
            file.excerpt = Some(read.text);
        }
    }
}

/// The same mail was read before: what its PDFs say need not be found out again.
pub fn copy_from(earlier: &Message, message: &mut Message) {
    for file in &mut message.attachments {
        let mut known = earlier.attachments.iter();
        let same = known.find(|known| known.digest == file.digest && known.name == file.name);
        if file.excerpt.is_none()
            && let Some(same) = same
        {
            file.excerpt.clone_from(&same.excerpt);
        }
    }
    if message.text.trim().is_empty() {
        message.text.clone_from(&earlier.text);
    }
    for problem in &earlier.problems {
        if !message.problems.contains(problem) {
            message.problems.push(problem.clone());
        }
    }
}

/// What was read of a file, and why not all of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub text: String,
    pub problem: Option<&'static str>,
}

impl Read {
    fn nothing(because: &'static str) -> Self {
        Self {
            text: String::new(),
            problem: Some(because),
        }
    }
}

/// Starts the process, feeds it, and waits at most `timeout`; then it is gone.
pub fn text_of(bytes: &[u8], timeout: Duration) -> Read {
    let Some(program) = PROGRAM.get() else {
        return Read::nothing("that was not read: no program for it is set");
    };
    if timeout.is_zero() {
        return Read::nothing("that was not read: the others took too long");
    }
    match start(program) {
        Ok(child) => converse(child, bytes, timeout),
        Err(_) => Read::nothing("that was not read: the process for it could not be started"),
    }
}

fn start(program: &Path) -> io::Result<Child> {
    Command::new(program)
        .arg(COMMAND)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// Writes and reads at once: neither side may wait for the other for ever.
fn converse(mut child: Child, bytes: &[u8], timeout: Duration) -> Read {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (done, waiting) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // It may end before it has read all: that is for the reader to judge.
            if let Some(mut stdin) = stdin {
                stdin.write_all(bytes).ok();
            }
        });
        scope.spawn(move || {
            let mut output = Vec::new();
            if let Some(stdout) = stdout {
                let limit = TEXT_AT_MOST as u64 + 1;
                stdout.take(limit).read_to_end(&mut output).ok();
            }
            done.send(output).ok();
        });
        let output = waiting.recv_timeout(timeout);
        let in_time = output.is_ok();
        child.kill().ok();
        child.wait().ok();
        // Its end has closed the pipe: what it had written until then.
        let output = output.or_else(|_| waiting.recv()).unwrap_or_default();
        judged(output, in_time)
    })
}

fn judged(mut output: Vec<u8>, in_time: bool) -> Read {
    let whole = output.last() == Some(&END);
    let cut = output.len() > TEXT_AT_MOST;
    output.retain(|byte| *byte != END);
    let shown = text::normalize(&String::from_utf8_lossy(&output));
    // Each page begins with empty lines of the reader's own.
    let shown = text::cut(&shown, TEXT_AT_MOST)
        .trim_end_matches('\u{FFFD}')
        .trim_start_matches('\n');
    let is_empty = shown.trim().is_empty();
    let problem = match (whole || cut, in_time, is_empty) {
        (true, _, true) => Some("without any text; it may be a picture of some"),
        (true, ..) => None,
        (false, false, true) => Some("that took too long to read"),
        (false, true, true) => Some("that cannot be read: it is damaged, or locked by a password"),
        (false, _, false) => Some("of which only the beginning could be read"),
    };
    Read {
        text: shown.to_owned(),
        problem,
    }
}

/// The process of its own: a PDF on standard input, its text on standard output. `false`: it
/// could not be read to its end.
pub fn serve() -> bool {
    if confine().is_err() {
        return false;
    }
    let mut bytes = Vec::new();
    if io::stdin().lock().read_to_end(&mut bytes).is_err() {
        return false;
    }
    let mut out = io::stdout().lock();
    let written = write_text(&bytes, &mut out);
    written && out.write_all(&[END]).is_ok() && out.flush().is_ok()
}

fn write_text(bytes: &[u8], out: &mut dyn io::Write) -> bool {
    let Ok(mut document) = pdf_extract::Document::load_mem(bytes) else {
        return false;
    };
    // Many are locked against printing alone, with an empty password.
    if document.is_encrypted() && document.decrypt("").is_err() {
        return false;
    }
    let mut output = pdf_extract::PlainTextOutput::new(out);
    pdf_extract::output_doc(&document, &mut output).is_ok()
}

/// Takes from this process what it does not need, before it reads a byte. Where that is refused
/// nothing is read.
fn confine() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    for (resource, limit) in [
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, FILES),
        (Resource::Nproc, 0),
        (Resource::Cpu, CPU),
        (Resource::As, MEMORY),
    ] {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        rustix::process::setrlimit(resource, limit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_back_is_judged() {
        #[track_caller]
        fn check(output: &[u8], in_time: bool, text: &str, problem: Option<&str>) {
            let read = judged(output.to_vec(), in_time);
            assert_eq!((read.text.as_str(), read.problem), (text, problem));
        }
        check(b"\n\na\n\0", true, "a\n", None);
        check(
            b"\0",
            true,
            "",
            Some("without any text; it may be a picture of some"),
        );
        check(
            b"",
            true,
            "",
            Some("that cannot be read: it is damaged, or locked by a password"),
        );
        check(b"", false, "", Some("that took too long to read"));
        check(
            b"a",
            false,
            "a",
            Some("of which only the beginning could be read"),
        );
        check(
            b"a",
            true,
            "a",
            Some("of which only the beginning could be read"),
        );
        let long = vec![b'a'; TEXT_AT_MOST + 1];
        check(&long, true, &"a".repeat(TEXT_AT_MOST), None);
    }
}
