//! How is text compressed once and sent to thousands? In deflate blocks that do not refer to earlier ones.
//!
//! Every block ends on a byte boundary with an empty dictionary (a *full flush*), so blocks made at different times can
//! be concatenated in any gzip stream. The header is sent once per stream; the trailer, if the stream ends, is computed
//! from the blocks' checksums.
//!
//! Every line ends with an empty stored block, like each flush of zlib: some decoders (Go's, and so those of many
//! proxies) only show a stored block when the next one begins.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use flate2::{Compress, Compression, Crc, FlushCompress};

/// The header of every gzip stream: deflate, no name, no time, unknown operating system.
pub const GZIP_HEADER: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// How hard to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For text that is compressed once and sent often, though new clients wait for it.
    Shared,
    /// For text that only one client gets.
    Fast,
}

/// An empty stored block that begins on a byte boundary (RFC 1951, 3.2.4). It tells a decoder that nothing is pending.
const FLUSH: &[u8] = &[0, 0, 0, 0xff, 0xff];

/// The maximum number of bytes in a stored block.
const STORED_BYTES_MAX: usize = 0xffff;

/// A piece of text, compressed independently of all others.
#[derive(Clone, Debug)]
pub struct DeflateBlock {
    bytes: Bytes,
    crc: Arc<Crc>,
}

impl DeflateBlock {
    /// Compresses `text` and flushes, so that decoders show all of it.
    #[must_use]
    pub fn compress(text: &[u8], level: Level) -> Self {
        let level = match level {
            Level::Shared => 4,
            Level::Fast => 1,
        };
        let mut compress = Compress::new(Compression::new(level), false);
        let mut out = Vec::with_capacity(text.len() / 3 + 64);
        loop {
            let read = usize::try_from(compress.total_in()).unwrap_or(text.len());
            // In-memory compression only fails when the buffer is full, and then it grows.
            let _ = compress.compress_vec(&text[read..], &mut out, FlushCompress::Full);
            // There is room left, so the flush is complete.
            if compress.total_in() == text.len() as u64 && out.len() < out.capacity() {
                break;
            }
            out.reserve(out.capacity().max(64));
        }
        out.shrink_to_fit();
        Self::new(out.into(), text)
    }

    /// Stores `text` uncompressed: for a few bytes that only one client gets. It is not flushed, so another block MUST
    /// follow.
    #[must_use]
    pub fn store(text: &[u8]) -> Self {
        Self::new(stored(text).freeze(), text)
    }

    /// Stores `text` uncompressed and flushes.
    #[must_use]
    pub fn store_flushed(text: &[u8]) -> Self {
        let mut out = stored(text);
        out.put_slice(FLUSH);
        Self::new(out.freeze(), text)
    }

    fn new(bytes: Bytes, text: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(text);
        Self { bytes, crc: Arc::new(crc) }
    }

    /// The compressed bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// The stored blocks of `text`, with room for a flush.
fn stored(text: &[u8]) -> BytesMut {
    let mut out = BytesMut::with_capacity(text.len() + 2 * FLUSH.len());
    for part in text.chunks(STORED_BYTES_MAX) {
        let length = part.len() as u16;
        out.put_u8(0);
        out.put_u16_le(length);
        out.put_u16_le(!length);
        out.put_slice(part);
    }
    out
}

/// What one gzip stream has carried so far, as needed for its trailer.
#[derive(Debug, Default)]
pub struct GzipStream(Crc);

impl GzipStream {
    /// Records that `block` is sent.
    pub fn push(&mut self, block: &DeflateBlock) {
        self.0.combine(&block.crc);
    }

    /// Returns the end of the stream: an empty last block, the checksum and the length.
    #[must_use]
    pub fn trailer(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(13);
        out.put_slice(&[1, 0, 0, 0xff, 0xff]);
        out.put_u32_le(self.0.sum());
        out.put_u32_le(self.0.amount());
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[track_caller]
    fn check(texts: &[&[u8]]) {
        let mut gzip = GZIP_HEADER.to_vec();
        let mut stream = GzipStream::default();
        for (index, text) in texts.iter().enumerate() {
            let block = match index % 4 {
                0 => DeflateBlock::compress(text, Level::Shared),
                1 => DeflateBlock::store(text),
                2 => DeflateBlock::store_flushed(text),
                _ => DeflateBlock::compress(text, Level::Fast),
            };
            stream.push(&block);
            gzip.extend_from_slice(block.bytes());
        }
        gzip.extend_from_slice(&stream.trailer());
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut out).expect("a valid gzip stream");
        assert_eq!(out, texts.concat());
    }

    #[test]
    fn blocks_made_apart_make_one_gzip_stream_in_any_order() {
        let long = b"abcdefgh".repeat(50_000);
        let noise: Vec<u8> = (0_u32..200_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        check(&[]);
        check(&[b""]);
        check(&[b"a", b"b", b"c", b"d", b"e"]);
        check(&[&long, &long, &noise, &noise, b"x"]);
        check(&[b"x", &noise, &noise, &long]);
    }
}
