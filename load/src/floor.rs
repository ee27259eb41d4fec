//! What is the least that a delivery can cost on this machine? A bare loop that writes the same bytes to many sockets.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, ReadBuf};

use crate::client::TlsClient;
use crate::error::LoadError;
use crate::process::thread_cpu_nanos;
use crate::scenario::CONNECTIONS_MAX;

/// The most bytes per write that are accepted.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most rounds that are accepted.
pub const ROUNDS_MAX: usize = 10_000;

/// The pause between two rounds, in which the readers catch up as they do between two changes.
const PAUSE: Duration = Duration::from_millis(20);

/// What to write, and to how many sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// The number of sockets.
    pub connections: usize,
    /// The number of bytes in one write.
    pub bytes: usize,
    /// The number of writes to each socket.
    pub rounds: usize,
    /// Whether to write over TLS.
    pub tls: bool,
}

impl Floor {
    /// Writes, and returns the CPU time of one write in microseconds, including time in the kernel.
    ///
    /// # Errors
    /// Returns an error if a number is too large, or if sockets cannot be opened.
    pub fn measure(self) -> Result<f64, LoadError> {
        if self.connections > CONNECTIONS_MAX || self.bytes > BYTES_MAX || self.rounds > ROUNDS_MAX {
            let text = format!("at most {CONNECTIONS_MAX} connections, {BYTES_MAX} bytes, {ROUNDS_MAX} rounds");
            return Err(LoadError::Usage(text));
        }
        let listener = TcpListener::bind("127.0.0.1:0").map_err(LoadError::io("bind 127.0.0.1:0"))?;
        let address = listener.local_addr().map_err(LoadError::io("local address"))?;
        let client = if self.tls { Some(TlsClient::new()?) } else { None };
        let readers = thread::spawn(move || read_all(address, self.connections, client));
        let mut sockets = self.accept(&listener)?;
        let nanos = self.write(&mut sockets).map_err(LoadError::io("write"))?;
        drop(sockets);
        // The readers end with their sockets.
        let _ = readers.join();
        Ok(nanos as f64 / 1_000.0 / (self.connections * self.rounds).max(1) as f64)
    }

    fn accept(self, listener: &TcpListener) -> Result<Vec<Socket>, LoadError> {
        let config = if self.tls { Some(server_config()?) } else { None };
        let mut sockets = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let (socket, _) = listener.accept().map_err(LoadError::io("accept"))?;
            socket.set_nodelay(true).map_err(LoadError::io("TCP_NODELAY"))?;
            sockets.push(match &config {
                None => Socket::Plain(socket),
                Some(config) => Socket::tls(socket, config)?,
            });
        }
        Ok(sockets)
    }

    fn write(self, sockets: &mut [Socket]) -> io::Result<u64> {
        let bytes = vec![b'x'; self.bytes];
        let mut round = || {
            for socket in sockets.iter_mut() {
                socket.write(&bytes)?;
            }
            // Yielding also brings the thread's CPU time up to date: the kernel only counts it then.
            thread::sleep(PAUSE);
            io::Result::Ok(thread_cpu_nanos().unwrap_or_default())
        };
        // The first round is a warm-up and is not counted.
        let before = round()?;
        let mut after = before;
        for _ in 0..self.rounds {
            after = round()?;
        }
        Ok(after - before)
    }
}

enum Socket {
    Plain(TcpStream),
    Tls(Box<(ServerConnection, TcpStream)>),
}

impl Socket {
    fn tls(mut socket: TcpStream, config: &Arc<ServerConfig>) -> Result<Self, LoadError> {
        let mut connection = ServerConnection::new(Arc::clone(config))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).map_err(LoadError::io("TLS handshake"))?;
        }
        Ok(Self::Tls(Box::new((connection, socket))))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(tls) => {
                let (connection, socket) = &mut **tls;
                // The buffer of the connection is bounded, so large writes take several turns.
                let mut rest = bytes;
                while !rest.is_empty() {
                    let taken = connection.writer().write(rest)?;
                    rest = &rest[taken..];
                    while connection.wants_write() {
                        connection.write_tls(socket)?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn server_config() -> Result<Arc<ServerConfig>, LoadError> {
    let unsigned = |error: rcgen::Error| LoadError::Usage(format!("no self-signed certificate: {error}"));
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).map_err(unsigned)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let chain: Vec<CertificateDer<'static>> = vec![certified.cert.der().clone()];
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

/// Reads whatever comes on all sockets until they are closed.
fn read_all(address: std::net::SocketAddr, connections: usize, client: Option<TlsClient>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..connections {
            let socket = tokio::net::TcpStream::connect(address).await?;
            match &client {
                None => drop(readers.spawn(drain(socket))),
                Some(client) => drop(readers.spawn(drain(client.connect(socket, "http/1.1").await?))),
            }
        }
        while readers.join_next().await.is_some() {}
        Ok(())
    })
}

async fn drain<S: AsyncRead + Unpin>(mut socket: S) {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]);
    }
    let mut read = |context: &mut Context<'_>| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            let read = ready!(Pin::new(&mut socket).poll_read(context, &mut buffer));
            Poll::Ready(read.is_ok() && !buffer.filled().is_empty())
        })
    };
    while poll_fn(&mut read).await {}
}

#[cfg(test)]
mod tests {
    use super::Floor;

    #[test]
    fn a_write_costs_something_plain_and_over_tls() {
        for tls in [false, true] {
            // More than a TLS connection buffers at once.
            let floor = Floor { connections: 3, bytes: 100_000, rounds: 2, tls };
            assert!(floor.measure().expect("loopback") > 0.0);
        }
        assert!(Floor { connections: 1_000_000, bytes: 1, rounds: 1, tls: false }.measure().is_err());
    }
}
