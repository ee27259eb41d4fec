//! How are frames of HTTP/2 written and read, byte by byte? (RFC 9113, sections 4 and 6; RFC 7541, section 6.2)
//!
//! Without the library that the service uses: it would refuse to send most of what an attacker sends.

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// The setting that says with which window each stream begins.
pub(super) const INITIAL_WINDOW_SIZE: u8 = 4;

/// The first bytes of a client.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const CANCEL: u32 = 8;

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// Returns the frame that `bytes` begin with, and its length, if it is there as a whole.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (head, rest) = bytes.split_first_chunk::<9>()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let payload = rest.get(..length)?.to_vec();
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some((Self { kind: head[3], flags: head[4], stream, payload }, 9 + length))
    }

    /// Returns the code with which it ends a stream or the connection.
    pub(super) fn code(&self) -> Option<&'static str> {
        let code = match self.kind {
            RST_STREAM => self.payload.get(..4),
            GOAWAY => self.payload.get(4..8),
            _ => None,
        };
        let code = u32::from_be_bytes(code?.try_into().ok()?);
        Some(CODES.get(code as usize).copied().unwrap_or("unknown"))
    }

    /// Returns the status that a response's header block begins with, if it is one that the service gives.
    pub(super) fn status(&self) -> Option<u16> {
        if self.kind != HEADERS {
            return None;
        }
        match *self.payload {
            // The size of the table is told first.
            [0x20..=0x3E, 0x88, ..] | [0x88, ..] => Some(200),
            [0x20..=0x3E, 0x8C, ..] | [0x8C, ..] => Some(400),
            [0x20..=0x3E, 0x8D, ..] | [0x8D, ..] => Some(404),
            // "431" and "429" in the code of RFC 7541, appendix B.
            [0x20..=0x3E, 0x08 | 0x48, 0x83, 0x69, 0x90, ..] | [0x08 | 0x48, 0x83, 0x69, 0x90, ..] => Some(431),
            [0x20..=0x3E, 0x08 | 0x48, 0x83, 0x68, 0x5F, ..] | [0x08 | 0x48, 0x83, 0x68, 0x5F, ..] => Some(429),
            _ => None,
        }
    }
}

/// The names of error codes (RFC 9113, section 7).
const CODES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// Returns the bytes of a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns a whole request without a body.
pub(super) fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, request("GET", path))
}

/// Returns a request whose body is to follow.
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

/// Returns the header block of a request.
pub(super) fn request(method: &str, path: &str) -> Vec<u8> {
    [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect()
}

/// Returns a header field as a literal that is not to be remembered.
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    [&[0], &text(name)[..], &text(value)].concat()
}

/// A text that is not compressed, of at most 16,000 bytes.
pub(super) fn text(text: &str) -> Vec<u8> {
    let mut encoded = match u8::try_from(text.len()) {
        Ok(length @ ..127) => vec![length],
        _ => {
            let rest = text.len() - 127;
            vec![127, 0x80 | (rest % 128) as u8, (rest / 128) as u8]
        }
    };
    encoded.extend(text.as_bytes());
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_are_written() {
        let bytes = [frame(GOAWAY, 0, 0, [0, 0, 0, 1, 0, 0, 0, 11]), reset(7), vec![0; 3]].concat();
        let (first, length) = Frame::parse(&bytes).expect("a frame");
        assert_eq!((first.kind, first.code()), (GOAWAY, Some("ENHANCE_YOUR_CALM")));
        let (second, length_2) = Frame::parse(&bytes[length..]).expect("a frame");
        assert_eq!((second.stream, second.code()), (7, Some("CANCEL")));
        assert_eq!(Frame::parse(&bytes[length + length_2..]), None);
    }

    #[test]
    fn the_status_is_found_in_a_header_block() {
        let status = |block: &[u8]| Frame { kind: HEADERS, flags: 0, stream: 1, payload: block.to_vec() }.status();
        assert_eq!(status(&[0x88, 0x5F]), Some(200));
        assert_eq!(status(&[0x20, 0x8D]), Some(404));
        assert_eq!(status(&[0x48, 0x83, 0x69, 0x90, 0xFF]), Some(431));
        assert_eq!(status(&[]), None);
    }
}
