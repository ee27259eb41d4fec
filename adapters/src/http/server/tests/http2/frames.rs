//! How are frames written and read, byte by byte? (RFC 9113, sections 4 and 6; RFC 7541, section 6.2)
//!
//! This does not use the library, so that the tests do not share its mistakes.

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

pub(super) const NO_ERROR: u32 = 0;
pub(super) const REFUSED_STREAM: u32 = 7;
pub(super) const CANCEL: u32 = 8;
pub(super) const ENHANCE_YOUR_CALM: u32 = 11;

/// The setting for the initial window of each stream.
pub(super) const INITIAL_WINDOW_SIZE: u8 = 4;

/// An HTTP/2 frame.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// Parses the frame at the start of `bytes`, and returns it with its length; `None` if it is incomplete.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (head, rest) = bytes.split_first_chunk::<9>()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let payload = rest.get(..length)?.to_vec();
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some((Self { kind: head[3], flags: head[4], stream, payload }, 9 + length))
    }

    /// The last four bytes of the payload: the code of `RST_STREAM`, and of `GOAWAY` without a text.
    pub(super) fn number(&self) -> u32 {
        self.payload.last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }
}

/// Encodes a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A complete GET request.
pub(super) fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, request("GET", path))
}

/// A POST request whose body is still to follow.
pub(super) fn post(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, request("POST", path))
}

pub(super) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, CANCEL.to_be_bytes())
}

pub(super) fn window_update(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, bytes.to_be_bytes())
}

pub(super) fn settings(settings: &[(u8, u32)]) -> Vec<u8> {
    let payload: Vec<u8> =
        settings.iter().flat_map(|(id, value)| [&[0, *id], &value.to_be_bytes()[..]].concat()).collect();
    frame(SETTINGS, 0, 0, payload)
}

/// The header block of a request.
pub(super) fn request(method: &str, path: &str) -> Vec<u8> {
    [(":method", method), (":scheme", "http"), (":authority", "test"), (":path", path)]
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect()
}

/// A header field as a literal without indexing.
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    [&[0], &text(name)[..], &text(value)].concat()
}

/// A string literal without Huffman coding, of at most 16,000 bytes.
fn text(text: &str) -> Vec<u8> {
    let mut encoded = match u8::try_from(text.len()) {
        Ok(length @ ..127) => vec![length],
        _ => {
            let rest = text.len() - 127;
            vec![127, 0x80 | (rest % 128) as u8, u8::try_from(rest / 128).expect("a short text")]
        }
    };
    encoded.extend(text.as_bytes());
    encoded
}

/// The status at the start of a response's header block.
pub(super) fn status(block: &[u8]) -> u16 {
    match *block {
        // The block begins with an update of the table size.
        [0x20..=0x3E, ref rest @ ..] => status(rest),
        [0x88, ..] => 200,
        [0x8C, ..] => 400,
        [0x8D, ..] => 404,
        // "100", "413" and "431", Huffman coded (RFC 7541, appendix B).
        [0x08 | 0x48, 0x82, 0x08, 0x01, ..] => 100,
        [0x08 | 0x48, 0x83, 0x68, 0x2C, 0xFF, ..] => 413,
        [0x08 | 0x48, 0x83, 0x69, 0x90, 0xFF, ..] => 431,
        _ => panic!("an unknown status: {block:02x?}"),
    }
}
