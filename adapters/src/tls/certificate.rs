//! Can a certificate and its key be served?

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};

use super::certificate_error::CertificateError;
use super::files::Files;
use super::provider;
use crate::pem::{self, PemCertificate};

impl Files {
    /// Returns the certificate chain and its key, checked to match.
    ///
    /// The first certificate must be the key's own. Whether the others lead to a trusted authority is checked
    /// elsewhere; see [`doubts`](super::doubts).
    pub(super) fn certificate(&self) -> Result<CertifiedKey, CertificateError> {
        let malformed = |file: &PathBuf, problem: String| CertificateError::Malformed { file: file.clone(), problem };
        let chain = pem::certificates(&self.certificate)
            .map_err(|problem| malformed(&self.certificate_file, problem.to_string()))?;
        let key = pem::private_key(&self.key).map_err(|problem| malformed(&self.key_file, problem.to_string()))?;
        let key = provider().key_provider.load_private_key(key).map_err(|_| {
            let problem = "holds a private key that cannot be used; it is damaged, or not one of RSA (2048 to 8192 bits), \
                           ECDSA (P-256, P-384, P-521) and Ed25519";
            malformed(&self.key_file, problem.to_owned())
        })?;
        self.fitting(chain, key)
    }

    fn fitting(&self, chain: Vec<PemCertificate>, key: Arc<dyn SigningKey>) -> Result<CertifiedKey, CertificateError> {
        let fits = |certificate: &PemCertificate| {
            CertifiedKey::new(vec![certificate.der.clone()], Arc::clone(&key)).keys_match()
        };
        let cause = match chain.first().map(fits) {
            Some(Ok(())) => {
                let chain: Vec<CertificateDer<'static>> =
                    chain.into_iter().map(|certificate| certificate.der).collect();
                return Ok(CertifiedKey::new(chain, key));
            }
            Some(Err(rustls::Error::InconsistentKeys(_))) | None => {
                match chain.iter().find(|certificate| fits(certificate).is_ok()) {
                    Some(PemCertificate { line, .. }) => {
                        format!("the key belongs to the certificate in line {line}, which must be the first")
                    }
                    None => "the key belongs to none of the certificates; use the one that was made for the first"
                        .to_owned(),
                }
            }
            Some(Err(cause)) => format!("{cause}; the first certificate must be one that a browser can read"),
        };
        Err(CertificateError::Mismatch {
            certificate: self.certificate_file.clone(),
            key: self.key_file.clone(),
            cause,
        })
    }
}
