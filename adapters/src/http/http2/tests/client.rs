//! How does a test speak to the server, frame by frame?

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;

use super::heard::{Frame, Heard};
use super::start::{Respond, Server};
use super::wire::{self, FRAME_BYTES_MAX, PREFACE, WINDOW_BYTES, flag, kind, setting};

/// How long nothing happens before a test believes that nothing will. Time is paused: it passes at once when all wait.
const QUIET: Duration = Duration::from_secs(10);

/// More than any test sends without reading, or the server the other way.
const PIPE_BYTES: usize = 4 * 1024 * 1024;

/// A client that does what it is told, right or wrong. By itself it only acknowledges settings and answers PINGs.
pub(super) struct RawClient {
    io: DuplexStream,
    unread: Vec<u8>,
    pub(super) server: Server,
    /// What the server said in its settings.
    pub(super) told: BTreeMap<u16, u32>,
    /// By stream: what was allowed to be sent beyond the first window, less what was sent.
    windows: BTreeMap<u32, i64>,
}

/// A server, and a client that has not said anything.
pub(super) fn start(respond: impl Respond) -> RawClient {
    start_with_pipe(PIPE_BYTES, respond)
}

/// The same with little room between them.
pub(super) fn start_with_pipe(pipe_bytes: usize, respond: impl Respond) -> RawClient {
    let (io, server_io) = duplex(pipe_bytes);
    RawClient::new(io, Server::start(server_io, respond))
}

/// The same with a server that has no table of header fields.
pub(super) fn start_without_table(respond: impl Respond) -> RawClient {
    let (io, server_io) = duplex(PIPE_BYTES);
    RawClient::new(io, Server::start_without_table(server_io, respond))
}

/// A server, and a client that has exchanged settings with it.
pub(super) async fn connect(respond: impl Respond) -> RawClient {
    connect_with(&[], respond).await
}

pub(super) async fn connect_with(settings: &[(u16, u32)], respond: impl Respond) -> RawClient {
    let mut client = start(respond);
    client.hello(settings).await;
    client
}

impl RawClient {
    fn new(io: DuplexStream, server: Server) -> Self {
        Self { io, unread: Vec::new(), server, told: BTreeMap::new(), windows: BTreeMap::new() }
    }

    /// Exchanges settings.
    pub(super) async fn hello(&mut self, settings: &[(u16, u32)]) {
        self.send([PREFACE, &wire::settings(settings)].concat()).await;
        let heard = self.settle().await;
        assert!(!heard.has_ended, "{heard:?}");
    }

    /// Sends `bytes` if they can be; whether they were.
    pub(super) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        matches!(timeout(QUIET, self.io.write_all(bytes.as_ref())).await, Ok(Ok(())))
    }

    /// Sends `bytes`; a connection that has ended shows when it is read.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.try_send(bytes).await;
    }

    /// Sends DATA, and keeps count of the windows.
    pub(super) async fn send_data(&mut self, stream: u32, flags: u8, bytes: &[u8]) {
        self.send_frames(stream, bytes.len(), wire::data(stream, flags, bytes)).await;
    }

    /// Sends `frames` with payloads of DATA of so many bytes.
    pub(super) async fn send_frames(&mut self, stream: u32, payloads: usize, frames: Vec<u8>) {
        let payloads = i64::try_from(payloads).expect("short");
        *self.windows.entry(0).or_default() -= payloads;
        *self.windows.entry(stream).or_default() -= payloads;
        self.send(frames).await;
    }

    /// Sends a request's body as the windows allow, and its end; what was heard meanwhile.
    pub(super) async fn upload(&mut self, stream: u32, body: &[u8]) -> Heard {
        let mut heard = Heard::default();
        let mut rest = body;
        while !rest.is_empty() {
            let room = self.window(stream).min(FRAME_BYTES_MAX).min(rest.len());
            if room == 0 {
                heard.append(self.settle().await);
                assert!(self.window(stream) > 0, "no window after {} bytes: {heard:?}", body.len() - rest.len());
                continue;
            }
            let (part, after) = rest.split_at(room);
            rest = after;
            self.send_data(stream, flag::NONE, part).await;
        }
        self.send_data(stream, flag::END_STREAM, b"").await;
        heard.append(self.settle().await);
        heard
    }

    /// How much may be sent on a stream now; of stream 0: on the connection.
    pub(super) fn window(&self, stream: u32) -> usize {
        let default = u32::try_from(WINDOW_BYTES).expect("small");
        let of = |stream, first: u32| i64::from(first) + self.windows.get(&stream).copied().unwrap_or_default();
        let connection = of(0, default);
        let window = if stream == 0 {
            connection
        } else {
            connection.min(of(stream, self.told.get(&setting::INITIAL_WINDOW_SIZE).copied().unwrap_or(default)))
        };
        usize::try_from(window).unwrap_or(0)
    }

    /// Sends, and hears everything that the server does then.
    pub(super) async fn exchange(&mut self, bytes: impl AsRef<[u8]>) -> Heard {
        self.send(bytes).await;
        self.settle().await
    }

    /// Hears what the server says until it has nothing more to say, or ends the connection.
    pub(super) async fn settle(&mut self) -> Heard {
        const FRAMES_MAX: usize = 100_000;
        let heard = self.hear(FRAMES_MAX).await;
        assert!(heard.frames.len() < FRAMES_MAX, "the server talks without end");
        heard
    }

    /// The same, but not more than so many frames.
    pub(super) async fn hear(&mut self, frames_max: usize) -> Heard {
        let mut heard = Heard::default();
        while heard.frames.len() < frames_max {
            match timeout(QUIET, self.read()).await {
                Err(_) => break,
                Ok(None) => {
                    heard.has_ended = true;
                    break;
                }
                Ok(Some(frame)) => {
                    self.note(&frame).await;
                    heard.frames.push(frame);
                }
            }
        }
        heard
    }

    /// The next frame, `None` at the end. What was read is kept if this is given up.
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

    async fn note(&mut self, frame: &Frame) {
        let is_ack = frame.flags & flag::ACK != 0;
        match frame.kind {
            kind::SETTINGS if !is_ack => {
                self.told.extend(frame.settings());
                self.send(wire::frame(kind::SETTINGS, flag::ACK, 0, [])).await;
            }
            kind::PING if !is_ack => self.send(wire::frame(kind::PING, flag::ACK, 0, &frame.payload)).await,
            kind::WINDOW_UPDATE => *self.windows.entry(frame.stream).or_default() += i64::from(frame.number()),
            _ => {}
        }
    }

    /// Sends `next` again and again, given how often it did before, without reading, until it cannot be sent or as much
    /// as `bytes_max` was; how much was sent.
    pub(super) async fn flood(&mut self, mut next: impl FnMut(u32) -> Vec<u8>, bytes_max: usize) -> usize {
        let mut sent = 0;
        for index in 0.. {
            let bytes = next(index);
            if sent >= bytes_max || !self.try_send(&bytes).await {
                break;
            }
            sent += bytes.len();
        }
        sent
    }

    /// Closes the client's half of the connection.
    pub(super) async fn close_half(&mut self) {
        self.io.shutdown().await.expect("a pipe");
    }

    /// Goes away; the server is what is left, and has noticed.
    pub(super) async fn leave(self) -> Server {
        drop(self.io);
        let mut server = self.server;
        timeout(QUIET, server.ended()).await.expect("the server ends when the client is gone");
        tokio::time::sleep(QUIET).await;
        server
    }
}
