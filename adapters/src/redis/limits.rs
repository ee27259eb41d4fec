//! How long may Redis take, and how many connections are there?

use std::time::Duration;

use domain::ports::message_bus::READ_WAIT_SECONDS_MAX;

/// The number of pooled connections to one address. Further requests wait for a free one, as part of their time.
const POOL_CONNECTIONS_MAX: usize = 8;
/// The number of connections to Redis in total: to each of two addresses a pool, and one that waits for a stream.
pub const REDIS_CONNECTIONS_MAX: usize = 2 * (POOL_CONNECTIONS_MAX + 1);
/// How long it may take to open a connection, including name lookup, TLS and password, in seconds. Longer: the request
/// fails.
const CONNECT_SECONDS_MAX: u64 = 2;
/// How long an idle connection may take to show that it still works, in seconds. Longer: it is dropped and another one
/// taken.
const RECYCLE_SECONDS_MAX: u64 = 1;
/// How long a request may take, including the wait for a connection, in seconds. Longer: unavailable (spec:
/// redis.md#losing-redis).
const REQUEST_SECONDS_MAX: u64 = 3;
/// How long it may take to read the whole meeting, or everything that changed, in seconds. Longer: unavailable.
const LOAD_SECONDS_MAX: u64 = 30;
/// How late the answer to a waiting read may come, in seconds. Later: its connection is dropped, unavailable.
const READ_MARGIN_SECONDS: u64 = 3;

/// After how many seconds the sentinels are asked again, even if all seems well: a primary that was demoted behind a
/// broken network may still answer.
const SENTINELS_ASKED_SECONDS: u64 = 5;

/// The limits of the Redis adapter.
#[derive(Clone, Copy, Debug)]
pub struct RedisLimits {
    /// Pooled connections to one address; further requests wait for a free one, as part of their time.
    pub pool_connections_max: usize,
    /// To open a connection, including name lookup, TLS and password.
    pub connect: Duration,
    /// For an idle connection to show that it still works.
    pub recycle: Duration,
    /// For a whole request, including the wait for a connection.
    pub request: Duration,
    /// To read the whole meeting, or everything that changed.
    pub load: Duration,
    /// How long a read waits for a message; at most [`READ_WAIT_SECONDS_MAX`].
    pub read_wait: Duration,
    /// How late the answer to a waiting read may come.
    pub read_margin: Duration,
    /// After how long the sentinels are asked again, even if all seems well.
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
