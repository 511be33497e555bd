//! A changelog cut into entries: headings, and the pieces below them.

/// Characters of a heading.
const LONGEST_NAME: usize = 120;

/// A heading and one piece of what stands below it.
pub struct Entry {
    pub name: String,
    pub text: String,
}

pub fn entries(text: &str) -> Vec<Entry> {
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    let headings = markdown_headings(&lines);
    let headings = if headings.iter().any(Option::is_some) {
        headings
    } else {
        plain_headings(&lines)
    };
    let headings = without_title(headings);
    let mut entries = Vec::new();
    let mut section = Section::default();
    for (line, heading) in lines.iter().zip(headings) {
        match heading {
            Some(heading) => {
                entries.extend(section.take_entries());
                section.begin(heading);
            }
            None => section.add(line),
        }
    }
    entries.extend(section.take_entries());
    entries
}

struct Heading {
    /// 1 is the highest.
    level: usize,
    /// Empty where it names nothing below it.
    text: String,
}

/// The only highest heading above lower ones is the title of the file, and no issue.
fn without_title(mut headings: Vec<Option<Heading>>) -> Vec<Option<Heading>> {
    let mut all: Vec<&mut Heading> = headings.iter_mut().flatten().collect();
    let titles = all.iter().filter(|heading| heading.level == 1).count();
    if titles == 1
        && all.len() > 1
        && let Some(title) = all.iter_mut().find(|heading| heading.level == 1)
    {
        title.text.clear();
    }
    headings
}

/// For each line the heading that it is; inside of fenced code none is.
fn markdown_headings(lines: &[&str]) -> Vec<Option<Heading>> {
    let mut is_code = false;
    let mut headings: Vec<Option<Heading>> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        is_code ^= is_fence;
        if is_code || is_fence {
            headings.push(None);
            continue;
        }
        let below = lines.get(index + 1).copied().unwrap_or_default();
        headings.push(hashed(line).or_else(|| underlined(line, below)));
    }
    headings
}

/// `## 1.2.0 (2026-05-01)`.
fn hashed(line: &str) -> Option<Heading> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let is_heading = (1..=6).contains(&level) && text.starts_with([' ', '\t']);
    is_heading.then(|| Heading {
        level,
        text: text.trim().trim_end_matches('#').trim_end().to_owned(),
    })
}

/// A line above one of `===` or `---`.
fn underlined(line: &str, below: &str) -> Option<Heading> {
    let below = below.trim_end();
    let is_line_of = |mark: char| below.len() >= 3 && below.chars().all(|c| c == mark);
    let level = match () {
        () if is_line_of('=') => 1,
        () if is_line_of('-') => 2,
        () => return None,
    };
    let is_text = line.starts_with(|c: char| !c.is_whitespace()) && item(line).is_none();
    is_text.then(|| Heading {
        level,
        text: line.trim().to_owned(),
    })
}

/// Without markdown: lines at the left edge, first of the file or after a blank one.
fn plain_headings(lines: &[&str]) -> Vec<Option<Heading>> {
    let mut after_blank = true;
    let mut headings = Vec::new();
    for line in lines {
        let at_the_edge = line.starts_with(|c: char| !c.is_whitespace());
        let is_heading = after_blank && at_the_edge && item(line).is_none();
        headings.push(is_heading.then(|| Heading {
            level: 2,
            text: line.trim().trim_end_matches(':').to_owned(),
        }));
        after_blank = line.trim().is_empty();
    }
    headings
}

/// The text of a list's item at the left edge.
fn item(line: &str) -> Option<&str> {
    let line = line.strip_prefix(' ').unwrap_or(line);
    let bullet = line.strip_prefix(['-', '*', '+', '•']);
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = digits
        .strip_prefix(['.', ')'])
        .filter(|_| digits.len() < line.len());
    bullet
        .or(number)
        .filter(|text| text.starts_with([' ', '\t']))
}

/// What stands below one heading, while it is read.
#[derive(Default)]
struct Section {
    /// From the highest to the one right above.
    above: Vec<Heading>,
    items: Vec<String>,
    text: String,
    in_item: bool,
}

impl Section {
    fn begin(&mut self, heading: Heading) {
        self.above.retain(|above| above.level < heading.level);
        self.above.push(heading);
        self.in_item = false;
    }

    fn add(&mut self, line: &str) {
        let is_indented = line.starts_with([' ', '\t']);
        if let Some(text) = item(line) {
            self.items.push(text.to_owned());
            self.in_item = true;
            return;
        }
        self.in_item &= is_indented || !line.trim().is_empty();
        let text = match self.items.last_mut() {
            Some(item) if self.in_item => item,
            _ => &mut self.text,
        };
        text.push('\n');
        text.push_str(line);
    }

    fn take_entries(&mut self) -> Vec<Entry> {
        let name = self.name();
        let mut texts = std::mem::take(&mut self.items);
        texts.push(std::mem::take(&mut self.text));
        let entry = |text| Entry {
            name: name.clone(),
            text,
        };
        // What stands above the first heading has no name.
        if name.is_empty() {
            return Vec::new();
        }
        texts.into_iter().map(entry).collect()
    }

    /// `1.2.0 (2026-05-01): Security`.
    fn name(&self) -> String {
        let parts: Vec<String> = self
            .above
            .iter()
            .map(|heading| without_marks(&heading.text))
            .filter(|text| !text.is_empty())
            .collect();
        parts.join(": ").chars().take(LONGEST_NAME).collect()
    }
}

/// A heading as it reads: `[1.2.0](https://…)` is `1.2.0`.
fn without_marks(heading: &str) -> String {
    let text = without_link_targets(heading);
    let text: String = text
        .chars()
        .filter(|c| !matches!(c, '[' | ']' | '`' | '*') && !c.is_control())
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Links point at trackers and pages about the issue; where they point is no place of the issue.
pub fn without_link_targets(text: &str) -> String {
    let mut kept = String::new();
    let mut left = text;
    while let Some((before, target)) = left.split_once("](") {
        kept.push_str(before);
        kept.push(']');
        left = target.split_once(')').map_or("", |(_, after)| after);
    }
    kept.push_str(left);
    kept
}
