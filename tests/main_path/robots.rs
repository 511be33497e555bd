//! What machines write is recorded and never answered.

use chrono::Utc;

use crate::common::{Letter, SECURITY_ADDRESS};
use crate::world::{Office, Servers, array, report, text};

#[track_caller]
fn events(office: &Office, id: &str, kind: &str) -> usize {
    array(&office.case(id)["events"])
        .iter()
        .filter(|event| event["detail"]["kind"] == kind)
        .count()
}

#[test]
fn a_bounce_of_our_receipt_joins_its_case_and_causes_no_mail() {
    let servers = Servers::shared();
    let office = servers.office();
    // From `<>` nothing comes back; with a return path of ours it does.
    office
        .setup
        .set("smtp.return_path", office.mailbox.as_str());
    let _daemon = office.open();
    let gone = format!("bounce5-{}@research.test", office.mailbox.replace('@', "-"));
    let mail = Letter::new(&format!("Gone <{gone}>"), SECURITY_ADDRESS, "A finding");
    servers
        .postfix
        .send(&gone, &office.mailbox, &mail.plain(&report("/gone")));

    // The report, and the bounce of its receipt.
    office.wait_for_mails("Triaged", 2);
    let bounce = office.mails("Triaged").remove(1);
    let cases = office.cases();
    assert_eq!(cases.len(), 1, "{cases:#?}");
    let id = text(&cases[0]["id"]);
    assert_eq!(events(&office, id, "bounce"), 1, "{:#}", office.case(id));
    assert_eq!(office.letters_sent(), 1);
    assert!(office.has_recorded(&bounce));
    office.verify_audit();
}

#[test]
fn robots_lists_and_our_own_addresses_are_recorded_and_not_answered() {
    let servers = Servers::shared();
    let office = servers.office();
    office
        .setup
        .set("organization.aliases", vec!["psirt@example.test"]);
    let _daemon = office.open();
    let alice = servers.person("Alice");
    alice.send(&office, &alice.letter("A finding").plain(&report("/a")));
    let receipt = alice.answer();
    office.wait_for_mails("Triaged", 1);

    let absent = "I am out of the office until Monday.\n";
    let robots = [
        alice
            .letter("Automatic reply: receipt")
            .in_reply_to(&receipt.message_id())
            .header("Auto-Submitted", "auto-replied (vacation)")
            .plain(absent),
        alice
            .letter("Newsletter")
            .header("List-Id", "<news.research.test>")
            .header("Precedence", "bulk")
            .plain("News of the week.\n"),
        Letter::new(SECURITY_ADDRESS, SECURITY_ADDRESS, "To ourselves").plain(&report("/self")),
        Letter::new("psirt@example.test", SECURITY_ADDRESS, "Forwarded").plain(&report("/psirt")),
        Letter::new("noreply@research.test", SECURITY_ADDRESS, "Alert").plain(&report("/noreply")),
        Letter::new(
            "MAILER-DAEMON@research.test",
            SECURITY_ADDRESS,
            "Undelivered Mail",
        )
        .header("Return-Path", "<>")
        .plain("Your message could not be delivered.\n"),
    ];
    for mail in &robots {
        servers.postfix.send(&alice.address, &office.mailbox, mail);
    }
    office.wait_for_mails("Triaged", 1 + robots.len());
    for mail in office.mails("Triaged") {
        assert!(office.has_recorded(&mail));
    }
    assert_eq!(office.letters_sent(), 1, "the receipt alone");
    let id = receipt.case();
    assert_eq!(
        events(&office, &id, "auto_reply"),
        1,
        "{:#}",
        office.case(&id)
    );
    // What reads like a person's report waits for a person, and says why it was not answered.
    let unanswered: Vec<_> = office
        .cases()
        .into_iter()
        .filter(|case| text(&case["id"]) != id)
        .collect();
    assert!(unanswered.len() >= 3, "{unanswered:#?}");
    for case in &unanswered {
        assert_eq!(case["messages"], 1, "{case:#}");
        assert!(!text(&case["unanswered"]).is_empty(), "{case:#}");
    }
    office.verify_audit();
}

#[test]
fn the_junk_folder_is_swept_for_reports_and_spam_stays_in_it() {
    let servers = Servers::shared();
    let office = servers.office();
    let alice = servers.person("Alice");
    let mallory = servers.person("Mallory");
    let spam = mallory
        .letter("Cheap watches")
        .plain("Buy cheap watches now! Best prices!\n");
    office.deliver("Junk", &spam, Utc::now());
    office.deliver(
        "Junk",
        &alice.letter("XSS").plain(&report("/a")),
        Utc::now(),
    );
    let _daemon = office.open();

    let receipt = alice.answer();
    office.wait_for_mails("Triaged", 1);
    let case = office.case_of(&alice);
    assert_eq!(text(&case["id"]), receipt.case());
    assert!(
        array(&case["labels"]).contains(&"from_junk".into()),
        "{case:#}"
    );
    assert_eq!(office.cases().len(), 1);

    // Another one, found while the daemon waits.
    let bob = servers.person("Bob");
    office.deliver("Junk", &bob.letter("CSRF").plain(&report("/b")), Utc::now());
    bob.answer();
    office.wait_for_mails("Triaged", 2);
    let left = office.mails("Junk");
    assert_eq!(left, vec![spam]);
    let mut session = servers.dovecot.login(&office.mailbox);
    session.select("Junk");
    let uid = session.search("ALL")[0];
    let flags: Vec<String> = session
        .flags(uid)
        .into_iter()
        .filter(|flag| flag != "\\Recent")
        .collect();
    assert!(flags.is_empty(), "{flags:?}");
    assert_eq!(office.letters_sent(), 2);
    assert!(mallory.inbox().is_empty());
    assert!(office.has_recorded(&left[0]));
}
