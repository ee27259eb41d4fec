//! Which files hold the certificate and its key?

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::certificate_error::CertificateError;
use crate::file::read_limited;

/// The file names, certificate and key: the service's own, those of many programs, of certbot, of Kubernetes. The first
/// pair with both files is used.
const FILE_NAMES: [(&str, &str); 4] = [
    ("autoupdate.pem", "autoupdate-key.pem"),
    ("cert.pem", "key.pem"),
    ("fullchain.pem", "privkey.pem"),
    ("tls.crt", "tls.key"),
];

/// The contents of the two files, as they were read.
#[derive(PartialEq, Eq)]
pub(super) struct Files {
    pub(super) certificate_file: PathBuf,
    pub(super) key_file: PathBuf,
    pub(super) certificate: Vec<u8>,
    pub(super) key: Vec<u8>,
    /// Certificates that are there too, with their keys, and are not served.
    pub(super) passed_over: Vec<PathBuf>,
}

impl Files {
    /// Reads the first pair that is there. One that is there and cannot be read is an error: another one may be
    /// outdated.
    pub(super) fn read(directory: &Path) -> Result<Self, CertificateError> {
        let pairs = FILE_NAMES.map(|(certificate, key)| (directory.join(certificate), directory.join(key)));
        let mut complete = pairs.iter().filter(|(certificate, key)| is_there(certificate) && is_there(key));
        let Some((certificate_file, key_file)) = complete.next() else {
            return Err(missing(directory, &pairs));
        };
        Ok(Self {
            certificate: read_file(certificate_file)?,
            key: read_file(key_file)?,
            certificate_file: certificate_file.clone(),
            key_file: key_file.clone(),
            passed_over: complete.map(|(certificate, _)| certificate.clone()).collect(),
        })
    }

    /// Returns the first pair as if it had these contents, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn of_texts(certificate: &[u8], key: &[u8]) -> Self {
        let (certificate_file, key_file) = FILE_NAMES[0];
        Self {
            certificate_file: certificate_file.into(),
            key_file: key_file.into(),
            certificate: certificate.to_vec(),
            key: key.to_vec(),
            passed_over: Vec::new(),
        }
    }
}

/// Also a dangling link, and a file that this process may not look at: reading it says why it cannot be used.
fn is_there(file: &Path) -> bool {
    !matches!(fs::symlink_metadata(file), Err(error) if is_absence(&error))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn missing(directory: &Path, pairs: &[(PathBuf, PathBuf)]) -> CertificateError {
    let half = pairs.iter().find_map(|(certificate, key)| match (is_there(certificate), is_there(key)) {
        (true, false) => Some((certificate, key)),
        (false, true) => Some((key, certificate)),
        _ => None,
    });
    match half {
        Some((present, missing)) => CertificateError::Half { present: present.clone(), missing: missing.clone() },
        None => CertificateError::Missing { directory: directory.to_owned(), state: state(directory) },
    }
}

fn state(directory: &Path) -> &'static str {
    match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => "holds no certificate",
        Ok(_) => "is not a directory",
        Err(_) => "does not exist",
    }
}

fn read_file(file: &Path) -> Result<Vec<u8>, CertificateError> {
    read_limited(file).map_err(|cause| CertificateError::Unreadable { file: file.to_owned(), cause })
}
