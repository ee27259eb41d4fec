//! How are frames and header blocks written, byte by byte? (RFC 9113, sections 4, 6 and 7; RFC 7541)
//!
//! Nothing of the server is used to write, so that a mistake in it is not made twice.

use super::super::hpack;

/// The types of frames.
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PUSH_PROMISE: u8 = 5;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
    /// Not known to anybody.
    pub(crate) const UNKNOWN: u8 = 0xF0;
}

/// The flags of frames.
pub(super) mod flag {
    pub(crate) const NONE: u8 = 0;
    pub(crate) const ACK: u8 = 1;
    pub(crate) const END_STREAM: u8 = 1;
    pub(crate) const END_HEADERS: u8 = 4;
    pub(crate) const PADDED: u8 = 8;
    pub(crate) const PRIORITY: u8 = 0x20;
    /// A whole request.
    pub(crate) const END_BOTH: u8 = END_STREAM | END_HEADERS;
}

/// The codes of errors.
pub(super) mod code {
    pub(crate) const NO_ERROR: u32 = 0;
    pub(crate) const PROTOCOL_ERROR: u32 = 1;
    pub(crate) const INTERNAL_ERROR: u32 = 2;
    pub(crate) const FLOW_CONTROL_ERROR: u32 = 3;
    pub(crate) const STREAM_CLOSED: u32 = 5;
    pub(crate) const FRAME_SIZE_ERROR: u32 = 6;
    pub(crate) const REFUSED_STREAM: u32 = 7;
    pub(crate) const CANCEL: u32 = 8;
    pub(crate) const COMPRESSION_ERROR: u32 = 9;
    pub(crate) const CONNECT_ERROR: u32 = 10;
    pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;
}

/// The ids of settings.
pub(super) mod setting {
    pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
    pub(crate) const ENABLE_PUSH: u16 = 2;
    pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
    pub(crate) const MAX_FRAME_SIZE: u16 = 5;
    pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 6;
    /// Not known to anybody.
    pub(crate) const UNKNOWN: u16 = 0xFF00;
}

/// What a client begins with, before its settings.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The payload of a frame, unless more was agreed.
pub(super) const FRAME_BYTES_MAX: usize = 16_384;

/// How much may be sent on a stream and on a connection, unless more was agreed.
pub(super) const WINDOW_BYTES: usize = 65_535;

/// The largest window there may be.
pub(super) const WINDOW_BYTES_MAX: u32 = (1 << 31) - 1;

/// The fields of a request that asks for `path`.
pub(super) fn request<'a>(method: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", method), (":scheme", "http"), (":authority", "test"), (":path", path)]
}

/// The bytes of a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub(super) fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let payload = settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
    frame(kind::SETTINGS, flag::NONE, 0, payload.collect::<Vec<u8>>())
}

pub(super) fn headers(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(kind::HEADERS, flags, stream, block(fields))
}

/// A whole request without a body.
pub(super) fn get(stream: u32, path: &str) -> Vec<u8> {
    headers(stream, flag::END_BOTH, &request("GET", path))
}

/// A request whose body is to follow.
pub(super) fn post(stream: u32, path: &str) -> Vec<u8> {
    headers(stream, flag::END_HEADERS, &request("POST", path))
}

pub(super) fn data(stream: u32, flags: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    frame(kind::DATA, flags, stream, bytes)
}

pub(super) fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(kind::RST_STREAM, flag::NONE, stream, code.to_be_bytes())
}

pub(super) fn window_update(stream: u32, bytes: u32) -> Vec<u8> {
    frame(kind::WINDOW_UPDATE, flag::NONE, stream, bytes.to_be_bytes())
}

pub(super) fn ping(payload: [u8; 8]) -> Vec<u8> {
    frame(kind::PING, flag::NONE, 0, payload)
}

pub(super) fn continuation(stream: u32, flags: u8, fragment: impl AsRef<[u8]>) -> Vec<u8> {
    frame(kind::CONTINUATION, flags, stream, fragment)
}

/// What `PADDED` puts around a payload.
pub(super) fn padded(payload: impl AsRef<[u8]>, padding: u8) -> Vec<u8> {
    [&[padding], payload.as_ref(), &vec![0; usize::from(padding)]].concat()
}

/// A header block in which every field is a literal that is not remembered.
pub(super) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| literal(0, name.as_bytes(), value.as_bytes())).collect()
}

/// A literal with a name of its own. `first`: 0, or 0x40 for one that both sides shall remember.
pub(super) fn literal(first: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[first], &text(name)[..], &text(value)].concat()
}

/// A text that is not compressed.
fn text(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    match u8::try_from(bytes.len()) {
        Ok(length @ ..127) => encoded.push(length),
        _ => {
            encoded.push(127);
            let mut rest = bytes.len() - 127;
            while rest >= 128 {
                encoded.push(u8::try_from(rest % 128).expect("seven bits") | 128);
                rest /= 128;
            }
            encoded.push(u8::try_from(rest).expect("seven bits"));
        }
    }
    encoded.extend(bytes);
    encoded
}

/// The status that a header block begins with.
pub(super) fn status(block: &[u8]) -> u16 {
    match *block {
        // The table is made smaller or larger first.
        [0x20..=0x3E, ref rest @ ..] => status(rest),
        [0x3F, ref rest @ ..] => {
            let number = rest.iter().position(|byte| byte & 0x80 == 0).expect("a number");
            status(&rest[number + 1..])
        }
        [0x88, ..] => 200,
        [0x89, ..] => 204,
        [0x8A, ..] => 206,
        [0x8B, ..] => 304,
        [0x8C, ..] => 400,
        [0x8D, ..] => 404,
        [0x8E, ..] => 500,
        // A literal with the name `:status`, in three digits or their two bytes in the code of Huffman; of the latter
        // the tests need only that it is none of the above.
        [0x08 | 0x48 | 0x18, 3, a, b, c, ..] => {
            [a, b, c].iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))
        }
        _ => 0,
    }
}

/// The fields of a response.
pub(super) fn fields(block: &[u8]) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut fields = Vec::new();
    // Nothing is entered into a table, so each block stands for itself.
    let decoded = hpack::Decoder::new(0).decode(block, |name, value| fields.push((text(name), text(value))));
    decoded.expect("a header block");
    fields
}
