//! Is a recorded meeting the same meeting, without anything that was said in it? From one real Redis into another.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use domain::collection::Collection;
use domain::ids::ElementKey;
use domain::testing::generator::Generated;
use load::publisher::{Change, Publisher};
use load::recording::{Playing, Recorded, record, replay};
use serde_json::{Value, json};

use crate::{PLAN, Redis, access};

/// A text that must not be in a recording.
const SECRET: &str = "Geheimnis";

fn tag(id: u64, name: &str) -> (ElementKey, Option<String>) {
    (ElementKey::new(Collection::Tag, id), Some(json!({"id": id, "name": name}).to_string()))
}

fn playing() -> Playing {
    Playing { speed: 0.0, access: access() }
}

/// The meeting in a Redis: elements, and change ids.
async fn content(redis: &Redis) -> (BTreeMap<String, Value>, BTreeMap<String, u64>) {
    let client = redis::Client::open(redis.url.as_str()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let elements: BTreeMap<String, String> =
        redis::cmd("HGETALL").arg("full_data").query_async(&mut connection).await.expect("Redis");
    let ids: Vec<(String, f64)> = redis::cmd("ZRANGE")
        .arg(&["change_id", "0", "-1", "WITHSCORES"])
        .query_async(&mut connection)
        .await
        .expect("Redis");
    let parsed = elements.into_iter().map(|(key, text)| (key, serde_json::from_str(&text).expect("JSON")));
    (parsed.collect(), ids.into_iter().map(|(key, score)| (key, score as u64)).collect())
}

/// Appends an entry to the stream of changes.
async fn append(redis: &Redis, content: &str) {
    let client = redis::Client::open(redis.url.as_str()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let mut append = redis::cmd("XADD");
    append.arg("autoupdate").arg("*").arg("content").arg(content);
    append.query_async::<()>(&mut connection).await.expect("Redis");
}

/// Returns the contents of the stream of changes.
async fn stream(redis: &Redis) -> Vec<String> {
    let client = redis::Client::open(redis.url.as_str()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let entries: redis::streams::StreamRangeReply =
        redis::cmd("XRANGE").arg(&["autoupdate", "-", "+"]).query_async(&mut connection).await.expect("Redis");
    entries.ids.iter().filter_map(|entry| entry.get("content")).collect()
}

/// Records while changes are published, until they are recorded.
async fn record_changes(redis: &Redis, publisher: &mut Publisher, file: &Path, changes: &[Change]) -> Recorded {
    let publishing = async {
        // Changes before the snapshot would be part of it.
        tokio::time::sleep(Duration::from_secs(1)).await;
        for change in changes {
            publisher.publish(change).await.expect("Redis");
        }
        // One that was late and is part of the snapshot, and one that is no change at all.
        append(redis, "{\"elements\":{},\"change_id\":1}").await;
        append(redis, "Geheimnis").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    record(&redis.url, file, Duration::from_secs(60), publishing).await.expect("a recording")
}

/// Returns what of a meeting must be the same: numbers, flags, and how everything is nested.
fn structure(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::Bool(text.is_empty()),
        Value::Array(values) => Value::Array(values.iter().map(structure).collect()),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), structure(value))).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_replayed_recording_is_the_same_meeting_without_its_texts() {
    let (one, mut publisher) = Redis::start().await;
    publisher.fill(&Generated::new(PLAN), &access(), false).await.expect("an empty Redis");
    publisher.publish(&vec![tag(1, SECRET)]).await.expect("Redis");
    let deleted = ElementKey::new(Collection::Tag, 2);
    let changes =
        [vec![tag(1, "Geheimnis von Ada"), tag(2, SECRET)], vec![(deleted, None)], vec![tag(3, "das Geheimnis")]];
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("meeting.jsonl.gz");
    let recorded = record_changes(&one, &mut publisher, &file, &changes).await;
    assert_eq!((recorded.changes, recorded.was_rebuilt), (4, false));

    let mut text = String::new();
    let gzip = std::fs::File::open(&file).map(flate2::read::MultiGzDecoder::new);
    gzip.expect("the file").read_to_string(&mut text).expect("text");
    let (before, ids_before) = content(&one).await;
    assert!(!text.contains(SECRET) && !text.contains("Ada"));
    let user = before.iter().find(|(key, _)| key.starts_with("users/user:")).expect("a user").1;
    for field in ["username", "last_name", "session_auth_hash"] {
        let word = user[field].as_str().expect("a text");
        assert!(word.len() < 4 || !text.contains(&format!("\"{word}\"")), "{field} is in the recording");
    }

    let (two, _) = Redis::start().await;
    let mut there = 0;
    let ready = |played: &load::recording::Played| {
        there = played.elements;
        Ok(())
    };
    let played = replay(&file, &two.url, &playing(), ready).await.expect("it can be played");
    let (after, ids_after) = content(&two).await;
    assert_eq!((played.elements, played.changes, there), (recorded.elements, 4, recorded.elements));
    assert_eq!(ids_before, ids_after);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (key, element) in &before {
        assert_eq!(structure(element), structure(&after[key]), "{key}");
    }
    assert!(!after.contains_key(&deleted.to_string()));
    assert!(!played.sessions.is_empty());
    let entries = stream(&two).await;
    assert_eq!((entries.len(), entries.last().map(String::as_str)), (4, Some("#########")));
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn only_an_empty_redis_is_written_to_and_only_a_meeting_is_recorded() {
    let (redis, mut publisher) = Redis::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("meeting.jsonl.zst");
    let nothing = record(&redis.url, &file, Duration::ZERO, std::future::pending()).await;
    assert!(nothing.expect_err("no meeting").to_string().contains("no complete meeting"));
    assert!(!file.exists());

    publisher.fill(&Generated::new(PLAN), &access(), false).await.expect("an empty Redis");
    record(&redis.url, &file, Duration::ZERO, std::future::pending()).await.expect("a recording");
    let before = content(&redis).await;
    let refused = replay(&file, &redis.url, &playing(), |_| Ok(())).await.expect_err("it is not empty").to_string();
    assert!(refused.contains("not empty"), "{refused}");
    assert_eq!(content(&redis).await, before);
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_recording_that_was_cut_off_or_has_another_version_is_refused() {
    let (redis, _) = Redis::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("meeting.jsonl");
    let failure = async |text: &str| {
        std::fs::write(&file, text).expect("a file");
        replay(&file, &redis.url, &playing(), |_| Ok(())).await.expect_err("it fails").to_string()
    };
    let other = "{\"autoupdate_recording\":{\"version\":99,\"lowest_change_id\":1}}\n";
    assert!(failure(other).await.contains("version 99"));
    assert!(failure("{\"end\":{\"at_ms\":1,\"changes\":0}}\n").await.contains("not a recording"));
    let cut = "{\"autoupdate_recording\":{\"version\":1,\"lowest_change_id\":1}}\n";
    assert!(failure(cut).await.contains("cut off"));
}
