//! What commands read and change of a case.
//!
//! `triage::command` decides on a [`CaseState`] as a value; here it is read and written as a whole.

use chrono::{DateTime, Utc};
use rusqlite::{Row, params};
use serde_json::{Value, json};

use super::audit::Actor;
use super::deadlines::Waiver;
use super::{Result, Tx, instant, optional};
use crate::triage::case::{CaseState, Clock, CloseReason, Closure, Credit, Status};
use crate::triage::classify::Kind;
use crate::triage::deadline::DeadlineState;
use crate::triage::decide::CaseRef;
use crate::triage::policy::{DeadlineKind, Part, Severity};

/// Whom letters about a case go to, as the records have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressee {
    pub name: Option<String>,
    /// `None`: the first mail has no usable sender.
    pub email: Option<String>,
    /// By what its first mail shows that a program wrote it.
    pub robot: Option<String>,
    /// Of the reporter's own words, where it was sure.
    pub language: Option<String>,
    /// One of the reporter's mails came encrypted.
    pub came_encrypted: bool,
    /// Of the reporter's last mail.
    pub last_message_id: Option<String>,
    /// Of what was written to and fro, up to that mail, oldest first.
    pub thread: Vec<String>,
}

/// A thread names so many of its first, and of its last mails.
const THREAD_BEGINNING: usize = 1;
const THREAD_END: usize = 20;

/// What a machine wrote is no mail of the reporter.
const WRITTEN_BY_HAND: &str = "messages.kind NOT IN ('bounce', 'auto_reply', 'list')";

impl Tx<'_> {
    /// The case as commands see it; whether its reporter can be written to, and which rules its
    /// first mail matched, is for the caller to say.
    pub fn case_state(&self, case: &CaseRef, now: DateTime<Utc>) -> Result<CaseState> {
        let mut state = self
            .0
            .prepare_cached(
                "SELECT cases.number, cases.received_at, cases.status, cases.status_before,
                        cases.close_reason, cases.severity, cases.assignee, first.number,
                        cases.fixed_at, cases.disclose_at, cases.heads_up_at, cases.exploited_at,
                        cases.credit, cases.credit_name, cases.credit_link, cases.token,
                        cases.reward, cases.missing, cases.kind
                 FROM cases LEFT JOIN cases AS first ON first.id = cases.duplicate_of
                 WHERE cases.id = ?1",
            )?
            .query_row([case.id], state)?;
        state.clocks = self
            .deadlines_of(case.id, now)?
            .iter()
            .filter_map(|view| {
                Some(Clock {
                    kind: DeadlineKind::parse(&view.kind)?,
                    state: DeadlineState::parse(view.state)?,
                })
            })
            .collect();
        state.paused = self.paused_since(case.id)?.is_some();
        Ok(state)
    }

    /// Writes the case as it is after a command.
    pub fn save_case(&self, case_id: i64, state: &CaseState) -> Result<()> {
        let (credit, name, link) = match &state.credit {
            None => (None, None, None),
            Some(Credit::No) => (Some("no"), None, None),
            Some(Credit::Yes { name, link }) => (Some("yes"), Some(name), link.as_ref()),
        };
        let closure = state.closure.as_ref();
        let seconds = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp());
        self.0
            .prepare_cached(
                "UPDATE cases SET status = ?2, status_before = ?3, close_reason = ?4,
                     severity = ?5, assignee = ?6,
                     duplicate_of = (SELECT id FROM cases WHERE number = ?7),
                     fixed_at = ?8, disclose_at = ?9, heads_up_at = ?10, exploited_at = ?11,
                     credit = ?12, credit_name = ?13, credit_link = ?14, token = ?15, reward = ?16
                 WHERE id = ?1",
            )?
            .execute(params![
                case_id,
                state.status.as_str(),
                closure.map(|closure| closure.before.as_str()),
                closure.map(|closure| closure.reason.as_str()),
                state.severity.map(Severity::as_str),
                state.assignee,
                state.duplicate_of,
                seconds(state.fixed_at),
                seconds(state.disclose_at),
                seconds(state.heads_up_at),
                seconds(state.exploited_at),
                credit,
                name,
                link,
                state.token,
                state.reward,
            ])?;
        Ok(())
    }

    /// Meets an open deadline; the event says whether it was late.
    pub fn meet_with_event(
        &self,
        case_id: i64,
        kind: DeadlineKind,
        at: DateTime<Utc>,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let open = self.open_deadlines_of(case_id)?;
        let Some(deadline) = open.iter().find(|deadline| deadline.kind == kind) else {
            return Ok(());
        };
        self.meet_deadline(case_id, kind, at)?;
        let detail = met(kind, at, deadline.due_at);
        self.event(now, actor, "deadline_met", Some(case_id), detail)
    }

    /// What was met was met at another time than we were told; so whether it was late is said anew.
    pub fn correct_met(
        &self,
        case_id: i64,
        kind: DeadlineKind,
        at: DateTime<Utc>,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let due_at = optional(
            self.0
                .prepare_cached(
                    "UPDATE deadlines SET met_at = ?3
                     WHERE case_id = ?1 AND kind = ?2 AND met_at IS NOT NULL
                     RETURNING due_at",
                )?
                .query_row((case_id, kind.as_str(), at.timestamp()), |row| row.get(0)),
        )?;
        match due_at.map(instant) {
            None => Ok(()),
            Some(due_at) => {
                let detail = met(kind, at, due_at);
                self.event(now, actor, "deadline_met", Some(case_id), detail)
            }
        }
    }

    /// Waives all that is open but for the clocks of the law, and those of which a letter on its
    /// way says more.
    pub fn waive_open_but(
        &self,
        case_id: i64,
        but: &[DeadlineKind],
        now: DateTime<Utc>,
    ) -> Result<()> {
        for deadline in self.open_deadlines_of(case_id)? {
            if !deadline.kind.is_of_law() && !but.contains(&deadline.kind) {
                self.waive(case_id, deadline.kind, Waiver::Closed, now)?;
            }
        }
        Ok(())
    }

    /// Ends a pause, if there is one: an event says why.
    pub fn resume_with_event(
        &self,
        case_id: i64,
        actor: &Actor,
        why: &str,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        if !self.resume(case_id, at)? {
            return Ok(());
        }
        let detail = json!({"why": why, "resumed_at": at});
        self.event(now, actor, "resumed", Some(case_id), detail)
    }

    /// Adds a label of somebody's choice; one that is there keeps its first evidence.
    pub fn add_label(&self, case_id: i64, name: &str, because: &str) -> Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO labels (case_id, label, because) VALUES (?1, ?2, ?3)
                 ON CONFLICT (case_id, label) DO NOTHING",
            )?
            .execute((case_id, name, because))?;
        Ok(())
    }

    /// Whom a letter about the case goes to.
    pub fn addressee(&self, case_id: i64) -> Result<Addressee> {
        let reporter = self
            .0
            .prepare_cached(
                "SELECT reporter_name, reporter_email, robot, language FROM cases WHERE id = ?1",
            )?
            .query_row([case_id], |row| {
                Ok(Addressee {
                    name: row.get(0)?,
                    email: row.get(1)?,
                    robot: row.get(2)?,
                    language: row.get(3)?,
                    ..Addressee::default()
                })
            })?;
        let thread = self.thread_of(case_id)?;
        Ok(Addressee {
            came_encrypted: self.came_encrypted(case_id)?,
            last_message_id: thread.last().cloned(),
            thread,
            ..reporter
        })
    }

    /// Did a mail of the case come encrypted, whoever wrote it?
    fn came_encrypted(&self, case_id: i64) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT 1 FROM messages WHERE case_id = ?1 AND direction = 'in' AND encrypted = 1",
            )?
            .exists([case_id])?)
    }

    /// The Message-IDs of what the reporter and we wrote, up to the reporter's last mail; of a long
    /// thread its beginning and its end.
    fn thread_of(&self, case_id: i64) -> Result<Vec<String>> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT messages.message_id, messages.direction FROM messages
             JOIN cases ON cases.id = messages.case_id
             LEFT JOIN outbox ON outbox.message_id = messages.id
             WHERE messages.case_id = ?1 AND messages.message_id IS NOT NULL
               AND CASE messages.direction
                   WHEN 'in' THEN messages.from_email = cases.reporter_email AND {WRITTEN_BY_HAND}
                   ELSE outbox.audience = 'reporter' AND outbox.state IN ('sending', 'sent') END
             ORDER BY messages.received_at, messages.id",
        ))?;
        let rows = statement.query_map([case_id], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)? == "in"))
        })?;
        let mut thread: Vec<(String, bool)> = rows.collect::<rusqlite::Result<_>>()?;
        while thread.last().is_some_and(|(_, is_reporters)| !is_reporters) {
            thread.pop();
        }
        if thread.len() > THREAD_BEGINNING + THREAD_END {
            thread.drain(THREAD_BEGINNING..thread.len() - THREAD_END);
        }
        Ok(thread.into_iter().map(|(id, _)| id).collect())
    }

    /// Open cases whose day of publication has come, the longest overdue first. Left to itself
    /// SQLite reads all that are open, at each turn of the clock.
    pub fn due_for_disclosure(&self, now: DateTime<Utc>) -> Result<Vec<CaseRef>> {
        let mut statement = self.0.prepare_cached(
            "SELECT id, number FROM cases INDEXED BY cases_by_disclosure
             WHERE disclose_at <= ?1 AND status IN ('new', 'accepted', 'fixed')
             ORDER BY disclose_at, id",
        )?;
        let rows = statement.query_map([now.timestamp()], |row| {
            Ok(CaseRef {
                id: row.get(0)?,
                number: row.get(1)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Did the first mail of one case come before that of the other?
    pub fn came_before(&self, one: &CaseRef, other: &CaseRef) -> Result<bool> {
        Ok(self
            .0
            .prepare_cached(
                "SELECT 1 FROM cases AS one, cases AS other
                 WHERE one.id = ?1 AND other.id = ?2
                   AND (one.received_at, one.id) < (other.received_at, other.id)",
            )?
            .exists((one.id, other.id))?)
    }

    /// The numbers of the cases that are duplicates of this one, in the order in which they came.
    pub fn duplicates_of(&self, case_id: i64) -> Result<Vec<String>> {
        let mut statement = self.0.prepare_cached(
            "SELECT number FROM cases WHERE duplicate_of = ?1 ORDER BY received_at, id",
        )?;
        let rows = statement.query_map([case_id], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The number of the case that this one is a duplicate of.
    pub fn duplicate_of(&self, case_id: i64) -> Result<Option<String>> {
        optional(
            self.0
                .prepare_cached(
                    "SELECT first.number FROM cases JOIN cases AS first
                         ON first.id = cases.duplicate_of
                     WHERE cases.id = ?1",
                )?
                .query_row([case_id], |row| row.get(0)),
        )
    }
}

/// For the event.
fn met(kind: DeadlineKind, at: DateTime<Utc>, due_at: DateTime<Utc>) -> Value {
    if at > due_at {
        json!({"deadline": kind.as_str(), "late": true, "due_at": due_at})
    } else {
        json!({"deadline": kind.as_str()})
    }
}

fn state(row: &Row<'_>) -> rusqlite::Result<CaseState> {
    let word = |column: usize| row.get::<_, Option<String>>(column);
    let at =
        |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(instant));
    // The schema checks the words of status and severity.
    let status = |column: usize| {
        Ok::<_, rusqlite::Error>(word(column)?.and_then(|word| Status::parse(&word)))
    };
    let closure = word(4)?.map(|reason| {
        Ok::<_, rusqlite::Error>(Closure {
            reason: CloseReason::parse(&reason),
            before: status(3)?.unwrap_or(Status::New),
        })
    });
    let missing: Vec<String> = serde_json::from_str(&row.get::<_, String>(17)?).unwrap_or_default();
    Ok(CaseState {
        number: row.get(0)?,
        received_at: instant(row.get(1)?),
        status: status(2)?.unwrap_or(Status::New),
        closure: closure.transpose()?,
        severity: word(5)?.and_then(|word| Severity::parse(&word)),
        assignee: row.get(6)?,
        duplicate_of: row.get(7)?,
        fixed_at: at(8)?,
        disclose_at: at(9)?,
        heads_up_at: at(10)?,
        exploited_at: at(11)?,
        credit: credit(word(12)?, word(13)?, word(14)?),
        token: row.get(15)?,
        reward: row.get(16)?,
        kind: Kind::parse(&row.get::<_, String>(18)?).unwrap_or(Kind::Report),
        missing: missing
            .iter()
            .filter_map(|word| Part::parse(word))
            .collect(),
        out_of_scope: Vec::new(),
        clocks: Vec::new(),
        paused: false,
        unreachable: None,
    })
}

fn credit(word: Option<String>, name: Option<String>, link: Option<String>) -> Option<Credit> {
    match (word?.as_str(), name) {
        ("yes", Some(name)) => Some(Credit::Yes { name, link }),
        _ => Some(Credit::No),
    }
}
