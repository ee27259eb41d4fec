//! Does the meeting converge, whatever Redis announces or fails to announce? (spec: redis.md#reconcile)

use std::time::Duration;

use adapters::testing::fake_redis::{FakeRedis, Fault};
use domain::ids::ChangeId;
use domain::ports::element_store::MeetingPart;
use domain::ports::message_bus::Channel;
use serde_json::json;

use crate::harness::{LOWEST, Meeting, Process, Service, Setup, Watcher, fixture, within};

/// Starts a service on a fake Redis, and a client of user 3 that has everything.
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

/// Checks that the client follows up to this change without receiving everything again.
async fn check_follows(meeting: &Meeting, watcher: &mut Watcher, change_id: u64, what: &str) {
    let lines = watcher.until(change_id).await;
    assert!(lines.iter().all(|line| !line.all_data), "{what}");
    watcher.check(&meeting.view(3), what);
}

/// (spec: redis.md#reconcile)
#[tokio::test]
async fn a_lost_entry_is_noticed_without_any_further_change() {
    let (_redis, mut meeting, _service, mut watcher) = start(reconciling).await;
    for _ in 0..3 {
        let mark = meeting.marker();
        let change_id = meeting.write(&mark).await;
        check_follows(&meeting, &mut watcher, change_id, "a lost entry").await;
    }
}

/// (spec: redis.md#trimming)
#[tokio::test]
async fn a_gap_is_closed_at_once() {
    let (_redis, mut meeting, _service, mut watcher) = start(|_| ()).await;
    let motion = meeting.with("motions/motion:1", json!({"title": "unannounced"}));
    meeting.write(&[("motions/motion:1", motion), ("topics/topic:2", json!(null))]).await;
    let change_id = meeting.mark().await;
    check_follows(&meeting, &mut watcher, change_id, "a gap").await;
}

/// (spec: redis.md#follow)
#[tokio::test]
async fn late_or_repeated_entries_change_nothing() {
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

/// (spec: redis.md#bad-entry)
#[tokio::test]
async fn an_entry_that_does_not_parse_loses_no_change() {
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
        // The change that the broken entry should have announced.
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
async fn unreadable_elements_are_hidden_and_harm_no_others() {
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

/// (spec: redis.md#reload)
#[tokio::test]
async fn a_rebuilt_cache_is_served_once_it_is_ready() {
    let (_redis, mut meeting, service, mut watcher) = start(reconciling).await;
    meeting.server.begin_rebuild().await;
    // Until it is ready the old meeting is served, to new clients as well.
    let mut other = service.browser().with_cookie(&meeting.log_in(3).await).watch().await;
    other.line().await.expect("everything");
    other.check(&meeting.view(3), "while the cache is being built");

    let mut elements = fixture();
    elements.retain(|key, _| !key.starts_with("motions/"));
    meeting.rebuild(LOWEST + 5_000, elements).await;
    for watcher in [&mut watcher, &mut other] {
        let line = watcher.line().await.expect("the stream stays open");
        assert_eq!((line.all_data, line.to_change_id), (true, LOWEST + 5_000));
        watcher.check(&meeting.view(3), "after the cache was rebuilt");
    }
    let change_id = meeting.mark().await;
    check_follows(&meeting, &mut watcher, change_id, "after a reset").await;
}

/// (spec: redis.md#going-back)
#[tokio::test]
async fn everything_is_sent_after_change_ids_went_back() {
    let (_redis, mut meeting, _service, mut watcher) = start(reconciling).await;
    for _ in 0..5 {
        let change_id = meeting.mark().await;
        watcher.until(change_id).await;
    }
    // As after a fail-over to a replica that lacked the last changes.
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
async fn broken_connections_to_redis_cost_only_time() {
    let (redis, mut meeting, _service, mut watcher) = start(|_| ()).await;
    for _ in 0..3 {
        redis.drop_connections();
        let change_id = meeting.mark().await;
        check_follows(&meeting, &mut watcher, change_id, "a broken connection").await;
        let opened = redis.connections_opened();
        redis.set_fault(Fault::Closed);
        within("an attempt to connect", async {
            while redis.connections_opened() == opened {
                tokio::task::yield_now().await;
            }
        })
        .await;
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
    within("the reason", async { while service.browser().health().await.1 != expected {} }).await;
    assert_eq!(service.browser().failure("/system/autoupdate").await.status, 503);
    meeting.server.set("cache_ready", b"ok").await;
    service.browser().until_healthy().await;
    let mut watcher = service.browser().watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(0), "anonymous");
}

/// Checks that a program that starts after the loss reports it once and is not healthy, and that a running one keeps
/// its meeting.
async fn check_incomplete(lose: impl AsyncFn(&mut Meeting), missing: &str) {
    let (redis, mut meeting, service, mut watcher) = start(reconciling).await;
    lose(&mut meeting).await;
    let mut process = Process::serve(redis.port(), &[("LOG_LEVEL", "debug")]).await;
    let line = process.until_logged("no meeting yet").await;
    let part = |name: &str| line[name].as_str().unwrap_or_default();
    assert!(part("error").contains(missing) && part("advice").contains("eviction"), "{line}");
    let reason = format!("the meeting in Redis is incomplete: {missing}");
    let is_reported =
        async || process.browser().health().await.1["reason"].as_str().is_some_and(|text| text.contains(&reason));
    within("the reason", async { while !is_reported().await {} }).await;
    assert_eq!(process.browser().failure("/system/autoupdate").await.status, 503);

    // Further attempts are not logged as warnings.
    process.until_logged("still no meeting").await;

    let mut other = service.browser().with_cookie(&meeting.log_in(3).await).watch().await;
    other.line().await.expect("everything");
    other.check(&meeting.view(3), missing);

    // After a rebuild the meeting is served to all, and clients that waited receive nothing else.
    meeting.rebuild(LOWEST + 5_000, fixture()).await;
    process.browser().until_healthy().await;
    for watcher in [&mut watcher, &mut other] {
        // Changes from before the loss may arrive first.
        let lines = watcher.until(LOWEST + 5_000).await;
        assert!(lines.last().is_some_and(|line| line.all_data), "{missing}");
        watcher.check(&meeting.view(3), missing);
    }
    process.until_logged("meeting loaded").await;
    // During the rebuild the cache is not ready, which is a different reason.
    let is_warning = |line: &&String| line.contains("no meeting yet") && line.contains("incomplete");
    assert_eq!(process.logged.iter().filter(is_warning).count(), 1, "{:#?}", process.logged);
}

/// (spec: redis.md#no-meeting)
#[tokio::test]
async fn an_incomplete_cache_is_not_served() {
    check_incomplete(async |meeting| meeting.server.lose(MeetingPart::Elements).await, "`full_data`").await;
    check_incomplete(async |meeting| meeting.server.lose(MeetingPart::ChangeIds).await, "`change_id`").await;
    let lose_lowest = async |meeting: &mut Meeting| {
        meeting.mark().await;
        meeting.server.lose(MeetingPart::LowestChangeId).await;
    };
    check_incomplete(lose_lowest, "the lowest change id").await;
    // The server continues after the loss, and writes its changes into an empty hash.
    let lose_and_write = async |meeting: &mut Meeting| {
        meeting.server.lose(MeetingPart::Elements).await;
        meeting.server.write_as(ChangeId(LOWEST), &[("core/tag:998", None)]).await;
        meeting.mark().await;
    };
    check_incomplete(lose_and_write, "the configuration").await;
}

/// After a gap the service reads what it missed, which by then has been lost: it must not look deleted.
#[tokio::test]
async fn elements_lost_before_they_were_read_do_not_count_as_deleted() {
    let (redis, mut meeting, _service, mut watcher) = start(|_| ()).await;
    let motion = meeting.with("motions/motion:1", json!({"title": "changed, and lost"}));
    meeting.write(&[("motions/motion:1", motion)]).await;
    meeting.server.lose(MeetingPart::Elements).await;
    redis.take_commands();
    meeting.server.announce(ChangeId(LOWEST + 3), &[("core/tag:997", None)]).await;
    within("the request for what was missed", async {
        while !redis.take_commands().iter().any(|command| command == "ZRANGEBYSCORE") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Nothing is sent until the server has filled its cache again.
    let elements = meeting.elements.clone();
    meeting.rebuild(LOWEST + 5_000, elements).await;
    meeting.server.append(Channel::Autoupdate, &[b"another gap"]).await;
    let line = watcher.line().await.expect("the stream stays open");
    assert_eq!((line.all_data, line.to_change_id), (true, LOWEST + 5_000));
    watcher.check(&meeting.view(3), "after the loss");
}
