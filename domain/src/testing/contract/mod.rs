//! Does an adapter keep what its port promises? One suite a port, run against every adapter of it.
//!
//! A suite panics where the adapter breaks the contract. It acts on the other side of the port through a driver
//! ([`Server`], [`Sessions`]) that each kind of adapter brings along.

mod applause_store;
mod authenticator;
mod element_store;
mod message_bus;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use async_trait::async_trait;

pub use applause_store::applause_store;
pub use authenticator::authenticator;
pub use element_store::element_store;
pub use message_bus::message_bus;

use crate::ids::{ChangeId, UserId};
use crate::ports::element_store::Missing;
use crate::ports::message_bus::{Channel, Position};

/// Acts as the OpenSlides server (spec: redis.md, How the server changes them). Panics if it cannot.
#[async_trait]
pub trait Server: Send + Sync {
    /// Deletes everything, the streams too.
    async fn clear(&self);

    /// Builds the cache anew: these elements and no others, all of them as old as `lowest`; then sets it ready.
    async fn rebuild(&self, lowest: ChangeId, elements: &[(&str, &str)]);

    /// Begins to build the cache anew: nothing is there, and it is not ready. [`Server::rebuild`] ends it.
    async fn begin_rebuild(&self);

    /// Changes the data, as one step, without saying so on the stream; `None` deletes. Returns the change id.
    async fn write(&self, elements: &[(&str, Option<&str>)]) -> ChangeId;

    /// Appends entries to a stream, whatever their content.
    async fn append(&self, channel: Channel, contents: &[&[u8]]);

    /// Appends an entry at a certain position, which must be behind those that are there.
    async fn append_at(&self, channel: Channel, position: Position, content: &[u8]);

    /// Drops the oldest entries of a stream, so that `keep` stay.
    async fn trim(&self, channel: Channel, keep: usize);

    /// Writes the member of the sorted set of change ids, whatever its score.
    async fn set_score(&self, member: &str, score: &str);

    /// Loses a part of the cache, which still calls itself ready. Returns false if this driver cannot do that.
    async fn lose(&self, part: Missing) -> bool;

    /// Lets seconds pass for the applause that was noted so far.
    async fn let_seconds_pass(&self, seconds: u64);

    /// Makes the other side not answer at all, or answer again. Returns false if this driver cannot do that.
    async fn set_reachable(&self, reachable: bool) -> bool;
}

/// Acts as the one that creates and ends sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Creates a session, of nobody if `user` is `None`.
    async fn log_in(&self, key: &str, user: Option<UserId>, auth_hash: Option<&str>);

    /// Creates a session whose data cannot be trusted.
    async fn break_session(&self, key: &str);

    /// Ends a session.
    async fn log_out(&self, key: &str);

    /// See [`Server::set_reachable`].
    async fn set_reachable(&self, reachable: bool) -> bool;
}

/// Lets a future begin its work, without waiting for its end.
async fn begin<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}
