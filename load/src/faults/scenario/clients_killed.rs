//! Redis drops all connections, again and again.

use super::super::trial::Trial;
use crate::error::LoadError;

/// How often, and the pause in between, in seconds.
const TIMES: usize = 10;
const PAUSE_SECONDS: f64 = 1.0;

/// Drops the connections of all clients of Redis.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    for _ in 0..TIMES {
        trial.primary().run::<u64>(&["CLIENT", "KILL", "TYPE", "normal"]).await?;
        trial.wait(PAUSE_SECONDS).await;
    }
    Ok(())
}
