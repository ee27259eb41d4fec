//! When Redis refuses a command, does the error say what is refused and what to do? Is refusal distinguished from
//! silence?

use std::time::Duration;

use domain::ids::ChangeId;
use domain::ports::Unavailable;
use domain::ports::element_store::{ElementStore, StoreError};
use domain::ports::message_bus::{Channel, MessageBus, Position};

use super::fake_redis::{FakeRedis, Fault};
use super::openslides::OpenSlides;
use super::redis_server::RedisServer;
use super::tls_front::behind_tls;
use crate::redis::{Redis, RedisAddress, RedisElementStore, RedisLimits, RedisMessageBus};

fn redis(address: &RedisAddress) -> Redis {
    Redis::new(address, address, RedisLimits::default()).expect("an address")
}

async fn store_error(address: &RedisAddress) -> Unavailable {
    match RedisElementStore::new(&redis(address)).bounds().await {
        Err(StoreError::Unavailable(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// Checks that `error` is a refusal of which clients see `expected`, and whose text for the log contains `part` and no
/// secret.
#[track_caller]
fn check(error: &Unavailable, expected: &str, part: &str) {
    let Unavailable::Refused { what, cause, .. } = error else { panic!("{error:?} instead of {expected}") };
    assert_eq!(what, expected, "{cause}");
    assert!(cause.contains(part) && !cause.contains("geheim"), "{cause}");
}

/// (spec: redis.md#refusals)
#[tokio::test]
async fn every_refusal_names_its_command_also_in_a_transaction() {
    let fake = FakeRedis::start().await.expect("a port");
    OpenSlides::new(&fake.address()).rebuild(ChangeId(100), &[("a:1", "{}")]).await;
    let redis = redis(&fake.address());
    let (store, bus) = (RedisElementStore::new(&redis), RedisMessageBus::new(&redis));
    for (code, text) in [
        ("NOPERM", "this user has no permissions to run the command"),
        ("OOM", "command not allowed when used memory > 'maxmemory'."),
        ("MISCONF", "Redis is configured to save RDB snapshots, but it's currently unable to persist on disk."),
        ("LOADING", "Redis is loading the dataset in memory"),
        ("MASTERDOWN", "Link with MASTER is down"),
        ("NOREPLICAS", "Not enough good replicas to write."),
        ("BUSY", "Redis is busy running a script."),
        ("ERR", "unknown command 'X', with args beginning with: 'geheim'"),
    ] {
        fake.refuse("XADD", &format!("{code} {text}"));
        let error = bus.publish_notify("{}").await.expect_err(code);
        check(&error, &format!("the command XADD ({code})"), code);
        fake.refuse("HLEN", &format!("{code} {text}"));
        let Err(StoreError::Unavailable(error)) = store.bounds().await else { panic!("{code}") };
        check(&error, &format!("the command HLEN ({code})"), code);
        fake.refuse("XREAD", &format!("{code} {text}"));
        let error = bus.read(Channel::Notify, Position::START).await.expect_err(code);
        check(&error, &format!("the command XREAD ({code})"), code);
    }
    fake.refuse("", "");
    assert!(store.bounds().await.is_ok() && bus.publish_notify("{}").await.is_ok());
    fake.set_fault(Fault::Closed);
    assert!(matches!(bus.publish_notify("{}").await, Err(Unavailable::Silent { .. })));
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn refusals_of_a_real_redis_are_recognized() {
    let server = RedisServer::start().await.expect("a Redis");
    let openslides = OpenSlides::new(&server.address());
    openslides.rebuild(ChangeId(100), &[("a:1", "{}")]).await;
    let bus = RedisMessageBus::new(&redis(&server.address()));

    openslides.set("notify", b"no stream").await;
    let error = bus.publish_notify("{}").await.expect_err("another type");
    check(&error, "the command XADD (WRONGTYPE)", "WRONGTYPE");
    let error = bus.read(Channel::Notify, Position::START).await.expect_err("another type");
    check(&error, "the command XREAD (WRONGTYPE)", "WRONGTYPE");
    openslides.delete("notify").await;
    openslides.set_other_type("full_data").await;
    check(&store_error(&server.address()).await, "the command HLEN (WRONGTYPE)", "WRONGTYPE");
    openslides.rebuild(ChangeId(100), &[("a:1", "{}")]).await;

    server.run::<String>(&["CONFIG", "SET", "maxmemory", "1"]).await;
    check(&bus.publish_notify("{}").await.expect_err("full"), "the command XADD (OOM)", "maxmemory");
    server.run::<String>(&["CONFIG", "SET", "maxmemory", "0"]).await;

    server.run::<String>(&["ACL", "SETUSER", "ada", "on", ">geheim", "allkeys", "+@all", "-hlen", "-xadd"]).await;
    let of_ada: RedisAddress = format!("redis://ada:geheim@127.0.0.1:{}", server.port()).parse().expect("an address");
    check(&store_error(&of_ada).await, "the command HLEN (NOPERM)", "hlen");
    let error = RedisMessageBus::new(&redis(&of_ada)).publish_notify("{}").await.expect_err("not allowed");
    check(&error, "the command XADD (NOPERM)", "xadd");
    let wrong: RedisAddress =
        format!("redis://ada:falsch-geheim@127.0.0.1:{}", server.port()).parse().expect("an address");
    check(&store_error(&wrong).await, "the login", "authentication failed");
    let far: RedisAddress = format!("redis://127.0.0.1:{}/99", server.port()).parse().expect("an address");
    check(&store_error(&far).await, "the command SELECT", "out of range");

    server.run::<String>(&["REPLICAOF", "127.0.0.1", "1"]).await;
    check(&bus.publish_notify("{}").await.expect_err("a replica"), "the command XADD (READONLY)", "READONLY");
    server.run::<String>(&["REPLICAOF", "NO", "ONE"]).await;

    server.run::<String>(&["CONFIG", "SET", "requirepass", "geheim"]).await;
    check(&store_error(&server.address()).await, "the login", "NOAUTH");
    let error = RedisMessageBus::new(&redis(&server.address())).publish_notify("{}").await.expect_err("no login");
    check(&error, "the login", "NOAUTH");
}

/// A connection that the service itself rejects, because it does not trust the certificate, is not a refusal by Redis.
#[tokio::test]
async fn an_untrusted_certificate_is_not_a_refusal() {
    let fake = FakeRedis::start().await.expect("a port");
    let (port, _) = behind_tls(&fake, "localhost").await;
    let address: RedisAddress = format!("rediss://localhost:{port}").parse().expect("an address");
    assert!(
        matches!(store_error(&address).await, Unavailable::Silent { cause, .. } if cause.contains("UnknownIssuer"))
    );
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn an_error_hints_at_redis_and_rediss_being_mixed_up() {
    let (fake, server) = (FakeRedis::start().await.expect("a port"), RedisServer::start().await.expect("a Redis"));
    let limits = RedisLimits { connect: Duration::from_millis(200), ..RedisLimits::default() };
    let error = async |url: String| {
        let address: RedisAddress = url.parse().expect("an address");
        let redis = Redis::new(&address, &address, limits).expect("an address");
        let pooled = RedisElementStore::new(&redis).bounds().await.expect_err("no answer").to_string();
        let reader = RedisMessageBus::new(&redis).read(Channel::Notify, Position::START).await;
        (pooled, reader.expect_err("no answer").to_string())
    };
    let (port, _) = behind_tls(&fake, "localhost").await;
    for (url, hint) in [
        (format!("rediss://127.0.0.1:{}", server.port()), "use redis:// in place of rediss://"),
        (format!("redis://localhost:{port}"), "use rediss:// in place of redis://"),
    ] {
        let (pooled, reader) = error(url.clone()).await;
        assert!(pooled.contains(hint) && reader.contains(hint), "{url}: {pooled} {reader}");
    }
    // A server that has answered before and is now gone does not suddenly speak another protocol: no hint.
    let redis = redis(&fake.address());
    assert!(RedisElementStore::new(&redis).bounds().await.is_err(), "nothing is there yet");
    fake.set_fault(Fault::Closed);
    let error = RedisElementStore::new(&redis).bounds().await.expect_err("no answer").to_string();
    assert!(!error.contains("TLS"), "{error}");
}
