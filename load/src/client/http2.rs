//! How does a client speak HTTP/2? With the web client's three streams on one connection.

use std::io;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::body::Body;
use super::record::Shared;
use super::{ClientError, Coding, Request, Settings, cookie_header};

/// The flow-control window that a browser gives a stream, in bytes.
const STREAM_WINDOW_BYTES: u32 = 6 * 1024 * 1024;

/// The flow-control window that a browser gives a connection, in bytes.
const CONNECTION_WINDOW_BYTES: u32 = 15 * 1024 * 1024;

pub(super) async fn receive<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    socket: S,
    settings: &Settings,
    request: &Request,
    record: &Shared,
) -> Result<(), ClientError> {
    let (sender, connection) = Builder::new()
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .enable_push(false)
        .handshake::<_, Bytes>(socket)
        .await?;
    // All tasks end with this set, also when the client is dropped.
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let _ = connection.await;
    });
    let [measured, others @ ..] = request.paths();
    for path in others {
        let (sender, record, head) = (sender.clone(), record.clone(), head(&path, settings, request)?);
        tasks.spawn(async move {
            // Streams other than the measured one may be refused; that does not matter here.
            let _ = stream(sender, head, |_| Ok(Body::unnoted(&record))).await;
        });
    }
    let head = head(&measured, settings, request)?;
    stream(sender, head, |coding| Body::new(record, false, coding, request.reading)).await
}

fn head(path: &str, settings: &Settings, request: &Request) -> Result<http::Request<()>, ClientError> {
    let scheme = if matches!(settings.transport, super::Transport::Http2) { "https" } else { "http" };
    let mut head = http::Request::builder().uri(format!("{scheme}://localhost{path}"));
    if let Some(coding) = settings.coding {
        head = head.header(http::header::ACCEPT_ENCODING, coding.name());
    }
    if let Some(cookie) = cookie_header(settings, request) {
        head = head.header(http::header::COOKIE, cookie);
    }
    head.body(()).map_err(|error| ClientError::Answer(error.to_string()))
}

async fn stream(
    sender: SendRequest<Bytes>,
    head: http::Request<()>,
    body: impl FnOnce(Option<Coding>) -> io::Result<Body>,
) -> Result<(), ClientError> {
    let (response, _) = sender.ready().await?.send_request(head, true)?;
    let response = response.await?;
    if response.status() != http::StatusCode::OK {
        return Err(ClientError::Answer(format!("status {}", response.status())));
    }
    let encoding = response.headers().get(http::header::CONTENT_ENCODING);
    let mut noted = body(encoding.and_then(|encoding| Coding::of(encoding.as_bytes())))?;
    let mut received = response.into_body();
    // Keep reading and release the window: a client that does not read blocks the service.
    while let Some(bytes) = received.data().await {
        let bytes = bytes?;
        received.flow_control().release_capacity(bytes.len())?;
        noted.feed(&bytes)?;
    }
    Ok(())
}
