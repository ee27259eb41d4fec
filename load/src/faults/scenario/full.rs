//! Redis has no memory left, and refuses writes (`OOM`).

use super::super::trial::Trial;
use crate::error::LoadError;

/// For how long, in seconds.
const FULL_SECONDS: f64 = 8.0;

/// Allows Redis less memory than it uses.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    let before = trial.writer.written().await;
    trial.primary().run::<()>(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await?;
    trial.primary().run::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await?;
    trial.wait(FULL_SECONDS).await;
    let after = trial.writer.written().await;
    trial.primary().run::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await?;
    if after.refused == before.refused {
        return Err(LoadError::Usage("Redis refused no write, although it may use no memory".to_owned()));
    }
    Ok(())
}
