//! Does a request name its host, as its HTTP version demands? (RFC 9112, 3.2)

use poem::Request;
use poem::http::header::HOST;
use poem::http::uri::Authority;
use poem::http::{HeaderValue, Version};

use super::error::HttpError;

/// Refuses a request that names no host though it must, more than one, or something else. A proxy might have taken it for
/// one to another host.
///
/// # Errors
/// [`HttpError::InvalidRequest`], with what is wrong.
pub(super) fn check(request: &Request) -> Result<(), HttpError> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        // HTTP/1.0 requires none, and HTTP/2 has its own field.
        (None, _) if request.version() != Version::HTTP_11 => Ok(()),
        (None, _) => Err(HttpError::InvalidRequest("The header Host is missing".to_owned())),
        (Some(_), Some(_)) => Err(HttpError::InvalidRequest("The header Host comes more than once".to_owned())),
        (Some(host), None) if is_host(host) => Ok(()),
        (Some(host), None) => {
            let host = String::from_utf8_lossy(host.as_bytes());
            Err(HttpError::InvalidRequest(format!("The header Host has to be a host and maybe a port, not {host}")))
        }
    }
}

/// Returns whether `value` is `uri-host [ ":" port ]` (RFC 9110, 7.2). It may be empty, because the name of a host may.
pub(crate) fn is_host(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let Ok(authority) = text.parse::<Authority>() else { return text.is_empty() };
    // The parser also accepts a user before the host, and any text as the port.
    let rest = text.strip_prefix(authority.host());
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_hosts(version: Version, hosts: &[&str], expected: Result<(), &str>) {
        let mut request = Request::builder().version(version).finish();
        for host in hosts {
            request.headers_mut().append(HOST, HeaderValue::from_bytes(host.as_bytes()).expect("a header value"));
        }
        let checked = check(&request).map_err(|error| error.to_string());
        assert_eq!(checked, expected.map_err(str::to_owned), "{version:?} {hosts:?}");
    }

    /// (spec: http.md#host)
    #[test]
    fn http_1_1_needs_one_host() {
        check_hosts(Version::HTTP_11, &[], Err("The header Host is missing"));
        check_hosts(Version::HTTP_11, &["a"], Ok(()));
        check_hosts(Version::HTTP_10, &[], Ok(()));
        check_hosts(Version::HTTP_10, &["a"], Ok(()));
        check_hosts(Version::HTTP_2, &[], Ok(()));
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            check_hosts(version, &["a", "b"], Err("The header Host comes more than once"));
            check_hosts(version, &["a", "a"], Err("The header Host comes more than once"));
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_maybe_a_port() {
        for host in ["", "localhost", "localhost:8002", "localhost:", "10.0.0.7:80", "[::1]", "[::1]:8002", "a_b.c-d."]
        {
            check_hosts(Version::HTTP_11, &[host], Ok(()));
        }
        for host in ["a b", "a/b", "ä", "user@a", "a:b", "a:1:2", "[::1", "::1", "a?b", "a#b", "http://a", "<a>"] {
            let message = format!("The header Host has to be a host and maybe a port, not {host}");
            check_hosts(Version::HTTP_11, &[host], Err(&message));
        }
    }
}
