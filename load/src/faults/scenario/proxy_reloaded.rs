//! The proxy in front of the service reloads its configuration, several times.

use super::super::trial::Trial;
use crate::error::LoadError;

/// How often, and the pause in between, in seconds.
const TIMES: usize = 5;
const PAUSE_SECONDS: f64 = 3.0;

/// Reloads the proxy.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    for _ in 0..trial.times(TIMES) {
        if let Some(proxy) = &trial.proxy {
            proxy.reload().await?;
        }
        trial.wait(PAUSE_SECONDS).await;
    }
    Ok(())
}
