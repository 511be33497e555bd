//! Colours and columns for a terminal; plain text where there is none, or with `NO_COLOR`.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};

use crate::commands::words::is_plain;
pub use crate::commands::words::shown;

static COLOURED: LazyLock<bool> = LazyLock::new(|| {
    std::env::var_os("CLICOLOR_FORCE").is_some()
        || (std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
});

#[derive(Clone, Copy)]
pub enum Paint {
    Bold,
    Dim,
    Good,
    Bad,
    Warn,
    Head,
}

pub fn paint(text: &str, paint: Paint) -> String {
    if !*COLOURED || text.is_empty() {
        return text.to_owned();
    }
    let code = match paint {
        Paint::Bold => "1",
        Paint::Dim => "2",
        Paint::Good => "32",
        Paint::Bad => "31",
        Paint::Warn => "33",
        Paint::Head => "1;36",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// Several lines of text from outside, safe for a terminal.
pub fn shown_lines(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control() || *character == '\n' || *character == '\t')
        .collect()
}

/// Rows in aligned columns, each line indented by two; the last column is not padded, and cut
/// where the terminal ends.
pub fn columns(rows: &[Vec<String>]) -> String {
    let mut table = Table::default();
    for row in rows {
        table.add(row);
    }
    table.text()
}

/// Rows for columns, as [`columns`] has them, one by one; what stands in them is kept in one piece.
#[derive(Default)]
pub struct Table {
    written: String,
    /// Of each row, its cells.
    rows: Vec<usize>,
    cells: Vec<Cell>,
    /// Of each column, that of its widest cell.
    widths: Vec<usize>,
}

struct Cell {
    length: usize,
    width: usize,
}

impl Table {
    pub fn add<Text: AsRef<str>>(&mut self, row: impl IntoIterator<Item = Text>) {
        let before = self.cells.len();
        for (column, cell) in row.into_iter().enumerate() {
            let cell = cell.as_ref();
            let width = visible_width(cell);
            match self.widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => self.widths.push(width),
            }
            self.written.push_str(cell);
            let length = cell.len();
            self.cells.push(Cell { length, width });
        }
        self.rows.push(self.cells.len() - before);
    }

    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.written.len() * 2);
        let (mut rest, mut cells) = (self.written.as_str(), self.cells.iter());
        for &count in &self.rows {
            text.push_str("  ");
            for (position, cell) in cells.by_ref().take(count).enumerate() {
                let (written, others) = rest.split_at_checked(cell.length).unwrap_or_default();
                rest = others;
                if position + 1 == count {
                    text.push_str(&fitted(written, &self.widths, position));
                } else {
                    text.push_str(written);
                    let widest = self.widths.get(position).copied().unwrap_or_default();
                    text.extend(std::iter::repeat_n(' ', widest - cell.width + 2));
                }
            }
            text.push('\n');
        }
        text
    }
}

/// The last cell of a row, cut if the line would wrap; a painted one is left alone.
fn fitted<'a>(cell: &'a str, widths: &[usize], position: usize) -> Cow<'a, str> {
    let taken: usize = widths.iter().take(position).map(|width| width + 2).sum();
    match *TERMINAL_WIDTH {
        Some(width) if !cell.contains('\x1b') => {
            shown(cell, width.saturating_sub(taken + 3).max(8)).into()
        }
        _ => cell.into(),
    }
}

/// `None`: the output is no terminal, and nothing is cut.
static TERMINAL_WIDTH: LazyLock<Option<usize>> = LazyLock::new(|| {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
});

/// Columns of the terminal that a text takes, colours apart.
fn visible_width(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    let mut width = 0;
    let mut in_code = false;
    for character in text.chars() {
        match (in_code, character) {
            (false, '\x1b') => in_code = true,
            (true, 'm') => in_code = false,
            (true, _) => {}
            (false, character) => {
                width += unicode_width::UnicodeWidthChar::width(character).unwrap_or(0);
            }
        }
    }
    width
}

/// An instant as a short column: `2026-05-01 12:00` in the policy's zone.
pub fn short(at: DateTime<Utc>, zone: chrono_tz::Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}
