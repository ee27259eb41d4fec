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
    /// Keeps the applause with `server`.
    #[must_use]
    pub fn new(server: &MemoryServer) -> Self {
        Self { server: server.clone() }
    }
}

#[async_trait]
impl ApplauseStore for MemoryApplauseStore {
    async fn applaud(&self, user: UserId, unix_seconds: u64) -> Result<(), Unavailable> {
        self.server.state()?.applause.insert(user, unix_seconds);
        Ok(())
    }

    async fn count_since(&self, since_unix_seconds: u64) -> Result<u64, Unavailable> {
        let state = self.server.state()?;
        Ok(state.applause.values().filter(|unix_seconds| **unix_seconds >= since_unix_seconds).count() as u64)
    }

    async fn forget_before(&self, unix_seconds: u64) -> Result<(), Unavailable> {
        self.server.state()?.applause.retain(|_, last| *last >= unix_seconds);
        Ok(())
    }
}
