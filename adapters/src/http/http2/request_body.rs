//! How does the body of a request reach whoever reads it?

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame};

/// The body of a request. What was read makes room for more; what nobody reads does not.
pub(super) struct RequestBody(RecvStream);

impl RequestBody {
    /// The body that `stream` carries.
    pub(super) fn of(stream: RecvStream) -> poem::Body {
        BoxBody::new(Self(stream)).into()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        // Trailers are nobody's business here.
        let Some(part) = ready!(self.0.poll_data(context)) else { return Poll::Ready(None) };
        let part = part.map_err(io::Error::other)?;
        self.0.flow_control().release_capacity(part.len()).map_err(io::Error::other)?;
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}
