//! What the team hears by mail: warnings of deadlines, alarms, digests.
//!
//! Each goes to each member by itself, signed and encrypted to the member's certificate; nothing of
//! a case ever leaves in clear, the outer subject included. A member whose certificate cannot be
//! used gets a notice without content, and the digest and the log name the reason.
//!
//! A notice is written in the transaction that marks what it tells as told, so that it goes out
//! once, whatever happens between.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use crate::expiry::{Expiring, Owner};
use crate::letters::Desk;
use crate::mail::compose::{self, AutoSubmitted, Draft, File, Html};
use crate::mail::message::Address;
use crate::store::audit::Actor;
use crate::store::deadlines::{About, Alarm, Threshold, Warning};
use crate::store::outbox::{Audience, NewLetter};
use crate::store::{StoreError, Tx};
use crate::team::Teammate;
use crate::triage::calendar::{Calendar, how_far};
use crate::triage::policy::DeadlineKind;

pub mod board;
pub mod digest;
pub mod page;
mod words;

use words::{fact, one_line};

/// Says nothing: subjects travel in clear.
const OUTER_SUBJECT: &str = "Encrypted message";
/// Deadlines that one mail describes; of more it says how many they are.
const DESCRIBED_AT_MOST: usize = 40;

/// Something for the team to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub kind: NoticeKind,
    pub subject: String,
    pub text: String,
    pub html: Option<Html>,
    /// Of the mail that it tells of.
    pub files: Vec<File>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Reports came.
    Report,
    /// Reporters wrote again.
    FollowUp,
    /// Mails could not be read.
    Unreadable,
    /// Answers do not arrive.
    Undeliverable,
    /// The mailbox was not read for long.
    Silence,
    /// Commands were refused, or forged.
    Refused,
    /// What a member's commands did, or why they did nothing.
    Transcript,
    /// Deadlines came near or were missed.
    Warning,
    /// A mail tells of exploitation.
    Alarm,
    /// Mails wait to be recorded.
    Waiting,
    /// A key or certificate expires.
    Expiry,
    Digest,
}

impl NoticeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report_notice",
            Self::FollowUp => "follow_up",
            Self::Unreadable => "unreadable_notice",
            Self::Undeliverable => "undeliverable",
            Self::Silence => "silence",
            Self::Refused => "refused",
            Self::Transcript => "transcript",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
            Self::Waiting => "waiting",
            Self::Expiry => "expiry",
            Self::Digest => "digest",
        }
    }
}

/// A notice for one member, and why it says nothing, if it does.
struct Addressed {
    letter: NewLetter,
    unusable_certificate: Option<String>,
}

impl Desk {
    /// Writes to each member what `of_member` has for them, into the outbox. Returns how many
    /// letters that are.
    pub fn tell_team(
        &self,
        tx: &Tx<'_>,
        now: DateTime<Utc>,
        of_member: impl Fn(&Teammate) -> Option<Notice>,
    ) -> Result<usize, StoreError> {
        let mut letters = 0;
        for member in self.team.members() {
            let Some(notice) = of_member(member) else {
                continue;
            };
            let addressed = self.notice(member, &notice, now);
            tx.enqueue(&addressed.letter)?;
            letters += 1;
            if let Some(why) = &addressed.unusable_certificate {
                let email = member.email.as_str();
                tracing::error!(
                    event = "certificate_unusable",
                    member = email,
                    "told without content: {why}"
                );
                tx.event(
                    now,
                    &Actor::Daemon,
                    "certificate_unusable",
                    None,
                    json!({"member": email, "why": why}),
                )?;
            }
        }
        Ok(letters)
    }

    fn notice(&self, to: &Teammate, notice: &Notice, now: DateTime<Utc>) -> Addressed {
        let draft = self.notice_draft(to, notice, now);
        let sealed = to.certificate(now).and_then(|certificate| {
            let bytes = compose::encrypted(&draft, OUTER_SUBJECT, |inner| {
                let sealed = self.keyring.encrypt_signed(certificate, inner, now);
                // Also where our key is away: a deadline that comes near does not wait for it.
                sealed.map_err(|error| error.to_string())
            })?;
            Ok((certificate.clone(), bytes))
        });
        match sealed {
            Ok((certificate, bytes)) => Addressed {
                letter: NewLetter {
                    encrypted: true,
                    certificate: Some(certificate),
                    ..notice_letter(notice.kind, draft, bytes, now)
                },
                unusable_certificate: None,
            },
            Err(why) => {
                let draft = without_content(draft, &why);
                // Unsigned for once where our key is away: what the team must hear does not wait for it.
                let bytes = self.in_clear_bytes(&draft, None);
                let bytes = bytes.unwrap_or_else(|_| compose::plain(&draft));
                Addressed {
                    letter: notice_letter(notice.kind, draft, bytes, now),
                    unusable_certificate: Some(why),
                }
            }
        }
    }

    fn notice_draft(&self, to: &Teammate, notice: &Notice, now: DateTime<Utc>) -> Draft {
        let own = &self.organization.address;
        let domain = own
            .rsplit_once('@')
            .map_or("localhost", |(_, domain)| domain);
        Draft {
            from: Address {
                name: Some(self.organization.name.clone()),
                email: own.clone(),
            },
            to: to.email.clone(),
            subject: notice.subject.clone(),
            text: notice.text.clone(),
            in_reply_to: None,
            references: Vec::new(),
            message_id: compose::new_message_id(domain),
            date: now,
            auto_submitted: AutoSubmitted::Generated,
            html: notice.html.clone(),
            files: notice.files.clone(),
            attach_key: None,
            autocrypt: Some(self.keyring.autocrypt(own)),
        }
    }
}

/// That there is something, and why it is not here.
fn without_content(draft: Draft, why: &str) -> Draft {
    Draft {
        subject: "A notice for you could not be encrypted".to_owned(),
        text: format!(
            "triaged has a notice for you, and nothing of it is in this mail, because it\n\
             could not be encrypted to you:\n\n    {why}\n\n\
             `triaged status` on the server shows what is open. Please give whoever looks\n\
             after the server a certificate that works; `triaged check` tries it.\n"
        ),
        html: None,
        files: Vec::new(),
        ..draft
    }
}

/// It leaves from our address, so that it comes back when it bounces, and no cap holds it.
fn notice_letter(kind: NoticeKind, draft: Draft, bytes: Vec<u8>, now: DateTime<Utc>) -> NewLetter {
    NewLetter {
        case: None,
        kind: kind.as_str().to_owned(),
        recipient: draft.to,
        envelope_from: Some(draft.from.email.clone()),
        automatic: false,
        acknowledges: false,
        audience: Audience::Team,
        meets: None,
        attaches_key: false,
        message_id: draft.message_id,
        from: draft.from.email,
        subject: draft.subject,
        text: draft.text,
        encrypted: false,
        certificate: None,
        bytes,
        written_at: now,
        not_before: now,
    }
}

/// Deadlines that came near or were missed, as one mail.
pub fn of_warnings(warnings: &[&Warning], now: DateTime<Utc>) -> Notice {
    let mut text = String::new();
    for warning in warnings.iter().take(DESCRIBED_AT_MOST) {
        text.push_str(&description(warning, now));
        text.push('\n');
    }
    let more = warnings.len().saturating_sub(DESCRIBED_AT_MOST);
    if more > 0 {
        text.push_str(&format!("And {more} more: triaged case list\n\n"));
    }
    text.push_str("Each deadline is told at 80 and at 100 percent of its time, once.\n");
    Notice {
        kind: NoticeKind::Warning,
        subject: headline(warnings, now),
        text,
        html: None,
        files: Vec::new(),
    }
}

fn headline(warnings: &[&Warning], now: DateTime<Utc>) -> String {
    let missed = warnings
        .iter()
        .filter(|warning| warning.threshold == Threshold::Missed)
        .count();
    match warnings {
        [only] => {
            let (number, kind) = (&only.about.case.number, only.deadline.kind.as_str());
            let far = how_far(only.deadline.due_at, now);
            match only.threshold {
                Threshold::Missed => format!("[{number}] {kind} was missed {far}"),
                Threshold::Half | Threshold::Soon => format!("[{number}] {kind} is due {far}"),
            }
        }
        several => format!(
            "{} deadlines need you, {missed} of them missed",
            several.len()
        ),
    }
}

fn description(warning: &Warning, now: DateTime<Utc>) -> String {
    let (about, kind) = (&warning.about, warning.deadline.kind);
    let number = &about.case.number;
    let stands = match warning.threshold {
        Threshold::Missed => "MISSED".to_owned(),
        Threshold::Half | Threshold::Soon => {
            format!("{} percent have passed", warning.threshold.percent())
        }
    };
    let far = how_far(warning.deadline.due_at, now);
    let mut text = format!("{number}  {}: {stands}\n", kind.as_str());
    text.push_str(&fact("due", &format!("{} ({far})", warning.due)));
    let why = format!("{} (policy {})", warning.why, warning.policy_version);
    text.push_str(&fact("because", &why));
    text.push_str(&of_case(about));
    for (position, command) in what_meets(kind, number).iter().enumerate() {
        let name = if position == 0 { "met by" } else { "" };
        text.push_str(&fact(name, command));
    }
    text
}

fn of_case(about: &About) -> String {
    let nobody = || "nobody".to_owned();
    let reporter = about.reporter.as_deref().map_or_else(nobody, one_line);
    let assignee = about.assignee.as_deref().map_or_else(nobody, one_line);
    [
        fact("subject", &one_line(&about.subject)),
        fact("reporter", &reporter),
        fact("assigned", &assignee),
    ]
    .concat()
}

/// The commands that meet a deadline.
fn what_meets(kind: DeadlineKind, number: &str) -> Vec<String> {
    let command = |verb: &str, rest: &str| format!("triaged case {verb} {number}{rest}");
    match kind {
        DeadlineKind::Acknowledge => vec![command("reply", " WORDS")],
        DeadlineKind::Triage => vec![
            command("accept", ""),
            command("reject", " REASON"),
            command("duplicate", " NUMBER"),
            command("close", " REASON"),
        ],
        DeadlineKind::Update => vec![command("reply", " WORDS")],
        DeadlineKind::Remediate => vec![command("fixed", " DATE")],
        DeadlineKind::Disclose => vec![command("disclose", " DATE")],
        DeadlineKind::EarlyWarning | DeadlineKind::Notification | DeadlineKind::FinalReport => {
            vec![command("notified", &format!(" {}", kind.as_str()))]
        }
    }
}

/// Mails that tell of exploitation, as one mail. The law counts from when we knew of it, which may
/// be when the mail came: that instant is offered.
pub fn of_alarms(alarms: &[&Alarm], calendar: &Calendar, now: DateTime<Utc>) -> Notice {
    let mut text = String::new();
    for alarm in alarms.iter().take(DESCRIBED_AT_MOST) {
        let number = &alarm.about.case.number;
        let arrived = calendar.show(alarm.arrived_at);
        let far = how_far(alarm.arrived_at, now);
        let instant = alarm.arrived_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        text.push_str(&format!(
            "{number}  a mail says that the weakness is exploited already\n"
        ));
        text.push_str(&fact("arrived", &format!("{arrived} ({far})")));
        text.push_str(&of_case(&alarm.about));
        let start = format!("triaged case exploited {number} {instant}");
        text.push_str(&fact("if it is so", &start));
        let by_mail = format!("/exploited {instant}");
        text.push_str(&fact("or by mail", &by_mail));
        text.push('\n');
    }
    let more = alarms.len().saturating_sub(DESCRIBED_AT_MOST);
    if more > 0 {
        text.push_str(&format!("And {more} more: triaged case list\n\n"));
    }
    text.push_str(
        "The clocks of the law (early warning, notification) count from when you knew\n\
         of the exploitation. Nothing starts them but the command.\n",
    );
    let subject = match alarms {
        [only] => format!("[{}] a mail tells of exploitation", only.about.case.number),
        several => format!("{} mails tell of exploitation", several.len()),
    };
    Notice {
        kind: NoticeKind::Alarm,
        subject,
        text,
        html: None,
        files: Vec::new(),
    }
}

/// Mails that are not recorded because a key of ours is away, as one mail.
pub fn of_waiting(mails: usize, since: DateTime<Utc>, calendar: &Calendar, why: &str) -> Notice {
    let mut text =
        "Mail waits in the mailbox and is not recorded, so that no case has its dates and\n\
                    no reporter was answered.\n\n"
            .to_owned();
    text.push_str(&fact("mails", &mails.to_string()));
    text.push_str(&fact("since", &calendar.show(since)));
    text.push_str(&fact("because", why));
    text.push_str(&fact("look at it", "triaged doctor; triaged status"));
    text.push_str(
        "\nIt is tried again by itself. Nothing is lost as long as it stays in the mailbox.\n",
    );
    Notice {
        kind: NoticeKind::Waiting,
        subject: "Mail cannot be read: a key is away".to_owned(),
        text,
        html: None,
        files: Vec::new(),
    }
}

/// Keys and certificates that expire, as one mail.
pub fn of_expiries(expiring: &[&Expiring], now: DateTime<Utc>) -> Notice {
    let mut text = String::new();
    for one in expiring.iter().take(DESCRIBED_AT_MOST) {
        let whose = match &one.owner {
            Owner::Us => "the key of the security address".to_owned(),
            Owner::Member(email) => format!("the certificate of {email}"),
        };
        text.push_str(&format!("{whose}\n"));
        text.push_str(&fact("key", &one.certificate));
        text.push_str(&fact("state", &one.stands(now)));
        // A command is to be copied: it is not folded.
        text.push_str("    to do\n");
        for step in one.steps() {
            text.push_str(&format!("        {step}\n"));
        }
        text.push('\n');
    }
    text.push_str(
        "Told 60, 30, 14 and 7 days before, and when it has expired, once each; until then\n\
         the digest and `triaged doctor` show it.\n",
    );
    let subject = match expiring {
        [only] => {
            let (whose, verb) = (
                match &only.owner {
                    Owner::Us => "our key".to_owned(),
                    Owner::Member(email) => format!("the certificate of {email}"),
                },
                if only.is_past(now) {
                    "expired"
                } else {
                    "expires"
                },
            );
            format!("{whose} {verb} {}", how_far(only.expires_at, now))
        }
        several => format!("{} keys and certificates expire", several.len()),
    };
    Notice {
        kind: NoticeKind::Expiry,
        subject,
        text,
        html: None,
        files: Vec::new(),
    }
}
