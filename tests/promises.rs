//! The two real policies, sentence by sentence: from the file in `docs/policies/` to what a reporter
//! reads. The tables beside the files name these functions.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use triaged::config::Organization;
use triaged::letters::{Answered, Correspondent, Desk};
use triaged::mail::message::{Address, Message};
use triaged::mail::open::{Limits, Opening, open};
use triaged::mail::pgp::{self, Keyring};
use triaged::mailbox::Lane;
use triaged::store::cases::CaseFile;
use triaged::triage::case::{Moment, Status};
use triaged::triage::classify::{Kind, classify};
use triaged::triage::deadline::{self, open_deadlines};
use triaged::triage::decide::{CaseRef, Incoming, Known, decide};
use triaged::triage::extract::extract;
use triaged::triage::policy::{DeadlineKind, Severity};
use triaged::triage::reply::Texts;
use triaged::triage::rules::{self, Findings};

const OURS: &str = "security@example.test";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Friday 5 June 2026, 16:12 CEST.
fn received_at() -> DateTime<Utc> {
    time("2026-06-05T14:12:00Z")
}

fn organization(name: &str) -> Organization {
    Organization {
        name: name.to_owned(),
        address: OURS.to_owned(),
        aliases: Vec::new(),
        authserv_ids: Vec::new(),
        list_ids: Vec::new(),
    }
}

fn keyring() -> Arc<Keyring> {
    static KEY: LazyLock<String> = LazyLock::new(|| {
        let years = std::time::Duration::from_secs(2 * 365 * 86_400);
        let at = received_at() - TimeDelta::days(1);
        pgp::generate("Security", OURS, None, years, at).unwrap()
    });
    let source = [("key".to_owned(), KEY.clone().into_bytes())];
    let (keyring, problems) = Keyring::load(&source, None, OURS, received_at());
    assert_eq!(problems, []);
    Arc::new(keyring)
}

/// The desk of a company whose policy is this file.
fn desk(name: &str) -> Desk {
    let file = format!("docs/policies/{name}.toml");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let (policy, mistakes) = triaged::config::policy::read(&file);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    Desk {
        organization: organization(name),
        policy: policy.unwrap(),
        texts: Texts::load(None).unwrap(),
        keyring: keyring(),
        signs: true,
        pinned: Default::default(),
        team: Default::default(),
        digest: None,
        return_path: None,
    }
}

/// What became of one mail.
struct Outcome {
    kind: Kind,
    labels: Vec<&'static str>,
    clocks: Vec<&'static str>,
    findings: Findings,
    /// In one line, so that a sentence is found wherever it was broken.
    letter: String,
}

fn read(text: &str) -> Message {
    let raw = format!(
        "From: Ann <ann@research.test>\r\nTo: {OURS}\r\nSubject: A report\r\n\
         Message-ID: <a@research.test>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    );
    let opening = Opening {
        keyring: None,
        known: &[],
        limits: Limits::default(),
    };
    open(raw.as_bytes(), &opening, received_at())
}

/// As the daemon takes it in: read, judged, decided, answered.
fn receive(desk: &Desk, text: &str) -> Outcome {
    let message = read(text);
    let classified = classify(&message, &desk.organization, Lane::Inbox);
    let findings = rules::find(&message, &extract(&message), &desk.policy.terms);
    let incoming = Incoming {
        message: &message,
        classified: &classified,
        findings: &findings,
        language: None,
        lane: Lane::Inbox,
        received_at: received_at(),
        too_large: false,
        unanswered: None,
        orders: &triaged::triage::orders::Orders::None,
    };
    let decision = decide(
        &incoming,
        &Known::default(),
        &desk.organization,
        &desk.policy,
    );
    let file = CaseFile {
        deadlines: decision.deadlines.clone(),
        ..case(Status::New)
    };
    let answered = Answered {
        message: &message,
        received_at: received_at(),
        too_large: false,
        findings: &findings,
        asked: &[],
        no_key_of_ours: false,
    };
    let reply = &decision.replies[0];
    let written = desk.answer(reply, &answered, Some(&file), received_at());
    Outcome {
        kind: decision.kind,
        labels: decision.labels.iter().map(|label| label.name).collect(),
        clocks: decision
            .deadlines
            .iter()
            .map(|it| it.kind.as_str())
            .collect(),
        letter: one_line(&written.unwrap().letter.text),
        findings,
    }
}

fn case(status: Status) -> CaseFile {
    CaseFile {
        case: CaseRef {
            id: 1,
            number: "SEC-2026-0001".to_owned(),
        },
        received_at: received_at(),
        status,
        severity: None,
        language: None,
        came_encrypted: false,
        deadlines: Vec::new(),
    }
}

/// The letter of a moment in the life of a case.
fn tell(desk: &Desk, moment: Moment) -> String {
    let to = Correspondent {
        to: Address {
            name: None,
            email: "ann@research.test".to_owned(),
        },
        certificate: None,
        came_encrypted: false,
        language: Some("en".to_owned()),
        in_reply_to: None,
        references: Vec::new(),
    };
    let written = desk.tell(&moment, &to, &case(Status::Accepted), received_at());
    one_line(&written.unwrap().letter.text)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn cites(letter: &str, sentence: &str) {
    let quoted = format!("\u{201c}{}\u{201d}", one_line(sentence));
    assert!(letter.contains(&quoted), "{sentence}\n\n{letter}");
}

/// Each mail is labelled so and its answer cites the sentence.
#[track_caller]
fn check(desk: &Desk, label: &str, rows: &[(&str, &str)]) {
    for (text, sentence) in rows {
        let outcome = receive(desk, text);
        assert!(
            outcome.labels.contains(&label),
            "{text}: {:?}",
            outcome.labels
        );
        cites(&outcome.letter, sentence);
    }
}

/// Each mail is in scope by this rule, and nothing excludes it.
#[track_caller]
fn check_in_scope(desk: &Desk, rows: &[(&str, &str)]) {
    for (text, rule) in rows {
        let outcome = receive(desk, text);
        let rules = &desk.policy.terms.scope.inside;
        let named = outcome
            .findings
            .inside
            .iter()
            .map(|it| &rules[it.rule].name);
        let named: Vec<&String> = named.collect();
        assert!(named.iter().any(|name| *name == rule), "{text}: {named:?}");
        assert_eq!(outcome.findings.outside, [], "{text}");
        assert!(!outcome.labels.contains(&"out_of_scope"), "{text}");
    }
}

fn due(desk: &Desk, kind: DeadlineKind) -> DateTime<Utc> {
    let open = open_deadlines(&desk.policy, received_at(), None);
    open.iter().find(|it| it.kind == kind).unwrap().due_at
}

fn fix_due(desk: &Desk, severity: Severity) -> Option<DateTime<Utc>> {
    deadline::remediate(&desk.policy, received_at(), severity).map(|it| it.due_at)
}

fn accepted(desk: &Desk, severity: Severity) -> String {
    let moment = Moment::Accepted {
        severity: Some(severity),
        fix_by: fix_due(desk, severity),
    };
    tell(desk, moment)
}

fn fixed(desk: &Desk) -> String {
    let moment = Moment::Fixed {
        on: "2026-06-05".parse().unwrap(),
        asks_for_credit: true,
        disclose_by: deadline::disclose(&desk.policy, time("2026-06-04T22:00:00Z"))
            .map(|it| it.due_at),
    };
    tell(desk, moment)
}

/// A report with all that any policy asks for.
const FULL: &str = "Summary: stored XSS in the comment field of https://app.HOST/boards.\r\n\
    Steps to reproduce:\r\n1. Open https://app.HOST/boards/1\r\n2. Post <script>alert(1)</script>\r\n\
    Request:\r\nPOST /boards/1 HTTP/1.1\r\nHost: app.HOST\r\n\r\n\
    Impact: an attacker can take over the session of whoever reads the board.\r\n\
    Suggested fix: escape the output.\r\nAll of it with two accounts of my own.";

fn full(host: &str) -> String {
    FULL.replace("HOST", host)
}

// Cloudarq.

#[test]
fn cloudarq_what_is_in_scope() {
    check_in_scope(
        &desk("cloudarq"),
        &[
            ("Stored XSS on cloudarq.example", "domain and subdomains"),
            (
                "Stored XSS on https://www.cloudarq.example/pricing",
                "domain and subdomains",
            ),
            (
                "XSS on hxxps://a.b.cloudarq[.]example/x",
                "domain and subdomains",
            ),
            (
                "GET https://api.cloudarq.example/api/v1/clusters answers without a token.",
                "REST API",
            ),
            (
                "Your web application has a stored XSS in the profile.",
                "web application",
            ),
            (
                "The List-Unsubscribe link of your mails takes any address.",
                "e-mail templates",
            ),
            (
                "Your session management accepts old cookies after a logout.",
                "login and sessions",
            ),
        ],
    );
}

#[test]
fn cloudarq_what_is_out_of_scope() {
    let desk = desk("cloudarq");
    let rows = [
        (
            "There is a stored XSS in Paddle's checkout at https://checkout.paddle.example/x.",
            "Third-party services we use as sub-processors (Hetzner, Cloudflare, Paddle, Anthropic, \
             Resend, Sentry, Plausible).",
        ),
        (
            "I reached an S3 bucket in the AWS account of one of your customers.",
            "Any AWS environment that belongs to a CloudArq customer. Do not attempt to reach a \
             customer's AWS account through CloudArq \u{2014} that's the multi-tenant boundary, not \
             our infrastructure.",
        ),
        (
            "Your site is open to slowloris: a few connections and nobody gets in.",
            "Denial-of-service attacks, traffic amplification, or any test that meaningfully degrades \
             service for other users.",
        ),
        (
            "I pretended to be a customer and tricked your support into a password reset.",
            "Social-engineering attempts against CloudArq employees or contractors.",
        ),
        (
            "I keep getting spam from your servers.",
            "Spam, phishing, or content-policy concerns (those go to abuse@cloudarq.example but \
             aren't security vulnerabilities).",
        ),
    ];
    for (text, sentence) in &rows[..4] {
        check(&desk, "out_of_scope", &[(text, sentence)]);
    }
    let spam = receive(&desk, rows[4].0);
    assert!(spam.labels.contains(&"out_of_scope"), "{:?}", spam.labels);
    cites(&spam.letter, rows[4].1);
    let vendor = receive(&desk, rows[0].0);
    cites(
        &vendor.letter,
        "Report those directly to the relevant vendor \u{2014} see /legal/subprocessors for contacts.",
    );
}

const RAW_OUTPUT: &str = "[CVE-2021-44228] [http] [critical] https://app.cloudarq.example/a\r\n\
    [tech-detect:nginx] [http] [info] https://app.cloudarq.example/\r\n\
    [missing-csp] [http] [info] https://app.cloudarq.example/\r\n\
    [missing-hsts] [http] [info] https://app.cloudarq.example/\r\n\
    [git-config] [http] [medium] https://app.cloudarq.example/.git/config\r\n";

#[test]
fn cloudarq_scanner_output_is_noise_unless_it_is_proven() {
    const SENTENCE: &str = "Automated scanner output without manual verification \u{2014} we'll treat \
         raw scanner reports as low-priority noise unless they include a working proof of concept.";
    let desk = desk("cloudarq");
    check(&desk, "out_of_scope", &[(RAW_OUTPUT, SENTENCE)]);
    let proven = format!(
        "Proof of concept, by hand:\r\n1. curl https://app.cloudarq.example/.git/config\r\n\
         2. git-dumper gets the source\r\n\r\n{RAW_OUTPUT}"
    );
    let outcome = receive(&desk, &proven);
    assert!(
        !outcome.labels.contains(&"out_of_scope"),
        "{:?}",
        outcome.labels
    );
}

#[test]
fn cloudarq_what_is_public_is_named_with_the_policys_words() {
    const SENTENCE: &str =
        "Issues already publicly disclosed \u{2014} please check our changelog before reporting.";
    let desk = desk("cloudarq");
    let text = "Clusters are listed without a login at \
                https://api.cloudarq.example/api/v1/clusters/export.";
    check(&desk, "known_issue", &[(text, SENTENCE)]);
    assert!(receive(&desk, text).letter.contains("2026-04-20"));
    assert!(
        !receive(&desk, &full("cloudarq.example"))
            .letter
            .contains(SENTENCE)
    );
}

#[test]
fn cloudarq_what_not_to_do_is_cited_to_who_did_it() {
    let desk = desk("cloudarq");
    let rows = [
        (
            "I ran a load test with slowloris and your site at app.cloudarq.example went down.",
            "Avoid privacy violations, destruction of data, and interruption or degradation of service.",
        ),
        (
            "I dumped the whole users table of app.cloudarq.example.",
            "Do not access, modify, or delete data belonging to other customers. If a vulnerability \
             gives you access to another customer's data, stop, document the proof of concept \
             against your own test data only, and report.",
        ),
        (
            "I dumped the whole users table of app.cloudarq.example.",
            "Don't access any data that isn't yours. Use a test account; we'll provision one on \
             request if you don't have one yet.",
        ),
        (
            "I ran an automated scan with nuclei against app.cloudarq.example for two days.",
            "Do not run automated scanners that overwhelm our infrastructure. Rate limits exist for a \
             reason; respect them.",
        ),
        (
            "I ran an automated scan with nuclei against app.cloudarq.example for two days.",
            "Don't run sustained automated scans against production. If you need to test \
             rate-limiting, ask first and we'll set up a sandbox.",
        ),
        (
            "From the web server of app.cloudarq.example I pivoted into your network.",
            "Don't pivot from a finding into deeper exploitation. Establishing impact is fine; \
             widening the blast radius is not.",
        ),
        (
            "I uploaded a web shell to app.cloudarq.example and left it there.",
            "Don't deploy persistent backdoors, malware, or implants \u{2014} even as a PoC.",
        ),
        (
            "I published the customer data of app.cloudarq.example on my blog.",
            "Don't share, sell, or redistribute customer data you may have incidentally observed. \
             Delete it from your systems and let us know.",
        ),
    ];
    check(&desk, "conduct", &rows);
    let outcome = receive(&desk, &full("cloudarq.example"));
    for (_, sentence) in rows {
        assert!(!outcome.letter.contains(&one_line(sentence)), "{sentence}");
    }
}

#[test]
fn cloudarq_who_saw_data_by_accident_hears_to_stop_delete_and_tell() {
    let desk = desk("cloudarq");
    let text = "By accident I could see another tenant's clusters on app.cloudarq.example.";
    let sentence = "If you make a good-faith effort to follow this policy and an accidental violation \
        occurs (e.g. you happened to see another tenant's data while exploring an authorization bug), \
        report it immediately and stop. We'll work with you, not against you. Don't share, sell, or \
        redistribute customer data you may have incidentally observed. Delete it from your systems and \
        let us know.";
    check(&desk, "accidental_access", &[(text, sentence)]);
    assert!(
        !receive(&desk, &full("cloudarq.example"))
            .letter
            .contains("accidental violation")
    );
}

#[test]
fn cloudarq_asks_for_what_a_report_lacks() {
    const PARTS: [&str; 5] = [
        "A clear summary of the vulnerability.",
        "Reproduction steps. A working proof of concept against test data is best.",
        "Your impact assessment \u{2014} what an attacker could do with it.",
        "Any relevant request/response captures, with credentials redacted.",
        "Suggested remediation, if you have one.",
    ];
    let desk = desk("cloudarq");
    let bare = receive(&desk, "Your site is broken.");
    let whole = receive(&desk, &full("cloudarq.example"));
    for part in PARTS {
        cites(&bare.letter, part);
        assert!(!whole.letter.contains(part), "{part}");
    }
}

#[test]
fn cloudarq_real_data_is_labelled_and_asked_not_to_be_sent() {
    const SENTENCE: &str = "Don't include real customer data in your report. If a PoC incidentally \
         captured a third party's data, redact it before sending.";
    let desk = desk("cloudarq");
    let text = "app.cloudarq.example/orders shows the cards 4539 1488 0343 6467 and \
                4716 4615 8332 2103 of your customers.";
    check(&desk, "customer_data", &[(text, SENTENCE)]);
    let outcome = receive(&desk, text);
    // Four digits alone stand in a random fingerprint by chance.
    let findings = format!("{:?}", outcome.findings);
    for said in [&outcome.letter, &findings] {
        let digits: String = said.split([' ', '-']).collect();
        assert!(
            !digits.contains("45391488") && !digits.contains("03436467"),
            "{said}"
        );
    }
    assert!(
        !receive(&desk, &full("cloudarq.example"))
            .letter
            .contains(SENTENCE)
    );
}

#[test]
fn cloudarq_every_receipt_names_the_safe_harbour_and_the_page() {
    let letter = receive(&desk("cloudarq"), &full("cloudarq.example")).letter;
    cites(
        &letter,
        "We won't pursue legal action \u{2014} civil or criminal \u{2014} against researchers who: \
         Make a good-faith effort to comply with this policy. Give us a reasonable opportunity to \
         investigate and remediate the issue before disclosing publicly (see Section 4).",
    );
    assert!(letter.contains("https://cloudarq.example/security/disclosure#safe-harbor"));
    assert!(
        letter.contains("Our disclosure policy: https://cloudarq.example/security/disclosure ")
    );
}

#[test]
fn cloudarq_its_dates_are_kept_and_told() {
    let desk = desk("cloudarq");
    // Friday 16:12 and two business days.
    assert_eq!(
        due(&desk, DeadlineKind::Acknowledge),
        time("2026-06-09T14:12:00Z")
    );
    assert_eq!(
        due(&desk, DeadlineKind::Triage),
        time("2026-06-12T14:12:00Z")
    );
    let letter = receive(&desk, &full("cloudarq.example")).letter;
    assert!(
        letter.contains("Friday 12 June 2026, 16:12 CEST (in 7 days)"),
        "{letter}"
    );
    assert!(
        letter.contains(
            "critical: 30 days, high: 90 days, medium: 180 days, low: best-effort, no committed deadline"
        ),
        "{letter}"
    );
    for (severity, fix, told) in [
        (
            Severity::Critical,
            "2026-07-05T14:12:00Z",
            "Sunday 5 July 2026, 16:12 CEST",
        ),
        (
            Severity::High,
            "2026-09-03T14:12:00Z",
            "Thursday 3 September 2026, 16:12 CEST",
        ),
        (
            Severity::Medium,
            "2026-12-02T15:12:00Z",
            "Wednesday 2 December 2026, 16:12 CET",
        ),
    ] {
        assert_eq!(fix_due(&desk, severity), Some(time(fix)));
        let letter = accepted(&desk, severity);
        assert!(
            letter.contains(&format!("We aim to ship a fix by {told}")),
            "{letter}"
        );
        assert!(
            letter.contains(&format!("Severity {}", severity.as_str())),
            "{letter}"
        );
    }
}

#[test]
fn cloudarq_a_low_severity_is_promised_effort_and_no_date() {
    let desk = desk("cloudarq");
    assert_eq!(fix_due(&desk, Severity::Low), None);
    let letter = accepted(&desk, Severity::Low);
    cites(&letter, "best-effort, no committed deadline");
    assert!(!letter.contains("ship a fix by"), "{letter}");
}

#[test]
fn cloudarq_disclosure_credit_token_and_reward_are_told_in_their_moment() {
    let desk = desk("cloudarq");
    let letter = fixed(&desk);
    for sentence in [
        "We'll give you a heads-up before publishing a fix changelog entry, and credit you (with \
         permission) at /changelog.",
        "Public credit in the changelog and on a researchers page (with your permission and your \
         preferred handle).",
        "A token of appreciation \u{2014} usually swag once we have it; sometimes a personal \
         thank-you note from the founder.",
        "We don't run a paid bounty program (yet). For severe issues that would qualify as a critical \
         bounty elsewhere, we'll discuss a discretionary cash reward case-by-case. We can't promise a \
         fixed schedule because we don't yet have a budget for it; we'd rather be honest than \
         over-promise.",
    ] {
        cites(&letter, sentence);
    }
    assert!(letter.contains("May we name you"), "{letter}");
    let on = "2026-07-01".parse().unwrap();
    let heads_up = tell(
        &desk,
        Moment::HeadsUp {
            on,
            asks_for_credit: true,
        },
    );
    let disclosed = tell(
        &desk,
        Moment::Disclosed {
            on,
            credit: Some("ann_b".to_owned()),
        },
    );
    for letter in [&heads_up, &disclosed] {
        assert!(
            letter.contains("https://cloudarq.example/changelog"),
            "{letter}"
        );
        assert!(letter.contains("1 July 2026"), "{letter}");
    }
    assert!(disclosed.contains("ann_b"), "{disclosed}");
}

#[test]
fn cloudarq_requests_that_are_no_report_hear_its_words() {
    let desk = desk("cloudarq");
    for (text, kind, sentence) in [
        (
            "Could I get a test account for my research?",
            Kind::AccessRequest,
            "Use a test account; we'll provision one on request if you don't have one yet.",
        ),
        (
            "I would like to test your rate limiting. Could you set up a sandbox for me?",
            Kind::AccessRequest,
            "If you need to test rate-limiting, ask first and we'll set up a sandbox.",
        ),
        (
            "A phishing site at https://cloudarq-login.test imitates your login page.",
            Kind::Abuse,
            "Spam, phishing, or content-policy concerns (those go to abuse@cloudarq.example but \
             aren't security vulnerabilities).",
        ),
        (
            "Do you have a bug bounty program?",
            Kind::Question,
            "We don't run a paid bounty program (yet). For severe issues that would qualify as a \
             critical bounty elsewhere, we'll discuss a discretionary cash reward case-by-case. We \
             can't promise a fixed schedule because we don't yet have a budget for it; we'd rather be \
             honest than over-promise.",
        ),
        (
            "Quick question: what is the scope, is beta.cloudarq.example part of it?",
            Kind::Question,
            "The cloudarq.example domain and all subdomains (e.g. www.cloudarq.example)",
        ),
    ] {
        let outcome = receive(&desk, text);
        assert_eq!(outcome.kind, kind, "{text}");
        assert_eq!(
            outcome.clocks,
            ["acknowledge", "triage", "update"],
            "{text}"
        );
        cites(&outcome.letter, sentence);
        if kind == Kind::Abuse {
            assert!(outcome.letter.contains("handled at abuse@cloudarq.example"));
        }
    }
}

// Metalhost.

#[test]
fn metalhost_what_is_in_scope() {
    check_in_scope(
        &desk("metalhost"),
        &[
            ("Stored XSS on metalhost.example", "platform"),
            (
                "Stored XSS on https://dash.metalhost.example/vms",
                "platform",
            ),
            (
                "The Metalhost CLI writes its token to a world-readable file.",
                "platform",
            ),
            ("An XSS in the dashboard takes over sessions.", "platform"),
        ],
    );
}

#[test]
fn metalhost_what_is_out_of_scope() {
    let desk = desk("metalhost");
    check(
        &desk,
        "out_of_scope",
        &[
            (
                "I pretended to be a customer and tricked your support into a password reset.",
                "social-engineering attacks against staff",
            ),
            (
                "With a cloned badge I walked into the server room.",
                "physical attacks against datacenters",
            ),
            (
                "Your site is open to slowloris: a few connections and nobody gets in.",
                "DDoS against production",
            ),
            (
                "There is no rate limit on the newsletter form of www.metalhost.example.",
                "spam or rate-limit findings on the marketing site",
            ),
            (
                "The flaw is in the widget of a third-party service you use.",
                "third-party services we use (report those to the vendor)",
            ),
        ],
    );
    let api = "There is no rate limit on POST /v1/login of api.metalhost.example.";
    assert!(!receive(&desk, api).labels.contains(&"out_of_scope"));
    let vendor = receive(
        &desk,
        "The flaw is in the widget of a third-party service you use.",
    );
    cites(&vendor.letter, "report those to the vendor");
}

#[test]
fn metalhost_what_not_to_do_is_cited_to_who_did_it() {
    check(
        &desk("metalhost"),
        "conduct",
        &[
            (
                "I dumped the whole users table of api.metalhost.example.",
                "don't access or modify data you don't own",
            ),
            (
                "I ran a load test with slowloris and api.metalhost.example went down.",
                "don't disrupt the Service for other customers",
            ),
        ],
    );
}

#[test]
fn metalhost_its_dates_are_kept_and_told() {
    let desk = desk("metalhost");
    // From Friday afternoon: five and ten working days, the last one to its end.
    assert_eq!(
        due(&desk, DeadlineKind::Acknowledge),
        time("2026-06-12T14:12:00Z")
    );
    assert_eq!(
        due(&desk, DeadlineKind::Triage),
        time("2026-06-19T14:12:00Z")
    );
    for (severity, fix) in [
        (Severity::Critical, Some("2026-06-12T14:12:00Z")),
        (Severity::High, Some("2026-07-05T14:12:00Z")),
        (Severity::Medium, Some("2026-09-03T14:12:00Z")),
        (Severity::Low, None),
    ] {
        assert_eq!(fix_due(&desk, severity), fix.map(time));
    }
    let letter = receive(&desk, &full("metalhost.example")).letter;
    assert!(
        letter.contains("critical: days, high: 30 days, medium: 90 days"),
        "{letter}"
    );
    assert!(!letter.contains("low:"), "{letter}");
    assert!(
        letter.contains("Friday 19 June 2026, 14:12 UTC"),
        "{letter}"
    );
    let fixed_at = time("2026-06-05T00:00:00Z");
    let disclose = deadline::disclose(&desk.policy, fixed_at).unwrap();
    assert_eq!(disclose.due_at, time("2026-09-03T00:00:00Z"));
}

#[test]
fn metalhost_asks_for_steps_and_no_real_data() {
    let desk = desk("metalhost");
    let bare = receive(&desk, "Your site is broken.");
    cites(
        &bare.letter,
        "email security@metalhost.example with a clear write-up.",
    );
    cites(&bare.letter, "describe how to reproduce instead.");
    let text = "api.metalhost.example/orders shows the cards 4539 1488 0343 6467 and \
                4716 4615 8332 2103 of your customers.";
    let sentence = "If your finding involves Customer Data or active exploitation, please don't include \
                    real customer data in the report itself \u{2014} describe how to reproduce instead.";
    check(&desk, "customer_data", &[(text, sentence)]);
}

#[test]
fn metalhost_every_receipt_names_the_safe_harbour() {
    let desk = desk("metalhost");
    let sentence = "if you act in good faith, follow this policy, don't access or modify data you don't \
        own, and don't disrupt the Service for other customers, we won't pursue legal action against \
        you. Standard researcher protections.";
    let letter = receive(&desk, &full("metalhost.example")).letter;
    cites(&letter, sentence);
    // The page says nothing more to who saw data by accident: the receipt asks in words of ours.
    let accident = "By accident I could see another tenant's machines on dash.metalhost.example.";
    check(&desk, "accidental_access", &[(accident, sentence)]);
    let letter = receive(&desk, accident).letter;
    assert!(letter.contains("please stop there, delete what you have of it, and tell us"));
}

#[test]
fn metalhost_disclosure_and_credit_are_told_with_the_fix() {
    let letter = fixed(&desk("metalhost"));
    for sentence in [
        "We coordinate public disclosure with you; default disclosure window is 90 days after a fix \
         ships.",
        "we will acknowledge legitimate reports, fix them in priority order, and credit you publicly \
         if you want.",
        "We don't currently pay a bounty (that lights up with SOC 2 \u{2014} see the roadmap)",
    ] {
        cites(&letter, sentence);
    }
    assert!(
        letter.contains("We aim to disclose together by"),
        "{letter}"
    );
}

#[test]
fn metalhost_a_questionnaire_is_no_report_and_hears_its_words() {
    let text = "Please fill out the attached security questionnaire (CAIQ) and send us your DPA.";
    let outcome = receive(&desk("metalhost"), text);
    assert_eq!(outcome.kind, Kind::Diligence);
    assert_eq!(outcome.clocks, ["acknowledge"]);
    cites(
        &outcome.letter,
        "We can answer a standard vendor questionnaire (CAIQ, SIG-Lite, or a custom checklist) and share \
         our DPA, sub-processor list, and architecture description under a mutual NDA. Reach out to \
         security@metalhost.example with what your team needs. For the data-protection side \
         specifically, the Data Processing Agreement and Privacy Policy cover sub-processors, transfer \
         mechanisms, retention, and your rights.",
    );
}
