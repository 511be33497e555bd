//! OpenPGP mail as mail servers, lists and careless programs leave it: made by GnuPG, then broken
//! in the ways that are seen, and read all the same.
//!
//! Each mail is read with LF and with CRLF line ends.

mod common;
mod corpus;
mod desk;

use common::Algorithm;
use common::letter::with_crlf;
use desk::{
    ALICE, CONTROL, Desk, PART, PROTOCOL, SECRET, SUBJECT, US, base64_lines, mail, multipart,
    octets, quoted_printable, with_boundary,
};
use triaged::mail::message::{Covers, Digest, Failure, SignatureStatus};

#[test]
fn pgp_mime_is_read_however_it_was_mangled() {
    let desk = Desk::new();
    let armor = desk.ciphertext();
    let binary = desk.gpg.run(&["--dearmor"], armor.as_bytes()).stdout;
    let octets = octets(&armor);
    let whole = multipart(PROTOCOL, &[CONTROL, &octets]);
    let encoded = |encoding: &str, body: &str| {
        format!(
            "Content-Type: application/octet-stream\nContent-Transfer-Encoding: {encoding}\n\n{body}"
        )
    };
    let text = "Content-Type: text/plain\n\nSent through our gateway.\n";
    let html = "Content-Type: text/html\n\n<html><body></body></html>\n";
    let check = |name: &str, content: &str| {
        let message = desk.check(name, mail(content));
        if message.subject != SUBJECT || !message.subject_encrypted {
            desk.faults
                .borrow_mut()
                .push(format!("{name}: subject {:?}", message.subject));
        }
    };

    check("as it should be", &whole);
    check(
        "upper case",
        &whole.replacen("multipart/encrypted", "Multipart/ENCRYPTED", 1),
    );
    check(
        "no protocol named",
        &multipart("encrypted", &[CONTROL, &octets]),
    );
    check(
        "the wrong protocol named",
        &multipart(
            "encrypted; protocol=\"application/pgp-signature\"",
            &[CONTROL, &octets],
        ),
    );
    check("no control part", &multipart(PROTOCOL, &[&octets]));
    check(
        "the parts exchanged",
        &multipart(PROTOCOL, &[&octets, CONTROL]),
    );
    check(
        "an empty control part",
        &multipart(
            PROTOCOL,
            &["Content-Type: application/pgp-encrypted\n\n", &octets],
        ),
    );
    check(
        "armour in the control part",
        &multipart(
            PROTOCOL,
            &[&format!(
                "Content-Type: application/pgp-encrypted\n\nVersion: 1\n\n{armor}"
            )],
        ),
    );
    check(
        "ciphertext in a part called control",
        &multipart(
            PROTOCOL,
            &[
                CONTROL,
                &format!("Content-Type: application/pgp-encrypted\n\n{armor}"),
            ],
        ),
    );
    check(
        "ciphertext in a text part",
        &multipart(
            PROTOCOL,
            &[CONTROL, &format!("Content-Type: text/plain\n\n{armor}")],
        ),
    );
    check(
        "ciphertext in a part without type",
        &multipart(PROTOCOL, &[CONTROL, &format!("\n{armor}")]),
    );
    check(
        "base64",
        &multipart(
            PROTOCOL,
            &[CONTROL, &encoded("base64", &base64_lines(armor.as_bytes()))],
        ),
    );
    check(
        "base64 of binary",
        &multipart(
            PROTOCOL,
            &[CONTROL, &encoded("base64", &base64_lines(&binary))],
        ),
    );
    check(
        "quoted-printable",
        &multipart(
            PROTOCOL,
            &[
                CONTROL,
                &encoded("quoted-printable", &quoted_printable(&armor)),
            ],
        ),
    );
    check(
        "quoted-printable by its label alone",
        &multipart(PROTOCOL, &[CONTROL, &encoded("quoted-printable", &armor)]),
    );
    check(
        "quoted-printable without its label",
        &multipart(
            PROTOCOL,
            &[CONTROL, &encoded("7bit", &quoted_printable(&armor))],
        ),
    );
    check(
        "quoted-printable without its label and its checksum",
        &multipart(
            PROTOCOL,
            &[
                CONTROL,
                &encoded("7bit", &quoted_printable(&without_checksum(&armor))),
            ],
        ),
    );
    check(
        "base64 twice",
        &multipart(
            PROTOCOL,
            &[
                CONTROL,
                &encoded(
                    "base64",
                    &base64_lines(base64_lines(armor.as_bytes()).as_bytes()),
                ),
            ],
        ),
    );
    check(
        "base64 by its label alone",
        &multipart(PROTOCOL, &[CONTROL, &encoded("base64", &armor)]),
    );
    check(
        "no blank line behind the armour header",
        &whole.replacen("MESSAGE-----\n\n", "MESSAGE-----\nVersion: X 1.0\n", 1),
    );
    check(
        "blank lines with spaces",
        &whole.replacen("MESSAGE-----\n\n", "MESSAGE-----\nComment: a\n \t\n", 1),
    );
    check(
        "spaces behind each line",
        &multipart(
            PROTOCOL,
            &[
                CONTROL,
                &octets
                    .replace('\n', " \n")
                    .replacen(" \n", "\n", 1)
                    .replacen(" \n", "\n", 1),
            ],
        ),
    );
    check(
        "no checksum",
        &multipart(PROTOCOL, &[CONTROL, &without_checksum(&octets)]),
    );
    check(
        "text in front of the armour",
        &multipart(
            PROTOCOL,
            &[
                CONTROL,
                &octets.replacen(
                    "-----BEGIN",
                    "This is an encrypted message.\n\n-----BEGIN",
                    1,
                ),
            ],
        ),
    );
    check(
        "text behind the armour",
        &multipart(
            PROTOCOL,
            &[CONTROL, &format!("{octets}\n-- \nA list footer\n")],
        ),
    );
    check(
        "no closing boundary",
        whole.trim_end().trim_end_matches("--b1--"),
    );
    check(
        "a footer behind the closing boundary",
        &format!("{whole}\n_____\nA list footer\n"),
    );
    check(
        "a boundary that nobody named",
        &whole.replacen("; boundary=\"b1\"", "", 1),
    );

    check(
        "Exchange: multipart/mixed",
        &multipart(
            "mixed",
            &[
                "Content-Type: text/plain; charset=\"us-ascii\"\nContent-Transfer-Encoding: quoted-printable\n\n",
                "Content-Type: application/pgp-encrypted; name=\"PGPMIME version identification\"\n\
         Content-Disposition: attachment; filename=\"PGPMIME version identification\"\n\
         Content-Transfer-Encoding: base64\n\nVmVyc2lvbjogMQ0K\n",
                &encoded("base64", &base64_lines(armor.as_bytes())).replacen(
                    "octet-stream",
                    "octet-stream; name=\"encrypted.asc\"",
                    1,
                ),
            ],
        ),
    );
    check(
        "Exchange: all octet-stream",
        &multipart(
            "mixed",
            &[
                "Content-Type: text/plain\n\n",
                "Content-Type: application/octet-stream; name=\"ATT00001\"\nContent-Disposition: attachment; filename=\"ATT00001\"\n\nVersion: 1\n",
                &format!(
                    "Content-Type: application/octet-stream; name=\"ATT00002.asc\"\nContent-Disposition: attachment; filename=\"ATT00002.asc\"\n\n{armor}"
                ),
            ],
        ),
    );
    check(
        "Exchange: with empty HTML",
        &multipart("mixed", &[html, CONTROL, &octets]),
    );
    check("the ciphertext alone", &octets);
    check(
        "the ciphertext alone, as text",
        &format!("Content-Type: text/plain\n\n{armor}"),
    );
    check(
        "the ciphertext alone, as PGP",
        &format!("Content-Type: application/pgp-encrypted\n\n{armor}"),
    );
    check(
        "application/pgp",
        &format!("Content-Type: application/pgp; format=mime; x-action=encryptsign\n\n{armor}"),
    );
    check(
        "a list wrapped it",
        &multipart("mixed", &[&with_boundary(&whole, "b2")]),
    );
    check(
        "signed by somebody else round it",
        &multipart(
            "signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256",
            &[
                &with_boundary(&whole, "b2"),
                "Content-Type: application/pgp-signature\n\nno signature\n",
            ],
        ),
    );

    let foreign = |name: &str, content: &str, texts: &[&str]| {
        desk.check_all(name, mail(content).as_bytes(), texts);
    };
    foreign(
        "a footer as a part",
        &multipart("mixed", &[&with_boundary(&whole, "b2"), text]),
        &[SECRET, "gateway"],
    );
    foreign(
        "a footer inside",
        &multipart(PROTOCOL, &[CONTROL, &octets, text]),
        &[SECRET, "gateway"],
    );
    foreign(
        "a text in front",
        &multipart(PROTOCOL, &[text, CONTROL, &octets]),
        &["gateway", SECRET],
    );
    foreign(
        "beside a text, as a file",
        &multipart(
            "mixed",
            &[
                text,
                &octets.replacen(
                    "\n\n",
                    "\nContent-Disposition: attachment; filename=\"encrypted.asc\"\n\n",
                    1,
                ),
            ],
        ),
        &["gateway", SECRET],
    );
    foreign(
        "beside a text, as a text file",
        &multipart(
            "mixed",
            &[
                text,
                &octets.replacen("application/octet-stream", "text/plain", 1),
            ],
        ),
        &["gateway", SECRET],
    );
    foreign(
        "forwarded",
        &multipart(
            "mixed",
            &[
                text,
                &format!(
                    "Content-Type: message/rfc822\n\nFrom: Bob <bob@b.test>\nSubject: inner\n{}",
                    with_boundary(&whole, "b2")
                ),
            ],
        ),
        &["gateway", "Bob", SECRET],
    );
    foreign(
        "forwarded in base64",
        &multipart(
            "mixed",
            &[
                text,
                &format!(
                    "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{}",
                    base64_lines(
                        format!("From: Bob <bob@b.test>\n{}", with_boundary(&whole, "b2"))
                            .as_bytes()
                    )
                ),
            ],
        ),
        &["gateway", "Bob", SECRET],
    );
    foreign(
        "the header lost",
        &format!(
            "\nThis is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\n--b1\n{CONTROL}\n--b1\n{octets}\n--b1--\n"
        ),
        &[SECRET],
    );
    desk.finish();
}

fn without_checksum(text: &str) -> String {
    let is_checksum = |line: &&str| line.len() == 5 && line.starts_with('=');
    let kept: Vec<&str> = text.lines().filter(|line| !is_checksum(line)).collect();
    kept.join("\n") + "\n"
}

#[test]
fn inline_messages_are_read_wherever_they_stand() {
    let desk = Desk::new();
    let armor = desk.inline(SECRET);
    let plain = |body: &str| {
        mail(&format!(
            "Content-Type: text/plain; charset=utf-8\n\n{body}"
        ))
    };
    let html = |body: &str| mail(&format!("Content-Type: text/html; charset=utf-8\n\n{body}"));
    let check = |name: &str, mail: String, texts: &[&str]| {
        desk.check_all(name, mail.as_bytes(), texts);
    };
    let around = ["Hello,", SECRET, "Regards"];

    check("alone", plain(&armor), &[SECRET]);
    check(
        "text round it",
        plain(&format!("Hello,\n\n{armor}\nRegards\n")),
        &around,
    );
    check(
        "no blank lines round it",
        plain(&format!("Hello,\n{armor}Regards\n")),
        &around,
    );
    check(
        "two of them",
        plain(&format!("one\n{armor}two\n{armor}three\n")),
        &["one", SECRET, "two", SECRET, "three"],
    );
    check(
        "indented",
        plain(&format!(
            "Hello,\n\n{}\nRegards\n",
            prefixed(&armor, "    ")
        )),
        &around,
    );
    check(
        "indented by tabs",
        plain(&format!("Hello,\n\n{}\nRegards\n", prefixed(&armor, "\t"))),
        &around,
    );
    check(
        "indented by spaces that do not break",
        plain(&format!(
            "Hello,\n\n{}\nRegards\n",
            prefixed(&armor, "\u{a0}")
        )),
        &around,
    );
    check(
        "spaces that do not break behind all lines",
        plain(&format!(
            "Hello,\n\n{}\nRegards\n",
            armor.replace('\n', "\u{a0}\n")
        )),
        &around,
    );
    check(
        "a space without width",
        plain(&format!("Hello,\n\n\u{200b}{armor}\nRegards\n")),
        &around,
    );
    check(
        "escaped by dashes",
        plain(&format!(
            "Hello,\n\n{}\nRegards\n",
            armor
                .replace("-----B", "- -----B")
                .replace("-----E", "- -----E")
        )),
        &around,
    );
    check(
        "long dashes",
        plain(&format!(
            "Hello,\n\n{}\nRegards\n",
            armor.replace("-----", "\u{2014}\u{2014}-")
        )),
        &around,
    );
    let wide: Vec<u8> = format!("\u{feff}Hello,\n\n{armor}\nRegards\n")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    check(
        "UTF-16",
        mail(&format!(
            "Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n\n{}",
            base64_lines(&wide)
        )),
        &around,
    );
    check(
        "behind words",
        plain(&format!("Hello, this: {armor}\nRegards\n")),
        &around,
    );
    check(
        "on one line",
        plain(&format!("Hello,\n{}Regards\n", armor.replace('\n', " "))),
        &around,
    );
    check(
        "HTML without line ends",
        html(&format!("<p>Hello,</p><p>{armor}</p><p>Regards</p>")),
        &around,
    );
    check(
        "blank lines between all lines",
        plain(&format!(
            "Hello,\n\n{}\nRegards\n",
            armor.replace('\n', "\n\n")
        )),
        &around,
    );
    check(
        "spaces behind each line",
        plain(&armor.replace('\n', "  \n")),
        &[SECRET],
    );
    check(
        "no blank line inside",
        plain(&armor.replacen("-----\n\n", "-----\n", 1)),
        &[SECRET],
    );
    check(
        "headers without a blank line",
        plain(&armor.replacen(
            "-----\n\n",
            "-----\nVersion: GnuPG v2\nComment: https://x.test\n",
            1,
        )),
        &[SECRET],
    );
    check(
        "the charset in a header",
        plain(&armor.replacen("-----\n\n", "-----\nCharset: utf-8\n\n", 1)),
        &[SECRET],
    );
    check("no checksum", plain(&without_checksum(&armor)), &[SECRET]);
    check("narrower lines", plain(&rewrapped(&armor, 40)), &[SECRET]);
    check(
        "one long line",
        plain(&rewrapped(&armor, 100_000)),
        &[SECRET],
    );
    check(
        "quoted-printable",
        mail(&format!(
            "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n{}",
            quoted_printable(&armor)
        )),
        &[SECRET],
    );
    check(
        "base64",
        mail(&format!(
            "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{}",
            base64_lines(armor.as_bytes())
        )),
        &[SECRET],
    );
    check(
        "flowed",
        mail(&format!(
            "Content-Type: text/plain; format=flowed; delsp=yes\n\nHello,\n\n{armor}\nRegards\n"
        )),
        &around,
    );
    check(
        "PGP's own type",
        mail(&format!(
            "Content-Type: application/pgp; x-action=encrypt; format=text\n\n{armor}"
        )),
        &[SECRET],
    );
    check(
        "a type of old mutt",
        mail(&format!(
            "Content-Type: text/plain; x-action=pgp-encrypted\n\n{armor}"
        )),
        &[SECRET],
    );
    check(
        "no header of MIME",
        format!("From: {ALICE}\nSubject: x\n\n{armor}"),
        &[SECRET],
    );
    check(
        "a footer of a list",
        plain(&format!(
            "{armor}_______________\nlist mailing list\nlist@lists.test\n"
        )),
        &[SECRET, "mailing list"],
    );
    check(
        "dash-escaped dashes around",
        plain(&format!("- -- \n---------\n{armor}---------\n")),
        &[SECRET],
    );
    check(
        "pre",
        html(&format!("<p>Hello,</p><pre>{armor}</pre><p>Regards</p>")),
        &around,
    );
    check(
        "br",
        html(&format!(
            "<div>Hello,<br>{}</div>Regards",
            armor.replace('\n', "<br>\n")
        )),
        &around,
    );
    check(
        "div by div",
        html(&format!("Hello,{}Regards", lines_in_divs(&armor))),
        &around,
    );
    check(
        "paragraphs of Outlook",
        html(&format!(
            "<p class=MsoNormal>Hello,</p>{}<p>Regards</p>",
            paragraphs(&armor)
        )),
        &around,
    );
    check(
        "both forms",
        mail(&multipart(
            "alternative",
            &[
                &format!("Content-Type: text/plain\n\nHello,\n{armor}"),
                &format!(
                    "Content-Type: text/html\n\nHello,<br>{}",
                    armor.replace('\n', "<br>")
                ),
            ],
        )),
        &["Hello,", SECRET],
    );
    check(
        "HTML beside an empty text",
        mail(&multipart(
            "alternative",
            &[
                "Content-Type: text/plain\n\n\n",
                &format!("Content-Type: text/html\n\n<pre>{armor}</pre>"),
            ],
        )),
        &[SECRET],
    );
    desk.finish();
}

fn prefixed(text: &str, prefix: &str) -> String {
    text.lines()
        .map(|line| format!("{prefix}{line}\n"))
        .collect()
}

/// The same armour in lines of another length.
fn rewrapped(armor: &str, width: usize) -> String {
    let data: String = armor
        .lines()
        .filter(|line| !line.starts_with('-') && !line.starts_with('='))
        .collect();
    let lines: Vec<&str> = data
        .as_bytes()
        .chunks(width)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let checksum = armor
        .lines()
        .find(|line| line.starts_with('='))
        .unwrap_or_default();
    format!(
        "-----BEGIN PGP MESSAGE-----\n\n{}\n{checksum}\n-----END PGP MESSAGE-----\n",
        lines.join("\n")
    )
}

fn lines_in_divs(armor: &str) -> String {
    armor
        .lines()
        .map(|line| match line {
            "" => "<div><br></div>\n".to_owned(),
            line => format!("<div>{line}</div>\n"),
        })
        .collect()
}

fn paragraphs(armor: &str) -> String {
    armor
        .lines()
        .map(|line| match line {
            "" => "<p class=MsoNormal><o:p>&nbsp;</o:p></p>\n".to_owned(),
            line => format!(
                "<p class=MsoNormal><span lang=EN>{}<o:p></o:p></span></p>\n",
                line.replace('+', "&#43;")
            ),
        })
        .collect()
}

#[test]
fn layers_and_files() {
    let desk = Desk::new();
    let pgp_mime = |inside: &str| {
        let armor = desk
            .gpg
            .encrypt(&with_crlf(inside.as_bytes()), &[US], Some(ALICE));
        multipart(PROTOCOL, &[CONTROL, &octets(&armor)])
    };
    let twice = pgp_mime(&with_boundary(&pgp_mime(PART), "inner"));
    desk.check("encrypted twice", mail(&twice));
    let inline_inside = pgp_mime(&format!(
        "Content-Type: text/plain\n\nHello\n{}",
        desk.inline(SECRET)
    ));
    desk.check("inline inside PGP/MIME", mail(&inline_inside));
    let forwarded = pgp_mime(&format!(
        "Content-Type: message/rfc822\n\nFrom: b@b.test\nSubject: inner\nContent-Type: text/plain\n\n{SECRET}\n"
    ));
    desk.check("a forwarded mail inside", mail(&forwarded));

    // RFC 3156, 6.1: signed first, then encrypted, as RFC 1847 says.
    let signed = desk.gpg.sign_detached(PART.trim_end().as_bytes(), ALICE);
    let encapsulated = multipart(
        "signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512",
        &[
            PART.trim_end(),
            &format!("Content-Type: application/pgp-signature\n\n{signed}"),
        ],
    );
    let encapsulated = with_boundary(&encapsulated, "inner");
    let armor = desk
        .gpg
        .encrypt(&with_crlf(encapsulated.as_bytes()), &[US], None);
    let message = desk.check(
        "RFC 1847 encapsulation",
        mail(&multipart(PROTOCOL, &[CONTROL, &octets(&armor)])),
    );
    assert_eq!(message.subject, SUBJECT);

    // Hidden recipients, and a compressed message.
    let hidden = desk.gpg.run(
        &[
            "--armor",
            "--encrypt",
            "--sign",
            "--local-user",
            ALICE,
            "--hidden-recipient",
            ALICE,
            "--hidden-recipient",
            US,
        ],
        PART.as_bytes(),
    );
    desk.check(
        "hidden recipients",
        mail(&octets(&String::from_utf8(hidden.stdout).unwrap())),
    );

    let file = desk.inline("poc = 'run me'\n");
    let with_file = multipart(
        "mixed",
        &[
            &format!("Content-Type: text/plain\n\n{}", desk.inline(SECRET)),
            &format!(
                "Content-Type: application/octet-stream; name=\"poc.py.pgp\"\nContent-Disposition: attachment; filename=\"poc.py.pgp\"\n\n{file}"
            ),
        ],
    );
    let message = desk.check("an encrypted file beside", mail(&with_file));
    let names: Vec<&str> = message
        .attachments
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names, ["poc.py"]);
    assert!(message.attachments.iter().all(|file| file.encrypted));
    desk.finish();
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    let desk = Desk::new();
    desk.gpg
        .generate("Carol", "carol@other.test", Algorithm::Curve25519);
    let check = |name: &str, mail: &str, wanted: &[Failure]| {
        for message in desk.read_both(mail.as_bytes()) {
            let openpgp = &message.openpgp;
            assert!(
                openpgp.encrypted && !openpgp.partly_decrypted,
                "{name}: {openpgp:?}"
            );
            let failure = openpgp.failure.expect(name);
            assert!(wanted.contains(&failure), "{name}: {failure:?}");
            assert!(!message.text.contains(SECRET), "{name}");
        }
    };
    let both = |armor: &str| {
        [
            mail(&multipart(PROTOCOL, &[CONTROL, &octets(armor)])),
            mail(&format!("Content-Type: text/plain\n\n{armor}")),
        ]
    };

    let foreign = desk
        .gpg
        .encrypt(PART.as_bytes(), &["carol@other.test"], None);
    let password = desk.gpg.run(
        &[
            "--armor",
            "--symmetric",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "x",
        ],
        PART.as_bytes(),
    );
    let password = String::from_utf8(password.stdout).unwrap();
    let good = desk.ciphertext();
    for (form, [foreign, password]) in both(&foreign)
        .into_iter()
        .zip(both(&password))
        .map(|(a, b)| [a, b])
        .enumerate()
    {
        check(
            &format!("to somebody else, {form}"),
            &foreign,
            &[Failure::NoKey],
        );
        check(
            &format!("to a password, {form}"),
            &password,
            &[Failure::PasswordOnly],
        );
    }
    let lines: Vec<&str> = good.lines().collect();
    let cut = format!("{}\n", lines[..lines.len() / 2].join("\n"));
    for mail in both(&cut) {
        check(
            "cut",
            &mail,
            &[Failure::Damaged, Failure::Modified, Failure::Malformed],
        );
    }
    let mut other = lines.clone();
    let late = lines.len() - 4;
    let flipped = lines[late].chars().rev().collect::<String>();
    other[late] = &flipped;
    let modified = without_checksum(&other.join("\n"));
    // What the changed bytes look like once they are decrypted is chance.
    let by_chance = [
        Failure::Modified,
        Failure::Damaged,
        Failure::Malformed,
        Failure::TooLarge,
        Failure::Unsupported,
    ];
    for mail in both(&modified) {
        check("modified", &mail, &by_chance);
    }
    let garbage = "-----BEGIN PGP MESSAGE-----\n\nVGhpcyBpcyBub3RoaW5nIHRoYXQgT3BlblBHUCBrbm93cyBvZiwgYXQgYWxs\nVGhpcyBpcyBub3RoaW5nIHRoYXQgT3BlblBHUCBrbm93cyBvZiwgYXQgYWxs\n-----END PGP MESSAGE-----\n";
    for mail in both(garbage) {
        check(
            "garbage",
            &mail,
            &[Failure::Malformed, Failure::Damaged, Failure::Unsupported],
        );
    }
    let nothing = mail(&multipart(
        PROTOCOL,
        &[CONTROL, "Content-Type: application/octet-stream\n\n"],
    ));
    check("nothing", &nothing, &[Failure::Malformed, Failure::Damaged]);
}

/// An attachment of this name and type.
fn attachment(name: &str, media_type: &str, encoding: &str, body: &str) -> String {
    format!(
        "Content-Type: {media_type}; name=\"{name}\"\nContent-Transfer-Encoding: {encoding}\n\
         Content-Disposition: attachment; filename=\"{name}\"\n\n{body}"
    )
}

#[test]
fn files_are_opened_whatever_they_are_called() {
    let desk = Desk::new();
    let armor = desk.inline("poc = 'run me'\n");
    let binary = desk.gpg.run(&["--dearmor"], armor.as_bytes()).stdout;
    let text = format!("Content-Type: text/plain\n\n{}", desk.inline(SECRET));
    let check = |name: &str, file: &str, inner: &str| {
        let message = desk.check(name, mail(&multipart("mixed", &[&text, file])));
        let names: Vec<&str> = message
            .attachments
            .iter()
            .map(|file| file.name.as_str())
            .collect();
        assert_eq!(names, [inner], "{name}");
        let excerpt = message.attachments[0].excerpt.as_deref();
        assert_eq!(excerpt, Some("poc = 'run me'\n"), "{name}");
        assert!(message.attachments[0].encrypted, "{name}");
    };
    let octets = "application/octet-stream";
    for extension in ["asc", "gpg", "pgp", "PGP"] {
        let name = format!("poc.py.{extension}");
        check(&name, &attachment(&name, octets, "7bit", &armor), "poc.py");
        let binary = attachment(&name, octets, "base64", &base64_lines(&binary));
        check(&format!("{name}, binary"), &binary, "poc.py");
    }
    let pgp_encrypted = attachment(
        "report.pdf.pgp",
        "application/pgp-encrypted",
        "base64",
        &base64_lines(&binary),
    );
    check("application/pgp-encrypted", &pgp_encrypted, "report.pdf");
    let pgp = attachment("report.pdf", "application/pgp", "7bit", &armor);
    check("application/pgp", &pgp, "report.pdf");
    let plain = attachment(
        "poc.py.asc",
        "text/plain",
        "quoted-printable",
        &quoted_printable(&armor),
    );
    check("a text", &plain, "poc.py");
    // Gateways that rename what they do not know.
    check(
        "ATT00001.dat",
        &attachment("ATT00001.dat", octets, "7bit", &armor),
        "ATT00001.dat",
    );
    let renamed = attachment("ATT00001.dat", octets, "base64", &base64_lines(&binary));
    check("ATT00001.dat, binary", &renamed, "ATT00001.dat");
    desk.finish();
}

#[test]
fn what_programs_and_gateways_make_of_pgp_mime_is_read() {
    let desk = Desk::new();
    let armor = desk.ciphertext();
    let binary = desk.gpg.run(&["--dearmor"], armor.as_bytes()).stdout;
    let octets = octets(&armor);
    let whole = multipart(PROTOCOL, &[CONTROL, &octets]);
    let check = |name: &str, content: &str, subject: &str| {
        let message = desk.check(name, mail(content));
        if message.subject != subject {
            let fault = format!("{name}: subject {:?}", message.subject);
            desk.faults.borrow_mut().push(fault);
        }
    };
    let octet_stream = "application/octet-stream";
    let empty = "Content-Type: text/plain; charset=\"us-ascii\"\n\n\n";
    check(
        "Outlook's own names",
        &multipart(
            "mixed",
            &[
                empty,
                &attachment(
                    "PGPMIME version identification.dat",
                    octet_stream,
                    "7bit",
                    "Version: 1\n",
                ),
                &attachment(
                    "encrypted.asc.dat",
                    octet_stream,
                    "base64",
                    &base64_lines(armor.as_bytes()),
                ),
            ],
        ),
        SUBJECT,
    );
    check(
        "Outlook's own names, binary",
        &multipart(
            "mixed",
            &[
                empty,
                &attachment("ATT00001.dat", octet_stream, "7bit", "Version: 1\n"),
                &attachment(
                    "ATT00002.dat",
                    octet_stream,
                    "base64",
                    &base64_lines(&binary),
                ),
            ],
        ),
        SUBJECT,
    );
    check(
        "GpgOL left it as it stores it",
        &multipart(
            "mixed",
            &[
                &attachment(
                    "GpgOL_MIME_structure.txt",
                    "text/plain",
                    "7bit",
                    "Content-Type: multipart/encrypted\n",
                ),
                &attachment("gpgolPGP.dat", octet_stream, "7bit", &armor),
            ],
        ),
        SUBJECT,
    );
    check(
        "a bridge that could not open it",
        &multipart(
            "mixed",
            &[
                empty,
                &attachment("message.pgp", "application/pgp-encrypted", "7bit", &armor),
            ],
        ),
        SUBJECT,
    );
    check(
        "a footer as a third part",
        &multipart(
            PROTOCOL,
            &[CONTROL, &octets, "Content-Type: text/plain\n\nOur list\n"],
        ),
        SUBJECT,
    );
    check(
        "multipart/alternative",
        &multipart("alternative", &[CONTROL, &octets]),
        SUBJECT,
    );
    check(
        "related round it",
        &multipart("related", &[&with_boundary(&whole, "b2")]),
        SUBJECT,
    );
    check(
        "a mail that was forwarded as it was",
        &multipart(
            "mixed",
            &[
                "Content-Type: text/plain\n\nDear team, see below.\n",
                &format!(
                    "Content-Type: message/rfc822\n\nFrom: b@b.test\nSubject: inner\n{}",
                    with_boundary(&whole, "b2")
                ),
            ],
        ),
        "...",
    );
    check(
        "a mail that was forwarded as a file",
        &multipart(
            "mixed",
            &[
                "Content-Type: text/plain\n\nDear team, see below.\n",
                &attachment(
                    "report.eml",
                    "message/rfc822",
                    "base64",
                    &base64_lines(
                        format!(
                            "From: b@b.test\nSubject: inner\n{}",
                            with_boundary(&whole, "b2")
                        )
                        .as_bytes(),
                    ),
                ),
            ],
        ),
        "...",
    );
    desk.finish();
}

/// What gateways call it, and what else they put there.
#[test]
fn what_stands_in_the_place_of_the_control_part_is_shown() {
    let desk = Desk::new();
    let octets = octets(&desk.ciphertext());
    let covers = |control: &str| {
        let message = desk.check(control, mail(&multipart("mixed", &[control, &octets])));
        message.openpgp.signatures[0].covers
    };
    let file = attachment("ATT00001.txt", "text/plain", "7bit", "Version: 1\n");
    assert_eq!(covers(&file), Covers::All);
    let words = "Content-Type: application/pgp-encrypted\n\nThe other file is mine too.\n";
    assert_eq!(covers(words), Covers::Part);
    let place = "Content-Type: application/pgp-encrypted\n\nURL: https://shop.test/admin\n";
    assert_eq!(covers(place), Covers::Part);
    desk.finish();

    let signed = desk
        .gpg
        .run(&["--clearsign", "--local-user", ALICE], SECRET.as_bytes());
    let signed = String::from_utf8(signed.stdout).unwrap();
    let advisory = attachment(
        "advisory.txt.asc",
        "application/pgp-encrypted",
        "7bit",
        &signed,
    );
    for message in desk.read_both(mail(&advisory).as_bytes()) {
        assert_eq!(message.attachments.len(), 1);
        assert!(message.text.contains(SECRET), "{}", message.text);
    }
    // One line with a colon in it, as one ciphertext in five is.
    let binary = attachment(
        "report.pdf.pgp",
        "application/pgp-encrypted",
        "base64",
        &base64_lines(b"\x84\x0b\x03 no line end: \xff\xd2\x80"),
    );
    for message in desk.read_both(mail(&multipart("mixed", &[&binary])).as_bytes()) {
        assert_eq!(message.attachments[0].name, "report.pdf.pgp");
    }
}

/// A server on the way writes the text in the charset that it likes best.
#[test]
fn a_clear_signed_text_in_another_charset_is_checked_as_it_was_signed() {
    let desk = Desk::new();
    let text = "Gr\u{fc}\u{df}e, the admin page is open\n";
    let signed = desk
        .gpg
        .run(&["--clearsign", "--local-user", ALICE], text.as_bytes());
    let signed = String::from_utf8(signed.stdout).unwrap();
    let check = |signed: &str, status: SignatureStatus| {
        let head = mail("Content-Type: text/plain; charset=iso-8859-1\n\n");
        let body = signed.chars().map(|c| u8::try_from(c).unwrap());
        let message = desk.read(&head.bytes().chain(body).collect::<Vec<u8>>());
        let found = &message.openpgp.signatures[0];
        assert_eq!((found.status, found.covers), (status, Covers::All));
        message
    };
    let message = check(&signed, SignatureStatus::Good);
    assert_eq!(message.text, text);
    assert_eq!(message.openpgp.signed[0].text, text);
    let message = check(&signed.replace('\u{df}', "\u{fc}"), SignatureStatus::Bad);
    assert_eq!(message.text, text.replace('\u{df}', "\u{fc}"));
}

#[test]
fn armour_is_read_however_it_was_bent() {
    let desk = Desk::new();
    let armor = desk.inline(&format!("{SECRET}\n"));
    let plain = |text: &str| {
        mail(&format!(
            "Content-Type: text/plain; charset=utf-8\n\n{text}"
        ))
    };
    let check = |name: &str, text: &str| {
        desk.check(name, plain(text));
    };
    let (head, checksum) = armor.rsplit_once("\n=").unwrap();
    check(
        "a wrong checksum",
        &format!("{head}\n=AAAA{}", &checksum[4..]),
    );
    check("quoted", &prefixed(&armor, "> "));
    check(
        "quoted twice, with text round it",
        &format!("Hello,\n{}\nbye\n", prefixed(&armor, ">> ")),
    );
    check("quoted, without space", &prefixed(&armor, ">"));
    check(
        "odd headers",
        &armor.replacen(
            "\n\n",
            "\nVersion: Mailvelope v4.4\nComment: https://x.test\nX-Odd: \u{e4}\nMessageID: 1\n\n",
            1,
        ),
    );
    check(
        "another program's header",
        &armor.replacen(
            "\n\n",
            "\nVersion: OpenPGP.js v4.10.10\r\nComment: https://openpgpjs.org\n\n",
            1,
        ),
    );
    desk.finish();

    // Somebody else's: it stays as it stands, and is no failure.
    desk.gpg
        .generate("Carol", "carol@other.test", Algorithm::Curve25519);
    let foreign = desk.gpg.encrypt(b"for Carol", &["carol@other.test"], None);
    let message = desk.read(plain(&prefixed(&foreign, "> ")).as_bytes());
    assert!(!message.openpgp.encrypted && message.openpgp.failure.is_none());
    assert!(
        message.text.contains("> -----BEGIN PGP MESSAGE"),
        "{}",
        message.text
    );
}

#[test]
fn layers_of_signatures_and_ciphertexts_are_opened() {
    let desk = Desk::new();
    let sign = |part: &str| {
        let part = with_crlf(part.trim_end().as_bytes());
        let signature = desk.gpg.sign_detached(&part, ALICE);
        multipart(
            "signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512",
            &[
                std::str::from_utf8(&part).unwrap(),
                &format!("Content-Type: application/pgp-signature\n\n{signature}"),
            ],
        )
    };
    let encrypt = |part: &str, boundary: &str| {
        let armor = desk.gpg.encrypt(&with_crlf(part.as_bytes()), &[US], None);
        with_boundary(&multipart(PROTOCOL, &[CONTROL, &octets(&armor)]), boundary)
    };
    let inner = encrypt(&with_boundary(&sign(PART), "s1"), "e1");
    let signed = with_boundary(&sign(&inner), "s2");
    let whole = encrypt(&signed, "e2");
    let message = desk.check("encrypted, signed, encrypted, signed", mail(&whole));
    assert_eq!(message.subject, SUBJECT);
    let covers: Vec<&str> = message
        .openpgp
        .signatures
        .iter()
        .map(|it| it.covers.as_str())
        .collect();
    // The outer one is round a ciphertext: whoever found that can sign it.
    assert_eq!(covers, ["all", "part"]);
    let signed_outside = desk.check("signed, encrypted, signed", mail(&signed));
    assert_eq!(signed_outside.subject, SUBJECT);
    desk.finish();
}

/// Text and ciphertext in one mail, and what must be shown of both.
#[test]
fn mails_and_texts_that_were_saved_as_files_are_opened() {
    let desk = Desk::new();
    let whole = multipart(PROTOCOL, &[CONTROL, &octets(&desk.ciphertext())]);
    let saved = format!(
        "From: Bob <b@b.test>\nSubject: inner\n{}",
        with_boundary(&whole, "b2")
    );
    let inline = desk.inline(SECRET);
    let beside = |file: &str| {
        mail(&multipart(
            "mixed",
            &["Content-Type: text/plain\n\nSee below.\n", file],
        ))
    };
    let octet_stream = "application/octet-stream";
    let words = ["See below.", SECRET];

    let eml = attachment(
        "report.eml",
        octet_stream,
        "base64",
        &base64_lines(saved.as_bytes()),
    );
    let message = desk.check_all(
        "a saved mail",
        beside(&eml).as_bytes(),
        &["See below.", "b@b.test", SECRET],
    );
    assert_eq!(message.subject, "...", "it is the other mail's");
    let behind_text = attachment(
        "report.txt",
        "text/plain",
        "7bit",
        &format!("Hello,\n\n{inline}Regards\n"),
    );
    let message = desk.check_all(
        "a text with words round it",
        beside(&behind_text).as_bytes(),
        &words,
    );
    assert_eq!(message.openpgp.signatures[0].covers, Covers::Part);

    for name in ["GpgOL_MIME_structure.txt", "GpgOL_MIME_structure.mime"] {
        let content = multipart(
            "mixed",
            &[
                "Content-Type: text/plain\n\n\n",
                &attachment(
                    name,
                    octet_stream,
                    "base64",
                    &base64_lines(with_boundary(&whole, "b2").as_bytes()),
                ),
            ],
        );
        let message = desk.check(name, mail(&content));
        assert_eq!(message.subject, SUBJECT);
        assert_eq!(message.attachments.len(), 0);
        assert_eq!(message.openpgp.signatures[0].covers, Covers::All);
    }

    let example = attachment(
        "log.txt",
        "text/plain",
        "7bit",
        "$ cat x\n-----BEGIN PGP MESSAGE-----\n\nhQGMA6yuINsbm6PWAQv9GICCKgk4CvA1Xwb1wd7a2h1UwJ\n-----END PGP MESSAGE-----\n",
    );
    for message in desk.read_both(beside(&example).as_bytes()) {
        assert!(!message.openpgp.encrypted, "an example in a log");
    }
    desk.finish();
}

/// Editors of Windows put a mark in front, or take two bytes for each character.
#[test]
fn armour_behind_a_byte_order_mark_is_read() {
    let desk = Desk::new();
    let marked = format!("\u{feff}{}", desk.inline(SECRET));
    let wide: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    desk.check(
        "in the text",
        mail(&format!(
            "Content-Type: text/plain; charset=utf-8\n\n{marked}"
        )),
    );
    for (name, bytes) in [("a file", marked.as_bytes()), ("a wide file", &wide)] {
        let file = attachment(
            "report.txt.asc",
            "application/octet-stream",
            "base64",
            &base64_lines(bytes),
        );
        let message = desk.check(name, mail(&multipart("mixed", &[&file])));
        assert_eq!(message.attachments[0].name, "report.txt");
    }
    desk.finish();
}

#[test]
fn what_is_inside_is_shown_as_its_label_says() {
    let desk = Desk::new();
    let check = |name: &str, head: &str, inside: &[u8], mend: fn(&str) -> String, shown: &str| {
        let armor = mend(&desk.gpg.encrypt(inside, &[US], Some(ALICE)));
        let message = desk.check_all(
            name,
            mail(&format!("{head}\n\n{armor}")).as_bytes(),
            &[&corpus::collapse(shown)],
        );
        assert_eq!(message.text.trim(), shown, "{name}");
        assert_eq!(message.attachments.len(), 0, "{name}");
    };
    let html = "Content-Type: text/html; charset=utf-8";
    check(
        "Proton",
        html,
        b"<div>One<br></div><div>two</div>",
        str::to_owned,
        "One\ntwo",
    );
    check(
        "plain text in what a gateway calls HTML",
        html,
        b"One\ntwo < three\n",
        str::to_owned,
        "One\ntwo < three",
    );
    let named = |armor: &str| armor.replacen("-----\n\n", "-----\nCharset: ISO-8859-2\n\n", 1);
    check(
        "the charset of the armour",
        "Content-Type: text/plain; charset=us-ascii",
        b"P\xf8\xedli\xb9",
        named,
        "P\u{159}\u{ed}li\u{161}",
    );
    for kind in ["text/plain", "application/pgp"] {
        let head = format!(
            "Content-Type: {kind}; x-action=encrypt\nContent-Disposition: inline; filename=\"msg.pgp\""
        );
        check(kind, &head, b"Hello", str::to_owned, "Hello");
    }

    let signed = desk
        .gpg
        .run(&["--clearsign", "--local-user", ALICE], SECRET.as_bytes());
    let signed = String::from_utf8(signed.stdout).unwrap();
    let content = format!("Content-Type: application/pgp; x-action=sign; format=text\n\n{signed}");
    let message = desk.read(mail(&content).as_bytes());
    assert_eq!(message.text.trim(), SECRET);
    assert_eq!(message.openpgp.signatures[0].status, SignatureStatus::Good);
    desk.finish();
}

/// A list names itself in front of the stand-in, and puts a footer behind the ciphertext.
#[test]
fn where_the_outer_subject_says_nothing_that_of_a_part_does() {
    let desk = Desk::new();
    let whole = multipart(PROTOCOL, &[CONTROL, &octets(&desk.ciphertext())]);
    let content = multipart(
        "mixed",
        &[
            &with_boundary(&whole, "b2"),
            "Content-Type: text/plain\n\nOur list\n",
        ],
    );
    for (outer, shown) in [
        ("...", SUBJECT),
        ("[list] ...", SUBJECT),
        ("[list] Hello", "[list] Hello"),
    ] {
        let mail = mail(&content).replacen("Subject: ...", &format!("Subject: {outer}"), 1);
        let message = desk.check(outer, mail);
        assert_eq!(message.subject, shown);
        assert_eq!(message.subject_encrypted, shown == SUBJECT);
    }
    desk.finish();
}

/// One random file in nine begins with an octet that may begin a message, and so do texts.
#[test]
fn what_only_begins_like_openpgp_is_no_ciphertext() {
    let desk = Desk::new();
    let words = "Content-Type: text/plain\n\nSee the file.\n";
    for (name, bytes) in [
        (
            "server.key",
            &b"\x85\x97\x10\xfe\x3c\x81\x07\x22\x90\xe4\xab"[..],
        ),
        (
            "server.key",
            b"\xc9\x4a\x51\xfe\x3c\x81\x07\x22\x90\xe4\xab",
        ),
        ("firmware.sig", b"\xd2\x88\x01\x93\x17\x5e\xaa\x01\x00\x42"),
        ("memory.dump", b"\x84\x01a\xd2\x99\x17\x23\x45\x67\x89"),
        ("notes.asc", "\u{dc}bersicht aller Funde".as_bytes()),
    ] {
        let kind = "application/octet-stream";
        let file = attachment(name, kind, "base64", &base64_lines(bytes));
        for message in desk.read_both(mail(&multipart("mixed", &[words, &file])).as_bytes()) {
            assert!(!message.openpgp.encrypted, "{name} {bytes:x?}");
            let [file] = message.attachments.as_slice() else {
                panic!("{name}: {:?}", message.attachments);
            };
            assert_eq!((file.name.as_str(), file.digest), (name, Digest::of(bytes)));
        }
    }
    let footer = "Content-Type: text/plain; charset=utf-8\n\n\u{c4}nderungen vorbehalten.\n";
    let content = multipart("mixed", &[footer, CONTROL, &octets(&desk.ciphertext())]);
    let texts = ["\u{c4}nderungen vorbehalten.", SECRET];
    desk.check_all("umlauts in front", mail(&content).as_bytes(), &texts);
    desk.finish();
}

/// Apple Mail puts all that is attached into the branch of the HTML.
#[test]
fn what_lies_in_the_form_that_is_not_shown_is_not_lost() {
    let desk = Desk::new();
    let forwarded = "Content-Type: message/rfc822\n\nFrom: Bob <bob@other.test>\n\n\
        The forwarded mail has words.\n";
    let encrypted = with_boundary(
        &multipart(PROTOCOL, &[CONTROL, &octets(&desk.ciphertext())]),
        "boundary-of-the-ciphertext",
    );
    let script = "Content-Type: text/plain\n\
        Content-Disposition: inline; filename=poc.txt\n\nrun the proof\n";
    let html = "Content-Type: text/html\n\n<p>See the files.</p>\n";
    let branch = multipart("mixed", &[html, forwarded, script, &encrypted]);
    let content = multipart(
        "alternative",
        &[
            "Content-Type: text/plain\n\nSee the files.\n",
            &with_boundary(&branch, "boundary-of-the-branch"),
        ],
    );
    let content = with_boundary(&content, "boundary-of-all");
    let texts = ["See the files.", "The forwarded mail has words.", SECRET];
    let message = desk.check_all("the branch of the HTML", mail(&content).as_bytes(), &texts);
    desk.finish();
    let names: Vec<&str> = message
        .attachments
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names, ["poc.txt"]);
    assert_eq!(message.text.matches("See the files.").count(), 1);
}

#[test]
fn words_behind_a_signature_without_a_name_are_listed() {
    let desk = Desk::new();
    let signature = desk.gpg.sign_detached(b"another text", ALICE);
    let signature = signature.trim_ascii_end();
    let part = format!("Content-Type: application/octet-stream\n\n{signature}\n{SECRET}\n");
    let words = "Content-Type: text/plain\n\nMy report.\n";
    for message in desk.read_both(mail(&multipart("mixed", &[words, &part])).as_bytes()) {
        assert_eq!(message.attachments.len(), 1, "{:?}", message.attachments);
    }

    let text = "Content-Type: text/plain\n\nMy report.";
    let signature = desk.gpg.sign_detached(&with_crlf(text.as_bytes()), ALICE);
    for (words, files) in [("", 0), (SECRET, 1)] {
        let part = format!("Content-Type: application/pgp-signature\n\n{signature}{words}\n");
        let content = multipart(
            "signed; protocol=\"application/pgp-signature\"",
            &[text, &part],
        );
        for message in desk.read_both(mail(&content).as_bytes()) {
            assert_eq!(message.attachments.len(), files, "{words}");
            let [found] = message.openpgp.signatures.as_slice() else {
                panic!("{:?}", message.openpgp.signatures);
            };
            assert_eq!(found.status, SignatureStatus::Good);
            assert_eq!(found.covers == Covers::All, words.is_empty());
        }
    }
}

#[test]
fn a_text_that_is_called_protected_is_shown() {
    let desk = Desk::new();
    let part =
        |text: &str| format!("Content-Type: text/plain; protected-headers=\"v1\"\n\n{text}\n");
    let other = "Content-Type: text/plain\n\nAnd more.\n";
    let encrypted = |first: &str| {
        let inside = with_boundary(
            &multipart("mixed; protected-headers=\"v1\"", &[first, other]),
            "boundary-of-the-inside",
        );
        let armor = desk
            .gpg
            .encrypt(inside.as_bytes(), &[US, ALICE], Some(ALICE));
        mail(&multipart(PROTOCOL, &[CONTROL, &octets(&armor)]))
    };
    let text = encrypted(&part(SECRET));
    desk.check_all("a text", text.as_bytes(), &[SECRET, "And more."]);
    desk.finish();
    let fields = encrypted(&part("Subject: Admin page is open"));
    for message in desk.read_both(fields.as_bytes()) {
        assert_eq!(message.text, "And more.\n");
    }
}

/// `gpg --armor --encrypt report.pdf`, pasted into a mail.
#[test]
fn a_file_in_an_inline_message_is_a_file() {
    let desk = Desk::new();
    let pdf: Vec<u8> = [&b"%PDF-1.4\n"[..], &[0x80, 1, 2, 0xff]].concat();
    let random: Vec<u8> = (0..600u32).map(|n| ((n * n * 31) >> 3) as u8).collect();
    for (name, bytes) in [("random bytes", &random), ("a PDF", &pdf)] {
        let armor = desk.gpg.encrypt(bytes, &[US, ALICE], Some(ALICE));
        let content = format!("Content-Type: text/plain\n\nMy report:\n\n{armor}");
        let message = desk.check_all(name, mail(&content).as_bytes(), &["My report:"]);
        let [file] = message.attachments.as_slice() else {
            panic!("{:?} {:?}", message.attachments, message.text);
        };
        assert_eq!((file.digest, file.encrypted), (Digest::of(bytes), true));
        assert_eq!(message.text.trim_ascii(), "My report:");
    }
    desk.finish();
}
