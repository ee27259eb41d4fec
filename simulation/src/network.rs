//! How do clients reach an instance? Through pipes in memory.

use std::future::pending;
use std::io;

use adapters::http::acceptor::Acceptor;
use adapters::http::address::Address;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Where the connections to one instance begin.
#[derive(Clone, Debug)]
pub(crate) struct Door(UnboundedSender<DuplexStream>);

/// Accepts the connections that come through a [`Door`].
#[derive(Debug)]
pub(crate) struct PipeAcceptor(UnboundedReceiver<DuplexStream>);

/// Makes a door and its acceptor.
pub(crate) fn door() -> (Door, PipeAcceptor) {
    let (sender, receiver) = unbounded_channel();
    (Door(sender), PipeAcceptor(receiver))
}

impl Door {
    /// Connects; up to `pipe_bytes` bytes are on their way in each direction before the writer waits.
    ///
    /// # Errors
    /// The instance does not listen.
    pub(crate) fn connect(&self, pipe_bytes: usize) -> io::Result<DuplexStream> {
        let (near, far) = duplex(pipe_bytes);
        self.0.send(far).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(near)
    }
}

impl Acceptor for PipeAcceptor {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, Address)> {
        match self.0.recv().await {
            Some(pipe) => Ok((pipe, Address::Unix(None))),
            None => pending().await,
        }
    }

    fn listening_on(&self) -> Vec<Address> {
        vec![Address::Unix(None)]
    }
}
