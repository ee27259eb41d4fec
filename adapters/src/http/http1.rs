//! How is HTTP/1.1 spoken?

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use poem::http::Version;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

use super::connection_error::ConnectionError;
use super::drain::Drain;
use super::http1_stream;
use super::options::Http1Options;
use super::router::HttpResponse;
use super::sniff::{Heard, Sniffed};

/// Answers the requests of a connection with `respond`. A response of unknown length is a stream: the last response of
/// its connection.
pub(super) async fn speak<Io>(
    io: Sniffed<Io>,
    options: &Http1Options,
    respond: impl Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse> + Send,
    drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Boxed, so that nothing of it is left once a stream has begun.
    let begun = Box::pin(until_stream(io, options, respond, drain)).await?;
    if let Some((mut io, version, response)) = begun {
        io.tell(None);
        let (head, body) = response.into_parts();
        http1_stream::send(io, version, &head, body).await?;
    }
    Ok(())
}

/// The stream that is to be sent now, and where to.
type Begun<Io> = (Sniffed<Io>, Version, HttpResponse);

/// What the requests of a connection tell its loop.
#[derive(Default)]
struct Requests {
    /// How many are being answered.
    open: AtomicUsize,
    stream: Mutex<Option<(Version, HttpResponse)>>,
}

async fn until_stream<Io>(
    mut io: Sniffed<Io>,
    options: &Http1Options,
    respond: impl Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse> + Send,
    mut drain: Drain,
) -> Result<Option<Begun<Io>>, ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let requests = Arc::new(Requests::default());
    let mut wait = Wait::new(options);
    io.tell(Some(Arc::clone(&wait.heard)));
    let (answered, heard) = (Arc::clone(&requests), Arc::clone(&wait.heard));
    let service = service_fn(move |request: Request<Incoming>| {
        let version = request.version();
        let response = respond(request.map(|body| BoxBody::new(body.map_err(io::Error::other)).into()));
        let (requests, heard) = (Arc::clone(&answered), Arc::clone(&heard));
        requests.open.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let response = response.await;
            requests.open.fetch_sub(1, Ordering::Relaxed);
            // What arrived was the body of this request, if anything.
            heard.store(false, Ordering::Relaxed);
            if response.size_hint().exact().is_some() {
                return Ok::<_, Infallible>(response);
            }
            *requests.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, response));
            // The connection is taken away before anything else could arrive.
            pending().await
        })
    });
    let mut connection = options.builder.serve_connection(TokioIo::new(io), service);
    let mut draining = pin!(drain.begun());
    let mut is_draining = false;
    let begun = poll_fn(|context| {
        if !is_draining && draining.as_mut().poll(context).is_ready() {
            is_draining = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        let ended = Pin::new(&mut connection).poll(context);
        match requests.stream.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(begun) => return Poll::Ready(Ok(Some(begun))),
            None if ended.is_ready() => return ended.map_ok(|()| None).map_err(ConnectionError::Http1),
            None => {}
        }
        wait.poll_over(requests.open.load(Ordering::Relaxed) > 0, context).map(Err)
    });
    match begun.await? {
        None => Ok(None),
        Some((version, response)) => Ok(Some((connection.into_parts().io.into_inner(), version, response))),
    }
}

/// How long to wait for the client.
struct Wait<'a> {
    options: &'a Http1Options,
    /// Something arrived since the last request was answered: the header of the next one.
    heard: Heard,
    state: ResponseState,
    /// When the client has taken too long; meaningless while a request is being answered.
    deadline: Pin<Box<Sleep>>,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResponseState {
    Unused,
    Header,
    Answering,
}

impl<'a> Wait<'a> {
    fn new(options: &'a Http1Options) -> Self {
        let deadline = Box::pin(sleep(options.unused));
        Self { options, heard: Heard::default(), state: ResponseState::Unused, deadline }
    }

    /// Ready when the client has taken too long.
    fn poll_over(&mut self, is_answering: bool, context: &mut Context<'_>) -> Poll<ConnectionError> {
        let state = match (is_answering, self.heard.load(Ordering::Relaxed)) {
            (true, _) => ResponseState::Answering,
            (false, true) => ResponseState::Header,
            (false, false) => ResponseState::Unused,
        };
        let limit = match state {
            ResponseState::Answering => {
                self.state = state;
                return Poll::Pending;
            }
            ResponseState::Header => self.options.header,
            ResponseState::Unused => self.options.unused,
        };
        if self.state != state {
            self.state = state;
            self.deadline.as_mut().reset(Instant::now() + limit);
        }
        ready!(self.deadline.as_mut().poll(context));
        Poll::Ready(ConnectionError::TooSlow(limit))
    }
}
