//! Why can a measurement fail?

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The other side is not on this machine.
    #[error("{0} is not a loopback address; load measures services on this machine only")]
    NotLoopback(String),
    /// An argument is invalid, or does not fit the meeting.
    #[error("{0}")]
    Usage(String),
    /// A program that is needed is not there.
    #[error("{0} is not on the PATH")]
    Missing(String),
    /// Redis failed or gave an unexpected answer.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// An operation on a file, a socket or a process failed.
    #[error("{0}: {1}")]
    Io(String, #[source] std::io::Error),
    /// The service did not reach the expected state in time.
    #[error("after {seconds} s still waiting for {what}")]
    TimeOut {
        /// The state that was expected.
        what: String,
        /// How long the program waited, in seconds.
        seconds: u64,
    },
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl LoadError {
    /// Returns a function for `map_err` that adds what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io(what, error)
    }
}
