//! Which protocol does a new connection speak, judging by its first bytes?

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::http2::PREFACE as HTTP2_PREFACE;

/// The first byte of every TLS connection: a record of the handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// Which version of HTTP follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// A connection whose first bytes were peeked at; it reads as if they had not been.
pub(super) struct Sniffed<Io> {
    io: Io,
    seen: [u8; HTTP2_PREFACE.len()],
    /// The part of `seen` that the owner has not read yet.
    unread: std::ops::Range<u8>,
    heard: Option<Heard>,
}

/// Set whenever something is read.
pub(super) type Heard = Arc<AtomicBool>;

impl<Io: AsyncRead + AsyncWrite + Unpin> Sniffed<Io> {
    pub(super) fn new(io: Io) -> Self {
        Self { io, seen: [0; HTTP2_PREFACE.len()], unread: 0..0, heard: None }
    }

    /// Sets `heard` whenever something is read from now on; `None`: nobody wants to know.
    pub(super) fn tell(&mut self, heard: Option<Heard>) {
        self.heard = heard;
    }

    /// Returns whether a TLS handshake follows. `None`: the client went away without sending anything.
    pub(super) async fn is_tls(&mut self) -> io::Result<Option<bool>> {
        if self.seen().is_empty() {
            self.see_more().await?;
        }
        Ok(self.seen().first().map(|byte| *byte == TLS_HANDSHAKE))
    }

    /// Returns which HTTP follows; anything else is left to HTTP/1.1 to complain about. Peeks no further than
    /// necessary: one byte is enough, unless it is a `P`. `None`: the client went away without sending anything.
    pub(super) async fn protocol(&mut self) -> io::Result<Option<Protocol>> {
        loop {
            let seen = self.seen();
            if !HTTP2_PREFACE.starts_with(seen) {
                return Ok(Some(Protocol::Http1));
            }
            if seen.len() == HTTP2_PREFACE.len() {
                return Ok(Some(Protocol::Http2));
            }
            if self.see_more().await? == 0 {
                return Ok((!self.seen().is_empty()).then_some(Protocol::Http1));
            }
        }
    }

    fn seen(&self) -> &[u8] {
        &self.seen[usize::from(self.unread.start)..usize::from(self.unread.end)]
    }

    async fn see_more(&mut self) -> io::Result<usize> {
        let read = self.io.read(&mut self.seen[usize::from(self.unread.end)..]).await?;
        // At most 24 in total.
        self.unread.end += read as u8;
        Ok(read)
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Sniffed<Io> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = this.poll_read_on(context, buffer);
        if let Some(heard) = &this.heard
            && buffer.filled().len() > before
        {
            heard.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<Io: AsyncRead + Unpin> Sniffed<Io> {
    fn poll_read_on(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let unread = &self.seen[usize::from(self.unread.start)..usize::from(self.unread.end)];
        if unread.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let count = unread.len().min(buffer.remaining());
        buffer.put_slice(&unread[..count]);
        self.unread.start += count as u8;
        if self.unread.is_empty() && buffer.remaining() > 0 {
            // What follows belongs to the same request: read together, it fits into the owner's first buffer, which
            // would otherwise grow. Pending or an error is reported by the next call.
            let _ = Pin::new(&mut self.io).poll_read(context, buffer);
        }
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Sniffed<Io> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Sends `pieces` one after the other and checks the result, and that every byte can still be read.
    async fn check(pieces: &[&[u8]], tls: Option<bool>, protocol: Option<Protocol>) {
        let sent = pieces.concat();
        // A pipe of one byte: each read sees a single byte, the worst case.
        for pipe_bytes in [1, 1024] {
            let (mut client, server) = tokio::io::duplex(pipe_bytes);
            let mut sniffed = Sniffed::new(server);
            let write = async {
                for piece in pieces {
                    client.write_all(piece).await.expect("written");
                }
                drop(client);
            };
            let read = async {
                assert_eq!(sniffed.is_tls().await.expect("read"), tls, "{sent:?}");
                assert_eq!(sniffed.protocol().await.expect("read"), protocol, "{sent:?}");
                let mut received = Vec::new();
                sniffed.read_to_end(&mut received).await.expect("read");
                assert_eq!(received, sent);
            };
            tokio::join!(write, read);
        }
    }

    #[tokio::test]
    async fn the_first_bytes_tell_what_follows() {
        let (http1, http2) = (Some(Protocol::Http1), Some(Protocol::Http2));
        check(&[], None, None).await;
        check(&[b"GET / HTTP/1.1\r\n\r\n"], Some(false), http1).await;
        check(&[b"P", b"OST / HTTP/1.1\r\n\r\n"], Some(false), http1).await;
        check(&[b"PRI"], Some(false), http1).await;
        check(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"], Some(false), http1).await;
        check(&[&HTTP2_PREFACE], Some(false), http2).await;
        check(&[&HTTP2_PREFACE, b"and more"], Some(false), http2).await;
        check(&[b"\x16\x03\x01"], Some(true), http1).await;
        check(&[b"\x00\xff garbage \n"], Some(false), http1).await;
    }
}
