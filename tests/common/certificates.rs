//! A certificate authority for one test, made with the `openssl` command.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::process::run_to_end;
use super::{require, temporary_directory, write_file};

const OPENSSL_CONFIG: &str = "
[req]
distinguished_name = name
prompt = no
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1,DNS:localhost,DNS:research.test,DNS:openpgpkey.research.test
";

/// PEM files that outlive every moved clock: an authority, a server certificate that it issued for 127.0.0.1
/// localhost and the Web Key Directory of research.test, and a self-signed one for the same names.
pub struct Certificates {
    home: TempDir,
}

impl Certificates {
    #[track_caller]
    pub fn make() -> Self {
        let certificates = Self {
            home: temporary_directory(),
        };
        write_file(&certificates.file("openssl.cnf"), OPENSSL_CONFIG);
        let (ca, ca_key) = (certificates.ca(), certificates.file("ca.key"));
        certificates.request("ca", "authority", &[]);
        let issuer = ["-CA".as_ref(), ca.as_path(), "-CAkey".as_ref(), &ca_key];
        certificates.request("server", "server", &issuer);
        certificates.request("self-signed", "server", &[]);
        certificates
    }

    fn request(&self, name: &str, extensions: &str, issuer: &[&Path]) {
        let algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
        run_to_end(
            Command::new(require("openssl"))
                .args(["req", "-x509", "-nodes", "-days", "3650"])
                .args(algorithm)
                .args(["-subj", &format!("/CN=triaged test {name}")])
                .args(["-extensions", extensions, "-config"])
                .arg(self.file("openssl.cnf"))
                .arg("-keyout")
                .arg(self.file(&format!("{name}.key")))
                .arg("-out")
                .arg(self.file(&format!("{name}.pem")))
                .args(issuer),
        );
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The authority's certificate, for `ca_file`.
    pub fn ca(&self) -> PathBuf {
        self.file("ca.pem")
    }

    pub fn server_certificate(&self) -> PathBuf {
        self.file("server.pem")
    }

    pub fn server_key(&self) -> PathBuf {
        self.file("server.key")
    }

    pub fn self_signed_certificate(&self) -> PathBuf {
        self.file("self-signed.pem")
    }

    pub fn self_signed_key(&self) -> PathBuf {
        self.file("self-signed.key")
    }
}

/// SHA-256 of the certificate in DER, in lower-case hex, for `pin_sha256`.
#[track_caller]
pub fn fingerprint(certificate: &Path) -> String {
    let der = run_to_end(
        Command::new(require("openssl"))
            .args(["x509", "-outform", "DER", "-in"])
            .arg(certificate),
    );
    hex(&Sha256::digest(der))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
