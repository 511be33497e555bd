//! Numbers of cards (ISO/IEC 7812) and accounts (IBAN, ISO 13616).

use super::super::SensitiveKind;

/// Kinds found in a line, each once.
pub fn in_line(line: &str) -> impl Iterator<Item = SensitiveKind> {
    let card = has_card(line).then_some(SensitiveKind::CardNumber);
    let iban = has_iban(line).then_some(SensitiveKind::Iban);
    card.into_iter().chain(iban)
}

/// A run of digits with single spaces or hyphens between, as a person writes a card's number.
fn has_card(line: &str) -> bool {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if !byte.is_ascii_digit() {
            at += 1;
            continue;
        }
        let end = end_of_run(bytes, at);
        if stands_alone(bytes, at, end)
            && let Some(run) = line.get(at..end)
            && is_card(run)
        {
            return true;
        }
        at = end;
    }
    false
}

fn end_of_run(bytes: &[u8], begin: usize) -> usize {
    let mut end = begin;
    loop {
        match (bytes.get(end), bytes.get(end + 1)) {
            (Some(byte), _) if byte.is_ascii_digit() => end += 1,
            (Some(b' ' | b'-'), Some(next)) if next.is_ascii_digit() => end += 1,
            _ => return end,
        }
    }
}

/// Not the end of a path, of a decimal fraction, or of a longer word.
fn stands_alone(bytes: &[u8], begin: usize, end: usize) -> bool {
    let before = begin.checked_sub(1).and_then(|at| bytes.get(at));
    let after = bytes.get(end);
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    !before.is_some_and(|byte| joins(byte) || matches!(byte, b'/' | b'.' | b'+' | b'#'))
        && !after.is_some_and(|byte| joins(byte) || *byte == b'*')
}

fn is_card(run: &str) -> bool {
    let digits: String = run.chars().filter(char::is_ascii_digit).collect();
    let groups: Vec<usize> = run.split([' ', '-']).map(str::len).collect();
    is_grouped(&groups)
        && is_issued(&digits)
        && passes_luhn(&digits)
        && !is_published(&digits)
        && !is_dull(&digits)
}

/// As printed on cards: in fours, as American Express and Diners do, or without any space.
fn is_grouped(groups: &[usize]) -> bool {
    matches!(
        groups,
        [_] | [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [4, 4, 4, 4, 3]
    )
}

/// Beginnings and lengths that the large schemes issue.
fn is_issued(digits: &str) -> bool {
    let beginning = |length: usize| -> u32 {
        digits
            .get(..length)
            .and_then(|head| head.parse().ok())
            .unwrap_or(0)
    };
    let (two, three, four) = (beginning(2), beginning(3), beginning(4));
    match digits.len() {
        14 => matches!(three, 300..=305) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            two / 10 == 4
                || matches!(two, 51..=55 | 62 | 65)
                || matches!(three, 644..=649)
                || matches!(four, 2221..=2720 | 3528..=3589 | 6011)
        }
        19 => two == 62,
        _ => false,
    }
}

fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .map(|byte| u32::from(byte - b'0'))
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit >= 5 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Numbers that payment companies publish for tests, and those that begin as theirs do.
fn is_published(digits: &str) -> bool {
    const TEST_CARDS: &[&str] = &[
        "4012888888881881",
        "4111111111111111",
        "4242424242424242",
        "4444333322221111",
        "4263982640269299",
        "4263970000005262",
        "4462030000000000",
        "4484070000000000",
        "4917484589897107",
        "4917610000000000",
        "4988438843884305",
        "4166676667666746",
        "4646464646464644",
        "4001919257537193",
        "4007702835532454",
        "4532015112830366",
        "4539578763621486",
        "4716461583322103",
        "4929123456789012",
        "4556737586899855",
        "5105105105105100",
        "5111010030175156",
        "5185540810000019",
        "5200828282828210",
        "5204740009900014",
        "5420923878724339",
        "5425233430109903",
        "5454545454545454",
        "5500000000000004",
        "5555555555554444",
        "5555341244441115",
        "2222400010000008",
        "2222420000001113",
        "2223000048410010",
        "2223003122003222",
        "2223520043560014",
        "340000000000009",
        "341111111111111",
        "343434343434343",
        "346827630435344",
        "370000000000002",
        "371449635398431",
        "374245455400126",
        "378282246310005",
        "378734493671000",
        "30569309025904",
        "36227206271667",
        "36006666333344",
        "36259600000004",
        "38520000023237",
        "3530111333300000",
        "3566002020360505",
        "3566111111111113",
        "6011000000000004",
        "6011000990139424",
        "6011000991300009",
        "6011111111111117",
        "6011601160116611",
        "6200000000000005",
        "6205500000000000004",
        "6243030000000001",
    ];
    TEST_CARDS.contains(&digits) || digits.starts_with("400000") || digits.starts_with("400005")
}

/// Counted up or made up: too few different digits.
fn is_dull(digits: &str) -> bool {
    let distinct = ('0'..='9').filter(|digit| digits.contains(*digit)).count();
    distinct < 5
}

/// Lengths by country, of the registry of ISO 13616.
const LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SC", 31),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
];

/// The registry's and other well-known examples.
const EXAMPLES: &[&str] = &[
    "AT611904300234573201",
    "AT483200000012345864",
    "BE68539007547034",
    "BE71096123456769",
    "CH9300762011623852957",
    "CH5604835012345678009",
    "CZ6508000000192000145399",
    "DE89370400440532013000",
    "DE75512108001245126199",
    "DE02120300000000202051",
    "DE02500105170137075030",
    "DE27100777770209299700",
    "DE91100000000123456789",
    "DK5000400440116243",
    "ES9121000418450200051332",
    "ES7921000813610123456789",
    "FI2112345600000785",
    "FR1420041010050500013M02606",
    "FR7630006000011234567890189",
    "GB29NWBK60161331926819",
    "GB82WEST12345698765432",
    "GB33BUKB20201555555555",
    "GR1601101250000000012300695",
    "HU42117730161111101800000000",
    "IE29AIBK93115212345678",
    "IE64IRCE92050112345678",
    "IT60X0542811101000000123456",
    "LU280019400644750000",
    "NL91ABNA0417164300",
    "NL02ABNA0123456789",
    "NO9386011117947",
    "PL61109010140000071219812874",
    "PT50000201231234567890154",
    "SE4550000000058398257466",
    "SK3112000000198742637541",
    "TR330006100519786457841326",
];

/// Upper case, with or without spaces in fours.
fn has_iban(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.windows(4).enumerate().any(|(at, four)| {
        let opens = matches!(four, [a, b, c, d] if a.is_ascii_uppercase() && b.is_ascii_uppercase()
            && c.is_ascii_digit() && d.is_ascii_digit());
        let begins = at
            .checked_sub(1)
            .and_then(|before| bytes.get(before))
            .is_none_or(|before| !before.is_ascii_alphanumeric());
        opens && begins && line.get(at..).is_some_and(begins_with_iban)
    })
}

fn begins_with_iban(rest: &str) -> bool {
    let Some(length) = LENGTHS
        .iter()
        .find(|(country, _)| rest.starts_with(country))
        .map(|(_, length)| *length)
    else {
        return false;
    };
    let mut number = String::with_capacity(length);
    let mut characters = rest.chars().peekable();
    while number.len() < length {
        match characters.next() {
            Some(c) if c.is_ascii_digit() || c.is_ascii_uppercase() => number.push(c),
            Some(' ') if number.len().is_multiple_of(4) => {}
            _ => return false,
        }
    }
    let ends = characters
        .peek()
        .is_none_or(|next| !next.is_ascii_alphanumeric());
    ends && remainder(&number) == 1
        && !EXAMPLES.contains(&number.as_str())
        && !number.get(4..).is_some_and(is_dull)
}

/// Of the division by 97, the first four characters moved to the end (ISO 7064).
fn remainder(number: &str) -> u32 {
    let (head, tail) = number.split_at(4.min(number.len()));
    tail.chars()
        .chain(head.chars())
        .filter_map(|c| c.to_digit(36))
        .fold(0, |rest, digit| {
            let shift = if digit >= 10 { 100 } else { 10 };
            (rest * shift + digit) % 97
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn card(line: &str, expected: bool) {
        assert_eq!(has_card(line), expected, "{line}");
    }

    /// With its check digit.
    fn issued(head: &str) -> String {
        (0..10)
            .map(|digit| format!("{head}{digit}"))
            .find(|number| passes_luhn(number))
            .unwrap()
    }

    #[test]
    fn cards() {
        let visa = issued("453201987654321");
        card(&visa, true);
        card(&format!("pan={visa}, exp"), true);
        card(&format!("\"{visa}\""), true);
        let (a, rest) = visa.split_at(4);
        let (b, rest) = rest.split_at(4);
        let (c, d) = rest.split_at(4);
        card(&format!("{a} {b} {c} {d}"), true);
        card(&format!("{a}-{b}-{c}-{d}"), true);
        card(&format!("{a} {b}{c} {d}"), false);
        card(&format!("/orders/{visa}"), false);
        card(&format!("{visa}9"), false);
        card(&format!("0.{visa}"), false);
        card(&format!("x{visa}"), false);
        card(&issued("37654398765432"), true);
        card(&issued("521234987654309"), true);
        card(&issued("911234987654309"), false);
        card("4111 1111 1111 1111", false);
        card("4242424242424242", false);
        card("4000000000000002", false);
        card("", false);
    }

    #[test]
    fn accounts() {
        #[track_caller]
        fn check(line: &str, expected: bool) {
            assert_eq!(has_iban(line), expected, "{line}");
        }
        let own = (2..99)
            .map(|check| format!("DE{check:02}500105178914629703"))
            .find(|number| remainder(number) == 1)
            .unwrap();
        check(&own, true);
        let spaced: Vec<&str> = (0..own.len())
            .step_by(4)
            .map(|at| &own[at..(at + 4).min(own.len())])
            .collect();
        check(&format!("IBAN: {}.", spaced.join(" ")), true);
        check(&format!("X{own}"), false);
        check(&format!("{own}7"), false);
        check("DE89 3704 0044 0532 0130 00", false);
        check("DE00 1234 5678 9012 3456 78", false);
        check("AB12", false);
    }
}
