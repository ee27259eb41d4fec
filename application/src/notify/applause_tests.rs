//! Do listeners receive applause levels as specified, second by second?

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use domain::ids::UserId;

use super::*;
use crate::testing::loops::{JumpingClock, START_SECONDS, hub, received, until};

/// A store in which scripted applause happens as time passes, timed by its own clock.
struct ScriptedStore {
    clock: Arc<JumpingClock>,
    /// User, and seconds after the start.
    applause: &'static [(u64, u64)],
    /// The seconds in which the store does not answer.
    away: &'static [u64],
    /// Applause before this second was forgotten.
    forgotten_before: Mutex<u64>,
}

impl ScriptedStore {
    fn answer(&self) -> Result<(), Unavailable> {
        let second = self.clock.unix_seconds() - START_SECONDS;
        if self.away.contains(&second) {
            Err(Unavailable::Silent { system: "Redis", cause: "timed out".to_owned() })
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl ApplauseStore for ScriptedStore {
    async fn applaud(&self, _: UserId) -> Result<(), Unavailable> {
        panic!("the loop does not applaud")
    }

    async fn count_within(&self, seconds: u64) -> Result<u64, Unavailable> {
        self.answer()?;
        let since = self.clock.unix_seconds().saturating_sub(seconds);
        let mut last = BTreeMap::new();
        let forgotten_before = *self.forgotten_before.lock().expect("not poisoned");
        for (user, at) in self.applause.iter().map(|(user, at)| (user, START_SECONDS + at)) {
            if (forgotten_before..=self.clock.unix_seconds()).contains(&at) {
                last.insert(user, at);
            }
        }
        Ok(last.values().filter(|at| **at >= since).count() as u64)
    }

    async fn forget_older_than(&self, seconds: u64) -> Result<(), Unavailable> {
        self.answer()?;
        *self.forgotten_before.lock().expect("not poisoned") = self.clock.unix_seconds().saturating_sub(seconds);
        Ok(())
    }
}

struct Case {
    applause: &'static [(u64, u64)],
    away: &'static [u64],
    /// The audience at a second.
    audience: fn(u64) -> Option<Audience>,
    /// How many seconds to count; the first count is at second 1.
    seconds: usize,
}

fn of_120(timeout_seconds: u64) -> Option<Audience> {
    Some(Audience { timeout_seconds, present_users: 120 })
}

/// Counts every second and compares the levels that a listener receives: second and level.
#[track_caller]
fn check(case: &Case, expected: &[(u64, u64)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let clock = JumpingClock::new(case.seconds);
    let store = Arc::new(ScriptedStore {
        clock: Arc::clone(&clock),
        applause: case.applause,
        away: case.away,
        forgotten_before: Mutex::default(),
    });
    let hub = hub();
    let listener = Mutex::new((hub.subscribe(None), Vec::new()));
    let listen = |second: u64| {
        let (listener, levels) = &mut *listener.lock().expect("not poisoned");
        for line in received(listener) {
            assert_eq!(line["sender_channel_id"], "Server");
            assert_eq!(line["message"]["presentUsers"], 120);
            levels.push((second, line["message"]["level"].as_u64().expect("a level")));
        }
    };
    // Checked at the beginning of every count: what the listener has by then was sent by the count a second before.
    let audience = || {
        let second = clock.unix_seconds() - START_SECONDS;
        listen(second - 1);
        (case.audience)(second)
    };
    let interval = Duration::from_secs(1);
    let run = run_applause_loop(store, hub, Arc::clone(&clock) as _, interval, audience);
    runtime.block_on(until(clock.exhausted(), run));
    listen(case.seconds as u64);
    assert_eq!(listener.into_inner().expect("not poisoned").1, expected);
    assert_eq!(clock.sleeps(), vec![interval; case.seconds]);
}

/// (spec: notify.md#applause-level)
#[test]
fn applause_counts_up_to_the_timeout_and_then_one_silence_is_sent() {
    check(
        &Case { applause: &[(1, 2)], away: &[], audience: |_| of_120(3), seconds: 12 },
        &[(2, 1), (3, 1), (4, 1), (5, 1), (6, 0)],
    );
    check(&Case { applause: &[(1, 2)], away: &[], audience: |_| of_120(0), seconds: 5 }, &[(2, 1), (3, 0)]);
    check(&Case { applause: &[], away: &[], audience: |_| of_120(5), seconds: 5 }, &[]);
}

#[test]
fn a_user_who_keeps_applauding_counts_once_and_longer() {
    check(
        &Case {
            applause: &[(1, 1), (1, 1), (1, 1), (2, 1), (1, 2), (1, 3)],
            away: &[],
            audience: |_| of_120(1),
            seconds: 8,
        },
        &[(1, 2), (2, 2), (3, 1), (4, 1), (5, 0)],
    );
}

#[test]
fn a_changed_configuration_counts_from_the_next_interval() {
    check(
        &Case {
            applause: &[(1, 1)],
            away: &[],
            audience: |second| of_120(if second < 4 { 10 } else { 2 }),
            seconds: 8,
        },
        &[(1, 1), (2, 1), (3, 1), (4, 0)],
    );
}

/// (spec: notify.md#applause-failure)
#[test]
fn an_unreachable_store_ends_no_listener_and_the_level_is_sent_once_it_is_back() {
    check(
        &Case { applause: &[(1, 1), (2, 4)], away: &[2, 3], audience: |_| of_120(5), seconds: 5 },
        &[(1, 1), (4, 2), (5, 2)],
    );
    // The last level sent was not 0, so the silence is sent, however late.
    check(
        &Case { applause: &[(1, 1)], away: &[2, 3, 4, 5, 6, 7], audience: |_| of_120(2), seconds: 10 },
        &[(1, 1), (8, 0)],
    );
}

#[test]
fn nothing_is_counted_before_there_is_a_meeting() {
    check(
        &Case { applause: &[(1, 1)], away: &[], audience: |second| of_120(3).filter(|_| second > 2), seconds: 5 },
        &[(3, 1), (4, 1), (5, 0)],
    );
}

/// (spec: notify.md#applause-level)
#[test]
fn applause_older_than_a_minute_is_forgotten_whatever_the_timeout() {
    let expected: Vec<(u64, u64)> = (1..=62).map(|second| (second, 1)).chain([(63, 0)]).collect();
    check(&Case { applause: &[(1, 1)], away: &[], audience: |_| of_120(1000), seconds: 70 }, &expected);
}
