//! Which attacks are known? One file each.

mod claps;
mod continuation;
mod cookies;
mod descriptors;
mod drip;
mod endless_body;
mod header_list;
mod hpack;
mod made_you_reset;
mod no_window;
mod ping;
mod pipelining;
mod rapid_reset;
mod sends;
mod settings;
mod silent;
mod small_window;
mod smuggling;
mod streams;
mod streams_http2;
mod unfinished_tls;

use std::fmt;
use std::str::FromStr;

use super::attacker::{Attacker, CLOSED, NOT_OPENED, OPEN, UNREAD};
use super::ends::Ends;
use crate::error::LoadError;

/// A known attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Connections that say nothing.
    Silent,
    /// A header byte by byte.
    Drip,
    /// TLS handshakes that never end.
    UnfinishedTls,
    /// HTTP/2 requests, cancelled at once.
    RapidReset,
    /// HTTP/2 requests that the service has to cancel.
    MadeYouReset,
    /// HTTP/2 headers without end.
    Continuation,
    /// HTTP/2 SETTINGS without end.
    Settings,
    /// HTTP/2 PINGs without end.
    Ping,
    /// HTTP/2 headers that are large when decoded.
    Hpack,
    /// HTTP/1.1 header fields without end.
    HeaderList,
    /// Cookies without end.
    Cookies,
    /// HTTP/2 windows of nothing.
    NoWindow,
    /// HTTP/2 windows of one byte.
    SmallWindow,
    /// Thousands of streams of one user.
    Streams,
    /// Too many streams on one HTTP/2 connection.
    StreamsHttp2,
    /// Requests of ambiguous length.
    Smuggling,
    /// Requests behind a stream.
    Pipelining,
    /// Bodies without end beside a stream.
    EndlessBody,
    /// A thousand messages a second of one user.
    Sends,
    /// Applause of one user, a thousand times a second.
    Claps,
    /// Thousands of connections of one address.
    Connections,
    /// As many connections as the service has descriptors.
    Descriptors,
}

/// What is known of an attack in advance.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// How many connections it opens.
    pub count: usize,
    /// How long it lasts, in seconds: longer than the limit, unless that takes minutes.
    pub seconds: u64,
    /// The limits it meets, as `docs/OPERATIONS.md` names them.
    pub limit: &'static str,
    /// The ways in which it may end for its connections or requests, or their beginnings.
    pub ends: &'static [&'static str],
}

/// The most connections that an attack opens.
pub const COUNT_MAX: usize = 30_000;

/// The longest time of an attack, in seconds.
pub const SECONDS_MAX: u64 = 600;

type Words = &'static [&'static str];

const fn known(name: &'static str, count: usize, seconds: u64, limit: &'static str, ends: Words) -> Known {
    Known { name, count, seconds, limit, ends }
}

const CALM: &str = "GOAWAY ENHANCE_YOUR_CALM";

impl Attack {
    /// Every attack.
    pub const ALL: [Self; 22] = [
        Self::Silent,
        Self::Drip,
        Self::UnfinishedTls,
        Self::RapidReset,
        Self::MadeYouReset,
        Self::Continuation,
        Self::Settings,
        Self::Ping,
        Self::Hpack,
        Self::HeaderList,
        Self::Cookies,
        Self::NoWindow,
        Self::SmallWindow,
        Self::Streams,
        Self::StreamsHttp2,
        Self::Smuggling,
        Self::Pipelining,
        Self::EndlessBody,
        Self::Sends,
        Self::Claps,
        Self::Connections,
        Self::Descriptors,
    ];

    /// Returns what is known of it.
    #[must_use]
    pub const fn known(self) -> Known {
        match self {
            Self::Silent => known("silent", 1_000, 20, "first bytes, 15 s", &[CLOSED, OPEN]),
            Self::Drip => known("drip", 1_000, 35, "header, 30 s", &[CLOSED, OPEN]),
            Self::UnfinishedTls => known("unfinished-tls", 1_000, 20, "TLS handshake, 15 s", &[CLOSED, OPEN]),
            Self::RapidReset => known("rapid-reset", 50, 10, "UNSEEN_RESETS_MAX", &[CALM, CLOSED]),
            Self::MadeYouReset => known("made-you-reset", 50, 10, "MISTAKES_MAX", &[CALM, CLOSED, "RST_STREAM"]),
            Self::Continuation => known("continuation", 50, 10, "HEADER_BYTES_MAX", &[CALM, CLOSED, "GOAWAY", "431"]),
            Self::Settings => {
                known("settings", 50, 10, "nothing is read that cannot be answered", &[UNREAD, CLOSED, CALM])
            }
            Self::Ping => known("ping", 50, 10, "nothing is read that cannot be answered", &[UNREAD, CLOSED, CALM]),
            Self::Hpack => known(
                "hpack",
                50,
                10,
                "HEADER_BYTES_MAX, HEADER_TABLE_BYTES",
                &["431", CALM, CLOSED, UNREAD, "GOAWAY COMPRESSION_ERROR", "RST_STREAM"],
            ),
            Self::HeaderList => known("header-list", 200, 10, "HEADER_BYTES_MAX", &["431", CLOSED]),
            Self::Cookies => known(
                "cookies",
                100,
                10,
                "HEADER_BYTES_MAX",
                &["400", "431", CLOSED, CALM, UNREAD, OPEN, "RST_STREAM REFUSED_STREAM"],
            ),
            Self::NoWindow => {
                known("no-window", 50, 20, "UNREAD_SECONDS_MAX, 5 min", &["200", OPEN, "RST_STREAM", CLOSED])
            }
            Self::SmallWindow => {
                known("small-window", 20, 20, "UNREAD_SECONDS_MAX, 5 min", &["200", OPEN, "RST_STREAM", CLOSED])
            }
            Self::Streams => known("streams", 4_000, 15, "STREAMS_PER_USER_MAX", &["200", "429", CLOSED]),
            Self::StreamsHttp2 => known(
                "streams-http2",
                20,
                10,
                "OPEN_REQUESTS_MAX",
                &["200", OPEN, "RST_STREAM REFUSED_STREAM", "429", CLOSED],
            ),
            Self::Smuggling => known("smuggling", 1, 60, "one answer, then the end", &["400, closed", "200, closed"]),
            Self::Pipelining => known("pipelining", 100, 10, "BODY_BYTES_MAX", &["200, closed", "429, closed", CLOSED]),
            Self::EndlessBody => known(
                "endless-body",
                100,
                10,
                "BODY_BYTES_MAX",
                &["200", CLOSED, UNREAD, "RST_STREAM", "GOAWAY FLOW_CONTROL_ERROR"],
            ),
            Self::Sends => known("sends", 10, 10, "SENDS_PER_MINUTE_MAX", &["200", "429"]),
            Self::Claps => known("claps", 10, 10, "CLAPS_PER_MINUTE_MAX", &["200", "429"]),
            Self::Connections => {
                known("connections", 20_000, 20, "CONNECTIONS_PER_ADDRESS_MAX", &[CLOSED, OPEN, NOT_OPENED])
            }
            Self::Descriptors => known("descriptors", 20_000, 30, "CONNECTIONS_MAX", &[CLOSED, OPEN, NOT_OPENED]),
        }
    }

    /// Attacks until the time is over; returns how it ended for each connection or request.
    pub(super) async fn run(self, attacker: &Attacker) -> Ends {
        match self {
            Self::Silent | Self::Connections => silent::attack(attacker).await,
            Self::Drip => drip::attack(attacker).await,
            Self::UnfinishedTls => unfinished_tls::attack(attacker).await,
            Self::RapidReset => rapid_reset::attack(attacker).await,
            Self::MadeYouReset => made_you_reset::attack(attacker).await,
            Self::Continuation => continuation::attack(attacker).await,
            Self::Settings => settings::attack(attacker).await,
            Self::Ping => ping::attack(attacker).await,
            Self::Hpack => hpack::attack(attacker).await,
            Self::HeaderList => header_list::attack(attacker).await,
            Self::Cookies => cookies::attack(attacker).await,
            Self::NoWindow => no_window::attack(attacker).await,
            Self::SmallWindow => small_window::attack(attacker).await,
            Self::Streams => streams::attack(attacker).await,
            Self::StreamsHttp2 => streams_http2::attack(attacker).await,
            Self::Smuggling => smuggling::attack(attacker).await,
            Self::Pipelining => pipelining::attack(attacker).await,
            Self::EndlessBody => endless_body::attack(attacker).await,
            Self::Sends => sends::attack(attacker).await,
            Self::Claps => claps::attack(attacker).await,
            Self::Descriptors => descriptors::attack(attacker).await,
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.known().name)
    }
}

impl FromStr for Attack {
    type Err = LoadError;

    fn from_str(text: &str) -> Result<Self, LoadError> {
        let names = || Self::ALL.map(|attack| attack.known().name).join(", ");
        let attack = Self::ALL.into_iter().find(|attack| attack.known().name == text);
        attack.ok_or_else(|| LoadError::Usage(format!("{text:?} is none of {}", names())))
    }
}
