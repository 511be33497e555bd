//! Mail written by hand, the way mail programs do it: plain, with attachments,
//! PGP/MIME (RFC 3156) and inline OpenPGP. Lines end with CRLF.

use base64::Engine as _;
use chrono::Utc;

use super::certificates::hex;
use super::gpg::Gpg;

/// The head of a mail, to be finished by one of the methods that take a text.
#[derive(Clone, Debug)]
pub struct Letter {
    /// With angle brackets; random.
    pub message_id: String,
    headers: Vec<(String, String)>,
    attachments: Vec<Attachment>,
}

#[derive(Clone, Debug)]
struct Attachment {
    name: String,
    media_type: String,
    /// Text; it travels as it is.
    content: String,
    encoding: &'static str,
}

impl Letter {
    /// `from` may carry a display name: `Alice <alice@research.test>`.
    pub fn new(from: &str, to: &str, subject: &str) -> Self {
        let message_id = format!("<{}@client.test>", hex(&rand::random::<[u8; 12]>()));
        let letter = Self {
            message_id: message_id.clone(),
            headers: Vec::new(),
            attachments: Vec::new(),
        };
        letter
            .header("From", from)
            .header("To", to)
            .header("Subject", subject)
            .header("Date", &Utc::now().to_rfc2822())
            .header("Message-ID", &message_id)
    }

    /// Adds a header, or changes it where it is there already.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let known = self.headers.iter_mut().find(|(known, _)| known == name);
        match known {
            Some((_, old)) => value.clone_into(old),
            None => self.headers.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// A reply to the mail with this Message-ID.
    pub fn in_reply_to(self, message_id: &str) -> Self {
        self.header("In-Reply-To", message_id)
            .header("References", message_id)
    }

    pub fn attach(mut self, name: &str, media_type: &str, content: &str) -> Self {
        self.attachments.push(Attachment {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            content: content.to_owned(),
            encoding: "8bit",
        });
        self
    }

    /// A file whose bytes must stay as they are.
    pub fn attach_bytes(mut self, name: &str, media_type: &str, bytes: &[u8]) -> Self {
        self.attachments.push(Attachment {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            content: base64::engine::general_purpose::STANDARD.encode(bytes),
            encoding: "base64",
        });
        self
    }

    /// A mail in clear.
    pub fn plain(&self, text: &str) -> Vec<u8> {
        self.finish(&self.content(text))
    }

    /// `multipart/encrypted`; signed inside where there is a `signer`.
    #[track_caller]
    pub fn encrypted(
        &self,
        gpg: &Gpg,
        text: &str,
        recipients: &[&str],
        signer: Option<&str>,
    ) -> Vec<u8> {
        let content = with_crlf(self.content(text).as_bytes());
        let armored = gpg.encrypt(&content, recipients, signer);
        self.around_ciphertext(&armored)
    }

    /// `multipart/encrypted` around a finished message.
    pub fn around_ciphertext(&self, armored: &str) -> Vec<u8> {
        let parts = [
            "Content-Type: application/pgp-encrypted\n\nVersion: 1\n".to_owned(),
            format!("Content-Type: application/octet-stream; name=\"encrypted.asc\"\n\n{armored}"),
        ];
        let protocol = "encrypted; protocol=\"application/pgp-encrypted\"";
        self.finish(&multipart(protocol, &parts))
    }

    /// `multipart/signed`.
    #[track_caller]
    pub fn signed(&self, gpg: &Gpg, text: &str, signer: &str) -> Vec<u8> {
        let content = self.entity(text);
        let signature = gpg.sign_detached(&content, signer);
        self.finish(&around_signed(&content, &signature))
    }

    /// `multipart/signed` of an entity and the signature over it.
    pub fn around_signed(&self, content: &[u8], signature: &str) -> Vec<u8> {
        self.finish(&around_signed(content, signature))
    }

    /// What a program encrypts or signs for PGP/MIME.
    ///
    /// The line break before a boundary belongs to the boundary, so there is none at the end
    /// that would not travel.
    pub fn entity(&self, text: &str) -> Vec<u8> {
        with_crlf(self.content(text).trim_end_matches('\n').as_bytes())
    }

    /// Armored text in the body of a plain mail.
    #[track_caller]
    pub fn inline_encrypted(
        &self,
        gpg: &Gpg,
        text: &str,
        recipients: &[&str],
        signer: Option<&str>,
    ) -> Vec<u8> {
        self.plain(&gpg.encrypt(text.as_bytes(), recipients, signer))
    }

    /// A cleartext signature in the body of a plain mail.
    #[track_caller]
    pub fn inline_signed(&self, gpg: &Gpg, text: &str, signer: &str) -> Vec<u8> {
        self.plain(&gpg.sign_cleartext(text.as_bytes(), signer))
    }

    fn content(&self, text: &str) -> String {
        let text = format!(
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}"
        );
        if self.attachments.is_empty() {
            return text;
        }
        let attachments = self.attachments.iter().map(|attachment| {
            format!(
                "Content-Type: {}; name=\"{name}\"\n\
                 Content-Transfer-Encoding: {}\n\
                 Content-Disposition: attachment; filename=\"{name}\"\n\n{}",
                attachment.media_type,
                attachment.encoding,
                attachment.content,
                name = attachment.name,
            )
        });
        let parts: Vec<String> = std::iter::once(text).chain(attachments).collect();
        multipart("mixed", &parts)
    }

    fn finish(&self, content: &str) -> Vec<u8> {
        let mut mail: String = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        mail.push_str("MIME-Version: 1.0\n");
        mail.push_str(content);
        if !mail.ends_with('\n') {
            mail.push('\n');
        }
        with_crlf(mail.as_bytes())
    }
}

/// The entity `multipart/signed`, which may itself be encrypted (RFC 3156, 6.1).
pub fn around_signed(content: &[u8], signature: &str) -> String {
    let content = String::from_utf8_lossy(content).replace("\r\n", "\n");
    let parts = [
        content,
        format!("Content-Type: application/pgp-signature; name=\"signature.asc\"\n\n{signature}"),
    ];
    let protocol = "signed; micalg=pgp-sha512; protocol=\"application/pgp-signature\"";
    multipart(protocol, &parts)
}

fn multipart(subtype: &str, parts: &[String]) -> String {
    let boundary = format!("=-{}", hex(&rand::random::<[u8; 12]>()));
    let parts: String = parts
        .iter()
        .map(|part| format!("--{boundary}\n{part}\n"))
        .collect();
    format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\n\n{parts}--{boundary}--\n")
}

/// Every bare LF as CRLF; what has CRLF already stays as it is.
pub fn with_crlf(mail: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(mail.len() + mail.len() / 32);
    let mut previous = 0;
    for &byte in mail {
        if byte == b'\n' && previous != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        previous = byte;
    }
    out
}

/// Of a `multipart/signed` (RFC 3156, 5): what the signature is over, exactly as it travels, and
/// the armored signature. Panics where it is none, or has anything else in it.
#[track_caller]
pub fn signed_parts(mail: &[u8]) -> (&str, &str) {
    let mail = std::str::from_utf8(mail).expect("a mail in 7 bit");
    assert!(mail.is_ascii(), "{mail}");
    let (head, body) = mail.split_once("\r\n\r\n").expect("a body");
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let media_type = "Content-Type: multipart/signed; micalg=\"pgp-sha512\"; \
                      protocol=\"application/pgp-signature\"; boundary=\"";
    let (_, rest) = unfolded
        .split_once(media_type)
        .unwrap_or_else(|| panic!("not signed: {head}"));
    let (boundary, _) = rest.split_once('"').expect("a boundary");
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    let ["", signed, signature, "--\r\n"] = parts.as_slice() else {
        panic!("{parts:#?}");
    };
    let signed = signed
        .strip_prefix("\r\n")
        .and_then(|it| it.strip_suffix("\r\n"));
    let (head, armored) = signature.split_once("\r\n\r\n").expect("a signature");
    assert!(
        head.starts_with("\r\nContent-Type: application/pgp-signature;"),
        "{head}"
    );
    (signed.expect("line ends at the boundaries"), armored.trim())
}
