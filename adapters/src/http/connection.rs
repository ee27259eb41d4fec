//! What happens on one connection, from its first byte to its end?

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use application::limits::address::ClientAddress;
use application::limits::occupancy::{Occupancy, Place};
use application::limits::refusals::{Limit, Refusals};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use hyper::Request;
use poem::Body;
use poem::error::ResponseError;
use poem::http::{HeaderValue, Version, header};
use tokio::io::{AsyncRead, AsyncWrite};

use super::address::Address;
use super::client_address::TrustedProxies;
use super::connection_error::ConnectionError;
use super::drain::Drain;
use super::error::HttpError;
use super::http2::{BelowTls, Gather};
use super::limits::Limits;
use super::options::{Http1Options, Http2Options};
use super::router::{HttpResponse, HttpService};
use super::sniff::{Protocol, Sniffed};
use super::{http1, http2};
use crate::tls::{TlsMode, TlsServer};

/// What all connections of a port share.
pub struct ConnectionContext {
    service: HttpService,
    tls: Tls,
    first_bytes: Duration,
    handshake: Duration,
    http1: Http1Options,
    http2: Http2Options,
    /// `None`: an address may have as many connections as all together.
    addresses: Option<AddressLimit>,
}

/// How many connections each address may have.
struct AddressLimit {
    places: Arc<Occupancy<ClientAddress>>,
    proxies: TrustedProxies,
    refusals: Arc<Refusals>,
}

impl AddressLimit {
    /// Takes a place for a connection of `peer`; `None` inside: it needs none.
    fn place(&self, peer: &Address) -> Result<Option<Place<ClientAddress>>, ConnectionError> {
        let Some(address) = self.proxies.of_connection(peer) else { return Ok(None) };
        let place = self.places.take(address).ok_or_else(|| {
            self.refusals.refused(Limit::ConnectionsPerAddress, &address);
            ConnectionError::TooMany
        });
        place.map(Some)
    }
}

/// Which of TLS and plain text are served.
#[derive(Clone)]
enum Tls {
    Off,
    /// The second value: whether plain connections are served as well.
    On(TlsServer, bool),
}

impl ConnectionContext {
    /// Creates the context that serves `service`; with `TLS=off` the certificate is not used.
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
            http1: Http1Options::of(limits),
            http2: Http2Options::of(limits),
            addresses: None,
        }
    }

    /// Also limits how many connections an address may have; those that are closed for it are counted in `refusals`.
    #[must_use]
    pub fn limiting_addresses(self, limits: &Limits, refusals: Arc<Refusals>) -> Self {
        let addresses = AddressLimit {
            places: Occupancy::new(limits.shares.connections_per_address_max),
            proxies: limits.shares.trusted_proxies.clone(),
            refusals,
        };
        Self { addresses: Some(addresses), ..self }
    }
}

/// Serves a connection until it ends. When draining begins it ends after the current responses.
pub(super) async fn serve<Io>(io: Io, peer: Address, context: Arc<ConnectionContext>, drain: Drain)
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let _open = context.service.counters().opened();
    // Misbehaving and vanishing clients do not belong into the log unless somebody looks for them.
    if let Err(error) = try_serve(io, peer.clone(), &context, drain).await {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

async fn try_serve<Io>(
    io: Io,
    peer: Address,
    context: &Arc<ConnectionContext>,
    mut drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Beyond the limit nothing is answered: that would cost more than the connection, above all with a TLS handshake.
    let _place = context.addresses.as_ref().map(|addresses| addresses.place(&peer)).transpose()?;
    // The steps are boxed, so that an open connection only uses the memory of its current step, not of the largest one.
    let mut io = Sniffed::new(io);
    // Nothing is lost by ending a connection on which nothing has been requested.
    let Some(is_tls) = Box::pin(until(&mut drain, context.first_bytes, io.is_tls())).await? else { return Ok(()) };
    match (&context.tls, is_tls) {
        (Tls::On(server, _), true) => {
            let gather = Gather::default();
            let handshake = server.accept(BelowTls::new(io, gather.clone())).map_ok(Some);
            let Some(io) = Box::pin(until(&mut drain, context.handshake, handshake)).await? else { return Ok(()) };
            Box::pin(answer(Sniffed::new(io), peer, Some(gather), context, drain)).await
        }
        (Tls::On(_, false), false) => Box::pin(refuse(io, context, drain)).await,
        (Tls::On(_, true), false) | (Tls::Off, _) => Box::pin(answer(io, peer, None, context, drain)).await,
    }
}

/// Answers requests with the service; over TLS there is a way to gather writes.
async fn answer<Io>(
    io: Sniffed<Io>,
    peer: Address,
    tls: Option<Gather>,
    context: &Arc<ConnectionContext>,
    drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (shared, is_tls) = (Arc::clone(context), tls.is_some());
    let respond = move |request| {
        let (context, peer) = (Arc::clone(&shared), peer.clone());
        async move { context.service.respond(request, peer, is_tls).await }.boxed()
    };
    speak(io, respond, context, drain, tls).await
}

/// Answers the first request with the error that only TLS is served, and ends the connection.
async fn refuse<Io>(io: Sniffed<Io>, context: &ConnectionContext, mut drain: Drain) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (answered, done) = super::drain::drain();
    let respond = move |request: Request<Body>| {
        answered.begin();
        let mut response = HttpResponse::from(HttpError::TlsRequired.as_response());
        if request.version() < Version::HTTP_2 {
            let headers = response.headers_mut();
            headers.insert(header::UPGRADE, HeaderValue::from_static("TLS/1.2, HTTP/1.1"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("close, upgrade"));
        }
        async { response }.boxed()
    };
    tokio::select! {
        biased;
        ended = speak(io, respond, context, done, None) => ended,
        () = drain.begun() => Ok(()),
    }
}

/// Answers requests with `respond`, in the protocol that the client speaks.
async fn speak<Io>(
    mut io: Sniffed<Io>,
    respond: impl Fn(Request<Body>) -> BoxFuture<'static, HttpResponse> + Send + 'static,
    context: &ConnectionContext,
    mut drain: Drain,
    gather: Option<Gather>,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match Box::pin(until(&mut drain, context.first_bytes, io.protocol())).await? {
        Some(Protocol::Http1) => http1::speak(io, &context.http1, respond, drain).await,
        Some(Protocol::Http2) => http2::speak(io, &context.http2, respond, drain, gather).await,
        None => Ok(()),
    }
}

/// Waits for the client, but no longer than `limit`, and not once draining has begun: then it returns `None`.
async fn until<T>(
    drain: &mut Drain,
    limit: Duration,
    step: impl Future<Output = io::Result<Option<T>>>,
) -> Result<Option<T>, ConnectionError> {
    tokio::select! {
        biased;
        () = drain.begun() => Ok(None),
        step = tokio::time::timeout(limit, step) => {
            Ok(step.map_err(|_| ConnectionError::TooSlow(limit))??)
        }
    }
}
