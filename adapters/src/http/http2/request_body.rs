//! How does the body of a request reach its reader, and what happens to a body that nobody reads?

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame};
use tokio::time::{Sleep, sleep};

use crate::http::body::{BODY_BYTES_MAX, BODY_SECONDS_MAX};

/// How many bytes of an unread request body are discarded before the client is asked to stop sending; otherwise it
/// would wait to send the rest for as long as its response is a stream.
const IGNORED_BYTES_MAX: usize = BODY_BYTES_MAX;

/// How long the rest of a request may take after its response is complete: as long as any body. Then the client is
/// asked to stop sending.
const IGNORED_TIME_MAX: Duration = Duration::from_secs(BODY_SECONDS_MAX);

/// The body of a request. Whatever is read makes room for more.
struct RequestBody {
    /// Taken when the body is dropped.
    stream: Option<RecvStream>,
    left: Left,
}

/// Holds the stream of a body that was not read to its end.
type Left = Arc<Mutex<Option<RecvStream>>>;

/// The unread rest of a request body.
#[derive(Default)]
pub(super) struct Rest {
    left: Option<Left>,
    ignored_bytes: usize,
    deadline: Option<Pin<Box<Sleep>>>,
}

/// Splits `stream` into the body that it carries and a handle to what remains unread.
pub(super) fn split(stream: RecvStream) -> (poem::Body, Rest) {
    if stream.is_end_stream() {
        return (poem::Body::empty(), Rest::default());
    }
    let left = Left::default();
    let rest = Rest { left: Some(Arc::clone(&left)), ..Rest::default() };
    (BoxBody::new(RequestBody { stream: Some(stream), left }).into(), rest)
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(None) };
        Poll::Ready(ready!(poll_part(stream, context)).map(|part| part.map(Frame::data).map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.as_ref().is_none_or(RecvStream::is_end_stream)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let unread = self.stream.take().filter(|stream| !stream.is_end_stream());
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = unread;
    }
}

/// Returns the next part, `None` at the end; what was taken makes room for more. Trailers are ignored.
fn poll_part(stream: &mut RecvStream, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
    let Some(part) = ready!(stream.poll_data(context)) else { return Poll::Ready(None) };
    Poll::Ready(Some(part.and_then(|part| stream.flow_control().release_capacity(part.len()).map(|()| part))))
}

impl Rest {
    /// Ignores what arrives, up to a limit. Ready when no more is awaited.
    ///
    /// Some clients lose a response that is followed by a reset at once (curl does). So they may end their request first.
    pub(super) fn poll_ignored(&mut self, is_answered: bool, context: &mut Context<'_>) -> Poll<()> {
        let Some(left) = &self.left else { return Poll::Ready(()) };
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody still reads it, or it has been read.
        let Some(stream) = &mut *left else { return Poll::Ready(()) };
        while let Poll::Ready(part) = poll_part(stream, context) {
            self.ignored_bytes += part.as_ref().map_or(0, |part| part.as_ref().map_or(0, Bytes::len));
            if !matches!(part, Some(Ok(_))) || self.ignored_bytes > IGNORED_BYTES_MAX {
                *left = None;
                return Poll::Ready(());
            }
        }
        if is_answered {
            let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(IGNORED_TIME_MAX)));
            ready!(deadline.as_mut().poll(context));
            *left = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
