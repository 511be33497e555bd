//! What the digest asks: how the board stands, and what became of the promises.
//!
//! Lists are bounded and counted; of closed cases nothing is read, they are counted by SQL over
//! indexes alone. So a digest takes no longer after ten years than after one.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Params, Row};

use super::deadlines::deadline;
use super::outbox::Troubled;
use super::{Result, StoreError, Tx, instant, optional};
use crate::triage::deadline as clocks;

/// Rows of a list; the rest is counted.
pub const LISTED_AT_MOST: usize = 100;
/// A letter that failed or came back is listed for so long.
const FAILURES_LISTED_FOR: TimeDelta = TimeDelta::days(14);

/// What was found: the first of them, and how many there are in all.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T> {
    pub total: usize,
    pub first: Vec<T>,
}

/// What was recorded after something. By the numbers of the rows, for they are in the order in which
/// rows were committed, which times are not: a mail may be committed after the digest whose time is
/// later. The time spares looking at all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    pub at: DateTime<Utc>,
    pub rows: Newest,
}

/// The newest rows at some moment; 0: there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    pub case: i64,
    pub message: i64,
}

/// A case in a few words.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseLine {
    id: i64,
    pub number: String,
    pub kind: String,
    pub status: String,
    pub severity: Option<String>,
    pub suggested_severity: Option<String>,
    pub labels: Vec<String>,
    pub subject: String,
    pub reporter: Option<String>,
    /// The sign by which a program wrote its first mail.
    pub robot: Option<String>,
    pub assignee: Option<String>,
    pub received_at: DateTime<Utc>,
    /// When the last letter to its reporter left.
    pub last_word_at: Option<DateTime<Utc>>,
}

/// A clock that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningClock {
    pub case: CaseLine,
    pub kind: String,
    pub due_at: DateTime<Utc>,
    /// As a person reads it, in the zone that it was computed in.
    pub due: String,
    pub why: String,
}

/// A case and since when.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseSince {
    pub case: CaseLine,
    pub since: DateTime<Utc>,
}

/// A publication to come.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub case: CaseLine,
    /// The start of the day.
    pub at: DateTime<Utc>,
    pub is_told: bool,
    pub is_fixed: bool,
}

/// A mail that opened no case, or that a program wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseLine {
    pub at: DateTime<Utc>,
    pub kind: String,
    pub from: Option<String>,
    pub subject: String,
    pub case: Option<String>,
}

/// Deadlines of one kind that were due within some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueClocks {
    pub kind: String,
    pub due: usize,
    /// In time.
    pub met: usize,
}

/// Columns of [`case_line`].
const CASE: &str = "cases.id, cases.number, cases.kind, cases.status, cases.severity,
                    cases.suggested_severity, cases.subject, cases.reporter_email, cases.assignee,
                    cases.received_at, cases.robot";
/// So many are those.
const CASE_COLUMNS: usize = 11;

const RUNNING: &str = "met_at IS NULL AND waived_at IS NULL AND paused_at IS NULL";
/// There is more to come. Words of `Status::is_open`.
const OPEN: &str = "cases.status IN ('new', 'accepted', 'fixed')";
/// It was reported as a weakness, or found to be one, and is no spam.
const REPORT: &str = "(cases.kind IN ('report', 'unreadable')
                       OR coalesce(cases.status_before, cases.status) <> 'new')
                      AND cases.close_reason IS NOT 'spam'";
/// It was found to be a weakness, and a new one.
const VALID: &str = "coalesce(cases.status_before, cases.status) <> 'new'
                     AND coalesce(cases.close_reason, '')
                         NOT IN ('rejected', 'out_of_scope', 'duplicate', 'spam')";
/// Written as in the index.
const NOISE: &str = "direction = 'in' AND kind <> 'team_command'
                     AND (case_id IS NULL OR kind IN ('bounce', 'auto_reply', 'spam'))";
const UNREAD: &str = "messages.direction = 'in'
                      AND (messages.kind = 'unreadable'
                           OR (messages.failure IS NOT NULL AND messages.decrypted = 0))";
const DECISION: &str =
    "action IN ('accepted', 'rejected', 'duplicate', 'closed', 'fixed', 'disclosed')";

/// What needs somebody.
impl Tx<'_> {
    /// Clocks that are missed, or due by then: the most overdue first.
    pub fn clocks_due_by(&self, until: DateTime<Utc>) -> Result<Found<RunningClock>> {
        self.running("due_at <= ?1", [until.timestamp()])
    }

    /// How many clocks are missed.
    pub fn clocks_missed(&self, now: DateTime<Utc>) -> Result<usize> {
        self.count(
            &format!("SELECT count(*) FROM deadlines WHERE {RUNNING} AND due_at < ?1"),
            [now.timestamp()],
        )
    }

    /// Clocks of which 80 percent have passed, and that are due later than that.
    pub fn clocks_due_soon(
        &self,
        after: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Found<RunningClock>> {
        self.running(
            "due_at > ?1 AND warn_at <= ?2",
            [after.timestamp(), now.timestamp()],
        )
    }

    /// Clocks that passed the half of their time, not more, and no digest told so.
    pub fn clocks_half_way(
        &self,
        after: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Found<RunningClock>> {
        self.running(
            "due_at > ?1 AND warn_at > ?2 AND half_at <= ?2 AND half_told_at IS NULL",
            [after.timestamp(), now.timestamp()],
        )
    }

    fn running(&self, condition: &str, values: impl Params + Copy) -> Result<Found<RunningClock>> {
        let condition = format!("{RUNNING} AND {condition}");
        let total = self.count(
            &format!("SELECT count(*) FROM deadlines WHERE {condition}"),
            values,
        )?;
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT deadlines.kind, span, starts_at, due_at, half_at, warn_at, paused_at,
                    calendar_id, {CASE}
             FROM deadlines JOIN cases ON cases.id = deadlines.case_id
             WHERE {condition}
             ORDER BY due_at, cases.id, deadlines.kind LIMIT {LISTED_AT_MOST}"
        ))?;
        let mut rows = statement.query(values)?;
        let mut first = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(clock) = deadline(row)? else {
                continue;
            };
            let case = self.completed(case_line(row, 8)?)?;
            let calendar = self.calendar(row.get(7)?)?;
            let pauses = self.pauses_of(case.id)?;
            first.push(RunningClock {
                kind: clock.kind.as_str().to_owned(),
                due_at: clock.due_at,
                due: calendar.show_due(clock.due_at),
                why: clocks::explain(&clock, &calendar, &pauses),
                case,
            });
        }
        Ok(Found { total, first })
    }

    /// A digest told how far the clock is.
    pub fn set_half_told(&self, number: &str, kind: &str, now: DateTime<Utc>) -> Result<()> {
        self.0
            .prepare_cached(
                "UPDATE deadlines SET half_told_at = ?3
                 WHERE case_id = (SELECT id FROM cases WHERE number = ?1) AND kind = ?2
                   AND half_told_at IS NULL",
            )?
            .execute((number, kind, now.timestamp()))?;
        Ok(())
    }

    /// Cases that were opened after this, oldest first.
    pub fn new_since(&self, after: After) -> Result<Found<CaseLine>> {
        let since = [after.at.timestamp(), after.rows.case];
        let total = self.count(
            "SELECT count(*) FROM cases WHERE opened_at > ?1 AND id > ?2",
            since,
        )?;
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT {CASE} FROM cases WHERE opened_at > ?1 AND id > ?2
             ORDER BY opened_at, id LIMIT {LISTED_AT_MOST}"
        ))?;
        let rows = statement.query_map(since, |row| case_line(row, 0))?;
        let first = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let first = first.into_iter().map(|case| self.completed(case));
        Ok(Found {
            total,
            first: first.collect::<Result<_>>()?,
        })
    }

    /// Cases whose clocks stand still until their reporters write: who waits longest first.
    pub fn waiting_for_reporters(&self) -> Result<Found<CaseSince>> {
        let from = format!(
            "FROM pauses JOIN cases ON cases.id = pauses.case_id
             WHERE pauses.resumed_at IS NULL AND {OPEN}"
        );
        self.since(
            &format!("SELECT count(*) {from}"),
            &format!("SELECT {CASE}, pauses.paused_at {from} ORDER BY pauses.paused_at, cases.id"),
            [],
        )
    }

    /// Open cases to and from which no mail went since `before`: the longest first. Those that wait
    /// for their reporters, or of which a clock is due by `horizon`, are listed as such.
    pub fn quiet_since(
        &self,
        before: DateTime<Utc>,
        horizon: DateTime<Utc>,
    ) -> Result<Found<CaseSince>> {
        let from = format!(
            "FROM (SELECT cases.id AS of_case, coalesce(
                          (SELECT max(received_at) FROM messages WHERE case_id = cases.id),
                          cases.received_at) AS last_mail_at
                   FROM cases WHERE {OPEN}
                     AND NOT EXISTS (SELECT 1 FROM pauses
                                     WHERE case_id = cases.id AND resumed_at IS NULL)
                     AND NOT EXISTS (SELECT 1 FROM deadlines
                                     WHERE case_id = cases.id AND {RUNNING} AND due_at <= ?2))
                  AS heard
             JOIN cases ON cases.id = heard.of_case WHERE heard.last_mail_at < ?1"
        );
        self.since(
            &format!("SELECT count(*) {from}"),
            &format!("SELECT {CASE}, heard.last_mail_at {from} ORDER BY last_mail_at, cases.id"),
            [before.timestamp(), horizon.timestamp()],
        )
    }

    /// `list` has the columns of a case, and since when.
    fn since(
        &self,
        count: &str,
        list: &str,
        values: impl Params + Copy,
    ) -> Result<Found<CaseSince>> {
        let total = self.count(count, values)?;
        let mut statement = self
            .0
            .prepare_cached(&format!("{list} LIMIT {LISTED_AT_MOST}"))?;
        let rows = statement.query_map(values, |row| {
            Ok((case_line(row, 0)?, instant(row.get(CASE_COLUMNS)?)))
        })?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let first = rows.into_iter().map(|(case, since)| {
            let case = self.completed(case)?;
            Ok(CaseSince { case, since })
        });
        Ok(Found {
            total,
            first: first.collect::<Result<_>>()?,
        })
    }

    /// Publications to come, the next first.
    pub fn planned_disclosures(&self) -> Result<Found<Planned>> {
        let from = format!("FROM cases WHERE disclose_at IS NOT NULL AND {OPEN}");
        let total = self.count(&format!("SELECT count(*) {from}"), [])?;
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT {CASE}, disclose_at, heads_up_at IS NOT NULL, fixed_at IS NOT NULL {from}
             ORDER BY disclose_at, id LIMIT {LISTED_AT_MOST}"
        ))?;
        let rows = statement.query_map([], |row| {
            Ok(Planned {
                case: case_line(row, 0)?,
                at: instant(row.get(CASE_COLUMNS)?),
                is_told: row.get(CASE_COLUMNS + 1)?,
                is_fixed: row.get(CASE_COLUMNS + 2)?,
            })
        })?;
        let mut first = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        for planned in &mut first {
            planned.case = self.completed(planned.case.clone())?;
        }
        Ok(Found { total, first })
    }

    /// Cases with mails that came after this and could not be read.
    pub fn unread_since(&self, after: After) -> Result<Found<CaseLine>> {
        let since = [after.at.timestamp(), after.rows.message];
        let of_cases = format!(
            "SELECT case_id FROM messages
             WHERE {UNREAD} AND messages.recorded_at > ?1 AND messages.id > ?2"
        );
        let total = self.count(
            &format!("SELECT count(*) FROM cases WHERE id IN ({of_cases})"),
            since,
        )?;
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT {CASE} FROM cases WHERE id IN ({of_cases}) ORDER BY id LIMIT {LISTED_AT_MOST}"
        ))?;
        let rows = statement.query_map(since, |row| case_line(row, 0))?;
        let first = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let first = first.into_iter().map(|case| self.completed(case));
        Ok(Found {
            total,
            first: first.collect::<Result<_>>()?,
        })
    }

    /// What came after this and opened no case, or was written by a program: how many of each
    /// kind, the most frequent first.
    pub fn noise_kinds(&self, after: After) -> Result<Vec<(String, usize)>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT kind, count(*) FROM messages WHERE {NOISE} AND recorded_at > ?1 AND id > ?2
             GROUP BY kind ORDER BY count(*) DESC, kind"
        ))?;
        let since = [after.at.timestamp(), after.rows.message];
        let rows = statement.query_map(since, |row| Ok((row.get(0)?, count(row, 1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Who sent most of it between two times: kind, sender, how many.
    pub fn noisiest(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        at_most: usize,
    ) -> Result<Vec<(String, Option<String>, usize)>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT kind, from_email, count(*) FROM messages
             WHERE {NOISE} AND recorded_at >= ?1 AND recorded_at < ?2
             GROUP BY kind, from_email ORDER BY count(*) DESC, kind, from_email LIMIT {at_most}"
        ))?;
        let rows = statement.query_map([from.timestamp(), until.timestamp()], |row| {
            Ok((row.get(0)?, row.get(1)?, count(row, 2)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The newest of it first.
    pub fn noise(&self, after: After) -> Result<Vec<NoiseLine>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT recorded_at, noise.kind, from_email, noise.subject, cases.number
             FROM (SELECT * FROM messages WHERE {NOISE} AND recorded_at > ?1 AND id > ?2
                   ORDER BY recorded_at DESC, id DESC LIMIT {LISTED_AT_MOST}) AS noise
             LEFT JOIN cases ON cases.id = noise.case_id
             ORDER BY recorded_at DESC, noise.id DESC"
        ))?;
        let since = [after.at.timestamp(), after.rows.message];
        let rows = statement.query_map(since, |row| {
            Ok(NoiseLine {
                at: instant(row.get(0)?),
                kind: row.get(1)?,
                from: row.get(2)?,
                subject: row.get(3)?,
                case: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Letters that are held or were tried in vain, and those that failed or came back of late;
    /// newest first.
    pub fn letters_in_trouble(&self, now: DateTime<Utc>) -> Result<Found<Troubled>> {
        const OF_LATE: &str = "SELECT id FROM outbox WHERE state = 'held'
             UNION ALL SELECT id FROM outbox WHERE state IN ('waiting', 'sending') AND attempts > 0
             UNION ALL SELECT id FROM outbox WHERE state = 'failed' AND created_at > ?1
             UNION ALL SELECT id FROM outbox WHERE bounced_at > ?1";
        let since = [(now - FAILURES_LISTED_FOR).timestamp()];
        let total = self.count(
            &format!("SELECT count(DISTINCT id) FROM ({OF_LATE})"),
            since,
        )?;
        Ok(Found {
            total,
            first: self.troubled_where(
                &format!("outbox.id IN ({OF_LATE})"),
                since,
                LISTED_AT_MOST,
            )?,
        })
    }

    /// The newest rows that were recorded by then.
    pub fn newest_by(&self, at: DateTime<Utc>) -> Result<Newest> {
        // From the newest back, as far as need be: no index knows when all mails were recorded.
        let newest = |sql: &str| {
            let found = self
                .0
                .prepare_cached(sql)?
                .query_row([at.timestamp()], |row| row.get(0));
            Ok::<i64, StoreError>(optional(found)?.unwrap_or_default())
        };
        Ok(Newest {
            case: newest("SELECT id FROM cases WHERE opened_at <= ?1 ORDER BY id DESC LIMIT 1")?,
            message: newest(
                "SELECT id FROM messages WHERE recorded_at <= ?1 ORDER BY id DESC LIMIT 1",
            )?,
        })
    }

    /// The newest rows of all.
    pub fn newest(&self) -> Result<Newest> {
        self.newest_by(DateTime::<Utc>::MAX_UTC)
    }

    /// How many cases are open.
    pub fn open_cases(&self) -> Result<usize> {
        self.count(&format!("SELECT count(*) FROM cases WHERE {OPEN}"), [])
    }

    /// Free bytes where the database lies; `None`: it lies in memory.
    pub fn disk_free(&self) -> Option<u64> {
        let path = self.0.path().filter(|path| !path.is_empty())?;
        let disk = rustix::fs::statvfs(path).ok()?;
        disk.f_bavail.checked_mul(disk.f_frsize)
    }

    fn count(&self, sql: &str, values: impl Params) -> Result<usize> {
        let counted = self
            .0
            .prepare_cached(sql)?
            .query_row(values, |row| count(row, 0))?;
        Ok(counted)
    }

    fn completed(&self, case: CaseLine) -> Result<CaseLine> {
        let mut statement = self
            .0
            .prepare_cached("SELECT label FROM labels WHERE case_id = ?1 ORDER BY rowid")?;
        let labels = statement.query_map([case.id], |row| row.get(0))?;
        Ok(CaseLine {
            labels: labels.collect::<rusqlite::Result<_>>()?,
            last_word_at: self.last_letter_at(case.id)?,
            ..case
        })
    }

    /// When the last letter to the reporter left that did not come back.
    fn last_letter_at(&self, case_id: i64) -> Result<Option<DateTime<Utc>>> {
        let at: Option<i64> = self
            .0
            .prepare_cached(
                "SELECT max(coalesce(whole.sent_at, letter.sent_at))
                 FROM messages JOIN outbox AS letter ON letter.message_id = messages.id
                 LEFT JOIN outbox AS whole ON whole.id = letter.merged_into
                 WHERE messages.case_id = ?1 AND letter.audience = 'reporter'
                   AND letter.bounced_at IS NULL",
            )?
            .query_row([case_id], |row| row.get(0))?;
        Ok(at.map(instant))
    }
}

/// What became of the promises.
impl Tx<'_> {
    /// Open cases by state (`waiting`: for the reporter) and by age, counted: each with how many
    /// of the bounds it was received before. The bounds go back in time.
    pub fn open_by_age(&self, bounds: &[DateTime<Utc>]) -> Result<Vec<(String, usize, usize)>> {
        let ages: Vec<String> = bounds
            .iter()
            .map(|bound| format!("(received_at < {})", bound.timestamp()))
            .collect();
        let age = match ages.is_empty() {
            true => "0".to_owned(),
            false => ages.join(" + "),
        };
        let mut statement = self.0.prepare(&format!(
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM pauses
                                      WHERE case_id = cases.id AND resumed_at IS NULL)
                         THEN 'waiting' ELSE status END AS state,
                    {age} AS age, count(*)
             FROM cases WHERE {OPEN} GROUP BY state, age"
        ))?;
        let rows =
            statement.query_map([], |row| Ok((row.get(0)?, count(row, 1)?, count(row, 2)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Cases that were received from `from` until before `until`.
    pub fn arrivals(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<usize> {
        self.count(
            "SELECT count(*) FROM cases WHERE received_at >= ?1 AND received_at < ?2",
            [from.timestamp(), until.timestamp()],
        )
    }

    /// Deadlines that were due from `from` until before `until`, by kind. One that was missed
    /// stays so, whatever became of its case afterwards; one that stands still is not due. Of
    /// `update` each word that came counts for the one that it was promised by.
    pub fn clocks_due_between(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<DueClocks>> {
        let mut statement = self.0.prepare_cached(
            "SELECT kind, count(*), sum(in_time) FROM (
                 SELECT kind, coalesce(met_at <= due_at, 0) AS in_time FROM deadlines
                 WHERE due_at >= ?1 AND due_at < ?2
                   AND (met_at IS NOT NULL OR waived_at > due_at
                        OR (waived_at IS NULL AND paused_at IS NULL))
                 UNION ALL
                 SELECT 'update', told_at <= due_at FROM updates
                 WHERE due_at >= ?1 AND due_at < ?2)
             GROUP BY kind",
        )?;
        let rows = statement.query_map([from.timestamp(), until.timestamp()], |row| {
            Ok(DueClocks {
                kind: row.get(0)?,
                due: count(row, 1)?,
                met: count(row, 2)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Reports that came from `from` until before `until`.
    pub fn reports(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<usize> {
        self.count(
            &format!(
                "SELECT count(*) FROM cases
                 WHERE received_at >= ?1 AND received_at < ?2 AND {REPORT}"
            ),
            [from.timestamp(), until.timestamp()],
        )
    }

    /// Reports that were first accepted between these times, and still stand.
    pub fn found_valid(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<usize> {
        self.count(
            &format!(
                "SELECT count(*) FROM (
                     SELECT case_id FROM events
                     WHERE {DECISION} AND action IN ('accepted', 'fixed', 'disclosed')
                     GROUP BY case_id HAVING min(at) >= ?1 AND min(at) < ?2) AS found
                 JOIN cases ON cases.id = found.case_id WHERE {VALID}"
            ),
            [from.timestamp(), until.timestamp()],
        )
    }

    /// Valid reports that are not fixed and came before this.
    pub fn valid_and_open(&self, before: DateTime<Utc>) -> Result<usize> {
        self.count(
            "SELECT count(*) FROM cases
             WHERE status IN ('accepted', 'disclosed') AND fixed_at IS NULL AND received_at < ?1",
            [before.timestamp()],
        )
    }

    /// Seconds from the receipt of a report to the first decision on it, of those that were
    /// decided between these times.
    pub fn times_to_decide(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<i64>> {
        self.seconds(
            &format!(
                "SELECT decided.at - cases.received_at FROM (
                     SELECT case_id, min(at) AS at FROM events WHERE {DECISION}
                     GROUP BY case_id HAVING min(at) >= ?1 AND min(at) < ?2) AS decided
                 JOIN cases ON cases.id = decided.case_id WHERE {REPORT}"
            ),
            from,
            until,
        )
    }

    /// Seconds from the receipt of a valid report to the day of its fix, of those that were fixed
    /// between these times.
    pub fn times_to_fix(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<i64>> {
        self.seconds(
            &format!(
                "SELECT max(fixed_at - received_at, 0) FROM cases
                 WHERE fixed_at >= ?1 AND fixed_at < ?2 AND {VALID}"
            ),
            from,
            until,
        )
    }

    /// Seconds from the receipt of a report to what the policy calls its acknowledgement, of those
    /// that came between these times and have somebody who can be answered.
    pub fn times_to_answer(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<i64>> {
        self.seconds(
            &format!(
                "SELECT max(deadlines.met_at - cases.received_at, 0)
                 FROM cases JOIN deadlines ON deadlines.case_id = cases.id
                                          AND deadlines.kind = 'acknowledge'
                 WHERE cases.received_at >= ?1 AND cases.received_at < ?2
                   AND deadlines.met_at IS NOT NULL
                   AND cases.reporter_email IS NOT NULL AND cases.robot IS NULL AND {REPORT}"
            ),
            from,
            until,
        )
    }

    fn seconds(&self, sql: &str, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Vec<i64>> {
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([from.timestamp(), until.timestamp()], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<usize> {
    Ok(usize::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

/// From the columns of [`CASE`], the first of them being at `first`. Labels and the last word are
/// filled in by `completed`.
fn case_line(row: &Row<'_>, first: usize) -> rusqlite::Result<CaseLine> {
    Ok(CaseLine {
        id: row.get(first)?,
        number: row.get(first + 1)?,
        kind: row.get(first + 2)?,
        status: row.get(first + 3)?,
        severity: row.get(first + 4)?,
        suggested_severity: row.get(first + 5)?,
        labels: Vec::new(),
        subject: row.get(first + 6)?,
        reporter: row.get(first + 7)?,
        assignee: row.get(first + 8)?,
        received_at: instant(row.get(first + 9)?),
        robot: row.get(first + 10)?,
        last_word_at: None,
    })
}
