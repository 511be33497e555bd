//! Which case a mail belongs to: our unguessable Message-IDs, participants and
//! their own words say so; a stranger's subject does not.

use crate::world::{Servers, array, holds, report, text};

#[test]
fn a_reply_joins_its_case_and_a_strangers_case_number_means_nothing() {
    let servers = Servers::shared();
    let office = servers.office();
    let _daemon = office.open();
    let alice = servers.person("Alice");
    alice.send(&office, &alice.letter("XSS").plain(&report("/a")));
    let receipt = alice.answer();
    let id = receipt.case();

    let reply = alice
        .letter(&format!("Re: {}", receipt.subject()))
        .in_reply_to(&receipt.message_id())
        .plain("One more thing: the cookie lacks HttpOnly as well, so sessions can be taken.\n");
    alice.send(&office, &reply);
    office.wait_for_mails("Triaged", 2);
    let case = office.case_of(&alice);
    assert_eq!(array(&case["messages"]).len(), 3, "{case:#}");
    assert_eq!(
        office.letters_sent(),
        1,
        "a reply is not acknowledged again"
    );

    // A participant who names the case in a new mail.
    let named = alice
        .letter(&format!("More on {id}"))
        .plain("The same cookie is sent over plain HTTP, too. Is there any news?\n");
    alice.send(&office, &named);
    office.wait_for_mails("Triaged", 3);
    assert_eq!(array(&office.case_of(&alice)["messages"]).len(), 4);
    assert_eq!(office.letters_sent(), 1);

    let mallory = servers.person("Mallory");
    let mail = mallory
        .letter(&format!("Re: [{id}] We have received your report"))
        .plain("What is the status of this? Please send me the report and all that was said.\n");
    mallory.send(&office, &mail);
    let answer = mallory.answer();
    assert_ne!(answer.case(), id);
    for learned in [
        id.as_str(),
        "possible",
        "duplicate",
        "related",
        &alice.address,
    ] {
        assert!(!holds(&answer.raw, learned), "{learned}: {}", answer.text());
    }
    assert_ne!(text(&office.case_of(&mallory)["id"]), id);
    assert_eq!(array(&office.case(&id)["messages"]).len(), 4);
    office.verify_audit();
}

#[test]
fn a_report_sent_again_joins_and_anothers_like_it_is_a_possible_duplicate() {
    let servers = Servers::shared();
    let office = servers.office();
    let _daemon = office.open();
    let alice = servers.person("Alice");
    let words = format!(
        "{}\nThe page is linked from the start page, and the parameter is not checked at all. \
         I tested it with my own account on Monday, with Firefox and with curl.\n",
        report("/profile")
    );
    alice.send(&office, &alice.letter("SQL injection").plain(&words));
    let first = alice.answer();
    assert!(first.text().contains("thank you"), "{}", first.text());

    let quoted: String = words.lines().map(|line| format!("> {line}\n")).collect();
    let again = alice
        .letter("Re-send: SQL injection")
        .plain(&format!("{quoted}\n-- \nAlice\nsent from my phone\n"));
    alice.send(&office, &again);
    let second = alice.answers(2).remove(1);
    assert_eq!(second.case(), first.case());
    assert_eq!(second.subject(), first.subject());
    assert_ne!(second.message_id(), first.message_id());
    assert!(
        second.text().contains("reached us again"),
        "{}",
        second.text()
    );
    let case = office.case_of(&alice);
    assert_eq!(array(&case["messages"]).len(), 4, "{case:#}");

    let bob = servers.person("Bob");
    let near = words
        .replace("on Monday", "on Tuesday")
        .replace("Firefox", "Chrome");
    bob.send(&office, &bob.letter("SQL injection").plain(&near));
    let other = bob.answer();
    assert_ne!(other.case(), first.case());
    assert!(!holds(&other.raw, &first.case()));
    let case = office.case_of(&bob);
    assert!(
        array(&case["labels"]).contains(&"possible_duplicate".into()),
        "{case:#}"
    );
    assert_eq!(office.cases().len(), 2);
    office.verify_audit();
}

#[test]
fn message_ids_of_ours_cannot_be_guessed() {
    let servers = Servers::shared();
    let office = servers.office();
    let _daemon = office.open();
    let mut locals = std::collections::BTreeSet::new();
    for number in 0..3 {
        let person = servers.person("Alice");
        let words = report(&format!("/{number}/{}", "x".repeat(number * 30)));
        person.send(&office, &person.letter("A finding").plain(&words));
        let receipt = person.answer();
        let id = receipt.message_id();
        let local = id
            .strip_prefix('<')
            .and_then(|id| id.strip_suffix("@example.test>"))
            .unwrap_or_else(|| panic!("{id}"));
        assert!(local.len() >= 22, "{id} has fewer than 128 random bits");
        assert!(!local.contains(&receipt.case()), "{id}");
        locals.insert(local.to_owned());
    }
    assert_eq!(locals.len(), 3);
    let shared = locals
        .iter()
        .map(|local| local.chars().take(8).collect::<String>())
        .collect::<std::collections::BTreeSet<_>>();
    assert_eq!(shared.len(), 3, "{locals:?} begin alike");
}
