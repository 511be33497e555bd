//! A little that expands to much, and what lies in each other without end.

use sequoia_openpgp::types::CompressionAlgorithm;

use crate::measured::World;
use crate::packets::{
    compressed, deflated_zeros, encrypted_part, indeterminate, literal, mail, message, multipart,
    packet, pgp_mime, sealed, text_mail,
};

const TOO_LARGE: Option<&str> = Some("too_large");

/// A compressed data packet of two gigabytes of zeros.
fn bomb() -> Vec<u8> {
    packet(8, &[&[1], &deflated_zeros(1_000_000)[..]].concat())
}

/// With the head and the checksum of zlib (RFC 1950), which is wrong.
fn zlib_bomb() -> Vec<u8> {
    packet(
        8,
        &[&[2, 0x78, 0x9c], &deflated_zeros(1_000_000)[..], &[0; 4]].concat(),
    )
}

fn bzip2_bomb() -> Vec<u8> {
    compressed(CompressionAlgorithm::BZip2, &literal(&vec![0; 148_000_000]))
}

#[test]
fn what_expands_is_given_up() {
    let world = World::new();
    let us = &world.us;
    let told = world.check(
        "an ordinary mail",
        &pgp_mime(&sealed(
            us,
            &literal(b"Content-Type: text/plain\n\nhello\n"),
        )),
        None,
    );
    assert_eq!(told["text"], "hello\n");
    world.check("zip bomb", &pgp_mime(&sealed(us, &bomb())), TOO_LARGE);
    world.check("zlib bomb", &pgp_mime(&sealed(us, &zlib_bomb())), TOO_LARGE);
    world.check(
        "bzip2 bomb",
        &pgp_mime(&sealed(us, &bzip2_bomb())),
        TOO_LARGE,
    );
    let indefinite = indeterminate(8, &[&[1], &deflated_zeros(1_000_000)[..]].concat());
    world.check(
        "zip bomb without length",
        &pgp_mime(&sealed(us, &indefinite)),
        TOO_LARGE,
    );
    world.check("zip bomb in clear", &pgp_mime(&bomb()), TOO_LARGE);
    let sealed_bomb = message(&sealed(
        us,
        &packet(8, &[&[1], &deflated_zeros(70_000)[..]].concat()),
    ));
    world.check(
        "twenty bombs",
        &text_mail(&sealed_bomb.repeat(20)),
        TOO_LARGE,
    );
    let indented: String = sealed_bomb
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect();
    world.bounded("fifteen indented bombs", &text_mail(&indented.repeat(15)));
    let zeros = literal(&vec![b'0'; 48_000_000]);
    world.check(
        "as much as is read",
        &pgp_mime(&sealed(us, &compressed(CompressionAlgorithm::Zip, &zeros))),
        None,
    );
    world.check(
        "a large file",
        &pgp_mime(&sealed(us, &literal(&rand_bytes(34_000_000)))),
        None,
    );
}

fn rand_bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        })
        .collect()
}

#[test]
fn what_lies_in_each_other_is_given_up() {
    let world = World::new();
    let us = &world.us;
    let text = literal(b"Content-Type: text/plain\n\nhello\n");
    for depth in [2, 9, 10_000] {
        let nested = (0..depth).fold(text.clone(), |inner, _| {
            packet(8, &[&[0], &inner[..]].concat())
        });
        let what = format!("{depth} compressions in each other");
        world.check(&what, &pgp_mime(&sealed(us, &nested)), TOO_LARGE);
    }
    for depth in [3, 100] {
        let nested = (0..depth).fold(text.clone(), |inner, _| sealed(us, &inner));
        let what = format!("{depth} encryptions in each other");
        world.check(&what, &pgp_mime(&nested), TOO_LARGE);
    }
    let mimes = (0..12).fold(
        "Content-Type: text/plain\n\nhello\n".to_owned(),
        |inner, _| encrypted_part(&message(&sealed(us, &literal(inner.as_bytes())))),
    );
    world.check("12 PGP/MIME mails in each other", &mail(&mimes), TOO_LARGE);
    let mut parts = String::from("Content-Type: text/plain\n\nhello\n");
    for level in 0..3_000 {
        parts = multipart("mixed", &format!("b{level}b"), &[&parts]);
    }
    world.bounded(
        "MIME inside",
        &pgp_mime(&sealed(us, &literal(parts.as_bytes()))),
    );
    let forwarded = "Content-Type: message/rfc822\n\n".repeat(20_000);
    world.bounded(
        "forwarded mails inside",
        &pgp_mime(&sealed(us, &literal(forwarded.as_bytes()))),
    );
    let alternating = (0..12).fold(
        "Content-Type: text/plain\n\nhello\n".to_owned(),
        |inner, _| {
            let inside = message(&sealed(us, &literal(inner.as_bytes())));
            let forwarded = format!(
                "Content-Type: message/rfc822\n\n{}",
                encrypted_part(&inside)
            );
            multipart("mixed", "=-around", &[&forwarded])
        },
    );
    world.check("MIME in PGP in MIME", &mail(&alternating), TOO_LARGE);
}
