//! Mails made to break or to slow down a reader: each is read without a panic, in bounded time,
//! and what is beyond a bound is said.

mod busy;

use std::time::Duration;

use busy::busy;
use proptest::prelude::*;
use triaged::mail::message::{MAX_HEADER_FIELDS, Message};
use triaged::mail::open::{Limits, Opening, open};

/// Four times what 20 MB of text take an unoptimised build; what grows with the square takes minutes.
const SLOW: Duration = Duration::from_secs(12);

fn read(raw: &[u8]) -> Message {
    let context = Opening {
        keyring: None,
        known: &[],
        limits: Limits::default(),
    };
    open(raw, &context, "2026-05-01T12:00:00Z".parse().unwrap())
}

/// Reads in time; the mail says a problem when `problem` is set.
#[track_caller]
fn check(what: &str, raw: &[u8], problem: bool) -> Message {
    let before = busy();
    let message = read(raw);
    let took = busy() - before;
    println!("{took:?} {what}");
    assert!(took < SLOW, "{what}: {took:?}");
    assert!(message.text.len() <= Limits::default().text, "{what}");
    assert!(
        message.attachments.len() <= Limits::default().parts,
        "{what}"
    );
    assert!(message.header.len() <= MAX_HEADER_FIELDS, "{what}");
    assert_eq!(
        !message.problems.is_empty(),
        problem,
        "{what}: {:?}",
        message.problems
    );
    message
}

const MIXED: &str = "From: a@x.test\nContent-Type: multipart/mixed; boundary=b\n\n";

#[test]
fn nesting_is_bounded() {
    let mut multiparts = String::from("From: a@x.test\n");
    for level in 0..20_000 {
        multiparts += &format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    check("nested multiparts", multiparts.as_bytes(), true);

    let forwarded = "Content-Type: message/rfc822\n\n".repeat(20_000);
    check("nested forwarded mails", forwarded.as_bytes(), true);

    let same = format!(
        "{MIXED}{}",
        "--b\nContent-Type: multipart/mixed; boundary=b\n\n".repeat(20_000)
    );
    check("one boundary for all", same.as_bytes(), true);

    let alternatives = format!(
        "From: a@x.test\n{}",
        (0..5_000)
            .map(|n| format!(
                "Content-Type: multipart/alternative; boundary=b{n}\n\n--b{n}\n\nx\n--b{n}\n"
            ))
            .collect::<String>()
    );
    check("nested alternatives", alternatives.as_bytes(), true);
}

#[test]
fn numbers_are_bounded() {
    let parts = format!("{MIXED}{}", "--b\n\nx\n".repeat(200_000));
    check("parts", parts.as_bytes(), true);
    check("fields", &b"X: y\n".repeat(200_000), true);
    let files = format!(
        "{MIXED}{}",
        "--b\nContent-Type: application/zip; name=a.zip\n\nx\n".repeat(50_000)
    );
    check("files", files.as_bytes(), true);

    let references = format!("References: {}\n\n", "<a@b.test> ".repeat(200_000));
    let message = check("references", references.as_bytes(), false);
    assert_eq!(message.references.len(), 100);
    let to = format!("To: {}\n\n", "a@b.test, ".repeat(200_000));
    let message = check("addresses", to.as_bytes(), false);
    assert_eq!(message.to.len(), 100);

    let blocks = "-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n".repeat(20_000);
    check("messages", format!("\n{blocks}").as_bytes(), true);
    let keys = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nhQEM\n-----END PGP PUBLIC KEY BLOCK-----\n";
    check(
        "keys",
        format!("\n{}", keys.repeat(20_000)).as_bytes(),
        false,
    );
}

#[test]
fn fields_are_bounded() {
    let words = format!("Subject: {}\n\n", "=?utf-8?Q?x?= ".repeat(200_000));
    check("encoded words", words.as_bytes(), false);
    let open_words = format!("Subject: {}\n\n", "=?utf-8?Q?x".repeat(200_000));
    check("encoded words that never end", open_words.as_bytes(), false);
    let comments = format!("From: {}\n\n", "(".repeat(1_000_000));
    check("parentheses", comments.as_bytes(), false);
    let subject = format!("Subject: {}\n\n", "x".repeat(20_000_000));
    let message = check("subject", subject.as_bytes(), false);
    assert!(message.subject.chars().count() <= 2_000);
    let parameters = format!(
        "Content-Type: text/plain; {}\n\nx",
        "a*1*=b;".repeat(200_000)
    );
    check("parameters", parameters.as_bytes(), false);
    let quotes = format!(
        "Content-Type: text/plain; name=\"{}\n\nx",
        "\"".repeat(60_000)
    );
    check("quotes", quotes.as_bytes(), false);
    check("NULs", &[0; 1_000_000], false);
    check("line ends", &b"\r\n".repeat(1_000_000), false);
    check("carriage returns", &b"\r".repeat(1_000_000), false);
}

#[test]
fn html_is_bounded() {
    let head = "From: a@x.test\nContent-Type: text/html\n\n";
    for unit in [
        "<div>",
        "<blockquote><p>",
        "<a href='",
        "<a href=x:y>z",
        "<b><p>",
        "<font size=1>x<p>",
        "<table><tr><td>",
        "<ul><li>",
        "<!--",
        "<script>",
        "&",
        "<",
    ] {
        let html = format!("{head}{}", unit.repeat(1_200_000 / unit.len()));
        check(unit, html.as_bytes(), true);
    }
    let long = format!("{head}{}", "<div>".repeat(2_000_000));
    check("ten megabytes of HTML", long.as_bytes(), true);
}

#[test]
fn large_mails_are_read() {
    let line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\n";
    let body = line.repeat(20_000_000 / line.len());
    let file = format!(
        "{MIXED}--b\n\nSee the file.\n--b\nContent-Type: application/zip; name=a.zip\n\
         Content-Transfer-Encoding: base64\n\n{body}--b--\n"
    );
    let message = check("a large file", file.as_bytes(), false);
    assert_eq!(message.attachments.len(), 1);
    assert_eq!(message.text, "See the file.\n");

    let text = format!("From: a@x.test\n\n{body}");
    check("a long text", text.as_bytes(), true);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes: a mail comes out, and its text is clean.
    #[test]
    fn any_bytes_are_read(raw in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let message = read(&raw);
        prop_assert_eq!(message.size, raw.len() as u64);
        prop_assert!(is_clean(&message.text));
    }

    /// Pieces of real structure in any order find the paths that random bytes do not.
    #[test]
    fn any_structure_is_read(pieces in proptest::collection::vec(0..PIECES.len(), 0..40)) {
        let raw: String = pieces.into_iter().filter_map(|at| PIECES.get(at)).copied().collect();
        let message = read(raw.as_bytes());
        let broke = message.problems.iter().any(|problem| problem.0.contains("broke"));
        prop_assert!(!broke);
        prop_assert!(is_clean(&message.text));
    }
}

fn is_clean(text: &str) -> bool {
    !text.contains(['\0', '\r', '\u{1b}'])
}

const PIECES: [&str; 32] = [
    "From: a@x.test\n",
    "Subject: =?utf-8?B?w6k\n",
    "Content-Type: multipart/mixed; boundary=b\n",
    "Content-Type: multipart/alternative; boundary=\"c\"\n",
    "Content-Type: multipart/signed; boundary=b; protocol=\"application/pgp-signature\"\n",
    "Content-Type: multipart/encrypted; boundary=b\n",
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n",
    "Content-Type: message/rfc822\n",
    "Content-Type: message/delivery-status\n",
    "Content-Type: text/plain; charset=utf-16; format=flowed; delsp=yes\n",
    "Content-Type: text/html; charset=iso-2022-kr\n",
    "Content-Type: application/pgp-encrypted\n",
    "Content-Type: application/pgp-signature\n",
    "Content-Type: application/pgp-keys\n",
    "Content-Disposition: attachment; filename*0*=utf-8''%; filename*1=\"\\\n",
    "Content-Transfer-Encoding: base64\n",
    "Content-Transfer-Encoding: quoted-printable\n",
    "\n",
    "\r\n",
    " \t\n",
    "--b\n",
    "--b--\n",
    "--c\n",
    "--c--\n",
    "Version: 1\n",
    "-----BEGIN PGP MESSAGE-----\n",
    "-----END PGP MESSAGE-----\n",
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n",
    "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n",
    "=E9=\u{e9}\u{1b}$B\u{0e}~{\n",
    "<p><a href='x:é'>é&eacute;&#x110000;</pre><li><img alt=\"",
    "> quoted \n-- \n>> deep \n",
];
