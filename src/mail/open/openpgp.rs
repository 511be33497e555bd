//! The walk where it meets OpenPGP: ciphertext, signatures, certificates.
//!
//! A signature is a claim over what was collected between two marks; whether that is all of the
//! mail is judged when everything is known. Certificates of a layer are taken before its
//! signatures are checked.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::collect::{Mark, Standing};
use super::file::{Entry, Role, is_binary};
use super::walk::{Reader, Scope, Style, is_ciphertext, is_control};
use crate::mail::armor::{self, Content, Segment};
use crate::mail::message::{Address, Certificate, Failure, Signature, SignatureStatus};
use crate::mail::parse::{Part, charset, header, transfer};
use crate::mail::pgp::{self, Plaintext};

/// Stands in the text where a block could not be decrypted.
pub const UNREADABLE: &str = "[encrypted part that could not be read]";

/// Larger parts are not searched for certificates, in bytes.
const MAX_KEY_FILE: usize = 1024 * 1024;

/// Parts and blocks that are tried as certificates.
const MAX_KEY_ATTEMPTS: usize = 64;

/// What putting two copies of a certificate together counts as, in signatures on it.
const BINDINGS_OF_A_COPY: usize = 32;

/// One of these makes a header one of MIME.
const MIME_FIELDS: [&str; 3] = ["content-type", "mime-version", "content-transfer-encoding"];

/// Header fields with which MIME inside a ciphertext begins, beside those.
const MAIL_FIELDS: [&str; 7] = [
    "content-disposition",
    "autocrypt-gossip",
    "autocrypt",
    "from",
    "subject",
    "message-id",
    "date",
];

/// So many lines of a plaintext are searched for these.
const MAX_HEADER_LINES: usize = 200;

/// What came of a message.
enum Unlocked {
    Decrypted(Plaintext),
    /// It was signed, and never encrypted.
    SignedOnly(Plaintext),
    Failed,
}

impl Reader<'_> {
    /// RFC 3156, 4, and what gateways make of it: a control part and a ciphertext among others.
    pub(super) fn encrypted(&mut self, part: &Part, scope: Scope) {
        let is_ciphertext = |child: &&Part| {
            !child.is_multipart() && !is_control(child) && {
                let (bytes, _) = child.decoded();
                is_ciphertext(&bytes)
            }
        };
        let strict = part.is("multipart/encrypted");
        let ciphertext = part.parts.iter().find(is_ciphertext).or_else(|| {
            let second = part.parts.iter().find(|child| !is_control(child));
            second.filter(|child| strict && !child.is_multipart())
        });
        for child in &part.parts {
            if ciphertext.is_some_and(|found| std::ptr::eq(found, child)) {
                self.pgp_mime(child, scope);
            } else if !is_control(child) {
                let inside = Scope {
                    payload: false,
                    alone: false,
                    depth: scope.depth + 1,
                    ..scope
                };
                self.walk(child, inside);
            }
        }
    }

    /// The ciphertext of PGP/MIME: what is inside is MIME again.
    fn pgp_mime(&mut self, part: &Part, scope: Scope) {
        let (bytes, _) = part.decoded();
        match self.unlock(&bytes, scope) {
            Unlocked::Decrypted(plaintext) => self.layer(plaintext, scope, true),
            Unlocked::SignedOnly(plaintext) => self.layer(plaintext, scope, false),
            Unlocked::Failed => {
                let entry = Entry {
                    name: Some(Cow::Borrowed(part.file_name().unwrap_or("encrypted.asc"))),
                    media_type: &part.media_type,
                    charset: None,
                    role: Role::Ciphertext,
                };
                self.list(entry, &bytes, scope);
            }
        }
    }

    /// A ciphertext that came as a file: MIME again, or a file of which the name is known.
    pub(super) fn attached_ciphertext(&mut self, part: &Part, bytes: &[u8], scope: Scope) {
        let name = part.file_name();
        let (plaintext, decrypted) = match self.unlock(bytes, scope) {
            Unlocked::Decrypted(plaintext) => (plaintext, true),
            Unlocked::SignedOnly(plaintext) => (plaintext, false),
            Unlocked::Failed => {
                let entry = Entry {
                    name: Some(Cow::Borrowed(name.unwrap_or("encrypted.asc"))),
                    media_type: &part.media_type,
                    charset: None,
                    role: Role::Ciphertext,
                };
                self.list(entry, bytes, scope);
                return;
            }
        };
        if is_mime(&plaintext.bytes) {
            self.layer(plaintext, scope, decrypted);
            return;
        }
        self.file_inside(plaintext, name.map(inner_name), scope, decrypted);
    }

    /// A file that was inside a message.
    fn file_inside(
        &mut self,
        plaintext: Plaintext,
        name: Option<&str>,
        scope: Scope,
        decrypted: bool,
    ) {
        let inside = inside(scope, decrypted);
        let mark = self.out.mark();
        let entry = Entry {
            media_type: media_type_of(name.unwrap_or_default(), &plaintext.bytes),
            name: name.map(Cow::Borrowed),
            charset: None,
            role: match armor::content(&plaintext.bytes, false) {
                Content::Keys | Content::Signature if !armor::has_words(&plaintext.bytes) => {
                    Role::Plumbing
                }
                _ => Role::Content,
            },
        };
        self.take_keys(&plaintext.bytes);
        self.list(entry, &plaintext.bytes, inside);
        self.close(plaintext.signatures, mark, inside);
    }

    /// The end of a message, or of a text that somebody signed: these signatures are over all of it,
    /// and what is around them is not.
    fn close(&mut self, signatures: Vec<Signature>, mark: Mark, scope: Scope) {
        let span = self.out.since(mark);
        self.out.claim(signatures, &span, standing(scope));
        self.out.enclose(&span);
    }

    /// A file that is no ciphertext and holds one: a mail that was saved, also by GpgOL, which
    /// keeps PGP/MIME as `GpgOL_MIME_structure.txt`; or a text with words round it. Says whether
    /// nothing is left to list.
    pub(super) fn inside_file(&mut self, bytes: &[u8], scope: Scope) -> bool {
        if is_openpgp_mail(bytes) && scope.depth < self.context.limits.depth {
            let root = self.parse(bytes, scope.depth + 1);
            if root.field("from").is_some() {
                self.forwarded_mail(&root, scope);
                return false;
            }
            self.take_certificates(&root);
            let inside = Scope {
                alone: true,
                silent: false,
                ..scope.child()
            };
            self.walk(&root, inside);
            return true;
        }
        if armor::holds_message(bytes) {
            self.messages_in_file(bytes, scope);
        }
        false
    }

    /// Those that open; the others may be examples, or for somebody else.
    fn messages_in_file(&mut self, bytes: &[u8], scope: Scope) {
        for segment in armor::segments(bytes) {
            if let Segment::Message(block) = segment
                && let Some(plaintext) = self.try_message(block, scope)
            {
                self.inline_plaintext(plaintext, &Style::default(), scope, true);
            }
        }
    }

    /// A message inside a text.
    pub(super) fn inline_message(&mut self, block: &[u8], style: &Style, scope: Scope) {
        let (plaintext, decrypted) = match self.unlock(block, scope) {
            Unlocked::Decrypted(plaintext) => (plaintext, true),
            Unlocked::SignedOnly(plaintext) => (plaintext, false),
            Unlocked::Failed => {
                let mark = self.out.mark();
                self.push_text(UNREADABLE);
                return self.close(Vec::new(), mark, scope);
            }
        };
        let named = armor::charset_of(block).map(|charset| style.with_charset(charset));
        let style = named.as_ref().unwrap_or(style);
        self.inline_plaintext(plaintext, style, scope, decrypted);
    }

    /// What was inside a message that stood in a text of this style.
    pub(super) fn inline_plaintext(
        &mut self,
        plaintext: Plaintext,
        style: &Style,
        scope: Scope,
        decrypted: bool,
    ) {
        if is_mime(&plaintext.bytes) {
            self.layer(plaintext, scope, decrypted);
            return;
        }
        if is_binary(&plaintext.bytes) {
            return self.file_inside(plaintext, None, scope, decrypted);
        }
        let mark = self.out.mark();
        let is_utf8 = std::str::from_utf8(&plaintext.bytes).is_ok();
        let html = style.html && has_markup(&plaintext.bytes);
        let mut style = if is_utf8 {
            Style::utf8()
        } else {
            Style::in_charset(style.charset.clone())
        };
        style.html = html;
        if !plaintext.signatures.is_empty() {
            style = style.of_signed();
        }
        let inside = inside(scope, decrypted);
        self.take_keys(&plaintext.bytes);
        self.segments(&plaintext.bytes, &style, inside);
        self.subject_in_text(mark, inside);
        self.close(plaintext.signatures, mark, inside);
    }

    /// A clear-signed text: shown is what was signed, and what messages in it hold.
    pub(super) fn cleartext(&mut self, block: &[u8], style: &Style, scope: Scope) {
        let mut style = Cow::Borrowed(style);
        let mut checked = self.verify_cleartext(block);
        // A server may have written the text in another charset than it was signed in: UTF-8.
        let is_bad = |signature: &Signature| signature.status == SignatureStatus::Bad;
        if checked
            .as_ref()
            .is_some_and(|(_, found)| found.iter().any(is_bad))
            && let Some(block) = style.in_utf8(block)
            && let Some(again) = self.verify_cleartext(block.as_bytes())
            && !again.1.iter().any(is_bad)
        {
            checked = Some(again);
            style = Cow::Owned(style.with_charset("utf-8".to_owned()));
        }
        let style = style.as_ref();
        let Some((text, signatures)) = checked else {
            self.out
                .problem("a clear-signed text whose signature cannot be read");
            let mark = self.out.mark();
            let shown = self.rendered(block, style);
            self.push_text(&shown);
            return self.close(Vec::new(), mark, scope);
        };
        let mark = self.out.mark();
        for segment in armor::segments(&text) {
            match segment {
                Segment::Message(block) => self.inline_message(block, style, scope),
                Segment::Plain(text) => self.show(text, &style.of_signed()),
                // Somebody else's, which this one is around.
                Segment::Signed(text) => {
                    let mark = self.out.mark();
                    self.show(text, &style.of_signed());
                    self.close(Vec::new(), mark, scope);
                }
            }
        }
        self.close(signatures, mark, scope);
    }

    fn verify_cleartext(&mut self, block: &[u8]) -> Option<(Vec<u8>, Vec<Signature>)> {
        let checked = self.may_hash(block.len()).then(|| {
            self.checked(|reader| pgp::verify_cleartext(block, &reader.known, reader.now))
        });
        checked.flatten().flatten()
    }

    /// RFC 3156, 5: the signature is over the first part exactly as it stands.
    pub(super) fn signed(&mut self, part: &Part, scope: Scope) {
        let signature = part.parts.iter().skip(1).find(|child| is_signature(child));
        let mut signatures = match (part.parts.first(), signature) {
            (Some(content), Some(signature)) => {
                let (signature, _) = signature.decoded();
                self.verify(content.raw, &signature)
            }
            _ => Vec::new(),
        };
        if !part.is("multipart/signed") {
            // Only a guess that this was signed: nothing but success proves it.
            signatures.retain(|signature| signature.status == SignatureStatus::Good);
        }
        if part.parts.iter().any(is_smime_signature) {
            self.out
                .problem("an S/MIME signature, which is not checked");
        }
        let is_bad = signatures
            .iter()
            .any(|signature| signature.status == SignatureStatus::Bad);
        let outside = Scope {
            payload: false,
            alone: false,
            depth: scope.depth + 1,
            ..scope
        };
        // A signature that was checked says no more than the result; one that was not stays a file.
        let is_checked = !signatures.is_empty()
            && signatures
                .iter()
                .all(|signature| signature.status != SignatureStatus::UnknownKey);
        for (at, child) in part.parts.iter().enumerate() {
            if at > 0 {
                let is_used = signature.is_some_and(|used| std::ptr::eq(used, child));
                if !(is_used && is_checked) || has_words_beside(child) {
                    self.walk(child, outside);
                }
                continue;
            }
            let content = Scope {
                payload: !scope.forwarded && !signatures.is_empty() && !is_bad,
                alone: scope.alone,
                ..outside
            };
            let mark = self.out.mark();
            self.walk(child, content);
            let span = self.out.since(mark);
            self.introduce(child, &signatures);
            self.out.claim(signatures.clone(), &span, standing(scope));
        }
    }

    /// Checks over canonical line ends; some programs sign one line end more, some one less.
    fn verify(&mut self, content: &[u8], signature: &[u8]) -> Vec<Signature> {
        if !self.may_hash(content.len()) {
            return Vec::new();
        }
        let canonical = with_crlf(content);
        let signatures = self.verify_once(&canonical, signature);
        let is_bad = |signature: &Signature| signature.status == SignatureStatus::Bad;
        if !signatures.iter().any(is_bad) || !self.may_hash(content.len().saturating_mul(2)) {
            return signatures;
        }
        let longer = [canonical.as_slice(), b"\r\n"].concat();
        let shorter = canonical.strip_suffix(b"\r\n").unwrap_or(&canonical);
        [longer.as_slice(), shorter]
            .into_iter()
            .map(|form| self.verify_once(form, signature))
            .find(|again| !again.is_empty() && !again.iter().any(is_bad))
            .unwrap_or(signatures)
    }

    fn verify_once(&mut self, content: &[u8], signature: &[u8]) -> Vec<Signature> {
        self.checked(|reader| pgp::verify_detached(content, signature, &reader.known, reader.now))
            .unwrap_or_default()
    }

    /// Whether the signatures over so many bytes may be checked, as if there were as many as are
    /// looked at.
    fn may_hash(&mut self, length: usize) -> bool {
        let cost = length
            .saturating_mul(pgp::MAX_SIGNATURES)
            .min(pgp::MAX_HASHED.max(length));
        let left = self.hashing_left.checked_sub(cost);
        self.hashing_left = left.unwrap_or(self.hashing_left);
        if left.is_none() {
            self.out
                .problem("more signatures over more text than are looked at");
        }
        left.is_some()
    }

    /// Reads what was inside a message as MIME.
    fn layer(&mut self, plaintext: Plaintext, scope: Scope, decrypted: bool) {
        let inside = inside(scope, decrypted);
        let mark = self.out.mark();
        let subjects = self.out.subject_count();
        let root = self.parse(&plaintext.bytes, inside.depth);
        self.take_certificates(&root);
        self.introduce(&root, &plaintext.signatures);
        self.walk(&root, inside);
        if self.out.subject_count() == subjects {
            self.unprotected_subject(&root, mark, inside);
        }
        self.close(plaintext.signatures, mark, inside);
    }

    /// A subject inside that names no protection, where only that can be meant.
    fn unprotected_subject(&mut self, root: &Part, mark: Mark, scope: Scope) {
        let is_meant = self.subject_says_nothing && scope.encrypted && scope.payload;
        match root.field("subject") {
            Some(value) if is_meant => self.protect_subject(&value, mark, scope),
            _ => self.subject_in_text(mark, scope),
        }
    }

    /// Enigmail of old and pEp wrote the subject as the first line of the text, and a word that
    /// says nothing outside.
    fn subject_in_text(&mut self, mark: Mark, scope: Scope) {
        if !self.subject_says_nothing || !scope.encrypted || scope.forwarded {
            return;
        }
        if let Some(value) = self.out.take_subject_line(mark) {
            self.protect_subject(&value, mark, scope);
        }
    }

    /// Opens what may be meant for us; nothing is noted where it is not.
    pub(super) fn try_message(&mut self, message: &[u8], scope: Scope) -> Option<Plaintext> {
        if self.is_beyond(scope) || self.checks_left == 0 {
            return None;
        }
        self.checks_left -= 1;
        let plaintext = match self.decrypt(message) {
            Ok(plaintext) => plaintext,
            Err(failure) => {
                self.tried_in_vain |= failure != Failure::NoKey;
                self.give_up_on(failure);
                if failure == Failure::KeyAway {
                    self.failure = Some(failure);
                }
                return None;
            }
        };
        self.out.ciphertexts += 1;
        self.opened += 1;
        self.plaintext_left = self.plaintext_left.saturating_sub(plaintext.bytes.len());
        Some(plaintext)
    }

    /// Is what stands here deeper, or one more, than is opened?
    fn is_beyond(&self, scope: Scope) -> bool {
        let limits = &self.context.limits;
        scope.layers >= limits.layers
            || scope.depth >= limits.depth
            || self.out.ciphertexts >= limits.ciphertexts
    }

    /// Opens a message; a failure is noted. The first one is kept, but `NoKey`, which is told to
    /// the sender, gives way to one after a key of ours was tried; and before all comes that a key
    /// is away, as the mail can be read later.
    fn unlock(&mut self, message: &[u8], scope: Scope) -> Unlocked {
        let message = &armor::without_lost_encoding(message);
        if self.is_beyond(scope) {
            self.out.ciphertexts += 1;
            return self.failed(Failure::TooLarge);
        }
        if let Some(plaintext) = self.signed_message(message) {
            self.plaintext_left = self.plaintext_left.saturating_sub(plaintext.bytes.len());
            return Unlocked::SignedOnly(plaintext);
        }
        self.out.ciphertexts += 1;
        match self.decrypt(message) {
            Ok(plaintext) => {
                self.opened += 1;
                self.plaintext_left = self.plaintext_left.saturating_sub(plaintext.bytes.len());
                Unlocked::Decrypted(plaintext)
            }
            // What is said of the recipients of a mail is not said of what lies inside one.
            Err(Failure::NoKey) if scope.encrypted => self.failed(Failure::NoKeyFits),
            Err(failure) => self.failed(failure),
        }
    }

    /// What was too large has taken all the room that there is for one mail.
    fn give_up_on(&mut self, failure: Failure) {
        if failure == Failure::TooLarge {
            self.plaintext_left = 0;
        }
    }

    /// Encrypted, and not by OpenPGP: there is no key of ours for it.
    pub(super) fn foreign_ciphertext(&mut self) {
        self.out.ciphertexts += 1;
        self.failed(Failure::NoKey);
    }

    fn failed(&mut self, failure: Failure) -> Unlocked {
        self.give_up_on(failure);
        if failure == Failure::KeyAway || matches!(self.failure, None | Some(Failure::NoKey)) {
            self.failure = Some(failure);
        }
        self.out
            .problem(format!("a ciphertext was not read: {}", failure.as_str()));
        Unlocked::Failed
    }

    fn signed_message(&mut self, message: &[u8]) -> Option<Plaintext> {
        let at_most = self.plaintext_left;
        let open = |reader: &Self| pgp::verify_message(message, &reader.known, at_most, reader.now);
        let plaintext = self.checked(open).flatten()?;
        if !self.learns_from(&plaintext) {
            return Some(plaintext);
        }
        self.checked(open).flatten()
    }

    fn decrypt(&mut self, message: &[u8]) -> Result<Plaintext, Failure> {
        let keyring = self.context.keyring.ok_or(Failure::NoKey)?;
        let at_most = self.plaintext_left;
        if at_most == 0 {
            return Err(Failure::TooLarge);
        }
        let open = |reader: &Self| {
            keyring.decrypt_within(message, &reader.known, at_most, &reader.tries, reader.now)
        };
        let plaintext = self.guarded(open).unwrap_or(Err(Failure::Malformed))?;
        if !self.learns_from(&plaintext) {
            return Ok(plaintext);
        }
        self.guarded(open).unwrap_or(Err(Failure::Malformed))
    }

    /// Does the plaintext bring a certificate that its own signature may be waiting for?
    fn learns_from(&mut self, plaintext: &Plaintext) -> bool {
        let waits = plaintext
            .signatures
            .iter()
            .any(|signature| signature.status == SignatureStatus::UnknownKey);
        if !waits {
            return false;
        }
        let before = self.found.len();
        if is_mime(&plaintext.bytes) {
            let depth = self.context.limits.depth / 2;
            let root = self.parse(&plaintext.bytes, depth);
            self.take_certificates(&root);
        } else {
            self.take_keys(&plaintext.bytes);
        }
        self.found.len() > before
    }

    /// As [`Self::guarded`], for what has a bound in number only.
    pub(super) fn checked<T>(&mut self, work: impl FnOnce(&Self) -> T) -> Option<T> {
        if self.checks_left == 0 {
            self.out
                .problem("more signatures or certificates than are looked at");
            return None;
        }
        self.checks_left -= 1;
        self.guarded(work)
    }

    /// Runs the cryptographic library; a panic there is a failure of this part alone.
    fn guarded<T>(&mut self, work: impl FnOnce(&Self) -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(|| work(self))).ok();
        if done.is_none() {
            self.out
                .problem("OpenPGP data on which the cryptographic library broke");
        }
        done
    }

    /// Certificates in the parts of one layer, wherever they are allowed to stand.
    pub(super) fn take_certificates(&mut self, part: &Part) {
        let mut attempts = MAX_KEY_ATTEMPTS;
        self.take_from(part, &mut attempts);
    }

    fn take_from(&mut self, part: &Part, attempts: &mut usize) {
        for child in &part.parts {
            self.take_from(child, attempts);
        }
        if part.is_multipart() || *attempts == 0 || !may_hold_keys(part) {
            return;
        }
        let (bytes, _) = part.decoded();
        let is_key_file =
            armor::content(&bytes, !part.media_type.starts_with("text/")) == Content::Keys;
        if part.is("application/pgp-keys") || is_key_file {
            *attempts -= 1;
            self.keep_certificates(&bytes);
        } else {
            for block in armor::key_blocks(&bytes) {
                *attempts = attempts.saturating_sub(1);
                self.keep_certificates(block);
            }
        }
    }

    /// Armoured certificates inside some decrypted text or file.
    fn take_keys(&mut self, bytes: &[u8]) {
        for block in armor::key_blocks(bytes.get(..MAX_KEY_FILE).unwrap_or(bytes)) {
            self.keep_certificates(block);
        }
    }

    fn keep_certificates(&mut self, bytes: &[u8]) {
        if self.bindings_left == 0 {
            self.out
                .problem("more signatures on certificates than are looked at");
            return;
        }
        let mut left = self.bindings_left;
        let read = self.checked(|_| pgp::read_certificates_within(bytes, &mut left));
        self.bindings_left = left;
        for certificate in read.unwrap_or_default() {
            self.keep(certificate);
        }
    }

    /// Of several copies each may know something that the others do not.
    fn keep(&mut self, certificate: Certificate) {
        let is_copy = |found: &Certificate| found.fingerprint == certificate.fingerprint;
        if let Some(at) = self.found.iter().position(is_copy) {
            self.keep_copy(at, &certificate);
            return;
        }
        if self.found.len() >= self.context.limits.certificates {
            self.out.problem("more certificates than are kept");
            return;
        }
        self.known.push(certificate.clone());
        self.found.push(certificate);
    }

    fn keep_copy(&mut self, at: usize, copy: &Certificate) {
        let Some(found) = self.found.get(at).filter(|found| *found != copy).cloned() else {
            return;
        };
        let left = self.bindings_left.checked_sub(BINDINGS_OF_A_COPY);
        let Some(left) = left else { return };
        self.bindings_left = left;
        let merged = self.checked(|_| pgp::merged(&found, copy)).flatten();
        if let (Some(merged), Some(found)) = (merged, self.found.get_mut(at)) {
            self.known.push(merged.clone());
            *found = merged;
        }
    }

    /// The Autocrypt field, when there is exactly one for the sender (Autocrypt 1.1, 2.3).
    pub(super) fn take_autocrypt(&mut self, root: &Part, from: &Address) {
        let keys: Vec<String> = root
            .fields
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case("autocrypt"))
            .take(10)
            .filter_map(|field| autocrypt_key(&field.value(None), from))
            .collect();
        if let [key] = keys.as_slice() {
            let (bytes, _) = transfer::base64(key.as_bytes());
            self.keep_certificates(&bytes);
        }
    }
}

fn standing(scope: Scope) -> Standing {
    Standing {
        encrypted: scope.encrypted,
        forwarded: scope.forwarded,
    }
}

/// Of what is inside a message: it is no other form of a text that is shown already.
fn inside(scope: Scope, decrypted: bool) -> Scope {
    Scope {
        encrypted: scope.encrypted || decrypted,
        silent: false,
        payload: !scope.forwarded,
        alone: true,
        depth: scope.depth + 1,
        layers: scope.layers + 1,
        ..scope
    }
}

fn autocrypt_key(value: &str, from: &Address) -> Option<String> {
    let mut address = None;
    let mut key = None;
    for attribute in value.split(';') {
        let (name, value) = attribute.split_once('=')?;
        match name.trim() {
            "addr" => address = Some(value.trim()),
            "keydata" => key = Some(value.split_whitespace().collect::<String>()),
            _ => {}
        }
    }
    key.filter(|_| address.is_some_and(|address| from.same_mailbox(address)))
}

/// Does decrypted data begin like a mail or a part of one? One field of MIME is among the first: a
/// text may begin with a line `Subject: …`, too.
fn is_mime(bytes: &[u8]) -> bool {
    let begins = [&MIME_FIELDS[..], &MAIL_FIELDS]
        .iter()
        .any(|fields| header::starts_with_field(bytes, fields));
    begins && header_lines(bytes).any(|line| header::starts_with_field(line, &MIME_FIELDS))
}

/// A mail with OpenPGP in it, or PGP/MIME without the header of a mail.
fn is_openpgp_mail(bytes: &[u8]) -> bool {
    let has_field =
        |names: &[&str]| header_lines(bytes).any(|line| header::starts_with_field(line, names));
    let is_pgp_mime = |line: &[u8]| {
        let line = line.get(..1_000).unwrap_or(line).to_ascii_lowercase();
        [&b"multipart/encrypted"[..], b"multipart/signed"]
            .iter()
            .any(|kind| line.windows(kind.len()).any(|words| words == *kind))
    };
    has_field(&MIME_FIELDS)
        && (header_lines(bytes).any(is_pgp_mime)
            || has_field(&["from"]) && armor::holds_message(bytes))
}

/// Is this HTML, as its label says? A gateway may have labelled what was plain text inside.
fn has_markup(text: &[u8]) -> bool {
    [&b"</"[..], b"<br"]
        .iter()
        .any(|tag| text.windows(tag.len()).any(|bytes| bytes == *tag))
}

/// The lines in front of the first empty one.
fn header_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let line = header::line_at(bytes, at)?;
        at += line.len();
        Some(line).filter(|line| !line.trim_ascii().is_empty())
    })
    .take(MAX_HEADER_LINES)
}

fn is_signature(part: &Part) -> bool {
    part.is("application/pgp-signature")
        || !part.is_multipart() && {
            let (bytes, _) = part.decoded();
            armor::content(&bytes, false) == Content::Signature
        }
}

/// Does something else than the signature stand in its part?
fn has_words_beside(signature: &Part) -> bool {
    let (bytes, _) = signature.decoded();
    armor::content(&bytes, false) == Content::Signature && armor::has_words(&bytes)
}

pub(super) fn is_smime_signature(part: &Part) -> bool {
    part.is("application/pkcs7-signature") || part.is("application/x-pkcs7-signature")
}

/// Texts, and files that are small enough and no picture.
fn may_hold_keys(part: &Part) -> bool {
    let kind = part.media_type.split('/').next().unwrap_or_default();
    let named = part.file_name().is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        [".asc", ".gpg", ".key", ".pgp", ".pub", ".txt"]
            .iter()
            .any(|extension| name.ends_with(extension))
    });
    let small = part.body.len() <= MAX_KEY_FILE;
    small
        && !part.is("text/html")
        && (kind == "text"
            || named
            || matches!(
                part.media_type.as_str(),
                "application/pgp-keys" | "application/octet-stream"
            ))
}

fn with_crlf(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + content.len() / 32 + 2);
    let mut last = 0;
    for &byte in content {
        if byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        last = byte;
    }
    out
}

/// `report.pdf.pgp` is `report.pdf`.
fn inner_name(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    [".asc", ".gpg", ".pgp"]
        .iter()
        .find(|extension| lower.ends_with(*extension))
        .and_then(|extension| name.get(..name.len() - extension.len()))
        .unwrap_or(name)
}

/// A type for bytes that come without one: by the name, else by what they are.
pub fn media_type_of(name: &str, bytes: &[u8]) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("zip") => "application/zip",
        Some("html" | "htm") => "text/html",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("csv") => "text/csv",
        Some("md") => "text/markdown",
        _ => {
            let (_, lossy) = charset::decode(bytes, Some("utf-8"));
            if lossy || bytes.contains(&0) || is_binary(bytes) {
                "application/octet-stream"
            } else {
                "text/plain"
            }
        }
    }
}
