//! Links that open a mail with commands in place (RFC 6068).
//!
//! The subject of that mail travels in clear, so it says nothing, and nobody reads it.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986, 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const ENCODED_IN_ADDRESS: &AsciiSet = &ENCODED.remove(b'@');

const SUBJECT: &str = "Command";

/// A mail to us with these lines.
pub fn link(to: &str, lines: &[String]) -> String {
    let mut link = format!(
        "mailto:{}?subject={SUBJECT}&body=",
        utf8_percent_encode(to, ENCODED_IN_ADDRESS)
    );
    for (position, line) in lines.iter().enumerate() {
        if position > 0 {
            link.push_str("%0D%0A");
        }
        // Writing to a string never fails.
        let _ = write!(link, "{}", utf8_percent_encode(line, ENCODED));
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(to: &str, lines: &[&str], expected: &str) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(link(to, &lines), expected);
    }

    #[test]
    fn every_character_that_may_not_stand_is_encoded() {
        check(
            "security@example.test",
            &["/case SEC-2026-0001", "/severity high", "/accept"],
            "mailto:security@example.test?subject=Command\
             &body=%2Fcase%20SEC-2026-0001%0D%0A%2Fseverity%20high%0D%0A%2Faccept",
        );
        check(
            "a+b&c?d=e%f@example.test",
            &["/assign J\u{f6}rg & \"Co\"", ""],
            "mailto:a%2Bb%26c%3Fd%3De%25f@example.test?subject=Command\
             &body=%2Fassign%20J%C3%B6rg%20%26%20%22Co%22%0D%0A",
        );
    }
}
