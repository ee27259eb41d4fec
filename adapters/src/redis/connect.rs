//! How is a connection to Redis made? The only place where this happens; a simulation brings its own [`Transport`].

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_redis::{Manager, Pool, Runtime};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::{TcpSettings, socket2};
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, RedisConnectionInfo, RedisError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::limits::RedisLimits;

/// After how many seconds without traffic a connection is probed, so that a vanished other side is noticed.
const KEEP_ALIVE_SECONDS: u64 = 10;
/// The number of seconds between two probes.
const KEEP_ALIVE_INTERVAL_SECONDS: u64 = 5;

/// A connection's bytes in both directions.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for T {}

/// Opens byte streams to one Redis that needs no login.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Opens another stream.
    async fn open(&self) -> io::Result<Box<dyn ByteStream>>;

    /// Returns whether each stream begins with the greeting of the client library, as over a socket.
    fn is_greeted(&self) -> bool {
        true
    }
}

/// Names the Redis that is the primary now, as sentinels do.
#[async_trait]
pub trait SentinelTransport: Send + Sync {
    /// Returns the primary.
    ///
    /// # Errors
    /// No sentinel answers, or they know of no primary now.
    async fn primary(&self) -> io::Result<NamedTransport>;
}

/// The primary that a [`SentinelTransport`] names.
pub struct NamedTransport {
    /// Where it is; another place is another Redis.
    pub place: String,
    /// Opens byte streams to it.
    pub transport: Arc<dyn Transport>,
}

/// Makes connections to one Redis.
#[async_trait]
pub(super) trait Connector: Send + Sync {
    /// Returns a connection for one request.
    async fn lease(&self) -> Result<Lease, RedisError>;

    /// Returns a dedicated connection, for a read that waits. Its calls have no time-out by themselves.
    async fn dedicated(&self) -> Result<Dedicated, RedisError>;

    /// Drops idle connections, because the other side is no longer what it was.
    fn forget_idle(&self);

    /// Returns a number that grows when new connections begin to lead to another Redis.
    fn epoch(&self) -> u64 {
        0
    }

    /// Returns once that number is another one than `epoch`; never where it does not change.
    async fn until_moved(&self, _epoch: u64) {
        std::future::pending().await
    }
}

/// A connection lent for one request.
///
/// It is returned only by [`Lease::give_back`]. Otherwise, including when the request's future is dropped, it is
/// closed: an answer may still be on its way, and the next user would wait behind it.
pub(super) struct Lease(Option<Lent>);

enum Lent {
    Pooled(deadpool_redis::Connection),
    Dedicated(Dedicated),
}

impl Lease {
    /// The connection.
    pub(super) fn connection(&mut self) -> Option<&mut MultiplexedConnection> {
        match self.0.as_mut()? {
            Lent::Pooled(connection) => Some(connection),
            Lent::Dedicated(connection) => Some(&mut connection.connection),
        }
    }

    /// Returns a connection that works, for the next request.
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(Lent::Pooled(connection)) = self.0.take() {
            drop(deadpool_redis::Connection::take(connection));
        }
    }
}

/// A dedicated connection; closed when it is dropped.
pub(super) struct Dedicated {
    pub(super) connection: MultiplexedConnection,
    /// The value of [`Connector::epoch`] for the Redis that it leads to.
    pub(super) epoch: u64,
    /// Moves the bytes where the library does not do so itself.
    _driver: Option<JoinSet<()>>,
}

/// Connects by TCP, TLS or a Unix socket; requests share a pool.
pub(super) struct PoolConnector {
    client: Client,
    pool: Pool,
    limits: RedisLimits,
}

impl PoolConnector {
    pub(super) fn new(info: ConnectionInfo, limits: RedisLimits) -> Result<Self, RedisError> {
        let info = info.set_tcp_settings(tcp_settings());
        let manager = Manager::new_with_config(info.clone(), connection_config(limits))?;
        let pool = Pool::builder(manager)
            .max_size(limits.pool_connections_max)
            .wait_timeout(Some(limits.request))
            .create_timeout(Some(limits.connect))
            .recycle_timeout(Some(limits.recycle))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| (ErrorKind::InvalidClientConfig, "no pool of connections", error.to_string()))?;
        Ok(Self { client: Client::open(info)?, pool, limits })
    }
}

#[async_trait]
impl Connector for PoolConnector {
    async fn lease(&self) -> Result<Lease, RedisError> {
        let connection = self.pool.get().await.map_err(|error| match error {
            deadpool_redis::PoolError::Backend(error) => error,
            other => RedisError::from((ErrorKind::Io, "no connection from the pool", other.to_string())),
        })?;
        Ok(Lease(Some(Lent::Pooled(connection))))
    }

    async fn dedicated(&self) -> Result<Dedicated, RedisError> {
        let config = connection_config(self.limits);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Dedicated { connection, epoch: 0, _driver: None })
    }

    fn forget_idle(&self) {
        self.pool.retain(|_, _| false);
    }
}

/// Connects through a [`Transport`], once for each request.
pub(super) struct TransportConnector {
    transport: Arc<dyn Transport>,
    limits: RedisLimits,
}

impl TransportConnector {
    pub(super) fn new(transport: Arc<dyn Transport>, limits: RedisLimits) -> Self {
        Self { transport, limits }
    }
}

#[async_trait]
impl Connector for TransportConnector {
    async fn lease(&self) -> Result<Lease, RedisError> {
        Ok(Lease(Some(Lent::Dedicated(self.dedicated().await?))))
    }

    async fn dedicated(&self) -> Result<Dedicated, RedisError> {
        let stream = self.transport.open().await?;
        let mut login = RedisConnectionInfo::default();
        if !self.transport.is_greeted() {
            login = login.set_skip_set_lib_name();
        }
        let (connection, driver) =
            MultiplexedConnection::new_with_config(&login, stream, connection_config(self.limits)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(driver);
        Ok(Dedicated { connection, epoch: 0, _driver: Some(tasks) })
    }

    fn forget_idle(&self) {}
}

/// How a socket to Redis is configured.
pub(super) fn tcp_settings() -> TcpSettings {
    let keep_alive = socket2::TcpKeepalive::new()
        .with_time(Duration::from_secs(KEEP_ALIVE_SECONDS))
        .with_interval(Duration::from_secs(KEEP_ALIVE_INTERVAL_SECONDS));
    TcpSettings::default().set_nodelay(true).set_keepalive(keep_alive)
}

/// The library's time-out for answers (500 ms by default) is off: every call here has its own limit.
fn connection_config(limits: RedisLimits) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(limits.connect)).set_response_timeout(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fake_redis::FakeRedis;

    #[tokio::test]
    async fn only_a_connection_that_is_given_back_is_used_again() {
        let fake = FakeRedis::start().await.expect("a port");
        let info = fake.address().connection_info().expect("an address");
        let connector = PoolConnector::new(info, RedisLimits::default()).expect("an address");
        connector.lease().await.expect("a connection").give_back();
        assert_eq!((connector.pool.status().size, fake.connections_opened()), (1, 1));
        drop(connector.lease().await.expect("the same connection"));
        assert_eq!((connector.pool.status().size, fake.connections_opened()), (0, 1));
        connector.lease().await.expect("another connection").give_back();
        connector.forget_idle();
        assert_eq!((connector.pool.status().size, fake.connections_opened()), (0, 2));
    }
}
