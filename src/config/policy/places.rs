//! Hosts, URL paths and words as rules name them.

use crate::config::document::Complaint;
use crate::config::mistake::quote;
use crate::config::units;
use crate::triage::policy::HostPattern;

/// Characters; a shorter word stands in every mail.
const SHORTEST_WORD: usize = 3;
/// Of a name, and of one label of it (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// `example.com` for that name alone, `*.example.com` for every name below it
/// and not itself. Lower case, names outside ASCII as A-labels.
pub fn host(text: &str) -> Result<HostPattern, Complaint> {
    let text = text.trim();
    refuse_what_is_no_host(text)?;
    if let Some(domain) = text.strip_prefix('.') {
        let what = format!("{} begins with a dot", quote(text));
        let mend = format!("write \"*.{domain}\" for every name below");
        return Err(Complaint::new(what, mend));
    }
    let (name, subdomains) = match text.strip_prefix("*.") {
        Some(name) => (name, true),
        None => (text, false),
    };
    if name.contains('*') {
        let what = format!("{} has a \"*\" in the wrong place", quote(text));
        return Err(Complaint::new(
            what,
            "write \"*.example.com\" for every name below, or the whole name",
        ));
    }
    Ok(HostPattern {
        domain: domain(name, subdomains)?,
        subdomains,
        apex: !subdomains,
    })
}

/// What people write for a host, and what they mean by it.
fn refuse_what_is_no_host(text: &str) -> Result<(), Complaint> {
    if text.is_empty() {
        return Err(Complaint::new(
            "is empty",
            "write a host, like \"example.com\"",
        ));
    }
    if let Some((_, rest)) = text.split_once("://") {
        let what = format!("{} is a URL, not a host", quote(text));
        return Err(Complaint::new(what, host_and_path(rest)));
    }
    if let Some((_, domain)) = text.split_once('@') {
        let what = format!("{} is an e-mail address, not a host", quote(text));
        return Err(Complaint::new(what, format!("write {}", quote(domain))));
    }
    if let Some((address, bits)) = text.split_once('/') {
        let is_range = address.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok();
        let (what, mend) = if is_range {
            (
                "is a range of addresses",
                "list the names of the hosts".to_owned(),
            )
        } else {
            ("is a host with a path", host_and_path(text))
        };
        return Err(Complaint::new(format!("{} {what}", quote(text)), mend));
    }
    let bare = text.trim_start_matches('[').split(']').next();
    if let Some(address) = bare.and_then(|bare| bare.parse::<std::net::Ipv6Addr>().ok())
        && text.starts_with('[')
    {
        let what = format!("{} is an address as URLs have it", quote(text));
        let mend = format!("write {}", quote(&address.to_string()));
        return Err(Complaint::new(what, mend));
    }
    if let Some((name, _)) = text.split_once(':')
        && text.parse::<std::net::Ipv6Addr>().is_err()
    {
        let what = format!("{} names a port", quote(text));
        return Err(Complaint::new(
            what,
            format!("write {}, it stands for every port", quote(name)),
        ));
    }
    if text == "*" {
        let mend = "name your domain, like \"*.example.com\"; without any rule of what is in, everything is";
        return Err(Complaint::new("\"*\" is every host of the world", mend));
    }
    Ok(())
}

fn host_and_path(text: &str) -> String {
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    let host = host.split(':').next().unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.is_empty() {
        format!("write {}", quote(host))
    } else {
        format!(
            "write hosts = [{}] and paths = [{}]",
            quote(host),
            quote(&format!("/{path}"))
        )
    }
}

fn domain(name: &str, is_above: bool) -> Result<String, Complaint> {
    let refusal =
        |what: &str, mend: &str| Err(Complaint::new(format!("{} {what}", quote(name)), mend));
    if let Ok(address) = name.parse::<std::net::IpAddr>() {
        if is_above {
            return refusal(
                "is an address, and no names are below it",
                "write the address alone",
            );
        }
        return Ok(address.to_string());
    }
    let Ok(ascii) = idna::domain_to_ascii(name.trim_end_matches('.')) else {
        return refusal("is not the name of a host", "write it like \"example.com\"");
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_label =
        |label: &str| (1..=LONGEST_LABEL).contains(&label.len()) && label.chars().all(fits);
    let last = ascii.rsplit('.').next().unwrap_or_default();
    if ascii.contains('.') && last.bytes().all(|byte| byte.is_ascii_digit()) {
        return refusal(
            "is neither a name nor an address",
            "write it like \"192.0.2.7\"",
        );
    }
    if ascii.len() > LONGEST_NAME || !ascii.split('.').all(is_label) {
        return refusal("is not the name of a host", "write it like \"example.com\"");
    }
    if !ascii.contains('.') && is_above {
        let what = "is no domain of yours: others have names below it too";
        return refusal(what, "write it like \"*.example.com\"");
    }
    if !ascii.contains('.') {
        return refusal(
            "has no dot, so it is not a whole name",
            "write it like \"www.example.com\"",
        );
    }
    Ok(ascii)
}

/// `example.com` and `*.example.com` in one list are one pattern.
pub fn joined(patterns: impl IntoIterator<Item = HostPattern>) -> Vec<HostPattern> {
    let mut joined: Vec<HostPattern> = Vec::new();
    for pattern in patterns {
        match joined
            .iter_mut()
            .find(|known| known.domain == pattern.domain)
        {
            Some(known) => {
                known.subdomains |= pattern.subdomains;
                known.apex |= pattern.apex;
            }
            None => joined.push(pattern),
        }
    }
    joined
}

/// The beginning of a URL's path.
pub fn path(text: &str) -> Result<String, Complaint> {
    let text = text.trim();
    let refusal =
        |what: &str, mend: String| Err(Complaint::new(format!("{} {what}", quote(text)), mend));
    if let Some((_, rest)) = text.split_once("://") {
        return refusal("is a URL, not a path", host_and_path(rest));
    }
    if !text.starts_with('/') {
        return refusal(
            "does not begin with \"/\"",
            format!("write {}", quote(&format!("/{text}"))),
        );
    }
    if let Some(beginning) = text.strip_suffix('*') {
        let mend = format!(
            "write {}, it stands for all that begins so",
            quote(beginning)
        );
        return refusal("ends with \"*\"", mend);
    }
    if text == "/" {
        return refusal(
            "is every path",
            "name a longer one, or take it out".to_owned(),
        );
    }
    if let Some(at) = text.find(['?', '#', '*', ' ']) {
        let mend = format!("write {}", quote(text.get(..at).unwrap_or_default()));
        return refusal("has more than a path in it", mend);
    }
    units::line(text)
}

/// A name or phrase as a report would write it.
pub fn word(text: &str) -> Result<String, Complaint> {
    let word = units::line(text)?;
    if word.chars().count() < SHORTEST_WORD {
        let what = format!("{} is too short to tell anything", quote(text));
        let mend = format!("write at least {SHORTEST_WORD} characters");
        return Err(Complaint::new(what, mend));
    }
    Ok(word)
}

/// `CVE-2026-1234`.
pub fn cve(text: &str) -> Result<String, Complaint> {
    let number = text.trim().to_ascii_uppercase();
    let is_cve = number
        .strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(year, count)| {
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            year.len() == 4 && digits(year) && (4..=19).contains(&count.len()) && digits(count)
        });
    if is_cve {
        return Ok(number);
    }
    let what = format!("{} is not a CVE number", quote(text));
    Err(Complaint::new(what, "write it like \"CVE-2026-12345\""))
}
