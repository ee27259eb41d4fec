//! Which sockets are listened on: those handed in, or new ones?

use std::io;
use std::net::TcpListener;

use adapters::http::acceptor::TcpAcceptor;
use adapters::http::listen::{ListenError, bind};
use adapters::http::socket_acceptor::SocketAcceptor;
use adapters::http::unix_socket::{UnixAcceptor, UnixSocket, UnixSocketError};
use listenfd::ListenFd;

use crate::config::ListenHost;

/// There is nothing to listen on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// A socket that was handed in cannot be used.
    #[error(
        "socket {number} of the LISTEN_FDS handed in cannot be used: {cause}; the service manager must hand in listening \
         stream sockets of TCP or Unix, or none"
    )]
    HandedIn {
        /// Which one, counted from 0.
        number: usize,
        /// Why.
        cause: io::Error,
    },
    /// A new socket cannot be created.
    #[error(transparent)]
    Network(#[from] ListenError),
    /// A new Unix socket cannot be created.
    #[error(transparent)]
    Unix(#[from] UnixSocketError),
}

/// Listening sockets.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    tcp: Vec<TcpListener>,
    unix: Vec<UnixSocket>,
}

impl Sockets {
    /// Returns how many there are.
    #[must_use]
    pub(crate) fn count(&self) -> usize {
        self.tcp.len() + self.unix.len()
    }

    /// Accepts from all of them.
    ///
    /// # Errors
    /// One cannot be used with the runtime.
    pub(crate) fn acceptor(self) -> io::Result<SocketAcceptor> {
        Ok(SocketAcceptor::new(TcpAcceptor::new(self.tcp)?, UnixAcceptor::new(self.unix)?))
    }
}

/// Only TCP sockets.
impl From<Vec<TcpListener>> for Sockets {
    fn from(tcp: Vec<TcpListener>) -> Self {
        Self { tcp, unix: Vec::new() }
    }
}

/// Returns the sockets that the service manager handed in (`LISTEN_FDS`, `LISTEN_PID`); without any, new ones on
/// `host`, and if that is not a path on `port`.
///
/// Removes the two variables, so that no child process takes the sockets for its own: call it before there are threads.
///
/// # Errors
/// The sockets cannot be used or created.
pub(crate) fn listen(host: &ListenHost, port: u16) -> Result<Sockets, SocketError> {
    let handed_in = take(ListenFd::from_env())?;
    if handed_in.count() > 0 {
        return Ok(handed_in);
    }
    match host {
        ListenHost::Network(host) => Ok(bind(host, port)?.into()),
        ListenHost::Unix(path) => Ok(Sockets { tcp: Vec::new(), unix: vec![UnixSocket::bind(path)?] }),
    }
}

fn take(mut handed_in: ListenFd) -> Result<Sockets, SocketError> {
    let mut sockets = Sockets::default();
    for number in 0..handed_in.len() {
        if let Ok(socket) = handed_in.take_unix_listener(number) {
            sockets.unix.extend(socket.map(UnixSocket::from));
        } else {
            let socket = handed_in.take_tcp_listener(number);
            sockets.tcp.extend(socket.map_err(|cause| SocketError::HandedIn { number, cause })?);
        }
    }
    Ok(sockets)
}
