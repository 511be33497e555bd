//! Lists of people: e-mail addresses, and accounts with their passwords.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::SensitiveKind;
use super::is_placeholder;
use crate::mail::message::{Message, address_key};

/// So many different addresses near each other are a list.
const LIST: usize = 6;
/// Near: within so many lines.
const NEAR_LINES: usize = 12;
/// So many lines with an account and its password are a dump.
const DUMP: usize = 3;
/// So many hashed passwords.
const HASHES: usize = 2;

static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?-u:\b[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z]{2,24}\b)")
        .ok()
});

/// `name@host:password`, alone on its line.
static ACCOUNT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?-u:[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9.-]{3,253})[:;|]([^\s:;|]{5,64})$",
    )
    .ok()
});

/// crypt(3) as systems and frameworks write it, LDAP's, and the lines of a Windows dump.
static HASH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?-u:\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}|\$[156y]\$[^\s:$]{2,40}\$(?:[^\s:$]{2,40}\$)?[./A-Za-z0-9]{22,86}|\$argon2(?:id|i|d)\$v=[0-9]+\$m=|pbkdf2_sha256\$[0-9]+\$|\{SSHA(?:256|512)?\}[A-Za-z0-9+/=]{24,}|^[^:\s]{1,64}:[0-9]{1,10}:[a-fA-F0-9]{32}:[a-fA-F0-9]{32}:)",
    )
    .ok()
});

/// A name and a password inside an address, `https://deploy:…@host/`.
static LOGIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?-u:[a-z][a-z0-9+.-]{1,12}://([A-Za-z0-9._%+-]{1,64}):([^\s:@/<>"']{6,128})@[A-Za-z0-9])"#).ok()
});

/// Kinds and the lines where they begin.
pub fn in_text(text: &str, message: &Message) -> Vec<(SensitiveKind, usize)> {
    // Most texts have neither.
    if !text.contains(['@', '$', '{']) && !text.contains(":::") {
        return Vec::new();
    }
    let lists = address_lists(text, message).map(|line| (SensitiveKind::AddressList, line));
    let dump = dump(text).map(|line| (SensitiveKind::Password, line));
    let logins = logins(text).map(|line| (SensitiveKind::Password, line));
    lists.into_iter().chain(dump).chain(logins).collect()
}

/// The line where the first list of addresses begins.
fn address_lists(text: &str, message: &Message) -> Option<usize> {
    let own = own_domains(message);
    let mut near: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if !line.contains('@') || is_header(line) {
            continue;
        }
        let found = ADDRESS.iter().flat_map(|shape| shape.find_iter(line));
        for address in found.map(|found| address_key(found.as_str())) {
            if is_of_somebody(&address, &own) && !near.iter().any(|(_, known)| *known == address) {
                near.push((number, address));
            }
        }
        near.retain(|(at, _)| at + NEAR_LINES > number);
        if near.len() >= LIST {
            return near.first().map(|(at, _)| at + 1);
        }
    }
    None
}

/// Domains of those who wrote the mail and whom it was sent to.
fn own_domains(message: &Message) -> HashSet<String> {
    message
        .from
        .iter()
        .chain(&message.reply_to)
        .chain(&message.to)
        .chain(&message.cc)
        .map(|address| address.domain())
        .collect()
}

/// A field of a mail's header, or the signers of a patch.
fn is_header(line: &str) -> bool {
    let line = line.trim_start_matches(['>', ' ', '\t', '|']);
    line.split_once(':').is_some_and(|(name, _)| {
        let name = name.trim().to_ascii_lowercase();
        name.ends_with("-by")
            || [
                "from",
                "to",
                "cc",
                "bcc",
                "reply-to",
                "sender",
                "author",
                "von",
                "an",
                "de",
                "à",
                "para",
                "da",
                "a",
                "return-path",
                "message-id",
                "references",
                "in-reply-to",
            ]
            .contains(&name.as_str())
    })
}

/// Neither an example, nor a role, nor one of the mail's own people.
fn is_of_somebody(address: &str, own: &HashSet<String>) -> bool {
    const EXAMPLES: &[&str] = &[
        "example.com",
        "example.net",
        "example.org",
        "domain.com",
        "company.com",
    ];
    const EXAMPLE_ENDS: &[&str] = &[".example", ".invalid", ".localhost", ".local"];
    const ROLES: &[&str] = &[
        "user",
        "test",
        "tester",
        "victim",
        "attacker",
        "admin",
        "administrator",
        "root",
        "foo",
        "bar",
        "info",
        "support",
        "security",
        "noreply",
        "no-reply",
        "sales",
        "abuse",
        "postmaster",
        "webmaster",
        "hostmaster",
        "hello",
        "contact",
        "someone",
        "name",
        "email",
        "username",
        "git",
        "john.doe",
        "jane.doe",
        "hacker",
        "evil",
    ];
    let Some((name, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '_' | '-'));
    bare.len() > 1 && !ROLES.contains(&bare)
        && !EXAMPLES.contains(&domain)
        && !EXAMPLE_ENDS.iter().any(|end| domain.ends_with(end))
        && !own.contains(domain)
        && !is_placeholder(name)
        // `icon@2x.png` is a picture.
        && ![".png", ".jpg", ".svg", ".gif", ".webp", ".js"].iter().any(|end| domain.ends_with(end))
}

/// The line where accounts with their passwords begin.
fn dump(text: &str) -> Option<usize> {
    let mut accounts = Lines::default();
    let mut hashes = Lines::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches('>').trim_start();
        if line.len() > 1_000 || !line.contains(['@', '$', '{', ':']) {
            continue;
        }
        let password = ACCOUNT
            .iter()
            .find_map(|shape| shape.captures(line)?.get(1));
        if password.is_some_and(|password| !is_placeholder(password.as_str())) {
            accounts.add(number);
        }
        if HASH.iter().any(|shape| shape.is_match(line)) {
            hashes.add(number);
        }
    }
    accounts.first(DUMP).or_else(|| hashes.first(HASHES))
}

/// How many lines were found, and the first of them.
#[derive(Default)]
struct Lines {
    begin: Option<usize>,
    count: usize,
}

impl Lines {
    fn add(&mut self, number: usize) {
        self.begin.get_or_insert(number + 1);
        self.count += 1;
    }

    fn first(&self, at_least: usize) -> Option<usize> {
        self.begin.filter(|_| self.count >= at_least)
    }
}

/// The first address with a real password in it.
fn logins(text: &str) -> Option<usize> {
    text.lines().enumerate().find_map(|(number, line)| {
        let line = line.get(..line.floor_char_boundary(8_192))?;
        if !line.contains("://") || !line.contains('@') {
            return None;
        }
        let mut found = LOGIN.iter().flat_map(|shape| shape.captures_iter(line));
        let is_real = found.any(|found| {
            let password = found.get(2).map_or("", |password| password.as_str());
            let user = found.get(1).map_or("", |user| user.as_str());
            is_password(password) && password != user
        });
        is_real.then_some(number + 1)
    })
}

/// A word such as `password` stands for one.
fn is_password(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let stands_for_one = ["pass", "pwd", "user", "$", "{", "[", "%7b", "***", "admin"]
        .iter()
        .any(|part| lower.contains(part));
    let is_mixed = word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    !stands_for_one && is_mixed && !is_placeholder(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::Digest;

    #[track_caller]
    fn check(text: &str, expected: &[(SensitiveKind, usize)]) {
        let message = Message::unread(Digest::of(b""), 0);
        assert_eq!(in_text(text, &message), expected, "{text}");
    }

    #[test]
    fn dumps_of_accounts() {
        let password = SensitiveKind::Password;
        check(
            "a\nann@a.test:Sommer24!\nbob@a.test:hunter22x\ncy@a.test:Qwertz!77",
            &[(password, 2)],
        );
        check("ann@a.test:Sommer24!\nbob@a.test:hunter22x", &[]);
        check("https://deploy:Vx7kQ2mPz9@a.test/", &[(password, 1)]);
        check(
            "https://user:password@a.test/ https://u:$PASS123@a.test",
            &[],
        );
        check("", &[]);
    }

    #[test]
    fn lists_of_addresses() {
        let list: String = ["anna", "berta", "carla", "dora", "elsa", "frieda"]
            .iter()
            .map(|name| format!("{name}@mailhaus.test\n"))
            .collect();
        check(&list, &[(SensitiveKind::AddressList, 1)]);
        check(&list.replace("mailhaus.test", "example.com"), &[]);
        check(&list.replace('\n', &"\n".repeat(5)), &[]);
        let signers: String = list
            .lines()
            .map(|line| format!("Signed-off-by: {line}\n"))
            .collect();
        check(&signers, &[]);
    }
}
