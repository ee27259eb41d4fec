//! How does a client open and read a stream? With the client side of hyper, over an in-memory pipe.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use crate::decoder::Decoder;
use crate::encryption::TlsClient;
use crate::instance::COOKIE;
use crate::network::{Door, HalfClosing};

/// How a client communicates.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    /// Whether it speaks HTTP/2 instead of HTTP/1.1; without TLS, with prior knowledge.
    pub(crate) http2: bool,
    /// How it encrypts, if it uses TLS.
    pub(crate) tls: Option<TlsClient>,
    /// Its `Accept-Encoding`.
    pub(crate) accepts: &'static str,
    /// How many bytes may be in transit before the service waits.
    pub(crate) pipe_bytes: usize,
    /// After how long it closes its direction of the connection, with HTTP/1.1 only.
    pub(crate) half_closes: Option<Duration>,
}

/// An open stream.
pub(crate) struct Connection {
    body: Incoming,
    decoder: Decoder,
    lines: VecDeque<Vec<u8>>,
    door: Door,
    half_closes: bool,
    is_cut: bool,
    /// Drives the connection.
    _driver: JoinSet<()>,
}

/// Why a stream could not be opened.
#[derive(Debug)]
pub(crate) enum NotOpened {
    /// The connection failed.
    Failed(String),
    /// The service refused, with this status and text.
    Refused(u16, String),
}

impl Connection {
    /// Requests a stream.
    ///
    /// # Errors
    /// If the connection fails, or the service refuses.
    pub(crate) async fn open(
        door: &Door,
        manners: &Manners,
        target: &str,
        cookie: Option<&str>,
    ) -> Result<Self, NotOpened> {
        let request = request(Method::GET, manners, target, cookie, String::new())?;
        let (response, driver) = send(door, manners, request).await?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(NotOpened::Refused(status, text(response).await?));
        }
        let coding = response.headers().get(header::CONTENT_ENCODING);
        let coding = coding.and_then(|coding| coding.to_str().ok()).unwrap_or_default();
        let decoder = Decoder::of(coding).map_err(NotOpened::Failed)?;
        Ok(Self {
            body: response.into_body(),
            decoder,
            lines: VecDeque::new(),
            door: door.clone(),
            half_closes: manners.half_closes.is_some(),
            is_cut: false,
            _driver: driver,
        })
    }

    /// Returns whether the stream ended in the middle, though nobody killed the instance and the client closed nothing.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut && !self.half_closes && !self.door.is_killed()
    }

    /// Returns the next line; `None` if the stream has ended. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    /// If the bytes cannot be decoded.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Some(line));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.lines.extend(self.decoder.lines(&bytes)?);
                    }
                }
                Some(Err(_)) => {
                    self.is_cut = true;
                    return Ok(None);
                }
                None => return Ok(None),
            }
        }
    }
}

/// Sends a request that is answered at once, and returns the status and the text of the answer.
///
/// # Errors
/// The connection failed.
pub(crate) async fn ask(
    door: &Door,
    manners: &Manners,
    target: &str,
    cookie: Option<&str>,
    body: String,
) -> Result<(u16, String), NotOpened> {
    let request = request(Method::POST, manners, target, cookie, body)?;
    let (response, _driver) = send(door, manners, request).await?;
    Ok((response.status().as_u16(), text(response).await?))
}

fn request(
    method: Method,
    manners: &Manners,
    target: &str,
    cookie: Option<&str>,
    body: String,
) -> Result<Request<Full<Bytes>>, NotOpened> {
    let mut request = Request::builder().method(method).header(header::ACCEPT_ENCODING, manners.accepts);
    request = match manners.http2 {
        true => request.uri(format!("{}://meeting{target}", if manners.tls.is_some() { "https" } else { "http" })),
        false => request.uri(target).header(header::HOST, "meeting"),
    };
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, format!("{COOKIE}={cookie}"));
    }
    request.body(Full::from(body)).map_err(failed)
}

/// Returns the answer, and what moves its bytes.
async fn send(
    door: &Door,
    manners: &Manners,
    request: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, JoinSet<()>), NotOpened> {
    let pipe = door.connect(manners.pipe_bytes).map_err(failed)?;
    match &manners.tls {
        Some(tls) => send_over(tls.connect(pipe).await.map_err(failed)?, manners, request).await,
        None => send_over(pipe, manners, request).await,
    }
}

async fn send_over(
    pipe: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    manners: &Manners,
    request: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, JoinSet<()>), NotOpened> {
    let mut driver = JoinSet::new();
    let response = if manners.http2 {
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(pipe)).await.map_err(failed)?;
        driver.spawn(async { drop(connection.await) });
        sender.send_request(request).await
    } else {
        let pipe = HalfClosing::new(pipe, manners.half_closes);
        let (mut sender, connection) = http1::handshake(TokioIo::new(pipe)).await.map_err(failed)?;
        driver.spawn(async { drop(connection.await) });
        sender.send_request(request).await
    };
    Ok((response.map_err(failed)?, driver))
}

async fn text(response: Response<Incoming>) -> Result<String, NotOpened> {
    let body = response.into_body().collect().await.map_err(failed)?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn failed(error: impl std::fmt::Display) -> NotOpened {
    NotOpened::Failed(error.to_string())
}
