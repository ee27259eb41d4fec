//! Who applauded when? (spec: notify.md#applause-clock)

use async_trait::async_trait;

use super::Unavailable;
use crate::ids::UserId;

/// The last applause of every user, shared by all instances.
///
/// A user has one entry: the time of the newest applause. That time comes from the clock of the store, in whole
/// seconds, and so does its age: instances whose own clocks differ MUST get the same counts. Every call MUST end in
/// bounded time.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ApplauseStore: Send + Sync {
    /// Records that `user` applauds now; it counts once this returns.
    async fn applaud(&self, user: UserId) -> Result<(), Unavailable>;

    /// Returns how many users applauded at most `seconds` ago.
    async fn count_within(&self, seconds: u64) -> Result<u64, Unavailable>;

    /// Forgets users whose last applause was more than `seconds` ago.
    async fn forget_older_than(&self, seconds: u64) -> Result<(), Unavailable>;
}
