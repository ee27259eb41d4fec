//! How is it logged that the server signs with another secret than this service has?

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ports::authenticator::SessionKey;
use domain::ports::clock::Clock;

use application::once_a_minute::{INTERVAL, OnceAMinute};

/// How many different sessions are counted between two log lines; further ones are not, and the line reports that many.
const SESSIONS_COUNTED_MAX: usize = 10_000;

/// Logs, at most once a minute, how many sessions another secret has signed.
pub struct OtherSecretLog {
    secret_file: PathBuf,
    clock: Arc<dyn Clock>,
    lines: OnceAMinute,
    /// When each session was last used. A client asks again every few seconds, but it is still one session.
    ///
    /// Only a hash of its key is kept, made with a random key.
    sessions: Mutex<HashMap<u64, Duration>>,
    hasher: RandomState,
}

impl OtherSecretLog {
    /// Creates the log. `secret_file` is the path that its warnings name.
    #[must_use]
    pub fn new(secret_file: &Path, clock: Arc<dyn Clock>) -> Self {
        let lines = OnceAMinute::new(Arc::clone(&clock));
        Self {
            secret_file: secret_file.to_owned(),
            clock,
            lines,
            sessions: Mutex::default(),
            hasher: RandomState::new(),
        }
    }

    /// Records a session that was signed with another secret.
    pub(super) fn met(&self, key: &SessionKey) {
        if let Some(sessions) = self.count(key) {
            let (noun, verb) = if sessions == 1 { ("session", "was") } else { ("sessions", "were") };
            tracing::info!(
                sessions,
                "{sessions} {noun} in the last minute {verb} signed with another secret than that in {}: \
                 compare it with the secret of the OpenSlides server",
                self.secret_file.display()
            );
        }
    }

    /// Counts the session. Returns how many there were in the last minute if it is time to log.
    fn count(&self, key: &SessionKey) -> Option<usize> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        let is_recent = |came: &mut Duration| now.saturating_sub(*came) < INTERVAL;
        if sessions.len() >= SESSIONS_COUNTED_MAX {
            sessions.retain(|_, came| is_recent(came));
        }
        let session = self.hasher.hash_one(key);
        if sessions.len() < SESSIONS_COUNTED_MAX || sessions.contains_key(&session) {
            sessions.insert(session, now);
        }
        self.lines.happened()?;
        sessions.retain(|_, came| is_recent(came));
        let count = sessions.len();
        sessions.clear();
        Some(count)
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::ManualClock;

    use super::*;

    fn key(key: &str) -> SessionKey {
        SessionKey(key.to_owned())
    }

    /// Checks how many sessions the log reports if one is used at each of these seconds.
    #[track_caller]
    fn check(sessions: &[(u64, &str, Option<usize>)]) {
        let clock = ManualClock::new(0);
        let log = OtherSecretLog::new(Path::new("/secret"), Arc::new(clock.clone()));
        let mut before = 0;
        for (seconds, session, expected) in sessions {
            clock.advance(Duration::from_secs(seconds - before));
            before = *seconds;
            assert_eq!(log.count(&key(session)), *expected, "{session} at {seconds} s of {sessions:?}");
        }
    }

    #[test]
    fn different_sessions_of_the_last_minute_are_told_of_once_a_minute() {
        check(&[(0, "a", Some(1)), (1, "a", None), (2, "b", None), (59, "b", None), (60, "c", Some(3))]);
        // The first line has reported it already, and it is not used again.
        check(&[(0, "a", Some(1)), (30, "b", None), (60, "b", Some(1)), (120, "b", Some(1))]);
        // More than a minute ago.
        check(&[(0, "a", Some(1)), (30, "b", None), (90, "c", Some(1))]);
        check(&[(0, "a", Some(1)), (30, "b", None), (89, "c", Some(2))]);
    }

    #[test]
    fn more_sessions_than_are_counted_take_no_more_memory() {
        let clock = ManualClock::new(0);
        let log = OtherSecretLog::new(Path::new("/secret"), Arc::new(clock.clone()));
        assert_eq!(log.count(&key("first")), Some(1));
        for number in 0..SESSIONS_COUNTED_MAX + 7 {
            assert_eq!(log.count(&key(&number.to_string())), None);
        }
        assert_eq!(log.sessions.lock().expect("no panic").len(), SESSIONS_COUNTED_MAX);
        clock.advance(Duration::from_secs(59));
        assert_eq!(log.count(&key("one more")), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(log.count(&key("one more")), Some(1), "those of a minute ago make room");
    }
}
