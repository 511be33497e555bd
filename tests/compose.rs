//! What we compose, a reader takes back in: the same words, nothing more, and within the
//! bounds of the standards.

use chrono::{DateTime, Utc};
use mail_parser::{Message, MessageParser, MimeHeaders};
use proptest::prelude::*;
use triaged::mail::compose::{
    AutoSubmitted, Draft, File, Html, KeyAttachment, Picture, encrypted, plain, signed,
};
use triaged::mail::message::{Address, Digest};
use triaged::mail::open::{self, Limits, Opening};

mod common;

use common::letter::signed_parts;
use common::{Algorithm, Gpg};

fn draft() -> Draft {
    Draft {
        from: Address {
            name: Some("Example Corp Security".to_owned()),
            email: "security@example.test".to_owned(),
        },
        to: "ann@example.test".to_owned(),
        subject: "[SEC-2026-0001] We have received your report".to_owned(),
        text: "Hello,\n\nthank you.\n\n.\n..two\nFrom here\n-- \ntrailing \n".to_owned(),
        in_reply_to: Some("first@example.test".to_owned()),
        references: vec![
            "zero@example.test".to_owned(),
            "first@example.test".to_owned(),
        ],
        message_id: "0123abc@example.test".to_owned(),
        date: DateTime::from_timestamp(1_777_630_800, 0).unwrap(),
        auto_submitted: AutoSubmitted::Replied,
        html: None,
        files: Vec::new(),
        attach_key: None,
        autocrypt: None,
    }
}

fn key() -> KeyAttachment {
    let line = "mDMEZ0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW\n";
    KeyAttachment {
        file_name: "security.asc".to_owned(),
        armored: format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{}=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n",
            line.repeat(10)
        ),
    }
}

#[track_caller]
fn parse(bytes: &[u8]) -> Message<'_> {
    assert_sound(bytes);
    MessageParser::default().parse(bytes).unwrap()
}

/// 7-bit, CRLF alone, no line above 998 octets, no header line without name or fold.
#[track_caller]
fn assert_sound(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.is_ascii(), "{text}");
    assert!(text.ends_with("\r\n"));
    assert!(
        !text.replace("\r\n", "").contains(['\r', '\n', '\0']),
        "{text:?}"
    );
    assert!(text.lines().all(|line| line.len() <= 998));
    for line in header_of(text).lines() {
        let named = line
            .split_once(':')
            .is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        assert!(named || line.starts_with([' ', '\t']), "{line:?}");
        assert!(
            !line.trim().is_empty(),
            "a line of white space alone: {line:?}"
        );
    }
}

fn header_of(mail: &str) -> &str {
    mail.split_once("\r\n\r\n").unwrap().0
}

/// Names of the outermost fields, in order.
fn field_names(mail: &str) -> Vec<&str> {
    header_of(mail)
        .lines()
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split_once(':').unwrap().0)
        .collect()
}

fn string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn text_of(message: &Message<'_>) -> String {
    let text = message.body_text(0).unwrap().replace("\r\n", "\n");
    text.trim_end_matches('\n').to_owned()
}

fn one_line(text: &str) -> String {
    let clean = text.replace(char::is_control, " ").replace("=?", "= ?");
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_plain_reply_has_what_the_contract_says() {
    let bytes = plain(&draft());
    let mail = parse(&bytes);
    assert_eq!(
        mail.subject(),
        Some("[SEC-2026-0001] We have received your report")
    );
    let from = mail.from().unwrap().first().unwrap();
    assert_eq!(from.name(), Some("Example Corp Security"));
    assert_eq!(from.address(), Some("security@example.test"));
    assert_eq!(
        mail.to().unwrap().first().unwrap().address(),
        Some("ann@example.test")
    );
    assert_eq!(mail.message_id(), Some("0123abc@example.test"));
    assert_eq!(mail.in_reply_to().as_text(), Some("first@example.test"));
    assert_eq!(
        mail.references().as_text_list().unwrap().to_vec(),
        ["zero@example.test", "first@example.test"]
    );
    assert_eq!(
        mail.date().unwrap().to_timestamp(),
        draft().date.timestamp()
    );
    assert_eq!(
        mail.header("Auto-Submitted").unwrap().as_text(),
        Some("auto-replied")
    );
    assert_eq!(mail.content_type().unwrap().ctype(), "text");
    assert_eq!(text_of(&mail), draft().text.trim_end_matches('\n'));
    assert_eq!(mail.attachment_count(), 0);
    assert_eq!(
        field_names(std::str::from_utf8(&bytes).unwrap()),
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "In-Reply-To",
            "References",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        ]
    );
}

#[test]
fn a_letter_of_a_person_does_not_say_that_a_machine_wrote_it() {
    let mut draft = draft();
    draft.auto_submitted = AutoSubmitted::No;
    draft.in_reply_to = None;
    draft.references.clear();
    let names = string(plain(&draft));
    for absent in ["Auto-Submitted", "In-Reply-To", "References", "Autocrypt"] {
        assert!(!field_names(&names).contains(&absent), "{absent}");
    }
}

#[test]
fn the_key_travels_as_an_attachment() {
    let mut draft = draft();
    draft.attach_key = Some(key());
    let bytes = plain(&draft);
    let mail = parse(&bytes);
    assert_eq!(text_of(&mail), draft.text.trim_end_matches('\n'));
    assert_eq!(mail.attachment_count(), 1);
    let attachment = mail.attachment(0).unwrap();
    assert_eq!(attachment.attachment_name(), Some("security.asc"));
    let kind = attachment.content_type().unwrap();
    assert_eq!(
        (kind.ctype(), kind.subtype()),
        ("application", Some("pgp-keys"))
    );
    let armored = attachment.text_contents().unwrap().replace("\r\n", "\n");
    assert_eq!(armored.trim_end(), key().armored.trim_end());
}

#[test]
fn autocrypt_is_folded_and_whole() {
    fn check(value: String, longest: usize) {
        let mut draft = draft();
        draft.autocrypt = Some(value.clone());
        let mail = string(plain(&draft));
        parse(mail.as_bytes());
        let begin = mail.find("Autocrypt: ").unwrap();
        let field = mail.get(begin + "Autocrypt: ".len()..).unwrap();
        let end = field.find("\r\nMIME-Version").unwrap();
        let field = field.get(..end).unwrap();
        assert!(field.lines().all(|line| line.len() <= longest), "{field}");
        let bare = |text: &str| text.replace(char::is_whitespace, "");
        assert_eq!(bare(field), bare(&value));
    }
    let attributes = "addr=security@example.test; prefer-encrypt=mutual; keydata=";
    let spaced = [&"QUJD".repeat(17), " "].concat().repeat(60);
    check(format!("{attributes}{spaced}"), 80);
    check(format!("{attributes}{}", "QUJD".repeat(2_000)), 80);
}

#[test]
fn nothing_given_begins_a_field_of_its_own() {
    let evil = "x\r\nBcc: victim@example.test\r\n\r\nbody";
    let mut draft = draft();
    draft.from.name = Some(evil.to_owned());
    draft.from.email = "security@example.test\r\nBcc: victim@example.test".to_owned();
    draft.to = "ann@example.test\r\nBcc: victim@example.test".to_owned();
    draft.subject = evil.to_owned();
    draft.in_reply_to = Some(evil.to_owned());
    draft.references = vec![evil.to_owned(), "good@example.test".to_owned()];
    draft.message_id = evil.to_owned();
    draft.autocrypt = Some(evil.to_owned());
    draft.attach_key = Some(KeyAttachment {
        file_name: evil.to_owned(),
        ..key()
    });
    let mail = string(plain(&draft));
    let parsed = parse(mail.as_bytes());
    assert!(parsed.header("Bcc").is_none());
    assert!(parsed.to().is_none());
    assert!(parsed.in_reply_to().as_text().is_none());
    assert_eq!(parsed.references().as_text(), Some("good@example.test"));
    assert_eq!(parsed.attachment_count(), 1);
    let wrapped = string(encrypted(&draft, evil, |_| Ok(armored())).unwrap());
    assert!(parse(wrapped.as_bytes()).header("Bcc").is_none());
}

#[test]
fn a_long_thread_is_bounded() {
    let mut draft = draft();
    draft.references = (0..500)
        .map(|n| format!("{n}.{}@example.test", "x".repeat(60)))
        .collect();
    let bytes = plain(&draft);
    let mail = parse(&bytes);
    let references = mail.references().as_text_list().unwrap();
    assert_eq!(references.len(), 21);
    assert!(references[0].starts_with("0."));
    assert!(references[20].starts_with("499."));
}

fn armored() -> Vec<u8> {
    b"-----BEGIN PGP MESSAGE-----\n\nwV4D\n=abcd\n-----END PGP MESSAGE-----\n".to_vec()
}

/// The mail, and what was handed over for encryption.
fn encrypt(draft: &Draft) -> (String, String) {
    let mut inner = Vec::new();
    let mail = encrypted(draft, "[SEC-2026-0001]", |payload| {
        inner = payload.to_vec();
        Ok(armored())
    });
    (string(mail.unwrap()), string(inner))
}

#[test]
fn an_encrypted_reply_shows_nothing_of_its_words() {
    let mut draft = draft();
    draft.subject = "[SEC-2026-0001] secret subject".to_owned();
    draft.text = "secret text".to_owned();
    draft.attach_key = Some(key());
    draft.autocrypt = Some("addr=security@example.test; keydata=QUJD".to_owned());
    let (mail, inner) = encrypt(&draft);
    assert!(
        !mail.contains("secret") && !mail.contains("PUBLIC KEY"),
        "{mail}"
    );

    let outer = parse(mail.as_bytes());
    assert_eq!(outer.subject(), Some("[SEC-2026-0001]"));
    let kind = outer.content_type().unwrap();
    assert_eq!(
        (kind.ctype(), kind.subtype()),
        ("multipart", Some("encrypted"))
    );
    assert_eq!(
        kind.attribute("protocol"),
        Some("application/pgp-encrypted")
    );
    assert!(outer.header("Autocrypt").is_some());
    assert!(outer.header("HP-Outer").is_none());
    let parts: Vec<_> = outer.parts.iter().skip(1).collect();
    let kinds: Vec<_> = parts
        .iter()
        .filter_map(|part| part.content_type()?.subtype())
        .collect();
    assert_eq!(kinds, ["pgp-encrypted", "octet-stream"]);
    assert_eq!(parts[0].contents(), b"Version: 1");
    let body = String::from_utf8_lossy(parts[1].contents()).replace("\r\n", "\n");
    assert_eq!(body.trim_end().as_bytes(), armored().trim_ascii_end());

    let within = parse(inner.as_bytes());
    assert_eq!(within.subject(), Some("[SEC-2026-0001] secret subject"));
    assert_eq!(text_of(&within), "secret text");
    assert_eq!(within.attachment_count(), 1);
}

#[test]
fn protected_fields_follow_rfc_9788() {
    for attach_key in [None, Some(key())] {
        let (mail, inner) = encrypt(&Draft {
            attach_key,
            ..draft()
        });
        let outer = parse(mail.as_bytes());
        let within = parse(inner.as_bytes());
        assert_eq!(
            within.content_type().unwrap().attribute("hp"),
            Some("cipher")
        );
        assert_eq!(
            outer.from().unwrap().first(),
            within.from().unwrap().first()
        );
        assert_eq!(outer.to().unwrap().first(), within.to().unwrap().first());
        assert_eq!(outer.message_id(), within.message_id());
        assert_eq!(outer.date(), within.date());
        let hp_outer: Vec<&str> = header_of(&inner)
            .lines()
            .filter_map(|line| line.strip_prefix("HP-Outer: "))
            .collect();
        let visible: Vec<&str> = header_of(&mail)
            .lines()
            .filter(|line| !line.starts_with([' ', '\t']))
            .take_while(|line| !line.starts_with("MIME-Version"))
            .collect();
        assert_eq!(hp_outer, visible);
        assert!(hp_outer.contains(&"Subject: [SEC-2026-0001]"));
    }
}

#[test]
fn what_cannot_be_encrypted_is_not_sent() {
    let refused = encrypted(&draft(), "[SEC-2026-0001]", |_| Err("expired".to_owned()));
    assert_eq!(refused, Err("expired".to_owned()));
    let binary = encrypted(&draft(), "[SEC-2026-0001]", |_| Ok(vec![0xc1, 0x80]));
    assert!(binary.is_err());
}

/// Every byte there is, and those that a relay would change.
fn awkward_bytes() -> Vec<u8> {
    let every: Vec<u8> = (0..=255).collect();
    [&every[..], b"\r\nFrom here\n.\r..\n--\n \n\0"].concat()
}

fn file(name: &str, media_type: &str, bytes: &[u8]) -> File {
    File {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        bytes: bytes.to_vec(),
    }
}

fn page() -> Html {
    Html {
        page: "<!doctype html>\n<title>Board</title>\n<p>Gr\u{fc}\u{df}e, <b>3</b> open</p>\n\
               From <img src=\"cid:open-cases\" alt=\"3 open\">\n"
            .to_owned(),
        pictures: vec![
            Picture {
                id: "open-cases".to_owned(),
                png: awkward_bytes(),
            },
            Picture {
                id: "arrivals".to_owned(),
                png: b"\x89PNG\r\n\x1a\n".repeat(5_000),
            },
        ],
    }
}

/// With HTML, pictures, files and the key.
fn everything() -> Draft {
    Draft {
        html: Some(page()),
        files: vec![
            file("poc.py", "text/x-python", b"print('\xc3\xa4')\r\n"),
            file(
                "\u{dc}bersicht f\u{fc}r M\u{fc}ller.pdf",
                "application/pdf",
                &awkward_bytes(),
            ),
        ],
        attach_key: Some(key()),
        ..draft()
    }
}

/// Media types as a tree: a multipart with its parts in brackets.
fn shape(mail: &Message<'_>, at: usize) -> String {
    let part = &mail.parts[at];
    let kind = part.content_type().unwrap();
    let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default());
    match part.sub_parts() {
        None => kind,
        Some(children) => {
            let children: Vec<String> = children
                .iter()
                .map(|child| shape(mail, *child as usize))
                .collect();
            format!("{kind}({})", children.join(" "))
        }
    }
}

#[track_caller]
fn check_everything(bytes: &[u8]) {
    let mail = parse(bytes);
    assert_eq!(
        shape(&mail, 0),
        "multipart/mixed(multipart/alternative(text/plain multipart/related(text/html \
         image/png image/png)) text/x-python application/pdf application/pgp-keys)"
    );
    assert_eq!(text_of(&mail), draft().text.trim_end_matches('\n'));
    let html = mail.body_html(0).unwrap().replace("\r\n", "\n");
    assert_eq!(html.trim_end(), page().page.trim_end());
    for picture in page().pictures {
        let part = mail
            .parts
            .iter()
            .find(|part| part.content_id() == Some(&picture.id))
            .unwrap();
        assert_eq!(part.contents(), picture.png);
    }
    for file in everything().files {
        let part = mail
            .parts
            .iter()
            .find(|part| part.attachment_name() == Some(&file.name))
            .unwrap_or_else(|| panic!("{}", file.name));
        assert_eq!(part.contents(), file.bytes);
    }
    // As our own reader sees it.
    let context = Opening {
        keyring: None,
        known: &[],
        limits: Limits::default(),
    };
    let read = open::open(bytes, &context, Utc::now());
    assert_eq!(read.text.trim_end(), draft().text.trim_end());
    assert_eq!(read.problems, []);
    for file in everything().files {
        let found = read.attachments.iter().find(|it| it.name == file.name);
        let found = found.unwrap_or_else(|| panic!("{}: {:?}", file.name, read.attachments));
        assert_eq!(found.digest, Digest::of(&file.bytes));
        assert_eq!(found.media_type, file.media_type);
    }
}

#[test]
fn html_pictures_files_and_key_travel_together() {
    check_everything(&plain(&everything()));
    let (outer, inner) = encrypt(&everything());
    check_everything(inner.as_bytes());
    for inside in ["Board", "open-cases", "poc.py", "bersicht", "PUBLIC KEY"] {
        assert!(!outer.contains(inside), "{inside}");
    }
    let protected = parse(inner.as_bytes());
    let kind = protected.content_type().unwrap();
    assert_eq!(kind.attribute("hp"), Some("cipher"));
}

#[test]
fn html_alone_has_no_mixed_around() {
    let mut draft = everything();
    draft.files.clear();
    draft.attach_key = None;
    let bytes = plain(&draft);
    let mail = parse(&bytes);
    let both = "multipart/alternative(text/plain multipart/related(text/html image/png image/png))";
    assert_eq!(shape(&mail, 0), both);
    let related = &mail.parts[mail.parts[0].sub_parts().unwrap()[1] as usize];
    let kind = related.content_type().unwrap();
    assert_eq!(kind.attribute("type"), Some("text/html"));
    draft.html.as_mut().unwrap().pictures.clear();
    let bytes = plain(&draft);
    assert_eq!(
        shape(&parse(&bytes), 0),
        "multipart/alternative(text/plain text/html)"
    );
    let (_, inner) = encrypt(&draft);
    let inner = parse(inner.as_bytes());
    let kind = inner.content_type().unwrap();
    assert_eq!(kind.attribute("hp"), Some("cipher"));
    assert_eq!(kind.attribute("protected-headers"), Some("v1"));
}

#[test]
fn gpg_verifies_and_opens_all_of_it() {
    let gpg = Gpg::new();
    let us = gpg.generate("Security", "security@example.test", Algorithm::Curve25519);
    gpg.generate("Ann", "ann@example.test", Algorithm::Curve25519);

    let bytes = signed(&everything(), |entity| {
        let signature = gpg.sign_detached(entity, &us);
        Ok((signature.into_bytes(), "pgp-sha512".to_owned()))
    })
    .unwrap();
    assert_sound(&bytes);
    let (entity, signature) = signed_parts(&bytes);
    assert_eq!(gpg.verify(entity.as_bytes(), signature), Some(us.clone()));
    for line in entity.split("\r\n") {
        assert!(
            !line.ends_with([' ', '\t']) && !line.starts_with("From "),
            "{line:?}"
        );
    }
    check_everything(format!("{entity}\r\n").as_bytes());

    let bytes = encrypted(&everything(), "[SEC-2026-0001]", |inner| {
        Ok(gpg
            .encrypt(inner, &["ann@example.test"], Some(&us))
            .into_bytes())
    })
    .unwrap();
    let mail = parse(&bytes);
    let opened = gpg.decrypt(mail.parts[2].contents());
    assert_eq!(opened.signed_by, Some(us));
    check_everything(&opened.bytes);
}

#[test]
fn names_and_types_of_files_are_harmless() {
    #[track_caller]
    fn check(name: &str, media_type: &str, expected: (&str, &str)) {
        let mut draft = draft();
        draft.files = vec![file(name, media_type, "bytes \u{fc}".as_bytes())];
        let bytes = plain(&draft);
        let mail = parse(&bytes);
        assert!(mail.header("Bcc").is_none());
        let [attached] = mail.attachments().collect::<Vec<_>>()[..] else {
            panic!("{:?}", mail.attachments);
        };
        let kind = attached.content_type().unwrap();
        let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap());
        assert_eq!(
            (attached.attachment_name(), kind.as_str()),
            (Some(expected.0), expected.1)
        );
        assert_eq!(attached.contents(), "bytes \u{fc}".as_bytes());
    }
    let octets = "application/octet-stream";
    check("a.txt", "Text/Plain", ("a.txt", "text/plain"));
    let mut latin = draft();
    latin.files = vec![file("a.txt", "text/plain", b"f\xfcr")];
    let bytes = plain(&latin);
    let kind = parse(&bytes)
        .attachment(0)
        .unwrap()
        .content_type()
        .unwrap()
        .subtype()
        .map(str::to_owned);
    assert_eq!(kind.as_deref(), Some("octet-stream"));
    check("/etc/passwd", "a b/c", ("passwd", octets));
    check(
        "a\r\nBcc: victim@example.test",
        "x/y\r\nBcc: v@example.test",
        ("a  Bcc: victim@example.test", octets),
    );
    check(
        "\"; filename=\"other",
        "text/plain; charset=utf-7",
        ("\"; filename=\"other", octets),
    );
    check("", "", ("attachment", octets));
    check("mail.eml", "message/rfc822", ("mail.eml", octets));
    check("x", "multipart/mixed", ("x", octets));
    check("x", "application/pgp-encrypted", ("x", octets));
    check("\u{202e}gpj.exe", "image/jpeg", ("gpj.exe", "image/jpeg"));
    check("=?utf-8?q?boo?=", octets, ("= ?utf-8?q?boo?=", octets));
    check("50%25 off*.txt", octets, ("50%25 off*.txt", octets));
    let long = format!("{}.pdf", "\u{65e5}\u{672c}".repeat(120));
    check(&long, "application/pdf", (&long, "application/pdf"));
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{1,100}", "[ -~]{1,300}", "[\u{80}-\u{2fff}]{1,255}"]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,300}",
        "[ -~\t]{0,300}",
        "(=\\?|utf-8|\\?q\\?|\\?=|\"|\\\\|<|>|,|;|é| ){0,40}",
        Just("x".repeat(2_000)),
        Just("ü".repeat(200)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "\\PC{0,80}",
        "[.]{0,3}[ -~]{0,100}",
        "(From |=|=3D|--|\t| ){0,5}",
        Just("y".repeat(3_000)),
        Just("日本".repeat(100)),
    ];
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

fn date() -> impl Strategy<Value = DateTime<Utc>> {
    (0i64..4_102_444_800).prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

/// What arrives of words that had to be cut.
fn as_cut(words: &str) -> String {
    let line = one_line(words);
    match line.char_indices().nth(250) {
        None => line,
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_file_is_read_back(
        name in names(),
        bytes in proptest::collection::vec(any::<u8>(), 0..3_000),
        page in text(),
    ) {
        let mut draft = draft();
        draft.files = vec![file(&name, "application/x-thing", &bytes)];
        draft.html = Some(Html { page: page.clone(), pictures: Vec::new() });
        let expected = triaged::mail::text::safe_name(&name).unwrap_or("attachment".to_owned());
        let expected = expected.replace("=?", "= ?");
        let (mail, inner) = encrypt(&draft);
        assert_sound(mail.as_bytes());
        let clear = string(plain(&draft));
        for mail in [clear.as_bytes(), inner.as_bytes()] {
            let read = parse(mail);
            let attached = read.attachment(0).unwrap();
            prop_assert_eq!(attached.attachment_name(), Some(expected.as_str()));
            prop_assert_eq!(attached.contents(), &bytes);
            let html = read.body_html(0).unwrap().replace("\r\n", "\n");
            prop_assert_eq!(html.trim_end_matches('\n'), page.trim_end_matches('\n'));
        }
    }

    #[test]
    fn every_draft_is_read_back(
        subject in words(),
        name in words(),
        text in text(),
        date in date(),
        with_key in any::<bool>(),
    ) {
        let mut draft = draft();
        draft.subject = subject.clone();
        draft.from.name = Some(name.clone());
        draft.text = text.clone();
        draft.date = date;
        draft.attach_key = with_key.then(key);

        let (mail, inner) = encrypt(&draft);
        assert_sound(mail.as_bytes());
        let clear = string(plain(&draft));
        for bytes in [clear.as_bytes(), inner.as_bytes()] {
            let read = parse(bytes);
            prop_assert_eq!(read.subject().unwrap_or_default(), as_cut(&subject));
            let from = read.from().unwrap().first().unwrap();
            prop_assert_eq!(from.name().unwrap_or_default(), as_cut(&name));
            prop_assert_eq!(from.address(), Some("security@example.test"));
            prop_assert_eq!(read.date().unwrap().to_timestamp(), date.timestamp());
            prop_assert_eq!(text_of(&read), text.trim_end_matches('\n'));
            prop_assert_eq!(read.attachment_count(), usize::from(with_key));
        }
    }
}
