//! What happens on one stream, from the request to the end of its response?

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use application::streams::registry::TransportProgress;
use bytes::Buf;
use futures_util::future::BoxFuture;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use hyper::body::Body;
use poem::http::{HeaderValue, Response, header};

use super::payload::Payload;
use super::request_body::Rest;
use crate::http::router::{HttpResponse, ResponseBody};

/// The maximum size of one frame, in bytes: with its header it fills a TLS record.
const PAYLOAD_BYTES_MAX: usize = 16 * 1024 - 9;

/// A request that is being answered. Ready when that is done; dropping it resets the stream.
pub(super) struct Exchange {
    is_head: bool,
    response: ResponseState,
    rest: Rest,
}

enum ResponseState {
    Awaited { respond: SendResponse<Payload>, response: BoxFuture<'static, HttpResponse> },
    Sending(Sending),
    Complete,
}

/// A response whose header was sent.
struct Sending {
    stream: SendStream<Payload>,
    body: ResponseBody,
    /// Taken from the body and not yet sent: as much as a frame carries, except for the last part.
    taken: Payload,
    has_ended: bool,
    /// `None`: the body is not one of the service's streams.
    progress: Option<TransportProgress>,
}

impl Exchange {
    pub(super) fn new(
        respond: SendResponse<Payload>,
        response: BoxFuture<'static, HttpResponse>,
        is_head: bool,
        rest: Rest,
    ) -> Self {
        Self { is_head, response: ResponseState::Awaited { respond, response }, rest }
    }

    /// Ready when the response is complete, or no longer wanted.
    fn poll_response(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        if let ResponseState::Awaited { respond, response } = &mut self.response {
            let Poll::Ready(response) = response.as_mut().poll(context) else {
                return respond.poll_reset(context).map(|reset| reset.map(|_| ()));
            };
            match begin(respond, response, self.is_head)? {
                None => return Poll::Ready(Ok(())),
                Some(sending) => self.response = ResponseState::Sending(sending),
            }
        }
        match &mut self.response {
            ResponseState::Sending(sending) => sending.poll_sent(context),
            ResponseState::Awaited { .. } | ResponseState::Complete => Poll::Ready(Ok(())),
        }
    }
}

impl Future for Exchange {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let response = self.poll_response(context);
        let rest = self.rest.poll_ignored(response.is_ready(), context);
        if let Err(error) = ready!(response) {
            tracing::debug!(%error, "a stream ended early");
            return Poll::Ready(());
        }
        self.response = ResponseState::Complete;
        rest
    }
}

/// Sends the header of a response; returns what is left to send, if anything.
fn begin(
    respond: &mut SendResponse<Payload>,
    response: HttpResponse,
    is_head: bool,
) -> Result<Option<Sending>, h2::Error> {
    let (mut head, body) = response.into_parts();
    let progress = head.extensions.remove();
    if let Some(length) = body.size_hint().exact() {
        head.headers.entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    let date = httpdate::HttpDate::from(SystemTime::now()).to_string();
    if let Ok(date) = HeaderValue::try_from(date) {
        head.headers.entry(header::DATE).or_insert(date);
    }
    let is_end = is_head || body.is_end_stream();
    let stream = respond.send_response(Response::from_parts(head, ()), is_end)?;
    Ok((!is_end).then(|| Sending { stream, body, taken: Payload::default(), has_ended: false, progress }))
}

impl Sending {
    /// Ready when everything was handed to the library, or is no longer wanted.
    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        let sent = self.poll_body(context);
        if sent.is_pending()
            && let Some(progress) = &self.progress
            && progress.poll_given_up(context).is_ready()
        {
            self.stream.send_reset(Reason::CANCEL);
            return Poll::Ready(Ok(()));
        }
        sent
    }

    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        let mut has_more = true;
        loop {
            if has_more {
                has_more = self.take(context)?;
            }
            if self.taken.is_empty() && !self.has_ended {
                if let Some(progress) = &self.progress {
                    progress.caught_up();
                }
                return self.stream.poll_reset(context).map(|reset| reset.map(|_| ()));
            }
            if !self.taken.is_empty() {
                // Requested only when there is something to send: capacity reserved by one stream is not available to
                // others.
                self.stream.reserve_capacity(self.taken.remaining().min(PAYLOAD_BYTES_MAX));
                while self.stream.capacity() == 0 {
                    match ready!(self.stream.poll_capacity(context)) {
                        Some(capacity) => drop(capacity?),
                        None => return Poll::Ready(Ok(())),
                    }
                }
            }
            let payload = self.taken.split_to(self.stream.capacity().min(PAYLOAD_BYTES_MAX));
            let is_end = self.has_ended && self.taken.is_empty();
            self.stream.send_data(payload, is_end)?;
            if is_end {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Takes what the body has, up to the size of a frame. Returns false if that was all for now; the body wakes when
    /// there is more.
    fn take(&mut self, context: &mut Context<'_>) -> Result<bool, h2::Error> {
        while self.taken.remaining() < PAYLOAD_BYTES_MAX && !self.has_ended {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Pending => return Ok(false),
                Poll::Ready(None) => self.has_ended = true,
                // There are no trailers.
                Poll::Ready(Some(Ok(frame))) => self.taken.push(frame.into_data().unwrap_or_default()),
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(%error, "the body of a response failed");
                    self.stream.send_reset(Reason::INTERNAL_ERROR);
                    return Err(Reason::INTERNAL_ERROR.into());
                }
            }
        }
        Ok(true)
    }
}
