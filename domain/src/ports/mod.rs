//! What the domain needs from the outside: one file a port. Its documentation is the contract, and one test suite
//! checks every adapter against it (`testing::contract`).

pub mod applause_store;
pub mod authenticator;
pub mod clock;
pub mod element_store;
pub mod message_bus;

/// The other side of a port did not do what it was asked. The text is for the log and contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It did not answer, or not sensibly; the text says why.
    #[error("{0}")]
    Silent(String),
    /// It answered that it refuses, and retrying does not help.
    #[error("{cause}")]
    Refused {
        /// What it refuses. Safe to show to anyone: it names no address, no user and nothing of the meeting.
        what: String,
        /// Why, for the log.
        cause: String,
    },
}
