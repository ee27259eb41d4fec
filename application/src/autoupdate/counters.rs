//! With how much do autoupdate streams begin?

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts streams by what they begin with.
#[derive(Debug, Default)]
pub struct StartCounters([AtomicU64; StartKind::ALL.len()]);

/// What a stream begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartKind {
    /// Everything that the viewer sees.
    Everything,
    /// What changed since the client's change id.
    Difference,
    /// Nothing: nothing changed for the viewer.
    Nothing,
}

impl StartKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Everything, Self::Difference, Self::Nothing];
}

impl StartCounters {
    pub(super) fn begun(&self, kind: StartKind) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many streams have begun like this since startup.
    #[must_use]
    pub fn count(&self, kind: StartKind) -> u64 {
        self.0[kind as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_counter() {
        assert!(StartKind::ALL.iter().enumerate().all(|(index, kind)| *kind as usize == index));
    }
}
