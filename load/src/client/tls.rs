//! How does a client speak TLS with a service whose certificate is self-signed?

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Connects with TLS to services on this machine, whatever their certificate. Sessions are never resumed, because the
/// clients stand for thousands of browsers.
#[derive(Clone, Debug)]
pub struct TlsClient(BTreeMap<&'static str, Arc<ClientConfig>>);

impl TlsClient {
    /// Creates the clients for both versions of HTTP.
    ///
    /// # Errors
    /// Returns an error if the cryptography provider does not support the required versions of TLS.
    pub fn new() -> Result<Self, Error> {
        let config = |protocol: &'static str| {
            let provider = Arc::new(aws_lc_rs::default_provider());
            let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth();
            config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
            config.resumption = Resumption::disabled();
            Ok::<_, Error>((protocol, Arc::new(config)))
        };
        Ok(Self([config("http/1.1")?, config("h2")?].into()))
    }

    pub(crate) async fn connect(&self, socket: TcpStream, protocol: &str) -> io::Result<TlsStream<TcpStream>> {
        let config = self.0.get(protocol).ok_or_else(|| io::Error::other("not a protocol"))?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(config)).connect(name, socket).await
    }
}

/// Accepts every certificate. That is safe only where the other side is on this machine (see [`crate::target`]), or
/// where an operator asks for it.
#[derive(Debug)]
pub(crate) struct AnyCertificate(pub(crate) Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
