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

    /// Each of the cases, or the one that it is a duplicate of, through all that lie between, once.
    fn first_of(&self, cases: &[i64]) -> Result<Vec<CaseRef>> {
        let mut statement = self.0.prepare_cached(
            "WITH RECURSIVE before (id) AS (
                 SELECT ?1
                 UNION
                 SELECT cases.duplicate_of FROM before JOIN cases ON cases.id = before.id
                 WHERE cases.duplicate_of IS NOT NULL)
             SELECT cases.id, cases.number FROM before JOIN cases ON cases.id = before.id
             WHERE cases.duplicate_of IS NULL",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::Digest;
    use crate::store::Store;
    use crate::triage::marks::MarkKind;

    #[test]
    fn the_case_that_was_first_is_named_however_many_lie_between() {
        let mark = Mark::new(MarkKind::File, Digest([7; 32]), "poc.py");
        let store = Store::in_memory().unwrap();
        let shared = store.write(|tx| {
            tx.0.execute_batch(
                "INSERT INTO cases (number, status, kind, subject, received_at, opened_at,
                                    duplicate_of)
                 VALUES ('SEC-2026-0001', 'new', 'report', '', 1, 1, NULL),
                        ('SEC-2026-0002', 'closed', 'report', '', 2, 2, 1),
                        ('SEC-2026-0003', 'closed', 'report', '', 3, 3, 2);",
            )?;
            for case in [2, 3] {
                tx.remember_marks(case, std::slice::from_ref(&mark))?;
            }
            tx.sharing(std::slice::from_ref(&mark))
        });
        let shared = shared.unwrap();
        let numbers: Vec<&str> = shared[0]
            .cases
            .iter()
            .map(|it| it.number.as_str())
            .collect();
        assert_eq!(numbers, ["SEC-2026-0001"]);
    }
}
