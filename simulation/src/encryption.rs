//! How do clients and instances encrypt what is in transit?
//!
//! Keys are new each time, but nothing has a length that depends on them: otherwise a world would not take the same steps
//! each time.

use std::error::Error;
use std::fs;
use std::io;
use std::sync::{Arc, LazyLock};

use adapters::tls::TlsServer;
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, SerialNumber};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The name in the certificate.
const NAME: &str = "meeting";

/// Made once, since it depends on nothing.
static ENCRYPTION: LazyLock<Result<Encryption, String>> =
    LazyLock::new(|| Encryption::new().map_err(|error| error.to_string()));

struct Encryption {
    /// The certificate and its key, as the service reads them.
    directory: TempDir,
    client: Arc<ClientConfig>,
}

/// Creates the side of an instance, which knows no session of others.
///
/// # Panics
/// No certificate can be made.
pub(crate) fn server() -> TlsServer {
    let made = TlsServer::new(Some(encryption().directory.path().to_owned()));
    made.map(|(server, _)| server).unwrap_or_else(|error| panic!("no certificate: {error}"))
}

/// A client's side: like a browser it tries to resume its sessions, whichever instance it meets.
#[derive(Clone, Debug)]
pub(crate) struct TlsClient(Arc<ClientConfig>);

impl TlsClient {
    /// Creates the side of a client that speaks HTTP/2, or HTTP/1.1, and has no session yet.
    ///
    /// # Panics
    /// No certificate can be made.
    pub(crate) fn new(http2: bool) -> Self {
        let mut config = (*encryption().client).clone();
        config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        config.resumption = Resumption::default();
        Self(Arc::new(config))
    }

    /// Encrypts the client's end of a pipe.
    ///
    /// # Errors
    /// The handshake fails.
    pub(crate) async fn connect(&self, pipe: DuplexStream) -> io::Result<TlsStream<DuplexStream>> {
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(&self.0)).connect(name, pipe).await
    }
}

fn encryption() -> &'static Encryption {
    ENCRYPTION.as_ref().unwrap_or_else(|error| panic!("no certificate: {error}"))
}

impl Encryption {
    fn new() -> Result<Self, Box<dyn Error>> {
        // The signatures of other algorithms differ in length.
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let mut params = CertificateParams::new(vec![NAME.to_owned()])?;
        params.serial_number = Some(SerialNumber::from(1_u64));
        let certificate = params.self_signed(&key)?;
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("key.pem"), key.serialize_pem())?;
        fs::write(directory.path().join("cert.pem"), certificate.pem())?;
        let mut trusted = RootCertStore::empty();
        trusted.add(certificate.der().clone())?;
        let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        Ok(Self { directory, client: Arc::new(client) })
    }
}

#[cfg(test)]
mod tests {
    use rustls::HandshakeKind;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::clock::WorldClock;
    use crate::instance::Instance;
    use crate::nodes::Nodes;
    use crate::plan::Plan;
    use crate::server::Server;

    /// Asks for something over a new connection, and returns how that was made.
    async fn made(client: &TlsClient, instance: &Instance) -> HandshakeKind {
        let pipe = instance.door.connect(64 * 1024).expect("it runs");
        let mut stream = client.connect(pipe).await.expect("a handshake");
        stream.write_all(b"GET /system/health HTTP/1.1\r\nhost: meeting\r\n\r\n").await.expect("a connection");
        // What is needed to resume the session comes before the answer.
        stream.read_u8().await.expect("an answer");
        stream.get_ref().1.handshake_kind().expect("it is over")
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_resumed_only_where_it_began() {
        let nodes = Nodes::new(2, false);
        let _server = Server::new(nodes.primary().clone(), Plan::new(0).elements);
        let clock = Arc::new(WorldClock::new());
        let start = |number| Instance::start(&nodes.redis(number), &clock, 0, number as u64);
        let (one, other) = (start(0), start(1));
        let client = TlsClient::new(false);
        assert_eq!(made(&client, &one).await, HandshakeKind::Full);
        assert_eq!(made(&client, &one).await, HandshakeKind::Resumed);
        assert_eq!(made(&client, &other).await, HandshakeKind::Full);
    }
}
