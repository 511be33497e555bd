//! Reports that come as PDF: read in a process of its own, and never a danger to the mail.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{File, open, pdf, use_built_program, with_files};
use triaged::mail::message::Message;

fn mail_with(files: Vec<(&str, Vec<u8>)>) -> Message {
    use_built_program();
    let files = files.into_iter().map(|(name, bytes)| File {
        name: name.to_owned(),
        media_type: "application/octet-stream".to_owned(),
        bytes,
    });
    open(with_files("Report", "text/plain", "See the file.", files.collect()).as_bytes())
}

#[test]
fn its_text_is_the_excerpt() {
    let mail = mail_with(vec![(
        "a.pdf",
        pdf("Stored XSS on www.a.test\nSteps: open it"),
    )]);
    let excerpt = mail.attachments[0].excerpt.as_deref().unwrap();
    assert!(excerpt.contains("Stored XSS on www.a.test"), "{excerpt:?}");
    assert!(excerpt.contains("Steps: open it"), "{excerpt:?}");
    assert_eq!(mail.problems, []);
}

#[test]
fn a_mail_without_text_is_read_as_its_pdf() {
    use_built_program();
    let file = File {
        name: "a.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        bytes: pdf("The report"),
    };
    let mail = open(with_files("Report", "text/plain", "\r\n", vec![file]).as_bytes());
    assert!(mail.text.contains("The report"), "{:?}", mail.text);
}

#[test]
fn what_cannot_be_read_is_a_problem_and_nothing_more() {
    let truncated = pdf("text")[..200].to_vec();
    let mail = mail_with(vec![
        ("broken.pdf", b"%PDF-1.4\ngarbage".to_vec()),
        ("truncated.pdf", truncated),
        ("good.pdf", pdf("The third one is read")),
        ("no.pdf", b"this is no PDF at all".to_vec()),
    ]);
    let problems: Vec<&str> = mail.problems.iter().map(|it| it.0.as_str()).collect();
    let unreadable = "is a PDF that cannot be read: it is damaged, or locked by a password";
    assert_eq!(
        problems,
        [
            format!("attachment 1 {unreadable}"),
            format!("attachment 2 {unreadable}")
        ]
    );
    assert!(
        mail.attachments[2]
            .excerpt
            .as_deref()
            .unwrap()
            .contains("The third one")
    );
    assert_eq!(mail.text.trim(), "See the file.");
}

#[test]
fn only_the_first_five_are_read() {
    let files = (0..7).map(|_| ("a.pdf", pdf("text"))).collect();
    let mail = mail_with(files);
    let read = mail
        .attachments
        .iter()
        .filter(|file| file.excerpt.is_some())
        .count();
    assert_eq!((mail.attachments.len(), read), (7, 5));
    assert_eq!(mail.problems.len(), 1);
}

/// A stream that expands a thousandfold, pages that refer to each other, and a form that draws
/// itself: each is over within the bounds, and the mail is there.
#[test]
fn hostile_files_end_within_the_bounds() {
    let circle = pdf("x")
        .iter()
        .map(|byte| *byte as char)
        .collect::<String>();
    let circle = circle.replace("/Kids [3 0 R]", "/Kids [2 0 R]");
    let mut deep = b"%PDF-1.4\n1 0 obj\n".to_vec();
    deep.extend(b"[".repeat(2_000_000));
    let begin = Instant::now();
    let mail = mail_with(vec![
        ("circle.pdf", circle.chars().map(|c| c as u8).collect()),
        ("deep.pdf", deep),
        ("long.pdf", pdf(&"all work and no play\n".repeat(200_000))),
    ]);
    assert_eq!(mail.attachments.len(), 3);
    let long = mail.attachments[2].excerpt.as_deref().unwrap_or_default();
    assert!(long.len() <= 64 * 1024, "{}", long.len());
    assert!(
        begin.elapsed() < Duration::from_secs(60),
        "{:?}",
        begin.elapsed()
    );
}

/// The process by itself: what it may not do, it cannot. Its limits are read while it waits for
/// its input.
#[test]
fn the_process_has_bounds() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_triaged"))
        .arg("pdf-text")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let path = format!("/proc/{}/limits", child.id());
    let until = Instant::now() + Duration::from_secs(20);
    let limits = loop {
        let limits = std::fs::read_to_string(&path).unwrap();
        let bounded = limits
            .lines()
            .any(|line| line.starts_with("Max address space") && !line.contains("unlimited"));
        if bounded || Instant::now() > until {
            break limits;
        }
        std::thread::yield_now();
    };
    let row = |name: &str| -> Vec<String> {
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.split_whitespace().take(2).map(str::to_owned).collect()
    };
    assert_eq!(row("Max file size"), ["0", "0"]);
    assert_eq!(row("Max open files"), ["3", "3"]);
    assert_eq!(row("Max processes"), ["0", "0"]);
    assert_eq!(row("Max core file size"), ["0", "0"]);
    assert_eq!(row("Max cpu time"), ["8", "8"]);
    assert_eq!(row("Max address space"), ["805306368", "805306368"]);
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&pdf("read all the same"))
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("read all the same") && text.ends_with('\0'),
        "{text:?}"
    );
}
