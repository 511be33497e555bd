//! What a language calls things: the words of letters that stand in no single text.
//!
//! A file `words.toml` for each language. The English one is the measure: a translation has the
//! same keys, and under each as many phrases.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use toml::{Table, Value};

use super::Template;
use crate::triage::calendar::{Calendar, Distance, WallClock, distance};
use crate::triage::policy::{DeadlineKind, Part, Severity, Span};
use crate::triage::rules::SensitiveKind;

/// Names of zones are as each language needs them.
const FREE_SECTION: &str = "zones";

/// A date is whole, and a time names its zone.
const PLACEHOLDERS: [(&str, &str); 8] = [
    ("dates.instant", "{day}"),
    ("dates.instant", "{month}"),
    ("dates.instant", "{year}"),
    ("dates.instant", "{time}"),
    ("dates.instant", "{zone}"),
    ("dates.date", "{day}"),
    ("dates.date", "{month}"),
    ("dates.date", "{year}"),
];

/// The words of one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// By section and key, `dates.months`: one phrase or several.
    phrases: BTreeMap<String, Vec<String>>,
}

impl Words {
    /// Reads a file, what it lacks taken from `otherwise`. The error says where and what.
    pub fn read(source: &str, otherwise: Option<&Self>) -> Result<Self, String> {
        let table: Table = source.parse().map_err(|error| in_words(source, &error))?;
        let mut phrases = otherwise.map_or_else(BTreeMap::new, |words| words.phrases.clone());
        for (section, keys) in &table {
            let Value::Table(keys) = keys else {
                return Err(format!(
                    "{section}: is not a section; write [{section}] above"
                ));
            };
            for (key, value) in keys {
                let name = format!("{section}.{key}");
                let phrase = phrase(value).ok_or_else(|| {
                    format!("{name}: is neither a text nor a list of texts; write it in quotes")
                })?;
                phrases.insert(name, phrase);
            }
        }
        Ok(Self { phrases })
    }

    /// What these words lack of `measure`, and have beside it.
    pub fn compare(&self, measure: &Self) -> Comparison {
        let is_free = |name: &&String| name.starts_with(FREE_SECTION);
        let names = |words: &Self| -> BTreeSet<String> {
            words
                .phrases
                .keys()
                .filter(|it| !is_free(it))
                .cloned()
                .collect()
        };
        let (own, expected) = (names(self), names(measure));
        let counts_differ = |name: &&String| {
            self.all(name).len() != measure.all(name).len()
                || self.all(name).contains(&String::new())
        };
        Comparison {
            missing: expected.difference(&own).cloned().collect(),
            unknown: own.difference(&expected).cloned().collect(),
            miscounted: own
                .intersection(&expected)
                .filter(counts_differ)
                .map(|name| (name.clone(), measure.all(name).len()))
                .collect(),
            lacking: PLACEHOLDERS
                .into_iter()
                .filter(|(name, placeholder)| {
                    own.contains(*name) && !self.all(name).concat().contains(placeholder)
                })
                .collect(),
        }
    }

    /// The subject of a letter, constant but for the case number: an attacker cannot put words into it.
    pub fn subject(&self, template: Template, case: Option<&str>) -> String {
        let words = self.one("subjects", template.as_str());
        match case {
            Some(case) => format!("[{case}] {words}"),
            None => words.to_owned(),
        }
    }

    /// What a date promises; `None`: it is not the reporter's business.
    pub fn promise(&self, kind: DeadlineKind) -> Option<&str> {
        match kind {
            DeadlineKind::Acknowledge
            | DeadlineKind::Triage
            | DeadlineKind::Update
            | DeadlineKind::Remediate
            | DeadlineKind::Disclose => Some(self.one("promises", kind.as_str())),
            DeadlineKind::EarlyWarning | DeadlineKind::Notification | DeadlineKind::FinalReport => {
                None
            }
        }
    }

    /// What precedes the times of remediation by severity.
    pub fn by_severity(&self) -> &str {
        self.one("promises", "by_severity")
    }

    /// A part of a report that is missing, as a request.
    pub fn wish(&self, part: Part) -> &str {
        self.one("wishes", part.as_str())
    }

    pub fn severity(&self, severity: Severity) -> &str {
        self.one("severities", severity.as_str())
    }

    pub fn status(&self, status: crate::triage::case::Status) -> &str {
        self.one("statuses", status.as_str())
    }

    pub fn sensitive(&self, kind: SensitiveKind) -> &str {
        self.one("sensitive", kind.as_str())
    }

    pub fn span(&self, span: Span) -> String {
        let (key, count) = match span {
            Span::Hours(count) => ("hours", count),
            Span::Days(count) => ("days", count),
            Span::BusinessHours(count) => ("business_hours", count),
            Span::BusinessDays(count) => ("business_days", count),
        };
        self.counted("spans", key, i64::from(count))
    }

    /// In the language's quotation marks.
    pub fn quote(&self, sentence: &str) -> String {
        let open = self.nth("marks", "quotes", 0);
        let close = self.nth("marks", "quotes", 1);
        format!("{open}{}{close}", sentence.trim())
    }

    /// `Friday 12 June 2026, 16:12 CEST`.
    pub fn instant(&self, calendar: &Calendar, instant: DateTime<Utc>) -> String {
        self.wall_clock(&calendar.wall_clock(instant))
    }

    /// `Friday 12 June 2026, 16:12 CEST (in 7 days)`.
    pub fn due(&self, calendar: &Calendar, due_at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        let when = self.wall_clock(&calendar.wall_clock_of_due(due_at));
        format!("{when} ({})", self.how_far(due_at, now))
    }

    /// `Friday 12 June 2026`.
    pub fn date(&self, date: NaiveDate) -> String {
        self.with_date(self.one("dates", "date"), date)
    }

    fn wall_clock(&self, clock: &WallClock) -> String {
        let own_name = self.all(&format!("{FREE_SECTION}.{}", clock.zone)).first();
        let zone = own_name.unwrap_or(&clock.zone);
        self.with_date(self.one("dates", "instant"), clock.date)
            .replace("{time}", &format!("{:02}:{:02}", clock.hour, clock.minute))
            .replace("{zone}", zone)
    }

    fn with_date(&self, pattern: &str, date: NaiveDate) -> String {
        let month = self.nth("dates", "months", date.month0() as usize);
        let weekday = date.weekday().num_days_from_monday() as usize;
        pattern
            .replace("{weekday}", self.nth("dates", "weekdays", weekday))
            .replace("{day}", &date.day().to_string())
            .replace("{month}", month)
            .replace("{year}", &date.year().to_string())
    }

    /// How far away an instant is: `in 3 days`, `2 hours ago`, `now`.
    fn how_far(&self, instant: DateTime<Utc>, now: DateTime<Utc>) -> String {
        let section = if instant > now { "ahead" } else { "past" };
        match distance(instant, now) {
            Distance::None => self.one("ahead", "now").to_owned(),
            Distance::Minutes(count) => self.counted(section, "minutes", count),
            Distance::Hours(count) => self.counted(section, "hours", count),
            Distance::Days(count) => self.counted(section, "days", count),
        }
    }

    fn counted(&self, section: &str, key: &str, count: i64) -> String {
        let phrase = self.nth(section, key, usize::from(count != 1));
        phrase.replace("{}", &count.to_string())
    }

    fn one(&self, section: &str, key: &str) -> &str {
        self.nth(section, key, 0)
    }

    /// Empty where it is missing: the words of every language in use were compared with the English.
    fn nth(&self, section: &str, key: &str, position: usize) -> &str {
        self.all(&format!("{section}.{key}"))
            .get(position)
            .map_or("", String::as_str)
    }

    fn all(&self, name: &str) -> &[String] {
        self.phrases.get(name).map_or(&[], Vec::as_slice)
    }
}

/// How a translation's words stand beside the English ones, each by section and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub missing: Vec<String>,
    pub unknown: Vec<String>,
    /// With another number of phrases than this, or an empty one.
    pub miscounted: Vec<(String, usize)>,
    /// Without what is to be filled in.
    pub lacking: Vec<(&'static str, &'static str)>,
}

impl Comparison {
    /// What is wrong and the mend, a line each.
    pub fn in_words(&self) -> Vec<String> {
        let missing = self.missing.iter().map(|name| {
            format!(
                "{name} is missing, so these words are not used; the English ones show what it is"
            )
        });
        let miscounted = self.miscounted.iter().map(|(name, count)| {
            format!("{name} needs {count} of what the English one has, none of them empty; until then these words are not used")
        });
        let lacking = self.lacking.iter().map(|(name, placeholder)| {
            format!("{name} lacks {placeholder}; until it is there these words are not used")
        });
        let unknown = self.unknown.iter().map(|name| {
            format!("{name}: no letter uses it; the English ones show all that are used")
        });
        missing
            .chain(miscounted)
            .chain(lacking)
            .chain(unknown)
            .collect()
    }

    /// Letters can be written with these words.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.miscounted.is_empty() && self.lacking.is_empty()
    }
}

fn phrase(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(texts) => texts
            .iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

fn in_words(source: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| source.get(..span.start));
    match before {
        Some(before) => format!(
            "line {}: {}",
            before.matches('\n').count() + 1,
            error.message()
        ),
        None => error.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::Tz;

    use super::*;
    use crate::triage::case::Status;

    impl Words {
        /// Every word that the code asks for is there.
        pub fn check_complete(&self) {
            let mut words = vec![self.by_severity()];
            words.extend(
                DeadlineKind::ALL
                    .into_iter()
                    .filter_map(|it| self.promise(it)),
            );
            words.extend(Part::ALL.map(|it| self.wish(it)));
            words.extend(Severity::ALL.map(|it| self.severity(it)));
            words.extend(Status::ALL.map(|it| self.status(it)));
            use SensitiveKind as S;
            let kinds = [
                S::CardNumber,
                S::Iban,
                S::AddressList,
                S::ApiKey,
                S::Jwt,
                S::PrivateKey,
                S::Password,
            ];
            words.extend(kinds.map(|it| self.sensitive(it)));
            assert!(words.iter().all(|words| !words.is_empty()), "{words:?}");
            for span in [
                Span::Hours,
                Span::Days,
                Span::BusinessHours,
                Span::BusinessDays,
            ] {
                for count in [1, 2] {
                    assert!(self.span(span(count)).contains(&count.to_string()));
                }
            }
        }
    }

    fn german() -> Words {
        Words::read(include_str!("../letters/de/words.toml"), None).unwrap()
    }

    fn english() -> Words {
        Words::read(include_str!("../letters/en/words.toml"), None).unwrap()
    }

    fn calendar(zone: Tz) -> Calendar {
        Calendar {
            zone,
            working: [true; 7],
            holidays: BTreeSet::new(),
        }
    }

    #[test]
    fn dates_read_natural_and_name_their_zone() {
        #[track_caller]
        fn check(zone: Tz, at: &str, in_english: &str, in_german: &str) {
            let at = at.parse().unwrap();
            let calendar = calendar(zone);
            assert_eq!(english().instant(&calendar, at), in_english);
            assert_eq!(calendar.show(at), in_english);
            assert_eq!(german().instant(&calendar, at), in_german);
        }
        check(
            Tz::Europe__Berlin,
            "2026-06-12T14:12:00Z",
            "Friday 12 June 2026, 16:12 CEST",
            "Freitag, 12. Juni 2026, 16:12 Uhr MESZ",
        );
        check(
            Tz::Europe__Berlin,
            "2026-03-01T08:05:59Z",
            "Sunday 1 March 2026, 09:05 CET",
            "Sonntag, 1. März 2026, 09:05 Uhr MEZ",
        );
        check(
            Tz::America__Sao_Paulo,
            "2026-12-31T14:12:00Z",
            "Thursday 31 December 2026, 11:12 UTC-03:00",
            "Donnerstag, 31. Dezember 2026, 11:12 Uhr UTC-03:00",
        );
    }

    #[test]
    fn what_is_due_says_how_far_away_it_is() {
        let now: DateTime<Utc> = "2026-06-05T14:12:00Z".parse().unwrap();
        let berlin = calendar(Tz::Europe__Berlin);
        let check = |away: TimeDelta, in_english: &str, in_german: &str| {
            let english = english().due(&berlin, now + away, now);
            assert!(english.ends_with(in_english), "{english}");
            assert!(english.contains(&crate::triage::calendar::how_far(now + away, now)));
            let german = german().due(&berlin, now + away, now);
            assert!(german.ends_with(in_german), "{german}");
        };
        check(TimeDelta::days(7), "(in 7 days)", "(in 7 Tagen)");
        check(TimeDelta::hours(3), "(in 3 hours)", "(in 3 Stunden)");
        check(TimeDelta::minutes(1), "(in 1 minute)", "(in 1 Minute)");
        check(TimeDelta::seconds(1), "(now)", "(jetzt)");
        check(-TimeDelta::minutes(1), "(1 minute ago)", "(vor 1 Minute)");
        check(-TimeDelta::days(9), "(9 days ago)", "(vor 9 Tagen)");
        let midnight = "2026-06-12T22:00:00Z".parse().unwrap();
        assert!(
            english()
                .due(&berlin, midnight, now)
                .starts_with("Friday 12 June 2026, 24:00 CEST")
        );
        assert!(
            german()
                .due(&berlin, midnight, now)
                .starts_with("Freitag, 12. Juni 2026, 24:00 Uhr MESZ")
        );
    }

    #[test]
    fn days_spans_and_quotes() {
        let day = NaiveDate::from_ymd_opt(2026, 5, 1).unwrap();
        assert_eq!(english().date(day), "Friday 1 May 2026");
        assert_eq!(german().date(day), "Freitag, 1. Mai 2026");
        assert_eq!(german().span(Span::BusinessDays(1)), "1 Arbeitstag");
        assert_eq!(
            german().span(Span::BusinessHours(48)),
            "48 Stunden an Arbeitstagen"
        );
        for span in [
            Span::Hours(1),
            Span::Days(30),
            Span::BusinessDays(5),
            Span::BusinessHours(1),
        ] {
            assert_eq!(english().span(span), span.to_string());
        }
        assert_eq!(english().quote(" Stop. "), "\u{201c}Stop.\u{201d}");
        assert_eq!(german().quote("Halt."), "„Halt.“");
    }

    #[test]
    fn mistakes_name_their_place() {
        let mistake = |source| Words::read(source, None).unwrap_err();
        assert!(
            mistake("[a]\nb = ").starts_with("line 2: "),
            "{}",
            mistake("[a]\nb = ")
        );
        assert!(mistake("a = 1").starts_with("a: "));
        assert!(mistake("[a]\nb = [1]").starts_with("a.b: "));
    }
}
