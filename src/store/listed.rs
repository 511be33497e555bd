//! Cases on lists: a row for each and nothing looked up beside it, so that a list of 50,000 is
//! there at once.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Params, Row};
use serde::{Serialize, Serializer};

use super::cases::{Recognition, Reporter};
use super::{Result, Tx, instant};
use crate::triage::deadline;
use crate::triage::policy::DeadlineKind;

/// A case on a list. Field names are those of the contract's JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    /// The number.
    pub id: String,
    pub status: String,
    pub close_reason: Option<String>,
    pub kind: String,
    pub labels: Vec<String>,
    pub severity: Option<String>,
    pub suggested_severity: Option<String>,
    pub reporter: Reporter,
    pub subject: String,
    #[serde(serialize_with = "in_seconds")]
    pub received_at: DateTime<Utc>,
    pub assignee: Option<String>,
    pub duplicate_of: Option<String>,
    pub unanswered: Option<String>,
    /// Of the reporter's own words, where it was sure.
    pub language: Option<String>,
    /// Start of the day on which the fix shipped.
    pub fixed_at: Option<DateTime<Utc>>,
    /// Start of the day of publication, planned or past.
    pub disclose_at: Option<DateTime<Utc>>,
    pub exploited_at: Option<DateTime<Utc>>,
    pub recognition: Recognition,
    /// In the order in which they began.
    pub deadlines: Vec<ListedClock>,
    /// How many.
    pub messages: i64,
}

/// A deadline on a list; `case show` explains it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListedClock {
    pub kind: &'static str,
    #[serde(serialize_with = "in_seconds")]
    pub due_at: DateTime<Utc>,
    #[serde(serialize_with = "perhaps_in_seconds")]
    pub met_at: Option<DateTime<Utc>>,
    pub state: &'static str,
}

/// How many cases there are, and how they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaseCounts {
    pub all: i64,
    pub open: i64,
    /// Open, and the first mail got no automatic answer.
    pub unanswered: i64,
    /// Deadlines.
    pub missed: i64,
    /// Open, or closed with a clock that runs on.
    pub pressing: i64,
}

/// Words of `Status::is_open`.
const OPEN: &str = "cases.status IN ('new', 'accepted', 'fixed')";
/// As in the index.
const RUNNING: &str = "met_at IS NULL AND waived_at IS NULL AND paused_at IS NULL";

/// A few of very many; without statistics SQLite would go through all to group them.
const RUNNING_ONES: &str = "deadlines INDEXED BY deadlines_that_run
    WHERE met_at IS NULL AND waived_at IS NULL AND paused_at IS NULL";

impl Tx<'_> {
    /// All cases, oldest first, one by one.
    pub fn each_case(&self, take: impl FnMut(ListedRow)) -> Result<()> {
        self.each_listed("ORDER BY cases.received_at, cases.id", [], take)
    }

    /// All cases, oldest first.
    pub fn cases_listed(&self, now: DateTime<Utc>) -> Result<Vec<Listed>> {
        let mut cases = Vec::new();
        self.each_case(|case| cases.push(case.at(now)))?;
        Ok(cases)
    }

    /// Cases that somebody has to look after: what was missed first, then by the next date. Those
    /// that are open, and closed ones of which a clock runs on, as those of the law do.
    pub fn pressing_cases(&self, at_most: u32, now: DateTime<Utc>) -> Result<Vec<Listed>> {
        let mut cases = Vec::new();
        self.each_listed(
            &format!(
                "JOIN (SELECT case_id, min(due_at) AS next_at FROM {RUNNING_ONES}
                       GROUP BY case_id ORDER BY next_at, case_id LIMIT ?1) AS next
                     ON next.case_id = cases.id
                 ORDER BY next.next_at, cases.id"
            ),
            [at_most],
            |case| cases.push(case.at(now)),
        )?;
        let left = i64::from(at_most) - cases.len() as i64;
        self.each_listed(
            &format!(
                "WHERE {OPEN} AND NOT EXISTS (SELECT 1 FROM deadlines
                     WHERE case_id = cases.id AND {RUNNING})
                 ORDER BY cases.received_at, cases.id LIMIT ?1"
            ),
            [left.max(0)],
            |case| cases.push(case.at(now)),
        )?;
        Ok(cases)
    }

    pub fn case_counts(&self, now: DateTime<Utc>) -> Result<CaseCounts> {
        let count = |sql: &str| self.counted(sql, []);
        let open = count(&format!("SELECT count(*) FROM cases WHERE {OPEN}"))?;
        let running_on = count(&format!(
            "SELECT count(DISTINCT case_id) FROM (SELECT case_id FROM {RUNNING_ONES})
             JOIN cases ON cases.id = case_id WHERE NOT {OPEN}"
        ))?;
        Ok(CaseCounts {
            all: count("SELECT count(*) FROM cases")?,
            open,
            unanswered: count(&format!(
                "SELECT count(*) FROM cases WHERE {OPEN} AND unanswered IS NOT NULL"
            ))?,
            missed: self.counted(
                &format!("SELECT count(*) FROM {RUNNING_ONES} AND due_at < ?1"),
                [now.timestamp()],
            )?,
            pressing: open + running_on,
        })
    }

    fn counted(&self, sql: &str, values: impl Params) -> Result<i64> {
        let mut statement = self.0.prepare_cached(sql)?;
        Ok(statement.query_row(values, |row| row.get(0))?)
    }

    fn each_listed(
        &self,
        which: &str,
        values: impl Params,
        mut take: impl FnMut(ListedRow),
    ) -> Result<()> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT cases.number, cases.status, cases.close_reason, cases.kind, cases.label_names,
                    cases.severity, cases.suggested_severity, cases.reporter_name,
                    cases.reporter_email, cases.subject, cases.received_at, cases.assignee,
                    CASE WHEN cases.duplicate_of IS NOT NULL THEN
                        (SELECT first.number FROM cases AS first
                         WHERE first.id = cases.duplicate_of) END,
                    cases.unanswered, cases.language, cases.fixed_at, cases.disclose_at,
                    cases.exploited_at, cases.credit, cases.credit_name, cases.credit_link,
                    cases.token, cases.reward, cases.clocks, cases.messages
             FROM cases {which}"
        ))?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            take(ListedRow::read(row)?);
        }
        Ok(())
    }
}

/// A row as it was read. What there is to be made of it another thread may do, while the next
/// ones are read.
pub struct ListedRow {
    case: Listed,
    labels: String,
    clocks: String,
}

impl ListedRow {
    /// How the case stands at this moment.
    pub fn at(self, now: DateTime<Utc>) -> Listed {
        let clocks: Vec<Clock<'_>> = serde_json::from_str(&self.clocks).unwrap_or_default();
        Listed {
            labels: serde_json::from_str(&self.labels).unwrap_or_default(),
            deadlines: clocks.iter().filter_map(|clock| clock.at(now)).collect(),
            ..self.case
        }
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let at = |column: usize| {
            Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(instant))
        };
        let case = Listed {
            id: row.get(0)?,
            status: row.get(1)?,
            close_reason: row.get(2)?,
            kind: row.get(3)?,
            labels: Vec::new(),
            severity: row.get(5)?,
            suggested_severity: row.get(6)?,
            reporter: Reporter {
                name: row.get(7)?,
                email: row.get(8)?,
            },
            subject: row.get(9)?,
            received_at: instant(row.get(10)?),
            assignee: row.get(11)?,
            duplicate_of: row.get(12)?,
            unanswered: row.get(13)?,
            language: row.get(14)?,
            fixed_at: at(15)?,
            disclose_at: at(16)?,
            exploited_at: at(17)?,
            recognition: Recognition {
                credit: row.get(18)?,
                name: row.get(19)?,
                link: row.get(20)?,
                token: row.get(21)?,
                reward: row.get(22)?,
            },
            deadlines: Vec::new(),
            messages: row.get(24)?,
        };
        Ok(Self {
            case,
            labels: row.get(4)?,
            clocks: row.get(23)?,
        })
    }
}

/// As the triggers write it: kind, due_at, met_at, waived_at, paused_at.
#[derive(serde::Deserialize)]
struct Clock<'a>(&'a str, i64, Option<i64>, Option<i64>, Option<i64>);

impl Clock<'_> {
    /// `None`: the kind is none of this program's.
    fn at(&self, now: DateTime<Utc>) -> Option<ListedClock> {
        let Self(kind, due_at, met_at, waived_at, paused_at) = self;
        let (due_at, met_at) = (instant(*due_at), met_at.map(instant));
        let state = deadline::state(
            due_at,
            met_at,
            waived_at.is_some(),
            paused_at.is_some(),
            now,
        );
        Some(ListedClock {
            kind: DeadlineKind::parse(kind)?.as_str(),
            due_at,
            met_at,
            state: state.as_str(),
        })
    }
}

/// RFC 3339 in UTC, as everywhere. Chrono hands it to the JSON writer a character at a time, and a
/// long list has half a million of them.
fn in_seconds<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn perhaps_in_seconds<S: Serializer>(
    at: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => in_seconds(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, StoreError};

    /// What the migration computes for cases that are there.
    const TRUTH: &str = "SELECT count(*) FROM cases WHERE
        messages <> (SELECT count(*) FROM messages WHERE case_id = cases.id)
        OR label_names <> (SELECT json_group_array(label ORDER BY rowid) FROM labels
                           WHERE case_id = cases.id)
        OR clocks <> (SELECT json_group_array(
                          json_array(kind, due_at, met_at, waived_at, paused_at) ORDER BY rowid)
                      FROM deadlines WHERE case_id = cases.id)";

    #[test]
    fn what_is_listed_is_what_the_tables_say() {
        let store = Store::in_memory().unwrap();
        let (message, deadline) = (
            "INSERT INTO messages (case_id, direction, kind, digest, size, received_at,
                 recorded_at, to_emails, subject, text, encrypted, decrypted) VALUES",
            "INSERT INTO deadlines (case_id, kind, span, policy_version, calendar_id, starts_at,
                 half_at, warn_at, due_at) VALUES",
        );
        let steps = [
            "INSERT INTO calendars (digest, zone, working_days, holidays)
             VALUES (zeroblob(32), 'UTC', '[]', '[]')",
            "INSERT INTO cases (number, status, kind, subject, received_at, opened_at)
             VALUES ('SEC-2026-0001', 'new', 'report', '', 1, 1),
                    ('SEC-2026-0002', 'new', 'report', '', 2, 2)",
            &format!("{message} (1, 'in', 'report', zeroblob(32), 1, 1, 1, '[]', '', '', 0, 0)"),
            &format!("{message} (NULL, 'in', 'spam', randomblob(32), 1, 1, 1, '[]', '', '', 0, 0)"),
            "INSERT INTO labels (case_id, label, because)
             VALUES (1, 'one', ''), (2, '\"quoted\", \\', ''), (1, 'a', '')",
            "INSERT INTO labels (case_id, label, because) VALUES (1, 'one', 'again')
             ON CONFLICT (case_id, label) DO NOTHING",
            &format!(
                "{deadline} (1, 'triage', '7 days', '1', 1, 1, 5, 8, 9), (2, 'update', '1 day', '1', 1, 1, 5, 8, 9)"
            ),
            &format!("{deadline} (1, 'acknowledge', '2 days', '1', 1, 1, 3, 4, 5)"),
            "UPDATE deadlines SET met_at = 4 WHERE kind = 'acknowledge'",
            "UPDATE deadlines SET due_at = 12, paused_at = 3 WHERE case_id = 1 AND met_at IS NULL",
            "DELETE FROM deadlines WHERE case_id = 1 AND kind = 'triage'",
            "UPDATE deadlines SET waived_at = 5",
            "DELETE FROM messages WHERE case_id = 1",
        ];
        for step in steps {
            let wrong: i64 = store
                .write(|tx| {
                    tx.0.execute(step, [])?;
                    Ok::<_, StoreError>(tx.0.query_row(TRUTH, [], |row| row.get(0))?)
                })
                .unwrap();
            assert_eq!(wrong, 0, "{step}");
        }
        let cases = store.read(|tx| tx.cases_listed(instant(20))).unwrap();
        assert_eq!(cases[0].labels, ["one", "a"]);
        assert_eq!(cases[1].labels, ["\"quoted\", \\"]);
    }
}
