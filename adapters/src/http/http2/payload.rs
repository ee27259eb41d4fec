//! What does one DATA frame carry?

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Parts of a body that travel in one frame, as they are: nothing is copied.
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

    /// Takes the first `count` bytes away, or everything.
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
