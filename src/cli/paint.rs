//! Colours and columns for a terminal; plain text where there is none, or with `NO_COLOR`.

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
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| visible_width(cell))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        text.push_str("  ");
        for (position, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if position + 1 < row.len() {
                text.push_str(cell);
                text.push_str(&" ".repeat(width.saturating_sub(visible_width(cell)) + 2));
            } else {
                text.push_str(&fitted(cell, &widths, position));
            }
        }
        text.push('\n');
    }
    text
}

/// The last cell of a row, cut if the line would wrap; a painted one is left alone.
fn fitted(cell: &str, widths: &[usize], position: usize) -> String {
    let taken: usize = widths.iter().take(position).map(|width| width + 2).sum();
    match *TERMINAL_WIDTH {
        Some(width) if !cell.contains('\x1b') => {
            shown(cell, width.saturating_sub(taken + 3).max(8))
        }
        _ => cell.to_owned(),
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
