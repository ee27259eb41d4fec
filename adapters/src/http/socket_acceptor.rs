//! How are connections accepted over TCP and over Unix sockets at once?

use std::io;

use tokio::net::{TcpStream, UnixStream};
use tokio_util::either::Either;

use super::acceptor::{Acceptor, TcpAcceptor};
use super::address::Address;
use super::unix_socket::UnixAcceptor;

/// Accepts connections over TCP and over Unix sockets.
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
        // Begins with either at random, so that a busy one does not starve the other.
        tokio::select! {
            accepted = self.tcp.accept() => accepted.map(|(stream, peer)| (Either::Left(stream), peer)),
            accepted = self.unix.accept() => accepted.map(|(stream, peer)| (Either::Right(stream), peer)),
        }
    }

    fn listening_on(&self) -> Vec<Address> {
        [self.tcp.listening_on(), self.unix.listening_on()].concat()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::listen::bind;
    use crate::http::unix_socket::UnixSocket;

    #[tokio::test]
    async fn connections_are_accepted_from_both_kinds_of_sockets() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socket");
        let tcp = TcpAcceptor::new(bind("127.0.0.1", 0).expect("a free port")).expect("usable");
        let port = tcp.local_addresses()[0];
        let unix = UnixAcceptor::new(vec![UnixSocket::bind(&path).expect("made")]).expect("usable");
        let mut acceptor = SocketAcceptor::new(tcp, unix);
        assert_eq!(acceptor.listening_on(), [Address::Network(port), Address::Unix(Some(path.clone()))]);
        // All wait concurrently, and no connection is lost when one is taken.
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
