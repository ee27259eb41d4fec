//! How much may a client demand of the service before its request reaches an endpoint?
//!
//! Each limit says what happens when it is reached. What operators need to change is in [`Limits`]; the rest are
//! constants, chosen for browsers that keep a few endless responses open, and proxies that keep many.

use std::time::Duration;

use application::limits::streams::StreamLimits;

use super::body::BODY_SECONDS_MAX;
use super::client_address::TrustedProxies;

/// What differs between installations and tests.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The maximum number of simultaneous connections. Further ones wait in the kernel's backlog until one ends, and so
    /// do requests for `/system/health`.
    pub connections_max: usize,
    /// From the accepted connection to the first bytes that reveal its protocol, and once more within TLS. A connection
    /// that takes longer is closed silently.
    pub first_bytes: Duration,
    /// The TLS handshake. A connection that takes longer is closed silently.
    pub handshake: Duration,
    /// For HTTP/1.1: one request header, from its first byte. A connection that takes longer is closed.
    pub header: Duration,
    /// How long a connection without a request stays open: longer than proxies keep theirs, because they do not repeat
    /// a POST on a connection that was closed in the meantime (Caddy: two minutes). Then it is closed; over HTTP/2 with
    /// GOAWAY.
    pub unused: Duration,
    /// For HTTP/2: how often a connection is asked for a sign of life (PING).
    pub ping_interval: Duration,
    /// For HTTP/2: how long the answer may take. A connection that takes longer is closed.
    pub ping_timeout: Duration,
    /// From the beginning of draining to the forced end of what is still open.
    pub drain: Duration,
    /// What one client may have of what all share.
    pub shares: FairShares,
}

/// How much of what all share one client may have (spec: http.md#fair-shares).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FairShares {
    /// How many connections an address may have. Further ones are closed at once.
    pub connections_per_address_max: usize,
    /// How many streams may be open. Further ones are answered with `429`.
    pub streams: StreamLimits,
    /// How many messages a user may send a minute; 0: no limit. Further ones are answered with `429`.
    pub sends_per_minute_max: u32,
    /// How often a user may applaud a minute; 0: no limit. Further applause is answered with `429`.
    pub claps_per_minute_max: u32,
    /// Who may speak for other addresses, and has as many connections as it likes.
    pub trusted_proxies: TrustedProxies,
}

impl Default for FairShares {
    fn default() -> Self {
        Self {
            connections_per_address_max: CONNECTIONS_PER_ADDRESS_MAX,
            streams: StreamLimits {
                all_max: STREAMS_MAX,
                per_user_max: STREAMS_PER_USER_MAX,
                per_address_max: STREAMS_PER_ADDRESS_MAX,
            },
            sends_per_minute_max: SENDS_PER_MINUTE_MAX,
            claps_per_minute_max: CLAPS_PER_MINUTE_MAX,
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// The default of [`FairShares::connections_per_address_max`]: half of all, so that nobody can have them all, and still
/// a hall of 5,000 behind one address, twice.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = CONNECTIONS_MAX / 2;

/// The default of [`StreamLimits::all_max`]: the three streams of a tab for each connection.
pub const STREAMS_MAX: usize = 3 * CONNECTIONS_MAX;

/// The default of [`StreamLimits::per_address_max`]: the three streams of 5,000 people and a fifth more, and less than
/// there are connections: a proxy that speaks HTTP/1.1 has one for each stream, and others need some too.
pub const STREAMS_PER_ADDRESS_MAX: usize = CONNECTIONS_MAX / 10 * 9;

/// The default of [`StreamLimits::per_user_max`]: a thousand tabs, because some accounts are shared.
pub const STREAMS_PER_USER_MAX: usize = 3_000;

/// The default of [`FairShares::sends_per_minute_max`]: ten a second. The client sends when a person does something.
pub const SENDS_PER_MINUTE_MAX: u32 = 600;

/// The default of [`FairShares::claps_per_minute_max`]: ten a second. Applause of one user counts once, however often
/// it comes.
pub const CLAPS_PER_MINUTE_MAX: u32 = 600;

/// How much longer than draining the service waits for responses to end before it cuts them, in seconds: a stream that
/// is ending needs a moment for its last line.
const DRAIN_GRACE_SECONDS: u64 = 2;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            first_bytes: Duration::from_secs(15),
            handshake: Duration::from_secs(15),
            header: Duration::from_secs(30),
            unused: Duration::from_secs(150),
            ping_interval: Duration::from_secs(30),
            // An answer may have to wait behind what a slow client is still reading.
            ping_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(1 + DRAIN_GRACE_SECONDS),
            shares: FairShares::default(),
        }
    }
}

/// The default of [`Limits::connections_max`]: twice the largest meeting, with a connection for each browser.
pub const CONNECTIONS_MAX: usize = 20_000;

/// How many connections wait in the kernel to be accepted; the kernel may lower it (`net.core.somaxconn`). Further ones
/// are not answered, and their clients retry. After a restart all clients reconnect within half a second.
pub const BACKLOG_CONNECTIONS: u16 = 8192;

/// How long a quiet connection waits before TCP asks for a sign of life, in seconds. A connection that gives none is
/// ended by the kernel, on Linux after [`UNREAD_SECONDS_MAX`]: this is what notices a vanished HTTP/1.1 client when
/// lines are rarer than this.
pub const TCP_KEEP_ALIVE_SECONDS: u64 = 60;

/// How many unsent bytes the kernel holds; at the limit the connection counts as not ready. What it holds can neither
/// be replaced by a newer difference nor overtaken by a PING.
pub const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// How long a client may leave data unread or unacknowledged, and how long it may take to read one line, in seconds;
/// then the connection ends, or over HTTP/2 the stream. Such a client has vanished, or sleeps and will return with its
/// change id; the version of the meeting that it was being sent would stay in memory for it.
pub const UNREAD_SECONDS_MAX: u32 = 300;

/// How many bytes of a stream are taken before they are written, except for the last part. More would only be older:
/// what is not taken yet can still be replaced by a newer difference.
pub(super) const TAKEN_BYTES_MAX: usize = 64 * 1024;

/// How many parts one write carries. Further ones go with the next write.
pub(super) const WRITE_PARTS_MAX: usize = 64;

/// The maximum size of a request header, in bytes. A larger one is answered with `431`.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;

/// How many requests one HTTP/2 connection may have open. Further ones wait with the client. A browser's tab needs three,
/// and all tabs share a connection; a proxy shares one between several clients.
pub(super) const OPEN_REQUESTS_MAX: u32 = 256;

/// How many bytes of header fields an HTTP/2 client may have remembered: none. Connections carry few requests and live
/// long, so what that saves on the wire is not worth the memory.
pub(super) const HEADER_TABLE_BYTES: u32 = 0;

/// The maximum size of an HTTP/2 client's frames, in bytes: as small as the protocol allows. A larger one ends the
/// connection.
pub(super) const FRAME_BYTES_MAX: u32 = 16 * 1024;

/// How many bytes of request bodies an HTTP/2 client may send before somebody reads them, on a stream and on the
/// connection: the protocol's initial value. Further ones wait with the client.
pub(super) const BODY_WINDOW_BYTES: u32 = 65_535;

/// How many small DATA frames may wait to be read, as bytes of their overhead. More end the connection.
pub(super) const FRAME_OVERHEAD_BYTES_MAX: usize = 32 * 1024;

/// How many streams that the service reset are remembered, and for how long, so that frames already on their way do not
/// count as mistakes of the client. Later frames, and frames for other streams, end the connection.
pub(super) const RESET_STREAMS_MAX: usize = 64;
pub(super) const RESET_STREAM_TIME: Duration = Duration::from_secs(BODY_SECONDS_MAX);

/// How many requests may be cancelled before anybody looked at them. More end the connection.
pub(super) const UNSEEN_RESETS_MAX: usize = 64;

/// How many requests of one connection may break the protocol, or exceed [`OPEN_REQUESTS_MAX`]. More end the connection.
pub(super) const MISTAKES_MAX: usize = 1024;

impl Limits {
    /// Returns limits with what operators choose; the rest has its default. Streams end themselves within
    /// `drain_seconds`.
    #[must_use]
    pub fn new(connections_max: usize, drain_seconds: u64) -> Self {
        let drain = Duration::from_secs(drain_seconds.saturating_add(DRAIN_GRACE_SECONDS));
        Self { connections_max, drain, ..Self::default() }
    }
}
