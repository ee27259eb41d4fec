//! On which sockets does the service listen?

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use super::limits::BACKLOG_CONNECTIONS;

/// Why the service cannot listen where it should.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The host does not name an address of this machine.
    #[error(
        "AUTOUPDATE_HOST={host:?} does not name an address: {cause}; give an address of this machine or leave it empty \
         to listen on all"
    )]
    Host {
        /// The configured host.
        host: String,
        /// Why.
        cause: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {cause}; {advice}")]
    Address {
        /// Where.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
        /// What to do.
        advice: &'static str,
    },
}

impl ListenError {
    /// Returns what the system says, for messages about another variable than AUTOUPDATE_HOST.
    #[must_use]
    pub fn cause(&self) -> &io::Error {
        match self {
            Self::Host { cause, .. } | Self::Address { cause, .. } => cause,
        }
    }
}

/// Returns an address without the brackets that an IPv6 address has in a URL; any other host unchanged.
#[must_use]
pub fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Returns whether `host`, which has no brackets, means every address of both families: it is empty, `*`, or `::`.
///
/// Nobody who writes `::` wants to exclude IPv4; nginx and Go take it for both as well. `0.0.0.0` is IPv4 only.
pub(super) fn is_everywhere(host: &str) -> bool {
    host.is_empty() || host == "*" || host.parse() == Ok(Ipv6Addr::UNSPECIFIED)
}

/// Listens on `port` of `host`: a name or an address; empty, `*`, `::` or `[::]`: all addresses, IPv4 and IPv6.
///
/// # Errors
/// The host names no address, or one of its addresses cannot be listened on.
pub fn bind(host: &str, port: u16) -> Result<Vec<TcpListener>, ListenError> {
    let bare = without_brackets(host);
    if is_everywhere(bare) {
        return bind_all(port).map(|listener| vec![listener]);
    }
    let error = |cause| ListenError::Host { host: host.to_owned(), cause };
    let mut addresses: Vec<_> = (bare, port).to_socket_addrs().map_err(error)?.collect();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(error(io::ErrorKind::NotFound.into()));
    }
    let (mut listeners, mut missing) = (Vec::new(), None);
    for address in addresses {
        match bind_address(address, true) {
            Ok(listener) => listeners.push(listener),
            Err(failure) if is_missing(&failure) => missing = Some(failure),
            Err(failure) => return Err(failure),
        }
    }
    match missing {
        Some(failure) if listeners.is_empty() => Err(failure),
        _ => Ok(listeners),
    }
}

/// Returns whether the machine has no such address. Many use the name `localhost` for `::1` too, and yet have no IPv6:
/// then the others suffice.
fn is_missing(failure: &ListenError) -> bool {
    matches!(failure, ListenError::Address { cause, .. }
        if matches!(cause.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
            || cause.raw_os_error() == Some(ADDRESS_FAMILY_NOT_SUPPORTED))
}

/// The kernel's `EAFNOSUPPORT`, for which the standard library has no name.
const ADDRESS_FAMILY_NOT_SUPPORTED: i32 = 97;

/// One socket for both families. On machines without IPv6 it is IPv4 only.
fn bind_all(port: u16) -> Result<TcpListener, ListenError> {
    let both = bind_address(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), false);
    match both {
        Err(ListenError::Address { cause, .. }) if cause.kind() != io::ErrorKind::AddrInUse => {
            bind_address(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), false)
        }
        bound => bound,
    }
}

fn bind_address(address: SocketAddr, only_v6: bool) -> Result<TcpListener, ListenError> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(only_v6)?;
        }
        // Without it a restarted service could not listen while old connections are in TIME_WAIT.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG_CONNECTIONS.into())?;
        Ok(TcpListener::from(socket))
    };
    listen().map_err(|cause: io::Error| ListenError::Address { advice: advice(&cause), address, cause })
}

fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::AddrInUse => "stop what listens there, or set another AUTOUPDATE_PORT",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; set another AUTOUPDATE_PORT",
        io::ErrorKind::AddrNotAvailable => "AUTOUPDATE_HOST must be an address of this machine, or empty for all",
        _ => "set another AUTOUPDATE_HOST or AUTOUPDATE_PORT",
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    /// Checks that the service is reached at all of these, and at none of those.
    #[track_caller]
    fn check(host: &str, reached: &[&str], missed: &[&str]) {
        let listeners = bind(host, 0).expect(host);
        let answers = |client: &str| {
            listeners.iter().any(|listener| {
                let port = listener.local_addr().expect("bound").port();
                TcpStream::connect((client, port)).is_ok()
            })
        };
        for client in reached {
            assert!(answers(client), "{client} with AUTOUPDATE_HOST={host:?}");
        }
        for client in missed {
            assert!(!answers(client), "{client} with AUTOUPDATE_HOST={host:?}");
        }
    }

    const EVERYWHERE: [&str; 5] = ["", "*", "::", "[::]", "[0:0:0:0:0:0:0:0]"];

    #[test]
    fn a_host_is_a_name_or_an_address_or_stands_for_all() {
        for everywhere in EVERYWHERE {
            check(everywhere, &["127.0.0.1"], &[]);
        }
        check("0.0.0.0", &["127.0.0.1"], &[]);
        check("127.0.0.1", &["127.0.0.1"], &["127.0.0.2"]);
        check("localhost", &["localhost"], &[]);
    }

    #[test]
    fn both_families_are_served_unless_one_is_named() {
        if TcpListener::bind("[::1]:0").is_err() {
            return crate::testing::skip("listening on IPv6, because this machine has none");
        }
        for everywhere in EVERYWHERE {
            check(everywhere, &["127.0.0.1", "::1"], &[]);
        }
        check("0.0.0.0", &["127.0.0.1"], &["::1"]);
        check("[::1]", &["::1"], &["127.0.0.1"]);
        check("::1", &["::1"], &["127.0.0.1"]);
    }

    #[test]
    fn errors_name_the_value_and_what_to_do() {
        let taken = bind("127.0.0.1", 0).expect("a free port");
        let port = taken[0].local_addr().expect("bound").port();
        let error = bind("127.0.0.1", port).expect_err("taken").to_string();
        assert!(error.contains(&port.to_string()) && error.contains("AUTOUPDATE_PORT"), "{error}");
        let error = bind("no such host", 0).expect_err("no host").to_string();
        assert!(error.contains("AUTOUPDATE_HOST=\"no such host\""), "{error}");
        let error = bind("192.0.2.1", 0).expect_err("not here").to_string();
        assert!(error.contains("192.0.2.1") && error.contains("AUTOUPDATE_HOST"), "{error}");
    }
}
