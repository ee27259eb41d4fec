//! Redis is killed, and started again with its data.

use super::super::trial::Trial;
use crate::error::LoadError;

/// For how long it is away, in seconds.
const AWAY_SECONDS: f64 = 3.0;

/// Kills Redis and starts it again.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    trial.primary_mut().kill().await?;
    trial.wait(AWAY_SECONDS).await;
    trial.primary_mut().restart().await
}
