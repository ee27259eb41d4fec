//! When did something happen? In microseconds since the program began, the same clock for sender and receivers.

use std::sync::OnceLock;
use std::time::Instant;

/// Microseconds since the first call in this process.
#[must_use]
pub fn now_micros() -> u64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed().as_micros() as u64
}
