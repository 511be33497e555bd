//! Whoever asks for our OpenPGP key gets it, in one letter; nobody else does.

use crate::common::{Gpg, SECURITY_ADDRESS};
use crate::world::{Answer, Office, Servers, array, holds, report, text};

#[track_caller]
fn check_key(office: &Office, letter: &Answer) {
    let gpg = Gpg::new();
    gpg.import(&letter.key().expect("our key is attached"));
    let listed = gpg.run(&["--with-colons", "--list-keys"], b"").stdout;
    assert!(holds(&listed, &office.setup.fingerprint));
    let words: String = letter.text().split_whitespace().collect();
    assert!(words.contains(&office.setup.fingerprint), "{words}");
}

#[test]
fn a_request_for_the_key_is_answered_with_it_in_many_languages() {
    let servers = Servers::shared();
    let office = servers.office();
    let _daemon = office.open();
    let requests = [
        "Hello, could you please send me your PGP key? Thanks",
        "Guten Tag, bitte senden Sie mir Ihren öffentlichen PGP-Schlüssel.",
        "Bonjour, pourriez-vous m'envoyer votre clé publique PGP ?",
        "Hola, ¿me pueden enviar su clave pública PGP?",
        "Здравствуйте, пришлите, пожалуйста, ваш открытый ключ PGP.",
        "PGP公開鍵を送っていただけますか。",
        "请把你们的PGP公钥发给我。",
        "Ciao, potete mandarmi la vostra chiave pubblica PGP?",
    ];
    let people = requests.map(|request| {
        let person = servers.person("Robin");
        person.send(
            &office,
            &person.letter("PGP").plain(&format!("{request}\n")),
        );
        person
    });
    for (person, request) in people.iter().zip(requests) {
        let letter = person.answer();
        assert_eq!(letter.subject(), "Our OpenPGP key", "{request}");
        check_key(&office, &letter);
        assert_eq!(letter.header("Auto-Submitted"), "auto-replied");
        assert_eq!(letter.header("Return-Path"), "<>");
    }
    office.wait_for_mails("Triaged", requests.len());
    assert!(
        office.cases().is_empty(),
        "a request for the key needs no case"
    );
    assert_eq!(office.letters_sent(), requests.len() as i64);
}

#[test]
fn a_report_that_wants_the_key_gets_one_letter_and_one_about_keys_gets_none() {
    let servers = Servers::shared();
    let office = servers.office();
    let _daemon = office.open();

    let alice = servers.person("Alice");
    let words = format!(
        "{}\nPlease send me your PGP key for the details.\n",
        report("/a")
    );
    alice.send(&office, &alice.letter("SQL injection").plain(&words));
    let letter = alice.answer();
    assert!(letter.subject().ends_with("We have received your report"));
    check_key(&office, &letter);

    let bob = servers.person("Bob");
    let words = "Hello,\n\nyour public repository leaks API keys and a private signing key. Please \
        revoke your API key and rotate the signing key. Steps: open config.js, look for the key.\n";
    bob.send(&office, &bob.letter("Leaked API keys").plain(words));
    let receipt = bob.answer();
    assert!(receipt.subject().ends_with("We have received your report"));
    assert_eq!(receipt.attachments(), 0, "{}", receipt.text());
    assert_eq!(office.case_of(&bob)["kind"], "report");
    assert_eq!(office.letters_sent(), 2);
}

/// Replies to a receipt that hold nothing of their sender's, as mail programs write them.
fn empty_replies(receipt: &Answer) -> Vec<(&'static str, String)> {
    let quoted: String = receipt
        .text()
        .lines()
        .map(|line| format!("> {line}\n"))
        .collect();
    let at = "On Sun, Nov 22, 2026 at 4:16 AM Example Corp <security@example.test> wrote:";
    let am = "Am 22.11.26 um 04:16 schrieb Example Corp:";
    let outlook = format!(
        "From: Example Corp <{SECURITY_ADDRESS}>\nSent: Sunday, November 22, 2026 4:16 AM\n\
         To: Alice <alice@research.test>\nSubject: {}\n\n{}",
        receipt.subject(),
        receipt.text()
    );
    vec![
        ("nothing", "\n".to_owned()),
        ("a signature", "\n-- \nAlice\n".to_owned()),
        ("a quote below", format!("\n\n{at}\n\n{quoted}")),
        (
            "a German quote and a signature",
            format!("{am}\n{quoted}\n-- \nAlice\n"),
        ),
        (
            "Outlook",
            format!("\n\n________________________________\n{outlook}"),
        ),
        (
            "a telephone",
            format!("\nSent from my iPhone\n\n{at}\n{quoted}"),
        ),
    ]
}

#[test]
fn an_empty_reply_to_our_receipt_asks_for_the_key() {
    let servers = Servers::shared();
    let office = servers.office();
    let _daemon = office.open();
    let shapes = 6;
    for shape in 0..shapes {
        let alice = servers.person("Alice");
        let words = report(&format!("/{}", "a".repeat(7 * shape + 1)));
        alice.send(&office, &alice.letter("XSS").plain(&words));
        let receipt = alice.answer();
        let (name, words) = empty_replies(&receipt).remove(shape);
        let reply = alice
            .letter(&format!("Re: {}", receipt.subject()))
            .in_reply_to(&receipt.message_id())
            .plain(&words);
        alice.send(&office, &reply);
        let letter = alice.answers(2).remove(1);
        check_key(&office, &letter);
        assert_eq!(
            letter.subject(),
            format!("[{}] Our OpenPGP key", receipt.case()),
            "{name}"
        );
        let case = office.case_of(&alice);
        assert_eq!(text(&case["id"]), receipt.case(), "{name}");
        assert_eq!(array(&case["messages"]).len(), 4, "{name}: {case:#}");
    }
    assert_eq!(office.cases().len(), shapes);
}

#[test]
fn an_empty_reply_to_ones_own_first_mail_asks_for_the_key() {
    let servers = Servers::shared();
    let office = servers.office();
    let _daemon = office.open();
    let bob = servers.person("Bob");
    let first = bob.letter("CSRF");
    bob.send(&office, &first.plain(&report("/b")));
    bob.answer();
    let reply = bob
        .letter("Re: CSRF")
        .in_reply_to(&first.message_id)
        .plain("\n");
    bob.send(&office, &reply);
    check_key(&office, &bob.answers(2)[1]);

    // With the first mail quoted: that is no second copy of the report.
    let quoted: String = report("/b")
        .lines()
        .map(|line| format!("> {line}\n"))
        .collect();
    let reply = bob
        .letter("Re: CSRF")
        .in_reply_to(&first.message_id)
        .plain(&quoted);
    bob.send(&office, &reply);
    check_key(&office, &bob.answers(3)[2]);
    assert_eq!(office.cases().len(), 1);
    assert_eq!(office.letters_sent(), 3);
}
