//! The service is restarted again and again, as for an upgrade.

use super::super::trial::Trial;
use crate::error::LoadError;

/// How often.
const TIMES: usize = 10;

/// How long all clients are back before the next one, in seconds.
const PAUSE_SECONDS: f64 = 2.0;

/// Restarts the service, each time when all clients are back.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    for _ in 0..trial.times(TIMES) {
        trial.restart_service().await?;
        trial.until_all_are_served().await?;
        trial.wait(PAUSE_SECONDS).await;
    }
    Ok(())
}
