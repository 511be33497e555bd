//! Content lines (RFC 5545, 3.1): unfolded, and cut into name, parameters and value.

/// One content line.
pub struct Line {
    /// Of its first line in the file, from 1.
    pub number: usize,
    /// Upper case; the whole line where it has no colon.
    pub name: String,
    /// Upper case, `VALUE=DATE;TZID=…`.
    pub parameters: String,
    pub value: String,
    /// Is it `NAME:VALUE` at all?
    pub is_whole: bool,
}

/// A line that begins with a space or a tab continues the one before. Lines
/// are folded by octets, so the bytes are put together before they are text;
/// what is not UTF-8 stands in descriptions, which nobody reads here.
pub fn unfolded(bytes: &[u8]) -> Vec<Line> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (index, raw) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        match (raw.split_first(), lines.last_mut()) {
            (Some((b' ' | b'\t', more)), Some((_, line))) => line.extend_from_slice(more),
            _ => lines.push((index + 1, raw.to_vec())),
        }
    }
    lines
        .into_iter()
        .map(|(number, line)| (number, String::from_utf8_lossy(&line).into_owned()))
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| Line::new(number, &line))
        .collect()
}

impl Line {
    fn new(number: usize, text: &str) -> Self {
        let whole = split_unquoted(text, ':');
        let (head, value) = whole.unwrap_or((text, ""));
        let (name, parameters) = split_unquoted(head, ';').unwrap_or((head, ""));
        Self {
            number,
            name: name.trim().to_ascii_uppercase(),
            parameters: parameters.to_ascii_uppercase(),
            value: value.trim().to_owned(),
            is_whole: whole.is_some(),
        }
    }

    /// `VALUE`, `TZID`: without quotes, upper case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut rest = Some(self.parameters.as_str());
        while let Some(parameters) = rest {
            let (parameter, others) = match split_unquoted(parameters, ';') {
                Some((parameter, others)) => (parameter, Some(others)),
                None => (parameters, None),
            };
            if let Some((key, value)) = parameter.split_once('=')
                && key.trim() == name
            {
                return Some(value.trim_matches('"'));
            }
            rest = others;
        }
        None
    }
}

/// At the first such character outside of quotes.
fn split_unquoted(text: &str, at: char) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    for (index, found) in text.char_indices() {
        match found {
            '"' => is_quoted = !is_quoted,
            _ if found == at && !is_quoted => {
                let (head, tail) = text.split_at_checked(index)?;
                return Some((head, tail.strip_prefix(at)?));
            }
            _ => {}
        }
    }
    None
}
