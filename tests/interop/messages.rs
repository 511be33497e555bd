//! Every kind of message that they write, opened from a whole mail; and what we write, read by them.

use chrono::Utc;
use triaged::mail::compose::{self, KeyAttachment};
use triaged::mail::message::{Covers, Message, Signature};
use triaged::mail::pgp::{Keyring, read_certificates};

use crate::common::Letter;
use crate::common::letter::{around_signed, with_crlf};
use crate::exchange::{self, armored, ciphertext, draft};
use crate::keys::Key;
use crate::programs::{Form, Program, Sealing};
use crate::{TEXT, certificates, key, keyring, mime, opened, table};

/// Where the OpenPGP data stands in the mail.
#[derive(Clone, Copy)]
enum Shape {
    /// RFC 3156.
    Mime,
    /// A signed entity inside the encryption (RFC 3156, 6.1).
    SignedMimeInside,
    Inline,
    /// A file of this name beside a text.
    File(&'static str),
}

enum What {
    Sealed {
        shape: Shape,
        signed: bool,
        to: &'static [&'static str],
    },
    Signed {
        form: Form,
    },
}

/// The options by which a program makes it.
#[derive(Clone, Copy)]
enum By {
    Everybody,
    Gpg(&'static [&'static str]),
    /// Of version 0 and of version 1, where they have it.
    Sq(
        Option<&'static [&'static str]>,
        Option<&'static [&'static str]>,
    ),
    /// `Gpg` and `Sq` where both can.
    Both(&'static [&'static str], &'static [&'static str]),
}

struct Case {
    name: &'static str,
    what: What,
    by: By,
    /// As [`seen`] says it.
    expected: &'static str,
}

const US: &str = "Curve25519";
const THEM: &str = "RSA 3072";
const OTHER: &str = "NIST P-256";

fn cases() -> Vec<Case> {
    use By::{Both, Everybody, Gpg, Sq};
    let case = |name, what, by, expected| Case {
        name,
        what,
        by,
        expected,
    };
    let sealed = |shape, signed| What::Sealed {
        shape,
        signed,
        to: &[US],
    };
    let to = |to| What::Sealed {
        shape: Shape::Mime,
        signed: false,
        to,
    };
    let mime = || sealed(Shape::Mime, false);
    let inline = |signed| sealed(Shape::Inline, signed);
    let file = |name| sealed(Shape::File(name), false);
    let detached = || What::Signed {
        form: Form::Detached,
    };
    let password = &[
        "--symmetric",
        "--passphrase",
        "x",
        "--pinentry-mode",
        "loopback",
    ];
    vec![
        case("PGP/MIME, encrypted", mime(), Everybody, "read"),
        case(
            "PGP/MIME, encrypted and signed",
            sealed(Shape::Mime, true),
            Everybody,
            "read, good",
        ),
        case(
            "PGP/MIME, signed inside encrypted",
            sealed(Shape::SignedMimeInside, true),
            Everybody,
            "read, good",
        ),
        case("PGP/MIME, signed", detached(), Everybody, "read, good"),
        case("inline, encrypted", inline(false), Everybody, "read"),
        case(
            "inline, encrypted and signed",
            inline(true),
            Everybody,
            "read, good",
        ),
        case(
            "inline, clear-signed",
            What::Signed {
                form: Form::Cleartext,
            },
            Everybody,
            "read, good",
        ),
        case(
            "inline, signed and packed",
            What::Signed {
                form: Form::Message,
            },
            Everybody,
            "read, good",
        ),
        case(
            "attached file, armoured",
            file("notes.txt.asc"),
            Everybody,
            "file read",
        ),
        case(
            "attached file, binary",
            file("notes.txt.gpg"),
            Both(&[], &["--binary"]),
            "file read",
        ),
        case(
            "several recipients",
            to(&[OTHER, US, THEM]),
            Everybody,
            "read",
        ),
        case(
            "hidden recipients",
            to(&[OTHER, US, THEM]),
            Gpg(&["--throw-keyids"]),
            "read",
        ),
        case("to others alone", to(&[OTHER, THEM]), Everybody, "`no_key`"),
        case(
            "to hidden others alone",
            to(&[OTHER, THEM]),
            Gpg(&["--throw-keyids"]),
            "`no_key_fits`",
        ),
        case("to us and a password", mime(), Gpg(password), "read"),
        case(
            "to a password alone",
            to(&[]),
            Gpg(password),
            "`password_only`",
        ),
        case(
            "not compressed",
            mime(),
            Both(&["--compress-algo", "none"], &["--compression", "none"]),
            "read",
        ),
        case(
            "compressed: zip",
            mime(),
            Both(&["--compress-algo", "zip"], &["--compression", "zip"]),
            "read",
        ),
        case(
            "compressed: zlib",
            mime(),
            Both(&["--compress-algo", "zlib"], &["--compression", "zlib"]),
            "read",
        ),
        case(
            "compressed: bzip2",
            mime(),
            Both(&["--compress-algo", "bzip2"], &["--compression", "bzip2"]),
            "read",
        ),
        case(
            "padded",
            mime(),
            Sq(Some(&["--compression", "pad"]), None),
            "read",
        ),
        case("literal data as text", mime(), Gpg(&["--textmode"]), "read"),
        case("AES-128", mime(), Gpg(&["--cipher-algo", "AES128"]), "read"),
        case("AES-192", mime(), Gpg(&["--cipher-algo", "AES192"]), "read"),
        case("AES-256", mime(), Gpg(&["--cipher-algo", "AES256"]), "read"),
        case(
            "Camellia-256",
            mime(),
            Gpg(&["--cipher-algo", "CAMELLIA256"]),
            "read",
        ),
        case("3DES", mime(), Gpg(&["--cipher-algo", "3DES"]), "read"),
        case("CAST5", mime(), Gpg(&["--cipher-algo", "CAST5"]), "read"),
        case(
            "Blowfish",
            mime(),
            Gpg(&["--cipher-algo", "BLOWFISH"]),
            "read",
        ),
        case(
            "Twofish",
            mime(),
            Gpg(&["--cipher-algo", "TWOFISH"]),
            "`unsupported`",
        ),
        case(
            "IDEA",
            mime(),
            Gpg(&["--cipher-algo", "IDEA"]),
            "`unsupported`",
        ),
        case(
            "without integrity protection",
            mime(),
            Gpg(&["--rfc2440", "--disable-mdc"]),
            "`unsupported`",
        ),
        case(
            "AEAD, GnuPG's OCB packet",
            mime(),
            Gpg(&["--force-ocb"]),
            "read",
        ),
        case(
            "AEAD, RFC 9580",
            mime(),
            Sq(None, Some(&["--profile", "rfc9580"])),
            "read",
        ),
        case(
            "signed with SHA-256",
            detached(),
            Gpg(&["--digest-algo", "SHA256"]),
            "read, good",
        ),
        case(
            "signed with SHA-1",
            detached(),
            Gpg(&["--digest-algo", "SHA1"]),
            "read, bad",
        ),
        case(
            "signed as text",
            detached(),
            Both(&["--textmode"], &["--mode", "text"]),
            "read, good",
        ),
    ]
}

impl By {
    /// `None`: this program cannot make it.
    fn options(self, program: &str) -> Option<&'static [&'static str]> {
        let is_old_sq = program.starts_with("sq 0.");
        match self {
            Self::Everybody => Some(&[]),
            Self::Gpg(options) | Self::Both(options, _) if program.starts_with("gpg") => {
                Some(options)
            }
            Self::Gpg(_) => None,
            Self::Both(_, options) => Some(options),
            Self::Sq(old, _) if is_old_sq => old,
            Self::Sq(_, new) => new.filter(|_| program.starts_with("sq")),
        }
    }
}

pub fn check_theirs(program: &dyn Program) {
    let ours = keyring(key(US));
    let them = key(THEM);
    let mut wrong = Vec::new();
    let cells: Vec<(String, String)> = cases()
        .iter()
        .map(|case| {
            let cell = match case.by.options(program.name()) {
                None => "cannot write it".to_owned(),
                Some(options) => match case.what.mail(program, them, options) {
                    Ok(mail) => seen(&opened(&mail, Some(&ours), &certificates(them)), them),
                    Err(words) if knows_not(&words) => "cannot write it".to_owned(),
                    Err(words) => panic!("{}: {words}", case.name),
                },
            };
            if cell == "cannot write it" {
                println!("NOT TRIED: {} by {}", case.name, program.name());
            } else if cell != case.expected {
                wrong.push(format!("{}: {cell}, not {}", case.name, case.expected));
            }
            (case.name.to_owned(), cell)
        })
        .collect();
    assert!(wrong.is_empty(), "{}: {wrong:#?}", program.name());
    table::check("their message", program.name(), &cells);
}

/// The program's version has no such option.
fn knows_not(words: &str) -> bool {
    ["invalid option", "wasn't expected", "unexpected argument"]
        .iter()
        .any(|complaint| words.contains(complaint))
}

impl What {
    fn mail(&self, program: &dyn Program, them: &Key, options: &[&str]) -> Result<Vec<u8>, String> {
        let letter = Letter::new("reporter@example.test", "security@example.test", "report");
        match self {
            Self::Signed { form } => signed_mail(program, &letter, *form, them, options),
            Self::Sealed { shape, signed, to } => {
                let inner = match shape {
                    Shape::Mime => letter.entity(TEXT),
                    Shape::SignedMimeInside => {
                        let entity = letter.entity(TEXT);
                        let signature = program.signs(Form::Detached, &entity, them, &[])?;
                        with_crlf(around_signed(&entity, &armored(&signature)).as_bytes())
                    }
                    Shape::Inline | Shape::File(_) => TEXT.as_bytes().to_vec(),
                };
                let is_signed_apart = matches!(shape, Shape::SignedMimeInside);
                let to: Vec<&Key> = to.iter().map(|name| key(name)).collect();
                let binary = matches!(shape, Shape::File(name) if name.ends_with(".gpg"));
                let armour = if binary { &[] } else { program.armour() };
                let sealed = program.encrypts(&Sealing {
                    text: &inner,
                    to: &to,
                    signer: (*signed && !is_signed_apart).then_some(them),
                    options: &[armour, options].concat(),
                })?;
                Ok(match shape {
                    Shape::Mime | Shape::SignedMimeInside => {
                        letter.around_ciphertext(&armored(&sealed))
                    }
                    Shape::Inline => letter.plain(&armored(&sealed)),
                    Shape::File(name) => letter
                        .attach_bytes(name, "application/octet-stream", &sealed)
                        .plain("See the file.\n"),
                })
            }
        }
    }
}

fn signed_mail(
    program: &dyn Program,
    letter: &Letter,
    form: Form,
    them: &Key,
    options: &[&str],
) -> Result<Vec<u8>, String> {
    if form == Form::Detached {
        let entity = letter.entity(TEXT);
        let signature = program.signs(form, &entity, them, options)?;
        return Ok(letter.around_signed(&entity, &armored(&signature)));
    }
    let block = program.signs(form, TEXT.as_bytes(), them, options)?;
    Ok(letter.plain(&armored(&block)))
}

/// What we made of it: the failure, or what was read and the status of the signature.
fn seen(message: &Message, them: &Key) -> String {
    if let Some(failure) = message.openpgp.failure {
        assert!(
            !message.text.contains("10,000"),
            "text of a message that failed"
        );
        return format!("`{}`", failure.as_str());
    }
    let is_text = |text: &str| text.trim_end() == TEXT;
    let file = message
        .attachments
        .iter()
        .find(|file| file.name == "notes.txt");
    let read = match file {
        Some(file) if file.encrypted && file.excerpt.as_deref().is_some_and(is_text) => "file read",
        None if is_text(&message.text) => "read",
        _ => panic!("other text: {message:?}"),
    };
    let signatures = message.openpgp.signatures.iter();
    let statuses = signatures.map(|signature| status(signature, them));
    [read.to_owned()]
        .into_iter()
        .chain(statuses)
        .collect::<Vec<_>>()
        .join(", ")
}

fn status(signature: &Signature, them: &Key) -> String {
    assert_eq!(signature.fingerprint.as_ref(), Some(&them.fingerprint));
    assert_eq!(signature.covers, Covers::All);
    signature.status.as_str().to_owned()
}

/// What we send and hand out, as a correspondent uses it.
pub fn check_ours(program: &dyn Program) {
    type Use = fn(&dyn Program, &Key, &Keyring) -> Result<(), String>;
    let uses: [(&str, Use); 5] = [
        ("letter, encrypted and signed", encrypted_letter),
        ("letter in clear, signed", signed_letter),
        ("the key attached to a letter", attached_key),
        ("the key in Autocrypt", autocrypt_key),
        ("our generated secret key, imported", secret_key),
    ];
    let us = generated();
    let ours = keyring(&us);
    let mut wrong = Vec::new();
    let cells: Vec<(String, String)> = uses
        .into_iter()
        .map(|(name, used)| {
            let cell = match used(program, &us, &ours) {
                Ok(()) => "works".to_owned(),
                Err(words) => words,
            };
            if cell != "works" {
                wrong.push(format!("{name}: {cell}"));
            }
            (name.to_owned(), cell)
        })
        .collect();
    assert!(wrong.is_empty(), "{}: {wrong:#?}", program.name());
    table::check("our message", program.name(), &cells);
}

/// As `triaged key generate` makes it.
pub fn generated() -> Key {
    let email = "security@example.test";
    let year = std::time::Duration::from_secs(365 * 24 * 3600);
    let make = |passphrase: Option<&secrecy::SecretString>| {
        triaged::mail::pgp::generate("Security", email, passphrase, year, Utc::now()).unwrap()
    };
    let secret = make(None).into_bytes();
    let (keyring, _) = Keyring::load(
        &[(email.to_owned(), secret.clone())],
        None,
        email,
        Utc::now(),
    );
    Key {
        name: "generated".to_owned(),
        email: email.to_owned(),
        fingerprint: keyring.fingerprint(),
        certificate: keyring.certificate().into_bytes(),
        locked: Vec::new(),
        secret,
    }
}

fn encrypted_letter(program: &dyn Program, us: &Key, ours: &Keyring) -> Result<(), String> {
    let them = key(THEM);
    let certificate = certificates(them).remove(0);
    let draft = compose::Draft {
        html: None,
        files: Vec::new(),
        attach_key: Some(attachment(ours)),
        autocrypt: Some(ours.autocrypt(&us.email)),
        ..draft(&them.email)
    };
    let mail = compose::encrypted(&draft, "[SEC-2026-0001] Encrypted", |payload| {
        let sealed = ours.encrypt_signed(&certificate, payload, Utc::now());
        sealed.map_err(|error| error.to_string())
    })?;
    let plaintext = program.decrypts(&ciphertext(&mail), them, us)?;
    let inner = opened(&plaintext, None, &[]);
    assert_eq!(
        (inner.text.trim_end(), inner.subject),
        (TEXT, draft.subject)
    );
    Ok(())
}

fn signed_letter(program: &dyn Program, us: &Key, ours: &Keyring) -> Result<(), String> {
    let draft = compose::Draft {
        html: None,
        files: Vec::new(),
        attach_key: Some(attachment(ours)),
        autocrypt: Some(ours.autocrypt(&us.email)),
        ..draft("reporter@example.test")
    };
    let mail = compose::signed(&draft, |entity| {
        let signature = ours.sign_detached(entity, Utc::now());
        signature.map_err(|error| error.to_string())
    })?;
    let (entity, signature) = mime::signed_parts(&mail);
    program.verifies(entity, signature, us)
}

fn attached_key(program: &dyn Program, us: &Key, ours: &Keyring) -> Result<(), String> {
    let draft = compose::Draft {
        html: None,
        files: Vec::new(),
        attach_key: Some(attachment(ours)),
        ..draft("reporter@example.test")
    };
    let mail = compose::plain(&draft);
    let parsed = mail_parser::MessageParser::default().parse(&mail).unwrap();
    let part = parsed.attachment(0).unwrap();
    takes_and_writes(program, us, ours, part.contents())
}

fn autocrypt_key(program: &dyn Program, us: &Key, ours: &Keyring) -> Result<(), String> {
    use base64::Engine;
    let value = ours.autocrypt(&us.email);
    let (_, data) = value.split_once("keydata=").unwrap();
    let engine = base64::engine::general_purpose::STANDARD;
    let packets = engine.decode(data.replace(' ', "")).unwrap();
    takes_and_writes(program, us, ours, &packets)
}

/// They encrypt to the certificate that we handed out, and we read it.
fn takes_and_writes(
    program: &dyn Program,
    us: &Key,
    ours: &Keyring,
    certificate: &[u8],
) -> Result<(), String> {
    let handed_out = read_certificates(certificate);
    assert_eq!(handed_out[0].fingerprint, us.fingerprint);
    let public_alone = Key {
        name: us.name.clone(),
        email: us.email.clone(),
        fingerprint: us.fingerprint.clone(),
        certificate: certificate.to_vec(),
        secret: certificate.to_vec(),
        locked: Vec::new(),
    };
    program.takes(&public_alone)?;
    let text = armored_to(program, &public_alone)?;
    let mail = Letter::new("reporter@example.test", &us.email, "report").plain(&text);
    let message = opened(&mail, Some(ours), &[]);
    assert_eq!(
        (message.openpgp.failure, message.text.trim_end()),
        (None, TEXT)
    );
    Ok(())
}

fn armored_to(program: &dyn Program, to: &Key) -> Result<String, String> {
    let sealed = program.encrypts(&Sealing {
        text: TEXT.as_bytes(),
        to: &[to],
        signer: None,
        options: program.armour(),
    })?;
    Ok(exchange::armored(&sealed))
}

/// A member who takes the key over with the program.
fn secret_key(program: &dyn Program, us: &Key, ours: &Keyring) -> Result<(), String> {
    program.takes(us)?;
    let own = read_certificates(&us.certificate).remove(0);
    let sealed = ours.encrypt_signed(&own, TEXT.as_bytes(), Utc::now());
    let sealed = sealed.map_err(|error| error.to_string())?;
    assert_eq!(program.decrypts(&sealed, us, us)?, TEXT.as_bytes());
    Ok(())
}

fn attachment(ours: &Keyring) -> KeyAttachment {
    KeyAttachment {
        file_name: "security.asc".to_owned(),
        armored: ours.certificate(),
    }
}
