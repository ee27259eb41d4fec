//! How does a connection end? (RFC 9113, section 6.8)

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::Request;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::connection::{Connection, READ_BYTES_MAX};
use super::frame::{ErrorCode, Kind, STREAM_MAX, Violation};
use crate::http::connection::ConnectionError;
use crate::http::router::HttpResponse;

/// The PING whose answer says that the client knows that it shall open no more streams.
pub(super) const PING_DRAIN: &[u8; 8] = b"draining";

/// How far the end of the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    None,
    /// The draining has begun; the client does not know.
    Wanted,
    /// The client shall open no more streams; those that are on their way are answered.
    Announced,
    /// Further streams are ignored.
    Begun,
}

impl<Io, Respond> Connection<Io, Respond>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    Respond: Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse>,
{
    /// The draining has begun.
    pub(super) fn want_end(&mut self) {
        self.end = End::Wanted;
    }

    /// No more streams. Where there is none the end itself says so.
    pub(super) fn announce_end(&mut self) {
        self.end = End::Announced;
        for id in self.streams.iter().filter(|stream| stream.is_complete()).map(|stream| stream.id).collect::<Vec<_>>()
        {
            self.reset(id, ErrorCode::NoError);
        }
        if !self.streams.is_empty() {
            self.is_heard_out = true;
            self.push_go_away(STREAM_MAX, ErrorCode::NoError);
            self.outgoing.push(Kind::Ping, 0, 0, PING_DRAIN);
        }
    }

    /// The client knows that the end comes; what it opens now is ignored.
    pub(super) fn begin_end(&mut self) {
        if self.end == End::Announced {
            self.end = End::Begun;
            self.push_go_away(self.last_stream, ErrorCode::NoError);
        }
    }

    pub(super) fn ignores_new_streams(&self) -> bool {
        self.end == End::Begun
    }

    fn push_go_away(&mut self, last_stream: u32, code: ErrorCode) {
        let payload = [last_stream.to_be_bytes(), (code as u32).to_be_bytes()].concat();
        self.outgoing.push(Kind::GoAway, 0, 0, &payload);
    }

    /// Tells the client what it did, and waits a moment for it to hear that.
    pub(super) async fn end_for(&mut self, violation: Violation) {
        /// How long the client may take to hear why the connection ends, and how much of what it had sent is read till
        /// then, in reads.
        const GOODBYE: Duration = Duration::from_secs(1);
        const GOODBYE_READS_MAX: usize = 16;
        self.streams = Vec::new();
        self.push_go_away(self.last_stream, violation.code);
        let goodbye = async {
            self.send_rest().await?;
            self.hear_out(GOODBYE_READS_MAX).await
        };
        // Whether it was heard or not, that was all.
        let _ = timeout(GOODBYE, Box::pin(goodbye)).await;
    }

    /// Sends what is on its way, and the end. The client may take as long to get them as for a sign of life.
    pub(super) async fn end(&mut self) -> Result<(), ConnectionError> {
        /// More than a client has to say while it reads what is on its way.
        const READS_MAX: usize = 1024;
        let limit = self.options.ping_timeout;
        let end = async {
            self.send_rest().await?;
            if self.is_heard_out { self.hear_out(READS_MAX).await } else { Ok(()) }
        };
        let ended = timeout(limit, Box::pin(end)).await;
        Ok(ended.map_err(|_| ConnectionError::TooSlow(limit))??)
    }

    async fn send_rest(&mut self) -> io::Result<()> {
        poll_fn(|context| self.outgoing.poll_send(Pin::new(&mut self.io), context)).await?;
        self.io.shutdown().await
    }

    /// Reads until the client has ended its half as well: a connection that is closed with something unread takes what was
    /// sent with it.
    async fn hear_out(&mut self, reads_max: usize) -> io::Result<()> {
        let mut space = [0; READ_BYTES_MAX];
        for _ in 0..reads_max {
            if self.io.read(&mut space).await? == 0 {
                break;
            }
        }
        Ok(())
    }
}
