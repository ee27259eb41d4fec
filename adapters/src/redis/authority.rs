//! Whose certificates does the service trust, when it speaks TLS with Redis? (spec: redis.md)

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::file::read_limited;

/// The certificates of one or more authorities that vouch for the servers, in place of the public ones.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAuthority {
    pem: Vec<u8>,
}

impl RedisAuthority {
    /// Reads the certificates from a PEM text; what stands around them is passed over.
    ///
    /// # Errors
    /// There is none, or one cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RedisAuthorityError> {
        let mut trusted = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| RedisAuthorityError::Malformed(error.to_string()))?;
            trusted.add(certificate).map_err(|error| RedisAuthorityError::Malformed(error.to_string()))?;
        }
        // The client library takes a text without a certificate for an authority that vouches for nobody.
        if trusted.is_empty() { Err(RedisAuthorityError::Empty) } else { Ok(Self { pem: pem.to_owned() }) }
    }

    /// Reads the certificates from a file.
    ///
    /// # Errors
    /// The file cannot be read, or [`RedisAuthority::from_pem`] fails.
    pub fn from_file(path: &Path) -> Result<Self, RedisAuthorityFileError> {
        let fail = |problem| RedisAuthorityFileError { path: path.to_owned(), problem };
        let pem = read_limited(path).map_err(|error| fail(RedisAuthorityError::Unreadable(error.to_string())))?;
        Self::from_pem(&pem).map_err(fail)
    }

    /// As the client library takes it.
    pub(super) fn pem(&self) -> Vec<u8> {
        self.pem.clone()
    }
}

impl fmt::Debug for RedisAuthority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RedisAuthority(…)")
    }
}

/// A text is not the certificate of an authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisAuthorityError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// No certificate stands there.
    #[error("holds no certificate")]
    Empty,
    /// What stands there cannot be used.
    #[error("holds a certificate that cannot be used: {0}")]
    Malformed(String),
}

/// A file does not hold the certificate of an authority; says which and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "REDIS_CA_FILE={path} {problem}. It must hold the certificate of the authority that signed the one of Redis, in PEM \
     (`-----BEGIN CERTIFICATE-----`); without REDIS_CA_FILE the public authorities are trusted",
    path = path.display()
)]
pub struct RedisAuthorityFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: RedisAuthorityError,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> String {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate").cert.pem()
    }

    #[track_caller]
    fn check(pem: &str, problem: Option<&str>) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, pem).expect("a file");
        let read = RedisAuthority::from_file(&path);
        match (read, problem) {
            (Ok(authority), None) => assert_eq!(authority.pem, pem.as_bytes()),
            (Err(error), Some(problem)) => {
                let text = error.to_string();
                assert!(
                    text.contains(problem) && text.contains(&format!("REDIS_CA_FILE={}", path.display())),
                    "{text}"
                );
            }
            (read, problem) => panic!("{read:?} instead of {problem:?}"),
        }
    }

    #[test]
    fn one_or_more_certificates_are_trusted() {
        check(&certificate(), None);
        check(&format!("The first\n{}\nand the second\n{}", certificate(), certificate()), None);
    }

    #[test]
    fn a_file_without_a_usable_certificate_is_explained() {
        check("", Some("holds no certificate"));
        check("no certificate", Some("holds no certificate"));
        let certificate = certificate();
        let unfinished = certificate.split("-----END").next().expect("a beginning");
        check(unfinished, Some("cannot be used"));
        check(&format!("{certificate}{unfinished}"), Some("cannot be used"));
        check("-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n", Some("cannot be used"));
        check(&"x".repeat(2 << 20), Some("larger than"));
        let missing = RedisAuthority::from_file(Path::new("/no/such/file")).expect_err("no file").to_string();
        assert!(missing.contains("REDIS_CA_FILE=/no/such/file cannot be read"), "{missing}");
    }
}
