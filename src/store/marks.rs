//! Marks of reports, by which a case with the same ones is found: a bounded number of look-ups in
//! one tree, however many cases there are.

use super::{Result, Tx};
use crate::triage::decide::CaseRef;
use crate::triage::marks::{Mark, Shared};

/// Of the cases with a mark so many are looked at, the newest.
const LOOKED_AT: u32 = 10;

impl Tx<'_> {
    /// Makes a case findable by these marks.
    pub fn remember_marks(&self, case_id: i64, marks: &[Mark]) -> Result<()> {
        let mut statement = self.0.prepare_cached(
            "INSERT INTO marks (kind, hash, case_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?;
        for mark in marks {
            statement.execute((mark.kind.as_str(), mark.hash.as_slice(), case_id))?;
        }
        Ok(())
    }

    /// Those of the marks that cases bear, with the cases. A page or a file that many bear tells
    /// nothing.
    pub fn sharing(&self, marks: &[Mark]) -> Result<Vec<Shared>> {
        let mut shared = Vec::new();
        for mark in marks {
            let bearing = self.bearing(mark)?;
            let is_worn_out = mark.kind.is_worn_out_by_use() && bearing.len() > LOOKED_AT as usize;
            let cases = self.first_of(&bearing)?;
            if !cases.is_empty() && !is_worn_out {
                shared.push(Shared {
                    mark: mark.clone(),
                    cases,
                });
            }
        }
        Ok(shared)
    }

    /// Cases with a mark, the newest first, one more than are looked at.
    fn bearing(&self, mark: &Mark) -> Result<Vec<i64>> {
        let mut statement = self.0.prepare_cached(
            "SELECT case_id FROM marks WHERE kind = ?1 AND hash = ?2
             ORDER BY case_id DESC LIMIT ?3",
        )?;
        let rows = statement.query_map(
            (mark.kind.as_str(), mark.hash.as_slice(), LOOKED_AT + 1),
            |row| row.get(0),
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Each of the cases, or the one that it is a duplicate of, once.
    fn first_of(&self, cases: &[i64]) -> Result<Vec<CaseRef>> {
        let mut statement = self.0.prepare_cached(
            "SELECT first.id, first.number FROM cases
             JOIN cases AS first ON first.id = coalesce(cases.duplicate_of, cases.id)
             WHERE cases.id = ?1",
        )?;
        let mut found: Vec<CaseRef> = Vec::new();
        for case in cases {
            let first = statement.query_row([case], |row| {
                Ok(CaseRef {
                    id: row.get(0)?,
                    number: row.get(1)?,
                })
            })?;
            if !found.contains(&first) {
                found.push(first);
            }
        }
        Ok(found)
    }
}
