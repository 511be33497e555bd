//! A board made by hand: a busy one, and one that strangers wrote with bad intent.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use triaged::notices::board::{
    Board, Card, Count, Disclosure, Health, Kept, Noise, NoiseMail, OpenState, Pictures, Pressing,
    Quiet, Totals, Week, WeekCounts,
};
use triaged::store::outbox::{OutboxCounts, Troubled};

pub fn busy() -> Board {
    let at = instant("2026-06-15T06:00:00Z");
    Board {
        organization: "Example Corp".to_owned(),
        address: "security@example.test".to_owned(),
        at,
        since: Some(at - TimeDelta::days(3)),
        decide: vec![
            pressing("0012", "triage", true, "3 days ago", "high?", "Stored XSS in the order notes of the admin pages"),
            pressing("0031", "early_warning", true, "5 hours ago", "critical", "RCE through the update channel, seen in the wild"),
            pressing("0044", "update", false, "in 7 hours", "medium", "Password reset tokens do not expire"),
            pressing("0045", "acknowledge", false, "in 26 hours", "low?", "Missing rate limit on /api/login"),
            pressing("0046", "triage", false, "in 31 hours", "medium?", "IDOR: invoices of other customers can be read by counting"),
        ],
        due_soon: vec![
            pressing("0029", "remediate", false, "in 9 days", "high", "SSRF in the PDF export"),
            pressing("0033", "update", false, "in 3 days", "medium", "Open redirect on the login page"),
        ],
        half_way: vec![pressing("0040", "remediate", false, "in 44 days", "high", "SQL injection in the search of the partner portal")],
        new: vec![
            Card { labels: vec!["encrypted".into(), "active_exploitation".into(), "possible_duplicate".into()], ..card("0047", "critical?", "Deserialisation bug in the queue worker") },
            Card { kind: "question".into(), severity: None, last_word: None, ..card("0048", "", "Is your mobile app in scope?") },
            Card { labels: vec!["scanner_output".into(), "beg_bounty".into()], ..card("0049", "low?", "SPF record and clickjacking on your website, kindly reward") },
        ],
        waiting: vec![quiet("0022", "19 days ago"), quiet("0027", "6 days ago")],
        disclosures: vec![
            Disclosure { card: card("0018", "high", "Signature bypass in the plug-in loader"), on: day("2026-06-23"), far: "in 8 days".into(), is_told: true, is_fixed: true },
            Disclosure { card: card("0016", "medium", "Session fixation after single sign-on"), on: day("2026-07-01"), far: "in 16 days".into(), is_told: false, is_fixed: false },
        ],
        quiet: vec![quiet("0009", "47 days ago")],
        noise: Noise {
            total: 38,
            kinds: vec![count("spam", 21), count("bounce", 9), count("auto_reply", 8)],
            mails: (1..=10).map(|hours| NoiseMail {
                at: at - TimeDelta::hours(hours * 5),
                kind: "spam".into(),
                from: Some("offers@shop.example".into()),
                subject: format!("Grow your business, offer number {hours}"),
                case: (hours == 4).then(|| "SEC-2026-0031".to_owned()),
            }).collect(),
        },
        unreadable: vec![Card { kind: "unreadable".into(), severity: None, ..card("0050", "", "Encrypted message") }],
        letters: vec![Troubled {
            id: 118,
            case: Some("SEC-2026-0031".into()),
            kind: "acknowledgement".into(),
            state: "failed".into(),
            attempts: 3,
            last_error: Some("550 5.1.1 <gone@researcher.example>: Recipient address rejected: User unknown in virtual mailbox table".into()),
            next_at: at,
        }],
        keys: vec!["alice@example.test: the certificate expires in 12 days".into()],
        health: Health {
            last_good_poll_at: Some(at - TimeDelta::minutes(2)),
            outbox: OutboxCounts { waiting: 2, held: 1, sent: 412, failed: 1 },
            disk_free: Some(12_345_678_901),
            reconciled_at: Some(at - TimeDelta::hours(4)),
            audit_rows: 2_841,
            audit_head: "9f2c4a1be07d55e6a8c3b1f0d2e4968877aa0c1de2f3b4a5968778695a4b3c2d".into(),
            problems: vec![],
        },
        open: 23,
        totals: Totals { decide: 5, missed: 2, due_soon: 2, half_way: 1, new: 3, waiting: 2, disclosures: 2, quiet: 1, unreadable: 1, letters: 1 },
        pictures: Pictures {
            open_by_age: vec![
                state("new", [4, 2, 0, 0, 0]),
                state("accepted", [1, 4, 3, 2, 2]),
                state("fixed", [0, 1, 1, 0, 1]),
                state("waiting", [0, 1, 1, 0, 0]),
            ],
            weeks: (0..12).map(|week| WeekCounts {
                week: day("2026-03-30") + TimeDelta::weeks(week),
                arrivals: [3, 5, 2, 4, 0, 6, 3, 4, 9, 5, 2, 3][week as usize],
                met: [6, 8, 7, 5, 9, 4, 10, 8, 7, 12, 9, 3][week as usize],
                missed: [1, 0, 0, 2, 0, 3, 0, 0, 1, 0, 0, 2][week as usize],
            }).collect(),
        },
        week: Some(Week {
            from: day("2026-06-08"),
            until: day("2026-06-14"),
            since: day("2026-03-23"),
            reports: 3,
            reports_in_twelve_weeks: 46,
            valid: 2,
            valid_in_twelve_weeks: 29,
            open: 14,
            open_over_90_days: 3,
            days_to_validate: Some(2.4),
            days_to_remediate: Some(31.0),
            days_to_first_response: Some(0.3),
            kept: vec![
                Kept { clock: "acknowledge".into(), due: 46, met: 46 },
                Kept { clock: "triage".into(), due: 41, met: 36 },
                Kept { clock: "update".into(), due: 20, met: 13 },
                Kept { clock: "remediate".into(), due: 12, met: 10 },
                Kept { clock: "final_report".into(), due: 0, met: 0 },
            ],
            top_noise: vec![count("shop.example", 12), count("bounties.example", 5)],
        }),
        shown_at: "Monday 15 June 2026, 08:00 CEST".to_owned(),
        shown_since: Some("Friday 12 June 2026, 08:00 CEST".to_owned()),
    }
}

/// Nothing open, on an ordinary day.
pub fn empty() -> Board {
    let busy = busy();
    Board {
        decide: vec![],
        due_soon: vec![],
        half_way: vec![],
        new: vec![],
        waiting: vec![],
        disclosures: vec![],
        quiet: vec![],
        noise: Noise::default(),
        unreadable: vec![],
        letters: vec![],
        keys: vec![],
        open: 0,
        totals: Totals::default(),
        week: None,
        pictures: Pictures {
            open_by_age: busy
                .pictures
                .open_by_age
                .iter()
                .map(|it| OpenState {
                    counts: [0; 5],
                    ..it.clone()
                })
                .collect(),
            weeks: busy
                .pictures
                .weeks
                .iter()
                .map(|it| WeekCounts {
                    arrivals: 0,
                    met: 0,
                    missed: 0,
                    ..it.clone()
                })
                .collect(),
        },
        ..busy
    }
}

/// What a stranger may write: markup, one endless word, writing from right to left, a command.
pub const HOSTILE: [&str; 6] = [
    "</bdi><script>document.title='owned'</script><img src=x onerror=alert(1)>",
    "\"><style>body{display:none}</style><a href=\"https://evil.example/\">here</a>",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "\u{202e}gnp.exe\u{202e}\u{2066} and back",
    "/accept",
    "{{ board.address }} {% include \"layout.html\" %}",
];

/// As much as there can be of everything, all of it hostile.
pub fn hostile(listed: usize) -> Board {
    let mut board = busy();
    let worst = |position: usize| HOSTILE[position % HOSTILE.len()].to_owned();
    let bad_card = |position: usize| Card {
        case: format!("SEC-2026-{position:04}"),
        labels: vec![worst(position), "credentials".into()],
        reporter: Some(worst(position + 1)),
        assignee: Some(worst(position + 2)),
        ..card("1", "high?", &worst(position))
    };
    board.organization = worst(0);
    board.decide = (0..listed)
        .map(|position| Pressing {
            card: bad_card(position),
            ..board.decide[position % 5].clone()
        })
        .collect();
    board.due_soon = board.decide.clone();
    board.half_way = board.decide.clone();
    board.new = (0..listed).map(bad_card).collect();
    board.unreadable = board.new.clone();
    board.waiting = (0..listed)
        .map(|position| Quiet {
            card: bad_card(position),
            ..board.waiting[0].clone()
        })
        .collect();
    board.quiet = board.waiting.clone();
    board.disclosures = (0..listed)
        .map(|position| Disclosure {
            card: bad_card(position),
            ..board.disclosures[0].clone()
        })
        .collect();
    board.noise.mails = (0..listed)
        .map(|position| NoiseMail {
            subject: worst(position),
            from: Some(worst(position + 1)),
            ..board.noise.mails[0].clone()
        })
        .collect();
    board.noise.kinds = (0..6)
        .map(|position| count(&worst(position), 1_000_000))
        .collect();
    board.letters = (0..listed)
        .map(|position| Troubled {
            last_error: Some(worst(position)),
            ..board.letters[0].clone()
        })
        .collect();
    board.keys = (0..6).map(worst).collect();
    board.health.problems = (0..6).map(worst).collect();
    board.totals = Totals {
        decide: 4321,
        missed: 1234,
        due_soon: 300,
        half_way: 300,
        new: 50_000,
        waiting: 300,
        disclosures: 300,
        quiet: 300,
        unreadable: 300,
        letters: 300,
    };
    for state in &mut board.pictures.open_by_age {
        state.counts = [123_456, 1, 98_765, 0, 50_000];
    }
    for week in &mut board.pictures.weeks {
        (week.arrivals, week.met, week.missed) = (999_999, 99_999, 12_345);
    }
    board
}

fn pressing(
    number: &str,
    clock: &str,
    is_missed: bool,
    far: &str,
    severity: &str,
    subject: &str,
) -> Pressing {
    let commands: &[&str] = match clock {
        "triage" => &[
            "/accept",
            "/reject REASON",
            "/duplicate NUMBER",
            "/close REASON",
        ],
        "remediate" => &["/fixed DATE"],
        "early_warning" => &["/notified early_warning"],
        _ => &["/reply"],
    };
    Pressing {
        card: card(number, severity, subject),
        clock: clock.to_owned(),
        is_missed,
        due_at: instant("2026-06-16T14:00:00Z"),
        due: "Tuesday 16 June 2026, 16:00 CEST".to_owned(),
        far: far.to_owned(),
        why: "7 days from receipt on Tuesday 9 June 2026, 16:00 CEST".to_owned(),
        commands: commands.iter().map(|it| (*it).to_owned()).collect(),
    }
}

fn card(number: &str, severity: &str, subject: &str) -> Card {
    Card {
        case: format!("SEC-2026-{number}"),
        kind: "report".to_owned(),
        status: "accepted".to_owned(),
        severity: (!severity.is_empty()).then(|| severity.to_owned()),
        labels: vec![],
        subject: subject.to_owned(),
        reporter: Some("mallory@researcher.example".to_owned()),
        assignee: (number != "0012").then(|| "alice@example.test".to_owned()),
        received_at: instant("2026-06-14T20:00:00Z"),
        last_word: Some("12 days ago".to_owned()),
    }
}

fn quiet(number: &str, far: &str) -> Quiet {
    Quiet {
        card: card(
            number,
            "medium",
            "Cross-site request forgery in the settings",
        ),
        since: instant("2026-05-27T06:00:00Z"),
        far: far.to_owned(),
    }
}

fn state(name: &str, counts: [usize; 5]) -> OpenState {
    OpenState {
        state: name.to_owned(),
        counts,
    }
}

fn count(what: &str, count: usize) -> Count {
    Count {
        what: what.to_owned(),
        count,
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}
