//! Feeds as the usual programs write them, and what is refused.

use super::*;

/// The days of 2026 and 2027, and all that was said.
fn read_text(text: &str) -> (Vec<String>, Vec<String>) {
    let (days, mistakes) = parse(Path::new("h.ics"), text.as_bytes());
    let near = days
        .iter()
        .filter(|day| (2026..=2027).contains(&day.year()));
    let said = mistakes.iter().map(ToString::to_string).collect();
    (near.map(ToString::to_string).collect(), said)
}

/// With LF and with CRLF.
#[track_caller]
fn holidays(text: &str, expected: &[&str]) {
    for text in [text.to_owned(), text.replace('\n', "\r\n")] {
        assert_eq!(
            read_text(&text),
            (
                expected.iter().map(|day| (*day).to_owned()).collect(),
                Vec::new()
            )
        );
    }
}

/// A calendar with one event of these lines; the first of them is line 3.
fn event(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n")
}

#[track_caller]
fn said(lines: &str, expected: &str) {
    assert_eq!(read_text(&event(lines)).1, [expected]);
}

#[track_caller]
fn rule(start: &str, rule: &str, expected: &[&str]) {
    let lines = format!("DTSTART;VALUE=DATE:{start}\nRRULE:{rule}");
    holidays(&event(&lines), expected);
}

#[test]
fn google_writes_each_day_alone() {
    holidays(
        "BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:PUBLISH
X-WR-CALNAME:Feiertage in Deutschland
X-WR-TIMEZONE:UTC
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261225
DTEND;VALUE=DATE:20261226
DTSTAMP:20260401T101500Z
UID:20261225_60o30dr56co30e1g60o30dr56c@google.com
CLASS:PUBLIC
CREATED:20240517T112813Z
DESCRIPTION:Public holiday
LAST-MODIFIED:20240517T112813Z
SEQUENCE:0
STATUS:CONFIRMED
SUMMARY:Erster Weihnachtstag
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260608
DTEND;VALUE=DATE:20260609
DTSTAMP:20260401T101500Z
UID:20260608_abc@google.com
STATUS:CANCELLED
SUMMARY:Betriebsausflug
END:VEVENT
END:VCALENDAR
",
        &["2026-12-25"],
    );
}

#[test]
fn thunderbird_repeats_and_has_alarms() {
    holidays(
        "BEGIN:VCALENDAR
PRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN
VERSION:2.0
BEGIN:VEVENT
CREATED:20260102T090000Z
LAST-MODIFIED:20260102T090100Z
DTSTAMP:20260102T090100Z
UID:5e9a0c8e-6f0b-4f5a-9e59-7f2d7d1f0a11
SUMMARY:Tag der Arbeit
RRULE:FREQ=YEARLY
EXDATE;VALUE=DATE:20270501
DTSTART;VALUE=DATE:20200501
DTEND;VALUE=DATE:20200502
TRANSP:TRANSPARENT
X-MOZ-GENERATION:2
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER;VALUE=DURATION:-PT15M
DURATION:PT5M
REPEAT:2
DESCRIPTION:Mozilla Standardbeschreibung
END:VALARM
END:VEVENT
END:VCALENDAR
",
        &["2026-05-01"],
    );
}

#[test]
fn outlook_writes_midnight_in_a_zone_of_its_own() {
    holidays(
        "BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:PUBLISH
X-MS-OLK-FORCEINSPECTOROPEN:TRUE
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
CLASS:PUBLIC
CREATED:20260301T080000Z
DESCRIPTION:Zwischen den Jahren: das Haus ist geschlossen.\\n\\nDie Bereitsch
\taft ist zu erreichen.
DTEND;TZID=\"W. Europe Standard Time\":20270101T000000
DTSTAMP:20260301T080000Z
DTSTART;TZID=\"W. Europe Standard Time\":20261228T000000
PRIORITY:5
SUMMARY;LANGUAGE=de:Betriebsferien
UID:040000008200E00074C5B7101A82E008
X-ALT-DESC;FMTTYPE=\"text/html;charset=x\":<html>a:b</html>
X-MICROSOFT-CDO-ALLDAYEVENT:TRUE
X-MICROSOFT-CDO-BUSYSTATUS:OOF
END:VEVENT
END:VCALENDAR
",
        &["2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31"],
    );
}

#[test]
fn nextcloud_moves_one_day_of_a_repeating_event() {
    holidays(
        "BEGIN:VCALENDAR
CALSCALE:GREGORIAN
VERSION:2.0
PRODID:-//IDN nextcloud.com//Calendar app 4.7.16//EN
BEGIN:VEVENT
CREATED:20260105T120000Z
DTSTAMP:20260105T120000Z
LAST-MODIFIED:20260105T120000Z
SEQUENCE:3
UID:8a7f0b52-4a61-4a4a-9f4f-2b2f0f6b6a01
DTSTART;VALUE=DATE:20250813
DTEND;VALUE=DATE:20250814
STATUS:CONFIRMED
SUMMARY:Sommerfest
RRULE:FREQ=YEARLY;COUNT=4
RDATE;VALUE=DATE:20260814,20270901
END:VEVENT
BEGIN:VEVENT
DTSTAMP:20260105T120000Z
UID:8a7f0b52-4a61-4a4a-9f4f-2b2f0f6b6a01
RECURRENCE-ID;VALUE=DATE:20270813
DTSTART;VALUE=DATE:20270816
DURATION:P2D
SUMMARY:Sommerfest
END:VEVENT
BEGIN:VEVENT
DTSTAMP:20260105T120000Z
UID:8a7f0b52-4a61-4a4a-9f4f-2b2f0f6b6a01
RECURRENCE-ID;VALUE=DATE:20260814
DTSTART;VALUE=DATE:20260814
STATUS:CANCELLED
END:VEVENT
END:VCALENDAR
",
        &["2026-08-13", "2027-08-16", "2027-08-17", "2027-09-01"],
    );
}

#[test]
fn office_holidays_writes_parameters_and_folds() {
    holidays(
        "BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//www.officeholidays.com//iCal 4.0//EN
X-WR-CALNAME;VALUE=TEXT:Germany Holidays
REFRESH-INTERVAL;VALUE=DURATION:PT48H
X-PUBLISHED-TTL:PT48H
CALSCALE:GREGORIAN
METHOD:PUBLISH
BEGIN:VEVENT
CLASS:PUBLIC
UID:2026-05-14DE312@www.officeholidays.com
CREATED:20260101T000000Z
DESCRIPTION:Ascension Day is on the fortieth day of Easter.\\n\\nInforma
 tion provided by www.officeholidays.com
URL:https://www.officeholidays.com/holidays/germany/ascension-day
DTSTART;VALUE=DATE:20260514
DTEND;VALUE=DATE:20260515
DTSTAMP:20080101T000000Z
LOCATION:Germany
PRIORITY:5
SEQUENCE:1
SUMMARY;LANGUAGE=en-us:Germany: Ascension Day
TRANSP:OPAQUE
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
X-MICROSOFT-CDO-IMPORTANCE:1
X-MICROSOFT-DISALLOW-COUNTER:FALSE
X-MS-OLK-ALLOWEXTERNCHECK:TRUE
X-MS-OLK-AUTOFILLLOCATION:FALSE
X-MICROSOFT-CDO-ALLDAYEVENT:TRUE
END:VEVENT
END:VCALENDAR
",
        &["2026-05-14"],
    );
}

#[test]
fn rules_of_every_usual_shape() {
    rule("19901003", "FREQ=YEARLY", &["2026-10-03", "2027-10-03"]);
    let each = ["2026-11-26", "2027-11-25"];
    rule("20201126", "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", &each);
    let last = ["2026-05-25", "2027-05-31"];
    rule("20200525", "FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5", &last);
    rule("20240229", "FREQ=YEARLY", &[]);
    rule(
        "20251231",
        "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=-1",
        &["2026-12-31", "2027-12-31"],
    );
    rule("20240101", "FREQ=YEARLY;INTERVAL=2", &["2026-01-01"]);
    rule("20250101", "FREQ=YEARLY;COUNT=2", &["2026-01-01"]);
    rule("20250101", "FREQ=YEARLY;UNTIL=20260101", &["2026-01-01"]);
    rule(
        "20250101",
        "FREQ=YEARLY;UNTIL=20261231T225959Z",
        &["2026-01-01"],
    );
    rule("20250101", "FREQ=YEARLY;UNTIL=20251231", &[]);
    rule(
        "20261102",
        "FREQ=MONTHLY;BYDAY=1MO;COUNT=2",
        &["2026-11-02", "2026-12-07"],
    );
    rule(
        "20261204",
        "FREQ=WEEKLY;COUNT=3",
        &["2026-12-04", "2026-12-11", "2026-12-18"],
    );
    rule(
        "20261224",
        "FREQ=DAILY;COUNT=3",
        &["2026-12-24", "2026-12-25", "2026-12-26"],
    );
    rule(
        "20261005",
        "freq=yearly;interval=1;bymonth=10;bymonthday=5;wkst=mo",
        &["2026-10-05", "2027-10-05"],
    );
    // The first working day from the fourth on (British substitute days).
    rule(
        "20210104",
        "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=4,5,6;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1",
        &["2026-01-05", "2027-01-04"],
    );
}

#[test]
fn a_rule_is_written_out_for_the_years_of_a_policy() {
    let lines = "DTSTART;VALUE=DATE:19600101\nRRULE:FREQ=YEARLY";
    let (days, mistakes) = parse(Path::new("h.ics"), event(lines).as_bytes());
    assert!(mistakes.is_empty());
    assert_eq!(days.len(), 131);
    let end = |day: Option<&NaiveDate>| day.map(ToString::to_string);
    assert_eq!(end(days.first()).as_deref(), Some("1970-01-01"));
    assert_eq!(end(days.last()).as_deref(), Some("2100-01-01"));
}

#[test]
fn days_of_several_lengths() {
    let check = |lines: &str, expected: &[&str]| holidays(&event(lines), expected);
    check("DTSTART;VALUE=DATE:20261225", &["2026-12-25"]);
    check("DTSTART:20261225", &["2026-12-25"]);
    check(
        "DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261225",
        &["2026-12-25"],
    );
    check(
        "DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227",
        &["2026-12-25", "2026-12-26"],
    );
    check(
        "DTSTART:20261225\nDURATION:P2D",
        &["2026-12-25", "2026-12-26"],
    );
    check("DTSTART:20261225T000000\nDURATION:PT24H", &["2026-12-25"]);
    check(
        "DTSTART:20261225T000000\nDURATION:P1DT0H0M0S",
        &["2026-12-25"],
    );
    check(
        "DTSTART;TZID=Europe/Berlin:20261225T000000\nDTEND;TZID=Europe/Berlin:20261226T000000\nRRULE:FREQ=YEARLY;UNTIL=20271225T000000\nEXDATE;TZID=Europe/Berlin:20271225T000000",
        &["2026-12-25"],
    );
}

#[test]
fn a_letter_folded_between_its_bytes() {
    let text = event("SUMMARY:Dreik\u{f6}nig\nDTSTART:20260106");
    let mut bytes = text.clone().into_bytes();
    let at = text.find('\u{f6}').unwrap() + 1;
    bytes.splice(at..at, *b"\r\n ");
    let (days, mistakes) = parse(Path::new("h.ics"), &bytes);
    assert_eq!((days.len(), mistakes.len()), (1, 0));
}

#[test]
fn what_is_no_whole_day_is_refused() {
    said(
        "DTSTART:20261225T100000Z\nDTEND:20261225T110000Z",
        r#"h.ics:3: DTSTART: "20261225T100000Z" has a time of day; holidays are whole days, like DTSTART;VALUE=DATE:20261225"#,
    );
    said(
        "DTSTART:20261225T000000Z\nDTEND:20261226T000000Z",
        r#"h.ics:3: DTSTART: "20261225T000000Z" has a time of day; holidays are whole days, like DTSTART;VALUE=DATE:20261225"#,
    );
    said(
        "DTSTART:20261225T000000",
        r#"h.ics:3: DTSTART: "20261225T000000" has a time of day; holidays are whole days, like DTSTART;VALUE=DATE:20261225"#,
    );
    said(
        "DTSTART:20261225T000000\nDTEND:20261225T235959",
        r#"h.ics:4: DTEND: "20261225T235959" has a time of day; holidays are whole days, like DTEND;VALUE=DATE:20261225"#,
    );
    said(
        "DTSTART:20261225T000000\nDTEND:20261225T000000",
        "h.ics:4: DTEND: makes the event last 0 days; correct it; DTEND is the day after the last one",
    );
    said(
        "DTSTART:20261225\nDTEND:20261224",
        "h.ics:4: DTEND: makes the event last -1 days; correct it; DTEND is the day after the last one",
    );
    said(
        "DTSTART:20261225\nDTEND:20281225",
        "h.ics:4: DTEND: makes the event last 731 days; correct it; DTEND is the day after the last one",
    );
    said(
        "DTSTART:20261225\nDURATION:PT1H",
        r#"h.ics:4: DURATION: "PT1H" is not a number of whole days; write it like P1D"#,
    );
    said(
        "DTSTART:20261225\nDTEND:20261226\nDURATION:P1D",
        "h.ics:5: DURATION: DTEND is there too; keep one of the two",
    );
    said(
        "DTSTART:20260229",
        r#"h.ics:3: DTSTART: "20260229" is not a date; write it like 20261225"#,
    );
    said(
        "DTSTART:25.12.2026",
        r#"h.ics:3: DTSTART: "25.12.2026" is not a date; write it like 20261225"#,
    );
    said(
        "DTSTART:20261225\nRDATE;VALUE=PERIOD:20261226T000000/P1D",
        "h.ics:4: RDATE: is a period of time; write days, like 20261225",
    );
    said(
        "SUMMARY:x",
        "h.ics:2: VEVENT: has no DTSTART; add DTSTART;VALUE=DATE:20261225",
    );
    said(
        "DTSTART 20261225",
        r#"h.ics:3: DTSTART: "DTSTART 20261225" has no colon; write it like DTSTART:VALUE"#,
    );
    said(
        "DTSTART:20261225\nDTSTART:20261226",
        "h.ics:4: DTSTART: stands in line 3 already; keep one of the two",
    );
}

#[test]
fn bad_rules_are_refused() {
    let check = |rule: &str, expected: &str| {
        said(&format!("DTSTART:20261225\nRRULE:{rule}"), expected);
    };
    check(
        "FREQ=YEARY",
        r#"h.ics:4: RRULE: "YEARY" is not how often a holiday comes; the nearest one is "YEARLY""#,
    );
    check(
        "FREQ=HOURLY",
        r#"h.ics:4: RRULE: "HOURLY" is not how often a holiday comes; the nearest one is "YEARLY""#,
    );
    check(
        "FREQ=YEARLY;BYHOUR=9",
        r#"h.ics:4: RRULE: "BYHOUR" is no part of a rule for whole days; the nearest one is "BYMONTH""#,
    );
    check(
        "FREQ=YEARLY;BYEASTER=0",
        r#"h.ics:4: RRULE: "BYEASTER" is no part of RFC 5545; list the days in RDATE"#,
    );
    check(
        "FREQ=YEARLY;INTERVAL=0",
        r#"h.ics:4: RRULE: INTERVAL is "0"; write a number from 1 on"#,
    );
    check(
        "FREQ=YEARLY;COUNT=-1",
        r#"h.ics:4: RRULE: COUNT is "-1"; write a number from 1 on"#,
    );
    check(
        "FREQ=YEARLY;UNTIL=soon",
        r#"h.ics:4: RRULE: UNTIL is "SOON", which is not a date; write it like UNTIL=20301225"#,
    );
    check(
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "h.ics:4: RRULE: does not fall on DTSTART, 20261225; begin DTSTART on the first day of the rule",
    );
    check(
        "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
        "h.ics:4: RRULE: does not fall on DTSTART, 20261225; begin DTSTART on the first day of the rule",
    );
    for rule in [
        "",
        "BYMONTH=12",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYDAY=4XX",
        "FREQ=YEARLY;COUNT=2;COUNT=3",
        "FREQ=YEARLY;UNTIL=20251225",
        "FREQ=YEARLY;BYMONTHDAY=",
    ] {
        let (days, said) = read_text(&event(&format!("DTSTART:20261225\nRRULE:{rule}")));
        let told = said.iter().all(|line| line.starts_with("h.ics:4: RRULE: "));
        assert!(
            days.is_empty() && said.len() == 1 && told,
            "{rule}: {said:?}"
        );
    }
    said(
        "DTSTART:18261225\nRRULE:FREQ=YEARLY",
        "h.ics:4: RRULE: repeats since 1826; correct the year of DTSTART",
    );
    said(
        "DTSTART:20261225\nEXRULE:FREQ=YEARLY",
        "h.ics:4: EXRULE: is no longer part of iCalendar (RFC 5545); list the days in EXDATE",
    );
    said(
        "DTSTART:20261225\nRRULE:FREQ=YEARLY\nEXDATE:20261224",
        "h.ics:5: EXDATE: 2026-12-24 is no day of the event that begins in line 2, so it takes nothing away; correct the date, or take it out",
    );
}

#[test]
fn what_is_no_calendar_is_refused() {
    let check = |text: &str, expected: &str| assert_eq!(read_text(text).1, [expected]);
    let none = "h.ics:1: is not an iCalendar file; name a file that begins with BEGIN:VCALENDAR";
    check("", none);
    check("<html>\n<title>Sign in</title>\n", none);
    check(
        "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n",
        "h.ics:1: has no holiday in it; add events, or take holidays_file out",
    );
    check(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\n",
        "h.ics:2: VEVENT: begins and does not end; fetch the file anew, its end is missing",
    );
    check(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\nEND:VEVENT\n",
        "h.ics:4: ends without END:VCALENDAR; fetch the file anew, its end is missing",
    );
    check(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\nBEGIN:VEVENT\nDTSTART:20261226\nEND:VEVENT\nEND:VCALENDAR",
        "h.ics:2: VEVENT: begins and does not end before the next one; add END:VEVENT in front of the next BEGIN:VEVENT",
    );
    check(
        &event("DTSTART:20260101\nRRULE:FREQ=DAILY;COUNT=365"),
        "h.ics:1: makes 365 days of 2026 holidays; name a calendar of days on which nobody works",
    );
    check(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20250101\nRRULE:FREQ=YEARLY\nEND:VEVENT\nBEGIN:VEVENT\nUID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260101\nDTSTART:20260102\nEND:VEVENT\nEND:VCALENDAR",
        "h.ics:9: RECURRENCE-ID: changes every day from there on, which is not supported; end the first event with UNTIL and begin a new one",
    );
}

#[test]
fn hostile_feeds_end_soon() {
    let endless = event("DTSTART:19000101\nRRULE:FREQ=DAILY");
    let (days, _) = parse(Path::new("h.ics"), endless.as_bytes());
    assert!(days.len() < 50_000);
    let never = event("DTSTART:19000101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30");
    assert_eq!(parse(Path::new("h.ics"), never.as_bytes()).0.len(), 0);
}
