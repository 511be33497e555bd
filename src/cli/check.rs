//! `triaged check`: config, policy, templates and keys, offline; every mistake.

use std::path::Path;

use chrono::{NaiveDate, Utc};
use secrecy::ExposeSecret;

use super::say::{complain, say};
use super::{Failure, Outcome, init, office};
use crate::config::{
    self, Config, Gravity, Member, Mistake, Notify, SecretSource, Source, Transport,
};
use crate::pinned::Pinned;
use crate::team::Team;
use crate::triage::calendar::Calendar;
use crate::triage::reply::Texts;

pub fn run(config_path: &Path) -> Outcome {
    let (config, warnings) = match config::load(config_path) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            return Err(Failure::Configuration(
                mistakes.iter().map(ToString::to_string).collect(),
            ));
        }
    };
    // A file that is not there is a warning for a command that does not need it, and a mistake here.
    let (missing, warnings): (Vec<Mistake>, Vec<Mistake>) = warnings
        .into_iter()
        .partition(|warning| warning.gravity == Gravity::MissingFile);
    let mut mistakes: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let mut warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let texts = Texts::check(config.templates.as_deref());
    mistakes.extend(texts.mistakes.iter().map(ToString::to_string));
    warnings.extend(texts.gaps.iter().map(ToString::to_string));
    let mut in_agent = String::new();
    match office::read_keys(&config) {
        Ok((keyring, problems)) => {
            in_agent = office::in_agent(&keyring, Utc::now());
            let list = if keyring.is_empty() {
                mistakes.push(
                    "openpgp.keys: no usable secret key; `triaged init` makes one".to_owned(),
                );
                &mut mistakes
            } else {
                &mut warnings
            };
            list.extend(problems.iter().map(office::in_words));
        }
        Err(error) if mistakes.is_empty() => mistakes.push(format!("{error:#}")),
        // The file that is missing was named already.
        Err(_) => {}
    }
    for member in Team::read(&config.team).members() {
        if let Err(problem) = member.certificate(Utc::now()) {
            warnings.push(format!(
                "team: {}: {problem}; notices to this member say nothing until there is a certificate \
                 that works (`gpg --armor --export {}`)",
                member.email, member.email
            ));
        }
    }
    let pinned = Pinned::read(&config.openpgp.certificates);
    let problems = pinned.problems().iter().filter(|one| !one.is_missing);
    mistakes.extend(problems.map(ToString::to_string));
    warnings.extend(pinned.unusable(Utc::now()).into_iter().map(|problem| {
        format!(
            "openpgp.certificates: {problem}; letters to its owner say nothing until the file has \
             one that works"
        )
    }));
    warnings.extend(office::open_secrets(&config));
    warnings.extend(nobody_is_told(&config.team));
    warnings.extend(unwritten_passwords(&config));
    let calendar = &config.policy.calendar;
    warnings.extend(holidays_are_over(calendar, calendar.date_of(Utc::now())));
    for warning in &warnings {
        complain!("warning: {warning}");
    }
    if !mistakes.is_empty() {
        mistakes.dedup();
        return Err(Failure::Configuration(mistakes));
    }
    say!(
        "{}: fine{}{in_agent}",
        config_path.display(),
        match warnings.len() {
            0 => String::new(),
            1 => ", with one warning".to_owned(),
            several => format!(", with {several} warnings"),
        }
    );
    Ok(true)
}

/// A deadline comes near, and no mail says so.
fn nobody_is_told(team: &[Member]) -> Option<String> {
    let is_told = team.iter().any(|member| member.notify != Notify::None);
    (!is_told).then(|| {
        "team: nobody is told of deadlines; add a [[team]] section, or write notify = \"all\" for \
         a member"
            .to_owned()
    })
}

/// Passwords that are still what `init` wrote.
fn unwritten_passwords(config: &Config) -> Vec<String> {
    let mailbox = match &config.source {
        Source::Imap(imap) => Some(&imap.password),
        Source::Maildir(_) => None,
    };
    let way_out = match &config.transport {
        Transport::Smtp(smtp) => smtp.login.as_ref().map(|(_, password)| password),
        Transport::Sendmail(_) => None,
    };
    let is_unwritten = |password: &&SecretSource| {
        password
            .read()
            .is_ok_and(|text| text.expose_secret() == init::PLACEHOLDER)
    };
    [mailbox, way_out]
        .into_iter()
        .flatten()
        .filter(is_unwritten)
        .map(|password| format!("{password}: write the password into it"))
        .collect()
}

/// A list that nobody went on with makes every holiday of this year a working day.
fn holidays_are_over(calendar: &Calendar, today: NaiveDate) -> Option<String> {
    let last = calendar.holidays.last().filter(|last| **last < today)?;
    Some(format!(
        "policy: the last holiday, {}, is past; add those that come",
        last.format("%-d %B %Y")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_that_nobody_went_on_with_is_told() {
        #[track_caller]
        fn check(holidays: &[&str], today: &str, expected: Option<&str>) {
            let calendar = Calendar {
                zone: chrono_tz::Tz::UTC,
                working: [true; 7],
                holidays: holidays.iter().map(|day| day.parse().unwrap()).collect(),
            };
            let said = holidays_are_over(&calendar, today.parse().unwrap());
            assert_eq!(said.as_deref(), expected);
        }
        check(&[], "2027-01-01", None);
        check(&["2026-12-25", "2027-01-01"], "2027-01-01", None);
        let said = "policy: the last holiday, 1 January 2027, is past; add those that come";
        check(&["2026-12-25", "2027-01-01"], "2027-01-02", Some(said));
    }
}
