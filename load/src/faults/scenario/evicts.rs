//! Redis has no memory left and drops keys, the least used first; later somebody repairs it, and restarts the server.

use super::super::trial::Trial;
use crate::error::LoadError;

/// For how long it drops keys, in seconds.
const FULL_SECONDS: f64 = 8.0;

/// How much less than it uses it is allowed, in bytes: the meeting itself must go too.
const BYTES_LESS: u64 = 200_000;

/// Allows Redis less memory than it uses, with an eviction policy; then fills it again.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    let used = number(&trial.primary().run::<String>(&["INFO", "memory"]).await?, "used_memory:");
    let limit = used.saturating_sub(BYTES_LESS).to_string();
    trial.primary().run::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await?;
    trial.primary().run::<()>(&["CONFIG", "SET", "maxmemory", &limit]).await?;
    trial.wait(FULL_SECONDS).await;
    let evicted = number(&trial.primary().run::<String>(&["INFO", "stats"]).await?, "evicted_keys:");
    if evicted == 0 {
        return Err(LoadError::Usage("Redis dropped no key".to_owned()));
    }
    let mut server = trial.writer.pause().await;
    trial.primary().run::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await?;
    server.rebuild(&trial.meeting, trial.lowest + super::flushed::DISTANCE).await
}

fn number(info: &str, name: &str) -> u64 {
    info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0)
}
