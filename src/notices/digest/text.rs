//! The board as plain text, 72 columns wide, with bars where the mail has pictures.

use chrono::NaiveDate;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::super::board::{
    AGES, Board, Card, Count, Disclosure, Kept, NoiseMail, OpenState, Pressing, Quiet, Week,
    WeekCounts,
};
use super::super::words::{folded, one_line};
use crate::store::outbox::Troubled;
use crate::triage::calendar::how_far;

const WIDTH: usize = 72;
/// Entries of a list that needs somebody; the rest is counted.
const LISTED: usize = 30;
/// Of what is listed so that it does not vanish.
const LISTED_SMALL: usize = 10;
/// Columns of a whole bar.
const BAR: usize = 20;

pub fn text(board: &Board) -> String {
    [
        format!("{}\n{}\n", one_line(&board.organization), board.shown_at),
        nothing_open(board),
        section(
            &decide_title(board),
            board.totals.decide,
            &board.decide,
            pressing_lines,
        ),
        how_to_command(board),
        section(
            &counted("Due soon", board.totals.due_soon),
            board.totals.due_soon,
            &board.due_soon,
            pressing_lines,
        ),
        section(
            &counted("Half of the time has passed", board.totals.half_way),
            board.totals.half_way,
            &board.half_way,
            clock_lines,
        ),
        section(
            &counted(&format!("New {}", since(board)), board.totals.new),
            board.totals.new,
            &board.new,
            |card| new_lines(card, board),
        ),
        section(
            &counted("Waiting for the reporter", board.totals.waiting),
            board.totals.waiting,
            &board.waiting,
            |case| quiet_lines(case, "asked"),
        ),
        section(
            &counted("Coming disclosures", board.totals.disclosures),
            board.totals.disclosures,
            &board.disclosures,
            disclosure_lines,
        ),
        section(
            &counted("Quiet", board.totals.quiet),
            board.totals.quiet,
            &board.quiet,
            |case| quiet_lines(case, "last mail"),
        ),
        section(
            &counted(
                &format!("Could not be read {}", since(board)),
                board.totals.unreadable,
            ),
            board.totals.unreadable,
            &board.unreadable,
            |card| new_lines(card, board),
        ),
        section(
            &counted("Letters that did not go", board.totals.letters),
            board.totals.letters,
            &board.letters,
            letter_lines,
        ),
        section(
            "Keys and certificates",
            board.keys.len(),
            &board.keys,
            |line| folded(&one_line(line), WIDTH - 2),
        ),
        noise(board),
        board.week.as_ref().map(week).unwrap_or_default(),
        open_by_age(&board.pictures.open_by_age),
        weeks(&board.pictures.weeks),
        health(board),
    ]
    .concat()
}

fn nothing_open(board: &Board) -> String {
    match board.open {
        0 => "\nNothing is open.\n".to_owned(),
        _ => String::new(),
    }
}

fn decide_title(board: &Board) -> String {
    let totals = &board.totals;
    format!(
        "Needs a decision ({}, {} missed)",
        totals.decide, totals.missed
    )
}

fn how_to_command(board: &Board) -> String {
    if board.decide.iter().all(|clock| clock.commands.is_empty()) {
        return String::new();
    }
    let words = format!(
        "To command, write /case NUMBER and below it the commands into a mail to {}, signed with \
         your key.",
        one_line(&board.address)
    );
    let lines: Vec<String> = folded(&words, WIDTH - 2)
        .iter()
        .map(|line| format!("  {line}\n"))
        .collect();
    format!("\n{}", lines.concat())
}

fn since(board: &Board) -> String {
    format!("since {}", board.shown_new_since)
}

fn counted(title: &str, count: usize) -> String {
    format!("{title} ({count})")
}

/// A headed list; nothing at all where it is empty. `total`: of all, not of those that are here.
fn section<T>(
    title: &str,
    total: usize,
    entries: &[T],
    lines: impl Fn(&T) -> Vec<String>,
) -> String {
    list(title, total, entries, LISTED, lines)
}

fn list<T>(
    title: &str,
    total: usize,
    entries: &[T],
    at_most: usize,
    lines: impl Fn(&T) -> Vec<String>,
) -> String {
    if total == 0 {
        return String::new();
    }
    let mut text = heading(title);
    for line in entries.iter().take(at_most).flat_map(lines) {
        text.push_str(&format!("  {}\n", cut(&line)));
    }
    let more = total.saturating_sub(entries.len().min(at_most));
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    text
}

fn heading(title: &str) -> String {
    format!("\n{}\n{}\n", title, "-".repeat(title.width().min(WIDTH)))
}

fn pressing_lines(pressing: &Pressing) -> Vec<String> {
    let mut lines = clock_lines(pressing);
    lines.extend(
        folded(&because(pressing), WIDTH - 6)
            .into_iter()
            .map(indented),
    );
    let last_word = match &pressing.card.last_word {
        Some(far) => format!("last word to the reporter {far}"),
        None => "no word to the reporter so far".to_owned(),
    };
    lines.push(indented(last_word));
    lines.extend(commands(pressing).into_iter().map(indented));
    lines
}

fn because(pressing: &Pressing) -> String {
    format!("because {}", pressing.why)
}

/// Several in a line, each with its words together.
fn commands(pressing: &Pressing) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for command in &pressing.commands {
        let fits = |line: &&mut String| line.width() + 3 + command.width() <= WIDTH - 6;
        match lines.last_mut().filter(fits) {
            Some(line) => line.push_str(&format!("   {command}")),
            None => lines.push(command.clone()),
        }
    }
    lines
}

fn clock_lines(pressing: &Pressing) -> Vec<String> {
    let card = &pressing.card;
    let severity = card.severity.as_deref().unwrap_or("-");
    let missed = if pressing.is_missed { "MISSED " } else { "" };
    vec![
        format!(
            "{:15}{:14}{severity:11}{missed}{}",
            card.case, pressing.clock, pressing.far
        ),
        indented(described(card)),
        indented(format!("due {}; {}", pressing.due, assigned(card))),
    ]
}

fn indented(line: String) -> String {
    format!("    {line}")
}

fn assigned(card: &Card) -> String {
    match &card.assignee {
        Some(name) => format!("assigned to {}", one_line(name)),
        None => "nobody assigned".to_owned(),
    }
}

fn new_lines(card: &Card, board: &Board) -> Vec<String> {
    let severity = card.severity.as_deref().unwrap_or("-");
    let came = how_far(card.received_at, board.at);
    let mut lines = vec![
        format!("{:15}{:14}{severity:11}{came}", card.case, card.kind),
        indented(described(card)),
    ];
    if !card.labels.is_empty() {
        lines.push(indented(one_line(&card.labels.join(", "))));
    }
    lines
}

fn quiet_lines(quiet: &Quiet, what: &str) -> Vec<String> {
    vec![
        format!(
            "{:15}{:14}{what} {}; {}",
            quiet.card.case,
            quiet.card.status,
            quiet.far,
            assigned(&quiet.card)
        ),
        indented(described(&quiet.card)),
    ]
}

fn disclosure_lines(disclosure: &Disclosure) -> Vec<String> {
    let fixed = if disclosure.is_fixed {
        "fixed"
    } else {
        "NOT FIXED"
    };
    let told = if disclosure.is_told {
        "the reporter was told"
    } else {
        "the reporter was not told"
    };
    vec![
        format!(
            "{:15}{:14}{}, {fixed}, {told}",
            disclosure.card.case,
            day_and_year(disclosure.on),
            disclosure.far
        ),
        indented(described(&disclosure.card)),
    ]
}

fn letter_lines(letter: &Troubled) -> Vec<String> {
    let case = letter.case.as_deref().unwrap_or("-");
    let error = one_line(letter.last_error.as_deref().unwrap_or_default());
    let head = format!("{case:15}{:18}{}", letter.kind, letter.state);
    match error.is_empty() {
        true => vec![head],
        false => vec![head, indented(error)],
    }
}

fn described(card: &Card) -> String {
    let subject = one_line(&card.subject);
    match &card.reporter {
        Some(reporter) => format!("{subject} ({})", one_line(reporter)),
        None => subject,
    }
}

fn noise(board: &Board) -> String {
    let kinds: Vec<String> = board
        .noise
        .kinds
        .iter()
        .map(|Count { what, count }| format!("{count} {what}"))
        .collect();
    let title = format!("Noise {} ({})", since(board), kinds.join(", "));
    let title = cut(&title);
    let mails = &board.noise.mails;
    list(&title, board.noise.total, mails, LISTED_SMALL, noise_lines)
}

fn noise_lines(mail: &NoiseMail) -> Vec<String> {
    let from = mail
        .from
        .as_deref()
        .map_or_else(|| "nobody".to_owned(), one_line);
    let case = mail.case.as_deref().map(|case| format!(" [{case}]"));
    vec![format!(
        "{:14} {from}{}: {}",
        mail.kind,
        case.unwrap_or_default(),
        one_line(&mail.subject)
    )]
}

fn week(week: &Week) -> String {
    let title = format!(
        "The week from {} to {}",
        day(week.from),
        day_and_year(week.until)
    );
    let mut text = format!(
        "\n{title:42}{:>8}{:>12}\n{}\n",
        "week",
        "12 weeks",
        "-".repeat(62)
    );
    let mut row = |what: &str, of_week: String, of_all: String| {
        text.push_str(format!("  {what:40}{of_week:>8}{of_all:>12}").trim_end());
        text.push('\n');
    };
    let none = String::new;
    row(
        "reports",
        week.reports.to_string(),
        week.reports_in_twelve_weeks.to_string(),
    );
    row(
        "found valid",
        week.valid.to_string(),
        week.valid_in_twelve_weeks.to_string(),
    );
    row("valid and open now", week.open.to_string(), none());
    row(
        "of these older than 90 days",
        week.open_over_90_days.to_string(),
        none(),
    );
    row(
        "median time to the first response",
        none(),
        time(week.days_to_first_response),
    );
    row(
        "median time to validate",
        none(),
        time(week.days_to_validate),
    );
    row(
        "median time to remediate",
        none(),
        time(week.days_to_remediate),
    );
    text.push_str(&kept(week));
    text.push_str(&list(
        "Noise of the week",
        week.top_noise.len(),
        &week.top_noise,
        LISTED_SMALL,
        |Count { what, count }| vec![format!("{count:5}  {}", one_line(what))],
    ));
    text
}

/// In the unit that a person would take.
fn time(days: Option<f64>) -> String {
    match days {
        None => "-".to_owned(),
        Some(days) if days * 24.0 < 1.0 => format!("{:.0} min", days * 24.0 * 60.0),
        Some(days) if days < 2.0 => format!("{:.0} hours", days * 24.0),
        Some(days) => format!("{days:.1} days"),
    }
}

fn kept(week: &Week) -> String {
    let title = format!(
        "Promises kept, {} to {}",
        day(week.since),
        day_and_year(week.until)
    );
    list(&title, week.kept.len(), &week.kept, LISTED, |kept| {
        vec![kept_line(kept)]
    })
}

fn kept_line(kept: &Kept) -> String {
    let percent = kept.percent().unwrap_or_default();
    format!(
        "{:15}{:>4} of {:<4}{percent:>5} %  {}",
        kept.clock,
        kept.met,
        kept.due,
        bar(kept.met, kept.due)
    )
}

fn open_by_age(states: &[OpenState]) -> String {
    let of_age = |age: usize| -> usize {
        let counts = states.iter().filter_map(|state| state.counts.get(age));
        counts.sum()
    };
    let most = (0..AGES.len()).map(of_age).max().unwrap_or_default();
    if most == 0 {
        return String::new();
    }
    let mut head = format!("{:16}", "Open cases");
    for state in states {
        head.push_str(&format!("{:>10}", state.state));
    }
    let mut text = heading(&head);
    for (age, words) in AGES.iter().enumerate() {
        let mut line = format!("  {words:14}");
        for state in states {
            let count = state.counts.get(age).copied().unwrap_or_default();
            line.push_str(&format!("{count:>10}"));
        }
        let bar = scaled(of_age(age), most, WIDTH - 16 - 10 * states.len() - 2);
        text.push_str(format!("{line}  {bar}").trim_end());
        text.push('\n');
    }
    text
}

fn weeks(weeks: &[WeekCounts]) -> String {
    let most = weeks.iter().map(|week| week.arrivals).max();
    let Some(most) = most else {
        return String::new();
    };
    let mut text = heading(&format!(
        "{:9}{:24}{}",
        "Week of", "reports and others", "deadlines met"
    ));
    for week in weeks {
        let due = week.met + week.missed;
        let came = scaled(week.arrivals, most, 16);
        let met = match due {
            0 => "   none due".to_owned(),
            due => format!("{:>3} of {due:<4}{}", week.met, bar(week.met, due)),
        };
        let line = format!("  {:7}{:>4} {came:19}{met}", day(week.week), week.arrivals);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What is met of what is due.
fn bar(met: usize, due: usize) -> String {
    // Never a whole bar for less than all of it.
    let filled = (met * BAR).checked_div(due).unwrap_or_default();
    format!(
        "{}{}",
        "#".repeat(filled),
        ".".repeat(BAR - filled.min(BAR))
    )
}

/// At least one mark for anything at all.
fn scaled(count: usize, most: usize, width: usize) -> String {
    let columns = match most <= width {
        true => count,
        false => (count * width).div_ceil(most),
    };
    "#".repeat(columns)
}

fn health(board: &Board) -> String {
    let health = &board.health;
    let ago = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map_or_else(|| "never".to_owned(), |at| how_far(at, board.at))
    };
    let outbox = &health.outbox;
    let mut text = list(
        &counted("Needs a look", health.problems.len()),
        health.problems.len(),
        &health.problems,
        LISTED,
        |line| folded(&one_line(line), WIDTH - 2),
    );
    text.push_str(&heading("Health"));
    let mut row = |what: &str, value: String| {
        text.push_str(&format!("  {what:18}{value}\n"));
    };
    row("open cases", board.open.to_string());
    row("last good poll", ago(health.last_good_poll_at));
    row("compared", ago(health.reconciled_at));
    row(
        "outbox",
        format!(
            "{} waiting, {} held, {} undeliverable",
            outbox.waiting, outbox.held, outbox.failed
        ),
    );
    if let Some(free) = health.disk_free {
        row("disk free", bytes(free));
    }
    row("audit chain", format!("row {}", health.audit_rows));
    let (head, tail) = health
        .audit_head
        .split_at_checked(32)
        .unwrap_or((&health.audit_head, ""));
    row("", head.to_owned());
    row("", tail.to_owned());
    text
}

fn bytes(free: u64) -> String {
    match free {
        0..1_000_000_000 => format!("{} MB", free / 1_000_000),
        _ => format!("{} GB", free / 1_000_000_000),
    }
}

/// `5 Jun`
fn day(date: NaiveDate) -> String {
    date.format("%-d %b").to_string()
}

fn day_and_year(date: NaiveDate) -> String {
    date.format("%-d %b %Y").to_string()
}

/// To the width of a line, less what the list is indented by.
fn cut(line: &str) -> String {
    const ROOM: usize = WIDTH - 2;
    if line.width() <= ROOM {
        return line.to_owned();
    }
    let mut kept = String::new();
    let mut columns = 0;
    for c in line.chars() {
        columns += c.width().unwrap_or_default();
        if columns >= ROOM {
            break;
        }
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}
