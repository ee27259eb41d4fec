//! What the domain needs from the outside: one file a port; its documentation is the contract that one suite of
//! tests holds every adapter to (`testing::contract`).

pub mod applause_store;
pub mod authenticator;
pub mod clock;
pub mod element_store;
pub mod message_bus;

/// The other side of a port did not answer, or not sensibly. The text is for the log and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);
