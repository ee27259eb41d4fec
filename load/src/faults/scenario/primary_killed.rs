//! The primary is killed; three sentinels promote its replica. Later it returns, as a replica.

use super::super::trial::Trial;
use crate::error::LoadError;

/// How long the old primary is away after the fail-over, and how long the new one is alone, in seconds.
const AWAY_SECONDS: f64 = 3.0;

/// Kills the primary and waits for the sentinels.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    let old = trial.primary;
    trial.primary_mut().kill().await?;
    trial.follow_fail_over(1 - old).await?;
    trial.wait(AWAY_SECONDS).await;
    trial.redis[old].restart().await?;
    trial.wait(AWAY_SECONDS).await;
    Ok(())
}
