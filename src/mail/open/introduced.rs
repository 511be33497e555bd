//! Certificates that somebody vouched for by signing the text in which they came: how the owner of
//! an old key introduces the new one.

use super::walk::Reader;
use crate::mail::message::{Introduction, Signature, SignatureStatus};
use crate::mail::parse::Part;
use crate::mail::pgp;

/// Nobody changes to more keys than that at once.
const MAX_INTRODUCTIONS: usize = 16;

impl Reader<'_> {
    /// `part` is what these signatures are over. A certificate beside it, in the header or in
    /// another part, is introduced by nobody: anybody on the way may have added that.
    pub(super) fn introduce(&mut self, part: &Part, signatures: &[Signature]) {
        let signers: Vec<&String> = signatures
            .iter()
            .filter(|signature| signature.status == SignatureStatus::Good)
            .filter_map(|signature| signature.fingerprint.as_ref())
            .collect();
        if signers.is_empty() {
            return;
        }
        for introduced in self.certificates_in(part) {
            for by in &signers {
                let introduction = Introduction {
                    by: (*by).clone(),
                    introduced: introduced.clone(),
                };
                if introduction.by != introduction.introduced
                    && !self.introductions.contains(&introduction)
                    && self.introductions.len() < MAX_INTRODUCTIONS
                {
                    self.introductions.push(introduction);
                }
            }
        }
    }

    /// The fingerprints of certificates that are files of this part.
    fn certificates_in(&mut self, part: &Part) -> Vec<String> {
        let mut found = Vec::new();
        for child in &part.parts {
            found.extend(self.certificates_in(child));
        }
        if part.is("application/pgp-keys") {
            let (bytes, _) = part.decoded();
            let read = self.checked(|_| pgp::read_certificates(&bytes));
            let read = read.unwrap_or_default().into_iter();
            found.extend(read.map(|certificate| certificate.fingerprint));
        }
        found
    }
}
