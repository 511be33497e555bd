//! What was found in a mail, in the order in which a reader meets it, and what signatures cover.

use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::mail::html;
use crate::mail::message::{
    Attachment, Covers, Digest, Problem, Signature, SignatureStatus, SignedText,
};
use crate::mail::text;

/// At most so many files stand in for a missing body.
const MAX_STANDINS: usize = 3;

/// Problems kept of one mail.
const MAX_PROBLEMS: usize = 50;

/// A file of the mail.
pub struct File {
    pub attachment: Attachment,
    /// A signature or a key: nothing that says something to a reader.
    pub plumbing: bool,
}

/// A piece of the text.
struct Passage {
    shown: String,
    /// What its signature is over, where a label that is not under the signature tells how to show
    /// it.
    signed: Option<String>,
}

/// What stands right under one good signature.
struct Signed {
    signer: String,
    signed_at: DateTime<Utc>,
    made: Vec<(DateTime<Utc>, Digest)>,
    /// Among the texts and files.
    start: (usize, usize),
    passages: Vec<usize>,
    files: Vec<usize>,
    encrypted: bool,
}

/// A place in what was collected so far.
#[derive(Clone, Copy)]
pub struct Mark {
    texts: usize,
    unshown: usize,
    files: usize,
    ciphertexts: usize,
}

/// What was collected between two marks.
#[derive(Clone)]
pub struct Span {
    texts: Range<usize>,
    unshown: Range<usize>,
    files: Range<usize>,
    /// Some of it came out of a ciphertext that stood there, or stayed in it.
    from_ciphertext: bool,
}

/// Where a signature stands.
#[derive(Clone, Copy)]
pub struct Standing {
    /// Inside a ciphertext.
    pub encrypted: bool,
    /// Inside a forwarded mail.
    pub forwarded: bool,
}

struct Claim {
    signature: Signature,
    span: Span,
}

struct ProtectedSubject {
    subject: String,
    encrypted: bool,
    span: Span,
}

#[derive(Default)]
pub struct Collected {
    texts: Vec<Passage>,
    /// Which of the texts and files something between them and what is around them has for its own:
    /// a signature, a ciphertext, a forwarded mail.
    enclosed_texts: Vec<bool>,
    enclosed_files: Vec<bool>,
    text_bytes: usize,
    text_cut: bool,
    pub text_lossy: bool,
    /// Something of the text was left out, or may have been.
    pub incomplete: bool,
    /// Other forms of a text, which another program may show in its place.
    pub unshown: usize,
    /// Met so far, whether they could be read or not.
    pub ciphertexts: usize,
    files: Vec<File>,
    claims: Vec<Claim>,
    signed: Vec<Signed>,
    subjects: Vec<ProtectedSubject>,
    pub problems: Vec<Problem>,
}

impl Collected {
    /// Adds text; beyond `limit` bytes in all it is cut.
    pub fn push_text(&mut self, text: &str, limit: usize) {
        if let Some(shown) = self.fitting(text, limit) {
            self.push_passage(Passage {
                shown,
                signed: None,
            });
        }
    }

    /// As [`Self::push_text`]. `signed` is the text as the signature over it alone tells it.
    pub fn push_signed_text(&mut self, text: &str, signed: &str, limit: usize) {
        if text == signed {
            return self.push_text(text, limit);
        }
        let shown = self.fitting(text, limit).unwrap_or_default();
        self.push_passage(Passage {
            shown,
            signed: Some(signed.trim_matches('\n').to_owned()),
        });
    }

    /// `None`: it says nothing, or there is no room left.
    fn fitting(&mut self, text: &str, limit: usize) -> Option<String> {
        let text = text.trim_matches('\n');
        if text.trim().is_empty() {
            return None;
        }
        let kept = text::cut(text, limit.saturating_sub(self.text_bytes));
        if kept.len() < text.len() && !self.text_cut {
            self.text_cut = true;
            self.incomplete = true;
            self.problem(format!("the text is longer than {limit} bytes and was cut"));
        }
        self.text_bytes += kept.len() + 2;
        (!kept.is_empty()).then(|| kept.to_owned())
    }

    fn push_passage(&mut self, passage: Passage) {
        self.texts.push(passage);
        self.enclosed_texts.push(false);
    }

    pub fn push_file(&mut self, file: File) {
        self.files.push(file);
        self.enclosed_files.push(false);
    }

    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Each distinct problem once.
    pub fn problem(&mut self, words: impl Into<String>) {
        let problem = Problem(words.into());
        if self.problems.len() < MAX_PROBLEMS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub fn mark(&self) -> Mark {
        Mark {
            texts: self.texts.len(),
            unshown: self.unshown,
            files: self.files.len(),
            ciphertexts: self.ciphertexts,
        }
    }

    pub fn since(&self, mark: Mark) -> Span {
        Span {
            texts: mark.texts..self.texts.len(),
            unshown: mark.unshown..self.unshown,
            files: mark.files..self.files.len(),
            from_ciphertext: self.ciphertexts > mark.ciphertexts,
        }
    }

    /// What was collected in `span` belongs to no signature further out.
    pub fn enclose(&mut self, span: &Span) {
        let texts = self.enclosed_texts.get_mut(span.texts.clone());
        texts.unwrap_or_default().fill(true);
        let files = self.enclosed_files.get_mut(span.files.clone());
        files.unwrap_or_default().fill(true);
    }

    /// These signatures are over what was collected in `span`.
    pub fn claim(&mut self, signatures: Vec<Signature>, span: &Span, standing: Standing) {
        // Those in a forwarded mail are over words for somebody else, at another time.
        if !standing.forwarded {
            for signature in &signatures {
                self.note_signed(signature, span, standing.encrypted);
            }
        }
        if !signatures.is_empty() {
            self.enclose(span);
        }
        self.claims
            .extend(signatures.into_iter().map(|signature| Claim {
                signature,
                span: span.clone(),
            }));
    }

    fn note_signed(&mut self, signature: &Signature, span: &Span, encrypted: bool) {
        let (SignatureStatus::Good, Some(signer), Some(signed_at), Some(over)) = (
            signature.status,
            &signature.fingerprint,
            signature.signed_at,
            signature.over,
        ) else {
            return;
        };
        let is_free = |enclosed: &[bool], at: &usize| enclosed.get(*at) == Some(&false);
        let passages = span.texts.clone();
        let files = span.files.clone().filter(|at| {
            let file = self.files.get(*at);
            file.is_some_and(|file| !file.plumbing)
        });
        let signed = Signed {
            signer: signer.clone(),
            signed_at,
            made: vec![(signed_at, over)],
            start: (span.texts.start, span.files.start),
            passages: passages
                .filter(|at| is_free(&self.enclosed_texts, at))
                .collect(),
            files: files
                .filter(|at| is_free(&self.enclosed_files, at))
                .collect(),
            encrypted,
        };
        if signed.passages.is_empty() && signed.files.is_empty() {
            return;
        }
        // Whoever signed the same twice signed it, as he says himself, at the later time too.
        let twice = self.signed.iter_mut().find(|other| {
            other.signer == signed.signer
                && other.passages == signed.passages
                && other.files == signed.files
        });
        match twice {
            Some(other) => {
                other.signed_at = other.signed_at.max(signed.signed_at);
                other.made.extend(signed.made);
            }
            None => self.signed.push(signed),
        }
    }

    /// What stands under good signatures, in the order of the mail. Of a mail that was not read
    /// whole nothing: who sent it on may have chosen where the words of another end.
    pub fn signed(&self) -> Vec<SignedText> {
        if self.incomplete {
            return Vec::new();
        }
        let mut signed: Vec<&Signed> = self.signed.iter().collect();
        signed.sort_by_key(|signed| signed.start);
        let text = |signed: &Signed| {
            let passages = signed.passages.iter().filter_map(|at| self.texts.get(*at));
            let words = passages.map(|passage| passage.signed.as_ref().unwrap_or(&passage.shown));
            joined(words.map(String::as_str))
        };
        let signed = signed.into_iter().map(|signed| SignedText {
            signer: signed.signer.clone(),
            signed_at: signed.signed_at,
            made: signed.made.clone(),
            text: text(signed),
            attachments: signed.files.clone(),
            encrypted: signed.encrypted,
        });
        signed.collect()
    }

    pub fn protected_subject(&mut self, subject: String, encrypted: bool, span: Span) {
        self.subjects.push(ProtectedSubject {
            subject,
            encrypted,
            span,
        });
    }

    pub fn subject_count(&self) -> usize {
        self.subjects.len()
    }

    /// Takes `Subject: …` and the empty line behind it off the first text since `mark`.
    pub fn take_subject_line(&mut self, mark: Mark) -> Option<String> {
        let text = &mut self.texts.get_mut(mark.texts)?.shown;
        let (line, rest) = text.split_once("\n\n")?;
        let (name, value) = line.split_once(':')?;
        if line.contains('\n') || !name.eq_ignore_ascii_case("subject") {
            return None;
        }
        let value = value.trim().to_owned();
        *text = rest.trim_start_matches('\n').to_owned();
        Some(value)
    }

    /// Is nothing that a reader sees, here or in another program, outside of `span`?
    fn is_all(&self, span: &Span) -> bool {
        let visible_files = || {
            self.files
                .iter()
                .enumerate()
                .filter(|(_, file)| !file.plumbing)
                .map(|(at, _)| at)
        };
        (0..self.texts.len()).all(|at| span.texts.contains(&at))
            && (0..self.unshown).all(|at| span.unshown.contains(&at))
            && visible_files().all(|at| span.files.contains(&at))
    }

    /// Signatures, those over all that is shown marked as such. One around a ciphertext is over
    /// the ciphertext: whoever found it can sign it, and need not know what is inside.
    pub fn signatures(&self) -> Vec<Signature> {
        self.claims
            .iter()
            .map(|claim| Signature {
                covers: if self.is_all(&claim.span) && !claim.span.from_ciphertext {
                    Covers::All
                } else {
                    Covers::Part
                },
                ..claim.signature.clone()
            })
            .collect()
    }

    /// The innermost protected subject that speaks for the whole mail, and whether it was encrypted.
    ///
    /// One that came with a part beside others says nothing about the mail (RFC 9788, 4).
    pub fn subject(&self) -> Option<(String, bool)> {
        self.subjects
            .iter()
            .rev()
            .find(|found| self.is_all(&found.span))
            .map(|found| (found.subject.clone(), found.encrypted))
    }

    /// The first one that was encrypted, though beside others: where the subject outside says
    /// nothing.
    pub fn subject_of_a_part(&self) -> Option<(String, bool)> {
        let mut encrypted = self.subjects.iter().filter(|found| found.encrypted);
        encrypted.next().map(|found| (found.subject.clone(), true))
    }

    /// Texts with a blank line between; when there are none, the files that are text.
    pub fn text(&self, limit: usize) -> String {
        if !self.texts.is_empty() {
            let joined = joined(self.texts.iter().map(|passage| passage.shown.as_str()));
            return text::cut(&joined, limit).to_owned();
        }
        let standins: Vec<String> = self
            .files
            .iter()
            .filter(|file| !file.plumbing)
            .filter_map(|file| {
                let excerpt = file.attachment.excerpt.as_deref()?;
                Some(match file.attachment.media_type.as_str() {
                    "text/html" => html::to_text(excerpt).0,
                    _ => excerpt.trim_matches('\n').to_owned() + "\n",
                })
            })
            .filter(|text| !text.trim().is_empty())
            .take(MAX_STANDINS)
            .collect();
        text::cut(&standins.join("\n"), limit).to_owned()
    }

    pub fn attachments(self) -> (Vec<Attachment>, Vec<Problem>) {
        let attachments = self.files.into_iter().map(|file| file.attachment);
        (attachments.collect(), self.problems)
    }
}

/// With a blank line between.
fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    match texts.is_empty() {
        true => String::new(),
        false => texts.join("\n\n") + "\n",
    }
}
