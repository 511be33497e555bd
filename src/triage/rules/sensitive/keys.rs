//! Keys of services by the shapes that their makers give them, JSON Web Tokens, private keys.
//!
//! Only shapes with a prefix or a name beside them: forty random characters alone may be
//! anything.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regex::Regex;
use serde_json::Value;

use super::super::SensitiveKind;
use super::is_placeholder;

/// Each alternative begins with letters of its own, so that a search passes quickly over text
/// that has none of them.
const SHAPES: &[&str] = &[
    // Amazon: key ids of users and sessions, and a secret beside its name.
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    r#"(?i:aws_?secret_?(?:access_?)?key)["']?\s{0,3}[:=]{1,2}>?\s{0,3}["']?[A-Za-z0-9/+]{40}\b"#,
    // Google: API keys, OAuth secrets and tokens.
    r"\bAIza[0-9A-Za-z_-]{35}",
    r"\bGOCSPX-[0-9A-Za-z_-]{28}",
    r"\bya29\.[0-9A-Za-z_-]{30,500}",
    // Azure: storage and service bus, shared access signatures.
    r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{43,88}={0,2}",
    r"\bsig=[A-Za-z0-9%]{43,63}%3[Dd]",
    // Code hosts.
    r"\bgh[pousr]_[A-Za-z0-9]{36}",
    r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[0-9A-Za-z_-]{20,64}",
    r"\bATATT3[A-Za-z0-9_=-]{100,300}",
    r"\bATBB[A-Za-z0-9]{32}",
    // Messengers.
    r"\bxox[abeoprs]-[0-9A-Za-z]{4,14}-[0-9A-Za-z-]{10,250}",
    r"\bxapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{8,16}-[a-f0-9]{40,80}",
    r"/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,26}",
    r"/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,70}",
    r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
    // Payment.
    r"\b(?:sk|rk)_live_[0-9A-Za-z]{16,250}",
    r"\bwhsec_[A-Za-z0-9+/]{32,64}",
    r"\bsq0(?:atp|csp)-[0-9A-Za-z_-]{22,43}",
    r"\baccess_token\$production\$[0-9a-z]{16}\$[0-9a-f]{32}",
    r"\bpdl_live_apikey_[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3}",
    // Language models.
    r"\bsk-ant-(?:api|admin|oat|sid)[0-9]{2}-[A-Za-z0-9_-]{60,200}",
    r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,250}",
    r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
    r"\bhf_[A-Za-z0-9]{34}",
    // Packages.
    r"\bnpm_[A-Za-z0-9]{36}",
    r"\bpypi-AgE[A-Za-z0-9_-]{50,300}",
    r"\brubygems_[a-f0-9]{48}",
    r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,32}",
    // Mail and telephony.
    r"\bSK[0-9a-f]{32}\b",
    r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    r"\bkey-[0-9a-f]{32}\b",
    r"\b[0-9a-f]{32}-us[0-9]{1,2}\b",
    r"\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}",
    // Hosting and tools.
    r"\bdo[opr]_v1_[a-f0-9]{64}",
    r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    r"\bdapi[a-f0-9]{32}\b",
    r"\bhv[sb]\.[A-Za-z0-9_-]{24,200}",
    r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}",
    r"\blin_api_[A-Za-z0-9]{40}",
    r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,64}",
    r"\bsbp_[a-f0-9]{40}",
    r"\bglsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}",
    r"\bglc_[A-Za-z0-9+/]{32,400}",
    r"\bNRAK-[A-Z0-9]{27}",
    r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    r"\bdp\.(?:pt|st|sa)\.[A-Za-z0-9_.-]{40,64}",
    r"\bsntry[su]_[A-Za-z0-9+/=_-]{60,300}",
    r"\bEAACEdEose0cBA[0-9A-Za-z]{20,300}",
];

static API_KEY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!("(?-u:{})", SHAPES.join("|"))).ok());

static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?-u:\beyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{16,2000})",
    )
    .ok()
});

/// Of the key itself so much is looked at.
const KEY_WINDOW: usize = 600;
/// A redacted key has no such run of its letters.
const KEY_RUN: usize = 40;

/// Kinds found in a line, each once.
pub fn in_line(line: &str) -> impl Iterator<Item = SensitiveKind> {
    let key = has(&API_KEY, line, |value| !is_placeholder(value));
    let token = line.contains("eyJ") && has(&TOKEN, line, is_token);
    let key = key.then_some(SensitiveKind::ApiKey);
    let token = token.then_some(SensitiveKind::Jwt);
    key.into_iter().chain(token)
}

fn has(shape: &LazyLock<Option<Regex>>, line: &str, real: impl Fn(&str) -> bool) -> bool {
    shape
        .iter()
        .flat_map(|shape| shape.find_iter(line))
        .any(|found| real(found.as_str()))
}

/// Header and claims are JSON, the header names an algorithm, and it is no textbook's.
fn is_token(token: &str) -> bool {
    const SUBJECT_OF_SAMPLES: &str = "1234567890";
    let mut parts = token.split('.').map(decoded);
    let (Some(Some(header)), Some(Some(claims))) = (parts.next(), parts.next()) else {
        return false;
    };
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or("none");
    let is_sample = claims.get("sub").and_then(Value::as_str) == Some(SUBJECT_OF_SAMPLES);
    !algorithm.eq_ignore_ascii_case("none") && !is_sample
}

fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Private keys in PEM and OpenPGP armour, and age's, with their lines. A locked one counts: its
/// passphrase may be weak.
pub fn private_keys(text: &str) -> Vec<(SensitiveKind, usize)> {
    const AGE: &str = "AGE-SECRET-KEY-1";
    let pem = text
        .match_indices("-----BEGIN ")
        .take(1_000)
        .filter(|(at, _)| text.get(*at..).is_some_and(opens_private_key));
    let age = text.match_indices(AGE).take(10).filter(|(at, _)| {
        let key = text.get(at + AGE.len()..).unwrap_or_default();
        let length = key.bytes().take_while(u8::is_ascii_alphanumeric).count();
        length >= 50 && !is_placeholder(key.get(..length).unwrap_or_default())
    });
    let line_of = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    pem.chain(age)
        .take(20)
        .map(|(at, _)| (SensitiveKind::PrivateKey, line_of(at)))
        .collect()
}

fn opens_private_key(rest: &str) -> bool {
    let Some((label, after)) = rest
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.get(..rest.floor_char_boundary(80)))
        .and_then(|head| head.split_once("-----"))
        .map(|(label, _)| (label, rest.get(11 + label.len() + 5..).unwrap_or_default()))
    else {
        return false;
    };
    let is_private = label.ends_with("PRIVATE KEY") || label == "PGP PRIVATE KEY BLOCK";
    is_private
        && has_key_letters(
            after
                .get(..after.floor_char_boundary(KEY_WINDOW))
                .unwrap_or_default(),
        )
}

/// A long run of base64, which `\n` in a string may cut.
fn has_key_letters(window: &str) -> bool {
    let window = window.split("-----END").next().unwrap_or_default();
    window
        .replace("\\n", "\n")
        .split(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c))
        .any(|run| run.len() >= KEY_RUN && !is_placeholder(run))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters of a key that no vendor gave out.
    fn letters(length: usize) -> String {
        let alphabet = b"Q7dM2xVb9TzKp4LwR8sYc3HnJ6fGa5Ue";
        (0..length)
            .map(|at| char::from(alphabet[(at * 7 + at / 32) % alphabet.len()]))
            .collect()
    }

    #[track_caller]
    fn check(line: &str, expected: &[SensitiveKind]) {
        assert_eq!(in_line(line).collect::<Vec<_>>(), expected, "{line}");
    }

    #[test]
    fn shapes_are_well_formed() {
        assert!(API_KEY.is_some() && TOKEN.is_some());
    }

    #[test]
    fn keys_of_services() {
        use SensitiveKind::ApiKey;
        check(&format!("token: ghp_{}", letters(36)), &[ApiKey]);
        check(&format!("glpat-{}", letters(20)), &[ApiKey]);
        check(&format!("'sk_live_{}'", letters(24)), &[ApiKey]);
        check(&format!("sk-ant-api03-{}", letters(93)), &[ApiKey]);
        check(&format!("AccountKey={}==", letters(86)), &[ApiKey]);
        check(&format!("sk_test_{}", letters(24)), &[]);
        check(&format!("pk_live_{}", letters(24)), &[]);
        check(&format!("ghp_{}", "x".repeat(36)), &[]);
        check("AKIAIOSFODNN7EXAMPLE", &[]);
        check("ghp_short", &[]);
    }

    #[test]
    fn tokens() {
        let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let token = |header: &str, claims: &str| {
            format!("{}.{}.{}", encode(header), encode(claims), letters(43))
        };
        let claims = "{\"sub\":\"u-77\",\"exp\":1790000000}";
        check(
            &format!("Bearer {}", token("{\"alg\":\"RS256\"}", claims)),
            &[SensitiveKind::Jwt],
        );
        check(&token("{\"alg\":\"none\"}", claims), &[]);
        check(&token("{\"typ\":\"JWT\"}", claims), &[]);
        check(
            &token("{\"alg\":\"HS256\"}", "{\"sub\":\"1234567890\"}"),
            &[],
        );
        check("eyJhbGciOiJIUzI1NiJ9.REDACTED.REDACTED", &[]);
    }

    #[test]
    fn private_keys_are_found_where_they_begin() {
        #[track_caller]
        fn check(text: &str, expected: &[usize]) {
            let lines: Vec<usize> = private_keys(text)
                .into_iter()
                .map(|(_, line)| line)
                .collect();
            assert_eq!(lines, expected, "{text}");
        }
        let begin = |label: &str| format!("-----BEGIN {label}-----");
        let body = letters(64);
        check(&format!("a\n{}\n{body}\n", begin("RSA PRIVATE KEY")), &[2]);
        check(&format!("\"{}\\n{body}\\n", begin("PRIVATE KEY")), &[1]);
        check(
            &format!("{}\nVersion: 1\n\n{body}", begin("PGP PRIVATE KEY BLOCK")),
            &[1],
        );
        check(
            &format!("{}\n[REDACTED]\n-----END\n{body}", begin("PRIVATE KEY")),
            &[],
        );
        check(&format!("{}\n{body}", begin("PUBLIC KEY")), &[]);
        check(&format!("{}\n{body}", begin("CERTIFICATE")), &[]);
        check("-----BEGIN ", &[]);
        check("-----BEGIN \u{e9}", &[]);
    }
}
