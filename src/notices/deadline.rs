//! Deadlines that came near or were missed, and mails that tell of exploitation.

use super::deeds::{self, Deed};
use super::sheet::{Block, Fact, Sheet, commands};
use super::words::one_line;
use super::{Notice, NoticeKind, Reader};
use crate::commands::reached;
use crate::store::deadlines::{About, Alarm, Threshold, Warning};
use crate::triage::calendar::how_far;
use crate::triage::policy::DeadlineKind;

/// Deadlines that one mail describes; of more it says how many they are.
const DESCRIBED_AT_MOST: usize = 40;

/// Deadlines that came near or were missed, as one mail.
pub fn of_warnings(warnings: &[&Warning], reader: &Reader<'_>) -> Notice {
    let described = warnings.iter().take(DESCRIBED_AT_MOST);
    let mut blocks: Vec<Block> = described
        .flat_map(|warning| of_warning(warning, reader))
        .collect();
    blocks.extend(more(warnings.len()));
    blocks.push(Block::Words(
        "Each deadline is told at 80 and at 100 percent of its time, once.".to_owned(),
    ));
    let subject = headline(warnings, reader);
    let sheet = Sheet {
        title: subject.clone(),
        blocks,
        foot: reader.foot(),
    };
    reader.notice(NoticeKind::Warning, subject, &sheet)
}

fn more(all: usize) -> Option<Block> {
    let more = all.saturating_sub(DESCRIBED_AT_MOST);
    (more > 0).then(|| Block::Words(format!("And {more} more: triaged case list")))
}

fn headline(warnings: &[&Warning], reader: &Reader<'_>) -> String {
    let missed = warnings
        .iter()
        .filter(|warning| warning.threshold == Threshold::Missed)
        .count();
    match warnings {
        [only] => {
            let (number, kind) = (&only.about.case.number, only.deadline.kind.as_str());
            let far = how_far(only.deadline.due_at, reader.now);
            match only.threshold {
                Threshold::Missed => format!("[{number}] {kind} was missed {far}"),
                Threshold::Soon => format!("[{number}] {kind} is due {far}"),
            }
        }
        several => format!(
            "{} deadlines need you, {missed} of them missed",
            several.len()
        ),
    }
}

fn of_warning(warning: &Warning, reader: &Reader<'_>) -> Vec<Block> {
    let (about, kind) = (&warning.about, warning.deadline.kind);
    let number = &about.case.number;
    let stands = match warning.threshold {
        Threshold::Missed => "MISSED".to_owned(),
        Threshold::Soon => {
            format!("{} percent have passed", warning.threshold.percent())
        }
    };
    let far = how_far(warning.deadline.due_at, reader.now);
    let why = format!("{} (policy {})", warning.why, warning.policy_version);
    let mut facts = vec![
        Fact::new("due", format!("{} ({far})", warning.due)),
        Fact::new("because", why),
    ];
    facts.extend(of_case(about));
    let mut blocks = vec![
        Block::Heading(format!("{number}  {}: {stands}", kind.as_str())),
        Block::Facts(facts),
    ];
    let mut deeds = what_meets(kind);
    let (email, robot) = (about.reporter.as_deref(), about.robot.as_deref());
    if reached(email, robot, &reader.desk.organization).is_err() {
        deeds.retain(|deed| !deed.is_letter());
    }
    let deeds = deeds::for_reader(deeds, reader);
    blocks.extend(commands(number, &deeds, reader.address()));
    blocks
}

fn of_case(about: &About) -> [Fact; 3] {
    let nobody = || "nobody".to_owned();
    let reporter = about.reporter.as_deref().map_or_else(nobody, one_line);
    let assignee = about.assignee.as_deref().map_or_else(nobody, one_line);
    [
        Fact::new("subject", one_line(&about.subject)),
        Fact::new("reporter", reporter),
        Fact::new("assigned", assignee),
    ]
}

/// The commands that meet a deadline.
fn what_meets(kind: DeadlineKind) -> Vec<Deed> {
    match kind {
        // Any letter of a person, also the one about a decision.
        DeadlineKind::Acknowledge => vec![Deed::reply(), Deed::new("accept", &["/accept"])],
        DeadlineKind::Update => vec![Deed::reply()],
        DeadlineKind::Triage => vec![
            Deed::new("accept", &["/accept"]),
            Deed::wanting("reject", "/reject ", "REASON"),
            Deed::wanting("duplicate", "/duplicate ", "NUMBER"),
            Deed::wanting("close", "/close ", "REASON"),
        ],
        DeadlineKind::Remediate => vec![Deed::wanting("fixed", "/fixed ", "DATE")],
        DeadlineKind::Disclose => vec![Deed::wanting("disclose", "/disclose ", "DATE")],
        DeadlineKind::EarlyWarning | DeadlineKind::Notification | DeadlineKind::FinalReport => {
            let line = format!("/notified {}", kind.as_str());
            vec![Deed::new("notified", &[&line])]
        }
    }
}

/// Mails that tell of exploitation, as one mail. The law counts from when we knew of it, which may
/// be when the mail came: that instant is offered.
pub fn of_alarms(alarms: &[&Alarm], reader: &Reader<'_>) -> Notice {
    let described = alarms.iter().take(DESCRIBED_AT_MOST);
    let mut blocks: Vec<Block> = described
        .flat_map(|alarm| of_alarm(alarm, reader))
        .collect();
    blocks.extend(more(alarms.len()));
    blocks.push(Block::Words(
        "The clocks of the law (early warning, notification) count from when you knew of the \
         exploitation. Nothing starts them but the command."
            .to_owned(),
    ));
    let subject = match alarms {
        [only] => format!("[{}] a mail tells of exploitation", only.about.case.number),
        several => format!("{} mails tell of exploitation", several.len()),
    };
    let sheet = Sheet {
        title: subject.clone(),
        blocks,
        foot: reader.foot(),
    };
    reader.notice(NoticeKind::Alarm, subject, &sheet)
}

fn of_alarm(alarm: &Alarm, reader: &Reader<'_>) -> Vec<Block> {
    let number = &alarm.about.case.number;
    let arrived = reader.calendar().show(alarm.arrived_at);
    let far = how_far(alarm.arrived_at, reader.now);
    let mut facts = vec![Fact::new("arrived", format!("{arrived} ({far})"))];
    facts.extend(of_case(&alarm.about));
    let mut blocks = vec![
        Block::Alert(format!(
            "{number}: a mail says that the weakness is exploited already"
        )),
        Block::Facts(facts),
    ];
    let deeds = deeds::for_reader(vec![Deed::exploited(alarm.arrived_at)], reader);
    blocks.extend(commands(number, &deeds, reader.address()));
    blocks
}
