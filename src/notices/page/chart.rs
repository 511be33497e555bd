//! The pictures of a digest, as PNG: open cases by state and age, arrivals and kept deadlines by week.
//!
//! Each is drawn twice, for day and for night, on the colour of the card that it stands on, at
//! twice the size that a phone shows it in. The letters come from the program itself: a
//! server has no fonts. What a picture says, its alt text says too, number by number.

use std::sync::LazyLock;

use chrono::NaiveDate;
use plotters::backend::BitMapBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::Rectangle;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontStyle, IntoFont, IntoTextStyle, RGBColor, TextStyle, register_font,
};

use super::{PageError, png};
use crate::notices::board::{AGES, OpenState, Pictures, WeekCounts};

/// In the units of the drawing: pixels of a phone.
const WIDTH: i32 = 340;
const HEIGHT: i32 = 204;
/// Pixels of the picture for one of the drawing: phones have two or three.
const SCALE: i32 = 2;
/// In the units of the drawing.
const LETTERS: i32 = 13;
const FONT: &str = "chart";

/// A picture by day and by night, and what it says.
pub struct Chart {
    /// A word that is unique in the page.
    pub id: &'static str,
    pub title: &'static str,
    pub alt: String,
    pub day: Vec<u8>,
    pub night: Vec<u8>,
}

/// Without those that would be empty.
pub fn charts(pictures: &Pictures) -> Result<Vec<Chart>, PageError> {
    let by_age = &pictures.open_by_age;
    let weeks = &pictures.weeks;
    let mut charts = Vec::new();
    if by_age.iter().any(|state| total(state) > 0) {
        charts.push(chart(
            "open",
            "Open cases by state and age",
            ages_in_words(by_age),
            |canvas| open_by_age(canvas, by_age),
        )?);
    }
    if weeks.iter().any(|week| week.arrivals > 0) {
        charts.push(chart(
            "arrivals",
            "New cases by week",
            arrivals_in_words(weeks),
            |canvas| arrivals(canvas, weeks),
        )?);
    }
    if weeks.iter().any(|week| week.met + week.missed > 0) {
        charts.push(chart(
            "kept",
            "Deadlines met by week",
            kept_in_words(weeks),
            |canvas| kept(canvas, weeks),
        )?);
    }
    Ok(charts)
}

fn chart(
    id: &'static str,
    title: &'static str,
    alt: String,
    draw: impl Fn(&Canvas<'_>) -> Result<(), PageError>,
) -> Result<Chart, PageError> {
    Ok(Chart {
        id,
        title,
        alt,
        day: picture(&DAY, &draw)?,
        night: picture(&NIGHT, &draw)?,
    })
}

struct Colours {
    /// That of the card in style.css.
    ground: RGBColor,
    ink: RGBColor,
    soft: RGBColor,
    /// From young to old.
    ages: [RGBColor; AGES.len()],
    good: RGBColor,
    late: RGBColor,
}

// Blue and orange are told apart by everybody (Okabe and Ito); the orange is that of "late".
const DAY: Colours = Colours {
    ground: RGBColor(255, 255, 255),
    ink: RGBColor(27, 36, 48),
    soft: RGBColor(90, 102, 117),
    ages: [
        RGBColor(198, 219, 242),
        RGBColor(144, 185, 228),
        RGBColor(84, 143, 204),
        RGBColor(38, 96, 162),
        RGBColor(214, 106, 52),
    ],
    good: RGBColor(61, 126, 191),
    late: RGBColor(214, 106, 52),
};

const NIGHT: Colours = Colours {
    ground: RGBColor(25, 31, 39),
    ink: RGBColor(227, 232, 239),
    soft: RGBColor(155, 167, 182),
    ages: [
        RGBColor(39, 62, 92),
        RGBColor(47, 91, 145),
        RGBColor(79, 137, 204),
        RGBColor(142, 190, 240),
        RGBColor(240, 140, 90),
    ],
    good: RGBColor(91, 155, 224),
    late: RGBColor(240, 140, 90),
};

/// A row for each state, a piece for each age.
fn open_by_age(canvas: &Canvas<'_>, states: &[OpenState]) -> Result<(), PageError> {
    const NAMES: i32 = 70;
    const TOTALS: i32 = 34;
    const LEGEND: i32 = 42;
    let most = states.iter().map(total).max().unwrap_or(0).max(1);
    let row = (HEIGHT - LEGEND) / count(states.len()).max(1);
    let bar = (row * 3 / 5).min(24);
    for (position, state) in states.iter().enumerate() {
        let top = count(position) * row + (row - bar) / 2;
        let middle = top + bar / 2;
        canvas.text(
            &state.state,
            (0, middle),
            LETTERS,
            Side::Left,
            canvas.colours.ink,
        )?;
        let mut left = NAMES;
        let mut so_far = 0;
        for (cases, colour) in state.counts.iter().zip(canvas.colours.ages) {
            so_far += cases;
            let right = NAMES + share(so_far, most, WIDTH - NAMES - TOTALS);
            canvas.block((left, top), (right, top + bar), colour)?;
            let label = short(*cases);
            if *cases > 0 && right - left >= width_of(&label) + 6 {
                let ink = readable_on(colour);
                canvas.text(
                    &label,
                    ((left + right) / 2, middle),
                    LETTERS - 1,
                    Side::Centre,
                    ink,
                )?;
            }
            left = right;
        }
        let ink = canvas.colours.ink;
        canvas.text(&short(so_far), (left + 6, middle), LETTERS, Side::Left, ink)?;
    }
    for (position, (age, colour)) in AGES.iter().zip(canvas.colours.ages).enumerate() {
        let (column, line) = (count(position) % 3, count(position) / 3);
        let at = (column * 114, HEIGHT - LEGEND + 14 + line * 19);
        canvas.legend(age, at, colour)?;
    }
    Ok(())
}

fn arrivals(canvas: &Canvas<'_>, weeks: &[WeekCounts]) -> Result<(), PageError> {
    let columns: Vec<Column> = weeks
        .iter()
        .map(|week| Column {
            below: week.arrivals,
            above: 0,
            label: short(week.arrivals),
            inside: String::new(),
        })
        .collect();
    canvas.columns(&columns, weeks, canvas.colours.ink, 0)
}

fn kept(canvas: &Canvas<'_>, weeks: &[WeekCounts]) -> Result<(), PageError> {
    const LEGEND: i32 = 24;
    let columns: Vec<Column> = weeks
        .iter()
        .map(|week| Column {
            below: week.met,
            above: week.missed,
            label: match week.missed {
                0 => String::new(),
                missed => short(missed),
            },
            inside: short(week.met),
        })
        .collect();
    canvas.columns(&columns, weeks, canvas.colours.late, LEGEND)?;
    let line = HEIGHT - 9;
    canvas.legend("met in time", (0, line), canvas.colours.good)?;
    canvas.legend("met late, or missed", (114, line), canvas.colours.late)
}

/// One of a row of columns.
struct Column {
    below: usize,
    above: usize,
    /// Stands on top of it.
    label: String,
    /// Stands in the foot of it.
    inside: String,
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Centre,
}

struct Canvas<'a> {
    area: DrawingArea<BitMapBackend<'a>, Shift>,
    colours: &'a Colours,
}

impl Canvas<'_> {
    /// Columns side by side over the Mondays of their weeks; `spare` is left free at the foot.
    fn columns(
        &self,
        columns: &[Column],
        weeks: &[WeekCounts],
        ink: RGBColor,
        spare: i32,
    ) -> Result<(), PageError> {
        const HEAD: i32 = 18;
        const FOOT: i32 = 22;
        let floor = HEIGHT - FOOT - spare;
        let most = columns.iter().map(|it| it.below + it.above).max();
        let most = most.unwrap_or(0).max(1);
        let step = WIDTH / count(columns.len()).max(1);
        for (position, (column, week)) in columns.iter().zip(weeks).enumerate() {
            let middle = count(position) * step + step / 2;
            let (left, right) = (middle - step / 3, middle + step / 3);
            let below = floor - share(column.below, most, floor - HEAD);
            let above = floor - share(column.below + column.above, most, floor - HEAD);
            self.block((left, below), (right, floor), self.colours.good)?;
            self.block((left, above), (right, below), self.colours.late)?;
            self.text(
                &column.label,
                (middle, above - 9),
                LETTERS - 1,
                Side::Centre,
                ink,
            )?;
            if floor - below > LETTERS + 4 && !column.inside.is_empty() {
                let ink = readable_on(self.colours.good);
                let at = (middle, floor - LETTERS);
                self.text(&column.inside, at, LETTERS - 2, Side::Centre, ink)?;
            }
            // Every other one: they are wider than a column. The last is always named.
            if (columns.len() - position) % 2 == 1 {
                let day = short_date(week.week);
                let soft = self.colours.soft;
                self.text(&day, (middle, floor + 12), LETTERS - 1, Side::Centre, soft)?;
            }
        }
        self.block((0, floor), (WIDTH, floor + 1), self.colours.soft)
    }

    fn legend(&self, words: &str, at: (i32, i32), colour: RGBColor) -> Result<(), PageError> {
        let (left, middle) = at;
        self.block((left, middle - 6), (left + 10, middle + 4), colour)?;
        let soft = self.colours.soft;
        self.text(words, (left + 15, middle), LETTERS - 1, Side::Left, soft)
    }

    fn block(
        &self,
        (left, top): (i32, i32),
        (right, bottom): (i32, i32),
        colour: RGBColor,
    ) -> Result<(), PageError> {
        if right <= left || bottom <= top {
            return Ok(());
        }
        // The library fills to the last point, inclusive.
        let corners = [
            (left * SCALE, top * SCALE),
            (right * SCALE - 1, bottom * SCALE - 1),
        ];
        let block = Rectangle::new(corners, colour.filled());
        self.area.draw(&block).map_err(PageError::drawing)
    }

    /// Words whose middle is at this height.
    fn text(
        &self,
        words: &str,
        (x, y): (i32, i32),
        size: i32,
        side: Side,
        colour: RGBColor,
    ) -> Result<(), PageError> {
        if words.is_empty() {
            return Ok(());
        }
        let side = match side {
            Side::Left => HPos::Left,
            Side::Centre => HPos::Center,
        };
        let style: TextStyle<'_> = (FONT, size * SCALE)
            .into_font()
            .into_text_style(&self.area)
            .color(&colour)
            .pos(Pos::new(side, VPos::Center));
        self.area
            .draw_text(words, &style, (x * SCALE, y * SCALE))
            .map_err(PageError::drawing)
    }
}

fn picture(
    colours: &Colours,
    draw: impl Fn(&Canvas<'_>) -> Result<(), PageError>,
) -> Result<Vec<u8>, PageError> {
    if !*HAS_FONT {
        return Err(PageError::Drawing("the font cannot be read".to_owned()));
    }
    let (width, height) = (
        (WIDTH * SCALE).unsigned_abs(),
        (HEIGHT * SCALE).unsigned_abs(),
    );
    let mut points = vec![0; (width * height * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut points, (width, height)).into_drawing_area();
        area.fill(&colours.ground).map_err(PageError::drawing)?;
        let canvas = Canvas { area, colours };
        draw(&canvas)?;
        canvas.area.present().map_err(PageError::drawing)?;
    }
    Ok(png::write(&points, width, height)?)
}

/// Roboto, by Google, under the Apache licence that lies beside it; no more of it than the letters
/// of the pictures.
static HAS_FONT: LazyLock<bool> = LazyLock::new(|| {
    let font = include_bytes!("font/Roboto-Regular.ttf");
    register_font(FONT, FontStyle::Normal, font).is_ok()
});

fn total(state: &OpenState) -> usize {
    state.counts.iter().sum()
}

/// So much of the length as the part is of the whole; something is never nothing.
fn share(part: usize, whole: usize, length: i32) -> i32 {
    let length = i64::from(length);
    let (part, whole) = (i64::from(count(part)), i64::from(count(whole)).max(1));
    let share = i32::try_from(part * length / whole).unwrap_or(i32::MAX);
    if part > 0 { share.max(2) } else { 0 }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// `512`, `12k`: what fits over a column.
fn short(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{}k", number / 1_000),
    }
}

/// About so wide is a number.
fn width_of(label: &str) -> i32 {
    count(label.len()) * 7
}

fn readable_on(colour: RGBColor) -> RGBColor {
    let RGBColor(red, green, blue) = colour;
    let brightness = u32::from(red) * 3 + u32::from(green) * 6 + u32::from(blue);
    if brightness > 1_350 {
        RGBColor(16, 24, 36)
    } else {
        RGBColor(255, 255, 255)
    }
}

/// `2 Mar`.
fn short_date(date: NaiveDate) -> String {
    date.format("%-d %b").to_string()
}

fn ages_in_words(states: &[OpenState]) -> String {
    let mut rows = Vec::new();
    for state in states {
        let ages = AGES.iter().zip(state.counts);
        let ages: Vec<String> = ages
            .filter(|(_, cases)| *cases > 0)
            .map(|(age, cases)| format!("{cases} of {age}"))
            .collect();
        rows.push(match ages.is_empty() {
            true => format!("{}: none", state.state),
            false => format!("{}: {} ({})", state.state, total(state), ages.join(", ")),
        });
    }
    rows.join("; ")
}

fn arrivals_in_words(weeks: &[WeekCounts]) -> String {
    by_week(weeks, |week| week.arrivals.to_string())
}

fn kept_in_words(weeks: &[WeekCounts]) -> String {
    by_week(weeks, |week| match week.missed {
        0 => format!("{} met", week.met),
        missed => format!("{} met, {missed} not", week.met),
    })
}

fn by_week(weeks: &[WeekCounts], words: impl Fn(&WeekCounts) -> String) -> String {
    let weeks: Vec<String> = weeks
        .iter()
        .map(|week| format!("{}: {}", short_date(week.week), words(week)))
        .collect();
    format!("Weeks from {}", weeks.join("; "))
}
