//! Can a certificate and its key be served?

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};

use super::files::Files;
use super::provider;
use crate::file::remedy;
use crate::pem::{self, PemCertificate};

/// Why there is no usable certificate. The texts name the file, and never hold anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// No pair of files is there.
    #[error(
        "CERT_DIR={directory} {state}; put the certificate chain and its key there, as autoupdate.pem and autoupdate-key.pem, \
         cert.pem and key.pem, fullchain.pem and privkey.pem, or tls.crt and tls.key, or leave CERT_DIR empty for a \
         self-signed certificate"
    )]
    Missing {
        /// The directory.
        directory: PathBuf,
        /// What is there instead.
        state: &'static str,
    },
    /// Of a pair only one file is there, and no other pair is.
    #[error("{present} is there, but {missing}, which belongs to it, is not; put it there too")]
    Half {
        /// The file that is there.
        present: PathBuf,
        /// The other one.
        missing: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {file}: {cause}; {remedy}", file = file.display(), remedy = remedy(file, cause))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{file} {problem}")]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Certificate and key do not fit.
    #[error("{certificate} and {key} cannot be used together: {cause}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why, and what to do.
        cause: String,
    },
    /// A self-signed certificate could not be made.
    #[error("cannot make a self-signed certificate: {0}; set CERT_DIR to a directory with a certificate, or TLS=off")]
    SelfSigned(rcgen::Error),
    /// The cryptography does not work here at all.
    #[error("TLS cannot be set up: {0}; TLS=off serves without it")]
    Unusable(rustls::Error),
}

impl Files {
    /// The certificate chain and its key, checked to fit.
    ///
    /// The first certificate must be the key's own. Whether the others lead to an authority that anybody trusts is left to
    /// those who read them; see [`doubts`](super::doubts).
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
