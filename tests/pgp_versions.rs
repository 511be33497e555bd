//! Messages of every version and cipher that programs of today write, as files that GnuPG 2.4 and sq made.
//!
//! They are kept because the GnuPG of the machine that runs the tests may be older.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use sequoia_openpgp::types::AEADAlgorithm;
use triaged::mail::message::{Certificate, Covers, Failure, Message, SignatureStatus};
use triaged::mail::open::{Limits, Opening, open};
use triaged::mail::pgp::{Keyring, read_certificates};

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
