//! The walk through a tree of parts.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::collect::{Collected, File, Mark};
use super::file::{Entry, Role, default_name, excerpt, is_pdf};
use super::openpgp::is_smime_signature;
use super::{Document, Opening, subject};
use crate::mail::armor::{self, Content, Segment};
use crate::mail::html;
use crate::mail::message::{
    Attachment, Certificate, Digest, Failure, Introduction, MachineReport, Message,
};
use crate::mail::parse::{self, Budget, Part, charset, header};
use crate::mail::pgp::{self, Tries};
use crate::mail::report;
use crate::mail::text;

/// A plain text shorter than this, beside HTML, is looked at for "your program shows no HTML".
const STUB: usize = 400;

/// Where the walk is.
#[derive(Clone, Copy)]
pub struct Scope {
    /// Inside a ciphertext.
    pub encrypted: bool,
    /// Text here is another form of what was shown already.
    pub silent: bool,
    /// This part is what a signature or a ciphertext is around: its header may be protected.
    pub payload: bool,
    /// Inside a forwarded mail.
    pub forwarded: bool,
    /// This part is the whole mail, or the whole of a forwarded one or of a plaintext.
    pub alone: bool,
    pub depth: usize,
    /// Ciphertexts around.
    pub layers: usize,
}

impl Scope {
    pub fn root() -> Self {
        Self {
            encrypted: false,
            silent: false,
            payload: false,
            forwarded: false,
            alone: true,
            depth: 0,
            layers: 0,
        }
    }

    pub(super) fn child(self) -> Self {
        Self {
            payload: false,
            alone: false,
            depth: self.depth + 1,
            ..self
        }
    }

    fn silenced(self) -> Self {
        Self {
            silent: true,
            ..self
        }
    }
}

pub struct Reader<'c> {
    pub(super) context: &'c Opening<'c>,
    pub(super) now: DateTime<Utc>,
    pub(super) out: Collected,
    /// Certificates that came with the mail.
    pub(super) found: Vec<Certificate>,
    /// Who signed the text that one of them came in.
    pub(super) introductions: Vec<Introduction>,
    /// What signatures are checked against: those known before and those found.
    pub(super) known: Vec<Certificate>,
    pub(super) opened: usize,
    pub(super) failure: Option<Failure>,
    pub(super) tried_in_vain: bool,
    pub(super) plaintext_left: usize,
    pub(super) checks_left: usize,
    /// The outer subject is one that programs put in place of a protected one.
    pub(super) subject_says_nothing: bool,
    /// Signatures on keys and user IDs.
    pub(super) bindings_left: usize,
    /// Bytes under signatures.
    pub(super) hashing_left: usize,
    /// What our keys were used for.
    pub(super) tries: Tries,
    parts_left: usize,
    report: Option<MachineReport>,
    handed_on: HandedOn<'c>,
    documents: Vec<Document>,
}

/// Which files are kept with their bytes.
#[derive(Clone, Copy)]
pub enum HandedOn<'a> {
    /// Those that only a program of its own reads.
    Pdfs,
    /// Those at these places among all.
    Files(&'a [usize]),
}

impl<'c> Reader<'c> {
    pub fn new(context: &'c Opening<'c>, handed_on: HandedOn<'c>, now: DateTime<Utc>) -> Self {
        Self {
            context,
            now,
            out: Collected::default(),
            found: Vec::new(),
            introductions: Vec::new(),
            known: context.known.to_vec(),
            opened: 0,
            failure: None,
            tried_in_vain: false,
            plaintext_left: context.limits.plaintext,
            checks_left: context.limits.checks,
            subject_says_nothing: false,
            bindings_left: context.limits.bindings,
            hashing_left: context.limits.hashing,
            tries: Tries::default(),
            parts_left: context.limits.parts,
            report: None,
            handed_on,
            documents: Vec::new(),
        }
    }

    /// Reads a mail, or the MIME inside a layer that is `depth` down.
    pub fn parse<'b>(&mut self, bytes: &'b [u8], depth: usize) -> Part<'b> {
        let mut budget = Budget {
            parts: self.parts_left,
            depth: self.context.limits.depth.saturating_sub(depth),
            exceeded: false,
            header_cut: false,
        };
        let part = parse::message(bytes, &mut budget);
        self.parts_left = budget.parts;
        if budget.exceeded {
            self.out.incomplete = true;
            self.out
                .problem("more parts, or deeper ones, than are read; the rest was left out");
        }
        if budget.header_cut {
            self.out.problem("more header fields than are read");
        }
        part
    }

    pub fn finish(self, message: &mut Message) -> Vec<Document> {
        message.text = self.out.text(self.context.limits.text);
        message.text_lossy = self.out.text_lossy;
        let of_a_part = || {
            self.out
                .subject_of_a_part()
                .filter(|_| self.subject_says_nothing)
        };
        if let Some((subject, encrypted)) = self.out.subject().or_else(of_a_part) {
            message.subject = subject;
            message.subject_encrypted = encrypted;
        }
        let openpgp = &mut message.openpgp;
        openpgp.encrypted = self.out.ciphertexts > 0;
        openpgp.decrypted = self.out.ciphertexts > 0 && self.opened == self.out.ciphertexts;
        openpgp.partly_decrypted = self.opened > 0;
        openpgp.failure = self.failure;
        openpgp.tried_in_vain = self.tried_in_vain;
        openpgp.signatures = self.out.signatures();
        openpgp.signed = self.out.signed();
        openpgp.certificates = self.found;
        openpgp.introductions = self.introductions;
        message.machine_report = self.report;
        (message.attachments, message.problems) = self.out.attachments();
        self.documents
    }

    pub fn walk(&mut self, part: &Part, scope: Scope) {
        let mark = self.out.mark();
        let is_protected = scope.payload && has_protected_header(part);
        match part.media_type.as_str() {
            _ if is_report(part) && !scope.forwarded => self.report(part, scope),
            _ if !part.is_multipart() => self.leaf(part, scope),
            "multipart/alternative" if !part.parts.iter().any(is_control) => {
                self.alternative(part, scope);
            }
            "multipart/signed" => self.signed(part, scope),
            "multipart/mixed" if is_mangled_signed(part) => self.signed(part, scope),
            "multipart/encrypted" => self.encrypted(part, scope),
            _ if part.parts.iter().any(is_control) => self.encrypted(part, scope),
            _ => self.mixed(part, scope),
        }
        if is_protected && let Some(value) = part.field("subject") {
            self.protect_subject(&value, mark, scope);
        }
    }

    fn mixed(&mut self, part: &Part, scope: Scope) {
        let skipped = usize::from(scope.payload && begins_with_legacy_display(part));
        for child in part.parts.iter().skip(skipped) {
            self.walk(child, scope.child());
        }
    }

    /// Shows one form of a text, the plain one if it says anything; the other forms are searched
    /// for files alone.
    fn alternative(&mut self, part: &Part, scope: Scope) {
        let chosen = choose(&part.parts);
        let is_plain = |at: usize| part.parts.get(at).is_some_and(|part| part.is("text/plain"));
        for (at, child) in part.parts.iter().enumerate() {
            let inside = scope.child();
            // Several plain texts are no alternatives of each other.
            let is_shown = at == chosen || is_plain(chosen) && is_plain(at);
            self.walk(child, if is_shown { inside } else { inside.silenced() });
        }
    }

    /// RFC 6522: words for people, then fields for machines, then the mail that it is about.
    fn report(&mut self, part: &Part, scope: Scope) {
        let kind = part
            .parts
            .iter()
            .find_map(report::kind_of)
            .or_else(|| report::announced(part));
        let mut found = kind.map(report::empty);
        if !part.is_multipart() {
            self.text(part, scope);
        }
        for child in &part.parts {
            match &mut found {
                Some(found) if report::kind_of(child).is_some() => {
                    report::read_status(found, child);
                }
                Some(found) if report::is_returned(child) => report::read_returned(found, child),
                _ => self.walk(child, scope.child()),
            }
        }
        if self.report.is_none() {
            self.report = found;
        }
    }

    fn leaf(&mut self, part: &Part, scope: Scope) {
        match part.media_type.as_str() {
            "message/rfc822" | "message/global" if is_wrapped(part, scope) => {
                self.wrapped(part, scope);
            }
            "message/rfc822" | "message/global" => self.forwarded(part, scope),
            "message/partial" => self.odd_file(part, scope, "a fragment of a mail that was split"),
            "message/external-body" => {
                self.odd_file(
                    part,
                    scope,
                    "a part that lies elsewhere and was not fetched",
                );
            }
            "application/ms-tnef" => self.odd_file(part, scope, "a winmail.dat, which is not read"),
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => {
                self.odd_file(part, scope, "S/MIME, which is not read");
                // Of a too large mail there is the header alone: nobody tried to read it.
                if is_enveloped(part) && !part.body.is_empty() {
                    self.foreign_ciphertext();
                }
            }
            _ if is_control(part) => {}
            _ if report::kind_of(part).is_some() => self.lone_status(part, scope),
            _ if is_body(part, scope) => self.text(part, scope),
            _ => self.file(part, scope),
        }
    }

    fn odd_file(&mut self, part: &Part, scope: Scope, what: &str) {
        self.out.problem(what);
        self.file(part, scope);
    }

    /// A machine part outside of any multipart/report.
    fn lone_status(&mut self, part: &Part, scope: Scope) {
        if let Some(kind) = report::kind_of(part)
            && self.report.is_none()
            && !scope.forwarded
        {
            let mut found = report::empty(kind);
            report::read_status(&mut found, part);
            self.report = Some(found);
        }
    }

    /// A mail around itself, for its header to be protected (RFC 8551, 3.1, and pEp).
    fn wrapped(&mut self, part: &Part, scope: Scope) {
        let (bytes, _) = part.decoded();
        let inner = self.parse(&bytes, scope.depth + 1);
        self.take_certificates(&inner);
        let mark = self.out.mark();
        let inside = Scope {
            payload: true,
            alone: scope.alone,
            ..scope.child()
        };
        self.walk(&inner, inside);
        if let Some(value) = inner.field("subject") {
            self.protect_subject(&value, mark, scope);
        }
    }

    /// This subject came with all that was collected since `mark`, under the same protection.
    pub(super) fn protect_subject(&mut self, value: &str, mark: Mark, scope: Scope) {
        let span = self.out.since(mark);
        self.out
            .protected_subject(subject(value), scope.encrypted, span);
    }

    /// A forwarded mail: who wrote what when, then its text; its files are files of this mail.
    fn forwarded(&mut self, part: &Part, scope: Scope) {
        if scope.depth >= self.context.limits.depth {
            self.out
                .problem("forwarded mails deeper than are read; the rest was left out");
            return;
        }
        let (bytes, _) = part.decoded();
        let inner = self.parse(&bytes, scope.depth + 1);
        self.forwarded_mail(&inner, scope);
    }

    pub(super) fn forwarded_mail(&mut self, inner: &Part, scope: Scope) {
        self.take_certificates(inner);
        let mark = self.out.mark();
        self.push_text(&introduction(inner));
        // It is a file, also where a form of the text that is not shown stands around it.
        let inside = Scope {
            forwarded: true,
            alone: true,
            silent: false,
            ..scope.child()
        };
        self.walk(inner, inside);
        // Whoever signs a mail that he sends on has not written it.
        let span = self.out.since(mark);
        self.out.enclose(&span);
    }

    /// A part that is read, not saved.
    fn text(&mut self, part: &Part, scope: Scope) {
        if scope.silent && is_named_file(part) {
            return self.file(part, scope);
        }
        if scope.silent {
            self.out.unshown += 1;
            return;
        }
        let (bytes, damaged) = part.decoded();
        if damaged {
            self.out
                .problem("a text whose transfer encoding is damaged");
        }
        let mut style = Style::of(part);
        let bytes = match self.armour_in_wide_text(&bytes, &style) {
            Some(text) => {
                style.charset = Some("utf-8".to_owned());
                Cow::Owned(text.into_bytes())
            }
            None => bytes,
        };
        if style.html && !holds_bare_armour(&bytes) {
            self.html(&bytes, &style, scope);
        } else {
            self.segments(&bytes, &style, scope);
        }
    }

    /// Text in a charset in which ASCII is not ASCII, where armour stands in it.
    fn armour_in_wide_text(&self, bytes: &[u8], style: &Style) -> Option<String> {
        let window = bytes.get(..self.window()).unwrap_or(bytes);
        let is_whole = window.len() == bytes.len() && window.contains(&0);
        let (text, lossy) = is_whole.then(|| charset::decode(window, style.charset.as_deref()))?;
        (!lossy && text.contains(armor::ANY)).then_some(text)
    }

    /// HTML is rendered before armour is looked for: `<br>` ends its lines.
    fn html(&mut self, bytes: &[u8], style: &Style, scope: Scope) {
        let rendered = self.rendered(bytes, style);
        if !rendered.contains(armor::ANY) {
            self.push_text(&rendered);
            return;
        }
        for segment in armor::segments(rendered.as_bytes()) {
            match segment {
                Segment::Plain(plain) => self.plain(plain, &Style::utf8(), scope),
                Segment::Message(block) => {
                    self.inline_message(&armor::mend(block), &Style::utf8(), scope);
                }
                Segment::Signed(block) => self.cleartext(block, &Style::utf8(), scope),
            }
        }
    }

    /// Text, messages and clear-signed texts, one after the other.
    pub(super) fn segments(&mut self, bytes: &[u8], style: &Style, scope: Scope) {
        for segment in armor::segments(bytes) {
            match segment {
                Segment::Plain(plain) => self.plain(plain, style, scope),
                Segment::Message(block) => self.inline_message(block, style, scope),
                Segment::Signed(block) => self.cleartext(block, style, scope),
            }
        }
    }

    /// Text, and the indented messages in it that open.
    fn plain(&mut self, bytes: &[u8], style: &Style, scope: Scope) {
        let mut shown = 0;
        for found in armor::indented_messages(bytes) {
            let Some(plaintext) = self.try_message(&found.block, scope) else {
                continue;
            };
            self.show(bytes.get(shown..found.start).unwrap_or_default(), style);
            self.inline_plaintext(plaintext, style, scope, true);
            shown = found.end;
        }
        self.show(bytes.get(shown..).unwrap_or_default(), style);
    }

    pub(super) fn show(&mut self, bytes: &[u8], style: &Style) {
        let text = self.rendered(bytes, style);
        if style.unsigned {
            let limit = self.context.limits.text;
            let window = bytes.get(..self.window()).unwrap_or(bytes);
            let signed = as_signed(window, style.charset.as_deref());
            self.out.push_signed_text(&text, &signed, limit);
        } else {
            self.push_text(&text);
        }
    }

    /// So many bytes of a text are looked at: every charset needs at least one for four of UTF-8.
    fn window(&self) -> usize {
        self.context.limits.text * 4
    }

    /// Bytes of a text part as a person would read them.
    pub(super) fn rendered(&mut self, bytes: &[u8], style: &Style) -> String {
        let window = bytes.get(..self.window()).unwrap_or(bytes);
        self.out.incomplete |= window.len() < bytes.len();
        let (text, lossy) = charset::decode(window, style.charset.as_deref());
        self.out.text_lossy |= lossy;
        if style.html {
            let (text, cut) = html::to_text(&text);
            if cut {
                self.out.incomplete = true;
                self.out
                    .problem("the HTML is longer than is read and was cut");
            }
            return without_legacy_display(text::normalize(&text), style);
        }
        let text = text::normalize(&text);
        let text = if style.flowed {
            text::unflow(&text, style.delete_space)
        } else {
            text
        };
        without_legacy_display(text, style)
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.out.push_text(text, self.context.limits.text);
    }

    /// A part that is saved, not read; a ciphertext among them is opened.
    fn file(&mut self, part: &Part, scope: Scope) {
        let (bytes, damaged) = part.decoded();
        if damaged {
            self.out
                .problem("an attachment whose transfer encoding is damaged");
        }
        let bytes = armor::without_utf16(&bytes);
        let content = armor::content(&bytes, is_openpgp_file(part));
        if content == Content::Message || pgp::is_ciphertext(&bytes) {
            self.attached_ciphertext(part, &bytes, scope);
            return;
        }
        if content == Content::Other && self.inside_file(&bytes, scope) {
            return;
        }
        let is_signature = content == Content::Signature || is_smime_signature(part);
        // By what is in it: words may be called a key.
        let has_words = armor::has_words(&bytes);
        let is_unnamed = part.file_name().is_none() && !part.is_attachment();
        if is_signature && is_unnamed && !has_words {
            return;
        }
        let is_plumbing = (is_signature || content == Content::Keys) && !has_words;
        let entry = Entry {
            name: part.file_name().map(Cow::Borrowed),
            media_type: &part.media_type,
            charset: part.charset(),
            role: if is_plumbing {
                Role::Plumbing
            } else {
                Role::Content
            },
        };
        self.list(entry, &bytes, scope);
    }

    pub(super) fn list(&mut self, entry: Entry, bytes: &[u8], scope: Scope) {
        let name = entry
            .name
            .as_deref()
            .and_then(text::safe_name)
            .unwrap_or_else(|| default_name(self.out.file_count() + 1, entry.media_type));
        let is_pdf = is_pdf(&entry, bytes);
        match self.handed_on {
            HandedOn::Pdfs if is_pdf => self.hand_on_pdf(bytes),
            HandedOn::Files(at) if at.contains(&self.out.file_count()) => self.hand_on(bytes),
            HandedOn::Pdfs | HandedOn::Files(_) => {}
        }
        let excerpt = (!is_pdf)
            .then(|| excerpt(&name, &entry, bytes, self.context.limits.excerpt))
            .flatten();
        self.out.push_file(File {
            attachment: Attachment {
                name,
                media_type: entry.media_type.to_owned(),
                size: bytes.len() as u64,
                digest: Digest::of(bytes),
                excerpt,
                encrypted: scope.encrypted,
            },
            plumbing: entry.role == Role::Plumbing,
        });
    }

    fn hand_on_pdf(&mut self, bytes: &[u8]) {
        let limits = &self.context.limits;
        if self.documents.len() >= limits.documents || bytes.len() > limits.document {
            self.out
                .problem("more PDFs, or larger ones, than are read; the rest was left as it is");
            return;
        }
        self.hand_on(bytes);
    }

    /// Keeps the file that is about to be listed.
    fn hand_on(&mut self, bytes: &[u8]) {
        self.documents.push(Document {
            attachment: self.out.file_count(),
            bytes: bytes.to_vec(),
        });
    }
}

/// How the bytes of a text part become text.
#[derive(Clone, Default)]
pub struct Style {
    pub(super) charset: Option<String>,
    pub(super) html: bool,
    flowed: bool,
    delete_space: bool,
    legacy_display: bool,
    /// What is said here stands outside of the signature that the bytes are under.
    unsigned: bool,
}

impl Style {
    fn of(part: &Part) -> Self {
        let has = |name: &str, value: &str| {
            part.content_type
                .get(name)
                .is_some_and(|found| found.eq_ignore_ascii_case(value))
        };
        let html = part.is("text/html");
        Self {
            charset: part.charset().map(str::to_owned),
            html,
            flowed: has("format", "flowed") && !html,
            delete_space: has("delsp", "yes"),
            legacy_display: has("hp-legacy-display", "1"),
            unsigned: false,
        }
    }

    /// For what is under a signature of its own.
    pub(super) fn of_signed(&self) -> Self {
        Self {
            unsigned: true,
            ..self.clone()
        }
    }

    /// Plain text, as it is inside OpenPGP.
    pub(super) fn in_charset(charset: Option<String>) -> Self {
        Self {
            charset,
            ..Self::default()
        }
    }

    pub(super) fn with_charset(&self, charset: String) -> Self {
        Self {
            charset: Some(charset),
            ..self.clone()
        }
    }

    /// Plain text of another charset, where all of it can be told.
    pub(super) fn in_utf8(&self, bytes: &[u8]) -> Option<String> {
        let is_another = !bytes.is_ascii() && std::str::from_utf8(bytes).is_err();
        let (text, lossy) = is_another.then(|| charset::decode(bytes, self.charset.as_deref()))?;
        (!lossy).then_some(text)
    }

    pub(super) fn utf8() -> Self {
        Self::in_charset(Some("utf-8".to_owned()))
    }
}

/// Plain text as its bytes alone tell it: whoever writes another label around a signed text must not
/// change its words or where its lines end. The charset counts only where ASCII is ASCII in it.
fn as_signed(bytes: &[u8], charset: Option<&str>) -> String {
    let ascii =
        |text: &mut dyn Iterator<Item = char>| -> String { text.filter(char::is_ascii).collect() };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let latin = || bytes.iter().copied().map(char::from);
            let (text, _) = charset::decode(bytes, charset);
            let is_kept = ascii(&mut text.chars()) == ascii(&mut latin());
            if is_kept { text } else { latin().collect() }
        }
    };
    text::normalize(&text)
}

/// RFC 9788, 5.2.2: a text may begin with the header fields that are protected, for programs that do
/// not know of them.
fn without_legacy_display(text: String, style: &Style) -> String {
    if !style.legacy_display {
        return text;
    }
    match text.trim_start_matches('\n').split_once("\n\n") {
        Some((fields, rest)) if fields.lines().all(is_shown_field) => rest.to_owned(),
        _ => text,
    }
}

/// A header field for people, or the rest of one.
fn is_shown_field(line: &str) -> bool {
    const FIELDS: [&str; 8] = [
        "subject",
        "from",
        "to",
        "cc",
        "date",
        "reply-to",
        "followup-to",
        "keywords",
    ];
    line.starts_with([' ', '\t'])
        || line
            .split_once(':')
            .is_some_and(|(name, _)| FIELDS.contains(&name.to_ascii_lowercase().as_str()))
}

/// Says of itself that it is no forwarded mail, right under the protection or as pEp has it.
fn is_wrapped(part: &Part, scope: Scope) -> bool {
    let says_so = part
        .content_type
        .get("forwarded")
        .is_some_and(|value| value.eq_ignore_ascii_case("no"));
    says_so && scope.payload
}

/// RFC 9788 (`hp`) and the drafts before it (`protected-headers="v1"`).
fn has_protected_header(part: &Part) -> bool {
    let value = |name| part.content_type.get(name).map(str::to_ascii_lowercase);
    value("protected-headers").as_deref() == Some("v1")
        || matches!(value("hp").as_deref(), Some("cipher" | "clear"))
}

/// The first part repeats the protected header for programs that do not know of it.
fn begins_with_legacy_display(part: &Part) -> bool {
    has_protected_header(part)
        && part.parts.len() > 1
        && part.parts.first().is_some_and(|first| {
            has_protected_header(first)
                && (first.is("text/rfc822-headers")
                    || first.is("text/plain") && has_fields_alone(first))
                && !first.is_attachment()
        })
}

/// Some programs call the text itself protected, too.
fn has_fields_alone(part: &Part) -> bool {
    let (bytes, _) = part.decoded();
    let (text, _) = charset::decode(&bytes, part.charset());
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.all(is_shown_field)
}

/// The part of RFC 3156 that says `Version: 1`, though gateways may have taken its type away, or
/// put something else in its place, which is shown.
pub(super) fn is_control(part: &Part) -> bool {
    let may_be = part.is("application/pgp-encrypted")
        || part.is("application/octet-stream")
        || part.is("text/plain") && part.file_name().is_some();
    may_be && !part.is_multipart() && part.body.len() < 1024 && {
        let (bytes, _) = part.decoded();
        if part.is("application/pgp-encrypted") {
            let lines = bytes.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
            let mut fields = lines.filter(|line| !line.is_empty()).peekable();
            fields.peek().is_none_or(|first| names_version(first)) && fields.all(is_field)
        } else {
            bytes.trim_ascii().eq_ignore_ascii_case(b"Version: 1")
        }
    }
}

/// What a control part begins with.
fn names_version(line: &[u8]) -> bool {
    let name = line.split(|&b| b == b':').next().unwrap_or_default();
    name.len() < line.len() && name.trim_ascii().eq_ignore_ascii_case(b"version")
}

/// `Name: value`.
fn is_field(line: &[u8]) -> bool {
    let name = line.split(|&b| b == b':').next().unwrap_or_default();
    name.len() < line.len() && !name.is_empty() && name.is_ascii()
}

pub(super) fn is_ciphertext(bytes: &[u8]) -> bool {
    armor::content(bytes, true) == Content::Message || armor::holds_message(bytes)
}

/// S/MIME that is encrypted, not only signed (RFC 8551, 3.2.2); by the type of its content where
/// the label does not say.
fn is_enveloped(part: &Part) -> bool {
    const ENVELOPED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
    const AUTH_ENVELOPED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17";
    if let Some(kind) = part.content_type.get("smime-type") {
        return kind.to_ascii_lowercase().ends_with("enveloped-data");
    }
    let (bytes, _) = part.decoded();
    let head = bytes.get(..32).unwrap_or(&bytes);
    [ENVELOPED_DATA, AUTH_ENVELOPED_DATA]
        .iter()
        .any(|kind| head.windows(kind.len()).any(|window| window == *kind))
}

/// A multipart/signed that a gateway renamed.
fn is_mangled_signed(part: &Part) -> bool {
    matches!(part.parts.as_slice(), [_, signature] if signature.is("application/pgp-signature"))
}

fn is_report(part: &Part) -> bool {
    part.parts
        .iter()
        .any(|child| report::kind_of(child).is_some())
        || part.is("multipart/report") && report::announced(part).is_some()
}

/// Is a leaf text to read? Plain text and HTML are, unless called an attachment: many programs
/// give a name to what they show. Other kinds are files when they have a name.
fn is_body(part: &Part, scope: Scope) -> bool {
    if is_traditional(part) {
        return true;
    }
    let Some(subtype) = part.media_type.strip_prefix("text/") else {
        // A multipart in which no part was found: what stands there is better than nothing.
        return part.media_type.starts_with("multipart/");
    };
    let readable = !matches!(
        subtype,
        "calendar"
            | "vcard"
            | "x-vcard"
            | "directory"
            | "css"
            | "rtf"
            | "rfc822-headers"
            | "x-amp-html"
            | "javascript"
    );
    let shown = matches!(subtype, "plain" | "html") || part.file_name().is_none() || scope.alone;
    readable && shown && !part.is_attachment() && !is_named_openpgp(part)
}

/// What mutt and others made before there was PGP/MIME: `application/pgp`, later a text, which they
/// called `msg.pgp`; `x-action` says what was done to it.
fn is_traditional(part: &Part) -> bool {
    let may_be = part.is("application/pgp") || part.is("text/plain");
    may_be && part.content_type.get("x-action").is_some() && !part.is_attachment()
}

/// A certificate, message or signature that came as a named text is a file all the same.
fn is_named_openpgp(part: &Part) -> bool {
    part.file_name().is_some() && is_openpgp_file(part)
}

fn is_openpgp_file(part: &Part) -> bool {
    part.media_type.starts_with("application/pgp")
        || part.file_name().is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            [".gpg", ".pgp", ".asc", ".sig", ".key"]
                .iter()
                .any(|extension| name.ends_with(extension))
        })
}

/// Called a file by its disposition, be it to be shown in its place.
fn is_named_file(part: &Part) -> bool {
    let disposition = part.disposition.as_ref();
    disposition.is_some_and(|disposition| disposition.get("filename").is_some())
}

/// HTML by its label, but a whole message or clear-signed text without any markup stands in it.
fn holds_bare_armour(bytes: &[u8]) -> bool {
    armor::mentions_openpgp(bytes)
        && armor::segments(bytes).iter().any(|segment| match segment {
            Segment::Plain(_) => false,
            Segment::Message(block) | Segment::Signed(block) => !block.contains(&b'<'),
        })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Html,
    Other,
}

/// Which of the alternatives is shown.
fn choose(parts: &[Part]) -> usize {
    let position = |form| parts.iter().position(|part| form_of(part) == form);
    match (position(Form::Plain), position(Form::Html)) {
        (Some(plain), Some(html)) if says_nothing(parts.get(plain), parts.get(html)) => html,
        (Some(plain), _) => plain,
        (None, Some(html)) => html,
        (None, None) => 0,
    }
}

fn form_of(part: &Part) -> Form {
    if part.is_attachment() {
        return Form::Other;
    }
    match part.media_type.as_str() {
        "text/plain" => Form::Plain,
        "text/html" => Form::Html,
        _ => {
            let forms: Vec<Form> = part.parts.iter().map(form_of).collect();
            [Form::Plain, Form::Html]
                .into_iter()
                .find(|form| forms.contains(form))
                .unwrap_or(Form::Other)
        }
    }
}

fn first_of<'p, 'a>(part: &'p Part<'a>, form: Form) -> Option<&'p Part<'a>> {
    if !part.is_multipart() {
        return (form_of(part) == form).then_some(part);
    }
    part.parts.iter().find_map(|child| first_of(child, form))
}

/// Is the plain text empty, or only a hint that there is HTML, while the HTML says something?
fn says_nothing(plain: Option<&Part>, html: Option<&Part>) -> bool {
    let Some(plain) = plain.and_then(|part| first_of(part, Form::Plain)) else {
        return true;
    };
    let (bytes, _) = plain.decoded();
    if bytes.len() > 4 * STUB {
        return false;
    }
    let (text, _) = charset::decode(&bytes, plain.charset());
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return true;
    }
    let hints = text.len() <= STUB
        && text.contains("html")
        && [
            "support",
            "display",
            "view",
            "client",
            "reader",
            "program",
            "enable",
            "compatible",
            "capable",
            "version",
            "anzeige",
            "darstell",
        ]
        .iter()
        .any(|word| text.contains(word));
    let html_length = || {
        html.and_then(|part| first_of(part, Form::Html))
            .map_or(0, |part| part.body.len())
    };
    hints && html_length() > 2 * text.len()
}

/// The head of a forwarded mail.
fn introduction(inner: &Part) -> String {
    let mut out = "---------- Forwarded message ----------\n".to_owned();
    for name in ["From", "Date", "Subject", "To"] {
        if let Some(value) = inner.field(name) {
            let value = text::one_line(&header::decode_words(&value), 1_000);
            out.extend([name, ": ", &value, "\n"]);
        }
    }
    out
}
