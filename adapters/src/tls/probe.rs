//! How does the service check itself over TLS, where the certificate is its own?

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use super::provider;

/// Returns a blocking TLS client on `io` that accepts every certificate: only for requests to this very machine, which
/// find out whether the service answers, not who it is, and send no secret.
///
/// # Errors
/// Cryptography does not work here at all. The handshake happens with the first byte written.
pub fn trust_anyone<Io: Read + Write>(io: Io) -> io::Result<impl Read + Write + use<Io>> {
    connect(Arc::new(client_config().map_err(io::Error::other)?), io)
}

pub(super) fn client_config() -> Result<ClientConfig, rustls::Error> {
    let provider = provider();
    Ok(ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TrustAnyone(provider)))
        .with_no_client_auth())
}

fn connect<Io: Read + Write>(config: Arc<ClientConfig>, io: Io) -> io::Result<StreamOwned<ClientConnection, Io>> {
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, io))
}

#[derive(Debug)]
struct TrustAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use rustls::HandshakeKind;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::tls::TlsServer;

    /// Answers one byte on each of this many connections, one after the other. A handshake may fail.
    async fn answer(listener: tokio::net::TcpListener, connections: usize) {
        let (server, _) = TlsServer::new(None).expect("a certificate");
        for _ in 0..connections {
            let (io, _) = listener.accept().await.expect("a connection");
            if let Ok(mut io) = server.accept(io).await {
                let byte = io.read_u8().await.expect("a byte");
                io.write_u8(byte).await.expect("written");
                io.flush().await.expect("written");
            }
        }
    }

    /// Checks which of the offered protocols is chosen; `None`: the handshake fails.
    async fn check_protocol(offered: &[&str], expected: Option<&str>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = tokio::spawn(answer(listener, 1));
        let mut config = client_config().expect("a configuration");
        config.alpn_protocols = offered.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let client = tokio::task::spawn_blocking(move || {
            let mut io = connect(Arc::new(config), TcpStream::connect(address)?)?;
            io.write_all(b"x")?;
            io.read_exact(&mut [0])?;
            io::Result::Ok(io.conn.alpn_protocol().map(<[u8]>::to_vec))
        });
        let spoken = client.await.expect("no panic").ok();
        server.await.expect("no panic");
        let spoken = spoken.map(|protocol| String::from_utf8(protocol.unwrap_or_default()).expect("text"));
        assert_eq!(spoken.as_deref(), expected, "{offered:?}");
    }

    #[tokio::test]
    async fn every_version_of_http_is_agreed_on() {
        check_protocol(&[], Some("")).await;
        check_protocol(&["http/1.0"], Some("http/1.0")).await;
        check_protocol(&["http/1.0", "http/1.1"], Some("http/1.1")).await;
        check_protocol(&["http/1.1", "h2"], Some("h2")).await;
        check_protocol(&["spdy/3"], None).await;
    }

    #[tokio::test]
    async fn a_returning_client_resumes_its_tls_session() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = tokio::spawn(answer(listener, 2));
        let client = tokio::task::spawn_blocking(move || {
            let config = Arc::new(client_config().expect("a configuration"));
            [(); 2].map(|()| {
                let mut io = connect(Arc::clone(&config), TcpStream::connect(address).expect("up")).expect("a client");
                io.write_all(b"x").expect("written");
                io.read_exact(&mut [0]).expect("answered");
                io.conn.handshake_kind()
            })
        });
        let kinds = client.await.expect("no panic");
        server.await.expect("no panic");
        assert_eq!(kinds[1], Some(HandshakeKind::Resumed), "first {:?}", kinds[0]);
    }
}
