//! The path of a command: the case is read, what follows is decided, all of it is written.
//!
//! ```text
//! tx.case_state, tx.addressee        the case, and whom a letter would go to
//! triage::command::act               pure: what follows, or why nothing does
//! tx.save_case, deadlines, event     the record
//! letters::Desk::tell, tx.enqueue    the letter
//! ```
//! One transaction, which the caller commits: nothing is half done. The day of a planned
//! publication takes the same path.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::config::{Organization, nearest};
use crate::intake::{self, sender};
use crate::killpoint;
use crate::letters::{Correspondent, Desk, Enclosed, LetterError, Written};
use crate::mail::compose::File;
use crate::mail::message::{Address, Attachment, Digest};
use crate::store::audit::Actor;
use crate::store::cases::CaseFile;
use crate::store::changes::Addressee;
use crate::store::deadlines::Waiver;
use crate::store::outbox::{Audience, NewLetter};
use crate::store::{StoreError, Tx};
use crate::team::{Team, Teammate};
use crate::triage::case::{CaseState, Moment};
use crate::triage::command::{self, ClockChange, Command, Consequences, Refusal};
use crate::triage::decide::{self, CaseRef};
use crate::triage::policy::{Deadline, DeadlineKind, Encrypt, Policy};

pub mod mail;
pub mod words;

/// What a command did.
#[derive(Clone, Debug)]
pub struct Done {
    pub before: CaseState,
    pub after: CaseState,
    /// It went into the outbox.
    pub letter: Option<Told>,
}

/// A letter, as the one who caused it is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub kind: String,
    pub to: String,
    pub encrypted: bool,
    /// Without content, because the reporter's certificate cannot be used.
    pub unusable_certificate: Option<String>,
    /// Names of the files that go along.
    pub files: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the letter could not be written: {0}")]
    Letter(#[from] LetterError),
}

/// Does what a command says, in this transaction. After an error nothing of it may be committed.
pub fn carry_out(
    tx: &Tx<'_>,
    desk: &Desk,
    case: &CaseRef,
    command: &Command,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Done, CommandError> {
    let given = Given {
        command,
        files: &[],
        actor,
    };
    carry_out_with(tx, desk, case, &given, now)
}

/// A command with what came along.
pub struct Given<'a> {
    pub command: &'a Command,
    /// They go to the reporter with the words of `/reply`.
    pub files: &'a [File],
    pub actor: &'a Actor,
}

/// As [`carry_out`].
pub fn carry_out_with(
    tx: &Tx<'_>,
    desk: &Desk,
    case: &CaseRef,
    given: &Given<'_>,
    now: DateTime<Utc>,
) -> Result<Done, CommandError> {
    let Given {
        command,
        files,
        actor,
    } = *given;
    check_files(files, command)?;
    let command = resolved(tx, &desk.team, case, command)?;
    let addressee = tx.addressee(case.id)?;
    let mut before = read(tx, case, &addressee, desk, now)?;
    if let Command::Reject {
        out_of_scope: true, ..
    } = command
    {
        before.out_of_scope = rules_matched(tx, case, desk, now)?;
    }
    let consequences = command::act(&before, &command, &desk.policy, now)?;
    let writing = Writing {
        tx,
        desk,
        case,
        files,
        actor,
        now,
    };
    let letter = writing.write(&consequences, &addressee)?;
    Ok(Done {
        before,
        after: consequences.after,
        letter,
    })
}

/// Publishes what was to be published by now. Each case by itself: what fails for one is logged,
/// tried again at the next turn, and keeps no other back. Returns those that were published.
pub fn due_changes(
    tx: &Tx<'_>,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Vec<CaseRef>, StoreError> {
    let mut published = Vec::new();
    for case in tx.due_for_disclosure(now)? {
        match tx.isolated(|| publish(tx, desk, &case, now))? {
            Ok(()) => published.push(case),
            Err(CommandError::Store(error)) if error.passes_by_itself() || tx.is_over() => {
                return Err(error);
            }
            Err(error) => tracing::error!(
                case = case.number.as_str(),
                event = "disclosure_failed",
                "{error}; the day of its publication has come, and it is tried again"
            ),
        }
    }
    Ok(published)
}

fn publish(
    tx: &Tx<'_>,
    desk: &Desk,
    case: &CaseRef,
    now: DateTime<Utc>,
) -> Result<(), CommandError> {
    let addressee = tx.addressee(case.id)?;
    let state = read(tx, case, &addressee, desk, now)?;
    let writing = Writing {
        tx,
        desk,
        case,
        files: &[],
        actor: &Actor::Daemon,
        now,
    };
    if let Some(consequences) = command::publish(&state, &desk.policy, now) {
        writing.write(&consequences, &addressee)?;
    }
    Ok(())
}

fn read(
    tx: &Tx<'_>,
    case: &CaseRef,
    addressee: &Addressee,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<CaseState, StoreError> {
    Ok(CaseState {
        unreachable: addressee.reached(&desk.organization).err(),
        ..tx.case_state(case, now)?
    })
}

/// Names that a command gives, as the records know them.
fn resolved(
    tx: &Tx<'_>,
    team: &Team,
    case: &CaseRef,
    command: &Command,
) -> Result<Command, CommandError> {
    match command {
        Command::Assign { to } => Ok(Command::Assign {
            to: member(team, to)?.name.clone(),
        }),
        Command::Duplicate { of } => Ok(Command::Duplicate {
            of: first_of(tx, case, of)?.number,
        }),
        other => Ok(other.clone()),
    }
}

fn member<'t>(team: &'t Team, word: &str) -> Result<&'t Teammate, Refusal> {
    team.called(word).ok_or_else(|| {
        let names = team.members().iter().map(|member| member.name.as_str());
        Refusal::new(match nearest(word, names) {
            Some(near) => format!("{word:?} is nobody of the team; the nearest is {near}"),
            None => "the configuration has no [[team]]; nobody can be assigned".to_owned(),
        })
    })
}

/// A case that may be named as the first: it is not itself a duplicate, and came no later. Whoever
/// reported first has the credit, and the letter to the other says that we knew.
fn first_of(tx: &Tx<'_>, case: &CaseRef, number: &str) -> Result<CaseRef, CommandError> {
    let first = tx.case_by_number(number)?;
    if let Some(of) = tx.duplicate_of(first.id)? {
        let why = format!(
            "{} is itself a duplicate of {of}; name that one",
            first.number
        );
        return Err(Refusal::new(why).into());
    }
    if tx.came_before(case, &first)? {
        let why = format!(
            "{first} came after {case}, whose reporter was first; write it the other way round: \
             /case {first}, /duplicate {case}",
            first = first.number,
            case = case.number
        );
        return Err(Refusal::new(why).into());
    }
    Ok(first)
}

/// The rules of `scope.out` that a case's first mail matches, by name: read again, for the policy
/// may have changed.
fn rules_matched(
    tx: &Tx<'_>,
    case: &CaseRef,
    desk: &Desk,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    let first = tx.first_mail(case.id)?;
    let opened = intake::open_mail(intake::Mail::of_record(first), desk, now);
    let rules = &desk.policy.terms.scope.outside;
    let matched = opened.findings.outside.iter();
    Ok(matched
        .filter_map(|matched| rules.get(matched.rule))
        .map(|rule| rule.name.clone())
        .collect())
}

/// Where a letter to a case's reporter goes; the error says why nobody is written to. `robot`: the
/// sign by which a program wrote the first mail.
pub fn reached<'a>(
    reporter: Option<&'a str>,
    robot: Option<&str>,
    organization: &Organization,
) -> Result<&'a str, String> {
    let Some(email) = reporter.filter(|email| decide::can_be_answered(email)) else {
        return Err("its first mail names no sender that can be answered".to_owned());
    };
    if organization.owns(email) {
        return Err("it came from an address of ours".to_owned());
    }
    match robot {
        Some(sign) => Err(format!("a program wrote its first mail ({sign})")),
        None => Ok(email),
    }
}

impl Addressee {
    fn reached(&self, organization: &Organization) -> Result<Address, String> {
        let email = reached(self.email.as_deref(), self.robot.as_deref(), organization)?;
        Ok(Address {
            name: self.name.clone(),
            email: email.to_owned(),
        })
    }
}

/// In the record, between a notice and what it stands for.
const NOT_SENT: &str = "Not sent, because it could not be encrypted:";

struct Writing<'a> {
    tx: &'a Tx<'a>,
    desk: &'a Desk,
    case: &'a CaseRef,
    files: &'a [File],
    actor: &'a Actor,
    now: DateTime<Utc>,
}

impl Writing<'_> {
    fn write(
        &self,
        consequences: &Consequences,
        addressee: &Addressee,
    ) -> Result<Option<Told>, CommandError> {
        let Some(event) = &consequences.event else {
            return Ok(None);
        };
        let (tx, case) = (self.tx, self.case.id);
        tx.save_case(case, &consequences.after)?;
        tx.event(
            self.now,
            self.actor,
            event.action,
            Some(case),
            with_files(&event.detail, self.files),
        )?;
        if let Some((name, because)) = &consequences.label {
            tx.add_label(case, name, because)?;
        }
        for change in &consequences.clocks {
            self.change_clock(change)?;
        }
        killpoint::reached("half_commanded");
        let Some(moment) = &consequences.moment else {
            return Ok(None);
        };
        self.tell(moment, consequences.meets, addressee).map(Some)
    }

    fn change_clock(&self, change: &ClockChange) -> Result<(), StoreError> {
        let (tx, case, now) = (self.tx, self.case.id, self.now);
        match change {
            ClockChange::Set(deadline) => {
                tx.set_deadlines(case, std::slice::from_ref(deadline), self.policy())?;
            }
            ClockChange::Remove(kind) => {
                let is_open = |deadline: &Deadline| deadline.kind == *kind;
                if tx.open_deadlines_of(case)?.iter().any(is_open) {
                    tx.remove_deadline(case, *kind)?;
                }
            }
            ClockChange::Meet(kind, at) => {
                tx.meet_with_event(case, *kind, *at, self.actor, now)?;
            }
            ClockChange::Correct(kind, at) => {
                tx.correct_met(case, *kind, *at, self.actor, now)?;
            }
            ClockChange::Waive(kind) => {
                tx.waive(case, *kind, Waiver::Moot, now)?;
            }
            ClockChange::WaiveOpen { but } => {
                tx.waive_open_but(case, but, now)?;
            }
            ClockChange::Unwaive => {
                tx.unwaive(case)?;
            }
            ClockChange::Pause => {
                tx.pause(case, now)?;
            }
            ClockChange::Resume => {
                let why = "it was decided without an answer";
                tx.resume_with_event(case, self.actor, why, now, now)?;
            }
        }
        Ok(())
    }

    fn tell(
        &self,
        moment: &Moment,
        meets: Option<DeadlineKind>,
        addressee: &Addressee,
    ) -> Result<Told, CommandError> {
        let to = addressee
            .reached(&self.desk.organization)
            .map_err(Refusal::new)?;
        let file = self.tx.case_file(self.case)?;
        let correspondent = self.correspondent(to, addressee)?;
        let enclosed = Enclosed {
            files: self.files,
            member: self.named_member(),
        };
        let mut written = self.desk.tell_with(
            &enclosed,
            &dated(moment, &file, self.now),
            &correspondent,
            &file,
            self.now,
        )?;
        written.letter = NewLetter {
            case: Some(self.case.clone()),
            // It must come back to us when it bounces.
            envelope_from: Some(self.desk.organization.address.clone()),
            automatic: false,
            audience: Audience::Reporter,
            acknowledges: true,
            meets,
            text: match &written.not_sent {
                Some(words) => format!(
                    "{}\n{NOT_SENT}\n\n{words}{}",
                    written.letter.text,
                    names_below(self.files)
                ),
                None => written.letter.text,
            },
            ..written.letter
        };
        let letter = intake::enqueue(self.tx, &written, Some(self.case), self.now)?;
        let sent = match written.not_sent {
            Some(_) => &[],
            None => self.files,
        };
        self.tx.add_files(letter, &attachments(sent, &written))?;
        Ok(Told {
            kind: written.letter.kind,
            to: written.letter.recipient,
            encrypted: written.letter.encrypted,
            unusable_certificate: written.unusable_certificate,
            files: sent.iter().map(|file| file.name.clone()).collect(),
        })
    }

    /// The member whose words these are, where the policy has members named.
    fn named_member(&self) -> Option<&str> {
        match self.actor {
            Actor::Member(name) if self.policy().terms.replies.name_members => Some(name),
            Actor::Member(_) | Actor::Unix(_) | Actor::Daemon | Actor::Reporter => None,
        }
    }

    fn correspondent(
        &self,
        to: Address,
        addressee: &Addressee,
    ) -> Result<Correspondent, StoreError> {
        let encrypts =
            addressee.came_encrypted || self.policy().terms.replies.encrypt == Encrypt::Known;
        let key = sender::key_of(self.tx, self.desk, &to.key(), self.now)?;
        Ok(Correspondent {
            certificate: key.filter(|_| encrypts),
            came_encrypted: addressee.came_encrypted,
            language: addressee.language.clone(),
            in_reply_to: addressee.last_message_id.clone(),
            references: addressee.thread.clone(),
            to,
        })
    }

    fn policy(&self) -> &Policy {
        &self.desk.policy
    }
}

/// Bytes of all files of one letter. Mail servers take 25 to 50 MB, and every file grows by a third
/// on the way, once more where it is encrypted.
pub const FILES_AT_MOST: u64 = 25_000_000;

/// Files go with words of one's own and with nothing else.
fn check_files(files: &[File], command: &Command) -> Result<(), Refusal> {
    if files.is_empty() {
        return Ok(());
    }
    if !matches!(command, Command::Reply { .. }) {
        return Err(Refusal::new(
            "files go with a reply alone; take them away".to_owned(),
        ));
    }
    let bytes: u64 = files.iter().map(|file| file.bytes.len() as u64).sum();
    if bytes > FILES_AT_MOST {
        return Err(Refusal::new(too_large(bytes)));
    }
    Ok(())
}

/// Why these files do not go, and the mend.
pub fn too_large(bytes: u64) -> String {
    format!(
        "the files hold {:.1} MB, and one mail carries {} MB; send some of them apart, or lay them \
         where the reporter can fetch them, and write the link",
        bytes as f64 / 1e6,
        FILES_AT_MOST / 1_000_000,
    )
}

/// Below words that were not sent: which files were not.
fn names_below(files: &[File]) -> String {
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("\nFiles: {}\n", names.join(", ")),
    }
}

/// Which files went, as the chain of events has it.
fn with_files(detail: &Value, files: &[File]) -> Value {
    if files.is_empty() {
        return detail.clone();
    }
    let file = |file: &File| {
        json!({"name": file.name, "size": file.bytes.len(),
               "sha256": Digest::of(&file.bytes).to_string()})
    };
    json!({"files": files.iter().map(file).collect::<Vec<_>>()})
}

/// The files of a letter as the records have them.
fn attachments(files: &[File], written: &Written) -> Vec<Attachment> {
    files
        .iter()
        .map(|file| Attachment {
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            size: file.bytes.len() as u64,
            digest: Digest::of(&file.bytes),
            excerpt: None,
            encrypted: written.letter.encrypted,
        })
        .collect()
}

/// With the dates that the record has now; those that are over, or stand still, are not promised.
fn dated(moment: &Moment, file: &CaseFile, now: DateTime<Utc>) -> Moment {
    let due = |kind| {
        let mut open = file.deadlines.iter();
        open.find(|deadline| deadline.kind == kind && deadline.paused_at.is_none())
            .map(|deadline| deadline.due_at)
            .filter(|due_at| *due_at > now)
    };
    let mut moment = moment.clone();
    match &mut moment {
        Moment::Accepted {
            severity: Some(_),
            fix_by,
        }
        | Moment::Update {
            severity: Some(_),
            fix_by,
            ..
        } => *fix_by = due(DeadlineKind::Remediate),
        Moment::Fixed { disclose_by, .. } => *disclose_by = due(DeadlineKind::Disclose),
        Moment::Accepted { severity: None, .. }
        | Moment::Update { severity: None, .. }
        | Moment::NeedsInfo { .. }
        | Moment::Rejected { .. }
        | Moment::OutOfScope { .. }
        | Moment::Duplicate
        | Moment::HeadsUp { .. }
        | Moment::Disclosed { .. }
        | Moment::Closed { .. } => {}
    }
    moment
}

#[cfg(test)]
mod tests;
