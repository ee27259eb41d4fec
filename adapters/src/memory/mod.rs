//! How does the service work without Redis? The same ports over a value in memory, for the demo and for tests.
//!
//! [`MemoryServer`] is the other side: its methods do what the OpenSlides server does in Redis.

mod applause_store;
mod authenticator;
mod element_store;
mod failure;
mod message_bus;
mod server;

pub use applause_store::MemoryApplauseStore;
pub use authenticator::{MemoryAuthenticator, MemorySessions};
pub use element_store::MemoryElementStore;
pub use message_bus::MemoryMessageBus;
pub use server::{MemoryServer, announcement};
