//! Which endpoint answers a request, and what happens if there is none, or it fails? (spec: http.md#routes)

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use application::readiness::Readiness;
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Body as _;
use poem::endpoint::BoxEndpoint;
use poem::http::uri::Scheme;
use poem::http::{Method, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, EndpointExt, Request, RequestParts, Response};
use tokio::time::Instant;
use tracing::Instrument;

use super::address::Address;
use super::counters::HttpCounters;
use super::error::{HttpError, from_poem};
use super::framing;
use super::health::Health;
use super::host;
use super::page::{self, PagePart};
use super::request_log::RequestLog;
use super::route::ServiceRoute;
use super::stream_response::ReceivedAt;
use super::viewing_as::ViewingAs;

/// The routes that are served; others are answered with `404`.
pub struct Router {
    routes: Routes,
    viewing_as: Option<ViewingAs>,
}

/// What answers a request, by path.
type Routes = BTreeMap<&'static str, Served>;

/// A route that is served.
struct Served {
    /// What it is counted as.
    route: Option<ServiceRoute>,
    allowed: &'static [Method],
    endpoint: BoxEndpoint<'static>,
}

impl Router {
    /// Creates a router that serves the health route only.
    #[must_use]
    pub fn new(readiness: Readiness) -> Self {
        Self { routes: Routes::new(), viewing_as: None }.with(ServiceRoute::Health, Health { readiness })
    }

    /// Serves `route` by `endpoint`, which is only called with a method that the route allows.
    ///
    /// # Panics
    /// The route has an endpoint already.
    #[must_use]
    pub fn with(mut self, route: ServiceRoute, endpoint: impl Endpoint + 'static) -> Self {
        let endpoint = endpoint.map_to_response().boxed();
        let before =
            self.routes.insert(route.path(), Served { route: Some(route), allowed: route.methods(), endpoint });
        assert!(before.is_none(), "{} has an endpoint already", route.path());
        self
    }

    /// Also serves the page, which shows what the session that opens it sees (spec: inspector.md#page).
    #[must_use]
    pub fn with_page(self) -> Self {
        self.with_parts(page::parts(&[]))
    }

    /// Also serves the page, including at `/`, and lends it the sessions that it shows. For demonstrations
    /// only: anybody can use them.
    #[must_use]
    pub fn with_demo_page(mut self, viewing_as: ViewingAs) -> Self {
        self = self.with_parts(page::parts(viewing_as.sessions()).chain([("/", PagePart::Redirect)]));
        self.viewing_as = Some(viewing_as);
        self
    }

    fn with_parts(mut self, parts: impl Iterator<Item = (&'static str, PagePart)>) -> Self {
        for (path, part) in parts {
            let served = Served { route: None, allowed: &[Method::GET, Method::HEAD], endpoint: part.boxed() };
            self.routes.insert(path, served);
        }
        self
    }

    /// Returns the service for connections.
    #[must_use]
    pub fn into_service(self) -> HttpService {
        let viewing_as = self.viewing_as.map(Arc::new);
        HttpService { routes: Arc::new(self.routes), viewing_as, counters: Arc::default() }
    }
}

/// Answers every request, whatever happens inside.
#[derive(Clone)]
pub struct HttpService {
    routes: Arc<Routes>,
    viewing_as: Option<Arc<ViewingAs>>,
    counters: Arc<HttpCounters>,
}

impl HttpService {
    /// Creates a service with this path only, which allows these methods.
    pub(super) fn of(path: &'static str, allowed: &'static [Method], endpoint: impl Endpoint + 'static) -> Self {
        let endpoint = endpoint.map_to_response().boxed();
        let routes = Routes::from([(path, Served { route: None, allowed, endpoint })]);
        Self { routes: Arc::new(routes), viewing_as: None, counters: Arc::default() }
    }

    /// Returns what was requested and answered so far.
    #[must_use]
    pub fn counters(&self) -> &Arc<HttpCounters> {
        &self.counters
    }

    /// Returns the response to a request of a connection.
    pub(super) async fn respond(&self, request: hyper::Request<poem::Body>, peer: Address, tls: bool) -> HttpResponse {
        let is_head = *request.method() == Method::HEAD;
        let scheme = if tls { Scheme::HTTPS } else { Scheme::HTTP };
        let peer = RemoteAddr(match peer {
            Address::Network(peer) => Addr::socket(peer),
            Address::Unix(_) => Addr::custom("unix", ""),
        });
        let (parts, body) = request.into_parts();
        let parts = RequestParts::from((parts, LocalAddr::default(), peer, scheme));
        let response = self.answer(Request::from_parts(parts, body)).await.into();
        if is_head { without_body(response) } else { response }
    }

    async fn answer(&self, mut request: Request) -> Response {
        if let Some(viewing_as) = &self.viewing_as {
            viewing_as.apply(&mut request);
        }
        request.set_data(ReceivedAt(Instant::now()));
        let path = request.uri().path().to_owned();
        let served = self.routes.get(&*path);
        let route = served.and_then(|served| served.route);
        let log = RequestLog::begin(route);
        let checked = framing::check(&request).and_then(|()| host::check(&request));
        let mut response = match (checked, served) {
            (Err(error), _) => error.log_and_respond(log.id()),
            (Ok(()), None) => HttpError::NotFound { path }.log_and_respond(log.id()),
            (Ok(()), Some(served)) => served.answer(request, path, log.id()).instrument(log.span()).await,
        };
        log.end(&mut response);
        self.counters.answered(route, response.status().as_u16());
        response
    }
}

impl Served {
    async fn answer(&self, request: Request, path: String, id: Option<&str>) -> Response {
        if !self.allowed.contains(request.method()) {
            let method = request.method().clone();
            return HttpError::MethodNotAllowed { method, allowed: self.allowed }.log_and_respond(id);
        }
        // A panic is a bug in this service; it costs one request, not the other streams of the connection. What an
        // endpoint shares with others is either immutable or behind locks that tolerate poisoning.
        let error = match AssertUnwindSafe(self.endpoint.call(request)).catch_unwind().await {
            Ok(Ok(response)) => return response,
            Ok(Err(error)) => from_poem(error),
            Err(panic) => HttpError::Internal { cause: format!("panic at {path}: {}", panic_text(&*panic)) },
        };
        error.log_and_respond(id)
    }
}

/// Returns the answer to HEAD where GET is answered with `response`: without a body, but with its length. Not every
/// HTTP library does this by itself.
fn without_body(mut response: HttpResponse) -> HttpResponse {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response.map(|_| Empty::new().map_err(|never| match never {}).boxed())
}

/// A response ready to be sent.
pub(super) type HttpResponse = hyper::Response<ResponseBody>;

/// Its body.
pub(super) type ResponseBody = BoxBody<Bytes, io::Error>;

/// Returns the message of a panic if it is a literal; a text made at run time may contain data of the meeting.
fn panic_text(panic: &(dyn Any + Send)) -> &'static str {
    panic.downcast_ref::<&'static str>().copied().unwrap_or("(see the panic's place in the log)")
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

    /// Checks the status, the header `Allow`, and the type of the error.
    async fn check(method: Method, path: &str, status: StatusCode, allow: Option<&str>, kind: Option<&str>) {
        let request = Request::builder().method(method.clone()).uri_str(path).header("host", "test").finish();
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
        check(Method::DELETE, "/system/notify/send", refused, Some("GET, HEAD, POST"), invalid).await;
        check(Method::POST, "/system/health", refused, Some("GET, HEAD, OPTIONS"), invalid).await;
        // Nobody could read the stream.
        check(Method::HEAD, "/system/autoupdate", refused, Some("GET, POST"), invalid).await;
        check(Method::OPTIONS, "/system/notify/send", refused, Some("GET, HEAD, POST"), invalid).await;
    }

    /// (spec: http.md#health)
    #[tokio::test]
    async fn health_answers_the_methods_by_which_it_is_asked() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            check(method, "/system/health", StatusCode::SERVICE_UNAVAILABLE, None, None).await;
        }
    }

    /// Checks the status, the length that the response declares, and its body.
    async fn check_body(method: Method, path: &str, expected: (u16, Option<&str>, &str)) {
        let request = hyper::Request::builder().method(method.clone()).uri(path).header("host", "test");
        let request = request.body(poem::Body::empty()).expect("a request");
        let response = service().respond(request, Address::Unix(None), false).await;
        let length = response.headers().get("content-length").map(|length| length.to_str().expect("ASCII").to_owned());
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let expected = (expected.0, expected.1.map(str::to_owned), Bytes::from(expected.2.to_owned()));
        assert_eq!((status, length, body), expected, "{method} {path}");
    }

    #[tokio::test]
    async fn head_is_answered_with_the_length_of_the_body_alone() {
        let health = "{\"healthy\": false, \"reason\": \"loading\"}\n";
        check_body(Method::GET, "/system/health", (503, None, health)).await;
        check_body(Method::HEAD, "/system/health", (503, Some("40"), "")).await;
        let who = "{\"error\": {\"type\": \"auth_required\", \"msg\": \"who?\"}}\n";
        check_body(Method::GET, "/system/notify/send", (400, None, who)).await;
        check_body(Method::HEAD, "/system/notify/send", (400, Some("52"), "")).await;
        check_body(Method::HEAD, "/", (404, Some("71"), "")).await;
    }

    #[tokio::test]
    async fn a_request_without_a_host_is_refused() {
        let request = Request::builder().uri_str("/system/health").finish();
        let response = service().answer(request).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let body: serde_json::Value = response.into_body().into_json().await.expect("JSON");
        assert_eq!(body["error"]["type"], "invalid_request");
    }

    #[tokio::test]
    async fn a_failing_endpoint_is_an_error_in_the_one_form() {
        check(Method::GET, "/system/notify/send", StatusCode::BAD_REQUEST, None, Some("auth_required")).await;
        check(Method::GET, "/system/notify", StatusCode::INTERNAL_SERVER_ERROR, None, Some("InternalError")).await;
    }
}
