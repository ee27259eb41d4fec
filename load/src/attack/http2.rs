//! How does an attacker speak HTTP/2?

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout_at;

use super::attacker::{Attacker, CLOSED, OPEN, Sent, UNREAD, send};
use super::ends::Ends;
use super::frames::{Frame, GOAWAY, HEADERS, PREFACE, RST_STREAM, settings};

/// The most bytes of answers that are kept while a frame is not complete.
const UNREAD_BYTES_MAX: usize = 64 * 1024;

/// A connection that is read only if it is told to.
pub(super) struct Connection {
    attacker: Attacker,
    stream: TcpStream,
    unread: Vec<u8>,
    /// What was heard: the ends of streams, the statuses.
    pub(super) heard: Ends,
}

impl Connection {
    /// Begins with these settings.
    pub(super) async fn begin(attacker: Attacker, stream: TcpStream, own: &[(u8, u32)]) -> Self {
        let mut connection = Self { attacker, stream, unread: Vec::new(), heard: Ends::default() };
        connection.send(&[PREFACE, &settings(own)].concat()).await;
        connection
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Sent {
        send(&mut self.stream, bytes).await
    }

    /// Sends what `next` returns, again and again until the time is over or nobody takes it; then listens how it ends.
    pub(super) async fn flood(mut self, mut next: impl FnMut(u32) -> Vec<u8>) -> Ends {
        for index in 0.. {
            if self.attacker.is_over() {
                break;
            }
            match self.send(&next(index)).await {
                Sent::Taken => {}
                Sent::Unread => {
                    self.heard.add(UNREAD);
                    return self.heard;
                }
                Sent::Closed => break,
            }
            if index % 64 == 0 {
                tokio::task::yield_now().await;
            }
        }
        self.listen().await
    }

    /// Listens until the other side ends the connection, or the time is over.
    pub(super) async fn listen(mut self) -> Ends {
        loop {
            match timeout_at(self.attacker.until, self.stream.read_buf(&mut self.unread)).await {
                Err(_) => {
                    self.heard.add(OPEN);
                    return self.heard;
                }
                Ok(Ok(0) | Err(_)) => {
                    self.heard.add(CLOSED);
                    return self.heard;
                }
                Ok(Ok(_)) if self.hear() => return self.heard,
                Ok(Ok(_)) => {}
            }
        }
    }

    /// Takes the frames that are there. Returns whether the last of them ends the connection.
    fn hear(&mut self) -> bool {
        let mut read = 0;
        let mut is_over = false;
        while let Some((frame, length)) = Frame::parse(&self.unread[read..]) {
            read += length;
            match (frame.kind, frame.code(), frame.status()) {
                (RST_STREAM, Some(code), _) => self.heard.add(format!("RST_STREAM {code}")),
                (GOAWAY, Some(code), _) => {
                    self.heard.add(format!("GOAWAY {code}"));
                    is_over = true;
                }
                (HEADERS, _, Some(status)) => self.heard.add(status.to_string()),
                _ => {}
            }
        }
        self.unread.drain(..read);
        is_over || self.unread.len() > UNREAD_BYTES_MAX
    }
}

/// Returns the id of the stream that a client opens as its `index`th.
pub(super) fn id(index: u32) -> u32 {
    index * 2 + 1
}
