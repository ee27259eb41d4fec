//! What does an attack cost the service, and does it come back?

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::LoadError;
use crate::process::Process;

/// How many descriptors more than before may be left: the canary opens and closes some.
const DESCRIPTORS_LEFT_MAX: u64 = 8;

/// How much more memory than before may be left, in kB. The allocator keeps some for the next time, and caches fill
/// up; what leaks grows with each attack.
const MEMORY_LEFT_KB_MAX: u64 = 64 * 1024;

/// How long the service may take until everything of an attack is gone.
const SETTLE_SECONDS_MAX: u64 = 60;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// What the service has at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// CPU time so far, in microseconds.
    pub cpu_micros: u64,
    /// Resident memory, in kB.
    pub memory_kb: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

impl Reading {
    /// Reads what `process` has now.
    ///
    /// # Errors
    /// The process is gone.
    pub fn of(process: Process) -> Result<Self, LoadError> {
        Ok(Self {
            cpu_micros: process.cpu_micros()?,
            memory_kb: process.memory()?.resident_kb,
            descriptors: process.descriptors()?,
        })
    }

    /// Returns what is left of an attack that began at `before`, if it is too much.
    #[must_use]
    pub fn left_since(&self, before: &Self) -> Option<String> {
        let descriptors = self.descriptors.saturating_sub(before.descriptors);
        let memory_kb = self.memory_kb.saturating_sub(before.memory_kb);
        match (descriptors > DESCRIPTORS_LEFT_MAX, memory_kb > MEMORY_LEFT_KB_MAX) {
            (true, _) => Some(format!("{descriptors} descriptors are left")),
            (_, true) => Some(format!("{} MB of memory are left", memory_kb / 1024)),
            (false, false) => None,
        }
    }
}

/// Keeps the highest values until it is aborted.
pub(super) async fn watch(process: Process, highest: &std::sync::Mutex<Reading>) {
    loop {
        if let Ok(now) = Reading::of(process) {
            let mut highest = highest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            highest.memory_kb = highest.memory_kb.max(now.memory_kb);
            highest.descriptors = highest.descriptors.max(now.descriptors);
        }
        sleep(PAUSE).await;
    }
}

/// Waits until nothing of an attack is left, or too long; returns what the service has then.
///
/// # Errors
/// The process is gone.
pub(crate) async fn settled(process: Process, before: &Reading) -> Result<Reading, LoadError> {
    let begin = Instant::now();
    loop {
        let now = Reading::of(process)?;
        if now.left_since(before).is_none() || begin.elapsed() > Duration::from_secs(SETTLE_SECONDS_MAX) {
            return Ok(now);
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_too_much_at_some_point() {
        let before = Reading { cpu_micros: 0, memory_kb: 50_000, descriptors: 20 };
        let left = |memory_kb, descriptors| Reading { cpu_micros: 9, memory_kb, descriptors }.left_since(&before);
        assert_eq!(left(40_000, 20), None);
        assert_eq!(left(100_000, 28), None);
        assert_eq!(left(50_000, 29), Some("9 descriptors are left".to_owned()));
        assert_eq!(left(150_000, 20), Some("97 MB of memory are left".to_owned()));
    }
}
