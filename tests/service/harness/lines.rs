//! What does a client read from a stream, and what does it have then?

use std::collections::VecDeque;
use std::io::{self, Write};

use domain::testing::client::{Applied, Client, Line};
use domain::testing::oracle::Elements;
use flate2::write::GzDecoder;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::within;

/// Decodes a compressed stream.
enum Decoder {
    Gzip {
        decoder: Box<GzDecoder<Vec<u8>>>,
        /// Bytes after the last flush.
        pending: Vec<u8>,
    },
    Zstd(zstd::stream::write::Decoder<'static, Vec<u8>>),
}

impl Decoder {
    /// Takes a chunk, and returns the text that it makes readable.
    fn read(&mut self, chunk: &[u8]) -> io::Result<Vec<u8>> {
        // Everything received so far is readable, because every line is flushed.
        let text = match self {
            Self::Gzip { decoder, pending } => {
                pending.extend_from_slice(chunk);
                let flushed = pending.windows(FLUSHED.len()).rposition(|bytes| bytes == FLUSHED);
                let flushed = flushed.map_or(0, |start| start + FLUSHED.len());
                decoder.write_all(&pending[..flushed])?;
                pending.drain(..flushed);
                decoder.flush()?;
                decoder.get_mut()
            }
            Self::Zstd(decoder) => {
                decoder.write_all(chunk)?;
                decoder.flush()?;
                decoder.get_mut()
            }
        };
        Ok(std::mem::take(text))
    }
}

/// The end of a flush in a gzip stream. Decoders may hold back what follows the last one.
const FLUSHED: &[u8] = &[0, 0, 0xff, 0xff];

/// The lines of a stream. Each is checked for what holds for all lines (spec: http.md#stream-start, http.md#ascii).
pub(crate) struct Lines {
    response: Response,
    decoder: Option<Decoder>,
    /// An incomplete line.
    partial: Vec<u8>,
    ready: VecDeque<String>,
}

impl Lines {
    /// Reads the stream of a successful response, and checks its headers and its first line.
    pub(crate) async fn new(response: Response) -> Self {
        let headers = response.headers();
        assert_eq!(headers["x-accel-buffering"], "no");
        // This header keeps nginx and Apache from compressing the stream.
        assert!(headers.contains_key("content-encoding"), "{headers:?}");
        Self::through_proxy(response).await
    }

    /// Like [`Lines::new`], for a response from which a proxy may have removed the headers meant for it.
    pub(crate) async fn through_proxy(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers["cache-control"], "no-store, no-transform");
        let decoder = match headers.get("content-encoding").map_or(&b"Identity"[..], |coding| coding.as_bytes()) {
            b"Identity" => None,
            b"gzip" => Some(Decoder::Gzip { decoder: Box::new(GzDecoder::new(Vec::new())), pending: Vec::new() }),
            b"zstd" => Some(Decoder::Zstd(zstd::stream::write::Decoder::new(Vec::new()).expect("memory"))),
            other => panic!("{other:?} was not asked for"),
        };
        let mut lines = Self { response, decoder, partial: Vec::new(), ready: VecDeque::new() };
        assert_eq!(lines.next().await.as_deref(), Some("{\"connected\":true}"), "the first line");
        lines
    }

    /// The content type of the response.
    pub(crate) fn content_type(&self) -> &str {
        self.response.headers()["content-type"].to_str().expect("ASCII")
    }

    /// The content coding of the stream, if it is compressed.
    pub(crate) fn coding(&self) -> Option<&str> {
        let coding = self.response.headers()["content-encoding"].to_str().expect("ASCII");
        (coding != "Identity").then_some(coding)
    }

    /// The next line without its newline; `None` if the service ended the stream, which must be between two lines.
    pub(crate) async fn next(&mut self) -> Option<String> {
        within("a line of a stream", async {
            while self.ready.is_empty() {
                let chunk = self.response.chunk().await.expect("a stream ends properly")?;
                self.take(&chunk);
            }
            self.ready.pop_front()
        })
        .await
        .or_else(|| {
            assert!(self.partial.is_empty(), "a stream ends between two lines");
            None
        })
    }

    /// The next line that is not a keep-alive.
    pub(crate) async fn next_data(&mut self) -> Option<Value> {
        loop {
            let line: Value = serde_json::from_str(&self.next().await?).expect("a line is JSON");
            if line != json!({"connected": true}) {
                return Some(line);
            }
        }
    }

    /// Waits for the end of the stream.
    pub(crate) async fn until_end(&mut self) {
        while self.next().await.is_some() {}
    }

    /// Waits until the connection is closed or cut.
    pub(crate) async fn until_gone(&mut self) {
        within("the end of a connection", async { while let Ok(Some(_)) = self.response.chunk().await {} }).await;
    }

    fn take(&mut self, chunk: &[u8]) {
        match &mut self.decoder {
            None => self.partial.extend_from_slice(chunk),
            Some(decoder) => self.partial.append(&mut decoder.read(chunk).expect("compressed as the header says")),
        }
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let mut line: Vec<u8> = self.partial.drain(..=end).collect();
            line.pop();
            assert!(!line.is_empty(), "a line is never empty");
            assert!(line.is_ascii(), "a line is ASCII");
            self.ready.push_back(String::from_utf8(line).expect("ASCII"));
        }
    }
}

/// A client of `/system/autoupdate` that applies every line at once.
pub(crate) struct Watcher {
    lines: Lines,
    /// The elements that it has.
    pub(crate) client: Client,
}

impl Watcher {
    /// Creates a client that already has this when it opens the stream.
    pub(crate) fn new(lines: Lines, client: Client) -> Self {
        Self { lines, client }
    }

    /// Applies and returns the next line; `None` if the service ended the stream.
    pub(crate) async fn line(&mut self) -> Option<Line> {
        loop {
            let text = self.lines.next().await?;
            if text == "{\"connected\":true}" {
                continue;
            }
            let line = Line::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text:.1000}"));
            assert_eq!(self.client.apply(&line), Ok(Applied::Taken), "{text:.1000}");
            return Some(line);
        }
    }

    /// Reads until the client has this change; returns the lines read.
    pub(crate) async fn until(&mut self, change_id: u64) -> Vec<Line> {
        let mut lines = Vec::new();
        while self.client.change_id < change_id {
            lines.push(self.line().await.expect("the stream goes on"));
        }
        assert_eq!(self.client.change_id, change_id);
        lines
    }

    /// Reads until the service ends the stream; returns what the client has then.
    pub(crate) async fn until_end(mut self) -> Client {
        while self.line().await.is_some() {}
        self.client
    }

    /// Checks that the client has exactly `expected`; names what differs.
    #[track_caller]
    pub(crate) fn check(&self, expected: &Elements, who: &str) {
        let has = &self.client.data;
        let keys: std::collections::BTreeSet<_> = has.keys().chain(expected.keys()).collect();
        let wrong: Vec<_> = keys.into_iter().filter(|key| has.get(*key) != expected.get(*key)).collect();
        if let Some(first) = wrong.first() {
            panic!("{who}: {wrong:?} differ: {:?} for {:?}", has.get(*first), expected.get(*first));
        }
    }
}
