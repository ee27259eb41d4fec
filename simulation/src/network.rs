//! How do clients reach an instance? Through in-memory pipes.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use adapters::http::acceptor::Acceptor;
use adapters::http::address::Address;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Sleep, sleep};

/// The client side of the connections to one instance.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    sender: UnboundedSender<DuplexStream>,
    is_killed: Arc<AtomicBool>,
}

/// Accepts the connections made through a [`Door`].
#[derive(Debug)]
pub(crate) struct PipeAcceptor(UnboundedReceiver<DuplexStream>);

/// Creates a door and its acceptor.
pub(crate) fn door() -> (Door, PipeAcceptor) {
    let (sender, receiver) = unbounded_channel();
    (Door { sender, is_killed: Arc::default() }, PipeAcceptor(receiver))
}

impl Door {
    /// Connects; in each direction, up to `pipe_bytes` may be in transit before the writer waits.
    ///
    /// # Errors
    /// If the instance does not listen.
    pub(crate) fn connect(&self, pipe_bytes: usize) -> io::Result<DuplexStream> {
        let (near, far) = duplex(pipe_bytes);
        self.sender.send(far).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(near)
    }

    /// Notes that the instance is about to be killed, which cuts its connections.
    pub(crate) fn kill(&self) {
        self.is_killed.store(true, Ordering::Relaxed);
    }

    /// Whether the instance was killed.
    pub(crate) fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::Relaxed)
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

/// A client's end of a connection, which may close its direction after a while, and still reads.
#[derive(Debug)]
pub(crate) struct HalfClosing<Io> {
    pipe: Io,
    closes: Option<Pin<Box<Sleep>>>,
}

impl<Io> HalfClosing<Io> {
    /// Creates an end that closes its direction after that time; `None`: never.
    pub(crate) fn new(pipe: Io, after: Option<Duration>) -> Self {
        Self { pipe, closes: after.map(|after| Box::pin(sleep(after))) }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncRead for HalfClosing<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(closes) = &mut self.closes
            && closes.as_mut().poll(context).is_ready()
            // TLS says so first, for which the pipe may have no room yet.
            && Pin::new(&mut self.pipe).poll_shutdown(context)?.is_ready()
        {
            self.closes = None;
        }
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for HalfClosing<Io> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}
