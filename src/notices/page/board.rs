//! The digest as a page: what stands where, in which words. `board.html` says how.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::chart::{self, Chart};
use super::{PageError, render, style};
use crate::mail::compose::{Html, Picture};
use crate::notices::board::{
    Board, Card, Disclosure, Health, Kept, NoiseMail, Pressing, Quiet, Week,
};
use crate::notices::mailto;
use crate::store::outbox::Troubled;
use crate::triage::calendar::how_far;

/// Entries of each section, of more it says how many they are: as many of these as make a page of
/// no more than [`MAILED_AT_MOST`].
const LISTED: [usize; 4] = [20, 10, 5, 2];
/// Bytes of a page in a mail, without its pictures: encoded twice, with them and the text, that is
/// a mail of less than 300 kB.
const MAILED_AT_MOST: usize = 75_000;
/// A file may be as long as it is.
const LISTED_IN_FILE: usize = 1_000;

/// For a mail: its pictures go along.
pub fn of_mail(board: &Board) -> Result<Html, PageError> {
    let charts = chart::charts(&board.pictures)?;
    let day = |chart: &Chart| format!("{}-day@digest", chart.id);
    let night = |chart: &Chart| format!("{}-night@digest", chart.id);
    let shown = charts.iter().map(|chart| ChartView {
        title: chart.title,
        alt: &chart.alt,
        day: format!("cid:{}", day(chart)),
        night: format!("cid:{}", night(chart)),
    });
    let page = small_page(board, &shown.collect::<Vec<_>>())?;
    let mut pictures = Vec::new();
    for chart in charts {
        let (day, night) = (day(&chart), night(&chart));
        pictures.push(Picture {
            id: day,
            png: chart.day,
        });
        pictures.push(Picture {
            id: night,
            png: chart.night,
        });
    }
    Ok(Html { page, pictures })
}

fn small_page(board: &Board, charts: &[ChartView<'_>]) -> Result<String, PageError> {
    let mut page = String::new();
    for listed in LISTED {
        page = render("board.html", &Page::of(board, charts, listed))?;
        if page.len() <= MAILED_AT_MOST {
            break;
        }
    }
    Ok(page)
}

/// For a file: all of it in one.
pub fn of_file(board: &Board) -> Result<String, PageError> {
    let charts = chart::charts(&board.pictures)?;
    let inline = |png: &[u8]| format!("data:image/png;base64,{}", BASE64.encode(png));
    let shown = charts.iter().map(|chart| ChartView {
        title: chart.title,
        alt: &chart.alt,
        day: inline(&chart.day),
        night: inline(&chart.night),
    });
    let shown: Vec<ChartView<'_>> = shown.collect();
    render("board.html", &Page::of(board, &shown, LISTED_IN_FILE))
}

/// What the template is filled with.
#[derive(Serialize)]
struct Page<'a> {
    board: &'a Board,
    title: String,
    shown_at: &'a str,
    shown_since: Option<&'a str>,
    tiles: Vec<Tile>,
    /// Above the pictures: what presses.
    first: Vec<Section>,
    second: Vec<Section>,
    charts: &'a [ChartView<'a>],
    week_shown: String,
    week_rows: Vec<WeekRow>,
    kept: Vec<KeptView<'a>>,
    bar_style: &'static str,
    letters: Vec<Entry>,
    letters_total: usize,
    noise: Vec<NoiseView<'a>>,
    health: Vec<Row>,
    /// Observers have none.
    has_buttons: bool,
}

#[derive(Serialize)]
struct ChartView<'a> {
    title: &'static str,
    alt: &'a str,
    /// What `src` says.
    day: String,
    night: String,
}

/// A figure that is seen from afar.
#[derive(Serialize)]
struct Tile {
    figure: usize,
    words: &'static str,
    is_alarm: bool,
}

#[derive(Serialize)]
struct Section {
    title: String,
    total: usize,
    entries: Vec<Entry>,
}

#[derive(Default, Serialize)]
struct Entry {
    case: String,
    tags: Vec<Tag>,
    subject: String,
    /// Smaller, below it.
    lines: Vec<String>,
    links: Vec<Link>,
}

#[derive(Serialize)]
struct Tag {
    words: String,
    /// A class of style.css.
    tone: &'static str,
}

#[derive(Serialize)]
struct Link {
    words: String,
    href: String,
}

/// A name and what it is.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    value: String,
}

/// Of the week, and of twelve weeks.
#[derive(Serialize)]
struct WeekRow {
    name: &'static str,
    week: String,
    all: String,
}

#[derive(Serialize)]
struct KeptView<'a> {
    clock: &'a str,
    percent: usize,
    met: usize,
    due: usize,
}

#[derive(Serialize)]
struct NoiseView<'a> {
    far: String,
    kind: &'a str,
    from: Option<&'a str>,
    subject: String,
    case: Option<&'a str>,
}

impl<'a> Page<'a> {
    fn of(board: &'a Board, charts: &'a [ChartView<'a>], listed: usize) -> Self {
        let troubled = board.letters.iter().take(listed);
        let noise = board.noise.mails.iter().take(listed);
        Self {
            board,
            title: headline(board),
            shown_at: &board.shown_at,
            shown_since: board.shown_since.as_deref(),
            tiles: tiles(board),
            first: pressing_sections(board, listed),
            second: other_sections(board, listed),
            charts,
            week_shown: board.week.as_ref().map(week_shown).unwrap_or_default(),
            week_rows: board.week.as_ref().map(week_rows).unwrap_or_default(),
            kept: board.week.iter().flat_map(kept).collect(),
            bar_style: style::rules("bar"),
            letters: troubled
                .map(|letter| troubled_letter(board, letter))
                .collect(),
            letters_total: board.totals.letters,
            noise: noise.map(|mail| noise_mail(board, mail)).collect(),
            health: health(board, &board.health),
            has_buttons: [&board.decide, &board.due_soon]
                .into_iter()
                .flatten()
                .any(|it| !it.commands.is_empty()),
        }
    }
}

fn headline(board: &Board) -> String {
    match board.totals.decide {
        0 if board.open == 0 => "Nothing open".to_owned(),
        0 => "Nothing needs a decision".to_owned(),
        1 => "One decision is needed".to_owned(),
        several => format!("{several} decisions are needed"),
    }
}

fn tiles(board: &Board) -> Vec<Tile> {
    let totals = &board.totals;
    let tile = |figure, words, is_alarm| Tile {
        figure,
        words,
        is_alarm,
    };
    vec![
        tile(totals.missed, "missed", totals.missed > 0),
        tile(
            totals.decide.saturating_sub(totals.missed),
            "to decide",
            false,
        ),
        tile(totals.new, "new", false),
        tile(board.open, "open", false),
    ]
}

fn pressing_sections(board: &Board, listed: usize) -> Vec<Section> {
    let totals = &board.totals;
    let new = match &board.shown_since {
        Some(_) => "New since the last digest",
        None => "New since yesterday",
    };
    vec![
        Section::of(
            "Needs a decision",
            totals.decide,
            some(&board.decide, listed, |it| pressing(board, it)),
        ),
        Section::of(
            "Due soon",
            totals.due_soon,
            some(&board.due_soon, listed, |it| pressing(board, it)),
        ),
        Section::of(
            "Half of the time has passed",
            totals.half_way,
            some(&board.half_way, listed, half_way),
        ),
        Section::of(
            new,
            totals.new,
            some(&board.new, listed, |it| card(board, it)),
        ),
        Section::of(
            "Could not be read",
            totals.unreadable,
            some(&board.unreadable, listed, |it| card(board, it)),
        ),
    ]
}

fn other_sections(board: &Board, listed: usize) -> Vec<Section> {
    let totals = &board.totals;
    vec![
        Section::of(
            "Waiting for the reporter",
            totals.waiting,
            some(&board.waiting, listed, |it| quiet(it, "asked")),
        ),
        Section::of(
            "Coming disclosures",
            totals.disclosures,
            some(&board.disclosures, listed, disclosure),
        ),
        Section::of(
            "Quiet",
            totals.quiet,
            some(&board.quiet, listed, |it| quiet(it, "last mail")),
        ),
    ]
}

impl Section {
    /// `total`: of all, not of those that are here.
    fn of(title: &str, total: usize, entries: Vec<Entry>) -> Self {
        Self {
            title: title.to_owned(),
            total,
            entries,
        }
    }
}

fn some<T>(all: &[T], listed: usize, entry: impl Fn(&T) -> Entry) -> Vec<Entry> {
    all.iter().take(listed).map(entry).collect()
}

fn pressing(board: &Board, it: &Pressing) -> Entry {
    let (tone, stands) = match it.is_missed {
        true => ("late", format!("{} missed {}", it.clock, it.far)),
        false => ("soon", format!("{} due {}", it.clock, it.far)),
    };
    let mut tags: Vec<Tag> = severity(&it.card).into_iter().collect();
    tags.push(tag(tone, stands.replace('_', " ")));
    Entry {
        tags,
        lines: vec![who(&it.card), whose(&it.card), format!("due {}", it.due)],
        links: it
            .commands
            .iter()
            .map(|command| link(&board.address, &it.card.case, command))
            .collect(),
        ..of_card(&it.card)
    }
}

/// Nothing to do yet.
fn half_way(it: &Pressing) -> Entry {
    let mut tags: Vec<Tag> = severity(&it.card).into_iter().collect();
    let stands = format!("{} due {}", it.clock, it.far);
    tags.push(tag("calm", stands.replace('_', " ")));
    Entry {
        tags,
        lines: vec![who(&it.card), format!("due {}", it.due)],
        ..of_card(&it.card)
    }
}

fn card(board: &Board, it: &Card) -> Entry {
    let mut tags: Vec<Tag> = severity(it).into_iter().collect();
    tags.push(tag("calm", it.kind.replace('_', " ")));
    let labels = it.labels.iter();
    tags.extend(labels.map(|label| tag(tone_of(label), label.replace('_', " "))));
    let came = format!("came {}", how_far(it.received_at, board.at));
    Entry {
        tags,
        lines: vec![who(it), format!("{came} · {}", whose(it))],
        ..of_card(it)
    }
}

fn quiet(it: &Quiet, since: &str) -> Entry {
    let mut tags = vec![tag("calm", format!("{since} {}", it.far))];
    tags.extend(severity(&it.card));
    Entry {
        tags,
        lines: vec![who(&it.card), whose(&it.card)],
        ..of_card(&it.card)
    }
}

fn disclosure(it: &Disclosure) -> Entry {
    let told = match it.is_told {
        true => tag("well", "reporter knows"),
        false => tag("soon", "reporter not told"),
    };
    let fixed = match it.is_fixed {
        true => tag("well", "fixed"),
        false => tag("soon", "not fixed"),
    };
    let day = it.on.format("%A %-d %B %Y");
    Entry {
        tags: vec![tag("calm", it.far.clone()), fixed, told],
        lines: vec![format!("public on {day}"), who(&it.card)],
        ..of_card(&it.card)
    }
}

fn of_card(card: &Card) -> Entry {
    Entry {
        case: card.case.clone(),
        subject: subject(&card.subject),
        ..Entry::default()
    }
}

/// Never the beginning of a line that could be a command, however badly an answer quotes it.
fn no_command(words: &str) -> String {
    match words.trim() {
        command if command.starts_with('/') => format!("“{command}”"),
        words => words.to_owned(),
    }
}

fn subject(subject: &str) -> String {
    match subject.trim() {
        "" => "(no subject)".to_owned(),
        subject => no_command(subject),
    }
}

fn troubled_letter(board: &Board, letter: &Troubled) -> Entry {
    let tone = if letter.state == "failed" {
        "late"
    } else {
        "soon"
    };
    let mut lines: Vec<String> = letter.last_error.iter().map(|it| no_command(it)).collect();
    if letter.state != "failed" {
        lines.push(format!("tried again {}", how_far(letter.next_at, board.at)));
    }
    Entry {
        case: letter.case.clone().unwrap_or_else(|| "no case".to_owned()),
        tags: vec![
            tag(tone, letter.state.replace('_', " ")),
            tag("calm", letter.kind.replace('_', " ")),
        ],
        lines,
        ..Entry::default()
    }
}

fn who(card: &Card) -> String {
    let reporter = card.reporter.as_deref().unwrap_or("no address");
    format!("from {reporter}")
}

fn whose(card: &Card) -> String {
    let assignee = match &card.assignee {
        Some(name) => format!("assigned to {name}"),
        None => "nobody assigned".to_owned(),
    };
    let last_word = match &card.last_word {
        Some(far) => format!("last word {far}"),
        None => "no word so far".to_owned(),
    };
    format!("{} · {assignee} · {last_word}", card.status)
}

fn severity(card: &Card) -> Option<Tag> {
    let severity = card.severity.as_deref()?;
    let tone = match severity.trim_end_matches('?') {
        "critical" | "high" => "late",
        "medium" => "soon",
        _ => "calm",
    };
    Some(tag(tone, severity))
}

/// Labels after which one looks at once.
fn tone_of(label: &str) -> &'static str {
    match label {
        "active_exploitation" | "credentials" | "customer_data" => "late",
        _ => "calm",
    }
}

fn tag(tone: &'static str, words: impl Into<String>) -> Tag {
    Tag {
        words: words.into(),
        tone,
    }
}

/// Opens a mail with the command in it. Its name is no command: an answer that quotes the page
/// without any mark must not hold one.
fn link(address: &str, case: &str, command: &str) -> Link {
    Link {
        words: name(command),
        href: mailto::link(address, &[format!("/case {case}"), to_send(command)]),
    }
}

/// Without the capitals that stand for what the reader has to write: a line that holds them is
/// refused.
fn to_send(command: &str) -> String {
    let is_placeholder =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
    match command.rsplit_once(' ') {
        Some((before, last)) if is_placeholder(last) => format!("{before} "),
        _ => command.to_owned(),
    }
}

/// `Reject …` for `/reject REASON`: the dots say that there is something to fill in.
fn name(command: &str) -> String {
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    let words = verb.trim_start_matches('/').replace('-', " ");
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let mut name: String = first.chain(letters).collect();
    if to_send(command) != command {
        name.push_str(" …");
    } else if !rest.is_empty() {
        name.push_str(&format!(" {}", rest.replace('_', " ")));
    }
    name
}

fn week_shown(week: &Week) -> String {
    let day = |date: chrono::NaiveDate| date.format("%-d %B %Y").to_string();
    format!("{} to {}", day(week.from), day(week.until))
}

fn week_rows(week: &Week) -> Vec<WeekRow> {
    let row = |name, week: String, all: String| WeekRow { name, week, all };
    let none = String::new;
    let days = |days: Option<f64>| days.map_or_else(|| "-".to_owned(), |days| format!("{days:.1}"));
    let counts = |name, week: usize, all: usize| row(name, week.to_string(), all.to_string());
    vec![
        counts("reports", week.reports, week.reports_in_twelve_weeks),
        counts("found valid", week.valid, week.valid_in_twelve_weeks),
        row("valid and open now", week.open.to_string(), none()),
        row(
            "of these older than 90 days",
            week.open_over_90_days.to_string(),
            none(),
        ),
        row(
            "median days to the first response",
            none(),
            days(week.days_to_first_response),
        ),
        row(
            "median days to validate",
            none(),
            days(week.days_to_validate),
        ),
        row(
            "median days to remediate",
            none(),
            days(week.days_to_remediate),
        ),
    ]
}

fn kept(week: &Week) -> impl Iterator<Item = KeptView<'_>> {
    week.kept.iter().filter_map(|it: &Kept| {
        Some(KeptView {
            clock: &it.clock,
            percent: it.percent()?,
            met: it.met,
            due: it.due,
        })
    })
}

fn noise_mail<'a>(board: &Board, mail: &'a NoiseMail) -> NoiseView<'a> {
    NoiseView {
        far: how_far(mail.at, board.at),
        kind: &mail.kind,
        from: mail.from.as_deref(),
        subject: subject(&mail.subject),
        case: mail.case.as_deref(),
    }
}

fn health(board: &Board, health: &Health) -> Vec<Row> {
    let row = |name, value| Row { name, value };
    let ago = |at: Option<_>| at.map_or_else(|| "never".to_owned(), |at| how_far(at, board.at));
    let outbox = &health.outbox;
    let disk = health.disk_free.map_or_else(|| "unknown".to_owned(), size);
    vec![
        row("last good poll", ago(health.last_good_poll_at)),
        row("compared with the server", ago(health.reconciled_at)),
        row(
            "outbox",
            format!(
                "{} waiting, {} held, {} undeliverable",
                outbox.waiting, outbox.held, outbox.failed
            ),
        ),
        row("free on the disk", disk),
    ]
}

/// `12.3 GB`.
fn size(bytes: u64) -> String {
    const MEGA: u64 = 1_000_000;
    let tenths = bytes / (MEGA / 10);
    match bytes / MEGA {
        0..1_000 => format!("{} MB", bytes / MEGA),
        _ => format!("{}.{} GB", tenths / 10_000, tenths / 1_000 % 10),
    }
}
