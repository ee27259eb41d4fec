//! Where do new connections come from?

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_util::either::Either;

use super::address::Address;
use super::limits::{TCP_KEEP_ALIVE_SECONDS, UNREAD_SECONDS_MAX, UNSENT_BYTES_MAX};
use super::unix_socket::UnixAcceptor;

/// A source of connections, so that the service can be served from sockets and from within a simulation.
///
/// An error concerns one attempt, not the source: the caller waits a moment and asks again. The future MUST lose no
/// connection when it is dropped.
pub trait Acceptor: Send {
    /// A connection: bytes in both directions.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// The next connection and who it is from.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, Address)>> + Send;

    /// Where connections are expected, for the log.
    fn listening_on(&self) -> Vec<Address>;
}

/// The next connection of any of the listeners. `first` is the one that is asked first; it moves on, so that a busy listener
/// does not keep the others waiting.
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

/// Connections over TCP, from all of its sockets.
#[derive(Debug)]
pub struct TcpAcceptor {
    listeners: Vec<TcpListener>,
    /// Which socket is asked first, so that a busy one does not keep the others waiting.
    first: usize,
}

impl TcpAcceptor {
    /// Accepts from sockets that listen already: bound by [`super::listen::bind`], or handed in by the service manager.
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

    /// The addresses of its sockets.
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
            // Not every kernel knows every option, and the client may be gone by now; both are no reason not to serve.
            tracing::debug!(%peer, %error, "cannot set a socket option");
        }
        Ok((stream, peer.into()))
    }

    fn listening_on(&self) -> Vec<Address> {
        self.local_addresses().into_iter().map(Address::from).collect()
    }
}

/// Connections over TCP and over Unix sockets.
#[derive(Debug)]
pub struct SocketAcceptor {
    tcp: TcpAcceptor,
    unix: UnixAcceptor,
}

impl SocketAcceptor {
    /// Accepts from both; either may have no socket at all.
    #[must_use]
    pub fn new(tcp: TcpAcceptor, unix: UnixAcceptor) -> Self {
        Self { tcp, unix }
    }
}

impl Acceptor for SocketAcceptor {
    type Io = Either<TcpStream, UnixStream>;

    async fn accept(&mut self) -> io::Result<(Self::Io, Address)> {
        // Begins with either by chance, so that a busy one does not keep the other waiting.
        tokio::select! {
            accepted = self.tcp.accept() => accepted.map(|(stream, peer)| (Either::Left(stream), peer)),
            accepted = self.unix.accept() => accepted.map(|(stream, peer)| (Either::Right(stream), peer)),
        }
    }

    fn listening_on(&self) -> Vec<Address> {
        [self.tcp.listening_on(), self.unix.listening_on()].concat()
    }
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    // A line is complete when it is written: waiting for more to fill a packet would only delay it.
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
    use crate::http::unix_socket::UnixSocket;

    #[tokio::test]
    async fn connections_come_from_every_socket_and_are_set_up() {
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

    #[tokio::test]
    async fn connections_come_from_both_kinds_of_sockets() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socket");
        let tcp = TcpAcceptor::new(bind("127.0.0.1", 0).expect("a free port")).expect("usable");
        let port = tcp.local_addresses()[0];
        let unix = UnixAcceptor::new(vec![UnixSocket::bind(&path).expect("made")]).expect("usable");
        let mut acceptor = SocketAcceptor::new(tcp, unix);
        assert_eq!(acceptor.listening_on(), [Address::Network(port), Address::Unix(Some(path.clone()))]);
        // All wait at the same time, and none is lost when one is taken.
        let _tcp =
            [TcpStream::connect(port).await.expect("connected"), TcpStream::connect(port).await.expect("connected")];
        let _unix = [
            UnixStream::connect(&path).await.expect("connected"),
            UnixStream::connect(&path).await.expect("connected"),
        ];
        let mut local = 0;
        for _ in 0..4 {
            let accepted = tokio::time::timeout(Duration::from_secs(60), acceptor.accept());
            let (stream, peer) = accepted.await.expect("in bounded time").expect("accepted");
            assert_eq!(matches!(stream, Either::Right(_)), peer == Address::Unix(None));
            local += usize::from(peer == Address::Unix(None));
        }
        assert_eq!(local, 2);
    }
}
