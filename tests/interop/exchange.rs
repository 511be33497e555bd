//! One key of each kind, as ours and as theirs.
//!
//! | what | means |
//! | --- | --- |
//! | to us | they encrypt to our key of this kind, and we open it, with the key under a passphrase and without |
//! | signed to us | they sign with their key of this kind, and the status is right |
//! | to them | we encrypt to their certificate of this kind, and they open and verify it |
//! | signed by us | we sign with our key of this kind, and they verify it |

use chrono::Utc;
use triaged::mail::compose::{self, AutoSubmitted, Draft};
use triaged::mail::message::{Address, SignatureStatus};

use crate::common::Letter;
use crate::keys::{Key, Kind};
use crate::programs::{Form, Program, Sealing};
use crate::{KEYS, TEXT, certificates, key, keyring, locked_keyring, opened, table};

const US: &str = "security@example.test";

/// What the programs and we say where something is refused, and what it means; "it" is the other program.
const REASONS: &[(&str, &str)] = &[
    (
        "packet(1) with unknown version 6",
        "it lacks the AEAD of RFC 9580",
    ),
    (
        "SEIP packet (at [1]) not expected",
        "it lacks the AEAD of RFC 9580",
    ),
    ("packet(6) with unknown version 6", IT_CANNOT),
    ("Unsupported primary key", IT_CANNOT),
    (
        "ElGamal2048 is not considered secure",
        "it does not encrypt by the algorithm",
    ),
    ("error reading key: No public key", IT_CANNOT),
    ("has no suitable encryption key", IT_CANNOT),
    ("Found no suitable key", IT_CANNOT),
    ("No key to decrypt message", IT_CANNOT),
    ("is not bound", IT_CANNOT),
    ("is not valid according to the current policy", IT_CANNOT),
    ("unsupported public-key algorithm", IT_CANNOT),
    ("we: unsupported", WE_CANNOT),
    ("we: unknown_key", WE_CANNOT),
    ("we: 0 signatures", WE_CANNOT),
    ("we: there is no key of ours", WE_CANNOT),
    ("has no secret key that signs", WE_CANNOT),
    (
        "has no encryption key",
        "we do not encrypt by the algorithm",
    ),
    ("we: cannot read the key", WE_CANNOT),
    ("we: cannot read the certificate", WE_CANNOT),
    ("we: certificate", WE_CANNOT),
    ("No binding signature at time", IT_CANNOT),
];

/// For want of the algorithm or the version.
const IT_CANNOT: &str = "it cannot use such keys";
const WE_CANNOT: &str = "we cannot use such keys";

const UNEXPLAINED: &str = "UNEXPLAINED";

pub fn check(program: &dyn Program) {
    let cells: Vec<(String, String)> = KEYS
        .iter()
        .map(|(kind, key)| {
            let cell = match key {
                Err(why) => format!("not tried: {why}"),
                Ok(key) => cell(program, key),
            };
            if cell.starts_with("not tried") {
                println!("NOT TRIED: {} with {}: {cell}", kind.name, program.name());
            }
            (kind.name.to_owned(), cell)
        })
        .collect();
    let is_wrong = |(kind, cell): &(&Kind, &str)| {
        cell.contains(UNEXPLAINED) || kind.for_everybody && *cell != "works"
    };
    let kinds = KEYS.iter().map(|(kind, _)| kind);
    let wrong: Vec<String> = kinds
        .zip(cells.iter().map(|(_, cell)| cell.as_str()))
        .filter(is_wrong)
        .map(|(kind, cell)| format!("{}: {cell}", kind.name))
        .collect();
    assert!(wrong.is_empty(), "{}: {wrong:#?}", program.name());
    table::check("kind of key", program.name(), &cells);
}

fn cell(program: &dyn Program, key: &Key) -> String {
    if let Err(why) = program.takes(key) {
        return format!("not tried: {}", reason(&why));
    }
    type Direction = fn(&dyn Program, &Key) -> Result<(), String>;
    let directions: [(&str, Direction); 4] = [
        ("to us", to_us),
        ("signed to us", signed_to_us),
        ("to them", to_them),
        ("signed by us", signed_by_us),
    ];
    let refused: Vec<(&str, &str)> = directions
        .into_iter()
        .filter_map(|(name, exchange)| Some((name, reason(&exchange(program, key).err()?))))
        .collect();
    let mut reasons: Vec<&str> = refused.iter().map(|(_, why)| *why).collect();
    reasons.dedup();
    let each = refused.iter().map(|(way, why)| format!("{way}: {why}"));
    match refused.len() {
        0 => "works".to_owned(),
        4 => reasons.join("; "),
        _ => format!("works but {}", each.collect::<Vec<_>>().join("; ")),
    }
}

fn reason(words: &str) -> &'static str {
    let found = REASONS.iter().find(|(needle, _)| words.contains(needle));
    found.map_or_else(
        || {
            println!("{UNEXPLAINED}: {words}");
            UNEXPLAINED
        },
        |(_, reason)| reason,
    )
}

fn to_us(program: &dyn Program, ours: &Key) -> Result<(), String> {
    let letter = Letter::new("reporter@example.test", US, "report");
    let sealing = Sealing {
        text: &letter.entity(TEXT),
        to: &[ours],
        signer: None,
        options: program.armour(),
    };
    let sealed = program.encrypts(&sealing)?;
    let mail = letter.around_ciphertext(&armored(&sealed));
    for keyring in [keyring(ours), locked_keyring(ours)] {
        if keyring.is_empty() {
            return Err("we: cannot read the key".to_owned());
        }
        let message = opened(&mail, Some(&keyring), &[]);
        if let Some(failure) = message.openpgp.failure {
            return Err(format!("we: {}", failure.as_str()));
        }
        assert_eq!(message.text.trim_end(), TEXT, "{}", ours.name);
        assert!(message.openpgp.decrypted, "{}", ours.name);
    }
    Ok(())
}

fn signed_to_us(program: &dyn Program, theirs: &Key) -> Result<(), String> {
    let letter = Letter::new("reporter@example.test", US, "report");
    let entity = letter.entity(TEXT);
    let signature = program.signs(Form::Detached, &entity, theirs, &[])?;
    let mail = letter.around_signed(&entity, &armored(&signature));
    let message = opened(&mail, None, &certificates(theirs));
    assert_eq!(message.text.trim_end(), TEXT, "{}", theirs.name);
    let [signature] = message.openpgp.signatures.as_slice() else {
        return Err(format!(
            "we: {} signatures",
            message.openpgp.signatures.len()
        ));
    };
    if signature.status != SignatureStatus::Good {
        return Err(format!("we: {}", signature.status.as_str()));
    }
    assert_eq!(signature.fingerprint.as_ref(), Some(&theirs.fingerprint));
    Ok(())
}

fn to_them(program: &dyn Program, theirs: &Key) -> Result<(), String> {
    let ours = key("Curve25519, by sequoia");
    let certificate = certificates(theirs)
        .pop()
        .ok_or("we: cannot read the certificate")?;
    let keyring = keyring(ours);
    let mail = compose::encrypted(&draft(&theirs.email), "[…]", |payload| {
        let sealed = keyring.encrypt_signed(&certificate, payload, Utc::now());
        sealed.map_err(|error| error.to_string())
    });
    let mail = mail.map_err(|error| format!("we: {error}"))?;
    let plaintext = program.decrypts(&ciphertext(&mail), theirs, ours)?;
    let inner = opened(&plaintext, None, &[]);
    assert_eq!(inner.text.trim_end(), TEXT, "{}", theirs.name);
    assert_eq!(
        inner.subject,
        draft(&theirs.email).subject,
        "{}",
        theirs.name
    );
    Ok(())
}

fn signed_by_us(program: &dyn Program, ours: &Key) -> Result<(), String> {
    let keyring = keyring(ours);
    let signed = Letter::new(US, "reporter@example.test", "answer").entity(TEXT);
    let (signature, _) = keyring
        .sign_detached(&signed, Utc::now())
        .map_err(|error| format!("we: {error}"))?;
    program.verifies(&signed, &signature, ours)
}

pub fn draft(to: &str) -> Draft {
    Draft {
        from: Address {
            name: Some("Example Corp Security".to_owned()),
            email: US.to_owned(),
        },
        to: to.to_owned(),
        subject: "[SEC-2026-0001] Your report über €".to_owned(),
        text: format!("{TEXT}\n"),
        in_reply_to: Some("first@example.test".to_owned()),
        references: vec!["first@example.test".to_owned()],
        message_id: compose::new_message_id("example.test"),
        date: Utc::now(),
        auto_submitted: AutoSubmitted::Replied,
        html: None,
        files: Vec::new(),
        attach_key: None,
        autocrypt: None,
    }
}

/// The armoured message of a `multipart/encrypted`.
pub fn ciphertext(mail: &[u8]) -> Vec<u8> {
    let mail = String::from_utf8(mail.to_vec()).expect("ASCII");
    let start = mail.find("-----BEGIN PGP MESSAGE-----").expect("armour");
    let end = mail.find("-----END PGP MESSAGE-----").expect("its end");
    format!("{}-----END PGP MESSAGE-----\r\n", &mail[start..end]).into_bytes()
}

/// Programs leave the armour out where they are not asked for it.
pub fn armored(packets: &[u8]) -> String {
    String::from_utf8(packets.to_vec()).expect("armour")
}
