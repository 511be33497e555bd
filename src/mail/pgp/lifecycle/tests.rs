use std::time::Duration;

use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::packet::UserID;
use sequoia_openpgp::policy::HashAlgoSecurity;
use sequoia_openpgp::serialize::Serialize;
use sequoia_openpgp::serialize::stream::{Encryptor, LiteralWriter, Message};
use sequoia_openpgp::types::HashAlgorithm;

use super::*;
use crate::mail::pgp::{Keyring, Kind, generate_kind};

const US: &str = "security@example.test";

fn now() -> DateTime<Utc> {
    "2027-01-01T00:00:00Z".parse().unwrap()
}

/// A signature over one of the same second is dated behind it.
fn soon() -> DateTime<Utc> {
    now() + TimeDelta::seconds(5)
}

fn made(kind: Kind, passphrase: Option<&SecretString>, days: u64) -> String {
    let valid_for = Duration::from_secs(days * 86_400);
    generate_kind(kind, ("Us", US), passphrase, valid_for, now()).unwrap()
}

fn keyring(file: &[u8], passphrase: Option<&SecretString>, at: DateTime<Utc>) -> Keyring {
    let (keyring, problems) =
        Keyring::load(&[("file".to_owned(), file.to_vec())], passphrase, US, at);
    assert_eq!(problems, []);
    keyring
}

fn fingerprint(file: &[u8]) -> String {
    name(&certs(file).unwrap()[0])
}

/// All parts expire then, and the key can be offered until then.
#[track_caller]
fn check_expires(keyring: &Keyring, at: DateTime<Utc>) {
    for key in keyring.keys(soon()) {
        for part in key.parts {
            assert_eq!(part.expires_at, Some(at), "{}", part.fingerprint);
            assert!(part.unlocked);
        }
    }
    let moment = TimeDelta::seconds(2);
    assert!(keyring.has_good(at - moment));
    assert!(!keyring.has_good(at + moment));
}

/// Encrypts as anybody would, by the library alone.
fn sealed(file: &[u8], at: DateTime<Utc>) -> Vec<u8> {
    let cert = certs(file).unwrap().remove(0).strip_secret_key_material();
    let policy = policy::current(at);
    let keys = cert.keys().with_policy(&policy, system_time(at));
    let recipients: Vec<_> = keys
        .supported()
        .alive()
        .revoked(false)
        .for_transport_encryption()
        .collect();
    let mut bytes = Vec::new();
    let message = Encryptor::for_recipients(Message::new(&mut bytes), recipients)
        .build()
        .unwrap();
    let mut writer = LiteralWriter::new(message).build().unwrap();
    std::io::Write::write_all(&mut writer, b"in confidence").unwrap();
    writer.finalize().unwrap();
    bytes
}

#[test]
fn every_kind_is_renewed_and_revoked_and_opens_what_was_sealed_to_it() {
    let secret = SecretString::from("our passphrase");
    for kind in [Kind::V4, Kind::V6] {
        for passphrase in [None, Some(&secret)] {
            let file = made(kind, passphrase, 30).into_bytes();
            let name = fingerprint(&file);
            let ends = now() + TimeDelta::days(900);
            let renewed = renewed(&file, &name, passphrase, ends, now()).unwrap();
            // Once more in the same second: the newest counts.
            let ends = ends + TimeDelta::days(1);
            let renewed = super::renewed(&renewed, &name, passphrase, ends, now()).unwrap();
            let later = now() + TimeDelta::days(60);
            let keyring_then = keyring(&renewed, passphrase, later);
            check_expires(&keyring_then, ends);

            let message = sealed(&renewed, later);
            let reason = (Reason::Superseded, "there is another");
            let revoked = revoked(&renewed, &name, passphrase, reason, later).unwrap();
            let sources = [("file".to_owned(), revoked.to_vec())];
            let (keyring, problems) =
                Keyring::load(&sources, passphrase, US, later + TimeDelta::days(1));
            assert!(
                problems
                    .iter()
                    .any(|it| it.what.starts_with("is revoked; ")),
                "{problems:?}"
            );
            assert!(!keyring.has_good(later + TimeDelta::days(1)));
            let opened = keyring.decrypt(&message, &[], 1_000_000, later).unwrap();
            assert_eq!(opened.bytes, b"in confidence", "{kind:?}");
            let again = super::renewed(
                &revoked,
                &name,
                passphrase,
                ends,
                later + TimeDelta::days(1),
            );
            assert!(again.unwrap_err().contains("revoked"));
        }
    }
}

#[test]
fn what_else_a_file_holds_stays_byte_for_byte() {
    let (first, second) = (made(Kind::V4, None, 30), made(Kind::V4, None, 30));
    let file = format!("one\n{first}two\r\n\n{second}three");
    let name = fingerprint(second.as_bytes());
    let ends = now() + TimeDelta::days(90);
    let edited = renewed(file.as_bytes(), &name, None, ends, now()).unwrap();
    let edited = std::str::from_utf8(&edited).unwrap();
    let head = format!("one\n{first}two\r\n\n-----BEGIN PGP PRIVATE KEY BLOCK-----");
    assert!(edited.starts_with(&head), "{edited}");
    assert!(
        edited.ends_with("-----END PGP PRIVATE KEY BLOCK-----\nthree"),
        "{edited}"
    );
    let keys = keyring(edited.as_bytes(), None, soon()).keys(soon());
    let expiry = |index: usize| keys[index].parts[0].expires_at;
    assert_eq!(expiry(0), Some(now() + TimeDelta::days(30)));
    assert_eq!(expiry(1), Some(ends));

    // Both in one binary file.
    let mut binary = Vec::new();
    for cert in certs(file.as_bytes()).unwrap() {
        cert.as_tsk().serialize(&mut binary).unwrap();
    }
    let edited = renewed(&binary, &name, None, ends, now()).unwrap();
    assert!(armor::is_binary(&edited));
    let keys = keyring(&edited, None, soon()).keys(soon());
    assert_eq!(keys[1].parts[2].expires_at, Some(ends));
    assert_eq!(
        keys[0].parts[2].expires_at,
        Some(now() + TimeDelta::days(30))
    );
}

#[test]
fn what_cannot_be_signed_is_refused_with_the_reason() {
    #[track_caller]
    fn check(file: &[u8], passphrase: Option<&str>, expected: &str) {
        let passphrase = passphrase.map(SecretString::from);
        let name = fingerprint(file);
        let ends = now() + TimeDelta::days(90);
        let why = renewed(file, &name, passphrase.as_ref(), ends, now()).unwrap_err();
        assert!(why.contains(expected), "{why}");
        let reason = (Reason::Retired, "");
        let why = revoked(file, &name, passphrase.as_ref(), reason, now()).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
    let locked = made(Kind::V4, Some(&SecretString::from("ours")), 30);
    check(locked.as_bytes(), None, "none is known");
    check(locked.as_bytes(), Some("theirs"), "another passphrase");
    let open = made(Kind::V4, None, 30);
    let cert = certs(open.as_bytes()).unwrap().remove(0);
    let mut without_primary = Vec::new();
    let primary = cert.fingerprint();
    cert.as_tsk()
        .set_filter(move |key| key.fingerprint() != primary)
        .emit_secret_key_stubs(true)
        .serialize(&mut without_primary)
        .unwrap();
    check(&without_primary, None, "the primary key is needed");
    assert!(holds_primary(open.as_bytes(), &name(&cert)));
    assert!(!holds_primary(&without_primary, &name(&cert)));
    let early = now() - TimeDelta::days(30);
    let why = renewed(open.as_bytes(), &name(&cert), None, now(), early).unwrap_err();
    assert!(why.contains("is the clock right?"), "{why}");
}

#[test]
fn a_key_bound_with_sha_1_is_bound_anew() {
    let made_at = now() - TimeDelta::days(4_000);
    let (cert, _) = CertBuilder::new()
        .set_profile(sequoia_openpgp::Profile::RFC4880)
        .unwrap()
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_creation_time(system_time(made_at))
        .add_userid(UserID::from(format!("Us <{US}>")))
        .add_signing_subkey()
        .add_transport_encryption_subkey()
        .generate()
        .unwrap();
    let weak = bound_with_sha1(&cert, made_at);
    let file = armored_key(&weak).unwrap();
    let name = name(&weak);
    let (old, problems) = Keyring::load(&[("f".to_owned(), file.to_vec())], None, US, now());
    assert!(!old.has_good(now()), "{problems:?}");
    let ends = now() + TimeDelta::days(700);
    let file = renewed(&file, &name, None, ends, now()).unwrap();
    assert!(keyring(&file, None, soon()).has_good(soon()));
}

/// The same key with nothing but SHA-1 signatures.
fn bound_with_sha1(cert: &Cert, at: DateTime<Utc>) -> Cert {
    let mut lenient = policy::lenient(at);
    lenient.accept_hash_property(HashAlgorithm::SHA1, HashAlgoSecurity::CollisionResistance);
    let valid = cert.with_policy(&lenient, system_time(at)).unwrap();
    let mut primary = signer(cert.primary_key().key(), None).unwrap();
    let old = |signature: &Signature| {
        SignatureBuilder::from(signature.clone())
            .set_hash_algo(HashAlgorithm::SHA1)
            .set_signature_creation_time(system_time(at))
            .unwrap()
    };
    let key = cert
        .primary_key()
        .key()
        .clone()
        .parts_into_secret()
        .unwrap();
    let mut packets: Vec<Packet> = vec![key.clone().into()];
    for user in valid.userids() {
        let binding = old(user.binding_signature())
            .sign_userid_binding(&mut primary, cert.primary_key().key(), user.userid())
            .unwrap();
        packets.extend([user.userid().clone().into(), binding.into()]);
    }
    for subkey in valid.keys().subkeys() {
        let mut binding = old(subkey.binding_signature());
        if subkey.for_signing() {
            let mut own = signer(subkey.key(), None).unwrap();
            let back = SignatureBuilder::new(SignatureType::PrimaryKeyBinding)
                .set_hash_algo(HashAlgorithm::SHA1)
                .set_signature_creation_time(system_time(at))
                .unwrap()
                .sign_primary_key_binding(&mut own, cert.primary_key().key(), subkey.key())
                .unwrap();
            binding = binding.set_embedded_signature(back).unwrap();
        }
        let binding = binding
            .sign_subkey_binding(&mut primary, cert.primary_key().key(), subkey.key())
            .unwrap();
        let key = subkey.key().clone().parts_into_secret().unwrap();
        packets.extend([key.into(), binding.into()]);
    }
    Cert::from_packets(packets.into_iter()).unwrap()
}

#[test]
fn a_revoked_subkey_stays_revoked_and_is_not_renewed() {
    let file = made(Kind::V4, None, 30);
    let cert = certs(file.as_bytes()).unwrap().remove(0);
    let mut primary = signer(cert.primary_key().key(), None).unwrap();
    let subkey = cert.keys().subkeys().next().unwrap();
    let revocation = sequoia_openpgp::cert::SubkeyRevocationBuilder::new()
        .set_signature_creation_time(system_time(now()))
        .unwrap()
        .set_reason_for_revocation(ReasonForRevocation::KeyCompromised, b"")
        .unwrap()
        .build(&mut primary, &cert, subkey.key(), None)
        .unwrap();
    let gone = format!("{:X}", subkey.key().fingerprint());
    let cert = cert.clone().insert_packets(vec![revocation]).unwrap().0;
    let file = armored_key(&cert).unwrap();
    let ends = now() + TimeDelta::days(300);
    let file = renewed(&file, &name(&cert), None, ends, now()).unwrap();
    let (keyring, _) = Keyring::load(&[("f".to_owned(), file.to_vec())], None, US, soon());
    for part in &keyring.keys(soon())[0].parts {
        assert_eq!(part.revoked, part.fingerprint == gone, "{part:?}");
        assert_eq!(
            part.expires_at == Some(ends),
            part.fingerprint != gone,
            "{part:?}"
        );
    }
}

#[test]
fn an_import_is_protected_anew_and_whole() {
    let (theirs, ours) = (SecretString::from("theirs"), SecretString::from("ours"));
    for kind in [Kind::V4, Kind::V6] {
        for (old, new) in [
            (Some(&theirs), Some(&ours)),
            (None, Some(&ours)),
            (Some(&theirs), None),
        ] {
            let file = made(kind, old, 30);
            let mut found = imported(file.as_bytes(), &[&ours, &theirs], new).unwrap();
            assert_eq!(found.len(), 1);
            let found = found.remove(0);
            assert_eq!(found.fingerprint, fingerprint(file.as_bytes()));
            check_expires(
                &keyring(&found.file, new, now()),
                now() + TimeDelta::days(30),
            );
            if new.is_some() {
                let sources = [("f".to_owned(), found.file.to_vec())];
                assert!(
                    Keyring::load(&sources, Some(&theirs), US, now())
                        .0
                        .is_empty()
                );
            }
        }
    }
    let file = made(Kind::V4, Some(&theirs), 30);
    assert!(imported(file.as_bytes(), &[&ours], None).is_err());
    assert!(imported(b"nothing", &[], None).unwrap().is_empty());
}

#[test]
fn post_quantum_is_made_where_the_library_has_it() {
    let made = generate_kind(
        Kind::PostQuantum,
        ("Us", US),
        None,
        Duration::from_secs(86_400),
        now(),
    );
    match CipherSuite::MLDSA65_Ed25519.is_supported() {
        Ok(()) => {
            let file = made.unwrap().into_bytes();
            let opened = keyring(&file, None, now())
                .decrypt(&sealed(&file, now()), &[], 1_000_000, now())
                .unwrap();
            assert_eq!(opened.bytes, b"in confidence");
        }
        Err(_) => assert!(made.unwrap_err().contains("OpenSSL 3.5")),
    }
}
