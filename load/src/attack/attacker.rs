//! What do all attacks use: connections from one address, until the time is over?

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::ends::Ends;

/// The end of a connection that the service did not end before the time was over.
pub(super) const OPEN: &str = "open at the end";

/// The end of a connection that was not opened before the time was over.
pub(super) const NOT_OPENED: &str = "not opened in time";

/// The end of a connection whose other end was closed or reset.
pub(super) const CLOSED: &str = "closed";

/// The end of a connection of which the service no longer reads anything.
pub(super) const UNREAD: &str = "no longer read";

/// How long a write may wait before the other side counts as not reading.
const UNREAD_AFTER: Duration = Duration::from_secs(1);

/// How many connections are opened before others get a turn: the backlog of a socket is limited.
const BATCH: usize = 100;

/// An attacker. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Attacker {
    /// The service.
    pub(super) target: SocketAddr,
    /// Where it attacks from.
    pub(super) from: Option<IpAddr>,
    /// The header field that names its session, with its line end.
    pub(super) cookie: String,
    /// Whose session that is.
    pub(super) user: u64,
    /// When the attack is over.
    pub(super) until: Instant,
    /// How many connections, or requests, it makes.
    pub(super) count: usize,
}

/// What became of bytes that were to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Taken,
    Unread,
    Closed,
}

impl Attacker {
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        let socket = if self.target.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(from) = self.from {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        let stream = timeout_at(self.until, socket.connect(self.target)).await.map_err(io::Error::other)??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Runs `one` for each of [`Attacker::count`] connections at once, and merges how they ended.
    pub(super) async fn with_each<F>(&self, one: impl Fn(Self, TcpStream) -> F) -> Ends
    where
        F: Future<Output = Ends> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        let mut ends = Ends::default();
        for index in 0..self.count {
            match self.connect().await {
                Ok(stream) => drop(tasks.spawn(one(self.clone(), stream))),
                Err(_) if self.is_over() => ends.add(NOT_OPENED),
                Err(error) => ends.add(format!("not connected: {error}")),
            }
            if index % BATCH == BATCH - 1 {
                sleep(Duration::from_millis(1)).await;
            }
        }
        while let Some(end) = tasks.join_next().await {
            ends.merge(end.unwrap_or_else(|error| Ends::from(format!("a bug: {error}"))));
        }
        ends
    }

    /// Returns a request of HTTP/1.1 with its session, without the empty line at its end.
    pub(super) fn head(&self, method: &str, path: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{}", self.cookie)
    }
}

/// Sends `bytes`, unless the other side does not take them.
pub(super) async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Sent {
    match timeout(UNREAD_AFTER, stream.write_all(bytes)).await {
        Ok(Ok(())) => Sent::Taken,
        Ok(Err(_)) => Sent::Closed,
        Err(_) => Sent::Unread,
    }
}

/// Waits until the other side ends the connection, or the time is over; returns how it ended, and the status that came
/// before, if any.
pub(super) async fn end(attacker: &Attacker, stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut heard = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let end = match timeout_at(attacker.until, stream.read(&mut buffer)).await {
            Err(_) => OPEN,
            Ok(Ok(0) | Err(_)) => CLOSED,
            Ok(Ok(read)) => {
                // Only the status is of interest.
                heard.extend_from_slice(&buffer[..read]);
                heard.truncate(STATUS_END);
                continue;
            }
        };
        return match status(&heard) {
            Some(status) => format!("{status}, {end}"),
            None => end.to_owned(),
        };
    }
}

/// Where the status of an answer of HTTP/1.1 ends.
const STATUS_END: usize = 12;

/// Returns the status of an answer that begins with `heard`.
pub(super) fn status(heard: &[u8]) -> Option<String> {
    let status = heard.starts_with(b"HTTP/1.").then(|| heard.get(9..STATUS_END))??;
    Some(String::from_utf8_lossy(status).into_owned())
}
