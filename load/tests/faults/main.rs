//! Does the real program keep its promises when a real Redis fails, or when it is restarted itself? Each fault is
//! shortened; `load faults` tries all of them in full.

#[path = "../shared/built.rs"]
mod built;

use built::PROGRAM;
use load::faults::{Fault, Plan};

/// How many users there are: enough for each group of a meeting to have one.
const USERS: usize = 20;

/// How many clients there are: one for each group.
const CLIENTS: usize = 9;

/// Lets these faults happen, one after the other; panics if a promise is broken.
async fn check(faults: &[Fault]) {
    let plan = Plan {
        program: PROGRAM.clone(),
        redis: "redis-server".into(),
        clients: Some(CLIENTS),
        elements: 300,
        users: USERS,
        rate: 40,
        pace: 0.1,
        logs: None,
    };
    for fault in faults {
        let outcome = plan.run(*fault).await.expect("it can be tried");
        assert!(outcome.broken.is_empty(), "{}\n{:#?}", outcome.row(), outcome.troubles());
    }
}

/// (spec: redis.md#losing-redis)
#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_redis_that_goes_away_and_returns_is_not_noticed() {
    check(&[Fault::RedisKilled, Fault::RedisClientsKilled]).await;
}

/// (spec: stream.md#reset)
#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_redis_that_is_filled_again_is_followed() {
    check(&[Fault::RedisLostData, Fault::RedisFlushedLower]).await;
}

/// (spec: redis.md#refusals)
#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_redis_that_refuses_is_survived() {
    check(&[Fault::RedisFull, Fault::RightsLost]).await;
}

/// (spec: redis.md#another-stream)
#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_fail_over_by_three_sentinels_is_followed() {
    check(&[Fault::FailOver]).await;
}

/// (spec: http.md#stopping)
#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_restart_is_not_noticed() {
    check(&[Fault::RestartsWithSocket]).await;
}
