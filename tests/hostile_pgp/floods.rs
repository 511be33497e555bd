//! Thousands of everything: session keys, signatures, packets of all kinds, armour.

use sequoia_openpgp::packet::{Packet, Tag};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::serialize::Serialize;
use sequoia_openpgp::types::CompressionAlgorithm;
use sequoia_openpgp::{Cert, PacketPile};

use crate::measured::World;
use crate::packets::{
    MARKER, PADDING, TRUST, armored, compressed, ecdh_nonsense, indeterminate, literal, mail,
    message, mpi, multipart, packet, partial, pgp_mime, sealed, session_key, text_mail,
};

const TOO_LARGE: Option<&str> = Some("too_large");
const HELLO: &[u8] = b"Content-Type: text/plain\n\nhello\n";

/// The session key packets of a message to us, and what follows them.
fn parts(world: &World) -> (Vec<u8>, Vec<u8>) {
    let whole = sealed(&world.us, &literal(HELLO));
    let packets = PacketPile::from_bytes(&whole)
        .expect("packets")
        .into_children();
    let (keys, rest): (Vec<Packet>, Vec<Packet>) =
        packets.partition(|packet| packet.tag() == Tag::PKESK);
    let joined = |packets: &[Packet]| {
        let mut bytes = Vec::new();
        for packet in packets {
            packet.serialize(&mut bytes).expect("a packet");
        }
        bytes
    };
    (joined(&keys), joined(&rest))
}

#[test]
fn session_keys_by_the_thousand() {
    let world = World::new();
    let (ours, rest) = parts(&world);
    let named = world.our_key_id();
    let many = |count: u32, id: fn(u32, [u8; 8]) -> [u8; 8]| -> Vec<u8> {
        (0..count)
            .flat_map(|number| session_key(id(number, named), 18, &ecdh_nonsense(number)))
            .collect()
    };
    let check = |what: &str, keys: &[u8], class: Option<&str>| {
        let packets = [keys, &rest[..]].concat();
        world.check(what, &pgp_mime(&packets), class);
        // What comes before the key that fits does not hide it, within the bounds.
        let packets = [keys, &ours[..], &rest[..]].concat();
        world.bounded(what, &pgp_mime(&packets));
    };
    check(
        "10,000 keys for us",
        &many(10_000, |_, named| named),
        TOO_LARGE,
    );
    check(
        "1,000 keys for us",
        &many(1_000, |_, named| named),
        TOO_LARGE,
    );
    check(
        "10 keys for us",
        &many(10, |_, named| named),
        Some("modified"),
    );
    check(
        "1,000 keys for whoever it fits",
        &many(1_000, |_, _| [0; 8]),
        TOO_LARGE,
    );
    check(
        "10 keys for whoever it fits",
        &many(10, |_, _| [0; 8]),
        Some("no_key_fits"),
    );
    let mixed = many(1_000, |number, named| match number % 3 {
        0 => named,
        1 => [0; 8],
        _ => [7; 8],
    });
    check(
        "1,000 keys for us, others, and whoever it fits",
        &mixed,
        TOO_LARGE,
    );
    check(
        "1,000 keys for others",
        &many(1_000, |_, _| [7; 8]),
        Some("no_key"),
    );
    for (claimed, given) in [(16_384, 2_048), (65_535, 8_192), (65_535, 3)] {
        for algorithm in [1, 16, 18, 25] {
            let key = session_key(named, algorithm, &mpi(claimed, given)).repeat(500);
            let what =
                format!("500 numbers of {claimed} bits in {given} bytes, algorithm {algorithm}");
            world.bounded(&what, &pgp_mime(&[&key[..], &rest].concat()));
        }
    }
    let large = packet(1, &vec![9; 30_000_000]);
    world.check(
        "a session key of 30 MB",
        &pgp_mime(&[&large[..], &rest].concat()),
        Some("malformed"),
    );
}

/// Twenty messages that are read, eighty indented ones that are tried, each with as many session
/// keys as one message may have.
#[test]
fn session_keys_in_many_messages() {
    let world = rsa_world();
    let (_, rest) = parts(&world);
    let named = world.our_key_id();
    let key = session_key(named, 1, &mpi(4_096, 512));
    let packets = [&key.repeat(64)[..], &rest].concat();
    let armor = message(&packets);
    let indented: String = armor.lines().map(|line| format!("  {line}\n")).collect();
    world.check("RSA: one message", &text_mail(&armor), Some("modified"));
    world.bounded("RSA: 40 messages", &text_mail(&armor.repeat(40)));
    world.bounded(
        "RSA: 100 indented messages",
        &text_mail(&indented.repeat(100)),
    );
}

/// A reader whose every try takes long.
fn rsa_world() -> World {
    let mut world = World::new();
    let gpg = crate::common::Gpg::new();
    let address = crate::common::SECURITY_ADDRESS;
    let key = gpg.generate(
        "Example Corp",
        address,
        crate::common::Algorithm::Rsa(4_096),
    );
    world
        .setup
        .write("security.key.asc", &gpg.export_secret(&key, ""));
    world.us = Cert::from_bytes(gpg.export(&key).as_bytes()).expect("a certificate");
    world
}

#[test]
fn passwords_are_never_tried() {
    let world = World::new();
    let (ours, rest) = parts(&world);
    let salt = [0x42; 8];
    let iterated = packet(3, &[&[4, 9, 3, 10], &salt[..], &[0xff]].concat());
    let argon = packet(3, &[&[4, 9, 4], &[0x42; 16][..], &[255, 255, 31]].concat());
    let version_6 = {
        let s2k = [&[4], &[0x42; 16][..], &[255, 255, 31]].concat();
        let fields = [&[9, 2, 20], &s2k[..], &[0x11; 15]].concat();
        let count = u8::try_from(fields.len()).expect("short");
        packet(3, &[&[6, count], &fields[..], &[0x22; 48]].concat())
    };
    let unknown = packet(3, &[9, 9, 9, 9]);
    for (what, one) in [
        ("iterated 65 million times", &iterated),
        ("Argon2 of 2 TiB", &argon),
        ("Argon2 of 2 TiB, version 6", &version_6),
    ] {
        for count in [1, 1_000] {
            let what = format!("{count} passwords, {what}");
            let many = one.repeat(count);
            world.check(
                &what,
                &pgp_mime(&[&many[..], &rest].concat()),
                Some("password_only"),
            );
            world.check(&what, &pgp_mime(&[&many[..], &ours, &rest].concat()), None);
        }
        let many = one.repeat(10_000);
        world.check(
            "10,000 passwords",
            &pgp_mime(&[&many[..], &rest].concat()),
            TOO_LARGE,
        );
    }
    let many = unknown.repeat(1_000);
    world.check(
        "1,000 unknown passwords",
        &pgp_mime(&[&many[..], &ours, &rest].concat()),
        None,
    );
}

#[test]
fn packets_of_every_kind() {
    let world = World::new();
    let us = &world.us;
    let text = literal(HELLO);
    let inside = |packets: &[u8]| pgp_mime(&sealed(us, packets));
    let (ours, rest) = parts(&world);
    let outside = |packets: &[u8]| pgp_mime(&[packets, &ours[..], &rest].concat());
    for (what, tag) in [
        ("marker", MARKER),
        ("trust", TRUST),
        ("padding", PADDING),
        ("unknown critical", 30),
        ("unknown", 55),
    ] {
        let body: &[u8] = if tag == MARKER { b"PGP" } else { b"anything" };
        let one = packet(tag, body);
        for (place, mail) in [
            ("before", outside(&one)),
            ("inside, before", inside(&[&one[..], &text].concat())),
            ("inside, behind", inside(&[&text[..], &one].concat())),
        ] {
            world.bounded(&format!("a {what} packet {place}"), &mail);
        }
        let many = one.repeat(100_000);
        // Those that belong into no message are refused at the first.
        let class = match tag {
            MARKER | PADDING => TOO_LARGE,
            _ => Some("malformed"),
        };
        world.check(&format!("100,000 {what} packets"), &outside(&many), class);
        let large = packet(tag, &vec![b'x'; 30_000_000]);
        world.bounded(&format!("a {what} packet of 30 MB"), &outside(&large));
        world.bounded(
            &format!("a {what} packet of 30 MB inside"),
            &inside(&[&text[..], &large].concat()),
        );
    }
    world.check(
        "10,000 literal packets",
        &inside(&text.repeat(10_000)),
        Some("malformed"),
    );
    let mut ends = 0;
    for exponent in [0, 1, 4, 9] {
        let body = [b"b\0\0\0\0\0", &[b'y'; 2_000_000][..]].concat();
        world.check(
            &format!("a text in parts of {} bytes", 1 << exponent),
            &inside(&partial(11, &body, exponent)),
            None,
        );
        let seip = rest_body(&sealed_rest(&world, 2_000_000));
        world.check(
            &format!("a ciphertext in parts of {} bytes", 1 << exponent),
            &pgp_mime(&[&seip.0[..], &partial(18, &seip.1, exponent)].concat()),
            None,
        );
        ends += 1;
    }
    assert_eq!(ends, 4);
    let tiny = partial(11, &[b"b\0\0\0\0\0", &[b'y'; 4_000_000][..]].concat(), 0);
    world.bounded("4 million parts of a byte", &inside(&tiny));
    let tiny = partial(11, &[b"b\0\0\0\0\0", &[b'y'; 1_000_000][..]].concat(), 0);
    let hashed = [&salted_announcements(31)[..], &tiny].concat();
    world.check(
        "a million parts of a byte under 31 signatures",
        &inside(&compressed(CompressionAlgorithm::Zlib, &hashed)),
        TOO_LARGE,
    );
    let endless = indeterminate(11, &[b"b\0\0\0\0\0", HELLO].concat());
    world.check("a text without length", &inside(&endless), None);
    let endless = [0xcb, 0xe9].repeat(1_000);
    world.bounded("parts that are not there", &inside(&endless));
    let nested_signatures = signature_announcement().repeat(5_000);
    world.check(
        "5,000 announcements of signatures",
        &inside(&[&nested_signatures[..], &text].concat()),
        TOO_LARGE,
    );
}

/// A one-pass signature packet: version 3, a text, SHA-512, EdDSA, an ID, not the last.
fn signature_announcement() -> Vec<u8> {
    packet(4, &[3, 0, 10, 22, 1, 2, 3, 4, 5, 6, 7, 8, 0])
}

/// As that, of version 6: each with a salt of its own, so that the text is hashed for each.
fn salted_announcements(count: u8) -> Vec<u8> {
    let one = |number| {
        let head = [6, 1, 10, 27, 32];
        packet(4, &[&head[..], &[number; 32], &[7; 32], &[1]].concat())
    };
    (0..count).flat_map(one).collect()
}

fn sealed_rest(world: &World, size: usize) -> Vec<u8> {
    sealed(&world.us, &literal(&vec![b'z'; size]))
}

/// The session keys, and the body of the encrypted data packet.
fn rest_body(whole: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut keys = Vec::new();
    let mut body = Vec::new();
    for raw in PacketPile::from_bytes(whole)
        .expect("packets")
        .into_children()
    {
        let mut bytes = Vec::new();
        match &raw {
            Packet::SEIP(_) => {
                raw.serialize(&mut bytes).expect("a packet");
                body = without_header(&bytes);
            }
            _ => raw.serialize(&mut keys).expect("a packet"),
        }
    }
    (keys, body)
}

/// Of the newer format with a length in one piece.
fn without_header(packet: &[u8]) -> Vec<u8> {
    let skipped = match packet[1] {
        0..192 => 2,
        192..224 => 3,
        255 => 6,
        other => panic!("a length of {other:x}"),
    };
    packet[skipped..].to_vec()
}

#[test]
fn armour_without_end() {
    let world = World::new();
    let line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJz\n";
    let junk = line.repeat(46_000_000 / line.len());
    let begin = "-----BEGIN PGP MESSAGE-----\n\n";
    world.bounded("46 MB of armour", &text_mail(&format!("{begin}{junk}")));
    world.bounded(
        "46 MB of closed armour",
        &text_mail(&format!("{begin}{junk}-----END PGP MESSAGE-----\n")),
    );
    let letters = "Q\n".repeat(10_000_000);
    world.bounded(
        "10 million lines of armour",
        &text_mail(&format!("{begin}{letters}-----END PGP MESSAGE-----\n")),
    );
    let headers = format!(
        "-----BEGIN PGP MESSAGE-----\n{}\n",
        "Comment: x\n".repeat(3_000_000)
    );
    world.bounded("3 million armour headers", &text_mail(&headers));
    let small = message(&sealed(&world.us, &literal(b"hello\n")));
    let told = world.check(
        "5,000 small ciphertexts",
        &text_mail(&small.repeat(5_000)),
        TOO_LARGE,
    );
    assert!(
        told["text"]
            .as_str()
            .is_some_and(|text| text.contains("hello")),
        "{told:.500}"
    );
    let indented: String = small.lines().map(|line| format!("  {line}\n")).collect();
    world.bounded(
        "5,000 small indented ciphertexts",
        &text_mail(&indented.repeat(5_000)),
    );
    let files: Vec<String> = (0..900)
        .map(|number| {
            format!("Content-Type: application/octet-stream; name={number}.txt.asc\n\n{small}")
        })
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    world.check(
        "900 encrypted files",
        &mail(&multipart("mixed", "=-files", &files)),
        TOO_LARGE,
    );
    let empty = "-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n";
    world.bounded("500,000 blocks", &text_mail(&empty.repeat(500_000)));
    let _ = armored("MESSAGE", b"");
}

#[test]
fn signatures_over_much() {
    let world = World::new();
    let setup = &world.setup;
    let line = "a line of a text that somebody signed, and which goes on for some time\n";
    let long = line.repeat(40_000_000 / line.len());
    let signature = setup.gpg.sign_detached(b"other", &setup.fingerprint);
    let binary = setup.gpg.run(&["--dearmor"], signature.as_bytes()).stdout;
    let many = armored("SIGNATURE", &binary.repeat(32));
    let thousands = armored("SIGNATURE", &binary.repeat(10_000));
    let signed = |content: &str, signature: &str| {
        mail(&multipart(
            "signed; micalg=pgp-sha512; protocol=\"application/pgp-signature\"",
            "=-signed",
            &[
                &format!("Content-Type: text/plain\n\n{content}"),
                &format!("Content-Type: application/pgp-signature\n\n{signature}"),
            ],
        ))
    };
    world.bounded("40 MB with a signature", &signed(&long, &signature));
    world.bounded("40 MB with 32 signatures", &signed(&long, &many));
    world.bounded("10,000 signatures", &signed("hello\n", &thousands));
    let mut nested = format!(
        "Content-Type: text/plain\n\n{}",
        line.repeat(30_000_000 / line.len())
    );
    for level in 0..30 {
        nested = multipart(
            "signed; protocol=\"application/pgp-signature\"",
            &format!("=-level{level}"),
            &[
                &nested,
                &format!("Content-Type: application/pgp-signature\n\n{many}"),
            ],
        );
    }
    world.bounded("30 MB under 30 times 32 signatures", &mail(&nested));
    let clear = |text: &str| {
        text_mail(&format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{text}\n{signature}"
        ))
    };
    world.bounded(
        "a clear-signed line of 40 MB",
        &clear(&"x".repeat(40_000_000)),
    );
    world.bounded(
        "a clear-signed text of 13 million lines",
        &clear(&"x\n".repeat(13_000_000)),
    );
    let short = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nhello\n{signature}");
    world.bounded("5,000 clear-signed texts", &text_mail(&short.repeat(5_000)));
    let notation = packet(
        2,
        &[
            &[6, 0, 22, 10],
            &20_000_000_u32.to_be_bytes()[..],
            &vec![0x21; 20_000_000],
        ]
        .concat(),
    );
    world.bounded(
        "a signature of 20 MB",
        &signed("hello\n", &armored("SIGNATURE", &notation)),
    );
}
