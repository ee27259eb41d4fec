//! Which endpoint answers a request, and what if none does, or it fails? (spec: http.md, Routes)

use std::any::Any;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::combinators::BoxBody;
use poem::http::Method;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, EndpointExt, Request, RequestParts, Response, Result, Route};

use super::address::Address;
use super::counters::HttpCounters;
use super::error::{HttpError, from_poem};
use super::health::{Health, Readiness};

/// A route of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceRoute {
    /// The stream of what a user may see.
    Autoupdate,
    /// The stream of rendered slides.
    Projector,
    /// The stream of messages.
    Notify,
    /// Sends a message.
    NotifySend,
    /// Applauds.
    Applause,
    /// Whether the service can be used.
    Health,
}

impl ServiceRoute {
    /// Every route.
    pub const ALL: [Self; 6] =
        [Self::Autoupdate, Self::Projector, Self::Notify, Self::NotifySend, Self::Applause, Self::Health];

    /// Where it is.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Autoupdate => "/system/autoupdate",
            Self::Projector => "/system/projector",
            Self::Notify => "/system/notify",
            Self::NotifySend => "/system/notify/send",
            Self::Applause => "/system/applause",
            Self::Health => "/system/health",
        }
    }

    const fn methods(self) -> &'static [Method] {
        match self {
            Self::Autoupdate | Self::Projector | Self::Notify | Self::Applause | Self::NotifySend => {
                &[Method::GET, Method::POST]
            }
            Self::Health => &[Method::GET],
        }
    }
}

/// The routes that are served; those left out are answered `404`.
pub struct Router(Route);

impl Router {
    /// Serves the route of health alone.
    #[must_use]
    pub fn new(readiness: Readiness) -> Self {
        Self(Route::new()).with(ServiceRoute::Health, Health { readiness })
    }

    /// Serves `route` by `endpoint`, which is asked only with a method that the route allows.
    ///
    /// # Panics
    /// The route has an endpoint already.
    #[must_use]
    pub fn with(self, route: ServiceRoute, endpoint: impl Endpoint + 'static) -> Self {
        let endpoint = endpoint.map_to_response();
        Self(self.0.at(route.path(), OnlyMethods { allowed: route.methods(), endpoint }.boxed()))
    }

    /// What connections are served with.
    #[must_use]
    pub fn into_service(self) -> HttpService {
        HttpService::of(self.0)
    }
}

/// Answers every request, whatever happens within.
#[derive(Clone)]
pub struct HttpService {
    route: Arc<Route>,
    counters: Arc<HttpCounters>,
}

impl HttpService {
    /// A service of these routes alone.
    pub(super) fn of(route: Route) -> Self {
        Self { route: Arc::new(route), counters: Arc::default() }
    }

    /// What was asked and answered so far.
    #[must_use]
    pub fn counters(&self) -> &Arc<HttpCounters> {
        &self.counters
    }

    /// The response to a request of a connection.
    pub(super) async fn respond(&self, request: hyper::Request<poem::Body>, peer: Address, tls: bool) -> HttpResponse {
        let scheme = if tls { Scheme::HTTPS } else { Scheme::HTTP };
        let peer = RemoteAddr(match peer {
            Address::Network(peer) => Addr::socket(peer),
            Address::Unix(_) => Addr::custom("unix", ""),
        });
        let (parts, body) = request.into_parts();
        let parts = RequestParts::from((parts, LocalAddr::default(), peer, scheme));
        self.answer(Request::from_parts(parts, body)).await.into()
    }

    async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let route = ServiceRoute::ALL.into_iter().find(|route| route.path() == path);
        let response = self.try_answer(request, path).await;
        self.counters.answered(route, response.status().as_u16());
        response
    }

    async fn try_answer(&self, request: Request, path: String) -> Response {
        // A panic is a mistake in this service; it costs the one request, not the other streams of the connection. What
        // an endpoint shares with others is either immutable or behind locks that cope with poisoning.
        let error = match AssertUnwindSafe(self.route.call(request)).catch_unwind().await {
            Ok(Ok(response)) => return response,
            Ok(Err(error)) => from_poem(error, path),
            Err(panic) => HttpError::Internal { cause: format!("panic at {path}: {}", panic_text(&*panic)) },
        };
        error.log_and_respond()
    }
}

/// A response as it is sent.
pub(super) type HttpResponse = hyper::Response<ResponseBody>;

/// Its body.
pub(super) type ResponseBody = BoxBody<Bytes, io::Error>;

/// What a panic says, if that was written in the source; a text made at run time may hold data of the meeting.
fn panic_text(panic: &(dyn Any + Send)) -> &'static str {
    panic.downcast_ref::<&'static str>().copied().unwrap_or("(see the panic's place in the log)")
}

struct OnlyMethods<E> {
    allowed: &'static [Method],
    endpoint: E,
}

impl<E: Endpoint<Output = Response>> Endpoint for OnlyMethods<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if self.allowed.contains(request.method()) {
            self.endpoint.call(request).await
        } else {
            Err(HttpError::MethodNotAllowed { method: request.method().clone(), allowed: self.allowed }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use poem::endpoint::make;
    use poem::http::StatusCode;

    use super::*;

    fn service() -> HttpService {
        Router::new(Readiness::not_ready("loading"))
            .with(ServiceRoute::Autoupdate, make(|_| async { "stream" }))
            .with(ServiceRoute::Notify, make(|_| async { panic_in_endpoint() }))
            .with(
                ServiceRoute::NotifySend,
                make(|_| async { Err::<(), _>(HttpError::AuthRequired("who?".to_owned())) }),
            )
            .into_service()
    }

    fn panic_in_endpoint() -> &'static str {
        panic!("on purpose, by a test")
    }

    /// The status, the header `Allow`, and the type of the error.
    async fn check(method: Method, path: &str, status: StatusCode, allow: Option<&str>, kind: Option<&str>) {
        let request = Request::builder().method(method.clone()).uri_str(path).finish();
        let response = service().answer(request).await;
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(response.header("allow"), allow, "{method} {path}");
        if let Some(kind) = kind {
            let body: serde_json::Value = response.into_body().into_json().await.expect("JSON");
            assert_eq!(body["error"]["type"], kind, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn requests_find_their_endpoint_or_an_error() {
        let invalid = Some("invalid_request");
        check(Method::GET, "/system/autoupdate", StatusCode::OK, None, None).await;
        check(Method::POST, "/system/autoupdate?change_id=1", StatusCode::OK, None, None).await;
        check(Method::GET, "/system/health", StatusCode::SERVICE_UNAVAILABLE, None, None).await;
        for path in ["/", "/system", "/system/autoupdate/", "/system/autoupdate/x", "/system/applause", "/%ff"] {
            check(Method::GET, path, StatusCode::NOT_FOUND, None, invalid).await;
        }
        let refused = StatusCode::METHOD_NOT_ALLOWED;
        check(Method::PUT, "/system/autoupdate", refused, Some("GET, POST"), invalid).await;
        check(Method::DELETE, "/system/notify/send", refused, Some("GET, POST"), invalid).await;
        check(Method::POST, "/system/health", refused, Some("GET"), invalid).await;
        check(Method::HEAD, "/system/health", refused, Some("GET"), invalid).await;
    }

    #[tokio::test]
    async fn a_failing_endpoint_is_an_error_in_the_one_form() {
        check(Method::GET, "/system/notify/send", StatusCode::BAD_REQUEST, None, Some("auth_required")).await;
        check(Method::GET, "/system/notify", StatusCode::INTERNAL_SERVER_ERROR, None, Some("InternalError")).await;
    }

    /// Expectations: the table of http.md, Routes.
    #[test]
    fn routes_are_where_the_client_looks() {
        let routes = [
            (ServiceRoute::Autoupdate, "/system/autoupdate"),
            (ServiceRoute::Projector, "/system/projector"),
            (ServiceRoute::Notify, "/system/notify"),
            (ServiceRoute::NotifySend, "/system/notify/send"),
            (ServiceRoute::Applause, "/system/applause"),
            (ServiceRoute::Health, "/system/health"),
        ];
        for (route, path) in routes {
            assert_eq!(route.path(), path);
        }
    }
}
