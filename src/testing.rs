//! How can a test read settings without starting anything?

use std::ffi::OsString;

use adapters::redis::{Redis, RedisLimits};

use crate::config::{self, Config, Stop};

/// Reads the settings from variables, and prepares everything that needs neither a file nor a connection. Returns what
/// may be shown of them.
///
/// # Errors
/// What the service says when it does not start.
pub fn settings(variable: impl Fn(&str) -> Option<OsString>) -> Result<String, String> {
    match config::parse([OsString::from("autoupdate")], variable) {
        Ok((task, config)) => prepare(&config).map(|()| format!("{task:?} {config:?}")),
        Err(Stop::Help(text) | Stop::Invalid(text)) => Err(text),
    }
}

fn prepare(config: &Config) -> Result<(), String> {
    // Is not shown: it has no text.
    let _ = config.log_level.env_filter();
    let limits = RedisLimits::default();
    let redis = match config.redis_sentinels() {
        Some(sentinels) => Redis::by_sentinel(&sentinels, limits),
        None => Redis::new(&config.redis_read(), &config.redis_write(), limits),
    };
    redis.map(|_| ()).map_err(|error| error.to_string())
}
