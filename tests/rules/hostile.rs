//! Text made to cost time or to break the rules.

use std::time::Duration;

use proptest::prelude::*;
use triaged::triage::extract::extract;
use triaged::triage::rules;

use crate::busy::busy;
use crate::policies;
use crate::support::plain;

/// A megabyte of it, of which 256 KiB are read.
fn large(unit: &str) -> String {
    unit.repeat(1_000_000 / unit.len() + 1)
}

#[test]
fn time_is_bounded_whatever_the_text() {
    let units = [
        "a.",
        "a@",
        "a@b.c ",
        "[.]",
        "http://a.b/",
        "://",
        "4",
        "4 ",
        "4532 ",
        "eyJ",
        "eyJa.eyJa.",
        "-----BEGIN ",
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "AKIA",
        "DE89",
        "DE89 3704 ",
        "i ",
        "i dumped ",
        "i dumped\n\n",
        "another user by accident ",
        "GET / ",
        "GET /a\n",
        "Host: a.b\n",
        "no ",
        "\n",
        "a:b@c.d:e\n",
        "$2a$10$",
        "\u{e9}",
        "\u{6f0f}\u{6d1e}",
        "x://a:b@",
        "sk-",
        "> ",
        "ddos ",
        "i\n",
        "?",
        "。",
        "then and now ",
        "- a: then\n",
        "log in, ",
        "a?b=c ",
        "a.b:1 ",
    ];
    let terms = policies::named("cloudarq");
    for unit in units {
        let mail = plain("x", &large(unit));
        let extracted = extract(&mail);
        let before = busy();
        rules::find(&mail, &extracted, &terms);
        let took = busy() - before;
        // Unoptimised; the bound is against blow-up.
        assert!(took < Duration::from_secs(20), "{unit:?}: {took:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_breaks(subject in ".{0,40}", text in "(?s).{0,2000}") {
        let mail = plain(&subject, &text);
        for policy in ["cloudarq", "metalhost"] {
            rules::find(&mail, &extract(&mail), &policies::named(policy));
        }
    }

    /// Pieces of what the rules look for, in any order.
    #[test]
    fn nothing_breaks_at_the_seams(pieces in proptest::collection::vec(prop_oneof![
        Just("https://"), Just("hxxp"), Just("[.]"), Just("a.test"), Just("@"), Just(":"), Just("/api/v1/"),
        Just("GET "), Just("\nHost: "), Just("-----BEGIN PRIVATE KEY-----"), Just("-----END"), Just("eyJ"),
        Just("AKIA"), Just("DE89"), Just("4532"), Just(" "), Just("-"), Just("I "), Just("dumped "),
        Just("the database"), Just("by accident"), Just("\u{e9}"), Just("\u{6f0f}"), Just("\n"), Just("."),
        Just("?"), Just("$2a$10$"), Just("Paddle"), Just("'s "), Just("\u{200b}"), Just("\u{130}"),
    ], 0..60)) {
        let mail = plain("Re: Paddle", &pieces.concat());
        rules::find(&mail, &extract(&mail), &policies::named("cloudarq"));
    }
}
