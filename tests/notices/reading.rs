//! A notice as its member reads it: decrypted by GnuPG, taken apart by a MIME parser.

use mail_parser::{Message, MessageParser, MimeHeaders};

use crate::common::{SECURITY_ADDRESS, Setup};

/// Stands in every report. It must be in no log and in no mail in clear.
pub const MARKER: &str = "zanzibar4711";

/// A notice, opened.
#[derive(Clone, Debug)]
pub struct Told {
    /// Within the encryption.
    pub subject: String,
    pub text: String,
    pub html: String,
    /// By name.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Told {
    /// Without the number of the case in front.
    pub fn title(&self) -> &str {
        let rest = self.subject.split_once("] ");
        rest.map_or(self.subject.as_str(), |(_, title)| title)
    }

    /// As it stands, or folded.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) {
        let unfolded: Vec<&str> = self.text.split_whitespace().collect();
        let unfolded = unfolded.join(" ");
        for part in parts {
            assert!(
                self.text.contains(part) || unfolded.contains(part),
                "{part:?} is not in {}",
                self.text
            );
        }
    }

    /// The commands that the link of this label puts into a mail.
    #[track_caller]
    pub fn linked(&self, label: &str) -> Vec<String> {
        let end = format!(">{label}</a>");
        let (before, _) = self
            .html
            .split_once(&end)
            .unwrap_or_else(|| panic!("no link {label:?} in {}", self.html));
        let (_, href) = before.rsplit_once("<a href=\"").expect("a link");
        let (href, _) = href.split_once('"').expect("its end");
        let href = href.replace("&amp;", "&");
        let href = html_unescaped(&href);
        assert!(
            self.text.contains(&href),
            "{href} is not in the text: {}",
            self.text
        );
        let start = format!("mailto:{SECURITY_ADDRESS}?subject=Command&body=");
        let body = href.strip_prefix(&start).expect("a mail to us");
        let body = decoded(body);
        body.split("\r\n").map(str::to_owned).collect()
    }
}

fn html_unescaped(text: &str) -> String {
    text.replace("&#x2f;", "/").replace("&#x27;", "'")
}

/// RFC 3986, 2.1.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| digit.expect("a digit"));
                let digits = std::str::from_utf8(&digits).expect("digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// What anybody on the way sees of a mail to the team says nothing.
#[track_caller]
pub fn check_outside(bytes: &[u8]) {
    let seen = String::from_utf8_lossy(bytes);
    for secret in [MARKER, "SEC-", "@research.test"] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
    let outside = parsed(bytes);
    assert_eq!(
        outside.header_raw("Auto-Submitted").map(str::trim),
        Some("auto-generated")
    );
}

/// A notice that must be encrypted to a member and signed by us.
#[track_caller]
pub fn opened(setup: &Setup, bytes: &[u8]) -> Told {
    check_outside(bytes);
    let outside = parsed(bytes);
    assert_eq!(outside.subject(), Some("Encrypted message"));
    let cipher = outside.parts.last().expect("a part").contents().to_vec();
    let opened = setup.gpg.decrypt(&cipher);
    assert_eq!(opened.signed_by.as_ref(), Some(&setup.fingerprint));
    let inside = parsed(&opened.bytes);
    let files = inside.attachments().map(|part| {
        let name = part.attachment_name().unwrap_or_default().to_owned();
        (name, part.contents().to_vec())
    });
    Told {
        subject: inside.subject().expect("a subject").to_owned(),
        text: inside.body_text(0).expect("a text").replace("\r\n", "\n"),
        html: inside.body_html(0).expect("a page").into_owned(),
        files: files.collect(),
    }
}

pub fn parsed(bytes: &[u8]) -> Message<'static> {
    let message = MessageParser::default().parse(bytes);
    message.expect("a mail").into_owned()
}
