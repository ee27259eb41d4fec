//! Does an adapter keep the contract of [`ApplauseStore`]?

use super::Server;
use crate::ids::UserId;
use crate::ports::applause_store::ApplauseStore;

/// Holds `store` to its contract.
pub async fn applause_store(store: &dyn ApplauseStore, server: &dyn Server) {
    every_user_counts_once_by_the_newest_applause(store, server).await;
    who_did_not_applaud_since_is_forgotten(store, server).await;
    silence_is_unavailable(store, server).await;
}

async fn every_user_counts_once_by_the_newest_applause(store: &dyn ApplauseStore, server: &dyn Server) {
    server.clear().await;
    check_count(store, 0, 0).await;
    applaud(store, &[(1, 1_000), (2, 1_001), (4_294_967_297, 1_002), (1, 1_003), (1, 1_003)]).await;
    check_count(store, 0, 3).await;
    check_count(store, 1_001, 3).await;
    check_count(store, 1_002, 2).await;
    check_count(store, 1_003, 1).await;
    check_count(store, 1_004, 0).await;
}

async fn who_did_not_applaud_since_is_forgotten(store: &dyn ApplauseStore, server: &dyn Server) {
    server.clear().await;
    applaud(store, &[(1, 1_000), (2, 1_001), (3, 1_002), (1, 1_003)]).await;
    store.forget_before(1_001).await.expect("the store answers");
    check_count(store, 0, 3).await;
    store.forget_before(1_002).await.expect("the store answers");
    check_count(store, 0, 2).await;
    store.forget_before(2_000).await.expect("the store answers");
    check_count(store, 0, 0).await;
}

async fn silence_is_unavailable(store: &dyn ApplauseStore, server: &dyn Server) {
    server.clear().await;
    applaud(store, &[(1, 1_000)]).await;
    if server.set_reachable(false).await {
        assert!(store.applaud(UserId(2), 1_000).await.is_err());
        assert!(store.count_since(0).await.is_err());
        assert!(store.forget_before(2_000).await.is_err());
        server.set_reachable(true).await;
    }
    check_count(store, 0, 1).await;
}

async fn applaud(store: &dyn ApplauseStore, applause: &[(u64, u64)]) {
    for (user, unix_seconds) in applause {
        store.applaud(UserId(*user), *unix_seconds).await.expect("the store answers");
    }
}

async fn check_count(store: &dyn ApplauseStore, since_unix_seconds: u64, expected: u64) {
    assert_eq!(store.count_since(since_unix_seconds).await, Ok(expected), "since {since_unix_seconds}");
}
