//! What sends requests to the service? A real HTTP client, with one of the protocols that the port speaks.

use std::net::SocketAddr;
use std::path::Path;

use domain::testing::client::Client;
use reqwest::{ClientBuilder, Method, RequestBuilder, Response, Version};
use serde_json::Value;

use super::{Lines, Watcher, within};

/// The protocol of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    /// Without TLS, with prior knowledge.
    Http2,
    HttpsHttp1,
    /// HTTP/2, negotiated in the TLS handshake as browsers do.
    Https,
}

impl Protocol {
    pub(crate) const ALL: [Self; 4] = [Self::Http1, Self::Http2, Self::HttpsHttp1, Self::Https];

    const fn version(self) -> Version {
        match self {
            Self::Http1 | Self::HttpsHttp1 => Version::HTTP_11,
            Self::Http2 | Self::Https => Version::HTTP_2,
        }
    }
}

/// An HTTP client with the session cookie of a user, or none.
#[derive(Clone)]
pub(crate) struct Browser {
    client: reqwest::Client,
    base: String,
    version: Version,
    cookie: Option<String>,
}

/// An error response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) message: String,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr, protocol: Protocol) -> Self {
        Self::build(reqwest::Client::builder(), &address.to_string(), protocol)
    }

    /// Creates a client of the Unix socket at `path`.
    pub(crate) fn local(path: &Path, protocol: Protocol) -> Self {
        Self::build(reqwest::Client::builder().unix_socket(path), "localhost", protocol)
    }

    fn build(builder: ClientBuilder, address: &str, protocol: Protocol) -> Self {
        let builder = builder.no_proxy().tls_danger_accept_invalid_certs(true).tls_info(true);
        let (scheme, builder) = match protocol {
            Protocol::Http1 => ("http", builder),
            Protocol::Http2 => ("http", ClientBuilder::http2_prior_knowledge(builder)),
            Protocol::HttpsHttp1 => ("https", builder.http1_only()),
            Protocol::Https => ("https", builder),
        };
        let client = builder.build().expect("a client");
        Self { client, base: format!("{scheme}://{address}"), version: protocol.version(), cookie: None }
    }

    /// Returns a copy of the client with this session.
    pub(crate) fn with_cookie(&self, cookie: &str) -> Self {
        Self { cookie: Some(cookie.to_owned()), ..self.clone() }
    }

    /// Begins a request.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.cookie {
            Some(cookie) => request.header("Cookie", format!("OpenSlidesSessionID={cookie}")),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Response {
        let response = within("a response", request.send()).await.expect("an answer");
        assert_eq!(response.version(), self.version);
        response
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        self.send(self.request(Method::POST, path).body(body)).await
    }

    /// Opens a stream.
    pub(crate) async fn open(&self, path: &str) -> Lines {
        Lines::new(self.get(path).await).await
    }

    /// Opens the autoupdate stream, as a client that has nothing.
    pub(crate) async fn watch(&self) -> Watcher {
        Watcher::new(self.open("/system/autoupdate").await, Client::default())
    }

    /// Opens the autoupdate stream again, as a client that has this.
    pub(crate) async fn watch_from(&self, client: Client) -> Watcher {
        let path = format!("/system/autoupdate?change_id={}", client.change_id);
        Watcher::new(self.open(&path).await, client)
    }

    /// Sends a GET request, and returns the error that it is answered with.
    pub(crate) async fn failure(&self, path: &str) -> Failure {
        Failure::of(self.get(path).await).await
    }

    /// Returns status and body of `/system/health`.
    pub(crate) async fn health(&self) -> (u16, Value) {
        let response = self.get("/system/health").await;
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).expect(&text))
    }

    /// Asks until the service is healthy. Each answer takes a network round trip, so there is no need to sleep.
    pub(crate) async fn until_healthy(&self) {
        within("health", async { while self.health().await.0 != 200 {} }).await;
    }
}

impl Failure {
    pub(crate) async fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        let text = within("a body", response.text()).await.expect("a body");
        assert!(text.is_ascii() && text.ends_with('\n') && text.matches('\n').count() == 1, "one ASCII line: {text:?}");
        let body: Value = serde_json::from_str(&text).expect(&text);
        let part = |name: &str| body["error"][name].as_str().expect(&text).to_owned();
        let keys = body.as_object().map(serde_json::Map::len);
        assert_eq!((keys, body["error"].as_object().map(serde_json::Map::len)), (Some(1), Some(2)), "{text}");
        Self { status, kind: part("type"), message: part("msg") }
    }

    pub(crate) fn new(status: u16, kind: &str, message: &str) -> Self {
        Self { status, kind: kind.to_owned(), message: message.to_owned() }
    }
}
