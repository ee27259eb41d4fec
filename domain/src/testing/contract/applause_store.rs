//! Does an adapter keep the contract of [`ApplauseStore`]?

use async_trait::async_trait;

use super::Driver;
use crate::ids::UserId;
use crate::ports::applause_store::ApplauseStore;

/// Controls the clock by which applause is timed.
#[async_trait]
pub trait ApplauseStoreDriver: Driver {
    /// Lets seconds pass for the applause recorded so far.
    async fn let_seconds_pass(&self, seconds: u64);

    /// Returns whether that clock stands still otherwise, so that an age can be tested to the second.
    fn clock_stands(&self) -> bool;
}

/// Checks that `store` and `other`, another instance's connection to the same server, fulfill their contract.
///
/// Some servers' clocks keep running, so most times here lie thousands of seconds apart.
pub async fn applause_store(store: &dyn ApplauseStore, other: &dyn ApplauseStore, driver: &dyn ApplauseStoreDriver) {
    every_user_counts_once_by_the_newest_applause(store, driver).await;
    instances_count_the_same(store, other, driver).await;
    users_who_did_not_applaud_since_are_forgotten(store, driver).await;
    if driver.clock_stands() {
        an_age_counts_to_the_second(store, driver).await;
    }
    silence_is_unavailable(store, driver).await;
}

async fn every_user_counts_once_by_the_newest_applause(store: &dyn ApplauseStore, driver: &dyn ApplauseStoreDriver) {
    driver.clear().await;
    check_count(store, u64::MAX, 0).await;
    applaud(store, &[1, 2, 4_294_967_297]).await;
    driver.let_seconds_pass(10_000).await;
    applaud(store, &[1, 3]).await;
    driver.let_seconds_pass(10_000).await;
    applaud(store, &[3, 3]).await;
    check_count(store, 5_000, 1).await;
    check_count(store, 15_000, 2).await;
    check_count(store, 25_000, 4).await;
    check_count(store, u64::MAX, 4).await;
}

async fn instances_count_the_same(
    store: &dyn ApplauseStore,
    other: &dyn ApplauseStore,
    driver: &dyn ApplauseStoreDriver,
) {
    driver.clear().await;
    applaud(store, &[1]).await;
    driver.let_seconds_pass(10_000).await;
    applaud(other, &[2, 3]).await;
    for instance in [store, other] {
        check_count(instance, 5_000, 2).await;
        check_count(instance, 15_000, 3).await;
    }
    other.forget_older_than(5_000).await.expect("the store answers");
    check_count(store, 15_000, 2).await;
}

async fn users_who_did_not_applaud_since_are_forgotten(store: &dyn ApplauseStore, driver: &dyn ApplauseStoreDriver) {
    driver.clear().await;
    applaud(store, &[1, 2]).await;
    driver.let_seconds_pass(10_000).await;
    applaud(store, &[1, 3]).await;
    for (seconds, left) in [(u64::MAX, 3), (15_000, 3), (5_000, 2)] {
        store.forget_older_than(seconds).await.expect("the store answers");
        check_count(store, u64::MAX, left).await;
    }
    driver.let_seconds_pass(10_000).await;
    store.forget_older_than(5_000).await.expect("the store answers");
    check_count(store, u64::MAX, 0).await;
}

async fn an_age_counts_to_the_second(store: &dyn ApplauseStore, driver: &dyn ApplauseStoreDriver) {
    driver.clear().await;
    applaud(store, &[1]).await;
    driver.let_seconds_pass(10).await;
    check_count(store, 9, 0).await;
    check_count(store, 10, 1).await;
    store.forget_older_than(10).await.expect("the store answers");
    check_count(store, 10, 1).await;
    store.forget_older_than(9).await.expect("the store answers");
    check_count(store, 10, 0).await;
}

async fn silence_is_unavailable(store: &dyn ApplauseStore, driver: &dyn ApplauseStoreDriver) {
    driver.clear().await;
    applaud(store, &[1]).await;
    if driver.set_reachable(false).await {
        assert!(store.applaud(UserId(2)).await.is_err());
        assert!(store.count_within(5_000).await.is_err());
        assert!(store.forget_older_than(5_000).await.is_err());
        driver.set_reachable(true).await;
    }
    check_count(store, 5_000, 1).await;
}

async fn applaud(store: &dyn ApplauseStore, users: &[u64]) {
    for user in users {
        store.applaud(UserId(*user)).await.expect("the store answers");
    }
}

async fn check_count(store: &dyn ApplauseStore, within_seconds: u64, expected: u64) {
    assert_eq!(store.count_within(within_seconds).await, Ok(expected), "within {within_seconds} s");
}
