//! What a reader is shown of OpenPGP mail: which subject, and which of the text is signed.

mod common;
mod corpus;
mod desk;

use common::letter::with_crlf;
use corpus::collapse;
use desk::{ALICE, CONTROL, Desk, PART, PROTOCOL, SECRET, US, multipart, octets, with_boundary};
use triaged::mail::message::{Covers, Message, SignatureStatus};

fn mail(subject: &str, content: &str) -> String {
    format!("From: Alice <{ALICE}>\nTo: {US}\nSubject: {subject}\nMIME-Version: 1.0\n{content}")
}

/// A part as RFC 3156 wants it encrypted.
fn encrypted(desk: &Desk, part: &str) -> String {
    let armor = desk
        .gpg
        .encrypt(&with_crlf(part.as_bytes()), &[US], Some(ALICE));
    with_boundary(&multipart(PROTOCOL, &[CONTROL, &octets(&armor)]), "enc")
}

/// A part as RFC 3156 wants it signed.
fn signed(desk: &Desk, part: &str) -> String {
    let part = part.trim_end();
    let signature = desk.gpg.sign_detached(&with_crlf(part.as_bytes()), ALICE);
    with_boundary(
        &multipart(
            "signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512",
            &[
                part,
                &format!(
                    "Content-Type: application/pgp-signature; name=\"signature.asc\"\n\n{signature}"
                ),
            ],
        ),
        "sig",
    )
}

#[test]
fn the_inner_subject_is_the_subject() {
    let desk = Desk::new();
    let check = |name: &str, outer: &str, part: &str, subject: &str, text: &str| {
        let raw = mail(outer, &encrypted(&desk, part));
        for message in desk.read_both(raw.as_bytes()) {
            assert!(message.openpgp.decrypted, "{name}: {:?}", message.problems);
            assert_eq!(message.subject, subject, "{name}");
            assert!(message.subject_encrypted, "{name}");
            assert_eq!(collapse(&message.text), text, "{name}");
            let signature = &message.openpgp.signatures[0];
            assert_eq!(
                (signature.status, signature.covers),
                (SignatureStatus::Good, Covers::All),
                "{name}"
            );
        }
    };
    let hp = |parameters: &str, body: &str| {
        format!(
            "Content-Type: text/plain; charset=utf-8; {parameters}\nSubject: Inner one\nFrom: Alice <{ALICE}>\n\n{body}\n"
        )
    };
    check(
        "RFC 9788",
        "[...]",
        &hp("hp=\"cipher\"", SECRET),
        "Inner one",
        SECRET,
    );
    let outer_fields = format!(
        "HP-Outer: Subject: [...]\nHP-Outer: From: Alice <{ALICE}>\n{}",
        hp("hp=\"cipher\"", SECRET)
    );
    check(
        "RFC 9788 with HP-Outer",
        "[...]",
        &outer_fields,
        "Inner one",
        SECRET,
    );
    check(
        "RFC 9788 in clear, and encrypted all the same",
        "Inner one",
        &hp("hp=\"clear\"", SECRET),
        "Inner one",
        SECRET,
    );
    check(
        "RFC 9788, legacy display in plain text",
        "[...]",
        &hp(
            "hp=\"cipher\"; hp-legacy-display=\"1\"",
            &format!("Subject: Inner one\nFrom: Alice\n\n{SECRET}"),
        ),
        "Inner one",
        SECRET,
    );
    check(
        "RFC 9788, legacy display in HTML",
        "[...]",
        &format!(
            "Content-Type: text/html; charset=utf-8; hp=cipher; hp-legacy-display=1\nSubject: Inner one\n\n\
             <html><body><div class=\"header-protection-legacy-display\"><pre>Subject: Inner one</pre></div>\n\
             <p>{SECRET}</p></body></html>\n"
        ),
        "Inner one",
        SECRET,
    );
    check(
        "RFC 9788, legacy display in both forms",
        "[...]",
        &format!(
            "Content-Type: multipart/alternative; boundary=alt; hp=cipher\nSubject: Inner one\n\n\
             --alt\nContent-Type: text/plain; charset=utf-8; hp-legacy-display=1\n\nSubject: Inner one\n\n{SECRET}\n\
             --alt\nContent-Type: text/html; charset=utf-8; hp-legacy-display=1\n\n\
             <div class=\"header-protection-legacy-display\"><pre>Subject: Inner one</pre></div><p>{SECRET}</p>\n--alt--\n"
        ),
        "Inner one",
        SECRET,
    );
    check(
        "nothing is taken off that is no legacy display",
        "[...]",
        &hp(
            "hp=\"cipher\"; hp-legacy-display=\"1\"",
            &format!("{SECRET}\n\nMore of it."),
        ),
        "Inner one",
        &format!("{SECRET} More of it."),
    );
    check(
        "the draft",
        "...",
        &hp("protected-headers=\"v1\"", SECRET),
        "Inner one",
        SECRET,
    );
    for kind in ["text/plain", "text/rfc822-headers"] {
        check(
            &format!("the draft, legacy display as {kind}"),
            "...",
            &format!(
                "Content-Type: multipart/mixed; boundary=\"mix\"; protected-headers=\"v1\"\nSubject: Inner one\n\n\
                 --mix\nContent-Type: {kind}; protected-headers=\"v1\"\nContent-Disposition: inline\n\nSubject: Inner one\n\n\
                 --mix\nContent-Type: text/plain\n\n{SECRET}\n--mix--\n"
            ),
            "Inner one",
            SECRET,
        );
    }
    check(
        "a header folded and encoded",
        "...",
        &format!(
            "Content-Type: text/plain; protected-headers=v1\nSubject: =?utf-8?Q?L=C3=BCcke?=\n =?utf-8?B?IGltIExvZ2lu?=\n\n{SECRET}\n"
        ),
        "L\u{fc}cke im Login",
        SECRET,
    );
    let wrapped = format!(
        "Content-Type: message/rfc822; forwarded=no\n\nFrom: Alice <{ALICE}>\nTo: {US}\nSubject: Inner one\n\
         MIME-Version: 1.0\nContent-Type: text/plain\n\n{SECRET}\n"
    );
    check(
        "a mail that wraps itself",
        "...",
        &wrapped,
        "Inner one",
        SECRET,
    );
    let inner = with_boundary(&encrypted(&desk, &hp("hp=cipher", SECRET)), "deep");
    let twice = format!("Subject: ...\nFrom: Alice <{ALICE}>\nMIME-Version: 1.0\n{inner}");
    let raw = mail("...", &encrypted(&desk, &twice));
    assert_eq!(
        desk.read(raw.as_bytes()).subject,
        "Inner one",
        "encrypted twice"
    );
    check(
        "no protection is named",
        "...",
        &format!("Subject: Inner one\nContent-Type: text/plain\n\n{SECRET}\n"),
        "Inner one",
        SECRET,
    );
    let in_the_text = format!("Content-Type: text/plain\n\nSubject: Inner one\n\n{SECRET}\n");
    for outer in ["Encrypted Message", "...", "p\u{2261}p", "pEp", ""] {
        check(
            &format!("the first line of the text, outside {outer:?}"),
            outer,
            &in_the_text,
            "Inner one",
            SECRET,
        );
    }
}

#[test]
fn an_inline_subject_is_found_where_the_outer_one_says_nothing() {
    let desk = Desk::new();
    let armor = desk.inline(&format!("Subject: Inner one\n\n{SECRET}\n"));
    let read = |outer: &str| {
        desk.read(mail(outer, &format!("Content-Type: text/plain\n\n{armor}")).as_bytes())
    };
    let message = read("...");
    assert_eq!(
        (message.subject.as_str(), message.subject_encrypted),
        ("Inner one", true)
    );
    assert_eq!(collapse(&message.text), SECRET);
    let message = read("A subject of its own");
    assert_eq!(
        (message.subject.as_str(), message.subject_encrypted),
        ("A subject of its own", false)
    );
    assert_eq!(
        collapse(&message.text),
        format!("Subject: Inner one {SECRET}")
    );
}

#[test]
fn what_stood_outside_the_encryption_is_no_protected_subject() {
    let desk = Desk::new();
    let check = |name: &str, content: &str| {
        let message = desk.read(mail("The outer one", content).as_bytes());
        assert_eq!(message.subject, "The outer one", "{name}");
        assert!(!message.subject_encrypted, "{name}");
    };
    let phony =
        |content: &str| format!("protected-headers=\"v1\"; hp=cipher\nSubject: Phony\n\n{content}");
    check(
        "a text that says so",
        &format!("Content-Type: text/plain; {}", phony("Hello\n")),
    );
    let plain = encrypted(&desk, &format!("Content-Type: text/plain\n\n{SECRET}\n"));
    check(
        "a multipart round the ciphertext",
        &format!(
            "Content-Type: multipart/mixed; boundary=mix; {}",
            phony(&format!("--mix\n{plain}\n--mix--\n"))
        ),
    );
    check(
        "beside the ciphertext",
        &format!(
            "Content-Type: multipart/mixed; boundary=mix\n\n--mix\n{plain}\n--mix\nContent-Type: text/plain; {}\n--mix--\n",
            phony("Hello")
        ),
    );
    let text_of_ours = encrypted(&desk, &format!("Content-Type: text/plain\n\n{SECRET}\n"));
    check(
        "a line of the text in front of the ciphertext",
        &format!(
            "Content-Type: multipart/mixed; boundary=mix\n\n--mix\nContent-Type: text/plain\n\nSubject: Phony\n\nHello\n--mix\n{text_of_ours}\n--mix--\n"
        ),
    );
    check(
        "a forwarded mail inside",
        &encrypted(
            &desk,
            "Content-Type: message/rfc822\n\nFrom: b@b.test\nSubject: Phony\n\nHello\n",
        ),
    );
    check(
        "deep inside",
        &encrypted(
            &desk,
            &format!(
                "Content-Type: multipart/mixed; boundary=mix\n\n--mix\nContent-Type: text/plain\n\nHi\n--mix\nContent-Type: text/plain; {}\n--mix--\n",
                phony("Hello")
            ),
        ),
    );
    let signed_part = signed(
        &desk,
        &format!("Content-Type: text/plain; {}", phony(SECRET)),
    );
    let bad = signed_part.replace("admin page", "other page");
    check("under a bad signature", &bad);
}

#[test]
fn a_signed_subject_is_the_subject_and_no_secret() {
    let desk = Desk::new();
    let part = format!("Content-Type: text/plain; hp=\"clear\"\nSubject: Inner one\n\n{SECRET}\n");
    let message = desk.read(mail("Changed on the way", &signed(&desk, &part)).as_bytes());
    assert_eq!(
        (message.subject.as_str(), message.subject_encrypted),
        ("Inner one", false)
    );
}

/// What is shown, and what each signature covers of it.
fn covered(message: &Message) -> Vec<(SignatureStatus, Covers)> {
    let signatures = message.openpgp.signatures.iter();
    signatures.map(|it| (it.status, it.covers)).collect()
}

#[test]
fn only_what_is_under_a_signature_is_signed() {
    use Covers::{All, Part};
    use SignatureStatus::{Bad, Good, UnknownKey};
    let desk = Desk::new();
    let text = format!("Content-Type: text/plain; charset=utf-8\n\n{SECRET}\n");
    let other = "Content-Type: text/plain\n\nWords of somebody else.\n";
    let check = |name: &str, content: &str, expected: &[(SignatureStatus, Covers)]| {
        let message = desk.read(&with_crlf(mail("x", content).as_bytes()));
        assert_eq!(covered(&message), expected, "{name}: {:?}", message.text);
        message
    };
    let mixed = |parts: &[&str]| with_boundary(&multipart("mixed", parts), "mix");
    let whole = signed(&desk, &text);
    check("PGP/MIME", &whole, &[(Good, All)]);
    check(
        "a footer of a list behind it",
        &mixed(&[&whole, other]),
        &[(Good, Part)],
    );
    check(
        "words in front of it",
        &mixed(&[other, &whole]),
        &[(Good, Part)],
    );
    check(
        "a file beside it",
        &mixed(&[&whole, &file("poc.py", "print(1)\n")]),
        &[(Good, Part)],
    );
    check(
        "forwarded",
        &mixed(&[
            other,
            &format!("Content-Type: message/rfc822\n\nFrom: b@b.test\nSubject: y\n{whole}"),
        ]),
        &[(Good, Part)],
    );
    let key = desk.gpg.export(ALICE);
    for (name, content, covers) in [
        ("a key beside it", key.clone(), All),
        (
            "words that are called a key",
            "Read this too.\n".to_owned(),
            Part,
        ),
        ("words behind a key", format!("{key}Read this too.\n"), Part),
    ] {
        let file = file("key.asc", &content).replace("text/x-python", "application/pgp-keys");
        let message = check(name, &mixed(&[&whole, &file]), &[(Good, covers)]);
        assert_eq!(message.attachments.len(), 1);
    }
    let message = check(
        "words that are called a signature",
        &mixed(&[
            &whole,
            "Content-Type: application/pgp-signature\n\nRead this too.\n",
        ]),
        &[(Good, Part)],
    );
    assert_eq!(message.attachments.len(), 1, "they are not lost");
    // Who forwards wrote nothing, but the head of the mail is shown, and is not signed.
    check(
        "forwarded alone",
        &format!("Content-Type: message/rfc822\n\nFrom: b@b.test\nSubject: y\n{whole}"),
        &[(Good, Part)],
    );
    check(
        "an HTML form outside the signature",
        &with_boundary(
            &multipart(
                "alternative",
                &[&whole, "Content-Type: text/html\n\n<p>Something else</p>\n"],
            ),
            "alt",
        ),
        &[(Good, Part)],
    );
    check(
        "nothing is signed, and a text beside",
        &mixed(&[&signed(&desk, "Content-Type: text/plain\n\n\n"), other]),
        &[(Good, Part)],
    );
    let nothing = check(
        "nothing but nothing",
        &signed(&desk, "Content-Type: text/plain\n\n\n"),
        &[(Good, All)],
    );
    assert_eq!(nothing.text, "");
    check(
        "the text was changed",
        &whole.replace("admin", "other"),
        &[(Bad, All)],
    );
    let attached = signed(&desk, &mixed(&[&text, &file("poc.py", "print(1)\n")]));
    check("a file inside", &attached, &[(Good, All)]);
    check(
        "a signature over a file alone",
        &mixed(&[other, &signed(&desk, &file("poc.py", "print(1)\n"))]),
        &[(Good, Part)],
    );
    let clear = desk.gpg.sign_cleartext(SECRET.as_bytes(), ALICE);
    let inline = |text: &str| format!("Content-Type: text/plain; charset=utf-8\n\n{text}");
    check("clear-signed", &inline(&clear), &[(Good, All)]);
    check(
        "words in front of it",
        &inline(&format!("Hello\n\n{clear}")),
        &[(Good, Part)],
    );
    check(
        "words behind it",
        &inline(&format!("{clear}\n-- \nOur list\n")),
        &[(Good, Part)],
    );
    check(
        "two of them",
        &inline(&format!("{clear}\n{clear}")),
        &[(Good, Part), (Good, Part)],
    );
    check(
        "changed",
        &inline(&clear.replace("admin", "other")),
        &[(Bad, All)],
    );
    check(
        "a file beside",
        &mixed(&[&inline(&clear), &file("poc.py", "x\n")]),
        &[(Good, Part)],
    );
    let secret = encrypted(&desk, &text);
    check("inside encryption", &secret, &[(Good, All)]);
    check("and a footer", &mixed(&[&secret, other]), &[(Good, Part)]);
    let armor = desk.inline(&format!("{SECRET}\n"));
    check("inline", &inline(&armor), &[(Good, All)]);
    check(
        "inline, with words round it",
        &inline(&format!("Hello\n{armor}\nBye\n")),
        &[(Good, Part)],
    );
    check(
        "a second part of other words",
        &mixed(&[&inline(&armor), other]),
        &[(Good, Part)],
    );
    let around = signed(&desk, &with_boundary(&secret, "deep"));
    check(
        "once more round the ciphertext",
        &around,
        &[(Good, All), (Good, Part)],
    );
    desk.gpg.generate(
        "Mallory",
        "mallory@other.test",
        common::Algorithm::Curve25519,
    );
    let strange = desk
        .gpg
        .sign_cleartext(SECRET.as_bytes(), "mallory@other.test");
    check("somebody unknown", &inline(&strange), &[(UnknownKey, All)]);
}

fn file(name: &str, content: &str) -> String {
    format!(
        "Content-Type: text/x-python; name=\"{name}\"\nContent-Disposition: attachment; filename=\"{name}\"\n\n{content}"
    )
}

#[test]
fn several_signers_have_a_verdict_each() {
    let desk = Desk::new();
    desk.gpg
        .generate("Bob", "bob@other.test", common::Algorithm::Curve25519);
    let part = PART.trim_end();
    let arguments = [
        "--armor",
        "--detach-sign",
        "--local-user",
        ALICE,
        "--local-user",
        "bob@other.test",
    ];
    let signature = desk.gpg.run(&arguments, &with_crlf(part.as_bytes())).stdout;
    let content = with_boundary(
        &multipart(
            "signed; protocol=\"application/pgp-signature\"",
            &[
                part,
                &format!(
                    "Content-Type: application/pgp-signature\n\n{}",
                    String::from_utf8(signature).unwrap()
                ),
            ],
        ),
        "sig",
    );
    let message = desk.read(&with_crlf(mail("x", &content).as_bytes()));
    let mut found = covered(&message);
    found.sort_by_key(|(status, _)| status.as_str());
    assert_eq!(
        found,
        [
            (SignatureStatus::Good, Covers::All),
            (SignatureStatus::UnknownKey, Covers::All)
        ]
    );
}

#[test]
fn a_message_in_a_clear_signed_text_came_encrypted() {
    let desk = Desk::new();
    let armored = desk.gpg.encrypt(SECRET.as_bytes(), &[US], None);
    let text = desk
        .gpg
        .sign_cleartext(format!("Hello,\n{armored}").as_bytes(), ALICE);
    let raw = mail("x", &format!("Content-Type: text/plain\n\n{text}"));
    for message in desk.read_both(raw.as_bytes()) {
        assert!(message.openpgp.encrypted && message.openpgp.decrypted);
        assert_eq!(collapse(&message.text), format!("Hello, {SECRET}"));
        // Whoever found the ciphertext can sign it.
        let signature = &message.openpgp.signatures[0];
        assert_eq!(
            (signature.status, signature.covers),
            (SignatureStatus::Good, Covers::Part)
        );
    }
}
