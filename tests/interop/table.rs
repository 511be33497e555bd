//! What works with which program: printed, and held against the tables of `docs/openpgp.md`.
//!
//! The docs have a column for each version that somebody measured. A version without one is printed and checked by
//! the tests' own demands alone. `TRIAGED_BLESS=1` writes the column anew; read the difference before keeping it.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openpgp.md");

/// Of a kind of key that the GnuPG at hand cannot make; another one can, and the docs tell of it.
pub const NOT_MADE: &str = "this gpg cannot make one";

/// Several tests may write the file.
static FILE: Mutex<()> = Mutex::new(());

/// `first`: the head of the table's first column, by which it is found.
#[track_caller]
pub fn check(first: &str, program: &str, cells: &[(String, String)]) {
    println!("\n{first} | {program}");
    for (row, cell) in cells {
        println!("{row} | {cell}");
    }
    let _lock = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let docs = std::fs::read_to_string(DOCS).unwrap();
    let mut table = Table::find(&docs, first);
    if std::env::var_os("TRIAGED_BLESS").is_some() {
        table.set(program, cells);
        std::fs::write(Path::new(DOCS), table.written_into(&docs)).unwrap();
    }
    let Some(column) = table.column(program) else {
        println!("NOT COMPARED: docs/openpgp.md has no column for {program}");
        return;
    };
    let documented: Vec<(String, String)> = table
        .rows
        .iter()
        .map(|row| (row[0].clone(), row[column].clone()))
        .collect();
    let is_open = |(row, cell): &(String, String)| {
        let of_row = documented
            .iter()
            .filter(|(documented, _)| documented == row);
        let mut both = of_row.map(|(_, documented)| documented).chain([cell]);
        both.any(|cell| cell.contains(NOT_MADE))
    };
    let differences: Vec<_> = cells
        .iter()
        .filter(|cell| !documented.contains(cell) && !is_open(cell))
        .collect();
    assert!(
        differences.is_empty(),
        "{program}, other than in docs/openpgp.md: {differences:#?}"
    );
    assert_eq!(
        documented.len(),
        cells.len(),
        "{program}: rows of docs/openpgp.md"
    );
}

struct Table {
    /// Lines of the file.
    start: usize,
    end: usize,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    #[track_caller]
    fn find(docs: &str, first: &str) -> Self {
        let lines: Vec<&str> = docs.lines().collect();
        let start = lines
            .iter()
            .position(|line| line.starts_with(&format!("| {first} |")))
            .unwrap_or_else(|| panic!("docs/openpgp.md has no table {first:?}"));
        let rows = lines[start..]
            .iter()
            .take_while(|line| line.starts_with('|'));
        let rows: Vec<Vec<String>> = rows.map(|line| cells(line)).collect();
        Self {
            start,
            end: start + rows.len(),
            head: rows[0].clone(),
            rows: rows[2..].to_vec(),
        }
    }

    fn column(&self, program: &str) -> Option<usize> {
        self.head.iter().position(|name| name == program)
    }

    fn set(&mut self, program: &str, measured: &[(String, String)]) {
        let column = self.column(program).unwrap_or_else(|| {
            self.head.push(program.to_owned());
            self.head.len() - 1
        });
        let is_measured = |row: &Vec<String>| measured.iter().any(|(name, _)| *name == row[0]);
        self.rows.retain(is_measured);
        for (at, (name, cell)) in measured.iter().enumerate() {
            let mut row = match self.rows.iter().position(|row| row[0] == *name) {
                Some(old) => self.rows.remove(old),
                None => vec![name.clone()],
            };
            row.resize(self.head.len(), String::new());
            row[column].clone_from(cell);
            self.rows.insert(at, row);
        }
    }

    fn written_into(&self, docs: &str) -> String {
        let lines: Vec<&str> = docs.lines().collect();
        let rule = vec!["---".to_owned(); self.head.len()];
        let rows = [&self.head, &rule].into_iter().chain(&self.rows);
        let table = rows.map(|row| format!("| {} |", row.join(" | ")));
        let before = lines[..self.start].iter().map(|line| (*line).to_owned());
        let after = lines[self.end..].iter().map(|line| (*line).to_owned());
        let all: Vec<String> = before.chain(table).chain(after).collect();
        all.join("\n") + "\n"
    }
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner
        .split('|')
        .map(|cell| cell.trim().to_owned())
        .collect()
}
