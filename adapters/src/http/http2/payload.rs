//! What does one DATA frame carry?

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Parts of a body that travel in one frame, without being copied.
#[derive(Debug, Default)]
pub(super) struct Payload {
    parts: VecDeque<Bytes>,
    remaining: usize,
}

impl Payload {
    pub(super) fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    pub(super) fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.remaining += part.len();
            self.parts.push_back(part);
        }
    }

    /// Splits off the first `count` bytes, or everything.
    pub(super) fn split_to(&mut self, count: usize) -> Self {
        if count >= self.remaining {
            return std::mem::take(self);
        }
        let mut first = Self::default();
        while let Some(part) = self.parts.front_mut()
            && first.remaining < count
        {
            let length = part.len().min(count - first.remaining);
            first.push(part.split_to(length));
            if part.is_empty() {
                self.parts.pop_front();
            }
        }
        self.remaining -= first.remaining;
        first
    }
}

impl Buf for Payload {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.parts.front().map_or(&[], |part| part)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.iter_mut().zip(&self.parts).map(|(slice, part)| *slice = IoSlice::new(part));
        filled.count()
    }

    fn advance(&mut self, mut count: usize) {
        self.remaining -= count;
        while let Some(part) = self.parts.front_mut() {
            if count < part.len() {
                part.advance(count);
                return;
            }
            count -= part.len();
            self.parts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts the parts in and takes them out in steps of this many bytes, each written a few bytes at a time.
    #[track_caller]
    fn check(parts: &[&'static str], step: usize, written: usize) {
        let mut payload = Payload::default();
        for part in parts {
            payload.push(Bytes::from_static(part.as_bytes()));
        }
        let mut received = Vec::new();
        while !payload.is_empty() {
            let left = payload.remaining();
            let mut first = payload.split_to(step);
            assert_eq!((first.remaining(), payload.remaining()), (step.min(left), left.saturating_sub(step)));
            while first.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 2];
                let count = first.chunks_vectored(&mut slices);
                assert!(count > 0 && first.chunk() == &*slices[0]);
                let bytes: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).take(written).collect();
                received.extend_from_slice(&bytes);
                first.advance(bytes.len());
            }
            assert_eq!(first.chunk(), b"");
        }
        assert_eq!(received, parts.concat().as_bytes(), "{parts:?} in steps of {step}, {written} at a time");
    }

    #[test]
    fn parts_come_out_in_order() {
        for parts in [&[][..], &["one"], &["a", "", "bcd", "e", "fghi"]] {
            for step in [1, 2, 3, 5, 100] {
                for written in [1, 2, 4, 100] {
                    check(parts, step, written);
                }
            }
        }
    }
}
