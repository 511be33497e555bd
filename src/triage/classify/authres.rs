//! What our own mail server found out about the sender: `Authentication-Results` (RFC 8601).
//!
//! Only the topmost field counts, and only if a server that we trust wrote it:
//! every field below may have come with the mail, and a trusted server removes
//! forgeries of its own name alone (RFC 8601 §5).

use crate::mail::message::{Message, address_key};

/// What a mail's own header says about the domain in `From`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// The domain vouches for the mail: by DMARC, or where it publishes no DMARC policy by an aligned DKIM signature.
    Pass,
    /// DMARC failed for this very domain: somebody else may have written it.
    Fail,
    /// Nothing trustworthy was said.
    None,
}

/// `authserv_ids`: the names of the servers that we trust; `from_domain`: domain of `From`.
pub fn authentication(
    message: &Message,
    authserv_ids: &[String],
    from_domain: &str,
) -> Authentication {
    let from_domain = domain_key(from_domain);
    let Some(results) = message
        .header("Authentication-Results")
        .and_then(parse)
        .filter(|results| trusted(results, authserv_ids))
    else {
        return Authentication::None;
    };
    if from_domain.is_empty() {
        return Authentication::None;
    }
    judge(&results, &from_domain)
}

fn trusted(results: &Results, authserv_ids: &[String]) -> bool {
    authserv_ids
        .iter()
        .any(|id| address_key(id) == results.authserv_id)
}

fn judge(results: &Results, from_domain: &str) -> Authentication {
    let about_domain = |result: &&MethodResult| {
        result.method == "dmarc"
            && result
                .property("header.from")
                .is_none_or(|from| mail_domain(from) == from_domain)
    };
    let dmarc: Vec<&str> = results
        .methods
        .iter()
        .filter(about_domain)
        .map(|result| result.value.as_str())
        .collect();
    // Two answers that contradict each other prove nothing in the sender's favour.
    if dmarc.contains(&"fail") {
        return Authentication::Fail;
    }
    if dmarc.contains(&"pass") {
        return Authentication::Pass;
    }
    if dmarc.iter().all(|value| *value == "none") && has_aligned_signature(results, from_domain) {
        return Authentication::Pass;
    }
    Authentication::None
}

/// A good DKIM signature of exactly the domain in `From`.
///
/// Stricter than DMARC's relaxed alignment, which needs the list of public suffixes: without it
/// a hosting domain would speak for all its customers.
fn has_aligned_signature(results: &Results, from_domain: &str) -> bool {
    results
        .methods
        .iter()
        .filter(|result| result.method == "dkim" && result.value == "pass")
        .filter_map(|result| {
            result
                .property("header.d")
                .or_else(|| result.property("header.i"))
        })
        .map(mail_domain)
        .any(|signer| signer == from_domain)
}

fn domain_key(domain: &str) -> String {
    domain.trim().trim_end_matches('.').to_lowercase()
}

/// The domain of `user@domain`, `@domain` or `domain`.
fn mail_domain(value: &str) -> String {
    domain_key(value.rsplit_once('@').map_or(value, |(_, domain)| domain))
}

/// One field, parsed. Names and results are lower case.
#[derive(Debug, PartialEq, Eq)]
struct Results {
    authserv_id: String,
    methods: Vec<MethodResult>,
}

#[derive(Debug, PartialEq, Eq)]
struct MethodResult {
    method: String,
    value: String,
    /// `ptype.property` and value.
    properties: Vec<(String, String)>,
}

impl MethodResult {
    fn property(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// More results than this are not read.
const MAX_METHODS: usize = 100;

/// `authserv-id [version] ; method=value ptype.property=value …`; `None` where there is no authserv-id.
fn parse(value: &str) -> Option<Results> {
    let tokens = tokens(value);
    let mut clauses = tokens.split(|token| *token == Token::Semicolon);
    let authserv_id = match clauses.next()?.first()? {
        Token::Word(word) => word.to_lowercase(),
        _ => return None,
    };
    let methods = clauses.take(MAX_METHODS).filter_map(method).collect();
    Some(Results {
        authserv_id,
        methods,
    })
}

fn method(clause: &[Token]) -> Option<MethodResult> {
    let mut pairs = pairs(clause).into_iter();
    let (method, value) = pairs.next()?;
    Some(MethodResult {
        // `dkim/1`: the method's version is of no interest.
        method: method.split('/').next().unwrap_or_default().to_owned(),
        value: value.to_lowercase(),
        properties: pairs.collect(),
    })
}

/// Every `name = value` of a clause, in order; names in lower case.
fn pairs(clause: &[Token]) -> Vec<(String, String)> {
    clause
        .windows(3)
        .filter_map(|window| match window {
            [Token::Word(name), Token::Equals, Token::Word(value)] => {
                Some((name.to_lowercase(), value.clone()))
            }
            _ => None,
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Equals,
    Semicolon,
}

/// Comments are dropped, quoted strings unquoted (RFC 5322 §3.2).
fn tokens(value: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '(' => skip_comment(&mut chars),
            '"' => {
                read_quoted(&mut chars, &mut word);
                continue;
            }
            '=' | ';' => {}
            _ if c.is_whitespace() => {}
            _ => {
                word.push(c);
                continue;
            }
        }
        if !word.is_empty() {
            tokens.push(Token::Word(std::mem::take(&mut word)));
        }
        match c {
            '=' => tokens.push(Token::Equals),
            ';' => tokens.push(Token::Semicolon),
            _ => {}
        }
    }
    if !word.is_empty() {
        tokens.push(Token::Word(word));
    }
    tokens
}

fn skip_comment(chars: &mut std::str::Chars<'_>) {
    let mut depth = 1_usize;
    while depth > 0 {
        match chars.next() {
            Some('\\') => drop(chars.next()),
            Some('(') => depth += 1,
            Some(')') => depth -= 1,
            Some(_) => {}
            None => return,
        }
    }
}

fn read_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) {
    while let Some(c) = chars.next() {
        match c {
            '"' => return,
            '\\' => word.extend(chars.next()),
            _ => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Authentication::{Fail, None, Pass};

    fn judged(value: &str) -> Authentication {
        match parse(value) {
            Some(results) if trusted(&results, &["mx.corp.example".to_owned()]) => {
                judge(&results, "sender.example")
            }
            _ => None,
        }
    }

    #[track_caller]
    fn check(value: &str, expected: Authentication) {
        assert_eq!(judged(value), expected, "{value}");
    }

    #[test]
    fn dmarc_decides() {
        check(
            "mx.corp.example; dmarc=pass header.from=sender.example",
            Pass,
        );
        check(
            "MX.Corp.Example 1; DMARC=Pass Header.From=Sender.Example",
            Pass,
        );
        check(
            "mx.corp.example; dmarc=fail (p=none) header.from=sender.example",
            Fail,
        );
        check(
            "mx.corp.example; dmarc=pass header.from=other.example",
            None,
        );
        check(
            "mx.corp.example; dmarc=fail header.from=other.example",
            None,
        );
        check("mx.corp.example; dmarc=pass", Pass);
        check(
            "mx.corp.example; dmarc=temperror header.from=sender.example; dkim=pass header.d=sender.example",
            None,
        );
        check(
            "mx.corp.example; dmarc=pass header.from=sender.example; dmarc=fail header.from=sender.example",
            Fail,
        );
    }

    #[test]
    fn an_aligned_signature_counts_where_there_is_no_policy() {
        check("mx.corp.example; dkim=pass header.d=sender.example", Pass);
        check(
            "mx.corp.example; dmarc=none; dkim=pass header.i=@sender.example",
            Pass,
        );
        check("mx.corp.example; dkim=pass header.d=example", None);
        check("mx.corp.example; dkim=pass header.d=mailer.example", None);
        check("mx.corp.example; dkim=fail header.d=sender.example", None);
        check(
            "mx.corp.example; spf=pass smtp.mailfrom=sender.example",
            None,
        );
    }

    #[test]
    fn only_a_trusted_server_is_believed() {
        check("evil.example; dmarc=pass header.from=sender.example", None);
        check(
            "mx.corp.example.evil.example; dmarc=pass header.from=sender.example",
            None,
        );
        check(
            "evil.example (mx.corp.example;) ; dmarc=pass header.from=sender.example",
            None,
        );
        check("", None);
        check("; dmarc=pass", None);
        check("mx.corp.example; none", None);
    }

    #[test]
    fn comments_and_quotes_are_read_as_rfc_5322_has_them() {
        check(
            "mx.corp.example; dmarc = (x;y) pass (a \\) b) header.from = \"sender.example\"",
            Pass,
        );
        check(
            "\"mx.corp.example\" 1 ; dkim/1=pass reason=\"dmarc=fail; x\" header.d=sender.example",
            Pass,
        );
        check(
            "mx.corp.example; spf=pass reason=\"; dmarc=pass header.from=sender.example\"",
            None,
        );
        check(
            "mx.corp.example; spf=pass (; dmarc=pass header.from=sender.example",
            None,
        );
    }
}
