//! Robots that hide and people who look like robots: who gets an answer.
//!
//! Made mails, none of them with a header that gives a robot away, unless the row adds one.

use chrono::{DateTime, Utc};

use crate::support::{now, open, organization};
use triaged::mail::message::Message;
use triaged::mailbox::Lane;
use triaged::triage::classify::classify;
use triaged::triage::decide::{Decision, Incoming, Known, decide};
use triaged::triage::policy::Policy;

/// What would be done with this mail by somebody who knows nothing else.
pub fn decided(message: &Message, policy: &Policy) -> Decision {
    let classified = classify(message, &organization(), Lane::Inbox);
    let received_at: DateTime<Utc> = now();
    let incoming = Incoming {
        message,
        classified: &classified,
        findings: &Default::default(),
        language: None,
        lane: Lane::Inbox,
        received_at,
        too_large: false,
        unanswered: None,
        orders: &triaged::triage::orders::Orders::None,
    };
    decide(&incoming, &Known::default(), &organization(), policy)
}

pub fn policy() -> Policy {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policies/cloudarq.toml");
    let (policy, mistakes) = triaged::config::policy::read(std::path::Path::new(file));
    assert!(mistakes.is_empty(), "{mistakes:?}");
    policy.unwrap()
}

/// From, further header lines, subject, text.
type Row<'a> = (&'a str, &'a str, &'a str, &'a str);

fn mail((from, fields, subject, text): Row<'_>) -> Message {
    let fields: String = fields.lines().map(|line| format!("{line}\r\n")).collect();
    let has_type = fields.to_lowercase().contains("content-type");
    let text_type = "Content-Type: text/plain; charset=utf-8\r\n";
    open(
        format!(
            "From: {from}\r\nTo: security@corp.example\r\nSubject: {subject}\r\n\
             Message-ID: <1@sender.example>\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\n\
             MIME-Version: 1.0\r\n{fields}{}\r\n{text}\r\n",
            if has_type { "" } else { text_type },
        )
        .as_bytes(),
    )
}

#[track_caller]
fn check(rows: &[Row<'_>], answered: bool) {
    let policy = policy();
    let wrong: Vec<String> = rows
        .iter()
        .map(|row| (row, decided(&mail(*row), &policy)))
        .filter(|(_, decision)| decision.replies.is_empty() == answered)
        .map(|((from, _, subject, text), decision)| {
            format!(
                "{from} | {subject} | {:.60} | {:?} {:?}",
                text.replace(['\r', '\n'], " "),
                decision.kind,
                decision.reply_suppressed
            )
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

const REPLY: &str = "In-Reply-To: <ours@corp.example>";
const JANE: &str = "Jane Doe <jane@sender.example>";

#[test]
#[rustfmt::skip]
fn robots_that_hide_are_not_answered() {
    check(&[
        // Absence notes, in many languages.
        (JANE, REPLY, "Automatic reply: [SEC-2026-0001] We have received your report", "Hello,\n\nI am currently out of the office and will return on 12 June. For urgent matters please contact my colleague Bob.\n\nJane"),
        (JANE, "", "Out of Office", "I will be out of the office until Monday, 8 June, with limited access to email."),
        (JANE, "", "Out of office Re: [SEC-2026-0001]", "Thanks for your mail! I'm on annual leave until the 8th. I will reply when I'm back."),
        (JANE, "", "OOO: We have received your report", "I am away from my desk this week."),
        (JANE, REPLY, "Automatische Antwort: [SEC-2026-0001]", "Guten Tag, ich bin bis einschließlich 12.06. nicht im Büro. Ihre Nachricht wird nicht weitergeleitet."),
        (JANE, "", "Abwesenheitsnotiz", "Vielen Dank für Ihre E-Mail. Ich bin derzeit im Urlaub und ab dem 12. Juni wieder erreichbar."),
        (JANE, "", "Abwesend: Ihre Nachricht", "Ich befinde mich bis zum 12.6. im Urlaub. Meine E-Mails werden in dieser Zeit nicht gelesen."),
        (JANE, "", "Réponse automatique : [SEC-2026-0001]", "Bonjour,\n\nJe suis actuellement en congés jusqu'au 12 juin. En cas d'urgence, contactez Paul."),
        (JANE, "", "Absence du bureau", "Bonjour, je serai absente du 1er au 12 juin et de retour le 15."),
        (JANE, "", "Respuesta automática: su informe", "Hola, estoy de vacaciones hasta el 12 de junio. Responderé a mi regreso."),
        (JANE, "", "Fuera de la oficina", "Estaré fuera de la oficina hasta el lunes."),
        (JANE, "", "Risposta automatica: segnalazione", "Buongiorno, sono in ferie fino al 12 giugno. Risponderò al mio rientro."),
        (JANE, "", "Resposta automática: relatório", "Olá, estou de férias até 12 de junho."),
        (JANE, "", "Automatisch antwoord: melding", "Ik ben tot en met 12 juni met vakantie en lees mijn mail niet."),
        (JANE, "", "Autosvar: rapport", "Jag är på semester till den 12 juni."),
        (JANE, "", "Autosvar: rapport", "Jeg er på ferie til 12. juni."),
        (JANE, "", "Automaattinen vastaus: raportti", "Olen lomalla 12. kesäkuuta asti."),
        (JANE, "", "Odpowiedź automatyczna: zgłoszenie", "Dzień dobry, przebywam na urlopie do 12 czerwca."),
        (JANE, "", "Automatická odpověď: hlášení", "Dobrý den, do 12. června čerpám dovolenou. Jsem mimo kancelář."),
        (JANE, "", "Automatikus válasz: jelentés", "Szabadságon vagyok június 12-ig."),
        (JANE, "", "Автоматический ответ: отчёт", "Здравствуйте! Я в отпуске до 12 июня."),
        (JANE, "", "Otomatik yanıt: rapor", "12 Haziran'a kadar izindeyim."),
        (JANE, "", "自動応答: 報告", "6月12日まで不在にしております。"),
        (JANE, "", "自动回复: 报告", "您好，我正在休假，6月12日回来。"),
        (JANE, "", "부재중: 보고", "6월 12일까지 휴가입니다."),
        (JANE, "", "Autoreply: re: your report", "I no longer work at Example. Please write to info@sender.example."),
        (JANE, "", "Thank you for your email (out of office)", "Thank you for your email. I am out of the office until 12 June and will answer after that."),
        // Challenge and response.
        (JANE, "", "Please confirm your message to jane@sender.example", "I apologize for this automatic reply to your email.\n\nTo control spam, I now allow incoming messages only from senders I have approved beforehand.\n\nIf you would like to be added to my list of approved senders, please fill out the short request form (see link below)."),
        (JANE, "", "Confirm your email to jane (via TMDA)", "This message was created automatically by mail delivery software (TMDA).\n\nYour message attached below is being held because the address has not been verified.\n\nTo release your message for delivery, please send an empty message to the following address, or use your mailer's Reply feature."),
        (JANE, "", "[Boxbe] Your message is waiting: jane@sender.example (Action Required)", "Your email was sent to my Guest List and waits for approval. Please complete this verification to have your message delivered. This is an automated message."),
        ("Spam Arrest <jane@sender.example>", "", "Re: [SEC-2026-0001] (verification required)", "Jane here, I'm protecting myself from receiving junk mail. Please click the link below to complete the verification process. You have to do this only once."),
        // Delivery notices of systems without RFC 3464.
        ("Mail Service <mx@relay.example>", "", "Warning: message 1abc delayed 24 hours", "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its recipients after more than 24 hours on the queue on relay.example.\n\nNo action is required on your part. Delivery attempts will continue for some time."),
        ("mx@relay.example", "", "Delayed mail (still being retried)", "This is the mail system at host relay.example.\n\n####################################################################\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n####################################################################\n\nYour message could not be delivered for more than 4 hour(s). It will be retried until it is 5 day(s) old."),
        ("Gateway <gateway@relay.example>", "", "Undeliverable Mail", "The following message could not be delivered:\n\nTo: jane@sender.example\nReason: User unknown"),
        ("mail@relay.example", "", "NDN: [SEC-2026-0001] We have received your report", "Sorry. Your message could not be delivered to:\n\njane (The name was not found at the remote site. Check that the name has been entered correctly.)"),
        ("relay@relay.example", "", "Nondeliverable mail", "------Transcript of session follows -------\nJANE\nThe user's email name is not found."),
        ("System <system@relay.example>", "", "failure notice", "Hi. This is the qmail-send program at relay.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<jane@sender.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <>"),
        ("relay@relay.example", "", "Delivery Status Notification (Failure)", "** Address not found **\n\nYour message wasn't delivered to jane@sender.example because the address couldn't be found, or is unable to receive mail."),
        ("relay@relay.example", "", "Delivery Status Notification (Failure)", "This message could not be delivered."),
        ("relay@relay.example", "", "Unzustellbar: [SEC-2026-0001]", "Ihre Nachricht konnte nicht zugestellt werden. Empfänger: jane@sender.example. Fehler: 550 5.1.1 user unknown"),
        ("relay@relay.example", "", "Mailbox full", "The mailbox of jane@sender.example is full. Your message was not delivered."),
        // Receipts and dispositions.
        (JANE, "", "Read: [SEC-2026-0001] We have received your report", "Your message\n\n   To: Jane Doe\n   Subject: [SEC-2026-0001] We have received your report\n   Sent: Monday, June 1, 2026 10:00:00 AM (UTC)\n\n was read on Monday, June 1, 2026 10:05:00 AM (UTC)."),
        (JANE, "", "Gelesen: [SEC-2026-0001]", "Ihre Nachricht\n\n   An: Jane Doe\n   Betreff: [SEC-2026-0001]\n   Gesendet: Montag, 1. Juni 2026 10:00:00\n\n wurde am Montag, 1. Juni 2026 10:05:00 gelesen."),
        (JANE, "", "Not read: [SEC-2026-0001]", "Your message\n\n   To: Jane Doe\n   Subject: [SEC-2026-0001]\n   Sent: Monday, June 1, 2026\n\n was deleted without being read on Monday, June 1, 2026."),
        (JANE, "", "Return Receipt (displayed) - [SEC-2026-0001]", "This is a Return Receipt for the mail that you sent to jane@sender.example.\n\nNote: This Return Receipt only acknowledges that the message was displayed on the recipient's computer. There is no guarantee that the recipient has read or understood the message contents."),
        (JANE, "Content-Type: multipart/report; report-type=disposition-notification; boundary=b", "Read: x", "--b\r\nContent-Type: text/plain\r\n\r\nread\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n--b--"),
        // Calendars.
        (JANE, "Content-Type: text/calendar; method=REPLY; charset=utf-8", "Accepted: Call about SEC-2026-0001", "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nSUMMARY:Call\r\nEND:VEVENT\r\nEND:VCALENDAR"),
        (JANE, "Content-Type: multipart/alternative; boundary=b", "Declined: Call", "--b\r\nContent-Type: text/plain\r\n\r\nJane Doe has declined this invitation.\r\n--b\r\nContent-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n--b--"),
        // Reports by machines.
        ("noreply-dmarc-support@google.example", "Content-Type: application/zip; name=\"google.example!corp.example!1!2.zip\"\nContent-Disposition: attachment; filename=\"google.example!corp.example!1!2.zip\"", "Report domain: corp.example Submitter: google.example Report-ID: 123", "UEsDBA=="),
        ("DMARC Aggregate Report <dmarc@provider.example>", "Content-Type: application/gzip; name=\"provider.example!corp.example!1780000000!1780086400.xml.gz\"\nContent-Disposition: attachment; filename=\"provider.example!corp.example!1780000000!1780086400.xml.gz\"\nContent-Transfer-Encoding: base64", "Report Domain: corp.example Submitter: provider.example Report-ID: <2026.06.01>", "H4sIAAAA"),
        ("dmarcreport@provider.example", "Content-Type: multipart/mixed; boundary=b", "[Preview] Report Domain: corp.example Submitter: provider.example Report-ID: 77", "--b\r\nContent-Type: text/plain\r\n\r\nThis is a DMARC aggregate report from Provider Corporation.\r\n--b\r\nContent-Type: application/gzip\r\nContent-Disposition: attachment; filename=\"provider.example!corp.example!1!2.xml.gz\"\r\n\r\nx\r\n--b--"),
        ("tlsrpt@provider.example", "TLS-Report-Domain: corp.example\nTLS-Report-Submitter: provider.example\nContent-Type: multipart/report; report-type=\"tlsrpt\"; boundary=b", "Report Domain: corp.example Submitter: provider.example Report-ID: <735@provider.example>", "--b\r\nContent-Type: text/plain\r\n\r\nThis is an aggregate TLS report from provider.example\r\n--b\r\nContent-Type: application/tlsrpt+gzip\r\n\r\nx\r\n--b--"),
        ("tlsrpt@provider.example", "Content-Type: multipart/mixed; boundary=b", "Report Domain: corp.example Submitter: provider.example Report-ID: <735@provider.example>", "--b\r\nContent-Type: text/plain\r\n\r\nTLS report\r\n--b\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Disposition: attachment; filename=\"provider.example!corp.example!1!2!001.json.gz\"\r\n\r\nx\r\n--b--"),
        ("staff@provider.example", "Content-Type: multipart/report; report-type=feedback-report; boundary=b", "Abuse report", "--b\r\nContent-Type: text/plain\r\n\r\nThis is an email abuse report.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n--b--"),
        // Ticket systems.
        ("Support <support@vendor.example>", "", "Your request (#4711) has been received", "Hello,\n\nYour request (4711) has been received and is being reviewed by our support staff.\n\nTo add additional comments, reply to this email.\n\n--------------------------------\nThis email is a service from Vendor. Delivered by Zendesk"),
        ("Support <support@vendor.example>", "", "[Request received] We have received your report", "##- Please type your reply above this line -##\n\nYour request (4711) has been received and is being reviewed by our support staff."),
        ("security+x@corp.example", "", "SQL injection", "The search page takes SQL."),
        ("security@\u{ff43}orp.example", "", "SQL injection", "The search page takes SQL."),
        ("Help Desk <help@vendor.example>", "", "HELP-4711 We have received your report", "—-—-—-—\nReply above this line.\n\nJust confirming that we got your request. We're on it.\n\nView request · Turn off this request's notifications\n\nThis is shared with Example Corp.\n\nPowered by Jira Service Management"),
        ("Service <service@vendor.example>", "", "[Ticket#2026060110000012] [SEC-2026-0001] We have received your report", "Dear customer,\n\nThank you for your e-mail. Your request was registered under the ticket number 2026060110000012.\n\nThis is an automatically generated message, please do not reply to it.\n\nYour OTRS team"),
        ("Service <service@vendor.example>", "", "[vendor.example #4711] AutoReply: We have received your report", "Greetings,\n\nThis message has been automatically generated in response to the creation of a trouble ticket regarding: \"We have received your report\", a summary of which appears below.\n\nThere is no need to reply to this message right now."),
        ("Support <support@vendor.example>", "", "Ticket Received - We have received your report", "Dear Example Corp,\n\nWe would like to acknowledge that we have received your request and a ticket has been created with Ticket ID - 4711. A support representative will be reviewing your request and will send you a personal response (usually within 24 hours).\n\nThank you for your patience."),
        ("Kundenservice <service@vendor.example>", "", "Ihre Anfrage [4711]", "Guten Tag,\n\nvielen Dank für Ihre Anfrage. Wir haben sie erhalten und unter der Nummer 4711 erfasst. Dies ist eine automatisch erstellte Nachricht, bitte antworten Sie nicht darauf."),
        // Lists.
        ("users-request@lists.example", "", "confirm 3f2a9c0b7d", "Mailing list subscription confirmation notice for mailing list Users\n\nWe have received a request for subscription of your email address, \"security@corp.example\", to the users@lists.example mailing list. To confirm that you want to be added to this mailing list, simply reply to this message, keeping the Subject: header intact."),
        ("users-bounces@lists.example", "", "Your message to Users awaits moderator approval", "Your mail to 'Users' with the subject\n\n    We have received your report\n\nIs being held until the list moderator can review it for approval.\n\nThe reason it is being held:\n\n    Post by non-member to a members-only list"),
        ("users-help@lists.example", "", "confirm subscribe to users@lists.example", "Hi! This is the ezmlm program. I'm managing the users@lists.example mailing list.\n\nTo confirm that you would like security@corp.example added to the users mailing list, please send an empty reply to this address."),
        ("Lists <sympa@lists.example>", "", "Message distribution denied: users", "Your message for list 'users' (attached below) was rejected. You are not allowed to send this message."),
        // By their address.
        ("Newsletter <no-reply@shop.example>", "", "Welcome", "Welcome to our shop."),
        ("Jane <jane@sender.example>", "X-Auto-Response-Suppress: All", "Re: report", "Got it."),
    ], false);
}

#[test]
#[rustfmt::skip]
fn people_who_look_like_robots_are_answered() {
    check(&[
        (JANE, "", "Undelivered Mail Returned to Sender - XSS in your bounce page", "Hi,\n\nthe page that shows a bounced mail renders its subject without escaping: <script>alert(1)</script> runs. Steps: send a mail with that subject to an unknown user, then open the web view.\n\nJane"),
        (JANE, "", "Out of office replies leak internal phone numbers", "Hello,\n\nyour staff's out of office replies show internal phone numbers and the names of deputies to anybody on the internet. Anyone can collect them with one mail each.\n\nJane"),
        (JANE, "", "Automatic reply loop in your ticket system", "Two of your autoresponders answer each other for ever when I send a mail from one to the other: 4,000 mails in an hour. It is a denial of service.\n\nJane"),
        (JANE, "", "Bug in auto-reply: header injection", "Your auto-reply copies the Subject: into its header unescaped. With a line break in an encoded word I can add a Bcc: and use you as an open relay.\n\nJane"),
        (JANE, "", "Fwd: Undelivered Mail Returned to Sender", "Hi, I am forwarding a bounce of yours as evidence: it shows the internal host name and the version of the mail server.\n\n---------- Forwarded message ---------\nFrom: MAILER-DAEMON@corp.example\nSubject: Undelivered Mail Returned to Sender\n\nThis is the mail system at host mx1.internal.corp.example.\nI'm sorry to have to inform you that your message could not be delivered. <x@corp.example>: 550 5.1.1 user unknown"),
        (JANE, "Content-Type: multipart/mixed; boundary=b", "Your bounces disclose internal hosts", "--b\r\nContent-Type: text/plain\r\n\r\nHi team, see the attached bounce, it discloses 10.0.0.5.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: MAILER-DAEMON@corp.example\r\nAuto-Submitted: auto-replied\r\nSubject: Undelivered Mail Returned to Sender\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n--c\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx1.corp.example\r\n\r\nFinal-Recipient: rfc822; x@corp.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--c--\r\n\r\n--b--"),
        (JANE, "", "Open relay", "Hello, your server mx1 relays mail for strangers:\n\n> MAIL FROM:<a@a.test>\n< 250 ok\n> RCPT TO:<b@b.test>\n< 250 ok\n\nThe bounce said: 550 5.7.1 relaying denied only for the second host."),
        (JANE, "", "Headers of the phishing mail", "Hi, someone spoofs you. Its header was:\n\nReturn-Path: <>\nAuto-Submitted: auto-generated\nPrecedence: bulk\nList-Id: <corp.example>\nFrom: noreply@corp.example\n\nPlease set a DMARC policy."),
        (JANE, "", "noreply@corp.example accepts commands", "Hello, mail to noreply@corp.example is parsed by a script: a subject of `$(id)` is executed. I can show a proof of concept."),
        ("Sec Research <security-noreply-research@lab.example>", "", "SQL injection in /search", "Hi, the parameter q of /search is injectable: q=' OR 1=1-- returns all rows.\n\nThe noreply research group"),
        ("Nora Reply <nora.reply@lab.example>", "", "SQL injection in /search", "The parameter q of /search is injectable."),
        ("Bounce Castle <info@bouncycastle-fans.example>", "", "Weak cipher", "Your server accepts RC4. Is that known?"),
        ("Post Master <p.master@lab.example>", "", "TLS problem", "Your certificate for mail.corp.example expired yesterday."),
        ("jane@postmaster-tools.example", "", "SPF record", "Your SPF record has eleven lookups, so that it fails for everybody."),
        (JANE, "User-Agent: Mutt/2.2.12", "[security] path traversal in downloader", "Hello list,\n\nGET /download?f=../../etc/passwd works.\n\nJane\n_______________\nsent with mutt"),
        (JANE, "Mailing-List-Client: none\nX-Mailer: Gnus", "Re: [oss-security] CVE-2026-1234", "Your product ships the library too, and is open to it: version 2.1 is in your installer."),
        (JANE, "Precedence: first-class", "XXE in the importer", "The XML importer resolves external entities."),
        (JANE, "Auto-Submitted: no", "XXE in the importer", "The XML importer resolves external entities."),
        (JANE, "Return-Path: <jane@sender.example>\nX-Auto-Response-Suppress: DR, RN", "XXE in the importer", "The XML importer resolves external entities."),
        (JANE, "X-Spam-Status: No\nX-Priority: 1\nImportance: high", "Warning: your server leaks", "Your status page shows the process list of the server."),
        (JANE, "", "Ticket system lets me read tickets of others", "By counting up the number in /ticket/4711 I can read all of them. This is an automated process for an attacker, too."),
        (JANE, "", "[Ticket#4711] still open?", "Hi, I wrote about the broken access control in your shop in May and heard nothing. Is there any news?"),
        (JANE, "", "Your request", "Hello, you asked me for more details on the XSS. Here they are: open /profile?name=<svg onload=alert(1)>."),
        (JANE, "", "Thank you for your reply", "Thank you for your reply. The flaw is in the upload: a file called x.php.jpg is executed."),
        (JANE, "", "Delivery failure", "Your shop says that the delivery failed, but shows me the address of another customer. I could read three of them."),
        (JANE, "", "Mail delivery failed: returning message to sender", "I get this when I write to bugs@corp.example, which your security page names. Where should I report?"),
        (JANE, "", "Read receipt reveals the IP of your staff", "When your staff open a mail with a remote image, their client loads it and sends a read receipt without asking."),
        (JANE, "", "Read: access to the API without a key", "GET /api/v1/users answers without any key."),
        (JANE, "", "Accepted: any password", "The login form accepted any password for the user demo."),
        (JANE, "", "Confirm", "Can you confirm that you got my report of last week?"),
        (JANE, "", "Please confirm your policy on disclosure", "Hi, before I send a report: do you allow publication after 90 days?"),
        (JANE, "", "Report domain takeover: old.corp.example", "The name old.corp.example points to a bucket that nobody owns. I registered it; here is a proof."),
        (JANE, "", "DMARC report", "Hi, corp.example has no DMARC record, so anybody can spoof you. Bounty?"),
        (JANE, "", "On vacation but found this", "Hi, I am on vacation with limited access, but I found this: your hotel portal shows bookings of others when the id is changed. I will be back on the 12th and can send more then."),
        (JANE, "", "Vacation planner: IDOR", "Your vacation planner lets me read the absence notes of all employees."),
        (JANE, "", "Urlaubsplaner zeigt fremde Daten", "Ihr Urlaubsplaner zeigt mir, wer im Urlaub ist und wer nicht im Büro ist, ohne Anmeldung. Das ist ein Datenschutzproblem."),
        (JANE, "", "Faille dans la réponse automatique", "Bonjour, votre réponse automatique contient l'adresse interne du serveur. Je peux vous montrer comment."),
        (JANE, "Content-Type: multipart/mixed; boundary=b", "Calendar invitations of your app inject HTML", "--b\r\nContent-Type: text/plain\r\n\r\nThe attached invitation, sent by your app, injects HTML into the page.\r\n--b\r\nContent-Type: text/calendar; method=REQUEST\r\nContent-Disposition: attachment; filename=\"invite.ics\"\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n--b--"),
        (JANE, "Content-Type: multipart/mixed; boundary=b", "Spoofed mail reaches your users", "--b\r\nContent-Type: text/plain\r\n\r\nI attach the DMARC report that shows it.\r\n--b\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=\"report.zip\"\r\n\r\nx\r\n--b--"),
        ("Ops <admin@lab.example>", "", "Exposed .git", "https://corp.example/.git/config is readable."),
        ("support@small-firm.example", "", "Your login page", "One of our customers noticed that your login page is served without TLS. Please have a look."),
        ("Team <info@lab.example>", "", "We have received strange answers from your API", "Your API answers with the data of other tenants when the header X-Tenant is missing."),
        (JANE, REPLY, "Re: Your request (#4711) has been received", "Any news on this?\n\nOn Mon, 1 Jun 2026, Support wrote:\n> ##- Please type your reply above this line -##\n> Your request (4711) has been received and is being reviewed by our support staff."),
        (JANE, "", "Re: [SEC-2026-0001] We have received your report", "This is an automated response. Please have a person look at it: the page /admin answers without a login."),
        (JANE, "", "Re: your newsletter", "Your newsletter says: This is an automated response, please do not reply. Its links carry the session of the recipient."),
        (JANE, "", "Anfrage zu Ihrer Meldestelle", "Guten Tag, Sie erreichen mich unter der Nummer 030 1234. Nehmen Sie auch Hinweise zu Mobil-Apps an?"),
        (JANE, "", "Ticket creation without login", "When I send an empty form, the page answers: a ticket has been created. No login, no limit."),
        (JANE, "", "Support chat: confirmation shown to everyone", "The text 'Your request has been received and is being reviewed' is followed by the request of the customer before me."),
        (JANE, "", "Mailing list subscription without confirmation", "Hi, anybody can be subscribed to your newsletter: no confirmation is asked. I subscribed your own address."),
        (JANE, "", "Re: [security] awaiting approval", "Hi, I posted the details of the bug to your list; it is awaiting approval, so here they are again: the token never expires."),
        (JANE, "", "Meeting declined?", "Hi, I had to decline the call; can we talk on Friday about the finding?"),
        (JANE, "", "Read: my report of May", "Has anybody read it? I found nothing in my inbox."),
    ], true);
}
