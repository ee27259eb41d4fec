//! How is HTTP/2 spoken? (RFC 9113)
//!
//! The library speaks it; this module polls the streams of a connection in one task, and ends a connection that is
//! dead, unused, or draining (decision 0015). [`exchange`] is what happens on one stream.

mod exchange;
mod gather;
mod payload;
mod request_body;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use h2::server::{Connection as H2Connection, SendResponse};
use h2::{Ping, PingPong, RecvStream};
use hyper::Request;
use poem::http::{Method, Response, StatusCode, header};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

use self::exchange::Exchange;
use self::gather::AboveTls;
pub(super) use self::gather::{BelowTls, Gather};
use self::payload::Payload;
use super::connection_error::ConnectionError;
use super::drain::Drain;
use super::options::Http2Options;
use super::router::HttpResponse;

/// The first bytes of a client.
pub(super) const PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Answers the requests of a connection with `respond`. When draining begins it ends after the current responses.
pub(super) async fn speak<Io>(
    io: Io,
    options: &Http2Options,
    respond: impl Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse>,
    mut drain: Drain,
    gather: Option<Gather>,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let io = AboveTls::new(io, gather.clone().unwrap_or_default());
    // Boxed, so that nothing of it is left once the connection is served.
    let handshake = Box::pin(tokio::time::timeout(options.first_bytes, options.builder.handshake(io)));
    let h2 = handshake.await.map_err(|_| ConnectionError::TooSlow(options.first_bytes))??;
    let mut connection = Http2Connection::new(h2, options, respond, gather);
    let mut draining = pin!(drain.begun());
    poll_fn(|context| {
        if connection.ending_since.is_none() && draining.as_mut().poll(context).is_ready() {
            connection.begin_end();
        }
        connection.poll(context)
    })
    .await
}

/// The response that a client waits for before it sends a body.
fn go_on() -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::CONTINUE;
    response
}

/// One connection.
struct Http2Connection<'a, Io, Respond>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    h2: H2Connection<AboveTls<Io>, Payload>,
    /// `None`: there is no TLS below whose buffer could hold anything.
    gather: Option<Gather>,
    respond: Respond,
    exchanges: FuturesUnordered<Exchange>,
    options: &'a Http2Options,
    ping: Option<PingPong>,
    presence: Presence,
    /// When to ask the client for a sign of life, or to give it up.
    deadline: Pin<Box<Sleep>>,
    /// Since when there has been no stream.
    unused_since: Option<Instant>,
    /// Since when the client has known that no further request is taken.
    ending_since: Option<Instant>,
}

/// What is known about the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// It gave a sign of life recently.
    Known,
    /// It was asked for one.
    Asked,
}

impl<'a, Io, Respond> Http2Connection<'a, Io, Respond>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    Respond: Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse>,
{
    fn new(
        mut h2: H2Connection<AboveTls<Io>, Payload>,
        options: &'a Http2Options,
        respond: Respond,
        gather: Option<Gather>,
    ) -> Self {
        let now = Instant::now();
        Self {
            ping: h2.ping_pong(),
            h2,
            gather,
            respond,
            exchanges: FuturesUnordered::new(),
            options,
            presence: Presence::Known,
            deadline: Box::pin(sleep_until(now + options.ping_interval)),
            unused_since: Some(now),
            ending_since: None,
        }
    }

    /// Tells the client that no further request is taken. The connection ends with its last stream.
    fn begin_end(&mut self) {
        self.h2.graceful_shutdown();
        self.ending_since = Some(Instant::now());
    }

    fn enter(&mut self, presence: Presence) {
        self.presence = presence;
        let now = Instant::now();
        let deadline = match (presence, self.unused_since) {
            (Presence::Known, Some(since)) if self.ending_since.is_none() => {
                (now + self.options.ping_interval).min(since + self.options.unused)
            }
            (Presence::Known, _) => now + self.options.ping_interval,
            (Presence::Asked, _) => now + self.options.ping_timeout,
        };
        self.deadline.as_mut().reset(deadline);
    }

    /// Makes all possible progress. Ready when the connection has ended.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        if let Some(gather) = &self.gather {
            gather.begin();
        }
        let mut has_ended = self.poll_requests(context)?;
        // What was held back is sent by one more poll, since only h2 can flush.
        if has_ended.is_pending() && self.gather.as_ref().is_some_and(Gather::end) {
            has_ended = self.poll_requests(context)?;
        }
        if has_ended.is_ready() {
            return Poll::Ready(Ok(()));
        }
        self.poll_time(context)
    }

    /// Sends what there is, and takes requests. Ready when the connection has ended.
    fn poll_requests(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, ConnectionError> {
        loop {
            // What they send reaches the client with the following poll.
            while let Poll::Ready(Some(())) = self.exchanges.poll_next_unpin(context) {}
            match self.h2.poll_accept(context) {
                Poll::Ready(Some(request)) => {
                    let (request, respond) = request?;
                    self.begin(request, respond);
                }
                Poll::Ready(None) => return Ok(Poll::Ready(())),
                Poll::Pending => return Ok(Poll::Pending),
            }
        }
    }

    fn begin(&mut self, request: Request<RecvStream>, mut respond: SendResponse<Payload>) {
        let is_head = request.method() == Method::HEAD;
        if !request.body().is_end_stream()
            && request.headers().get(header::EXPECT).is_some_and(|it| it == "100-continue")
        {
            // If that fails, so does the response.
            let _ = respond.send_informational(go_on());
        }
        let (head, body) = request.into_parts();
        let (body, rest) = request_body::split(body);
        let response = (self.respond)(Request::from_parts(head, body));
        self.exchanges.push(Exchange::new(respond, response, is_head, rest));
    }

    /// Ready when the client is given up.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        if !self.exchanges.is_empty() {
            self.unused_since = None;
        } else if self.unused_since.is_none() {
            self.unused_since = Some(Instant::now());
        }
        if self.presence == Presence::Asked
            && let Some(ping) = &mut self.ping
            && ping.poll_pong(context).is_ready()
        {
            self.enter(Presence::Known);
        }
        loop {
            ready!(self.deadline.as_mut().poll(context));
            let limit = self.options.ping_timeout;
            let has_lasted = |since: Option<Instant>, limit| since.is_some_and(|since| since.elapsed() >= limit);
            match self.presence {
                Presence::Asked => {
                    return Poll::Ready(Err(ConnectionError::TooSlow(self.options.ping_interval + limit)));
                }
                // The client does not read the rest.
                Presence::Known if self.exchanges.is_empty() && has_lasted(self.ending_since, limit) => {
                    return Poll::Ready(Err(ConnectionError::TooSlow(limit)));
                }
                Presence::Known
                    if self.ending_since.is_none() && has_lasted(self.unused_since, self.options.unused) =>
                {
                    self.begin_end();
                    self.enter(Presence::Known);
                    // The library does not notice by itself.
                    context.waker().wake_by_ref();
                }
                Presence::Known => {
                    if let Some(ping) = &mut self.ping {
                        ping.send_ping(Ping::opaque())?;
                    }
                    self.enter(Presence::Asked);
                }
            }
        }
    }
}
