//! How does the service speak with Redis? (spec: redis.md#addresses)
//!
//! Two addresses: reads go to the one (often a replica), writes to the other. Requests take a connection from a pool; a
//! read that waits for new messages has its own connection. Every call ends in bounded time ([`RedisLimits`]), and a
//! connection that was slow or failed is never reused.

mod address;
mod applause_store;
mod authority;
mod connect;
mod element_store;
mod file_text;
mod identity;
mod limits;
mod link;
mod message_bus;
mod refusal;
mod refusal_log;
mod reply;
mod rights;
mod sentinel;
mod sentinels;
mod sessions;
mod stream;
mod transaction;

use std::sync::Arc;

pub use address::{RedisAddress, RedisAddressError, RedisAddressFileError, redacted};
pub use applause_store::RedisApplauseStore;
pub use authority::{RedisAuthority, RedisAuthorityError, RedisAuthorityFileError};
pub use connect::{ByteStream, NamedTransport, SentinelTransport, Transport};
pub use element_store::RedisElementStore;
pub use file_text::{RedisPasswordFileError, password_from_file};
pub use identity::{RedisIdentity, RedisIdentityError};
pub use limits::{REDIS_CONNECTIONS_MAX, RedisLimits};
pub use message_bus::RedisMessageBus;
pub use rights::{LinkRights, Refused, needed_commands};
pub use sentinels::{RedisSentinels, SentinelAddresses, SentinelAddressesError};
pub use sessions::RedisSessions;

use connect::{PoolConnector, TransportConnector};
use link::RedisLink;
use sentinel::SentinelConnector;
#[cfg(any(test, feature = "testing"))]
pub(crate) use stream::{EntryId, stream_key};

/// The connections to Redis that the adapters of this folder share. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Redis {
    read: RedisLink,
    write: RedisLink,
}

/// How Redis is doing, as seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedisState {
    /// How many requests have failed since startup.
    pub failures: u64,
    /// Which Redis answers.
    pub up: RedisUp,
}

/// Which Redis answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedisUp {
    /// The one for reading.
    pub read: bool,
    /// The one for writing; it may be the same.
    pub write: bool,
}

impl Redis {
    /// Prepares connections to the two addresses; they are opened on demand.
    ///
    /// # Errors
    /// No connection can be made from an address.
    pub fn new(read: &RedisAddress, write: &RedisAddress, limits: RedisLimits) -> Result<Self, RedisAddressError> {
        let connect = |address: &RedisAddress| -> Result<RedisLink, RedisAddressError> {
            let connector = PoolConnector::new(address.connection_info()?, limits);
            let connector = connector.map_err(|error| address.refused(&error))?;
            Ok(RedisLink::new(address.to_string(), address.is_tls(), Arc::new(connector), limits))
        };
        let read_link = connect(read)?;
        let write_link = if read == write { read_link.clone() } else { connect(write)? };
        Ok(Self { read: read_link, write: write_link })
    }

    /// Prepares connections to the primary that the sentinels name; they are opened on demand, and reads use them too.
    ///
    /// # Errors
    /// No connection can be made from the addresses.
    pub fn by_sentinel(sentinels: &RedisSentinels, limits: RedisLimits) -> Result<Self, RedisAddressError> {
        let connector = SentinelConnector::new(sentinels, limits).map_err(|error| sentinels.nodes.refused(&error))?;
        let link = RedisLink::new(sentinels.to_string(), sentinels.nodes.is_tls(), Arc::new(connector), limits);
        Ok(Self { read: link.clone(), write: link })
    }

    /// Speaks over byte streams that `read` and `write` open, instead of sockets: for simulations.
    #[must_use]
    pub fn over(read: Arc<dyn Transport>, write: Arc<dyn Transport>, limits: RedisLimits) -> Self {
        let link = |name: &str, transport| {
            RedisLink::new(name.to_owned(), false, Arc::new(TransportConnector::new(transport, limits)), limits)
        };
        Self { read: link("the read transport", read), write: link("the write transport", write) }
    }

    /// Speaks over byte streams to the primary that `sentinels` name, instead of sockets: for simulations.
    #[must_use]
    pub fn over_sentinels(sentinels: Arc<dyn SentinelTransport>, limits: RedisLimits) -> Self {
        let connector = SentinelConnector::over(sentinels, "simulated", limits);
        let link = RedisLink::new("the simulated primary".to_owned(), false, Arc::new(connector), limits);
        Self { read: link.clone(), write: link }
    }

    /// Returns how many requests have failed since startup: Redis could not be reached, was too slow, or refused.
    #[must_use]
    pub fn failures(&self) -> u64 {
        let of_write = if self.reads_where_it_writes() { 0 } else { self.write.failures() };
        self.read.failures() + of_write
    }

    /// Returns whether Redis for reading, and Redis for writing, answered when they were last asked, if only that they
    /// refuse; false before the first time.
    #[must_use]
    pub fn are_up(&self) -> RedisUp {
        RedisUp { read: self.read.is_up(), write: self.write.is_up() }
    }

    /// Returns whether writes are visible to reads at once, because both go to the same address.
    fn reads_where_it_writes(&self) -> bool {
        self.read.is_same_as(&self.write)
    }
}
