//! Kinds of finding and of testing that policies speak of, read out of what the sender tells.
//!
//! `said`: the report is about it. `done`: the sender tells that he did it. What an attacker
//! could do is neither: that is the impact of a finding.

use super::quoted;
use super::reading::Reading;
use crate::triage::classify::scanner_output;
use crate::triage::classify::{Folded, find as find_phrase, has, names_weakness, position};
use crate::triage::policy::Testing;

#[rustfmt::skip]
mod words;

use words::{ACTS, FIRST_PERSON, FLAWS, GENERIC_DOS, MODALS, NEGATIONS, OWN_ACCOUNTS, SAID, TO_US};

/// A denial counts where it stands at most so many bytes before the phrase.
const NEAR: usize = 60;
/// So many bytes may lie between what was done and to what.
const REACH: usize = 90;

/// A kind that was found, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub kind: Testing,
    /// The sender did it himself.
    pub done: bool,
    pub because: String,
}

/// Everything that may speak for a kind.
pub(super) struct Said<L = Vec<&'static str>> {
    kind: Testing,
    phrases: L,
    denials: Denials,
}

/// A list of phrases.
pub(super) type List = &'static [&'static str];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Denials {
    /// The phrase says all by itself.
    None,
    Negations,
    /// "could", "if" and the like too.
    AndModals,
}

/// Somebody did something to something: a verb and an object in one sentence.
pub(super) struct Act<L = Vec<&'static str>> {
    kind: Testing,
    /// The verb has no person in it.
    needs_person: bool,
    verbs: L,
    /// Of no list: the verb says it all.
    objects: Option<L>,
}

/// Every kind that the mail tells of, each once, what was done before what was said.
pub fn find(reading: &Reading<'_>, by_accident: bool) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let has_flaw = names_weakness(&reading.folded);
    let crashes = has(&reading.folded, FLAWS);
    let acts: Vec<Act> = ACTS
        .iter()
        .filter_map(|act| act.within(&reading.folded))
        .collect();
    let said: Vec<Said> = SAID
        .iter()
        .filter_map(|said| said.within(&reading.folded))
        .collect();
    let sentences = if acts.is_empty() && said.is_empty() {
        Vec::new()
    } else {
        reading.sentences().collect()
    };
    for sentence in sentences {
        if is_list_of_denials(&sentence) {
            continue;
        }
        let sentence = Folded::of(&sentence);
        for act in &acts {
            if !knows(&told, act.kind, true)
                && let Some(because) = act.told_by(&sentence, by_accident)
            {
                told.push(Told {
                    kind: act.kind,
                    done: true,
                    because,
                });
            }
        }
        for said in &said {
            if !knows(&told, said.kind, false)
                && let Some(phrase) = said.said_by(&sentence)
                && !is_impact(said.kind, phrase, has_flaw, crashes)
            {
                told.push(Told {
                    kind: said.kind,
                    done: false,
                    because: format!("it says {}", quoted(phrase)),
                });
            }
        }
    }
    if let Some(because) = scanner_output(reading.message, &reading.told) {
        told.push(Told {
            kind: Testing::ScannerOutput,
            done: false,
            because,
        });
    }
    told.sort_by_key(|told| !told.done);
    told
}

fn knows(told: &[Told], kind: Testing, done: bool) -> bool {
    told.iter()
        .any(|told| told.kind == kind && told.done == done)
}

/// "No DoS, no social engineering, no scanners": who lists what he left out.
fn is_list_of_denials(sentence: &str) -> bool {
    let count = |word: &str| sentence.matches(word).count();
    count("no ") + count("kein") + count("without ") + count("pas de ") >= 3
}

/// The phrase names what a flaw leads to, and no attack that was tried.
fn is_impact(kind: Testing, phrase: &str, has_flaw: bool, crashes: bool) -> bool {
    match kind {
        Testing::DenialOfService => crashes && GENERIC_DOS.contains(&phrase),
        Testing::Spam => has_flaw && phrase.contains("phishing"),
        _ => false,
    }
}

/// Those of the phrases that the whole text holds: the sentences are searched for these alone.
pub(super) fn held(text: &Folded, phrases: List) -> Vec<&'static str> {
    let held = phrases.iter().copied();
    held.filter(|phrase| position(text, phrase).is_some())
        .collect()
}

impl Said<List> {
    fn within(&self, text: &Folded) -> Option<Said> {
        let phrases = held(text, self.phrases);
        (!phrases.is_empty()).then_some(Said {
            kind: self.kind,
            phrases,
            denials: self.denials,
        })
    }
}

impl Act<List> {
    fn within(&self, text: &Folded) -> Option<Act> {
        let verbs = held(text, self.verbs);
        if verbs.is_empty() {
            return None;
        }
        let objects = self.objects.map(|objects| held(text, objects));
        let says_nothing = objects.as_ref().is_some_and(Vec::is_empty);
        (!says_nothing).then_some(Act {
            kind: self.kind,
            needs_person: self.needs_person,
            verbs,
            objects,
        })
    }
}

impl Said {
    fn said_by(&self, sentence: &Folded) -> Option<&'static str> {
        self.phrases.iter().copied().find(|phrase| {
            position(sentence, phrase).is_some_and(|at| !self.denials.before(sentence, at))
        })
    }
}

impl Denials {
    fn before(self, sentence: &str, at: usize) -> bool {
        match self {
            Self::None => false,
            Self::Negations => denied(sentence, at, &[NEGATIONS]),
            Self::AndModals => denied(sentence, at, &[NEGATIONS, MODALS]),
        }
    }
}

/// Does one of these words stand shortly before?
pub(super) fn denied(sentence: &str, at: usize, lists: &[&[&str]]) -> bool {
    let begin = sentence.floor_char_boundary(at.saturating_sub(NEAR));
    let near = Folded::of(sentence.get(begin..at).unwrap_or_default());
    lists.iter().any(|list| has(&near, list))
}

impl Act {
    fn told_by(&self, sentence: &Folded, by_accident: bool) -> Option<String> {
        let is_known_by = |at: usize| Denials::AndModals.before(sentence, at);
        let verb = find_phrase(sentence, &self.verbs)?;
        let at = position(sentence, verb)?;
        if self.needs_person && !has(sentence, FIRST_PERSON) || is_known_by(at) {
            return None;
        }
        if self.is_excused(sentence, verb, by_accident) {
            return None;
        }
        let Some(objects) = &self.objects else {
            return Some(format!("it says {}", quoted(verb)));
        };
        let object = find_phrase(sentence, objects)?;
        let object_at = position(sentence, object)?;
        let is_told = at.abs_diff(object_at) <= REACH && !denied(sentence, object_at, &[NEGATIONS]);
        is_told.then(|| format!("it says {} and {}", quoted(verb), quoted(object)))
    }

    /// What was done to one's own accounts, or by accident, or told to us alone.
    fn is_excused(&self, sentence: &Folded, verb: &str, by_accident: bool) -> bool {
        const LOOKING: &[&str] = &["accessed", "read", "viewed", "opened", "saw"];
        match self.kind {
            Testing::DataAccess => {
                has(sentence, OWN_ACCOUNTS) || by_accident && LOOKING.contains(&verb)
            }
            Testing::SocialEngineering => has(sentence, OWN_ACCOUNTS),
            Testing::DataSharing => has(sentence, TO_US),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::{Digest, Message};

    fn kinds(text: &str) -> Vec<(Testing, bool)> {
        let message = Message {
            text: text.to_owned(),
            ..Message::unread(Digest::of(b""), 0)
        };
        find(&Reading::of(&message), false)
            .into_iter()
            .map(|told| (told.kind, told.done))
            .collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[(Testing, bool)]) {
        assert_eq!(kinds(text), expected, "{text}");
    }

    #[test]
    fn what_was_done_and_what_could_be() {
        use Testing::{DataAccess, DenialOfService, PersistentImplant};
        check("I dumped the users table.", &[(DataAccess, true)]);
        check("An attacker could dump the users table.", &[]);
        check("I did not dump the users table.", &[]);
        check("I dumped the users table of my own account.", &[]);
        check("Should I have dumped the users table?", &[]);
        check("We installed a backdoor.", &[(PersistentImplant, true)]);
        check("Attackers installed a backdoor.", &[]);
        check(
            "I impersonated a support agent.",
            &[(Testing::SocialEngineering, true)],
        );
        check("I impersonated a support agent in my own workspace.", &[]);
        check(
            "Your site is open to slowloris.",
            &[(DenialOfService, false)],
        );
        check("An attacker could use slowloris.", &[]);
        check("I tested no DoS, no slowloris, no ddos.", &[]);
    }

    #[test]
    fn a_crash_is_a_finding_and_a_flood_an_attack() {
        use Testing::DenialOfService;
        check("A crafted regular expression permits a dos attack.", &[]);
        check("Your API has no defence: dos attack.", &[]);
        check(
            "A regular expression is slow. Beside that a ddos works.",
            &[(DenialOfService, false)],
        );
    }

    #[test]
    fn a_rate_limit_is_what_it_is() {
        check(
            "No rate limiting on login leads to account takeover.",
            &[(Testing::RateLimit, false)],
        );
        check("The rate limit works well.", &[]);
    }

    #[test]
    fn phishing_after_a_redirect_is_its_impact() {
        check("A phishing page imitates you.", &[(Testing::Spam, false)]);
        check("An open redirect leads to a phishing page.", &[]);
    }
}
