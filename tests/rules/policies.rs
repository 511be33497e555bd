//! The terms of two policies in the shape of real ones, as the labelled mails are judged by them.

use triaged::triage::policy::{
    HostPattern, KnownIssue, Part, Rule, Scope, Sentence, Terms, Testing, UsefulReport,
};

pub fn named(name: &str) -> Terms {
    match name {
        "cloudarq" => cloudarq(),
        "metalhost" => metalhost(),
        other => panic!("no policy {other}"),
    }
}

fn rule(name: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        sentence: Sentence::of("en", name),
        ..Rule::default()
    }
}

fn kinds(name: &str, testing: &[Testing]) -> Rule {
    Rule {
        testing: testing.to_vec(),
        ..rule(name)
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn hosts(patterns: &[&str]) -> Vec<HostPattern> {
    let pattern = |text: &&str| HostPattern {
        domain: text.trim_start_matches("*.").to_owned(),
        subdomains: text.starts_with("*."),
        apex: false,
    };
    patterns.iter().map(pattern).collect()
}

fn cloudarq() -> Terms {
    let vendors = [
        "hetzner",
        "cloudflare",
        "paddle",
        "anthropic",
        "resend",
        "sentry",
        "plausible",
    ];
    let vendor_hosts: Vec<String> = vendors
        .iter()
        .flat_map(|vendor| [format!("{vendor}.example"), format!("*.{vendor}.example")])
        .collect();
    let vendor_hosts: Vec<&str> = vendor_hosts.iter().map(String::as_str).collect();
    Terms {
        language: "en".to_owned(),
        scope: Scope {
            inside: vec![
                Rule {
                    hosts: hosts(&["cloudarq.example", "*.cloudarq.example"]),
                    ..rule("our domain")
                },
                Rule {
                    paths: strings(&["/api/v1/"]),
                    words: strings(&["CloudArq REST API"]),
                    ..rule("the REST API")
                },
                Rule {
                    words: strings(&[
                        "List-Unsubscribe",
                        "List-Unsubscribe-Post",
                        "email template",
                    ]),
                    ..rule("e-mail templates")
                },
            ],
            outside: vec![
                Rule {
                    hosts: hosts(&vendor_hosts),
                    words: strings(&[
                        "Hetzner",
                        "Cloudflare",
                        "Paddle",
                        "Anthropic",
                        "Resend",
                        "Sentry",
                        "Plausible",
                    ]),
                    testing: vec![Testing::ThirdParty],
                    ..rule("sub-processors")
                },
                kinds("customer environments", &[Testing::CustomerEnvironment]),
                kinds("denial of service", &[Testing::DenialOfService]),
                kinds("social engineering", &[Testing::SocialEngineering]),
                kinds("spam and phishing", &[Testing::Spam]),
                Rule {
                    unless_proven: true,
                    ..kinds("scanner output", &[Testing::ScannerOutput])
                },
            ],
        },
        conduct: vec![
            kinds("other people's data", &[Testing::DataAccess]),
            kinds("automated scans", &[Testing::AutomatedScanning]),
            kinds("pivoting", &[Testing::Pivoting]),
            kinds("implants", &[Testing::PersistentImplant]),
            kinds("sharing data", &[Testing::DataSharing]),
        ],
        known_issues: vec![
            KnownIssue {
                name: "TLS 1.0 on legacy".to_owned(),
                hosts: hosts(&["legacy.cloudarq.example"]),
                words: strings(&["TLS 1.0"]),
                ..KnownIssue::default()
            },
            KnownIssue {
                name: "CVE in the export".to_owned(),
                cve: strings(&["CVE-2026-11111"]),
                ..KnownIssue::default()
            },
            KnownIssue {
                name: "open redirect in /go".to_owned(),
                paths: strings(&["/go"]),
                words: strings(&["open redirect"]),
                ..KnownIssue::default()
            },
            KnownIssue {
                name: "no DNSSEC".to_owned(),
                words: strings(&["DNSSEC"]),
                ..KnownIssue::default()
            },
        ],
        report: UsefulReport {
            asks: Part::ALL.into_iter().map(|part| (part, None)).collect(),
            no_real_data: None,
        },
        ..Terms::default()
    }
}

fn metalhost() -> Terms {
    Terms {
        language: "en".to_owned(),
        scope: Scope {
            inside: vec![Rule {
                hosts: hosts(&["metalhost.example", "*.metalhost.example"]),
                words: strings(&["Metalhost CLI", "marketing site", "dashboard"]),
                ..rule("the platform")
            }],
            outside: vec![
                kinds("social engineering", &[Testing::SocialEngineering]),
                kinds("physical attacks", &[Testing::PhysicalAttack]),
                kinds("DDoS", &[Testing::DenialOfService]),
                Rule {
                    hosts: hosts(&["metalhost.example", "www.metalhost.example"]),
                    words: strings(&["marketing site"]),
                    ..kinds("marketing site", &[Testing::Spam, Testing::RateLimit])
                },
                kinds("third parties", &[Testing::ThirdParty]),
                Rule {
                    hosts: hosts(&["*.customers.metalhost.example"]),
                    ..rule("customer machines")
                },
            ],
        },
        conduct: vec![
            kinds("other people's data", &[Testing::DataAccess]),
            kinds("disruption", &[Testing::DenialOfService]),
        ],
        ..Terms::default()
    }
}
