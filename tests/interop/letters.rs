//! Every letter of ours behind a real mail server: verified by the other programs, and in the form that
//! Thunderbird asks for (`mimeDecrypt`, `mimeVerify` and `mime` of its source).
//!
//! The words are those of `tests/letters/`: all templates, over all moments, in both languages.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use sequoia_openpgp::packet::Packet;
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};
use triaged::mail::compose::{self, Draft, KeyAttachment};
use triaged::mail::pgp::Keyring;

use crate::common::{Dovecot, Postfix, Researcher, SOON, wait_until};
use crate::exchange::draft;
use crate::keys::Key;
use crate::mime::{body, field, media_type, parameter, parts, signed_parts};
use crate::programs::{Gnupg, Program, Sq};
use crate::{certificates, key, keyring, messages, opened};

const READER: &str = "ann@research.test";
const THEIRS: &str = "RSA 3072";

/// A letter in words.
struct Words {
    file: String,
    subject: String,
    text: String,
}

#[test]
fn every_letter_is_verified_behind_a_mail_server() {
    let dovecot = Dovecot::start();
    let postfix = Postfix::start(&dovecot);
    let reader = Researcher::new(&dovecot, &postfix, "Ann", READER);
    let us = messages::generated();
    let ours = keyring(&us);
    let letters = all_words();
    for words in &letters {
        for mail in [in_clear(words, &us, &ours), sealed(words, &us, &ours)] {
            postfix.send(&us.email, READER, &mail);
        }
    }
    wait_until("all letters", SOON, || postfix.queue_length() == 0);
    let mails = reader.raw_inbox();
    assert_eq!(mails.len(), 2 * letters.len());
    let programs: [&dyn Program; 2] = [&Gnupg::new(), &Sq::new()];
    let mut in_clear = 0;
    for mail in mails {
        match media_type(&mail).as_str() {
            "multipart/signed" => {
                check_signed(&mail, &letters, &us, &programs);
                in_clear += 1;
            }
            _ => check_sealed(&mail, &letters, &us, &programs),
        }
    }
    assert_eq!(in_clear, letters.len());
}

fn all_words() -> Vec<Words> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/letters");
    let files = ["de", "en"].map(|language| std::fs::read_dir(folder.join(language)).unwrap());
    let words = |file: std::fs::DirEntry| {
        let shown = std::fs::read_to_string(file.path()).unwrap();
        let (subject, text) = shown.split_once("\n\n").unwrap();
        Words {
            file: file.path().display().to_string(),
            subject: subject.strip_prefix("Subject: ").unwrap().to_owned(),
            text: text.to_owned(),
        }
    };
    let files = files.into_iter().flatten();
    let all: Vec<Words> = files.map(|file| words(file.unwrap())).collect();
    assert!(all.len() > 70, "{} letters", all.len());
    all
}

fn in_clear(words: &Words, us: &Key, ours: &Keyring) -> Vec<u8> {
    let draft = draft_of(words, us, ours);
    let signed = compose::signed(&draft, |entity| {
        let signature = ours.sign_detached(entity, Utc::now());
        signature.map_err(|error| error.to_string())
    });
    signed.unwrap_or_else(|error| panic!("{}: {error}", words.file))
}

fn sealed(words: &Words, us: &Key, ours: &Keyring) -> Vec<u8> {
    let certificate = certificates(key(THEIRS)).remove(0);
    let draft = draft_of(words, us, ours);
    let sealed = compose::encrypted(&draft, OUTER_SUBJECT, |payload| {
        let sealed = ours.encrypt_signed(&certificate, payload, Utc::now());
        sealed.map_err(|error| error.to_string())
    });
    sealed.unwrap_or_else(|error| panic!("{}: {error}", words.file))
}

const OUTER_SUBJECT: &str = "[SEC-2026-0001] Encrypted message";

fn draft_of(words: &Words, us: &Key, ours: &Keyring) -> Draft {
    Draft {
        subject: words.subject.clone(),
        text: words.text.clone(),
        html: None,
        files: Vec::new(),
        attach_key: Some(KeyAttachment {
            file_name: "security.asc".to_owned(),
            armored: ours.certificate(),
        }),
        autocrypt: Some(ours.autocrypt(&us.email)),
        ..draft(READER)
    }
}

/// RFC 3156, 5, and the protected header of RFC 9788.
fn check_signed(mail: &[u8], letters: &[Words], us: &Key, programs: &[&dyn Program]) {
    let form = field(mail, "Content-Type");
    assert_eq!(
        parameter(&form, "protocol").as_deref(),
        Some("application/pgp-signature")
    );
    let micalg = parameter(&form, "micalg").expect("micalg");
    let (entity, signature) = signed_parts(mail);
    assert_eq!(media_type(parts(mail)[1]), "application/pgp-signature");
    assert!(signature.starts_with(b"-----BEGIN PGP SIGNATURE-----\r\n"));
    check_signature_packet(signature, &micalg, &field(mail, "Date"));
    // It looks for the quotes.
    assert!(
        form.contains("protocol=\"application/pgp-signature\""),
        "{form}"
    );
    check_survives_relays(entity);
    let inner_form = field(entity, "Content-Type");
    assert_eq!(parameter(&inner_form, "hp").as_deref(), Some("clear"));
    assert_eq!(
        parameter(&inner_form, "protected-headers").as_deref(),
        Some("v1")
    );
    assert_eq!(field(entity, "Subject"), field(mail, "Subject"));
    assert_eq!(field(entity, "From"), field(mail, "From"));

    for program in programs {
        let verified = program.verifies(entity, signature, us);
        assert_eq!(verified, Ok(()), "{}", program.name());
    }
    let read = opened(mail, None, &certificates(us));
    let words = words_of(&read.subject, &read.text, letters);
    assert_eq!(read.openpgp.signatures.len(), 1, "{}", words.file);
    assert_eq!(
        read.openpgp.signatures[0].status.as_str(),
        "good",
        "{}",
        words.file
    );
}

/// RFC 3156, 4, and the protected header of RFC 9788.
fn check_sealed(mail: &[u8], letters: &[Words], us: &Key, programs: &[&dyn Program]) {
    let form = field(mail, "Content-Type");
    assert_eq!(media_type(mail), "multipart/encrypted");
    assert_eq!(
        parameter(&form, "protocol").as_deref(),
        Some("application/pgp-encrypted")
    );
    assert_eq!(field(mail, "Subject"), OUTER_SUBJECT);
    let parts = parts(mail);
    let [version, message] = parts.as_slice() else {
        panic!("{} parts", parts.len());
    };
    assert_eq!(media_type(version), "application/pgp-encrypted");
    assert_eq!(body(version).trim_ascii_end(), b"Version: 1");
    assert_eq!(media_type(message), "application/octet-stream");
    let encoding = field(message, "Content-Transfer-Encoding");
    assert!(["", "7bit"].contains(&encoding.as_str()), "{encoding}");
    let message = body(message);
    assert!(message.starts_with(b"-----BEGIN PGP MESSAGE-----\r\n"));
    assert!(
        message
            .trim_ascii_end()
            .ends_with(b"-----END PGP MESSAGE-----")
    );
    check_message_packets(message);

    for program in programs {
        let plaintext = program.decrypts(message, key(THEIRS), us);
        let plaintext = plaintext.unwrap_or_else(|error| panic!("{}: {error}", program.name()));
        let form = field(&plaintext, "Content-Type");
        assert_eq!(parameter(&form, "hp").as_deref(), Some("cipher"));
        assert_eq!(parameter(&form, "protected-headers").as_deref(), Some("v1"));
        let read = opened(&plaintext, None, &[]);
        words_of(&read.subject, &read.text, letters);
    }
}

/// The letter that was read, word for word.
#[track_caller]
fn words_of<'w>(subject: &str, text: &str, letters: &'w [Words]) -> &'w Words {
    let is_it =
        |words: &&Words| words.subject == subject && words.text.trim_end() == text.trim_end();
    let found = letters.iter().find(is_it);
    found.unwrap_or_else(|| panic!("no letter of ours: {subject}\n\n{text}"))
}

/// Gateways strip white space at the ends of lines and escape "From " (RFC 3156, 5); 8-bit text they recode.
fn check_survives_relays(entity: &[u8]) {
    let text = std::str::from_utf8(entity).unwrap();
    assert!(text.is_ascii());
    for line in text.split("\r\n") {
        assert!(!line.contains(['\r', '\n']), "{line:?}");
        assert!(!line.ends_with([' ', '\t']), "{line:?}");
        assert!(!line.starts_with("From "), "{line:?}");
        assert!(line.len() <= 998);
    }
}

/// Version 4, the hash that `micalg` names, as readers hash before they see the signature, and the time of the mail:
/// Thunderbird compares the two.
fn check_signature_packet(signature: &[u8], micalg: &str, date: &str) {
    let packets = packets(signature);
    let [Packet::Signature(signature)] = packets.as_slice() else {
        panic!("{packets:?}");
    };
    assert_eq!(signature.version(), 4);
    let hash = signature.hash_algo().to_string().to_lowercase();
    assert_eq!(micalg, format!("pgp-{hash}"));
    let made_at = DateTime::<Utc>::from(signature.signature_creation_time().unwrap());
    let dated = DateTime::parse_from_rfc2822(date).unwrap();
    assert!(
        (made_at - dated.to_utc()).abs() < TimeDelta::seconds(5),
        "{made_at}, {dated}"
    );
}

/// Nothing newer than the recipient's certificate announces: version 3 session keys, version 1 encryption with its
/// integrity check. RNP and OpenPGP.js of today read both, and no version 6.
fn check_message_packets(message: &[u8]) {
    let packets = packets(message);
    let (last, session_keys) = packets.split_last().expect("packets");
    assert!(matches!(last, Packet::SEIP(container) if container.version() == 1));
    assert!(!session_keys.is_empty());
    for packet in session_keys {
        assert!(
            matches!(packet, Packet::PKESK(key) if key.version() == 3),
            "{packet:?}"
        );
    }
}

/// The outermost packets.
fn packets(armored: &[u8]) -> Vec<Packet> {
    let mut packets = Vec::new();
    let mut parsed = PacketParser::from_bytes(armored).unwrap();
    while let PacketParserResult::Some(parser) = parsed {
        let (packet, next) = parser.next().unwrap();
        packets.push(packet);
        parsed = next;
    }
    packets
}
