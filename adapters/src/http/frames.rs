//! Which pieces of a stream travel together over HTTP/2?
//!
//! Every DATA frame costs a record of TLS and a write to the socket, however small it is. The parts of a line are many and
//! often small, so they are copied together until a frame is full; what fills a frame alone is not copied.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};

/// How much one frame carries, in bytes: with its head (9 bytes) as much as a record of TLS.
const FRAME_BYTES_MAX: usize = 16 * 1024 - 9;

/// A body whose frames are as full as what is there allows. Nothing waits for more to come.
pub(super) struct Frames<B> {
    body: B,
    /// Of a part that did not fit into the frame before.
    rest: Bytes,
    has_ended: bool,
}

impl<B> Frames<B> {
    pub(super) fn new(body: B) -> Self {
        Self { body, rest: Bytes::new(), has_ended: false }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Frames<B> {
    /// The next part of the body, not longer than `bytes_max`. Parts that carry no bytes (there are no trailers) are left
    /// out.
    fn poll_part(&mut self, context: &mut Context<'_>, bytes_max: usize) -> Poll<Option<Result<Bytes, B::Error>>> {
        while self.rest.is_empty() {
            if self.has_ended {
                return Poll::Ready(None);
            }
            match std::task::ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => self.has_ended = true,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            }
        }
        let length = self.rest.len().min(bytes_max);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Frames<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let first = match std::task::ready!(this.poll_part(context, FRAME_BYTES_MAX)) {
            Some(Ok(first)) => first,
            ended => return Poll::Ready(ended.map(|part| part.map(Frame::data))),
        };
        let mut gathered = BytesMut::new();
        while first.len().max(gathered.len()) < FRAME_BYTES_MAX {
            let room = FRAME_BYTES_MAX - first.len().max(gathered.len());
            match this.poll_part(context, room) {
                Poll::Ready(Some(Ok(part))) => {
                    if gathered.is_empty() {
                        gathered.reserve(FRAME_BYTES_MAX);
                        gathered.extend_from_slice(&first);
                    }
                    gathered.extend_from_slice(&part);
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        let bytes = if gathered.is_empty() { first } else { gathered.freeze() };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && (self.has_ended || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{FutureExt, StreamExt, stream};
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    const MAX: usize = FRAME_BYTES_MAX;

    /// Sends parts of these lengths, of which a 0 stands for "nothing more now", and checks the lengths of the frames.
    #[track_caller]
    fn check(parts: &[usize], expected: &[usize]) {
        let mut next = 0_u8;
        let parts: Vec<Option<Bytes>> = parts
            .iter()
            .map(|length| {
                let bytes: Vec<u8> = (0..*length)
                    .map(|_| {
                        next = next.wrapping_add(1);
                        next
                    })
                    .collect();
                (*length > 0).then(|| bytes.into())
            })
            .collect();
        let sent: Vec<u8> = parts.iter().flatten().flatten().copied().collect();
        let mut left = parts.into_iter();
        let body = stream::poll_fn(move |context| match left.next() {
            None => Poll::Ready(None),
            Some(None) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Some(part)) => Poll::Ready(Some(Ok::<_, Infallible>(Frame::data(part)))),
        });
        let mut frames = Frames::new(StreamBody::new(body)).into_data_stream();
        let mut received = Vec::new();
        let mut lengths = Vec::new();
        // Once more for each time that there is nothing.
        for _ in 0..20 {
            if let Some(Some(frame)) = frames.next().now_or_never() {
                let frame = frame.expect("bytes");
                lengths.push(frame.len());
                received.extend_from_slice(&frame);
            }
        }
        assert_eq!(lengths, expected);
        assert_eq!(received, sent);
    }

    #[test]
    fn frames_are_as_full_as_what_is_there_allows() {
        check(&[], &[]);
        check(&[18], &[18]);
        check(&[1, 2, 3], &[6]);
        check(&[1, 2, 0, 3], &[3, 3]);
        check(&[MAX], &[MAX]);
        check(&[MAX + 1], &[MAX, 1]);
        check(&[10, MAX, 10], &[MAX, 20]);
        check(&[3 * MAX, 5, 0, 7], &[MAX, MAX, MAX, 5, 7]);
        check(&[MAX - 1, 1, 1], &[MAX, 1]);
    }

    #[test]
    fn what_fills_a_frame_alone_is_not_copied() {
        let part = Bytes::from(vec![7; 2 * MAX]);
        let body = StreamBody::new(stream::iter([Ok::<_, Infallible>(Frame::data(part.clone()))]));
        let mut frames = Frames::new(body).into_data_stream();
        for start in [0, MAX] {
            let frame = frames.next().now_or_never().flatten().expect("a frame").expect("bytes");
            assert_eq!(frame.as_ptr(), part[start..].as_ptr());
        }
    }

    #[test]
    fn the_end_of_a_body_is_told_with_its_last_frame() {
        let mut frames = Frames::new(http_body_util::Full::new(Bytes::from(vec![7; MAX + 1])));
        for (length, is_end) in [(MAX, false), (1, true)] {
            let frame = frames.frame().now_or_never().flatten().expect("a frame").expect("bytes");
            assert_eq!((frame.into_data().map(|data| data.len()).ok(), frames.is_end_stream()), (Some(length), is_end));
        }
        let mut frames = Frames::new(http_body_util::Full::new(Bytes::from_static(b"short")));
        assert_eq!((frames.size_hint().exact(), frames.is_end_stream()), (Some(5), false));
        let frame = frames.frame().now_or_never().flatten().expect("a frame").expect("bytes");
        assert_eq!(frame.into_data().ok().as_deref(), Some(&b"short"[..]));
        assert!(frames.is_end_stream());
    }
}
