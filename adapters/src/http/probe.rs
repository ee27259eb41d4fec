//! Is the service on this machine healthy? (the command `health`, for a container's health check)

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::route::ServiceRoute;
use crate::tls::{TlsMode, trust_anyone};

/// How long each step of the question may take, in seconds; then the service counts as unhealthy.
const PROBE_SECONDS_MAX: u64 = 5;

/// How many bytes of the answer are looked at.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Why the service is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It could not be asked.
    #[error("cannot ask {address}: {cause}")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// Why.
        cause: io::Error,
    },
    /// It says so itself.
    #[error("unhealthy: {0}")]
    Unhealthy(String),
}

/// Asks the service that listens with these settings for its health, and blocks until the answer.
///
/// # Errors
/// It does not answer, or is not healthy; the text says why.
pub fn health(host: &str, port: u16, mode: TlsMode) -> Result<(), ProbeError> {
    let name = if host.is_empty() { "localhost" } else { host };
    let unreachable = |cause| ProbeError::Unreachable { address: format!("{name}:{port}"), cause };
    let stream = connect(host, port).map_err(unreachable)?;
    let answer = match mode {
        TlsMode::Only => trust_anyone(stream).and_then(ask),
        TlsMode::Both | TlsMode::Off => ask(stream),
    };
    let answer = answer.map_err(unreachable)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(ProbeError::Unhealthy(if body.is_empty() { head } else { body }.trim().to_owned())),
    }
}

/// Every address the service may be reached at from here, one after the other.
fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let timeout = Duration::from_secs(PROBE_SECONDS_MAX);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses(host, port)? {
        match TcpStream::connect_timeout(&address, timeout) {
            Err(error) => last = error,
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(stream);
            }
        }
    }
    Err(last)
}

fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    let everywhere = bare.is_empty() || bare.parse().is_ok_and(|address: IpAddr| address.is_unspecified());
    if everywhere {
        return Ok(loopback.map(|address| (address, port).into()).to_vec());
    }
    Ok((bare, port).to_socket_addrs()?.collect())
}

fn ask(mut stream: impl Read + Write) -> io::Result<String> {
    let path = ServiceRoute::Health.path();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
