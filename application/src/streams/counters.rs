//! What have the streams of one kind carried, how long did their clients wait, and why did they end?

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::ids::UserId;

use crate::delivery::line::Coding;
use crate::histogram::{DELIVERY_MICROSECONDS, Histogram, HistogramCounts};

/// What all streams of one kind have carried.
#[derive(Debug)]
pub(super) struct KindCounters {
    sent: SentCounters,
    opened: [AtomicU64; Coding::ALL.len()],
    ended: [AtomicU64; EndReason::ALL.len()],
    first_lines: Histogram,
    changes: Histogram,
}

/// Every delivery increments these counters, so those of each kind are on their own cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct SentCounters {
    lines: AtomicU64,
    bytes: AtomicU64,
    text_bytes: AtomicU64,
    open: AtomicU64,
}

/// Totals of one kind of stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamTotals {
    /// How many are open.
    pub open: u64,
    /// How many lines were sent since startup, keep-alives included.
    pub lines: u64,
    /// How many bytes were handed to the transport since startup, after compression.
    pub bytes: u64,
    /// How many bytes of text these were before compression.
    pub text_bytes: u64,
    /// How many streams were opened since startup, in the order of [`Coding::ALL`].
    pub opened: [u64; Coding::ALL.len()],
    /// How many streams ended since startup, in the order of [`EndReason::ALL`].
    pub ended: [u64; EndReason::ALL.len()],
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Its client left, or the connection was lost.
    ByClient,
    /// The service is stopping.
    Stopping,
    /// Its session ended, or may no longer have it.
    Session,
    /// Its client did not read for too long.
    TooSlow,
    /// It carried as much text as one stream may.
    Length,
    /// Messages for its listener may have been lost, or too many waited for it.
    LostMessages,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::ByClient, Self::Stopping, Self::Session, Self::TooSlow, Self::Length, Self::LostMessages];
}

/// Who has streams open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// How many users, each counted once.
    pub known: usize,
    /// How many streams of nobody in particular.
    pub anonymous_streams: usize,
}

impl Users {
    /// Counts the users of these streams.
    pub(super) fn of(users: impl Iterator<Item = Option<UserId>>) -> Self {
        let (mut known, mut anonymous_streams) = (BTreeSet::new(), 0);
        for user in users {
            match user {
                Some(user) => drop(known.insert(user)),
                None => anonymous_streams += 1,
            }
        }
        Self { known: known.len(), anonymous_streams }
    }
}

impl Default for KindCounters {
    fn default() -> Self {
        Self {
            sent: SentCounters::default(),
            opened: Default::default(),
            ended: Default::default(),
            first_lines: Histogram::new(DELIVERY_MICROSECONDS),
            changes: Histogram::new(DELIVERY_MICROSECONDS),
        }
    }
}

impl KindCounters {
    pub(super) fn entered(&self) {
        self.sent.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn encoded(&self, coding: Coding) {
        self.opened[coding as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn sent(&self, bytes: u64, text_bytes: u64, ends_line: bool) {
        self.sent.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.sent.text_bytes.fetch_add(text_bytes, Ordering::Relaxed);
        if ends_line {
            self.sent.lines.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn waited(&self, microseconds: u64, for_first_line: bool) {
        let histogram = if for_first_line { &self.first_lines } else { &self.changes };
        histogram.count(microseconds);
    }

    pub(super) fn left(&self, reason: EndReason) {
        self.sent.open.fetch_sub(1, Ordering::Relaxed);
        self.ended[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn totals(&self) -> StreamTotals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StreamTotals {
            open: read(&self.sent.open),
            lines: read(&self.sent.lines),
            bytes: read(&self.sent.bytes),
            text_bytes: read(&self.sent.text_bytes),
            opened: self.opened.each_ref().map(read),
            ended: self.ended.each_ref().map(read),
        }
    }

    /// For first lines, and for changes.
    pub(super) fn waits(&self) -> [HistogramCounts; 2] {
        [self.first_lines.counts(), self.changes.counts()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_with_several_streams_is_counted_once() {
        let users = [Some(UserId(5)), None, Some(UserId(5)), Some(UserId(6)), None];
        assert_eq!(Users::of(users.into_iter()), Users { known: 2, anonymous_streams: 2 });
    }

    #[test]
    fn every_reason_and_coding_has_its_own_counter() {
        assert!(EndReason::ALL.iter().enumerate().all(|(index, reason)| *reason as usize == index));
        assert!(Coding::ALL.iter().enumerate().all(|(index, coding)| *coding as usize == index));
    }
}
