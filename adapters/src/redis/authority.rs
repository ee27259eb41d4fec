//! Whose certificates does the service trust when it speaks TLS with Redis? (spec: redis.md#servers)

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;

use crate::file::{read_limited, remedy};
use crate::pem::{self, PemError};

/// The certificates of one or more authorities that vouch for the servers, instead of the public ones.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAuthority {
    pem: Vec<u8>,
}

impl RedisAuthority {
    /// Reads the certificates from a PEM text; text around them is skipped.
    ///
    /// # Errors
    /// There is none, or the text is damaged, or one cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RedisAuthorityError> {
        let certificates = pem::certificates(pem).map_err(|error| match error {
            PemError::Empty | PemError::NoCertificate(_) => RedisAuthorityError::Empty(error.to_string()),
            error => RedisAuthorityError::Malformed(error.to_string()),
        })?;
        let mut trusted = RootCertStore::empty();
        for certificate in &certificates {
            trusted.add(certificate.der.clone()).map_err(|error| {
                let text = format!("holds a certificate that cannot be used (line {}): {error}", certificate.line);
                RedisAuthorityError::Malformed(text)
            })?;
        }
        // Not the text itself: the client library silently skips what it does not understand.
        Ok(Self { pem: pem::text(&certificates).into_bytes() })
    }

    /// Reads the certificates from a file.
    ///
    /// # Errors
    /// The file cannot be read, or [`RedisAuthority::from_pem`] fails.
    pub fn from_file(path: &Path) -> Result<Self, RedisAuthorityFileError> {
        let fail = |problem| RedisAuthorityFileError { path: path.to_owned(), problem };
        let unreadable =
            |error: std::io::Error| RedisAuthorityError::Unreadable(format!("{error}; {}", remedy(path, &error)));
        let pem = read_limited(path).map_err(|error| fail(unreadable(error)))?;
        Self::from_pem(&pem).map_err(fail)
    }

    /// Returns it in the client library's form.
    pub(super) fn pem(&self) -> Vec<u8> {
        self.pem.clone()
    }
}

impl fmt::Debug for RedisAuthority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RedisAuthority(…)")
    }
}

/// Why a text is not the certificate of an authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisAuthorityError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// There is no certificate in it; says what there is.
    #[error("{0}")]
    Empty(String),
    /// What is in it cannot be used; says why.
    #[error("{0}")]
    Malformed(String),
}

/// Why a file does not hold the certificate of an authority, and which file.
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
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

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
            // As the client library reads it.
            (Ok(authority), None) => {
                let read = CertificateDer::pem_slice_iter(&authority.pem).collect::<Result<Vec<_>, _>>().expect("PEM");
                assert_eq!(read.len(), pem.matches("BEGIN CERTIFICATE").count(), "{pem}");
            }
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
        let two = format!("The first\n{}\nand the second\n{}", certificate(), certificate());
        check(&two, None);
        check(&two.replace('\n', "\r\n"), None);
        check(&format!("\u{feff}{}\u{feff}{}", certificate(), certificate()), None);
    }

    #[test]
    fn a_file_without_a_usable_certificate_is_explained() {
        check("", Some("is empty"));
        check("no certificate", Some("holds no certificate"));
        let certificate = certificate();
        let unfinished = certificate.split("-----END").next().expect("a beginning");
        check(unfinished, Some("is damaged in line 1"));
        check(&format!("{certificate}{unfinished}"), Some("has no end"));
        check(&format!("{}{certificate}", certificate.trim_end()), Some("must stand alone"));
        let lines: Vec<&str> = certificate.lines().collect();
        let lost = [&lines[..3], &lines[4..]].concat().join("\n");
        check(&format!("{certificate}{lost}\n"), Some(&format!("is damaged in line {}", lines.len() + 1)));
        check(
            "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n",
            Some("is damaged in line 1"),
        );
        check(&"x".repeat(2 << 20), Some("larger than"));
        let missing = RedisAuthority::from_file(Path::new("/no/such/file")).expect_err("no file").to_string();
        assert!(missing.contains("REDIS_CA_FILE=/no/such/file cannot be read"), "{missing}");
    }
}
