//! Which texts are values of a setting? Each parser's error says what was expected.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use adapters::http::listen::without_brackets;
use adapters::redis::{RedisAddress, SentinelAddresses, SentinelAddressesError};
use domain::ids::UserId;
use tracing_subscriber::EnvFilter;

/// The longest time that can be set, in seconds: a year. Clocks could overflow with much longer ones.
const SECONDS_MAX: u64 = 365 * 24 * 60 * 60;

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("one of text, json"),
        }
    }
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// It is not.
    Off,
    /// It is.
    On,
}

impl FromStr for Switch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            "on" => Ok(Self::On),
            _ => Err("one of off, on"),
        }
    }
}

/// What is logged: a validated filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// Returns the filter for the subscriber.
    #[must_use]
    pub(crate) fn env_filter(&self) -> EnvFilter {
        // The library warns of every connection that misbehaves: whoever attacks could fill the log.
        EnvFilter::new(format!("h2=error,{}", self.0))
    }
}

impl FromStr for LogFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "error, warn, info, debug, trace or off, or a list such as `info,adapters::redis=debug`";
        // A single word that is not a level would be taken for the name of a module, and silence everything else.
        let words_are_levels = text
            .split(',')
            .filter(|directive| !directive.contains(['=', '[']))
            .all(|word| word.trim().parse::<tracing_subscriber::filter::LevelFilter>().is_ok());
        if words_are_levels && EnvFilter::try_new(text).is_ok() { Ok(Self(text.to_owned())) } else { Err(EXPECTED) }
    }
}

/// Whether sessions are checked, and if not, the user that every request is served as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FakeAuth {
    /// Sessions are checked.
    Off,
    /// Every request is anonymous.
    Anonymous,
    /// Every request is this user's.
    User(UserId),
}

impl FromStr for FakeAuth {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<i64>() {
            Ok(-1) => Ok(Self::Off),
            Ok(0) => Ok(Self::Anonymous),
            Ok(id @ 1..) => Ok(Self::User(UserId(id.unsigned_abs()))),
            _ => Err("a user id, 0 for anonymous, or -1 to check sessions"),
        }
    }
}

/// Where the service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListenHost {
    /// An address or a name; empty, `*`, `::`: all addresses.
    Network(String),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl FromStr for ListenHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "an address or a name without a port, or unix:/path/to/socket";
        if text.is_empty() || text == "*" {
            return Ok(Self::Network(text.to_owned()));
        }
        let Some(path) = text.strip_prefix("unix:") else {
            return host(text).map(Self::Network).map_err(|_| EXPECTED);
        };
        // As in a URL: `unix:///path`.
        let path = Path::new(path.strip_prefix("//").unwrap_or(path));
        if path.is_absolute() { Ok(Self::Unix(path.to_owned())) } else { Err(EXPECTED) }
    }
}

/// Where metrics are served, if at all: host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricsAddress(pub(crate) Option<(String, u16)>);

impl FromStr for MetricsAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "an address and a port such as 127.0.0.1:9100, [::1]:9100 or :9100, or nothing";
        if text.is_empty() {
            return Ok(Self(None));
        }
        let (address, number) = text.rsplit_once(':').ok_or(EXPECTED)?;
        let address = match address {
            "" | "*" => address.to_owned(),
            // Without brackets nobody could tell where the address ends.
            _ if address.contains(':') && !address.starts_with('[') => return Err(EXPECTED),
            _ => host(address).map_err(|_| EXPECTED)?,
        };
        Ok(Self(Some((address, port(number).map_err(|_| EXPECTED)?))))
    }
}

/// A password, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(pub(crate) String);

impl FromStr for Password {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// The addresses of sentinels.
pub(super) fn sentinels(text: &str) -> Result<SentinelAddresses, SentinelAddressesError> {
    text.parse()
}

/// The name of what sentinels watch; only the characters that they allow.
pub(super) fn master_name(text: &str) -> Result<String, &'static str> {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !text.is_empty() && text.bytes().all(usable) {
        Ok(text.to_owned())
    } else {
        Err("letters, digits, `.`, `-`, `_`")
    }
}

/// The address of a Redis server.
pub(super) fn redis(text: &str) -> Result<RedisAddress, &'static str> {
    // The error's own text repeats the value, which the caller already shows.
    text.parse().map_err(|_| "redis[s]://[[user]:password@]host[:port][/database] or unix:///path/to/socket")
}

pub(super) fn one_of<T: FromStr<Err = &'static str>>(text: &str) -> Result<T, &'static str> {
    text.parse()
}

pub(super) fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "a port number from 0 to 65535")
}

/// Parses the name or address of a host, an IPv6 address with or without brackets; returned without them.
pub(super) fn host(text: &str) -> Result<String, &'static str> {
    let bare = without_brackets(text);
    // The name of an interface may follow: `fe80::1%eth0`.
    let is_ipv6 = || bare.split('%').next().is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    let is_usable = |one: char| !one.is_whitespace() && !"/@[]".contains(one);
    let is_name = !bare.contains(':') && bare.len() == text.len();
    if !bare.is_empty() && bare.chars().all(is_usable) && (is_name || is_ipv6()) {
        Ok(bare.to_owned())
    } else {
        Err("the name or address of a host, without a port")
    }
}

/// Parses a host as [`host`] does, or nothing.
pub(super) fn host_or_none(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Ok(String::new()) } else { host(text) }
}

pub(super) fn cookie_name(text: &str) -> Result<String, &'static str> {
    let usable = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    if !text.is_empty() && text.bytes().all(usable) { Ok(text.to_owned()) } else { Err("the name of a cookie") }
}

pub(super) fn seconds<const MIN: u64>(text: &str) -> Result<u64, String> {
    number(text, MIN, SECONDS_MAX, "seconds")
}

pub(super) fn milliseconds<const MIN: u64>(text: &str) -> Result<u64, String> {
    number(text, MIN, SECONDS_MAX * 1000, "milliseconds")
}

pub(super) fn bytes(text: &str) -> Result<u64, String> {
    number(text, 0, u64::MAX, "bytes")
}

pub(super) fn count<const MIN: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= MIN => Ok(number),
        _ => Err(format!("a whole number, at least {MIN}")),
    }
}

/// Parses how often something may happen a minute.
pub(super) fn per_minute(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("a whole number from 0 to {}", u32::MAX))
}

fn number(text: &str, min: u64, max: u64, unit: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(format!("a whole number of {unit} from {min} to {max}")),
    }
}
