//! What the policy's rules and the language of one mail of 3 kB take, by Cloudarq's policy.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::Utc;
use triaged::config;
use triaged::mail::message::Message;
use triaged::mail::open::{self, Limits, Opening};
use triaged::triage::extract::{self, Extracted};
use triaged::triage::policy::Terms;
use triaged::triage::{classify, language, rules};

use crate::mails;

const MAILS: usize = 50;
const BOUND: Duration = Duration::from_millis(1);
/// The fastest counts, as in `deadlines`.
const TRIES: usize = 20;

/// Prints a line for each; panics where the rules take too long.
pub fn measure() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policies/cloudarq.toml");
    let (policy, _) = config::policy::read(Path::new(file));
    let terms = policy.expect("Cloudarq's policy").terms;
    let mails: Vec<(Message, Extracted)> = mails::plain(MAILS).iter().map(read).collect();

    println!("\none mail of 3 kB");
    let judged = fastest(|| judge(&mails, &terms));
    println!(
        "  rules of the policy  {:6.0} µs",
        judged.as_secs_f64() * 1e6
    );
    let told = fastest(|| tell_language(&mails));
    println!("  its language         {:6.0} µs", told.as_secs_f64() * 1e6);
    assert!(judged < BOUND, "the rules took {judged:?}");
}

fn read(mail: &mails::Waiting) -> (Message, Extracted) {
    let opening = Opening {
        keyring: None,
        known: &[],
        limits: Limits::default(),
    };
    let message = open::open(&mail.bytes, &opening, Utc::now());
    let extracted = extract::extract(&message);
    (message, extracted)
}

fn fastest(each: impl Fn() -> Duration) -> Duration {
    (0..TRIES).map(|_| each()).min().unwrap_or(Duration::MAX)
}

fn judge(mails: &[(Message, Extracted)], terms: &Terms) -> Duration {
    let began = Instant::now();
    for (message, extracted) in mails {
        black_box(rules::find(message, extracted, terms));
    }
    began.elapsed() / MAILS as u32
}

fn tell_language(mails: &[(Message, Extracted)]) -> Duration {
    let began = Instant::now();
    for (message, _) in mails {
        black_box(language::detect(&classify::own_words(&message.text)));
    }
    began.elapsed() / MAILS as u32
}
