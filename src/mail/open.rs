//! A mail as received, opened: MIME read, ciphertext decrypted and read again, text collected.
//!
//! Reading never fails: whatever is odd becomes a [`Problem`], what cannot be decrypted stays as an
//! attachment, and every step has a bound on size, number and depth.
//!
//! ```text
//! raw -> parse::message -> tree -> Reader::walk -> text, files, claims -> Message
//!                            ^         |
//!                            +--- plaintext of a ciphertext; a forwarded mail
//! ```

mod collect;
mod file;
mod introduced;
mod openpgp;
mod walk;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};

use super::message::{Address, Certificate, Digest, HeaderField, Message, Problem};
use super::parse::{Part, header};
use super::pgp::Keyring;
use super::text;
use walk::{HandedOn, Reader, Scope};

pub use openpgp::{UNREADABLE, media_type_of};

/// Subjects are cut here, in characters.
const MAX_SUBJECT: usize = 2_000;

/// What a mail is opened with.
pub struct Opening<'a> {
    /// Without one, every ciphertext is a failure [`super::message::Failure::NoKey`].
    pub keyring: Option<&'a Keyring>,
    /// Certificates that signatures are checked against, beside those that come with the mail.
    pub known: &'a [Certificate],
    pub limits: Limits,
}

/// A file of a mail with its bytes.
pub struct Document {
    /// Its place among [`Message::attachments`].
    pub attachment: usize,
    pub bytes: Vec<u8>,
}

/// Bounds on what one mail may cost. What is beyond them is noted as a problem.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Parts, over all layers.
    pub parts: usize,
    /// Multiparts, forwarded mails and ciphertexts inside each other.
    pub depth: usize,
    /// Ciphertexts inside each other.
    pub layers: usize,
    /// Ciphertexts that are tried.
    pub ciphertexts: usize,
    /// Signatures and certificates that are looked at: each costs the library's time.
    pub checks: usize,
    /// Signatures on the keys and user IDs of certificates that are looked at.
    pub bindings: usize,
    /// Bytes that are hashed to check signatures over parts of the mail.
    pub hashing: usize,
    /// Bytes of plaintext, over all ciphertexts.
    pub plaintext: usize,
    /// Bytes of [`Message::text`].
    pub text: usize,
    /// Bytes of [`super::message::Attachment::excerpt`].
    pub excerpt: usize,
    /// Certificates taken from the mail.
    pub certificates: usize,
    /// PDFs that are handed on as [`Document`].
    pub documents: usize,
    /// Bytes of one of them.
    pub document: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parts: 1_000,
            depth: 32,
            layers: 8,
            ciphertexts: 20,
            checks: 100,
            bindings: 500,
            hashing: 512 * 1024 * 1024,
            // As large as a mail may be.
            plaintext: 48 * 1024 * 1024,
            text: 2 * 1024 * 1024,
            excerpt: 64 * 1024,
            certificates: 16,
            documents: 5,
            document: 20 * 1024 * 1024,
        }
    }
}

/// Reads a mail. `now` is when signatures and certificates must be valid.
pub fn open(raw: &[u8], context: &Opening, now: DateTime<Utc>) -> Message {
    open_with_documents(raw, context, now).0
}

/// As [`open`], with the bytes of the files that only a program of its own reads: PDFs.
pub fn open_with_documents(
    raw: &[u8],
    context: &Opening,
    now: DateTime<Utc>,
) -> (Message, Vec<Document>) {
    read_safely(raw, context, HandedOn::Pdfs, now)
}

/// The bytes of files of a mail that was read before: those of `message` at these places among its
/// attachments, as far as they come out the same once more. A key of ours may be away by now.
pub fn files_of(
    message: &Message,
    at: &[usize],
    raw: &[u8],
    context: &Opening,
    now: DateTime<Utc>,
) -> Vec<Document> {
    let (_, mut files) = read_safely(raw, context, HandedOn::Files(at), now);
    files.retain(|file| {
        let attachment = message.attachments.get(file.attachment);
        attachment.is_some_and(|known| known.digest == Digest::of(&file.bytes))
    });
    files
}

fn read_safely(
    raw: &[u8],
    context: &Opening,
    handed_on: HandedOn,
    now: DateTime<Utc>,
) -> (Message, Vec<Document>) {
    catch_unwind(AssertUnwindSafe(|| read(raw, context, handed_on, now)))
        .unwrap_or_else(|_| (unread(raw), Vec::new()))
}

fn read(
    raw: &[u8],
    context: &Opening,
    handed_on: HandedOn,
    now: DateTime<Utc>,
) -> (Message, Vec<Document>) {
    let bytes = with_line_feeds(raw);
    let mut reader = Reader::new(context, handed_on, now);
    let root = reader.parse(&bytes, 0);
    let mut message = from_header(raw, &root);
    reader.subject_says_nothing = says_nothing(&message.subject);
    if let Some(from) = &message.from {
        reader.take_autocrypt(&root, from);
    }
    reader.take_certificates(&root);
    reader.walk(&root, Scope::root());
    let documents = reader.finish(&mut message);
    if raw.is_empty() {
        message.problems.push(Problem(
            "the mail is empty: it has neither header nor text".to_owned(),
        ));
    }
    (message, documents)
}

/// What remains when reading itself broke: the mail is recorded all the same.
fn unread(raw: &[u8]) -> Message {
    Message {
        problems: vec![Problem(
            "reading this mail broke the reader; nothing of it was understood".to_owned(),
        )],
        ..blank(raw)
    }
}

fn blank(raw: &[u8]) -> Message {
    Message {
        media_type: "text/plain".to_owned(),
        ..Message::unread(Digest::of(raw), raw.len() as u64)
    }
}

/// Lines of old Macintosh programs end in CR alone; all else is read as it is.
fn with_line_feeds(raw: &[u8]) -> Cow<'_, [u8]> {
    let head = raw.get(..64 * 1024).unwrap_or(raw);
    if head.contains(&b'\n') || !head.contains(&b'\r') {
        return Cow::Borrowed(raw);
    }
    let mended = raw.iter().map(|&b| if b == b'\r' { b'\n' } else { b });
    Cow::Owned(mended.collect())
}

/// Everything that the outermost header says.
fn from_header(raw: &[u8], root: &Part) -> Message {
    let charset = text_charset(root);
    let header: Vec<HeaderField> = root
        .fields
        .iter()
        .map(|field| HeaderField {
            name: field.name.to_string(),
            value: field.value(charset),
        })
        .collect();
    let mut message = Message {
        header,
        media_type: root.media_type.clone(),
        ..blank(raw)
    };
    message.from = first_sender(&message);
    message.reply_to = address_lists(&message, "reply-to");
    message.to = address_lists(&message, "to");
    message.cc = address_lists(&message, "cc");
    message.date = message.header("date").and_then(header::date);
    message.subject = message.header("subject").map(subject).unwrap_or_default();
    message.message_id = identifier_list(&message, "message-id").into_iter().next();
    message.in_reply_to = identifier_list(&message, "in-reply-to");
    message.references = identifier_list(&message, "references");
    message
}

/// The charset of the first text, in which some programs write raw bytes into the header too.
fn text_charset<'p>(part: &'p Part) -> Option<&'p str> {
    part.charset()
        .or_else(|| part.parts.iter().take(8).find_map(text_charset))
}

fn first_sender(message: &Message) -> Option<Address> {
    let mut senders: Vec<Address> = message
        .headers("from")
        .flat_map(header::addresses)
        .collect();
    let usable = senders
        .iter()
        .position(|address| address.email.contains('@'))
        .unwrap_or(0);
    (usable < senders.len()).then(|| senders.swap_remove(usable))
}

fn address_lists(message: &Message, name: &str) -> Vec<Address> {
    message
        .headers(name)
        .flat_map(header::addresses)
        .take(header::MAX_ADDRESSES)
        .collect()
}

fn identifier_list(message: &Message, name: &str) -> Vec<String> {
    message
        .headers(name)
        .flat_map(header::identifiers)
        .take(header::MAX_REFERENCES)
        .collect()
}

/// A word that stands in for a protected subject, as Thunderbird, Enigmail, Mailpile, RFC 9788 and
/// pEp have it.
fn says_nothing(subject: &str) -> bool {
    const STAND_INS: [&str; 10] = [
        "",
        "...",
        "\u{2026}",
        "[...]",
        "encrypted message",
        "encrypted email",
        "encrypted e-mail",
        "encrypted subject",
        "p\u{2261}p",
        "pep",
    ];
    let is_stand_in = |words: &str| STAND_INS.contains(&words.trim().to_lowercase().as_str());
    // Lists put their name in front.
    let subject = subject.trim();
    let tagged = subject
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    is_stand_in(subject) || tagged.is_some_and(|(_, words)| is_stand_in(words))
}

/// A subject as shown: decoded, on one line.
fn subject(value: &str) -> String {
    text::one_line(&header::decode_words(value), MAX_SUBJECT)
}
