//! The real daemon between real servers: each program's user writes, and reads the answer.

use serde_json::Value;

use crate::common::{Dovecot, Postfix, Researcher, SECURITY_ADDRESS, SOON, Setup, wait_until};
use crate::exchange::armored;
use crate::keys::Key;
use crate::mime::{body, media_type, parts, signed_parts};
use crate::programs::{Gnupg, Program, Sealing, Sq};
use crate::{TEXT, key};

/// Each key names one address, so that each program has its own.
const BY_GPG: [&str; 3] = ["RSA 3072", "NIST P-521", "Curve25519"];
const BY_SQ: [&str; 3] = ["RSA 2048", "NIST P-384", "Curve25519, by sequoia"];

#[test]
fn answers_of_the_daemon_are_read_and_verified() {
    let dovecot = Dovecot::start();
    let postfix = Postfix::start(&dovecot);
    let setup = Setup::new(&dovecot, &postfix);
    let us = office_key(&setup);
    let users: [(&dyn Program, [&str; 3]); 2] = [(&Gnupg::new(), BY_GPG), (&Sq::new(), BY_SQ)];
    let person = |address: &str| Researcher::new(&dovecot, &postfix, "Ann", address);
    // All mailboxes are there before the first mail is: the server reads its tables while it works.
    let mut writers = Vec::new();
    for (program, kinds) in users {
        for theirs in kinds.map(key) {
            writers.push((program, Some(theirs), person(&theirs.email)));
        }
        let plain = format!("{}@research.test", program.name().replace(' ', "-"));
        writers.push((program, None, person(&plain)));
    }
    for (program, theirs, from) in &writers {
        let report = match theirs {
            Some(theirs) => sealed_report(*program, from, theirs, &us),
            None => from.letter(SECURITY_ADDRESS, "A weakness").plain(TEXT),
        };
        from.send(SECURITY_ADDRESS, &report);
    }
    wait_until("all reports", SOON, || {
        dovecot.mails(SECURITY_ADDRESS, "INBOX").len() == writers.len()
    });
    let done = setup.run_once();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    for (program, theirs, writer) in writers {
        wait_until("the answer", SOON, || writer.raw_inbox().len() == 1);
        let answer = writer.raw_inbox().remove(0);
        match theirs {
            Some(theirs) => check_sealed(program, &answer, theirs, &us),
            None => {
                let (entity, signature) = signed_parts(&answer);
                let verified = program.verifies(entity, signature, &us);
                assert_eq!(verified, Ok(()), "{}", program.name());
            }
        }
    }
    check_cases(&setup);
}

/// With their certificate attached inside.
fn sealed_report(program: &dyn Program, from: &Researcher, theirs: &Key, us: &Key) -> Vec<u8> {
    let certificate = std::str::from_utf8(&theirs.certificate).unwrap();
    let letter = from.letter(SECURITY_ADDRESS, "A weakness").attach(
        "key.asc",
        "application/pgp-keys",
        certificate,
    );
    let sealed = program.encrypts(&Sealing {
        text: &letter.entity(TEXT),
        to: &[us],
        signer: Some(theirs),
        options: program.armour(),
    });
    letter.around_ciphertext(&armored(&sealed.expect("a sealed report")))
}

#[track_caller]
fn check_sealed(program: &dyn Program, answer: &[u8], theirs: &Key, us: &Key) {
    let name = format!("{}, {}", program.name(), theirs.name);
    assert_eq!(media_type(answer), "multipart/encrypted", "{name}");
    let plaintext = program.decrypts(body(parts(answer)[1]), theirs, us);
    let plaintext = plaintext.unwrap_or_else(|error| panic!("{name}: {error}"));
    let words = String::from_utf8(plaintext).unwrap();
    assert!(
        words.contains("We have received your report"),
        "{name}: {words}"
    );
}

fn office_key(setup: &Setup) -> Key {
    let certificate = setup.certificate().into_bytes();
    Key {
        name: "the office".to_owned(),
        email: SECURITY_ADDRESS.to_owned(),
        fingerprint: setup.fingerprint.clone(),
        secret: certificate.clone(),
        locked: Vec::new(),
        certificate,
    }
}

/// What came sealed was decrypted, and its signature is good.
fn check_cases(setup: &Setup) {
    let cases = setup.json(&["case", "list"]);
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), BY_GPG.len() + BY_SQ.len() + 2);
    let mut sealed = 0;
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let shown = setup.json(&["case", "show", id]);
        let messages = shown["messages"].as_array().unwrap();
        let is_incoming = |message: &&Value| message["direction"] == "in";
        let mail = messages.iter().find(is_incoming).unwrap();
        if mail["encrypted"] == Value::Bool(true) {
            sealed += 1;
            assert_eq!(mail["decrypted"], true, "{shown:#}");
            assert_eq!(mail["signatures"][0]["status"], "good", "{shown:#}");
        }
    }
    assert_eq!(sealed, BY_GPG.len() + BY_SQ.len());
}
