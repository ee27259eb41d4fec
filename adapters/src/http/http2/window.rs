//! How much may be sent, and how much may the client send? (RFC 9113, section 5.2)

use super::settings::{WINDOW_BYTES, WINDOW_BYTES_MAX};

/// How much the client takes, of one stream or of all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SendWindow {
    /// Negative after the client made the windows of streams smaller than what is on its way already.
    bytes: i64,
}

impl SendWindow {
    pub(super) fn new(bytes: u32) -> Self {
        Self { bytes: bytes.into() }
    }

    /// How many bytes may be sent.
    pub(super) fn room(self) -> usize {
        usize::try_from(self.bytes).unwrap_or(0)
    }

    /// So many bytes were sent, not more than there was room for.
    pub(super) fn sent(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.room());
        self.bytes -= bytes as i64;
    }

    /// The client takes so many more bytes, or fewer. False: the window is larger than a window may be.
    #[must_use]
    pub(super) fn grow(&mut self, bytes: i64) -> bool {
        self.bytes += bytes;
        self.bytes <= WINDOW_BYTES_MAX.into()
    }
}

/// How much the client may still send, of one stream or of all together: as much as has been read of what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReceiveWindow {
    bytes: u32,
    /// Read, and not yet told.
    read: u32,
}

impl ReceiveWindow {
    pub(super) const fn new() -> Self {
        Self { bytes: WINDOW_BYTES, read: 0 }
    }

    /// So many bytes came. False: more than the client may send.
    #[must_use]
    pub(super) fn received(&mut self, bytes: usize) -> bool {
        match u32::try_from(bytes).ok().and_then(|bytes| self.bytes.checked_sub(bytes)) {
            Some(left) => self.bytes = left,
            None => return false,
        }
        true
    }

    /// So many bytes that came were read. By how much the client is to be told that the window grows, if that is worth a
    /// frame.
    pub(super) fn read(&mut self, bytes: usize) -> Option<u32> {
        // What came fits into a window.
        self.read += bytes as u32;
        if self.read < WINDOW_BYTES / 2 {
            return None;
        }
        self.bytes += self.read;
        Some(std::mem::take(&mut self.read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_sent_can_be_less_than_nothing() {
        let mut window = SendWindow::new(100);
        window.sent(100);
        assert!(window.grow(-50));
        assert_eq!(window.room(), 0);
        assert!(window.grow(60));
        assert_eq!(window.room(), 10);
        assert!(window.grow(i64::from(WINDOW_BYTES_MAX) - 10));
        assert!(!window.grow(1));
    }

    #[test]
    fn what_was_read_may_be_sent_again() {
        let mut window = ReceiveWindow::new();
        assert!(window.received(65_000) && !window.received(536) && window.received(535));
        assert_eq!(window.read(32_766), None);
        assert_eq!(window.read(1), Some(32_767));
        assert!(!window.received(32_768) && window.received(32_767));
        assert_eq!(window.read(65_535), Some(65_535));
    }
}
