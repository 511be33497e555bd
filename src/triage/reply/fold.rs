//! The last touch to a letter's lines: short ones, and no holes.

/// Columns of a line that has spaces to be broken at.
const WIDTH: usize = 72;

/// Optional paragraphs leave holes: one blank line is enough. What was filled in may be long: a
/// line is broken at its last space before the margin, and goes on below where its words began.
pub fn letter(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    // None at the beginning.
    let mut blank = 1;
    for line in text.trim_end().lines() {
        let line = line.trim_end();
        blank = if line.is_empty() { blank + 1 } else { 0 };
        if blank <= 1 {
            add_line(&mut folded, line);
        }
    }
    folded
}

fn add_line(folded: &mut String, line: &str) {
    let indent = " ".repeat(indent_of(line));
    let mut rest = line.to_owned();
    while let Some(at) = place_to_break(&rest, indent.len()) {
        let (before, after) = rest.split_at(at);
        let after = format!("{indent}{}", after.trim_start());
        folded.push_str(before.trim_end());
        folded.push('\n');
        rest = after;
    }
    folded.push_str(&rest);
    folded.push('\n');
}

/// Where the words of a line begin: behind its spaces, and the dash of a list.
fn indent_of(line: &str) -> usize {
    let words = line.trim_start_matches(' ');
    let spaces = line.len() - words.len();
    match words.strip_prefix("- ") {
        Some(_) if spaces > 0 => spaces + 2,
        _ => spaces,
    }
}

/// The byte of the last space within the margin, else of the first behind it; `None`: the line is
/// short, or one word. Never within what the next line would be indented by.
fn place_to_break(line: &str, indent: usize) -> Option<usize> {
    let mut last = None;
    for (column, (at, character)) in line.char_indices().enumerate() {
        if column > WIDTH && last.is_some() {
            return last;
        }
        if character == ' ' && at > indent {
            last = Some(at);
        }
    }
    (line.chars().count() > WIDTH).then_some(last).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_and_holes_closed() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(letter(text), expected);
        }
        check("\n\na\n\n\n\nb  \n\n", "a\n\nb\n");
        let word = "word ".repeat(14);
        check(&format!("{word}ab"), &format!("{word}ab\n"));
        check(&format!("{word}abc"), &format!("{}\nabc\n", word.trim()));
        check(
            &format!("  - {word}abc"),
            &format!("  - {}\n    word abc\n", "word ".repeat(13).trim()),
        );
        let url = format!("https://example.com/{}", "x".repeat(80));
        check(&format!("  {url}"), &format!("  {url}\n"));
        check(
            &format!("  see {url} there"),
            &format!("  see\n  {url}\n  there\n"),
        );
        check(&format!("  - {url}"), &format!("  - {url}\n"));
    }
}
