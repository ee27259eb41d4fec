//! How does the OpenSlides server write to Redis? (spec: redis.md#change-script, redis.md#rebuild)

use domain::ids::ChangeId;
use domain::ports::element_store::MeetingPart;
use domain::ports::message_bus::{Channel, Position};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline};
use tokio::sync::Mutex;

use crate::memory::announcement;
use crate::redis::{EntryId, RedisAddress, stream_key};

/// How many entries one request appends at most.
const ENTRIES_PER_REQUEST_MAX: usize = 1_000;

/// Writes to a Redis as the OpenSlides server does. Its methods panic if Redis fails or refuses.
pub struct OpenSlides {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    /// Serializes changes: the server's script is atomic, too.
    changing: Mutex<()>,
}

impl OpenSlides {
    /// Creates a server that writes to the Redis at `address`.
    #[must_use]
    pub fn new(address: &RedisAddress) -> Self {
        let info = address.connection_info().expect("an address to connect to");
        let client = Client::open(info).expect("an address to connect to");
        Self { client, connection: Mutex::default(), changing: Mutex::default() }
    }

    /// Deletes everything.
    pub async fn clear(&self) {
        self.run(redis::pipe().cmd("FLUSHALL").ignore()).await
    }

    /// Begins to rebuild the cache: it is empty until [`rebuild`](Self::rebuild).
    pub async fn begin_rebuild(&self) {
        self.run(redis::pipe().del("cache_ready").ignore().del("change_id").ignore().del("full_data").ignore()).await
    }

    /// Rebuilds the cache with only these elements and `lowest` as their change id. Nothing is announced on the stream.
    pub async fn rebuild(&self, lowest: ChangeId, elements: &[(&str, &str)]) {
        self.begin_rebuild().await;
        let mut commands = redis::pipe();
        commands.zadd("change_id", "_config:lowest_change_id", lowest.0).ignore();
        if !elements.is_empty() {
            commands.cmd("HSET").arg("full_data").arg(elements).ignore();
        }
        commands.set("cache_ready", "ok").ignore();
        self.run(&commands).await
    }

    /// Writes elements (`None` deletes) as one change, and announces it on the stream. Returns the change id.
    pub async fn change(&self, elements: &[(&str, Option<&str>)]) -> ChangeId {
        let change_id = self.write(elements).await;
        self.announce(change_id, elements).await;
        change_id
    }

    /// Writes elements as one change without announcing it, as if the stream entry were late ([`OpenSlides::announce`])
    /// or lost. Returns the change id.
    pub async fn write(&self, elements: &[(&str, Option<&str>)]) -> ChangeId {
        let _alone = self.changing.lock().await;
        let (highest,): (Vec<(String, u64)>,) = self.run(redis::pipe().zrevrange_withscores("change_id", 0, 0)).await;
        let change_id = ChangeId(highest.first().map_or(0, |(_, id)| *id)).next();
        self.write_as(change_id, elements).await;
        change_id
    }

    /// Writes elements with a given change id, without announcing it.
    pub async fn write_as(&self, change_id: ChangeId, elements: &[(&str, Option<&str>)]) {
        let mut commands = redis::pipe();
        commands.atomic();
        for (key, json) in elements {
            match json {
                Some(json) => commands.hset("full_data", key, json).ignore(),
                None => commands.hdel("full_data", key).ignore(),
            };
            commands.zadd("change_id", key, change_id.0).ignore();
        }
        self.run(&commands).await
    }

    /// Announces on the stream that elements changed.
    pub async fn announce(&self, change_id: ChangeId, elements: &[(&str, Option<&str>)]) {
        self.append(Channel::Autoupdate, &[announcement(change_id, elements).as_bytes()]).await;
    }

    /// Appends entries to a stream, whatever their content.
    pub async fn append(&self, channel: Channel, contents: &[&[u8]]) {
        for batch in contents.chunks(ENTRIES_PER_REQUEST_MAX) {
            let mut commands = redis::pipe();
            for content in batch {
                commands.xadd(stream_key(channel), "*", &[("content", content)]).ignore();
            }
            self.run::<()>(&commands).await;
        }
    }

    /// Appends an entry with these fields instead of `content`.
    pub async fn append_fields(&self, channel: Channel, fields: &[(&str, &str)]) {
        self.run(redis::pipe().xadd(stream_key(channel), "*", fields).ignore()).await
    }

    /// Appends an entry with a given id, which must be greater than all existing ones.
    pub async fn append_at(&self, channel: Channel, position: Position, content: &[u8]) {
        self.run(
            redis::pipe()
                .xadd(stream_key(channel), EntryId::from(position).to_string(), &[("content", content)])
                .ignore(),
        )
        .await
    }

    /// Drops the oldest entries of a stream, all but `keep`.
    pub async fn trim(&self, channel: Channel, keep: usize) {
        self.run(redis::pipe().cmd("XTRIM").arg(stream_key(channel)).arg("MAXLEN").arg(keep).ignore()).await
    }

    /// Loses a part of the cache, which still claims to be ready: as Redis does with an eviction policy, or as if
    /// somebody had deleted it.
    pub async fn lose(&self, part: MeetingPart) {
        let mut commands = redis::pipe();
        match part {
            MeetingPart::Elements => commands.del("full_data").ignore(),
            MeetingPart::Configuration => {
                let (keys,): (Vec<String>,) = self.run(redis::pipe().hkeys("full_data")).await;
                let configuration: Vec<_> = keys.iter().filter(|key| key.starts_with("core/config:")).collect();
                commands.hdel("full_data", configuration).ignore()
            }
            MeetingPart::ChangeIds => commands.del("change_id").ignore(),
            MeetingPart::LowestChangeId => commands.zrem("change_id", "_config:lowest_change_id").ignore(),
        };
        self.run(&commands).await
    }

    /// Backdates all recorded applause by this time.
    pub async fn age_applause(&self, seconds: u64) {
        let (users,): (Vec<String>,) = self.run(redis::pipe().zrangebyscore("applause", "-inf", "+inf")).await;
        let mut commands = redis::pipe();
        for user in users {
            commands.cmd("ZINCRBY").arg("applause").arg(format!("-{seconds}")).arg(user).ignore();
        }
        self.run(&commands).await
    }

    /// Writes a member of the sorted set of change ids, whatever its score.
    pub async fn set_score(&self, member: &str, score: &str) {
        self.run(redis::pipe().cmd("ZADD").arg("change_id").arg(score).arg(member).ignore()).await
    }

    /// Turns a key into a stream, where the service expects another type.
    pub async fn set_other_type(&self, key: &str) {
        self.delete(key).await;
        self.run(redis::pipe().xadd(key, "*", &[("content", "")]).ignore()).await
    }

    /// Writes a key, for example a session.
    pub async fn set(&self, key: &str, value: &[u8]) {
        self.run(redis::pipe().set(key, value).ignore()).await
    }

    /// Deletes a key.
    pub async fn delete(&self, key: &str) {
        self.run(redis::pipe().del(key).ignore()).await
    }

    async fn run<T: FromRedisValue>(&self, commands: &Pipeline) -> T {
        commands.query_async(&mut self.connection().await).await.expect("Redis executes it")
    }

    /// Returns the connection of the previous request if it still works: a test may have closed it.
    async fn connection(&self) -> MultiplexedConnection {
        let mut last = self.connection.lock().await;
        if let Some(connection) = last.as_mut()
            && redis::cmd("PING").exec_async(connection).await.is_ok()
        {
            return connection.clone();
        }
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await;
        last.insert(connection.expect("Redis is there")).clone()
    }
}
