//! How does a test speak to the service, frame by frame?

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use super::frames::{
    ACK, DATA, END_STREAM, Frame, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, settings, status,
};
use crate::http::server::tests::PipeSender;

/// How long nothing must happen before a test concludes that nothing will.
const QUIET: Duration = Duration::from_millis(100);

/// A client that sends whatever a test wants, valid or not. On its own it only acknowledges SETTINGS and answers PINGs.
pub(in crate::http::server::tests) struct Client {
    io: DuplexStream,
    unread: Vec<u8>,
    /// The frames received so far, without those that concern only the connection.
    heard: Vec<Frame>,
    pub(super) has_ended: bool,
}

impl Client {
    /// Connects over a pipe that holds `pipe_bytes`, and exchanges settings.
    pub(super) async fn connect(pipes: &PipeSender, pipe_bytes: usize, own: &[(u8, u32)]) -> Self {
        let (io, server) = duplex(pipe_bytes);
        pipes.send(Ok(server)).expect("the service runs");
        let mut client = Self { io, unread: Vec::new(), heard: Vec::new(), has_ended: false };
        client.say([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings(own)[..]].concat()).await;
        assert!(!client.has_ended);
        client
    }

    /// Sends `bytes`. Returns whether the service took them.
    pub(super) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        matches!(timeout(QUIET, self.io.write_all(bytes.as_ref())).await, Ok(Ok(())))
    }

    /// Sends `bytes`, and reads the reaction of the service.
    pub(super) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await;
        self.hear().await;
    }

    /// Reads until the service falls silent or ends the connection.
    pub(super) async fn hear(&mut self) {
        while let Ok(frame) = timeout(QUIET, self.read()).await {
            let Some(frame) = frame else {
                self.has_ended = true;
                return;
            };
            if matches!(frame.kind, SETTINGS | PING) && frame.flags & ACK == 0 {
                let payload = if frame.kind == PING { frame.payload } else { Vec::new() };
                self.try_send(self::frame(frame.kind, ACK, 0, payload)).await;
            } else {
                self.heard.push(frame);
            }
        }
    }

    /// Reads for this time, or until the service ends the connection.
    pub(super) async fn hear_for(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while !self.has_ended && tokio::time::Instant::now() < end {
            self.hear().await;
            tokio::time::sleep(QUIET.min(end.saturating_duration_since(tokio::time::Instant::now()))).await;
        }
    }

    /// Reads the next frame; `None` at the end. Bytes already read are kept if this is cancelled.
    async fn read(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, length)) = Frame::parse(&self.unread) {
                self.unread.drain(..length);
                return Some(frame);
            }
            match self.io.read_buf(&mut self.unread).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Sends `next` repeatedly without reading, up to `bytes_max`. Returns whether the service took everything.
    pub(super) async fn flood(&mut self, mut next: impl FnMut(u32) -> Vec<u8>, bytes_max: usize) -> bool {
        let mut sent = 0;
        for index in 0.. {
            let bytes = next(index);
            if sent >= bytes_max {
                break;
            }
            if !self.try_send(&bytes).await {
                return false;
            }
            sent += bytes.len();
        }
        true
    }

    /// By how many bytes the service has extended the window for bodies on a stream; stream 0: the connection.
    pub(super) fn window(&self, stream: u32) -> usize {
        self.of(WINDOW_UPDATE, stream).map(|frame| frame.number() as usize).sum()
    }

    fn of(&self, kind: u8, stream: u32) -> impl Iterator<Item = &Frame> {
        self.heard.iter().filter(move |frame| frame.kind == kind && frame.stream == stream)
    }

    /// The first status received on a stream: that of the response, or 100 before it.
    pub(super) fn status(&self, stream: u32) -> Option<u16> {
        self.of(HEADERS, stream).next().map(|frame| status(&frame.payload))
    }

    /// The body received so far.
    pub(super) fn body(&self, stream: u32) -> String {
        let bytes = self.of(DATA, stream).flat_map(|frame| frame.payload.clone()).collect();
        String::from_utf8(bytes).expect("text")
    }

    /// Whether the response is complete.
    pub(super) fn is_finished(&self, stream: u32) -> bool {
        [HEADERS, DATA].iter().any(|kind| self.of(*kind, stream).any(|frame| frame.flags & END_STREAM != 0))
    }

    /// The code the stream was reset with.
    pub(super) fn reset_code(&self, stream: u32) -> Option<u32> {
        self.of(RST_STREAM, stream).map(Frame::number).next()
    }

    /// The code of the last GOAWAY.
    pub(super) fn goaway_code(&self) -> Option<u32> {
        let payload = &self.of(GOAWAY, 0).last()?.payload;
        payload.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes)
    }
}
