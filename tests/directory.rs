//! Certificates from the Web Key Directory of a correspondent's domain: a real HTTPS server on
//! loopback, and the daemon told where that domain's hosts are.

mod common;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::{Algorithm, Behaviour, Certificates, Gpg, Letter, SECURITY_ADDRESS, SOON};
use common::{Setup, Sink, wait_until};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring};
use triaged::mail::pgp::directory_name;

const ADVANCED: &str = "openpgpkey.research.test";
const DIRECT: &str = "research.test";

/// What the server does with a request for a path.
#[derive(Clone)]
enum Answer {
    Certificate(Vec<u8>),
    Redirect(String),
    /// Nothing, for a minute.
    Silence,
}

/// An HTTPS server on loopback: some answers, else 404; and what it was asked.
struct Directory {
    port: u16,
    certificates: Certificates,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Directory {
    fn start() -> Self {
        let certificates = Certificates::make();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let directory = Self {
            port: listener.local_addr().expect("its address").port(),
            answers: Arc::default(),
            asked: Arc::default(),
            certificates,
        };
        let config = directory.tls();
        let (answers, asked) = (Arc::clone(&directory.answers), Arc::clone(&directory.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, answers) = (Arc::clone(&config), Arc::clone(&answers));
                let asked = Arc::clone(&asked);
                std::thread::spawn(move || serve(stream, config, &answers, &asked));
            }
        });
        directory
    }

    fn tls(&self) -> Arc<ServerConfig> {
        let chain =
            CertificateDer::from_pem_file(self.certificates.server_certificate()).expect("a chain");
        let key = PrivateKeyDer::from_pem_file(self.certificates.server_key()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(vec![chain], key)
            })
            .expect("a TLS server");
        Arc::new(config)
    }

    fn put(&self, path: &str, answer: Answer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(path.to_owned(), answer);
    }

    fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells the program where these hosts are; it knows no others.
    fn tell(&self, setup: &Setup, hosts: &[&str]) {
        let mut value = self.certificates.ca().display().to_string();
        for host in hosts {
            value.push_str(&format!(";{host}=127.0.0.1:{}", self.port));
        }
        setup.set_env("TRIAGED_DIRECTORY", &value);
    }
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    answers: &Mutex<HashMap<String, Answer>>,
    asked: &Mutex<Vec<String>>,
) {
    let connection = ServerConnection::new(config).expect("a connection");
    let mut stream = StreamOwned::new(connection, stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read_exact(&mut byte).is_err() {
            return;
        }
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).expect("a path").to_owned();
    let mut fields = request.lines().filter_map(|line| line.split_once(": "));
    let (_, host) = fields
        .find(|(name, _)| name.eq_ignore_ascii_case("host"))
        .expect("a host");
    let url = format!("{host}{path}");
    asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(url.clone());
    let answer = answers
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&url)
        .cloned();
    let said = match answer {
        None => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        Some(Answer::Redirect(to)) => {
            format!("HTTP/1.1 301 Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into()
        }
        Some(Answer::Silence) => {
            std::thread::sleep(Duration::from_secs(60));
            return;
        }
        Some(Answer::Certificate(bytes)) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
            [head.as_bytes(), &bytes].concat()
        }
    };
    let _ = stream.write_all(&said).and_then(|()| stream.flush());
}

fn advanced(local: &str) -> String {
    let name = directory_name(local).expect("SHA-1");
    format!("{ADVANCED}/.well-known/openpgpkey/research.test/hu/{name}?l={local}")
}

fn direct(local: &str) -> String {
    let name = directory_name(local).expect("SHA-1");
    format!("{DIRECT}/.well-known/openpgpkey/hu/{name}?l={local}")
}

struct World {
    setup: Setup,
    sink: Sink,
    directory: Directory,
    gpg: Gpg,
}

impl World {
    fn new() -> Self {
        let setup = Setup::generate();
        let sink = Sink::start(Behaviour::Accept);
        setup.send_through(&sink);
        for folder in ["mail/cur", "mail/new", "mail/tmp"] {
            std::fs::create_dir_all(setup.file(folder)).expect("a Maildir");
        }
        setup.set("maildir.path", "mail");
        setup.set("openpgp.web_key_directory", true);
        let directory = Directory::start();
        directory.tell(&setup, &[ADVANCED, DIRECT]);
        let gpg = Gpg::new();
        gpg.import(&setup.certificate());
        Self {
            setup,
            sink,
            directory,
            gpg,
        }
    }

    fn key(&self, name: &str) -> (String, Vec<u8>) {
        let email = format!("{name}@research.test");
        let fingerprint = self.gpg.generate(name, &email, Algorithm::Curve25519);
        let certificate = self.gpg.run(&["--export", &fingerprint], b"").stdout;
        (fingerprint, certificate)
    }

    fn deliver(&self, name: &str, mail: &[u8]) {
        let path = self.setup.file("mail/tmp").join(name);
        std::fs::write(&path, mail).expect("write a mail");
        std::fs::rename(&path, self.setup.file("mail/new").join(name)).expect("deliver a mail");
    }

    fn letter(&self, name: &str) -> Letter {
        Letter::new(
            &format!("{name}@research.test"),
            SECURITY_ADDRESS,
            "A finding",
        )
    }

    /// Encrypted to us, without any certificate of the sender.
    fn in_cipher(&self, name: &str) -> Vec<u8> {
        let text = "There is an XSS at /a.\n\nSteps: open it.\n";
        self.letter(name)
            .encrypted(&self.gpg, text, &[&self.setup.fingerprint], None)
    }

    fn pass(&self) {
        let done = self.setup.run_once();
        assert_eq!(done.status.code(), Some(0), "{done:?}");
    }

    /// The letter to this person, and what of it is in clear.
    fn answer(&self, name: &str) -> String {
        let recipient = format!("{}@research.test", name.to_lowercase());
        let received = self.sink.received();
        let mut mine = received
            .iter()
            .filter(|letter| letter.recipients.contains(&recipient));
        let letter = mine.next().unwrap_or_else(|| panic!("no answer to {name}"));
        String::from_utf8(letter.bytes.clone()).expect("text")
    }
}

fn is_encrypted(letter: &str) -> bool {
    letter.contains("-----BEGIN PGP MESSAGE-----")
}

#[test]
fn whoever_sent_no_certificate_is_answered_with_that_of_the_directory() {
    let world = World::new();
    let (_, certificate) = world.key("Ann.Researcher");
    world.directory.put(
        &advanced("Ann.Researcher"),
        Answer::Certificate(certificate),
    );
    world.deliver("1", &world.in_cipher("Ann.Researcher"));
    world.pass();
    assert_eq!(world.directory.asked(), [advanced("Ann.Researcher")]);
    let answer = world.answer("Ann.Researcher");
    assert!(is_encrypted(&answer), "{answer}");
    let armored = &answer[answer.find("-----BEGIN").expect("a message")..];
    let opened = world.gpg.decrypt(armored.as_bytes());
    assert_eq!(
        opened.signed_by.as_deref(),
        Some(world.setup.fingerprint.as_str())
    );

    // It is known from now on.
    world.deliver(
        "2",
        &world
            .letter("Ann.Researcher")
            .plain("And another one, at /b\n"),
    );
    world.pass();
    assert_eq!(world.directory.asked().len(), 1);
}

#[test]
fn a_report_in_clear_is_answered_in_cipher_where_the_directory_has_a_certificate() {
    let world = World::new();
    // Without the host of the advanced method, the direct one counts.
    world.directory.tell(&world.setup, &[DIRECT]);
    let (_, certificate) = world.key("bob");
    world
        .directory
        .put(&direct("bob"), Answer::Certificate(certificate));
    world.deliver("1", &world.letter("bob").plain("An XSS at /a\n"));
    world.pass();
    assert_eq!(world.directory.asked(), [direct("bob")]);
    assert!(is_encrypted(&world.answer("bob")));
}

#[test]
fn a_signature_is_checked_with_the_certificate_of_the_directory() {
    let world = World::new();
    let (fingerprint, certificate) = world.key("carol");
    world
        .directory
        .put(&advanced("carol"), Answer::Certificate(certificate));
    let mail = world
        .letter("carol")
        .signed(&world.gpg, "An XSS at /a\n", &fingerprint);
    world.deliver("1", &mail);
    world.pass();
    let cases = world.setup.json(&["case", "list"]);
    let id = cases[0]["id"].as_str().expect("a case");
    let case = world.setup.json(&["case", "show", id]);
    assert_eq!(
        case["messages"][0]["signatures"][0]["status"], "good",
        "{case}"
    );
}

#[test]
fn nothing_is_looked_up_unless_it_is_switched_on() {
    let world = World::new();
    world.setup.set("openpgp.web_key_directory", false);
    let (_, certificate) = world.key("ann");
    world
        .directory
        .put(&advanced("ann"), Answer::Certificate(certificate));
    world.deliver("1", &world.in_cipher("ann"));
    world.pass();
    assert_eq!(world.directory.asked(), [""; 0]);
    assert!(!is_encrypted(&world.answer("ann")));
}

#[test]
fn only_a_certificate_that_bears_the_address_counts() {
    let world = World::new();
    let (_, of_another) = world.key("mallory");
    world
        .directory
        .put(&advanced("ann"), Answer::Certificate(of_another.clone()));
    let elsewhere = format!("https://{}", direct("dan"));
    world
        .directory
        .put(&advanced("dan"), Answer::Redirect(elsewhere));
    world
        .directory
        .put(&direct("dan"), Answer::Certificate(world.key("dan").1));
    let mut large = world.key("eve").1;
    large.extend(vec![0; 70_000]);
    world
        .directory
        .put(&advanced("eve"), Answer::Certificate(large));
    for (number, name) in ["ann", "dan", "eve"].iter().enumerate() {
        world.deliver(&number.to_string(), &world.in_cipher(name));
    }
    world.pass();
    let mut asked = world.directory.asked();
    asked.sort();
    let mut expected = ["ann", "dan", "eve"].map(advanced);
    expected.sort();
    assert_eq!(asked, expected, "no redirect was followed");
    for name in ["ann", "dan", "eve"] {
        assert!(!is_encrypted(&world.answer(name)), "{name}");
    }
}

#[test]
fn a_silent_directory_holds_up_nothing_for_long_and_is_not_asked_twice() {
    let world = World::new();
    world.setup.set("maildir.poll_interval", "1s");
    world.directory.put(&advanced("ann"), Answer::Silence);
    let (_, certificate) = world.key("bob");
    world
        .directory
        .put(&advanced("bob"), Answer::Certificate(certificate));
    let daemon = world.setup.run();
    daemon.wait_for_log("event=\"started\"");
    let began = Instant::now();
    world.deliver("1", &world.in_cipher("ann"));
    world.deliver("2", &world.in_cipher("bob"));
    wait_until("both answers", SOON, || world.sink.count() == 2);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(25), "{took:?}");
    assert!(is_encrypted(&world.answer("bob")));
    assert!(!is_encrypted(&world.answer("ann")));
    world.deliver(
        "3",
        &world.letter("ann").plain("Are you there? It is at /a\n"),
    );
    wait_until("the third answer", SOON, || world.sink.count() == 3);
    let asked = world.directory.asked();
    assert_eq!(
        asked.iter().filter(|url| **url == advanced("ann")).count(),
        1,
        "{asked:?}"
    );
}

#[test]
fn robots_and_forgers_make_us_ask_nobody() {
    let world = World::new();
    world
        .setup
        .set("organization.authserv_ids", vec!["mx.example.test"]);
    let away = world.letter("ann").header("Auto-Submitted", "auto-replied");
    world.deliver("1", &away.plain("I am away.\n"));
    let list = world
        .letter("bob")
        .header("List-Id", "<talk.research.test>");
    world.deliver(
        "2",
        &list
            .header("Precedence", "list")
            .plain("A digest of the list\n"),
    );
    let failed = "mx.example.test; dmarc=fail header.from=research.test";
    let forged = world.letter("dan").header("Authentication-Results", failed);
    world.deliver("3", &forged.plain("An XSS at /a\n"));
    let us = Letter::new(SECURITY_ADDRESS, SECURITY_ADDRESS, "A test");
    world.deliver("4", &us.plain("Does it arrive?\n"));
    world.pass();
    assert_eq!(world.directory.asked(), [""; 0]);
}
