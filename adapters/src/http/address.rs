//! What is one end of a connection called?

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// One end of a connection: where the service listens, or who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// An address of a TCP connection.
    Network(SocketAddr),
    /// An address of a Unix socket. Clients have no path there.
    Unix(Option<PathBuf>),
}

impl Address {
    /// Returns the port, if there is one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Network(address) => Some(address.port()),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(formatter),
            Self::Unix(Some(path)) => write!(formatter, "unix:{}", path.display()),
            Self::Unix(None) => formatter.write_str("unix:"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Network(address)
    }
}
