//! Which client certificate does the service present to Redis? (spec: redis.md#servers)

use std::fmt;
use std::path::{Path, PathBuf};

use redis::ClientTlsConfig;
use rustls::sign::CertifiedKey;

use crate::file::{read_limited, remedy};
use crate::pem::{self, PemError};
use crate::tls::provider;

/// A client certificate with its chain, and its key, in PEM. Printing it shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisIdentity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl RedisIdentity {
    /// Reads the certificate and its key from two files.
    ///
    /// # Errors
    /// A file cannot be read, is damaged, does not hold what it should, or the two do not belong together.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, RedisIdentityError> {
        let texts = (read("REDIS_CERT_FILE", certificate)?, read("REDIS_KEY_FILE", key)?);
        Self::of_texts((certificate, &texts.0), (key, &texts.1))
    }

    /// Reads both from the texts of two files.
    pub(crate) fn of_texts(
        (certificate, certificate_text): (&Path, &[u8]),
        (key, key_text): (&Path, &[u8]),
    ) -> Result<Self, RedisIdentityError> {
        let unusable = |variable, path: &Path, error: PemError| RedisIdentityError::Unusable {
            variable,
            path: path.to_owned(),
            problem: error.to_string(),
        };
        let certificates =
            pem::certificates(certificate_text).map_err(|error| unusable("REDIS_CERT_FILE", certificate, error))?;
        let private_key = pem::private_key(key_text).map_err(|error| unusable("REDIS_KEY_FILE", key, error))?;
        let chain = certificates.iter().map(|certificate| certificate.der.clone()).collect();
        CertifiedKey::from_der(chain, private_key, &provider()).map_err(|error| RedisIdentityError::Mismatch {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            problem: error.to_string(),
        })?;
        // Not the text itself: the client library silently skips what it does not understand.
        Ok(Self { certificate: pem::text(&certificates).into_bytes(), key: key_text.to_vec() })
    }

    /// Returns how many certificates are presented.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn certificates(&self) -> usize {
        String::from_utf8_lossy(&self.certificate).matches("-----BEGIN").count()
    }

    /// Returns it in the client library's form.
    pub(super) fn client_tls(&self) -> ClientTlsConfig {
        ClientTlsConfig { client_cert: self.certificate.clone(), client_key: self.key.clone() }
    }
}

fn read(variable: &'static str, path: &Path) -> Result<Vec<u8>, RedisIdentityError> {
    read_limited(path).map_err(|error| RedisIdentityError::Unusable {
        variable,
        path: path.to_owned(),
        problem: format!("cannot be read: {error}; {}", remedy(path, &error)),
    })
}

impl fmt::Debug for RedisIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RedisIdentity(…)")
    }
}

/// Why two files are not a client certificate and its key; shows nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisIdentityError {
    /// One of the files cannot be used.
    #[error(
        "{variable}={path} {problem}. REDIS_CERT_FILE must hold the certificate by which Redis knows the service, with \
         the chain to its authority, and REDIS_KEY_FILE the key of it, both in PEM and readable for the service's user",
        path = path.display()
    )]
    Unusable {
        /// The variable that names it.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// They do not belong together.
    #[error(
        "REDIS_CERT_FILE={certificate} and REDIS_KEY_FILE={key} cannot be used together: {problem}. The key must be the one \
         that the first certificate was issued for",
        certificate = certificate.display(), key = key.display()
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        problem: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `None` for a missing file.
    #[track_caller]
    fn check(certificate: Option<&str>, key: Option<&str>, problem: Option<&[&str]>) {
        let directory = tempfile::tempdir().expect("a directory");
        let [certificate, key] = [("cert.pem", certificate), ("key.pem", key)].map(|(name, text)| {
            let path = directory.path().join(name);
            if let Some(text) = text {
                std::fs::write(&path, text).expect("a file");
            }
            path
        });
        let read = RedisIdentity::from_files(&certificate, &key);
        match (read, problem) {
            (Ok(identity), None) => assert_eq!(format!("{identity:?}"), "RedisIdentity(…)"),
            (Err(error), Some(parts)) => {
                let text = error.to_string();
                for part in parts {
                    assert!(text.contains(part), "{part} in {text}");
                }
                assert!(!text.contains("geheim"), "{text}");
            }
            (read, problem) => panic!("{read:?} instead of {problem:?}"),
        }
    }

    #[test]
    fn a_certificate_and_its_key_belong_together() {
        let made = || rcgen::generate_simple_self_signed(["service".to_owned()]).expect("a certificate");
        let (one, other) = (made(), made());
        let [certificate, key] = [one.cert.pem(), one.signing_key.serialize_pem()];
        check(Some(&certificate), Some(&key), None);
        check(Some(&format!("{certificate}{}", other.cert.pem())), Some(&key), None);
        let other = other.signing_key.serialize_pem();
        check(Some(&certificate), Some(&other), Some(&["cert.pem and REDIS_KEY_FILE=", "cannot be used together"]));
    }

    #[test]
    fn a_file_that_does_not_hold_what_it_should_is_explained() {
        let made = rcgen::generate_simple_self_signed(["service".to_owned()]).expect("a certificate");
        let [certificate, key] = [made.cert.pem(), made.signing_key.serialize_pem()];
        check(None, Some(&key), Some(&["REDIS_CERT_FILE=", "cert.pem cannot be read"]));
        check(Some(&certificate), None, Some(&["REDIS_KEY_FILE=", "key.pem cannot be read"]));
        check(Some("geheim"), Some(&key), Some(&["REDIS_CERT_FILE=", "holds no certificate"]));
        check(Some(&key), Some(&key), Some(&["REDIS_CERT_FILE=", "holds no certificate"]));
        let unfinished = certificate.split("-----END").next().expect("a beginning");
        check(Some(unfinished), Some(&key), Some(&["REDIS_CERT_FILE=", "is damaged in line 1"]));
        check(Some(&certificate), Some("geheim"), Some(&["REDIS_KEY_FILE=", "holds no private key"]));
        let broken = "-----BEGIN PRIVATE KEY-----\ngeheim!\n-----END PRIVATE KEY-----\n";
        check(Some(&certificate), Some(broken), Some(&["REDIS_KEY_FILE=", "is damaged in line"]));
    }
}
