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

/// How many connections may ask for metrics at the same time; further ones wait in the kernel until one ends.
pub const METRICS_CONNECTIONS_MAX: usize = 16;

/// The answer to requests for metrics.
pub struct Scrape {
    /// Returns the current metrics.
    pub text: Box<dyn Fn() -> String + Send + Sync>,
    /// Their form.
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

    async fn call(&self, _request: Request) -> Result<Response> {
        let response = Response::builder().header(header::CONTENT_TYPE, self.content_type);
        Ok(response.header(header::CACHE_CONTROL, "no-store").body((self.text)()).into_response())
    }
}
