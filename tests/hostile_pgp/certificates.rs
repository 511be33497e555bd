//! Certificates that cost their reader much.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::crypto::KeyPair;
use sequoia_openpgp::packet::UserID;
use sequoia_openpgp::packet::signature::SignatureBuilder;
use sequoia_openpgp::serialize::{Serialize, SerializeInto};
use sequoia_openpgp::types::SignatureType;
use sequoia_openpgp::{Cert, Packet, Profile};

use crate::measured::World;
use crate::packets::{armored, mail, multipart, packet};

fn certificate(profile: Profile) -> Cert {
    let (cert, _) = CertBuilder::new()
        .set_profile(profile)
        .expect("a profile")
        .add_userid("Mallory <mallory@hostile.test>")
        .add_signing_subkey()
        .add_transport_encryption_subkey()
        .generate()
        .expect("a certificate");
    cert
}

fn with_file(content: &str) -> Vec<u8> {
    mail(&multipart(
        "mixed",
        "=-keys",
        &[
            "Content-Type: text/plain\n\nMy key is attached.\n",
            &format!("Content-Type: application/pgp-keys; name=key.asc\n\n{content}"),
        ],
    ))
}

fn bytes(packets: impl IntoIterator<Item = Packet>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for packet in packets {
        packet.serialize(&mut bytes).expect("a packet");
    }
    bytes
}

fn signer(cert: &Cert) -> KeyPair {
    let key = cert.primary_key().key().clone().parts_into_secret();
    key.expect("a secret key")
        .into_keypair()
        .expect("a key pair")
}

fn user(number: u32) -> UserID {
    UserID::from(format!("{number} <n{number}@hostile.test>"))
}

/// A self-signature over the user ID of this number.
fn binding(cert: &Cert, signer: &mut KeyPair, number: u32) -> Packet {
    let builder = SignatureBuilder::new(SignatureType::PositiveCertification)
        .set_signature_creation_time(SystemTime::now())
        .expect("a time");
    user(number)
        .bind(signer, cert, builder)
        .expect("a signature")
        .into()
}

/// Readers look for the component that a signature belongs to where it stands behind another one:
/// each of these would be compared with each user ID.
fn shuffled(cert: &Cert, count: u32) -> Vec<u8> {
    let mut signer = signer(cert);
    let components = (0..count).flat_map(|number| {
        let elsewhere = (number + count / 2) % count;
        [
            Packet::from(user(number)),
            binding(cert, &mut signer, elsewhere),
        ]
    });
    [cert.to_vec().expect("bytes"), bytes(components)].concat()
}

/// Packets that differ in their last bytes: what does not fit and is no copy of another.
fn distinct(packet: &[u8], count: u32) -> Vec<u8> {
    let (head, _) = packet.split_at(packet.len() - 4);
    (0..count)
        .flat_map(|number| [head, &number.to_be_bytes()].concat())
        .collect()
}

#[test]
fn certificates_with_thousands_of_everything() {
    let world = World::new();
    for (version, profile) in [("4", Profile::RFC4880), ("6", Profile::RFC9580)] {
        let cert = certificate(profile);
        let plain = cert.to_vec().expect("bytes");
        let block = |packets: &[u8]| with_file(&armored("PUBLIC KEY BLOCK", packets));
        let told = world.bounded(&format!("v{version}: one certificate"), &block(&plain));
        assert_eq!(
            told["openpgp"]["certificates"].as_array().map(Vec::len),
            Some(1)
        );
        let signature = bytes([binding(&cert, &mut signer(&cert), 1)]);
        let signatures = distinct(&signature, 4_500);
        let users: Vec<u8> = (0..10_000)
            .flat_map(|number| bytes([user(number).into()]))
            .collect();
        let subkey = cert
            .keys()
            .subkeys()
            .next()
            .expect("a subkey")
            .key()
            .clone();
        let subkeys = distinct(&bytes([Packet::from(subkey)]), 4_500);
        let shuffled = shuffled(&cert, 3_000);
        for (what, packets) in [
            ("4,500 signatures", [&plain[..], &signatures].concat()),
            ("10,000 user IDs", [&plain[..], &users].concat()),
            ("4,500 subkeys", [&plain[..], &subkeys].concat()),
            (
                "3,000 user IDs, each with the signature of another",
                shuffled.clone(),
            ),
            (
                "2,000 user IDs and 3,000 signatures",
                [
                    &plain[..],
                    &users[..users.len() / 5],
                    &signatures[..signatures.len() * 2 / 3],
                ]
                .concat(),
            ),
        ] {
            world.bounded(&format!("v{version}: {what}"), &block(&packets));
        }
        for packets in [&shuffled[..], &shuffled.repeat(12)] {
            let header = format!(
                "Autocrypt: addr=mallory@hostile.test; keydata={}\n",
                STANDARD.encode(packets)
            );
            let mail = [
                header.into_bytes(),
                mail("Content-Type: text/plain\n\nhello\n"),
            ]
            .concat();
            let what = format!("v{version}: Autocrypt of {} bytes", packets.len());
            world.bounded(&what, &mail);
        }
        let armor = armored("PUBLIC KEY BLOCK", &shuffled);
        let files: Vec<String> = (0..60)
            .map(|number| {
                format!("Content-Type: application/pgp-keys; name={number}.asc\n\n{armor}")
            })
            .collect();
        let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
        files.truncate(40_000_000 / armor.len());
        world.bounded(
            &format!("v{version}: {} such files", files.len()),
            &mail(&multipart("mixed", "=-keys", &files)),
        );
    }
    let version_3 = packet(
        6,
        &[&[3, 0, 0, 0, 0, 0, 0, 1, 64, 0], &[0x99; 2_048][..]].concat(),
    );
    world.bounded(
        "v3: 300 keys",
        &with_file(&armored("PUBLIC KEY BLOCK", &version_3.repeat(300))),
    );
    let numbers = packet(
        6,
        &[&[4, 0, 0, 0, 1, 1, 0xff, 0xff], &[0x99; 8_192][..]].concat(),
    );
    world.bounded(
        "v4: numbers of 65,535 bits",
        &with_file(&armored("PUBLIC KEY BLOCK", &numbers.repeat(80))),
    );
}
