//! What is in a PEM file, and on which line is it damaged?
//!
//! Readers of PEM differ in what they silently skip. A skipped certificate is only missed by some browsers, so
//! everything that looks like part of a block must be one, as with OpenSSL or stricter.

mod block;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use block::PemBlock;

/// The byte order mark that Windows' editors put before UTF-8 text.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

const CERTIFICATE: &str = "CERTIFICATE";
const CERTIFICATE_OF_OLD: &str = "X509 CERTIFICATE";
const TRUSTED_CERTIFICATE: &str = "TRUSTED CERTIFICATE";
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const ENCRYPTED_KEY: &str = "ENCRYPTED PRIVATE KEY";

/// Why a file cannot be used. The texts follow the file's name, and never show anything of its contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PemError {
    #[error("is empty")]
    Empty,
    #[error("is UTF-16; save it as UTF-8, with `iconv -f UTF-16 -t UTF-8 OLD > NEW`")]
    Utf16,
    #[error(
        "is no text, but perhaps DER or PKCS #12; write it as PEM, from DER with `openssl x509 -inform DER -in OLD -out NEW` \
         (`openssl pkey` for a key), from PKCS #12 with `openssl pkcs12 -nodes -in OLD -out NEW`"
    )]
    Binary,
    #[error("holds no certificate{0}; expected one or more blocks `-----BEGIN CERTIFICATE-----`")]
    NoCertificate(Found),
    #[error("holds no private key{0}; expected an unencrypted block such as `-----BEGIN PRIVATE KEY-----`")]
    NoKey(Found),
    #[error(
        "holds an encrypted key (line {line}), but nobody can enter its passphrase here; decrypt it with \
         `openssl pkey -in OLD -out NEW`, and let only the service read it"
    )]
    EncryptedKey { line: usize },
    #[error(
        "holds a TRUSTED CERTIFICATE (line {line}), which only OpenSSL reads; write it as a plain one, with \
         `openssl x509 -in OLD -out NEW`"
    )]
    TrustedCertificate { line: usize },
    #[error("is damaged in line {line}: {damage}")]
    Damaged { line: usize, damage: Damage },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error(
        "each `-----BEGIN …-----` and `-----END …-----` must stand alone in its line, from its first character, with five \
         dashes on either side; perhaps files were joined without a line end in between"
    )]
    MarkerNotAlone,
    #[error("a block begins before that of line {begun} has ended; perhaps lines are missing")]
    Nested { begun: usize },
    #[error("this ends another kind of block than began in line {begun}; perhaps lines are missing")]
    OtherEnd { begun: usize },
    #[error("a block ends that never began; perhaps lines are missing")]
    Unbegun,
    #[error("the block that begins here has no end; perhaps the end of the file is missing")]
    Unended,
    #[error("a block must not hold an empty line; remove it, or copy the file again")]
    EmptyLine,
    #[error("this is not base64; copy the file again")]
    NotBase64,
    #[error(
        "the block from here to line {last} is not whole; perhaps a line or a part of one is missing: copy the file again"
    )]
    NotWhole { last: usize },
    #[error(
        "what stands from here to line {last} is not a certificate; perhaps a line is missing or altered: copy the file again"
    )]
    NotCertificate { last: usize },
}

impl Damage {
    fn at(self, line: usize) -> PemError {
        PemError::Damaged { line, damage: self }
    }
}

/// The labels that were found instead of the expected one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found(Vec<String>);

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(formatter, ", but {}", self.0.join(", ")) }
    }
}

impl From<Vec<PemBlock>> for Found {
    fn from(blocks: Vec<PemBlock>) -> Self {
        Self(blocks.into_iter().map(|block| block.label).collect())
    }
}

/// A certificate and the line where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PemCertificate {
    pub(crate) line: usize,
    pub(crate) der: CertificateDer<'static>,
}

/// Returns all certificates of a file, in order. There is at least one, and each parses as X.509.
///
/// Other blocks and text around the blocks are skipped.
pub(crate) fn certificates(file: &[u8]) -> Result<Vec<PemCertificate>, PemError> {
    let blocks = block::parse(file)?;
    let mut certificates = Vec::new();
    for block in &blocks {
        match &*block.label {
            CERTIFICATE | CERTIFICATE_OF_OLD => certificates.push(certificate(block)?),
            TRUSTED_CERTIFICATE => return Err(PemError::TrustedCertificate { line: block.first_line }),
            _ => {}
        }
    }
    if certificates.is_empty() { Err(PemError::NoCertificate(blocks.into())) } else { Ok(certificates) }
}

/// Returns the first private key of a file. Whether it can be used is not known yet.
pub(crate) fn private_key(file: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    let blocks = block::parse(file)?;
    for block in &blocks {
        let is_key = KEYS.contains(&&*block.label);
        if block.label == ENCRYPTED_KEY || is_key && block.is_encrypted {
            return Err(PemError::EncryptedKey { line: block.first_line });
        }
        if is_key {
            return PrivateKeyDer::from_pem_slice(block.pem(&block.label).as_bytes()).map_err(|_| block.not_whole());
        }
    }
    Err(PemError::NoKey(blocks.into()))
}

/// Returns only the certificates, as a text that every reader understands.
pub(crate) fn text(certificates: &[PemCertificate]) -> String {
    certificates.iter().map(|certificate| block::pem(CERTIFICATE, &STANDARD.encode(&certificate.der))).collect()
}

fn certificate(block: &PemBlock) -> Result<PemCertificate, PemError> {
    let der = CertificateDer::from_pem_slice(block.pem(CERTIFICATE).as_bytes()).map_err(|_| block.not_whole())?;
    match X509Certificate::from_der(&der) {
        Ok(([], _)) => Ok(PemCertificate { line: block.first_line, der }),
        _ => Err(Damage::NotCertificate { last: block.last_line }.at(block.first_line)),
    }
}

#[cfg(test)]
mod tests;
