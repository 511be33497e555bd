//! Policy files: the two real ones to the last number, and every mistake that
//! a person makes in one, as it is printed: file, line, what, and the mend.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use triaged::config::{Gravity, policy};
use triaged::triage::policy::{
    AcknowledgedBy, Encrypt, HostPattern, Part, Policy, Rule, Sentence, Severity, Span,
    StatusTells, Testing,
};

const POLICY: &str = r#"version = "1"
language = "en"
time_zone = "Europe/Berlin"
working_days = ["mon", "tue", "wed", "thu", "fri"]
holidays = ["2026-12-25"]
quiet_hours = "20:00-07:00"
[deadlines]
acknowledge = "2 business days"
acknowledged_by = "reply"
triage = "7 days"
[deadlines.remediate]
critical = { words = "days", enforced = "7 days" }
high = "90 days"
[deadlines.disclose]
after_fix = "90 days"
[deadlines.exploited]
early_warning = "24 hours"
notification = "72 hours"
final_report = "14 days after fix"
[[scope.in]]
name = "ours"
hosts = ["corp.example", "*.corp.example"]
sentence = { en = "Our domain.", de = "Unsere Domain." }
[[scope.in]]
name = "portal"
words = ["customer portal"]
sentence = "The customer portal."
[[scope.out]]
name = "vendors"
kinds = ["third_party"]
hosts = ["vendor.example"]
sentence = "Vendors."
turn_to = "the vendor"
[[scope.out]]
name = "scanners"
kinds = ["scanner_output"]
unless_proven = true
sentence = "Raw output."
[[conduct]]
name = "implants"
kinds = ["persistent_implant"]
sentence = "No implants."
[[known_issues]]
name = "TLS 1.0"
cve = ["CVE-2026-0001"]
url = "https://corp.example/changelog"
[report]
asks = ["steps", "impact"]
no_real_data = "No real data."
accidental_access = "Stop, delete, tell us."
[report.sentences]
steps = "Steps."
[safe_harbour]
sentence = { en = "We do not sue.", de = "Wir klagen nicht." }
url = "https://corp.example/policy#harbour"
[recognition]
credit = "With permission."
page = "our hall of fame"
[disclosure]
heads_up = "7 days"
[requests]
question = "Ask us."
[requests.abuse]
sentence = "Not here."
address = "abuse@corp.example"
[status]
tells = ["status", "dates"]
[replies]
encrypt = "received"
"#;

/// A folder with the policy and what it may name.
fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "policy.toml", text);
    write(folder.path(), "empty.md", "");
    write(folder.path(), "latin.md", b"# 1.0\nM\xfcnchen\n");
    write(
        folder.path(),
        "timed.ics",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225T090000\nEND:VEVENT\nEND:VCALENDAR\n",
    );
    folder
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.join(name), content).expect("a file");
}

/// What was read, and every line as `check` prints it, with its gravity, without the folder.
fn read(text: &str) -> (Option<Policy>, Vec<(Gravity, String)>) {
    let folder = folder(text);
    let (policy, mistakes) = policy::read(&folder.path().join("policy.toml"));
    let prefix = format!("{}/", folder.path().display());
    let said = |mistake: &triaged::config::Mistake| {
        (mistake.gravity, mistake.to_string().replace(&prefix, ""))
    };
    (policy, mistakes.iter().map(said).collect())
}

#[track_caller]
fn good(text: &str) -> Policy {
    let (policy, said) = read(text);
    assert_eq!(said, []);
    policy.expect("a policy")
}

/// In the good policy, `old` becomes `new`: exactly these lines are said.
#[track_caller]
fn said(old: &str, new: &str, gravity: Gravity, expected: &str) {
    assert_eq!(POLICY.matches(old).count(), 1, "{old:?} is not there once");
    let (policy, said) = read(&POLICY.replace(old, new));
    let lines: Vec<&str> = said.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines, expected.lines().collect::<Vec<_>>());
    assert_eq!(
        said.iter().map(|(gravity, _)| *gravity).max(),
        Some(gravity)
    );
    assert_eq!(policy.is_none(), gravity == Gravity::Error);
    for line in lines {
        let mend = line.split_once("; ").map(|(_, mend)| mend);
        assert!(mend.is_some_and(|mend| !mend.is_empty()), "{line}");
    }
}

#[track_caller]
fn refused(old: &str, new: &str, expected: &str) {
    said(old, new, Gravity::Error, expected);
}

#[track_caller]
fn warned(old: &str, new: &str, expected: &str) {
    said(old, new, Gravity::Warning, expected);
}

fn sentence(text: &str) -> Option<Sentence> {
    Some(Sentence::of("en", text))
}

fn host(domain: &str, subdomains: bool, apex: bool) -> HostPattern {
    HostPattern {
        domain: domain.to_owned(),
        subdomains,
        apex,
    }
}

#[test]
fn everything_is_read() {
    let policy = good(POLICY);
    let terms = &policy.terms;
    assert_eq!(terms.language, "en");
    let remediate = &policy.deadlines.remediate;
    assert_eq!(remediate.critical, Some(Span::Days(7)));
    let words = BTreeMap::from([(Severity::Critical, Sentence::of("en", "days"))]);
    assert_eq!(remediate.words, words);
    let ours = &terms.scope.inside[0];
    assert_eq!(ours.hosts, [host("corp.example", true, true)]);
    assert_eq!(ours.sentence.in_language("de"), "Unsere Domain.");
    assert_eq!(ours.sentence.in_language("fr"), "Our domain.");
    assert_eq!(terms.scope.inside[1].words, ["customer portal"]);
    let vendors = Rule {
        name: "vendors".to_owned(),
        hosts: vec![host("vendor.example", false, true)],
        testing: vec![Testing::ThirdParty],
        sentence: Sentence::of("en", "Vendors."),
        turn_to: sentence("the vendor"),
        ..Rule::default()
    };
    assert_eq!(terms.scope.outside[0], vendors);
    assert!(terms.scope.outside[1].unless_proven);
    assert_eq!(terms.conduct[0].testing, [Testing::PersistentImplant]);
    assert_eq!(terms.known_issues[0].cve, ["CVE-2026-0001"]);
    assert_eq!(
        terms.report.asks,
        [(Part::Steps, sentence("Steps.")), (Part::Impact, None)]
    );
    assert_eq!(terms.report.no_real_data, sentence("No real data."));
    assert_eq!(terms.accidental_access, sentence("Stop, delete, tell us."));
    let harbour = terms.safe_harbour.as_ref().expect("a safe harbour");
    assert_eq!(harbour.sentence.in_language("de"), "Wir klagen nicht.");
    assert_eq!(terms.recognition.page.as_deref(), Some("our hall of fame"));
    assert_eq!(terms.disclosure.heads_up, Some(Span::Days(7)));
    assert_eq!(terms.requests.question, sentence("Ask us."));
    let abuse = terms.requests.abuse.as_ref().expect("an abuse address");
    assert_eq!(abuse.address.as_deref(), Some("abuse@corp.example"));
    let tells = StatusTells {
        status: true,
        severity: false,
        dates: true,
    };
    assert_eq!(terms.status, tells);
    assert_eq!(terms.replies.encrypt, Encrypt::Received);
}

#[test]
fn a_policy_of_dates_alone_says_nothing_else() {
    let policy = good(
        "version = \"1\"\ntime_zone = \"UTC\"\n[deadlines]\nacknowledge = \"none\"\ntriage = \"none\"\n",
    );
    let mut terms = policy.terms;
    assert_eq!(std::mem::take(&mut terms.language), "en");
    assert_eq!(terms, triaged::triage::policy::Terms::default());
}

#[test]
fn hosts_in_every_form() {
    #[track_caller]
    fn check(hosts: &str, expected: &[HostPattern]) {
        let rule = format!("hosts = [{hosts}]");
        let policy = good(&POLICY.replace("hosts = [\"vendor.example\"]", &rule));
        assert_eq!(policy.terms.scope.outside[0].hosts, expected);
    }
    check("\"a.example\"", &[host("a.example", false, true)]);
    check("\"*.a.example\"", &[host("a.example", true, false)]);
    check(
        "\"*.a.example\", \"b.example\", \"a.example\"",
        &[
            host("a.example", true, true),
            host("b.example", false, true),
        ],
    );
    check("\"A.Example.\"", &[host("a.example", false, true)]);
    check(
        "\"*.Bücher.example\"",
        &[host("xn--bcher-kva.example", true, false)],
    );
    check(
        "\"192.0.2.1\", \"2001:DB8::1\"",
        &[
            host("192.0.2.1", false, true),
            host("2001:db8::1", false, true),
        ],
    );
    check(
        "\"_dmarc.a.example\"",
        &[host("_dmarc.a.example", false, true)],
    );
    // Below what is in scope, and a path of it: exceptions, no contradictions.
    check(
        "\"shop.corp.example\"",
        &[host("shop.corp.example", false, true)],
    );
    let path = "hosts = [\"corp.example\"]\npaths = [\"/blog\"]";
    good(&POLICY.replace("hosts = [\"vendor.example\"]", path));
}

#[test]
fn known_issues_come_from_a_file_too() {
    let folder = folder(&POLICY.replace("language = \"en\"", "known_issues_file = \"log.md\""));
    write(
        folder.path(),
        "log.md",
        "# Changelog\n## 1.2\n- XSS in `/search` on www.corp.example, CVE-2026-9999\n",
    );
    let (policy, mistakes) = policy::read(&folder.path().join("policy.toml"));
    assert_eq!(mistakes, []);
    let known = policy.expect("a policy").terms.known_issues;
    assert_eq!(known.len(), 2);
    assert_eq!(known[1].name, "1.2");
    assert_eq!(known[1].cve, ["CVE-2026-9999"]);
    assert_eq!(known[1].paths, ["/search"]);
    assert_eq!(known[1].hosts, [host("www.corp.example", false, true)]);
}

/// Every row of `docs/policies/*.md` names a key; this is what they hold.
fn real(name: &str) -> Policy {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/policies")
        .join(name);
    let (policy, mistakes) = policy::read(&file);
    assert_eq!(mistakes, []);
    policy.expect("a policy")
}

fn names(rules: &[Rule]) -> Vec<&str> {
    rules.iter().map(|rule| rule.name.as_str()).collect()
}

#[test]
fn cloudarq_promises_its_dates() {
    let policy = real("cloudarq.toml");
    assert_eq!(policy.version, "2026-05-01");
    let url = "https://cloudarq.example/security/disclosure";
    assert_eq!(policy.url.as_deref(), Some(url));
    let deadlines = &policy.deadlines;
    assert_eq!(deadlines.acknowledge, Some(Span::BusinessHours(48)));
    assert_eq!(deadlines.acknowledged_by, AcknowledgedBy::Reply);
    assert_eq!(deadlines.triage, Some(Span::Days(7)));
    let remediate = &deadlines.remediate;
    assert_eq!(remediate.critical, Some(Span::Days(30)));
    assert_eq!(remediate.high, Some(Span::Days(90)));
    assert_eq!(remediate.medium, Some(Span::Days(180)));
    assert_eq!(remediate.low, None);
    let low = Sentence::of("en", "best-effort, no committed deadline");
    assert_eq!(remediate.words, BTreeMap::from([(Severity::Low, low)]));
    assert_eq!(deadlines.disclose_after_fix, None);
    assert_eq!(policy.terms.disclosure.heads_up, Some(Span::Days(7)));
}

#[test]
fn cloudarq_says_what_is_in_scope_and_what_is_not() {
    let scope = real("cloudarq.toml").terms.scope;
    assert_eq!(
        names(&scope.inside),
        [
            "domain and subdomains",
            "REST API",
            "web application",
            "e-mail templates",
            "login and sessions"
        ]
    );
    assert_eq!(
        scope.inside[0].hosts,
        [host("cloudarq.example", true, true)]
    );
    assert_eq!(scope.inside[1].paths, ["/api/v1/"]);
    let kinds: Vec<_> = scope
        .outside
        .iter()
        .flat_map(|rule| &rule.testing)
        .collect();
    assert_eq!(
        kinds,
        [
            &Testing::ThirdParty,
            &Testing::CustomerEnvironment,
            &Testing::DenialOfService,
            &Testing::SocialEngineering,
            &Testing::Spam,
            &Testing::ScannerOutput
        ]
    );
    let vendors = &scope.outside[0];
    assert_eq!((vendors.words.len(), vendors.hosts.len()), (7, 7));
    let turn_to = vendors
        .turn_to
        .as_ref()
        .map(|words| words.in_language("en"));
    assert_eq!(
        turn_to,
        Some(
            "Report those directly to the relevant vendor — see /legal/subprocessors for contacts."
        )
    );
    let proven: Vec<bool> = scope
        .outside
        .iter()
        .map(|rule| rule.unless_proven)
        .collect();
    assert_eq!(proven, [false, false, false, false, false, true]);
}

#[test]
fn cloudarq_says_what_not_to_do() {
    let conduct = real("cloudarq.toml").terms.conduct;
    let kinds: Vec<(&str, &[Testing])> = conduct
        .iter()
        .map(|rule| (rule.name.as_str(), rule.testing.as_slice()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("harm", &[Testing::DenialOfService][..]),
            ("data of others", &[Testing::DataAccess]),
            ("test accounts", &[Testing::DataAccess]),
            ("overwhelming scans", &[Testing::AutomatedScanning]),
            (
                "sustained scans",
                &[Testing::AutomatedScanning, Testing::RateLimit]
            ),
            ("pivoting", &[Testing::Pivoting]),
            ("implants", &[Testing::PersistentImplant]),
            ("sharing of data", &[Testing::DataSharing]),
        ]
    );
}

#[test]
fn cloudarq_says_the_rest() {
    let terms = real("cloudarq.toml").terms;
    let asked: Vec<Part> = terms.report.asks.iter().map(|(part, _)| *part).collect();
    assert_eq!(asked, Part::ALL);
    assert!(terms.report.asks.iter().all(|(_, words)| words.is_some()));
    for (said, beginning) in [
        (
            &terms.report.no_real_data,
            "Don't include real customer data",
        ),
        (&terms.accidental_access, "If you make a good-faith effort"),
        (&terms.recognition.credit, "Public credit in the changelog"),
        (&terms.recognition.token, "A token of appreciation"),
        (
            &terms.recognition.reward,
            "We don't run a paid bounty program (yet).",
        ),
        (&terms.disclosure.sentence, "We'll give you a heads-up"),
        (&terms.requests.test_account, "Use a test account"),
        (&terms.requests.sandbox, "If you need to test rate-limiting"),
        (
            &terms.known_issues_sentence,
            "Issues already publicly disclosed",
        ),
    ] {
        let said = said.as_ref().map(|words| words.in_language("en"));
        assert!(
            said.is_some_and(|said| said.starts_with(beginning)),
            "{said:?}"
        );
    }
    let harbour = terms.safe_harbour.expect("a safe harbour");
    let sentence = harbour.sentence.in_language("en");
    assert!(sentence.starts_with("We won't pursue legal action — civil or criminal —"));
    let abuse = terms.requests.abuse.expect("an abuse address");
    assert_eq!(abuse.address.as_deref(), Some("abuse@cloudarq.example"));
    assert_eq!(
        terms.recognition.page.as_deref(),
        Some("https://cloudarq.example/changelog")
    );
    let known = &terms.known_issues;
    assert_eq!(known.len(), 2);
    assert_eq!(known[0].paths, ["/api/v1/clusters/export"]);
    assert_eq!(
        known[1].hosts,
        [host("status.cloudarq.example", false, true)]
    );
}

#[test]
fn metalhost_promises_its_dates() {
    let policy = real("metalhost.toml");
    let deadlines = &policy.deadlines;
    assert_eq!(deadlines.acknowledge, Some(Span::BusinessDays(5)));
    assert_eq!(deadlines.acknowledged_by, AcknowledgedBy::Person);
    assert_eq!(deadlines.triage, Some(Span::BusinessDays(10)));
    assert_eq!(deadlines.update, None);
    let remediate = &deadlines.remediate;
    assert_eq!(remediate.critical, Some(Span::Days(7)));
    assert_eq!(remediate.high, Some(Span::Days(30)));
    assert_eq!(remediate.medium, Some(Span::Days(90)));
    assert_eq!(remediate.low, None);
    let words = BTreeMap::from([(Severity::Critical, Sentence::of("en", "days"))]);
    assert_eq!(remediate.words, words);
    assert_eq!(deadlines.disclose_after_fix, Some(Span::Days(90)));
}

#[test]
fn metalhost_says_the_rest() {
    let terms = real("metalhost.toml").terms;
    assert_eq!(
        terms.scope.inside[0].hosts,
        [host("metalhost.example", true, true)]
    );
    let outside: Vec<(&str, &[Testing])> = terms
        .scope
        .outside
        .iter()
        .map(|rule| (rule.sentence.in_language("en"), rule.testing.as_slice()))
        .collect();
    assert_eq!(
        outside,
        [
            (
                "social-engineering attacks against staff",
                &[Testing::SocialEngineering][..]
            ),
            (
                "physical attacks against datacenters",
                &[Testing::PhysicalAttack]
            ),
            ("DDoS against production", &[Testing::DenialOfService]),
            (
                "spam or rate-limit findings on the marketing site",
                &[Testing::Spam, Testing::RateLimit]
            ),
            (
                "third-party services we use (report those to the vendor)",
                &[Testing::ThirdParty]
            ),
        ]
    );
    // Elsewhere such findings are in scope.
    assert_eq!(
        terms.scope.outside[3].hosts,
        [
            host("metalhost.example", false, true),
            host("www.metalhost.example", false, true)
        ]
    );
    assert_eq!(names(&terms.conduct), ["data of others", "disruption"]);
    let harbour = terms.safe_harbour.expect("a safe harbour");
    let sentence = harbour.sentence.in_language("en");
    assert!(sentence.starts_with("if you act in good faith, follow this policy,"));
    let diligence = terms.requests.diligence.expect("diligence");
    let sentence = diligence.sentence.in_language("en");
    assert!(sentence.contains("(CAIQ, SIG-Lite, or a custom checklist)"));
    assert_eq!(diligence.address, None);
    let reward = terms.recognition.reward.expect("words of reward");
    assert!(
        reward
            .in_language("en")
            .starts_with("We don't currently pay a bounty")
    );
    assert!(terms.report.no_real_data.is_some());
}

/// Whatever an editor leaves behind: a policy, or at least one mistake.
#[test]
fn no_damage_to_the_file_stumbles() {
    #[track_caller]
    fn check(text: &str) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), text).expect("written");
        let (policy, mistakes) = policy::read(file.path());
        let is_refused = mistakes.iter().any(|one| one.gravity == Gravity::Error);
        assert_eq!(policy.is_none(), is_refused, "{text}");
    }
    for end in 0..POLICY.len() {
        check(&POLICY[..end]);
    }
    let lines: Vec<&str> = POLICY.lines().collect();
    for left_out in 0..lines.len() {
        let kept = lines
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != left_out);
        let kept: Vec<&str> = kept.map(|(_, line)| *line).collect();
        check(&kept.join("\n"));
    }
    for (index, _) in POLICY.match_indices('"') {
        check(&format!(
            "{}\u{fffd}{}",
            &POLICY[..index],
            &POLICY[index + 1..]
        ));
        check(&format!("{}\"[{}", &POLICY[..index], &POLICY[index + 1..]));
    }
}

/// What `init` writes, as it is, and with every example in it taken up.
#[test]
fn the_policy_of_a_new_user() {
    let policy = include_str!("../src/cli/init/policy.toml");
    good(policy);
    let is_example = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.starts_with('[') || line.contains(" = ") && !key.contains([' ', '"'])
    };
    let taken_up = |line: &str| match line.strip_prefix("# ") {
        Some(example) if is_example(example) => example.to_owned(),
        _ => line.to_owned(),
    };
    let whole: Vec<String> = policy.lines().map(taken_up).collect();
    let folder = folder(&whole.join("\n"));
    let holidays = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\nEND:VEVENT\nEND:VCALENDAR\n";
    write(folder.path(), "holidays.ics", holidays);
    write(folder.path(), "changelog.md", "# 1.0\n- CVE-2026-1234\n");
    let (policy, mistakes) = policy::read(&folder.path().join("policy.toml"));
    assert_eq!(mistakes, []);
    let terms = policy.expect("a policy").terms;
    assert_eq!(
        names(&terms.scope.outside),
        ["sub-processors", "raw scanner output"]
    );
    assert_eq!(terms.known_issues.len(), 2);
    assert!(terms.safe_harbour.is_some() && terms.requests.abuse.is_some());
}

/// The documentation shows every key, and none that does not exist.
#[test]
fn the_example_of_the_documentation() {
    let page = include_str!("../docs/policy.md");
    let example = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let folder = folder(example.expect("an example"));
    let holidays = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225\nEND:VEVENT\nEND:VCALENDAR\n";
    write(folder.path(), "holidays.ics", holidays);
    write(folder.path(), "changelog.md", "# 1.0\n- CVE-2026-1234\n");
    let (policy, mistakes) = policy::read(&folder.path().join("policy.toml"));
    assert_eq!(mistakes, []);
    assert_eq!(policy.expect("a policy").terms.conduct.len(), 1);
}

/// Both pages are in English alone: nothing of ours is cited in another language.
#[test]
fn the_real_pages_are_cited_in_english_alone() {
    for name in ["cloudarq.toml", "metalhost.toml"] {
        let terms = real(name).terms;
        let rules = terms.scope.inside.iter().chain(&terms.scope.outside);
        for rule in rules.chain(&terms.conduct) {
            let languages: Vec<_> = rule.sentence.by_language.keys().collect();
            assert_eq!(languages, ["en"], "{}", rule.name);
        }
    }
}

#[test]
fn bad_keys_that_are_none_and_values_of_another_type() {
    refused(
        "[status]\n",
        "[statuss]\n",
        r#"policy.toml:66: statuss: unknown key; the nearest known one is "status""#,
    );
    refused(
        r#"language = "en""#,
        r#"languages = "en""#,
        r#"policy.toml:2: languages: unknown key; the nearest known one is "language""#,
    );
    refused(
        "[safe_harbour]",
        "[safe_harbor]",
        "policy.toml:23: scope.in.sentence.de: no other sentence is in \"de\"; translate the others too, or take it out; a reader of de gets \"en\" else\npolicy.toml:53: safe_harbor: unknown key; the nearest known one is \"safe_harbour\"",
    );
    refused(
        "[[scope.in]]\nname = \"ours\"",
        "[[scope.inside]]\nname = \"ours\"",
        r#"policy.toml:20: scope.inside: unknown key; the nearest known one is "in""#,
    );
    refused(
        r#"turn_to = "the vendor""#,
        r#"turn_too = "the vendor""#,
        r#"policy.toml:33: scope.out.turn_too: unknown key; the nearest known one is "turn_to""#,
    );
    refused(
        r#"sentence = "Raw output.""#,
        r#"sentences = "Raw output.""#,
        "policy.toml:34: scope.out.sentence: missing; write sentence = \"…\", as the policy says it: replies cite it\npolicy.toml:38: scope.out.sentences: unknown key; the nearest known one is \"sentence\"",
    );
    refused(
        r#"credit = "With permission.""#,
        r#"credits = "With permission.""#,
        r#"policy.toml:57: recognition.credits: unknown key; the nearest known one is "credit""#,
    );
    refused(
        "[[conduct]]",
        "[conduct]",
        "policy.toml:39: conduct: is a section, not a list; write [[conduct]], once for each",
    );
    refused(
        "[report]",
        "[[report]]",
        "policy.toml:47: report: is a list, not a section; write [report] on a line of its own",
    );
    refused(
        "[requests.abuse]\nsentence = \"Not here.\"\naddress = \"abuse@corp.example\"",
        r#"abuse = "abuse@corp.example""#,
        "policy.toml:63: requests.abuse: is text, not a section; write [requests.abuse] on a line of its own",
    );
    refused(
        r#"question = "Ask us.""#,
        "question = 5",
        "policy.toml:62: requests.question: is a number, not text; put it in quotes",
    );
    refused(
        "unless_proven = true",
        r#"unless_proven = "yes""#,
        "policy.toml:37: scope.out.unless_proven: is text, not true or false; write true or false without quotes",
    );
}

#[test]
fn bad_languages_and_sentences() {
    refused(
        r#"language = "en""#,
        r#"language = "english""#,
        r#"policy.toml:2: language: "english" is not a language; write two letters of ISO 639-1, like "en" or "de""#,
    );
    refused(
        r#"language = "en""#,
        r#"language = "EN""#,
        r#"policy.toml:2: language: "EN" is not a language; write "en""#,
    );
    refused(
        r#"language = "en""#,
        r#"language = "en-GB""#,
        r#"policy.toml:2: language: "en-GB" is not a language; write "en""#,
    );
    refused(
        r#"de = "Unsere Domain.""#,
        r#"deu = "Unsere Domain.""#,
        r#"policy.toml:23: scope.in.sentence.deu: "deu" is not a language; write two letters of ISO 639-1, like "en" or "de""#,
    );
    refused(
        r#"de = "Unsere Domain.""#,
        r#"de_DE = "Unsere Domain.""#,
        r#"policy.toml:23: scope.in.sentence.de_DE: "de_DE" is not a language; write "de""#,
    );
    refused(
        r#"{ en = "Our domain.", de"#,
        "{ de",
        r#"policy.toml:23: scope.in.sentence: has no sentence in "en", the policy's own language; add en = "…", which is cited where a reader's language is missing"#,
    );
    refused(
        r#"de = "Unsere Domain.""#,
        r#"de = """#,
        "policy.toml:23: scope.in.sentence.de: is empty; write the sentence, or take the key out",
    );
    refused(
        r#"sentence = "Raw output.""#,
        r#"sentence = "  ""#,
        "policy.toml:38: scope.out.sentence: is empty; write the sentence, or take the key out",
    );
    refused(
        "sentence = \"Raw output.\"\n",
        "",
        r#"policy.toml:34: scope.out.sentence: missing; write sentence = "…", as the policy says it: replies cite it"#,
    );
    refused(
        r#"sentence = "Raw output.""#,
        "sentence = {}",
        r#"policy.toml:38: scope.out.sentence: has no sentence in "en", the policy's own language; add en = "…", which is cited where a reader's language is missing"#,
    );
    refused(
        r#"sentence = "Raw output.""#,
        r#"sentence = ["Raw output."]"#,
        "policy.toml:38: scope.out.sentence: is a list, not text; write one text in quotes, without [ ]",
    );
    refused(
        r#"sentence = "Raw output.""#,
        r#"sentence = "Raw\toutput.""#,
        r#"policy.toml:38: scope.out.sentence: "Raw\toutput." holds a control character; take tabs and the like out"#,
    );
    let long = format!("sentence = \"{}\"", "x".repeat(4_001));
    refused(
        r#"sentence = "Raw output.""#,
        &long,
        "policy.toml:38: scope.out.sentence: is longer than 4000 characters; write what letters cite, and the page's address as url",
    );
    warned(
        r#"de = "Unsere Domain.""#,
        r#"fr = "Notre domaine.", de = "Unsere Domain.""#,
        r#"policy.toml:23: scope.in.sentence.fr: no other sentence is in "fr"; translate the others too, or take it out; a reader of fr gets "en" else"#,
    );
}

#[test]
fn bad_the_calendar() {
    refused(
        r#"working_days = ["mon", "tue", "wed", "thu", "fri"]"#,
        r#"working_days = "mon""#,
        "policy.toml:4: working_days: is text, not a list; put it in [ ]",
    );
    refused(
        r#"time_zone = "Europe/Berlin""#,
        r#"time_zone = "Mars/Olympus""#,
        r#"policy.toml:3: time_zone: "Mars/Olympus" is not an IANA time zone; name a city, like "Europe/Berlin""#,
    );
    refused(
        r#"time_zone = "Europe/Berlin""#,
        r#"time_zone = "CEST""#,
        r#"policy.toml:3: time_zone: "CEST" is not an IANA time zone; the nearest one is "Europe/Berlin""#,
    );
    warned(
        r#"time_zone = "Europe/Berlin""#,
        r#"time_zone = "EST""#,
        r#"policy.toml:3: time_zone: "EST" has no daylight saving time, all year round; name a city, like "America/New_York", or "UTC""#,
    );
    warned(
        r#"time_zone = "Europe/Berlin""#,
        r#"time_zone = "Etc/GMT+1""#,
        r#"policy.toml:3: time_zone: "Etc/GMT+1" lies west of Greenwich: its sign is turned round; name a city, like "America/New_York", or "UTC""#,
    );
    warned(
        "time_zone = \"Europe/Berlin\"\n",
        "",
        r#"policy.toml:1: time_zone: missing, so Europe/Berlin counts; write time_zone = "Europe/Berlin" or your own"#,
    );
    refused(
        r#"working_days = ["mon""#,
        r#"working_days = ["monn""#,
        r#"policy.toml:4: working_days: "monn" is not a weekday; the nearest one is "mon""#,
    );
    warned(
        r#"working_days = ["mon""#,
        r#"working_days = ["mon", "mon""#,
        "policy.toml:4: working_days: names a day twice; keep one of them",
    );
    refused(
        r#"holidays = ["2026-12-25"]"#,
        r#"holidays = ["2026-12-25", "25 Dec"]"#,
        r#"policy.toml:5: holidays: "25 Dec" is not a date; write it like "2026-12-25""#,
    );
    warned(
        r#"holidays = ["2026-12-25"]"#,
        "holidays = [\"2026-12-25\",\n 2026-12-25]",
        r#"policy.toml:6: holidays: "2026-12-25" stands in line 5 already; keep one of them"#,
    );
    refused(
        r#"holidays = ["2026-12-25"]"#,
        r#"holidays = ["0206-12-25"]"#,
        r#"policy.toml:5: holidays: "0206-12-25" is far from now; write a year from 1970 to 2100"#,
    );
    refused(
        r#"holidays = ["2026-12-25"]"#,
        r#"holidays = "days.ics""#,
        r#"policy.toml:5: holidays: "days.ics" is a file, not a list of dates; write holidays_file = "days.ics""#,
    );
    refused(
        r#"holidays = ["2026-12-25"]"#,
        r#"holidays_file = "timed.ics""#,
        r#"timed.ics:3: DTSTART: "20261225T090000" has a time of day; holidays are whole days, like DTSTART;VALUE=DATE:20261225"#,
    );
    refused(
        r#"quiet_hours = "20:00-07:00""#,
        r#"quiet_hours = "8pm-7am""#,
        r#"policy.toml:6: quiet_hours: "8pm-7am" is not a pair of times; write it like "20:00-07:00", or "none""#,
    );
    warned(
        r#"quiet_hours = "20:00-07:00""#,
        r#"quiet_hours = "07:00-20:00""#,
        r#"policy.toml:6: quiet_hours: is quiet at noon, when people work; write it the other way round, "20:00-07:00""#,
    );
}

#[test]
fn bad_deadlines() {
    refused(
        r#"words = "days", enforced = "7 days""#,
        r#"words = "5 days", enforced = "7 days""#,
        r#"policy.toml:12: deadlines.remediate.critical.enforced: is longer than the page's own words, "5 days"; write "5 days", or less"#,
    );
    refused(
        r#"words = "days", enforced = "7 days""#,
        r#"words = { en = "4 weeks" }, enforced = "none""#,
        r#"policy.toml:12: deadlines.remediate.critical.enforced: is longer than the page's own words, "28 days"; write "28 days", or less"#,
    );
    refused(
        "triage = \"7 days\"\n",
        "",
        r#"policy.toml:7: deadlines.triage: missing; write triage = "7 days", or another span, or "none""#,
    );
    refused(
        r#"triage = "7 days""#,
        r#"triage = "7 working days""#,
        r#"policy.toml:10: deadlines.triage: "7 working days" is not a duration; write "7 business days""#,
    );
    refused(
        r#"triage = "7 days""#,
        r#"triage = "3 months""#,
        r#"policy.toml:10: deadlines.triage: "3 months" is not a duration; write "90 days""#,
    );
    refused(
        r#"triage = "7 days""#,
        "triage = 7",
        "policy.toml:10: deadlines.triage: is a number, not text; put it in quotes",
    );
    refused(
        r#"version = "1""#,
        r#"version = """#,
        "policy.toml:1: version: is empty; write some text",
    );
    refused(
        r#"triage = "7 days""#,
        r#"triage = { words = "soon", enforced = "7 days" }"#,
        r#"policy.toml:10: deadlines.triage: takes no words beside its number; only a severity of remediate does; write the span alone, like "7 days""#,
    );
    warned(
        r#"acknowledge = "2 business days""#,
        r#"acknowledge = "6 business days""#,
        "policy.toml:8: deadlines.acknowledge: is later than triage; a decision is an acknowledgement too; write a shorter span",
    );
    warned(
        "acknowledge = \"2 business days\"\nacknowledged_by = \"reply\"",
        "acknowledge = \"none\"\nacknowledged_by = \"person\"",
        r#"policy.toml:9: deadlines.acknowledged_by: has no meaning, as acknowledge is "none"; promise an acknowledgement, or take acknowledged_by out"#,
    );
    refused(
        r#"critical = { words = "days", enforced = "7 days" }"#,
        r#"critical = "days""#,
        r#"policy.toml:12: deadlines.remediate.critical: "days" is not a duration; write it like "48 business hours", "5 business days", "7 days" or "none""#,
    );
    refused(
        r#"critical = { words = "days", enforced = "7 days" }"#,
        r#"critical = { words = "days" }"#,
        r#"policy.toml:12: deadlines.remediate.critical.enforced: missing; write enforced = "7 days", the number that is kept, or "none""#,
    );
    refused(
        r#"critical = { words = "days", enforced = "7 days" }"#,
        r#"critical = { enforced = "7 days" }"#,
        r#"policy.toml:12: deadlines.remediate.critical.words: missing; write words = "days", as the page has it"#,
    );
    refused(
        r#"critical = { words = "days", enforced = "7 days" }"#,
        r#"critical = { words = "days", enforcd = "7 days" }"#,
        "policy.toml:12: deadlines.remediate.critical.enforced: missing; write enforced = \"7 days\", the number that is kept, or \"none\"\npolicy.toml:12: deadlines.remediate.critical.enforcd: unknown key; the nearest known one is \"enforced\"",
    );
    warned(
        r#"critical = { words = "days", enforced = "7 days" }"#,
        r#"critical = "120 days""#,
        "policy.toml:12: deadlines.remediate.critical: is longer than high; the worse should be mended sooner",
    );
    warned(
        "critical = { words = \"days\", enforced = \"7 days\" }\n",
        "",
        "policy.toml:11: deadlines.remediate.critical: has no deadline, and high has one; the worse should be mended sooner",
    );
    refused(
        r#"high = "90 days""#,
        "high = \"90 days\"\ninformational = \"1 year\"",
        "policy.toml:14: deadlines.remediate.informational: is no severity of its own here; write it as low, which stands for both",
    );
    refused(
        r#"early_warning = "24 hours""#,
        r#"early_warning = "4 days""#,
        r#"policy.toml:17: deadlines.exploited.early_warning: "4 days" is later than notification, "72 hours"; write the early warning's span here, and the longer one there"#,
    );
    refused(
        r#"notification = "72 hours""#,
        r#"notification = "3 business days""#,
        r#"policy.toml:18: deadlines.exploited.notification: "3 business days" stands still over weekends, and the law does not; write hours or days, like "72 hours""#,
    );
    refused(
        r#"final_report = "14 days after fix""#,
        r#"final_report = "14 days after the fix""#,
        r#"policy.toml:19: deadlines.exploited.final_report: "14 days after the fix" is not a duration; write it like "14 days after fix""#,
    );
    refused(
        r#"encrypt = "received""#,
        r#"encrypt = "always""#,
        r#"policy.toml:69: replies.encrypt: "always" is not one of "known", "received"; the nearest one is "received""#,
    );
    refused(
        r#"heads_up = "7 days""#,
        r#"heads_up = "91 days""#,
        r#"policy.toml:60: disclosure.heads_up: "91 days" is longer than deadlines.disclose.after_fix, "90 days"; write a shorter one: it would begin before the fix is out"#,
    );
}

#[test]
fn bad_places() {
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["https://vendor.example"]"#,
        r#"policy.toml:31: scope.out.hosts: "https://vendor.example" is a URL, not a host; write "vendor.example""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["https://vendor.example:8443/shop?x"]"#,
        r#"policy.toml:31: scope.out.hosts: "https://vendor.example:8443/shop?x" is a URL, not a host; write hosts = ["vendor.example"] and paths = ["/shop"]"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["vendor.example/shop"]"#,
        r#"policy.toml:31: scope.out.hosts: "vendor.example/shop" is a host with a path; write hosts = ["vendor.example"] and paths = ["/shop"]"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["vendor.example:443"]"#,
        r#"policy.toml:31: scope.out.hosts: "vendor.example:443" names a port; write "vendor.example", it stands for every port"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["abuse@vendor.example"]"#,
        r#"policy.toml:31: scope.out.hosts: "abuse@vendor.example" is an e-mail address, not a host; write "vendor.example""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["192.0.2.0/24"]"#,
        r#"policy.toml:31: scope.out.hosts: "192.0.2.0/24" is a range of addresses; list the names of the hosts"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["*"]"#,
        r#"policy.toml:31: scope.out.hosts: "*" is every host of the world; name your domain, like "*.example.com"; without any rule of what is in, everything is"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["*.example"]"#,
        r#"policy.toml:31: scope.out.hosts: "example" is no domain of yours: others have names below it too; write it like "*.example.com""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = [".vendor.example"]"#,
        r#"policy.toml:31: scope.out.hosts: ".vendor.example" begins with a dot; write "*.vendor.example" for every name below"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["api-*.vendor.example"]"#,
        r#"policy.toml:31: scope.out.hosts: "api-*.vendor.example" has a "*" in the wrong place; write "*.example.com" for every name below, or the whole name"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["*.192.0.2.1"]"#,
        r#"policy.toml:31: scope.out.hosts: "192.0.2.1" is an address, and no names are below it; write the address alone"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["[2001:DB8::7]"]"#,
        r#"policy.toml:31: scope.out.hosts: "[2001:DB8::7]" is an address as URLs have it; write "2001:db8::7""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["[2001:db8::7]:8443"]"#,
        r#"policy.toml:31: scope.out.hosts: "[2001:db8::7]:8443" is an address as URLs have it; write "2001:db8::7""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["192.0.2.300"]"#,
        r#"policy.toml:31: scope.out.hosts: "192.0.2.300" is neither a name nor an address; write it like "192.0.2.7""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["192.0.2"]"#,
        r#"policy.toml:31: scope.out.hosts: "192.0.2" is neither a name nor an address; write it like "192.0.2.7""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["localhost"]"#,
        r#"policy.toml:31: scope.out.hosts: "localhost" has no dot, so it is not a whole name; write it like "www.example.com""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["ven dor.example"]"#,
        r#"policy.toml:31: scope.out.hosts: "ven dor.example" is not the name of a host; write it like "example.com""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = [""]"#,
        r#"policy.toml:31: scope.out.hosts: is empty; write a host, like "example.com""#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = "vendor.example""#,
        "policy.toml:31: scope.out.hosts: is text, not a list; put it in [ ]",
    );
    refused(
        r#"words = ["customer portal"]"#,
        r#"paths = ["api/v1"]"#,
        r#"policy.toml:26: scope.in.paths: "api/v1" does not begin with "/"; write "/api/v1""#,
    );
    refused(
        r#"words = ["customer portal"]"#,
        r#"paths = ["https://corp.example/api"]"#,
        r#"policy.toml:26: scope.in.paths: "https://corp.example/api" is a URL, not a path; write hosts = ["corp.example"] and paths = ["/api"]"#,
    );
    refused(
        r#"words = ["customer portal"]"#,
        r#"paths = ["/api/*"]"#,
        r#"policy.toml:26: scope.in.paths: "/api/*" ends with "*"; write "/api/", it stands for all that begins so"#,
    );
    refused(
        r#"words = ["customer portal"]"#,
        r#"paths = ["/api?x=1"]"#,
        r#"policy.toml:26: scope.in.paths: "/api?x=1" has more than a path in it; write "/api""#,
    );
    refused(
        r#"words = ["customer portal"]"#,
        r#"paths = ["/"]"#,
        r#"policy.toml:26: scope.in.paths: "/" is every path; name a longer one, or take it out"#,
    );
    refused(
        r#"words = ["customer portal"]"#,
        r#"words = ["it"]"#,
        r#"policy.toml:26: scope.in.words: "it" is too short to tell anything; write at least 3 characters"#,
    );
}

#[test]
fn bad_rules_of_scope_and_conduct() {
    refused(
        r#"kinds = ["scanner_output"]"#,
        r#"kinds = ["scanner"]"#,
        r#"policy.toml:36: scope.out.kinds: "scanner" is not a kind of testing; the nearest one is "scanner_output""#,
    );
    refused(
        r#"kinds = ["scanner_output"]"#,
        r#"kinds = ["DDoS"]"#,
        r#"policy.toml:36: scope.out.kinds: "DDoS" is not a kind of testing; the nearest one is "denial_of_service""#,
    );
    refused(
        r#"kinds = ["scanner_output"]"#,
        r#"kinds = ["scaner_output"]"#,
        r#"policy.toml:36: scope.out.kinds: "scaner_output" is not a kind of testing; the nearest one is "scanner_output""#,
    );
    refused(
        r#"kinds = ["scanner_output"]"#,
        "kinds = [\"scanner_output\"]\nhosts = []",
        "policy.toml:37: scope.out.hosts: names nothing; name one, or take the key out",
    );
    refused(
        "words = [\"customer portal\"]\n",
        "",
        "policy.toml:24: scope.in: names no hosts, paths, words or kinds, so it can never match; add one of them, or take the rule out",
    );
    refused(
        r#"words = ["customer portal"]"#,
        "words = []",
        "policy.toml:24: scope.in: names no hosts, paths, words or kinds, so it can never match; add one of them, or take the rule out",
    );
    refused(
        "name = \"scanners\"\n",
        "",
        r#"policy.toml:34: scope.out.name: missing; write name = "…", as evidence is to name the rule"#,
    );
    refused(
        r#"name = "scanners""#,
        r#"name = "Vendors""#,
        r#"policy.toml:35: scope.out.name: "Vendors" is the name of the rule in line 29 too; give each a name of its own"#,
    );
    refused(
        r#"name = "implants""#,
        r#"name = "ours""#,
        r#"policy.toml:40: conduct.name: "ours" is the name of the rule in line 21 too; give each a name of its own"#,
    );
    refused(
        r#"words = ["customer portal"]"#,
        "words = [\"customer portal\"]\nturn_to = \"us\"",
        "policy.toml:27: scope.in.turn_to: has no meaning for what is in scope; move it to a rule of [[scope.out]]",
    );
    refused(
        r#"kinds = ["persistent_implant"]"#,
        "kinds = [\"persistent_implant\"]\nunless_proven = true",
        "policy.toml:42: conduct.unless_proven: has no meaning for conduct: such a report stays in scope; take it out, or make it a rule of [[scope.out]]",
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["*.corp.example"]"#,
        r#"policy.toml:31: scope.out.hosts: "*.corp.example" is in scope by line 22, and out of it here; keep one of the two"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        "hosts = [\"vendor.example\",\n \"CORP.example.\"]",
        r#"policy.toml:32: scope.out.hosts: "corp.example" is in scope by line 22, and out of it here; keep one of the two"#,
    );
    refused(
        r#"hosts = ["vendor.example"]"#,
        r#"words = ["Customer Portal"]"#,
        r#"policy.toml:31: scope.out.words: "Customer Portal" is in scope by line 26, and out of it here; keep one of the two"#,
    );
    refused(
        r#"words = ["customer portal"]"#,
        r#"kinds = ["third_party"]"#,
        r#"policy.toml:30: scope.out.kinds: "third_party" is in scope by line 26, and out of it here; keep one of the two"#,
    );
    warned(
        r#"hosts = ["vendor.example"]"#,
        r#"hosts = ["vendor.example", "vendor.example"]"#,
        r#"policy.toml:31: scope.out.hosts: "vendor.example" stands in line 31 already; keep one of them"#,
    );
    warned(
        r#"words = ["customer portal"]"#,
        r#"hosts = ["corp.example"]"#,
        r#"policy.toml:26: scope.in.hosts: "corp.example" stands in line 22 already; keep one of them"#,
    );
}

#[test]
fn bad_known_issues() {
    refused(
        r#"cve = ["CVE-2026-0001"]"#,
        r#"cve = ["2026-0001"]"#,
        r#"policy.toml:45: known_issues.cve: "2026-0001" is not a CVE number; write it like "CVE-2026-12345""#,
    );
    refused(
        "cve = [\"CVE-2026-0001\"]\n",
        "",
        "policy.toml:43: known_issues: names no cve, hosts, paths or words, so no report can match it; add one of them, or take the entry out",
    );
    refused(
        "name = \"TLS 1.0\"\n",
        "",
        r#"policy.toml:43: known_issues.name: missing; write name = "…", as evidence and answers are to name the issue"#,
    );
    refused(
        r#"url = "https://corp.example/changelog""#,
        r#"url = "http://corp.example/changelog""#,
        r#"policy.toml:46: known_issues.url: "http://corp.example/changelog" is not an https address; write "https://corp.example/changelog""#,
    );
    refused(
        "[report]\n",
        "[[known_issues]]\nname = \"TLS 1.0\"\nwords = [\"TLS 1.0\"]\n[report]\n",
        r#"policy.toml:48: known_issues.name: "TLS 1.0" is the name of the issue in line 44 too; give each a name of its own"#,
    );
    refused(
        r#"language = "en""#,
        r#"known_issues_file = "nowhere.md""#,
        "nowhere.md: cannot be read (No such file or directory (os error 2)); check the path and who may read it",
    );
    warned(
        r#"language = "en""#,
        r#"known_issues_file = "empty.md""#,
        "empty.md: names no CVE number, host, path or quoted word under a heading; name a changelog with headings, or list [[known_issues]]",
    );
    refused(
        r#"language = "en""#,
        r#"known_issues_file = "latin.md""#,
        "latin.md:2: is not UTF-8 from here on; save it as UTF-8",
    );
    refused(
        r#"language = "en""#,
        r#"known_issues_file = ["empty.md"]"#,
        "policy.toml:2: known_issues_file: is a list, not text; write one text in quotes, without [ ]",
    );
}

#[test]
fn bad_report_recognition_requests_status() {
    refused(
        r#"asks = ["steps", "impact"]"#,
        r#"asks = ["stepps"]"#,
        r#"policy.toml:48: report.asks: "stepps" is not a part of a report; the nearest one is "steps""#,
    );
    refused(
        r#"asks = ["steps", "impact"]"#,
        r#"asks = ["steps", "steps"]"#,
        r#"policy.toml:48: report.asks: "steps" stands there twice; keep one of them"#,
    );
    refused(
        r#"asks = ["steps", "impact"]"#,
        "asks = []",
        r#"policy.toml:48: report.asks: asks for nothing; name a part, like "steps", or take the key out"#,
    );
    refused(
        r#"asks = ["steps", "impact"]"#,
        r#"asks = ["impact"]"#,
        r#"policy.toml:52: report.sentences.steps: has a sentence, and report.asks does not ask for it; add "steps" to report.asks"#,
    );
    refused(
        "sentence = { en = \"We do not sue.\", de = \"Wir klagen nicht.\" }\nurl",
        "url",
        r#"policy.toml:53: safe_harbour.sentence: missing; write sentence = "…", as the policy says it: the acknowledgement cites it"#,
    );
    refused(
        r#"url = "https://corp.example/policy#harbour""#,
        r#"url = "corp.example/policy""#,
        r#"policy.toml:55: safe_harbour.url: "corp.example/policy" is not an https address; write "https://corp.example/policy""#,
    );
    refused(
        r#"page = "our hall of fame""#,
        r#"page = "http://corp.example/fame""#,
        r#"policy.toml:58: recognition.page: "http://corp.example/fame" is not an https address; write "https://corp.example/fame""#,
    );
    refused(
        r#"address = "abuse@corp.example""#,
        r#"address = "abuse""#,
        r#"policy.toml:65: requests.abuse.address: "abuse" is not an e-mail address; write it like "security@example.com""#,
    );
    refused(
        r#"tells = ["status", "dates"]"#,
        r#"tells = ["state"]"#,
        r#"policy.toml:67: status.tells: "state" is not one of "status", "severity", "dates"; the nearest one is "status""#,
    );
    refused(
        r#"heads_up = "7 days""#,
        r#"heads_up = "a week""#,
        r#"policy.toml:60: disclosure.heads_up: "a week" is not a duration; write it like "48 business hours", "5 business days", "7 days" or "none""#,
    );
}

/// Each sentence of a page has a test, by file and function, and there is such a function.
#[test]
fn the_tables_of_the_real_pages_name_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for table in ["cloudarq.md", "metalhost.md"] {
        let text = fs::read_to_string(root.join("docs/policies").join(table)).unwrap();
        let (sentences, _) = text.split_once("\n## ").unwrap();
        let rows: Vec<&str> = sentences
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
            .skip(1)
            .collect();
        assert!(rows.len() > 20, "{table}");
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
            let [_, _, tests] = cells[..] else {
                panic!("{table}: {row}")
            };
            for named in tests.split("; ") {
                let (file, functions) = named.split_once(": ").expect(row);
                let file = fs::read_to_string(root.join(file.trim().trim_matches('`'))).expect(row);
                for function in functions.split(", ") {
                    let function = function.trim().trim_matches('`');
                    assert!(
                        file.contains(&format!("fn {function}(")),
                        "{table}: {function}"
                    );
                }
            }
        }
    }
}
