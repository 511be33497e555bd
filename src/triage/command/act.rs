//! What follows from a command: the case afterwards, what becomes of its deadlines, the letter to
//! the reporter, the event. Or why nothing does.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::{Command, When};
use crate::triage::calendar::Calendar;
use crate::triage::case::{CaseState, CloseReason, Closure, Credit, Moment, Status, Step};
use crate::triage::deadline;
use crate::triage::policy::{Deadline, DeadlineKind, Policy, Severity};

/// All that follows from one command. It is done as a whole, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Consequences {
    pub after: CaseState,
    /// In this order.
    pub clocks: Vec<ClockChange>,
    /// Name and evidence of a label to add.
    pub label: Option<(String, String)>,
    /// Dates in it are those of the record once the clocks are changed, and are filled in then.
    pub moment: Option<Moment>,
    /// Met once the letter was accepted, or is known to be undeliverable.
    pub meets: Option<DeadlineKind>,
    /// `None`: nothing changed.
    pub event: Option<Event>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub action: &'static str,
    pub detail: Value,
}

/// What becomes of a case's deadlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// A new one; one of its kind that is open is replaced.
    Set(Deadline),
    /// The policy promises none any more; what was met stays.
    Remove(DeadlineKind),
    Meet(DeadlineKind, DateTime<Utc>),
    /// What was met is said to have been met at another time.
    Correct(DeadlineKind, DateTime<Utc>),
    Waive(DeadlineKind),
    /// All that is open but for the clocks of the law, and those that a letter on its way meets.
    WaiveOpen {
        but: Vec<DeadlineKind>,
    },
    /// Those that closing waived run again.
    Unwaive,
    Pause,
    Resume,
}

/// Why a command does nothing, and the mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Refusal {
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Says what follows from a command.
pub fn act(
    case: &CaseState,
    command: &Command,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Consequences, Refusal> {
    let acting = Acting { case, policy, now };
    match command {
        Command::Severity(severity) => acting.severity(*severity),
        Command::Accept => acting.accept(),
        Command::Reject {
            reason,
            out_of_scope,
        } => acting.reject(reason, *out_of_scope),
        Command::Duplicate { of } => acting.duplicate(of),
        Command::Close { reason } => acting.close_for(reason),
        Command::Spam => acting.spam(),
        Command::NeedsInfo { words } => acting.needs_info(words.as_deref()),
        Command::Exploited { at } => acting.exploited(*at),
        Command::Fixed { on } => acting.fixed(*on),
        Command::Disclose { on, short_notice } => acting.disclose(*on, *short_notice),
        Command::Notified { clock, at } => acting.notified(*clock, *at),
        Command::Credit(credit) => Ok(acting.credit(credit)),
        Command::Token { words } => Ok(acting.token(words)),
        Command::Reward { words } => Ok(acting.reward(words)),
        Command::Assign { to } => Ok(acting.assign(to)),
        Command::Note { words } => Ok(acting.done("noted", json!({"note": words}))),
        Command::Label { name } => Ok(acting.label(name)),
        Command::Reply { words } => acting.reply(words),
        Command::Reopen => acting.reopen(),
        Command::Status => Ok(acting.nothing()),
    }
}

/// The day of publication has come: what follows. `None`: it has not, or it was published.
pub fn publish(case: &CaseState, policy: &Policy, now: DateTime<Utc>) -> Option<Consequences> {
    let at = case.disclose_at.filter(|at| *at <= now)?;
    let status = case.status.after(Step::Disclose)?;
    Some(Acting { case, policy, now }.published(status, at))
}

struct Acting<'a> {
    case: &'a CaseState,
    policy: &'a Policy,
    now: DateTime<Utc>,
}

impl Acting<'_> {
    fn severity(&self, severity: Severity) -> Result<Consequences, Refusal> {
        self.must_be_open()?;
        let mut done = self.nothing();
        if self.case.severity == Some(severity) {
            return Ok(done);
        }
        done.after.severity = Some(severity);
        done.event = Some(Event {
            action: "severity",
            detail: json!({"severity": severity.as_str(),
                           "before": self.case.severity.map(Severity::as_str)}),
        });
        // What is fixed was mended in time or late: that is settled.
        if self.case.fixed_at.is_none() {
            let remediate = deadline::remediate(self.policy, self.case.received_at, severity);
            done.clocks.push(remediate.map_or(
                ClockChange::Remove(DeadlineKind::Remediate),
                ClockChange::Set,
            ));
        }
        match self.case.status {
            Status::Accepted | Status::Fixed => {
                let update = Moment::Update {
                    severity: Some(severity),
                    fix_by: None,
                    words: None,
                };
                Ok(self.telling(done, update, &[]))
            }
            Status::New | Status::Disclosed | Status::Closed => Ok(done),
        }
    }

    fn accept(&self) -> Result<Consequences, Refusal> {
        let status = self.step(Step::Accept)?;
        let severity = self.case.severity;
        let mut done = self.done(
            "accepted",
            json!({"severity": severity.map(Severity::as_str)}),
        );
        done.after.status = status;
        self.end_pause(&mut done);
        let moment = Moment::Accepted {
            severity,
            fix_by: None,
        };
        Ok(self.telling(done, moment, &DECISION))
    }

    fn reject(&self, reason: &str, out_of_scope: bool) -> Result<Consequences, Refusal> {
        let (why, moment) = if out_of_scope {
            (CloseReason::OutOfScope, self.out_of_scope(reason))
        } else {
            let reason = reason.to_owned();
            (CloseReason::Rejected, Moment::Rejected { reason })
        };
        let done = self.closing(why, "rejected", json!({"reason": reason}))?;
        Ok(self.telling_the_end(done, moment))
    }

    /// A reason that is a rule's own name picks that rule; otherwise those count that the report
    /// matched.
    fn out_of_scope(&self, reason: &str) -> Moment {
        let named = self
            .policy
            .terms
            .scope
            .outside
            .iter()
            .find(|rule| rule.name.to_lowercase() == reason.to_lowercase());
        match named {
            Some(rule) => Moment::OutOfScope {
                rules: vec![rule.name.clone()],
                reason: None,
            },
            None => Moment::OutOfScope {
                rules: self.case.out_of_scope.clone(),
                reason: (!reason.is_empty()).then(|| reason.to_owned()),
            },
        }
    }

    fn duplicate(&self, of: &str) -> Result<Consequences, Refusal> {
        if of == self.case.number {
            return Err(self.refused("is this very case; name the one that was first"));
        }
        let mut done = self.closing(CloseReason::Duplicate, "duplicate", json!({"of": of}))?;
        done.after.duplicate_of = Some(of.to_owned());
        Ok(self.telling_the_end(done, Moment::Duplicate))
    }

    fn close_for(&self, reason: &str) -> Result<Consequences, Refusal> {
        let why = CloseReason::parse(reason);
        let done = self.closing(why, "closed", json!({"reason": reason}))?;
        let reason = reason.to_owned();
        Ok(self.telling_the_end(done, Moment::Closed { reason }))
    }

    fn spam(&self) -> Result<Consequences, Refusal> {
        let mut done = self.closing(CloseReason::Spam, "spam", Value::Null)?;
        done.clocks.push(ClockChange::WaiveOpen { but: Vec::new() });
        Ok(done)
    }

    /// What every end of a case has in common. A publication that was planned is off.
    fn closing(
        &self,
        reason: CloseReason,
        action: &'static str,
        detail: Value,
    ) -> Result<Consequences, Refusal> {
        let status = self.step(Step::Close)?;
        let mut done = self.done(action, detail);
        done.after.closure = Some(Closure {
            reason,
            before: self.case.status,
        });
        done.after.status = status;
        if self.case.status != Status::Disclosed {
            done.after.disclose_at = None;
            done.after.heads_up_at = None;
        }
        self.end_pause(&mut done);
        Ok(done)
    }

    fn telling_the_end(&self, done: Consequences, moment: Moment) -> Consequences {
        let mut done = self.telling(done, moment, &DECISION);
        let but = match done.moment {
            Some(_) => DECISION.to_vec(),
            None => Vec::new(),
        };
        done.clocks.push(ClockChange::WaiveOpen { but });
        done
    }

    fn needs_info(&self, words: Option<&str>) -> Result<Consequences, Refusal> {
        match self.case.status {
            Status::New | Status::Accepted => {}
            Status::Fixed | Status::Disclosed | Status::Closed => return Err(self.over()),
        }
        if words.is_none() && self.case.missing.is_empty() {
            return Err(
                self.refused("lacks nothing that the policy asks for; write what you want to know")
            );
        }
        // Deadlines that wait for whom nobody asked would wait for ever.
        self.must_be_reachable()?;
        let asks: Vec<&str> = self.case.missing.iter().map(|part| part.as_str()).collect();
        let mut done = self.done("needs_info", json!({"asks": asks, "words": words}));
        done.after.paused = true;
        done.clocks.push(ClockChange::Pause);
        let moment = Moment::NeedsInfo {
            asks: self.case.missing.clone(),
            words: words.map(str::to_owned),
        };
        Ok(self.telling(done, moment, &[]))
    }

    fn exploited(&self, at: Option<When>) -> Result<Consequences, Refusal> {
        self.must_be_open()?;
        if let (None, Some(known_at)) = (at, self.case.exploited_at) {
            // Nobody learns of it twice: the clocks of the law would begin anew.
            return Err(self.refused(&format!(
                "is known to be exploited since {} already, and its clocks run from then; to \
                 correct that, give the time",
                self.calendar().show(known_at)
            )));
        }
        let at = self.point(at)?;
        let mut done = self.done(
            "exploited",
            json!({"known_at": at, "before": self.case.exploited_at}),
        );
        done.after.exploited_at = Some(at);
        done.label = Some((
            "active_exploitation".to_owned(),
            "set with /exploited".to_owned(),
        ));
        let report = self
            .case
            .fixed_at
            .and_then(|fixed_at| deadline::final_report(self.policy, fixed_at));
        let clocks = deadline::exploited(self.policy, at).into_iter();
        done.clocks
            .extend(clocks.chain(report).map(ClockChange::Set));
        Ok(done)
    }

    fn notified(&self, kind: DeadlineKind, at: Option<When>) -> Result<Consequences, Refusal> {
        let Some(known_at) = self.case.exploited_at else {
            return Err(self.refused("is not known to be exploited; `exploited` it first"));
        };
        let at = self.point(at)?;
        if at < known_at {
            return Err(self.refused(&format!(
                "is known to be exploited since {}, so nobody was notified before",
                self.calendar().show(known_at)
            )));
        }
        match self.case.clock(kind) {
            Some(clock) if !clock.state.is_settled() => {}
            Some(clock) => {
                return Err(self.refused(&format!(
                    "has met {}: it is {}",
                    kind.as_str(),
                    clock.state.as_str()
                )));
            }
            None if kind == DeadlineKind::FinalReport && self.case.fixed_at.is_none() => {
                return Err(self.refused(
                    "has no final_report to meet: it starts with the fix; `fixed` it first",
                ));
            }
            None => {
                return Err(self.refused(&format!(
                    "has no {} to meet: the policy promised none",
                    kind.as_str()
                )));
            }
        }
        let mut done = self.done(
            "notified",
            json!({"clock": kind.as_str(), "notified_at": at}),
        );
        done.clocks.push(ClockChange::Meet(kind, at));
        Ok(done)
    }

    fn fixed(&self, on: NaiveDate) -> Result<Consequences, Refusal> {
        let status = self.step(Step::Fix)?;
        if on > self.calendar().date_of(self.now) {
            return Err(self.refused(&format!(
                "cannot be fixed on {on}: that day is ahead; say so once the fix is out"
            )));
        }
        let at = self.calendar().start_of_day(on);
        if self.case.fixed_at == Some(at) {
            return Err(self.refused(&format!("is noted as fixed on {on} already")));
        }
        let mut done = self.done("fixed", json!({"on": on, "before": self.case.fixed_at}));
        done.after.status = status;
        done.after.fixed_at = Some(at);
        self.end_pause(&mut done);
        // The day counts as a whole, and the report may have come in the course of it.
        let met_at = at.max(self.case.received_at);
        done.clocks.push(match self.case.fixed_at {
            None => ClockChange::Meet(DeadlineKind::Remediate, met_at),
            Some(_) => ClockChange::Correct(DeadlineKind::Remediate, met_at),
        });
        if status != Status::Disclosed {
            let disclose = deadline::disclose(self.policy, at);
            done.clocks.extend(disclose.map(ClockChange::Set));
        }
        if self.case.exploited_at.is_some() {
            let report = deadline::final_report(self.policy, at);
            done.clocks.extend(report.map(ClockChange::Set));
        }
        let moment = Moment::Fixed {
            on,
            asks_for_credit: self.case.credit.is_none(),
            disclose_by: None,
        };
        Ok(self.telling(done, moment, self.decision_on_the_way()))
    }

    fn disclose(&self, on: NaiveDate, short_notice: bool) -> Result<Consequences, Refusal> {
        let published = self.step(Step::Disclose)?;
        let at = self.calendar().start_of_day(on);
        if self.case.disclose_at == Some(at) {
            return Err(self.refused(&format!("is planned to be disclosed on {on} already")));
        }
        if !short_notice {
            self.must_be_ripe(on)?;
        }
        if at <= self.now {
            return Ok(self.published(published, at));
        }
        let mut done = self.done(
            "disclosure_planned",
            json!({"on": on, "short_notice": short_notice, "before": self.case.disclose_at}),
        );
        if let Some(accepted) = self.case.status.after(Step::Accept) {
            done.after.status = accepted;
            self.end_pause(&mut done);
        }
        done.after.disclose_at = Some(at);
        done.after.heads_up_at = Some(self.now);
        let moment = Moment::HeadsUp {
            on,
            asks_for_credit: self.case.credit.is_none(),
        };
        Ok(self.telling(done, moment, self.decision_on_the_way()))
    }

    fn published(&self, status: Status, at: DateTime<Utc>) -> Consequences {
        let on = self.calendar().date_of(at);
        let mut done = self.done("disclosed", json!({"on": on}));
        done.after.status = status;
        done.after.disclose_at = Some(at);
        self.end_pause(&mut done);
        done.clocks.extend([
            ClockChange::Meet(DeadlineKind::Disclose, at),
            ClockChange::Waive(DeadlineKind::Update),
        ]);
        let credit = match &self.case.credit {
            Some(Credit::Yes { name, .. }) => Some(name.clone()),
            Some(Credit::No) | None => None,
        };
        let moment = Moment::Disclosed { on, credit };
        self.telling(done, moment, self.decision_on_the_way())
    }

    /// Nobody is told late, and nothing is published that is not mended, by mistake.
    fn must_be_ripe(&self, on: NaiveDate) -> Result<(), Refusal> {
        let Some(fixed_at) = self.case.fixed_at else {
            return Err(
                self.refused("is not fixed; `fixed` it first, or give short notice expressly")
            );
        };
        let fixed_on = self.calendar().date_of(fixed_at);
        if on < fixed_on {
            return Err(self.refused(&format!(
                "cannot be disclosed on {on}: its fix shipped on {fixed_on}; give a later day, or \
                 short notice expressly"
            )));
        }
        let Some((span, earliest)) = self.earliest_publication(on) else {
            return Ok(());
        };
        if on >= earliest {
            return Ok(());
        }
        Err(self.refused(&format!(
            "cannot be disclosed on {on}: the reporter is told {span} ahead, so the earliest day \
             is {earliest}; or give short notice expressly"
        )))
    }

    /// The first day that the reporter hears of so long before it as the policy says. A day that
    /// was put off counts from when the earlier one was told.
    fn earliest_publication(&self, on: NaiveDate) -> Option<(String, NaiveDate)> {
        let span = self.policy.terms.disclosure.heads_up?;
        if self.case.unreachable.is_some() {
            return None;
        }
        let planned = self.case.disclose_at.map(|at| self.calendar().date_of(at));
        let told_at = self
            .case
            .heads_up_at
            .filter(|_| planned.is_some_and(|planned| planned <= on));
        let ripe_at = self.calendar().due(told_at.unwrap_or(self.now), span);
        let day = self.calendar().date_of(ripe_at);
        let earliest = if self.calendar().start_of_day(day) >= ripe_at {
            day
        } else {
            day.succ_opt()?
        };
        Some((span.to_string(), earliest))
    }

    fn credit(&self, credit: &Credit) -> Consequences {
        let detail = match credit {
            Credit::No => json!({"credit": "no"}),
            Credit::Yes { name, link } => json!({"credit": "yes", "name": name, "link": link}),
        };
        let mut done = self.done("credit", detail);
        done.after.credit = Some(credit.clone());
        done
    }

    fn token(&self, words: &str) -> Consequences {
        let mut done = self.done("token", json!({"token": words}));
        done.after.token = Some(words.to_owned());
        done
    }

    fn reward(&self, words: &str) -> Consequences {
        let mut done = self.done("reward", json!({"reward": words}));
        done.after.reward = Some(words.to_owned());
        done
    }

    fn assign(&self, to: &str) -> Consequences {
        let mut done = self.done("assigned", json!({"to": to, "before": self.case.assignee}));
        done.after.assignee = Some(to.to_owned());
        done
    }

    fn label(&self, name: &str) -> Consequences {
        let mut done = self.done("labelled", json!({"label": name}));
        done.label = Some((name.to_owned(), "set by the team".to_owned()));
        done
    }

    fn reply(&self, words: &str) -> Result<Consequences, Refusal> {
        self.must_be_reachable()?;
        let update = Moment::Update {
            severity: None,
            fix_by: None,
            words: Some(words.to_owned()),
        };
        let done = self.done("replied", Value::Null);
        Ok(self.telling(done, update, &[]))
    }

    fn reopen(&self) -> Result<Consequences, Refusal> {
        let Some(closure) = &self.case.closure else {
            return Err(self.refused(&format!("is {}, not closed", self.case.status.as_str())));
        };
        let status = self.step(Step::Reopen {
            before: closure.before,
        })?;
        let mut done = self.done("reopened", json!({"reason": closure.reason.as_str()}));
        done.after.status = status;
        done.after.closure = None;
        done.after.duplicate_of = None;
        done.clocks.push(ClockChange::Unwaive);
        // Nobody owed a word while it was closed.
        done.clocks.extend(match status.is_open() {
            true if !self.is_promised_updates(status) => self.moot_update(),
            true => deadline::restart_update(self.policy, self.now).map(ClockChange::Set),
            false => Some(ClockChange::Waive(DeadlineKind::Update)),
        });
        Ok(done)
    }

    fn nothing(&self) -> Consequences {
        Consequences {
            after: self.case.clone(),
            clocks: Vec::new(),
            label: None,
            moment: None,
            meets: None,
            event: None,
        }
    }

    fn done(&self, action: &'static str, detail: Value) -> Consequences {
        Consequences {
            event: Some(Event { action, detail }),
            ..self.nothing()
        }
    }

    /// With a letter, and with what it will meet. Where nobody can be written to, that is met at
    /// once, and the event says why; nobody waits for an update then, and no command could send one.
    fn telling(
        &self,
        mut done: Consequences,
        moment: Moment,
        meets: &[DeadlineKind],
    ) -> Consequences {
        let Some(why) = &self.case.unreachable else {
            done.moment = Some(moment);
            // `acknowledge` is met by any letter of a person.
            done.meets = meets
                .iter()
                .copied()
                .find(|kind| *kind == DeadlineKind::Triage);
            return done;
        };
        if let Some(event) = &mut done.event
            && let Value::Object(detail) = &mut event.detail
        {
            detail.insert("no_letter".to_owned(), json!(why));
        }
        let met = meets
            .iter()
            .map(|kind| ClockChange::Meet(*kind, self.now))
            .collect::<Vec<_>>();
        done.clocks.extend(met);
        done.clocks.extend(self.moot_update());
        done
    }

    /// An `update` that a case had before it was known that nobody can be written to.
    fn moot_update(&self) -> Option<ClockChange> {
        let runs = self.case.clock(DeadlineKind::Update).is_some();
        (runs && self.case.unreachable.is_some())
            .then_some(ClockChange::Waive(DeadlineKind::Update))
    }

    /// What is no report was promised no further word, unless somebody accepted it as one; nor was
    /// whom nobody can write to.
    fn is_promised_updates(&self, status: Status) -> bool {
        self.case.unreachable.is_none()
            && (status != Status::New || self.case.clock(DeadlineKind::Update).is_some())
    }

    /// A decision that is no longer awaited.
    fn end_pause(&self, done: &mut Consequences) {
        if self.case.paused {
            done.after.paused = false;
            done.clocks.push(ClockChange::Resume);
        }
    }

    /// What goes on with a case that nobody decided on decides on it.
    fn decision_on_the_way(&self) -> &'static [DeadlineKind] {
        match self.case.status {
            Status::New => &DECISION,
            Status::Accepted | Status::Fixed | Status::Disclosed | Status::Closed => &[],
        }
    }

    fn step(&self, step: Step) -> Result<Status, Refusal> {
        self.case.status.after(step).ok_or_else(|| self.over())
    }

    fn must_be_open(&self) -> Result<(), Refusal> {
        match self.case.status {
            Status::Closed => Err(self.over()),
            Status::New | Status::Accepted | Status::Fixed | Status::Disclosed => Ok(()),
        }
    }

    fn must_be_reachable(&self) -> Result<(), Refusal> {
        match &self.case.unreachable {
            None => Ok(()),
            Some(why) => Err(self.refused(&format!("has nobody to write to: {why}"))),
        }
    }

    /// The case has gone too far for this.
    fn over(&self) -> Refusal {
        match &self.case.closure {
            Some(closure) => self.refused(&format!(
                "is closed ({}); `reopen` it first",
                closure.reason
            )),
            None => self.refused(&format!("is {} already", self.case.status.as_str())),
        }
    }

    fn refused(&self, what: &str) -> Refusal {
        Refusal(format!("{} {what}", self.case.number))
    }

    /// A point in time that is not ahead.
    fn point(&self, at: Option<When>) -> Result<DateTime<Utc>, Refusal> {
        let Some(at) = at else { return Ok(self.now) };
        let at = at.instant(self.calendar());
        if at > self.now {
            return Err(Refusal(format!(
                "{} is ahead; give a time that is past",
                self.calendar().show(at)
            )));
        }
        Ok(at)
    }

    fn calendar(&self) -> &Calendar {
        &self.policy.calendar
    }
}

/// What a letter meets that tells the reporter of a decision.
const DECISION: [DeadlineKind; 2] = [DeadlineKind::Triage, DeadlineKind::Acknowledge];
