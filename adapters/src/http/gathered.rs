//! How do many small writes of a protocol become few large ones?
//!
//! HTTP/2 writes and flushes frame by frame, of at most 16 KiB each: every one of them would be a write to the socket, with
//! all that the kernel does for one. What is written here waits until the owner of the connection lets it go, which it
//! does whenever the protocol has nothing more to do for now, or until it is much.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much waits at most, in bytes; at the limit it is written, and as long as it cannot be, no more is taken.
const GATHERED_BYTES_MAX: usize = 32 * 1024;

/// A connection whose writes are gathered. Reading goes through.
pub(super) struct Gathered<Io>(Arc<Mutex<State<Io>>>);

/// Lets go what was gathered.
pub(super) struct Release<Io>(Arc<Mutex<State<Io>>>);

struct State<Io> {
    io: Io,
    /// Gathered; the first `written` bytes of it are gone already. Empty and without memory while nothing waits.
    bytes: Vec<u8>,
    written: usize,
    /// Something was written since the last flush.
    is_unflushed: bool,
}

impl<Io: AsyncWrite + Unpin> Gathered<Io> {
    /// Gathers what is written to `io`. Without the second value used, nothing but much is ever sent.
    pub(super) fn new(io: Io) -> (Self, Release<Io>) {
        let state = Arc::new(Mutex::new(State { io, bytes: Vec::new(), written: 0, is_unflushed: false }));
        (Self(Arc::clone(&state)), Release(state))
    }

    fn state(&self) -> MutexGuard<'_, State<Io>> {
        lock(&self.0)
    }
}

/// The lock is never contended: the owner of the connection and the protocol run in the same task.
fn lock<Io>(state: &Mutex<State<Io>>) -> MutexGuard<'_, State<Io>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<Io: AsyncWrite + Unpin> Release<Io> {
    /// Ready when everything that was gathered is sent.
    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).poll_flush(context)
    }
}

impl<Io: AsyncWrite + Unpin> State<Io> {
    fn poll_write_out(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            self.is_unflushed = true;
            match ready!(Pin::new(&mut self.io).poll_write(context, &self.bytes[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        self.bytes = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(context))?;
        if self.is_unflushed {
            ready!(Pin::new(&mut self.io).poll_flush(context))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_gather(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.bytes.len() == GATHERED_BYTES_MAX {
            ready!(self.poll_write_out(context))?;
        }
        let count = bytes.len().min(GATHERED_BYTES_MAX - self.bytes.len());
        if self.bytes.capacity() - self.bytes.len() < count {
            // A second write that does not fit tells of more to come.
            let room = if self.bytes.is_empty() { count } else { GATHERED_BYTES_MAX - self.bytes.len() };
            self.bytes.reserve_exact(room);
        }
        self.bytes.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathered<Io> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.state().io).poll_read(context, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Gathered<Io> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.state().poll_gather(context, bytes)
    }

    /// Does nothing: what is gathered is let go by its [`Release`].
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        ready!(state.poll_flush(context))?;
        Pin::new(&mut state.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    /// Counts the writes that reach the transport.
    struct Counted {
        io: DuplexStream,
        writes: Arc<Mutex<Vec<usize>>>,
    }

    impl AsyncRead for Counted {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for Counted {
        fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let written = Pin::new(&mut self.io).poll_write(context, bytes);
            if let Poll::Ready(Ok(count)) = written {
                lock_writes(&self.writes).push(count);
            }
            written
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_flush(context)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_shutdown(context)
        }
    }

    fn lock_writes(writes: &Mutex<Vec<usize>>) -> MutexGuard<'_, Vec<usize>> {
        writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted(pipe_bytes: usize) -> (DuplexStream, Counted, Arc<Mutex<Vec<usize>>>) {
        let (client, io) = tokio::io::duplex(pipe_bytes);
        let writes = Arc::default();
        (client, Counted { io, writes: Arc::clone(&writes) }, writes)
    }

    /// Writes pieces of these lengths, each flushed, and lets them go; checks the writes that reach the transport.
    async fn check(lengths: &[usize], expected: &[usize]) {
        let (mut client, io, writes) = counted(1_000_000);
        let (mut gathered, release) = Gathered::new(io);
        let mut sent = Vec::new();
        for (byte, length) in (0..).zip(lengths) {
            let piece = vec![byte; *length];
            gathered.write_all(&piece).await.expect("written");
            gathered.flush().await.expect("flushed");
            sent.extend(piece);
        }
        poll_fn(|context| release.poll(context)).await.expect("let go");
        assert_eq!(*lock_writes(&writes), expected, "{lengths:?}");
        assert_eq!(lock(&gathered.0).bytes.capacity(), 0, "what waits for nothing keeps no memory");
        let mut received = vec![0; sent.len()];
        client.read_exact(&mut received).await.expect("everything has arrived");
        assert_eq!(received, sent);
    }

    #[tokio::test]
    async fn many_writes_become_few() {
        const MAX: usize = GATHERED_BYTES_MAX;
        check(&[], &[]).await;
        check(&[9], &[9]).await;
        check(&[9, 300, 9, 16_000], &[16_318]).await;
        check(&[MAX], &[MAX]).await;
        check(&[MAX, 1], &[MAX, 1]).await;
        check(&[3 * MAX + 5], &[MAX, MAX, MAX, 5]).await;
        check(&[1, MAX, MAX], &[MAX, MAX, 1]).await;
    }

    #[tokio::test]
    async fn a_transport_that_takes_no_more_holds_the_writer_up() {
        let (mut client, io, _) = counted(10);
        let (mut gathered, release) = Gathered::new(io);
        let taken = Arc::new(Mutex::new(0));
        let counting = Arc::clone(&taken);
        let writing = tokio::spawn(async move {
            for _ in 0..100 {
                gathered.write_all(&[7; 1_000]).await.expect("written");
                *counting.lock().expect("no panic") += 1_000;
            }
            gathered.shutdown().await.expect("ended");
        });
        for _ in 0..300 {
            tokio::task::yield_now().await;
        }
        assert!(*taken.lock().expect("no panic") <= GATHERED_BYTES_MAX + 10);
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.expect("readable");
        assert_eq!(received, vec![7; 100_000], "the end lets go what was gathered");
        writing.await.expect("no panic");
        drop(release);
    }

    #[tokio::test]
    async fn what_is_let_go_is_flushed() {
        let (mut client, io) = tokio::io::duplex(100);
        // A transport that keeps what is written until it is flushed, as TLS may.
        let (mut gathered, release) = Gathered::new(tokio::io::BufWriter::new(io));
        gathered.write_all(b"line").await.expect("gathered");
        poll_fn(|context| release.poll(context)).await.expect("let go");
        let mut received = [0; 4];
        let read = futures_util::FutureExt::now_or_never(client.read_exact(&mut received));
        read.expect("it is there").expect("readable");
        assert_eq!(&received, b"line");
    }

    #[tokio::test]
    async fn a_client_that_is_gone_is_an_error() {
        let (client, io, _) = counted(10);
        let (mut gathered, release) = Gathered::new(io);
        drop(client);
        gathered.write_all(b"late").await.expect("gathered");
        poll_fn(|context| release.poll(context)).await.expect_err("nobody is there");
    }
}
