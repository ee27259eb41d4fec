//! Which limits were met, how often, and what does the log say of it? (spec: http.md#fair-shares)

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::ports::clock::Clock;

use crate::once_a_minute::OnceAMinute;

/// A limit to what one client, or all of them, may have of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Connections of one address.
    ConnectionsPerAddress,
    /// Streams of everybody.
    Streams,
    /// Streams of one user.
    StreamsPerUser,
    /// Streams of one address.
    StreamsPerAddress,
    /// Messages of one user.
    SendsPerUser,
    /// Applause of one user.
    ClapsPerUser,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 6] = [
        Self::ConnectionsPerAddress,
        Self::Streams,
        Self::StreamsPerUser,
        Self::StreamsPerAddress,
        Self::SendsPerUser,
        Self::ClapsPerUser,
    ];

    /// Returns the variable that sets it.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::ConnectionsPerAddress => "CONNECTIONS_PER_ADDRESS_MAX",
            Self::Streams => "STREAMS_MAX",
            Self::StreamsPerUser => "STREAMS_PER_USER_MAX",
            Self::StreamsPerAddress => "STREAMS_PER_ADDRESS_MAX",
            Self::SendsPerUser => "SENDS_PER_MINUTE_MAX",
            Self::ClapsPerUser => "CLAPS_PER_MINUTE_MAX",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ConnectionsPerAddress => "Too many connections from one address",
            Self::Streams => "Too many streams are open, try again later",
            Self::StreamsPerUser => "Too many streams of one user are open, close some tabs",
            Self::StreamsPerAddress => "Too many streams of one address are open, try again later",
            Self::SendsPerUser => "Too many messages of one user, wait a moment",
            Self::ClapsPerUser => "Too much applause of one user, wait a moment",
        })
    }
}

/// Counts refusals by limit, and logs each kind at most once a minute.
#[derive(Debug)]
pub struct Refusals {
    counts: [AtomicU64; Limit::ALL.len()],
    logs: [OnceAMinute; Limit::ALL.len()],
}

impl Refusals {
    /// Creates the counters; nobody was refused anything yet.
    #[must_use]
    pub fn new(clock: &Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { counts: Default::default(), logs: Limit::ALL.map(|_| OnceAMinute::new(Arc::clone(clock))) })
    }

    /// Counts that `whom` (a user, an address) was refused something because of `limit`.
    pub fn refused(&self, limit: Limit, whom: &dyn fmt::Display) {
        self.counts[limit as usize].fetch_add(1, Ordering::Relaxed);
        if let Some(count) = self.logs[limit as usize].happened() {
            tracing::warn!(limit = limit.variable(), count, last = %whom, "refused clients beyond a limit");
        }
    }

    /// Returns how often each limit was met since startup.
    pub fn counts(&self) -> impl Iterator<Item = (Limit, u64)> {
        Limit::ALL.into_iter().zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::ManualClock;

    use super::*;

    #[test]
    fn every_limit_is_counted_by_itself() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(0));
        let refusals = Refusals::new(&clock);
        for (index, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, index);
            for _ in 0..=index {
                refusals.refused(limit, &"somebody");
            }
        }
        let counts: Vec<u64> = refusals.counts().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 2, 3, 4, 5, 6]);
    }
}
