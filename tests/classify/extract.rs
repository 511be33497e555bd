//! What is read out of reports, the labels they get, and when two are the same.

use crate::support::{corpus, expectations, mail, open, organization};
use triaged::mail::message::{Attachment, Digest, Message};
use triaged::mailbox::Lane;
use triaged::triage::classify::{Authentication, Kind, classify};
use triaged::triage::extract::extract;
use triaged::triage::policy::{Part, Severity, Terms};
use triaged::triage::rules;
use triaged::triage::same::{comparable, similarity};

#[test]
fn numbers_and_addresses_of_real_reports() {
    let Some(path) = corpus("report-kernelctf") else {
        return;
    };
    for row in expectations(&path) {
        let name = row["file"].as_str().unwrap();
        let text = std::fs::read_to_string(path.join(name)).unwrap();
        let extracted = extract(&mail("a@b.test", "Report", &text));
        if row["cve_in_text"].as_bool().unwrap() {
            let cve = row["cve"].as_str().unwrap();
            assert!(
                extracted.cve.iter().any(|found| found == cve),
                "{name}: {:?}",
                extracted.cve
            );
        }
        for url in row["urls_in_text"].as_array().unwrap() {
            let url = url.as_str().unwrap().trim_end_matches(['.', ',', ')', '`']);
            let found = extracted
                .urls
                .iter()
                .any(|found| found == url || found.starts_with(url));
            assert!(found, "{name}: {url} in {:?}", extracted.urls);
        }
    }
}

#[test]
fn written_up_reports_lack_little() {
    for (set, floor) in [
        ("report-kernelctf", 40.0),
        ("report-bugcrowd-templates", 90.0),
    ] {
        let Some(path) = corpus(set) else { continue };
        let rows = expectations(&path);
        let mut complete = 0;
        for row in &rows {
            let text = std::fs::read_to_string(path.join(row["file"].as_str().unwrap())).unwrap();
            let missing = missing(&mail("a@b.test", "Report", &text));
            complete += usize::from(missing.is_empty());
            assert!(!missing.contains(&"summary"), "{row}");
        }
        let percent = 100.0 * complete as f64 / rows.len() as f64;
        println!(
            "{set}: lacks nothing: {complete}/{} = {percent:.1} %",
            rows.len()
        );
        assert!(percent >= floor, "{set}: {percent}");
    }
}

/// By a policy that asks for nothing in particular.
fn missing(message: &Message) -> Vec<&'static str> {
    let found = rules::find(message, &extract(message), &Terms::default());
    found.missing.into_iter().map(Part::as_str).collect()
}

#[test]
fn what_a_short_report_lacks() {
    #[track_caller]
    fn check<const N: usize>(text: &str, expected: [&str; N]) {
        assert_eq!(missing(&mail("a@b.test", "Bug", text)), expected, "{text}");
    }
    check("I found a bug.", ["summary", "steps", "impact"]);
    check(
        "There is a reflected cross site scripting flaw in the search field of the shop, called q.",
        ["steps", "impact"],
    );
    check(
        "The search field of the shop is open to XSS. An attacker can steal the cookies of other people.",
        ["steps"],
    );
    check(
        "Summary: XSS\nSteps to reproduce: open /?q=<script>\nImpact: cookies",
        [],
    );
    check(
        "Zusammenfassung: XSS\nSchritte: aufrufen\nAuswirkung: Cookies",
        [],
    );
    check("概要: XSS\n手順: 検索\n影響: クッキー", []);
}

#[test]
fn a_severity_is_suggested_with_its_reason() {
    let extracted = extract(&mail(
        "a@b.test",
        "SQL injection",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    ));
    assert_eq!(extracted.severity, Some(Severity::Critical));
    assert_eq!(
        extracted.severity_because.as_deref(),
        Some("its CVSS vector scores 9.8")
    );
    assert_eq!(extract(&mail("a@b.test", "Hi", "there")).severity, None);
}

#[test]
fn labels() {
    #[track_caller]
    fn check(from: &str, subject: &str, text: &str, expected: &[&str]) {
        let verdict = classify(&mail(from, subject, text), &organization(), Lane::Inbox);
        let names: Vec<&str> = verdict.labels.iter().map(|label| label.name).collect();
        assert_eq!(names, expected, "{subject}: {text}");
    }
    let jane = "jane@sender.example";
    check(
        jane,
        "Missing SPF",
        "Your domain has no DMARC record. Please pay a bounty by PayPal.",
        &["beg_bounty"],
    );
    check(
        jane,
        "Bug",
        "I found a critical bug. Do you have a bug bounty? I will share details after the reward.",
        &["beg_bounty"],
    );
    check(jane, "Missing SPF", "Your domain has no DMARC record.", &[]);
    check(
        jane,
        "SQL injection",
        "In /search, parameter q. Is there a bounty? Your DMARC is missing too.",
        &[],
    );
    check(
        jane,
        "Flaw",
        "CVE-2024-3094 is being exploited in your VPN.",
        &["active_exploitation"],
    );
    check(
        jane,
        "Lücke",
        "Die Lücke wird aktiv ausgenutzt.",
        &["active_exploitation"],
    );
    check(
        jane,
        "Flaw",
        "There is no evidence that it has been exploited in the wild.",
        &[],
    );
    check(jane, "Flaw", "It could be exploited in the wild soon.", &[]);
    check(
        "cert@cert.org",
        "VU#123456",
        "We would like to coordinate.",
        &["coordinator"],
    );
    check("x@cert-bund.de", "Meldung", "Hallo", &["coordinator"]);
    check(
        jane,
        "[VU#123456] Flaw in your product",
        "Hello",
        &["coordinator"],
    );
    check("x@mycert.org", "Flaw", "Hello", &[]);
}

#[test]
fn authentication_is_read_from_the_topmost_field_alone() {
    #[track_caller]
    fn check(fields: &str, expected: Authentication) {
        let raw = format!("{fields}From: jane@sender.example\r\nSubject: x\r\n\r\nx\r\n");
        let verdict = classify(&open(raw.as_bytes()), &organization(), Lane::Inbox);
        assert_eq!(verdict.authentication, expected, "{fields}");
        let labelled = verdict
            .labels
            .iter()
            .any(|label| label.name == "unauthenticated");
        assert_eq!(labelled, expected == Authentication::Fail);
    }
    const OURS: &str =
        "Authentication-Results: mx.corp.example; dmarc=pass header.from=sender.example\r\n";
    const FAIL: &str = "Authentication-Results: mx.corp.example;\r\n dmarc=fail\r\n\theader.from=sender.example\r\n";
    const OTHER: &str =
        "Authentication-Results: mx.other.example; dmarc=pass header.from=sender.example\r\n";
    check(OURS, Authentication::Pass);
    check(FAIL, Authentication::Fail);
    check(OTHER, Authentication::None);
    check(&format!("{OTHER}{OURS}"), Authentication::None);
    check(&format!("{FAIL}{OURS}"), Authentication::Fail);
    check("", Authentication::None);
}

#[test]
fn spam_is_spam_in_the_junk_folder_alone() {
    let advert = mail("x@shop.example", "Cheap watches", "Buy now, best prices!");
    assert_eq!(
        classify(&advert, &organization(), Lane::Junk).kind_hint,
        Kind::Spam
    );
    assert_eq!(
        classify(&advert, &organization(), Lane::Inbox).kind_hint,
        Kind::Report
    );
    let report = mail("jane@sender.example", "XSS", "Stored XSS in your shop.");
    let verdict = classify(&report, &organization(), Lane::Junk);
    assert_eq!(verdict.kind_hint, Kind::Report);
    assert!(verdict.labels.iter().any(|label| label.name == "from_junk"));
    let key = mail("jane@sender.example", "PGP", "Please send me your PGP key.");
    assert_eq!(
        classify(&key, &organization(), Lane::Junk).kind_hint,
        Kind::KeyRequest
    );
}

const TEXT: &str = "There is a stored cross site scripting flaw in the profile page of your web shop.\n\
    It runs for every visitor who opens the page, and sends the session cookie to a foreign host.\n";

#[test]
fn the_same_report_again() {
    let first = comparable(&mail("jane@sender.example", "XSS in profile", TEXT));
    #[track_caller]
    fn same(first: &triaged::triage::same::Comparable, subject: &str, text: &str, expected: bool) {
        let second = comparable(&mail("jane@sender.example", subject, text));
        assert_eq!(first.exact == second.exact, expected, "{subject}: {text}");
    }
    same(&first, "XSS in profile", TEXT, true);
    same(
        &first,
        "Re: [resend] XSS in profile",
        &TEXT.to_uppercase(),
        true,
    );
    same(
        &first,
        "XSS in profile",
        &TEXT.replace(' ', "  ").replace(",", ",\n"),
        true,
    );
    same(
        &first,
        "XSS in profile",
        &format!("{TEXT}\n-- \nJane\n"),
        true,
    );
    same(
        &first,
        "XSS in profile",
        &format!("{TEXT}\nSent from my iPhone\n"),
        true,
    );
    same(
        &first,
        "Fwd: XSS in profile",
        &format!("> {}", TEXT.replace('\n', "\n> ")),
        true,
    );
    same(
        &first,
        "WG: XSS in profile",
        &format!(
            "---------- Forwarded message ---------\nFrom: Jane <j@a.test>\nDate: Mon, 4 May 2026\nSubject: XSS in profile\nTo: <s@corp.example>\n\n{TEXT}"
        ),
        true,
    );
    same(
        &first,
        "XSS in profile",
        &format!("On 4 May 2026, Jane wrote:\n> {TEXT}"),
        true,
    );
    same(&first, "XSS in search", TEXT, false);
    same(&first, "XSS in profile", "Another text altogether.", false);
}

#[test]
fn files_make_a_difference_and_signatures_do_not() {
    let file = |media_type: &str, bytes: &[u8]| Attachment {
        name: "x".into(),
        media_type: media_type.into(),
        size: bytes.len() as u64,
        digest: Digest::of(bytes),
        excerpt: None,
        encrypted: false,
    };
    let plain = mail("jane@sender.example", "XSS", TEXT);
    let mut signed = plain.clone();
    signed
        .attachments
        .push(file("application/pgp-signature", b"1"));
    let mut shown = plain.clone();
    shown.attachments.push(file("image/png", b"1"));
    assert_eq!(comparable(&plain).exact, comparable(&signed).exact);
    assert_ne!(comparable(&plain).exact, comparable(&shown).exact);
    assert_eq!(comparable(&mail("a@b.test", "Hello", "")).exact, None);
}

#[test]
fn nearly_the_same_shares_a_band() {
    let sketch = |text: &str| comparable(&mail("a@b.test", "x", text)).sketch.unwrap();
    let first = sketch(TEXT);
    let second = sketch(&format!(
        "Hello again. {}",
        TEXT.replace("foreign host", "host of mine")
    ));
    let shared = first
        .bands()
        .iter()
        .zip(second.bands())
        .filter(|(a, b)| **a == *b)
        .count();
    assert!(shared > 0);
    assert!(similarity(&first, &second) > 0.5);
}
