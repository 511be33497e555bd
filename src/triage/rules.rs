//! The policy's rules over one report: scope, conduct, known issues, missing parts, data that
//! should not be in it.
//!
//! Pure. A finding is a suggestion with evidence: it labels the case and picks sentences of the
//! policy for the answer; it never drops or rejects a report. Time is bounded: of the text the
//! first 256 KiB are read, and as much of the files that are text.

use super::extract::Extracted;
use super::policy::{Part, Terms, Testing};
use crate::mail::message::Message;

mod accident;
mod known;
mod missing;
mod places;
mod reading;
mod scope;
mod sensitive;
mod testing;

use places::Places;
use reading::Reading;

/// What the rules found in one mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Rules of `scope.in`, by index.
    pub inside: Vec<Matched>,
    /// Rules of `scope.out`, by index. Empty where a place of the report is expressly in scope and
    /// only places speak for the rule.
    pub outside: Vec<Matched>,
    /// Rules of `conduct`, by index.
    pub conduct: Vec<Matched>,
    /// Known issues, by index.
    pub known: Vec<Matched>,
    /// What the policy asks for and the report lacks, in the policy's order.
    pub missing: Vec<Part>,
    pub sensitive: Vec<Sensitive>,
    /// Evidence that the reporter saw other people's data by accident.
    pub accidental_access: Option<String>,
    /// `host/path` of what it names and does not merely refer to, each once.
    pub places: Vec<String>,
}

/// Reads one mail by the policy's rules.
pub fn find(message: &Message, extracted: &Extracted, terms: &Terms) -> Findings {
    let reading = Reading::of(message);
    let places = Places::of(&reading, terms);
    let accidental_access = accident::find(&reading);
    let told = testing::find(&reading, accidental_access.is_some());
    let is_raw = told
        .iter()
        .any(|told| told.kind == Testing::ScannerOutput && !told.done);
    let judged = scope::judge(&reading, &places, &told, terms);
    Findings {
        inside: judged.inside,
        outside: judged.outside,
        conduct: scope::conduct(&reading, &places, &told, terms),
        known: known::find(&reading, &places, extracted, terms),
        missing: missing::missing(&reading, &places, extracted, &terms.report, is_raw),
        sensitive: sensitive::find(&reading),
        accidental_access,
        places: places.named(),
    }
}

/// A rule that speaks for this mail, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Position in the policy's list.
    pub rule: usize,
    /// For the team: which host, path, word or phrase.
    pub because: String,
}

/// Real data or a live credential. The value itself is never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sensitive {
    pub kind: SensitiveKind,
    /// `line 12 of the text`, `attachment 2, line 3`.
    pub place: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SensitiveKind {
    /// Card numbers (ISO 7812, Luhn).
    CardNumber,
    Iban,
    /// A list of e-mail addresses, not those of the mail's own people.
    AddressList,
    /// Keys of cloud services and APIs, by their shapes.
    ApiKey,
    /// JSON Web Tokens (RFC 7519).
    Jwt,
    PrivateKey,
    /// A password in a dump of accounts.
    Password,
}

impl SensitiveKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CardNumber => "card_number",
            Self::Iban => "iban",
            Self::AddressList => "address_list",
            Self::ApiKey => "api_key",
            Self::Jwt => "jwt",
            Self::PrivateKey => "private_key",
            Self::Password => "password",
        }
    }

    /// For the team.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::CardNumber => "a card number",
            Self::Iban => "an IBAN",
            Self::AddressList => "a list of e-mail addresses",
            Self::ApiKey => "a key of a service",
            Self::Jwt => "a JSON Web Token",
            Self::PrivateKey => "a private key",
            Self::Password => "a password",
        }
    }

    /// `credentials`, or else `customer_data`: the label that it gives.
    pub fn is_credential(self) -> bool {
        match self {
            Self::ApiKey | Self::Jwt | Self::PrivateKey | Self::Password => true,
            Self::CardNumber | Self::Iban | Self::AddressList => false,
        }
    }
}

/// A phrase of our lists, as evidence shows it.
fn quoted(phrase: &str) -> String {
    format!("\"{}\"", phrase.trim_end_matches('*'))
}
