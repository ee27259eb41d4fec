//! Where is the installation? The address as a browser would be given it.

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::error::LoadError;

/// An address that begins with `http://` or `https://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whether it is reached over TLS.
    pub is_tls: bool,
    /// Host and, if it was given, port: what browsers send as `Host`.
    pub authority: String,
    /// The path, without a slash at its end.
    pub path: String,
    host: String,
    port: u16,
}

impl Address {
    /// Returns the host, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the full address of `path` here.
    #[must_use]
    pub fn to(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(formatter, "{scheme}://{}{}", self.authority, self.path)
    }
}

impl FromStr for Address {
    type Err = LoadError;

    fn from_str(text: &str) -> Result<Self, LoadError> {
        let wrong = || LoadError::Usage(format!("{text:?} is not an address such as https://openslides.example.org"));
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { is_tls, authority: authority.as_str().to_owned(), path, host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str, u16)>) {
        let address: Option<Address> = text.parse().ok();
        let found = address.as_ref().map(|address| (address.to_string(), address.host(), address.port()));
        assert_eq!(found, expected.map(|(shown, host, port)| (shown.to_owned(), host, port)), "{text}");
    }

    #[test]
    fn addresses_are_those_of_browsers() {
        check("https://hall.example.org", Some(("https://hall.example.org", "hall.example.org", 443)));
        check("https://hall.example.org:8443/", Some(("https://hall.example.org:8443", "hall.example.org", 8443)));
        check("http://[::1]:8002", Some(("http://[::1]:8002", "::1", 8002)));
        check("http://127.0.0.1:9100/metrics", Some(("http://127.0.0.1:9100/metrics", "127.0.0.1", 9100)));
        for text in ["hall.example.org", "ftp://hall", "https://", "https://user:word@hall", "https://hall/?a=b"] {
            check(text, None);
        }
    }
}
