//! Which streams of a connection have something to do?
//!
//! A connection may carry hundreds of streams. Each has a waker of its own, so that only those that woke are asked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// The streams of a connection that woke, in the order in which they did.
#[derive(Debug, Default)]
pub(super) struct Ready {
    streams: Mutex<VecDeque<u32>>,
    connection: AtomicWaker,
}

impl Ready {
    /// Wakes `waker` from now on.
    pub(super) fn register(&self, waker: &Waker) {
        self.connection.register(waker);
    }

    /// Those that woke since they were taken last.
    pub(super) fn take(&self) -> VecDeque<u32> {
        std::mem::take(&mut self.streams.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Wakes one stream of a connection.
#[derive(Debug)]
pub(super) struct StreamWaker {
    stream: u32,
    /// It woke, and was not looked at since.
    is_ready: AtomicBool,
    ready: Arc<Ready>,
}

impl StreamWaker {
    pub(super) fn new(stream: u32, ready: &Arc<Ready>) -> Arc<Self> {
        Arc::new(Self { stream, is_ready: AtomicBool::new(false), ready: Arc::clone(ready) })
    }

    /// The stream is being looked at: what comes from now on wakes it again.
    pub(super) fn looked_at(&self) {
        // Reads too: whoever did not wake it because it was ready has done everything before.
        self.is_ready.swap(false, Ordering::AcqRel);
    }

    /// The stream has more to do by itself. False: it woke since it was looked at, and is going to be taken anyway.
    pub(super) fn goes_on(&self) -> bool {
        !self.is_ready.swap(true, Ordering::AcqRel)
    }
}

impl Wake for StreamWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_ready.swap(true, Ordering::AcqRel) {
            self.ready.streams.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.stream);
            self.ready.connection.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_wakes_often_is_looked_at_once() {
        let ready = Arc::new(Ready::default());
        let (first, second) = (StreamWaker::new(1, &ready), StreamWaker::new(3, &ready));
        for _ in 0..2 {
            second.wake_by_ref();
            first.wake_by_ref();
            second.wake_by_ref();
            assert_eq!(ready.take(), [3, 1]);
            assert!(ready.take().is_empty());
            first.wake_by_ref();
            assert!(ready.take().is_empty(), "nobody has looked at it yet");
            first.looked_at();
            second.looked_at();
        }
        assert!(first.goes_on());
        first.wake_by_ref();
        assert!(ready.take().is_empty(), "it has its turn");
        first.looked_at();
        first.wake_by_ref();
        assert!(!first.goes_on());
        assert_eq!(ready.take(), [1]);
    }
}
