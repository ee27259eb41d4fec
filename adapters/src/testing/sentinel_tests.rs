//! Is the primary that the sentinels name found, whatever happens to it and to them?

use std::time::Duration;

use domain::ids::{ChangeId, UserId};
use domain::ports::applause_store::ApplauseStore;
use domain::ports::element_store::{Bounds, ElementStore, StoreError};
use domain::ports::message_bus::{Channel, MessageBus, Position};
use tokio::time::timeout;

use super::fake_redis::{FakeRedis, Fault};
use super::openslides::OpenSlides;
use super::tls_front::behind_tls;
use crate::redis::{
    Redis, RedisAddress, RedisApplauseStore, RedisAuthority, RedisElementStore, RedisLimits, RedisMessageBus,
    RedisSentinels,
};

const NAME: &str = "the-meeting";
/// Only keeps a failing test from running for ever.
const WAIT: Duration = Duration::from_secs(60);

/// Two Redis servers with different meetings, and the sentinels that say which is the primary.
struct World {
    sentinels: [FakeRedis; 2],
    first: FakeRedis,
    second: FakeRedis,
}

const FIRST: u64 = 100;
const SECOND: u64 = 200;

impl World {
    async fn start() -> Self {
        let [one, two, first, second] = [fake().await, fake().await, filled(FIRST).await, filled(SECOND).await];
        second.demote();
        let world = Self { sentinels: [one, two], first, second };
        world.name(&world.first);
        world
    }

    fn name(&self, primary: &FakeRedis) {
        self.sentinels.iter().for_each(|sentinel| sentinel.name_primary(NAME, primary));
    }

    /// Makes the second server the primary, and the first one its replica.
    fn fail_over(&self) {
        self.first.demote();
        self.second.promote();
        self.name(&self.second);
    }

    fn settings(&self) -> RedisSentinels {
        let addresses = self.sentinels.each_ref().map(|sentinel| format!("127.0.0.1:{}", sentinel.port()));
        RedisSentinels {
            sentinels: addresses.join(",").parse().expect("addresses"),
            master: NAME.to_owned(),
            user: None,
            password: None,
            nodes: format!("redis://{NAME}").parse().expect("an address"),
        }
    }

    /// A client that asks the sentinels only when there is a reason.
    fn redis(&self) -> Redis {
        let limits = RedisLimits { sentinels_asked: WAIT, ..RedisLimits::default() };
        Redis::by_sentinel(&self.settings(), limits).expect("addresses")
    }
}

async fn fake() -> FakeRedis {
    FakeRedis::start().await.expect("a port")
}

async fn filled(lowest: u64) -> FakeRedis {
    let fake = fake().await;
    let openslides = OpenSlides::new(&fake.address());
    openslides.rebuild(ChangeId(lowest), &[("a:1", "{}")]).await;
    openslides.append(Channel::Autoupdate, &[lowest.to_string().as_bytes()]).await;
    fake
}

/// Checks that the store answered from the Redis that was filled with this id.
#[track_caller]
fn check(bounds: Result<Bounds, StoreError>, lowest: u64) {
    assert_eq!(bounds, Ok(Bounds { lowest: ChangeId(lowest), highest: ChangeId(lowest) }));
}

/// Checks that the stream is read from the Redis that was filled with this id.
async fn check_read(bus: &RedisMessageBus, lowest: u64) {
    let messages = bus.read(Channel::Autoupdate, Position::START).await.expect("messages").messages;
    let contents: Vec<_> = messages.into_iter().map(|message| message.content).collect();
    assert_eq!(contents, [lowest.to_string().into_bytes()]);
}

/// A store and a bus that have open connections to the first Redis.
async fn opened(redis: &Redis) -> (RedisElementStore, RedisMessageBus) {
    let (store, bus) = (RedisElementStore::new(redis), RedisMessageBus::new(redis));
    check(store.bounds().await, FIRST);
    check_read(&bus, FIRST).await;
    (store, bus)
}

#[tokio::test]
async fn reads_and_writes_go_to_the_primary() {
    let world = World::start().await;
    let redis = world.redis();
    let applause = RedisApplauseStore::new(&redis);
    let (store, _bus) = opened(&redis).await;
    applause.applaud(UserId(1)).await.expect("the primary takes it");
    assert!(!world.second.take_commands().contains(&"XREAD".to_owned()));
    assert_eq!((store.epoch(), redis.failures()), (0, 0));
}

#[tokio::test]
async fn a_primary_that_refuses_to_write_is_abandoned() {
    let world = World::start().await;
    let redis = world.redis();
    let applause = RedisApplauseStore::new(&redis);
    let (store, bus) = opened(&redis).await;
    world.fail_over();
    applause.applaud(UserId(1)).await.expect("the new primary takes it");
    assert_eq!(store.epoch(), 1);
    check(store.bounds().await, SECOND);
    // The reader switches as well, although none of its connections was cut.
    check_read(&bus, SECOND).await;
    assert_eq!(redis.failures(), 0);
}

#[tokio::test]
async fn a_primary_that_is_gone_is_abandoned() {
    let world = World::start().await;
    let redis = world.redis();
    let (store, bus) = opened(&redis).await;
    world.first.set_fault(Fault::Closed);
    assert!(store.bounds().await.is_err(), "the sentinels do not know yet");
    assert!(bus.read(Channel::Autoupdate, Position::START).await.is_err());
    world.fail_over();
    check(store.bounds().await, SECOND);
    check_read(&bus, SECOND).await;
}

#[tokio::test]
async fn a_reader_whose_connection_is_cut_finds_the_new_primary() {
    let world = World::start().await;
    let redis = world.redis();
    let (store, bus) = opened(&redis).await;
    world.fail_over();
    world.first.drop_connections();
    assert!(bus.read(Channel::Autoupdate, Position::START).await.is_err(), "the cut is noticed");
    check_read(&bus, SECOND).await;
    check(store.bounds().await, SECOND);
}

/// As with a network partition: nothing is refused, and no connection is cut.
#[tokio::test]
async fn a_primary_that_still_answers_is_abandoned_when_the_sentinels_name_another() {
    let world = World::start().await;
    let limits = RedisLimits { sentinels_asked: Duration::ZERO, ..RedisLimits::default() };
    let redis = Redis::by_sentinel(&world.settings(), limits).expect("addresses");
    let (store, bus) = opened(&redis).await;
    world.second.promote();
    world.name(&world.second);
    let second = ChangeId(SECOND);
    let followed = async { while store.bounds().await.expect("one of them answers").lowest != second {} };
    timeout(WAIT, followed).await.expect("the sentinels are asked again");
    check_read(&bus, SECOND).await;
}

/// As after a planned fail-over: the old primary stays as it is for a while, but new entries are written to the new one
/// (spec: redis.md#servers).
#[tokio::test]
async fn a_reader_that_waits_moves_to_the_new_primary() {
    let world = World::start().await;
    let limits = RedisLimits { sentinels_asked: WAIT, read_wait: 2 * WAIT, ..RedisLimits::default() };
    let redis = Redis::by_sentinel(&world.settings(), limits).expect("addresses");
    let (_store, bus) = opened(&redis).await;
    let applause = RedisApplauseStore::new(&redis);
    let after = bus.last_position(Channel::Autoupdate).await.expect("it answers");
    world.first.take_commands();
    let fail_over = async {
        while !world.first.take_commands().contains(&"XREAD".to_owned()) {
            tokio::task::yield_now().await;
        }
        world.fail_over();
        applause.applaud(UserId(1)).await.expect("the new primary takes it");
        OpenSlides::new(&world.second.address()).append(Channel::Autoupdate, &[b"later"]).await;
    };
    let both = async { tokio::join!(bus.read(Channel::Autoupdate, after), fail_over) };
    let (batch, ()) = timeout(WAIT, both).await.expect("it is read where it is written");
    let messages = batch.expect("the new primary answers").messages;
    assert_eq!(messages.last().map(|message| &*message.content), Some(b"later".as_slice()));
    assert_eq!(redis.failures(), 0);
}

#[tokio::test]
async fn a_sentinel_that_is_unreachable_or_wrong_is_skipped() {
    let world = World::start().await;
    let [one, two] = &world.sentinels;
    one.set_fault(Fault::Closed);
    check(RedisElementStore::new(&world.redis()).bounds().await, FIRST);
    one.set_fault(Fault::None);
    two.set_fault(Fault::Closed);
    check(RedisElementStore::new(&world.redis()).bounds().await, FIRST);
    two.set_fault(Fault::None);
    // The first sentinel does not know of the fail-over yet.
    world.fail_over();
    one.name_primary(NAME, &world.first);
    check(RedisElementStore::new(&world.redis()).bounds().await, SECOND);
    one.name_primary("another", &world.first);
    check(RedisElementStore::new(&world.redis()).bounds().await, SECOND);
}

#[tokio::test]
async fn a_working_primary_does_not_need_the_sentinels() {
    let world = World::start().await;
    let redis = world.redis();
    let (store, bus) = (RedisElementStore::new(&redis), RedisMessageBus::new(&redis));
    check(store.bounds().await, FIRST);
    world.sentinels.iter().for_each(|sentinel| sentinel.set_fault(Fault::Closed));
    world.first.drop_connections();
    check(store.bounds().await, FIRST);
    check_read(&bus, FIRST).await;
}

#[tokio::test]
async fn without_a_primary_the_error_says_what_is_wrong() {
    let world = World::start().await;
    let unavailable = async || match RedisElementStore::new(&world.redis()).bounds().await {
        Err(StoreError::Unavailable(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    world.first.demote();
    let error = unavailable().await;
    for part in [NAME, &world.sentinels[0].port().to_string(), "name no primary", "REDIS_SENTINEL_MASTER"] {
        assert!(error.contains(part), "{part} in {error}");
    }
    world.sentinels.iter().for_each(|sentinel| sentinel.set_fault(Fault::Closed));
    let error = unavailable().await;
    assert!(error.contains("name no primary"), "{error}");
}

#[tokio::test]
async fn sentinels_and_primary_have_separate_passwords() {
    let world = World::start().await;
    world.sentinels.iter().for_each(|sentinel| sentinel.require_password("geheim-1"));
    let nodes = |text: String| text.parse::<RedisAddress>().expect("an address");
    let at_first = nodes(format!("redis://ada:geheim-2@127.0.0.1:{}/3", world.first.port()));
    world.first.require_password("geheim-2");
    OpenSlides::new(&at_first).rebuild(ChangeId(300), &[("a:1", "{}")]).await;
    let mut settings = world.settings();
    settings.nodes = nodes(format!("redis://ada:geheim-2@{NAME}/3"));
    let bounds = async |settings: &RedisSentinels| {
        let redis = Redis::by_sentinel(settings, RedisLimits::default()).expect("addresses");
        RedisElementStore::new(&redis).bounds().await
    };
    let wrong = [(Some("geheim-2"), "geheim-2"), (None, "geheim-2"), (Some("geheim-1"), "geheim-1")];
    for (of_sentinels, of_primary) in wrong {
        settings.password = of_sentinels.map(str::to_owned);
        settings.nodes = nodes(format!("redis://ada:{of_primary}@{NAME}/3"));
        let Err(StoreError::Unavailable(error)) = bounds(&settings).await else { panic!("{of_sentinels:?}") };
        assert!(!error.to_string().contains("geheim"), "{error}");
    }
    settings.password = Some("geheim-1".to_owned());
    settings.nodes = nodes(format!("redis://ada:geheim-2@{NAME}/3"));
    check(bounds(&settings).await, 300);
}

#[tokio::test]
async fn sentinels_and_primary_may_each_speak_tls() {
    let world = World::start().await;
    let [sentinel, _] = &world.sentinels;
    let (at_sentinel, of_sentinel) = behind_tls(sentinel, "127.0.0.1").await;
    let (at_first, of_first) = behind_tls(&world.first, "127.0.0.1").await;
    let [plain, tls] = [format!("redis://{NAME}"), format!("rediss://{NAME}")];
    let bounds = async |sentinels: String, nodes: &str, authority: &RedisAuthority| {
        let sentinels = sentinels.parse().expect("an address");
        let nodes = nodes.parse::<RedisAddress>().expect("an address").trusting(authority.clone());
        let settings = RedisSentinels { sentinels, nodes, ..world.settings() };
        let redis = Redis::by_sentinel(&settings, RedisLimits::default()).expect("addresses");
        RedisElementStore::new(&redis).bounds().await
    };
    let (with_tls, without) = (format!("rediss://127.0.0.1:{at_sentinel}"), format!("127.0.0.1:{}", sentinel.port()));
    check(bounds(with_tls.clone(), &plain, &of_sentinel).await, FIRST);
    assert!(bounds(with_tls, &plain, &of_first).await.is_err(), "the sentinel's certificate is not trusted");
    sentinel.name_primary_at(NAME, at_first);
    check(bounds(without.clone(), &tls, &of_first).await, FIRST);
    assert!(bounds(without, &tls, &of_sentinel).await.is_err(), "the primary's certificate is not trusted");
}
