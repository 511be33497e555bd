//! Whether a mail may be answered: by header fields, by sender, by wording.

use crate::busy::busy;
use crate::support::{mail, open, organization};
use triaged::mailbox::Lane;
use triaged::triage::classify::{Kind, What, automatic, classify};

const REPORT: &str = "I found a stored XSS on your profile page. Steps to reproduce: open it.";

/// A report with this header field.
fn with_field(field: &str) -> Option<What> {
    let raw = format!(
        "{field}\r\nFrom: Jane <jane@sender.example>\r\nTo: security@corp.example\r\n\
         Subject: Stored XSS\r\n\r\n{REPORT}\r\n"
    );
    automatic(&open(raw.as_bytes()), &organization()).map(|automatic| automatic.what)
}

#[test]
fn header_fields() {
    #[track_caller]
    fn check(field: &str, expected: Option<What>) {
        assert_eq!(with_field(field), expected, "{field}");
    }
    check("Auto-Submitted: no", None);
    check("auto-submitted: NO (a person)", None);
    check("AUTO-SUBMITTED: auto-replied; x=y", Some(What::AutoReply));
    check("Auto-Submitted: auto-generated", Some(What::NoAnswer));
    check("Auto-Submitted: auto-notified (x)", Some(What::NoAnswer));
    check("Auto-Submitted: x-other", Some(What::NoAnswer));
    check("Auto-Submitted:", None);
    check("Precedence: bulk", Some(What::NoAnswer));
    check("Precedence: LIST", Some(What::List));
    check("Precedence: junk", Some(What::NoAnswer));
    check("Feedback-ID: i1:Mail", None);
    check("Precedence: auto_reply", Some(What::AutoReply));
    check("Precedence: first-class", None);
    check("Return-Path: <>", Some(What::NoAnswer));
    check("Return-Path: < >", Some(What::NoAnswer));
    check("Return-Path: <MAILER-DAEMON>", Some(What::NoAnswer));
    check("Return-Path: <jane@sender.example>", None);
    check("Return-Path:", None);
    check("X-Auto-Response-Suppress: All", Some(What::NoAnswer));
    check(
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        Some(What::NoAnswer),
    );
    check("X-Auto-Response-Suppress: DR, RN, NRN", None);
    check("X-Auto-Response-Suppress: None", None);
    check("X-Autoreply: yes", Some(What::AutoReply));
    check("X-Autorespond: hello", Some(What::AutoReply));
    check("X-AutoReply-From: a@b.test", Some(What::AutoReply));
    check("X-Mail-Autoreply: x", Some(What::AutoReply));
    check("X-Apple-Action: VACATION", Some(What::AutoReply));
    check("X-Apple-Action: other", None);
    check("X-Loop: owner@bugs.example", Some(What::NoAnswer));
    check("List-Id: Users <users.lists.example>", Some(What::List));
    check(
        "List-Unsubscribe: <mailto:x@lists.example>",
        Some(What::List),
    );
    check("X-MLServer: fml", Some(What::List));
    check("X-Triaged-Status: closed", None);
    check("X-Mailer: Thunderbird", None);
}

#[test]
fn a_group_address_of_ours_is_no_list() {
    #[track_caller]
    fn check(list_id: &str, expected: Option<What>) {
        let field = format!(
            "List-Id: {list_id}\r\nPrecedence: list\r\nList-Post: <mailto:security@corp.example>"
        );
        assert_eq!(with_field(&field), expected, "{list_id}");
    }
    check("Security team <Security.Corp.Example>", None);
    check("<security.corp.example>", None);
    check("<users.corp.example>", Some(What::List));
    check(
        "security.corp.example <users.lists.example>",
        Some(What::List),
    );
}

#[test]
fn senders() {
    #[track_caller]
    fn check(from: &str, expected: Option<What>) {
        let verdict = automatic(&mail(from, "Stored XSS", REPORT), &organization());
        assert_eq!(verdict.map(|automatic| automatic.what), expected, "{from}");
    }
    check("jane@sender.example", None);
    check("Security@Corp.example", Some(What::NoAnswer));
    check("psirt@corp.example", Some(What::NoAnswer));
    check("noreply@sender.example", Some(What::NoAnswer));
    check("do-not-reply@sender.example", Some(What::NoAnswer));
    check("MAILER-DAEMON@sender.example", Some(What::NoAnswer));
    check("postmaster@sender.example", Some(What::NoAnswer));
    check("<>", Some(What::NoAnswer));
    check("", Some(What::NoAnswer));
}

#[test]
fn what_is_not_answered_is_recorded_as_what_it_reads_like() {
    let verdict = classify(
        &mail("noreply@platform.example", "Stored XSS", REPORT),
        &organization(),
        Lane::Inbox,
    );
    assert_eq!(verdict.kind_hint, Kind::Report);
    assert!(verdict.automatic.is_some());
}

/// Nobody can be answered, but a report it is.
#[test]
fn a_report_without_a_sender_is_no_bounce() {
    let raw = "Subject: Report\r\n\r\nI found an XSS in your web mail: your message could not be delivered: \
        550 <script>. Steps to reproduce: send to an unknown user.\r\n";
    let verdict = classify(&open(raw.as_bytes()), &organization(), Lane::Inbox);
    assert_eq!(verdict.kind_hint, Kind::Report);
    assert!(verdict.automatic.is_some());
}

#[test]
fn a_notification_that_is_a_report_is_no_bounce() {
    let text = "A new report was submitted. Your message queue can be read by anyone: the page says 550, user does not \
        exist, and shows the original message. It is an IDOR; an attacker can read every undelivered message.";
    let notification = mail(
        "noreply@platform.example",
        "Your message to customers can be read",
        text,
    );
    let verdict = classify(&notification, &organization(), Lane::Inbox);
    assert_eq!(verdict.kind_hint, Kind::Report);
    assert!(verdict.automatic.is_some());
}

#[test]
fn a_bounce_of_our_own_letter_is_a_bounce() {
    let text = "This message was created automatically by mail delivery software.\nA message that you sent could not be \
        delivered:\n\n  jane@sender.example\n    550 unknown user\n\n------ This is a copy of the message ------\n\n\
        Subject: [SEC-2026-0001] We have received your report\n\nThank you for your vulnerability report. Impact, XSS.";
    let bounce = mail(
        "MAILER-DAEMON@mx.sender.example",
        "Mail delivery failed",
        text,
    );
    assert_eq!(
        classify(&bounce, &organization(), Lane::Inbox).kind_hint,
        Kind::Bounce
    );
}

/// People who write about bounces and absence notes, or forward them.
#[test]
fn people_are_answered() {
    #[track_caller]
    fn check(subject: &str, text: &str) {
        let verdict = automatic(
            &mail("Jane <jane@sender.example>", subject, text),
            &organization(),
        );
        assert_eq!(verdict, None, "{subject}");
    }
    const BOUNCE: &str = "This is the mail system at host mx.corp.example.\n\nI'm sorry to have to inform you that your \
        message could not\nbe delivered to one or more recipients. It's attached below.\n\n<a@b.test>: 550 5.1.1 user unknown\n\n\
        Reporting-MTA: dns; mx.corp.example\nFinal-Recipient: rfc822; a@b.test\nAction: failed\n\nReceived: from x\nReturn-Path: <y>\n";
    check(
        "Undelivered Mail Returned to Sender",
        "Your mail server's bounces leak internal host names.",
    );
    check(
        "Undelivered Mail Returned to Sender",
        &format!("Hi team,\n\nI got this bounce, it shows your internal host:\n\n{BOUNCE}"),
    );
    check("Fwd: Undelivered Mail Returned to Sender", BOUNCE);
    check(
        "Re: Undelivered Mail Returned to Sender",
        &format!("Any idea?\n\n{BOUNCE}"),
    );
    check("Bounce messages disclose internal IP addresses", BOUNCE);
    check(
        "Vulnerability in bounce handling",
        &format!("An attacker can read the bounce:\n\n{BOUNCE}"),
    );
    check(
        "Delivery Status Notification (Failure)",
        "I can trigger this page with an XSS in your portal.",
    );
    check(
        "Delivery failure",
        "My order did not arrive, I want to know why.",
    );
    check(
        "Mail could not be delivered",
        "I noticed that your contact form says: mail could not be delivered: 550 user unknown. Is it broken?",
    );
    check(
        "Out of office",
        "Your autoresponder can be used to loop mails for ever. It says: I am out of the office.",
    );
    check(
        "Automatic reply: bug",
        "Your vacation responder leaks the calendar of each employee to an attacker.",
    );
    check(
        "vacation",
        "The vacation auto-reply has a security issue: header injection.",
    );
    check(
        "Auto-reply loop in your helpdesk",
        "Your helpdesk answers its own mails: this is an automated message, do not reply.",
    );
    check(
        "Ticket #1234",
        "This is about the automated message of your shop; I can read tickets of others, an IDOR.",
    );
    check(
        "Abwesenheitsnotiz",
        "Ihr Abwesenheitsassistent verrät interne Adressen, das ist eine Sicherheitslücke. Ich bin ab dem 5. abwesend.",
    );
    check("complaint about message from Bob", "He writes spam.");
    check("", "");
    check("Hello", "");
}

/// Robots that give no sign in their header.
#[test]
fn robots_are_known_by_their_words() {
    #[track_caller]
    fn check(subject: &str, text: &str, expected: What) {
        let verdict = automatic(
            &mail("Jane <jane@sender.example>", subject, text),
            &organization(),
        );
        assert_eq!(
            verdict.map(|automatic| automatic.what),
            Some(expected),
            "{subject}"
        );
    }
    check(
        "Delivery Failure",
        "Could not deliver message to the following recipient(s):\n\nFailed Recipient: a@b.test\nReason: Remote host said: 550 unknown user",
        What::Bounce,
    );
    check(
        "Automatic reply: your report",
        "I am out of the office until Monday with limited access to email.",
        What::AutoReply,
    );
    check(
        "Out of Office: Re: report",
        "Thank you for your message. I am on vacation and will be back on 3 May.",
        What::AutoReply,
    );
    check(
        "Abwesenheitsnotiz: Ihr Bericht",
        "Ich bin bis zum 5. Mai nicht im Büro.",
        What::AutoReply,
    );
    check(
        "Réponse automatique : rapport",
        "Je suis absente jusqu'au 5 mai.",
        What::AutoReply,
    );
    check("Автоответ: отчет", "Я в отпуске до 5 мая.", What::AutoReply);
    check(
        "自動返信: 報告",
        "本日は休暇をいただいております。",
        What::AutoReply,
    );
    check(
        "[Ticket#4711] Received",
        "This is an automated response. Your ticket was created. Please do not reply to this mail.",
        What::AutoReply,
    );
}

#[test]
fn hostile_text_takes_bounded_time() {
    let texts = [
        "> ".repeat(1 << 20),
        "a".repeat(1 << 21),
        "your message could not be delivered 550 ".repeat(50_000),
        "PGP key? ".repeat(230_000),
        "{\"".repeat(1 << 20),
        "https://a".repeat(230_000),
        "AV:N/".repeat(400_000),
        "On 1 <a@b>:\n".repeat(170_000),
        "\n".repeat(1 << 21),
        "\u{130}".repeat(1 << 20),
        "(".repeat(1 << 21),
        "1. \n".repeat(500_000),
    ];
    for text in &texts {
        let message = mail("jane@sender.example", "Report", text);
        let before = busy();
        let verdict = classify(&message, &organization(), Lane::Inbox);
        let extracted = triaged::triage::extract::extract(&message);
        let comparable = triaged::triage::same::comparable(&message);
        let took = busy() - before;
        let head: String = text.chars().take(12).collect();
        println!("{head:?}: {took:?}");
        assert!(extracted.urls.len() <= 200 && extracted.cvss.len() <= 200);
        assert!(
            verdict.labels.len() < 20 && comparable.exact.is_none_or(|digest| digest.0 != [0; 32])
        );
        // Generous: unoptimised.
        assert!(took.as_secs() < 20, "{head:?} took {took:?}");
    }
}
