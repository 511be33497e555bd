//! What a report still lacks of what the policy asks for: a summary, steps to reproduce, the
//! impact, captures, a remedy.
//!
//! Asked of the reporter in the acknowledgement, so in doubt a part is there: who is asked for what
//! he wrote is annoyed, who is not asked for what he left out is asked by a person. Any reasonable
//! form counts: a text, a PDF, an attached proof of concept. So each part is known by its words, by
//! the form of the text (lists, code, traces, a diff), or because the mail tells so much that a
//! reader finds it there in words that no list has.

use super::places::Places;
use super::reading::Reading;
use crate::mail::message::Attachment;
use crate::triage::classify::{has, names_weakness, words as count};
use crate::triage::extract::Extracted;
use crate::triage::policy::{Part, UsefulReport};

#[rustfmt::skip]
mod words;

use words::{
    ACTS_AT_START, ANNOUNCES, BEFORE_ACTS, CAPTURE_FILES, CAPTURES, EVIDENT, GRAVE, IMPACT,
    MENDS_AT_START, NARRATES, OTHERS, PAYLOADS, REMEDIATION, REQUESTS, STEPS, SUMMARY, TRACES,
};

/// A text as long as this has said what it has to say.
const LONG: usize = 350;
/// One that is built up by headings need not be so long.
const LONG_WITH_HEADINGS: usize = 120;
/// One that speaks of something definite, how it is done and what comes of it.
const TELLING: usize = 40;
/// In fewer words a grave weakness is named, and nothing is said of it.
const NAMED_ONLY: usize = 20;
/// One that announces a report is no longer than this.
const ANNOUNCEMENT: usize = 150;

/// Where the policy asks for nothing in particular.
const USUAL: [Part; 3] = [Part::Summary, Part::Steps, Part::Impact];

/// In the policy's order. `is_raw`: what it has is the output of a tool, whose length says nothing.
pub fn missing(
    reading: &Reading<'_>,
    places: &Places,
    extracted: &Extracted,
    report: &UsefulReport,
    is_raw: bool,
) -> Vec<Part> {
    let asked = report.asks.iter().map(|(part, _)| *part);
    let asked: Vec<Part> = if report.asks.is_empty() {
        USUAL.to_vec()
    } else {
        asked.collect()
    };
    let facts = Facts::of(reading, places, extracted, is_raw);
    asked.into_iter().filter(|part| !facts.has(*part)).collect()
}

/// What is asked of a mail for more than one part.
struct Facts<'r, 'm> {
    reading: &'r Reading<'m>,
    places: &'r Places,
    /// It is long, or names something definite in some sentences.
    tells: bool,
    /// It only says that a report will come.
    announces: bool,
    /// A list, code, a request or a file shows how.
    shows: bool,
    /// It tells in passing how it goes.
    narrates: bool,
    /// By words, a weakness that says it all, or a published score or number.
    has_impact: bool,
}

impl<'r, 'm> Facts<'r, 'm> {
    fn of(
        reading: &'r Reading<'m>,
        places: &'r Places,
        extracted: &Extracted,
        is_raw: bool,
    ) -> Self {
        let folded = &reading.folded;
        let length = count(&reading.told);
        let proves = proves_steps(reading, places);
        let shows = proves || lists(&reading.told);
        let has_impact = !extracted.cvss.is_empty()
            || !extracted.cve.is_empty()
            || has(folded, IMPACT)
            || (length >= NAMED_ONLY && has(folded, GRAVE))
            || has(folded, OTHERS);
        let narrates = narrates(reading);
        let is_told = proves || (narrates && has_impact);
        let announces = !is_told && length <= ANNOUNCEMENT && has(folded, ANNOUNCES);
        let is_definite =
            shows || has_impact || narrates || names_weakness(folded) || !places.0.is_empty();
        let is_telling = !is_raw && length >= TELLING && is_definite;
        Self {
            reading,
            places,
            tells: !announces && (is_telling || is_full(reading)),
            announces,
            shows: shows && !announces,
            narrates,
            has_impact,
        }
    }

    fn has(&self, part: Part) -> bool {
        let folded = &self.reading.folded;
        match part {
            Part::Summary => {
                self.tells || self.has_impact || has_summary(self.reading, self.places)
            }
            Part::Steps => self.tells || self.has_steps(),
            Part::Impact => self.tells || self.has_impact,
            Part::Captures => has_captures(self.reading),
            Part::Remediation => {
                let says = || has(folded, REMEDIATION) || says_what_to_do(self.reading);
                (!self.announces && says()) || holds_diff(&self.reading.told)
            }
        }
    }

    /// The words for steps stand in an announcement too: "I will send a proof of concept".
    fn has_steps(&self) -> bool {
        let folded = &self.reading.folded;
        let is_evident = || !self.places.0.is_empty() && has(folded, EVIDENT);
        let told = || self.narrates || has(folded, STEPS) || is_evident();
        self.shows || (!self.announces && told())
    }
}

/// A working proof of concept: how it is done, and that it was.
pub fn is_proven(reading: &Reading<'_>) -> bool {
    let numbered = numbered_lines(&reading.told) >= 2;
    let told = numbered
        || has(
            &reading.folded,
            &["steps to reproduce", "proof of concept", "poc"],
        );
    let shown = has(&reading.folded, REQUESTS) || reading.told.contains("```");
    told && (shown || reading.message.attachments.iter().any(is_proof))
}

/// Code, or a page that does it; no tool's output.
fn is_proof(file: &Attachment) -> bool {
    [
        ".py", ".sh", ".rb", ".js", ".html", ".http", ".go", ".php", ".mp4", ".png",
    ]
    .iter()
    .any(|end| file.name.to_ascii_lowercase().ends_with(end))
}

fn is_full(reading: &Reading<'_>) -> bool {
    let length = count(&reading.folded);
    length >= LONG || (length >= LONG_WITH_HEADINGS && headings(&reading.told) >= 3)
}

/// Markdown headings, bold lines, and short lines that end in a colon.
fn headings(text: &str) -> usize {
    text.lines()
        .map(str::trim)
        .filter(|line| {
            let marked = line.starts_with('#') || (line.len() > 4 && line.starts_with("**"));
            let label = line.ends_with([':', '：']) && count(line) <= 5;
            let underlined = line.len() >= 4 && line.bytes().all(|b| b == b'=' || b == b'-');
            marked || label || underlined
        })
        .count()
}

/// A dozen words, the name of a weakness or a place, or a heading that announces a summary: more
/// cannot be told from a bare "I found a bug".
fn has_summary(reading: &Reading<'_>, places: &Places) -> bool {
    let length = count(&reading.told);
    has(&reading.folded, SUMMARY)
        || names_weakness(&reading.folded)
        || length >= 12
        || (length >= 6 && !places.0.is_empty())
}

/// A numbered list, a command, a request, a payload, a trace, an address where it is, a place in the
/// code, or a file that shows it.
fn proves_steps(reading: &Reading<'_>, places: &Places) -> bool {
    let mut places = places.0.iter();
    if places.any(|place| place.path.len() > 1 && !place.is_reference) {
        return true;
    }
    let told = &reading.told;
    numbered_lines(told) >= 2
        || reading.message.attachments.iter().any(is_content)
        || told.contains("```")
        || has(&reading.folded, REQUESTS)
        || has(&reading.folded, PAYLOADS)
        || has(&reading.folded, TRACES)
        || told
            .split_whitespace()
            .any(|word| points_into_code(word) || has_query(word))
}

/// Marks of a written-up report that other mails have too.
fn lists(text: &str) -> bool {
    listed_lines(text) >= 2 || text.contains('`')
}

/// `index.php?q=contact`, without a host before it.
fn has_query(word: &str) -> bool {
    word.split_once('?').is_some_and(|(path, query)| {
        path.len() >= 2 && query.len() >= 3 && query.find('=').is_some_and(|at| at > 0)
    })
}

/// Tells what he did, what one does, or when it happens: "after logging out", "Set the header".
fn narrates(reading: &Reading<'_>) -> bool {
    has(&reading.folded, NARRATES)
        || reading
            .told_sentences()
            .any(|sentence| sentence.split([',', ':', '(']).any(begins_with_act))
}

/// "then open the page", "just set the role"
fn begins_with_act(clause: &str) -> bool {
    let mut rest = clause.trim_start();
    while let Some(after) = BEFORE_ACTS.iter().find_map(|word| after_word(rest, word)) {
        rest = after;
    }
    ACTS_AT_START
        .iter()
        .any(|act| after_word(rest, act).is_some())
}

fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.strip_prefix(word)?.strip_prefix(' ')
}

/// `header.c:118`, `state.py#L41`, `decode_rows()`
fn points_into_code(word: &str) -> bool {
    let word = word.trim_matches(|c: char| "\"'*.,;".contains(c));
    let called = word
        .split_once("()")
        .is_some_and(|(name, _)| name.len() >= 3 && name.ends_with(|c: char| c.is_alphanumeric()));
    called
        || word.rsplit_once([':', '#']).is_some_and(|(file, line)| {
            let line = line.trim_start_matches(['L', 'l']);
            let ending = file.rsplit_once('.').map(|(_, ending)| ending);
            line.starts_with(|c: char| c.is_ascii_digit())
                && ending.is_some_and(|ending| {
                    (1..=4).contains(&ending.len())
                        && ending.bytes().all(|byte| byte.is_ascii_lowercase())
                        && !["com", "net", "org", "test", "de", "io", "eu"].contains(&ending)
                })
        })
}

/// Items of a list that is not numbered.
fn listed_lines(text: &str) -> usize {
    text.lines()
        .filter(|line| {
            let line = line.trim_start();
            ["- ", "* ", "• ", "+ "]
                .iter()
                .any(|mark| line.starts_with(mark))
        })
        .count()
}

/// Neither a key nor a signature.
fn is_content(file: &Attachment) -> bool {
    let kind = &file.media_type;
    !kind.starts_with("application/pgp-") && !kind.contains("pkcs7-signature") && file.size > 0
}

fn numbered_lines(text: &str) -> usize {
    text.lines()
        .map(|line| line.trim_start_matches(|c: char| c.is_whitespace() || "*->#".contains(c)))
        .filter(|line| is_numbered(line))
        .count()
}

/// Requests and responses, a command, a trace, a picture, a log.
fn has_captures(reading: &Reading<'_>) -> bool {
    let shown = reading.message.attachments.iter().any(|file| {
        let name = file.name.to_ascii_lowercase();
        file.media_type.starts_with("image/")
            || file.media_type.starts_with("video/")
            || CAPTURE_FILES.iter().any(|end| name.ends_with(end))
    });
    shown
        || has(&reading.folded, CAPTURES)
        || has(&reading.folded, REQUESTS)
        || has(&reading.folded, TRACES)
        || reading.told.contains("![")
        || reading.told.lines().any(is_output)
}

/// A line as a shell or a server writes it.
fn is_output(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '>');
    ["$ ", "{\"", "[{\"", "HTTP/", "<?xml", "#0 "]
        .iter()
        .any(|begin| line.starts_with(begin))
}

/// What changed, as `diff` and `git` write it.
fn holds_diff(text: &str) -> bool {
    let begins = |begin: &str| text.lines().any(|line| line.starts_with(begin));
    begins("diff --git ") || (begins("+++ ") && begins("@@ "))
}

/// A sentence that begins with what to do: "Encode the output."
fn says_what_to_do(reading: &Reading<'_>) -> bool {
    reading.sentences().any(|sentence| {
        MENDS_AT_START
            .iter()
            .any(|verb| after_word(&sentence, verb).is_some())
    })
}

/// `1. …`, `2) …`, `Step 3: …`
fn is_numbered(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let listed = (1..=2).contains(&digits)
        && line
            .get(digits..)
            .is_some_and(|rest| rest.starts_with(['.', ')', ':', '、']));
    let lower = line.get(..5).map(str::to_ascii_lowercase);
    listed || lower.as_deref() == Some("step ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_lines() {
        #[track_caller]
        fn check(line: &str, expected: bool) {
            assert_eq!(is_numbered(line), expected, "{line}");
        }
        check("1. open", true);
        check("12) open", true);
        check("Step 3: open", true);
        check("2024 was", false);
        check("2024. It", false);
        check("é", false);
        check("", false);
    }

    #[test]
    fn places_in_code() {
        #[track_caller]
        fn check(word: &str, expected: bool) {
            assert_eq!(points_into_code(word), expected, "{word}");
        }
        check("header.c:118.", true);
        check("(src/state.py#L41", true);
        check("`parse_header()`", true);
        check("www.cloudarq.example:443", false);
        check("mail.corp.test:25", false);
        check("10:30", false);
        check("()", false);
        check("é():é", false);
        check("", false);
    }

    #[test]
    fn acts_begin_a_clause() {
        #[track_caller]
        fn check(clause: &str, expected: bool) {
            assert_eq!(begins_with_act(clause), expected, "{clause}");
        }
        check("then just strip the signature", true);
        check(" set the header", true);
        check("open the page", true);
        check("open redirect on your page", false);
        check("set-cookie is missing", false);
        check("then", false);
        check("", false);
    }

    #[test]
    fn diffs_and_output() {
        assert!(holds_diff("see\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"));
        assert!(!holds_diff("+++ wow\n--- no\n"));
        assert!(is_output("> {\"error\":1}"));
        assert!(is_output("  $ id"));
        assert!(!is_output("#01 is"));
    }

    #[test]
    fn headings_are_counted() {
        assert_eq!(
            headings("# A\n**B**\nC:\nD\n====\ntext that goes on and on:\n"),
            4
        );
    }
}
