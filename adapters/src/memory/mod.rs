//! What if there is no Redis? The same ports over a value in memory, for the demo and for tests.
//!
//! [`MemoryServer`] is the other side: what the OpenSlides server does in Redis is done with its methods.

mod applause_store;
mod authenticator;
mod element_store;
mod message_bus;
mod server;

pub use applause_store::MemoryApplauseStore;
pub use authenticator::{MemoryAuthenticator, MemorySessions};
pub use element_store::MemoryElementStore;
pub use message_bus::MemoryMessageBus;
pub use server::{MemoryServer, announcement};
