//! Redis is killed and started again without its data; then the server fills it.

use super::super::trial::Trial;
use crate::error::LoadError;

/// For how long it is away, and then empty, in seconds.
const AWAY_SECONDS: f64 = 2.0;

/// Kills Redis, starts it without data, and fills it.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    trial.primary_mut().kill().await?;
    trial.wait(AWAY_SECONDS).await;
    trial.primary_mut().forget_data()?;
    let mut server = trial.writer.pause().await;
    trial.redis[trial.primary].restart().await?;
    trial.wait(AWAY_SECONDS).await;
    server.rebuild(&trial.meeting, trial.lowest + super::flushed::DISTANCE).await
}
