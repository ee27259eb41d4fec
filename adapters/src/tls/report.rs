//! What is there to say about the certificates in a directory, before they are served?

use std::path::Path;

use rustls::pki_types::CertificateDer;

use super::description::describe;
use super::{CertificateError, doubts, files};

/// What the certificates in a directory say about themselves.
#[derive(Debug)]
pub struct CertificateReport {
    /// The hosts that the certificate is for, separated by commas.
    pub names: String,
    /// When it ends, as in `2026-11-26 01:06:00 UTC`.
    pub not_after: String,
    /// What browsers object to, now or within 14 days, each with what to do.
    pub doubts: Vec<String>,
}

impl CertificateReport {
    /// Reads what would be served from `directory` at `unix_seconds`. `host` is where the service is configured to
    /// listen.
    ///
    /// # Errors
    /// A file is missing or cannot be used; the text names it, and says what is wrong and what to do.
    pub fn read(directory: &Path, host: Option<&str>, unix_seconds: u64) -> Result<Self, CertificateError> {
        let chain = files::Files::read(directory)?.certificate()?.cert;
        Ok(Self::of(&chain, host, unix_seconds))
    }

    /// Reads what would be served from files with these texts, for tests; also returns how many certificates that is.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn of_texts(certificate: &[u8], key: &[u8]) -> Result<(Self, usize), CertificateError> {
        let chain = files::Files::of_texts(certificate, key).certificate()?.cert;
        Ok((Self::of(&chain, Some("example.org"), 1_800_000_000), chain.len()))
    }

    fn of(chain: &[CertificateDer<'_>], host: Option<&str>, unix_seconds: u64) -> Self {
        let leaf = chain.first().and_then(|der| describe(der));
        let lasting = doubts::lasting(chain, host.and_then(doubts::named_host));
        let doubts = lasting.into_iter().chain(doubts::timely(chain, unix_seconds));
        Self {
            doubts: doubts.map(|doubt| doubt.to_string()).collect(),
            names: leaf.as_ref().map(|leaf| leaf.names.clone()).unwrap_or_default(),
            not_after: leaf.map(|leaf| leaf.not_after).unwrap_or_default(),
        }
    }
}
