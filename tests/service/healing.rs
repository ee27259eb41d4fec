//! Does the meeting converge, whatever Redis tells or does not tell? (spec: redis.md, What the service does with them)

use std::time::Duration;

use adapters::testing::fake_redis::{FakeRedis, Fault};
use domain::ports::message_bus::Channel;
use serde_json::json;

use crate::harness::{LOWEST, Meeting, Service, Setup, Watcher, fixture};

/// A service on a fake Redis, and a client of user 3 that has everything.
async fn start(choose: impl FnOnce(&mut Setup)) -> (FakeRedis, Meeting, Service, Watcher) {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), choose).await;
    let mut watcher = service.browser().with_cookie(&meeting.log_in(3).await).watch().await;
    watcher.line().await.expect("everything");
    (redis, meeting, service, watcher)
}

fn reconciling(setup: &mut Setup) {
    setup.settings.reconcile = Duration::from_millis(20);
}

/// The client follows to this change without being given everything anew.
async fn check_follows(meeting: &Meeting, watcher: &mut Watcher, change_id: u64, what: &str) {
    let lines = watcher.until(change_id).await;
    assert!(lines.iter().all(|line| !line.all_data), "{what}");
    watcher.check(&meeting.view(3), what);
}

#[tokio::test]
async fn a_lost_entry_is_found_without_any_further_change() {
    let (_redis, mut meeting, _service, mut watcher) = start(reconciling).await;
    for _ in 0..3 {
        let mark = meeting.marker();
        let change_id = meeting.write(&mark).await;
        check_follows(&meeting, &mut watcher, change_id, "a lost entry").await;
    }
}

#[tokio::test]
async fn a_gap_is_closed_at_once() {
    let (_redis, mut meeting, _service, mut watcher) = start(|_| ()).await;
    let motion = meeting.with("motions/motion:1", json!({"title": "unannounced"}));
    meeting.write(&[("motions/motion:1", motion), ("topics/topic:2", json!(null))]).await;
    let change_id = meeting.mark().await;
    check_follows(&meeting, &mut watcher, change_id, "a gap").await;
}

#[tokio::test]
async fn entries_that_come_late_or_twice_change_nothing() {
    let (_redis, mut meeting, _service, mut watcher) = start(|_| ()).await;
    for _ in 0..5 {
        let motion = [("motions/motion:1", meeting.with("motions/motion:1", json!({"title": "first"})))];
        let first = meeting.write(&motion).await;
        let again = [("motions/motion:1", meeting.with("motions/motion:1", json!({"title": "second"})))];
        let second = meeting.write(&again).await;
        meeting.announce(second, &again).await;
        meeting.announce(first, &motion).await;
        meeting.announce(second, &again).await;
        let change_id = meeting.mark().await;
        check_follows(&meeting, &mut watcher, change_id, "a late entry").await;
    }
}

#[tokio::test]
async fn an_entry_that_does_not_parse_loses_nothing() {
    let (_redis, mut meeting, _service, mut watcher) = start(|_| ()).await;
    let contents: [&[u8]; 8] = [
        b"",
        b"no JSON",
        b"{}",
        b"[1]",
        b"\xff\xfe",
        b"{\"elements\": 5, \"change_id\": 1}",
        b"{\"elements\": {}, \"change_id\": \"x\"}",
        b"{\"elements\": {\"motions/motion:1\": {\"id\"",
    ];
    for content in contents {
        // The change whose entry it should have been.
        let mark = meeting.marker();
        let change_id = meeting.write(&mark).await;
        meeting.server.append(Channel::Autoupdate, &[content]).await;
        check_follows(&meeting, &mut watcher, change_id, &String::from_utf8_lossy(content)).await;
    }
    let mark = meeting.marker();
    let change_id = meeting.write(&mark).await;
    meeting.server.append_fields(Channel::Autoupdate, &[("other", "field")]).await;
    let next = meeting.mark().await;
    assert_eq!(next, change_id + 1);
    check_follows(&meeting, &mut watcher, next, "an entry without content").await;
}

#[tokio::test]
async fn elements_that_cannot_be_read_are_hidden_and_hurt_no_others() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let broken = [
        ("motions/motion", "{\"id\":1}"),
        ("motions/motion:x", "{\"id\":1}"),
        ("motions/motion:1:2", "{\"id\":1}"),
        ("unknown/thing:1", "{\"id\":1}"),
        ("motions/motion:70", "no JSON"),
        ("motions/motion:71", "[]"),
        ("motions/motion:72", "{\"id\":\"72\"}"),
        ("motions/motion:73", "{\"id\":74}"),
        ("", "{}"),
    ];
    let broken = broken.map(|(key, json)| (key, Some(json)));
    meeting.server.write(&broken).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let mut watcher = service.browser().with_cookie(&meeting.log_in(1).await).watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(1), "beside broken elements in the data");
    meeting.server.change(&broken).await;
    let change_id = meeting.mark().await;
    watcher.until(change_id).await;
    watcher.check(&meeting.view(1), "beside broken elements on the stream");
}

#[tokio::test]
async fn a_cache_that_is_built_anew_is_served_when_it_is_ready() {
    let (_redis, mut meeting, service, mut watcher) = start(reconciling).await;
    meeting.server.begin_rebuild().await;
    // Until it is ready the old meeting is served, to those who come new as well.
    let mut other = service.browser().with_cookie(&meeting.log_in(3).await).watch().await;
    other.line().await.expect("everything");
    other.check(&meeting.view(3), "while the cache is being built");

    let mut elements = fixture();
    elements.retain(|key, _| !key.starts_with("motions/"));
    meeting.rebuild(LOWEST + 5_000, elements).await;
    for watcher in [&mut watcher, &mut other] {
        let line = watcher.line().await.expect("the stream stays open");
        assert_eq!((line.all_data, line.to_change_id), (true, LOWEST + 5_000));
        watcher.check(&meeting.view(3), "after the cache was built anew");
    }
    let change_id = meeting.mark().await;
    check_follows(&meeting, &mut watcher, change_id, "after a reset").await;
}

#[tokio::test]
async fn change_ids_that_went_back_are_a_new_beginning() {
    let (_redis, mut meeting, _service, mut watcher) = start(reconciling).await;
    for _ in 0..5 {
        let change_id = meeting.mark().await;
        watcher.until(change_id).await;
    }
    // As after a fail-over to a replica that had not heard of the last changes.
    meeting.server.begin_rebuild().await;
    let mut elements = fixture();
    elements.insert("core/tag:1".to_owned(), json!({"id": 1, "name": "older"}));
    meeting.rebuild(LOWEST, elements).await;
    let line = watcher.line().await.expect("the stream stays open");
    assert_eq!((line.all_data, line.to_change_id), (true, LOWEST));
    watcher.check(&meeting.view(3), "an older state");
    let change_id = meeting.mark().await;
    check_follows(&meeting, &mut watcher, change_id, "after the ids went back").await;
}

#[tokio::test]
async fn connections_to_redis_that_break_cost_nothing_but_time() {
    let (redis, mut meeting, _service, mut watcher) = start(|_| ()).await;
    for _ in 0..3 {
        redis.drop_connections();
        let change_id = meeting.mark().await;
        check_follows(&meeting, &mut watcher, change_id, "a broken connection").await;
        redis.set_fault(Fault::Closed);
        redis.set_fault(Fault::None);
        let change_id = meeting.mark().await;
        check_follows(&meeting, &mut watcher, change_id, "Redis was away").await;
    }
}

#[tokio::test]
async fn a_cache_that_is_not_ready_is_not_served() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    meeting.server.delete("cache_ready").await;
    let service = Service::start(&redis.address(), |_| ());
    let expected = json!({"healthy": false, "reason": "the OpenSlides server has not filled its cache yet"});
    crate::harness::within("the reason", async { while service.browser().health().await.1 != expected {} }).await;
    assert_eq!(service.browser().failure("/system/autoupdate").await.status, 503);
    meeting.server.set("cache_ready", b"ok").await;
    service.browser().until_healthy().await;
    let mut watcher = service.browser().watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(0), "anonymous");
}
