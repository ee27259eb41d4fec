//! Redis demands a password for a while that the service does not have (`NOAUTH`).

use super::super::trial::Trial;
use crate::error::LoadError;

/// The password.
const PASSWORD: &str = "a-new-password";

/// For how long, in seconds.
const DEMANDED_SECONDS: f64 = 10.0;

/// Demands a password, of those who are connected too, and demands none later.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    let redis = trial.primary();
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}/", redis.port);
    redis.run::<()>(&["CONFIG", "SET", "requirepass", PASSWORD]).await?;
    trial.writer.move_to(&url).await;
    redis.run_at::<u64>(&url, &["CLIENT", "KILL", "TYPE", "normal"]).await?;
    trial.wait(DEMANDED_SECONDS).await;
    redis.run_at::<()>(&url, &["CONFIG", "SET", "requirepass", ""]).await?;
    trial.writer.move_to(&redis.url()).await;
    Ok(())
}
