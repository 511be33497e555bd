//! The rules of the policy beside its dates: scope, conduct, what a report should have, and the
//! sentences that the answers cite.
//!
//! Values as the policy file gives them, checked. A sentence binds the company, so it is cited
//! word for word and only in the languages that the file has.

use std::collections::BTreeMap;

use super::Span;

/// A language as letters and files name it: `en`, `de`, lower case (ISO 639-1).
pub type Language = String;

/// What the policy says in one sentence or a few, in each language that the file gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence {
    /// Never empty in a checked policy.
    pub by_language: BTreeMap<Language, String>,
    /// The policy's own language: what is cited where a reader's language is missing.
    pub own: Language,
}

impl Sentence {
    pub fn of(own: &str, text: &str) -> Self {
        Self {
            by_language: BTreeMap::from([(own.to_owned(), text.to_owned())]),
            own: own.to_owned(),
        }
    }

    /// In the reader's language where the file has it, else in the policy's own.
    pub fn in_language(&self, language: &str) -> &str {
        self.by_language
            .get(language)
            .or_else(|| self.by_language.get(&self.own))
            .or_else(|| self.by_language.values().next())
            .map_or("", String::as_str)
    }
}

/// Everything but dates. Empty: the policy says nothing of the kind, and nothing is cited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The policy's own language; `en` where the file names none.
    pub language: Language,
    pub scope: Scope,
    /// What not to do while testing. A report that tells of it gets the sentence; it stays in scope.
    pub conduct: Vec<Rule>,
    pub known_issues: Vec<KnownIssue>,
    /// What the policy says of issues that are public already.
    pub known_issues_sentence: Option<Sentence>,
    pub report: UsefulReport,
    /// What a reporter hears who saw other people's data by accident: stop, delete, tell us.
    pub accidental_access: Option<Sentence>,
    pub safe_harbour: Option<Cited>,
    pub recognition: Recognition,
    pub disclosure: Disclosure,
    pub requests: Requests,
    pub status: StatusTells,
    pub replies: Replies,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Without any: everything that no rule excludes.
    pub inside: Vec<Rule>,
    pub outside: Vec<Rule>,
}

/// One rule of scope or conduct. It matches a report that names one of its places, its words or
/// its kinds of testing. With places or words, a kind counts there alone ("rate limits of the
/// marketing site"), but for `third_party` and `customer_environment`, which are places themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// As evidence names it: `sub-processors`.
    pub name: String,
    pub hosts: Vec<HostPattern>,
    /// Beginnings of URL paths, each with its leading slash. With `hosts`: on those alone.
    pub paths: Vec<String>,
    /// Names of applications and the like, as a report would write them.
    pub words: Vec<String>,
    pub testing: Vec<Testing>,
    /// A working proof of concept takes the report out of the rule (raw scanner output).
    pub unless_proven: bool,
    /// What the policy says of it; cited.
    pub sentence: Sentence,
    /// Vendor, abuse address, another contact: where to turn instead.
    pub turn_to: Option<Sentence>,
}

/// `example.net`, or `*.example.net` for every name below it. Lower case, A-labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    pub domain: String,
    /// Names below the domain match; the domain itself only if `apex`.
    pub subdomains: bool,
    pub apex: bool,
}

/// Kinds of finding and of testing that policies speak of, apart from places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Testing {
    DenialOfService,
    SocialEngineering,
    PhysicalAttack,
    RateLimit,
    Spam,
    ScannerOutput,
    CustomerEnvironment,
    ThirdParty,
    PersistentImplant,
    /// Going on from a finding into deeper exploitation.
    Pivoting,
    /// Sustained automated scans of production.
    AutomatedScanning,
    /// Data of other customers was read, changed or deleted on purpose.
    DataAccess,
    /// Data of customers was shared, sold or published.
    DataSharing,
}

impl Testing {
    pub const ALL: [Self; 13] = [
        Self::DenialOfService,
        Self::SocialEngineering,
        Self::PhysicalAttack,
        Self::RateLimit,
        Self::Spam,
        Self::ScannerOutput,
        Self::CustomerEnvironment,
        Self::ThirdParty,
        Self::PersistentImplant,
        Self::Pivoting,
        Self::AutomatedScanning,
        Self::DataAccess,
        Self::DataSharing,
    ];

    /// As the policy file and the evidence write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DenialOfService => "denial_of_service",
            Self::SocialEngineering => "social_engineering",
            Self::PhysicalAttack => "physical_attack",
            Self::RateLimit => "rate_limit",
            Self::Spam => "spam",
            Self::ScannerOutput => "scanner_output",
            Self::CustomerEnvironment => "customer_environment",
            Self::ThirdParty => "third_party",
            Self::PersistentImplant => "persistent_implant",
            Self::Pivoting => "pivoting",
            Self::AutomatedScanning => "automated_scanning",
            Self::DataAccess => "data_access",
            Self::DataSharing => "data_sharing",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Is it a place of somebody else's that the kind stands for, and not something that is done?
    pub fn is_place(self) -> bool {
        matches!(self, Self::ThirdParty | Self::CustomerEnvironment)
    }
}

/// What is public already. A report matches that names one of the CVE numbers, or one of the
/// places together with one of the words (of either alone, where the entry has only that).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownIssue {
    /// As the label's evidence and the answer name it: the heading of the changelog's entry.
    pub name: String,
    pub cve: Vec<String>,
    pub hosts: Vec<HostPattern>,
    pub paths: Vec<String>,
    pub words: Vec<String>,
    /// Where it is public.
    pub url: Option<String>,
}

/// What a useful report has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsefulReport {
    /// What the policy asks for, with its words where it has some. Empty: summary, steps, impact.
    pub asks: Vec<(Part, Option<Sentence>)>,
    /// No real data of customers, no live credentials; what we do with those that came all the same.
    pub no_real_data: Option<Sentence>,
}

/// A part of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Summary,
    Steps,
    Impact,
    /// Requests and responses, screenshots, logs.
    Captures,
    /// How it could be mended.
    Remediation,
}

impl Part {
    pub const ALL: [Self; 5] = [
        Self::Summary,
        Self::Steps,
        Self::Impact,
        Self::Captures,
        Self::Remediation,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Steps => "steps",
            Self::Impact => "impact",
            Self::Captures => "captures",
            Self::Remediation => "remediation",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == word)
    }
}

/// A sentence and where the page says more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cited {
    pub sentence: Sentence,
    pub url: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recognition {
    /// What is offered: credit with permission and the preferred name.
    pub credit: Option<Sentence>,
    /// Where the credit appears: a URL or a name of the page.
    pub page: Option<String>,
    /// A token of appreciation.
    pub token: Option<Sentence>,
    /// What is said of money: a bounty, none, at discretion.
    pub reward: Option<Sentence>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disclosure {
    pub sentence: Option<Sentence>,
    /// The reporter hears of a publication so long before it.
    pub heads_up: Option<Span>,
    /// Where it is published.
    pub page: Option<String>,
}

/// Answers to mails that are no report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    pub test_account: Option<Sentence>,
    /// A sandbox for rate limits and the like: ask first.
    pub sandbox: Option<Sentence>,
    /// Vendor questionnaires and data processing agreements.
    pub diligence: Option<Routed>,
    /// Phishing, spam, content.
    pub abuse: Option<Routed>,
    /// Any other question.
    pub question: Option<Sentence>,
}

/// A sentence, and the address that such mail belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routed {
    pub sentence: Sentence,
    pub address: Option<String>,
}

/// What a participant who asks how a case stands is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusTells {
    pub status: bool,
    pub severity: bool,
    pub dates: bool,
}

impl Default for StatusTells {
    fn default() -> Self {
        Self {
            status: true,
            severity: true,
            dates: true,
        }
    }
}

/// How letters to reporters leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    pub encrypt: Encrypt,
    /// The name of the member who wrote them stands below words to a reporter.
    pub name_members: bool,
}

/// When a letter to a reporter is encrypted. Of a case that came encrypted it always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encrypt {
    /// To every reporter whose certificate is known.
    #[default]
    Known,
    /// Only where the case came encrypted.
    Received,
}

impl Encrypt {
    pub const ALL: [Self; 2] = [Self::Known, Self::Received];

    /// As the policy file writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Received => "received",
        }
    }
}
