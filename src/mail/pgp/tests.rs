//! Messages and keys that no honest program writes, and what becomes of them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use secrecy::SecretString;
use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::packet::{UserID, prelude::*};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::{Compressor, Encryptor, LiteralWriter, Message, Signer};
use sequoia_openpgp::serialize::{Serialize, SerializeInto};
use sequoia_openpgp::types::{AEADAlgorithm, CompressionAlgorithm, Features, KeyFlags};
use sequoia_openpgp::{Cert, Packet, PacketPile, Profile};

use super::armor::{Label, armored};
use super::*;
use crate::mail::message::{Certificate, Failure, SignatureStatus};

const TEXT: &[u8] = b"send `A` 10,000 times\r\n";
const AT_MOST: usize = 1024 * 1024;
const US: &str = "security@example.test";
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn now() -> DateTime<Utc> {
    "2026-05-01T12:00:00Z".parse().unwrap()
}

fn secret(email: &str) -> Cert {
    let key = generate("Tester", email, None, YEAR, now()).unwrap();
    Cert::from_bytes(key.as_bytes()).unwrap()
}

fn load(key: Vec<u8>) -> (Keyring, Vec<String>) {
    let (keyring, problems) = Keyring::load(&[("file".to_owned(), key)], None, US, now());
    (keyring, problems.into_iter().map(|it| it.what).collect())
}

fn keyring(cert: &Cert) -> Keyring {
    let (keyring, problems) = load(cert.as_tsk().to_vec().unwrap());
    assert_eq!(problems, Vec::<String>::new());
    keyring
}

fn certificate(cert: &Cert) -> Certificate {
    read_certificates(&cert.to_vec().unwrap()).remove(0)
}

/// Bytes that outlive their writer, so that a message may borrow from the test.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a message; `layers` puts something around the literal data.
fn written<'a>(layers: impl FnOnce(Message<'a>) -> Message<'a>) -> Vec<u8> {
    written_with(layers, TEXT)
}

fn written_with<'a>(layers: impl FnOnce(Message<'a>) -> Message<'a>, text: &[u8]) -> Vec<u8> {
    let sink = Sink::default();
    let message = layers(Message::new(sink.clone()));
    let mut literal = LiteralWriter::new(message).build().unwrap();
    literal.write_all(text).unwrap();
    literal.finalize().unwrap();
    let packets = sink.0.lock().unwrap();
    packets.clone()
}

fn encrypted<'a>(message: Message<'a>, to: &'a Cert) -> Message<'a> {
    static POLICY: StandardPolicy = StandardPolicy::new();
    let keys = to.keys().with_policy(&POLICY, system_time(now()));
    let encryptor = Encryptor::for_recipients(message, keys.for_transport_encryption());
    encryptor.build().unwrap()
}

fn signed<'a>(message: Message<'a>, by: &Cert, to: Option<&Cert>) -> Message<'a> {
    signed_often(message, by, to, 1)
}

fn signed_often<'a>(
    message: Message<'a>,
    by: &Cert,
    to: Option<&Cert>,
    times: usize,
) -> Message<'a> {
    let policy = policy::current(now());
    let keys = by.keys().with_policy(&policy, system_time(now()));
    let key = keys.secret().for_signing().next().unwrap().key().clone();
    let key = key.into_keypair().unwrap();
    let mut signer = Signer::new(message, key.clone()).unwrap();
    for _ in 1..times {
        signer = signer.add_signer(key.clone()).unwrap();
    }
    let signer = signer.creation_time(system_time(now()));
    match to {
        Some(to) => signer.add_intended_recipient(to),
        None => signer,
    }
    .build()
    .unwrap()
}

fn compressed(message: Message) -> Message {
    let compressor = Compressor::new(message).algo(CompressionAlgorithm::Zlib);
    compressor.build().unwrap()
}

fn open(keyring: &Keyring, message: &[u8]) -> Result<Vec<u8>, Failure> {
    keyring
        .decrypt(message, &[], AT_MOST, now())
        .map(|opened| opened.bytes)
}

#[test]
fn keyrings_are_shared_and_show_no_secret() {
    fn shared<T: Send + Sync>(_: &T) {}
    let keyring = keyring(&secret(US));
    shared(&keyring);
    assert_eq!(
        format!("{keyring:?}"),
        format!("[{:?}]", keyring.fingerprint())
    );
}

#[test]
fn aead_messages_open() {
    if !AEADAlgorithm::OCB.is_supported() {
        eprintln!("SKIPPED: this OpenPGP backend has no OCB");
        return;
    }
    let encryption = KeyFlags::empty().set_transport_encryption();
    let (cert, _) = CertBuilder::new()
        .set_profile(Profile::RFC4880)
        .unwrap()
        .set_features(Features::empty().set_seipdv1().set_seipdv2())
        .unwrap()
        .set_creation_time(system_time(now()))
        .add_userid(format!("<{US}>"))
        .add_signing_subkey()
        .add_subkey(encryption, None, None)
        .generate()
        .unwrap();
    let message = written(|message| encrypted(message, &cert));
    let pile = PacketPile::from_bytes(&message).unwrap();
    let version_2 = |packet: &Packet| matches!(packet, Packet::SEIP(SEIP::V2(it)) if it.aead() == AEADAlgorithm::OCB);
    assert!(pile.children().any(version_2), "{pile:?}");
    let keyring = keyring(&cert);
    assert_eq!(open(&keyring, &message), Ok(TEXT.to_vec()));
    for position in (0..message.len()).step_by(8) {
        let mut changed = message.clone();
        changed[position] ^= 1;
        assert_harmless(&keyring, &changed, position);
    }
}

/// It does not open, or to what was written.
#[track_caller]
fn assert_harmless(keyring: &Keyring, message: &[u8], position: usize) {
    if let Ok(plain) = open(keyring, message) {
        assert_eq!(plain, TEXT, "changed at {position}");
    }
}

#[test]
fn no_changed_message_yields_another_plaintext() {
    let cert = secret(US);
    let keyring = keyring(&cert);
    let long: Vec<u8> = TEXT.iter().cycle().take(4_000).copied().collect();
    for text in [TEXT, &long] {
        let whole = written_with(
            |message| signed(encrypted(message, &cert), &cert, None),
            text,
        );
        assert_eq!(open(&keyring, &whole).as_deref(), Ok(text));
        for position in (0..whole.len()).step_by(16) {
            let mut changed = whole.clone();
            changed[position] ^= 1 << (position / 16 % 8);
            if let Ok(plain) = open(&keyring, &changed) {
                assert_eq!(plain, text, "changed at {position}");
            }
            let failure = open(&keyring, &whole[..position]);
            assert!(failure.is_err(), "cut at {position}");
        }
        let body = whole.len() / 2;
        let mut changed = whole.clone();
        changed[body] ^= 1;
        assert_eq!(open(&keyring, &changed), Err(Failure::Modified));
        assert_eq!(open(&keyring, &whole[..body]), Err(Failure::Damaged));
    }
}

#[test]
fn cut_armour_is_damage() {
    let cert = secret(US);
    let keyring = keyring(&cert);
    let message = written(|message| encrypted(message, &cert));
    let text = armored(Label::Message, &message).unwrap();
    assert_eq!(open(&keyring, text.as_bytes()), Ok(TEXT.to_vec()));
    let cut = text.len() * 3 / 4;
    assert_eq!(
        open(&keyring, &text.as_bytes()[..cut]),
        Err(Failure::Damaged)
    );
    let without_end = text.rsplit_once("-----END").unwrap().0;
    assert_eq!(open(&keyring, without_end.as_bytes()), Ok(TEXT.to_vec()));
}

#[test]
fn expansion_is_bounded() {
    let cert = secret(US);
    let keyring = keyring(&cert);
    let zeros = vec![0; 8 * AT_MOST];
    let bomb = written_with(|message| compressed(encrypted(message, &cert)), &zeros);
    assert!(bomb.len() < 20_000, "{}", bomb.len());
    assert_eq!(open(&keyring, &bomb), Err(Failure::TooLarge));
    let fits = written_with(
        |message| compressed(encrypted(message, &cert)),
        &zeros[..AT_MOST],
    );
    assert_eq!(open(&keyring, &fits).map(|it| it.len()), Ok(AT_MOST));
    let twice = written(|message| compressed(compressed(encrypted(message, &cert))));
    assert_eq!(open(&keyring, &twice), Err(Failure::TooLarge));
    let bare = written_with(compressed, &zeros);
    assert!(verify_message(&bare, &[], AT_MOST, now()).is_none());
}

#[test]
fn nesting_is_bounded() {
    let cert = secret(US);
    let keyring = keyring(&cert);
    let twice = written(|message| encrypted(encrypted(message, &cert), &cert));
    assert_eq!(open(&keyring, &twice), Ok(TEXT.to_vec()));
    let thrice = written(|message| encrypted(encrypted(encrypted(message, &cert), &cert), &cert));
    assert_eq!(open(&keyring, &thrice), Err(Failure::TooLarge));
}

/// The session key packets of a message apart from the rest of it.
fn split(message: &[u8]) -> (Vec<Packet>, Vec<Packet>) {
    let packets = PacketPile::from_bytes(message).unwrap().into_children();
    packets.partition(|packet| packet.tag() == Tag::PKESK)
}

fn joined<'a>(packets: impl IntoIterator<Item = &'a Packet>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for packet in packets {
        packet.serialize(&mut bytes).unwrap();
    }
    bytes
}

#[test]
fn session_keys_are_bounded() {
    let (cert, other) = (secret(US), secret("other@example.test"));
    let keyring = keyring(&cert);
    let (ours, rest) = split(&written(|message| encrypted(message, &cert)));
    let (theirs, _) = split(&written(|message| encrypted(message, &other)));
    let hidden = match theirs[0].clone() {
        Packet::PKESK(PKESK::V3(mut packet)) => {
            packet.set_recipient(None);
            Packet::from(packet)
        }
        packet => panic!("{packet:?}"),
    };
    let message = |filler: &Packet, count: usize| {
        let filler = std::iter::repeat_n(filler, count);
        joined(filler.chain(&ours).chain(&rest))
    };
    assert_eq!(open(&keyring, &message(&theirs[0], 900)), Ok(TEXT.to_vec()));
    assert_eq!(
        open(&keyring, &message(&theirs[0], 1_100)),
        Err(Failure::TooLarge)
    );
    assert_eq!(open(&keyring, &message(&hidden, 900)), Ok(TEXT.to_vec()));
    let nothing_for_us = joined(std::iter::repeat_n(&hidden, 900).chain(&rest));
    let start = Instant::now();
    assert_eq!(open(&keyring, &nothing_for_us), Err(Failure::TooLarge));
    assert!(start.elapsed() < Duration::from_secs(60));
    let one_for_others = joined([&hidden].into_iter().chain(&rest));
    assert_eq!(open(&keyring, &one_for_others), Err(Failure::NoKeyFits));
    assert_eq!(open(&keyring, &joined(&rest)), Err(Failure::NoKey));
}

#[test]
fn an_inner_layer_for_others_is_no_message_for_others() {
    let (cert, other) = (secret(US), secret("other@example.test"));
    let nested = written(|message| encrypted(encrypted(message, &cert), &other));
    assert_eq!(open(&keyring(&cert), &nested), Err(Failure::Modified));
}

#[test]
fn a_session_key_that_does_not_come_out_is_a_modification() {
    let cert = secret(US);
    let keyring = keyring(&cert);
    let message = written(|message| encrypted(message, &cert));
    let mut changed = message.clone();
    changed[60] ^= 1;
    assert_eq!(open(&keyring, &changed), Err(Failure::Modified));
}

#[test]
fn signatures_are_bounded() {
    let cert = secret(US);
    let keyring = keyring(&cert);
    let known = [certificate(&cert)];
    let many =
        |count| written(|message| signed_often(encrypted(message, &cert), &cert, None, count));
    let opened = keyring.decrypt(&many(3), &known, AT_MOST, now()).unwrap();
    assert_eq!(opened.signatures.len(), 3);
    assert!(
        opened
            .signatures
            .iter()
            .all(|it| it.status == SignatureStatus::Good)
    );
    assert_eq!(open(&keyring, &many(40)), Err(Failure::TooLarge));

    let (detached, _) = keyring.sign_detached(TEXT, now()).unwrap();
    let detached = armor::packets(&detached, &[Label::Signature])
        .unwrap()
        .bytes
        .into_owned();
    let bomb = written_with(compressed, &vec![0; 8 * AT_MOST]);
    assert_eq!(verify_detached(TEXT, &bomb, &known, now()), []);
    let judged = verify_detached(TEXT, &detached.repeat(1_000), &known, now());
    assert_eq!(judged.len(), 32);
    assert!(judged.iter().all(|it| it.status == SignatureStatus::Good));
}

/// As programs of old signed: nothing announces the signature, which stands in front of the text.
#[test]
fn signatures_in_front_of_the_text_are_judged() {
    let (cert, other) = (secret(US), secret("other@example.test"));
    let known = [certificate(&other)];
    let detached = |text: &[u8]| {
        let (theirs, _) = load(other.as_tsk().to_vec().unwrap());
        let (signature, _) = theirs.sign_detached(text, now()).unwrap();
        let packets = armor::packets(&signature, &[Label::Signature]).unwrap();
        packets.bytes.into_owned()
    };
    let literal = written(|message| message);
    let check = |signatures: &[&[u8]], known: &[Certificate], expected: &[SignatureStatus]| {
        let message = [signatures.concat().as_slice(), &literal].concat();
        let sink = Sink::default();
        let mut sealed = encrypted(Message::new(sink.clone()), &cert);
        sealed.write_all(&message).unwrap();
        sealed.finalize().unwrap();
        let sealed = sink.0.lock().unwrap().clone();
        let opened = keyring(&cert).decrypt(&sealed, known, AT_MOST, now());
        for read in [opened.ok(), verify_message(&message, known, AT_MOST, now())] {
            let read = read.unwrap();
            assert_eq!(read.bytes, TEXT);
            let statuses = read.signatures.iter().map(|it| it.status);
            assert_eq!(statuses.collect::<Vec<_>>(), expected);
            assert!(read.signatures.iter().all(|it| it.over.is_some()));
        }
    };
    let (good, bad) = (detached(TEXT), detached(b"another"));
    check(&[&good], &known, &[SignatureStatus::Good]);
    check(&[&bad], &known, &[SignatureStatus::Bad]);
    check(&[&good], &[], &[SignatureStatus::UnknownKey]);
    let both = [SignatureStatus::Bad, SignatureStatus::Good];
    check(&[&bad, &good], &known, &both);
}

#[test]
fn intended_recipients_are_respected() {
    let (cert, other) = (secret(US), secret("other@example.test"));
    let keyring = keyring(&cert);
    let known = [certificate(&other)];
    let check = |to: Option<&Cert>, expected| {
        let message = written(|message| signed(encrypted(message, &cert), &other, to));
        let opened = keyring.decrypt(&message, &known, AT_MOST, now()).unwrap();
        assert_eq!(opened.signatures[0].status, expected);
    };
    check(None, SignatureStatus::Good);
    check(Some(&cert), SignatureStatus::Good);
    check(Some(&other), SignatureStatus::Bad);
}

#[test]
fn a_signature_around_the_ciphertext_does_not_count() {
    let (cert, other) = (secret(US), secret("other@example.test"));
    let message = written(|message| encrypted(signed(message, &other, None), &cert));
    let opened = keyring(&cert).decrypt(&message, &[certificate(&other)], AT_MOST, now());
    assert_eq!(opened.unwrap().signatures, []);
}

#[test]
fn signatures_from_the_future_and_of_foreign_subkeys_are_not_good() {
    let (cert, other) = (secret(US), secret("other@example.test"));
    let known = [certificate(&cert)];
    let (signature, _) = keyring(&cert).sign_detached(TEXT, now()).unwrap();
    let status = |known: &[Certificate], at| verify_detached(TEXT, &signature, known, at)[0].status;
    assert_eq!(status(&known, now()), SignatureStatus::Good);
    let hour = chrono::Duration::hours(1);
    assert_eq!(status(&known, now() - hour), SignatureStatus::UnknownKey);
    assert_eq!(status(&known, now() + hour), SignatureStatus::Good);

    // Somebody else's certificate around the subkey that signed.
    let stolen = cert
        .keys()
        .subkeys()
        .map(|key| Packet::from(key.key().clone().take_secret().0));
    let mut bytes = other.strip_secret_key_material().to_vec().unwrap();
    bytes.extend(joined(&stolen.collect::<Vec<_>>()));
    let thief = read_certificates(&bytes);
    assert_eq!(thief.len(), 1);
    assert_eq!(status(&thief, now()), SignatureStatus::UnknownKey);
    assert_eq!(
        status(&[thief[0].clone(), known[0].clone()], now()),
        SignatureStatus::Good
    );
}

#[test]
fn what_is_no_encrypted_message_is_refused() {
    let cert = secret(US);
    let keyring = keyring(&cert);
    let check = |message: &[u8], expected| {
        assert_eq!(open(&keyring, message), Err(expected), "{message:x?}");
    };
    let (ours, rest) = split(&written(|message| encrypted(message, &cert)));
    let literal = written(|message| message);
    // Encrypted without an integrity check (tag 9), and GnuPG's own AEAD packet (tag 20).
    let with = |tag: u8| [&joined(&ours)[..], &[tag, 4, 1, 2, 3, 4]].concat();
    check(&with(0xc9), Failure::Unsupported);
    check(&with(0xd4), Failure::Unsupported);
    check(
        &[&joined(&ours)[..], &[0xd2, 4, 9, 2, 3, 4]].concat(),
        Failure::Unsupported,
    );
    check(&literal, Failure::Malformed);
    check(
        &written(|message| signed(message, &cert, None)),
        Failure::Malformed,
    );
    check(&[&literal[..], &literal].concat(), Failure::Malformed);
    check(
        &joined(ours.iter().chain(&rest).chain(&rest)),
        Failure::Malformed,
    );
    check(&joined(&ours), Failure::Malformed);
    check(&cert.to_vec().unwrap(), Failure::Malformed);
    check(b"", Failure::Malformed);
    check(b"Hello", Failure::Malformed);
    check(
        b"-----BEGIN PGP MESSAGE-----\n\n!!!\n-----END PGP MESSAGE-----\n",
        Failure::Damaged,
    );
}

#[test]
fn a_keyring_says_what_is_odd() {
    #[track_caller]
    fn check(key: Vec<u8>, usable: bool, expected: &[&str]) {
        let (keyring, problems) = load(key);
        assert_eq!(keyring.is_empty(), !usable, "{problems:?}");
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.contains(expected), "{problem}");
        }
    }
    let cert = secret(US);
    let bytes = cert.as_tsk().to_vec().unwrap();
    check(bytes.clone(), true, &[]);
    check(
        [bytes.clone(), secret(US).as_tsk().to_vec().unwrap()].concat(),
        true,
        &[],
    );
    check(cert.to_vec().unwrap(), false, &["has no secret key"]);
    check(b"nothing".to_vec(), false, &["holds no OpenPGP key"]);
    check(b"".to_vec(), false, &["holds no OpenPGP key"]);
    check(
        secret("x@example.test").as_tsk().to_vec().unwrap(),
        true,
        &["bears no user ID"],
    );
    let passphrase = SecretString::from("x");
    let locked = generate("", US, Some(&passphrase), YEAR, now()).unwrap();
    check(
        locked.clone().into_bytes(),
        false,
        &["is protected by a passphrase"],
    );
    let other = SecretString::from("y");
    let source = [("file".to_owned(), locked.into_bytes())];
    let (keyring, problems) = Keyring::load(&source, Some(&other), US, now());
    assert!(keyring.is_empty() && problems[0].fatal);
    assert!(
        problems[0].what.contains("another passphrase"),
        "{problems:?}"
    );
    let (keyring, problems) = Keyring::load(&source, Some(&passphrase), US, now());
    assert!(!keyring.is_empty() && problems.is_empty(), "{problems:?}");
    let expired = generate("", US, None, YEAR, now() - chrono::Duration::days(400)).unwrap();
    let name = format!("{:X}", Cert::from_bytes(&expired).unwrap().fingerprint());
    check(
        expired.into_bytes(),
        true,
        &[
            &format!("expired on 2026-03-27; renew it with `triaged key renew {name}`"),
            "for want of a better",
        ],
    );
    let only_signs = PacketPile::from_bytes(&bytes)
        .unwrap()
        .into_children()
        .take(5);
    check(
        joined(&only_signs.collect::<Vec<_>>()),
        true,
        &[
            "has no secret key that decrypts",
            "has no secret key that signs",
            "has no valid encryption key",
            "for want of a better",
        ],
    );
}

#[test]
fn our_key_decrypts_without_any_signature_on_it() {
    let cert = secret(US);
    let message = written(|message| encrypted(message, &cert));
    let packets = PacketPile::from_bytes(&cert.as_tsk().to_vec().unwrap()).unwrap();
    let bare: Vec<Packet> = packets
        .into_children()
        .filter(|packet| packet.tag() != Tag::Signature)
        .collect();
    let (keyring, problems) = load(joined(&bare));
    assert!(
        problems[1].contains("has no valid self-signature"),
        "{problems:?}"
    );
    assert_eq!(open(&keyring, &message), Ok(TEXT.to_vec()));
}

#[test]
fn the_first_valid_key_is_current() {
    let old = generate("", US, None, YEAR, now() - chrono::Duration::days(400)).unwrap();
    let new = generate("", US, None, YEAR, now()).unwrap();
    let fingerprint = |key: &str| read_certificates(key.as_bytes())[0].fingerprint.clone();
    let sources = [("old", &old), ("new", &new)];
    let sources = sources.map(|(name, key)| (name.to_owned(), key.clone().into_bytes()));
    let (keyring, problems) = Keyring::load(&sources, None, US, now());
    assert_eq!(keyring.fingerprint(), fingerprint(&new));
    assert_eq!(problems.len(), 1);
    let keys = keyring.keys(now());
    assert_eq!(
        keys.iter().map(|key| key.current).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(keys[0].fingerprint, fingerprint(&old));
    assert_eq!(keys[1].user_ids, [format!("<{US}>")]);
    assert_eq!(keys[1].parts.len(), 3);
    assert!(
        keys[1]
            .parts
            .iter()
            .all(|part| part.unlocked && part.created_at == now())
    );
    assert!(keys[1].parts.iter().any(|part| part.signs));
    let encryption = keys[1].parts.iter().find(|part| part.encrypts).unwrap();
    assert_eq!(
        encryption.expires_at,
        Some(now() + chrono::Duration::days(365))
    );
}

#[test]
fn what_we_send_can_be_read_and_is_signed() {
    let (cert, other) = (secret(US), secret("other@example.test"));
    let (ours, theirs) = (keyring(&cert), keyring_of(&other));
    let message = ours
        .encrypt_signed(&certificate(&other), TEXT, now())
        .unwrap();
    let known = [certificate(&cert)];
    let opened = theirs.decrypt(&message, &known, AT_MOST, now()).unwrap();
    assert_eq!(opened.bytes, TEXT);
    assert_eq!(opened.signatures[0].status, SignatureStatus::Good);
    assert_eq!(open(&ours, &message), Err(Failure::NoKey));

    let later = now() + chrono::Duration::days(366);
    let error = ours
        .encrypt_signed(&certificate(&other), TEXT, later)
        .unwrap_err();
    assert!(
        error.to_string().contains("expired on 2027-05-01"),
        "{error}"
    );
    let (nobody, _) = Keyring::load(&[], None, US, now());
    assert!(nobody.is_empty());
    // Nobody signs it, and it is encrypted all the same.
    assert!(nobody.signs(now()).is_err());
    assert!(
        nobody
            .encrypt_signed(&certificate(&other), TEXT, now())
            .is_ok()
    );
    assert_eq!(
        nobody.fingerprint() + &nobody.certificate() + &nobody.autocrypt(US),
        ""
    );
}

fn keyring_of(cert: &Cert) -> Keyring {
    load(cert.as_tsk().to_vec().unwrap()).0
}

#[test]
fn certificates_are_cut_down() {
    let (cert, other) = (secret(US), secret("Other@Example.Test"));
    let bytes = cert.as_tsk().to_vec().unwrap();
    let read = read_certificates(&bytes);
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].emails, [US]);
    assert!(!Cert::from_bytes(&read[0].bytes).unwrap().is_tsk());
    assert_eq!(certificate(&other).emails, ["other@example.test"]);

    // Certified by another, many times.
    let signer = other
        .primary_key()
        .key()
        .clone()
        .parts_into_secret()
        .unwrap();
    let mut signer = signer.into_keypair().unwrap();
    let user = cert.userids().next().unwrap().userid().clone();
    let flood = (0..20u8).map(|number| {
        let certification = signature::SignatureBuilder::new(
            sequoia_openpgp::types::SignatureType::GenericCertification,
        )
        .set_policy_uri(vec![number; 1_000])
        .unwrap();
        user.bind(&mut signer, &cert, certification).unwrap()
    });
    let flood: Vec<Signature> = flood.collect();
    let flooded = cert.clone().insert_packets(flood).unwrap().0;
    assert!(flooded.to_vec().unwrap().len() > 20_000);
    assert_eq!(read_certificates(&flooded.to_vec().unwrap()), read);

    let armor = |cert: &Cert| armored(Label::PublicKey, &cert.to_vec().unwrap()).unwrap();
    let text = format!("Hi,\n{}\nand\n\n{}bye", armor(&cert), armor(&other));
    let fingerprints: Vec<String> = read_certificates(text.as_bytes())
        .into_iter()
        .map(|it| it.fingerprint)
        .collect();
    assert_eq!(
        fingerprints,
        [&cert, &other].map(|it| format!("{:X}", it.fingerprint()))
    );
    assert_eq!(
        read_certificates(&bytes.repeat(40)).len(),
        1,
        "copies are one certificate"
    );
    assert_eq!(
        read_certificates(armor(&cert).repeat(40).as_bytes()).len(),
        1
    );
    let crowd: Vec<u8> = (0..40).flat_map(|_| secret(US).to_vec().unwrap()).collect();
    assert_eq!(read_certificates(&crowd).len(), 32);
    assert_eq!(read_certificates(b""), []);
    assert_eq!(read_certificates(b"text"), []);
}

/// A certificate with these user IDs, an encryption and a signing subkey, and its revocation.
fn cert_of(users: &[&str]) -> (Cert, Signature) {
    let mut builder = CertBuilder::new()
        .set_creation_time(system_time(now()) - Duration::from_secs(60))
        .add_signing_subkey()
        .add_transport_encryption_subkey();
    for user in users {
        builder = builder.add_userid(*user);
    }
    builder.generate().unwrap()
}

fn primary_signer(cert: &Cert) -> sequoia_openpgp::crypto::KeyPair {
    let key = cert.primary_key().key().clone();
    key.parts_into_secret().unwrap().into_keypair().unwrap()
}

#[test]
fn copies_of_a_certificate_are_put_together() {
    let (cert, revocation) = cert_of(&["A <a@example.test>", "A <b@example.test>"]);
    let full = certificate(&cert);
    assert_eq!(merged(&full, &full), None);
    assert_eq!(merged(&full, &certificate(&secret(US))), None);

    let stripped = cert.clone().retain_subkeys(|_| false);
    let stripped = stripped.retain_userids(|user| user.userid().value().starts_with(b"A <b"));
    let stripped = certificate(&stripped);
    assert_eq!(stripped.emails, ["b@example.test"]);
    assert!(usable_for_encryption(&stripped, now()).is_err());
    assert_eq!(merged(&stripped, &full), Some(full.clone()));
    assert_eq!(merged(&full, &stripped), Some(full.clone()));

    let revoked = certificate(&cert.clone().insert_packets(revocation).unwrap().0);
    for (one, other) in [(&revoked, &full), (&full, &revoked), (&stripped, &revoked)] {
        let both = merged(one, other).unwrap();
        let why = usable_for_encryption(&both, now()).unwrap_err();
        assert!(why.contains("revoked"), "{why}");
    }

    let policy = StandardPolicy::new();
    let time = system_time(now());
    let expiring = cert
        .set_expiration_time(&policy, time, &mut primary_signer(&cert), Some(time + YEAR))
        .unwrap();
    let expiring = certificate(&cert.clone().insert_packets(expiring).unwrap().0);
    for (one, other) in [(&expiring, &full), (&full, &expiring)] {
        let both = merged(one, other).unwrap();
        let in_two_years = now() + chrono::Duration::days(730);
        assert_eq!(usable_for_encryption(&full, in_two_years), Ok(()));
        let why = usable_for_encryption(&both, in_two_years).unwrap_err();
        assert!(why.contains("expired"), "{why}");
    }
}

#[test]
fn what_its_owner_did_not_sign_is_no_part_of_a_certificate() {
    let (cert, _) = cert_of(&["A <a@example.test>"]);
    let full = certificate(&cert);
    let foreign = secret(US);
    let subkey = foreign.keys().subkeys().next().unwrap().key().clone();
    let packets = vec![
        Packet::from(UserID::from("A <evil@example.test>")),
        Packet::from(subkey),
    ];
    let stuffed = certificate(&cert.insert_packets(packets).unwrap().0);
    assert_eq!(stuffed, full);
}

#[test]
fn a_certificate_does_not_grow_beyond_its_bound() {
    let users: Vec<String> = (0..4)
        .map(|number| format!("a{number}@example.test"))
        .collect();
    let (cert, _) = cert_of(&users.iter().map(String::as_str).collect::<Vec<_>>());
    let mut signer = primary_signer(&cert);
    let mut large = |range: std::ops::Range<usize>| {
        let bindings: Vec<Signature> = users
            .get(range)
            .unwrap()
            .iter()
            .map(|user| {
                let kind = sequoia_openpgp::types::SignatureType::PositiveCertification;
                let binding = signature::SignatureBuilder::new(kind)
                    .set_signature_creation_time(system_time(now()))
                    .unwrap()
                    .set_policy_uri(vec![b'x'; 60_000])
                    .unwrap();
                UserID::from(user.as_str())
                    .bind(&mut signer, &cert, binding)
                    .unwrap()
            })
            .collect();
        certificate(&cert.clone().insert_packets(bindings).unwrap().0)
    };
    let (one, other) = (large(0..2), large(2..4));
    assert!(one.bytes.len() > 120_000 && one.bytes.len() < MAX_KEPT);
    assert_eq!(merged(&one, &other), None);
}

#[test]
fn addresses_are_found_in_odd_user_ids() {
    #[track_caller]
    fn check(user: &[u8], expected: Option<&str>) {
        let found = certificate::email(&UserID::from(user));
        assert_eq!(found.as_deref(), expected, "{user:x?}");
    }
    check(b"A <a@example.test>", Some("a@example.test"));
    check(b"A@Example.TEST", Some("a@example.test"));
    check(b"M\xfcller <m@example.test>", Some("m@example.test"));
    check(b"A (b) <a@example.test> (c)", Some("a@example.test"));
    check(b"A <a at example>", None);
    check(b"no address", None);
    check(b"\xff\xfe", None);
    check(b"", None);
}

#[test]
fn clear_signed_blocks_are_told_from_others() {
    #[track_caller]
    fn check(block: &str, expected: Option<&str>) {
        let read = verify_cleartext(block.as_bytes(), &[], now());
        let text = read.map(|(text, _)| String::from_utf8(text).unwrap());
        assert_eq!(text.as_deref(), expected, "{block:?}");
    }
    const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
    const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----\n\n";
    check(
        &format!("{BEGIN}\nHash: SHA256\n\na\n- -b\n{SIGNATURE}"),
        Some("a\n-b\n"),
    );
    check(&format!("{BEGIN}\n\na \t \r\n{SIGNATURE}"), Some("a\n"));
    check(&format!("{BEGIN}\n\na\x0c\n{SIGNATURE}"), Some("a\x0c\n"));
    check(&format!("{BEGIN}\n\n{SIGNATURE}"), Some("\n"));
    check(&format!("{BEGIN}\nhidden\n\na\n{SIGNATURE}"), None);
    check(&format!("{BEGIN}\nHash: SHA256\n\na\n"), None);
    check(&format!("> {BEGIN}\n\na\n{SIGNATURE}"), None);
    check(BEGIN, None);
    check("", None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), tag in 0xc0u8..=0xff) {
        let framed = [&[tag, bytes.len().min(191) as u8], &bytes[..]].concat();
        let (keyring, _) = Keyring::load(&[("file".to_owned(), framed.clone())], None, US, now());
        for input in [&bytes, &framed] {
            prop_assert!(keyring.decrypt(input, &[], AT_MOST, now()).is_err());
            verify_detached(TEXT, input, &[], now());
            verify_cleartext(input, &[], now());
            verify_message(input, &[], AT_MOST, now());
            read_certificates(input);
        }
    }
}
