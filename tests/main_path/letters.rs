//! Letters in the reporter's language, requests that are no report, and how a case stands: the
//! real program over a Maildir.

use mail_parser::MessageParser;
use serde_json::Value;

use crate::common::{Algorithm, Gpg, Letter, SECURITY_ADDRESS, Setup};
use crate::local::{cases, drop_into, local_office, mail_from, sent};
use crate::world::{Answer, deadline, holds, text};

const GERMAN: &str = "Guten Tag,\n\nin Ihrem Kundenportal lässt sich über das Suchfeld fremder \
    Programmcode einschleusen, der bei jedem Besucher ausgeführt wird. Ein Angreifer könnte damit \
    die Sitzungen anderer Kunden übernehmen.\n\n1. Suche öffnen\n2. <script>alert(1)</script> \
    eingeben\n3. Ergebnis ansehen\n\nMit freundlichen Grüßen\nAnna";

/// One mail, one pass, and the letters that left by it; what the team is told is none.
fn pass(setup: &Setup, name: &str, mail: &[u8]) -> Vec<Answer> {
    let before = sent(setup).len();
    drop_into(&setup.file("mail"), name, mail);
    let pass = setup.run_once();
    assert!(pass.status.success(), "{pass:?}");
    let letters = sent(setup).into_iter().map(|(_, letter)| letter);
    let is_notice = |letter: &Answer| letter.message.subject() == Some("Encrypted message");
    letters
        .skip(before)
        .filter(|letter| !is_notice(letter))
        .collect()
}

fn only(mut letters: Vec<Answer>) -> Answer {
    assert_eq!(letters.len(), 1);
    letters.remove(0)
}

fn clocks(case: &Value) -> Vec<&str> {
    let deadlines = case["deadlines"].as_array().expect("deadlines");
    deadlines.iter().map(|it| text(&it["kind"])).collect()
}

#[test]
fn a_german_report_is_answered_in_german_and_what_follows_too() {
    let setup = local_office();
    let letter = only(pass(
        &setup,
        "1.a",
        &mail_from("Anna", "Schwachstelle", GERMAN),
    ));
    assert_eq!(
        letter.subject(),
        format!("[{}] Ihre Meldung ist eingegangen", letter.case())
    );
    let words = letter.text();
    for part in ["Guten Tag,", "Fall    SEC-", "Uhr ME", "(in 7 Tagen)"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(!words.contains("Hello"), "{words}");

    // A few words are no language, but the case has one.
    let asks_for_key = Letter::new("Anna <anna@research.test>", SECURITY_ADDRESS, "Re: x")
        .in_reply_to(&letter.message_id())
        .plain("");
    let key = only(pass(&setup, "2.a", &asks_for_key));
    assert!(key.text().contains("Fingerabdruck"), "{}", key.text());

    // And a command about it tells its reporter in German.
    let accepted = setup.cli(&["case", "accept", &letter.case()]);
    assert!(accepted.status.success(), "{accepted:?}");
    let pass = setup.run_once();
    assert!(pass.status.success(), "{pass:?}");
    let (arguments, told) = sent(&setup).pop().expect("a letter");
    assert!(told.text().contains("ist bestätigt"), "{}", told.text());
    assert_eq!(told.header("Auto-Submitted"), "auto-generated");
    assert!(
        arguments.contains(&format!("-f {SECURITY_ADDRESS}")),
        "{arguments}"
    );
}

#[test]
fn what_was_decrypted_tells_no_language_in_clear() {
    let setup = local_office();
    let gpg = Gpg::new();
    gpg.import(&setup.certificate());
    let letter = Letter::new("Anna <anna@research.test>", SECURITY_ADDRESS, "Hallo");
    let mail = letter.encrypted(&gpg, GERMAN, &[&setup.fingerprint], None);
    let answer = only(pass(&setup, "1.a", &mail));
    assert!(answer.text().starts_with("Hello,"), "{}", answer.text());
    assert!(
        !answer.text().contains("What would help"),
        "{}",
        answer.text()
    );

    // Signed by its author it may.
    let key = gpg.generate("Berta", "berta@research.test", Algorithm::Curve25519);
    let letter = Letter::new("Berta <berta@research.test>", SECURITY_ADDRESS, "Hallo").attach(
        "berta.asc",
        "application/pgp-keys",
        &gpg.export(&key),
    );
    let mail = letter.encrypted(&gpg, GERMAN, &[&setup.fingerprint], Some(&key));
    let answer = only(pass(&setup, "2.b", &mail));
    assert_eq!(answer.subject(), format!("[{}]", answer.case()));
    let sealed = answer.message.parts.last().expect("a part").contents();
    let inner = Answer::read(gpg.decrypt(sealed).bytes);
    assert!(inner.text().starts_with("Guten Tag,"), "{}", inner.text());
}

#[test]
fn what_is_no_report_is_answered_as_what_it_is() {
    let setup = local_office();
    let report = ["acknowledge", "triage", "update"].as_slice();
    let check = |name: &str, words: &str, subject: &str, kind: &str, expected: &[&str]| {
        let mail = mail_from(name, "A request", words);
        let letter = only(pass(&setup, name, &mail));
        assert_eq!(letter.subject(), format!("[{}] {subject}", letter.case()));
        let case = cases(&setup).pop().expect("a case");
        assert_eq!(case["id"], letter.case());
        assert_eq!(case["kind"], kind);
        assert_eq!(clocks(&case), expected, "{case}");
        assert_eq!(deadline(&case, "acknowledge")["state"], "met");
    };
    check(
        "Alice",
        "Could I get a test account for my research?",
        "Your request for access",
        "access_request",
        report,
    );
    check(
        "Bob",
        "Please fill out the attached security questionnaire (CAIQ) as our vendor.",
        "Your request for documents",
        "diligence",
        &["acknowledge"],
    );
    check(
        "Carol",
        "A phishing site uses your brand: hxxps://corp-login.example",
        "Your complaint",
        "abuse",
        report,
    );
    check(
        "Dave",
        "Do you have a bug bounty program?",
        "Your question",
        "question",
        report,
    );
}

#[test]
fn a_participant_hears_how_the_case_stands_and_nobody_else_does() {
    let setup = local_office();
    let report = crate::world::report("/a");
    let receipt = only(pass(&setup, "1.a", &mail_from("Alice", "XSS", &report)));
    let case = receipt.case();
    let severity = setup.cli(&["case", "severity", &case, "high"]);
    assert!(severity.status.success(), "{severity:?}");
    let before = cases(&setup).remove(0);

    // In the thread, by its number, by the address alone.
    let ask = |words: &str| mail_from("Alice", "My report", words);
    let threaded = Letter::new("Alice <alice@research.test>", SECURITY_ADDRESS, "Re: XSS")
        .in_reply_to(&receipt.message_id())
        .plain("Any update on my report? It has been a while.");
    let questions = [
        threaded,
        ask(&format!("Any update on {case}, please? It is my report.")),
        ask("Hello, any update on my report?"),
    ];
    for (position, question) in questions.iter().enumerate() {
        let letters = pass(&setup, &format!("2.{position}"), question);
        assert_eq!(
            letters.len(),
            1,
            "{position}: {:#}",
            setup.json(&["case", "show", &case])["messages"]
        );
        let letter = only(letters);
        assert_eq!(letter.subject(), format!("[{case}] How your case stands"));
        for part in [
            &*case,
            "Status    received",
            "Severity  high",
            "We aim to ship a fix by",
        ] {
            assert!(letter.text().contains(part), "{part}: {}", letter.text());
        }
    }
    let after = cases(&setup);
    assert_eq!(after.len(), 1);
    assert_eq!(
        after[0]["deadlines"], before["deadlines"],
        "asking restarts nothing"
    );

    // A forged From is answered to the participant, whatever Reply-To says.
    let forged = Letter::new("Alice <alice@research.test>", SECURITY_ADDRESS, "My report")
        .header("Reply-To", "eve@elsewhere.test")
        .plain(&format!("What is the status of {case}? Any progress?"));
    pass(&setup, "3.forged", &forged);
    let (arguments, letter) = sent(&setup).pop().expect("a letter");
    assert!(arguments.ends_with("-- alice@research.test"), "{arguments}");
    assert!(
        letter.text().contains("Severity  high"),
        "{}",
        letter.text()
    );

    // A stranger hears the same of a case that is there and of one that is not; so does a member
    // of the team, who commands by signature alone.
    setup.add_member("Mia", "mia@example.com");
    let mut answers = Vec::new();
    for (who, number) in [("Eve", &*case), ("Eva", "SEC-2026-9999")] {
        let words = format!("What is the status of {number}? Any update on my report?");
        let letter = only(pass(&setup, who, &mail_from(who, "My report", &words)));
        answers.push((letter.text(), letter.case()));
    }
    let member = Letter::new("Mia <mia@example.com>", SECURITY_ADDRESS, "My report").plain(
        &format!("What is the status of {case}? Any update on my report?"),
    );
    let letter = only(pass(&setup, "4.mia", &member));
    // A member has a certificate.
    let sealed = letter.message.parts.last().expect("a part").contents();
    let opened = setup.gpg.decrypt(sealed).bytes;
    let inside = MessageParser::default().parse(&opened).expect("a mail");
    let words = inside.body_text(0).expect("a text").replace("\r\n", "\n");
    answers.push((words, letter.case()));
    let without_receipt = |(text, number): &(String, String)| {
        let text = text.replace(number, "NUMBER");
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("SHA-256") && !line.starts_with("Arrived"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for answer in &answers {
        assert_ne!(answer.1, case);
        assert!(!answer.0.contains("high"), "{}", answer.0);
        assert_eq!(without_receipt(answer), without_receipt(&answers[0]));
    }
    assert_eq!(cases(&setup).len(), 4, "a person sees each question");
}

#[test]
fn check_names_what_a_translation_lacks() {
    let setup = local_office();
    for folder in ["texts", "texts/fr", "texts/klingon"] {
        std::fs::create_dir(setup.file(folder)).expect("a folder");
    }
    setup.set("templates", "texts");
    setup.write("texts/fr/key.txt", "Notre clé : {{ fingerprint }}");
    let words = include_str!("../../src/triage/letters/en/words.toml");
    setup.write(
        "texts/fr/words.toml",
        &words.replace("date = \"", "datte = \""),
    );
    let check = setup.cli(&["check"]);
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    for gap in [
        "warning: ",
        "texts/klingon: is no language; name it like en, de or pt-br",
        "texts/fr/closed.txt: is missing; this letter goes out in the policy's language",
        "texts/fr/words.toml: dates.date is missing",
        "texts/fr/words.toml: dates.datte: no letter uses it",
    ] {
        assert!(holds(&check.stderr, gap), "{gap}: {check:?}");
    }
    // A mistake in a text is one in any language.
    setup.write("texts/fr/key.txt", "{{ fingreprint }}");
    let check = setup.cli(&["check"]);
    assert_eq!(check.status.code(), Some(2), "{check:?}");
    assert!(
        holds(&check.stderr, "texts/fr/key.txt: line 1"),
        "{check:?}"
    );
}
