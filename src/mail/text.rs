//! Text as a person would read it: lines, flowed paragraphs, names that are safe to show.

/// Longest name of an attachment, in characters.
const MAX_NAME: usize = 255;

/// Line ends become `\n`; control characters other than `\n` and `\t` go.
pub fn normalize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\n' | '\t' => out.push(c),
            '\u{FEFF}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Undoes `format=flowed` (RFC 3676): lines that end in a space go on in the next one.
///
/// Quote depth is kept and ends a paragraph; `-- ` is the signature separator and stays. With
/// `delete_space` (DelSp=yes) the space itself goes too.
pub fn unflow(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None; // quote depth of a paragraph that goes on
    for line in text.lines() {
        let depth = line.bytes().take_while(|&b| b == b'>').count();
        let content = line.get(depth..).unwrap_or_default();
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_separator = content == "-- ";
        if open != Some(depth) || is_separator {
            if open.is_some() {
                out.push('\n');
            }
            push_quote(&mut out, depth, content);
        }
        let flows = content.ends_with(' ') && !is_separator;
        let kept = match content.strip_suffix(' ') {
            Some(shorter) if flows && delete_space => shorter,
            _ => content,
        };
        out.push_str(kept);
        open = flows.then_some(depth);
        if !flows {
            out.push('\n');
        }
    }
    out
}

fn push_quote(out: &mut String, depth: usize, content: &str) {
    out.extend(std::iter::repeat_n('>', depth));
    if depth > 0 && !content.is_empty() {
        out.push(' ');
    }
}

/// A file name without path, control or direction characters, leading dots and surrounding space.
///
/// At most 255 characters, with the extension kept; `None` when nothing is left.
pub fn safe_name(name: &str) -> Option<String> {
    let base = name
        .rsplit(['/', '\\'])
        .find(|part| !part.trim().is_empty())?;
    let clean: String = base
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|&c| !c.is_control() && !is_invisible(c))
        .collect();
    let clean = clean
        .trim_start_matches(|c: char| c == '.' || c.is_whitespace())
        .trim_end();
    if clean.is_empty() {
        return None;
    }
    Some(shorten(clean))
}

/// Turns the direction of all that follows in its line, words of ours too.
pub fn turns_line(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters that change how a name looks but cannot be seen: direction, joiners, fillers.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

fn shorten(name: &str) -> String {
    let length = name.chars().count();
    if length <= MAX_NAME {
        return name.to_owned();
    }
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension)
        .filter(|extension| (1..=16).contains(&extension.chars().count()));
    match extension {
        Some(extension) => {
            let keep = MAX_NAME - extension.chars().count() - 1;
            let stem: String = name.chars().take(keep).collect();
            format!("{}.{extension}", stem.trim_end())
        }
        None => name.chars().take(MAX_NAME).collect(),
    }
}

/// At most `limit` bytes, cut between characters.
pub fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// On one line, at most `limit` characters.
pub fn one_line(text: &str, limit: usize) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    normalize(&joined).chars().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_flow(text: &str, delete_space: bool, expected: &str) {
        assert_eq!(unflow(text, delete_space), expected);
    }

    #[test]
    fn flowed_lines_become_paragraphs() {
        check_flow("one \ntwo\nthree\n", false, "one two\nthree\n");
        check_flow("ko \nrea\n", true, "korea\n");
        check_flow("> a \n> b\n>> c\nd\n", false, "> a b\n>> c\nd\n");
        check_flow("a \n> b\n", false, "a \n> b\n");
        check_flow("end \n-- \nname\n", false, "end \n-- \nname\n");
        check_flow("  stuffed\n >quoted\n", false, " stuffed\n>quoted\n");
        check_flow("", false, "");
    }

    #[track_caller]
    fn check_name(name: &str, expected: Option<&str>) {
        assert_eq!(safe_name(name).as_deref(), expected, "{name:?}");
    }

    #[test]
    fn names_are_safe() {
        check_name("report.pdf", Some("report.pdf"));
        check_name("../../etc/passwd", Some("passwd"));
        check_name("C:\\temp\\poc.py", Some("poc.py"));
        check_name("dir/", Some("dir"));
        check_name("...hidden", Some("hidden"));
        check_name(" a\tb\r\n.txt ", Some("a b  .txt"));
        check_name("cod\u{202E}gpj.exe", Some("codgpj.exe"));
        check_name("żółć.png", Some("żółć.png"));
        check_name("..", None);
        check_name("", None);
        check_name("/", None);
    }

    #[test]
    fn long_names_keep_their_extension() {
        let name = safe_name(&format!("{}.pdf", "ä".repeat(400))).unwrap();
        assert_eq!(name.chars().count(), MAX_NAME);
        assert!(name.ends_with(".pdf"));
    }

    #[test]
    fn control_characters_go_and_line_ends_are_one() {
        assert_eq!(normalize("a\r\nb\rc\n\td\0\u{1b}e\u{85}"), "a\nb\nc\n\tde");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(one_line(" a\r\n b ", 10), "a b");
    }
}
