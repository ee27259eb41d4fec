//! Is the service on this machine healthy? (the command `health`, for a container's health check)

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use super::listen::{is_everywhere, without_brackets};
use super::route::ServiceRoute;
use super::unix_socket;
use crate::tls::{TlsMode, trust_anyone};

/// How long each step may take, in seconds; then the service counts as unhealthy.
const PROBE_SECONDS_MAX: u64 = 5;

/// How many bytes of the answer are read.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Why the service is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It could not be asked.
    #[error("cannot ask {address}: {cause}")]
    Unreachable {
        /// Where it was expected.
        address: String,
        /// Why.
        cause: io::Error,
    },
    /// It says so itself.
    #[error("unhealthy: {0}")]
    Unhealthy(String),
    /// What answers does not speak of health as the service does.
    #[error("another program answers there ({0}); correct AUTOUPDATE_HOST and AUTOUPDATE_PORT, or stop it")]
    Stranger(String),
}

/// Asks the service that listens on `port` of `host`, as [`bind`](super::listen::bind) takes them, for its health;
/// blocks until the answer.
///
/// # Errors
/// It does not answer, or is not healthy; the text says why.
pub fn health(host: &str, port: u16, mode: TlsMode) -> Result<(), ProbeError> {
    let name = if host.is_empty() { "localhost" } else { host };
    let answer = connect(host, port).and_then(|stream| ask_by(stream, mode));
    judge(answer.map_err(|cause| ProbeError::Unreachable { address: format!("{name}:{port}"), cause })?)
}

/// Does the same as [`health`] for the service that listens on the Unix socket at `path`.
///
/// # Errors
/// It does not answer, or is not healthy; the text says why.
pub fn health_at(path: &Path, mode: TlsMode) -> Result<(), ProbeError> {
    let timeout = Duration::from_secs(PROBE_SECONDS_MAX);
    let answer = unix_socket::connect(path, timeout).and_then(|stream| {
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        ask_by(stream, mode)
    });
    judge(answer.map_err(|cause| ProbeError::Unreachable { address: format!("unix:{}", path.display()), cause })?)
}

fn judge(answer: String) -> Result<(), ProbeError> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let said: serde_json::Value = serde_json::from_str(body.trim()).unwrap_or_default();
    match (head.split(' ').nth(1), said["healthy"].as_bool()) {
        (Some("200"), Some(true)) => Ok(()),
        _ if said.is_object() => Err(ProbeError::Unhealthy(body.trim().to_owned())),
        _ => Err(ProbeError::Stranger(head.lines().next().unwrap_or("no answer over HTTP").to_owned())),
    }
}

/// Returns every address at which the service may be reached from here.
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
    let bare = without_brackets(host);
    let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
    if is_everywhere(bare) || bare.parse() == Ok(Ipv4Addr::UNSPECIFIED) {
        return Ok(loopback.map(|address| (address, port).into()).to_vec());
    }
    Ok((bare, port).to_socket_addrs()?.collect())
}

fn ask_by(stream: impl Read + Write, mode: TlsMode) -> io::Result<String> {
    match mode {
        TlsMode::Only => trust_anyone(stream).and_then(ask),
        TlsMode::Both | TlsMode::Off => ask(stream),
    }
}

fn ask(mut stream: impl Read + Write) -> io::Result<String> {
    let path = ServiceRoute::Health.path();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: Result<(), &str>) {
        let judged = judge(answer.to_owned()).map_err(|error| error.to_string());
        match expected {
            Ok(()) => assert_eq!(judged, Ok(())),
            Err(words) => assert!(judged.as_ref().is_err_and(|error| error.contains(words)), "{answer:?}: {judged:?}"),
        }
    }

    #[test]
    fn only_what_speaks_of_health_is_the_service() {
        check("HTTP/1.1 200 OK\r\n\r\n{\"healthy\": true}\n", Ok(()));
        check("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"healthy\": false}", Err("unhealthy: {"));
        check("HTTP/1.1 426 Upgrade Required\r\n\r\n{\"error\": {}}", Err("unhealthy: {"));
        check("HTTP/1.1 200 OK\r\n\r\n<html></html>", Err("another program answers there (HTTP/1.1 200 OK)"));
        check("HTTP/1.1 200 OK\r\n\r\n{\"healthy\": \"no\"}", Err("unhealthy"));
        check("-ERR unknown command\r\n", Err("another program"));
        check("", Err("no answer over HTTP"));
    }
}
