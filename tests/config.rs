//! Configuration and policy files, good and bad: every mistake is named by
//! file, line, key, what and mend.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use triaged::config::{
    self, Config, Gravity, Mistake, Role, SecretSource, Source, TlsMode, Transport,
};
use triaged::triage::policy::{AcknowledgedBy, Span};

const CONFIG: &str = r#"[organization]
name = "Example Corp"
address = "security@corp.example"
[imap]
host = "imap.corp.example"
username = "security"
password_file = "secret"
[smtp]
host = "smtp.corp.example"
[storage]
path = "triaged.db"
key_file = "secret"
[openpgp]
keys = ["secret"]
[policy]
file = "policy.toml"
[limits]
silence = "15m"
[digest]
to = ["alice@corp.example"]
[[team]]
name = "Alice"
email = "alice@corp.example"
certificate = "alice.asc"
"#;

const POLICY: &str = r#"version = "1"
time_zone = "Europe/Berlin"
working_days = ["mon", "tue"]
holidays = ["2026-12-25"]
quiet_hours = "20:00-07:00"
url = "https://corp.example/security"
[deadlines]
acknowledge = "48 business hours"
triage = "7 days"
[deadlines.remediate]
critical = "30 days"
[deadlines.disclose]
after_fix = "90 days"
[deadlines.exploited]
early_warning = "24 hours"
final_report = "14 days after fix"
"#;

/// A folder with both files and what they name.
fn folder(config: &str, policy: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "config.toml", config);
    write(folder.path(), "policy.toml", policy);
    write(folder.path(), "secret", "hunter2\n");
    write(folder.path(), "alice.asc", "");
    folder
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::write(&path, content).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
}

fn load(folder: &TempDir) -> Result<(Config, Vec<Mistake>), Vec<Mistake>> {
    config::load(&folder.path().join("config.toml"))
}

/// Each as it is printed, without the folder.
fn printed(folder: &TempDir, mistakes: &[Mistake]) -> Vec<String> {
    let prefix = format!("{}/", folder.path().display());
    mistakes
        .iter()
        .map(|mistake| mistake.to_string().replace(&prefix, ""))
        .collect()
}

#[track_caller]
fn good(config: &str, policy: &str) -> Config {
    let folder = folder(config, policy);
    match load(&folder) {
        Ok((config, warnings)) => {
            assert_eq!(printed(&folder, &warnings), [""; 0]);
            config
        }
        Err(mistakes) => panic!("{:#?}", printed(&folder, &mistakes)),
    }
}

#[track_caller]
fn refused(folder: &TempDir) -> Vec<String> {
    let mistakes = load(folder).expect_err("a mistake");
    for mistake in &mistakes {
        assert!(
            !mistake.what.is_empty() && !mistake.mend.is_empty(),
            "{mistake:?}"
        );
        assert!(!mistake.to_string().contains('\n'), "{mistake:?}");
    }
    printed(folder, &mistakes)
}

/// In the good configuration, `old` becomes `new`: exactly this is said.
#[track_caller]
fn bad_config(old: &str, new: &str, expected: &str) {
    assert_eq!(CONFIG.matches(old).count(), 1, "{old:?} is not there once");
    let folder = folder(&CONFIG.replace(old, new), POLICY);
    assert_eq!(refused(&folder), [expected]);
}

#[track_caller]
fn bad_policy(old: &str, new: &str, expected: &str) {
    assert_eq!(POLICY.matches(old).count(), 1, "{old:?} is not there once");
    let folder = folder(CONFIG, &POLICY.replace(old, new));
    assert_eq!(refused(&folder), [expected]);
}

#[test]
fn the_defaults() {
    let config = good(CONFIG, POLICY);
    let Source::Imap(imap) = &config.source else {
        panic!("{:?}", config.source);
    };
    assert_eq!(
        (imap.server.port, imap.server.tls),
        (993, TlsMode::Implicit)
    );
    assert_eq!(imap.folders.inbox, "INBOX");
    assert_eq!(imap.folders.junk.as_deref(), Some("Junk"));
    assert_eq!(imap.folders.processed.as_deref(), Some("Triaged"));
    assert_eq!(imap.folders.poll_interval, Duration::from_secs(60));
    assert_eq!(imap.folders.answer_newer_than, Duration::from_secs(604_800));
    let Transport::Smtp(smtp) = &config.transport else {
        panic!("{:?}", config.transport);
    };
    assert_eq!((smtp.server.port, smtp.login.is_none()), (465, true));
    assert_eq!(config.limits.max_message, 50_000_000);
    assert_eq!(config.limits.silence, Duration::from_secs(900));
    assert_eq!(config.limits.replies_per_address, 6);
    assert_eq!(config.limits.replies_per_domain, 100);
    assert_eq!(config.limits.replies_total, 1_000);
    let digest = config.digest.as_ref().expect("a digest");
    assert_eq!(digest.at_minute, 480);
    assert_eq!(digest.on, None, "the policy's working days");
    assert_eq!(
        config.member_called("ALICE").map(|alice| alice.role),
        Some(Role::Member)
    );
    for ours in [
        "Security@Corp.example",
        "security+x@corp.example",
        "security@Ｃorp.example",
    ] {
        assert!(config.organization.owns(ours), "{ours}");
    }
    for other in [
        "secure@corp.example",
        "security@corp.example.net",
        "x+security@corp.example",
    ] {
        assert!(!config.organization.owns(other), "{other}");
    }
    assert!(config.storage.path.is_absolute());
    let promised = &config.policy.deadlines;
    assert_eq!(promised.acknowledge, Some(Span::BusinessHours(48)));
    assert_eq!(promised.acknowledged_by, AcknowledgedBy::Reply);
    assert_eq!((promised.update, promised.remediate.high), (None, None));
    assert_eq!(promised.disclose_after_fix, Some(Span::Days(90)));
    assert_eq!(promised.final_report, Some(Span::Days(14)));
}

#[test]
fn other_places_for_mail() {
    let config = CONFIG
        .replace("[imap]\nhost = \"imap.corp.example\"\nusername = \"security\"\npassword_file = \"secret\"\n", "[maildir]\npath = \".\"\njunk_folder = \"\"\n")
        .replace("[smtp]\nhost = \"smtp.corp.example\"\n", "[sendmail]\ncommand = \"/usr/sbin/sendmail -oi\"\n");
    let config = good(&config, POLICY);
    let Source::Maildir(maildir) = &config.source else {
        panic!("{:?}", config.source);
    };
    assert_eq!(maildir.folders.poll_interval, Duration::from_secs(2));
    assert_eq!(maildir.folders.junk, None);
    let Transport::Sendmail(sendmail) = &config.transport else {
        panic!("{:?}", config.transport);
    };
    assert_eq!(sendmail.command, ["/usr/sbin/sendmail", "-oi"]);
}

#[test]
fn servers_on_this_machine_need_no_tls() {
    for host in ["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"] {
        let server = format!("host = \"{host}\"\ntls = \"off\"");
        let config = CONFIG.replace("host = \"smtp.corp.example\"", &server);
        let Transport::Smtp(smtp) = good(&config, POLICY).transport else {
            panic!("no smtp");
        };
        assert_eq!((smtp.server.tls, smtp.server.port), (TlsMode::Off, 25));
    }
}

#[test]
fn a_pinned_certificate() {
    let pin = ["AB"; 32].join(":");
    let server = format!("host = \"smtp.corp.example\"\npin_sha256 = \"{pin}\"");
    let config = CONFIG.replace("host = \"smtp.corp.example\"", &server);
    let Transport::Smtp(smtp) = good(&config, POLICY).transport else {
        panic!("no smtp");
    };
    assert_eq!(smtp.server.pin_sha256, Some([0xab; 32]));
}

#[test]
fn secrets_from_other_places() {
    let config = CONFIG
        .replace("key_file = \"secret\"", "key_command = \"pass show key\"")
        .replace(
            "keys = [\"secret\"]",
            "keys_credentials = [\"KEY\"]\npassphrase_credential = \"P\"",
        );
    let config = good(&config, POLICY);
    assert_eq!(
        config.storage.key,
        SecretSource::Command("pass show key".to_owned())
    );
    assert_eq!(
        config.openpgp.keys,
        [SecretSource::Credential("KEY".to_owned())]
    );
    assert_eq!(
        config.openpgp.passphrase,
        Some(SecretSource::Credential("P".to_owned()))
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends() {
    good(&format!("\u{feff}{}", CONFIG.replace('\n', "\r\n")), POLICY);
}

#[test]
fn bad_keys_and_sections() {
    bad_config(
        "silence =",
        "silense =",
        r#"config.toml:18: limits.silense: unknown key; the nearest known one is "silence""#,
    );
    bad_config(
        "username = \"security\"",
        "username = \"security\"\npoll_intervall = \"60s\"",
        r#"config.toml:7: imap.poll_intervall: unknown key; the nearest known one is "poll_interval""#,
    );
    bad_config(
        "[limits]",
        "[limit]",
        r#"config.toml:17: limit: unknown key; the nearest known one is "limits""#,
    );
    bad_config(
        "name = \"Example Corp\"\n",
        "",
        r#"config.toml:1: organization.name: missing; write name = "Example Corp""#,
    );
    bad_config(
        "name = \"Example Corp\"",
        "name = 5",
        "config.toml:2: organization.name: is a number, not text; put it in quotes",
    );
    bad_config(
        "name = \"Example Corp\"",
        "name = \" \"",
        "config.toml:2: organization.name: is empty; write some text",
    );
    bad_config(
        "name = \"Example Corp\"",
        "name = \"a\\nb\"",
        r#"config.toml:2: organization.name: "a\nb" holds a control character; write it on one line, without tabs"#,
    );
    bad_config(
        "[storage]\npath = \"triaged.db\"\nkey_file = \"secret\"\n",
        "",
        "config.toml:1: storage: missing; add the section [storage]",
    );
    bad_config(
        "[smtp]\nhost = \"smtp.corp.example\"\n",
        "",
        "config.toml:1: smtp: missing; add a section [smtp] or [sendmail]",
    );
    bad_config(
        "[smtp]",
        "[maildir]\npath = \".\"\n[smtp]",
        "config.toml:8: maildir: [imap] is there too; keep one of the two sections",
    );
    bad_config(
        "[smtp]",
        "[sendmail]\n[smtp]",
        "config.toml:8: sendmail: [smtp] is there too; keep one of the two sections",
    );
    bad_config(
        "[[team]]",
        "[team]",
        "config.toml:21: team: is a section, not a list; write [[team]], once for each",
    );
    bad_config(
        "name = \"Example Corp\"",
        "name = \"Example Corp\"\nname = \"Other\"",
        "config.toml:3: duplicate key; keep one",
    );
    bad_config(
        "[organization]",
        "templates = \"nowhere/\\u0000\"\n[organization]",
        "config.toml:1: templates: holds a NUL; write a path without one",
    );
}

#[test]
fn bad_toml() {
    bad_config(
        "name = \"Example Corp\"",
        "name = Example Corp",
        "config.toml:2: string values must be quoted; TOML expects literal string here",
    );
    bad_config(
        "[storage]",
        "[storage",
        "config.toml:10: unclosed table; TOML expects `]` here",
    );
    let folder = folder(CONFIG, POLICY);
    let mut bytes = CONFIG.as_bytes().to_vec();
    bytes.splice(30..31, [0xe9]);
    write(folder.path(), "config.toml", bytes);
    assert_eq!(
        refused(&folder),
        ["config.toml:2: is not UTF-8 from here on; save it as UTF-8"]
    );
    fs::remove_file(folder.path().join("config.toml")).expect("removed");
    assert_eq!(
        refused(&folder),
        [
            "config.toml: cannot be read (No such file or directory (os error 2)); check the path and who may read it"
        ]
    );
}

#[test]
fn bad_addresses() {
    let address = |new: &str, expected: &str| {
        bad_config("address = \"security@corp.example\"", new, expected);
    };
    address(
        "address = \"security\"",
        r#"config.toml:3: organization.address: "security" is not an e-mail address; write it like "security@example.com""#,
    );
    address(
        "address = \"a@b@c.example\"",
        r#"config.toml:3: organization.address: "a@b@c.example" is not an e-mail address; write it like "security@example.com""#,
    );
    address(
        "address = \"a b@c.example\"",
        r#"config.toml:3: organization.address: "a b@c.example" is not an e-mail address; take out spaces and control characters"#,
    );
    address(
        "address = \"S <s@c.example>\"",
        r#"config.toml:3: organization.address: "S <s@c.example>" is not an e-mail address; write the address alone, like "security@example.com""#,
    );
    address(
        "address = \"s@c.example\"\naliases = \"t@c.example\"",
        "config.toml:4: organization.aliases: is text, not a list; put it in [ ]",
    );
    address(
        "address = \"s@c.example\"\naliases = [\"t\"]",
        r#"config.toml:4: organization.aliases: "t" is not an e-mail address; write it like "security@example.com""#,
    );
    address(
        "address = \"s@c.example\"\nauthserv_ids = [\"a b\"]",
        r#"config.toml:4: organization.authserv_ids: "a b" holds a space; write one word for each entry"#,
    );
}

#[test]
fn bad_servers() {
    let imap =
        |new: &str, expected: &str| bad_config("host = \"imap.corp.example\"", new, expected);
    imap(
        "",
        r#"config.toml:4: imap.host: missing; write host = "mail.example.com""#,
    );
    imap(
        "host = \"imap.corp.example:993\"",
        r#"config.toml:5: imap.host: "imap.corp.example:993" is not the name of a server; write the port as port = …, on a line of its own"#,
    );
    imap(
        "host = \"imaps://a.example\"",
        r#"config.toml:5: imap.host: "imaps://a.example" is not the name of a server; write the name alone, like "mail.example.com""#,
    );
    imap(
        "host = \"a b\"",
        r#"config.toml:5: imap.host: "a b" is not the name of a server; write it like "mail.example.com""#,
    );
    imap(
        "host = \"bücher.example\"",
        r#"config.toml:5: imap.host: "bücher.example" is not the name of a server; write it as the name system knows it, beginning with xn--"#,
    );
    imap(
        "host = \"a.example\"\nport = 99999",
        "config.toml:6: imap.port: 99999 is out of bounds; write a number from 0 to 65535",
    );
    imap(
        "host = \"a.example\"\nport = 0",
        "config.toml:6: imap.port: 0 is no port; write the one that the server listens on",
    );
    imap(
        "host = \"a.example\"\nport = \"993\"",
        "config.toml:6: imap.port: is text, not a number; write whole digits without quotes",
    );
    imap(
        "host = \"a.example\"\ntls = \"of\"",
        r#"config.toml:6: imap.tls: "of" is not one of "implicit", "starttls", "off"; the nearest one is "off""#,
    );
    imap(
        "host = \"a.example\"\ntls = \"off\"",
        r#"config.toml:6: imap.tls: without TLS the password would cross the network to "a.example"; write "implicit" or "starttls"; "off" is for a loopback address alone"#,
    );
    imap(
        "host = \"a.example\"\npin_sha256 = \"ab:cd\"",
        r#"config.toml:6: imap.pin_sha256: "ab:cd" is not a SHA-256; write its 64 hexadecimal digits, as openssl x509 -noout -fingerprint -sha256 prints them"#,
    );
    let pin = "ab".repeat(32);
    imap(
        &format!("host = \"a.example\"\nca_file = \"secret\"\npin_sha256 = \"{pin}\""),
        "config.toml:7: imap.pin_sha256: ca_file and pin_sha256 are both there; keep the pin for a self-signed certificate, ca_file for an authority of your own",
    );
    imap(
        "host = \"a.example\"\nfolder = \"\"",
        "config.toml:6: imap.folder: is empty; write some text",
    );
    imap(
        "host = \"a.example\"\nprocessed_folder = \"inbox\"",
        r#"config.toml:6: imap.processed_folder: is the folder that mail arrives in; name another folder, or "" for none"#,
    );
    imap(
        "host = \"a.example\"\njunk_folder = \"Triaged\"",
        r#"config.toml:6: imap.junk_folder: junk_folder and processed_folder are the same; give them two names, or "" for none"#,
    );
    let smtp =
        |new: &str, expected: &str| bad_config("host = \"smtp.corp.example\"", new, expected);
    smtp(
        "host = \"a.example\"\nusername = \"u\"",
        r#"config.toml:8: smtp.password_file: missing; write password_file = "/etc/triaged/smtp.password", or password_command, or password_credential"#,
    );
    smtp(
        "host = \"a.example\"\npassword_file = \"secret\"",
        r#"config.toml:8: smtp.username: missing; write username = "security@example.com", or take the password out"#,
    );
    smtp(
        "host = \"a.example\"\nreturn_path = \"<>\"",
        r#"config.toml:10: smtp.return_path: "<>" is not an e-mail address; write the address alone, like "security@example.com""#,
    );
    bad_config(
        "[smtp]\nhost = \"smtp.corp.example\"",
        "[sendmail]\ncommand = \"a 'b c'\"",
        r#"config.toml:9: sendmail.command: no shell reads this command; write it as a list: ["/usr/sbin/sendmail", "-oi"]"#,
    );
    bad_config(
        "[smtp]\nhost = \"smtp.corp.example\"",
        "[sendmail]\ncommand = []",
        r#"config.toml:9: sendmail.command: names no program; write command = "/usr/sbin/sendmail""#,
    );
}

#[test]
fn bad_secrets() {
    let password = |new: &str, expected: &str| {
        bad_config(
            "username = \"security\"\npassword_file = \"secret\"",
            &format!("username = \"security\"\n{new}"),
            expected,
        );
    };
    password(
        "",
        r#"config.toml:4: imap.password_file: missing; write password_file = "/etc/triaged/imap.password", or password_command, or password_credential"#,
    );
    password(
        "password_file = \"secret\"\npassword_command = \"pass\"",
        "config.toml:8: imap.password_command: password comes from two places; keep one of them",
    );
    password(
        "password_credential = \"../x\"",
        r#"config.toml:7: imap.password_credential: "../x" is not the name of a credential; write the NAME of LoadCredential=NAME:PATH in the unit"#,
    );
    password(
        "password_file = \"~/secret\"",
        r#"config.toml:7: imap.password_file: the "~" in "~/secret" is not replaced; write the whole path"#,
    );
    password(
        "password_file = \"\"",
        "config.toml:7: imap.password_file: is empty; write a path",
    );
    password(
        "password_file = \"secret\"\npassword = \"hunter2\"",
        r#"config.toml:8: imap.password: a secret has no place in this file; move it to a file of its own and write password_file = "PATH""#,
    );
    bad_config(
        "keys = [\"secret\"]",
        "keys = []",
        r#"config.toml:13: openpgp.keys: missing; write keys = ["/etc/triaged/security.key.asc"], or keys_credentials"#,
    );
    bad_config(
        "keys = [\"secret\"]",
        "keys = \"secret\"",
        "config.toml:14: openpgp.keys: is text, not a list; put it in [ ]",
    );
}

#[test]
fn a_secret_in_the_file_is_never_repeated() {
    for line in [
        "password = \"hunter2\"",
        "passwort = \"hunter2\"",
        "password = hunter2",
        "password = [\"hunter2\"]",
        "password_file = [\"hunter2\"]",
    ] {
        let folder = folder(&CONFIG.replace("password_file = \"secret\"", line), POLICY);
        let said = refused(&folder).join("\n");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn bad_limits_digest_and_team() {
    let limits = |new: &str, expected: &str| bad_config("silence = \"15m\"", new, expected);
    limits(
        "silence = \"60s\"",
        r#"config.toml:18: limits.silence: is not longer than poll_interval, so every pause would be an alarm; write several times poll_interval, like "15m""#,
    );
    limits(
        "silence = \"15 minuts\"",
        r#"config.toml:18: limits.silence: "15 minuts" is not a duration; write "15 minutes""#,
    );
    limits(
        "silence = 900",
        "config.toml:18: limits.silence: is a number, not text; put it in quotes",
    );
    limits(
        "silence = \"99999999999 weeks\"",
        r#"config.toml:18: limits.silence: "99999999999 weeks" is too long; write at most "3660 days""#,
    );
    limits(
        "max_message = \"50\"",
        r#"config.toml:18: limits.max_message: "50" is not a size; write it like "50 MB""#,
    );
    limits(
        "max_message = \"0 MB\"",
        r#"config.toml:18: limits.max_message: "0 MB" is out of bounds; write one from "1 kB" to "500 MB""#,
    );
    limits(
        "max_message = \"99999999999 GB\"",
        r#"config.toml:18: limits.max_message: "99999999999 GB" is too large; write it like "50 MB""#,
    );
    limits(
        "replies_total = -1",
        "config.toml:18: limits.replies_total: -1 is out of bounds; write a number from 0 to 1000000",
    );
    let digest =
        |new: &str, expected: &str| bad_config("to = [\"alice@corp.example\"]", new, expected);
    digest(
        "at = \"8 Uhr\"",
        r#"config.toml:20: digest.at: "8 Uhr" is not a time of day; write it like "08:00", from "00:00" to "23:59""#,
    );
    digest(
        "on = [\"mo\"]",
        r#"config.toml:20: digest.on: "mo" is not a weekday; the nearest one is "mon""#,
    );
    digest(
        "on = []",
        r#"config.toml:20: digest.on: names no day; write at least one, like ["mon"]"#,
    );
    digest(
        "to = [\"alise@corp.example\"]",
        r#"config.toml:20: digest.to: "alise@corp.example" is no member of the team; add a [[team]] section for it; the nearest is "alice@corp.example""#,
    );
    let team = |new: &str, expected: &str| bad_config("certificate = \"alice.asc\"", new, expected);
    team(
        "",
        r#"config.toml:21: team.certificate: missing; write certificate = "/etc/triaged/alice.asc", the member's OpenPGP certificate"#,
    );
    team(
        "certificate = \"alice.asc\"\nrole = \"admin\"",
        r#"config.toml:25: team.role: "admin" is not one of "member", "observer"; the nearest one is "member""#,
    );
    team(
        "certificate = \"alice.asc\"\n[[team]]\nname = \"alice\"\nemail = \"a@corp.example\"\ncertificate = \"alice.asc\"",
        r#"config.toml:26: team.name: "alice" is the name of two members; give each a name of its own"#,
    );
    team(
        "certificate = \"alice.asc\"\n[[team]]\nname = \"B\"\nemail = \"ALICE@corp.example\"\ncertificate = \"alice.asc\"",
        r#"config.toml:27: team.email: "ALICE@corp.example" is the address of two members; keep one of them"#,
    );
    team(
        "certificate = \"alice.asc\"\n[[team]]\nname = \"B\"\nemail = \"security@corp.example\"\ncertificate = \"alice.asc\"",
        r#"config.toml:27: team.email: "security@corp.example" is what reporters write to; write the member's own address, or mail would go in circles"#,
    );
}

#[test]
fn bad_policies() {
    let zone =
        |new: &str, expected: &str| bad_policy("time_zone = \"Europe/Berlin\"", new, expected);
    zone(
        "time_zone = \"Europe/Berln\"",
        r#"policy.toml:2: time_zone: "Europe/Berln" is not an IANA time zone; the nearest one is "Europe/Berlin""#,
    );
    zone(
        "time_zone = \"Berlin\"",
        r#"policy.toml:2: time_zone: "Berlin" is not an IANA time zone; the nearest one is "Europe/Berlin""#,
    );
    let days =
        |new: &str, expected: &str| bad_policy("working_days = [\"mon\", \"tue\"]", new, expected);
    days(
        "working_days = []",
        r#"policy.toml:3: working_days: names no day; write at least one, like ["mon"]"#,
    );
    days(
        "working_days = [\"mon\",\n \"tues day\"]",
        r#"policy.toml:4: working_days: "tues day" is not a weekday; the nearest one is "tue""#,
    );
    let holidays =
        |new: &str, expected: &str| bad_policy("holidays = [\"2026-12-25\"]", new, expected);
    holidays(
        "holidays = [\"25.12.2026\"]",
        r#"policy.toml:4: holidays: "25.12.2026" is not a date; write it like "2026-12-25""#,
    );
    holidays(
        "holidays = [\"2026-02-29\"]",
        r#"policy.toml:4: holidays: "2026-02-29" is not a date; write it like "2026-12-25""#,
    );
    holidays(
        "holidays = [2026-12-25T10:00:00Z]",
        r#"policy.toml:4: holidays: "2026-12-25T10:00:00Z" is not a date; write it like "2026-12-25""#,
    );
    holidays(
        "holidays_file = \"none.ics\"",
        "none.ics: cannot be read (No such file or directory (os error 2)); check the path and who may read it",
    );
    holidays(
        "holidays_file = \"secret\"",
        "secret:1: is not an iCalendar file; name a file that begins with BEGIN:VCALENDAR",
    );
    let quiet =
        |new: &str, expected: &str| bad_policy("quiet_hours = \"20:00-07:00\"", new, expected);
    quiet(
        "quiet_hours = \"20:00\"",
        r#"policy.toml:5: quiet_hours: "20:00" is not a pair of times; write it like "20:00-07:00", or "none""#,
    );
    quiet(
        "quiet_hours = \"20:00-24:00\"",
        r#"policy.toml:5: quiet_hours: "20:00-24:00" is not a pair of times; write it like "20:00-07:00", or "none""#,
    );
    quiet(
        "quiet_hours = \"07:00-07:00\"",
        r#"policy.toml:5: quiet_hours: "07:00-07:00" would be quiet for ever; write it like "20:00-07:00", or "none""#,
    );
    bad_policy(
        "https://",
        "http://",
        r#"policy.toml:6: url: "http://corp.example/security" is not an https address; write "https://corp.example/security""#,
    );
    let acknowledge = |new: &str, expected: &str| {
        bad_policy("acknowledge = \"48 business hours\"", new, expected)
    };
    acknowledge(
        "acknowledge = \"48 busines hours\"",
        r#"policy.toml:8: deadlines.acknowledge: "48 busines hours" is not a duration; write "48 business hours""#,
    );
    acknowledge(
        "",
        r#"policy.toml:7: deadlines.acknowledge: missing; write acknowledge = "48 business hours", or another span, or "none""#,
    );
    acknowledge(
        "acknowledge = \"soon\"",
        r#"policy.toml:8: deadlines.acknowledge: "soon" is not a duration; write it like "48 business hours", "5 business days", "7 days" or "none""#,
    );
    acknowledge(
        "acknowledge = \"0 days\"",
        r#"policy.toml:8: deadlines.acknowledge: "0 days" leaves no time at all; write a longer one, or "none""#,
    );
    acknowledge(
        "acknowledge = \"3661 days\"",
        r#"policy.toml:8: deadlines.acknowledge: "3661 days" is too long; write at most "3660 days", or "none""#,
    );
    acknowledge(
        "acknowledge = \"99999999999999 weeks\"",
        r#"policy.toml:8: deadlines.acknowledge: "99999999999999 weeks" is too long; write at most "3660 days", or "none""#,
    );
    acknowledge(
        "acknowledge = \"1 dya\"",
        r#"policy.toml:8: deadlines.acknowledge: "1 dya" is not a duration; write "1 day""#,
    );
    acknowledge(
        "acknowledge = \"1 day\"\nacknowledged_by = \"robot\"",
        r#"policy.toml:9: deadlines.acknowledged_by: "robot" is not one of "reply", "person"; the nearest one is "reply""#,
    );
    bad_policy(
        "[deadlines.remediate]",
        "[deadlines.remediation]",
        r#"policy.toml:10: deadlines.remediation: unknown key; the nearest known one is "remediate""#,
    );
    bad_policy(
        "critical =",
        "kritical =",
        r#"policy.toml:11: deadlines.remediate.kritical: unknown key; the nearest known one is "critical""#,
    );
    bad_policy(
        "early_warning = \"24 hours\"",
        "early_warning = \"1 business day\"",
        r#"policy.toml:15: deadlines.exploited.early_warning: "1 business day" stands still over weekends, and the law does not; write hours or days, like "72 hours""#,
    );
    bad_config(
        "file = \"policy.toml\"",
        "",
        r#"config.toml:15: policy.file: missing; write file = "/etc/triaged/policy.toml""#,
    );
    bad_config(
        "policy.toml",
        "p.toml",
        "p.toml: cannot be read (No such file or directory (os error 2)); check the path and who may read it",
    );
}

#[test]
fn every_mistake_is_listed_at_once() {
    let config = CONFIG.replace("name =", "nam =").replace("15m", "15x");
    let folder = folder(&config, &POLICY.replace("7 days", "7 dais"));
    assert_eq!(
        refused(&folder),
        [
            r#"config.toml:1: organization.name: missing; write name = "Example Corp""#,
            r#"config.toml:2: organization.nam: unknown key; the nearest known one is "name""#,
            r#"config.toml:4: imap.username: missing; write username = "security@example.com""#,
            r#"config.toml:6: imap.usernam: unknown key; the nearest known one is "username""#,
            r#"config.toml:18: limits.silence: "15x" is not a duration; write it like "30s", "15m" or "7 days""#,
            r#"config.toml:21: team.name: missing; write name = "Alice""#,
            r#"config.toml:22: team.nam: unknown key; the nearest known one is "name""#,
            r#"policy.toml:9: deadlines.triage: "7 dais" is not a duration; write "7 days""#,
        ]
    );
}

#[test]
fn spans_as_people_write_them() {
    for (text, expected) in [
        ("48 hours", Some(Span::Hours(48))),
        ("1 hour", Some(Span::Hours(1))),
        ("72h", Some(Span::Hours(72))),
        ("48 Business  Hours", Some(Span::BusinessHours(48))),
        ("1 business day", Some(Span::BusinessDays(1))),
        ("7 days", Some(Span::Days(7))),
        ("1 day", Some(Span::Days(1))),
        ("2 weeks", Some(Span::Days(14))),
        ("3660 days", Some(Span::Days(3_660))),
        ("none", None),
    ] {
        let update = format!("triage = \"7 days\"\nupdate = \"{text}\"");
        let policy = POLICY.replace("triage = \"7 days\"", &update);
        assert_eq!(
            good(CONFIG, &policy).policy.deadlines.update,
            expected,
            "{text}"
        );
    }
}

#[test]
fn holidays_of_both_kinds() {
    let folder = folder(
        CONFIG,
        &POLICY.replace(
            "holidays = [\"2026-12-25\"]",
            "holidays = [2026-12-25, \"2026-12-26\"]\nholidays_file = \"days.ics\"",
        ),
    );
    let feed = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:New\r\n Year:x\r\n\
                DTSTART;VALUE=DATE:20270101\r\nDTEND;VALUE=DATE:20270103\r\nEND:VEVENT\r\n\
                BEGIN:VEVENT\r\nDTSTART:20270501\r\nEND:VEVENT\r\n\
                BEGIN:VEVENT\r\nDTSTART:20270601\r\nDURATION:P2D\r\nEND:VEVENT\r\n\
                BEGIN:VEVENT\r\nSTATUS:CANCELLED\r\nDTSTART:20270701\r\nEND:VEVENT\r\n\
                END:VCALENDAR\r\n";
    write(folder.path(), "days.ics", feed);
    let (config, warnings) = load(&folder).expect("a configuration");
    assert_eq!(warnings, []);
    let days: Vec<String> = config
        .policy
        .calendar
        .holidays
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        days,
        [
            "2026-12-25",
            "2026-12-26",
            "2027-01-01",
            "2027-01-02",
            "2027-05-01",
            "2027-06-01",
            "2027-06-02"
        ]
    );
    write(
        folder.path(),
        "days.ics",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270101\nRRULE:FREQ=EASTERLY\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20270101T100000Z\nEND:VEVENT\nBEGIN:VEVENT\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20271301\n",
    );
    assert_eq!(
        refused(&folder),
        [
            r#"days.ics:4: RRULE: "EASTERLY" is not how often a holiday comes; the nearest one is "YEARLY""#,
            r#"days.ics:7: DTSTART: "20270101T100000Z" has a time of day; holidays are whole days, like DTSTART;VALUE=DATE:20261225"#,
            "days.ics:9: VEVENT: has no DTSTART; add DTSTART;VALUE=DATE:20261225",
            "days.ics:11: VEVENT: begins and does not end; fetch the file anew, its end is missing",
        ]
    );
}

#[test]
fn what_keeps_nobody_from_work() {
    let policy = POLICY.replace("time_zone = \"Europe/Berlin\"\n", "");
    let folder = folder(&CONFIG.replace("alice.asc", "bob.asc"), &policy);
    fs::set_permissions(
        folder.path().join("secret"),
        fs::Permissions::from_mode(0o644),
    )
    .expect("permissions");
    let (config, warnings) = load(&folder).expect("a configuration");
    assert_eq!(config.policy.calendar.zone.name(), "Europe/Berlin");
    let open = "secret is open to other users (mode 0644); run chmod go= secret";
    assert_eq!(
        printed(&folder, &warnings),
        [
            format!("config.toml:7: imap.password_file: {open}"),
            format!("config.toml:12: storage.key_file: {open}"),
            format!("config.toml:14: openpgp.keys: {open}"),
            "config.toml:24: team.certificate: bob.asc is not there; create it, or correct the path".to_owned(),
            "policy.toml:1: time_zone: missing, so Europe/Berlin counts; write time_zone = \"Europe/Berlin\" or your own".to_owned(),
        ]
    );
    let missing = warnings
        .iter()
        .filter(|one| one.gravity == Gravity::MissingFile);
    assert_eq!(missing.count(), 1);
}

#[test]
fn a_digest_in_quiet_hours() {
    let config = CONFIG.replace("[digest]", "[digest]\nat = \"06:30\"");
    let folder = folder(&config, POLICY);
    let (_, warnings) = load(&folder).expect("a configuration");
    assert_eq!(
        printed(&folder, &warnings),
        [
            r#"config.toml:20: digest.at: "06:30" lies in the policy's quiet hours, 20:00-07:00, which hold the digest back; write "07:00" or later"#
        ]
    );
}

#[test]
fn a_policy_without_a_version_has_the_digest_of_its_words() {
    let without = POLICY.replace("version = \"1\"\n", "");
    let first = good(CONFIG, &without).policy.version;
    assert_eq!(first.len(), 12);
    assert_ne!(
        first,
        good(CONFIG, &without.replace("30 days", "31 days"))
            .policy
            .version
    );
}

/// The example, once its files exist; and with every default written out.
#[test]
fn the_example_loads() {
    let example = include_str!("../config.example.toml");
    check_example(example);
    let key_at_its_default = |line: &str| {
        let words = line.strip_prefix("# ").unwrap_or_default();
        let key = words.split(" = ").next().unwrap_or_default();
        let optional = ["path", "command", "ca_file", "pin_sha256", "templates"];
        words.contains(" = ") && !key.contains([' ', '(']) && !optional.contains(&key)
    };
    let spelled_out: Vec<&str> = example
        .lines()
        .map(|line| {
            if key_at_its_default(line) {
                line.trim_start_matches("# ")
            } else {
                line
            }
        })
        .collect();
    assert!(spelled_out.contains(&"replies_total = 1000"));
    assert!(spelled_out.contains(&"port = 465"));
    check_example(&spelled_out.join("\n"));
}

#[track_caller]
fn check_example(example: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = folder.path().display();
    let example = example
        .replace("\"/etc/triaged", &format!("\"{here}"))
        .replace("\"/var/lib/triaged", &format!("\"{here}"));
    write(folder.path(), "config.toml", example);
    write(folder.path(), "policy.toml", POLICY);
    for name in [
        "imap.password",
        "smtp.password",
        "storage.key",
        "security.key.asc",
        "key.passphrase",
        "alice.asc",
        "carol.asc",
    ] {
        write(folder.path(), name, "x");
    }
    fs::create_dir(folder.path().join("gnupg")).expect("a folder");
    match load(&folder) {
        Ok((config, warnings)) => {
            assert_eq!(printed(&folder, &warnings), [""; 0]);
            assert_eq!(config.limits.replies_total, 1_000);
            assert_eq!(config.team.len(), 1);
        }
        Err(mistakes) => panic!("{:#?}", printed(&folder, &mistakes)),
    }
}
