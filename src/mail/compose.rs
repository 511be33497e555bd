//! Finished words to the bytes of a mail (RFC 5322, 2045, 3156, 9788).
//!
//! Pure: message-id and date come with the draft, encryption and signing are functions that are
//! passed in. What is composed is 7-bit (but for a recipient whose address is not, RFC 6532), with
//! CRLF line ends and lines of at most 998 octets. It is safe whatever the values hold: a line
//! break or control character in one of them never begins a header field, and a Message-ID
//! from outside is taken only where it looks like one.

use chrono::{DateTime, Utc};
use lettre::message::header::{
    self, ContentDisposition, ContentTransferEncoding, Header, HeaderName, HeaderValue, Headers,
};
use lettre::message::{Body, Mailbox, Mailboxes, MultiPart, SinglePart};

use super::message::Address;
use super::text;

/// Characters of a subject or a display name; what is longer is cut. Such text may be one
/// word, and a line cannot be broken within a word.
const WORDS_AT_MOST: usize = 250;
/// Octets of a Message-ID; a longer one from outside is left out.
const MESSAGE_ID_AT_MOST: usize = 500;
/// References kept beside the first, which names the thread: the latest ones.
const REFERENCES_AT_MOST: usize = 20;
/// Octets without a space that a folded field may hold.
const UNBROKEN_AT_MOST: usize = 78;
/// Octets of entropy in a Message-ID of ours.
const MESSAGE_ID_ENTROPY: usize = 20;

/// Octets of entropy in a boundary that the entity between must not hold.
const BOUNDARY_ENTROPY: usize = 20;

/// A mail in words, complete but for its bytes.
#[derive(Clone, Debug)]
pub struct Draft {
    pub from: Address,
    /// One addr-spec; the envelope's recipient too.
    pub to: String,
    pub subject: String,
    /// Lines ended by `\n`, wrapped as they shall be read.
    pub text: String,
    /// Message-IDs are without angle brackets.
    pub in_reply_to: Option<String>,
    /// Oldest first.
    pub references: Vec<String>,
    pub message_id: String,
    pub date: DateTime<Utc>,
    pub auto_submitted: AutoSubmitted,
    /// The same words for programs that show HTML; `text` stands beside it.
    pub html: Option<Html>,
    /// What they hold in all is bounded by whoever writes the draft.
    pub files: Vec<File>,
    pub attach_key: Option<KeyAttachment>,
    /// Value of an Autocrypt field, with spaces in the key data where it may be folded.
    pub autocrypt: Option<String>,
}

/// Did a machine write it (RFC 3834, 5)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoSubmitted {
    /// A person did.
    No,
    /// In answer to a mail.
    Replied,
    /// By itself, or for something that a person did elsewhere.
    Generated,
}

/// A page of its own, with the pictures that it shows (RFC 2387, 2392).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html {
    /// A whole document; names its pictures as `cid:ID`.
    pub page: String,
    pub pictures: Vec<Picture>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Content-ID, without brackets: letters, digits, `.`, `_` and `-`, at most 60.
    pub id: String,
    pub png: Vec<u8>,
}

/// A file that goes along as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub name: String,
    /// `type/subtype`.
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// A public key for the reader to import.
#[derive(Clone, Debug)]
pub struct KeyAttachment {
    pub file_name: String,
    pub armored: String,
}

/// The mail in clear.
pub fn plain(draft: &Draft) -> Vec<u8> {
    let mut mail = Fields::of(draft, &draft.subject);
    mail.autocrypt(draft);
    mail.followed_by(body(draft, Protection::None))
}

/// A detached signature, and the `micalg` that names its hash (RFC 3156, 5).
pub type Detached = (Vec<u8>, String);

/// The mail in clear as `multipart/signed` (RFC 3156, 5) with protected header fields (RFC 9788).
///
/// `sign` is given exactly the bytes that travel between the boundaries. They are 7-bit, without
/// white space at line ends and without a line that begins with "From ", so that no relay has a
/// reason to change them. The signed entity repeats all fields of the header but those that tell
/// its form: a reader that knows no protected fields shows nothing of them.
///
/// Errors are those of `sign`, and a signature that is not armoured.
pub fn signed(
    draft: &Draft,
    sign: impl FnOnce(&[u8]) -> Result<Detached, String>,
) -> Result<Vec<u8>, String> {
    let mut fields = Fields::of(draft, &draft.subject);
    let mut entity = fields.to_string().into_bytes();
    entity.extend(without_from_lines(&body(draft, Protection::Clear)));
    let (signature, micalg) = sign(&entity)?;
    fields.autocrypt(draft);
    Ok(fields.followed_by(multipart_signed(&entity, signature, &micalg)?))
}

/// The mail as `multipart/encrypted` (RFC 3156) with protected header fields (RFC 9788).
///
/// `encrypt` turns the inner entity into an ASCII-armoured message. All fields travel
/// inside; outside are the same ones, except that the subject is `outer_subject`. Of the
/// text, the subject and the attachment nothing is outside.
///
/// Errors are those of `encrypt`, and a ciphertext that is not armoured.
pub fn encrypted(
    draft: &Draft,
    outer_subject: &str,
    encrypt: impl FnOnce(&[u8]) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    let mut outer = Fields::of(draft, outer_subject);
    let mut inner = Fields::of(draft, &draft.subject).to_string();
    inner.push_str(&outer.as_hp_outer());
    let mut payload = inner.into_bytes();
    payload.extend(body(draft, Protection::Cipher));

    let ciphertext = encrypt(&payload)?;
    outer.autocrypt(draft);
    Ok(outer.followed_by(pgp_mime(ciphertext)?))
}

/// A new Message-ID, without angle brackets. Nobody can guess it, so that whoever refers to
/// it has seen the mail.
pub fn new_message_id(domain: &str) -> String {
    let random: [u8; MESSAGE_ID_ENTROPY] = rand::random();
    let unique: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{unique}@{domain}")
}

/// The address as SMTP and header fields can carry it; `None` where they cannot.
///
/// More generous than RFC 5321, 4.5.3.1.1 in one point: local parts of more than 64 octets
/// exist, and their own server may well take them.
pub fn mailable(email: &str) -> Option<lettre::Address> {
    let unsafe_character = |c: char| c.is_control() || c.is_whitespace() || "<>".contains(c);
    if email.len() > 320 || email.contains(unsafe_character) {
        return None;
    }
    email.parse().ok().or_else(|| {
        let (local, domain) = email.rsplit_once('@')?;
        let checked: lettre::Address = lettre::Address::new("x", domain).ok()?;
        is_dot_atom(local).then(|| lettre::Address::new_dangerous(local, checked.domain()))
    })
}

/// RFC 5322, 3.2.3.
fn is_dot_atom(local: &str) -> bool {
    let atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.bytes().all(atext))
}

/// The header section of a mail, without what tells the form of its body.
struct Fields(Headers);

impl Fields {
    fn of(draft: &Draft, subject: &str) -> Self {
        let mut fields = Self(Headers::new());
        fields.from(&draft.from);
        fields.to(&draft.to);
        fields.words("Subject", subject);
        fields.ascii("Date", &rfc5322_date(draft.date));
        fields.message_ids("Message-ID", [draft.message_id.as_str()]);
        fields.message_ids("In-Reply-To", draft.in_reply_to.as_deref());
        fields.message_ids("References", bounded(&draft.references));
        match draft.auto_submitted {
            AutoSubmitted::No => {}
            AutoSubmitted::Replied => fields.ascii("Auto-Submitted", "auto-replied"),
            AutoSubmitted::Generated => fields.ascii("Auto-Submitted", "auto-generated"),
        }
        fields
    }

    fn from(&mut self, from: &Address) {
        let name = from.name.as_deref().map(clean_words);
        let mailbox = Mailbox::new(
            name.filter(|name| !name.is_empty()),
            mailable(&from.email).unwrap_or_else(|| nearest_address(&from.email)),
        );
        self.0.set(header::From::from(Mailboxes::from(mailbox)));
    }

    /// Left out where the address is none: delivery refuses such a letter anyway.
    fn to(&mut self, to: &str) {
        if let Some(address) = mailable(to) {
            let mailbox = Mailbox::new(None, address);
            self.0.set(header::To::from(Mailboxes::from(mailbox)));
        }
    }

    fn words(&mut self, name: &'static str, words: &str) {
        self.set(name, clean_words(words));
    }

    /// Printable ASCII, foldable at its spaces.
    fn ascii(&mut self, name: &'static str, value: &str) {
        let printable: String = value.chars().filter(|c| matches!(c, ' '..='~')).collect();
        self.set(name, printable.trim().to_owned());
    }

    fn message_ids<'a>(&mut self, name: &'static str, ids: impl IntoIterator<Item = &'a str>) {
        let ids: Vec<String> = ids
            .into_iter()
            .filter(|id| is_message_id(id))
            .map(|id| format!("<{id}>"))
            .collect();
        if !ids.is_empty() {
            self.set(name, ids.join(" "));
        }
    }

    fn autocrypt(&mut self, draft: &Draft) {
        if let Some(value) = &draft.autocrypt {
            self.ascii("Autocrypt", &with_folding_points(value));
        }
    }

    fn set(&mut self, name: &'static str, value: String) {
        let name = HeaderName::new_from_ascii_str(name);
        self.0.insert_raw(HeaderValue::new(name, value));
    }

    /// Each field as it stands outside the encryption (RFC 9788, 2.2): the reader's program
    /// sees which of the protected ones were visible on the way.
    fn as_hp_outer(&self) -> String {
        let mut lines = String::new();
        for line in self.to_string().split_inclusive("\r\n") {
            if !line.starts_with([' ', '\t']) {
                lines.push_str("HP-Outer: ");
            }
            lines.push_str(line);
        }
        lines
    }

    /// The whole mail: these fields, and an entity with its own.
    fn followed_by(&self, entity: Vec<u8>) -> Vec<u8> {
        let mut mail = format!("{self}MIME-Version: 1.0\r\n").into_bytes();
        mail.extend(entity);
        mail
    }
}

impl std::fmt::Display for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How the entity that is composed will travel.
#[derive(Clone, Copy)]
enum Protection {
    None,
    /// To be signed, its header fields with it (RFC 9788, 2.1.1).
    Clear,
    /// To be encrypted, its header fields with it (RFC 9788, 2.1.1).
    Cipher,
}

impl Protection {
    fn marks(self, media_type: String) -> MediaType {
        match self {
            Self::None => MediaType(media_type),
            Self::Clear => MediaType(format!("{media_type}; hp=\"clear\"; {OLDER_MARK}")),
            Self::Cipher => MediaType(format!("{media_type}; hp=\"cipher\"; {OLDER_MARK}")),
        }
    }
}

/// That of the draft before RFC 9788: without it Thunderbird, among others, shows the outer subject.
const OLDER_MARK: &str = "protected-headers=\"v1\"";

/// The value of a Content-Type field, with whatever parameters it needs.
#[derive(Clone)]
struct MediaType(String);

impl Header for MediaType {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Type")
    }

    fn parse(value: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(value.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// The name by which a page shows a picture (RFC 2392), in brackets.
#[derive(Clone)]
struct ContentId(String);

impl Header for ContentId {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-ID")
    }

    fn parse(value: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(value.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// What the draft says, as a MIME entity:
///
/// ```text
/// multipart/mixed            where there are files or a key
///   multipart/alternative    where there is HTML
///     text/plain
///     multipart/related      where the HTML has pictures
///       text/html
///       image/png…
///   files…
///   application/pgp-keys
/// ```
fn body(draft: &Draft, protection: Protection) -> Vec<u8> {
    if draft.files.is_empty() && draft.attach_key.is_none() {
        return match &draft.html {
            None => text_part("plain", &draft.text, protection).formatted(),
            Some(html) => alternative(&draft.text, html, protection).formatted(),
        };
    }
    let words = match &draft.html {
        None => Entity::One(text_part("plain", &draft.text, Protection::None)),
        Some(html) => Entity::Several(alternative(&draft.text, html, Protection::None)),
    };
    let files = draft.files.iter().map(file_part);
    let key = draft.attach_key.iter().map(key_part);
    let attached = files.chain(key).map(Entity::One);
    let parts = std::iter::once(words).chain(attached);
    multipart("mixed", parts, protection).formatted()
}

enum Entity {
    One(SinglePart),
    Several(MultiPart),
}

/// `kind`: the subtype, and parameters.
fn multipart(
    kind: &str,
    parts: impl IntoIterator<Item = Entity>,
    protection: Protection,
) -> MultiPart {
    let mut whole = MultiPart::mixed().build();
    for part in parts {
        whole = match part {
            Entity::One(part) => whole.singlepart(part),
            Entity::Several(parts) => whole.multipart(parts),
        };
    }
    let media_type = format!("multipart/{kind}; boundary=\"{}\"", whole.boundary());
    whole.headers_mut().set(protection.marks(media_type));
    whole
}

/// The same words twice, the better form last (RFC 2046, 5.1.4).
fn alternative(text: &str, html: &Html, protection: Protection) -> MultiPart {
    let plain = Entity::One(text_part("plain", text, Protection::None));
    let page = text_part("html", &html.page, Protection::None);
    let page = if html.pictures.is_empty() {
        Entity::One(page)
    } else {
        let pictures = html.pictures.iter().map(picture_part).map(Entity::One);
        let parts = std::iter::once(Entity::One(page)).chain(pictures);
        let kind = "related; type=\"text/html\"";
        Entity::Several(multipart(kind, parts, Protection::None))
    };
    multipart("alternative", [plain, page], protection)
}

/// Quoted-printable whatever it holds, so that no relay has a reason to change a line.
fn text_part(subtype: &str, text: &str, protection: Protection) -> SinglePart {
    SinglePart::builder()
        .header(protection.marks(format!("text/{subtype}; charset=utf-8")))
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(clean_text(text))
}

/// Shown where the page names it.
fn picture_part(picture: &Picture) -> SinglePart {
    let name = safe_file_name(&picture.id, "picture");
    SinglePart::builder()
        .header(MediaType("image/png".to_owned()))
        .header(ContentId(format!("<{}>", picture.id)))
        .header(ContentDisposition::inline_with_name(&format!("{name}.png")))
        .body(base64(picture.png.clone()))
}

/// Base64 whatever it holds, so that its bytes arrive as they are. A name that looks like an encoded
/// word (RFC 2047) would be another one to some readers.
fn file_part(file: &File) -> SinglePart {
    let name = text::safe_name(&file.name).unwrap_or_else(|| "attachment".to_owned());
    let name = name.replace("=?", "= ?");
    SinglePart::builder()
        .header(MediaType(type_of_file(file)))
        .header(ContentDisposition::attachment(&name))
        .body(base64(file.bytes.clone()))
}

fn base64(bytes: Vec<u8>) -> Body {
    let encode = |bytes| Body::new_with_encoding(bytes, ContentTransferEncoding::Base64);
    // Base64 takes any bytes: what it refuses, it gives back.
    encode(bytes).unwrap_or_else(Body::new)
}

/// As the file says, where that is a type that may be encoded and says nothing of the mail around:
/// a part that is a mail or a multipart may not be base64 (RFC 2046, 5.2.1), and a control part of
/// OpenPGP would be read as one.
fn type_of_file(file: &File) -> String {
    const OTHER: &str = "application/octet-stream";
    let media_type = file.media_type.to_ascii_lowercase();
    let token = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        (1..=64).contains(&part.len()) && part.bytes().all(fits)
    };
    let is_plain = |(kind, subtype): (&str, &str)| {
        token(kind)
            && token(subtype)
            && !matches!(kind, "message" | "multipart")
            && !matches!(subtype, "pgp-encrypted" | "pgp-signature")
    };
    if !media_type.split_once('/').is_some_and(is_plain) {
        return OTHER.to_owned();
    }
    match media_type.starts_with("text/") {
        false => media_type,
        true if std::str::from_utf8(&file.bytes).is_ok() => format!("{media_type}; charset=utf-8"),
        // What readers take for text in some charset, some of them change.
        true => OTHER.to_owned(),
    }
}

fn key_part(key: &KeyAttachment) -> SinglePart {
    let name = safe_file_name(&key.file_name, "key.asc");
    SinglePart::builder()
        .header(MediaType(format!("application/pgp-keys; name=\"{name}\"")))
        .header(ContentDisposition::attachment(&name))
        .body(clean_text(&key.armored))
}

/// RFC 3156, 5. Written by hand: what was signed must not be formatted once more. The line end of
/// its last line is signed, as in the RFC; the one before the boundary belongs to that.
fn multipart_signed(entity: &[u8], signature: Vec<u8>, micalg: &str) -> Result<Vec<u8>, String> {
    let armored = String::from_utf8(signature)
        .ok()
        .filter(|text| text.is_ascii())
        .ok_or("the signature is not ASCII-armoured")?;
    let random: [u8; BOUNDARY_ENTROPY] = rand::random();
    let boundary: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = armored
        .trim_end()
        .replace("\r\n", "\n")
        .replace('\n', "\r\n");
    let mut whole = format!(
        "Content-Type: multipart/signed; micalg=\"{micalg}\";\r\n \
         protocol=\"application/pgp-signature\"; boundary=\"{boundary}\"\r\n\
         \r\n\
         --{boundary}\r\n"
    )
    .into_bytes();
    whole.extend(entity);
    let rest = format!(
        "\r\n--{boundary}\r\n\
         Content-Type: application/pgp-signature; name=\"signature.asc\"\r\n\
         Content-Description: OpenPGP digital signature\r\n\
         Content-Disposition: attachment; filename=\"signature.asc\"\r\n\
         \r\n\
         {signature}\r\n\
         \r\n--{boundary}--\r\n"
    );
    whole.extend(rest.as_bytes());
    Ok(whole)
}

/// A quoted-printable entity in which no line begins with "From ", which mailboxes on the way
/// change to ">From " (RFC 3156, 3). Fields of a header are not concerned: none is called so.
fn without_from_lines(entity: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entity.len());
    for line in entity.split_inclusive(|byte| *byte == b'\n') {
        let mut rest = line;
        // With a soft line break behind it: the line must not grow over 76 octets.
        while let Some(behind) = rest.strip_prefix(b"From ") {
            out.extend(b"=46rom =\r\n");
            rest = behind;
        }
        out.extend(rest);
    }
    out
}

/// RFC 3156, 4.
fn pgp_mime(ciphertext: Vec<u8>) -> Result<Vec<u8>, String> {
    let armored = String::from_utf8(ciphertext)
        .ok()
        .and_then(|text| Body::new_with_encoding(text, ContentTransferEncoding::SevenBit).ok())
        .ok_or("the ciphertext is not ASCII-armoured")?;
    let version = SinglePart::builder()
        .header(MediaType("application/pgp-encrypted".to_owned()))
        .body("Version: 1".to_owned());
    let message = SinglePart::builder()
        .header(MediaType(
            "application/octet-stream; name=\"encrypted.asc\"".to_owned(),
        ))
        .header(ContentDisposition::inline_with_name("encrypted.asc"))
        .body(armored);
    Ok(MultiPart::encrypted("application/pgp-encrypted".to_owned())
        .singlepart(version)
        .singlepart(message)
        .formatted())
}

/// One line of bounded length. "=?" is parted, so that words never pose as an encoded word
/// (RFC 2047) and say something else to the reader than to us.
fn clean_words(words: &str) -> String {
    let spaced = words.replace(char::is_control, " ").replace("=?", "= ?");
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WORDS_AT_MOST) {
        None => line,
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
    }
}

/// Line ends `\n`, no control character but the tab, and none at the end: the entity ends its
/// last line itself.
fn clean_text(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines
        .trim_end_matches('\n')
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// A name of ours in plain ASCII, which every reader takes.
fn safe_file_name(name: &str, without: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = name
        .chars()
        .map(|c| if safe(c) { c } else { '_' })
        .take(60)
        .collect();
    if name.is_empty() {
        without.to_owned()
    } else {
        name
    }
}

/// What a stranger calls a Message-ID goes into our header only as printable ASCII without
/// spaces and brackets.
fn is_message_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MESSAGE_ID_AT_MOST
        && id
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
}

/// The first and the latest, in order.
fn bounded(references: &[String]) -> Vec<&str> {
    let mut ids: Vec<&str> = references
        .iter()
        .map(String::as_str)
        .filter(|id| is_message_id(id))
        .collect();
    let surplus = ids.len().saturating_sub(1 + REFERENCES_AT_MOST);
    if surplus > 0 {
        ids.drain(1..=surplus);
    }
    ids
}

/// RFC 5322, 3.3. In UTC, as every instant of ours.
fn rfc5322_date(date: DateTime<Utc>) -> String {
    date.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A space wherever a run without one would make a line too long.
fn with_folding_points(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut unbroken = 0;
    for c in value.chars() {
        unbroken = if c == ' ' { 0 } else { unbroken + 1 };
        if unbroken > UNBROKEN_AT_MOST {
            out.push(' ');
            unbroken = 1;
        }
        out.push(c);
    }
    out
}

/// For a sender address that the configuration should not have let through: no character
/// that means something in a header field is left of it.
fn nearest_address(email: &str) -> lettre::Address {
    let plain: String = email
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "@.-_+".contains(*c))
        .collect();
    let (local, domain) = plain.rsplit_once('@').unwrap_or((&plain, "invalid"));
    lettre::Address::new_dangerous(local, domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_one_bounded_line() {
        #[track_caller]
        fn check(words: &str, expected: &str) {
            assert_eq!(clean_words(words), expected);
        }
        check("", "");
        check(
            "[SEC-2026-0001] We have received",
            "[SEC-2026-0001] We have received",
        );
        check("a\r\nBcc: x@example.test", "a Bcc: x@example.test");
        check("a\u{0}b\u{7f}c\u{85}d", "a b c d");
        check("  a \t b  ", "a b");
        check("=?utf-8?q?boo?=", "= ?utf-8?q?boo?=");
        check(&"ü".repeat(250), &"ü".repeat(250));
        check(&"ü".repeat(251), &format!("{}…", "ü".repeat(250)));
    }

    #[test]
    fn only_what_looks_like_a_message_id_is_one() {
        #[track_caller]
        fn check(id: &str, expected: bool) {
            assert_eq!(is_message_id(id), expected, "{id:?}");
        }
        check("a@example.test", true);
        check("without-at", true);
        check(&"a".repeat(500), true);
        check(&"a".repeat(501), false);
        check("", false);
        check("a b@example.test", false);
        check("a>\r\nBcc: x@example.test", false);
        check("<a@example.test>", false);
        check("ä@example.test", false);
    }

    #[test]
    fn references_keep_the_first_and_the_latest() {
        let all: Vec<String> = (0..100).map(|n| format!("{n}@example.test")).collect();
        let kept = bounded(&all);
        assert_eq!(kept.len(), 21);
        assert_eq!(kept.first(), Some(&"0@example.test"));
        assert_eq!(kept.get(1), Some(&"80@example.test"));
        assert_eq!(kept.last(), Some(&"99@example.test"));
        assert_eq!(bounded(all.get(..21).unwrap()).len(), 21);
        assert_eq!(bounded(&["bad id".to_owned()]), Vec::<&str>::new());
    }

    #[test]
    fn addresses_that_can_travel() {
        #[track_caller]
        fn check(email: &str, expected: bool) {
            assert_eq!(mailable(email).is_some(), expected, "{email:?}");
        }
        check("ann@example.test", true);
        check("o'hara+x=y@example.test", true);
        check("ann@[192.0.2.1]", true);
        check("\"a@b\"@example.test", true);
        check("\"a\\\"b\"@example.test", true);
        check("a@b@example.test", false);
        check("\"a@example.test", false);
        check("jürgen@example.test", true);
        check("ann@exämple.test", true);
        check(&format!("{}@example.test", "a".repeat(100)), true);
        check(&format!("{}@example.test", "a".repeat(400)), false);
        check("", false);
        check("ann", false);
        check("@example.test", false);
        check("ann@", false);
        check("a b@example.test", false);
        check("ann@example.test\r\nRCPT TO:<x@example.test>", false);
        check("ann@example.test> SIZE=1", false);
        check("<ann@example.test>", false);
    }

    #[test]
    fn no_signed_line_begins_as_a_mailbox_separator() {
        #[track_caller]
        fn check(entity: &str, expected: &str) {
            let out = without_from_lines(entity.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        check("a\r\nFrom: b\r\n from c\r\n", "a\r\nFrom: b\r\n from c\r\n");
        check("From here on\r\n", "=46rom =\r\nhere on\r\n");
        check("a\r\nFrom From b", "a\r\n=46rom =\r\n=46rom =\r\nb");
    }

    #[test]
    fn names_of_files_are_harmless() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(safe_file_name(name, "key.asc"), expected);
        }
        check("security.asc", "security.asc");
        check("a\"b\r\nc/ü.asc", "a_b__c__.asc");
        check("", "key.asc");
    }

    #[test]
    fn dates_are_in_utc() {
        let date = DateTime::from_timestamp(1_777_630_800, 0).unwrap();
        assert_eq!(rfc5322_date(date), "Fri, 01 May 2026 10:20:00 +0000");
    }

    #[test]
    fn message_ids_of_ours_are_new_each_time() {
        let one = new_message_id("example.test");
        let (random, domain) = one.split_once('@').unwrap();
        assert_eq!((random.len(), domain), (40, "example.test"));
        assert!(is_message_id(&one));
        assert_ne!(one, new_message_id("example.test"));
    }
}
