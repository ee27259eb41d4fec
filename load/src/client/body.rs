//! How are the bytes of a body unframed, decompressed, split into lines and recorded?

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use super::chunked::Chunked;
use super::lines::{LineMeaning, LineScanner};
use super::record::Shared;
use super::{ClientError, Coding};
use crate::moment::now_micros;

/// What a client does with what it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Finds lines, decompressing bodies if necessary.
    Lines,
    /// Only counts the bytes of compressed bodies: cheaper than decompressing, but then no lines are recorded.
    CountIfCompressed,
}

/// The body of one stream on its way into a record.
pub(super) struct Body {
    chunked: Option<Chunked>,
    content: Decoder,
    /// Whether it is the measured stream. Other streams are read and discarded.
    is_noted: bool,
    record: Shared,
}

/// Decompresses content and finds the lines in it.
pub(crate) enum Decoder {
    Plain(LineSink),
    Gzip(Box<MultiGzDecoder<LineSink>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, LineSink>>),
    /// Looks at nothing.
    Blind,
}

impl Body {
    pub(super) fn new(record: &Shared, chunked: bool, coding: Option<Coding>, reading: Reading) -> io::Result<Self> {
        record.note(|record| {
            record.coding = coding;
            record.counted = coding.is_some() && reading == Reading::CountIfCompressed;
        });
        let content = match (coding, reading) {
            (Some(_), Reading::CountIfCompressed) => Decoder::Blind,
            (coding, _) => Decoder::new(coding)?,
        };
        Ok(Self { chunked: chunked.then(Chunked::default), content, is_noted: true, record: record.clone() })
    }

    /// Creates a body that is read but discarded.
    pub(super) fn unnoted(record: &Shared) -> Self {
        Self { chunked: None, content: Decoder::Blind, is_noted: false, record: record.clone() }
    }

    /// Processes the next bytes. Returns true once the body is complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<bool, ClientError> {
        if !self.is_noted {
            return Ok(false);
        }
        let at_micros = now_micros();
        let mut result = Ok(());
        let done = match &mut self.chunked {
            None => {
                result = self.content.feed(bytes);
                false
            }
            Some(chunked) => chunked
                .feed(bytes, |content| {
                    if result.is_ok() {
                        result = self.content.feed(content);
                    }
                })
                .map_err(|_| ClientError::Answer("the body is not chunked, although its headers say so".to_owned()))?,
        };
        result?;
        self.record.note(|record| {
            record.wire_bytes += bytes.len() as u64;
            record.last_byte_micros = at_micros;
            for seen in self.content.take_seen() {
                record.line(seen, at_micros);
            }
        });
        Ok(done)
    }
}

impl Decoder {
    /// Creates a decoder for content in this coding.
    pub(crate) fn new(coding: Option<Coding>) -> io::Result<Self> {
        let lines = LineSink::default();
        Ok(match coding {
            None => Self::Plain(lines),
            Some(Coding::Gzip) => Self::Gzip(Box::new(MultiGzDecoder::new(lines))),
            Some(Coding::Zstd) => Self::Zstd(Box::new(zstd::stream::write::Decoder::new(lines)?)),
        })
    }

    /// Keeps the text of lines too, for [`Decoder::take_texts`].
    pub(crate) fn keeping_texts(mut self) -> Self {
        if let Some(lines) = self.lines() {
            lines.texts = Some(Texts::default());
        }
        self
    }

    /// Processes the next bytes of the content.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(lines) => lines.write_all(bytes),
            Self::Gzip(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()
            }
            Self::Zstd(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()
            }
            Self::Blind => Ok(()),
        }
    }

    /// Returns the lines that ended since the last call.
    pub(crate) fn take_seen(&mut self) -> Vec<LineMeaning> {
        self.lines().map(|lines| std::mem::take(&mut lines.seen)).unwrap_or_default()
    }

    /// Returns the texts of the lines that ended since the last call, without line ends; none if they are not kept.
    pub(crate) fn take_texts(&mut self) -> Vec<Vec<u8>> {
        let texts = self.lines().and_then(|lines| lines.texts.as_mut());
        texts.map(|texts| std::mem::take(&mut texts.ended)).unwrap_or_default()
    }

    fn lines(&mut self) -> Option<&mut LineSink> {
        match self {
            Self::Plain(lines) => Some(lines),
            Self::Gzip(decoder) => Some(decoder.get_mut()),
            Self::Zstd(decoder) => Some(decoder.get_mut()),
            Self::Blind => None,
        }
    }
}

/// Where decompressed content goes.
#[derive(Default)]
pub(crate) struct LineSink {
    scanner: LineScanner,
    seen: Vec<LineMeaning>,
    /// `None`: not kept.
    texts: Option<Texts>,
}

/// The texts of lines.
#[derive(Default)]
struct Texts {
    ended: Vec<Vec<u8>>,
    /// The beginning of the line that has not ended yet.
    begun: Vec<u8>,
}

impl Texts {
    fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.begun.extend_from_slice(&bytes[..end]);
            self.ended.push(std::mem::take(&mut self.begun));
            bytes = &bytes[end + 1..];
        }
        self.begun.extend_from_slice(bytes);
    }
}

impl Write for LineSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(texts) = &mut self.texts {
            texts.feed(bytes);
        }
        self.scanner.feed(bytes, |seen| self.seen.push(seen));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn compressed_lines_are_noted_as_soon_as_they_were_flushed() {
        let record = Shared::new(0);
        let mut body = Body::new(&record, false, Some(Coding::Gzip), Reading::Lines).expect("a decoder");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for to in 1..=3_u64 {
            writeln!(encoder, "{{\"from_change_id\":{},\"to_change_id\":{to},\"all_data\":false}}", to - 1)
                .expect("memory");
            encoder.flush().expect("memory");
            let bytes = std::mem::take(encoder.get_mut());
            for piece in bytes.chunks(5) {
                assert!(!body.feed(piece).expect("gzip"));
            }
            assert_eq!(record.read(|record| (record.change_id, record.unjoined)), (to, 0));
        }
        assert!(record.read(|record| record.coding == Some(Coding::Gzip) && record.wire_bytes > 0));
    }

    #[test]
    fn texts_are_kept_if_asked_for() {
        let mut decoder = Decoder::new(None).expect("a decoder").keeping_texts();
        for piece in ["{\"conn", "ected\":true}\n{}\n", "{"] {
            decoder.feed(piece.as_bytes()).expect("plain");
        }
        assert_eq!(decoder.take_seen(), [LineMeaning::Connected, LineMeaning::Bad]);
        assert_eq!(decoder.take_texts(), [b"{\"connected\":true}".to_vec(), b"{}".to_vec()]);
        assert!(decoder.take_texts().is_empty());
        assert!(Decoder::new(None).expect("a decoder").take_texts().is_empty());
    }
}
