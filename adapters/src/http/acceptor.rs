//! Where do new connections come from?

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::address::Address;
use super::limits::{TCP_KEEP_ALIVE_SECONDS, UNREAD_SECONDS_MAX, UNSENT_BYTES_MAX};

/// A source of connections, so that the service can run on sockets or within a simulation.
///
/// An error concerns one attempt, not the source: the caller waits a moment and retries. The future MUST NOT lose a
/// connection when it is dropped.
pub trait Acceptor: Send {
    /// A connection: bytes in both directions.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Accepts the next connection, and returns who it is from.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, Address)>> + Send;

    /// Returns where connections are expected, for the log.
    fn listening_on(&self) -> Vec<Address>;
}

/// Accepts the next connection of any of the listeners. `first` is the one that is asked first; it rotates, so that a
/// busy listener does not starve the others.
pub(super) async fn accept_any<L, C>(
    listeners: &[L],
    first: &mut usize,
    poll_accept: impl Fn(&L, &mut Context<'_>) -> Poll<io::Result<C>>,
) -> io::Result<C> {
    poll_fn(|context| {
        let count = listeners.len();
        for offset in 0..count {
            let index = (*first + offset) % count;
            if let Poll::Ready(accepted) = poll_accept(&listeners[index], context) {
                *first = (index + 1) % count;
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await
}

/// Accepts TCP connections from several sockets.
#[derive(Debug)]
pub struct TcpAcceptor {
    listeners: Vec<TcpListener>,
    /// Which socket is asked first, so that a busy one does not starve the others.
    first: usize,
}

impl TcpAcceptor {
    /// Accepts from sockets that are already listening: bound by [`super::listen::bind`], or handed in by the service
    /// manager.
    ///
    /// # Errors
    /// A socket cannot be used with the runtime.
    pub fn new(listeners: Vec<std::net::TcpListener>) -> io::Result<Self> {
        let listeners = listeners
            .into_iter()
            .map(|listener| {
                listener.set_nonblocking(true)?;
                TcpListener::from_std(listener)
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { listeners, first: 0 })
    }

    /// Returns the addresses of its sockets.
    #[must_use]
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }
}

impl Acceptor for TcpAcceptor {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Address)> {
        let (stream, peer) = accept_any(&self.listeners, &mut self.first, TcpListener::poll_accept).await?;
        if let Err(error) = configure(&stream) {
            // Not every kernel supports every option, and the client may be gone by now; neither is a reason not to
            // serve.
            tracing::debug!(%peer, %error, "cannot set a socket option");
        }
        Ok((stream, peer.into()))
    }

    fn listening_on(&self) -> Vec<Address> {
        self.local_addresses().into_iter().map(Address::from).collect()
    }
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    // A line is complete when it is written: waiting to fill a packet would only delay it.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let interval = Duration::from_secs(TCP_KEEP_ALIVE_SECONDS);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(interval).with_interval(interval / 4).with_retries(4))?;
    #[cfg(target_os = "linux")]
    {
        socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
        socket.set_tcp_user_timeout(Some(Duration::from_secs(UNREAD_SECONDS_MAX.into())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::listen::bind;

    #[tokio::test]
    async fn connections_are_accepted_from_every_socket_and_configured() {
        let sockets = (0..2).flat_map(|_| bind("127.0.0.1", 0).expect("a free port")).collect();
        let mut acceptor = TcpAcceptor::new(sockets).expect("usable");
        let addresses = acceptor.local_addresses();
        assert_eq!(addresses.len(), 2);
        for address in [addresses[1], addresses[0], addresses[1]] {
            let client = TcpStream::connect(address).await.expect("connected");
            let (stream, peer) = acceptor.accept().await.expect("accepted");
            assert_eq!(peer, client.local_addr().expect("bound").into());
            assert!(stream.nodelay().expect("an option"));
            let socket = SockRef::from(&stream);
            assert!(socket.keepalive().expect("an option"));
            #[cfg(target_os = "linux")]
            {
                assert_eq!(socket.tcp_notsent_lowat().expect("an option"), UNSENT_BYTES_MAX);
                let unread_max = Duration::from_secs(UNREAD_SECONDS_MAX.into());
                assert_eq!(socket.tcp_user_timeout().expect("an option"), Some(unread_max));
            }
        }
    }
}
