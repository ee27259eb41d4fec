//! What does a client get that reconnects with its change id? (spec: stream.md#first-line)

use adapters::testing::fake_redis::FakeRedis;
use domain::testing::client::Client;
use serde_json::json;

use crate::harness::{LOWEST, Meeting, Service};

/// A client of user 3 that has everything up to now.
fn client(meeting: &Meeting, change_id: u64) -> Client {
    Client { change_id, data: meeting.view(3) }
}

/// (spec: stream.md#from-history, stream.md#from-current)
#[tokio::test]
async fn from_every_id_of_the_past_a_client_gets_what_it_missed() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let browser = service.browser().with_cookie(&meeting.log_in(3).await);
    let mut clients = vec![client(&meeting, LOWEST)];
    for number in 0..6 {
        let motion = meeting.with("motions/motion:1", json!({"title": format!("Fassung {number}")}));
        let key = format!("topics/topic:{}", 700 + number);
        let change_id = match number % 3 {
            0 => meeting.change(&[("motions/motion:1", motion)]).await,
            1 => meeting.change(&[(&key, json!({"id": 700 + number, "title": "neu"}))]).await,
            _ => {
                let (key, group) = meeting.group(3, |permissions| permissions.retain(|one| one != "agenda.can_see"));
                meeting.change(&[(&key, group)]).await
            }
        };
        clients.push(client(&meeting, change_id));
    }
    let change_id = meeting.mark().await;
    // Waits until the service has seen the last change.
    browser.watch().await.until(change_id).await;
    for left in clients {
        let from = left.change_id;
        let mut watcher = browser.watch_from(left).await;
        let lines = watcher.until(change_id).await;
        assert_eq!((lines.len(), lines[0].all_data, lines[0].from_change_id), (1, false, from));
        watcher.check(&meeting.view(3), &format!("from {from}"));
    }
    // A client that has everything gets nothing until something changes.
    let mut watcher = browser.watch_from(client(&meeting, change_id)).await;
    let next = meeting.mark().await;
    assert_eq!(watcher.until(next).await[0].from_change_id, change_id);
}

/// (spec: stream.md#from-keys)
#[tokio::test]
async fn after_a_restart_missed_changes_are_looked_up_in_redis() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let cookie = meeting.log_in(3).await;
    for _ in 0..2 {
        let change_id = meeting.mark().await;
        let left = client(&meeting, change_id);
        let motion = meeting.with("motions/motion:1", json!({"title": "while the service was away"}));
        meeting.change(&[("motions/motion:1", motion), ("topics/topic:3", json!(null))]).await;
        let change_id = meeting.mark().await;
        let service = Service::ready(&redis.address(), |_| ()).await;
        let mut watcher = service.browser().with_cookie(&cookie).watch_from(left).await;
        let lines = watcher.until(change_id).await;
        assert!(!lines[0].all_data);
        assert!(lines[0].changed_keys().contains("motions/motion:1"));
        watcher.check(&meeting.view(3), "after a restart");
        service.stop().await;
    }
    // If something that decides visibility changed meanwhile, the exact difference is unknown.
    let change_id = meeting.mark().await;
    let left = client(&meeting, change_id);
    let (key, group) = meeting.group(3, |permissions| permissions.retain(|one| one != "motions.can_see"));
    let change_id = meeting.change(&[(&key, group)]).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let mut watcher = service.browser().with_cookie(&cookie).watch_from(left).await;
    assert!(watcher.until(change_id).await[0].all_data);
    watcher.check(&meeting.view(3), "after a restart and a change of rights");
}

/// (spec: stream.md#from-ahead)
#[tokio::test]
async fn a_client_of_an_instance_that_is_ahead_loses_nothing() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let browser = service.browser().with_cookie(&meeting.log_in(3).await);
    // Another instance has received this change, this one has not.
    let mark = meeting.marker();
    let ahead = meeting.write(&mark).await;
    let mut watcher = browser.watch_from(client(&meeting, ahead)).await;
    let motion = meeting.with("motions/motion:1", json!({"title": "after that"}));
    let change_id = meeting.change(&[("motions/motion:1", motion)]).await;
    let lines = watcher.until(change_id).await;
    assert_eq!((lines[0].all_data, lines[0].from_change_id), (false, ahead));
    watcher.check(&meeting.view(3), "ahead");
}

/// (spec: stream.md#from-zero)
#[tokio::test]
async fn a_client_with_an_unknown_change_id_gets_everything() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let change_id = meeting.mark().await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let browser = service.browser().with_cookie(&meeting.log_in(3).await);
    for from in [1, LOWEST - 1, change_id + 1, change_id + 1_000, i64::MAX.unsigned_abs()] {
        let mut stale = client(&meeting, from);
        stale.data.insert("motions/motion:9999".to_owned(), json!({"id": 9999}));
        let mut watcher = browser.watch_from(stale).await;
        let line = watcher.line().await.expect("everything");
        assert_eq!((line.all_data, line.from_change_id, line.to_change_id), (true, from, change_id));
        watcher.check(&meeting.view(3), &format!("from {from}"));
    }
}
