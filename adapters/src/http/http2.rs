//! How is HTTP/2 spoken? (RFC 9113)
//!
//! Written for connections that live long and wait nearly all of their life: nothing is kept for a connection but what its
//! streams need, and lines are handed to the transport as they are (decision 0013). [`receive`] says what each frame of
//! the client means, [`stream`] goes on with a response, [`connection`] lets the streams take turns.

mod allowance;
mod body;
mod connection;
mod ending;
mod frame;
mod hpack;
mod outgoing;
mod presence;
mod ready;
mod receive;
mod request;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod window;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::Request;
use tokio::io::{AsyncRead, AsyncWrite};

use self::connection::Connection;
pub(super) use self::frame::{PREFACE, Violation};
use super::connection::ConnectionError;
use super::drain::Drain;
use super::router::HttpResponse;

/// How much a client may ask for, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    /// How often a silent client is asked for a sign of life.
    pub(super) ping_interval: Duration,
    /// How long it may take to give one; then the connection ends.
    pub(super) ping_timeout: Duration,
    /// How long a stream that has something to send may wait for the client to take it; then it is reset.
    pub(super) unread: Duration,
    /// How many requests may be open; further ones are refused.
    pub(super) streams_max: u32,
    /// How long the header fields of a request may be, in bytes; a longer one is answered `431`.
    pub(super) header_bytes_max: u32,
    /// How much of header fields the client may have remembered here, in bytes.
    pub(super) header_table_bytes: u32,
}

/// Answers the requests of a connection with `respond`. When the draining begins it ends after the responses that are
/// under way.
pub(super) async fn speak<Io>(
    io: Io,
    options: Options,
    respond: impl Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse>,
    mut drain: Drain,
) -> Result<(), ConnectionError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = Connection::new(io, options, respond);
    let mut draining = pin!(drain.begun());
    let mut is_draining = false;
    let ended = poll_fn(|context| {
        if !is_draining && draining.as_mut().poll(context).is_ready() {
            is_draining = true;
            connection.want_end();
        }
        connection.poll(context)
    });
    match ended.await {
        Ok(()) => connection.end().await,
        Err(ConnectionError::Http2(violation)) => {
            connection.end_for(violation).await;
            Err(violation.into())
        }
        Err(error) => Err(error),
    }
}
