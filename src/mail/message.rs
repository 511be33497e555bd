//! A mail as plain values: what reading it produced, before anybody decides.
//!
//! Nothing here does input or output, and nothing knows a parser or a
//! cryptographic library; `parse`, `open` and `pgp` fill these types,
//! `triage` reads them.

use std::fmt;

use chrono::{DateTime, Utc};

/// SHA-256 of some bytes: the identity of a mail as received.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

/// Lower-case hexadecimal, 64 characters.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A mailbox of RFC 5322, 3.4: display name and addr-spec.
///
/// `email` is what the mail said, without angle brackets; compare with
/// [`Address::same_mailbox`], never byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub name: Option<String>,
    pub email: String,
}

impl Address {
    /// The form under which an address is looked up: lower case, trimmed.
    pub fn key(&self) -> String {
        address_key(&self.email)
    }

    pub fn same_mailbox(&self, other: &str) -> bool {
        self.key() == address_key(other)
    }

    /// The domain in lower case; empty where there is none.
    pub fn domain(&self) -> String {
        domain_of(&self.email)
    }
}

/// The domain of an address, in lower case; empty where there is none.
pub fn domain_of(email: &str) -> String {
    address_key(email)
        .rsplit_once('@')
        .map(|(_, domain)| domain.to_owned())
        .unwrap_or_default()
}

/// Lower case and without surrounding white space.
pub fn address_key(email: &str) -> String {
    email.trim().to_lowercase()
}

/// One name for all spellings of a mailbox: without a tag (`ann+tag@`, RFC 5233), the domain in
/// A-labels (RFC 5890). For counting alone; a letter goes to the address as it was written.
pub fn mailbox_key(email: &str) -> String {
    let key = address_key(email);
    let Some((local, domain)) = key.rsplit_once('@') else {
        return key;
    };
    let name = match local.split_once('+') {
        Some((name, _)) if !name.is_empty() => name,
        _ => local,
    };
    let domain = domain.trim_end_matches('.');
    let ascii = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned());
    format!("{name}@{ascii}")
}

/// `ann+reports@example.org` is a mailbox of `ann@example.org` (RFC 5233).
pub fn without_tag(email: &str) -> String {
    email
        .rsplit_once('@')
        .and_then(|(local, domain)| Some(format!("{}@{domain}", local.split_once('+')?.0)))
        .unwrap_or_else(|| email.to_owned())
}

/// One header field of the outermost header, unfolded, its encoded words untouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderField {
    pub name: String,
    pub value: String,
}

/// A file that came with the mail. Its bytes stay in the raw mail alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Safe to show and to save: no path, no control character, at most 255 characters; never empty.
    pub name: String,
    /// Lower case, `type/subtype`.
    pub media_type: String,
    /// Bytes after the transfer encoding was taken away.
    pub size: u64,
    pub digest: Digest,
    /// The first 64 KiB as text, where the content is text; for classification.
    pub excerpt: Option<String>,
    /// It came out of a ciphertext.
    pub encrypted: bool,
}

/// What a machine reported about a mail (RFC 3464, 8098, 5965).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineReport {
    pub kind: MachineReportKind,
    /// RFC 3464 `Action`, lower case: failed, delayed, delivered, relayed, expanded.
    pub action: Option<String>,
    /// Message-IDs (without brackets) of the mails that it is about.
    pub original_message_ids: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineReportKind {
    DeliveryStatus,
    DispositionNotification,
    FeedbackReport,
}

/// How the OpenPGP layers of a mail came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenPgp {
    /// Some part was ciphertext.
    pub encrypted: bool,
    /// Every part that was ciphertext was decrypted.
    pub decrypted: bool,
    /// At least one part that was ciphertext was decrypted.
    pub partly_decrypted: bool,
    /// Why the first part that failed did; `NoKey` only where that is true of every one that did.
    pub failure: Option<Failure>,
    /// Text that looks like a message did not open after keys of ours were tried. It is shown as it
    /// stands and is no failure, but the time of the answer must not tell how far we came.
    pub tried_in_vain: bool,
    pub signatures: Vec<Signature>,
    /// What stands under good signatures, in the order of the mail; what one signed twice, once.
    pub signed: Vec<SignedText>,
    /// Certificates that came with the mail.
    pub certificates: Vec<Certificate>,
    /// Who signed the text that one of these came in.
    pub introductions: Vec<Introduction>,
}

/// The owner of one key signed a text that holds the certificate of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Fingerprint of the signer, upper-case hex.
    pub by: String,
    /// Fingerprint of the certificate in the text.
    pub introduced: String,
}

/// Why a ciphertext was not read. Names are for the team and the log; of
/// these only `NoKey` is ever told to the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No key of ours among the recipients; that was clear before any was tried.
    NoKey,
    /// The recipients are hidden, or those of an inner layer are others: ours were tried.
    NoKeyFits,
    /// Encrypted to a password alone.
    PasswordOnly,
    /// Cut short, or the armour does not decode.
    Damaged,
    /// The integrity check failed.
    Modified,
    /// An algorithm or packet that the backend does not have, or no integrity protection.
    Unsupported,
    /// Over the bounds on expanded size or nesting.
    TooLarge,
    /// Not an OpenPGP message at all.
    Malformed,
    /// A key that it may be for is held by a gpg-agent, which does not work with it now. Such a mail
    /// is not recorded yet: it is tried again.
    KeyAway,
}

impl Failure {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::NoKeyFits => "no_key_fits",
            Self::PasswordOnly => "password_only",
            Self::Damaged => "damaged",
            Self::Modified => "modified",
            Self::Unsupported => "unsupported",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::KeyAway => "key_away",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub status: SignatureStatus,
    /// Upper-case hex; of the signer's primary key where the certificate is known, else the issuer that the signature names.
    pub fingerprint: Option<String>,
    pub covers: Covers,
    /// What it says of its own time, in what it is over; `None` where it could not be read.
    pub signed_at: Option<DateTime<Utc>>,
    /// SHA-256 of the hash that it is over, of which its own time is a part; `None` where it could not
    /// be read. The same in whatever form the signature comes.
    pub over: Option<Digest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureStatus {
    Good,
    Bad,
    UnknownKey,
    ExpiredKey,
    RevokedKey,
}

impl SignatureStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::UnknownKey => "unknown_key",
            Self::ExpiredKey => "expired_key",
            Self::RevokedKey => "revoked_key",
        }
    }
}

/// Words under one good signature. They and the key that signed them travel together: nothing of it
/// stood outside the bytes that the signature covers, and nothing from there says how to read it.
///
/// What lies deeper is not in it, as it may be somebody else's: a forwarded mail, what came out of a
/// ciphertext that the signature is around, what another signature is over. Each text has one
/// innermost signature, and is that one's alone. Signatures in a forwarded mail give none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedText {
    /// Of the signer's primary key, upper-case hex.
    pub signer: String,
    /// What the signature says of its own time; of several, the latest.
    pub signed_at: DateTime<Utc>,
    /// Each good signature of the signer over it: its time, and [`Signature::over`].
    pub made: Vec<(DateTime<Utc>, Digest)>,
    /// As a person reads it, in UTF-8, lines ended by `\n`.
    pub text: String,
    /// The files under the signature, but for keys and signatures: positions in
    /// [`Message::attachments`].
    pub attachments: Vec<usize>,
    /// It came out of a ciphertext.
    pub encrypted: bool,
}

/// Whether the signature is over all that the mail shows, or over a part. One around a ciphertext
/// is not over what was inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    All,
    Part,
}

impl Covers {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Part => "part",
        }
    }
}

/// A certificate (public key), as bytes that `mail::pgp` can read again.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Upper-case hex, without spaces.
    pub fingerprint: String,
    /// Lower-case addresses of its user IDs.
    pub emails: Vec<String>,
    /// Binary, public parts alone.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.fingerprint)
    }
}

/// A mail that was read. Reading never fails: what went wrong is in `problems`.
#[derive(Clone, Debug)]
pub struct Message {
    /// Of the bytes as received.
    pub digest: Digest,
    /// Bytes as received.
    pub size: u64,
    /// Outermost header, in order, at most [`MAX_HEADER_FIELDS`].
    pub header: Vec<HeaderField>,
    /// Without angle brackets.
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    pub from: Option<Address>,
    pub reply_to: Vec<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    /// What the sender's program claims; nothing is computed from it.
    pub date: Option<DateTime<Utc>>,
    /// Decoded; the protected one (RFC 9788) where there is one.
    pub subject: String,
    /// The subject came out of a ciphertext and must not leave in clear.
    pub subject_encrypted: bool,
    /// What a person would read, in UTF-8, lines ended by `\n`.
    pub text: String,
    /// Some bytes of the text had no meaning in the charset that was used.
    pub text_lossy: bool,
    pub attachments: Vec<Attachment>,
    /// Outermost media type, lower case.
    pub media_type: String,
    pub machine_report: Option<MachineReport>,
    pub openpgp: OpenPgp,
    pub problems: Vec<Problem>,
}

/// More header fields than this are counted as a problem and not read.
pub const MAX_HEADER_FIELDS: usize = 1_000;

impl Message {
    /// A mail of which nothing was read but how large it is.
    pub fn unread(digest: Digest, size: u64) -> Self {
        Self {
            digest,
            size,
            header: Vec::new(),
            message_id: None,
            in_reply_to: Vec::new(),
            references: Vec::new(),
            from: None,
            reply_to: Vec::new(),
            to: Vec::new(),
            cc: Vec::new(),
            date: None,
            subject: String::new(),
            subject_encrypted: false,
            text: String::new(),
            text_lossy: false,
            attachments: Vec::new(),
            media_type: String::new(),
            machine_report: None,
            openpgp: OpenPgp::default(),
            problems: Vec::new(),
        }
    }

    /// The first field of this name, case-insensitively.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.headers(name).next()
    }

    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.header
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value.as_str())
    }
}

/// Something odd about a mail, in words for the team. Holds nothing of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_key() {
        #[track_caller]
        fn check(email: &str, expected: &str) {
            assert_eq!(mailbox_key(email), expected);
        }
        check("Ann@Example.test", "ann@example.test");
        check(" ann+reports@example.test", "ann@example.test");
        check("ann+a+b@example.test", "ann@example.test");
        check("ann+@example.test.", "ann@example.test");
        check("ann-reports@example.test", "ann-reports@example.test");
        check("+tag@example.test", "+tag@example.test");
        check("ann@b\u{fc}cher.test", "ann@xn--bcher-kva.test");
        check("ann@B\u{dc}CHER.test", "ann@xn--bcher-kva.test");
        check("ann@bu\u{308}cher.test", "ann@xn--bcher-kva.test");
        check("ann@b\u{fc}cher\u{3002}test", "ann@xn--bcher-kva.test");
        check("ann@xn--bcher-kva.test", "ann@xn--bcher-kva.test");
        check("j\u{f6}rg+x@example.test", "j\u{f6}rg@example.test");
        // Not to be read as a domain: as it is.
        check("ann@xn--a.test", "ann@xn--a.test");
        check("ann", "ann");
        check("", "");
    }
}
