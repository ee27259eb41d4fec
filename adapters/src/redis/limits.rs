//! How long may Redis take, and how many connections are there?

use std::time::Duration;

use domain::ports::message_bus::READ_WAIT_SECONDS_MAX;

/// Pooled connections to one address. A request beyond that waits for a free one, as part of its time.
const POOL_CONNECTIONS_MAX: usize = 8;
/// Connections to Redis in all: to each of two addresses those of its pool, and one that waits for a stream.
pub const REDIS_CONNECTIONS_MAX: usize = 2 * (POOL_CONNECTIONS_MAX + 1);
/// Seconds to open a connection, names looked up, TLS and password included. Longer: the request fails.
const CONNECT_SECONDS_MAX: u64 = 2;
/// Seconds an idle connection may take to show that it still works. Longer: it is dropped and another one taken.
const RECYCLE_SECONDS_MAX: u64 = 1;
/// Seconds for a request as a whole, the wait for a connection included. Longer: unavailable (spec: redis.md, Losing Redis).
const REQUEST_SECONDS_MAX: u64 = 3;
/// Seconds to read the whole meeting, or all that changed. Longer: unavailable.
const LOAD_SECONDS_MAX: u64 = 30;
/// Seconds that the answer to a waiting read may come late. Longer: its connection is dropped, unavailable.
const READ_MARGIN_SECONDS: u64 = 3;

/// Seconds after which the sentinels are asked again, though all seems well: a primary that was demoted behind a broken
/// network may still answer.
const SENTINELS_ASKED_SECONDS: u64 = 5;

/// The limits of the Redis adapter.
#[derive(Clone, Copy, Debug)]
pub struct RedisLimits {
    /// Pooled connections to one address; a request beyond that waits for a free one, as part of its time.
    pub pool_connections_max: usize,
    /// To open a connection, names looked up, TLS and password included.
    pub connect: Duration,
    /// For an idle connection to show that it still works.
    pub recycle: Duration,
    /// For a request as a whole, the wait for a connection included.
    pub request: Duration,
    /// To read the whole meeting, or all that changed.
    pub load: Duration,
    /// How long a read waits for a message; at most [`READ_WAIT_SECONDS_MAX`].
    pub read_wait: Duration,
    /// By how much the answer to a waiting read may come late.
    pub read_margin: Duration,
    /// After how long the sentinels are asked again, though all seems well.
    pub sentinels_asked: Duration,
}

impl Default for RedisLimits {
    fn default() -> Self {
        Self {
            pool_connections_max: POOL_CONNECTIONS_MAX,
            connect: Duration::from_secs(CONNECT_SECONDS_MAX),
            recycle: Duration::from_secs(RECYCLE_SECONDS_MAX),
            request: Duration::from_secs(REQUEST_SECONDS_MAX),
            load: Duration::from_secs(LOAD_SECONDS_MAX),
            read_wait: Duration::from_secs(READ_WAIT_SECONDS_MAX),
            read_margin: Duration::from_secs(READ_MARGIN_SECONDS),
            sentinels_asked: Duration::from_secs(SENTINELS_ASKED_SECONDS),
        }
    }
}
