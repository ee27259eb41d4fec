//! How do clients read compressed streams? With several independent decoders, each strict about its format.

use std::io::{self, Read as _, Write};

use bytes::BytesMut;
use flate2::read::DeflateDecoder;
use flate2::write::GzDecoder;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush};
use ruzstd::decoding::FrameDecoder;
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

/// A streaming decoder.
pub(crate) trait Decoder: Write {
    /// The text decoded so far.
    fn text(&self) -> &[u8];
}

impl Decoder for Vec<u8> {
    fn text(&self) -> &[u8] {
        self
    }
}

impl Decoder for GzDecoder<Vec<u8>> {
    fn text(&self) -> &[u8] {
        self.get_ref()
    }
}

impl Decoder for zstd::stream::write::Decoder<'static, Vec<u8>> {
    fn text(&self) -> &[u8] {
        self.get_ref()
    }
}

/// The length of a gzip header without optional fields (RFC 1952, 2.3).
pub(crate) const GZIP_HEADER_BYTES: usize = 10;

/// Decodes gzip with `miniz_oxide`.
pub(crate) struct Miniz {
    header_left: usize,
    state: Box<InflateState>,
    text: Vec<u8>,
}

impl Miniz {
    pub(crate) fn new() -> Self {
        Self { header_left: GZIP_HEADER_BYTES, state: InflateState::new_boxed(DataFormat::Raw), text: Vec::new() }
    }
}

impl Write for Miniz {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let header = self.header_left.min(bytes.len());
        self.header_left -= header;
        let mut input = &bytes[header..];
        loop {
            let mut output = [0; 4096];
            let read = inflate(&mut self.state, input, &mut output, MZFlush::None);
            input = &input[read.bytes_consumed..];
            self.text.extend_from_slice(&output[..read.bytes_written]);
            match read.status {
                Ok(_) if read.bytes_written > 0 || !input.is_empty() => {}
                Ok(_) | Err(MZError::Buf) => return Ok(bytes.len()),
                Err(error) => return Err(io::Error::other(format!("{error:?}"))),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder for Miniz {
    fn text(&self) -> &[u8] {
        &self.text
    }
}

/// Decodes zstd with `ruzstd`: frame by frame, each once it is complete.
#[derive(Default)]
pub(crate) struct Ruzstd {
    pending: BytesMut,
    text: Vec<u8>,
}

impl Write for Ruzstd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        while let Ok(length) = find_frame_compressed_size(&self.pending) {
            let frame = self.pending.split_to(length);
            let start = self.text.len();
            // Single-segment frames state their size (RFC 8878, 3.1.1.1).
            let size = get_frame_content_size(&frame).ok().flatten().expect("a size");
            self.text.resize(start + usize::try_from(size).expect("it fits"), 0);
            let read = FrameDecoder::new().decode_all(&frame, &mut self.text[start..]).map_err(io::Error::other)?;
            assert_eq!(read, self.text.len() - start);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder for Ruzstd {
    fn text(&self) -> &[u8] {
        &self.text
    }
}

/// Checks that `bytes` are deflate blocks containing `text`, the last of which is an empty stored block (RFC 1951,
/// 3.2.4), as after a sync flush. Some decoders only return a block once the next one begins.
///
/// The proof: with the length of that block changed and `MARK` appended, `text` and `MARK` are decoded only if the last
/// bytes really were an empty stored block.
#[track_caller]
pub(crate) fn check_flushed(bytes: &[u8], text: &[u8]) {
    const EMPTY: [u8; 4] = [0, 0, 0xff, 0xff];
    const MARK: &[u8; 4] = b"MARK";
    let begin = bytes.strip_suffix(&EMPTY).expect("an empty stored block at the end");
    let marked = [begin, &[4, 0, !4, !0], MARK].concat();
    let mut read = vec![0; text.len() + MARK.len()];
    DeflateDecoder::new(&*marked).read_exact(&mut read).expect("blocks of deflate");
    assert!(read == [text, MARK].concat(), "the last block is not an empty stored one");
}
