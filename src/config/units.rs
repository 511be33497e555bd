//! Values as a person writes them: durations, spans, sizes, times of day,
//! weekdays, addresses. Each complaint says what to write instead.

use std::time::Duration;

use chrono::Weekday;

use super::document::Complaint;
use super::mistake::{nearest, quote};
use crate::triage::policy::Span;

type Parsed<T> = Result<T, Complaint>;

/// Days; a policy that promises something for later than in ten years means something else.
const LONGEST_SPAN: u32 = 3_660;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// `30s`, `15m`, `1 hour`, `7 days`, `2 weeks`.
pub fn duration(text: &str) -> Parsed<Duration> {
    const UNITS: [(&str, u64, &[&str]); 5] = [
        ("seconds", 1, &["s", "sec", "secs", "second", "seconds"]),
        (
            "minutes",
            MINUTE,
            &["m", "min", "mins", "minute", "minutes"],
        ),
        ("hours", HOUR, &["h", "hour", "hours"]),
        ("days", DAY, &["d", "day", "days"]),
        ("weeks", WEEK, &["w", "week", "weeks"]),
    ];
    let refusal = || {
        let units = UNITS.map(|(name, ..)| name);
        not_a_duration(text, &units, "write it like \"30s\", \"15m\" or \"7 days\"")
    };
    let (count, unit) = count_and_unit(text).ok_or_else(refusal)?;
    let (_, seconds, _) = UNITS
        .into_iter()
        .find(|(_, _, names)| names.contains(&unit.as_str()))
        .ok_or_else(refusal)?;
    count
        .checked_mul(seconds)
        .filter(|&total| total <= u64::from(LONGEST_SPAN) * DAY)
        .map(Duration::from_secs)
        .ok_or_else(|| {
            let what = format!("{} is too long", quote(text));
            Complaint::new(what, "write at most \"3660 days\"")
        })
}

/// A duration between two things that are done again and again.
pub fn interval(text: &str) -> Parsed<Duration> {
    let interval = duration(text)?;
    let mend = "write one from \"1s\" to \"1 day\"";
    if interval.is_zero() {
        let what = format!("{} leaves no time between", quote(text));
        return Err(Complaint::new(what, mend));
    }
    if interval > Duration::from_secs(DAY) {
        let what = format!("{} is too long to wait", quote(text));
        return Err(Complaint::new(what, mend));
    }
    Ok(interval)
}

/// A promise of the policy: `48 hours`, `48 business hours`, `5 business
/// days`, `7 days`, `2 weeks`; `none` for no promise.
pub fn span(text: &str) -> Parsed<Option<Span>> {
    const UNITS: [&str; 5] = ["hours", "days", "weeks", "business hours", "business days"];
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let refusal = || {
        if let Some(meant) = other_unit(text) {
            let what = format!("{} is not a duration", quote(text));
            return Complaint::new(what, format!("write \"{meant}\""));
        }
        let mend =
            "write it like \"48 business hours\", \"5 business days\", \"7 days\" or \"none\"";
        not_a_duration(text, &UNITS, mend)
    };
    let (count, unit) = count_and_unit(text).ok_or_else(refusal)?;
    let (make, per_unit, per_day): (fn(u32) -> Span, u32, u32) = match unit.as_str() {
        "h" | "hour" | "hours" => (Span::Hours, 1, 24),
        "d" | "day" | "days" => (Span::Days, 1, 1),
        "w" | "week" | "weeks" => (Span::Days, 7, 1),
        "business hour" | "business hours" => (Span::BusinessHours, 1, 24),
        "business day" | "business days" => (Span::BusinessDays, 1, 1),
        _ => return Err(refusal()),
    };
    let total = u32::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(per_unit))
        .filter(|total| (1..=LONGEST_SPAN * per_day).contains(total));
    match total {
        Some(total) => Ok(Some(make(total))),
        None if count == 0 => {
            let what = format!("{} leaves no time at all", quote(text));
            Err(Complaint::new(what, "write a longer one, or \"none\""))
        }
        None => {
            let what = format!("{} is too long", quote(text));
            Err(Complaint::new(
                what,
                "write at most \"3660 days\", or \"none\"",
            ))
        }
    }
}

/// Units that the policy does not have, in those that it has: `7 working days`, `3 months`.
fn other_unit(text: &str) -> Option<String> {
    let (count, unit) = count_and_unit(text)?;
    let (factor, unit) = match unit.trim_end_matches('s') {
        "working day" | "workday" | "work day" | "weekday" | "bd" => (1, "business days"),
        "working hour" | "work hour" | "office hour" => (1, "business hours"),
        "business week" | "working week" => (5, "business days"),
        "month" => (30, "days"),
        "quarter" => (90, "days"),
        "year" => (365, "days"),
        _ => return None,
    };
    Some(format!("{} {unit}", count.checked_mul(factor)?))
}

/// `50 MB`, `10 MiB`, `500 kB`; bytes, at least one.
pub fn size(text: &str) -> Parsed<u64> {
    const MEND: &str = "write it like \"50 MB\"";
    let refusal = || Complaint::new(format!("{} is not a size", quote(text)), MEND);
    let (count, unit) = count_and_unit(text).ok_or_else(refusal)?;
    let factor: u64 = match unit.as_str() {
        "b" | "byte" | "bytes" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(refusal()),
    };
    count
        .checked_mul(factor)
        .ok_or_else(|| Complaint::new(format!("{} is too large", quote(text)), MEND))
}

/// A count and what follows it, lower case, single spaces: `48 Business  hours`
/// gives (48, "business hours").
fn count_and_unit(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = text.strip_suffix(unit)?.parse().ok()?;
    let words: Vec<String> = unit.split_whitespace().map(str::to_lowercase).collect();
    Some((count, words.join(" ")))
}

/// Proposes the unit that was meant where it is a slip of the pen.
fn not_a_duration(text: &str, units: &[&str], mend: &str) -> Complaint {
    const SLIPS: usize = 2;
    let meant = count_and_unit(text).and_then(|(count, unit)| {
        let unit: String = unit.chars().take(40).collect();
        let near = nearest(&unit, units.iter().copied())
            .filter(|near| strsim::damerau_levenshtein(near, &unit) <= SLIPS)?;
        let near = if count == 1 {
            near.trim_end_matches('s')
        } else {
            near
        };
        Some(format!("write \"{count} {near}\""))
    });
    let what = format!("{} is not a duration", quote(text));
    Complaint::new(what, meant.unwrap_or_else(|| mend.to_owned()))
}

/// `08:00`: minutes after midnight.
pub fn time_of_day(text: &str) -> Parsed<u16> {
    let in_range = |digits: &str, most: u16| {
        let plain = (1..=2).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit());
        let number: u16 = digits.parse().ok()?;
        (plain && number <= most).then_some(number)
    };
    text.trim()
        .split_once(':')
        .and_then(|(hours, minutes)| {
            let minutes = Some(minutes).filter(|minutes| minutes.len() == 2)?;
            Some(in_range(hours, 23)? * 60 + in_range(minutes, 59)?)
        })
        .ok_or_else(|| {
            let what = format!("{} is not a time of day", quote(text));
            Complaint::new(what, "write it like \"08:00\", from \"00:00\" to \"23:59\"")
        })
}

/// `mon` or `monday`.
pub fn weekday(text: &str) -> Parsed<Weekday> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    text.trim().parse().map_err(|_| {
        let short: String = text.trim().to_lowercase().chars().take(3).collect();
        let near = nearest(&short, NAMES).unwrap_or("mon");
        let what = format!("{} is not a weekday", quote(text));
        Complaint::new(what, format!("the nearest one is \"{near}\""))
    })
}

/// A list of weekdays as flags, Monday first.
pub fn week(days: &[Weekday]) -> [bool; 7] {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    [Mon, Tue, Wed, Thu, Fri, Sat, Sun].map(|day| days.contains(&day))
}

/// One of a few words.
pub fn one_of<T: Copy>(words: &[(&str, T)]) -> impl Fn(&str) -> Parsed<T> {
    move |text| {
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<String> = words.iter().map(|(word, _)| quote(word)).collect();
            let near = nearest(text, words.iter().map(|(word, _)| *word)).unwrap_or_default();
            let what = format!("{} is not one of {}", quote(text), names.join(", "));
            Complaint::new(what, format!("the nearest one is {}", quote(near)))
        })
    }
}

/// Some text on one line.
pub fn line(text: &str) -> Parsed<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Complaint::new("is empty", "write some text"));
    }
    if text.chars().any(char::is_control) {
        let what = format!("{} holds a control character", quote(text));
        return Err(Complaint::new(what, "write it on one line, without tabs"));
    }
    Ok(text.to_owned())
}

/// An OpenPGP fingerprint, v4 or v6, as any program prints it; in upper case, without spaces.
pub fn fingerprint(text: &str) -> Parsed<String> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bare = bare.trim_start_matches("0x").to_uppercase();
    if matches!(bare.len(), 40 | 64) && bare.chars().all(|c| c.is_ascii_hexdigit()) {
        return Ok(bare);
    }
    let what = format!("{} is not a fingerprint", quote(text));
    Err(Complaint::new(
        what,
        "write its 40 (or 64) hexadecimal digits, as `triaged key list` prints them",
    ))
}

/// An e-mail address without a name: `security@example.com`.
pub fn address(text: &str) -> Parsed<String> {
    let refusal = |mend: &str| {
        let what = format!("{} is not an e-mail address", quote(text));
        Err(Complaint::new(what, mend))
    };
    let text_is = |forbidden: fn(char) -> bool| text.chars().any(forbidden);
    if text.contains(['<', '>', '"', ',', ';']) {
        return refusal("write the address alone, like \"security@example.com\"");
    }
    if text_is(char::is_whitespace) || text_is(char::is_control) {
        return refusal("take out spaces and control characters");
    }
    let Some((local, domain)) = text.split_once('@') else {
        return refusal("write it like \"security@example.com\"");
    };
    if local.is_empty() || domain.contains('@') || domain.split('.').any(str::is_empty) {
        return refusal("write it like \"security@example.com\"");
    }
    Ok(text.to_owned())
}

/// The name or address of a server, without a port.
pub fn host(text: &str) -> Parsed<String> {
    let refusal = |mend: &str| {
        let what = format!("{} is not the name of a server", quote(text));
        Err(Complaint::new(what, mend))
    };
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return Ok(bare.to_owned());
    }
    if text.contains("://") {
        return refusal("write the name alone, like \"mail.example.com\"");
    }
    if text.contains(':') {
        return refusal("write the port as port = …, on a line of its own");
    }
    if !text.is_ascii() {
        return refusal("write it as the name system knows it, beginning with xn--");
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_name = |label: &str| !label.is_empty() && label.chars().all(fits);
    if text.trim_end_matches('.').split('.').all(is_name) {
        Ok(text.to_owned())
    } else {
        refusal("write it like \"mail.example.com\"")
    }
}

/// SHA-256 as 64 hexadecimal digits, with or without colons.
pub fn sha256(text: &str) -> Parsed<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|&c| c != ':')
        .map_while(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    let all_are_digits = digits.len() == text.chars().filter(|&c| c != ':').count();
    let even = digits.len() == 64;
    bytes
        .try_into()
        .ok()
        .filter(|_| even && all_are_digits)
        .ok_or_else(|| {
            let what = format!("{} is not a SHA-256", quote(text));
            let mend = "write its 64 hexadecimal digits, as \
                    openssl x509 -noout -fingerprint -sha256 prints them";
            Complaint::new(what, mend)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any two that agree on what is understood, and to what.
    #[track_caller]
    fn check<T: PartialEq + std::fmt::Debug>(found: Parsed<T>, expected: Option<T>) {
        assert_eq!(found.ok(), expected);
    }

    #[test]
    fn durations() {
        let seconds = |count| Some(Duration::from_secs(count));
        check(duration("30s"), seconds(30));
        check(duration("15m"), seconds(900));
        check(duration("15 Min"), seconds(900));
        check(duration(" 1 hour "), seconds(3_600));
        check(duration("7 days"), seconds(604_800));
        check(duration("2weeks"), seconds(1_209_600));
        check(duration("0s"), seconds(0));
        for text in [
            "", "s", "-1s", "1.5 h", "1 month", "10", "1 h 30 m", "١s", "+5s",
        ] {
            check(duration(text), None);
        }
        check(duration("18446744073709551615 weeks"), None);
        check(duration("99999999999999999999 s"), None);
        check(interval("0s"), None);
        check(interval("25h"), None);
    }

    #[test]
    fn sizes() {
        check(size("50 MB"), Some(50_000_000));
        check(size("10MiB"), Some(10 << 20));
        check(size("500 kB"), Some(500_000));
        check(size("500 KB"), Some(500_000));
        check(size("1 GB"), Some(1_000_000_000));
        check(size("1024 bytes"), Some(1_024));
        for text in ["", "50", "50 M", "MB", "-1 MB", "99999999999999999 GB"] {
            check(size(text), None);
        }
    }

    #[test]
    fn times_of_day() {
        check(time_of_day("08:00"), Some(480));
        check(time_of_day("8:05"), Some(485));
        check(time_of_day("23:59"), Some(1_439));
        for text in [
            "24:00", "08:60", "8", "08:0", "0800", "+8:00", "08:00:00", ":",
        ] {
            check(time_of_day(text), None);
        }
    }

    #[test]
    fn hosts_and_addresses() {
        check(
            host("mail.example.test"),
            Some("mail.example.test".to_owned()),
        );
        check(host("[::1]"), Some("::1".to_owned()));
        for text in ["", ".", "a..b", "a:25", "a b", "smtp://a", "\u{0}"] {
            check(host(text), None);
        }
        check(address("a+b@x.test"), Some("a+b@x.test".to_owned()));
        for text in [
            "",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a@.b",
            "a@b.",
            "a\n@b",
            "a\u{a0}@b",
            "<a@b>",
        ] {
            check(address(text), None);
        }
    }

    #[test]
    fn fingerprints() {
        check(sha256(&"0f".repeat(32)), Some([0x0f; 32]));
        check(sha256(&["0F"; 32].join(":")), Some([0x0f; 32]));
        for text in [
            "",
            "0f",
            &"0g".repeat(32),
            &"0f".repeat(33),
            &format!("{}x", "0f".repeat(32)),
        ] {
            check(sha256(text), None);
        }
    }
}
