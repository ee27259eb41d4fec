//! Which texts are values of a setting? Each parser's error says what was expected.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use adapters::redis::{RedisAddress, SentinelAddresses, SentinelAddressesError};
use domain::ids::UserId;
use tracing_subscriber::EnvFilter;

/// The longest time that can be set, in seconds: a year. Clocks could not count to the end of much longer ones.
const SECONDS_MAX: u64 = 365 * 24 * 60 * 60;

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
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

/// What is logged: a filter that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// For the subscriber.
    #[must_use]
    pub(crate) fn env_filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl FromStr for LogFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "error, warn, info, debug, trace or off, or a list such as `info,adapters::redis=debug`";
        // A single word that is no level would be taken for the name of a part, and everything else be silent.
        let words_are_levels = text
            .split(',')
            .filter(|directive| !directive.contains(['=', '[']))
            .all(|word| word.trim().parse::<tracing_subscriber::filter::LevelFilter>().is_ok());
        if words_are_levels && EnvFilter::try_new(text).is_ok() { Ok(Self(text.to_owned())) } else { Err(EXPECTED) }
    }
}

/// Whose every request is, if sessions are not checked.
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

/// Where metrics are served, if they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MetricsAddress(pub(crate) Option<SocketAddr>);

impl FromStr for MetricsAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let address =
            text.parse().map_err(|_| "an address and a port such as 127.0.0.1:9100 or [::]:9100, or nothing")?;
        Ok(Self(Some(address)))
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

/// The name of what sentinels watch; the characters are those that they allow.
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
    // The error's own text repeats the value, which the caller shows already.
    text.parse().map_err(|_| "redis[s]://[[user]:password@]host[:port][/database] or unix:///path/to/socket")
}

/// A value as it may be shown: without what could be a user and password.
pub(super) fn redacted(value: &str) -> String {
    match value.rsplit_once('@') {
        None => value.to_owned(),
        Some((secret, rest)) => {
            let scheme = secret.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://…@{rest}")
        }
    }
}

pub(super) fn one_of<T: FromStr<Err = &'static str>>(text: &str) -> Result<T, &'static str> {
    text.parse()
}

pub(super) fn port(text: &str) -> Result<u16, &'static str> {
    text.parse().map_err(|_| "a port number from 0 to 65535")
}

pub(super) fn host(text: &str) -> Result<String, &'static str> {
    let usable =
        !text.is_empty() && !text.contains(|character: char| character.is_whitespace() || "/@".contains(character));
    if usable { Ok(text.to_owned()) } else { Err("the name or address of a host") }
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

fn number(text: &str, min: u64, max: u64, unit: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(format!("a whole number of {unit} from {min} to {max}")),
    }
}
