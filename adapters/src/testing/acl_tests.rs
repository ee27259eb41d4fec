//! Which rights does the service's Redis user need? Exactly those that the operations manual lists.

use std::collections::HashMap;
use std::time::Duration;

use domain::ids::{ChangeId, UserId};
use domain::ports::applause_store::ApplauseStore;
use domain::ports::authenticator::SessionKey;
use domain::ports::element_store::ElementStore;
use domain::ports::message_bus::{Channel, MessageBus, Position};

use super::openslides::OpenSlides;
use super::redis_server::RedisServer;
use crate::django::SessionStore;
use crate::redis::{
    Redis, RedisAddress, RedisApplauseStore, RedisElementStore, RedisLimits, RedisMessageBus, RedisSessions,
    needed_commands,
};

/// The needed commands, as the operations manual lists them.
fn commands() -> String {
    needed_commands().map(|name| format!("+{name}")).collect::<Vec<_>>().join(" ")
}

const KEYS: &str = "~cache_ready ~full_data ~change_id ~autoupdate ~notify ~applause ~session:*";

/// Recreates the user with these rights.
async fn allow(server: &RedisServer, commands: &str, keys: &str) {
    let rules = format!("{keys} {commands}");
    let mut command = vec!["ACL", "SETUSER", "autoupdate", "reset", "on", ">geheim"];
    command.extend(rules.split_whitespace());
    server.run::<String>(&command).await;
    server.run::<String>(&["ACL", "LOG", "RESET"]).await;
}

/// Runs everything that the service does in Redis, whether allowed or not. Returns what was refused.
async fn use_all(server: &RedisServer) -> Vec<String> {
    let address: RedisAddress =
        format!("redis://autoupdate:geheim@127.0.0.1:{}", server.port()).parse().expect("an address");
    let limits = RedisLimits { read_wait: Duration::from_millis(1), ..RedisLimits::default() };
    let redis = Redis::new(&address, &address, limits).expect("an address");
    let (store, bus) = (RedisElementStore::new(&redis), RedisMessageBus::new(&redis));
    let (applause, sessions) = (RedisApplauseStore::new(&redis), RedisSessions::new(&redis, "session:"));
    let key = SessionKey("one".to_owned());
    let mut refused: Vec<Option<String>> = vec![
        store.load().await.err().map(|error| error.to_string()),
        store.bounds().await.err().map(|error| error.to_string()),
        store.changed_since(ChangeId(100), Position::START).await.err().map(|error| error.to_string()),
        bus.publish_notify("{}").await.err().map(|error| error.to_string()),
        applause.applaud(UserId(1)).await.err().map(|error| error.to_string()),
        applause.count_within(5).await.err().map(|error| error.to_string()),
        applause.forget_older_than(5).await.err().map(|error| error.to_string()),
        SessionStore::get(&sessions, &key).await.err().map(|error| error.to_string()),
        SessionStore::exist(&sessions, std::slice::from_ref(&key)).await.err().map(|error| error.to_string()),
    ];
    for channel in [Channel::Autoupdate, Channel::Notify] {
        refused.push(bus.last_position(channel).await.err().map(|error| error.to_string()));
        for after in [Position::START, Position::from_numbers([1, 0])] {
            refused.push(bus.read(channel, after).await.err().map(|error| error.to_string()));
        }
    }
    let logged: Vec<HashMap<String, redis::Value>> = server.run(&["ACL", "LOG"]).await;
    let objects = logged.iter().map(|entry| format!("{:?}", entry.get("object")));
    // The client library announces its name with this command, and carries on if it is refused.
    refused.extend(objects.filter(|object| !object.contains("client|setinfo")).map(Some));
    refused.into_iter().flatten().collect()
}

/// What `autoupdate check` reports as refused.
async fn refused_to_check(server: &RedisServer) -> Vec<String> {
    let address: RedisAddress =
        format!("redis://autoupdate:geheim@127.0.0.1:{}", server.port()).parse().expect("an address");
    let redis = Redis::new(&address, &address, RedisLimits::default()).expect("an address");
    let rights = redis.rights("session:").await;
    rights.into_iter().flat_map(|one| one.refused.expect("an answer")).map(|refused| refused.what).collect()
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn the_service_needs_these_rights_and_no_others() {
    let server = RedisServer::start().await.expect("a Redis");
    let openslides = OpenSlides::new(&server.address());
    openslides.rebuild(ChangeId(100), &[("a:1", "{}")]).await;
    openslides.change(&[("a:1", Some("{}"))]).await;
    let commands = commands();
    allow(&server, &commands, KEYS).await;
    assert_eq!(use_all(&server).await, Vec::<String>::new());
    assert_eq!(refused_to_check(&server).await, Vec::<String>::new());
    for left_out in commands.split_whitespace() {
        let others: Vec<_> = commands.split_whitespace().filter(|command| *command != left_out).collect();
        allow(&server, &others.join(" "), KEYS).await;
        assert_ne!(use_all(&server).await, Vec::<String>::new(), "without {left_out}");
        let refused = refused_to_check(&server).await;
        let name = left_out.trim_start_matches('+').to_uppercase();
        assert!(!refused.is_empty() && refused.iter().all(|what| what.starts_with(&name)), "{name}: {refused:?}");
    }
    for left_out in KEYS.split_whitespace() {
        let others: Vec<_> = KEYS.split_whitespace().filter(|key| *key != left_out).collect();
        allow(&server, &commands, &others.join(" ")).await;
        assert_ne!(use_all(&server).await, Vec::<String>::new(), "without {left_out}");
    }
}

#[test]
fn the_operations_manual_lists_them() {
    let manual = include_str!("../../../docs/OPERATIONS.md");
    let words: Vec<_> = manual.split_whitespace().collect();
    for rights in [&*commands(), KEYS] {
        let rights: Vec<_> = rights.split_whitespace().collect();
        assert!(
            words.windows(rights.len()).any(|window| window == rights),
            "docs/OPERATIONS.md must contain: {rights:?}"
        );
    }
}
