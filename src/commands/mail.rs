//! Commands that came by mail: used once, carried out all together or not at all, and told to the
//! member whose signature they bear.
//!
//! ```text
//! triage::orders::read      pure: who signed what; which lines are commands
//! tx.use_command_mail       once, whatever comes of it
//! carry_out                 each command, in one savepoint
//! transcript                what changed, or what was wrong and that nothing was changed
//! ```
//! In the transaction that records the mail.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{CommandError, Done, FILES_AT_MOST, Given, carry_out_with, too_large};
use crate::letters::{Desk, LetterError};
use crate::mail::compose::File;
use crate::mail::message::Message;
use crate::notices::{Notice, NoticeKind};
use crate::store::audit::Actor;
use crate::store::cases::CaseView;
use crate::store::orders::REFUSED;
use crate::store::tidings::{NewTiding, TidingKind};
use crate::store::{StoreError, Tx};
use crate::triage::command::Command;
use crate::triage::decide::CaseRef;
use crate::triage::orders::{self, FromMember, Lines, Order, Orders, Said, Why, Wrong};

mod transcript;

/// Over so long a time what was refused is counted.
const WINDOW: TimeDelta = TimeDelta::hours(24);
/// So many that are refused in it are told to the team.
const TELLS_TEAM_AT: usize = 3;
/// What anybody can cause without a new signature is answered to a member so often in it.
const ANSWERS_AT_MOST: usize = 3;
/// What is looked at of a day in which somebody tries without end.
const LOOKED_AT: usize = 200;
/// Under this name stands when the team was told last.
const TOLD_AT: &str = "refused_told_at";

/// A recorded mail that asks something of us.
pub struct Asked<'a> {
    pub orders: &'a Orders,
    pub message: &'a Message,
    /// Its row among the messages.
    pub id: i64,
    pub received_at: DateTime<Utc>,
    /// Why nothing is to be done with it but to record it.
    pub only_recorded: Option<&'static str>,
    /// A program wrote it.
    pub is_automatic: bool,
    /// Reads these files of the mail again, as far as that is possible.
    pub files: &'a dyn Fn(&[usize]) -> Vec<File>,
}

/// Does what a mail asks of us, and tells the member. Of what a stranger tried it keeps the event.
pub fn take_up(
    tx: &Tx<'_>,
    desk: &Desk,
    asked: &Asked<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let taking = Taking {
        tx,
        desk,
        asked,
        now,
    };
    match asked.orders {
        Orders::None => Ok(()),
        Orders::OfStranger(_) if asked.is_automatic => Ok(()),
        Orders::OfStranger(why) => taking.refused_to_stranger(*why),
        Orders::OfMember(member) => taking.of_member(member),
    }
}

/// A command that was carried out.
struct Step<'a> {
    order: &'a Order,
    case: CaseRef,
    done: Done,
}

fn is_reply(order: &Order) -> bool {
    matches!(order.command, Command::Reply { .. })
}

/// What a member hears of a mail.
enum Outcome<'a> {
    Done(Vec<Step<'a>>, Vec<CaseView>),
    /// The lines, each with what is wrong.
    Wrong(Vec<Wrong>),
    Refused(Why),
    UsedBefore,
    NoCommand,
}

impl Outcome<'_> {
    /// For the event; `None`: it was done.
    fn why(&self) -> Option<&'static str> {
        match self {
            Self::Done(..) => None,
            Self::Wrong(_) => Some("wrong"),
            Self::Refused(why) => Some(why.as_str()),
            Self::UsedBefore => Some("used_before"),
            Self::NoCommand => Some(NO_COMMAND),
        }
    }
}

const NO_COMMAND: &str = "no_command";

/// Why commands of a mail do nothing.
enum Undone {
    Store(StoreError),
    Wrong(Wrong),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Undone {
    /// What the case says to a line is for the member; what fails otherwise is a fault of ours.
    fn of(order: &Order, error: CommandError) -> Self {
        let why = match error {
            CommandError::Store(StoreError::Refused(why)) => why,
            CommandError::Store(error) => return Self::Store(error),
            CommandError::Letter(LetterError::KeyAway(away)) => {
                return Self::Store(StoreError::Postponed(away.to_string()));
            }
            error @ (CommandError::Letter(_) | CommandError::Refused(_)) => error.to_string(),
        };
        Self::Wrong(Wrong {
            line: order.line.clone(),
            why,
            instead: None,
        })
    }
}

struct Taking<'a> {
    tx: &'a Tx<'a>,
    desk: &'a Desk,
    asked: &'a Asked<'a>,
    now: DateTime<Utc>,
}

impl Taking<'_> {
    fn of_member(&self, member: &FromMember) -> Result<(), StoreError> {
        let is_new = self.use_marks(member)?;
        if let Some(why) = self.asked.only_recorded {
            let detail = json!({"why": "only_recorded", "because": why, "member": member.email});
            return self
                .tx
                .event(self.now, &Actor::Daemon, "commands_left", None, detail);
        }
        let outcome = self.outcome(member, is_new)?;
        let told = self.may_answer(member, is_new)?;
        if let Some(why) = outcome.why() {
            self.refused(member, &outcome, why, told)?;
        }
        if told {
            self.tell(member, &outcome)?;
        }
        Ok(())
    }

    /// Each signature of a mail is used up by it, whatever comes of it.
    fn use_marks(&self, member: &FromMember) -> Result<bool, StoreError> {
        let mut is_new = true;
        for mark in &member.marks {
            is_new &= self.tx.use_command_mail(mark, self.now)?;
        }
        Ok(is_new)
    }

    fn outcome<'m>(&self, member: &'m FromMember, is_new: bool) -> Result<Outcome<'m>, StoreError> {
        Ok(match &member.said {
            Said::Nothing => Outcome::NoCommand,
            Said::Refused(why) => Outcome::Refused(*why),
            Said::Commands(_) if !is_new => Outcome::UsedBefore,
            Said::Commands(lines) if !lines.wrong.is_empty() => Outcome::Wrong(lines.wrong.clone()),
            Said::Commands(lines) => match self.all_or_none(member, lines)? {
                Ok(done) => done,
                Err(wrong) => Outcome::Wrong(vec![wrong]),
            },
        })
    }

    fn all_or_none<'m>(
        &self,
        member: &FromMember,
        lines: &'m Lines,
    ) -> Result<Result<Outcome<'m>, Wrong>, StoreError> {
        match self.tx.isolated(|| self.carry_out_all(member, lines))? {
            Ok(done) => Ok(Ok(done)),
            Err(Undone::Wrong(wrong)) => Ok(Err(wrong)),
            Err(Undone::Store(error)) => Err(error),
        }
    }

    fn carry_out_all<'m>(
        &self,
        member: &FromMember,
        lines: &'m Lines,
    ) -> Result<Outcome<'m>, Undone> {
        let actor = Actor::Member(member.name.clone());
        let files = self.files(lines).map_err(Undone::Wrong)?;
        let mut steps = Vec::new();
        for order in &lines.orders {
            let given = Given {
                command: &order.command,
                files: if is_reply(order) { &files } else { &[] },
                actor: &actor,
            };
            let (case, done) = self
                .carry_out(order, &given)
                .map_err(|error| Undone::of(order, error))?;
            steps.push(Step { order, case, done });
        }
        let cases = self.cases(&steps)?;
        Ok(Outcome::Done(steps, cases))
    }

    fn carry_out(&self, order: &Order, given: &Given<'_>) -> Result<(CaseRef, Done), CommandError> {
        let (tx, desk, now) = (self.tx, self.desk, self.now);
        let case = tx.case_by_number(&order.case)?;
        let done = carry_out_with(tx, desk, &case, given, now)?;
        Ok((case, done))
    }

    /// What goes along with the words of `/reply`: the files under the same signature.
    fn files(&self, lines: &Lines) -> Result<Vec<File>, Wrong> {
        // There is one at most: all that is below it belongs to it.
        let reply = lines.orders.iter().find(|order| is_reply(order));
        let Some(reply) = reply.filter(|_| !lines.files.is_empty()) else {
            return Ok(Vec::new());
        };
        let wrong = |why: String| Wrong {
            line: reply.line.clone(),
            why,
            instead: None,
        };
        let attachments = &self.asked.message.attachments;
        let named = lines.files.iter().filter_map(|at| attachments.get(*at));
        let bytes: u64 = named.map(|attachment| attachment.size).sum();
        if bytes > FILES_AT_MOST {
            return Err(wrong(too_large(bytes)));
        }
        let files = (self.asked.files)(&lines.files);
        if files.len() < lines.files.len() {
            let why = "a file of this mail could not be read again; send the mail once more";
            return Err(wrong(why.to_owned()));
        }
        Ok(files)
    }

    /// The cases as they are after all of it, each once.
    fn cases(&self, steps: &[Step<'_>]) -> Result<Vec<CaseView>, StoreError> {
        let mut cases: Vec<CaseView> = Vec::new();
        for step in steps {
            if !cases.iter().any(|case| case.id == step.case.number) {
                cases.push(self.tx.case_detail(&step.case, self.now)?.case);
            }
        }
        Ok(cases)
    }

    /// Who forges mails in a member's name, or sends theirs again, must not fill their mailbox; and
    /// no program is answered that has not got the member's key. What came under signatures of
    /// theirs for the first time is told whatever others tried.
    fn may_answer(&self, member: &FromMember, is_new: bool) -> Result<bool, StoreError> {
        if is_new && !member.marks.is_empty() {
            return Ok(true);
        }
        if self.asked.is_automatic {
            return Ok(false);
        }
        let refused = self.tx.refused_since(self.now - WINDOW, LOOKED_AT)?;
        let answered = refused
            .iter()
            .filter(|detail| detail["member"] == member.email.as_str() && detail["told"] == true)
            .filter(|detail| detail["why"] != "wrong");
        Ok(answered.count() < ANSWERS_AT_MOST)
    }

    fn refused(
        &self,
        member: &FromMember,
        outcome: &Outcome<'_>,
        why: &str,
        told: bool,
    ) -> Result<(), StoreError> {
        let tried = match outcome {
            Outcome::Wrong(wrong) => wrong.iter().map(|wrong| wrong.line.clone()).collect(),
            _ => orders::tried(self.asked.message),
        };
        let actor = match member.marks.is_empty() {
            true => Actor::Reporter,
            false => Actor::Member(member.name.clone()),
        };
        let detail = json!({
            "why": why,
            "member": member.email,
            "from": self.from(),
            "tried": tried,
            "signed_by": self.signer(),
            "sha256": self.asked.message.digest.to_string(),
            "told": told,
        });
        self.refuse(&actor, detail)
    }

    fn refused_to_stranger(&self, why: Why) -> Result<(), StoreError> {
        let detail = json!({
            "why": why.as_str(),
            "from": self.from(),
            "tried": orders::tried(self.asked.message),
            "signed_by": self.signer(),
            "sha256": self.asked.message.digest.to_string(),
        });
        self.refuse(&Actor::Reporter, detail)
    }

    fn from(&self) -> Option<&str> {
        let from = self.asked.message.from.as_ref();
        from.map(|from| from.email.as_str())
    }

    fn signer(&self) -> Option<&str> {
        let mut signatures = self.asked.message.openpgp.signatures.iter();
        signatures.find_map(|signature| signature.fingerprint.as_deref())
    }

    /// The event, and where it is one of many the word to the team.
    fn refuse(&self, actor: &Actor, detail: Value) -> Result<(), StoreError> {
        self.tx.event(self.now, actor, REFUSED, None, detail)?;
        let since = self.now - WINDOW;
        let mut refused = self.tx.refused_since(since, LOOKED_AT)?;
        refused.retain(|detail| detail["why"] != NO_COMMAND);
        let was_told = self.tx.fact(TOLD_AT)?;
        if refused.len() < TELLS_TEAM_AT || was_told.is_some_and(|at| at > since.timestamp()) {
            return Ok(());
        }
        self.tx.set_fact(TOLD_AT, self.now.timestamp())?;
        let tiding = NewTiding {
            kind: TidingKind::Refused,
            case: None,
            message: Some(self.asked.id),
            because: Some(&transcript::of_refused(&refused)),
        };
        self.tx.add_tiding(&tiding, self.now)
    }

    fn tell(&self, member: &FromMember, outcome: &Outcome<'_>) -> Result<(), StoreError> {
        let about = transcript::About {
            desk: self.desk,
            member,
            message: self.asked.message,
            received_at: self.asked.received_at,
            now: self.now,
        };
        let (subject, text) = about.words(outcome);
        let notice = Notice {
            kind: NoticeKind::Transcript,
            subject,
            text,
            html: None,
            files: Vec::new(),
        };
        let Some(teammate) = self.desk.team.called(&member.email) else {
            return Ok(());
        };
        let answers = self.asked.message.message_id.as_deref();
        self.desk
            .tell_member(self.tx, self.now, teammate, &notice, answers)
    }
}
