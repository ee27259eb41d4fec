//! Which bytes of a chunked HTTP/1.1 body are content?

/// Removes the framing of chunked transfer coding, however the bytes are split.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    state: ChunkState,
    /// What is left of the chunk, or the size read so far.
    left: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ChunkState {
    #[default]
    Size,
    /// After the size, before the line feed: an extension, or the carriage return.
    SizeEnd,
    Content,
    /// The carriage return and line feed after the content.
    ContentEnd,
    /// After the chunk of size 0.
    Done,
}

/// The error of a body that is not chunked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotChunked;

impl Chunked {
    /// Passes on the content in `bytes`. Returns true once the body is complete.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut content: impl FnMut(&[u8])) -> Result<bool, NotChunked> {
        while let Some((first, rest)) = bytes.split_first() {
            match self.state {
                ChunkState::Size => match (*first as char).to_digit(16) {
                    Some(_) if self.left >= 1 << 56 => return Err(NotChunked),
                    Some(digit) => {
                        self.left = self.left * 16 + u64::from(digit);
                        bytes = rest;
                    }
                    None => self.state = ChunkState::SizeEnd,
                },
                ChunkState::SizeEnd => {
                    let Some(end) = memchr::memchr(b'\n', bytes) else { return Ok(false) };
                    bytes = &bytes[end + 1..];
                    self.state = if self.left == 0 { ChunkState::Done } else { ChunkState::Content };
                }
                ChunkState::Content => {
                    let end = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                    content(&bytes[..end]);
                    self.left -= end as u64;
                    bytes = &bytes[end..];
                    if self.left == 0 {
                        self.state = ChunkState::ContentEnd;
                    }
                }
                ChunkState::ContentEnd => {
                    match first {
                        b'\r' => {}
                        b'\n' => self.state = ChunkState::Size,
                        _ => return Err(NotChunked),
                    }
                    bytes = rest;
                }
                ChunkState::Done => return Ok(true),
            }
        }
        Ok(self.state == ChunkState::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Result<(&str, bool), NotChunked>) {
        for size in [1, 2, 3, 1_000] {
            let mut chunked = Chunked::default();
            let mut content = Vec::new();
            let mut done = Ok(false);
            for piece in body.as_bytes().chunks(size) {
                done = chunked.feed(piece, |bytes| content.extend_from_slice(bytes));
                if done.is_err() {
                    break;
                }
            }
            let content = String::from_utf8(content).expect("text");
            let expected = expected.as_ref().map_err(|_| NotChunked);
            assert_eq!(done.map(|done| (content.as_str(), done)), expected.copied(), "in pieces of {size}");
        }
    }

    #[test]
    fn content_is_freed_of_its_framing() {
        check("4\r\nWiki\r\n6\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n", Ok(("Wikipedia in \r\n\r\nchunks.", false)));
        check("a;name=value\r\n0123456789\r\n0\r\n\r\n", Ok(("0123456789", true)));
        check("1\r\nxyz", Err(NotChunked));
    }
}
