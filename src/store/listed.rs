//! Cases on lists: a row for each and nothing looked up beside it, so that a list of 50,000 is
//! there at once.
//!
//! Rows are read by the hundred into one piece of text, and a case on a list may borrow from it:
//! memory for each word by itself costs more than reading it from the database.
//!
//! Errors: `Damaged`, with the number of the case, where what is kept for lists beside it cannot be
//! read. A list has the others all the same; nothing is left out in silence.

use std::borrow::Cow;

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use rusqlite::{Params, Row};
use serde::{Serialize, Serializer};

use super::cases::{Recognition, Reporter};
use super::{Result, StoreError, Tx};
use crate::triage::deadline;
use crate::triage::policy::DeadlineKind;

/// A case on a list. Field names are those of the contract's JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed<Word = String> {
    /// The number.
    pub id: Word,
    pub status: Word,
    pub close_reason: Option<Word>,
    pub kind: Word,
    pub labels: Vec<Word>,
    pub severity: Option<Word>,
    pub suggested_severity: Option<Word>,
    pub reporter: Reporter<Word>,
    pub subject: Word,
    #[serde(serialize_with = "in_seconds")]
    pub received_at: DateTime<Utc>,
    pub assignee: Option<Word>,
    pub duplicate_of: Option<Word>,
    pub unanswered: Option<Word>,
    /// Of the reporter's own words, where it was sure.
    pub language: Option<Word>,
    /// Start of the day on which the fix shipped.
    #[serde(serialize_with = "perhaps_in_seconds")]
    pub fixed_at: Option<DateTime<Utc>>,
    /// Start of the day of publication, planned or past.
    #[serde(serialize_with = "perhaps_in_seconds")]
    pub disclose_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "perhaps_in_seconds")]
    pub exploited_at: Option<DateTime<Utc>>,
    pub recognition: Recognition<Word>,
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
    /// All cases, oldest first, some at a time. `take` keeps the batch and gives an empty one for
    /// it; `None`: it wants no more.
    pub fn each_batch(&self, mut take: impl FnMut(Batch) -> Option<Batch>) -> Result<()> {
        self.each_listed("ORDER BY cases.received_at, cases.id", [], |batch| {
            Ok(take(batch))
        })
    }

    /// All cases, oldest first.
    pub fn cases_listed(&self, now: DateTime<Utc>) -> Result<Vec<Listed>> {
        self.listed("ORDER BY cases.received_at, cases.id", [], now)
    }

    /// Cases that somebody has to look after: what was missed first, then by the next date. Those
    /// that are open, and closed ones of which a clock runs on, as those of the law do.
    pub fn pressing_cases(&self, at_most: u32, now: DateTime<Utc>) -> Result<Vec<Listed>> {
        let mut cases = self.listed(
            &format!(
                "JOIN (SELECT case_id, min(due_at) AS next_at FROM {RUNNING_ONES}
                       GROUP BY case_id ORDER BY next_at, case_id LIMIT ?1) AS next
                     ON next.case_id = cases.id
                 ORDER BY next.next_at, cases.id"
            ),
            [at_most],
            now,
        )?;
        let left = i64::from(at_most) - cases.len() as i64;
        cases.extend(self.listed(
            &format!(
                "WHERE {OPEN} AND NOT EXISTS (SELECT 1 FROM deadlines
                     WHERE case_id = cases.id AND {RUNNING})
                 ORDER BY cases.received_at, cases.id LIMIT ?1"
            ),
            [left.max(0)],
            now,
        )?);
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

    fn listed(&self, which: &str, values: impl Params, now: DateTime<Utc>) -> Result<Vec<Listed>> {
        let mut cases = Vec::new();
        self.each_listed(which, values, |mut batch| {
            for case in batch.cases(now) {
                cases.push(case?);
            }
            batch.clear();
            Ok(Some(batch))
        })?;
        Ok(cases)
    }

    fn each_listed(
        &self,
        which: &str,
        values: impl Params,
        mut take: impl FnMut(Batch) -> Result<Option<Batch>>,
    ) -> Result<()> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT cases.number, cases.status, cases.close_reason, cases.kind, cases.label_names,
                    cases.severity, cases.suggested_severity, cases.reporter_name,
                    cases.reporter_email, cases.subject, cases.assignee,
                    CASE WHEN cases.duplicate_of IS NOT NULL THEN
                        (SELECT first.number FROM cases AS first
                         WHERE first.id = cases.duplicate_of) END,
                    cases.unanswered, cases.language, cases.credit, cases.credit_name,
                    cases.credit_link, cases.token, cases.reward, cases.clocks,
                    cases.received_at, cases.fixed_at, cases.disclose_at, cases.exploited_at,
                    cases.messages
             FROM cases {which}"
        ))?;
        let mut rows = statement.query(values)?;
        let mut batch = Batch::default();
        while let Some(row) = rows.next()? {
            batch.read(row)?;
            if batch.rows.len() == AT_ONCE {
                match take(batch)? {
                    Some(empty) => batch = empty,
                    None => return Ok(()),
                }
            }
        }
        take(batch)?;
        Ok(())
    }
}

/// Rows that are handed on at once.
const AT_ONCE: usize = 250;
/// Columns of text, which are read first, and of numbers.
const WORDS: usize = 20;
const NUMBERS: usize = 5;

/// Some rows as they were read, their text in one piece. What there is to be made of them another
/// thread may do, while the next ones are read.
#[derive(Default)]
pub struct Batch {
    text: String,
    rows: Vec<ReadRow>,
}

/// Where the words of a row begin in the text, and how long each is; `None`: NULL.
struct ReadRow {
    start: usize,
    words: [Option<usize>; WORDS],
    numbers: [Option<i64>; NUMBERS],
}

impl Batch {
    /// How the cases stand at this moment.
    pub fn cases<'a, Word: From<Cow<'a, str>>>(
        &'a self,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = Result<Listed<Word>>> {
        self.rows.iter().map(move |row| {
            row.at(&self.text, now).map_err(|what| {
                let number = Words::of(row, &self.text).take();
                StoreError::Damaged {
                    case: number.unwrap_or("a case").to_owned(),
                    what,
                }
            })
        })
    }

    /// For other rows, in the same memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.rows.clear();
    }

    fn read(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let mut read = ReadRow {
            start: self.text.len(),
            words: [None; WORDS],
            numbers: [None; NUMBERS],
        };
        for (column, word) in read.words.iter_mut().enumerate() {
            if let Some(text) = row.get_ref(column)?.as_str_or_null()? {
                *word = Some(text.len());
                self.text.push_str(text);
            }
        }
        for (column, number) in read.numbers.iter_mut().enumerate() {
            *number = row.get(WORDS + column)?;
        }
        self.rows.push(read);
        Ok(())
    }
}
impl ReadRow {
    /// The error says what cannot be read.
    fn at<'a, Word: From<Cow<'a, str>>>(
        &self,
        text: &'a str,
        now: DateTime<Utc>,
    ) -> Result<Listed<Word>, String> {
        let mut words = Words::of(self, text);
        let [received_at, fixed_at, disclose_at, exploited_at, messages] = self.numbers;
        let moment = |seconds: Option<i64>| seconds.map(instant).transpose();
        // In the order of the columns.
        Ok(Listed {
            id: words.needed()?,
            status: words.needed()?,
            close_reason: words.perhaps(),
            kind: words.needed()?,
            labels: labels(words.take().unwrap_or_default())?,
            severity: words.perhaps(),
            suggested_severity: words.perhaps(),
            reporter: Reporter {
                name: words.perhaps(),
                email: words.perhaps(),
            },
            subject: words.needed()?,
            assignee: words.perhaps(),
            duplicate_of: words.perhaps(),
            unanswered: words.perhaps(),
            language: words.perhaps(),
            recognition: Recognition {
                credit: words.perhaps(),
                name: words.perhaps(),
                link: words.perhaps(),
                token: words.perhaps(),
                reward: words.perhaps(),
            },
            deadlines: clocks(words.take().unwrap_or_default(), now)?,
            received_at: moment(received_at)?.ok_or("received_at is missing")?,
            fixed_at: moment(fixed_at)?,
            disclose_at: moment(disclose_at)?,
            exploited_at: moment(exploited_at)?,
            messages: messages.ok_or("messages is missing")?,
        })
    }
}

/// The words of a row, one after the other.
struct Words<'a, 'r> {
    rest: &'a str,
    lengths: std::slice::Iter<'r, Option<usize>>,
}

impl<'a, 'r> Words<'a, 'r> {
    fn of(row: &'r ReadRow, text: &'a str) -> Self {
        Self {
            rest: text.get(row.start..).unwrap_or_default(),
            lengths: row.words.iter(),
        }
    }

    /// `None`: NULL.
    fn take(&mut self) -> Option<&'a str> {
        let length = (*self.lengths.next()?)?;
        let (word, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(word)
    }

    fn perhaps<Word: From<Cow<'a, str>>>(&mut self) -> Option<Word> {
        Some(Cow::Borrowed(self.take()?).into())
    }

    fn needed<Word: From<Cow<'a, str>>>(&mut self) -> Result<Word, String> {
        let missing = || "a column is empty that never is".to_owned();
        self.perhaps().ok_or_else(missing)
    }
}

/// As the trigger writes them.
fn labels<'a, Word: From<Cow<'a, str>>>(json: &'a str) -> Result<Vec<Word>, String> {
    #[derive(serde::Deserialize)]
    struct Label<'a>(#[serde(borrow)] Cow<'a, str>);

    let labels: Vec<Label<'_>> =
        serde_json::from_str(json).map_err(|error| format!("label_names: {error}"))?;
    Ok(labels.into_iter().map(|label| label.0.into()).collect())
}

/// As the triggers write them.
fn clocks(json: &str, now: DateTime<Utc>) -> Result<Vec<ListedClock>, String> {
    let clocks: Vec<Clock<'_>> =
        serde_json::from_str(json).map_err(|error| format!("clocks: {error}"))?;
    clocks.iter().map(|clock| clock.at(now)).collect()
}

/// kind, due_at, met_at, waived_at, paused_at.
#[derive(serde::Deserialize)]
struct Clock<'a>(&'a str, i64, Option<i64>, Option<i64>, Option<i64>);

impl Clock<'_> {
    fn at(&self, now: DateTime<Utc>) -> Result<ListedClock, String> {
        let Self(kind, due_at, met_at, waived_at, paused_at) = self;
        let known = DeadlineKind::parse(kind);
        let known = known.ok_or_else(|| format!("clocks: {kind:?} is no kind of deadline"))?;
        let (due_at, met_at) = (instant(*due_at)?, met_at.map(instant).transpose()?);
        let (waived, paused) = (waived_at.is_some(), paused_at.is_some());
        Ok(ListedClock {
            kind: known.as_str(),
            due_at,
            met_at,
            state: deadline::state(due_at, met_at, waived, paused, now).as_str(),
        })
    }
}

fn instant(seconds: i64) -> Result<DateTime<Utc>, String> {
    let at = DateTime::from_timestamp(seconds, 0);
    at.ok_or_else(|| format!("{seconds} is no time"))
}

/// RFC 3339 in UTC, as everywhere. Digit by digit: a long list has some hundred thousand of them.
fn in_seconds<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    let year = match u32::try_from(at.year()) {
        Ok(year) if year <= 9_999 => year,
        _ => return serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Secs, true)),
    };
    let mut text = *b"0000-00-00T00:00:00Z";
    for (place, number) in [
        (0, year / 100),
        (2, year % 100),
        (5, at.month()),
        (8, at.day()),
        (11, at.hour()),
        (14, at.minute()),
        (17, at.second()),
    ] {
        if let Some([tens, ones]) = text.get_mut(place..place + 2) {
            *tens += (number / 10) as u8;
            *ones += (number % 10) as u8;
        }
    }
    serializer.serialize_str(&String::from_utf8_lossy(&text))
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
        let cases = store
            .read(|tx| tx.cases_listed(instant(20).unwrap()))
            .unwrap();
        assert_eq!(cases[0].labels, ["one", "a"]);
        assert_eq!(cases[1].labels, ["\"quoted\", \\"]);
    }

    /// Two cases with nothing beside them.
    fn two_cases() -> Store {
        let store = Store::in_memory().unwrap();
        change(
            &store,
            "INSERT INTO cases (number, status, kind, subject, received_at, opened_at)
             VALUES ('SEC-2026-0001', 'new', 'report', '', 1, 1),
                    ('SEC-2026-0002', 'new', 'report', '', 2, 2)",
        );
        store
    }

    #[track_caller]
    fn change(store: &Store, sql: &str) {
        let changed = store.write(|tx| {
            tx.0.execute(sql, [])?;
            Ok::<_, StoreError>(())
        });
        changed.unwrap();
    }

    #[test]
    fn a_damaged_row_is_named() {
        #[track_caller]
        fn check(damage: &str, expected: &str) {
            let store = two_cases();
            change(
                &store,
                &format!("UPDATE cases SET {damage} WHERE number = 'SEC-2026-0002'"),
            );
            let told = store.read(|tx| tx.cases_listed(instant(20).unwrap()));
            let told = told.unwrap_err().to_string();
            assert!(
                told.contains("SEC-2026-0002") && told.contains(expected),
                "{damage}: {told}"
            );
            // Nor does the board pass over it.
            let pressing = store.read(|tx| tx.pressing_cases(9, instant(20).unwrap()));
            assert_eq!(pressing.unwrap_err().to_string(), told);
        }
        check("clocks = ''", "clocks: EOF");
        check(
            "clocks = '[[\"triage\",1,null,null]]'",
            "clocks: invalid length",
        );
        check(
            "clocks = '[[\"triage\",\"1\",null,null,null]]'",
            "clocks: invalid type",
        );
        check("clocks = '[[\"tirage\",1,null,null,null]]'", "\"tirage\"");
        check(
            "clocks = '[[\"triage\",9223372036854775807,null,null,null]]'",
            "9223372036854775807 is no time",
        );
        check("label_names = '[\"one\"'", "label_names: EOF");
        check("label_names = '{}'", "label_names: invalid type");
        check("received_at = 9223372036854775807", "is no time");
    }

    /// Scripts rely on it: names, order, times.
    #[test]
    fn a_case_in_json() {
        let store = two_cases();
        for step in [
            "INSERT INTO calendars (digest, zone, working_days, holidays)
             VALUES (zeroblob(32), 'UTC', '[]', '[]')",
            "INSERT INTO deadlines (case_id, kind, span, policy_version, calendar_id, starts_at,
                 half_at, warn_at, due_at, met_at)
             VALUES (2, 'acknowledge', '2 days', '1', 1, 2, 3, 4, 1767225599, 1767225600),
                    (2, 'early_warning', '1 day', '1', 1, 2, 3, 4, 253402300800, NULL)",
            "INSERT INTO labels (case_id, label, because) VALUES (2, 'one', ''), (2, 'ä\\\"', '')",
            "UPDATE cases SET status = 'closed', close_reason = 'duplicate', severity = 'low',
                 suggested_severity = 'high', reporter_name = 'Änn \"A\"', reporter_email = 'a@b.test',
                 subject = 'tab\t' || char(10) || ' \\ 🙂', received_at = 1709251199, assignee = 'alice',
                 duplicate_of = 1, unanswered = 'old', language = 'de', fixed_at = 0,
                 disclose_at = -1, exploited_at = 951782400, credit = 'yes', credit_name = 'A',
                 credit_link = 'https://a.test/', token = 'mug', reward = '5' WHERE id = 2",
        ] {
            change(&store, step);
        }
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let texts = store.read(|tx| {
            let mut texts = Vec::new();
            tx.each_batch(|mut batch| {
                let cases = batch.cases::<Cow<'_, str>>(now);
                texts.extend(cases.map(|case| serde_json::to_string(&case.unwrap()).unwrap()));
                batch.clear();
                Some(batch)
            })?;
            Ok::<_, StoreError>(texts)
        });
        let expected = [
            r#"{"id":"SEC-2026-0001","status":"new","close_reason":null,"kind":"report","#,
            r#""labels":[],"severity":null,"suggested_severity":null,"#,
            r#""reporter":{"name":null,"email":null},"subject":"","#,
            r#""received_at":"1970-01-01T00:00:01Z","assignee":null,"duplicate_of":null,"#,
            r#""unanswered":null,"language":null,"fixed_at":null,"disclose_at":null,"#,
            r#""exploited_at":null,"recognition":{"credit":null,"name":null,"link":null,"#,
            r#""token":null,"reward":null},"deadlines":[],"messages":0}"#,
        ];
        let full = [
            r#"{"id":"SEC-2026-0002","status":"closed","close_reason":"duplicate","#,
            r#""kind":"report","labels":["one","ä\\\""],"severity":"low","#,
            r#""suggested_severity":"high","#,
            r#""reporter":{"name":"Änn \"A\"","email":"a@b.test"},"subject":"tab\t\n \\ 🙂","#,
            r#""received_at":"2024-02-29T23:59:59Z","assignee":"alice","#,
            r#""duplicate_of":"SEC-2026-0001","unanswered":"old","language":"de","#,
            r#""fixed_at":"1970-01-01T00:00:00Z","disclose_at":"1969-12-31T23:59:59Z","#,
            r#""exploited_at":"2000-02-29T00:00:00Z","recognition":{"credit":"yes","name":"A","#,
            r#""link":"https://a.test/","token":"mug","reward":"5"},"deadlines":["#,
            r#"{"kind":"acknowledge","due_at":"2025-12-31T23:59:59Z","#,
            r#""met_at":"2026-01-01T00:00:00Z","state":"late"},"#,
            r#"{"kind":"early_warning","due_at":"+10000-01-01T00:00:00Z","met_at":null,"#,
            r#""state":"running"}],"messages":0}"#,
        ];
        assert_eq!(texts.unwrap(), [expected.concat(), full.concat()]);
    }

    /// In full batches, too.
    #[test]
    fn all_are_listed_once_and_in_order() {
        let store = Store::in_memory().unwrap();
        let count = 2 * AT_ONCE as i64;
        change(
            &store,
            &format!(
                "INSERT INTO cases (number, status, kind, subject, received_at, opened_at)
                 WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < {count})
                 SELECT printf('SEC-2026-%04d', n), 'new', 'report', '', {count} - n, 1 FROM n"
            ),
        );
        let cases = store
            .read(|tx| tx.cases_listed(instant(20).unwrap()))
            .unwrap();
        let numbers = cases.iter().map(|case| case.id.clone());
        assert!(numbers.eq((1..=count).rev().map(|n| format!("SEC-2026-{n:04}"))));
    }
}
