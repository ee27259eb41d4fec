//! Where is Redis, and how does one log in there? (spec: redis.md#servers)

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates};

use super::authority::RedisAuthority;
use super::file_text::text_of;
use super::identity::RedisIdentity;

/// The address of a Redis, from host and port or from a URL. Neither way of printing it shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    place: Place,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
    /// The authority that is trusted; `None`: the public ones.
    authority: Option<RedisAuthority>,
    /// The certificate by which the service identifies itself; `None`: it does not.
    identity: Option<RedisIdentity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Tcp { host: String, port: u16 },
    Tls { host: String, port: u16 },
    Unix(PathBuf),
}

/// Why a text is not the address of a Redis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{shown}` is not the address of a Redis ({problem}); expected redis://[[user]:password@]host[:port][/database], \
     rediss://… for TLS, or unix:///path/to/socket"
)]
pub struct RedisAddressError {
    shown: String,
    problem: String,
}

/// Why a file does not hold the address of a Redis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {problem}", path.display())]
pub struct RedisAddressFileError {
    path: PathBuf,
    problem: String,
}

impl RedisAddress {
    /// Returns the address of the Redis at `host` and `port`, without TLS or password.
    #[must_use]
    pub fn from_host(host: &str, port: u16) -> Self {
        let place = Place::Tcp { host: host.to_owned(), port };
        Self { place, user: None, password: None, database: 0, authority: None, identity: None }
    }

    /// Reads the address from a file that contains only a URL; surrounding white space does not matter.
    ///
    /// # Errors
    /// The file cannot be read, or contains something else. The text shows nothing of it.
    pub fn from_file(path: &Path) -> Result<Self, RedisAddressFileError> {
        let fail = |problem| RedisAddressFileError { path: path.to_owned(), problem };
        let text = text_of(path).map_err(fail)?;
        text.parse().map_err(|RedisAddressError { problem, .. }| {
            fail(format!(
                "does not hold the address of a Redis ({problem}); expected one line, \
                 redis[s]://[[user]:password@]host[:port][/database] or unix:///path/to/socket"
            ))
        })
    }

    /// Trusts this certificate authority instead of the public ones; only matters for `rediss://`.
    #[must_use]
    pub fn trusting(self, authority: RedisAuthority) -> Self {
        Self { authority: Some(authority), ..self }
    }

    /// Presents this certificate when asked for one; only matters for `rediss://`.
    #[must_use]
    pub fn identified_by(self, identity: RedisIdentity) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Returns whether it is reached over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.place, Place::Tls { .. })
    }

    /// Returns its host and port; `None` for a Unix socket.
    #[must_use]
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        match &self.place {
            Place::Tcp { host, port } | Place::Tls { host, port } => Some((host, *port)),
            Place::Unix(_) => None,
        }
    }

    /// Returns what the client library needs to connect.
    pub(crate) fn connection_info(&self) -> Result<ConnectionInfo, RedisAddressError> {
        let place = match &self.place {
            Place::Tcp { host, port } => ConnectionAddr::Tcp(host.clone(), *port),
            Place::Tls { host, port } => {
                ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: false, tls_params: None }
            }
            Place::Unix(path) => ConnectionAddr::Unix(path.clone()),
        };
        let mut login = RedisConnectionInfo::default().set_db(self.database);
        if let Some(user) = &self.user {
            login = login.set_username(user);
        }
        if let Some(password) = &self.password {
            login = login.set_password(password);
        }
        let mut info = place.into_connection_info().map_err(|error| self.refused(&error))?;
        if let (Place::Tls { .. }, Some(certificates)) = (&self.place, self.certificates()) {
            let client = Client::build_with_tls(info, certificates).map_err(|error| self.refused(&error))?;
            info = client.get_connection_info().clone();
        }
        Ok(info.set_redis_settings(login))
    }

    /// Returns who is trusted and who the service is, for the client library; `None`: the public authorities, and
    /// nobody.
    pub(super) fn certificates(&self) -> Option<TlsCertificates> {
        (self.authority.is_some() || self.identity.is_some()).then(|| TlsCertificates {
            client_tls: self.identity.as_ref().map(RedisIdentity::client_tls),
            root_cert: self.authority.as_ref().map(RedisAuthority::pem),
        })
    }

    /// Returns the error that no connection can be made from this address.
    pub(super) fn refused(&self, problem: &dyn fmt::Display) -> RedisAddressError {
        RedisAddressError { shown: self.to_string(), problem: problem.to_string() }
    }
}

impl FromStr for RedisAddress {
    type Err = RedisAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |problem: &str| RedisAddressError { shown: redacted(text), problem: problem.to_owned() };
        // The library's error texts may quote what it did not understand, which may be part of a password.
        let info = text.into_connection_info().map_err(|error| fail(error.category()))?;
        let place = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Place::Tcp { host: host.clone(), port: *port },
            // `#insecure` would accept every certificate; then plain `redis://` is the honest choice.
            ConnectionAddr::TcpTls { insecure: true, .. } => {
                return Err(fail("a certificate is always verified: `#insecure` is not supported"));
            }
            ConnectionAddr::TcpTls { host, port, .. } => Place::Tls { host: host.clone(), port: *port },
            ConnectionAddr::Unix(path) => Place::Unix(path.clone()),
            _ => return Err(fail("this kind of address is not supported")),
        };
        let login = info.redis_settings();
        if login.db() < 0 {
            return Err(fail("the database number is negative"));
        }
        Ok(Self {
            place,
            user: login.username().map(ToOwned::to_owned),
            password: login.password().map(ToOwned::to_owned),
            database: login.db(),
            authority: None,
            identity: None,
        })
    }
}

/// Returns a text that may have been meant for an address as it may be shown: without anything that may be part of a
/// user, a password or a parameter. Other texts are unchanged.
#[must_use]
pub fn redacted(text: &str) -> String {
    let (scheme, rest) = text.find("://").map_or(("", text), |end| text.split_at(end + "://".len()));
    let secret_end = rest.rfind('@');
    let parameters = rest.find(['?', '#']).filter(|_| !scheme.is_empty() || secret_end.is_some());
    match (secret_end, parameters) {
        _ if scheme.contains('@') => "…".to_owned(),
        (None, None) => text.to_owned(),
        (None, Some(end)) => format!("{scheme}{}?…", &rest[..end]),
        (Some(at), None) => format!("{scheme}…{}", &rest[at..]),
        (Some(at), Some(end)) if at < end => format!("{scheme}…{}?…", &rest[at..end]),
        // Each may be part of a password.
        (Some(_), Some(_)) => format!("{scheme}…"),
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp { host, port } => write_place(formatter, host, *port)?,
            Place::Tls { host, port } => {
                write_place(formatter, host, *port)?;
                formatter.write_str(" (TLS)")?;
            }
            Place::Unix(path) => write!(formatter, "{}", path.display())?,
        }
        if self.database != 0 {
            write!(formatter, ", database {}", self.database)?;
        }
        Ok(())
    }
}

/// An IPv6 address needs brackets, or nobody could tell where it ends.
fn write_place(formatter: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') { write!(formatter, "[{host}]:{port}") } else { write!(formatter, "{host}:{port}") }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RedisAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, place: Place, user: Option<&str>, password: Option<&str>, database: i64) {
        let expected = RedisAddress {
            place,
            user: user.map(ToOwned::to_owned),
            password: password.map(ToOwned::to_owned),
            database,
            authority: None,
            identity: None,
        };
        let address: RedisAddress = text.parse().expect(text);
        assert_eq!(address, expected, "{text}");
        let info = address.connection_info().expect(text);
        assert_eq!(info.redis_settings().password(), password, "{text}");
        assert_eq!(info.redis_settings().username(), user, "{text}");
        assert_eq!(info.redis_settings().db(), database, "{text}");
        let printed = format!("{address} {address:?}");
        assert!(!printed.contains("geheim") && !printed.contains("ada"), "{printed}");
    }

    #[test]
    fn urls_say_place_login_and_database() {
        let tcp = |host: &str, port| Place::Tcp { host: host.to_owned(), port };
        let tls = |host: &str, port| Place::Tls { host: host.to_owned(), port };
        check("redis://cache", tcp("cache", 6379), None, None, 0);
        check("redis://cache:7000/3", tcp("cache", 7000), None, None, 3);
        check("redis://[::1]:7000", tcp("::1", 7000), None, None, 0);
        check("redis://:geheim@cache", tcp("cache", 6379), None, Some("geheim"), 0);
        check("redis://ada:ge%40heim%2F@cache/1", tcp("cache", 6379), Some("ada"), Some("ge@heim/"), 1);
        check("rediss://ada:geheim@cache:7000", tls("cache", 7000), Some("ada"), Some("geheim"), 0);
        check("unix:///run/redis.sock", Place::Unix("/run/redis.sock".into()), None, None, 0);
        check(
            "unix:///run/redis.sock?db=2&pass=geheim",
            Place::Unix("/run/redis.sock".into()),
            None,
            Some("geheim"),
            2,
        );
        assert_eq!(RedisAddress::from_host("cache", 6379), "redis://cache".parse().expect("a URL"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_a_password() {
        for text in [
            "",
            "cache:6379",
            "http://:geheim@cache",
            "redis://",
            "redis://:geheim@cache/x",
            "redis://:geheim@cache/-1",
            "redis://:geheim@cache:99999",
            "redis://:ge@heim@:x",
            ":geheim@cache",
            "rediss://:geheim@cache/#insecure",
            "unix:///a?pass=geheim&db=x",
            "unix:///a?db=x&pass=x@geheim",
            "redis://a:geheim?@cache:x",
            "redis://a:x#geheim@cache:x",
            "a:geheim@b://cache",
        ] {
            let error = text.parse::<RedisAddress>().expect_err(text).to_string();
            assert!(!error.contains("geheim"), "{error}");
            assert!(error.contains("expected redis://"), "{error}");
        }
    }

    #[test]
    fn an_ipv6_address_is_shown_in_brackets() {
        assert_eq!(RedisAddress::from_host("::1", 7000).to_string(), "[::1]:7000");
        assert_eq!(RedisAddress::from_host("cache", 7000).to_string(), "cache:7000");
    }

    #[test]
    fn a_file_holds_an_address_and_nothing_of_it_is_shown_if_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("url");
        for text in ["redis://:geheim@cache/1", "\n  redis://:geheim@cache/1 \r\n"] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(
                RedisAddress::from_file(&path),
                Ok("redis://:geheim@cache/1".parse().expect("a URL")),
                "{text:?}"
            );
        }
        for content in
            [&b""[..], b"geheim", b"\xff geheim", b"redis://:geheim@cache\nredis://:geheim@cache", &[b'x'; 2 << 20]]
        {
            std::fs::write(&path, content).expect("written");
            let error = RedisAddress::from_file(&path).expect_err("no address").to_string();
            assert!(error.contains(&path.display().to_string()) && !error.contains("geheim"), "{error}");
        }
        let missing = RedisAddress::from_file(&directory.path().join("none")).expect_err("no file").to_string();
        assert!(missing.contains("cannot be read"), "{missing}");
    }
}
