//! How is applause kept in memory?

use async_trait::async_trait;
use domain::ids::UserId;
use domain::ports::Unavailable;
use domain::ports::applause_store::ApplauseStore;

use super::MemoryServer;

/// The applause of a [`MemoryServer`].
#[derive(Clone, Debug)]
pub struct MemoryApplauseStore {
    server: MemoryServer,
}

impl MemoryApplauseStore {
    /// Keeps the applause in `server`.
    #[must_use]
    pub fn new(server: &MemoryServer) -> Self {
        Self { server: server.clone() }
    }
}

#[async_trait]
impl ApplauseStore for MemoryApplauseStore {
    async fn applaud(&self, user: UserId) -> Result<(), Unavailable> {
        let mut state = self.server.state()?;
        let now = state.clock.seconds();
        state.applause.insert(user, now);
        Ok(())
    }

    async fn count_within(&self, seconds: u64) -> Result<u64, Unavailable> {
        let state = self.server.state()?;
        let since = state.clock.seconds().saturating_sub(seconds);
        Ok(state.applause.values().filter(|last| **last >= since).count() as u64)
    }

    async fn forget_older_than(&self, seconds: u64) -> Result<(), Unavailable> {
        let mut state = self.server.state()?;
        let before = state.clock.seconds().saturating_sub(seconds);
        state.applause.retain(|_, last| *last >= before);
        Ok(())
    }
}
