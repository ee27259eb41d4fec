//! Three sentinels are told to fail over, although the primary is healthy: before maintenance, for example.

use super::super::redis_server::WATCHED_NAME;
use super::super::trial::Trial;
use crate::error::LoadError;

/// How long it is waited afterwards, in seconds.
const AFTERWARDS_SECONDS: f64 = 5.0;

/// Fails over.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    trial.sentinels[0].run::<()>(&["SENTINEL", "FAILOVER", WATCHED_NAME]).await?;
    trial.follow_fail_over(1 - trial.primary).await?;
    trial.wait(AFTERWARDS_SECONDS).await;
    Ok(())
}
