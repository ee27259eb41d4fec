//! How is applause kept in Redis? (spec: notify.md, Applause)

use async_trait::async_trait;
use domain::ids::UserId;
use domain::ports::Unavailable;
use domain::ports::applause_store::ApplauseStore;

use super::Redis;
use super::link::Link;

/// The sorted set of who applauded when.
const APPLAUSE_KEY: &str = "applause";

/// The applause in Redis, all of it at the write address, so that no instance counts what lags behind.
#[derive(Clone, Debug)]
pub struct RedisApplauseStore {
    link: Link,
}

impl RedisApplauseStore {
    /// Reads and writes over these connections.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { link: redis.write.clone() }
    }
}

#[async_trait]
impl ApplauseStore for RedisApplauseStore {
    async fn applaud(&self, user: UserId, unix_seconds: u64) -> Result<(), Unavailable> {
        let mut commands = redis::pipe();
        commands.zadd(APPLAUSE_KEY, user.0, unix_seconds).ignore();
        self.link.ask("noting applause", &commands).await
    }

    async fn count_since(&self, since_unix_seconds: u64) -> Result<u64, Unavailable> {
        let mut commands = redis::pipe();
        commands.zcount(APPLAUSE_KEY, since_unix_seconds, "+inf");
        let (count,) = self.link.ask("counting applause", &commands).await?;
        Ok(count)
    }

    async fn forget_before(&self, unix_seconds: u64) -> Result<(), Unavailable> {
        let mut commands = redis::pipe();
        commands.zrembyscore(APPLAUSE_KEY, "-inf", format!("({unix_seconds}")).ignore();
        self.link.ask("forgetting old applause", &commands).await
    }
}
