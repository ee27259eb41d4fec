//! Is everything that a real server wrote during a meeting read back from Redis correctly?

use std::collections::{BTreeMap, HashSet};

use domain::ids::ChangeId;
use domain::ports::element_store::{ChangedSince, ElementStore, RawElement};
use domain::ports::message_bus::{Channel, MessageBus, Position};

use super::fake_redis::FakeRedis;
use super::openslides::OpenSlides;
use super::redis_server::RedisServer;
use super::trace::{Change, RecordedState, Replay, Trace};
use crate::redis::{Redis, RedisAddress, RedisElementStore, RedisLimits, RedisMessageBus};

type Elements = BTreeMap<String, Option<String>>;

/// (spec: redis.md#change-script, redis.md#one-score)
#[tokio::test]
async fn traces_are_read_from_a_fake_redis() {
    for name in ["meeting.json", "race.json"] {
        let fake = FakeRedis::start().await.expect("a port");
        check(name, &fake.address()).await;
    }
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn traces_are_read_from_a_real_redis() {
    for name in ["meeting.json", "race.json"] {
        let server = RedisServer::start().await.expect("a Redis");
        check(name, &server.address()).await;
    }
}

async fn check(name: &str, address: &RedisAddress) {
    let trace = Trace::read(name).expect("a readable trace");
    let server = OpenSlides::new(address);
    let redis = Redis::new(address, address, RedisLimits::default()).expect("an address");
    let (store, bus) = (RedisElementStore::new(&redis), RedisMessageBus::new(&redis));
    trace.write_initial(&server).await;
    let start = store.load().await.expect("the meeting");
    assert_eq!(elements(start.elements), whole(&trace.initial), "{name}: the beginning");
    assert_eq!(start.bounds.highest, highest(&trace.initial));

    let changes = trace.changes().expect("changes");
    let mut replay = Replay::new(&server, &changes);
    for change in &changes {
        replay.write(change).await;
        let caught_up = store.changed_since(ChangeId(change.id.0 - 1), Position::START).await.expect("the change");
        let keys: HashSet<_> = caught_up.elements.iter().map(|element| element.key.as_slice()).collect();
        assert!(change.elements.keys().all(|key| keys.contains(key.as_bytes())), "{name}: {}", change.id);
    }
    let end = store.load().await.expect("the meeting");
    assert_eq!(elements(end.elements), whole(&trace.end), "{name}: the end");
    assert_eq!(end.bounds.highest, highest(&trace.end));

    check_stream(name, &bus, &changes).await;
    let first = start.bounds.highest.0;
    for since in [first, first + 1, (first + end.bounds.highest.0) / 2, end.bounds.highest.0 - 1, end.bounds.highest.0]
    {
        let caught_up = store.changed_since(ChangeId(since), Position::START).await.expect("the changes");
        assert_eq!(caught_up.bounds, end.bounds);
        assert_eq!(elements(caught_up.elements), changed_since(&trace, since), "{name}: since {since}");
    }
    check_every_reader_arrives(name, &trace, &changes, &store).await;
}

/// Checks that every entry arrives, in stream order.
async fn check_stream(name: &str, bus: &RedisMessageBus, changes: &[Change]) {
    let (mut position, mut contents) = (Position::START, Vec::new());
    while contents.len() < changes.len() {
        let messages = bus.read(Channel::Autoupdate, position).await.expect("messages").messages;
        position = messages.last().expect("as many messages as were appended").position;
        contents.extend(messages.into_iter().map(|message| message.content));
    }
    let expected: Vec<_> = changes.iter().map(|change| change.content.as_bytes()).collect();
    assert_eq!(contents, expected, "{name}: the stream");
}

/// Checks that a reader who followed the changes up to any id and then catches up has the final elements.
async fn check_every_reader_arrives(name: &str, trace: &Trace, changes: &[Change], store: &RedisElementStore) {
    let mut in_order: Vec<_> = changes.iter().collect();
    in_order.sort_by_key(|change| change.id);
    let (mut known, end) = (whole(&trace.initial), whole(&trace.end));
    for (number, change) in in_order.into_iter().enumerate() {
        known.extend(change.elements.clone());
        if number % 80 == 0 {
            let ChangedSince { elements: changed, .. } =
                store.changed_since(change.id, Position::START).await.expect("the changes");
            let mut caught_up = known.clone();
            caught_up.extend(elements(changed));
            caught_up.retain(|_, json| json.is_some());
            assert_eq!(normal(caught_up), end, "{name}: from {}", change.id);
        }
    }
}

fn elements(raw: Vec<RawElement>) -> Elements {
    let text = |bytes| String::from_utf8(bytes).expect("a trace is text");
    let elements = raw.into_iter().map(|element| (text(element.key), element.json.map(text))).collect::<Elements>();
    normal(elements)
}

fn whole(state: &RecordedState) -> Elements {
    normal(state.full_data.iter().map(|(key, json)| (key.clone(), Some(json.clone()))).collect())
}

/// What changed after `since`, according to the final state.
fn changed_since(trace: &Trace, since: u64) -> Elements {
    let keys = trace.end.change_id.iter().filter(|(key, id)| *id > since && !key.starts_with("_config:"));
    normal(keys.map(|(key, _)| (key.clone(), trace.end.full_data.get(key).cloned())).collect())
}

fn highest(state: &RecordedState) -> ChangeId {
    ChangeId(state.change_id.iter().map(|(_, id)| *id).max().expect("a trace has change ids"))
}

/// Normalizes JSON texts: the final state and the stream entries differ in white space and escaping.
fn normal(elements: Elements) -> Elements {
    let normal = |json: String| serde_json::from_str::<serde_json::Value>(&json).expect("JSON").to_string();
    elements.into_iter().map(|(key, json)| (key, json.map(normal))).collect()
}
