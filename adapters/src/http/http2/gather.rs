//! How do several frames become one write to the socket?
//!
//! h2 flushes after every DATA frame, which holds 16 KiB at most, and TLS writes every record at once: a line of 270 kB
//! costs some twenty system calls instead of five. So while a connection is polled the records stay in the buffer of
//! TLS, uncopied, until there are enough of them, and the rest is sent when the poll ends
//! (`docs/decisions/0028-records-are-gathered.md`).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop;

/// How many bytes of records are held back at most: three full records wait for a fourth. Less than the buffer of TLS
/// holds, so that it never fills while the socket would have accepted more.
const GATHERED_BYTES_MAX: usize = 60 * 1024;

/// How many operations one read counts as, of the 128 after which tokio makes a task wait for its next turn. So at most
/// four reads, some 64 KiB, are decoded in one turn, however much a client sends.
const READ_COST: usize = 32;

/// Whether the writes of one connection are held back now; shared by both sides of its TLS and by the task that polls
/// it.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Gather(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    is_gathering: AtomicBool,
    holds_back: AtomicBool,
}

impl Gather {
    /// Holds writes back from now on.
    pub(super) fn begin(&self) {
        self.0.is_gathering.store(true, Ordering::Relaxed);
    }

    /// Lets writes through from now on. Returns whether any were held back: then the owner flushes.
    pub(super) fn end(&self) -> bool {
        self.0.is_gathering.store(false, Ordering::Relaxed);
        self.0.holds_back.swap(false, Ordering::Relaxed)
    }

    /// Returns whether this much is held back now, and records it.
    fn holds_back(&self, bytes: usize) -> bool {
        let holds_back = bytes < GATHERED_BYTES_MAX && self.0.is_gathering.load(Ordering::Relaxed);
        if holds_back {
            self.0.holds_back.store(true, Ordering::Relaxed);
        }
        holds_back
    }
}

/// The socket below TLS, which pretends to be busy for a few records while they are gathered.
///
/// No waker is kept for that: the caller of [`Gather::end`] flushes.
pub(in crate::http) struct BelowTls<Io> {
    io: Io,
    gather: Gather,
}

impl<Io> BelowTls<Io> {
    pub(in crate::http) fn new(io: Io, gather: Gather) -> Self {
        Self { io, gather }
    }
}

/// TLS as h2 sees it, which does not flush while records are gathered.
pub(super) struct AboveTls<Io> {
    io: Io,
    gather: Gather,
}

impl<Io> AboveTls<Io> {
    pub(super) fn new(io: Io, gather: Gather) -> Self {
        Self { io, gather }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for BelowTls<Io> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buf)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for BelowTls<Io> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.gather.holds_back(bytes.len()) {
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.gather.holds_back(slices.iter().map(|slice| slice.len()).sum()) {
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for AboveTls<Io> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_read(context, buf))?;
        // By itself a read counts as one operation. But h2 decodes at once whatever it reads, which takes far longer:
        // with 128 reads in one turn, a few flooded connections would keep all others waiting for seconds.
        for _ in 0..READ_COST {
            let Poll::Ready(operation) = coop::poll_proceed(context) else {
                break;
            };
            operation.made_progress();
        }
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for AboveTls<Io> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.gather.holds_back(0) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_flush(context)
    }

    /// Lets everything out first, because TLS would wait for it.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.gather.end();
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Waker;

    use super::*;

    /// Counts the writes, and accepts everything.
    #[derive(Default)]
    struct Socket {
        writes: Vec<usize>,
        flushes: usize,
    }

    impl AsyncWrite for Socket {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.writes.push(bytes.len());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushes += 1;
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn few_records_wait_below_tls_and_many_do_not() {
        let gather = Gather::default();
        let mut below = BelowTls::new(Socket::default(), gather.clone());
        let mut context = Context::from_waker(Waker::noop());
        let mut is_taken = |bytes: usize| Pin::new(&mut below).poll_write(&mut context, &vec![0; bytes]).is_ready();
        assert!(is_taken(1), "nobody gathers");
        gather.begin();
        assert!(!is_taken(1) && !is_taken(GATHERED_BYTES_MAX - 1));
        assert!(is_taken(GATHERED_BYTES_MAX));
        assert!(gather.end(), "something was held back");
        assert!(!gather.end(), "it is reported once");
        assert!(is_taken(1));
        assert_eq!(below.io.writes, [1, GATHERED_BYTES_MAX, 1]);
    }

    /// Reads until the task must let others go on; returns how often.
    async fn reads_of_a_turn(above: &mut AboveTls<tokio::io::Repeat>) -> usize {
        poll_fn(|context| {
            let mut reads = 0;
            while Pin::new(&mut *above).poll_read(context, &mut ReadBuf::new(&mut [0; 8])).is_ready() {
                reads += 1;
            }
            Poll::Ready(reads)
        })
        .await
    }

    #[tokio::test]
    async fn who_sends_without_end_is_read_in_turns() {
        let mut above = AboveTls::new(tokio::io::repeat(0), Gather::default());
        assert_eq!(reads_of_a_turn(&mut above).await, 4);
        tokio::task::yield_now().await;
        assert_eq!(reads_of_a_turn(&mut above).await, 4);
    }

    #[test]
    fn above_tls_nothing_is_flushed_until_the_end() {
        let gather = Gather::default();
        let mut above = AboveTls::new(Socket::default(), gather.clone());
        let mut context = Context::from_waker(Waker::noop());
        gather.begin();
        assert!(Pin::new(&mut above).poll_flush(&mut context).is_ready());
        assert_eq!(above.io.flushes, 0);
        assert!(gather.end());
        assert!(Pin::new(&mut above).poll_flush(&mut context).is_ready());
        assert_eq!(above.io.flushes, 1);
        gather.begin();
        assert!(Pin::new(&mut above).poll_shutdown(&mut context).is_ready());
        assert!(!gather.holds_back(0), "a connection that ends lets everything out");
    }
}
