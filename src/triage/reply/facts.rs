//! What a letter may say. A text is filled from this and nothing else.

use serde::Serialize;

/// Everything that a letter may say. What is absent is `None` or empty.
///
/// No field holds a word of the mail that is answered: what is not ours is the policy's or the
/// team's. All of it is in the letter's language, but for sentences that the policy does not have
/// in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub organization: String,
    pub address: String,
    /// Our key's, in groups of four.
    pub fingerprint: String,
    pub policy_url: Option<String>,
    /// Where the site of our address says which key is ours.
    pub security_txt: Option<String>,
    pub case: Option<String>,
    /// With weekday and zone.
    pub received: Option<String>,
    pub digest: Option<String>,
    pub promises: Vec<Promise>,
    pub key_attached: bool,
    pub too_large: bool,
    /// A part of the mail could not be read; the key is attached.
    pub part_unread: bool,
    /// We have no key of the reporter, and what there is to say needs one.
    pub asks_for_key: bool,
    /// Unreadable, and this cause alone may be told.
    pub no_key_of_ours: bool,
    /// The mail could not be read.
    pub unreadable: bool,
    /// In clear, because the reporter's certificate cannot be used.
    pub certificate_unusable: bool,
    /// Of a combined letter, or of an answer on how several cases stand.
    pub cases: Vec<CaseFacts>,

    /// What the report lacks, as requests: the policy's sentences in quotation marks, or ours.
    pub missing: Vec<String>,
    /// The policy on who acts in good faith.
    pub safe_harbour: Option<Cited>,
    /// Sentences of the policy on what is in scope, that speak for what is asked about.
    pub inside: Vec<String>,
    /// Rules of the policy that a report like this one is out of scope by.
    pub outside: Vec<Cited>,
    /// Sentences on what not to do while testing.
    pub conduct: Vec<String>,
    /// What is public already and may be this.
    pub known: Vec<Cited>,
    /// The policy's sentence on what is public already.
    pub known_sentence: Option<String>,
    /// What the mail seems to hold that it should not, by kind.
    pub sensitive: Vec<String>,
    /// The policy's sentence on real data and credentials.
    pub no_real_data: Option<String>,
    /// The policy's sentence for who came upon other people's data.
    pub accidental_access: Option<String>,
    /// The reporter tells of that, whether the policy speaks of it or not.
    pub saw_data: bool,

    pub severity: Option<String>,
    pub fix_by: Option<String>,
    /// The policy's words on the time of a fix, where it promises no date.
    pub fix_words: Option<String>,
    /// The team's words.
    pub reason: Option<String>,
    pub words: Option<String>,
    /// Who wrote them, where the policy says that members are named.
    pub member: Option<String>,
    /// The day of a fix or of publication.
    pub on: Option<String>,
    pub disclose_by: Option<String>,
    /// When the reporter hears from us again at the latest.
    pub next_update: Option<String>,
    pub asks_for_credit: bool,
    /// The name that is thanked.
    pub credit: Option<String>,
    /// The policy's sentences on credit, tokens and rewards.
    pub recognition: Vec<String>,
    /// The policy's sentence on disclosure.
    pub disclosure: Option<String>,
    /// Where it is published.
    pub page: Option<String>,

    /// The policy's sentences on a request that is no report.
    pub answers: Vec<String>,
    /// The address that such mail belongs to.
    pub turn_to: Option<String>,
}

/// One line of the promise: what happens, and when at the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Promise {
    pub what: String,
    pub when: String,
}

/// A sentence of the policy in quotation marks, or the name of a thing that is public.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cited {
    pub sentence: String,
    pub url: Option<String>,
    /// The policy's sentence on where to turn instead.
    pub turn_to: Option<String>,
}

/// One case among several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaseFacts {
    pub number: String,
    pub received: String,
    /// `None`: of a mail that was too large to be known by one.
    pub digest: Option<String>,
    /// A mail of it, or a part of one, could not be read.
    pub unreadable: bool,
    pub promises: Vec<Promise>,
    /// How it stands, where that is asked for and may be told.
    pub status: Option<String>,
    pub severity: Option<String>,
}

/// A fingerprint as people compare it: groups of four, a wider gap in the middle.
pub fn grouped(fingerprint: &str) -> String {
    let mut grouped = String::new();
    for (position, character) in fingerprint.chars().enumerate() {
        if position > 0 && position % 4 == 0 {
            grouped.push(' ');
        }
        if position == 20 {
            grouped.push(' ');
        }
        grouped.push(character);
    }
    grouped
}
