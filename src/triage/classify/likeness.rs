//! Does a text read like a vulnerability report?
//!
//! A score over phrases in folded text (see `phrases`). It never drops a mail:
//! it decides between `report` and another kind, and what the junk folder holds.

use super::phrases::{self, Folded};

#[rustfmt::skip]
mod words;

use words::{CLAIMS, PARTS_OF_REPORTS, SECURITY_WORDS, WEAKNESSES};

/// From this score on a text reads like a report.
const ENOUGH: u32 = 2;

/// What was found, and how much it says.
pub struct Likeness {
    score: u32,
    pub because: Vec<&'static str>,
}

impl Likeness {
    pub fn is_report(&self) -> bool {
        self.score >= ENOUGH
    }
}

/// Scores folded text.
pub fn likeness(folded: &Folded) -> Likeness {
    let mut likeness = Likeness {
        score: 0,
        because: Vec::new(),
    };
    for (phrases, weight) in [
        (CLAIMS, 2),
        (WEAKNESSES, 2),
        (PARTS_OF_REPORTS, 1),
        (SECURITY_WORDS, 1),
    ] {
        let found = phrases::find(folded, phrases);
        let several = phrases::count(folded, phrases) > 1;
        likeness.score += match (found, several) {
            (None, _) => 0,
            (Some(_), false) => weight,
            (Some(_), true) => weight + 1,
        };
        likeness.because.extend(found);
    }
    likeness
}

/// Does the folded text name a weakness, and not only say that there is one?
pub fn names_weakness(folded: &Folded) -> bool {
    phrases::has(folded, WEAKNESSES)
}

/// A lack of rate limits is a weakness, and testing them is what one asks for first.
pub fn names_weakness_but_rate_limits(folded: &Folded) -> bool {
    let others = WEAKNESSES.iter().filter(|name| **name != "rate limit*");
    let others: Vec<&str> = others.copied().collect();
    phrases::has(folded, &others)
}

#[cfg(test)]
mod tests {
    use super::super::phrases::fold;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(likeness(&fold(text)).is_report(), expected, "{text}");
    }

    #[test]
    fn reports_are_told_from_other_mail() {
        check("I found a stored XSS on your profile page", true);
        check("Ich habe eine Sicherheitslücke gefunden", true);
        check("Уязвимость на вашем сайте", true);
        check("貴社のサイトに脆弱性があります", true);
        check(
            "Steps to reproduce: open /admin; an attacker sees all users",
            true,
        );
        check("Cheap watches, buy now!", false);
        check("Can we meet on Thursday?", false);
        check("", false);
    }
}
