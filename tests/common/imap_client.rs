//! A minimal IMAP client (RFC 3501, with UIDPLUS and MOVE) on a plain loopback
//! connection: what a test puts into a mailbox and sees there does not pass
//! through the program under test. Any refusal is a panic.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub struct ImapClient {
    reader: BufReader<TcpStream>,
    commands: u32,
}

/// One untagged response; each literal stands in `text` as its `{N}` alone.
pub struct Response {
    pub text: String,
    pub literals: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    pub exists: u32,
    pub uid_validity: u32,
    pub uid_next: u32,
}

impl ImapClient {
    #[track_caller]
    pub fn login(port: u16, user: &str, password: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("connect to the IMAP server");
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .expect("set a timeout");
        let mut client = Self {
            reader: BufReader::new(stream),
            commands: 0,
        };
        client.response();
        client.command(&format!("LOGIN {} {}", quoted(user), quoted(password)));
        client
    }

    /// Sends one command and returns its untagged responses.
    #[track_caller]
    pub fn command(&mut self, command: &str) -> Vec<Response> {
        let tag = self.begin(command);
        self.finish(&tag, command)
    }

    fn begin(&mut self, command: &str) -> String {
        self.commands += 1;
        let tag = format!("t{}", self.commands);
        self.send(format!("{tag} {command}\r\n").as_bytes());
        tag
    }

    #[track_caller]
    fn finish(&mut self, tag: &str, command: &str) -> Vec<Response> {
        let mut untagged = Vec::new();
        loop {
            let response = self.response();
            match response.text.strip_prefix(tag) {
                Some(status) if status.starts_with(" OK") => return untagged,
                Some(status) => panic!("IMAP {command}:{status}"),
                None => untagged.push(response),
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).expect("write IMAP");
    }

    fn response(&mut self) -> Response {
        let mut response = Response {
            text: String::new(),
            literals: Vec::new(),
        };
        loop {
            let mut line = Vec::new();
            self.reader
                .read_until(b'\n', &mut line)
                .expect("read an IMAP response");
            assert!(!line.is_empty(), "the IMAP server closed the connection");
            response
                .text
                .push_str(String::from_utf8_lossy(&line).trim_end());
            let Some(size) = literal_size(&response.text) else {
                return response;
            };
            let mut literal = vec![0; size];
            self.reader
                .read_exact(&mut literal)
                .expect("read an IMAP literal");
            response.literals.push(literal);
        }
    }

    #[track_caller]
    pub fn select(&mut self, folder: &str) -> Selected {
        let responses = self.command(&format!("SELECT {}", quoted(folder)));
        let number = |before: &str, after: &str| {
            responses
                .iter()
                .find_map(|r| {
                    r.text
                        .strip_prefix(before)?
                        .split_once(after)?
                        .0
                        .parse()
                        .ok()
                })
                .unwrap_or_else(|| panic!("SELECT {folder}: no {before}"))
        };
        Selected {
            exists: number("* ", " EXISTS"),
            uid_validity: number("* OK [UIDVALIDITY ", "]"),
            uid_next: number("* OK [UIDNEXT ", "]"),
        }
    }

    /// The names of all folders.
    #[track_caller]
    pub fn folders(&mut self) -> Vec<String> {
        self.command("LIST \"\" *")
            .iter()
            .filter_map(|r| Some(r.text.rsplit_once("\" ")?.1.trim_matches('"').to_owned()))
            .collect()
    }

    #[track_caller]
    pub fn create(&mut self, folder: &str) {
        self.command(&format!("CREATE {}", quoted(folder)));
    }

    /// UIDs, ascending. `query` in IMAP's words: `ALL`, `KEYWORD $Triaged`.
    #[track_caller]
    pub fn search(&mut self, query: &str) -> Vec<u32> {
        let responses = self.command(&format!("UID SEARCH {query}"));
        let mut uids: Vec<u32> = responses
            .iter()
            .filter_map(|r| r.text.strip_prefix("* SEARCH"))
            .flat_map(str::split_whitespace)
            .map(|uid| uid.parse().expect("a UID"))
            .collect();
        uids.sort_unstable();
        uids
    }

    /// The mail's bytes; its flags stay as they are.
    #[track_caller]
    pub fn fetch(&mut self, uid: u32) -> Vec<u8> {
        self.command(&format!("UID FETCH {uid} (BODY.PEEK[])"))
            .into_iter()
            .find_map(|r| r.literals.into_iter().next())
            .unwrap_or_else(|| panic!("no mail with UID {uid}"))
    }

    #[track_caller]
    pub fn fetch_all(&mut self) -> Vec<Vec<u8>> {
        self.search("ALL")
            .into_iter()
            .map(|uid| self.fetch(uid))
            .collect()
    }

    #[track_caller]
    pub fn flags(&mut self, uid: u32) -> Vec<String> {
        let text = self.fetch_item(uid, "FLAGS");
        let (_, rest) = text.split_once("FLAGS (").expect("flags");
        let (flags, _) = rest.split_once(')').expect("the end of the flags");
        flags.split_whitespace().map(str::to_owned).collect()
    }

    #[track_caller]
    pub fn internal_date(&mut self, uid: u32) -> DateTime<Utc> {
        let text = self.fetch_item(uid, "INTERNALDATE");
        let date = text.split('"').nth(1).expect("a quoted date");
        DateTime::parse_from_str(date.trim(), "%d-%b-%Y %H:%M:%S %z")
            .expect("an IMAP date")
            .to_utc()
    }

    #[track_caller]
    fn fetch_item(&mut self, uid: u32, item: &str) -> String {
        self.command(&format!("UID FETCH {uid} ({item})"))
            .into_iter()
            .map(|r| r.text)
            .find(|text| text.contains(" FETCH ") && text.contains(item))
            .unwrap_or_else(|| panic!("no mail with UID {uid}"))
    }

    /// `change` in IMAP's words: `+FLAGS (\Seen)`.
    #[track_caller]
    pub fn store(&mut self, uid: u32, change: &str) {
        self.command(&format!("UID STORE {uid} {change}"));
    }

    #[track_caller]
    pub fn delete(&mut self, uid: u32) {
        self.store(uid, "+FLAGS (\\Deleted)");
        self.command(&format!("UID EXPUNGE {uid}"));
    }

    #[track_caller]
    pub fn move_to(&mut self, uid: u32, folder: &str) {
        self.command(&format!("UID MOVE {uid} {}", quoted(folder)));
    }

    /// Bare LFs become CRLF, as IMAP wants them.
    #[track_caller]
    pub fn append(&mut self, folder: &str, mail: &[u8], internal_date: Option<DateTime<Utc>>) {
        let mail = super::letter::with_crlf(mail);
        let date = internal_date
            .map(|at| at.format(" \"%d-%b-%Y %H:%M:%S +0000\"").to_string())
            .unwrap_or_default();
        let tag = self.begin(&format!(
            "APPEND {}{date} {{{}}}",
            quoted(folder),
            mail.len()
        ));
        let go_ahead = self.response();
        assert!(go_ahead.text.starts_with('+'), "{}", go_ahead.text);
        self.send(&mail);
        self.send(b"\r\n");
        self.finish(&tag, "APPEND");
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn literal_size(text: &str) -> Option<usize> {
    text.strip_suffix('}')?.rsplit_once('{')?.1.parse().ok()
}
