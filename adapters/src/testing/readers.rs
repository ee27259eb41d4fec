//! How can a test hand the service's own readers what comes from outside, without a socket or a file?

use std::path::Path;

use domain::projector::ProjectorIds;
use poem::Request;
use poem::http::{HeaderValue, Uri};

use crate::http::autoupdate::parse_change_id;
use crate::http::host;
use crate::http::stream_response::query_value;
use crate::redis::RedisIdentity;
use crate::tls::CertificateReport;

/// Reads the change id of a request.
///
/// # Errors
/// The text of the answer.
pub fn change_id(uri: &Uri) -> Result<u64, String> {
    let value = query_value(&request(uri), "change_id");
    parse_change_id(value.as_deref()).map(|id| id.0).map_err(|error| error.to_string())
}

/// Reads the projectors that a request asks for.
///
/// # Errors
/// The text of the answer.
pub fn projector_ids(uri: &Uri) -> Result<Vec<u64>, String> {
    let value = query_value(&request(uri), "projector_ids");
    let ids = ProjectorIds::parse(value.as_deref()).map_err(|error| error.to_string())?;
    Ok(ids.iter().map(|id| id.0).collect())
}

/// Returns whether these bytes are a value of the header `Host`.
#[must_use]
pub fn is_host(bytes: &[u8]) -> bool {
    HeaderValue::from_bytes(bytes).is_ok_and(|value| host::is_host(&value))
}

/// Reads a certificate and its key as at the start, and everything that is logged of them. Returns how many certificates
/// would be served.
///
/// # Errors
/// The text for the log.
pub fn certificate(certificate: &[u8], key: &[u8]) -> Result<usize, String> {
    let read = CertificateReport::of_texts(certificate, key);
    read.map(|(report, certificates)| {
        // What the log says must be said.
        let _ = format!("{report:?}");
        certificates
    })
    .map_err(|error| error.to_string())
}

/// Reads the certificate by which the service identifies itself to Redis, and its key. Returns how many certificates
/// would be presented.
///
/// # Errors
/// The text for the log.
pub fn client_certificate(certificate: &[u8], key: &[u8]) -> Result<usize, String> {
    let read = RedisIdentity::of_texts((Path::new("cert.pem"), certificate), (Path::new("key.pem"), key));
    read.map(|identity| identity.certificates()).map_err(|error| error.to_string())
}

fn request(uri: &Uri) -> Request {
    Request::builder().uri(uri.clone()).finish()
}
