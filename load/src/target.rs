//! Where is the service? Only addresses of this machine are accepted.

use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use crate::error::LoadError;

/// An address of the loopback interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loopback(SocketAddr);

impl Loopback {
    /// Returns the address.
    #[must_use]
    pub const fn address(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for Loopback {
    type Err = LoadError;

    /// Reads `host:port`.
    fn from_str(text: &str) -> Result<Self, LoadError> {
        let addresses = text
            .to_socket_addrs()
            .map_err(|_| LoadError::Usage(format!("{text:?} is not an address such as 127.0.0.1:8002")))?;
        // IPv4 first: the service listens there in any case.
        let mut addresses: Vec<SocketAddr> = addresses.collect();
        addresses.sort();
        match addresses.first() {
            Some(first) if addresses.iter().all(|address| address.ip().is_loopback()) => Ok(Self(*first)),
            _ => Err(LoadError::NotLoopback(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Loopback;

    #[test]
    fn only_this_machine_is_a_target() {
        for text in ["127.0.0.1:8002", "127.0.0.9:1", "[::1]:8002", "localhost:8002"] {
            assert!(text.parse::<Loopback>().is_ok(), "{text}");
        }
        for text in ["192.0.2.1:8002", "0.0.0.0:8002", "[2001:db8::1]:80", "127.0.0.1", "nonsense"] {
            assert!(text.parse::<Loopback>().is_err(), "{text}");
        }
    }
}
