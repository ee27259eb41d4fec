//! What would browsers object to in a certificate that can be served?

use std::fmt;

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::prelude::FromDer;

use super::description::{date, names};

/// How many days before its end a certificate is warned about.
pub(super) const RENEW_DAYS: i64 = 14;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A reason for browsers to refuse a certificate, now or soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It names no host. Browsers do not read the subject for that.
    NamesNoHost,
    /// It does not name the host that the service is configured to listen on.
    NamesOtherHosts {
        host: String,
    },
    /// A certificate was not issued by the one that follows it.
    DoesNotJoin {
        subject: String,
        issuer: String,
        next: String,
    },
    /// It claims to be issued by the one that follows it, but does not bear its signature.
    WrongSignature {
        subject: String,
        next: String,
    },
    NotYetValid {
        subject: String,
        from: String,
        days: i64,
    },
    EndsSoon {
        subject: String,
        end: String,
        days: i64,
    },
    Ended {
        subject: String,
        end: String,
        days: i64,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NamesNoHost => formatter.write_str(
                "the certificate names no host (subjectAltName), every browser refuses it; get one that does",
            ),
            Self::NamesOtherHosts { host } => {
                write!(formatter, "the certificate does not name AUTOUPDATE_HOST={host}; get one that does")
            }
            Self::DoesNotJoin { subject, issuer, next } => write!(
                formatter,
                "the certificate of {subject} was issued by {issuer}, but is followed by that of {next}; many clients \
                 refuse such a chain: put each certificate's issuer after it"
            ),
            Self::WrongSignature { subject, next } => write!(
                formatter,
                "the certificate of {subject} is not signed by that of {next}, which follows it; clients refuse such a \
                 chain: get the chain again from where it was issued"
            ),
            Self::NotYetValid { subject, from, days } => write!(
                formatter,
                "the certificate of {subject} is valid only from {from}, in {days} days; browsers refuse it until then: \
                 check this machine's clock, or serve another one"
            ),
            Self::EndsSoon { subject, end, days } => {
                write!(formatter, "the certificate of {subject} ends in {days} days, on {end}; renew it")
            }
            Self::Ended { subject, end, days } => write!(
                formatter,
                "the certificate of {subject} ended {days} days ago, on {end}; browsers refuse it: renew it"
            ),
        }
    }
}

/// Returns the doubts that last as long as the certificate is served. `host` is the name that clients use, if it is
/// known.
pub(super) fn lasting(chain: &[CertificateDer<'_>], host: Option<&str>) -> Vec<Doubt> {
    let certificates = parsed(chain);
    let mut doubts = Vec::new();
    if let (Some(der), Some(leaf)) = (chain.first(), certificates.first()) {
        if names(leaf).is_empty() {
            doubts.push(Doubt::NamesNoHost);
        } else if let Some(host) = host
            && !is_for(der, host)
        {
            doubts.push(Doubt::NamesOtherHosts { host: host.to_owned() });
        }
    }
    // A misplaced certificate breaks two links; reporting the first is enough.
    doubts.extend(certificates.iter().zip(certificates.iter().skip(1)).find_map(|(one, next)| link(one, next)));
    doubts
}

/// Returns the doubts that arise from the time, at `unix_seconds`. They differ from day to day.
pub(super) fn timely(chain: &[CertificateDer<'_>], unix_seconds: u64) -> Vec<Doubt> {
    let now = i64::try_from(unix_seconds).unwrap_or(i64::MAX);
    parsed(chain).iter().filter_map(|certificate| age(certificate, now)).collect()
}

/// Returns the name of a host for which there can be certificates, if `host` is one: neither an address, nor this
/// machine's name for itself, which no client from outside uses.
pub(super) fn named_host(host: &str) -> Option<&str> {
    let is_name = matches!(ServerName::try_from(host), Ok(ServerName::DnsName(_)));
    (is_name && !host.eq_ignore_ascii_case("localhost")).then_some(host)
}

fn parsed<'a>(chain: &'a [CertificateDer<'_>]) -> Vec<X509Certificate<'a>> {
    chain.iter().filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1)).collect()
}

fn is_for(der: &CertificateDer<'_>, host: &str) -> bool {
    match (ParsedCertificate::try_from(der), ServerName::try_from(host)) {
        (Ok(certificate), Ok(name)) => verify_server_name(&certificate, &name).is_ok(),
        _ => false,
    }
}

fn link(one: &X509Certificate<'_>, next: &X509Certificate<'_>) -> Option<Doubt> {
    let subject = one.subject().to_string();
    if one.issuer().as_raw() != next.subject().as_raw() {
        let (issuer, next) = (one.issuer().to_string(), next.subject().to_string());
        return Some(Doubt::DoesNotJoin { subject, issuer, next });
    }
    match one.verify_signature(Some(next.public_key())) {
        Err(X509Error::SignatureVerificationError) => {
            Some(Doubt::WrongSignature { subject, next: next.subject().to_string() })
        }
        // An algorithm that cannot be checked here is no reason for doubt.
        _ => None,
    }
}

fn age(certificate: &X509Certificate<'_>, now: i64) -> Option<Doubt> {
    let validity = certificate.validity();
    let (start, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let subject = || certificate.subject().to_string();
    if now < start {
        let days = start.saturating_sub(now) / DAY_SECONDS;
        Some(Doubt::NotYetValid { subject: subject(), from: date(validity.not_before), days })
    } else if now > end {
        Some(Doubt::Ended {
            subject: subject(),
            end: date(validity.not_after),
            days: now.saturating_sub(end) / DAY_SECONDS,
        })
    } else if end.saturating_sub(now) <= RENEW_DAYS * DAY_SECONDS {
        Some(Doubt::EndsSoon {
            subject: subject(),
            end: date(validity.not_after),
            days: end.saturating_sub(now) / DAY_SECONDS,
        })
    } else {
        None
    }
}
