//! What is on its way to the client?
//!
//! Frames are handed to the transport as they are, many with one write, and without a copy of what they carry.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::frame::{END_HEADERS, END_STREAM, HEAD_BYTES, Head, Kind, PAYLOAD_BYTES_MAX};
use super::hpack;
use crate::http::limits::WRITE_PARTS_MAX;

/// How long the frames are that are sent as one part, in bytes: all with a payload of at most 8.
const SHORT_BYTES_MAX: usize = HEAD_BYTES + 8;

/// Frames that were not written yet.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    parts: VecDeque<Part>,
    /// Of the first part, written already.
    written: usize,
    /// In all parts.
    bytes: usize,
    is_unflushed: bool,
    /// A header block was sent, or is to be.
    has_block: bool,
}

#[derive(Debug)]
enum Part {
    /// A head, or a whole frame that is short.
    Short {
        bytes: [u8; SHORT_BYTES_MAX],
        length: u8,
    },
    Bytes(Bytes),
}

impl Part {
    fn short(head: Head, payload: &[u8]) -> Self {
        let mut bytes = [0; SHORT_BYTES_MAX];
        bytes[..HEAD_BYTES].copy_from_slice(&head.bytes());
        let length = HEAD_BYTES + payload.len();
        bytes[HEAD_BYTES..length].copy_from_slice(payload);
        Self::Short { bytes, length: length as u8 }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Short { bytes, length } => &bytes[..usize::from(*length)],
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// A DATA frame that is being filled.
pub(super) struct DataFrame<'o> {
    outgoing: &'o mut Outgoing,
    /// Where its head goes.
    head: usize,
    length: usize,
}

impl Outgoing {
    /// How many bytes wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A whole frame.
    pub(super) fn push(&mut self, kind: Kind, flags: u8, stream: u32, payload: &[u8]) {
        let head = Head { length: payload.len(), kind, flags, stream };
        if payload.len() <= SHORT_BYTES_MAX - HEAD_BYTES {
            self.push_part(Part::short(head, payload));
        } else {
            self.push_part(Part::short(head, &[]));
            self.push_part(Part::Bytes(Bytes::copy_from_slice(payload)));
        }
    }

    /// A header block, in as many frames as it needs.
    pub(super) fn push_block(&mut self, stream: u32, mut block: Vec<u8>, ends_stream: bool) {
        if !std::mem::replace(&mut self.has_block, true) {
            // The client may want the table to be smaller than it is at first, and must then be told that it is (RFC 7541,
            // section 4.2). Nothing is ever entered, so it may be as small as there is, once and for all.
            block.insert(0, hpack::TABLE_OF_NOTHING);
        }
        let mut kind = Kind::Headers;
        let mut flags = if ends_stream { END_STREAM } else { 0 };
        let mut rest = &*block;
        while rest.len() > PAYLOAD_BYTES_MAX {
            let (part, after) = rest.split_at(PAYLOAD_BYTES_MAX);
            self.push(kind, flags, stream, part);
            (kind, flags, rest) = (Kind::Continuation, 0, after);
        }
        self.push(kind, flags | END_HEADERS, stream, rest);
    }

    /// A DATA frame; nothing of it is sent until it is ended.
    pub(super) fn begin_data(&mut self) -> DataFrame<'_> {
        let head = self.parts.len();
        self.parts.push_back(Part::Bytes(Bytes::new()));
        DataFrame { outgoing: self, head, length: 0 }
    }

    fn push_part(&mut self, part: Part) {
        self.bytes += part.as_slice().len();
        self.parts.push_back(part);
    }

    /// Ready when everything is written and flushed.
    pub(super) fn poll_send<Io>(&mut self, mut io: Pin<&mut Io>, context: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        Io: AsyncWrite,
    {
        while !self.parts.is_empty() {
            self.is_unflushed = true;
            let mut slices = [IoSlice::new(&[]); WRITE_PARTS_MAX];
            let mut count = 0;
            let mut written = self.written;
            for (slice, part) in slices.iter_mut().zip(&self.parts) {
                *slice = IoSlice::new(&part.as_slice()[written..]);
                written = 0;
                count += 1;
            }
            match ready!(io.as_mut().poll_write_vectored(context, &slices[..count]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.advance(count),
            }
        }
        if self.is_unflushed {
            ready!(io.poll_flush(context))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, count: usize) {
        self.bytes -= count;
        self.written += count;
        while let Some(part) = self.parts.front() {
            let length = part.as_slice().len();
            if self.written < length {
                return;
            }
            self.written -= length;
            self.parts.pop_front();
        }
        // A connection that waits keeps no memory for what it sent.
        self.parts = VecDeque::new();
    }
}

impl DataFrame<'_> {
    /// How many bytes it carries so far.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Carries this too.
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.length += bytes.len();
        self.outgoing.push_part(Part::Bytes(bytes));
    }

    /// The frame is complete. One that carries nothing and means nothing is not sent.
    pub(super) fn end(self, stream: u32, flags: u8) {
        if self.length == 0 && flags == 0 {
            self.outgoing.parts.pop_back();
            return;
        }
        let head = Head { length: self.length, kind: Kind::Data, flags, stream };
        self.outgoing.parts[self.head] = Part::short(head, &[]);
        self.outgoing.bytes += HEAD_BYTES;
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes so many bytes a write, and then no more; counts the writes.
    #[derive(Default)]
    struct Transport {
        taken: Vec<u8>,
        room: usize,
        writes: usize,
        flushes: usize,
    }

    impl AsyncWrite for Transport {
        fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(context, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(self.room).collect();
            if bytes.is_empty() {
                return Poll::Pending;
            }
            self.room -= bytes.len();
            self.writes += 1;
            self.taken.extend(&bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushes += 1;
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn poll(outgoing: &mut Outgoing, transport: &mut Transport) -> Poll<io::Result<()>> {
        outgoing.poll_send(Pin::new(transport), &mut Context::from_waker(Waker::noop()))
    }

    /// A short frame, a long one, DATA, and DATA that carries nothing, with the bytes that they are.
    fn frames() -> (Outgoing, Vec<u8>) {
        let mut outgoing = Outgoing::default();
        outgoing.push(Kind::Ping, 1, 0, b"12345678");
        outgoing.push(Kind::Headers, 4, 3, b"more than eight");
        let mut data = outgoing.begin_data();
        data.push(Bytes::from_static(b"two "));
        data.push(Bytes::from_static(b"parts"));
        assert_eq!(data.length(), 9);
        data.end(3, 0);
        outgoing.begin_data().end(3, 0);
        outgoing.begin_data().end(5, 1);
        let expected = [
            &b"\x00\x00\x08\x06\x01\x00\x00\x00\x0012345678"[..],
            b"\x00\x00\x0f\x01\x04\x00\x00\x00\x03more than eight",
            b"\x00\x00\x09\x00\x00\x00\x00\x00\x03two parts",
            b"\x00\x00\x00\x00\x01\x00\x00\x00\x05",
        ];
        (outgoing, expected.concat())
    }

    #[test]
    fn many_frames_are_one_write() {
        let (mut outgoing, expected) = frames();
        assert_eq!(outgoing.bytes(), expected.len());
        let mut transport = Transport { room: 1_000, ..Transport::default() };
        assert!(poll(&mut outgoing, &mut transport).is_ready());
        assert!(poll(&mut outgoing, &mut transport).is_ready());
        assert_eq!((transport.taken, transport.writes, transport.flushes), (expected, 1, 1));
        assert_eq!((outgoing.bytes(), outgoing.parts.capacity()), (0, 0));
    }

    #[test]
    fn a_transport_may_take_any_part_of_it() {
        for room in 1..80 {
            let (mut outgoing, expected) = frames();
            let mut transport = Transport::default();
            while transport.taken.len() < expected.len() {
                assert!(poll(&mut outgoing, &mut transport).is_pending());
                assert_eq!(outgoing.bytes(), expected.len() - transport.taken.len());
                transport.room = room;
                let _ = poll(&mut outgoing, &mut transport);
            }
            assert!(poll(&mut outgoing, &mut transport).is_ready());
            assert_eq!(transport.taken, expected);
        }
    }

    #[test]
    fn more_parts_than_fit_into_one_write_are_several() {
        let mut outgoing = Outgoing::default();
        let mut data = outgoing.begin_data();
        for _ in 0..WRITE_PARTS_MAX {
            data.push(Bytes::from_static(b"."));
        }
        data.end(1, 0);
        let mut transport = Transport { room: 1_000, ..Transport::default() };
        assert!(poll(&mut outgoing, &mut transport).is_ready());
        assert_eq!((transport.taken.len(), transport.writes), (HEAD_BYTES + WRITE_PARTS_MAX, 2));
    }
}
