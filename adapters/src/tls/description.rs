//! What does a certificate say about itself?

use std::fmt::Write as _;
use std::net::IpAddr;

use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

/// What the log says about a certificate that is served.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) subject: String,
    pub(super) issuer: String,
    /// The hosts that it is for, separated by commas.
    pub(super) names: String,
    pub(super) not_before: String,
    pub(super) not_after: String,
    /// SHA-256 of the whole certificate, as shown by browsers and `openssl x509 -fingerprint -sha256`.
    pub(super) fingerprint: String,
}

/// Describes a certificate; `None` if it does not parse.
pub(super) fn describe(der: &[u8]) -> Option<Description> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let validity = certificate.validity();
    Some(Description {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: names(&certificate).join(", "),
        not_before: date(validity.not_before),
        not_after: date(validity.not_after),
        fingerprint: fingerprint(der),
    })
}

/// Returns when a certificate ends, in Unix seconds; `None` if it does not parse.
pub(super) fn ends_at(der: &[u8]) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// Returns the hosts for which browsers accept the certificate.
pub(super) fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// Formats a time as `2026-11-26 01:06:00 UTC`.
pub(super) fn date(time: ASN1Time) -> String {
    let time = time.to_datetime();
    format!("{} {:02}:{:02}:{:02} UTC", time.date(), time.hour(), time.minute(), time.second())
}

pub(super) fn fingerprint(der: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(der) {
        let separator = if text.is_empty() { "" } else { ":" };
        let _ = write!(text, "{separator}{byte:02X}");
    }
    text
}
