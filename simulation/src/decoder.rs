//! What do the bytes of a stream say? Undoes `Content-Encoding`, and splits the text into lines.

use std::io::Write as _;

use flate2::write::GzDecoder;
use zstd::stream::write::Decoder as ZstdDecoder;

enum Coding {
    Plain(Vec<u8>),
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Zstd(ZstdDecoder<'static, Vec<u8>>),
}

/// Reads the lines of one stream.
pub(crate) struct Decoder(Coding);

impl Decoder {
    /// Creates a decoder for a `Content-Encoding`.
    ///
    /// # Errors
    /// If clients do not accept that coding.
    pub(crate) fn of(content_encoding: &str) -> Result<Self, String> {
        Ok(Self(match content_encoding.to_lowercase().as_str() {
            "" | "identity" => Coding::Plain(Vec::new()),
            "gzip" => Coding::Gzip(Box::new(GzDecoder::new(Vec::new()))),
            "zstd" => Coding::Zstd(ZstdDecoder::new(Vec::new()).map_err(|error| error.to_string())?),
            other => return Err(format!("Content-Encoding {other:?}, which nobody asked for")),
        }))
    }

    /// Takes bytes, and returns the lines that they complete.
    ///
    /// # Errors
    /// If the bytes are not valid in that coding.
    pub(crate) fn lines(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        let text = self.decoded(bytes).map_err(|error| format!("cannot be decoded: {error}"))?;
        let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        *text = lines.pop().unwrap_or_default();
        Ok(lines)
    }

    fn decoded(&mut self, bytes: &[u8]) -> std::io::Result<&mut Vec<u8>> {
        match &mut self.0 {
            Coding::Plain(text) => {
                text.extend_from_slice(bytes);
                Ok(text)
            }
            Coding::Gzip(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()?;
                Ok(decoder.get_mut())
            }
            Coding::Zstd(decoder) => {
                decoder.write_all(bytes)?;
                decoder.flush()?;
                Ok(decoder.get_mut())
            }
        }
    }
}
