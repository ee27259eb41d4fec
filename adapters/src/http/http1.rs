//! How is HTTP/1.1 spoken?

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use poem::http::Version;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::ConnectionError;
use super::drain::Drain;
use super::http1_stream;
use super::router::HttpResponse;

/// Answers the requests of a connection with `respond`. A response whose length is not known is a stream: it is the last
/// one of its connection.
pub(super) async fn speak<Io>(
    io: Io,
    builder: &http1::Builder,
    respond: impl Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse> + Send,
    drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // Boxed, so that nothing of it is left when the stream has begun.
    let begun = Box::pin(until_stream(io, builder, respond, drain)).await?;
    if let Some((io, version, response)) = begun {
        let (head, body) = response.into_parts();
        http1_stream::send(io, version, &head, body).await?;
    }
    Ok(())
}

/// The stream that is to be sent now, and where to.
type Begun<Io> = (Io, Version, HttpResponse);

async fn until_stream<Io>(
    io: Io,
    builder: &http1::Builder,
    respond: impl Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse> + Send,
    mut drain: Drain,
) -> Result<Option<Begun<Io>>, ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let stream = Arc::new(Mutex::new(None));
    let begun = Arc::clone(&stream);
    let service = service_fn(move |request: Request<Incoming>| {
        let version = request.version();
        let response = respond(request.map(|body| BoxBody::new(body.map_err(io::Error::other)).into()));
        let begun = Arc::clone(&begun);
        Box::pin(async move {
            let response = response.await;
            if response.size_hint().exact().is_some() {
                return Ok::<_, Infallible>(response);
            }
            *begun.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, response));
            // The connection is taken away before anything could come after this.
            pending().await
        })
    });
    let mut connection = builder.serve_connection(TokioIo::new(io), service);
    let mut draining = pin!(drain.begun());
    let mut is_draining = false;
    let begun = poll_fn(|context| {
        if !is_draining && draining.as_mut().poll(context).is_ready() {
            is_draining = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        let ended = Pin::new(&mut connection).poll(context);
        match stream.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(begun) => Poll::Ready(Ok(Some(begun))),
            None => ended.map_ok(|()| None),
        }
    });
    match begun.await.map_err(ConnectionError::Http1)? {
        None => Ok(None),
        Some((version, response)) => Ok(Some((connection.into_parts().io.into_inner(), version, response))),
    }
}
