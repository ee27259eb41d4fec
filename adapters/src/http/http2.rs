//! How is HTTP/2 spoken?

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::ConnectionError;
use super::drain::Drain;
use super::frames::Frames;
use super::gathered::Gathered;
use super::router::HttpResponse;

/// Answers the requests of a connection with `respond`. When the draining begins it ends after the responses that are
/// under way.
pub(super) async fn speak<Io>(
    io: Io,
    builder: &http2::Builder<TokioExecutor>,
    respond: impl Fn(Request<Incoming>) -> BoxFuture<'static, HttpResponse> + Send + 'static,
    mut drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // What makes the response stays boxed: the library keeps room for it as long as the response is sent.
    let service =
        service_fn(move |request| respond(request).map(|response| Ok::<_, Infallible>(response.map(Frames::new))));
    let (io, release) = Gathered::new(io);
    let mut connection = Box::pin(builder.serve_connection(TokioIo::new(io), service));
    let mut draining = pin!(drain.begun());
    let mut is_draining = false;
    poll_fn(|context| {
        if !is_draining && draining.as_mut().poll(context).is_ready() {
            is_draining = true;
            connection.as_mut().graceful_shutdown();
        }
        let ended = connection.as_mut().poll(context).map_err(ConnectionError::Http);
        if ended.is_pending()
            && let Poll::Ready(Err(error)) = release.poll(context)
        {
            return Poll::Ready(Err(error.into()));
        }
        ended
    })
    .await
}
