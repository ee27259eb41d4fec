//! Why is there no certificate to serve?

use std::io;
use std::path::PathBuf;

use crate::file::remedy;

/// Why there is no usable certificate. The texts name the file, and never contain anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// There is no pair of files.
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
    /// Only one file of a pair is there, and no other pair.
    #[error("{present} exists, but {missing}, which belongs to it, does not; put it there too")]
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
    /// Certificate and key do not match.
    #[error("{certificate} and {key} cannot be used together: {cause}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why, and what to do.
        cause: String,
    },
    /// A self-signed certificate could not be created.
    #[error("cannot create a self-signed certificate: {0}; set CERT_DIR to a directory with a certificate, or TLS=off")]
    SelfSigned(rcgen::Error),
    /// Cryptography does not work here at all.
    #[error("TLS cannot be set up: {0}; TLS=off serves without it")]
    Unusable(rustls::Error),
}
