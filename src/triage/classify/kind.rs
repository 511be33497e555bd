//! First cut: what kind of mail this is, by phrases.
//!
//! Rules are tried in order and are conservative: whatever none of them is
//! sure about is a report. A kind orders the queue and picks the words of the
//! answer; it never drops a mail.

use super::phrases::Folded;
use super::{likeness, phrases};

#[rustfmt::skip]
mod words;

use words::{
    ABUSE, ACCESS, ASKING, ASKS_FOR_ACCESS, COMPLAINTS, CUSTOMERS, EXPOSED, FLAWS, FOUND, IN_SCOPE,
    QUESTIONNAIRES, QUESTIONS, STATUS_REQUESTS,
};

/// The kinds of mail, as outside names have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Report,
    /// Belongs to a case.
    Reply,
    /// The same report again.
    Resend,
    KeyRequest,
    StatusRequest,
    Bounce,
    AutoReply,
    List,
    Spam,
    /// Phishing, spam and content complaints.
    Abuse,
    /// Questionnaires.
    Diligence,
    /// A test account or a sandbox is asked for.
    AccessRequest,
    Question,
    /// Lines for us that a member of the team signed, or that claim to be.
    TeamCommand,
    Unreadable,
}

impl Kind {
    pub const ALL: [Self; 15] = [
        Self::Report,
        Self::Reply,
        Self::Resend,
        Self::KeyRequest,
        Self::StatusRequest,
        Self::Bounce,
        Self::AutoReply,
        Self::List,
        Self::Spam,
        Self::Abuse,
        Self::Diligence,
        Self::AccessRequest,
        Self::Question,
        Self::TeamCommand,
        Self::Unreadable,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Reply => "reply",
            Self::Resend => "resend",
            Self::KeyRequest => "key_request",
            Self::StatusRequest => "status_request",
            Self::Bounce => "bounce",
            Self::AutoReply => "auto_reply",
            Self::List => "list",
            Self::Spam => "spam",
            Self::Abuse => "abuse",
            Self::Diligence => "diligence",
            Self::AccessRequest => "access_request",
            Self::Question => "question",
            Self::TeamCommand => "team_command",
            Self::Unreadable => "unreadable",
        }
    }

    /// A questionnaire is answered, and has none of a report's clocks. Every other mail has them:
    /// what was taken for a question may be a report, and nothing may pass its date unseen.
    pub fn has_clocks_of_a_report(self) -> bool {
        self != Self::Diligence
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The kind that the words speak for, and the phrase that did; `None`: a report.
///
/// `folded`: subject and own words. `report`: they read like a report.
pub(super) fn by_words(folded: &Folded, report: bool) -> Option<(Kind, &'static str)> {
    let short = is_short(folded);
    let weakness = likeness::names_weakness(folded);
    if let Some(phrase) = asks_for_status(folded) {
        return Some((Kind::StatusRequest, phrase));
    }
    if let Some(phrase) = phrases::find(folded, QUESTIONNAIRES) {
        let sure = phrases::count(folded, QUESTIONNAIRES) > 1 || phrases::has(folded, CUSTOMERS);
        if sure && !is_told(folded) {
            return Some((Kind::Diligence, phrase));
        }
    }
    if let Some(phrase) = asks_for_access(folded, weakness) {
        return Some((Kind::AccessRequest, phrase));
    }
    // A brute-force attack is a weakness's name and what a victim complains of.
    let complaints = if weakness { COMPLAINTS } else { ABUSE };
    let is_reported = phrases::has(folded, FLAWS) || (weakness && is_told(folded));
    if !is_reported && let Some(phrase) = phrases::find(folded, complaints) {
        return Some((Kind::Abuse, phrase));
    }
    if short && let Some(phrase) = asks_on_scope(folded, weakness) {
        return Some((Kind::Question, phrase));
    }
    if short
        && !report_claimed(folded, report)
        && let Some(phrase) = phrases::find(folded, QUESTIONS)
    {
        return Some((Kind::Question, phrase));
    }
    None
}

/// The phrase by which a mail asks for an account or a sandbox. Who asks before he tests rate limits
/// names them, and has found nothing yet.
fn asks_for_access(folded: &Folded, weakness: bool) -> Option<&'static str> {
    if is_told(folded) {
        return None;
    }
    let asks = phrases::find(folded, ASKS_FOR_ACCESS)
        .filter(|_| is_short(folded) && !likeness::names_weakness_but_rate_limits(folded));
    let is_asked = || folded.contains(['?', '？']) || phrases::has(folded, ASKING);
    asks.or_else(|| phrases::find(folded, ACCESS).filter(|_| !weakness && is_asked()))
}

/// The phrase by which one sentence asks whether something is in scope, where nothing is told of it.
fn asks_on_scope(folded: &Folded, weakness: bool) -> Option<&'static str> {
    let phrase = phrases::find(folded, IN_SCOPE)?;
    if weakness || is_told(folded) || phrases::has(folded, FLAWS) {
        return None;
    }
    let asked = folded.split_inclusive(['?', '？']);
    let mut sentences = asked
        .filter_map(|part| part.strip_suffix(['?', '？'])?.rsplit([';', '!']).next())
        .filter_map(|before| before.rsplit(". ").next());
    sentences
        .any(|sentence| phrases::has(&Folded::of(sentence), IN_SCOPE))
        .then_some(phrase)
}

/// Something was found, or lies open.
fn is_told(folded: &Folded) -> bool {
    phrases::has(folded, FOUND) || phrases::has(folded, EXPOSED)
}

/// The phrase by which a few words ask how a report stands.
pub(super) fn asks_for_status(folded: &Folded) -> Option<&'static str> {
    let can_ask = is_short(folded) && !likeness::names_weakness(folded);
    can_ask
        .then(|| phrases::find(folded, STATUS_REQUESTS))
        .flatten()
}

fn is_short(folded: &Folded) -> bool {
    phrases::words(folded) <= 150
}

/// A question may speak of vulnerabilities in general ("do you have a bug bounty"); it does not say that one was found.
fn report_claimed(folded: &Folded, report: bool) -> bool {
    phrases::has(folded, FOUND)
        || likeness::names_weakness(folded)
        || (report && !folded.contains('?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Kind) {
        let folded = phrases::fold(text);
        let report = likeness::likeness(&folded).is_report();
        let kind = by_words(&folded, report).map_or(Kind::Report, |(kind, _)| kind);
        assert_eq!(kind, expected, "{text}");
    }

    #[test]
    fn kinds_by_words() {
        check("Any update on my report from March?", Kind::StatusRequest);
        // As docs/reporters.md has it.
        check("SEC-2026-0042 How does it stand?", Kind::StatusRequest);
        check(
            "Gibt es Neuigkeiten zu meiner Meldung?",
            Kind::StatusRequest,
        );
        check(
            "Please fill out the attached security questionnaire (CAIQ) as our vendor",
            Kind::Diligence,
        );
        check("Bitte den Sicherheitsfragebogen ausfüllen", Kind::Diligence);
        check(
            "Could you sign the attached DPA? Our compliance team needs it",
            Kind::Diligence,
        );
        check(
            "Could I get a test account for my research?",
            Kind::AccessRequest,
        );
        check("Ich bräuchte einen Testzugang", Kind::AccessRequest);
        check(
            "I'd like to test your rate limiting. Could you set up a sandbox for me?",
            Kind::AccessRequest,
        );
        check(
            "A phishing site uses your brand: hxxps://corp-login.example",
            Kind::Abuse,
        );
        check("Wir erhalten Spam von Ihrer IP 192.0.2.1", Kind::Abuse);
        check(
            "Abuse complaint: SSH brute force from 192.0.2.9 since midnight",
            Kind::Abuse,
        );
        check("Do you have a bug bounty program?", Kind::Question);
        check("Where should I report a vulnerability?", Kind::Question);
        check("Are you affected by CVE-2024-3094?", Kind::Question);
        check("Ich habe eine Frage zu Ihrer Richtlinie", Kind::Question);
        check(
            "Is gitlab.corp.example covered by your disclosure policy?",
            Kind::Question,
        );
        for question in [
            "Hello, is api2.corp.example in scope?",
            "Hello, is api2.corp.example in scope of your program?",
            "Before I start: is https://shop.corp.example part of your disclosure scope? Thanks.",
            "Ist api2.corp.example im Geltungsbereich Ihrer Richtlinie?",
            "Are subdomains within scope, or only corp.example?",
        ] {
            check(question, Kind::Question);
        }
        check(
            "Zahlen Sie für gemeldete Schwachstellen eine Prämie?",
            Kind::Question,
        );
        check(
            "Could you provision two trial tenants for my research?",
            Kind::AccessRequest,
        );
    }

    #[test]
    fn in_doubt_it_is_a_report() {
        check(
            "An open redirect on your login page helps phishing",
            Kind::Report,
        );
        for report in [
            "Auf der Anmeldeseite lässt sich über next auf fremde Seiten umleiten. Damit könnte jemand \
             Ihre Kunden auf eine Phishing-Seite locken.",
            "Der Export kann ohne Anmeldung missbraucht werden.",
            "I stopped another tenant by DELETE /api/v1/tenants/2 without any permission. Anyone can \
             take down any tenant.",
            "The chat trusts the agent id that the client sends, so a user can impersonate support.",
            "Le formulaire permet d'envoyer un mail à n'importe qui: idéal pour le hameçonnage.",
            "El formulario permite enviar correos a cualquiera, ideal para una estafa.",
            "Your staging environment (staging.corp.example) needs no password; I saw test credentials \
             in the page source.",
            "The test account demo/demo on app.corp.example can read everything. Please remove it.",
            "Your customer portal sends me the DPA of other companies. Please complete the fix, vendor.",
            "Your SOC 2 report and your vendor risk assessments lie on files.corp.example for everybody.",
            "Die Verträge zur Auftragsverarbeitung Ihrer Kunden sind öffentlich zugänglich.",
            "There is no rate limit on login. Please set up a sandbox or fix the brute force.",
            "The backup of shop.corp.example lies open. Is that in scope?",
            "An attacker can read all orders on shop.corp.example. Is it in scope?",
            "shop.corp.example, which is in scope, shows me the orders of Bob. Who looks at it?",
            "I found that brute force attempts from your login attempts page are not limited.",
        ] {
            check(report, Kind::Report);
        }
        check("I found a way to log in to any test account", Kind::Report);
        check(
            "I found that the SOC 2 report and the pentest report are public",
            Kind::Report,
        );
        check("Hello", Kind::Report);
        check("", Kind::Report);
        check(
            "I have a question: is this SQL injection known?",
            Kind::Report,
        );
        check(
            "I found a vulnerability. Do you have a bug bounty program?",
            Kind::Report,
        );
    }

    #[test]
    fn names_are_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(Kind::parse("ticket"), None);
    }
}
