//! What the team is to hear at once: reports, follow-ups, mails that could not be read, letters
//! that do not arrive, refused commands.
//!
//! ```text
//! tx.tidings_untold      what nobody was told, of each kind
//! pace                   pure: each now, all as one mail, or later
//! gather                 the mail, its case, its files
//! Desk::tell_team        a letter to each whom it concerns; in the same transaction it is told
//! ```
//! Kinds are counted apart: a flood of a stranger's reports does not delay what a reporter of a
//! case writes. Quiet hours hold all of it back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, TimeDelta, Utc};

use super::deadlines::{alarm_told, log_alarm};
use crate::daemon::Shared;
use crate::killpoint;
use crate::letters::Desk;
use crate::mail::compose::File;
use crate::mail::open::{self, Document, Limits, Opening};
use crate::notices::came::{self, Came, Carried};
use crate::notices::sheet::Row;
use crate::notices::undeliverable::{self, Lost};
use crate::notices::{Notice, Reader, bare, refused, several};
use crate::store::cases::MessageView;
use crate::store::deadlines::Alarm;
use crate::store::tidings::{Tiding, TidingKind, ToldLately};
use crate::store::{StoreError, Tx};
use crate::team::Teammate;

/// So many notices of a kind within [`SHORTLY`] go at once, each by itself.
const AT_ONCE: usize = 5;
const SHORTLY: TimeDelta = TimeDelta::minutes(10);
/// What is beyond goes as one mail, so long after the last; the next ones wait twice as long each.
const FIRST_GAP: TimeDelta = TimeDelta::minutes(1);
const LONGEST_GAP: TimeDelta = TimeDelta::hours(1);
/// So long it is remembered how many mails told several.
const REMEMBERED: TimeDelta = TimeDelta::hours(6);
/// What one mail tells at most; the next one tells more.
const TOGETHER_AT_MOST: usize = 5_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Each,
    Together,
    Later,
}

/// `shortly` and `remembered`: what was told within these times.
fn pace(untold: usize, shortly: ToldLately, remembered: ToldLately, now: DateTime<Utc>) -> Pace {
    if shortly.mails + untold <= AT_ONCE {
        return Pace::Each;
    }
    let doubled = u32::try_from(remembered.paced).unwrap_or(u32::MAX);
    let gap = 2_i32
        .checked_pow(doubled)
        .and_then(|times| FIRST_GAP.checked_mul(times))
        .map_or(LONGEST_GAP, |gap| gap.min(LONGEST_GAP));
    match remembered.last_at {
        Some(last) if now - last < gap => Pace::Later,
        Some(_) | None => Pace::Together,
    }
}

/// Returns how many letters were written.
pub fn tell_tidings(shared: &Shared, desk: &Desk, now: DateTime<Utc>) -> Result<usize, StoreError> {
    if desk.policy.is_quiet(now) || !shared.store.read(|tx| tx.is_any_untold())? {
        return Ok(0);
    }
    let telling = Telling {
        shared,
        desk,
        now,
        bare: false,
    };
    // What hinders one kind must not silence the others.
    let told = TidingKind::ALL.map(|kind| telling.tell(kind));
    told.into_iter().sum()
}

/// One turn.
struct Telling<'a> {
    shared: &'a Shared,
    desk: &'a Desk,
    now: DateTime<Utc>,
    /// Nothing is said but that there is something: the program stumbled over it.
    bare: bool,
}

/// Something of which a notice can be written.
enum News {
    Came(Box<Came>),
    Lost(Box<Lost>),
    Refused,
    /// It is gone, or cannot be shown.
    Bare,
}

impl News {
    /// That which this tells too.
    fn alarm(&self) -> Option<Alarm> {
        let Self::Came(came) = self else { return None };
        let arrived_at = came.exploited.filter(|_| came.alarm)?;
        let about = came.tiding.about.clone()?;
        Some(Alarm { about, arrived_at })
    }
}

impl Telling<'_> {
    fn tell(&self, kind: TidingKind) -> Result<usize, StoreError> {
        let now = self.now;
        let (untold, shortly, remembered) = self.shared.store.read(|tx| {
            Ok::<_, StoreError>((
                tx.tidings_untold(kind, TOGETHER_AT_MOST)?,
                tx.told_lately(kind, now - SHORTLY, now)?,
                tx.told_lately(kind, now - REMEMBERED, now)?,
            ))
        })?;
        if untold.is_empty() {
            return Ok(0);
        }
        match pace(untold.len(), shortly, remembered, now) {
            Pace::Later => Ok(0),
            Pace::Together => self.surely(|telling| match untold.as_slice() {
                [only] => telling.tell_one(only, true),
                several => telling.tell_together(kind, several),
            }),
            Pace::Each => {
                let mut letters = 0;
                for tiding in &untold {
                    letters += self.surely(|telling| telling.tell_one(tiding, false))?;
                }
                Ok(letters)
            }
        }
    }

    /// Where the program stumbles over what it has to show, nothing was told; it is told without.
    fn surely(
        &self,
        tell: impl Fn(&Self) -> Result<usize, StoreError>,
    ) -> Result<usize, StoreError> {
        let why = match catch_unwind(AssertUnwindSafe(|| tell(self))) {
            Ok(Ok(letters)) => return Ok(letters),
            Ok(Err(error)) if error.passes_by_itself() || self.bare => return Err(error),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the program stumbled over it".to_owned(),
        };
        tracing::error!(
            event = "notice_not_made",
            "{why}; it is told without its content"
        );
        tell(&Self {
            bare: true,
            ..*self
        })
    }

    fn tell_one(&self, tiding: &Tiding, paced: bool) -> Result<usize, StoreError> {
        let news = self.gather(tiding, true)?;
        let alarm = news.alarm();
        let letters = self.shared.store.write(|tx| {
            tx.set_tidings_told(&[tiding], paced, self.now)?;
            if let Some(alarm) = &alarm {
                alarm_told(tx, alarm, self.now)?;
            }
            let letters = self.desk.tell_team(tx, self.now, |member| {
                let reader = self.reader(member);
                self.concerns(tiding, member)
                    .then(|| notice(&news, tiding, &reader))
            })?;
            killpoint::reached("told");
            Ok::<_, StoreError>(letters)
        })?;
        killpoint::reached("told_committed");
        if let Some(alarm) = &alarm {
            log_alarm(self.desk, alarm);
        }
        self.log(tiding.kind, 1, letters);
        Ok(letters)
    }

    fn tell_together(&self, kind: TidingKind, tidings: &[Tiding]) -> Result<usize, StoreError> {
        let mut news = Vec::new();
        for tiding in tidings.iter().take(several::SHOWN_AT_MOST) {
            news.push((tiding, self.gather(tiding, false)?));
        }
        let letters = self.shared.store.write(|tx| {
            let all: Vec<&Tiding> = tidings.iter().collect();
            tx.set_tidings_told(&all, true, self.now)?;
            let letters = self.desk.tell_team(tx, self.now, |member| {
                let total = all.iter().filter(|it| self.concerns(it, member)).count();
                let reader = self.reader(member);
                let rows = news
                    .iter()
                    .filter(|(tiding, _)| self.concerns(tiding, member))
                    .map(|(tiding, news)| row(news, tiding, &reader))
                    .collect();
                (total > 0).then(|| several::notice(kind, rows, total, &reader))
            })?;
            killpoint::reached("told");
            Ok::<_, StoreError>(letters)
        })?;
        killpoint::reached("told_committed");
        self.log(kind, tidings.len(), letters);
        Ok(letters)
    }

    fn reader<'r>(&'r self, member: &'r Teammate) -> Reader<'r> {
        Reader {
            desk: self.desk,
            member,
            now: self.now,
        }
    }

    fn concerns(&self, tiding: &Tiding, member: &Teammate) -> bool {
        match &tiding.about {
            Some(about) => self.desk.team.tells(member, about),
            None => {
                let keepers = self.desk.team.keepers();
                keepers.iter().any(|keeper| keeper.email == member.email)
            }
        }
    }

    /// `alone`: with all that a notice of its own shows.
    fn gather(&self, tiding: &Tiding, alone: bool) -> Result<News, StoreError> {
        let store = &self.shared.store;
        if self.bare {
            return Ok(News::Bare);
        }
        match tiding.kind {
            TidingKind::Refused => Ok(News::Refused),
            TidingKind::Undeliverable => store.read(|tx| self.lost(tx, tiding)),
            TidingKind::Report | TidingKind::FollowUp | TidingKind::Unreadable => {
                let (found, alarm) = store.read(|tx| {
                    let alarm = match &tiding.about {
                        Some(about) => tx.alarm_of(about.case.id)?,
                        None => None,
                    };
                    Ok::<_, StoreError>((tx.mail_and_case(tiding, self.now)?, alarm))
                })?;
                let Some((mail, case, evidence)) = found else {
                    return Ok(News::Bare);
                };
                let files = match alone && !mail.attachments.is_empty() {
                    true => self.files(tiding, &mail)?,
                    false => Carried::default(),
                };
                Ok(News::Came(Box::new(Came {
                    tiding: tiding.clone(),
                    case,
                    evidence,
                    mail,
                    files,
                    exploited: alarm.map(|(arrived_at, _)| arrived_at),
                    alarm: alone && alarm.is_some_and(|(_, is_due)| is_due),
                })))
            }
        }
    }

    fn lost(&self, tx: &Tx<'_>, tiding: &Tiding) -> Result<News, StoreError> {
        let letter = match tiding.message {
            Some(message) => tx.lost_letter(message)?,
            None => None,
        };
        let Some(letter) = letter else {
            return Ok(News::Bare);
        };
        let case = match &tiding.about {
            Some(about) => Some(tx.case_as_it_stands(about.case.id, self.now)?),
            None => None,
        };
        Ok(News::Lost(Box::new(Lost {
            tiding: tiding.clone(),
            letter,
            case,
        })))
    }

    /// The files of a mail as they came, as far as they are small enough together.
    fn files(&self, tiding: &Tiding, mail: &MessageView) -> Result<Carried, StoreError> {
        let small = came::small_enough(&mail.attachments);
        let raw = match tiding.message {
            Some(message) if !small.is_empty() => {
                self.shared.store.read(|tx| tx.raw_mail(message))?
            }
            Some(_) | None => None,
        };
        let files = raw.map_or_else(Vec::new, |raw| self.files_in(&raw, mail, &small));
        Ok(Carried::of(&mail.attachments, files))
    }

    /// Those of the files at these places that come out of the mail again: a key may be away.
    fn files_in(&self, raw: &[u8], mail: &MessageView, at: &[usize]) -> Vec<File> {
        let opening = Opening {
            keyring: Some(&self.desk.keyring),
            known: &[],
            limits: Limits::default(),
        };
        let message = open::open(raw, &opening, self.now);
        let files = open::files_of(&message, at, raw, &opening, self.now);
        let with_name = |file: Document| {
            let attachment = message.attachments.get(file.attachment)?;
            let recorded = mail.attachments.get(file.attachment)?;
            (recorded.sha256 == attachment.digest.to_string()).then(|| File {
                name: attachment.name.clone(),
                media_type: attachment.media_type.clone(),
                bytes: file.bytes,
            })
        };
        files.into_iter().filter_map(with_name).collect()
    }

    /// No word of the case: the log is read by others too.
    fn log(&self, kind: TidingKind, told: usize, letters: usize) {
        match letters {
            0 => tracing::error!(
                event = "notice",
                kind = kind.as_str(),
                told,
                "nobody is told: no [[team]] member hears of it"
            ),
            letters => tracing::info!(event = "notice", kind = kind.as_str(), told, letters),
        }
    }
}

fn notice(news: &News, tiding: &Tiding, reader: &Reader<'_>) -> Notice {
    match news {
        News::Came(came) => came::notice(came, reader),
        News::Lost(lost) => undeliverable::notice(lost, reader),
        News::Refused => refused::notice(tiding, reader),
        News::Bare => bare::notice(tiding, reader),
    }
}

fn row(news: &News, tiding: &Tiding, reader: &Reader<'_>) -> Row {
    match news {
        News::Came(came) => came::row(came, reader),
        News::Lost(lost) => undeliverable::row(lost, reader),
        News::Refused => refused::row(tiding, reader),
        News::Bare => bare::row(tiding, reader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How it goes on where so many of a kind are untold, and these were told: minutes ago, and
    /// whether the mail came after a pause.
    #[track_caller]
    fn check(untold: usize, told: &[(i64, bool)], expected: Pace) {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(365);
        let within = |time: TimeDelta| {
            let mails: Vec<&(i64, bool)> = told
                .iter()
                .filter(|(ago, _)| TimeDelta::minutes(*ago) < time)
                .collect();
            ToldLately {
                mails: mails.len(),
                paced: mails.iter().filter(|(_, several)| *several).count(),
                last_at: mails
                    .iter()
                    .map(|(ago, _)| now - TimeDelta::minutes(*ago))
                    .max(),
            }
        };
        let pace = pace(untold, within(SHORTLY), within(REMEMBERED), now);
        assert_eq!(pace, expected);
    }

    #[test]
    fn a_few_go_at_once_and_many_at_growing_gaps() {
        check(1, &[], Pace::Each);
        check(5, &[], Pace::Each);
        check(6, &[], Pace::Together);
        check(500, &[], Pace::Together);
        check(1, &[(1, false); 4], Pace::Each);
        check(1, &[(1, false); 5], Pace::Together);
        check(1, &[(0, false); 5], Pace::Later);
        check(2, &[(11, false); 40], Pace::Each);

        // One each minute is a flood too.
        check(
            1,
            &[
                (1, true),
                (3, true),
                (4, false),
                (5, false),
                (6, false),
                (7, false),
            ],
            Pace::Later,
        );
        check(9, &[(1, true)], Pace::Later);
        check(9, &[(2, true)], Pace::Together);
        check(9, &[(3, true), (5, true)], Pace::Later);
        check(9, &[(4, true), (6, true)], Pace::Together);
        check(
            9,
            &[(15, true), (20, true), (30, true), (40, true)],
            Pace::Later,
        );
        check(
            9,
            &[(16, true), (20, true), (30, true), (40, true)],
            Pace::Together,
        );
    }

    #[test]
    fn no_gap_is_longer_than_an_hour() {
        let hours: Vec<(i64, bool)> = (1..6).map(|hour| (60 * hour, true)).collect();
        check(9, &hours, Pace::Together);
        let floods = [(60, true); 100];
        check(9, &floods, Pace::Together);
        let floods = [(59, true); 100];
        check(9, &floods, Pace::Later);
    }
}
