//! The route `/metrics`: how is the service doing? On its own port, which is not for clients.

use poem::http::{Method, header};
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use super::acceptor::Acceptor;
use super::connection::ConnectionContext;
use super::drain::drain;
use super::limits::Limits;
use super::router::HttpService;
use super::server::serve;
use crate::tls::TlsMode;

/// Where metrics are.
pub const METRICS_PATH: &str = "/metrics";

/// The maximum number of simultaneous connections to the metrics; further ones wait in the kernel until one ends.
pub const METRICS_CONNECTIONS_MAX: usize = 16;

/// The media type by which a reader asks for OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text";

/// The answer to requests for metrics.
pub struct Scrape {
    /// For readers that accept OpenMetrics.
    pub open_metrics: Metrics,
    /// For all others, a browser for instance.
    pub classic: Metrics,
}

/// The metrics in one format.
pub struct Metrics {
    /// Returns the current ones.
    pub text: Box<dyn Fn() -> String + Send + Sync>,
    /// The format.
    pub content_type: &'static str,
}

/// Serves the metrics over plain HTTP until it is dropped: they can still be read while the service stops.
pub async fn serve_metrics<A: Acceptor>(acceptor: A, scrape: Scrape) {
    let limits = Limits { connections_max: METRICS_CONNECTIONS_MAX, ..Limits::default() };
    let context = ConnectionContext::new(
        HttpService::of(METRICS_PATH, &[Method::GET, Method::HEAD], scrape),
        TlsMode::Off,
        None,
        &limits,
    );
    let (_kept, never) = drain();
    serve(acceptor, context, limits, never).await;
}

impl Endpoint for Scrape {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let is_open = request.header(header::ACCEPT).is_some_and(|accept| accept.contains(OPEN_METRICS));
        let metrics = if is_open { &self.open_metrics } else { &self.classic };
        let response = Response::builder().header(header::CONTENT_TYPE, metrics.content_type);
        let response = response.header(header::CACHE_CONTROL, "no-store").header(header::VARY, "accept");
        Ok(response.body((metrics.text)()).into_response())
    }
}
