//! From `config.toml` to a checked [`Config`], or to the list of every mistake.
//!
//! One function per section, in the order of `config.example.toml`. A value
//! that is missing or wrong is noted and replaced by a stand-in, so the
//! sections read straight on; a file with one mistake gives no `Config`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{Complaint, Document, Table, Value, read_text};
use super::mistake::{Gravity, Mistake, nearest, quote};
use super::secret::{SecretSource, exposure};
use super::{
    Config, DigestSchedule, Folders, Imap, Limits, Maildir, Member, Notify, OpenPgpKeys,
    Organization, Role, Sendmail, Server, Smtp, Source, Storage, TlsMode, Transport, policy, units,
};
use crate::mail::message::address_key;
use crate::triage::policy::{Policy, time};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Bytes. The database keeps a mail in one value, and those end at 1 GB.
const LARGEST_MESSAGE: u64 = 500_000_000;

/// Reads and checks the configuration and the policy that it names.
///
/// `Ok` carries what should be mended but keeps nobody from work: warnings,
/// and files that are not there. `Err` carries everything that was found.
pub fn load(path: &Path) -> Result<(Config, Vec<Mistake>), Vec<Mistake>> {
    let text = read_text(path).map_err(|mistake| vec![mistake])?;
    let (draft, mut mistakes) = Document::parse(path, &text).read(draft);
    let policy = draft.policy_file.as_deref().and_then(|file| {
        let (policy, more) = policy::read(file);
        mistakes.extend(more);
        policy
    });
    if let Some(policy) = &policy {
        mistakes.extend(draft.digest_in_quiet_hours(path, policy));
    }
    let is_refused = mistakes.iter().any(|one| one.gravity == Gravity::Error);
    let config = policy.and_then(|policy| draft.into_config(path, policy));
    config
        .filter(|_| !is_refused)
        .map(|config| (config, mistakes.clone()))
        .ok_or(mistakes)
}

/// A [`Config`] before the policy was read. A section that is absent, or that
/// stands twice, is `None`.
struct Draft {
    organization: Option<Organization>,
    source: Option<Source>,
    transport: Option<Transport>,
    storage: Option<Storage>,
    openpgp: Option<OpenPgpKeys>,
    policy_file: Option<PathBuf>,
    templates: Option<PathBuf>,
    limits: Limits,
    digest: Option<DigestSchedule>,
    /// Where `digest.at` stands.
    digest_line: Option<usize>,
    team: Vec<Member>,
}

impl Draft {
    /// Quiet hours hold digests back, so its time would never be kept.
    fn digest_in_quiet_hours(&self, path: &Path, policy: &Policy) -> Option<Mistake> {
        let at = self.digest.as_ref()?.at_minute;
        let quiet = policy.quiet_hours.filter(|quiet| quiet.covers(at))?;
        let what = format!(
            "{} lies in the policy's quiet hours, {quiet}, which hold the digest back",
            quote(&time(at))
        );
        let mend = format!("write \"{}\" or later", time(quiet.until_minute));
        Some(Mistake {
            line: self.digest_line,
            key: "digest.at".to_owned(),
            gravity: Gravity::Warning,
            ..Mistake::of_file(path, what, mend)
        })
    }

    fn into_config(self, path: &Path, policy: Policy) -> Option<Config> {
        Some(Config {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            organization: self.organization?,
            source: self.source?,
            transport: self.transport?,
            storage: self.storage?,
            openpgp: self.openpgp?,
            policy_file: self.policy_file?,
            policy,
            templates: self.templates,
            limits: self.limits,
            digest: self.digest,
            team: self.team,
        })
    }
}

fn draft(root: &Table) -> Draft {
    let organization = root.required_section("organization", organization);
    let source = one_section(
        root,
        ("imap", |table| Source::Imap(imap(table))),
        ("maildir", |table| Source::Maildir(maildir(table))),
    );
    let transport = one_section(
        root,
        ("smtp", |table| Transport::Smtp(smtp(table))),
        ("sendmail", |table| Transport::Sendmail(sendmail(table))),
    );
    let team = team(root, organization.as_ref());
    let team_is_known = team.iter().all(|member| !member.email.is_empty())
        && root.value("team").is_none_or(|value| value.is_list());
    let digest_section = root.section("digest", |table| {
        let line = table.value("at").map(|value| value.line());
        (digest(table, &team, team_is_known), line)
    });
    let (digest, digest_line) = digest_section.unzip();
    Draft {
        storage: root.required_section("storage", storage),
        openpgp: root.required_section("openpgp", openpgp),
        policy_file: root.required_section("policy", policy_file).flatten(),
        templates: root
            .value("templates")
            .and_then(|value| value.existing_path()),
        limits: limits(root, source.as_ref()),
        digest,
        digest_line: digest_line.flatten(),
        organization,
        source,
        transport,
        team,
    }
}

/// Reads whichever of two sections is there.
fn one_section<T>(
    root: &Table,
    (first, read_first): (&'static str, fn(&Table) -> T),
    (second, read_second): (&'static str, fn(&Table) -> T),
) -> Option<T> {
    let second_value = root.value(second);
    let found = (
        root.section(first, read_first),
        second_value
            .as_ref()
            .and_then(|value| value.section(read_second)),
    );
    match (found, second_value) {
        ((Some(_), _), Some(too_many)) => {
            let what = format!("[{first}] is there too");
            too_many.complain(Complaint::new(what, "keep one of the two sections"));
            None
        }
        ((None, None), None) if root.value(first).is_none() => {
            root.complain_missing(first, &format!("add a section [{first}] or [{second}]"));
            None
        }
        ((first, second), _) => first.or(second),
    }
}

fn organization(table: &Table) -> Organization {
    let mend = "write name = \"Example Corp\"";
    let name = table.required("name", mend, units::line);
    let mend = "write address = \"security@example.com\"";
    Organization {
        name: name.unwrap_or_default(),
        address: table
            .required("address", mend, units::address)
            .unwrap_or_default(),
        aliases: table.list("aliases", units::address).unwrap_or_default(),
        authserv_ids: table.list("authserv_ids", word).unwrap_or_default(),
        list_ids: table.list("list_ids", list_id).unwrap_or_default(),
    }
}

fn word(text: &str) -> Result<String, Complaint> {
    let text = units::line(text)?;
    if text.contains(char::is_whitespace) {
        let what = format!("{} holds a space", quote(&text));
        return Err(Complaint::new(what, "write one word for each entry"));
    }
    Ok(text)
}

/// As in the mail's header or without its angle brackets (RFC 2919).
fn list_id(text: &str) -> Result<String, Complaint> {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
    word(bare)
}

fn imap(table: &Table) -> Imap {
    let server = server(
        table,
        Ports {
            implicit: 993,
            starttls: 143,
            clear: 143,
        },
    );
    let mend = "write username = \"security@example.com\"";
    let username = table.required("username", mend, units::line);
    let password = required_secret(table, "password", "/etc/triaged/imap.password");
    let inbox = table.optional("folder", units::line);
    Imap {
        server,
        username: username.unwrap_or_default(),
        password,
        folders: folders(
            table,
            inbox.unwrap_or_else(|| "INBOX".to_owned()),
            SECONDS(60),
        ),
    }
}

fn maildir(table: &Table) -> Maildir {
    let mend = "write path = \"/var/mail/security\"";
    let path = table
        .required_value("path", mend)
        .and_then(|value| value.path_to_make());
    Maildir {
        path: path.unwrap_or_default(),
        folders: folders(table, "INBOX".to_owned(), SECONDS(2)),
    }
}

fn folders(table: &Table, inbox: String, poll_interval: Duration) -> Folders {
    let other = |key, default: &str| match table.value(key) {
        None => Some(default.to_owned()),
        Some(value) => other_folder(&value, &inbox),
    };
    let junk = other("junk_folder", "Junk");
    let processed = other("processed_folder", "Triaged");
    if junk.is_some()
        && junk == processed
        && let Some(value) = table
            .value("processed_folder")
            .or(table.value("junk_folder"))
    {
        let mend = "give them two names, or \"\" for none";
        value.complain(Complaint::new(
            "junk_folder and processed_folder are the same",
            mend,
        ));
    }
    let interval = table.optional("poll_interval", units::interval);
    Folders {
        junk,
        processed,
        poll_interval: interval.unwrap_or(poll_interval),
        answer_newer_than: table
            .optional("answer_newer_than", units::duration)
            .unwrap_or(WEEK),
        inbox,
    }
}

/// A folder beside the inbox; `""` is none.
fn other_folder(value: &Value, inbox: &str) -> Option<String> {
    let parse = |text: &str| match text {
        "" => Ok(None),
        _ if text.eq_ignore_ascii_case(inbox) => {
            let mend = "name another folder, or \"\" for none";
            Err(Complaint::new("is the folder that mail arrives in", mend))
        }
        _ => units::line(text).map(Some),
    };
    value.parse(parse).flatten()
}

/// Where a server listens, by the way TLS begins.
struct Ports {
    implicit: u16,
    starttls: u16,
    clear: u16,
}

fn server(table: &Table, ports: Ports) -> Server {
    let mend = "write host = \"mail.example.com\"";
    let host = table
        .required("host", mend, units::host)
        .unwrap_or_default();
    let tls = table.value("tls").and_then(|value| tls_mode(&value, &host));
    let tls = tls.unwrap_or(TlsMode::Implicit);
    let default_port = match tls {
        TlsMode::Implicit => ports.implicit,
        TlsMode::StartTls => ports.starttls,
        TlsMode::Off => ports.clear,
    };
    let ca_file = table
        .value("ca_file")
        .and_then(|value| value.existing_path());
    Server {
        port: table
            .value("port")
            .and_then(|value| port(&value))
            .unwrap_or(default_port),
        pin_sha256: table
            .value("pin_sha256")
            .and_then(|pin| pinned(&pin, tls, ca_file.is_some())),
        host,
        tls,
        ca_file,
    }
}

fn tls_mode(value: &Value, host: &str) -> Option<TlsMode> {
    let words = [
        ("implicit", TlsMode::Implicit),
        ("starttls", TlsMode::StartTls),
        ("off", TlsMode::Off),
    ];
    let mode = value.parse(units::one_of(&words))?;
    if mode == TlsMode::Off && !host.is_empty() && !is_loopback(host) {
        let what = format!(
            "without TLS the password would cross the network to {}",
            quote(host)
        );
        let mend = "write \"implicit\" or \"starttls\"; \"off\" is for a loopback address alone";
        value.complain(Complaint::new(what, mend));
    }
    Some(mode)
}

fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn port(value: &Value) -> Option<u16> {
    let port = value.number(u16::MAX)?;
    if port == 0 {
        let mend = "write the one that the server listens on";
        value.complain(Complaint::new("0 is no port", mend));
    }
    Some(port)
}

fn pinned(value: &Value, tls: TlsMode, has_ca_file: bool) -> Option<[u8; 32]> {
    if tls == TlsMode::Off {
        let mend = "take it out, or turn tls on";
        value.complain(Complaint::new("there is no certificate without TLS", mend));
    }
    if has_ca_file {
        let mend =
            "keep the pin for a self-signed certificate, ca_file for an authority of your own";
        value.complain(Complaint::new(
            "ca_file and pin_sha256 are both there",
            mend,
        ));
    }
    value.parse(units::sha256)
}

fn smtp(table: &Table) -> Smtp {
    let server = server(
        table,
        Ports {
            implicit: 465,
            starttls: 587,
            clear: 25,
        },
    );
    let username = table.optional("username", units::line);
    let password = optional_secret(table, "password");
    let login = match (username, password) {
        (Some(username), Some(password)) => Some((username, password)),
        (Some(_), None) => {
            missing_secret(table, "password", "/etc/triaged/smtp.password");
            None
        }
        (None, Some(_)) if table.value("username").is_none() => {
            let mend = "write username = \"security@example.com\", or take the password out";
            table.complain_missing("username", mend);
            None
        }
        (None, _) => None,
    };
    Smtp {
        server,
        login,
        return_path: table.optional("return_path", units::address),
    }
}

fn sendmail(table: &Table) -> Sendmail {
    let command = table.value("command");
    let command = command.and_then(|value| {
        let words: Vec<String> = if value.is_list() {
            value
                .list()
                .iter()
                .filter_map(|word| word.parse(units::line))
                .collect()
        } else {
            value.parse(plain_words)?
        };
        if words.is_empty() {
            let mend = "write command = \"/usr/sbin/sendmail\"";
            value.complain(Complaint::new("names no program", mend));
        }
        Some(words)
    });
    Sendmail {
        command: command.unwrap_or_else(|| vec!["/usr/sbin/sendmail".to_owned()]),
    }
}

/// A command line without quoting; with it, which shell's rules would count?
fn plain_words(text: &str) -> Result<Vec<String>, Complaint> {
    if text.contains(['"', '\'', '\\', '$', '|', ';']) {
        let what = "no shell reads this command";
        let mend = "write it as a list: [\"/usr/sbin/sendmail\", \"-oi\"]";
        return Err(Complaint::new(what, mend));
    }
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

fn storage(table: &Table) -> Storage {
    let mend = "write path = \"/var/lib/triaged/triaged.db\"";
    let path = table.required_value("path", mend).and_then(|value| {
        let path = value.path()?;
        if let Some(folder) = path.parent() {
            value.warn_of_what_is_made(folder);
        }
        Some(path)
    });
    Storage {
        path: path.unwrap_or_default(),
        key: required_secret(table, "key", "/etc/triaged/storage.key"),
    }
}

fn openpgp(table: &Table) -> OpenPgpKeys {
    let files = table.value("keys").map(|value| value.list());
    let files = files.unwrap_or_default();
    let credentials = table
        .list("keys_credentials", credential_name)
        .unwrap_or_default();
    let keys: Vec<SecretSource> = files
        .iter()
        .filter_map(secret_file)
        .chain(credentials.into_iter().map(SecretSource::Credential))
        .collect();
    let are_given = |key| {
        let value = table.value(key);
        value.is_some_and(|value| !value.is_empty_list())
    };
    if !are_given("keys") && !are_given("keys_credentials") {
        let mend = "write keys = [\"/etc/triaged/security.key.asc\"], or keys_credentials";
        table.complain_missing("keys", mend);
    }
    OpenPgpKeys {
        keys,
        retired: table
            .list("retired", units::fingerprint)
            .unwrap_or_default(),
        passphrase: optional_secret(table, "passphrase"),
        sign: table
            .value("sign")
            .and_then(|value| value.flag())
            .unwrap_or(true),
        certificates: table
            .value("certificates")
            .map(|value| value.list())
            .unwrap_or_default()
            .iter()
            .filter_map(Value::existing_path)
            .collect(),
        web_key_directory: table
            .value("web_key_directory")
            .and_then(|value| value.flag())
            .unwrap_or(false),
        agent_home: table
            .value("agent_home")
            .and_then(|value| value.existing_path()),
    }
}

fn policy_file(table: &Table) -> Option<PathBuf> {
    let mend = "write file = \"/etc/triaged/policy.toml\"";
    table.required_value("file", mend)?.path()
}

fn limits(root: &Table, source: Option<&Source>) -> Limits {
    let poll_interval = source.map_or(Duration::ZERO, |source| source.folders().poll_interval);
    let defaults = Limits {
        max_message: 50_000_000,
        silence: SECONDS(15 * 60).max(poll_interval * 2),
        replies_per_address: 6,
        replies_per_domain: 100,
        replies_total: 1_000,
    };
    let read = |table: &Table| {
        let count = |key, default| table.number(key, 1_000_000_u32).unwrap_or(default);
        let silence = table
            .value("silence")
            .and_then(|value| silence(&value, poll_interval));
        Limits {
            max_message: table
                .optional("max_message", message_size)
                .unwrap_or(defaults.max_message),
            silence: silence.unwrap_or(defaults.silence),
            replies_per_address: count("replies_per_address", defaults.replies_per_address),
            replies_per_domain: count("replies_per_domain", defaults.replies_per_domain),
            replies_total: count("replies_total", defaults.replies_total),
        }
    };
    root.section("limits", read).unwrap_or(defaults)
}

fn message_size(text: &str) -> Result<u64, Complaint> {
    let size = units::size(text)?;
    if !(1_000..=LARGEST_MESSAGE).contains(&size) {
        let what = format!("{} is out of bounds", quote(text));
        return Err(Complaint::new(
            what,
            "write one from \"1 kB\" to \"500 MB\"",
        ));
    }
    Ok(size)
}

fn silence(value: &Value, poll_interval: Duration) -> Option<Duration> {
    let silence = value.parse(units::duration)?;
    if silence <= poll_interval {
        let what = "is not longer than poll_interval, so every pause would be an alarm";
        value.complain(Complaint::new(
            what,
            "write several times poll_interval, like \"15m\"",
        ));
    }
    Some(silence)
}

/// Where not all of the team could be read, no recipient is called a stranger.
fn digest(table: &Table, team: &[Member], team_is_known: bool) -> DigestSchedule {
    let on = table.value("on").map(|value| weekdays(&value));
    let to = table.value("to").filter(|_| team_is_known);
    let to = to.map(|value| recipients(&value, team));
    let everybody = || team.iter().map(|member| member.email.clone()).collect();
    DigestSchedule {
        at_minute: table.optional("at", units::time_of_day).unwrap_or(8 * 60),
        on,
        to: to.unwrap_or_else(everybody),
    }
}

/// A list of weekdays, of which there must be one.
pub(super) fn weekdays(value: &Value) -> [bool; 7] {
    let entries = value.list();
    if value.is_empty_list() {
        let mend = "write at least one, like [\"mon\"]";
        value.complain(Complaint::new("names no day", mend));
    }
    let days: Vec<_> = entries
        .iter()
        .filter_map(|day| day.parse(units::weekday))
        .collect();
    units::week(&days)
}

fn recipients(value: &Value, team: &[Member]) -> Vec<String> {
    let member = |text: &str| {
        let email = units::address(text)?;
        let found = team
            .iter()
            .find(|member| address_key(&member.email) == address_key(&email));
        found.map(|member| member.email.clone()).ok_or_else(|| {
            let near = nearest(&email, team.iter().map(|member| member.email.as_str()));
            let mend = match near {
                Some(near) => format!(
                    "add a [[team]] section for it; the nearest is {}",
                    quote(near)
                ),
                None => "add a [[team]] section for it".to_owned(),
            };
            Complaint::new(format!("{} is no member of the team", quote(&email)), mend)
        })
    };
    value
        .list()
        .iter()
        .filter_map(|entry| entry.parse(member))
        .collect()
}

fn team(root: &Table, organization: Option<&Organization>) -> Vec<Member> {
    let sections = root
        .value("team")
        .map(|value| value.list())
        .unwrap_or_default();
    let mut team: Vec<Member> = Vec::new();
    for section in sections {
        let member = section.section(|table| member(table, &team, organization));
        team.extend(member);
    }
    team
}

fn member(table: &Table, others: &[Member], organization: Option<&Organization>) -> Member {
    let name = table.required("name", "write name = \"Alice\"", |text| {
        let name = units::line(text)?;
        let is_taken = others
            .iter()
            .any(|other| other.name.to_lowercase() == name.to_lowercase());
        refuse_if(
            is_taken,
            &name,
            "is the name of two members",
            "give each a name of its own",
        )?;
        Ok(name)
    });
    let email = table.required("email", "write email = \"alice@example.com\"", |text| {
        let email = units::address(text)?;
        let key = address_key(&email);
        let is_taken = others.iter().any(|other| address_key(&other.email) == key);
        refuse_if(
            is_taken,
            &email,
            "is the address of two members",
            "keep one of them",
        )?;
        let is_ours = organization.is_some_and(|ours| ours.owns(&email));
        let mend = "write the member's own address, or mail would go in circles";
        refuse_if(is_ours, &email, "is what reporters write to", mend)?;
        Ok(email)
    });
    let mend = "write certificate = \"/etc/triaged/alice.asc\", the member's OpenPGP certificate";
    let certificate = table.required_value("certificate", mend);
    let roles = [("member", Role::Member), ("observer", Role::Observer)];
    let notices = [
        ("all", Notify::All),
        ("assigned", Notify::Assigned),
        ("none", Notify::None),
    ];
    Member {
        name: name.unwrap_or_default(),
        email: email.unwrap_or_default(),
        certificate: certificate
            .and_then(|value| value.existing_path())
            .unwrap_or_default(),
        role: table
            .optional("role", units::one_of(&roles))
            .unwrap_or(Role::Member),
        notify: table
            .optional("notify", units::one_of(&notices))
            .unwrap_or(Notify::All),
    }
}

fn refuse_if(wrong: bool, text: &str, what: &str, mend: &str) -> Result<(), Complaint> {
    if wrong {
        return Err(Complaint::new(format!("{} {what}", quote(text)), mend));
    }
    Ok(())
}

/// `NAME_file`, `NAME_command` or `NAME_credential`. A second one is a
/// mistake, and so is the secret itself.
fn optional_secret(table: &Table, name: &'static str) -> Option<SecretSource> {
    table.refuse(name, || {
        let what = "a secret has no place in this file";
        Complaint::new(
            what,
            format!("move it to a file of its own and write {name}_file = \"PATH\""),
        )
    });
    let file = table.value(format!("{name}_file"));
    let command = table.value(format!("{name}_command"));
    let credential = table.value(format!("{name}_credential"));
    if let Some(second) = [&file, &command, &credential].into_iter().flatten().nth(1) {
        let what = format!("{name} comes from two places");
        second.complain(Complaint::new(what, "keep one of them"));
    }
    let file = file.and_then(|value| secret_file(&value));
    let command = command
        .and_then(|value| value.parse(units::line))
        .map(SecretSource::Command);
    let credential = credential
        .and_then(|value| value.parse(credential_name))
        .map(SecretSource::Credential);
    file.or(command).or(credential)
}

fn required_secret(table: &Table, name: &'static str, example: &str) -> SecretSource {
    optional_secret(table, name).unwrap_or_else(|| {
        missing_secret(table, name, example);
        SecretSource::File(PathBuf::new())
    })
}

fn missing_secret(table: &Table, name: &'static str, example: &str) {
    let is_given = |suffix| table.value(format!("{name}_{suffix}")).is_some();
    if !["file", "command", "credential"].into_iter().any(is_given) {
        let mend =
            format!("write {name}_file = \"{example}\", or {name}_command, or {name}_credential");
        table.complain_missing(&format!("{name}_file"), &mend);
    }
}

fn secret_file(value: &Value) -> Option<SecretSource> {
    let path = value.existing_path()?;
    if let Some(exposure) = exposure(&path) {
        let complaint = Complaint::new(exposure.what, exposure.mend);
        value.warn(Gravity::Warning, complaint);
    }
    Some(SecretSource::File(path))
}

/// What systemd takes for one: a name, not a path.
fn credential_name(text: &str) -> Result<String, Complaint> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | ':');
    if text.is_empty() || text.starts_with('.') || !text.chars().all(fits) {
        let what = format!("{} is not the name of a credential", quote(text));
        let mend = "write the NAME of LoadCredential=NAME:PATH in the unit";
        return Err(Complaint::new(what, mend));
    }
    Ok(text.to_owned())
}
