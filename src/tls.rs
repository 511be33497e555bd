//! TCP and TLS to the servers that we talk to, IMAP and SMTP alike.
//!
//! Whom we trust comes from the configuration: the machine's own roots, those
//! and the roots of `ca_file`, or one certificate alone (`pin_sha256`). With a
//! pin neither name, issuer nor dates count; that the server holds the key of
//! the pinned certificate is verified all the same.
//!
//! A refused certificate is described together with its fingerprint and the
//! setting that would accept it, because the usual certificate of a small site
//! (`openssl req -x509`) is one that rustls refuses even as a root.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls_platform_verifier::Verifier as PlatformVerifier;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};
use tokio_rustls::{TlsConnector, rustls};

use crate::config::Server;

/// A silent connection is probed after so long, so that a peer that is gone is noticed.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Connects to the first address that answers. `timeout` covers the name
/// look-up and all addresses together.
///
/// The stream sends small packets at once (TCP_NODELAY) and probes a silent
/// peer (SO_KEEPALIVE).
pub async fn connect_tcp(server: &Server, timeout: Duration) -> Result<TcpStream, String> {
    let connect = TcpStream::connect((server.host.as_str(), server.port));
    let tcp = tokio::time::timeout(timeout, connect)
        .await
        .map_err(|_| format!("no connection within {}", seconds(timeout)))?
        .map_err(|error| format!("cannot connect: {error}"))?;
    tune(&tcp).map_err(|error| format!("cannot set up the connection: {error}"))?;
    Ok(tcp)
}

fn tune(tcp: &TcpStream) -> std::io::Result<()> {
    tcp.set_nodelay(true)?;
    rustix::net::sockopt::set_socket_keepalive(tcp, true)?;
    rustix::net::sockopt::set_tcp_keepidle(tcp, KEEPALIVE_AFTER)?;
    rustix::net::sockopt::set_tcp_keepintvl(tcp, KEEPALIVE_INTERVAL)?;
    Ok(())
}

/// Makes the TLS handshake on a connected stream, for implicit TLS and STARTTLS alike.
///
/// The error says what was wrong with the certificate and what to configure
/// if it is the right one.
pub async fn handshake(
    tcp: TcpStream,
    server: &Server,
    timeout: Duration,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_| format!("{:?} is neither a host name nor an address", server.host))?;
    let verifier = Arc::new(Verifier::new(server)?);
    let connector = connector_with(Arc::clone(&verifier))?;
    tokio::time::timeout(timeout, connector.connect(name, tcp))
        .await
        .map_err(|_| format!("no TLS handshake within {}", seconds(timeout)))?
        .map_err(|error| explain(&error, server, verifier.seen.get()))
}

/// A connector that trusts what the configuration of `server` says.
pub fn connector(server: &Server) -> Result<TlsConnector, String> {
    connector_with(Arc::new(Verifier::new(server)?))
}

fn connector_with(verifier: Arc<Verifier>) -> Result<TlsConnector, String> {
    let config = ClientConfig::builder_with_provider(Arc::clone(&verifier.provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// SHA-256 of a certificate's DER form.
type Fingerprint = [u8; 32];

/// Checks the server's certificate and remembers which one it was.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
    seen: OnceLock<Fingerprint>,
}

#[derive(Debug)]
enum Trust {
    Roots(PlatformVerifier),
    Pin(Fingerprint),
}

impl Verifier {
    fn new(server: &Server) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let trust = match server.pin_sha256 {
            Some(pin) => Trust::Pin(pin),
            None => Trust::Roots(roots(server.ca_file.as_deref(), &provider)?),
        };
        Ok(Self {
            trust,
            provider,
            seen: OnceLock::new(),
        })
    }
}

fn roots(
    ca_file: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<PlatformVerifier, String> {
    let extra = match ca_file {
        Some(path) => read_certificates(path)?,
        None => Vec::new(),
    };
    PlatformVerifier::new_with_extra_roots(extra, Arc::clone(provider))
        .map_err(|error| format!("the trusted root certificates cannot be used: {error}"))
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = path.display();
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| format!("ca_file {shown}: {error}"))?;
    if certificates.is_empty() {
        return Err(format!("ca_file {shown}: holds no PEM certificate"));
    }
    Ok(certificates)
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let seen: Fingerprint = Sha256::digest(end_entity.as_ref()).into();
        // One handshake shows one certificate: the first counts.
        let _ = self.seen.set(seen);
        match &self.trust {
            Trust::Roots(roots) => {
                roots.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            Trust::Pin(pin) if *pin == seen => Ok(ServerCertVerified::assertion()),
            Trust::Pin(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What went wrong in a handshake, and what to do about it.
fn explain(error: &std::io::Error, server: &Server, seen: Option<&Fingerprint>) -> String {
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<TlsError>());
    match (cause, seen) {
        (Some(TlsError::InvalidCertificate(cause)), Some(seen)) => {
            explain_certificate(cause, server, seen)
        }
        (Some(TlsError::InvalidMessage(_)), _) => {
            "the server does not speak TLS here; check port, and tls = \"starttls\"".to_owned()
        }
        (Some(cause), _) => format!("the TLS handshake failed: {cause}"),
        (None, _) => format!("the TLS handshake broke off: {error}"),
    }
}

fn explain_certificate(cause: &CertificateError, server: &Server, seen: &Fingerprint) -> String {
    let seen = hex(seen);
    let trust_it = format!("if this certificate is the right one, set pin_sha256 = \"{seen}\"");
    match cause {
        CertificateError::ApplicationVerificationFailure => {
            let pinned = server.pin_sha256.as_ref().map(hex).unwrap_or_default();
            format!(
                "the server's certificate has SHA-256 {seen}, not the pinned {pinned}; \
                 if it was renewed on purpose, set pin_sha256 = \"{seen}\""
            )
        }
        CertificateError::BadSignature => {
            "a signature does not fit: the server does not hold the key of the certificate that \
             it shows, or the certificate is by another issuer of the same name as a root here"
                .to_owned()
        }
        CertificateError::UnknownIssuer => format!(
            "the issuer of the server's certificate is not known here; \
             name its root in ca_file, or {trust_it}"
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!(
                "the server's certificate is not for {:?}{}; use the name that it bears, or {trust_it}",
                server.host,
                names_borne(cause)
            )
        }
        // webpki has no public name for this case on its way through rustls.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            format!(
                "the server's certificate is self-signed and marked as a CA, \
                 which is refused for a server even where it is a root; {trust_it}"
            )
        }
        cause => format!("the server's certificate is refused ({cause}); {trust_it}"),
    }
}

/// The names in a certificate, for the person who has to choose between them.
fn names_borne(cause: &CertificateError) -> String {
    let CertificateError::NotValidForNameContext { presented, .. } = cause else {
        return String::new();
    };
    let mut names = String::new();
    for name in presented.iter().take(5) {
        let shown: String = name.chars().take(100).collect();
        let separator = if names.is_empty() { " but for" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(names, "{separator} {shown:?}");
    }
    names
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &Fingerprint) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f32())
}
