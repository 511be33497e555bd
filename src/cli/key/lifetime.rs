//! How long a key is valid, as a person writes it: `3 years`, `18 months`, `90 days`.

use chrono::{DateTime, Days, Months, Utc};

/// Civil time: three years end on the same day of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    Days(u32),
    Months(u32),
}

/// Years; who means longer means for ever, and no key should be.
const LONGEST: u32 = 20;

impl Lifetime {
    pub fn parse(text: &str) -> Result<Self, String> {
        let refusal = || "write it like \"3 years\", \"18 months\" or \"90 days\"".to_owned();
        let text = text.trim();
        let digits = text.chars().take_while(char::is_ascii_digit).count();
        let (count, unit) = text.split_at_checked(digits).ok_or_else(refusal)?;
        let count: u32 = count.parse().map_err(|_| refusal())?;
        let (lifetime, most) = match unit.trim().to_lowercase().as_str() {
            "d" | "day" | "days" => (Self::Days(count), LONGEST * 366),
            "w" | "week" | "weeks" => (Self::Days(count.saturating_mul(7)), LONGEST * 53),
            "month" | "months" => (Self::Months(count), LONGEST * 12),
            "y" | "year" | "years" => (Self::Months(count.saturating_mul(12)), LONGEST),
            _ => return Err(refusal()),
        };
        match count {
            0 => Err("a key that is never valid is of no use".to_owned()),
            count if count > most => Err(format!("write at most \"{LONGEST} years\"")),
            _ => Ok(lifetime),
        }
    }

    /// Where it ends, counted from `now`.
    pub fn end(self, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
        let end = match self {
            Self::Days(days) => now.checked_add_days(Days::new(days.into())),
            Self::Months(months) => now.checked_add_months(Months::new(months)),
        };
        // OpenPGP counts seconds in 32 bits, and a fraction of one would not come back.
        let last = DateTime::from_timestamp(u32::MAX.into(), 0).unwrap_or_default();
        let end = end.and_then(|end| DateTime::from_timestamp(end.timestamp(), 0));
        end.filter(|end| *end < last)
            .ok_or_else(|| anyhow::anyhow!("no OpenPGP key can be valid for so long"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_writes_it() {
        #[track_caller]
        fn check(text: &str, end: &str) {
            let now = "2028-02-29T12:00:00Z".parse().unwrap();
            let end: DateTime<Utc> = end.parse().unwrap();
            assert_eq!(Lifetime::parse(text).unwrap().end(now).unwrap(), end);
        }
        check("3 years", "2031-02-28T12:00:00Z");
        check("4y", "2032-02-29T12:00:00Z");
        check(" 18 Months", "2029-08-29T12:00:00Z");
        check("2 weeks", "2028-03-14T12:00:00Z");
        check("1day", "2028-03-01T12:00:00Z");
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "3",
            "years",
            "0 days",
            "21 years",
            "-1 day",
            "4294967296 days",
            "1 ä",
        ] {
            assert!(Lifetime::parse(text).is_err(), "{text}");
        }
    }
}
