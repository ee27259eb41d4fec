//! What did the server say?

use super::wire::{code, fields, flag, kind, status};

/// A frame as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The frame that `bytes` begin with, and its length, if it is there as a whole.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (head, rest) = bytes.split_first_chunk::<9>()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let payload = rest.get(..length)?.to_vec();
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some((Self { kind: head[3], flags: head[4], stream, payload }, 9 + length))
    }

    /// The last four bytes of the payload; of most frames that is all there is.
    pub(super) fn number(&self) -> u32 {
        self.payload.last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    pub(super) fn settings(&self) -> impl Iterator<Item = (u16, u32)> {
        self.payload.chunks(6).map(|setting| match *setting {
            [a, b, c, d, e, f] => (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f])),
            _ => panic!("a setting has six bytes"),
        })
    }
}

/// What the server said until it had nothing more to say.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) frames: Vec<Frame>,
    /// The server has ended the connection.
    pub(super) has_ended: bool,
}

/// How the server judged what a client did on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It saw nothing wrong.
    Fine,
    /// The stream was reset, with this code.
    Stream(u32),
    /// The request was answered with this status, which is not 200.
    Status(u16),
    /// The connection was ended, with this code.
    Connection(u32),
    /// The connection was ended without a word.
    Ended,
    /// It did something that no client can understand.
    Confused,
}

impl Heard {
    pub(super) fn append(&mut self, later: Self) {
        self.frames.extend(later.frames);
        self.has_ended |= later.has_ended;
    }

    /// The frames of a type, on a stream.
    pub(super) fn of(&self, kind: u8, stream: u32) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(move |frame| frame.kind == kind && frame.stream == stream)
    }

    pub(super) fn status(&self, stream: u32) -> Option<u16> {
        self.of(kind::HEADERS, stream).next().map(|frame| status(&frame.payload))
    }

    /// The fields of the response.
    pub(super) fn fields(&self, stream: u32) -> Vec<(String, String)> {
        fields(&self.of(kind::HEADERS, stream).next().expect("a response").payload)
    }

    pub(super) fn body(&self, stream: u32) -> Vec<u8> {
        self.of(kind::DATA, stream).flat_map(|frame| frame.payload.clone()).collect()
    }

    /// The lengths of the DATA frames, without an empty one that is only the end.
    pub(super) fn lengths(&self, stream: u32) -> Vec<usize> {
        self.of(kind::DATA, stream).map(|frame| frame.payload.len()).filter(|length| *length > 0).collect()
    }

    /// How much DATA there is.
    pub(super) fn length(&self, stream: u32) -> usize {
        self.lengths(stream).iter().sum()
    }

    /// Whether the response has ended as it should.
    pub(super) fn is_finished(&self, stream: u32) -> bool {
        [kind::HEADERS, kind::DATA]
            .iter()
            .any(|kind| self.of(*kind, stream).any(|frame| frame.flags & flag::END_STREAM != 0))
    }

    /// The code a stream was reset with. To say so after a whole response, with `NO_ERROR`, is not a failure: it only
    /// asks for no more of the request (section 8.1).
    pub(super) fn reset(&self, stream: u32) -> Option<u32> {
        let code = self.of(kind::RST_STREAM, stream).map(|frame| frame.number()).next()?;
        (code != code::NO_ERROR || !self.is_finished(stream)).then_some(code)
    }

    /// The code of the last GOAWAY.
    pub(super) fn goaway(&self) -> Option<u32> {
        let payload = &self.of(kind::GOAWAY, 0).last()?.payload;
        payload.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes)
    }

    /// How the server judged what was done on this stream.
    pub(super) fn outcome(&self, stream: u32) -> Outcome {
        match (self.goaway(), self.has_ended, self.reset(stream), self.status(stream)) {
            (Some(code), true, ..) => Outcome::Connection(code),
            (None, true, ..) => Outcome::Ended,
            // A connection that is said to be ended must be.
            (Some(_), false, ..) => Outcome::Confused,
            (None, false, Some(code), _) => Outcome::Stream(code),
            (None, false, None, None | Some(200)) => Outcome::Fine,
            (None, false, None, Some(status)) => Outcome::Status(status),
        }
    }

    /// Checks that the stream got the whole response `200` with this body.
    #[track_caller]
    pub(super) fn check_answered(&self, stream: u32, body: impl AsRef<[u8]>) {
        assert_eq!(self.status(stream), Some(200), "stream {stream}: {self:?}");
        assert!(self.body(stream) == body.as_ref(), "stream {stream}: {self:?}");
        assert!(self.is_finished(stream), "stream {stream}: {self:?}");
        assert_eq!(self.reset(stream), None, "stream {stream}: {self:?}");
    }
}
