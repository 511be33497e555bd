//! Raw output of a scanner, pasted or attached without a person's explanation.
//!
//! A text is a dump when it has the shape of one (JSON, XML, CSV, or lines that
//! a program prints). The label is given where a dump is there and hardly any
//! prose: whoever explains what he found is not answered as if a tool had written.

use std::collections::HashSet;

use crate::mail::message::{Attachment, Message};

use super::phrases::{self, Folded};

#[rustfmt::skip]
mod words;

use words::{BANNERS, FINDINGS, WRITTEN_UP};

/// So much of a text is looked at.
const LOOKED_AT: usize = 64 * 1024;
/// A cover note has at most so many words.
const COVER_NOTE: usize = 45;

/// A tool names itself early.
const TELLING_BEGINNING: usize = 2_048;

/// What makes this mail a scanner's output; `own` is its text without quoted history.
pub fn scanner_output(message: &Message, own: &str) -> Option<String> {
    let own = phrases::beginning(own, LOOKED_AT);
    if let Some(shape) = dump(own).filter(|shape| *shape == PRINTED || speaks_of_findings(own)) {
        return Some(format!("the text is {shape}"));
    }
    let attached = message.attachments.iter().find_map(attached_dump)?;
    let note = Lines::read(own);
    (note.prose_words <= COVER_NOTE && !has_written_up(own))
        .then(|| format!("an attachment is {attached}, and there is hardly a word about it"))
}

/// A captured answer of a server is JSON or HTML too.
fn speaks_of_findings(text: &str) -> bool {
    let folded = phrases::fold(text);
    phrases::has(&folded, FINDINGS) || phrases::has(&folded, BANNERS)
}

fn attached_dump(attachment: &Attachment) -> Option<&'static str> {
    let excerpt = phrases::beginning(attachment.excerpt.as_deref()?, LOOKED_AT);
    if attachment.media_type.starts_with("message/") {
        return None;
    }
    let shape = dump(excerpt)?;
    let folded = phrases::fold(excerpt);
    let speaks_of_findings = match shape {
        PRINTED => true,
        // A page that somebody saved has such words too.
        MARKUP if is_page(excerpt) => phrases::has(&folded, BANNERS),
        _ => phrases::count(&folded, FINDINGS) >= 2,
    };
    speaks_of_findings.then_some(shape)
}

const PRINTED: &str = "what a scanner prints";
const MARKUP: &str = "XML or HTML";

/// The shape of a dump, if the text is one but for a cover note.
fn dump(text: &str) -> Option<&'static str> {
    let body = without_cover_note(text).trim();
    if body.len() < 20 {
        return None;
    }
    if is_json(body) {
        Some("JSON")
    } else if is_markup(body) {
        Some(MARKUP)
    } else if is_table(body) {
        Some("CSV")
    } else if is_printed(text) {
        Some(PRINTED)
    } else {
        None
    }
}

/// From the first line on that opens a structure, if only a short note is before it.
fn without_cover_note(text: &str) -> &str {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n', '`']);
    let mut offset = 0;
    let mut words = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let opens = trimmed.starts_with(['{', '<', '"'])
            || (trimmed.starts_with('[') && !trimmed.contains("]("));
        if opens {
            return text.get(offset..).unwrap_or(text);
        }
        words += phrases::words(line);
        offset += line.len();
        if words > COVER_NOTE {
            break;
        }
    }
    text
}

/// Cut JSON is JSON too: an excerpt ends anywhere.
fn is_json(body: &str) -> bool {
    if !body.starts_with(['{', '[']) {
        return false;
    }
    let names = body.matches("\":").count() + body.matches("\" :").count();
    let closed = body.ends_with(['}', ']']);
    let empty = closed && body.len() < 100 && body.contains('"');
    names >= 3
        && names * 400 >= body.len()
        && (closed || body.len() > 4_096 || ends_soon_after_json(body))
        || empty
}

/// A greeting below the structure.
fn ends_soon_after_json(body: &str) -> bool {
    body.rfind(['}', ']'])
        .and_then(|end| body.get(end + 1..))
        .is_some_and(|after| phrases::words(after) <= COVER_NOTE)
}

fn is_markup(body: &str) -> bool {
    if !body.starts_with('<') {
        return false;
    }
    let declared = ["<?xml", "<!DOCTYPE", "<!doctype", "<html", "<HTML"]
        .iter()
        .any(|start| body.starts_with(start));
    let tags = body.matches("</").count() + body.matches("/>").count();
    (declared && tags >= 1) || (tags >= 4 && tags * 400 >= body.len())
}

fn is_page(text: &str) -> bool {
    let opening = phrases::folded(phrases::beginning(text.trim_start(), 200));
    opening.contains("<html") || opening.starts_with("<!doctype html")
}

/// A head of short names and rows with as many separators as it has, or nearly.
fn is_table(body: &str) -> bool {
    let mut lines = body.lines().filter(|line| !line.trim().is_empty());
    let Some(head) = lines.next() else {
        return false;
    };
    let Some(separator) = [',', ';', '\t', '|']
        .into_iter()
        .max_by_key(|separator| head.matches(*separator).count())
    else {
        return false;
    };
    let columns = head.matches(separator).count() + 1;
    if columns < 4 || head.len() > 4_096 {
        return false;
    }
    let names = head
        .split(separator)
        .filter(|name| phrases::words(name) <= 4 && name.len() <= 48 && !name.trim().is_empty())
        .count();
    let rows: Vec<usize> = lines
        .take(50)
        .map(|line| line.matches(separator).count() + 1)
        .collect();
    let full = rows.iter().filter(|found| **found + 1 >= columns).count();
    let looks_named = names * 10 >= columns * 8 && !head.contains(". ") && !head.ends_with('.');
    looks_named && ((rows.is_empty() && columns >= 6) || full >= 1)
}

/// Lines of a command-line tool: its banner or the words of findings, and hardly any prose.
fn is_printed(text: &str) -> bool {
    let folded = phrases::fold(text);
    if has_headings(text) || phrases::has(&folded, WRITTEN_UP) {
        return false;
    }
    let lines = Lines::read(text);
    let banner = phrases::has(
        &Folded::of(phrases::beginning(&folded, TELLING_BEGINNING)),
        BANNERS,
    );
    let findings = phrases::count(&folded, FINDINGS);
    if banner {
        return lines.machine >= 2 && lines.prose_words <= COVER_NOTE + lines.machine;
    }
    lines.machine >= 4
        && lines.machine * 10 >= lines.total() * 8
        && lines.prose_words <= COVER_NOTE
        && lines.alike * 10 >= lines.machine * 3
        && findings >= 2
}

/// A person's headings and sentences.
fn has_written_up(text: &str) -> bool {
    has_headings(text) || phrases::has(&phrases::fold(text), WRITTEN_UP)
}

fn has_headings(text: &str) -> bool {
    text.lines().filter(|line| is_heading(line)).count() >= 2
}

/// `## Impact`, or `**Impact**`.
fn is_heading(line: &str) -> bool {
    let line = line.trim();
    let marks = line.bytes().take_while(|b| *b == b'#').count();
    let by_marks =
        (1..=4).contains(&marks) && line.get(marks..).is_some_and(|rest| rest.starts_with(' '));
    let bold =
        line.len() > 4 && line.starts_with("**") && line.trim_end_matches(':').ends_with("**");
    by_marks || (bold && !line.starts_with("***"))
}

/// The lines of a text, sorted into a program's and a person's.
struct Lines {
    machine: usize,
    prose: usize,
    prose_words: usize,
    /// Machine lines that begin as an earlier one does: a program lists things.
    alike: usize,
}

impl Lines {
    fn read(text: &str) -> Self {
        let mut lines = Self {
            machine: 0,
            prose: 0,
            prose_words: 0,
            alike: 0,
        };
        let mut beginnings = HashSet::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if is_machine_line(line) {
                lines.machine += 1;
                lines.alike += usize::from(!beginnings.insert(beginning_of(line)));
            } else {
                lines.prose += 1;
                lines.prose_words += phrases::words(line);
            }
        }
        lines
    }

    fn total(&self) -> usize {
        self.machine + self.prose
    }
}

/// The label of `label: value`, else the first characters.
fn beginning_of(line: &str) -> String {
    match label(line) {
        Some((label, _)) => label.to_owned(),
        None => line.chars().take(6).collect(),
    }
}

fn label(line: &str) -> Option<(&str, &str)> {
    line.split_once(':')
        .filter(|(label, _)| phrases::words(label) <= 4 && label.len() <= 40)
}

fn is_machine_line(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let marks = line
        .chars()
        .filter(|c| {
            !c.is_alphanumeric() && !c.is_whitespace() && !matches!(c, '.' | ',' | '\'' | '-')
        })
        .count();
    let dense = marks * 7 >= line.chars().count();
    let marked = line.starts_with(['+', '|', '[', '{', '}', '<', '"', '/', '(', '=', '_'])
        || line.starts_with("***")
        || line.starts_with("#####")
        || line.starts_with(|c: char| c.is_ascii_digit());
    let names_path = words.len() <= 4 && words.iter().any(|word| word.contains(['/', '_', '=']));
    let labelled = label(line).is_some_and(|(_, value)| phrases::words(value) <= 10);
    dense || marked || names_path || labelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(dump(text).is_some(), expected, "{text}");
    }

    #[test]
    fn what_tools_print() {
        check(
            "Starting Nmap 7.94\nNmap scan report for www.corp.example (192.0.2.1)\nHost is up (0.01s latency).\n\
             PORT    STATE SERVICE\n22/tcp  open  ssh\n443/tcp open  https\n",
            true,
        );
        check(
            "- Nikto v2.5.0\n+ Target IP: 192.0.2.1\n+ Target Hostname: www.corp.example\n\
             + /: The anti-clickjacking X-Frame-Options header is not present.\n\
             + /: The X-Content-Type-Options header is not set. This could allow the user agent to render it.\n",
            true,
        );
        check(
            "[tls-version] [ssl] [info] www.corp.example:443 [\"tls12\"]\n\
             [http-missing-security-headers:x-frame-options] [http] [info] https://www.corp.example\n\
             [CVE-2021-1234] [http] [high] https://www.corp.example/x\n[missing-sri] [http] [info] https://www.corp.example\n",
            true,
        );
        check("{\"results\": [{\"severity\": \"high\", \"id\": 1}]}", true);
        check(
            "hello, see below\n\n<?xml version=\"1.0\"?>\n<nmaprun><host/></nmaprun>",
            true,
        );
        check("id,host,port,severity,finding\n1,a,443,LOW,x\n", true);
    }

    #[test]
    fn what_people_write() {
        check(
            "Title: XSS\nSeverity: High\nURL: https://a.test/\nSteps to reproduce: open it\nImpact: cookies",
            false,
        );
        check(
            "Hi, I ran nmap against your host and found port 22 open. Is that intended?",
            false,
        );
        check(
            "GET / HTTP/1.1\nHost: corp.example\nCookie: a=b\nAccept: */*\n",
            false,
        );
        check(
            "I found, after some tests, a bug, in your login, and so on.\nIt is bad, I think, for you, and us, too.",
            false,
        );
        check("", false);
    }
}
