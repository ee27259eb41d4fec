//! What certificate is served if none is configured?

use std::fs;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::certificate_error::CertificateError;
use super::provider;

/// Where Linux keeps the host's name; elsewhere the certificate goes without it.
const HOST_NAME_FILE: &str = "/proc/sys/kernel/hostname";

/// Creates a certificate for this machine, valid for this process only: it is not stored.
pub(super) fn generate() -> Result<CertifiedKey, CertificateError> {
    let key = KeyPair::generate().map_err(CertificateError::SelfSigned)?;
    let mut params = CertificateParams::new(names()).map_err(CertificateError::SelfSigned)?;
    params.distinguished_name.push(DnType::CommonName, "OpenSlides autoupdate service (self-signed)");
    let certificate = params.self_signed(&key).map_err(CertificateError::SelfSigned)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    CertifiedKey::from_der(vec![certificate.der().clone()], key, &provider()).map_err(CertificateError::Unusable)
}

/// Returns the names by which this machine is addressed: `localhost`, its host name, the loopback addresses.
fn names() -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(fs::read_to_string(HOST_NAME_FILE).ok().and_then(|name| usable_host_name(&name)));
    names
}

/// A certificate only takes host names of letters, digits, `-` and `.`; others are left out rather than an error.
fn usable_host_name(text: &str) -> Option<String> {
    let name = text.trim();
    let usable = !name.is_empty()
        && name != "localhost"
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    usable.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_certificate_can_hold_are_taken() {
        let cases = [("web-1.example\n", Some("web-1.example")), ("", None), ("(none)", None), ("bücher", None)];
        for (text, expected) in cases {
            assert_eq!(usable_host_name(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn the_certificate_is_for_this_machine() {
        let names = names();
        for name in ["localhost", "127.0.0.1", "::1"] {
            assert!(names.iter().any(|other| other == name), "{name}");
        }
        generate().expect("a certificate");
    }
}
