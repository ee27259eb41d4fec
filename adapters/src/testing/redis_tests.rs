//! What does the Redis adapter do when Redis changes between requests, fails, stalls, was demoted, or wants a password?

use std::time::Duration;

use domain::ids::{ChangeId, UserId};
use domain::ports::applause_store::ApplauseStore;
use domain::ports::element_store::{Bounds, ElementStore, RawElement, StoreError};
use domain::ports::message_bus::{Channel, MessageBus, Position};

use super::fake_redis::{FakeRedis, Fault};
use super::openslides::OpenSlides;
use super::redis_server::RedisServer;
use super::tls_front::behind_tls;
use crate::redis::{Redis, RedisAddress, RedisApplauseStore, RedisElementStore, RedisLimits, RedisMessageBus};

async fn fake() -> (FakeRedis, OpenSlides, Redis) {
    let fake = FakeRedis::start().await.expect("a port");
    let openslides = OpenSlides::new(&fake.address());
    let redis = redis(&fake.address());
    (fake, openslides, redis)
}

/// A meeting needs at least one element.
const SOME: [(&str, &str); 1] = [("a:0", "{}")];

fn redis(address: &RedisAddress) -> Redis {
    Redis::new(address, address, RedisLimits::default()).expect("an address")
}

fn bounds(lowest: u64, highest: u64) -> Bounds {
    Bounds { lowest: ChangeId(lowest), highest: ChangeId(highest) }
}

fn element(key: &str, json: Option<&str>) -> RawElement {
    RawElement { key: key.as_bytes().to_vec(), json: json.map(|json| json.as_bytes().to_vec()) }
}

/// (spec: redis.md#catch-up, stream.md#order)
#[tokio::test]
async fn a_change_made_while_catching_up_is_not_split() {
    let (fake, openslides, redis) = fake().await;
    openslides.rebuild(ChangeId(100), &[("a:1", "{}"), ("a:2", "{}")]).await;
    openslides.write(&[("a:1", Some("{\"at\":101}"))]).await;
    // After the keys were read, one of them changes together with another one.
    fake.after("EXEC", |commands| {
        commands.run("HSET full_data a:1 {\"at\":102} a:2 {\"at\":102}");
        commands.run("ZADD change_id 102 a:1 102 a:2");
    });
    let changed =
        RedisElementStore::new(&redis).changed_since(ChangeId(100), Position::START).await.expect("an answer");
    assert_eq!(changed.bounds, bounds(100, 102));
    assert_eq!(changed.elements, [element("a:1", Some("{\"at\":102}")), element("a:2", Some("{\"at\":102}"))]);
}

/// (spec: redis.md#catch-up, redis.md#rebuild)
#[tokio::test]
async fn a_cache_rebuilt_while_catching_up_is_noticed() {
    let (fake, openslides, redis) = fake().await;
    let store = RedisElementStore::new(&redis);
    openslides.rebuild(ChangeId(100), &[("a:1", "{}")]).await;
    openslides.write(&[("a:1", Some("{\"at\":101}"))]).await;
    fake.after("EXEC", |commands| {
        commands.run("DEL cache_ready change_id full_data");
        commands.run("ZADD change_id 5000 _config:lowest_change_id");
    });
    assert_eq!(store.changed_since(ChangeId(100), Position::START).await, Err(StoreError::NotReady));

    openslides.rebuild(ChangeId(100), &[("a:1", "{}")]).await;
    openslides.write(&[("a:1", Some("{\"at\":101}"))]).await;
    fake.after("EXEC", |commands| {
        commands.run("DEL change_id full_data");
        commands.run("HSET full_data b:1 {}");
        commands.run("ZADD change_id 5000 _config:lowest_change_id");
    });
    let changed = store.changed_since(ChangeId(100), Position::START).await.expect("an answer");
    assert_eq!(
        (changed.bounds, changed.elements),
        (bounds(5000, 5000), vec![]),
        "the old key must not count as deleted"
    );
}

#[tokio::test]
async fn endless_changes_end_in_a_clear_error() {
    fn keep_changing(fake: FakeRedis, id: u64) {
        fake.clone().after("EXEC", move |commands| {
            commands.run(&format!("ZADD change_id {id} a:{id}"));
            keep_changing(fake, id + 1);
        });
    }
    let (fake, openslides, redis) = fake().await;
    openslides.rebuild(ChangeId(100), &SOME).await;
    keep_changing(fake, 101);
    openslides.write(&[("a:1", None)]).await;
    let Err(StoreError::Unavailable(error)) =
        RedisElementStore::new(&redis).changed_since(ChangeId(100), Position::START).await
    else {
        panic!("never complete");
    };
    assert!(error.to_string().contains("in each of 10 attempts") && error.to_string().contains("try again"), "{error}");
}

#[tokio::test]
async fn keys_of_another_type_are_an_error_that_harms_no_later_request() {
    let (fake, openslides, redis) = fake().await;
    let store = RedisElementStore::new(&redis);
    for key in ["full_data", "change_id", "cache_ready"] {
        openslides.clear().await;
        openslides.rebuild(ChangeId(100), &[("a:1", "{}")]).await;
        openslides.set_other_type(key).await;
        let Err(StoreError::Unavailable(error)) = store.load().await else { panic!("{key}: not an error") };
        assert!(error.to_string().contains("wrong kind"), "{error}");
    }
    let opened = fake.connections_opened();
    openslides.clear().await;
    openslides.rebuild(ChangeId(100), &SOME).await;
    assert_eq!(store.bounds().await, Ok(bounds(100, 100)));
    assert_eq!(fake.connections_opened(), opened, "the connection was usable throughout");
}

/// (spec: redis.md#keys)
#[tokio::test]
async fn a_cache_with_another_word_than_ok_is_not_ready() {
    let (_fake, openslides, redis) = fake().await;
    openslides.rebuild(ChangeId(100), &SOME).await;
    openslides.set("cache_ready", b"building").await;
    assert_eq!(RedisElementStore::new(&redis).load().await, Err(StoreError::NotReady));
}

#[tokio::test]
async fn an_entry_without_content_is_returned_empty() {
    let (_fake, openslides, redis) = fake().await;
    openslides.append_fields(Channel::Autoupdate, &[("other", "1")]).await;
    openslides.append_fields(Channel::Autoupdate, &[("other", "1"), ("content", "{}")]).await;
    let batch = RedisMessageBus::new(&redis).read(Channel::Autoupdate, Position::START).await.expect("messages");
    let contents: Vec<_> = batch.messages.iter().map(|message| message.content.as_slice()).collect();
    assert_eq!(contents, [&b""[..], b"{}"]);
}

/// The clock of the fake Redis does not move, and shows another year than this machine's.
/// (spec: notify.md#applause-clock)
#[tokio::test]
async fn applause_is_timed_by_the_clock_of_redis() {
    let (fake, _openslides, redis) = fake().await;
    let store = RedisApplauseStore::new(&redis);
    store.applaud(UserId(1)).await.expect("the store answers");
    fake.let_seconds_pass(5);
    assert_eq!((store.count_within(5).await, store.count_within(4).await), (Ok(1), Ok(0)));
    store.forget_older_than(5).await.expect("the store answers");
    assert_eq!(store.count_within(5).await, Ok(1));
    fake.let_seconds_pass(1);
    assert_eq!((store.count_within(6).await, store.count_within(5).await), (Ok(1), Ok(0)));
    store.forget_older_than(5).await.expect("the store answers");
    assert_eq!(store.count_within(6).await, Ok(0));
}

#[tokio::test]
async fn a_demoted_primary_is_abandoned_for_the_new_one() {
    let (fake, _openslides, redis) = fake().await;
    let store = RedisApplauseStore::new(&redis);
    // Two concurrent requests open two connections, both of which stay in the pool.
    let (one, two) = tokio::join!(store.applaud(UserId(1)), store.applaud(UserId(2)));
    assert_eq!((one, two, fake.connections_opened()), (Ok(()), Ok(()), 2));
    fake.demote_open_connections();
    store.applaud(UserId(3)).await.expect("a new connection leads to the new primary");
    assert_eq!(store.count_within(5).await, Ok(3));
    fake.demote();
    let error = store.applaud(UserId(4)).await.expect_err("no primary at all").to_string();
    assert!(error.contains("noting applause") && error.contains("read only"), "{error}");
}

#[tokio::test]
async fn closed_connections_are_replaced() {
    let (fake, openslides, redis) = fake().await;
    let (store, bus) = (RedisElementStore::new(&redis), RedisMessageBus::new(&redis));
    openslides.rebuild(ChangeId(100), &SOME).await;
    openslides.append(Channel::Autoupdate, &[b"one"]).await;
    assert_eq!(bus.read(Channel::Autoupdate, Position::START).await.map(|batch| batch.messages.len()), Ok(1));
    assert_eq!(store.bounds().await, Ok(bounds(100, 100)));
    fake.drop_connections();
    assert_eq!(store.bounds().await, Ok(bounds(100, 100)), "a pooled connection is checked before it is used");
    assert!(bus.read(Channel::Autoupdate, Position::START).await.is_err());
    assert_eq!(bus.read(Channel::Autoupdate, Position::START).await.map(|batch| batch.messages.len()), Ok(1));
}

/// Over in-memory streams time can be paused, so the test need not wait for the limits.
#[tokio::test(start_paused = true)]
async fn a_redis_that_stalls_is_unavailable_within_the_limits() {
    let (fake, openslides, _) = fake().await;
    openslides.rebuild(ChangeId(100), &SOME).await;
    let limits = RedisLimits::default();
    let redis = Redis::over(fake.transport(), fake.transport(), limits);
    let (store, bus, applause) =
        (RedisElementStore::new(&redis), RedisMessageBus::new(&redis), RedisApplauseStore::new(&redis));
    assert_eq!(store.bounds().await, Ok(bounds(100, 100)));
    assert_eq!(takes(bus.read(Channel::Notify, Position::START)).await, (true, limits.read_wait), "nothing to read");
    fake.set_fault(Fault::Stalled);
    assert_eq!(takes(store.bounds()).await, (false, limits.request));
    assert_eq!(takes(applause.applaud(UserId(1))).await, (false, limits.request));
    assert_eq!(takes(store.load()).await, (false, limits.load));
    // The reader's connection is already open: it waits as long as a read may take.
    let (is_ok, elapsed) = takes(bus.read(Channel::Notify, Position::START)).await;
    assert_eq!((is_ok, elapsed), (false, limits.read_wait + limits.read_margin));
    assert_eq!(takes(bus.read(Channel::Notify, Position::START)).await, (false, limits.connect), "reconnected");
    fake.set_fault(Fault::None);
    assert_eq!(store.bounds().await, Ok(bounds(100, 100)));
}

async fn takes<T, E>(future: impl Future<Output = Result<T, E>>) -> (bool, Duration) {
    let start = tokio::time::Instant::now();
    let is_ok = future.await.is_ok();
    let milliseconds = u64::try_from(start.elapsed().as_millis()).expect("a short time");
    // Timers are accurate to a millisecond.
    (is_ok, Duration::from_millis(milliseconds / 10 * 10))
}

#[tokio::test]
async fn a_cancelled_request_leaves_no_connection_in_the_pool() {
    let (fake, openslides, redis) = fake().await;
    openslides.rebuild(ChangeId(100), &SOME).await;
    let store = RedisElementStore::new(&redis);
    assert_eq!(store.bounds().await, Ok(bounds(100, 100)));
    let opened = fake.connections_opened();
    fake.set_fault(Fault::Stalled);
    let given_up = tokio::time::timeout(Duration::from_millis(1), store.bounds()).await;
    assert!(given_up.is_err());
    fake.set_fault(Fault::None);
    assert_eq!(store.bounds().await, Ok(bounds(100, 100)));
    assert_eq!(fake.connections_opened(), opened + 1);
}

/// Later requests must not have to find out one by one that the pooled connections are dead.
#[tokio::test]
async fn a_request_that_times_out_leaves_no_idle_connection_behind() {
    let (fake, openslides, _) = fake().await;
    openslides.rebuild(ChangeId(100), &SOME).await;
    let limits = RedisLimits { load: Duration::from_millis(20), ..RedisLimits::default() };
    let store = RedisElementStore::new(&Redis::new(&fake.address(), &fake.address(), limits).expect("an address"));
    let (one, two) = tokio::join!(store.bounds(), store.bounds());
    assert!(one.is_ok() && two.is_ok());
    let opened = fake.connections_opened();
    fake.set_fault(Fault::Stalled);
    assert!(store.load().await.is_err());
    fake.set_fault(Fault::None);
    assert_eq!(store.bounds().await, Ok(bounds(100, 100)));
    assert_eq!(fake.connections_opened(), opened + 1);
}

/// (spec: redis.md#servers)
#[tokio::test]
async fn password_and_database_are_used_and_never_shown() {
    let fake = FakeRedis::start().await.expect("a port");
    fake.require_password("geheim");
    let address = |login: &str, path: &str| -> RedisAddress {
        format!("redis://{login}127.0.0.1:{}{path}", fake.port()).parse().expect("an address")
    };
    let [database_0, database_3] = [address(":geheim@", ""), address("ada:geheim@", "/3")];
    OpenSlides::new(&database_3).rebuild(ChangeId(100), &SOME).await;
    assert_eq!(RedisElementStore::new(&redis(&database_3)).bounds().await, Ok(bounds(100, 100)));
    assert_eq!(RedisElementStore::new(&redis(&database_0)).bounds().await, Err(StoreError::NotReady));
    for login in [":falsch@", ""] {
        let answer = RedisElementStore::new(&redis(&address(login, "/3"))).bounds().await;
        let Err(StoreError::Unavailable(error)) = answer else { panic!("{answer:?}") };
        assert!(!error.to_string().contains("geheim") && !error.to_string().contains("falsch"), "{error}");
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn tls_requires_a_trusted_certificate_for_the_host() {
    let (fake, openslides, _) = fake().await;
    openslides.rebuild(ChangeId(100), &SOME).await;
    let (port, authority) = behind_tls(&fake, "localhost").await;
    let address: RedisAddress = format!("rediss://localhost:{port}").parse().expect("an address");
    let trusting = redis(&address.clone().trusting(authority.clone()));
    assert_eq!(RedisElementStore::new(&trusting).bounds().await, Ok(bounds(100, 100)));
    assert_eq!(RedisMessageBus::new(&trusting).last_position(Channel::Notify).await, Ok(Position::START));

    let Err(StoreError::Unavailable(error)) = RedisElementStore::new(&redis(&address)).bounds().await else {
        panic!("the certificate must not be trusted");
    };
    assert!(error.to_string().contains("certificate"), "{error}");
    let elsewhere: RedisAddress = format!("rediss://127.0.0.1:{port}").parse().expect("an address");
    assert!(
        RedisElementStore::new(&redis(&elsewhere.trusting(authority))).bounds().await.is_err(),
        "the certificate is for another host"
    );
}

#[tokio::test]
async fn an_address_where_nothing_listens_is_unavailable() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let redis = redis(&RedisAddress::from_host("127.0.0.1", port));
    assert!(RedisElementStore::new(&redis).load().await.is_err());
    assert!(RedisMessageBus::new(&redis).read(Channel::Notify, Position::START).await.is_err());
}

/// After Redis is killed, started empty and filled with a new lowest id, the adapters recover without help.
#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn the_adapters_recover_when_a_real_redis_restarts() {
    let mut server = RedisServer::start().await.expect("a Redis");
    let openslides = OpenSlides::new(&server.address());
    let redis = redis(&server.address());
    let (store, bus) = (RedisElementStore::new(&redis), RedisMessageBus::new(&redis));
    openslides.rebuild(ChangeId(100), &SOME).await;
    openslides.change(&[("a:1", Some("{}"))]).await;
    assert_eq!(store.bounds().await, Ok(bounds(100, 101)));
    let before = bus.last_position(Channel::Autoupdate).await.expect("a position");
    assert_ne!(before, Position::START);
    server.kill().expect("it can be killed");
    assert!(store.bounds().await.is_err() && bus.read(Channel::Autoupdate, Position::START).await.is_err());
    server.restart().await.expect("it starts again");
    assert_eq!(store.bounds().await, Err(StoreError::NotReady));
    assert_eq!(bus.last_position(Channel::Autoupdate).await, Ok(Position::START), "it went back: a new epoch");
    openslides.rebuild(ChangeId(5_000), &[("a:1", "{}")]).await;
    assert_eq!(store.bounds().await, Ok(bounds(5_000, 5_000)));
}
