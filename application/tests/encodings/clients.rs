//! What do clients have that receive the same text in different encodings?

use std::io;

use application::delivery::line::{CONNECTED, Encoder, Line};
use application::publishing::publisher::MeetingPublisher;
use bytes::Bytes;
use flate2::write::GzDecoder;

use super::decoders::{Decoder, GZIP_HEADER_BYTES, Miniz, Ruzstd, check_flushed};

/// A stream in one encoding, with the clients that decode it.
struct Stream {
    name: &'static str,
    encoder: Encoder,
    decoders: Vec<Box<dyn Decoder>>,
    /// All bytes sent so far.
    sent: Vec<u8>,
    /// How many of these bytes were compared, and how many bytes of text.
    checked: (usize, usize),
}

impl Stream {
    /// One stream in each encoding.
    fn all() -> [Self; 3] {
        let zstd = zstd::stream::write::Decoder::new(Vec::new()).expect("memory");
        [
            Self::new("plain", Encoder::plain(), vec![Box::new(Vec::new())]),
            Self::new("gzip", Encoder::gzip(), vec![Box::new(GzDecoder::new(Vec::new())), Box::new(Miniz::new())]),
            Self::new("zstd", Encoder::zstd(), vec![Box::new(zstd), Box::new(Ruzstd::default())]),
        ]
    }

    fn new(name: &'static str, encoder: Encoder, decoders: Vec<Box<dyn Decoder>>) -> Self {
        Self { name, encoder, decoders, sent: Vec::new(), checked: (0, 0) }
    }

    fn send(&mut self, bytes: &Bytes) {
        self.sent.extend_from_slice(bytes);
        for decoder in &mut self.decoders {
            // In arbitrary parts, as the network may cut it.
            for part in bytes.chunks(1_000) {
                decoder.write_all(part).expect("a stream that can be read");
            }
            decoder.flush().expect("a stream that can be read");
        }
    }

    /// Checks that every client has all of the text after a line.
    #[track_caller]
    fn check(&mut self, expected: &[u8]) {
        let bytes = expected.len();
        assert_eq!(self.encoder.text_bytes(), bytes as u64, "{}", self.name);
        for (index, decoder) in self.decoders.iter().enumerate() {
            assert!(decoder.text() == expected, "{} {index}: the client does not have all of {bytes} bytes", self.name);
        }
        let (sent, text) = std::mem::replace(&mut self.checked, (self.sent.len(), bytes));
        if self.name == "gzip" && self.sent.len() > sent {
            check_flushed(&self.sent[sent.max(GZIP_HEADER_BYTES)..], &expected[text..]);
        }
    }

    /// Checks that the finished stream is valid in its encoding.
    #[track_caller]
    fn check_whole(&mut self, expected: &[u8]) {
        let end = self.encoder.end();
        self.sent.extend_from_slice(&end);
        let text = match self.name {
            "gzip" => io::read_to_string(flate2::read::GzDecoder::new(&*self.sent)).map(String::into_bytes),
            "zstd" => zstd::stream::decode_all(&*self.sent),
            _ => Ok(self.sent.clone()),
        };
        assert!(text.expect("a whole stream") == expected, "{}", self.name);
    }
}

/// Clients of every encoding, which are sent the same.
pub(crate) struct Clients {
    streams: [Stream; 3],
    expected: Vec<u8>,
}

impl Clients {
    pub(crate) fn new() -> Self {
        let mut clients = Self { streams: Stream::all(), expected: Vec::new() };
        clients.send(CONNECTED, |encoder| encoder.begin(CONNECTED));
        clients
    }

    #[track_caller]
    pub(crate) fn send(&mut self, text: &str, make: impl Fn(&mut Encoder) -> Bytes) {
        self.expected.extend_from_slice(text.as_bytes());
        for stream in &mut self.streams {
            let bytes = make(&mut stream.encoder);
            stream.send(&bytes);
            stream.check(&self.expected);
        }
    }

    /// Sends each of them its copy of the same line.
    #[track_caller]
    pub(crate) fn send_line(&mut self, publisher: &MeetingPublisher, lines: [Line; 3]) {
        for (stream, mut line) in self.streams.iter_mut().zip(lines) {
            while let Some(part) = line.next_part(publisher.render_cache(), &mut stream.encoder) {
                assert!(!part.is_empty(), "{}", stream.name);
                stream.send(&part);
            }
        }
        let [plain, ..] = &self.streams;
        self.expected.clone_from(&plain.sent);
        assert_eq!((plain.name, self.expected.last()), ("plain", Some(&b'\n')));
        for stream in &mut self.streams {
            stream.check(&self.expected);
        }
    }

    /// Ends the streams. Returns how many bytes were sent: plain, gzip, zstd.
    #[track_caller]
    pub(crate) fn end(mut self) -> [usize; 3] {
        for stream in &mut self.streams {
            stream.check_whole(&self.expected);
        }
        self.streams.map(|stream| stream.sent.len())
    }
}
