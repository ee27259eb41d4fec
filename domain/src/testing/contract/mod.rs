//! Does an adapter keep the promises of its port? One suite per port, run against each of its adapters.
//!
//! A suite panics if the adapter breaks the contract. It acts on the other side of the port through a driver, a small
//! trait beside the suite that each technology implements. A driver reports what its technology cannot do.

mod applause_store;
mod authenticator;
mod clock;
mod element_store;
mod message_bus;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use async_trait::async_trait;

pub use applause_store::{ApplauseStoreDriver, applause_store};
pub use authenticator::{AuthenticatorDriver, authenticator};
pub use clock::{ClockDriver, clock};
pub use element_store::{ElementStoreDriver, element_store, element_store_beside_its_bus};
pub use message_bus::{MessageBusDriver, message_bus};

/// What every driver of a remote server can do. Like all drivers, it panics if it fails.
#[async_trait]
pub trait Driver: Send + Sync {
    /// Deletes everything.
    async fn clear(&self);

    /// Makes the other side unreachable, or reachable again. Returns false if this driver cannot do that.
    async fn set_reachable(&self, reachable: bool) -> bool;
}

/// Polls a future once, without waiting for its end.
async fn begin<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}
