//! How is an endless response sent over HTTP/1.1?
//!
//! The HTTP library keeps buffers for further requests as long as a connection is open. A connection that streams gets
//! none, so once a stream begins it is taken away from the library, and only costs what is in flight: nothing while it
//! waits. Lines are handed to the socket without being copied into a buffer.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use application::streams::registry::TransportProgress;
use bytes::Bytes;
use hyper::body::Body;
use poem::http::{Version, response};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::body::BODY_BYTES_MAX;
use super::limits::{TAKEN_BYTES_MAX, WRITE_PARTS_MAX};
use super::router::ResponseBody;

/// How many bytes a client may send while it receives a stream. They can only be an unwanted body and are ignored; more
/// of them end the connection.
const IGNORED_BYTES_MAX: usize = BODY_BYTES_MAX + 64 * 1024;

/// The end of each chunk of a body.
const CHUNK_END: &[u8] = b"\r\n";

/// The end of a chunked body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Sends the response to a request of `version` until its body or the client ends it, and then ends the connection.
///
/// # Errors
/// The client went away, or sent something it should not.
pub(super) async fn send<Io>(io: Io, version: Version, head: &response::Parts, body: ResponseBody) -> io::Result<()>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let is_chunked = version >= Version::HTTP_11;
    let head_text = Bytes::from(head_text(head, is_chunked));
    let outgoing = Outgoing { parts: VecDeque::from([head_text]), is_chunked, body: Some(body) };
    let progress = head.extensions.get().cloned();
    let mut stream = Http1Stream { io, outgoing, progress, ignored_bytes: 0, is_flushed: false };
    stream.run().await?;
    stream.io.shutdown().await
}

fn head_text(head: &response::Parts, is_chunked: bool) -> Vec<u8> {
    // An HTTP/1.0 client is also answered with this version: it says what the service supports, not how this body is
    // sent.
    let mut text = b"HTTP/1.1 ".to_vec();
    text.extend_from_slice(head.status.as_str().as_bytes());
    text.push(b' ');
    text.extend_from_slice(head.status.canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in &head.headers {
        text.extend_from_slice(CHUNK_END);
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
    }
    let date = httpdate::HttpDate::from(SystemTime::now());
    let encoding = if is_chunked { "transfer-encoding: chunked\r\n" } else { "" };
    // Writing to memory does not fail.
    let _ = write!(text, "\r\ndate: {date}\r\n{encoding}connection: close\r\n\r\n");
    text
}

struct Http1Stream<Io> {
    io: Io,
    outgoing: Outgoing,
    /// `None`: the body is not one of the service's streams.
    progress: Option<TransportProgress>,
    ignored_bytes: usize,
    is_flushed: bool,
}

/// What is on its way to the client.
struct Outgoing {
    /// Taken from the body and not yet written.
    parts: VecDeque<Bytes>,
    is_chunked: bool,
    /// `None`: it has ended.
    body: Option<ResponseBody>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Http1Stream<Io> {
    /// Returns once everything was sent, or the client has ended the connection.
    fn run(&mut self) -> impl Future<Output = io::Result<()>> {
        poll_fn(|context| {
            if let Poll::Ready(gone) = self.poll_gone(context) {
                return Poll::Ready(gone);
            }
            let sent = self.poll_sent(context);
            if sent.is_pending()
                && let Some(progress) = &self.progress
                && progress.poll_given_up(context).is_ready()
            {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read on")));
            }
            sent
        })
    }

    /// Ready when the client is gone. What it sends is ignored.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut bytes = [0; 512];
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.io).poll_read(context, &mut buffer))?;
            match buffer.filled().len() {
                0 => return Poll::Ready(Ok(())),
                count => self.ignored_bytes += count,
            }
            if self.ignored_bytes > IGNORED_BYTES_MAX {
                return Poll::Ready(Err(io::Error::other("the client sends more than the body of its request")));
            }
        }
    }

    /// Ready when everything was sent.
    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut has_more = true;
        loop {
            while !self.outgoing.parts.is_empty() {
                self.is_flushed = false;
                let count = ready!(self.poll_write(context))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.outgoing.written(count);
            }
            if self.outgoing.body.is_none() {
                return Pin::new(&mut self.io).poll_flush(context);
            }
            // A body that had nothing more is not polled again before it wakes: it may have yielded to others.
            if has_more {
                has_more = self.outgoing.take(context)?;
                continue;
            }
            if !self.is_flushed {
                ready!(Pin::new(&mut self.io).poll_flush(context))?;
                self.is_flushed = true;
            }
            if let Some(progress) = &self.progress {
                progress.caught_up();
            }
            return Poll::Pending;
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let [part] = self.outgoing.parts.make_contiguous() {
            return Pin::new(&mut self.io).poll_write(context, part);
        }
        let mut slices = [IoSlice::new(&[]); WRITE_PARTS_MAX];
        let count = self.outgoing.parts.len().min(WRITE_PARTS_MAX);
        for (slice, part) in slices.iter_mut().zip(&self.outgoing.parts) {
            *slice = IoSlice::new(part);
        }
        Pin::new(&mut self.io).poll_write_vectored(context, &slices[..count])
    }
}

impl Outgoing {
    /// Takes what the body has, up to a limit, as one chunk. Returns false if that was all for now; the body wakes when
    /// there is more.
    fn take(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let mut bytes = 0;
        let mut has_more = true;
        while let Some(body) = &mut self.body
            && has_more
            && bytes < TAKEN_BYTES_MAX
        {
            match Pin::new(body).poll_frame(context) {
                Poll::Pending => has_more = false,
                Poll::Ready(None) => self.body = None,
                Poll::Ready(Some(frame)) => {
                    // There are no trailers.
                    let part = frame?.into_data().unwrap_or_default();
                    bytes += part.len();
                    if !part.is_empty() {
                        self.parts.push_back(part);
                    }
                }
            }
        }
        if self.is_chunked {
            if bytes > 0 {
                self.parts.push_front(Bytes::from(format!("{bytes:x}\r\n")));
                self.parts.push_back(Bytes::from_static(CHUNK_END));
            }
            if self.body.is_none() {
                self.parts.push_back(Bytes::from_static(LAST_CHUNK));
            }
        }
        Ok(has_more)
    }

    fn written(&mut self, mut count: usize) {
        while let Some(part) = self.parts.front_mut() {
            if count < part.len() {
                let _ = part.split_to(count);
                return;
            }
            count -= part.len();
            self.parts.pop_front();
        }
        // A waiting connection keeps no memory for what it sent.
        self.parts = VecDeque::new();
    }
}

#[cfg(test)]
mod tests;
