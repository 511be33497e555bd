//! What each letter says: from the case, the policy and what the rules found, to facts in words.

use chrono::{DateTime, Utc};

use super::{Answered, Desk, Lack};
use crate::mail::message::mailbox_key;
use crate::store::cases::CaseFile;
use crate::store::outbox::{Held, HeldCase};
use crate::triage::case::Moment;
use crate::triage::deadline;
use crate::triage::decide::{CaseRef, Channel, Reply};
use crate::triage::policy::{
    AcknowledgedBy, Deadline, DeadlineKind, Part, Routed, Rule, Sentence, Severity,
};
use crate::triage::reply::{self, CaseFacts, Cited, Facts, Promise, Template, Voice};
use crate::triage::rules::{Findings, Matched};

impl Desk {
    pub(super) fn answer_facts(
        &self,
        voice: &Voice,
        reply: &Reply,
        answered: &Answered<'_>,
        case: Option<&CaseFile>,
        now: DateTime<Utc>,
    ) -> Facts {
        let says_content = reply.says_content;
        if reply.template == Template::Status {
            return self.status_facts(voice, answered.asked, now);
        }
        let facts = Facts {
            promises: case.map_or_else(Vec::new, |file| {
                self.promises(voice, file, says_content, now)
            }),
            digest: (!answered.too_large).then(|| answered.message.digest.to_string()),
            key_attached: reply.attaches_key,
            too_large: answered.too_large,
            part_unread: reply.part_unread,
            asks_for_key: reply.channel == Channel::ClearWithoutContent,
            no_key_of_ours: answered.no_key_of_ours,
            unreadable: reply.template == Template::Unreadable,
            ..self.receipt_facts(voice, answered, case.map(|file| &file.case))
        };
        if !says_content || answered.too_large {
            return facts;
        }
        let facts = self.with_findings(voice, answered.findings, facts);
        self.with_request(voice, reply.template, facts)
    }

    /// How cases stand, as far as the policy lets their reporter know.
    fn status_facts(&self, voice: &Voice, asked: &[CaseFile], now: DateTime<Utc>) -> Facts {
        let tells = self.policy.terms.status;
        let case = |file: &CaseFile| CaseFacts {
            number: file.case.number.clone(),
            received: self.instant(voice, file.received_at),
            status: tells
                .status
                .then(|| voice.words.status(file.status).to_owned()),
            severity: file
                .severity
                .filter(|_| tells.severity)
                .map(|severity| voice.words.severity(severity).to_owned()),
            promises: match tells.dates {
                true => self.open_dates(voice, file, now),
                false => Vec::new(),
            },
            ..CaseFacts::default()
        };
        Facts {
            cases: asked.iter().map(case).collect(),
            ..self.common_facts()
        }
    }

    /// The dates of a case as they stand: asking for them restarts nothing.
    fn open_dates(&self, voice: &Voice, file: &CaseFile, now: DateTime<Utc>) -> Vec<Promise> {
        let runs = |it: &&Deadline| it.paused_at.is_none() && it.due_at > now;
        let dates = file.deadlines.iter().filter(runs);
        dates
            .filter_map(|deadline| {
                Some(Promise {
                    what: self.promise(voice, deadline.kind)?.to_owned(),
                    when: voice.words.due(&self.policy.calendar, deadline.due_at, now),
                })
            })
            .collect()
    }

    /// What the policy says to a request that is no report.
    fn with_request(&self, voice: &Voice, template: Template, facts: Facts) -> Facts {
        let terms = &self.policy.terms;
        let requests = &terms.requests;
        let routed = |to: &Option<Routed>| {
            let sentence = to.as_ref().map(|to| to.sentence.clone());
            (
                vec![sentence],
                to.as_ref().and_then(|to| to.address.clone()),
            )
        };
        let (sentences, turn_to) = match template {
            Template::AccessRequest => (
                vec![requests.test_account.clone(), requests.sandbox.clone()],
                None,
            ),
            Template::Question => (
                vec![requests.question.clone(), terms.recognition.reward.clone()],
                None,
            ),
            Template::Diligence => routed(&requests.diligence),
            Template::Abuse => routed(&requests.abuse),
            _ => return facts,
        };
        Facts {
            answers: sentences
                .iter()
                .flatten()
                .filter_map(|sentence| quoted(voice, sentence))
                .collect(),
            turn_to,
            ..facts
        }
    }

    /// In place of an answer that cannot be encrypted.
    pub(super) fn notice_facts(
        &self,
        voice: &Voice,
        reply: &Reply,
        answered: &Answered<'_>,
        case: Option<&CaseRef>,
        key_attached: bool,
    ) -> Facts {
        Facts {
            key_attached,
            unreadable: reply.template == Template::Unreadable,
            certificate_unusable: true,
            ..self.receipt_facts(voice, answered, case)
        }
    }

    pub(super) fn bare_notice_facts(&self, case: Option<&CaseRef>, asks_for_key: bool) -> Facts {
        Facts {
            case: case.map(|case| case.number.clone()),
            asks_for_key,
            certificate_unusable: !asks_for_key,
            ..self.common_facts()
        }
    }

    pub(super) fn combined_facts(&self, voice: &Voice, held: &Held, now: DateTime<Utc>) -> Facts {
        Facts {
            cases: held
                .cases
                .iter()
                .map(|case| self.held_case_facts(voice, case, now))
                .collect(),
            key_attached: held.attaches_key,
            ..self.common_facts()
        }
    }

    pub(super) fn combined_facts_in_clear(
        &self,
        voice: &Voice,
        held: &Held,
        lack: &Lack,
        now: DateTime<Utc>,
    ) -> Facts {
        Facts {
            certificate_unusable: matches!(lack, Lack::Unusable(_)),
            asks_for_key: matches!(lack, Lack::Unknown),
            key_attached: held.attaches_key_in_clear,
            ..self.combined_facts(voice, held, now)
        }
    }

    /// What any letter may say of a case, in clear too: nothing that only reading its mails tells.
    fn held_case_facts(&self, voice: &Voice, case: &HeldCase, now: DateTime<Utc>) -> CaseFacts {
        CaseFacts {
            number: case.file.case.number.clone(),
            received: self.instant(voice, case.file.received_at),
            digest: case.digest.map(|digest| digest.to_string()),
            unreadable: case.unreadable,
            promises: self.promises(voice, &case.file, false, now),
            ..CaseFacts::default()
        }
    }

    /// What a moment in the life of a case tells its reporter.
    pub(super) fn moment_facts(
        &self,
        voice: &Voice,
        moment: &Moment,
        case: &CaseFile,
        now: DateTime<Utc>,
    ) -> Facts {
        let due = |at: &DateTime<Utc>| voice.words.due(&self.policy.calendar, *at, now);
        let severity = |it: &Severity| voice.words.severity(*it).to_owned();
        // Where the policy gives no date for this severity, what it says instead.
        let fix_words = |set: &Option<Severity>, fix_by: &Option<DateTime<Utc>>| {
            let remediate = &self.policy.deadlines.remediate;
            let severity = set.filter(|it| remediate.for_severity(*it).is_none())?;
            let words = remediate.words.get(&severity)?;
            fix_by.is_none().then(|| quoted(voice, words)).flatten()
        };
        let page = || {
            let terms = &self.policy.terms;
            let published = terms.disclosure.page.as_ref();
            published.or(terms.recognition.page.as_ref()).cloned()
        };
        let facts = Facts {
            case: Some(case.case.number.clone()),
            ..self.common_facts()
        };
        match moment {
            Moment::NeedsInfo { asks, words } => Facts {
                missing: asks.iter().map(|part| self.wish(voice, *part)).collect(),
                words: words.clone(),
                ..facts
            },
            Moment::Accepted {
                severity: set,
                fix_by,
            } => Facts {
                severity: set.as_ref().map(severity),
                fix_by: fix_by.as_ref().map(due),
                fix_words: fix_words(set, fix_by),
                next_update: self.next_update(voice, case, now),
                disclosure: self.on_disclosure(voice),
                ..facts
            },
            Moment::Rejected { reason } | Moment::Closed { reason } => Facts {
                reason: Some(reason.clone()),
                ..facts
            },
            Moment::OutOfScope { rules, reason } => Facts {
                outside: self.rules_named(voice, rules),
                reason: reason.clone(),
                ..facts
            },
            Moment::Duplicate => facts,
            Moment::Update {
                severity: set,
                fix_by,
                words,
            } => Facts {
                severity: set.as_ref().map(severity),
                fix_by: fix_by.as_ref().map(due),
                fix_words: fix_words(set, fix_by),
                words: words.clone(),
                next_update: self.next_update(voice, case, now),
                ..facts
            },
            Moment::Fixed {
                on,
                asks_for_credit,
                disclose_by,
            } => Facts {
                on: Some(voice.words.date(*on)),
                asks_for_credit: *asks_for_credit,
                disclose_by: disclose_by.as_ref().map(due),
                disclosure: self.on_disclosure(voice),
                recognition: match asks_for_credit {
                    true => self.on_recognition(voice),
                    false => Vec::new(),
                },
                ..facts
            },
            Moment::HeadsUp {
                on,
                asks_for_credit,
            } => Facts {
                on: Some(voice.words.date(*on)),
                asks_for_credit: *asks_for_credit,
                page: page(),
                ..facts
            },
            Moment::Disclosed { on, credit } => Facts {
                on: Some(voice.words.date(*on)),
                credit: credit.clone(),
                page: page(),
                ..facts
            },
        }
    }

    /// When and as what a mail came to us.
    fn receipt_facts(
        &self,
        voice: &Voice,
        answered: &Answered<'_>,
        case: Option<&CaseRef>,
    ) -> Facts {
        Facts {
            case: case.map(|case| case.number.clone()),
            received: Some(self.instant(voice, answered.received_at)),
            safe_harbour: self.safe_harbour(voice),
            ..self.common_facts()
        }
    }

    fn common_facts(&self) -> Facts {
        Facts {
            organization: self.organization.name.clone(),
            address: self.organization.address.clone(),
            fingerprint: reply::grouped(&self.keyring.fingerprint()),
            policy_url: self.policy.url.clone(),
            security_txt: security_txt(&self.organization.address),
            ..Facts::default()
        }
    }

    /// What the rules say of a mail, in the policy's words. Only where content may be told.
    fn with_findings(&self, voice: &Voice, findings: &Findings, facts: Facts) -> Facts {
        let terms = &self.policy.terms;
        let sensitive: std::collections::BTreeSet<_> =
            findings.sensitive.iter().map(|found| found.kind).collect();
        let no_real_data = terms.report.no_real_data.as_ref();
        Facts {
            missing: findings
                .missing
                .iter()
                .map(|part| self.wish(voice, *part))
                .collect(),
            outside: matched(&terms.scope.outside, &findings.outside)
                .filter_map(|rule| cited_rule(voice, rule))
                .collect(),
            conduct: matched(&terms.conduct, &findings.conduct)
                .filter_map(|rule| quoted(voice, &rule.sentence))
                .collect(),
            inside: matched(&terms.scope.inside, &findings.inside)
                .filter_map(|rule| quoted(voice, &rule.sentence))
                .collect(),
            known: matched(&terms.known_issues, &findings.known)
                .map(|issue| Cited {
                    sentence: issue.name.clone(),
                    url: issue.url.clone(),
                    turn_to: None,
                })
                .collect(),
            known_sentence: terms
                .known_issues_sentence
                .as_ref()
                .filter(|_| !findings.known.is_empty())
                .and_then(|sentence| quoted(voice, sentence)),
            no_real_data: no_real_data
                .filter(|_| !sensitive.is_empty())
                .and_then(|sentence| quoted(voice, sentence)),
            sensitive: sensitive
                .into_iter()
                .map(|kind| voice.words.sensitive(kind).to_owned())
                .collect(),
            accidental_access: terms
                .accidental_access
                .as_ref()
                .filter(|_| findings.accidental_access.is_some())
                .and_then(|sentence| quoted(voice, sentence)),
            saw_data: findings.accidental_access.is_some(),
            ..facts
        }
    }

    /// The dates that the policy promises, in the order in which they come. Those that depend on
    /// how grave the team found the report only where the letter `says_content`. What is past is
    /// left out: an old mail that is answered at last would be promised last year.
    fn promises(
        &self,
        voice: &Voice,
        file: &CaseFile,
        says_content: bool,
        now: DateTime<Utc>,
    ) -> Vec<Promise> {
        let mut dates: Vec<(DateTime<Utc>, &str)> = file
            .deadlines
            .iter()
            .filter(|deadline| says_content || !depends_on_severity(deadline.kind))
            .filter(|deadline| deadline.paused_at.is_none())
            .filter_map(|deadline| {
                let what = self.promise(voice, deadline.kind)?;
                Some((self.runs_until(deadline, now), what))
            })
            .filter(|(due_at, _)| *due_at > now)
            .collect();
        dates.sort_by_key(|(due_at, _)| *due_at);
        let promises = dates.into_iter().map(|(due_at, what)| Promise {
            what: what.to_owned(),
            when: voice.words.due(&self.policy.calendar, due_at, now),
        });
        promises
            .chain(self.remediation(voice, file, says_content, now))
            .collect()
    }

    /// What a date promises its reporter. An acknowledgement that a letter of ours can be is no
    /// promise any more to whom the letter reaches.
    fn promise<'v>(&self, voice: &'v Voice, kind: DeadlineKind) -> Option<&'v str> {
        let is_met_by_letters = self.policy.deadlines.acknowledged_by == AcknowledgedBy::Reply;
        if kind == DeadlineKind::Acknowledge && is_met_by_letters {
            return None;
        }
        voice.words.promise(kind)
    }

    /// The letter is itself a word to the reporter: the next update counts from it.
    fn runs_until(&self, deadline: &Deadline, now: DateTime<Utc>) -> DateTime<Utc> {
        let restarted = match deadline.kind {
            DeadlineKind::Update => deadline::restart_update(&self.policy, now),
            _ => None,
        };
        restarted.map_or(deadline.due_at, |restarted| restarted.due_at)
    }

    fn next_update(&self, voice: &Voice, case: &CaseFile, now: DateTime<Utc>) -> Option<String> {
        let mut open = case.deadlines.iter();
        let update = open.find(|it| it.kind == DeadlineKind::Update && it.paused_at.is_none())?;
        let due_at = self.runs_until(update, now);
        Some(voice.words.due(&self.policy.calendar, due_at, now))
    }

    /// How soon a fix is promised for each severity, while that is open or is not to be told.
    fn remediation(
        &self,
        voice: &Voice,
        file: &CaseFile,
        says_content: bool,
        now: DateTime<Utc>,
    ) -> Option<Promise> {
        let has = |kind| file.deadlines.iter().any(|deadline| deadline.kind == kind);
        let is_told = says_content && has(DeadlineKind::Remediate);
        if is_told || !has(DeadlineKind::Triage) {
            return None;
        }
        let spans: Vec<String> = Severity::ALL
            .into_iter()
            .filter_map(|severity| {
                let fix = deadline::remediate(&self.policy, file.received_at, severity);
                if fix.as_ref().is_some_and(|fix| fix.due_at <= now) {
                    return None;
                }
                let words = self.policy.deadlines.remediate.words.get(&severity);
                let span = match words {
                    Some(words) => words.in_language(&voice.language).to_owned(),
                    None => voice.words.span(fix?.span),
                };
                Some(format!("{}: {span}", voice.words.severity(severity)))
            })
            .collect();
        (!spans.is_empty()).then(|| Promise {
            what: voice.words.by_severity().to_owned(),
            when: spans.join(", "),
        })
    }

    /// A part that a report lacks: in the policy's words where it has some.
    fn wish(&self, voice: &Voice, part: Part) -> String {
        let asks = &self.policy.terms.report.asks;
        let sentence = asks
            .iter()
            .find(|(asked, _)| *asked == part)
            .and_then(|(_, sentence)| quoted(voice, sentence.as_ref()?));
        sentence.unwrap_or_else(|| voice.words.wish(part).to_owned())
    }

    fn safe_harbour(&self, voice: &Voice) -> Option<Cited> {
        let safe_harbour = self.policy.terms.safe_harbour.as_ref()?;
        Some(Cited {
            sentence: quoted(voice, &safe_harbour.sentence)?,
            url: safe_harbour.url.clone(),
            turn_to: None,
        })
    }

    fn on_disclosure(&self, voice: &Voice) -> Option<String> {
        quoted(voice, self.policy.terms.disclosure.sentence.as_ref()?)
    }

    fn on_recognition(&self, voice: &Voice) -> Vec<String> {
        let recognition = &self.policy.terms.recognition;
        [&recognition.credit, &recognition.token, &recognition.reward]
            .into_iter()
            .flatten()
            .filter_map(|sentence| quoted(voice, sentence))
            .collect()
    }

    /// Of the policy's rules on what is out of scope.
    fn rules_named(&self, voice: &Voice, names: &[String]) -> Vec<Cited> {
        let outside = &self.policy.terms.scope.outside;
        names
            .iter()
            .filter_map(|name| outside.iter().find(|rule| rule.name == *name))
            .filter_map(|rule| cited_rule(voice, rule))
            .collect()
    }

    fn instant(&self, voice: &Voice, instant: DateTime<Utc>) -> String {
        voice.words.instant(&self.policy.calendar, instant)
    }
}

/// Only people who read the report know these.
fn depends_on_severity(kind: DeadlineKind) -> bool {
    matches!(kind, DeadlineKind::Remediate | DeadlineKind::Disclose)
}

/// The entries of the policy that speak for a mail.
fn matched<'p, T>(entries: &'p [T], matched: &'p [Matched]) -> impl Iterator<Item = &'p T> {
    matched.iter().filter_map(|it| entries.get(it.rule))
}

fn cited_rule(voice: &Voice, rule: &Rule) -> Option<Cited> {
    Some(Cited {
        sentence: quoted(voice, &rule.sentence)?,
        url: None,
        turn_to: rule
            .turn_to
            .as_ref()
            .and_then(|sentence| quoted(voice, sentence)),
    })
}

/// The policy's very words, in the reader's language where the file has it.
fn quoted(voice: &Voice, sentence: &Sentence) -> Option<String> {
    let words = sentence.in_language(&voice.language);
    (!words.trim().is_empty()).then(|| voice.words.quote(words))
}

/// Where our site says which key is ours (RFC 9116).
fn security_txt(address: &str) -> Option<String> {
    let key = mailbox_key(address);
    let (_, domain) = key.rsplit_once('@')?;
    Some(format!("https://{domain}/.well-known/security.txt"))
}
