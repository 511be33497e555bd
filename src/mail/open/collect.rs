//! What was found in a mail, in the order in which a reader meets it, and what signatures cover.

use std::ops::Range;

use crate::mail::html;
use crate::mail::message::{Attachment, Covers, Problem, Signature};
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
    texts: Vec<String>,
    text_bytes: usize,
    text_cut: bool,
    pub text_lossy: bool,
    /// Other forms of a text, which another program may show in its place.
    pub unshown: usize,
    /// Met so far, whether they could be read or not.
    pub ciphertexts: usize,
    files: Vec<File>,
    claims: Vec<Claim>,
    subjects: Vec<ProtectedSubject>,
    pub problems: Vec<Problem>,
}

impl Collected {
    /// Adds text; beyond `limit` bytes in all it is cut.
    pub fn push_text(&mut self, text: &str, limit: usize) {
        let text = text.trim_matches('\n');
        if text.trim().is_empty() {
            return;
        }
        let kept = text::cut(text, limit.saturating_sub(self.text_bytes));
        if kept.len() < text.len() && !self.text_cut {
            self.text_cut = true;
            self.problem(format!("the text is longer than {limit} bytes and was cut"));
        }
        self.text_bytes += kept.len() + 2;
        if !kept.is_empty() {
            self.texts.push(kept.to_owned());
        }
    }

    pub fn push_file(&mut self, file: File) {
        self.files.push(file);
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

    /// These signatures are over what was collected in `span`.
    pub fn claim(&mut self, signatures: Vec<Signature>, span: &Span) {
        self.claims
            .extend(signatures.into_iter().map(|signature| Claim {
                signature,
                span: span.clone(),
            }));
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
        let text = self.texts.get_mut(mark.texts)?;
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
            let joined = self.texts.join("\n\n") + "\n";
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
