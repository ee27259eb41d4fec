//! What happens on one stream: a request, and its response?

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::Body;
use poem::http::{Request, StatusCode, header, response};
use tokio::time::Instant;

use super::body::Inbound;
use super::frame::{END_STREAM, ErrorCode, PAYLOAD_BYTES_MAX};
use super::hpack;
use super::outgoing::{DataFrame, Outgoing};
use super::ready::StreamWaker;
use super::window::{ReceiveWindow, SendWindow};
use crate::http::body::BODY_SECONDS_MAX;
use crate::http::router::{HttpResponse, ResponseBody};

/// How long the rest of a request may take after its response is complete: as long as any body.
const IGNORED_TIME_MAX: Duration = Duration::from_secs(BODY_SECONDS_MAX);

/// A request and its response.
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) waker: Arc<StreamWaker>,
    /// How much of the response the client takes.
    pub(super) window: SendWindow,
    /// Since when there is, or may be, more to send than the client takes.
    pub(super) blocked_since: Option<Instant>,
    /// `None`: the request has no body.
    pub(super) request: Option<RequestState>,
    pub(super) response: ResponseState,
    /// The response has no body, whatever it says.
    pub(super) is_head: bool,
}

/// A request that has a body.
pub(super) struct RequestState {
    pub(super) inbound: Inbound,
    pub(super) window: ReceiveWindow,
    /// More may come.
    pub(super) is_open: bool,
    /// How much is to come by `content-length`, in bytes; `None`: it does not say.
    pub(super) bytes_left: Option<u64>,
    /// Of what came, not yet given back to the window of the connection, in bytes.
    pub(super) unread: usize,
}

impl RequestState {
    /// The next part of the body, and perhaps its end. False, and nothing is taken: it is not as long as
    /// `content-length` says.
    #[must_use]
    pub(super) fn push(&mut self, bytes: &[u8], is_end: bool) -> bool {
        if let Some(left) = &mut self.bytes_left {
            match left.checked_sub(bytes.len() as u64) {
                Some(rest) if rest == 0 || !is_end => *left = rest,
                _ => return false,
            }
        }
        self.unread += bytes.len();
        self.inbound.push(bytes);
        if is_end {
            self.is_open = false;
            self.inbound.end();
        }
        true
    }
}

/// How far the response is.
pub(super) enum ResponseState {
    /// Nobody has begun with it.
    Asked(Box<Request<poem::Body>>),
    Awaited(BoxFuture<'static, HttpResponse>),
    Body {
        body: ResponseBody,
        /// Of the last part, what did not fit into a frame.
        rest: Bytes,
    },
    /// It is complete; what is left of the request is ignored.
    Complete {
        since: Instant,
        /// How much was ignored, in bytes.
        ignored: usize,
    },
}

/// What a stream does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It has more to send.
    More,
    /// It wakes when it has.
    Waits,
    /// The response is complete.
    Ended,
    /// The response cannot be completed.
    Failed,
}

impl Stream {
    /// Whether more of the request may come.
    pub(super) fn is_open(&self) -> bool {
        self.request.as_ref().is_some_and(|request| request.is_open)
    }

    /// Whether the client has got something of the response.
    pub(super) fn has_begun(&self) -> bool {
        matches!(self.response, ResponseState::Body { .. } | ResponseState::Complete { .. })
    }

    /// Whether nothing but the rest of the request is missing.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.response, ResponseState::Complete { .. })
    }

    /// With what the stream is reset because its client keeps it waiting for too long; `None`: it does not. `unread`: how
    /// long it may take nothing of what there is to send.
    pub(super) fn is_given_up(&self, unread: Duration) -> Option<ErrorCode> {
        match (&self.response, self.blocked_since) {
            (ResponseState::Complete { since, .. }, _) => {
                (since.elapsed() >= IGNORED_TIME_MAX).then_some(ErrorCode::NoError)
            }
            (_, Some(since)) => (since.elapsed() >= unread).then_some(ErrorCode::Cancel),
            (_, None) => None,
        }
    }

    /// Goes on with the response, by at most one DATA frame, and not beyond `connection`.
    pub(super) fn advance(
        &mut self,
        respond: &impl Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse>,
        connection: &mut SendWindow,
        outgoing: &mut Outgoing,
    ) -> Next {
        let waker = Waker::from(Arc::clone(&self.waker));
        let mut context = Context::from_waker(&waker);
        if let ResponseState::Asked(request) = &mut self.response {
            let request = std::mem::take(&mut **request);
            self.response = ResponseState::Awaited(respond(request));
        }
        if let ResponseState::Awaited(response) = &mut self.response {
            let Poll::Ready(response) = response.as_mut().poll(&mut context) else { return Next::Waits };
            let (head, body) = response.into_parts();
            let has_body = !self.is_head && !is_bodiless(head.status) && !body.is_end_stream();
            push_head(self.id, &head, &body, has_body, outgoing);
            if !has_body {
                return Next::Ended;
            }
            self.response = ResponseState::Body { body, rest: Bytes::new() };
        }
        match &mut self.response {
            ResponseState::Body { body, rest } => {
                let room = self.window.room().min(connection.room()).min(PAYLOAD_BYTES_MAX);
                if room == 0 {
                    self.blocked_since.get_or_insert_with(Instant::now);
                    return Next::Waits;
                }
                self.blocked_since = None;
                let mut frame = outgoing.begin_data();
                let next = fill(body, rest, room, &mut frame, &mut context);
                self.window.sent(frame.length());
                connection.sent(frame.length());
                frame.end(self.id, if next == Next::Ended { END_STREAM } else { 0 });
                next
            }
            // The first two have become the next one above.
            ResponseState::Asked(_) | ResponseState::Awaited(_) | ResponseState::Complete { .. } => Next::Waits,
        }
    }
}

/// Fills the frame with what the body has, up to `room` bytes.
fn fill(
    body: &mut ResponseBody,
    rest: &mut Bytes,
    room: usize,
    frame: &mut DataFrame<'_>,
    context: &mut Context<'_>,
) -> Next {
    loop {
        if !rest.is_empty() {
            let length = rest.len().min(room - frame.length());
            frame.push(rest.split_to(length));
        }
        if rest.is_empty() && body.is_end_stream() {
            return Next::Ended;
        }
        if frame.length() == room {
            return Next::More;
        }
        match Pin::new(&mut *body).poll_frame(context) {
            Poll::Pending => return Next::Waits,
            Poll::Ready(None) => return Next::Ended,
            Poll::Ready(Some(Err(error))) => {
                tracing::debug!(%error, "the body of a response failed");
                return Next::Failed;
            }
            // There are no trailers.
            Poll::Ready(Some(Ok(part))) => *rest = part.into_data().unwrap_or_default(),
        }
    }
}

/// Whether a response of this status never has a body.
fn is_bodiless(status: StatusCode) -> bool {
    status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED
}

fn push_head(stream: u32, head: &response::Parts, body: &ResponseBody, has_body: bool, outgoing: &mut Outgoing) {
    let mut block = Vec::with_capacity(256);
    hpack::encode_field(":status", head.status.as_str().as_bytes(), &mut block);
    for (name, value) in &head.headers {
        if !super::request::is_of_connection(name.as_str()) {
            hpack::encode_field(name.as_str(), value.as_bytes(), &mut block);
        }
    }
    if !head.headers.contains_key(header::DATE) {
        let date = httpdate::HttpDate::from(std::time::SystemTime::now()).to_string();
        hpack::encode_field("date", date.as_bytes(), &mut block);
    }
    if let Some(length) = body.size_hint().exact()
        && !head.headers.contains_key(header::CONTENT_LENGTH)
        && !is_bodiless(head.status)
    {
        hpack::encode_field("content-length", length.to_string().as_bytes(), &mut block);
    }
    outgoing.push_block(stream, block, !has_body);
}
