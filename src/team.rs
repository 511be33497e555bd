//! The people behind the security address: who hears of what, and what their mail is encrypted to.

use chrono::{DateTime, Utc};

use crate::config::{Member, Notify, Role};
use crate::mail::message::{Certificate, address_key};
use crate::mail::pgp::{self, KeyPart};
use crate::store::deadlines::About;
use crate::triage::orders::Person;

/// With their certificates as they were read at the start or the last reload.
#[derive(Clone, Debug, Default)]
pub struct Team {
    members: Vec<Teammate>,
}

#[derive(Clone, Debug)]
pub struct Teammate {
    pub name: String,
    pub email: String,
    pub role: Role,
    notify: Notify,
    certificates: Vec<Certificate>,
    /// Why there are none.
    unreadable: Option<String>,
}

impl Teammate {
    /// Hears of what concerns no case: all who hear of anything.
    pub fn hears_of_us(&self) -> bool {
        self.notify != Notify::None
    }
}

impl Team {
    /// Reads the certificates. Who has none that can be read is a member all the same.
    pub fn read(members: &[Member]) -> Self {
        Self {
            members: members.iter().map(Teammate::read).collect(),
        }
    }

    pub fn members(&self) -> &[Teammate] {
        &self.members
    }

    /// The member of this name or address, as `/assign` writes them; a part of it is enough where it
    /// is one member's alone.
    pub fn called(&self, word: &str) -> Option<&Teammate> {
        let members = || self.members.iter();
        members().find(|member| member.is_called(word)).or_else(|| {
            let mut alike = members().filter(|member| member.is_called_for_short(word));
            alike.next().filter(|_| alike.next().is_none())
        })
    }

    /// Who may command, and by which signatures.
    pub fn people(&self) -> Vec<Person> {
        self.members.iter().map(Teammate::person).collect()
    }

    /// Who hears of a case at once. Where it is nobody's, and nobody hears of everything, all who
    /// hear of their own: a date must not pass because nobody was assigned.
    pub fn hearers(&self, about: &About) -> Vec<&Teammate> {
        let members = || self.members.iter();
        let hearers: Vec<&Teammate> = members().filter(|it| it.hears_of(about)).collect();
        if !hearers.is_empty() {
            return hearers;
        }
        members()
            .filter(|member| member.notify == Notify::Assigned)
            .collect()
    }

    /// Who hears of what concerns everybody: all who hear of everything, else all who hear of
    /// their own cases.
    pub fn keepers(&self) -> Vec<&Teammate> {
        let of = |wanted: Notify| -> Vec<&Teammate> {
            let members = self.members.iter();
            members.filter(|member| member.notify == wanted).collect()
        };
        match of(Notify::All) {
            keepers if keepers.is_empty() => of(Notify::Assigned),
            keepers => keepers,
        }
    }

    /// Is this one of them?
    pub fn tells(&self, member: &Teammate, about: &About) -> bool {
        let hearers = self.hearers(about);
        hearers.iter().any(|hearer| hearer.email == member.email)
    }
}

impl Teammate {
    fn read(member: &Member) -> Self {
        let path = member.certificate.display();
        let (certificates, unreadable) = match std::fs::read(&member.certificate) {
            Ok(bytes) => (pgp::read_certificates(&bytes), None),
            Err(error) => (
                Vec::new(),
                Some(format!("{path}: cannot be read ({error})")),
            ),
        };
        let is_empty = certificates.is_empty();
        Self {
            name: member.name.clone(),
            email: member.email.clone(),
            role: member.role,
            notify: member.notify,
            certificates,
            unreadable: unreadable
                .or(is_empty.then(|| format!("{path}: holds no OpenPGP certificate"))),
        }
    }

    /// Do they want to hear of this case at once?
    fn hears_of(&self, about: &About) -> bool {
        match self.notify {
            Notify::All => true,
            Notify::Assigned => about
                .assignee
                .as_deref()
                .is_some_and(|name| self.is_called(name)),
            Notify::None => false,
        }
    }

    /// By name or by address, as `/assign` takes both.
    fn is_called(&self, word: &str) -> bool {
        self.name.to_lowercase() == word.trim().to_lowercase()
            || address_key(&self.email) == address_key(word)
    }

    /// `alice` for Alice Example, or for alice@example.com.
    fn is_called_for_short(&self, word: &str) -> bool {
        let word = word.trim().to_lowercase();
        let name = self.name.to_lowercase();
        let address = self.email.to_lowercase();
        let mailbox = address.rsplit_once('@').map(|(mailbox, _)| mailbox);
        !word.is_empty() && (name.split_whitespace().any(|it| it == word) || mailbox == Some(&word))
    }

    fn person(&self) -> Person {
        let fingerprints = self.certificates.iter().map(|it| it.fingerprint.clone());
        Person {
            name: self.name.clone(),
            email: self.email.clone(),
            may_command: self.role == Role::Member,
            fingerprints: fingerprints.collect(),
        }
    }

    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// What their mail is encrypted to, or why it cannot be.
    pub fn certificate(&self, now: DateTime<Utc>) -> Result<&Certificate, String> {
        let mut why = self.unreadable.clone();
        for certificate in &self.certificates {
            match pgp::usable_for_encryption(certificate, now) {
                Ok(()) => return Ok(certificate),
                Err(problem) => why = why.or(Some(problem)),
            }
        }
        Err(why.unwrap_or_default())
    }

    /// Why, as they may read it in clear: nothing of our files.
    pub fn in_clear<'w>(&self, why: &'w str) -> &'w str {
        match self.unreadable {
            Some(_) => "the server has no certificate of yours that it can read",
            None => why,
        }
    }

    /// The parts of the certificate that is used, or that would be if it were good.
    pub fn parts(&self, now: DateTime<Utc>) -> Vec<KeyPart> {
        let used = self.certificate(now).ok().or(self.certificates.first());
        used.map(|certificate| pgp::parts_of_certificate(certificate, now))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(members: &[(&str, &str)]) -> Team {
        let member = |&(name, email): &(&str, &str)| Member {
            name: name.to_owned(),
            email: email.to_owned(),
            certificate: "nobody.asc".into(),
            role: Role::Member,
            notify: Notify::All,
        };
        let members: Vec<Member> = members.iter().map(member).collect();
        Team::read(&members)
    }

    #[test]
    fn a_member_is_called_by_as_much_as_is_theirs_alone() {
        let team = team(&[
            ("Alice Example", "alice@example.test"),
            ("Bob Example", "b.builder@example.test"),
            ("Bob", "bob@example.test"),
            ("Carl Karl", "carl@example.test"),
        ]);
        let called = |word: &str| team.called(word).map(|it| it.email.as_str());
        for (word, email) in [
            ("alice", "alice@example.test"),
            (" ALICE ", "alice@example.test"),
            ("alice example", "alice@example.test"),
            ("Alice@Example.test", "alice@example.test"),
            ("b.builder", "b.builder@example.test"),
            // The whole name of one goes before a part of another's.
            ("bob", "bob@example.test"),
            ("carl", "carl@example.test"),
        ] {
            assert_eq!(called(word), Some(email), "{word:?}");
        }
        for word in ["example", "ali", "", " ", "example.test", "@example.test"] {
            assert_eq!(called(word), None, "{word:?}");
        }
    }
}
