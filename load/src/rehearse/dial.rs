//! How does a client connect? As a browser does: over TLS it speaks what the address negotiates.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Address;
use crate::client::AnyCertificate;
use crate::error::LoadError;

/// How long a connection may take to open: name, TCP, TLS, and the greeting of HTTP/2.
pub(super) const CONNECT_SECONDS_MAX: u64 = 15;

/// The flow-control windows that a browser gives a stream and a connection, in bytes.
const STREAM_WINDOW_BYTES: u32 = 6 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 15 * 1024 * 1024;

/// The name of HTTP/2 in ALPN.
const H2: &[u8] = b"h2";

/// Which certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those that public authorities issued.
    Public,
    /// Those that an authority in this file (PEM) issued.
    File(PathBuf),
    /// All.
    Anything,
}

/// Which versions of HTTP are offered over TLS. Without TLS it is always HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// HTTP/2 and HTTP/1.1; the other side chooses.
    Both,
    /// HTTP/1.1 only.
    Http1,
}

/// Why a request did not succeed. The text names the address.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{address}: {text}")]
pub(super) struct Trouble {
    address: String,
    text: String,
    /// Whether the other side has certainly not seen the request, because the connection was being closed.
    pub(super) is_unseen: bool,
}

impl Trouble {
    pub(super) fn new(address: impl ToString, text: impl ToString) -> Self {
        Self { address: address.to_string(), text: text.to_string(), is_unseen: false }
    }

    /// The same trouble with a request that the other side has, or has not, certainly not seen.
    pub(super) fn unseen(self, is_unseen: bool) -> Self {
        Self { is_unseen, ..self }
    }
}

/// A connection on which requests can be sent.
pub(super) enum Link {
    /// For one request at a time.
    Http1(http1::SendRequest<Full<Bytes>>),
    /// For many.
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// Opens connections.
pub(super) struct Dialer {
    tls: TlsConnector,
}

impl Dialer {
    /// Creates a dialer.
    ///
    /// # Errors
    /// Returns an error if the file with certificates cannot be read.
    pub(super) fn new(trust: &Trust, versions: Versions) -> Result<Self, LoadError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = match trust {
            Trust::Anything => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))),
            Trust::Public => {
                builder.with_root_certificates(RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()))
            }
            Trust::File(path) => builder.with_root_certificates(roots(path)?),
        };
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = match versions {
            Versions::Both => vec![H2.to_vec(), b"http/1.1".to_vec()],
            Versions::Http1 => vec![b"http/1.1".to_vec()],
        };
        // The clients stand for browsers that do not know each other's sessions.
        config.resumption = Resumption::disabled();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Opens a connection.
    pub(super) async fn connect(&self, address: &Address) -> Result<Link, Trouble> {
        match timeout(Duration::from_secs(CONNECT_SECONDS_MAX), self.open(address)).await {
            Ok(result) => result.map_err(|text| Trouble::new(address, text)),
            Err(_) => Err(Trouble::new(address, format!("no connection after {CONNECT_SECONDS_MAX} s"))),
        }
    }

    async fn open(&self, address: &Address) -> Result<Link, String> {
        let socket = TcpStream::connect((address.host(), address.port())).await.map_err(|error| error.to_string())?;
        socket.set_nodelay(true).map_err(|error| error.to_string())?;
        if !address.is_tls {
            return http1(socket).await;
        }
        let name = ServerName::try_from(address.host().to_owned()).map_err(|error| error.to_string())?;
        let socket = self.tls.connect(name, socket).await.map_err(|error| with_advice(&error.to_string()))?;
        if socket.get_ref().1.alpn_protocol() != Some(H2) {
            return http1(socket).await;
        }
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(|error| describe(&error))?;
        // It ends when the last sender and the last answer are dropped; requests report its failures.
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        Ok(Link::Http2(sender))
    }
}

async fn http1<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(socket: S) -> Result<Link, String> {
    let (sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(|error| describe(&error))?;
    tokio::spawn(async move { connection.await.unwrap_or_default() });
    Ok(Link::Http1(sender))
}

/// Returns the text of an error of the HTTP library with its causes.
pub(super) fn describe(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn with_advice(error: &str) -> String {
    if error.contains("certificate") {
        format!("{error} (for a private authority, --ca FILE; to accept any certificate, --insecure)")
    } else {
        error.to_owned()
    }
}

fn roots(path: &PathBuf) -> Result<RootCertStore, LoadError> {
    let wrong = |text: String| LoadError::Usage(format!("--ca {}: {text}", path.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("there is no certificate (PEM) in it".to_owned()));
    }
    Ok(roots)
}
