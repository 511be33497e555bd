//! Messages of every version and cipher that programs of today write, as files that GnuPG 2.4 and sq made.
//!
//! They are kept because the GnuPG of the machine that runs the tests may be older.

mod busy;

use std::io::{Read, Write};
use std::path::PathBuf;

use busy::busy;
use chrono::{DateTime, Utc};
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::crypto::S2K;
use sequoia_openpgp::packet::skesk::SKESK4;
use sequoia_openpgp::packet::{Packet, SKESK};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::serialize::stream::{Encryptor, LiteralWriter, Message as Writer};
use sequoia_openpgp::types::{AEADAlgorithm, Features, SymmetricAlgorithm};
use sequoia_openpgp::{Cert, Profile, armor};
use triaged::mail::message::{Certificate, Covers, Failure, Message, SignatureStatus};
use triaged::mail::open::{Limits, Opening, open};
use triaged::mail::pgp::{Keyring, read_certificates, verify_cleartext, verify_detached};

const AES: SymmetricAlgorithm = SymmetricAlgorithm::AES256;
const AT_MOST: usize = 1024 * 1024;
const TEXT: &str = "The login form takes any password that ends in a quote.\n";

fn now() -> DateTime<Utc> {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// A folder of fixtures: what a program wrote, to whose key, by whom.
struct Fixtures {
    folder: PathBuf,
    keyring: Keyring,
    known: Vec<Certificate>,
}

impl Fixtures {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name);
        let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
        let sources = [("security".to_owned(), read("security.key.asc"))];
        let (keyring, problems) = Keyring::load(&sources, None, "security@example.test", now());
        assert_eq!(problems, []);
        Self {
            known: read_certificates(&read("rita.asc")),
            keyring,
            folder,
        }
    }

    fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap()
    }

    /// The text, and the statuses of the signatures under it.
    fn decrypt(&self, message: &[u8]) -> Result<(String, Vec<SignatureStatus>), Failure> {
        let opened = self.keyring.decrypt(message, &self.known, AT_MOST, now())?;
        let statuses = opened.signatures.iter().map(|it| it.status).collect();
        Ok((String::from_utf8(opened.bytes).unwrap(), statuses))
    }

    #[track_caller]
    fn opens(&self, name: &str, text: &str, signatures: &[SignatureStatus]) {
        let expected = Ok((text.to_owned(), signatures.to_vec()));
        assert_eq!(self.decrypt(&self.file(name)), expected, "{name}");
    }

    #[track_caller]
    fn fails(&self, name: &str, expected: Failure) {
        assert_eq!(self.decrypt(&self.file(name)), Err(expected), "{name}");
    }

    fn read(&self, raw: &[u8]) -> Message {
        let context = Opening {
            keyring: Some(&self.keyring),
            known: &self.known,
            limits: Limits::default(),
        };
        open(raw, &context, now())
    }
}

/// Where the body of the first packet of this tag begins.
fn body_of(message: &[u8], tag: u8) -> usize {
    let mut at = 0;
    loop {
        let (head, length) = match message[at + 1] {
            octets @ 0..192 => (2, usize::from(octets)),
            octet => (
                3,
                (usize::from(octet) - 192) * 256 + usize::from(message[at + 2]) + 192,
            ),
        };
        if message[at] == 0xc0 | tag {
            return at + head;
        }
        at += head + length;
    }
}

/// What is inside the armour.
fn packets(armored: &[u8]) -> Vec<u8> {
    let mut reader = armor::Reader::from_bytes(armored, None);
    let mut packets = Vec::new();
    reader.read_to_end(&mut packets).unwrap();
    packets
}

fn lines(count: usize) -> String {
    (1..=count).map(|at| format!("line {at}\n")).collect()
}

#[test]
fn what_gnupg_2_4_writes_is_read() {
    use SignatureStatus::Good;
    let gnupg = Fixtures::new("gnupg-2.4");
    if !AEADAlgorithm::OCB.is_supported() {
        return gnupg.fails("signed.asc", Failure::Unsupported);
    }
    gnupg.opens("signed.asc", TEXT, &[Good]);
    gnupg.opens("unsigned.asc", TEXT, &[]);
    gnupg.opens("hidden.asc", TEXT, &[Good]);
    gnupg.opens("cipher-AES.asc", TEXT, &[]);
    gnupg.opens("cipher-AES192.asc", TEXT, &[]);
    gnupg.opens("password-and-key.asc", TEXT, &[Good]);
    gnupg.opens("chunks.gpg", &lines(400), &[Good]);
    gnupg.opens("chunks-compressed.gpg", &lines(400), &[Good]);
    gnupg.opens("whole-chunks.gpg", &"x".repeat(184), &[]);
    gnupg.fails("cipher-CAMELLIA256.asc", Failure::Unsupported);
    gnupg.fails("cipher-TWOFISH.asc", Failure::Unsupported);
    gnupg.fails("password.asc", Failure::PasswordOnly);
    gnupg.fails("not-for-us.asc", Failure::NoKey);
}

/// The offset of the first octet of packet 20, its length octets left out: version, cipher, mode, chunk size.
fn sealed_at(message: &[u8]) -> usize {
    let heads = [&[0xd4][..], &[1, 9, 2]];
    let at = (90..message.len()).find(|&at| {
        message[at..].starts_with(heads[0])
            && (2..7).any(|skip| message[at + skip..].starts_with(heads[1]))
    });
    let at = at.unwrap();
    (at + 2..)
        .find(|&at| message[at..].starts_with(heads[1]))
        .unwrap()
}

fn changed(message: &[u8], at: usize, octet: u8) -> Vec<u8> {
    let mut changed = message.to_vec();
    changed[at] = octet;
    changed
}

#[test]
fn nothing_of_a_changed_gnupg_2_4_message_is_handed_out() {
    if !AEADAlgorithm::OCB.is_supported() {
        return;
    }
    let gnupg = Fixtures::new("gnupg-2.4");
    for (name, text) in [
        ("whole-chunks.gpg", "x".repeat(184)),
        ("chunks-compressed.gpg", lines(400)),
    ] {
        let whole = gnupg.file(name);
        let sealed = sealed_at(&whole);
        for at in 0..whole.len() {
            let opened = gnupg.decrypt(&changed(&whole, at, whole[at] ^ 1 << (at % 8)));
            match opened {
                // The session key packet names its recipient, which nothing protects.
                Ok((read, _)) => assert!(at < sealed && read == text, "{name} changed at {at}"),
                Err(failure) if at >= sealed + 4 => {
                    let expected = [Failure::Modified, Failure::Damaged, Failure::Malformed];
                    assert!(
                        expected.contains(&failure),
                        "{name} changed at {at}: {failure:?}"
                    );
                }
                Err(_) => {}
            }
            assert!(gnupg.decrypt(&whole[..at]).is_err(), "{name} cut at {at}");
        }
        let last = whole.len() - 1;
        let flipped = changed(&whole, last, whole[last] ^ 1);
        assert_eq!(gnupg.decrypt(&flipped), Err(Failure::Modified), "{name}");
        assert_eq!(
            gnupg.decrypt(&whole[..last]),
            Err(Failure::Damaged),
            "{name}"
        );
        let longer = [&whole[..], b"\xca\x03PGP"].concat();
        assert_eq!(gnupg.decrypt(&longer), Err(Failure::Malformed), "{name}");
    }
}

#[test]
fn chunks_stay_where_they_are() {
    if !AEADAlgorithm::OCB.is_supported() {
        return;
    }
    let gnupg = Fixtures::new("gnupg-2.4");
    let whole = gnupg.file("whole-chunks.gpg");
    // Three chunks of 64 octets, each with its tag, behind the nonce of 15.
    let sealed = sealed_at(&whole);
    let first = sealed + 4 + 15;
    let [second, third, end] = [1, 2, 3].map(|at| first + at * 80);
    assert_eq!(whole.len(), end + 16);
    let head = sealed - 3;
    assert_eq!(whole[head], 0xd4);
    let put = |chunks: &[&[u8]]| {
        let body = [&[&whole[sealed..first]], chunks].concat().concat();
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&whole[..head], &[0xd4, 0xff], &length, &body].concat()
    };
    let (a, b, c, tag) = (
        &whole[first..second],
        &whole[second..third],
        &whole[third..end],
        &whole[end..],
    );
    assert!(gnupg.decrypt(&put(&[a, b, c, tag])).is_ok());
    for parts in [
        &[b, a, c, tag][..],
        &[a, b, tag],
        &[a, tag],
        &[a, b, c, c, tag],
        &[a, c, tag],
        &[tag],
    ] {
        assert_eq!(
            gnupg.decrypt(&put(parts)),
            Err(Failure::Modified),
            "{} parts",
            parts.len()
        );
    }
}

#[test]
fn what_is_unknown_about_a_gnupg_2_4_message_is_unsupported() {
    if !AEADAlgorithm::OCB.is_supported() {
        return;
    }
    let gnupg = Fixtures::new("gnupg-2.4");
    let whole = gnupg.file("whole-chunks.gpg");
    let sealed = sealed_at(&whole);
    let check = |offset: usize, octet: u8| {
        let message = changed(&whole, sealed + offset, octet);
        assert_eq!(
            gnupg.decrypt(&message),
            Err(Failure::Unsupported),
            "{offset}: {octet}"
        );
    };
    check(0, 0);
    check(0, 2);
    check(1, 3);
    check(1, 99);
    check(2, 0);
    check(2, 9);
    check(3, 17);
    if !AEADAlgorithm::EAX.is_supported() {
        check(2, 1);
    }
    // Made with a key that is not the one in the session key packet.
    let shorter = changed(&whole, sealed + 1, 7);
    assert_eq!(gnupg.decrypt(&shorter), Err(Failure::Modified));
    gnupg.fails("bomb.gpg", Failure::TooLarge);
}

#[test]
fn a_mail_of_gnupg_2_4_is_read() {
    if !AEADAlgorithm::OCB.is_supported() {
        return;
    }
    let gnupg = Fixtures::new("gnupg-2.4");
    let armor = String::from_utf8(gnupg.file("signed.asc")).unwrap();
    let octets = String::from_utf8(gnupg.file("unsigned.asc")).unwrap();
    let head = "From: Rita <rita@example.test>\nTo: security@example.test\nSubject: x\nMIME-Version: 1.0\n";
    let message = gnupg.read(format!("{head}\n{armor}").as_bytes());
    assert_eq!(message.text, TEXT);
    let [signature] = message.openpgp.signatures.as_slice() else {
        panic!("{:?}", message.openpgp);
    };
    assert_eq!(
        (signature.status, signature.covers),
        (SignatureStatus::Good, Covers::All)
    );
    let message = gnupg.read(
        format!(
            "{head}Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n\
             --b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n\
             --b\nContent-Type: application/octet-stream\n\n{octets}\n--b--\n"
        )
        .as_bytes(),
    );
    assert!(message.openpgp.decrypted, "{:?}", message.openpgp);
    assert_eq!(message.text, TEXT);
}

#[test]
fn what_sq_writes_to_a_version_6_key_is_read() {
    use SignatureStatus::Good;
    let sq = Fixtures::new("sq-1.3");
    sq.fails("not-for-us.asc", Failure::NoKey);
    sq.fails("password.asc", Failure::PasswordOnly);
    let text = TEXT.as_bytes();
    let signature = verify_detached(text, &sq.file("text.sig"), &sq.known, now());
    let statuses: Vec<_> = signature.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [Good]);
    assert_eq!(
        signature[0].fingerprint.as_ref().map(String::len),
        Some(64),
        "a version 6 one"
    );
    let other = verify_detached(&text[1..], &sq.file("text.sig"), &sq.known, now());
    assert_eq!(other[0].status, SignatureStatus::Bad);
    let (read, signatures) =
        verify_cleartext(&sq.file("clear-signed.asc"), &sq.known, now()).unwrap();
    assert_eq!(read.trim_ascii(), text.trim_ascii());
    assert_eq!(signatures[0].status, Good);
    if !AEADAlgorithm::OCB.is_supported() {
        return sq.fails("signed.asc", Failure::Unsupported);
    }
    sq.opens("signed.asc", TEXT, &[Good]);
    sq.opens("signed-by-v4.asc", TEXT, &[Good]);
    sq.opens("signed-twice.asc", TEXT, &[Good, Good]);
    sq.opens("unsigned.asc", TEXT, &[]);
    sq.opens("password-and-key.asc", TEXT, &[Good]);
}

#[test]
fn versions_and_modes_that_nobody_here_has_are_unsupported() {
    let sq = Fixtures::new("sq-1.3");
    let whole = packets(&sq.file("unsigned.asc"));
    let check = |tag: u8, offset: usize, octet: u8, expected: Failure| {
        let message = changed(&whole, body_of(&whole, tag) + offset, octet);
        assert_eq!(
            sq.decrypt(&message),
            Err(expected),
            "{tag}: {offset} is {octet}"
        );
    };
    const DATA: u8 = 18;
    const SESSION_KEY: u8 = 1;
    check(DATA, 0, 3, Failure::Unsupported);
    check(DATA, 1, 99, Failure::Unsupported);
    check(DATA, 2, 99, Failure::Unsupported);
    check(SESSION_KEY, 0, 9, Failure::Unsupported);
    if !AEADAlgorithm::EAX.is_supported() {
        check(DATA, 2, 1, Failure::Unsupported);
    }
    if !SymmetricAlgorithm::Twofish.is_supported() {
        check(DATA, 1, 10, Failure::Unsupported);
    }
    if AEADAlgorithm::OCB.is_supported() {
        check(DATA, 2, 3, Failure::Modified);
    }
}

/// Written by the library, to a key that it made.
fn written_to(cert: &Cert, cipher: SymmetricAlgorithm, mode: Option<AEADAlgorithm>) -> Vec<u8> {
    let policy = StandardPolicy::new();
    let keys = cert.keys().with_policy(&policy, None).supported();
    let mut message = Vec::new();
    let keys = keys.for_transport_encryption();
    let encryptor =
        Encryptor::for_recipients(Writer::new(&mut message), keys).symmetric_algo(cipher);
    let encryptor = match mode {
        Some(mode) => encryptor.aead_algo(mode),
        None => encryptor,
    };
    let mut literal = LiteralWriter::new(encryptor.build().unwrap())
        .build()
        .unwrap();
    literal.write_all(TEXT.as_bytes()).unwrap();
    literal.finalize().unwrap();
    message
}

fn key(suite: CipherSuite, profile: Profile, features: Features) -> (Cert, Keyring) {
    let builder = CertBuilder::new()
        .set_profile(profile)
        .unwrap()
        .set_cipher_suite(suite)
        .set_features(features)
        .unwrap()
        .add_userid("<security@example.test>")
        .add_signing_subkey()
        .add_transport_encryption_subkey();
    let (cert, _) = builder.generate().unwrap();
    let source = ("new".to_owned(), cert.as_tsk().to_vec().unwrap());
    let (keyring, problems) = Keyring::load(&[source], None, "security@example.test", Utc::now());
    assert_eq!(problems, []);
    (cert, keyring)
}

fn open_new(keyring: &Keyring, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let opened = keyring.decrypt(message, &[], AT_MOST, Utc::now());
    opened.map(|opened| opened.bytes)
}

#[test]
fn every_curve_mode_and_cipher_of_the_backend_is_read() {
    let mut tried = 0;
    for profile in [Profile::RFC4880, Profile::RFC9580] {
        for suite in [
            CipherSuite::Cv25519,
            CipherSuite::Cv448,
            CipherSuite::P256,
            CipherSuite::P384,
            CipherSuite::P521,
        ] {
            if suite.is_supported().is_err() {
                eprintln!("SKIPPED: this OpenPGP backend has no {suite:?}");
                continue;
            }
            let (cert, keyring) = key(suite, profile, Features::sequoia());
            for mode in [AEADAlgorithm::OCB, AEADAlgorithm::GCM, AEADAlgorithm::EAX] {
                if !mode.is_supported() {
                    continue;
                }
                let message = written_to(&cert, AES, Some(mode));
                assert_eq!(
                    open_new(&keyring, &message),
                    Ok(TEXT.into()),
                    "{suite:?} {mode}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried >= 10, "{tried}");
}

#[test]
#[expect(deprecated, reason = "old ciphers are read")]
fn old_ciphers_are_read() {
    let (cert, keyring) = key(
        CipherSuite::Cv25519,
        Profile::RFC4880,
        Features::empty().set_seipdv1(),
    );
    let mut tried = 0;
    for cipher in [
        SymmetricAlgorithm::IDEA,
        SymmetricAlgorithm::TripleDES,
        SymmetricAlgorithm::CAST5,
        SymmetricAlgorithm::Blowfish,
        SymmetricAlgorithm::Twofish,
        SymmetricAlgorithm::Camellia128,
        SymmetricAlgorithm::Camellia256,
    ] {
        if cipher.is_supported() {
            let message = written_to(&cert, cipher, None);
            assert_eq!(open_new(&keyring, &message), Ok(TEXT.into()), "{cipher}");
            tried += 1;
        }
    }
    assert!(tried >= 4, "{tried}");
}

/// The most memory and passes that the packet can ask for: we try no password, so nothing is spent.
#[test]
fn a_password_costs_nothing() {
    let (cert, keyring) = key(
        CipherSuite::Cv25519,
        Profile::RFC4880,
        Features::empty().set_seipdv1(),
    );
    let s2k = S2K::Argon2 {
        salt: [7; 16],
        t: 255,
        p: 255,
        m: 31,
    };
    let packet = SKESK4::new(SymmetricAlgorithm::AES256, s2k, None).unwrap();
    let packet = Packet::from(SKESK::from(packet)).to_vec().unwrap();
    let message = written_to(&cert, AES, None);
    let data = body_of(&message, 18) - 2;
    let before = busy();
    let password_only = [&packet, &message[data..]].concat();
    assert_eq!(
        open_new(&keyring, &password_only),
        Err(Failure::PasswordOnly)
    );
    assert_eq!(
        open_new(&keyring, &[&packet[..], &message].concat()),
        Ok(TEXT.into())
    );
    assert!((busy() - before).as_secs() < 2);
}
