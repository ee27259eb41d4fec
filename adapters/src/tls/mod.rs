//! How are connections encrypted, with which certificate? (spec: http.md#certificates)

mod certificate;
mod certificate_error;
mod description;
mod doubts;
mod files;
mod probe;
mod reload;
mod report;
mod self_signed;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, RwLock};

use futures_util::TryFutureExt;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

pub use certificate_error::CertificateError;
pub use probe::trust_anyone;
pub use reload::{CERTIFICATE_CHECK_SECONDS, CertificateReread, CertificateWatch, Checked};
pub use report::CertificateReport;

/// How many bytes of plain text and, separately, of cipher text a connection holds at most while its client does not
/// read; at the limit the connection is not written to. Four TLS records.
const BUFFER_BYTES_MAX: usize = 4 * 16 * 1024;

/// Which connections the port serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// With and without TLS, distinguished by the first byte.
    #[default]
    Both,
    /// Only with TLS; a plain request is refused with `426`.
    Only,
    /// Only without TLS.
    Off,
}

impl FromStr for TlsMode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "both" => Ok(Self::Both),
            "only" => Ok(Self::Only),
            "off" => Ok(Self::Off),
            _ => Err("one of both, only, off"),
        }
    }
}

impl fmt::Display for TlsMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Both => "both",
            Self::Only => "only",
            Self::Off => "off",
        })
    }
}

/// The server's side of TLS: its settings, and its certificate, which may be replaced while connections are open.
#[derive(Clone)]
pub struct TlsServer {
    acceptor: TlsAcceptor,
    certificate: Arc<CurrentCertificate>,
}

impl TlsServer {
    /// Reads the certificate from `directory`; `None`: creates a self-signed one in memory and logs its details.
    ///
    /// The second value says what was read, and later looks for changed files; there is none for a certificate in
    /// memory.
    ///
    /// # Errors
    /// A file is missing or cannot be used; the text names it, and says what is wrong and what to do.
    pub fn new(directory: Option<PathBuf>) -> Result<(Self, Option<CertificateWatch>), CertificateError> {
        let Some(directory) = directory else {
            let certificate = self_signed::generate()?;
            reload::log_certificate(&certificate, "serving a self-signed certificate made at this start");
            return Ok((Self::with_certificate(certificate)?, None));
        };
        let files = files::Files::read(&directory)?;
        let server = Self::with_certificate(files.certificate()?)?;
        let watch = CertificateWatch::new(directory, files, Arc::clone(&server.certificate));
        Ok((server, Some(watch)))
    }

    fn with_certificate(certificate: CertifiedKey) -> Result<Self, CertificateError> {
        let certificate = Arc::new(CurrentCertificate(RwLock::new(Arc::new(certificate))));
        let config = server_config(Arc::clone(&certificate)).map_err(CertificateError::Unusable)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Returns when the certificate that is served ends, or the first of its chain, in Unix seconds; `None` if it does
    /// not say.
    #[must_use]
    pub fn certificate_ends_at(&self) -> Option<u64> {
        let ends = self.certificate.get().cert.iter().filter_map(|der| description::ends_at(der)).min();
        ends.and_then(|end| u64::try_from(end).ok())
    }

    /// Performs the handshake on a connection whose first bytes have not been consumed. The caller bounds its time.
    ///
    /// The result is boxed, because the state of TLS is large, and the owner of a connection passes it on.
    pub(crate) fn accept<Io>(
        &self,
        io: Io,
    ) -> impl Future<Output = io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + use<Io>>> + Send + use<Io>
    where
        Io: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let accepted = self.acceptor.accept_with(io, |connection| connection.set_buffer_limit(Some(BUFFER_BYTES_MAX)));
        accepted.map_ok(Box::new)
    }
}

/// Returns the cryptography provider: one choice for the server and for the service's check of its own health.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn server_config(certificate: Arc<CurrentCertificate>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    // The last is for clients that offer nothing newer: they would be refused, though they are answered without TLS.
    config.alpn_protocols = [&b"h2"[..], b"http/1.1", b"http/1.0"].map(<[u8]>::to_vec).to_vec();
    // After a restart of a proxy or an access point thousands of clients reconnect in the same half second. A ticket
    // spares each the expensive half of the handshake, and unlike remembered sessions it needs no memory here.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// The certificate for the next handshake. The lock is only held while a pointer is copied.
#[derive(Debug)]
struct CurrentCertificate(RwLock<Arc<CertifiedKey>>);

impl CurrentCertificate {
    fn get(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn replace(&self, certificate: CertifiedKey) {
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(certificate);
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
}
