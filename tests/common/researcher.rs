//! Somebody outside with a mailbox: writes to us and reads what comes back.

use mail_parser::{Message, MessageParser};

use super::{Dovecot, Letter, Postfix};

const PASSWORD: &str = "researcher";

pub struct Researcher<'a> {
    dovecot: &'a Dovecot,
    postfix: &'a Postfix,
    pub name: String,
    pub address: String,
}

impl<'a> Researcher<'a> {
    /// Makes the mailbox where it is missing.
    #[track_caller]
    pub fn new(dovecot: &'a Dovecot, postfix: &'a Postfix, name: &str, address: &str) -> Self {
        if !dovecot.has_user(address) {
            dovecot.add_user(address, PASSWORD);
            postfix.update_users(dovecot);
        }
        Self {
            dovecot,
            postfix,
            name: name.to_owned(),
            address: address.to_owned(),
        }
    }

    /// The head of a mail from here.
    pub fn letter(&self, to: &str, subject: &str) -> Letter {
        Letter::new(&format!("{} <{}>", self.name, self.address), to, subject)
    }

    /// Sends a finished mail from outside, with our address as the envelope sender.
    #[track_caller]
    pub fn send(&self, to: &str, mail: &[u8]) {
        self.postfix.send(&self.address, to, mail);
    }

    /// What arrived so far, in order.
    #[track_caller]
    pub fn inbox(&self) -> Vec<Message<'static>> {
        self.raw_inbox()
            .iter()
            .map(|bytes| {
                MessageParser::default()
                    .parse(bytes)
                    .expect("a mail that can be parsed")
                    .into_owned()
            })
            .collect()
    }

    /// The same as bytes.
    #[track_caller]
    pub fn raw_inbox(&self) -> Vec<Vec<u8>> {
        self.dovecot.mails(&self.address, "INBOX")
    }
}
