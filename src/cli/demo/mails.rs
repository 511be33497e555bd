//! What comes to the security address: mails as people and programs write them.

use chrono::{DateTime, Utc};

use super::tour::{Person, SECURITY, Tour};
use crate::mail::compose::{self, AutoSubmitted, Draft};
use crate::mail::message::{Address, Certificate};

/// A mail in clear.
pub struct Plain {
    name: &'static str,
    /// With places for its date and its Message-ID.
    text: &'static str,
    minutes_ago: u32,
}

pub const REPORT: Plain = Plain {
    name: "1-plain-report",
    text: include_str!("mails/1-plain-report.eml"),
    minutes_ago: 50,
};

/// In a member's name, by somebody else.
pub const FORGED: Plain = Plain {
    name: "forged-command",
    text: include_str!("mails/forged-command.eml"),
    minutes_ago: 36,
};

/// What came after it, beside the encrypted report.
pub const OTHERS: [Plain; 4] = [
    Plain {
        name: "3-key-request",
        text: include_str!("mails/3-key-request.eml"),
        minutes_ago: 25,
    },
    Plain {
        name: "4-scanner-output",
        text: include_str!("mails/4-scanner-output.eml"),
        minutes_ago: 21,
    },
    Plain {
        name: "5-resend",
        text: include_str!("mails/5-resend.eml"),
        minutes_ago: 12,
    },
    Plain {
        name: "6-out-of-office",
        text: include_str!("mails/6-out-of-office.eml"),
        minutes_ago: 3,
    },
];

const ENCRYPTED_TEXT: &str = include_str!("mails/2-encrypted-report.txt");
const ENCRYPTED_MINUTES_AGO: u32 = 30;
const COMMANDS: &str = include_str!("mails/commands.txt");
const COMMANDS_MINUTES_AGO: u32 = 40;

impl Plain {
    /// Of `case`, where the mail names one.
    fn mail(&self, tour: &Tour, case: &str) -> String {
        let date = tour.ago(self.minutes_ago).to_rfc2822();
        let unique = format!("{:016x}", rand::random::<u64>());
        let mail = self.text.replace("{date}", &date);
        mail.replace("{unique}", &unique).replace("{case}", case)
    }

    pub fn arrives(&self, tour: &Tour) -> anyhow::Result<String> {
        self.arrives_about(tour, "")
    }

    /// Returns the mail.
    pub fn arrives_about(&self, tour: &Tour, case: &str) -> anyhow::Result<String> {
        let mail = self.mail(tour, case);
        tour.arrive(self.name, mail.as_bytes(), self.minutes_ago)?;
        Ok(mail)
    }
}

/// A report as a careful researcher sends it.
pub fn encrypted_report(tour: &Tour) -> anyhow::Result<()> {
    let subject = "Exports of other tenants can be read";
    let at = tour.ago(ENCRYPTED_MINUTES_AGO);
    let mail = sealed(
        &tour.lin,
        tour.our_certificate()?,
        subject,
        ENCRYPTED_TEXT,
        at,
    )?;
    tour.arrive("2-encrypted-report", &mail, ENCRYPTED_MINUTES_AGO)
}

/// What the member decides about a case. Returns its text.
pub fn commands(tour: &Tour, case: &str) -> anyhow::Result<String> {
    let text = COMMANDS.replace("{case}", case);
    let at = tour.ago(COMMANDS_MINUTES_AGO);
    let mail = sealed(&tour.ada, tour.our_certificate()?, "Command", &text, at)?;
    tour.arrive("commands", &mail, COMMANDS_MINUTES_AGO)?;
    Ok(text)
}

/// Signed, encrypted, and with an Autocrypt header, as a mail program does it.
fn sealed(
    from: &Person,
    to: &Certificate,
    subject: &str,
    text: &str,
    at: DateTime<Utc>,
) -> anyhow::Result<Vec<u8>> {
    let domain = from.email.rsplit_once('@').map_or("", |(_, domain)| domain);
    let draft = Draft {
        from: Address {
            name: Some(from.name.to_owned()),
            email: from.email.to_owned(),
        },
        to: SECURITY.to_owned(),
        subject: subject.to_owned(),
        text: text.to_owned(),
        in_reply_to: None,
        references: Vec::new(),
        message_id: compose::new_message_id(domain),
        date: at,
        auto_submitted: AutoSubmitted::No,
        html: None,
        files: Vec::new(),
        attach_key: None,
        autocrypt: Some(from.keys.autocrypt(from.email)),
    };
    compose::encrypted(&draft, "...", |inner| {
        let sealed = from.keys.encrypt_signed(to, inner, at);
        sealed.map_err(|error| error.to_string())
    })
    .map_err(anyhow::Error::msg)
}
