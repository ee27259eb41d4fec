//! Which sockets are listened on: those handed in, or own ones?

use std::io;
use std::net::TcpListener;

use adapters::http::listen::{ListenError, bind};
use listenfd::ListenFd;

/// There is nothing to listen on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// A socket that was handed in cannot be used.
    #[error(
        "socket {number} of the LISTEN_FDS handed in cannot be used: {cause}; the service manager must hand in listening \
         stream sockets of TCP, or none"
    )]
    HandedIn {
        /// Which one, from 0.
        number: usize,
        /// Why.
        cause: io::Error,
    },
    /// An own one cannot be made.
    #[error(transparent)]
    Own(#[from] ListenError),
}

/// The sockets that the service manager handed in (`LISTEN_FDS`, `LISTEN_PID`); without any, own ones on `host` and `port`.
///
/// Takes the two variables away, so that no program started from here takes the sockets for its own: call it before
/// there are threads.
///
/// # Errors
/// The sockets cannot be used, or not be made.
pub(crate) fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>, SocketError> {
    let handed_in = take(ListenFd::from_env())?;
    if handed_in.is_empty() { Ok(bind(host, port)?) } else { Ok(handed_in) }
}

fn take(mut sockets: ListenFd) -> Result<Vec<TcpListener>, SocketError> {
    (0..sockets.len())
        .filter_map(|number| {
            let socket = sockets.take_tcp_listener(number);
            socket.map_err(|cause| SocketError::HandedIn { number, cause }).transpose()
        })
        .collect()
}
