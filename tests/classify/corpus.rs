//! Classification measured on real mail. Prints a rate for each set and holds floors.

use std::path::Path;

use crate::loops::{decided, policy};
use crate::support::{corpus, expectations, mail, open, organization};
use serde_json::Value;
use triaged::mail::message::Message;
use triaged::mailbox::Lane;
use triaged::triage::classify::{Classified, Kind, automatic, classify, own_words};

/// A person's mail that its origin keeps among bounces: it expects no bounced address in it.
const MISFILED: &str = "mail/groupwise_03.txt";

fn field<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn read(set: &Path, row: &Value) -> Message {
    open(&std::fs::read(set.join(field(row, "file"))).unwrap())
}

fn classified(message: &Message) -> Classified {
    classify(message, &organization(), Lane::Inbox)
}

/// Counts what holds, and prints what does not.
struct Rate {
    what: String,
    hits: usize,
    all: usize,
}

impl Rate {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hits: 0,
            all: 0,
        }
    }

    fn add(&mut self, hit: bool, miss: impl FnOnce() -> String) {
        self.all += 1;
        self.hits += usize::from(hit);
        if !hit {
            println!("  {}: not {}", self.what, miss());
        }
    }

    fn percent(&self) -> f64 {
        100.0 * self.hits as f64 / self.all.max(1) as f64
    }

    #[track_caller]
    fn at_least(&self, floor: f64) {
        if self.all == 0 {
            return;
        }
        println!(
            "{}: {}/{} = {:.1} %",
            self.what,
            self.hits,
            self.all,
            self.percent()
        );
        assert!(
            self.percent() >= floor,
            "{}: {:.1} % is below {floor} %",
            self.what,
            self.percent()
        );
    }
}

#[test]
fn robots_are_never_answered_and_people_always() {
    let policy = policy();
    for set in ["loop-flufl", "loop-mixed", "loop-schleuder", "loop-sisimai"] {
        let Some(path) = corpus(set) else { continue };
        let mut silent = Rate::new(format!("{set}: robots not answered"));
        let mut answered = Rate::new(format!("{set}: people answered"));
        let mut kinds = Rate::new(format!("{set}: kind of robot"));
        let mut decisions = Rate::new(format!("{set}: decided so"));
        for row in expectations(&path) {
            let name = field(&row, "file");
            let message = read(&path, &row);
            let verdict = automatic(&message, &organization());
            if let Some(silent) = row["must_not_reply"].as_bool().filter(|_| name != MISFILED) {
                let decision = decided(&message, &policy);
                decisions.add(decision.replies.is_empty() == silent, || {
                    format!("{name}: {:?}", decision.reply_suppressed)
                });
            }
            match row["must_not_reply"].as_bool() {
                Some(true) if name != MISFILED => {
                    silent.add(verdict.is_some(), || name.to_owned());
                    let kind = classified(&message).kind_hint;
                    kinds.add(fits(field(&row, "class"), kind), || {
                        format!("{name}: {kind:?} {verdict:?}")
                    });
                }
                Some(false) => answered.add(verdict.is_none(), || format!("{name}: {verdict:?}")),
                _ => println!("  {set}: {name}: {verdict:?}"),
            }
        }
        silent.at_least(100.0);
        answered.at_least(100.0);
        decisions.at_least(100.0);
        kinds.at_least(95.0);
    }
}

fn fits(class: &str, kind: Kind) -> bool {
    match class {
        "bounce" => kind == Kind::Bounce,
        "list" => kind == Kind::List,
        "feedback-report" => kind == Kind::Abuse,
        _ => matches!(kind, Kind::Bounce | Kind::AutoReply),
    }
}

/// The same bounces, robbed of every header that gives them away: what wording alone tells.
#[test]
fn bounces_are_known_by_their_wording() {
    let mut all = Rate::new("bounces by wording alone");
    for set in ["loop-flufl", "loop-mixed", "loop-schleuder", "loop-sisimai"] {
        let Some(path) = corpus(set) else { continue };
        for row in expectations(&path) {
            if field(&row, "class") != "bounce" || field(&row, "file") == MISFILED {
                continue;
            }
            let mut message = read(&path, &row);
            message.header.clear();
            message.machine_report = None;
            message.media_type = "multipart/mixed".into();
            if let Some(from) = &mut message.from {
                from.email = "mx@relay.example".into();
            }
            all.add(automatic(&message, &organization()).is_some(), || {
                format!("{}: {}", field(&row, "file"), message.subject)
            });
        }
    }
    if all.all > 0 {
        all.at_least(85.0);
    }
}

#[test]
fn list_mail_is_known() {
    let Some(path) = corpus("spam-ham") else {
        return;
    };
    let mut spam = Rate::new("spam-ham: spam of the junk folder");
    for row in expectations(&path) {
        let message = read(&path, &row);
        let name = field(&row, "file");
        let junk = classify(&message, &organization(), Lane::Junk);
        if field(&row, "class") == "spam" {
            spam.add(
                junk.kind_hint == Kind::Spam || junk.automatic.is_some(),
                || format!("{name}: {:?} {}", junk.kind_hint, junk.kind_because),
            );
        }
        let inbox = classified(&message);
        println!(
            "  {name}: {:?} {:?} {}",
            inbox.kind_hint, inbox.automatic, inbox.kind_because
        );
        assert_ne!(inbox.kind_hint, Kind::Spam, "{name}");
    }
    spam.at_least(80.0);
}

#[test]
fn scanner_output_is_labelled() {
    let Some(path) = corpus("report-scanner-output") else {
        return;
    };
    let mut pasted = Rate::new("scanner output pasted");
    let mut attached = Rate::new("scanner output attached");
    let has = |message: &Message| {
        classified(message)
            .labels
            .iter()
            .any(|label| label.name == "scanner_output")
    };
    for row in expectations(&path) {
        let name = field(&row, "file");
        let Ok(bytes) = std::fs::read(path.join(name)) else {
            continue;
        };
        if field(&row, "class") != "scanner-output" {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        pasted.add(has(&mail("a@b.test", "Scan", &text)), || name.to_owned());
        let mut cover = mail(
            "a@b.test",
            "Vulnerability report",
            "Hi team, please find the results attached.\n\nRegards\nJane",
        );
        cover.attachments.push(triaged::mail::message::Attachment {
            name: name.rsplit('/').next().unwrap().into(),
            media_type: "application/octet-stream".into(),
            size: bytes.len() as u64,
            digest: triaged::mail::message::Digest::of(&bytes),
            excerpt: Some(text.chars().take(65_536).collect()),
            encrypted: false,
        });
        attached.add(has(&cover), || name.to_owned());
    }
    pasted.at_least(90.0);
    attached.at_least(90.0);
}

#[test]
fn reports_are_reports() {
    for set in ["report-kernelctf", "report-bugcrowd-templates"] {
        let Some(path) = corpus(set) else { continue };
        let mut kinds = Rate::new(format!("{set}: report"));
        let mut plain = Rate::new(format!("{set}: no scanner output"));
        let mut read_so = Rate::new(format!("{set}: reads like a report"));
        let mut no_key = Rate::new(format!("{set}: wants no key"));
        let mut answered = Rate::new(format!("{set}: may be answered"));
        for row in expectations(&path) {
            let name = field(&row, "file");
            let text = std::fs::read_to_string(path.join(name)).unwrap();
            let verdict = classified(&mail("a@b.test", "Report", &text));
            kinds.add(verdict.kind_hint == Kind::Report, || {
                format!("{name}: {:?} {}", verdict.kind_hint, verdict.kind_because)
            });
            plain.add(
                verdict
                    .labels
                    .iter()
                    .all(|label| label.name != "scanner_output"),
                || format!("{name}: {:?}", verdict.labels),
            );
            read_so.add(verdict.reads_like_report, || name.to_owned());
            no_key.add(!verdict.wants_key, || name.to_owned());
            answered.add(verdict.automatic.is_none(), || {
                format!("{name}: {:?}", verdict.automatic)
            });
        }
        kinds.at_least(98.0);
        plain.at_least(98.0);
        read_so.at_least(98.0);
        no_key.at_least(100.0);
        answered.at_least(100.0);
    }
}

#[test]
fn own_words_of_replies() {
    let Some(path) = corpus("reply-quotes") else {
        return;
    };
    let mut tested = Rate::new("reply-quotes: origin-test");
    let mut tool = Rate::new("reply-quotes: tool");
    for row in expectations(&path) {
        let Some(expected) = row["reply_text"].as_str() else {
            continue;
        };
        let name = field(&row, "file");
        let bytes = std::fs::read(path.join(name)).unwrap();
        let text = if name.ends_with(".eml") {
            open(&bytes).text
        } else {
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let own = collapse(&own_words(&text));
        let expected = collapse(expected);
        let hit = own == expected || own == expected.split(" -- ").next().unwrap_or_default();
        let rate = if field(&row, "truth") == "origin-test" {
            &mut tested
        } else {
            &mut tool
        };
        rate.add(hit, || format!("{name}: {own:.300}"));
    }
    tested.at_least(95.0);
    tool.at_least(60.0);
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
