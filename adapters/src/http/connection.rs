//! What happens on one connection, from its first byte to its end?

use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryFutureExt;
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService as HyperService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::graceful::GracefulConnection;
use poem::error::ResponseError;
use poem::http::{HeaderValue, Version, header};
use tokio::io::{AsyncRead, AsyncWrite};

use super::drain::Drain;
use super::error::HttpError;
use super::limits::Limits;
use super::router::{HttpService, HyperResponse};
use super::sniff::{Protocol, Sniffed};
use crate::tls::{TlsMode, TlsServer};

/// What all connections of a port share.
pub struct ConnectionContext {
    service: HttpService,
    tls: Tls,
    first_bytes: Duration,
    handshake: Duration,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

/// Which of the two ways to speak are served.
#[derive(Clone)]
enum Tls {
    Off,
    /// The second value: whether plain connections are served as well.
    On(TlsServer, bool),
}

impl ConnectionContext {
    /// Serves `service`; with `TLS=off` the certificate is not used.
    #[must_use]
    pub fn new(service: HttpService, mode: TlsMode, tls: Option<TlsServer>, limits: &Limits) -> Self {
        let tls = match (mode, tls) {
            (TlsMode::Off, _) | (_, None) => Tls::Off,
            (TlsMode::Both, Some(server)) => Tls::On(server, true),
            (TlsMode::Only, Some(server)) => Tls::On(server, false),
        };
        Self {
            service,
            tls,
            first_bytes: limits.first_bytes,
            handshake: limits.handshake,
            http1: limits.http1(),
            http2: limits.http2(),
        }
    }
}

/// Serves a connection until it ends. When the draining begins it ends after the responses that are under way.
pub(super) async fn serve<Io>(io: Io, peer: SocketAddr, context: Arc<ConnectionContext>, drain: Drain)
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let _open = context.service.counters().opened();
    // What clients do wrong, and that they go away, is none of the log's business unless somebody looks for it.
    if let Err(error) = try_serve(io, peer, &context, drain).await {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

async fn try_serve<Io>(
    io: Io,
    peer: SocketAddr,
    context: &Arc<ConnectionContext>,
    mut drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // The steps are boxed, so that an open connection keeps the memory of the step it is in, not of the largest one.
    let mut io = Sniffed::new(io);
    // Until something was asked nothing is lost by ending a connection.
    let Some(is_tls) = until(&mut drain, context.first_bytes, io.is_tls()).await? else { return Ok(()) };
    match (&context.tls, is_tls) {
        (Tls::On(server, _), true) => {
            let handshake = Box::pin(server.accept(io)).map_ok(Some);
            let Some(io) = until(&mut drain, context.handshake, handshake).await? else { return Ok(()) };
            let mut io = Sniffed::new(io);
            let Some(protocol) = until(&mut drain, context.first_bytes, io.protocol()).await? else { return Ok(()) };
            Box::pin(answer(io, protocol, peer, true, context, drain)).await
        }
        (tls, _) => {
            let Some(protocol) = until(&mut drain, context.first_bytes, io.protocol()).await? else { return Ok(()) };
            match tls {
                Tls::On(_, false) => Box::pin(refuse(io, protocol, context, drain)).await,
                Tls::On(_, true) | Tls::Off => Box::pin(answer(io, protocol, peer, false, context, drain)).await,
            }
        }
    }
}

/// Answers requests with the service.
async fn answer<Io>(
    io: Sniffed<Io>,
    protocol: Protocol,
    peer: SocketAddr,
    tls: bool,
    context: &Arc<ConnectionContext>,
    drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shared = Arc::clone(context);
    let service = service_fn(move |request| {
        let context = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(context.service.respond(request, peer, tls).await) }
    });
    speak(io, protocol, service, context, drain).await
}

/// Answers the first request with the error that only TLS is served, and ends the connection.
async fn refuse<Io>(
    io: Sniffed<Io>,
    protocol: Protocol,
    context: &ConnectionContext,
    mut drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (answered, done) = super::drain::drain();
    let answered = Arc::new(answered);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        answered.begin();
        let mut response = HyperResponse::from(HttpError::TlsRequired.as_response());
        if request.version() < Version::HTTP_2 {
            let headers = response.headers_mut();
            headers.insert(header::UPGRADE, HeaderValue::from_static("TLS/1.2, HTTP/1.1"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("close, upgrade"));
        }
        async { Ok::<_, Infallible>(response) }
    });
    tokio::select! {
        ended = speak(io, protocol, service, context, done) => ended,
        () = drain.begun() => Ok(()),
    }
}

async fn speak<Io, S, B>(
    io: Sniffed<Io>,
    protocol: Protocol,
    service: S,
    context: &ConnectionContext,
    drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: HyperService<Incoming, ResBody = B, Error = Infallible, Future: Send + 'static>,
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let io = TokioIo::new(io);
    match protocol {
        Protocol::Http1 => run(Box::pin(context.http1.serve_connection(io, service)), drain).await,
        Protocol::Http2 => run(Box::pin(context.http2.serve_connection(io, service)), drain).await,
    }
}

async fn run<C>(mut connection: std::pin::Pin<Box<C>>, mut drain: Drain) -> Result<(), ConnectionError>
where
    C: GracefulConnection<Error = hyper::Error>,
{
    tokio::select! {
        ended = connection.as_mut() => return ended.map_err(ConnectionError::Http),
        () = drain.begun() => connection.as_mut().graceful_shutdown(),
    }
    connection.await.map_err(ConnectionError::Http)
}

/// Waits for the client, but not longer than `limit`, and not once the draining has begun: that is `None`.
async fn until<T>(
    drain: &mut Drain,
    limit: Duration,
    step: impl Future<Output = io::Result<Option<T>>>,
) -> Result<Option<T>, ConnectionError> {
    tokio::select! {
        () = drain.begun() => Ok(None),
        step = tokio::time::timeout(limit, step) => {
            Ok(step.map_err(|_| ConnectionError::TooSlow(limit))??)
        }
    }
}

/// Why a connection ended before its client wanted.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("nothing usable arrived within {} seconds", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{}", with_cause(.0))]
    Http(hyper::Error),
}

fn with_cause(error: &(dyn std::error::Error + 'static)) -> impl Display {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
