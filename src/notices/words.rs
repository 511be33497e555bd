//! Plain text that reads well in 72 columns.

use unicode_width::UnicodeWidthStr;

use crate::mail::text::turns_line;

const WIDTH: usize = 72;
const INDENT: usize = 4;
/// Of the names of facts: `if it is so`, and two spaces.
const NAMES: usize = 13;
/// Characters of a text that a stranger wrote.
const QUOTED_AT_MOST: usize = 200;

/// `    due          Friday 12 June 2026, 16:12 CEST (in 2 hours)`, folded where it is long.
pub fn fact(name: &str, value: &str) -> String {
    let indent = INDENT + NAMES;
    let mut text = format!("{:INDENT$}{name:NAMES$}", "");
    for (position, line) in folded(value, WIDTH - indent).iter().enumerate() {
        if position > 0 {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Lines of at most so many columns, broken at spaces; a longer word stays whole.
pub fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let fits = |line: &String| line.is_empty() || line.width() + 1 + word.width() <= width;
        match lines.last_mut().filter(|line| fits(line)) {
            Some(line) => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Text from outside as a part of a line: no control characters, nothing that turns what stands
/// beside it, bounded.
pub fn one_line(text: &str) -> String {
    let clean: String = text
        .chars()
        .filter(|c| !turns_line(*c))
        .take(QUOTED_AT_MOST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_one_line_and_turns_nothing() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(one_line(text), expected);
        }
        check("a\r\n/accept\u{7}\tb", "a /accept b");
        check("\u{202e}gnp.exe\u{2066} and", "gnp.exe and");
        check(
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        );
        check(&"\u{e4}".repeat(300), &"\u{e4}".repeat(200));
    }
}
