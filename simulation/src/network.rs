//! How do clients reach an instance? Through in-memory pipes.

use std::future::pending;
use std::io;

use adapters::http::acceptor::Acceptor;
use adapters::http::address::Address;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The client side of the connections to one instance.
#[derive(Clone, Debug)]
pub(crate) struct Door(UnboundedSender<DuplexStream>);

/// Accepts the connections made through a [`Door`].
#[derive(Debug)]
pub(crate) struct PipeAcceptor(UnboundedReceiver<DuplexStream>);

/// Creates a door and its acceptor.
pub(crate) fn door() -> (Door, PipeAcceptor) {
    let (sender, receiver) = unbounded_channel();
    (Door(sender), PipeAcceptor(receiver))
}

impl Door {
    /// Connects; in each direction, up to `pipe_bytes` may be in transit before the writer waits.
    ///
    /// # Errors
    /// If the instance does not listen.
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
