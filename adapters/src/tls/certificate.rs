//! Which files hold the certificate and its key, and can they be used?

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use super::provider;
use crate::file::read_limited;

/// The names that are looked for, in this order: certificate and key.
const FILE_NAMES: [(&str, &str); 2] = [("autoupdate.pem", "autoupdate-key.pem"), ("cert.pem", "key.pem")];

/// Why there is no usable certificate. The texts name the file, and never hold anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// No pair of files is there.
    #[error(
        "no certificate in CERT_DIR={directory}: neither autoupdate.pem nor cert.pem is there; put the certificate \
         chain into one of them and its key into autoupdate-key.pem or key.pem, or leave CERT_DIR empty for a \
         self-signed certificate"
    )]
    Missing {
        /// The directory.
        directory: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {file}: {cause}; check that it exists and that the service's user may read it")]
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
    #[error(
        "{certificate} and {key} cannot be used together: {cause}; the key must be the one the first certificate was issued for"
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        cause: rustls::Error,
    },
    /// A self-signed certificate could not be made.
    #[error("cannot make a self-signed certificate: {0}; set CERT_DIR to a directory with a certificate, or TLS=off")]
    SelfSigned(rcgen::Error),
    /// The cryptography does not work here at all.
    #[error("TLS cannot be set up: {0}; TLS=off serves without it")]
    Unusable(rustls::Error),
}

/// The contents of the two files, as they were read.
#[derive(PartialEq, Eq)]
pub(super) struct Files {
    certificate_file: PathBuf,
    key_file: PathBuf,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    /// Reads the first pair whose certificate exists.
    pub(super) fn read(directory: &Path) -> Result<Self, CertificateError> {
        for (certificate_name, key_name) in FILE_NAMES {
            let certificate_file = directory.join(certificate_name);
            match read_file(&certificate_file) {
                Err(CertificateError::Unreadable { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(certificate) => {
                    let key_file = directory.join(key_name);
                    let key = read_file(&key_file)?;
                    return Ok(Self { certificate_file, key_file, certificate, key });
                }
            }
        }
        Err(CertificateError::Missing { directory: directory.to_owned() })
    }

    /// The certificate and its key, checked to fit.
    pub(super) fn certificate(&self) -> Result<CertifiedKey, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| malformed(&self.certificate_file, format!("is not PEM: {error:?}")))?;
        if chain.is_empty() {
            let problem = "holds no certificate; expected one or more blocks `-----BEGIN CERTIFICATE-----`";
            return Err(malformed(&self.certificate_file, problem.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            let problem = "holds no private key; expected one unencrypted block such as `-----BEGIN PRIVATE KEY-----`";
            malformed(&self.key_file, problem.to_owned())
        })?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|cause| CertificateError::Mismatch {
            certificate: self.certificate_file.clone(),
            key: self.key_file.clone(),
            cause,
        })
    }
}

/// SHA-256 over the first certificate, as browsers and `openssl x509 -fingerprint -sha256` show it.
pub(super) fn fingerprint(certificate: &CertifiedKey) -> String {
    let mut text = String::new();
    for byte in certificate.cert.first().map(Sha256::digest).unwrap_or_default() {
        let separator = if text.is_empty() { "" } else { ":" };
        let _ = write!(text, "{separator}{byte:02X}");
    }
    text
}

fn read_file(file: &Path) -> Result<Vec<u8>, CertificateError> {
    read_limited(file).map_err(|cause| CertificateError::Unreadable { file: file.to_owned(), cause })
}

fn malformed(file: &Path, problem: String) -> CertificateError {
    CertificateError::Malformed { file: file.to_owned(), problem }
}
