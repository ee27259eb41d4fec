//! Where are the sentinels that know the primary, and how does one log in there? (spec: redis.md#servers)

use std::fmt;
use std::str::FromStr;

use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{ConnectionAddr, RedisResult, TlsMode};

use super::address::RedisAddress;
use super::connect::tcp_settings;

/// The port of a sentinel for which none is given.
const SENTINEL_PORT: u16 = 26_379;
/// The prefix of the address of a sentinel that is reached over TLS.
const TLS_SCHEME: &str = "rediss://";

/// A primary that is found by asking sentinels. Neither way of printing it shows a password.
#[derive(Clone)]
pub struct RedisSentinels {
    /// The sentinels to ask.
    pub sentinels: SentinelAddresses,
    /// The name by which the sentinels know the primary and its replicas.
    pub master: String,
    /// The user at the sentinels; `None`: the default one.
    pub user: Option<String>,
    /// The password at the sentinels; `None`: there is none.
    pub password: Option<String>,
    /// The login, the database and TLS of the primary, and the trusted authority and client certificate, which also
    /// apply to the sentinels. Its host does not matter: the sentinels name it.
    pub nodes: RedisAddress,
}

impl RedisSentinels {
    /// Returns the client library's way to ask them.
    pub(super) fn client(&self) -> RedisResult<SentinelClient> {
        let addresses = self.sentinels.places.iter().map(|Place { host, port }| {
            let (host, port) = (host.clone(), *port);
            if self.sentinels.is_tls {
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
            } else {
                ConnectionAddr::Tcp(host, port)
            }
        });
        let mut builder = SentinelClientBuilder::new(addresses, &self.master, SentinelServerType::Master)?
            .set_client_to_sentinel_tcp_settings(tcp_settings())
            .set_client_to_redis_tcp_settings(tcp_settings())
            .set_client_to_redis_db(self.nodes.database);
        if let Some(user) = &self.user {
            builder = builder.set_client_to_sentinel_username(user);
        }
        if let Some(password) = &self.password {
            builder = builder.set_client_to_sentinel_password(password);
        }
        if let Some(user) = &self.nodes.user {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = &self.nodes.password {
            builder = builder.set_client_to_redis_password(password);
        }
        if self.nodes.is_tls() {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
        }
        if let Some(certificates) = self.nodes.certificates() {
            if self.sentinels.is_tls() {
                builder = builder.set_client_to_sentinel_certificates(certificates.clone());
            }
            builder = builder.set_client_to_redis_certificates(certificates);
        }
        builder.build()
    }
}

impl fmt::Display for RedisSentinels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the primary `{}` that the sentinels {} name", self.master, self.sentinels)
    }
}

impl fmt::Debug for RedisSentinels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RedisSentinels({self})")
    }
}

/// The addresses of sentinels: `host[:port]`, separated by commas; all with `rediss://` in front if they speak TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentinelAddresses {
    places: Vec<Place>,
    is_tls: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
}

impl SentinelAddresses {
    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns whether they are reached over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }
}

/// Why a text is not a list of addresses of sentinels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("host[:port] of each sentinel, separated by commas, either none or all with rediss:// in front for TLS")]
pub struct SentinelAddressesError;

impl FromStr for SentinelAddresses {
    type Err = SentinelAddressesError;

    /// An empty text is an empty list.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let texts: Vec<_> = text.split(',').map(str::trim).collect();
        let with_tls = texts.iter().filter_map(|text| text.strip_prefix(TLS_SCHEME));
        let with_tls: Option<Vec<Place>> = with_tls.map(place).collect();
        match with_tls {
            Some(places) if places.is_empty() => {
                let places: Option<Vec<_>> = texts.into_iter().map(place).collect();
                places.map(|places| Self { places, is_tls: false })
            }
            Some(places) if places.len() == texts.len() => Some(Self { places, is_tls: true }),
            _ => None,
        }
        .ok_or(SentinelAddressesError)
    }
}

impl fmt::Display for SentinelAddresses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.places.iter().map(|Place { host, port }| {
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
        });
        write!(formatter, "{}{}", places.collect::<Vec<_>>().join(", "), if self.is_tls { " (TLS)" } else { "" })
    }
}

/// `host`, `host:port`, `[address]` or `[address]:port`.
fn place(text: &str) -> Option<Place> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(text) => text.split_once(']').filter(|(host, _)| host.contains(':'))?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port != 0)?,
        None if rest.is_empty() => SENTINEL_PORT,
        None => return None,
    };
    let is_host = !host.is_empty() && host.chars().all(|one| one.is_alphanumeric() || "-._:%".contains(one));
    is_host.then(|| Place { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        let addresses: SentinelAddresses = text.parse().expect(text);
        assert_eq!(addresses.to_string(), shown, "{text}");
        assert_eq!(addresses.is_tls(), text.contains("rediss://"), "{text}");
    }

    #[test]
    fn a_list_of_sentinels_is_read() {
        check("one", "one:26379");
        check("one:1,two , 10.0.0.3:65535", "one:1, two:26379, 10.0.0.3:65535");
        check("[::1],[fd00::2]:7", "[::1]:26379, [fd00::2]:7");
        check("rediss://one,rediss://two:7", "one:26379, two:7 (TLS)");
        assert_eq!("".parse(), Ok(SentinelAddresses::default()));
    }

    #[test]
    fn what_is_no_list_of_sentinels_is_refused() {
        for text in [
            ",",
            "one,",
            "one:",
            "one:x",
            "one:0",
            "one:65536",
            "one:1:2",
            "fd00::2",
            "[one]",
            "[::1]7",
            "[::1",
            "redis://one",
            "rediss://",
            "one,rediss://two",
            "user@one",
            "one two",
            "one/1",
        ] {
            assert_eq!(text.parse::<SentinelAddresses>(), Err(SentinelAddressesError), "{text}");
        }
    }

    #[test]
    fn passwords_are_used_and_not_shown() {
        let sentinels = RedisSentinels {
            sentinels: "one,two".parse().expect("addresses"),
            master: "mymaster".to_owned(),
            user: None,
            password: Some("geheim".to_owned()),
            nodes: "rediss://ada:geheim@mymaster/3".parse().expect("an address"),
        };
        assert!(sentinels.client().is_ok());
        let shown = format!("{sentinels} {sentinels:?}");
        assert!(!shown.contains("geheim") && shown.contains("`mymaster`") && shown.contains("two:26379"), "{shown}");
    }
}
