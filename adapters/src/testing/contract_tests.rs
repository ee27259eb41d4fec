//! Does every adapter keep the contract of its port?

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ids::{ChangeId, UserId};
use domain::ports::element_store::MeetingPart;
use domain::ports::message_bus::{Channel, Position};
use domain::testing::ManualClock;
use domain::testing::contract::{
    self, ApplauseStoreDriver, AuthenticatorDriver, ClockDriver, Driver, ElementStoreDriver, MessageBusDriver,
};
use tokio::sync::Mutex;

use super::fake_redis::{FakeRedis, Fault};
use super::openslides::OpenSlides;
use super::redis_server::RedisServer;
use crate::django::{DjangoAuthenticator, DjangoSecret};
use crate::memory::{
    MemoryApplauseStore, MemoryAuthenticator, MemoryElementStore, MemoryMessageBus, MemoryServer, MemorySessions,
};
use crate::redis::{
    Redis, RedisAddress, RedisApplauseStore, RedisElementStore, RedisLimits, RedisMessageBus, RedisSentinels,
    RedisSessions,
};
use crate::system::SystemClock;

/// Each port, and the adapters that the tests below check against its contract.
///
/// `FixedAuthenticator` has no sessions that could begin or end; its few promises are tested in its own file.
const UNDER_CONTRACT: [(&str, &[&str]); 5] = [
    ("ApplauseStore", &["MemoryApplauseStore", "RedisApplauseStore"]),
    ("Authenticator", &["DjangoAuthenticator", "FixedAuthenticator", "MemoryAuthenticator"]),
    ("Clock", &["ManualClock", "SystemClock"]),
    ("ElementStore", &["MemoryElementStore", "RedisElementStore"]),
    ("MessageBus", &["MemoryMessageBus", "RedisMessageBus"]),
];

/// The text of every source file in and below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(fs::read_to_string(path).expect("a text"));
        }
    }
    texts
}

/// The first word after `before`, for each line that begins with `before`.
fn words_after<'a>(texts: &'a [String], before: &str) -> BTreeSet<&'a str> {
    let lines = texts.iter().flat_map(|text| text.lines());
    let words = lines.filter_map(|line| line.strip_prefix(before)?.split([' ', ':', '<']).next());
    words.collect()
}

#[test]
fn no_port_and_no_adapter_is_left_out() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let domain = package.join("../domain/src");
    let ports = sources(&domain.join("ports"));
    let adapters = [sources(&package.join("src")), sources(&domain.join("testing"))].concat();
    let found: Vec<(&str, Vec<&str>)> = words_after(&ports, "pub trait ")
        .into_iter()
        .map(|port| (port, words_after(&adapters, &format!("impl {port} for ")).into_iter().collect()))
        .collect();
    assert_eq!(found, UNDER_CONTRACT.map(|(port, adapters)| (port, adapters.to_vec())));
}

const READ_WAIT: Duration = Duration::from_millis(20);
const PREFIX: &str = "session:";

fn limits() -> RedisLimits {
    // Generous where a test waits for something that comes, short where it waits for something that does not.
    RedisLimits { read_wait: READ_WAIT, request: Duration::from_secs(20), ..RedisLimits::default() }
}

#[tokio::test(start_paused = true)]
async fn memory() {
    let server = MemoryServer::new();
    contract::element_store(&MemoryElementStore::new(&server), &server).await;
    contract::message_bus(&MemoryMessageBus::new(&server), &server).await;
    let bus = MemoryMessageBus::new(&server);
    contract::element_store_beside_its_bus(&MemoryElementStore::new(&server), &bus, &server).await;
    let instances = [(); 2].map(|()| MemoryApplauseStore::new(&server));
    contract::applause_store(&instances[0], &instances[1], &server).await;
    let authenticator = MemoryAuthenticator::new();
    contract::authenticator(&authenticator, &authenticator).await;
    let sessions = MemorySessions::new();
    let django = DjangoAuthenticator::new(secret(), Arc::new(sessions.clone()));
    contract::authenticator(&django, &sessions).await;
}

#[tokio::test]
async fn clocks() {
    contract::clock(&SystemClock::new(), &SystemClock::new()).await;
    let clock = ManualClock::new(1_000);
    contract::clock(&clock, &clock).await;
}

#[tokio::test]
async fn fake_redis() {
    let fake = FakeRedis::start().await.expect("a port");
    hold_all(&RedisUnderTest::new(fake.address(), Backend::Fake(fake))).await;
}

#[tokio::test]
async fn fake_redis_without_sockets() {
    let fake = FakeRedis::start().await.expect("a port");
    let redis = Redis::over(fake.transport(), fake.transport(), limits());
    hold(&redis, &RedisUnderTest::new(fake.address(), Backend::Fake(fake))).await;
}

#[tokio::test]
async fn fake_redis_named_by_a_sentinel() {
    let (fake, sentinel) = (FakeRedis::start().await.expect("a port"), FakeRedis::start().await.expect("a port"));
    sentinel.name_primary("mymaster", &fake);
    let sentinels = RedisSentinels {
        sentinels: format!("127.0.0.1:{}", sentinel.port()).parse().expect("an address"),
        master: "mymaster".to_owned(),
        user: None,
        password: None,
        nodes: fake.address(),
    };
    // The sentinels are asked again as often as possible.
    let limits = RedisLimits { sentinels_asked: Duration::ZERO, ..limits() };
    let redis = Redis::by_sentinel(&sentinels, limits).expect("addresses");
    hold(&redis, &RedisUnderTest::new(fake.address(), Backend::Fake(fake))).await;
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn real_redis() {
    let server = RedisServer::start_persistent().await.expect("a Redis");
    hold_all(&RedisUnderTest::new(server.address(), Backend::Real(Mutex::new(server)))).await;
}

async fn hold_all(server: &RedisUnderTest) {
    hold(&Redis::new(&server.address, &server.address, limits()).expect("an address"), server).await;
}

async fn hold(redis: &Redis, server: &RedisUnderTest) {
    contract::element_store(&RedisElementStore::new(redis), server).await;
    contract::message_bus(&RedisMessageBus::new(redis), server).await;
    let bus = RedisMessageBus::new(redis);
    contract::element_store_beside_its_bus(&RedisElementStore::new(redis), &bus, server).await;
    let elsewhere = Redis::new(&server.address, &server.address, limits()).expect("an address");
    contract::applause_store(&RedisApplauseStore::new(redis), &RedisApplauseStore::new(&elsewhere), server).await;
    let django = DjangoAuthenticator::new(secret(), Arc::new(RedisSessions::new(redis, PREFIX)));
    contract::authenticator(&django, server).await;
}

fn secret() -> DjangoSecret {
    DjangoSecret::new("test")
}

fn session_value(user: Option<UserId>, auth_hash: Option<&str>) -> Vec<u8> {
    let mut session = serde_json::Map::new();
    if let Some(user) = user {
        session.insert("_auth_user_id".to_owned(), user.to_string().into());
    }
    if let Some(auth_hash) = auth_hash {
        session.insert("_auth_user_hash".to_owned(), auth_hash.into());
    }
    secret().encode_session(&serde_json::Value::from(session).to_string()).into_bytes()
}

/// A Redis, and the OpenSlides server that writes to it.
struct RedisUnderTest {
    address: RedisAddress,
    backend: Backend,
    openslides: OpenSlides,
}

enum Backend {
    Fake(FakeRedis),
    Real(Mutex<RedisServer>),
}

impl RedisUnderTest {
    fn new(address: RedisAddress, backend: Backend) -> Self {
        Self { openslides: OpenSlides::new(&address), address, backend }
    }

    async fn reach(&self, reachable: bool) -> bool {
        match &self.backend {
            Backend::Fake(fake) => fake.set_fault(if reachable { Fault::None } else { Fault::Closed }),
            Backend::Real(server) if reachable => server.lock().await.restart().await.expect("a Redis"),
            Backend::Real(server) => server.lock().await.kill().expect("a Redis"),
        }
        true
    }
}

/// Scores that are not change ids, with the member of the sorted set that gets each.
const SPOILED: [(&str, &str); 8] = [
    ("_config:lowest_change_id", "-1"),
    ("_config:lowest_change_id", "1.5"),
    ("_config:lowest_change_id", "inf"),
    ("_config:lowest_change_id", "-inf"),
    ("_config:lowest_change_id", "1e300"),
    ("core/tag:1", "338638634000.5"),
    ("core/tag:1", "inf"),
    ("core/tag:1", "1e300"),
];

#[async_trait]
impl Driver for RedisUnderTest {
    async fn clear(&self) {
        self.openslides.clear().await;
    }

    async fn set_reachable(&self, reachable: bool) -> bool {
        self.reach(reachable).await
    }
}

#[async_trait]
impl ElementStoreDriver for RedisUnderTest {
    async fn rebuild(&self, lowest: ChangeId, elements: &[(&str, &str)]) {
        self.openslides.rebuild(lowest, elements).await;
    }

    async fn begin_rebuild(&self) {
        self.openslides.begin_rebuild().await;
    }

    async fn write(&self, elements: &[(&str, Option<&str>)]) -> ChangeId {
        self.openslides.write(elements).await
    }

    async fn lose(&self, part: MeetingPart) -> bool {
        self.openslides.lose(part).await;
        true
    }

    async fn spoil_change_id(&self, way: usize) -> Option<String> {
        let (member, score) = SPOILED.get(way)?;
        self.openslides.set_score(member, score).await;
        Some(format!("{member} {score}"))
    }
}

#[async_trait]
impl MessageBusDriver for RedisUnderTest {
    async fn append(&self, channel: Channel, contents: &[&[u8]]) {
        self.openslides.append(channel, contents).await;
    }

    async fn append_again(&self, channel: Channel, position: Position, content: &[u8]) -> bool {
        self.openslides.append_at(channel, position, content).await;
        true
    }

    async fn trim(&self, channel: Channel, keep: usize) {
        self.openslides.trim(channel, keep).await;
    }
}

#[async_trait]
impl ApplauseStoreDriver for RedisUnderTest {
    async fn let_seconds_pass(&self, seconds: u64) {
        self.openslides.age_applause(seconds).await;
    }

    /// The clock of a real server goes on.
    fn clock_stands(&self) -> bool {
        matches!(self.backend, Backend::Fake(_))
    }
}

#[async_trait]
impl AuthenticatorDriver for RedisUnderTest {
    async fn log_in(&self, key: &str, user: Option<UserId>, auth_hash: Option<&str>) {
        self.openslides.set(&format!("{PREFIX}{key}"), &session_value(user, auth_hash)).await;
    }

    async fn break_session(&self, key: &str) {
        self.openslides.set(&format!("{PREFIX}{key}"), b"broken").await;
    }

    async fn log_out(&self, key: &str) {
        self.openslides.delete(&format!("{PREFIX}{key}")).await;
    }

    async fn set_reachable(&self, reachable: bool) -> bool {
        self.reach(reachable).await
    }
}

#[async_trait]
impl Driver for MemoryServer {
    async fn clear(&self) {
        Self::clear(self);
    }

    async fn set_reachable(&self, reachable: bool) -> bool {
        self.set_failing((!reachable).then_some("away"));
        true
    }
}

#[async_trait]
impl ElementStoreDriver for MemoryServer {
    async fn rebuild(&self, lowest: ChangeId, elements: &[(&str, &str)]) {
        Self::rebuild(self, lowest, elements.iter().copied());
    }

    async fn begin_rebuild(&self) {
        Self::begin_rebuild(self);
    }

    async fn write(&self, elements: &[(&str, Option<&str>)]) -> ChangeId {
        Self::write(self, elements)
    }

    /// In memory, change ids cannot be lost separately.
    async fn lose(&self, part: MeetingPart) -> bool {
        let can_be_lost = part == MeetingPart::Elements;
        if can_be_lost {
            self.lose_elements();
        }
        can_be_lost
    }

    /// In memory, only valid change ids can be written.
    async fn spoil_change_id(&self, _: usize) -> Option<String> {
        None
    }
}

#[async_trait]
impl MessageBusDriver for MemoryServer {
    async fn append(&self, channel: Channel, contents: &[&[u8]]) {
        for content in contents {
            Self::append(self, channel, content);
        }
    }

    async fn append_again(&self, channel: Channel, position: Position, content: &[u8]) -> bool {
        self.append_at(channel, position, content);
        true
    }

    async fn trim(&self, channel: Channel, keep: usize) {
        Self::trim(self, channel, keep);
    }
}

#[async_trait]
impl ApplauseStoreDriver for MemoryServer {
    async fn let_seconds_pass(&self, seconds: u64) {
        Self::let_seconds_pass(self, seconds);
    }

    /// The suite runs with paused time.
    fn clock_stands(&self) -> bool {
        true
    }
}

#[async_trait]
impl AuthenticatorDriver for MemoryAuthenticator {
    async fn log_in(&self, key: &str, user: Option<UserId>, auth_hash: Option<&str>) {
        Self::log_in(self, key, user, auth_hash);
    }

    async fn break_session(&self, key: &str) {
        Self::break_session(self, key);
    }

    async fn log_out(&self, key: &str) {
        Self::log_out(self, key);
    }

    async fn set_reachable(&self, reachable: bool) -> bool {
        self.set_failing((!reachable).then_some("away"));
        true
    }
}

#[async_trait]
impl AuthenticatorDriver for MemorySessions {
    async fn log_in(&self, key: &str, user: Option<UserId>, auth_hash: Option<&str>) {
        self.set(key, &session_value(user, auth_hash));
    }

    async fn break_session(&self, key: &str) {
        self.set(key, b"broken");
    }

    async fn log_out(&self, key: &str) {
        self.remove(key);
    }

    async fn set_reachable(&self, reachable: bool) -> bool {
        self.set_failing((!reachable).then_some("away"));
        true
    }
}

impl ClockDriver for SystemClock {
    fn let_pass(&self, _: Duration) {}
}
