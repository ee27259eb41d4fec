//! How do frames look on the wire? (RFC 9113, sections 4, 6 and 7)

/// How long the head of every frame is, in bytes.
pub(super) const HEAD_BYTES: usize = 9;

/// How much a frame carries at most, in bytes: the least that every peer must take, and what it takes unless it says
/// otherwise. Neither side needs more here.
pub(super) const PAYLOAD_BYTES_MAX: usize = 16 * 1024;

/// What every client begins with.
pub(crate) const PREFACE: [u8; 24] = *b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The highest id that a stream can have.
pub(super) const STREAM_MAX: u32 = 0x7fff_ffff;

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    ResetStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// One of an extension; to be ignored.
    Unknown,
}

/// The order of [`Kind`] is that of the numbers on the wire, from 0.
const KINDS: [Kind; 10] = [
    Kind::Data,
    Kind::Headers,
    Kind::Priority,
    Kind::ResetStream,
    Kind::Settings,
    Kind::PushPromise,
    Kind::Ping,
    Kind::GoAway,
    Kind::WindowUpdate,
    Kind::Continuation,
];

/// Of DATA and HEADERS: nothing more comes on this stream.
pub(super) const END_STREAM: u8 = 0x1;
/// Of SETTINGS and PING: the answer to one.
pub(super) const ACK: u8 = 0x1;
/// Of HEADERS and CONTINUATION: the header block is complete.
pub(super) const END_HEADERS: u8 = 0x4;
/// Of DATA and HEADERS: the first byte says how many at the end mean nothing.
pub(super) const PADDED: u8 = 0x8;
/// Of HEADERS: five bytes of priority come first.
pub(super) const PRIORITY: u8 = 0x20;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// How many bytes follow.
    pub(super) length: usize,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    /// 0: the connection.
    pub(super) stream: u32,
}

impl Head {
    /// The head that the bytes begin with; `None`: it is not complete.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = bytes.first_chunk::<HEAD_BYTES>()?;
        Some(Self {
            length: u32::from_be_bytes([0, *a, *b, *c]) as usize,
            kind: KINDS.get(usize::from(*kind)).copied().unwrap_or(Kind::Unknown),
            flags: *flags,
            stream: read_u31(stream),
        })
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// As it is sent.
    pub(super) fn bytes(&self) -> [u8; HEAD_BYTES] {
        debug_assert!(self.kind != Kind::Unknown && self.length <= PAYLOAD_BYTES_MAX);
        let [_, a, b, c] = (self.length as u32).to_be_bytes();
        let [d, e, f, g] = self.stream.to_be_bytes();
        [a, b, c, self.kind as u8, self.flags, d, e, f, g]
    }
}

/// A number of 31 bits; the first bit means nothing.
pub(super) fn read_u31(bytes: &[u8; 4]) -> u32 {
    u32::from_be_bytes(*bytes) & STREAM_MAX
}

/// Why a stream or a connection ends (RFC 9113, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    NoError = 0x0,
    ProtocolError = 0x1,
    InternalError = 0x2,
    FlowControlError = 0x3,
    StreamClosed = 0x5,
    FrameSizeError = 0x6,
    RefusedStream = 0x7,
    Cancel = 0x8,
    CompressionError = 0x9,
    EnhanceYourCalm = 0xb,
}

/// What the client did that ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client broke HTTP/2: {what} ({code:?})")]
pub(crate) struct Violation {
    pub(super) code: ErrorCode,
    pub(super) what: &'static str,
}

impl Violation {
    pub(super) const fn new(code: ErrorCode, what: &'static str) -> Self {
        Self { code, what }
    }

    pub(super) const fn protocol(what: &'static str) -> Self {
        Self::new(ErrorCode::ProtocolError, what)
    }

    pub(super) const fn size(what: &'static str) -> Self {
        Self::new(ErrorCode::FrameSizeError, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_written_as_they_are_read() {
        let bytes = [0x00, 0x40, 0x00, 0x01, 0x25, 0x7f, 0x00, 0x01, 0x03];
        let head = Head { length: 16_384, kind: Kind::Headers, flags: 0x25, stream: 0x7f00_0103 };
        assert_eq!(Head::read(&bytes), Some(head));
        assert_eq!(head.bytes(), bytes);
        assert!(head.has(END_HEADERS) && head.has(PRIORITY) && !head.has(PADDED));
        assert_eq!(Head::read(&bytes[..8]), None);
    }

    #[test]
    fn kinds_have_their_numbers() {
        for (number, kind) in (0..).zip(KINDS) {
            assert_eq!(kind as u8, number);
            let head = Head::read(&[0, 0, 0, number, 0, 0x80, 0, 0, 0]).expect("complete");
            assert_eq!((head.kind, head.stream), (kind, 0), "the reserved bit means nothing");
        }
        assert_eq!(Head::read(&[0, 0, 0, 0x0a, 0, 0, 0, 0, 0]).map(|head| head.kind), Some(Kind::Unknown));
    }
}
