//! Does every adapter keep the contract of its port?

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ids::{ChangeId, UserId};
use domain::ports::element_store::Missing;
use domain::ports::message_bus::{Channel, Position};
use domain::testing::contract::{self, Server, Sessions};
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

/// Which adapters are held to the contract of which port, by the tests below.
const UNDER_CONTRACT: [(&str, &[&str]); 4] = [
    ("ApplauseStore", &["MemoryApplauseStore", "RedisApplauseStore"]),
    ("Authenticator", &["DjangoAuthenticator", "FixedAuthenticator", "MemoryAuthenticator"]),
    ("ElementStore", &["MemoryElementStore", "RedisElementStore"]),
    ("MessageBus", &["MemoryMessageBus", "RedisMessageBus"]),
];

/// `FixedAuthenticator` has no sessions that could begin or end; its few promises are tested beside it.
#[test]
fn no_adapter_is_left_out() {
    let mut sources = Vec::new();
    for folder in ["django", "memory", "redis"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
        for file in std::fs::read_dir(folder).expect("a folder") {
            sources.push(std::fs::read_to_string(file.expect("a file").path()).expect("a text"));
        }
    }
    for (port, expected) in UNDER_CONTRACT {
        let implementation = format!("impl {port} for ");
        let mut adapters: Vec<_> = sources
            .iter()
            .flat_map(|source| source.split(&implementation).skip(1))
            .filter_map(|rest| rest.split_whitespace().next())
            .collect();
        adapters.sort_unstable();
        assert_eq!(adapters, expected, "adapters of {port}");
    }
}

const READ_WAIT: Duration = Duration::from_millis(20);
const PREFIX: &str = "session:";

fn limits() -> RedisLimits {
    // Generous where something is awaited that comes, short where nothing comes.
    RedisLimits { read_wait: READ_WAIT, request: Duration::from_secs(20), ..RedisLimits::default() }
}

#[tokio::test(start_paused = true)]
async fn memory() {
    let server = MemoryServer::new();
    contract::element_store(&MemoryElementStore::new(&server), &server).await;
    contract::message_bus(&MemoryMessageBus::new(&server), &server).await;
    let instances = [(); 2].map(|()| MemoryApplauseStore::new(&server));
    contract::applause_store(&instances[0], &instances[1], &server).await;
    let authenticator = MemoryAuthenticator::new();
    contract::authenticator(&authenticator, &authenticator).await;
    let sessions = MemorySessions::new();
    let django = DjangoAuthenticator::new(secret(), Arc::new(sessions.clone()));
    contract::authenticator(&django, &sessions).await;
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
    // The sentinels are asked all the time.
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

/// A Redis, and who writes there.
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

#[async_trait]
impl Server for RedisUnderTest {
    async fn clear(&self) {
        self.openslides.clear().await;
    }

    async fn rebuild(&self, lowest: ChangeId, elements: &[(&str, &str)]) {
        self.openslides.rebuild(lowest, elements).await;
    }

    async fn begin_rebuild(&self) {
        self.openslides.begin_rebuild().await;
    }

    async fn write(&self, elements: &[(&str, Option<&str>)]) -> ChangeId {
        self.openslides.write(elements).await
    }

    async fn append(&self, channel: Channel, contents: &[&[u8]]) {
        self.openslides.append(channel, contents).await;
    }

    async fn append_at(&self, channel: Channel, position: Position, content: &[u8]) {
        self.openslides.append_at(channel, position, content).await;
    }

    async fn trim(&self, channel: Channel, keep: usize) {
        self.openslides.trim(channel, keep).await;
    }

    async fn lose(&self, part: Missing) -> bool {
        self.openslides.lose(part).await;
        true
    }

    async fn let_seconds_pass(&self, seconds: u64) {
        self.openslides.age_applause(seconds).await;
    }

    async fn set_score(&self, member: &str, score: &str) {
        self.openslides.set_score(member, score).await;
    }

    async fn set_reachable(&self, reachable: bool) -> bool {
        self.reach(reachable).await
    }
}

#[async_trait]
impl Sessions for RedisUnderTest {
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
impl Server for MemoryServer {
    async fn clear(&self) {
        Self::clear(self);
    }

    async fn rebuild(&self, lowest: ChangeId, elements: &[(&str, &str)]) {
        Self::rebuild(self, lowest, elements.iter().copied());
        self.set_failing(None);
    }

    async fn begin_rebuild(&self) {
        Self::begin_rebuild(self);
    }

    async fn write(&self, elements: &[(&str, Option<&str>)]) -> ChangeId {
        Self::write(self, elements)
    }

    async fn append(&self, channel: Channel, contents: &[&[u8]]) {
        for content in contents {
            Self::append(self, channel, content);
        }
    }

    async fn append_at(&self, channel: Channel, position: Position, content: &[u8]) {
        Self::append_at(self, channel, position, content);
    }

    async fn trim(&self, channel: Channel, keep: usize) {
        Self::trim(self, channel, keep);
    }

    /// Memory keeps change ids together: they cannot be lost alone.
    async fn lose(&self, part: Missing) -> bool {
        let can_be_lost = part == Missing::Elements;
        if can_be_lost {
            self.lose_elements();
        }
        can_be_lost
    }

    async fn let_seconds_pass(&self, seconds: u64) {
        Self::let_seconds_pass(self, seconds);
    }

    /// Memory keeps change ids, not scores: one that is none cannot even be written.
    async fn set_score(&self, _: &str, score: &str) {
        self.set_failing(Some(&format!("{score} is not a change id")));
    }

    async fn set_reachable(&self, reachable: bool) -> bool {
        self.set_failing((!reachable).then_some("away"));
        true
    }
}

#[async_trait]
impl Sessions for MemoryAuthenticator {
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
impl Sessions for MemorySessions {
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
