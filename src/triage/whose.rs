//! Whose certificate it is: which of those that were seen with an address speaks for it, and what
//! a mail changes about that. `docs/decisions/certificates.md` says why.
//!
//! Pure: what the library says of a certificate is passed in.

use super::classify::Authentication;
use crate::mail::message::{Certificate, Covers, Message, Signature, SignatureStatus, without_tag};

/// What speaks for a certificate being that of an address. Anybody can make one that names it and
/// send it to us under that name, so the first one seen is not always the right one; a better
/// reason outranks a worse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Learned {
    /// It came along with a mail from there, and was never used.
    CameAlong,
    /// It signed a mail from there: whoever writes under the address has it.
    Signed,
    /// It came with, or signed, a mail that our own server found authentic; or its domain's Web
    /// Key Directory has it.
    Authenticated,
    /// The team found out by other means.
    Pinned,
}

impl Learned {
    /// As programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CameAlong => "came_along",
            Self::Signed => "signed",
            Self::Authenticated => "authenticated",
            Self::Pinned => "pinned",
        }
    }

    /// As people read it, of a certificate.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::CameAlong => "it came along with a mail",
            Self::Signed => "it signed a mail",
            Self::Authenticated => "its domain vouches for it",
            Self::Pinned => "the team pinned it",
        }
    }
}

/// A certificate that was seen with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub certificate: Certificate,
    pub learned: Learned,
    /// It is the key of the address: the one that the team pinned, else the first that was used
    /// and never gave way. Of several pinned ones each speaks.
    pub speaks: bool,
}

/// What the records hold for an address, under what the team's files say of it: those pin.
pub fn with_pinned<'p>(
    mut seen: Vec<Seen>,
    pinned: impl Iterator<Item = &'p Certificate>,
) -> Vec<Seen> {
    let pinned: Vec<Seen> = pinned
        .map(|certificate| Seen {
            certificate: certificate.clone(),
            learned: Learned::Pinned,
            speaks: true,
        })
        .collect();
    let is_pinned_here = |it: &Seen| {
        let mut here = pinned.iter();
        here.any(|pinned| pinned.certificate.fingerprint == it.certificate.fingerprint)
    };
    seen.retain(|it| !is_pinned_here(it));
    let mut all = pinned;
    all.extend(seen);
    if all.iter().any(|it| it.learned == Learned::Pinned) {
        for it in &mut all {
            it.speaks = it.learned == Learned::Pinned;
        }
    }
    all.sort_by_key(|it| !it.speaks);
    all
}

/// The certificates that speak for the address.
pub fn speaking(seen: &[Seen]) -> impl Iterator<Item = &Certificate> {
    seen.iter().filter(|it| it.speaks).map(|it| &it.certificate)
}

/// What a mail shows of a certificate of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub certificate: Certificate,
    pub learned: Learned,
    /// Fingerprints of those whose owner signed a text that holds this certificate.
    pub introduced_by: Vec<String>,
}

/// What a mail says of its sender's certificates, those that signed it first: of those that came
/// with it and name the address, and of those `seen` with it before.
///
/// Nothing of a mail that our own server found to be somebody else's.
pub fn shown(message: &Message, authentication: Authentication, seen: &[Seen]) -> Vec<Shown> {
    let vouched = match authentication {
        Authentication::Fail => return Vec::new(),
        Authentication::Pass => Some(Learned::Authenticated),
        Authentication::None => None,
    };
    let own = own_certificates(message);
    let signers = own
        .iter()
        .copied()
        .chain(seen.iter().map(|it| &it.certificate))
        .filter(|certificate| has_signed(message, certificate));
    let signed = signers.map(|certificate| (certificate, Learned::Signed));
    let along = own
        .first()
        .map(|certificate| (*certificate, Learned::CameAlong));
    let mut all: Vec<Shown> = Vec::new();
    for (certificate, learned) in signed.chain(along) {
        let is_there = |it: &Shown| it.certificate.fingerprint == certificate.fingerprint;
        if !all.iter().any(is_there) {
            all.push(Shown {
                certificate: certificate.clone(),
                learned: vouched.unwrap_or(learned),
                introduced_by: introducers(message, certificate),
            });
        }
    }
    all.truncate(SHOWN_AT_MOST);
    all
}

/// Nobody signs a mail with more keys than that.
const SHOWN_AT_MOST: usize = 3;

/// Another certificate than the one that speaks for the address was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub old: Certificate,
    pub new: Certificate,
    /// What speaks for the new one from now on.
    pub learned: Learned,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    TakesOver(Why),
    Stays(WhyNot),
}

/// Why a new certificate takes the place of the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    Better {
        old: Learned,
    },
    /// The owner of the old one signed the text in which it came.
    Introduced,
    /// The old one cannot be used any more, for this reason.
    OldUnusable(String),
}

/// Why it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNot {
    Pinned,
    /// Nothing can be encrypted to it, for this reason.
    NewUnusable(String),
    NoBetter,
}

impl Change {
    pub fn takes_over(&self) -> bool {
        matches!(self.outcome, Outcome::TakesOver(_))
    }

    /// Why, in words for the team.
    pub fn because(&self) -> String {
        match &self.outcome {
            Outcome::TakesOver(Why::Better { old }) => format!(
                "{}, where of the old one is only known that {}",
                self.learned.in_words(),
                old.in_words()
            ),
            Outcome::TakesOver(Why::Introduced) => {
                "the owner of the old one signed the text that it came in".to_owned()
            }
            Outcome::TakesOver(Why::OldUnusable(why)) => {
                format!("the old one cannot be used ({why})")
            }
            Outcome::Stays(WhyNot::Pinned) => {
                "the team pinned the old one, and the team alone replaces it".to_owned()
            }
            Outcome::Stays(WhyNot::NewUnusable(why)) => {
                format!("the new one cannot be used ({why})")
            }
            Outcome::Stays(WhyNot::NoBetter) => {
                "nothing speaks better for the new one; `triaged key pin` decides".to_owned()
            }
        }
    }

    /// As the label's evidence.
    pub fn evidence(&self) -> String {
        let (old, new) = (&self.old.fingerprint, &self.new.fingerprint);
        let because = self.because();
        match self.outcome {
            Outcome::TakesOver(_) => format!("{new} takes the place of {old}: {because}"),
            Outcome::Stays(_) => format!("came with {new}; {old} stays: {because}"),
        }
    }
}

/// What becomes of the key of an address where a mail shows another. `None`: nothing changes, or
/// it is the first.
///
/// `unusable` says why nothing can be encrypted to a certificate.
pub fn change(
    seen: &[Seen],
    shown: &[Shown],
    unusable: impl Fn(&Certificate) -> Option<String>,
) -> Option<Change> {
    let speaks = |fingerprint: &str| speaking(seen).any(|it| it.fingerprint == fingerprint);
    let mut speakers = seen.iter().filter(|it| it.speaks);
    let old = speakers
        .clone()
        .find(|it| unusable(&it.certificate).is_none())
        .or(speakers.next())?;
    let new = shown
        .iter()
        .find(|it| !speaks(&it.certificate.fingerprint))?;
    let before = seen
        .iter()
        .find(|it| it.certificate.fingerprint == new.certificate.fingerprint);
    let learned = before.map_or(new.learned, |before| before.learned.max(new.learned));
    let outcome = if old.learned == Learned::Pinned {
        Outcome::Stays(WhyNot::Pinned)
    } else if let Some(why) = unusable(&new.certificate) {
        Outcome::Stays(WhyNot::NewUnusable(why))
    } else if learned > old.learned {
        Outcome::TakesOver(Why::Better { old: old.learned })
    } else if new.introduced_by.contains(&old.certificate.fingerprint) {
        Outcome::TakesOver(Why::Introduced)
    } else {
        match unusable(&old.certificate) {
            Some(why) if learned == old.learned => Outcome::TakesOver(Why::OldUnusable(why)),
            _ => Outcome::Stays(WhyNot::NoBetter),
        }
    };
    Some(Change {
        learned: match outcome {
            // Whom the old one introduces is as well known as it was itself.
            Outcome::TakesOver(_) => learned.max(old.learned),
            Outcome::Stays(_) => learned,
        },
        old: old.certificate.clone(),
        new: new.certificate.clone(),
        outcome,
    })
}

/// The sender's own certificate among those that came with the mail: it names the address, and
/// rather one that signed the mail than one that anybody on the way may have added.
pub fn own_certificate(message: &Message) -> Option<&Certificate> {
    let own = own_certificates(message);
    let mut signers = own.iter().filter(|it| has_signed(message, it));
    signers.next().or(own.first()).copied()
}

/// Those that came with the mail and name the address of its sender.
fn own_certificates(message: &Message) -> Vec<&Certificate> {
    let Some(from) = message.from.as_ref().map(|from| from.key()) else {
        return Vec::new();
    };
    let untagged = without_tag(&from);
    let certificates = message.openpgp.certificates.iter();
    certificates
        .filter(|it| it.emails.contains(&from) || it.emails.contains(&untagged))
        .collect()
}

/// Did the owner of the certificate sign at least a part of the mail?
pub fn has_signed(message: &Message, certificate: &Certificate) -> bool {
    good_signatures(message, certificate).next().is_some()
}

pub fn has_signed_all(message: &Message, certificate: &Certificate) -> bool {
    good_signatures(message, certificate).any(|signature| signature.covers == Covers::All)
}

/// Who signed what this certificate came in, by fingerprint.
fn introducers(message: &Message, certificate: &Certificate) -> Vec<String> {
    let introductions = message.openpgp.introductions.iter();
    introductions
        .filter(|it| it.introduced == certificate.fingerprint)
        .map(|it| it.by.clone())
        .collect()
}

fn good_signatures<'m>(
    message: &'m Message,
    certificate: &'m Certificate,
) -> impl Iterator<Item = &'m Signature> {
    message.openpgp.signatures.iter().filter(|signature| {
        signature.status == SignatureStatus::Good
            && signature.fingerprint.as_deref() == Some(&certificate.fingerprint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::{Address, Digest, Introduction};
    use Authentication::{Fail, None as Unknown, Pass};

    const FROM: &str = "ann+x@research.example";

    fn certificate(name: &str, email: &str) -> Certificate {
        Certificate {
            fingerprint: name.to_owned(),
            emails: vec![email.to_owned()],
            bytes: Vec::new(),
        }
    }

    fn mail(brought: &[(&str, &str)], signed_by: &[&str]) -> Message {
        let mut mail = Message::unread(Digest::of(b""), 0);
        mail.from = Some(Address {
            name: None,
            email: FROM.to_owned(),
        });
        mail.openpgp.certificates = brought
            .iter()
            .map(|(name, email)| certificate(name, email))
            .collect();
        mail.openpgp.signatures = signed_by
            .iter()
            .map(|by| Signature {
                status: SignatureStatus::Good,
                fingerprint: Some((*by).to_owned()),
                covers: Covers::Part,
                signed_at: None,
                over: None,
            })
            .collect();
        mail
    }

    fn seen(name: &str, learned: Learned, speaks: bool) -> Seen {
        Seen {
            certificate: certificate(name, FROM),
            learned,
            speaks,
        }
    }

    #[test]
    fn a_mail_shows_the_certificates_that_name_its_sender_or_signed_it() {
        #[track_caller]
        fn check(
            brought: &[(&str, &str)],
            signed_by: &[&str],
            authentication: Authentication,
            expected: &[(&str, Learned)],
        ) {
            let seen = [seen("SEEN", Learned::Signed, true)];
            let shown = shown(&mail(brought, signed_by), authentication, &seen);
            let shown: Vec<_> = shown
                .iter()
                .map(|it| (it.certificate.fingerprint.as_str(), it.learned))
                .collect();
            assert_eq!(
                shown, expected,
                "{brought:?} {signed_by:?} {authentication:?}"
            );
        }
        use Learned::{Authenticated, CameAlong, Signed};
        let (own, tagged, other) = (
            ("A", "ann@research.example"),
            ("B", FROM),
            ("C", "c@x.example"),
        );
        check(&[own], &[], Unknown, &[("A", CameAlong)]);
        check(
            &[own, tagged],
            &["B"],
            Unknown,
            &[("B", Signed), ("A", CameAlong)],
        );
        check(&[own], &[], Pass, &[("A", Authenticated)]);
        check(&[own], &["A"], Fail, &[]);
        check(&[other], &["C"], Pass, &[]);
        check(&[], &[], Pass, &[]);
        check(&[], &["SEEN"], Unknown, &[("SEEN", Signed)]);
        check(
            &[own],
            &["SEEN"],
            Pass,
            &[("SEEN", Authenticated), ("A", Authenticated)],
        );
    }

    /// `old` speaks for the address, then a mail shows NEW.
    #[track_caller]
    fn check(old: Learned, new: Learned, unusable: &[&str], introduced: bool, expected: Outcome) {
        let seen = [seen("OLD", old, true), seen("LESS", Learned::Signed, false)];
        let shown = [Shown {
            certificate: certificate("NEW", FROM),
            learned: new,
            introduced_by: match introduced {
                true => vec!["OLD".to_owned()],
                false => vec!["LESS".to_owned()],
            },
        }];
        let why = |it: &Certificate| {
            let is_unusable = unusable.contains(&it.fingerprint.as_str());
            is_unusable.then(|| "expired".to_owned())
        };
        let change = change(&seen, &shown, why).unwrap();
        assert_eq!(change.outcome, expected, "{old:?} {new:?} {unusable:?}");
        assert_eq!(
            change.learned,
            new.max(match change.takes_over() {
                true => old,
                false => new,
            })
        );
        let evidence = change.evidence();
        assert!(
            evidence.contains("OLD") && evidence.contains("NEW"),
            "{evidence}"
        );
    }

    #[test]
    fn a_new_certificate_takes_over_only_with_a_reason() {
        use Learned::{Authenticated, CameAlong, Pinned, Signed};
        use Outcome::{Stays, TakesOver};
        let better = |old| TakesOver(Why::Better { old });
        let expired = || "expired".to_owned();
        check(CameAlong, CameAlong, &[], false, Stays(WhyNot::NoBetter));
        check(Signed, CameAlong, &[], false, Stays(WhyNot::NoBetter));
        check(Signed, Signed, &[], false, Stays(WhyNot::NoBetter));
        check(Authenticated, Signed, &[], false, Stays(WhyNot::NoBetter));
        check(
            Authenticated,
            Authenticated,
            &[],
            false,
            Stays(WhyNot::NoBetter),
        );
        check(CameAlong, Signed, &[], false, better(CameAlong));
        check(Signed, Authenticated, &[], false, better(Signed));
        for new in [CameAlong, Signed, Authenticated] {
            let pinned = || Stays(WhyNot::Pinned);
            check(Pinned, new, &[], false, pinned());
            check(Pinned, new, &[], true, pinned());
            check(Pinned, new, &["OLD"], true, pinned());
        }
        check(Signed, CameAlong, &[], true, TakesOver(Why::Introduced));
        check(Authenticated, Signed, &[], true, TakesOver(Why::Introduced));
        let gone = || TakesOver(Why::OldUnusable(expired()));
        check(Signed, Signed, &["OLD"], false, gone());
        check(CameAlong, CameAlong, &["OLD"], false, gone());
        check(Signed, CameAlong, &["OLD"], false, Stays(WhyNot::NoBetter));
        let unusable = || Stays(WhyNot::NewUnusable(expired()));
        check(Signed, Authenticated, &["NEW"], false, unusable());
        check(Signed, Signed, &["OLD", "NEW"], false, unusable());
    }

    #[test]
    fn what_speaks_is_no_change_nor_is_the_first() {
        let usable = |_: &Certificate| None;
        let of = |mail: &Message, seen: &[Seen]| {
            change(seen, &shown(mail, Unknown, seen), usable).map(|change| change.takes_over())
        };
        let brings = mail(&[("A", FROM)], &["A"]);
        assert_eq!(of(&brings, &[]), None);
        assert_eq!(of(&brings, &[seen("A", Learned::CameAlong, true)]), None);
        assert_eq!(
            of(&mail(&[], &[]), &[seen("B", Learned::Signed, true)]),
            None
        );
        let other = [
            seen("B", Learned::Signed, true),
            seen("A", Learned::CameAlong, false),
        ];
        assert_eq!(of(&brings, &other), Some(false));
        // Signed by the one that speaks, another in the header; the same inside what was signed.
        let mut both = mail(&[("A", FROM)], &["B"]);
        assert_eq!(of(&both, &other), Some(false));
        both.openpgp.introductions = vec![Introduction {
            by: "B".to_owned(),
            introduced: "A".to_owned(),
        }];
        assert_eq!(of(&both, &other), Some(true));
    }

    #[test]
    fn files_of_the_team_pin_over_the_records() {
        let recorded = vec![
            seen("A", Learned::Authenticated, true),
            seen("B", Learned::Signed, false),
        ];
        let file = [certificate("B", FROM), certificate("C", FROM)];
        let names = |seen: &[Seen]| {
            let names: Vec<_> = speaking(seen).map(|it| it.fingerprint.clone()).collect();
            names.join(" ")
        };
        assert_eq!(names(&with_pinned(recorded.clone(), [].iter())), "A");
        let all = with_pinned(recorded, file.iter());
        assert_eq!(names(&all), "B C");
        assert_eq!(all.len(), 3);
    }
}
