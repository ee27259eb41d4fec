//! Redis is flushed, and filled by the server, with higher or with lower change ids than before.

use super::super::trial::Trial;
use crate::error::LoadError;

/// How far the new lowest change id is from the old one: further than ids rise meanwhile.
pub(super) const DISTANCE: u64 = 1_000_000;

/// For how long Redis is empty, in seconds.
const EMPTY_SECONDS: f64 = 3.0;

/// Flushes Redis, and fills it with ids from `lowest` on.
pub(super) async fn strike(trial: &mut Trial, lowest: u64) -> Result<(), LoadError> {
    // A server does not write changes into an empty cache.
    let mut server = trial.writer.pause().await;
    trial.primary().run::<()>(&["FLUSHALL"]).await?;
    trial.wait(EMPTY_SECONDS).await;
    server.rebuild(&trial.meeting, lowest).await
}
