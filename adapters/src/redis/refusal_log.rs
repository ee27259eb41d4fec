//! How is it logged that Redis refuses commands, at most once a minute for each kind?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ports::clock::Clock;
use tracing::warn;

use super::refusal::{RedisRefusal, RefusalKind};
use application::once_a_minute::OnceAMinute;

/// Logs refusals of one Redis: the first of a kind at once, then at most one a minute, with all commands that were
/// refused since.
pub(super) struct RefusalLog {
    clock: Arc<dyn Clock>,
    /// One entry per kind, so there are never more than kinds.
    seen: Mutex<BTreeMap<RefusalKind, RefusalsSeen>>,
}

struct RefusalsSeen {
    progress: OnceAMinute,
    /// No more than the service has commands.
    commands: BTreeSet<String>,
}

/// What a log line says.
#[derive(Debug, PartialEq, Eq)]
struct LogLine {
    commands: String,
    count: u64,
}

impl RefusalLog {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, seen: Mutex::default() }
    }

    /// Logs a refusal of the Redis called `name`.
    pub(super) fn note(&self, name: &str, refusal: &RedisRefusal) {
        if let Some(LogLine { commands, count }) = self.line(refusal) {
            let (error, advice) = (&refusal.error, refusal.advice());
            warn!(redis = name, commands, count, error, advice, "Redis refuses commands that the service needs");
        }
    }

    /// Returns the line that is due now.
    fn line(&self, refusal: &RedisRefusal) -> Option<LogLine> {
        // A panic leaves nothing half done.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || RefusalsSeen { progress: OnceAMinute::new(Arc::clone(&self.clock)), commands: BTreeSet::new() };
        let seen = seen.entry(refusal.kind).or_insert_with(new);
        seen.commands.insert(refusal.command.clone());
        let count = seen.progress.happened()?;
        let commands: Vec<_> = std::mem::take(&mut seen.commands).into_iter().collect();
        Some(LogLine { commands: commands.join(", "), count })
    }
}

impl fmt::Debug for RefusalLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RefusalLog")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::testing::ManualClock;

    use super::*;

    /// Commands are refused at these seconds: checks which commands the line logged then names, and how many refusals
    /// it counts.
    type Refused<'a> = (u64, RefusalKind, &'a str, Option<(&'a str, u64)>);

    #[track_caller]
    fn check(refused: &[Refused<'_>]) {
        let clock = ManualClock::new(0);
        let log = RefusalLog::new(Arc::new(clock.clone()));
        let mut before = 0;
        for (seconds, kind, command, expected) in refused {
            clock.advance(Duration::from_secs(seconds - before));
            before = *seconds;
            let refusal = RedisRefusal { kind: *kind, command: (*command).to_owned(), error: String::new() };
            let line = expected.map(|(commands, count)| LogLine { commands: commands.to_owned(), count });
            assert_eq!(log.line(&refusal), line, "{command} at {seconds}");
        }
    }

    #[test]
    fn each_kind_is_logged_once_a_minute_with_the_commands_refused_meanwhile() {
        use RefusalKind::{NoPermission, OutOfMemory};
        check(&[
            (0, NoPermission, "XADD", Some(("XADD", 1))),
            (1, NoPermission, "XADD", None),
            (2, NoPermission, "ZADD", None),
            (2, OutOfMemory, "ZADD", Some(("ZADD", 1))),
            (59, NoPermission, "XADD", None),
            (60, NoPermission, "XREAD", Some(("XADD, XREAD, ZADD", 4))),
            (61, OutOfMemory, "ZADD", None),
            (200, NoPermission, "XREAD", Some(("XREAD", 1))),
        ]);
    }
}
