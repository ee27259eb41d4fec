//! How is applause kept in Redis? (spec: notify.md#applause-clock)

use async_trait::async_trait;
use domain::ids::UserId;
use domain::ports::Unavailable;
use domain::ports::applause_store::ApplauseStore;

use super::Redis;
use super::link::RedisLink;

/// The sorted set of who applauded when.
const APPLAUSE_KEY: &str = "applause";

/// The applause in Redis, always at the write address, so that no instance counts outdated data.
///
/// It is timed by the clock there, which is asked first, so that the clocks of the instances do not matter. (A script
/// could do both at once; but then the service's user would need the right to run scripts.)
#[derive(Clone, Debug)]
pub struct RedisApplauseStore {
    link: RedisLink,
}

impl RedisApplauseStore {
    /// Reads and writes over these connections.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { link: redis.write.clone() }
    }

    /// Returns the clock of Redis, in Unix seconds.
    async fn now(&self, what: &str) -> Result<u64, Unavailable> {
        let mut commands = redis::pipe();
        commands.cmd("TIME");
        let ((seconds, _microseconds),): ((u64, u64),) = self.link.ask(what, &commands).await?;
        Ok(seconds)
    }
}

#[async_trait]
impl ApplauseStore for RedisApplauseStore {
    async fn applaud(&self, user: UserId) -> Result<(), Unavailable> {
        let what = "noting applause";
        let now = self.now(what).await?;
        let mut commands = redis::pipe();
        commands.zadd(APPLAUSE_KEY, user.0, now).ignore();
        self.link.ask(what, &commands).await
    }

    async fn count_within(&self, seconds: u64) -> Result<u64, Unavailable> {
        let what = "counting applause";
        let since = self.now(what).await?.saturating_sub(seconds);
        let mut commands = redis::pipe();
        // Without an upper bound: somebody may have applauded since the clock was asked.
        commands.zcount(APPLAUSE_KEY, since, "+inf");
        let (count,) = self.link.ask(what, &commands).await?;
        Ok(count)
    }

    async fn forget_older_than(&self, seconds: u64) -> Result<(), Unavailable> {
        let what = "forgetting old applause";
        let before = self.now(what).await?.saturating_sub(seconds);
        let mut commands = redis::pipe();
        commands.zrembyscore(APPLAUSE_KEY, "-inf", format!("({before}")).ignore();
        self.link.ask(what, &commands).await
    }
}
