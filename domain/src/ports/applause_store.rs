//! Who applauded when? (spec: notify.md, Applause)

use async_trait::async_trait;

use super::Unavailable;
use crate::ids::UserId;

/// The last applause of every user, shared by all instances.
///
/// A user has one entry: the time of the newest applause. Every call MUST end in bounded time.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ApplauseStore: Send + Sync {
    /// Notes that `user` applauded at `unix_seconds`; it counts once this returns.
    async fn applaud(&self, user: UserId, unix_seconds: u64) -> Result<(), Unavailable>;

    /// How many users applauded at `since_unix_seconds` or later.
    async fn count_since(&self, since_unix_seconds: u64) -> Result<u64, Unavailable>;

    /// Forgets who applauded before `unix_seconds` and not since.
    async fn forget_before(&self, unix_seconds: u64) -> Result<(), Unavailable>;
}
