//! Notes that machines write about a mail without a header that says so: receipts, challenges,
//! confirmations of lists, aggregate reports, answers to invitations.
//!
//! Each rule wants two witnesses, mostly subject and text, and none acts on a text in which a
//! person says what they found.

use super::words::{
    CHALLENGE_SUBJECTS, CHALLENGES, FINDS, ONE_PERSON, PERSON_SUBJECTS, READ_RECEIPTS,
    READ_SUBJECTS, TAKEN_IN, TAKEN_IN_SUBJECTS,
};
use super::{Mail, Signal, What, is_short, likeness, phrases, speaks_of_robots};
use crate::mail::message::Attachment;

/// What may stand beside the machine's part of an answer to an invitation.
const INVITATION_WORDS: usize = 60;

/// By the form that a standard gives to a mail.
pub fn by_form(mail: &Mail<'_>) -> Option<Signal> {
    if is_aggregate_report(mail) {
        return Some(Signal::new(
            What::AutoReply,
            "it is an aggregate report (RFC 7489, RFC 8460)",
        ));
    }
    is_calendar_answer(mail).then(|| {
        Signal::new(
            What::AutoReply,
            "it answers an invitation (RFC 5546, METHOD:REPLY)",
        )
    })
}

/// DMARC (RFC 7489, 7.2.1.1) and TLS (RFC 8460, 5.3): the subject has a form of its own, and the
/// report is a file.
fn is_aggregate_report(mail: &Mail<'_>) -> bool {
    let subject = mail.subject.trim_start_matches("[preview]").trim_start();
    let is_named_so = subject.starts_with("report domain:") && subject.contains("submitter:");
    let is_tls = |file: &Attachment| file.media_type.starts_with("application/tlsrpt+");
    let files = &mail.message.attachments;
    files.iter().any(is_tls) || is_named_so && !files.is_empty()
}

fn is_calendar_answer(mail: &Mail<'_>) -> bool {
    let answers = |file: &Attachment| {
        file.media_type == "text/calendar"
            && file.excerpt.as_deref().is_some_and(|text| {
                text.lines()
                    .any(|line| line.trim().eq_ignore_ascii_case("METHOD:REPLY"))
            })
    };
    mail.message.attachments.iter().any(answers) && {
        let is_alone = mail.message.media_type == "text/calendar";
        is_alone || phrases::words(&mail.own) <= INVITATION_WORDS && !mail.reads_like_report()
    }
}

/// By what they say; why, in words for the team.
pub fn by_words(mail: &Mail<'_>) -> Option<&'static str> {
    let own = &mail.own;
    let is_persons = phrases::has(own, FINDS) || speaks_of_robots(own);
    // The subject may be that of our own letter, so only the text is judged.
    if is_persons || !is_short(mail) || likeness::likeness(own).is_report() {
        return None;
    }
    let begins = |starts: &[&str]| starts.iter().any(|start| mail.subject.starts_with(start));
    if begins(READ_SUBJECTS) && phrases::has(own, READ_RECEIPTS) {
        return Some("subject and text are those of a read receipt");
    }
    let is_taken_in =
        || phrases::has(&mail.subject, TAKEN_IN_SUBJECTS) && phrases::has(own, TAKEN_IN);
    if is_taken_in() && !phrases::has(own, ONE_PERSON) {
        return Some("subject and text are those of a ticket system's receipt");
    }
    let challenges = phrases::count(own, CHALLENGES);
    let is_called_so =
        || phrases::has(&mail.subject, CHALLENGE_SUBJECTS) && !begins(PERSON_SUBJECTS);
    (challenges > 1 || challenges > 0 && is_called_so())
        .then_some("it asks for a confirmation, or refuses, as lists and filters do")
}
