//! Which certificates are served, at startup and after a renewal, and what is reported about them?

mod doubts;
mod file_names;
mod table;

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::{TlsServer, probe, provider};

/// The name that certificates in tests are for.
const HOST: &str = "meeting.example";

/// A certificate authority.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Creates a self-signed authority.
    fn root(name: &str) -> Self {
        let (params, key) = (authority_params(name), key());
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Creates an intermediate authority signed by this one.
    fn intermediate(&self, name: &str) -> Self {
        let (params, key) = (authority_params(name), key());
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Certificate {
        params.signed_by(key, &self.issuer).expect("a certificate")
    }

    fn pem(&self) -> String {
        self.certificate.pem()
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// A certificate for [`HOST`].
fn host_params() -> CertificateParams {
    let mut params = named(HOST);
    params.subject_alt_names = vec![SanType::DnsName(HOST.try_into().expect("a name"))];
    params
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn write(directory: &Path, files: &[(&str, &[u8])]) {
    for (name, content) in files {
        std::fs::write(directory.join(name), content).expect("written");
    }
}

/// Returns the chain that a new connection receives, and whether a client that trusts only `root` accepts it for
/// [`HOST`].
async fn served(server: &TlsServer, root: &Authority) -> (Vec<CertificateDer<'static>>, bool) {
    let mut trusted = RootCertStore::empty();
    trusted.add(root.certificate.der().clone()).expect("an authority");
    let careful = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("a configuration")
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let chain = handshake(server, probe::client_config().expect("a configuration")).await.expect("a handshake");
    (chain, handshake(server, careful).await.is_ok())
}

async fn handshake(server: &TlsServer, config: ClientConfig) -> std::io::Result<Vec<CertificateDer<'static>>> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let name = ServerName::try_from(HOST).expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    let (connected, _accepted) = tokio::join!(connector.connect(name, near), server.accept(far));
    let connected = connected?;
    Ok(connected
        .get_ref()
        .1
        .peer_certificates()
        .expect("a certificate")
        .iter()
        .cloned()
        .map(CertificateDer::into_owned)
        .collect())
}
