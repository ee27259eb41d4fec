//! How does the service speak with Redis? (spec: redis.md)
//!
//! Two addresses: what is read comes from the one (often a replica), what is written goes to the other. Requests take a
//! connection from a pool; a read that waits for new messages has a connection of its own. Every call ends in bounded
//! time ([`RedisLimits`]), and a connection that was slow or failed is never used again.

mod address;
mod applause_store;
mod connect;
mod element_store;
mod limits;
mod link;
mod message_bus;
mod reply;
mod sessions;

use std::sync::Arc;

pub use address::{RedisAddress, RedisAddressError};
pub use applause_store::RedisApplauseStore;
pub use connect::{ByteStream, Transport};
pub use element_store::RedisElementStore;
pub use limits::RedisLimits;
pub use message_bus::RedisMessageBus;
pub use sessions::RedisSessions;

use connect::{PoolConnector, TransportConnector};
use link::Link;

/// The connections to Redis that the adapters of this folder share. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Redis {
    read: Link,
    write: Link,
}

impl Redis {
    /// Prepares connections to the two addresses; they are opened when they are needed.
    ///
    /// # Errors
    /// An address that no connection can be made from.
    pub fn new(read: &RedisAddress, write: &RedisAddress, limits: RedisLimits) -> Result<Self, RedisAddressError> {
        let connect = |address: &RedisAddress| -> Result<Link, RedisAddressError> {
            Ok(Link::new(address.to_string(), Arc::new(PoolConnector::new(address, limits)?), limits))
        };
        let read_link = connect(read)?;
        let write_link = if read == write { read_link.clone() } else { connect(write)? };
        Ok(Self { read: read_link, write: write_link })
    }

    /// Speaks over byte streams that `read` and `write` open, instead of sockets: for simulations.
    #[must_use]
    pub fn over(read: Arc<dyn Transport>, write: Arc<dyn Transport>, limits: RedisLimits) -> Self {
        let link = |name: &str, transport| {
            Link::new(name.to_owned(), Arc::new(TransportConnector::new(transport, limits)), limits)
        };
        Self { read: link("the read transport", read), write: link("the write transport", write) }
    }

    /// How many requests failed since the start: Redis could not be reached, was too slow, or refused.
    #[must_use]
    pub fn failures(&self) -> u64 {
        let of_write = if self.reads_where_it_writes() { 0 } else { self.write.failures() };
        self.read.failures() + of_write
    }

    /// Is what was written found at once, because reads go to the same address?
    fn reads_where_it_writes(&self) -> bool {
        self.read.is_same_as(&self.write)
    }
}
