//! How does the body of a request reach whoever reads it?

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};

use super::ready::StreamWaker;

/// The body, for the endpoint.
pub(super) struct RequestBody(Arc<Shared>);

/// Where the connection puts what comes. Dropping it without [`end`](Self::end) fails the body.
pub(super) struct Inbound(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    stream: Arc<StreamWaker>,
}

#[derive(Default)]
struct State {
    /// Came and was not read yet; one buffer, so that many tiny frames take no more room than a large one.
    unread: BytesMut,
    /// Read or thrown away, and not yet told to the connection, in bytes.
    read: usize,
    has_ended: bool,
    /// Nothing more comes, though the body has not ended.
    is_cut: bool,
    /// Nobody will read the rest.
    is_unwanted: bool,
    reader: Option<Waker>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unlocks first: what wakes may be anything.
    fn wake_reader(mut state: MutexGuard<'_, State>) {
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

/// The two ends of a body; what was read wakes the stream.
pub(super) fn channel(stream: &Arc<StreamWaker>) -> (Inbound, RequestBody) {
    let shared = Arc::new(Shared { state: Mutex::default(), stream: Arc::clone(stream) });
    (Inbound(Arc::clone(&shared)), RequestBody(shared))
}

impl Inbound {
    /// The next part. If nobody wants it, it counts as read.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut state = self.0.state();
        if state.is_unwanted {
            state.read += bytes.len();
            drop(state);
            // The windows may grow, and nothing else may happen on the stream for long.
            self.0.stream.wake_by_ref();
        } else if !bytes.is_empty() {
            state.unread.extend_from_slice(bytes);
            Shared::wake_reader(state);
        }
    }

    /// The body is complete.
    pub(super) fn end(&self) {
        let mut state = self.0.state();
        state.has_ended = true;
        Shared::wake_reader(state);
    }

    /// How many bytes were read, or thrown away, since this was asked last.
    pub(super) fn take_read(&self) -> usize {
        std::mem::take(&mut self.0.state().read)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_cut = true;
        Shared::wake_reader(state);
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut state = self.0.state();
        if !state.unread.is_empty() {
            let part = std::mem::take(&mut state.unread).freeze();
            state.read += part.len();
            drop(state);
            self.0.stream.wake_by_ref();
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        if state.has_ended {
            return Poll::Ready(None);
        }
        if state.is_cut {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        let state = self.0.state();
        state.has_ended && state.unread.is_empty()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_unwanted = true;
        state.read += std::mem::take(&mut state.unread).len();
        drop(state);
        self.0.stream.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    use super::super::ready::Ready;
    use super::*;

    fn pair() -> (Inbound, RequestBody, Arc<Ready>) {
        let ready = Arc::new(Ready::default());
        let (inbound, body) = channel(&StreamWaker::new(1, &ready));
        (inbound, body, ready)
    }

    /// The next part, `None` at the end; nothing if it has to be waited for.
    fn next(body: &mut RequestBody) -> Option<io::Result<Option<Bytes>>> {
        let frame = body.frame().now_or_never()?;
        Some(frame.transpose().map(|frame| frame.and_then(|frame| frame.into_data().ok())))
    }

    #[track_caller]
    fn check(body: &mut RequestBody, expected: &'static [u8]) {
        assert_eq!(next(body).expect("there is more").expect("a part"), Some(Bytes::from_static(expected)));
    }

    #[test]
    fn what_is_put_in_is_read_and_counted() {
        let (inbound, mut body, ready) = pair();
        assert!(next(&mut body).is_none());
        inbound.push(b"one");
        inbound.push(b"");
        inbound.push(b"two");
        assert!(!body.is_end_stream() && ready.take().is_empty());
        check(&mut body, b"onetwo");
        assert_eq!((inbound.take_read(), inbound.take_read()), (6, 0));
        assert_eq!(ready.take(), [1], "the window may grow");
        inbound.push(b"three");
        inbound.end();
        drop(inbound);
        assert!(!body.is_end_stream(), "not before it was read");
        check(&mut body, b"three");
        assert!(body.is_end_stream());
        assert!(matches!(next(&mut body), Some(Ok(None))));
    }

    #[test]
    fn a_body_that_is_cut_is_an_error() {
        let (inbound, mut body, _) = pair();
        inbound.push(b"begin");
        drop(inbound);
        check(&mut body, b"begin");
        assert!(matches!(next(&mut body), Some(Err(_))));
    }

    #[test]
    fn what_nobody_reads_counts_as_read() {
        let (inbound, body, ready) = pair();
        inbound.push(b"before");
        drop(body);
        assert_eq!((inbound.take_read(), ready.take().len()), (6, 1));
        inbound.push(b"afterwards");
        assert_eq!(inbound.take_read(), 10);
    }

    #[tokio::test]
    async fn who_reads_is_woken() {
        let (inbound, body, _) = pair();
        let reading = tokio::spawn(body.collect());
        for part in ["one ", "two"] {
            tokio::task::yield_now().await;
            inbound.push(part.as_bytes());
        }
        tokio::task::yield_now().await;
        inbound.end();
        let whole = reading.await.expect("no panic").expect("whole").to_bytes();
        assert_eq!(whole, "one two");
        drop(inbound);
        let (inbound, body, _) = pair();
        let reading = tokio::spawn(body.collect());
        tokio::task::yield_now().await;
        drop(inbound);
        assert!(reading.await.expect("no panic").is_err(), "it is cut");
    }
}
