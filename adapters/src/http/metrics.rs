//! The route `/metrics`: how is the service doing? On a port of its own, which is not for clients.

use poem::http::{Method, header};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Result, Route};

use super::acceptor::Acceptor;
use super::connection::ConnectionContext;
use super::drain::drain;
use super::error::HttpError;
use super::limits::Limits;
use super::router::HttpService;
use super::server::serve;
use crate::metrics::{CONTENT_TYPE, Metrics};
use crate::tls::TlsMode;

/// Where metrics are.
pub const METRICS_PATH: &str = "/metrics";

/// How many connections may ask for metrics at the same time; further ones wait in the kernel until one ends.
pub const METRICS_CONNECTIONS_MAX: usize = 16;

/// Serves the metrics, by plain HTTP, until it is dropped: while the service stops they can still be asked for.
pub async fn serve_metrics<A: Acceptor>(acceptor: A, metrics: Metrics) {
    let route = Route::new().at(METRICS_PATH, Scrape { metrics }.map_to_response());
    let limits = Limits { connections_max: METRICS_CONNECTIONS_MAX, ..Limits::default() };
    let context = ConnectionContext::new(HttpService::of(route), TlsMode::Off, None, &limits);
    let (_kept, never) = drain();
    serve(acceptor, context, limits, never).await;
}

struct Scrape {
    metrics: Metrics,
}

impl Endpoint for Scrape {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        const ALLOWED: &[Method] = &[Method::GET, Method::HEAD];
        if !ALLOWED.contains(request.method()) {
            return Err(HttpError::MethodNotAllowed { method: request.method().clone(), allowed: ALLOWED }.into());
        }
        let response = Response::builder().header(header::CONTENT_TYPE, CONTENT_TYPE);
        Ok(response.header(header::CACHE_CONTROL, "no-store").body(self.metrics.text()).into_response())
    }
}
