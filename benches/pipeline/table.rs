//! The result, as a person reads it.

use std::time::Duration;

use crate::Series;

/// The whole job may take so many times as long as its slowest piece.
const RATIO_AT_MOST: f64 = 1.5;

pub fn series(series: &Series) {
    let pieces = series.pieces;
    println!("\n{}", series.name);
    println!(
        "  {:<44} {:>6} {:>9} {:>9} {:>11}",
        "piece alone", "mails", "seconds", "per second", "whole/piece"
    );
    let row = |name: &str, time: Duration| {
        let (seconds, whole) = (time.as_secs_f64(), series.whole.as_secs_f64());
        let (rate, ratio) = (series.count as f64 / seconds, whole / seconds);
        let count = series.count;
        println!("  {name:<44} {count:>6} {seconds:>9.3} {rate:>10.0} {ratio:>11.2}");
    };
    row("batch fetch", pieces.fetch);
    row("open: MIME, decrypt, verify", pieces.open);
    row("grouped commit", pieces.commit);
    row(
        "send, four letters to a commit",
        pieces.send + pieces.outcomes,
    );
    row("  of that: SMTP", pieces.send);
    row("  of that: what became of them", pieces.outcomes);
    row("beside: classify, decide, compose", pieces.decide);
    row("whole job, from the start of the daemon", series.whole);
    row("  processor time of the daemon", series.processor);

    let slowest = [
        pieces.fetch,
        pieces.open,
        pieces.commit,
        pieces.send + pieces.outcomes,
    ];
    let slowest = slowest.into_iter().max().unwrap_or_default();
    let ratio = series.whole.as_secs_f64() / slowest.as_secs_f64();
    target(
        "whole job / slowest piece",
        &format!("{ratio:.2}"),
        &format!("at most {RATIO_AT_MOST}"),
        ratio <= RATIO_AT_MOST,
    );
    let all =
        pieces.fetch + pieces.open + pieces.decide + pieces.commit + pieces.send + pieces.outcomes;
    let sum = series.whole.as_secs_f64() / all.as_secs_f64();
    println!(
        "  {:<44} {sum:>16.2}",
        "whole job / all pieces, one after the other"
    );
    let bound = series.memory_bound;
    target(
        "memory at the most",
        &megabytes(series.peak_memory),
        &format!("under {}", megabytes(bound)),
        series.peak_memory < bound,
    );
}

pub fn title(name: &str) {
    println!("\n{name}");
}

pub fn target(name: &str, measured: &str, wanted: &str, reached: bool) {
    let verdict = if reached { "PASS" } else { "over" };
    println!("  {name:<44} {measured:>16} {wanted:>20}   {verdict}");
}

pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
