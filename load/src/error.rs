//! What can go wrong while measuring?

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The other side is not on this machine.
    #[error("{0} is not a loopback address; load measures services on this machine only")]
    NotLoopback(String),
    /// A value given is of no use.
    #[error("{0}")]
    Usage(String),
    /// Redis did not answer as it should.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// A file, a socket or a process.
    #[error("{0}: {1}")]
    Io(String, #[source] std::io::Error),
    /// The service did not do what was waited for in time.
    #[error("after {seconds} s still waiting for {what}")]
    TimeOut {
        /// What was waited for.
        what: String,
        /// For how long.
        seconds: u64,
    },
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl LoadError {
    /// For `map_err`: names what was being done.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io(what, error)
    }
}
