//! Every letter, in English and German, as its reader gets it; and what no letter may say.
//!
//! `TRIAGED_BLESS=1` writes `tests/letters/` anew; read the difference before keeping it.

mod corpus;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use triaged::config::Organization;
use triaged::letters::{Answered, Correspondent, Desk, Written};
use triaged::mail::message::{Address, Attachment, Certificate, Digest, Message};
use triaged::mail::open::{Limits, Opening, open};
use triaged::mail::pgp::{self, Keyring};
use triaged::mailbox::Lane;
use triaged::store::cases::CaseFile;
use triaged::store::outbox::{Held, HeldCase, NewLetter};
use triaged::triage::case::{Moment, Status};
use triaged::triage::classify::{Kind, classify, own_words};
use triaged::triage::deadline::{self, open_deadlines};
use triaged::triage::decide::{
    CaseChange, CaseRef, Channel, Decision, Incoming, Known, OwnCase, Reply, decide,
};
use triaged::triage::language;
use triaged::triage::policy::{
    Cited, KnownIssue, Part, Policy, Routed, Rule, Sentence, Severity, StatusTells, Terms,
};
use triaged::triage::reply::{Template, Texts};
use triaged::triage::rules::{Findings, Matched, Sensitive, SensitiveKind};

const OURS: &str = "security@cloudarq.example";
const REPORTER: &str = "ann@research.example";
const LANGUAGES: [&str; 2] = ["en", "de"];

/// Friday 5 June 2026, 16:12 CEST.
fn received_at() -> DateTime<Utc> {
    "2026-06-05T14:12:00Z".parse().unwrap()
}

/// The Monday after it.
fn now() -> DateTime<Utc> {
    received_at() + TimeDelta::days(3)
}

// The policy, as that of Cloudarq, some sentences in German too.

fn english(text: &str) -> Sentence {
    Sentence::of("en", text)
}

fn both(in_english: &str, in_german: &str) -> Sentence {
    let mut sentence = english(in_english);
    sentence
        .by_language
        .insert("de".to_owned(), in_german.to_owned());
    sentence
}

fn rule(name: &str, sentence: Sentence, turn_to: Option<Sentence>) -> Rule {
    Rule {
        name: name.to_owned(),
        sentence,
        turn_to,
        ..Rule::default()
    }
}

fn terms() -> Terms {
    let mut terms = Terms {
        language: "en".to_owned(),
        accidental_access: Some(both(
            "If you happened to see another tenant's data while exploring an authorization bug, report \
             it immediately and stop. We'll work with you, not against you.",
            "Wenn Sie beim Untersuchen eines Rechtefehlers auf Daten eines anderen Mandanten gestoßen \
             sind, hören Sie auf und melden Sie es sofort. Wir arbeiten mit Ihnen, nicht gegen Sie.",
        )),
        safe_harbour: Some(Cited {
            sentence: english(
                "We won't pursue legal action \u{2014} civil or criminal \u{2014} against researchers \
                 who make a good-faith effort to comply with this policy.",
            ),
            url: Some("https://cloudarq.example/security/disclosure#safe-harbor".to_owned()),
        }),
        known_issues: vec![KnownIssue {
            name: "CSV export without rate limit".to_owned(),
            url: Some("https://cloudarq.example/changelog#csv-export".to_owned()),
            ..KnownIssue::default()
        }],
        known_issues_sentence: Some(english(
            "Issues already publicly disclosed \u{2014} please check our changelog before reporting.",
        )),
        ..Terms::default()
    };
    terms.scope.inside = vec![rule(
        "domain",
        english("The cloudarq.example domain and all subdomains"),
        None,
    )];
    terms.scope.outside = vec![
        rule(
            "sub-processors",
            english(
                "Third-party services we use as sub-processors. Report those directly to the relevant vendor.",
            ),
            Some(english(
                "the vendor; contacts at https://cloudarq.example/legal/subprocessors",
            )),
        ),
        rule(
            "denial of service",
            both(
                "Denial-of-service attacks, traffic amplification, or any test that meaningfully \
                 degrades service for other users.",
                "Überlastungsangriffe, Verstärkung von Datenverkehr und jeder Test, der den Dienst für \
                 andere spürbar verschlechtert.",
            ),
            None,
        ),
    ];
    terms.conduct = vec![rule(
        "implants",
        english("Don't deploy persistent backdoors, malware, or implants \u{2014} even as a PoC."),
        None,
    )];
    terms.report.asks = vec![
        (
            Part::Summary,
            Some(english("A clear summary of the vulnerability.")),
        ),
        (
            Part::Steps,
            Some(english(
                "Reproduction steps. A working proof of concept against test data is best.",
            )),
        ),
        (Part::Impact, None),
    ];
    terms.report.no_real_data = Some(english(
        "Don't include real customer data in your report. If a PoC incidentally captured a third \
         party's data, redact it before sending.",
    ));
    terms.recognition.credit = Some(english(
        "Public credit in the changelog and on a researchers page (with your permission and your \
         preferred handle).",
    ));
    terms.recognition.reward = Some(english("We don't run a paid bounty program (yet)."));
    terms.disclosure.sentence = Some(both(
        "We'll give you a heads-up before publishing a fix changelog entry, and credit you (with \
         permission) at /changelog.",
        "Bevor wir die Behebung veröffentlichen, geben wir Ihnen Bescheid, und wir nennen Sie (wenn \
         Sie einverstanden sind) unter /changelog.",
    ));
    terms.disclosure.page = Some("https://cloudarq.example/changelog".to_owned());
    terms.requests.test_account = Some(english(
        "Use a test account; we'll provision one on request if you don't have one yet.",
    ));
    terms.requests.sandbox = Some(english(
        "If you need to test rate-limiting, ask first and we'll set up a sandbox.",
    ));
    terms.requests.question = Some(english("What is in scope stands in section 1."));
    terms.requests.diligence = Some(Routed {
        sentence: english("We can answer a standard vendor questionnaire and share our DPA."),
        address: Some("trust@cloudarq.example".to_owned()),
    });
    terms.requests.abuse = Some(Routed {
        sentence: english(
            "Spam, phishing, or content-policy concerns aren't security vulnerabilities.",
        ),
        address: Some("abuse@cloudarq.example".to_owned()),
    });
    terms
}

fn policy() -> Policy {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/letters/policy.toml");
    let (policy, mistakes) = triaged::config::policy::read(Path::new(file));
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let mut policy = policy.unwrap();
    policy.terms = terms();
    let words = both("days, not weeks", "Tage, nicht Wochen");
    policy
        .deadlines
        .remediate
        .words
        .insert(Severity::Critical, words);
    policy
}

fn secret_key(address: &str) -> String {
    let years = std::time::Duration::from_secs(2 * 365 * 86_400);
    let at = received_at() - TimeDelta::days(1);
    pgp::generate("Somebody", address, None, years, at).unwrap()
}

fn keyring() -> Arc<Keyring> {
    static KEY: LazyLock<String> = LazyLock::new(|| secret_key(OURS));
    let source = [("key".to_owned(), KEY.clone().into_bytes())];
    let (keyring, problems) = Keyring::load(&source, None, OURS, now());
    assert_eq!(problems, []);
    Arc::new(keyring)
}

fn certificate() -> Certificate {
    static KEY: LazyLock<String> = LazyLock::new(|| secret_key(REPORTER));
    pgp::read_certificates(KEY.as_bytes()).remove(0)
}

fn organization() -> Organization {
    Organization {
        name: "CloudArq".to_owned(),
        address: OURS.to_owned(),
        aliases: Vec::new(),
        authserv_ids: Vec::new(),
        list_ids: Vec::new(),
    }
}

fn desk() -> Desk {
    Desk {
        organization: organization(),
        policy: policy(),
        texts: Texts::load(None).unwrap(),
        keyring: keyring(),
        signs: true,
        pinned: Default::default(),
        team: Default::default(),
        digest: None,
        return_path: None,
    }
}

// What letters are written about.

fn address(email: &str) -> Address {
    Address {
        name: Some("MARKERNAME".to_owned()),
        email: email.to_owned(),
    }
}

/// Each word of it is a mark that no letter may bear.
fn mail() -> Message {
    let attachment = Attachment {
        name: "MARKERFILE.txt".to_owned(),
        media_type: "text/plain".to_owned(),
        excerpt: Some("MARKERCONTENT".to_owned()),
        encrypted: false,
        digest: Digest::of(b"MARKERCONTENT"),
        size: 13,
    };
    Message {
        message_id: Some("markerid@research.example".to_owned()),
        from: Some(address(REPORTER)),
        subject: "MARKERSUBJECT".to_owned(),
        text: "MARKERTEXT with MARKERHOST.example and SEC-2026-4711".to_owned(),
        attachments: vec![attachment],
        ..Message::unread(Digest::of(b"mail"), 4)
    }
}

fn findings() -> Findings {
    let matched = |rule| Matched {
        rule,
        because: "MARKERBECAUSE".to_owned(),
    };
    let sensitive = |kind| Sensitive {
        kind,
        place: "MARKERPLACE".to_owned(),
    };
    Findings {
        inside: vec![matched(0)],
        outside: vec![matched(0), matched(1)],
        conduct: vec![matched(0)],
        known: vec![matched(0)],
        missing: vec![Part::Steps, Part::Impact],
        sensitive: vec![
            sensitive(SensitiveKind::ApiKey),
            sensitive(SensitiveKind::CardNumber),
            sensitive(SensitiveKind::ApiKey),
        ],
        accidental_access: Some("MARKERACCIDENT".to_owned()),
        places: vec!["MARKERHOST/path".to_owned()],
    }
}

fn case(id: i64) -> CaseRef {
    CaseRef {
        id,
        number: format!("SEC-2026-{id:04}"),
    }
}

fn file(id: i64, policy: &Policy) -> CaseFile {
    CaseFile {
        case: case(id),
        received_at: received_at(),
        status: Status::New,
        severity: None,
        language: None,
        came_encrypted: false,
        deadlines: open_deadlines(policy, received_at(), None),
    }
}

/// Of an accepted case.
fn accepted(id: i64, policy: &Policy) -> CaseFile {
    let fix = deadline::remediate(policy, received_at(), Severity::High);
    let open = open_deadlines(policy, received_at(), None);
    let update = open.into_iter().filter(|it| it.kind.as_str() == "update");
    CaseFile {
        status: Status::Accepted,
        severity: Some(Severity::High),
        deadlines: update.chain(fix).collect(),
        ..file(id, policy)
    }
}

fn reply(template: Template, channel: Channel, language: Option<&str>) -> Reply {
    Reply {
        template,
        to: address(REPORTER),
        attaches_key: matches!(template, Template::Key | Template::Unreadable),
        says_content: channel != Channel::ClearWithoutContent,
        language: language.map(str::to_owned),
        part_unread: false,
        about: match template {
            Template::Status => vec![case(1)],
            _ => Vec::new(),
        },
        delayed: false,
        channel,
    }
}

fn answered<'a>(
    message: &'a Message,
    findings: &'a Findings,
    asked: &'a [CaseFile],
) -> Answered<'a> {
    Answered {
        message,
        received_at: received_at(),
        too_large: false,
        findings,
        asked,
        no_key_of_ours: false,
    }
}

fn answer(desk: &Desk, reply: &Reply, findings: &Findings) -> NewLetter {
    let asked = [accepted(1, &desk.policy)];
    let case = file(1, &desk.policy);
    let mail = mail();
    let written = desk.answer(
        reply,
        &answered(&mail, findings, &asked),
        Some(&case),
        now(),
    );
    written.unwrap().letter
}

fn correspondent(language: &str) -> Correspondent {
    Correspondent {
        to: address(REPORTER),
        certificate: None,
        came_encrypted: false,
        language: Some(language.to_owned()),
        in_reply_to: Some("markerid@research.example".to_owned()),
        references: vec!["first@research.example".to_owned()],
    }
}

fn day(date: &str) -> NaiveDate {
    date.parse().unwrap()
}

fn moments() -> Vec<Moment> {
    let fix_by = Some(received_at() + TimeDelta::days(90));
    let team = "We cannot see the request that you mean. Does it need a second account?".to_owned();
    vec![
        Moment::NeedsInfo {
            asks: vec![Part::Steps, Part::Impact],
            words: Some(team.clone()),
        },
        Moment::Accepted {
            severity: Some(Severity::High),
            fix_by,
        },
        Moment::Rejected {
            reason: "The page shows nothing that is not public already.".to_owned(),
        },
        Moment::OutOfScope {
            rules: vec!["sub-processors".to_owned(), "denial of service".to_owned()],
            reason: Some("The host that you name belongs to a vendor.".to_owned()),
        },
        Moment::Duplicate,
        Moment::Update {
            severity: Some(Severity::Critical),
            fix_by,
            words: None,
        },
        Moment::Fixed {
            on: day("2026-06-08"),
            asks_for_credit: true,
            disclose_by: Some("2026-09-05T22:00:00Z".parse().unwrap()),
        },
        Moment::HeadsUp {
            on: day("2026-07-01"),
            asks_for_credit: true,
        },
        Moment::Disclosed {
            on: day("2026-06-08"),
            credit: Some("ann_b".to_owned()),
        },
        Moment::Closed {
            reason: "You withdrew it.".to_owned(),
        },
    ]
}

/// The same with nothing that can be left out.
fn bare_moments() -> Vec<Moment> {
    vec![
        Moment::NeedsInfo {
            asks: Vec::new(),
            words: None,
        },
        Moment::Accepted {
            severity: None,
            fix_by: None,
        },
        Moment::OutOfScope {
            rules: Vec::new(),
            reason: None,
        },
        Moment::Update {
            severity: None,
            fix_by: None,
            words: None,
        },
        Moment::Fixed {
            on: day("2026-06-08"),
            asks_for_credit: false,
            disclose_by: None,
        },
        Moment::HeadsUp {
            on: day("2026-07-01"),
            asks_for_credit: false,
        },
        Moment::Disclosed {
            on: day("2026-06-08"),
            credit: None,
        },
    ]
}

fn tell(desk: &Desk, moment: &Moment, to: &Correspondent) -> Written {
    let case = accepted(1, &desk.policy);
    desk.tell(moment, to, &case, now()).unwrap()
}

fn held(policy: &Policy, language: Option<&str>) -> Held {
    let case = |id, unreadable: bool| HeldCase {
        file: CaseFile {
            language: language.map(str::to_owned),
            ..file(id, policy)
        },
        digest: (!unreadable).then(|| Digest::of(b"mail")),
        unreadable,
    };
    Held {
        ids: vec![1, 2],
        cases: vec![case(1, false), case(2, true)],
        acknowledges: true,
        ..Held::default()
    }
}

// Goldens.

#[track_caller]
fn check_golden(language: &str, name: &str, letter: &NewLetter) {
    let fingerprint = triaged::triage::reply::grouped(&keyring().fingerprint());
    let zeroes = triaged::triage::reply::grouped(&"0".repeat(40));
    let shown =
        format!("Subject: {}\n\n{}", letter.subject, letter.text).replace(&fingerprint, &zeroes);
    assert!(
        letter.text.lines().all(|line| line.chars().count() <= 72),
        "{language} {name}:\n{shown}"
    );
    let file = golden(language, name);
    if std::env::var_os("TRIAGED_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &shown).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(shown, expected, "{}", file.display());
}

fn golden(language: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/letters")
        .join(language)
        .join(format!("{name}.txt"))
}

#[test]
fn answers_read_as_they_should() {
    let desk = desk();
    let nothing = Findings::default();
    for language in LANGUAGES {
        let check = |name: &str, reply: &Reply, findings: &Findings| {
            check_golden(language, name, &answer(&desk, reply, findings));
        };
        let plain = |template| reply(template, Channel::Clear, Some(language));
        for template in [
            Template::Acknowledgement,
            Template::AcknowledgementAgain,
            Template::Key,
            Template::Unreadable,
            Template::Status,
            Template::StatusUnknown,
            Template::AccessRequest,
            Template::Question,
            Template::Diligence,
            Template::Abuse,
        ] {
            check(template.as_str(), &plain(template), &nothing);
        }
        check(
            "acknowledgement-of-what-the-rules-found",
            &plain(Template::Acknowledgement),
            &findings(),
        );
        check("question-on-scope", &plain(Template::Question), &findings());
        check(
            "acknowledgement-of-an-unread-part",
            &Reply {
                part_unread: true,
                attaches_key: true,
                ..plain(Template::Acknowledgement)
            },
            &nothing,
        );
    }
    // A policy without words of its own on data seen by accident: ours.
    let mut silent = self::desk();
    silent.policy.terms.accidental_access = None;
    let saw_data = Findings {
        accidental_access: Some("MARKERACCIDENT".to_owned()),
        ..Findings::default()
    };
    for language in LANGUAGES {
        let plain = reply(Template::Acknowledgement, Channel::Clear, Some(language));
        check_golden(
            language,
            "acknowledgement-of-an-accident",
            &answer(&silent, &plain, &saw_data),
        );
    }
    // What came encrypted is answered in clear in the policy's language.
    let reply = reply(
        Template::Acknowledgement,
        Channel::ClearWithoutContent,
        None,
    );
    check_golden(
        "en",
        "acknowledgement-without-content",
        &answer(&desk, &reply, &findings()),
    );
}

#[test]
fn each_moment_reads_as_it_should() {
    let desk = desk();
    for language in LANGUAGES {
        let to = correspondent(language);
        for moment in moments() {
            let letter = tell(&desk, &moment, &to).letter;
            check_golden(language, &letter.kind, &letter);
        }
        // `/reply`: what a person wrote, and who.
        let words = Moment::Update {
            severity: None,
            fix_by: None,
            words: Some("The fix is in review.".to_owned()),
        };
        let letter = tell(&desk, &words, &to).letter;
        check_golden(language, "update-in-a-persons-words", &letter);
        for moment in bare_moments() {
            let letter = tell(&desk, &moment, &to).letter;
            check_golden(language, &format!("{}-bare", letter.kind), &letter);
        }
    }
}

#[test]
fn the_words_of_a_person_stand_alone_and_no_machine_wrote_them() {
    let desk = desk();
    for language in LANGUAGES {
        let reply = Moment::Update {
            severity: None,
            fix_by: None,
            words: Some("Hi Ann,\n\nthe fix is in review.\n\nMia".to_owned()),
        };
        let letter = tell(&desk, &reply, &correspondent(language)).letter;
        check_golden(language, "update-in-words", &letter);
        let bytes = String::from_utf8(letter.bytes).unwrap();
        assert!(!bytes.contains("Auto-Submitted"), "{bytes}");
    }
}

#[test]
fn what_stands_for_other_letters_reads_as_it_should() {
    let desk = desk();
    for language in LANGUAGES {
        let held = held(&desk.policy, Some(language));
        let letter = desk.combined(REPORTER, &held, None, now()).unwrap().letter;
        check_golden(language, "combined", &letter);

        let broken = Certificate {
            bytes: b"not a certificate".to_vec(),
            ..certificate()
        };
        let reply = reply(
            Template::Acknowledgement,
            Channel::Encrypted(broken.clone()),
            Some(language),
        );
        check_golden(language, "notice", &answer(&desk, &reply, &findings()));

        let to = Correspondent {
            certificate: Some(broken),
            ..correspondent(language)
        };
        let letter = tell(&desk, &Moment::Duplicate, &to).letter;
        check_golden(language, "notice-of-a-moment", &letter);
    }
    let to = Correspondent {
        came_encrypted: true,
        ..correspondent("de")
    };
    let letter = tell(&desk, &Moment::Duplicate, &to).letter;
    check_golden("en", "notice-that-asks-for-a-key", &letter);
}

#[test]
fn every_template_has_its_golden_in_each_language() {
    for template in Template::ALL {
        for language in LANGUAGES {
            assert!(
                golden(language, template.as_str()).is_file(),
                "{language} {template:?}"
            );
        }
    }
}

// The envelope of what a person caused.

#[test]
fn a_letter_that_a_person_caused_comes_back_to_us_and_acknowledges() {
    let desk = desk();
    for moment in moments() {
        let written = tell(&desk, &moment, &correspondent("en"));
        assert_eq!(written.unusable_certificate, None);
        let letter = written.letter;
        assert_eq!(letter.envelope_from.as_deref(), Some(OURS));
        assert!(!letter.automatic && letter.acknowledges && !letter.encrypted);
        assert_eq!(letter.meets, None);
        let bytes = String::from_utf8(letter.bytes).unwrap();
        assert!(
            bytes.contains("Auto-Submitted: auto-generated\r\n"),
            "{bytes}"
        );
        assert!(
            bytes.contains("In-Reply-To: <markerid@research.example>\r\n"),
            "{bytes}"
        );
        assert!(
            bytes.contains("References: <first@research.example>\r\n"),
            "{bytes}"
        );
        assert!(bytes.contains("Autocrypt: "), "{bytes}");
    }
}

#[test]
fn it_is_encrypted_or_a_notice_where_it_must_be() {
    let desk = desk();
    for came_encrypted in [false, true] {
        for moment in moments().into_iter().chain(bare_moments()) {
            let to = |certificate| Correspondent {
                certificate,
                came_encrypted,
                ..correspondent("de")
            };
            let clear = tell(&desk, &moment, &to(None)).letter;
            assert!(!clear.encrypted);
            assert_eq!(clear.kind == "notice", came_encrypted);

            let sealed = tell(&desk, &moment, &to(Some(certificate()))).letter;
            assert!(sealed.encrypted && sealed.certificate.is_some());
            assert_ne!(sealed.kind, "notice");
            assert_eq!(sealed.subject, "[SEC-2026-0001]");
            assert!(sealed.text.starts_with("Guten Tag,"), "{}", sealed.text);
            let bytes = String::from_utf8(sealed.bytes).unwrap();
            assert!(
                bytes.contains("BEGIN PGP MESSAGE") && !bytes.contains("Guten"),
                "{bytes}"
            );

            let broken = Certificate {
                bytes: b"nothing".to_vec(),
                ..certificate()
            };
            let written = tell(&desk, &moment, &to(Some(broken)));
            assert!(written.unusable_certificate.is_some());
            assert_eq!(written.letter.kind, "notice");
            assert!(written.letter.acknowledges && !written.letter.encrypted);
            let is_german = written.letter.text.starts_with("Guten Tag,");
            assert_eq!(is_german, !came_encrypted, "{}", written.letter.text);
        }
    }
}

#[test]
fn a_notice_is_the_same_whatever_happened() {
    let desk = desk();
    let to = Correspondent {
        came_encrypted: true,
        ..correspondent("de")
    };
    let texts: Vec<(String, String)> = moments()
        .iter()
        .map(|moment| tell(&desk, moment, &to).letter)
        .map(|letter| (letter.subject, letter.text))
        .collect();
    for text in &texts {
        assert_eq!(text, &texts[0]);
    }
}

// What no letter says.

#[test]
fn no_letter_holds_a_word_of_the_mail() {
    let desk = desk();
    let mut letters = Vec::new();
    for language in [None, Some("en"), Some("de")] {
        for template in Template::ALL {
            for channel in [Channel::Clear, Channel::ClearWithoutContent] {
                letters.push(answer(
                    &desk,
                    &reply(template, channel, language),
                    &findings(),
                ));
            }
        }
    }
    for letter in letters {
        let bytes = String::from_utf8(letter.bytes).unwrap();
        let headers_of_the_thread = ["In-Reply-To:", "References:", " <markerid@"];
        for line in bytes.lines() {
            let is_thread = headers_of_the_thread.iter().any(|it| line.starts_with(it));
            assert!(
                is_thread || !line.to_uppercase().contains("MARKER"),
                "{}: {line}",
                letter.kind
            );
        }
        assert!(!letter.text.contains("2026-4711"), "{}", letter.text);
        assert!(!letter.subject.contains("2026-4711"), "{}", letter.subject);
    }
}

#[test]
fn an_answer_in_clear_to_a_ciphertext_does_not_depend_on_what_was_inside() {
    let desk = desk();
    for template in Template::ALL {
        // Neither of these is decided on for such a mail; see below.
        if matches!(
            template,
            Template::Status | Template::Question | Template::AccessRequest
        ) {
            continue;
        }
        let reply = reply(template, Channel::ClearWithoutContent, None);
        let mut file = file(1, &desk.policy);
        let mut texts = Vec::new();
        for findings in [Findings::default(), findings()] {
            for language in [None, Some("de")] {
                for severity in [None, Some(Severity::High)] {
                    file.language = language.map(str::to_owned);
                    file.came_encrypted = true;
                    file.severity = severity;
                    let mail = mail();
                    let answered = answered(&mail, &findings, &[]);
                    let letter = desk
                        .answer(&reply, &answered, Some(&file), now())
                        .unwrap()
                        .letter;
                    texts.push((letter.subject, letter.text));
                }
            }
        }
        for text in &texts {
            assert_eq!(text, &texts[0], "{template:?}");
        }
    }
}

fn decided(message: &Message, language: Option<&str>, known: &Known) -> Decision {
    let organization = organization();
    let classified = classify(message, &organization, Lane::Inbox);
    let language = language.map(str::to_owned);
    let findings = findings();
    let incoming = Incoming {
        message,
        classified: &classified,
        findings: &findings,
        language: language.as_ref(),
        lane: Lane::Inbox,
        received_at: received_at(),
        too_large: false,
        unanswered: None,
        orders: &triaged::triage::orders::Orders::None,
    };
    decide(&incoming, known, &organization, &policy())
}

fn written(subject: &str, text: &str) -> Message {
    Message {
        subject: subject.to_owned(),
        text: text.to_owned(),
        attachments: Vec::new(),
        ..mail()
    }
}

const REQUESTS: [(&str, &str, Kind, &str); 6] = [
    (
        "Stored XSS",
        "I found a stored cross-site scripting flaw in your search field, see the steps.",
        Kind::Report,
        "acknowledgement",
    ),
    (
        "Your report",
        "Any update on my report from March?",
        Kind::StatusRequest,
        "status_unknown",
    ),
    (
        "Assessment",
        "Please fill out the attached security questionnaire (CAIQ) as our vendor.",
        Kind::Diligence,
        "diligence",
    ),
    (
        "Access",
        "Could I get a test account for my research?",
        Kind::AccessRequest,
        "access_request",
    ),
    (
        "Abuse",
        "A phishing site uses your brand: hxxps://corp-login.example",
        Kind::Abuse,
        "abuse",
    ),
    (
        "Hello",
        "Do you have a bug bounty program?",
        Kind::Question,
        "question",
    ),
];

#[test]
fn what_is_no_report_gets_its_own_answer_and_a_questionnaire_no_clock_of_a_report() {
    for (subject, text, kind, template) in REQUESTS {
        let decision = decided(&written(subject, text), None, &Known::default());
        assert_eq!(decision.kind, kind, "{text}");
        assert_eq!(decision.case, CaseChange::Open, "{text}");
        assert_eq!(decision.replies[0].template.as_str(), template, "{text}");
        let clocks: Vec<&str> = decision
            .deadlines
            .iter()
            .map(|it| it.kind.as_str())
            .collect();
        match kind {
            Kind::Diligence => assert_eq!(clocks, ["acknowledge"], "{text}"),
            _ => assert_eq!(clocks, ["acknowledge", "triage", "update"], "{text}"),
        }
    }
}

#[test]
fn asked_in_cipher_none_of_it_shows() {
    for known in [Known::default(), knows_ann(false)] {
        let mut decisions = Vec::new();
        for (subject, text, ..) in REQUESTS {
            for language in [None, Some("de")] {
                let mut message = written(subject, text);
                message.openpgp.encrypted = true;
                message.openpgp.decrypted = true;
                message.openpgp.partly_decrypted = true;
                let decision = decided(&message, language, &known);
                decisions.push((decision.case, decision.deadlines, decision.replies));
            }
        }
        for decision in &decisions {
            assert_eq!(decision, &decisions[0]);
        }
        let reply = &decisions[0].2[0];
        assert_eq!(reply.template, Template::Acknowledgement);
        assert_eq!(reply.channel, Channel::ClearWithoutContent);
        assert_eq!(reply.language, None);
    }
}

// How a case stands.

fn own(id: i64, is_open: bool, came_encrypted: bool) -> OwnCase {
    OwnCase {
        case: case(id),
        is_open,
        came_encrypted,
    }
}

/// The sender takes part in two open cases and a closed one.
fn knows_ann(came_encrypted: bool) -> Known {
    Known {
        of_sender: vec![
            own(3, true, came_encrypted),
            own(2, false, false),
            own(1, true, false),
        ],
        ..Known::default()
    }
}

fn asks(text: &str) -> Message {
    written("My report", text)
}

#[test]
fn a_participant_who_asks_hears_of_the_case_that_is_meant() {
    #[track_caller]
    fn check(message: &Message, known: &Known, about: &[i64]) {
        let decision = decided(message, Some("de"), known);
        assert_eq!(decision.kind, Kind::StatusRequest);
        assert_eq!(decision.case, CaseChange::Join(case(about[0])));
        assert_eq!(decision.deadlines, []);
        let [reply] = decision.replies.as_slice() else {
            panic!("{:?}", decision.replies)
        };
        assert_eq!(reply.template, Template::Status);
        assert_eq!(reply.to.email, REPORTER);
        assert_eq!(
            reply.about,
            about.iter().map(|id| case(*id)).collect::<Vec<_>>()
        );
        assert_eq!(reply.channel, Channel::Clear);
        assert_eq!(reply.language.as_deref(), Some("de"));
    }
    let ann = knows_ann(false);
    check(&asks("Any update on my report?"), &ann, &[3, 1]);
    // By its number, or in its thread.
    let named = Known {
        participant: Some(case(2)),
        ..knows_ann(false)
    };
    check(
        &asks("Any update on SEC-2026-0002, my report?"),
        &named,
        &[2],
    );
    let threaded = Known {
        answers_us: Some(case(1)),
        ..knows_ann(false)
    };
    check(&asks("Any update on my report?"), &threaded, &[1]);
    let closed = Known {
        of_sender: vec![own(2, false, false), own(1, false, false)],
        ..Known::default()
    };
    check(&asks("Any update on my report?"), &closed, &[2]);

    // The answer goes to From, whatever Reply-To says and whoever vouches for it.
    let mut elsewhere = asks("Any update on my report?");
    elsewhere.reply_to = vec![address("eve@elsewhere.example")];
    check(&elsewhere, &ann, &[3, 1]);
}

#[test]
fn a_stranger_hears_the_same_whether_the_case_exists_or_not() {
    let ask = |text: &str, known: &Known| {
        let decision = decided(&asks(text), None, known);
        (
            decision.kind,
            decision.case,
            decision.deadlines,
            decision.replies,
        )
    };
    let nothing_known = ask("Any update on my report SEC-2026-9999?", &Known::default());
    assert_eq!(nothing_known.0, Kind::StatusRequest);
    assert_eq!(nothing_known.1, CaseChange::Open);
    assert_eq!(nothing_known.3[0].template, Template::StatusUnknown);
    // A case of somebody else: the records answer nothing, for a participant of others too.
    assert_eq!(
        ask("Any update on my report SEC-2026-0001?", &Known::default()),
        nothing_known
    );
    assert_eq!(
        ask("Any update on my report SEC-2026-0009?", &knows_ann(false)),
        nothing_known
    );
    assert_eq!(
        ask("Any update on my report?", &Known::default()),
        nothing_known
    );
}

#[test]
fn whoever_got_hold_of_our_letter_is_no_participant() {
    let known = Known {
        answers_us: Some(case(9)),
        ..knows_ann(false)
    };
    let decision = decided(&asks("Any update on my report?"), None, &known);
    assert_eq!(decision.kind, Kind::Reply);
    assert_eq!(decision.case, CaseChange::Join(case(9)));
    assert_eq!(decision.replies, []);
}

#[test]
fn how_an_encrypted_case_stands_never_leaves_in_clear() {
    let desk = desk();
    let question = asks("Any update on my report?");
    let decision = decided(&question, Some("de"), &knows_ann(true));
    let reply = &decision.replies[0];
    assert_eq!(reply.channel, Channel::ClearWithoutContent);
    assert_eq!(
        (reply.template, reply.says_content),
        (Template::Notice, false)
    );
    assert_eq!(reply.language, None);
    let asked = [CaseFile {
        came_encrypted: true,
        language: Some("de".to_owned()),
        ..accepted(3, &desk.policy)
    }];
    let nothing = Findings::default();
    let answered = answered(&question, &nothing, &asked);
    let letter = desk
        .answer(reply, &answered, Some(&asked[0]), now())
        .unwrap()
        .letter;
    for word in ["accepted", "high", "September", "ship"] {
        assert!(!letter.text.contains(word), "{word}: {}", letter.text);
    }
    assert!(letter.text.starts_with("Hello,"), "{}", letter.text);
    assert!(!letter.acknowledges, "it restarts nothing");

    // A certificate that came with the question alone is not enough.
    let mut brings_key = asks("Any update on my report?");
    brings_key.openpgp.certificates = vec![certificate()];
    let decision = decided(&brings_key, None, &knows_ann(true));
    assert_eq!(decision.replies[0].channel, Channel::ClearWithoutContent);

    let known = Known {
        certificate: Some(certificate()),
        ..knows_ann(true)
    };
    let decision = decided(&question, Some("de"), &known);
    let reply = &decision.replies[0];
    assert_eq!(reply.template, Template::Status);
    assert_eq!(reply.channel, Channel::Encrypted(certificate()));
    let letter = desk
        .answer(reply, &answered, Some(&asked[0]), now())
        .unwrap()
        .letter;
    assert!(letter.encrypted && !letter.acknowledges);
    assert!(letter.text.contains("bestätigt"), "{}", letter.text);
}

#[test]
fn the_policy_says_what_a_participant_is_told() {
    let mut desk = desk();
    let text = |desk: &Desk| {
        let reply = reply(Template::Status, Channel::Clear, None);
        answer(desk, &reply, &Findings::default()).text
    };
    const STATUS: &str = "Status    accepted";
    const SEVERITY: &str = "Severity  high";
    const DATES: &str = "We aim to ship a fix by";
    for (status, severity, dates) in [
        (true, true, true),
        (true, false, false),
        (false, true, false),
        (false, false, true),
    ] {
        desk.policy.terms.status = StatusTells {
            status,
            severity,
            dates,
        };
        let text = text(&desk);
        assert_eq!(text.contains(STATUS), status, "{text}");
        assert_eq!(text.contains(SEVERITY), severity, "{text}");
        assert_eq!(text.contains(DATES), dates, "{text}");
    }
}

// Languages.

/// Nearly all of the corpus is in English. What is taken for German was read, and is.
#[test]
fn the_language_of_real_mail() {
    let Some(corpus) = corpus::corpus() else {
        return;
    };
    let (mut all, mut others, mut german) = (0, 0, Vec::new());
    for set in corpus::sets(&corpus, "") {
        for file in corpus::files(&set.join("mail")) {
            let opening = Opening {
                keyring: None,
                known: &[],
                limits: Limits::default(),
            };
            let message = open(&std::fs::read(&file).unwrap(), &opening, corpus::now());
            let language = language::detect(&own_words(&message.text));
            all += usize::from(language.is_some());
            others += usize::from(language.as_ref().is_some_and(|language| language != "en"));
            if language.as_deref() == Some("de") {
                german.push(corpus::name_of(&file));
            }
        }
    }
    println!("{all} of a sure language, {others} not in English, in German {german:?}");
    assert!(all > 400, "{all}");
    assert_eq!(german.len(), 15, "{german:?}");
    assert!(others < 40, "{others}");
}

#[test]
fn the_policys_sentences_are_cited_word_for_word_in_a_language_that_the_file_has() {
    let desk = desk();
    let text = |language| {
        let reply = reply(Template::Acknowledgement, Channel::Clear, Some(language));
        answer(&desk, &reply, &findings())
            .text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (english, german) = (text("en"), text("de"));
    let terms = terms();
    let denial = &terms.scope.outside[1].sentence;
    assert!(
        english.contains(&format!("\u{201c}{}\u{201d}", denial.in_language("en"))),
        "{english}"
    );
    assert!(
        german.contains(&format!("„{}“", denial.in_language("de"))),
        "{german}"
    );
    let vendors = terms.scope.outside[0].sentence.in_language("de");
    assert!(german.contains(&format!("„{vendors}“")), "{german}");
}

#[test]
fn a_language_is_added_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let french = folder.path().join("fr");
    std::fs::create_dir(&french).unwrap();
    let words = include_str!("../src/triage/letters/en/words.toml")
        .replace(
            "We have received your report",
            "Votre signalement est arrivé",
        )
        .replace("\"June\"", "\"juin\"")
        .replace("\"Friday\"", "\"vendredi\"")
        .replace("{time} {zone}", "à {time} ({zone})")
        .replace(
            "quotes = [\"\\u201c\", \"\\u201d\"]",
            "quotes = [\"« \", \" »\"]",
        );
    std::fs::write(french.join("words.toml"), words).unwrap();
    let text = "Bonjour, votre dossier {{ case }} est arrivé le {{ received }}.";
    std::fs::write(french.join("acknowledgement.txt"), text).unwrap();
    let desk = Desk {
        texts: Texts::load(Some(folder.path())).unwrap(),
        ..desk()
    };
    let letter = |template| {
        let reply = reply(template, Channel::Clear, Some("fr"));
        answer(&desk, &reply, &findings())
    };
    let acknowledgement = letter(Template::Acknowledgement);
    assert_eq!(
        acknowledgement.subject,
        "[SEC-2026-0001] Votre signalement est arrivé"
    );
    assert_eq!(
        acknowledgement.text,
        "Bonjour, votre dossier SEC-2026-0001 est arrivé le vendredi 5 juin 2026,\nà 16:12 (CEST).\n"
    );
    // Without a text of its own the whole letter is in the policy's language.
    let again = letter(Template::AcknowledgementAgain);
    assert_eq!(
        again.subject,
        "[SEC-2026-0001] We have received your report"
    );
    assert!(!again.text.contains("juin"), "{}", again.text);
}
